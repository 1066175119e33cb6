//! `/api/public/…`: the search's vendor documents these paths, with errors in English.

pub mod contact;
pub(super) mod contact_json;
pub mod contact_search;
pub mod contact_upsert;
pub mod recent_contacts;
