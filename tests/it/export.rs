//! `contact-search export`: what `import` takes back without loss, and what people can open.

use std::io::{BufRead, BufReader, Read};
use std::process::Stdio;

use contact_search::domain::client::ClientId;
use contact_search::domain::contact::{ContactDraft, ContactFields};
use contact_search::domain::phone::{Region, StoredPhone};
use contact_search::sample::generate::{Workload, generate};
use contact_search::store::import::{Rules, import};
use contact_search::store::{PgConnection, StoreError, clients};
use contact_search::transfer::export::{ExportFormat, ExportReport, export};
use contact_search::transfer::import::{self, Import, ImportOptions};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable, Text, Timestamptz, Uuid};
use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use crate::support::app::program;
use crate::support::{Contact, TestDatabase};

fn client(connection: &mut PgConnection, region: Region) -> ClientId {
    clients::create_client(connection, &uuid::Uuid::now_v7().to_string(), region).unwrap()
}

fn export_client(connection: &mut PgConnection, id: ClientId, format: ExportFormat) -> (ExportReport, String) {
    let client = clients::find_client(connection, &id.to_string()).unwrap().unwrap();
    let mut file = Vec::new();
    let report = export(connection, &client, format, &mut file).unwrap();
    (report, String::from_utf8(file).unwrap())
}

fn import_with(connection: &mut PgConnection, id: ClientId, file: &str, exact: bool) -> import::ImportReport {
    let client = clients::find_client(connection, &id.to_string()).unwrap().unwrap();
    let options = ImportOptions {
        exact,
        ..ImportOptions::default()
    };
    let import = Import::open(file.as_bytes(), options).unwrap();
    import.run(connection, &client, &mut |_| {}).unwrap()
}

fn import_file(connection: &mut PgConnection, id: ClientId, file: &str) -> u64 {
    let report = import_with(connection, id, file, false);
    assert_eq!(report.created, report.read, "{report}");
    report.read
}

/// Every column but the ids and the time of the last change, as text, the oldest contact first.
fn rows(connection: &mut PgConnection, client: ClientId) -> Vec<String> {
    texts(
        connection,
        client,
        "row(contacts.name, phone, phone_key, phone_as_given, email, platform, external_user_id, source, chat_status,
             blocked, is_chat_read, default_stage_id, ai_customer_id, created_at, last_message_at, last_inbound_at,
             contact_lists.name)",
    )
}

/// What `expression` is of each contact, as text, the oldest contact first.
fn texts(connection: &mut PgConnection, client: ClientId, expression: &str) -> Vec<String> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        contact: String,
    }
    let sql = format!(
        "SELECT {expression}::text AS contact FROM contacts JOIN contact_lists ON contact_lists.id = contact_list_id
         WHERE contacts.client_id = $1::uuid ORDER BY serial_id"
    );
    diesel::sql_query(sql)
        .bind::<Text, _>(client.to_string())
        .load::<Row>(connection)
        .unwrap()
        .into_iter()
        .map(|row| row.contact)
        .collect()
}

/// Text as people, spreadsheets and attackers write it; at most so many characters, no blanks around it.
fn odd_text(max: usize) -> impl Strategy<Value = String> {
    let odd = [
        "\"",
        "\"\"",
        "'",
        ",",
        ";",
        "\t",
        "\n",
        "\r\n",
        "\r",
        "=1+1",
        "+",
        "-",
        "@",
        "\\",
        "\\.",
        "\\N",
        "😀",
        "👩‍👩‍👧",
        "ñ",
        "\u{301}",
        "\u{202E}",
        "\u{FEFF}",
        "NULL",
        "#",
        "sep=;",
        " ",
        "a",
        "{}",
        "\u{1}",
    ];
    let piece = prop_oneof![
        proptest::sample::select(odd.to_vec()).prop_map(str::to_owned),
        "\\PC{1,6}",
    ];
    proptest::collection::vec(piece, 1..5).prop_filter_map("a text", move |pieces| {
        let text: String = pieces.concat().chars().take(max).collect();
        let text = text.trim().to_owned();
        (!text.is_empty()).then_some(text)
    })
}

fn time() -> impl Strategy<Value = chrono::DateTime<chrono::Utc>> {
    (0..1_735_689_600_000_000_i64).prop_map(|micros| chrono::DateTime::from_timestamp_micros(micros).unwrap())
}

