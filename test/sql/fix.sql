-- Orphans that a plan removes or mends: policies, sentinel, what goes along, quarantine and the way back
-- rooms: fix
\set VERBOSITY terse
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS schemaguard;
SET schemaguard.workers = 1;
CREATE SCHEMA fix;
SET search_path = fix, public;
-- however slow the machine is, a batch does not shrink
SET schemaguard.fix_pause = 0;
SET schemaguard.lock_timeout = '1min';
SET schemaguard.fill_target = '10s';
CREATE VIEW steps AS
  SELECT step, fk_name, state, reason FROM schemaguard.plan_step WHERE plan = 'fix' ORDER BY step;
CREATE VIEW kept AS
  SELECT step, fk_name, cause, row_table, columns, row_text, data, reason FROM schemaguard.quarantine
  WHERE plan LIKE 'fix%' ORDER BY step, row_table, row_text COLLATE "C";
-- since the mark, which mark() sets
CREATE TABLE mark (id bigint);
INSERT INTO mark VALUES (0);
CREATE FUNCTION mark() RETURNS void LANGUAGE sql AS
  'UPDATE fix.mark SET id = (SELECT coalesce(max(id), 0) FROM schemaguard.audit_log)';
CREATE VIEW log AS
  SELECT step, action, phase, sqlstate, message, rows_affected, orphan_rows FROM schemaguard.audit_log
  WHERE plan LIKE 'fix%' AND action NOT LIKE 'plan %' AND id > (SELECT id FROM fix.mark) ORDER BY id;

-- ---- policies ----
CREATE TABLE parents (id int8 PRIMARY KEY, code text UNIQUE);
INSERT INTO parents VALUES (1, 'a'), (2, 'b');
CREATE TABLE "Odd; ""t" (id int PRIMARY KEY, "p ""1" int, p2 int, p3 int, code varchar(10), p4 int NOT NULL);
INSERT INTO "Odd; ""t" VALUES
  (1, 1, 1, 1, 'a', 1), (2, 77, 1, 1, 'a', 1), (3, 1, 77, 1, 'a', 1), (4, 1, 1, 0, 'a', 1), (5, 1, 1, 77, '', 1),
  (6, NULL, NULL, NULL, NULL, 77), (7, 77, 77, 0, 'x', 1);
SELECT sg_plan_create('fix');
SELECT sg_plan_add_fk('fix', '"Odd; ""t"', ARRAY['p "1'], 'parents', orphans => 'quarantine', index => false);
SELECT sg_plan_add_fk('fix', '"Odd; ""t"', '{p2}', 'parents', orphans => 'delete', index => false);
SELECT sg_plan_add_fk('fix', '"Odd; ""t"', '{p3}', 'parents', orphans => 'Set Null', index => false, sentinel => '0');
SELECT sg_plan_add_fk('fix', '"Odd; ""t"', '{code}', 'parents', '{code}', orphans => 'leave', index => false, sentinel => '');
SELECT sg_plan_add_fk('fix', '"Odd; ""t"', '{p4}', 'parents', orphans => 'set null', index => false);
SELECT orphans, sentinel, quarantine_cascades FROM schemaguard.plan_step WHERE plan = 'fix' ORDER BY step;
SELECT sg_plan_sql('fix');
RESET client_min_messages;
-- nothing goes before the key is there, or by sg_add_fks alone
CALL sg_fix_orphans('fix');
CALL sg_fix_orphans('fix', dry_run => true);
CALL sg_add_fks('fix');
SELECT count(*) FROM "Odd; ""t";
CALL sg_fix_orphans('fix', dry_run => true);
SELECT count(*) FROM "Odd; ""t";
SELECT mark();
CALL sg_fix_orphans('fix');
TABLE "Odd; ""t" ORDER BY 1;
TABLE kept;
TABLE steps;
TABLE log;
-- again: nothing is left to do but what can't be done
CALL sg_fix_orphans('fix');
-- back, while the key says no; and without it, exactly
CALL sg_restore_quarantine('fix');
SELECT reason FROM kept;
ALTER TABLE "Odd; ""t" DROP CONSTRAINT "Odd; ""t_p ""1_fkey";
CALL sg_restore_quarantine('fix');
TABLE "Odd; ""t" ORDER BY 1;
TABLE kept \gx
-- add, fix and validate in one call
UPDATE "Odd; ""t" SET p4 = 1;
SELECT sg_plan_set('fix', '{4}', '{"orphans": "delete"}');
SELECT mark();
CALL sg_add_fks('fix', fix => true);
TABLE "Odd; ""t" ORDER BY 1;
TABLE steps;
TABLE log;
CALL sg_add_fks('fix', fix => true);
DELETE FROM schemaguard.quarantine;

-- what is misuse
SELECT sg_plan_create('fix', replace => true);
SELECT sg_plan_add_fk('fix', 'parents', '{id}', 'parents', sentinel => '0');
SELECT sg_plan_add_fk('fix', 'parents', '{id}', 'parents', orphans => 'set null', quarantine_cascades => true);
SELECT sg_plan_add_fk('fix', 'parents', '{id}', 'parents', orphans => 'bin');
CALL sg_fix_orphans('fix');
CALL sg_fix_orphans('no such plan');
CALL sg_fix_orphans('fix', batch => 0);
CALL sg_fix_orphans(NULL);
CALL sg_fix_orphans('fix', dry_run => NULL);
CALL sg_restore_quarantine(NULL);
CALL sg_restore_quarantine('no such plan');
BEGIN;
CALL sg_fix_orphans('fix');
ROLLBACK;
BEGIN;
CALL sg_restore_quarantine('fix');
ROLLBACK;

-- options travel
SET client_min_messages = warning;
SELECT sg_plan_add_fk('fix', 'parents', '{id}', 'parents', orphans => 'quarantine', index => false);
SELECT sg_plan_set('fix', '{1}', '{"sentinel": "0"}');
SELECT sg_plan_set('fix', '{1}', '{"quarantine_cascades": "on"}');
SELECT sg_plan_set('fix', '{1}', '{"orphans": "stop"}');
SELECT sg_plan_create('fix2');
SELECT sg_plan_import('fix2', sg_plan_export('fix'));
SELECT orphans, sentinel, quarantine_cascades FROM schemaguard.plan_step WHERE plan = 'fix2';
SELECT sg_plan_export('fix2') - 'plan' = sg_plan_export('fix') - 'plan' AS same;
SELECT sg_plan_set('fix', '{1}', '{"sentinel": null}');
SELECT sg_plan_set('fix', '{1}', '{"quarantine_cascades": "off"}');
SELECT orphans, sentinel, quarantine_cascades FROM schemaguard.plan_step WHERE plan = 'fix';
SELECT sg_plan_drop('fix2');

-- ---- columns that can't be null, MATCH FULL ----
CREATE TABLE pairs (a int, b int, PRIMARY KEY (a, b));
INSERT INTO pairs VALUES (1, 1);
CREATE DOMAIN nn AS int NOT NULL;
CREATE TABLE full_pairs (id int PRIMARY KEY, a int, b int, c int NOT NULL, d int,
  e int GENERATED ALWAYS AS (1) STORED, f nn);
INSERT INTO full_pairs VALUES (1, 1, 1, 1, 1, DEFAULT, 1), (2, 5, 5, 5, 5, DEFAULT, 5), (3, NULL, 1, 1, NULL, DEFAULT, 1),
  (4, 0, 0, 1, 1, DEFAULT, 1), (5, 0, NULL, 1, 1, DEFAULT, 1), (6, 0, 5, 1, 1, DEFAULT, 1);
