//! Why a file can't be read.

use std::io;

/// Why reading a file stopped. Lines are counted from 1. In a workbook they are the rows of the sheet.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error("the file can't be read")]
    Io(#[source] io::Error),
    #[error("the file is empty: its first line must name the columns")]
    Empty,
    #[error(
        "the file is a workbook in the old format of Excel (.xls) or has a password: save it as .xlsx without a \
         password, or as “CSV UTF-8”"
    )]
    OldWorkbook,
    #[error("the file is an archive and no workbook in the format .xlsx: save its table as .xlsx, or as “CSV UTF-8”")]
    NoWorkbook,
    #[error(
        "the workbook is larger than 64 MiB, or its content than 256 MiB: save it as “CSV UTF-8”, which can have any \
         size"
    )]
    WorkbookTooLarge,
    #[error("the workbook is damaged: open it and save it again, or save it as “CSV UTF-8”")]
    BrokenWorkbook,
    #[error("the sheet is damaged after row {line}: open the workbook and save it again, or save it as “CSV UTF-8”")]
    BrokenSheet { line: u64 },
    #[error("line {line}: the row is longer than 1 MiB")]
    RowTooLong { line: u64 },
    #[error("line {line}: the text is not UTF-8: save the file as “CSV UTF-8”")]
    NotUtf8 { line: u64 },
    #[error(
        "line {line}: the text is not UTF-8 and may be {guess}: save the file as “CSV UTF-8”, or name its encoding, as \
         in --encoding {guess}"
    )]
    UncertainEncoding { line: u64, guess: &'static str },
    #[error("line {line}: the text is not {encoding}: save the file as “CSV UTF-8”, or name another --encoding")]
    Malformed { line: u64, encoding: &'static str },
    #[error("line {line}: the text holds a NUL byte: save the file as “CSV UTF-8”")]
    Nul { line: u64 },
    #[error("line {line}: a quote opens in the record that begins here and is never closed")]
    OpenQuote { line: u64 },
    #[error("line {line}: the record that begins here is longer than 1 MiB: look for a quote that is not closed")]
    RecordTooLong { line: u64 },
    #[error("line {line}: the vCard that begins here has no line END:VCARD before the next one")]
    OpenCard { line: u64 },
    #[error(
        "line {line}: the value of the vCard is no text in its character set, or holds a NUL byte: correct the line, or \
         remove it"
    )]
    BrokenCardValue { line: u64 },
    #[error("line {line}: the names, phones and emails of the vCard are longer than 1 MiB, or one of them than 64 KiB")]
    CardTooLong { line: u64 },
}

/// Takes the [`ReadError`] out of an error that passed through [`io::Read`].
impl From<io::Error> for ReadError {
    fn from(error: io::Error) -> Self {
        error.downcast::<Self>().unwrap_or_else(Self::Io)
    }
}

impl From<ReadError> for io::Error {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Io(error) => error,
            error => Self::new(io::ErrorKind::InvalidData, error),
        }
    }
}
