-- sg_lint(): each rule has what it finds (bad) and what it leaves alone (good)
-- rooms: report
\set VERBOSITY terse
\set SHOW_CONTEXT never
SET client_min_messages = warning;
SET timezone = 'UTC';
CREATE EXTENSION IF NOT EXISTS schemaguard;
CREATE SCHEMA lint;
CREATE SCHEMA "lint ""else";
SET search_path = lint, public;
PREPARE lint AS SELECT severity, rule, object, message FROM sg_lint_details('{lint}');

CREATE TABLE good (id bigint PRIMARY KEY, code text COLLATE "C" UNIQUE, UNIQUE (id, code));
SELECT * FROM sg_lint('{lint}');
SELECT * FROM sg_lint('{lint,nowhere}');

-- keys: one of each, and a child without faults
CREATE TABLE child (id bigint PRIMARY KEY, good bigint REFERENCES good (id), code text COLLATE "C" REFERENCES good (code) ON DELETE SET NULL);
CREATE INDEX ON child (good);
CREATE INDEX ON child (code, good);
EXECUTE lint;
CREATE TABLE bad (
    id int PRIMARY KEY,
    "not" bigint,
    small int CONSTRAINT narrower REFERENCES good,
    v varchar CONSTRAINT mismatch REFERENCES good (code),
    e text COLLATE "POSIX" CONSTRAINT collated REFERENCES good (code),
    g bigint NOT NULL CONSTRAINT one REFERENCES good CONSTRAINT two REFERENCES good CONSTRAINT three REFERENCES good ON DELETE SET NULL,
    h text COLLATE "C",
    CONSTRAINT four FOREIGN KEY (h, g) REFERENCES good (code, id));
ALTER TABLE bad ADD CONSTRAINT "not valid" FOREIGN KEY ("not") REFERENCES good NOT VALID;
CREATE INDEX ON bad (small);
CREATE INDEX ON bad (v);
CREATE INDEX ON bad (e);
CREATE INDEX ON bad (g, h);
CREATE INDEX ON bad ("not") WHERE "not" > 0;
EXECUTE lint;
SELECT rule, object, fix FROM sg_lint('{lint}') WHERE fix IS NOT NULL ORDER BY rule, object COLLATE "C";

-- of two keys that say the same the one stays that is checked; one that is checked later does not say the same
CREATE TABLE twice (id bigint PRIMARY KEY, good bigint CONSTRAINT elder REFERENCES good);
CREATE INDEX ON twice (good);
ALTER TABLE twice DISABLE TRIGGER ALL;
ALTER TABLE twice ADD CONSTRAINT younger FOREIGN KEY (good) REFERENCES good, ADD CONSTRAINT later FOREIGN KEY (good) REFERENCES good DEFERRABLE;
SELECT rule, object, message, fix FROM sg_lint_details('{lint}') WHERE object ~ '^lint.twice' AND rule ~ 'key-(dup|contra)';
DROP TABLE twice;

-- names are as ever where the session quotes all
CREATE TABLE wide (id bigint PRIMARY KEY, good_id bigint);
CREATE TEMP TABLE found AS EXECUTE lint;
SET quote_all_identifiers = on;
SELECT count(*) FILTER (WHERE rule = 'column-without-key') AS without_key, count(*) - count(f) AS others
FROM sg_lint_details('{lint}') l LEFT JOIN found f USING (severity, rule, object, message);
RESET quote_all_identifiers;
DROP TABLE found, wide;

-- unarmed
BEGIN;
ALTER TABLE child DISABLE TRIGGER ALL;
SELECT severity, rule, object, regexp_replace(message, '\d+', 'N', 'g'), regexp_replace(fix, '\d+', 'N', 'g') FROM sg_lint_details('{lint}') WHERE rule = 'key-unarmed';
DO $$
DECLARE
    mend text;
BEGIN
    FOR mend IN SELECT fix FROM sg_lint('{lint}') WHERE rule = 'key-unarmed' LOOP
        EXECUTE mend;
    END LOOP;
END $$;
SELECT count(*) FROM sg_lint('{lint}') WHERE rule = 'key-unarmed';
ROLLBACK;

-- other schemas, tables without primary keys
CREATE TABLE "lint ""else".t (id bigint, good bigint);
CREATE TABLE "lint ""else".p (id bigint NOT NULL UNIQUE) PARTITION BY RANGE (id);
CREATE TABLE "lint ""else".p1 PARTITION OF "lint ""else".p FOR VALUES FROM (0) TO (9);
ALTER TABLE "lint ""else".t ADD FOREIGN KEY (good) REFERENCES lint.good, ADD FOREIGN KEY (id) REFERENCES "lint ""else".p (id);
CREATE INDEX ON "lint ""else".t (good);
CREATE INDEX ON "lint ""else".t (id);
SELECT * FROM sg_lint('{"lint \"else"}');

-- all that has a fix is mended by it
DROP TABLE "lint ""else".t;
SELECT fix AS mend FROM sg_lint('{lint,"lint \"else"}') WHERE fix IS NOT NULL \gexec
SELECT step, kind, definition, child_table, state FROM schemaguard.plan_step WHERE plan = 'lint' ORDER BY step;
CALL sg_apply('lint');
SELECT step, reason FROM schemaguard.plan_step WHERE plan = 'lint' AND state <> 'validated' ORDER BY step;
EXECUTE lint;

