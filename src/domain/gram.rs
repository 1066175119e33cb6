//! Grams: the entries of the gram index. They are pieces of phones and emails, words of names and emails, the first
//! digits of phones, and external ids.
//!
//! The index has every four-character piece of an email or phone, and the shorter pieces at its end. A value that
//! contains a term therefore contains each four-character piece of the term, and a shorter term is a prefix of one of
//! the value's pieces. Non-overlapping pieces narrow the search as well as all pieces do, and fewer pieces make the
//! lookup faster.

use std::cmp::Reverse;

/// An entry of the gram index.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Gram {
    /// Four characters of an email, in any case.
    Email(String),
    /// A prefix of an email's piece: one to three characters.
    EmailStart(String),
    /// The provider of an email, with the `@`: one of `PROVIDERS`.
    Provider(String),
    /// Four digits of a phone.
    Phone(String),
    /// A prefix of a phone's piece: one to three digits.
    PhoneStart(String),
    /// The first digits of a phone, or the beginning of them.
    FirstDigits(String),
    /// The same digit five to ten times in a row, in a phone.
    Run(String),
    /// A word of a name.
    Name(String),
    /// The beginning of a word of a name.
    NameStart(String),
    /// The word of a name that has no other word.
    OnlyName(String),
    /// A run of letters before the `@` of an email that is no word of the name.
    EmailWord(String),
    /// The beginning of such a run.
    EmailWordStart(String),
    /// An external id, in lower case.
    ExternalId(String),
    /// The beginning of an external id.
    ExternalIdStart(String),
}

/// The most characters of a name's word, an email's word or an external id in the index.
pub const TERM_MAX: usize = 40;

/// The most digits of [`Gram::FirstDigits`].
const FIRST_DIGITS: usize = 7;

/// The length of a piece, in characters.
const LENGTH: usize = 4;

/// The maximum number of a term's pieces that a search looks up. The search looks up each piece in
/// every time partition of the index. Measured with searches for 12 emails among 5 M contacts: 1 piece
/// takes 37 ms on average, 2 pieces 2.4 ms, 3 pieces 3.2 ms, 4 pieces 3.9 ms. Two pieces can both
/// come from one common name and then take 40 ms.
const PIECES_MAX: usize = 3;

/// Providers that nearly every client's emails contain. Their pieces are not selective: the index would have a long list
/// of contacts for each of them. It has one gram for the provider instead, and the pieces that begin before the `@`.
/// The function `contact_grams` has the same providers.
const PROVIDERS: [&str; 4] = ["@gmail.com", "@hotmail.com", "@outlook.com", "@yahoo.com"];

const RUNS: std::ops::RangeInclusive<usize> = 5..=10;

/// Grams of an email term: an email with the term has all grams of one of these lists. No list if the term has no
/// [reliable](is_reliable) character.
///
/// `count` is the number of emails of a sample that contain a piece. A long term is looked up by the pieces with the
/// smallest counts.
///
/// A piece that no provider contains begins before the `@` of a provider, or the email has another domain. So the index
/// has it. Any other piece can be a part of the provider.
pub(super) fn of_email(term: &str, count: impl Fn(&str) -> usize) -> Vec<Vec<Gram>> {
    let pieces = email_pieces(term, count);
    let text = match &*pieces {
        [] => return Vec::new(),
        [Gram::Email(text) | Gram::EmailStart(text)] => text.to_lowercase(),
        _ => return vec![pieces],
    };
    let providers = PROVIDERS.iter().filter(|provider| provider.contains(&text));
    let providers = providers.map(|provider| vec![Gram::Provider((*provider).to_owned())]);
    [pieces].into_iter().chain(providers).collect()
}

/// The pieces of an email term, the most selective ones if it has many.
fn email_pieces(term: &str, count: impl Fn(&str) -> usize) -> Vec<Gram> {
    let characters: Vec<char> = term.chars().collect();
    let runs = characters.split(|&character| !is_reliable(character));
    let Some(longest) = runs.clone().max_by_key(|run| run.len()).filter(|run| !run.is_empty()) else {
        return Vec::new();
    };
    if longest.len() < LENGTH {
        return vec![Gram::EmailStart(longest.iter().collect())];
    }
    let mut pieces: Vec<String> = runs.flat_map(pieces).collect();
    // Pieces with punctuation or digits are in fewer emails than pieces of letters alone.
    let marks = |piece: &String| piece.chars().filter(|c| !c.is_alphabetic()).count();
    pieces.sort_by_key(|piece| (is_common(piece), Reverse(marks(piece).min(2))));
    let selective = pieces.iter().take_while(|piece| !is_common(piece)).count();
    if selective > PIECES_MAX {
        pieces[..selective].sort_by_cached_key(|piece| count(&piece.to_lowercase()));
    }
    pieces.truncate(selective.clamp(1, PIECES_MAX));
    pieces.into_iter().map(Gram::Email).collect()
}

/// The pieces of a phone's digits. `digits` is not empty. The end of a number is the most selective part.
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

/// The pieces of a phone that begins with the digits.
pub(super) fn of_first_digits(digits: &str) -> Vec<Gram> {
    let mut grams = vec![Gram::FirstDigits(digits.chars().take(FIRST_DIGITS).collect())];
    if digits.len() > FIRST_DIGITS {
        grams.extend(of_phone(digits));
    }
    grams
}

/// The pieces of a phone that ends with the digits. A piece of three digits in the index is always the
/// end of a number.
pub(super) fn of_last_digits(digits: &str) -> Vec<Gram> {
    let mut grams = of_phone(digits);
    let end = digits.len().saturating_sub(LENGTH - 1);
    grams.push(Gram::Phone(digits[end..].to_owned()));
    grams
}

