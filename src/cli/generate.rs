//! `generate`

use std::time::Instant;

use clap::Args;

use super::database::Database;
use super::names_and_ids::parse_client_name;
use super::output;
use crate::config::DatabaseConfig;
use crate::domain::counted::counted;
use crate::sample::generate::{self, CONTACTS_MAX, Workload, YEARS};

pub const EXAMPLE: &str = "Example, a client to measure with and a thousand small ones:\n  contact-search generate \
                           --contacts 5000000 --small-clients 1000 --client Load\n  contact-search key create --client \
                           Load";

#[derive(Args, Debug)]
pub struct GenerateArgs {
    /// The number of contacts of the client
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=CONTACTS_MAX))]
    contacts: u64,
    /// The client: a new one, or an existing one without contacts
    #[arg(long, value_name = "NAME", default_value = "Generated")]
    client: String,
    /// How many small clients to create too, named NAME 1, NAME 2 and so on. Each has 3 contacts
    /// for every 5000 of --contacts
    #[arg(long, value_name = "M", default_value_t = 0, value_parser = clap::value_parser!(u64).range(..=100_000))]
    small_clients: u64,
    /// The random seed: equal seeds generate equal contacts
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
    /// The time span of the contacts' last messages, in years. Recent days have more messages than older ones
    #[arg(long, value_name = "N", default_value_t = YEARS, value_parser = clap::value_parser!(u32).range(1..=20))]
    years: u32,
}

pub fn run(config: &DatabaseConfig, arguments: GenerateArgs) -> anyhow::Result<()> {
    let workload = Workload {
        client: parse_client_name(&arguments.client)?.to_owned(),
        contacts: arguments.contacts,
        small_clients: arguments.small_clients,
        seed: arguments.seed,
        years: arguments.years,
    };
    let database = Database::open_or_create(config)?;
    let mut connection = database.connect()?;
    let start = Instant::now();
    generate::generate(&mut connection, &workload, &mut generate::bar(workload.total()))?;
    output::print(format_args!(
        "Generated {} in {} in {:.1} seconds.\n",
        counted(workload.total(), "contact", "contacts"),
        counted(workload.small_clients + 1, "client", "clients"),
        start.elapsed().as_secs_f64()
    ))
}
