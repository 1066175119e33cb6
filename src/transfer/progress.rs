//! Shows the progress of an import or a check.

use std::io::{self, Write};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use super::check::CheckStep;
use super::import::Event;
use crate::domain::visible::visible_lines;

/// Returns an observer that shows the progress of an import on standard error. It prints one line per rejected row,
/// cell that was left out, and lookalike. Below these lines it draws a bar, which is full when `size` bytes of the file
/// have been read. The bar is drawn only on a terminal.
pub fn on_stderr(size: Option<u64>) -> impl FnMut(Event) {
    let bar = bar_of_bytes(size);
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
        Event::Judging(contacts) => bar.set_message(format!("({contacts} contacts read)")),
        Event::Merging => bar.set_message("(merging)"),
        Event::Done => bar.finish_and_clear(),
    }
}

/// Returns an observer that shows the progress of a check on standard error, if that is a terminal. First the bar is
/// full when `size` bytes of the file have been read, and then when each line has its verdict. `shows_lines` is `false`
/// if the verdicts go to the same terminal.
pub fn check_on_stderr(size: Option<u64>, shows_lines: bool) -> impl FnMut(&CheckStep) {
    let bar = bar_of_bytes(size);
    let mut lines = 0;
    move |step| match step {
        CheckStep::Read(bytes) => bar.set_position(*bytes),
        CheckStep::Row(_) => {}
        CheckStep::Contacts(contacts) => bar.set_message(format!("({contacts} contacts read)")),
        CheckStep::Line { .. } if !shows_lines => bar.finish_and_clear(),
        CheckStep::Line { of, .. } => {
            if lines == 0 {
                bar.set_length(*of);
                bar.set_message("");
                set_style(&bar, "{bar:40} {percent:>3} % {pos} of {len} rows, {eta} left {msg}");
            }
            lines += 1;
            bar.set_position(lines);
            if lines == *of {
                bar.finish_and_clear();
            }
        }
    }
}

fn bar_of_bytes(size: Option<u64>) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(size, ProgressDrawTarget::stderr());
    let template = match size {
        Some(_) => "{bar:40} {percent:>3} % {bytes} of {total_bytes}, {eta} left {msg}",
        None => "{bytes} in {elapsed} {msg}",
    };
    set_style(&bar, template);
    bar
}

fn set_style(bar: &ProgressBar, template: &str) {
    bar.set_style(ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar()));
}
