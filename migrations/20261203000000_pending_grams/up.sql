-- PostgreSQL collects the grams of new and changed contacts in a list, and inserts those of some dozens of contacts at
-- once. This takes a third of the time, because many contacts have grams in common. Every search reads the list, once
-- for each step, so the list is short: 128 kB are the grams of about 120 contacts. Servers empty the list every ten
-- seconds (`src/http/database/search_tables_jobs.rs`).
ALTER INDEX contact_texts_grams SET (fastupdate = on, gin_pending_list_limit = 128);

UPDATE schema_requirement SET oldest_program = '20261201000000' WHERE oldest_program < '20261201000000';
