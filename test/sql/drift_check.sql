-- sg_drift_check and CALL sg_drift_gate: counts, history, what is ignored, pruning. What listeners hear, psql's exit status
-- and checks at the same time are in test/t/130_drift_check.pl.
-- rooms: finding drift
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS schemaguard;
DROP SCHEMA IF EXISTS chk CASCADE;
RESET client_min_messages;
\pset null '(null)'
\set VERBOSITY terse
\set SHOW_CONTEXT never
SELECT current_user AS me \gset

CREATE SCHEMA chk;
SET search_path = chk, public;
CREATE TABLE t (id int PRIMARY KEY, a int DEFAULT 1, b text NOT NULL, "C c" date);
CREATE TABLE u (id int PRIMARY KEY, t_id int CONSTRAINT u_t REFERENCES t);
CREATE VIEW v AS SELECT id FROM t;
CREATE VIEW runs AS
    SELECT row_number() OVER (ORDER BY id) AS run, result, drifts, drift, extra, unknown, ignored, appeared, gone, notified, problems
    FROM schemaguard.drift_run WHERE reference = 'chk' ORDER BY id;
CREATE VIEW items AS
    SELECT kind, object, change, property, CASE WHEN property IS NOT NULL THEN expected END AS expected,
           CASE WHEN property IS NOT NULL THEN actual END AS actual, result AS class,
           (SELECT count(*) FROM schemaguard.drift_run r WHERE r.reference = 'chk' AND r.at <= i.first_seen) AS first_run,
           (SELECT count(*) FROM schemaguard.drift_run r WHERE r.reference = 'chk' AND r.at <= i.last_seen) AS last_run,
           (SELECT count(*) FROM schemaguard.drift_run r WHERE r.reference = 'chk' AND r.at <= i.gone_at) AS gone_run
    FROM schemaguard.finding i WHERE reference = 'chk' AND target = 'live' ORDER BY object COLLATE "C", id;
SELECT sg_snapshot_take('chk', '{chk}') > 0 AS taken;

-- nothing: pass
SELECT sg_drift_check('chk');
SELECT sg_drift_check('chk', fail => true);
SELECT * FROM runs;

-- each of the classes that count; what was there before stays what it was
ALTER TABLE t ALTER a SET DEFAULT 2, ALTER b DROP NOT NULL;
CREATE TABLE more (id int PRIMARY KEY);
SELECT sg_drift_check('chk');
SELECT sg_drift_check('chk');
ALTER TABLE t ALTER a SET DEFAULT 3;
ALTER TABLE u DROP CONSTRAINT u_t;
DROP TABLE more;
SELECT sg_drift_check('chk');
CREATE TABLE more (id int PRIMARY KEY);
SELECT sg_drift_check('chk');
SELECT * FROM runs;
SELECT * FROM items;
SELECT count(*) FILTER (WHERE last_seen < first_seen) AS order_wrong,
       count(*) FILTER (WHERE gone_at <= last_seen) AS gone_wrong,
       count(*) FILTER (WHERE (gone_at IS NULL) <> (gone_run IS NULL)) AS gone_half
FROM schemaguard.finding WHERE reference = 'chk';
-- the log has the counts, and no value
SELECT action, phase, object, message, rows_affected FROM schemaguard.audit_log WHERE action = 'drift check' AND object = 'live of chk' ORDER BY id DESC LIMIT 1;
SELECT count(*) FROM schemaguard.drift_run r JOIN schemaguard.audit_log l USING (run_id) WHERE reference = 'chk';

-- fail raises, and writes nothing; nor does a check in a read-only transaction
SELECT count(*) AS runs FROM schemaguard.drift_run \gset before_
\set VERBOSITY default
SELECT sg_drift_check('chk', 'live', true);
\set VERBOSITY terse
BEGIN READ ONLY;
SELECT sg_drift_check('chk');
COMMIT;
SELECT count(*) = :before_runs AS nothing_written FROM schemaguard.drift_run;
-- rolled back, it has not been
BEGIN;
SELECT sg_drift_check('chk');
ROLLBACK;
SELECT count(*) = :before_runs AS nothing_written FROM schemaguard.drift_run;

