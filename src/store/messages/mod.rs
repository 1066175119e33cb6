//! Records messages with the contacts they are about.

mod find;
mod locked;
mod missing;
mod record;
mod runs;

pub use self::record::{MessageOutcome, record_messages, record_together};
pub use self::runs::TOGETHER_MAX;
