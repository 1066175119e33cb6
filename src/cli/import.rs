//! `import`

use anyhow::Context;
use clap::{Args, ValueEnum};

use super::database::Database;
use super::import_summary::Places;
use super::input::{Input, InputArgs, Source, parse_threshold};
use super::names_and_ids::find_client;
use super::{json, output};
use crate::config::DatabaseConfig;
use crate::transfer;
use crate::transfer::import::{Import, ImportOptions, OnDuplicate};

pub const EXAMPLE: &str = "Example:\n  contact-search import contacts.csv --client Acme --list Newsletter \\\n    \
                           --column name=first_name,surname --column external_user_id=crm_id";

#[derive(Args, Debug)]
pub struct ImportArgs {
    #[command(flatten)]
    input: InputArgs,
    /// The client that gets the contacts, by name or id
    #[arg(long, value_name = "CLIENT")]
    client: String,
    /// The contact list for rows without one; created if it does not exist
    #[arg(long, value_name = "NAME")]
    list: Option<String>,
    /// Match a row only to the contact that has exactly the row's identity, which is its external
    /// id, or else its phone, or else its email. For files that `export` wrote
    #[arg(long)]
    exact: bool,
    /// Judge each row as `check` does, create the new contacts, and do this with duplicates. Conflicts are never written
    #[arg(long, value_name = "WHAT", group = "verdicts", conflicts_with = "exact")]
    on_duplicate: Option<DuplicateChoice>,
    /// Write only rows with this verdict of `check`: the same as `--on-duplicate skip`
    #[arg(long, value_name = "VERDICT", group = "verdicts", conflicts_with = "exact")]
    only: Option<OnlyChoice>,
    /// With --on-duplicate or --only, the least probability at which two records are likely the same person: above 0,
    /// up to 1 [default: 0.5]
    #[arg(long, value_name = "P", requires = "verdicts", value_parser = parse_threshold)]
    threshold: Option<f64>,
    /// Skip rows that can't be imported, instead of importing nothing
    #[arg(long)]
    skip_bad_rows: bool,
    /// Leave out optional cells that can't be read, instead of rejecting the rows
    #[arg(long)]
    skip_bad_cells: bool,
    /// Print the summary as JSON, also if rejected rows stop the import
    #[arg(long)]
    json: bool,
}

/// What happens to duplicates.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum DuplicateChoice {
    /// Do not write them
    Skip,
    /// Write their values into the contact that `check` names first, or into that of the row that they repeat
    Update,
    /// Write nothing at all if a row is a duplicate or a conflict
    Error,
}

/// The verdict of the rows that are written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
enum OnlyChoice {
    /// Rows that match no contact and no earlier row
    New,
}

impl ImportArgs {
    fn on_duplicate(&self) -> Option<OnDuplicate> {
        match (self.on_duplicate, self.only) {
            (Some(DuplicateChoice::Skip), _) | (None, Some(OnlyChoice::New)) => Some(OnDuplicate::Skip),
            (Some(DuplicateChoice::Update), _) => Some(OnDuplicate::Update),
            (Some(DuplicateChoice::Error), _) => Some(OnDuplicate::Refuse),
            (None, None) => None,
        }
    }
}

pub fn run(config: &DatabaseConfig, arguments: ImportArgs) -> anyhow::Result<()> {
    let on_duplicate = arguments.on_duplicate();
    let Input {
        source: Source { name, size, stream },
        options: file,
    } = arguments.input.open()?;
    let options = ImportOptions {
        file,
        list: arguments.list,
        exact: arguments.exact,
        on_duplicate,
        threshold: arguments.threshold,
        skip_bad_rows: arguments.skip_bad_rows,
        skip_bad_cells: arguments.skip_bad_cells,
    };
    // Checked before a database is opened, which may have to be started.
    let import = Import::open(stream, options).with_context(|| format!("{name} can't be imported"))?;
    if let Some(sheet) = import.sheet().filter(|sheet| sheet.of > 1) {
        output::say(format_args!("  {sheet}"));
    }
    output::say(import.mapping());

    let database = Database::open(config)?;
    let mut connection = database.connect()?;
    let client = find_client(&mut connection, &arguments.client)?;
    let (mut show, mut places) = (transfer::on_stderr(size), Places::default());
    let outcome = import.run(&mut connection, &client, &mut |event| {
        places.observe(&event);
        show(event);
    });
    if arguments.json
        && let Some(summary) = places.summary(&outcome)
    {
        json::print(&summary)?;
    }
    let report = outcome.with_context(|| format!("{name} was not imported"))?;
    if !arguments.json {
        output::print(format_args!("{report}\n"))?;
    }
    Ok(())
}
