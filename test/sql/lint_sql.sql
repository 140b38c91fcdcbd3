-- sg_lint_sql(): each rule has a script that it finds something in, and one that it leaves alone; locks and rewrites are core's
-- rooms: report script
\set VERBOSITY terse
\set SHOW_CONTEXT never
SET client_min_messages = warning;
SET timezone = 'UTC';
CREATE EXTENSION IF NOT EXISTS schemaguard;
CREATE SCHEMA ls;
SET search_path = ls, public;
CREATE TABLE p (id bigint PRIMARY KEY);
CREATE TABLE t (id int PRIMARY KEY, p_id bigint, v varchar(20) DEFAULT '', n numeric(10,2), d timestamp, s text, b bit varying(5), ts timestamptz(3),
                i interval, c char(5), seen text, spoken text, filled text, CHECK (filled IS NOT NULL));
CREATE INDEX ti ON t (v);
CREATE VIEW v AS SELECT seen FROM t;
CREATE FUNCTION f() RETURNS text LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT spoken FROM ls.t); END';
CREATE MATERIALIZED VIEW m AS SELECT 1 AS x;
CREATE TYPE ct AS (a int, b text);
CREATE TYPE en AS ENUM ('a');
CREATE TYPE unused AS (a int, b text);
CREATE DOMAIN dom AS text;
CREATE DOMAIN checked AS text CHECK (VALUE <> random()::text);
CREATE DOMAIN en_dom AS int;
CREATE FUNCTION needed(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 1';
CREATE TABLE q (id int PRIMARY KEY);
CREATE TABLE stored (c ct, d dom, child int REFERENCES q ON DELETE CASCADE, CHECK (needed(1) = 1));
CREATE POLICY there ON stored;
CREATE VIEW shown AS SELECT id FROM p;
CREATE FUNCTION fires() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE SEQUENCE counts;
CREATE TABLE keyed (code varchar(10) UNIQUE);
CREATE TABLE keying (code varchar(10) REFERENCES keyed (code), n int DEFAULT nextval('counts'));
CREATE TRIGGER fires AFTER INSERT ON keying EXECUTE FUNCTION fires();
CREATE TABLE part (id int NOT NULL, p_id bigint, v varchar(20)) PARTITION BY RANGE (id);
CREATE TABLE part1 (LIKE part);
CREATE TABLE part0 PARTITION OF part FOR VALUES FROM (0) TO (1);
CREATE INDEX ON part0 (v);
CREATE TABLE half (id int) PARTITION BY RANGE (id);
CREATE TABLE half0 PARTITION OF half FOR VALUES FROM (0) TO (1);
CREATE TABLE half1 (id int, CHECK (id IS NOT NULL AND id >= 1 AND id < 2));
CREATE TABLE rest PARTITION OF half DEFAULT;
ALTER TABLE rest ADD CHECK (id IS NULL OR id < 5 OR id >= 6);
CREATE TABLE tied_p (id int PRIMARY KEY);
CREATE TABLE tied (id int, p_id int REFERENCES tied_p) PARTITION BY RANGE (id);
CREATE INDEX ON tied (id, p_id);
CREATE TABLE tied1 (LIKE tied);
CREATE TABLE tied2 (id int, p_id int REFERENCES tied_p);
CREATE INDEX ON tied2 (id, p_id);
CREATE TYPE row_type AS (a int, b text);
CREATE TABLE typed OF row_type;
INSERT INTO t (id, filled) SELECT g, '' FROM generate_series(1, 1000) g;
ANALYZE t;

-- Rules: found in the first script, not in the second, which is often the safe way
CREATE TEMPORARY TABLE tried (rule text, found text, quiet text);
INSERT INTO tried VALUES
('require-concurrent-index-creation', 'CREATE INDEX ON t (n)', 'CREATE INDEX CONCURRENTLY ON t (n)'),
('require-concurrent-index-deletion', 'DROP INDEX ti', 'DROP INDEX CONCURRENTLY ti'),
('adding-foreign-key-constraint', 'ALTER TABLE t ADD FOREIGN KEY (p_id) REFERENCES p', 'ALTER TABLE t ADD FOREIGN KEY (p_id) REFERENCES p NOT VALID'),
('constraint-missing-not-valid', 'ALTER TABLE t ADD CHECK (n > 0)', 'ALTER TABLE t ADD CHECK (n > 0) NOT VALID'),
('disallowed-unique-constraint', 'ALTER TABLE t ADD UNIQUE (n)', 'ALTER TABLE t ADD UNIQUE USING INDEX tn'),
('adding-exclusion-constraint', 'ALTER TABLE t ADD EXCLUDE (n WITH =)', 'CREATE TABLE u (n int, EXCLUDE (n WITH =))'),
('adding-not-nullable-field', 'ALTER TABLE t ALTER n SET NOT NULL', 'ALTER TABLE t ALTER filled SET NOT NULL'),
('adding-required-field', 'ALTER TABLE t ADD x int NOT NULL', 'ALTER TABLE t ADD x int NOT NULL DEFAULT 0'),
('adding-required-field', 'ALTER TABLE t ADD x int NOT NULL DEFAULT NULL::int', 'ALTER TABLE t ADD x serial NOT NULL'),
('adding-required-field', 'ALTER TABLE half1 ADD x int PRIMARY KEY', 'ALTER TABLE half1 ADD x int PRIMARY KEY GENERATED ALWAYS AS IDENTITY'),
('ban-truncate-cascade', 'TRUNCATE q CASCADE', 'TRUNCATE q'),
('adding-field-with-default', 'ALTER TABLE t ADD x float DEFAULT random()', 'ALTER TABLE t ADD x timestamptz DEFAULT now()'),
('adding-unique-field', 'ALTER TABLE t ADD x int UNIQUE', 'ALTER TABLE t ADD x int'),
('changing-column-type', 'ALTER TABLE t ALTER id TYPE bigint', 'ALTER TABLE t ALTER v TYPE varchar(21)'),
('changing-type-reads-rows', 'ALTER TABLE t ALTER filled TYPE varchar', 'ALTER TABLE t ALTER v TYPE varchar(21)'),
('changing-type-reads-rows', 'ALTER TABLE part ALTER v TYPE text COLLATE "C"', 'ALTER TABLE part ALTER v TYPE text'),
('changing-type-checks-keys', 'ALTER TABLE q ALTER id TYPE bigint', 'ALTER TABLE t ALTER id TYPE bigint'),
('validating-under-lock', 'ALTER TABLE t ADD CONSTRAINT later CHECK (id > 0) NOT VALID, VALIDATE CONSTRAINT later', 'ALTER TABLE t VALIDATE CONSTRAINT later'),
('rewriting-under-lock', 'CLUSTER t USING ti', 'ALTER TABLE t SET (fillfactor = 50)'),
('require-concurrent-reindex', 'REINDEX TABLE t', 'REINDEX TABLE CONCURRENTLY t'),
('all-tables-under-lock', 'REINDEX (CONCURRENTLY off) SCHEMA ls', 'REINDEX SCHEMA CONCURRENTLY ls; VACUUM (FULL false)'),
('require-concurrent-refresh', 'REFRESH MATERIALIZED VIEW m', 'REFRESH MATERIALIZED VIEW CONCURRENTLY m'),
('require-concurrent-detach', 'ALTER TABLE part DETACH PARTITION part0', 'ALTER TABLE part DETACH PARTITION part0 CONCURRENTLY'),
('attaching-reads-rows', 'ALTER TABLE part ATTACH PARTITION part1 FOR VALUES FROM (1) TO (2)',
 'CREATE TABLE part2 (LIKE part); ALTER TABLE part ATTACH PARTITION part2 FOR VALUES FROM (1) TO (2)'),
('attaching-builds-indexes', 'ALTER TABLE tied ATTACH PARTITION tied1 FOR VALUES FROM (1) TO (2)', 'ALTER TABLE tied ATTACH PARTITION tied2 FOR VALUES FROM (1) TO (2)'),
('attaching-checks-keys', 'ALTER TABLE tied ATTACH PARTITION tied1 FOR VALUES FROM (1) TO (2)', 'ALTER TABLE tied ATTACH PARTITION tied2 FOR VALUES FROM (1) TO (2)'),
('reading-default-partition', 'CREATE TABLE half2 PARTITION OF half FOR VALUES FROM (3) TO (4)',
 'CREATE TABLE half2 PARTITION OF half FOR VALUES FROM (5) TO (6); CREATE TABLE other (id int) PARTITION BY LIST (id); CREATE TABLE o PARTITION OF other FOR VALUES IN (1)'),
('whole-table-write', 'UPDATE t SET n = 1', 'UPDATE t SET n = 1 WHERE id = 1'),
('locking-table', 'LOCK TABLE t', 'CREATE TABLE u (); LOCK TABLE u'),
('drop-refused', 'ALTER TABLE t DROP seen', 'ALTER TABLE t DROP n'),
('drop-cascades', 'ALTER TABLE t DROP seen CASCADE', 'ALTER TABLE t DROP n CASCADE'),
('breaks-code', 'ALTER TABLE t RENAME spoken TO r', 'ALTER TABLE p RENAME id TO r'),
('type-change-refused', 'ALTER TABLE t ALTER seen TYPE varchar', 'ALTER TABLE t ALTER s TYPE varchar'),
('casting-needs-using', 'ALTER TABLE t ALTER s TYPE int', 'ALTER TABLE t ALTER s TYPE int USING s::int'),
('ban-drop-column', 'ALTER TABLE t DROP n', 'CREATE TABLE u (n int); ALTER TABLE u DROP n'),
('ban-drop-table', 'DROP TABLE t', 'CREATE TABLE u (n int); DROP TABLE u'),
('ban-drop-schema', 'DROP SCHEMA ls CASCADE', 'DROP SCHEMA IF EXISTS ls_nothing CASCADE'),
('ban-drop-owned', 'DROP OWNED BY CURRENT_USER', 'REASSIGN OWNED BY CURRENT_USER TO SESSION_USER'),
('ban-drop-extension', 'DROP EXTENSION plpgsql', 'DROP EXTENSION IF EXISTS ls_nothing'),
('dropping-attribute', 'ALTER TYPE ct DROP ATTRIBUTE b', 'ALTER TYPE unused DROP ATTRIBUTE b'),
('delete-reaches-further', 'DELETE FROM q WHERE id = 1', 'DELETE FROM t WHERE id = 1'),
('disabling-triggers', 'ALTER TABLE t DISABLE TRIGGER USER', 'ALTER TABLE t ENABLE TRIGGER USER'),
('ban-disable-trigger-all', 'ALTER TABLE t DISABLE TRIGGER ALL', 'ALTER TABLE t DISABLE TRIGGER USER'),
('disabling-row-security', 'ALTER TABLE t DISABLE ROW LEVEL SECURITY', 'ALTER TABLE t ENABLE ROW LEVEL SECURITY'),
('ban-replica-role', 'SET session_replication_role = replica', 'SET session_replication_role = DEFAULT; SET session_replication_role = origin'),
('ban-truncate-cascade', 'TRUNCATE t CASCADE', 'TRUNCATE t'),
('truncating', 'TRUNCATE t', 'CREATE TEMPORARY TABLE u (n int); TRUNCATE u'),
('ban-drop-not-null', 'ALTER TABLE t ALTER n DROP NOT NULL', 'ALTER TABLE t ALTER n DROP DEFAULT'),
('renaming-table', 'ALTER TABLE t RENAME TO u', 'CREATE TABLE u (n int); ALTER TABLE u RENAME TO w; ALTER TABLE w ADD x int'),
('renaming-column', 'ALTER TABLE t RENAME n TO o', 'ALTER TABLE t RENAME CONSTRAINT t_pkey TO o'),
('syntax-error', 'ALTER TABLE t ADD', 'ALTER TABLE t ADD x int'),
('missing-object', 'CREATE TABLE u (n int REFERENCES nowhere)', 'CREATE TABLE nowhere (id int); CREATE TABLE u (n int REFERENCES nowhere); DROP TABLE IF EXISTS gone; CREATE TABLE made (id int); INSERT INTO made VALUES (1); DROP TABLE made'),
('statement-refused', 'ALTER TABLE t DROP nope', 'ALTER TABLE t DROP IF EXISTS nope'),
('statement-refused', 'ALTER TABLE part DETACH PARTITION t CONCURRENTLY', 'ALTER TABLE part DETACH PARTITION part0 CONCURRENTLY'),
('statement-refused', 'ALTER TABLE t ADD PRIMARY KEY (n)', 'ALTER TABLE t DROP CONSTRAINT t_pkey, ADD CONSTRAINT t_pkey PRIMARY KEY (id)'),
('statement-refused', 'ALTER TABLE t ADD x int PRIMARY KEY', 'ALTER TABLE t ADD x int UNIQUE'),
('refused-in-transaction', 'VACUUM t', 'COMMIT; ANALYZE t'),
('using-enum-value-in-the-same-transaction', 'ALTER TYPE en ADD VALUE ''b''; SELECT ''b''::en', 'ALTER TYPE en ADD VALUE ''b''; SELECT ''a''::en; COMMIT; SELECT ''b''::en'),
('unread-code', 'DO $$BEGIN END$$', 'SELECT 1'),
('unread-commands', E'\\i other.sql\nSELECT 1', 'SELECT 1'),
('ban-drop-database', 'DROP DATABASE other', 'DROP TABLE other'),
('ban-create-domain-with-constraint', 'CREATE DOMAIN d AS int CHECK (VALUE > 0)', 'CREATE DOMAIN d AS int'),
('ban-alter-domain-with-add-constraint', 'ALTER DOMAIN d ADD CHECK (VALUE > 0)', 'ALTER DOMAIN d ADD CHECK (VALUE > 0) NOT VALID'),
('altering-domain-reads-tables', 'ALTER DOMAIN dom SET NOT NULL', 'ALTER DOMAIN dom DROP NOT NULL; ALTER DOMAIN dom ADD CHECK (VALUE > '''') NOT VALID'),
('prefer-bigint-over-int', 'CREATE TABLE u (id serial PRIMARY KEY)', 'CREATE TABLE u (id bigserial PRIMARY KEY, n int)'),
('prefer-bigint-over-smallint', 'CREATE TABLE u (id smallint GENERATED ALWAYS AS IDENTITY)', 'CREATE TABLE u (n smallint)'),
('ban-concurrent-index-creation-in-transaction', 'CREATE INDEX CONCURRENTLY ON t (n)', 'COMMIT; CREATE TABLE u ()'),
('transaction-nesting', 'BEGIN; COMMIT', 'SELECT 1'),
('ban-uncommitted-transaction', 'BEGIN; SELECT 1', 'BEGIN; COMMIT'),
('validating-in-the-same-transaction', 'ALTER TABLE t ADD CONSTRAINT k CHECK (n > 0) NOT VALID; ALTER TABLE t VALIDATE CONSTRAINT k', 'ALTER TABLE t VALIDATE CONSTRAINT k'),
('write-in-ddl-transaction', 'ALTER TABLE t ADD x int; UPDATE t SET x = 1 WHERE id = 1', 'UPDATE t SET n = 1 WHERE id = 1; ALTER TABLE t ADD x int'),
('locks-held-together', 'ALTER TABLE t ADD x int; ALTER TABLE p ADD x int', 'ALTER TABLE t ADD x int; ALTER TABLE t ADD y int'),
('locks-held-together', 'ALTER TABLE tied DROP CONSTRAINT tied_p_id_fkey', 'ALTER TABLE tied DROP CONSTRAINT IF EXISTS none'),
('require-timeout-settings', 'ALTER TABLE t ADD x int', $$SET lock_timeout = '1s'; ALTER TABLE t ADD x int$$),
('prefer-text-field', 'CREATE TABLE u (v varchar(9))', 'CREATE TABLE u (v text)'),
('ban-char-field', 'CREATE TABLE u (v char(9))', 'CREATE TABLE u (v text)'),
('prefer-identity', 'CREATE TABLE u (v serial)', 'CREATE TABLE u (v int GENERATED ALWAYS AS IDENTITY)'),
('prefer-timestamptz', 'CREATE TABLE u (v timestamp)', 'CREATE TABLE u (v timestamptz)');
INSERT INTO schemaguard.lint_rule (name, enabled)
SELECT name, true FROM schemaguard.lint_rule WHERE name IN ('prefer-text-field', 'ban-char-field', 'prefer-identity', 'prefer-timestamptz');
SELECT t.rule, t.found, (SELECT count(*) FROM sg_lint_sql_details(t.found) d WHERE d.rule = t.rule) AS first,
       (SELECT count(*) FROM sg_lint_sql_details(t.quiet) d WHERE d.rule = t.rule) AS second
FROM tried t
WHERE (SELECT count(*) FROM sg_lint_sql_details(t.found) d WHERE d.rule = t.rule) <> 1 OR EXISTS (SELECT FROM sg_lint_sql_details(t.quiet) d WHERE d.rule = t.rule);
SELECT name AS "rules without a case" FROM schemaguard.lint_rule r WHERE source = 'shipped' AND query IS NULL AND NOT EXISTS (SELECT FROM tried t WHERE t.rule = r.name);
DELETE FROM schemaguard.lint_rule WHERE source = 'user';
SELECT t.rule, d.severity, d.lock, regexp_replace(d.message, '[(](\d+ kB, about 1,000 rows|size not known)[^)]*', '(so large') AS message
FROM tried t CROSS JOIN LATERAL sg_lint_sql_details(t.found) d WHERE d.rule = t.rule ORDER BY t.rule COLLATE "C", t.found COLLATE "C";

-- a new name that is as long as names can be
SELECT format('CREATE TABLE wide (%s int)', repeat('é', 31)) \gexec
SELECT safe_form FROM sg_lint_sql_details(format('ALTER TABLE ls.wide ALTER %s TYPE bigint', repeat('é', 31))) WHERE rule = 'changing-column-type';
-- names that the table has, or that another safe form takes, are others'
SELECT format('ALTER TABLE wide ADD %1$s_new bigint, ADD %1$séx int, ADD %1$séy int', repeat('é', 29)) \gexec
SELECT safe_form FROM sg_lint_sql_details(format('ALTER TABLE ls.wide ALTER %1$séx TYPE bigint, ALTER %1$séy TYPE bigint', repeat('é', 29))) WHERE rule = 'changing-column-type';
DROP TABLE wide;

-- NOT NULL in the table, and not in one that inherits from it, as could be before 18
CREATE TABLE above (a int NOT NULL, b int NOT NULL);
CREATE TABLE below () INHERITS (above);
DO $$
BEGIN
    IF current_setting('server_version_num')::int < 180000 THEN
        ALTER TABLE below ALTER a DROP NOT NULL;
        ASSERT (SELECT array_agg(f.name || f.flags::text ORDER BY f.name) = ARRAY['a{"may read",heirs}', 'b{touched,heirs}']
                FROM schemaguard.sg_script_facts(ARRAY['ALTER TABLE above ALTER a SET NOT NULL, ALTER b SET NOT NULL'], false) f);
    END IF;
END $$;
DROP TABLE above, below;

-- a domain by the path that the script sets
CREATE SCHEMA ls_types;
CREATE DOMAIN ls_types.only_there AS int;
CREATE TABLE with_domain (a ls_types.only_there);
SELECT relation, lock, flags FROM schemaguard.sg_script_facts('{SET search_path = ls_types; ALTER DOMAIN only_there SET NOT NULL}', false);
DROP TABLE with_domain;
DROP SCHEMA ls_types CASCADE;

-- what older servers can't parse: a new expression of a stored column (17), a key that is enforced (18)
CREATE TABLE gen (id int, p_id int CONSTRAINT gen_p REFERENCES q, twice int GENERATED ALWAYS AS (id * 2) STORED);
SELECT n, current_setting('server_version_num')::int < first_version OR array_agg(DISTINCT d.rule COLLATE "C") = rules AS told
FROM (VALUES (1, 170000, 'ALTER TABLE gen ALTER twice SET EXPRESSION AS (id * 3)', '{require-timeout-settings,rewriting-under-lock}'::text[]),
  (2, 180000, 'ALTER TABLE gen ALTER CONSTRAINT gen_p ENFORCED', '{adding-foreign-key-constraint,locks-held-together,require-timeout-settings}'),
  (3, 180000, 'ALTER TABLE gen ALTER CONSTRAINT gen_p NOT ENFORCED', '{require-timeout-settings}')) v (n, first_version, script, rules), sg_lint_sql_details(script) d
GROUP BY n, first_version, rules ORDER BY n;
SELECT n, current_setting('server_version_num')::int < first_version OR array_agg(concat_ws(' ', f.relation, f.lock, f.flags) ORDER BY f.relation) = facts AS told
FROM (VALUES (1, 170000, 'ALTER TABLE gen ALTER twice SET EXPRESSION AS (id * 3)', ARRAY['ls.gen AccessExclusiveLock {rewrites}']),
  (2, 180000, 'ALTER TABLE gen ALTER CONSTRAINT gen_p ENFORCED', ARRAY['ls.gen AccessExclusiveLock {checks}', 'ls.q ShareRowExclusiveLock {checks}'])) v (n, first_version, script, facts),
  schemaguard.sg_script_facts(ARRAY[script], false) f GROUP BY n, first_version, facts ORDER BY n;
DROP TABLE gen;

-- an option that is off; all tables; a CHECK that the script validates, of its own or of before, and one that it does not, or of another column
ALTER TABLE t ADD CONSTRAINT before CHECK (n IS NOT NULL) NOT VALID;
SELECT s.script, (SELECT string_agg(d.rule, ', ') FROM sg_lint_sql_details('SET lock_timeout = 1000;' || s.script) d) AS rules
FROM unnest(ARRAY['REINDEX (CONCURRENTLY off) TABLE ls.t', 'REINDEX (CONCURRENTLY 0) INDEX ls.ti', 'VACUUM (FULL 0) ls.t', 'VACUUM (FULL on)', 'CLUSTER',
    'ALTER TABLE ALL IN TABLESPACE pg_default SET TABLESPACE other', 'ALTER INDEX ALL IN TABLESPACE pg_default SET TABLESPACE other',
    -- a constraint that keys or a view need; a schema is a part of the name
    'ALTER TABLE ls.q DROP CONSTRAINT q_pkey', 'ALTER TABLE ls.q DROP CONSTRAINT q_pkey CASCADE', 'ALTER TABLE ls.t DROP CONSTRAINT t_pkey CASCADE',
    'ALTER TABLE ls.t ADD e dom', 'ALTER TABLE ls.t ADD e checked', 'ALTER TABLE ls.t ADD e ls.checked',
    'ALTER TABLE ls.t SET SCHEMA public', 'ALTER SCHEMA ls RENAME TO ls_new', 'ALTER SCHEMA ls_nothing RENAME TO ls_new',
    'CREATE TABLE ls.new (a int); ALTER TABLE ls.new SET SCHEMA public; ALTER TABLE public.new DROP a',
    'ALTER TABLE ls.t VALIDATE CONSTRAINT before; ALTER TABLE ls.t ALTER n SET NOT NULL',
    'ALTER TABLE ls.t ALTER n SET NOT NULL; ALTER TABLE ls.t VALIDATE CONSTRAINT before',
    'ALTER TABLE ls.t VALIDATE CONSTRAINT before; ALTER TABLE ls.t ALTER d SET NOT NULL',
    'ALTER TABLE ls.t ADD CONSTRAINT k CHECK (d IS NOT NULL) NOT VALID; COMMIT; BEGIN; ALTER TABLE ls.t VALIDATE CONSTRAINT k; ALTER TABLE ls.t ALTER "d" SET NOT NULL; COMMIT',
    'ALTER TABLE ls.t ADD CONSTRAINT k CHECK (d IS NOT NULL OR n > 0) NOT VALID; COMMIT; BEGIN; ALTER TABLE ls.t VALIDATE CONSTRAINT k; ALTER TABLE ls.t ALTER d SET NOT NULL; COMMIT',
    -- a CHECK that goes before, or with it
    'ALTER TABLE ls.t ALTER filled SET NOT NULL, DROP CONSTRAINT t_filled_check', 'ALTER TABLE ls.t DROP CONSTRAINT t_filled_check; ALTER TABLE ls.t ALTER filled SET NOT NULL',
    'ALTER TABLE ls.t RENAME CONSTRAINT t_filled_check TO k; ALTER TABLE ls.t DROP CONSTRAINT k; ALTER TABLE ls.t ALTER filled SET NOT NULL', 'ALTER TABLE ls.t ALTER filled SET NOT NULL; ALTER TABLE ls.t DROP CONSTRAINT t_filled_check',
    'ALTER TABLE ls.t ADD CONSTRAINT k CHECK (d IS NOT NULL) NOT VALID; COMMIT; ALTER TABLE ls.t VALIDATE CONSTRAINT k; COMMIT; ALTER TABLE ls.t DROP CONSTRAINT k, ALTER d SET NOT NULL']) s (script);
SELECT s.script, d.rule FROM (VALUES ('ALTER TABLE ls.t DROP CONSTRAINT t_filled_check', 'ALTER TABLE ls.t ALTER filled SET NOT NULL'), ('ALTER TABLE ls.t ALTER v TYPE text', 'ALTER TABLE ls.t ALTER v TYPE varchar(30)'),
    ('ALTER TABLE ls.t ALTER s TYPE int USING s::int', 'ALTER TABLE ls.t ALTER s TYPE varchar'), ('CREATE DOMAIN ls.made AS int CHECK (VALUE <> random())', 'ALTER TABLE ls.t ADD x ls.made')) s (earlier, script),
    sg_lint_sql_details('SET lock_timeout = 1000;' || s.script, after => s.earlier) d;
ALTER TABLE t DROP CONSTRAINT before;

-- a primary key USING an index with columns that may be null reads all rows for them; not where a CHECK, or SET NOT NULL before, says so
CREATE TABLE keyless (a int, b int NOT NULL, c int CHECK (c IS NOT NULL));
CREATE UNIQUE INDEX keyless_all ON keyless (a, b, c);
CREATE UNIQUE INDEX keyless_b ON keyless (b);
SELECT s.script, d.line, d.object, d.lock, d.safe_form FROM unnest(ARRAY['ALTER TABLE ls.keyless ADD PRIMARY KEY USING INDEX keyless_all', 'ALTER TABLE ls.keyless ADD PRIMARY KEY USING INDEX keyless_b',
    'ALTER TABLE ls.keyless ADD UNIQUE USING INDEX keyless_all', E'CREATE UNIQUE INDEX new ON ls.keyless (b, a);\nALTER TABLE ls.keyless ADD PRIMARY KEY USING INDEX new',
    'ALTER TABLE ls.keyless ALTER a SET NOT NULL; ALTER TABLE ls.keyless ADD CONSTRAINT k PRIMARY KEY USING INDEX keyless_all']) s (script)
    LEFT JOIN LATERAL sg_lint_sql_details(s.script) d ON d.rule = 'adding-not-nullable-field';
DROP TABLE keyless;

-- safe forms name the objects that the script's search_path finds; so does what the server is asked about
CREATE SCHEMA ls_path;
CREATE FUNCTION ls_path.needed(text) RETURNS text IMMUTABLE LANGUAGE sql RETURN $1 || 'there';
CREATE FUNCTION public.needed(text) RETURNS text IMMUTABLE LANGUAGE sql RETURN $1;
CREATE COLLATION ls_path.coll FROM "C";
CREATE OPERATOR CLASS ls_path.ops FOR TYPE text USING btree AS OPERATOR 1 <, OPERATOR 3 =, FUNCTION 1 bttextcmp(text, text);
CREATE DOMAIN ls_path."Dom x" AS text;
CREATE TABLE ls_path.mine (a int, b int);
SELECT line, rule, safe_form FROM sg_lint_sql_details(E'SET search_path = ls_path, ls, public; SET lock_timeout = 1;
CREATE INDEX i ON t (needed(s));
CREATE INDEX j ON t USING btree (s COLLATE coll ops DESC, (s::"Dom x")) WHERE needed(s) > \'\';
ALTER TABLE t ALTER s TYPE "Dom x" USING needed(s);
ALTER TABLE t ALTER d SET DATA TYPE "Dom x";
ALTER TABLE t ALTER n TYPE numeric(9,1) USING n / 2.0;') WHERE safe_form IS NOT NULL;
SELECT s.script, d.rule, d.message FROM unnest(ARRAY['CREATE PUBLICATION ls_p FOR TABLE mine, t (id) WHERE (id > 1)', 'CREATE STATISTICS st ON a, b FROM mine',
    'CREATE STATISTICS st ON (needed(a::text)) FROM mine', 'CREATE PUBLICATION ls_p FOR TABLE lacking']) s (script)
    LEFT JOIN LATERAL sg_lint_sql_details('SET search_path = ls_path, ls, public;' || s.script) d ON true;
DROP FUNCTION public.needed(text);
DROP SCHEMA ls_path CASCADE;

-- a step reads a date by its caller's settings, not by the script's
SELECT line, message ~ 'no safe form, because the script sets datestyle, timezone' AS said, safe_form FROM sg_lint_sql_details(E'ALTER TABLE t ADD CHECK (d <> \'02/01/2020\');
SET DateStyle = \'SQL, DMY\'; SET TIME ZONE \'UTC\';
ALTER TABLE t ADD CHECK (d > \'02/01/2020\');
ALTER TABLE t ADD CHECK (s <> \'x\' AND n > 0.5)') WHERE rule = 'constraint-missing-not-valid';

-- what depends on what is no relation
SELECT s.script, d.severity, d.rule, d.object, d.message
FROM unnest(ARRAY['DROP TYPE ls.ct CASCADE', 'DROP TYPE ls.ct', 'DROP DOMAIN ls.dom CASCADE', 'DROP FUNCTION ls.needed(int) CASCADE', 'DROP TYPE ls.unused CASCADE',
    'DROP FUNCTION ls.f() CASCADE', 'DROP SCHEMA ls', 'DROP SERVER nowhere CASCADE', 'DROP SERVER nowhere', 'DROP OWNED BY pg_read_all_stats CASCADE']) s (script)
     LEFT JOIN LATERAL sg_lint_sql_details(s.script) d ON true;

-- tables that are locked along with what goes
SELECT s.script, f.relation, f.lock FROM unnest(ARRAY['DROP TYPE ls.ct CASCADE', 'DROP TYPE ls.ct', 'DROP DOMAIN ls.dom CASCADE', 'DROP FUNCTION ls.needed(int) CASCADE', 'DROP FUNCTION ls.fires() CASCADE',
    'DROP SEQUENCE ls.counts CASCADE', 'DROP TABLE ls.stored', 'DROP TABLE ls.q CASCADE', 'DROP TABLE ls.q, ls.stored']) s (script)
    LEFT JOIN LATERAL schemaguard.sg_lint_sql_facts(s.script, NULL, true) f ON f.relation IS NOT NULL;

-- VALIDATE of a constraint that the script adds without a name, and of one that is here
ALTER TABLE t ADD CONSTRAINT t_n_check CHECK (n > 0) NOT VALID;
SELECT s.script, d.line FROM unnest(ARRAY[E'ALTER TABLE ls.t ADD FOREIGN KEY (p_id) REFERENCES ls.p NOT VALID;\nALTER TABLE ls.t VALIDATE CONSTRAINT t_p_id_fkey', E'ALTER TABLE ls.t ADD CHECK (id > 0) NOT VALID;\nALTER TABLE ls.t VALIDATE CONSTRAINT t_id_check',
    E'ALTER TABLE ls.t ADD CHECK (id > 0) NOT VALID;\nALTER TABLE ls.t VALIDATE CONSTRAINT t_n_check']) s (script) LEFT JOIN LATERAL sg_lint_sql_details(s.script) d ON d.rule = 'validating-in-the-same-transaction';
ALTER TABLE t DROP CONSTRAINT t_n_check;

-- Safe forms are calls that run: each becomes a step, which is safe by the preflight's own judgement, or is refused for what the script gets wrong
SELECT sg_plan_create('lint_sql');
CREATE TEMPORARY TABLE safe AS SELECT t.rule, d.safe_form FROM tried t CROSS JOIN LATERAL sg_lint_sql_details(t.found) d WHERE d.rule = t.rule AND safe_form IS NOT NULL;
DO $$
DECLARE
    one record;
BEGIN
    FOR one IN SELECT DISTINCT safe_form FROM safe LOOP
        EXECUTE replace(one.safe_form, 'schemaguard.sg_lint_plan()', quote_literal('lint_sql'));
    END LOOP;
END $$;
SELECT s.kind, s.definition, s.child_columns, s.fk_name FROM schemaguard.plan_step s WHERE s.plan = 'lint_sql'
ORDER BY s.kind COLLATE "C", s.definition COLLATE "C", s.child_columns, s.fk_name;
SELECT sg_plan_drop('lint_sql');

-- Tables below one are told where a statement comes to them
CREATE TABLE ls.up (id int, v int CHECK (v > 0)); CREATE TABLE ls.low (w int) INHERITS (ls.up); CREATE TABLE ls.lower () INHERITS (ls.low);
CREATE TABLE ls.parted (id int, v int) PARTITION BY RANGE (id);
DO $$ BEGIN FOR i IN 1..7 LOOP EXECUTE format('CREATE TABLE ls.parted%s PARTITION OF ls.parted FOR VALUES FROM (%s) TO (%s)', i, i, i + 1); END LOOP; END $$;
VACUUM ANALYZE ls.up, ls.low, ls.lower, ls.parted1, ls.parted2, ls.parted3, ls.parted4, ls.parted5, ls.parted6, ls.parted7;
SELECT line, rule, message FROM sg_lint_sql_details(
'ALTER TABLE ls.up ALTER id TYPE bigint;
ALTER TABLE ONLY ls.up ADD CHECK (id > 0) NO INHERIT;
ALTER TABLE ls.low ALTER v SET NOT NULL;
ALTER TABLE ls.up ADD UNIQUE (id);
UPDATE ls.up SET v = 1;
UPDATE ONLY ls.up SET v = 1;
LOCK ls.low;
TRUNCATE ls.up;
ALTER TABLE ls.parted ALTER v TYPE bigint;
CREATE INDEX ON ls.parted2 (id);') WHERE severity <> 'note' AND rule !~ 'timeout|together|unit|write-in-ddl' ORDER BY line, rule COLLATE "C";
DROP TABLE ls.up, ls.low, ls.lower, ls.parted;

-- Writes a minute are since the counters began, which a restart of the server does not change, and are not told where that is not known
CREATE TABLE ls.written AS SELECT generate_series(1, 1000);
SELECT pg_stat_force_next_flush();
BEGIN;
CREATE OR REPLACE FUNCTION schemaguard.sg_stats_since() RETURNS timestamptz LANGUAGE sql STABLE PARALLEL RESTRICTED RETURN now() - interval '100 minutes';
SELECT substring(schemaguard.sg_lint_weight('ls.written'::regclass, false) FROM '[0-9]+ writes a minute');
CREATE OR REPLACE FUNCTION schemaguard.sg_stats_since() RETURNS timestamptz LANGUAGE sql STABLE PARALLEL RESTRICTED RETURN NULL::timestamptz;
SELECT substring(schemaguard.sg_lint_weight('ls.written'::regclass, false) FROM '[0-9]+ writes a minute');
ROLLBACK;
DROP TABLE ls.written;

-- Locks and rewrites, as PostgreSQL takes and does them
CREATE TEMPORARY TABLE judged (sql text, said text, took text, said_rewrite boolean, rewrote boolean);
CREATE FUNCTION judge(script text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    modes text[] := '{ShareLock,ShareRowExclusiveLock,ExclusiveLock,AccessExclusiveLock}';
    before oid[] := ARRAY[pg_relation_filenode('ls.t'), pg_relation_filenode('ls.typed')];
    said text := (SELECT string_agg(f.relation || ' ' || modes[f.mode], ', ' ORDER BY f.relation)
                  FROM (SELECT relation, max(array_position(modes, lock)) AS mode FROM schemaguard.sg_script_facts(ARRAY[script], true)
                        WHERE NOT 'made' = ANY (flags) GROUP BY relation) f WHERE f.mode IS NOT NULL);
    said_rewrite boolean := (SELECT coalesce(bool_or(flags && '{rewrites,computed}' OR command IN ('rewrite table', 'move rows')), false)
                             FROM schemaguard.sg_script_facts(ARRAY[script], true));
    took text;
    rewrote boolean;
BEGIN
    BEGIN
        EXECUTE script;
        took := (SELECT string_agg(l.name || ' ' || modes[l.mode], ', ' ORDER BY l.name)
                 FROM (SELECT 'ls.' || c.relname AS name, max(array_position(modes, l.mode)) AS mode
                       FROM pg_locks l JOIN pg_class c ON c.oid = l.relation
                       WHERE l.pid = pg_backend_pid() AND c.relname IN ('t', 'p', 'm', 'part', 'part0', 'part1', 'half', 'half0', 'half1', 'rest', 'stored', 'typed', 'keyed', 'keying', 'shown') GROUP BY 1) l WHERE l.mode IS NOT NULL);
        rewrote := before <> ARRAY[pg_relation_filenode('ls.t'), pg_relation_filenode('ls.typed')];
        RAISE EXCEPTION 'taken back';
    EXCEPTION WHEN OTHERS THEN
        IF SQLERRM <> 'taken back' THEN
            took := SQLERRM;
        END IF;
    END;
    INSERT INTO judged VALUES (script, said, took, said_rewrite, rewrote);
END $$;
DO $do$
DECLARE
    statement text;
BEGIN
    FOREACH statement IN ARRAY ARRAY[
        'ALTER TABLE ls.t ADD x int', 'ALTER TABLE ls.t ADD x int DEFAULT 3', 'ALTER TABLE ls.t ADD x float DEFAULT random()',
        'ALTER TABLE ls.t ADD x timestamptz DEFAULT now()', 'ALTER TABLE ls.t ADD x timestamptz DEFAULT clock_timestamp()',
        'ALTER TABLE ls.t ADD x serial', 'ALTER TABLE ls.t ADD x int GENERATED ALWAYS AS IDENTITY',
        'ALTER TABLE ls.t ADD x int GENERATED ALWAYS AS (id + 1) STORED', 'ALTER TABLE ls.t DROP n', 'ALTER TABLE ls.t ALTER v TYPE varchar(30)',
        'ALTER TABLE ls.t ALTER v TYPE varchar(10)', 'ALTER TABLE ls.t ALTER v TYPE varchar(30) USING v::varchar(30)', 'ALTER TABLE ls.t ALTER n TYPE numeric(12,2) USING n::numeric(12,2)', 'ALTER TABLE ls.t ALTER s TYPE varchar USING s',
        'ALTER TABLE ls.t ALTER v TYPE text', 'ALTER TABLE ls.t ALTER s TYPE varchar',
        'ALTER TABLE ls.t ALTER s TYPE varchar(3)', 'ALTER TABLE ls.t ALTER n TYPE numeric(12,2)', 'ALTER TABLE ls.t ALTER n TYPE numeric(12,3)',
        'ALTER TABLE ls.t ALTER n TYPE numeric', 'ALTER TABLE ls.t ALTER id TYPE bigint', 'ALTER TABLE ls.t ALTER d TYPE timestamptz',
        'ALTER TABLE ls.t ALTER d TYPE date', 'ALTER TABLE ls.t ALTER b TYPE varbit', 'ALTER TABLE ls.t ALTER b TYPE varbit(7)',
        'ALTER TABLE ls.t ALTER ts TYPE timestamptz', 'ALTER TABLE ls.t ALTER ts TYPE timestamptz(1)', 'ALTER TABLE ls.t ALTER c TYPE text',
        'ALTER TABLE ls.t ALTER c TYPE varchar(5)', 'ALTER TABLE ls.t ALTER i TYPE interval(0)', 'ALTER TABLE ls.t ALTER filled SET NOT NULL',
        'ALTER TABLE ls.t ALTER v SET DEFAULT 1', 'ALTER TABLE ls.t ALTER v SET STATISTICS 10', 'ALTER TABLE ls.t SET (fillfactor = 50)',
        'ALTER TABLE ls.t ADD FOREIGN KEY (p_id) REFERENCES ls.p', 'ALTER TABLE ls.t ADD FOREIGN KEY (p_id) REFERENCES ls.p NOT VALID',
        'ALTER TABLE ls.t ADD x bigint REFERENCES ls.p', 'ALTER TABLE ls.t ADD CHECK (id > 0)', 'ALTER TABLE ls.t ADD UNIQUE (p_id)',
        'ALTER TABLE ls.t SET UNLOGGED', 'ALTER TABLE ls.t ENABLE ROW LEVEL SECURITY', 'ALTER TABLE ls.t RENAME n TO w', 'CREATE INDEX ON ls.t (p_id)',
        'DROP INDEX ls.ti', 'TRUNCATE ls.p', 'REINDEX TABLE ls.t', 'REINDEX INDEX ls.ti', 'REFRESH MATERIALIZED VIEW ls.m',
        'LOCK TABLE ls.t IN EXCLUSIVE MODE', 'UPDATE ls.t SET v = 1', 'DELETE FROM ls.t', $$INSERT INTO ls.t (id, filled) VALUES (0, '')$$,
        'CREATE TRIGGER g BEFORE UPDATE ON ls.t FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()', 'CREATE POLICY y ON ls.t',
        'CREATE RULE r AS ON INSERT TO ls.t DO ALSO NOTHING', 'CREATE TABLE ls.x (a bigint REFERENCES ls.p)',
        'ALTER TABLE ls.part ATTACH PARTITION ls.part1 FOR VALUES FROM (1) TO (2)', 'ALTER TABLE ls.part DETACH PARTITION ls.part0',
        'CREATE TABLE ls.part2 PARTITION OF ls.part FOR VALUES FROM (3) TO (4)',
        'CREATE TABLE ls.half2 PARTITION OF ls.half FOR VALUES FROM (3) TO (4)', 'ALTER TABLE ls.half ATTACH PARTITION ls.half1 FOR VALUES FROM (1) TO (2)',
        'ALTER TABLE ls.half DETACH PARTITION ls.half0', 'ALTER TYPE ls.row_type ALTER ATTRIBUTE a TYPE bigint CASCADE', 'ALTER TYPE ls.row_type ALTER ATTRIBUTE b TYPE varchar CASCADE',
        'ALTER DOMAIN ls.dom SET NOT NULL', $$ALTER DOMAIN ls.dom ADD CHECK (VALUE <> 'x')$$, 'CLUSTER ls.t USING ti', 'ALTER TABLE ls.t ALTER v TYPE varchar(30), ADD x int',
        $$COMMENT ON TABLE ls.t IS 'x'$$, 'CREATE STATISTICS ls.st ON id, v FROM ls.t', 'ANALYZE ls.t', 'GRANT SELECT ON ls.t TO PUBLIC',
        -- a type, a domain or a check that the script itself gives
        'ALTER TABLE ls.t ALTER v TYPE text; ALTER TABLE ls.t ALTER v TYPE varchar(30)', 'ALTER TABLE ls.t ALTER n TYPE numeric(12,2); ALTER TABLE ls.t RENAME n TO o; ALTER TABLE ls.t ALTER o TYPE numeric(11,2)',
        'ALTER TABLE ls.t ADD x varchar(3); ALTER TABLE ls.t ALTER x TYPE text', 'ALTER TABLE ls.t DROP v; ALTER TABLE ls.t ADD v int; ALTER TABLE ls.t ALTER v TYPE bigint',
        'CREATE DOMAIN ls.made AS int CHECK (VALUE <> random()); ALTER TABLE ls.t ADD x ls.made', 'CREATE DOMAIN ls.made AS ls.checked; ALTER TABLE ls.t ADD x ls.made',
        'CREATE DOMAIN ls.made AS float DEFAULT random(); ALTER TABLE ls.t ADD x ls.made', 'CREATE DOMAIN ls.made AS int DEFAULT 1; ALTER TABLE ls.t ADD x ls.made', 'ALTER DOMAIN ls.en_dom ADD CHECK (VALUE <> random()); ALTER TABLE ls.t ADD x ls.en_dom',
        'CREATE DOMAIN made AS checked; ALTER TABLE t ADD x made', 'ALTER DOMAIN checked RENAME TO made; ALTER TABLE ls.t ADD x made', 'ALTER TYPE ls.checked SET SCHEMA public; ALTER TABLE ls.t ADD x public.checked',
        'ALTER TABLE t ALTER v TYPE dom', 'ALTER TABLE t ALTER id TYPE en_dom', 'ALTER TABLE t ALTER n TYPE en_dom', 'ALTER DOMAIN dom ADD CHECK (VALUE <> random()::text) NOT VALID; ALTER TABLE t ALTER v TYPE dom',
        -- tables of keys that the script itself adds, and of a schema
        'CREATE TABLE ls.x (a bigint REFERENCES ls.p, b bigint); ALTER TABLE ls.x ALTER a TYPE int', 'CREATE TABLE ls.x (a bigint REFERENCES ls.p, b bigint); DROP TABLE ls.x', 'CREATE TABLE ls.x (a bigint REFERENCES ls.p, b bigint); ALTER TABLE ls.x ALTER b TYPE int',
        'CREATE TABLE ls.x (a bigint, CONSTRAINT k FOREIGN KEY (a) REFERENCES ls.p); ALTER TABLE ls.x DROP CONSTRAINT k', 'ALTER TABLE ls.t ADD FOREIGN KEY (p_id) REFERENCES ls.p NOT VALID; ALTER TABLE ls.t DROP p_id',
        -- other tables that are locked along
        'ALTER POLICY there ON ls.stored USING (true)', 'ALTER TABLE ls.keyed ALTER code TYPE text', 'ALTER TABLE ls.keying ALTER code TYPE varchar(11)', 'TRUNCATE ls.keyed CASCADE',
        'CREATE OR REPLACE VIEW ls.shown AS SELECT id FROM ls.p', 'ALTER VIEW ls.shown SET (security_barrier)', 'CREATE INDEX IF NOT EXISTS ti ON ls.t (v)', 'CREATE INDEX made ON ls.t (n); DROP INDEX ls.made',
        'ALTER TYPE ls.row_type ADD ATTRIBUTE z int CASCADE', 'ALTER TYPE ls.row_type DROP ATTRIBUTE b CASCADE',
        'ALTER TABLE ls.t DISABLE TRIGGER ALL', 'MERGE INTO ls.t USING ls.p ON p.id = t.id WHEN MATCHED THEN DELETE'] LOOP
        PERFORM ls.judge(statement);
    END LOOP;
END $do$;
SELECT count(*), count(*) FILTER (WHERE took LIKE 'ls.%') AS "that block others", count(*) FILTER (WHERE rewrote) AS rewrites FROM judged;
-- a domain by whose CHECK 19 rewrites no table
SELECT judge(s) FROM unnest(ARRAY['CREATE DOMAIN ls.made AS int CHECK (VALUE > 0); ALTER TABLE ls.t ADD x ls.made', 'CREATE DOMAIN ls.made AS int NOT NULL; CREATE DOMAIN ls.made2 AS ls.made; ALTER TABLE ls.t ADD x ls.made2 DEFAULT 1']) s;
SELECT * FROM judged WHERE said IS DISTINCT FROM took OR said_rewrite IS DISTINCT FROM rewrote;

-- What the server refuses: a partition of a table to which a key refers, an index that is not there, columns that are not
CREATE TABLE cut (id int PRIMARY KEY, b int) PARTITION BY RANGE (id);
CREATE TABLE cut_1 PARTITION OF cut FOR VALUES FROM (1) TO (10);
CREATE TABLE cutter (id int REFERENCES cut);
SELECT message, statement FROM unnest(ARRAY['TRUNCATE cut_1', 'TRUNCATE cut_1, cutter', 'ALTER TABLE t ADD CONSTRAINT u UNIQUE USING INDEX nope',
    'CREATE UNIQUE INDEX nope ON t (n); ALTER TABLE t ADD CONSTRAINT u UNIQUE USING INDEX nope', 'CREATE POLICY o ON t USING (nope > 1)', 'CREATE POLICY o ON t WITH CHECK (t.nope > 1)',
    'CREATE POLICY o ON t USING (id IN (SELECT b FROM ls.cut) AND t.n > 1 AND t IS NOT NULL)', 'ALTER TABLE t ADD nope int; CREATE POLICY o ON t USING (nope > 1)',
    'CREATE RULE r AS ON UPDATE TO t WHERE OLD.nope > 1 DO ALSO NOTHING', 'CREATE RULE r AS ON INSERT TO t DO ALSO (NOTIFY x; INSERT INTO ls.cutter VALUES (NEW.nope))',
    'CREATE RULE r AS ON INSERT TO t WHERE NEW.id > 1 DO ALSO INSERT INTO ls.cutter SELECT b FROM ls.cut WHERE b = NEW.id', 'CREATE TRIGGER g BEFORE UPDATE OF nope ON t EXECUTE FUNCTION suppress_redundant_updates_trigger()',
    'CREATE TRIGGER g BEFORE UPDATE OF id ON t FOR EACH ROW WHEN (NEW.nope > OLD.id) EXECUTE FUNCTION suppress_redundant_updates_trigger()',
    'CREATE TRIGGER g BEFORE UPDATE OF id ON t FOR EACH ROW WHEN (NEW.* IS DISTINCT FROM OLD.* AND OLD.ctid IS NOT NULL) EXECUTE FUNCTION suppress_redundant_updates_trigger()']) s (script)
    CROSS JOIN sg_lint_sql_details(s.script) WHERE rule = 'statement-refused';
DROP TABLE cutter, cut;
-- nor another name of what is inherited, nor a drop of an index that something needs, and then there is no safe form
CREATE TABLE heritage (a int CONSTRAINT low CHECK (a > 0), u int CONSTRAINT heritage_u UNIQUE, CONSTRAINT own CHECK (u > 0) NO INHERIT);
CREATE TABLE heirs () INHERITS (heritage);
SELECT s.script, d.message, d.safe_form IS NOT NULL AS safe FROM unnest(ARRAY['ALTER TABLE heirs RENAME a TO b', 'ALTER TABLE ONLY heritage RENAME a TO b', 'ALTER TABLE heirs RENAME CONSTRAINT low TO lower',
    'ALTER TABLE ONLY heritage RENAME CONSTRAINT low TO lower', 'DROP INDEX heritage_u', 'DROP INDEX ls.heritage_u CASCADE', 'ALTER TABLE heritage RENAME a TO b', 'ALTER TABLE ONLY heritage RENAME CONSTRAINT own TO owned',
    'ALTER TABLE heritage DROP CONSTRAINT heritage_u; DROP INDEX IF EXISTS heritage_u']) WITH ORDINALITY s (script, number)
    LEFT JOIN LATERAL sg_lint_sql_details('SET lock_timeout = 1000; ' || s.script) d ON d.rule IN ('statement-refused', 'drop-refused', 'renaming-column', 'require-concurrent-index-deletion') ORDER BY s.number, d.rule;
DROP TABLE heirs, heritage;
-- before 18, a partitioned table takes no NOT VALID
SELECT count(*) = (current_setting('server_version_num')::int < 180000)::int AS told
FROM sg_lint_sql_details('ALTER TABLE part ADD FOREIGN KEY (id) REFERENCES p NOT VALID') WHERE rule = 'statement-refused';

-- What is said in the script, or in schemaguard.lint_ignore, is left out
SELECT line, rule FROM sg_lint_sql(E'-- sg-ignore truncating\nTRUNCATE t; -- sg-ignore\nTRUNCATE p;\nTRUNCATE /* -- sg-ignore require-timeout-settings, truncating */ t');
INSERT INTO schemaguard.lint_ignore (rule, object, reason) VALUES ('trunc*', 'db/old/*', 'old');
SELECT line, rule FROM sg_lint_sql('TRUNCATE t', path => 'db/old/1.sql');
SELECT line, rule FROM sg_lint_sql('TRUNCATE t', path => 'db/new/1.sql');
DELETE FROM schemaguard.lint_ignore;
INSERT INTO schemaguard.lint_rule (name, severity, message) VALUES ('truncating', 'error', 'empties %1');
SELECT line, severity, rule, message FROM sg_lint_sql('TRUNCATE t') WHERE rule = 'truncating';
DELETE FROM schemaguard.lint_rule WHERE source = 'user';

-- Earlier files that are not here yet, names by the script's own search_path, transactions
SELECT line, rule, message FROM sg_lint_sql_details('ALTER TABLE later ADD x int; CREATE INDEX ON later (x)');
SELECT line, rule, message FROM sg_lint_sql_details('ALTER TABLE later ADD x int; CREATE INDEX ON later (x)', after => ARRAY['SELECT 1', 'CREATE TABLE later ()']);
SELECT line, rule, message FROM sg_lint_sql('ALTER TABLE later ADD x int; CREATE INDEX ON later (x)', after => 'CREATE TABLE later ()'::text);
SELECT sg_lint_sql_sarif('CREATE INDEX ON later (x)', 'x', 'CREATE TABLE later ()') #> '{runs,0,results}';
SELECT line, rule, lock, statement FROM sg_lint_sql_details(E'SET search_path = pg_catalog;\nALTER TABLE t ADD x int;\nSET search_path = ls;\nALTER TABLE t\n ADD x int, ADD y int DEFAULT random()');
SELECT line, rule FROM sg_lint_sql(E'CREATE INDEX CONCURRENTLY ON t (n);\nBEGIN;\nALTER TABLE t ADD x int;\nALTER TABLE p ADD x int;\nCOMMIT;\nALTER TABLE m ADD x int', in_transaction => false);

SELECT rule, object, message FROM sg_lint_sql_details('ALTER TABLE q DROP CONSTRAINT q_pkey CASCADE; ALTER SCHEMA ls RENAME TO ls_new; ALTER TABLE t SET SCHEMA public') WHERE rule ~ '^(drop|rename|renaming)';

-- What WITH, EXPLAIN ANALYZE, PREPARE and COPY write; settings of sessions to come; the index that a key stands on
SELECT line, rule, object FROM sg_lint_sql_details(E'WITH d AS (DELETE FROM t RETURNING 1), s AS (SELECT 1) SELECT * FROM d, s;\nEXPLAIN (ANALYZE) UPDATE t SET n = 1;\n'
    'EXPLAIN UPDATE t SET n = 1;\nPREPARE w AS DELETE FROM t;\nCOPY (UPDATE t SET n = 1 RETURNING 1) TO STDOUT;\nALTER DATABASE postgres SET session_replication_role = replica;\n'
    'ALTER ROLE ALL SET session_replication_role TO replica;\nALTER ROLE ALL SET session_replication_role = origin;\nWITH d AS (SELECT 1) DELETE FROM t WHERE n = 1');
CREATE TABLE stands_on (a int);
CREATE UNIQUE INDEX stood_on ON stands_on (a);
CREATE TABLE stands (a int CONSTRAINT stands_a REFERENCES stands_on (a));
SELECT line, rule, message FROM sg_lint_sql_details(E'DROP INDEX stood_on;\nDROP INDEX stood_on CASCADE;') WHERE rule ~ '^drop-';

-- USING is the step's fill; a collation is for no step; REINDEX is one that blocks nobody
SELECT s.script, d.rule, d.safe_form
FROM unnest(ARRAY['ALTER TABLE q ALTER id TYPE bigint USING id * 100', 'ALTER TABLE t ALTER n TYPE text COLLATE "C"', 'REINDEX TABLE q', 'REINDEX INDEX ti',
    $$ALTER TABLE t ALTER n TYPE text USING (CASE WHEN n IN (1, 2) THEN 'a,b' ELSE n::text END), ADD z int$$, 'ALTER TABLE p ADD x int CHECK (x > 0)']) s (script),
     sg_lint_sql_details('SET lock_timeout = 1000; ' || s.script) d WHERE d.rule !~ 'together|checks-keys';

-- names that the script gives; what it drops itself; the time zone that it sets; conditions that always hold
CREATE SCHEMA ls_arch;
CREATE TABLE ups (id bigint PRIMARY KEY, amount numeric(10,2), at timestamp);
CREATE TABLE downs (id bigint PRIMARY KEY, up bigint REFERENCES ups, n int);
CREATE VIEW of_ups AS SELECT id, amount FROM ups;
SELECT s.script, (SELECT string_agg(d.rule || ' ' || d.object, ', ' ORDER BY d.line, d.rule, d.object) FROM sg_lint_sql_details(s.script) d
                  WHERE d.rule ~ '^(missing|drop-|type-change|changing|whole|ban-replica)') AS findings
FROM unnest(ARRAY['ALTER TABLE downs RENAME TO d2; ALTER TABLE d2 ADD x int; ALTER TABLE d2 RENAME TO d3; ALTER TABLE d3 ALTER n TYPE bigint',
    'SET search_path = public, ls; ALTER TABLE downs RENAME TO d2; ALTER TABLE ls.d2 ADD x int; ALTER TABLE d2 ALTER n TYPE bigint',
    'ALTER TABLE downs SET SCHEMA ls_arch; ALTER TABLE ls_arch.downs ALTER n TYPE bigint', 'SELECT * INTO b FROM ups; ALTER TABLE b ADD x int',
    'ALTER VIEW of_ups RENAME TO v2; DROP VIEW v2',
    'CREATE TABLE new_downs (id bigint); ALTER TABLE downs RENAME TO old_downs; ALTER TABLE new_downs RENAME TO downs; CREATE INDEX ON old_downs (n); CREATE INDEX ON downs (id)',
    'ALTER TABLE downs RENAME TO d2; ALTER TABLE d4 ADD x int',
    'DROP VIEW of_ups; ALTER TABLE ups ALTER amount TYPE numeric(12,2); CREATE VIEW of_ups AS SELECT id, amount FROM ups',
    'ALTER TABLE ups ALTER amount TYPE numeric(12,2); DROP VIEW of_ups',
    'ALTER TABLE downs DROP CONSTRAINT downs_up_fkey; DROP VIEW of_ups; DROP TABLE ups', 'DROP VIEW of_ups; DROP TABLE ups, downs', 'DROP TABLE ups, downs',
    'ALTER TABLE downs DROP up; DROP VIEW of_ups; DROP TABLE ups', 'DROP TABLE ups CASCADE', 'ALTER TABLE downs DROP CONSTRAINT downs_up_fkey; ALTER TABLE ups DROP CONSTRAINT ups_pkey',
    'ALTER TABLE ups DROP CONSTRAINT ups_pkey; ALTER TABLE downs DROP CONSTRAINT downs_up_fkey', 'DROP SCHEMA ls_arch',
    'SET timezone = ''Europe/Berlin''; ALTER TABLE ups ALTER at TYPE timestamptz', 'SET TIME ZONE 2; ALTER TABLE ups ALTER at TYPE timestamptz',
    'SELECT set_config(''TimeZone'', ''Europe/Berlin'', false); ALTER TABLE ups ALTER at TYPE timestamptz',
    'SET timezone = nowhere; ALTER TABLE ups ALTER at TYPE timestamptz',
    'SET timezone = ''Europe/Berlin''; SET timezone = ''UTC''; ALTER TABLE ups ALTER at TYPE timestamptz', 'ALTER TABLE ups ALTER at TYPE timestamptz',
    'SELECT pg_catalog.set_config(''session_replication_role'', ''replica'', false)', 'SELECT set_config(''session_replication_role'', ''origin'', false)',
    'UPDATE downs SET n = 1 WHERE true', 'DELETE FROM downs WHERE 1 = 1', 'DELETE FROM downs WHERE 1 = 2', 'DELETE FROM downs WHERE false',
    'MERGE INTO downs USING ups ON true WHEN MATCHED THEN DELETE', 'MERGE INTO downs USING ups ON true WHEN MATCHED AND n = 1 THEN DELETE',
    'MERGE INTO downs USING ups ON ups.id = up WHEN MATCHED THEN DELETE']) s (script);
DROP SCHEMA ls_arch;
DROP TABLE downs, ups CASCADE;

-- what the server refuses as things are, unless a statement before it may change them
CREATE VIEW two AS SELECT id, p_id FROM t;
SELECT s.script, d.rule, d.message, d.safe_form IS NOT NULL AS safe FROM unnest(ARRAY['CREATE INDEX CONCURRENTLY ON part (id)', 'TRUNCATE q', 'TRUNCATE q, stored', 'CREATE OR REPLACE VIEW two AS SELECT id FROM t',
    'CREATE OR REPLACE VIEW two AS SELECT id, p_id, n FROM t', 'ALTER TYPE en ADD VALUE ''a''', 'CREATE TYPE en2 AS ENUM (''a''); ALTER TYPE en2 ADD VALUE ''b''; SELECT ''b''::en2',
    'CREATE DATABASE other', 'CREATE TABLE u (); CREATE TABLE q ()', 'CREATE TABLE IF NOT EXISTS q ()', 'ALTER TABLE q RENAME TO q2; CREATE TABLE q ()',
    'ALTER TABLE q VALIDATE CONSTRAINT nope', 'ALTER TABLE q DROP CONSTRAINT nope', 'ALTER TABLE q DROP nope', 'CREATE INDEX ON q (nope)', 'ALTER TABLE q ADD nope int; CREATE INDEX ON q (nope)',
    'ALTER TABLE q ADD nope int, ADD UNIQUE (nope)', 'ALTER TABLE q ADD id int', 'GRANT SELECT ON nope TO PUBLIC', 'DROP SCHEMA IF EXISTS nope; GRANT SELECT ON nope TO PUBLIC', 'CREATE SEQUENCE q']) WITH ORDINALITY s (script, number)
