-- How many rows a call may take away: schemaguard.fix_limit, max_rows, and what the last line says of them
-- rooms: fix run
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS schemaguard;
SET client_min_messages = notice;
SET schemaguard.lock_timeout = '10s';
SET schemaguard.fix_pause = 0;
SET schemaguard.workers = 0;
CREATE SCHEMA lim;
SET search_path = lim, public;
CREATE TABLE parent (id int PRIMARY KEY);
CREATE TABLE gone (id int PRIMARY KEY, parent_id int);
CREATE TABLE moved (id int PRIMARY KEY, parent_id int);
CREATE TABLE item (id int PRIMARY KEY, moved_id int REFERENCES moved ON DELETE CASCADE);
INSERT INTO parent VALUES (1);
INSERT INTO gone SELECT i, CASE WHEN i <= 12 THEN i + 1 ELSE 1 END FROM generate_series(1, 100) i;
INSERT INTO moved SELECT i, CASE WHEN i <= 15 THEN i + 1 ELSE 1 END FROM generate_series(1, 100) i;
INSERT INTO item SELECT i, i FROM generate_series(1, 8) i;
ANALYZE;
CREATE VIEW counts AS SELECT (SELECT count(*) FROM gone) AS gone, (SELECT count(*) FROM moved) AS moved, (SELECT count(*) FROM item) AS item,
    (SELECT count(*) FROM schemaguard.quarantine WHERE plan = 'lim') AS quarantine;

SELECT sg_plan_create('lim') \g /dev/null
SELECT sg_plan_add_fk('lim', 'gone', 'parent_id', 'parent', fk_name => 'gone_fk') \g /dev/null
SELECT sg_plan_add_fk('lim', 'moved', 'parent_id', 'parent', fk_name => 'moved_fk') \g /dev/null
SELECT sg_plan_set('lim', '{1}', '{"orphans": "delete"}'), sg_plan_set('lim', '{2}', '{"orphans": "quarantine", "quarantine_cascades": true}') \g /dev/null

-- more than the limit: not one row goes, no key is added
SET schemaguard.fix_limit = 11;
CALL sg_add_fks('lim', fix => true);
CALL sg_apply('lim', fix => true);
-- the call that the hint names has all that this one had
CALL sg_apply('lim', validate => false, fix => true, fail => true, steps => '{1,2}', max_rows => 2);
TABLE counts;
SELECT conname FROM pg_constraint WHERE conrelid IN ('gone'::regclass, 'moved'::regclass) AND contype = 'f';
-- a large part of a table into quarantine
SET schemaguard.fix_limit = 12;
CALL sg_add_fks('lim', fix => true);
TABLE counts;
-- many rows, but a small part of the table
SET schemaguard.fix_limit = 22;
INSERT INTO item SELECT i, 50 FROM generate_series(9, 3000) i;
INSERT INTO moved SELECT i, 1 FROM generate_series(101, 3000) i;
ANALYZE item, moved;
CALL sg_add_fks('lim', validate => false);
CALL sg_fix_orphans('lim', dry_run => true);
-- a number that is too small
CALL sg_fix_orphans('lim', steps => '{1}', max_rows => 5);
TABLE counts;
CALL sg_fix_orphans('lim');
TABLE counts;
SELECT step, phase, sqlstate, message, count(*) FROM schemaguard.audit_log
WHERE plan = 'lim' AND action IN ('fix', 'count') AND (phase = 'failed' OR message IN ('counted beforehand', 'dry run')) GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 4;
CALL sg_add_fks('lim');
SELECT * FROM schemaguard.plan_summary WHERE plan = 'lim';

-- what nobody can count beforehand is held against the limit as it comes: here a statement makes orphans
CREATE TABLE late (id int PRIMARY KEY, parent_id int);
INSERT INTO late SELECT i, 1 FROM generate_series(1, 50) i;
SELECT sg_plan_create('late') \g /dev/null
SELECT sg_plan_add_statement('late', 'UPDATE lim.late SET parent_id = 7 WHERE id <= 30') \g /dev/null
SELECT sg_plan_add_fk('late', 'late', 'parent_id', 'parent', fk_name => 'late_fk') \g /dev/null
SELECT sg_plan_set('late', '{2}', '{"orphans": "delete", "after": ["1"]}') \g /dev/null
-- batches that grow fast, however slow the machine is
SET schemaguard.lock_timeout = '10s';
SET schemaguard.fill_target = '3s';
CALL sg_apply('late', fix => true);
SELECT count(*) FROM late;
CALL sg_apply('late', fix => true, max_rows => 30);
SELECT count(*) FROM late;

