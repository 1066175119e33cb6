//! Puts the reasons of a comparison into words.

use super::level::{EmailLevel, ExternalIdLevel, Level, NameLevel, PhoneLevel};
use super::model::{Comparison, Model, Reason, in_order};
use super::name::{Alignment, SCRAMBLED, WordMatch, Words};
use super::record::Record;

impl Level {
    /// The level in plain English, as a reason and the tables of docs/duplicates.md show it.
    pub fn text(self) -> &'static str {
        match self {
            Self::ExternalId(level) => match level {
                ExternalIdLevel::Same => "the external id is the same",
                ExternalIdLevel::Different => "the external ids differ",
            },
            Self::Phone(level) => match level {
                PhoneLevel::Same => "the phone is the same",
                PhoneLevel::SameLine => "the phones are the same line, written differently",
                PhoneLevel::OtherExtension => "the phones are two extensions of one number",
                PhoneLevel::Similar => "the phones are similar",
                PhoneLevel::Different => "the phones differ",
            },
            Self::Email(level) => match level {
                EmailLevel::Same => "the email is the same",
                EmailLevel::SameRole => "the email is the same, but belongs to a role such as info@",
                EmailLevel::SameMailbox => "the emails are aliases of one mailbox",
                EmailLevel::Typing => "the emails differ by one or two typing errors",
                EmailLevel::Similar => "the emails are similar",
                EmailLevel::SameLocal => "the emails have the same part before the @",
                EmailLevel::MadeOfName => "the emails differ, but both are made of the name",
                EmailLevel::NameOnly => "one record has no name, but its email has all words of the other name",
                EmailLevel::Different => "the emails differ",
            },
            Self::Name(level) => match level {
                NameLevel::Same => "the name is the same",
                NameLevel::Swapped => "the names have the same words in another order",
                NameLevel::Nickname => "one name has a nickname of the other one",
                NameLevel::Initials => "one name has an initial of the other one",
                NameLevel::Typing => "the names differ by typing errors",
                NameLevel::PartMissing => "one name has all words of the other one, and more",
                NameLevel::MostWords => "the names have most of their words in common",
                NameLevel::SameFirstWord => "the names have only the first word in common",
                NameLevel::SameOtherWord => "the names have a word in common, but different first words",
                NameLevel::DifferentShort => "the names have no word in common, but one is a single word",
                NameLevel::Different => "the names are full and have no word in common",
            },
        }
    }
}

impl Model<'_> {
    /// The reasons of a comparison in plain English, in the order of the fields. The texts contain words of the names.
    pub fn explain(&self, one: &Record, other: &Record, comparison: &Comparison) -> Vec<String> {
        let (one, other) = in_order(one, other);
        let text = |reason: &Reason| {
            let words = match reason.level {
                Level::Name(_) => self.explain_words(one, other),
                _ => String::new(),
            };
            let weight = match reason.weight {
                // The email and the name agree for the same reason.
                0.0 if reason.level.is_alike() => "0, because the emails are made of the name".to_owned(),
                weight => format!("{weight:+.1}"),
            };
            format!("{}{words}: {weight}", reason.level.text())
        };
        comparison.reasons().map(text).collect()
    }

    /// The words of the names that agree, and how many records have them.
    fn explain_words(&self, one: &Record, other: &Record) -> String {
        let (one, other) = (Words::of(one), Words::of(other));
        let (one, other) = (one.as_slice(), other.as_slice());
        let Some(alignment) = Alignment::of(one, other, self.frequencies) else {
            return String::new();
        };
        if matches!(alignment.level, NameLevel::Different | NameLevel::DifferentShort) {
            return String::new();
        }
        let counted = |word: &str| {
            format!(
                "{word} (in {} of {} records)",
                thousands(u64::from(self.frequencies.count(word))),
                thousands(self.frequencies.records())
            )
        };
        let words = alignment.pairs().iter().map(|pair| {
            let (word, other_word) = (one[pair.one], other[pair.other]);
            match pair.kind {
                WordMatch::Equal => counted(word),
                WordMatch::Nickname => format!("{word} and {other_word} can be one name"),
                WordMatch::Typing(_) if one.len() != other.len() && alignment.level == NameLevel::Typing => {
                    format!("{} and {}", one.join(" "), other.join(" "))
                }
                WordMatch::Typing(1) => format!("{word} and {other_word} differ by one typing error"),
                WordMatch::Typing(SCRAMBLED) => {
                    format!("{word} and {other_word} have the same letters in another order")
                }
                WordMatch::Typing(_) => format!("{word} and {other_word} differ by two typing errors"),
                WordMatch::Initial => format!("{word} and {other_word} have the same initial"),
                WordMatch::Joined => "only the spaces differ".to_owned(),
            }
        });
        format!(": {}", words.collect::<Vec<_>>().join(", "))
    }
}

/// The number with commas: `1,000`.
fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}
