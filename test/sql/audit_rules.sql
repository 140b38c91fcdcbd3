-- Rules beside keys: CHECK, NOT NULL and UNIQUE, counted, sampled and listed, by scan and by query, in one pass with the
-- table's keys. What the server itself says of random ones is in test/t/015_rules_differential.pl.
-- rooms: audit
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS schemaguard;
RESET client_min_messages;
\set VERBOSITY terse
CREATE SCHEMA rules;
SET search_path = rules, public;
-- one process, so that the words of an error do not depend on who came upon it
SET schemaguard.audit_workers = 0;
CREATE TYPE verdict AS (rule_name text, result text, rows_checked bigint, violating_rows bigint, groups bigint, sample jsonb, reason text, method text);
CREATE FUNCTION judged(child regclass, kind text DEFAULT NULL, definition text DEFAULT NULL, samples int DEFAULT 3)
RETURNS SETOF verdict LANGUAGE sql AS $$
    SELECT name, result, rows_checked, violating_rows, groups, sample, reason, method
    FROM sg_rule_audit_details(child, kind, definition, samples),
         -- before 18, NOT NULL has no name
         LATERAL (SELECT CASE WHEN rule_kind <> 'not null' THEN rule_name END COLLATE "C") n (name)
    ORDER BY name, rule_columns
$$;

CREATE TABLE p (id int PRIMARY KEY);
INSERT INTO p VALUES (1), (2);
CREATE TABLE t (gone text, id int PRIMARY KEY, a int, b text COLLATE "C", parent int);
INSERT INTO t VALUES ('x', 1, 1, 'a', 1), ('x', 2, NULL, 'a', 2), ('x', 3, 3, NULL, 3), (NULL, 4, 1, 'a', NULL), ('x', 5, NULL, 'a', 1);
ALTER TABLE t DROP COLUMN gone, ADD late int DEFAULT 7;

-- null is no violation of a CHECK; nulls are distinct for UNIQUE unless it says otherwise
SELECT * FROM judged('t', 'check', 'a < 3');
SELECT * FROM judged('t', 'check', 'late <> 7 OR t IS NOT NULL', 1);
SELECT * FROM judged('t', 'check', 'true');
SELECT * FROM judged('t', 'not null', 'a', 1);
SELECT * FROM judged('t', 'not null', 'late');
SELECT * FROM judged('t', 'unique', '(a, b)');
SELECT * FROM judged('t', 'unique', 'NULLS NOT DISTINCT (b, a)', 1);
SELECT * FROM judged('t', 'unique', '(id)');
SELECT * FROM sg_rule_violations('t', 'check', 'a < 3');
SELECT * FROM sg_rule_violations('t', 'not null', 'a', 1);
SELECT data ->> 'id' AS id FROM sg_rule_violations('t', 'unique', '(a, b)') ORDER BY id;
SET schemaguard.audit_method = 'sql';
SELECT * FROM judged('t', 'check', 'a < 3');
SELECT * FROM judged('t', 'not null', 'a', 1);
SELECT * FROM judged('t', 'unique', '(a, b)');
SELECT * FROM judged('t', 'unique', 'NULLS NOT DISTINCT (b, a)', 1);
RESET schemaguard.audit_method;

