//! `contact-search client` and `contact-search key`: create, import, list, limit, rotate, revoke.

use std::time::Duration;

use contact_search::domain::phone::Region;
use contact_search::domain::rate_limit::RateLimit;
use contact_search::store::{PgConnection, clients, keys};
use uuid::Uuid;

use crate::support::app::{add_plain_key, program};
use crate::support::command::{command_on, error_of, listed_keys, run, run_on, run_unread, stdout};
use crate::support::{TestApp, TestDatabase};

const LOOKUP: &str = "/api/v1/contact-lookup/?phone=123";
const SEARCH: &str = "/api/public/contacts/search?email=a";

#[test]
fn client_create_prints_only_the_id_on_stdout() {
    let database = TestDatabase::new();
    let id = stdout(run_on(
        &database,
        &["client", "create", "  Acme Ñandú ", "--region", "cl"],
    ));
    let id: uuid::Uuid = id.trim_end().parse().expect("only the id");
    let list = stdout(run_on(&database, &["client", "list"]));
    assert!(
        list.contains(&id.to_string()) && list.contains("Acme Ñandú") && list.contains("CL"),
        "{list}"
    );

    let twice = error_of(run_on(&database, &["client", "create", "Acme Ñandú"]));
    assert!(twice.contains("a client named 'Acme Ñandú' exists already"), "{twice}");
    for wrong in ["", "   ", "a\nb", &"x".repeat(201)] {
        let message = error_of(run_on(&database, &["client", "create", wrong]));
        assert!(message.contains("1 to 200 characters"), "{message}");
    }
    let region = error_of(run_on(&database, &["client", "create", "X", "--region", "XX"]));
    assert!(region.contains("ISO 3166"), "{region}");
}

#[test]
fn key_create_prints_only_the_key_which_works_on_both_apis() {
    let app = TestApp::start();
    let create = |arguments: &[&str]| {
        let arguments = [&["key", "create", "--client", "Test"], arguments].concat();
        stdout(run_on(&app.database, &arguments)).trim_end().to_owned()
    };
    let status = |path: &str, key: &str| app.server.get(path, Some(key)).status;
    let (lookup, search) = (
        "/api/v1/contact-lookup/?phone=123",
        "/api/public/contacts/search?email=a",
    );

    let mindo = create(&[]);
    assert!(mindo.len() == 30 && mindo.starts_with("mindo_"), "{mindo}");
    assert_eq!((status(lookup, &mindo), status(search, &mindo)), (200, 200));
    let opaque = create(&[
        "--format",
        "opaque",
        "--scope",
        "search",
        "--label",
        "crm",
        "--expires-in",
        "1h",
    ]);
    assert!(opaque.len() == 35 && opaque.starts_with("cs_"), "{opaque}");
    assert_eq!((status(lookup, &opaque), status(search, &opaque)), (403, 200));
    let short = create(&["--expires-in", "1s"]);
    assert_eq!(status(lookup, &short), 200);
    std::thread::sleep(Duration::from_millis(1_100));
    assert_eq!(status(lookup, &short), 401);

    let list = stdout(run_on(
        &app.database,
        &["key", "list", "--client", &app.client.to_string()],
    ));
    for key in [&mindo, &opaque] {
        assert!(
            !list.contains(key.as_str()) && list.contains(&key[key.len() - 4..]),
            "{list}"
        );
    }
    let crm = list.lines().find(|line| line.contains("crm")).expect("the key's line");
    let id = crm.split_whitespace().next().unwrap();
    assert_eq!(stdout(run_on(&app.database, &["key", "revoke", id])), "Revoked.\n");
    assert_eq!(status(search, &opaque), 401);
    let list = stdout(run_on(&app.database, &["key", "list"]));
    assert!(
        list.lines()
            .any(|line| line.contains("crm") && line.contains("revoked")),
        "{list}"
    );

    let again = stdout(run_on(&app.database, &["key", "revoke", id]));
    assert!(again.starts_with("The key was already revoked at 2"), "{again}");
    assert!(list.contains("expired 2"), "{list}");

    let unknown = error_of(run_on(
        &app.database,
        &["key", "revoke", "00000000-0000-0000-0000-000000000000"],
    ));
    assert!(unknown.contains("contact-search key list"), "{unknown}");
    let nobody = error_of(run_on(&app.database, &["key", "create", "--client", "Nobody"]));
    assert!(nobody.contains("contact-search client list"), "{nobody}");
    for (arguments, expected) in [
        (["--scope", "read"], "lookup, search or write"),
        (["--expires-in", "90"], "such as 90d"),
        (["--expires-in", "9X"], "s, m, h, d, w or y, such as 90d"),
        (["--expires-in", "101y"], "at most 36500d, which is 100y"),
        (["--format", "jwt"], "mindo"),
        (["--label", "a\nb"], "line breaks"),
        (["--label", "a\u{1b}[31m"], "control characters"),
        (["--label", "a\u{202e}b"], "direction"),
        (["--label", "a\u{2028}b"], "line breaks"),
    ] {
        let arguments = [&["key", "create", "--client", "Test"], &arguments[..]].concat();
        let message = error_of(run_on(&app.database, &arguments));
        assert!(message.contains(expected), "{message}");
    }
}

