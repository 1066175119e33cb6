//! The private PostgreSQL, which the program starts and stops itself.

mod cluster;
mod data_directory;
mod lifecycle;
mod switch;
mod upgrade;
