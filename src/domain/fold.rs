//! Folds names, so that case, accents and punctuation do not matter to a search.
//!
//! The database folds stored names in the same way, by the function `contact_name_words`
//! (`migrations/…_name_search`). A test compares the two.

use icu_normalizer::DecomposingNormalizerBorrowed;

/// The most characters of a name that are searched. The database keeps as many.
pub const NAME_MAX: usize = 128;

/// A folded character, and the part of the text that it comes from.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Folded {
    pub character: char,
    /// Where the part begins, in UTF-16 code units.
    pub start: usize,
    /// Where the part ends. Marks that were dropped after the character belong to the part.
    pub end: usize,
}

/// The words of a name in lower case, without accents, joined by single blanks. Each character has its place in the
/// name. The result has at most [`NAME_MAX`] characters.
pub fn name_words(name: &str) -> Vec<Folded> {
    let mut folded: Vec<Folded> = Vec::new();
    let mut place = 0;
    for character in name.chars() {
        let (start, end) = (place, place + character.len_utf16());
        place = end;
        let mut is_dropped = true;
        fold_into(character, &mut |character| {
            is_dropped = false;
            let character = if is_separator(character) { ' ' } else { character };
            // One blank stands for each gap, and none before the first word.
            if character != ' ' || folded.last().is_some_and(|last| last.character != ' ') {
                folded.push(Folded { character, start, end });
            }
        });
        if let Some(last) = folded.last_mut().filter(|last| is_dropped && last.character != ' ') {
            last.end = end;
        }
    }
    folded.truncate(NAME_MAX);
    if folded.last().is_some_and(|last| last.character == ' ') {
        folded.pop();
    }
    folded
}

/// The characters of [`name_words`], for callers that do not need their places.
pub fn name(name: &str) -> String {
    let mut folded = String::with_capacity(name.len());
    for character in name.chars() {
        fold_into(character, &mut |character| {
            if !is_separator(character) {
                folded.push(character);
            } else if !folded.is_empty() && !folded.ends_with(' ') {
                folded.push(' ');
            }
        });
    }
    if let Some((end, _)) = folded.char_indices().nth(NAME_MAX) {
        folded.truncate(end);
    }
    folded.truncate(folded.trim_end_matches(' ').len());
    folded
}

/// The words of [`name_words`].
pub fn words(text: &str) -> Vec<String> {
    let folded = name(text);
    let words = folded.split(' ').filter(|word| !word.is_empty());
    words.map(str::to_owned).collect()
}

/// A text in lower case and without accents. Punctuation stays.
pub fn text(text: &str) -> String {
    let mut folded = String::with_capacity(text.len());
    for character in text.chars() {
        fold_into(character, &mut |character| folded.push(character));
    }
    folded
}

fn fold_into(character: char, push: &mut dyn FnMut(char)) {
    if is_apostrophe(character) {
        return;
    }
    if character.is_ascii() {
        return push(character.to_ascii_lowercase());
    }
    let mut buffer = [0; 4];
    let decomposed = DecomposingNormalizerBorrowed::new_nfkd().normalize(character.encode_utf8(&mut buffer));
    for part in decomposed.chars().filter(|part| !is_dropped(*part)) {
        for lower in part.to_lowercase() {
            match replacement(lower) {
                Some(letters) => letters.chars().for_each(&mut *push),
                // A capital letter such as İ becomes a letter and a mark.
                None if is_dropped(lower) => {}
                None => push(lower),
            }
        }
    }
}

/// Apostrophes are inside of words: `O'Brien` is one word.
fn is_apostrophe(character: char) -> bool {
    matches!(character, '\'' | '`' | '’' | '‘' | '´' | 'ʼ')
}

