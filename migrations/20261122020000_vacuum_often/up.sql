-- A search walks the contacts with the latest messages first, by an index-only scan if VACUUM has seen their pages
-- since their last change. These contacts change most. By default autovacuum waits until a fifth of all contacts has
-- changed. Vacuuming costs little while few have changed.
ALTER TABLE contacts SET (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_insert_scale_factor = 0.01);
ALTER TABLE contact_texts SET (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_insert_scale_factor = 0.01);