SELECT sg_plan_create('fix', replace => true);
SELECT sg_plan_add_fk('fix', 'full_pairs', '{a,b}', 'pairs', orphans => 'leave', match => 'full', index => false, sentinel => '0');
SELECT sg_plan_add_fk('fix', 'full_pairs', '{c,d}', 'pairs', orphans => 'set null', index => false);
SELECT sg_plan_add_fk('fix', 'full_pairs', '{d,c}', 'pairs', fk_name => 'some', orphans => 'set null', index => false,
                      on_delete => 'set null', on_delete_columns => '{d}');
SELECT sg_plan_add_fk('fix', 'full_pairs', '{e,f}', 'pairs', orphans => 'set null', index => false);
SELECT sg_plan_add_fk('fix', 'full_pairs', '{a,f}', 'pairs', orphans => 'leave', sentinel => 'x', index => false);
RESET client_min_messages;
CALL sg_add_fks('fix', validate => false);
CALL sg_fix_orphans('fix');
TABLE full_pairs ORDER BY id;
SELECT sg_plan_set('fix', '{1}', '{"orphans": "set null"}');
CALL sg_fix_orphans('fix');
TABLE full_pairs ORDER BY id;
CREATE TABLE full2 (LIKE full_pairs);
INSERT INTO full2 (id, a, b, c, f) VALUES (1, 1, 2, 0, 0);
SELECT sg_plan_create('fix', replace => true);
SELECT sg_plan_add_fk('fix', 'full2', '{b,a}', 'pairs', orphans => 'set null', index => false, match => 'full',
                      on_delete => 'set null', on_delete_columns => '{a}');
CALL sg_add_fks('fix', fix => true);

-- ---- rows that refer to orphans ----
SET client_min_messages = warning;
CREATE TABLE tree (id int PRIMARY KEY, up int, other int);
CREATE TABLE leafs (id int, tree int REFERENCES tree ON DELETE CASCADE, PRIMARY KEY (id)) PARTITION BY RANGE (id);
CREATE TABLE leafs1 PARTITION OF leafs FOR VALUES FROM (0) TO (10);
CREATE TABLE leafs2 (junk int, tree int, id int NOT NULL);
ALTER TABLE leafs2 DROP COLUMN junk;
ALTER TABLE leafs ATTACH PARTITION leafs2 FOR VALUES FROM (10) TO (100);
CREATE TABLE notes (id int PRIMARY KEY, leaf int REFERENCES leafs ON DELETE SET NULL, note text);
-- 3 has no parent; 4 to 6 hang on it, and 6 on itself too
INSERT INTO tree VALUES (1, NULL, 1), (2, 1, 2), (3, 99, 3), (4, 3, 4), (5, 4, 5), (6, 5, 6), (7, 7, 7);
INSERT INTO leafs SELECT g, 1 + g % 7 FROM generate_series(1, 28) g;
INSERT INTO notes SELECT g, g, 'n' || g FROM generate_series(1, 28) g;
CREATE TABLE before AS SELECT md5(string_agg(t::text, ',' ORDER BY t::text)) AS sum FROM
  (SELECT t::text FROM tree t UNION ALL SELECT l::text FROM leafs l UNION ALL SELECT n::text FROM notes n) t;
SELECT sg_plan_create('fix', replace => true);
SELECT sg_plan_add_fk('fix', 'tree', '{up}', 'tree', orphans => 'quarantine', index => false);
CALL sg_add_fks('fix', validate => false);
RESET client_min_messages;
-- blocked by default: an action of a key would reach rows
CALL sg_fix_orphans('fix', dry_run => true);
SELECT mark();
CALL sg_fix_orphans('fix');
TABLE log;
SELECT count(*) FROM tree;
SELECT sg_plan_set('fix', '{1}', '{"quarantine_cascades": true}');
CALL sg_fix_orphans('fix', dry_run => true);
SELECT mark();
CALL sg_fix_orphans('fix', batch => 3);
TABLE log;
SELECT (SELECT count(*) FROM tree) AS tree, (SELECT count(*) FROM leafs) AS leafs, (SELECT count(*) FROM notes) AS notes;
SELECT row_table, cause, fk_name, count(*) FROM kept GROUP BY 1, 2, 3 ORDER BY 1, 2;
CALL sg_add_fks('fix');
ALTER TABLE tree DROP CONSTRAINT tree_up_fkey;
CALL sg_restore_quarantine('fix');
SELECT md5(string_agg(t::text, ',' ORDER BY t::text)) = (SELECT sum FROM before) AS as_before FROM
  (SELECT t::text FROM tree t UNION ALL SELECT l::text FROM leafs l UNION ALL SELECT n::text FROM notes n) t;
-- a key that only the plan has yet counts, too; and columns that become null must not be referred to
CREATE TABLE twigs (id int PRIMARY KEY, other int);
INSERT INTO twigs VALUES (1, 3), (2, 1);
ALTER TABLE tree ADD UNIQUE (other);
ALTER TABLE leafs DROP CONSTRAINT leafs_tree_fkey;
SELECT sg_plan_create('fix', replace => true);
SET client_min_messages = warning;
SELECT sg_plan_add_fk('fix', 'tree', '{up}', 'tree', orphans => 'delete', index => false);
SELECT sg_plan_add_fk('fix', 'twigs', '{other}', 'tree', '{other}', index => false);
SELECT sg_plan_add_fk('fix', 'tree', '{other}', 'parents', orphans => 'set null', index => false);
RESET client_min_messages;
CALL sg_add_fks('fix', fix => true);
DROP TABLE twigs;
SELECT sg_plan_skip('fix', '{2}', 'the table is gone');
CALL sg_add_fks('fix', fix => true);
TABLE tree ORDER BY id;
DROP TABLE notes, leafs;

-- ---- cycles of tables, keys without any action ----
SET client_min_messages = warning;
CREATE TABLE x (id int PRIMARY KEY, y int, p int);
CREATE TABLE y (id int PRIMARY KEY, x int);
INSERT INTO x VALUES (1, 1, 1), (2, 2, 77), (3, 3, 1);
INSERT INTO y VALUES (1, 1), (2, 2), (3, 2);
SELECT sg_plan_create('fix', replace => true);
SELECT sg_plan_add_fk('fix', 'x', '{y}', 'y', orphans => 'quarantine', index => false);
SELECT sg_plan_add_fk('fix', 'y', '{x}', 'x', orphans => 'quarantine', index => false);
SELECT sg_plan_add_fk('fix', 'x', '{p}', 'parents', orphans => 'quarantine', index => false);
RESET client_min_messages;
CALL sg_add_fks('fix', fix => true);
TABLE x;
TABLE y;
TABLE kept;
ALTER TABLE x DROP CONSTRAINT x_p_fkey;
-- each refers to the other: together they can go back
CALL sg_restore_quarantine('fix');
TABLE x ORDER BY 1;
TABLE y ORDER BY 1;

-- a dry run counts a row once that several batches reach
SET client_min_messages = warning;
CREATE TABLE twice (id int PRIMARY KEY, p int, u int);
CREATE TABLE under2 (id int PRIMARY KEY, a int REFERENCES twice ON DELETE CASCADE, b int REFERENCES twice ON DELETE CASCADE);
CREATE TABLE bottom2 (u int REFERENCES under2 ON DELETE CASCADE);
INSERT INTO twice VALUES (1, 77, NULL), (2, 78, 1), (3, 79, 2), (4, 1, 3), (5, 1, NULL);
INSERT INTO under2 VALUES (1, 1, 2), (2, 3, 3), (3, 4, 1), (4, 5, 5);
INSERT INTO bottom2 VALUES (1), (2), (3), (4);
SELECT sg_plan_create('fix', replace => true);
SELECT sg_plan_add_fk('fix', 'twice', '{p}', 'parents', orphans => 'quarantine', index => false, quarantine_cascades => true);
SELECT sg_plan_add_fk('fix', 'twice', '{u}', 'twice', orphans => 'delete', index => false, priority => 'low');
CALL sg_add_fks('fix', validate => false);
RESET client_min_messages;
CALL sg_fix_orphans('fix', batch => 1, dry_run => true);
CALL sg_fix_orphans('fix', batch => 1);
SELECT (SELECT count(*) FROM twice) AS twice, (SELECT count(*) FROM under2) AS under, (SELECT count(*) FROM bottom2) AS bottom;
DROP TABLE twice, under2, bottom2;
DELETE FROM schemaguard.quarantine;

