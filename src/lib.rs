//! `contact-search` finds a contact by phone or by email, over two documented HTTP APIs.
//!
//! The tree is the map; a request flows downwards and no layer looks up:
//!
//! | module | what it is |
//! |---|---|
//! | [`cli`] | the commands: one file each, a few lines that parse, call and print |
//! | [`config`] | what flags, environment and defaults say |
//! | [`http`] | routes, authentication, errors, and one file an endpoint |
//! | [`transfer`] | files coming in and going out: readers, header mapping, import, export |
//! | [`sample`] | made-up contacts: the demo and the load generator |
//! | [`store`] | everything that speaks SQL |
//! | [`domain`] | what a contact, a phone number, a search term, a key *is* |
//! | [`embedded`] | the private PostgreSQL that runs where no database is named |

pub mod cli;
pub mod config;
pub mod domain;
pub mod embedded;
pub mod http;
pub mod sample;
pub mod store;
pub mod transfer;
