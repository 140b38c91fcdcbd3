-- sg_status(): a row per subject, from what is stored
-- rooms: report
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS schemaguard;

-- In a database of its own: rows of other tests would count.
SELECT current_database() AS here \gset
DROP DATABASE IF EXISTS sg_status_test;
CREATE DATABASE sg_status_test;
\c sg_status_test
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE EXTENSION schemaguard;
-- without what hangs on the clock
CREATE VIEW told AS
SELECT state, subject, since IS NOT NULL AS dated, regexp_replace(summary, 'version .*', 'version') AS summary, next_call FROM sg_status();
-- each statement that it gives runs
CREATE PROCEDURE follow() LANGUAGE plpgsql AS $$
DECLARE
    r record;
BEGIN
    FOR r IN SELECT subject, next_call FROM sg_status() LOOP
        IF r.next_call !~ '^CALL' THEN EXECUTE r.next_call; END IF;
    END LOOP;
    ROLLBACK;
END $$;

SELECT * FROM told;
CALL follow();

-- keys: unread, held, broken, not validated
CREATE TABLE p (id int PRIMARY KEY);
CREATE TABLE c (a int CONSTRAINT k REFERENCES p, b int CONSTRAINT l REFERENCES p);
INSERT INTO p VALUES (1);
INSERT INTO c VALUES (1, 1);
SELECT * FROM told WHERE subject = 'keys';
SELECT count(*) FROM sg_orphan_audit('c');
SELECT * FROM told WHERE subject = 'keys';
ALTER TABLE c ADD d int CONSTRAINT m REFERENCES p;
SELECT * FROM told WHERE subject = 'keys';
ALTER TABLE c DROP CONSTRAINT m, ADD CONSTRAINT m FOREIGN KEY (d) REFERENCES p NOT VALID;
SELECT count(*) FROM sg_orphan_audit('c');
SELECT * FROM told WHERE subject = 'keys';
SET session_replication_role = replica;
INSERT INTO c VALUES (2, 2, 2);
RESET session_replication_role;
SELECT count(*) FROM sg_orphan_audit('c');
SELECT * FROM told WHERE subject = 'keys';
CALL follow();
-- a verdict of another server counts for none
UPDATE schemaguard.proof SET system_identifier = 1 WHERE fk_name = 'l';
SELECT * FROM told WHERE subject = 'keys';
DELETE FROM c WHERE a = 2;
SELECT count(*) FROM sg_orphan_audit('c');
ALTER TABLE c VALIDATE CONSTRAINT m;
SELECT * FROM told WHERE subject = 'keys';
-- disabled triggers, of a partition too, let orphans in
CREATE TABLE part (a int CONSTRAINT n REFERENCES p) PARTITION BY LIST (a);
CREATE TABLE part_1 PARTITION OF part FOR VALUES IN (1);
SELECT count(*) FROM sg_orphan_audit('part');
SELECT * FROM told WHERE subject = 'keys';
ALTER TABLE part_1 DISABLE TRIGGER ALL;
SELECT * FROM told WHERE subject = 'keys';
CALL follow();
DROP TABLE part;
-- an old one is one to look at
UPDATE schemaguard.proof SET proved_at = now() - interval '45 days 1 hour' WHERE fk_name = 'k';
SELECT * FROM told WHERE subject = 'keys';

-- gates
CALL sg_audit_gate();
SELECT * FROM told WHERE subject = 'gates';
SET session_replication_role = replica;
INSERT INTO c VALUES (2, 2);
RESET session_replication_role;
CALL sg_audit_gate();
SELECT * FROM told WHERE subject = 'gates';
-- what is accepted is no failure, of the keys neither, but soon to end
SELECT * FROM told WHERE subject = 'keys';
SELECT sg_audit_baseline('known', now() + interval '10 days');
SELECT * FROM told WHERE subject IN ('gates', 'keys');
SELECT sg_health() ->> 'state' AS health;
-- nobody has accepted that its triggers are off
ALTER TABLE c DISABLE TRIGGER ALL;
SELECT state, summary FROM told WHERE subject = 'keys';
ALTER TABLE c ENABLE TRIGGER ALL;
SELECT sg_audit_baseline('known', now() + interval '90 days');
SELECT * FROM told WHERE subject = 'gates';
SET session_replication_role = replica;
INSERT INTO c VALUES (2);
RESET session_replication_role;
CALL sg_audit_gate();
SELECT * FROM told WHERE subject IN ('gates', 'keys');
DELETE FROM c WHERE a = 2;

-- plans and quarantine
SELECT sg_plan_create('it''s');
SELECT sg_plan_add_fk('it''s', 'e', '{x}', 'p', orphans => 'quarantine', index => false);
SELECT * FROM told WHERE subject IN ('plans', 'quarantine');
CREATE TABLE e (x int);
INSERT INTO e VALUES (1), (2);
CALL sg_add_fks('it''s', fix => true);
SELECT * FROM told WHERE subject IN ('plans', 'quarantine');
CALL follow();
SELECT sg_plan_add_fk('it''s', 'e', '{x}', 'e', index => false);
CALL sg_add_fks('it''s');
SELECT * FROM told WHERE subject = 'plans';
SELECT sg_plan_skip('it''s', '{2}', 'no such key');

