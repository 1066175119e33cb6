//! The statements of a recheck.

/// Makes the temporary table of the changes.
pub(super) const CHANGES: &str = include_str!("changes.sql");
pub(super) const PAGE: &str = include_str!("page.sql");
pub(super) const CONFLICTS: &str = include_str!("conflicts.sql");
pub(super) const APPLY: &str = include_str!("apply.sql");

/// Every statement of a recheck by the name of its file, for tests that run each on a database. The first one makes the
/// temporary table that the last two read.
pub fn statements() -> [(&'static str, &'static str); 4] {
    [
        ("changes", CHANGES),
        ("page", PAGE),
        ("conflicts", CONFLICTS),
        ("apply", APPLY),
    ]
}
