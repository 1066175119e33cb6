//! Compares two names, word by word.

use super::frequencies::Frequencies;
use super::level::NameLevel;
use super::parameters::Parameters;
use super::record::{Record, WORDS_MAX};
use super::words::{are_nicknames, is_known};
use crate::domain::query::differ_by_typing;

/// Stands for the edits of a word whose letters are in another order.
pub(super) const SCRAMBLED: usize = 3;

/// The fewest letters of a word that is recognised in another order.
const SCRAMBLED_MIN: usize = 4;

/// The records that a word must have to be a name and no typing error.
const ESTABLISHED: u32 = 5;

/// How two words agree.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum WordMatch {
    Equal,
    Nickname,
    /// The number of edits, or [`SCRAMBLED`].
    Typing(usize),
    Initial,
    /// The names are equal but for their blanks.
    Joined,
}

/// Two words that agree, by their places in the names.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct WordPair {
    pub(super) one: usize,
    pub(super) other: usize,
    pub(super) kind: WordMatch,
}

/// The words of a name, without an allocation.
pub(super) struct Words<'a> {
    words: [&'a str; WORDS_MAX],
    length: usize,
}

impl<'a> Words<'a> {
    pub(super) fn of(record: &'a Record) -> Self {
        let mut words = [""; WORDS_MAX];
        let mut length = 0;
        for (place, word) in words.iter_mut().zip(record.words()) {
            *place = word;
            length += 1;
        }
        Self { words, length }
    }

    pub(super) fn as_slice(&self) -> &[&'a str] {
        &self.words[..self.length]
    }
}

/// Which words of two names agree.
pub(super) struct Alignment {
    pairs: [WordPair; WORDS_MAX],
    length: usize,
    pub(super) level: NameLevel,
}

impl Alignment {
    /// `None` if a name is missing.
    pub(super) fn of(one: &[&str], other: &[&str], frequencies: &Frequencies) -> Option<Self> {
        if one.is_empty() || other.is_empty() {
            return None;
        }
        let mut alignment = Self {
            pairs: [WordPair {
                one: 0,
                other: 0,
                kind: WordMatch::Equal,
            }; WORDS_MAX],
            length: 0,
            level: NameLevel::Different,
        };
        alignment.match_words(one, other, WordMatch::Equal, |at_one, at_other| {
            one[at_one] == other[at_other]
        });
        let is_complete = |alignment: &Self| alignment.length == one.len() && alignment.length == other.len();
        if !is_complete(&alignment) {
            alignment.match_words(one, other, WordMatch::Nickname, |at_one, at_other| {
                are_nicknames(one[at_one], other[at_other])
            });
            alignment.match_typing_errors(one, other, frequencies);
            alignment.match_words(one, other, WordMatch::Initial, |at_one, at_other| {
                is_initial(one[at_one], other[at_other])
            });
        }
        if !is_complete(&alignment)
            && let Some(kind) = match_joined(one, other)
        {
            alignment.length = 0;
            alignment.push(WordPair { one: 0, other: 0, kind });
            alignment.level = if kind == WordMatch::Joined {
                NameLevel::Same
            } else {
                NameLevel::Typing
            };
            return Some(alignment);
        }
        alignment.level = alignment.find_level(one.len(), other.len());
        Some(alignment)
    }

    pub(super) fn pairs(&self) -> &[WordPair] {
        &self.pairs[..self.length]
    }

    fn push(&mut self, pair: WordPair) {
        self.pairs[self.length] = pair;
        self.length += 1;
    }

    fn has_one(&self, at_one: usize) -> bool {
        self.pairs().iter().any(|pair| pair.one == at_one)
    }

    fn has_other(&self, at_other: usize) -> bool {
        self.pairs().iter().any(|pair| pair.other == at_other)
    }

    /// Pairs the words that are in no pair yet and that agree, by their places.
    fn match_words(&mut self, one: &[&str], other: &[&str], kind: WordMatch, agree: impl Fn(usize, usize) -> bool) {
        for at_one in 0..one.len() {
            if self.has_one(at_one) {
                continue;
            }
            let agreeing = (0..other.len()).find(|at_other| !self.has_other(*at_other) && agree(at_one, *at_other));
            if let Some(at_other) = agreeing {
                self.push(WordPair {
                    one: at_one,
                    other: at_other,
                    kind,
                });
            }
        }
    }

