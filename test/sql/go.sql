-- schemaguard.go_rule, sg_go(): go, hold or no-go by rules about figures
-- rooms: finding report
\set VERBOSITY terse
\set SHOW_CONTEXT never
SET client_min_messages = warning;
SELECT current_user AS me \gset
CREATE EXTENSION IF NOT EXISTS schemaguard;
CREATE SCHEMA go;
SET search_path = go, public;
-- what stands there and what it comes to
PREPARE rules AS SELECT verdict, metric, target, actual, weight, reason FROM schemaguard.sg_go_rules('go');

CREATE TABLE p (id int PRIMARY KEY);
CREATE TABLE c (id int PRIMARY KEY, p int, q int);
INSERT INTO p SELECT generate_series(1, 10);
INSERT INTO c SELECT g, g, CASE g WHEN 3 THEN 99 ELSE g END FROM generate_series(1, 10) g;
SELECT sg_plan_create('go');
SELECT sg_plan_add_fk('go', 'c', 'p', 'p'), sg_plan_add_fk('go', 'c', 'q', 'p');

-- never run; no such plan
SELECT schemaguard.sg_go('go');
EXECUTE rules;
SELECT count(*) FROM sg_orphan_audit(plan => 'go');
SELECT verdict, actual FROM schemaguard.sg_go_rules('go') WHERE metric = 'orphan rows';
-- what is known says that there are more, perhaps
BEGIN;
SELECT sg_plan_add_fk('go', 'c', 'id', 'p', fk_name => 'uncounted') > 0 AS added;
SELECT verdict, actual, reason FROM schemaguard.sg_go_rules('go') WHERE metric = 'orphan rows';
ROLLBACK;
SELECT schemaguard.sg_go('gone');
SELECT * FROM schemaguard.sg_go_figures('gone');
SELECT schemaguard.sg_go('');

-- run: one key fails for an orphan, and tests from before the run are of no use
SELECT count(*) > 0 AS tested FROM sg_verify_fks('go');
CALL sg_apply('go');
EXECUTE rules;
SELECT schemaguard.sg_go('go');
-- tested and measured; the machine may be busy meanwhile
INSERT INTO schemaguard.go_rule (plan, metric, target, weight) VALUES ('go', 'overhead, ms', 1e9, 'hold');
SELECT count(*) > 0 AS tested FROM sg_verify_fks('go', live => true);
SELECT count(*) FROM schemaguard.sg_measure_overhead('go', 10, 1);
SELECT verdict, metric, actual, rows_read, method FROM schemaguard.sg_go_rules('go') WHERE metric <> 'overhead, ms' ORDER BY metric COLLATE "C";
SELECT verdict, actual IS NOT NULL AS measured, rows_read > 0 AS rows_read FROM schemaguard.sg_go_rules('go') WHERE metric = 'overhead, ms';
-- mended
UPDATE c SET q = 3 WHERE id = 3;
CALL sg_apply('go');
SELECT schemaguard.sg_go('go') AS not_tested_since;
SELECT count(*) > 0 AS tested FROM sg_verify_fks('go', live => true);
SELECT schemaguard.sg_go('go');
SELECT verdict, count(*) FROM schemaguard.sg_go_rules('go') GROUP BY 1;
-- the calls that rules give are calls
SELECT DISTINCT next_call IS NULL AS none FROM schemaguard.sg_go_rules('go');

-- some steps are no test of the plan, and the catalogs do not unsay what attempts have found
BEGIN;
CREATE RULE keeps AS ON DELETE TO p DO INSTEAD NOTHING;
SELECT count(*) > 0 AS tested FROM sg_verify_fks('go', live => true);
SELECT schemaguard.sg_go('go') AS hold;
SELECT count(*) > 0 AS tested FROM sg_verify_fks('go');
SELECT schemaguard.sg_go('go') AS hold;
DROP RULE keeps ON p;
SELECT count(*) > 0 AS tested FROM sg_verify_fks('go', live => true, steps => '1');
SELECT schemaguard.sg_go('go') AS hold;
ROLLBACK;
-- but what they have found counts
BEGIN;
CREATE RULE keeps AS ON DELETE TO p DO INSTEAD NOTHING;
SELECT count(*) > 0 AS tested FROM sg_verify_fks('go', live => true, steps => '1');
SELECT verdict, actual FROM schemaguard.sg_go_rules('go') WHERE metric LIKE 'tests %' ORDER BY metric;
ROLLBACK;
-- so does what fails for any role, until it, or one that counts, runs all of them again
BEGIN;
INSERT INTO schemaguard.evidence (role, run_id, plan, plan_id, kind, figures)
    SELECT 'pg_monitor', gen_random_uuid(), e.plan, e.plan_id, e.kind, e.figures || '{"fail": 2, "unknown": 5}'
    FROM schemaguard.evidence e WHERE e.plan = 'go' AND e.kind = 'verify' ORDER BY e.id DESC LIMIT 1;
