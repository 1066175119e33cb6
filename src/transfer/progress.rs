//! What a person sees while a file is read.

use std::io::{self, Write};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::import::Event;

/// Tells on standard error how far an import is, and which rows it rejects: a line for each of these, above a bar
/// over the file's `size` in bytes. No bar is drawn where standard error is no terminal.
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
            // The line in one piece, as standard error has no buffer. Whoever closed it wants to know no more.
            let _ = io::stderr().write_all(format!("{rejection}\n").as_bytes());
        }),
        Event::Merging => bar.set_message("(merging)"),
        Event::Done => bar.finish_and_clear(),
    }
}
