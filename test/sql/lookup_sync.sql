-- Look-up data in sync: scripts and plans make the rows of look-up tables those of the reference
-- rooms: sync drift change plan undo
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS schemaguard;
DROP SCHEMA IF EXISTS lks CASCADE;
CREATE SCHEMA lks;
SET search_path = lks, public;
CREATE TABLE region (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL, above int REFERENCES region, seen timestamptz DEFAULT '2026-01-01');
CREATE TABLE "a country" (code text PRIMARY KEY, region int NOT NULL REFERENCES region, "na'me" text, b bytea, at timestamptz, info jsonb, tags text[]);
CREATE TABLE loose (k text, v text);
CREATE TABLE orders (id int PRIMARY KEY, country text REFERENCES "a country");
INSERT INTO region (name, above) VALUES ('World', NULL), ('Europe', 1), ('Asia', 1), ('Atlantis', 1);
INSERT INTO "a country" VALUES ('DE', 2, E'Ger\nmany\\ '';DROP', '\x00ff', '2026-01-02 03:04:05+00', '{"a": [1, "x"]}', '{a,"b, c"}'), ('JP', 3, 'Japan', NULL, NULL, NULL, '{}'), ('AT', 4, 'Atlantis', NULL, NULL, NULL, NULL);
INSERT INTO loose VALUES ('one', '1'), ('two', '2');
INSERT INTO orders VALUES (1, 'DE');
INSERT INTO schemaguard.lookup_table (table_name, key_columns, ignored_columns) VALUES ('lks.region', NULL, '{seen}'), ('lks."a country"', NULL, '{}'), ('lks.loose', '{k}', '{}');
CREATE FUNCTION as_it_was() RETURNS text LANGUAGE sql AS $$SELECT md5(string_agg(x, '|' ORDER BY x)) FROM (SELECT r::text FROM lks.region r UNION ALL SELECT c::text FROM lks."a country" c UNION ALL SELECT l::text FROM lks.loose l) x (x)$$;
SELECT sg_snapshot_take('rows', '{lks}') > 0 AS taken;
SELECT as_it_was() AS was \gset
SELECT count(*) FROM sg_sync_sql('rows', 'live', '{lks}') l (line) WHERE l.line !~ '^-- ';

-- rows that are missing, extra and different, in both tables
DELETE FROM "a country" WHERE code IN ('JP', 'AT');
DELETE FROM region WHERE id IN (3, 4);
UPDATE "a country" SET "na'me" = 'x', info = NULL, tags = NULL, at = '2026-11-28 16:00+00' WHERE code = 'DE';
INSERT INTO region OVERRIDING SYSTEM VALUE VALUES (9, 'Mu', 1), (10, 'Lemuria', 9);
INSERT INTO "a country" VALUES ('MU', 9, 'Mu'), ('LE', 10, 'Lemuria');
UPDATE region SET name = 'Europa', seen = '2027-01-01' WHERE id = 2;
DELETE FROM loose WHERE k = 'one';
UPDATE loose SET v = 'zwei' WHERE k = 'two';
INSERT INTO loose VALUES ('three', '3');
SELECT table_name, what, count(*) FROM sg_lookup_drift('rows') GROUP BY 1, 2 ORDER BY table_name COLLATE "C", 2;
SELECT l.line FROM sg_sync_sql('rows', 'live', '{lks}') WITH ORDINALITY l (line, n) WHERE l.line ~ '^(-- (was|rows|left|INSERT|DELETE|UPDATE)|INSERT|UPDATE|DELETE|BEGIN|COMMIT|SET LOCAL)' AND l.line !~ '"at"' ORDER BY l.n;

-- the script, run
BEGIN;
SET LOCAL search_path = pg_catalog;
SET LOCAL DateStyle = 'ISO, YMD';
SET LOCAL TimeZone = 'UTC';
SELECT l.line FROM public.sg_sync_sql('rows', 'live', '{lks}', allow_drop => true) l (line) WHERE l.line ~ '^(INSERT|UPDATE|DO .rows|SET LOCAL)' \gexec
SELECT count(*) FROM public.sg_lookup_drift('rows');
ROLLBACK;

