//! Finds the contact that a draft refers to.

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable, Text, Uuid as SqlUuid};
use uuid::Uuid;

use super::attributes::Attributes;
use super::statements::{OLDEST_BY_EMAIL, OLDEST_ON_LINE};
use crate::domain::client::ClientId;
use crate::domain::contact::ContactDraft;
use crate::domain::phone::StoredPhone;
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
    phone_extension: Option<String>,
    #[diesel(sql_type = Bool)]
    phone_identifies: bool,
    #[diesel(sql_type = Nullable<Text>)]
    email: Option<String>,
}

impl Candidate {
    /// Whether the locked contact still has the values by which it was found.
    pub(super) fn is_unchanged(&self, present: &Attributes) -> bool {
        self.external_user_id == present.external_user_id
            && self.phone == present.phone
            && self.phone_extension == present.phone_extension
            && self.phone_identifies == present.phone_identifies
            && self.email == present.email
    }
}

/// Finds the contact that the draft refers to, by the rules in the documentation of `contacts/upsert.rs`.
pub(super) fn find_candidate(
    connection: &mut PgConnection,
    client: ClientId,
    draft: &ContactDraft,
) -> QueryResult<Option<Candidate>> {
    let given = draft.given();
    let line = given.phone.as_ref().and_then(PhoneLine::of);
    let platform = draft.platform();
    match (&given.external_user_id, line, &given.email) {
        (Some(external_id), line, _) => match (find_by_external_id(connection, client, platform, external_id)?, line) {
            (None, Some(line)) => find_on_line(connection, client, platform, line, HasExternalId::No),
            (found, _) => Ok(found),
        },
        (None, Some(line), _) => find_on_line(connection, client, platform, line, HasExternalId::Any),
        (None, None, Some(email)) => Statement::new(|| OLDEST_BY_EMAIL)
            .bind::<SqlUuid, _>(client.as_uuid())
            .bind::<Text, _>(platform)
            .bind::<Text, _>(email)
            .get_result(connection)
            .optional(),
        (None, None, None) => Ok(None),
    }
}

/// A phone that identifies a contact.
#[derive(Clone, Copy)]
struct PhoneLine<'a> {
    phone: &'a str,
    key: &'a str,
    extension: Option<&'a str>,
}

impl<'a> PhoneLine<'a> {
    /// `None` if the phone identifies nobody.
    fn of(phone: &'a StoredPhone) -> Option<Self> {
        Some(Self {
            phone: phone.phone.as_deref().filter(|_| phone.identifies)?,
            key: phone.key.as_deref()?,
            extension: phone.extension.as_deref(),
        })
    }
}

/// Which contacts of a line are candidates.
#[derive(Clone, Copy, PartialEq, Eq)]
enum HasExternalId {
    /// Those without an external id, which can adopt one.
    No,
    Any,
}

/// Finds the oldest contact of the channel on the line.
fn find_on_line(
    connection: &mut PgConnection,
    client: ClientId,
    platform: &str,
    line: PhoneLine<'_>,
    has_external_id: HasExternalId,
) -> QueryResult<Option<Candidate>> {
    Statement::new(|| OLDEST_ON_LINE)
        .bind::<SqlUuid, _>(client.as_uuid())
        .bind::<Text, _>(platform)
        .bind::<Text, _>(line.phone)
        .bind::<Text, _>(line.key)
        .bind::<Nullable<Text>, _>(line.extension)
        .bind::<Bool, _>(has_external_id == HasExternalId::Any)
        .get_result(connection)
        .optional()
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