LEFT JOIN LATERAL sg_lint_sql_details('SET lock_timeout = 1000; ' || s.script, in_transaction => s.script !~ 'CONCURRENTLY') d ON true ORDER BY s.number, d.line, d.rule, d.object;
DROP VIEW two;

-- what a statement before has dropped, detached, renamed or altered is not held against one that the server accepts
CREATE TYPE of_key AS ENUM ('a');
CREATE TABLE held (id int PRIMARY KEY, k of_key, at text);
CREATE TABLE holding (id int REFERENCES held, n int DEFAULT nextval('counts'));
CREATE TABLE ls.old (a int);
CREATE VIEW of_held AS SELECT id, at FROM held;
CREATE VIEW of_view AS SELECT id FROM of_held;
CREATE POLICY held_policy ON held USING (at = '');
CREATE SCHEMA ls_two CREATE TABLE held (z int);
CREATE TABLE accepted (number serial, script text);
INSERT INTO accepted (script) VALUES ('DROP TABLE holding; TRUNCATE held'), ('ALTER TABLE holding DROP CONSTRAINT holding_id_fkey; TRUNCATE held'), ('ALTER TABLE holding DROP id; TRUNCATE held'),
    ('DROP VIEW of_view; DROP VIEW of_held; ALTER TABLE held ALTER id TYPE bigint'), ('DROP VIEW of_view, of_held; ALTER TABLE holding ALTER id TYPE bigint; ALTER TABLE held ALTER id TYPE bigint'),
    ('DROP TRIGGER fires ON keying; DROP FUNCTION fires()'), ('DROP FUNCTION fires() CASCADE; CREATE FUNCTION fires() RETURNS trigger LANGUAGE plpgsql AS ''BEGIN RETURN NULL; END''; DROP FUNCTION fires()'),
    ('ALTER TABLE held DROP k; DROP TYPE of_key'), ('ALTER TABLE held ALTER k TYPE text; DROP TYPE of_key; CREATE TYPE of_key AS (a int)'), ('DROP POLICY held_policy ON held; DROP VIEW of_held CASCADE; ALTER TABLE held ALTER at TYPE varchar'),
    ('ALTER TABLE half DETACH PARTITION half0; ALTER TABLE half0 ADD x int'), ('ALTER TABLE half DETACH PARTITION half0; ALTER TABLE half0 ALTER id TYPE bigint'),
    ('ALTER TABLE ls.old RENAME TO a1; ALTER TABLE holding RENAME TO old; ALTER TABLE a1 RENAME TO holding'), ('ALTER TYPE row_type ADD ATTRIBUTE z int CASCADE; ALTER TABLE typed ALTER z SET NOT NULL'),
    ('ALTER TABLE holding ALTER n DROP DEFAULT; ALTER TABLE keying ALTER n DROP DEFAULT; DROP SEQUENCE counts'), ('ALTER TABLE half DETACH PARTITION rest; CREATE TABLE half9 PARTITION OF half FOR VALUES FROM (9) TO (10)'),
    ('DROP TABLE rest; CREATE TABLE half9 PARTITION OF half FOR VALUES FROM (9) TO (10)'), ('SET LOCAL search_path = ls_two, ls; DROP TABLE held; CREATE INDEX ON held (at)'), ('ALTER TABLE t RENAME TO t9; DROP INDEX ti'),
    ('ALTER TABLE holding DROP id; ALTER TABLE held DROP CONSTRAINT held_pkey');
