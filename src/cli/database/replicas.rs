//! Checks the read replicas of a server at its start.

use anyhow::{Context, ensure};

use crate::config::ServeConfig;
use crate::store::replication::{DatabaseIdentity, database_identity};
use crate::store::{PgConnection, StoreError, connection};

const FLAG: &str = "--read-database-url";

/// Checks the form of the replicas' URLs.
///
/// # Errors
/// A message that names the replica and the option, or the variable that has set it.
pub fn check_urls(serve: &ServeConfig) -> anyhow::Result<()> {
    for (url, number) in serve.read_database_url.iter().zip(1..) {
        connection::check_url(&url.0).with_context(|| blame(serve, number))?;
    }
    Ok(())
}

/// Checks that each replica lets this program in, and that it is a copy of the primary's database. A replica that does
/// not answer now passes: the server uses it as soon as it answers.
///
/// # Errors
/// A message that names the replica and the option, or the variable that has set it. It also fails if `primary` has the
/// connection to the primary, and that breaks.
pub fn check(serve: &ServeConfig, primary: Option<&mut PgConnection>) -> anyhow::Result<()> {
    if serve.read_database_url.is_empty() {
        return Ok(());
    }
    let primary = primary.map(database_identity).transpose()?;
    for (url, number) in serve.read_database_url.iter().zip(1..) {
        let identity = connection::connect(&url.0).and_then(|mut connection| database_identity(&mut connection));
        let identity: Option<DatabaseIdentity> = match identity {
            Err(StoreError::Unavailable(_)) => None,
            identity => Some(identity.with_context(|| blame(serve, number))?),
        };
        ensure!(
            primary.is_none() || identity.is_none() || primary == identity,
            "{}: it is no copy of the database that --database-url names; name a streaming standby of it, and the same \
             database",
            blame(serve, number)
        );
    }
    Ok(())
}

fn blame(serve: &ServeConfig, number: usize) -> String {
    format!("replica {number} of {} can't be used", serve.variables.setter_of(FLAG))
}