#[test]
fn key_import_reads_an_existing_key_from_stdin() {
    let app = TestApp::start();
    let import = |text: &str| {
        let mut command = program();
        command
            .args(["key", "import", "--client", "Test"])
            .env("DATABASE_URL", app.database.url());
        run(command, text)
    };
    let key = "live_9f8e7d6c5b4a39281706";
    let id = stdout(import(&format!("{key}\n")));
    id.trim_end().parse::<uuid::Uuid>().expect("only the id");
    assert_eq!(
        app.server.get("/api/v1/contact-lookup/?phone=123", Some(key)).status,
        200
    );

    for (text, expected) in [
        (key, "this key already exists"),
        ("", "the key is empty"),
        ("short", "16 to 256"),
        ("two words that are long enough", "without blanks"),
    ] {
        let message = error_of(import(text));
        assert!(message.contains(expected), "{message}");
        assert!(
            text.is_empty() || !message.contains(text),
            "a message must not repeat the key: {message}"
        );
    }
}

#[test]
fn key_import_refuses_a_key_that_can_be_guessed_unless_it_is_accepted_as_weak() {
    let app = TestApp::start();
    let import = |text: &str, options: &[&str]| {
        let mut command = program();
        command
            .args(["key", "import", "--client", "Test"])
            .args(options)
            .env("DATABASE_URL", app.database.url());
        run(command, text)
    };
    for (weak, expected) in [
        ("aaaaaaaaaaaaaaaa", "fewer than 6 different characters"),
        ("0101010101010101", "fewer than 6 different characters"),
        ("passwordpassword", "known words"),
        ("P@ssw0rd-P@ssw0rd", "known words"),
        ("abcdefghijklmnop", "sequences"),
        ("qwertyuiop123456", "sequences"),
        ("test-test-test-key", "repetitions"),
    ] {
        let message = error_of(import(weak, &[]));
        assert!(
            message.contains(expected) && message.contains("--accept-weak") && !message.contains(weak),
            "{message}"
        );
    }
    assert_eq!(app.database.count("SELECT count(*) AS count FROM api_keys"), 1);
    stdout(import("passwordpassword", &["--accept-weak"]));
    assert_eq!(app.server.get(LOOKUP, Some("passwordpassword")).status, 200);
    let short = error_of(import("aaaa", &["--accept-weak"]));
    assert!(short.contains("16 to 256"), "{short}");
}

