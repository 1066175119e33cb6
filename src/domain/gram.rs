//! Grams: the pieces of a term that an index of pieces of four characters is asked for.
//!
//! The index has every piece of four characters of an email or phone, and the shorter pieces at its end. So whatever
//! contains a term contains each of the term's own pieces of four characters, and a shorter term is how one of the
//! value's pieces begins. Pieces that don't overlap narrow the search down as well as all would, and the fewer are asked
//! for, the faster is the answer.

use std::cmp::Reverse;

/// What the index has of a text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Gram {
    /// A piece of an email, of four characters, in any case.
    Email(String),
    /// How a piece of an email begins, by one to three characters.
    EmailStart(String),
    /// Four digits of a phone.
    Phone(String),
    /// How a piece of a phone begins, by one to three digits.
    PhoneStart(String),
    /// Five to ten times the same digit, in a phone.
    Run(String),
}

/// The length of a piece, in characters.
const LENGTH: usize = 4;

/// The most pieces of a term that are worth asking for: each is looked up in every period. Of twelve emails among five
/// million one took 37 ms in the mean, two 2.4, three 3.2 and four 3.9; but two may both be of one name, which thousands
/// have, and take 40.
const MOST: usize = 3;

/// What nearly every client's emails have in common: pieces of these say little, and their lists are long.
const PROVIDERS: [&str; 4] = ["@gmail.com", "@hotmail.com", "@outlook.com", "@yahoo.com"];

const RUNS: std::ops::RangeInclusive<usize> = 5..=10;

/// The pieces of an email's term; none where it has no character that [`is_reliable`].
pub(super) fn of_email(term: &str) -> Vec<Gram> {
    let characters: Vec<char> = term.chars().collect();
    let runs = characters.split(|&character| !is_reliable(character));
    let Some(longest) = runs.clone().max_by_key(|run| run.len()).filter(|run| !run.is_empty()) else {
        return Vec::new();
    };
    if longest.len() < LENGTH {
        return vec![Gram::EmailStart(longest.iter().collect())];
    }
    let mut pieces: Vec<String> = runs.flat_map(pieces).collect();
    // Those that cross punctuation or digits are in fewer emails than syllables are.
    let marks = |piece: &String| piece.chars().filter(|c| !c.is_alphabetic()).count();
    pieces.sort_by_key(|piece| (is_everywhere(piece), Reverse(marks(piece).min(2))));
    let telling = pieces.iter().take_while(|piece| !is_everywhere(piece)).count();
    pieces.truncate(telling.clamp(1, MOST));
    pieces.into_iter().map(Gram::Email).collect()
}

/// The pieces of a phone's digits, of which there is at least one. Numbers differ more the nearer to their end.
pub(super) fn of_phone(digits: &str) -> Vec<Gram> {
    if digits.len() < LENGTH {
        return vec![Gram::PhoneStart(digits.to_owned())];
    }
    let (start, end) = digits.split_at(digits.len() - LENGTH);
    let before = &digits[start.len().saturating_sub(LENGTH)..][..LENGTH];
    let mut grams = vec![Gram::Phone(end.to_owned())];
    if before != end {
        grams.push(Gram::Phone(before.to_owned()));
    }
    let runs = digits.as_bytes().chunk_by(|a, b| a == b);
    let longest = runs.max_by_key(|run| run.len()).unwrap_or_default();
    if longest.len() >= *RUNS.start() {
        let run = &longest[..longest.len().min(*RUNS.end())];
        grams.push(Gram::Run(String::from_utf8_lossy(run).into_owned()));
    }
    grams
}

/// Those that follow each other, and two that may overlap them: the last one, and where none crosses from the name to the
/// provider one that does. `jose` is in two hundred times as many emails as `jose@out` is, `se@o` in few more.
fn pieces(run: &[char]) -> impl Iterator<Item = String> + use<'_> {
    let last = run.len().checked_sub(LENGTH).map(|start| &run[start..]);
    let rest = run.chunks_exact(LENGTH);
    let last = last.filter(|_| !run.len().is_multiple_of(LENGTH));
    let at = run.iter().position(|&character| character == '@');
    let crossing = at.filter(|at| at.is_multiple_of(LENGTH)).and_then(|at| {
        let start = at.checked_sub(LENGTH / 2)?;
        run.get(start..start + LENGTH)
    });
    let crossing = crossing.filter(|crossing| Some(*crossing) != last);
    rest.chain(last).chain(crossing).map(|piece| piece.iter().collect())
}

