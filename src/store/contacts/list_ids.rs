//! The ids of a client's contact lists.

use std::collections::{BTreeSet, HashMap};

use diesel::pg::PgConnection;

use crate::domain::client::ClientId;
use crate::domain::contact::ContactDraft;
use crate::store::clients::ensure_list;
use crate::store::error::StoreError;

/// A cache of the ids of a client's lists. Makes lists that don't exist.
pub(super) struct ListIds {
    pub(super) client: ClientId,
    ids: HashMap<String, i64>,
}

impl ListIds {
    pub(super) fn new(client: ClientId) -> Self {
        let ids = HashMap::new();
        Self { client, ids }
    }

    /// Makes the lists of all drafts in one order, and before any contact is locked, which avoids
    /// deadlocks. An import also makes its lists before it locks a contact.
    pub(super) fn prepare<'a>(
        &mut self,
        connection: &mut PgConnection,
        drafts: impl Iterator<Item = &'a ContactDraft>,
    ) -> Result<(), StoreError> {
        let names: BTreeSet<&str> = drafts
            .filter_map(|draft| draft.given().contact_list.as_deref())
            .collect();
        names
            .into_iter()
            .try_for_each(|name| self.id(connection, name).map(drop))
    }

    pub(super) fn id(&mut self, connection: &mut PgConnection, name: &str) -> Result<i64, StoreError> {
        if let Some(id) = self.ids.get(name) {
            return Ok(*id);
        }
        let id = ensure_list(connection, self.client, name)?;
        self.ids.insert(name.to_owned(), id);
        Ok(id)
    }
}
