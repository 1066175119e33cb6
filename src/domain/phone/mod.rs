//! Phone numbers: how any notation becomes E.164 and a match key. Every rule about phones lives here.
//!
//! `clean` takes the digits out of a text, this file reads them as a number of some country, `metadata` asks
//! Google's libphonenumber data what is valid there, and `countries` knows what that data doesn't. Where a rule
//! can't tell, the number stays unresolved: no country is ever guessed by changing digits.

mod clean;
mod countries;
mod metadata;
mod number;
mod reading;
mod region;
mod stored;
#[cfg(test)]
mod tests;
pub mod whatsapp_id;

pub use metadata::digits;
pub use reading::{Reading, readings};
pub use region::Region;
pub use stored::StoredPhone;
