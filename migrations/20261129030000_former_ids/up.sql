-- The ids that a person had before the last change of number or external id. `ids_since` is the time of the message or
-- notice that reported the change. A message up to this time says nothing about the present ids, and one that names the
-- former ids belongs to this contact. `former_line` is the former match key, with `;` and the extension if there was
-- one. Without a known change all three are null.
ALTER TABLE contacts ADD COLUMN ids_since timestamptz;
ALTER TABLE contacts ADD COLUMN former_line text;
ALTER TABLE contacts ADD COLUMN former_external_user_id text;
ALTER TABLE contacts ADD CONSTRAINT contacts_former_ids_check CHECK (
    ids_since IS NOT NULL OR (former_line IS NULL AND former_external_user_id IS NULL));

CREATE INDEX contacts_former_line ON contacts (client_id, platform, former_line) WHERE former_line IS NOT NULL;
CREATE INDEX contacts_former_external_user_id ON contacts (client_id, platform, former_external_user_id)
    WHERE former_external_user_id IS NOT NULL;

-- An older program can still run: it neither reads nor writes these columns.
UPDATE schema_requirement SET oldest_program = '20261129000000';
