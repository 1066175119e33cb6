//! `key`

use std::io::Read;

use anyhow::{Context, bail};
use chrono::{DateTime, TimeDelta, Utc};
use clap::{Args, Subcommand, ValueEnum};
use uuid::Uuid;

use super::database::{Database, find_client, find_client_id};
use super::table;
use crate::config::{DatabaseConfig, parse_duration};
use crate::domain::key::{ApiKey, Format, NewKey, Scope};
use crate::store::StoreError;
use crate::store::keys::{self, KeyRecord};

#[derive(Subcommand, Debug)]
pub enum KeyCommand {
    /// Make a key, and print it, once: only its hash is stored
    #[command(
        after_help = "Example:\n  contact-search key create --client Acme --scope lookup,search --expires-in 90d"
    )]
    Create {
        #[command(flatten)]
        grant: Grant,
        /// How the key looks; each works on both APIs
        #[arg(long, value_enum, default_value_t = KeyFormat::Mindo)]
        format: KeyFormat,
    },
    /// Take a key that your clients have already, from standard input, so that they need not change
    #[command(after_help = "Example:\n  printf %s \"$OLD_KEY\" | contact-search key import --client Acme --label crm")]
    Import {
        #[command(flatten)]
        grant: Grant,
    },
    /// List the keys; none is shown whole
    #[command(after_help = "Example:\n  contact-search key list --client Acme")]
    List {
        /// Only this client's, by name or id
        #[arg(long, value_name = "CLIENT")]
        client: Option<String>,
    },
    /// End a key for good
    #[command(after_help = "Example:\n  contact-search key revoke 0198c0de-0000-7000-8000-000000000000")]
    Revoke {
        /// The key's id, as `key list` shows it
        id: Uuid,
    },
}

/// Whom a key is for, and what it may do.
#[derive(Args, Debug)]
pub struct Grant {
    /// The client, by name or id
    #[arg(long, value_name = "CLIENT")]
    client: String,
    /// What the key may do: lookup, search, write
    #[arg(long, value_name = "SCOPES", value_delimiter = ',', default_value = "lookup,search")]
    scope: Vec<Scope>,
    /// When the key ends by itself: 45s, 30m, 12h, 90d [default: never]
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    expires_in: Option<TimeDelta>,
    /// What the access log calls the key
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
            let key = ApiKey::generate(match format {
                KeyFormat::Mindo => Format::Mindo,
                KeyFormat::Opaque => Format::Opaque,
            })
            .context("the system has no random numbers")?;
            let id = add(config, &key, grant)?;
            println!("{}", key.reveal());
            eprintln!("This is the only time that the key is shown. Its id is {id}.");
        }
        KeyCommand::Import { grant } => {
            let mut text = String::new();
            // A key is at most 256 characters; whoever pipes a film in gets the same error a little sooner.
            std::io::stdin()
                .take(4096)
                .read_to_string(&mut text)
                .context("standard input can't be read as text")?;
            let key = ApiKey::parse(&text).context("standard input has no key")?;
            println!("{}", add(config, &key, grant)?);
        }
        KeyCommand::List { client } => {
            let database = Database::open(config)?;
            let mut connection = database.connect()?;
            let client = find_client_id(&mut connection, client.as_deref())?;
            let records = keys::list_keys(&mut connection, client)?;
            print!(
                "{}",
                table::format(
                    ["ID", "CLIENT", "LABEL", "KEY", "SCOPES", "CREATED", "ENDS"],
                    records.into_iter().map(describe),
                )
            );
        }
        KeyCommand::Revoke { id } => {
            let database = Database::open(config)?;
            if !keys::revoke_key(&mut database.connect()?, id)? {
                bail!("there is no key with this id: `contact-search key list` shows them");
            }
            println!("Revoked.");
        }
    }
    Ok(())
}

fn add(config: &DatabaseConfig, key: &ApiKey, grant: Grant) -> anyhow::Result<Uuid> {
    let database = Database::open(config)?;
    let mut connection = database.connect()?;
    let client = find_client(&mut connection, &grant.client)?;
    let new = NewKey::new(&grant.label, grant.scope, grant.expires_in)?;
    match keys::add_key(&mut connection, client.id, key, &new) {
        Ok(id) => Ok(id),
        Err(StoreError::Exists(_)) => bail!("this key is stored already"),
        Err(error) => Err(error.into()),
    }
}

fn describe(record: KeyRecord) -> [String; 7] {
    let minute = |at: DateTime<Utc>| at.format("%Y-%m-%d %H:%MZ").to_string();
    let scopes: Vec<&str> = record.scopes.iter().map(|scope| scope.name()).collect();
    let ends = match (record.revoked_at, record.expires_at) {
        (Some(at), _) => format!("revoked {}", minute(at)),
        (None, Some(at)) => minute(at),
        (None, None) => "never".to_owned(),
    };
    [
        record.id.to_string(),
        record.client_name,
        record.label,
        record.display,
        scopes.join(","),
        minute(record.created_at),
        ends,
    ]
}