SELECT verdict, metric, actual FROM schemaguard.sg_go_rules('go') WHERE metric LIKE 'tests %' ORDER BY metric;
SAVEPOINT failed;
INSERT INTO schemaguard.evidence (role, run_id, plan, plan_id, kind, figures)
    SELECT e.role, gen_random_uuid(), e.plan, e.plan_id, e.kind, e.figures || '{"fail": 0}'
    FROM schemaguard.evidence e WHERE e.plan = 'go' AND e.kind = 'verify' ORDER BY e.id DESC LIMIT 1;
SELECT actual FROM schemaguard.sg_go_rules('go') WHERE metric = 'tests failed';
ROLLBACK TO failed;
SELECT count(*) > 0 AS tested FROM sg_verify_fks('go');
SELECT actual FROM schemaguard.sg_go_rules('go') WHERE metric = 'tests failed';
SELECT count(*) > 0 AS tested FROM sg_verify_fks('go', live => true);
SELECT actual FROM schemaguard.sg_go_rules('go') WHERE metric = 'tests failed';
-- alone they are no tests, but what fails is known
DELETE FROM schemaguard.evidence WHERE kind = 'verify' AND role <> 'pg_monitor';
SELECT verdict, metric, actual, reason FROM schemaguard.sg_go_rules('go') WHERE metric LIKE 'tests %' ORDER BY metric;
ROLLBACK;
-- one key measured is not each
BEGIN;
DELETE FROM schemaguard.evidence WHERE kind = 'overhead';
SELECT count(*) FROM schemaguard.sg_measure_overhead('go', 10, 1, steps => '1');
SELECT schemaguard.sg_go('go') AS hold;
SELECT verdict, actual, replace(reason, :'me', 'me') AS reason FROM schemaguard.sg_go_rules('go') WHERE metric = 'overhead, ms';
ROLLBACK;
-- what a dump has brought, and what anybody has run over his own, is of no use
BEGIN;
UPDATE schemaguard.evidence SET place = '1 elsewhere';
SELECT schemaguard.sg_go('go') AS hold;
ROLLBACK;
BEGIN;
UPDATE schemaguard.evidence SET role = 'pg_monitor' WHERE kind = 'verify';
SELECT schemaguard.sg_go('go') AS hold;
ROLLBACK;
-- a run of any role makes tests old
BEGIN;
INSERT INTO schemaguard.evidence (role, run_id, plan, plan_id, kind, figures, place)
    SELECT 'pg_monitor', e.run_id, e.plan, e.plan_id, e.kind, e.figures, e.place
    FROM schemaguard.evidence e WHERE e.plan = 'go' AND e.kind = 'after' ORDER BY e.id DESC LIMIT 1;
SELECT schemaguard.sg_go('go') AS hold;
SELECT verdict, reason FROM schemaguard.sg_go_rules('go') WHERE metric = 'tests failed';
ROLLBACK;
-- another key of the name is not the step's
BEGIN;
ALTER TABLE c DROP CONSTRAINT c_p_fkey;
ALTER TABLE c ADD CONSTRAINT c_p_fkey FOREIGN KEY (id) REFERENCES p;
SELECT count(*) FROM sg_orphan_audit('c');
SELECT verdict, actual, reason, next_call FROM schemaguard.sg_go_rules('go') WHERE metric = 'keys without proof';
ROLLBACK;
-- nor is one that does other things: the first is as planned
DO $$
DECLARE
    clause text;
