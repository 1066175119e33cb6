//! Integration tests. They need more than one module, and most use HTTP, a real PostgreSQL or the program's commands.
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a test prints its figures")]

mod commands;
mod documents;
mod duplicates;
mod embedded;
mod endpoints;
mod layers;
mod operation;
mod protocol;
mod relevance;
mod store;
mod support;
mod transfer;
