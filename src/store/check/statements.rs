//! The statements of a check.

/// Makes the temporary tables.
pub const TABLES: &str = include_str!("tables.sql");

pub(super) const ROWS: &str = include_str!("rows.sql");
pub(super) const CONTACTS: &str = include_str!("contacts.sql");
/// Makes the temporary table of the copied contacts.
pub(super) const JUDGED_CONTACTS: &str = include_str!("judged_contacts.sql");
/// The contacts of the copy, the oldest one first.
pub(super) const COPIED_CONTACTS: &str = "SELECT * FROM judged_contacts ORDER BY record_id";
pub(super) const LINES: &str = include_str!("lines.sql");

/// Every statement of a check by the name of its file, for tests that run each on a database. The first two make the
/// temporary tables that the others read, besides that of an import.
pub fn statements() -> [(&'static str, &'static str); 5] {
    [
        ("check_tables", TABLES),
        ("judged_contacts", JUDGED_CONTACTS),
        ("check_rows", ROWS),
        ("check_contacts", CONTACTS),
        ("check_lines", LINES),
    ]
}
