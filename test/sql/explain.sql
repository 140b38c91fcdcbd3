-- What a step will do, in sentences
-- rooms: report plan
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS schemaguard;
SET client_min_messages = notice;
CREATE SCHEMA exp;
SET search_path = exp, public;
CREATE TABLE customer (id int PRIMARY KEY);
CREATE TABLE "My Orders" (id int PRIMARY KEY, customer_id int, note text);
SELECT sg_plan_create('exp') \g /dev/null
SELECT sg_plan_add_fk('exp', '"My Orders"', 'customer_id', 'customer', fk_name => 'a key'),
       sg_plan_add_check('exp', '"My Orders"', 'id > 0', 'positive', policy => 'delete'),
       sg_plan_add_not_null('exp', '"My Orders"', 'note', policy => 'quarantine'), sg_plan_add_unique('exp', '"My Orders"', 'note'),
       sg_plan_add_column('exp', 'customer', 'born', 'int', '1'), sg_plan_add_default('exp', 'customer', 'id', '7'),
       sg_plan_add_index('exp', 'customer', '(born)', after => '5'), sg_plan_add_statement('exp', 'CREATE VIEW exp.v AS SELECT 1'),
       sg_plan_add_drop('exp', 'column', '"My Orders"', 'customer_id', phase => 'later'),
       sg_plan_add_rename('exp', 'table', 'customer', 'client') \g /dev/null
-- before 18, NOT NULL goes by a CHECK
SELECT * FROM unnest('{1,2,4,5,6,7,8,9,10}'::int[]) AS s (step), LATERAL (SELECT what, locks, takes FROM sg_plan_explain('exp', s.step)
    WHERE what !~ '^(In all|A lock)') x;
-- a whole plan is its steps, one after the other
SELECT (SELECT array_agg(what) FROM sg_plan_explain('exp')) = (SELECT array_agg(e.what ORDER BY s.place, e.place)
    FROM unnest(sg_plan_steps('exp')) WITH ORDINALITY s (step, place), LATERAL sg_plan_explain('exp', s.step) WITH ORDINALITY e (what, locks, takes, statement, place)) AS same;
SELECT what, statement FROM sg_plan_explain('exp', 2) \gx
SELECT sg_plan_skip('exp', '{1}', 'not now'), sg_plan_set('exp', '{2}', '{"child_table": "exp.nowhere"}') \g /dev/null
SELECT what FROM sg_plan_explain('exp', 1);
SELECT what, statement FROM sg_plan_explain('exp', 2) LIMIT 1;
SELECT statement FROM sg_plan_explain('exp', 9) LIMIT 1;
CREATE TABLE old AS SELECT 1 AS n;
SELECT sg_plan_add_statement('exp', 'TRUNCATE exp.old', undo => 'DELETE FROM exp.old') \g /dev/null
SELECT what FROM sg_plan_explain('exp', 11) WHERE what !~ '^(In all|A lock)';
INSERT INTO "My Orders" (id, note) VALUES (1, 'a'), (2, NULL);
SELECT sg_plan_add_drop('exp', 'column', '"My Orders"', 'note', keep => false) \g /dev/null
SELECT what FROM sg_plan_explain('exp', 12) WHERE what !~ '^(In all|A lock)';
SELECT * FROM sg_plan_explain('exp', 99);
SELECT * FROM sg_plan_explain('nothing', 1);
SELECT * FROM sg_plan_explain('exp', '{}');
SELECT count(*) FROM sg_plan_explain('exp') WHERE what ~ '^Step [0-9]+,';
SELECT what FROM sg_plan_explain('exp', '{4,1}') WHERE what ~ '^Step';
-- no function of ours within is named beside an error
\set SHOW_CONTEXT always
SELECT * FROM sg_plan_explain('exp', 99);
SELECT sg_graph('png');

-- policy set keeps old values
SELECT sg_plan_add_check('exp', '"My Orders"', 'id < 9', 'small', policy => 'set', child_column => 'id', fill => '8') AS set_step \gset
SELECT what FROM sg_plan_explain('exp', :set_step) WHERE what ~ '^Rows that';

-- rows that go along, and a key that stays NOT VALID
CREATE TABLE line (id int PRIMARY KEY, o int REFERENCES "My Orders", up int REFERENCES line);
CREATE TABLE part (l int);
SELECT sg_plan_create('along'), sg_plan_add_fk('along', '"My Orders"', 'customer_id', 'customer', orphans => 'quarantine', quarantine_cascades => true),
       sg_plan_add_fk('along', 'part', 'l', 'line', orphans => 'leave') \g /dev/null
SELECT what, statement FROM sg_plan_explain('along') WHERE what ~ '^(Step|Rows|All rows)';
SELECT sg_plan_drop('along') \g /dev/null
-- a key of partitions, by what PostgreSQL takes before 18
SELECT what, locks FROM schemaguard.sg_explain_statement('ALTER TABLE e.c ADD CONSTRAINT k FOREIGN KEY (p) REFERENCES e.p;', false);
SELECT what, locks FROM schemaguard.sg_explain_statement('CREATE INDEX i ON e.c (p);', false);

SELECT sg_plan_drop('exp') \g /dev/null
SET client_min_messages = warning;
DROP SCHEMA exp CASCADE;
