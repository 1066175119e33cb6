//! Excel workbooks: no input makes the reader panic. The input is a whole file, or else a sheet and the shared texts,
//! separated by a NUL byte.

#![no_main]

use std::io::{Cursor, Write};

use contact_search::transfer::{ReadError, Workbook};
use libfuzzer_sys::fuzz_target;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

const RELATIONSHIPS: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";

/// Reads all sheets of a file.
fn read(file: &[u8]) {
    let Ok(mut workbook) = Workbook::open(file) else {
        return;
    };
    for sheet in workbook.sheets().to_vec() {
        let _: Result<(), ReadError> = workbook.for_each(&sheet.name, |record| {
            assert!(record.line > 0 && record.line <= 9_999_999);
            assert!(!record.is_blank());
            assert!(record.cells().iter().all(|cell| !cell.contains('\0')));
            Ok(())
        });
    }
}

/// A workbook with one sheet.
fn workbook(sheet: &[u8], texts: &[u8]) -> Vec<u8> {
    let list = format!(
        "<workbook xmlns:r=\"{RELATIONSHIPS}\"><sheets><sheet name=\"a\" sheetId=\"1\" r:id=\"r1\"/>\
         </sheets></workbook>"
    );
    let relationships = format!(
        "<Relationships><Relationship Id=\"r1\" Type=\"{RELATIONSHIPS}/worksheet\" Target=\"worksheets/s.xml\"/>\
         </Relationships>"
    );
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    for (name, part) in [
        ("xl/workbook.xml", list.as_bytes()),
        ("xl/_rels/workbook.xml.rels", relationships.as_bytes()),
        ("xl/worksheets/s.xml", sheet),
        ("xl/sharedStrings.xml", texts),
        ("xl/styles.xml", texts),
    ] {
        writer.start_file(name, options).expect("a part begins");
        writer.write_all(part).expect("a part is written");
    }
    writer.finish().expect("the archive is written").into_inner()
}

fuzz_target!(|input: &[u8]| {
    read(input);
    let mut parts = input.splitn(2, |byte| *byte == 0);
    let sheet = parts.next().unwrap_or_default();
    read(&workbook(sheet, parts.next().unwrap_or_default()));
});
