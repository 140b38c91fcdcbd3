-- DDL, caught: what the log says of each kind of command, and where it comes from
-- needs: pgcrypto
-- rooms: ddl
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS schemaguard;
RESET client_min_messages;
\set VERBOSITY terse
CREATE ROLE regress_ddl_alice;
CREATE ROLE regress_ddl_bob;
CREATE SCHEMA ddl_test AUTHORIZATION regress_ddl_alice;
SET search_path = ddl_test, public;
SELECT * FROM schemaguard.ddl_capture_state;
CREATE TABLE before_capture (a int);
SELECT sg_capture_ddl(NULL);
SELECT sg_capture_ddl(true);
SELECT sg_capture_ddl(true);
SELECT wanted, active, since IS NOT NULL AS since FROM schemaguard.ddl_capture_state;
CREATE FUNCTION seen(OUT event text, OUT tag text, OUT kind text, OUT object text, OUT parts text[], OUT statement text, OUT detail text)
RETURNS SETOF record LANGUAGE sql AS $$
  SELECT event, tag, kind, object, parts, statement, detail FROM schemaguard.ddl_log
  WHERE origin <> 'schemaguard' AND tag <> 'CREATE FUNCTION' AND statement IS DISTINCT FROM 'x' ORDER BY at, object COLLATE "C" $$;
\pset format unaligned

-- the rows of a transaction come with its commit; what was rolled back has none
BEGIN;
CREATE TABLE t (id int PRIMARY KEY, a text, s serial);
SAVEPOINT one;
CREATE TABLE undone ();
ROLLBACK TO one;
CREATE INDEX "Odd.Index" ON t (a);
SELECT count(*) FROM seen() WHERE object LIKE 'ddl_test%';
COMMIT;
BEGIN;
DROP TABLE t;
ROLLBACK;
ALTER TABLE t ADD COLUMN b int DEFAULT 1, ADD CONSTRAINT "ch eck" CHECK (b > 0), ALTER a TYPE varchar(10), DROP COLUMN s;
ALTER TABLE t RENAME COLUMN b TO "B";
ALTER TABLE t RENAME TO t2; ALTER TABLE t2 SET SCHEMA public; ALTER TABLE public.t2 SET SCHEMA ddl_test;
CREATE TEMP TABLE temporary (id int PRIMARY KEY); CREATE INDEX ON temporary (id);
CREATE TRIGGER trg BEFORE INSERT ON temporary FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
ALTER TABLE temporary ADD COLUMN b int; DROP TABLE temporary;
CREATE TRIGGER trg BEFORE INSERT ON t2 FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
COMMENT ON TRIGGER trg ON t2 IS 'one';
ALTER TABLE t2 DISABLE TRIGGER trg;
CREATE VIEW v AS SELECT a FROM t2;
CREATE POLICY pol ON t2 USING ("B" > 1);
GRANT SELECT, INSERT ON t2, v TO regress_ddl_bob;
GRANT USAGE ON SCHEMA ddl_test TO regress_ddl_bob;
ALTER DEFAULT PRIVILEGES IN SCHEMA ddl_test GRANT SELECT ON TABLES TO regress_ddl_bob;
CREATE DOMAIN dom AS int CONSTRAINT pos CHECK (VALUE > 0);
ALTER DOMAIN dom DROP CONSTRAINT pos;
CREATE MATERIALIZED VIEW mv AS SELECT 1 AS one;
REFRESH MATERIALIZED VIEW mv;
DROP TRIGGER trg ON t2;
DROP TABLE t2 CASCADE;
SET quote_all_identifiers = on;
CREATE TABLE quoted (a int);
RESET quote_all_identifiers;
SELECT * FROM seen() WHERE event <> 'command' OR tag NOT LIKE 'CREATE ROLE';

