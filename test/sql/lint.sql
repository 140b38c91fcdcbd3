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
DELETE FROM schemaguard.lint_ignore WHERE object LIKE 'lint%' OR object = '*one';
SET ROLE regress_sg_lint;
INSERT INTO schemaguard.lint_rule (name, query, message, fix) VALUES
    ('lint-who', $$SELECT 'lint', current_user::text, NULL$$, '%1, 5 %, 100 %%, %2%3.', 'COMMENT ON ROLE %1 IS %2'),
    ('lint-names', 'SELECT schema_name, name, name FROM schemaguard.lint_table WHERE schema_name = ''lint'' AND bare_name = ''good''', 'the table is %2', 'TABLE %2;');
SELECT rule, severity, object, message, fix, author FROM sg_lint_details('{lint}') WHERE rule LIKE 'lint-%';
RESET ROLE;
-- a superuser may become its author, another role may not
SELECT rule, severity, object, message, author FROM sg_lint_details('{lint}') WHERE rule LIKE 'lint-%';
SET ROLE regress_sg_lint_other;
SELECT rule, severity, object, message, author FROM sg_lint_details('{lint}') WHERE rule LIKE 'lint-%';
SET ROLE regress_sg_lint;
INSERT INTO schemaguard.lint_rule (name, query, added_by) VALUES ('lint-forged', 'SELECT ''lint'', current_user::text', 'postgres');
UPDATE schemaguard.lint_rule SET added_by = 'postgres';
UPDATE schemaguard.lint_rule SET enabled = false WHERE source = 'shipped';
DELETE FROM schemaguard.lint_rule WHERE name LIKE 'lint-%';
-- what can't be run is unknown, and nothing of it is left
RESET ROLE;
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
DROP SCHEMA lint_gate CASCADE;
DELETE FROM schemaguard.lint_rule WHERE source = 'user';
DELETE FROM schemaguard.lint_ignore;
DROP POLICY regress_lint ON schemaguard.lint_rule;
REVOKE ALL ON schemaguard.lint_rule, schemaguard.lint_ignore FROM regress_sg_lint;
DROP SCHEMA lint, "lint ""else" CASCADE;
DROP ROLE regress_sg_lint, regress_sg_lint_other;
