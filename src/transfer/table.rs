//! Opens a file of any format as a table: a header, and records.

use std::io::{BufReader, Chain, Cursor, Read};

use super::decoder::{Decoder, Encoding};
use super::read_error::ReadError;
use super::reader::{Record, Records};

/// The number of bytes that show the format of a file.
const SIGNATURE: u64 = 4;

/// The text of a file from which the first bytes have been read.
type Text<R> = Decoder<Chain<Cursor<Vec<u8>>, R>>;

/// A file whose header has been read.
pub(super) struct Table<R> {
    records: Records<BufReader<Text<R>>>,
    header: Vec<String>,
}

impl<R: Read> Table<R> {
    /// Reads the header. The user's `encoding` and `delimiter` override the file's contents.
    ///
    /// # Errors
    /// [`ReadError`]
    pub(super) fn open(mut source: R, encoding: Option<Encoding>, delimiter: Option<u8>) -> Result<Self, ReadError> {
        let mut signature = Vec::new();
        source.by_ref().take(SIGNATURE).read_to_end(&mut signature)?;
        // A ZIP archive, which .xlsx and .ods files are, or an .xls workbook.
        if let b"PK\x03\x04" | b"\xd0\xcf\x11\xe0" = signature.as_slice() {
            return Err(ReadError::NotText);
        }
        let text = BufReader::new(Decoder::open(Cursor::new(signature).chain(source), encoding)?);
        let mut records = Records::open(text, delimiter)?;
        let header = loop {
            let record = records.next()?.ok_or(ReadError::Empty)?;
            if !record.is_blank() {
                break record.cells();
            }
        };
        Ok(Self { records, header })
    }

    /// The names of the columns.
    pub(super) fn header(&self) -> &[String] {
        &self.header
    }

    /// For each column, whether it has a value in the first rows.
    pub(super) fn filled(&self) -> &[bool] {
        self.records.filled()
    }

    /// The encoding, unless it is UTF-8. It is certain after the last record.
    pub(super) fn encoding(&self) -> Option<Encoding> {
        self.decoder().encoding()
    }

    /// The number of bytes of the file read so far.
    pub(super) fn position(&self) -> u64 {
        self.decoder().position()
    }

    fn decoder(&self) -> &Text<R> {
        self.records.source().get_ref()
    }

    /// Visits the records after the header that are not blank, each with the number of bytes of the file read so far.
    ///
    /// # Errors
    /// The first error of `visit`, or a [`ReadError`].
    pub(super) fn for_each<E: From<ReadError>>(
        &mut self,
        mut visit: impl FnMut(&Record<'_>, u64) -> Result<(), E>,
    ) -> Result<(), E> {
        loop {
            let position = self.position();
            match self.records.next()? {
                None => return Ok(()),
                Some(record) if record.is_blank() => {}
                Some(record) => visit(&record, position)?,
            }
        }
    }
}
