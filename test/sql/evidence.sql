-- schemaguard.evidence: figures that calls leave for reports; and why a step is to be done
-- rooms: log run verify plan
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS schemaguard;
CREATE SCHEMA evi;
SET search_path = evi, public;
CREATE TABLE p (id int PRIMARY KEY);
CREATE TABLE c (id int PRIMARY KEY, p int, q int, note text CHECK (note <> ''));
INSERT INTO p SELECT generate_series(1, 10);
INSERT INTO c SELECT g, g, CASE g WHEN 3 THEN 99 END FROM generate_series(1, 10) g;
SELECT sg_plan_create('evidence');
SELECT sg_plan_add_fk('evidence', 'c', 'p', 'p'), sg_plan_add_fk('evidence', 'c', 'q', 'p');
SELECT sg_plan_add('evidence', 'ALTER TABLE c ALTER p SET NOT NULL', '{"rationale": "rows of nobody"}');

-- why
SELECT sg_plan_set('evidence', 1, '{"rationale": "<b>orders</b> of nobody were shipped"}');
SELECT step, rationale FROM schemaguard.plan_step WHERE plan = 'evidence' ORDER BY step;
SELECT jsonb_path_query_array(sg_plan_export('evidence'), '$.steps[*].rationale');
SELECT sg_plan_import('evidence_copy', sg_plan_export('evidence'));
SELECT step, rationale FROM schemaguard.plan_step WHERE plan = 'evidence_copy' ORDER BY step;
SELECT schemaguard.sg_plan_hash('evidence') AS hash \gset
SELECT sg_plan_set('evidence', 2, '{"rationale": "for the report"}');
SELECT schemaguard.sg_plan_hash('evidence') <> :'hash' AS another_plan;
SELECT sg_plan_set('evidence', 2, '{"rationale": null}');
SELECT sg_plan_drop('evidence_copy');

-- before and after: what a dry run would do is none
SELECT schemaguard.sg_figures() AS before \gset
CALL sg_fix_orphans('evidence', dry_run => true);
CALL sg_apply('evidence');
-- done, it can still be given
SELECT sg_plan_set('evidence', 1, '{"rationale": "as decided"}');
SELECT kind, plan, role = current_user AS by_me, plan_id = (SELECT id FROM schemaguard.plan WHERE name = 'evidence') AS of_it,
       run_id = (SELECT max(run_id::text)::uuid FROM schemaguard.audit_log l WHERE l.plan = 'evidence' AND action = 'add') AS of_that_run
FROM schemaguard.evidence WHERE plan = 'evidence' ORDER BY id;
SELECT b.key, a.value::int - b.value::int AS more
FROM schemaguard.evidence e, schemaguard.evidence f, jsonb_each_text(e.figures) b JOIN jsonb_each_text(:'before') n ON n = b,
     LATERAL (SELECT f.figures ->> b.key) a (value)
WHERE e.plan = 'evidence' AND e.kind = 'before' AND f.plan = 'evidence' AND f.kind = 'after' ORDER BY b.key COLLATE "C";
CALL sg_rollback_fks('evidence', steps => 3);
SELECT kind, figures ->> 'foreign keys' = :'before'::jsonb ->> 'foreign keys' AS keys_as_before FROM schemaguard.evidence
WHERE plan = 'evidence' ORDER BY id;
-- partitions, temporary tables and ours are not counted
CREATE TABLE part (id int PRIMARY KEY) PARTITION BY LIST (id);
CREATE TABLE part_1 PARTITION OF part FOR VALUES IN (1);
CREATE TEMPORARY TABLE temp (id int PRIMARY KEY);
SELECT (schemaguard.sg_figures() ->> 'tables')::int - (:'before'::jsonb ->> 'tables')::int AS tables,
       (schemaguard.sg_figures() ->> 'indexes')::int - (:'before'::jsonb ->> 'indexes')::int AS indexes;

-- tests: of a plan, of the whole database; which test of which object, and no word of its rows
SELECT count(*) > 0 AS tested FROM sg_verify_fks('evidence');
SELECT plan, figures FROM schemaguard.evidence WHERE kind = 'verify' ORDER BY id DESC LIMIT 1;
SELECT count(*) > 0 AS tested FROM sg_verify_fks(live => true);
SELECT plan, plan_id, figures -> 'live' AS live, (figures ->> 'pass')::int > 0 AS passed FROM schemaguard.evidence WHERE kind = 'verify' ORDER BY id DESC LIMIT 1;

-- overhead: times are there where something was measured
SELECT count(*) FROM schemaguard.sg_measure_overhead('evidence', 10, 1);
SELECT o ->> 'step' AS step, o ->> 'operation' AS operation, o ? 'with_us' AND o ? 'without_us' AND o ? 'rows' AS measured
FROM schemaguard.evidence, jsonb_array_elements(figures) o WHERE kind = 'overhead' AND plan = 'evidence';

-- a role sees what it has left itself; who may not write leaves nothing
CREATE ROLE regress_evidence;
GRANT USAGE ON SCHEMA evi TO regress_evidence;
GRANT SELECT ON ALL TABLES IN SCHEMA evi TO regress_evidence;
SET ROLE regress_evidence;
SELECT count(*) FROM sg_verify_fks() WHERE child_table LIKE 'evi.%';
SELECT count(*) FROM schemaguard.evidence;
RESET ROLE;
SELECT sg_grant('regress_evidence');
SET ROLE regress_evidence;
SELECT count(*) > 0 AS tested FROM sg_verify_fks();
SELECT kind, role FROM schemaguard.evidence;
DELETE FROM schemaguard.evidence;
BEGIN READ ONLY;
SELECT count(*) > 0 AS tested FROM sg_verify_fks();
COMMIT;
SELECT count(*) FROM schemaguard.evidence;
RESET ROLE;

-- time goes by
SELECT count(*) > 5 AS some FROM schemaguard.evidence;
CALL sg_prune(now(), 'evidence');
SELECT count(*) FROM schemaguard.evidence;

CALL sg_rollback_fks('evidence');
SELECT sg_plan_drop('evidence');
SELECT sg_revoke('regress_evidence');
DROP OWNED BY regress_evidence;
DROP ROLE regress_evidence;
DROP SCHEMA evi CASCADE;
