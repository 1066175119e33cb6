//! The store: search plans, indexes, added contacts, concurrent writers, the table of the newest contacts, the border of
//! the periods, pending grams, platforms, distribution.

mod added_contacts;
mod check_blocks;
mod distribution;
mod distribution_rules;
mod former_statements;
mod indexes;
mod name_words;
mod newest_contacts;
mod pending_grams;
mod period_border;
mod platforms;
mod search;
mod unused_words;
mod writers;
