//! Why a header can't be understood.

use std::error::Error;
use std::fmt;

use crate::domain::contact::Attribute;

/// The advice of a message about choosing a column: what the reader can do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum ColumnAdvice {
    /// With the option `--column`.
    Option,
    /// By changing the file. The reader is at a page, which has no options.
    File,
}

/// Why a header can't be understood. The message says what to change. The names of columns in it are escaped.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum HeaderError {
    Syntax(String),
    UnknownField(String),
    ChosenTwice(Attribute),
    Several(Attribute),
    NoColumn {
        wanted: String,
        present: String,
    },
    Duplicate(String),
    Ambiguous {
        attribute: Attribute,
        columns: String,
    },
    OnlyInSecond {
        line: u64,
        attribute: Attribute,
        first: String,
        second: String,
    },
    NoIdentity {
        present: String,
    },
    /// Does not repeat the line, because it contains personal data.
    NoHeader,
}

impl HeaderError {
    /// The message with this advice.
    pub fn message(&self, advice: ColumnAdvice) -> String {
        match self {
            Self::Syntax(text) => {
                format!("“{text}” is not of the form field=column, as in --column name=first_name,last_name")
            }
            Self::UnknownField(field) => {
                let fields = Attribute::ALL.map(Attribute::name).join(", ");
                format!("there is no field “{field}”: the fields are {fields}")
            }
            Self::ChosenTwice(attribute) => format!("--column {attribute}=… is given twice"),
            Self::Several(attribute) => {
                format!("--column {attribute}=…: only name, phone and email can have several columns")
            }
            Self::NoColumn { wanted, present } => {
                format!("the file has no column “{wanted}”: its columns are {present}")
            }
            Self::Duplicate(column) => format!("the file has several columns “{column}”: give each a name of its own"),
            Self::Ambiguous { attribute, columns } => {
                let advice = advice.about_several(*attribute, "keep one of them, and remove the others from the file");
                format!("the columns {columns} could all be {attribute}: {advice}")
            }
            Self::OnlyInSecond {
                line,
                attribute,
                first,
                second,
            } => {
                let advice = advice.about_several(*attribute, "put the values of both into one column");
                format!("line {line} has its only {attribute} in {second}, not in {first}: {advice}")
            }
            Self::NoIdentity { present } => format!(
                "no column is recognised as phone, email or external_user_id: {}; the columns are {present}",
                advice.about_one(Attribute::Phone)
            ),
            Self::NoHeader => "line 1 seems to contain a contact: the first line must name the columns".to_owned(),
        }
    }
}

impl fmt::Display for HeaderError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message(ColumnAdvice::Option))
    }
}

impl Error for HeaderError {}

impl ColumnAdvice {
    /// How to choose a column as the attribute.
    fn about_one(self, attribute: Attribute) -> String {
        match self {
            Self::Option => format!("choose one with --column {attribute}=COLUMN"),
            Self::File => format!("name one “{attribute}” in the first line of the file"),
        }
    }

    /// What to do about several columns that could be the attribute. `without_options` says it to a reader of a page.
    fn about_several(self, attribute: Attribute, without_options: &str) -> String {
        let one = self.about_one(attribute);
        match self {
            Self::Option if takes_first_value(attribute) => format!(
                "{one}, or several with --column {attribute}=COLUMN,COLUMN, which takes the first one with a value"
            ),
            Self::Option => one,
            Self::File => without_options.to_owned(),
        }
    }

    /// How to take a column that was ignored. There can be another column of the attribute.
    pub(super) fn about_ignored(self, attribute: Attribute) -> String {
        match self {
            Self::Option => format!("choose it with --column {attribute}=COLUMN"),
            Self::File => format!("put its values into a column “{attribute}”"),
        }
    }
}

/// Whether the attribute can have several columns, of which a row's first value is taken. The values in the columns of
/// a name are joined instead.
pub(super) fn takes_first_value(attribute: Attribute) -> bool {
    matches!(attribute, Attribute::Phone | Attribute::Email)
}
