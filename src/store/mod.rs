//! The database layer: all SQL. It is synchronous and knows no HTTP status, file format or environment variable.
//!
//! Every function that reads or writes contacts takes the [`ClientId`](crate::domain::client::ClientId) whose rows it
//! may touch. The exceptions serve all clients and return no contact: `newest_contacts.rs` trims `contacts_newest`,
//! `period_border.rs` moves contacts within the index of grams, `unused_words.rs` removes words, `search_index.rs`
//! rebuilds the search index and inserts pending grams, `distribution.rs` distributes all tables over nodes, and
//! `backup.rs` restores a whole database.

pub mod backup;
pub mod bulk_load;
pub mod check;
pub mod clients;
pub mod connection;
pub mod conninfo;
pub mod contacts;
mod copy_writer;
pub mod distribution;
pub mod erase_client;
mod error;
pub mod export;
mod fence;
pub mod import;
pub mod judged_import;
pub mod keys;
pub mod list_names;
mod locks;
pub mod lookup;
pub mod messages;
pub mod migrations;
pub mod newest_contacts;
pub mod period_border;
pub mod pool;
pub mod query;
pub mod recheck;
pub mod replication;
mod schema;
mod script;
pub mod search;
pub mod search_index;
pub mod server_version;
mod statement;
mod transaction;
mod tsquery;
pub mod unused_words;
pub mod webhooks;

pub use self::connection::PgConnection;
pub use self::error::{ConnectError, StoreError};