DO $$
DECLARE
    one record;
BEGIN
    FOR one IN SELECT * FROM accepted LOOP
        BEGIN
            EXECUTE one.script;
            RAISE EXCEPTION 'taken back';
        EXCEPTION WHEN raise_exception THEN NULL;
        END;
    END LOOP;
END $$;
SELECT a.number, d.rule, d.message FROM accepted a, sg_lint_sql_details(a.script) d WHERE d.rule ~ 'refused|missing' OR d.rule = 'reading-default-partition' ORDER BY a.number;
-- such a statement rewrites or empties a table, and is judged by that; one that has nothing to do with it is still refused
SELECT s.script, string_agg(d.rule || ' ' || d.object, ', ' ORDER BY d.line, d.rule, d.object) AS findings
FROM unnest(ARRAY['DROP TABLE holding; TRUNCATE held', 'DROP VIEW of_view; DROP VIEW of_held; ALTER TABLE held ALTER id TYPE bigint', 'ALTER TABLE half DETACH PARTITION half0; ALTER TABLE half0 ALTER id TYPE bigint',
    'DROP TABLE ls.old; ALTER TABLE held DROP nope', 'DROP TABLE ls.old; TRUNCATE held', 'ALTER TABLE held ADD x int; ALTER TABLE holding DROP nope', 'ALTER TABLE held ALTER k SET NOT NULL; DROP TYPE of_key',
    'DROP TRIGGER IF EXISTS other ON keying; DROP FUNCTION fires()', 'ALTER INDEX ti RENAME TO ti9; DROP INDEX ti9']) WITH ORDINALITY s (script, number)
