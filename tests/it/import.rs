//! Importing files, through the library against the real PostgreSQL.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Read};
use std::time::Duration;

use contact_search::domain::client::DEFAULT_LIST;
use contact_search::domain::phone::Region;
use contact_search::store::PgConnection;
use contact_search::store::clients::{self, Client};
use contact_search::transfer::ColumnChoice;
use contact_search::transfer::import::{Event, Import, ImportError, ImportOptions, ImportReport, Rejection};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Nullable, Text};
use proptest::prelude::*;

use crate::support::database::TestDatabase;

/// A database with a client to import into.
struct Intake {
    database: TestDatabase,
    connection: PgConnection,
    client: Client,
}

impl Intake {
    fn new() -> Self {
        let database = TestDatabase::new();
        let mut connection = database.connect();
        let client = make_client(&mut connection, "Acme");
        Self {
            database,
            connection,
            client,
        }
    }

    fn import(&mut self, file: impl AsRef<[u8]>) -> Result<ImportReport, ImportError> {
        self.import_with(file.as_ref(), &[], &ImportOptions::default())
    }

    fn import_with(
        &mut self,
        file: impl Read,
        columns: &[&str],
        options: &ImportOptions,
    ) -> Result<ImportReport, ImportError> {
        import(&mut self.connection, &self.client, file, columns, options)
    }

    /// Asks for one text.
    fn ask(&mut self, sql: &str) -> String {
        ask(&mut self.connection, sql)
    }

    /// Everything that is stored about contacts and lists, ids and times of change included.
    fn dump(&mut self) -> String {
        self.ask(
            "SELECT coalesce((SELECT string_agg(contacts::text, E'\n' ORDER BY client_id, serial_id) FROM contacts), '')
                 || coalesce((SELECT string_agg(contact_lists::text, E'\n' ORDER BY client_id, id) FROM contact_lists), '')",
        )
    }

    /// The contacts in the order of their serial ids, one a line: the columns joined by blanks, `-` for null.
    fn contacts(&mut self, columns: &str) -> String {
        let columns: Vec<String> = columns
            .split(' ')
            .map(|it| format!("coalesce({it}::text, '-')"))
            .collect();
        let columns = columns.join(" || ' ' || ");
        self.ask(&format!(
            "SELECT coalesce(string_agg({columns}, E'\n' ORDER BY serial_id), '') FROM contacts"
        ))
    }

    /// Imports a file that is refused, and holds that nothing was written.
    fn refuse(&mut self, file: impl AsRef<[u8]>) -> ImportError {
        let before = self.dump();
        let error = self.import(file).expect_err("the file is refused");
        assert_eq!(self.dump(), before);
        error
    }

    /// The line, column and reason of each row that is refused.
    fn rejections(&mut self, file: &str) -> Vec<Rejection> {
        let mut rejections = Vec::new();
        let import = Import::open(file.as_bytes(), ImportOptions::default()).unwrap();
        let error = import
            .run(&mut self.connection, &self.client, &mut |event| {
                if let Event::Rejected(rejection) = event {
                    rejections.push(rejection);
                }
            })
            .expect_err("the file is refused");
        match error {
            ImportError::Rejected { rejected, .. } => assert_eq!(rejected, rejections.len() as u64),
            error => panic!("not for its rows: {error}"),
        }
        rejections
    }
}

fn make_client(connection: &mut PgConnection, name: &str) -> Client {
    clients::create_client(connection, name, Region::DEFAULT).unwrap();
    clients::find_client(connection, name).unwrap().unwrap()
}

fn import(
    connection: &mut PgConnection,
    client: &Client,
    file: impl Read,
    columns: &[&str],
    options: &ImportOptions,
) -> Result<ImportReport, ImportError> {
    let options = ImportOptions {
        columns: choices(columns),
        ..options.clone()
    };
    let report = Import::open(file, options)?.run(connection, client, &mut |_| {})?;
    let sum = report.created + report.updated + report.unchanged + report.merged + report.rejected;
    assert_eq!(report.read, sum, "{report}");
    Ok(report)
}

fn choices(columns: &[&str]) -> Vec<ColumnChoice> {
    columns.iter().map(|it| it.parse().unwrap()).collect()
}

fn ask(connection: &mut PgConnection, sql: &str) -> String {
    #[derive(QueryableByName)]
    struct Answer {
        #[diesel(sql_type = Nullable<Text>)]
        answer: Option<String>,
    }
    let answer: Answer = sql_query(format!("SELECT ({sql})::text AS answer"))
        .get_result(connection)
        .unwrap_or_else(|error| panic!("{sql}: {error}"));
    answer.answer.unwrap_or_default()
}

/// `created updated unchanged merged rejected`
fn counts(report: &ImportReport) -> [u64; 5] {
    [
        report.created,
        report.updated,
        report.unchanged,
        report.merged,
        report.rejected,
    ]
}

fn skipping() -> ImportOptions {
    ImportOptions {
        skip_bad_rows: true,
        ..ImportOptions::default()
    }
}

const FAKE_1000: &[u8] = include_bytes!("../data/fake_1000.csv");

#[test]
fn a_thousand_rows_with_an_external_id_are_a_thousand_contacts() {
    let mut intake = Intake::new();
    let columns = ["name=first_name,surname", "external_user_id=unique_id"];
    let options = ImportOptions::default();
    let report = intake.import_with(FAKE_1000, &columns, &options).unwrap();
    assert_eq!(counts(&report), [1000, 0, 0, 0, 0]);
    assert_eq!(
        intake.ask("SELECT string_agg(name, '|' ORDER BY serial_id) FROM contacts WHERE email = 'hannah88@powers.com'"),
        "Julia|Julia Taylor|Julia Taylor"
    );
    let before = intake.dump();
    let report = intake.import_with(FAKE_1000, &columns, &options).unwrap();
    assert_eq!(counts(&report), [0, 0, 1000, 0, 0]);
    assert_eq!(intake.dump(), before);
}

