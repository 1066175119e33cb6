//! `database distribute`

use anyhow::{Context, bail};

use super::open::Database;
use crate::cli::{output, table};
use crate::config::DatabaseConfig;
use crate::store::distribution::{self, DistributionError};

pub const EXAMPLE: &str = "Example, while no server runs:\n  contact-search database distribute --database-url \
                           postgresql://contact_search@coordinator/contact_search";

pub fn run(config: &DatabaseConfig) -> anyhow::Result<()> {
    if config.database_url.is_none() {
        bail!(
            "database distribute needs a Citus cluster of your own, and the private PostgreSQL is one server: name the \
             cluster's coordinator with --database-url"
        );
    }
    let database = Database::open(config)?;
    let mut connection = database.connect_to_any_schema()?;
    distribution::prepare(&mut connection)?;
    // The settings of the role apply to a new connection.
    drop(connection);
    let mut connection = database.connect_to_any_schema()?;
    let outcome = distribution::distribute(&mut connection, |table| {
        output::say(format_args!("Distributing {table}."));
    });
    let nodes = match outcome {
        Err(
            error @ (DistributionError::Distributed
            | DistributionError::TriggersMissing(_)
            | DistributionError::Unfinished(_)),
        ) => return Err(error.into()),
        outcome => outcome.context("the contacts were not distributed, and only settings of the role were changed")?,
    };
    output::say("The contacts are distributed. Start the servers.");
    let rows = nodes
        .into_iter()
        .map(|node| [format!("{}:{}", node.host, node.port), node.shards.to_string()]);
    output::print(table::format(["NODE", "SHARDS"], rows))
}
