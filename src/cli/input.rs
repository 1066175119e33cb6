//! The file of contacts that a command reads, and how it reads the file.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::{Args, ValueHint};

use super::output;
use crate::domain::duplicates;
use crate::domain::phone::Region;
use crate::transfer::{ColumnChoice, Encoding, FileOptions};

/// The file, and how to read it.
#[derive(Args, Debug)]
pub struct InputArgs {
    /// A CSV file with a header line, an Excel workbook (.xlsx), or vCards (.vcf); - is standard input
    #[arg(value_hint = ValueHint::FilePath)]
    file: PathBuf,
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

/// Parses the least probability of a likely match.
pub fn parse_threshold(text: &str) -> Result<f64, &'static str> {
    duplicates::parse_threshold(text).ok_or("write a probability above 0 and up to 1, such as 0.8")
}

/// An opened file, and how to read it.
pub struct Input {
    pub source: Source,
    pub options: FileOptions,
}

impl InputArgs {
    /// Opens the file.
    ///
    /// # Errors
    /// If the file can't be opened.
    pub fn open(self) -> anyhow::Result<Input> {
        Ok(Input {
            source: Source::open(&self.file)?,
            options: FileOptions {
                columns: self.column,
                delimiter: self.delimiter,
                encoding: self.encoding,
                region: self.region,
                platform: Some(self.platform),
            },
        })
    }
}

/// The file with the rows.
pub struct Source {
    /// The name in messages.
    pub name: String,
    /// In bytes, if it is known in advance.
    pub size: Option<u64>,
    pub stream: Box<dyn Read>,
}

impl Source {
    /// Opens the file; `-` is standard input.
    ///
    /// # Errors
    /// If the file can't be opened.
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