LEFT JOIN LATERAL sg_lint_sql_details('SET lock_timeout = 1000; ' || s.script) d ON d.rule !~ 'together|^ban-drop' GROUP BY s.number, s.script ORDER BY s.number;
-- what a ROLLBACK takes back does not count behind it, not even a renamed table, a search_path or a lock_timeout; a released savepoint does
SELECT s.script, string_agg(d.rule || ' ' || d.object, ', ' ORDER BY d.line, d.rule, d.object) AS findings
FROM unnest(ARRAY['SAVEPOINT s; DROP TABLE held CASCADE; CREATE TABLE held (id int); ROLLBACK TO s; ALTER TABLE held ADD z uuid DEFAULT gen_random_uuid()',
    'SAVEPOINT s; ALTER TABLE held RENAME TO h; ROLLBACK TO s; ALTER TABLE held ADD z uuid DEFAULT gen_random_uuid()', 'SAVEPOINT s; DROP TABLE holding; ROLLBACK TO s; TRUNCATE held', 'SAVEPOINT s; DROP TABLE holding; RELEASE s; TRUNCATE held',
    'BEGIN; DROP TABLE held CASCADE; CREATE TABLE held (id int); ROLLBACK; ALTER TABLE held ADD z uuid DEFAULT gen_random_uuid()', 'BEGIN; DROP TABLE holding; COMMIT; TRUNCATE held', 'DROP TABLE holding; ROLLBACK; TRUNCATE held',
    'BEGIN; DROP TRIGGER fires ON keying; DROP FUNCTION fires(); ROLLBACK; DROP FUNCTION fires()', 'SAVEPOINT s; SAVEPOINT u; DROP TABLE holding; ROLLBACK TO u; ROLLBACK TO s; TRUNCATE held', 'SAVEPOINT s; DROP VIEW of_view; ROLLBACK TO s; DROP VIEW of_held',
    'SAVEPOINT s; SET search_path = ls_two; ROLLBACK TO s; LOCK TABLE held', 'SAVEPOINT s; ALTER TABLE t ALTER n SET NOT NULL; ROLLBACK TO s; ALTER TABLE t ALTER n SET NOT NULL']) WITH ORDINALITY s (script, number)
