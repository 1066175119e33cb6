//! Counts the lines of a text.

/// The line number at a position between two bytes of the file.
#[derive(Clone, Copy)]
pub(super) struct LineCounter {
    pub line: u64,
    /// Whether the last byte was a carriage return. A line feed after it belongs to the same line end.
    after_return: bool,
}

impl LineCounter {
    pub(super) const START: Self = Self {
        line: 1,
        after_return: false,
    };

    /// The count after `bytes`. A line ends with LF, CR LF or, as on old Macs, CR.
    pub(super) fn after(self, bytes: &[u8]) -> Self {
        bytes.iter().fold(self, |counter, byte| {
            let after_return = *byte == b'\r';
            let ends = after_return || (*byte == b'\n' && !counter.after_return);
            Self {
                line: counter.line + u64::from(ends),
                after_return,
            }
        })
    }

    /// Whether the last byte was a carriage return. A line feed after it belongs to the same line end.
    pub(super) fn is_after_return(self) -> bool {
        self.after_return
    }
}
