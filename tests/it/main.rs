//! Every test that needs more than one module, against the real PostgreSQL.

mod embedded;
mod import;
mod support;
