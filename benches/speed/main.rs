//! Measures the server's speed: `cargo bench --bench speed -- --help`.
//!
//! Starts a private PostgreSQL, fills it with made-up contacts, runs the server on it, and sends requests over HTTP.
//! Machines differ and are noisy. So times are reported as multiples of U, the latency of the lookup's own statement in
//! `pgbench` during the same run. A slow result never fails the run.
//!
//! | module | what it does |
//! |---|---|
//! | `stage` | PostgreSQL, its databases filled with contacts, the program serving them |
//! | `terms` | the requests: classes of terms, chosen from the data by a seed |
//! | `names` | the requests to the one box: classes of names |
//! | `client` | one kept-alive connection, and the check of each answer |
//! | `load` | requests in turn, on many concurrent connections, and beside writers |
//! | `pgbench` | measures the unit U |
//! | `sections` | the sections of the report: each sends requests and adds rows |
//! | `writes` | the sections that write: messages, indexes, import |
//! | `beside` | the section about searches beside an import |
//! | `checks` | the section about checks of a file before its import |
//! | `peer` | the section about the same reads as they are usually written |
//! | `costs` | the section about what the search's tables cost a write |
//! | `report` | the rows, on the terminal and as Markdown |
//! | `process` | child processes, which end with this one, and their processor time and memory |
#![allow(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a benchmark prints its report and its progress"
)]

mod beside;
mod checks;
mod costs;
mod load;
mod names;
mod peer;
mod pgbench;
mod report;
mod sections;
mod terms;
mod writes;

#[path = "../common/client.rs"]
mod client;
#[path = "../common/process.rs"]
mod process;
#[path = "../common/stage.rs"]
mod stage;

#[path = "../../tests/it/support/directory.rs"]
mod directory;

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use contact_search::sample::generate::YEARS;

use sections::{Bench, Section};
use stage::{Size, Stage};

const SMALL_CLIENTS: u64 = 1_000;
const SEED: u64 = 1;

/// Measures the server's speed with generated contacts, and prints one table.
///
/// U is the latency of a lookup's statement (yardstick.sql) in pgbench with one client. It is measured
/// during each section that reports multiples of U.
#[derive(Parser, Debug)]
#[command(
    name = "speed",
    max_term_width = 100,
    after_help = "Example:\n  cargo bench --bench speed -- --contacts 100000 --markdown speed.md"
)]
struct Arguments {
    /// The number of contacts of the large client. Each of a thousand small clients has 3 contacts
    /// for every 5000 of the large one
    #[arg(long, value_name = "N", default_value_t = 5_000_000, value_parser = clap::value_parser!(u64).range(10_000..=50_000_000))]
    contacts: u64,
    /// The time span of the contacts' last messages, in years
    #[arg(long, value_name = "N", default_value_t = YEARS, value_parser = clap::value_parser!(u32).range(1..=20))]
    years: u32,
    /// Also write the table to a file, as Markdown
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
    /// Measures only these sections
    #[arg(long, value_name = "SECTION", value_enum, value_delimiter = ',')]
    only: Vec<Section>,
    /// Keeps the data here, and reuses the data of an earlier run with the same number of contacts and years [default: a
    /// directory in /tmp that is deleted at the end]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// The program to measure [default: the one that cargo builds for the benchmark]
    #[arg(long, value_name = "FILE", default_value = env!("CARGO_BIN_EXE_contact-search"), hide_default_value = true)]
    program: PathBuf,
    /// How many seconds each load lasts; it is split into up to four passes of at least one second
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
    /// Also measure the growth of the server's memory from request 100,000 to request 1,000,000, which takes minutes
    #[arg(long)]
    growth: bool,
    /// A flag that `cargo bench` adds; ignored
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let load = Duration::from_secs(arguments.seconds);
    let stage = Stage::open(&arguments.program, arguments.data_dir.as_deref())?;
    let size = Size {
        contacts: arguments.contacts,
        small_clients: SMALL_CLIENTS,
        seed: SEED,
        years: arguments.years,
    };
    let mut bench = Bench::prepare(&stage, size, load, arguments.growth)?;
    for section in Section::ALL {
        let is_wanted = match &arguments.only[..] {
            [] => section.is_usual(),
            named => named.contains(&section),
        };
        if is_wanted {
            bench.run(section)?;
        }
    }
    let report = bench.report;
    print!("\n{}", report.text());
    if let Some(file) = &arguments.markdown {
        std::fs::write(file, report.markdown())?;
    }
    Ok(())
}
