//! The statements of single contacts.

pub(super) const FIRST_PAGE: &str = include_str!("first_page.sql");
pub(super) const NEXT_PAGE: &str = include_str!("next_page.sql");
pub(super) const OLDEST_ON_LINE: &str = include_str!("oldest_on_line.sql");
pub(super) const OLDEST_BY_EMAIL: &str = include_str!("oldest_by_email.sql");

/// Every statement of single contacts by the name of its file, for tests that run each on a database.
pub fn statements() -> [(&'static str, &'static str); 4] {
    [
        ("first_page", FIRST_PAGE),
        ("next_page", NEXT_PAGE),
        ("oldest_on_line", OLDEST_ON_LINE),
        ("oldest_by_email", OLDEST_BY_EMAIL),
    ]
}
