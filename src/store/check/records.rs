//! The rows and the contacts, read in parts.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_query;
use diesel::sql_types::{BigInt, Nullable, Text, Uuid as SqlUuid};
use uuid::Uuid;

use super::statements::{CONTACTS, COPIED_CONTACTS, JUDGED_CONTACTS, ROWS};
use crate::domain::client::ClientId;
use crate::domain::duplicates::{PhoneFields, Record, RecordFields};
use crate::store::error::StoreError;

/// A row or a contact with the texts that are compared.
#[derive(QueryableByName)]
pub(super) struct RecordTexts {
    /// The id of the contact. `None` for a row.
    #[diesel(sql_type = Nullable<SqlUuid>)]
    pub contact_id: Option<Uuid>,
    /// The number of the row in `import_rows`, or the integer id of the contact. The records are in this order.
    #[diesel(sql_type = BigInt)]
    pub record_id: i64,
    #[diesel(sql_type = Nullable<Text>)]
    name: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    email: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    external_user_id: Option<String>,
    /// `None` if the phone identifies nobody.
    #[diesel(sql_type = Nullable<Text>)]
    phone: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    phone_key: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    phone_extension: Option<String>,
}

impl RecordTexts {
    pub(super) fn record(&self) -> Record {
        let phone = self.phone.as_deref().zip(self.phone_key.as_deref());
        Record::new(&RecordFields {
            name: self.name.as_deref(),
            email: self.email.as_deref(),
            external_id: self.external_user_id.as_deref(),
            phone: phone.map(|(phone, key)| PhoneFields {
                phone,
                key,
                extension: self.phone_extension.as_deref(),
            }),
        })
    }
}

/// Opens a cursor over the rows from `first` to `last`, at most `limit` of them, in order.
pub(super) fn open_rows(
    connection: &mut PgConnection,
    first: i64,
    last: i64,
    limit: Option<i64>,
) -> Result<(), StoreError> {
    sql_query(format!("DECLARE check_records NO SCROLL CURSOR FOR {ROWS}"))
        .bind::<BigInt, _>(first)
        .bind::<BigInt, _>(last)
        .bind::<Nullable<BigInt>, _>(limit)
        .execute(connection)?;
    Ok(())
}

/// The contacts that rows are compared with.
#[derive(Clone, Copy, Debug)]
pub enum KnownContacts {
    /// The client's contacts. The transaction must be one of repeatable reads, so that all passes see the same ones.
    Of(ClientId),
    /// The contacts of the temporary table `judged_contacts`, which [`copy_contacts`] fills.
    Copied,
}

/// Makes the temporary table `judged_contacts`, and copies the client's contacts into it as they are at this moment.
///
/// # Errors
/// [`StoreError`]
pub fn copy_contacts(connection: &mut PgConnection, client: ClientId) -> Result<(), StoreError> {
    connection.batch_execute(JUDGED_CONTACTS)?;
    sql_query(format!("INSERT INTO judged_contacts {CONTACTS}"))
        .bind::<SqlUuid, _>(client.as_uuid())
        .execute(connection)?;
    connection.batch_execute("ANALYZE judged_contacts")?;
    Ok(())
}

/// Opens a cursor over the contacts, the oldest one first.
pub(super) fn open_contacts(connection: &mut PgConnection, contacts: KnownContacts) -> Result<(), StoreError> {
    const DECLARE: &str = "DECLARE check_records NO SCROLL CURSOR FOR";
    match contacts {
        KnownContacts::Of(client) => sql_query(format!("{DECLARE} {CONTACTS}"))
            .bind::<SqlUuid, _>(client.as_uuid())
            .execute(connection)?,
        KnownContacts::Copied => sql_query(format!("{DECLARE} {COPIED_CONTACTS}")).execute(connection)?,
    };
    Ok(())
}

/// The next rows or contacts of the open cursor. `None` after the last one, when the cursor is closed.
pub(super) fn next_records(connection: &mut PgConnection) -> Result<Option<Vec<RecordTexts>>, StoreError> {
    let records: Vec<RecordTexts> = sql_query("FETCH 4000 FROM check_records").load(connection)?;
    if records.is_empty() {
        sql_query("CLOSE check_records").execute(connection)?;
        return Ok(None);
    }
    Ok(Some(records))
}
