//! API keys: made, listed, revoked, and checked for every request.

use chrono::{DateTime, Utc};
use diesel::dsl::now;
use diesel::prelude::*;
use diesel::sql_types::{Nullable, Timestamptz};
use uuid::Uuid;

use super::schema::{api_keys, clients};
use super::{PgConnection, StoreError};
use crate::domain::client::ClientId;
use crate::domain::key::{ApiKey, NewKey, Scope};
use crate::domain::phone::Region;

/// A key as operators see it; its text is nowhere in it.
#[derive(Clone, Debug)]
pub struct KeyRecord {
    pub id: Uuid,
    pub client_name: String,
    pub label: String,
    /// Prefix and last four characters.
    pub display: String,
    pub scopes: Vec<Scope>,
    pub created_at: DateTime<Utc>,
    pub expires_at: Option<DateTime<Utc>>,
    pub revoked_at: Option<DateTime<Utc>>,
}

/// Whom a key speaks for, and whether it still does.
#[derive(Clone, Debug)]
pub struct Credential {
    pub key_id: Uuid,
    pub client: ClientId,
    pub region: Region,
    pub label: String,
    pub scopes: Vec<Scope>,
    /// Expired or revoked, by the database's clock.
    pub ended: bool,
}

/// Stores the hash of `key`, and gives the key's id.
///
/// # Errors
/// [`StoreError::Exists`] where the same key is stored already, for whichever client.
pub fn add_key(
    connection: &mut PgConnection,
    client: ClientId,
    key: &ApiKey,
    new: &NewKey,
) -> Result<Uuid, StoreError> {
    let id = Uuid::now_v7();
    let scopes: Vec<&str> = new.scopes.iter().map(|scope| scope.name()).collect();
    connection.transaction(|connection| {
        let at: DateTime<Utc> = diesel::select(now.into_sql::<Timestamptz>()).get_result(connection)?;
        diesel::insert_into(api_keys::table)
            .values((
                api_keys::id.eq(id),
                api_keys::client_id.eq(client.as_uuid()),
                api_keys::key_hash.eq(key.hash().as_slice()),
                api_keys::label.eq(&new.label),
                api_keys::display.eq(key.display()),
                api_keys::scopes.eq(scopes),
                api_keys::created_at.eq(at),
                api_keys::expires_at.eq(new.lifetime.map(|lifetime| at + lifetime)),
            ))
            .execute(connection)?;
        Ok(id)
    })
}

type KeyRow = (
    Uuid,
    String,
    String,
    String,
    Vec<Option<String>>,
    DateTime<Utc>,
    Option<DateTime<Utc>>,
    Option<DateTime<Utc>>,
);

/// The keys of one client, or of all; newest first.
pub fn list_keys(connection: &mut PgConnection, client: Option<ClientId>) -> Result<Vec<KeyRecord>, StoreError> {
    let mut query = api_keys::table
        .inner_join(clients::table)
        .order((clients::name, api_keys::created_at.desc(), api_keys::id))
        .select((
            api_keys::id,
            clients::name,
            api_keys::label,
            api_keys::display,
            api_keys::scopes,
            api_keys::created_at,
            api_keys::expires_at,
            api_keys::revoked_at,
        ))
        .into_boxed();
    if let Some(client) = client {
        query = query.filter(api_keys::client_id.eq(client.as_uuid()));
    }
    let rows: Vec<KeyRow> = query.load(connection)?;
    Ok(rows
        .into_iter()
        .map(
            |(id, client_name, label, display, scopes, created_at, expires_at, revoked_at)| KeyRecord {
                id,
                client_name,
                label,
                display,
                scopes: parse_scopes(scopes),
                created_at,
                expires_at,
                revoked_at,
            },
        )
        .collect())
}

/// Ends a key; from then on it is answered like an expired one. `false` where there is no such key. A key
/// that was revoked before keeps its first time.
pub fn revoke_key(connection: &mut PgConnection, id: Uuid) -> Result<bool, StoreError> {
    let first = diesel::dsl::sql::<Nullable<Timestamptz>>("coalesce(revoked_at, now())");
    let count = diesel::update(api_keys::table.find(id))
        .set(api_keys::revoked_at.eq(first))
        .execute(connection)?;
    Ok(count > 0)
}

type CredentialRow = (Uuid, Uuid, String, String, Vec<Option<String>>, Option<bool>);

/// Whom the key with this hash speaks for; `None` for a key that nobody has.
pub fn find_credential(connection: &mut PgConnection, key_hash: &[u8; 32]) -> Result<Option<Credential>, StoreError> {
    let ended = api_keys::revoked_at.is_not_null().or(api_keys::expires_at
        .is_not_null()
        .and(api_keys::expires_at.le(now.into_sql::<Nullable<Timestamptz>>())));
    let row = api_keys::table
        .inner_join(clients::table)
        .filter(api_keys::key_hash.eq(key_hash.as_slice()))
        .select((
            api_keys::id,
            api_keys::client_id,
            clients::default_region,
            api_keys::label,
            api_keys::scopes,
            ended.nullable(),
        ))
        .first::<CredentialRow>(connection)
        .optional()?;
    Ok(row.map(|(key_id, client, region, label, scopes, ended)| Credential {
        key_id,
        client: ClientId::new(client),
        region: region.parse().unwrap_or(Region::DEFAULT),
        label,
        scopes: parse_scopes(scopes),
        ended: ended.unwrap_or(false),
    }))
}

/// A scope that a newer program wrote is none that this one can grant.
fn parse_scopes(names: Vec<Option<String>>) -> Vec<Scope> {
    names
        .into_iter()
        .flatten()
        .filter_map(|name| name.parse().ok())
        .collect()
}
