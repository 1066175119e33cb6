//! What the tests stand on: one PostgreSQL for the whole run, a database of its own for each test, and the
//! program itself, started as a user starts it.

pub mod app;
pub mod contacts;
pub mod database;
pub mod directory;

pub use app::{Answer, TestApp};
pub use contacts::Contact;
pub use database::TestDatabase;
