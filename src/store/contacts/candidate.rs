//! Finds the contact that a draft refers to.

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text, Uuid as SqlUuid};
use uuid::Uuid;

use super::attributes::Attributes;
use super::statements::{OLDEST_BY_EMAIL, OLDEST_BY_PHONE};
use crate::domain::client::ClientId;
use crate::domain::contact::ContactDraft;
use crate::store::schema::contacts;
use crate::store::statement::Statement;

/// A contact that was found and is not locked yet.
#[derive(Queryable, QueryableByName, Selectable)]
#[diesel(table_name = contacts, check_for_backend(Pg))]
pub(super) struct Candidate {
    #[diesel(sql_type = SqlUuid)]
    pub(super) id: Uuid,
    #[diesel(sql_type = BigInt)]
    pub(super) serial_id: i64,
    #[diesel(sql_type = Nullable<Text>)]
    external_user_id: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    phone: Option<String>,
    #[diesel(sql_type = Nullable<Text>)]
    email: Option<String>,
}

impl Candidate {
    /// Whether the locked contact still has the values by which it was found.
    pub(super) fn is_unchanged(&self, present: &Attributes) -> bool {
        self.external_user_id == present.external_user_id && self.phone == present.phone && self.email == present.email
    }
}

/// Finds the contact that the draft refers to, by the rules in the documentation of `contacts/upsert.rs`.
pub(super) fn find_candidate(
    connection: &mut PgConnection,
    client: ClientId,
    draft: &ContactDraft,
) -> QueryResult<Option<Candidate>> {
    let given = draft.given();
    let phone = given.phone.as_ref();
    let phone = phone.and_then(|phone| phone.phone.as_deref().zip(phone.key.as_deref()));
    let platform = draft.platform();
    match (&given.external_user_id, phone, &given.email) {
        (Some(external_id), phone, _) => {
            match (find_by_external_id(connection, client, platform, external_id)?, phone) {
                (None, Some((phone, _))) => find_adoptable(connection, client, platform, phone),
                (found, _) => Ok(found),
            }
        }
        (None, Some((phone, key)), _) => Statement::new(|| OLDEST_BY_PHONE)
            .bind::<SqlUuid, _>(client.as_uuid())
            .bind::<Text, _>(platform)
            .bind::<Text, _>(phone)
            .bind::<Text, _>(key)
            .get_result(connection)
            .optional(),
        (None, None, Some(email)) => Statement::new(|| OLDEST_BY_EMAIL)
            .bind::<SqlUuid, _>(client.as_uuid())
            .bind::<Text, _>(platform)
            .bind::<Text, _>(email)
            .get_result(connection)
            .optional(),
        (None, None, None) => Ok(None),
    }
}

fn find_by_external_id(
    connection: &mut PgConnection,
    client: ClientId,
    platform: &str,
    external_id: &str,
) -> QueryResult<Option<Candidate>> {
    contacts::table
        .filter(contacts::client_id.eq(client.as_uuid()))
        .filter(contacts::platform.eq(platform))
        .filter(contacts::external_user_id.eq(external_id))
        .select(Candidate::as_select())
        .get_result(connection)
        .optional()
}

/// Finds the contact without an external id that has the phone. The draft's external id goes to it.
fn find_adoptable(
    connection: &mut PgConnection,
    client: ClientId,
    platform: &str,
    phone: &str,
) -> QueryResult<Option<Candidate>> {
    contacts::table
        .filter(contacts::client_id.eq(client.as_uuid()))
        .filter(contacts::platform.eq(platform))
        .filter(contacts::phone.eq(phone))
        .filter(contacts::external_user_id.is_null())
        .select(Candidate::as_select())
        .get_result(connection)
        .optional()
}
