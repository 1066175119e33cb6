//! `import`

use std::fs::File;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;

use super::database::{Database, find_client};
use crate::config::DatabaseConfig;
use crate::domain::phone::Region;
use crate::intake::import::{Import, ImportOptions};
use crate::intake::{self, ColumnChoice};

pub const EXAMPLE: &str = "Example:\n  contact-search import contacts.csv --client Acme --list Newsletter \\\n    \
                           --column name=first_name,surname --column external_user_id=crm_id";

#[derive(Args, Debug)]
pub struct ImportArgs {
    /// A CSV file with a header line: UTF-8, separated by commas, semicolons or tabs
    file: PathBuf,
    /// The client whose contacts they are, by name or id
    #[arg(long, value_name = "CLIENT")]
    client: String,
    /// The contact list for rows that name none; made where it doesn't exist
    #[arg(long, value_name = "NAME")]
    list: Option<String>,
    /// The region in which phones without a country code are read [default: the client's]
    #[arg(long, value_name = "CC")]
    region: Option<Region>,
    /// The channel for rows that name none
    #[arg(long, value_name = "NAME", default_value = "other")]
    platform: String,
    /// Which column a field is in, where the header doesn't say it in usual words: FIELD=COLUMN, and for a name
    /// also FIELD=COLUMN,COLUMN
    #[arg(long, value_name = "FIELD=COLUMN")]
    column: Vec<ColumnChoice>,
    /// Leave out the rows that can't be imported, instead of importing nothing
    #[arg(long)]
    skip_bad_rows: bool,
}

pub fn run(config: &DatabaseConfig, arguments: ImportArgs) -> anyhow::Result<()> {
    let path = arguments.file.display();
    let file = File::open(&arguments.file).with_context(|| format!("{path} can't be opened"))?;
    let size = file.metadata().map_or(0, |metadata| metadata.len());
    let import = Import::open(file, &arguments.column).with_context(|| format!("{path} can't be imported"))?;
    eprintln!("{}", import.mapping());

    let database = Database::open(config)?;
    let mut connection = database.connect()?;
    let client = find_client(&mut connection, &arguments.client)?;
    let options = ImportOptions {
        region: arguments.region,
        list: arguments.list,
        platform: Some(arguments.platform),
        skip_bad_rows: arguments.skip_bad_rows,
    };
    let mut progress = intake::bar(size);
    let report = import
        .run(&mut connection, &client, &options, &mut progress)
        .with_context(|| format!("{path} was not imported"))?;
    println!("{report}");
    Ok(())
}
