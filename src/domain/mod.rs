//! Values and their rules: contacts, phones, keys, messages, search terms. No input or output.

pub mod client;
pub mod contact;
pub mod contact_id;
pub mod counted;
pub mod duplicates;
pub mod email;
pub mod fold;
pub mod gram;
pub mod key;
pub mod key_strength;
pub mod message;
pub mod phone;
pub mod query;
pub mod rate_limit;
pub mod recheck;
pub mod secret;
pub mod term;
pub mod visible;
pub mod webhook;
pub mod window;
