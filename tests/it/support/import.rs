//! Imports files through the library.

use std::fmt::Write;
use std::io::Read;

use contact_search::domain::phone::Region;
use contact_search::store::PgConnection;
use contact_search::store::clients::{self, Client};
use contact_search::transfer::ColumnChoice;
use contact_search::transfer::import::{
    Event, FileOptions, Import, ImportError, ImportOptions, ImportReport, Rejection,
};
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{Nullable, Text};

use super::TestDatabase;

/// A database with a client to import into.
pub struct ImportTarget {
    pub database: TestDatabase,
    pub connection: PgConnection,
    pub client: Client,
}

impl ImportTarget {
    pub fn new() -> Self {
        let database = TestDatabase::new();
        let mut connection = database.connect();
        let client = make_client(&mut connection, "Acme");
        Self {
            database,
            connection,
            client,
        }
    }

    pub fn import(&mut self, file: impl AsRef<[u8]>) -> Result<ImportReport, ImportError> {
        self.import_with(file.as_ref(), &[], &ImportOptions::default())
    }

    pub fn import_with(
        &mut self,
        file: impl Read,
        columns: &[&str],
        options: &ImportOptions,
    ) -> Result<ImportReport, ImportError> {
        import(&mut self.connection, &self.client, file, columns, options)
    }

    /// The result of an SQL expression, as text.
    pub fn ask(&mut self, sql: &str) -> String {
        ask(&mut self.connection, sql)
    }

    /// Everything stored about contacts and lists, including ids and times of change.
    pub fn dump(&mut self) -> String {
        self.ask(
            "SELECT coalesce((SELECT string_agg(contacts::text, E'\n' ORDER BY client_id, serial_id) FROM contacts), '')
                 || coalesce((SELECT string_agg(contact_lists::text, E'\n' ORDER BY client_id, id) FROM contact_lists), '')",
        )
    }

    /// The contacts ordered by serial id, one per line. A line has the values of the columns, separated by blanks, and
    /// `-` for null.
    pub fn contacts(&mut self, columns: &str) -> String {
        let columns: Vec<String> = columns
            .split(' ')
            .map(|it| format!("coalesce({it}::text, '-')"))
            .collect();
        let columns = columns.join(" || ' ' || ");
        self.ask(&format!(
            "SELECT coalesce(string_agg({columns}, E'\n' ORDER BY serial_id), '') FROM contacts"
        ))
    }

    /// Imports a file that must be refused, and checks that nothing was written.
    pub fn refuse(&mut self, file: impl AsRef<[u8]>) -> ImportError {
        let before = self.dump();
        let error = self.import(file).expect_err("the file is refused");
        assert_eq!(self.dump(), before);
        error
    }

    /// The line, column and reason of each rejected row of a file that must be refused.
    pub fn rejections(&mut self, file: &str) -> Vec<Rejection> {
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
            error => panic!("refused for another reason: {error}"),
        }
        rejections
    }
}

pub fn make_client(connection: &mut PgConnection, name: &str) -> Client {
    clients::create_client(connection, name, Region::DEFAULT).unwrap();
    clients::find_client(connection, name).unwrap().unwrap()
}

pub fn import(
    connection: &mut PgConnection,
    client: &Client,
    file: impl Read,
    columns: &[&str],
    options: &ImportOptions,
) -> Result<ImportReport, ImportError> {
    let options = ImportOptions {
        file: FileOptions {
            columns: choices(columns),
            ..options.file.clone()
        },
        ..options.clone()
    };
    let report = Import::open(file, options)?.run(connection, client, &mut |_| {})?;
    let sum = report.created + report.updated + report.unchanged + report.merged + report.rejected;
    assert_eq!(report.read + report.further_phones, sum, "{report}");
    Ok(report)
}

pub fn choices(columns: &[&str]) -> Vec<ColumnChoice> {
    columns.iter().map(|it| it.parse().unwrap()).collect()
}

pub fn ask(connection: &mut PgConnection, sql: &str) -> String {
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

/// The counts of a report, in the order created, updated, unchanged, merged, rejected.
pub fn counts(report: &ImportReport) -> [u64; 5] {
    [
        report.created,
        report.updated,
        report.unchanged,
        report.merged,
        report.rejected,
    ]
}

pub fn skipping() -> ImportOptions {
    ImportOptions {
        skip_bad_rows: true,
        ..ImportOptions::default()
    }
}

pub const FAKE_1000: &[u8] = include_bytes!("../../data/fake_1000.csv");

/// A deterministic file with rows of every kind. Some people occur several times.
pub fn generate_file(rows: u64) -> String {
    let mut file = String::from("external_user_id,phone,email,name,platform,contact_list,created_at,last_message_at\n");
    let mut state = 20_240_131_u64;
    let mut random = move |below: u64| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) % below
    };
    for row in 0..rows {
        // One row in ten is about a person who may have occurred before.
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
