//! `contact_texts`, what the search looks at of each contact, and `contacts_newest`, the newest of them once more. A
//! trigger keeps them (`migrations/…_contacts_newest`); here is only how the index of grams is spared where it would be
//! made row by row.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::Text;

use super::error::StoreError;

const DEFINITION: &str = "
SELECT pg_get_indexdef('contact_texts_grams'::regclass) AS definition
FROM pg_class
WHERE oid = 'contact_texts'::regclass AND pg_has_role(relowner, 'USAGE') AND NOT EXISTS (SELECT FROM contact_texts)
";

#[derive(QueryableByName)]
struct IndexRow {
    #[diesel(sql_type = Text)]
    definition: String,
}

/// In the order of their periods: contacts of one period beside each other are read faster, and their grams sorted in
/// faster.
const REBUILD: &str = "
INSERT INTO contact_texts (client_id, id, last_message_at, gram_prefix, phone, email_lower)
SELECT client_id, id, last_message_at, contact_gram_prefix(client_id, contact_period(last_message_at)) AS gram_prefix,
       phone, email_lower
FROM contacts
WHERE coalesce(phone, email_lower) IS NOT NULL
ORDER BY gram_prefix;
INSERT INTO contacts_newest (client_id, id, last_message_at, phone, email_lower)
SELECT client_id, id, last_message_at, phone, email_lower
FROM contact_texts
WHERE last_message_at >= (SELECT since FROM contacts_newest_border)
";

/// Runs `fill`, which writes many contacts, within the open transaction. Where there are none yet, their texts and the
/// index of grams are made at once after it (by the tables' owner), which takes a fraction of the time that it takes to add them one by one.
/// Who writes contacts waits meanwhile; a search of a database that is being filled doesn't come here.
pub(super) fn rebuild_around<T, E: From<StoreError>>(
    connection: &mut PgConnection,
    fill: impl FnOnce(&mut PgConnection) -> Result<T, E>,
) -> Result<T, E> {
    let index: Option<IndexRow> = sql_query(DEFINITION)
        .get_result(connection)
        .optional()
        .map_err(StoreError::from)?;
    let Some(IndexRow { definition }) = index else {
        return fill(connection);
    };
    let execute = |connection: &mut PgConnection, statements: &str| {
        connection.batch_execute(statements).map_err(StoreError::from)
    };
    execute(
        connection,
        "DROP INDEX contact_texts_grams; ALTER TABLE contacts DISABLE TRIGGER contacts_texts_of_new",
    )?;
    let filled = fill(connection)?;
    let index = format!(
        "SET LOCAL work_mem TO '64MB'; SET LOCAL maintenance_work_mem TO '256MB'; {REBUILD}; {definition};
         ALTER INDEX contact_texts_grams ALTER COLUMN 1 SET STATISTICS 0;
         ALTER TABLE contacts ENABLE TRIGGER contacts_texts_of_new"
    );
    execute(connection, &index)?;
    Ok(filled)
}
