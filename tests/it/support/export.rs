//! Exports and imports contacts through the library.

use contact_search::domain::client::ClientId;
use contact_search::domain::phone::Region;
use contact_search::store::{PgConnection, clients};
use contact_search::transfer::export::{ExportFormat, ExportReport, export};
use contact_search::transfer::import::{self, Import, ImportOptions};
use diesel::prelude::*;
use diesel::sql_types::Text;

pub fn create_client(connection: &mut PgConnection, region: Region) -> ClientId {
    clients::create_client(connection, &uuid::Uuid::now_v7().to_string(), region).unwrap()
}

pub fn export_client(connection: &mut PgConnection, id: ClientId, format: ExportFormat) -> (ExportReport, String) {
    let client = clients::find_client(connection, &id.to_string()).unwrap().unwrap();
    let mut file = Vec::new();
    let report = export(connection, &client, format, &mut file).unwrap();
    (report, String::from_utf8(file).unwrap())
}

pub fn import_with(connection: &mut PgConnection, id: ClientId, file: &str, exact: bool) -> import::ImportReport {
    let client = clients::find_client(connection, &id.to_string()).unwrap().unwrap();
    let options = ImportOptions {
        exact,
        ..ImportOptions::default()
    };
    let import = Import::open(file.as_bytes(), options).unwrap();
    import.run(connection, &client, &mut |_| {}).unwrap()
}

pub fn import_file(connection: &mut PgConnection, id: ClientId, file: &str) -> u64 {
    let report = import_with(connection, id, file, false);
    assert_eq!(report.created, report.read, "{report}");
    report.read
}

/// Every column except the ids, the former ids and the time of the last change, as text, oldest contact first.
pub fn rows(connection: &mut PgConnection, client: ClientId) -> Vec<String> {
    texts(
        connection,
        client,
        "row(contacts.name, phone, phone_key, phone_as_given, phone_extension, phone_identifies, email, platform, external_user_id,
             source, chat_status, blocked, is_chat_read, default_stage_id, ai_customer_id, created_at, last_message_at, last_inbound_at,
             contact_lists.name)",
    )
}

/// The value of `expression` for each contact, as text, oldest contact first.
pub fn texts(connection: &mut PgConnection, client: ClientId, expression: &str) -> Vec<String> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = Text)]
        contact: String,
    }
    let sql = format!(
        "SELECT {expression}::text AS contact
         FROM contacts
         JOIN contact_lists ON (contact_lists.client_id, contact_lists.id) = (contacts.client_id, contact_list_id)
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
