//! Lines of a file in a report.

use std::fmt;

use crate::store::import::RowSample;

/// The number of lines that a report names.
const LINES_MAX: usize = 20;

/// Lines of a file, of which only the first are named.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Lines {
    pub count: u64,
    /// The first 20 lines, ascending.
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
    fn from(RowSample { count, mut first }: RowSample) -> Self {
        first.truncate(LINES_MAX);
        Self { count, first }
    }
}

/// `line 2`, `lines 2, 5 and 9`, or `lines 2, 5, … and 7 more`.
impl fmt::Display for Lines {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.count == 1 { "line " } else { "lines " })?;
        let more = self.count - self.first.len() as u64;
        for (index, line) in self.first.iter().enumerate() {
            let separator = match index {
                0 => "",
                index if more == 0 && index + 1 == self.first.len() => " and ",
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
        assert!(lines(1..=21).ends_with(", 19, 20 and 1 more"), "{}", lines(1..=21));
    }
}
