//! Clients: the organisations that contacts belong to.

use std::fmt;

use uuid::Uuid;

/// Identifies the client whose rows a function may touch.
///
/// Only authentication (from a request's key or a webhook's token) and the command line (from the operator's argument)
/// create one.
/// Every store function that reads or writes contacts takes one.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct ClientId(Uuid);

impl ClientId {
    pub const fn new(id: Uuid) -> Self {
        Self(id)
    }

    pub const fn as_uuid(self) -> Uuid {
        self.0
    }
}

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The contact list that every client has from the start.
pub const DEFAULT_LIST: &str = "Lista Principal";

/// The longest name of a client or of a contact list, in characters.
pub const NAME_MAX: usize = 200;
