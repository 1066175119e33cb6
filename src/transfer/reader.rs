//! Reads a delimited file record by record in bounded memory. Errors name the line.

use std::io::{BufRead, BufReader, Chain, Cursor, Read};

use csv_core::ReadRecordResult;

use super::delimiter::Start;
use super::line_counter::LineCounter;
use super::read_error::ReadError;
use crate::domain::visible::trim_unseen;

/// The size of each read, in bytes. The first one is also searched for the delimiter.
const BUFFER: usize = 64 * 1024;

/// The longest record, in bytes. Without a limit, an unclosed quote would read the rest of the file into memory.
const RECORD_MAX: usize = 1024 * 1024;

/// A record: its cells, joined without separators, the end of each, and the line in which it begins.
pub struct Record<'r> {
    text: &'r str,
    ends: &'r [usize],
    pub line: u64,
}

impl<'r> Record<'r> {
    /// A record of the text's parts, each of which ends where `ends` says.
    pub(super) fn new(text: &'r str, ends: &'r [usize], line: u64) -> Self {
        Self { text, ends, line }
    }

    /// The number of cells.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// The trimmed cell. `None` if it has only blanks and invisible characters, or is beyond the end of the record.
    pub fn get(&self, index: usize) -> Option<&'r str> {
        self.get_exact(index).filter(|cell| !trim_unseen(cell).is_empty())
    }

    /// As [`Self::get`], but a cell of invisible characters is a value.
    pub fn get_exact(&self, index: usize) -> Option<&'r str> {
        let end = *self.ends.get(index)?;
        let start = index.checked_sub(1).map_or(0, |before| self.ends[before]);
        Some(self.text[start..end].trim()).filter(|cell| !cell.is_empty())
    }

    /// The trimmed cells.
    pub fn cells(&self) -> Vec<String> {
        let cells = (0..self.len()).map(|index| self.get(index).unwrap_or_default());
        cells.map(str::to_owned).collect()
    }

    /// Whether all cells are blank, as in the rows that spreadsheets leave below a table.
    pub fn is_blank(&self) -> bool {
        (0..self.len()).all(|index| self.get(index).is_none())
    }
}

/// The records of a file, including the header.
pub struct Records<R> {
    source: BufReader<Chain<Cursor<Vec<u8>>, R>>,
    parser: csv_core::Reader,
    /// The cells of the current record, joined without separators, and the end of each.
    cells: Vec<u8>,
    ends: Vec<usize>,
    lines: LineCounter,
    filled: Vec<bool>,
}

impl<R: Read> Records<R> {
    /// Detects the file's delimiter, unless that is given.
    ///
    /// # Errors
    /// [`ReadError::Empty`] if the file has no text.
    pub fn open(mut source: R, delimiter: Option<u8>) -> Result<Self, ReadError> {
        let mut start = Vec::new();
        source.by_ref().take(BUFFER as u64).read_to_end(&mut start)?;
        let mark = if start.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
        if start[mark..].trim_ascii().is_empty() && start.len() < BUFFER {
            return Err(ReadError::Empty);
        }
        let sample = Start {
            bytes: &start[mark..],
            is_whole: start.len() < BUFFER,
        };
        let delimiter = sample.delimiter(delimiter);
        let content = Start {
            bytes: &sample.bytes[delimiter.skipped..],
            ..sample
        };
        let filled = filled_columns(&content.records(delimiter.byte));
        let lines = LineCounter::START.after(&sample.bytes[..delimiter.skipped]);
        let skipped = mark + delimiter.skipped;
        let mut start = Cursor::new(start);
        start.set_position(skipped as u64);
        Ok(Self {
            source: BufReader::with_capacity(BUFFER, start.chain(source)),
            parser: csv_core::ReaderBuilder::new().delimiter(delimiter.byte).build(),
            cells: vec![0; 4096],
            ends: vec![0; 64],
            lines,
            filled,
        })
    }

    /// For each column, whether one of the file's first rows has a value in it. The slice ends at the last column that
    /// has a value.
    pub fn filled(&self) -> &[bool] {
        &self.filled
    }

    /// The source of the text.
    pub fn source(&self) -> &R {
        self.source.get_ref().get_ref().1
    }

