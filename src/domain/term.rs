//! What is searched for: a piece of an email, a piece of a phone number.

use super::gram::{self, Gram};
use super::phone::{self, Region};

/// A piece of an email, as a caller gives it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EmailTerm(String);

impl EmailTerm {
    /// Cuts surrounding blanks and takes a blank inside for a `+` that was not encoded; `None` where
    /// nothing is left to search for.
    pub fn parse(parameter: &str) -> Option<Self> {
        let trimmed = parameter.trim();
        (!trimmed.is_empty()).then(|| Self(trimmed.replace(' ', "+")))
    }

    /// The pattern for ILIKE: the term, taken literally, anywhere in the email.
    pub fn pattern(&self) -> String {
        containing(&self.0)
    }

    /// Pieces that every email with the term has in an index of grams; none where the term has no character that can
    /// be relied on.
    pub fn grams(&self) -> Vec<Gram> {
        gram::of_email(&self.0)
    }
}

/// A piece of a phone number, or a whole one, as a caller gives it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PhoneTerm {
    digits: String,
    keys: Vec<String>,
}

impl PhoneTerm {
    /// Drops all that is no decimal digit, whatever the script; `None` where no digit is left. A term that
    /// is a whole number in some notation, read in `region`, has match keys too.
    pub fn parse(parameter: &str, region: Region) -> Option<Self> {
        let digits = phone::digits(parameter);
        if digits.is_empty() {
            return None;
        }
        let keys = phone::readings(parameter, region)
            .into_iter()
            .filter(|reading| reading.resolved)
            .map(|reading| reading.key)
            .collect();
        Some(Self { digits, keys })
    }

    /// The pattern for LIKE: the digits anywhere in the stored number.
    pub fn pattern(&self) -> String {
        containing(&self.digits)
    }

    /// The match keys of the whole number that the term is; empty where it is a piece of one.
    pub fn keys(&self) -> &[String] {
        &self.keys
    }

    /// Pieces that every phone with the term has in an index of grams.
    pub fn grams(&self) -> Vec<Gram> {
        gram::of_phone(&self.digits)
    }
}

/// A LIKE pattern that matches every text in which `term` stands literally.
///
/// `\` is LIKE's escape character and has to be doubled first, or the escapes of `%` and `_` would be undone.
pub fn containing(term: &str) -> String {
    let literal = term.replace('\\', r"\\").replace('%', r"\%").replace('_', r"\_");
    format!("%{literal}%")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn blanks_around_an_email_are_cut_and_blanks_inside_are_plus_signs() {
        assert_eq!(EmailTerm::parse("  a b@c  "), Some(EmailTerm("a+b@c".to_owned())));
        assert_eq!(EmailTerm::parse("   "), None);
    }

    /// LIKE as PostgreSQL documents it, for the property below.
    fn is_like(text: &[char], pattern: &[char]) -> bool {
        match pattern {
            [] => text.is_empty(),
            ['%', rest @ ..] => (0..=text.len()).any(|start| is_like(&text[start..], rest)),
            ['_', rest @ ..] => !text.is_empty() && is_like(&text[1..], rest),
            ['\\', literal, rest @ ..] | [literal, rest @ ..] => {
                text.first() == Some(literal) && is_like(&text[1..], rest)
            }
        }
    }

    proptest! {
        #[test]
        fn a_pattern_matches_exactly_the_texts_that_contain_the_term(
            text in r"[ab%_\\]{0,8}", term in r"[ab%_\\]{0,3}"
        ) {
            let pattern: Vec<char> = containing(&term).chars().collect();
            let characters: Vec<char> = text.chars().collect();
            prop_assert_eq!(is_like(&characters, &pattern), text.contains(&term));
        }
    }
}
