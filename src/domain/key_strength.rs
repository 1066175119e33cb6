//! Whether a key from elsewhere can be guessed. The keys that this program generates need no check.

use std::collections::HashSet;

use zxcvbn::zxcvbn;

use super::key::ApiKey;

/// The fewest different characters of a key. Of a million random keys of 16 hexadecimal digits, 40 have fewer.
const DIFFERENT_MIN: usize = 6;

/// The fewest guesses that a key must withstand, as a power of ten. Keys of 16 random letters or more withstand 10^13
/// in the estimate of zxcvbn, and so do 99.5 % of those of 16 random hexadecimal digits. Keys of words withstand fewer.
const GUESSES_MIN: f64 = 13.0;

/// Words that the lists of zxcvbn lack, because they are not English or belong to keys.
const WORDS: [&str; 34] = [
    "acceso",
    "access",
    "and",
    "api",
    "apikey",
    "auth",
    "cliente",
    "clave",
    "client",
    "contact",
    "contacto",
    "contrasena",
    "contraseña",
    "crm",
    "empresa",
    "for",
    "key",
    "live",
    "llave",
    "mindo",
    "mi",
    "my",
    "nuestra",
    "para",
    "prod",
    "search",
    "secreta",
    "secreto",
    "senha",
    "servidor",
    "test",
    "the",
    "token",
    "whatsapp",
];

/// A key that can be guessed. Never contains the key.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum WeakKey {
    #[error(
        "the key has fewer than {DIFFERENT_MIN} different characters, so it can be guessed: create a random one with \
         `contact-search key create`, or import this one with --accept-weak"
    )]
    FewCharacters,
    #[error(
        "the key consists of known words, names, dates, sequences or repetitions, so it can be guessed: create a random \
         one with `contact-search key create`, or import this one with --accept-weak"
    )]
    Guessable,
}

/// Checks that a key is hard to guess. `known` are texts that an attacker knows, such as the client's name.
///
/// # Errors
/// A [`WeakKey`] that says what is wrong.
pub fn check(key: &ApiKey, known: &[&str]) -> Result<(), WeakKey> {
    let text = key.reveal();
    if text.chars().collect::<HashSet<char>>().len() < DIFFERENT_MIN {
        return Err(WeakKey::FewCharacters);
    }
    // The words of a name also count one by one.
    let known = known.iter().flat_map(|text| text.split_whitespace().chain([*text]));
    let words: Vec<&str> = WORDS.into_iter().chain(known).filter(|word| !word.is_empty()).collect();
    // Separators between words make a key no better, and the estimate takes them for random characters.
    let joined: String = text.chars().filter(char::is_ascii_alphanumeric).collect();
    let is_weak = |text: &str| zxcvbn(text, &words).guesses_log10() < GUESSES_MIN;
    if is_weak(text) || is_weak(&joined) {
        return Err(WeakKey::Guessable);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::key::Format;

    fn check(text: &str) -> Result<(), WeakKey> {
        super::check(&ApiKey::parse(text).unwrap(), &["Acme Hogar", "crm"])
    }

    #[test]
    fn a_key_of_few_different_characters_is_weak() {
        for text in [
            "aaaaaaaaaaaaaaaa",
            "abbabaabbaababba",
            "1010011010111001",
            "deadbeefdeadbeef",
            "mmmmmmmmmmmmmmmmmmmmmmmmm1",
        ] {
            assert_eq!(check(text), Err(WeakKey::FewCharacters), "{text}");
        }
    }

    #[test]
    fn a_key_of_known_words_sequences_or_repetitions_is_weak() {
        for text in [
            "passwordpassword",
            "P@ssw0rdP@ssw0rd",
            "letmeinletmein12",
            "qwertyuiopasdfgh",
            "1q2w3e4r5t6y7u8i",
            "abcdefghijklmnop",
            "zyxwvutsrqponmlk",
            "1234567890123456",
            "0123456789abcdef",
            "mindo_aaaaaaaaaaaabc",
            "mindo_abcdefghijklmnopqrstuvwx",
            "contrasena123456",
            "miclavesecreta2024",
            "supersecretapikey",
            "my-api-key-for-crm",
            "contact-search-key",
            "ThisIsMySecretKey",
            "hello-world-hello",
            "welcome2welcome2",
            "AcmeHogar20242024",
            "acme-hogar-crm-2024",
            "juanperezjuanperez",
            "19900101-20241231",
            "aabbccddeeff0011",
        ] {
            assert_eq!(check(text), Err(WeakKey::Guessable), "{text}");
        }
    }

    #[test]
    fn a_random_key_of_any_product_is_not_weak() {
        for text in [
            "live_9f8e7d6c5b4a39281706",
            "sk_test_4eC39HqLyjWDarjtT1zdp7dc",
            "f47ac10b-58cc-4372-a567-0e02b2c3d479",
            "Zk3vXq9TtLw0bYdR",
            "9c1f04be7a6d2853",
            "hvxqzkwtmrplyndg",
        ] {
            assert_eq!(check(text), Ok(()), "{text}");
        }
        for format in [Format::Mindo, Format::Opaque] {
            for _ in 0..20 {
                let key = ApiKey::generate(format).unwrap();
                assert_eq!(super::check(&key, &[]), Ok(()), "{}", key.reveal());
            }
        }
    }
}