BEGIN
    FOREACH clause IN ARRAY '{MATCH SIMPLE,ON DELETE CASCADE,ON UPDATE SET NULL,MATCH FULL,DEFERRABLE}'::text[] LOOP
        EXECUTE 'ALTER TABLE c DROP CONSTRAINT c_p_fkey';
        EXECUTE 'ALTER TABLE c ADD CONSTRAINT c_p_fkey FOREIGN KEY (p) REFERENCES p ' || clause;
        PERFORM sg_orphan_audit('c');
        RAISE WARNING '%: %', clause, (SELECT actual FROM schemaguard.sg_go_rules('go') WHERE metric = 'keys without proof');
    END LOOP;
    RAISE SQLSTATE 'UR000';
EXCEPTION WHEN SQLSTATE 'UR000' THEN
END $$;
-- a plan that is made anew has no rules of the one before
BEGIN;
SELECT sg_plan_create('go', replace => true);
SELECT count(*) FROM schemaguard.sg_go_rules('go') r WHERE r.metric = 'overhead, ms' AND r.target = '<= 1000000000';
ROLLBACK;
SELECT schemaguard.sg_go_verdict('[{"verdict": null}]'), schemaguard.sg_go_verdict('[{"verdict": "note", "weight": "note"}]');

-- an orphan that came past the key: an audit finds it
SET session_replication_role = replica;
UPDATE c SET q = 77 WHERE id = 4;
RESET session_replication_role;
SELECT schemaguard.sg_go('go') AS nobody_has_looked;
SELECT count(*) FROM sg_orphan_audit('c');
SELECT schemaguard.sg_go('go');
SELECT verdict, metric, actual, reason, next_call FROM schemaguard.sg_go_rules('go') WHERE verdict <> 'go';

-- rows that came back from quarantine are not as an audit has counted them
CREATE TABLE back (id int PRIMARY KEY, p int);
INSERT INTO back SELECT g, g FROM generate_series(1, 12) g;
SELECT sg_plan_create('back');
SELECT sg_plan_add_fk('back', 'back', 'p', 'p', orphans => 'quarantine');
CALL sg_apply('back', fix => true);
SELECT orphan_rows FROM sg_orphan_audit_details(plan => 'back');
CALL sg_rollback_fks('back');
SELECT verdict, actual, reason, next_call FROM schemaguard.sg_go_rules('back') WHERE metric = 'orphan rows';
SELECT r -> 0 AS risk FROM jsonb_path_query(sg_report('back', 'json')::jsonb, '$.sections[*] ? (@.title == "Risks that are left").rows[*]') r;
SELECT r -> 3 AS before, r -> 5 AS after FROM jsonb_path_query(sg_report('back', 'json')::jsonb, '$.sections[*] ? (@.title == "Orphans").rows[*]') r;
SELECT orphan_rows FROM sg_orphan_audit_details(plan => 'back');
SELECT verdict, actual FROM schemaguard.sg_go_rules('back') WHERE metric = 'orphan rows';
SELECT sg_plan_skip('back', '1', 'later');
SELECT r -> 0 AS risk FROM jsonb_path_query(sg_report('back', 'json')::jsonb, '$.sections[*] ? (@.title == "Risks that are left").rows[*]') r;
SELECT sg_plan_drop('back', force => true);
DROP TABLE back;

-- what can be neither tested nor measured has its reason, and the next call is not the one that has just run
CREATE TABLE bare (id int PRIMARY KEY);
CREATE TABLE bare_child (id int PRIMARY KEY, p int);
SELECT sg_plan_create('bare');
SELECT sg_plan_add_fk('bare', 'bare_child', 'p', 'bare');
CALL sg_apply('bare');
SELECT count(*) > 0 AS tested FROM sg_verify_fks('bare', live => true);
SELECT metric, reason FROM schemaguard.sg_go_rules('bare') WHERE verdict <> 'go';
SELECT count(*) > 0 AS measured FROM schemaguard.sg_measure_overhead('bare');
SELECT metric, reason, next_call FROM schemaguard.sg_go_rules('bare') WHERE verdict <> 'go';
SELECT next_call FROM schemaguard.sg_go_rules('bare') WHERE verdict <> 'go' \gexec
SELECT verdict, metric, target FROM schemaguard.sg_go_rules('bare') WHERE metric IN ('tests unknown', 'overhead, ms');
SELECT schemaguard.sg_go('bare');
DELETE FROM schemaguard.go_rule WHERE plan = 'bare';
SELECT sg_plan_drop('bare', force => true);
DROP TABLE bare_child, bare;

