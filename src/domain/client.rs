//! The organisation that contacts belong to.

use std::fmt;

use uuid::Uuid;

/// Names the client whose rows a function may touch.
///
/// Only authentication (from the key that a request carries) and the command line (from the client an
/// operator names) make one; every function of the store that reads or writes contacts takes one.
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

/// The name of the list that every client has from its first moment.
pub const DEFAULT_LIST: &str = "Lista Principal";

/// The longest name of a client or of a contact list, in characters.
pub const NAME_MAX: usize = 200;
