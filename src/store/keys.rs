//! API keys. A credential is read together with a version, which tells a server how long its cached copy stays valid.

use std::num::NonZeroU32;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::dsl::now;
use diesel::prelude::*;
use diesel::sql_types::{Nullable, Timestamptz};
use uuid::Uuid;

use super::error::StoreError;
use super::schema::{api_keys, clients, credential_version};
use super::statement::Statement;
use super::transaction::{database_now, transaction};
use crate::domain::client::ClientId;
use crate::domain::key::{ApiKey, NewKey, Scope};
use crate::domain::phone::Region;
use crate::domain::rate_limit::RateLimit;

/// A key as operators see it, without its text.
#[derive(Clone, Debug)]
pub struct KeyRecord {
    pub id: Uuid,
    pub client: ClientId,
    pub client_name: String,
    pub label: String,
    /// Prefix and last four characters.
    pub display: String,
    pub scopes: Vec<Scope>,
    pub rate_limit: RateLimit,
    pub created_at: DateTime<Utc>,
    /// When a server last accepted it. Servers report that some seconds later.
    pub last_used_at: Option<DateTime<Utc>>,
    pub expires_at: Option<DateTime<Utc>>,
    pub revoked_at: Option<DateTime<Utc>>,
}

/// The rights of a key, and whether it is still valid.
#[derive(Clone, Debug)]
pub struct Credential {
    pub key_id: Uuid,
    pub client: ClientId,
    pub region: Region,
    pub label: String,
    pub scopes: Vec<Scope>,
    pub rate_limit: RateLimit,
    /// Whether the key is revoked or, by the database's clock, expired.
    pub ended: bool,
    /// Time until the key expires, counted from the read; `None` for a key that doesn't expire.
    pub lasts: Option<Duration>,
}

/// A credential as read at one version.
#[derive(Clone, Debug)]
pub struct KeyReading {
    /// While the database has this version, the credential is unchanged, apart from its expiry.
    pub version: Version,
    /// `None` for an unknown key.
    pub credential: Option<Credential>,
}

/// Identifies one state of all keys and their clients. Each change of them makes a new version.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Version(Uuid);

#[cfg(test)]
impl Version {
    /// A new version at each call.
    pub fn another() -> Self {
        Self(Uuid::now_v7())
    }
}

/// Stores the hash of `key`, and returns the key's id.
///
/// # Errors
/// [`StoreError::Exists`] if the same key is stored already, for any client.
pub fn add_key(
    connection: &mut PgConnection,
    client: ClientId,
    key: &ApiKey,
    new: &NewKey,
) -> Result<Uuid, StoreError> {
    let id = Uuid::now_v7();
    let scopes: Vec<&str> = new.scopes.iter().map(|scope| scope.name()).collect();
    connection.transaction(|connection| {
        let at = database_now(connection)?;
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
                api_keys::rate_limit.eq(stored_limit(new.rate_limit)),
            ))
            .execute(connection)?;
        Ok(id)
    })
}

/// Stores the hash of `key` as [`add_key`] does. Calls `show` before committing; if it fails, no key is stored.
///
/// # Errors
/// Those of `show` and of [`add_key`].
pub fn add_shown_key<E: From<StoreError>>(
    connection: &mut PgConnection,
    client: ClientId,
    key: &ApiKey,
    new: &NewKey,
    show: impl FnOnce() -> Result<(), E>,
) -> Result<Uuid, E> {
    transaction(connection, |connection| {
        let id = add_key(connection, client, key, new)?;
        show()?;
        Ok(id)
    })
}

/// The result of a rotation.
#[derive(Clone, Copy, Debug)]
pub struct Rotation {
    pub new_id: Uuid,
    /// When the old key stops working.
    pub old_ends_at: DateTime<Utc>,
}

type OldKeyRow = (
    Uuid,
    String,
    Vec<Option<String>>,
    Option<i32>,
    Option<DateTime<Utc>>,
    Option<DateTime<Utc>>,
    DateTime<Utc>,
);

