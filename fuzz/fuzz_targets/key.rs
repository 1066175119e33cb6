//! Keys: an accepted key parses to itself, fits into a header, and is redacted wherever it is shown.

#![no_main]

use contact_search::domain::key::{ApiKey, KeyError};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let trimmed = text.trim();
    let characters = trimmed.chars().count();
    match ApiKey::parse(text) {
        Ok(key) => {
            assert_eq!(key.reveal(), trimmed);
            assert!((16..=256).contains(&characters) && trimmed.bytes().all(|byte| byte.is_ascii_graphic()));
            assert_eq!(ApiKey::parse(&format!(" {trimmed}\n")), Ok(key.clone()));
            let other = ApiKey::parse(&format!("{}x", &trimmed[..characters - 1])).expect("a key of the same length");
            assert_eq!(key.hash() == other.hash(), key == other);
            // Without one of our prefixes, a key hides at least twelve characters. A generated
            // `mindo_` key hides all but the last four of its 24 random characters.
            let (shown, debug) = (key.display(), format!("{key:?}"));
            let (prefix, end) = shown.split_once('…').expect("a mark replaces the hidden characters");
            assert!(["", "mindo_", "cs_"].contains(&prefix) && trimmed.starts_with(prefix));
            assert!(end.len() == 4 && trimmed.ends_with(end));
            assert_eq!(debug, format!("ApiKey({shown})"));
        }
        Err(KeyError::Empty) => assert_eq!(trimmed, ""),
        Err(KeyError::Characters) => assert!(!trimmed.chars().all(|character| character.is_ascii_graphic())),
        Err(KeyError::Length) => assert!(!(16..=256).contains(&characters)),
    }
});
