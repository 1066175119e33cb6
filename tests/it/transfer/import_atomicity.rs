//! Import: all of a file or nothing, despite failures and concurrent writers.

use std::io::{self, Read};

use contact_search::transfer::import::{Event, Import, ImportError, ImportOptions, ImportReport};
use diesel::connection::SimpleConnection;

use crate::support::import::{ImportTarget, ask, counts, generate_file, import};

/// A reader that fails after its bytes.
struct CutOff<'a>(&'a [u8]);

impl Read for CutOff<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.0.read(buffer)? {
            0 => Err(io::Error::other("the disk is gone")),
            count => Ok(count),
        }
    }
}

#[test]
fn a_truncated_file_writes_nothing_and_can_be_imported_later() {
    let mut target = ImportTarget::new();
    let file = generate_file(5000);
    let before = target.dump();
    let cut = CutOff(&file.as_bytes()[..file.len() / 2]);
    let error = target.import_with(cut, &[], &ImportOptions::default()).unwrap_err();
    assert!(matches!(error, ImportError::Read(_)), "{error}");
    assert_eq!(target.dump(), before);
    assert_eq!(target.import(&file).unwrap().read, 5000);
}

#[test]
fn an_import_whose_connection_is_killed_writes_nothing() {
    let mut target = ImportTarget::new();
    let file = generate_file(5000);
    let before = target.dump();
    for moment in ["reading", "merging"] {
        let mut connection = target.database.connect();
        let process = ask(&mut connection, "pg_backend_pid()");
        let kill = &mut |event| {
            let now = match event {
                Event::Read(_) => "reading",
                Event::Merging => "merging",
                _ => "another",
            };
            if now == moment {
                ask(&mut target.connection, &format!("pg_terminate_backend({process})"));
            }
        };
        let import = Import::open(file.as_bytes(), ImportOptions::default()).unwrap();
        let error = import.run(&mut connection, &target.client, kill).unwrap_err();
        assert!(matches!(error, ImportError::Store(_)), "{error:?}");
        drop(connection);
        assert_eq!(target.dump(), before, "{moment}");
    }
    assert_eq!(target.import(&file).unwrap().read, 5000);
}

/// Runs the import while another writer has executed `sql` without committing. Commits once the import waits for that
/// writer.
fn import_during_write(sql: &str, file: &str, target: &mut ImportTarget) -> ImportReport {
    let mut importer = target.database.connect();
    let client = target.client.clone();
    std::thread::scope(|scope| {
        // Declared inside the scope: if no statement waits, the connection is dropped, so that the import need not wait
        // for the writer when the scope waits for the import.
        let mut writer = target.database.connect();
        writer.batch_execute(&format!("BEGIN; {sql}")).unwrap();
        let import = scope
            .spawn(move || import(&mut importer, &client, file.as_bytes(), &[], &ImportOptions::default()).unwrap());
        target.database.wait_for_blocked_statement();
        writer.batch_execute("COMMIT").unwrap();
        import.join().unwrap()
    })
}

#[test]
fn a_contact_that_another_writer_creates_concurrently_is_updated() {
    let mut target = ImportTarget::new();
    let sql = format!(
        "INSERT INTO contacts (client_id, id, contact_list_id, phone, phone_key, phone_as_given)
         SELECT client_id, gen_random_uuid(), id, '+5491155550001', '541155550001', '+5491155550001'
         FROM contact_lists WHERE client_id = '{}'",
        target.client.id
    );
    let file = "phone,name\n+5491155550001,Ana\n+5491155550002,Bea\n";
    let report = import_during_write(&sql, file, &mut target);
    assert_eq!(counts(&report), [1, 1, 0, 0, 0]);
    assert_eq!(
        target.contacts("phone name source"),
        "+5491155550001 Ana -\n+5491155550002 Bea csv_import"
    );
}

#[test]
fn a_contact_that_concurrently_gets_another_external_id_is_not_adopted() {
    let mut target = ImportTarget::new();
    target.import("phone\n+5491155550001\n").unwrap();
    let sql = "UPDATE contacts SET external_user_id = 'theirs'";
    let report = import_during_write(sql, "phone,external_id\n+5491155550001,ours\n", &mut target);
    assert_eq!(counts(&report), [1, 0, 0, 0, 0]);
    assert_eq!(target.contacts("external_user_id"), "theirs\nours");
}

#[test]
fn concurrent_imports_into_one_client_create_each_contact_once() {
    let mut target = ImportTarget::new();
    let file = generate_file(3000);
    let reports: Vec<ImportReport> = std::thread::scope(|scope| {
        let imports: Vec<_> = (0..3)
            .map(|_| {
                let (mut connection, client, file) = (target.database.connect(), target.client.clone(), &file);
                scope.spawn(move || {
                    import(
                        &mut connection,
                        &client,
                        file.as_bytes(),
                        &[],
                        &ImportOptions::default(),
                    )
                    .unwrap()
                })
            })
            .collect();
        imports.into_iter().map(|it| it.join().unwrap()).collect()
    });
    let created: Vec<u64> = reports.iter().map(|it| it.created).filter(|it| *it > 0).collect();
    assert_eq!(created.len(), 1);
    assert_eq!(target.ask("SELECT count(*) FROM contacts"), created[0].to_string());
}

#[test]
fn a_second_import_of_a_large_file_changes_nothing() {
    // Over 10,000 new contacts, so that the first import rebuilds the search index.
    const ROWS: u64 = 15_000;
    let mut target = ImportTarget::new();
    let file = generate_file(ROWS);
    let first = target.import(&file).unwrap();
    assert_eq!((first.read, first.updated, first.unchanged), (ROWS, 0, 0));
    assert!(first.created > 10_000, "{first}");
    assert_eq!(target.ask("SELECT count(*) FROM contacts"), first.created.to_string());
    let state = "SELECT md5(string_agg(contacts::text, '' ORDER BY serial_id)) FROM contacts";
    let before = target.ask(state);
    let second = target.import(&file).unwrap();
    assert_eq!(counts(&second), [0, 0, first.created, first.merged, 0]);
    assert_eq!(target.ask(state), before);
}