-- what can't be judged, and what is no rule
SELECT * FROM judged('t', 'check', 'random() < 2');
SELECT * FROM judged('t', 'check', '6 / (a - 3) < 0');
CREATE FUNCTION loud(int) RETURNS boolean LANGUAGE plpgsql STABLE AS $$BEGIN RAISE EXCEPTION 'secret %', $1 USING ERRCODE = 'SG999'; END$$;
SELECT * FROM judged('t', 'check', 'loud(id)');
CREATE TABLE unordered (j json, v int GENERATED ALWAYS AS (1) STORED);
SELECT * FROM judged('unordered', 'unique', '(v, j)');
SELECT * FROM judged('t', 'check', 'id IN (SELECT 1)');
SELECT * FROM judged('t', 'check', 'id > 0) NOT VALID, DROP COLUMN (a');
SELECT * FROM judged('t', 'check', 'id > 0), ADD CHECK (a > 0');
SELECT * FROM judged('t', 'check', 'none > 0');
SELECT * FROM judged('t', 'not null', 'a, b');
SELECT * FROM judged('t', 'not null', 'gone');
SELECT * FROM judged('t', 'unique', '(a) DEFERRABLE, ADD UNIQUE (b)');
SELECT * FROM judged('t', 'trigger', 'a');
SELECT * FROM judged('t', 'check');
SELECT * FROM judged('t', samples => -1);
CREATE VIEW a_view AS SELECT 1;
SELECT * FROM judged('a_view', 'check', 'true');
SELECT count(*) FROM pg_attribute WHERE attrelid = 't'::regclass AND attname IN ('a', 'b');

-- all that a table promises, in one pass; what raises costs the others nothing but a second one
ALTER TABLE t ADD CONSTRAINT a_small CHECK (a < 3) NOT VALID, ADD CONSTRAINT b_short CHECK (length(b) = 1) NOT VALID,
    ADD CONSTRAINT fk FOREIGN KEY (parent) REFERENCES p NOT VALID, ADD CONSTRAINT own CHECK (id > 0) NO INHERIT NOT VALID;
BEGIN;
SELECT pg_stat_get_xact_numscans('t'::regclass) AS before \gset
SELECT rule_kind, rule_columns, j.result, j.violating_rows, j.sample, j.method FROM sg_rule_audit_details('t') j
ORDER BY rule_kind COLLATE "C", rule_columns;
SELECT pg_stat_get_xact_numscans('t'::regclass) - :before AS passes;
ROLLBACK;
ALTER TABLE t ADD CONSTRAINT loud CHECK (loud(id)) NOT VALID;
BEGIN;
SELECT pg_stat_get_xact_numscans('t'::regclass) AS before \gset
SELECT rule_name, result, violating_rows, reason FROM judged('t');
SELECT pg_stat_get_xact_numscans('t'::regclass) - :before AS passes;
ROLLBACK;

-- partitions and children have columns at other places; keys and NO INHERIT do not know children
CREATE TABLE parted (k int, a int, b text) PARTITION BY LIST (k);
CREATE TABLE parted_1 (b text, k int, x int, a int);
ALTER TABLE parted_1 DROP COLUMN x;
ALTER TABLE parted ATTACH PARTITION parted_1 FOR VALUES IN (1);
CREATE TABLE parted_2 PARTITION OF parted DEFAULT;
INSERT INTO parted VALUES (1, 1, 'a'), (1, 5, 'b'), (2, 6, 'b'), (3, NULL, 'c'), (3, 1, 'a');
SELECT * FROM judged('parted', 'check', 'a < 5 AND (parted).b <> ''c''') \gx
SELECT * FROM judged('parted', 'not null', 'a');
SELECT * FROM judged('parted', 'unique', '(a, b)');
SELECT row_table, data FROM sg_rule_violations('parted', 'check', 'a < 5') ORDER BY row_table::text;
CREATE TABLE parent (id int PRIMARY KEY, a int);
CREATE TABLE kid (b int) INHERITS (parent);
-- whole rows are other ones there, and the server refuses the CHECK
SELECT result, reason FROM judged('parent', 'check', 'parent IS NOT NULL');
SELECT result, reason FROM judged('kid', 'check', 'kid IS NOT NULL');
CREATE TABLE foster (b int, a int, id int NOT NULL);
ALTER TABLE foster INHERIT parent;
INSERT INTO parent VALUES (1, 1);
INSERT INTO kid VALUES (1, 8, 9), (2, 1, 9);
INSERT INTO foster VALUES (1, NULL, 1);
SELECT * FROM judged('parent', 'check', 'a < 5');
SELECT * FROM judged('parent', 'not null', 'a');
SELECT * FROM judged('parent', 'unique', '(id)');
SET schemaguard.audit_method = 'sql';
SELECT rows_checked, violating_rows FROM judged('parent', 'check', 'a < 5');
SELECT rows_checked, violating_rows FROM judged('parent', 'unique', '(id)');
RESET schemaguard.audit_method;
ALTER TABLE parent ADD CONSTRAINT alone CHECK (a < 5) NO INHERIT, ADD CONSTRAINT all_of_us CHECK (a < 5) NOT VALID;
BEGIN;
SELECT pg_stat_get_xact_numscans('parent'::regclass) AS before \gset
SELECT rule_name, result, rows_checked, violating_rows FROM judged('parent') WHERE rule_name IN ('alone', 'all_of_us');
SELECT pg_stat_get_xact_numscans('parent'::regclass) - :before AS passes;
ROLLBACK;

