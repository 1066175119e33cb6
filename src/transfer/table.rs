//! Opens a file of any format as a table: a header, and records.

use std::io::{BufRead, BufReader, Chain, Cursor, Read};

use super::decoder::{Decoder, Encoding};
use super::layouts::{self, Layout};
use super::read_error::ReadError;
use super::reader::{Record, Records};
use super::vcard::{self, Cards};
use super::workbook::{Sheet, Workbook};

/// The number of bytes that show the format of a file.
const SIGNATURE: u64 = 4;

/// A file from which the first bytes have been read.
type File<R> = Chain<Cursor<Vec<u8>>, R>;

type Text<R> = BufReader<Decoder<File<R>>>;

/// A file whose header has been read.
pub(super) struct Table<R> {
    content: Content<R>,
    header: Vec<String>,
    layout: Option<&'static Layout>,
    filled: Vec<bool>,
    sheet: Option<ReadSheet>,
}

/// The sheet of a workbook that is read.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReadSheet {
    pub name: String,
    /// The number of visible sheets in the workbook that are not blank.
    pub of: usize,
}

enum Content<R> {
    Delimited(Box<Records<Text<R>>>),
    Cards(Box<Cards<Text<R>>>),
    Workbook(Box<Workbook>),
}

impl<R: Read> Table<R> {
    /// Recognises the format of the file by its contents, and reads the header. The user's `encoding` and `delimiter`
    /// override the file's contents. Of a workbook it takes the first sheet whose header is usable, or else the first
    /// sheet.
    ///
    /// # Errors
    /// [`ReadError`]
    pub(super) fn open(
        mut source: R,
        encoding: Option<Encoding>,
        delimiter: Option<u8>,
        is_usable: impl Fn(&[String], &[bool]) -> bool,
    ) -> Result<Self, ReadError> {
        let mut signature = Vec::new();
        source.by_ref().take(SIGNATURE).read_to_end(&mut signature)?;
        match signature.as_slice() {
            b"PK\x03\x04" => return Self::of_workbook(Cursor::new(signature).chain(source), is_usable),
            b"\xd0\xcf\x11\xe0" => return Err(ReadError::OldWorkbook),
            _ => {}
        }
        let mut text = BufReader::new(Decoder::open(Cursor::new(signature).chain(source), encoding)?);
        if is_vcard(text.fill_buf()?) {
            return Ok(Self {
                content: Content::Cards(Box::new(Cards::new(text))),
                header: vcard::COLUMNS.map(str::to_owned).to_vec(),
                layout: Some(&layouts::VCARD),
                filled: Vec::new(),
                sheet: None,
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
            filled: records.filled().to_vec(),
            content: Content::Delimited(Box::new(records)),
            header,
            sheet: None,
        })
    }

    fn of_workbook(source: impl Read, is_usable: impl Fn(&[String], &[bool]) -> bool) -> Result<Self, ReadError> {
        let workbook = Workbook::open(source)?;
        let mut sheets = workbook.sheets().iter();
        let usable = sheets.find(|sheet| is_usable(&sheet.header, &sheet.filled));
        let sheet = usable.or(workbook.sheets().first()).ok_or(ReadError::Empty)?;
        let Sheet { name, header, filled } = sheet.clone();
        Ok(Self {
            layout: layouts::recognise(&header),
            header,
            filled,
            sheet: Some(ReadSheet {
                name,
                of: workbook.sheets().len(),
            }),
            content: Content::Workbook(Box::new(workbook)),
        })
    }

    /// The sheet that is read, if the file is a workbook.
    pub(super) fn sheet(&self) -> Option<&ReadSheet> {
        self.sheet.as_ref()
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
        &self.filled
    }

    /// The encoding, unless it is UTF-8 or that of a workbook. It is certain after the last record.
    pub(super) fn encoding(&self) -> Option<Encoding> {
        self.decoder()?.encoding()
    }

    /// The number of bytes of the file read so far.
    pub(super) fn position(&self) -> u64 {
        match (&self.content, self.decoder()) {
            (Content::Workbook(workbook), _) => workbook.size(),
            (_, decoder) => decoder.map_or(0, Decoder::position),
        }
    }

    fn decoder(&self) -> Option<&Decoder<File<R>>> {
        match &self.content {
            Content::Delimited(records) => Some(records.source().get_ref()),
            Content::Cards(cards) => Some(cards.source().get_ref()),
            Content::Workbook(_) => None,
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
                Content::Workbook(workbook) => {
                    let sheet = self.sheet.as_ref().map_or("", |sheet| &sheet.name);
                    return workbook.for_each(sheet, |record| visit(record, position));
                }
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
