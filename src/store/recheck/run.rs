//! Walks over all contacts, and writes all changes or none.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::query_dsl::LoadQuery;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Bool, Nullable, Text, Uuid as SqlUuid};
use uuid::Uuid;

use super::statements::{APPLY, CHANGES, CONFLICTS, ON_ONE_LINE, PAGE, UNCHANGED, VACATE};
use crate::domain::client::ClientId;
use crate::domain::phone::Region;
use crate::domain::recheck::{KnownPhone, Verdict, read_again};
use crate::store::copy_writer::CopyWriter;
use crate::store::error::StoreError;
use crate::store::locks::lock_imports;
use crate::store::statement::Statement;
use crate::store::transaction::{ATTEMPTS, transaction};

diesel::table! {
    recheck_changes (id) {
        id -> Uuid,
        platform -> Text,
        old_external_user_id -> Nullable<Text>,
        old_phone -> Nullable<Text>,
        old_line -> Nullable<Text>,
        old_identity -> Nullable<Text>,
        phone_as_given -> Nullable<Text>,
        phone -> Nullable<Text>,
        phone_key -> Nullable<Text>,
        phone_extension -> Nullable<Text>,
        phone_identifies -> Bool,
        external_user_id -> Nullable<Text>,
        email_lower -> Nullable<Text>,
        line -> Nullable<Text>,
        identity -> Nullable<Text>,
    }
}

#[derive(Insertable)]
#[diesel(table_name = recheck_changes, treat_none_as_default_value = false)]
struct Change {
    id: Uuid,
    platform: String,
    old_external_user_id: Option<String>,
    old_phone: Option<String>,
    old_line: Option<String>,
    old_identity: Option<String>,
    phone_as_given: Option<String>,
    phone: Option<String>,
    phone_key: Option<String>,
    phone_extension: Option<String>,
    phone_identifies: bool,
    external_user_id: Option<String>,
    email_lower: Option<String>,
    line: Option<String>,
    identity: Option<String>,
}

#[derive(QueryableByName)]
struct StoredContact {
    #[diesel(sql_type = SqlUuid)]
    id: Uuid,
    #[diesel(sql_type = BigInt)]
    serial_id: i64,
    #[diesel(sql_type = Text)]
    platform: String,
    #[diesel(sql_type = Nullable<Text>)]
    external_user_id: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    phone: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    phone_key: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    phone_as_given: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    phone_extension: Option<String>,
    #[diesel(sql_type = Bool)]
    phone_identifies: bool,
    #[diesel(sql_type = Nullable<Text>)]
    email_lower: Option<String>,
}

/// A contact whose stored phone or external id the current rules read differently.
#[derive(Clone, Debug)]
pub struct Finding {
    pub id: Uuid,
    /// The integer id.
    pub serial_id: i64,
    pub platform: String,
    /// The text from which the phone was read. `None` if it is not stored; then only the external id differs.
    pub as_given: Option<String>,
    pub before: KnownPhone,
    /// The phone as the current rules read it. `None` if the contact keeps a valid number, because the rules read none.
    pub after: Option<KnownPhone>,
}

/// Two contacts, of which a change concerns at least one.
#[derive(Clone, PartialEq, Eq, Debug, QueryableByName)]
pub struct ContactPair {
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    #[diesel(sql_type = SqlUuid)]
    pub other_id: Uuid,
    /// The count of all pairs of the statement.
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// The result of a recheck.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct Recheck {
    /// Contacts that store the text from which their phone was read, or the external id of a person with a hidden
    /// number.
    pub read: u64,
    /// Contacts whose phone or external id the current rules read differently, without the contacts in `kept`.
    pub differing: u64,
    /// Contacts that keep a valid number, because the current rules read no valid number.
    pub kept: u64,
    /// Contacts whose phone was read in another region than the client's. They stay unchanged.
    pub other_region: u64,
    /// Contacts that were changed.
    pub mended: u64,
    pub conflict_count: u64,
    /// The first conflicts: changes that would give a contact the identity of another one. If there is any, no contact
    /// is changed.
    pub conflicts: Vec<ContactPair>,
    pub on_one_line_count: u64,
    /// The first pairs of contacts that the changes put on one line. They stay two contacts.
    pub on_one_line: Vec<ContactPair>,
}

/// The most pairs of one kind that a recheck returns.
const PAIRS_MAX: i64 = 1_000;

