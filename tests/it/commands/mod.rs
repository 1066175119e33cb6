//! The program's commands, as an operator types them.

mod backup;
mod client_deletion;
mod clients;
mod completions;
mod database_choice;
mod demo;
mod environment;
mod generate;
mod help;
mod json;
mod keys;
mod options;
mod phones;
mod restore;
mod search;
mod signals;
mod startup;
mod summaries;
mod terminal;
mod webhook;
