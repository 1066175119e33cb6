//! `client`

use std::io::{self, BufRead, Read};

use anyhow::{Context, anyhow, ensure};
use clap::{ArgGroup, Subcommand};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use super::database::Database;
use super::names_and_ids::{find_client, parse_client_name};
use super::{json, output, table};
use crate::config::DatabaseConfig;
use crate::domain::counted::counted;
use crate::domain::phone::Region;
use crate::store::clients::{self, Client};
use crate::store::erase_client::{self, Belongings};
use crate::store::{PgConnection, StoreError};

#[derive(Subcommand, Debug)]
pub enum ClientCommand {
    /// Create a client, and print its id
    #[command(after_help = "Example:\n  contact-search client create 'Acme' --region CL")]
    Create {
        /// The client's name, which must be unique
        name: String,
        /// The region (ISO 3166, two letters) for phone numbers without a country code [default: AR, Argentina]
        #[arg(long, value_name = "CC")]
        region: Option<Region>,
    },
    /// Change a client's name or its region
    #[command(
        group(ArgGroup::new("change").args(["region", "new_name"]).required(true).multiple(true)),
        after_help = "Example:\n  contact-search client edit 'Acme' --region CL --name 'Acme Chile'"
    )]
    Edit {
        /// The client, by name or id
        name: String,
        /// The new region (ISO 3166, two letters) for phone numbers without a country code
        #[arg(long, value_name = "CC")]
        region: Option<Region>,
        /// The new name, which must be unique
        #[arg(long = "name", value_name = "NEW")]
        new_name: Option<String>,
    },
    /// Erase a client with its contacts, keys and webhooks
    #[command(after_help = "Example:\n  contact-search client delete 'Acme'")]
    Delete {
        /// The client, by name or id
        name: String,
        /// Do not ask for the client's name again
        #[arg(long)]
        yes: bool,
    },
    /// List the clients
    #[command(after_help = "Examples:\n  contact-search client list\n  contact-search client list --json")]
    List {
        /// Print a JSON array
        #[arg(long)]
        json: bool,
    },
}

/// A client in `client list --json`. docs/commands.md documents the members.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ListedClient {
    id: String,
    name: String,
    region: String,
    created_at: String,
}

impl From<Client> for ListedClient {
    fn from(client: Client) -> Self {
        Self {
            id: client.id.to_string(),
            name: client.name,
            region: client.default_region.as_str().to_owned(),
            created_at: json::time(client.created_at),
        }
    }
}

pub fn run(config: &DatabaseConfig, command: ClientCommand) -> anyhow::Result<()> {
    match command {
        ClientCommand::Create { name, region } => {
            let name = parse_client_name(&name)?;
            let database = Database::open_or_create(config)?;
            let id = clients::create_client(&mut database.connect()?, name, region.unwrap_or(Region::DEFAULT))
                .map_err(|error| explain(error, name))?;
            output::print(format_args!("{id}\n"))?;
            if region.is_none() {
                output::say(default_region_notice(name));
            }
        }
        ClientCommand::Edit { name, region, new_name } => {
            let new_name = new_name.as_deref().map(parse_client_name).transpose()?;
            let database = Database::open(config)?;
            let mut connection = database.connect()?;
            let client = find_client(&mut connection, &name)?;
            let name = new_name.unwrap_or(&client.name);
            let is_found = clients::edit_client(&mut connection, client.id, new_name, region)
                .map_err(|error| explain(error, name))?;
            ensure!(is_found, "another program deleted the client while this command ran");
            output::print("Changed.\n")?;
            if let Some(region) = region.filter(|region| *region != client.default_region) {
                output::say(format_args!(
                    "Phone numbers without a country code are read in the region {} from now on. The stored ones \
                     stay as they are: `contact-search phones recheck --client {}` reads them again.",
                    region.as_str(),
                    quoted(name)
                ));
            }
        }
        ClientCommand::Delete { name, yes } => {
            let database = Database::open(config)?;
            delete(&mut database.connect()?, &name, yes)?;
        }
        ClientCommand::List { json } => {
            let database = Database::open(config)?;
            let clients = clients::list_clients(&mut database.connect()?)?;
            if json {
                return json::print(&clients.into_iter().map(ListedClient::from).collect::<Vec<_>>());
            }
            let rows = clients.into_iter().map(|client| {
                [
                    client.id.to_string(),
                    client.name,
                    client.default_region.as_str().to_owned(),
                    client.created_at.format("%Y-%m-%d").to_string(),
                ]
            });
            output::print(table::format(["ID", "NAME", "REGION", "CREATED"], rows))?;
        }
    }
    Ok(())
}

fn delete(connection: &mut PgConnection, name_or_id: &str, is_sure: bool) -> anyhow::Result<()> {
    let client = find_client(connection, name_or_id)?;
    let Belongings {
        contacts,
        keys,
        webhooks,
    } = erase_client::belongings(connection, client.id)?;
    if !is_sure {
        output::say(format_args!(
            "This erases {} with {}, {} and {}. It can't be undone.\nType the client's name to erase it:",
            client.name,
            counted(contacts, "contact", "contacts"),
            counted(keys, "key", "keys"),
            counted(webhooks, "webhook", "webhooks"),
        ));
        let mut typed = String::new();
        io::stdin()
            .lock()
            .take(4096)
            .read_line(&mut typed)
            .context("standard input can't be read as text")?;
        ensure!(
            typed.trim() == client.name,
            "that is not the client's name, so nothing was erased: type the name as `contact-search client list` shows \
             it, or give --yes"
        );
    }
    let bar = ProgressBar::new(contacts.unsigned_abs()).with_style(ProgressStyle::with_template(
        "{bar:40} {percent:>3} % {pos} of {len} contacts, {eta} left",
    )?);
    let outcome = erase_client::erase_client(connection, client.id, |erased| bar.set_position(erased));
    bar.finish_and_clear();
    let erased = outcome
        .context("the client is not erased completely: run the command again, it goes on where it has stopped")?;
    output::print(format_args!(
        "Erased with {}.\n",
        counted(erased, "contact", "contacts")
    ))
}

/// The notice for a new client whose region nobody has chosen. It names the default region.
pub fn default_region_notice(name: &str) -> String {
    format!(
        "Phone numbers without a country code are read in the region {} (Argentina), which is the default. Change it \
         with `contact-search client edit {} --region CC`.",
        Region::DEFAULT.as_str(),
        quoted(name)
    )
}

/// The name in quotes, as an argument for a shell.
fn quoted(name: &str) -> String {
    format!("'{}'", name.replace('\'', r"'\''"))
}

fn explain(error: StoreError, name: &str) -> anyhow::Error {
    match error {
        StoreError::Exists(_) => anyhow!("a client named '{name}' exists already: choose another name"),
        error => error.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_printed_command_quotes_the_name_for_the_shell() {
        assert_eq!(quoted("Ana's Café"), r"'Ana'\''s Café'");
    }
}
