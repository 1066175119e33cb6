//! `contact-search export`: files for `import`, and files for spreadsheets.

use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;

use contact_search::domain::phone::Region;
use contact_search::sample::generate::{Workload, YEARS, generate};
use contact_search::store::clients;
use contact_search::transfer::export::{ExportFormat, ExportReport, export};
use diesel::prelude::*;

use crate::support::app::program;
use crate::support::export::{create_client, export_client, import_file, rows};
use crate::support::{Contact, TestDatabase};

#[test]
fn an_exact_import_does_not_merge_exported_contacts_that_share_a_phone() {
    let database = TestDatabase::new();
    let mut connection = database.connect();
    for name in ["From", "Joined", "Exact"] {
        clients::create_client(&mut connection, name, Region::DEFAULT).unwrap();
    }
    let from = clients::find_client(&mut connection, "From").unwrap().unwrap().id;
    for external_user_id in [None, Some("x")] {
        Contact {
            phone: Some("+5491123456789"),
            external_user_id,
            ..Contact::default()
        }
        .add(&mut connection, from);
    }
    let file = tempfile::NamedTempFile::new().unwrap();
    let run = |arguments: &[&str]| {
        let mut command = program();
        command
            .args(arguments)
            .arg(file.path())
            .env("DATABASE_URL", database.url());
        let output = command.output().unwrap();
        assert_eq!(output.status.code(), Some(0));
        [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap())
    };
    let [_, output] = run(&["export", "--client", "From", "--force"]);
    assert_eq!(
        output,
        "2 contacts exported\n1 contact shares its phone or email with another contact on the same platform: import \
         would merge them, but import --exact keeps them apart\n"
    );
    let [output, _] = run(&["import", "--client", "Joined"]);
    assert!(output.starts_with("2 rows read = 1 created + "), "{output}");
    let [output, _] = run(&["import", "--client", "Exact", "--exact"]);
    assert!(output.starts_with("2 rows read = 2 created + "), "{output}");
}

#[test]
fn thousands_of_contacts_of_one_client_are_exported_and_imported_in_order() {
    let database = TestDatabase::new();
    let mut connection = database.connect();
    let workload = Workload {
        client: "Load".to_owned(),
        contacts: 5_000,
        small_clients: 1,
        seed: 1,
        years: YEARS,
    };
    generate(&mut connection, &workload, &mut |_| {}).unwrap();
    let source = clients::find_client(&mut connection, "Load").unwrap().unwrap().id;
    let (report, file) = export_client(&mut connection, source, ExportFormat::Import);
    assert_eq!((report.contacts, report.doubles, report.changed), (5_000, 0, 0));
    let target = create_client(&mut connection, Region::DEFAULT);
    assert_eq!(import_file(&mut connection, target, &file), 5_000);
    assert_eq!(rows(&mut connection, target), rows(&mut connection, source));

    let empty = create_client(&mut connection, Region::DEFAULT);
    let (report, file) = export_client(&mut connection, empty, ExportFormat::Import);
    assert_eq!((report, file.lines().count()), (ExportReport::default(), 1));
}

#[test]
fn an_exported_record_has_every_column_of_the_import() {
    let database = TestDatabase::new();
    let mut connection = database.connect();
    let id = create_client(&mut connection, Region::DEFAULT);
    Contact {
        name: Some("Peña, \"Ana\""),
        phone: Some("011 15-2345-6789"),
        email: Some("ana@example.com"),
        external_user_id: Some("=1"),
        source: Some("organic"),
        created_at: "'2025-01-15T10:30:00.000001Z'",
        last_message_at: "'2025-03-28T14:22:00.5Z'",
        ..Contact::default()
    }
    .add(&mut connection, id);
    let (_, file) = export_client(&mut connection, id, ExportFormat::Import);
    assert_eq!(
        file,
        "name,phone,email,platform,source,chat_status,blocked,is_chat_read,created_at,last_message_at,last_inbound_at,\
         contact_list,external_user_id,default_stage_id,ai_customer_id\n\
         \"Peña, \"\"Ana\"\"\",011 15-2345-6789,ana@example.com,whatsapp,organic,UNATTENDED,false,true,\
         2025-01-15T10:30:00.000001Z,2025-03-28T14:22:00.500000Z,,Lista Principal,=1,,\n"
    );
    let (_, file) = export_client(&mut connection, id, ExportFormat::Spreadsheet);
    assert!(file.starts_with("\u{FEFF}name,phone,"), "{file}");
    assert!(file.ends_with(",Lista Principal,'=1,,\n"), "{file}");
}

#[test]
fn a_number_parsed_in_another_region_is_exported_as_stored() {
    let database = TestDatabase::new();
    let mut connection = database.connect();
    let id = create_client(&mut connection, "CL".parse().unwrap());
    // `Contact::add` always parses phones as Argentine numbers, also for this Chilean client.
    for phone in ["011 15-2345-6789", "+56 9 1234 5678"] {
        Contact {
            phone: Some(phone),
            source: Some("organic"),
            ..Contact::default()
        }
        .add(&mut connection, id);
    }
    let (report, file) = export_client(&mut connection, id, ExportFormat::Import);
    let phones: Vec<&str> = file.lines().skip(1).filter_map(|line| line.split(',').nth(1)).collect();
    assert_eq!(phones, ["+5491123456789", "+56 9 1234 5678"]);
    assert_eq!(report.changed, 1);
    let target = create_client(&mut connection, "CL".parse().unwrap());
    import_file(&mut connection, target, &file);
    let sql = |id| {
        format!(
            "SELECT count(*) FROM contacts WHERE client_id = '{id}' AND phone_key IN ('5491123456789', '56912345678')"
        )
    };
    assert_eq!(database.count(&sql(target)), 2);
}

