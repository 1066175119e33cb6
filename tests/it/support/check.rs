//! Checks files with the command, as a user types it.

use std::io::Write;

use contact_search::domain::client::ClientId;
use contact_search::domain::phone::Region;
use contact_search::store::{PgConnection, clients};
use serde_json::Value;

use super::command::{CommandOutput, command_on, run, stdout};
use super::{Contact, TestDatabase};

/// A database with the client `Acme`, into which contacts are added.
pub struct CheckTarget {
    pub database: TestDatabase,
    pub connection: PgConnection,
    pub client: ClientId,
}

impl CheckTarget {
    pub fn new() -> Self {
        let database = TestDatabase::new();
        let mut connection = database.connect();
        let client = clients::create_client(&mut connection, "Acme", Region::DEFAULT).unwrap();
        Self {
            database,
            connection,
            client,
        }
    }

    /// Adds a contact and returns its id. A blank value is missing.
    pub fn add(&mut self, name: &str, phone: &str, email: &str) -> String {
        let some = |text| (!str::is_empty(text)).then_some(text);
        let contact = Contact {
            name: some(name),
            phone: some(phone),
            email: some(email),
            ..Contact::default()
        };
        self.add_contact(&contact)
    }

    pub fn add_contact(&mut self, contact: &Contact<'_>) -> String {
        contact.add(&mut self.connection, self.client).id
    }

    /// Runs `check` on a file with this content.
    pub fn run(&self, content: impl AsRef<[u8]>, arguments: &[&str]) -> CommandOutput {
        let file = file(content);
        let path = file.path().to_str().unwrap();
        let arguments = [&["check", path, "--client", "Acme"], arguments].concat();
        run(command_on(&self.database, &arguments), "")
    }

    /// The lines of `check --json`.
    pub fn check(&self, content: impl AsRef<[u8]>) -> Vec<Value> {
        self.check_with(content, &[])
    }

    pub fn check_with(&self, content: impl AsRef<[u8]>, arguments: &[&str]) -> Vec<Value> {
        let arguments = [arguments, &["--json"]].concat();
        let lines = stdout(self.run(content, &arguments));
        lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }
}

/// A temporary file with the content.
pub fn file(content: impl AsRef<[u8]>) -> tempfile::NamedTempFile {
    let mut file = tempfile::NamedTempFile::new().expect("a file can be created");
    file.write_all(content.as_ref()).expect("a file can be written");
    file
}

/// The verdicts in the order of the lines.
pub fn verdicts(lines: &[Value]) -> Vec<&str> {
    lines.iter().map(|line| line["verdict"].as_str().unwrap()).collect()
}

/// The reasons of a line, joined.
pub fn reasons(line: &Value) -> String {
    let reasons = line["reasons"].as_array().unwrap().iter();
    let reasons: Vec<&str> = reasons.map(|reason| reason.as_str().unwrap()).collect();
    reasons.join("; ")
}
