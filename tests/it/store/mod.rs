//! The store: search plans, indexes, concurrent writers, the table of the newest contacts, platforms.

mod indexes;
mod name_words;
mod newest_contacts;
mod platforms;
mod search;
mod unused_words;
mod writers;
