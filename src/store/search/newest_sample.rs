//! A sample of a client's newest contacts.

use diesel::prelude::*;
use diesel::sql_types::{Nullable, Text};
use memchr::memchr;
use memchr::memmem::Finder;

/// The emails in lower case and the phones of a client's newest contacts. Each ends with a line break.
#[derive(Debug, Default)]
pub(super) struct NewestSample {
    pub(super) emails: String,
    pub(super) phones: String,
}

#[derive(QueryableByName)]
pub(super) struct SampleRow {
    #[diesel(sql_type = Nullable<Text>)]
    phone: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    email_lower: Option<String>,
}

impl NewestSample {
    pub(super) fn of(rows: &[SampleRow]) -> Self {
        let mut sample = Self::default();
        for SampleRow { phone, email_lower } in rows {
            for (texts, text) in [(&mut sample.phones, phone), (&mut sample.emails, email_lower)] {
                if let Some(text) = text {
                    texts.push_str(text);
                    texts.push('\n');
                }
            }
        }
        sample
    }
}

/// The number of lines that contain the piece.
pub(super) fn count_lines(lines: &str, piece: &str) -> usize {
    let finder = Finder::new(piece);
    let mut rest = lines.as_bytes();
    let mut count = 0;
    while !rest.is_empty()
        && let Some(at) = finder.find(rest)
    {
        count += 1;
        let after = &rest[at + piece.len()..];
        rest = memchr(b'\n', after).map_or(&[], |end| &after[end + 1..]);
    }
    count
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_counts_once() {
        let lines = "ana@example.com\nbob@example.com\nanana@b.com\n";
        for (piece, count) in [
            ("ana", 2),
            ("@", 3),
            ("bob@example.com", 1),
            ("com\nbob", 1),
            ("x.com", 0),
            ("m", 3),
        ] {
            assert_eq!(count_lines(lines, piece), count, "{piece}");
        }
        assert_eq!((count_lines("", "a"), count_lines("a\nb\n", "")), (0, 2));
    }
}