/// Reads the phones and external ids of the client's contacts again, in pages, and passes each finding to `observe`.
/// With `apply` it writes all changes in one transaction, unless one of them conflicts. If another writer changes the
/// phone or the external id of a contact while this runs, the contact stays as that writer leaves it.
///
/// The connection should have no `statement_timeout`.
///
/// # Errors
/// Those of `observe`, which end the recheck, and [`StoreError`]; [`StoreError::Exists`] or [`StoreError::Contended`]
/// if other writers made every attempt fail. No contact is changed then.
pub fn recheck<E: From<StoreError>>(
    connection: &mut PgConnection,
    client: ClientId,
    region: Region,
    apply: bool,
    mut observe: impl FnMut(&Finding) -> Result<(), E>,
) -> Result<Recheck, E> {
    transaction(connection, |connection| {
        if !apply {
            // A report writes only its temporary table, so it also runs where transactions are read-only by default. A
            // standby still refuses it.
            connection
                .batch_execute("SET LOCAL transaction_read_only = off")
                .map_err(StoreError::from)?;
        }
        connection.batch_execute(CHANGES).map_err(StoreError::from)?;
        let mut result = Recheck::default();
        let mut changes = CopyWriter::new(&mut *connection, |connection, batch| {
            diesel::copy_from(recheck_changes::table)
                .from_insertable(batch)
                .execute(connection)
        });
        let mut last = Uuid::nil();
        loop {
            let page: Vec<StoredContact> = Statement::new(|| PAGE)
                .bind::<SqlUuid, _>(client.as_uuid())
                .bind::<SqlUuid, _>(last)
                .load(changes.connection)
                .map_err(StoreError::from)?;
            let Some(last_of_page) = page.last() else {
                break;
            };
            last = last_of_page.id;
            for contact in page {
                if let Some(change) = check(contact, region, &mut result, &mut observe)? {
                    changes.push(change)?;
                }
            }
        }
        changes.flush()?;
        Ok(finish(connection, client, apply, result)?)
    })
}

fn check<E>(
    contact: StoredContact,
    region: Region,
    result: &mut Recheck,
    observe: &mut impl FnMut(&Finding) -> Result<(), E>,
) -> Result<Option<Change>, E> {
    result.read += 1;
    let before = KnownPhone {
        phone: contact.phone,
        key: contact.phone_key,
        extension: contact.phone_extension,
        identifies: contact.phone_identifies,
        external_user_id: contact.external_user_id,
    };
    let after = match read_again(&before, contact.phone_as_given.as_deref(), region, &contact.platform) {
        Verdict::Same => return Ok(None),
        Verdict::OtherRegion => {
            result.other_region += 1;
            return Ok(None);
        }
        Verdict::Worse => {
            result.kept += 1;
            None
        }
        Verdict::Differs(after) => {
            result.differing += 1;
            Some(after)
        }
    };
    let finding = Finding {
        id: contact.id,
        serial_id: contact.serial_id,
        platform: contact.platform,
        as_given: contact.phone_as_given,
        before,
        after,
    };
    observe(&finding)?;
    let Finding {
        id,
        platform,
        as_given,
        before,
        after,
        ..
    } = finding;
    let email = contact.email_lower;
    Ok(after.map(|after| Change {
        id,
        platform,
        old_line: before.line(),
        old_identity: before.identity(email.as_deref()),
        old_external_user_id: before.external_user_id,
        old_phone: before.phone,
        phone_as_given: as_given,
        line: after.line(),
        identity: after.identity(email.as_deref()),
        phone: after.phone,
        phone_key: after.key,
        phone_extension: after.extension,
        phone_identifies: after.identifies,
        external_user_id: after.external_user_id,
        email_lower: email,
    }))
}

/// Finds the conflicts, and writes the changes if there is none.
fn finish(
    connection: &mut PgConnection,
    client: ClientId,
    apply: bool,
    mut result: Recheck,
) -> Result<Recheck, StoreError> {
    // Autovacuum doesn't analyze temporary tables.
    connection.batch_execute(
        "CREATE INDEX ON recheck_changes (line); CREATE INDEX ON recheck_changes (identity); ANALYZE recheck_changes",
    )?;
    if apply {
        lock_imports(connection, client)?;
    }
    let conflicts = sql_query(CONFLICTS)
        .bind::<SqlUuid, _>(client.as_uuid())
        .bind::<BigInt, _>(PAIRS_MAX);
    (result.conflicts, result.conflict_count) = pairs(connection, conflicts)?;
    sql_query(UNCHANGED)
        .bind::<SqlUuid, _>(client.as_uuid())
        .execute(connection)?;
    // Autovacuum doesn't analyze temporary tables.
    connection.batch_execute("CREATE INDEX ON recheck_unchanged (phone_key); ANALYZE recheck_unchanged")?;
    let on_one_line = sql_query(ON_ONE_LINE).bind::<BigInt, _>(PAIRS_MAX);
    (result.on_one_line, result.on_one_line_count) = pairs(connection, on_one_line)?;
    if !apply || result.conflict_count > 0 {
        return Ok(result);
    }
    let mut attempt = 1;
    let mended = loop {
        // A savepoint: writers of the same contacts can make an attempt fail by a deadlock.
        let written = connection.transaction(|connection| {
            sql_query(VACATE)
                .bind::<SqlUuid, _>(client.as_uuid())
                .execute(connection)?;
            let written = sql_query(APPLY)
                .bind::<SqlUuid, _>(client.as_uuid())
                .execute(connection)?;
            Ok::<_, StoreError>(written)
        });
        match written {
            Err(error) if attempt < ATTEMPTS && error.is_contention() => attempt += 1,
            written => break written?,
        }
    };
    result.mended = mended as u64;
    Ok(result)
}

/// Runs a statement that lists pairs of contacts. Returns the first pairs, and the count of all.
fn pairs<'q>(
    connection: &mut PgConnection,
    statement: impl LoadQuery<'q, PgConnection, ContactPair>,
) -> QueryResult<(Vec<ContactPair>, u64)> {
    let pairs: Vec<ContactPair> = statement.load(connection)?;
    let count = pairs.first().map_or(0, |first| first.count.unsigned_abs());
    Ok((pairs, count))
}
