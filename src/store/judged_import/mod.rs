//! Imports many contacts by the verdicts of a check, in one transaction.
//!
//! The rows are copied and merged as in [`super::import`]. But the verdict of each line decides whether its rows are
//! written, and which contact they are about. [`super::check`] gives the verdicts. `judged_import/run.rs` documents how
//! concurrent writers are handled.

mod run;
mod statements;

pub use self::run::{JudgeRules, Judged, LeftOut, OnDuplicate, Refusal, import_judged};
pub use self::statements::statements;