    /// Returns the next record, without empty lines, or `None` at the end of the file.
    ///
    /// # Errors
    /// A [`ReadError`] with the line of the broken record.
    pub fn next(&mut self) -> Result<Option<Record<'_>>, ReadError> {
        if !self.skip_line_ends()? {
            return Ok(None);
        }
        let start = self.lines;
        let line = start.line;
        let (mut cells, mut ends) = (0, 0);
        loop {
            let input = self.source.fill_buf()?;
            // The file's last line may lack its line end. If adding one does not finish the record, a quote is open.
            let at_end = input.is_empty();
            let input = if at_end { b"\n" } else { input };
            let (result, read, written, ended) =
                self.parser
                    .read_record(input, &mut self.cells[cells..], &mut self.ends[ends..]);
            cells += written;
            ends += ended;
            if let Some(nul) = input[..read].iter().position(|byte| *byte == 0) {
                let line = self.lines.after(&input[..nul]).line;
                return Err(ReadError::Nul { line });
            }
            if !at_end {
                self.lines = self.lines.after(&input[..read]);
                self.source.consume(read);
            }
            match result {
                ReadRecordResult::Record => break,
                ReadRecordResult::InputEmpty if at_end => return Err(ReadError::OpenQuote { line }),
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::OutputFull if cells >= RECORD_MAX => return Err(ReadError::RecordTooLong { line }),
                ReadRecordResult::OutputFull => self.cells.resize(self.cells.len() * 2, 0),
                ReadRecordResult::OutputEndsFull if ends >= RECORD_MAX => {
                    return Err(ReadError::RecordTooLong { line });
                }
                ReadRecordResult::OutputEndsFull => self.ends.resize(self.ends.len() * 2, 0),
                ReadRecordResult::End => return Ok(None),
            }
        }
        let (cells, ends) = (&self.cells[..cells], &self.ends[..ends]);
        let text = std::str::from_utf8(cells).map_err(|error| ReadError::NotUtf8 {
            line: start.after(&cells[..error.valid_up_to()]).line,
        })?;
        // Two cells that are each invalid at their common border can be valid UTF-8 when joined.
        if let Some(end) = ends.iter().find(|end| !text.is_char_boundary(**end)) {
            let line = start.after(&cells[..*end]).line;
            return Err(ReadError::NotUtf8 { line });
        }
        Ok(Some(Record { text, ends, line }))
    }

    /// Skips to the first byte of the next record, so that its line is known. Returns `false` at the end of the file.
    fn skip_line_ends(&mut self) -> Result<bool, ReadError> {
        loop {
            let input = self.source.fill_buf()?;
            if input.is_empty() {
                return Ok(false);
            }
            let skipped = input
                .iter()
                .position(|byte| !matches!(byte, b'\r' | b'\n'))
                .unwrap_or(input.len());
            let more = skipped < input.len();
            self.lines = self.lines.after(&input[..skipped]);
            self.source.consume(skipped);
            if more {
                return Ok(true);
            }
        }
    }
}

