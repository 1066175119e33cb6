//! The private PostgreSQL's life, with real processes.
//!
//! Where root runs the tests, PostgreSQL runs as the user `postgres`, and what is said of an unprivileged user is
//! tried as that user too.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use contact_search::embedded::{EmbeddedError, Options, PrivateDatabase, Startup};
use contact_search::store::{self, PgConnection};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::Text;
use nix::sys::signal::{Signal, kill, killpg};
use nix::unistd::{Pid, Uid, User};

use crate::support::app::{Server, program};
use crate::support::database::programs;
use crate::support::{EVER, OwnDirectory, wait_until};

/// With our own settings: what a user has.
fn durable(data_dir: &Path) -> Options {
    Options {
        data_dir: data_dir.to_owned(),
        programs: programs(),
        settings: Vec::new(),
    }
}

/// Without waiting for the disk, which loses nothing as long as the machine itself goes on.
fn options(data_dir: &Path) -> Options {
    Options {
        settings: vec![("fsync".into(), "off".into())],
        ..durable(data_dir)
    }
}

fn open(data_dir: &Path) -> PrivateDatabase {
    PrivateDatabase::open(&options(data_dir)).unwrap_or_else(|error| panic!("{error}"))
}

/// The sentence that an opening ends in which has to fail.
fn refusal(options: &Options) -> String {
    match PrivateDatabase::open(options) {
        Ok(_) => panic!("the database was opened"),
        Err(error) => error.to_string(),
    }
}

fn connect(url: &str) -> PgConnection {
    store::connection::connect(url).expect("the database answers")
}

fn execute(url: &str, sql: &str) {
    connect(url)
        .batch_execute(sql)
        .unwrap_or_else(|error| panic!("{sql}: {error}"));
}

/// The one text that a query answers.
fn query(url: &str, expression: &str) -> String {
    #[derive(QueryableByName)]
    struct Answer {
        #[diesel(sql_type = Text)]
        answer: String,
    }
    let sql = format!("SELECT ({expression})::text AS answer");
    sql_query(&sql)
        .get_result::<Answer>(&mut connect(url))
        .unwrap_or_else(|error| panic!("{sql}: {error}"))
        .answer
}

/// Writes a row that has to be there ever after; it is acknowledged when this returns.
fn keep_a_row(url: &str) {
    execute(url, "CREATE TABLE kept AS SELECT 'kept' AS word");
}

fn the_row_is_there(url: &str) -> bool {
    query(url, "SELECT string_agg(word, ',') FROM kept") == "kept"
}

fn pid_file(data_dir: &Path) -> PathBuf {
    data_dir.join("postgres/postmaster.pid")
}

fn postmaster(data_dir: &Path) -> Pid {
    let text = fs::read_to_string(pid_file(data_dir)).expect("a server runs");
    Pid::from_raw(
        text.lines()
            .next()
            .unwrap_or_default()
            .parse()
            .expect("a process number"),
    )
}

fn is_running(data_dir: &Path) -> bool {
    pid_file(data_dir).exists()
}

/// The user whom PostgreSQL runs as where we open the database.
pub fn server_user() -> User {
    let us = Uid::effective();
    let user = if us.is_root() {
        User::from_name("postgres")
    } else {
        User::from_uid(us)
    };
    user.ok().flatten().expect("PostgreSQL's user exists")
}

/// Another process that has the database open. This program itself, told by its environment to run but one test,
/// which then does what [`hold`] says.
struct Holder {
    process: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

const HOLDER: &str = "embedded::the_last_process_to_leave_stops_the_server";
const HOLDER_DIRECTORY: &str = "CONTACT_SEARCH_TEST_HOLDS";

impl Holder {
    fn start(data_dir: &Path) -> Self {
        Self::start_as(data_dir, &std::env::current_exe().expect("this program"), |_| ())
    }

    /// As the user whom PostgreSQL runs as, who may not be able to reach this program where it is.
    fn start_unprivileged(directory: &OwnDirectory, data_dir: &Path) -> Self {
        let program = directory.path().join("holder");
        // By another process: a copy that we had open for writing could not be run while a fork of another test's
        // still has it open as well.
        let copied = Command::new("cp")
            .arg(std::env::current_exe().expect("this program"))
            .arg(&program)
            .status();
        assert!(copied.expect("cp can be run").success());
        let user = server_user();
        Self::start_as(data_dir, &program, |command| {
            if Uid::effective().is_root() {
                command.uid(user.uid.as_raw()).gid(user.gid.as_raw());
            }
        })
    }

