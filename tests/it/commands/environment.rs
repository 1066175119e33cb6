//! Errors about values from environment variables: they name the variable, and no flag that nobody typed.

use std::collections::BTreeSet;
use std::net::TcpListener;

use clap::CommandFactory;
use contact_search::cli::Cli;

use crate::support::app::program;
use crate::support::command::{error_of, run};
use crate::support::{OwnDirectory, TestDatabase};

/// The standard error of the program, which must fail, with these variables.
fn fail_with(variables: &[(&str, &str)], arguments: &[&str]) -> String {
    let mut command = program();
    command.args(arguments).envs(variables.iter().copied());
    error_of(run(command, ""))
}

/// All environment variables of the command line.
fn all_variables(command: &clap::Command) -> BTreeSet<String> {
    let own = command.get_arguments().filter_map(|option| option.get_env());
    own.map(|variable| variable.to_str().unwrap().to_owned())
        .chain(command.get_subcommands().flat_map(all_variables))
        .collect()
}

#[test]
fn an_error_about_the_value_of_any_environment_variable_names_the_variable() {
    let database = TestDatabase::new();
    let directory = OwnDirectory::new();
    let no_directory = tempfile::NamedTempFile::new().unwrap();
    let (directory, no_directory) = (
        directory.path().to_str().unwrap(),
        no_directory.path().to_str().unwrap(),
    );
    let serve = ["serve", "--listen", "127.0.0.1:0", "--database-url", database.url()];
    let list = ["client", "list"];
    let own = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let certificate = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(&certificate, own.cert.pem()).unwrap();
    let certificate = certificate.path().to_str().unwrap();
    let cases = [
        (
            "CONTACT_SEARCH_DATABASE_URL",
            "mysql://x",
            &list[..],
            "the database URL can't be read",
        ),
        ("DATABASE_URL", "mysql://x", &list, "the database URL can't be read"),
        (
            "DATABASE_URL",
            "postgresql://nobody@127.0.0.1:1/none",
            &list,
            "the database can't be reached",
        ),
        (
            "DATABASE_URL",
            "postgresql://nobody@127.0.0.1:1/none",
            &["migrate"],
            "can't be reached",
        ),
        (
            "DATABASE_URL",
            "postgresql://nobody@127.0.0.1:1/none",
            &["serve", "--migrate", "--listen", "127.0.0.1:0"],
            "can't be reached",
        ),
        ("CONTACT_SEARCH_DATA_DIR", no_directory, &list, "is a file"),
        (
            "CONTACT_SEARCH_DATA_DIR",
            "/nowhere/at/all",
            &list,
            "there is no private database in /nowhere/at/all",
        ),
        (
            "CONTACT_SEARCH_PG_BIN",
            "/nowhere",
            &["client", "create", "Acme", "--data-dir", directory],
            "/nowhere has no usable PostgreSQL server programs",
        ),
        (
            "CONTACT_SEARCH_LOG_FORMAT",
            "xml",
            &list,
            "[possible values: text, json]",
        ),
        (
            "CONTACT_SEARCH_LISTEN",
            "8080",
            &["serve"],
            "write an address and a port",
        ),
        ("CONTACT_SEARCH_LISTEN", "8080", &[], "write an address and a port"),
        (
            "CONTACT_SEARCH_METRICS_LISTEN",
            "all",
            &serve,
            "write a port such as 9090",
        ),
        (
            "CONTACT_SEARCH_TLS_CERT",
            "/nowhere/server.pem",
            &["serve", "--listen", "127.0.0.1:0", "--tls-key", "/nowhere/server.key"],
            "the certificate /nowhere/server.pem can't be read",
        ),
        (
            "CONTACT_SEARCH_TLS_KEY",
            "/nowhere/server.key",
            &["serve", "--listen", "127.0.0.1:0", "--tls-cert", certificate],
            "the private key /nowhere/server.key can't be read",
        ),
        (
            "CONTACT_SEARCH_TRUSTED_PROXY",
            "proxy",
            &serve,
            "write an address such as 10.0.0.1",
        ),
        (
            "CONTACT_SEARCH_CORS_ORIGIN",
            "crm.example.com",
            &serve,
            "write an origin as browsers do",
        ),
        ("CONTACT_SEARCH_POOL_SIZE", "0", &serve, "1..=1000"),
        ("CONTACT_SEARCH_RATE_LIMIT", "many", &serve, "invalid digit"),
        ("CONTACT_SEARCH_DEADLINE_FACTOR", "11", &serve, "1..=10"),
        (
            "CONTACT_SEARCH_READ_DATABASE_URL",
            "mysql://x",
            &serve,
            "the database URL can't be read",
        ),
        (
            "CONTACT_SEARCH_MAX_REPLICA_LAG",
            "1",
            &[&serve[..], &["--read-database-url", database.url()]].concat(),
            "write a duration from 100ms to 1h",
        ),
        ("CONTACT_SEARCH_POOLER", "perhaps", &serve, "not a boolean"),
        ("CONTACT_SEARCH_MIGRATE", "perhaps", &serve, "not a boolean"),
        ("CONTACT_SEARCH_NO_DEMO", "perhaps", &serve, "not a boolean"),
        ("CONTACT_SEARCH_NO_PAGE", "perhaps", &serve, "not a boolean"),
        (
            "CONTACT_SEARCH_BOOTSTRAP",
            "\u{202e}",
            &serve,
            "a client's name has 1 to 200 characters",
        ),
    ];
    let tested = cases.iter().map(|(variable, ..)| (*variable).to_owned());
    let expected = all_variables(&Cli::command())
        .into_iter()
        .chain(["DATABASE_URL".to_owned()]);
    assert_eq!(tested.collect::<BTreeSet<_>>(), expected.collect());
    for (variable, value, arguments, expected) in cases {
        let message = fail_with(&[(variable, value)], arguments);
        assert!(
            message.contains(&format!("the environment variable {variable}")) && message.contains(expected),
            "{variable}={value} {arguments:?}: {message}"
        );
    }
}

