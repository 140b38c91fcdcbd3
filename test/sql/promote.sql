-- Promotion: environments, windows, bundles, approval and status. 178_promotion.pl has three servers.
-- rooms: promote run
\set VERBOSITY default
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS schemaguard;
CREATE ROLE regress_sg_dev LOGIN;
CREATE ROLE regress_sg_lead LOGIN;
CREATE ROLE regress_sg_mate LOGIN IN ROLE regress_sg_dev;
CREATE ROLE regress_sg_other LOGIN;
SELECT sg_grant('regress_sg_dev'), sg_grant('regress_sg_lead'), sg_grant('regress_sg_other') \g /dev/null
CREATE SCHEMA pr AUTHORIZATION regress_sg_dev;
RESET client_min_messages;
-- none is declared yet
SELECT * FROM sg_promote('nowhere', 'here');

-- windows: when each is open, and when next; a Saturday is 2026-11-28
SELECT w, t, schemaguard.sg_window_opens(w, t::timestamptz) AT TIME ZONE 'UTC' AS opens
FROM (VALUES ('22:00-04:00', '2026-11-28 21:59+00'), ('22:00-04:00', '2026-11-28 22:00+00'), ('22:00-04:00', '2026-11-29 03:59+00'),
    ('22:00-04:00', '2026-11-29 04:00+00'), ('Sat 22:00-04:00', '2026-11-29 03:00+00'), ('Sat 22:00-04:00', '2026-11-28 03:00+00'),
    ('Mon-Fri 09:00-17:00', '2026-11-28 12:00+00'), ('sat-MON 09:00-10:00', '2026-11-29 12:00+00'), ('Fri,Sun 01:00-02:00', '2026-11-28 01:30+00'),
    ('00:00-24:00', '2026-11-28 12:00+00'), ('Sat 22:00-04:00 Europe/Berlin', '2026-11-28 21:30+00'), ('02:30-02:45 Europe/Berlin', '2026-03-29 00:45+00'),
    ('Tue 01:00-02:00; Sat 12:00-13:00', '2026-11-28 12:30+00'), ('Tue 01:00-02:00;03:00-04:00', '2026-11-28 12:30+00')) v (w, t);
SELECT schemaguard.sg_window_opens('always', now());
SELECT schemaguard.sg_window_opens('25:00-26:00', now());
SELECT schemaguard.sg_window_opens('22:00-04:00 Nowhere/City', now());
SELECT schemaguard.sg_window_opens('', now());

-- environments: of the owner of the database, in their own names, without circles
INSERT INTO schemaguard.environment (name, server, stage, next) VALUES ('dev', 'pr_dev', 'development', 'test'), ('test', NULL, 'test', 'prod'),
    ('prod', 'pr_prod', 'production', NULL);
UPDATE schemaguard.environment SET next = 'dev' WHERE name = 'prod';
UPDATE schemaguard.environment SET next = 'test' WHERE name = 'prod';
\set VERBOSITY terse
INSERT INTO schemaguard.environment (name, server, stage, next) VALUES ('self', 'x', 'test', 'self');
INSERT INTO schemaguard.environment (name, server, stage) VALUES ('again here', NULL, 'test');
INSERT INTO schemaguard.environment (name, server, stage) VALUES ('odd', 'y', 'prd');
\set VERBOSITY default
UPDATE schemaguard.environment SET "window" = 'when it rains' WHERE name = 'test';
SET SESSION AUTHORIZATION regress_sg_dev;
INSERT INTO schemaguard.environment (name, server, stage) VALUES ('mine', 'z', 'test');
UPDATE schemaguard.environment SET protected = false;
SELECT name, server, stage, next, protected, "window", approvers FROM schemaguard.environment ORDER BY name;
RESET SESSION AUTHORIZATION;