/// Marks on a letter, and invisible characters.
fn is_dropped(character: char) -> bool {
    matches!(
        character,
        '\u{ad}'
            | '\u{300}'..='\u{36f}'
            | '\u{483}'..='\u{487}'
            | '\u{591}'..='\u{5bd}'
            | '\u{5bf}'
            | '\u{5c1}'..='\u{5c2}'
            | '\u{5c4}'..='\u{5c5}'
            | '\u{5c7}'
            | '\u{610}'..='\u{61a}'
            | '\u{64b}'..='\u{65f}'
            | '\u{670}'
            | '\u{180b}'..='\u{180e}'
            | '\u{1ab0}'..='\u{1aff}'
            | '\u{1dc0}'..='\u{1dff}'
            | '\u{200b}'..='\u{200f}'
            | '\u{202a}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{20d0}'..='\u{20ff}'
            | '\u{fe00}'..='\u{fe0f}'
            | '\u{fe20}'..='\u{fe2f}'
            | '\u{feff}'
    )
}

/// Letters that Unicode does not decompose, and how they are written without their diacritic.
fn replacement(letter: char) -> Option<&'static str> {
    Some(match letter {
        'ł' => "l",
        'ø' => "o",
        'đ' | 'ð' => "d",
        'ı' => "i",
        'ħ' => "h",
        'ŧ' => "t",
        'ŋ' => "n",
        'ĸ' => "k",
        'ß' => "ss",
        'æ' => "ae",
        'œ' => "oe",
        'þ' => "th",
        // The small sigma at the end of a word has the same capital letter as the other one.
        'ς' => "σ",
        _ => return None,
    })
}

/// Characters between words. Other symbols, such as emojis, are parts of words.
fn is_separator(character: char) -> bool {
    !character.is_ascii_alphanumeric() && character.is_ascii()
        || matches!(
            character,
            '\u{85}'
                | '\u{a0}'
                | '\u{1680}'
                | '\u{2028}'
                | '\u{2029}'
                | '–'
                | '—'
                | '…'
                | '·'
                | '«'
                | '»'
                | '“'
                | '”'
                | '„'
                | '¿'
                | '¡'
                | '•'
        )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn case_accents_and_punctuation_do_not_matter() {
        for (name, expected) in [
            ("María González", "maria gonzalez"),
            ("  ANDRÉ  ", "andre"),
            ("Müller-Lüdenscheidt", "muller ludenscheidt"),
            ("Łukasz Øster", "lukasz oster"),
            ("Jose\u{301}", "jose"),
            ("O’Brien, D'Angelo", "obrien dangelo"),
            ("Weiß & Æon ﬁ", "weiss aeon fi"),
            ("Ana 🌸\u{fe0f} Gil", "ana 🌸 gil"),
            ("İstanbul", "istanbul"),
            ("Иванов Й", "иванов и"),
            ("ΑΛΈΞΗΣ Αλέξης", "αλεξησ αλεξησ"),
            ("مُحَمَّد", "محمد"),
            ("Ａｎａ　№5", "ana no5"),
            ("¿?", ""),
        ] {
            assert_eq!(words(name).join(" "), expected, "{name}");
            assert_eq!(super::name(name), expected, "{name}");
        }
    }

    #[test]
    fn each_character_has_its_place_in_utf_16() {
        let places = |name| -> Vec<(char, usize, usize)> {
            let folded = name_words(name).into_iter();
            folded
                .map(|Folded { character, start, end }| (character, start, end))
                .collect()
        };
        assert_eq!(places("🌸 É"), [('🌸', 0, 2), (' ', 2, 3), ('e', 3, 4)]);
        assert_eq!(places("e\u{301}ß"), [('e', 0, 2), ('s', 2, 3), ('s', 2, 3)]);
        assert_eq!(places("a' - b"), [('a', 0, 2), (' ', 2, 3), ('b', 5, 6)]);
    }

    #[test]
    fn a_long_name_is_cut() {
        assert_eq!(name_words(&"a".repeat(200)).len(), NAME_MAX);
        assert_eq!(name_words(&"ab ".repeat(43)).len(), NAME_MAX);
    }

    proptest! {
        #[test]
        fn a_folded_name_has_the_characters_of_the_places(text in "[aÉß '.ﬁ\u{301}🌸-]{0,10}|.{0,300}|( ?[ab]){120,140}") {
            let characters: String = name_words(&text).into_iter().map(|folded| folded.character).collect();
            prop_assert_eq!(name(&text), characters);
        }
    }
}
