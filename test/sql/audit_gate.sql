-- CALL sg_audit_gate: verdicts committed, what is new and what is gone, an error that names the keys. psql's exit status and
-- what listeners hear are in test/t/136_exit_status.pl.
-- rooms: finding report
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS schemaguard;
RESET client_min_messages;
\pset null '(null)'
\set VERBOSITY default
\set SHOW_CONTEXT never
CREATE SCHEMA gate;
CREATE SCHEMA "gate B";
SET search_path = gate, public;
CREATE TABLE p (id int PRIMARY KEY);
CREATE TABLE c (a int CONSTRAINT a REFERENCES p, b int CONSTRAINT "b B" REFERENCES p, n int);
CREATE TABLE "gate B".d (a int CONSTRAINT d REFERENCES p);
INSERT INTO p VALUES (1);
INSERT INTO c VALUES (1, 1, 1);
CREATE VIEW findings AS
    SELECT target, object, property, result, count, detail, first_run = run AS new, gone_at IS NOT NULL AS gone
    FROM schemaguard.finding WHERE source = 'audit' AND target ~ 'gate'
    ORDER BY target COLLATE "C", object COLLATE "C", property COLLATE "C", id;
CREATE VIEW log AS
    SELECT plan, object, phase, message FROM schemaguard.audit_log WHERE action = 'audit gate' AND object ~ 'gate' ORDER BY id;

-- all is well
CALL sg_audit_gate('{gate,"gate B"}');
-- rows that come in past the keys
SET session_replication_role = replica;
INSERT INTO c VALUES (2, 2, 2), (3, 1, 1);
INSERT INTO "gate B".d VALUES (7);
RESET session_replication_role;
CALL sg_audit_gate('{"gate B",gate}');
\echo :LAST_ERROR_SQLSTATE
TABLE findings;
-- the verdicts are committed, and the proofs
SELECT fk_name, stands FROM schemaguard.fk_trust WHERE child_table = 'gate.c' ORDER BY fk_name COLLATE "C";
SELECT object, message, orphan_rows FROM schemaguard.audit_log WHERE action = 'audit' AND object ~ 'gate' ORDER BY id;
-- the same again; more orphans are no other result
SET session_replication_role = replica;
INSERT INTO c VALUES (4, 1, 1);
RESET session_replication_role;
SELECT sg_plan_create('mend') \g /dev/null
CALL sg_audit_gate('{gate,"gate B"}');
SELECT sg_plan_drop('mend') \g /dev/null
SELECT object, property, count, new FROM findings;
-- two are gone; what can't be judged is no pass
DELETE FROM c WHERE b = 2;
DELETE FROM "gate B".d;
CREATE ROLE regress_gate;
SELECT sg_grant('regress_gate') \g /dev/null
GRANT USAGE ON SCHEMA gate TO regress_gate;
GRANT SELECT ON p TO regress_gate;
GRANT SELECT (a) ON c TO regress_gate;
CALL sg_audit_gate('{gate,"gate B"}');
TABLE findings;
DELETE FROM c WHERE a > 1;
SET ROLE regress_gate;
SELECT sg_audit_baseline();
CALL sg_audit_gate('{gate}');
\echo :LAST_ERROR_SQLSTATE
-- a role has its own history, and sees no other
SELECT role, target, property, result FROM schemaguard.finding;
RESET ROLE;
CALL sg_audit_gate('{gate,"gate B"}');
TABLE findings;
TABLE log;

-- what is accepted is left out, with its reason, while it has no more rows
SET session_replication_role = replica;
INSERT INTO c VALUES (2, 2, 2), (3, 1, 1);
INSERT INTO "gate B".d VALUES (7);
RESET session_replication_role;
CALL sg_audit_gate('{gate,"gate B"}');
CREATE VIEW accepted AS
    SELECT role, object, property, result, count, accepted_by, accepted_count, round(extract(epoch FROM accepted_until - accepted_at) / 86400) AS days, reason
    FROM schemaguard.finding WHERE source = 'audit' AND target ~ 'gate' AND gone_at IS NULL
    ORDER BY role = 'regress_gate', object COLLATE "C", property COLLATE "C";