-- composite values: NOT NULL does not look into them, a condition may
CREATE TYPE pair AS (x int, y int);
CREATE TABLE composed (c pair, d pair[]);
INSERT INTO composed VALUES (ROW(NULL, NULL), NULL), (ROW(1, NULL), '{}'), (NULL, '{"(1,2)"}');
SELECT violating_rows, sample FROM judged('composed', 'not null', 'c');
SELECT violating_rows FROM judged('composed', 'check', 'c IS NOT NULL');
SELECT violating_rows FROM judged('composed', 'check', '(c).x IS DISTINCT FROM 1 AND cardinality(d) > 0');

-- the rows that stand in the way of a plan's steps
SELECT sg_plan_create('rules');
SELECT sg_plan_add_check('rules', 'rules.t', 'a < 3', 'c'), sg_plan_add_not_null('rules', 'rules.t', 'a', 'n'),
    sg_plan_add_unique('rules', 'rules.t', '{a,b}', 'u'), sg_plan_add_default('rules', 'rules.t', 'a', '1'),
    sg_plan_add_fk('rules', 'rules.t', '{parent}', 'rules.p', fk_name => 'f', index => false),
    sg_plan_add_check('rules', 'rules.t', 'gone > 1', 'g'), sg_plan_add_not_null('rules', 'rules.missing', 'a');
SELECT step, v.row_id, v.data ->> 'id' AS id FROM generate_series(1, 3) step, sg_violations('rules', step) v ORDER BY step, id;
SELECT row_table, row_id, data ->> 'parent' AS parent FROM sg_violations('rules', 5);
SELECT count(*) FROM sg_violations('rules', 3, 1);
SELECT * FROM sg_violations('rules', 4);
SELECT * FROM sg_violations('rules', 6);
SELECT * FROM sg_violations('rules', 7);
SELECT * FROM sg_violations('rules', 8);
SELECT * FROM sg_violations('rules', 1, -1);

-- without the rights: columns one may read, and rows that policies hide
CREATE ROLE regress_sg_rules_reader;
GRANT USAGE ON SCHEMA rules TO regress_sg_rules_reader;
GRANT SELECT (a) ON t TO regress_sg_rules_reader;
GRANT SELECT ON parted TO regress_sg_rules_reader;
ALTER TABLE parted ENABLE ROW LEVEL SECURITY;
SET ROLE regress_sg_rules_reader;
SELECT result, violating_rows, sample FROM judged('t', 'check', 'a < 3');
SELECT result, reason FROM judged('t', 'check', 'a < 3 OR b = ''a''');
SELECT result, reason FROM judged('parted', 'not null', 'a');
SELECT * FROM sg_rule_violations('t', 'check', 'a < 3');
SELECT * FROM sg_violations('rules', 1);
RESET ROLE;

SET client_min_messages = warning;
SELECT sg_plan_drop('rules') \g /dev/null
DROP SCHEMA rules CASCADE;
DROP ROLE regress_sg_rules_reader;
