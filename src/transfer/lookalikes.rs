//! Finds ignored columns whose values look like emails or phones.

use super::header::Mapping;
use super::lines::Lines;
use super::reader::Record;
use super::values;
use crate::domain::contact::{Attribute, DEFAULT_PLATFORM};
use crate::domain::email;
use crate::domain::phone::whatsapp_id::is_group_or_channel;
use crate::domain::phone::{Region, StoredPhone};

/// The number of a column's first values that decide what the column looks like.
const VALUES_MAX: u32 = 1000;

/// The fewest digits of a value that looks like a phone. Shorter ones are codes and amounts.
const DIGITS_MIN: usize = 7;

/// An ignored column that looks like a phone or email column.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Lookalike {
    /// The column's name, escaped for messages.
    pub column: String,
    pub attribute: Attribute,
    /// Rows with a value of the attribute in this column, and none in the columns that the import reads.
    pub only_here: Lines,
}

/// Counts the values of each ignored column.
pub(super) struct Lookalikes {
    columns: Vec<Column>,
    region: Region,
}

struct Column {
    index: usize,
    /// The attribute that the column's name says.
    named: Option<Attribute>,
    /// The number of values that were counted, at most [`VALUES_MAX`].
    values: u32,
    emails: u32,
    phones: u32,
    only_emails: Lines,
    only_phones: Lines,
}

impl Lookalikes {
    pub(super) fn new(mapping: &Mapping, region: Region) -> Self {
        let columns = mapping.ignored().map(|index| Column {
            index,
            named: mapping.named(index),
            values: 0,
            emails: 0,
            phones: 0,
            only_emails: Lines::default(),
            only_phones: Lines::default(),
        });
        Self {
            columns: columns.collect(),
            region,
        }
    }

    pub(super) fn count(&mut self, record: &Record<'_>, mapping: &Mapping) {
        for column in &mut self.columns {
            if let Some(text) = record.get(column.index)
                && let Some(attribute) = column.examine(text, self.region)
                && !mapping.has_value(record, attribute)
            {
                column.only_here(attribute).push(record.line);
            }
        }
    }

    /// The columns whose names say a phone or an email, and those in which at least half of the values look like one.
    /// In the export of a known program, only those with a value that its row has nowhere else: the import ignores
    /// faxes and the phones of assistants on purpose.
    pub(super) fn found(&mut self, mapping: &Mapping) -> Vec<Lookalike> {
        let is_reported = |found: &Lookalike| mapping.program().is_none() || found.only_here.count > 0;
        let found = self.columns.iter_mut().filter_map(|column| {
            let attribute = column.attribute()?;
            Some(Lookalike {
                column: mapping.name(column.index),
                attribute,
                only_here: std::mem::take(column.only_here(attribute)),
            })
        });
        found.filter(is_reported).collect()
    }
}

impl Column {
    /// The attribute of the value. After the first values, only a column that looks like a phone or email column is
    /// examined.
    fn examine(&mut self, text: &str, region: Region) -> Option<Attribute> {
        if self.values >= VALUES_MAX && self.attribute().is_none() {
            return None;
        }
        let value = values::values_in(text).next().unwrap_or(text);
        let attribute = match self.named {
            Some(named) => Some(named).filter(|named| !values::is_placeholder(*named, text)),
            // A WhatsApp id is a phone, although it has an `@`.
            None if is_phone(value, region) => Some(Attribute::Phone),
            None => is_email(value).then_some(Attribute::Email),
        };
        if self.values < VALUES_MAX {
            self.values += 1;
            self.emails += u32::from(attribute == Some(Attribute::Email));
            self.phones += u32::from(attribute == Some(Attribute::Phone));
        }
        attribute
    }

    /// The attribute that the column is likely to be.
    fn attribute(&self) -> Option<Attribute> {
        let fewest = match self.named {
            Some(_) => 1,
            None => self.values.div_ceil(2).max(1),
        };
        if self.emails >= fewest {
            Some(Attribute::Email)
        } else {
            (self.phones >= fewest).then_some(Attribute::Phone)
        }
    }

    fn only_here(&mut self, attribute: Attribute) -> &mut Lines {
        match attribute {
            Attribute::Email => &mut self.only_emails,
            _ => &mut self.only_phones,
        }
    }
}

/// Whether the text is an email as an import would store it: `Ana <ana@example.com>` is one. The id of a WhatsApp group
/// is none.
fn is_email(text: &str) -> bool {
    text.contains('@')
        && !is_group_or_channel(text)
        && email::stored(text.to_owned()).is_some_and(|address| values::is_email(&address))
}

/// Whether the text is a valid phone in the region, and no date.
fn is_phone(text: &str, region: Region) -> bool {
    let digits = text.chars().filter(char::is_ascii_digit).count();
    digits >= DIGITS_MIN
        && !values::looks_like_a_date(text)
        && StoredPhone::read(text, region, DEFAULT_PLATFORM).resolved
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_and_short_numbers_do_not_look_like_phones() {
        for text in ["011 2345-6789", "+54 9 11 2345-6789", "+56 9 1234 5678"] {
            assert!(is_phone(text, Region::DEFAULT), "{text}");
        }
        for text in [
            "2015-10-29",
            "29/10/2015",
            "2015/10/29 10:11",
            "12345",
            "London",
            "20.123",
        ] {
            assert!(!is_phone(text, Region::DEFAULT), "{text}");
        }
    }
}
