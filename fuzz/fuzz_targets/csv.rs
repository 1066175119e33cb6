//! Delimited files: records that are written and read again have the same cells and the right line
//! numbers. The size of the reads does not matter.

#![no_main]

use std::io::Read;

use contact_search::domain::contact::Attribute;
use contact_search::transfer::{Mapping, ReadError, Records};
use libfuzzer_sys::fuzz_target;

/// A record: its line and its cells.
type Row = (u64, Vec<String>);

/// Returns the records before the end of the file or before the first error, and that error if there is one.
fn read(source: impl Read) -> (Vec<Row>, Option<ReadError>) {
    let mut rows = Vec::new();
    let mut records = match Records::open(source, None) {
        Ok(records) => records,
        Err(error) => return (rows, Some(error)),
    };
    let error = loop {
        match records.next() {
            Ok(Some(record)) => {
                rows.push((record.line, record.cells()));
            }
            Ok(None) => break None,
            Err(error) => break Some(error),
        }
    };
    (rows, error)
}

/// Returns one byte per read.
struct ByteByByte<'a>(&'a [u8]);

impl Read for ByteByByte<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let count = self.0.len().min(buffer.len()).min(1);
        buffer[..count].copy_from_slice(&self.0[..count]);
        self.0 = &self.0[count..];
        Ok(count)
    }
}

fn quote(cell: &str) -> String {
    format!("\"{}\"", cell.replace('"', "\"\""))
}

/// The number of line ends in a text: LF, CR LF or CR.
fn line_ends(text: &str) -> u64 {
    text.replace("\r\n", "\n").matches(['\r', '\n']).count() as u64
}

fn message(error: &Option<ReadError>) -> Option<String> {
    error.as_ref().map(ReadError::to_string)
}

fuzz_target!(|file: &[u8]| {
    let (rows, error) = read(file);
    assert!(
        rows.is_sorted_by(|a, b| a.0 < b.0),
        "each record begins in a later line"
    );
    assert!(rows.iter().all(|(_, cells)| !cells.is_empty()));
    let (rows_by_byte, error_by_byte) = read(ByteByByte(file));
    assert_eq!((&rows, message(&error)), (&rows_by_byte, message(&error_by_byte)));

    let mut written = String::new();
    let mut expected = Vec::new();
    for (_, cells) in &rows {
        assert!(cells.iter().all(|cell| cell.trim() == cell && !cell.contains('\0')));
        expected.push((1 + line_ends(&written), cells.clone()));
        written.push_str(&cells.iter().map(|cell| quote(cell)).collect::<Vec<_>>().join(","));
        written.push('\n');
    }
    if !rows.is_empty() {
        let (again, error) = read(written.as_bytes());
        assert_eq!((&again, message(&error)), (&expected, None));
    }

    if let Some((_, header)) = rows.first()
        && let Ok(mapping) = Mapping::new(header.clone(), &[], &[])
    {
        assert_eq!(mapping.width(), header.len());
        let mut used: Vec<usize> = Attribute::ALL
            .iter()
            .flat_map(|it| mapping.columns(*it))
            .copied()
            .collect();
        used.sort_unstable();
        assert!(used.is_sorted_by(|a, b| a < b), "no column has two meanings");
        assert!(
            used.last().is_some_and(|last| *last < header.len()),
            "some column identifies the contact"
        );
    }
});
