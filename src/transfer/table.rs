//! Opens a file of any format as a table: a header, and records.

use std::io::{BufRead, BufReader, Chain, Cursor, Read};

use super::decoder::{Decoder, Encoding};
use super::layouts::{self, Layout};
use super::read_error::ReadError;
use super::reader::{Record, Records};
use super::vcard::{self, Cards};

/// The number of bytes that show the format of a file.
const SIGNATURE: u64 = 4;

/// The text of a file from which the first bytes have been read.
type Text<R> = BufReader<Decoder<Chain<Cursor<Vec<u8>>, R>>>;

/// A file whose header has been read.
pub(super) struct Table<R> {
    content: Content<R>,
    header: Vec<String>,
    layout: Option<&'static Layout>,
}

enum Content<R> {
    Delimited(Box<Records<Text<R>>>),
    Cards(Box<Cards<Text<R>>>),
}

impl<R: Read> Table<R> {
    /// Recognises the format of the file by its contents, and reads the header. The user's `encoding` and `delimiter`
    /// override the file's contents.
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
        let mut text = BufReader::new(Decoder::open(Cursor::new(signature).chain(source), encoding)?);
        if is_vcard(text.fill_buf()?) {
            return Ok(Self {
                content: Content::Cards(Box::new(Cards::new(text))),
                header: vcard::COLUMNS.map(str::to_owned).to_vec(),
                layout: Some(&layouts::VCARD),
            });
        }
        let mut records = Records::open(text, delimiter)?;
        let header = loop {
            let record = records.next()?.ok_or(ReadError::Empty)?;
            if !record.is_blank() {
                break record.cells();
            }
        };
        Ok(Self {
            layout: layouts::recognise(&header),
            content: Content::Delimited(Box::new(records)),
            header,
        })
    }

    /// The names of the columns.
    pub(super) fn header(&self) -> &[String] {
        &self.header
    }

    /// The layout of the columns, if the program that wrote the file is known.
    pub(super) fn layout(&self) -> Option<&'static Layout> {
        self.layout
    }

    /// For each column, whether it has a value in the first rows.
    pub(super) fn filled(&self) -> &[bool] {
        match &self.content {
            Content::Delimited(records) => records.filled(),
            Content::Cards(_) => &[],
        }
    }

    /// The encoding, unless it is UTF-8. It is certain after the last record.
    pub(super) fn encoding(&self) -> Option<Encoding> {
        self.text().get_ref().encoding()
    }

    /// The number of bytes of the file read so far.
    pub(super) fn position(&self) -> u64 {
        self.text().get_ref().position()
    }

    fn text(&self) -> &Text<R> {
        match &self.content {
            Content::Delimited(records) => records.source(),
            Content::Cards(cards) => cards.source(),
        }
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
            let record = match &mut self.content {
                Content::Delimited(records) => records.next()?,
                Content::Cards(cards) => cards.next()?,
            };
            match record {
                None => return Ok(()),
                Some(record) if record.is_blank() => {}
                Some(record) => visit(&record, position)?,
            }
        }
    }
}

/// Whether the text begins with a vCard, after blank lines.
fn is_vcard(start: &[u8]) -> bool {
    const BEGIN: &[u8] = b"BEGIN:VCARD";
    let start = start.trim_ascii_start();
    start
        .get(..BEGIN.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(BEGIN))
}
