-- Clauses that exist from PostgreSQL 18 on: NOT ENFORCED and PERIOD.  On older servers (the other expected file) a plan
-- refuses or notes them.
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS schemaguard;
\set VERBOSITY terse
\set SHOW_CONTEXT never

CREATE SCHEMA plan_18;
SET search_path = plan_18, public;
CREATE TABLE p (id int PRIMARY KEY);
CREATE TABLE c (id int, a int, b int);

SELECT sg_plan_create('eighteen');
SELECT sg_plan_add_fk('eighteen', 'c', '{id}', 'p', enforced => false);
SELECT sg_plan_add_fk('eighteen', 'c', '{a}', 'p');
SELECT sg_plan_set('eighteen', 1, 'enforced', 'false');
SELECT sg_plan_set('eighteen', 1, 'enforced', 'true');
SELECT sg_plan_from_sql('eighteen', $$
ALTER TABLE c ADD CONSTRAINT loose FOREIGN KEY (b) REFERENCES p NOT ENFORCED;
CREATE TABLE d (x int REFERENCES p NOT ENFORCED, y int REFERENCES p ENFORCED);
ALTER TABLE c ADD CONSTRAINT spans FOREIGN KEY (id, PERIOD b) REFERENCES p (id, PERIOD b);
$$);
SELECT step, child_columns, fk_name, enforced, orphans, state, reason FROM schemaguard.plan_step WHERE plan = 'eighteen' ORDER BY step;
SELECT line, reason FROM schemaguard.plan_note WHERE plan = 'eighteen' ORDER BY line;
SELECT * FROM sg_plan_sql('eighteen');

-- A step that no plan can deploy stays skipped.
SELECT sg_plan_set('eighteen', step, 'state', 'pending') FROM schemaguard.plan_step WHERE plan = 'eighteen' AND fk_name = 'spans';
SELECT sg_plan_skip('eighteen', step, 'other reason') FROM schemaguard.plan_step WHERE plan = 'eighteen' AND fk_name = 'spans';
SELECT sg_plan_import('eighteen too', sg_plan_export('eighteen'));
SELECT sg_plan_set('eighteen too', step, 'state', 'pending') FROM schemaguard.plan_step WHERE plan = 'eighteen too' AND fk_name = 'spans';
SELECT sg_plan_import('eighteen three', '{"schemaguard_plan": 1, "plan": "x", "steps": [{"child_table": "c", "child_columns": ["id"],
                      "parent_table": "p", "enforced": false}]}');
SELECT sg_plan_drop(name) FROM schemaguard.plan WHERE name ~ '^eighteen' ORDER BY name;

-- A plain key is not judged by a PERIOD key on the same columns: coverage is not equality.
CREATE TABLE spans (id int4range, v int4range, UNIQUE (id, v), PRIMARY KEY (id, v WITHOUT OVERLAPS));
CREATE TABLE stays (id int4range, v int4range, CONSTRAINT covered FOREIGN KEY (id, PERIOD v) REFERENCES spans (id, PERIOD v));
INSERT INTO spans VALUES ('[1,2)', '[0,10)');
INSERT INTO stays VALUES ('[1,2)', '[3,5)');
SELECT sg_plan_create('plain');
SELECT sg_plan_add_fk('plain', 'stays', '{id,v}', 'spans', '{id,v}', fk_name => 'plain', index => false);
SELECT fk_name, source, state, orphan_rows, result FROM sg_orphan_audit('stays');
SELECT fk_name, source, state, orphan_rows, result FROM sg_orphan_audit(plan => 'plain');
SELECT sg_plan_drop('plain');
DROP SCHEMA plan_18 CASCADE;
