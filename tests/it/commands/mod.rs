//! The program's commands, as an operator types them.

mod backup;
mod demo;
mod generate;
mod keys;
mod options;
mod phones;
mod restore;
mod signals;
mod startup;
mod terminal;
mod webhook;