#[test]
fn contacts_that_an_import_would_change_or_merge_are_counted() {
    let database = TestDatabase::new();
    let mut connection = database.connect();
    let id = create_client(&mut connection, Region::DEFAULT);
    let plain = Contact {
        source: Some("organic"),
        ..Contact::default()
    };
    let mut add = |contact: Contact<'_>| contact.add(&mut connection, id);
    let phone = Some("+5491123456789");
    let email = Some("ana@example.com");
    // Two pairs that an import would merge: one by its phone, one by its email.
    add(Contact { phone, ..plain });
    add(Contact {
        phone,
        external_user_id: Some("1"),
        ..plain
    });
    add(Contact { email, ..plain });
    add(Contact {
        email: Some("ANA@example.com"),
        phone: Some("+56912345678"),
        ..plain
    });
    // On another channel the same identity is another person.
    add(Contact {
        phone,
        platform: "sms",
        ..plain
    });
    add(Contact {
        email,
        platform: "webchat",
        ..plain
    });
    // Values that an import changes or refuses.
    add(Contact {
        name: Some(" "),
        external_user_id: Some("2"),
        ..plain
    });
    add(Contact {
        name: Some(""),
        external_user_id: Some("3"),
        ..plain
    });
    add(Contact {
        external_user_id: Some("5 "),
        ..plain
    });
    add(Contact {
        external_user_id: Some("6"),
        list: " VIP",
        ..plain
    });
    add(Contact {
        external_user_id: Some("7"),
        created_at: "now() + interval '1 hour'",
        ..plain
    });
    add(Contact {
        external_user_id: Some("8"),
        phone: Some("none"),
        ..plain
    });
    add(Contact {
        external_user_id: Some("9"),
        created_at: "'12025-01-01'",
        ..plain
    });
    let (report, _) = export_client(&mut connection, id, ExportFormat::Import);
    assert_eq!((report.contacts, report.doubles, report.changed), (13, 2, 7));
}

#[test]
fn an_export_is_a_consistent_snapshot() {
    let database = TestDatabase::new();
    let mut connection = database.connect();
    let workload = Workload {
        client: "Load".to_owned(),
        contacts: 3_000,
        small_clients: 0,
        seed: 1,
        years: YEARS,
    };
    generate(&mut connection, &workload, &mut |_| {}).unwrap();
    let load = clients::find_client(&mut connection, "Load").unwrap().unwrap();
    /// A writer that edits all contacts after the first two lines were written.
    struct WriterThatEdits<'d> {
        database: &'d TestDatabase,
        has_edited: bool,
        written: Vec<u8>,
    }
    impl std::io::Write for WriterThatEdits<'_> {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            let lines = || self.written.iter().filter(|byte| **byte == b'\n').count();
            if !self.has_edited && lines() >= 2 {
                self.has_edited = true;
                diesel::sql_query("UPDATE contacts SET source = 'meddler'")
                    .execute(&mut self.database.connect())
                    .unwrap();
                diesel::sql_query("DELETE FROM contacts WHERE blocked")
                    .execute(&mut self.database.connect())
                    .unwrap();
            }
            self.written.extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut out = WriterThatEdits {
        database: &database,
        has_edited: false,
        written: Vec::new(),
    };
    let report = export(&mut connection, &load, ExportFormat::Import, &mut out).unwrap();
    assert_eq!(report.contacts, 3_000);
    assert!(!String::from_utf8(out.written).unwrap().contains("meddler"));
    assert!(database.count("SELECT count(*) FROM contacts WHERE source = 'meddler'") > 2_800);
}

#[test]
fn export_writes_to_stdout_or_a_file_and_ends_quietly_when_the_reader_closes() {
    let database = TestDatabase::new();
    let workload = Workload {
        client: "Load".to_owned(),
        contacts: 20_000,
        small_clients: 0,
        seed: 1,
        years: YEARS,
    };
    generate(&mut database.connect(), &workload, &mut |_| {}).unwrap();
    let command = |arguments: &[&str]| {
        let mut command = program();
        command
            .args(["export", "--client", "Load"])
            .args(arguments)
            .env("DATABASE_URL", database.url());
        command
    };
    let output = command(&[]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stderr), "20000 contacts exported\n");
    assert_eq!(output.stdout.iter().filter(|byte| **byte == b'\n').count(), 20_001);

    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("load.csv");
    let file = command(&[path.to_str().unwrap()]).output().unwrap();
    assert_eq!((file.status.code(), file.stdout.len()), (Some(0), 0));
    assert_eq!(std::fs::read(&path).unwrap(), output.stdout);
    let nowhere = command(&["/nowhere/load.csv"]).output().unwrap();
    let message = String::from_utf8(nowhere.stderr).unwrap();
    assert!(
        nowhere.status.code() == Some(1) && message.contains("/nowhere/load.csv can't be written"),
        "{message}"
    );

    let mut head = command(&[])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut line = String::new();
    BufReader::new(head.stdout.take().unwrap())
        .read_line(&mut line)
        .unwrap();
    assert!(line.starts_with("name,phone,"), "{line}");
    let mut output = String::new();
    head.stderr.take().unwrap().read_to_string(&mut output).unwrap();
    assert_eq!((head.wait().unwrap().code(), output.as_str()), (Some(0), ""));
}
