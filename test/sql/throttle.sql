-- Load control: a user's own function, the window, the budget of a pause
-- rooms: run
\set VERBOSITY default
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS schemaguard;
CREATE ROLE regress_sg_deployer;
SELECT sg_grant('regress_sg_deployer') \g /dev/null
CREATE SCHEMA thr;
GRANT USAGE, CREATE ON SCHEMA thr TO regress_sg_deployer;
SET search_path = thr, public;
CREATE VIEW log AS
  SELECT step, action, phase, object, message, started_id IS NOT NULL AS ended FROM schemaguard.audit_log
  WHERE plan = 'thr' AND (action = 'throttle' OR phase = 'done') AND action NOT LIKE 'plan %' ORDER BY id;
CREATE VIEW states AS SELECT string_agg(step || ' ' || state, ', ' ORDER BY step) FROM schemaguard.plan_step WHERE plan = 'thr';
CREATE TABLE p (id int PRIMARY KEY);
CREATE TABLE c (a int, b int, d int);
SELECT sg_plan_create('thr');
SELECT sg_plan_add_fk('thr', 'c', ARRAY[k], 'p', fk_name => k, index => false, orphans => 'leave') FROM unnest('{a,b,d}'::text[]) k;
RESET client_min_messages;

-- the settings and their defaults
SELECT name, setting, unit, context FROM pg_settings
WHERE name ~ '^schemaguard\.(throttle|window|lock_breaker|require)' ORDER BY name;

-- what makes no sense is an error before anything begins
SET schemaguard.window_end = 'tomorrowish';
CALL sg_add_fks('thr');
SET schemaguard.window_end = '25:00';
CALL sg_add_fks('thr');
RESET schemaguard.window_end;
SET schemaguard.throttle_function = 'thr.busy';
CALL sg_add_fks('thr');
CREATE FUNCTION busy() RETURNS int LANGUAGE sql AS 'SELECT 1';
CALL sg_add_fks('thr');
DROP FUNCTION busy();
CREATE FUNCTION busy() RETURNS SETOF text LANGUAGE sql AS 'SELECT ''x''';
CALL sg_add_fks('thr');
DROP FUNCTION busy();
-- nobody runs code of others through the setting; the caller's own, and a superuser's, are fine
CREATE FUNCTION busy() RETURNS boolean LANGUAGE sql AS 'SELECT false';
ALTER FUNCTION busy() OWNER TO regress_sg_deployer;
CALL sg_add_fks('thr');
SELECT count(*) FROM schemaguard.audit_log WHERE plan = 'thr' AND action NOT LIKE 'plan %';

-- the function says when: it is asked before each step, and again while the call pauses
ALTER FUNCTION busy() OWNER TO CURRENT_USER;
DROP FUNCTION busy();
CREATE SEQUENCE asked;
CREATE FUNCTION busy() RETURNS text LANGUAGE sql AS $$
  SELECT CASE WHEN nextval('asked') IN (2, 3) THEN 'the report is being written' END
$$;
CALL sg_add_fks('thr', validate => false);
SELECT last_value AS asked FROM asked;
TABLE log;
TABLE states;

-- a pause that takes too long ends the call, not the plan
SET schemaguard.throttle_budget = '600ms';
CREATE OR REPLACE FUNCTION busy() RETURNS text LANGUAGE sql AS $$
  SELECT CASE WHEN nextval('asked') > 5 THEN 'the report is being written' END
$$;
SELECT setval('asked', 4);
CALL sg_add_fks('thr');
TABLE states;
SET schemaguard.throttle_budget = 0;
CALL sg_add_fks('thr');
TABLE states;