/// Consecutive pieces, and two that may overlap them: the last piece, and one that spans the `@` if
/// no consecutive piece does. The one that spans the `@` is selective: `jose` is in two hundred times as many
/// emails as `jose@out`, but `se@o` is in only a few more emails than `jose@out`.
fn pieces(run: &[char]) -> impl Iterator<Item = String> + use<'_> {
    let last = run.len().checked_sub(LENGTH).map(|start| &run[start..]);
    let consecutive = run.chunks_exact(LENGTH);
    let last = last.filter(|_| !run.len().is_multiple_of(LENGTH));
    let at = run.iter().position(|&character| character == '@');
    let crossing = at.filter(|at| at.is_multiple_of(LENGTH)).and_then(|at| {
        let start = at.checked_sub(LENGTH / 2)?;
        run.get(start..start + LENGTH)
    });
    let crossing = crossing.filter(|crossing| Some(*crossing) != last);
    let pieces = consecutive.chain(last).chain(crossing);
    pieces.map(|piece| piece.iter().collect())
}

fn is_common(piece: &str) -> bool {
    PROVIDERS
        .iter()
        .any(|provider| provider.contains(&piece.to_lowercase()))
}

/// Whether the database lowercases the character to one character, whatever its context. The index
/// has pieces of the whole lowercased email, while a search lowercases each piece of the term
/// alone.
fn is_reliable(character: char) -> bool {
    let has_case = || !character.to_lowercase().eq([character]) || !character.to_uppercase().eq([character]);
    match character {
        'İ' | 'ı' | 'Σ' | 'σ' | 'ς' => false,
        'À'..='ÿ' | 'Ā'..='Ž' | 'Ά'..='ώ' | 'Ѐ'..='џ' => true,
        _ if character.is_ascii() => character.is_ascii_graphic(),
        _ => !character.is_control() && !has_case(),
    }
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
        email_pieces(term, |_| 0).into_iter().map(text).collect()
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
    fn a_term_is_cut_into_consecutive_pieces_and_its_last_piece() {
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
    fn a_long_term_is_asked_by_the_pieces_that_few_emails_of_the_sample_contain() {
        let emails = ["ana.lopez@acme.com", "maria@b.com", "pez@x.com"];
        let count = |piece: &str| emails.iter().filter(|email| email.contains(piece)).count();
        let grams = email_pieces("Maria.Lopez@nowhere", count);
        let texts = ["nowh", "here", "a.Lo"].map(|text| Gram::Email(text.to_owned()));
        assert_eq!(grams, texts);
    }

    #[test]
    fn pieces_of_common_providers_are_used_only_if_there_are_no_others() {
        assert_eq!(email("john.smith@gmail.com"), [".smi", "th@g", "john"]);
        assert_eq!(email("@Gmail.com"), ["@Gma"]);
    }

    #[test]
    fn one_piece_spans_the_at_sign() {
        assert_eq!(email("jose@out"), ["se@o", "jose"]);
        assert_eq!(email("jose@o"), ["se@o", "jose"]);
        assert_eq!(email("jose@"), ["ose@", "jose"]);
        assert_eq!(email("jos@out"), ["jos@"]);
        assert_eq!(email("mariajua@gmail.com"), ["ua@g", "mari", "ajua"]);
    }

    #[test]
    fn a_short_term_is_a_prefix_of_a_piece() {
        assert_eq!(email("@"), ["@…"]);
        assert_eq!(email("zqx"), ["zqx…"]);
        assert_eq!(phone("77"), ["77…"]);
    }

    #[test]
    fn characters_whose_lower_case_depends_on_context_are_skipped() {
        assert_eq!(email("Muñoz"), ["Muño", "uñoz"]);
        assert_eq!(email("ΣAΣmaría"), ["marí", "aría"]);
        assert_eq!(email("aİbc"), ["bc…"]);
        assert_eq!(email("ΣΣ"), [""; 0]);
        assert_eq!(email("\u{1}"), [""; 0]);
        assert_eq!(email("Ⓐ"), [""; 0]);
    }

    #[test]
    fn a_piece_of_a_provider_can_also_be_one_of_the_email_before_it() {
        let grams = |term| of_email(term, |_| 0).concat();
        let gmail = || Gram::Provider("@gmail.com".to_owned());
        assert_eq!(grams("GMAIL"), [Gram::Email("GMAI".to_owned()), gmail()]);
        assert_eq!(grams("@g"), [Gram::EmailStart("@g".to_owned()), gmail()]);
        assert_eq!(of_email("com", |_| 0).len(), 1 + PROVIDERS.len());
        assert_eq!(of_email("ana@gmail.com", |_| 0).len(), 1);
        assert_eq!(of_email("Σ", |_| 0).len(), 0);
    }

    #[test]
    fn every_script_has_pieces() {
        assert_eq!(email("Иванов"), ["Иван", "анов"]);
        assert_eq!(email("Αλέξης"), ["Αλέξ", "λέξη"]);
        assert_eq!(email("李"), ["李…"]);
        assert_eq!(email("محمد"), ["محمد"]);
        assert_eq!(email("🌸"), ["🌸…"]);
    }

    #[test]
    fn a_phone_is_looked_up_by_its_last_digits() {
        assert_eq!(phone("5491123456789"), ["6789", "2345"]);
        assert_eq!(phone("56912"), ["6912", "5691"]);
        assert_eq!(phone("5691"), ["5691"]);
    }

    #[test]
    fn a_repeated_digit_is_a_gram_of_its_own() {
        assert_eq!(phone("9999"), ["9999"]);
        assert_eq!(phone("9999999"), ["9999", "run 9999999"]);
        assert_eq!(phone("999999999999"), ["9999", "run 9999999999"]);
        assert_eq!(phone("10000005"), ["0005", "1000", "run 000000"]);
    }
}
