//! Measures how good the answers of the one box are: `cargo bench --bench relevance -- --help`.
//!
//! Starts a private PostgreSQL, fills it with made-up contacts, and runs the server on it. Makes queries of many kinds,
//! each from a contact that it looks for, and asks the server over HTTP at which place the contact is.
//!
//! | module | what it does |
//! |---|---|
//! | `pairs` | makes the queries, and finds which contacts are equally good answers |
//! | `ask` | asks the server, and finds the place of the wanted contact |
//! | `report` | the table, and the list of misses |
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a benchmark prints its report and its progress"
)]

mod ask;
mod pairs;
mod report;

#[path = "../common/client.rs"]
#[allow(dead_code, reason = "the speed benchmark uses the rest")]
mod client;
#[path = "../common/process.rs"]
#[allow(dead_code, reason = "the speed benchmark uses the rest")]
mod process;
#[path = "../common/stage.rs"]
#[allow(dead_code, reason = "the speed benchmark uses the rest")]
mod stage;

#[path = "../../tests/it/support/directory.rs"]
mod directory;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Parser;
use contact_search::sample::generate::YEARS;

use pairs::{Contacts, Kind};
use report::Report;
use stage::{Server, Size, Stage};

/// Measures how good the answers of the one box are, and prints a table by kind of query.
///
/// Each query is made from a contact. A query counts if at most five contacts are equally good answers. The goal is
/// that the wanted contact is first for 95 % of them, and among the first five for 99 %. An equally good contact before
/// it does no harm to the first place.
#[derive(Parser, Debug)]
#[command(
    name = "relevance",
    max_term_width = 100,
    after_help = "Example:\n  cargo bench --bench relevance -- --contacts 20000 --verbose"
)]
struct Arguments {
    /// The number of contacts
    #[arg(long, value_name = "N", default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1_000..=50_000_000))]
    contacts: u64,
    /// The number of queries of all kinds together
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(10..=1_000_000))]
    pairs: u64,
    /// The random seed of the queries
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
    /// Also list the queries whose wanted contact is not first, the worst ones first, and the slowest queries
    #[arg(long)]
    verbose: bool,
    /// Exit with 1 if a goal is not met
    #[arg(long)]
    strict: bool,
    /// Also write the table to a file, as Markdown
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
    /// Keeps the data here, and reuses the data of an earlier run with the same number of contacts [default: a
    /// directory in /tmp that is deleted at the end]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// The program to measure [default: the one that cargo builds for the benchmark]
    #[arg(long, value_name = "FILE", default_value = env!("CARGO_BIN_EXE_contact-search"), hide_default_value = true)]
    program: PathBuf,
    /// A flag that `cargo bench` adds; ignored
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    let stage = Stage::open(&arguments.program, arguments.data_dir.as_deref())?;
    let filled = stage.fill(Size {
        contacts: arguments.contacts,
        small_clients: 0,
        seed: 1,
        years: YEARS,
    })?;
    let client = filled.large_client()?;
    let contacts = Contacts::new(ask::read_contacts(&mut filled.connect()?, client)?);
    let each = usize::try_from(arguments.pairs)? / Kind::ALL.len();
    let pairs = pairs::make(&contacts, each, arguments.seed);
    let server = Server::start(&stage, &filled)?;
    let outcomes = ask::ask_all(&server.address, &filled.key(client)?, &contacts, pairs)?;
    let report = Report::new(&outcomes, &contacts);
    if arguments.verbose {
        print!("{}\n{}", report.misses(), report.slowest());
    }
    print!("\n{}", report.text());
    if let Some(file) = &arguments.markdown {
        std::fs::write(file, report.markdown())?;
    }
    Ok(if arguments.strict && !report.meets_goals() {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}
