//! The statements of a query.

use std::sync::LazyLock;

use crate::domain::query::WORDS_MAX;

pub(super) const NUMBERS: &str = include_str!("numbers.sql");

pub(super) const DICTIONARY: &str = include_str!("dictionary.sql");

pub(super) const CONTACTS: &str = include_str!("contacts.sql");

/// The statements that test `words` words. The test of a word is one line, and has the word's own values.
pub(super) fn walk(words: usize) -> &'static str {
    static TEXTS: LazyLock<Vec<String>> = LazyLock::new(|| for_each_number_of_words(include_str!("walk.sql")));
    &TEXTS[words]
}

pub(super) fn grams(words: usize) -> &'static str {
    static TEXTS: LazyLock<Vec<String>> = LazyLock::new(|| for_each_number_of_words(include_str!("grams.sql")));
    &TEXTS[words]
}

fn for_each_number_of_words(statement: &str) -> Vec<String> {
    let is_test = |line: &&str| line.contains("LIKE ANY ($6::text[])");
    (0..=WORDS_MAX)
        .map(|words| {
            let mut text = String::new();
            for line in statement.lines() {
                let copies = if is_test(&line) { words } else { 1 };
                for copy in 0..copies {
                    let number = |offset: usize| format!("${}::", 6 + 3 * copy + offset);
                    let test = line.replace("$8::", &number(2)).replace("$7::", &number(1));
                    text += &test.replace("$6::", &number(0));
                    text += "\n";
                }
            }
            text
        })
        .collect()
}

/// Every statement of a query by its name, for tests of the plans.
pub fn statements() -> [(&'static str, &'static str); 7] {
    [
        ("query, walk", walk(1)),
        ("query, walk for three words", walk(3)),
        ("query, grams", grams(1)),
        ("query, grams for three words", grams(3)),
        ("query, numbers", NUMBERS),
        ("query, dictionary", DICTIONARY),
        ("query, contacts", CONTACTS),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_word_has_its_own_values() {
        let text = walk(2);
        assert!(text.contains("name_words LIKE ANY ($6::text[]) OR email_lower LIKE ANY ($7::text[])"));
        assert!(text.contains(
            "name_words LIKE ANY ($9::text[]) OR email_lower LIKE ANY ($10::text[]) OR phone LIKE ANY ($11::text[])"
        ));
        assert_eq!(text.matches("::text[]").count(), 6);
    }
}