SELECT sg_audit_accept('gate.c.b B', 'old rows of the import', '2100-01-01 12:00');
SELECT property, accepted_count, accepted_until FROM schemaguard.finding WHERE reason IS NOT NULL AND property = 'b B';
CALL sg_audit_gate('{gate,"gate B"}');
-- a baseline leaves reason and end of what is accepted and has not grown
SELECT sg_audit_baseline();
SELECT property, accepted_count, CASE WHEN days > 90 THEN 'as it was' ELSE days::text END AS days, reason FROM accepted;
SELECT sg_audit_baseline();
-- with an end it renews what was accepted for its own reason
SELECT sg_audit_baseline('baseline', '2100-01-01 12:00');
CALL sg_audit_gate('{gate,"gate B"}');
CALL sg_audit_gate('{gate,"gate B"}', only_new => false);
-- gates of other arguments have findings of their own
CALL sg_audit_gate('{gate}');
SELECT sg_audit_accept('d', 'another reason', '2100-02-01 12:00');
-- one row more is new
SET session_replication_role = replica;
INSERT INTO c VALUES (9, 1, 1);
RESET session_replication_role;
CALL sg_audit_gate('{gate,"gate B"}');
-- an end that has come
DELETE FROM c WHERE a = 9;
UPDATE schemaguard.finding SET accepted_until = now() - interval '1 second' WHERE property = 'd' AND gone_at IS NULL;
CALL sg_audit_gate('{gate,"gate B"}');
-- what comes back is not accepted
SELECT sg_audit_accept('d', 'again');
DELETE FROM "gate B".d;
CALL sg_audit_gate('{gate,"gate B"}');
SET session_replication_role = replica;
INSERT INTO "gate B".d VALUES (7);
RESET session_replication_role;
CALL sg_audit_gate('{gate,"gate B"}');
-- what is unknown is never accepted; a role accepts for its own gates
SET ROLE regress_gate;
SELECT sg_audit_accept('a', 'mine');
SELECT sg_audit_baseline('all of mine');
RESET ROLE;
DELETE FROM schemaguard.finding WHERE role = 'regress_gate';
GRANT SELECT ON c, p TO regress_gate;
SET ROLE regress_gate;
CALL sg_audit_gate('{gate}');
SELECT sg_audit_baseline('all of mine', '2100-01-01 12:00');
CALL sg_audit_gate('{gate}');
RESET ROLE;
SELECT role, property, accepted_by, accepted_count, reason FROM accepted WHERE reason = 'all of mine' AND role = 'regress_gate';
-- one name on two tables
SET session_replication_role = replica;
ALTER TABLE "gate B".d ADD CONSTRAINT a FOREIGN KEY (a) REFERENCES p NOT VALID;
RESET session_replication_role;
CALL sg_audit_gate('{gate,"gate B"}');
SELECT sg_audit_accept('a', 'which?');
SELECT sg_audit_accept('"gate B".d.a', 'that one') > 0 AS accepted;
-- a table for all that was found about it, with its schema or without
SELECT sg_audit_accept('gate.c', 'a table') > 0 AS qualified, sg_audit_accept('c', 'the same') > 0 AS bare, sg_audit_accept('c.b B', 'one of it') > 0 AS part;
SELECT sg_audit_accept('.c', 'no table');
-- mistakes
SELECT sg_audit_accept('nothing', 'why');
SELECT sg_audit_accept('d', ' ');
SELECT sg_audit_accept('d', NULL);
SELECT sg_audit_accept('d', 'why', '2020-01-01 00:00:00+00');
SELECT sg_audit_accept(NULL, 'why');
CALL sg_audit_gate(only_new => NULL);
CREATE ROLE regress_gate_reader;
SET ROLE regress_gate_reader;
SELECT sg_audit_baseline();
RESET ROLE;
DROP ROLE regress_gate_reader;
DROP VIEW accepted;
ALTER TABLE "gate B".d DROP CONSTRAINT a;
DELETE FROM "gate B".d;
DELETE FROM c WHERE a > 1;
CALL sg_audit_gate('{gate,"gate B"}');