/// Replaces the key with this id by `key`, for the same client and with the same label, scopes and rate limit. The old
/// key stays valid for `overlap`, or until its own expiry if that is earlier. `lifetime` is that of
/// the new key. Returns `None` if the old key is unknown, expired or revoked.
///
/// Calls `show` before committing; if it fails, the rotation is rolled back.
///
/// # Errors
/// Those of `show`, and [`StoreError::Exists`] if the new key is stored already.
pub fn rotate_key<E: From<StoreError>>(
    connection: &mut PgConnection,
    id: Uuid,
    key: &ApiKey,
    lifetime: Option<TimeDelta>,
    overlap: TimeDelta,
    show: impl FnOnce() -> Result<(), E>,
) -> Result<Option<Rotation>, E> {
    transaction(connection, |connection| {
        let rotation = replace_key(connection, id, key, lifetime, overlap)?;
        if rotation.is_some() {
            show()?;
        }
        Ok(rotation)
    })
}

fn replace_key(
    connection: &mut PgConnection,
    id: Uuid,
    key: &ApiKey,
    lifetime: Option<TimeDelta>,
    overlap: TimeDelta,
) -> Result<Option<Rotation>, StoreError> {
    let old: Option<OldKeyRow> = api_keys::table
        .find(id)
        .select((
            api_keys::client_id,
            api_keys::label,
            api_keys::scopes,
            api_keys::rate_limit,
            api_keys::expires_at,
            api_keys::revoked_at,
            now.into_sql::<Timestamptz>(),
        ))
        .for_no_key_update()
        .first(connection)
        .optional()?;
    let Some((client, label, scopes, rate_limit, expires_at, revoked_at, at)) = old else {
        return Ok(None);
    };
    if has_ended(expires_at, revoked_at, at) {
        return Ok(None);
    }
    let new = NewKey {
        label,
        scopes: parse_scopes(scopes),
        lifetime,
        rate_limit: parse_limit(rate_limit),
    };
    let new_id = add_key(connection, ClientId::new(client), key, &new)?;
    let overlap_end = at + overlap;
    let old_ends_at = expires_at.map_or(overlap_end, |end| end.min(overlap_end));
    diesel::update(api_keys::table.find(id))
        .set(api_keys::expires_at.eq(old_ends_at))
        .execute(connection)?;
    Ok(Some(Rotation { new_id, old_ends_at }))
}

type KeyRow = (
    Uuid,
    Uuid,
    String,
    String,
    String,
    Vec<Option<String>>,
    Option<i32>,
    DateTime<Utc>,
    Option<DateTime<Utc>>,
    Option<DateTime<Utc>>,
    Option<DateTime<Utc>>,
);

/// The keys of one client or of all clients, newest first within a client.
///
/// # Errors
/// [`StoreError`]
pub fn list_keys(connection: &mut PgConnection, client: Option<ClientId>) -> Result<Vec<KeyRecord>, StoreError> {
    let mut query = api_keys::table
        .inner_join(clients::table)
        .order((clients::name, api_keys::created_at.desc(), api_keys::id))
        .select((
            api_keys::id,
            api_keys::client_id,
            clients::name,
            api_keys::label,
            api_keys::display,
            api_keys::scopes,
            api_keys::rate_limit,
            api_keys::created_at,
            api_keys::last_used_at,
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
            |(
                id,
                client,
                client_name,
                label,
                display,
                scopes,
                limit,
                created_at,
                last_used_at,
                expires_at,
                revoked_at,
            )| {
                KeyRecord {
                    id,
                    client: ClientId::new(client),
                    client_name,
                    label,
                    display,
                    scopes: parse_scopes(scopes),
                    rate_limit: parse_limit(limit),
                    created_at,
                    last_used_at,
                    expires_at,
                    revoked_at,
                }
            },
        )
        .collect())
}

/// Revokes a key, which then gets the same answer as an expired one. `false` if the key is unknown.
/// A second revocation keeps the time of the first one.
///
/// # Errors
/// [`StoreError`]
pub fn revoke_key(connection: &mut PgConnection, id: Uuid) -> Result<bool, StoreError> {
    let first = diesel::dsl::sql::<Nullable<Timestamptz>>("coalesce(revoked_at, now())");
    let count = diesel::update(api_keys::table.find(id))
        .set(api_keys::revoked_at.eq(first))
        .execute(connection)?;
    Ok(count > 0)
}