-- rules of a user's: names are looked up in pg_catalog, and the shipped rule of that name gives what is left out
CREATE ROLE regress_sg_lint;
CREATE ROLE regress_sg_lint_other;
GRANT USAGE ON SCHEMA lint TO regress_sg_lint, regress_sg_lint_other;
GRANT SELECT, INSERT, UPDATE, DELETE ON schemaguard.lint_rule, schemaguard.lint_ignore TO regress_sg_lint;
CREATE POLICY regress_lint ON schemaguard.lint_rule TO regress_sg_lint USING (source = 'user') WITH CHECK (source = 'user' AND added_by = CURRENT_USER);
INSERT INTO schemaguard.lint_rule (name, severity) VALUES ('key-overlapping', 'error');
INSERT INTO schemaguard.lint_rule (name, enabled) VALUES ('key-contradictory', false);
INSERT INTO schemaguard.lint_ignore (rule, object, reason) VALUES ('set-*', 'lint.bad.*', 'for now');
INSERT INTO schemaguard.lint_ignore (object, reason, until) VALUES ('*one', 'over', '2000-01-01');
INSERT INTO schemaguard.lint_ignore (rule, object, reason) VALUES ('key_overlapping', 'lint%', 'no wildcards');
EXECUTE lint;
UPDATE schemaguard.lint_rule SET fix = 'SELECT %1' WHERE name = 'key-overlapping';
SELECT rule, fix, author = current_user AS mine FROM sg_lint_details('{lint}') WHERE rule = 'key-overlapping';
DELETE FROM schemaguard.lint_ignore WHERE object LIKE 'lint%' OR object = '*one';
SET ROLE regress_sg_lint;
-- nobody writes in another role's name
INSERT INTO schemaguard.lint_ignore (rule, object, reason, added_by) VALUES ('lint-who', 'lint', 'agreed', 'postgres');
INSERT INTO schemaguard.lint_rule (name, query, message, fix) VALUES
    ('lint-who', $$SELECT 'lint', current_user::text, NULL$$, '%1, 5 %, 100 %%, %2%3.', 'COMMENT ON ROLE %1 IS %2'),
    ('lint-names', 'SELECT schema_name, name, name FROM schemaguard.lint_table WHERE schema_name = ''lint'' AND bare_name = ''good''', 'the table is %2', 'TABLE %2;'),
    ('lint-jit', $$SELECT 'lint', current_setting('jit')$$, 'what the queries of the catalogs run with', NULL);
SET jit = on;
SELECT rule, severity, object, message, fix, author FROM sg_lint_details('{lint}') WHERE rule LIKE 'lint-%';
RESET jit;
RESET ROLE;
-- a superuser may become its author, another role may not
SELECT rule, severity, object, message, author FROM sg_lint_details('{lint}') WHERE rule LIKE 'lint-%';
-- nor does another one of that name
BEGIN;
UPDATE schemaguard.lint_rule SET author_id = 7 WHERE name = 'lint-who';
SELECT rule, severity, message FROM sg_lint_details('{lint}') WHERE rule = 'lint-who';
ROLLBACK;
SET ROLE regress_sg_lint_other;
SELECT rule, severity, object, message, author FROM sg_lint_details('{lint}') WHERE rule LIKE 'lint-%';
SET ROLE regress_sg_lint;
INSERT INTO schemaguard.lint_rule (name, query, added_by) VALUES ('lint-forged', 'SELECT ''lint'', current_user::text', 'postgres');
UPDATE schemaguard.lint_rule SET added_by = 'postgres';
UPDATE schemaguard.lint_rule SET enabled = false WHERE source = 'shipped';
DELETE FROM schemaguard.lint_rule WHERE name LIKE 'lint-%';
INSERT INTO schemaguard.lint_rule (name, query, message) VALUES ('lint-silent', 'SELECT ''lint'', current_user::text', '');
-- what a role puts into a shipped rule passes for nobody else as shipped: whose it is, and a statement that reads the fix
RESET ROLE;
CREATE TABLE lint.narrow (id int PRIMARY KEY REFERENCES lint.good);
SET ROLE regress_sg_lint;
INSERT INTO schemaguard.lint_rule (name, fix) VALUES ('key-type-narrower', 'ALTER ROLE regress_sg_lint SUPERUSER');
INSERT INTO schemaguard.lint_rule (name, message) VALUES ('truncating', 'harmless');
SELECT fix, count(*) FROM sg_lint('{lint}') WHERE rule = 'key-type-narrower' GROUP BY fix;
RESET ROLE;
SELECT message, regexp_replace(fix, '\w+\.sg_lint', 'sg_lint') AS fix, count(*) FROM sg_lint('{lint}') WHERE rule = 'key-type-narrower' GROUP BY 1, 2;
SELECT DISTINCT author, fix FROM sg_lint_details('{lint}') WHERE rule = 'key-type-narrower';
SELECT count(*) FILTER (WHERE t ~ 'rule of role regress_sg_lint: ') AS theirs, count(*) FILTER (WHERE t ~ 'SUPERUSER') AS as_ours
FROM (VALUES (sg_lint_sarif('{lint}')::text), ((SELECT content FROM sg_schema_doc('{lint}', findings => true)))) v (t);
SELECT jsonb_path_query(sg_lint_sarif('{lint}'), '$.runs[0].results[*] ? (@.ruleId == "key-type-narrower").properties.author') LIMIT 1;
SELECT message FROM sg_lint_sql_details('TRUNCATE lint.child') WHERE rule = 'truncating';
-- a superuser's is
UPDATE schemaguard.lint_rule SET added_by = DEFAULT, author_id = DEFAULT WHERE source = 'user' AND added_by = 'regress_sg_lint';
SET ROLE regress_sg_lint;
SELECT DISTINCT fix FROM sg_lint('{lint}') WHERE rule = 'key-type-narrower';
-- but no other role's by the name of one
RESET ROLE;
UPDATE schemaguard.lint_rule SET author_id = 7 WHERE name = 'key-type-narrower' AND source = 'user';
SELECT DISTINCT fix ~ '^SELECT author, fix FROM ' AS reads FROM sg_lint('{lint}') WHERE rule = 'key-type-narrower';
DELETE FROM schemaguard.lint_rule WHERE name IN ('key-type-narrower', 'truncating') AND source = 'user';
DROP TABLE lint.narrow;
-- another role's plan lint takes no fix
BEGIN;
DELETE FROM schemaguard.plan WHERE name = 'lint';
SELECT sg_grant(r) FROM unnest('{regress_sg_lint,regress_sg_lint_other}'::text[]) r \g /dev/null
SET ROLE regress_sg_lint_other;
SELECT schemaguard.sg_lint_plan();
SET ROLE regress_sg_lint;
SELECT schemaguard.sg_lint_plan(), schemaguard.sg_lint_plan() AS again;
ROLLBACK;
-- what can't be run is unknown, and nothing of it is left
CREATE FUNCTION lint.planted() RETURNS text LANGUAGE plpgsql AS $$ BEGIN RAISE WARNING 'planted code as %', current_user; RETURN 'lint'; END $$;
ALTER FUNCTION lint.planted() OWNER TO regress_sg_lint_other;
CREATE VIEW lint.view AS SELECT lint.planted() AS t;
ALTER VIEW lint.view OWNER TO regress_sg_lint_other;
GRANT SELECT ON lint.view TO PUBLIC;
SET ROLE regress_sg_lint;
INSERT INTO schemaguard.lint_rule (name, query, fix) VALUES ('lint-fixes', 'SELECT 1 / 0', 'SELECT 1;');
INSERT INTO schemaguard.lint_rule (name, query) VALUES
    ('lint-raises', 'SELECT ''lint'', (1 / 0)::text'),
    ('lint-writes', 'WITH w AS (DELETE FROM schemaguard.lint_rule RETURNING name) SELECT ''lint'', name FROM w'),
    ('lint-two', 'SELECT ''lint'', ''a''; SELECT 1'),
    ('lint-none', 'DROP TABLE lint.good'),
    ('lint-syntax', 'SELEC'),
    ('lint-type', 'SELECT ''lint'', 1'),
    ('lint-few', 'SELECT ''lint''::text'),
    ('lint-planted', 'SELECT ''lint'', lint.planted()'),
    ('lint-view', 'SELECT ''lint'', t FROM lint.view'),
    ('lint-path', 'SELECT ''lint'', name FROM lint_table'),
    ('lint-may-not', 'SELECT ''lint'', id::text FROM lint.good'),
    ('lint-nothing', 'SELECT ''lint'', NULL::text'),
    ('lint-nested', format('SELECT ''lint'', message FROM %s.sg_lint_details()', (SELECT extnamespace::regnamespace FROM pg_extension WHERE extname = 'schemaguard'))),
    ('lint-endless', 'SELECT ''lint'', count(*)::text FROM generate_series(1, 100000000000)');