-- the keys of a plan: declared or not
SELECT sg_plan_create('gate');
SELECT sg_plan_add_fk('gate', 'c', ARRAY['n'], 'p', fk_name => 'n', index => false),
       sg_plan_add_fk('gate', 'gone', ARRAY['n'], 'p', fk_name => 'gone'),
       sg_plan_add_fk('gate', 'c', ARRAY['a'], 'p', fk_name => 'a', index => false);
CALL sg_audit_gate(plan => 'gate');
SELECT sg_plan_skip('gate', '{2}', 'it is gone');
CALL sg_audit_gate(plan => 'gate');
INSERT INTO c VALUES (1, 1, 5);
CALL sg_audit_gate('{gate}', plan => 'gate');
CALL sg_audit_gate('{"gate B"}', plan => 'gate');
-- one that is named twice is no other scope
CALL sg_audit_gate('{gate,gate}', plan => 'gate');
SELECT target, property, count FROM findings WHERE NOT gone;

-- what was rolled back promises nothing any more, to a gate or to an audit of all keys
SET client_min_messages = error;
SELECT sg_plan_set('gate', '{1}', '{"orphans": "leave"}');
CALL sg_add_fks('gate', validate => false);
CALL sg_rollback_fks('gate');
RESET client_min_messages;
CALL sg_audit_gate('{gate}', plan => 'gate');
SELECT fk_name, result FROM sg_orphan_audit_details('c') ORDER BY fk_name COLLATE "C";
SELECT fk_name, result FROM sg_orphan_audit_details(plan => 'gate') ORDER BY fk_name COLLATE "C";

-- what makes no sense
CALL sg_audit_gate('{}');
CALL sg_audit_gate('{gate,NULL}');
\set VERBOSITY sqlstate
CALL sg_audit_gate('{gate,nowhere}');
\set VERBOSITY default
CALL sg_audit_gate(plan => 'nowhere');
BEGIN;
CALL sg_audit_gate('{gate}');
ROLLBACK;
SET ROLE regress_gate;
CALL sg_audit_gate(plan => 'gate');
RESET ROLE;

-- a key that is named like a table with a key is in no one's way
SET client_min_messages = error;
CREATE TABLE twin (a int);
INSERT INTO twin VALUES (-1);
ALTER TABLE twin ADD CONSTRAINT twin_fk FOREIGN KEY (a) REFERENCES p NOT VALID;
SET session_replication_role = replica;
CREATE TABLE "gate B".mimic (a int);
INSERT INTO "gate B".mimic VALUES (-1);
ALTER TABLE "gate B".mimic ADD CONSTRAINT "gate.twin.twin_fk" FOREIGN KEY (a) REFERENCES p NOT VALID;
RESET session_replication_role;
CALL sg_audit_gate('{gate,"gate B"}', fail => false);
SELECT sg_audit_accept('gate.twin.twin_fk', 'known') > 0 AS accepted;
SELECT object, property, reason FROM schemaguard.finding WHERE property ~ 'twin_fk' ORDER BY object COLLATE "C";

-- what another gate found ends with a pass of this one, or with the key; but not by any role's, and not while it is still so
CREATE TABLE ends (a int);
CREATE TABLE goes (a int);
CREATE TABLE stays (a int);
INSERT INTO ends VALUES (-1);
INSERT INTO goes VALUES (-1);
INSERT INTO stays VALUES (-1);
ALTER TABLE ends ADD CONSTRAINT ends_fk FOREIGN KEY (a) REFERENCES p NOT VALID;
ALTER TABLE goes ADD CONSTRAINT goes_fk FOREIGN KEY (a) REFERENCES p NOT VALID;
ALTER TABLE stays ADD CONSTRAINT stays_fk FOREIGN KEY (a) REFERENCES p NOT VALID;
GRANT SELECT ON ends, p TO regress_gate;
CALL sg_audit_gate('{gate}', fail => false);
-- what fails is named first; one that could not be judged is no new one when it can be
CREATE TABLE at_first (a int CONSTRAINT at_first_fk REFERENCES p);
SET ROLE regress_gate;
CALL sg_audit_gate('{gate}');
RESET ROLE;
SET session_replication_role = replica;
INSERT INTO at_first VALUES (-1);
RESET session_replication_role;
GRANT SELECT ON at_first TO regress_gate;
SET ROLE regress_gate;
CALL sg_audit_gate('{gate}', fail => false);
RESET ROLE;
SELECT result, count, new FROM findings WHERE property = 'at_first_fk';
DROP TABLE at_first;
DELETE FROM ends;
DROP TABLE goes;
SET ROLE regress_gate;
CALL sg_audit_gate('{gate,"gate B"}', fail => false);
RESET ROLE;
SELECT property, gone_at IS NULL AS is_open FROM schemaguard.finding WHERE property IN ('ends_fk', 'goes_fk', 'stays_fk') AND target = 'schemas gate' AND role = current_user ORDER BY property;
CALL sg_audit_gate('{gate,"gate B"}', fail => false);
SELECT property, gone_at IS NULL AS is_open FROM schemaguard.finding WHERE property IN ('ends_fk', 'goes_fk', 'stays_fk') AND target = 'schemas gate' AND role = current_user ORDER BY property;

