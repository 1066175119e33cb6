//! Finds the contact that each copied row means, and merges them.
//!
//! A row means the contact that has its identity *after* the import, so that the same rows once more change
//! nothing. Three passes find it, each looking at what the one before leaves:
//!
//! 1. rows with an external id: the contact that has it; else the contact of the channel that has the phone and no
//!    external id, which adopts the first such id; else a new one;
//! 2. rows with a phone: the oldest contact of the channel that has the phone; else a new one;
//! 3. rows with an email alone: the oldest contact of the channel that has the email; else a new one.
//!
//! An exact import has one pass instead, in which a row means the contact that has the same identity: external id,
//! else phone, else email.
//!
//! "The oldest" is by `created_at`, then by `serial_id`; new contacts get theirs in the order of the rows.
//!
//! No unique index can stand in the way of that, whatever the rows say: a contact without an external id never
//! changes its phone, nor one with an email alone its email but in case. What can is another writer, and then
//! the merge is done anew.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use diesel::sql_query;
use diesel::sql_types::{BigInt, Nullable, Text, Uuid};

use crate::domain::client::{ClientId, DEFAULT_LIST};
use crate::domain::contact::DEFAULT_CHAT_STATUS;
use crate::store::clients::ensure_list;
use crate::store::error::StoreError;
use crate::store::locks::lock_all_lines;
use crate::store::search_index;
use crate::store::transaction::ATTEMPTS;

/// How rows become contacts.
#[derive(Clone, Copy, Default, Debug)]
pub struct Rules<'a> {
    /// The source of new contacts whose rows give none; `None` leaves them without.
    pub default_source: Option<&'a str>,
    /// Whether a row means the contact of its own identity alone, and never another one that has its phone or email.
    pub exact: bool,
}

/// What became of the contacts that the rows speak of.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Merged {
    pub created: u64,
    /// Existing contacts that the rows changed.
    pub updated: u64,
    /// Existing contacts that had everything already.
    pub unchanged: u64,
    /// Rows whose phone is no valid number, and alone made them one contact with rows, or with a contact that was
    /// there, of another email. Such a phone may be what a spreadsheet left of many.
    pub doubtful: u64,
}

/// From so many changes on, the planner's statistics are brought up to date at once instead of whenever the database
/// finds time.
const MANY: u64 = 1000;

/// So many new contacts are worth an index that is made anew where the database had none.
const FIRST_LOAD: i64 = 10_000;

/// Merges the copied rows with each other and with the client's contacts.
pub(super) fn merge(connection: &mut PgConnection, client: ClientId, rules: Rules<'_>) -> Result<Merged, StoreError> {
    // Imports into one client queue up here. Writers of single contacts don't wait.
    sql_query("SELECT pg_advisory_xact_lock(hashtextextended('import ' || $1, 0))")
        .bind::<Text, _>(client.to_string())
        .execute(connection)?;
    // Nobody else gathers statistics about temporary tables.
    connection.batch_execute("ANALYZE import_rows")?;
    let mut attempt = 1;
    loop {
        // Within a savepoint: what a failed attempt did is undone, the copied rows stay.
        let merged = connection.transaction(|connection| {
            if attempt == ATTEMPTS {
                // Rather than giving up, let whoever makes contacts wait for all of the merge.
                lock_all_lines(connection, client)?;
            }
            try_merge(connection, client, rules)
        });
        match merged {
            Err(error) if attempt < ATTEMPTS && error.is_contention() => attempt += 1,
            result => return result,
        }
    }
}