fn contact(region: Region) -> impl Strategy<Value = ContactFields> {
    let phone = prop_oneof![
        "[0-9]{8}".prop_map(|digits| format!("011 15-{}-{}", &digits[..4], &digits[4..])),
        "[0-9]{7}".prop_map(|digits| format!("+549112{digits}")),
        "[0-9]{8}".prop_map(|digits| format!("569{digits}")),
        "[0-9]{1,20}",
        "\\+[0-9]{1,20}",
        r"[0-9]{8}@s\.whatsapp\.net",
        "[0-9]{3,9} [a-z/;\"\n] [0-9]{3,9}",
    ]
    .prop_map(move |text| StoredPhone::read(&text, region))
    .prop_filter("a phone with a digit", |phone| phone.phone.is_some());
    let texts = (
        proptest::option::of(odd_text(512)),
        proptest::option::of(odd_text(320)),
        proptest::option::of(odd_text(64)),
        odd_text(64),
        odd_text(200),
        proptest::option::of(odd_text(256)),
    );
    let times = (time(), proptest::option::of(time()), proptest::option::of(time()));
    (
        proptest::option::of(phone),
        proptest::sample::select(vec!["sms", "webchat", "=x"]),
        texts,
        times,
        any::<[bool; 2]>(),
        any::<[Option<u128>; 2]>(),
    )
        .prop_map(|(phone, platform, texts, times, flags, ids)| ContactFields {
            default_stage_id: ids[0].map(uuid::Uuid::from_u128),
            ai_customer_id: ids[1].map(uuid::Uuid::from_u128),
            name: texts.0,
            phone,
            email: texts.1,
            platform: Some(platform.to_owned()),
            source: texts.2,
            chat_status: Some(texts.3),
            blocked: Some(flags[0]),
            is_chat_read: Some(flags[1]),
            created_at: Some(times.0),
            last_message_at: times.1,
            last_inbound_at: times.2,
            contact_list: Some(texts.4),
            external_user_id: texts.5,
        })
        .prop_filter("an identity", |given| {
            given.phone.is_some() || given.email.is_some() || given.external_user_id.is_some()
        })
}

#[test]
fn an_export_that_is_imported_is_the_same_contacts() {
    let database = TestDatabase::new();
    for region in [Region::DEFAULT, "MX".parse().unwrap()] {
        TestRunner::new(ProptestConfig {
            cases: 24,
            failure_persistence: None,
            ..ProptestConfig::default()
        })
        .run(&proptest::collection::vec(contact(region), 1..20), |contacts| {
            let mut connection = database.connect();
            let source = client(&mut connection, region);
            import(&mut connection, source, Rules::default(), |staging| {
                for given in contacts {
                    staging.push(ContactDraft::new(given, staging.now()).expect("a contact"))?;
                }
                Ok::<_, StoreError>(())
            })
            .unwrap();
            let expected = rows(&mut connection, source);
            let (report, file) = export_client(&mut connection, source, ExportFormat::Import);
            let complete = ExportReport {
                contacts: expected.len() as u64,
                ..ExportReport::default()
            };
            prop_assert_eq!(report, complete);
            let target = client(&mut connection, region);
            import_file(&mut connection, target, &file);
            prop_assert_eq!(rows(&mut connection, target), expected);
            let (_, again) = export_client(&mut connection, target, ExportFormat::Import);
            prop_assert_eq!(again, file);
            Ok(())
        })
        .unwrap();
    }
}

/// Contacts of few identities, so that many share a phone or an email.
fn similar_contact() -> impl Strategy<Value = ContactFields> {
    let phones = [
        "+5491155550001",
        "+541155550001",
        "011 15-5555-0001",
        "+5491155550002",
        "123",
    ];
    let option = |values: &'static [&'static str]| proptest::option::of(proptest::sample::select(values));
    (
        contact(Region::DEFAULT),
        proptest::option::of(proptest::sample::select(phones.to_vec())),
        option(&["a@example.com", "A@example.com", "b@example.com"]),
        option(&["x", "y", "+5491155550001", "a@example.com"]),
    )
        .prop_map(|(given, phone, email, external_user_id)| ContactFields {
            phone: phone.map(|phone| StoredPhone::read(phone, Region::DEFAULT)),
            email: email.map(str::to_owned),
            external_user_id: external_user_id.map(str::to_owned),
            ..given
        })
        .prop_filter("an identity", |given| {
            given.phone.is_some() || given.email.is_some() || given.external_user_id.is_some()
        })
}

