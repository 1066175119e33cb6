//! Folded texts. Each character knows where it comes from in the original text.

use std::ops::Range;

use icu_normalizer::properties::CanonicalCombiningClassMapBorrowed;
use icu_normalizer::{ComposingNormalizerBorrowed, DecomposingNormalizerBorrowed};

/// Characters, and for each the range of the original text that it comes from, in UTF-16 code units.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text {
    pub chars: Vec<char>,
    sources: Vec<Range<usize>>,
}

impl Text {
    /// The text in lower case.
    pub fn lower(text: &str) -> Self {
        Self::convert(text, |character| character.to_lowercase().collect())
    }

    /// Folded: accents and case do not matter.
    pub fn folded(text: &str) -> Self {
        Self::convert(text, fold)
    }

    pub fn folded_without_apostrophes(text: &str) -> Self {
        // `´` would be folded to a blank.
        let folded = Self::convert(text, |character| match character {
            apostrophe if is_apostrophe(apostrophe) => "'".to_owned(),
            other => fold(other),
        });
        let mut without = Self::default();
        for (character, source) in folded.chars.iter().zip(&folded.sources) {
            if !is_apostrophe(*character) {
                without.push(*character, source.clone());
            } else if let Some(before) = without.sources.last_mut() {
                before.end = source.end;
            }
        }
        without
    }

    fn convert(text: &str, convert: impl Fn(char) -> String) -> Self {
        let mut converted = Self::default();
        let mut start = 0;
        for character in text.chars() {
            let source = start..start + character.len_utf16();
            start = source.end;
            let letters = convert(character);
            if letters.is_empty()
                && let Some(before) = converted.sources.last_mut()
            {
                // A combining mark belongs to the letter before it.
                before.end = source.end;
            }
            for letter in letters.chars() {
                converted.chars.push(letter);
                converted.sources.push(source.clone());
            }
        }
        converted
    }

    /// The characters alone.
    pub fn text(&self) -> String {
        self.chars.iter().collect()
    }

    pub fn is_empty(&self) -> bool {
        self.chars.is_empty()
    }

    /// The range of the original text that the characters of `range` come from.
    pub fn source(&self, range: Range<usize>) -> Range<usize> {
        let sources = &self.sources[range];
        sources[0].start..sources[sources.len() - 1].end
    }

    /// The parts between the characters that separate.
    pub fn split(&self, separates: impl Fn(char) -> bool) -> Vec<Self> {
        let mut parts = vec![Self::default()];
        for (character, source) in self.chars.iter().zip(&self.sources) {
            if separates(*character) {
                parts.push(Self::default());
            } else if let Some(part) = parts.last_mut() {
                part.push(*character, source.clone());
            }
        }
        parts.retain(|part| !part.is_empty());
        parts
    }

    /// The runs of letters and the runs of digits. ASCII punctuation separates runs.
    pub fn runs(&self) -> Vec<Self> {
        let kind = |character: char| {
            let is_digit = character.is_ascii_digit();
            (
                !is_digit && (character.is_ascii_alphabetic() || !character.is_ascii()),
                is_digit,
            )
        };
        let mut runs: Vec<Self> = Vec::new();
        let mut before = (false, false);
        for (character, source) in self.chars.iter().zip(&self.sources) {
            let this = kind(*character);
            if this != before {
                runs.push(Self::default());
            }
            before = this;
            if let Some(run) = runs.last_mut().filter(|_| this != (false, false)) {
                run.push(*character, source.clone());
            }
        }
        runs.retain(|run| !run.is_empty());
        runs
    }

    /// The texts with a blank between two.
    pub fn joined(parts: &[Self]) -> Self {
        let mut all = Self::default();
        for part in parts {
            if !all.is_empty() {
                all.push(' ', 0..0);
            }
            all.chars.extend(&part.chars);
            all.sources.extend(part.sources.iter().cloned());
        }
        all
    }

    /// The part of the text before the first `@`, and the part after it.
    pub fn around_at(&self) -> Option<(Self, Self)> {
        let at = self.chars.iter().position(|character| *character == '@')?;
        let part = |range: Range<usize>| Self {
            chars: self.chars[range.clone()].to_vec(),
            sources: self.sources[range].to_vec(),
        };
        Some((part(0..at), part(at + 1..self.chars.len())))
    }

