//! Keys of records: only records that have a key in common are compared.

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

    /// Of the identities, exact ones have this bit.
    const EXACT: u64 = 1 << 62;

    /// The least hash of an exact identity.
    pub const LEAST_EXACT: u64 = Self::IDENTITY | Self::EXACT;

    fn of_identity(kind: &str, value: &str) -> Self {
        Self((hash(&[kind, value]) | Self::IDENTITY) & !Self::EXACT)
    }

    fn of_exact(kind: &str, value: &[&str]) -> Self {
        let parts = [&[kind], value].concat();
        Self(hash(&parts) | Self::LEAST_EXACT)
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

    /// Whether it is one of [`Record::exact_keys`].
    pub fn is_exact(self) -> bool {
        self.0 >= Self::LEAST_EXACT
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

    /// The keys of the identities that make a comparison exact: the external id, the phone and the email, each as a
    /// whole. A caller that compares a row only with the first contacts of a key finds the exact ones with these keys.
    pub fn exact_keys(&self) -> impl Iterator<Item = Key> {
        let keys = [
            (!self.external_id().is_empty()).then(|| Key::of_exact("external id", &[self.external_id()])),
            (!self.phone().is_empty()).then(|| Key::of_exact("phone", &[self.phone(), self.extension()])),
            (!self.email().is_empty()).then(|| Key::of_exact("email", &[self.email()])),
        ];
        keys.into_iter().flatten()
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
        assert_eq!(keys[0].value(), 10_037_583_979_737_197_132);
        assert!(Record::new(&RecordFields::default()).keys().is_empty());
        assert_eq!(Record::new(&RecordFields::default()).exact_keys().count(), 0);
        assert!(!keys.iter().any(|key| key.is_exact()));
        assert!(full.exact_keys().all(|key| key.is_exact() && key.is_identity()));
        assert_eq!(full.exact_keys().count(), 3);
    }

    #[test]
    fn records_share_an_exact_key_only_if_the_whole_identity_is_the_same() {
        let shared = |one: &Record, other: &Record| {
            let keys: Vec<Key> = other.exact_keys().collect();
            one.exact_keys().filter(|key| keys.contains(key)).count()
        };
        let ana = record("Ana", "ana.gomez@gmail.com", "541123456789");
        for (email, key, expected) in [
            ("Ana.Gomez@gmail.com", "541123456789", 2),
            ("anagomez@gmail.com", "541123456789", 1),
            ("anagomez@gmail.com", "1123456789", 0),
            ("", "", 0),
        ] {
            assert_eq!(shared(&ana, &record("", email, key)), expected, "{email} {key}");
        }
    }
}
