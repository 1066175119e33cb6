//! The search: contacts whose phone or email contains a term, those with the latest message first.
//!
//! How a term is answered. Each part of the question (email, phone, whole number) yields the ids of its own
//! first [`LIMIT`] contacts; their union, sorted again, holds the first of all.
//!
//! 1. **Walk** the client's contacts newest first, on the index that has phone and email in it, for
//!    [`PROBE_ROWS`] rows. A frequent term has its fifty there; a small client ends there.
//! 2. Some matches, but not fifty: the term is common enough to **walk on**, up to [`WALK_ROWS`] rows.
//! 3. Else the **trigram index** names the few contacts that contain the term. A term without three letters or
//!    digits in a row has no trigram, and asking that index would read all of it: such a term is walked.
//!
//! The server decides and not the planner, because planning a search costs more than most searches take, and
//! a prepared statement's plan doesn't see the term.

use std::collections::BTreeSet;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Timestamptz, Uuid as SqlUuid};
use uuid::Uuid;

use super::contacts::ContactRow;
use super::statement::{Bind, Statement};
use super::{PgConnection, StoreError};
use crate::domain::client::ClientId;
use crate::domain::term::{EmailTerm, PhoneTerm};

/// The most contacts that one search answers.
pub const LIMIT: usize = 50;

/// Rows that every search walks first: about a millisecond.
const PROBE_ROWS: i64 = 2_000;

/// Rows that a search walks on where the probe met the term: at one match in 2,000 rows fifty are found within.
const WALK_ROWS: i64 = 100_000;

/// Fewer matches in the probe than this are chance, and the trigram index is the better bet.
const PROBE_MATCHES: usize = 3;

/// What is known of a match before its row is read: enough to sort by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, QueryableByName)]
struct Match {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    last_message_at: Option<DateTime<Utc>>,
}

impl Match {
    /// The latest message first, contacts without one last, then the id.
    fn rank(&self) -> (std::cmp::Reverse<Option<DateTime<Utc>>>, Uuid) {
        (std::cmp::Reverse(self.last_message_at), self.id)
    }
}

impl Ord for Match {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.rank().cmp(&other.rank())
    }
}

