//! `import`

use anyhow::Context;
use clap::Args;

use super::database::Database;
use super::import_summary::Places;
use super::input::{Input, InputArgs, Source};
use super::names_and_ids::find_client;
use super::{json, output};
use crate::config::DatabaseConfig;
use crate::transfer;
use crate::transfer::import::{Import, ImportOptions};

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

pub fn run(config: &DatabaseConfig, arguments: ImportArgs) -> anyhow::Result<()> {
    let Input {
        source: Source { name, size, stream },
        options: file,
    } = arguments.input.open()?;
    let options = ImportOptions {
        file,
        list: arguments.list,
        exact: arguments.exact,
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