#[test]
fn without_the_external_id_rows_with_one_email_are_one_contact() {
    let mut intake = Intake::new();
    let columns = ["name=first_name,surname"];
    let empty = intake.dump();
    let error = intake
        .import_with(FAKE_1000, &columns, &ImportOptions::default())
        .unwrap_err();
    let ImportError::Rejected { read, rejected } = error else {
        panic!("{error}");
    };
    assert_eq!((read, rejected), (1000, 112));
    assert_eq!(intake.dump(), empty);

    let report = intake.import_with(FAKE_1000, &columns, &skipping()).unwrap();
    assert_eq!(counts(&report), [336, 0, 0, 552, 112]);
    let before = intake.dump();
    let report = intake.import_with(FAKE_1000, &columns, &skipping()).unwrap();
    assert_eq!(counts(&report), [0, 0, 336, 552, 112]);
    assert_eq!(intake.dump(), before);
}

#[test]
fn what_was_recognised_is_known_before_a_row_is_read() {
    let options = ImportOptions {
        columns: choices(&["name=first_name,surname", "external_user_id=unique_id"]),
        ..ImportOptions::default()
    };
    let import = Import::open(FAKE_1000, options).unwrap();
    assert_eq!(
        import.mapping().to_string(),
        "  name             from first_name, surname\n  email            from email\n  \
         external_user_id from unique_id\n  ignored: dob, city, cluster\n"
    );
}

#[test]
fn every_column_is_stored() {
    let mut intake = Intake::new();
    let file = "name;phone;email;platform;source;chat_status;blocked;is_chat_read;created_at;last_message_at;\
                last_inbound_at;contact_list;external_user_id;stage_id;ai_customer_id\n\
                Ana;+5491155550001;Ana@Example.com;whatsapp;ads;CLOSED;sí;no;2024-01-02;2024-03-04 05:06;\
                2024-03-04T05:07:08.5-03:00;VIP;x-1;0198C0DE-0000-7000-8000-00000000000A;0198c0de-0000-7000-8000-00000000000b\n";
    assert_eq!(counts(&intake.import(file).unwrap()), [1, 0, 0, 0, 0]);
    let columns = "name phone phone_key email platform source chat_status blocked is_chat_read created_at \
                   last_message_at last_inbound_at external_user_id default_stage_id ai_customer_id";
    let row = intake.contacts(columns);
    assert!(row.starts_with("Ana +5491155550001 "), "{row}");
    assert!(
        row.ends_with(
            "Ana@Example.com whatsapp ads CLOSED true false 2024-01-02 00:00:00+00 2024-03-04 08:07:08.5+00 \
             2024-03-04 08:07:08.5+00 x-1 \
             0198c0de-0000-7000-8000-00000000000a 0198c0de-0000-7000-8000-00000000000b"
        ),
        "{row}"
    );
    assert_eq!(
        intake.ask("SELECT string_agg(name, ',' ORDER BY id) FROM contact_lists"),
        format!("{DEFAULT_LIST},VIP")
    );
    assert_eq!(
        intake.ask("SELECT l.name FROM contacts c JOIN contact_lists l ON l.id = c.contact_list_id"),
        "VIP"
    );
}

#[test]
fn what_a_file_leaves_out_has_its_default() {
    let mut intake = Intake::new();
    intake.import("email,name\na@example.com,\n").unwrap();
    assert_eq!(
        intake.contacts("name phone platform source chat_status blocked is_chat_read last_message_at"),
        "- - other csv_import UNATTENDED false true -"
    );
    assert_eq!(
        intake.ask("SELECT l.name FROM contacts c JOIN contact_lists l ON l.id = c.contact_list_id"),
        DEFAULT_LIST
    );
    assert_eq!(
        intake.ask("SELECT created_at = updated_at AND created_at > now() - interval '1 minute' FROM contacts"),
        "true"
    );
}

#[test]
fn a_blank_source_is_none_where_the_file_has_a_column_for_it() {
    let mut intake = Intake::new();
    let file = "email,source\na@example.com,\nb@example.com,ads\n";
    intake.import(file).unwrap();
    assert_eq!(intake.contacts("email source"), "a@example.com -\nb@example.com ads");
    let report = intake
        .import("email,source\na@example.com,shop\nb@example.com,\n")
        .unwrap();
    assert_eq!(counts(&report), [0, 1, 1, 0, 0]);
    assert_eq!(
        intake.contacts("email source"),
        "a@example.com shop\nb@example.com ads",
        "a known contact keeps what it has"
    );
}

#[test]
fn options_fill_blank_cells() {
    let mut intake = Intake::new();
    let options = ImportOptions {
        list: Some("Fair".into()),
        platform: Some("sms".into()),
        ..ImportOptions::default()
    };
    let file = "email,platform,contact_list\na@example.com,,\nb@example.com,webchat,VIP\n";
    intake.import_with(file.as_bytes(), &[], &options).unwrap();
    assert_eq!(
        intake.ask(
            "SELECT string_agg(email || ' ' || platform || ' ' || l.name, ', ' ORDER BY serial_id)
             FROM contacts c JOIN contact_lists l ON l.id = c.contact_list_id"
        ),
        "a@example.com sms Fair, b@example.com webchat VIP"
    );
    for options in [
        ImportOptions {
            list: Some(" ".into()),
            ..ImportOptions::default()
        },
        ImportOptions {
            platform: Some("x".repeat(65)),
            ..ImportOptions::default()
        },
    ] {
        let error = intake
            .import_with("email\na@example.com".as_bytes(), &[], &options)
            .unwrap_err();
        assert!(matches!(error, ImportError::Length(..)), "{error}");
    }
}

#[test]
fn files_come_with_any_delimiter_line_end_and_byte_order_mark() {
    for file in [
        "name,email\nÑandú,a@example.com\nB,b@example.com",
        "name;email\r\nÑandú;a@example.com\r\n\r\nB;b@example.com\r\n",
        "\u{feff}name\temail\nÑandú\ta@example.com\nB\tb@example.com\n\t\n",
        "\u{feff}\"name\",\"email\"\r\n\"Ñandú\",\"a@example.com\"\r\n B , b@example.com \r\n,\r\n",
    ] {
        let mut intake = Intake::new();
        assert_eq!(counts(&intake.import(file).unwrap()), [2, 0, 0, 0, 0], "{file:?}");
        assert_eq!(
            intake.contacts("name email"),
            "Ñandú a@example.com\nB b@example.com",
            "{file:?}"
        );
    }
}