    /// Pairs the words that differ by typing errors, those with the fewest edits first. The edits of two words are
    /// counted once, because that takes longer than all else here.
    fn match_typing_errors(&mut self, one: &[&str], other: &[&str], frequencies: &Frequencies) {
        let mut edits = [[None; WORDS_MAX]; WORDS_MAX];
        let mut has_any = false;
        for (at_one, word) in one.iter().enumerate().filter(|(at_one, _)| !self.has_one(*at_one)) {
            for (at_other, other_word) in other.iter().enumerate().filter(|(at, _)| !self.has_other(*at)) {
                let counted = typing_edits(word, other_word);
                let counted = counted.filter(|edits| !are_two_names(word, other_word, *edits, frequencies));
                edits[at_one][at_other] = counted;
                has_any |= counted.is_some();
            }
        }
        if has_any {
            for wanted in 1..=SCRAMBLED {
                self.match_words(one, other, WordMatch::Typing(wanted), |at_one, at_other| {
                    edits[at_one][at_other] == Some(wanted)
                });
            }
        }
    }

    fn find_level(&self, one: usize, other: usize) -> NameLevel {
        let pairs = self.pairs();
        let has = |kind: fn(WordMatch) -> bool| pairs.iter().any(|pair| kind(pair.kind));
        let (left_one, left_other) = (one - pairs.len(), other - pairs.len());
        let has_only_initials = !has(|kind| kind != WordMatch::Initial);
        // An initial says little if other words contradict each other.
        if pairs.is_empty() || has_only_initials && left_one > 0 && left_other > 0 {
            return if one == 1 || other == 1 {
                NameLevel::DifferentShort
            } else {
                NameLevel::Different
            };
        }
        if left_one > 0 && left_other > 0 {
            let agreeing = pairs.iter().filter(|pair| pair.kind != WordMatch::Initial).count();
            // Relatives can share two surnames.
            let is_first_same = pairs.iter().any(|pair| pair.one == 0 && pair.other == 0);
            return match (is_first_same, agreeing) {
                (true, 2..) => NameLevel::MostWords,
                (true, _) => NameLevel::SameFirstWord,
                (false, _) => NameLevel::SameOtherWord,
            };
        }
        if left_one > 0 || left_other > 0 {
            return if has(|kind| kind == WordMatch::Initial) {
                NameLevel::Initials
            } else {
                NameLevel::PartMissing
            };
        }
        if has(|kind| matches!(kind, WordMatch::Typing(_))) {
            NameLevel::Typing
        } else if has(|kind| kind == WordMatch::Initial) {
            NameLevel::Initials
        } else if has(|kind| kind == WordMatch::Nickname) {
            NameLevel::Nickname
        } else if pairs.iter().any(|pair| pair.one != pair.other) {
            NameLevel::Swapped
        } else {
            NameLevel::Same
        }
    }

    /// The chance that a random name has words that agree with these.
    pub(super) fn chance(
        &self,
        one: &[&str],
        other: &[&str],
        frequencies: &Frequencies,
        parameters: &Parameters,
    ) -> f64 {
        let frequency = |word: &str| frequencies.frequency(word, parameters);
        let of_all = |words: &[&str]| words.iter().map(|word| frequency(word)).product::<f64>();
        let chances =
            self.pairs().iter().map(|pair| {
                let (one_word, other_word) = (one[pair.one], other[pair.other]);
                // If both spellings are frequent, they are two names. Only a rare spelling shows a typing error. The
                // first record with it is the one that is compared.
                let typing = |edits: usize, rarer: f64, repeats: u32| {
                    let words = parameters.typing_errors * edits as f64;
                    let similar = parameters.typing_frequency * edits as f64;
                    similar.min(words * rarer) + words * f64::from(repeats) / frequencies.smoothed_records(parameters)
                };
                match pair.kind {
                    WordMatch::Equal => frequency(one_word),
                    WordMatch::Nickname => parameters.nicknames * frequency(one_word).max(frequency(other_word)),
                    WordMatch::Typing(edits) if self.is_joined(one, other) => of_all(one)
                        .max(of_all(other))
                        .max(typing(edits, of_all(one).min(of_all(other)), 0)),
                    WordMatch::Typing(edits) => {
                        let repeats = frequencies.count(one_word).min(frequencies.count(other_word));
                        let rarer = frequency(one_word).min(frequency(other_word));
                        typing(edits, rarer, repeats.saturating_sub(1))
                    }
                    WordMatch::Initial => parameters.initial_frequency,
                    WordMatch::Joined => of_all(one).max(of_all(other)),
                }
            });
        chances.map(|chance| chance.min(1.0)).product()
    }

