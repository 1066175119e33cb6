//! Rechecks a client's contacts: reads each phone again from the text that was given, and each external id.

mod run;
mod statements;

pub use self::run::{ContactPair, Finding, Recheck, recheck};
pub use self::statements::statements;