-- ---- an orphan that another key reaches has the fate of an orphan, whichever batch comes to it ----
SET client_min_messages = warning;
CREATE TABLE owners (id int PRIMARY KEY);
INSERT INTO owners VALUES (1);
CREATE TABLE nodes_before (id int PRIMARY KEY, p int, up int, o int);
-- 2 and 3 are orphans, too, which 1 and 2 reach; 4 is none, and goes with them; 6 is one that nothing reaches
INSERT INTO nodes_before VALUES (1, 77, NULL, 1), (2, 78, 1, 1), (3, 79, 2, 1), (4, 1, 3, 1), (5, 1, NULL, 1), (6, 80, 5, 1);
CREATE TABLE nodes (LIKE nodes_before INCLUDING INDEXES);
-- 1 to 4 go with those; 2 and 4 have no owner, which another step's policy is to keep
CREATE TABLE hangers_before (id int PRIMARY KEY, node int, o int);
INSERT INTO hangers_before VALUES (1, 1, 1), (2, 1, 88), (3, 4, 1), (4, 4, 89), (5, 5, 90);
CREATE TABLE hangers (LIKE hangers_before INCLUDING INDEXES);
CREATE PROCEDURE plan_nodes(of_up text) LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM schemaguard.quarantine;
  ALTER TABLE nodes DROP CONSTRAINT IF EXISTS nodes_p_fkey, DROP CONSTRAINT IF EXISTS nodes_up_fkey;
  ALTER TABLE hangers DROP CONSTRAINT IF EXISTS hangers_node_fkey, DROP CONSTRAINT IF EXISTS hangers_o_fkey;
  TRUNCATE nodes, hangers;
  INSERT INTO nodes SELECT * FROM nodes_before ORDER BY id;
  INSERT INTO hangers SELECT * FROM hangers_before ORDER BY id;
  PERFORM sg_plan_create('fix', replace => true);
  PERFORM sg_plan_add_fk('fix', 'nodes', '{p}', 'parents', orphans => 'quarantine', index => false);
  PERFORM sg_plan_add_fk('fix', 'nodes', '{up}', 'nodes', orphans => of_up, index => false, priority => 'low');
  PERFORM sg_plan_add_fk('fix', 'hangers', '{node}', 'nodes', orphans => 'delete', index => false, priority => 'low');
  PERFORM sg_plan_add_fk('fix', 'hangers', '{o}', 'owners', orphans => 'quarantine', index => false, priority => 'low');
END$$;
CREATE VIEW outcome AS
  SELECT (SELECT string_agg(n::text, ' ' ORDER BY id) FROM nodes n) AS nodes,
         (SELECT string_agg(h::text, ' ' ORDER BY id) FROM hangers h) AS hangers,
         (SELECT string_agg(concat_ws(' ', step, fk_name, cause, row_table, row_text), E'\n' ORDER BY row_table, row_text) FROM kept) AS copies;
CREATE TABLE outcomes (of_up text, size int, nodes text, hangers text, copies text);
CALL plan_nodes('delete');
CALL sg_add_fks('fix', validate => false);
RESET client_min_messages;
CALL sg_fix_orphans('fix', batch => 1, dry_run => true);
CALL sg_fix_orphans('fix', batch => 1);
INSERT INTO outcomes SELECT 'delete', 1, * FROM outcome;
SET client_min_messages = warning;
CALL plan_nodes('delete');
CALL sg_add_fks('fix', validate => false);
CALL sg_fix_orphans('fix');
INSERT INTO outcomes SELECT 'delete', 10000, * FROM outcome;
CALL plan_nodes('set null');
CALL sg_add_fks('fix', validate => false);
CALL sg_fix_orphans('fix', batch => 1);
INSERT INTO outcomes SELECT 'set null', 1, * FROM outcome;
CALL plan_nodes('set null');
CALL sg_add_fks('fix', validate => false);
CALL sg_fix_orphans('fix');
INSERT INTO outcomes SELECT 'set null', 10000, * FROM outcome;
RESET client_min_messages;
SELECT of_up, array_agg(size ORDER BY size) AS sizes, nodes, hangers, copies FROM outcomes GROUP BY 1, 3, 4, 5 ORDER BY 1, 2 \gx
-- what a trigger keeps is told, not tried again and again
CREATE FUNCTION stays() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER stays BEFORE DELETE ON nodes FOR EACH ROW WHEN (OLD.id = 2) EXECUTE FUNCTION stays();
SET client_min_messages = warning;
CALL plan_nodes('delete');
CALL sg_add_fks('fix', validate => false);
ALTER TABLE nodes DROP CONSTRAINT nodes_up_fkey;
RESET client_min_messages;
CALL sg_fix_orphans('fix', batch => 1);
DROP VIEW outcome;
DROP TABLE nodes, nodes_before, hangers, hangers_before, owners;
DELETE FROM schemaguard.quarantine;

-- ---- rows that refer to orphans by several keys ----
SET client_min_messages = warning;
CREATE TABLE mid (a int, b int, p int, PRIMARY KEY (a, b), UNIQUE (b));
INSERT INTO mid VALUES (1, 1, 1), (1, 2, 77), (1, 3, 78);
-- what is set to null by one key is not left to the actions of another; a column of two keys is set once
CREATE TABLE under (id int PRIMARY KEY, a int, b1 int, b2 int, b3 int UNIQUE, b4 int);
INSERT INTO under VALUES (1, 1, 1, 1, 1, 1), (2, 1, 2, 3, 2, NULL), (3, 1, 2, 1, 3, NULL), (4, 1, 1, 3, NULL, NULL),
  (5, NULL, NULL, 2, NULL, NULL), (6, 1, 2, 1, NULL, 3);
CREATE TABLE bottom (id int PRIMARY KEY, b int);
INSERT INTO bottom VALUES (1, 2);
SELECT sg_plan_create('fix', replace => true);
SELECT sg_plan_add_fk('fix', 'under', '{a,b1}', 'mid', on_delete => 'cascade', orphans => 'set null', index => false);
SELECT sg_plan_add_fk('fix', 'under', '{a,b2}', 'mid', on_delete => 'cascade', orphans => 'set null', index => false);
SELECT sg_plan_add_fk('fix', 'under', '{b3}', 'mid', '{b}', on_delete => 'restrict', orphans => 'set null', index => false);
SELECT sg_plan_add_fk('fix', 'under', '{b4}', 'mid', '{b}', on_delete => 'cascade', orphans => 'set null', index => false);
SELECT sg_plan_add_fk('fix', 'bottom', '{b}', 'under', '{b3}', index => false);
CALL sg_add_fks('fix');
SELECT sg_plan_add_fk('fix', 'mid', '{p}', 'parents', orphans => 'delete', index => false);
RESET client_min_messages;
-- a column that becomes null by the second key that reaches its row must not be referred to either
CALL sg_add_fks('fix', fix => true);
DELETE FROM bottom;
SELECT mark();
CALL sg_add_fks('fix', fix => true);
TABLE mid ORDER BY 1, 2;
TABLE under ORDER BY 1;
TABLE log;
DROP TABLE mid, under, bottom;

