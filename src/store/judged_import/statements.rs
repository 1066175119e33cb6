//! The statements of an import by verdicts.

use crate::store::import::ROWS_PER_LINE;

const _: () = assert!(ROWS_PER_LINE == 128, "the statements compute the line of a row");

/// Adapts the table of the rows, and makes the temporary tables.
pub(super) const TABLES: &str = include_str!("tables.sql");

pub(super) const LEAVE_OUT: &str = include_str!("leave_out.sql");
pub(super) const DELETE_LEFT_OUT: &str = include_str!("delete_left_out.sql");
pub(super) const DELETE_UNUSED_LISTS: &str = include_str!("delete_unused_lists.sql");
pub(super) const SAMPLE_LEFT_OUT: &str = include_str!("sample_left_out.sql");
pub(super) const FIND_TARGETS: &str = include_str!("find_targets.sql");
pub(super) const FOLLOW_TARGETS: &str = include_str!("follow_targets.sql");
pub(super) const MAKE_GROUPS: &str = include_str!("make_groups.sql");
pub(super) const LOCK_TARGETS: &str = include_str!("lock_targets.sql");
pub(super) const COUNT_CHANGED: &str = include_str!("count_changed.sql");
pub(super) const FIND_COLLISIONS: &str = include_str!("find_collisions.sql");

/// Every statement of an import by verdicts by the name of its file, for tests that run each on a database. The first
/// one makes temporary tables that the others read, besides those of an import and of a check.
pub fn statements() -> [(&'static str, &'static str); 11] {
    [
        ("judged_tables", TABLES),
        ("leave_out", LEAVE_OUT),
        ("delete_left_out", DELETE_LEFT_OUT),
        ("delete_unused_lists", DELETE_UNUSED_LISTS),
        ("sample_left_out", SAMPLE_LEFT_OUT),
        ("find_targets", FIND_TARGETS),
        ("follow_targets", FOLLOW_TARGETS),
        ("make_groups", MAKE_GROUPS),
        ("lock_targets", LOCK_TARGETS),
        ("count_changed", COUNT_CHANGED),
        ("find_collisions", FIND_COLLISIONS),
    ]
}
