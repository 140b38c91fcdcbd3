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