SET schemaguard.statement_timeout = '500ms';
SELECT severity, rule, message FROM sg_lint_details('{lint}') WHERE rule LIKE 'lint-%' ORDER BY rule;
RESET ROLE;
SELECT severity, rule, concat_ws(' ', message, fix) AS message FROM sg_lint_details('{lint}') WHERE rule LIKE 'lint-%' AND rule <> 'lint-endless' ORDER BY rule;
RESET schemaguard.statement_timeout;
-- an error that ends the call names the rule
SET statement_timeout = '100ms';
DO $$
DECLARE
    context text;
BEGIN
    PERFORM schemaguard.sg_lint_query('SELECT ''lint'', pg_sleep(60)::text', NULL, 'slow');
EXCEPTION WHEN query_canceled THEN
    GET STACKED DIAGNOSTICS context = PG_EXCEPTION_CONTEXT;
    RAISE WARNING '%', substring(context FROM 'rule .* of sg_lint..');
END $$;
RESET statement_timeout;
SELECT count(*) FROM schemaguard.lint_rule WHERE name LIKE 'lint-%';
DELETE FROM schemaguard.lint_rule WHERE source = 'user';
DELETE FROM schemaguard.lint_ignore;
-- more rows, or more text, than a page can have
INSERT INTO schemaguard.lint_rule (name, query) VALUES
    ('lint-many', 'SELECT ''lint'', i::text FROM generate_series(1, 10001) i'),
    ('lint-long', 'SELECT ''lint'', repeat(i::text, 1000000) FROM generate_series(1, 9) i, generate_series(1, 2)');
SELECT severity, rule, message FROM sg_lint_details('{lint}') WHERE rule LIKE 'lint-%';
DELETE FROM schemaguard.lint_rule WHERE source = 'user';

