//! Phone numbers: converts any notation to E.164 and a match key. All rules about phones are here.
//!
//! `clean` extracts the digits from a text. `number` finds the valid numbers that they can mean. `metadata` asks
//! Google's libphonenumber data what is valid, and `countries` adds rules that these data lack. `stored` and `reading`
//! hold the results. A number that the rules cannot decide stays unresolved: no digit is changed to guess a country.

mod clean;
mod countries;
mod dialling;
mod metadata;
mod number;
mod pieces;
mod reading;
mod region;
mod stored;
#[cfg(test)]
mod tests;
pub mod whatsapp_id;

pub use metadata::digits;
pub use pieces::pieces;
pub use reading::{Reading, readings};
pub use region::Region;
pub use stored::StoredPhone;
