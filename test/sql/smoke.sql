-- schemaguard.smoke_test: tests of users' own, run by sg_verify_fks() as their authors
-- rooms: verify change report
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS schemaguard;
CREATE SCHEMA smk;
SET search_path = smk, public;
SET schemaguard.lock_timeout = '60s';
CREATE ROLE regress_smoke_ann;
CREATE ROLE regress_smoke_bob;
GRANT USAGE ON SCHEMA smk TO regress_smoke_ann, regress_smoke_bob;
CREATE TABLE tenants (id int PRIMARY KEY);
CREATE TABLE projects (id int PRIMARY KEY, tenant int, at date, note text CHECK (note <> ''));
INSERT INTO tenants VALUES (1), (2);
INSERT INTO projects VALUES (1, 1, '2026-11-26', 'a'), (2, 1, NULL, NULL);
SELECT sg_plan_create('smoke'), sg_plan_add_fk('smoke', 'projects', 'tenant', 'tenants');
CALL sg_apply('smoke');
PREPARE verify AS SELECT fk_name, test, result, expected, observed, reason FROM sg_verify_fks_details('smoke', true) WHERE test LIKE 'smoke%';

-- a query: a value, rows, no row
INSERT INTO schemaguard.smoke_test (name, plan, kind, statement, expectation) VALUES
    ('no project without a tenant', 'smoke', 'query', 'SELECT id FROM smk.projects WHERE tenant IS NULL', NULL),
    ('a count', 'smoke', 'query', 'SELECT count(*) FROM smk.projects', '2'),
    ('rows', 'smoke', 'query', 'SELECT id, at, note FROM smk.projects ORDER BY id', E'1|2026-11-26|a\n2|NULL|NULL'),
    ('another value', 'smoke', 'query', 'SELECT count(*) FROM smk.tenants', '7'),
    ('too many rows', 'smoke', 'query', 'SELECT id FROM smk.projects ORDER BY id', '1'),
    ('too few', 'smoke', 'query', 'SELECT id FROM smk.projects WHERE id = 1', E'1\n2'),
    ('no row, but one of nothing', 'smoke', 'query', $$SELECT ''$$, NULL),
    ('no row where one is expected', 'smoke', 'query', 'SELECT id FROM smk.projects WHERE false', ''),
    ('a line in a value', 'smoke', 'query', $$SELECT E'1\n2'$$, E'1\n2'), ('a line in a value, written', 'smoke', 'query', $$SELECT E'1\n2'$$, '1\n2'),
    ('a bar in a value', 'smoke', 'query', $$SELECT 'a|b', 1$$, 'a|b|1'), ('a bar in a value, written', 'smoke', 'query', $$SELECT 'a|b', 1$$, 'a\|b|1'),
    ('a word', 'smoke', 'query', $$SELECT 'NULL', 'a\b'$$, 'NULL|a\b'), ('a word, written', 'smoke', 'query', $$SELECT 'NULL', 'a\b'$$, '\NULL|a\\b'),
    ('long', 'smoke', 'query', $$SELECT repeat('x', 300)$$, 'x');
SET DateStyle = German;
EXECUTE verify;
RESET DateStyle;
-- not without live, nor for some steps
SELECT test, result, reason FROM sg_verify_fks('smoke') WHERE fk_name = 'a count';
SELECT count(*) FROM sg_verify_fks('smoke', true, '1') WHERE test LIKE 'smoke%';
DELETE FROM schemaguard.smoke_test WHERE plan = 'smoke';

-- an attempt: refused, accepted, and nothing of it stays
INSERT INTO schemaguard.smoke_test (name, plan, kind, statement, expectation) VALUES
    ('a tenant with projects', 'smoke', 'attempt', 'DELETE FROM smk.tenants WHERE id = 1', '23001 or 23503'),
    ('a tenant without', 'smoke', 'attempt', 'DELETE FROM smk.tenants WHERE id = 2', 'accepted'),
    ('should be refused', 'smoke', 'attempt', 'DELETE FROM smk.tenants WHERE id = 2', '23503'),
    ('should be accepted', 'smoke', 'attempt', 'INSERT INTO smk.projects VALUES (3, 9)', 'accepted'),
    ('refused otherwise', 'smoke', 'attempt', $$INSERT INTO smk.projects VALUES (3, 9, NULL, '')$$, '23503'),
    ('no row', 'smoke', 'attempt', 'DELETE FROM smk.tenants WHERE id = 3', '23503'),
    ('merged', 'smoke', 'attempt', 'MERGE INTO smk.tenants USING (VALUES (3)) v (id) ON tenants.id = v.id WHEN NOT MATCHED THEN INSERT VALUES (v.id)', 'accepted');