/// Writes a contact past every rule but the schema's; one whose identity is taken is left out.
fn add(connection: &mut PgConnection, client: ClientId, given: ContactFields) {
    let (platform, given) = ContactDraft::new(given, chrono::Utc::now())
        .expect("a contact")
        .into_parts();
    let list = given.contact_list.expect("a list");
    let list = clients::ensure_list(connection, client, &list).unwrap();
    let (phone, key, as_given) = given
        .phone
        .map_or((None, None, None), |it| (it.phone, it.key, Some(it.as_given)));
    diesel::sql_query(
        "INSERT INTO contacts (client_id, id, contact_list_id, name, phone, phone_key, phone_as_given, email, platform,
             external_user_id, source, chat_status, blocked, is_chat_read, default_stage_id, ai_customer_id, created_at,
             last_message_at, last_inbound_at)
         VALUES ($1, gen_random_uuid(), $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)
         ON CONFLICT DO NOTHING",
    )
    .bind::<Uuid, _>(client.as_uuid())
    .bind::<BigInt, _>(list)
    .bind::<Nullable<Text>, _>(given.name)
    .bind::<Nullable<Text>, _>(phone)
    .bind::<Nullable<Text>, _>(key)
    .bind::<Nullable<Text>, _>(as_given)
    .bind::<Nullable<Text>, _>(given.email)
    .bind::<Text, _>(platform)
    .bind::<Nullable<Text>, _>(given.external_user_id)
    .bind::<Nullable<Text>, _>(given.source)
    .bind::<Nullable<Text>, _>(given.chat_status)
    .bind::<Nullable<Bool>, _>(given.blocked)
    .bind::<Nullable<Bool>, _>(given.is_chat_read)
    .bind::<Nullable<Uuid>, _>(given.default_stage_id)
    .bind::<Nullable<Uuid>, _>(given.ai_customer_id)
    .bind::<Nullable<Timestamptz>, _>(given.created_at)
    .bind::<Nullable<Timestamptz>, _>(given.last_message_at)
    .bind::<Nullable<Timestamptz>, _>(given.last_inbound_at)
    .execute(connection)
    .unwrap();
}

#[test]
fn any_contacts_come_back_by_an_exact_import_which_changes_nothing_when_repeated() {
    let database = TestDatabase::new();
    TestRunner::new(ProptestConfig {
        cases: 32,
        failure_persistence: None,
        ..ProptestConfig::default()
    })
    .run(
        &proptest::collection::vec(prop_oneof![contact(Region::DEFAULT), similar_contact()], 1..30),
        |contacts| {
            let mut connection = database.connect();
            let source = client(&mut connection, Region::DEFAULT);
            for given in contacts {
                add(&mut connection, source, given);
            }
            let expected = rows(&mut connection, source);
            let (exported, file) = export_client(&mut connection, source, ExportFormat::Import);
            prop_assert_eq!((exported.contacts, exported.changed), (expected.len() as u64, 0));
            let target = client(&mut connection, Region::DEFAULT);
            let first = import_with(&mut connection, target, &file, true);
            prop_assert_eq!((first.created, first.read), (exported.contacts, exported.contacts));
            prop_assert_eq!(rows(&mut connection, target), expected);
            for client in [source, target] {
                let before = texts(&mut connection, client, "contacts");
                let again = import_with(&mut connection, client, &file, true);
                prop_assert_eq!((again.unchanged, again.read), (exported.contacts, exported.contacts));
                prop_assert_eq!(texts(&mut connection, client, "contacts"), before);
            }
            Ok(())
        },
    )
    .unwrap();
}

#[test]
fn the_commands_keep_two_contacts_of_one_phone_apart_where_import_is_exact() {
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
    let [_, said] = run(&["export", "--client", "From"]);
    assert_eq!(
        said,
        "2 contacts exported\n1 share their phone or email with another contact on the same platform: import would \
         merge them, but import --exact keeps them apart\n"
    );
    let [said, _] = run(&["import", "--client", "Joined"]);
    assert!(said.starts_with("2 rows read = 1 created + "), "{said}");
    let [said, _] = run(&["import", "--client", "Exact", "--exact"]);
    assert!(said.starts_with("2 rows read = 2 created + "), "{said}");
}

