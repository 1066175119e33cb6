//! The phones of an import: a contact keeps its phone if the rows give only worse ones.

use diesel::prelude::*;
use diesel::query_dsl::LoadQuery;
use diesel::sql_query;
use diesel::sql_types::{Array, BigInt, Bool, Nullable, SmallInt, Text, Uuid};

use super::statements::{KEEP_IN_CONTACTS, KEEP_IN_GROUPS, KEPT_PHONES, REPLACED_PHONES, WORSE_CONTACTS, WORSE_GROUPS};
use crate::domain::client::ClientId;
use crate::domain::contact::PhoneWorth;
use crate::store::error::StoreError;

/// The most rows that a [`RowSample`] names.
pub const SAMPLE: usize = 20;

/// Rows of an import, of which only the first are named.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub struct RowSample {
    pub count: u64,
    /// The numbers of the first [`SAMPLE`] rows, ascending.
    pub first: Vec<u64>,
}

impl RowSample {
    /// How many rows a statement returns for a sample.
    pub(crate) const LIMIT: i64 = SAMPLE as i64;

    /// Loads the sample that a statement returns. The statement needs [`Self::LIMIT`].
    pub(crate) fn load<'q>(
        connection: &mut PgConnection,
        statement: impl LoadQuery<'q, PgConnection, SampledRow>,
    ) -> Result<Self, StoreError> {
        let rows: Vec<SampledRow> = statement.load(connection)?;
        Ok(Self {
            count: rows.first().map_or(0, |row| row.count.unsigned_abs()),
            first: rows.iter().map(|row| row.number.unsigned_abs()).collect(),
        })
    }
}

/// A row of a sample.
#[derive(QueryableByName)]
pub(crate) struct SampledRow {
    #[diesel(sql_type = BigInt, column_name = "row")]
    number: i64,
    /// The count of all rows.
    #[diesel(sql_type = BigInt)]
    count: i64,
}

/// A contact's phone, and the worth of the phone that its rows give.
#[derive(QueryableByName)]
struct WorsePhone {
    #[diesel(sql_type = BigInt)]
    entity: i64,
    /// The phone that the contact stores.
    #[diesel(sql_type = Nullable<Text>)]
    phone: Option<String>,
    #[diesel(sql_type = Bool)]
    phone_identifies: bool,
    /// The worth of the rows' phone.
    #[diesel(sql_type = SmallInt)]
    phone_worth: i16,
}

/// Lets the second pass find the contacts of external ids by the phone that they keep.
pub(super) fn keep_in_groups(connection: &mut PgConnection, client: ClientId) -> Result<(), StoreError> {
    if find_kept(connection, client, WORSE_GROUPS)? {
        sql_query(KEEP_IN_GROUPS)
            .bind::<Uuid, _>(client.as_uuid())
            .execute(connection)?;
    }
    Ok(())
}

/// Removes the merged phones that are worse than the phones of their contacts.
pub(super) fn keep_in_contacts(connection: &mut PgConnection, client: ClientId) -> Result<(), StoreError> {
    if find_kept(connection, client, WORSE_CONTACTS)? {
        sql_query(KEEP_IN_CONTACTS).execute(connection)?;
    }
    Ok(())
}

/// Fills `import_kept` with the entities whose contact keeps its phone. Returns `false` if no contact keeps its phone.
/// The rules for phones decide the worth of a stored phone, so SQL can't compute it. A cursor bounds the memory, since
/// every phone of a file can be damaged.
fn find_kept(connection: &mut PgConnection, client: ClientId, worse: &str) -> Result<bool, StoreError> {
    sql_query("TRUNCATE import_kept").execute(connection)?;
    sql_query(format!("DECLARE worse_phones NO SCROLL CURSOR FOR {worse}"))
        .bind::<Uuid, _>(client.as_uuid())
        .execute(connection)?;
    let mut keeps_any = false;
    loop {
        let worse: Vec<WorsePhone> = sql_query("FETCH 1000 FROM worse_phones").load(connection)?;
        if worse.is_empty() {
            break;
        }
        let (mut entities, mut worths) = (Vec::new(), Vec::new());
        for row in worse {
            let Some(phone) = row.phone else {
                continue;
            };
            let stored = PhoneWorth::of_stored(&phone, row.phone_identifies) as i16;
            if stored > row.phone_worth {
                entities.push(row.entity);
                worths.push(stored);
            }
        }
        keeps_any |= !entities.is_empty();
        sql_query("INSERT INTO import_kept SELECT * FROM unnest($1, $2)")
            .bind::<Array<BigInt>, _>(entities)
            .bind::<Array<SmallInt>, _>(worths)
            .execute(connection)?;
    }
    sql_query("CLOSE worse_phones").execute(connection)?;
    Ok(keeps_any)
}

/// The rows whose phone is not written, because the contact has a better one.
pub(super) fn kept_phones(connection: &mut PgConnection) -> Result<RowSample, StoreError> {
    let statement = sql_query(KEPT_PHONES).bind::<BigInt, _>(RowSample::LIMIT);
    RowSample::load(connection, statement)
}

/// The rows whose phone replaces another number. It must be called before the contacts are written.
pub(super) fn replaced_phones(connection: &mut PgConnection, client: ClientId) -> Result<RowSample, StoreError> {
    let statement = sql_query(REPLACED_PHONES)
        .bind::<Uuid, _>(client.as_uuid())
        .bind::<BigInt, _>(RowSample::LIMIT);
    RowSample::load(connection, statement)
}
