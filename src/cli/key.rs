//! `key`

use std::io::Read;

use anyhow::{Context, bail};
use chrono::{DateTime, TimeDelta, Utc};
use clap::{Args, Subcommand, ValueEnum};
use serde::Serialize;
use uuid::Uuid;

use super::database::Database;
use super::names_and_ids::{find_client, find_client_id, parse_uuid};
use super::table::{self, minute, minute_or_never};
use super::{json, output};
use crate::config::{DatabaseConfig, parse_duration};
use crate::domain::key::{ApiKey, Format, NewKey, Scope};
use crate::domain::key_strength;
use crate::domain::rate_limit::RateLimit;
use crate::store::clients::Client;
use crate::store::keys::{self, KeyRecord};
use crate::store::{PgConnection, StoreError};

#[derive(Subcommand, Debug)]
pub enum KeyCommand {
    /// Create a key, and print it, once: only its hash is stored
    #[command(
        after_help = "Example:\n  contact-search key create --client Acme --scope lookup,search --expires-in 90d"
    )]
    Create {
        #[command(flatten)]
        grant: Grant,
        /// The format of the key; both work on both APIs
        #[arg(long, value_enum, default_value_t = KeyFormat::Mindo)]
        format: KeyFormat,
    },
    /// Import an existing key from standard input, so that your callers need not change
    #[command(after_help = "Example:\n  printf %s \"$OLD_KEY\" | contact-search key import --client Acme --label crm")]
    Import {
        #[command(flatten)]
        grant: Grant,
        /// Import the key although it can be guessed
        #[arg(long)]
        accept_weak: bool,
    },
    /// List the keys, redacted
    #[command(after_help = "Example:\n  contact-search key list --client Acme")]
    List {
        /// Only the keys of this client, by name or id
        #[arg(long, value_name = "CLIENT")]
        client: Option<String>,
        /// Print a JSON array
        #[arg(long)]
        json: bool,
    },
    /// Replace a key by a new one, and print it, once; the old key stops working later
    #[command(after_help = "Example:\n  contact-search key rotate 0198c0de-0000-7000-8000-000000000000 --overlap 7d")]
    Rotate {
        /// The old key's id, as `key list` shows it
        #[arg(value_parser = |text: &str| parse_uuid(text, "key"))]
        id: Uuid,
        /// How long the old key keeps working, unless it expires earlier: 45s, 30m, 12h, 90d, 1w, or 1y for 365 days
        #[arg(long, value_name = "DURATION", value_parser = parse_duration, default_value = "7d")]
        overlap: TimeDelta,
        /// When the new key expires: 45s, 30m, 12h, 90d, 1w, or 1y for 365 days [default: never]
        #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
        expires_in: Option<TimeDelta>,
    },
    /// Change a key's rate limit
    #[command(after_help = "Example:\n  contact-search key limit 0198c0de-0000-7000-8000-000000000000 600")]
    Limit {
        /// The key's id, as `key list` shows it
        #[arg(value_parser = |text: &str| parse_uuid(text, "key"))]
        id: Uuid,
        /// Requests per minute to each server, or `none` for no limit, or `default` for the
        /// server's limit
        #[arg(value_name = "N|none|default")]
        limit: RateLimit,
    },
    /// Revoke a key permanently
    #[command(after_help = "Example:\n  contact-search key revoke 0198c0de-0000-7000-8000-000000000000")]
    Revoke {
        /// The key's id, as `key list` shows it
        #[arg(value_parser = |text: &str| parse_uuid(text, "key"))]
        id: Uuid,
    },
}

/// The client and the attributes of a new key.
#[derive(Args, Debug)]
pub struct Grant {
    /// The client, by name or id
    #[arg(long, value_name = "CLIENT")]
    client: String,
    /// The scopes of the key: lookup, search, write
    #[arg(long, value_name = "SCOPES", value_delimiter = ',', default_value = "lookup,search")]
    scope: Vec<Scope>,
    /// When the key expires: 45s, 30m, 12h, 90d, 1w, or 1y for 365 days [default: never]
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    expires_in: Option<TimeDelta>,
    /// Requests per minute that the key may make to each server, or `none` for no limit, or `default` for the server's
    /// limit [default: default]
    #[arg(long, value_name = "N|none|default", default_value_t, hide_default_value = true)]
    rate_limit: RateLimit,
    /// The key's name in the access log
    #[arg(long, value_name = "TEXT", default_value = "", hide_default_value = true)]
    label: String,
}

#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum KeyFormat {
    /// mindo_ and 24 characters
    Mindo,
    /// cs_ and 32 characters
    Opaque,
}