#[test]
fn quoted_cells_may_hold_anything() {
    let mut intake = Intake::new();
    intake
        .import("name,email\n\"Ana\n\"\"la, 1ª\"\"\",a@example.com\n")
        .unwrap();
    assert_eq!(intake.contacts("name"), "Ana\n\"la, 1ª\"");
}

#[test]
fn spreadsheet_formulas_stay_text() {
    let mut intake = Intake::new();
    let file = "name,email,source\n=cmd|'/c calc'!A1,+a@example.com,@SUM(1)\n";
    assert_eq!(counts(&intake.import(file).unwrap()), [1, 0, 0, 0, 0]);
    assert_eq!(
        intake.contacts("name email source"),
        "=cmd|'/c calc'!A1 +a@example.com @SUM(1)"
    );
}

#[test]
fn characters_that_copy_gives_a_meaning_stay_text() {
    let mut intake = Intake::new();
    intake
        .import("name,email\n\"\\N \\. \t \\\\\",a@example.com\n")
        .unwrap();
    assert_eq!(intake.contacts("name"), "\\N \\. \t \\\\");
}

#[test]
fn a_header_without_rows_is_a_file_without_contacts() {
    let mut intake = Intake::new();
    let report = intake.import("phone,email\n").unwrap();
    assert_eq!(counts(&report), [0; 5]);
    assert_eq!(
        report.to_string(),
        "0 rows read = 0 created + 0 updated + 0 unchanged + 0 merged within the file + 0 rejected"
    );
}

#[test]
fn a_broken_file_is_refused_with_its_line_and_what_to_do() {
    let utf16 = |bytes: fn(u16) -> [u8; 2]| -> Vec<u8> {
        "\u{feff}email\na@example.com\n"
            .encode_utf16()
            .flat_map(bytes)
            .collect()
    };
    let without_mark = utf16(u16::to_le_bytes)[2..].to_vec();
    for (file, expected) in [
        (Vec::new(), "the file is empty: its first line must name the columns"),
        (
            utf16(u16::to_le_bytes),
            "line 1: the file is UTF-16, which is not read: save it as “CSV UTF-8”",
        ),
        (
            utf16(u16::to_be_bytes),
            "line 1: the file is UTF-16, which is not read: save it as “CSV UTF-8”",
        ),
        (
            without_mark,
            "line 1: the text holds a NUL byte: save the file as “CSV UTF-8”",
        ),
        (
            b"PK\x03\x04\x14\0".to_vec(),
            "line 1: the file is a workbook or an archive, not text: save it as “CSV UTF-8”",
        ),
        (
            b"email,name\na@example.com,A\nb@example.com,Mu\xf1oz\n".to_vec(),
            "line 3: the text is not UTF-8: save the file as “CSV UTF-8”",
        ),
        (
            b"email,name\na@example.com,\"A\n\0\"\n".to_vec(),
            "line 3: the text holds a NUL byte: save the file as “CSV UTF-8”",
        ),
        (
            b"email,name\na@example.com,A\nb@example.com,\"B\nc@example.com,C\n".to_vec(),
            "line 3: a quote opens in the record that begins here and is never closed",
        ),
    ] {
        assert_eq!(Intake::new().refuse(file).to_string(), expected);
    }
}

#[test]
fn a_header_that_is_not_understood_is_refused() {
    let mut intake = Intake::new();
    for (file, expected) in [
        (
            "name,dob\nA,1\n",
            "no column is recognised as phone, email or external_user_id",
        ),
        (
            "a@example.com,+5491155550001\n",
            "line 1 seems to contain a contact: the first line must name the columns",
        ),
        ("email,email\na,b\n", "the file has several columns “email”"),
        (
            "mobile,whatsapp\n1,2\n",
            "the columns mobile, whatsapp could all be phone",
        ),
    ] {
        let error = intake.refuse(file).to_string();
        assert!(error.starts_with(expected), "{error}");
    }
    let error = intake
        .import_with("email\n".as_bytes(), &["phone=cell"], &ImportOptions::default())
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "the file has no column “cell”: its columns are email"
    );
}

#[test]
fn each_bad_row_is_told_by_line_column_and_reason() {
    let mut intake = Intake::new();
    let long = |count| "x".repeat(count);
    let time = "the time can't be read: write it as 2024-12-31 or 2024-12-31T23:59:59Z";
    let identity = "an external id, a phone with digits, or an email is needed";
    for (header, row, column, reason) in [
        ("Correo", "  ", None, None),
        ("Correo,x", ",1", Some("Correo"), Some(identity)),
        ("email,Teléfono", ",no tiene", Some("Teléfono, email"), Some(identity)),
        (
            "email,name",
            "a",
            None,
            Some("the row has 1 cells, but the header has 2"),
        ),
        (
            "email,name",
            "a,b,c",
            None,
            Some("the row has 3 cells, but the header has 2"),
        ),
        ("email,created_at", "a,31/12/2024", Some("created_at"), Some(time)),
        ("email,created_at", "a,45657", Some("created_at"), Some(time)),
        (
            "email,Last Message",
            "a,2999-01-01",
            Some("Last Message"),
            Some("the time is in the future"),
        ),
        (
            "email,last_inbound_at",
            "a,2999-01-01T00:00:00Z",
            Some("last_inbound_at"),
            Some("the time is in the future"),
        ),
        (
            "email,created_at",
            "a,0000-01-01T00:00:00Z",
            Some("created_at"),
            Some("the time is before the year 1"),
        ),
        (
            "email,blocked",
            "a,maybe",
            Some("blocked"),
            Some("it is neither true nor false"),
        ),
        (
            "email,stage_id",
            "a,0198c0de00007000800000000000000a",
            Some("stage_id"),
            Some("it is not a UUID: write it as 0198c0de-0000-7000-8000-000000000000"),
        ),
        (
            "email,name",
            &format!("a,{}", long(513)),
            Some("name"),
            Some("it has more than 512 characters"),
        ),
        (
            "email,platform",
            &format!("a,{}", long(65)),
            Some("platform"),
            Some("it has more than 64 characters"),
        ),
        (
            "email,source",
            &format!("a,{}", long(65)),
            Some("source"),
            Some("it has more than 64 characters"),
        ),
        (
            "email,chat_status",
            &format!("a,{}", long(65)),
            Some("chat_status"),
            Some("it has more than 64 characters"),
        ),
        (
            "email,list",
            &format!("a,{}", long(201)),
            Some("list"),
            Some("it has more than 200 characters"),
        ),
        (
            "email,x",
            &format!("{},", long(321)),
            Some("email"),
            Some("it has more than 320 characters"),
        ),
        (
            "external_id,x",
            &format!("{},", long(257)),
            Some("external_id"),
            Some("it has more than 256 characters"),
        ),
        (
            "phone,x",
            &format!("{},", "1".repeat(257)),
            Some("phone"),
            Some("it has more than 256 characters"),
        ),
    ] {
        let good = vec!["9"; header.split(',').count() - 1];
        let first = [vec!["good@example.com"], vec![""; good.len()]].concat().join(",");
        let file = format!("{header}\n{first}\n\n{row}\n");
        let Some(reason) = reason else {
            assert_eq!(counts(&intake.import(&file).unwrap()), [1, 0, 0, 0, 0]);
            continue;
        };
        let expected = Rejection {
            line: 4,
            column: column.map(str::to_owned),
            reason: reason.to_owned(),
        };
        let file = file.replace("phone,x\ngood@example.com", "phone,x\n+5491155550001");
        assert_eq!(intake.rejections(&file), [expected], "{header}");
    }
}