-- a table that becomes a partition: its key and index become parts of the partitioned table's
CREATE TABLE whole (id int NOT NULL, p int REFERENCES p) PARTITION BY RANGE (id);
CREATE INDEX ON whole (p);
CREATE TABLE part (id int NOT NULL, p int);
INSERT INTO part SELECT g, g FROM generate_series(1, 10) g;
SELECT sg_plan_create('part'), sg_plan_add('part', 'CREATE INDEX part_idx ON part (p)');
SELECT sg_plan_add_fk('part', 'part', 'p', 'p', fk_name => 'part_fk');
CALL sg_apply('part');
ALTER TABLE whole ATTACH PARTITION part FOR VALUES FROM (1) TO (100);
SELECT conparentid <> 0 AS inherited FROM pg_constraint WHERE conname = 'part_fk';
SELECT fk_name, test, result, reason FROM sg_verify_fks('part', live => true) WHERE test = 'present' OR result <> 'pass';
SELECT fk_name FROM sg_orphan_audit('whole');
SELECT verdict, actual, reason FROM schemaguard.sg_go_rules('part') WHERE metric IN ('keys without proof', 'tests failed');
CALL sg_apply('part');
SELECT step, state FROM schemaguard.plan_step WHERE plan = 'part' ORDER BY step;
-- a key that was dropped by hand is missed by its plan and by the database, one that was renamed is not
ALTER TABLE c RENAME CONSTRAINT c_p_fkey TO renamed;
SELECT actual, reason FROM schemaguard.sg_go_rules('go') WHERE metric = 'keys without proof';
ALTER TABLE c RENAME CONSTRAINT renamed TO c_p_fkey;
BEGIN;
SELECT count(*) AS missed FROM schemaguard.sg_gone_keys(NULL);
ALTER TABLE c RENAME p TO "P";
SELECT count(*) AS missed FROM schemaguard.sg_gone_keys(NULL);
ALTER TABLE c DROP COLUMN "P";
SELECT name, step, fk_name FROM schemaguard.sg_gone_keys(NULL);
SELECT reason, next_call FROM schemaguard.sg_go_rules() WHERE metric = 'keys without proof';
SELECT state, summary, next_call FROM sg_status() WHERE subject = 'plans';
DROP TABLE c, whole;
SELECT name, step, fk_name FROM schemaguard.sg_gone_keys(NULL) ORDER BY name, step;
ROLLBACK;
-- unless a plan has
SELECT sg_plan_create('away'), sg_plan_add('away', 'ALTER TABLE whole DETACH PARTITION part'), sg_plan_add('away', 'ALTER TABLE part DROP CONSTRAINT part_fk');
CALL sg_apply('away');
SELECT count(*) AS missed FROM schemaguard.sg_gone_keys(NULL);
SELECT sg_plan_drop('away', force => true), sg_plan_drop('part', force => true);
DROP TABLE whole, part;

-- rules of one's own: of the plan before those for all, a user's before what is shipped
INSERT INTO schemaguard.go_rule (metric, target, weight, why) VALUES ('orphan rows', 1, 'no-go', 'one is known');
SELECT verdict, target, actual, replace(reason, :'me', 'me') AS reason FROM schemaguard.sg_go_rules('go') WHERE metric = 'orphan rows';
INSERT INTO schemaguard.go_rule (plan, metric, operator, target, weight) VALUES ('go', 'orphan rows', '<', 1, 'note');
SELECT verdict, target, actual, replace(reason, :'me', 'me') AS reason FROM schemaguard.sg_go_rules('go') WHERE metric = 'orphan rows';
SELECT verdict, target FROM schemaguard.sg_go_rules() WHERE metric = 'orphan rows';
SELECT schemaguard.sg_go('go') AS hold_for_the_proof;
INSERT INTO schemaguard.go_rule (plan, metric, target, weight) VALUES ('go', 'keys without proof', 1, 'hold');
SELECT schemaguard.sg_go('go');
-- what nobody can tell is never go, whatever the rule says of it, but for a note
INSERT INTO schemaguard.go_rule (plan, metric, operator, target, weight) VALUES ('go', 'phase of the moon', '>=', 0, 'no-go');
SELECT verdict, actual, replace(reason, :'me', 'me') AS reason FROM schemaguard.sg_go_rules('go') WHERE metric = 'phase of the moon';
SELECT schemaguard.sg_go('go');
UPDATE schemaguard.go_rule SET weight = 'note' WHERE metric = 'phase of the moon';
SELECT schemaguard.sg_go('go');
-- each operator
DO $$
DECLARE
    op text;
    got text[];
