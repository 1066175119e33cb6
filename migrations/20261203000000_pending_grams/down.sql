ALTER INDEX contact_texts_grams SET (fastupdate = off);
ALTER INDEX contact_texts_grams RESET (gin_pending_list_limit);

UPDATE schema_requirement SET oldest_program = '20261201000000' WHERE oldest_program < '20261201000000';
