//! Random choices, and names in emails.

use icu_normalizer::DecomposingNormalizerBorrowed;
use rand::RngExt;
use rand::rngs::ChaCha8Rng;

/// Picks one of the choices at random, by weight.
pub(super) fn pick<T: Copy>(random: &mut ChaCha8Rng, choices: &[T], weight: impl Fn(&T) -> u32) -> T {
    let total = choices.iter().map(&weight).sum();
    let mut left = random.random_range(0..total);
    for choice in choices {
        match left.checked_sub(weight(choice)) {
            Some(rest) => left = rest,
            None => return *choice,
        }
    }
    choices[0]
}

/// The name without accents.
pub(super) fn without_accents(name: &str) -> String {
    DecomposingNormalizerBorrowed::new_nfd()
        .normalize_iter(name.chars())
        .filter(|letter| !('\u{300}'..='\u{36f}').contains(letter))
        .collect()
}

/// A name as people write it in an email address: letters and digits only.
pub(super) fn ascii(name: &str) -> String {
    without_accents(name)
        .to_lowercase()
        .replace('ø', "o")
        .replace('ł', "l")
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .collect()
}