-- in the words of snapshots: functions, operators, domains, default privileges, user mappings; partitions and what belongs to somebody else now
SELECT now() AS start \gset
CREATE FUNCTION two(int, text, OUT a text[]) LANGUAGE sql AS 'SELECT ARRAY[$2]';
CREATE OPERATOR === (LEFTARG = text, RIGHTARG = int, FUNCTION = pg_catalog.repeat);
CREATE DOMAIN gone AS int; DROP DOMAIN gone;
CREATE DOMAIN along AS int CONSTRAINT positive CHECK (VALUE > 0);
CREATE TABLE "json" (a along);
CREATE TABLE parted (a int, b text) PARTITION BY LIST (a);
CREATE TABLE part PARTITION OF parted FOR VALUES IN (1) PARTITION BY LIST (a);
CREATE TABLE leaf (a int, b text);
ALTER TABLE part ATTACH PARTITION leaf FOR VALUES IN (1);
ALTER TABLE part DETACH PARTITION leaf;
ALTER TABLE part ATTACH PARTITION leaf FOR VALUES IN (1);
CREATE INDEX part_a ON ONLY part (a);
CREATE INDEX leaf_a ON leaf (a);
ALTER INDEX part_a ATTACH PARTITION leaf_a;
DROP TABLE parted;
ALTER DEFAULT PRIVILEGES FOR ROLE regress_ddl_alice, regress_ddl_bob IN SCHEMA ddl_test, public GRANT ALL ON FUNCTIONS TO regress_ddl_bob;
ALTER DEFAULT PRIVILEGES FOR ROLE regress_ddl_alice GRANT ALL ON SCHEMAS TO regress_ddl_bob;
SELECT DISTINCT tag, kind, object FROM schemaguard.ddl_log l
WHERE at > :'start' AND event = 'command' AND object !~ 'gone|part|leaf' AND NOT EXISTS (SELECT FROM sg_snapshot_objects_details('live') s WHERE s.kind = l.kind AND s.identity = l.object);
SET client_min_messages = warning;
DROP DOMAIN along CASCADE;
RESET client_min_messages;
DROP FUNCTION two; DROP OPERATOR === (text, int); DROP TABLE "json";
CREATE TABLE alices_own (a int, s serial);
ALTER TABLE alices_own OWNER TO regress_ddl_alice;
REASSIGN OWNED BY regress_ddl_alice TO regress_ddl_bob;
REASSIGN OWNED BY regress_ddl_bob TO regress_ddl_alice;
DROP TABLE alices_own;
SELECT tag, kind, object, detail FROM schemaguard.ddl_log WHERE at > :'start' ORDER BY at, object COLLATE "C";

ALTER DEFAULT PRIVILEGES FOR ROLE regress_ddl_alice REVOKE ALL ON SCHEMAS FROM regress_ddl_bob;
ALTER DEFAULT PRIVILEGES FOR ROLE regress_ddl_alice, regress_ddl_bob IN SCHEMA ddl_test, public REVOKE ALL ON FUNCTIONS FROM regress_ddl_bob;

-- run by functions: its own text, where that is sure
SELECT now() AS start \gset
DO $$
BEGIN
  EXECUTE 'CREATE TABLE one (a int); CREATE VIEW two AS SELECT 1';
  CREATE TABLE three ();
  EXECUTE 'CREATE TABLE four (); CREATE TABLE five ()';
END
$$;
CREATE FUNCTION by_sql() RETURNS void LANGUAGE sql AS 'CREATE TABLE six ()';
SELECT by_sql();
CREATE SCHEMA seven CREATE TABLE eight (a int PRIMARY KEY) CREATE VIEW nine AS SELECT a FROM eight;
SELECT tag, object, statement FROM schemaguard.ddl_log WHERE at > :'start' AND tag <> 'CREATE FUNCTION' ORDER BY at, object COLLATE "C";

