//! Contacts that may match a query, with the texts that decide their rank.

use std::cmp::Reverse;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::sql_types::{Nullable, Text, Timestamptz, Uuid as SqlUuid};
use uuid::Uuid;

use crate::domain::query::Texts;

/// A contact that may match.
#[derive(Clone, Debug, QueryableByName)]
pub(super) struct Candidate {
    #[diesel(sql_type = SqlUuid)]
    pub(super) id: Uuid,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub(super) last_message_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Text>)]
    name_words: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    email_lower: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    phone: Option<String>,
}

impl Candidate {
    pub(super) fn texts(&self) -> Texts<'_> {
        Texts::new(
            self.name_words.as_deref(),
            self.email_lower.as_deref(),
            self.phone.as_deref(),
        )
    }

    pub(super) fn at(&self, rank: u32) -> Position {
        Position {
            rank,
            last_message_at: self.last_message_at,
            id: self.id,
        }
    }
}

/// A contact with the match key of one of the query's numbers.
#[derive(Debug, QueryableByName)]
pub(super) struct NumberCandidate {
    #[diesel(sql_type = Text)]
    pub(super) phone_key: String,
    #[diesel(embed)]
    pub(super) candidate: Candidate,
}

/// The place of a contact in the order of an answer: by rank, then the latest message, contacts without messages last,
/// then by id.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Position {
    pub rank: u32,
    pub last_message_at: Option<DateTime<Utc>>,
    pub id: Uuid,
}

impl Ord for Position {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        let key = |position: &Self| (position.rank, Reverse(position.last_message_at), position.id);
        key(self).cmp(&key(other))
    }
}

impl PartialOrd for Position {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
