//! `database restore`

use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, anyhow, bail, ensure};
use clap::{Args, ValueHint};

use super::open::Database;
use super::program;
use crate::cli::output;
use crate::config::DatabaseConfig;
use crate::domain::counted::counted;
use crate::embedded::client_program::ClientProgram;
use crate::store::server_version::server_version;
use crate::store::{backup, conninfo, distribution, migrations};

pub const EXAMPLE: &str = "Examples:\n  contact-search database restore contacts.backup\n  contact-search database restore \
                           contacts.backup --database-url postgresql://user@host/contacts";

/// The first bytes of a file in PostgreSQL's custom format.
const MAGIC: &[u8; 5] = b"PGDMP";

#[derive(Args, Debug)]
pub struct RestoreArgs {
    /// A file that `database backup` wrote
    #[arg(value_hint = ValueHint::FilePath)]
    file: PathBuf,
}

pub fn run(config: &DatabaseConfig, RestoreArgs { file }: &RestoreArgs) -> anyhow::Result<()> {
    let name = output::visible_path(file);
    // Checked before a database is opened, which may have to be created and started. The newest programs read files of
    // all older versions. If none are found here, the error below says which version the database needs.
    let archive = Archive::open(file)?;
    let newest = ClientProgram::find("pg_restore", config.pg_bin.as_deref(), 0).ok();
    newest.iter().try_for_each(|pg_restore| archive.check(pg_restore))?;
    let database = Database::open_or_create(config)?;
    let mut connection = database.connect_to_any_schema()?;
    database.refuse_other_programs_schema(&mut connection)?;
    ensure!(
        !distribution::is_distributed(&mut connection)?,
        "the contacts of the database are distributed, and a backup can only be restored into a database where they are \
         not: create a new one with CREATE DATABASE, restore into it, and then run `contact-search database distribute`"
    );
    let clients = backup::count_clients(&mut connection)?;
    ensure!(clients == 0, occupied(&database, clients));

    let server = server_version(&mut connection)?.major();
    let pg_restore = program::find("pg_restore", config, server)?;
    if newest.is_none_or(|newest| newest.path() != pg_restore.path()) {
        archive.check(&pg_restore)?;
    }
    let target = conninfo::for_program(database.url())?;
    let count = backup::restore(&mut connection, || {
        let mut command = pg_restore.command();
        command.args([
            "--single-transaction",
            "--exit-on-error",
            "--no-owner",
            "--no-privileges",
        ]);
        program::connect(&mut command, &target);
        command.stdin(archive.input()?).stdout(Stdio::null());
        let restored = program::run(&pg_restore, &mut command).map(drop);
        if pg_restore.major() > server {
            return restored.with_context(|| {
                format!(
                    "{} belongs to a newer PostgreSQL than the database's version {server}, \
                     and version {server} may need its own programs",
                    pg_restore.path().display()
                )
            });
        }
        restored
    })
    .with_context(|| format!("{name} was not restored, and the database is unchanged"))?;
    drop(connection);
    let clients = backup::count_clients(&mut database.connect_to_any_schema()?)?;
    output::say(format_args!(
        "Restored {name}: {}. Migrations run: {count}.",
        counted(clients, "client", "clients")
    ));
    Ok(())
}

/// Says what to do if the database has clients: a restored database must have only those of the backup.
fn occupied(database: &Database, clients: i64) -> String {
    let problem = format!(
        "the database already has clients ({clients}), and a backup can only be restored into one without clients"
    );
    match database.private() {
        Some(private) => {
            let data = private.server.data_directory().display();
            format!(
                "{problem}: stop the server, move the old data away with `mv {data} {data}.old`, and restore again before \
                 you start it; or restore into a new directory with --data-dir, and serve from there"
            )
        }
        None => format!("{problem}: create a new one with CREATE DATABASE, and name it with --database-url"),
    }
}

/// The file of a backup.
struct Archive<'a> {
    path: &'a Path,
    file: File,
}

impl<'a> Archive<'a> {
    fn open(path: &'a Path) -> anyhow::Result<Self> {
        let name = output::visible_path(path);
        let cannot_read = || format!("{name} can't be read");
        // Only a regular file can be read twice, and opening a pipe would wait for its writer.
        let metadata = path.metadata().with_context(cannot_read)?;
        ensure!(
            metadata.is_file(),
            "{name} is not a regular file: name one that `contact-search database backup` wrote"
        );
        let mut file = File::open(path).with_context(cannot_read)?;
        let mut start = Vec::new();
        (&mut file).take(5).read_to_end(&mut start).with_context(cannot_read)?;
        ensure!(start == MAGIC, not_ours(path));
        Ok(Self { path, file })
    }

    /// The whole file from the start, as a program's standard input. Only one program may read it
    /// at a time, because all inputs share one file position.
    fn input(&self) -> io::Result<Stdio> {
        let mut file = self.file.try_clone()?;
        file.rewind()?;
        Ok(Stdio::from(file))
    }

    /// Reads the whole file, so that a truncated one is reported before anything changes. Then checks that
    /// contact-search knows all migrations that the backup lists.
    fn check(&self, pg_restore: &ClientProgram) -> anyhow::Result<()> {
        let mut read_all = pg_restore.command();
        read_all
            .arg("--file=/dev/null")
            .stdin(self.input()?)
            .stdout(Stdio::null());
        program::run(pg_restore, &mut read_all).map_err(|error| self.explain(&error, pg_restore))?;

        let mut read_migrations = pg_restore.command();
        read_migrations
            .args(["--data-only", "--table=__diesel_schema_migrations", "--file=-"])
            .stdin(self.input()?)
            .stdout(Stdio::piped());
        let applied = rows(&program::run(pg_restore, &mut read_migrations)?);
        ensure!(!applied.is_empty(), not_ours(self.path));
        if !migrations::knows_all(&applied)? {
            bail!(
                "{} is a backup of a newer contact-search: restore it with that version",
                output::visible_path(self.path)
            );
        }
        Ok(())
    }

    /// Adds the file's name to pg_restore's error, whose wording for damaged files differs between versions.
    fn explain(&self, error: &anyhow::Error, pg_restore: &ClientProgram) -> anyhow::Error {
        let name = output::visible_path(self.path);
        let message = error.to_string();
        if message.contains("unsupported version") {
            let version = pg_restore.version();
            return anyhow!(
                "{name} was written by a newer PostgreSQL, and pg_restore {version} can't read it: restore it into the \
                 PostgreSQL that wrote it or a newer one, with the client programs of that PostgreSQL \
                 (CONTACT_SEARCH_PG_BIN is their directory)"
            );
        }
        anyhow!("{name} is truncated or damaged, and nothing was restored ({message})")
    }
}

fn not_ours(path: &Path) -> String {
    format!(
        "{} is not a backup written by `contact-search database backup`",
        output::visible_path(path)
    )
}

/// The first column of the rows in a script with one COPY.
fn rows(script: &str) -> Vec<String> {
    script
        .lines()
        .skip_while(|line| !line.starts_with("COPY "))
        .skip(1)
        .take_while(|line| *line != r"\.")
        .filter_map(|line| line.split('\t').next())
        .map(str::to_owned)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_end_at_the_end_of_copy() {
        let script = "--\nSET x = 0;\n\nCOPY public.t (version, run_on) FROM stdin;\n1\t2026\n2\t2026\n\\.\n\n--\n";
        assert_eq!(rows(script), ["1", "2"]);
        assert_eq!(rows("--\nSET x = 0;\n"), Vec::<String>::new());
    }
}
