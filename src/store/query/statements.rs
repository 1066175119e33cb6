//! The statements of a query.

use std::sync::LazyLock;

use crate::domain::query::WORDS_MAX;

/// The most conditions of a question to the index of grams. Further ones hardly narrow it.
pub(super) const ASKED_MAX: usize = 4;

pub(super) const NUMBERS: &str = include_str!("numbers.sql");

pub(super) const DICTIONARY: &str = include_str!("dictionary.sql");

pub(super) const CONTACTS: &str = include_str!("contacts.sql");

/// How many words a statement tests.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tests {
    /// Words with one pattern for the name and one for the email. LIKE with a pattern takes half the time of LIKE ANY
    /// with an array of one pattern.
    pub(super) plain: usize,
    /// All other words, and the length of a whole name.
    pub(super) other: usize,
}

pub(super) fn walk(tests: Tests) -> &'static str {
    static TEXTS: LazyLock<Vec<Vec<String>>> = LazyLock::new(|| for_each_number_of_words(include_str!("walk.sql")));
    &TEXTS[tests.plain][tests.other]
}

/// `asked` is the number of tsqueries: from 1 to [`ASKED_MAX`].
pub(super) fn grams(asked: usize, tests: Tests) -> &'static str {
    static TEXTS: LazyLock<Vec<Vec<Vec<String>>>> = LazyLock::new(|| {
        let of_asked = |asked| for_each_number_of_words(&for_tsqueries(include_str!("grams.sql"), asked));
        (1..=ASKED_MAX).map(of_asked).collect()
    });
    &TEXTS[asked - 1][tests.plain][tests.other]
}

/// Repeats the line with a tsquery.
fn for_tsqueries(statement: &str, asked: usize) -> String {
    let mut text = String::new();
    for line in statement.lines() {
        let copies = if line.contains("[])[1]") { asked } else { 1 };
        for copy in 1..=copies {
            text += &line.replace("[])[1]", &format!("[])[{copy}]"));
            text += "\n";
        }
    }
    text
}

/// The texts for each number of plain words and of other words.
fn for_each_number_of_words(statement: &str) -> Vec<Vec<String>> {
    // A whole name has patterns for its length, too.
    let numbers = 0..=WORDS_MAX + 1;
    let of_plain = |plain| {
        numbers
            .clone()
            .map(|other| for_words(statement, Tests { plain, other }))
            .collect()
    };
    numbers.clone().map(of_plain).collect()
}

/// Repeats the line that tests a plain word, and the one that tests another word. Each word has its own values.
fn for_words(statement: &str, tests: Tests) -> String {
    let mut text = String::new();
    for line in statement.lines() {
        let (copies, first, values) = match () {
            () if line.contains("LIKE $6") => (tests.plain, 6, 2),
            () if line.contains("LIKE ANY ($8") => (tests.other, 8, 3),
            () => (1, 0, 0),
        };
        for copy in 0..copies {
            let mut line = line.to_owned();
            // Placeholders first, so that a number just inserted is not replaced again.
            for value in 0..values {
                line = line.replace(&format!("${}", first + value), &format!("$<{value}>"));
            }
            for value in 0..values {
                let before = if first == 6 { 0 } else { 2 * tests.plain };
                let number = 6 + before + copy * values + value;
                line = line.replace(&format!("$<{value}>"), &format!("${number}"));
            }
            text += &line;
            text += "\n";
        }
    }
    text
}

/// Every statement of a query by its name, for tests of the plans.
pub fn statements() -> [(&'static str, &'static str); 5] {
    let tests = Tests { plain: 2, other: 1 };
    [
        ("query, walk", walk(tests)),
        ("query, grams", grams(2, tests)),
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
        let text = walk(Tests { plain: 2, other: 2 });
        for test in [
            "(name_words LIKE $6 OR email_lower LIKE $7)",
            "(name_words LIKE $8 OR email_lower LIKE $9)",
            "(name_words LIKE ANY ($10::text[]) OR email_lower LIKE ANY ($11::text[]) OR phone LIKE ANY ($12::text[]))",
            "(name_words LIKE ANY ($13::text[]) OR email_lower LIKE ANY ($14::text[]) OR phone LIKE ANY ($15::text[]))",
        ] {
            assert!(text.contains(test), "{test}: {text}");
        }
        assert!(!walk(Tests { plain: 0, other: 0 }).contains("name_words LIKE"));
    }
}