fn try_merge(connection: &mut PgConnection, client: ClientId, rules: Rules<'_>) -> Result<Merged, StoreError> {
    let run = |connection: &mut PgConnection, statement: &str| {
        sql_query(statement)
            .bind::<Uuid, _>(client.as_uuid())
            .execute(connection)
    };
    let default_list = ensure_list(connection, client, DEFAULT_LIST)?;
    run(connection, MAKE_LISTS)?;
    connection.batch_execute(TABLES)?;
    let passes = if rules.exact {
        vec![FIND_EXACTLY.into()]
    } else {
        vec![find_by_external_id(), FIND_BY_PHONE.into(), find_by_email()]
    };
    for pass in passes {
        run(connection, &pass)?;
        connection.batch_execute("ANALYZE import_groups")?;
    }
    let adoption: Adoption = sql_query(LOCK_ADOPTED)
        .bind::<Uuid, _>(client.as_uuid())
        .get_result(connection)?;
    if adoption.locked < adoption.wanted {
        return Err(overtaken("another writer gave the contact an external id"));
    }
    let doubtful: CountRow = sql_query(COUNT_DOUBTFUL).get_result(connection)?;
    connection.batch_execute(&merge_rows())?;
    let updated = run(connection, &update_contacts())? as u64;
    let insert = |connection: &mut PgConnection| {
        let created = sql_query(INSERT_CONTACTS)
            .bind::<Uuid, _>(client.as_uuid())
            .bind::<BigInt, _>(default_list)
            .bind::<Nullable<Text>, _>(rules.default_source)
            .bind::<Text, _>(DEFAULT_CHAT_STATUS)
            .execute(connection)?;
        Ok::<_, StoreError>(created as u64)
    };
    let new: CountRow = sql_query(COUNT_NEW).get_result(connection)?;
    let created = if new.count >= FIRST_LOAD {
        search_index::rebuild_around(connection, insert)?
    } else {
        insert(connection)?
    };
    let known: CountRow = sql_query(COUNT_KNOWN).get_result(connection)?;
    if created + updated >= MANY {
        connection.batch_execute("ANALYZE contacts, contact_texts")?;
    }
    if created > 0 && !rules.exact {
        // Last of all, since whoever is making a contact waits from here on.
        lock_all_lines(connection, client)?;
        let doubles: CountRow = sql_query(COUNT_DOUBLES)
            .bind::<Uuid, _>(client.as_uuid())
            .get_result(connection)?;
        if doubles.count > 0 {
            return Err(overtaken("another writer made the contact"));
        }
    }
    Ok(Merged {
        created,
        updated,
        unchanged: known.count.unsigned_abs() - updated,
        doubtful: doubtful.count.unsigned_abs(),
    })
}

/// Another writer was faster, and the merge has to look again.
fn overtaken(reason: &str) -> StoreError {
    let reason = Box::new(reason.to_owned());
    StoreError::Exists(DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, reason))
}

#[derive(QueryableByName)]
struct Adoption {
    #[diesel(sql_type = BigInt)]
    wanted: i64,
    #[diesel(sql_type = BigInt)]
    locked: i64,
}