EXECUTE verify;
SELECT (SELECT count(*) FROM tenants) AS tenants, (SELECT count(*) FROM projects) AS projects;
DELETE FROM schemaguard.smoke_test WHERE plan = 'smoke';
-- what a key puts off is judged at once
CREATE TABLE later (tenant int REFERENCES tenants DEFERRABLE INITIALLY DEFERRED);
INSERT INTO schemaguard.smoke_test (name, plan, kind, statement, expectation) VALUES ('put off', 'smoke', 'attempt', 'INSERT INTO smk.later VALUES (9)', '23503');
EXECUTE verify;
DELETE FROM schemaguard.smoke_test WHERE plan = 'smoke';
DROP TABLE later;

-- what can't be run is unknown: raises, is no such statement, writes, never ends
CREATE FUNCTION writes() RETURNS int LANGUAGE plpgsql AS $$ BEGIN SET transaction_read_only = off; INSERT INTO smk.tenants VALUES (8); RETURN 1; END $$;
CREATE VIEW over AS SELECT id FROM tenants;
CREATE FUNCTION ends_never() RETURNS int LANGUAGE plpgsql AS $$ BEGIN LOOP END LOOP; END $$;
INSERT INTO schemaguard.smoke_test (name, plan, kind, statement, expectation) VALUES
    ('raises', 'smoke', 'query', 'SELECT 1 / id FROM (VALUES (0)) v (id)', '1'),
    ('is none', 'smoke', 'query', 'SELEKT', '1'),
    ('is nothing', 'smoke', 'query', '', '1'),
    ('are two', 'smoke', 'query', 'SELECT 1; DELETE FROM smk.tenants', '1'),
    ('is another', 'smoke', 'query', 'DELETE FROM smk.tenants', '1'),
    ('makes a table', 'smoke', 'query', 'SELECT 1 INTO smk.made', '1'),
    ('no such table', 'smoke', 'query', 'SELECT 1 FROM smk.nothing', '1'),
    ('no schema', 'smoke', 'query', 'SELECT 1 FROM tenants', '1'),
    ('locks rows', 'smoke', 'query', 'SELECT 1 FROM smk.tenants FOR UPDATE', '1'),
    ('writes', 'smoke', 'query', 'WITH d AS (DELETE FROM smk.tenants WHERE id = 2 RETURNING id) SELECT id FROM d', '2'),
    ('writes by a function', 'smoke', 'query', 'SELECT smk.writes()', '1'),
    ('is no attempt', 'smoke', 'attempt', 'DROP TABLE smk.projects', 'accepted'),
    ('an attempt at a view', 'smoke', 'attempt', 'DELETE FROM smk.over', '23503'),
    ('an attempt at two', 'smoke', 'attempt', 'WITH d AS (DELETE FROM smk.tenants RETURNING id) INSERT INTO smk.tenants SELECT id FROM d', '23503'),
    ('an attempt at nothing', 'smoke', 'attempt', 'DELETE FROM smk.nothing', '42P01');
EXECUTE verify;
DELETE FROM schemaguard.smoke_test WHERE plan = 'smoke';
INSERT INTO schemaguard.smoke_test (name, plan, kind, statement, expectation) VALUES
    ('never ends', 'smoke', 'query', 'SELECT smk.ends_never()', '1'),
    ('an attempt that never ends', 'smoke', 'attempt', 'UPDATE smk.tenants SET id = smk.ends_never()', 'accepted');
SET schemaguard.statement_timeout = '50ms';
EXECUTE verify;
RESET schemaguard.statement_timeout;
SELECT (SELECT count(*) FROM tenants) AS tenants, to_regclass('smk.made') AS made;
DELETE FROM schemaguard.smoke_test WHERE plan = 'smoke';
-- and what is no test at all is refused
INSERT INTO schemaguard.smoke_test (name, plan, kind, statement, expectation) VALUES ('x', 'smoke', 'attempt', 'DELETE FROM smk.tenants', NULL);
INSERT INTO schemaguard.smoke_test (name, plan, kind, statement, expectation) VALUES ('x', 'smoke', 'attempt', 'DELETE FROM smk.tenants', 'refused');
INSERT INTO schemaguard.smoke_test (name, plan, kind, statement) VALUES ('x', 'smoke', 'guess', 'DELETE FROM smk.tenants');
INSERT INTO schemaguard.smoke_test (name, plan, kind, statement) VALUES ('', 'smoke', 'query', 'SELECT 1');

