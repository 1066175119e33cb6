//! The private PostgreSQL, which runs if the operator names no database.
//!
//! It uses the server programs installed on the machine, keeps its data in a directory of the user, listens only on a
//! Unix socket, and is durable. Every process that uses it holds a lease, and the last process to leave stops it. After
//! a `kill -9`, the next process adopts the running server.
//!
//! ```text
//! data directory
//!   lock              held by the process that starts, stops or upgrades the server, and by the programs that it runs
//!   lease             locked in shared mode by every process that uses the server
//!   postgres/         PostgreSQL's data directory, with its log in postgres/log
//!   socket/           the directory of the socket; /tmp/contact-search-… if that path is too long
//!   upgrade/          a data directory in which `database upgrade` builds the new data
//!   postgres.next/    complete data that become postgres/ next; exists between two renames only
//!   postgres-15.old/  the data of another major version, kept for the way back
//! ```
//!
//! | module | what it does |
//! |---|---|
//! | `private_database` | [`PrivateDatabase`]: opens, revives and leaves the database |
//! | `programs` | finds `postgres`, `initdb` and `pg_ctl` of a version that fits the data |
//! | `owner` | the unprivileged user that PostgreSQL runs as |
//! | `layout`, `data` | names of files, roles and databases; the version of existing data |
//! | `socket` | the directory of the socket |
//! | `lease` | the two file locks |
//! | `initialize` | creates the data directory |
//! | `config_files` | the configuration files, rewritten before each start |
//! | `cluster` | starts, adopts and stops the server |
//! | `postmaster` | reads `postmaster.pid`, probes the server, and stops it by a signal |
//! | `switch` | puts other data in the place of the current ones, also after an interruption |
//! | [`upgrade`] | moves the data to a newer major version, and back |
//! | [`client_program`] | finds `pg_dump` and `pg_restore` for any database |

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
mod switch;
pub mod upgrade;
mod version;

pub use error::EmbeddedError;
pub use private_database::{Options, PrivateDatabase, Startup, default_data_dir, is_absent};
