//! The search: contacts whose phone or email contains a term, those with the latest message first.
//!
//! Each part of a search (email, phone, whole number) finds its own first 51 contacts, one more than [`LIMIT`]. Their
//! union, sorted again, contains the first 51 of all. The 51st shows that there are more. A statement returns the
//! contacts themselves. The whole number has one plan, the index of match keys. Each other part has one of these plans:
//!
//! 1. **Whole walk**, for a client with up to `SMALL_CLIENT` contacts: reads all contacts newest first, on an index
//!    that includes phone and email. One walk serves both terms. That is faster than an index on the term.
//! 2. **Walk**, if a sample of the newest contacts has at least `WALK_MATCHES` matches: reads the newest contacts, up
//!    to a limit that follows from the frequency in the sample. The newest contacts, down to a border, have a small
//!    table of their own (`store/newest_contacts.rs`). With a steady stream of messages they would otherwise be the
//!    slowest to read. The walk continues on the index of the contacts.
//! 3. **Grams**, otherwise, or if the walk finds fewer than 51: the index of grams finds the few contacts that have
//!    all pieces of the term (`domain/gram.rs`). It is scanned step by step, newest first: periods of 24 days, then
//!    chunks of 32 old periods. For a term with thousands of matches the scan ends after the first period. A term with
//!    few matches costs one short scan per step.
//! 4. A rare term without grams, such as `Σ` alone, takes the whole walk.
//!
//! The plans 2 and 3 cost the same for a term with a few thousand matches among millions of contacts: some
//! milliseconds. The walk reads 51 / frequency rows at 0.3 us each. The grams read frequency x contacts of a period at
//! 1.3 us each.
//!
//! The server chooses the plan instead of PostgreSQL's planner, because planning a search costs more than most
//! searches take, and the plan of a prepared statement doesn't know the term. The sample is cached
//! (`client_statistics.rs`), so the choice needs no statement. The planner can't choose another plan either:
//! connections disable sequential scans (`store/connection.rs`), and `OFFSET 0` keeps conditions that aren't meant for
//! an index out of its scan. Whichever plan finds the candidates, LIKE on the email in lower case decides, which gives
//! the result of ILIKE.

mod client_statistics;
mod newest_sample;
mod run;
mod statements;

pub use self::client_statistics::ClientStatistics;
pub use self::run::{LIMIT, Plan, SearchResult, search_contacts};
pub use self::statements::statements;
