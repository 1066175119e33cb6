//! `webhook`

use std::io::Read;

use anyhow::{Context, bail};
use clap::Subcommand;
use serde::Serialize;
use uuid::Uuid;

use super::database::Database;
use super::names_and_ids::{find_client, find_client_id, parse_uuid};
use super::{json, output, table};
use crate::config::DatabaseConfig;
use crate::domain::webhook::{AppSecret, Token};
use crate::store::webhooks::{self, WebhookRecord};

/// The text below the options of `create --help`.
pub const CREATE_EXAMPLE: &str = "\
Example:
  printf %s \"$APP_SECRET\" | contact-search webhook create --client Acme

In Meta's App Dashboard the app secret is under App settings > Basic. Enter the printed values under
WhatsApp > Configuration > Webhook, with your server's public https address before the path. Then
subscribe to the field 'messages'.";

#[derive(Subcommand, Debug)]
pub enum WebhookCommand {
    /// Create a webhook for Meta's WhatsApp Cloud API, with the app secret from standard input
    #[command(after_help = CREATE_EXAMPLE)]
    Create {
        /// The client whose contacts the webhook keeps up to date, by name or id
        #[arg(long, value_name = "CLIENT")]
        client: String,
    },
    /// List the webhooks, with the last four characters of their tokens, and without their URLs and secrets
    #[command(after_help = "Example:\n  contact-search webhook list --client Acme")]
    List {
        /// Only the webhooks of this client, by name or id
        #[arg(long, value_name = "CLIENT")]
        client: Option<String>,
        /// Print a JSON array
        #[arg(long)]
        json: bool,
    },
    /// Delete a webhook permanently: calls to its URL then get 404
    #[command(after_help = "Example:\n  contact-search webhook delete 0198c0de-0000-7000-8000-000000000000")]
    Delete {
        /// The webhook's id, as `webhook list` shows it
        #[arg(value_parser = |text: &str| parse_uuid(text, "webhook"))]
        id: Uuid,
    },
}

/// A webhook in `webhook list --json`. docs/commands.md documents the members.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ListedWebhook {
    id: String,
    client_id: String,
    client_name: String,
    token_end: Option<String>,
    created_at: String,
    last_delivery_at: Option<String>,
}

impl From<WebhookRecord> for ListedWebhook {
    fn from(record: WebhookRecord) -> Self {
        Self {
            id: record.id.to_string(),
            client_id: record.client.to_string(),
            client_name: record.client_name,
            token_end: record.token_end,
            created_at: json::time(record.created_at),
            last_delivery_at: record.last_delivery_at.map(json::time),
        }
    }
}

/// The cells of a webhook in the table.
fn describe(record: WebhookRecord) -> [String; 5] {
    [
        record.id.to_string(),
        record.client_name,
        record
            .token_end
            .map_or_else(|| "unknown".to_owned(), |end| format!("…{end}")),
        table::minute(record.created_at),
        table::minute_or_never(record.last_delivery_at),
    ]
}

pub fn run(config: &DatabaseConfig, command: WebhookCommand) -> anyhow::Result<()> {
    match command {
        WebhookCommand::Create { client } => create(config, &client)?,
        WebhookCommand::List { client, json } => {
            let database = Database::open(config)?;
            let mut connection = database.connect()?;
            let client = find_client_id(&mut connection, client.as_deref())?;
            let records = webhooks::list_webhooks(&mut connection, client)?;
            if json {
                return json::print(&records.into_iter().map(ListedWebhook::from).collect::<Vec<_>>());
            }
            output::print(table::format(
                ["ID", "CLIENT", "TOKEN", "CREATED", "LAST DELIVERY"],
                records.into_iter().map(describe),
            ))?;
        }
        WebhookCommand::Delete { id } => {
            let database = Database::open(config)?;
            if !webhooks::delete_webhook(&mut database.connect()?, id)? {
                bail!("there is no webhook with this id: see `contact-search webhook list`");
            }
            output::print("Deleted.\n")?;
        }
    }
    Ok(())
}

fn create(config: &DatabaseConfig, client: &str) -> anyhow::Result<()> {
    let mut text = String::new();
    std::io::stdin()
        .take(4096)
        .read_to_string(&mut text)
        .context("standard input can't be read as text")?;
    let app_secret = AppSecret::parse(&text)
        .map_err(anyhow::Error::msg)
        .context("standard input does not contain an app secret")?;
    let token = Token::generate().context("the operating system has no random numbers")?;
    let database = Database::open(config)?;
    let mut connection = database.connect()?;
    let client = find_client(&mut connection, client)?;
    let id = webhooks::add_webhook(&mut connection, client.id, &token, &app_secret, || {
        output::print_or_fail(format_args!(
            "Callback URL path: /webhooks/whatsapp/{token}\nVerify token: {token}\n",
            token = token.reveal()
        ))
        .context("the token can't be shown, so no webhook was created")
    })?;
    output::say(format_args!(
        "Save both now: they are not shown again. The webhook's id is {id}."
    ));
    Ok(())
}
