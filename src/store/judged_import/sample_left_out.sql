-- The lines that are not written, by the numbers of their first rows. $1: whether the conflicts are wanted, or else the
-- duplicates. $2: how many lines to return.
SELECT file_line * 128 AS row, count(*) OVER () AS count
FROM import_left_out
WHERE is_conflict = $1
ORDER BY file_line
LIMIT $2;
