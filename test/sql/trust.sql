-- schemaguard.proof and schemaguard.fk_trust: which proofs stand, and why the others do not
-- rooms: fk log
\set VERBOSITY terse
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS schemaguard;
RESET client_min_messages;
CREATE SCHEMA tru;
SET search_path = tru, public;

-- the view without what differs from run to run
CREATE VIEW trust AS
SELECT fk_name, child_table, state, armed, rows_checked, method, strength, stands,
       regexp_replace(regexp_replace(stale_reason, 'audit of [^,]+', 'audit of TIME'), 'position [0-9A-F/]+', 'position LSN') AS stale_reason
FROM schemaguard.fk_trust WHERE child_table LIKE 'tru.%' ORDER BY child_table, fk_name;
CREATE FUNCTION judge(child regclass) RETURNS text LANGUAGE sql AS $$
  SELECT string_agg(fk_name || ' ' || result, ', ' ORDER BY fk_name) FROM sg_orphan_audit_details(child)
$$;
-- stands, or why not
CREATE FUNCTION word(child regclass) RETURNS SETOF text LANGUAGE sql AS $$
  SELECT fk_name || ': ' || CASE WHEN stands THEN 'stands' ELSE stale_reason END FROM tru.trust
  WHERE to_regclass(child_table) = child
$$;

CREATE TABLE p (id int PRIMARY KEY, junk int);
CREATE TABLE c (id int, p int CONSTRAINT fk REFERENCES p, junk int);
INSERT INTO p SELECT g, g FROM generate_series(1, 10) g;
INSERT INTO c SELECT g, g, g FROM generate_series(1, 10) g;

-- never proved, proved
SELECT * FROM trust;
SELECT proved_at, proved_lsn, parent_table FROM schemaguard.fk_trust WHERE child_table = 'tru.c';
SELECT judge('c');
SELECT * FROM trust;
SELECT clock_timestamp() - proved_at BETWEEN '0' AND '1 minute' AS time, pg_current_wal_insert_lsn() - proved_lsn BETWEEN 1 AND 1e7 AS lsn, parent_table
FROM schemaguard.fk_trust WHERE child_table = 'tru.c';
SELECT child_table, fk_name, role = current_user AS role, result, rows_checked, orphan_rows, method, by_index,
       system_identifier = (SELECT system_identifier FROM pg_control_system()) AS system,
       database_oid = (SELECT oid FROM pg_database WHERE datname = current_database()) AS database,
       constraint_oid = (SELECT oid FROM pg_constraint WHERE conname = 'fk' AND conrelid = 'c'::regclass) AS constraint
FROM schemaguard.proof WHERE child_table = 'tru.c';
-- a newer one takes its place
SELECT judge('c') FROM generate_series(1, 3);
SELECT count(*) FROM schemaguard.proof WHERE child_table = 'tru.c';

-- not on record: what was rolled back, what was read only, a planned key, a key that could not be judged
TRUNCATE c;
SELECT word('c');
BEGIN;
SELECT judge('c');
SELECT word('c');
ROLLBACK;
SELECT word('c');
BEGIN READ ONLY;
SELECT judge('c');
ROLLBACK;
SELECT word('c');
SET client_min_messages = error;
SELECT sg_plan_create('tru_planned');
SELECT sg_plan_add_fk('tru_planned', 'c', '{junk}', 'p', fk_name => 'planned');
SELECT fk_name, result FROM sg_orphan_audit_details(plan => 'tru_planned');
SELECT sg_plan_drop('tru_planned');
RESET client_min_messages;
SELECT count(*) FROM schemaguard.proof WHERE fk_name = 'planned';
CREATE ROLE regress_tru;
GRANT USAGE ON SCHEMA tru TO regress_tru;
SET ROLE regress_tru;
SELECT result, reason FROM sg_orphan_audit_details('c');
SELECT fk_name, stands FROM schemaguard.fk_trust WHERE child_table = 'tru.c';
INSERT INTO schemaguard.proof SELECT * FROM schemaguard.proof;
UPDATE schemaguard.proof SET result = 'pass';
DELETE FROM schemaguard.proof;
TRUNCATE schemaguard.proof;
RESET ROLE;
SELECT word('c');

