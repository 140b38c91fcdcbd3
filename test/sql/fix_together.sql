-- Rows that go and refer to each other: each has its copy, in whichever batch it is met.
-- rooms: fix
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS schemaguard;
RESET client_min_messages;
CREATE SCHEMA tog;
SET search_path = tog, public;
SET schemaguard.verbosity = problems;
CREATE TABLE parent (id int PRIMARY KEY);
CREATE TABLE child (id int PRIMARY KEY, parent_id int, up int CONSTRAINT child_up REFERENCES child, v text);
INSERT INTO parent VALUES (1);
INSERT INTO child VALUES (1, 1, NULL, 'stays'), (2, 7, NULL, 'orphan'), (3, 7, 2, 'orphan that refers to one'), (4, 8, 3, 'and so on');
SELECT sg_plan_create('tog'), sg_plan_add_fk('tog', 'child', '{parent_id}', 'parent', fk_name => 'child_parent', orphans => 'quarantine') \g /dev/null
CALL sg_fix_orphans('tog', dry_run => true);
CALL sg_add_fks('tog', fix => true, fail => true);
TABLE child;
SELECT cause, data FROM schemaguard.quarantine WHERE plan = 'tog' ORDER BY data ->> 'id';
CALL sg_rollback_fks('tog', fail => true);
SELECT * FROM child ORDER BY id;

-- all in one batch, for an index serves the key
CREATE INDEX child_up_idx ON child (up);
CALL sg_add_fks('tog', fix => true, fail => true);
SELECT id FROM child;
SELECT cause, data FROM schemaguard.quarantine WHERE plan = 'tog' ORDER BY data ->> 'id';
CALL sg_rollback_fks('tog', fail => true);
SELECT * FROM child ORDER BY id;

-- one row a batch; by keys that cascade or restrict, too
ALTER TABLE child DROP CONSTRAINT child_up, ADD CONSTRAINT child_up FOREIGN KEY (up) REFERENCES child ON DELETE CASCADE;
CALL sg_add_fks('tog', validate => false);
CALL sg_fix_orphans('tog', batch => 1, fail => true);
TABLE child;
SELECT cause, data FROM schemaguard.quarantine WHERE plan = 'tog' ORDER BY data ->> 'id';
CALL sg_rollback_fks('tog', fail => true);
SELECT * FROM child ORDER BY id;
ALTER TABLE child DROP CONSTRAINT child_up, ADD CONSTRAINT child_up FOREIGN KEY (up) REFERENCES child ON DELETE RESTRICT;
CALL sg_add_fks('tog', fix => true, fail => true);
SELECT id FROM child;

-- one that is no orphan, and refers to one, blocks as ever: nothing goes
CALL sg_rollback_fks('tog', fail => true);
INSERT INTO child VALUES (5, 1, 4, 'no orphan');
CALL sg_add_fks('tog', fix => true);
SELECT count(*) FROM child;
SELECT count(*) FROM schemaguard.quarantine WHERE plan = 'tog';

-- of equal rows
SELECT sg_plan_create('tog', replace => true) \g /dev/null
CREATE TABLE people (id int PRIMARY KEY, mail text, up int REFERENCES people);
INSERT INTO people VALUES (1, 'a', NULL), (2, 'a', NULL), (3, 'a', 2), (4, 'a', 3), (5, 'b', 1);
SELECT sg_plan_add_unique('tog', 'people', '{mail}', policy => 'quarantine', keep_by => 'id') \g /dev/null
CALL sg_apply('tog', fix => true, fail => true);
SELECT * FROM people ORDER BY id;
SELECT data FROM schemaguard.quarantine WHERE plan = 'tog' ORDER BY data ->> 'id';
CALL sg_rollback_fks('tog', fail => true);
SELECT count(*) FROM people;

-- 60 chains of 25 rows, and a circle of 1,200: a transaction of a restore takes 1,000, latest copies first
SET client_min_messages = error;
SELECT sg_plan_drop('tog') \g /dev/null
CREATE TABLE link (id int PRIMARY KEY, up int CONSTRAINT link_up REFERENCES link DEFERRABLE, parent_id int);
CREATE INDEX link_up_idx ON link (up);
INSERT INTO link SELECT i, CASE WHEN i % 25 > 0 THEN i - 1 END, CASE i % 25 WHEN 0 THEN 9 END FROM generate_series(0, 1499) i;
INSERT INTO link SELECT 10000 + i, 10000 + i % 1200 + 1, CASE i WHEN 1 THEN 9 END FROM generate_series(1, 1200) i;
CREATE TABLE link_before AS TABLE link;
SELECT sg_plan_create('tog'), sg_plan_add_fk('tog', 'link', '{parent_id}', 'parent', orphans => 'quarantine'), sg_plan_add_referencing('tog') \g /dev/null
CALL sg_add_fks('tog', fix => true, fail => true, max_rows => 2700);
SELECT count(*) AS left_there FROM link;
SELECT count(*) AS copies, count(*) FILTER (WHERE parent.id < child.id AND (child.data -> 'id')::int < 10000) AS copied_after_parents
FROM schemaguard.quarantine child LEFT JOIN schemaguard.quarantine parent ON parent.plan = 'tog' AND parent.data -> 'id' = child.data -> 'up' WHERE child.plan = 'tog';
CALL sg_rollback_fks('tog', fail => true);
(TABLE link EXCEPT ALL TABLE link_before) UNION ALL (TABLE link_before EXCEPT ALL TABLE link);
SELECT sg_plan_drop('tog') \g /dev/null
DROP SCHEMA tog CASCADE;
