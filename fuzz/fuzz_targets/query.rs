//! Query parameters: an accepted value equals the one that the URL Standard's decoder returns, and every refusal has a
//! reason.

#![no_main]

use contact_search::http::parameter;
use libfuzzer_sys::fuzz_target;

const NAME: &str = "phone";

/// The longest value, in bytes, that the APIs document.
const VALUE_MAX: usize = 256;

fn encode(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02x}")).collect()
}

fuzz_target!(|query: &str| {
    // The URL Standard's decoder replaces invalid UTF-8 by U+FFFD and keeps a broken `%` unchanged.
    let standard: Vec<String> = form_urlencoded::parse(query.as_bytes())
        .filter(|(name, _)| name == NAME)
        .map(|(_, value)| value.into_owned())
        .collect();
    match parameter(query, NAME) {
        Ok(None) => {
            assert!(standard.is_empty());
            let asked = format!("{query}&{NAME}=1");
            assert_eq!(parameter(&asked, NAME).unwrap().as_deref(), Some("1"));
        }
        Ok(Some(value)) => {
            assert_eq!(standard, [value.as_str()]);
            assert!(value.len() <= VALUE_MAX && !value.contains('\0'));
            let encoded = format!("{NAME}={}", encode(&value));
            assert_eq!(parameter(&encoded, NAME).unwrap().as_ref(), Some(&value));
            let among_others = format!("phones=2&{query}&a=%zz");
            assert_eq!(parameter(&among_others, NAME).unwrap().as_ref(), Some(&value));
            assert!(
                parameter(&format!("{query}&{NAME}"), NAME).is_err(),
                "the parameter is given twice"
            );
        }
        Err(_) => {
            let has_reason =
                |value: &String| value.len() > VALUE_MAX || value.contains(['\0', '%', char::REPLACEMENT_CHARACTER]);
            assert!(standard.len() > 1 || standard.iter().all(has_reason));
            assert!(!standard.is_empty());
        }
    }
});
