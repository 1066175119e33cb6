//! The private PostgreSQL: what runs where no database is named.
//!
//! It uses the machine's own server programs, keeps its data in a directory of the user's, listens on a Unix
//! socket alone and is durable. Every process that uses it holds a lease; the last to leave stops it. What a
//! killed process left behind, the next one takes over.
//!
//! ```text
//! data directory
//!   lock        held while one process starts or stops the server, and by the programs it runs for that
//!   lease       shared by every process that uses the server
//!   postgres/   PostgreSQL's data directory, its log in postgres/log
//!   socket/     where it listens; /tmp/contact-search-… where that path is too long
//! ```
//!
//! | module | what it does |
//! |---|---|
//! | `programs` | finds `postgres`, `initdb` and `pg_ctl` of a version that fits |
//! | `owner` | the unprivileged user whom PostgreSQL runs as |
//! | `socket` | the directory of the socket |
//! | `lease` | the two locks |
//! | `cluster` | makes, starts, adopts and stops |
//! | [`client_program`] | finds `pg_dump` and `pg_restore`, for whichever database |

pub mod client_program;
mod cluster;
mod config_files;
mod data;
mod error;
mod initialize;
mod layout;
mod lease;
mod owner;
mod postmaster;
mod private_database;
mod programs;
mod socket;
mod version;

pub use error::EmbeddedError;
pub use private_database::{Options, PrivateDatabase, Startup, default_data_dir};
