//! Keys of records: two records that may be one person have at least one key in common.

use super::hash::hash;
use super::phone::last_digits;
use super::record::Record;
use super::words::formal_name;

/// The most keys of a record.
pub const KEYS_MAX: usize = 11;

/// The most records of a key that are compared with each other.
pub const RECORDS_PER_KEY: usize = 50;

/// The characters of a word or of a local part that a key has of its beginning or of its end.
const PIECE: usize = 3;
const LOCAL_PIECE: usize = 5;

/// A key of a record: the hash of what it stands for. The same in every process.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Key(u64);

impl Key {
    /// Identities have this bit.
    const IDENTITY: u64 = 1 << 63;

    fn of_identity(kind: &str, value: &str) -> Self {
        Self(hash(&[kind, value]) | Self::IDENTITY)
    }

    fn of_likeness(parts: &[&str]) -> Self {
        Self(hash(parts) & !Self::IDENTITY)
    }

    /// Whether the key stands for an external id, for a phone's last digits or for a mailbox. If many records share it,
    /// each of them is compared with the first [`RECORDS_PER_KEY`] ones. Any other key that more records share says
    /// nothing, and is ignored.
    pub fn is_identity(self) -> bool {
        self.0 & Self::IDENTITY != 0
    }

    /// The hash.
    pub fn value(self) -> u64 {
        self.0
    }
}

impl Record {
    /// The keys of the record, at most [`KEYS_MAX`], without repeats. A typing error leaves some of them unchanged.
    pub fn keys(&self) -> Vec<Key> {
        let mut keys = Vec::with_capacity(KEYS_MAX);
        let mut push = |key| {
            if !keys.contains(&key) {
                keys.push(key);
            }
        };
        if !self.external_id().is_empty() {
            push(Key::of_identity("external id", self.external_id()));
        }
        if !self.phone_key().is_empty() {
            let digits = last_digits(self.phone_key()).unwrap_or(self.phone_key());
            push(Key::of_identity("phone", digits));
        }
        if !self.email().is_empty() {
            push(Key::of_identity("mailbox", self.mailbox()));
            let (local, domain) = self.mailbox().rsplit_once('@').unwrap_or((self.mailbox(), ""));
            let domain = first(domain, 1);
            push(Key::of_likeness(&["local", first(local, LOCAL_PIECE), domain]));
            push(Key::of_likeness(&["local end", last(local, LOCAL_PIECE), domain]));
        }
        self.push_name_keys(&mut push);
        keys
    }

    /// A name's keys come from its first word and from two others, whatever their order. A nickname counts as the name
    /// that it stands for. A rare word is a key. A key of a frequent word also has a piece of another word. A typing
    /// error in the other word leaves this key unchanged unless it is in the piece.
    fn push_name_keys(&self, push: &mut impl FnMut(Key)) {
        let words: Vec<&str> = self.words().map(formal_name).collect();
        let word = |word: &str| Key::of_likeness(&["word", word]);
        let pair = |whole: &str, piece: &str| Key::of_likeness(&["name", whole, piece]);
        match words[..] {
            [] => {}
            [only] => push(word(only)),
            [one, other] => {
                push(word(one));
                push(word(other));
                for (whole, piece) in [(one, other), (other, one)] {
                    push(pair(whole, first(piece, PIECE)));
                    push(pair(whole, last(piece, PIECE)));
                }
            }
            [one, .., middle, end] => {
                for other in [middle, end] {
                    push(word(other));
                    push(pair(one, first(other, PIECE)));
                    push(pair(other, first(one, PIECE)));
                }
            }
        }
    }
}

/// The first characters of a text.
fn first(text: &str, characters: usize) -> &str {
    let end = text.char_indices().nth(characters).map_or(text.len(), |(at, _)| at);
    &text[..end]
}

/// The last characters of a text.
fn last(text: &str, characters: usize) -> &str {
    let start = text
        .char_indices()
        .rev()
        .take(characters)
        .last()
        .map_or(0, |(at, _)| at);
    &text[start..]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::duplicates::record::{PhoneFields, RecordFields};

    fn record(name: &str, email: &str, key: &str) -> Record {
        Record::new(&RecordFields {
            name: Some(name),
            email: Some(email),
            phone: Some(PhoneFields {
                phone: key,
                key,
                extension: None,
            }),
            external_id: None,
        })
    }

    #[test]
    fn similar_records_share_a_key_and_others_do_not() {
        let share = |one: &Record, other: &Record| {
            let keys = other.keys();
            one.keys().iter().any(|key| keys.contains(key))
        };
        let ana = record("Ana Gómez", "ana.gomez@gmail.com", "541123456789");
        for (name, email, key) in [
            ("Gómez, Ana", "", ""),
            ("Ana Gomes", "", ""),
            ("Aba Gómez", "", ""),
            ("A. Gómez", "", ""),
            ("Anita Gomez", "", ""),
            ("Ana María Gómez", "", ""),
            ("Ana Gómez Pérez", "", ""),
            ("", "AnaGomez+x@googlemail.com", ""),
            ("", "ana.gomes@gmail.com", ""),
            ("", "ama.gomez@gmail.com", ""),
            ("", "", "1123456789"),
        ] {
            assert!(share(&ana, &record(name, email, key)), "{name} {email} {key}");
        }
        assert!(!share(&ana, &record("Luis Paz", "luis@acme.com", "541198765432")));
    }

    #[test]
    fn a_record_has_at_most_eleven_keys_and_they_are_the_same_in_every_process() {
        let full = Record::new(&RecordFields {
            name: Some("María José Gómez Pérez"),
            email: Some("maria.jose+x@gmail.com"),
            phone: Some(PhoneFields {
                phone: "+5491123456789",
                key: "541123456789",
                extension: None,
            }),
            external_id: Some("7"),
        });
        let keys = full.keys();
        assert_eq!(keys.len(), KEYS_MAX);
        assert_eq!(keys.iter().filter(|key| key.is_identity()).count(), 3);
        assert_eq!(keys[0].value(), 14_649_269_998_164_585_036);
        assert!(Record::new(&RecordFields::default()).keys().is_empty());
    }
}