-- ---- keys that somebody has dropped ----
SET client_min_messages = warning;
CREATE TABLE lost1 (id int, p int);
CREATE TABLE lost2 (LIKE lost1);
CREATE TABLE lost3 (LIKE lost1);
INSERT INTO lost1 VALUES (1, 77);
INSERT INTO lost2 VALUES (1, 77);
INSERT INTO lost3 VALUES (1, 1);
SELECT sg_plan_create('fix', replace => true);
SELECT sg_plan_add_fk('fix', 'lost' || n, '{p}', 'parents', orphans => 'delete', index => false) FROM generate_series(1, 3) n;
CALL sg_add_fks('fix');
ALTER TABLE lost1 DROP COLUMN p;
ALTER TABLE lost2 DROP CONSTRAINT lost2_p_fkey;
ALTER TABLE lost3 DROP CONSTRAINT lost3_p_fkey;
RESET client_min_messages;
TABLE steps;
CALL sg_fix_orphans('fix', dry_run => true);
TABLE steps;
CALL sg_fix_orphans('fix');
TABLE steps;
DROP TABLE lost1, lost2, lost3;

-- ---- what is deferred ----
SET client_min_messages = warning;
CREATE TABLE later (id int PRIMARY KEY, p int);
INSERT INTO later VALUES (1, 1), (2, 77), (3, 79);
CREATE FUNCTION at_commit() RETURNS trigger LANGUAGE plpgsql AS
  'BEGIN IF OLD.id = 3 THEN RAISE ''not this one''; END IF; RETURN NULL; END';
CREATE CONSTRAINT TRIGGER at_commit AFTER DELETE ON later DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION at_commit();
SELECT sg_plan_create('fix', replace => true);
SELECT sg_plan_add_fk('fix', 'later', '{p}', 'parents', orphans => 'quarantine', index => false, initially_deferred => true);
RESET client_min_messages;
CALL sg_add_fks('fix', fix => true);
DROP TRIGGER at_commit ON later;
CALL sg_add_fks('fix', fix => true);
INSERT INTO parents VALUES (79);
CALL sg_restore_quarantine('fix');
SELECT row_text, reason FROM kept;
TABLE later ORDER BY 1;
DELETE FROM schemaguard.quarantine;

-- ---- triggers ----
SET client_min_messages = warning;
CREATE TABLE guarded (id int PRIMARY KEY, p int, n int DEFAULT 0);
CREATE TABLE seen (who text, what text);
CREATE FUNCTION guard() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  -- found by the caller's search_path
  INSERT INTO seen VALUES (current_user, TG_OP || ' ' || OLD.id);
  IF OLD.n = 1 THEN RETURN NULL; END IF;
  IF TG_OP = 'DELETE' THEN RETURN OLD; ELSE RETURN NEW; END IF;
END$$;
CREATE TRIGGER guard BEFORE DELETE OR UPDATE ON guarded FOR EACH ROW EXECUTE FUNCTION guard();
INSERT INTO guarded VALUES (1, 77, 0), (2, 77, 1), (3, 77, 0), (4, 1, 1);
SELECT sg_plan_create('fix', replace => true);
SELECT sg_plan_add_fk('fix', 'guarded', '{p}', 'parents', orphans => 'quarantine', index => false);
RESET client_min_messages;
SELECT mark();
CALL sg_add_fks('fix', fix => true);
TABLE guarded;
SELECT row_text FROM kept \g (format=wrapped columns=160)
TABLE log;
SELECT * FROM seen ORDER BY what;
SELECT sg_plan_set('fix', '{1}', '{"orphans": "set null"}');
CALL sg_fix_orphans('fix');
SELECT sg_plan_set('fix', '{1}', '{"orphans": "delete"}');
CALL sg_fix_orphans('fix');
-- a trigger that keeps what refers to an orphan
CREATE TABLE below (id int, guarded int REFERENCES guarded ON DELETE CASCADE);
CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TRIGGER keep BEFORE DELETE ON below FOR EACH ROW EXECUTE FUNCTION keep();
INSERT INTO below VALUES (1, 2);
UPDATE guarded SET n = 0;
ALTER TABLE guarded DISABLE TRIGGER guard;
UPDATE guarded SET n = 0;
SELECT sg_plan_set('fix', '{1}', '{"quarantine_cascades": true}');
CALL sg_fix_orphans('fix');
SELECT (SELECT count(*) FROM guarded) AS guarded, (SELECT count(*) FROM below) AS below;
SELECT row_text FROM kept \g (format=wrapped columns=160)
-- triggers on the way back
ALTER TABLE guarded DROP CONSTRAINT guarded_p_fkey;
CREATE FUNCTION meddle() RETURNS trigger LANGUAGE plpgsql AS
  'BEGIN IF NEW.id = 1 THEN RETURN NULL; END IF; NEW.n := NEW.n + 1; RETURN NEW; END';
CREATE TRIGGER meddle BEFORE INSERT ON guarded FOR EACH ROW EXECUTE FUNCTION meddle();
CALL sg_restore_quarantine('fix');
SELECT row_text, reason FROM kept;
DROP TRIGGER meddle ON guarded;
-- what else keeps a row out
DROP TABLE below;
INSERT INTO guarded VALUES (1, 5);
CALL sg_restore_quarantine('fix');
SELECT row_text, reason FROM kept;
DELETE FROM guarded WHERE id = 1;
UPDATE schemaguard.quarantine SET identity = NULL;
ALTER TABLE guarded RENAME n TO m;
CALL sg_restore_quarantine('fix');
SELECT row_text, reason FROM kept;
ALTER TABLE guarded RENAME m TO n;
UPDATE schemaguard.quarantine SET row_table = 'fix.garded';
CALL sg_restore_quarantine('fix');
SELECT row_text, reason FROM kept;
UPDATE schemaguard.quarantine SET row_table = 'fix.guarded';
ALTER TABLE guarded ADD COLUMN late int DEFAULT 9, ALTER COLUMN id TYPE text;
CALL sg_restore_quarantine('fix');
SELECT row_text, reason FROM kept;
TABLE guarded ORDER BY id;
-- a trigger that changes the types of rows that go back with its own
CREATE TABLE retyping (id int PRIMARY KEY, p int);
CREATE TABLE retyped (id int PRIMARY KEY, p int, v numeric, n int);
INSERT INTO retyping VALUES (1, 77);
INSERT INTO retyped VALUES (1, 77, 1073741820, 1), (2, 77, 1, 2);
DELETE FROM schemaguard.quarantine;
SELECT sg_plan_create('fix', replace => true);
SELECT sg_plan_add_fk('fix', 'retyping', '{p}', 'parents', orphans => 'quarantine', index => false, fk_name => 'retyping_p');
SELECT sg_plan_add_fk('fix', 'retyped', '{p}', 'parents', orphans => 'quarantine', index => false, fk_name => 'retyped_p');
CALL sg_add_fks('fix', fix => true);
ALTER TABLE retyping DROP CONSTRAINT retyping_p;
ALTER TABLE retyped DROP CONSTRAINT retyped_p;
CREATE FUNCTION retype() RETURNS trigger LANGUAGE plpgsql AS
  'BEGIN ALTER TABLE fix.retyped ALTER v TYPE int, ALTER n TYPE numeric; RETURN NEW; END';
CREATE TRIGGER retype BEFORE INSERT ON retyping FOR EACH ROW EXECUTE FUNCTION retype();
CALL sg_restore_quarantine('fix');
SELECT row_text, reason FROM kept;
SELECT r.*, pg_typeof(v) AS type_of_v, pg_typeof(n) AS type_of_n FROM retyped AS r ORDER BY id;

-- a batch that takes long is followed by smaller ones, however many rows it may have
SET client_min_messages = warning;
RESET schemaguard.fill_target;
CREATE TABLE slow (id int PRIMARY KEY, p int);
CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.02); RETURN OLD; END';
CREATE TRIGGER slow BEFORE DELETE ON slow FOR EACH ROW EXECUTE FUNCTION slow();
INSERT INTO slow SELECT g, 77 FROM generate_series(1, 12) g;
SELECT sg_plan_create('fix', replace => true);
SELECT sg_plan_add_fk('fix', 'slow', '{p}', 'parents', orphans => 'delete', index => false);
CALL sg_add_fks('fix', validate => false);
SELECT mark();
RESET client_min_messages;
CALL sg_fix_orphans('fix');
SELECT max(rows_affected), min(rows_affected) FROM log WHERE rows_affected IS NOT NULL;
DROP TABLE slow;
SET schemaguard.fill_target = '10s';

