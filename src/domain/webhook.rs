//! Webhooks: the secret URL that Meta calls, and the signature of a call.

use std::fmt;

use hmac::{Hmac, KeyInit, Mac};
use sha2::{Digest, Sha256};

use super::secret::{RandomError, random_text};

/// The last part of a webhook's URL, which is also the "verify token" of Meta's form. It is shown once, at its
/// creation. `Debug` redacts it.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(String);

/// The length of a token, with 5.95 bits of randomness per character.
const TOKEN_LENGTH: usize = 32;

impl Token {
    /// Generates a new token.
    ///
    /// # Errors
    /// [`RandomError`] if the operating system has no random bytes.
    pub fn generate() -> Result<Self, RandomError> {
        random_text(TOKEN_LENGTH).map(Self)
    }

    /// Returns `None` for a text that does not have the form of a token.
    pub fn parse(text: &str) -> Option<Self> {
        let is_token = text.len() == TOKEN_LENGTH && text.bytes().all(|byte| byte.is_ascii_alphanumeric());
        is_token.then(|| Self(text.to_owned()))
    }

    /// The hash that the database stores. A plain SHA-256 is enough, for the same reason as for keys.
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.0.as_bytes()).into()
    }

    /// The last four characters, by which an operator tells a client's webhooks apart. They are 24 of its 190 random
    /// bits.
    pub fn end(&self) -> &str {
        &self.0[self.0.len() - 4..]
    }

    /// The token itself, for the only time that it is shown.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(…)")
    }
}

/// Meta's app secret, with which Meta signs its calls. `Debug` redacts it.
#[derive(Clone, PartialEq, Eq)]
pub struct AppSecret(String);

/// The longest app secret. Meta's have 32 characters.
const SECRET_MAX: usize = 256;

impl AppSecret {
    /// Parses the secret as shown in Meta's dashboard. Surrounding blanks are trimmed.
    ///
    /// # Errors
    /// A message that does not contain the text.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let text = text.trim();
        if text.is_empty() {
            Err("the app secret is empty")
        } else if text.len() > SECRET_MAX || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            Err("an app secret has at most 256 visible ASCII characters without blanks")
        } else {
            Ok(Self(text.to_owned()))
        }
    }

    /// The secret itself, for the database.
    pub fn reveal(&self) -> &str {
        &self.0
    }

    /// Whether `signature` fits the raw bytes of the body. `signature` is the value of the header
    /// `X-Hub-Signature-256`: `sha256=` and the body's HMAC-SHA256 in hexadecimal. Compares in
    /// constant time.
    pub fn has_signed(&self, body: &[u8], signature: &[u8]) -> bool {
        let Some(signature) = signature.strip_prefix(b"sha256=").and_then(from_hex) else {
            return false;
        };
        let mut mac = Hmac::<Sha256>::new_from_slice(self.0.as_bytes()).expect("HMAC takes keys of any length");
        mac.update(body);
        mac.verify_slice(&signature).is_ok()
    }
}

impl fmt::Debug for AppSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("AppSecret(…)")
    }
}

fn from_hex(digits: &[u8]) -> Option<Vec<u8>> {
    let value = |digit: u8| char::from(digit).to_digit(16);
    let pair = |pair: &[u8]| u8::try_from(value(pair[0])? * 16 + value(*pair.get(1)?)?).ok();
    digits.chunks(2).map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_can_be_parsed_back_and_never_repeats() {
        let token = Token::generate().unwrap();
        assert_eq!(Token::parse(token.reveal()), Some(token.clone()));
        assert_ne!(token, Token::generate().unwrap());
        assert!(token.end().len() == 4 && token.reveal().ends_with(token.end()));
        assert_eq!(format!("{token:?}"), "Token(…)");
        for other in ["", "short", &"-".repeat(32), &"x".repeat(33)] {
            assert_eq!(Token::parse(other), None, "{other}");
        }
    }

    /// The second test case of RFC 4231.
    #[test]
    fn a_signature_is_the_bodys_hmac() {
        let secret = AppSecret::parse(" Jefe\n").unwrap();
        let body = b"what do ya want for nothing?";
        let signature = "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843";
        assert!(secret.has_signed(body, signature.as_bytes()));
        assert!(secret.has_signed(body, signature.to_uppercase().replace("SHA", "sha").as_bytes()));
        assert!(!secret.has_signed(b"what do ya want for nothing!", signature.as_bytes()));
        assert!(!AppSecret::parse("Jeff").unwrap().has_signed(body, signature.as_bytes()));
        for broken in [
            "",
            "sha256=",
            "sha256=5",
            "sha256=+f",
            &signature[7..],
            &signature[..69],
            &format!("{signature}00"),
        ] {
            assert!(!secret.has_signed(body, broken.as_bytes()), "{broken}");
        }
    }

    #[test]
    fn a_malformed_secret_is_refused() {
        for text in ["", " \n", "two words", "ñ", &"x".repeat(257)] {
            assert!(AppSecret::parse(text).is_err(), "{text}");
        }
        assert_eq!(format!("{:?}", AppSecret::parse("abc").unwrap()), "AppSecret(…)");
    }
}