-- a read-only transaction still asks
INSERT INTO schemaguard.smoke_test (name, plan, kind, statement, expectation) VALUES
    ('asks', 'smoke', 'query', 'SELECT count(*) FROM smk.tenants', '2'), ('tries', 'smoke', 'attempt', 'DELETE FROM smk.tenants WHERE id = 1', '23503');
BEGIN READ ONLY;
EXECUTE verify;
COMMIT;
-- a session can go on writing afterwards
BEGIN;
EXECUTE verify;
INSERT INTO tenants VALUES (5);
ROLLBACK;
DELETE FROM schemaguard.smoke_test WHERE plan = 'smoke';

-- whose: a plan's author tests the plan, in its own name, where a superuser lets it
\set ON_ERROR_ROLLBACK on
BEGIN;
SELECT sg_grant('regress_smoke_ann');
GRANT SELECT ON ALL TABLES IN SCHEMA smk TO regress_smoke_ann;
SET ROLE regress_smoke_ann;
SELECT sg_plan_create('smoke_ann');
INSERT INTO schemaguard.smoke_test (name, plan, kind, statement) VALUES ('no right yet', 'smoke_ann', 'query', 'SELECT 1');
RESET ROLE;
GRANT INSERT, UPDATE, DELETE ON schemaguard.smoke_test TO regress_smoke_ann, regress_smoke_bob;
SET ROLE regress_smoke_ann;
INSERT INTO schemaguard.smoke_test (name, plan, kind, statement, expectation) VALUES ('as whom', 'smoke_ann', 'query', 'SELECT current_user', 'regress_smoke_ann');
INSERT INTO schemaguard.smoke_test (name, plan, kind, statement, expectation) VALUES ('reads', 'smoke_ann', 'query', 'SELECT count(*) FROM smk.tenants', '2');
INSERT INTO schemaguard.smoke_test (name, plan, kind, statement, expectation) VALUES ('may not', 'smoke_ann', 'attempt', 'DELETE FROM smk.tenants WHERE id = 1', '23503');
INSERT INTO schemaguard.smoke_test (name, plan, kind, statement, expectation) VALUES ('may not, as expected', 'smoke_ann', 'attempt', 'DELETE FROM smk.tenants WHERE id = 1', '42501');
INSERT INTO schemaguard.smoke_test (name, kind, statement) VALUES ('of the database', 'query', 'SELECT 1');
INSERT INTO schemaguard.smoke_test (name, plan, kind, statement) VALUES ('of another plan', 'smoke', 'query', 'SELECT 1');
INSERT INTO schemaguard.smoke_test (name, plan, kind, statement, author) VALUES ('in another name', 'smoke_ann', 'query', 'SELECT 1', 'regress_smoke_bob');
INSERT INTO schemaguard.smoke_test (name, plan, kind, statement, author_id) VALUES ('in another name', 'smoke_ann', 'query', 'SELECT 1', 10);
UPDATE schemaguard.smoke_test SET author = 'regress_smoke_bob';
-- nor with the number of the next one
UPDATE schemaguard.smoke_test SET id = id + 1000;
INSERT INTO schemaguard.smoke_test (id, name, plan, kind, statement) SELECT last_value + 1, 'of the next number', 'smoke_ann', 'query', 'SELECT 1' FROM schemaguard.smoke_test_id_seq;
SET ROLE regress_smoke_bob;
UPDATE schemaguard.smoke_test SET statement = 'SELECT 1';
DELETE FROM schemaguard.smoke_test;
SELECT count(*) FROM schemaguard.smoke_test WHERE plan = 'smoke_ann';
RESET ROLE;
PREPARE of_ann AS SELECT fk_name, result, expected, observed, reason FROM sg_verify_fks_details('smoke_ann', true);
-- run as her by who may become her, else unknown
EXECUTE of_ann;
SELECT sg_plan_allow('smoke_ann', 'regress_smoke_bob');
SET ROLE regress_smoke_bob;
SELECT fk_name, result, observed, reason FROM sg_verify_fks_details('smoke_ann', true) WHERE fk_name = 'reads';
RESET ROLE;
-- she has lost rights
REVOKE SELECT ON tenants FROM regress_smoke_ann;
SELECT fk_name, result, observed, reason FROM sg_verify_fks_details('smoke_ann', true) WHERE fk_name = 'reads';
GRANT SELECT ON tenants TO regress_smoke_ann;
-- code of others is not run: a function, a view over it, a trigger
GRANT CREATE ON SCHEMA smk TO regress_smoke_bob;
SET ROLE regress_smoke_bob;
CREATE FUNCTION smk.planted() RETURNS text LANGUAGE plpgsql AS $$ BEGIN RAISE WARNING 'planted code runs as %', current_user; RETURN 'x'; END $$;
CREATE VIEW smk.seen AS SELECT smk.planted() AS x;
CREATE TABLE smk.watched (x int);
CREATE FUNCTION smk.fires() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM smk.planted(); RETURN NEW; END $$;
CREATE TRIGGER t BEFORE INSERT ON smk.watched FOR EACH ROW EXECUTE FUNCTION smk.fires();
GRANT ALL ON smk.watched, smk.seen TO PUBLIC;
RESET ROLE;
DELETE FROM schemaguard.smoke_test WHERE plan = 'smoke_ann';
SET ROLE regress_smoke_ann;
INSERT INTO schemaguard.smoke_test (name, plan, kind, statement, expectation) VALUES
    ('calls', 'smoke_ann', 'query', 'SELECT smk.planted()', 'x'), ('sees', 'smoke_ann', 'query', 'SELECT x FROM smk.seen', 'x'),
    ('fires', 'smoke_ann', 'attempt', 'INSERT INTO smk.watched VALUES (1)', 'accepted'),
    ('escapes', 'smoke_ann', 'query', $$SELECT set_config('role', 'none', false)$$, 'none');
