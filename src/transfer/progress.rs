//! Shows the progress of an import.

use std::io::{self, Write};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::import::Event;

/// Returns an observer that shows the progress of an import on standard error: one line per rejected row, and below
/// these lines a bar that is full when `size` bytes of the file have been read. The bar is drawn only on a terminal.
pub fn on_stderr(size: Option<u64>) -> impl FnMut(Event) {
    let bar = ProgressBar::with_draw_target(size, ProgressDrawTarget::stderr());
    let template = match size {
        Some(_) => "{bar:40} {percent:>3} % {bytes} of {total_bytes}, {eta} left {msg}",
        None => "{bytes} in {elapsed} {msg}",
    };
    bar.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()));
    move |event| match event {
        Event::Read(bytes) => bar.set_position(bytes),
        Event::Rejected(rejection) => bar.suspend(|| {
            // Written in one call, because standard error is not buffered. An error means that the reader has closed
            // its end.
            let _ = io::stderr().write_all(format!("{rejection}\n").as_bytes());
        }),
        Event::Merging => bar.set_message("(merging)"),
        Event::Done => bar.finish_and_clear(),
    }
}