-- what changes nothing about a proof
SELECT judge('c');
INSERT INTO c VALUES (1, 1, 0), (2, 2, 0), (3, NULL, 0);
INSERT INTO c VALUES (4, 11, 0);
UPDATE c SET p = p + 1;
DELETE FROM p WHERE id = 10;
ALTER TABLE c ADD COLUMN more int DEFAULT 5, ALTER junk SET NOT NULL;
ALTER TABLE c ALTER junk DROP NOT NULL;
CREATE INDEX ON c (p);
ALTER TABLE c RENAME p TO renamed;
ALTER TABLE c RENAME renamed TO p;
ALTER TABLE c RENAME CONSTRAINT fk TO renamed;
ALTER TABLE p RENAME TO parent;
VACUUM (ANALYZE, FREEZE) c, parent;
VACUUM (FREEZE) pg_trigger;
VACUUM (FREEZE) pg_constraint;
ALTER TABLE c VALIDATE CONSTRAINT renamed;
BEGIN;
ALTER TABLE c DISABLE TRIGGER ALL;
ROLLBACK;
ALTER TABLE c ENABLE TRIGGER ALL;
SELECT word('c');
ALTER TABLE parent RENAME TO p;
ALTER TABLE c RENAME CONSTRAINT renamed TO fk;

-- triggers: of the child, of the parent; gone while disabled, changed afterwards
ALTER TABLE c DISABLE TRIGGER ALL;
SELECT * FROM trust;
SELECT judge('c');
SELECT * FROM trust;
ALTER TABLE c ENABLE TRIGGER ALL;
SELECT word('c');
SELECT judge('c');
SELECT word('c');
ALTER TABLE p DISABLE TRIGGER ALL;
SELECT word('c');
ALTER TABLE p ENABLE TRIGGER ALL;
SELECT word('c');
-- with an audit between two loads of one transaction
BEGIN;
ALTER TABLE c DISABLE TRIGGER ALL;
ALTER TABLE c ENABLE TRIGGER ALL;
SELECT judge('c');
SELECT word('c');
SAVEPOINT s;
ALTER TABLE c DISABLE TRIGGER ALL;
ALTER TABLE c ENABLE TRIGGER ALL;
SELECT word('c');
ROLLBACK TO s;
SELECT word('c');
COMMIT;
SELECT word('c');
BEGIN;
ALTER TABLE c DISABLE TRIGGER ALL;
ALTER TABLE c ENABLE TRIGGER ALL;
SELECT judge('c');
ALTER TABLE c DISABLE TRIGGER ALL;
ALTER TABLE c ENABLE TRIGGER ALL;
COMMIT;
SELECT word('c');

-- orphans
ALTER TABLE c DISABLE TRIGGER ALL;
INSERT INTO c (id, p) VALUES (5, 99), (6, 99);
ALTER TABLE c ENABLE TRIGGER ALL;
SELECT judge('c');
SELECT * FROM trust;
SELECT proved_at, proved_lsn FROM schemaguard.fk_trust WHERE child_table = 'tru.c';
DELETE FROM c WHERE p = 99;
SELECT word('c');
SELECT judge('c');
SELECT word('c');

-- other files, on both sides
TRUNCATE c;
SELECT word('c');
SELECT judge('c');
VACUUM FULL c;
SELECT word('c');
SELECT judge('c');
VACUUM FULL p;
SELECT word('c');
SELECT judge('c');
ALTER TABLE c ALTER junk TYPE bigint;
SELECT word('c');
SELECT judge('c');
SELECT word('c');

-- another constraint of that name
ALTER TABLE c ALTER p TYPE bigint;
SELECT word('c');
SELECT judge('c');
SELECT word('c');
ALTER TABLE c DROP CONSTRAINT fk, ADD CONSTRAINT fk FOREIGN KEY (p) REFERENCES p NOT VALID;
SELECT word('c');
ALTER TABLE c VALIDATE CONSTRAINT fk;
SELECT word('c');
SELECT judge('c');
SELECT word('c');