#[test]
fn the_longest_values_that_are_promised_fit() {
    let mut intake = Intake::new();
    let text = |count| "ñ".repeat(count);
    let file = format!(
        "name,email,platform,source,chat_status,list,external_id,phone,created_at\n{},{},{},{},{},{},{},{},0001-01-01\n",
        text(512),
        text(320),
        text(64),
        text(64),
        text(64),
        text(200),
        text(256),
        "1".repeat(256)
    );
    assert_eq!(counts(&intake.import(file).unwrap()), [1, 0, 0, 0, 0]);
    assert_eq!(
        intake.contacts("platform source chat_status"),
        [text(64), text(64), text(64)].join(" ")
    );
}

#[test]
fn a_reason_never_repeats_what_the_row_says() {
    let mut intake = Intake::new();
    let file = "email,blocked,created_at\ncanary@example.com,canary,\ncanary@example.com,,canary\ncanary,canary,canary,canary\n";
    let rejections = intake.rejections(file);
    assert_eq!(rejections.len(), 3);
    assert!(!format!("{rejections:?}").contains("canary"), "{rejections:?}");
    let error = intake.refuse(file);
    assert!(!format!("{error} {error:?}").contains("canary"), "{error}");
}

#[test]
fn every_bad_row_is_told() {
    let mut intake = Intake::new();
    let file = format!("email,name\n{}", "a@example.com,A\n,B\n".repeat(3000));
    let rejections = intake.rejections(&file);
    let lines: Vec<u64> = rejections.iter().map(|it| it.line).collect();
    assert_eq!(lines, (3..=6001).step_by(2).collect::<Vec<_>>());
    assert_eq!(
        rejections[2999].to_string(),
        "line 6001, column email: an external id, a phone with digits, or an email is needed"
    );
    assert_eq!(
        intake.refuse(&file).to_string(),
        "3000 of 6000 rows can't be imported, so nothing was written: correct them, or skip them with \
         --skip-bad-rows"
    );
    let report = intake.import_with(file.as_bytes(), &[], &skipping()).unwrap();
    assert_eq!(counts(&report), [1, 0, 0, 2999, 3000]);
}

#[test]
fn lines_are_counted_whatever_ends_them() {
    let mut intake = Intake::new();
    for file in [
        "sep=;\rx;email\r1;\r",
        "sep=;\r\nx;email\r\n1;\r\n",
        "\n\nx;email\r\r1;",
    ] {
        let lines: Vec<u64> = intake.rejections(file).iter().map(|it| it.line).collect();
        let expected = if file.starts_with("sep") { 3 } else { 5 };
        assert_eq!(lines, [expected], "{file:?}");
    }
}

#[test]
fn phones_that_are_no_number_are_kept_and_counted() {
    let mut intake = Intake::new();
    let file = "phone,email\n+5491155550001,\n123,\nno tiene,a@example.com\n";
    let report = intake.import(file).unwrap();
    assert_eq!(counts(&report), [3, 0, 0, 0, 0]);
    assert_eq!(report.phones_unresolved, 2);
    assert!(
        report.to_string().ends_with("\n2 phones are not valid numbers"),
        "{report}"
    );
    assert_eq!(
        intake.contacts("phone phone_as_given email"),
        "+5491155550001 +5491155550001 -\n123 123 -\n- - a@example.com"
    );
    let report = intake.import("phone\n123\n").unwrap().to_string();
    assert!(report.ends_with("\n1 phone is not a valid number"), "{report}");
}

#[test]
fn rows_of_different_emails_that_a_phone_which_is_no_number_makes_one_contact_are_told() {
    for (phone, others) in [("5.49112E+12", "5,49112E+12"), ("0", "-0-"), ("N/A 0", "0")] {
        let mut intake = Intake::new();
        let file = format!(
            "phone;email\n{phone};a@example.com\n{others};b@example.com\n{phone};\n{phone};c@example.com\n\
             +5491155550001;d@example.com\n+5491155550001;e@example.com\n"
        );
        let report = intake.import(&file).unwrap();
        assert_eq!((counts(&report), report.doubtful), ([2, 0, 0, 4, 0], 3), "{phone}");
        assert!(
            report.to_string().ends_with(
                "\n4 phones are not valid numbers\n3 rows share such a phone with a contact of another email: \
                 contacts with the same phone were merged, so check the phone column (a spreadsheet may have damaged \
                 it)"
            ),
            "{report}"
        );
        assert_eq!(intake.import(&file).unwrap().doubtful, 3, "{phone}: again");
    }
}

