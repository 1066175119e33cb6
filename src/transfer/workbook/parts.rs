//! Checks the parts of a workbook before they are read.
//!
//! A workbook is an archive of XML files. `calamine` trusts them: it reads a part of any size, reserves memory for as
//! many texts as a part announces, and computes with the row and column of a cell without a check.

use std::io::{self, BufRead, BufReader, Cursor, Read};

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};
use zip::ZipArchive;

use crate::transfer::read_error::ReadError;

/// The most bytes of all parts without compression. A million rows of four cells have about 150 MiB.
const PARTS_MAX: u64 = 256 * 1024 * 1024;

/// The fewest bytes of a text in the part of shared texts: `<si><t/></si>`.
const TEXT_MIN: u64 = 13;

/// The part that every workbook in this format has.
const WORKBOOK: &str = "xl/workbook.xml";

/// Checks that the file is a workbook, that its parts have no more than [`PARTS_MAX`] bytes, and that their numbers are
/// in the ranges of the format.
///
/// # Errors
/// [`ReadError::NoWorkbook`], [`ReadError::WorkbookTooLarge`] and [`ReadError::BrokenWorkbook`].
pub(super) fn check(file: &[u8]) -> Result<(), ReadError> {
    let mut archive = ZipArchive::new(Cursor::new(file)).map_err(|_| ReadError::BrokenWorkbook)?;
    let is_workbook = archive
        .file_names()
        .any(|name| name.is_ok_and(|name| name.eq_ignore_ascii_case(WORKBOOK)));
    if !is_workbook {
        return Err(ReadError::NoWorkbook);
    }
    let mut budget = PARTS_MAX;
    for index in 0..archive.len() {
        let part = archive.by_index(index).map_err(|_| ReadError::BrokenWorkbook)?;
        // The archive announces the size of a part, too, but need not tell the truth.
        let mut part = BufReader::new(part.take(budget + 1));
        let checked = check_part(&mut part);
        let rest = io::copy(&mut part, &mut io::sink());
        let left = part.into_inner().limit();
        if left == 0 {
            return Err(ReadError::WorkbookTooLarge);
        }
        checked?;
        rest.map_err(|_| ReadError::BrokenWorkbook)?;
        budget = left - 1;
    }
    Ok(())
}

/// Checks the elements of a part whose numbers are not checked later. Ends without an error where the part is no XML,
/// because no reader reads further.
fn check_part(part: impl BufRead) -> Result<(), ReadError> {
    let mut reader = Reader::from_reader(part);
    let config = reader.config_mut();
    config.check_end_names = false;
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        match reader.read_event_into(&mut buffer) {
            Ok(Event::Start(element) | Event::Empty(element)) => {
                if !is_in_range(&element) {
                    return Err(ReadError::BrokenWorkbook);
                }
            }
            Ok(Event::Eof) | Err(_) => return Ok(()),
            Ok(_) => {}
        }
    }
}

/// Whether the element's numbers are in the ranges of the format.
fn is_in_range(element: &BytesStart<'_>) -> bool {
    let is_valid: fn(&str) -> bool = match element.local_name().as_ref() {
        "row" | "c" | "dimension" => |value| value.split(':').all(is_reference),
        "sst" => |value| value.parse().is_ok_and(|count: u64| count <= PARTS_MAX / TEXT_MIN),
        _ => return true,
    };
    element.attributes().all(|attribute| {
        attribute.is_ok_and(|attribute| match attribute.key.as_ref() {
            "r" | "ref" | "uniqueCount" => is_valid(&attribute.value),
            _ => true,
        })
    })
}

/// Whether the text is a cell such as `XFD1048576`, or the number of a row.
fn is_reference(text: &str) -> bool {
    let digits = text.trim_start_matches(|character: char| character.is_ascii_alphabetic());
    text.len() - digits.len() <= 3
        && (1..=7).contains(&digits.len())
        && digits.bytes().all(|byte| byte.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_beyond_the_ranges_of_the_format_are_refused() {
        for (part, is_valid) in [
            ("<row r=\"1048576\"><c r=\"XFD1048576\" t=\"s\"/></row>", true),
            ("<sst count=\"9\" uniqueCount=\"3\"><si><t>x</t></si></sst>", true),
            ("<dimension ref=\"A1:B2\"/>", true),
            ("no XML", true),
            ("<c r=\"ZZZZZZZ1\"/>", false),
            ("<x:row r=\"4294967295\"/>", false),
            ("<row r=\"\"/>", false),
            ("<c r=A1/>", false),
            ("<dimension ref=\"A1:B99999999999\"/>", false),
            ("<a/><sst uniqueCount=\"99999999999\">", false),
            ("<sst uniqueCount=\"-1\">", false),
        ] {
            assert_eq!(check_part(part.as_bytes()).is_ok(), is_valid, "{part}");
        }
    }
}
