//! `--json`: results for programs. docs/commands.md documents the members, with an example of each result.

use std::fs;
use std::path::Path;

use chrono::{DateTime, Utc};
use contact_search::domain::key::{ApiKey, Format, NewKey, Scope};
use contact_search::domain::phone::Region;
use contact_search::store::{clients, keys};
use serde_json::{Value, json};

use crate::support::TestDatabase;
use crate::support::app::program;
use crate::support::command::{CommandOutput, command_on, run, run_on, run_unread, stdout};
use crate::support::webhook::SECRET;

/// The standard output of a command that must have succeeded, which must be one JSON value and nothing else.
fn json_of(output: CommandOutput) -> Value {
    let text = stdout(output);
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
}

fn list(database: &TestDatabase, command: &str) -> Vec<Value> {
    let Value::Array(list) = json_of(run_on(database, &[command, "list", "--json"])) else {
        panic!("{command} list prints no array");
    };
    list
}

fn time(value: &Value) -> DateTime<Utc> {
    let text = value.as_str().unwrap_or_else(|| panic!("{value} is no text"));
    DateTime::parse_from_rfc3339(text).expect("RFC 3339").into()
}

/// A time of the last minute.
fn assert_recent(value: &Value) {
    let age = Utc::now() - time(value);
    assert!((-1..60).contains(&age.num_seconds()), "{value}");
}

/// A database with the client `Acme`, a key and a webhook.
fn fill() -> TestDatabase {
    let database = TestDatabase::new();
    for arguments in [
        "client create Acme --region CL",
        "key create --client Acme --label crm --scope lookup,write --rate-limit 600 --expires-in 1y",
    ] {
        stdout(run_on(&database, &arguments.split(' ').collect::<Vec<_>>()));
    }
    let create = command_on(&database, &["webhook", "create", "--client", "Acme"]);
    stdout(run(create, SECRET));
    database
}

/// Runs `import --json` on a file with this text.
fn import(database: &TestDatabase, text: &str, options: &[&str]) -> CommandOutput {
    let file = tempfile::NamedTempFile::new().unwrap();
    fs::write(file.path(), text).unwrap();
    let path = file.path().to_str().unwrap();
    run_on(
        database,
        &[&["import", path, "--client", "Acme", "--json"], options].concat(),
    )
}

#[test]
fn client_list_prints_clients_as_json() {
    let database = TestDatabase::new();
    assert_eq!(json_of(run_on(&database, &["client", "list", "--json"])), json!([]));
    let id = stdout(run_on(&database, &["client", "create", "Peña", "--region", "CL"]));
    let [client] = &list(&database, "client")[..] else {
        panic!("one client was created");
    };
    assert_recent(&client["createdAt"]);
    assert_eq!(
        *client,
        json!({"id": id.trim_end(), "name": "Peña", "region": "CL", "createdAt": client["createdAt"]})
    );
}

#[test]
fn key_list_prints_keys_as_json() {
    let database = TestDatabase::new();
    let mut connection = database.connect();
    let client = clients::create_client(&mut connection, "Acme", Region::DEFAULT).unwrap();
    let create = |options: &str| {
        let line = format!("key create --client Acme {options}");
        let key = stdout(run_on(&database, &line.split_whitespace().collect::<Vec<_>>()));
        key.trim_end().to_owned()
    };
    let plain = create("");
    create("--label revoked --rate-limit none");
    create("--label expired --expires-in 1d");
    create("--label crm --scope lookup,write --rate-limit 600 --expires-in 1y");
    database.execute("UPDATE api_keys SET revoked_at = now() WHERE label = 'revoked'");
    database.execute("UPDATE api_keys SET expires_at = now() - interval '1 hour' WHERE label = 'expired'");
    let keys = list(&database, "key");
    let with_label = |label: &str| keys.iter().find(|key| key["label"] == label).expect("the key");

    let key = with_label("");
    assert_eq!(
        *key,
        json!({
            "id": key["id"], "clientId": client.to_string(), "clientName": "Acme", "label": "",
            "key": key["key"], "scopes": ["lookup", "search"], "rateLimit": "default", "status": "active",
            "createdAt": key["createdAt"], "lastUsedAt": null, "expiresAt": null, "revokedAt": null,
        })
    );
    assert!(
        key["key"].as_str().unwrap().ends_with(&plain[plain.len() - 4..]),
        "{key}"
    );
    assert!(!keys.iter().any(|key| key.to_string().contains(&plain)), "{keys:?}");
    assert_recent(&key["createdAt"]);

    let crm = with_label("crm");
    assert_eq!(
        (&crm["scopes"], &crm["rateLimit"], &crm["status"]),
        (&json!(["lookup", "write"]), &json!("600"), &json!("active"))
    );
    assert_eq!((time(&crm["expiresAt"]) - time(&crm["createdAt"])).num_days(), 365);
    let revoked = with_label("revoked");
    assert_eq!(
        (&revoked["status"], &revoked["rateLimit"]),
        (&json!("revoked"), &json!("none"))
    );
    assert_recent(&revoked["revokedAt"]);
    assert_eq!(with_label("expired")["status"], "expired");

    let of_nobody = run_on(&database, &["key", "list", "--json", "--client", "Nobody"]);
    assert_eq!((of_nobody.status, &*of_nobody.stdout), (Some(1), ""));
}

