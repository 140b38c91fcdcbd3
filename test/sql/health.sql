-- sg_health(): sg_status() as one document, for endpoints
-- rooms: report
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS schemaguard;
-- In a database of its own: rows of other tests would count.
SELECT current_database() AS here \gset
DROP DATABASE IF EXISTS sg_health_test;
CREATE DATABASE sg_health_test;
\c sg_health_test
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE EXTENSION schemaguard;
CREATE SCHEMA h;
SET search_path = h, public;
\pset tuples_only on
\pset format unaligned

-- nothing yet; and what a document has
SELECT sg_health() ->> 'state', sg_health() ->> 'standby', sg_health() ->> 'database' = current_database();
SELECT string_agg(k, ' ' ORDER BY k COLLATE "C") FROM jsonb_object_keys(sg_health()) k;
SELECT bool_and((h ->> 'state', h ->> 'summary') = (s.state, s.summary)) FROM jsonb_array_elements(sg_health() -> 'subjects') h JOIN sg_status() s ON s.subject = h ->> 'subject';
SELECT sg_health() - '{at,database,state,standby,subjects}'::text[];

-- tables that have to be there
CREATE TABLE p (id int PRIMARY KEY);
CREATE TABLE "C ""d" (id int, p int REFERENCES p);
CREATE TABLE parts (id int) PARTITION BY LIST (id);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES IN (1);
INSERT INTO p SELECT generate_series(1, 100);
INSERT INTO parts SELECT 1 FROM generate_series(1, 30);
INSERT INTO schemaguard.critical_table (table_name, min_rows, min_keys) VALUES
    ('h.p', 50, 0), ('h."C ""d"', NULL, 1), ('h.parts', 31, 0), ('h.gone', NULL, 0), ('nowhere.p', 1, 0), ('h."C ""d" ', NULL, 2);
CREATE VIEW critical AS SELECT c ->> 'table' AS t, c ->> 'state' AS s, c -> 'rows' AS r, c -> 'keys' AS k, c ->> 'summary' AS why FROM jsonb_array_elements(sg_health() -> 'critical_tables') c;
SELECT * FROM critical;
ANALYZE p, parts, parts_1;
SELECT * FROM critical;
SELECT sg_health() ->> 'state';
DELETE FROM schemaguard.critical_table WHERE table_name NOT IN ('h.p', 'h."C ""d"');
SELECT * FROM critical;
-- a view in a table's place is none
BEGIN;
ALTER TABLE "C ""d" RENAME TO other;
CREATE VIEW "C ""d" AS SELECT 1;
SELECT * FROM critical;
ROLLBACK;
-- a partition is looked at without a lock, which somebody may hold for long
BEGIN;
INSERT INTO schemaguard.critical_table (table_name) VALUES ('h.parts');
SELECT sg_health() IS NULL;
SELECT count(*) FROM pg_locks l JOIN pg_class c ON c.oid = l.relation WHERE l.pid = pg_backend_pid() AND c.relname IN ('parts', 'parts_1');
ROLLBACK;
INSERT INTO schemaguard.critical_table (table_name) VALUES ('p');
INSERT INTO schemaguard.critical_table (table_name) VALUES ('a.b.c');
INSERT INTO schemaguard.critical_table (table_name) VALUES ('a..b; DROP TABLE p');

