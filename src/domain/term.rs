//! Search terms: a part of an email or of a phone number.

use super::gram::{self, Gram};
use super::phone::{self, Region};

/// A part of an email.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct EmailTerm(String);

impl EmailTerm {
    /// Trims the parameter, and reads an inner blank as an unencoded `+`. Returns `None` if nothing is left.
    pub fn parse(parameter: &str) -> Option<Self> {
        let trimmed = parameter.trim();
        (!trimmed.is_empty()).then(|| Self(trimmed.replace(' ', "+")))
    }

    /// The LIKE pattern for the literal term anywhere in the email. The statements lowercase the
    /// pattern.
    pub fn pattern(&self) -> String {
        containing(&self.0)
    }

    /// Grams that every email with the term has. Empty if the term has no reliable character.
    pub fn grams(&self) -> Vec<Gram> {
        gram::of_email(&self.0)
    }
}

/// A whole phone number or a part of one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PhoneTerm {
    digits: String,
    keys: Vec<String>,
}

impl PhoneTerm {
    /// Keeps only decimal digits, of any script. Returns `None` if there are none. A term that is a whole number in any
    /// notation, read in `region`, also gets match keys.
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

    /// The LIKE pattern for the digits anywhere in the stored number.
    pub fn pattern(&self) -> String {
        containing(&self.digits)
    }

    /// The match keys if the term is a whole number. Empty if it is a part of one.
    pub fn keys(&self) -> &[String] {
        &self.keys
    }

    /// Grams that every phone with the term has.
    pub fn grams(&self) -> Vec<Gram> {
        gram::of_phone(&self.digits)
    }
}

/// A LIKE pattern that matches every text containing the literal `term`.
///
/// `\` is LIKE's escape character. It must be doubled first: doubling it later would break the escapes of `%` and `_`.
pub fn containing(term: &str) -> String {
    let literal = term.replace('\\', r"\\").replace('%', r"\%").replace('_', r"\_");
    format!("%{literal}%")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn an_email_is_trimmed_and_its_inner_blanks_are_plus_signs() {
        assert_eq!(EmailTerm::parse("  a b@c  "), Some(EmailTerm("a+b@c".to_owned())));
        assert_eq!(EmailTerm::parse("   "), None);
    }

    /// LIKE as PostgreSQL documents it.
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