impl PartialOrd for Match {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

/// The statements that look for one column's term; the texts differ in the column alone.
struct Column {
    /// Binds: client, rows to walk, pattern.
    walk: &'static str,
    /// Binds: client, pattern. `OFFSET 0` keeps the planner from walking by time instead.
    trigrams: &'static str,
}

const EMAIL: Column = Column {
    walk: "
    SELECT id, last_message_at
    FROM (SELECT id, last_message_at, email FROM contacts WHERE client_id = ?
          ORDER BY last_message_at DESC NULLS LAST, id LIMIT ?) AS recent
    WHERE email ILIKE ?
    LIMIT 50",
    trigrams: "
    SELECT id, last_message_at
    FROM (SELECT id, last_message_at FROM contacts WHERE client_id = ? AND email ILIKE ? OFFSET 0) AS matching
    ORDER BY last_message_at DESC NULLS LAST, id
    LIMIT 50",
};

const PHONE: Column = Column {
    walk: "
    SELECT id, last_message_at
    FROM (SELECT id, last_message_at, phone FROM contacts WHERE client_id = ?
          ORDER BY last_message_at DESC NULLS LAST, id LIMIT ?) AS recent
    WHERE phone LIKE ?
    LIMIT 50",
    trigrams: "
    SELECT id, last_message_at
    FROM (SELECT id, last_message_at FROM contacts WHERE client_id = ? AND phone LIKE ? OFFSET 0) AS matching
    ORDER BY last_message_at DESC NULLS LAST, id
    LIMIT 50",
};

const WHOLE_NUMBER: &str = "
    SELECT id, last_message_at
    FROM (SELECT id, last_message_at FROM contacts WHERE client_id = ? AND phone_key = ANY(?) OFFSET 0) AS matching
    ORDER BY last_message_at DESC NULLS LAST, id
    LIMIT 50";

/// Stops counting at the limit it is given. The order is that of the walk, so that the same index is read: without
/// one PostgreSQL may read the whole table in search of a small client's rows.
const COUNT: &str = "
    SELECT count(*) AS count
    FROM (SELECT FROM contacts WHERE client_id = ? ORDER BY last_message_at DESC NULLS LAST, id LIMIT ?) AS recent";

const CONTACTS: &str = "
    SELECT id, name, phone, email, platform, last_message_at, chat_status, created_at, client_id, ai_customer_id,
           default_stage_id, blocked, is_chat_read
    FROM contacts
    WHERE client_id = ? AND id = ANY(?)
    ORDER BY last_message_at DESC NULLS LAST, id";

/// The first [`LIMIT`] of the client's contacts that match either term, latest message first, contacts
/// without messages last, then by id. Without a term: none.
pub fn search_contacts(
    connection: &mut PgConnection,
    client: ClientId,
    phone: Option<&PhoneTerm>,
    email: Option<&EmailTerm>,
) -> Result<Vec<ContactRow>, StoreError> {
    let mut matches = BTreeSet::new();
    if let Some(email) = email {
        matches.extend(find_matches(
            connection,
            client,
            &EMAIL,
            &email.pattern(),
            email.has_trigram(),
        )?);
    }
    if let Some(phone) = phone {
        matches.extend(find_matches(
            connection,
            client,
            &PHONE,
            &phone.pattern(),
            phone.has_trigram(),
        )?);
        if !phone.keys().is_empty() {
            let binds = vec![Bind::Uuid(client.as_uuid()), Bind::Texts(phone.keys().to_vec())];
            matches.extend(Statement::new(WHOLE_NUMBER, binds).load::<Match>(connection)?);
        }
    }
    if matches.is_empty() {
        return Ok(Vec::new());
    }
    let ids = matches.into_iter().take(LIMIT).map(|found| found.id).collect();
    let binds = vec![Bind::Uuid(client.as_uuid()), Bind::Uuids(ids)];
    Ok(Statement::new(CONTACTS, binds).load(connection)?)
}

/// The first matches of one column's term, in order; the module's documentation says how.
fn find_matches(
    connection: &mut PgConnection,
    client: ClientId,
    column: &Column,
    pattern: &str,
    has_trigram: bool,
) -> Result<Vec<Match>, StoreError> {
    let walk = |connection: &mut PgConnection, rows: i64| {
        let binds = vec![
            Bind::Uuid(client.as_uuid()),
            Bind::BigInt(rows),
            Bind::Text(pattern.to_owned()),
        ];
        Statement::new(column.walk, binds).load::<Match>(connection)
    };
    let probed = walk(connection, PROBE_ROWS)?;
    if probed.len() >= LIMIT || count_contacts(connection, client, PROBE_ROWS + 1)? <= PROBE_ROWS {
        return Ok(probed);
    }
    if !has_trigram {
        return Ok(walk(connection, i64::MAX)?);
    }
    if probed.len() >= PROBE_MATCHES {
        let walked = walk(connection, WALK_ROWS)?;
        if walked.len() >= LIMIT {
            return Ok(walked);
        }
    }
    let binds = vec![Bind::Uuid(client.as_uuid()), Bind::Text(pattern.to_owned())];
    Ok(Statement::new(column.trigrams, binds).load(connection)?)
}

fn count_contacts(connection: &mut PgConnection, client: ClientId, at_most: i64) -> Result<i64, StoreError> {
    #[derive(QueryableByName)]
    struct Count {
        #[diesel(sql_type = BigInt)]
        count: i64,
    }
    let binds = vec![Bind::Uuid(client.as_uuid()), Bind::BigInt(at_most)];
    let row: Count = Statement::new(COUNT, binds).get_result(connection)?;
    Ok(row.count)
}
