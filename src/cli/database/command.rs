//! `database`

use clap::Subcommand;

use super::open::Database;
use super::{backup, distribute, restore, upgrade};
use crate::cli::output;
use crate::config::DatabaseConfig;

#[derive(Subcommand, Debug)]
pub enum DatabaseCommand {
    /// Write the whole database to a file: clients, contacts, keys, webhooks
    #[command(after_help = backup::EXAMPLE)]
    Backup(backup::BackupArgs),
    /// Restore a backup into a database without clients, all or nothing, and run pending migrations
    #[command(after_help = restore::EXAMPLE)]
    Restore(restore::RestoreArgs),
    /// Move the private PostgreSQL to a newer major version, or back, while no server runs
    #[command(after_help = upgrade::EXAMPLE)]
    Upgrade(upgrade::UpgradeArgs),
    /// Distribute the contacts over the nodes of a Citus cluster, all or nothing, while no server runs
    #[command(after_help = distribute::EXAMPLE)]
    Distribute,
    /// Print the URL of the database, for psql
    #[command(after_help = "Example, while a server runs:\n  psql \"$(contact-search database url)\"")]
    Url,
}

pub fn run(config: &DatabaseConfig, command: &DatabaseCommand) -> anyhow::Result<()> {
    match command {
        DatabaseCommand::Backup(arguments) => backup::run(config, arguments),
        DatabaseCommand::Restore(arguments) => restore::run(config, arguments),
        DatabaseCommand::Upgrade(arguments) => upgrade::run(config, arguments),
        DatabaseCommand::Distribute => distribute::run(config),
        DatabaseCommand::Url => {
            let database = Database::open(config)?;
            output::print(format_args!("{}\n", database.url()))?;
            if let Some(private) = database.private() {
                output::say(format_args!(
                    "PostgreSQL {} keeps its data in {}. It runs while a contact-search process uses it. Connect with:\n  \
                     psql \"{}\"",
                    private.server.version(),
                    private.server.data_directory().display(),
                    database.url()
                ));
            }
            Ok(())
        }
    }
}