-- secrets stay out
SELECT now() AS start \gset
CREATE FOREIGN DATA WRAPPER regress_ddl_fdw;
CREATE SERVER regress_ddl_server FOREIGN DATA WRAPPER regress_ddl_fdw OPTIONS (password 'geheim');
ALTER SERVER regress_ddl_server OPTIONS (SET password 'geheim2'); CREATE USER MAPPING FOR CURRENT_USER SERVER regress_ddl_server OPTIONS (password 'geheim'); CREATE TABLE harmless (password text DEFAULT 'x');
CREATE FOREIGN TABLE ft (a int) SERVER regress_ddl_server OPTIONS (key 'geheim');
ALTER TABLE ft OPTIONS (SET key 'geheim'); ALTER FOREIGN TABLE ft ALTER COLUMN a OPTIONS (key 'geheim');
CREATE ROLE regress_ddl_carol PASSWORD 'geheim'; CREATE TABLE after_role ();
DO $$ BEGIN EXECUTE 'CREATE TABLE before_role (); ALTER ROLE regress_ddl_carol PASSWORD ''geheim'''; END $$;
CREATE VIEW with_password AS SELECT 'host=there password = geheim'::text AS connection;
SET client_min_messages = error;
CREATE SUBSCRIPTION regress_ddl_sub CONNECTION 'password=geheim' PUBLICATION p WITH (connect = false, slot_name = NONE);
DROP SUBSCRIPTION regress_ddl_sub;
RESET client_min_messages;
SELECT tag, object, statement, detail FROM schemaguard.ddl_log WHERE at > :'start' AND object NOT LIKE '%user%' ORDER BY at, object COLLATE "C";
SELECT count(*) FROM schemaguard.ddl_log l WHERE l::text LIKE '%geheim%';

-- where it comes from
SELECT now() AS start \gset
BEGIN; SET LOCAL schemaguard.migration = 'V12__orders'; CREATE TABLE by_name (); COMMIT;
SET schemaguard.migration_applications = 'fly\';
SET schemaguard.migration_applications = 'flyway%, Liquibase';
SET application_name = 'flyway 10'; CREATE TABLE by_tool ();
SET application_name = 'liquibase'; CREATE TABLE by_hand ();
RESET application_name;
CREATE EXTENSION IF NOT EXISTS pgcrypto SCHEMA ddl_test;
CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE c (id int, p int);
SELECT sg_plan_create('ddl_plan'); SELECT sg_plan_add_fk('ddl_plan', 'c', '{p}', 'p', fk_name => 'by_plan', index => false);
SET client_min_messages = warning;
CALL sg_add_fks('ddl_plan'); CALL sg_rollback_fks('ddl_plan');
RESET client_min_messages;
SELECT DISTINCT origin, origin_name, tag, object, application
FROM schemaguard.ddl_log WHERE at > :'start' AND origin <> 'extension'
ORDER BY origin, origin_name, tag, object;
SELECT origin_name, count(*) > 10 AS many, count(statement) AS statements FROM schemaguard.ddl_log WHERE origin = 'extension' GROUP BY 1;

-- who did it, and who sees it
SET SESSION AUTHORIZATION regress_ddl_alice;
CREATE TABLE ddl_test.alices ();
SELECT session_role, role, tag, object FROM schemaguard.ddl_log;
SELECT sg_capture_ddl(false);
DELETE FROM schemaguard.ddl_log;
RESET SESSION AUTHORIZATION;
SET ROLE regress_ddl_alice;
CREATE TABLE ddl_test.as_alice ();
RESET ROLE;
SELECT session_role = session_user AS by_login, role, object FROM schemaguard.ddl_log WHERE object LIKE '%as_alice';
SET SESSION AUTHORIZATION regress_ddl_bob;
SELECT count(*) FROM schemaguard.ddl_log;
RESET SESSION AUTHORIZATION;
DELETE FROM schemaguard.ddl_log;
UPDATE schemaguard.ddl_log SET role = 'nobody';
TRUNCATE schemaguard.ddl_log;
GRANT pg_monitor TO regress_ddl_bob;
SET SESSION AUTHORIZATION regress_ddl_bob;
SELECT count(*) > 20 AS sees_all FROM schemaguard.ddl_log;
RESET SESSION AUTHORIZATION;

