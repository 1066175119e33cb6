//! `database`, and how commands open their database.

mod backup;
mod command;
mod distribute;
mod open;
mod program;
pub mod replicas;
mod restore;
mod upgrade;

pub use backup::{check_target, publish};
pub use command::{DatabaseCommand, run};
pub use open::{Database, leave};
pub use program::Draft;
