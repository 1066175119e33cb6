//! Lines of a file in a report.

use std::fmt;

use crate::store::import::{ROWS_PER_LINE, RowSample};

/// The number of lines that a report names.
const LINES_MAX: usize = 20;

/// The number of a row's contact in the database. It follows the order of lines, and of the contacts of a line.
pub(super) fn row_number(line: u64, index: usize) -> u64 {
    debug_assert!((index as u64) < ROWS_PER_LINE, "a row has at most 100 phones");
    line * ROWS_PER_LINE + index as u64
}

/// Lines of a file, of which only the first are named.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Lines {
    pub count: u64,
    /// The lines of the first 20, ascending. A line that counts several times is there as often.
    pub first: Vec<u64>,
}

impl Lines {
    pub(super) fn push(&mut self, line: u64) {
        self.count += 1;
        if self.first.len() < LINES_MAX {
            self.first.push(line);
        }
    }
}

impl From<RowSample> for Lines {
    fn from(RowSample { count, first }: RowSample) -> Self {
        let lines = first.into_iter().map(|row| row / ROWS_PER_LINE);
        Self {
            count,
            first: lines.take(LINES_MAX).collect(),
        }
    }
}

/// `line 2`, `lines 2, 5 and 9`, or `lines 2, 5, … and 7 more`.
impl fmt::Display for Lines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let more = self.count - self.first.len() as u64;
        let mut lines = self.first.clone();
        lines.dedup();
        f.write_str(if lines.len() == 1 && more == 0 {
            "line "
        } else {
            "lines "
        })?;
        for (index, line) in lines.iter().enumerate() {
            let separator = match index {
                0 => "",
                index if more == 0 && index + 1 == lines.len() => " and ",
                _ => ", ",
            };
            write!(f, "{separator}{line}")?;
        }
        if more > 0 {
            write!(f, " and {more} more")?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_twenty_lines_are_named_and_the_others_counted() {
        let lines = |numbers: std::ops::RangeInclusive<u64>| {
            let mut lines = Lines::default();
            numbers.for_each(|line| lines.push(line));
            lines.to_string()
        };
        assert_eq!(lines(2..=2), "line 2");
        assert_eq!(lines(2..=3), "lines 2 and 3");
        assert_eq!(lines(2..=4), "lines 2, 3 and 4");
        assert!(lines(1..=20).ends_with(", 19 and 20"), "{}", lines(1..=20));
        let twice = Lines {
            count: 3,
            first: vec![4, 4, 7],
        };
        assert_eq!(twice.to_string(), "lines 4 and 7");
        let sample = RowSample {
            count: 2,
            first: vec![row_number(4, 0), row_number(4, 99)],
        };
        assert_eq!(Lines::from(sample).to_string(), "line 4");
        assert!(lines(1..=21).ends_with(", 19, 20 and 1 more"), "{}", lines(1..=21));
    }
}
