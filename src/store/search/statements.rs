//! The statements of a search.

use std::sync::LazyLock;

use super::newest_sample::NewestSample;

/// The statements for one column's term. The texts only differ in the column and in the number of patterns.
pub(super) trait TermColumn: 'static {
    /// Walks all of a client's contacts.
    fn whole_walk() -> &'static str;
    /// Walks the newest contacts.
    fn walk() -> &'static str;
    /// Finds the contacts that have all grams of a term.
    fn grams() -> &'static str;
    /// The column's values in a sample.
    fn lines(sample: &NewestSample) -> &str;
}

const WHOLE_WALK: &str = include_str!("whole_walk.sql");
const WALK: &str = include_str!("walk.sql");
const GRAMS: &str = include_str!("grams.sql");

pub(super) struct EmailColumn;

impl TermColumn for EmailColumn {
    fn whole_walk() -> &'static str {
        WHOLE_WALK
    }

    fn walk() -> &'static str {
        WALK
    }

    fn grams() -> &'static str {
        GRAMS
    }

    fn lines(sample: &NewestSample) -> &str {
        &sample.emails
    }
}

pub(super) struct PhoneColumn;

impl TermColumn for PhoneColumn {
    fn whole_walk() -> &'static str {
        static TEXT: LazyLock<String> = LazyLock::new(|| on_phone(WHOLE_WALK));
        &TEXT
    }

    fn walk() -> &'static str {
        static TEXT: LazyLock<String> = LazyLock::new(|| on_phone(WALK));
        &TEXT
    }

    fn grams() -> &'static str {
        static TEXT: LazyLock<String> = LazyLock::new(|| on_phone(GRAMS));
        &TEXT
    }

    fn lines(sample: &NewestSample) -> &str {
        &sample.phones
    }
}

/// The column of phones, for a term with several pieces. The pattern of its statements is a text array in PostgreSQL's
/// notation, and a contact matches if it matches one of them.
pub(super) struct PhoneColumnOfSeveral;

impl TermColumn for PhoneColumnOfSeveral {
    fn whole_walk() -> &'static str {
        static TEXT: LazyLock<String> = LazyLock::new(|| of_several(PhoneColumn::whole_walk()));
        &TEXT
    }

    fn walk() -> &'static str {
        static TEXT: LazyLock<String> = LazyLock::new(|| of_several(PhoneColumn::walk()));
        &TEXT
    }

    fn grams() -> &'static str {
        static TEXT: LazyLock<String> = LazyLock::new(|| of_several(PhoneColumn::grams()));
        &TEXT
    }

    fn lines(sample: &NewestSample) -> &str {
        &sample.phones
    }
}

/// Changes a statement for one pattern of digits into one for an array of patterns. A subquery reads the array once,
/// not for each row. The cast around the subquery is necessary, because ANY would read the rows of a bare subquery.
fn of_several(statement: &str) -> String {
    statement
        .replace(
            "LIKE (SELECT lower($2))",
            "LIKE ANY ((SELECT $2::text::text[])::text[])",
        )
        .replace(
            "LIKE (SELECT lower($3))",
            "LIKE ANY ((SELECT $3::text::text[])::text[])",
        )
}

/// Changes a statement for emails into one for phones. The result still lowercases the pattern, although a phone's
/// pattern has no letters.
fn on_phone(statement: &str) -> String {
    statement.replace("email_lower AS searched", "phone AS searched")
}

/// Walks all of a small client's contacts for both terms at once.
pub(super) const EITHER_WALK: &str = include_str!("either_walk.sql");

/// Walks all of a small client's contacts for an email and for a phone with several pieces.
pub(super) fn either_walk_of_several() -> &'static str {
    static TEXT: LazyLock<String> =
        LazyLock::new(|| EITHER_WALK.replace("phone LIKE $3", "phone LIKE ANY ((SELECT $3::text::text[])::text[])"));
    &TEXT
}

pub(super) const WHOLE_EMAIL: &str = include_str!("whole_email.sql");

pub(super) const WHOLE_NUMBER: &str = include_str!("whole_number.sql");

pub(super) const CLIENT_SIZE: &str = include_str!("client_size.sql");

pub(super) const NEWEST_SAMPLE: &str = include_str!("newest_sample.sql");

/// Every statement of a search by its name, for tests of the plans.
pub fn statements() -> [(&'static str, String); 15] {
    [
        ("email, whole walk", EmailColumn::whole_walk().to_owned()),
        ("email, walk", EmailColumn::walk().to_owned()),
        ("email, grams", EmailColumn::grams().to_owned()),
        ("phone, whole walk", PhoneColumn::whole_walk().to_owned()),
        ("phone, walk", PhoneColumn::walk().to_owned()),
        ("phone, grams", PhoneColumn::grams().to_owned()),
        (
            "phone of several pieces, whole walk",
            PhoneColumnOfSeveral::whole_walk().to_owned(),
        ),
        ("phone of several pieces, walk", PhoneColumnOfSeveral::walk().to_owned()),
        (
            "phone of several pieces, grams",
            PhoneColumnOfSeveral::grams().to_owned(),
        ),
        ("either, walk", EITHER_WALK.to_owned()),
        ("either, walk for several pieces", either_walk_of_several().to_owned()),
        ("whole email", WHOLE_EMAIL.to_owned()),
        ("whole number", WHOLE_NUMBER.to_owned()),
        ("size of a client", CLIENT_SIZE.to_owned()),
        ("newest sample", NEWEST_SAMPLE.to_owned()),
    ]
}
