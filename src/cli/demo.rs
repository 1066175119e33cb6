//! What a start with a demo prints.

use crate::domain::key::ApiKey;
use crate::sample::demo::{CLIENT, CONTACTS};

/// What to try, for the terminal: one line of curl an endpoint. The key is in it, so it is never logged.
pub fn describe(key: &ApiKey, base: &str) -> String {
    let key = key.reveal();
    format!(
        "\nThe client '{CLIENT}' has {CONTACTS} made-up contacts. Try it:\n\n  \
         curl -H \"X-API-Key: {key}\" \"{base}/api/v1/contact-lookup/?phone=5492235961983\"\n\n  \
         curl -H \"X-API-Key: {key}\" \"{base}/api/public/contacts/search?email=john%40example.com\"\n\n"
    )
}