    fn start_as(data_dir: &Path, program: &Path, set_user: impl FnOnce(&mut Command)) -> Self {
        let mut command = Command::new(program);
        command
            .args([HOLDER, "--exact", "--nocapture"])
            .env(HOLDER_DIRECTORY, data_dir)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .process_group(0);
        set_user(&mut command);
        let mut process = command.spawn().expect("another process can be started");
        let stdout = process.stdout.take().expect("its output is ours");
        Self {
            process,
            lines: BufReader::new(stdout).lines(),
        }
    }

    /// What it says of its opening: how it came by the server, and where that is; or why there is none.
    fn said(&mut self) -> Result<(String, String), String> {
        for line in self.lines.by_ref() {
            let line = line.expect("its output is text");
            if let Some(said) = line.strip_prefix("opened ") {
                let (state, url) = said.split_once(' ').expect("two words");
                return Ok((state.to_owned(), url.to_owned()));
            }
            if let Some(error) = line.strip_prefix("refused ") {
                return Err(error.to_owned());
            }
        }
        panic!("it ended without a word");
    }

    fn opened(&mut self) -> (String, String) {
        self.said().unwrap_or_else(|error| panic!("{error}"))
    }

    fn leave(mut self) {
        drop(self.process.stdin.take());
        assert!(self.process.wait().expect("it ends").success());
    }

