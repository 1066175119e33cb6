//! API keys: how a caller authenticates, and what a key allows.

use std::fmt;
use std::str::FromStr;

use chrono::TimeDelta;
use sha2::{Digest, Sha256};

use super::rate_limit::RateLimit;
use super::secret::{RandomError, random_text};
use super::visible::is_active;

/// A group of endpoints that a key allows.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub enum Scope {
    /// The lookup endpoints under `/api/v1/contact-lookup`.
    Lookup,
    /// The endpoints under `/api/public/` that read.
    Search,
    /// Every endpoint that changes contacts.
    Write,
}

impl Scope {
    pub const ALL: [Scope; 3] = [Scope::Lookup, Scope::Search, Scope::Write];

    /// The name in the database and on the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Scope::Lookup => "lookup",
            Scope::Search => "search",
            Scope::Write => "write",
        }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Scope {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Scope::ALL
            .into_iter()
            .find(|scope| scope.name() == text.trim())
            .ok_or_else(|| "a scope is lookup, search or write".to_owned())
    }
}

/// The format of a new key. Both formats work on both APIs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// `mindo_` and 24 characters, as documented by the lookup API's vendor.
    Mindo,
    /// `cs_` and 32 characters.
    Opaque,
}

impl Format {
    /// The format for the successor of a key with this display text. A key in neither format was imported, and its
    /// successor has the vendor's format.
    pub fn of_display(display: &str) -> Self {
        if display.starts_with(PREFIXES[1]) {
            Format::Opaque
        } else {
            Format::Mindo
        }
    }
}

/// A key as the caller sends it. Its text is shown once, at its creation. `Debug` redacts it.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey(String);

/// The prefix of each [`Format`].
const PREFIXES: [&str; 2] = ["mindo_", "cs_"];

/// The allowed length of an imported key, in characters.
const IMPORTED_LENGTH: std::ops::RangeInclusive<usize> = 16..=256;

/// Why a text is not a valid key. Never contains the text itself.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum KeyError {
    #[error("the key is empty")]
    Empty,
    #[error("a key has 16 to 256 characters")]
    Length,
    #[error("a key consists of visible ASCII characters without blanks")]
    Characters,
}

impl ApiKey {
    /// Generates a new key.
    ///
    /// # Errors
    /// [`RandomError`] if the operating system has no random bytes.
    pub fn generate(format: Format) -> Result<Self, RandomError> {
        let (prefix, length) = match format {
            Format::Mindo => (PREFIXES[0], 24),
            Format::Opaque => (PREFIXES[1], 32),
        };
        Ok(Self(format!("{prefix}{}", random_text(length)?)))
    }

    /// Parses a key from a request or from an operator. Surrounding blanks are trimmed.
    ///
    /// # Errors
    /// A [`KeyError`] that says why the text is not a valid key.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let text = text.trim();
        if text.is_empty() {
            Err(KeyError::Empty)
        } else if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            Err(KeyError::Characters)
        } else if !IMPORTED_LENGTH.contains(&text.len()) {
            Err(KeyError::Length)
        } else {
            Ok(Self(text.to_owned()))
        }
    }

    /// The hash that the database stores.
    ///
    /// A single SHA-256 is enough. A generated key has over 112 bits of randomness, so guessing is hopeless, while a slow
    /// password hash would let attackers exhaust the server's cores.
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.0.as_bytes()).into()
    }

    /// A redacted form for lists: the prefix of our own formats, and the last four characters.
    pub fn display(&self) -> String {
        let prefix = PREFIXES
            .into_iter()
            .find(|prefix| self.0.starts_with(prefix))
            .unwrap_or_default();
        format!("{prefix}…{}", &self.0[self.0.len() - 4..])
    }

    /// The key itself, for the only time that it is shown.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiKey({})", self.display())
    }
}

/// The attributes of a new key, without its secret.
#[derive(Clone, Debug)]
pub struct NewKey {
    pub label: String,
    pub scopes: Vec<Scope>,
    /// Starts now, by the database's clock. `None` means that the key does not expire.
    pub lifetime: Option<TimeDelta>,
    pub rate_limit: RateLimit,
}

/// The label does not fit on one line of a log or a list.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("a label has at most {LABEL_MAX} characters, without control characters, line breaks or direction marks")]
pub struct LabelError;

/// The longest label, in characters.
const LABEL_MAX: usize = 100;

impl NewKey {
    /// Trims the label, and removes repeated scopes. The rate limit is the server's default.
    ///
    /// # Errors
    /// [`LabelError`] if the label is too long or contains characters that a terminal acts on.
    pub fn new(label: &str, mut scopes: Vec<Scope>, lifetime: Option<TimeDelta>) -> Result<Self, LabelError> {
        let label = label.trim().to_owned();
        if label.chars().count() > LABEL_MAX || label.contains(is_active) {
            return Err(LabelError);
        }
        scopes.sort_unstable();
        scopes.dedup();
        Ok(Self {
            label,
            scopes,
            lifetime,
            rate_limit: RateLimit::OfServer,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn generated_keys_have_the_documented_format_and_never_repeat() {
        let mindo = ApiKey::generate(Format::Mindo).unwrap();
        assert!(mindo.reveal().starts_with("mindo_"));
        assert_eq!(mindo.reveal().len(), 30);
        assert!(mindo.reveal()[6..].bytes().all(|byte| byte.is_ascii_alphanumeric()));
        assert_ne!(mindo, ApiKey::generate(Format::Mindo).unwrap());
        assert_eq!(ApiKey::generate(Format::Opaque).unwrap().reveal().len(), 35);
    }

    #[test]
    fn a_generated_key_can_be_parsed_back() {
        for format in [Format::Mindo, Format::Opaque] {
            let key = ApiKey::generate(format).unwrap();
            assert_eq!(ApiKey::parse(key.reveal()), Ok(key));
        }
    }

    #[test]
    fn the_successor_of_a_key_has_its_format() {
        for format in [Format::Mindo, Format::Opaque] {
            assert_eq!(Format::of_display(&ApiKey::generate(format).unwrap().display()), format);
        }
        let elsewhere = ApiKey::parse("live_9f8e7d6c5b4a39281706").unwrap();
        assert_eq!(Format::of_display(&elsewhere.display()), Format::Mindo);
    }

    #[test]
    fn debug_and_display_redact_the_key() {
        let key = ApiKey::parse("mindo_abcdefghijklmnopqrstuvwx").unwrap();
        assert_eq!(key.display(), "mindo_…uvwx");
        assert_eq!(ApiKey::parse("other_key_4567890").unwrap().display(), "…7890");
        assert_eq!(format!("{key:?}"), "ApiKey(mindo_…uvwx)");
    }

    #[test]
    fn a_malformed_key_is_refused() {
        assert_eq!(ApiKey::parse("  "), Err(KeyError::Empty));
        assert_eq!(ApiKey::parse("short"), Err(KeyError::Length));
        assert_eq!(ApiKey::parse(&"x".repeat(257)), Err(KeyError::Length));
        assert_eq!(ApiKey::parse("sixteen chars but blank"), Err(KeyError::Characters));
        assert_eq!(ApiKey::parse("clé-clé-clé-clé-clé"), Err(KeyError::Characters));
    }
}
