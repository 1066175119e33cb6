//! The contact that a draft means.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Nullable, Text, Uuid as SqlUuid};
use uuid::Uuid;

use super::attributes::Attributes;
use crate::domain::client::ClientId;
use crate::domain::contact::ContactDraft;
use crate::store::statement::{Bind, Statement};

/// A contact as it was when it was found, not locked yet.
#[derive(QueryableByName)]
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
    /// Whether the contact still has what it was found by.
    pub(super) fn is_unchanged(&self, present: &Attributes) -> bool {
        self.external_user_id == present.external_user_id && self.phone == present.phone && self.email == present.email
    }
}

const BY_EXTERNAL_ID: &str = "
    SELECT id, serial_id, external_user_id, phone, email
    FROM contacts
    WHERE client_id = ? AND platform = ? AND external_user_id = ?";

const ADOPTABLE: &str = "
    SELECT id, serial_id, external_user_id, phone, email
    FROM contacts
    WHERE client_id = ? AND platform = ? AND phone = ? AND external_user_id IS NULL";

/// Looked for where an index finds them: by the phone the contact that it identifies, by the match key the others.
const OLDEST_BY_PHONE: &str = "
    SELECT id, serial_id, external_user_id, phone, email
    FROM (
        SELECT id, serial_id, external_user_id, phone, email, created_at
        FROM contacts
        WHERE client_id = ? AND platform = ? AND phone = ? AND external_user_id IS NULL
        UNION ALL
        SELECT id, serial_id, external_user_id, phone, email, created_at
        FROM contacts
        WHERE client_id = ? AND platform = ? AND phone = ? AND phone_key = ? AND external_user_id IS NOT NULL
    ) AS having_phone
    ORDER BY created_at, serial_id
    LIMIT 1";

const OLDEST_BY_EMAIL: &str = "
    SELECT id, serial_id, external_user_id, phone, email
    FROM contacts
    WHERE client_id = ? AND platform = ? AND lower(email) = lower(?)
    ORDER BY created_at, serial_id
    LIMIT 1";

/// The contact that the draft means; the module's documentation says which.
pub(super) fn find_candidate(
    connection: &mut PgConnection,
    client: ClientId,
    draft: &ContactDraft,
) -> QueryResult<Option<Candidate>> {
    let given = draft.given();
    let of_channel = |texts: &[&String]| {
        let channel = [Bind::Uuid(client.as_uuid()), Bind::Text(draft.platform().to_owned())];
        let texts = texts.iter().map(|text| Bind::Text((*text).clone()));
        channel.into_iter().chain(texts).collect::<Vec<_>>()
    };
    fn run(
        connection: &mut PgConnection,
        text: impl Fn() -> &'static str + 'static,
        binds: Vec<Bind>,
    ) -> QueryResult<Option<Candidate>> {
        Statement::new(text, binds).get_result(connection).optional()
    }
    let phone = given.phone.as_ref();
    let phone = phone.and_then(|phone| phone.phone.as_ref().zip(phone.key.as_ref()));
    match (&given.external_user_id, phone, &given.email) {
        (Some(external_id), phone, _) => match (run(connection, || BY_EXTERNAL_ID, of_channel(&[external_id]))?, phone)
        {
            (None, Some((phone, _))) => run(connection, || ADOPTABLE, of_channel(&[phone])),
            (found, _) => Ok(found),
        },
        (None, Some((phone, key)), _) => {
            let mut binds = of_channel(&[phone]);
            binds.extend(of_channel(&[phone, key]));
            run(connection, || OLDEST_BY_PHONE, binds)
        }
        (None, None, Some(email)) => run(connection, || OLDEST_BY_EMAIL, of_channel(&[email])),
        (None, None, None) => Ok(None),
    }
}
