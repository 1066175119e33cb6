//! Reads the sheets of a workbook as tables.

use std::io::{Cursor, Read};
use std::ops::ControlFlow;

use calamine::{DataRef, Reader, SheetType, SheetVisible, Xlsx};

use super::parts::check;
use crate::transfer::read_error::ReadError;
use crate::transfer::reader::Record;

/// The largest file, in bytes. It is held in memory, because the directory of an archive is at its end.
const FILE_MAX: u64 = 64 * 1024 * 1024;

/// The number of a sheet's first rows that decide which columns have values.
const SAMPLE: usize = 1000;

/// The longest text of a row, in bytes.
const ROW_MAX: usize = 1024 * 1024;

/// A visible sheet with at least one row.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sheet {
    pub name: String,
    /// The cells of the first row that is not blank.
    pub header: Vec<String>,
    /// For each column, whether it has a value in the first rows after the header.
    pub filled: Vec<bool>,
}

/// A workbook. It holds the compressed file and the texts that its cells share. The cells are read from the file.
pub struct Workbook {
    file: Xlsx<Cursor<Vec<u8>>>,
    sheets: Vec<Sheet>,
    size: u64,
}

impl Workbook {
    /// Reads the file, and the first rows of each sheet.
    ///
    /// # Errors
    /// [`ReadError::Empty`] without a row in a visible sheet, and errors of files that are no workbook, or too large.
    pub fn open(source: impl Read) -> Result<Self, ReadError> {
        let mut bytes = Vec::new();
        source.take(FILE_MAX + 1).read_to_end(&mut bytes)?;
        let size = bytes.len() as u64;
        if size > FILE_MAX {
            return Err(ReadError::WorkbookTooLarge);
        }
        check(&bytes)?;
        let file = Xlsx::new(Cursor::new(bytes)).map_err(|_| ReadError::BrokenWorkbook)?;
        let mut workbook = Self {
            file,
            sheets: Vec::new(),
            size,
        };
        let visible = workbook.file.sheets_metadata().iter();
        let visible =
            visible.filter(|sheet| sheet.visible == SheetVisible::Visible && sheet.typ == SheetType::WorkSheet);
        let names: Vec<String> = visible.map(|sheet| sheet.name.clone()).collect();
        for name in names {
            if let Some(sheet) = workbook.sample(name)? {
                workbook.sheets.push(sheet);
            }
        }
        match workbook.sheets.is_empty() {
            true => Err(ReadError::Empty),
            false => Ok(workbook),
        }
    }

    /// The visible sheets with at least one row, in the order of the workbook.
    pub fn sheets(&self) -> &[Sheet] {
        &self.sheets
    }

    /// The size of the file, in bytes.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Reads the header and the first rows of a sheet. `None` if the sheet is blank.
    fn sample(&mut self, name: String) -> Result<Option<Sheet>, ReadError> {
        let mut header = None;
        let mut filled: Vec<bool> = Vec::new();
        let mut rows = 0;
        self.visit(&name, |record| {
            if header.is_none() {
                header = Some(record.cells());
                return Ok(ControlFlow::Continue(()));
            }
            for column in (0..record.len()).filter(|column| record.get(*column).is_some()) {
                filled.resize(filled.len().max(column + 1), false);
                filled[column] = true;
            }
            rows += 1;
            Ok::<_, ReadError>(match rows {
                SAMPLE => ControlFlow::Break(()),
                _ => ControlFlow::Continue(()),
            })
        })?;
        Ok(header.map(|header| Sheet { name, header, filled }))
    }