    fn kill(mut self) {
        self.process.kill().expect("it can be killed");
        self.process.wait().expect("it ends");
    }
}

/// Opens the database, says how that went, and leaves when there is no more to read.
fn hold(data_dir: &Path) {
    // Whoever runs the tests in the background may have it ignored, which children inherit.
    // SAFETY: no handler of ours is replaced or installed.
    unsafe { nix::sys::signal::signal(Signal::SIGINT, nix::sys::signal::SigHandler::SigDfl) }.expect("a valid signal");
    match PrivateDatabase::open(&options(data_dir)) {
        Ok(database) => {
            println!("\nopened {:?} {}", database.startup(), database.url());
            let _ = std::io::stdin().read_line(&mut String::new());
            database.close().expect("it leaves");
        }
        Err(error) => println!("\nrefused {error}"),
    }
}

#[test]
fn the_first_start_makes_a_database_and_the_second_finds_its_rows() {
    let directory = OwnDirectory::new();

    let database = PrivateDatabase::open(&durable(directory.path())).expect("the first start");
    assert_eq!(database.startup(), Startup::Fresh);
    assert!(the_version_is_the_servers(&database));
    keep_a_row(&database.url());
    database.close().expect("the first stop");
    assert!(!is_running(directory.path()));

    let database = open(directory.path());
    assert_eq!(database.startup(), Startup::Started);
    assert!(the_row_is_there(&database.url()));
    drop(database);
    assert!(!is_running(directory.path()));
}

fn the_version_is_the_servers(database: &PrivateDatabase) -> bool {
    query(
        &database.url(),
        "SELECT split_part(current_setting('server_version'), ' ', 1)",
    ) == database.version()
}

#[test]
fn the_application_is_no_superuser_and_owns_its_database() {
    let directory = OwnDirectory::new();
    let database = open(directory.path());
    let url = database.url();

    let rights = "SELECT concat(rolsuper, rolcreatedb, rolcreaterole, rolreplication) FROM pg_roles WHERE rolname = current_user";
    assert_eq!(query(&url, rights), "ffff");
    assert_eq!(
        query(
            &url,
            "SELECT pg_get_userbyid(datdba) FROM pg_database WHERE datname = current_database()"
        ),
        "contact_search"
    );
    assert_eq!(
        query(
            &database.superuser_url("contact_search"),
            "current_setting('is_superuser')"
        ),
        "on"
    );
}

#[test]
fn the_server_is_durable_private_and_speaks_english_and_unicode() {
    let directory = OwnDirectory::new();
    let database = PrivateDatabase::open(&durable(directory.path())).expect("it starts");
    let url = database.url();

    for (setting, value) in [
        ("fsync", "on"),
        ("full_page_writes", "on"),
        ("synchronous_commit", "on"),
        ("data_checksums", "on"),
        ("listen_addresses", ""),
        ("lc_messages", "C"),
        ("server_encoding", "UTF8"),
        ("log_error_verbosity", "terse"),
    ] {
        assert_eq!(
            query(&url, &format!("current_setting('{setting}')")),
            value,
            "{setting}"
        );
    }
    // Words sort by their bytes, and have their cases in any language.
    assert_eq!(query(&url, "lower('ÑANDÚ') || ('a' < 'B')"), "ñandúfalse");

    let socket = fs::symlink_metadata(directory.path().join("socket")).expect("the socket's directory");
    assert_eq!(socket.mode() & 0o777, 0o700);
    assert_eq!(socket.uid(), server_user().uid.as_raw());
    // A third role would be one that no user of the machine may take.
    execute(&database.superuser_url("postgres"), "CREATE ROLE third LOGIN");
    assert!(store::connection::connect(&url.replace("user=contact_search", "user=third")).is_err());
    let trusted = query(
        &database.superuser_url("postgres"),
        "SELECT count(*) FROM pg_hba_file_rules WHERE auth_method <> 'peer'",
    );
    assert_eq!(trusted, "0");
}

#[test]
fn the_last_process_to_leave_stops_the_server() {
    if let Some(data_dir) = std::env::var_os(HOLDER_DIRECTORY) {
        return hold(Path::new(&data_dir));
    }
    let directory = OwnDirectory::new();
    let mut first = Holder::start(directory.path());
    assert_eq!(first.opened().0, "Fresh");
    let second = open(directory.path());
    assert_eq!(second.startup(), Startup::Adopted);

    first.leave();
    assert!(is_running(directory.path()));
    keep_a_row(&second.url());

    second.close().expect("it stops");
    assert!(!is_running(directory.path()));
}

#[test]
fn two_processes_that_come_at_once_share_one_server() {
    let directory = OwnDirectory::new();
    let mut one = Holder::start(directory.path());
    let mut other = Holder::start(directory.path());
    let mut states = [one.opened(), other.opened()].map(|(state, _)| state);
    states.sort();
    assert_eq!(states, ["Adopted", "Fresh"]);
    one.leave();
    other.leave();
    assert!(!is_running(directory.path()));
}

#[test]
fn a_killed_process_leaves_its_lease_and_a_server_that_the_next_takes_over() {
    let directory = OwnDirectory::new();
    let mut holder = Holder::start(directory.path());
    let (_, url) = holder.opened();
    keep_a_row(&url);
    holder.kill();
    assert!(is_running(directory.path()));

    let database = open(directory.path());
    assert_eq!(database.startup(), Startup::Adopted);
    assert!(the_row_is_there(&database.url()));
    database.close().expect("it stops");
    assert!(!is_running(directory.path()), "the killed process's lease still counts");
}

#[test]
fn ctrl_c_ends_the_process_and_not_the_server() {
    let directory = OwnDirectory::new();
    let mut holder = Holder::start(directory.path());
    let (_, url) = holder.opened();
    // What a terminal does: the signal goes to the whole group.
    let group = Pid::from_raw(holder.process.id().cast_signed());
    killpg(group, Signal::SIGINT).expect("the group can be interrupted");
    holder.process.wait().expect("it ends");
    keep_a_row(&url);
}

#[test]
fn a_write_that_was_acknowledged_survives_the_killing_of_everything() {
    let directory = OwnDirectory::new();
    let mut holder = Holder::start(directory.path());
    let (_, url) = holder.opened();
    let backends = query(&url, "SELECT string_agg(pid::text, ' ') FROM pg_stat_activity");
    keep_a_row(&url);
    let postmaster = postmaster(directory.path());
    holder.kill();
    kill(postmaster, Signal::SIGKILL).expect("the server can be killed");
    for backend in backends.split(' ') {
        // The one that has answered the query is gone.
        let _ = kill(Pid::from_raw(backend.parse().expect("a number")), Signal::SIGKILL);
    }

    let database = open(directory.path());
    assert_eq!(database.startup(), Startup::Started);
    assert!(the_row_is_there(&database.url()));
}

#[test]
fn a_server_starts_its_postgresql_again_when_that_was_killed_and_leaves_it_alone_when_it_stops() {
    let directory = OwnDirectory::new();
    let mut command = program();
    command.args(["serve", "--listen", "127.0.0.1:0", "--no-demo", "--data-dir"]);
    command.arg(directory.path());
    if let Some(programs) = programs() {
        command.arg("--pg-bin").arg(programs);
    }
    let mut server = Server::start(command);
    wait_until(EVER, "it isn't ready", || server.get("/readyz", None).status == 200);
    let killed = postmaster(directory.path());
    kill(killed, Signal::SIGKILL).expect("the server can be killed");
    server.log_when(|log| log.contains("PostgreSQL had ended, and was started again"));
    wait_until(EVER, "it isn't ready again", || {
        server.get("/readyz", None).status == 200
    });
    assert_ne!(postmaster(directory.path()), killed);

    kill(Pid::from_raw(server.pid().cast_signed()), Signal::SIGTERM).expect("it can be told to stop");
    assert_eq!(server.wait(), Some(0));
    assert!(!is_running(directory.path()));
}

#[test]
fn a_start_waits_for_the_processes_of_a_killed_server_to_end() {
    let directory = OwnDirectory::new();
    let database = open(directory.path());
    let mut connection = connect(&database.url());
    #[derive(QueryableByName)]
    struct Backend {
        #[diesel(sql_type = diesel::sql_types::Integer)]
        pid: i32,
    }
    let backend: Backend = sql_query("SELECT pg_backend_pid() AS pid")
        .get_result(&mut connection)
        .expect("a number");
    let backend = Pid::from_raw(backend.pid);
    keep_a_row(&database.url());
    // Stopped, it doesn't notice that its server is gone, and keeps the memory that they shared.
    kill(backend, Signal::SIGSTOP).expect("it can be stopped");
    kill(postmaster(directory.path()), Signal::SIGKILL).expect("the server can be killed");

    let held_for = Duration::from_secs(1);
    let release = thread::spawn(move || {
        thread::sleep(held_for);
        kill(backend, Signal::SIGKILL).expect("it can be killed");
    });
    let began = Instant::now();
    let again = open(directory.path());
    assert!(began.elapsed() >= held_for, "two servers' processes had the same data");
    assert_eq!(again.startup(), Startup::Started);
    assert!(the_row_is_there(&again.url()));
    release.join().expect("the thread ends");
}

#[test]
fn a_server_that_does_not_answer_is_not_ended_under_others() {
    let directory = OwnDirectory::new();
    let database = open(directory.path());
    keep_a_row(&database.url());
    let server = postmaster(directory.path());
    kill(server, Signal::SIGSTOP).expect("it can be stopped");
    let sentence = refusal(&options(directory.path()));
    kill(server, Signal::SIGCONT).expect("it can go on");
    let expected = format!("a PostgreSQL (process {server}) runs on");
    assert!(
        sentence.starts_with(&expected) && sentence.contains("doesn't answer"),
        "{sentence}"
    );
    assert!(the_row_is_there(&database.url()));
    assert_eq!(postmaster(directory.path()), server);
}

#[test]
fn a_recorded_process_number_that_another_program_has_now_is_not_taken_for_the_server() {
    let directory = OwnDirectory::new();
    let database = open(directory.path());
    keep_a_row(&database.url());
    let recorded = fs::read_to_string(pid_file(directory.path())).expect("a server runs");
    database.close().expect("it stops");
    let user = server_user();
    let mut another = Command::new("sleep");
    another.arg("60");
    if Uid::effective().is_root() {
        another.uid(user.uid.as_raw()).gid(user.gid.as_raw());
    }
    let mut another = another.spawn().expect("another program runs");
    let (_, rest) = recorded.split_once('\n').expect("many lines");
    leave_pid_file(directory.path(), &format!("{}\n{rest}", another.id()));

    let database = open(directory.path());
    assert_eq!(database.startup(), Startup::Started);
    assert!(the_row_is_there(&database.url()));
    assert!(
        another.try_wait().expect("it can be asked").is_none(),
        "the other program was ended"
    );
    another.kill().expect("it can be killed");
    another.wait().expect("it ends");
}

#[test]
fn a_record_that_a_full_disk_has_left_empty_is_no_obstacle() {
    let directory = OwnDirectory::new();
    open(directory.path()).close().expect("it stops");
    leave_pid_file(directory.path(), "");
    assert_eq!(open(directory.path()).startup(), Startup::Started);
}

fn leave_pid_file(data_dir: &Path, contents: &str) {
    let path = pid_file(data_dir);
    fs::write(&path, contents).expect("the file can be written");
    let user = server_user();
    std::os::unix::fs::chown(&path, Some(user.uid.as_raw()), Some(user.gid.as_raw())).expect("it can be given");
}

#[test]
fn a_first_start_that_was_cut_short_is_done_again() {
    let directory = OwnDirectory::new();
    let holder = Holder::start(directory.path());
    let unfinished = directory.path().join("postgres.new/PG_VERSION");
    while !unfinished.exists() {
        thread::sleep(Duration::from_millis(5));
    }
    holder.kill();
    assert!(!directory.path().join("postgres").exists());

    let database = open(directory.path());
    assert_eq!(database.startup(), Startup::Fresh);
    keep_a_row(&database.url());
    assert!(!directory.path().join("postgres.new").exists());
}

#[test]
fn an_unprivileged_user_has_a_database_too() {
    let directory = OwnDirectory::new();
    let user = server_user();
    let data_dir = directory.path().join("data");
    fs::create_dir(&data_dir).expect("a directory can be made");
    std::os::unix::fs::chown(&data_dir, Some(user.uid.as_raw()), Some(user.gid.as_raw())).expect("it can be given");

    // Root, where we are, may be the first: then the data are still that user's.
    let database = open(&data_dir);
    keep_a_row(&database.url());
    let mut holder = Holder::start_unprivileged(&directory, &data_dir);
    let (state, url) = holder.opened();
    assert_eq!(state, "Adopted");
    database.close().expect("the other one stays");
    assert!(the_row_is_there(&url));
    holder.leave();
    assert!(!is_running(&data_dir));

    let mut holder = Holder::start_unprivileged(&directory, &data_dir);
    assert_eq!(holder.opened().0, "Started");
    holder.leave();
    assert!(!is_running(&data_dir));
}

#[test]
fn a_database_that_root_begins_is_the_data_directorys_owners() {
    let directory = OwnDirectory::new();
    let data_dir = directory.path().join("data");
    fs::create_dir(&data_dir).expect("a directory can be made");
    let mut owner = Uid::effective();
    if owner.is_root() {
        // Neither of the users whom root takes by itself.
        owner = User::from_name("daemon").ok().flatten().expect("it is everywhere").uid;
        std::os::unix::fs::chown(&data_dir, Some(owner.as_raw()), None).expect("it can be given");
    }
    let database = open(&data_dir);
    keep_a_row(&database.url());
    assert!(the_row_is_there(&database.url()));
    database.close().expect("it stops");
    assert_eq!(fs::metadata(data_dir.join("postgres")).unwrap().uid(), owner.as_raw());
}

#[test]
fn a_data_directory_too_long_for_a_socket_has_its_socket_in_tmp() {
    let directory = OwnDirectory::new();
    let data_dir = directory.path().join("long".repeat(25));
    let database = open(&data_dir);
    let socket = socket_directory(&database);
    assert!(socket.starts_with("/tmp"), "{}", socket.display());
    let metadata = fs::symlink_metadata(&socket).expect("the socket's directory");
    assert_eq!(
        (metadata.mode() & 0o777, metadata.uid()),
        (0o700, server_user().uid.as_raw())
    );
    keep_a_row(&database.url());
    database.close().expect("it stops");
    assert!(!socket.exists(), "it stays for ever");

    // Somebody else may know the name, and be there first.
    fs::create_dir(&socket).expect("a directory can be made");
    fs::set_permissions(&socket, fs::Permissions::from_mode(0o777)).expect("it can be opened");
    let sentence = refusal(&options(&data_dir));
    fs::remove_dir(&socket).expect("it is empty");
    assert!(
        sentence.starts_with("there is no directory for PostgreSQL's socket"),
        "{sentence}"
    );
    assert!(
        sentence.contains("bytes too long") && sentence.contains("--data-dir"),
        "{sentence}"
    );

    symlink(directory.path(), &socket).expect("a link can be made");
    let sentence = refusal(&options(&data_dir));
    fs::remove_file(&socket).expect("it is a link");
    assert!(sentence.contains("is not a directory"), "{sentence}");

    assert!(the_row_is_there(&open(&data_dir).url()));
}

fn socket_directory(database: &PrivateDatabase) -> PathBuf {
    let url = database.url();
    let (_, rest) = url.split_once("host=").expect("a host");
    PathBuf::from(rest.split('&').next().unwrap_or_default())
}

#[test]
fn a_data_directory_may_have_any_name() {
    let directory = OwnDirectory::new();
    let data_dir = directory.path().join("it's \"mine\" $(false) `false` ñ, %20 \\");
    let database = open(&data_dir);
    keep_a_row(&database.url());
    database.close().expect("it stops");
    assert!(the_row_is_there(&open(&data_dir).url()));
}

#[test]
fn data_of_another_major_version_are_left_alone() {
    let directory = OwnDirectory::new();
    open(directory.path()).close().expect("it stops");
    let version = directory.path().join("postgres/PG_VERSION");
    fs::write(&version, "13\n").expect("the file can be written");
    let sentence = refusal(&options(directory.path()));
    assert!(
        sentence.contains("are of PostgreSQL 13, and the programs found are of"),
        "{sentence}"
    );
    assert!(sentence.contains("install PostgreSQL 13"), "{sentence}");
    assert_eq!(fs::read_to_string(version).expect("it is there"), "13\n");
}

#[test]
fn missing_programs_are_named_with_what_to_install() {
    let directory = OwnDirectory::new();
    let empty = directory.path().join("empty");
    fs::create_dir(&empty).expect("a directory can be made");
    let mut options = options(&directory.path().join("data"));
    options.programs = Some(empty.clone());
    assert_eq!(
        refusal(&options),
        format!(
            "{} has no usable PostgreSQL server programs (it has no postgres): \
             set CONTACT_SEARCH_PG_BIN to a directory of postgres, initdb and pg_ctl, of version 14 or newer",
            empty.display()
        )
    );
    assert!(!directory.path().join("data/postgres").exists());
}

#[test]
fn a_closed_directory_is_named_with_what_to_do() {
    let directory = OwnDirectory::new();
    let closed = directory.path().join("closed");
    fs::create_dir(&closed).expect("a directory can be made");
    let data_dir = closed.join("data");

    fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).expect("it can be closed");
    let mut holder = Holder::start_unprivileged(&directory, &data_dir);
    let unprivileged = holder.said().expect_err("it is closed");
    holder.leave();
    let ours = refusal(&options(&data_dir));
    fs::set_permissions(&closed, fs::Permissions::from_mode(0o700)).expect("it can be opened");
    assert!(!data_dir.exists(), "a directory that was refused is left behind");

