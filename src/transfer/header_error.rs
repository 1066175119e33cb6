//! Why a header can't be understood.

use crate::domain::contact::Attribute;

/// Why a header can't be understood. The message says what to change. The names of columns in it are escaped.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum HeaderError {
    #[error("“{0}” is not of the form field=column, as in --column name=first_name,last_name")]
    Syntax(String),
    #[error("there is no field “{0}”: the fields are {fields}", fields = all_fields())]
    UnknownField(String),
    #[error("--column {0}=… is given twice")]
    ChosenTwice(Attribute),
    #[error("--column {0}=…: only name, phone and email can have several columns")]
    Several(Attribute),
    #[error("the file has no column “{wanted}”: its columns are {present}")]
    NoColumn { wanted: String, present: String },
    #[error("the file has several columns “{0}”: give each a name of its own")]
    Duplicate(String),
    #[error("the columns {columns} could all be {attribute}: {}", choice(*attribute))]
    Ambiguous { attribute: Attribute, columns: String },
    #[error("line {line} has its only {attribute} in {second}, not in {first}: {}", choice(*attribute))]
    OnlyInSecond {
        line: u64,
        attribute: Attribute,
        first: String,
        second: String,
    },
    #[error(
        "no column is recognised as phone, email or external_user_id: choose one with --column phone=COLUMN; \
         the columns are {present}"
    )]
    NoIdentity { present: String },
    /// Does not repeat the line, because it contains personal data.
    #[error("line 1 seems to contain a contact: the first line must name the columns")]
    NoHeader,
}

fn all_fields() -> String {
    Attribute::ALL.map(Attribute::name).join(", ")
}

/// What to do about several columns that could be the attribute.
fn choice(attribute: Attribute) -> String {
    let one = format!("choose one with --column {attribute}=COLUMN");
    if takes_first_value(attribute) {
        format!("{one}, or several with --column {attribute}=COLUMN,COLUMN, which takes the first one with a value")
    } else {
        one
    }
}

/// Whether the attribute can have several columns, of which a row's first value is taken. The values in the columns of
/// a name are joined instead.
pub(super) fn takes_first_value(attribute: Attribute) -> bool {
    matches!(attribute, Attribute::Phone | Attribute::Email)
}
