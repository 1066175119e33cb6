//! The rows of a file, whatever its format. `import` reads them, and so does every other command that takes such a
//! file.

use std::io::Read;

use super::decoder::Encoding;
use super::file_options::{FileOptions, PlatformError};
use super::header::{HeaderError, Mapping};
use super::lookalikes::{Lookalike, Lookalikes};
use super::read_error::ReadError;
use super::reader::Record;
use super::row::{Rejection, Row, RowOptions, RowParser};
use super::table::{ReadSheet, Table};

/// The interval between progress events, in records.
pub(super) const PROGRESS_EVERY: u64 = 1000;

/// A row of a file.
pub(super) struct ReadRow<'r> {
    pub record: &'r Record<'r>,
    pub mapping: &'r Mapping,
    /// The line in which the row begins.
    pub line: u64,
    /// The contacts of the row, or why it has none.
    pub parsed: Result<Row, Rejection>,
    /// The number of bytes of the file read so far.
    pub position: u64,
}

/// A file whose header has been read and understood.
pub(super) struct Rows<R> {
    table: Table<R>,
    mapping: Mapping,
}

impl<R: Read> Rows<R> {
    /// Checks the options and reads the header.
    ///
    /// # Errors
    /// [`PlatformError`], [`ReadError`] and [`HeaderError`].
    pub(super) fn open<E>(source: R, options: &FileOptions) -> Result<Self, E>
    where
        E: From<ReadError> + From<HeaderError> + From<PlatformError>,
    {
        options.check()?;
        let is_usable =
            |header: &[String], filled: &[bool]| Mapping::new(header.to_vec(), &options.columns, filled).is_ok();
        let table = Table::open(source, options.encoding, options.delimiter, is_usable)?;
        let header = table.header().to_vec();
        let mapping = Mapping::with_layout(header, table.layout(), &options.columns, table.filled())?;
        Ok(Self { table, mapping })
    }

    pub(super) fn mapping(&self) -> &Mapping {
        &self.mapping
    }

    /// The names of the columns.
    pub(super) fn header(&self) -> &[String] {
        self.table.header()
    }

    /// The encoding, unless it is UTF-8. It is certain after the last row.
    pub(super) fn encoding(&self) -> Option<Encoding> {
        self.table.encoding()
    }

    /// The sheet that is read, if the file is a workbook.
    pub(super) fn sheet(&self) -> Option<&ReadSheet> {
        self.table.sheet()
    }

    /// The number of bytes of the file read so far.
    pub(super) fn position(&self) -> u64 {
        self.table.position()
    }

    /// Visits each row that is not blank, in the order of the file. Returns the ignored columns that look like phone or
    /// email columns.
    ///
    /// # Errors
    /// The first error of `visit`, or why the file can't be read further.
    pub(super) fn for_each<E>(
        &mut self,
        options: RowOptions<'_>,
        mut visit: impl FnMut(ReadRow<'_>) -> Result<(), E>,
    ) -> Result<Vec<Lookalike>, E>
    where
        E: From<ReadError> + From<HeaderError>,
    {
        let Self { table, mapping } = self;
        let mut lookalikes = Lookalikes::new(mapping, options.region);
        let parser = RowParser {
            mapping,
            options: &options,
        };
        table.for_each(|record, position| {
            mapping.check_contests(record)?;
            lookalikes.count(record, mapping);
            visit(ReadRow {
                record,
                mapping,
                line: record.line,
                parsed: parser.parse(record),
                position,
            })
        })?;
        Ok(lookalikes.found(mapping))
    }
}
