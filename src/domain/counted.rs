//! Numbers with the nouns after them, for summaries.

use std::fmt::Display;

/// The number, and the words after it: `1 contact`, `2 contacts`.
pub fn counted(number: impl Display + PartialEq + From<u8>, one: &str, several: &str) -> String {
    let words = if number == 1.into() { one } else { several };
    format!("{number} {words}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_thing_is_singular_and_none_or_several_are_plural() {
        let contacts = |number: u64| counted(number, "contact", "contacts");
        assert_eq!([0, 1, 2].map(contacts), ["0 contacts", "1 contact", "2 contacts"]);
    }
}