/// For each column, whether it has a value in a row after the header.
fn filled_columns(records: &[Vec<String>]) -> Vec<bool> {
    let mut filled = Vec::new();
    for row in records.iter().skip(1) {
        for (index, _) in row.iter().enumerate().filter(|(_, cell)| !cell.is_empty()) {
            if filled.len() <= index {
                filled.resize(index + 1, false);
            }
            filled[index] = true;
        }
    }
    filled
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    /// Returns one byte per read, so that every boundary between reads is tested.
    struct ByteByByte<'a>(&'a [u8]);

    impl Read for ByteByByte<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let count = self.0.len().min(buffer.len()).min(1);
            buffer[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            Ok(count)
        }
    }

    fn read(bytes: &[u8]) -> Result<Vec<(u64, Vec<String>)>, ReadError> {
        let mut records = Records::open(ByteByByte(bytes), None)?;
        let mut all = Vec::new();
        while let Some(record) = records.next()? {
            all.push((record.line, record.cells()));
        }
        Ok(all)
    }

    fn record(line: u64, cells: &[&str]) -> (u64, Vec<String>) {
        (line, cells.iter().map(|cell| cell.to_string()).collect())
    }

    #[test]
    fn a_record_has_the_line_in_which_it_begins() {
        let expected = [
            record(2, &["a", "b"]),
            record(3, &["1\r\n2", "x"]),
            record(7, &["3", ""]),
        ];
        assert_eq!(read(b"\r\na,b\r\n\"1\r\n2\",x\r\n\r\n\r\n3,").unwrap(), expected);
        let expected = [record(1, &["a", "b"]), record(2, &["1\n2", "x"]), record(5, &["3", ""])];
        assert_eq!(read(b"\xef\xbb\xbfa;b\n\"1\n2\"; x \n\n3;\n").unwrap(), expected);
        let expected = [record(2, &["a", "b"]), record(3, &["1\r2", "x"]), record(6, &["3", ""])];
        assert_eq!(read(b"\ra,b\r\"1\r2\",x\r\r3,\r").unwrap(), expected);
        let expected = [
            record(1, &["a"]),
            record(2, &["b"]),
            record(4, &["c"]),
            record(5, &["d"]),
        ];
        assert_eq!(read(b"a\r\nb\n\rc\rd\n").unwrap(), expected, "line ends of every kind");
    }

    #[test]
    fn the_first_line_can_name_the_delimiter() {
        for (text, expected) in [
            (&b"sep=;\na,b;c\n1;2"[..], record(2, &["a,b", "c"])),
            (b"\xef\xbb\xbfSEP=|\r\na,b|c\r\n1|2\r\n", record(2, &["a,b", "c"])),
            (b"sep=\t\r\r\na,b\tc\r", record(3, &["a,b", "c"])),
            (b"\nsep=;\na,b;c\n", record(3, &["a,b", "c"])),
            (b"\r\n ,,\r\n  sep=;\r\na,b;c\r\n", record(4, &["a,b", "c"])),
            (b"sep=;x,y\na,b", record(1, &["sep=;x", "y"])),
            (b"sep=a\nb", record(1, &["sep=a"])),
            (b"sep=", record(1, &["sep="])),
        ] {
            assert_eq!(read(text).unwrap()[0], expected, "{}", text.escape_ascii());
        }
        assert_eq!(read(b"sep=;\n").unwrap(), []);
    }

    #[test]
    fn a_column_is_filled_if_a_row_has_a_value_in_it() {
        let filled = |file: &str| Records::open(file.as_bytes(), None).unwrap().filled().to_vec();
        assert_eq!(filled("a,b,c,d\n1, ,\n,,3,\n"), [true, false, true]);
        assert!(filled("a,b\n").is_empty());
    }

    #[test]
    fn an_unclosed_quote_is_found_however_the_file_ends() {
        for text in ["a,b\n1,2\n3,\"4\n5,6\n", "a,b\n1,2\n\"3,4", "a,b\n1,2\n3,\""] {
            let error = read(text.as_bytes()).unwrap_err();
            assert!(matches!(error, ReadError::OpenQuote { line: 3 }), "{text:?}: {error}");
        }
        for text in ["a,b\n1,\"2\"", "a,b\n1,\"2\"\r", "a,b\n1,\"\"\"2\"\"\""] {
            assert!(read(text.as_bytes()).is_ok(), "{text:?}");
        }
    }

    #[test]
    fn invalid_utf_8_is_refused_with_its_line() {
        assert!(matches!(
            read(b"a,b\n1,2\n\"x\ny\0\",2"),
            Err(ReadError::Nul { line: 4 })
        ));
        assert!(matches!(
            read(b"a,b\n1,2\n\"x\ny\xf3\",2"),
            Err(ReadError::NotUtf8 { line: 4 })
        ));
        assert!(matches!(
            read(b"a,b\r1,2\r\"x\ry\xf3\",2\r"),
            Err(ReadError::NotUtf8 { line: 4 })
        ));
        assert!(matches!(read(b"a,b\nx\xc3,\xb3"), Err(ReadError::NotUtf8 { line: 2 })));
        assert!(matches!(read(b" \n"), Err(ReadError::Empty)));
        assert!(matches!(read(b"\xef\xbb\xbf"), Err(ReadError::Empty)));
    }

    #[test]
    fn an_endless_record_is_refused() {
        let endless = b"a,b\n1,\"".chain(io::repeat(b'x'));
        let mut records = Records::open(endless, None).unwrap();
        records.next().unwrap();
        assert!(matches!(records.next(), Err(ReadError::RecordTooLong { line: 2 })));
        let mut records = Records::open(b"a,b\n".chain(io::repeat(b',')), None).unwrap();
        records.next().unwrap();
        assert!(matches!(records.next(), Err(ReadError::RecordTooLong { line: 2 })));
    }
}
