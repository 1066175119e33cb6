//! `database backup`

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, bail, ensure};
use clap::Args;

use super::program::{self, Draft};
use super::{Database, output};
use crate::config::DatabaseConfig;
use crate::embedded::client_program::ClientProgram;
use crate::store::{backup, connection, conninfo};

pub const EXAMPLE: &str = "Example, also while a server runs:\n  contact-search database backup contacts.backup";

#[derive(Args, Debug)]
pub struct BackupArgs {
    /// The file to write, in PostgreSQL's custom format; for its owner alone to read, since all contacts are in it
    file: PathBuf,
    /// Replace the file where it exists, once the new one is whole
    #[arg(long)]
    force: bool,
}

pub fn run(config: &DatabaseConfig, BackupArgs { file, force }: &BackupArgs) -> anyhow::Result<()> {
    let name = file.display();
    // Before a database is looked for, or even started.
    check_target(file, *force)?;
    let draft = Draft::begin(file).with_context(|| format!("{name} can't be written"))?;

    let database = Database::open(config)?;
    let mut connection = connection::connect(database.url())?;
    ensure!(
        backup::has_schema(&mut connection)?,
        "the database has no contacts, nor a place for them: is it the right one?"
    );
    let server = backup::server_major(&mut connection)?;
    let pg_dump = ClientProgram::find("pg_dump", config.pg_bin.as_deref(), server)?;
    if pg_dump.major() < server {
        bail!(
            "the database is PostgreSQL {server} and {} is {}: install PostgreSQL {server}'s client programs (Debian and \
             Ubuntu: `apt-get install postgresql-client-{server}`), or set CONTACT_SEARCH_PG_BIN to their directory",
            pg_dump.path().display(),
            pg_dump.version()
        );
    }
    let mut command = pg_dump.command();
    // By its name: to standard output version 18 writes a file whose end may be missing without anybody seeing it.
    command.arg("--format=custom").arg("--file").arg(draft.path());
    command.stdin(Stdio::null()).stdout(Stdio::null());
    program::connect(&mut command, &conninfo::for_program(database.url())?);
    program::run(&pg_dump, &mut command).with_context(|| format!("{name} was not written"))?;
    let size = draft
        .publish(file)
        .with_context(|| format!("{name} can't be written"))?;
    output::say(format_args!("{name} is written: {size} bytes."));
    Ok(())
}

fn check_target(file: &Path, force: bool) -> anyhow::Result<()> {
    let name = file.display();
    match fs::symlink_metadata(file) {
        // A link or a device would be replaced, and not written to.
        Ok(metadata) if !metadata.is_file() => bail!("{name} is not a file: name a file that doesn't exist yet"),
        Ok(_) if !force => bail!("{name} exists already: name another file, or replace it with --force"),
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| format!("{name} can't be written"))
        }
        _ => Ok(()),
    }
}
