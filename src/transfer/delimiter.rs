//! Finds the delimiter of a file from its first bytes.

use csv_core::ReadRecordResult;

use super::spellings;
use crate::domain::visible::trim_unseen;

/// The delimiters that are recognised without being named.
const CANDIDATES: [u8; 4] = [b',', b';', b'\t', b'|'];

/// The start of a line that names the delimiter for spreadsheets.
const SEPARATOR: &[u8] = b"sep=";

/// The first bytes of a file, after a byte order mark.
#[derive(Clone, Copy)]
pub(super) struct Start<'s> {
    pub bytes: &'s [u8],
    /// Whether the file ends here.
    pub is_whole: bool,
}

/// A delimiter, and the number of bytes to skip before the header.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Delimiter {
    pub byte: u8,
    pub skipped: usize,
}

/// Whether a delimiter, a line end or the end follows each quoted cell of the header. With a candidate that stands inside
/// of quotes, other text follows.
fn is_well_quoted(file: &[u8], delimiter: u8) -> bool {
    let is_line_end = |byte: u8| matches!(byte, b'\r' | b'\n');
    let first = file.iter().position(|byte| !is_line_end(*byte));
    let mut rest = &file[first.unwrap_or(file.len())..];
    loop {
        if let Some(mut quoted) = rest.strip_prefix(b"\"") {
            rest = loop {
                let Some(mark) = quoted.iter().position(|byte| *byte == b'"') else {
                    return true;
                };
                quoted = &quoted[mark + 1..];
                match quoted.strip_prefix(b"\"") {
                    Some(after) => quoted = after,
                    None => break quoted,
                }
            };
            if rest
                .first()
                .is_some_and(|byte| *byte != delimiter && !is_line_end(*byte))
            {
                return false;
            }
        }
        match rest.iter().position(|byte| *byte == delimiter || is_line_end(*byte)) {
            Some(end) if rest[end] == delimiter => rest = &rest[end + 1..],
            _ => return true,
        }
    }
}

impl Start<'_> {
    /// The `chosen` delimiter, or else the one named by a first line such as `sep=;`, or else the one by which the rows
    /// are as wide as the header.
    pub(super) fn delimiter(self, chosen: Option<u8>) -> Delimiter {
        let (named, skipped) = match self.separator_line() {
            // The end of that line is not skipped, so that it is counted like any other.
            Some(line) => (Some(line), line.end),
            None => (None, 0),
        };
        let content = Start {
            bytes: &self.bytes[skipped..],
            ..self
        };
        let byte = chosen.unwrap_or_else(|| match named {
            // A program that does not know such lines has saved the file again, perhaps with a delimiter of its own.
            Some(SeparatorLine {
                delimiter,
                padding: Some(padding),
                ..
            }) => content.guess(&[delimiter, padding]),
            Some(line) => line.delimiter,
            None => content.guess(&CANDIDATES),
        });
        Delimiter { byte, skipped }
    }

    /// The first line that is not blank, if it only names the delimiter, as Excel reads and writes such a line. Other
    /// programs quote the line, or pad it to the width of the table: `sep=;,,,` or `"sep=;"`.
    fn separator_line(self) -> Option<SeparatorLine> {
        let is_line_end = |byte: &u8| matches!(byte, b'\r' | b'\n');
        let is_blank = |byte: &u8| byte.is_ascii_whitespace() || CANDIDATES.contains(byte);
        let first = self.bytes.iter().position(|byte| !is_blank(byte))?;
        let start = self.bytes[..first]
            .iter()
            .rposition(is_line_end)
            .map_or(0, |end| end + 1);
        let end = first + self.bytes[first..].iter().position(is_line_end)?;
        let line = self.bytes[start..end].trim_ascii_start();
        let unquoted = line.strip_prefix(b"\"");
        let (word, rest) = unquoted
            .unwrap_or(line)
            .trim_ascii_start()
            .split_at_checked(SEPARATOR.len())?;
        let (delimiter, rest) = rest.split_first()?;
        let rest = match unquoted {
            Some(_) => rest.strip_prefix(b"\"")?,
            None => rest,
        };
        let is_delimiter = *delimiter == b'\t' || (delimiter.is_ascii_punctuation() && *delimiter != b'"');
        let is_padding = |byte: &u8| byte == delimiter || *byte == b' ' || CANDIDATES.contains(byte);
        if !word.eq_ignore_ascii_case(SEPARATOR) || !is_delimiter || !rest.iter().all(is_padding) {
            return None;
        }
        Some(SeparatorLine {
            delimiter: *delimiter,
            padding: rest.iter().copied().find(|byte| byte != delimiter && *byte != b' '),
            end,
        })
    }

    /// The candidate by which the largest number of rows is as wide as the header. Further blank cells in a row do not
    /// count. Among equals, it is one that does not stand inside of quotes in the header, then the one that gives the
    /// header most known names, and then the one that gives it most columns.
    fn guess(self, candidates: &[u8]) -> u8 {
        let evidence = |delimiter| {
            let records = self.records(delimiter);
            let Some((header, rows)) = records.split_first().filter(|(header, _)| header.len() > 1) else {
                return (0, true, 0, 1);
            };
            let width = header.len();
            let fits = |row: &&Vec<String>| row.len() >= width && row[width..].iter().all(|cell| cell.is_empty());
            (
                rows.iter().filter(fits).count(),
                is_well_quoted(self.bytes, delimiter),
                header.iter().filter(|column| spellings::is_known(column)).count(),
                width,
            )
        };
        let mut best = (candidates[0], evidence(candidates[0]));
        for candidate in &candidates[1..] {
            let evidence = evidence(*candidate);
            if evidence > best.1 {
                best = (*candidate, evidence);
            }
        }
        best.0
    }

    /// The complete records that are not blank, with trimmed cells. The first one is the header.
    pub(super) fn records(self, delimiter: u8) -> Vec<Vec<String>> {
        let mut parser = csv_core::ReaderBuilder::new().delimiter(delimiter).build();
        let mut input = self.bytes;
        let mut text = vec![0; input.len() + 1];
        let mut ends = vec![0; input.len() + 1];
        let mut records = Vec::new();
        loop {
            let (mut length, mut cells) = (0, 0);
            let is_complete = loop {
                let at_end = input.is_empty();
                let (result, read, written, ended) = parser.read_record(input, &mut text[length..], &mut ends[cells..]);
                input = &input[read..];
                length += written;
                cells += ended;
                match result {
                    ReadRecordResult::Record => break !at_end || self.is_whole,
                    ReadRecordResult::InputEmpty if !at_end => {}
                    // The buffers are as long as the input, so they are never full.
                    _ => return records,
                }
            };
            let starts = std::iter::once(0).chain(ends.iter().copied());
            let record: Vec<String> = starts
                .zip(&ends[..cells])
                .map(|(start, end)| trim_unseen(&String::from_utf8_lossy(&text[start..*end])).to_owned())
                .collect();
            if is_complete && record.iter().any(|cell| !cell.is_empty()) {
                records.push(record);
            }
        }
    }
}