-- what the function can't tell is a reason to pause: an error, a null, an answer that does not come
CREATE OR REPLACE FUNCTION busy() RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN 1 / 0; END $$;
CALL sg_add_fks('thr');
DROP FUNCTION busy();
CREATE FUNCTION busy() RETURNS boolean LANGUAGE sql AS 'SELECT NULL::boolean';
CALL sg_add_fks('thr');
CREATE OR REPLACE FUNCTION busy() RETURNS boolean LANGUAGE sql AS 'SELECT true';
CALL sg_add_fks('thr');
CREATE OR REPLACE FUNCTION busy() RETURNS boolean LANGUAGE sql AS 'SELECT pg_sleep(60) IS NULL';
SET schemaguard.statement_timeout = '100ms';
CALL sg_add_fks('thr');
RESET schemaguard.statement_timeout;
-- what it writes is kept, what its transaction left open is not
CREATE TABLE answers (at timestamptz);
CREATE OR REPLACE FUNCTION busy() RETURNS boolean LANGUAGE sql AS 'INSERT INTO thr.answers VALUES (now()) RETURNING false';
CALL sg_add_fks('thr');
SELECT count(*) FROM answers;
TABLE states;
-- taking back does not wait for the load
CREATE OR REPLACE FUNCTION busy() RETURNS boolean LANGUAGE sql AS 'SELECT true';
CALL sg_rollback_fks('thr');
TABLE states;
RESET schemaguard.throttle_function;
RESET schemaguard.throttle_budget;

-- the window: nothing begins after its end; a time of day is the next one
SET schemaguard.window_end = '2001-01-01 05:00+00';
SET timezone = 'UTC';
CALL sg_add_fks('thr');
CALL sg_rollback_fks('thr');
SET schemaguard.window_end = 'infinity';
CALL sg_add_fks('thr', validate => false);
SELECT set_config('schemaguard.window_end', to_char(localtime - interval '1 minute', 'HH24:MI'), false) IS NOT NULL;
CALL sg_add_fks('thr', validate => false);
RESET schemaguard.window_end;

-- with validation by a scan the tables are asked for, too
SET schemaguard.validate_with = scan;
SET schemaguard.throttle_budget = 0;
SET schemaguard.throttle_function = 'busy';
SELECT setval('asked', 1, false);
CREATE OR REPLACE FUNCTION busy() RETURNS boolean LANGUAGE sql AS 'SELECT nextval(''thr.asked'') > 3';
CALL sg_add_fks('thr');
TABLE states;
RESET schemaguard.throttle_function;
CALL sg_add_fks('thr');

-- batches of rows: orphans that are removed, and rows that come back
SET client_min_messages = warning;
CALL sg_rollback_fks('thr');
SELECT sg_plan_create('thr', replace => true);
SELECT sg_plan_add_fk('thr', 'c', '{a}', 'p', fk_name => 'a', index => false, orphans => 'quarantine');
INSERT INTO c SELECT g FROM generate_series(1, 10) g;
CALL sg_add_fks('thr');
RESET client_min_messages;
SET schemaguard.fix_pause = 0;
SET schemaguard.throttle_function = 'busy';
SELECT setval('asked', 1, false);
CREATE OR REPLACE FUNCTION busy() RETURNS boolean LANGUAGE sql AS 'SELECT nextval(''thr.asked'') > 3';
CALL sg_fix_orphans('thr', batch => 3);
SELECT count(*) FROM c;
RESET schemaguard.throttle_function;
CALL sg_fix_orphans('thr', batch => 3);
SELECT count(*) FROM c;
SET client_min_messages = warning;
ALTER TABLE c DROP CONSTRAINT a;
RESET client_min_messages;
SET schemaguard.throttle_function = 'busy';
CALL sg_restore_quarantine('thr');
SELECT count(*) FROM c;
RESET schemaguard.throttle_function;
CALL sg_restore_quarantine('thr');
SELECT count(*) FROM c;

-- each pause has a beginning and one end
SELECT count(*) > 0 AS pauses, count(*) FILTER (WHERE (SELECT count(*) FROM schemaguard.audit_log o WHERE o.started_id = s.id) <> 1) AS gaps
FROM schemaguard.audit_log s WHERE phase = 'started' AND plan = 'thr' AND action = 'throttle';
SELECT phase, count(*) FROM schemaguard.audit_log WHERE plan = 'thr' AND action = 'throttle' GROUP BY phase ORDER BY phase;

SET client_min_messages = warning;
SELECT sg_plan_drop('thr', force => true);
DROP SCHEMA thr CASCADE;
SELECT sg_revoke('regress_sg_deployer') \g /dev/null
DROP ROLE regress_sg_deployer;
