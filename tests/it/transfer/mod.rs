//! Check, import and export of contacts, through the library and the commands.

mod check;
mod check_command;
mod export;
mod export_files;
mod export_round_trip;
mod import_atomicity;
mod import_cells;
mod import_command;
mod import_format;
mod import_headers;
mod import_identity;
mod import_matching;
mod import_model;
mod import_programs;
mod import_rejections;
mod import_vcards;
mod import_verdicts;
mod import_verdicts_command;
mod import_workbooks;
