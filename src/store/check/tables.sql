-- The temporary tables of a check, until its transaction ends.
--
-- `check_lines` has what the result must repeat of a line: `cells` is the line for the output, and `fault` says why the
-- line has no row.
CREATE TEMPORARY TABLE check_lines (line bigint NOT NULL, cells text, fault text) ON COMMIT DROP;
-- The verdicts about the lines that have rows.
CREATE TEMPORARY TABLE check_verdicts (
    line bigint NOT NULL,
    verdict text NOT NULL,
    score double precision NOT NULL,
    reasons text[] NOT NULL,
    contact_ids uuid[] NOT NULL,
    duplicate_of bigint
) ON COMMIT DROP;