-- the attic
CREATE TABLE z (n int);
CREATE TABLE y (n int) PARTITION BY LIST (n);
CREATE TABLE y_1 PARTITION OF y FOR VALUES IN (1);
CREATE INDEX y_n ON y (n);
SELECT sg_plan_create('drops');
SELECT sg_plan_add_drop('drops', 'table', 'z');
SELECT sg_plan_add_drop('drops', 'index', 'y', 'y_n');
SELECT sg_plan_add_drop('drops', 'table', 'y_1');
CALL sg_apply('drops');
SELECT * FROM told WHERE subject IN ('attic', 'plans');
UPDATE schemaguard.plan_deed SET done_at = now() - interval '31 days 1 hour' WHERE undo = 'change back';
SELECT * FROM told WHERE subject = 'attic';
-- as after a restore without the extension's rows
BEGIN;
DELETE FROM schemaguard.plan_deed;
SELECT * FROM told WHERE subject = 'attic';
ROLLBACK;
-- a plan that was taken back
SELECT sg_plan_create('back') \g /dev/null
SELECT sg_plan_add_statement('back', 'ALTER TABLE public.c ADD g int', undo => 'ALTER TABLE public.c DROP g') \g /dev/null
CALL sg_apply('back');
CALL sg_rollback_fks('back');
SELECT * FROM told WHERE subject = 'plans';
SELECT sg_plan_drop('back') \g /dev/null
-- a rollback that leaves rows: to call it once more does nothing
CREATE TABLE away (x int);
INSERT INTO away VALUES (1), (2);
SELECT sg_plan_create('away') \g /dev/null
SELECT sg_plan_add_fk('away', 'away', '{x}', 'p', orphans => 'quarantine', index => false) \g /dev/null
CALL sg_add_fks('away', fix => true, max_rows => 2);
ALTER TABLE away ADD CONSTRAINT other FOREIGN KEY (x) REFERENCES p;
CALL sg_rollback_fks('away');
SELECT * FROM told WHERE subject = 'plans';
ALTER TABLE away DROP CONSTRAINT other;
CALL sg_rollback_fks('away');
SELECT sg_plan_drop('away') \g /dev/null
DROP TABLE away;
-- a step that fails
SELECT sg_plan_add_statement('drops', 'ALTER TABLE public.c ADD f int DEFAULT 1 / 0', undo => 'ALTER TABLE public.c DROP f');
CALL sg_apply('drops');
SELECT * FROM told WHERE subject = 'plans';

-- drift
SELECT count(*) > 0 AS taken FROM sg_snapshot_take('base');
SELECT * FROM told WHERE subject = 'drift';
SELECT sg_drift_check('base');
SELECT * FROM told WHERE subject = 'drift';
ALTER TABLE p ADD y int;
SELECT sg_drift_check('base');
SELECT * FROM told WHERE subject = 'drift';
CALL follow();
-- a role sees what row security shows it
CREATE ROLE regress_status;
SET ROLE regress_status;
SELECT state, subject, dated, summary FROM (SELECT state, subject, since IS NOT NULL AS dated, summary FROM public.sg_status()) s WHERE subject <> 'library';
RESET ROLE;
-- ... and is told that no row is in quarantine where none is for anybody
GRANT pg_monitor TO regress_status;
BEGIN;
TRUNCATE schemaguard.quarantine;
SET LOCAL ROLE regress_status;
SELECT state, summary FROM public.sg_status() WHERE subject = 'quarantine';
ROLLBACK;
SET ROLE regress_status;
SELECT state, summary FROM public.sg_status() WHERE subject = 'quarantine';
RESET ROLE;
DROP ROLE regress_status;
-- a CHECK and a NOT NULL that a call has not validated: one row, for one call ends both
CREATE TABLE unproved (a int, b int);
SELECT sg_plan_create('unproved'), sg_plan_add('unproved', 'ALTER TABLE unproved ADD CONSTRAINT positive CHECK (a > 0)'), sg_plan_add('unproved', 'ALTER TABLE unproved ALTER b SET NOT NULL') \g /dev/null
CALL sg_apply('unproved', validate => false);
SELECT * FROM told WHERE subject = 'leftovers';
-- sg_plan_check tells, too
SELECT result FROM sg_plan_check_details('unproved') WHERE check_name = 'leftovers';
CALL sg_apply('unproved');
SELECT * FROM told WHERE subject = 'leftovers';
-- a fix that is blocked, to call which again does nothing; and one that stopped, whose policy keeps no copy
CREATE TABLE blocked (id int PRIMARY KEY, x int);
CREATE TABLE blocks (b int REFERENCES blocked);
INSERT INTO blocked VALUES (1, 77);
INSERT INTO blocks VALUES (1);
SELECT sg_plan_create('blocked'), sg_plan_add_fk('blocked', 'blocked', '{x}', 'p', orphans => 'delete', index => false) \g /dev/null
CALL sg_add_fks('blocked');
CALL sg_add_fks('blocked', fix => true);
SELECT * FROM told WHERE subject = 'leftovers';
SELECT sg_plan_drop('blocked', force => true);
SELECT sg_plan_create('blocked'), sg_plan_add_fk('blocked', 'blocked', '{x}', 'p', orphans => 'delete', index => false) \g /dev/null
CALL sg_add_fks('blocked');
UPDATE schemaguard.plan_step SET reason = 'stopped: by the window' WHERE plan = 'blocked';
SELECT * FROM told WHERE subject = 'leftovers';
SELECT sg_plan_drop('blocked', force => true);
DROP TABLE blocks, blocked;
SELECT sg_snapshot_drop('base');
SELECT * FROM told WHERE subject = 'drift';
\c :here
DROP DATABASE sg_status_test;
