//! The handlers: one file per endpoint, one folder per API. `site` sends pages and their files.

pub mod ingest;
pub mod lookup;
pub mod ops;
pub mod page;
pub mod public;
pub mod query;
pub mod reference;
mod site;
