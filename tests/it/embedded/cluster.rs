//! The cluster itself: its roles, its socket, its settings, and the error if PostgreSQL rejects a setting.

use std::fs;
use std::os::unix::fs::MetadataExt;

use contact_search::embedded::{EmbeddedError, PrivateDatabase};
use contact_search::store;

use crate::support::OwnDirectory;
use crate::support::database::execute;
use crate::support::private_database::{connect, open, open_durable, options, query, server_user};

#[test]
fn the_application_owns_its_database_and_is_no_superuser() {
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
fn the_cluster_is_durable_and_private_and_uses_english_messages_and_utf8() {
    let directory = OwnDirectory::new();
    let database = open_durable(directory.path());
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
    // Text sorts by bytes, and upper and lower case work for every language.
    assert_eq!(query(&url, "lower('ÑANDÚ') || ('a' < 'B')"), "ñandúfalse");

    let socket = fs::symlink_metadata(directory.path().join("socket")).expect("the socket's directory");
    assert_eq!(socket.mode() & 0o777, 0o700);
    assert_eq!(socket.uid(), server_user().uid.as_raw());
    // A database role without an entry in pg_ident.conf cannot log in, whatever the operating system user.
    execute(
        &mut connect(&database.superuser_url("postgres")),
        "CREATE ROLE third LOGIN",
    );
    assert!(store::connection::connect(&url.replace("user=contact_search", "user=third")).is_err());
    let trusted = query(
        &database.superuser_url("postgres"),
        "SELECT count(*) FROM pg_hba_file_rules WHERE auth_method <> 'peer'",
    );
    assert_eq!(trusted, "0");
}

#[test]
fn a_rejected_setting_is_reported_in_postgresqls_own_words() {
    let directory = OwnDirectory::new();
    let mut options = options(directory.path());
    options.settings.push(("shared_buffers".into(), "much".into()));
    let error = PrivateDatabase::open(&options).expect_err("PostgreSQL cannot start");
    assert!(matches!(error, EmbeddedError::Start { .. }), "{error}");
    assert!(
        error
            .to_string()
            .contains("invalid value for parameter \"shared_buffers\": \"much\""),
        "{error}"
    );
}