RESET schemaguard.lock_timeout;
RESET schemaguard.fill_target;

-- a default that takes rows away, as a column is added or filled: said, and held against max_rows of the whole call
CREATE TABLE eaten (id int);
INSERT INTO eaten SELECT generate_series(1, 50);
CREATE FUNCTION eat(n int) RETURNS int LANGUAGE plpgsql AS $$BEGIN DELETE FROM lim.eaten WHERE id <= n; RETURN 1; END$$;
CREATE TABLE eater (id int PRIMARY KEY);
INSERT INTO eater VALUES (1), (2);
SELECT sg_plan_create('eats') \g /dev/null
SELECT sg_plan_add('eats', 'ALTER TABLE eater ADD COLUMN a int DEFAULT lim.eat(20)') \g /dev/null
SET client_min_messages = error;
SELECT sg_plan_add_statement('eats', 'ALTER TABLE lim.eater ADD COLUMN b int DEFAULT lim.eat(50)') \g /dev/null
RESET client_min_messages;
CALL sg_apply('eats', max_rows => 10);
SELECT count(*) FROM eaten;
CALL sg_apply('eats', max_rows => 50);
SELECT count(*) FROM eaten;
SELECT rows_deleted FROM schemaguard.plan_summary WHERE plan = 'eats';

-- an undo that gives back a type does not give back values: the check, the call and the summary agree
CREATE TABLE notes (id int PRIMARY KEY, note text, price numeric, extra int DEFAULT 1);
CREATE TABLE leaves AS SELECT generate_series(1, 5) AS id;
INSERT INTO notes SELECT i, 'note ' || i, i + 0.5 FROM generate_series(1, 30) i;
SELECT sg_plan_create('cuts') \g /dev/null
SELECT sg_plan_add('cuts', 'ALTER TABLE notes ALTER note TYPE varchar(3) USING left(note, 3)', '{"undo": "ALTER TABLE notes ALTER note TYPE text"}') \g /dev/null
SELECT result, detail FROM sg_plan_check_details('cuts') WHERE check_name = 'loss';
CALL sg_apply('cuts', max_rows => 29);
CALL sg_apply('cuts', max_rows => 30);
SELECT s.reason, values_gone FROM schemaguard.plan_step s JOIN schemaguard.plan_summary USING (plan) WHERE plan = 'cuts';
-- a rollback says what stays gone, in its last line and in the steps: no cast, and no drop for good, gives values back
SELECT sg_plan_add('cuts', 'ALTER TABLE notes ALTER price TYPE int', '{"undo": "ALTER TABLE notes ALTER price TYPE numeric"}') \g /dev/null
SELECT sg_plan_add_drop('cuts', 'column', 'lim.notes', 'extra', keep => false), sg_plan_add_drop('cuts', 'table', 'lim.leaves', keep => false) \g /dev/null
CALL sg_apply('cuts');
CALL sg_rollback_fks('cuts', steps => '{2}');
CALL sg_rollback_fks('cuts');
SELECT step, state, reason FROM schemaguard.plan_step WHERE plan = 'cuts' ORDER BY step;
SELECT rows_deleted, values_gone FROM schemaguard.plan_summary WHERE plan = 'cuts';
-- unless the undo has an expression, which may
SELECT sg_plan_create('cuts', replace => true) \g /dev/null
SELECT sg_plan_add('cuts', 'ALTER TABLE notes ALTER price TYPE numeric USING price * 2', '{"undo": "ALTER TABLE notes ALTER price TYPE int USING price / 2"}') \g /dev/null
CALL sg_apply('cuts');
CALL sg_rollback_fks('cuts');
SELECT state, reason FROM schemaguard.plan_step WHERE plan = 'cuts';

-- a row that two steps would take away counts once
CREATE TABLE both_ways (id int PRIMARY KEY, a int, b int);
INSERT INTO both_ways SELECT i, 7, 7 FROM generate_series(1, 30) i;
SELECT sg_plan_create('both') \g /dev/null
SELECT count(sg_plan_add_fk('both', 'both_ways', c, 'parent', orphans => 'delete')) FROM unnest('{a,b}'::text[]) c \g /dev/null
CALL sg_fix_orphans('both', dry_run => true);
CALL sg_add_fks('both', fix => true, max_rows => 30);

-- a call that is cut off between batches: the step says what is gone, and in the end what it comes to; the hints are of calls that go on
CREATE TABLE cut (id int PRIMARY KEY, parent_id int);
INSERT INTO cut SELECT i, 7 FROM generate_series(1, 30) i;
CREATE FUNCTION cut_off() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF OLD.id = 7 THEN
    PERFORM pg_cancel_backend(pg_backend_pid()), pg_sleep(60);
  END IF;
  RETURN OLD;
