//! `database restore`

use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context, anyhow, bail, ensure};
use clap::Args;

use super::program;
use super::{Database, output};
use crate::config::DatabaseConfig;
use crate::embedded::client_program::ClientProgram;
use crate::store::migrations::{self, SchemaState};
use crate::store::{backup, connection, conninfo};

pub const EXAMPLE: &str = "Examples:\n  contact-search database restore contacts.backup\n  contact-search database restore \
                           contacts.backup --database-url postgresql://user@host/contacts";

/// What a file in PostgreSQL's custom format begins with.
const MAGIC: &[u8; 5] = b"PGDMP";

#[derive(Args, Debug)]
pub struct RestoreArgs {
    /// A file that `database backup` wrote
    file: PathBuf,
}

pub fn run(config: &DatabaseConfig, RestoreArgs { file }: &RestoreArgs) -> anyhow::Result<()> {
    let name = file.display();
    // Before a database is looked for, or even made and started. The newest programs read what any others do; where there
    // are none, the database says which it wants.
    let archive = Archive::open(file)?;
    let newest = ClientProgram::find("pg_restore", config.pg_bin.as_deref(), 0).ok();
    newest.iter().try_for_each(|pg_restore| archive.check(pg_restore))?;
    let database = Database::open(config)?;
    let mut connection = connection::connect(database.url())?;
    let clients = backup::count_clients(&mut connection)?;
    ensure!(clients == 0, occupied(&database, clients));

    let server = backup::server_major(&mut connection)?;
    let pg_restore = ClientProgram::find("pg_restore", config.pg_bin.as_deref(), server)?;
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
                    "{} is of a newer PostgreSQL than the database, which is {server} and may need its own",
                    pg_restore.path().display()
                )
            });
        }
        restored
    })
    .with_context(|| format!("{name} was not restored, and nothing of it is in the database"))?;
    drop(connection);
    let clients = backup::count_clients(&mut connection::connect(database.url())?)?;
    output::say(format_args!(
        "{name} is restored. Clients: {clients}. Migrations that it lacked and that were run: {count}."
    ));
    Ok(())
}

/// What to do where there are clients: a restored database has the backup's clients and no others.
fn occupied(database: &Database, clients: i64) -> String {
    let there =
        format!("the database has clients already ({clients}), and a backup is restored into one that has none");
    match database.private() {
        Some(private) => {
            let data = private.server.data_directory().display();
            format!(
                "{there}: stop the server, put the old data aside with `mv {data} {data}.old`, and restore again before \
                 you start it; or restore into a new place with --data-dir, and serve from there"
            )
        }
        None => format!("{there}: make a new one with CREATE DATABASE, and name it with --database-url"),
    }
}

/// A backup's file.
struct Archive<'a> {
    path: &'a Path,
    file: File,
}

impl<'a> Archive<'a> {
    fn open(path: &'a Path) -> anyhow::Result<Self> {
        let name = path.display();
        let cannot_read = || format!("{name} can't be read");
        // A file alone can be gone back in; to open a pipe would be to wait for its writer.
        let metadata = path.metadata().with_context(cannot_read)?;
        ensure!(
            metadata.is_file(),
            "{name} is not a file: name one that `contact-search database backup` wrote"
        );
        let mut file = File::open(path).with_context(cannot_read)?;
        let mut start = Vec::new();
        (&mut file).take(5).read_to_end(&mut start).with_context(cannot_read)?;
        ensure!(start == MAGIC, not_ours(path));
        Ok(Self { path, file })
    }

    /// The whole file from its beginning, for a program to read. One at a time: they share the position in it.
    fn input(&self) -> io::Result<Stdio> {
        let mut file = self.file.try_clone()?;
        file.rewind()?;
        Ok(Stdio::from(file))
    }

    /// Reads all of it, so that a file which is cut short is told before anything is changed, and then whether this
    /// program knows the schema in it.
    fn check(&self, pg_restore: &ClientProgram) -> anyhow::Result<()> {
        let mut read_all = pg_restore.command();
        read_all
            .arg("--file=/dev/null")
            .stdin(self.input()?)
            .stdout(Stdio::null());
        program::run(pg_restore, &mut read_all).map_err(|error| self.explain(&error, pg_restore))?;

        let mut read_steps = pg_restore.command();
        read_steps
            .args(["--data-only", "--table=__diesel_schema_migrations", "--file=-"])
            .stdin(self.input()?)
            .stdout(Stdio::piped());
        let steps = rows(&program::run(pg_restore, &mut read_steps)?);
        ensure!(!steps.is_empty(), not_ours(self.path));
        if migrations::state_of(&steps)? == SchemaState::Newer {
            bail!(
                "{} is the backup of a newer contact-search than this one: restore it with that one",
                self.path.display()
            );
        }
        Ok(())
    }

    /// pg_restore's words have no name of the file in them, and each of its versions has other ones for a broken one.
    fn explain(&self, error: &anyhow::Error, pg_restore: &ClientProgram) -> anyhow::Error {
        let name = self.path.display();
        let words = error.to_string();
        if words.contains("unsupported version") {
            let version = pg_restore.version();
            return anyhow!(
                "{name} was written by a newer PostgreSQL than {version}, whose pg_restore can't read it: restore it into \
                 that version or a newer one, with its client programs (CONTACT_SEARCH_PG_BIN is their directory)"
            );
        }
        anyhow!("{name} is cut short or damaged, and nothing was restored ({words})")
    }
}

fn not_ours(path: &Path) -> String {
    format!(
        "{} is no backup that `contact-search database backup` wrote",
        path.display()
    )
}

/// The first column of the rows in a script's one COPY.
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
    fn rows_are_what_stands_between_copy_and_its_end() {
        let script = "--\nSET x = 0;\n\nCOPY public.t (version, run_on) FROM stdin;\n1\t2026\n2\t2026\n\\.\n\n--\n";
        assert_eq!(rows(script), ["1", "2"]);
        assert_eq!(rows("--\nSET x = 0;\n"), Vec::<String>::new());
    }
}
