-- Approval by another role: sg_plan_approve() and schemaguard.require_approval
-- rooms: plan
\set VERBOSITY default
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS schemaguard;
CREATE ROLE regress_sg_author LOGIN;
CREATE ROLE regress_sg_team;
CREATE ROLE regress_sg_member LOGIN NOINHERIT IN ROLE regress_sg_team;
CREATE ROLE regress_sg_mate LOGIN IN ROLE regress_sg_team;
CREATE ROLE regress_sg_boss LOGIN;
CREATE ROLE regress_sg_dba LOGIN SUPERUSER;
SELECT sg_grant(r) FROM unnest('{regress_sg_author,regress_sg_member,regress_sg_mate,regress_sg_team,regress_sg_boss}'::text[]) r \g /dev/null
GRANT regress_sg_boss TO regress_sg_author;
CREATE SCHEMA ap;
GRANT USAGE, CREATE ON SCHEMA ap TO PUBLIC;
CREATE VIEW ap.approval AS
  SELECT name, author, approved_by, approved_at IS NOT NULL AS at, approved_hash IS NOT NULL AS hash, changed_by
  FROM schemaguard.plan WHERE name LIKE 'ap%' ORDER BY name;
GRANT SELECT ON ap.approval TO PUBLIC;
RESET client_min_messages;

SET SESSION AUTHORIZATION regress_sg_author;
CREATE TABLE ap.p (id int PRIMARY KEY);
CREATE TABLE ap.c (id int PRIMARY KEY, a int, b int);
SELECT sg_plan_create('ap'), sg_plan_add_fk('ap', 'ap.c', '{a}', 'ap.p', fk_name => 'a', index => false);
-- the author can neither switch it off nor do without
SET schemaguard.require_approval = off;
RESET SESSION AUTHORIZATION;
SET schemaguard.require_approval = on;
SET SESSION AUTHORIZATION regress_sg_author;
RESET schemaguard.require_approval;
CALL sg_add_fks('ap');
CALL sg_rollback_fks('ap');

-- not by the author, whatever he is called at the moment, nor by who has a part in the author's role
SELECT sg_plan_approve('ap');
SET ROLE regress_sg_boss;
SELECT sg_plan_approve('ap');
RESET ROLE;
CREATE FUNCTION ap.approve(plan text) RETURNS void LANGUAGE sql SECURITY DEFINER AS 'SELECT sg_plan_approve($1)';
SET SESSION AUTHORIZATION regress_sg_boss;
SELECT ap.approve('ap');
RESET SESSION AUTHORIZATION;
SET SESSION AUTHORIZATION regress_sg_member;
SET ROLE regress_sg_team;
SELECT sg_plan_create('ap team');
RESET ROLE;
SELECT sg_plan_approve('ap team');
-- a member of the author's role that had no hand in the plan could have had one
SET SESSION AUTHORIZATION regress_sg_mate;
SELECT sg_plan_approve('ap team');
-- SET ROLE: the author's login counts
SET SESSION AUTHORIZATION regress_sg_author;
SET ROLE regress_sg_boss;
SELECT sg_plan_create('ap boss');
RESET ROLE;
SELECT sg_plan_approve('ap boss');
TABLE ap.approval;

-- by another role, if it is to do with the plan
SET SESSION AUTHORIZATION regress_sg_boss;
SELECT sg_plan_approve('no such plan');
SELECT sg_plan_approve(NULL);
SELECT sg_plan_approve('ap');
SET SESSION AUTHORIZATION regress_sg_author;
SELECT sg_plan_allow('ap', 'regress_sg_boss');
SET SESSION AUTHORIZATION regress_sg_boss;
-- what was read: the hash was taken, and the plan changed since
SELECT schemaguard.sg_plan_hash('ap') AS hash, schemaguard.sg_plan_hash('ap') ~ '^[0-9a-f]{64}$' AS is_one \gset
SELECT :'is_one' AS is_one, hint = format(E'As another role than regress_sg_author:\nSELECT %s.sg_plan_approve(''ap'', ''%s'');', 'public', :'hash') AS told
FROM sg_plan_check_details('ap') WHERE check_name = 'approval';
SET SESSION AUTHORIZATION regress_sg_author;
SELECT sg_plan_set('ap', '{1}', '{"on_delete": "cascade"}');
SET SESSION AUTHORIZATION regress_sg_boss;
SELECT sg_plan_approve('ap', :'hash');
SELECT sg_plan_approve('ap', '');
TABLE ap.approval;
SET SESSION AUTHORIZATION regress_sg_author;
SELECT sg_plan_set('ap', '{1}', '{"on_delete": "no action"}');
SET SESSION AUTHORIZATION regress_sg_boss;
SELECT sg_plan_approve('ap', :'hash');
TABLE ap.approval;
SET SESSION AUTHORIZATION regress_sg_author;
CALL sg_add_fks('ap', validate => false);
-- it outlives what deployment writes into the steps
CALL sg_add_fks('ap');
CALL sg_rollback_fks('ap');
CALL sg_add_fks('ap');
CALL sg_rollback_fks('ap');

