//! The contacts of a client as the database stores them, and their texts prepared for the comparison.

use std::collections::HashMap;

use chrono::{DateTime, SecondsFormat, TimeDelta, Utc};
use contact_search::domain::client::ClientId;
use contact_search::domain::phone::{Region, StoredPhone};
use contact_search::store::PgConnection;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Nullable, Text as SqlText, Timestamptz, Uuid as SqlUuid};
use serde_json::{Value, json};
use uuid::Uuid;

use super::text::{Text, name_words};

/// A contact as the database stores it.
#[derive(Clone, Debug, QueryableByName)]
pub struct Stored {
    #[diesel(sql_type = SqlUuid)]
    pub id: Uuid,
    #[diesel(sql_type = Nullable<SqlText>)]
    pub name: Option<String>,
    #[diesel(sql_type = Nullable<SqlText>)]
    pub phone: Option<String>,
    #[diesel(sql_type = Nullable<SqlText>)]
    pub phone_key: Option<String>,
    #[diesel(sql_type = Nullable<SqlText>)]
    pub email: Option<String>,
    #[diesel(sql_type = Nullable<SqlText>)]
    pub external_user_id: Option<String>,
    #[diesel(sql_type = SqlText)]
    platform: String,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    pub last_message_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = Nullable<Timestamptz>)]
    last_inbound_at: Option<DateTime<Utc>>,
    #[diesel(sql_type = SqlText)]
    chat_status: String,
    #[diesel(sql_type = Timestamptz)]
    created_at: DateTime<Utc>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    ai_customer_id: Option<Uuid>,
    #[diesel(sql_type = Nullable<SqlUuid>)]
    default_stage_id: Option<Uuid>,
    #[diesel(sql_type = Bool)]
    blocked: bool,
    #[diesel(sql_type = Bool)]
    is_chat_read: bool,
}

/// A contact with its texts prepared for the comparison.
#[derive(Clone, Debug)]
pub struct Contact {
    pub stored: Stored,
    pub name_words: Vec<Text>,
    pub name_joined: Text,
    pub email_lower: Text,
    /// The runs of the email's local part in lower case, and its domain.
    pub email_runs: Vec<Text>,
    pub email_domain: Text,
    pub external_lower: Text,
}

/// The latest inbound messages of the contacts that share a match key: on any platform, and on `whatsapp`.
type Inbound = (Option<DateTime<Utc>>, Option<DateTime<Utc>>);

/// All contacts of a client.
#[derive(Clone, Debug)]
pub struct Client {
    id: ClientId,
    pub contacts: Vec<Contact>,
    now: DateTime<Utc>,
}

impl From<Stored> for Contact {
    fn from(stored: Stored) -> Self {
        let name_words = name_words(stored.name.as_deref().unwrap_or_default());
        let email = stored.email.as_deref().unwrap_or_default();
        let (local, domain) = Text::lower(email).around_at().unwrap_or_default();
        Self {
            name_joined: Text::joined(&name_words),
            name_words,
            email_lower: Text::lower(email),
            email_runs: local.runs(),
            email_domain: domain,
            external_lower: Text::lower(stored.external_user_id.as_deref().unwrap_or_default()),
            stored,
        }
    }
}

impl Client {
    /// Reads all contacts of the client.
    pub fn read(connection: &mut PgConnection, id: ClientId) -> Self {
        let sql = "SELECT id, name, phone, phone_key, email, external_user_id, platform, last_message_at,
                          last_inbound_at, chat_status, created_at, ai_customer_id, default_stage_id, blocked,
                          is_chat_read
                   FROM contacts WHERE client_id = $1 ORDER BY id";
        let rows: Vec<Stored> = diesel::sql_query(sql)
            .bind::<SqlUuid, _>(id.as_uuid())
            .load(connection)
            .expect("the contacts can be read");
        Self {
            id,
            contacts: rows.into_iter().map(Contact::from).collect(),
            now: Utc::now(),
        }
    }

    /// The answer's objects of the contacts, without `matchedBy`.
    pub fn objects(&self) -> HashMap<Uuid, Value> {
        let mut by_key: HashMap<&str, Inbound> = HashMap::new();
        for contact in &self.contacts {
            if let Some(key) = &contact.stored.phone_key {
                let (any, window) = by_key.entry(key).or_default();
                *any = (*any).max(contact.stored.last_inbound_at);
                *window = (*window).max(contact.stored.window_inbound_at());
            }
        }
        let objects = self.contacts.iter().map(|contact| {
            let stored = &contact.stored;
            let inbound = match &stored.phone_key {
                Some(key) => by_key[key.as_str()],
                None => (stored.last_inbound_at, stored.window_inbound_at()),
            };
            (stored.id, self.object(stored, inbound))
        });
        objects.collect()
    }

    fn object(&self, stored: &Stored, (any_inbound, window_inbound): Inbound) -> Value {
        let milliseconds = |at: DateTime<Utc>| at.to_rfc3339_opts(SecondsFormat::Millis, true);
        let expires_at = window_inbound.map(|at| at + TimeDelta::hours(24));
        let expires_at = expires_at.filter(|expires_at| *expires_at > self.now);
        json!({
            "id": stored.id,
            "name": stored.name,
            "phone": stored.phone,
            "email": stored.email,
            "platform": stored.platform,
            "last_message_at": stored.last_message_at.map(milliseconds),
            "chat_status": stored.chat_status,
            "created_at": milliseconds(stored.created_at),
            "client_id": self.id.as_uuid(),
            "ai_customer_id": stored.ai_customer_id,
            "default_stage_id": stored.default_stage_id,
            "blocked": stored.blocked,
            "is_chat_read": stored.is_chat_read,
            "hasReplied": any_inbound.is_some(),
            "sessionWindowActive": expires_at.is_some(),
            "sessionExpiresAt": expires_at.map(|at| at.to_rfc3339_opts(SecondsFormat::Secs, true)),
        })
    }
}

impl Stored {
    /// The last inbound message, if the platform has a session window.
    fn window_inbound_at(&self) -> Option<DateTime<Utc>> {
        self.last_inbound_at.filter(|_| self.platform == "whatsapp")
    }

    /// A contact with these texts and no messages.
    pub fn example(name: &str, phone: Option<&str>, email: Option<&str>, external_user_id: Option<&str>) -> Self {
        let stored = phone.map(|phone| StoredPhone::read(phone, Region::DEFAULT, "sms"));
        Self {
            id: Uuid::now_v7(),
            name: Some(name.to_owned()),
            phone: stored.as_ref().and_then(|stored| stored.phone.clone()),
            phone_key: stored.and_then(|stored| stored.key),
            email: email.map(str::to_owned),
            external_user_id: external_user_id.map(str::to_owned),
            platform: "sms".to_owned(),
            last_message_at: None,
            last_inbound_at: None,
            chat_status: "UNATTENDED".to_owned(),
            created_at: Utc::now(),
            ai_customer_id: None,
            default_stage_id: None,
            blocked: false,
            is_chat_read: true,
        }
    }
}
