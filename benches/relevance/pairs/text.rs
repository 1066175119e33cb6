//! The words of a name, without case and accents.

use icu_normalizer::DecomposingNormalizerBorrowed;

/// Characters that other letters carry: accents, vowel points, and the mark that makes an emoji colourful.
fn is_mark(character: char) -> bool {
    matches!(
        character,
        '\u{300}'..='\u{36f}' | '\u{591}'..='\u{5c7}' | '\u{64b}'..='\u{65f}' | '\u{fe0f}'
    )
}

/// The text without accents.
pub fn without_accents(text: &str) -> String {
    let composed = DecomposingNormalizerBorrowed::new_nfd().normalize_iter(text.chars());
    composed.filter(|character| !is_mark(*character)).collect()
}

/// The text without case, accents and variants of characters.
pub fn fold(text: &str) -> String {
    let composed = DecomposingNormalizerBorrowed::new_nfkd().normalize_iter(text.chars());
    let plain: String = composed.filter(|character| !is_mark(*character)).collect();
    plain.to_lowercase().replace('ø', "o").replace('ł', "l")
}

/// The words of a name, folded. An emoji is no word and no part of one: people do not type it.
pub fn words(name: &str) -> Vec<String> {
    fold(&name.replace(['\'', '’'], ""))
        .split(|character: char| !character.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_owned)
        .collect()
}

/// The words of a name as they are written, without emojis and punctuation around them.
pub fn written_words(name: &str) -> Vec<&str> {
    name.split_whitespace()
        .map(|word| word.trim_matches(|character: char| !character.is_alphanumeric()))
        .filter(|word| !word.is_empty())
        .collect()
}