-- the gate: the same error, but what was found is there
CALL sg_drift_gate('chk');
\echo :LAST_ERROR_SQLSTATE
\set VERBOSITY terse
SELECT count(*) - :before_runs AS written FROM schemaguard.drift_run;
SELECT result, drifts, appeared, gone FROM runs ORDER BY run DESC LIMIT 1;
-- two snapshots, which are the same: it passes
SELECT sg_snapshot_take('chk2', '{chk}') > 0 AS taken;
CALL sg_drift_gate('chk2');
CALL sg_drift_gate('chk2', 'chk2');
SELECT sg_drift_check('chk', 'chk2');

-- misuse of the gate
\set VERBOSITY default
BEGIN;
CALL sg_drift_gate('chk');
ROLLBACK;
\set VERBOSITY terse
CREATE FUNCTION calls() RETURNS void LANGUAGE plpgsql AS $$ BEGIN CALL sg_drift_gate('chk2'); END $$;
SELECT calls();
DO $$ BEGIN CALL sg_drift_gate('chk2'); EXCEPTION WHEN division_by_zero THEN NULL; END $$;
DROP FUNCTION calls();
-- a DO block on its own can commit, and so does the gate
DO $$ BEGIN CALL public.sg_drift_gate('chk2', 'chk2'); END $$;
SET default_transaction_read_only = on;
CALL sg_drift_gate('chk2');
RESET default_transaction_read_only;
CALL sg_drift_gate(NULL);
CALL sg_drift_gate('no such');
SELECT sg_drift_check('no such');
SELECT sg_drift_check(NULL);
SELECT sg_drift_check('chk', NULL);
SELECT sg_drift_check('chk', 'live', NULL);

