//! Integration tests: everything that needs more than one module, over HTTP, against a real PostgreSQL or at the
//! terminal.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a test prints its figures")]

mod commands;
mod documents;
mod embedded;
mod endpoints;
mod layers;
mod operation;
mod protocol;
mod store;
mod support;
mod transfer;