/// Changes the rate limit of a key. `false` if the key is unknown.
///
/// # Errors
/// [`StoreError`]
pub fn limit_key(connection: &mut PgConnection, id: Uuid, limit: RateLimit) -> Result<bool, StoreError> {
    let count = diesel::update(api_keys::table.find(id))
        .set(api_keys::rate_limit.eq(stored_limit(limit)))
        .execute(connection)?;
    Ok(count > 0)
}

/// Records how long ago each key was last used; the latest time wins, whatever the order of servers. The time is the
/// database's clock minus the age, since a server's clock may be wrong. The version doesn't change.
///
/// # Errors
/// [`StoreError`]
pub fn record_uses(connection: &mut PgConnection, uses: &[(Uuid, Duration)]) -> Result<(), StoreError> {
    // Locks the keys in one order: otherwise two servers that write the same keys could deadlock.
    let statement = || {
        "WITH uses AS (
            SELECT id, now() - age * interval '1 millisecond' AS used_at
            FROM unnest($1::uuid[], $2::bigint[]) AS reported (id, age) JOIN api_keys USING (id)
            ORDER BY id FOR NO KEY UPDATE OF api_keys
        )
        UPDATE api_keys SET last_used_at = greatest(last_used_at, used_at) FROM uses WHERE api_keys.id = uses.id"
    };
    Statement::new(statement).bind_ages(uses).execute(connection)?;
    Ok(())
}

type CredentialRow = (
    Uuid,
    Uuid,
    String,
    Vec<Option<String>>,
    Option<i32>,
    Option<DateTime<Utc>>,
    Option<DateTime<Utc>>,
);

/// Reads the credential of the key with this hash, and the version in the same statement, so that both are of one
/// snapshot.
///
/// # Errors
/// [`StoreError`]
pub fn read_key(connection: &mut PgConnection, key_hash: &[u8; 32]) -> Result<KeyReading, StoreError> {
    let key = (
        api_keys::id,
        api_keys::client_id,
        api_keys::label,
        api_keys::scopes,
        api_keys::rate_limit,
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
    let credential = key.map(
        |(key_id, client, label, scopes, limit, expires_at, revoked_at)| Credential {
            key_id,
            client: ClientId::new(client),
            region: region.and_then(|region| region.parse().ok()).unwrap_or(Region::DEFAULT),
            label,
            scopes: parse_scopes(scopes),
            rate_limit: parse_limit(limit),
            ended: has_ended(expires_at, revoked_at, at),
            lasts: expires_at.map(|end| (end - at).to_std().unwrap_or_default()),
        },
    );
    Ok(KeyReading {
        version: Version(version),
        credential,
    })
}

/// Reads the current version.
///
/// # Errors
/// [`StoreError`]
pub fn read_version(connection: &mut PgConnection) -> Result<Version, StoreError> {
    let version = credential_version::table
        .select(credential_version::version)
        .first(connection)?;
    Ok(Version(version))
}

/// Whether a key has expired or was revoked. `at` is the time of the database's clock.
fn has_ended(expires_at: Option<DateTime<Utc>>, revoked_at: Option<DateTime<Utc>>, at: DateTime<Utc>) -> bool {
    revoked_at.is_some() || expires_at.is_some_and(|end| end <= at)
}

/// The column is null for the server's default limit, and 0 for a key without a limit.
fn stored_limit(limit: RateLimit) -> Option<i32> {
    match limit {
        RateLimit::OfServer => None,
        RateLimit::Unlimited => Some(0),
        RateLimit::PerMinute(limit) => Some(limit.get().try_into().unwrap_or(i32::MAX)),
    }
}

fn parse_limit(stored: Option<i32>) -> RateLimit {
    let limit = |stored: i32| u32::try_from(stored).ok().and_then(NonZeroU32::new);
    stored.map_or(RateLimit::OfServer, |stored| {
        limit(stored).map_or(RateLimit::Unlimited, RateLimit::PerMinute)
    })
}

/// Skips scopes that only a newer program knows: this program can't grant them.
fn parse_scopes(names: Vec<Option<String>>) -> Vec<Scope> {
    names
        .into_iter()
        .flatten()
        .filter_map(|name| name.parse().ok())
        .collect()
}
