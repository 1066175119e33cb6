//! The commands: one file each, a few lines that parse, call and print.

mod client;
mod database;
mod demo;
mod import;
mod key;
pub mod log;
mod migrate;
mod serve;
mod table;

use clap::{Parser, Subcommand};

use crate::config::{DatabaseConfig, LogConfig, ServeConfig};

/// Finds a contact by phone or email: one server, two documented APIs, over PostgreSQL.
///
/// Without a command it serves. Without --database-url it uses a private PostgreSQL that it starts by itself.
#[derive(Parser, Debug)]
#[command(
    name = "contact-search",
    version,
    args_conflicts_with_subcommands = true,
    max_term_width = 100,
    after_help = "Example:\n  contact-search serve --listen 0.0.0.0:8080"
)]
pub struct Cli {
    #[command(flatten)]
    pub log: LogConfig,
    #[command(flatten)]
    database: DatabaseConfig,
    #[command(flatten)]
    serve: ServeConfig,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Answer both APIs (the default)
    #[command(after_help = "Example:\n  contact-search serve --listen 0.0.0.0:8080 --no-demo")]
    Serve(ServeConfig),
    /// Bring the database's schema up to this program's
    #[command(after_help = "Example:\n  contact-search migrate --database-url postgresql://user@host/contacts")]
    Migrate,
    /// Make and list clients, the organisations that contacts belong to
    #[command(subcommand)]
    Client(client::ClientCommand),
    /// Make, bring along, list and revoke API keys
    #[command(subcommand)]
    Key(key::KeyCommand),
    /// Import contacts from a CSV file, all or nothing
    #[command(after_help = import::EXAMPLE)]
    Import(import::ImportArgs),
    /// How to reach the database
    #[command(subcommand)]
    Database(database::DatabaseCommand),
}

/// Runs the command that the arguments name.
///
/// # Errors
/// A chain of sentences; the first says what was not done, the last why.
pub fn run(cli: Cli) -> anyhow::Result<()> {
    let config = &cli.database;
    match cli.command {
        None => serve::run(config, &cli.serve),
        Some(Command::Serve(serve)) => serve::run(config, &serve),
        Some(Command::Migrate) => migrate::run(config),
        Some(Command::Client(command)) => client::run(config, command),
        Some(Command::Key(command)) => key::run(config, command),
        Some(Command::Import(arguments)) => import::run(config, arguments),
        Some(Command::Database(command)) => database::run(config, &command),
    }
}
