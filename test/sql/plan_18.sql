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
DROP SCHEMA plan_18 CASCADE;
