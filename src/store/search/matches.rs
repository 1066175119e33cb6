//! Contacts that match a term, before their rows are read.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Bool, Nullable, Timestamptz, Uuid as SqlUuid};
use uuid::Uuid;

/// A matching contact with the columns that a search sorts by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, QueryableByName)]
pub(super) struct Match {
    #[diesel(sql_type = SqlUuid)]
    pub(super) id: Uuid,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    last_message_at: Option<DateTime<Utc>>,
}

impl Match {
    /// Sorts by the latest message, contacts without messages last, then by the id.
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
    /// Whether the match lies behind the rows of the probe.
    #[diesel(sql_type = Bool)]
    pub(super) is_further: bool,
}
