-- Creates the tables that say which lines are skipped and which contact each row is written to. They exist until the
-- transaction ends. Also adapts the table of rows of an import, which must be empty.
--
-- Each row is a group of its own in import_groups, because the verdicts decide which rows are about one contact. So
-- `identity` is the row. `file_line` is the line of the file: 128 is ROWS_PER_LINE.
--
-- import_left_out has the lines that are not written.
--
-- import_targets says of each written row which contact it is about. `parent` is the row itself, or an earlier row that
-- is about the same contact. `contact_id` is null for a new contact and for a row with another parent.
ALTER TABLE import_rows
    DROP COLUMN kind,
    DROP COLUMN identity,
    ADD COLUMN kind smallint NOT NULL DEFAULT 0,
    ADD COLUMN identity text GENERATED ALWAYS AS (row::text) STORED,
    ADD COLUMN file_line bigint GENERATED ALWAYS AS (row / 128) STORED;
CREATE TEMPORARY TABLE import_left_out (
    file_line bigint NOT NULL,
    is_conflict boolean NOT NULL
) ON COMMIT DROP;
CREATE TEMPORARY TABLE import_targets (
    row bigint NOT NULL,
    parent bigint NOT NULL,
    contact_id uuid
) ON COMMIT DROP;
