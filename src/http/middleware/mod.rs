//! Middleware: runs before and after every handler.

pub mod auth;
pub mod caller_address;
pub mod compression;
pub mod cors;
pub mod frame;
pub mod idle_connections;
