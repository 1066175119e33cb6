//! Measures the server's speed: `cargo bench --bench speed -- --help`.
//!
//! Starts a private PostgreSQL, fills it with generated contacts, starts the program on it, and sends HTTP requests as
//! a caller does. Machines differ and are noisy, so every time is also reported as a multiple of U: the latency of the
//! lookup's own statement in `pgbench`, in the same run. A slow result is never a failure.
//!
//! | module | what it does |
//! |---|---|
//! | `stage` | PostgreSQL, its databases filled with contacts, and the running program |
//! | `terms` | the requests: classes of terms, chosen from the data by a seed |
//! | `client` | one persistent connection, and the expected answers |
//! | `load` | requests in turn, on many connections at once, and during writes |
//! | `pgbench` | measures the unit U |
//! | `sections` | the parts of the report |
//! | `report` | the rows, on the terminal and as Markdown |
//! | `process` | child processes, and their use of the machine |

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

/// Measures the server's speed with generated contacts, and prints one table.
///
/// U is the latency of the lookup's statement in pgbench with one client, measured together with each section that uses
/// it.
#[derive(Parser, Debug)]
#[command(
    name = "speed",
    max_term_width = 100,
    after_help = "Example:\n  cargo bench --bench speed -- --contacts 100000 --markdown speed.md"
)]
struct Arguments {
    /// The number of contacts of the large client; a thousand small ones have 3 for every 5000 of them
    #[arg(long, value_name = "N", default_value_t = 5_000_000, value_parser = clap::value_parser!(u64).range(10_000..=50_000_000))]
    contacts: u64,
    /// Also write the table to a file, as Markdown
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
    /// Measure only these parts
    #[arg(long, value_name = "SECTION", value_enum, value_delimiter = ',')]
    only: Vec<Section>,
    /// Keep the data in this directory, and reuse those of an earlier run with as many contacts [default: a temporary
    /// directory]
    #[arg(long, value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// The program to measure [default: the one built by cargo]
    #[arg(long, value_name = "FILE", default_value = env!("CARGO_BIN_EXE_contact-search"), hide_default_value = true)]
    program: PathBuf,
    /// The duration of each load in seconds; up to four passes, of one second each, are measured
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
    /// Also measure the growth of the server's memory from request 100,000 to request 1,000,000, which takes minutes
    #[arg(long)]
    growth: bool,
    /// Added by `cargo bench`
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
