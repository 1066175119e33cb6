//! Prints to standard output and standard error. A reader can close its end, or a disk can be full, and `println!`
//! would panic.
//!
//! Every text passes [`visible_lines`], because names and labels that somebody else wrote could drive the terminal.

use std::fmt::Display;
use std::io::{self, ErrorKind, Write};
use std::path::Path;

use anyhow::Context;

use crate::domain::visible::{visible, visible_lines};

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
    stdout.write_all(visible_lines(&text.to_string()).as_bytes())?;
    stdout.flush()
}

/// Prints a line for the operator on standard error. A failure is ignored, because there is nowhere to report it.
pub fn say(line: impl Display) {
    let line = format!("{line}\n");
    let _ = io::stderr().write_all(visible_lines(&line).as_bytes());
}

/// A path in a message. Its line feeds are escaped too, so that a file's name can't forge a line.
pub fn visible_path(path: &Path) -> String {
    visible(&path.display().to_string()).into_owned()
}

/// Escapes the active characters of a text for a terminal, except line feeds and tabs. A write must not split a
/// character.
pub struct TerminalWriter<W>(pub W);

impl<W: Write> Write for TerminalWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let text = String::from_utf8_lossy(bytes);
        self.0.write_all(visible_lines(&text).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}
