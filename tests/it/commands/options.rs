//! Options, their environment variables, the help, and messages about wrong arguments.

use std::net::TcpListener;

use clap::CommandFactory;
use contact_search::cli::Cli;

use crate::support::app::{Server, program};
use crate::support::command::{error_of, private, run, run_on, run_printed_examples, run_unread, stdout};
use crate::support::database::programs;
use crate::support::{OwnDirectory, PATIENCE, TestApp, TestDatabase, wait_until};
use std::process::Stdio;

#[test]
fn flags_override_the_environment_which_overrides_the_defaults() {
    let database = TestDatabase::new();
    let start = |arguments: &[&str]| {
        let mut command = program();
        command
            .args(arguments)
            .env("DATABASE_URL", database.url())
            .env("CONTACT_SEARCH_LISTEN", "127.0.0.2:0");
        Server::start(command)
    };
    assert!(
        start(&[]).address().starts_with("127.0.0.2:"),
        "serve must be the default command"
    );
    assert!(start(&["serve"]).address().starts_with("127.0.0.2:"));
    assert!(
        start(&["serve", "--listen", "127.0.0.3:0"])
            .address()
            .starts_with("127.0.0.3:")
    );
    assert!(start(&["--listen", "127.0.0.3:0"]).address().starts_with("127.0.0.3:"));
    let by_name = start(&["--listen", "localhost:0"]);
    assert_eq!(by_name.get("/healthz", None).status, 200);
}

#[test]
fn a_flag_overrides_its_environment_variable() {
    let database = TestDatabase::new();
    let mut command = program();
    command
        .args([
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--pool-size",
            "3",
            "--log-format",
            "text",
        ])
        .env("DATABASE_URL", database.url())
        .env("CONTACT_SEARCH_POOL_SIZE", "many")
        .env("CONTACT_SEARCH_LOG_FORMAT", "json");
    let server = Server::start(command);
    server.get("/", None);
    wait_until(PATIENCE, "the log has no access line", || {
        server.log.lock().unwrap().contains("answered")
    });
    assert!(!server.log.lock().unwrap().starts_with('{'));

    let directory = OwnDirectory::new();
    let mut command = private(&directory, &["database", "url"]);
    command.env("CONTACT_SEARCH_DATA_DIR", "/nowhere/at/all");
    let message = error_of(run(command, ""));
    assert!(message.contains(directory.path().to_str().unwrap()), "{message}");
}

#[test]
fn options_may_stand_before_or_after_the_command() {
    let database = TestDatabase::new();
    let plain = |arguments: &[&str]| {
        let mut command = program();
        command.args(arguments);
        run(command, "")
    };
    let url = database.url();
    for arguments in [
        ["--database-url", url, "--log-format", "json", "client", "list"],
        ["--log-format", "json", "client", "list", "--database-url", url],
        ["client", "--database-url", url, "list", "--log-format", "json"],
    ] {
        assert!(stdout(plain(&arguments)).starts_with("ID"), "{arguments:?}");
    }
    let directory = OwnDirectory::new();
    let mut command = program();
    command.arg("--data-dir").arg(directory.path());
    command.args(
        programs()
            .iter()
            .flat_map(|programs| ["--pg-bin".as_ref(), programs.as_os_str()]),
    );
    command.args(["client", "create", "Acme"]);
    assert_eq!(stdout(run(command, "")).trim_end().len(), 36);

    // Without a command, options belong to serve, in any order.
    let mut command = program();
    command.args(["--pool-size", "3", "--database-url", url, "--listen", "127.0.0.1:0"]);
    Server::start(command);
    let misplaced = error_of(plain(&[
        "--listen",
        "127.0.0.1:0",
        "client",
        "list",
        "--database-url",
        url,
    ]));
    assert!(misplaced.contains("'--listen' is an option of serve"), "{misplaced}");
}

#[test]
fn other_commands_ignore_the_variables_of_serve_and_empty_variables_count_as_unset() {
    let database = TestDatabase::new();
    let names = [
        "CONTACT_SEARCH_LISTEN",
        "CONTACT_SEARCH_POOL_SIZE",
        "CONTACT_SEARCH_MIGRATE",
        "CONTACT_SEARCH_BOOTSTRAP",
        "CONTACT_SEARCH_NO_DEMO",
        "CONTACT_SEARCH_NO_PAGE",
    ];
    let mut command = program();
    command.args(["client", "list"]).env("DATABASE_URL", database.url());
    command.envs(names.map(|name| (name, "some nonsense")));
    stdout(run(command, ""));

    let directory = OwnDirectory::new();
    let mut command = private(&directory, &["--listen", "127.0.0.1:0"]);
    command.envs(names.map(|name| (name, "")));
    command.envs(
        [
            "DATABASE_URL",
            "CONTACT_SEARCH_DATA_DIR",
            "CONTACT_SEARCH_LOG_FORMAT",
            "RUST_LOG",
        ]
        .map(|name| (name, "")),
    );
    if programs().is_none() {
        command.env("CONTACT_SEARCH_PG_BIN", "");
    }
    let server = Server::start(command);
    run_printed_examples(&server);
    assert!(server.log.lock().unwrap().contains("INFO"));
}

