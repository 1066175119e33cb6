//! The store on its own: indexes, concurrent writers, the table of the newest contacts.

mod indexes;
mod newest_contacts;
mod search;
mod writers;
