-- Backups: sg_backup_record() and schemaguard.require_backup
-- rooms: log run sync
\set VERBOSITY default
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS schemaguard;
CREATE ROLE regress_sg_keeper LOGIN;
CREATE ROLE regress_sg_other LOGIN;
SELECT sg_grant('regress_sg_keeper') \g /dev/null
CREATE SCHEMA ba AUTHORIZATION regress_sg_keeper;
RESET client_min_messages;

-- what is recorded
SET SESSION AUTHORIZATION regress_sg_other;
SELECT sg_backup_record('pg_dump', '/b/x');
SET SESSION AUTHORIZATION regress_sg_keeper;
SELECT sg_backup_record('', '/b/x');
SELECT sg_backup_record('pg_dump', '');
SELECT sg_backup_record('pg_dump', NULL);
SELECT sg_backup_record('pg_dump', '/b/x', taken_at => NULL);
SELECT sg_backup_record('pg_dump', '/b/x', taken_at => '2100-01-01 00:00+00');
SELECT sg_backup_record('pg_dump', '/b/x', taken_at => '2020-01-02 00:00+00', verified_at => '2020-01-01 00:00+00');
SELECT sg_backup_record('pg_dump', '/b/x', taken_at => '2020-01-02 00:00+00', verified_at => 'infinity');
SELECT sg_backup_record('pg_dump', '/b/x', taken_at => '-infinity');
-- a time in place of the checksum
SELECT sg_backup_record('pg_dump', '/b/x', 'never');
SELECT sg_backup_record('pg_dump', '/b/x', '2020-01-02 00:00+00');
SELECT sg_backup_record('pg_dump', '/b/old', taken_at => '2020-01-01 00:00+00') AS id \gset
-- the same one, which is verified later, and then has a checksum; a verification is not forgotten
SELECT sg_backup_record('pg_dump', '/b/old', taken_at => '2020-01-01 00:00+00', verified_at => '2020-01-01 03:00+00') = :id AS same;
SELECT sg_backup_record('pg_dump', '/b/old', 'abc1', taken_at => '2020-01-01 00:00+00') = :id AS same;
SELECT sg_backup_record('pg_dump', '/b/old', 'abd1', taken_at => '2020-01-01 00:00+00');
SELECT sg_backup_record('tar', '/b/old', taken_at => '2020-01-01 00:00+00');
SELECT kind, location, checksum, verified_at - taken_at AS verified_after, role, place = schemaguard.sg_place() AS here FROM schemaguard.backup;
INSERT INTO schemaguard.backup (kind, location, taken_at, role) VALUES ('x', 'x', now(), 'x');
SET SESSION AUTHORIZATION regress_sg_other;
SELECT count(*) FROM schemaguard.backup;
RESET SESSION AUTHORIZATION;

-- what is asked for: nothing runs without, but what takes back, and what does nothing
SET SESSION AUTHORIZATION regress_sg_keeper;
CREATE TABLE ba.p (id int PRIMARY KEY);
CREATE TABLE ba.c (id int PRIMARY KEY, p int);
INSERT INTO ba.c VALUES (1, 1);
SELECT sg_snapshot_take('ba one', 'ba') \g /dev/null
ALTER TABLE ba.c ADD q int;
SELECT sg_snapshot_take('ba two', 'ba') \g /dev/null
ALTER TABLE ba.c DROP q;
SELECT sg_plan_create('ba'), sg_plan_add_fk('ba', 'ba.c', '{p}', 'ba.p', fk_name => 'ba', index => false, orphans => 'quarantine') \g /dev/null
SELECT count(*) FROM sg_plan_check_details('ba') WHERE check_name = 'backup';
SET schemaguard.require_backup = 0;
RESET SESSION AUTHORIZATION;
SET schemaguard.require_backup = '26h';
SET SESSION AUTHORIZATION regress_sg_keeper;
RESET schemaguard.require_backup;
SHOW schemaguard.require_backup;
\set today 'SELECT sg_backup_record(''pg_dump'', ''/b/new'', taken_at => date_trunc(''hour'', now()) - interval ''1 hour'''
SELECT result, detail, hint FROM sg_plan_check_details('ba') WHERE check_name = 'backup';
CALL sg_add_fks('ba');
CALL sg_apply('ba');
CALL sg_fix_orphans('ba');
CALL sg_fix_orphans('ba', dry_run => true);
CALL sg_sync_apply('ba two', '{ba}');
CALL sg_ensure('ba two');
CALL sg_ensure('ba two', mode => 'check') \g /dev/null
SELECT count(*) FROM ba.c;
-- one that is young, and not verified
:today) > 0 AS recorded;
CALL sg_apply('ba', fix => true);
:today, verified_at => now()) > 0 AS recorded;
SELECT result, detail, hint FROM sg_plan_check_details('ba') WHERE check_name = 'backup';
CALL sg_apply('ba', fix => true);
SELECT state FROM schemaguard.plan_step WHERE plan = 'ba';
CALL sg_sync_apply('ba two', '{ba}');
SELECT attname FROM pg_attribute WHERE attrelid = 'ba.c'::regclass AND attnum > 2;
-- the record of another database, and none at all
RESET SESSION AUTHORIZATION;
UPDATE schemaguard.backup SET place = '1 elsewhere';
SET SESSION AUTHORIZATION regress_sg_keeper;
SELECT result, detail ~ '^no backup of this database is recorded, and' AS none FROM sg_plan_check_details('ba') WHERE check_name = 'backup';
CALL sg_restore_quarantine('ba');
CALL sg_rollback_fks('ba');
SELECT count(*) FROM ba.c;
RESET SESSION AUTHORIZATION;
SELECT object, phase, message FROM schemaguard.audit_log WHERE action = 'backup' ORDER BY id;

-- sg_prune
SET client_min_messages = warning;
CALL sg_prune('2021-01-01', 'backups');
SELECT location FROM schemaguard.backup;
DELETE FROM schemaguard.backup;
SELECT sg_plan_drop(name, true) FROM schemaguard.plan WHERE author = 'regress_sg_keeper' \g /dev/null
SELECT sg_snapshot_drop(n) FROM unnest('{ba one,ba two}'::text[]) n \g /dev/null
DROP SCHEMA ba CASCADE;
SELECT sg_revoke('regress_sg_keeper') \g /dev/null
DROP ROLE regress_sg_keeper, regress_sg_other;
