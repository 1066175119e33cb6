//! A PostgreSQL with a client and a contact, and standbys that stream from it.

use std::fs;
use std::io::Write;
use std::os::unix::fs::chown;
use std::process::Command;
use std::thread;

use contact_search::domain::client::ClientId;
use contact_search::domain::key::Scope;
use contact_search::domain::phone::Region;
use contact_search::embedded::PrivateDatabase;
use contact_search::store::clients;
use nix::sys::signal::{Signal, kill};

use super::app::{Answer, Server, add_key, program};
use super::database::{count, execute, replace_contacts};
use super::private_database::{self, connect, options, postmaster, query, server_user};
use super::{Contact, OwnDirectory, PATIENCE, wait_until};

/// The phone of the contact.
pub const PHONE: &str = "+5491123456789";
/// Finds the contact.
pub const LOOKUP: &str = "/api/v1/contact-lookup/?phone=%2B5491123456789";

/// A primary, and standbys that stream from it.
pub struct Replication {
    // Declared before the directories, so that the servers stop first.
    pub standbys: Vec<PrivateDatabase>,
    pub primary: PrivateDatabase,
    pub client: ClientId,
    /// A key of the client.
    pub key: String,
    /// The primary's directory, and those of the standbys.
    directories: Vec<OwnDirectory>,
}

impl Replication {
    /// Starts a primary and this number of standbys. The `cluster_name` of the standbys is `standby1` and so on.
    pub fn start(standbys: usize) -> Self {
        // All are copies of one template, so they have the same identifier and position in the WAL, as after a base
        // backup.
        let directories: Vec<_> = (0..=standbys).map(|_| OwnDirectory::with_database()).collect();
        let primary = private_database::open(directories[0].path());
        allow_replication(&primary);
        let url = primary.superuser_url("postgres");
        let (_, socket) = url.split_once('?').expect("the URL has the place of the socket");
        let standbys = directories[1..].iter().zip(1..);
        let standbys = standbys
            .map(|(directory, number)| start_standby(directory, number, socket))
            .collect();

        let mut connection = connect(&primary.url());
        let client = clients::create_client(&mut connection, "Test", Region::DEFAULT).unwrap();
        let key = add_key(&mut connection, client, &Scope::ALL, None);
        let contact = Contact {
            phone: Some(PHONE),
            ..Contact::default()
        };
        contact.add(&mut connection, client);
        Self {
            standbys,
            primary,
            client,
            key,
            directories,
        }
    }

    /// The program, which serves from the primary and from all standbys.
    pub fn program(&self) -> Command {
        let urls: Vec<String> = self.standbys.iter().map(PrivateDatabase::url).collect();
        let mut command = program();
        command.args(["serve", "--listen", "127.0.0.1:0", "--metrics-listen", "0"]);
        command.args(["--read-database-url", &urls.join(",")]);
        // A variable, so that a test can give the option another value.
        command.env("CONTACT_SEARCH_DATABASE_URL", self.primary.url());
        command
    }

    /// Executes SQL on the primary, and waits until all standbys have replayed it.
    pub fn execute(&self, sql: &str) {
        execute(&mut connect(&self.primary.url()), sql);
        let position = query(&self.primary.url(), "pg_current_wal_lsn()");
        let is_replayed = format!("SELECT (pg_last_wal_replay_lsn() >= '{position}')::int::bigint AS count");
        for standby in &self.standbys {
            let mut connection = connect(&standby.url());
            wait_until(PATIENCE, "the standby does not follow", || {
                count(&mut connection, &is_replayed) == 1
            });
        }
    }

    /// Pauses the replay of a standby.
    pub fn pause(&self, standby: usize) {
        query(
            &self.standbys[standby].superuser_url("postgres"),
            "pg_wal_replay_pause()",
        );
    }

    /// Resumes the replay of a standby.
    pub fn resume(&self, standby: usize) {
        query(
            &self.standbys[standby].superuser_url("postgres"),
            "pg_wal_replay_resume()",
        );
    }

    /// Kills the primary (0) or a standby (from 1), with all its connections.
    pub fn kill(&self, server: usize) {
        kill(postmaster(self.directories[server].path()), Signal::SIGQUIT).expect("the server runs");
    }