#[test]
fn thousands_of_contacts_come_back_in_their_order_and_no_other_clients() {
    let database = TestDatabase::new();
    let mut connection = database.connect();
    let workload = Workload {
        client: "Load".to_owned(),
        contacts: 5_000,
        small_clients: 1,
        seed: 1,
    };
    generate(&mut connection, &workload, &mut |_| {}).unwrap();
    let source = clients::find_client(&mut connection, "Load").unwrap().unwrap().id;
    let (report, file) = export_client(&mut connection, source, ExportFormat::Import);
    assert_eq!((report.contacts, report.doubles, report.changed), (5_000, 0, 0));
    let target = client(&mut connection, Region::DEFAULT);
    assert_eq!(import_file(&mut connection, target, &file), 5_000);
    assert_eq!(rows(&mut connection, target), rows(&mut connection, source));

    let empty = client(&mut connection, Region::DEFAULT);
    let (report, file) = export_client(&mut connection, empty, ExportFormat::Import);
    assert_eq!((report, file.lines().count()), (ExportReport::default(), 1));
}

#[test]
fn a_record_has_every_column_of_the_import() {
    let database = TestDatabase::new();
    let mut connection = database.connect();
    let id = client(&mut connection, Region::DEFAULT);
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
fn a_number_that_was_read_in_another_region_comes_back_as_it_is_stored() {
    let database = TestDatabase::new();
    let mut connection = database.connect();
    let id = client(&mut connection, "CL".parse().unwrap());
    // The test's contacts are read in Argentina.
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
    let target = client(&mut connection, "CL".parse().unwrap());
    import_file(&mut connection, target, &file);
    let sql = |id| {
        format!(
            "SELECT count(*) FROM contacts WHERE client_id = '{id}' AND phone_key IN ('5491123456789', '56912345678')"
        )
    };
    assert_eq!(database.count(&sql(target)), 2);
}

#[test]
fn what_import_would_change_is_counted() {
    let database = TestDatabase::new();
    let mut connection = database.connect();
    let id = client(&mut connection, Region::DEFAULT);
    let plain = Contact {
        source: Some("organic"),
        ..Contact::default()
    };
    let mut add = |contact: Contact<'_>| contact.add(&mut connection, id);
    let phone = Some("+5491123456789");
    let email = Some("ana@example.com");
    // One person, as the rules see it, in two contacts each: by phone, and by email.
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
    // On another channel they are somebody else.
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
    // What comes back in another form, or not at all.
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
fn an_export_is_of_one_moment() {
    let database = TestDatabase::new();
    let mut connection = database.connect();
    let workload = Workload {
        client: "Load".to_owned(),
        contacts: 3_000,
        small_clients: 0,
        seed: 1,
    };
    generate(&mut connection, &workload, &mut |_| {}).unwrap();
    let load = clients::find_client(&mut connection, "Load").unwrap().unwrap();
    /// Changes everything once something was written.
    struct Meddling<'d>(&'d TestDatabase, Vec<u8>);
    impl std::io::Write for Meddling<'_> {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            let lines = self.1.iter().filter(|byte| **byte == b'\n').count();
            if lines == 2 {
                diesel::sql_query("UPDATE contacts SET source = 'meddler'")
                    .execute(&mut self.0.connect())
                    .unwrap();
                diesel::sql_query("DELETE FROM contacts WHERE blocked")
                    .execute(&mut self.0.connect())
                    .unwrap();
            }
            self.1.extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut out = Meddling(&database, Vec::new());
    let report = export(&mut connection, &load, ExportFormat::Import, &mut out).unwrap();
    assert_eq!(report.contacts, 3_000);
    assert!(!String::from_utf8(out.1).unwrap().contains("meddler"));
    assert!(database.count("SELECT count(*) FROM contacts WHERE source = 'meddler'") > 2_800);
}

#[test]
fn the_command_writes_to_its_output_or_a_file_and_ends_quietly_where_nobody_reads_on() {
    let database = TestDatabase::new();
    let workload = Workload {
        client: "Load".to_owned(),
        contacts: 20_000,
        small_clients: 0,
        seed: 1,
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
    let mut said = String::new();
    head.stderr.take().unwrap().read_to_string(&mut said).unwrap();
    assert_eq!((head.wait().unwrap().code(), said.as_str()), (Some(0), ""));
}
