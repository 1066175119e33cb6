//! The private PostgreSQL that the program starts itself.

pub mod lifecycle;
