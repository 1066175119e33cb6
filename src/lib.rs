//! `contact-search` finds a contact by phone or by email, over two documented HTTP APIs.
//!
//! The tree is the map; a request flows downwards and no layer looks up:
//!
//! | module | what it is |
//! |---|---|
//! | [`intake`] | files coming in: reading, header mapping, import; the demo's contacts |
//! | [`store`] | everything that speaks SQL |
//! | [`domain`] | what a contact, a phone number, a search term, a key *is* |
//! | [`embedded`] | the private PostgreSQL that runs where no database is named |

pub mod domain;
pub mod embedded;
pub mod intake;
pub mod store;
