//! The private PostgreSQL that the program starts itself.

mod cluster;
mod data_directory;
mod lifecycle;
