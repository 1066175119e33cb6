//! Shows the progress of an import.

use std::io::{self, Write};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::import::Event;
use crate::domain::visible::visible_lines;

/// Returns an observer that shows the progress of an import on standard error. It prints one line per rejected row,
/// cell that was left out, and lookalike. Below these lines it draws a bar, which is full when `size` bytes of the file
/// have been read. The bar is drawn only on a terminal.
pub fn on_stderr(size: Option<u64>) -> impl FnMut(Event) {
    let bar = ProgressBar::with_draw_target(size, ProgressDrawTarget::stderr());
    let template = match size {
        Some(_) => "{bar:40} {percent:>3} % {bytes} of {total_bytes}, {eta} left {msg}",
        None => "{bytes} in {elapsed} {msg}",
    };
    bar.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()));
    // Written in one call, because standard error is not buffered. An error means that the reader has closed its end.
    let say = |bar: &ProgressBar, line: String| {
        let line = visible_lines(&line).into_owned();
        bar.suspend(|| {
            let _ = io::stderr().write_all(line.as_bytes());
        });
    };
    move |event| match event {
        Event::Read(bytes) => bar.set_position(bytes),
        Event::Rejected(rejection) => say(&bar, format!("{rejection}\n")),
        Event::CellLeftOut(cell) => say(&bar, format!("{cell}; the cell is left out\n")),
        Event::Lookalike(lookalike) => say(&bar, format!("{lookalike}\n")),
        Event::Merging => bar.set_message("(merging)"),
        Event::Done => bar.finish_and_clear(),
    }
}
