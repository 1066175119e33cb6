//! Contacts that match a term.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Bool, Nullable, Timestamptz, Uuid as SqlUuid};
use uuid::Uuid;

/// What is known of a match before its row is read: enough to sort by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, QueryableByName)]
pub(super) struct Match {
    #[diesel(sql_type = SqlUuid)]
    pub(super) id: Uuid,
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

#[derive(QueryableByName)]
pub(super) struct WalkedMatch {
    #[diesel(embed)]
    pub(super) found: Match,
    /// Whether it lies behind the rows that are walked first.
    #[diesel(sql_type = Bool)]
    pub(super) is_further: bool,
}