#[test]
fn a_contact_of_another_email_that_a_phone_which_is_no_number_leads_to_is_told() {
    let mut intake = Intake::new();
    let mut doubtful = |file: &str| {
        let report = intake.import(file).unwrap();
        (report.doubtful, report.to_string())
    };
    assert_eq!(doubtful("phone,email\n123,a@example.com\n").0, 0, "it is new");
    assert_eq!(
        doubtful("phone,email\n123,A@Example.com\n123,\n").0,
        0,
        "only the case differs"
    );
    let (count, report) = doubtful("phone,email\n123,b@example.com\n");
    assert_eq!(count, 1);
    assert!(report.contains("\n1 row shares such a phone"), "{report}");
    let adopting = "external_id,phone,email\nx,123,c@example.com\n";
    assert_eq!(doubtful(adopting).0, 1, "it is adopted");
    let by_its_id = "external_id,phone,email\nx,123,d@example.com\n";
    assert_eq!(doubtful(by_its_id).0, 0, "the external id led there");
    let both = "external_id,phone,email\ny,456,a@example.com\n,456,b@example.com\n,789,c@example.com\n";
    assert_eq!(doubtful(both).0, 1, "the phone led to a row with an external id");
    let channels = "platform,phone,email\nsms,000,a@example.com\nwebchat,000,b@example.com\n";
    assert_eq!(doubtful(channels).0, 0, "on another channel it is another contact");
}

#[test]
fn blank_cells_leave_what_is_there_and_times_only_move_forward() {
    let mut intake = Intake::new();
    let header = "external_id,name,phone,email,source,chat_status,blocked,is_chat_read,created_at,last_message_at,last_inbound_at,list,default_stage_id,ai_customer_id\n";
    let columns = "name phone email source chat_status blocked is_chat_read created_at last_message_at last_inbound_at \
                   default_stage_id ai_customer_id";
    let [one, two] = [1, 2].map(|number| uuid::Uuid::from_u128(number).to_string());
    let first = format!(
        "1,Ana,+5491155550001,a@example.com,ads,OPEN,true,false,2024-01-01,2024-02-02,2024-02-01,VIP,{one},{two}\n"
    );
    intake.import(format!("{header}{first}")).unwrap();
    let before = intake.dump();
    let report = intake
        .import(format!("{header}1,,,,,,,,2020-01-01,2024-01-01,2024-01-01,,,\n"))
        .unwrap();
    assert_eq!(counts(&report), [0, 0, 1, 0, 0]);
    assert_eq!(intake.dump(), before);

    let report = intake.import(format!(
        "{header}1,Eva,+5491155550002,e@example.com,shop,CLOSED,no,yes,,2024-01-01,2024-03-03,,{two},{one}\n"
    ));
    assert_eq!(counts(&report.unwrap()), [0, 1, 0, 0, 0]);
    assert_eq!(
        intake.contacts(columns),
        format!(
            "Eva +5491155550002 e@example.com shop CLOSED false true 2024-01-01 00:00:00+00 2024-03-03 00:00:00+00 \
             2024-03-03 00:00:00+00 {two} {one}"
        )
    );
    assert_eq!(intake.ask("SELECT updated_at > created_at FROM contacts"), "true");
    assert_eq!(
        intake.ask("SELECT l.name FROM contacts c JOIN contact_lists l ON l.id = c.contact_list_id"),
        "VIP"
    );
}

#[test]
fn within_a_file_the_last_row_that_says_something_wins() {
    let mut intake = Intake::new();
    let file = "phone,name,email,created_at,last_message_at\n\
                +5491155550001,Ana,a@example.com,2024-02-02,2024-05-05\n\
                +5491155550002,Bea,,,\n\
                +5491155550001,Eva,,2024-01-01,2024-04-04\n\
                +5491155550001,,e@example.com,2024-03-03,\n";
    assert_eq!(counts(&intake.import(file).unwrap()), [2, 0, 0, 2, 0]);
    assert_eq!(
        intake.contacts("phone name email last_message_at"),
        "+5491155550001 Eva e@example.com 2024-05-05 00:00:00+00\n+5491155550002 Bea - -"
    );
    assert_eq!(
        intake.ask("SELECT created_at FROM contacts ORDER BY serial_id LIMIT 1"),
        "2024-01-01 00:00:00+00"
    );
}

#[test]
fn serial_ids_follow_the_file() {
    let mut intake = Intake::new();
    let file = "external_id,phone,email\n,,z@example.com\n9,,\n,+5491155550001,\n1,,\n,,a@example.com\n";
    intake.import(file).unwrap();
    assert_eq!(
        intake.contacts("external_user_id phone email"),
        "- - z@example.com\n9 - -\n- +5491155550001 -\n1 - -\n- - a@example.com"
    );
    assert_eq!(
        intake.ask("SELECT array_agg(id ORDER BY serial_id) = array_agg(id ORDER BY id) FROM contacts"),
        "true"
    );
}

#[test]
fn an_unknown_external_id_adopts_the_contact_with_the_phone() {
    let mut intake = Intake::new();
    intake.import("phone,name\n+5491155550001,Ana\n").unwrap();
    let id = intake.contacts("id serial_id");
    let file = "external_id,phone,name\nx,+5491155550001,\ny,+5491155550001,Eva\n";
    assert_eq!(counts(&intake.import(file).unwrap()), [1, 1, 0, 0, 0]);
    assert_eq!(
        intake.contacts("external_user_id phone name"),
        "x +5491155550001 Ana\ny +5491155550001 Eva"
    );
    assert!(intake.contacts("id serial_id").starts_with(&id));
    let before = intake.dump();
    assert_eq!(counts(&intake.import(file).unwrap()), [0, 0, 2, 0, 0]);
    assert_eq!(intake.dump(), before);
}

