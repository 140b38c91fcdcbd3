-- sg_verify_fks and what exists from PostgreSQL 18 on: NOT ENFORCED and PERIOD
-- since: 18
-- rooms: verify
\set VERBOSITY terse
\set SHOW_CONTEXT never
SET client_min_messages = warning;
SET schemaguard.live_search = '1min';
CREATE EXTENSION IF NOT EXISTS schemaguard;
CREATE SCHEMA ver18;
SET search_path = ver18, public;
SET schemaguard.lock_timeout = '60s';
SET schemaguard.statement_timeout = '60s';
CREATE TABLE p (id int PRIMARY KEY);
CREATE TABLE c (id int PRIMARY KEY, p int, q int);
INSERT INTO p SELECT generate_series(1, 9);
INSERT INTO c VALUES (1, 1, 1), (2, 2, 2);
ALTER TABLE c ADD CONSTRAINT loose FOREIGN KEY (p) REFERENCES p NOT ENFORCED;
ALTER TABLE c ADD CONSTRAINT strict FOREIGN KEY (q) REFERENCES p ON DELETE RESTRICT;
SELECT fk_name, test, expected, observed, result, reason FROM sg_verify_fks_details(live => true);
-- a plan that wants them the other way round, and one that wants what is there
SELECT sg_plan_create('ver18');
SELECT sg_plan_add_fk('ver18', 'c', '{p}', 'p', fk_name => 'loose');
SELECT sg_plan_add_fk('ver18', 'c', '{q}', 'p', fk_name => 'strict', on_delete => 'restrict', enforced => false);
SELECT fk_name, test, expected, observed, result, reason FROM sg_verify_fks_details('ver18', live => true) WHERE test NOT LIKE 'on %';
SELECT sg_plan_set('ver18', '{1}', '{"enforced": false}');
SELECT fk_name, test, expected, observed, result, reason FROM sg_verify_fks_details('ver18', live => true) WHERE fk_name = 'loose';
SELECT step, operation, reason FROM schemaguard.sg_measure_overhead('ver18') WHERE step = 1;
CREATE TABLE pp (id int4range, during int4range, PRIMARY KEY (id, during WITHOUT OVERLAPS));
CREATE TABLE cp (id int4range, during int4range, CONSTRAINT times FOREIGN KEY (id, PERIOD during) REFERENCES pp (id, PERIOD during));
SELECT fk_name, test, observed, result, reason FROM sg_verify_fks_details(live => true) WHERE fk_name = 'times';
SELECT sg_plan_drop('ver18', force => true);
SET client_min_messages = error;
DROP SCHEMA ver18 CASCADE;
