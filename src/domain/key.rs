//! API keys: what a caller proves itself with, and what a key allows.

use std::fmt;
use std::str::FromStr;

use chrono::TimeDelta;
use sha2::{Digest, Sha256};

use super::rate_limit::RateLimit;
use super::secret::{RandomError, random_text};

/// What a key allows its holder to do.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, PartialOrd, Ord)]
pub enum Scope {
    /// `GET /api/v1/contact-lookup/`
    Lookup,
    /// The reading endpoints under `/api/public/`.
    Search,
    /// Every endpoint that changes contacts.
    Write,
}

impl Scope {
    pub const ALL: [Scope; 3] = [Scope::Lookup, Scope::Search, Scope::Write];

    /// The name by which the database and the command line know the scope.
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

/// How a new key looks. Both formats work on both APIs.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Format {
    /// `mindo_` and 24 characters, as the lookup's vendor documents its keys.
    Mindo,
    /// `cs_` and 32 characters.
    Opaque,
}

impl Format {
    /// The format of a key that is displayed so; one that was made elsewhere is succeeded by the vendor's.
    pub fn of_display(display: &str) -> Self {
        if display.starts_with(PREFIXES[1]) {
            Format::Opaque
        } else {
            Format::Mindo
        }
    }
}

/// A key as its holder sends it. Its text is shown once, when it is made; `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiKey(String);

/// What the keys of each [`Format`] begin with.
const PREFIXES: [&str; 2] = ["mindo_", "cs_"];

/// The fewest and the most characters of a key that was made elsewhere.
const IMPORTED_LENGTH: std::ops::RangeInclusive<usize> = 16..=256;

/// Why a text can't be a key; it never holds the text itself.
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
    /// Makes a new key from the system's random source.
    pub fn generate(format: Format) -> Result<Self, RandomError> {
        let (prefix, length) = match format {
            Format::Mindo => (PREFIXES[0], 24),
            Format::Opaque => (PREFIXES[1], 32),
        };
        Ok(Self(format!("{prefix}{}", random_text(length)?)))
    }

    /// Takes the value that a caller sent or that an operator brings along. Surrounding blanks are cut.
    ///
    /// # Errors
    /// [`KeyError`] says what keeps the text from being a key.
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

    /// What the database keeps of the key.
    ///
    /// One SHA-256 and no slow password hash: a key has over 112 bits of randomness, which no guessing
    /// exhausts, while a slow hash would hand every attacker the server's cores.
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.0.as_bytes()).into()
    }

    /// Enough to recognise the key in a list: the prefix of our own formats, and the last four characters.
    pub fn display(&self) -> String {
        let prefix = PREFIXES
            .into_iter()
            .find(|prefix| self.0.starts_with(prefix))
            .unwrap_or_default();
        format!("{prefix}…{}", &self.0[self.0.len() - 4..])
    }

    /// The key itself, for the one time that it is shown.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ApiKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ApiKey({})", self.display())
    }
}

/// What a key that is to be stored is around its secret.
#[derive(Clone, Debug)]
pub struct NewKey {
    pub label: String,
    pub scopes: Vec<Scope>,
    /// From now, by the database's clock; `None` for a key that doesn't expire.
    pub lifetime: Option<TimeDelta>,
    pub rate_limit: RateLimit,
}

/// A label that a line of the log or of a list can't hold.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("a label has at most {LABEL_MAX} characters, without line breaks")]
pub struct LabelError;

/// The longest label, in characters.
const LABEL_MAX: usize = 100;

impl NewKey {
    /// Cuts the label's surrounding blanks, and leaves each scope once. The rate limit is the server's.
    ///
    /// # Errors
    /// [`LabelError`] where the label is too long or has control characters.
    pub fn new(label: &str, mut scopes: Vec<Scope>, lifetime: Option<TimeDelta>) -> Result<Self, LabelError> {
        let label = label.trim().to_owned();
        if label.chars().count() > LABEL_MAX || label.chars().any(char::is_control) {
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
    fn generated_keys_have_the_documented_form_and_never_repeat() {
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
    fn a_key_is_succeeded_by_one_of_its_format() {
        for format in [Format::Mindo, Format::Opaque] {
            assert_eq!(Format::of_display(&ApiKey::generate(format).unwrap().display()), format);
        }
        let elsewhere = ApiKey::parse("live_9f8e7d6c5b4a39281706").unwrap();
        assert_eq!(Format::of_display(&elsewhere.display()), Format::Mindo);
    }

    #[test]
    fn debug_and_display_hide_all_but_the_ends() {
        let key = ApiKey::parse("mindo_abcdefghijklmnopqrstuvwx").unwrap();
        assert_eq!(key.display(), "mindo_…uvwx");
        assert_eq!(ApiKey::parse("other_key_4567890").unwrap().display(), "…7890");
        assert_eq!(format!("{key:?}"), "ApiKey(mindo_…uvwx)");
    }

    #[test]
    fn what_no_key_looks_like_is_refused() {
        assert_eq!(ApiKey::parse("  "), Err(KeyError::Empty));
        assert_eq!(ApiKey::parse("short"), Err(KeyError::Length));
        assert_eq!(ApiKey::parse(&"x".repeat(257)), Err(KeyError::Length));
        assert_eq!(ApiKey::parse("sixteen chars but blank"), Err(KeyError::Characters));
        assert_eq!(ApiKey::parse("clé-clé-clé-clé-clé"), Err(KeyError::Characters));
    }
}
