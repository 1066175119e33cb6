//! The command line: the global options and the commands.

use std::ffi::OsString;

use anyhow::Context;
use clap::builder::Resettable;
use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{Arg, Args, CommandFactory, FromArgMatches, Parser, Subcommand};

use super::{client, database, export, generate, import, key, migrate, phones, serve, signals, webhook};
use crate::config::{DatabaseConfig, LogConfig, ServeConfig};

/// Finds a contact by phone or email: one server, two documented APIs, over PostgreSQL.
///
/// Without a command it runs the server, and takes the options that `contact-search serve --help` shows. Without
/// --database-url it starts and uses a private PostgreSQL.
#[derive(Parser, Debug)]
#[command(
    name = "contact-search",
    version,
    max_term_width = 100,
    after_help = "Example:\n  contact-search --listen 0.0.0.0:8080"
)]
pub struct Cli {
    #[command(flatten)]
    pub log: LogConfig,
    #[command(flatten)]
    database: DatabaseConfig,
    #[command(subcommand)]
    command: Command,
}

impl Cli {
    /// Reads the arguments of this process. Prints help or a usage error and exits, if necessary.
    pub fn read() -> Self {
        Self::parse_arguments(std::env::args_os().collect()).unwrap_or_else(|error| error.exit())
    }

    /// Without a command, the arguments belong to `serve`.
    fn parse_arguments(mut arguments: Vec<OsString>) -> Result<Self, clap::Error> {
        let command = without_empty_variables(Self::command());
        // Lets the parser recognise the options of `serve` before any command. Their environment variables do not count
        // here, because they mean nothing to other commands.
        let options: Vec<Arg> = ServeConfig::augment_args(clap::Command::new("serve"))
            .get_arguments()
            .map(|option| option.clone().env(Resettable::Reset).hide(true))
            .collect();
        let mut with_options = command
            .clone()
            .args(&options)
            .subcommand_required(false)
            .arg_required_else_help(false);
        let mut matches = with_options.try_get_matches_from_mut(&arguments)?;
        if matches.subcommand_name().is_none() {
            arguments.insert(arguments.len().min(1), "serve".into());
            matches = command.try_get_matches_from(arguments)?;
        } else if let Some(option) = options
            .iter()
            .find(|option| matches.value_source(option.get_id().as_str()) == Some(ValueSource::CommandLine))
        {
            let name = option.get_long().unwrap_or_default();
            let message =
                format!("'--{name}' is an option of serve: write it after the command serve, or omit the command");
            return Err(with_options.error(ErrorKind::ArgumentConflict, message));
        }
        Self::from_arg_matches(&matches)
    }
}

/// An empty environment variable counts as unset.
fn without_empty_variables(command: clap::Command) -> clap::Command {
    let is_empty = |option: &Arg| {
        let value = option.get_env().and_then(std::env::var_os);
        value.is_some_and(|value| value.is_empty())
    };
    command
        .mut_args(|option| {
            if is_empty(&option) {
                option.env(Resettable::Reset)
            } else {
                option
            }
        })
        .mut_subcommands(without_empty_variables)
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Run the server for both APIs (the default command)
    #[command(after_help = "Example:\n  contact-search serve --listen 0.0.0.0:8080 --no-demo")]
    Serve(ServeConfig),
    /// Run pending migrations of the database's schema
    #[command(after_help = "Example:\n  contact-search migrate --database-url postgresql://user@host/contacts")]
    Migrate,
    /// Create and list clients, the organisations that own contacts
    #[command(subcommand)]
    Client(client::ClientCommand),
    /// Create, import, list, rotate, limit and revoke API keys
    #[command(subcommand)]
    Key(key::KeyCommand),
    /// Create, list and delete webhooks, which receive WhatsApp messages from Meta
    #[command(subcommand)]
    Webhook(webhook::WebhookCommand),
    /// Import contacts from a CSV file, all or nothing
    #[command(after_help = import::EXAMPLE)]
    Import(import::ImportArgs),
    /// Export a client's contacts to CSV, which import can read back
    #[command(after_help = export::EXAMPLE)]
    Export(export::ExportArgs),
    /// Read the stored phones of a client's contacts again
    #[command(subcommand)]
    Phones(phones::PhonesCommand),
    /// Generate contacts by the million, for tests and measurements
    #[command(after_help = generate::EXAMPLE)]
    Generate(generate::GenerateArgs),
    /// Back up and restore the database, and print its URL
    #[command(subcommand)]
    Database(database::DatabaseCommand),
}

/// Runs the command.
///
/// # Errors
/// An error whose first sentence says what failed, and whose causes say why.
pub fn run(cli: Cli) -> anyhow::Result<()> {
    signals::watch().context("signal handlers can't be installed")?;
    let outcome = run_command(cli);
    signals::finish();
    outcome
}

fn run_command(cli: Cli) -> anyhow::Result<()> {
    let config = &cli.database;
    match cli.command {
        Command::Serve(serve) => serve::run(config, &serve),
        Command::Migrate => migrate::run(config),
        Command::Client(command) => client::run(config, command),
        Command::Key(command) => key::run(config, command),
        Command::Webhook(command) => webhook::run(config, command),
        Command::Import(arguments) => import::run(config, arguments),
        Command::Export(arguments) => export::run(config, arguments),
        Command::Phones(command) => phones::run(config, command),
        Command::Generate(arguments) => generate::run(config, arguments),
        Command::Database(command) => database::run(config, &command),
    }
}
