//! Names and ids in arguments.

use anyhow::bail;
use uuid::Uuid;

use crate::domain::client::{ClientId, NAME_MAX};
use crate::domain::visible::is_active;
use crate::store::PgConnection;
use crate::store::clients::{self, Client};

/// A client's name, trimmed.
///
/// # Errors
/// If the name is empty, too long, or has characters that a terminal acts on.
pub fn parse_client_name(text: &str) -> anyhow::Result<&str> {
    let name = text.trim();
    if name.is_empty() || name.chars().count() > NAME_MAX || name.contains(is_active) {
        bail!(
            "a client's name has 1 to {NAME_MAX} characters, without control characters, line breaks or direction marks"
        );
    }
    Ok(name)
}

/// Finds a client by name or id.
///
/// # Errors
/// If there is no such client. The message says how to list the clients.
pub fn find_client(connection: &mut PgConnection, name_or_id: &str) -> anyhow::Result<Client> {
    match clients::find_client(connection, name_or_id.trim())? {
        Some(client) => Ok(client),
        None => bail!("there is no client with this name or id: see `contact-search client list`"),
    }
}

/// Finds an optional client by name or id.
///
/// # Errors
/// If a client is given and does not exist.
pub fn find_client_id(connection: &mut PgConnection, name_or_id: Option<&str>) -> anyhow::Result<Option<ClientId>> {
    name_or_id
        .map(|name| find_client(connection, name).map(|client| client.id))
        .transpose()
}

/// Parses an id that `contact-search <command> list` shows.
///
/// # Errors
/// A message that names that command.
pub fn parse_uuid(text: &str, command: &str) -> Result<Uuid, String> {
    text.parse()
        .map_err(|_| format!("give the {command}'s id, which `contact-search {command} list` shows"))
}
