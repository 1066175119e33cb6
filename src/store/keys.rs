//! API keys: made, listed, changed, replaced, revoked, and read with the version that tells how long what was read
//! holds.

use std::num::NonZeroU32;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::dsl::now;
use diesel::prelude::*;
use diesel::sql_types::{Array, BigInt, Nullable, Timestamptz, Uuid as SqlUuid};
use uuid::Uuid;

use super::error::StoreError;
use super::schema::{api_keys, clients, credential_version};
use super::statement::Statement;
use super::transaction::{database_now, transaction};
use crate::domain::client::ClientId;
use crate::domain::key::{ApiKey, NewKey, Scope};
use crate::domain::phone::Region;
use crate::domain::rate_limit::RateLimit;

/// A key as operators see it; its text is nowhere in it.
#[derive(Clone, Debug)]
pub struct KeyRecord {
    pub id: Uuid,
    pub client_name: String,
    pub label: String,
    /// Prefix and last four characters.
    pub display: String,
    pub scopes: Vec<Scope>,
    pub rate_limit: RateLimit,
    pub created_at: DateTime<Utc>,
    /// When a server last accepted it; servers tell that some seconds later.
    pub last_used_at: Option<DateTime<Utc>>,
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
    pub rate_limit: RateLimit,
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

/// What became of a key that another one succeeds.
#[derive(Clone, Copy, Debug)]
pub struct Rotation {
    pub new_id: Uuid,
    /// Until then the old key works.
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

/// Stores the hash of `key` beside the key with this id, for the same client and with the same label, scopes and rate
/// limit, and lets the old one live for `overlap`, or to its own end where that comes first. `lifetime` is the new
/// one's. `None` where the old one has ended, or isn't there.
///
/// `show` is called before any of it is so for others: what can't be shown hasn't happened.
///
/// # Errors
/// Those of `show`, and [`StoreError::Exists`] where the new key is stored already.
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
            |(id, client_name, label, display, scopes, limit, created_at, last_used_at, expires_at, revoked_at)| {
                KeyRecord {
                    id,
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

/// Ends a key; from then on it is answered like an expired one. `false` where there is no such key. A key
/// that was revoked before keeps its first time.
pub fn revoke_key(connection: &mut PgConnection, id: Uuid) -> Result<bool, StoreError> {
    let first = diesel::dsl::sql::<Nullable<Timestamptz>>("coalesce(revoked_at, now())");
    let count = diesel::update(api_keys::table.find(id))
        .set(api_keys::revoked_at.eq(first))
        .execute(connection)?;
    Ok(count > 0)
}

/// Gives a key another rate limit. `false` where there is no such key.
pub fn limit_key(connection: &mut PgConnection, id: Uuid, limit: RateLimit) -> Result<bool, StoreError> {
    let count = diesel::update(api_keys::table.find(id))
        .set(api_keys::rate_limit.eq(stored_limit(limit)))
        .execute(connection)?;
    Ok(count > 0)
}

/// Says of keys how long ago they were last used; of several uses, whoever tells them and in whatever order, the
/// latest stays. The time is the database's, less that age: a server's own clock may be wrong. What a key means is
/// as it was, and so is the version.
pub fn record_uses(connection: &mut PgConnection, uses: &[(Uuid, Duration)]) -> Result<(), StoreError> {
    let ids: Vec<Uuid> = uses.iter().map(|(id, _)| *id).collect();
    let ages: Vec<i64> = uses
        .iter()
        .map(|(_, age)| i64::try_from(age.as_millis()).unwrap_or(i64::MAX))
        .collect();
    // Locked in one order, since two servers that write the same keys would else wait for each other in circles.
    let statement = || {
        "WITH uses AS (
            SELECT id, now() - age * interval '1 millisecond' AS used_at
            FROM unnest($1::uuid[], $2::bigint[]) AS reported (id, age) JOIN api_keys USING (id)
            ORDER BY id FOR NO KEY UPDATE OF api_keys
        )
        UPDATE api_keys SET last_used_at = greatest(last_used_at, used_at) FROM uses WHERE api_keys.id = uses.id"
    };
    Statement::new(statement)
        .bind::<Array<SqlUuid>, _>(ids)
        .bind::<Array<BigInt>, _>(ages)
        .execute(connection)?;
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

/// Reads whom the key with this hash speaks for, and the version in the same statement: a change either is in both or
/// in neither.
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

/// The version that counts now.
pub fn read_version(connection: &mut PgConnection) -> Result<Version, StoreError> {
    let version = credential_version::table
        .select(credential_version::version)
        .first(connection)?;
    Ok(Version(version))
}

/// Whether a key has expired or was revoked, `at` being the database's time.
fn has_ended(expires_at: Option<DateTime<Utc>>, revoked_at: Option<DateTime<Utc>>, at: DateTime<Utc>) -> bool {
    revoked_at.is_some() || expires_at.is_some_and(|end| end <= at)
}

/// The column says nothing of a key that is limited as the server says, and 0 of one that isn't limited.
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

/// A scope that a newer program wrote is none that this one can grant.
fn parse_scopes(names: Vec<Option<String>>) -> Vec<Scope> {
    names
        .into_iter()
        .flatten()
        .filter_map(|name| name.parse().ok())
        .collect()
}