END $$;
CREATE TRIGGER cut_off BEFORE DELETE ON cut FOR EACH ROW EXECUTE FUNCTION cut_off();
SELECT sg_plan_create('cut'), sg_plan_add_fk('cut', 'cut', 'parent_id', 'parent', orphans => 'delete', index => false) \g /dev/null
CALL sg_add_fks('cut');
CALL sg_fix_orphans('cut', dry_run => true);
\set VERBOSITY terse
CALL sg_fix_orphans('cut', batch => 1, max_rows => 30);
\set VERBOSITY default
SELECT state, reason, (SELECT count(*) FROM cut) FROM schemaguard.plan_step WHERE plan = 'cut';
DROP TRIGGER cut_off ON cut;
CALL sg_add_fks('cut', fix => true, max_rows => 30);
SELECT state, reason FROM schemaguard.plan_step WHERE plan = 'cut';

-- a long line of tables ends before it is too long
SELECT sg_plan_create('wide') \g /dev/null
SELECT format('CREATE TABLE %1$I (id int PRIMARY KEY, parent_id int); INSERT INTO %1$I VALUES (1, 7), (2, 7), (3, 7)', rpad(n || 'w', 60, 'w')) FROM generate_series(1, 9) n \gexec
SELECT count(sg_plan_add_fk('wide', quote_ident(rpad(n || 'w', 60, 'w')), 'parent_id', 'parent', orphans => 'delete', index => false)) FROM generate_series(1, 9) n;
SET schemaguard.verbosity = problems;
CALL sg_add_fks('wide', fix => true);
CALL sg_add_fks('wide', fix => true, max_rows => 27);
RESET schemaguard.verbosity;

-- rows are a large part of a small table that was never analyzed, too: nothing is touched; by a sync, which makes the keys, too
CREATE TABLE fresh (id int PRIMARY KEY, parent_id int, CONSTRAINT fresh_fk FOREIGN KEY (parent_id) REFERENCES parent (id));
SELECT sg_snapshot_take('fresh', 'lim') \g /dev/null
ALTER TABLE fresh DROP CONSTRAINT fresh_fk;
INSERT INTO fresh SELECT i, 7 FROM generate_series(1, 30) i;
SELECT sg_plan_create('fresh'), sg_plan_add_fk('fresh', 'fresh', 'parent_id', 'parent', orphans => 'quarantine', index => false) \g /dev/null
CALL sg_apply('fresh', fix => true, max_rows => 20);
CALL sg_sync_apply('fresh', '{lim}', fix => true, max_rows => 20);
SELECT count(*) FROM fresh;
CALL sg_sync_apply('fresh', '{lim}', fix => true, max_rows => 30);
SELECT count(*) FROM fresh;
CALL sg_rollback_fks('sync fresh');
SELECT count(*) FROM fresh;

-- ... of a larger one, whose rows are longer than their types tell
CREATE TABLE broad (id int PRIMARY KEY, parent_id int, note text) WITH (autovacuum_enabled = off);
INSERT INTO broad SELECT i, CASE WHEN i % 4 = 0 THEN 7 END, repeat('x', 1500) FROM generate_series(1, 400) i;
SELECT sg_plan_create('broad'), sg_plan_add_fk('broad', 'broad', 'parent_id', 'parent', orphans => 'quarantine', index => false) \g /dev/null
CALL sg_apply('broad', fix => true, max_rows => 20);
SELECT count(*) FROM broad;

-- steps whose rows an earlier one changes are not counted beforehand, and counted in their turn, before the first row goes
CREATE TABLE turn (id int PRIMARY KEY, a int, b int);
INSERT INTO turn SELECT i, CASE WHEN i <= 30 THEN 77 END, CASE WHEN i > 20 THEN 1 END FROM generate_series(1, 100) i;
SELECT sg_plan_create('turn'), sg_plan_add_fk('turn', 'turn', 'a', 'parent', orphans => 'set null', index => false),
  sg_plan_add('turn', 'ALTER TABLE turn ALTER b SET NOT NULL', '{"policy": "set", "fill": "7"}'), sg_plan_add('turn', 'ALTER TABLE turn ADD CONSTRAINT any_a CHECK (a IS NOT NULL)', '{"policy": "delete"}'),
  sg_plan_add_fk('turn', 'turn', 'b', 'parent', orphans => 'quarantine', index => false) \g /dev/null