-- batches at most double, and however many rows they have, none reads the table: these are the scans that look for orphans
CREATE TABLE many (id int PRIMARY KEY, p int, pad text DEFAULT repeat('.', 100));
INSERT INTO many SELECT g, CASE WHEN g % 2 = 0 THEN 77 END FROM generate_series(1, 6000) g;
ANALYZE many;
CREATE TABLE many_parts (LIKE many INCLUDING ALL) PARTITION BY RANGE (id);
CREATE TABLE many_1 PARTITION OF many_parts FOR VALUES FROM (MINVALUE) TO (3000);
CREATE TABLE many_2 PARTITION OF many_parts FOR VALUES FROM (3000) TO (MAXVALUE);
INSERT INTO many_parts SELECT * FROM many;
ANALYZE many_parts;
SELECT sg_plan_create('many');
SELECT sg_plan_add_fk('many', 'many', '{p}', 'parents', orphans => 'quarantine', index => false);
SELECT sg_plan_add_fk('many', 'many_parts', '{p}', 'parents', orphans => 'set null', index => false);
SET client_min_messages = warning;
CALL sg_add_fks('many', validate => false);
SELECT pg_stat_force_next_flush();
SELECT sum(seq_scan) AS scans FROM pg_stat_user_tables WHERE relname LIKE 'many%' \gset
CALL sg_fix_orphans('many', max_rows => 10000);
SELECT pg_stat_force_next_flush();
SELECT sum(seq_scan) - :scans AS scans FROM pg_stat_user_tables WHERE relname LIKE 'many%';
SELECT step, array_agg(rows_affected ORDER BY id) AS rows FROM schemaguard.audit_log
  WHERE plan = 'many' AND action = 'fix' AND rows_affected IS NOT NULL GROUP BY step ORDER BY step;
SELECT sg_plan_drop('many', force => true);
DELETE FROM schemaguard.quarantine WHERE plan = 'many';
DROP TABLE many, many_parts;

-- a trigger that puts the value back, or another one that has a parent: what is counted is what is null
SET client_min_messages = warning;
CREATE TABLE put_back (id int PRIMARY KEY, p int, q int);
CREATE FUNCTION put_back() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF NEW.p IS NULL AND OLD.id <= 10 THEN NEW.p := OLD.p; END IF;
  IF NEW.p IS NULL AND OLD.id = 11 THEN NEW.p := 1; END IF;
  IF NEW.q IS NULL AND OLD.id = 1 THEN NEW.q := OLD.q; END IF;
  RETURN NEW;
END$$;
CREATE TRIGGER put_back BEFORE UPDATE ON put_back FOR EACH ROW EXECUTE FUNCTION put_back();
INSERT INTO put_back SELECT g, 77, CASE WHEN g < 3 THEN 0 END FROM generate_series(1, 13) g;
SELECT sg_plan_create('fix', replace => true);
SELECT sg_plan_add_fk('fix', 'put_back', '{p}', 'parents', orphans => 'set null', index => false);
SELECT sg_plan_add_fk('fix', 'put_back', '{q}', 'parents', orphans => 'leave', sentinel => '0', index => false);
SELECT mark();
RESET client_min_messages;
CALL sg_add_fks('fix', fix => true);
TABLE put_back ORDER BY id;
TABLE steps;
TABLE log;
-- a sentinel that the column cannot give up: the hint ends that
SET client_min_messages = error;
CALL sg_rollback_fks('fix');
SELECT sg_plan_create('fix', replace => true);
UPDATE put_back SET q = 0; ALTER TABLE put_back ALTER q SET NOT NULL;
SELECT sg_plan_add_fk('fix', 'put_back', '{q}', 'parents', orphans => 'quarantine', sentinel => '0', index => false);
RESET client_min_messages;
\set VERBOSITY default
CALL sg_add_fks('fix', fix => true);
\set VERBOSITY terse
SELECT sg_plan_set('fix', '{1}', '{"sentinel": null}');
CALL sg_add_fks('fix', fix => true);
SET client_min_messages = warning;
CALL sg_rollback_fks('fix');
DROP TABLE put_back;

-- ---- every type comes back to the letter ----
SET client_min_messages = warning;
CREATE TYPE mood AS ENUM ('so', 'so so');
CREATE TYPE comp AS (a int, b text, c json, d char(3)[]);
CREATE DOMAIN short AS varchar(5) CHECK (VALUE <> 'bad');
CREATE TABLE types (
  id int GENERATED ALWAYS AS IDENTITY, gone int, p int, js json, jb jsonb, arr int[], arr2 text[], ch char(5), vc varchar(9),
  mo money, num numeric(12,4), f4 real, f8 float8, ts timestamp, tz timestamptz, d date, ti time, tt timetz, iv interval,
  by bytea, bo bool, u uuid, i inet, bi bit(5), vb varbit, pt point, e mood, c comp, ca comp[], dm short,
  rg int4range, mr nummultirange, rc regclass, nm name, tv tsvector, sn text DEFAULT 'd', oct "char",
  gen text GENERATED ALWAYS AS ('g' || p) STORED, dflt int DEFAULT 7);
ALTER TABLE types DROP COLUMN gone;
SET lc_monetary = 'C';
INSERT INTO types (p, js, jb, arr, arr2, ch, vc, mo, num, f4, f8, ts, tz, d, ti, tt, iv, by, bo, u, i, bi, vb, pt, e, c, ca,
                   dm, rg, mr, rc, nm, tv, sn, oct, dflt) VALUES
  (77, '{"b": 1,   "a": [1, 2],"b":2, "n": "\u0000"}', '{"b": 1.00, "a": null}', '[2:3]={1,2}', '{{"a b",NULL},{"NULL","\"\\"}}', 'ab', 'x  ',
   '-1234.56', '123.4', 0.1, '1e-300', '2024-02-29 12:34:56.789012', '2024-02-29 12:34:56.789012+02', '0044-03-15 BC', '24:00',
   '12:34:56.7+05:30', '1 year -2 mons 3 days -04:05:06.7', '\x00ff', true, '00000000-0000-0000-0000-00000000000f', '10.0.0.1/8',
   '10101', '1', '(1.5,-0)', 'so so', '(1,"a ""b"" \\ ,"," {} ","{a,NULL}")',
   ARRAY['(,,,)', '(2,"","{}",)']::comp[], 'ok', '[1,5)', '{[1,2),[3.0,4)}', 'fix.parents', 'Name', 'a:1 b', NULL, 'q', NULL),
  (78, NULL, NULL, '{}', '{}', '', '', '0', 'NaN', '-0', 'infinity', 'infinity', '-infinity', 'infinity', '00:00', '00:00+00',
   '-1 sec', '', false, NULL, '::1', '00000', '', '(NaN,Infinity)', 'so', ROW(NULL, NULL, NULL, NULL)::comp, NULL, NULL,
   'empty', '{}', NULL, '', '', '', NULL, 8);
