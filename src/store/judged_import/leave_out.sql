-- Finds the lines that are not written: conflicts, duplicates of lines in conflict, and with $1 all duplicates.
INSERT INTO import_left_out (file_line, is_conflict)
WITH RECURSIVE unresolved AS (
    SELECT line, verdict FROM check_verdicts WHERE verdict = 'conflict'
    UNION ALL
    SELECT repeated.line, repeated.verdict
    FROM unresolved
    JOIN check_verdicts repeated ON repeated.duplicate_of = unresolved.line
    WHERE repeated.verdict = 'duplicate_in_file'
)
SELECT line, verdict = 'conflict' FROM unresolved
UNION ALL
SELECT line, false
FROM check_verdicts
WHERE $1 AND verdict NOT IN ('new', 'conflict') AND line NOT IN (SELECT line FROM unresolved);