-- facts that are hard to come by: by an edit of the row
BEGIN;
UPDATE schemaguard.proof SET proved_lsn = pg_current_wal_insert_lsn() + 1000000000 WHERE child_table = 'tru.c';
SELECT word('c');
SELECT judge('c');
SELECT word('c');
SELECT count(*) FROM schemaguard.proof p JOIN pg_constraint k ON k.oid = constraint_oid WHERE child_table = 'tru.c';
ROLLBACK;
BEGIN;
UPDATE schemaguard.proof SET system_identifier = 1 WHERE child_table = 'tru.c';
SELECT * FROM trust;
ROLLBACK;
BEGIN;
UPDATE schemaguard.proof SET database_oid = 1 WHERE child_table = 'tru.c';
SELECT word('c');
ROLLBACK;
BEGIN;
UPDATE pg_constraint SET confmatchtype = 'f' WHERE conname = 'fk' AND conrelid = 'c'::regclass;
SELECT word('c');
ROLLBACK;

-- the weaker kind: an index was trusted
CREATE FUNCTION verdict(by_index boolean, result text, orphan_rows bigint DEFAULT 0) RETURNS SETOF trust LANGUAGE sql AS $$
  INSERT INTO schemaguard.proof
  SELECT f.child_table, f.fk_name, f.constraint_oid, f.system_identifier, f.database_oid, clock_timestamp(), pg_current_wal_insert_lsn(),
         current_user, verdict.result, CASE WHEN by_index THEN NULL ELSE 10 END, verdict.orphan_rows, CASE WHEN by_index THEN 'skip scan' ELSE 'scan' END, by_index,
         f.columns_hash, f.partitions_hash, f.triggers_hash, f.files_hash, f.subscriptions_hash
  FROM schemaguard.sg_fk_facts() f WHERE f.child_table = 'tru.c';
  SELECT * FROM tru.trust WHERE child_table = 'tru.c';
$$;
CREATE FUNCTION on_record() RETURNS bigint LANGUAGE sql AS $$
  SELECT count(*) FROM schemaguard.proof JOIN pg_constraint k ON k.oid = constraint_oid WHERE child_table = 'tru.c'
$$;
SELECT * FROM verdict(true, 'pass');
TRUNCATE c;
-- ... the stronger one is stale now: a newer one of the weaker kind is better than that
SELECT word('c');
SELECT * FROM verdict(true, 'pass');
-- ... orphans that an index has shown count until the table is read
SELECT * FROM verdict(true, 'fail', 3);
SELECT on_record();
SELECT judge('c');
SELECT word('c'), on_record();
-- ... those that the table has shown are not undone by an index
SELECT * FROM verdict(false, 'fail', 4);
SELECT * FROM verdict(true, 'pass');
SELECT * FROM verdict(false, 'pass');
SELECT judge('c');
SELECT word('c'), on_record();

-- a partitioned child: attach, detach, new partitions, a clone's trigger, a partition's file
CREATE TABLE pc (id int, p int CONSTRAINT pfk REFERENCES p) PARTITION BY LIST (id);
CREATE TABLE pc1 PARTITION OF pc FOR VALUES IN (1);
CREATE TABLE pc2 PARTITION OF pc FOR VALUES IN (2) PARTITION BY LIST (p);
CREATE TABLE pc21 PARTITION OF pc2 FOR VALUES IN (1);
SELECT judge('pc');
SELECT word('pc');
CREATE TABLE pc22 PARTITION OF pc2 FOR VALUES IN (2);
SELECT word('pc');
SELECT judge('pc');
ALTER TABLE pc DETACH PARTITION pc1;
SELECT word('pc');
SELECT judge('pc');
SELECT word('pc');
ALTER TABLE pc ATTACH PARTITION pc1 FOR VALUES IN (1);
SELECT word('pc');
SELECT judge('pc');
BEGIN;
ALTER TABLE pc DETACH PARTITION pc1;
ALTER TABLE pc ATTACH PARTITION pc1 FOR VALUES IN (1);
SELECT word('pc');
ROLLBACK;
SELECT word('pc');
ALTER TABLE pc22 DISABLE TRIGGER ALL;
SELECT word('pc');
ALTER TABLE pc22 ENABLE TRIGGER ALL;
SELECT word('pc');
SELECT judge('pc');
TRUNCATE pc21;
SELECT word('pc');
DROP TABLE pc;

