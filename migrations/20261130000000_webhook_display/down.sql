ALTER TABLE webhooks DROP COLUMN last_delivery_at;
ALTER TABLE webhooks DROP COLUMN token_end;

UPDATE schema_requirement SET oldest_program = '20261129000000';
