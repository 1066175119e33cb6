//! The ids that a person had before the last change of number or external id.
//!
//! A message that was sent before the change can arrive after it, for instance because it is delivered again. Then it
//! names the former ids. It belongs to the same contact, and says nothing about the contact's present ids. Only the
//! last change is remembered.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use crate::domain::message::Person;
use crate::store::schema::contacts;

/// The columns of a contact's former ids.
#[derive(Clone, PartialEq, Eq, Default, Queryable, Selectable, AsChangeset)]
#[diesel(table_name = contacts, treat_none_as_null = true)]
pub(super) struct FormerIds {
    /// The time of the message or notice that reported the change. `None` if no change is known.
    pub(super) ids_since: Option<DateTime<Utc>>,
    pub(super) former_line: Option<String>,
    pub(super) former_external_user_id: Option<String>,
}

impl FormerIds {
    /// Whether a message that was sent at `sent_at` says nothing about the contact's present ids.
    pub(super) fn is_late(&self, sent_at: DateTime<Utc>) -> bool {
        self.ids_since.is_some_and(|since| sent_at <= since)
    }

    /// Whether the contact was the person at `sent_at`, by the rules of `messages/find.sql`.
    pub(super) fn are_of(&self, person: &Person, sent_at: DateTime<Utc>) -> bool {
        let asked = person.external_user_id.as_ref();
        let former = self.former_external_user_id.as_ref();
        let has_id = asked.is_some() && asked == former;
        let has_line = || {
            let mut lines = person
                .readings()
                .map(|reading| line(&reading.key, reading.extension.as_deref()));
            (asked.is_none() || former.is_none()) && lines.any(|line| self.former_line == Some(line))
        };
        self.is_late(sent_at) && (has_id || has_line())
    }
}

/// A line as the column `former_line` stores it.
pub(super) fn line(key: &str, extension: Option<&str>) -> String {
    match extension {
        Some(extension) => format!("{key};{extension}"),
        None => key.to_owned(),
    }
}
