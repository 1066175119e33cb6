//! Reads vCards as records: one per card, with the columns [`COLUMNS`].

use std::io::BufRead;

use super::lines::{Line, Lines};
use super::property::{Property, parts};
use crate::transfer::read_error::ReadError;
use crate::transfer::reader::Record;
use crate::transfer::values::SEPARATOR;

/// The columns of a card's record, by the names of their properties. Several values in one cell are separated by
/// [`SEPARATOR`].
///
/// `UID` is not read. It identifies a card in one address book, not a person on a channel: another device gives the
/// same person another one, and an import by it would make each contact twice.
pub const COLUMNS: [&str; 6] = ["FN", "N", "NICKNAME", "ORG", "TEL", "EMAIL"];

/// The longest text that is kept of a card, in bytes.
const CARD_MAX: usize = 1024 * 1024;

/// The vCards of a file.
pub struct Cards<R> {
    lines: Lines<R>,
    /// The values of the current card, by column.
    cells: [String; COLUMNS.len()],
    text: String,
    ends: Vec<usize>,
}

impl<R: BufRead> Cards<R> {
    pub fn new(source: R) -> Self {
        Self {
            lines: Lines::new(source),
            cells: Default::default(),
            text: String::new(),
            ends: Vec::new(),
        }
    }

    /// The source of the text.
    pub fn source(&self) -> &R {
        self.lines.source()
    }

    /// Returns the next card, or `None` at the end of the file. Its line is that of `BEGIN:VCARD`.
    ///
    /// # Errors
    /// A [`ReadError`] with a line: of a card without an end, or of a broken value.
    pub fn next(&mut self) -> Result<Option<Record<'_>>, ReadError> {
        let Some(line) = self.begin()? else {
            return Ok(None);
        };
        self.cells = Default::default();
        // Version 2.1 nests the card of an agent.
        let mut depth = 1;
        let mut is_agent = false;
        while depth > 0 {
            let next = self.lines.next()?.ok_or(ReadError::OpenCard { line })?;
            let Some(property) = Property::parse(&next.text) else {
                continue;
            };
            if property.is_marker("BEGIN") {
                if !is_agent {
                    return Err(ReadError::OpenCard { line });
                }
                depth += 1;
            } else if property.is_marker("END") {
                depth -= 1;
            } else if depth == 1 {
                self.add(&next, &property)?;
            }
            is_agent = property.name == "AGENT";
        }
        self.text.clear();
        self.ends.clear();
        for cell in &self.cells {
            self.text.push_str(cell);
            self.ends.push(self.text.len());
        }
        Ok(Some(Record::new(&self.text, &self.ends, line)))
    }

    /// Skips to the beginning of the next card, and returns its line.
    fn begin(&mut self) -> Result<Option<u64>, ReadError> {
        while let Some(line) = self.lines.next()? {
            if Property::parse(&line.text).is_some_and(|property| property.is_marker("BEGIN")) {
                return Ok(Some(line.number));
            }
        }
        Ok(None)
    }

    /// Adds the value of a property to its cell, if the import reads the property.
    fn add(&mut self, line: &Line, property: &Property<'_>) -> Result<(), ReadError> {
        let Some(column) = COLUMNS.iter().position(|name| *name == property.name) else {
            return Ok(());
        };
        // Base64 in these properties is a picture or a sound of a name.
        let is_phone = property.name == "TEL";
        if property.is_base64() || (is_phone && property.is_fax()) {
            return Ok(());
        }
        if line.is_cut {
            return Err(ReadError::CardTooLong { line: line.number });
        }
        let line = line.number;
        let text = property.text().filter(|text| !text.contains('\0'));
        let text = text.ok_or(ReadError::BrokenCardValue { line })?;
        let cell = &mut self.cells[column];
        match property.name.as_str() {
            "TEL" | "EMAIL" => {
                if !cell.is_empty() {
                    cell.push_str(SEPARATOR);
                }
                cell.push_str(parts(&text, '\0').concat().trim());
            }
            // A card can have a name in several languages. The first one counts.
            _ if !cell.trim().is_empty() => {}
            "N" => {
                let parts = parts(&text, ';');
                let part = |index: usize| parts.get(index).map_or("", |part| part.trim());
                // Family, given and additional names.
                let names = [part(1), part(2), part(0)];
                let names: Vec<&str> = names.into_iter().filter(|name| !name.is_empty()).collect();
                *cell = names.join(" ");
            }
            "ORG" => *cell = parts(&text, ';').swap_remove(0),
            _ => *cell = parts(&text, '\0').concat(),
        }
        match self.cells.iter().map(String::len).sum::<usize>() {
            ..=CARD_MAX => Ok(()),
            _ => Err(ReadError::CardTooLong { line }),
        }
    }
}
