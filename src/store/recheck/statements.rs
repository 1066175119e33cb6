//! The statements of a recheck.

/// Makes the temporary tables.
pub(super) const CHANGES: &str = include_str!("changes.sql");
pub(super) const PAGE: &str = include_str!("page.sql");
pub(super) const CONFLICTS: &str = include_str!("conflicts.sql");
pub(super) const UNCHANGED: &str = include_str!("unchanged.sql");
pub(super) const ON_ONE_LINE: &str = include_str!("on_one_line.sql");
pub(super) const VACATE: &str = include_str!("vacate.sql");
pub(super) const APPLY: &str = include_str!("apply.sql");

/// Every statement of a recheck by the name of its file, for tests that run each on a database. The first one makes the
/// temporary tables that the others read, except for `page`.
pub fn statements() -> [(&'static str, &'static str); 7] {
    [
        ("changes", CHANGES),
        ("page", PAGE),
        ("conflicts", CONFLICTS),
        ("unchanged", UNCHANGED),
        ("on_one_line", ON_ONE_LINE),
        ("vacate", VACATE),
        ("apply", APPLY),
    ]
}