#[derive(QueryableByName)]
struct CountRow {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// The value of the last row of a group that has one.
fn last(value: &str) -> String {
    format!("(array_agg({value} ORDER BY row DESC) FILTER (WHERE {value} IS NOT NULL))[1]")
}

/// `import_groups` has the groups of rows, and the contact that each means: the group whose first row is `entity`
/// stands for it, and is the group itself unless a former pass had found or made that contact already.
/// `contact_id` is null for a new one. `serial_id`, `created_at` and `phone` are the contact's own as the passes
/// leave them, `email` as it was found, in lower case.
///
/// `import_contacts` has what the rows of all groups with one `entity` say together.
const TABLES: &str = "
CREATE TEMPORARY TABLE import_groups (
    kind smallint NOT NULL,
    platform text NOT NULL,
    identity text NOT NULL,
    first_row bigint NOT NULL,
    entity bigint NOT NULL,
    contact_id uuid,
    serial_id bigint,
    created_at timestamptz NOT NULL,
    phone text,
    email text,
    adopts boolean NOT NULL DEFAULT false
) ON COMMIT DROP;
CREATE TEMPORARY TABLE import_contacts (
    entity bigint NOT NULL,
    external_user_id text,
    phone text,
    phone_key text,
    phone_as_given text,
    email text,
    name text,
    source text,
    chat_status text,
    blocked boolean,
    is_chat_read boolean,
    contact_list text,
    default_stage_id uuid,
    ai_customer_id uuid,
    last_message_at timestamptz,
    last_inbound_at timestamptz
) ON COMMIT DROP;
";

const MAKE_LISTS: &str = "
INSERT INTO contact_lists (client_id, name)
SELECT $1, contact_list FROM import_rows
WHERE contact_list IS NOT NULL
GROUP BY contact_list
ORDER BY min(row)
ON CONFLICT DO NOTHING
";

fn find_by_external_id() -> String {
    format!(
        "
INSERT INTO import_groups
    (kind, platform, identity, first_row, entity, contact_id, serial_id, created_at, phone, email, adopts)
WITH groups AS (
    SELECT platform, identity, min(row) AS first_row, min(created_at) AS created_at, {phone} AS phone
    FROM import_rows
    WHERE kind = 1
    GROUP BY platform, identity
), known AS (
    SELECT groups.*, known.id, known.serial_id, known.created_at AS known_since, known.phone AS known_phone,
           known.email AS known_email,
           -- One contact can be adopted once: of several unknown ids with its phone, by the first in the file.
           known.id IS NULL AND row_number() OVER (
               PARTITION BY groups.platform, groups.phone, known.id IS NULL ORDER BY first_row) = 1 AS may_adopt
    FROM groups
    LEFT JOIN contacts known
        ON known.client_id = $1 AND known.platform = groups.platform AND known.external_user_id = identity
)
SELECT 1, known.platform, identity, first_row, first_row, coalesce(known.id, adopted.id),
       coalesce(known.serial_id, adopted.serial_id),
       coalesce(known.known_since, adopted.created_at, known.created_at, now()),
       coalesce(known.phone, known.known_phone), lower(coalesce(known.known_email, adopted.email)),
       adopted.id IS NOT NULL
FROM known
LEFT JOIN contacts adopted
    ON may_adopt AND adopted.client_id = $1 AND adopted.platform = known.platform
    AND adopted.phone = known.phone AND adopted.external_user_id IS NULL
",
        phone = last("phone")
    )
}

/// The contacts that have the phone are looked for where an index finds them: by the phone those that it
/// identifies, by the match key the others.
const FIND_BY_PHONE: &str = "
INSERT INTO import_groups (kind, platform, identity, first_row, entity, contact_id, serial_id, created_at, phone,
    email)
WITH groups AS (
    SELECT platform, identity, min(row) AS first_row, min(created_at) AS created_at, min(phone_key) AS phone_key
    FROM import_rows
    WHERE kind = 2
    GROUP BY platform, identity
), touched AS (
    SELECT groups.first_row, entity, contact_id, serial_id, former.created_at, email
    FROM groups
    JOIN import_groups former ON former.platform = groups.platform AND former.phone = groups.identity
), untouched AS (
    SELECT first_row, contacts.id, serial_id, contacts.created_at, email
    FROM groups
    JOIN contacts
        ON client_id = $1 AND contacts.platform = groups.platform AND phone = identity AND external_user_id IS NULL
    UNION ALL
    SELECT first_row, contacts.id, serial_id, contacts.created_at, email
    FROM groups
    JOIN contacts
        ON client_id = $1 AND contacts.platform = groups.platform AND contacts.phone_key = groups.phone_key
        AND phone = identity AND external_user_id IS NOT NULL
), oldest AS (
    SELECT DISTINCT ON (first_row) * FROM (
        SELECT * FROM touched
        UNION ALL
        SELECT first_row, first_row, id, serial_id, created_at, email FROM untouched
        WHERE NOT EXISTS (SELECT FROM import_groups former WHERE former.contact_id = untouched.id)
    ) AS candidates
    ORDER BY first_row, created_at, serial_id NULLS LAST, entity
)
SELECT 2, platform, identity, first_row, coalesce(entity, first_row), contact_id, serial_id,
       coalesce(oldest.created_at, groups.created_at, now()), identity, lower(email)
FROM groups
LEFT JOIN oldest USING (first_row)
";

fn find_by_email() -> String {
    format!(
        "
INSERT INTO import_groups (kind, platform, identity, first_row, entity, contact_id, serial_id, created_at)
WITH groups AS (
    SELECT platform, identity, min(row) AS first_row, min(created_at) AS created_at
    FROM import_rows
    WHERE kind = 3
    GROUP BY platform, identity
), said AS (
    SELECT entity, lower({email}) AS email
    FROM import_rows rows
    JOIN import_groups USING (kind, platform, identity)
    WHERE rows.email IS NOT NULL
    GROUP BY entity
), touched AS (
    SELECT groups.first_row, former.entity, contact_id, former.serial_id, former.created_at
    FROM import_groups former
    LEFT JOIN said ON said.entity = former.entity
    JOIN groups ON groups.platform = former.platform AND groups.identity = coalesce(said.email, former.email)
    WHERE former.entity = former.first_row
), untouched AS (
    SELECT first_row, contacts.id, serial_id, contacts.created_at
    FROM groups
    JOIN contacts ON client_id = $1 AND contacts.platform = groups.platform AND lower(email) = identity
), oldest AS (
    SELECT DISTINCT ON (first_row) * FROM (
        SELECT * FROM touched
        UNION ALL
        SELECT first_row, first_row, id, serial_id, created_at FROM untouched
        WHERE NOT EXISTS (SELECT FROM import_groups former WHERE former.contact_id = untouched.id)
    ) AS candidates
    ORDER BY first_row, created_at, serial_id NULLS LAST, entity
)
SELECT 3, platform, identity, first_row, coalesce(entity, first_row), contact_id, serial_id,
       coalesce(oldest.created_at, groups.created_at, now())
FROM groups
LEFT JOIN oldest USING (first_row)
",
        email = last("rows.email")
    )
}

/// Of the contacts that have a row's phone or email, only the one that is known by it.
const FIND_EXACTLY: &str = "
INSERT INTO import_groups (kind, platform, identity, first_row, entity, contact_id, serial_id, created_at, email)
WITH groups AS (
    SELECT kind, platform, identity, min(row) AS first_row, min(created_at) AS created_at
    FROM import_rows
    GROUP BY kind, platform, identity
), known AS (
    SELECT first_row, contacts.* FROM groups JOIN contacts USING (platform)
    WHERE kind = 1 AND client_id = $1 AND external_user_id = identity
    UNION ALL
    SELECT first_row, contacts.* FROM groups JOIN contacts USING (platform)
    WHERE kind = 2 AND client_id = $1 AND external_user_id IS NULL AND phone = identity
    UNION ALL
    SELECT first_row, contacts.* FROM groups JOIN contacts USING (platform)
    WHERE kind = 3 AND client_id = $1 AND external_user_id IS NULL AND phone IS NULL AND lower(email) = identity
)
SELECT kind, groups.platform, identity, first_row, first_row, id, serial_id,
       coalesce(known.created_at, groups.created_at, now()), lower(email)
FROM groups
LEFT JOIN known USING (first_row)
";

/// Another writer may give a contact an external id between the look at it and its adoption; once locked it stays
/// as it is.
const LOCK_ADOPTED: &str = "
WITH locked AS (
    SELECT FROM contacts
    JOIN import_groups ON adopts AND contact_id = id
    WHERE client_id = $1 AND external_user_id IS NULL
    FOR NO KEY UPDATE OF contacts
)
SELECT (SELECT count(*) FROM import_groups WHERE adopts) AS wanted, (SELECT count(*) FROM locked) AS locked
";

/// Rows that found their contact by a phone that is no valid number, where more than one email is said of that
/// contact. Most files have no such phone, and then nothing but the rows' flags is read.
const COUNT_DOUBTFUL: &str = "
WITH joined AS MATERIALIZED (
    SELECT entity
    FROM import_rows rows
    JOIN import_groups USING (kind, platform, identity)
    WHERE phone_unresolved AND rows.email IS NOT NULL AND (kind = 2 OR adopts)
), emails AS (
    SELECT entity, lower(rows.email) AS email
    FROM import_rows rows
    JOIN import_groups USING (kind, platform, identity)
    WHERE rows.email IS NOT NULL AND entity IN (SELECT entity FROM joined)
    UNION
    SELECT entity, email
    FROM import_groups
    WHERE email IS NOT NULL AND entity IN (SELECT entity FROM joined)
)
SELECT count(*) AS count
FROM joined
WHERE entity IN (SELECT entity FROM emails GROUP BY entity HAVING count(*) > 1)
";

/// The last row that says something wins. Phone, match key and notation belong together, so one row gives all three.
///
/// The rows are sorted once for all aggregates: sorted by each, as `array_agg(… ORDER BY …)` does before PostgreSQL
/// 16, they take three times as long.
fn merge_rows() -> String {
    let last = |value: &str, given: &str| format!("(array_agg({value}) FILTER (WHERE {given} IS NOT NULL))[1]");
    let mut values = vec!["max(external_user_id)".to_owned()];
    for column in ["phone", "phone_key", "phone_as_given"] {
        values.push(last(column, "phone"));
    }
    for column in [
        "email",
        "name",
        "source",
        "chat_status",
        "blocked",
        "is_chat_read",
        "contact_list",
        "default_stage_id",
        "ai_customer_id",
    ] {
        values.push(last(column, column));
    }
    format!(
        "
INSERT INTO import_contacts (entity, external_user_id, phone, phone_key, phone_as_given, email, name, source,
    chat_status, blocked, is_chat_read, contact_list, default_stage_id, ai_customer_id, last_message_at,
    last_inbound_at)
SELECT entity, {values}, max(last_message_at), max(last_inbound_at)
FROM (
    SELECT entity, rows.*
    FROM import_rows rows
    JOIN import_groups groups USING (kind, platform, identity)
    ORDER BY entity, row DESC
) AS sorted
GROUP BY entity;
ANALYZE import_contacts;
",
        values = values.join(", ")
    )
}

/// Sets what the rows say on the contacts that really change. The contact as it is then, not as it was looked at,
/// keeps what they leave blank.
fn update_contacts() -> String {
    let kept = |column: &str| (column.to_owned(), format!("coalesce(said.{column}, contacts.{column})"));
    let later = |column: &str| (column.to_owned(), format!("greatest(said.{column}, contacts.{column})"));
    let mut changes = vec![
        (
            "external_user_id".to_owned(),
            "coalesce(contacts.external_user_id, said.external_user_id)".to_owned(),
        ),
        (
            "contact_list_id".to_owned(),
            "coalesce(lists.id, contacts.contact_list_id)".to_owned(),
        ),
    ];
    changes.extend(["phone", "phone_key", "phone_as_given", "email", "name", "source"].map(kept));
    changes.extend(
        [
            "chat_status",
            "blocked",
            "is_chat_read",
            "default_stage_id",
            "ai_customer_id",
        ]
        .map(kept),
    );
    changes.extend(["last_message_at", "last_inbound_at"].map(later));
    let join = |texts: Vec<String>| texts.join(", ");
    format!(
        "
UPDATE contacts SET ({columns}) = ({values}), updated_at = now()
FROM import_contacts said
JOIN import_groups groups ON groups.first_row = said.entity
LEFT JOIN contact_lists lists ON lists.client_id = $1 AND lists.name = said.contact_list
WHERE contacts.client_id = $1 AND contacts.id = contact_id AND ({present}) IS DISTINCT FROM ({values})
",
        columns = join(changes.iter().map(|(column, _)| column.clone()).collect()),
        present = join(changes.iter().map(|(column, _)| format!("contacts.{column}")).collect()),
        values = join(changes.iter().map(|(_, value)| value.clone()).collect()),
    )
}

/// In the order of the rows, so that the serial ids follow the file.
const INSERT_CONTACTS: &str = "
INSERT INTO contacts (client_id, id, contact_list_id, name, phone, phone_key, phone_as_given, email, platform,
    external_user_id, source, chat_status, blocked, is_chat_read, default_stage_id, ai_customer_id, created_at,
    last_message_at, last_inbound_at)
SELECT $1, first.id, coalesce(lists.id, $2), said.name, said.phone, said.phone_key, said.phone_as_given, said.email,
    groups.platform, said.external_user_id, coalesce(said.source, $3), coalesce(said.chat_status, $4),
    coalesce(said.blocked, false), coalesce(said.is_chat_read, true), said.default_stage_id,
    said.ai_customer_id, groups.created_at, said.last_message_at, said.last_inbound_at
FROM import_contacts said
JOIN import_groups groups ON groups.first_row = said.entity
JOIN import_rows first ON first.row = said.entity
LEFT JOIN contact_lists lists ON lists.client_id = $1 AND lists.name = said.contact_list
WHERE contact_id IS NULL
ORDER BY said.entity
";

const COUNT_NEW: &str = "
SELECT count(*) AS count FROM import_groups WHERE entity = first_row AND contact_id IS NULL
";

const COUNT_KNOWN: &str = "
SELECT count(*) AS count FROM import_groups WHERE entity = first_row AND contact_id IS NOT NULL
";

/// Contacts that other writers made meanwhile, of which the import would have updated each instead of making its own.
/// Each is looked for on its own by the index: the planner takes it for one of few, and none at all are expected, but
/// each finds itself first.
const COUNT_DOUBLES: &str = "
WITH made AS MATERIALIZED (
    SELECT first.id, first.platform, said.external_user_id, said.phone, said.phone_key
    FROM import_contacts said
    JOIN import_groups groups ON groups.first_row = said.entity
    JOIN import_rows first ON first.row = said.entity
    WHERE contact_id IS NULL AND said.phone IS NOT NULL
)
SELECT count(*) AS count
FROM made
CROSS JOIN LATERAL (
    SELECT FROM contacts other
    WHERE other.client_id = $1 AND other.phone_key = made.phone_key AND other.phone = made.phone
        AND other.platform = made.platform AND other.id <> made.id
        AND (made.external_user_id IS NULL OR other.external_user_id IS NULL)
    OFFSET 0
) AS double
";
