-- The lines of the file with their verdicts, in order.
SELECT coalesce(lines.line, verdicts.line) AS line, cells, fault, verdict, score, reasons, contact_ids, duplicate_of
FROM check_verdicts AS verdicts
FULL JOIN check_lines AS lines ON lines.line = verdicts.line
ORDER BY line;
