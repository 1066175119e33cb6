//! Webhooks: made, listed, deleted, and found by the address that was called.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use uuid::Uuid;

use super::error::StoreError;
use super::schema::{clients, webhooks};
use crate::domain::client::ClientId;
use crate::domain::phone::Region;
use crate::domain::webhook::{AppSecret, Token};

/// A webhook as operators see it; neither its token nor its secret is in it.
#[derive(Clone, Debug)]
pub struct WebhookRecord {
    pub id: Uuid,
    pub client_name: String,
    pub created_at: DateTime<Utc>,
}

/// Whose messages a webhook tells of, and what signs them.
#[derive(Clone, Debug)]
pub struct Webhook {
    pub client: ClientId,
    /// The client's default region.
    pub region: Region,
    pub token_hash: [u8; 32],
    pub app_secret: AppSecret,
}

/// Stores the hash of the token and the secret, and gives the webhook's id.
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

/// The webhooks of one client, or of all; newest first.
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

/// Ends a webhook. `false` where there is no such one.
pub fn delete_webhook(connection: &mut PgConnection, id: Uuid) -> Result<bool, StoreError> {
    Ok(diesel::delete(webhooks::table.find(id)).execute(connection)? > 0)
}

/// The webhook whose token has this hash.
pub fn find_webhook(connection: &mut PgConnection, token_hash: [u8; 32]) -> Result<Option<Webhook>, StoreError> {
    let row: Option<(Uuid, String, String)> = webhooks::table
        .inner_join(clients::table)
        .filter(webhooks::token_hash.eq(token_hash.as_slice()))
        .select((webhooks::client_id, clients::default_region, webhooks::app_secret))
        .first(connection)
        .optional()?;
    // The column takes nothing else; a secret that could not be read would sign nothing.
    Ok(row.and_then(|(client, region, app_secret)| {
        Some(Webhook {
            client: ClientId::new(client),
            region: region.parse().unwrap_or(Region::DEFAULT),
            token_hash,
            app_secret: AppSecret::parse(&app_secret).ok()?,
        })
    }))
}
