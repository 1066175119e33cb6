//! Records messages with their contacts.

mod find;
mod locked;
mod missing;
mod record;
mod runs;
mod statements;

pub use self::record::{MessageOutcome, record_messages, record_rest, record_together};
pub use self::runs::BATCH_MAX;
pub use self::statements::statements;
