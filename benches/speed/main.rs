//! How fast the server answers: `cargo bench --bench speed -- --help`.
//!
//! A private PostgreSQL is started and filled with made-up contacts, the program itself serves them, and this process
//! asks it over HTTP, as a caller does. Machines differ and are noisy, so that every time is told as a multiple of U:
//! the latency of the lookup's own statement by `pgbench`, in the same run. Nothing here fails for being slow.
//!
//! | module | what it does |
//! |---|---|
//! | `stage` | PostgreSQL, its databases filled with contacts, the program serving them |
//! | `terms` | what is asked: the classes of terms, taken from the data by a seed |
//! | `client` | one kept-alive connection, and what an answer has to be |
//! | `load` | asks in turn, by many connections at once, and beside writers |
//! | `pgbench` | the unit |
//! | `sections` | the parts of the report, each a few lines that ask and tell |
//! | `report` | the rows, on the terminal and as Markdown |
//! | `process` | other programs, which end with this one, and what they take |

mod client;
mod load;
mod pgbench;
mod process;
mod report;
mod sections;
mod stage;
mod terms;

#[path = "../../tests/it/support/directory.rs"]
mod directory;

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;

use sections::{Bench, Section};
use stage::Stage;

/// Measures the server's speed on made-up contacts, and prints one table.
///
/// U is the latency of the lookup's statement by pgbench with one client, measured beside each section
/// that is told by it.
#[derive(Parser, Debug)]
#[command(
    name = "speed",
    max_term_width = 100,
    after_help = "Example:\n  cargo bench --bench speed -- --contacts 100000 --markdown speed.md"
)]
struct Arguments {
    /// How many contacts the large client has; a thousand small ones have 3 for every 5000 of them
    #[arg(long, value_name = "N", default_value_t = 5_000_000, value_parser = clap::value_parser!(u64).range(10_000..=50_000_000))]
    contacts: u64,
    /// Writes the table to a file too, as Markdown
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
    /// Measures these parts alone
    #[arg(long, value_name = "SECTION", value_enum, value_delimiter = ',')]
    only: Vec<Section>,
    /// Keeps the data here, and uses what an earlier run with as many contacts has kept [default: a directory in /tmp
    /// that goes in the end]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// The program to measure [default: the one that is built along]
    #[arg(long, value_name = "FILE", default_value = env!("CARGO_BIN_EXE_contact-search"), hide_default_value = true)]
    program: PathBuf,
    /// How many seconds each load lasts; up to four passes, one a second, are measured
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
    /// Also watches the server's memory from request 100,000 to request 1,000,000: it takes minutes
    #[arg(long)]
    growth: bool,
    /// What `cargo bench` adds
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let load = Duration::from_secs(arguments.seconds);
    let stage = Stage::open(&arguments.program, arguments.data_dir.as_deref())?;
    let mut bench = Bench::prepare(&stage, arguments.contacts, load, arguments.growth)?;
    for section in Section::ALL {
        if arguments.only.is_empty() || arguments.only.contains(&section) {
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