-- SARIF: members that its schema requires, levels that it knows, rules by their places; a hostile name is a text
CREATE SCHEMA lint_sarif;
CREATE TABLE lint_sarif."<b> ""
|" (id int);
SELECT jsonb_pretty(sg_lint_sarif('{lint_sarif}') #- '{runs,0,tool,driver,rules}' #- '{runs,0,tool,driver,semanticVersion}' #- '{runs,0,invocations}');
INSERT INTO schemaguard.lint_rule (name, query) VALUES ('lint-raises', 'SELECT ''lint'', (1 / 0)::text');
SELECT jsonb_path_query(sg_lint_sarif('{lint_sarif}'), '$.runs[0].tool.driver.rules[*]');
SELECT jsonb_path_query(sg_lint_sarif('{lint_sarif}'), '$.runs[0].invocations');
DELETE FROM schemaguard.lint_rule WHERE source = 'user';
CREATE TABLE lint_sarif.c (p int REFERENCES lint.good, q smallint REFERENCES lint.good);
SELECT count(*), bool_and(r ->> 'ruleId' = s #>> ARRAY['runs', '0', 'tool', 'driver', 'rules', r ->> 'ruleIndex', 'id']) AS placed,
       bool_and(r ->> 'level' IN ('error', 'warning', 'note')) AS levels, bool_and(r #> '{message,text}' IS NOT NULL) AS messages
FROM sg_lint_sarif('{lint_sarif}') s, jsonb_array_elements(s #> '{runs,0,results}') r;
-- brackets are no link, and a template of messages is a description; a path is a reference
CREATE TABLE lint_sarif."[here](http://there)\" (id int);
SELECT jsonb_path_query(sg_lint_sql_sarif('DROP TABLE lint_sarif."[here](http://there)\";', E'db/a b#?%/"<x>\u00e9.sql'), '$.runs[0].results[*] ? (@.ruleId == "ban-drop-table").message');
SELECT jsonb_path_query(sg_lint_sql_sarif('DROP TABLE lint_sarif.c;', E'db/a b#?%/"<x>\u00e9.sql'), '$.runs[0].results[0].**.uri');
SELECT jsonb_path_query(sg_lint_sql_sarif('DROP TABLE lint_sarif.c;', 'db/1.sql'), '$.runs[0].tool.driver.rules[*] ? (@.id != "breaks-code").shortDescription');
DROP SCHEMA lint_sarif CASCADE;

-- the gate: what was found is on record, since when
CREATE SCHEMA lint_gate;
CREATE TABLE lint_gate.p (id bigint PRIMARY KEY);
CREATE TABLE lint_gate.c (p bigint REFERENCES lint_gate.p);
PREPARE found AS SELECT f.target, f.kind, f.object, f.property, f.result, f.detail, f.gone_at IS NOT NULL AS gone, f.run = f.first_run AS new
    FROM schemaguard.finding f WHERE f.source = 'lint' ORDER BY f.id;
CALL sg_lint_gate(schemas => '{lint_gate}');
EXECUTE found;
\set VERBOSITY default
CALL sg_lint_gate('warning', schemas => '{lint_gate}');
\set VERBOSITY terse
INSERT INTO schemaguard.lint_ignore (rule, object, reason) VALUES ('*', 'lint_gate.*', 'for now');
CALL sg_lint_gate('note', schemas => '{lint_gate}');
EXECUTE found;
CALL sg_lint_gate('note', false, '{lint_gate}');
INSERT INTO schemaguard.lint_rule (name, severity, query) VALUES ('lint-raises', 'note', 'SELECT ''lint'', (1 / 0)::text');
CALL sg_lint_gate(schemas => '{lint_gate}');
EXECUTE found;
SELECT action, object, regexp_replace(message, '\d+ms', '') AS message FROM schemaguard.audit_log WHERE action = 'lint gate' ORDER BY id;
CALL sg_lint_gate('fatal');
CALL sg_lint_gate(NULL);
CALL sg_lint_gate(schemas => '{nowhere}');
BEGIN;
CALL sg_lint_gate();
ROLLBACK;
SET ROLE regress_sg_lint;
CALL sg_lint_gate();
RESET ROLE;
-- what gates of single schemas have found ends with one of all that does not find it; what may be ignored, with one that looks at that
DELETE FROM schemaguard.lint_rule WHERE name = 'lint-raises';
DELETE FROM schemaguard.lint_ignore WHERE reason = 'for now';
\set VERBOSITY sqlstate
CALL sg_lint_gate('note', schemas => '{lint_gate}');
CALL sg_lint_gate('note', false, '{lint_gate}');
PREPARE open AS SELECT target, count(*) > 0 AS open FROM schemaguard.finding WHERE source = 'lint' AND gone_at IS NULL AND target ~ 'lint_gate' GROUP BY 1 ORDER BY 1;
CALL sg_lint_gate('note');
EXECUTE open;
DROP TABLE lint_gate.c;
CALL sg_lint_gate('note');
EXECUTE open;
CALL sg_lint_gate('note', false);
EXECUTE open;
\set VERBOSITY terse
-- a name with ends of lines makes no line of its own
CREATE TABLE lint_gate."x
error of nobody" (id int);
\set VERBOSITY default
CALL sg_lint_gate('warning', schemas => '{lint_gate}');
\set VERBOSITY terse
DELETE FROM schemaguard.finding WHERE source = 'lint';
DROP SCHEMA lint_gate CASCADE;
DELETE FROM schemaguard.lint_rule WHERE source = 'user';
DELETE FROM schemaguard.lint_ignore;
DROP POLICY regress_lint ON schemaguard.lint_rule;
REVOKE ALL ON schemaguard.lint_rule, schemaguard.lint_ignore FROM regress_sg_lint;
-- constraints, triggers, indexes, sequences, columns: each with one that is well beside it
DELETE FROM schemaguard.plan_step WHERE plan = 'lint';
CREATE SCHEMA lint_more;
SET search_path = lint_more, public;
PREPARE more AS SELECT severity, rule, object, message FROM sg_lint_details('{lint_more}');
CREATE TABLE l0 (id bigint PRIMARY KEY);
CREATE TABLE l1 (id bigint PRIMARY KEY REFERENCES l0 ON DELETE CASCADE);
CREATE TABLE l2 (id bigint PRIMARY KEY REFERENCES l1 ON DELETE CASCADE);
CREATE TABLE l3 (id bigint PRIMARY KEY REFERENCES l2 ON DELETE CASCADE);
CREATE TABLE l4 (id bigint PRIMARY KEY REFERENCES l3 ON DELETE CASCADE);
EXECUTE more;
CREATE TABLE l5 (id bigint PRIMARY KEY REFERENCES l4 ON DELETE CASCADE);
EXECUTE more;
DROP TABLE l0, l1, l2, l3, l4, l5;
-- tables that refer to each other, or to themselves, have no number of levels
CREATE TABLE around (id bigint PRIMARY KEY, next bigint UNIQUE);
CREATE TABLE back (id bigint PRIMARY KEY REFERENCES around ON DELETE CASCADE);
ALTER TABLE around ADD FOREIGN KEY (next) REFERENCES back ON DELETE CASCADE;
CREATE TABLE tree (id bigint PRIMARY KEY REFERENCES tree ON DELETE CASCADE);
CREATE TABLE leaf (id bigint PRIMARY KEY REFERENCES tree ON DELETE CASCADE);
EXECUTE more;
DROP TABLE around, back, tree, leaf;
-- an index of a partitioned table that not all of its partitions have: no second one is made
CREATE TABLE whole (id bigint PRIMARY KEY, parent bigint REFERENCES whole) PARTITION BY RANGE (id);
CREATE TABLE part PARTITION OF whole FOR VALUES FROM (1) TO (9);
CREATE INDEX whole_parent ON ONLY whole (parent);
SELECT rule, object, message, fix FROM sg_lint_details('{lint_more}');
DROP TABLE whole;

CREATE TABLE t (
    id serial PRIMARY KEY,
    ident int GENERATED ALWAYS AS IDENTITY UNIQUE,
    big bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    a int, b int,
    ch char(3), one timestamp, two timestamptz,
    password text, password_hash text, api_key text,
    CONSTRAINT good CHECK (a > 0), CONSTRAINT "not enforced yet" CHECK (b > 0) NOT VALID);
ALTER TABLE t ADD CONSTRAINT bad CHECK (b > 1) NOT VALID;
ALTER TABLE t VALIDATE CONSTRAINT "not enforced yet";
CREATE TRIGGER off BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
CREATE TRIGGER running BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
ALTER TABLE t DISABLE TRIGGER off;
INSERT INTO t (a, b, password, password_hash, api_key)
    SELECT g % 7 + 1, g + 2, 'word ' || g % 3, '$2a$10$' || g % 3, md5((g % 3)::text) FROM generate_series(1, 300) g;
ANALYZE t;
CREATE INDEX t_b ON t (b);
CREATE INDEX t_b_again ON t (b);
CREATE INDEX t_b_desc ON t (b DESC);
CREATE INDEX t_b_some ON t (b) WHERE b > 2;
CREATE INDEX t_a ON t (a);
CREATE INDEX t_a_again ON t (a);
CREATE INDEX t_a_b ON t (a, b);
CREATE INDEX t_id ON t (id);
\set VERBOSITY sqlstate
CREATE UNIQUE INDEX CONCURRENTLY t_a_unique ON t (a);
\set VERBOSITY terse
SELECT setval('t_id_seq', 2000000000), setval('t_ident_seq', 1700000000), setval('t_big_seq', 2000000000);
EXECUTE more;
DROP INDEX t_a_unique;
CREATE UNIQUE INDEX t_u ON t (b, id);
UPDATE pg_index SET indisvalid = false WHERE indexrelid = 't_u'::regclass;
SELECT fix AS mend FROM sg_lint('{lint_more}') WHERE fix IS NOT NULL \gexec
CALL sg_apply('lint');
SELECT step, reason FROM schemaguard.plan_step WHERE plan = 'lint' AND state <> 'validated' ORDER BY step;
EXECUTE more;

-- a type that keeps rows, and one that has a length; indexes without nulls; triggers of replicas; sequences that columns draw from, and downwards
CREATE TABLE parent (v varchar(20) PRIMARY KEY, w text UNIQUE, id bigint UNIQUE);
CREATE TABLE kept (id int PRIMARY KEY, longer text CONSTRAINT longer REFERENCES parent, shorter varchar(5) CONSTRAINT shorter REFERENCES parent (w),
    part bigint CONSTRAINT part REFERENCES parent (id), any_of bigint CONSTRAINT any_of REFERENCES parent (id), other bigint CONSTRAINT other REFERENCES parent (id));
CREATE INDEX ON kept (part) WHERE part IS NOT NULL;
CREATE INDEX ON kept (any_of, other) WHERE any_of IS NOT NULL AND other IS NOT NULL;
CREATE INDEX ON kept (other) WHERE any_of IS NOT NULL;
CREATE TRIGGER replica BEFORE UPDATE ON kept FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
ALTER TABLE kept ENABLE REPLICA TRIGGER replica;
CREATE SEQUENCE shared;
CREATE SEQUENCE down INCREMENT -1 MINVALUE -100;
CREATE SEQUENCE fresh INCREMENT -1 MINVALUE -100;
CREATE TABLE drawn (id int PRIMARY KEY DEFAULT nextval('shared'), big bigint DEFAULT nextval('shared'), d bigint DEFAULT nextval('down'), f bigint DEFAULT nextval('fresh'));
ALTER SEQUENCE down OWNED BY drawn.d;
SELECT setval('shared', 2000000000), setval('down', -98), setval('fresh', -5);
SELECT rule, object, message, fix FROM sg_lint_details('{lint_more}') WHERE object ~ '(kept|drawn)[.]';
DROP TABLE drawn, kept, parent;
DROP SEQUENCE shared, fresh;

-- tenants, by names and keys; what statistics ask for
CREATE TABLE tenants (id int PRIMARY KEY);
CREATE TABLE projects (id int PRIMARY KEY, tenant_id int NOT NULL REFERENCES tenants, UNIQUE (tenant_id, id));
CREATE TABLE tasks (id int PRIMARY KEY, tenant_id int NOT NULL REFERENCES tenants, project_id int CONSTRAINT left_out REFERENCES projects);
CREATE TABLE kept (id int PRIMARY KEY, tenant_id int NOT NULL, project_id int, FOREIGN KEY (tenant_id, project_id) REFERENCES projects (tenant_id, id));
CREATE TABLE alone (id int PRIMARY KEY, tenant_id int);
CREATE TABLE comments (id int PRIMARY KEY, task_id int CONSTRAINT of_task REFERENCES tasks);
SELECT rule, object, message, fix FROM sg_lint_details('{lint_more}') WHERE rule ~ 'tenant';
DROP TABLE tenants, projects, tasks, kept, alone, comments;
SELECT count(*) FROM schemaguard.sg_lint_statements(10) WHERE NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'pg_stat_statements');
CREATE TABLE wanted (id int PRIMARY KEY, a int);
CREATE TABLE not_wanted (id int PRIMARY KEY, a int);
INSERT INTO wanted SELECT g, g FROM generate_series(1, 20000) g;
INSERT INTO not_wanted SELECT g, g FROM generate_series(1, 5000) g;
DO $$ BEGIN FOR i IN 1..100 LOOP PERFORM count(*) FROM wanted; PERFORM count(*) FROM not_wanted; END LOOP; END $$;
SELECT pg_stat_force_next_flush();
SELECT rule, object, message FROM sg_lint_details('{lint_more}') WHERE rule = 'index-wanted';
DROP TABLE wanted, not_wanted;
-- an index that REINDEX CONCURRENTLY has left is dropped
CREATE TABLE twice (a int);
INSERT INTO twice VALUES (1), (1);
\set VERBOSITY sqlstate
CREATE UNIQUE INDEX CONCURRENTLY twice_a ON twice (a);
REINDEX INDEX CONCURRENTLY twice_a;
\set VERBOSITY terse
SELECT rule, object, message, fix FROM sg_lint_details('{lint_more}') WHERE rule = 'index-invalid';
DROP TABLE twice;
-- one that is being built is not told: its expression looks meanwhile
CREATE TABLE built (a int);
INSERT INTO built VALUES (1);
CREATE FUNCTION look(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$
DECLARE
    invalid record;
BEGIN
    ASSERT (SELECT count(*) = 2 FROM pg_index WHERE indrelid = 'lint_more.built'::regclass AND NOT indisvalid);
    FOR invalid IN EXECUTE (SELECT query FROM schemaguard.lint_rule WHERE name = 'index-invalid' AND source = 'shipped') LOOP
        RAISE WARNING 'told: %', invalid;
    END LOOP;
    RETURN 1 / $1;
END $$;
CREATE INDEX built_failed ON built (a);
UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'built_failed'::regclass;
CREATE INDEX CONCURRENTLY built_a ON built (lint_more.look(a));
SELECT rule, object, message FROM sg_lint_details('{lint_more}') WHERE rule = 'index-invalid';
DROP TABLE built;
DROP FUNCTION look;

-- indexes that are not the same: nulls distinct or not, checked at once or later; one that a foreign key needs stays
CREATE TABLE nulls (a int);
CREATE UNIQUE INDEX nulls_distinct ON nulls (a);
CREATE UNIQUE INDEX nulls_not ON nulls (a) NULLS NOT DISTINCT;
CREATE UNIQUE INDEX nulls_not_again ON nulls (a) NULLS NOT DISTINCT;
CREATE TABLE later (a int UNIQUE DEFERRABLE);
CREATE UNIQUE INDEX later_at_once ON later (a);
CREATE INDEX later_plain ON later (a);
CREATE TABLE needed (a int);
CREATE UNIQUE INDEX needed_a ON needed (a);
CREATE TABLE needs (a int REFERENCES needed (a));
CREATE UNIQUE INDEX needed_again ON needed (a);
CREATE TABLE needed_bound (a int);
CREATE UNIQUE INDEX needed_bound_a ON needed_bound (a);
CREATE TABLE needs_bound (a int REFERENCES needed_bound (a));
ALTER TABLE needed_bound ADD PRIMARY KEY (a);
SELECT rule, object, message FROM sg_lint_details('{lint_more}') WHERE rule = 'index-duplicate';
DROP TABLE nulls, later, needs, needed, needs_bound, needed_bound;

-- nor with other parameters of the index or of an operator class; a B-tree's fill is none. A sequence of 100 numbers has no wider type
CREATE TABLE ranges (id bigint PRIMARY KEY, a int, v tsvector, hundred int);
CREATE INDEX ranges_fine ON ranges USING brin (a) WITH (pages_per_range = 8);
CREATE INDEX ranges_coarse ON ranges USING brin (a) WITH (pages_per_range = 128);
CREATE INDEX ranges_coarse_again ON ranges USING brin (a) WITH (pages_per_range = 128);
CREATE INDEX ranges_short ON ranges USING gist (v tsvector_ops (siglen = 32));
CREATE INDEX ranges_long ON ranges USING gist (v tsvector_ops (siglen = 64));
CREATE INDEX ranges_full ON ranges (hundred) WITH (fillfactor = 100);
CREATE INDEX ranges_not_full ON ranges (hundred) WITH (fillfactor = 50);
CREATE SEQUENCE hundred MAXVALUE 100 OWNED BY ranges.hundred;
SELECT setval('hundred', 99);
-- numbers count from the sequence's first one; a bound of its own goes with the fix
CREATE TABLE ranges_from (few int PRIMARY KEY, many int);
CREATE SEQUENCE few MINVALUE 2000000000 MAXVALUE 2147483647 OWNED BY ranges_from.few;
CREATE SEQUENCE many MINVALUE 2000000000 MAXVALUE 2147483647 OWNED BY ranges_from.many;
SELECT nextval('few'), setval('many', 2147483000);
SELECT rule, object, message, fix FROM sg_lint_details('{lint_more}') WHERE rule ~ '^(index-duplicate|sequence-)' AND object ~ 'ranges';
DROP TABLE ranges, ranges_from;

-- types: no fix that could lose a value, or the rule of a domain, which has the values of its type
CREATE DOMAIN code AS text CHECK (VALUE <> '');
CREATE DOMAIN short_code AS code CHECK (length(VALUE) < 9);
CREATE TABLE parent (t text PRIMARY KEY, c code UNIQUE, i int UNIQUE, f float8 UNIQUE, d date UNIQUE, tz timestamptz UNIQUE, v varchar(9) UNIQUE, n numeric UNIQUE);
CREATE TABLE kept (id int PRIMARY KEY, code_of code CONSTRAINT code_of REFERENCES parent, short short_code CONSTRAINT short REFERENCES parent (c),
    to_domain varchar CONSTRAINT to_domain REFERENCES parent (c), big bigint CONSTRAINT big REFERENCES parent (i), to_float int CONSTRAINT to_float REFERENCES parent (f),
    at timestamp CONSTRAINT at REFERENCES parent (d), zone timestamp CONSTRAINT zone REFERENCES parent (tz), longer text CONSTRAINT longer REFERENCES parent (v),
    whole int CONSTRAINT whole REFERENCES parent (n), t varchar(5) CONSTRAINT t REFERENCES parent);
SELECT rule, object, message, fix FROM sg_lint_details('{lint_more}') WHERE rule ~ '^key-type';
DROP TABLE kept, parent;
-- types whose equality, or length, is another one's
CREATE TABLE parent (b bpchar UNIQUE, c char(4) UNIQUE, vb varbit UNIQUE, n inet UNIQUE, o oid UNIQUE, ts timestamp UNIQUE, t text UNIQUE);
CREATE TABLE kept (id int PRIMARY KEY, from_text text CONSTRAINT from_text REFERENCES parent (b), from_char char(4) CONSTRAINT from_char REFERENCES parent (t),
    bits bit(4) CONSTRAINT bits REFERENCES parent (vb), net cidr CONSTRAINT net REFERENCES parent (n), big bigint CONSTRAINT big REFERENCES parent (o),
    day date CONSTRAINT day REFERENCES parent (ts));
SELECT rule, object, message, fix FROM sg_lint_details('{lint_more}') WHERE rule ~ '^key-type';
DROP TABLE kept, parent;
-- another collation, not another length
CREATE TABLE parent (code varchar(5) COLLATE "C" PRIMARY KEY);
CREATE TABLE kept (id int PRIMARY KEY, code varchar(20) COLLATE "POSIX" CONSTRAINT code REFERENCES parent);
CREATE INDEX kept_code ON kept (code COLLATE "C");
SELECT rule, fix FROM sg_lint_details('{lint_more}') WHERE object = 'lint_more.kept.code';
CREATE INDEX kept_code_own ON kept (code);
SELECT count(*) FROM sg_lint_details('{lint_more}') WHERE rule = 'key-without-index';
-- two keys on the same columns want one index
DROP INDEX kept_code, kept_code_own;
ALTER TABLE kept ADD CONSTRAINT again FOREIGN KEY (code) REFERENCES parent ON DELETE CASCADE;
SELECT object, fix FROM sg_lint_details('{lint_more}') WHERE rule = 'key-without-index';
DROP TABLE kept, parent;
-- an index on (a, b) serves a key on (a), too, not one on (b)
CREATE TABLE parent (a int UNIQUE, b int UNIQUE, UNIQUE (a, b));
CREATE TABLE kept (id int PRIMARY KEY, a int CONSTRAINT a REFERENCES parent (a), b int CONSTRAINT b REFERENCES parent (b),
    CONSTRAINT pair FOREIGN KEY (a, b) REFERENCES parent (a, b));
SELECT object, fix FROM sg_lint_details('{lint_more}') WHERE rule = 'key-without-index';
SELECT substring(fix FROM '''(CREATE INDEX .*)''') FROM sg_lint_details('{lint_more}') WHERE rule = 'key-without-index' AND fix IS NOT NULL \gexec
SELECT rule, object FROM sg_lint_details('{lint_more}') WHERE object ~ 'kept' AND rule ~ 'index';
DROP TABLE kept, parent;
-- a column that is converted before it is compared: the index is on that; none is, where a setting decides what it becomes
CREATE TABLE parent (code varchar(9) PRIMARY KEY, n numeric UNIQUE, at timetz UNIQUE, UNIQUE (code, n));
CREATE TABLE kept (id int PRIMARY KEY, code char(4) CONSTRAINT code REFERENCES parent, n bigint CONSTRAINT n REFERENCES parent (n),
    at time CONSTRAINT at REFERENCES parent (at), CONSTRAINT pair FOREIGN KEY (code, n) REFERENCES parent (code, n));
CREATE INDEX ON kept (code); CREATE INDEX ON kept (n); CREATE INDEX ON kept (at); CREATE INDEX ON kept (code, n);
SELECT object, message, fix FROM sg_lint_details('{lint_more}') WHERE rule = 'key-without-index';
SELECT substring(fix FROM '''(CREATE INDEX .*)''') FROM sg_lint_details('{lint_more}') WHERE rule = 'key-without-index' AND fix IS NOT NULL \gexec
SELECT object FROM sg_lint_details('{lint_more}') WHERE rule = 'key-without-index';
-- nor is there a second one where that is not valid
UPDATE pg_index SET indisvalid = false WHERE indrelid = 'kept'::regclass AND indexprs IS NOT NULL;
SELECT rule, object, fix FROM sg_lint_details('{lint_more}') WHERE object ~ 'kept' AND rule IN ('key-without-index', 'index-invalid');
DROP TABLE kept, parent;
-- domains: numbers of a sequence, no null; a primary key of what is not null before what may be, none of what is checked late
CREATE DOMAIN number AS int;
CREATE DOMAIN some_number AS number NOT NULL;
CREATE SEQUENCE numbers;
CREATE TABLE parent (c int NOT NULL UNIQUE DEFERRABLE, a int UNIQUE, b int NOT NULL UNIQUE);
CREATE TABLE kept (id number PRIMARY KEY DEFAULT nextval('numbers'), b some_number CONSTRAINT b REFERENCES parent (b) ON DELETE SET NULL, a int REFERENCES parent (a));
SELECT setval('numbers', 2000000000);
SELECT rule, object, message, fix FROM sg_lint_details('{lint_more}') WHERE rule IN ('sequence-exhausted', 'set-null-on-not-null', 'parent-without-primary-key');
-- a column of the key that may be null becomes NOT NULL by the fix, which says so
CREATE TABLE hollow (a int, b int NOT NULL, UNIQUE (b, a));
CREATE TABLE hollow_low (a int, b int, FOREIGN KEY (b, a) REFERENCES hollow (b, a));
SELECT message, fix FROM sg_lint_details('{lint_more}') WHERE rule = 'parent-without-primary-key' AND object ~ 'hollow';
SELECT fix FROM sg_lint_details('{lint_more}') WHERE rule = 'parent-without-primary-key' AND object ~ 'hollow' \gexec
CALL sg_apply('lint', fail => true);
SELECT object FROM sg_lint_details('{lint_more}') WHERE rule = 'parent-without-primary-key' AND object ~ 'hollow';
DROP TABLE hollow_low, hollow;
DROP TABLE kept, parent;
DROP SEQUENCE numbers;
DROP DOMAIN short_code, code;

-- each fix can be done: none of a type that something else needs, none of what another one drops, and all of a partition's triggers
CREATE TABLE parent (id bigint PRIMARY KEY, name text UNIQUE);
CREATE TABLE seen (a int CONSTRAINT seen_a REFERENCES parent, b int CONSTRAINT seen_b REFERENCES parent, c varchar(9) CONSTRAINT seen_c REFERENCES parent (name),
    d int CONSTRAINT seen_d REFERENCES parent, twice int GENERATED ALWAYS AS (d * 2) STORED);
CREATE VIEW sight AS SELECT a, c FROM seen;
CREATE TABLE cut (a int CONSTRAINT cut_a REFERENCES parent) PARTITION BY RANGE (a);
CREATE TABLE cut_1 PARTITION OF cut FOR VALUES FROM (1) TO (10);
ALTER TABLE seen ADD CONSTRAINT seen_late FOREIGN KEY (b) REFERENCES parent NOT VALID;
ALTER TABLE cut_1 DISABLE TRIGGER ALL;
SELECT rule, object, message, regexp_replace(fix, '_\d+"', '_n"', 'g') AS fix FROM sg_lint_details('{lint_more}')
WHERE rule IN ('key-type-narrower', 'key-type-mismatch', 'key-not-valid', 'key-duplicate', 'key-unarmed');
\set ECHO none
SELECT fix FROM sg_lint_details('{lint_more}') WHERE rule = 'key-unarmed' \gexec
\set ECHO all
SELECT count(*) FROM sg_lint('{lint_more}') WHERE rule = 'key-unarmed';
DROP TABLE seen, cut, parent CASCADE;

-- by name, and by what is deprecated
CREATE TABLE customers (id bigint PRIMARY KEY);
CREATE TABLE clients (id bigint PRIMARY KEY);
CREATE TABLE orders (id bigint PRIMARY KEY, customer_id bigint, client_id bigint REFERENCES clients, number bigint);
CREATE INDEX ON orders (client_id);
EXECUTE more;
SELECT fix AS mend FROM sg_lint('{lint_more}') WHERE rule = 'column-without-key' \gexec
-- a number that is named like a table, but has another type than its key, which has another name, is none of it
CREATE TABLE actions (actionid bigint PRIMARY KEY);
CREATE TABLE logged (id bigint PRIMARY KEY, action int NOT NULL, actionid int NOT NULL);
SELECT object, message FROM sg_lint_details('{lint_more}') WHERE rule = 'column-without-key' AND object ~ 'logged';
DROP TABLE actions, logged;
INSERT INTO schemaguard.deprecated_table (table_name, replacement) VALUES ('lint_more.clients', 'lint_more.customers');
SELECT rule, object, message, fix FROM sg_lint_details('{lint_more}') WHERE rule = 'deprecated-reference';
DELETE FROM schemaguard.deprecated_table WHERE table_name = 'lint_more.clients';

-- matters of taste; by statistics, whose age is that of the server
INSERT INTO schemaguard.lint_rule (name, enabled) SELECT name, true FROM schemaguard.lint_rule WHERE NOT enabled;
SELECT rule, object, message FROM sg_lint_details('{lint_more}') WHERE rule ~ '^(ban|prefer)-';
INSERT INTO schemaguard.lint_rule (name, query)
    SELECT name, replace(query, '7 days', '-1 days') FROM schemaguard.lint_rule WHERE name ~ '-unused$' AND source = 'shipped';
CREATE TABLE unused (id bigint PRIMARY KEY, a int);
CREATE INDEX unused_a ON unused (a);
CREATE TABLE idle (unused int);
CREATE TABLE used (id bigint PRIMARY KEY, a int);
CREATE INDEX used_a ON used (a);
CREATE INDEX used_small ON used (id, a);
CREATE INDEX used_roomy ON used (a) WITH (fillfactor = 20);
CREATE INDEX used_bloated ON used (a) WITH (fillfactor = 60);
INSERT INTO used VALUES (1, 1);
SET enable_seqscan = off;
SELECT count(*) FROM used WHERE a = 1;
RESET enable_seqscan;
SELECT pg_stat_force_next_flush();
UPDATE pg_class SET relpages = 1000, reltuples = 1000 WHERE oid = 'unused_a'::regclass;
UPDATE pg_class SET relpages = 1000, reltuples = 300000 WHERE oid = 'used_a'::regclass;
UPDATE pg_class SET relpages = 4000, reltuples = 100000 WHERE oid IN ('used_roomy'::regclass, 'used_bloated'::regclass);
SELECT rule, object, regexp_replace(message, '\d+-\d+-\d+', 'then') AS message FROM sg_lint_details('{lint_more}') WHERE rule ~ '-(unused|bloated)$' AND object ~ 'used|idle';
-- an index that may be younger than the statistics is not to be dropped: only a sample tells that it is as old
DELETE FROM schemaguard.stats;
SELECT regexp_replace(message, '\d+-\d+-\d+', 'then') AS message, fix FROM sg_lint_details('{lint_more}') WHERE object ~ 'unused_a' AND rule = 'index-unused';
SELECT schemaguard.sg_stats_take() > 0 AS taken;
CREATE INDEX unused_young ON unused (a, id);
UPDATE pg_class SET relpages = 1000, reltuples = 1000 WHERE oid = 'unused_young'::regclass;
SELECT object, regexp_replace(message, '\d+-\d+-\d+', 'then') AS message, fix IS NOT NULL AS fix FROM sg_lint_details('{lint_more}') WHERE object ~ 'unused_' AND rule = 'index-unused';
DROP INDEX unused_a;
SELECT object FROM sg_lint_details('{lint_more}') WHERE object ~ 'unused_' AND rule = 'index-unused';
SELECT schemaguard.sg_stats_take() > 0 AS taken;
SELECT object FROM sg_lint_details('{lint_more}') WHERE object ~ 'unused_' AND rule = 'index-unused';
DELETE FROM schemaguard.stats;
-- of two indexes of a column one stays, whichever rules ask for their drop
CREATE TABLE once (id bigint PRIMARY KEY, a int, b int, c int, d int);
CREATE INDEX once_a ON once (a);
CREATE INDEX once_a_b ON once (a, b);
CREATE INDEX once_c ON once (c);
CREATE INDEX once_c_again ON once (c);
CREATE INDEX once_id_d ON once (id, d);
CREATE INDEX once_d ON once (d);
CREATE INDEX once_d_some ON once (d) WHERE d > 0;
-- a key needs an index of its columns in any order
CREATE TABLE once_pair (id bigint, a int, b int, UNIQUE (a, b), FOREIGN KEY (a, b) REFERENCES once_pair (a, b));
CREATE INDEX once_pair_turned ON once_pair (b, a);
CREATE INDEX once_pair_id ON once_pair (id, a, b);
UPDATE pg_class SET relpages = 1000, reltuples = 300000 WHERE relname ~ '^once_' AND relnamespace = 'lint_more'::regnamespace;
SELECT rule, object FROM sg_lint_details('{lint_more}') WHERE rule ~ '^index-(unused|redundant|duplicate)$' AND object ~ 'once';
DELETE FROM schemaguard.lint_rule WHERE source = 'user';
DROP SCHEMA lint_more CASCADE;

SELECT sg_plan_drop('lint', force => true) \g /dev/null
DROP SCHEMA lint, "lint ""else" CASCADE;
DROP ROLE regress_sg_lint, regress_sg_lint_other;
