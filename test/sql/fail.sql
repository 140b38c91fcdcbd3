-- fail => true: what a call could not do is an error after its last commit; what the plan or a role wants so is none
-- rooms: run
\set VERBOSITY default
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS schemaguard;
CREATE SCHEMA fail;
SET search_path = fail, public;
CREATE TABLE p (id int PRIMARY KEY);
CREATE TABLE c (a int, b int, d int, e text);
INSERT INTO p SELECT generate_series(1, 10);
INSERT INTO c VALUES (1, 1, 1), (2, 99, 2);
CREATE VIEW states AS SELECT plan, string_agg(step || ' ' || state, ', ' ORDER BY step) AS steps FROM schemaguard.plan_step
  WHERE plan LIKE 'fail%' GROUP BY plan ORDER BY plan;

SET schemaguard.workers = 1;

SELECT sg_plan_create('fail one');
SELECT sg_plan_add_fk('fail one', 'c', ARRAY['a'], 'p', fk_name => 'a', index => false);
-- all is done: no error
CALL sg_add_fks('fail one', fail => true);
\echo :ERROR
CALL sg_add_fks('fail one', fail => NULL);

-- one cause: its own SQLSTATE; what was done before stays done, and the failed step warns
SELECT sg_plan_add_fk('fail one', 'c', ARRAY['b'], 'p', fk_name => 'b', index => false);
SELECT sg_plan_add_fk('fail one', 'c', ARRAY['d'], 'p', fk_name => 'd', index => false);
CALL sg_add_fks('fail one');
CALL sg_add_fks('fail one', fail => true);
\echo :LAST_ERROR_SQLSTATE
SELECT conname, convalidated FROM pg_constraint WHERE conrelid = 'c'::regclass AND contype = 'f' ORDER BY conname;
TABLE states;
-- the plan's lock and the progress are free again
SELECT count(*) FROM pg_locks WHERE locktype IN ('advisory', 'object') AND pid = pg_backend_pid();
SELECT count(*) FROM schemaguard.progress;

-- a skip for a reason in the database counts, a role's own does not; that holds the second time, too
SELECT sg_plan_create('fail skip');
SELECT sg_plan_add_fk('fail skip', 'c', ARRAY['a'], 'p', fk_name => 'a2', on_delete => 'cascade', index => false);
CALL sg_add_fks('fail skip', fail => true);
\echo :LAST_ERROR_SQLSTATE
CALL sg_add_fks('fail skip', fail => true);
\echo :LAST_ERROR_SQLSTATE
SELECT sg_plan_skip('fail skip', '{1}', 'it is there');
CALL sg_add_fks('fail skip', fail => true);
\echo :ERROR

-- several causes: SG001
SELECT sg_plan_create('fail two');
SELECT sg_plan_add_fk('fail two', 'c', ARRAY['a'], 'p', fk_name => 'a2', on_delete => 'cascade', index => false),
       sg_plan_add_fk('fail two', 'c', ARRAY['b'], 'p', fk_name => 'b', index => false);
CALL sg_add_fks('fail two', fail => true);
\echo :LAST_ERROR_SQLSTATE

-- policy "leave" wants its orphans; quarantine does not
SELECT sg_plan_create('fail leave');
SELECT sg_plan_add_fk('fail leave', 'c', ARRAY['b'], 'p', fk_name => 'b', orphans => 'leave', index => false);
CALL sg_add_fks('fail leave', fail => true);
\echo :ERROR
CALL sg_add_fks('fail leave', validate => false, fail => true);
\echo :ERROR
SELECT sg_plan_set('fail leave', '{1}', '{"orphans": "quarantine"}');
CALL sg_add_fks('fail leave', validate => false, fail => true);
\echo :ERROR
CALL sg_add_fks('fail leave', fail => true);
\echo :LAST_ERROR_SQLSTATE

-- what the end of a window leaves
SELECT sg_plan_create('fail window');
SELECT sg_plan_add_fk('fail window', 'c', ARRAY['d'], 'p', fk_name => 'd2', on_delete => 'set null', index => false);
SET schemaguard.window_end = '2020-01-01 00:00+00';
SET TimeZone = 'UTC';
CALL sg_add_fks('fail window', fail => true);
\echo :LAST_ERROR_SQLSTATE
CALL sg_fix_orphans('fail leave', fail => true);
\echo :LAST_ERROR_SQLSTATE
RESET schemaguard.window_end;