#[test]
fn key_import_refuses_a_key_made_from_the_clients_name_or_id_even_if_the_client_is_given_by_id() {
    let database = TestDatabase::new();
    let id = stdout(run_on(&database, &["client", "create", "Zyrqovant Klumbex"]));
    let id = id.trim_end();
    for client in ["Zyrqovant Klumbex", id] {
        for key in ["ZyrqovantKlumbex", "zyrqovant-klumbex-2024", id] {
            let import = ["key", "import", "--client", client];
            let message = error_of(run(command_on(&database, &import), key));
            assert!(message.contains("can be guessed"), "{client} {key}: {message}");
        }
    }
    assert_eq!(database.count("SELECT count(*) AS count FROM api_keys"), 0);
}

#[test]
fn a_key_that_could_not_be_printed_is_revoked() {
    let app = TestApp::start();
    let mut command = program();
    command
        .args(["key", "create", "--client", "Test", "--label", "unseen"])
        .env("DATABASE_URL", app.database.url());
    let (status, stderr) = run_unread(command);
    assert_eq!(status, Some(1), "{stderr}");
    assert!(
        stderr.starts_with("contact-search: the key can't be shown (Broken pipe") && stderr.contains("it was revoked"),
        "{stderr}"
    );
    let list = stdout(run_on(&app.database, &["key", "list"]));
    let line = list
        .lines()
        .find(|line| line.contains("unseen"))
        .expect("the key's line");
    assert!(line.contains("revoked"), "{line}");
}

#[test]
fn key_rotate_creates_an_equivalent_key_and_the_old_one_ends_after_the_overlap() {
    let app = TestApp::start();
    let new = "--client Test --scope search --format opaque --label crm --rate-limit 90 --expires-in 30d";
    let arguments: Vec<&str> = ["key", "create"].into_iter().chain(new.split(' ')).collect();
    let old = stdout(run_on(&app.database, &arguments)).trim_end().to_owned();
    let [old_id] = &listed_keys(&app.database, "crm")[..] else {
        panic!("expected one key");
    };
    let rotated = run_on(
        &app.database,
        &["key", "rotate", old_id, "--overlap", "1h", "--expires-in", "2d"],
    );
    assert!(
        rotated.stderr.contains("The old key works until 20"),
        "{}",
        rotated.stderr
    );
    let key = stdout(rotated).trim_end().to_owned();
    assert!(key.starts_with("cs_") && key.len() == 35 && key != old, "{key}");
    for key in [&old, &key] {
        let status = |target| app.server.get(target, Some(key)).status;
        assert_eq!((status(SEARCH), status(LOOKUP)), (200, 403));
    }
    let same = "SELECT count(*) AS count FROM api_keys WHERE label = 'crm' AND scopes = '{search}' AND rate_limit = 90
        AND client_id = (SELECT id FROM clients) AND revoked_at IS NULL";
    assert_eq!(app.database.count(same), 2);
    let ending_in = |id: &str, interval: &str| {
        let ends = format!(
            "SELECT count(*) AS count FROM api_keys WHERE id = '{id}' AND expires_at
                BETWEEN now() + interval '{interval}' - interval '1 minute' AND now() + interval '{interval}'"
        );
        app.database.count(&ends) == 1
    };
    let [new_id, second_id] = &listed_keys(&app.database, "crm")[..] else {
        panic!("expected two keys");
    };
    assert!(second_id == old_id && ending_in(new_id, "2 days") && ending_in(old_id, "1 hour"));

    // The key's own expiry comes before the end of the default overlap.
    stdout(run_on(&app.database, &["key", "rotate", new_id]));
    assert!(ending_in(new_id, "2 days"));
    let newest = &listed_keys(&app.database, "crm")[0];
    stdout(run_on(&app.database, &["key", "rotate", newest]));
    assert!(ending_in(newest, "7 days"));

    app.sql(&format!("UPDATE api_keys SET expires_at = now() WHERE id = '{old_id}'"));
    app.sql(&format!("UPDATE api_keys SET revoked_at = now() WHERE id = '{new_id}'"));
    for ended in [old_id, new_id] {
        let message = error_of(run_on(&app.database, &["key", "rotate", ended]));
        assert!(
            message.contains("this key has expired or was revoked: create another one with"),
            "{message}"
        );
    }
    let unknown = error_of(run_on(&app.database, &["key", "rotate", &Uuid::nil().to_string()]));
    assert!(unknown.contains("contact-search key list"), "{unknown}");
    assert_eq!(app.database.count(&same.replace("AND revoked_at IS NULL", "")), 4);
}