-- a partitioned parent
CREATE TABLE pp (id int PRIMARY KEY) PARTITION BY LIST (id);
CREATE TABLE pp1 PARTITION OF pp FOR VALUES IN (1);
CREATE TABLE pp2 PARTITION OF pp FOR VALUES IN (2);
CREATE TABLE cc (p int CONSTRAINT cfk REFERENCES pp);
INSERT INTO pp VALUES (1), (2);
INSERT INTO cc VALUES (1), (1);
SELECT judge('cc');
SELECT word('cc');
ALTER TABLE pp DETACH PARTITION pp2;
SELECT word('cc');
SELECT judge('cc');
ALTER TABLE pp1 DISABLE TRIGGER ALL;
SELECT word('cc');
ALTER TABLE pp1 ENABLE TRIGGER ALL;
SELECT word('cc');
SELECT judge('cc');
VACUUM FULL pp1;
SELECT word('cc');
SELECT judge('cc');
SELECT word('cc');
DROP TABLE cc, pp, pp2;

-- a key into its own table, a temporary table, hostile names; all of them in one call
CREATE TABLE self (id int PRIMARY KEY, up int CONSTRAINT up REFERENCES self);
INSERT INTO self VALUES (1, 1), (2, 1);
CREATE TABLE "We""ird.T a" ("id;drop" int CONSTRAINT "x'y\" REFERENCES self);
CREATE TEMP TABLE temporary (id int PRIMARY KEY, up int CONSTRAINT up REFERENCES temporary);
SELECT count(*) FROM sg_orphan_audit_details();
SELECT * FROM trust;
SELECT stands FROM schemaguard.fk_trust WHERE child_table LIKE 'pg_temp%';
DROP TABLE temporary, "We""ird.T a", self;

-- deployment: a validation is a proof, one that fails is not; a validation by hand is none
CREATE TABLE d (a int, b int);
INSERT INTO d VALUES (1, 1), (2, 99);
SET client_min_messages = error;
SELECT sg_plan_create('tru');
SELECT sg_plan_add_fk('tru', 'd', '{a}', 'p', fk_name => 'good'), sg_plan_add_fk('tru', 'd', '{b}', 'p', fk_name => 'bad', orphans => 'leave');
CALL sg_add_fks('tru', validate => false);
SELECT word('d');
CALL sg_add_fks('tru');
SELECT * FROM trust WHERE child_table = 'tru.d';
SELECT result, rows_checked, orphan_rows, method FROM schemaguard.proof WHERE child_table = 'tru.d' ORDER BY fk_name;
DELETE FROM d WHERE b = 99;
CALL sg_add_fks('tru');
SELECT * FROM trust WHERE child_table = 'tru.d';
SELECT sg_plan_drop('tru', force => true);
RESET client_min_messages;
ALTER TABLE d ADD CONSTRAINT hand FOREIGN KEY (a) REFERENCES p NOT VALID;
ALTER TABLE d VALIDATE CONSTRAINT hand;
SELECT word('d');

-- a BEFORE trigger or an INSTEAD rule of the child's can swallow what the key does to its rows: then nobody can tell
CREATE TABLE sp (id int PRIMARY KEY);
CREATE TABLE sc (p int CONSTRAINT swallowed REFERENCES sp ON DELETE CASCADE ON UPDATE SET NULL, q int CONSTRAINT plain REFERENCES sp, junk int);
INSERT INTO sp SELECT generate_series(1, 9);
INSERT INTO sc SELECT g FROM generate_series(1, 5) g;
CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN NULL; END$$;
SELECT judge('sc');
SELECT word('sc');
-- harmless: no row, another column, too late, another event, disabled
CREATE TRIGGER t1 BEFORE DELETE ON sc EXECUTE FUNCTION swallow();
CREATE TRIGGER t2 BEFORE UPDATE OF junk, q ON sc FOR EACH ROW EXECUTE FUNCTION swallow();
CREATE TRIGGER t3 AFTER DELETE OR UPDATE ON sc FOR EACH ROW EXECUTE FUNCTION swallow();
CREATE TRIGGER t4 BEFORE INSERT ON sc FOR EACH ROW EXECUTE FUNCTION swallow();
CREATE RULE r1 AS ON DELETE TO sc DO ALSO SELECT 1;
SELECT word('sc');
CREATE TRIGGER t5 BEFORE DELETE ON sc FOR EACH ROW EXECUTE FUNCTION swallow();
SELECT word('sc');
DELETE FROM sp WHERE id = 1;
SELECT judge('sc');
SELECT word('sc');
DELETE FROM ONLY sc USING (SELECT set_config('session_replication_role', 'replica', false)) s WHERE p = 1;
RESET session_replication_role;
SELECT judge('sc');
SELECT fk_name, stands, stale_reason, strength FROM trust WHERE child_table = 'tru.sc';
-- it went, and what it may have done stays
DROP TRIGGER t5 ON sc;
SELECT word('sc');
CREATE RULE r2 AS ON UPDATE TO sc DO INSTEAD NOTHING;
SELECT judge('sc');
SELECT word('sc');
ALTER TABLE sc DISABLE RULE r2;
SELECT judge('sc');
SELECT word('sc');
DROP TABLE sc, sp;
-- on a partition
CREATE TABLE sp (id int PRIMARY KEY);
CREATE TABLE sc (p int CONSTRAINT swallowed REFERENCES sp ON DELETE SET NULL) PARTITION BY LIST (p);
CREATE TABLE sc1 PARTITION OF sc DEFAULT;
CREATE TRIGGER t BEFORE UPDATE OF p ON sc1 FOR EACH ROW EXECUTE FUNCTION swallow();
SELECT judge('sc');
SELECT fk_name, stands, stale_reason FROM trust WHERE child_table = 'tru.sc';
DROP TABLE sc, sp;

-- sg_prune takes what is of no use any more: keys that are gone, other places, verdicts that newer ones have replaced
ALTER TABLE d DROP CONSTRAINT bad;
BEGIN;
INSERT INTO schemaguard.proof SELECT child_table, 'elsewhere', constraint_oid, 1, database_oid, proved_at, proved_lsn, role, result, rows_checked, orphan_rows, method,
  by_index, 0, 0, 0, 0, 0 FROM schemaguard.proof WHERE fk_name = 'good';
INSERT INTO schemaguard.proof SELECT child_table, 'replaced', constraint_oid, system_identifier, database_oid, proved_at, proved_lsn - 1, role, result, rows_checked, orphan_rows, method,
  by_index, 0, 0, 0, 0, 0 FROM schemaguard.proof WHERE fk_name = 'good';
SELECT fk_name, method FROM schemaguard.proof WHERE child_table = 'tru.d' ORDER BY 1;
CALL sg_prune('2000-01-01');
SELECT count(*) FROM schemaguard.proof WHERE child_table = 'tru.d';
SET client_min_messages = warning;
CALL sg_prune(clock_timestamp());
RESET client_min_messages;
SELECT fk_name, method FROM schemaguard.proof WHERE child_table = 'tru.d' ORDER BY 1;
SELECT message ~ '^rows before .*; proofs of no use: \d+(;|$)' FROM schemaguard.audit_log WHERE action = 'prune' ORDER BY id DESC LIMIT 1;
SELECT word('d');
ROLLBACK;

SET client_min_messages = warning;
DROP SCHEMA tru CASCADE;
DROP ROLE regress_tru;