-- a key without orphans whose triggers are disabled lets them in: no pass, and what is accepted ends when they fire again
CREATE TABLE "gate B".off (a int CONSTRAINT off_fk REFERENCES p);
DELETE FROM "gate B".d;
DELETE FROM "gate B".mimic;
ALTER TABLE "gate B".off DISABLE TRIGGER ALL;
CALL sg_audit_gate('{"gate B"}');
SELECT property, result, count, detail FROM schemaguard.finding WHERE property = 'off_fk' AND target = 'schemas "gate B"';
SELECT sg_audit_accept('off_fk', 'a load') > 0 AS accepted;
CALL sg_audit_gate('{"gate B"}');
ALTER TABLE "gate B".off ENABLE TRIGGER ALL;
CALL sg_audit_gate('{"gate B"}');
SELECT property, gone_at IS NULL AS is_open FROM schemaguard.finding WHERE property = 'off_fk' AND target = 'schemas "gate B"';

-- who has accepted orphans has not accepted that triggers are off, nor orphans of another key of the name
CREATE TABLE "gate B".kept (a int CONSTRAINT kept_fk REFERENCES p, b int, c int CONSTRAINT stays_fk REFERENCES p);
SET session_replication_role = replica;
INSERT INTO "gate B".kept VALUES (7, 8, 9);
RESET session_replication_role;
CREATE VIEW accepted AS
    SELECT k.conname, a.rows, a.unarmed FROM schemaguard.sg_accepted_keys() a JOIN pg_constraint k ON k.oid = a.oid
    WHERE k.conrelid = '"gate B".kept'::regclass ORDER BY k.conname;
CALL sg_audit_gate('{"gate B"}', fail => false);
SELECT sg_audit_accept('kept', 'of 1998', '2100-01-01 12:00');
SET client_min_messages = notice;
CALL sg_audit_gate('{"gate B"}');
ALTER TABLE "gate B".kept DISABLE TRIGGER ALL;
TABLE accepted;
CALL sg_audit_gate('{"gate B"}');
SELECT sg_audit_accept('kept_fk', 'a load', '2100-01-01 12:00');
CALL sg_audit_gate('{"gate B"}');
TABLE accepted;
ALTER TABLE "gate B".kept ENABLE TRIGGER ALL;
ALTER TABLE "gate B".kept DROP CONSTRAINT kept_fk;
SET session_replication_role = replica;
ALTER TABLE "gate B".kept ADD CONSTRAINT kept_fk FOREIGN KEY (b) REFERENCES p NOT VALID;
RESET session_replication_role;
TABLE accepted;
CALL sg_audit_gate('{"gate B"}');
SELECT kind, property, expected, gone_at IS NULL AS is_open FROM schemaguard.finding WHERE object = '"gate B".kept' ORDER BY property, id;
-- the hint's plan has the key alone that was not accepted, also where another gate has found the other one
SET client_min_messages = error;
CALL sg_audit_gate('{gate,"gate B"}', fail => false);
SELECT sg_plan_create('mend'), sg_plan_option('mend', 'orphans', 'quarantine') \g /dev/null
SELECT sg_plan_from_sql('mend', string_agg(format('ALTER TABLE %s ADD CONSTRAINT %I %s;', object, property, regexp_replace(pg_get_constraintdef(c.oid), ' NOT VALID$', '')), ' ')) FROM schemaguard.finding JOIN pg_constraint c ON conrelid = to_regclass(object) AND conname = property WHERE role = current_user AND target = 'schemas "gate B"' AND kind = 'foreign key' AND result = 'fail' AND source = 'audit' AND gone_at IS NULL AND (accepted_until > now() AND count <= accepted_count) IS NOT TRUE;
SELECT fk_name FROM schemaguard.plan_step WHERE plan = 'mend';
SELECT sg_plan_drop('mend', force => true) \g /dev/null