#[test]
fn a_usage_error_about_a_variable_shows_it_in_place_of_the_flag() {
    assert_eq!(
        fail_with(&[("CONTACT_SEARCH_LISTEN", "8080")], &[]),
        "error: invalid value '8080' for 'CONTACT_SEARCH_LISTEN': write an address and a port, such as 127.0.0.1:8080 or \
         localhost:8080\n\n  \
         tip: the environment variable CONTACT_SEARCH_LISTEN sets --listen: correct the variable, or unset it\n\n\
         For more information, try '--help'.\n"
    );
    // Only the variable that stops the command is named.
    let message = fail_with(
        &[("CONTACT_SEARCH_RATE_LIMIT", "7"), ("CONTACT_SEARCH_POOL_SIZE", "0")],
        &["serve"],
    );
    assert!(
        message.contains("for 'CONTACT_SEARCH_POOL_SIZE'") && !message.contains("RATE_LIMIT"),
        "{message}"
    );
    // The value can neither begin a line nor drive the terminal.
    let message = fail_with(&[("CONTACT_SEARCH_LISTEN", "x\nforged: line\u{1b}[31m")], &["serve"]);
    assert!(message.contains("'x\\nforged: line\\u{1b}[31m'"), "{message}");
}

#[test]
fn a_usage_error_about_a_typed_flag_names_no_variable() {
    for (variable, value, arguments) in [
        ("CONTACT_SEARCH_LISTEN", "8080", &["serve", "--listen", "9090"][..]),
        ("CONTACT_SEARCH_LISTEN", "8080", &["--listen", "9090"]),
        ("CONTACT_SEARCH_LISTEN", "8080", &["serve", "--rate-limit", "0"]),
        (
            "CONTACT_SEARCH_LOG_FORMAT",
            "json",
            &["client", "list", "--log-format", "xml"],
        ),
    ] {
        let message = fail_with(&[(variable, value)], arguments);
        assert!(
            message.contains("for '--") && !message.contains(variable),
            "{variable}={value} {arguments:?}: {message}"
        );
    }
}

#[test]
fn options_that_exclude_or_need_each_other_are_named_by_their_variables() {
    let url = ["serve", "--database-url", "postgresql://x"];
    for (variables, arguments, expected) in [
        (
            &[("CONTACT_SEARCH_POOLER", "yes"), ("CONTACT_SEARCH_MIGRATE", "yes")][..],
            &url[..],
            "'CONTACT_SEARCH_POOLER' cannot be used with 'CONTACT_SEARCH_MIGRATE'",
        ),
        (
            &[("CONTACT_SEARCH_POOLER", "yes")],
            &[&url[..], &["--migrate"]].concat(),
            "CONTACT_SEARCH_POOLER",
        ),
        (
            &[("CONTACT_SEARCH_POOLER", "yes")],
            &["serve"],
            "--database-url <URL>\n\n  tip: the environment variable CONTACT_SEARCH_POOLER sets --pooler",
        ),
    ] {
        let message = fail_with(variables, arguments);
        assert!(message.contains(expected), "{variables:?} {arguments:?}: {message}");
        for (variable, _) in variables {
            assert!(
                message.contains(&format!("the environment variable {variable} sets --")),
                "{message}"
            );
        }
    }
}

#[test]
fn an_address_in_use_is_blamed_on_the_variable_or_on_the_flag_that_set_it() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    for (variable, flag) in [
        ("CONTACT_SEARCH_LISTEN", "--listen"),
        ("CONTACT_SEARCH_METRICS_LISTEN", "--metrics-listen"),
    ] {
        let free = ["serve", "--listen", "127.0.0.1:0"];
        let by_variable = fail_with(
            &[(variable, &taken)],
            if flag == "--listen" { &free[..1] } else { &free },
        );
        assert!(
            by_variable.ends_with(&format!(
                "choose another address with the environment variable {variable}\n"
            )),
            "{by_variable}"
        );
        let by_flag = fail_with(
            &[(variable, "127.0.0.1:0")],
            &["serve", "--listen", "127.0.0.1:0", flag, &taken][..],
        );
        let by_flag = if flag == "--listen" {
            fail_with(&[(variable, "127.0.0.1:0")], &["serve", flag, &taken])
        } else {
            by_flag
        };
        assert!(
            by_flag.ends_with(&format!("choose another address with {flag}\n")),
            "{by_flag}"
        );
    }
}
