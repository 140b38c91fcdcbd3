-- A publication FOR ALL TABLES: everything that deletes from our tables or changes them goes on, preflight tells of it, and CREATE
-- EXTENSION stops with the statements that end it.
-- rooms: base log check
\set SHOW_CONTEXT never
SET client_min_messages = error;
CREATE EXTENSION IF NOT EXISTS schemaguard;
RESET client_min_messages;
CREATE SCHEMA pub;
SET search_path = pub, public;
CREATE TABLE p (id int PRIMARY KEY);
CREATE TABLE c (id int PRIMARY KEY, p_id int REFERENCES p, q_id int, r_id int);
INSERT INTO p SELECT generate_series(1, 10);
INSERT INTO c SELECT g, g % 10 + 1, g % 10 + 1, g % 11 FROM generate_series(1, 100) g;
SET client_min_messages = error;
CREATE PUBLICATION everything FOR ALL TABLES WITH (publish = 'insert, delete, update');
RESET client_min_messages;

-- each table has a replica identity
SELECT c.relname AS without_replica_identity FROM pg_class c
 WHERE relnamespace = 'schemaguard'::regnamespace AND relkind = 'r'
   AND NOT (relreplident = 'f'
            OR relreplident = 'd' AND EXISTS (SELECT FROM pg_index WHERE indrelid = c.oid AND indisprimary)
            OR relreplident = 'i' AND EXISTS (SELECT FROM pg_index WHERE indrelid = c.oid AND indisreplident));

-- twice, since the second call replaces what the first one has written
SELECT fk_name, result FROM sg_orphan_audit_details('c');
SELECT fk_name, result FROM sg_orphan_audit_details('c');
CALL sg_audit_gate('{pub}');
SELECT sg_plan_create('pub');
SELECT sg_plan_add_fk('pub', 'c', '{q_id}', 'p', fk_name => 'c_q_fk', index => false);
SELECT sg_plan_add_fk('pub', 'c', '{r_id}', 'p', fk_name => 'c_r_fk', orphans => 'quarantine', index => false);
SELECT sg_plan_add_statement('pub', 'ALTER TABLE pub.p ADD COLUMN note text', undo => 'ALTER TABLE pub.p DROP COLUMN note');
-- 19 has EXCEPT for tables that are there
SELECT check_name, result, detail, regexp_replace(hint, 'others:\n(BEGIN; DROP PUBLICATION everything;.* COMMIT|ALTER PUBLICATION everything SET ALL TABLES EXCEPT \(TABLE .*\));$', 'others: ...') AS hint
FROM sg_plan_check_details('pub') WHERE check_name = 'publications';
SELECT statement FROM schemaguard.sg_own_publications(coming => true);
SET client_min_messages = warning;
CALL sg_apply('pub', fix => true);
SELECT step, state, reason FROM schemaguard.plan_step WHERE plan = 'pub' ORDER BY step;
SELECT count(*) FROM schemaguard.quarantine WHERE plan = 'pub';
CALL sg_rollback_fks('pub');
CALL sg_restore_quarantine('pub');
SELECT step, state FROM schemaguard.plan_step WHERE plan = 'pub' ORDER BY step;
RESET client_min_messages;
SELECT count(*) FROM c;
SELECT sg_plan_from_sql('pub', 'SELEKT 1; ALTER TABLE c ADD FOREIGN KEY (q_id) REFERENCES p');
SELECT sg_plan_create('pub', replace => true);
SELECT count(*) FROM schemaguard.plan_note WHERE plan = 'pub';
SELECT sg_plan_drop('pub');
SELECT sg_snapshot_take('pub_before') > 0;
CREATE TABLE d (id int);
SELECT sg_drift_check('pub_before');
INSERT INTO schemaguard.drift_ignore (object, reason) VALUES ('pub.d', 'meant');
SELECT sg_drift_check('pub_before');
UPDATE schemaguard.drift_ignore SET reason = 'of no use' WHERE object = 'pub.d';
DELETE FROM schemaguard.drift_ignore WHERE object = 'pub.d';
SELECT sg_snapshot_drop('pub_before');
SELECT sg_capture_ddl(true);
SELECT sg_capture_ddl(false);
SET client_min_messages = warning;
CALL sg_prune('2000-01-01');
SET client_min_messages = error;
DROP SCHEMA pub CASCADE;

-- CREATE EXTENSION
CREATE SCHEMA pub;
CREATE TABLE pub."T 1" (id int PRIMARY KEY);
CREATE TABLE pub.parted (id int) PARTITION BY LIST (id);
CREATE TABLE pub.part PARTITION OF pub.parted DEFAULT;
SET search_path = pg_catalog;
SELECT extnamespace::regnamespace::text AS home FROM pg_extension WHERE extname = 'schemaguard' \gset
BEGIN;
DROP EXTENSION schemaguard CASCADE;
-- the tables of this test alone
SELECT format('DROP TABLE IF EXISTS %s CASCADE', c.oid::regclass) FROM pg_class c
 WHERE relkind IN ('r', 'p') AND c.oid >= 16384 AND relnamespace NOT IN ('pub'::regnamespace, 'information_schema'::regnamespace) AND NOT relispartition \gexec
SAVEPOINT without;
RESET client_min_messages;
CREATE EXTENSION schemaguard SCHEMA :"home";
ROLLBACK TO without;
SET client_min_messages = error;
SET schemaguard.accept_publication = on;
CREATE EXTENSION schemaguard SCHEMA :"home";
SELECT publication FROM schemaguard.sg_own_publications();
ROLLBACK TO without;
-- what the hint says, but for BEGIN and COMMIT
DROP PUBLICATION everything;
CREATE PUBLICATION everything FOR TABLE pub."T 1", pub.parted WITH (publish = 'insert, update, delete', publish_via_partition_root = false);
CREATE EXTENSION schemaguard SCHEMA :"home";
CREATE PUBLICATION ours FOR TABLES IN SCHEMA schemaguard;
CREATE PUBLICATION named FOR TABLE schemaguard.proof, pub."T 1", schemaguard.finding;
SELECT * FROM schemaguard.sg_own_publications();
SELECT state, subject, summary, next_call FROM :"home".sg_status() WHERE subject = 'publications';
SELECT result, detail, hint FROM schemaguard.sg_server_check() WHERE check_name = 'publications' \gx (format=unaligned)
SELECT statement FROM schemaguard.sg_own_publications() \gexec
SELECT pubname, schemaname, tablename FROM pg_publication_tables WHERE pubname IN ('ours', 'named');
SELECT state, subject, summary FROM :"home".sg_status() WHERE subject = 'publications';
ROLLBACK;
DROP PUBLICATION everything;
DROP SCHEMA pub CASCADE;
