-- Who may change a plan: its author's role and superusers. Who may read and run it: they, the owner of all of its child
-- tables, and roles that the author has allowed.
-- rooms: plan
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS schemaguard;
RESET client_min_messages;
\set VERBOSITY default
\set SHOW_CONTEXT never

CREATE ROLE regress_sg_author;
CREATE ROLE regress_sg_team;
CREATE ROLE regress_sg_member IN ROLE regress_sg_team;
CREATE ROLE regress_sg_other;
SELECT sg_grant(r) FROM unnest('{regress_sg_author,regress_sg_team,regress_sg_other}'::text[]) r \g /dev/null

SET ROLE regress_sg_author;
SELECT sg_plan_create('roles');
SELECT sg_plan_add_fk('roles', 'nowhere.t', '{a}', 'nowhere.u', index => false);
SET ROLE regress_sg_team;
SELECT sg_plan_create('team');

-- Another role sees nothing of it, runs nothing, and changes nothing.
SET ROLE regress_sg_other;
CREATE TEMP VIEW seen AS
  SELECT 'plan' AS relation, name AS plan FROM schemaguard.plan WHERE name IN ('roles', 'team')
  UNION ALL SELECT 'plan_step', plan FROM schemaguard.plan_step WHERE plan IN ('roles', 'team')
  UNION ALL SELECT 'plan_note', plan FROM schemaguard.plan_note WHERE plan IN ('roles', 'team') ORDER BY 1, 2;
TABLE seen;
SELECT * FROM sg_plan_sql('roles');
SELECT sg_plan_export('roles');
SELECT schemaguard.sg_plan_hash('roles');
SELECT * FROM sg_plan_check_details('roles');
SELECT * FROM sg_orphan_audit_details(plan => 'roles');
SELECT count(*) FROM sg_orphan_audit_details() WHERE child_table = 'nowhere.t';
SELECT * FROM sg_verify_fks_details('roles');
SELECT * FROM schemaguard.sg_measure_overhead('roles');
SELECT sg_plan_sql('no such plan');
CALL sg_add_fks('roles');
CALL sg_add_fks('roles', author => 'regress_sg_author');
CALL sg_fix_orphans('roles');
CALL sg_rollback_fks('roles');
CALL sg_restore_quarantine('roles');
SELECT sg_plan_approve('roles');
SELECT sg_plan_allow('roles', 'regress_sg_other');
SELECT sg_plan_add_fk('roles', 'nowhere.t', '{b}', 'nowhere.u');
SELECT sg_plan_set('roles', '{1}', '{"priority": "low"}');
SELECT sg_plan_skip('roles', '{1}', 'why');
SELECT sg_plan_from_sql('roles', '');
SELECT sg_plan_create('roles', replace => true);
SELECT sg_plan_import('roles', sg_plan_export('roles'));
SELECT sg_plan_drop('roles');
-- Not through SQL, either
INSERT INTO schemaguard.plan (name, author) VALUES ('mine', 'regress_sg_other');
UPDATE schemaguard.plan SET author = 'regress_sg_other';
DELETE FROM schemaguard.plan_step;
INSERT INTO schemaguard.plan_note VALUES ('roles', 1, 'x');
-- The author allows it: it reads, and a copy is its own.
SET ROLE regress_sg_author;
SELECT sg_plan_allow('roles', 'regress_sg_nobody');
SELECT sg_plan_allow('roles', NULL);
SELECT sg_plan_allow('roles', 'regress_sg_other'), sg_plan_allow('roles', 'regress_sg_other');
SELECT allowed FROM schemaguard.plan WHERE name = 'roles';
SET ROLE regress_sg_other;
TABLE seen;
SELECT count(*) FROM sg_orphan_audit_details() WHERE child_table = 'nowhere.t';
SELECT sg_plan_skip('roles', '{1}', 'why');
SELECT sg_plan_import('copy', sg_plan_export('roles'));
SELECT sg_plan_set('copy', '{1}', '{"priority": "low"}');
-- It runs the plan, once it says whose.
CALL sg_add_fks('roles');
CALL sg_add_fks('roles', author => 'regress_sg_team');
CALL sg_add_fks('roles', author => 'regress_sg_author');
SET ROLE regress_sg_author;
SELECT sg_plan_allow('roles', 'regress_sg_other', allowed => false), sg_plan_allow('roles', 'gone', allowed => false);
SET ROLE regress_sg_other;
CALL sg_add_fks('roles', author => 'regress_sg_author');

