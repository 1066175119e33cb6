//! The store on its own: indexes, concurrent writers, the table of the newest contacts.

mod indexes;
pub mod newest_contacts;
mod writers;