    /// Visits the rows of a sheet after the header. The line of a record is the number of its row.
    ///
    /// # Errors
    /// The first error of `visit`, or a [`ReadError`].
    pub fn for_each<E: From<ReadError>>(
        &mut self,
        sheet: &str,
        mut visit: impl FnMut(&Record<'_>) -> Result<(), E>,
    ) -> Result<(), E> {
        let mut is_header = true;
        self.visit(sheet, |record| {
            if !std::mem::take(&mut is_header) {
                visit(record)?;
            }
            Ok(ControlFlow::Continue(()))
        })
    }

    /// Visits the rows of a sheet that are not blank.
    fn visit<E: From<ReadError>>(
        &mut self,
        sheet: &str,
        mut visit: impl FnMut(&Record<'_>) -> Result<ControlFlow<()>, E>,
    ) -> Result<(), E> {
        let mut reader = self
            .file
            .worksheet_cells_reader(sheet)
            .map_err(|_| ReadError::BrokenWorkbook)?;
        let mut row = Row::default();
        loop {
            let cell = reader.next_cell().map_err(|_| ReadError::BrokenSheet {
                line: u64::from(row.index) + 1,
            })?;
            if cell.as_ref().is_none_or(|cell| cell.get_position().0 != row.index) {
                let record = row.record();
                if !record.is_blank() && visit(&record)?.is_break() {
                    return Ok(());
                }
                row.clear();
            }
            let Some(cell) = cell else { return Ok(()) };
            let (index, column) = cell.get_position();
            // The lines of a file must increase: reports and verdicts name them.
            if index < row.index {
                return Err(ReadError::BrokenSheet {
                    line: u64::from(row.index) + 1,
                }
                .into());
            }
            row.index = index;
            row.add(column as usize, cell.get_value())?;
        }
    }
}

/// The cells of a row.
#[derive(Default)]
struct Row {
    index: u32,
    text: String,
    ends: Vec<usize>,
}

impl Row {
    fn clear(&mut self) {
        self.text.clear();
        self.ends.clear();
    }

    /// Adds a cell. Excel writes the cells in the order of columns, but a damaged sheet can have another order. Of a
    /// column that it has twice, the first value counts.
    fn add(&mut self, column: usize, value: &DataRef<'_>) -> Result<(), ReadError> {
        let line = u64::from(self.index) + 1;
        let before = self.text.len();
        push(&mut self.text, value);
        if self.text.len() > ROW_MAX {
            return Err(ReadError::RowTooLong { line });
        }
        if self.text[before..].contains('\0') {
            return Err(ReadError::Nul { line });
        }
        if column >= self.ends.len() {
            self.ends.resize(column, before);
            self.ends.push(self.text.len());
            return Ok(());
        }
        let late = self.text.split_off(before);
        let start = column.checked_sub(1).map_or(0, |previous| self.ends[previous]);
        if self.ends[column] == start {
            self.text.insert_str(start, &late);
            for end in &mut self.ends[column..] {
                *end += late.len();
            }
        }
        Ok(())
    }

    fn record(&self) -> Record<'_> {
        Record::new(&self.text, &self.ends, u64::from(self.index) + 1)
    }
}

/// Adds the value as the text that a CSV file would have. An error such as `#N/A` is no value.
fn push(text: &mut String, value: &DataRef<'_>) {
    match value {
        DataRef::Empty | DataRef::Error(_) => {}
        DataRef::String(value) | DataRef::DateTimeIso(value) | DataRef::DurationIso(value) => text.push_str(value),
        DataRef::SharedString(value) => text.push_str(value),
        DataRef::Int(value) => text.push_str(&value.to_string()),
        // A whole number has no point and no exponent here, so that a phone keeps all its digits.
        DataRef::Float(value) => text.push_str(&value.to_string()),
        DataRef::Bool(value) => text.push_str(&value.to_string()),
        DataRef::DateTime(value) if value.is_duration() => text.push_str(&value.as_f64().to_string()),
        DataRef::DateTime(value) => {
            let (year, month, day, hour, minute, second, _) = value.to_ymd_hms_milli();
            text.push_str(&format!("{year:04}-{month:02}-{day:02}"));
            if (hour, minute, second) != (0, 0, 0) {
                text.push_str(&format!(" {hour:02}:{minute:02}:{second:02}"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use calamine::{ExcelDateTime, ExcelDateTimeType};

    use super::*;

    #[test]
    fn values_become_the_text_of_a_csv_file() {
        let time = |value| DataRef::DateTime(ExcelDateTime::new(value, ExcelDateTimeType::DateTime, false));
        for (value, expected) in [
            (DataRef::Float(5_491_123_456_789.0), "5491123456789"),
            (DataRef::Float(1e15), "1000000000000000"),
            (DataRef::Float(0.5), "0.5"),
            (DataRef::Int(1_123_456_789), "1123456789"),
            (DataRef::SharedString("+54 9"), "+54 9"),
            (DataRef::Bool(true), "true"),
            (DataRef::Error(calamine::CellErrorType::NA), ""),
            (time(45296.0), "2024-01-05"),
            (time(45296.5), "2024-01-05 12:00:00"),
        ] {
            let mut text = String::new();
            push(&mut text, &value);
            assert_eq!(text, expected);
        }
    }
}
