//! The store: search plans, indexes, concurrent writers, the table of the newest contacts.

mod indexes;
mod newest_contacts;
mod search;
mod writers;