-- a key to a partitioned table is one key, and one that no trigger keeps, here or in a partition, is none
BEGIN;
CREATE TABLE whole (id int PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE whole_1 PARTITION OF whole FOR VALUES FROM (0) TO (1);
CREATE TABLE whole_2 PARTITION OF whole FOR VALUES FROM (1) TO (2);
CREATE TABLE to_whole (a int REFERENCES whole, b int);
ALTER TABLE to_whole ADD FOREIGN KEY (b) REFERENCES p NOT VALID;
CREATE TABLE parted (a int REFERENCES p, b int REFERENCES p) PARTITION BY RANGE (a);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (1);
DELETE FROM schemaguard.critical_table;
INSERT INTO schemaguard.critical_table (table_name, min_keys) VALUES ('h.to_whole', 2), ('h.parted', 2), ('h.parted_1', 2), ('h."C ""d"', 1);
SELECT * FROM critical;
ALTER TABLE "C ""d" DISABLE TRIGGER ALL;
ALTER TABLE parted_1 DISABLE TRIGGER ALL;
SELECT * FROM critical;
ROLLBACK;

-- keys: not valid, unarmed
SELECT sg_health() -> 'keys';
ALTER TABLE "C ""d" ADD CONSTRAINT later FOREIGN KEY (id) REFERENCES p NOT VALID;
ALTER TABLE "C ""d" DISABLE TRIGGER ALL;
SELECT sg_health() -> 'keys', sg_health() ->> 'state';
ALTER TABLE "C ""d" ENABLE TRIGGER ALL;
SELECT sg_health() -> 'keys' ->> 'unarmed';

-- a trigger of a key is lost: of one side, of a part of a partition
BEGIN;
CREATE TABLE whole (id int PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE whole_1 PARTITION OF whole FOR VALUES FROM (0) TO (1);
CREATE TABLE parted (a int REFERENCES whole, b int REFERENCES p) PARTITION BY RANGE (a);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (1);
DELETE FROM schemaguard.critical_table;
INSERT INTO schemaguard.critical_table (table_name, min_keys) VALUES ('h.parted', 2), ('h."C ""d"', 1);
SELECT sg_health() -> 'keys' ->> 'unarmed';
DELETE FROM pg_trigger WHERE tgrelid = 'p'::regclass AND tgfoid = '"RI_FKey_noaction_del"'::regproc
    AND tgconstraint = (SELECT oid FROM pg_constraint WHERE conrelid = '"C ""d"'::regclass AND contype = 'f' AND convalidated);
DELETE FROM pg_trigger WHERE tgrelid = 'whole_1'::regclass AND tgfoid = '"RI_FKey_noaction_upd"'::regproc;
SELECT sg_health() -> 'keys' -> 'unarmed_keys', (SELECT summary FROM sg_status() WHERE subject = 'keys' AND summary ~ 'do not fire');
SELECT fk_name FROM schemaguard.fk_trust WHERE NOT armed;
SELECT t, why FROM critical;
ROLLBACK;

-- sessions to come that check no key: of the database, of a role; each is told with what ends it
CREATE ROLE regress_replica;
ALTER DATABASE sg_health_test SET session_replication_role = replica;
ALTER ROLE regress_replica IN DATABASE sg_health_test SET session_replication_role = 'Replica';
ALTER ROLE regress_replica SET session_replication_role = local;
PREPARE replica AS SELECT s ->> 'state', s ->> 'summary', s ->> 'next_call' FROM jsonb_array_elements(sg_health() -> 'subjects') s WHERE s ->> 'summary' ~ 'session_replication_role';
EXECUTE replica;
SELECT s ->> 'next_call' FROM jsonb_array_elements(sg_health() -> 'subjects') s WHERE s ->> 'summary' ~ 'session_replication_role' \gexec
EXECUTE replica;
DROP ROLE regress_replica;

-- a materialized view is there, too
CREATE MATERIALIZED VIEW mv AS SELECT 1 AS a;
INSERT INTO schemaguard.critical_table (table_name, min_rows) SELECT format('%I.mv', current_schema()), 1;
ANALYZE mv;
SELECT state, rows, summary FROM schemaguard.sg_health_tables() WHERE table_name LIKE '%.mv';
DELETE FROM schemaguard.critical_table WHERE table_name LIKE '%.mv';
DROP MATERIALIZED VIEW mv;

-- audits, drift, plans
INSERT INTO "C ""d" (id) VALUES (7);
SET session_replication_role = replica;
INSERT INTO "C ""d" VALUES (8, 800), (9, 900);
RESET session_replication_role;
SELECT count(*) FROM sg_orphan_audit();
SELECT sg_health() -> 'last_audit' ->> 'keys_with_orphans', sg_health() -> 'last_audit' ->> 'orphan_rows', (sg_health() -> 'last_audit' ->> 'age_seconds')::int >= 0;
SELECT sg_snapshot_take('base') > 0;
CREATE TABLE more ();
SELECT sg_drift_check('base') > 0;
SELECT (sg_health() -> 'drift' ->> 'differences')::int > 0, sg_health() -> 'drift' ? 'age_seconds';
BEGIN;
SELECT sg_snapshot_drop('base');
SELECT sg_health() -> 'drift' -> 'differences';
ROLLBACK;
SELECT sg_plan_create('<failing>');
SELECT sg_plan_add_fk('<failing>', '"C ""d"', 'p', 'p', fk_name => 'again', replaces => 'C "d_p_fkey');
CALL sg_apply('<failing>');
SELECT f ->> 'plan', f ->> 'steps', f ? 'age_seconds' FROM jsonb_array_elements(sg_health() -> 'failed_plans') f;
SELECT sg_health() -> 'running_plans';

-- metrics: each name once, bounded, and what fails is named
SELECT name, count(*) FROM schemaguard.metrics GROUP BY name ORDER BY name COLLATE "C";
SELECT name, labels, value FROM schemaguard.metrics WHERE name ~ 'orphan|broken|failed|critical|standby|keys_count' ORDER BY name COLLATE "C", labels::text COLLATE "C";
SELECT bool_and(m.value = CASE s.state WHEN 'ok' THEN 0 WHEN 'attention' THEN 1 ELSE 2 END), count(*) = (SELECT count(DISTINCT subject) FROM sg_status())
FROM schemaguard.metrics m JOIN sg_status() s ON s.subject = m.labels ->> 'subject' WHERE m.name = 'schemaguard_subject_state';
BEGIN;
INSERT INTO schemaguard.critical_table (table_name) SELECT 'h.' || quote_ident('"gone' || n) FROM generate_series(1, 300) n;
SELECT count(*), count(DISTINCT (name, labels)) = count(*) FROM schemaguard.metrics WHERE name LIKE '%critical%';
ROLLBACK;

-- another role: what others have run it does not see, and the document says so
CREATE ROLE regress_health;
-- nobody adds a table in another role's name
BEGIN;
GRANT INSERT, SELECT ON schemaguard.critical_table TO regress_health;
SET ROLE regress_health;
INSERT INTO schemaguard.critical_table (table_name) VALUES ('h.own');
INSERT INTO schemaguard.critical_table (table_name, added_by) VALUES ('h.forged', 'postgres');
ROLLBACK;
SET ROLE regress_health;
SELECT sg_health() -> 'sees_all_roles', sg_health() -> 'failed_plans', sg_health() -> 'last_audit', sg_health() -> 'keys' -> 'declared';
INSERT INTO schemaguard.critical_table (table_name) VALUES ('h.p');
SELECT count(*) FROM schemaguard.metrics;
SET row_security = off;
SELECT sg_health() IS NULL, sg_report() IS NULL, schemaguard.sg_go();
RESET row_security;
RESET ROLE;
GRANT SELECT ON schemaguard.metrics TO regress_health;
SET ROLE regress_health;
SELECT count(*) FROM schemaguard.metrics WHERE name ~ 'orphan_rows|audit_age|failed';
RESET ROLE;
REVOKE SELECT ON schemaguard.metrics FROM regress_health;
SET ROLE pg_monitor;
SELECT count(*) > 3 FROM schemaguard.metrics WHERE name ~ 'orphan_rows|audit_age|failed|broken';
RESET ROLE;
BEGIN READ ONLY;
SELECT sg_health() IS NOT NULL;
COMMIT;

-- a clock that was set back
UPDATE schemaguard.proof SET proved_at = now() + interval '1 hour';
SELECT sg_health() -> 'last_audit' ->> 'age_seconds';

DROP ROLE regress_health;
\c :here
DROP DATABASE sg_health_test;