#[test]
fn an_exact_import_adopts_and_joins_nothing() {
    let mut intake = Intake::new();
    let exact = ImportOptions {
        exact: true,
        ..ImportOptions::default()
    };
    intake
        .import("external_id,phone,email\n,+5491155550001,a@example.com\ny,+5491155550002,b@example.com\n")
        .unwrap();
    let file = "external_id,phone,email,name\nx,+5491155550001,,Ana\n,+5491155550002,,Bea\n,,a@example.com,Eva\n\
                ,,A@example.com,Eve\n,+5491155550001,,Ida\n";
    let report = intake.import_with(file.as_bytes(), &[], &exact).unwrap();
    assert_eq!(counts(&report), [3, 1, 0, 1, 0]);
    assert_eq!(
        intake.contacts("external_user_id phone email name"),
        "- +5491155550001 a@example.com Ida\n\
         y +5491155550002 b@example.com -\n\
         x +5491155550001 - Ana\n\
         - +5491155550002 - Bea\n\
         - - A@example.com Eve"
    );
    let before = intake.dump();
    let report = intake.import_with(file.as_bytes(), &[], &exact).unwrap();
    assert_eq!(counts(&report), [0, 0, 4, 1, 0]);
    assert_eq!(intake.dump(), before);
}

#[test]
fn another_channel_is_another_contact() {
    let mut intake = Intake::new();
    intake.import("phone,platform\n+5491155550001,whatsapp\n").unwrap();
    let file = "phone,platform,external_id\n+5491155550001,sms,\n+5491155550001,instagram,x\n";
    assert_eq!(counts(&intake.import(file).unwrap()), [2, 0, 0, 0, 0]);
    assert_eq!(
        intake.contacts("platform external_user_id"),
        "whatsapp -\nsms -\ninstagram x"
    );
}

#[test]
fn a_row_without_external_id_updates_the_oldest_contact_with_the_phone() {
    let mut intake = Intake::new();
    let file = "external_id,phone,created_at\nnew,+5491155550001,2024-02-02\nold,+5491155550001,2024-01-01\n";
    intake.import(file).unwrap();
    assert_eq!(
        counts(&intake.import("phone,name\n+5491155550001,Ana\n").unwrap()),
        [0, 1, 0, 0, 0]
    );
    assert_eq!(intake.contacts("external_user_id name"), "new -\nold Ana");
}

#[test]
fn a_row_with_an_email_alone_updates_the_oldest_contact_with_the_email() {
    let mut intake = Intake::new();
    let file = "external_id,phone,email,created_at\n\
                x,,ana@example.com,2024-02-02\n,+5491155550001,Ana@Example.com,2024-01-01\n";
    intake.import(file).unwrap();
    let report = intake.import("email,name\nANA@example.com,Ana\n").unwrap();
    assert_eq!(counts(&report), [0, 1, 0, 0, 0]);
    assert_eq!(
        intake.contacts("external_user_id name email"),
        "x - ana@example.com\n- Ana ANA@example.com"
    );
}

#[test]
fn rows_find_contacts_as_the_file_leaves_them() {
    let mut intake = Intake::new();
    intake
        .import("external_id,phone,email\nx,+5491155550001,old@example.com\n")
        .unwrap();
    // The first two rows come before the one that changes the contact's phone and email.
    let file = "external_id,phone,email,name\n\
                ,+5491155550001,,former phone\n\
                ,,old@example.com,former email\n\
                x,+5491155550002,new@example.com,\n\
                ,+5491155550002,,new phone\n\
                ,,NEW@example.com,new email\n";
    assert_eq!(counts(&intake.import(file).unwrap()), [2, 1, 0, 2, 0]);
    assert_eq!(
        intake.contacts("external_user_id phone email name"),
        "x +5491155550002 NEW@example.com new email\n- +5491155550001 - former phone\n- - old@example.com former email"
    );
    let before = intake.dump();
    assert_eq!(counts(&intake.import(file).unwrap()), [0, 0, 3, 2, 0]);
    assert_eq!(intake.dump(), before);
}

#[test]
fn another_clients_contacts_with_the_same_identities_stay_untouched() {
    let mut intake = Intake::new();
    let file = "external_id,phone,email,list\nx,,,VIP\n,+5491155550001,,VIP\n,,a@example.com,VIP\n";
    intake.import(file).unwrap();
    let before = intake.dump();
    let other = make_client(&mut intake.connection, "Beta");
    let file = format!("{file}y,+5491155550001,,\n").replace("VIP", "Other");
    let report = import(
        &mut intake.connection,
        &other,
        file.as_bytes(),
        &[],
        &ImportOptions::default(),
    )
    .unwrap();
    assert_eq!(counts(&report), [3, 0, 0, 1, 0]);
    sql_query("DELETE FROM contacts WHERE client_id = $1")
        .bind::<diesel::sql_types::Uuid, _>(other.id.as_uuid())
        .execute(&mut intake.connection)
        .unwrap();
    sql_query("DELETE FROM clients WHERE name = 'Beta'")
        .execute(&mut intake.connection)
        .unwrap();
    assert_eq!(intake.dump(), before);
}

/// Fails after so many bytes.
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
fn a_file_that_breaks_off_leaves_nothing_and_goes_in_later() {
    let mut intake = Intake::new();
    let file = generate(5000);
    let before = intake.dump();
    let cut = CutOff(&file.as_bytes()[..file.len() / 2]);
    let error = intake.import_with(cut, &[], &ImportOptions::default()).unwrap_err();
    assert!(matches!(error, ImportError::Read(_)), "{error}");
    assert_eq!(intake.dump(), before);
    assert_eq!(intake.import(&file).unwrap().read, 5000);
}

#[test]
fn an_import_whose_connection_is_killed_leaves_nothing() {
    let mut intake = Intake::new();
    let file = generate(5000);
    let before = intake.dump();
    for moment in ["reading", "merging"] {
        let mut connection = intake.database.connect();
        let process = ask(&mut connection, "pg_backend_pid()");
        let kill = &mut |event| {
            let now = match event {
                Event::Read(_) => "reading",
                Event::Merging => "merging",
                Event::Rejected(_) | Event::Done => "another",
            };
            if now == moment {
                ask(&mut intake.connection, &format!("pg_terminate_backend({process})"));
            }
        };
        let import = Import::open(file.as_bytes(), ImportOptions::default()).unwrap();
        let error = import.run(&mut connection, &intake.client, kill).unwrap_err();
        assert!(matches!(error, ImportError::Store(_)), "{error:?}");
        drop(connection);
        assert_eq!(intake.dump(), before, "{moment}");
    }
    assert_eq!(intake.import(&file).unwrap().read, 5000);
}

