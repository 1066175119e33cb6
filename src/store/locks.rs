//! Keeps writers that make the same person at the same moment from making it twice.
//!
//! A unique index alone can't: somebody who is told of by the phone alone meets another index than the same person told
//! of by phone and external id, and one line has several numbers (`+54…`, `+549…`). So whoever has found nobody, and is
//! about to make a contact that has a phone, claims the line first, looks again, and only then makes it. Claims are
//! advisory locks and end with their transaction.

use diesel::prelude::*;
use diesel::sql_types::{Array, Text};

use super::error::StoreError;
use super::statement::Statement;
use crate::domain::client::ClientId;

/// A line of each row, in one order for all writers; and for each a share in the claim on all of the client's lines.
const LOCK_LINES: &str = "
    SELECT pg_advisory_xact_lock_shared(hashtextextended('creation ' || $1, 0))
    UNION ALL
    SELECT pg_advisory_xact_lock(line)
    FROM (
        SELECT DISTINCT hashtextextended(concat_ws(' ', 'creation', $1, platform, phone_key), 0) AS line
        FROM unnest($2::text[], $3::text[]) AS person (platform, phone_key)
        ORDER BY line
    ) AS lines";

/// Waits until nobody else is making contacts on these lines: pairs of platform and match key.
pub(super) fn lock_lines(
    connection: &mut PgConnection,
    client: ClientId,
    lines: &[(&str, &str)],
) -> Result<(), StoreError> {
    if lines.is_empty() {
        return Ok(());
    }
    let (platforms, keys): (Vec<&str>, Vec<&str>) = lines.iter().copied().unzip();
    Statement::new(|| LOCK_LINES)
        .bind::<Text, _>(client.to_string())
        .bind::<Array<Text>, _>(platforms)
        .bind::<Array<Text>, _>(keys)
        .execute(connection)?;
    Ok(())
}

const LOCK_ALL_LINES: &str = "SELECT pg_advisory_xact_lock(hashtextextended('creation ' || $1, 0))";

/// Waits until nobody else is making contacts of the client that have a phone, whatever the line; whoever is about to
/// waits then.
pub(super) fn lock_all_lines(connection: &mut PgConnection, client: ClientId) -> Result<(), StoreError> {
    Statement::new(|| LOCK_ALL_LINES)
        .bind::<Text, _>(client.to_string())
        .execute(connection)?;
    Ok(())
}

/// Waits until no other transaction has its turn to write many of the client's contacts. Each such transaction locks
/// contacts in an order of its own, and two at a time would wait for each other in circles. Writers of a few don't
/// wait; neither do imports.
pub(super) fn lock_bulk_writes(connection: &mut PgConnection, client: ClientId) -> QueryResult<()> {
    diesel::sql_query("SELECT pg_advisory_xact_lock(hashtextextended('contacts ' || $1, 0))")
        .bind::<Text, _>(client.to_string())
        .execute(connection)?;
    Ok(())
}

/// Queues imports into one client up. Writers of single contacts don't wait.
pub(super) fn lock_imports(connection: &mut PgConnection, client: ClientId) -> QueryResult<()> {
    diesel::sql_query("SELECT pg_advisory_xact_lock(hashtextextended('import ' || $1, 0))")
        .bind::<Text, _>(client.to_string())
        .execute(connection)?;
    Ok(())
}
