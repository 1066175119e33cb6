//! Finds ignored columns whose values look like emails or phones.

use super::header::Mapping;
use super::reader::Record;
use super::values;
use crate::domain::contact::{Attribute, DEFAULT_PLATFORM};
use crate::domain::email;
use crate::domain::phone::whatsapp_id::is_group_or_channel;
use crate::domain::phone::{Region, StoredPhone};

/// The number of a column's first values that are examined.
const VALUES_MAX: u32 = 1000;

/// The fewest digits of a value that looks like a phone. Shorter ones are codes and amounts.
const DIGITS_MIN: usize = 7;

/// An ignored column that looks like a phone or email column.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Lookalike {
    /// The column's name, escaped for messages.
    pub column: String,
    pub attribute: Attribute,
}

/// Counts the values of each ignored column.
pub(super) struct Lookalikes {
    columns: Vec<Column>,
    region: Region,
}

struct Column {
    index: usize,
    values: u32,
    emails: u32,
    phones: u32,
}

impl Lookalikes {
    pub(super) fn new(mapping: &Mapping, region: Region) -> Self {
        let columns = mapping.ignored().map(|index| Column {
            index,
            values: 0,
            emails: 0,
            phones: 0,
        });
        Self {
            columns: columns.collect(),
            region,
        }
    }

    pub(super) fn count(&mut self, record: &Record<'_>) {
        for column in self.columns.iter_mut().filter(|column| column.values < VALUES_MAX) {
            if let Some(text) = record.get(column.index) {
                column.values += 1;
                let value = values::values_in(text).next().unwrap_or(text);
                // A WhatsApp id is a phone, although it has an `@`.
                if is_phone(value, self.region) {
                    column.phones += 1;
                } else if is_email(value) {
                    column.emails += 1;
                }
            }
        }
    }

    /// The columns in which at least half of the values look like emails or phones.
    pub(super) fn found(&self, mapping: &Mapping) -> Vec<Lookalike> {
        let found = self.columns.iter().filter_map(|column| {
            let half = column.values.div_ceil(2).max(1);
            let attribute = match column {
                column if column.emails >= half => Attribute::Email,
                column if column.phones >= half => Attribute::Phone,
                _ => return None,
            };
            let column = mapping.name(column.index);
            Some(Lookalike { column, attribute })
        });
        found.collect()
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
