//! `contact-search` finds a contact by phone or by email, over two documented HTTP APIs.
//!
//! The tree is the map; a request flows downwards and no layer looks up:
//!
//! | module | what it is |
//! |---|---|
//! | [`store`] | everything that speaks SQL |
//! | [`domain`] | what a contact, a phone number, a search term, a key *is* |

pub mod domain;
pub mod store;
