//! Reads the lines of a file of vCards, and joins folded ones.

use std::io::BufRead;

use super::property::Property;
use crate::transfer::line_counter::LineCounter;
use crate::transfer::read_error::ReadError;

/// The longest line that is kept, in bytes. A photo can be one line of any length, and is skipped.
const KEPT_MAX: usize = 64 * 1024;

/// A line of a file, without its line end.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(super) struct Line {
    pub text: Vec<u8>,
    /// The number of the line in the file. The first one is 1.
    pub number: u64,
    /// Whether the line is longer than [`KEPT_MAX`], so that its end is missing.
    pub is_cut: bool,
}

impl Line {
    /// Whether a soft line break of quoted-printable text ends the line.
    fn ends_softly(&self) -> bool {
        !self.is_cut && self.text.ends_with(b"=")
    }

    /// Adds the text of the next line, from its byte `start` on.
    fn append(&mut self, next: &Self, start: usize) {
        let room = KEPT_MAX.saturating_sub(self.text.len());
        let added = &next.text[start.min(next.text.len())..];
        self.text.extend(&added[..added.len().min(room)]);
        self.is_cut |= next.is_cut || added.len() > room;
    }
}

/// The lines of a file.
pub(super) struct Lines<R> {
    source: R,
    counter: LineCounter,
    /// A line that was read to see whether it continues the line before it.
    next: Option<Line>,
}

impl<R: BufRead> Lines<R> {
    pub(super) fn new(source: R) -> Self {
        Self {
            source,
            counter: LineCounter::START,
            next: None,
        }
    }

    pub(super) fn source(&self) -> &R {
        &self.source
    }

    /// Returns the next line that is not blank, joined with its continuations. They begin with a blank or a tab, or
    /// follow a `=` at the end of a quoted-printable line.
    ///
    /// # Errors
    /// [`ReadError::Io`]
    pub(super) fn next(&mut self) -> Result<Option<Line>, ReadError> {
        let mut line = loop {
            match self.take()? {
                None => return Ok(None),
                Some(line) if line.text.trim_ascii().is_empty() => {}
                Some(line) => break line,
            }
        };
        let has_soft_breaks = Property::parse(&line.text).is_some_and(|property| property.is_quoted_printable());
        let mut ends_softly = has_soft_breaks && line.ends_softly();
        while let Some(next) = self.take()? {
            if ends_softly {
                line.text.truncate(line.text.len() - usize::from(!line.is_cut));
                line.append(&next, 0);
            } else if matches!(next.text.first(), Some(b' ' | b'\t')) {
                line.append(&next, 1);
            } else {
                self.next = Some(next);
                break;
            }
            ends_softly = has_soft_breaks && next.ends_softly();
        }
        Ok(Some(line))
    }

    fn take(&mut self) -> Result<Option<Line>, ReadError> {
        match self.next.take() {
            None => self.read(),
            line => Ok(line),
        }
    }

    /// Reads a line. It ends with LF, CR LF or CR.
    fn read(&mut self) -> Result<Option<Line>, ReadError> {
        let mut line = Line::default();
        let mut is_read = false;
        loop {
            let input = self.source.fill_buf()?;
            if input.is_empty() {
                return Ok(is_read.then_some(line));
            }
            if !is_read {
                let rest_of_line_end = usize::from(self.counter.is_after_return() && input[0] == b'\n');
                self.counter = self.counter.after(&input[..rest_of_line_end]);
                if rest_of_line_end > 0 {
                    self.source.consume(rest_of_line_end);
                    continue;
                }
                line.number = self.counter.line;
                is_read = true;
            }
            let end = input.iter().position(|byte| matches!(byte, b'\r' | b'\n'));
            let text = &input[..end.unwrap_or(input.len())];
            let room = KEPT_MAX - line.text.len();
            line.text.extend(&text[..text.len().min(room)]);
            line.is_cut |= text.len() > room;
            let count = end.map_or(input.len(), |end| end + 1);
            self.counter = self.counter.after(&input[..count]);
            self.source.consume(count);
            if end.is_some() {
                return Ok(Some(line));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::BufReader;

    use super::*;

    fn lines(text: &str) -> Vec<(u64, String)> {
        [1, 2, 1000]
            .map(|capacity| {
                let mut lines = Lines::new(BufReader::with_capacity(capacity, text.as_bytes()));
                let mut found = Vec::new();
                while let Some(line) = lines.next().unwrap() {
                    found.push((line.number, String::from_utf8(line.text).unwrap()));
                }
                found
            })
            .into_iter()
            .reduce(|first, other| {
                assert_eq!(first, other, "the size of the reads does not matter");
                first
            })
            .unwrap()
    }

    #[test]
    fn folded_lines_and_soft_line_breaks_are_joined() {
        let line = |number, text: &str| (number, text.to_owned());
        assert_eq!(
            lines("\r\nNOTE:a\r\n  b\r\n\tc\r\n\r\nFN:x\r\n"),
            [line(2, "NOTE:a bc"), line(6, "FN:x")]
        );
        assert_eq!(lines("A:1\r B\rC"), [line(1, "A:1B"), line(3, "C")]);
        assert_eq!(
            lines("N;QUOTED-PRINTABLE:a=\r\nb=\r\nEND:c\r\nFN:=3D\n"),
            [line(1, "N;QUOTED-PRINTABLE:abEND:c"), line(4, "FN:=3D")]
        );
        assert_eq!(
            lines("N;QUOTED-PRINTABLE:a=\n b=\n\nFN:c=\n d"),
            [line(1, "N;QUOTED-PRINTABLE:a b"), line(4, "FN:c=d")]
        );
        assert_eq!(lines("N;QUOTED-PRINTABLE:a="), [line(1, "N;QUOTED-PRINTABLE:a=")]);
        assert!(lines("\n \n").is_empty());
    }

    #[test]
    fn a_line_of_any_length_is_kept_up_to_its_limit() {
        let long = "x".repeat(KEPT_MAX);
        for text in [
            format!("{long}y\nz"),
            format!("{long}\n y\nz"),
            format!("a\n {long}\nz"),
        ] {
            let mut lines = Lines::new(text.as_bytes());
            let line = lines.next().unwrap().unwrap();
            assert_eq!((line.text.len(), line.is_cut), (KEPT_MAX, true));
            assert_eq!(lines.next().unwrap().unwrap().text, b"z");
        }
    }
}
