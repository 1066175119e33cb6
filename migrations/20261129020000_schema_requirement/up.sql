-- The oldest program that can run on this schema, given as the newest migration that it knows. A running server reads
-- this row when it finds a migration that it does not know, so that an update need not first stop the older servers.
-- Every later migration sets the row, even to an unchanged value.
CREATE TABLE schema_requirement (
    is_only boolean NOT NULL DEFAULT true,
    oldest_program text NOT NULL,
    CONSTRAINT schema_requirement_pkey PRIMARY KEY (is_only),
    CONSTRAINT schema_requirement_only_check CHECK (is_only),
    CONSTRAINT schema_requirement_oldest_program_check CHECK (oldest_program ~ '^[0-9]{14}$')
);
-- An older program does not write the columns that 20261129000000_phone_extension added.
INSERT INTO schema_requirement (oldest_program) VALUES ('20261129000000');
