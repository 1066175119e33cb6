//! Writes the result of a check as CSV: the columns of the file, and the verdict about each line.

use std::borrow::Cow;
use std::io::{self, Write};

use super::csv::{escape_for_spreadsheet, push_record};
use super::header::Mapping;
use super::reader::Record;
use crate::domain::contact::Attribute;
use crate::store::check::CheckedLine;

/// The columns after those of the file.
const COLUMNS: [&str; 6] = ["verdict", "score", "reasons", "contact_ids", "duplicate_of", "group"];

/// The values by which a reader recognises the person of a row, as the file has them.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct RowPerson {
    pub name: Option<String>,
    pub phone: Option<String>,
    pub email: Option<String>,
}

impl RowPerson {
    pub(super) fn of(mapping: &Mapping, record: &Record<'_>) -> Self {
        let value = |attribute| {
            let column = mapping.column(record, attribute)?;
            record.get(column).map(str::to_owned)
        };
        let columns = mapping.name_columns(record).iter();
        let name: Vec<&str> = columns.filter_map(|column| record.get(*column)).collect();
        Self {
            name: (!name.is_empty()).then(|| name.join(" ")),
            phone: value(Attribute::Phone),
            email: value(Attribute::Email),
        }
    }
}

/// A CSV file with the verdict about each line of a checked file. Its texts are safe for spreadsheets.
pub struct CheckedFile<W> {
    out: W,
    csv: csv_core::Writer,
    line: Vec<u8>,
}

impl<W: Write> CheckedFile<W> {
    /// Writes the header: the names of the file's columns, and those of the verdict.
    ///
    /// # Errors
    /// If the file can't be written.
    pub fn begin(out: W, header: &[String]) -> io::Result<Self> {
        let mut file = Self {
            out,
            csv: csv_core::Writer::new(),
            // Without a byte order mark Excel does not read the file as UTF-8.
            line: "\u{FEFF}".as_bytes().to_vec(),
        };
        let names = header.iter().map(|name| Cow::from(escape_for_spreadsheet(name)));
        push_record(
            &mut file.csv,
            &mut file.line,
            names.chain(COLUMNS.map(Cow::from)).map(Some),
        );
        file.out.write_all(&file.line)?;
        Ok(file)
    }

    /// Adds a line.
    ///
    /// # Errors
    /// If the file can't be written.
    pub fn push(&mut self, checked: &CheckedLine) -> io::Result<()> {
        let CheckedLine {
            cells,
            verdict,
            score,
            reasons,
            contact_ids,
            duplicate_of,
            group,
            ..
        } = checked;
        let ids: Vec<String> = contact_ids.iter().map(ToString::to_string).collect();
        let line = |line: &Option<u64>| line.map(|line| Cow::from(line.to_string()));
        self.line.clear();
        self.line
            .extend_from_slice(cells.as_deref().unwrap_or_default().as_bytes());
        self.line.push(b',');
        push_record(
            &mut self.csv,
            &mut self.line,
            [
                Some(verdict.to_string().into()),
                Some(format!("{score:.4}").into()),
                Some(escape_for_spreadsheet(&reasons.join("; ")).into()),
                Some(ids.join(" ").into()),
                line(duplicate_of),
                line(group),
            ],
        );
        self.out.write_all(&self.line)
    }

    /// The writer, to take what has been written so far.
    pub fn out(&mut self) -> &mut W {
        &mut self.out
    }

    /// Writes what is buffered.
    ///
    /// # Errors
    /// If the file can't be written.
    pub fn finish(mut self) -> io::Result<()> {
        self.out.flush()
    }
}

/// The cells of a record as CSV, without a line end. A record has as many cells as the header, so that the columns of
/// the verdict line up.
pub(super) fn input_cells(record: &Record<'_>, width: usize) -> String {
    let mut line = Vec::new();
    let cells = (0..width).map(|column| record.get_exact(column).map(|cell| escape_for_spreadsheet(cell).into()));
    push_record(&mut csv_core::Writer::new(), &mut line, cells);
    line.pop();
    String::from_utf8(line).expect("CSV of texts is text")
}
