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

-- policies that differ: each c has a d, which refers to the orphan before, too, so all 12 of them are one set, whatever a batch takes
SET schemaguard.workers = 0;
CREATE TABLE a (id int PRIMARY KEY, p_id int);
CREATE TABLE c (id int PRIMARY KEY, a_id int);
CREATE TABLE d (id int PRIMARY KEY, c_id int, a_id int);
INSERT INTO a SELECT i, 9 FROM generate_series(1, 12) i;
INSERT INTO c SELECT i, i FROM generate_series(1, 12) i;
INSERT INTO d SELECT i, i, (i + 10) % 12 + 1 FROM generate_series(1, 12) i;
SELECT sg_plan_create('tog'), sg_plan_add_fk('tog', 'a', '{p_id}', 'parent', orphans => 'quarantine'), sg_plan_add_fk('tog', 'c', '{a_id}', 'a', orphans => 'delete'),
    sg_plan_add_fk('tog', 'd', '{c_id}', 'c', orphans => 'quarantine'), sg_plan_add_fk('tog', 'd', '{a_id}', 'a', orphans => 'quarantine') \g /dev/null
SELECT object, rows, fate, fk_name FROM sg_plan_referencing('tog');
RESET client_min_messages;
CALL sg_fix_orphans('tog', dry_run => true, batch => 1);
CALL sg_add_fks('tog', validate => false);
SET schemaguard.fix_limit = 0;
CALL sg_fix_orphans('tog', batch => 1);
CALL sg_fix_orphans('tog', batch => 1, max_rows => 35);
SELECT count(*) FROM a;
CALL sg_fix_orphans('tog', batch => 1, max_rows => 36, fail => true);
CALL sg_rollback_fks('tog', fail => true);
SELECT (SELECT count(*) FROM a) AS a, (SELECT count(*) FROM c) AS c, (SELECT count(*) FROM d) AS d;

-- rows of a key that have two fates are a line for each; the number in the hint is enough
SELECT sg_plan_set('tog', '{1}', '{"orphans": "delete"}') \g /dev/null
DELETE FROM d WHERE id = 1;
SELECT object, rows, fate, fk_name FROM sg_plan_referencing('tog');
SET schemaguard.verbosity = all;
CALL sg_fix_orphans('tog', dry_run => true, batch => 1, steps => '{1}');
SET schemaguard.verbosity = problems;
CALL sg_add_fks('tog', fix => true);
CALL sg_add_fks('tog', fix => true, max_rows => 34, fail => true);
CALL sg_rollback_fks('tog');
SELECT (SELECT count(*) FROM a) AS a, (SELECT count(*) FROM c) AS c, (SELECT count(*) FROM d) AS d;

-- a row that comes after the scan, and refers to an orphan and to a row of a later batch: that one is not deleted without a copy
TRUNCATE a, c, d;
INSERT INTO a SELECT i, 9 FROM generate_series(1, 3) i;
INSERT INTO c VALUES (3, 3);
CREATE FUNCTION late() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN INSERT INTO tog.d VALUES (9, 3, 2); RETURN NULL; END$$;
CREATE TRIGGER late AFTER DELETE ON a FOR EACH ROW WHEN (OLD.id = 1) EXECUTE FUNCTION late();
SELECT sg_plan_set('tog', '{1}', '{"orphans": "quarantine"}') \g /dev/null
CALL sg_add_fks('tog', validate => false);
CALL sg_fix_orphans('tog', batch => 1, max_rows => 10, fail => true);
SELECT row_table, data FROM schemaguard.quarantine WHERE plan = 'tog' ORDER BY row_table, data ->> 'id';
CALL sg_rollback_fks('tog', fail => true);
SELECT (SELECT count(*) FROM a) AS a, (SELECT count(*) FROM c) AS c, (SELECT count(*) FROM d) AS d;

-- rows with the sentinel become null, and are shown so
CREATE TABLE sen (id int PRIMARY KEY, parent_id int);
INSERT INTO sen SELECT i, 0 FROM generate_series(1, 20) i UNION ALL VALUES (21, 7);
SELECT sg_plan_create('tog', replace => true), sg_plan_add_fk('tog', 'sen', 'parent_id', 'parent', sentinel => '0', orphans => 'delete') \g /dev/null
SELECT object, rows, fate FROM sg_plan_referencing('tog');
CALL sg_fix_orphans('tog', dry_run => true);

-- a row with the sentinel that also refers to one that goes is changed once, whatever a batch takes: the number in the hint is enough
CREATE TABLE both_ways (id int PRIMARY KEY, boss int, dept int);
INSERT INTO both_ways SELECT i, i + 10, 0 FROM generate_series(1, 6) i UNION ALL SELECT i + 10, NULL, 99 FROM generate_series(1, 6) i;
SELECT sg_plan_create('tog', replace => true), sg_plan_add_fk('tog', 'both_ways', 'boss', 'both_ways', orphans => 'set null'),
    sg_plan_add_fk('tog', 'both_ways', 'dept', 'parent', orphans => 'delete', sentinel => '0') \g /dev/null
