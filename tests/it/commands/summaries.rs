//! The counts in the last lines of commands: one thing is singular, several are plural.

use std::fs;

use crate::support::TestDatabase;
use crate::support::command::{error_of, run_on, stdout};

#[test]
fn a_summary_counts_one_thing_in_the_singular() {
    let (database, empty) = (TestDatabase::new(), TestDatabase::empty());
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).to_str().unwrap().to_owned();
    let run = |arguments: &[&str]| run_on(&database, arguments);
    let (file, backup) = (path("contacts.csv"), path("contacts.backup"));

    let generated = stdout(run(&["generate", "--contacts", "1", "--client", "Acme"]));
    assert!(
        generated.starts_with("Generated 1 contact in 1 client in "),
        "{generated}"
    );
    let exported = run(&["export", "--client", "Acme"]);
    assert_eq!(exported.stderr, "1 contact exported\n");

    stdout(run(&["client", "edit", "Acme", "--name", "Other"]));
    fs::write(&file, "phone\n+5491123456789\n").unwrap();
    let imported = stdout(run(&["import", &file, "--client", "Other"]));
    assert!(imported.starts_with("1 row read = 1 created + "), "{imported}");
    fs::write(&file, "phone,email\n+5491123456789,\n,no email\n").unwrap();
    let refused = error_of(run(&["import", &file, "--client", "Other"]));
    assert!(
        refused.contains("1 of 2 rows can't be imported") && refused.contains("correct it, or skip it with"),
        "{refused}"
    );
    fs::write(&file, "phone,email\n,no email\n,neither\n").unwrap();
    let refused = error_of(run(&["import", &file, "--client", "Other"]));
    assert!(refused.contains("correct them, or skip them with"), "{refused}");

    database.execute("UPDATE contacts SET name = ' ' WHERE phone = '+5491123456789'");
    let exported = run(&["export", "--client", "Other"]);
    assert!(
        exported
            .stderr
            .contains("2 contacts exported\n1 contact would change in an import"),
        "{}",
        exported.stderr
    );
    database.execute("UPDATE contacts SET name = ' '");
    let exported = run(&["export", "--client", "Other"]);
    assert!(
        exported.stderr.contains("\n2 contacts would change"),
        "{}",
        exported.stderr
    );

    stdout(run(&["database", "backup", &backup]));
    let restored = run_on(&empty, &["database", "restore", &backup]);
    assert!(
        restored.stderr.contains(": 1 client. Migrations run: 0."),
        "{}",
        restored.stderr
    );
}
