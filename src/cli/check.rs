//! `check`

use std::io::{self, BufWriter, ErrorKind, IsTerminal, Write};
use std::path::PathBuf;

use anyhow::Context;
use clap::{Args, ValueHint};
use serde::Serialize;
use uuid::Uuid;

use super::database::Database;
use super::input::{Input, InputArgs, Source, parse_threshold};
use super::names_and_ids::find_client;
use super::target::Target;
use super::{json, output, table};
use crate::config::DatabaseConfig;
use crate::domain::counted::counted;
use crate::domain::duplicates::Verdict;
use crate::store::check::CheckedLine;
use crate::transfer::check::{Check, CheckError, CheckOptions, CheckStep};
use crate::transfer::{CheckedFile, check_on_stderr};

pub const EXAMPLE: &str = "Examples:\n  contact-search check contacts.csv --client Acme\n  contact-search check \
                           contacts.csv --client Acme --output checked.csv --threshold 0.8";

/// The most rows that the table on the terminal shows.
const SHOWN: usize = 20;

#[derive(Args, Debug)]
pub struct CheckArgs {
    #[command(flatten)]
    input: InputArgs,
    /// The client whose contacts the rows are compared with, by name or id
    #[arg(long, value_name = "CLIENT")]
    client: String,
    /// The least probability at which two records are likely the same person: above 0, up to 1 [default: 0.5]
    #[arg(long, value_name = "P", value_parser = parse_threshold)]
    threshold: Option<f64>,
    /// Also write a CSV file with the columns of the file and the verdicts, safe for spreadsheets. Only its owner may
    /// read it
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    output: Option<PathBuf>,
    /// Replace an existing output file, once the new one is complete
    #[arg(long, requires = "output")]
    force: bool,
    /// Print each row as one line of JSON, and the summary on standard error
    #[arg(long)]
    json: bool,
}

pub fn run(config: &DatabaseConfig, arguments: CheckArgs) -> anyhow::Result<()> {
    let Input {
        source: Source { name, size, stream },
        options: file,
    } = arguments.input.open()?;
    let options = CheckOptions {
        file,
        threshold: arguments.threshold,
        keep_cells: arguments.output.is_some(),
        show_people: false,
    };
    // Checked before a database is opened, which may have to be started.
    let check = Check::open(stream, options).with_context(|| format!("{name} can't be checked"))?;
    let target = arguments.output.as_deref();
    let mut target = target.map(|path| Target::begin(path, arguments.force)).transpose()?;
    if let Some(sheet) = check.sheet().filter(|sheet| sheet.of > 1) {
        output::say(format_args!("  {sheet}"));
    }
    output::say(check.mapping());

    let database = Database::open(config)?;
    let mut connection = database.connect()?;
    let client = find_client(&mut connection, &arguments.client)?;
    let mut file = match &mut target {
        Some(target) => Some(CheckedFile::begin(BufWriter::new(&mut target.draft), check.header())?),
        None => None,
    };
    let mut stdout = arguments.json.then(|| BufWriter::new(io::stdout()));
    let mut show = check_on_stderr(size, !arguments.json || !io::stdout().is_terminal());
    let mut shown = Vec::new();
    let outcome = check.run(&mut connection, client.id, client.default_region, &mut |step| {
        show(&step);
        let CheckStep::Line { line, .. } = step else {
            return Ok(());
        };
        if let Some(file) = &mut file {
            file.push(&line)?;
        }
        if let Some(stdout) = &mut stdout {
            let json = json::line(&JsonLine::from(&line)).map_err(io::Error::from)?;
            stdout.write_all(json.as_bytes()).map_err(CheckError::Output)?;
        } else if line.verdict != Verdict::New && shown.len() < SHOWN {
            shown.push(line);
        }
        Ok(())
    });
    let outcome = outcome.and_then(|report| {
        if let Some(stdout) = &mut stdout {
            stdout.flush().map_err(CheckError::Output)?;
        }
        Ok(report)
    });
    let report = match outcome {
        // The reader has closed its end early, as `head` does.
        Err(CheckError::Output(error)) if error.kind() == ErrorKind::BrokenPipe && file.is_none() => {
            return Ok(());
        }
        outcome => outcome.with_context(|| format!("{name} was not checked"))?,
    };
    file.map(CheckedFile::finish).transpose()?;
    if let Some(target) = target {
        target.publish()?;
    }
    if arguments.json {
        output::say(report);
        return Ok(());
    }
    let others = report.read - report.verdicts.new - shown.len() as u64;
    output::print(format_args!("{report}\n{}", table_of(&shown)))?;
    if others > 0 {
        let rows = counted(others, "more row is", "more rows are");
        output::say(format_args!("{rows} not new. See all with --output or --json."));
    }
    Ok(())
}

fn table_of(lines: &[CheckedLine]) -> String {
    if lines.is_empty() {
        return String::new();
    }
    let rows = lines.iter().map(|line| {
        [
            line.line.to_string(),
            line.verdict.to_string(),
            format!("{:.2}", line.score),
            matches(line),
            line.reasons.join("; "),
        ]
    });
    format!(
        "\n{}",
        table::format(["LINE", "VERDICT", "SCORE", "MATCHES", "REASONS"], rows)
    )
}

/// The best matches: `0198c0de-0000-7000-8000-000000000000 and 2 more, line 4`.
fn matches(line: &CheckedLine) -> String {
    let contacts = line.contact_ids.first().map(|first| match line.contact_ids.len() - 1 {
        0 => first.to_string(),
        more => format!("{first} and {more} more"),
    });
    let row = line.duplicate_of.map(|line| format!("line {line}"));
    let matches: Vec<String> = contacts.into_iter().chain(row).collect();
    if matches.is_empty() {
        "-".to_owned()
    } else {
        matches.join(", ")
    }
}

/// A row of `check --json`. docs/commands.md documents the members.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct JsonLine<'l> {
    line: u64,
    verdict: String,
    score: f64,
    reasons: &'l [String],
    contact_ids: &'l [Uuid],
    duplicate_of: Option<u64>,
}

impl<'l> From<&'l CheckedLine> for JsonLine<'l> {
    fn from(line: &'l CheckedLine) -> Self {
        Self {
            line: line.line,
            verdict: line.verdict.to_string(),
            score: line.shown_score(),
            reasons: &line.reasons,
            contact_ids: &line.contact_ids,
            duplicate_of: line.duplicate_of,
        }
    }
}