#[test]
fn a_switch_in_the_environment_accepts_the_usual_words_for_yes_and_no() {
    let database = TestDatabase::empty();
    let serve = |migrate: &str| {
        let mut command = program();
        command.args(["serve", "--listen", "127.0.0.1:0"]);
        command
            .env("DATABASE_URL", database.url())
            .env("CONTACT_SEARCH_MIGRATE", migrate);
        command
    };
    for no in ["0", "no", "false", "off"] {
        let message = error_of(run(serve(no), ""));
        assert!(message.contains("contact-search migrate"), "{message}");
    }
    let message = error_of(run(serve("perhaps"), ""));
    assert!(message.contains("--migrate"), "{message}");
    for yes in ["1", "yes", "true", "on"] {
        let server = Server::start(serve(yes));
        assert_eq!(server.get("/readyz", None).status, 200);
        stdout(run_on(&database, &["client", "list"]));
    }
}

#[test]
fn a_closed_output_is_not_an_error_but_a_full_disk_is() {
    let app = TestApp::start();
    let command = |arguments: &[&str]| {
        let mut command = program();
        command.args(arguments).env("DATABASE_URL", app.database.url());
        command
    };
    for arguments in [
        &["key", "list"][..],
        &["client", "list"],
        &["webhook", "list"],
        &["client", "create", "Unread", "--region", "AR"],
        &["migrate"],
        &["database", "url"],
        &["--help"],
    ] {
        assert_eq!(
            run_unread(command(arguments)),
            (Some(0), String::new()),
            "{arguments:?}"
        );
    }
    if let Ok(full) = std::fs::OpenOptions::new().write(true).open("/dev/full") {
        let output = command(&["key", "list"]).stdout(full).output().unwrap();
        let stderr = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{stderr}");
        assert!(
            stderr.starts_with("contact-search: standard output can't be written: No space"),
            "{stderr}"
        );
    }
    // A command whose standard error is closed still exits with its status.
    let mut nobody = command(&["key", "list", "--client", "Nobody"]);
    let mut child = nobody.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stderr.take());
    assert_eq!(child.wait().unwrap().code(), Some(1));
}

#[test]
fn a_wrong_argument_is_answered_with_a_message_that_says_what_to_do() {
    let database = TestDatabase::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    for (arguments, expected) in [
        (&["serv"][..], "serve"),
        (
            &["serve", "--listen", "8080"],
            "write an address and a port, such as 127.0.0.1:8080 or localhost:8080",
        ),
        (
            &["serve", "--listen", "192.0.2.1:8080"],
            "can't listen on 192.0.2.1:8080 (Cannot assign requested address): choose another address with --listen",
        ),
        (
            &["serve", "--listen", "name.invalid:8080"],
            "can't listen on name.invalid:8080",
        ),
        (
            &["key", "revoke", "abc"],
            "give the key's id, which `contact-search key list` shows",
        ),
        (
            &["webhook", "delete", "abc"],
            "give the webhook's id, which `contact-search webhook list` shows",
        ),
        (&["serve", "--listen", &taken], "choose another address with --listen"),
        (&["serve", "--pool-size", "0"], "1..=1000"),
        (&["serve", "--rate-limit", "100001"], "1..=100000"),
        (&["serve", "--log-format", "xml"], "json"),
        (&["client", "list", "--database-url", "mysql://x"], "postgresql://"),
        (
            &[
                "client",
                "list",
                "--database-url",
                "postgresql://nobody@127.0.0.1:1/none",
            ],
            "the database can't be reached",
        ),
        (&["key", "create"], "--client"),
    ] {
        let message = error_of(run_on(&database, arguments));
        assert!(message.contains(expected), "{arguments:?}: {message}");
    }
}

/// The words that call each command, such as `key rotate`. A group such as `client` is no command.
fn commands(command: &clap::Command) -> Vec<Vec<String>> {
    if !command.has_subcommands() {
        return vec![Vec::new()];
    }
    let with_name = |name: &str, rest: Vec<String>| [vec![name.to_owned()], rest].concat();
    command
        .get_subcommands()
        .flat_map(|inner| {
            commands(inner)
                .into_iter()
                .map(|rest| with_name(inner.get_name(), rest))
        })
        .collect()
}

#[test]
fn the_help_of_every_command_shows_an_example() {
    let mut all = commands(&Cli::command());
    assert!(all.contains(&vec!["key".to_owned(), "rotate".to_owned()]), "{all:?}");
    all.push(Vec::new());
    for arguments in all {
        let mut command = program();
        command.args(&arguments).arg("--help");
        let help = stdout(run(command, ""));
        let example = help.split_once("Example").map(|(_, example)| example);
        let call = ["contact-search".to_owned()]
            .into_iter()
            .chain(arguments)
            .collect::<Vec<_>>()
            .join(" ");
        assert!(example.is_some_and(|example| example.contains(&call)), "{call}: {help}");
    }
}
