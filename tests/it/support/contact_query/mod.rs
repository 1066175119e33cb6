//! A model of `GET /api/v1/search`: the same answers by the plainest code. It reads all contacts of a client and compares
//! each one with each word of the query. It shares no code with the server, except the rules about phones.

pub mod calls;
mod contact;
mod examples;
mod field_match;
mod query;
mod rank;
mod ranking;
mod text;
pub mod vocabulary;

pub use self::contact::{Client, Stored};
pub use self::query::words;
pub use self::ranking::find;

/// The text without accents and in lower case.
pub fn folded(text: &str) -> String {
    text::Text::folded(text).text()
}
