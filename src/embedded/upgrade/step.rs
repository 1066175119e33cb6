//! The progress of an upgrade.

use std::fmt;

/// What an upgrade does next. `Display` gives a line for the operator.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Step {
    /// The checks have passed. The versions are like `15.18`.
    Begin {
        from: String,
        to: String,
    },
    StartOld,
    Create,
    Copy,
    /// The number of bytes that have been copied so far. Comes every ten seconds.
    Copied(u64),
    /// All rows are in the new data, and `pg_restore` builds the indexes. The argument is the number of seconds that the
    /// copy has taken so far. Comes every ten seconds.
    Index(u64),
    Restart,
    Analyze,
    Compare,
    Stop,
    Switch,
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Begin { from, to } => {
                write!(
                    f,
                    "Moving the data from PostgreSQL {from} to {to}. The old data stay as they are."
                )
            }
            Self::StartOld => write!(f, "Starting the old server, read-only"),
            Self::Create => write!(f, "Creating the new data directory"),
            Self::Copy => write!(f, "Copying the database, and building its indexes"),
            Self::Copied(bytes) => write!(f, "  copied {} MB", bytes / 1_000_000),
            Self::Index(seconds) => write!(f, "  copied all rows, building indexes ({seconds} s)"),
            Self::Restart => write!(f, "Starting the new server with its own settings"),
            Self::Analyze => write!(f, "Gathering statistics for the planner"),
            Self::Compare => write!(f, "Comparing all rows of the old and the new data"),
            Self::Stop => write!(f, "Stopping both servers, and flushing the new data to disk"),
            Self::Switch => write!(f, "Switching to the new data"),
        }
    }
}
