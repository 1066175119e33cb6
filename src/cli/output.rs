//! Standard output and standard error, whose readers may go away or have no room; `println!` would panic.

use std::fmt::Display;
use std::io::{self, ErrorKind, Write};

use anyhow::Context;

/// Prints a result. A reader that has gone, as in `… | head`, has seen what it wanted.
///
/// # Errors
/// Where standard output can't be written for another reason, such as a full disk.
pub fn print(text: impl Display) -> anyhow::Result<()> {
    match print_or_fail(text) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        outcome => outcome.context("standard output can't be written"),
    }
}

/// Prints what is lost where nobody sees it.
///
/// # Errors
/// Where standard output can't be written, or nobody reads it.
pub fn print_or_fail(text: impl Display) -> io::Result<()> {
    let mut stdout = io::stdout().lock();
    write!(stdout, "{text}")?;
    stdout.flush()
}

/// Says a line to the operator, beside the result. Where that can't be done there is nobody to tell.
pub fn say(line: impl Display) {
    let _ = writeln!(io::stderr(), "{line}");
}

/// An error and its causes on one line, the outermost first.
pub fn error_chain(error: impl Into<anyhow::Error>) -> String {
    format!("{:#}", error.into())
}
