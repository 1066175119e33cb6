//! What is compared of a contact or of a row.

use std::mem::size_of;

use super::mailbox::mailbox;
use super::words::is_ignored;
use crate::domain::fold;
use crate::domain::phone::StoredPhone;

/// The most words of a name that are compared.
pub(super) const WORDS_MAX: usize = 8;

/// The longest text of a field that is compared, in bytes. A longer external id or email is damaged.
const TEXT_MAX: usize = 512;

/// A phone that identifies its contact.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct PhoneFields<'a> {
    /// E.164, or the digits of an unresolved number.
    pub phone: &'a str,
    /// The match key.
    pub key: &'a str,
    pub extension: Option<&'a str>,
}

impl<'a> PhoneFields<'a> {
    /// The phone as a contact stores it. `None` if it identifies nobody.
    pub fn of(stored: &'a StoredPhone) -> Option<Self> {
        if !stored.identifies {
            return None;
        }
        Some(Self {
            phone: stored.phone.as_deref()?,
            key: stored.key.as_deref()?,
            extension: stored.extension.as_deref(),
        })
    }
}

/// The fields of a contact or of a row. A blank text counts as missing.
#[derive(Clone, Copy, Default, Debug)]
pub struct RecordFields<'a> {
    /// The name as written.
    pub name: Option<&'a str>,
    /// The email as `domain::email::stored` reads it.
    pub email: Option<&'a str>,
    pub phone: Option<PhoneFields<'a>>,
    pub external_id: Option<&'a str>,
}

/// The number of texts in a record.
const PARTS: usize = 7;

/// What is compared of a contact or of a row. All its texts share one allocation, because a caller keeps a million
/// records in memory.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Record {
    text: Box<str>,
    /// Where each part ends in the text.
    ends: [u16; PARTS],
}

impl Record {
    pub fn new(fields: &RecordFields) -> Self {
        let name = fields.name.map(name_words).unwrap_or_default();
        let email = fields.email.map(|email| cut(email.trim()).to_lowercase());
        let email = email.unwrap_or_default();
        // Most emails have no aliases, so their mailbox is stored only if it differs.
        let mailbox = mailbox(&email);
        let mailbox = if mailbox == email { "" } else { &*mailbox };
        let phone = fields
            .phone
            .filter(|phone| !phone.phone.is_empty() && !phone.key.is_empty());
        let extension = phone.and_then(|phone| phone.extension).unwrap_or_default();
        let parts: [&str; PARTS] = [
            &name,
            &email,
            mailbox,
            phone.map_or("", |phone| cut(phone.phone)),
            phone.map_or("", |phone| cut(phone.key)),
            cut(extension),
            cut(fields.external_id.unwrap_or_default().trim()),
        ];
        let mut ends = [0; PARTS];
        let mut length = 0;
        for (end, part) in ends.iter_mut().zip(parts) {
            length += part.len();
            *end = u16::try_from(length).expect("seven texts of bounded length have fewer than 65,536 bytes");
        }
        Self {
            text: parts.concat().into_boxed_str(),
            ends,
        }
    }

    fn part(&self, part: usize) -> &str {
        let start = if part == 0 { 0 } else { self.ends[part - 1] };
        &self.text[usize::from(start)..usize::from(self.ends[part])]
    }

    /// The folded words of the name, joined by blanks, without words such as `de` and `dr`. Empty without a name.
    pub fn name(&self) -> &str {
        self.part(0)
    }

    /// The words of [`Record::name`].
    pub fn words(&self) -> impl Iterator<Item = &str> {
        self.name().split(' ').filter(|word| !word.is_empty())
    }

    /// The email in lower case. Empty without one.
    pub fn email(&self) -> &str {
        self.part(1)
    }

    /// The address that stands for all aliases of the email. Empty without an email.
    pub fn mailbox(&self) -> &str {
        match self.part(2) {
            "" => self.email(),
            mailbox => mailbox,
        }
    }

    /// E.164, or the digits of an unresolved number. Empty without a phone that identifies somebody.
    pub fn phone(&self) -> &str {
        self.part(3)
    }

    /// The match key of the phone.
    pub fn phone_key(&self) -> &str {
        self.part(4)
    }

    /// The extension of the phone.
    pub fn extension(&self) -> &str {
        self.part(5)
    }

    pub fn external_id(&self) -> &str {
        self.part(6)
    }

    /// The bytes that the record takes, without what the allocator adds.
    pub fn bytes(&self) -> usize {
        size_of::<Self>() + self.text.len()
    }
}

/// The folded words of a name that tell people apart, or all of them if none does.
fn name_words(name: &str) -> String {
    let folded = fold::name(name);
    let words: Vec<&str> = folded.split(' ').filter(|word| !word.is_empty()).collect();
    let telling: Vec<&str> = words
        .iter()
        .copied()
        .enumerate()
        // The letters in `Ortega y Gasset` and `E. Gasset` differ by their place.
        .filter(|(at, word)| !is_ignored(word) || word.len() == 1 && (*at == 0 || *at == words.len() - 1))
        .map(|(_, word)| word)
        .take(WORDS_MAX)
        .collect();
    if telling.is_empty() {
        return words.into_iter().take(WORDS_MAX).collect::<Vec<_>>().join(" ");
    }
    telling.join(" ")
}

/// The beginning of a text that is too long.
fn cut(text: &str) -> &str {
    &text[..text.floor_char_boundary(TEXT_MAX)]
}