pub fn run(config: &DatabaseConfig, command: KeyCommand) -> anyhow::Result<()> {
    match command {
        KeyCommand::Create { grant, format } => {
            let key = generate(match format {
                KeyFormat::Mindo => Format::Mindo,
                KeyFormat::Opaque => Format::Opaque,
            })?;
            let database = Database::open(config)?;
            let mut connection = database.connect()?;
            let client = find_client(&mut connection, &grant.client)?;
            let id = add(&mut connection, &client, &key, grant)?;
            if let Err(error) = output::print_or_fail(format_args!("{}\n", key.reveal())) {
                keys::revoke_key(&mut connection, id)
                    .with_context(|| format!("the key {id} could neither be shown nor revoked"))?;
                bail!("the key can't be shown ({error}), so it was revoked: create another one");
            }
            output::say(format_args!("Save the key now: it is not shown again. Its id is {id}."));
        }
        KeyCommand::Import { grant, accept_weak } => {
            let mut text = String::new();
            // A key has at most 256 characters, so a longer input is refused without reading all of it.
            std::io::stdin()
                .take(4096)
                .read_to_string(&mut text)
                .context("standard input can't be read as text")?;
            let key = ApiKey::parse(&text).context("standard input does not contain a key")?;
            let database = Database::open(config)?;
            let mut connection = database.connect()?;
            let client = find_client(&mut connection, &grant.client)?;
            if !accept_weak {
                // An attacker may know the client's name, its id and the key's label.
                let id = client.id.to_string();
                key_strength::check(&key, &[&client.name, &id, &grant.label])?;
            }
            let id = add(&mut connection, &client, &key, grant)?;
            output::print(format_args!("{id}\n"))?;
        }
        KeyCommand::List { client, json } => {
            let database = Database::open(config)?;
            let mut connection = database.connect()?;
            let client = find_client_id(&mut connection, client.as_deref())?;
            let records = keys::list_keys(&mut connection, client)?;
            let now = Utc::now();
            if json {
                let keys: Vec<ListedKey> = records.into_iter().map(|record| ListedKey::new(record, now)).collect();
                return json::print(&keys);
            }
            output::print(table::format(
                [
                    "ID",
                    "CLIENT",
                    "LABEL",
                    "KEY",
                    "SCOPES",
                    "LIMIT",
                    "CREATED",
                    "LAST USED",
                    "ENDS",
                ],
                records.into_iter().map(|record| describe(record, now)),
            ))?;
        }
        KeyCommand::Rotate {
            id,
            overlap,
            expires_in,
        } => {
            let database = Database::open(config)?;
            let mut connection = database.connect()?;
            let format = Format::of_display(&find(&mut connection, id)?.display);
            let key = generate(format)?;
            let rotation = keys::rotate_key(&mut connection, id, &key, expires_in, overlap, || {
                output::print_or_fail(format_args!("{}\n", key.reveal()))
                    .context("the new key can't be shown, so the old one was not changed")
            })?;
            let Some(rotation) = rotation else {
                bail!("this key has expired or was revoked: create another one with `contact-search key create`");
            };
            output::say(format_args!(
                "Save the key now: it is not shown again. Its id is {}. The old key works until {}.",
                rotation.new_id,
                minute(rotation.old_ends_at)
            ));
        }
        KeyCommand::Limit { id, limit } => {
            let database = Database::open(config)?;
            if !keys::limit_key(&mut database.connect()?, id, limit)? {
                bail!(NO_SUCH_KEY);
            }
            output::print("Changed.\n")?;
        }
        KeyCommand::Revoke { id } => {
            let database = Database::open(config)?;
            let mut connection = database.connect()?;
            if let Some(at) = find(&mut connection, id)?.revoked_at {
                return output::print(format_args!("The key was already revoked at {}.\n", minute(at)));
            }
            keys::revoke_key(&mut connection, id)?;
            output::print("Revoked.\n")?;
        }
    }
    Ok(())
}

const NO_SUCH_KEY: &str = "there is no key with this id: see `contact-search key list`";

fn generate(format: Format) -> anyhow::Result<ApiKey> {
    ApiKey::generate(format).context("the operating system has no random numbers")
}

fn find(connection: &mut PgConnection, id: Uuid) -> anyhow::Result<KeyRecord> {
    let known = keys::list_keys(connection, None)?;
    known.into_iter().find(|key| key.id == id).context(NO_SUCH_KEY)
}

fn add(connection: &mut PgConnection, client: &Client, key: &ApiKey, grant: Grant) -> anyhow::Result<Uuid> {
    let new = NewKey {
        rate_limit: grant.rate_limit,
        ..NewKey::new(&grant.label, grant.scope, grant.expires_in)?
    };
    match keys::add_key(connection, client.id, key, &new) {
        Ok(id) => Ok(id),
        Err(StoreError::Exists(_)) => bail!("this key already exists"),
        Err(error) => Err(error.into()),
    }
}

/// A key in `key list --json`. docs/commands.md documents the members.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ListedKey {
    id: String,
    client_id: String,
    client_name: String,
    label: String,
    key: String,
    scopes: Vec<&'static str>,
    /// As `key limit` takes it.
    rate_limit: String,
    status: &'static str,
    created_at: String,
    last_used_at: Option<String>,
    expires_at: Option<String>,
    revoked_at: Option<String>,
}

impl ListedKey {
    fn new(record: KeyRecord, now: DateTime<Utc>) -> Self {
        Self {
            status: match (record.revoked_at, record.expires_at) {
                (Some(_), _) => "revoked",
                (None, Some(at)) if at <= now => "expired",
                (None, _) => "active",
            },
            id: record.id.to_string(),
            client_id: record.client.to_string(),
            client_name: record.client_name,
            label: record.label,
            key: record.display,
            scopes: record.scopes.iter().map(|scope| scope.name()).collect(),
            rate_limit: record.rate_limit.to_string(),
            created_at: json::time(record.created_at),
            last_used_at: record.last_used_at.map(json::time),
            expires_at: record.expires_at.map(json::time),
            revoked_at: record.revoked_at.map(json::time),
        }
    }
}

/// The cells of a key in the table.
fn describe(record: KeyRecord, now: DateTime<Utc>) -> [String; 9] {
    let scopes: Vec<&str> = record.scopes.iter().map(|scope| scope.name()).collect();
    let ends = match (record.revoked_at, record.expires_at) {
        (Some(at), _) => format!("revoked {}", minute(at)),
        (None, Some(at)) if at <= now => format!("expired {}", minute(at)),
        (None, at) => minute_or_never(at),
    };
    [
        record.id.to_string(),
        record.client_name,
        record.label,
        record.display,
        scopes.join(","),
        record.rate_limit.to_string(),
        minute(record.created_at),
        minute_or_never(record.last_used_at),
        ends,
    ]
}
