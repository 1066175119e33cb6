//! Records messages with their contacts.

mod find;
mod former_ids;
mod locked;
mod missing;
mod new_ids;
mod outcome;
mod record;
mod runs;
mod statements;

pub use self::outcome::{MessageOutcome, Recorded};
pub use self::record::{record_messages, record_rest, record_together};
pub use self::runs::BATCH_MAX;
pub use self::statements::statements;
