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
    ('lint-names', 'SELECT schema_name, name, name FROM schemaguard.lint_table WHERE schema_name = ''lint'' AND bare_name = ''good''', 'the table is %2', 'TABLE %2;');
SELECT rule, severity, object, message, fix, author FROM sg_lint_details('{lint}') WHERE rule LIKE 'lint-%';
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
-- another role's plan lint takes no fix
RESET ROLE;
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
INSERT INTO schemaguard.lint_rule (name, query) VALUES
    ('lint-raises', 'SELECT ''lint'', (1 / 0)::text'),
    ('lint-writes', 'WITH w AS (DELETE FROM schemaguard.lint_rule RETURNING name) SELECT ''lint'', name FROM w'),
    ('lint-many', 'SELECT ''lint'', ''a''; SELECT 1'),
    ('lint-none', 'DROP TABLE lint.good'),
    ('lint-syntax', 'SELEC'),
    ('lint-type', 'SELECT ''lint'', 1'),
    ('lint-few', 'SELECT ''lint''::text'),
    ('lint-planted', 'SELECT ''lint'', lint.planted()'),
    ('lint-view', 'SELECT ''lint'', t FROM lint.view'),
    ('lint-path', 'SELECT ''lint'', name FROM lint_table'),
    ('lint-may-not', 'SELECT ''lint'', id::text FROM lint.good'),
    ('lint-endless', 'SELECT ''lint'', count(*)::text FROM generate_series(1, 100000000000)');
SET schemaguard.statement_timeout = '500ms';
SELECT severity, rule, message FROM sg_lint_details('{lint}') WHERE rule LIKE 'lint-%' ORDER BY rule;
RESET ROLE;
SELECT severity, rule, message FROM sg_lint_details('{lint}') WHERE rule LIKE 'lint-%' AND rule <> 'lint-endless' ORDER BY rule;
RESET schemaguard.statement_timeout;
SELECT count(*) FROM schemaguard.lint_rule WHERE name LIKE 'lint-%';
DELETE FROM schemaguard.lint_rule WHERE source = 'user';
DELETE FROM schemaguard.lint_ignore;

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

-- by name, and by what is deprecated
CREATE TABLE customers (id bigint PRIMARY KEY);
CREATE TABLE clients (id bigint PRIMARY KEY);
CREATE TABLE orders (id bigint PRIMARY KEY, customer_id bigint, client_id bigint REFERENCES clients, number bigint);
CREATE INDEX ON orders (client_id);
EXECUTE more;
SELECT fix AS mend FROM sg_lint('{lint_more}') WHERE rule = 'column-without-key' \gexec
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
INSERT INTO used VALUES (1, 1);
SET enable_seqscan = off;
SELECT count(*) FROM used WHERE a = 1;
RESET enable_seqscan;
SELECT pg_stat_force_next_flush();
UPDATE pg_class SET relpages = 1000, reltuples = 1000 WHERE oid = 'unused_a'::regclass;
UPDATE pg_class SET relpages = 1000, reltuples = 300000 WHERE oid = 'used_a'::regclass;
SELECT rule, object, regexp_replace(message, '\d+-\d+-\d+', 'then') AS message FROM sg_lint_details('{lint_more}') WHERE rule ~ '-(unused|bloated)$' AND object ~ 'used|idle';
DELETE FROM schemaguard.lint_rule WHERE source = 'user';
DROP SCHEMA lint_more CASCADE;

DROP SCHEMA lint, "lint ""else" CASCADE;
DROP ROLE regress_sg_lint, regress_sg_lint_other;
