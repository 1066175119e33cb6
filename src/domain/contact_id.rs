//! The id by which a caller names a contact.

use uuid::Uuid;
use uuid::fmt::Hyphenated;

/// One of a contact's two ids.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ContactId {
    /// The id that the search shows.
    Uuid(Uuid),
    /// The id that the lookup shows.
    Integer(i64),
}

impl ContactId {
    /// Reads a UUID of 36 characters with hyphens, or an integer in decimal digits. `None` for any other text, since no
    /// contact has such an id.
    pub fn parse(text: &str) -> Option<Self> {
        if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) {
            return text.parse().ok().map(Self::Integer);
        }
        text.parse().map(Hyphenated::into_uuid).ok().map(Self::Uuid)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_a_uuid_with_hyphens_or_an_integer() {
        let uuid = uuid::uuid!("df980fc8-b6db-4820-bf22-2969482d106d");
        assert_eq!(ContactId::parse("123"), Some(ContactId::Integer(123)));
        assert_eq!(
            ContactId::parse(&i64::MAX.to_string()),
            Some(ContactId::Integer(i64::MAX))
        );
        assert_eq!(ContactId::parse(&uuid.to_string()), Some(ContactId::Uuid(uuid)));
        let upper = uuid.to_string().to_uppercase();
        assert_eq!(ContactId::parse(&upper), Some(ContactId::Uuid(uuid)));
        for text in [
            "",
            "-1",
            "+1",
            "1.0",
            " 1",
            "٣",
            "9223372036854775808",
            "df980fc8b6db4820bf222969482d106d",
            "{df980fc8-b6db-4820-bf22-2969482d106d}",
        ] {
            assert_eq!(ContactId::parse(text), None, "{text}");
        }
    }
}