    /// Whether the only pair stands for both whole names.
    fn is_joined(&self, one: &[&str], other: &[&str]) -> bool {
        self.length == 1 && one.len() != other.len() && self.level == NameLevel::Typing
    }
}

/// The edits between two words, one of which can be the other with typing errors. `None` for words that can't, for
/// forms of a name for women and men, such as `juan` and `juana`, and for two known names, such as `marta` and `maria`.
pub(super) fn typing_edits(one: &str, other: &str) -> Option<usize> {
    // The longer word decides how many edits are allowed.
    let (longer, shorter) = if one.len() >= other.len() {
        (one, other)
    } else {
        (other, one)
    };
    let edits = differ_by_typing(longer, shorter).or_else(|| is_scrambled(longer, shorter).then_some(SCRAMBLED));
    edits.filter(|edits| *edits > 0 && !differ_by_gender(longer, shorter) && !(is_known(one) && is_known(other)))
}

/// Whether both words are names that several records have, and too different to be mixed up: `martin` and `martinez`,
/// or `hernandez` and `fernandez`. People rarely mistype the first letter.
fn are_two_names(one: &str, other: &str, edits: usize, frequencies: &Frequencies) -> bool {
    let has_other_start = one.chars().next() != other.chars().next();
    (edits > 1 || has_other_start) && frequencies.count(one) >= ESTABLISHED && frequencies.count(other) >= ESTABLISHED
}

/// Whether the words have the same letters in another order. One letter of the longer word can be missing.
fn is_scrambled(longer: &str, shorter: &str) -> bool {
    let is_plain = |word: &str| word.len() >= SCRAMBLED_MIN && word.bytes().all(|byte| byte.is_ascii_lowercase());
    if longer.len() > shorter.len() + 1 || !is_plain(longer) || !is_plain(shorter) {
        return false;
    }
    let mut counts = [0_i8; 26];
    for byte in longer.bytes() {
        counts[usize::from(byte - b'a')] += 1;
    }
    for byte in shorter.bytes() {
        counts[usize::from(byte - b'a')] -= 1;
    }
    counts.iter().all(|count| *count >= 0)
}

/// Whether the words differ only by the last letter, as `mario` and `maria`, or by an `a` after a consonant, as
/// `daniel` and `daniela`.
fn differ_by_gender(longer: &str, shorter: &str) -> bool {
    let is_vowel = |letter: char| matches!(letter, 'a' | 'e' | 'i' | 'o' | 'u');
    let (Some(last), Some(other_last)) = (longer.chars().next_back(), shorter.chars().next_back()) else {
        return false;
    };
    let stem = &longer[..longer.len() - last.len_utf8()];
    if stem == shorter {
        return last == 'a' && !is_vowel(other_last);
    }
    let other_stem = &shorter[..shorter.len() - other_last.len_utf8()];
    stem == other_stem && matches!((last, other_last), ('a', 'o' | 'e') | ('o' | 'e', 'a'))
}

/// Whether one word is the initial of the other one.
fn is_initial(one: &str, other: &str) -> bool {
    let is_letter = |word: &str| word.chars().nth(1).is_none();
    one != other && (is_letter(one) && other.starts_with(one) || is_letter(other) && one.starts_with(other))
}

