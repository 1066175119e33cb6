//! The contacts of a page, with what the answer says about each.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Array, Nullable, Text, Timestamptz, Uuid as SqlUuid};
use uuid::Uuid;

use super::candidates::Position;
use super::statements::CONTACTS;
use crate::domain::client::ClientId;
use crate::domain::query::{MatchedBy, Query, ShownContact};
use crate::domain::window;
use crate::store::contacts::row::ContactRow;
use crate::store::statement::Statement;

/// A contact of a page.
#[derive(Debug)]
pub struct FoundContact {
    pub row: ContactRow,
    pub external_user_id: Option<String>,
    /// The latest inbound message on any platform among all contacts of the same number. A contact without a phone, or
    /// with an invalid phone that identifies nobody, has only its own.
    pub last_inbound_at: Option<DateTime<Utc>>,
    /// The same on the platform that has a session window.
    pub last_window_inbound_at: Option<DateTime<Utc>>,
    /// The time of the database's clock.
    pub now: DateTime<Utc>,
    /// The words of the query, by their places, that are whole numbers with the contact's match key.
    pub equivalents: Vec<usize>,
}

impl FoundContact {
    /// Why the contact matches the query.
    pub fn matched_by<'q>(&self, query: &'q Query) -> Vec<MatchedBy<'q>> {
        let shown = ShownContact {
            name: self.row.name.as_deref(),
            phone: self.row.phone.as_deref(),
            email: self.row.email.as_deref(),
            external_user_id: self.external_user_id.as_deref(),
        };
        query.matched_by(&shown, |word| self.equivalents.contains(&word))
    }
}

/// Reads the contacts of a page, in their order. A contact that was deleted a moment ago is left out. `equivalents` has
/// [`FoundContact::equivalents`] by the contact's id.
pub(super) fn read_page(
    connection: &mut PgConnection,
    client: ClientId,
    found: &[Position],
    equivalents: &HashMap<Uuid, Vec<usize>>,
) -> QueryResult<Vec<FoundContact>> {
    #[derive(QueryableByName)]
    struct PageRow {
        #[diesel(embed)]
        contact: ContactRow,
        #[diesel(sql_type = Nullable<Text>)]
        external_user_id: Option<String>,
        #[diesel(sql_type = Nullable<Timestamptz>)]
        last_inbound_at: Option<DateTime<Utc>>,
        #[diesel(sql_type = Nullable<Timestamptz>)]
        last_window_inbound_at: Option<DateTime<Utc>>,
        #[diesel(sql_type = Timestamptz)]
        now: DateTime<Utc>,
    }
    if found.is_empty() {
        return Ok(Vec::new());
    }
    let ids: Vec<Uuid> = found.iter().map(|position| position.id).collect();
    let rows: Vec<PageRow> = Statement::new(|| CONTACTS)
        .bind::<Text, _>(window::PLATFORM)
        .bind::<SqlUuid, _>(client.as_uuid())
        .bind::<Array<SqlUuid>, _>(&ids)
        .load(connection)?;
    let mut rows: HashMap<Uuid, PageRow> = rows.into_iter().map(|row| (row.contact.id, row)).collect();
    let rows = ids.iter().filter_map(|id| rows.remove(id));
    Ok(rows
        .map(|row| FoundContact {
            equivalents: equivalents.get(&row.contact.id).cloned().unwrap_or_default(),
            row: row.contact,
            external_user_id: row.external_user_id,
            last_inbound_at: row.last_inbound_at,
            last_window_inbound_at: row.last_window_inbound_at,
            now: row.now,
        })
        .collect())
}