RESET ROLE;
EXECUTE of_ann;
-- a superuser's attempt at somebody's table runs as who owns it
INSERT INTO schemaguard.smoke_test (name, plan, kind, statement, expectation) VALUES ('fires', 'smoke', 'attempt', 'INSERT INTO smk.watched VALUES (1)', 'accepted');
EXECUTE verify;
ROLLBACK;
\set ON_ERROR_ROLLBACK off

-- evidence, rules and report: which test had which result; what has not run, or not as it is, is unknown
INSERT INTO schemaguard.smoke_test (name, plan, kind, statement, expectation) VALUES ('two tenants', 'smoke', 'query', 'SELECT count(*) FROM smk.tenants', '2');
PREPARE rules AS SELECT verdict, metric, actual, reason FROM schemaguard.sg_go_rules('smoke') WHERE metric LIKE 'tests %' ORDER BY metric;
PREPARE report AS SELECT regexp_replace(s ->> 'rows', '\d{4}-\d\d-\d\d [^"]*', 'TIME') AS rows FROM jsonb_array_elements(sg_report('smoke', 'json')::jsonb -> 'sections') s WHERE s ->> 'title' = 'Smoke tests';
SELECT count(*) > 0 AS tested FROM sg_verify_fks('smoke');
EXECUTE rules;
SELECT count(*) > 0 AS tested FROM sg_verify_fks('smoke', true);
SELECT figures -> 'smoke' -> 0 ->> 'result' AS result, figures -> 'smoke' -> 0 ->> 'mark' = t.mark::text AS of_these_words
FROM schemaguard.evidence e, schemaguard.smoke_test t WHERE e.plan = 'smoke' AND t.plan = 'smoke' AND e.kind = 'verify' ORDER BY e.id DESC LIMIT 1;
EXECUTE rules;
EXECUTE report;
UPDATE schemaguard.smoke_test SET expectation = '3' WHERE plan = 'smoke';
EXECUTE rules;
SELECT count(*) > 0 AS tested FROM sg_verify_fks('smoke', true);
EXECUTE rules;

-- one that is gone, and one that has come in its name
DELETE FROM schemaguard.smoke_test WHERE plan = 'smoke';
INSERT INTO schemaguard.smoke_test (name, plan, kind, statement, author, author_id) VALUES ('of nobody', 'smoke', 'query', 'SELECT 1', 'regress_smoke_cid', 7), ('of another', 'smoke', 'query', 'SELECT 1', 'regress_smoke_bob', 7);
EXECUTE verify;
DELETE FROM schemaguard.smoke_test WHERE plan = 'smoke';

