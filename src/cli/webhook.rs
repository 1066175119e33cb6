//! `webhook`

use std::io::Read;

use anyhow::{Context, bail};
use clap::Subcommand;
use uuid::Uuid;

use super::database::Database;
use super::names_and_ids::{find_client, find_client_id, parse_uuid};
use super::{output, table};
use crate::config::DatabaseConfig;
use crate::domain::webhook::{AppSecret, Token};
use crate::store::webhooks;

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
    /// List the webhooks, without their URLs and secrets
    #[command(after_help = "Example:\n  contact-search webhook list --client Acme")]
    List {
        /// Only the webhooks of this client, by name or id
        #[arg(long, value_name = "CLIENT")]
        client: Option<String>,
    },
    /// Delete a webhook permanently: calls to its URL then get 404
    #[command(after_help = "Example:\n  contact-search webhook delete 0198c0de-0000-7000-8000-000000000000")]
    Delete {
        /// The webhook's id, as `webhook list` shows it
        #[arg(value_parser = |text: &str| parse_uuid(text, "webhook"))]
        id: Uuid,
    },
}

pub fn run(config: &DatabaseConfig, command: WebhookCommand) -> anyhow::Result<()> {
    match command {
        WebhookCommand::Create { client } => create(config, &client)?,
        WebhookCommand::List { client } => {
            let database = Database::open(config)?;
            let mut connection = database.connect()?;
            let client = find_client_id(&mut connection, client.as_deref())?;
            let rows = webhooks::list_webhooks(&mut connection, client)?
                .into_iter()
                .map(|record| {
                    [
                        record.id.to_string(),
                        record.client_name,
                        record.created_at.format("%Y-%m-%d %H:%MZ").to_string(),
                    ]
                });
            output::print(table::format(["ID", "CLIENT", "CREATED"], rows))?;
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
    let id = webhooks::add_webhook(&mut connection, client.id, &token, &app_secret)?;
    output::print_or_fail(format_args!(
        "Callback URL path: /webhooks/whatsapp/{token}\nVerify token: {token}\n",
        token = token.reveal()
    ))
    .with_context(|| format!("the token can't be shown: delete the webhook {id} and create another one"))?;
    output::say(format_args!(
        "Save both now: they are not shown again. The webhook's id is {id}."
    ));
    Ok(())
}