-- rows of one table that refer to each other come and go together, in whatever order their keys sort; those of two tables, if their keys are deferrable
CREATE TABLE tree (id int PRIMARY KEY, above int REFERENCES tree, n numeric(5, 2), tags text[]);
CREATE TABLE head (id int PRIMARY KEY, dept int);
CREATE TABLE dept (id int PRIMARY KEY, head int REFERENCES head DEFERRABLE);
ALTER TABLE head ADD FOREIGN KEY (dept) REFERENCES dept DEFERRABLE;
INSERT INTO tree VALUES (9, NULL, 1.5, NULL), (10, 9, NULL, NULL), (8, 10, NULL, '{a,"b c"}');
BEGIN;
SET CONSTRAINTS ALL DEFERRED;
INSERT INTO head VALUES (1, 1);
INSERT INTO dept VALUES (1, 1);
COMMIT;
INSERT INTO schemaguard.lookup_table (table_name, key_columns) VALUES ('lks.tree', '{id}'), ('lks.head', NULL), ('lks.dept', NULL);
SELECT sg_snapshot_take('tree') > 0 AS taken;
TRUNCATE tree, head, dept;
INSERT INTO tree VALUES (1, NULL), (2, 1);
CREATE TEMPORARY TABLE line AS SELECT l.line, l.n FROM sg_sync_sql('tree', 'live', '{lks}', allow_drop => true) WITH ORDINALITY l (line, n) WHERE l.line ~ '^(INSERT|UPDATE|DO .rows|SET CON)';
SELECT regexp_replace(line, '\s+key +record;.*(\s+EXECUTE .DELETE)', '\1') FROM line ORDER BY n \g (format=unaligned tuples_only=on)
BEGIN;
SELECT line FROM line ORDER BY n \gexec
TABLE tree;
SELECT count(*) FROM sg_lookup_drift('tree');
COMMIT;
-- what files have needs no unique key
TRUNCATE tree, head, dept;
INSERT INTO tree VALUES (1, NULL, NULL), (2, 1, NULL), (9, NULL, 1.5);
CREATE TEMPORARY TABLE act AS SELECT e ->> 'statement' AS statement, (e ->> 'n')::int AS n FROM jsonb_array_elements(schemaguard.sg_files_rows('[]', 'tree', 'live', '{lks}', false, true)) e WHERE e ->> 'object' = 'lks.tree';
SELECT regexp_replace(statement, '\s+key +record;.*(\s+EXECUTE .DELETE)', '\1') FROM act ORDER BY n \g (format=unaligned tuples_only=on)
SELECT statement FROM act ORDER BY n \gexec
TABLE tree;
DROP TABLE tree, head, dept;
DELETE FROM schemaguard.lookup_table WHERE table_name IN ('lks.tree', 'lks.head', 'lks.dept');
SELECT sg_snapshot_drop('tree') \g /dev/null