-- an acceptance is of a table, not of its name: it goes on under another name, and not for another table, be it made by the same statement
CREATE SCHEMA "gate C";
CREATE TABLE "gate C".own (a int CONSTRAINT own_fk REFERENCES p);
CREATE TABLE "gate C".made (a int CONSTRAINT made_fk REFERENCES p);
CREATE TABLE "gate C".dumped (a int CONSTRAINT dumped_fk REFERENCES p);
SET session_replication_role = replica;
INSERT INTO "gate C".own VALUES (7);
INSERT INTO "gate C".made VALUES (7);
INSERT INTO "gate C".dumped VALUES (7);
RESET session_replication_role;
CALL sg_audit_gate('{"gate C"}', fail => false);
SELECT sg_audit_baseline('of 2009', '2100-01-01 12:00') > 0 AS accepted;
-- from a dump only names are known
UPDATE schemaguard.finding SET identity = '1 2 3 4' WHERE object = '"gate C".dumped' AND gone_at IS NULL;
ALTER TABLE "gate C".own RENAME TO renamed;
DROP TABLE "gate C".made;
CREATE TABLE "gate C".made (a int CONSTRAINT made_fk REFERENCES p);
SET session_replication_role = replica;
INSERT INTO "gate C".made VALUES (8);
RESET session_replication_role;
SELECT k.conname, a.rows FROM schemaguard.sg_accepted_keys() a JOIN pg_constraint k ON k.oid = a.oid WHERE k.connamespace = '"gate C"'::regnamespace ORDER BY k.conname;
SET client_min_messages = notice;
CALL sg_audit_gate('{"gate C"}');
ALTER TABLE "gate C".renamed DROP CONSTRAINT own_fk;
CREATE TABLE "gate C".own (a int CONSTRAINT own_fk REFERENCES p);
SET session_replication_role = replica;
INSERT INTO "gate C".own VALUES (8);
RESET session_replication_role;
\set VERBOSITY terse
CALL sg_audit_gate('{"gate C"}');
\set VERBOSITY default
SELECT object, property, result, accepted_by IS NOT NULL AS accepted, reason, detail, identity ~ ('^' || schemaguard.sg_place() || ' ') AS here
FROM schemaguard.finding WHERE target = 'schemas "gate C"' AND gone_at IS NULL ORDER BY object;
SELECT sg_audit_accept('made_fk', 'anew', '2100-01-01 12:00') > 0 AS accepted;
CALL sg_audit_gate('{"gate C"}', fail => false);
SELECT object, reason, detail FROM schemaguard.finding WHERE property = 'made_fk' AND gone_at IS NULL;
SET client_min_messages = error;
-- what came with a dump is told by the database that it is of, and anew by a gate here
UPDATE schemaguard.finding SET relayed_at = now() WHERE relayed_at IS NULL;
UPDATE schemaguard.finding SET place = 'elsewhere', relayed_at = CASE WHEN property = 'made_fk' THEN now() END WHERE target ~ 'gate C';
SELECT count(*) AS of_another FROM sg_findings_take();
CALL sg_audit_gate('{"gate C"}', fail => false);
SELECT f ->> 'state' AS state, f ->> 'property' AS property FROM sg_findings_take() f ORDER BY 2;

SELECT sg_plan_drop('gate');
DELETE FROM schemaguard.finding WHERE target ~ 'gate';
DROP SCHEMA gate, "gate B", "gate C" CASCADE;
SELECT sg_revoke('regress_gate') \g /dev/null
DROP ROLE regress_gate;
