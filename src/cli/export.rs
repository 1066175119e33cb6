//! `export`

use std::io::{self, BufWriter, ErrorKind, IsTerminal, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Args, ValueHint};

use super::database::Database;
use super::names_and_ids::find_client;
use super::output::{self, TerminalWriter};
use super::target::Target;
use crate::config::DatabaseConfig;
use crate::transfer::export::{self, ExportError, ExportFormat};

pub const EXAMPLE: &str = "Examples:\n  contact-search export --client Acme > acme.csv\n  contact-search export --client \
                           Acme --spreadsheet acme-for-excel.csv";

#[derive(Args, Debug)]
pub struct ExportArgs {
    /// The file to write, which only its owner may read; - is standard output [default: -]
    #[arg(value_hint = ValueHint::FilePath)]
    file: Option<PathBuf>,
    /// The client whose contacts to export, by name or id
    #[arg(long, value_name = "CLIENT")]
    client: String,
    /// Write a file for people, not for import: Excel will not take any text for a formula, a number or a date
    #[arg(long)]
    spreadsheet: bool,
    /// Replace an existing file, once the new one is complete
    #[arg(long, requires = "file")]
    force: bool,
}

pub fn run(config: &DatabaseConfig, arguments: ExportArgs) -> anyhow::Result<()> {
    let target = arguments.file.as_deref().filter(|path| *path != Path::new("-"));
    // Checked before a database is opened, which may have to be started.
    let draft = target.map(|path| Target::begin(path, arguments.force)).transpose()?;
    let database = Database::open(config)?;
    let mut connection = database.connect()?;
    let client = find_client(&mut connection, &arguments.client)?;
    let format = if arguments.spreadsheet {
        ExportFormat::Spreadsheet
    } else {
        ExportFormat::Import
    };
    let mut export = |out: &mut dyn Write| export::export(&mut connection, &client, format, out);
    let report = match draft {
        Some(mut target) => {
            let report = export(&mut BufWriter::new(&mut target.draft))
                .with_context(|| format!("{} was not written", target.name))?;
            target.publish()?;
            report
        }
        None => {
            let stdout = io::stdout().lock();
            let outcome = if stdout.is_terminal() {
                export(&mut TerminalWriter(stdout))
            } else {
                export(&mut BufWriter::new(stdout))
            };
            match outcome {
                // The reader has closed its end early, as `head` does.
                Err(ExportError::Write(error)) if error.kind() == ErrorKind::BrokenPipe => return Ok(()),
                outcome => outcome.context("the output is incomplete")?,
            }
        }
    };
    output::say(report);
    Ok(())
}
