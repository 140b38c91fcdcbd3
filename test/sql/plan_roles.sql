-- Who may change a plan: its author's role and superusers.
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

-- Another role reads, and changes nothing.
SET ROLE regress_sg_other;
SELECT name, author FROM schemaguard.plan WHERE name IN ('roles', 'team') ORDER BY name;
SELECT * FROM sg_plan_sql('roles');
SELECT sg_plan_export('roles')->'steps'->0->'child_table';
SELECT sg_plan_add_fk('roles', 'nowhere.t', '{b}', 'nowhere.u');
SELECT sg_plan_set('roles', 1, 'priority', 'low');
SELECT sg_plan_skip('roles', 1, 'why');
SELECT sg_plan_from_sql('roles', '');
SELECT sg_plan_create('roles', replace => true);
SELECT sg_plan_import('roles', sg_plan_export('roles'));
SELECT sg_plan_drop('roles');
-- Not through SQL, either
INSERT INTO schemaguard.plan (name, author) VALUES ('mine', 'regress_sg_other');
UPDATE schemaguard.plan SET author = 'regress_sg_other';
DELETE FROM schemaguard.plan_step;
INSERT INTO schemaguard.plan_note VALUES ('roles', 1, 'x');
-- But a copy is its own.
SELECT sg_plan_import('copy', sg_plan_export('roles'));
SELECT sg_plan_set('copy', 1, 'priority', 'low');

-- A member of the author's role, and a superuser, may.
SET ROLE regress_sg_member;
SELECT sg_plan_add_fk('team', 'nowhere.t', '{a}', 'nowhere.u', index => false);
SELECT sg_plan_drop('roles');
RESET ROLE;
SELECT sg_plan_skip('roles', 1, 'decided elsewhere');

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
