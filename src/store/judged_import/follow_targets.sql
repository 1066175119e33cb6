-- Replaces each parent by its own parent. Repeated until nothing changes, the parent is the first row of the contact.
-- Each time doubles the length of the chains that end.
UPDATE import_targets targets
SET parent = next.parent
FROM import_targets next
WHERE next.row = targets.parent AND next.parent <> targets.parent;
