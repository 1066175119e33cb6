//! Import and export of contacts, through the library and through the commands.

mod export;
mod import;
mod import_command;
