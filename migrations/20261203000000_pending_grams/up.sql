-- PostgreSQL collects the grams of new and changed contacts in a list, and inserts those of some dozens of contacts at
-- once. This takes less time, because many contacts have grams in common. Every search reads the list, once for each
-- step, so the list is as short as PostgreSQL allows: 64 kB are the grams of about 60 contacts. Servers empty the list
-- every two seconds (`src/http/database/search_tables_jobs.rs`).
ALTER INDEX contact_texts_grams SET (fastupdate = on, gin_pending_list_limit = 64);

UPDATE schema_requirement SET oldest_program = '20261201000000' WHERE oldest_program < '20261201000000';