/// Lets another writer do something that the import runs into before it is committed.
fn while_another_writes(sql: &str, file: &str, intake: &mut Intake) -> ImportReport {
    let mut writer = intake.database.connect();
    writer.batch_execute(&format!("BEGIN; {sql}")).unwrap();
    let mut importer = intake.database.connect();
    let process = ask(&mut importer, "pg_backend_pid()");
    let client = intake.client.clone();
    std::thread::scope(|scope| {
        let import = scope
            .spawn(move || import(&mut importer, &client, file.as_bytes(), &[], &ImportOptions::default()).unwrap());
        let waits = format!("SELECT count(*) FROM pg_locks WHERE NOT granted AND pid = {process}");
        while intake.ask(&waits) == "0" {
            assert!(!import.is_finished(), "the import runs into the other writer");
            std::thread::sleep(Duration::from_millis(10));
        }
        writer.batch_execute("COMMIT").unwrap();
        import.join().unwrap()
    })
}

#[test]
fn a_contact_that_another_writer_makes_meanwhile_is_updated() {
    let mut intake = Intake::new();
    let sql = format!(
        "INSERT INTO contacts (client_id, id, contact_list_id, phone, phone_key, phone_as_given)
         SELECT client_id, gen_random_uuid(), id, '+5491155550001', '541155550001', '+5491155550001'
         FROM contact_lists WHERE client_id = '{}'",
        intake.client.id
    );
    let file = "phone,name\n+5491155550001,Ana\n+5491155550002,Bea\n";
    let report = while_another_writes(&sql, file, &mut intake);
    assert_eq!(counts(&report), [1, 1, 0, 0, 0]);
    assert_eq!(
        intake.contacts("phone name source"),
        "+5491155550001 Ana -\n+5491155550002 Bea csv_import"
    );
}

#[test]
fn a_contact_that_gets_another_external_id_meanwhile_is_not_adopted() {
    let mut intake = Intake::new();
    intake.import("phone\n+5491155550001\n").unwrap();
    let sql = "UPDATE contacts SET external_user_id = 'theirs'";
    let report = while_another_writes(sql, "phone,external_id\n+5491155550001,ours\n", &mut intake);
    assert_eq!(counts(&report), [1, 0, 0, 0, 0]);
    assert_eq!(intake.contacts("external_user_id"), "theirs\nours");
}