-- what the source has: a snapshot of it will do
SET SESSION AUTHORIZATION regress_sg_dev;
CREATE TABLE pr.customers (id int PRIMARY KEY, name text);
CREATE TABLE pr.orders (id int PRIMARY KEY, customer_id int CONSTRAINT pr_customer REFERENCES pr.customers, note text DEFAULT 'none');
CREATE VIEW pr.names AS SELECT name FROM pr.customers;
SELECT sg_snapshot_take('pr dev', 'pr') \g /dev/null
DROP VIEW pr.names;
ALTER TABLE pr.orders DROP customer_id, DROP note, ADD total numeric;
INSERT INTO pr.orders VALUES (1, 2);
SELECT bundle, changes, left_out, losses, findings, length(hash) AS hash, next_call FROM sg_promote('dev', 'test', 'pr dev', 'pr');
SELECT part, object, detail, split_part(statement, E'\n', 1) AS statement FROM schemaguard.promotion_item WHERE bundle = 'dev to test 1' AND part <> 'file' ORDER BY item;
SELECT object, length(statement) > 20 AS has_text FROM schemaguard.promotion_item WHERE part = 'file' ORDER BY item;
SELECT count(*) FROM schemaguard.snapshot WHERE name LIKE 'dev to test%';
-- a later one takes its place; with what is lost
SELECT bundle, changes, left_out, losses, findings FROM sg_promote('dev', 'test', 'pr dev', 'pr', allow_drop => true, files => '{"tool": "flyway"}');
SELECT part, object, detail FROM schemaguard.promotion_item WHERE bundle = 'dev to test 2' AND part IN ('loss', 'no way back', 'impact', 'lock') ORDER BY item;
SELECT object FROM schemaguard.promotion_item WHERE bundle = 'dev to test 2' AND part = 'file' ORDER BY item;
SELECT bundle, state, author, authors, approved_by IS NULL AS open FROM schemaguard.promotion ORDER BY id;
-- what a call that was cut off has left of the bundle's own objects is no drop of another one
BEGIN;
ALTER TABLE pr.orders ADD CONSTRAINT pr_customer_sync_new CHECK (id > 0);
SELECT schemaguard.sg_promotion_strange('dev to test 2', 'pr dev');
CREATE INDEX other_sync_new ON pr.orders (id);
SELECT schemaguard.sg_promotion_strange('dev to test 2', 'pr dev');
ROLLBACK;

-- what is refused
SELECT * FROM sg_promote('dev', 'prod', 'pr dev', 'pr');
SELECT * FROM sg_promote('test', 'test', 'pr dev', 'pr');
SELECT * FROM sg_promote('nowhere', 'test', 'pr dev', 'pr');
SELECT * FROM sg_promote('dev', 'test', 'pr dex', 'pr');
SELECT * FROM sg_promote('dev', 'test', schemas => 'pr');
SELECT * FROM sg_promote('dev', 'test', 'pr dev', 'pr', files => '{"tool": "nothing"}');
SELECT * FROM sg_promote('dev', NULL);
SET SESSION AUTHORIZATION regress_sg_mate;
SELECT bundle, changes FROM sg_promote('dev', 'test', 'pr dev', 'pr');
RESET SESSION AUTHORIZATION;
-- a protected environment is given what passed through the one before it
UPDATE schemaguard.environment SET next = NULL WHERE name = 'dev';
UPDATE schemaguard.environment SET protected = true, approvers = '{regress_sg_lead,regress_sg_mate,regress_sg_dev}' WHERE name = 'test';
SET SESSION AUTHORIZATION regress_sg_dev;
SELECT * FROM sg_promote('dev', 'test', 'pr dev', 'pr');
RESET SESSION AUTHORIZATION;
UPDATE schemaguard.environment SET next = 'test' WHERE name = 'dev';

-- who may read, and approve: not the author, nor by another name, nor a member of his role, nor a stranger; with the hash alone
SELECT hash FROM schemaguard.promotion WHERE bundle = 'dev to test 2' \gset
SET SESSION AUTHORIZATION regress_sg_other;
SELECT count(*) FROM schemaguard.promotion;
SELECT count(*) FROM schemaguard.promotion_item;
SELECT sg_promotion_approve('dev to test 2', :'hash');
SELECT sg_promotion_approve('no such bundle', :'hash');
UPDATE schemaguard.promotion SET approved_hash = hash;
SET SESSION AUTHORIZATION regress_sg_mate;
SELECT sg_grant('regress_sg_mate');
SELECT sg_promotion_approve('dev to test 2', :'hash');
RESET SESSION AUTHORIZATION;
SELECT sg_grant('regress_sg_mate') \g /dev/null
SET SESSION AUTHORIZATION regress_sg_mate;
SELECT sg_promotion_approve('dev to test 2', :'hash');
SET SESSION AUTHORIZATION regress_sg_dev;
SELECT sg_promotion_approve('dev to test 2', :'hash');
RESET SESSION AUTHORIZATION;
GRANT regress_sg_lead TO regress_sg_dev;
SET SESSION AUTHORIZATION regress_sg_dev;
SET ROLE regress_sg_lead;
SELECT sg_promotion_approve('dev to test 2', :'hash');
RESET SESSION AUTHORIZATION;
REVOKE regress_sg_lead FROM regress_sg_dev;
SET SESSION AUTHORIZATION regress_sg_lead;
SELECT count(*) > 0 AS reads FROM schemaguard.promotion_item;
SELECT sg_promotion_approve('dev to test 2', 'another');
SELECT sg_promotion_approve('dev to test 2', NULL);
SELECT sg_promotion_approve('dev to test 1', :'hash');
SELECT environment, waiting, since IS NOT NULL AS since, author, blocked_by, regexp_replace(next_call, '[0-9a-f]{64}', 'HASH') AS next_call FROM sg_promotion_status();
SELECT sg_promotion_approve('dev to test 2', :'hash');
SELECT bundle, state, approved_by, approved_hash = hash AS bound FROM schemaguard.promotion WHERE approved_by IS NOT NULL;
SELECT environment, ahead, behind, waiting, author, blocked_by, next_call FROM sg_promotion_status();
RESET SESSION AUTHORIZATION;

