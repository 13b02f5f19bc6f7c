-- SPDX-License-Identifier: Apache-2.0
-- Copyright the Tailwater authors.
--
-- What Redmine writes, step by step, each one in a transaction as there.

-- time is entered, with a custom field: an empty one first, then its value
BEGIN;
INSERT INTO time_entries VALUES (3, 1, 4, 4, 1, 0.33, 'phoned', 8, '2025-01-06', 2025, 1, 2, '2025-01-06 10:00:00', '2025-01-06 10:00:00');
INSERT INTO custom_values VALUES (3, 'TimeEntry', 3, 1, '');
UPDATE custom_values SET value = 'A-17' WHERE id = 3;
COMMIT;
-- it is corrected, and another one is moved to another issue of the tree
BEGIN;
UPDATE time_entries SET hours = 2.55, updated_on = '2025-01-06 11:00:00' WHERE id = 3;
COMMIT;
BEGIN;
UPDATE issues SET subject = 'Implementation, part 1', lock_version = 1, updated_on = '2025-01-06 11:30:00' WHERE id = 1;
INSERT INTO issues (id, tracker_id, project_id, subject, status_id, priority_id, author_id, created_on, updated_on, estimated_hours, parent_id, root_id)
	VALUES (2, 2, 1, 'Tests', 1, 1, 4, '2025-01-06 11:30:00', '2025-01-06 11:30:00', 3.3, 1, 1),
	       (3, 2, 1, 'Manual', 1, 1, 4, '2025-01-06 11:30:00', '2025-01-06 11:30:00', 0.2, NULL, 3);
COMMIT;
-- somebody thinks better of it
BEGIN;
DELETE FROM custom_values WHERE id = 3;
DELETE FROM time_entries WHERE id = 3;
ROLLBACK;
-- a project below: three rows of the tree
BEGIN;
INSERT INTO projects (id, name, parent_id, created_on, updated_on, identifier, lft, rgt)
	VALUES (3, 'Phase two', 1, '2025-01-07 09:00:00', '2025-01-07 09:00:00', 'client-2', 5, 6);
UPDATE projects SET lft = lft + 2, rgt = rgt + 2 WHERE id = 2;
UPDATE projects SET rgt = 4 WHERE id = 1;
UPDATE projects SET lft = 2, rgt = 3 WHERE id = 3;
COMMIT;
-- closing goes down the tree, and so does reopening; the old one is archived. None of it is an update to Redmine (updated_on)
BEGIN;
UPDATE projects SET status = 5 WHERE id IN (1, 3);
COMMIT;
BEGIN;
UPDATE projects SET status = 1 WHERE id IN (1, 3);
COMMIT;
BEGIN;
UPDATE projects SET status = 9 WHERE id = 2;
COMMIT;
-- a user is locked, and gives up an address
BEGIN;
UPDATE users SET status = 3, admin = true, updated_on = '2025-01-09 08:00:00' WHERE id = 4;
UPDATE email_addresses SET is_default = false WHERE id = 2;
UPDATE email_addresses SET is_default = true WHERE id = 3;
COMMIT;
-- a time entry is deleted with its custom value
BEGIN;
DELETE FROM custom_values WHERE id = 3;
DELETE FROM time_entries WHERE id = 3;
COMMIT;
