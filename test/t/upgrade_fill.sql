-- A database that holds something of everything: for 082_upgrade.pl and test/tools/pg-upgrade.sh. Then it is put under the objects of
-- another version by upgrade_exchange.sql, and upgrade_kept.sql tells what has become of it.
SET client_min_messages = error;
CREATE EXTENSION schemaguard;
CREATE TABLE p (id int PRIMARY KEY);
CREATE TABLE c (a int, b int, d int);
INSERT INTO p SELECT generate_series(1, 5);
INSERT INTO c SELECT g, g + 1, g FROM generate_series(1, 5) g;
SELECT sg_plan_create('half'), sg_plan_add_fk('half', 'c', '{a}', 'p', fk_name => 'done'),
       sg_plan_add_fk('half', 'c', '{b}', 'p', fk_name => 'fixed', orphans => 'quarantine'), sg_plan_add_fk('half', 'c', '{d}', 'p', fk_name => 'later');
SELECT sg_plan_skip('half', '{3}', 'not yet'), sg_plan_from_sql('half', 'SELEKT 1');
CALL sg_add_fks('half', fix => true);
SELECT sg_orphan_audit();
SELECT sg_snapshot_take('before');
CREATE TABLE extra (id int);
SELECT sg_drift_check('before');
INSERT INTO schemaguard.discovery_feedback (verdict, child_table) VALUES ('rejected', 'public.c');
INSERT INTO schemaguard.discovery_weight (signal, weight) VALUES ('uuid', 1);
INSERT INTO schemaguard.drift_ignore (kind, object, reason) VALUES ('table', 'public.nothing', 'test');
SELECT sg_capture_ddl(true);
CREATE TABLE caught (id int);