-- fixing: a trigger keeps the orphan; a key that is not there
CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$;
CREATE TRIGGER keep BEFORE DELETE ON c FOR EACH ROW EXECUTE FUNCTION keep();
CALL sg_fix_orphans('fail leave', fail => true);
\echo :LAST_ERROR_SQLSTATE
CALL sg_fix_orphans('fail leave', dry_run => true, fail => true);
\echo :ERROR
DROP TRIGGER keep ON c;
SELECT sg_plan_add_fk('fail leave', 'c', ARRAY['a'], 'p', fk_name => 'a3', on_update => 'cascade', orphans => 'delete', index => false);
CALL sg_fix_orphans('fail leave', fail => true);
\echo :LAST_ERROR_SQLSTATE
SELECT count(*) AS quarantined FROM schemaguard.quarantine WHERE plan = 'fail leave';
SELECT sg_plan_skip('fail leave', '{2}', 'no');
CALL sg_fix_orphans('fail leave', fail => true);
\echo :ERROR

-- taking back: rows that can't go back are left, and the rest is done
ALTER TABLE c ADD CHECK (b < 50);
CALL sg_rollback_fks('fail leave', fail => true);
\echo :LAST_ERROR_SQLSTATE
SELECT conname FROM pg_constraint WHERE conrelid = 'c'::regclass AND contype = 'f' ORDER BY conname;
ALTER TABLE c DROP CONSTRAINT c_b_check;
CALL sg_rollback_fks('fail leave', fail => true);
\echo :ERROR
CALL sg_rollback_fks('fail leave', fail => NULL);
-- what a rollback left is taken up by the next call
CALL sg_add_fks('fail leave', fix => true, fail => true);
\echo :ERROR
TABLE states;

-- orphans of a valid key that can't be fixed, for rows refer to them: the key was there, and holds nothing
SET client_min_messages = warning;
CREATE TABLE top (id int PRIMARY KEY);
CREATE TABLE mid (id int PRIMARY KEY, top int CONSTRAINT mid_top REFERENCES top);
CREATE TABLE leaf (mid int CONSTRAINT leaf_mid REFERENCES mid);
INSERT INTO top VALUES (1), (2);
INSERT INTO mid VALUES (1, 1), (2, 2);
INSERT INTO leaf VALUES (2);
SET session_replication_role = replica;
DELETE FROM top WHERE id = 2;
RESET session_replication_role;
SELECT sg_plan_create('fail valid') \g /dev/null
SELECT sg_plan_add_fk('fail valid', 'mid', '{top}', 'top', orphans => 'quarantine', index => false) \g /dev/null
RESET client_min_messages;
CALL sg_add_fks('fail valid', fix => true, fail => true);
\echo :LAST_ERROR_SQLSTATE
SELECT state, reason FROM schemaguard.plan_step WHERE plan = 'fail valid';
DELETE FROM leaf;
CALL sg_add_fks('fail valid', fix => true, fail => true);
SELECT state, reason FROM schemaguard.plan_step WHERE plan = 'fail valid';

-- of hints that begin alike a call prints a few
CREATE TABLE many (a int, b int, c int, d int, e int);
INSERT INTO many VALUES (1001, 1002, 1003, 1004, 1005);
SELECT sg_plan_create('fail many') \g /dev/null
SELECT sg_plan_add_fk('fail many', 'many', x, 'p', 'id', index => false) FROM unnest('{a,b,c,d,e}'::text[]) x \g /dev/null
CALL sg_add_fks('fail many');
-- and what sets all of their policies is a short statement
SELECT hint FROM sg_plan_check('fail many') WHERE step = 0 AND check_name = 'orphans';

-- a hint that repeats a call keeps its steps: another step would lose a row
CREATE TABLE few (a int, b int);
INSERT INTO few VALUES (1001, 1), (1, 1002);
SELECT sg_plan_create('fail hints') \g /dev/null
SELECT sg_plan_add_fk('fail hints', 'few', 'a', 'p', 'id', index => false, orphans => 'delete'),
       sg_plan_add_fk('fail hints', 'few', 'b', 'p', 'id', index => false, orphans => 'quarantine') \g /dev/null
CALL sg_fix_orphans('fail hints', steps => '{2}');
CALL sg_add_fks('fail hints', steps => '{2}', fail => true);
CALL sg_add_fks('fail hints', steps => '{2}', fix => true, fail => true);
TABLE few;

SET client_min_messages = error;
SELECT sg_plan_drop(name, force => true) FROM schemaguard.plan WHERE name LIKE 'fail%' \g /dev/null
DELETE FROM schemaguard.quarantine WHERE plan LIKE 'fail%';
DROP SCHEMA fail CASCADE;
