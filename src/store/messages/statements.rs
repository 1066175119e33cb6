//! The statements of the recording of messages.

pub(super) const FIND: &str = include_str!("find.sql");
pub(super) const UPDATE: &str = include_str!("update.sql");

/// Every statement of the recording of messages by the name of its file, for tests that run each on a database.
pub fn statements() -> [(&'static str, &'static str); 2] {
    [("find", FIND), ("update", UPDATE)]
}
