//! `export`

use std::fs::File;
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;

use super::database::Database;
use super::names_and_ids::find_client;
use super::output;
use crate::config::DatabaseConfig;
use crate::transfer::export::{self, ExportError, ExportFormat};

pub const EXAMPLE: &str = "Examples:\n  contact-search export --client Acme > acme.csv\n  contact-search export --client \
                           Acme --spreadsheet acme-for-excel.csv";

#[derive(Args, Debug)]
pub struct ExportArgs {
    /// The file to write [default: standard output]
    file: Option<PathBuf>,
    /// The client whose contacts to export, by name or id
    #[arg(long, value_name = "CLIENT")]
    client: String,
    /// Write a file for people, not for import: Excel will not take any text for a formula, a number or a date
    #[arg(long)]
    spreadsheet: bool,
}

pub fn run(config: &DatabaseConfig, arguments: ExportArgs) -> anyhow::Result<()> {
    let database = Database::open(config)?;
    let mut connection = database.connect()?;
    let client = find_client(&mut connection, &arguments.client)?;
    let format = if arguments.spreadsheet {
        ExportFormat::Spreadsheet
    } else {
        ExportFormat::Import
    };
    let (name, out): (_, Box<dyn Write>) = match &arguments.file {
        Some(path) => {
            let name = path.display().to_string();
            let file = File::create(path).with_context(|| format!("{name} can't be written"))?;
            (name, Box::new(file))
        }
        None => ("the output".to_owned(), Box::new(io::stdout().lock())),
    };
    match export::export(&mut connection, &client, format, &mut BufWriter::new(out)) {
        // The reader has closed its end early, as `head` does.
        Err(ExportError::Write(error)) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(error).with_context(|| format!("{name} is incomplete")),
        Ok(report) => {
            output::say(report);
            Ok(())
        }
    }
}
