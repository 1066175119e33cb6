//! `client`

use anyhow::bail;
use clap::Subcommand;

use super::database::Database;
use super::names_and_ids::parse_client_name;
use super::{output, table};
use crate::config::DatabaseConfig;
use crate::domain::phone::Region;
use crate::store::{StoreError, clients};

#[derive(Subcommand, Debug)]
pub enum ClientCommand {
    /// Create a client, and print its id
    #[command(after_help = "Example:\n  contact-search client create 'Acme' --region CL")]
    Create {
        /// The client's name, which must be unique
        name: String,
        /// The region (ISO 3166, two letters) for phone numbers without a country code
        #[arg(long, value_name = "CC", default_value = "AR")]
        region: Region,
    },
    /// List the clients
    #[command(after_help = "Example:\n  contact-search client list")]
    List,
}

pub fn run(config: &DatabaseConfig, command: ClientCommand) -> anyhow::Result<()> {
    let database = Database::open(config)?;
    let mut connection = database.connect()?;
    match command {
        ClientCommand::Create { name, region } => {
            let name = parse_client_name(&name)?;
            match clients::create_client(&mut connection, name, region) {
                Ok(id) => output::print(format_args!("{id}\n"))?,
                Err(StoreError::Exists(_)) => bail!("a client named '{name}' exists already: choose another name"),
                Err(error) => return Err(error.into()),
            }
        }
        ClientCommand::List => {
            let rows = clients::list_clients(&mut connection)?.into_iter().map(|client| {
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