-- of the database: with no plan
BEGIN;
INSERT INTO schemaguard.smoke_test (name, kind, statement, expectation) VALUES ('two tenants', 'query', 'SELECT count(*) FROM smk.tenants', '2');
SELECT fk_name, result, test FROM sg_verify_fks(live => true) WHERE test LIKE 'smoke%';
SELECT count(*) FROM sg_verify_fks('smoke', true) WHERE test LIKE 'smoke%';
SELECT r ->> 0 AS what, r ->> 1 AS why, r ->> 2 AS call FROM jsonb_array_elements(sg_report('smoke', 'json')::jsonb -> 'sections') s, jsonb_array_elements(s -> 'rows') r WHERE s ->> 'title' = 'Not checked' AND r ->> 0 LIKE '%smoke%';
ROLLBACK;

-- what a test says is for its author, whom may become that, and pg_monitor: it can tell values of tables
BEGIN;
INSERT INTO schemaguard.smoke_test (name, kind, statement, expectation) VALUES ('a secret', 'query', $$SELECT 'value'$$, 'value');
INSERT INTO schemaguard.smoke_test (name, plan, kind, statement) VALUES ('of no plan', 'smoke none', 'query', 'SELECT 1');
PREPARE seen AS SELECT name, expectation FROM schemaguard.smoke_test WHERE plan IS NULL;
PREPARE told AS SELECT fk_name, result, expected FROM sg_verify_fks_details() WHERE test LIKE 'smoke%';
EXECUTE told;
SELECT r ->> 0 AS what, r ->> 1 AS why FROM jsonb_array_elements(sg_report(format => 'json')::jsonb -> 'sections') s, jsonb_array_elements(s -> 'rows') r WHERE s ->> 'title' = 'Not checked' AND r ->> 0 LIKE '%smoke%';
SET ROLE regress_smoke_bob;
EXECUTE seen;
EXECUTE told;
SET ROLE pg_monitor;
EXECUTE seen;
RESET ROLE;
UPDATE schemaguard.smoke_test SET author = 'regress_smoke_ann' WHERE name = 'a secret';
SET ROLE regress_smoke_ann;
EXECUTE seen;
RESET ROLE;
GRANT regress_smoke_ann TO regress_smoke_bob;
SET ROLE regress_smoke_bob;
EXECUTE seen;
EXECUTE told;
ROLLBACK;

-- a mark is of both words, wherever one ends
BEGIN;
INSERT INTO schemaguard.smoke_test (name, plan, kind, statement, expectation) VALUES
    ('a mark', 'smoke', 'query', $$SELECT '1'$$, '1=2'), ('the same', 'smoke', 'query', $$SELECT '1'=1$$, '2');
SELECT count(DISTINCT mark) FROM schemaguard.smoke_test WHERE plan = 'smoke' AND name IN ('a mark', 'the same');
ROLLBACK;

-- tests go with their plan: the next one of its name is somebody else's
INSERT INTO schemaguard.smoke_test (name, plan, kind, statement) VALUES ('of the plan', 'smoke', 'query', 'SELECT 1 WHERE false');
CALL sg_rollback_fks('smoke');
SELECT sg_plan_drop('smoke');
SELECT count(*) FROM schemaguard.smoke_test WHERE plan = 'smoke';

-- code that is limited neither ends its limit by a call of ours, nor by catching it
CREATE TABLE smk.slow (a int);
INSERT INTO smk.slow VALUES (1);
CREATE FUNCTION smk.slow() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  PERFORM count(*) FROM schemaguard.sg_lint_query('SELECT ''a''::text', current_user::text, 'a');
  BEGIN
    PERFORM pg_sleep(60);
  EXCEPTION WHEN query_canceled THEN
    PERFORM pg_sleep(60);
  END;
  RETURN NEW;
END $$;
CREATE TRIGGER slow BEFORE UPDATE ON smk.slow FOR EACH ROW EXECUTE FUNCTION smk.slow();
SELECT sg_plan_create('smoke slow'), sg_plan_add_statement('smoke slow', 'UPDATE smk.slow SET a = 2');
SET schemaguard.statement_timeout = '300ms';
CALL sg_apply('smoke slow');
RESET schemaguard.statement_timeout;
SELECT state, reason, (SELECT a FROM smk.slow) FROM schemaguard.plan_step WHERE plan = 'smoke slow';
SELECT pg_sleep(0.3) IS NOT NULL AS not_cancelled;
SELECT sg_plan_drop('smoke slow', force => true);
DROP SCHEMA smk CASCADE;
DROP OWNED BY regress_smoke_ann, regress_smoke_bob;
DROP ROLE regress_smoke_ann, regress_smoke_bob;
