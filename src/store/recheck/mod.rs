//! Rechecks the phones of a client's contacts: reads each phone again from the text that was given.

mod run;
mod statements;

pub use self::run::{Conflict, Finding, Recheck, recheck};
pub use self::statements::statements;
