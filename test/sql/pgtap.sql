-- sg_ok_no_orphans, sg_ok_keys_valid, sg_ok_no_drift: tests in a plan of pgTAP, what they show when they fail, and whose code
-- they do not run.
-- needs: pgtap
-- rooms: report drift
\set VERBOSITY default
\set SHOW_CONTEXT never
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS schemaguard;
DROP EXTENSION IF EXISTS pgtap;
RESET client_min_messages;
CREATE SCHEMA tap;
CREATE SCHEMA ok_a;
CREATE SCHEMA "ok B";
CREATE TABLE ok_a.p (id int PRIMARY KEY);
CREATE TABLE ok_a.c (a int CONSTRAINT a REFERENCES ok_a.p, b int CONSTRAINT "b B" REFERENCES ok_a.p);
CREATE TABLE "ok B".d (a int CONSTRAINT d REFERENCES ok_a.p);
INSERT INTO ok_a.p VALUES (1);
INSERT INTO ok_a.c VALUES (1, 1);
SELECT sg_snapshot_take('ok', '{ok_a}') > 0;

-- without pgTAP
SELECT sg_ok_no_orphans();
\echo :LAST_ERROR_SQLSTATE
SELECT sg_ok_keys_valid();
SELECT sg_ok_no_drift('ok');
CREATE EXTENSION pgtap SCHEMA tap;

-- all is well: lines that count in the plan; nothing is written
SELECT count(*) AS before FROM schemaguard.drift_run \gset
BEGIN;
SET LOCAL search_path = tap;
SELECT plan(7);
SET LOCAL search_path = public;
SELECT sg_ok_no_orphans('{ok_a,"ok B"}');
SELECT sg_ok_keys_valid('{ok_a,"ok B"}');
SELECT sg_ok_no_drift('ok');
SELECT sg_ok_no_drift('ok', 'ok', 'the same # twice');
SELECT sg_ok_no_orphans('{tap}', 'no keys at all');
SET LOCAL search_path = tap, public;
SELECT ok(true, 'one of pgTAP''s');
SELECT sg_ok_no_orphans('{ok_a}', 'the rows of app');
SELECT count(*) = :before FROM schemaguard.drift_run;
SELECT * FROM finish();
ROLLBACK;

-- what fails says what was found; so does what is unknown
SET session_replication_role = replica;
INSERT INTO ok_a.c VALUES (2, 2), (3, 1);
RESET session_replication_role;
ALTER TABLE ok_a.c DROP CONSTRAINT "b B", ADD CONSTRAINT "b B" FOREIGN KEY (b) REFERENCES ok_a.p NOT VALID;
ALTER TABLE "ok B".d DISABLE TRIGGER ALL;
ALTER TABLE ok_a.c ADD n int DEFAULT 1;
INSERT INTO schemaguard.drift_ignore (kind, object, reason) VALUES ('column', 'ok_a.c.m', 'test pgtap');
ALTER TABLE ok_a.c ADD m int;
BEGIN;
SET LOCAL search_path = tap, public;
SELECT plan(5);
SELECT sg_ok_no_orphans('{ok_a,"ok B"}');
SELECT sg_ok_keys_valid('{ok_a,"ok B"}');
SELECT sg_ok_no_drift('ok');
SELECT todo('known', 1);
SELECT sg_ok_keys_valid('{ok_a}', 'later') ~ ('^not ok 4 - later # TO' || 'DO known\n');
SELECT sg_ok_keys_valid('{"ok B"}');
SELECT * FROM finish();
ROLLBACK;
DELETE FROM schemaguard.drift_ignore WHERE reason = 'test pgtap';
CREATE ROLE ok_reader;
GRANT USAGE ON SCHEMA ok_a, "ok B", tap TO ok_reader;
BEGIN;
SET LOCAL search_path = tap, public;
SET LOCAL ROLE ok_reader;
SELECT plan(2);
SELECT sg_ok_no_orphans('{"ok B"}');
SELECT sg_ok_keys_valid('{"ok B"}');
ROLLBACK;

