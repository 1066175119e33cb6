//! An error with its causes, for the log.

use std::error::Error;
use std::fmt::Write;

/// The error and all its causes in one line, each after a colon.
pub fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let _ = write!(text, ": {}", error.to_string().trim());
        cause = error.source();
    }
    text
}