CALL sg_fix_orphans('tog', dry_run => true);
CALL sg_add_fks('tog', validate => false);
CALL sg_fix_orphans('tog', batch => 1);
CALL sg_fix_orphans('tog', batch => 1, max_rows => 12, fail => true);
SELECT count(*), count(boss), count(dept) FROM both_ways;
-- a trigger that keeps the sentinel has the batch done again, without that row
CALL sg_rollback_fks('tog', fail => true);
TRUNCATE both_ways;
INSERT INTO both_ways VALUES (1, 11, 0), (11, NULL, 99);
CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN NEW.dept := OLD.dept; RETURN NEW; END$$;
CREATE TRIGGER keep BEFORE UPDATE ON both_ways FOR EACH ROW EXECUTE FUNCTION keep();
CALL sg_add_fks('tog', fix => true, max_rows => 12);
TABLE both_ways;
CALL sg_rollback_fks('tog', fail => true);

-- rows that the plan's own key refuses are found at once: each is tried some few times, and not with each half of its batch
CREATE TABLE kept_out (id int PRIMARY KEY, parent_id int);
INSERT INTO kept_out SELECT i, i + 10 FROM generate_series(1, 900) i;
CREATE FUNCTION tries() RETURNS numeric LANGUAGE sql RETURN (SELECT round(n_tup_ins / 900.0, 1) - 1 FROM pg_stat_user_tables WHERE relid = 'tog.kept_out'::regclass);
SELECT sg_plan_create('tog', replace => true), sg_plan_add_fk('tog', 'kept_out', 'parent_id', 'parent', orphans => 'quarantine') \g /dev/null
CALL sg_add_fks('tog', fix => true, fail => true, max_rows => 900);
CALL sg_restore_quarantine('tog');
SELECT pg_stat_force_next_flush() \g /dev/null
SELECT tries(), (SELECT count(*) FROM kept_out), (SELECT count(DISTINCT reason) FROM schemaguard.quarantine WHERE plan = 'tog');
-- those that have a parent by now go back
INSERT INTO parent SELECT i * 30 FROM generate_series(1, 10) i;
CALL sg_restore_quarantine('tog');
SELECT pg_stat_force_next_flush() \g /dev/null
SELECT tries(), (SELECT count(*) FROM kept_out);
CALL sg_rollback_fks('tog', fail => true);
SELECT count(*) FROM kept_out;
-- what a dry run announces is what the call does: the order is that of any call, and a step that was skipped has kept no copies
CREATE TABLE ends (id int PRIMARY KEY);
INSERT INTO ends VALUES (1);
CREATE TABLE two (id int PRIMARY KEY, r int, s int);
INSERT INTO two SELECT g, 99, 98 FROM generate_series(1, 8) g;
ALTER TABLE two ADD CONSTRAINT ks FOREIGN KEY (s) REFERENCES ends NOT VALID, ADD CONSTRAINT kr FOREIGN KEY (r) REFERENCES two NOT VALID;
SELECT sg_plan_create('order') \g /dev/null
SELECT sg_plan_add_fk('order', 'two', 's', 'ends', fk_name => 'ks', orphans => 'delete', index => false, priority => 'low'),
       sg_plan_add_fk('order', 'two', 'r', 'two', fk_name => 'kr', orphans => 'quarantine', index => false, priority => 'high') \g /dev/null
SET schemaguard.fix_limit = -1;
CALL sg_fix_orphans('order', dry_run => true);
CALL sg_fix_orphans('order');
ALTER TABLE two DROP CONSTRAINT ks, DROP CONSTRAINT kr;
TRUNCATE two;
INSERT INTO two SELECT g, 1, 1 FROM generate_series(1, 500) g;
INSERT INTO two SELECT g, 99, 98 FROM generate_series(1001, 1015) g;
ALTER TABLE two ADD CONSTRAINT kr FOREIGN KEY (r) REFERENCES ends NOT VALID;
SELECT sg_plan_create('unkept') \g /dev/null
SELECT sg_plan_add_fk('unkept', 'two', 's', 'ends', fk_name => 'ks', orphans => 'quarantine', index => false),
       sg_plan_add_fk('unkept', 'two', 'r', 'ends', fk_name => 'kr', orphans => 'delete', index => false) \g /dev/null
