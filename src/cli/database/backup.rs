//! `database backup`

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, anyhow, bail, ensure};
use clap::{Args, ValueHint};

use super::open::Database;
use super::program::{self, Draft};
use crate::cli::output;
use crate::config::DatabaseConfig;
use crate::store::server_version::server_version;
use crate::store::{backup, conninfo};

pub const EXAMPLE: &str = "Example, also while a server runs:\n  contact-search database backup contacts.backup";

#[derive(Args, Debug)]
pub struct BackupArgs {
    /// The file to write, in PostgreSQL's custom format; only its owner may read it, since it contains all contacts
    #[arg(value_hint = ValueHint::FilePath)]
    file: PathBuf,
    /// Replace an existing file, once the new one is complete
    #[arg(long)]
    force: bool,
}

pub fn run(config: &DatabaseConfig, BackupArgs { file, force }: &BackupArgs) -> anyhow::Result<()> {
    let name = output::visible_path(file);
    // Checked before a database is opened, which may have to be started.
    check_target(file, *force)?;
    let draft = Draft::begin(file).with_context(|| format!("{name} can't be written"))?;

    let database = Database::open(config)?;
    let mut connection = database.connect_to_any_schema()?;
    ensure!(
        backup::has_schema(&mut connection)?,
        "the database has none of contact-search's tables: check that it is the right one"
    );
    let server = server_version(&mut connection)?.major();
    let pg_dump = program::find("pg_dump", config, server)?;
    if pg_dump.major() < server {
        bail!(
            "the database is PostgreSQL {server} and {} is {}: install PostgreSQL {server}'s client programs (Debian and \
             Ubuntu: `apt-get install postgresql-client-{server}`), or set CONTACT_SEARCH_PG_BIN to their directory",
            pg_dump.path().display(),
            pg_dump.version()
        );
    }
    let mut command = pg_dump.command();
    // pg_dump opens the file by its name. When pg_dump 18 writes to standard output instead, the file can be incomplete
    // without an error.
    command.arg("--format=custom").arg("--file").arg(draft.path());
    // The only extension that the schema needs. Another one, such as Citus, would have to exist where the backup is
    // restored.
    command.arg("--extension=plpgsql");
    command.stdin(Stdio::null()).stdout(Stdio::null());
    program::connect(&mut command, &conninfo::for_program(database.url())?);
    program::run(&pg_dump, &mut command).with_context(|| format!("{name} was not written"))?;
    let size = publish(draft, file, *force)?;
    output::say(format_args!("Wrote {name}: {size} bytes."));
    Ok(())
}

/// Gives a complete file its name, and returns its size.
///
/// # Errors
/// As [`check_target`]. Another file can have appeared since the check.
pub fn publish(draft: Draft, file: &Path, force: bool) -> anyhow::Result<u64> {
    match draft.publish(file, force) {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => Err(already_exists(file)),
        outcome => outcome.with_context(|| format!("{} can't be written", output::visible_path(file))),
    }
}

fn already_exists(file: &Path) -> anyhow::Error {
    anyhow!(
        "{} already exists: name another file, or replace it with --force",
        output::visible_path(file)
    )
}

/// Checks that a file may be written, without changing it.
///
/// # Errors
/// If the file exists and may not be replaced, or is no regular file.
pub fn check_target(file: &Path, force: bool) -> anyhow::Result<()> {
    let name = output::visible_path(file);
    match fs::symlink_metadata(file) {
        // A link or a device would be replaced instead of written to.
        Ok(metadata) if !metadata.is_file() => {
            bail!("{name} is not a regular file: name a file that does not exist yet")
        }
        Ok(_) if !force => Err(already_exists(file)),
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).with_context(|| format!("{name} can't be written"))
        }
        _ => Ok(()),
    }
}
