//! vCards: the size of the reads does not matter, each card begins in a later line, and a simple card that is written
//! and read again has the same values.

#![no_main]

use std::io::BufReader;

use contact_search::transfer::{Cards, ReadError};
use libfuzzer_sys::fuzz_target;

/// A card: its line and its cells.
type Card = (u64, Vec<String>);

/// Returns the cards before the end of the file or before the first error, and that error if there is one.
fn read(file: &[u8], capacity: usize) -> (Vec<Card>, Option<ReadError>) {
    let mut all = Vec::new();
    let mut cards = Cards::new(BufReader::with_capacity(capacity, file));
    loop {
        match cards.next() {
            Ok(Some(card)) => all.push((card.line, card.cells())),
            Ok(None) => return (all, None),
            Err(error) => return (all, Some(error)),
        }
    }
}

fn message(error: &Option<ReadError>) -> Option<String> {
    error.as_ref().map(ReadError::to_string)
}

/// The value with the escapes of version 3.0, on one line.
fn escape(value: &str) -> String {
    let value = value.replace('\\', "\\\\").replace(['\r', '\n'], "\\n");
    value.replace(';', "\\;").replace(',', "\\,")
}

fuzz_target!(|file: &[u8]| {
    let (cards, error) = read(file, 64 * 1024);
    assert!(cards.is_sorted_by(|a, b| a.0 < b.0), "each card begins in a later line");
    for (_, cells) in &cards {
        assert_eq!(cells.len(), 6);
        assert!(cells.iter().all(|cell| !cell.contains('\0')));
    }
    for capacity in [1, 7] {
        let (again, error_again) = read(file, capacity);
        assert_eq!((&cards, message(&error)), (&again, message(&error_again)));
    }
    for (_, cells) in &cards {
        let name = cells[0].replace(['\r', '\n'], " ");
        if name.len() > 10_000 {
            continue;
        }
        // Folded after each character, if that is possible.
        let folded: Vec<String> = escape(&name).chars().map(String::from).collect();
        let written = format!("BEGIN:VCARD\r\nFN:{}\r\nEND:VCARD\r\n", folded.join("\r\n "));
        let (again, error) = read(written.as_bytes(), 64 * 1024);
        assert_eq!(message(&error), None);
        assert_eq!(again[0].1[0], name.trim());
    }
});