CREATE TABLE types_before AS TABLE types;
SELECT sg_plan_create('fix', replace => true);
SELECT sg_plan_add_fk('fix', 'types', '{p}', 'parents', orphans => 'quarantine', index => false);
SET DateStyle = 'SQL, DMY';
SET IntervalStyle = 'sql_standard';
SET TimeZone = 'Asia/Kathmandu';
SET extra_float_digits = -10;
SET bytea_output = 'escape';
SET array_nulls = off;
CALL sg_add_fks('fix', fix => true);
SELECT count(*) FROM types;
SELECT row_text FROM kept \g (format=wrapped columns=160)
SELECT key, value FROM kept, jsonb_each(data) WHERE key IN ('js', 'jb', 'mo', 'tz', 'c', 'arr', 'num') ORDER BY 1, 2;
SET DateStyle = 'German';
SET IntervalStyle = 'iso_8601';
SET TimeZone = 'America/St_Johns';
ALTER TABLE types DROP CONSTRAINT types_p_fkey;
CALL sg_restore_quarantine('fix');
SELECT row_text, reason FROM kept;
RESET DateStyle; RESET IntervalStyle; RESET TimeZone; RESET extra_float_digits; RESET bytea_output; RESET array_nulls;
SELECT count(*) AS differences FROM types t FULL JOIN types_before b ON t::text = b::text WHERE t IS NULL OR b IS NULL;
INSERT INTO types (p) VALUES (1) RETURNING id, gen;
RESET client_min_messages;

-- ---- who may do it, and who may see it ----
SET client_min_messages = warning;
CREATE ROLE fix_owner;
CREATE ROLE fix_other;
CREATE ROLE fix_reader IN ROLE pg_read_all_data;
SELECT sg_grant(r) FROM unnest('{fix_owner,fix_other,fix_reader}'::text[]) r \g /dev/null
GRANT USAGE, CREATE ON SCHEMA fix TO fix_owner, fix_other;
GRANT SELECT, REFERENCES ON parents TO fix_owner;
GRANT SELECT ON kept, log, steps TO PUBLIC;
SET ROLE fix_owner;
CREATE TABLE secrets (id int PRIMARY KEY, p int, secret text);
INSERT INTO secrets VALUES (1, 77, 'he is'), (2, 1, 'not him');
SET ROLE fix_other;
SELECT sg_plan_create('fix_secret');
SELECT sg_plan_add_fk('fix_secret', 'secrets', '{p}', 'parents', orphans => 'quarantine', index => false);
RESET client_min_messages;
CALL sg_fix_orphans('fix_secret', dry_run => true);
SELECT sg_plan_allow('fix_secret', 'fix_reader');
SET ROLE fix_owner;
ALTER TABLE secrets ENABLE ROW LEVEL SECURITY;
ALTER TABLE secrets FORCE ROW LEVEL SECURITY;
CALL sg_add_fks('fix_secret', fix => true, author => 'fix_other');
ALTER TABLE secrets DISABLE ROW LEVEL SECURITY;
REVOKE DELETE ON secrets FROM fix_owner;
CALL sg_add_fks('fix_secret', fix => true, author => 'fix_other');
GRANT DELETE ON secrets TO fix_owner;
CALL sg_add_fks('fix_secret', fix => true, author => 'fix_other');
SELECT role, table_owner, row_text FROM schemaguard.quarantine;
-- nor may a role that has the owner's name by now
RESET ROLE;
ALTER ROLE fix_owner RENAME TO fix_owner_was;
CREATE ROLE fix_owner;
SET ROLE fix_owner;
SELECT count(*) FROM schemaguard.quarantine;
-- while the renamed role may, which has the rows back by its rollback
SET ROLE fix_owner_was;
SELECT count(*) FROM schemaguard.quarantine;
RESET ROLE;
SELECT count(DISTINCT mark) FROM schemaguard.quarantine, unnest(readers) mark WHERE starts_with(mark, schemaguard.sg_place() || ' ');
DROP ROLE fix_owner;
ALTER ROLE fix_owner_was RENAME TO fix_owner;
-- the plan's author could not read the table
SET ROLE fix_other;
SELECT count(*) FROM schemaguard.quarantine;
CALL sg_restore_quarantine('fix_secret');
INSERT INTO schemaguard.quarantine SELECT * FROM schemaguard.quarantine;
UPDATE schemaguard.quarantine SET row_text = '';
DELETE FROM schemaguard.quarantine;
SET ROLE fix_reader;
SELECT role, row_text FROM schemaguard.quarantine;
CALL sg_restore_quarantine('fix_secret', author => 'fix_other');
SELECT reason FROM schemaguard.quarantine;
-- a table of another owner is no place for it, nor is another one of that name, where names alone are known
RESET ROLE;
SELECT identity AS was FROM schemaguard.quarantine \gset
UPDATE schemaguard.quarantine SET row_table = 'fix.others', identity = NULL;
SET ROLE fix_other;
CREATE TABLE others (id int, p int, secret text);
RESET ROLE;
CALL sg_restore_quarantine('fix_secret', author => 'fix_other');
SELECT reason FROM schemaguard.quarantine;
UPDATE schemaguard.quarantine SET row_table = 'fix.secrets';
ALTER TABLE secrets RENAME TO old_secrets;
ALTER TABLE others RENAME TO secrets;
CALL sg_restore_quarantine('fix_secret', author => 'fix_other');
SELECT reason FROM schemaguard.quarantine;
UPDATE schemaguard.quarantine SET identity = :'was';
DROP TABLE secrets;
ALTER TABLE old_secrets RENAME TO secrets;
ALTER TABLE secrets DROP CONSTRAINT secrets_p_fkey;
SET ROLE fix_owner;
CALL sg_restore_quarantine('fix_secret', author => 'fix_other');
TABLE secrets ORDER BY id;
RESET ROLE;
-- a role that is gone is no error
INSERT INTO schemaguard.quarantine (run_id, role, plan, step, fk_name, cause, row_table, table_owner, columns, row_text, plan_id, readers)
VALUES (gen_random_uuid(), 'gone', 'fix', 1, 'k', 'orphan', 'fix.secrets', 'gone', '{id}', '(1)', 0, '{gone 1}');
SET ROLE fix_owner;
SELECT count(*) FROM schemaguard.quarantine;
RESET ROLE;
DELETE FROM schemaguard.quarantine;

-- rows of a table whose owner's role is gone go back as the hint says
SET client_min_messages = warning;
CREATE ROLE fix_gone;
GRANT USAGE, CREATE ON SCHEMA fix TO fix_gone;
GRANT SELECT, REFERENCES ON parents TO fix_gone;
CREATE TABLE handed (id int PRIMARY KEY, p int);
INSERT INTO handed VALUES (1, 77);
CREATE TABLE handed_too AS TABLE handed;
ALTER TABLE handed OWNER TO fix_gone;
ALTER TABLE handed_too OWNER TO fix_gone;
SELECT sg_plan_create('fix_handed');
SELECT sg_plan_add_fk('fix_handed', t, '{p}', 'parents', orphans => 'quarantine', index => false) FROM unnest('{handed,handed_too}'::text[]) t;
CALL sg_add_fks('fix_handed', fix => true);
REASSIGN OWNED BY fix_gone TO fix_owner;
DROP OWNED BY fix_gone;
DROP ROLE fix_gone;
RESET client_min_messages;
\set VERBOSITY default
CALL sg_rollback_fks('fix_handed');
\set VERBOSITY terse
CREATE ROLE fix_gone;
ALTER TABLE fix.handed OWNER TO fix_gone;
ALTER TABLE fix.handed_too OWNER TO fix_gone;
CALL sg_restore_quarantine('fix_handed');
ALTER TABLE fix.handed OWNER TO fix_owner;
ALTER TABLE fix.handed_too OWNER TO fix_owner;
DROP ROLE fix_gone;
CALL sg_rollback_fks('fix_handed');
TABLE handed UNION ALL TABLE handed_too;
DROP TABLE handed, handed_too;
SELECT sg_plan_drop('fix_handed');

-- a plan that is made anew, or replaced, under the old name has none of the old one's rows; the old one's id has
CREATE TABLE named (id int PRIMARY KEY, p int);
CREATE FUNCTION plan_named() RETURNS void LANGUAGE sql AS $$
  SELECT sg_plan_create('fix_named'); SELECT sg_plan_add_fk('fix_named', 'fix.named', '{p}', 'fix.parents', fk_name => 'named', orphans => 'quarantine', index => false) $$;
