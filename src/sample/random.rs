//! Random choices, and names in emails.

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

/// A name as people write it in an email address.
pub(super) fn ascii(name: &str) -> String {
    name.to_lowercase()
        .chars()
        .map(|letter| match letter {
            'á' | 'ã' => 'a',
            'ç' => 'c',
            'é' => 'e',
            'í' => 'i',
            'ó' | 'ô' => 'o',
            'ú' | 'ü' => 'u',
            'ñ' => 'n',
            other => other,
        })
        .collect()
}
