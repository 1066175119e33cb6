//! Duplicates: decides whether two records are the same person, and says why.
//!
//! `record` holds what is compared, and `mailbox` finds the mailbox behind an email. `words` has the lists of nicknames
//! and ignored words. `name`, `email` and `phone` find the level at which two records agree in a field. `model` weighs
//! the levels by `parameters`, `frequencies` and `repeats`, after Fellegi and Sunter (1969). `explain` puts a
//! comparison into words. `keys` and `pairs` find the pairs that are worth a comparison, `groups` joins the records of
//! one person, and `verdict` judges a row. docs/duplicates.md explains the model.

mod data;
mod email;
mod explain;
mod frequencies;
mod groups;
mod hash;
mod keys;
mod level;
mod mailbox;
mod model;
mod name;
mod pairs;
mod parameters;
mod phone;
mod record;
mod repeats;
#[cfg(test)]
mod tests;
mod verdict;
mod words;

pub use frequencies::Frequencies;
pub use groups::group;
pub use keys::{KEYS_MAX, Key, RECORDS_PER_KEY};
pub use level::{EmailLevel, ExternalIdLevel, Field, Level, NameLevel, PhoneLevel};
pub use model::{Comparison, Model, Reason};
pub use pairs::candidate_pairs;
pub use parameters::{LevelParameters, Parameters, parse_threshold};
pub use record::{PhoneFields, Record, RecordFields};
pub use verdict::{Decisive, Finding, Judgement, Match, Verdict, judge};
