//! Moves the private PostgreSQL from one major version to a newer one, and back.
//!
//! The data are dumped and restored: the old version's server runs read-only, `pg_dump` reads it, and the new version's
//! `pg_restore` fills a new data directory. `pg_upgrade` would be faster, but it also keeps what should change. Its new
//! data directory needs the same checksums and the same locale provider as the old one, and it keeps the indexes. A new
//! private database has PostgreSQL's own Unicode rules since version 17 and those of the system's C library before. An
//! expression index such as that of `lower(email)` must be built again when the rules change. A restore builds every
//! index again, checks every row against every constraint, leaves bloat behind, and changes no row of the old data.
//! `database backup` and `database restore` use the same programs.
//!
//! ```text
//! check      versions, programs, free space, nobody uses the database, nothing in it that would be left behind
//! build      upgrade/postgres: initdb, pg_dump | pg_restore in one transaction, the operator's settings
//! verify     start it as `serve` will, VACUUM ANALYZE, compare rows, sequences and schema with the old data
//! switch     stop both servers, flush, rename (see `switch`)
//! ```
//!
//! This process holds the lock from the first to the last step, so no other process starts a server. A `kill -9`
//! before the switch leaves the old data as they were, and the next command removes the leftovers. After that the next
//! command finishes the switch.
//!
//! | module | what it does |
//! |---|---|
//! | `attempt` | the steps of an upgrade |
//! | `preparation` | the checks before the first step |
//! | `session` | runs `psql` and `pg_dump \| pg_restore` |
//! | `scripts` | the queries |
//! | `old_data` | goes back, and removes the old data |

mod attempt;
mod error;
mod old_data;
mod preparation;
mod scripts;
mod session;
mod step;

pub use attempt::{Outcome, abandon, upgrade};
pub use error::UpgradeError;
pub use old_data::{Switched, go_back, remove_old};
pub use preparation::UpgradeOptions;
pub use step::Step;
