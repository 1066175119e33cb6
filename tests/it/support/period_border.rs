//! The border between new and old periods of the index of grams, and the rule for the contacts on both sides of it.

use diesel::prelude::*;

use super::database::{count, execute};

/// Counts the contacts whose prefix a search would not ask for.
pub const MISPLACED: &str = "
    SELECT count(*) AS count
    FROM contact_texts CROSS JOIN contact_period_border
    CROSS JOIN LATERAL (SELECT contact_period(last_message_at) AS period) AS own
    WHERE gram_prefix <> contact_gram_prefix(client_id, period, border)
          AND NOT (period IS NOT DISTINCT FROM border - 1
                   AND gram_prefix = contact_gram_prefix(client_id, border - 1, NULL))";

/// Counts the contacts that are under the prefix of the period before the border.
pub const NOT_MOVED: &str = "
    SELECT count(*) AS count FROM contact_texts CROSS JOIN contact_period_border
    WHERE gram_prefix = contact_gram_prefix(client_id, border - 1, NULL)";

/// How far the border is below the place where servers stop to raise it.
pub const BEHIND: &str = "
    SELECT (contact_period(now()) - 3 - border)::bigint AS count FROM contact_period_border";

/// Sets the border, an SQL expression of a period, as if servers had raised it to this place. Half of the contacts of
/// the period before it are moved.
pub fn set_border(connection: &mut PgConnection, border: &str) {
    // Citus does not read contacts in a write of the border.
    let border = count(connection, &format!("SELECT ({border})::bigint AS count"));
    execute(
        connection,
        &format!(
            "BEGIN;
             LOCK TABLE contacts IN SHARE ROW EXCLUSIVE MODE;
             UPDATE contact_period_border SET border = {border}, fence = NULL;
             UPDATE contact_texts SET gram_prefix = wanted
             FROM (SELECT client_id AS client, id AS contact,
                          contact_gram_prefix(client_id, contact_period(last_message_at),
                                              border - (hashtext(id::text) & 1)) AS wanted
                   FROM contact_texts CROSS JOIN contact_period_border) AS new
             WHERE (client_id, id) = (client, contact) AND gram_prefix <> wanted;
             COMMIT"
        ),
    );
}

/// Keeps servers from raising the border until the connection is closed: their fence waits for the snapshot.
pub fn hold_border(mut connection: PgConnection) -> PgConnection {
    execute(&mut connection, "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT");
    connection
}
