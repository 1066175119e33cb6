//! How many rows of a file have each verdict.

use std::fmt;

use crate::domain::duplicates::Verdict;

/// How many rows of a file have each verdict.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug)]
pub struct VerdictCounts {
    pub new: u64,
    pub exact: u64,
    pub likely: u64,
    pub conflict: u64,
    pub duplicate_in_file: u64,
    pub invalid: u64,
}

impl VerdictCounts {
    /// Adds rows with the verdict.
    pub(super) fn add(&mut self, verdict: Verdict, rows: u64) {
        *match verdict {
            Verdict::New => &mut self.new,
            Verdict::Exact => &mut self.exact,
            Verdict::Likely => &mut self.likely,
            Verdict::Conflict => &mut self.conflict,
            Verdict::DuplicateInFile => &mut self.duplicate_in_file,
            Verdict::Invalid => &mut self.invalid,
        } += rows;
    }
}

/// `1 new + 1 exact + 0 likely + 0 conflict + 1 duplicate_in_file + 1 invalid`
impl fmt::Display for VerdictCounts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            new,
            exact,
            likely,
            conflict,
            duplicate_in_file,
            invalid,
        } = self;
        write!(
            f,
            "{new} new + {exact} exact + {likely} likely + {conflict} conflict + {duplicate_in_file} \
             duplicate_in_file + {invalid} invalid"
        )
    }
}
