//! `import`

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Args, ValueHint};

use super::database::Database;
use super::import_summary::Places;
use super::names_and_ids::find_client;
use super::{json, output};
use crate::config::DatabaseConfig;
use crate::domain::phone::Region;
use crate::transfer::import::{Import, ImportOptions};
use crate::transfer::{self, ColumnChoice, Encoding};

pub const EXAMPLE: &str = "Example:\n  contact-search import contacts.csv --client Acme --list Newsletter \\\n    \
                           --column name=first_name,surname --column external_user_id=crm_id";

#[derive(Args, Debug)]
pub struct ImportArgs {
    /// A CSV file with a header line, an Excel workbook (.xlsx), or vCards (.vcf); - is standard input
    #[arg(value_hint = ValueHint::FilePath)]
    file: PathBuf,
    /// The client that gets the contacts, by name or id
    #[arg(long, value_name = "CLIENT")]
    client: String,
    /// The contact list for rows without one; created if it does not exist
    #[arg(long, value_name = "NAME")]
    list: Option<String>,
    /// The region for phones without a country code [default: the client's]
    #[arg(long, value_name = "CC")]
    region: Option<Region>,
    /// The platform for rows without one
    #[arg(long, value_name = "NAME", default_value = "other")]
    platform: String,
    /// The column of a field, if its name is not recognised: FIELD=COLUMN. With FIELD=COLUMN,COLUMN a name is joined
    /// from all the columns, and a phone or email is the first one that the row has
    #[arg(long, value_name = "FIELD=COLUMN")]
    column: Vec<ColumnChoice>,
    /// The character between two cells of a CSV file: `,` `;` `|` or `tab` [default: the file decides]
    #[arg(long, value_name = "CHARACTER", value_parser = parse_delimiter)]
    delimiter: Option<u8>,
    /// The encoding of the text, such as windows-1252 or utf-16le [default: the file decides]
    #[arg(long, value_name = "NAME")]
    encoding: Option<Encoding>,
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

fn parse_delimiter(text: &str) -> Result<u8, &'static str> {
    match text {
        "," => Ok(b','),
        ";" => Ok(b';'),
        "|" => Ok(b'|'),
        "tab" | "\t" | "\\t" => Ok(b'\t'),
        _ => Err("write ',' or ';' or '|' in quotes, or tab"),
    }
}

pub fn run(config: &DatabaseConfig, arguments: ImportArgs) -> anyhow::Result<()> {
    let Source { name, size, stream } = Source::open(&arguments.file)?;
    let options = ImportOptions {
        columns: arguments.column,
        delimiter: arguments.delimiter,
        encoding: arguments.encoding,
        region: arguments.region,
        list: arguments.list,
        platform: Some(arguments.platform),
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

/// The file with the rows.
struct Source {
    /// The name in messages.
    name: String,
    /// In bytes, if it is known in advance.
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
        let name = output::visible_path(path);
        let file = File::open(path).with_context(|| format!("{name} can't be opened"))?;
        // A named pipe has no size.
        let size = file.metadata().ok().filter(|it| it.is_file()).map(|it| it.len());
        Ok(Self {
            name,
            size,
            stream: Box::new(file),
        })
    }
}
