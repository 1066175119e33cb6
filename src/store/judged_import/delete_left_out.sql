-- Removes the rows of the lines that are not written.
DELETE FROM import_rows
USING import_left_out left_out
WHERE import_rows.file_line = left_out.file_line;
