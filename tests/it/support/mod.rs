//! What the tests stand on: one PostgreSQL for the whole run, a database of its own for each test.

pub mod database;
pub mod directory;