BEGIN
    FOREACH op IN ARRAY '{<=,<,>=,>,=,<>}'::text[] LOOP
        UPDATE schemaguard.go_rule SET operator = op, weight = 'hold' WHERE plan = 'go' AND metric = 'orphan rows';
        got := got || (SELECT op || ' 1: ' || verdict FROM schemaguard.sg_go_rules('go') WHERE metric = 'orphan rows');
    END LOOP;
    RAISE WARNING '%', array_to_string(got, ', ');
END $$;
-- without any rule nothing is go
BEGIN;
DELETE FROM schemaguard.go_rule;
SELECT schemaguard.sg_go('go');
ROLLBACK;
-- the owner of the database adds rules, and leaves what is shipped
CREATE ROLE regress_go_owner;
BEGIN;
SELECT format('ALTER DATABASE %I OWNER TO regress_go_owner', current_database()) \gexec
SET ROLE regress_go_owner;
UPDATE schemaguard.go_rule SET target = 99999 WHERE metric = 'drift';
DELETE FROM schemaguard.go_rule WHERE metric = 'drift';
INSERT INTO schemaguard.go_rule (metric, target, weight) VALUES ('drift', 5, 'note');
SELECT target, weight, source FROM schemaguard.go_rule WHERE metric = 'drift' ORDER BY target;
INSERT INTO schemaguard.go_rule (metric, target, weight, source) VALUES ('drift', 6, 'note', 'shipped');
ROLLBACK;
DROP ROLE regress_go_owner;
-- not a rule
INSERT INTO schemaguard.go_rule (metric, target, weight) VALUES ('orphan rows', 'NaN', 'hold');
INSERT INTO schemaguard.go_rule (metric, target, weight) VALUES ('orphan rows', 1, 'maybe');
INSERT INTO schemaguard.go_rule (metric, operator, target, weight) VALUES ('orphan rows', '~', 1, 'hold');
INSERT INTO schemaguard.go_rule (metric, target, weight) VALUES ('orphan rows', 2, 'hold');

-- the database: without a gate, a check and tests nobody can tell
BEGIN;
DELETE FROM schemaguard.evidence;
DELETE FROM schemaguard.drift_run;
SELECT verdict, metric, reason, next_call FROM schemaguard.sg_go_rules() WHERE metric IN ('tests failed', 'drift');
SELECT schemaguard.sg_go() IN ('hold', 'no-go') AS never_go;
ROLLBACK;
-- drift: a comparison of two snapshots has not looked at the database, one with some schemas not at the others
BEGIN;
DELETE FROM schemaguard.drift_run;
CREATE SCHEMA "go, too";
CREATE TABLE "go, too".t ();
SELECT sg_snapshot_take('staging') > 0, sg_snapshot_take('next') > 0, sg_snapshot_take('part', '{go}') > 0;
SELECT sg_drift_check('staging', 'next');
SELECT verdict, actual, reason FROM schemaguard.sg_go_rules() WHERE metric = 'drift';
SELECT state, summary FROM sg_status() WHERE subject = 'drift';
SELECT sg_health() -> 'drift' ->> 'differences', count(*) FILTER (WHERE name = 'schemaguard_drift_age_seconds') FROM schemaguard.metrics;
SELECT sg_report() LIKE '%No check of this database for drift is on record.%';
SELECT sg_drift_check('part');
SELECT verdict, actual, reason LIKE 'schemas that no check has compared: %"go, too"%' AS named, next_call FROM schemaguard.sg_go_rules() WHERE metric = 'drift';
SELECT state, summary LIKE 'no drift; %; schemas that no check has compared: %"go, too"%' AS named FROM sg_status() WHERE subject = 'drift';
SELECT sg_health() -> 'drift' ->> 'schemas_not_compared' LIKE '%"go, too"%';
SELECT sg_report() LIKE '%, of these schemas only: go.%';
ALTER TABLE c ADD COLUMN drifts int;
SELECT sg_drift_check('part') > 0;
SELECT verdict, actual, reason LIKE 'at least _, schemas that no check has compared: %' AS named FROM schemaguard.sg_go_rules() WHERE metric = 'drift';
ALTER TABLE c DROP COLUMN drifts;
SELECT sg_drift_check('part'), sg_drift_check('next');
SELECT verdict, actual FROM schemaguard.sg_go_rules() WHERE metric = 'drift';
SELECT state, sg_health() -> 'drift' -> 'schemas_not_compared' AS beyond FROM sg_status() WHERE subject = 'drift';
-- another snapshot has taken the name: the check has not read it
SELECT sg_snapshot_drop('next'), sg_snapshot_drop('part');
SELECT sg_snapshot_take('next') > 0;
SELECT verdict, actual, reason FROM schemaguard.sg_go_rules() WHERE metric = 'drift';
ROLLBACK;
CALL sg_audit_gate('go', fail => false);
SELECT actual > 0 AS some, verdict FROM schemaguard.sg_go_rules('go') WHERE metric = 'findings not accepted';
SELECT sg_audit_accept('c_q_fkey', 'known');
SELECT actual, verdict FROM schemaguard.sg_go_rules('go') WHERE metric = 'findings not accepted';
-- what is accepted no more is not under Accepted, and a rule of a plan that is not there is asked by nobody
PREPARE accepted AS SELECT r ->> 1 AS accepted FROM jsonb_path_query(sg_report('go', 'json')::jsonb, '$.sections[*] ? (@.title == "Accepted").rows[*]') r;
EXECUTE accepted;
BEGIN;
UPDATE schemaguard.finding SET accepted_until = now() - interval '1 day' WHERE property = 'c_q_fkey';
EXECUTE accepted;
INSERT INTO schemaguard.go_rule (plan, metric, target, weight) VALUES ('Go', 'orphan rows', 0, 'no-go');
SELECT r AS unchecked FROM jsonb_path_query(sg_report(NULL, 'json')::jsonb, '$.sections[*] ? (@.title == "Not checked").rows[*]') r WHERE r ->> 0 LIKE 'rules of %';
ROLLBACK;

