//! The statements of an import.

/// Makes the temporary table of the rows, which `Staging` fills.
pub(super) const ROWS: &str = include_str!("rows.sql");

/// Makes the temporary tables of the merge.
pub(crate) const GROUPS: &str = include_str!("groups.sql");

pub(super) const MAKE_LISTS: &str = include_str!("make_lists.sql");
pub(super) const FIND_BY_EXTERNAL_ID: &str = include_str!("find_by_external_id.sql");
pub(super) const FIND_BY_PHONE: &str = include_str!("find_by_phone.sql");
pub(super) const FIND_BY_EMAIL: &str = include_str!("find_by_email.sql");
pub(super) const FIND_EXACTLY: &str = include_str!("find_exactly.sql");
pub(super) const COUNT_ADOPTING: &str = "SELECT count(*) AS count FROM import_groups WHERE adopts";
pub(super) const LOCK_ADOPTED: &str = include_str!("lock_adopted.sql");
pub(super) const COUNT_DOUBTFUL: &str = include_str!("count_doubtful.sql");
pub(super) const MERGE_ROWS: &str = include_str!("merge_rows.sql");
pub(super) const JOIN_PEOPLE: &str = include_str!("join_people.sql");
pub(super) const UPDATE_CONTACTS: &str = include_str!("update_contacts.sql");
pub(super) const INSERT_CONTACTS: &str = include_str!("insert_contacts.sql");
pub(super) const COUNT_DOUBLES: &str = include_str!("count_doubles.sql");
pub(super) const WORSE_GROUPS: &str = include_str!("worse_groups.sql");
pub(super) const WORSE_CONTACTS: &str = include_str!("worse_contacts.sql");
pub(super) const KEEP_IN_GROUPS: &str = include_str!("keep_in_groups.sql");
pub(super) const KEEP_IN_CONTACTS: &str = include_str!("keep_in_contacts.sql");
pub(super) const KEPT_PHONES: &str = include_str!("kept_phones.sql");
pub(super) const REPLACED_PHONES: &str = include_str!("replaced_phones.sql");
pub(super) const COUNT_NEW: &str =
    "SELECT count(*) AS count FROM import_groups WHERE entity = first_row AND contact_id IS NULL";
pub(crate) const COUNT_KNOWN: &str =
    "SELECT count(*) AS count FROM import_groups WHERE entity = first_row AND contact_id IS NOT NULL";

/// Every statement of an import by the name of its file, for tests that run each on a database. The first two make the
/// temporary tables that the others read.
pub fn statements() -> [(&'static str, &'static str); 20] {
    [
        ("rows", ROWS),
        ("groups", GROUPS),
        ("make_lists", MAKE_LISTS),
        ("find_by_external_id", FIND_BY_EXTERNAL_ID),
        ("find_by_phone", FIND_BY_PHONE),
        ("find_by_email", FIND_BY_EMAIL),
        ("find_exactly", FIND_EXACTLY),
        ("lock_adopted", LOCK_ADOPTED),
        ("count_doubtful", COUNT_DOUBTFUL),
        ("merge_rows", MERGE_ROWS),
        ("join_people", JOIN_PEOPLE),
        ("update_contacts", UPDATE_CONTACTS),
        ("insert_contacts", INSERT_CONTACTS),
        ("count_doubles", COUNT_DOUBLES),
        ("worse_groups", WORSE_GROUPS),
        ("worse_contacts", WORSE_CONTACTS),
        ("keep_in_groups", KEEP_IN_GROUPS),
        ("keep_in_contacts", KEEP_IN_CONTACTS),
        ("kept_phones", KEPT_PHONES),
        ("replaced_phones", REPLACED_PHONES),
    ]
}