-- A member of the author's role, and a superuser, may.
SET ROLE regress_sg_member;
SELECT sg_plan_add_fk('team', 'nowhere.t', '{a}', 'nowhere.u', index => false);
SELECT sg_plan_drop('roles');
RESET ROLE;
SELECT sg_plan_skip('roles', '{1}', 'decided elsewhere');

-- So may who owns all of its child tables; another's plan runs only for who names him, a superuser's for all.
SET client_min_messages = warning;
CREATE SCHEMA roles;
GRANT USAGE ON SCHEMA roles TO PUBLIC;
CREATE TABLE roles.p (id int PRIMARY KEY);
CREATE TABLE roles.c (a int, b int);
CREATE TABLE roles.d (a int);
ALTER TABLE roles.c OWNER TO regress_sg_other;
RESET client_min_messages;
SELECT sg_plan_create('owned'), sg_plan_add_fk('owned', 'roles.c', '{a}', 'roles.p', index => false),
       sg_plan_add_fk('owned', 'roles.d', '{a}', 'roles.p', index => false);
SET ROLE regress_sg_other;
CALL sg_add_fks('owned');
RESET ROLE;
ALTER TABLE roles.d OWNER TO regress_sg_other;
SET ROLE regress_sg_other;
-- what it lacks is an error before anything starts, and leaves no trace in the plan
CALL sg_add_fks('owned');
RESET ROLE;
GRANT REFERENCES, SELECT ON roles.p TO regress_sg_other;
ALTER TABLE roles.d OWNER TO regress_sg_author;
SET ROLE regress_sg_author;
CALL sg_add_fks('owned');
RESET ROLE;
SELECT sg_plan_allow('owned', 'regress_sg_author'), sg_plan_allow('owned', 'regress_sg_other');
SET ROLE regress_sg_author;
CALL sg_add_fks('owned');
SELECT step, state, reason, attempts FROM schemaguard.plan_step WHERE plan = 'owned' ORDER BY step;
SELECT action, phase FROM schemaguard.audit_log WHERE plan = 'owned';
RESET ROLE;
ALTER TABLE roles.d OWNER TO regress_sg_other;
SET ROLE regress_sg_other;
SET client_min_messages = warning;
CALL sg_add_fks('owned');
RESET client_min_messages;
SET ROLE regress_sg_author;
CALL sg_rollback_fks('owned');
SELECT step, state, reason, attempts FROM schemaguard.plan_step WHERE plan = 'owned' ORDER BY step;
SET ROLE regress_sg_other;
CALL sg_rollback_fks('owned');
-- a name that somebody else has taken
SELECT sg_plan_create('squatted'), sg_plan_add_fk('squatted', 'roles.c', '{b}', 'roles.p', fk_name => 'squat', index => false);
RESET ROLE;
CALL sg_add_fks('squatted');
CALL sg_fix_orphans('squatted', dry_run => true);
CALL sg_rollback_fks('squatted', author => 'regress_sg_team');
CALL sg_restore_quarantine('squatted');
SELECT count(*) FROM pg_constraint WHERE conname = 'squat';
-- its options count, and who has not written them is told
SET ROLE regress_sg_other;
SELECT sg_plan_option('squatted', 'audit_method', 'sql');
SELECT method FROM sg_orphan_audit_details(plan => 'squatted');
RESET ROLE;
SELECT method FROM sg_orphan_audit_details(plan => 'squatted');
SELECT count(*) > 0 AS tested FROM sg_verify_fks_details('squatted');
SELECT count(*) > 0 AS measured FROM schemaguard.sg_measure_overhead('squatted');
CALL sg_audit_gate(plan => 'squatted');
SHOW schemaguard.audit_method;
SELECT sg_plan_option('squatted', 'audit_method', NULL);
CALL sg_add_fks('squatted', author => 'regress_sg_other');
CALL sg_rollback_fks('squatted', author => 'regress_sg_other');
-- preflight computes no rows by SQL of another role, which could learn so what whoever checks may read: neither values nor errors by them
CREATE TABLE roles.secret AS SELECT 'top secret' AS v;
CREATE TABLE roles.seen (v int);
ALTER TABLE roles.seen OWNER TO regress_sg_other;
SET ROLE regress_sg_other;
SELECT sg_plan_create('curious'), sg_plan_add('curious', 'INSERT INTO roles.seen SELECT v::int FROM roles.secret') \g /dev/null
RESET ROLE;
SELECT check_name, result, detail FROM sg_plan_check_details('curious', verify => 'full') WHERE step = 1 AND detail ~ 'computed|secret';
SELECT sg_plan_drop('curious') \g /dev/null
SET client_min_messages = warning;
SELECT sg_plan_drop('owned'), sg_plan_drop('squatted');
DROP SCHEMA roles CASCADE;
DROP VIEW seen;
RESET client_min_messages;