-- another role: it may not read the plan; then it may, and sees of runs only its own
CREATE ROLE regress_go;
GRANT USAGE ON SCHEMA go TO regress_go;
SET ROLE regress_go;
SELECT schemaguard.sg_go('go');
SELECT count(*) FROM schemaguard.go_rule WHERE plan = 'go';
INSERT INTO schemaguard.go_rule (metric, target, weight) VALUES ('steps failed', 9, 'note');
RESET ROLE;
SELECT sg_plan_allow('go', 'regress_go');
SET ROLE regress_go;
SELECT verdict, metric, actual, replace(reason, :'me', 'me') AS reason FROM schemaguard.sg_go_rules('go') WHERE actual IS NULL ORDER BY metric COLLATE "C";
SELECT schemaguard.sg_go('go') AS never_go;
-- what it knows to be bad it does know, and the least that it can be is never go
RESET ROLE;
BEGIN;
INSERT INTO schemaguard.evidence (role, run_id, plan, plan_id, kind, figures)
    SELECT 'regress_go', gen_random_uuid(), e.plan, e.plan_id, e.kind, e.figures || '{"fail": 2}'
    FROM schemaguard.evidence e WHERE e.plan = 'go' AND e.kind = 'verify' ORDER BY e.id DESC LIMIT 1;
SET ROLE regress_go;
SELECT schemaguard.sg_go('go');
SELECT verdict, actual, reason, next_call FROM schemaguard.sg_go_rules('go') WHERE metric LIKE 'tests %';
RESET ROLE;
INSERT INTO schemaguard.go_rule (metric, target, weight) VALUES ('tests failed', 5, 'no-go');
SET ROLE regress_go;
SELECT verdict, target, actual FROM schemaguard.sg_go_rules('go') WHERE metric = 'tests failed';
ROLLBACK;
SET ROLE regress_go;
SELECT count(*) > 0 AS of_the_plan FROM schemaguard.go_rule WHERE plan = 'go';
RESET ROLE;

DELETE FROM schemaguard.go_rule WHERE source = 'user';
CALL sg_rollback_fks('go');
SELECT schemaguard.sg_go('go');
SELECT sg_plan_drop('go');
DROP OWNED BY regress_go;
DROP ROLE regress_go;
DROP SCHEMA go CASCADE;
