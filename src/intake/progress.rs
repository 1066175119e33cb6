//! What a person sees while a file is read.

use indicatif::{ProgressBar, ProgressStyle};

use super::import::Progress;

/// A bar on standard error over the file's `size` in bytes. Nothing is drawn where that is no terminal.
pub fn bar(size: u64) -> impl FnMut(Progress) {
    let bar = ProgressBar::new(size);
    bar.set_style(
        ProgressStyle::with_template("{bar:40} {percent:>3} % {bytes} of {total_bytes}, {eta} left {msg}")
            .unwrap_or_else(|_| ProgressStyle::default_bar()),
    );
    move |progress| match progress {
        Progress::Read(bytes) => bar.set_position(bytes),
        Progress::Merging => bar.set_message("(merging)"),
        Progress::Done => bar.finish_and_clear(),
    }
}
