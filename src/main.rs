//! Arguments, logger, command; the chain of an error, and the exit status.

use std::process::ExitCode;

use clap::Parser;
use contact_search::cli::{self, Cli};

fn main() -> ExitCode {
    let arguments = Cli::parse();
    cli::log::start(arguments.log.log_format);
    match cli::run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("contact-search: {error:#}");
            ExitCode::FAILURE
        }
    }
}