CALL sg_fix_orphans('unkept', dry_run => true);
CALL sg_fix_orphans('unkept');
SELECT count(*) FROM two;
-- ... or would have taken them along, by a key that refers to its own; by a rule, and in place of a sentinel, too
CREATE TABLE top (id int PRIMARY KEY, s int);
CREATE TABLE below (id int PRIMARY KEY, top_id int REFERENCES top, r int, q int, n int);
INSERT INTO top SELECT g, CASE WHEN g <= 3 THEN 98 ELSE 1 END FROM generate_series(1, 9) g;
INSERT INTO below SELECT g, g, CASE g WHEN 1 THEN 97 ELSE 1 END, CASE g WHEN 2 THEN 97 ELSE 1 END, CASE WHEN g <> 3 THEN 1 END FROM generate_series(1, 9) g;
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'not now'; END $$;
CREATE TRIGGER refuse BEFORE DELETE ON top FOR EACH ROW EXECUTE FUNCTION refuse();
SELECT sg_plan_create('turn') \g /dev/null
SELECT sg_plan_add_fk('turn', 'top', 's', 'ends', orphans => 'quarantine', index => false), sg_plan_add_referencing('turn', '{1}'),
       sg_plan_add_fk('turn', 'below', 'r', 'ends', orphans => 'delete', index => false),
       sg_plan_add_fk('turn', 'below', 'q', 'ends', orphans => 'quarantine', sentinel => '97', index => false),
       sg_plan_add('turn', 'ALTER TABLE below ALTER n SET NOT NULL', '{"policy": "delete"}') \g /dev/null
CALL sg_fix_orphans('turn', dry_run => true);
CALL sg_apply('turn', fix => true);
SELECT (SELECT count(*) FROM top) AS top, count(*) AS below, count(q) AS q FROM below;
DROP TRIGGER refuse ON top;
CALL sg_apply('turn', fix => true);
SELECT (SELECT count(*) FROM top) AS top, count(*) AS below, count(q) AS q FROM below;
CALL sg_rollback_fks('turn');
SELECT (SELECT count(*) FROM top) AS top, count(*) AS below, count(q) AS q FROM below;
-- ... where that step keeps copies of those alone
ALTER TABLE below DROP CONSTRAINT below_top_id_fkey, ADD CONSTRAINT below_top_id_fkey FOREIGN KEY (top_id) REFERENCES top ON DELETE CASCADE;
CREATE TRIGGER refuse BEFORE DELETE ON top FOR EACH ROW EXECUTE FUNCTION refuse();
SELECT sg_plan_create('turn', replace => true) \g /dev/null
SELECT sg_plan_add_fk('turn', 'top', 's', 'ends', orphans => 'delete', quarantine_cascades => true, index => false), sg_plan_add_fk('turn', 'below', 'r', 'ends', orphans => 'delete', index => false) \g /dev/null
CALL sg_add_fks('turn', fix => true);
SELECT (SELECT count(*) FROM top) AS top, count(*) AS below FROM below;
CALL sg_rollback_fks('turn');
SELECT sg_plan_drop('turn') \g /dev/null

-- the share of a table that goes into quarantine is that of the table as it was when the call began
ALTER TABLE two DROP CONSTRAINT kr;
UPDATE two SET r = 1, s = CASE WHEN id <= 49 THEN 98 ELSE 1 END;
VACUUM FULL ANALYZE two;
ALTER TABLE two ADD CONSTRAINT ks FOREIGN KEY (s) REFERENCES ends NOT VALID;
SET schemaguard.fix_limit = 40;
CALL sg_fix_orphans('unkept', batch => 7, steps => '{1}');
RESET schemaguard.fix_limit;
-- a dry run lets a step wait, too, behind one that is blocked: the rows that it would take count for the steps behind it
RESET client_min_messages;
CREATE TABLE spot (id int PRIMARY KEY, a int, b int);
CREATE TABLE spot_x (id int PRIMARY KEY, spot int REFERENCES spot);
CREATE TABLE spot_u (id int PRIMARY KEY, spot int REFERENCES spot, c int);
INSERT INTO spot VALUES (1, 98, NULL), (2, NULL, 98);
INSERT INTO spot_x VALUES (1, 1);
INSERT INTO spot_u SELECT i, 2, 98 FROM generate_series(1, 5) i;
SELECT sg_plan_create('spot') \g /dev/null
SELECT sg_plan_add_fk('spot', 'spot', '{a}', 'ends', orphans => 'quarantine', priority => 'high', index => false),
       sg_plan_add_fk('spot', 'spot', '{b}', 'ends', orphans => 'delete', index => false),
       sg_plan_add_fk('spot', 'spot_u', '{spot}', 'spot', fk_name => 'spot_u_spot_fkey', orphans => 'delete', index => false),
       sg_plan_add_fk('spot', 'spot_u', '{c}', 'ends', orphans => 'set null', priority => 'low', index => false) \g /dev/null
CALL sg_fix_orphans('spot', dry_run => true);
CALL sg_add_fks('spot', fix => true);
SELECT (SELECT count(*) FROM spot) AS spot, count(*) AS spot_u, count(c) AS c FROM spot_u;
SET client_min_messages = error;
DELETE FROM schemaguard.quarantine WHERE plan IN ('order', 'unkept');
SELECT sg_plan_drop('tog'), sg_plan_drop('order'), sg_plan_drop('unkept'), sg_plan_drop('spot', true) \g /dev/null
DROP SCHEMA tog CASCADE;
