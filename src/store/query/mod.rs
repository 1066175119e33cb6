//! The one search box: contacts that match every word of a query, the best matches first.
//!
//! A match has a level: whole name, exact, prefix, contains. Matches with typing errors come after these. The database
//! tests the query's words by LIKE. `domain/query` computes the ranks. The plans are those of `store/search`:
//!
//! 1. **Small client**: one walk returns all contacts that match.
//! 2. **Probe**: a walk of the newest contacts of a large client shows how frequent the matches are.
//! 3. **Few matches**: the index of grams returns all of them, and a page is chosen here. If the query has three words
//!    or more, or a rare domain, and these matches will hardly fill a page, one statement returns them together with
//!    contacts that match with typing errors.
//! 4. **Many matches**: each level is asked for its first matches, the best level first. A longer walk finds them if the
//!    probe has some, and else the index of grams.
//! 5. **Typing errors**: if a page is not full, the dictionary of the client's words names the words that differ from a
//!    typed one by an edit or two, and the index of grams finds their contacts. For three words or
//!    more, the server first reads the similar words of two.
//!
//! Every plan finds whole phone numbers by their match keys.

mod candidates;
mod dictionary;
mod found_contact;
mod run;
mod similar;
mod similar_search;
mod statements;

pub use self::candidates::Position;
pub use self::found_contact::FoundContact;
pub use self::run::{PAGE, QueryPage, find_contacts};
pub use self::statements::statements;
