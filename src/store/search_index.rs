//! The search index: `contact_texts` with the index of grams, `contacts_newest` and `contact_words`. Triggers maintain
//! them (`migrations/…_texts_of_new_contacts`). This file rebuilds them in bulk after the first large load, which is
//! faster than row by row. It also empties the list of grams that PostgreSQL collects before it inserts them into the
//! index.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::Text;

use super::error::StoreError;

/// The definition of the index of grams, if there are no contacts and the role may rebuild it.
const DEFINITION: &str = "
SELECT pg_get_indexdef('contact_texts_grams'::regclass) AS definition
FROM pg_class
WHERE oid = 'contact_texts'::regclass AND pg_has_role(relowner, 'USAGE') AND NOT EXISTS (SELECT 1 FROM contact_texts)
";

#[derive(QueryableByName)]
struct IndexRow {
    #[diesel(sql_type = Text)]
    definition: String,
}

/// Ordered by period: PostgreSQL then reads the contacts of one period faster, and inserts their grams faster.
const FILL_TEXTS: &str = "
INSERT INTO contact_texts (client_id, id, last_message_at, gram_prefix, phone, email_lower, name_words)
SELECT client_id, id, last_message_at,
       contact_gram_prefix(client_id, contact_period(last_message_at), (SELECT border FROM contact_period_border))
           AS gram_prefix,
       phone, email_lower, name_words
FROM contacts
ORDER BY gram_prefix";

const FILL_NEWEST: &str = "
INSERT INTO contacts_newest (client_id, id, last_message_at, phone, email_lower, name_words)
SELECT client_id, id, last_message_at, phone, email_lower, name_words
FROM contact_texts
WHERE last_message_at >= (SELECT since FROM contacts_newest_border)";

const FILL_WORDS: &str = "
INSERT INTO contact_words (client_id, word, is_name)
SELECT DISTINCT client_id, given.word, given.is_name
FROM contact_texts CROSS JOIN LATERAL contact_dictionary_words(name_words, email_lower) AS given
WHERE NOT EXISTS (SELECT 1 FROM contact_words AS known
                  WHERE known.client_id = contact_texts.client_id AND known.word = given.word
                        AND known.is_name = given.is_name AND NOT known.is_leaving)
";

/// Inserts the grams that PostgreSQL has collected (`migrations/…_pending_grams`) into the index, if the role owns it.
/// Writers do so only when the list is full, and until then every search reads the list. Does nothing while a
/// transaction that has added contacts is open, or while another server empties the list.
///
/// # Errors
/// [`StoreError`]
pub fn insert_pending_grams(connection: &mut PgConnection) -> Result<(), StoreError> {
    let clean = "SELECT gin_clean_pending_list('contact_texts_grams') FROM pg_class
                 WHERE oid = 'contact_texts'::regclass AND pg_has_role(relowner, 'USAGE')
                       AND pg_try_advisory_xact_lock(hashtextextended('pending grams', 0))";
    sql_query(clean).execute(connection)?;
    Ok(())
}

/// Runs `fill`, which writes many contacts, within the open transaction. If the database has no contacts yet, and the
/// role owns the tables, rebuilds the whole search index in one step after `fill`. That takes a fraction of the time of
/// adding the contacts one by one.
///
/// Blocks writers of contacts until the commit. Searches don't wait: until the commit no client has contacts, and a
/// search of a small client doesn't read the index.
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
    // Locks the tables in the order of the writers of contacts, whose triggers write contact_texts.
    execute(
        connection,
        &[
            "ALTER TABLE contacts DISABLE TRIGGER contacts_texts_of_new",
            "DROP INDEX contact_texts_grams",
        ],
    )?;
    let filled = fill(connection)?;
    execute(
        connection,
        &[
            "SET LOCAL work_mem TO '64MB'",
            "SET LOCAL maintenance_work_mem TO '256MB'",
            FILL_TEXTS,
            FILL_NEWEST,
            FILL_WORDS,
            &definition,
            "ALTER INDEX contact_texts_grams ALTER COLUMN 1 SET STATISTICS 0",
            "ALTER TABLE contacts ENABLE TRIGGER contacts_texts_of_new",
        ],
    )?;
    Ok(filled)
}

/// Each statement is a message of its own. Citus requires that of changes of the schema.
fn execute(connection: &mut PgConnection, statements: &[&str]) -> Result<(), StoreError> {
    for statement in statements {
        connection.batch_execute(statement)?;
    }
    Ok(())
}