-- misuse
SELECT sg_ok_no_orphans('{}');
\set VERBOSITY terse
SELECT sg_ok_keys_valid('{nowhere}');
\set VERBOSITY default
SELECT sg_ok_no_drift(NULL);
SELECT sg_ok_no_drift('nothing');
SELECT sg_ok_keys_valid('{"ok B"}');

-- whose code: what could be found in the place of pgTAP's own or of the server's
CREATE ROLE ok_mallory;
GRANT USAGE ON SCHEMA tap TO ok_mallory;
\set as_mallory 'GRANT CREATE ON SCHEMA tap TO ok_mallory; SET LOCAL ROLE ok_mallory'
\set test 'RESET ROLE; REVOKE CREATE ON SCHEMA tap FROM ok_mallory; SELECT sg_ok_keys_valid(''{"ok B"}'')'
BEGIN;
SET LOCAL search_path = tap, public;
SELECT plan(1);
SAVEPOINT s;
:as_mallory;
CREATE FUNCTION tap._set(varchar, int) RETURNS int LANGUAGE sql AS 'SELECT 1';
:test;
ROLLBACK TO s;
:as_mallory;
CREATE FUNCTION tap.replace(text, "char", text) RETURNS text LANGUAGE sql AS 'SELECT $1';
:test;
ROLLBACK TO s;
:as_mallory;
CREATE DOMAIN tap._get AS text CHECK (length(VALUE) > 0);
:test;
ROLLBACK TO s;
:as_mallory;
CREATE FUNCTION tap.f(text, int) RETURNS text LANGUAGE sql AS 'SELECT $1';
CREATE OPERATOR tap.|| (LEFTARG = text, RIGHTARG = int, FUNCTION = tap.f);
:test;
ROLLBACK TO s;
:as_mallory;
CREATE VIEW tap.__tcache__ AS SELECT 'plan' AS label, 1 AS value;
:test;
ROLLBACK TO s;
GRANT CREATE ON SCHEMA tap TO ok_mallory;
ALTER FUNCTION tap._todo() OWNER TO ok_mallory;
:test;
ROLLBACK TO s;
-- or in the session's own temporary schema, as a function with the rights of its owner could have left it
SET LOCAL ROLE ok_mallory;
CREATE TEMP TABLE __tother__ (n int);
:test;
ROLLBACK TO s;
SET LOCAL ROLE ok_mallory;
CREATE DOMAIN pg_temp.text AS pg_catalog.text CHECK (length(VALUE) > 0);
:test;
ROLLBACK TO s;
-- or could be there a moment later
GRANT CREATE ON SCHEMA tap TO ok_mallory;
SELECT sg_ok_keys_valid('{"ok B"}');
ROLLBACK TO s;
GRANT CREATE ON SCHEMA tap TO PUBLIC;
SELECT sg_ok_keys_valid('{"ok B"}');
ROLLBACK TO s;
ALTER SCHEMA tap OWNER TO ok_mallory;
SELECT sg_ok_keys_valid('{"ok B"}');
ROLLBACK TO s;
-- one's own
:as_mallory;
CREATE FUNCTION tap._set(varchar, int) RETURNS int LANGUAGE sql AS 'SELECT 1';
SELECT split_part(sg_ok_keys_valid('{"ok B"}'), E'\n', 1);
ROLLBACK TO s;
-- what nobody would call instead
:as_mallory;
CREATE TABLE tap.todo (n int);
CREATE FUNCTION tap.app_function(text) RETURNS int LANGUAGE sql AS 'SELECT 1';
:test \gset
SELECT split_part(:'sg_ok_keys_valid', E'\n', 1);
ROLLBACK;

-- nor by whoever has begun the plan and then set another role
GRANT ok_reader TO ok_mallory;
BEGIN;
SET LOCAL SESSION AUTHORIZATION ok_mallory;
SET LOCAL search_path = tap, public;
SELECT plan(1);
SET LOCAL ROLE ok_reader;
SELECT split_part(sg_ok_keys_valid('{"ok B"}'), E'\n', 1);
ROLLBACK;

SET client_min_messages = warning;
DROP EXTENSION pgtap;
DROP SCHEMA tap, ok_a, "ok B" CASCADE;
DROP OWNED BY ok_reader, ok_mallory;
DROP ROLE ok_reader, ok_mallory;
SELECT sg_snapshot_drop('ok');