-- rows of drift name the DDL that made them
SELECT sg_snapshot_take('ddl_reference', '{ddl_test}') > 0 AS taken;
ALTER TABLE p ADD COLUMN "ex.tra" int DEFAULT 1, ALTER id TYPE bigint;
BEGIN; SET LOCAL schemaguard.migration = 'V13'; CREATE INDEX p_extra ON p ("ex.tra"); COMMIT;
DROP TABLE c;
SET ROLE regress_ddl_alice; ALTER TABLE ddl_test.alices ADD b int; GRANT SELECT ON ddl_test.alices TO regress_ddl_bob; RESET ROLE;
CREATE FUNCTION ddl_details() RETURNS TABLE (kind text, object text, change text, property text, detail text)
LANGUAGE sql AS $$ SELECT kind, object, change, property, replace(regexp_replace(detail, ' at [A-Z0-9][^,]*, (?=direct|migra)', ' at ..., ', 'g'), session_user, 'me')
  FROM sg_drift_details('ddl_reference', 'live', '{ddl_test}') WHERE object !~ 'seen|ddl_details' ORDER BY 1, 2, 3, 4 $$;
SELECT * FROM ddl_details();
SELECT sg_snapshot_drop('ddl_reference');

-- not by hand
SELECT schemaguard.sg_ddl_event();
CREATE FUNCTION not_an_event_trigger() RETURNS int LANGUAGE c AS '$libdir/schemaguard', 'sg_ddl_event';
SELECT not_an_event_trigger();
DROP EVENT TRIGGER schemaguard_sql_drop;

-- a subtransaction with more commands than are kept writes its own, which go with it; those of its parents wait
BEGIN;
CREATE TABLE kept (i int);
SAVEPOINT s;
DO $$
BEGIN
	FOR i IN 1..20 LOOP
		EXECUTE format('CREATE TABLE gone_%s (i int %s)', i, repeat(' ', 65536));
	END LOOP;
END $$;
ROLLBACK TO s;
CREATE TABLE kept_too (i int);
SAVEPOINT s;
DO $$
BEGIN
	FOR i IN 1..20 LOOP
		EXECUTE format('CREATE TABLE kept_%s (i int %s)', i, repeat(' ', 65536));
	END LOOP;
END $$;
RELEASE s;
COMMIT;
SELECT tag, regexp_replace(object, '\d+', 'N') AS object, count(*) FROM schemaguard.ddl_log WHERE object ~ 'ddl_test\.(gone_|kept)'
GROUP BY 1, 2 ORDER BY min(at);

-- pruned; ended
SET client_min_messages = warning;
CALL sg_prune(now() + interval '1 hour');
SELECT count(*) FROM schemaguard.ddl_log;
CREATE TABLE last_one ();
-- as a dump that is restored over what is there
INSERT INTO schemaguard.ddl_capture (since, role) SELECT since, role FROM schemaguard.ddl_capture;
SELECT sg_capture_ddl(false);
CREATE TABLE not_caught ();
SELECT object FROM schemaguard.ddl_log WHERE origin = 'direct';
SELECT wanted, active FROM schemaguard.ddl_capture_state;
SELECT action, phase FROM schemaguard.audit_log WHERE action LIKE '%ddl' AND at > :'start';
SELECT sg_plan_drop('ddl_plan');
DROP SERVER regress_ddl_server CASCADE;
DROP FOREIGN DATA WRAPPER regress_ddl_fdw;
DROP SCHEMA ddl_test, seven CASCADE;
DROP OWNED BY regress_ddl_alice, regress_ddl_bob;
DROP ROLE regress_ddl_alice, regress_ddl_bob, regress_ddl_carol;
