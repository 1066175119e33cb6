-- A search walks the contacts with the latest messages first, on an index alone where VACUUM has seen their pages since.
-- They are the ones that change: by default it would come only after a fifth of all contacts has. It costs little as
-- long as few have.
ALTER TABLE contacts SET (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_insert_scale_factor = 0.01);
ALTER TABLE contact_texts SET (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_insert_scale_factor = 0.01);