INSERT INTO named VALUES (1, 77);
SET client_min_messages = warning;
SELECT plan_named();
CALL sg_add_fks('fix_named', fix => true);
ALTER TABLE named DROP CONSTRAINT named;
SET client_min_messages = error;
SELECT sg_plan_drop('fix_named', force => true);
SET client_min_messages = warning;
SELECT plan_named();
INSERT INTO named VALUES (2, 77);
CALL sg_add_fks('fix_named', fix => true);
RESET client_min_messages;
SELECT min(plan_id) AS old, max(plan_id) AS new FROM schemaguard.quarantine WHERE plan = 'fix_named' \gset
CALL sg_rollback_fks('fix_named');
TABLE named ORDER BY id;
CALL sg_restore_quarantine('fix_named');
CALL sg_restore_quarantine('fix', plan_id => :new);
CALL sg_restore_quarantine('fix_named', plan_id => :old);
TABLE named ORDER BY id;
CALL sg_add_fks('fix_named', fix => true);
SELECT sg_plan_create('fix_named', replace => true);
\set VERBOSITY default
UPDATE schemaguard.quarantine SET plan_id = -1 WHERE plan = 'fix_named';
CALL sg_rollback_fks('fix_named');
UPDATE schemaguard.quarantine SET plan_id = :new WHERE plan = 'fix_named';
\set VERBOSITY terse
ALTER TABLE named DROP CONSTRAINT named;
CALL sg_restore_quarantine('fix_named');
CALL sg_restore_quarantine('fix', plan_id => :new);
TABLE named ORDER BY id;
DROP TABLE named;
SELECT sg_plan_drop('fix_named');

-- the log: one outcome for each start, no value of a row
SELECT count(*) > 200 AS started,
       count(*) FILTER (WHERE (SELECT count(*) FROM schemaguard.audit_log o WHERE o.started_id = s.id) <> 1) AS wrong
FROM schemaguard.audit_log s WHERE phase = 'started' AND plan LIKE 'fix%';
SELECT count(*) FROM schemaguard.audit_log WHERE plan LIKE 'fix%' AND concat(statement, message) ~ '77|he is';

-- ---- a key that is valid already, and rows that came in past it ----
SET client_min_messages = notice;
CREATE TABLE fix.past_parent (id int PRIMARY KEY);
CREATE TABLE fix.past (id int, p int CONSTRAINT past_fk REFERENCES fix.past_parent);
INSERT INTO fix.past_parent VALUES (1);
SET session_replication_role = replica;
INSERT INTO fix.past VALUES (1, 1), (2, 7), (3, 8), (4, NULL);
RESET session_replication_role;
SELECT fk_name, state, result, orphan_rows FROM sg_orphan_audit_details('fix.past');
SELECT sg_plan_create('past');
SELECT sg_plan_add_fk('past', 'fix.past', '{p}', 'fix.past_parent', fk_name => 'past_fk', index => false);
SELECT check_name, result, detail FROM sg_plan_check_details('past') WHERE check_name IN ('existing_key', 'orphans');
CALL sg_add_fks('past', validate => false);
CALL sg_add_fks('past');
SELECT state, reason FROM schemaguard.plan_step WHERE plan = 'past';
SELECT sg_plan_set('past', '{1}', '{"orphans": "set null"}');
SELECT check_name, result, detail FROM sg_plan_check_details('past') WHERE check_name IN ('existing_key', 'orphans');
CALL sg_add_fks('past');
CALL sg_fix_orphans('past', dry_run => true);
CALL sg_add_fks('past', fix => true);
SELECT state, reason FROM schemaguard.plan_step WHERE plan = 'past';
SELECT * FROM fix.past ORDER BY id;
SELECT stands, method FROM schemaguard.fk_trust WHERE fk_name = 'past_fk';
SELECT check_name, result, detail FROM sg_plan_check_details('past') WHERE check_name IN ('existing_key', 'orphans');
-- and by sg_fix_orphans alone; the proof from before does not stand
TRUNCATE fix.past;
SET session_replication_role = replica;
INSERT INTO fix.past VALUES (1, 1), (2, 7);
RESET session_replication_role;
CALL sg_fix_orphans('past');
SELECT stands, method FROM schemaguard.fk_trust WHERE fk_name = 'past_fk';
CALL sg_fix_orphans('past');
SELECT sg_plan_drop('past', force => true);
-- rows that go back past a key are told of
CREATE TABLE fix.put_back (id int PRIMARY KEY, p int);
INSERT INTO fix.put_back VALUES (1, 1), (2, 7);
SELECT sg_plan_create('put_back'), sg_plan_add_fk('put_back', 'fix.put_back', '{p}', 'fix.past_parent', fk_name => 'put_back_fk', index => false, orphans => 'quarantine');
CALL sg_add_fks('put_back', fix => true);
SET session_replication_role = replica;
CALL sg_restore_quarantine('put_back');
RESET session_replication_role;
SELECT state, stands, stale_reason FROM schemaguard.fk_trust WHERE fk_name = 'put_back_fk';
SELECT result, orphan_rows FROM sg_orphan_audit_details('fix.put_back');
SELECT sg_plan_drop('put_back', force => true);
DROP TABLE fix.put_back;
DROP TABLE fix.past, fix.past_parent;
-- some steps
CREATE TABLE fix.some_parent (id int PRIMARY KEY);
CREATE TABLE fix.some_a (p int);
CREATE TABLE fix.some_b (p int);
INSERT INTO fix.some_a VALUES (1);
INSERT INTO fix.some_b VALUES (1), (2);
SELECT sg_plan_create('fix_some');
SELECT sg_plan_add_fk('fix_some', 'fix.some_a', '{p}', 'fix.some_parent', fk_name => 'a', orphans => 'delete', index => false),
       sg_plan_add_fk('fix_some', 'fix.some_b', '{p}', 'fix.some_parent', fk_name => 'b', orphans => 'set null', index => false),
       sg_plan_add_fk('fix_some', 'fix.some_b', '{p}', 'fix.nowhere', fk_name => 'c', index => false);