fn is_everywhere(piece: &str) -> bool {
    PROVIDERS
        .iter()
        .any(|provider| provider.contains(&piece.to_lowercase()))
}

/// Whether the database makes the same lower case of the character wherever it stands, and one character again: what
/// ILIKE compares are whole texts in lower case, and here it is a piece.
fn is_reliable(character: char) -> bool {
    character.is_ascii_graphic() || matches!(character, 'À'..='ÿ' | 'Ā'..='Ž' if !matches!(character, 'İ' | 'ı'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn email(term: &str) -> Vec<String> {
        let text = |gram| match gram {
            Gram::Email(piece) => piece,
            Gram::EmailStart(start) => start + "…",
            other => panic!("{other:?}"),
        };
        of_email(term).into_iter().map(text).collect()
    }

    fn phone(digits: &str) -> Vec<String> {
        let text = |gram| match gram {
            Gram::Phone(piece) => piece,
            Gram::PhoneStart(start) => start + "…",
            Gram::Run(run) => format!("run {run}"),
            other => panic!("{other:?}"),
        };
        of_phone(digits).into_iter().map(text).collect()
    }

    #[test]
    fn a_term_is_cut_into_pieces_that_follow_each_other_and_its_last() {
        assert_eq!(email("ximena"), ["xime", "mena"]);
        assert_eq!(email("mariajua"), ["mari", "ajua"]);
        assert_eq!(email("john"), ["john"]);
    }

    #[test]
    fn pieces_with_punctuation_or_digits_come_first_and_three_are_enough() {
        assert_eq!(email("maria.lopez"), ["a.lo", "mari", "opez"]);
        assert_eq!(email("christopher.johnson.smith"), ["her.", "son.", "chri"]);
    }

    #[test]
    fn what_all_emails_have_in_common_is_asked_for_only_where_there_is_nothing_else() {
        assert_eq!(email("john.smith@gmail.com"), [".smi", "th@g", "john"]);
        assert_eq!(email("@Gmail.com"), ["@Gma"]);
    }

    #[test]
    fn one_piece_crosses_from_the_name_to_the_provider() {
        assert_eq!(email("jose@out"), ["se@o", "jose"]);
        assert_eq!(email("jose@o"), ["se@o", "jose"]);
        assert_eq!(email("jose@"), ["ose@", "jose"]);
        assert_eq!(email("jos@out"), ["jos@"]);
        assert_eq!(email("mariajua@gmail.com"), ["ua@g", "mari", "ajua"]);
    }

    #[test]
    fn a_short_term_is_how_a_piece_begins() {
        assert_eq!(email("@"), ["@…"]);
        assert_eq!(email("zqx"), ["zqx…"]);
        assert_eq!(phone("77"), ["77…"]);
    }

    #[test]
    fn characters_whose_lower_case_depends_on_more_than_themselves_are_left_out() {
        assert_eq!(email("Muñoz"), ["Muño", "uñoz"]);
        assert_eq!(email("ΣAΣmaría"), ["marí", "aría"]);
        assert_eq!(email("aİbc"), ["bc…"]);
        assert_eq!(email("ΣΣ"), [""; 0]);
        assert_eq!(email("\u{1}"), [""; 0]);
    }

    #[test]
    fn a_phone_is_told_by_its_end() {
        assert_eq!(phone("5491123456789"), ["6789", "2345"]);
        assert_eq!(phone("56912"), ["6912", "5691"]);
        assert_eq!(phone("5691"), ["5691"]);
    }

    #[test]
    fn a_digit_that_is_repeated_is_a_gram_of_its_own() {
        assert_eq!(phone("9999"), ["9999"]);
        assert_eq!(phone("9999999"), ["9999", "run 9999999"]);
        assert_eq!(phone("999999999999"), ["9999", "run 9999999999"]);
        assert_eq!(phone("10000005"), ["0005", "1000", "run 000000"]);
    }
}