-- every change withdraws it
CREATE FUNCTION ap.withdrawn(change text) RETURNS text LANGUAGE plpgsql SECURITY DEFINER AS $$
BEGIN
  RETURN format('%s: %s', change, (SELECT coalesce('approved by ' || approved_by, 'not approved')
                                   FROM schemaguard.plan WHERE name = 'ap'));
END $$;
\set approve 'SET SESSION AUTHORIZATION regress_sg_boss; SELECT sg_plan_approve($$ap$$) \\g /dev/null \\\\ SET SESSION AUTHORIZATION regress_sg_author;'
:approve
SELECT ap.withdrawn('nothing');
SELECT sg_plan_set('ap', '{1}', '{"priority": "low"}');
SELECT ap.withdrawn('set');
CALL sg_add_fks('ap');
:approve
SELECT sg_plan_add_fk('ap', 'ap.c', '{b}', 'ap.p', fk_name => 'b', index => false);
SELECT ap.withdrawn('add');
:approve
SELECT sg_plan_skip('ap', '{2}', 'later');
SELECT ap.withdrawn('skip');
:approve
SELECT sg_plan_set('ap', '{2}', '{"state": "pending"}');
SELECT ap.withdrawn('set state');
:approve
SELECT sg_plan_from_sql('ap', 'ALTER TABLE ap.c ADD CONSTRAINT id FOREIGN KEY (id) REFERENCES ap.p NOT VALID');
SELECT ap.withdrawn('script');
:approve
SELECT sg_plan_option('ap', 'lock_timeout', '10s');
SELECT ap.withdrawn('option');
:approve
SELECT sg_plan_create('ap', replace => true);
SELECT ap.withdrawn('replace');
:approve
SELECT sg_plan_import('ap', '{"schemaguard_plan": 1, "plan": "x", "steps": [{"child_table": "ap.c", "child_columns": ["a"], "parent_table": "ap.p", "fk_name": "a", "index": false}]}');
SELECT ap.withdrawn('import');
:approve
BEGIN;
SELECT sg_plan_set('ap', '{1}', '{"priority": "high"}');
ROLLBACK;
SELECT ap.withdrawn('a change that was rolled back');
SELECT sg_plan_drop('ap');
SELECT sg_plan_create('ap'), sg_plan_add_fk('ap', 'ap.c', '{a}', 'ap.p', fk_name => 'a', index => false),
       sg_plan_allow('ap', 'regress_sg_boss');
SELECT ap.withdrawn('made anew');

-- a change that goes round our functions is noticed
:approve
SET SESSION AUTHORIZATION regress_sg_dba;
UPDATE schemaguard.plan_step SET on_delete = 'cascade' WHERE plan = 'ap';
CALL sg_add_fks('ap', author => 'regress_sg_author');
UPDATE schemaguard.plan_step SET on_delete = 'no action' WHERE plan = 'ap';
UPDATE schemaguard.plan SET options = '{"lock_timeout": "1h", "throttle_function": "now"}' WHERE name = 'ap';
CALL sg_add_fks('ap', author => 'regress_sg_author');
UPDATE schemaguard.plan SET options = '{}' WHERE name = 'ap';
UPDATE schemaguard.plan SET approved_by = 'regress_sg_dba' WHERE name = 'ap';
CALL sg_add_fks('ap', author => 'regress_sg_author');
UPDATE schemaguard.plan SET approved_by = 'regress_sg_boss' WHERE name = 'ap';
INSERT INTO schemaguard.plan_step SELECT (jsonb_populate_record(s, '{"step": 2, "fk_name": "b"}')).* FROM schemaguard.plan_step s WHERE plan = 'ap';
CALL sg_add_fks('ap', author => 'regress_sg_author');
DELETE FROM schemaguard.plan_step WHERE plan = 'ap' AND step = 2;
CALL sg_add_fks('ap', author => 'regress_sg_author');

-- superusers: like any other role, they approve what they had no hand in
SELECT sg_plan_set('ap', '{1}', '{"priority": "high"}');
SELECT sg_plan_approve('ap');
SELECT sg_plan_approve('ap boss');
SELECT sg_plan_approve('ap team');
TABLE ap.approval;
-- and switch it off
SET schemaguard.require_approval = off;
CALL sg_add_fks('ap', author => 'regress_sg_author');

-- all of it is in the log
RESET SESSION AUTHORIZATION;
SELECT role, plan, action, phase, object, sqlstate, message FROM schemaguard.audit_log
WHERE plan LIKE 'ap%' AND action IN ('plan approve', 'plan withdraw', 'approval') ORDER BY id;

SET client_min_messages = warning;
SELECT sg_plan_drop(name, force => true) FROM schemaguard.plan WHERE name LIKE 'ap%';
DROP SCHEMA ap CASCADE;
SELECT sg_revoke(r) FROM unnest('{regress_sg_author,regress_sg_member,regress_sg_mate,regress_sg_team,regress_sg_boss}'::text[]) r \g /dev/null
DROP ROLE regress_sg_author, regress_sg_member, regress_sg_mate, regress_sg_team, regress_sg_boss, regress_sg_dba;
