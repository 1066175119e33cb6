//! `contact-search` finds a contact by phone or by email, over two documented HTTP APIs.
//!
//! The tree is the map; a request flows downwards and no layer looks up:
//!
//! | module | what it is |
//! |---|---|
//! | [`cli`] | the commands: one file each, a few lines that parse, call and print |
//! | [`config`] | what flags, environment and defaults say |
//! | [`http`] | routes, authentication, errors, and one file an endpoint |
//! | [`intake`] | files coming in and going out: reading, header mapping, import, export; contacts that are made up |
//! | [`store`] | everything that speaks SQL |
//! | [`domain`] | what a contact, a phone number, a search term, a key *is* |
//! | [`embedded`] | the private PostgreSQL that runs where no database is named |

pub mod cli;
pub mod config;
pub mod domain;
pub mod embedded;
pub mod http;
pub mod intake;
pub mod store;
