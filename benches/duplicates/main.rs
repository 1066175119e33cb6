//! Measures how well duplicates are found: `cargo bench --bench duplicates -- --help`.
//!
//! | module | what it does |
//! |---|---|
//! | `labelled` | reads records whose persons are known |
//! | `made` | makes records with phones, households and receptions |
//! | `quality` | groups the records, and measures precision and recall over pairs |
//! | `verdicts` | judges rows whose person is known |
//! | `picture` | draws the curve over the threshold |
#![allow(clippy::print_stdout, reason = "a benchmark prints its report")]

mod labelled;
mod made;
mod picture;
mod quality;
mod verdicts;

use std::hint::black_box;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Instant;

use clap::Parser;
use contact_search::domain::duplicates::{Model, Parameters, Record};

use labelled::Labelled;
use quality::{Candidates, Point};
use verdicts::Verdicts;

/// The goals.
const PRECISION_LEAST: f64 = 0.98;
const RECALL_LEAST: f64 = 0.90;
const FALSE_EXACT_MOST: f64 = 1e-4;
const MICROSECONDS_MOST: f64 = 5.0;

/// The comparisons whose time is measured.
const TIMED: usize = 1_000_000;

/// Measures how well duplicates are found.
///
/// Prints precision and recall over pairs of records after grouping, over the threshold, for a file and for made-up
/// records with phones. Also prints the verdicts about the made-up records, and the time of a comparison.
#[derive(Parser, Debug)]
#[command(
    name = "duplicates",
    max_term_width = 100,
    after_help = "Example:\n  cargo bench --bench duplicates -- --picture docs/duplicates.svg"
)]
struct Arguments {
    /// A CSV file without quotes, with the columns `cluster` (the person), `name` or `first_name` and `surname`, and
    /// optionally `email` and `phone`
    #[arg(long, value_name = "FILE", default_value = "tests/data/fake_1000.csv")]
    file: PathBuf,
    /// The number of made-up persons
    #[arg(
        long,
        value_name = "N",
        default_value_t = 500_000,
        value_parser = clap::value_parser!(u32).range(100..=1_000_000)
    )]
    persons: u32,
    /// The random seed of the made-up persons
    #[arg(long, value_name = "NUMBER", default_value_t = 1)]
    seed: u64,
    /// Also list the groups of the file that have several persons, and the made-up rows that match another person
    #[arg(long)]
    verbose: bool,
    /// Also draw the curve of the file, as SVG
    #[arg(long, value_name = "FILE")]
    picture: Option<PathBuf>,
    /// Exit with 1 if a goal is not met
    #[arg(long)]
    strict: bool,
    /// A flag that `cargo bench` adds; ignored
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    let threshold = Parameters::get().threshold;
    let file = Labelled::read(&std::fs::read_to_string(&arguments.file)?)?;
    let of_file = Candidates::find(&file);
    let curve = of_file.curve();
    print!("{}\n{}", arguments.file.display(), report(&of_file, &file, &curve));
    if arguments.verbose {
        print!("\n{}", mixed_groups(&of_file, &file, threshold));
    }
    if let Some(picture) = &arguments.picture {
        std::fs::write(picture, picture::picture(&curve))?;
    }
    let made = made::make(arguments.persons, arguments.seed);
    let of_made = Candidates::find(&made);
    let made_curve = of_made.curve();
    let verdicts = Verdicts::of(&made, arguments.seed);
    print!(
        "\nMade-up records\n{}\n{}",
        report(&of_made, &made, &made_curve),
        verdicts.text()
    );
    if arguments.verbose {
        print!("\n{}", wrong_verdicts(&verdicts, &made));
    }
    println!(
        "`exact` rows that are another person than their contact, in all rows: {}",
        verdicts.false_exact
    );
    println!(
        "Without records that fit two people with one phone or email by their name, initial or missing name: {}",
        verdicts.false_exact_decidable
    );
    println!("The goal is a rate of {FALSE_EXACT_MOST}");
    let microseconds = time_of_comparison(&of_made, &made);
    println!("A comparison takes {microseconds:.2} µs, at most {MICROSECONDS_MOST} µs");
    let point = of_file.point(threshold);
    let is_met = point.precision() >= PRECISION_LEAST
        && point.recall() >= RECALL_LEAST
        && verdicts.false_exact_decidable.share() <= FALSE_EXACT_MOST
        && microseconds <= MICROSECONDS_MOST;
    println!(
        "The goals at the threshold {threshold} (precision {PRECISION_LEAST}, recall {RECALL_LEAST} of the file): {}",
        if is_met { "met" } else { "not met" }
    );
    Ok(if arguments.strict && !is_met {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

fn report(candidates: &Candidates, labelled: &Labelled, curve: &[Point]) -> String {
    let count = labelled.records.len();
    let bytes: usize = labelled.records.iter().map(|record| record.bytes()).sum();
    let mut text = format!(
        "{count} records of {:.0} bytes, {:.2} candidate pairs per record, which include {:.1} % of the wanted pairs\n",
        bytes as f64 / count.max(1) as f64,
        candidates.pairs_per_record(),
        candidates.coverage() * 100.0
    );
    text += &format!(
        "{:<12}{:>12}{:>12}{:>12}{:>16}\n",
        "Threshold", "Precision", "Recall", "Pairs", "Largest group"
    );
    for point in curve {
        text += &format!(
            "{:<12}{:>12.4}{:>12.4}{:>12}{:>16}\n",
            point.threshold,
            point.precision(),
            point.recall(),
            point.found,
            point.largest
        );
    }
    text
}

/// The groups that have records of several persons.
fn mixed_groups(candidates: &Candidates, labelled: &Labelled, threshold: f64) -> String {
    let mut text = String::new();
    for group in candidates.groups(threshold) {
        let person = |record: &u32| labelled.persons[*record as usize];
        if group.iter().all(|record| person(record) == person(&group[0])) {
            continue;
        }
        text += "Several persons in one group:\n";
        for record in &group {
            let shown = &labelled.records[*record as usize];
            text += &format!(
                "{:>8} {} {} {}\n",
                person(record),
                shown.name(),
                shown.email(),
                shown.phone()
            );
        }
    }
    text
}

/// The made-up rows that match another person, with the reasons.
fn wrong_verdicts(verdicts: &Verdicts, made: &Labelled) -> String {
    let model = Model::new(&made.frequencies);
    let mut text = String::new();
    for wrong in &verdicts.wrong {
        let (row, other) = (&made.records[wrong.row], &made.records[wrong.other]);
        let shown = |record: &Record| [record.name(), record.email(), record.phone()].join(" ");
        text += &format!("Wrongly {}: {} and {}\n", wrong.verdict, shown(row), shown(other));
        for reason in model.explain(row, other, &model.compare(row, other)) {
            text += &format!("    {reason}\n");
        }
    }
    text
}

/// The microseconds of a comparison of candidates.
fn time_of_comparison(candidates: &Candidates, labelled: &Labelled) -> f64 {
    let model = Model::new(&labelled.frequencies);
    let start = Instant::now();
    for (one, other, _) in candidates.links.iter().cycle().take(TIMED) {
        black_box(model.compare(&labelled.records[*one as usize], &labelled.records[*other as usize]));
    }
    start.elapsed().as_secs_f64() * 1e6 / TIMED as f64
}
