//! Judges the staged rows of a file: finds the contacts and the earlier rows that may be the same person, compares
//! them, and gives each line its verdict.
//!
//! The rows are in the temporary table `import_rows`, which an import fills too. The verdicts go into the temporary
//! table `check_verdicts`. Rows are judged in blocks of bounded size. A block is in memory, with an index of the keys
//! of its rows. Each thread has a block. Two passes read all contacts of the client and all rows of the file, and need
//! no query per row:
//!
//! 1. The first pass counts how many contacts and rows have each key.
//! 2. The second pass finds the rows of the block that share a key with a contact or with an earlier row, and compares
//!    the two.
//!
//! On two processors, 100,000 rows against a million contacts take 15 to 20 s. When they took 15 s, one thread
//! for comparisons took 19 s, and one thread for everything but the database 21 s.
//!
//! At the end the rows of one person are grouped. docs/duplicates.md explains the comparison and the verdicts.
//!
//! The database could join keys to pairs instead. On a busy machine, 100,000 rows against 200,000 contacts, which make
//! 4.6 million pairs, took 66 s in that way and 24 s in this one.

mod block;
mod call;
mod groups;
mod key_index;
mod overlap;
mod passes;
mod records;
mod run;
mod staging;
mod statements;
mod verdicts;

pub use self::call::check_contacts;
pub use self::records::{KnownContacts, copy_contacts};
pub use self::run::{CheckEvent, CheckRules, JudgedRows, judge_rows};
pub use self::staging::{CheckStaging, check};
pub use self::statements::{TABLES, statements};
pub use self::verdicts::CheckedLine;