-- The log says who.
SELECT CASE WHEN role ~ '^regress_sg' THEN role END AS role, plan, step, action FROM schemaguard.audit_log
 WHERE plan IN ('roles', 'team', 'copy') ORDER BY id;
-- And a role sees its own part.
SET ROLE regress_sg_author;
SELECT role, plan, action FROM schemaguard.audit_log ORDER BY id;

-- When the author's role is gone, superusers are left.
RESET ROLE;
SELECT sg_revoke('regress_sg_author') \g /dev/null
DROP ROLE regress_sg_author;
SET ROLE regress_sg_other;
SELECT sg_plan_drop('roles');
RESET ROLE;
SELECT sg_plan_drop('roles'), sg_plan_drop('team'), sg_plan_drop('copy');
SELECT sg_revoke(r) FROM unnest('{regress_sg_team,regress_sg_other}'::text[]) r \g /dev/null
DROP ROLE regress_sg_member, regress_sg_team, regress_sg_other;

-- A statement of a hint that computes or reads rows runs what the table's owner has there, or puts there, as whoever pastes it: that owner is to run it.
SET client_min_messages = warning;
CREATE ROLE regress_sg_owner;
CREATE SCHEMA regress_sg_owned AUTHORIZATION regress_sg_owner;
SET search_path = regress_sg_owned, public;
SET ROLE regress_sg_owner;
CREATE TABLE p (id int PRIMARY KEY);
CREATE UNLOGGED TABLE u (id int PRIMARY KEY);
CREATE TABLE c (id int PRIMARY KEY, a numeric, b int);
CREATE TABLE w (id int, v text) PARTITION BY LIST (id);
CREATE TABLE w_1 PARTITION OF w FOR VALUES IN (1);
CREATE TABLE w_rest PARTITION OF w DEFAULT;
INSERT INTO w VALUES (7);
CREATE TABLE f (id int PRIMARY KEY, old text);
INSERT INTO f VALUES (1, 'bad');
RESET ROLE;
CREATE TABLE mine (id int PRIMARY KEY, a numeric);
SELECT sg_plan_create('hints') \g /dev/null
SET client_min_messages = notice;
SELECT sg_plan_add_fk('hints', 'c', '{a}', 'p'), sg_plan_add_fk('hints', 'c', '{d}', 'p', '{id}'), sg_plan_add_fk('hints', 'c', '{b}', 'p', index => false);
SELECT sg_plan_add_fk('hints', 'c', '{id}', 'u');
SELECT sg_plan_add_fk('hints', 'mine', '{a}', 'p'), sg_plan_add_drop('hints', 'table', 'w_1'), sg_plan_add_column('hints', 'f', 'new', 'int', fill => 'old::int');
SELECT step, check_name, hint FROM sg_plan_check_details('hints') WHERE hint ~ '(ALTER|CREATE) ' ORDER BY 1, 2;
CALL sg_apply('hints', steps => '{5,6}');
CALL sg_rollback_fks('hints', steps => '{5}');
-- A table of another role's that inherits from one's own is that role's to put code into: nobody is told to run anything.
CREATE TABLE mine_1 () INHERITS (mine);
ALTER TABLE mine_1 OWNER TO regress_sg_owner;
SELECT check_name, hint FROM sg_plan_check_details('hints') WHERE step = 4 AND result = 'block';
-- Another role's table gets what a function of the caller's reads, under names that may be that role's; a query that reads relations runs as it.
CREATE FUNCTION mine_says() RETURNS int LANGUAGE sql STABLE AS 'SELECT id FROM regress_sg_owned.p LIMIT 1';
SELECT sg_plan_add_statement('hints', 'INSERT INTO regress_sg_owned.p VALUES (regress_sg_owned.mine_says())'),
       sg_plan_add_statement('hints', 'INSERT INTO regress_sg_owned.p SELECT regress_sg_owned.mine_says() FROM regress_sg_owned.p'),
       sg_plan_add_statement('hints', 'INSERT INTO regress_sg_owned.mine (id) VALUES (regress_sg_owned.mine_says())');
SELECT step, check_name, result, hint FROM sg_plan_check_details('hints') WHERE check_name = 'lent';
SET client_min_messages = error;
SELECT sg_plan_drop('hints', force => true) \g /dev/null
DROP SCHEMA regress_sg_owned CASCADE;
RESET search_path;
DROP OWNED BY regress_sg_owner;
DROP ROLE regress_sg_owner;