-- rows that swap unique values have null meanwhile, and so have those of tables that refer to each other; what can't be so is told
CREATE TABLE head (id int PRIMARY KEY, dept int, name text);
CREATE TABLE dept (id int PRIMARY KEY, head int NOT NULL REFERENCES head);
ALTER TABLE head ADD FOREIGN KEY (dept) REFERENCES dept;
CREATE TABLE assistant (id int PRIMARY KEY, head int NOT NULL REFERENCES head);
CREATE TABLE place (id int PRIMARY KEY, nth int UNIQUE, rank int NOT NULL UNIQUE, seat int NOT NULL UNIQUE DEFERRABLE);
CREATE TABLE door (id int PRIMARY KEY, number int UNIQUE);
CREATE TABLE key (door int REFERENCES door (number) ON UPDATE CASCADE);
INSERT INTO door VALUES (1, 1), (2, 2);
INSERT INTO head VALUES (1, NULL, 'a'), (2, NULL, 'b');
INSERT INTO dept VALUES (1, 1), (2, 2);
UPDATE head SET dept = id;
INSERT INTO assistant VALUES (1, 2);
INSERT INTO place SELECT g, g, g, g FROM generate_series(1, 9) g;
INSERT INTO schemaguard.lookup_table (table_name) VALUES ('lks.head'), ('lks.dept'), ('lks.assistant'), ('lks.place'), ('lks.door');
SELECT sg_snapshot_take('swap', '{lks}') > 0 AS taken;
DELETE FROM assistant;
UPDATE head SET dept = NULL, name = 'c';
DELETE FROM dept;
DELETE FROM head WHERE id = 2;
-- 1 and 2 swap, 3 to 5 go round in a circle, 6 has what an extra row has, 7 and 8 swap what can't be null
UPDATE place SET nth = -id WHERE id <= 5;
UPDATE place SET nth = CASE WHEN id <= 2 THEN 3 - id ELSE 3 + (id - 2) % 3 END WHERE id <= 5;
UPDATE place SET nth = 16 WHERE id = 6;
UPDATE place SET rank = -id WHERE id IN (7, 8);
UPDATE place SET rank = 15 - id WHERE id IN (7, 8);
DELETE FROM place WHERE id = 9;
UPDATE place SET seat = CASE id WHEN 1 THEN 2 ELSE 1 END WHERE id IN (1, 2);
INSERT INTO place VALUES (16, 6, 16, 16);
-- null would go on to the keys
UPDATE door SET number = -id;
UPDATE door SET number = 3 - id;
INSERT INTO key VALUES (1), (2);
CREATE FUNCTION as_they_are() RETURNS text LANGUAGE sql AS $$SELECT string_agg(x, ' ' ORDER BY x COLLATE "C") FROM (SELECT 'h' || h FROM lks.head h UNION ALL SELECT 'd' || d FROM lks.dept d UNION ALL SELECT 'a' || a FROM lks.assistant a UNION ALL SELECT 'p' || p FROM lks.place p) x (x)$$;
SELECT as_they_are() AS was \gset
SELECT place, table_name, what, definition, was, told FROM schemaguard.sg_sync_lookup('swap', 'live', '{lks}', false, false) \g (format=unaligned tuples_only=on)
SELECT place, table_name, what, told FROM schemaguard.sg_sync_lookup('swap', 'live', '{lks}', true, false) \g (format=unaligned tuples_only=on)
BEGIN;
SELECT l.line FROM sg_sync_sql('swap', 'live', '{lks}') WITH ORDINALITY l (line, n) WHERE l.line ~ '^(INSERT|UPDATE|SET CON)' ORDER BY n \gexec
SELECT table_name, key, what FROM sg_lookup_drift('swap') ORDER BY table_name COLLATE "C", key;
ROLLBACK;
CALL sg_sync_apply('swap', '{lks}');
SELECT table_name, key, what FROM sg_lookup_drift('swap') ORDER BY table_name COLLATE "C", key;
CALL sg_rollback_fks('sync swap');
SELECT as_they_are() = :'was' AS same;
CALL sg_sync_apply('swap', '{lks}', allow_drop => true);
SELECT table_name, key, what FROM sg_lookup_drift('swap') ORDER BY table_name COLLATE "C", key;
-- steps that people have written say how they would run
SELECT sg_plan_create('swap'), sg_plan_add_rows('swap', 'place', '[{"id": 1, "nth": 2}, {"id": 2, "nth": 1}]'), sg_plan_add_rows('swap', 'assistant', '[{"id": 3, "head": 4}]'),
    sg_plan_add_rows('swap', 'head', '{"delete": [{"id": 2}]}') \g /dev/null
\set VERBOSITY default
CALL sg_apply('swap');
\set VERBOSITY terse
ALTER TABLE place DROP CONSTRAINT place_nth_key, ADD CONSTRAINT place_nth_key UNIQUE (nth) DEFERRABLE;
CALL sg_apply('swap', steps => '{1}');
SELECT id, nth FROM place WHERE id < 3 ORDER BY id;
SELECT sg_plan_drop(p.name, force => true) FROM schemaguard.plan p WHERE p.name LIKE '%swap%' \g /dev/null
DELETE FROM schemaguard.lookup_table WHERE table_name IN ('lks.head', 'lks.dept', 'lks.assistant', 'lks.place', 'lks.door');
SELECT sg_snapshot_drop('swap') \g /dev/null
DROP TABLE head, dept, assistant, place, key, door CASCADE;

