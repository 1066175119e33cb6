//! The search: contacts whose phone or email contains a term, those with the latest message first.
//!
//! How a term is answered. Each part of the question (email, phone, whole number) yields the ids of its own
//! first [`LIMIT`] contacts; their union, sorted again, holds the first of all.
//!
//! 1. A **small client**, of up to [`SMALL_CLIENT`] contacts, is walked whole: its contacts are read newest first, on
//!    the index that has phone and email in it, once for both. That is faster than asking an index for a term.
//! 2. Of a **large client** the first [`PROBE_ROWS`] are walked. A frequent term has its fifty there. The newest
//!    contacts, down to a border, are in a small table once more (`store/newest_contacts.rs`): where messages come all the
//!    time these would else be the slowest to read. The walk goes from there to the index on the contacts.
//! 3. With [`PROBE_MATCHES`], but not fifty, the rest is not far: the **walk goes on** for as long as it should take, in
//!    the same statement, since a message that comes between two would move its contact from where the second looks to
//!    where the first has looked.
//! 4. Else the **grams** name the few contacts that have all pieces of the term (`domain/gram.rs`). They are asked for
//!    one period of 24 days after the other, the newest first, so that a term of which there are thousands ends after
//!    the first, and one of which there are few costs a short question for each.
//! 5. A term that has no piece to ask for (single characters of scripts whose lower case depends on what is around them)
//!    is walked to the end.
//!
//! Where 2 to 4 meet, at a few thousand matches among millions, each takes some milliseconds: the walk reads
//! 50 / frequency rows at 0.3 us, the grams read frequency x period's contacts at 1.3 us.
//!
//! The server decides and not the planner, because planning a search costs more than most searches take, and
//! a prepared statement's plan doesn't see the term. The planner's choice among indexes is taken from it: connections
//! have no sequential scans (`store/pool.rs`), and `OFFSET 0` keeps conditions apart that aren't meant for an index.
//! Whatever finds the candidates, LIKE on the email in lower case decides, which is what ILIKE does.

mod client_sizes;
mod matches;
mod run;
mod statements;

pub use self::client_sizes::ClientSizes;
pub use self::run::{LIMIT, Plan, SearchResult, search_contacts};
pub use self::statements::statements;