    pub fn starts_with(&self, piece: &Self) -> bool {
        self.chars.starts_with(&piece.chars)
    }

    /// The first place of the piece.
    pub fn find(&self, piece: &Self) -> Option<Range<usize>> {
        let length = piece.chars.len();
        let start = self.chars.windows(length).position(|window| window == piece.chars)?;
        Some(start..start + length)
    }

    fn push(&mut self, character: char, source: Range<usize>) {
        self.chars.push(character);
        self.sources.push(source);
    }
}

/// Letters without a decomposition, and how they are folded.
const PLAIN: [(char, &str); 14] = [
    ('ł', "l"),
    ('ø', "o"),
    ('đ', "d"),
    ('ð', "d"),
    ('þ', "th"),
    ('ß', "ss"),
    ('æ', "ae"),
    ('œ', "oe"),
    ('ı', "i"),
    ('ħ', "h"),
    ('ŧ', "t"),
    ('ŋ', "n"),
    ('ĸ', "k"),
    ('ς', "σ"),
];

/// The folded character: decomposed, without marks, in lower case, and the letters of [`PLAIN`] replaced.
fn fold(character: char) -> String {
    let decomposed = DecomposingNormalizerBorrowed::new_nfkd()
        .normalize(character.encode_utf8(&mut [0; 4]))
        .into_owned();
    let letters = decomposed.chars().filter(|letter| !is_mark(*letter));
    let lower = letters.flat_map(char::to_lowercase);
    let plain = lower.map(|letter| match PLAIN.iter().find(|(special, _)| *special == letter) {
        Some((_, plain)) => (*plain).to_owned(),
        None => letter.to_string(),
    });
    plain.collect()
}

/// Whether the character is a combining mark of the Latin, Greek, Cyrillic, Hebrew or Arabic script, or invisible. The
/// marks of other scripts are parts of letters.
fn is_mark(character: char) -> bool {
    let is_of_script = matches!(character, '\u{300}'..='\u{6ff}' | '\u{1ab0}'..='\u{1aff}' | '\u{1dc0}'..='\u{1dff}');
    is_of_script && CanonicalCombiningClassMapBorrowed::new().get_u8(character) != 0 || is_invisible(character)
}

/// Whether the character has no glyph of its own.
fn is_invisible(character: char) -> bool {
    matches!(character, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}'..='\u{2064}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}')
}

/// The query without invisible characters. A letter and its mark become one character if Unicode has it.
pub fn composed(query: &str) -> String {
    let visible: String = query.chars().filter(|character| !is_invisible(*character)).collect();
    ComposingNormalizerBorrowed::new_nfc().normalize(&visible).into_owned()
}

fn is_apostrophe(character: char) -> bool {
    matches!(character, '\'' | '’' | '‘' | '`' | '´' | 'ʼ')
}

pub fn is_punctuation(character: char) -> bool {
    let others = ['–', '—', '…', '·', '«', '»', '“', '”', '„', '¿', '¡', '•'];
    character.is_ascii_punctuation() || is_apostrophe(character) || others.contains(&character)
}

/// The words of a name.
pub fn name_words(name: &str) -> Vec<Text> {
    Text::folded_without_apostrophes(name).split(|character| character.is_whitespace() || is_punctuation(character))
}

/// The fewest edits from one text to the other. An edit inserts, deletes or replaces a character, or swaps two
/// neighbours (optimal string alignment).
pub fn edits(from: &[char], to: &[char]) -> usize {
    let mut table = vec![vec![0; to.len() + 1]; from.len() + 1];
    for a in 0..=from.len() {
        for b in 0..=to.len() {
            if a == 0 || b == 0 {
                table[a][b] = a + b;
                continue;
            }
            let replaced = usize::from(from[a - 1] != to[b - 1]);
            let mut fewest = (table[a - 1][b] + 1)
                .min(table[a][b - 1] + 1)
                .min(table[a - 1][b - 1] + replaced);
            if a > 1 && b > 1 && from[a - 1] == to[b - 2] && from[a - 2] == to[b - 1] {
                fewest = fewest.min(table[a - 2][b - 2] + 1);
            }
            table[a][b] = fewest;
        }
    }
    table[from.len()][to.len()]
}