-- values come free before they are taken: rows that go make place first, and chains follow the value that is free
CREATE TABLE mark (id int PRIMARY KEY, name text NOT NULL UNIQUE, nth int UNIQUE DEFERRABLE);
CREATE TABLE marked (id int PRIMARY KEY, mark int REFERENCES mark);
CREATE TABLE land (id int PRIMARY KEY, capital int);
CREATE TABLE town (id int PRIMARY KEY, land int REFERENCES land);
ALTER TABLE land ADD FOREIGN KEY (capital) REFERENCES town;
INSERT INTO mark SELECT g, chr(96 + g), g FROM generate_series(1, 9) g;
INSERT INTO marked VALUES (1, 1), (7, 7);
INSERT INTO schemaguard.lookup_table (table_name) VALUES ('lks.mark'), ('lks.marked'), ('lks.land'), ('lks.town');
CREATE FUNCTION marks() RETURNS text LANGUAGE sql AS $$SELECT string_agg(x, ' ' ORDER BY x COLLATE "C") FROM (SELECT m::text FROM lks.mark m UNION ALL SELECT 'm' || m FROM lks.marked m UNION ALL SELECT 'l' || l FROM lks.land l UNION ALL SELECT 't' || t FROM lks.town t) x (x)$$;
SELECT sg_snapshot_take('marks', '{lks}') > 0 AS taken;
-- 1 to 3 are a chain; 4 is another row's, which goes, as is 9 by its number; 5 and 6 swap, so 7, which has the value of 5 in it, stays, and what refers to it
TRUNCATE mark, marked;
INSERT INTO mark VALUES (1, 'z', 1), (2, 'a', 2), (3, 'b', 3), (14, 'd', 14), (5, 'f', 5), (6, 'e', 6), (17, 'g', 17), (8, 'h', 8), (19, 'y', 9);
INSERT INTO marked VALUES (1, 2), (2, 14), (3, 17), (7, 17);
INSERT INTO land VALUES (1, NULL);
INSERT INTO town VALUES (1, 1);
UPDATE land SET capital = 1;
SELECT marks() AS was \gset
SELECT place, table_name, what, definition, told FROM schemaguard.sg_sync_lookup('marks', 'live', '{lks}', false, true) \g (format=unaligned tuples_only=on)
SELECT place, table_name, what, told FROM schemaguard.sg_sync_lookup('marks', 'live', '{lks}', false, false) \g (format=unaligned tuples_only=on)
-- by a script, by files and by a plan
SELECT string_agg(l.line, E'\n' ORDER BY l.n) AS script FROM sg_sync_sql('marks', 'live', '{lks}', allow_drop => true) WITH ORDINALITY l (line, n) WHERE l.line ~ '^(INSERT|UPDATE|DO .rows|SET CON|BEGIN|COMMIT)' \gset
SELECT string_agg(regexp_replace(f.content, E'^\\\\.*$', '', 'gn'), E'\n' ORDER BY f.n) AS files FROM sg_sync_files('marks', 'live', 'psql', first => '0001', schemas => '{lks}', allow_drop => true) WITH ORDINALITY f (path, content, n) WHERE f.path !~ 'down' \gset
CREATE TEMPORARY TABLE kept_mark AS TABLE mark;
CREATE TEMPORARY TABLE kept_marked AS TABLE marked;
\o /dev/null
:script
\o
SELECT marks() AS made \gset
SELECT table_name, key, what FROM sg_lookup_drift('marks') ORDER BY table_name COLLATE "C", key;
TRUNCATE mark, marked;
INSERT INTO mark TABLE kept_mark;
INSERT INTO marked TABLE kept_marked;
INSERT INTO land VALUES (1, NULL);
INSERT INTO town VALUES (1, 1);
UPDATE land SET capital = 1;
SELECT marks() = :'was' AS back;
\o /dev/null
:files
\o
SELECT marks() = :'made' AS same;
TRUNCATE mark, marked, land, town;
INSERT INTO mark TABLE kept_mark;
INSERT INTO marked TABLE kept_marked;
INSERT INTO land VALUES (1, NULL);
INSERT INTO town VALUES (1, 1);
UPDATE land SET capital = 1;
CALL sg_sync_apply('marks', '{lks}', allow_drop => true);
SELECT marks() = :'made' AS same;
CALL sg_rollback_fks('sync marks');
SELECT marks() = :'was' AS back;
-- what a step has written of an approved row is not strange to the next call; what others have is
SELECT schemaguard.sg_sync_lookup_beyond(jsonb_build_array(jsonb_build_object('child_table', 't', 'child_columns', '{id}', 'definition', s)), jsonb_build_object('steps', (
    SELECT jsonb_agg(jsonb_build_object('child_table', 't', 'child_columns', '{id}', 'definition', a)) FROM (VALUES
        ('{"rows": [{"id": "1", "to": null}, {"id": "2", "to": "b"}], "was": [null, {"id": "2", "to": "a"}]}'),
        ('{"rows": [{"id": "1", "to": "1"}], "was": [{"id": "1", "to": null}]}'), ('{"delete": [{"id": "3"}], "was": [{"id": "3", "to": "c"}]}')) a (a)))) AS beyond, s
