//! Typos, and the distance between two words.

use rand::RngExt;
use rand::rngs::ChaCha8Rng;

use super::text::fold;

/// Letters that people mix up, because they sound alike or are neighbours on the keyboard.
const MIXED_UP: [(char, &str); 24] = [
    ('a', "sqe"),
    ('b', "vn"),
    ('c', "szk"),
    ('d', "sft"),
    ('e', "ira"),
    ('f', "dg"),
    ('g', "jhq"),
    ('h', "gj"),
    ('i', "eyo"),
    ('j', "ghk"),
    ('k', "cqj"),
    ('l', "rk"),
    ('m', "n"),
    ('n', "m"),
    ('o', "uip"),
    ('p', "ob"),
    ('q', "kc"),
    ('r', "lt"),
    ('s', "zca"),
    ('t', "dr"),
    ('u', "oi"),
    ('v', "b"),
    ('y', "il"),
    ('z', "sc"),
];

/// The number of edits between two words: insertions, deletions, replacements, and swaps of neighbours. No letter is
/// edited twice (optimal string alignment).
pub fn distance(one: &str, other: &str) -> usize {
    let (one, other): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let mut rows: Vec<Vec<usize>> = vec![(0..=other.len()).collect()];
    for (i, letter) in one.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, other_letter) in other.iter().enumerate() {
            let replaced = rows[i][j] + usize::from(letter != other_letter);
            let mut least = replaced.min(rows[i][j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *letter == other[j - 1] && one[i - 1] == *other_letter {
                least = least.min(rows[i - 1][j - 1] + 1);
            }
            row.push(least);
        }
        rows.push(row);
    }
    rows[one.len()][other.len()]
}

/// The word with so many typos, at any place. `None` if it is too short: after one typo it must have four letters, and
/// after two typos eight. In a shorter word nobody could recognise the word that was meant.
pub fn mistype(random: &mut ChaCha8Rng, word: &str, typos: usize) -> Option<String> {
    const TRIES: usize = 50;
    let least = 4 * typos;
    (0..TRIES).find_map(|_| {
        let mut letters: Vec<char> = word.chars().collect();
        for _ in 0..typos {
            edit(random, &mut letters)?;
        }
        let typed: String = letters.into_iter().collect();
        let folded = fold(&typed);
        (folded.chars().count() >= least && distance(&folded, &fold(word)) == typos).then_some(typed)
    })
}

/// Makes one edit. `None` if the word has no two letters.
fn edit(random: &mut ChaCha8Rng, letters: &mut Vec<char>) -> Option<()> {
    if letters.len() < 2 {
        return None;
    }
    let at = random.random_range(0..letters.len());
    match random.random_range(0..10) {
        0..3 => {
            letters.remove(at);
        }
        3..5 => {
            let at = at.min(letters.len() - 2);
            letters.swap(at, at + 1);
        }
        5..7 => {
            let other = mixed_up(random, letters[at]);
            letters.insert(at, if random.random() { letters[at] } else { other });
        }
        _ => letters[at] = mixed_up(random, letters[at]),
    }
    Some(())
}

/// A letter that people type for this one, in its case.
fn mixed_up(random: &mut ChaCha8Rng, letter: char) -> char {
    let plain = fold(&letter.to_string());
    let others = MIXED_UP.iter().find(|(from, _)| plain.starts_with(*from));
    let others: Vec<char> = others.map_or("eaor", |(_, others)| others).chars().collect();
    let other = others[random.random_range(0..others.len())];
    if letter.is_uppercase() {
        other.to_ascii_uppercase()
    } else {
        other
    }
}
