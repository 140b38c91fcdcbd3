-- rooms: base change check deploy drift verify
-- Steps whose objects are gone, fields of a step that are NULL, and other answers that are none: no call ends the server,
-- and each says what it lacks.
\set VERBOSITY terse
\pset null '(null)'
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS schemaguard;
CREATE SCHEMA gone;
SET search_path = gone, public;
CREATE TABLE p (id int PRIMARY KEY);
CREATE TABLE c (id int PRIMARY KEY, p_id int, v int, CONSTRAINT c_fk CHECK (id > 0));
CREATE TABLE old (i int);
CREATE TABLE new (i int);
INSERT INTO old VALUES (1);

CREATE VIEW state AS
	SELECT plan, step, kind, state, reason FROM schemaguard.plan_step WHERE plan LIKE 'gone%' ORDER BY plan, step;

-- A statement on a table that is not there, and one on a table that an earlier step drops
SELECT sg_plan_create('gone s');
SELECT sg_plan_add_statement('gone s', 'update gone.no_such_table set a = 1');
CALL sg_apply('gone s');
SELECT sg_plan_create('gone d');
SELECT sg_plan_add_drop('gone d', 'table', 'old', keep => false);
SELECT sg_plan_add_statement('gone d', 'INSERT INTO gone.new SELECT i FROM gone.old', after => '{1}');
CALL sg_apply('gone d');

-- Expressions of each kind of step that name a table, or a sequence, that is not there
SELECT sg_plan_create('gone e');
SELECT sg_plan_add_statement('gone e', 'UPDATE gone.c SET v = 1', done_when => 'SELECT count(*) > 0 FROM gone.no_such_table');
SELECT sg_plan_add_check('gone e', 'c', $$v > nextval('gone.no_such_table'::regclass)$$);
SELECT sg_plan_add_column('gone e', 'c', 'w', 'int', fill => $$nextval('gone.no_such_table'::regclass)$$);
SELECT sg_plan_add_default('gone e', 'c', 'v', $$nextval('gone.no_such_table'::regclass)$$);
SELECT sg_plan_add_index('gone e', 'c', $$(nextval('gone.no_such_table'::regclass))$$);
CALL sg_apply('gone e');
SELECT * FROM state;
SELECT step, check_name, detail FROM sg_plan_check_details('gone e') WHERE result = 'block' ORDER BY step, check_name;

-- A key whose name is taken, in a plan with a step that has no table
SELECT sg_plan_create('gone t');
SELECT sg_plan_add_fk('gone t', 'c', '{p_id}', 'p', fk_name => 'c_fk', index => false);
SELECT sg_plan_add_statement('gone t', 'CREATE SCHEMA x');
SELECT step, check_name, result, detail, hint FROM sg_plan_check_details('gone t') WHERE check_name = 'name';
SELECT fk_name, result FROM sg_verify_fks_details('gone t') ORDER BY 1;
SELECT DISTINCT object FROM schemaguard.audit_log WHERE plan = 'gone t' AND action = 'verify' ORDER BY 1;

-- A table that goes while a plan function names things on it is named, not called OID 0
SELECT schemaguard.sg_free_name('gone s', 'relation', 'gone.no_such_table', 'no_such_table', NULL, 'live');

-- Where a table was renamed, a text of two names is its new one; more names with dots between them than an object can have are none
CREATE TABLE r (i int PRIMARY KEY, first_name text NOT NULL, last_name text NOT NULL, born date);
CREATE FOREIGN DATA WRAPPER gone_wrapper;
CREATE SERVER gone_server FOREIGN DATA WRAPPER gone_wrapper;
CREATE FOREIGN TABLE few (i int) SERVER gone_server OPTIONS (names 'gone.r');
DO $$ BEGIN EXECUTE format('CREATE FOREIGN TABLE many (i int) SERVER gone_server OPTIONS (names %L)', 'gone.r.' || repeat('a.', 10000) || 'a'); END $$;
SELECT sg_snapshot_take('names', '{gone}') > 0 AS taken;
ALTER TABLE r RENAME TO renamed;
ALTER FOREIGN TABLE few OPTIONS (SET names 'gone.renamed');
DO $$ BEGIN EXECUTE format('ALTER FOREIGN TABLE many OPTIONS (SET names %L)', 'gone.renamed.' || repeat('a.', 10000) || 'a'); END $$;
SELECT kind, object, change, property, left(expected, 24) AS expected, left(actual, 24) AS actual FROM sg_drift_details('names');

-- end
SELECT sg_snapshot_drop('names');
SELECT sg_plan_drop(name, force => true) FROM schemaguard.plan WHERE name LIKE 'gone%' \g /dev/null
DROP SCHEMA gone CASCADE;
DROP FOREIGN DATA WRAPPER gone_wrapper CASCADE;
