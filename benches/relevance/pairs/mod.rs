//! Makes the queries of the relevance benchmark, each with the contact that it looks for, and finds the contacts that
//! are equally good answers. It uses the generated contacts alone. It shares no code with the server, so that an error
//! of the server is not repeated here.
//!
//! | module | what it does |
//! |---|---|
//! | `text` | the words of a name, without case and accents |
//! | `typo` | typos, and the distance between two words |
//! | `notation` | other notations of a phone |
//! | `contacts` | the contacts, with an index of the words of their names |
//! | `good` | which contacts are equally good answers |
//! | `make` | the kinds of queries |

mod contacts;
pub mod good;
mod make;
pub mod notation;
pub mod text;
pub mod typo;

pub use contacts::{Contact, Contacts};
pub use make::{Kind, Pair, make};