    /// Starts the primary again after [`Self::kill`].
    pub fn restart_primary(&self) {
        self.primary.revive().expect("the primary can be started");
        // A start writes the rules anew.
        allow_replication(&self.primary);
    }

    /// Makes each lookup show in `fullName` which server has answered it: its `cluster_name`, or `primary`.
    pub fn show_server(&self) {
        let columns = query(
            &self.primary.url(),
            "SELECT string_agg(attname, ', ') FROM pg_attribute
             WHERE attrelid = 'contacts'::regclass AND attnum > 0 AND NOT attisdropped AND attname <> 'name'",
        );
        let server = "coalesce(nullif(current_setting('cluster_name'), ''), 'primary') AS name";
        self.execute(&replace_contacts(&format!("{columns}, {server}"), "true"));
    }

    /// Makes reads so slow that they can be cancelled, on servers where `condition` holds.
    pub fn slow_down_reads(&self, condition: &str) {
        let sleep = format!("(SELECT CASE WHEN {condition} THEN pg_sleep(3)::text ELSE '' END) IS NOT NULL");
        self.execute(&replace_contacts("*", &sleep));
    }

    /// Ends the effect of [`Self::show_server`] or [`Self::slow_down_reads`].
    pub fn drop_view(&self) {
        self.execute("DROP VIEW contacts; ALTER TABLE kept_contacts RENAME TO contacts");
    }

    /// Makes the standbys cancel every statement that reads contacts.
    pub fn cause_conflict(&self) {
        self.execute("BEGIN; LOCK TABLE contacts IN ACCESS EXCLUSIVE MODE; COMMIT");
    }

    /// The number of statements that the first standby has cancelled, according to its log. PostgreSQL's own counters
    /// are ten seconds late.
    pub fn conflicts(&self) -> usize {
        let log: String = fs::read_dir(self.standbys[0].data_directory().join("log"))
            .expect("the log's directory")
            .map(|file| fs::read_to_string(file.expect("a file").path()).expect("a log"))
            .collect();
        log.matches("canceling statement due to conflict with recovery").count()
    }

    /// Looks up a contact on the server. Calls `during` when the first standby runs the statement.
    pub fn lookup_during(&self, server: &Server, during: impl FnOnce(&dyn Fn() -> bool)) -> Answer {
        let is_running = "SELECT count(*) AS count FROM pg_stat_activity WHERE wait_event = 'PgSleep'";
        let mut connection = connect(&self.standbys[0].url());
        thread::scope(|scope| {
            let asked = scope.spawn(|| server.get(LOOKUP, Some(&self.key)));
            wait_until(PATIENCE, "the statement does not run", || {
                count(&mut connection, is_running) == 1
            });
            during(&|| asked.is_finished());
            asked.join().unwrap()
        })
    }
}

/// Lets standbys connect to the primary.
fn allow_replication(primary: &PrivateDatabase) {
    let mut rules = fs::OpenOptions::new()
        .append(true)
        .open(primary.data_directory().join("pg_hba.conf"))
        .expect("the server runs");
    rules
        .write_all(b"local replication all peer map=contact-search\n")
        .unwrap();
    query(&primary.superuser_url("postgres"), "pg_reload_conf()");
}

/// Starts a standby on a copy of the primary's directory. `socket` is the place of the primary's socket.
fn start_standby(directory: &OwnDirectory, number: usize, socket: &str) -> PrivateDatabase {
    let signal = directory.path().join("postgres/standby.signal");
    let user = server_user();
    fs::write(&signal, "").expect("a file can be written");
    chown(&signal, Some(user.uid.as_raw()), Some(user.gid.as_raw())).expect("the owner can be changed");
    let mut options = options(directory.path());
    options.settings.extend([
        (
            "primary_conninfo".to_owned(),
            format!("user=postgres {}", socket.replace('&', " ")),
        ),
        // The standby cancels a statement as soon as the statement keeps it from replaying the WAL.
        ("max_standby_streaming_delay".to_owned(), "0".to_owned()),
        ("cluster_name".to_owned(), format!("standby{number}")),
    ]);
    PrivateDatabase::open(&options).unwrap_or_else(|error| panic!("{error}"))
}