-- a bundle that was changed is approved no more; one that came by a dump is another database's
BEGIN;
UPDATE schemaguard.promotion SET document = array_append(document, '') WHERE bundle = 'dev to test 2';
SELECT problem FROM schemaguard.sg_promotion_problem('dev to test 2');
UPDATE schemaguard.promotion p SET hash = schemaguard.sg_promotion_hash(p) WHERE bundle = 'dev to test 2';
SELECT problem FROM schemaguard.sg_promotion_problem('dev to test 2');
ROLLBACK;
BEGIN;
UPDATE schemaguard.promotion SET place = '1 elsewhere' WHERE bundle = 'dev to test 2';
SELECT problem FROM schemaguard.sg_promotion_problem('dev to test 2');
ROLLBACK;
-- the target moves on
BEGIN;
ALTER TABLE pr.orders ADD more int;
SELECT * FROM schemaguard.sg_promotion_problem('dev to test 2');
ROLLBACK;
SELECT * FROM schemaguard.sg_promotion_problem('dev to test 2');
SET schemaguard.require_backup = '1h';
SELECT problem FROM schemaguard.sg_promotion_problem('dev to test 2');
RESET schemaguard.require_backup;

-- no plan runs outside of the window; what takes back, and does nothing, does
SELECT to_char(now() AT TIME ZONE 'UTC' + interval '2 hours', 'HH24:MI') || '-' || to_char(now() AT TIME ZONE 'UTC' + interval '3 hours', 'HH24:MI') AS later \gset
UPDATE schemaguard.environment SET "window" = :'later' WHERE name = 'test';
SELECT problem ~ '^the window of test opens 20' AS closed, hint ~ '^The window is ' AS hint FROM schemaguard.sg_promotion_problem('dev to test 2');
SET SESSION AUTHORIZATION regress_sg_dev;
SELECT sg_plan_create('pr'), sg_plan_add('pr', 'ALTER TABLE pr.orders ADD n int') \g /dev/null
\set VERBOSITY terse
CALL sg_apply('pr');
CALL sg_sync_apply('pr dev', 'pr');
CALL sg_fix_orphans('pr', dry_run => true);
CALL sg_rollback_fks('pr');
SELECT action, phase, message FROM schemaguard.audit_log WHERE action = 'window';
RESET SESSION AUTHORIZATION;
UPDATE schemaguard.environment SET "window" = NULL;
SET SESSION AUTHORIZATION regress_sg_dev;
CALL sg_apply('pr');
RESET SESSION AUTHORIZATION;
SELECT action, phase, object, role FROM schemaguard.audit_log WHERE action ~ '^promot' ORDER BY id;

-- bundles are pruned, but for one that is being applied
UPDATE schemaguard.promotion SET state = 'applying' WHERE bundle = 'dev to test 2';
CALL sg_prune(now(), 'promotions');
SELECT bundle FROM schemaguard.promotion;
SET client_min_messages = error;
DELETE FROM schemaguard.environment;
DELETE FROM schemaguard.promotion;
DROP SCHEMA pr CASCADE;
SELECT sg_plan_drop('pr', true), sg_plan_drop('sync pr dev', true), sg_snapshot_drop('pr dev') \g /dev/null
SELECT sg_revoke('regress_sg_dev'), sg_revoke('regress_sg_lead'), sg_revoke('regress_sg_mate'), sg_revoke('regress_sg_other') \g /dev/null
DROP ROLE regress_sg_dev, regress_sg_lead, regress_sg_mate, regress_sg_other;
