//! The store: search plans, indexes, concurrent writers, the table of the newest contacts, platforms.

mod indexes;
mod newest_contacts;
mod platforms;
mod search;
mod unused_words;
mod writers;
