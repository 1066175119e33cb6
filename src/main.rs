//! Reads the arguments, starts the logger, runs the command. Prints an error with its causes, and sets the exit status.

use std::process::ExitCode;

use contact_search::cli::{self, Cli, output};

fn main() -> ExitCode {
    let arguments = Cli::read();
    cli::log::start(arguments.log.log_format);
    match cli::run(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output::say(format_args!("contact-search: {error:#}"));
            ExitCode::FAILURE
        }
    }
}