#[test]
fn webhook_list_prints_webhooks_as_json() {
    let database = TestDatabase::new();
    let client = stdout(run_on(&database, &["client", "create", "Acme"]));
    let create = command_on(&database, &["webhook", "create", "--client", "Acme"]);
    let created = stdout(run(create, SECRET));
    let token = created.trim_end().rsplit(' ').next().unwrap();
    let [webhook] = &list(&database, "webhook")[..] else {
        panic!("one webhook was created");
    };
    assert_recent(&webhook["createdAt"]);
    assert_eq!(
        *webhook,
        json!({
            "id": webhook["id"], "clientId": client.trim_end(), "clientName": "Acme",
            "tokenEnd": &token[token.len() - 4..], "createdAt": webhook["createdAt"], "lastDeliveryAt": null,
        })
    );
    database.execute("UPDATE webhooks SET last_delivery_at = '2026-11-29 10:30:00.123456Z', token_end = NULL");
    let webhook = &list(&database, "webhook")[0];
    assert_eq!(
        (&webhook["lastDeliveryAt"], &webhook["tokenEnd"]),
        (&json!("2026-11-29T10:30:00.123Z"), &Value::Null)
    );
}

const FILE: &str = "name,phone,email,blocked,reply to\n\
                    Ana,+56987654321,ana@example.com,no,a@example.com\n\
                    Bea,4555000,,perhaps,b@example.com\n\
                    Carla,,,no,\n\
                    Dora,+56987654322 ::: +56987654323,dora@example.com,no,d@example.com\n";

#[test]
fn import_prints_its_summary_as_json() {
    let database = fill();
    let output = import(&database, FILE, &["--skip-bad-rows", "--skip-bad-cells"]);
    assert!(output.stderr.contains("line 4, "), "{}", output.stderr);
    let none = json!({"count": 0, "lines": []});
    assert_eq!(
        json_of(output),
        json!({
            "imported": true,
            "read": 4, "furtherPhones": 0, "created": 3, "updated": 0, "unchanged": 0, "merged": 0, "rejected": 1,
            "cellsLeftOut": 1, "doubtful": 0,
            "phonesUnresolved": {"count": 1, "lines": [3]},
            "phonesKept": none, "phonesReplaced": none,
            "verdicts": null,
            "duplicatesLeftOut": {"count": 0, "lines": []},
            "conflictsLeftOut": {"count": 0, "lines": []},
            "collisions": {"count": 0, "lines": []},
            "severalPhones": {"count": 1, "lines": [5]},
            "severalEmails": none,
            "rejectedRows": [{
                "line": 4, "column": "phone, email",
                "reason": "an external id, a phone with digits, or an email is needed",
            }],
            "leftOutCells": [{"line": 3, "column": "blocked", "reason": "it is neither true nor false"}],
            "lookalikes": [{
                "column": "reply to", "field": "email", "onlyHere": {"count": 1, "lines": [3]},
            }],
            "encoding": "UTF-8",
            "sheet": null,
        })
    );
    let again = json_of(import(&database, FILE, &["--skip-bad-rows", "--skip-bad-cells"]));
    assert_eq!((&again["created"], &again["unchanged"]), (&json!(0), &json!(3)));
}