LEFT JOIN LATERAL sg_lint_sql_details('SET lock_timeout = 1000; ' || s.script, in_transaction => s.script !~ '^BEGIN') d ON d.rule !~ 'together|^ban-drop-table' GROUP BY s.number, s.script ORDER BY s.number;
SELECT count(*) FROM sg_lint_sql('BEGIN; SET lock_timeout = 1000; ROLLBACK; LOCK held', in_transaction => false) WHERE rule = 'require-timeout-settings';
-- tables of a schema are locked along; a partitioned table is not reindexed in a transaction; an index that the script makes is built anew
SELECT f.relation, f.lock FROM schemaguard.sg_lint_sql_facts('DROP SCHEMA ls_two CASCADE', NULL, true) f WHERE f.relation IS NOT NULL;
SELECT s.script, string_agg(d.rule, ', ' ORDER BY d.rule) AS rules
FROM unnest(ARRAY['REINDEX TABLE part', 'CREATE INDEX zz ON t (lower(v)); ALTER TABLE t ALTER v TYPE varchar(30)', 'CREATE INDEX zz ON t (id) WHERE v > ''''; ALTER TABLE t ALTER v TYPE varchar(30)',
    'CREATE INDEX zz ON t (v); ALTER TABLE t ALTER v TYPE varchar(30)', 'CREATE INDEX zz ON t (lower(s)); ALTER TABLE t ALTER v TYPE varchar(30)']) s (script), sg_lint_sql('SET lock_timeout = 1000; ' || s.script) d GROUP BY s.script ORDER BY s.script COLLATE "C";
-- a CHECK goes with its column, and follows it to another name
SELECT s.script, EXISTS (SELECT FROM sg_lint_sql(s.script) d WHERE d.rule = 'adding-not-nullable-field') AS reads
FROM unnest(ARRAY['ALTER TABLE t DROP filled; ALTER TABLE t ADD filled text DEFAULT 1; ALTER TABLE t ALTER filled SET NOT NULL', 'ALTER TABLE t DROP filled, ADD filled text DEFAULT 1, ALTER filled SET NOT NULL',
    'ALTER TABLE t ALTER filled SET NOT NULL; ALTER TABLE t DROP filled; ALTER TABLE t ADD filled text DEFAULT 1; ALTER TABLE t ALTER filled SET NOT NULL', 'SAVEPOINT s; ALTER TABLE t DROP filled; ROLLBACK TO s; ALTER TABLE t ALTER filled SET NOT NULL',
    'ALTER TABLE t RENAME filled TO r; ALTER TABLE t ALTER r SET NOT NULL', 'ALTER TABLE t RENAME filled TO r; ALTER TABLE t RENAME s TO filled; ALTER TABLE t ALTER filled SET NOT NULL',
    'ALTER TABLE t RENAME filled TO r; ALTER TABLE t ADD filled text DEFAULT 1; ALTER TABLE t ALTER filled SET NOT NULL']) s (script);
DROP SCHEMA ls_two CASCADE;
DROP TABLE accepted, held, holding, ls.old CASCADE;
DROP TYPE of_key;

-- IF NOT EXISTS makes nothing of what is here; what a script drops is free; a temporary table is another one
SELECT s.script, string_agg(d.rule || ' ' || d.object, ', ' ORDER BY d.line, d.rule, d.object) AS findings
FROM unnest(ARRAY['CREATE TABLE IF NOT EXISTS t (id int); CREATE INDEX ON t (n); ALTER TABLE t ALTER id TYPE bigint; DELETE FROM t; ALTER TABLE t DROP nope',
    'CREATE TABLE IF NOT EXISTS t AS SELECT 1; TRUNCATE t', 'CREATE MATERIALIZED VIEW IF NOT EXISTS m AS SELECT 1; REFRESH MATERIALIZED VIEW m', 'CREATE SEQUENCE IF NOT EXISTS t; LOCK TABLE t',
    'CREATE TABLE IF NOT EXISTS public.t (id int); CREATE INDEX ON public.t (id)', 'CREATE INDEX IF NOT EXISTS ti ON t (v); ALTER TABLE t DROP nope',
    'DROP TABLE t CASCADE; CREATE TABLE IF NOT EXISTS t (id int); CREATE INDEX ON t (id)', 'DROP TABLE t CASCADE; CREATE INDEX ON t (id)',
    'CREATE TEMPORARY TABLE t (id int); CREATE INDEX ON t (id); DROP TABLE t; TRUNCATE t']) WITH ORDINALITY s (script, number)
LEFT JOIN LATERAL sg_lint_sql_details('SET lock_timeout = 1000; ' || s.script) d ON true GROUP BY s.number, s.script ORDER BY s.number;

-- objects of each kind are found by the script's search_path
CREATE SCHEMA ls_path;
CREATE STATISTICS ls_path.st ON id, n FROM t;
CREATE COLLATION ls_path.coll FROM "C";
CREATE TEXT SEARCH CONFIGURATION ls_path.conf (COPY = simple);
CREATE TEXT SEARCH DICTIONARY ls_path.dict (TEMPLATE = simple);
CREATE OPERATOR FAMILY ls_path.fam USING hash;
CREATE OPERATOR CLASS ls_path.ops FOR TYPE text USING btree AS OPERATOR 1 <, OPERATOR 3 =, FUNCTION 1 bttextcmp(text, text);
CREATE CONVERSION ls_path.conv FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8;
CREATE TYPE ls_path.comp AS (a int);
CREATE FUNCTION ls_path.cast_it(int) RETURNS ls_path.comp LANGUAGE sql AS 'SELECT ROW($1)::ls_path.comp';
CREATE CAST (int AS ls_path.comp) WITH FUNCTION ls_path.cast_it(int);
CREATE FUNCTION ls_path.same(int, ls_path.comp) RETURNS boolean LANGUAGE sql AS 'SELECT true';
CREATE OPERATOR ls_path.=== (LEFTARG = int, RIGHTARG = ls_path.comp, FUNCTION = ls_path.same);
SELECT s.script, p.path, d.message FROM unnest(ARRAY['DROP STATISTICS st', 'DROP COLLATION coll', 'DROP TEXT SEARCH CONFIGURATION conf', 'DROP TEXT SEARCH DICTIONARY dict', 'DROP OPERATOR FAMILY fam USING hash',
    'DROP OPERATOR CLASS ops USING btree', 'DROP CONVERSION conv', 'DROP CAST (int AS comp)', 'DROP OPERATOR === (int, comp)', 'ALTER COLLATION coll RENAME TO c2',
    'ALTER STATISTICS st RENAME TO st2', 'ALTER TEXT SEARCH CONFIGURATION conf SET SCHEMA ls', 'COMMENT ON CONVERSION conv IS NULL']) WITH ORDINALITY s (script, number) CROSS JOIN (VALUES ('ls'), ('ls_path')) p (path)
LEFT JOIN LATERAL sg_lint_sql_details(format('SET search_path = %s; %s', p.path, s.script)) d ON true ORDER BY p.path, s.number;
DROP SCHEMA ls_path CASCADE;

-- safe forms: one for each table or index that a DROP names; none where the step would block as the statement does, reach more tables, or lose updates
CREATE DOMAIN over_int AS int;
CREATE DOMAIN positive AS int CHECK (VALUE > random() - 1);
CREATE TABLE shapes (id int, tw int GENERATED ALWAYS AS (id * 2) STORED, x over_int, v varchar(20), n numeric(8,2), name name);
CREATE TABLE shapes_low () INHERITS (shapes);
CREATE TABLE shapes_a ();
CREATE TABLE shapes_b ();
CREATE INDEX shapes_i ON shapes (v);
CREATE INDEX shapes_j ON shapes (n);
SELECT s.script, d.rule, d.object, d.message ~ 'as a step of a plan' AS told, d.safe_form
FROM unnest(ARRAY['DROP TABLE shapes_a, shapes_b', 'DROP INDEX IF EXISTS shapes_i, shapes_j', 'ALTER TABLE shapes ALTER id TYPE bigint', 'ALTER TABLE shapes ALTER tw TYPE bigint', 'ALTER TABLE shapes ALTER id TYPE positive',
    'ALTER TABLE t ADD CONSTRAINT c CHECK (id > 0) NO INHERIT', 'ALTER TABLE ONLY shapes ALTER id SET NOT NULL', 'ALTER TABLE ONLY shapes_low ALTER id SET NOT NULL',
    -- USING that is none, and a domain that becomes its type
    'ALTER TABLE shapes ALTER v TYPE varchar(100) USING "v"::varchar(100)', 'ALTER TABLE shapes ALTER v TYPE varchar(9) USING v::varchar(9)', 'ALTER TABLE shapes ALTER n TYPE numeric(20,2) USING n::numeric(20,2)',
    'ALTER TABLE shapes ALTER v TYPE text USING v', 'ALTER TABLE shapes ALTER v TYPE text USING name', 'ALTER TABLE shapes ALTER v TYPE text USING v::varchar(3)', 'ALTER TABLE shapes ALTER x TYPE int']) WITH ORDINALITY s (script, number)
LEFT JOIN LATERAL sg_lint_sql_details('SET lock_timeout = 1000; ' || s.script) d ON d.rule !~ 'together|^drop-' ORDER BY s.number, d.rule, d.object;
DROP TABLE shapes, shapes_a, shapes_b CASCADE;

-- the safe form of another type is the statement as a step: a value that does not fit, and a default that can't be one, stop it with nothing done
CREATE TABLE retyped (id int PRIMARY KEY, email text NOT NULL DEFAULT 'nobody', flag int DEFAULT 1);
INSERT INTO retyped SELECT g, 'customer' || g || '@example.org' FROM generate_series(1, 10) g;
SELECT substring(message FROM '; as a step.*') AS told, safe_form FROM sg_lint_sql_details('ALTER TABLE retyped ALTER email TYPE varchar(10)') WHERE rule = 'changing-column-type';
SELECT safe_form FROM unnest('{email TYPE varchar(10),flag TYPE boolean,id TYPE bigint}'::text[]) c CROSS JOIN sg_lint_sql_details('ALTER TABLE retyped ALTER ' || c) WHERE rule = 'changing-column-type' \gexec
CALL sg_apply('lint');
SELECT a.attname, format_type(a.atttypid, a.atttypmod) AS type, a.attnotnull FROM pg_attribute a WHERE a.attrelid = 'retyped'::regclass AND a.attnum > 0 ORDER BY a.attnum;
SELECT sg_plan_drop('lint', force => true) \g /dev/null
DROP TABLE retyped;

-- a lock_timeout counts where it is in force, and a minute or less
SELECT s.script, EXISTS (SELECT FROM sg_lint_sql(s.script || ' LOCK ls.t') d WHERE d.rule = 'require-timeout-settings') AS missing
FROM unnest(ARRAY['SET lock_timeout = 0;', 'SET lock_timeout = ''60s'';', 'SET lock_timeout = ''1.5s'';', 'SET lock_timeout = ''1h'';', 'SET lock_timeout = 5; RESET lock_timeout;', 'SET lock_timeout = 5; RESET ALL;',
    'SET lock_timeout = 5; SET lock_timeout TO DEFAULT;', 'SET lock_timeout = 5; DISCARD ALL;', 'SET LOCAL lock_timeout = 5;', 'SET LOCAL lock_timeout = 5; COMMIT;', 'SET lock_timeout = 5; COMMIT;',
    'SELECT set_config(''lock_timeout'', ''2s'', true);', 'SELECT set_config(''lock_timeout'', ''2s'', true); COMMIT;']) WITH ORDINALITY s (script, number) ORDER BY s.number;

-- a comment leaves rules out, a literal does not
SELECT s.number, d.line, d.rule FROM unnest(ARRAY[E'SELECT \'\n-- sg-ignore\n\'; DROP TABLE q CASCADE', E'SELECT $x$\n-- sg-ignore\n$x$; TRUNCATE t', E'SELECT 1 AS "\n-- sg-ignore\n"; TRUNCATE t',
    E'SELECT \'x\n\'; -- sg-ignore truncating\nTRUNCATE t', E'TRUNCATE /* it\'s\n-- sg-ignore */ t', E'TRUNCATE\n-- sg-ignore\nt; SELECT \'unended',
    E'TRUNCATE t; SELECT \'unended\n-- sg-ignore']) WITH ORDINALITY s (script, number), sg_lint_sql_details(s.script) d
WHERE d.rule <> 'require-timeout-settings' ORDER BY s.number, d.line, d.rule;

-- SARIF
SELECT jsonb_pretty(sg_lint_sql_sarif(E'SELECT 1;\nALTER TABLE t RENAME n TO o', 'db/1.sql') #- '{runs,0,tool,driver,semanticVersion}'
                    #- '{runs,0,results,0,properties,safeForm}' #- '{runs,0,results,1,properties,safeForm}');

-- Bad input
SELECT * FROM sg_lint_sql(NULL);
SELECT * FROM sg_lint_sql('', after => '{NULL}');
SELECT * FROM sg_lint_sql('db/1.sql');
SELECT * FROM sg_lint_sql('');
SELECT * FROM sg_lint_sql('-- nothing');
SELECT line, rule, message FROM sg_lint_sql_details(E'SELECT 1;\n\nTRUNCATE ''unended');
SELECT line, rule, message FROM sg_lint_sql_details(E'\n\\i x');
SELECT line, rule FROM sg_lint_sql_details('ALTER TABLE "t""; DROP" ADD x int');
SELECT line, rule, message, length(statement) FROM sg_lint_sql_details('SELECT 1; DELETE FROM t WHERE n = 1' || repeat('+1', 60000) || E';\nDROP TABLE none');
-- Rows of a long statement but the first come without its text
SELECT count(*), count(statement), sum(length(statement)) < 100000 AS short
FROM sg_lint_sql_details((SELECT 'DROP TABLE ' || string_agg('ls.none' || g, ', ') FROM generate_series(1, 3000) g));

-- What is renamed counts, not the statement's word for it; and columns of the tables OF a type
CREATE TYPE ls.of AS (a int);
CREATE TABLE ls.of_type OF ls.of;
SELECT rule, object, message FROM sg_lint_sql_details('ALTER INDEX ls.t RENAME TO u; ALTER VIEW ls.u RENAME n TO o; ALTER TYPE ls.of RENAME ATTRIBUTE a TO b CASCADE; ALTER TABLE ls.t_pkey RENAME TO key; ALTER TYPE ls.of RENAME TO "from"') WHERE rule ~ '^renaming';

SET client_min_messages = warning;
DROP SCHEMA ls CASCADE;