FROM (VALUES ('{"rows": [{"id": "1", "to": "1"}], "was": [null]}'), ('{"rows": [{"id": "2", "to": "b"}], "was": [{"id": "2", "to": "b"}]}'),
    ('{"rows": [{"id": "2", "to": "b"}], "was": [{"id": "2", "to": "ours"}]}'), ('{"rows": [{"id": "2", "to": "b"}], "was": [null]}'),
    ('{"rows": [{"id": "2", "to": "c"}], "was": [{"id": "2", "to": "a"}]}'), ('{"rows": [{"id": "4", "to": "c"}], "was": [null]}'),
    ('{"delete": [{"id": "3"}], "was": [{"id": "3", "to": "c"}]}'), ('{"delete": [{"id": "3"}], "was": [{"id": "3", "to": "d"}]}'),
    ('{"delete": [{"id": "2"}], "was": [{"id": "2", "to": "a"}]}'), ('{"rows": [{"id": "3", "to": "c"}], "was": [null]}')) v (s);
SELECT sg_plan_drop(p.name, force => true) FROM schemaguard.plan p WHERE p.name LIKE 'sync marks%' \g /dev/null
DELETE FROM schemaguard.lookup_table WHERE table_name IN ('lks.mark', 'lks.marked', 'lks.land', 'lks.town');
SELECT sg_snapshot_drop('marks') \g /dev/null
DROP FUNCTION marks();
DROP TABLE mark, marked, land, town CASCADE;

-- a document has the rows that its reader may see, and their seal
CREATE TEMPORARY TABLE document AS SELECT array_agg(l) AS lines FROM sg_snapshot_export('rows') l;
SELECT sg_snapshot_import('as lines', lines) = sg_snapshot_import('as text', array_to_string(lines, E'\n')) AS same FROM document;
SELECT sg_snapshot_import('as jsonb', array_to_string(lines, E'\n')::jsonb) > 0 AS taken FROM document;
SELECT s.snapshot, count(*), bool_and((s.key_columns, s.ignored_columns, s.contents) = (r.key_columns, r.ignored_columns, r.contents)) AS same
    FROM schemaguard.snapshot_lookup s JOIN schemaguard.snapshot_lookup r ON r.snapshot = 'rows' AND r.table_name = s.table_name WHERE s.snapshot LIKE 'as %' GROUP BY 1 ORDER BY 1;