#[test]
fn an_import_stopped_by_rejected_rows_prints_them_as_json_and_fails() {
    let database = fill();
    let output = import(&database, FILE, &[]);
    assert_eq!(output.status, Some(1));
    assert!(output.stderr.contains("so nothing was written"), "{}", output.stderr);
    let summary: Value = serde_json::from_str(&output.stdout).expect("one JSON value");
    assert_eq!(
        (
            &summary["imported"],
            &summary["read"],
            &summary["created"],
            &summary["rejected"]
        ),
        (&json!(false), &json!(4), &json!(0), &json!(2))
    );
    let lines: Vec<&Value> = summary["rejectedRows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| &row["line"])
        .collect();
    assert_eq!(lines, [3, 4]);
    assert_eq!(summary["lookalikes"][0]["field"], "email");
    assert_eq!(database.count("SELECT count(*) AS count FROM contacts"), 0);

    // A file that can't be read has no summary.
    let unreadable = import(&database, "x\n1\n", &[]);
    assert_eq!((unreadable.status, &*unreadable.stdout), (Some(1), ""));
}

#[test]
fn a_summary_contains_the_first_thousand_rejected_rows_and_counts_all() {
    let database = fill();
    let text = format!("email\n{}", "no email\n".repeat(1_500));
    let output = import(&database, &text, &["--skip-bad-rows"]);
    assert_eq!(
        output.stderr.lines().filter(|line| line.starts_with("line ")).count(),
        1_500
    );
    let summary = json_of(output);
    let rows = summary["rejectedRows"].as_array().unwrap();
    assert_eq!(
        (&summary["rejected"], rows.len(), &rows[999]["line"]),
        (&json!(1_500), 1_000, &json!(1_001))
    );
}

#[test]
fn names_in_json_keep_their_text_and_can_not_drive_the_terminal() {
    let database = TestDatabase::new();
    let mut connection = database.connect();
    // The command refuses such names, but other programs write to the database, too.
    let name = "Acme\u{1b}[2J\n\u{202e}\u{2028}\u{9b}\"";
    let client = clients::create_client(&mut connection, name, Region::DEFAULT).unwrap();
    let new = NewKey {
        label: name.to_owned(),
        ..NewKey::new("", vec![Scope::Lookup], None).unwrap()
    };
    keys::add_key(&mut connection, client, &ApiKey::generate(Format::Mindo).unwrap(), &new).unwrap();
    for (command, member) in [("client", "name"), ("key", "label"), ("key", "clientName")] {
        let text = stdout(run_on(&database, &[command, "list", "--json"]));
        assert!(!text.contains(['\u{1b}', '\u{202e}', '\u{2028}', '\u{9b}']), "{text:?}");
        let list: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(list[0][member], name);
    }
}

#[test]
fn a_closed_output_is_no_error_for_json_but_a_full_disk_is() {
    let database = fill();
    for command in ["client", "key", "webhook"] {
        let arguments = [command, "list", "--json"];
        assert_eq!(run_unread(command_on(&database, &arguments)), (Some(0), String::new()));
        if let Ok(full) = fs::OpenOptions::new().write(true).open("/dev/full") {
            let output = command_on(&database, &arguments).stdout(full).output().unwrap();
            assert_eq!(output.status.code(), Some(1));
        }
    }
}

/// The names of the members of an object, or of the first object of an array, with those of the objects inside.
fn members(value: &Value, path: &str, names: &mut Vec<String>) {
    match value {
        Value::Array(items) => items.first().into_iter().for_each(|item| members(item, path, names)),
        Value::Object(object) => {
            for (name, value) in object {
                let path = format!("{path}/{name}");
                members(value, &path, names);
                names.push(path);
            }
        }
        _ => {}
    }
}

#[test]
fn the_documented_examples_have_the_members_that_the_commands_print() {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/commands.md")).unwrap();
    let database = fill();
    let printed = [
        (
            "contact-search client list --json",
            json_of(run_on(&database, &["client", "list", "--json"])),
        ),
        (
            "contact-search key list --json",
            json_of(run_on(&database, &["key", "list", "--json"])),
        ),
        (
            "contact-search webhook list --json",
            json_of(run_on(&database, &["webhook", "list", "--json"])),
        ),
        (
            "contact-search import contacts.csv --client Acme --skip-bad-rows --skip-bad-cells --json",
            json_of(import(&database, FILE, &["--skip-bad-rows", "--skip-bad-cells"])),
        ),
    ];
    for (call, printed) in printed {
        let (_, after) = page
            .split_once(&format!("```sh\n{call}\n```"))
            .unwrap_or_else(|| panic!("docs/commands.md has no example of `{call}`"));
        let (_, example) = after.split_once("```json\n").expect("a JSON example");
        let example: Value = serde_json::from_str(example.split("```").next().unwrap()).expect("JSON");
        let names = |value| {
            let mut names = Vec::new();
            members(value, "", &mut names);
            names.sort_unstable();
            names
        };
        assert_eq!(names(&example), names(&printed), "{call}");
        for name in names(&printed) {
            let name = name.rsplit('/').next().unwrap();
            assert!(
                page.contains(&format!("`{name}`")),
                "docs/commands.md does not explain {name}"
            );
        }
    }
}

#[test]
fn the_help_of_each_list_and_of_import_shows_json() {
    for arguments in [
        &["client", "list"][..],
        &["key", "list"],
        &["webhook", "list"],
        &["import"],
    ] {
        let mut command = program();
        command.args(arguments).arg("--help");
        let help = stdout(run(command, ""));
        assert!(help.contains("--json"), "{help}");
    }
}
