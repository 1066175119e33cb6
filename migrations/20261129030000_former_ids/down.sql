UPDATE schema_requirement SET oldest_program = '20261129000000';

ALTER TABLE contacts DROP COLUMN ids_since, DROP COLUMN former_line, DROP COLUMN former_external_user_id;