    let for_users = format!(
        "the data directory {} can't be used (Permission denied",
        data_dir.display()
    );
    assert!(unprivileged.starts_with(&for_users), "{unprivileged}");
    assert!(unprivileged.ends_with("name another with --data-dir"), "{unprivileged}");
    if Uid::effective().is_root() {
        let for_root = format!(
            "PostgreSQL runs as postgres, who can't reach {} because {} is closed to others: \
             name another directory with --data-dir, or run `chmod o+x` on that one",
            data_dir.display(),
            closed.display()
        );
        assert_eq!(ours, for_root);
    } else {
        assert_eq!(ours, unprivileged);
    }
}

#[test]
fn a_file_is_no_data_directory() {
    let directory = OwnDirectory::new();
    let file = directory.path().join("file");
    fs::write(&file, "years of work").expect("a file can be made");
    assert_eq!(
        refusal(&options(&file)),
        format!(
            "the data directory {} is a file: move it away, or name a directory with --data-dir",
            file.display()
        )
    );
    let within = refusal(&options(&file.join("data")));
    assert!(within.contains("can't be used (Not a directory"), "{within}");
}

#[test]
fn what_is_not_a_database_is_left_alone() {
    let directory = OwnDirectory::new();
    let foreign = directory.path().join("postgres");
    fs::create_dir(&foreign).expect("a directory can be made");
    let user = server_user();
    std::os::unix::fs::chown(&foreign, Some(user.uid.as_raw()), Some(user.gid.as_raw())).expect("it can be given");
    fs::write(foreign.join("thesis.txt"), "years of work").expect("a file can be written");
    let sentence = refusal(&options(directory.path()));
    assert!(
        sentence.contains("holds something other than PostgreSQL's data: move it away"),
        "{sentence}"
    );
    assert!(foreign.join("thesis.txt").exists());
}

