//! The statements of a search.

/// The statements that look for one column's term; the texts differ in the column alone.
pub(super) trait TermColumn: 'static {
    /// All of a client's contacts. Binds: client, pattern.
    const WHOLE_WALK: &str;
    /// The newest contacts, and those after them where the first say so. Binds: client, pattern, four times the rows to
    /// walk first, the fewest matches with which to walk on, rows to walk in all times matches, rows walked first.
    ///
    /// It walks on from the last match, whose place it knows, and not from the last row. Where that match has no
    /// messages, all that have some are behind, and of those without the first are met again.
    const WALK: &str;
    /// Binds: client, client, grams, client, client, pattern. The periods come in their order and contacts without
    /// messages last; as soon as there are fifty, the rest is left unread.
    const GRAMS: &str;
}

/// The first `rows` of a client's contacts whose last message came at `until` or before, and of those without messages,
/// which come last. They are read from three places, one after the other, and no further than needed: PostgreSQL reads
/// the parts of a UNION ALL in their order, which the property test and `tests/data/plans.txt` hold. To merge them would
/// cost a third more.
macro_rules! newest_first {
    ($name:literal, until: $until:literal, rows: $rows:literal) => {
        concat!(
            "(SELECT id, last_message_at, ",
            $name,
            "
              FROM contacts_newest
              WHERE client_id = (SELECT client FROM asked)
                    AND last_message_at >= (SELECT border FROM asked) AND last_message_at <= ",
            $until,
            "
              ORDER BY last_message_at DESC NULLS LAST, id LIMIT ",
            $rows,
            ")
             UNION ALL
             (SELECT id, last_message_at, ",
            $name,
            "
              FROM contacts
              WHERE client_id = (SELECT client FROM asked)
                    AND last_message_at < (SELECT border FROM asked) AND last_message_at <= ",
            $until,
            "
              ORDER BY last_message_at DESC NULLS LAST, id LIMIT ",
            $rows,
            ")
             UNION ALL
             (SELECT id, last_message_at, ",
            $name,
            "
              FROM contacts
              WHERE client_id = (SELECT client FROM asked) AND last_message_at IS NULL
              ORDER BY last_message_at DESC NULLS LAST, id LIMIT ",
            $rows,
            ")
             LIMIT ",
            $rows
        )
    };
}

macro_rules! column {
    ($column:ident: $name:literal LIKE $pattern:literal) => {
        impl TermColumn for $column {
            const WHOLE_WALK: &str = concat!(
                "SELECT id, last_message_at
                 FROM (SELECT id, last_message_at, ",
                $name,
                " FROM contacts WHERE client_id = ?
                       ORDER BY last_message_at DESC NULLS LAST, id OFFSET 0) AS recent
                 WHERE ",
                $name,
                " LIKE ",
                $pattern,
                "
                 LIMIT 50"
            );
            const WALK: &str = concat!(
                "WITH asked AS MATERIALIZED (
                     SELECT ?::uuid AS client, ",
                $pattern,
                " AS pattern,
                            coalesce((SELECT since FROM contacts_newest_border), 'infinity') AS border),
                 probe AS MATERIALIZED (
                     SELECT id, last_message_at
                     FROM (",
                newest_first!($name, until: "'infinity'", rows: "?"),
                ") AS newest
                     WHERE ",
                $name,
                " LIKE (SELECT pattern FROM asked)
                     LIMIT 50),
                 probed AS MATERIALIZED (
                     SELECT CASE WHEN bool_and(last_message_at IS NOT NULL) THEN min(last_message_at) END AS until,
                            50 - count(*) AS missing,
                            CASE WHEN count(*) BETWEEN ? AND 49 THEN ? / count(*) - ? ELSE 0 END AS further
                     FROM probe)
                 SELECT id, last_message_at, false AS is_further FROM probe
                 UNION ALL
                 (SELECT id, last_message_at, true
                  FROM (",
                newest_first!(
                    $name, until: "(SELECT until FROM probed)", rows: "(SELECT further FROM probed)"
                ),
                ") AS further
                  WHERE ",
                $name,
                " LIKE (SELECT pattern FROM asked) AND id NOT IN (SELECT id FROM probe)
                  LIMIT (SELECT missing FROM probed))"
            );
            const GRAMS: &str = concat!(
                "SELECT found.id, found.last_message_at
                 FROM (SELECT contact_period((SELECT last_message_at FROM contacts
                                              WHERE client_id = ? AND last_message_at IS NOT NULL
                                              ORDER BY last_message_at DESC NULLS LAST, id LIMIT 1)) AS newest,
                              contact_period((SELECT last_message_at FROM contacts
                                              WHERE client_id = ? AND last_message_at IS NOT NULL
                                              ORDER BY last_message_at ASC NULLS FIRST, id DESC LIMIT 1)) AS oldest
                      ) AS span
                 CROSS JOIN LATERAL
                     (SELECT generate_series(newest, oldest, -1) AS period UNION ALL SELECT NULL) AS periods
                 CROSS JOIN LATERAL (
                     SELECT id, last_message_at
                     FROM (SELECT client_id, id, last_message_at, ",
                $name,
                " FROM contact_texts
                           WHERE contact_grams(gram_prefix, phone, email_lower)
                                 @@ replace(lower(?), E'\\x01', contact_gram_prefix(?, period))::tsquery
                           OFFSET 0) AS candidates
                     WHERE client_id = ? AND ",
                $name,
                " LIKE ",
                $pattern,
                "
                     ORDER BY last_message_at DESC NULLS LAST, id
                     LIMIT 50) AS found
                 LIMIT 50"
            );
        }
    };
}

pub(super) struct EmailColumn;
pub(super) struct PhoneColumn;

// The term is lowered once, not for each row.
column!(EmailColumn: "email_lower" LIKE "(SELECT lower(?))");
column!(PhoneColumn: "phone" LIKE "?::text");

/// Both columns at once, for small clients. Binds: client, pattern of the email, pattern of the phone.
pub(super) const EITHER_WALK: &str = "
    SELECT id, last_message_at
    FROM (SELECT id, last_message_at, phone, email_lower FROM contacts WHERE client_id = ?
          ORDER BY last_message_at DESC NULLS LAST, id OFFSET 0) AS recent
    WHERE email_lower LIKE (SELECT lower(?)) OR phone LIKE ?
    LIMIT 50";

pub(super) const WHOLE_NUMBER: &str = "
    SELECT id, last_message_at
    FROM (SELECT id, last_message_at FROM contacts WHERE client_id = ? AND phone_key = ANY(?) OFFSET 0) AS matching
    ORDER BY last_message_at DESC NULLS LAST, id
    LIMIT 50";

/// Stops counting at the limit it is given. The order is that of the walk, so that the same index is read.
pub(super) const CLIENT_SIZE: &str = "
    SELECT count(*) AS count
    FROM (SELECT FROM contacts WHERE client_id = ? ORDER BY last_message_at DESC NULLS LAST, id LIMIT ?) AS recent";

pub(super) const CONTACTS: &str = "
    SELECT id, name, phone, email, platform, last_message_at, chat_status, created_at, client_id, ai_customer_id,
           default_stage_id, blocked, is_chat_read
    FROM contacts
    WHERE client_id = ? AND id = ANY(?)
    ORDER BY last_message_at DESC NULLS LAST, id";

/// Every statement that a search may ask, by its name: for tests of the plans. `?` stands for each value.
pub fn statements() -> [(&'static str, &'static str); 10] {
    [
        ("email, whole walk", EmailColumn::WHOLE_WALK),
        ("email, walk", EmailColumn::WALK),
        ("email, grams", EmailColumn::GRAMS),
        ("phone, whole walk", PhoneColumn::WHOLE_WALK),
        ("phone, walk", PhoneColumn::WALK),
        ("phone, grams", PhoneColumn::GRAMS),
        ("either, walk", EITHER_WALK),
        ("whole number", WHOLE_NUMBER),
        ("size of a client", CLIENT_SIZE),
        ("contacts", CONTACTS),
    ]
}
