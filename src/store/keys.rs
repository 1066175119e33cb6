//! API keys: made, listed, revoked, and read with the version that tells how long what was read holds.

use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::dsl::now;
use diesel::prelude::*;
use diesel::sql_types::{Nullable, Timestamptz};
use uuid::Uuid;

use super::schema::{api_keys, clients, credential_version};
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
    /// After how long it ends by itself, counted from when it was read; `None` for a key that doesn't expire.
    pub lasts: Option<Duration>,
}

/// What a key meant when it was read.
#[derive(Clone, Debug)]
pub struct KeyReading {
    /// As long as this is the database's version the credential is as it was read, save that time passes.
    pub version: Version,
    /// `None` for a key that nobody has.
    pub credential: Option<Credential>,
}

/// Names one state of all keys, and of what they say of their clients; each change of it makes another one.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Version(Uuid);

#[cfg(test)]
impl Version {
    /// Another one at each call.
    pub fn another() -> Self {
        Self(Uuid::now_v7())
    }
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

type CredentialRow = (
    Uuid,
    Uuid,
    String,
    Vec<Option<String>>,
    Option<DateTime<Utc>>,
    Option<DateTime<Utc>>,
);

/// Reads whom the key with this hash speaks for, and the version in the same statement: a change either is in both or
/// in neither.
pub fn read_key(connection: &mut PgConnection, key_hash: &[u8; 32]) -> Result<KeyReading, StoreError> {
    let key = (
        api_keys::id,
        api_keys::client_id,
        api_keys::label,
        api_keys::scopes,
        api_keys::expires_at,
        api_keys::revoked_at,
    );
    let (version, at, key, region): (Uuid, DateTime<Utc>, Option<CredentialRow>, Option<String>) =
        credential_version::table
            .left_join(api_keys::table.on(api_keys::key_hash.eq(key_hash.to_vec())))
            .left_join(clients::table.on(clients::id.nullable().eq(api_keys::client_id.nullable())))
            .select((
                credential_version::version,
                now.into_sql::<Timestamptz>(),
                key.nullable(),
                clients::default_region.nullable(),
            ))
            .first(connection)?;
    let credential = key.map(|(key_id, client, label, scopes, expires_at, revoked_at)| Credential {
        key_id,
        client: ClientId::new(client),
        region: region.and_then(|region| region.parse().ok()).unwrap_or(Region::DEFAULT),
        label,
        scopes: parse_scopes(scopes),
        ended: revoked_at.is_some() || expires_at.is_some_and(|end| end <= at),
        lasts: expires_at.map(|end| (end - at).to_std().unwrap_or_default()),
    });
    Ok(KeyReading {
        version: Version(version),
        credential,
    })
}

/// The version that counts now.
pub fn read_version(connection: &mut PgConnection) -> Result<Version, StoreError> {
    let version = credential_version::table
        .select(credential_version::version)
        .first(connection)?;
    Ok(Version(version))
}

/// A scope that a newer program wrote is none that this one can grant.
fn parse_scopes(names: Vec<Option<String>>) -> Vec<Scope> {
    names
        .into_iter()
        .flatten()
        .filter_map(|name| name.parse().ok())
        .collect()
}