#[test]
fn imports_into_one_client_at_the_same_time_make_each_contact_once() {
    let mut intake = Intake::new();
    let file = generate(3000);
    let reports: Vec<ImportReport> = std::thread::scope(|scope| {
        let imports: Vec<_> = (0..3)
            .map(|_| {
                let (mut connection, client, file) = (intake.database.connect(), intake.client.clone(), &file);
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
    assert_eq!(intake.ask("SELECT count(*) FROM contacts"), created[0].to_string());
}

/// Rows of every kind, the same at every call; some people come more than once.
fn generate(rows: u64) -> String {
    let mut file = String::from("external_user_id,phone,email,name,platform,contact_list,created_at,last_message_at\n");
    let mut state = 20_240_131_u64;
    let mut random = move |below: u64| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    for row in 0..rows {
        // One row in ten is about somebody who may have been there already.
        let person = if random(10) == 0 { random(row + 1) } else { row };
        let phone = format!("+54911{:08}", 20_000_000 + person);
        let email = format!("person{person}@example.com");
        let (external, phone, email) = match random(10) {
            0..2 => (format!("x-{person}"), phone, email),
            2..6 => (String::new(), phone, email),
            6..8 => (String::new(), phone, String::new()),
            _ => (String::new(), String::new(), email),
        };
        let platform = ["whatsapp", "instagram", "webchat", ""][(person % 4) as usize];
        let list = ["", "VIP", "Fair"][random(3) as usize];
        let day = random(28) + 1;
        writeln!(
            file,
            "{external},{phone},{email},Person {person},{platform},{list},2024-01-{day:02},2024-02-{day:02} 10:00:00"
        )
        .unwrap();
    }
    file
}

#[test]
fn two_hundred_thousand_rows_go_in_twice_and_change_nothing_the_second_time() {
    let mut intake = Intake::new();
    let file = generate(200_000);
    let first = intake.import(&file).unwrap();
    assert_eq!((first.read, first.updated, first.unchanged), (200_000, 0, 0));
    assert_eq!(intake.ask("SELECT count(*) FROM contacts"), first.created.to_string());
    let state = "SELECT md5(string_agg(contacts::text, '' ORDER BY serial_id)) FROM contacts";
    let before = intake.ask(state);
    let second = intake.import(&file).unwrap();
    assert_eq!(counts(&second), [0, 0, first.created, first.merged, 0]);
    assert_eq!(intake.ask(state), before);
}

/// A row of a generated file. Few values, so that rows meet in every way.
#[derive(Clone, Debug)]
struct Row {
    platform: &'static str,
    external: &'static str,
    phone: &'static str,
    email: &'static str,
    name: &'static str,
    created: &'static str,
}

fn any_row() -> impl Strategy<Value = Row> {
    let identity = (
        prop::sample::select(vec!["", "", "x", "y", "z"]),
        prop::sample::select(vec!["", "", "+5491155550001", "+5491155550002", "+5491155550003"]),
        prop::sample::select(vec![
            "",
            "",
            "a@example.com",
            "A@example.com",
            "b@example.com",
            "c@example.com",
        ]),
    );
    let others = (
        prop::sample::select(vec!["other", "other", "other", "sms"]),
        prop::sample::select(vec!["", "Ana", "Bea", "Eva"]),
        prop::sample::select(vec!["", "2024-01-01", "2024-01-02", "2024-01-03"]),
    );
    (identity, others).prop_filter_map(
        "a row has an identity",
        |((external, phone, email), (platform, name, created))| {
            (!(external.is_empty() && phone.is_empty() && email.is_empty())).then_some(Row {
                platform,
                external,
                phone,
                email,
                name,
                created,
            })
        },
    )
}

fn write_file(rows: &[Row]) -> String {
    let mut file = String::from("platform,external_user_id,phone,email,name,created_at\n");
    for row in rows {
        let Row {
            platform,
            external,
            phone,
            email,
            name,
            created,
        } = row;
        writeln!(file, "{platform},{external},{phone},{email},{name},{created}").unwrap();
    }
    file
}

/// What an import should do, written down the slow and plain way.
#[derive(Clone, Default, Debug)]
struct Model {
    /// In the order of their serial ids.
    contacts: Vec<Contact>,
    imports: usize,
}

#[derive(Clone, Default, PartialEq, Debug)]
struct Contact {
    platform: String,
    external: String,
    phone: String,
    email: String,
    name: String,
    created: String,
}

impl Model {
    fn import(&mut self, rows: &[Row]) {
        self.imports += 1;
        let former = self.contacts.len();
        // Contacts while the passes go on: those that were there, then new ones by their first row.
        let mut known: BTreeMap<usize, Contact> = self.contacts.iter().cloned().enumerate().collect();
        let mut meaning = vec![usize::MAX; rows.len()];
        for pass in 1..=3 {
            let snapshot = known.clone();
            let mut adopted = Vec::new();
            let mut groups: Vec<(String, Vec<usize>)> = Vec::new();
            for (index, row) in rows.iter().enumerate() {
                let (kind, identity) = match row {
                    Row { external, .. } if !external.is_empty() => (1, (*external).to_owned()),
                    Row { phone, .. } if !phone.is_empty() => (2, (*phone).to_owned()),
                    Row { email, .. } => (3, email.to_lowercase()),
                };
                let identity = format!("{} {identity}", row.platform);
                if kind == pass {
                    match groups.iter_mut().find(|(it, _)| *it == identity) {
                        Some((_, rows)) => rows.push(index),
                        None => groups.push((identity, vec![index])),
                    }
                }
            }
            for (_, group) in groups {
                let row = &rows[group[0]];
                let last = |value: fn(&Row) -> &'static str| {
                    let mut values = group.iter().map(|index| value(&rows[*index]));
                    values.rfind(|value| !value.is_empty()).unwrap_or_default()
                };
                let phone = last(|row| row.phone);
                let here = |contact: &Contact| contact.platform == row.platform;
                let oldest = |same: &dyn Fn(&Contact) -> bool| {
                    let candidates = snapshot.iter().filter(|(_, it)| here(it) && same(it));
                    candidates
                        .min_by_key(|(index, it)| (it.created.clone(), **index))
                        .map(|(index, _)| *index)
                };
                let found = match pass {
                    1 => oldest(&|it| it.external == row.external).or_else(|| {
                        let free = oldest(&|it| it.external.is_empty() && !phone.is_empty() && it.phone == phone)?;
                        (!adopted.contains(&free)).then_some(free)
                    }),
                    2 => oldest(&|it| it.phone == row.phone),
                    _ => oldest(&|it| it.email.eq_ignore_ascii_case(row.email)),
                };
                adopted.extend(found);
                let target = found.unwrap_or(former + group[0]);
                let contact = known.entry(target).or_insert_with(|| {
                    let created = group
                        .iter()
                        .map(|index| rows[*index].created)
                        .filter(|it| !it.is_empty())
                        .min();
                    let created = created.map_or(format!("now {}", self.imports), str::to_owned);
                    Contact {
                        created,
                        platform: row.platform.into(),
                        ..Contact::default()
                    }
                });
                for (value, last) in [
                    (&mut contact.external, last(|row| row.external)),
                    (&mut contact.phone, phone),
                ] {
                    if !last.is_empty() {
                        *value = last.into();
                    }
                }
                group.iter().for_each(|index| meaning[*index] = target);
            }
            // Names and emails go by the line, whichever pass found the row's contact.
            for (index, row) in rows.iter().enumerate() {
                if let Some(contact) = known.get_mut(&meaning[index]) {
                    for (value, given) in [(&mut contact.email, row.email), (&mut contact.name, row.name)] {
                        if !given.is_empty() {
                            *value = given.into();
                        }
                    }
                }
            }
        }
        self.contacts = known.into_values().collect();
    }

    fn contacts(&self) -> String {
        let lines = self.contacts.iter().map(|it| {
            let or_dash = |text: &str| {
                if text.is_empty() {
                    "-".to_owned()
                } else {
                    text.to_owned()
                }
            };
            let created = if it.created.starts_with("now") {
                "now"
            } else {
                &it.created
            };
            let values = [&it.platform, &it.external, &it.phone, &it.email, &it.name].map(|value| or_dash(value));
            format!("{} {created}", values.join(" "))
        });
        lines.collect::<Vec<_>>().join("\n")
    }
}

#[test]
fn any_files_do_what_the_contract_says_and_nothing_when_repeated() {
    let mut intake = Intake::new();
    let created = "CASE WHEN created_at > now() - interval '1 day' THEN 'now' ELSE created_at::date::text END";
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: 100,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let files = prop::collection::vec(prop::collection::vec(any_row(), 1..12), 1..4);
    let intake = std::cell::RefCell::new(&mut intake);
    runner
        .run(&files, |files| {
            let intake = &mut **intake.borrow_mut();
            intake.connection.batch_execute("TRUNCATE contacts").unwrap();
            let mut model = Model::default();
            for rows in files {
                let file = write_file(&rows);
                let first = intake.import(&file).unwrap();
                model.import(&rows);
                let found = intake.ask(&format!(
                    "SELECT string_agg(concat_ws(' ', platform, coalesce(external_user_id, '-'), coalesce(phone, '-'),
                         coalesce(email, '-'), coalesce(name, '-'), {created}), E'\n' ORDER BY serial_id) FROM contacts"
                ));
                prop_assert_eq!(found, model.contacts());
                let before = intake.dump();
                let second = intake.import(&file).unwrap();
                let same = first.created + first.updated + first.unchanged;
                prop_assert_eq!(counts(&second), [0, 0, same, first.merged, 0]);
                prop_assert_eq!(intake.dump(), before);
            }
            Ok(())
        })
        .unwrap();
}