/// Whether the names are equal apart from their blanks, or nearly so. A blank can be missing, or be a typing error.
fn match_joined(one: &[&str], other: &[&str]) -> Option<WordMatch> {
    let length = |words: &[&str]| words.iter().map(|word| word.len()).sum::<usize>();
    if one.len() == other.len() || length(one).abs_diff(length(other)) > 2 {
        return None;
    }
    let (joined, other_joined) = (one.concat(), other.concat());
    if joined == other_joined {
        return Some(WordMatch::Joined);
    }
    typing_edits(&joined, &other_joined).map(WordMatch::Typing)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level(one: &str, other: &str) -> NameLevel {
        let words = |name: &'static str| name.split(' ').collect::<Vec<_>>();
        let (one, other) = (words(one.to_owned().leak()), words(other.to_owned().leak()));
        let level = Alignment::of(&one, &other, &Frequencies::default()).unwrap().level;
        assert_eq!(
            Alignment::of(&other, &one, &Frequencies::default()).unwrap().level,
            level,
            "{one:?} {other:?}"
        );
        level
    }

    #[test]
    fn names_agree_at_the_level_of_their_words() {
        for (one, other, expected) in [
            ("ana gomez", "ana gomez", NameLevel::Same),
            ("ana", "ana", NameLevel::Same),
            ("mac donald ana", "macdonald ana", NameLevel::Same),
            ("gomez ana", "ana gomez", NameLevel::Swapped),
            ("pepe gomez", "jose gomez", NameLevel::Nickname),
            ("gomez pepe", "jose gomez", NameLevel::Nickname),
            ("a gomez", "ana gomez", NameLevel::Initials),
            ("gomez a", "ana gomez", NameLevel::Initials),
            ("ana gonzales", "ana gonzalez", NameLevel::Typing),
            ("gonzalez jaun", "juan gonzalez", NameLevel::Typing),
            ("jacob thomas", "j cob thomas", NameLevel::Typing),
            ("harry hill", "hayr hill", NameLevel::Typing),
            ("ana wallace", "cllawe ana", NameLevel::Typing),
            ("laura gomez", "paula gomez", NameLevel::SameOtherWord),
            ("martha gomez", "maria gomez", NameLevel::SameOtherWord),
            ("maria laura gomez", "maria gomez perez", NameLevel::MostWords),
            (
                "julian herrera romero",
                "lorena herrera romero",
                NameLevel::SameOtherWord,
            ),
            ("ana", "ana gomez", NameLevel::PartMissing),
            ("a", "ana gomez", NameLevel::Initials),
            ("a gomez", "ana gomez perez", NameLevel::Initials),
            ("maria gomez", "maria jose gomez perez", NameLevel::PartMissing),
            ("ana gomez", "ana perez", NameLevel::SameFirstWord),
            ("ana gomez", "luis gomez", NameLevel::SameOtherWord),
            ("juan gomez", "juana gomez", NameLevel::SameOtherWord),
            ("mario gomez", "maria gomez", NameLevel::SameOtherWord),
            ("ana", "luis", NameLevel::DifferentShort),
            ("ana", "luis gomez", NameLevel::DifferentShort),
            ("a gomez", "ana perez", NameLevel::Different),
            ("ana gomez", "luis perez", NameLevel::Different),
        ] {
            assert_eq!(level(one, other), expected, "{one}, {other}");
        }
    }

    #[test]
    fn a_missing_name_is_no_evidence() {
        assert!(Alignment::of(&[], &["ana"], &Frequencies::default()).is_none());
        assert!(Alignment::of(&["ana"], &[], &Frequencies::default()).is_none());
    }

    #[test]
    fn two_names_that_several_records_have_are_no_typing_error_if_they_are_too_different() {
        let mut frequencies = Frequencies::default();
        for (word, count) in [
            ("martin", 9),
            ("martinez", 9),
            ("gonzalez", 9),
            ("gonzales", 9),
            ("martines", 1),
        ] {
            frequencies.add_count(word, count);
        }
        let level = |one: &str, other: &str| {
            Alignment::of(&["ana", one], &["ana", other], &frequencies)
                .unwrap()
                .level
        };
        assert_eq!(level("martin", "martinez"), NameLevel::SameFirstWord);
        assert_eq!(level("gonzales", "gonzalez"), NameLevel::Typing);
        assert_eq!(level("martines", "martinez"), NameLevel::Typing);
    }
}