/// A line that names the delimiter.
#[derive(Clone, Copy)]
struct SeparatorLine {
    delimiter: u8,
    /// A delimiter other than the named one, with which the line is padded.
    padding: Option<u8>,
    /// The index of the line's end mark.
    end: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn delimiter(file: &str) -> char {
        let start = Start {
            bytes: file.as_bytes(),
            is_whole: true,
        };
        char::from(start.delimiter(None).byte)
    }

    #[test]
    fn the_rows_decide_about_the_delimiter() {
        for (file, expected) in [
            ("a,b;c,d", ','),
            ("\"a,b,c\";d", ';'),
            ("a\tb\n,,,,", '\t'),
            ("a|b\n1|2\n", '|'),
            ("phone", ','),
            ("\n\nphone;name\n", ';'),
            (
                "nombre;telefono;correo;dirección (calle, número, piso, depto)\nAna;11;a@ej.com;Calle 1\n",
                ';',
            ),
            (
                "nombre;telefono;dirección (calle, número, piso, depto)\nAna;11;Calle 1, 2, 3, 4\n",
                ';',
            ),
            ("navn;dato (dag, måned, år)\nAna;1\nBea;2\n", ';'),
            ("name,phone,tags (a;b;c;d;e)\nAna,11,a;b\n", ','),
            (
                "nombre;direccion (calle, numero)\nAna;Calle 1, 2\nBea;Calle 3, 4\n",
                ';',
            ),
            ("nombre;correo;nota (a, b, c, d)\nAna\nBea\n", ';'),
            ("name;phone;note, long\nAna;11;x;\nBea;12;y;\n", ';'),
        ] {
            assert_eq!(delimiter(file), expected, "{file:?}");
        }
    }

    #[test]
    fn a_padded_or_quoted_line_names_the_delimiter() {
        for (file, expected, skipped) in [
            ("sep=;\na,b;c\n1,2;3", ';', 5),
            ("SEP=|\r\na,b|c", '|', 5),
            ("sep=;,,,\nnombre;correo\nAna;a\n", ';', 8),
            ("sep=;;;;\na,b;c\n", ';', 8),
            ("sep=; \na,b;c\n", ';', 6),
            ("\"sep=;\"\na,b;c\n", ';', 7),
            ("\"sep=;\",,\na,b;c\n1,2;3\n", ';', 9),
            ("sep=;,,\nnombre,correo,nota\nAna,a,x;y\n", ',', 7),
            ("\nsep=;\na,b;c\n", ';', 6),
            (" sep=;\na,b;c\n", ';', 6),
            ("\r\n,,,\r\n\" sep=;\",,\r\na,b;c\n1,2;3\n", ';', 17),
            (",sep=;\na,b\n", ',', 0),
            ("sep=;x,y\na,b", ',', 0),
            ("sep=a\nb", ',', 0),
            ("sep=", ',', 0),
            ("\"sep=;\na;b", ',', 0),
        ] {
            let start = Start {
                bytes: file.as_bytes(),
                is_whole: true,
            };
            let found = start.delimiter(None);
            assert_eq!((char::from(found.byte), found.skipped), (expected, skipped), "{file:?}");
        }
    }

    #[test]
    fn a_candidate_inside_of_quotes_is_no_delimiter() {
        assert_eq!(delimiter("\"one\",\"list of a|phone\"\n"), ',');
        assert_eq!(delimiter("one,list of a|phone\n"), '|');
        assert_eq!(delimiter("\"a one\",\"b two\",\"c;Phone;d\",\"e\"\n"), ',');
        assert_eq!(delimiter("\n\"a \"\" b|\",\"c\"\n\"d|phone\"\n"), ',');
    }

    #[test]
    fn the_chosen_delimiter_overrides_the_file() {
        for (file, skipped) in [("a,b,c;d\n", 0), ("sep=,\na,b,c;d\n", 5)] {
            let start = Start {
                bytes: file.as_bytes(),
                is_whole: true,
            };
            let expected = Delimiter { byte: b';', skipped };
            assert_eq!(start.delimiter(Some(b';')), expected, "{file:?}");
        }
    }

    #[test]
    fn a_record_that_the_sample_cuts_is_no_evidence() {
        let records = |is_whole| {
            let bytes = b"a,b\n\n , \n1,2\n3,";
            Start { bytes, is_whole }.records(b',').len()
        };
        assert_eq!((records(true), records(false)), (3, 2));
    }
}
