//! The words of names: nicknames, and words that do not tell people apart.

use std::sync::LazyLock;

use foldhash::{HashMap, HashSet};

use super::data;

const NICKNAMES: &str = include_str!("data/nicknames.txt");

/// The groups of each word, by their numbers. The words of a group can name one person.
static GROUPS: LazyLock<HashMap<&'static str, Vec<u16>>> = LazyLock::new(|| {
    let mut groups: HashMap<&str, Vec<u16>> = HashMap::default();
    for (number, line) in (0..).zip(data::lines(NICKNAMES)) {
        for word in line.split_whitespace() {
            groups.entry(word).or_default().push(number);
        }
    }
    groups
});

/// What each nickname stands for.
static FORMAL_NAMES: LazyLock<HashMap<&'static str, &'static str>> = LazyLock::new(|| {
    let groups = || data::lines(NICKNAMES).filter_map(|line| line.split_once(' '));
    let formal: HashSet<&str> = groups().map(|(formal, _)| formal).collect();
    let mut names = HashMap::default();
    for (formal_name, nicknames) in groups() {
        for nickname in nicknames.split_whitespace().filter(|word| !formal.contains(word)) {
            names.entry(nickname).or_insert(formal_name);
        }
    }
    names
});

static IGNORED: LazyLock<HashSet<&'static str>> =
    LazyLock::new(|| data::words(include_str!("data/ignored_words.txt")).collect());

/// Whether two different words can be names of one person.
pub(super) fn are_nicknames(one: &str, other: &str) -> bool {
    let (Some(groups), Some(others)) = (GROUPS.get(one), GROUPS.get(other)) else {
        return false;
    };
    groups.iter().any(|group| others.contains(group))
}

/// Whether the list of nicknames has the word.
pub(super) fn is_known(word: &str) -> bool {
    GROUPS.contains_key(word)
}

/// The word that stands for a nickname: the first one of the word's first group. A word that begins a group stands for
/// itself.
pub(super) fn formal_name(word: &str) -> &str {
    FORMAL_NAMES.get(word).copied().unwrap_or(word)
}

/// Whether the word of a name does not tell people apart, such as `de` or `dr`.
pub(super) fn is_ignored(word: &str) -> bool {
    IGNORED.contains(word)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::fold;

    #[test]
    fn nicknames_of_three_languages_are_known() {
        for (one, other) in [
            ("bob", "robert"),
            ("pepe", "jose"),
            ("chico", "francisco"),
            ("ze", "jose"),
        ] {
            assert!(are_nicknames(one, other) && are_nicknames(other, one), "{one} {other}");
        }
        assert!(!are_nicknames("ana", "pedro"));
        assert!(!are_nicknames("ana", "unknown"));
    }

    #[test]
    fn a_nickname_has_one_formal_name() {
        for (word, formal) in [
            ("ze", "jose"),
            ("pepe", "jose"),
            ("jose", "jose"),
            ("bob", "robert"),
            ("xyz", "xyz"),
        ] {
            assert_eq!(formal_name(word), formal);
        }
    }

    #[test]
    fn the_lists_of_words_are_well_formed() {
        let mut groups = 0;
        for line in data::lines(NICKNAMES) {
            let words: Vec<&str> = line.split_whitespace().collect();
            let different: HashSet<&&str> = words.iter().collect();
            assert!(words.len() >= 2 && different.len() == words.len(), "{line}");
            for word in &words {
                assert_eq!(fold::words(word), [*word], "the word is folded");
                assert!(word.chars().count() >= 2 && !is_ignored(word), "{word}");
            }
            groups += 1;
        }
        assert!(groups > 250, "{groups}");
        for word in IGNORED.iter() {
            assert_eq!(fold::words(word), [*word]);
        }
    }
}
