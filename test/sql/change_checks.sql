-- SET NOT NULL, a primary key and ATTACH ask a table's checks for a proof, and the server computes what is constant in them: as the
-- table's owner, whoever calls.
-- rooms: base change
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS schemaguard;
RESET client_min_messages;
\set VERBOSITY terse
CREATE ROLE regress_checks;
CREATE SCHEMA checks AUTHORIZATION regress_checks;
SET SESSION AUTHORIZATION regress_checks;
CREATE FUNCTION checks.see(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN
    IF current_user <> 'regress_checks' THEN RAISE WARNING 'run as another role'; END IF; RETURN $1; END $$;
CREATE TABLE checks.t (a int NOT NULL, b int, c int, CHECK (a > checks.see(0)));
CREATE TABLE checks.below () INHERITS (checks.t);
INSERT INTO checks.t VALUES (1, 1, 1);
CREATE TABLE checks.whole (k int, v int) PARTITION BY LIST (k);
CREATE TABLE checks.part PARTITION OF checks.whole (CHECK (v > checks.see(0))) FOR VALUES IN (1);
INSERT INTO checks.whole VALUES (1, 1);
RESET SESSION AUTHORIZATION;
SET schemaguard.verbosity = problems;
SELECT sg_plan_create('checks'), sg_plan_add_not_null('checks', 'checks.t', 'b'),
       sg_plan_add_unique('checks', 'checks.t', '{a}', primary_key => true), sg_plan_add_drop('checks', 'table', 'checks.part') \g /dev/null
CALL sg_apply('checks', fail => true);
SELECT kind, state FROM schemaguard.plan_step WHERE plan = 'checks' ORDER BY step;
CALL sg_rollback_fks('checks', fail => true);
SELECT kind, state FROM schemaguard.plan_step WHERE plan = 'checks' ORDER BY step;
SELECT * FROM checks.whole;
SET client_min_messages = error;
SELECT sg_plan_drop('checks') \g /dev/null
DROP SCHEMA checks CASCADE;
DROP OWNED BY regress_checks;
DROP ROLE regress_checks;
-- A step finds its own CHECK by name, and reads the table's other ones only where it is not there.
SET schemaguard.verbosity = problems;
CREATE SCHEMA checks CREATE TABLE t (a int);
SELECT sg_plan_create('checks') \g /dev/null
SELECT count(sg_plan_add_check('checks', 'checks.t', 'a > -' || n, 'c' || n)) AS steps FROM generate_series(1, 60) n;
CALL sg_apply('checks', fail => true);
BEGIN;
SELECT count(*) AS rows FROM sg_plan_check('checks') \g /dev/null
SELECT idx_tup_fetch AS before FROM pg_stat_xact_sys_tables WHERE relname = 'pg_constraint' \gset
SELECT count(*) AS rows FROM sg_plan_check('checks') \g /dev/null
SELECT idx_tup_fetch - :before BETWEEN 60 AND 60 * 12 AS linear FROM pg_stat_xact_sys_tables WHERE relname = 'pg_constraint';
COMMIT;
CALL sg_rollback_fks('checks', fail => true);
DROP SCHEMA checks CASCADE;
SELECT sg_plan_drop('checks') \g /dev/null
-- What a call has read of them it reads again where columns have other names by then.
CREATE SCHEMA checks CREATE TABLE t (a int, b int, CONSTRAINT theirs CHECK (a > 0));
SELECT sg_plan_create('checks'), sg_plan_add_check('checks', 'checks.t', 'b > 0', 'b'), sg_plan_add_rename('checks', 'column', 'checks.t', 'renamed', name => 'a'),
       sg_plan_add_check('checks', 'checks.t', 'renamed > 0', 'again', after => '{2}') \g /dev/null
SET schemaguard.verbosity = steps;
CALL sg_apply('checks', fail => true);
SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'checks.t'::regclass ORDER BY conname;
SET client_min_messages = error;
DROP SCHEMA checks CASCADE;
SELECT sg_plan_drop('checks', force => true) \g /dev/null
RESET client_min_messages;
-- What partitions and inheriting tables had by themselves is there again when that of the whole is taken back, valid if it was; and a partition that is gone keeps nothing.
CREATE SCHEMA checks;
SET search_path = checks, public;
CREATE TABLE whole (id int, w int DEFAULT 0) PARTITION BY RANGE (id);
CREATE TABLE own PARTITION OF whole FOR VALUES FROM (0) TO (10);
CREATE TABLE later PARTITION OF whole FOR VALUES FROM (10) TO (20) PARTITION BY RANGE (id);
CREATE TABLE below PARTITION OF later FOR VALUES FROM (10) TO (15);
CREATE TABLE others PARTITION OF whole FOR VALUES FROM (20) TO (30);
CREATE TABLE gone PARTITION OF whole FOR VALUES FROM (30) TO (40);
CREATE TABLE base (id int, w int DEFAULT 0);
CREATE TABLE heir () INHERITS (base);
ALTER TABLE own ADD CONSTRAINT wc CHECK (w > 0), ALTER w SET NOT NULL, ALTER w SET DEFAULT 5;
ALTER TABLE later ADD CONSTRAINT wc CHECK (w > 0) NOT VALID, ALTER w DROP DEFAULT;
ALTER TABLE gone ADD CONSTRAINT wc CHECK (w > 0), ALTER w SET NOT NULL, ALTER w SET DEFAULT 7;
ALTER TABLE heir ADD CONSTRAINT wc CHECK (w > 0), ALTER w SET NOT NULL, ALTER w SET DEFAULT 5;
CREATE VIEW had AS SELECT c.relname, a.attnotnull, pg_get_expr(d.adbin, d.adrelid) AS initial, n.convalidated AS checked, n.conislocal AS own, n.coninhcount AS inherited
  FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'w' LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
  LEFT JOIN pg_constraint n ON n.conrelid = c.oid AND n.conname = 'wc' WHERE c.relnamespace = 'checks'::regnamespace AND c.relkind IN ('r', 'p') ORDER BY 1;
TABLE had;
SELECT sg_plan_create('checks') \g /dev/null
SELECT sg_plan_add_check('checks', t, 'w > 0', 'wc'), sg_plan_add_not_null('checks', t, 'w'), sg_plan_add_default('checks', t, 'w', '1')
  FROM unnest('{whole,base}'::text[]) t \g /dev/null
SET client_min_messages = warning;
CALL sg_apply('checks', fail => true);
TABLE had;
DROP TABLE gone;
CALL sg_rollback_fks('checks', fail => true);
TABLE had;
-- nor does a column that is kept refuse rows of a partition, whose NOT NULL and default come back with it
SELECT sg_plan_create('checks', replace => true) \g /dev/null
ALTER TABLE own DROP CONSTRAINT wc;
ALTER TABLE later DROP CONSTRAINT wc;
SELECT sg_plan_add_drop('checks', 'column', 'whole', 'w') \g /dev/null
CALL sg_apply('checks', fail => true);
INSERT INTO whole VALUES (1), (11), (21);
DELETE FROM whole;
CALL sg_rollback_fks('checks', fail => true);
TABLE had;
SET client_min_messages = error;
RESET search_path;
DROP SCHEMA checks CASCADE;
SELECT sg_plan_drop('checks', force => true) \g /dev/null
