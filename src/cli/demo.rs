//! The demo client of the private database: contacts to try the APIs on, and a key for them.

use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use anyhow::Context;

use crate::domain::client::ClientId;
use crate::domain::key::{ApiKey, Format, Scope};
use crate::domain::phone::Region;
use crate::intake::demo;
use crate::store::keys::{self, NewKey};
use crate::store::{PgConnection, clients};

/// The name of the demo's client.
const CLIENT: &str = "Demo";

/// The file in the data directory that keeps the demo's key, for the next start to show it again.
const KEY_FILE: &str = "demo-key";

/// A demo that can be tried.
pub struct Demo {
    key: ApiKey,
}

/// Makes the demo's client, contacts and key where they are not there yet.
pub fn ensure(connection: &mut PgConnection, data_dir: &Path) -> anyhow::Result<Demo> {
    let client = match clients::find_client(connection, CLIENT)? {
        Some(client) => client.id,
        None => clients::create_client(connection, CLIENT, Region::DEFAULT)?,
    };
    demo::fill(connection, client).context("the demo contacts can't be filled in")?;
    let key = ensure_key(connection, client, &data_dir.join(KEY_FILE))?;
    Ok(Demo { key })
}

fn ensure_key(connection: &mut PgConnection, client: ClientId, file: &Path) -> anyhow::Result<ApiKey> {
    let kept = match fs::read_to_string(file) {
        Ok(text) => ApiKey::parse(&text).ok(),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => return Err(error).with_context(|| format!("{} can't be read", file.display())),
    };
    if let Some(key) = kept
        && let Some(credential) = keys::find_credential(connection, &key.hash())?
        && credential.client == client
        && !credential.ended
    {
        return Ok(key);
    }
    let key = ApiKey::generate(Format::Mindo).context("the system has no random numbers")?;
    let new = NewKey::new("demo", vec![Scope::Lookup, Scope::Search], None).map_err(anyhow::Error::msg)?;
    keys::add_key(connection, client, &key, &new)?;
    write_private(file, key.reveal()).with_context(|| format!("{} can't be written", file.display()))?;
    Ok(key)
}

/// Writes a file that its owner alone may read; whoever reads it meanwhile sees all of it or nothing.
fn write_private(file: &Path, text: &str) -> std::io::Result<()> {
    let draft = file.with_extension("new");
    // A left-over draft may have another mode, which opening it would keep.
    match fs::remove_file(&draft) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut out = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&draft)?;
    writeln!(out, "{text}")?;
    out.sync_all()?;
    fs::rename(draft, file)
}

impl Demo {
    /// What to try, for the terminal: one line of curl an endpoint. The key is in it, so it is never logged.
    pub fn describe(&self, base: &str) -> String {
        let key = self.key.reveal();
        format!(
            "\nThe client '{CLIENT}' has {} made-up contacts. Try it:\n\n  \
             curl -H \"X-API-Key: {key}\" \"{base}/api/v1/contact-lookup/?phone={}\"\n\n  \
             curl -H \"X-API-Key: {key}\" \"{base}/api/public/contacts/search?email={}\"\n\n",
            demo::CONTACTS,
            "5492235961983",
            "john%40example.com",
        )
    }
}
