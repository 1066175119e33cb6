//! `client`

use anyhow::{anyhow, ensure};
use clap::{ArgGroup, Subcommand};
use serde::Serialize;

use super::database::Database;
use super::names_and_ids::{find_client, parse_client_name};
use super::{json, output, table};
use crate::config::DatabaseConfig;
use crate::domain::phone::Region;
use crate::store::StoreError;
use crate::store::clients::{self, Client};

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