SELECT sg_snapshot_import('edited', array_to_string(lines, E'\n')::jsonb #- '{rows,0}') FROM document;
SELECT sg_snapshot_import('edited', lines[:cardinality(lines) - 1] || replace(lines[cardinality(lines)], 'Japan', 'Nippon')) FROM document;
SELECT sg_snapshot_import('strange', lines[:cardinality(lines) - 1] || format('], "rows": %s, "rows_seal": "%s"}', r, encode(sha256(convert_to(r::text, 'UTF8')), 'hex')))
    FROM document, jsonb_build_array(jsonb_build_object('table', 'lks.loose; DROP TABLE lks.orders', 'key', '{k}'::text[], 'ignored', '{}'::text[], 'contents', '[]'::jsonb)) r;
CREATE ROLE regress_lks_reader IN ROLE pg_monitor;
SET client_min_messages = notice;
SET ROLE regress_lks_reader;
SELECT count(*) FROM sg_snapshot_export('rows') l WHERE l ~ 'Japan';
RESET ROLE;
SET client_min_messages = warning;
DROP ROLE regress_lks_reader;
SELECT sg_snapshot_drop('as lines'), sg_snapshot_drop('as text'), sg_snapshot_drop('as jsonb') \g /dev/null
-- files
SELECT f.path, l.line FROM sg_sync_files('rows', 'live', 'psql', first => '0007', schemas => '{lks}', allow_drop => true) f, regexp_split_to_table(f.content, E'\n') l (line)
    WHERE l.line ~ '^ *(INSERT|UPDATE|EXECUTE .DELETE)' AND l.line ~ 'lks.loose';

-- by a plan, without and with allow_drop
SELECT kind, left(fields::text, 60) AS fields, left_out FROM schemaguard.sg_sync_steps('rows', '{lks}', true, false, false, 'ask', false);
SELECT kind, left(fields::text, 100) AS fields, left_out FROM schemaguard.sg_sync_steps('rows', '{lks}', false, false, false, 'ask', true);
CALL sg_sync_apply('rows', '{lks}');
SELECT table_name, what, count(*) FROM sg_lookup_drift('rows') GROUP BY 1, 2 ORDER BY table_name COLLATE "C", 2;
SELECT step, fk_name, state, reason FROM schemaguard.plan_step WHERE plan = 'sync rows' AND kind = 'rows' ORDER BY step;
CALL sg_sync_apply('rows', '{lks}', allow_drop => true);
SELECT count(*) FROM sg_lookup_drift('rows');
SELECT as_it_was() = :'was' AS same, seen FROM region WHERE id = 2;
UPDATE region SET seen = '2026-01-01' WHERE id = 2;
SELECT plan, step, fk_name, state FROM schemaguard.plan_step WHERE plan LIKE 'sync rows%' AND kind = 'rows' ORDER BY plan, step;
-- changed since: named, and the rest goes back
UPDATE loose SET v = 'ours' WHERE k = 'two';
CALL sg_rollback_fks('sync rows 2');
CALL sg_rollback_fks('sync rows');
SELECT plan, step, state, reason FROM schemaguard.plan_step WHERE plan LIKE 'sync rows%' ORDER BY plan, step;
SELECT * FROM loose ORDER BY k;
SELECT id, name, above FROM region ORDER BY id;
SELECT code, region, "na'me" FROM "a country" ORDER BY code COLLATE "C";

-- a key that rows elsewhere need comes after the rows
SELECT sg_snapshot_drop('rows') \g /dev/null
ALTER TABLE orders DROP CONSTRAINT orders_country_fkey;
UPDATE schemaguard.lookup_table SET condition = 'code <> ''MU''' WHERE table_name = 'lks."a country"';
CREATE TABLE colour (id int PRIMARY KEY, name text UNIQUE);
INSERT INTO colour VALUES (1, 'red'), (2, 'green');
ALTER TABLE orders ADD colour int REFERENCES colour;
UPDATE orders SET colour = 2;
INSERT INTO schemaguard.lookup_table (table_name) VALUES ('lks.colour');
SELECT sg_snapshot_take('colours', '{lks}') > 0 AS taken;
ALTER TABLE orders DROP CONSTRAINT orders_colour_fkey;
DROP TABLE colour;
SELECT table_name, what, reason FROM sg_lookup_drift('colours') ORDER BY 1;
CALL sg_sync_apply('colours', '{lks}');
SELECT * FROM colour ORDER BY 1;
SELECT conname, convalidated FROM pg_constraint WHERE conrelid = 'orders'::regclass AND contype = 'f';
CALL sg_rollback_fks('sync colours');
SELECT to_regclass('lks.colour');

-- rows that a condition leaves out are of others: a key that one of them has is left alone, and so is a row that has become one since
CREATE TABLE role (id int PRIMARY KEY, own boolean NOT NULL, said text);
INSERT INTO role VALUES (1, false, 'clerk'), (2, false, 'boss'), (3, false, 'intern');
INSERT INTO schemaguard.lookup_table (table_name, condition) VALUES ('lks.role', 'NOT own');
SELECT sg_snapshot_take('roles', '{lks}') > 0 AS taken;
UPDATE role SET own = true, said = 'ours' WHERE id = 2;
UPDATE role SET said = 'Intern' WHERE id = 3;
INSERT INTO role VALUES (4, false, 'extra');
SELECT line FROM sg_sync_sql('roles', 'live', '{lks}') l (line) WHERE line ~ 'lks.role' AND line !~ '^-- DO' \g (format=unaligned tuples_only=on)
SELECT kind, fields[6] AS definition, left_out FROM schemaguard.sg_sync_steps('roles', '{lks}', true, false, false, 'ask', false);
CREATE TEMPORARY TABLE roles_script AS SELECT line FROM sg_sync_sql('roles', 'live', '{lks}', allow_drop => true) l (line) WHERE line ~ '^(INSERT|UPDATE|DO).*lks.role';
SELECT sg_plan_create('late');
SELECT count(schemaguard.sg_plan_add_step('late', 'rows', VARIADIC fields)) FROM schemaguard.sg_sync_steps('roles', '{lks}', true, false, false, 'ask', false) WHERE kind = 'rows';
UPDATE role SET own = true WHERE id IN (3, 4);
SELECT detail FROM sg_plan_check_details('late') WHERE check_name = 'rows' ORDER BY step;
CALL sg_apply('late', fail => true);
SELECT step, state, reason FROM schemaguard.plan_step WHERE plan = 'late' ORDER BY step;
SET standard_conforming_strings = on;
SELECT line FROM roles_script \gexec
UPDATE role SET own = false WHERE id = 4;
SET client_min_messages = notice;
CALL sg_sync_apply('roles', '{lks}', allow_drop => true);
SET client_min_messages = warning;
TABLE role ORDER BY id;
CALL sg_rollback_fks('late');
CALL sg_rollback_fks('sync roles');
SELECT sg_plan_drop('late'), sg_snapshot_drop('roles') \g /dev/null

-- a deletion that a key would carry on to rows of others
CREATE TABLE state (code text PRIMARY KEY, above text REFERENCES state ON DELETE CASCADE);
CREATE TABLE use (id int PRIMARY KEY, state text REFERENCES state ON DELETE SET NULL);
INSERT INTO state VALUES ('a');
INSERT INTO schemaguard.lookup_table (table_name) VALUES ('lks.state');
SELECT sg_snapshot_take('states', '{lks}') > 0 AS taken;
INSERT INTO state VALUES ('b', NULL), ('c', 'b');
INSERT INTO use VALUES (1, 'b'), (2, 'c');
CREATE TEMPORARY TABLE states_script AS SELECT f.path, f.content FROM sg_sync_files('states', 'live', 'psql', first => '0001', schemas => '{lks}', allow_drop => true) f;
SELECT line AS script FROM sg_sync_sql('states', 'live', '{lks}', allow_drop => true) l (line) WHERE line ~ '^DO .rows' \gset
SELECT :'script' \g (format=unaligned tuples_only=on)
SELECT position('LOCK TABLE lks.state' IN content) > 0 AS guarded FROM states_script WHERE path !~ 'down';
:script
SELECT schemaguard.sg_rows_foreseen(table_name, key_columns, step) FROM schemaguard.sg_sync_lookup('states', 'live', '{lks}', false, true) WHERE what = 'deleted';
CALL sg_sync_apply('states', '{lks}', allow_drop => true);
TABLE use ORDER BY id;
DELETE FROM use;
-- rows that refer to each other go together
BEGIN;
:script
TABLE state;
ROLLBACK;
CALL sg_sync_apply('states', '{lks}', allow_drop => true);
TABLE state;
CALL sg_rollback_fks('sync states');
TABLE state;
SELECT sg_snapshot_drop('states') \g /dev/null

-- nor does a change that a key would carry on to rows of others, and the key of which it changes; one of another column, and of the row's own, does
CREATE TABLE level (id int PRIMARY KEY, code text NOT NULL UNIQUE, said text, above int REFERENCES level ON UPDATE CASCADE);
CREATE TABLE uses (id int PRIMARY KEY, level int REFERENCES level ON UPDATE SET NULL);
CREATE TABLE passes (level int PRIMARY KEY REFERENCES level ON UPDATE CASCADE) PARTITION BY RANGE (level);
CREATE TABLE passes_on PARTITION OF passes DEFAULT;
CREATE TABLE ends (level int REFERENCES passes_on ON UPDATE SET DEFAULT);
INSERT INTO level VALUES (1, 'a', 'A', 1), (2, 'b', 'B', NULL);
INSERT INTO schemaguard.lookup_table (table_name, key_columns) VALUES ('lks.level', '{code}');
SELECT sg_snapshot_take('levels', '{lks}') > 0 AS taken;
UPDATE level SET said = 'b' WHERE id = 2;
UPDATE level SET id = 10, above = 10 WHERE id = 1;
INSERT INTO uses VALUES (1, 10), (2, 2);
SELECT string_agg(line, E'\n' ORDER BY n) FILTER (WHERE line ~ '^DO .rows') AS script, string_agg(line, E'\n') FILTER (WHERE line ~ '^UPDATE') AS plain
    FROM sg_sync_sql('levels', 'live', '{lks}') WITH ORDINALITY l (line, n) WHERE line ~ '^DO .rows|^UPDATE' \gset
SELECT :'script' \g (format=unaligned tuples_only=on)
\echo :plain
SELECT path, content ~ 'confupdtype' AS guarded FROM sg_sync_files('levels', 'live', 'psql', first => '0001', schemas => '{lks}');
:script
CALL sg_sync_apply('levels', '{lks}', fail => false);
TABLE uses ORDER BY id;
DELETE FROM uses WHERE level = 10;
-- by keys of other tables, too
INSERT INTO passes VALUES (10), (2);
INSERT INTO ends VALUES (10), (2);
:script
CALL sg_sync_apply('levels', '{lks}', fail => false);
TABLE ends ORDER BY level;
DELETE FROM ends WHERE level = 10;
BEGIN;
:script
TABLE level ORDER BY id;
TABLE passes ORDER BY level;
ROLLBACK;
SELECT sg_plan_drop('sync levels'), sg_snapshot_drop('levels') \g /dev/null

-- a trigger that writes another value than the step has
CREATE FUNCTION upper_said() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.said := upper(NEW.said); RETURN NEW; END $$;
CREATE TRIGGER upper_said BEFORE INSERT OR UPDATE ON role FOR EACH ROW EXECUTE FUNCTION upper_said();
SELECT sg_plan_create('upper'), schemaguard.sg_plan_add_step('upper', 'rows', 'child_table', 'lks.role', 'child_columns', '{id}', 'definition',
    '{"rows": [{"id": 7, "own": false, "said": "Y"}, {"id": 8, "own": false, "said": "z"}], "was": [null, null]}');
CALL sg_apply('upper', fail => false);
SELECT sg_plan_drop('upper') \g /dev/null

DELETE FROM schemaguard.lookup_table;
SELECT sg_snapshot_drop('colours') \g /dev/null
SELECT sg_plan_drop(name) FROM schemaguard.plan WHERE name LIKE 'sync %' \g /dev/null
DROP SCHEMA lks CASCADE;
