//! `contact-search` finds a contact by phone or by email, over two documented HTTP APIs.
//!
//! The modules are layers: each one may use only those below it.
//!
//! | module | what it is |
//! |---|---|
//! | [`cli`] | the commands: one file each |
//! | [`config`] | settings from flags, environment and defaults |
//! | [`http`] | routes, authentication, errors, and one file per endpoint |
//! | [`transfer`] | import and export of files |
//! | [`sample`] | generated contacts: the demo and the load generator |
//! | [`store`] | everything that uses SQL |
//! | [`domain`] | values and rules: contacts, phone numbers, search terms, keys |
//! | [`embedded`] | the private PostgreSQL, which runs if the operator names no database |

pub mod cli;
pub mod config;
pub mod domain;
pub mod embedded;
pub mod http;
pub mod sample;
pub mod store;
pub mod transfer;
