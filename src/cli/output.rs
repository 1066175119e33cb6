//! Prints to standard output and standard error. A reader can close its end, or a disk can be full, and `println!`
//! would panic.

use std::fmt::Display;
use std::io::{self, ErrorKind, Write};

use anyhow::Context;

/// Prints a result. A reader that closed its end, as in `… | head`, is not an error.
///
/// # Errors
/// If standard output can't be written for another reason, such as a full disk.
pub fn print(text: impl Display) -> anyhow::Result<()> {
    match print_or_fail(text) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        outcome => outcome.context("standard output can't be written"),
    }
}

/// Prints a text that would be lost if no reader got it, such as a new key.
///
/// # Errors
/// If standard output can't be written, or its reader has closed its end.
pub fn print_or_fail(text: impl Display) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    write!(stdout, "{text}")?;
    stdout.flush()
}

/// Prints a line for the operator on standard error. A failure is ignored, because there is nowhere to report it.
pub fn say(line: impl Display) {
    let _ = writeln!(io::stderr(), "{line}");
}