DELETE FROM turn WHERE a IS NULL AND id > 40;
CALL sg_fix_orphans('turn', dry_run => true);
-- not told, for each major does a NOT NULL in other steps
SET client_min_messages = warning;
CALL sg_apply('turn', fix => true, max_rows => 70);
RESET client_min_messages;
SELECT step, state, reason FROM schemaguard.plan_step WHERE plan = 'turn' ORDER BY step;
SELECT count(*) FROM turn;
CALL sg_apply('turn', fix => true, max_rows => 40);
SELECT count(*) FROM turn;

-- nor are rows of a column or table whose name leads to another one until then
CREATE TABLE anew (id int PRIMARY KEY, n int);
INSERT INTO anew SELECT i, -i FROM generate_series(1, 30) i;
SELECT sg_plan_create('anew'), sg_plan_add('anew', 'ALTER TABLE anew DROP COLUMN n'), sg_plan_add('anew', 'ALTER TABLE anew ADD COLUMN n int DEFAULT 5'),
  sg_plan_add_check('anew', 'anew', 'n > 0', policy => 'quarantine'), sg_plan_add('anew', 'ALTER TABLE turn RENAME TO turned'),
  sg_plan_add('anew', 'CREATE TABLE turn (id int PRIMARY KEY, a int)'), sg_plan_add_fk('anew', 'turn', 'a', 'parent', orphans => 'delete', index => false) \g /dev/null
CALL sg_fix_orphans('anew', dry_run => true);
CALL sg_apply('anew', fix => true, max_rows => 0);
SELECT count(*), min(n) FROM anew;

-- what drops let go that wait for others of the call, or for their name, is counted before the first step, as a sum
CREATE TABLE sunk (id int PRIMARY KEY, n int);
INSERT INTO sunk SELECT i, i FROM generate_series(1, 20) i;
CREATE TABLE afloat AS TABLE sunk;
CREATE VIEW sea AS SELECT g.id, w.n FROM sunk g, afloat w;
SELECT sg_plan_create('goes'), sg_plan_add_drop('goes', 'view', 'sea', keep => false), sg_plan_add_drop('goes', 'table', 'sunk', keep => false),
  sg_plan_add('goes', 'ALTER TABLE afloat RENAME n TO m'), sg_plan_add('goes', 'ALTER TABLE afloat RENAME TO adrift'), sg_plan_add_drop('goes', 'column', 'adrift', 'm', keep => false) \g /dev/null
CALL sg_apply('goes', max_rows => 39);
CALL sg_apply('goes', max_rows => 40);
\d adrift

-- no limit; bad ones
SET schemaguard.fix_limit = -1;
CALL sg_fix_orphans('late');
CALL sg_fix_orphans('late', max_rows => -1);
-- the hint for a trigger that deletes other rows is for all rows, not for one batch; the reason has what went before
CREATE TABLE cow (id int PRIMARY KEY, p int);
CREATE TABLE grass (cow int);
INSERT INTO cow SELECT i, -i FROM generate_series(1, 40) i;
INSERT INTO grass SELECT i FROM generate_series(1, 40) i, generate_series(1, 5);
CREATE FUNCTION graze() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN DELETE FROM lim.grass WHERE cow = OLD.id; RETURN OLD; END';
CREATE TRIGGER graze BEFORE DELETE ON cow FOR EACH ROW EXECUTE FUNCTION graze();
SELECT sg_plan_create('cow') \g /dev/null
SELECT sg_plan_add_fk('cow', 'cow', 'p', 'parent', orphans => 'delete', index => false) \g /dev/null
CALL sg_add_fks('cow', fix => true, max_rows => 50);
CALL sg_fix_orphans('cow', batch => 5, max_rows => 70);
SELECT reason FROM schemaguard.plan_step WHERE plan = 'cow';
CALL sg_fix_orphans('cow', max_rows => 180);
SET schemaguard.fix_limit = -2;
\set VERBOSITY terse
SET client_min_messages = warning;
DELETE FROM schemaguard.quarantine WHERE plan IN ('lim', 'turn');
SELECT sg_snapshot_drop('fresh'), sg_plan_drop('fresh', true), sg_plan_drop('broad', true), sg_plan_drop('turn', true), sg_plan_drop('goes', true), sg_plan_drop('anew', true), sg_plan_drop('sync fresh', true), sg_plan_drop('late', true), sg_plan_drop('eats', true), sg_plan_drop('cuts', true), sg_plan_drop('both', true), sg_plan_drop('cut', true), sg_plan_drop('wide', true), sg_plan_drop('lim', true), sg_plan_drop('cow', true) \g /dev/null
\getenv test PG_ABS_SRCDIR
\set left :test '/sql/include/left.sql'
\i :left

DROP SCHEMA lim CASCADE;
