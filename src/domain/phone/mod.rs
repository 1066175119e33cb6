//! Phone numbers: converts any notation to E.164 and a match key. All rules about phones are here.
//!
//! `clean` extracts the digits from a text, with `label` before the number, `tail` after it, and `address` for links.
//! `number` finds the valid numbers that the digits can mean. `metadata` asks Google's libphonenumber data what is
//! valid. `countries`, `renumberings`, `dialling` and `keypad` add what these data lack or the library does not expose.
//! `stored` and `reading` hold the results, and `pieces` reads a part of a number. A number that the rules cannot
//! decide stays unresolved: no digit is changed to guess a country.
//!
//! While they read, these functions note in `rule` which rules they apply, and name by `problem` why a text does not
//! resolve. `explain` shows both.

mod address;
mod clean;
mod countries;
mod dialling;
mod explain;
mod keypad;
mod label;
mod metadata;
mod number;
mod pieces;
mod problem;
mod reading;
mod region;
mod renumberings;
mod rule;
mod stored;
mod tail;
#[cfg(test)]
mod tests;
pub mod whatsapp_id;

pub use explain::{ExplainedPhone, ExplainedReading, Explanation, NumberFacts};
pub use metadata::{LineType, digits};
pub use pieces::pieces;
pub use problem::{Problem, ReadingKind, ReadingProblem};
pub use reading::{Reading, identifying_readings, readings};
pub use region::Region;
pub use rule::Rule;
pub use stored::StoredPhone;