#[test]
fn settings_that_postgresql_refuses_are_told_in_its_own_words() {
    let directory = OwnDirectory::new();
    let mut options = options(directory.path());
    options.settings.push(("shared_buffers".into(), "much".into()));
    let error = PrivateDatabase::open(&options).expect_err("it can't start");
    assert!(matches!(error, EmbeddedError::Start { .. }), "{error}");
    assert!(
        error
            .to_string()
            .contains("invalid value for parameter \"shared_buffers\": \"much\""),
        "{error}"
    );
}

/// A disk of the test's own, a small one in memory, which only this program's second run sees, where it is given: it is
/// root's to make, or of anybody in a user namespace of their own. `None` where that run of the test has ended well.
#[cfg(target_os = "linux")]
pub fn small_disk(test: &str, size: &str) -> Option<PathBuf> {
    const SMALL_DISK: &str = "CONTACT_SEARCH_TEST_SMALL_DISK";
    const MOUNT: &str = r#"mount -t tmpfs -o "size=$1,mode=0711" tmpfs "$2" && shift 2 && exec "$@""#;
    if let Some(disk) = std::env::var_os(SMALL_DISK) {
        return Some(disk.into());
    }
    let directory = OwnDirectory::new();
    let disk = directory.path().join("disk");
    fs::create_dir(&disk).expect("a directory can be made");
    let mut unshare = Command::new("unshare");
    if !Uid::effective().is_root() {
        unshare.args(["--user", "--map-current-user", "--keep-caps"]);
    }
    let status = unshare
        .args(["--mount", "sh", "-c", MOUNT, "sh", size])
        .arg(&disk)
        .arg(std::env::current_exe().expect("this program"))
        .args([test, "--exact"])
        .env(SMALL_DISK, &disk)
        .status()
        .expect("unshare can be run");
    assert!(
        status.success(),
        "a small disk wants root, or a system that lets users have namespaces"
    );
    None
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_said_and_the_data_are_there_when_there_is_room() {
    let test = "embedded::a_full_disk_is_said_and_the_data_are_there_when_there_is_room";
    let Some(disk) = small_disk(test, "120m") else {
        return;
    };
    let data_dir = disk.join("data");
    let full = format!(
        "the disk that holds {} is full: make room and start again",
        data_dir.display()
    );

    // No room to begin with: nothing is left half made.
    fill(&disk.join("ballast"), 100 << 20);
    assert_eq!(refusal(&options(&data_dir)), full);
    assert!(!data_dir.join("postgres").exists() && !data_dir.join("postgres.new").exists());
    fs::remove_file(disk.join("ballast")).expect("it can be removed");

    let database = open(&data_dir);
    keep_a_row(&database.url());
    database.close().expect("it stops");
    fill(&disk.join("ballast"), u64::MAX);
    assert_eq!(refusal(&options(&data_dir)), full);
    fs::remove_file(disk.join("ballast")).expect("it can be removed");
    assert!(the_row_is_there(&open(&data_dir).url()));
}

/// Writes that many bytes, or as many as there is room for.
#[cfg(target_os = "linux")]
pub fn fill(path: &Path, bytes: u64) {
    let mut file = fs::File::create(path).expect("a file can be made");
    let block = vec![0; 1 << 16];
    let mut written = 0;
    while written < bytes && file.write_all(&block).is_ok() {
        written += block.len() as u64;
    }
}