#[test]
fn a_rotation_whose_new_key_could_not_be_printed_leaves_the_old_key_unchanged() {
    let app = TestApp::start();
    let mut connection = app.database.connect();
    let id = add_plain_key(&mut connection, app.client);
    let version = keys::read_version(&mut connection).unwrap();
    let mut command = program();
    command
        .args(["key", "rotate", &id.to_string()])
        .env("DATABASE_URL", app.database.url());
    let (status, stderr) = run_unread(command);
    assert_eq!(status, Some(1), "{stderr}");
    assert!(
        stderr.starts_with("contact-search: the new key can't be shown, so the old one was not changed"),
        "{stderr}"
    );
    let plain = "SELECT count(*) AS count FROM api_keys WHERE label = 'plain'";
    assert_eq!(app.database.count(plain), 1);
    assert_eq!(app.database.count(&format!("{plain} AND expires_at IS NULL")), 1);
    assert_eq!(keys::read_version(&mut connection).unwrap(), version);
}

#[test]
fn key_limit_stores_the_given_limit() {
    let database = TestDatabase::new();
    let mut connection = database.connect();
    let client = clients::create_client(&mut connection, "Acme", Region::DEFAULT).unwrap();
    let id = add_plain_key(&mut connection, client);
    let limit = |connection: &mut PgConnection| keys::list_keys(connection, None).unwrap()[0].rate_limit;
    assert_eq!(limit(&mut connection), RateLimit::OfServer);
    for text in ["none", "1", "100000", "default"] {
        let version = keys::read_version(&mut connection).unwrap();
        assert_eq!(
            stdout(run_on(&database, &["key", "limit", &id.to_string(), text])),
            "Changed.\n"
        );
        assert_eq!(limit(&mut connection).to_string(), text);
        assert_ne!(keys::read_version(&mut connection).unwrap(), version);
    }
    let unknown = error_of(run_on(&database, &["key", "limit", &Uuid::nil().to_string(), "5"]));
    assert!(unknown.contains("contact-search key list"), "{unknown}");
    let wrong = error_of(run_on(&database, &["key", "limit", &id.to_string(), "0"]));
    assert!(
        wrong.contains("1 to 100000 requests per minute, or none, or default"),
        "{wrong}"
    );
}

#[test]
fn a_key_can_last_for_weeks_or_years() {
    let database = TestDatabase::new();
    stdout(run_on(&database, &["client", "create", "Acme"]));
    for (lifetime, days) in [("2w", 14), ("1y", 365), ("100y", 36_500)] {
        stdout(run_on(
            &database,
            &[
                "key",
                "create",
                "--client",
                "Acme",
                "--label",
                lifetime,
                "--expires-in",
                lifetime,
            ],
        ));
        let count = format!(
            "SELECT count(*) AS count FROM api_keys
             WHERE label = '{lifetime}' AND expires_at = created_at + interval '{days} days'"
        );
        assert_eq!(database.count(&count), 1, "{lifetime}");
    }
    let id = &listed_keys(&database, "100y")[0];
    stdout(run_on(
        &database,
        &["key", "rotate", id, "--overlap", "1w", "--expires-in", "1Y"],
    ));
    let ends = "SELECT count(*) AS count FROM api_keys WHERE label = '100y'
        AND expires_at BETWEEN now() + interval '7 days' - interval '1 minute' AND now() + interval '365 days'";
    assert_eq!(database.count(ends), 2);
}