CALL sg_fix_orphans('fix_some', dry_run => true, steps => '{2}');
CALL sg_add_fks('fix_some', validate => false, steps => '{1,2}');
CALL sg_fix_orphans('fix_some', steps => '{2,2}', fail => true);
SELECT count(*) FROM fix.some_a;
SELECT * FROM fix.some_b;
SELECT step, state FROM schemaguard.plan_step WHERE plan = 'fix_some' ORDER BY step;
CALL sg_fix_orphans('fix_some', steps => '{3}');
CALL sg_fix_orphans('fix_some', steps => '{4}');
SELECT sg_plan_drop('fix_some', force => true);
DROP TABLE fix.some_a, fix.some_b, fix.some_parent;
RESET client_min_messages;
-- rows below a key that was there before the plan: no rollback can put them back, which is said before, with what can behind it
CREATE TABLE fix.pay (id int PRIMARY KEY);
CREATE TABLE fix.refund (id int PRIMARY KEY, pay_id int);
INSERT INTO fix.pay VALUES (1);
INSERT INTO fix.refund VALUES (1, 1), (2, 7), (3, 8);
ALTER TABLE fix.refund ADD CONSTRAINT refund_fk FOREIGN KEY (pay_id) REFERENCES fix.pay NOT VALID;
SELECT sg_plan_create('below');
SELECT sg_plan_add_fk('below', 'fix.refund', 'pay_id', 'fix.pay', index => false, orphans => 'quarantine');
SELECT result, detail FROM sg_plan_check_details('below') WHERE check_name = 'orphans' AND step > 0;
CALL sg_add_fks('below', fix => true, max_rows => 10);
\set VERBOSITY default
CALL sg_rollback_fks('below');
-- a plan whose rows are in quarantine is not forgotten in silence
SELECT sg_plan_drop('below');
ALTER TABLE fix.refund DROP CONSTRAINT refund_fk;
SELECT id AS below FROM schemaguard.plan WHERE name = 'below' \gset
SET client_min_messages = error;
SELECT sg_plan_drop('below', force => true);
RESET client_min_messages;
\set VERBOSITY terse
CALL sg_restore_quarantine('below');
\set VERBOSITY default
SELECT sg_plan_create('below');
CALL sg_restore_quarantine('below', plan_id => :below);
CALL sg_restore_quarantine('below', plan_id => 2000000000);
SELECT * FROM fix.refund ORDER BY id;
SELECT sg_plan_drop('below');
-- keys of many tables keep rows out: the hint has the first ones, and its last call the next
CREATE TABLE fix.whole (id int PRIMARY KEY);
SELECT format('CREATE TABLE fix.many_%s (id int PRIMARY KEY, a int CONSTRAINT many_%s REFERENCES fix.whole)', n, n) FROM generate_series(1, 7) n \gexec
SET session_replication_role = replica;
SELECT format('INSERT INTO fix.many_%s VALUES (1, 7)', n) FROM generate_series(1, 7) n \gexec
RESET session_replication_role;
SELECT sg_plan_create('many') \g /dev/null
SELECT count(sg_plan_add_fk('many', format('fix.many_%s', n), 'a', 'fix.whole', index => false, orphans => 'quarantine')) FROM generate_series(1, 7) n;
SET client_min_messages = warning;
CALL sg_add_fks('many', fix => true, max_rows => 10);
CALL sg_rollback_fks('many');
SELECT format('ALTER TABLE fix.many_%s DROP CONSTRAINT many_%s', n, n) FROM generate_series(3, 7) n \gexec
SET client_min_messages = notice;
CALL sg_restore_quarantine('many');
SET client_min_messages = warning;
SELECT format('ALTER TABLE fix.many_%s ADD CONSTRAINT many_%s FOREIGN KEY (a) REFERENCES fix.whole NOT VALID', n, n) FROM generate_series(3, 7) n \gexec
ALTER TABLE fix.many_1 DROP CONSTRAINT many_1;
ALTER TABLE fix.many_2 DROP CONSTRAINT many_2;
CALL sg_restore_quarantine('many');
RESET client_min_messages;
SELECT count(*) FROM schemaguard.quarantine WHERE plan = 'many';
SELECT sg_plan_drop('many');

SET client_min_messages = warning;
SELECT sg_plan_drop('fix', force => true);
SELECT sg_plan_drop('fix_secret', force => true);
\getenv test PG_ABS_SRCDIR
\set left :test '/sql/include/left.sql'
-- what a call says next does nothing else that the plan holds
CREATE TABLE beside_p (id int PRIMARY KEY);
CREATE TABLE beside (id int PRIMARY KEY, a int);
CREATE TABLE beside_not (id int);
INSERT INTO beside VALUES (1, 1), (2, 2);
INSERT INTO beside_not VALUES (1);
SELECT sg_plan_create('fix beside');
SELECT sg_plan_add_drop('fix beside', 'table', 'beside_not', keep => false);
SELECT sg_plan_add_fk('fix beside', 'beside', '{a}', 'beside_p', orphans => 'quarantine', index => false);
\set VERBOSITY default
SET client_min_messages = notice;
CALL sg_fix_orphans('fix beside', dry_run => true);
SELECT sg_plan_add_check('fix beside', 'beside', 'id > 1', 'beside_id', policy => 'quarantine');
CALL sg_fix_orphans('fix beside', dry_run => true);
CALL sg_fix_orphans('fix beside', dry_run => true, steps => 2);
\set VERBOSITY terse
-- what a row's columns were, written by somebody else, is not known
CALL sg_add_fks('fix beside', fix => true);
INSERT INTO beside_p VALUES (1), (2);
ALTER TABLE beside ALTER a TYPE bigint;
UPDATE schemaguard.quarantine SET identity = regexp_replace(identity, '[{][^{]*$', '{x,y}') WHERE plan = 'fix beside';
CALL sg_restore_quarantine('fix beside');
SET client_min_messages = warning;
TABLE beside ORDER BY id;
SELECT sg_plan_drop('fix beside', force => true);

-- columns that are called as what a statement of ours calls a row
CREATE TABLE called (id int PRIMARY KEY, j jsonb, fk int, "~t" int);
INSERT INTO called VALUES (1, '{"a": 1}', 1, 1), (2, NULL, NULL, 2);
SELECT sg_plan_create('fix beside'), sg_plan_add_fk('fix beside', 'called', '{id}', 'beside_p', orphans => 'quarantine', index => false) \g /dev/null
DELETE FROM beside;
DELETE FROM beside_p;
CALL sg_add_fks('fix beside', fix => true);
SELECT row_text, data FROM schemaguard.quarantine WHERE plan = 'fix beside' ORDER BY row_text;
CALL sg_rollback_fks('fix beside');
CALL sg_restore_quarantine('fix beside');
TABLE called ORDER BY id;
-- a trigger that changes rows once they are back
CREATE FUNCTION stamps() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN UPDATE fix.called SET fk = 9 WHERE id = new.id; RETURN NULL; END$$;
CALL sg_add_fks('fix beside', fix => true);
CREATE TRIGGER t AFTER INSERT ON called FOR EACH ROW EXECUTE FUNCTION stamps();
CALL sg_rollback_fks('fix beside');
CALL sg_restore_quarantine('fix beside');
TABLE called ORDER BY id;
-- rows of other tables that a trigger or a rule of the table deletes or changes count, are held against the limit, and are told
DROP TRIGGER t ON called;
CREATE TABLE item (id int PRIMARY KEY, of int);
INSERT INTO item SELECT g, g % 2 + 1 FROM generate_series(1, 10) g;
CREATE FUNCTION deletes_items() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN DELETE FROM fix.item WHERE of = old.id; RETURN NULL; END$$;
CREATE TRIGGER t AFTER DELETE ON called FOR EACH ROW EXECUTE FUNCTION deletes_items();
\set VERBOSITY default
CALL sg_add_fks('fix beside', fix => true, max_rows => 9);
SELECT count(*) FROM item;
CALL sg_add_fks('fix beside', fix => true);
CALL sg_rollback_fks('fix beside');
\set VERBOSITY terse
SELECT rows_deleted, rows_changed FROM schemaguard.plan_summary WHERE plan = 'fix beside';
SELECT count(*) FROM item;
TABLE called ORDER BY id;
SELECT sg_plan_drop('fix beside', force => true);
-- a value of a composite type goes back where its attributes are as they were: the same text would be another value
CREATE TYPE address AS (street text, zip int);
CREATE TABLE house (id int PRIMARY KEY, p int, a address[]);
INSERT INTO house VALUES (1, 77, ARRAY[ROW('x', 1)::address]);
SELECT sg_plan_create('fix type'), sg_plan_add_fk('fix type', 'house', '{p}', 'parents', orphans => 'quarantine');
CALL sg_add_fks('fix type', fix => true);
ALTER TYPE address DROP ATTRIBUTE zip;
ALTER TYPE address ADD ATTRIBUTE city text;
CALL sg_rollback_fks('fix type');
TABLE house;
ALTER TYPE address DROP ATTRIBUTE city;
ALTER TYPE address ADD ATTRIBUTE zip int;
ALTER TYPE address RENAME ATTRIBUTE street TO road;
SELECT reason FROM schemaguard.quarantine WHERE plan = 'fix type';
CALL sg_restore_quarantine('fix type', retyped => true);
TABLE house;
SELECT sg_plan_drop('fix type', force => true);

\i :left

DROP SCHEMA fix CASCADE;
SELECT sg_revoke(r) FROM unnest('{fix_owner,fix_other,fix_reader}'::text[]) r \g /dev/null
DROP ROLE fix_owner, fix_other, fix_reader;
