//! Webhooks, and the search for one by the token in its URL.

use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use uuid::Uuid;

use super::error::StoreError;
use super::schema::{clients, webhooks};
use super::statement::Statement;
use super::transaction::transaction;
use crate::domain::client::ClientId;
use crate::domain::phone::Region;
use crate::domain::webhook::{AppSecret, Token};

/// A webhook as operators see it, without its token and secret.
#[derive(Clone, Debug)]
pub struct WebhookRecord {
    pub id: Uuid,
    pub client: ClientId,
    pub client_name: String,
    /// The last four characters of the token. `None` for a webhook from before they were stored.
    pub token_end: Option<String>,
    pub created_at: DateTime<Utc>,
    /// When a server last accepted a delivery. Servers report that some seconds later.
    pub last_delivery_at: Option<DateTime<Utc>>,
}

/// A webhook as the server uses it: its client, and the secret that signs its deliveries.
#[derive(Clone, Debug)]
pub struct Webhook {
    pub id: Uuid,
    pub client: ClientId,
    /// The client's default region.
    pub region: Region,
    pub token_hash: [u8; 32],
    pub app_secret: AppSecret,
}

/// Stores the hash of the token and the secret, and returns the webhook's id.
///
/// Calls `show` before committing; if it fails, the webhook is rolled back.
///
/// # Errors
/// Those of `show`, and [`StoreError`].
pub fn add_webhook<E: From<StoreError>>(
    connection: &mut PgConnection,
    client: ClientId,
    token: &Token,
    app_secret: &AppSecret,
    show: impl FnOnce() -> Result<(), E>,
) -> Result<Uuid, E> {
    let id = Uuid::now_v7();
    transaction(connection, |connection| {
        diesel::insert_into(webhooks::table)
            .values((
                webhooks::id.eq(id),
                webhooks::client_id.eq(client.as_uuid()),
                webhooks::token_hash.eq(token.hash().as_slice()),
                webhooks::token_end.eq(token.end()),
                webhooks::app_secret.eq(app_secret.reveal()),
            ))
            .execute(connection)
            .map_err(StoreError::from)?;
        show()?;
        Ok(id)
    })
}

type WebhookRow = (Uuid, Uuid, String, Option<String>, DateTime<Utc>, Option<DateTime<Utc>>);

/// The webhooks of one client or of all clients, newest first within a client.
///
/// # Errors
/// [`StoreError`]
pub fn list_webhooks(
    connection: &mut PgConnection,
    client: Option<ClientId>,
) -> Result<Vec<WebhookRecord>, StoreError> {
    let mut query = webhooks::table
        .inner_join(clients::table)
        .order((clients::name, webhooks::created_at.desc(), webhooks::id))
        .select((
            webhooks::id,
            webhooks::client_id,
            clients::name,
            webhooks::token_end,
            webhooks::created_at,
            webhooks::last_delivery_at,
        ))
        .into_boxed();
    if let Some(client) = client {
        query = query.filter(webhooks::client_id.eq(client.as_uuid()));
    }
    let rows: Vec<WebhookRow> = query.load(connection)?;
    let record = |(id, client, client_name, token_end, created_at, last_delivery_at)| WebhookRecord {
        id,
        client: ClientId::new(client),
        client_name,
        token_end,
        created_at,
        last_delivery_at,
    };
    Ok(rows.into_iter().map(record).collect())
}

/// Deletes a webhook. `false` if it is unknown.
///
/// # Errors
/// [`StoreError`]
pub fn delete_webhook(connection: &mut PgConnection, id: Uuid) -> Result<bool, StoreError> {
    Ok(diesel::delete(webhooks::table.find(id)).execute(connection)? > 0)
}

/// Records how long ago each webhook last accepted a delivery; the latest time wins, whatever the order of servers. The
/// time is the database's clock minus the age, since a server's clock may be wrong.
///
/// # Errors
/// [`StoreError`]
pub fn record_deliveries(connection: &mut PgConnection, deliveries: &[(Uuid, Duration)]) -> Result<(), StoreError> {
    // Locks the webhooks in one order: otherwise two servers that write the same webhooks could deadlock.
    let statement = || {
        "WITH deliveries AS (
            SELECT id, now() - age * interval '1 millisecond' AS delivered_at
            FROM unnest($1::uuid[], $2::bigint[]) AS reported (id, age) JOIN webhooks USING (id)
            ORDER BY id FOR NO KEY UPDATE OF webhooks
        )
        UPDATE webhooks SET last_delivery_at = greatest(last_delivery_at, delivered_at)
        FROM deliveries WHERE webhooks.id = deliveries.id"
    };
    Statement::new(statement).bind_ages(deliveries).execute(connection)?;
    Ok(())
}

/// Finds the webhook whose token has this hash.
///
/// # Errors
/// [`StoreError`]
pub fn find_webhook(connection: &mut PgConnection, token_hash: [u8; 32]) -> Result<Option<Webhook>, StoreError> {
    let row: Option<(Uuid, Uuid, String, String)> = webhooks::table
        .inner_join(clients::table)
        .filter(webhooks::token_hash.eq(token_hash.as_slice()))
        .select((
            webhooks::id,
            webhooks::client_id,
            clients::default_region,
            webhooks::app_secret,
        ))
        .first(connection)
        .optional()?;
    // The column has a check. A secret that can't be parsed could not verify a signature, so its webhook counts as
    // unknown.
    Ok(row.and_then(|(id, client, region, app_secret)| {
        Some(Webhook {
            id,
            client: ClientId::new(client),
            region: region.parse().unwrap_or(Region::DEFAULT),
            token_hash,
            app_secret: AppSecret::parse(&app_secret).ok()?,
        })
    }))
}
