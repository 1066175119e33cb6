//! Webhooks, and the search for one by the token in its URL.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use uuid::Uuid;

use super::error::StoreError;
use super::schema::{clients, webhooks};
use crate::domain::client::ClientId;
use crate::domain::phone::Region;
use crate::domain::webhook::{AppSecret, Token};

/// A webhook as operators see it, without its token and secret.
#[derive(Clone, Debug)]
pub struct WebhookRecord {
    pub id: Uuid,
    pub client_name: String,
    pub created_at: DateTime<Utc>,
}

/// A webhook as the server uses it: its client, and the secret that signs its deliveries.
#[derive(Clone, Debug)]
pub struct Webhook {
    pub client: ClientId,
    /// The client's default region.
    pub region: Region,
    pub token_hash: [u8; 32],
    pub app_secret: AppSecret,
}

/// Stores the hash of the token and the secret, and returns the webhook's id.
///
/// # Errors
/// [`StoreError`]
pub fn add_webhook(
    connection: &mut PgConnection,
    client: ClientId,
    token: &Token,
    app_secret: &AppSecret,
) -> Result<Uuid, StoreError> {
    let id = Uuid::now_v7();
    diesel::insert_into(webhooks::table)
        .values((
            webhooks::id.eq(id),
            webhooks::client_id.eq(client.as_uuid()),
            webhooks::token_hash.eq(token.hash().as_slice()),
            webhooks::app_secret.eq(app_secret.reveal()),
        ))
        .execute(connection)?;
    Ok(id)
}

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
        .select((webhooks::id, clients::name, webhooks::created_at))
        .into_boxed();
    if let Some(client) = client {
        query = query.filter(webhooks::client_id.eq(client.as_uuid()));
    }
    let rows: Vec<(Uuid, String, DateTime<Utc>)> = query.load(connection)?;
    let record = |(id, client_name, created_at)| WebhookRecord {
        id,
        client_name,
        created_at,
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

/// Finds the webhook whose token has this hash.
///
/// # Errors
/// [`StoreError`]
pub fn find_webhook(connection: &mut PgConnection, token_hash: [u8; 32]) -> Result<Option<Webhook>, StoreError> {
    let row: Option<(Uuid, String, String)> = webhooks::table
        .inner_join(clients::table)
        .filter(webhooks::token_hash.eq(token_hash.as_slice()))
        .select((webhooks::client_id, clients::default_region, webhooks::app_secret))
        .first(connection)
        .optional()?;
    // The column has a check. A secret that can't be parsed could not verify a signature, so its webhook counts as
    // unknown.
    Ok(row.and_then(|(client, region, app_secret)| {
        Some(Webhook {
            client: ClientId::new(client),
            region: region.parse().unwrap_or(Region::DEFAULT),
            token_hash,
            app_secret: AppSecret::parse(&app_secret).ok()?,
        })
    }))
}
