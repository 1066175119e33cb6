//! The command line: the global options and the commands.

use std::ffi::OsString;

use anyhow::Context;
use clap::builder::Resettable;
use clap::error::ErrorKind;
use clap::parser::ValueSource;
use clap::{Arg, Args, CommandFactory, FromArgMatches, Parser, Subcommand};

use super::{
    check, client, completions, database, environment, export, generate, import, key, migrate, output, phones, search,
    serve, signals, webhook,
};
use crate::config::{DatabaseConfig, LogConfig, ServeConfig};
use crate::domain::visible::{is_active, visible};

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
    database: DatabaseConfig,
    #[command(flatten)]
    pub log: LogConfig,
    #[command(subcommand)]
    command: Command,
}

impl Cli {
    /// Reads the arguments of this process. Prints help or a usage error and exits, if necessary.
    pub fn read() -> Self {
        let arguments: Vec<OsString> = std::env::args_os().collect();
        Self::parse_arguments(arguments.clone()).unwrap_or_else(|error| exit(error, arguments))
    }

    fn parse_arguments(arguments: Vec<OsString>) -> Result<Self, clap::Error> {
        let command = environment::with_variables(Self::command());
        Self::parse_command(command.clone(), arguments.clone()).map_err(|error| {
            environment::blame_variables(error, &command, |command| {
                Self::parse_command(command, arguments.clone())
            })
        })
    }

    /// Without a command, the arguments belong to `serve`.
    fn parse_command(command: clap::Command, mut arguments: Vec<OsString>) -> Result<Self, clap::Error> {
        // Lets the parser recognise the options of `serve` before any command. Their environment variables do not count
        // here, because they mean nothing to other commands.
        let options: Vec<Arg> = serve_options()
            .map(|option| option.env(Resettable::Reset).hide(true))
            .collect();
        let mut with_options = command
            .clone()
            .args(&options)
            .subcommand_required(false)
            .arg_required_else_help(false);
        let mut matches = with_options.try_get_matches_from_mut(&arguments)?;
        if matches.subcommand_name().is_none() {
            arguments.insert(arguments.len().min(1), "serve".into());
            matches = command.clone().try_get_matches_from(arguments)?;
        } else if let Some(option) = options
            .iter()
            .find(|option| matches.value_source(option.get_id().as_str()) == Some(ValueSource::CommandLine))
        {
            let name = option.get_long().unwrap_or_default();
            let message =
                format!("'--{name}' is an option of serve: write it after the command serve, or omit the command");
            return Err(with_options.error(ErrorKind::ArgumentConflict, message));
        }
        let mut cli = Self::from_arg_matches(&matches)?;
        cli.database.variables = environment::variables(&command, &matches);
        if let (Command::Serve(serve), Some((name, matches))) = (&mut cli.command, matches.subcommand())
            && let Some(command) = command.find_subcommand(name)
        {
            serve.variables = environment::variables(command, matches);
        }
        Ok(cli)
    }
}

/// The options of `serve`, which also work without the word `serve`.
fn serve_options() -> impl Iterator<Item = Arg> {
    let serve = ServeConfig::augment_args(clap::Command::new("serve"));
    serve.get_arguments().cloned().collect::<Vec<_>>().into_iter()
}

/// Prints help or a usage error, and exits. A message can repeat an argument or an environment variable. The characters
/// of these must not drive the terminal.
fn exit(error: clap::Error, arguments: Vec<OsString>) -> ! {
    let mut values = arguments
        .iter()
        .cloned()
        .chain(std::env::vars_os().map(|(_, value)| value));
    if !values.any(|value| value.to_string_lossy().contains(is_active)) {
        error.exit();
    }
    // Parsed again with escaped arguments, so that every line break in the message is one of the parser.
    let arguments = arguments.into_iter().map(|argument| {
        let text = argument.to_string_lossy();
        if text.contains(is_active) {
            visible(&text).into_owned().into()
        } else {
            argument
        }
    });
    let error = match Cli::parse_arguments(arguments.collect()) {
        Err(escaped) if escaped.kind() == error.kind() => escaped,
        _ => error,
    };
    // Without colours, since they would be escaped too.
    let text = error.render().to_string();
    if error.use_stderr() {
        output::say(text.trim_end_matches('\n'));
    } else {
        // There is nowhere to report a failure.
        let _ = output::print(text);
    }
    std::process::exit(error.exit_code())
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Run the server for both APIs (the default command)
    #[command(after_help = "Example:\n  contact-search serve --listen 0.0.0.0:8080 --no-demo")]
    Serve(ServeConfig),
    /// Run pending migrations of the database's schema
    #[command(after_help = "Example:\n  contact-search migrate --database-url postgresql://user@host/contacts")]
    Migrate,
    /// Create, edit and list clients, the organisations that own contacts
    #[command(subcommand)]
    Client(client::ClientCommand),
    /// Create, import, list, rotate, limit and revoke API keys
    #[command(subcommand)]
    Key(key::KeyCommand),
    /// Create, list and delete webhooks, which receive WhatsApp messages from Meta
    #[command(subcommand)]
    Webhook(webhook::WebhookCommand),
    /// Search for people by names, phones, emails and ids, and say why each contact matches
    #[command(after_help = search::EXAMPLE)]
    Search(search::SearchArgs),
    /// Import contacts from a CSV file, all or nothing
    #[command(after_help = import::EXAMPLE)]
    Import(import::ImportArgs),
    /// Check a file before its import: which rows are contacts already, twice in the file, doubtful, or broken
    #[command(after_help = check::EXAMPLE)]
    Check(check::CheckArgs),
    /// Export a client's contacts to CSV, which import can read back
    #[command(after_help = export::EXAMPLE)]
    Export(export::ExportArgs),
    /// Explain how a phone number is read, and read the stored phones of a client's contacts again
    #[command(subcommand)]
    Phones(phones::PhonesCommand),
    /// Generate contacts by the million, for tests and measurements
    #[command(after_help = generate::EXAMPLE)]
    Generate(generate::GenerateArgs),
    /// Back up, restore and upgrade the database, and print its URL
    #[command(subcommand)]
    Database(database::DatabaseCommand),
    /// Print a script that completes commands and options in a shell
    #[command(after_help = completions::EXAMPLE)]
    Completions(completions::CompletionsArgs),
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
        Command::Search(arguments) => search::run(config, arguments),
        Command::Import(arguments) => import::run(config, arguments),
        Command::Check(arguments) => check::run(config, arguments),
        Command::Export(arguments) => export::run(config, arguments),
        Command::Phones(command) => phones::run(config, command),
        Command::Generate(arguments) => generate::run(config, arguments),
        Command::Database(command) => database::run(config, &command),
        Command::Completions(arguments) => completions::run(&arguments, Cli::command().args(serve_options())),
    }
}