-- what is ignored does not count; names are patterns for themselves alone
SELECT kind, object, change, property FROM items WHERE gone_run = 0;
INSERT INTO schemaguard.drift_ignore (kind, object, reason) VALUES ('table', 'chk.mor_', 'underscores are no wildcards');
SELECT sg_drift_check('chk', 'chk2');
INSERT INTO schemaguard.drift_ignore (kind, object, reason) VALUES ('t?ble', 'chk.*', 'a table that came by hand');
SELECT sg_drift_check('chk', 'chk2');
INSERT INTO schemaguard.drift_ignore (object, reason, property) VALUES ('chk.t.a', 'its own default', 'default');
INSERT INTO schemaguard.drift_ignore (object, reason, change) VALUES ('chk.u.u\_t', 'not for extra ones', 'extra');
SELECT sg_drift_check('chk', 'chk2');
INSERT INTO schemaguard.drift_ignore (object, reason, until) VALUES ('chk.u.u\_t', 'until yesterday', now() - interval '1 day');
SELECT sg_drift_check('chk', 'chk2');
UPDATE schemaguard.drift_ignore SET until = now() + interval '1 day' WHERE until IS NOT NULL;
SELECT sg_drift_check('chk', 'chk2');
-- malformed ones are told, and ignore nothing
INSERT INTO schemaguard.drift_ignore (object, reason) VALUES ('', 'empty'), ('chk.*\', 'ends with a backslash');
INSERT INTO schemaguard.drift_ignore (kind, object, reason) VALUES ('\', '*', 'so does this one');
SELECT sg_drift_check('chk', 'chk2');
SELECT result, drifts, ignored, problems FROM runs ORDER BY run DESC LIMIT 1 \gx (format=wrapped columns=160)
DELETE FROM schemaguard.drift_ignore WHERE reason IN ('empty', 'ends with a backslash', 'so does this one');
INSERT INTO schemaguard.drift_ignore (object, reason) VALUES ('*t.b', 'everything now');
SELECT sg_drift_check('chk', 'chk2');
CALL sg_drift_gate('chk', 'chk2');
SELECT result, drifts, drift, extra, ignored, gone FROM runs ORDER BY run DESC LIMIT 1;
TRUNCATE schemaguard.drift_ignore;
SELECT sg_drift_check('chk', 'chk2');

-- who may: each role has its own history, and the owner of the database says what is ignored
CREATE ROLE chk_ops;
CREATE ROLE chk_other;
SELECT sg_grant(r) FROM unnest('{chk_ops,chk_other}'::text[]) r \g /dev/null
GRANT USAGE ON SCHEMA chk TO chk_ops, chk_other;
SET ROLE chk_ops;
SELECT sg_snapshot_take('chk_ops', '{chk}') > 0 AS taken;
SELECT sg_drift_check('chk_ops');
CALL sg_drift_gate('chk_ops');
SELECT DISTINCT reference, role FROM schemaguard.drift_run;
SELECT count(*) FROM schemaguard.finding;
INSERT INTO schemaguard.drift_ignore (object, reason) VALUES ('*', 'let me');
INSERT INTO schemaguard.drift_run SELECT * FROM schemaguard.drift_run;
DELETE FROM schemaguard.finding;
UPDATE schemaguard.drift_run SET drifts = 0;
SELECT sg_drift_check('chk');
SET ROLE chk_other;
SELECT count(*) FROM schemaguard.drift_run;
SELECT sg_drift_check('chk_ops');
RESET ROLE;
-- what a role has found ends with a check by a superuser that does not find it
CREATE TABLE chk.passes (a int);
CREATE TABLE chk.stays (a int);
SET ROLE chk_ops;
SELECT sg_drift_check('chk_ops');
RESET ROLE;
DROP TABLE chk.passes;
PREPARE of_ops AS SELECT object, gone_at IS NOT NULL AS gone FROM schemaguard.finding WHERE role = 'chk_ops' AND object ~ 'passes|stays' ORDER BY object;
EXECUTE of_ops;
SELECT sg_drift_check('chk_ops');
EXECUTE of_ops;
SELECT role = current_user AS mine, drifts, level FROM schemaguard.sg_drift_last() WHERE reference = 'chk_ops' ORDER BY 1;
DROP TABLE chk.stays;
SELECT sg_drift_check('chk_ops');
EXECUTE of_ops;
SET ROLE chk_ops;
SELECT state, summary FROM sg_status() WHERE subject = 'drift';
SELECT sg_drift_check('chk_ops');
SELECT drifts, appeared, gone FROM schemaguard.drift_run ORDER BY id DESC LIMIT 1;
RESET ROLE;
GRANT pg_monitor TO chk_other;
SET ROLE chk_other;
SELECT count(*) > 10 AS sees_all FROM schemaguard.drift_run;
RESET ROLE;
REVOKE USAGE ON SCHEMA chk FROM chk_ops, chk_other;
SELECT has_table_privilege('pg_database_owner', 'schemaguard.drift_ignore', 'INSERT') AS owner_may;

-- pruning: runs go with what only they have seen; the newest of each stays, as long as its reference does
SELECT count(*) AS open FROM schemaguard.finding WHERE gone_at IS NULL AND reference = 'chk' AND target = 'live' \gset
CALL sg_prune('2000-01-01');
SELECT count(*) > 10 AS still_there FROM schemaguard.drift_run WHERE reference = 'chk';
SET client_min_messages = warning;
CALL sg_prune(clock_timestamp());
RESET client_min_messages;
SELECT reference, target, count(*) FROM schemaguard.drift_run WHERE reference LIKE 'chk%' GROUP BY 1, 2 ORDER BY 1, 2;
SELECT count(*) = :open AS open_ones_stay, count(*) FILTER (WHERE gone_at IS NOT NULL) AS gone_ones FROM schemaguard.finding
WHERE reference = 'chk' AND target = 'live';
SELECT sg_drift_check('chk') = :open AS as_before;
SELECT appeared, gone FROM runs ORDER BY run DESC LIMIT 1;
SELECT sg_snapshot_drop('chk');
CALL sg_prune(clock_timestamp());
SELECT count(*) AS runs FROM schemaguard.drift_run WHERE reference = 'chk';
SELECT count(*) AS items FROM schemaguard.finding WHERE reference = 'chk';
SELECT regexp_replace(message, 'before [^;]*', 'before ...') AS message FROM schemaguard.audit_log WHERE action = 'prune' ORDER BY id DESC LIMIT 1;

SELECT sg_snapshot_drop('chk2'), sg_snapshot_drop('chk_ops');
SET client_min_messages = warning;
DROP SCHEMA chk CASCADE;
SELECT sg_revoke(r) FROM unnest('{chk_ops,chk_other}'::text[]) r \g /dev/null
DROP ROLE chk_ops, chk_other;
CALL sg_prune(clock_timestamp());

-- what steps of plans have made since the snapshot was taken has a class of its own, as long as it is as they made it
\set VERBOSITY default
CREATE SCHEMA chp;
CREATE TABLE chp.p (id int PRIMARY KEY);
CREATE TABLE chp.c (id int PRIMARY KEY, p int, x int, y int, z int, old int, w int);
CREATE TABLE chp.dead (i int);
CREATE TABLE chp.parted (id int, p int) PARTITION BY LIST (id);
CREATE TABLE chp.part PARTITION OF chp.parted DEFAULT;
SELECT sg_snapshot_take('chp', '{chp}');
SELECT sg_plan_create('chp') \g /dev/null
SELECT sg_plan_add_fk('chp', 'chp.c', 'p', 'chp.p', on_delete => 'cascade'), sg_plan_add_check('chp', 'chp.c', 'x > 0'),
       sg_plan_add_not_null('chp', 'chp.c', 'x'), sg_plan_add_unique('chp', 'chp.c', '{x,y}'), sg_plan_add_index('chp', 'chp.c', '(y)'),
       sg_plan_add_column('chp', 'chp.c', 'n', 'int DEFAULT 3'), sg_plan_add_default('chp', 'chp.c', 'z', '7'),
       sg_plan_add_drop('chp', 'column', 'chp.c', 'old'), sg_plan_add_drop('chp', 'table', 'chp.dead'),
       sg_plan_add_rename('chp', 'column', 'chp.c', 'w2', 'w') \g /dev/null
SELECT sg_plan_add_fk('chp', 'chp.parted', 'p', 'chp.p') \g /dev/null
SET client_min_messages = warning;
CALL sg_apply('chp');
RESET client_min_messages;
SELECT class, change, kind, object, property, detail FROM sg_drift_details('chp') WHERE object NOT LIKE '%part%';
-- with the parts of partitions
SELECT class, kind, count(*) FROM sg_drift('chp') WHERE object LIKE '%part%' GROUP BY 1, 2 ORDER BY 2;
SELECT sg_drift_check('chp');
CALL sg_drift_gate('chp');
-- each of these is somebody's
CREATE FUNCTION pg_temp.others(statements text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    found text;
BEGIN
    BEGIN
        EXECUTE statements;
        SELECT string_agg(concat_ws(' ', change, object, property), ', ' ORDER BY object) INTO found
        FROM sg_drift_details('chp') WHERE class <> 'planned';
        RAISE SQLSTATE 'TAKEN';
    EXCEPTION WHEN SQLSTATE 'TAKEN' THEN
        RETURN coalesce(found, '') || ': ' || statements;
    END;
END $$;
SELECT pg_temp.others(s) FROM unnest(ARRAY[
    $$COMMENT ON CONSTRAINT c_p_fkey ON chp.c IS 'by hand'$$,
    $$ALTER TABLE chp.c ALTER CONSTRAINT c_p_fkey DEFERRABLE$$,
    $$ALTER TABLE chp.c DROP CONSTRAINT c_p_fkey, ADD CONSTRAINT c_p_fkey FOREIGN KEY (p) REFERENCES chp.p$$,
    $$ALTER TABLE chp.c DROP CONSTRAINT c_p_fkey, ADD CONSTRAINT c_p_fkey FOREIGN KEY (p) REFERENCES chp.p ON DELETE CASCADE NOT VALID$$,
    $$ALTER TABLE chp.c ALTER n SET DEFAULT 4$$, $$ALTER TABLE chp.c ALTER n TYPE bigint$$, $$ALTER TABLE chp.c ALTER n SET NOT NULL$$,
    $$ALTER TABLE chp.c ALTER z SET DEFAULT 8$$, $$ALTER TABLE chp.c ALTER x SET STATISTICS 7$$,
    $$ALTER INDEX chp.c_y_idx SET (fillfactor = 50)$$, $$ALTER INDEX chp.c_p_idx SET (fillfactor = 50)$$,
    $$DROP INDEX chp.c_p_idx; CREATE UNIQUE INDEX c_p_idx ON chp.c (p)$$, $$DROP INDEX chp.c_y_idx; CREATE INDEX c_y_idx ON chp.c (y DESC)$$,
    $$ALTER TABLE chp.c DROP CONSTRAINT c_check, ADD CONSTRAINT c_check CHECK (x >= 0)$$,
    $$ALTER TABLE chp.c DROP CONSTRAINT c_check, ADD CONSTRAINT c_check CHECK (x > 0) NO INHERIT$$,
    $$ALTER TABLE chp.c DROP CONSTRAINT c_x_y_key, ADD CONSTRAINT c_x_y_key UNIQUE (y, x)$$,
    $$ALTER TABLE chp.c DROP CONSTRAINT c_x_y_key, ADD CONSTRAINT c_x_y_key UNIQUE (x, y) DEFERRABLE$$,
    $$COMMENT ON CONSTRAINT parted_p_fkey ON chp.part IS 'by hand'$$, $$ALTER TABLE chp.c ADD old text$$, $$ALTER TABLE chp.c RENAME w2 TO w3$$, $$ALTER TABLE chp.c DROP id$$]) s;
ALTER TABLE chp.c ALTER CONSTRAINT c_p_fkey DEFERRABLE;
CALL sg_drift_gate('chp');
ALTER TABLE chp.c ALTER CONSTRAINT c_p_fkey NOT DEFERRABLE;
-- a key that a plan has replaced: planned, in partitions too, while the new one is as the step says; its drop, or another one in its place, is somebody's
CREATE SCHEMA chr;
CREATE TABLE chr.p (id int PRIMARY KEY);
CREATE TABLE chr.c (id int PRIMARY KEY, p int CONSTRAINT old REFERENCES chr.p);
CREATE TABLE chr.parted (p int CONSTRAINT old REFERENCES chr.p) PARTITION BY LIST (p);
CREATE TABLE chr.part PARTITION OF chr.parted DEFAULT;
SELECT sg_snapshot_take('chr', '{chr}'), sg_plan_create('chr') \g /dev/null
SELECT sg_plan_add_fk('chr', t, 'p', 'chr.p', on_delete => 'cascade', fk_name => 'new', replaces => 'old', index => false) FROM unnest('{chr.c,chr.parted}'::text[]) t \g /dev/null
SET client_min_messages = warning;
CALL sg_apply('chr');
RESET client_min_messages;
SELECT class, change, object, property, actual FROM sg_drift_details('chr');
CALL sg_drift_gate('chr');
ALTER TABLE chr.c DROP CONSTRAINT new;
SELECT class, change, object FROM sg_drift('chr', 'live', '{chr}') WHERE object LIKE 'chr.c.%';
ALTER TABLE chr.c ADD CONSTRAINT other FOREIGN KEY (p) REFERENCES chr.p ON DELETE CASCADE;
SELECT class, change, object FROM sg_drift('chr', 'live', '{chr}') WHERE object LIKE 'chr.c.%';
SELECT sg_snapshot_drop('chr'), sg_plan_drop('chr', force => true) \g /dev/null
DROP TABLE chr.p, chr.c, chr.parted;
DROP SCHEMA chr;
-- a snapshot that came from elsewhere knows no plan of ours
SELECT sg_snapshot_import('chp_copy', ARRAY(SELECT sg_snapshot_export('chp'))) \g /dev/null
SELECT count(*) FILTER (WHERE class = 'planned') AS planned, count(*) > 9 AS all_there FROM sg_drift('chp_copy');
-- what was done before the snapshot is no excuse for what comes after it
ALTER TABLE chp.c DROP CONSTRAINT c_check;
SELECT sg_snapshot_drop('chp'), sg_snapshot_take('chp', '{chp}') \g /dev/null
CALL sg_drift_gate('chp');
ALTER TABLE chp.c ADD CONSTRAINT c_check CHECK (x > 0);
SELECT class, change, object FROM sg_drift('chp');
SELECT sg_snapshot_drop('chp'), sg_snapshot_drop('chp_copy'), sg_plan_drop('chp', force => true) \g /dev/null
SET client_min_messages = warning;
DROP SCHEMA chp CASCADE;
DROP TABLE schemaguard_attic.dead;
CALL sg_prune(clock_timestamp());
