//! Arguments, logger, command; the chain of an error, and the exit status.

use std::process::ExitCode;

use contact_search::cli::{self, Cli, output};
use mimalloc::MiMalloc;

/// Answering is much asking for small pieces of memory, on other threads than those that free them.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

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
