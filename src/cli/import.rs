//! `import`

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;

use super::database::Database;
use super::names_and_ids::find_client;
use super::output;
use crate::config::DatabaseConfig;
use crate::domain::phone::Region;
use crate::transfer::import::{Import, ImportOptions};
use crate::transfer::{self, ColumnChoice};

pub const EXAMPLE: &str = "Example:\n  contact-search import contacts.csv --client Acme --list Newsletter \\\n    \
                           --column name=first_name,surname --column external_user_id=crm_id";

#[derive(Args, Debug)]
pub struct ImportArgs {
    /// A CSV file with a header line, UTF-8, separated by commas, semicolons or tabs; - is standard input
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
    /// Take each row for the contact that has its external id, else its phone, else its email as its identity, and for
    /// no other one that has the same phone or email: for what `export` wrote
    #[arg(long)]
    exact: bool,
    /// Leave out the rows that can't be imported, instead of importing nothing
    #[arg(long)]
    skip_bad_rows: bool,
}

pub fn run(config: &DatabaseConfig, arguments: ImportArgs) -> anyhow::Result<()> {
    let Source { name, size, stream } = Source::open(&arguments.file)?;
    let options = ImportOptions {
        columns: arguments.column,
        region: arguments.region,
        list: arguments.list,
        platform: Some(arguments.platform),
        exact: arguments.exact,
        skip_bad_rows: arguments.skip_bad_rows,
    };
    // Before a database is looked for, or even made and started.
    let import = Import::open(stream, options).with_context(|| format!("{name} can't be imported"))?;
    output::say(import.mapping());

    let database = Database::open(config)?;
    let mut connection = database.connect()?;
    let client = find_client(&mut connection, &arguments.client)?;
    let mut observe = transfer::on_stderr(size);
    let report = import
        .run(&mut connection, &client, &mut observe)
        .with_context(|| format!("{name} was not imported"))?;
    output::print(format_args!("{report}\n"))
}

/// Where the rows come from.
struct Source {
    /// What messages call it.
    name: String,
    /// In bytes, where that is known beforehand.
    size: Option<u64>,
    stream: Box<dyn Read>,
}

impl Source {
    fn open(path: &Path) -> anyhow::Result<Self> {
        if path == Path::new("-") {
            return Ok(Self {
                name: "standard input".to_owned(),
                size: None,
                stream: Box::new(io::stdin().lock()),
            });
        }
        let name = path.display().to_string();
        let file = File::open(path).with_context(|| format!("{name} can't be opened"))?;
        // A pipe has a name, too, but no size.
        let size = file.metadata().ok().filter(|it| it.is_file()).map(|it| it.len());
        Ok(Self {
            name,
            size,
            stream: Box::new(file),
        })
    }
}
