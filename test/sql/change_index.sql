-- Indexes, UNIQUE and PRIMARY KEY as steps of a plan: built by workers, made constraints, taken back
-- rooms: change plan deploy undo check
\set VERBOSITY default
\set SHOW_CONTEXT never
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS schemaguard;
CREATE SCHEMA chi;
SET search_path = chi, public;
CREATE TABLE goods (id int, code varchar(30), label text COLLATE "C", price int, doc json);
INSERT INTO goods SELECT g, 'c' || g, 'l' || g, g % 100, '{}' FROM generate_series(1, 1000) g;
CREATE VIEW steps AS SELECT step, kind, fk_name, state, reason FROM schemaguard.plan_step WHERE plan = 'i' ORDER BY step;
CREATE FUNCTION indexes_of(VARIADIC t text[]) RETURNS SETOF text LANGUAGE sql AS $$
  SELECT pg_get_indexdef(i.indexrelid) || CASE WHEN indisvalid THEN '' ELSE ' INVALID' END ||
         coalesce(' -- ' || CASE contype WHEN 'p' THEN 'PRIMARY KEY' WHEN 'u' THEN 'UNIQUE' END || CASE WHEN condeferred THEN ' INITIALLY DEFERRED' WHEN condeferrable THEN ' DEFERRABLE' ELSE '' END, '')
  FROM pg_index i LEFT JOIN pg_constraint c ON c.conindid = i.indexrelid AND contype IN ('p', 'u')
  WHERE indrelid = ANY (t::regclass[]) ORDER BY indrelid::regclass::text COLLATE "C", indexrelid::regclass::text COLLATE "C" $$;
CREATE VIEW deeds AS SELECT d.step, d.kind, object, after ->> 'index_columns' AS index_columns, after ->> 'was' AS was, done_at IS NOT NULL AS done, outcome
  FROM schemaguard.plan_deed d JOIN schemaguard.plan p ON p.id = plan_id WHERE p.name = 'i' ORDER BY d.step, d.kind, object COLLATE "C";
SELECT sg_plan_create('i') \g /dev/null
RESET client_min_messages;

SELECT sg_plan_add_index('i', 'goods', '(price)');
SELECT sg_plan_add_index('i', 'goods', 'USING btree (lower(code) DESC, label text_pattern_ops) INCLUDE (price) WITH (fillfactor = 70) WHERE price > 10 AND label <> ''z''', 'goods_live');
SELECT sg_plan_add_unique('i', 'goods', '{code,label}');
SELECT sg_plan_add_unique('i', 'goods', '{label}', 'goods_label', "deferrable" => true, initially_deferred => true);
SELECT sg_plan_add_unique('i', 'goods', '{id}', primary_key => true, priority => 'high');
SELECT step, check_name, result, regexp_replace(detail, '[0-9.]+ kB', '# kB'), hint FROM sg_plan_check_details('i') WHERE step > 0 AND check_name <> 'disk';
-- a primary key wants NOT NULL first, which a step of the plan sees to
SELECT sg_plan_add_not_null('i', 'goods', 'id') \g /dev/null
SELECT step, check_name, result, detail FROM sg_plan_check_details('i') WHERE step = 5;
SELECT * FROM sg_plan_sql('i', steps => '{2,3,4,5}');
-- what it says depends on the server
SET client_min_messages = warning;
CALL sg_apply('i', steps => '{6}', fail => true);
RESET client_min_messages;
CALL sg_apply('i', fail => true);
TABLE steps;
SELECT * FROM indexes_of('goods');
TABLE deeds;
CALL sg_apply('i', fail => true);
CALL sg_rollback_fks('i', fail => true);
TABLE steps;
SELECT * FROM indexes_of('goods');
SELECT attname FROM pg_attribute WHERE attrelid = 'goods'::regclass AND attnotnull AND attnum > 0;

-- what is there already, by any name and in any words
CREATE INDEX other_price ON goods USING btree (price ASC NULLS LAST);
CREATE INDEX other_live ON goods (lower(code::text) DESC NULLS FIRST, (label) text_pattern_ops) INCLUDE (price) WITH (fillfactor = '70') WHERE (price > 10) AND label <> 'z'::text;
ALTER TABLE goods ADD CONSTRAINT other_key UNIQUE (label, code), ADD CONSTRAINT other_label UNIQUE (label);
CREATE UNIQUE INDEX ready ON goods (id);
SET client_min_messages = warning;
CALL sg_apply('i', steps => '{6}', fail => true);
RESET client_min_messages;
CALL sg_apply('i');
TABLE steps;
SELECT * FROM indexes_of('goods');
-- an index that was there before does not go
CALL sg_rollback_fks('i');
SELECT * FROM indexes_of('goods');
ALTER TABLE goods DROP CONSTRAINT other_key, DROP CONSTRAINT other_label;
ALTER TABLE goods DROP CONSTRAINT goods_pkey;
DROP INDEX other_price, other_live;

-- names that are taken, and what can't be
CREATE INDEX taken ON goods (price, id);
ALTER TABLE goods ADD CONSTRAINT held CHECK (true);
SELECT sg_plan_create('i', replace => true) \g /dev/null
SELECT sg_plan_add_index('i', 'goods', '(price)', 'taken') \g /dev/null
SELECT sg_plan_add_index('i', 'goods', '(price)', 'steps') \g /dev/null
SELECT sg_plan_add_unique('i', 'goods', '{code}', 'held') \g /dev/null
SELECT sg_plan_add_unique('i', 'goods', '{doc}') \g /dev/null
SELECT sg_plan_add_unique('i', 'goods', '{cod,id}') \g /dev/null
SELECT sg_plan_add_index('i', 'goods', '(doc)', 'by_doc') \g /dev/null
SELECT sg_plan_add_index('i', 'goods', '(random())', 'by_chance') \g /dev/null
SELECT sg_plan_add_index('i', 'goods', '(price) WHERE now() > ''2020-01-01''', 'by_time') \g /dev/null
SELECT sg_plan_add_index('i', 'goods', 'USING no_such_method (price)', 'no_method') \g /dev/null
SELECT sg_plan_add_index('i', 'goods', '(chi.shout(code))', 'by_function') \g /dev/null
SELECT sg_plan_add_unique('i', 'goods', '{price}', policy => 'quarantine', keep_by => 'random()') \g /dev/null
SELECT step, check_name, result, detail, hint FROM sg_plan_check_details('i') WHERE result = 'block';
SET schemaguard.verbosity = problems;
CALL sg_apply('i');
RESET schemaguard.verbosity;
TABLE steps;
SELECT * FROM indexes_of('goods');
TABLE deeds;
ALTER TABLE goods DROP CONSTRAINT held;
DROP INDEX taken;

-- duplicates: counted before anything is built
SELECT sg_plan_create('i', replace => true) \g /dev/null
SELECT sg_plan_add_unique('i', 'goods', '{label}', 'goods_label') \g /dev/null
UPDATE goods SET label = 'l1' WHERE id IN (2, 3);
UPDATE goods SET label = 'l10' WHERE id = 20;
UPDATE goods SET label = NULL WHERE id IN (30, 31);
CALL sg_apply('i', fail => true);
SELECT row_id IS NOT NULL, data ->> 'label' FROM sg_violations('i', 1) ORDER BY 2;
SELECT action, phase, sqlstate, message FROM schemaguard.audit_log WHERE plan = 'i' AND action = 'audit' AND phase <> 'started' AND step = 1 ORDER BY id;
TABLE deeds;
UPDATE goods SET label = 'n' || id WHERE id IN (2, 3, 20);
-- a unique index: of columns alone its rows are counted, of others the build finds them
SELECT sg_plan_create('i', replace => true) \g /dev/null
UPDATE goods SET label = 'l1' WHERE id IN (2, 3);
SELECT sg_plan_add_index('i', 'goods', 'unique (label) include (id)', 'u_counted'), sg_plan_add_index('i', 'goods', ' UNIQUE (lower(label)) WHERE id > 3', 'u_some'),
       sg_plan_add_index('i', 'goods', 'UNIQUE (lower(label))', 'u_found');
SELECT * FROM sg_plan_sql('i');
CALL sg_apply('i');
SELECT count(*) FROM sg_violations('i', 1);
SELECT count(*) FROM sg_violations('i', 3);
SELECT * FROM indexes_of('goods');
UPDATE goods SET label = 'n' || id WHERE id IN (2, 3);
CALL sg_apply('i', fail => true);
SELECT * FROM indexes_of('goods');
CALL sg_rollback_fks('i', fail => true);
SELECT sg_plan_create('i', replace => true), sg_plan_add_unique('i', 'goods', '{label}', 'goods_label') \g /dev/null
-- what only the build finds
CREATE ROLE regress_sg_maker;
CREATE ROLE regress_sg_owner;
SELECT sg_grant('regress_sg_maker') \g /dev/null
GRANT USAGE, CREATE ON SCHEMA chi TO regress_sg_maker;
CREATE TABLE hidden (a int);
INSERT INTO hidden VALUES (0), (1);
ALTER TABLE hidden OWNER TO regress_sg_maker;
SET SESSION AUTHORIZATION regress_sg_maker;
SELECT sg_plan_create('h') \g /dev/null
SELECT sg_plan_add_index('h', 'hidden', '((1 / a))', 'hidden_a') \g /dev/null
CALL sg_apply('h');
SELECT state, reason FROM schemaguard.plan_step WHERE plan = 'h';
RESET SESSION AUTHORIZATION;
SELECT * FROM indexes_of('hidden');
-- nor does another role's code run as the owner
CREATE FUNCTION shout(text) RETURNS text IMMUTABLE LANGUAGE plpgsql AS $$BEGIN RETURN upper($1); END$$;
ALTER FUNCTION shout OWNER TO regress_sg_maker;
ALTER TABLE goods OWNER TO regress_sg_owner;
SELECT sg_plan_add_index('i', 'goods', '(chi.shout(code))', 'by_function') \g /dev/null
SELECT step, check_name, result, detail FROM sg_plan_check_details('i') WHERE result = 'block';
ALTER TABLE goods OWNER TO CURRENT_USER;
-- who may make no object in the schema
REVOKE CREATE ON SCHEMA chi FROM regress_sg_maker;
SET SESSION AUTHORIZATION regress_sg_maker;
SELECT step, check_name, result, detail FROM sg_plan_check_details('h') WHERE result = 'block';
RESET SESSION AUTHORIZATION;
-- no workers
SET schemaguard.workers = 0;
SELECT step, check_name, result, detail, hint FROM sg_plan_check_details('i', steps => '{1}') WHERE check_name = 'deployment';
CALL sg_apply('i', steps => '{1}');
RESET schemaguard.workers;

-- what somebody else's build has left is not ours to drop
SELECT sg_plan_create('i', replace => true) \g /dev/null
SELECT sg_plan_add_unique('i', 'goods', '{price}', 'goods_price') \g /dev/null
\set VERBOSITY terse
CREATE UNIQUE INDEX CONCURRENTLY goods_price ON goods (price);
\set VERBOSITY default
CALL sg_apply('i');
SELECT * FROM indexes_of('goods');
DROP INDEX goods_price;

-- partitions at two levels, with columns in another order, some with an index of their own
CREATE TABLE parts (k int NOT NULL, v int NOT NULL, t text) PARTITION BY LIST (k);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES IN (1);
CREATE TABLE parts_2 PARTITION OF parts FOR VALUES IN (2) PARTITION BY LIST (v);
CREATE TABLE parts_21 (t text, v int NOT NULL, k int NOT NULL);
ALTER TABLE parts_2 ATTACH PARTITION parts_21 DEFAULT;
INSERT INTO parts SELECT 1 + g % 2, g, g FROM generate_series(1, 100) g;
CREATE INDEX own ON parts_1 (lower(t)) WHERE v > 0;
CREATE VIEW attached AS SELECT inhrelid::regclass, inhparent::regclass FROM pg_inherits
  WHERE inhparent::regclass::text ~ '^parts.*(idx|key)' ORDER BY 1::text COLLATE "C";
SELECT sg_plan_create('i', replace => true) \g /dev/null
SELECT sg_plan_add_index('i', 'parts', '(lower(t)) WHERE v > 0', 'parts_idx') \g /dev/null
SELECT sg_plan_add_unique('i', 'parts', '{v,k}') \g /dev/null
SELECT sg_plan_add_unique('i', 'parts', '{k,v}', primary_key => true) \g /dev/null
SELECT sg_plan_add_unique('i', 'parts', '{v}', 'no_k') \g /dev/null
SELECT sg_plan_add_unique('i', 'parts', '{k}', 'no_v') \g /dev/null
SET client_min_messages = warning;
CALL sg_apply('i');
RESET client_min_messages;
TABLE steps;
SELECT * FROM indexes_of('parts', 'parts_1', 'parts_2', 'parts_21');
TABLE attached;
TABLE deeds;
CALL sg_apply('i', steps => '{1,2,3}', fail => true);
-- with an index that was there before, it stays
CALL sg_rollback_fks('i', fail => true);
SELECT * FROM indexes_of('parts', 'parts_1', 'parts_2', 'parts_21');
TABLE deeds;
DROP INDEX parts_idx;
-- equal rows in one partition: what was built in the others goes, too
SELECT sg_plan_create('i', replace => true) \g /dev/null
SELECT sg_plan_add_unique('i', 'parts', '{k,v}') \g /dev/null
INSERT INTO parts VALUES (2, 1);
CALL sg_apply('i');
SELECT * FROM indexes_of('parts', 'parts_1', 'parts_2', 'parts_21');

-- statements that can't be in a transaction: a worker sends them, as the caller
CREATE TYPE mood AS ENUM ('sad');
CREATE TABLE moods (id int PRIMARY KEY, m chi.mood);
CREATE INDEX moods_m ON moods (m);
SELECT sg_plan_create('i', replace => true) \g /dev/null
SELECT sg_plan_add_statement('i', s, in_transaction => false, name => 'o' || n, undo => u, done_when => d)
FROM (VALUES (1, 'ALTER TYPE chi.mood ADD VALUE ''glad''', NULL, NULL), (2, 'DROP INDEX CONCURRENTLY chi.moods_m', 'CREATE INDEX CONCURRENTLY moods_m ON chi.moods (m)', 'SELECT to_regclass(''chi.moods_m'') IS NULL'),
  (3, 'REINDEX (CONCURRENTLY) TABLE chi.moods', 'ANALYZE chi.moods', NULL), (4, 'VACUUM (ANALYZE) chi.moods', NULL, NULL), (5, 'REINDEX TABLE CONCURRENTLY chi.nowhere', NULL, NULL),
  (6, 'VACUUM (FULL off, FULL) chi.moods', NULL, NULL), (7, 'CREATE INDEX CONCURRENTLY x ON chi.moods ((m::text))', NULL, NULL), (8, 'REINDEX (CONCURRENTLY, CONCURRENTLY off) TABLE chi.moods', NULL, NULL)) v (n, s, u, d) ORDER BY n;
-- which looks names up in pg_catalog alone
SELECT sg_plan_add_statement('i', 'CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS ix ON moods (id)');
SELECT sg_plan_add_statement('i', 'VACUUM chi.moods, moods', in_transaction => false);
SELECT sg_plan_add_statement('i', 'REINDEX TABLE CONCURRENTLY moods');
SELECT sg_plan_add_statement('i', 'DROP INDEX CONCURRENTLY moods_m', in_transaction => false);
SELECT sg_plan_add_statement('i', 'ALTER TYPE mood ADD VALUE ''glad''', in_transaction => false);
SELECT sg_plan_add_statement('i', 'ANALYZE chi.moods', undo => 'DROP INDEX CONCURRENTLY moods_m', in_transaction => false);
CREATE COLLATION chi.letters FROM "C";
SELECT sg_plan_add_statement('i', 'CREATE INDEX CONCURRENTLY c ON chi.moods (id, m COLLATE letters)');
SELECT sg_plan_add_statement('i', 'CREATE INDEX CONCURRENTLY c ON chi.moods (id own_ops)');
SELECT sg_plan_create('inside'), sg_plan_add_statement('inside', 'CREATE INDEX CONCURRENTLY c ON chi.moods (id int4_ops, m COLLATE "C", m COLLATE chi.letters)');
SELECT sg_plan_drop('inside');
BEGIN;
SELECT sg_plan_add_statement('i', 'VACUUM pg_class', undo => 'DROP INDEX moods_m', in_transaction => false);
SELECT sg_plan_add('i', 'VACUUM moods');
SELECT definition FROM schemaguard.plan_step WHERE plan = 'i' ORDER BY step DESC LIMIT 1;
ROLLBACK;
SELECT step, check_name, result, detail FROM sg_plan_check_details('i') WHERE step IN (1, 6, 7, 8);
SET schemaguard.workers = 0;
CALL sg_apply('i', steps => '{1}');
RESET schemaguard.workers;
CALL sg_apply('i');
SELECT to_regclass('moods_m'), enum_range(NULL::mood);
SELECT action, phase, statement, sqlstate FROM schemaguard.audit_log WHERE plan = 'i' AND action = 'statement' AND step = 5 ORDER BY id;
CALL sg_apply('i', steps => '{1,2,3,4}', fail => true);
CALL sg_rollback_fks('i');
SELECT to_regclass('moods_m');

-- nulls that are equal
CREATE TABLE nn (a int, b int);
INSERT INTO nn VALUES (1, NULL), (1, 2), (1, NULL);
SELECT sg_plan_create('eq') \g /dev/null
SELECT sg_plan_from_sql('eq', 'ALTER TABLE nn ADD CONSTRAINT u UNIQUE NULLS NOT DISTINCT (a, b)');
CALL sg_apply('eq');
DELETE FROM nn WHERE ctid = '(0,3)';
CALL sg_apply('eq');
SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'nn'::regclass;
CALL sg_rollback_fks('eq');
ALTER TABLE nn ADD UNIQUE (a, b);
CALL sg_apply('eq');
SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'nn'::regclass ORDER BY conname;
SELECT sg_plan_set('eq', '{1}', '{"orphans": "quarantine", "keep_by": "a"}');
SELECT sg_plan_add_unique('eq', 'nn', '{b}', primary_key => true, nulls_not_distinct => true);

-- REINDEX of an index that can't be unique leaves no copy of it, and those that others have left stay
CREATE TABLE copies (a int);
INSERT INTO copies VALUES (1), (1);
\set VERBOSITY terse
CREATE UNIQUE INDEX CONCURRENTLY copies_a ON copies (a);
REINDEX INDEX CONCURRENTLY copies_a;
\set VERBOSITY default
SELECT sg_plan_create('re') \g /dev/null
SELECT sg_plan_add_statement('re', 'REINDEX INDEX CONCURRENTLY chi.copies_a', in_transaction => false);
CALL sg_apply('re');
CALL sg_apply('re');
SELECT indexrelid::regclass, indisvalid FROM pg_index WHERE indrelid = 'copies'::regclass ORDER BY 1::text;

-- an index is known again under settings with which the server can't read back what it prints: IST is also Israel's time
CREATE TABLE late (id int, at timestamptz);
SELECT sg_plan_create('ist') \g /dev/null
SELECT sg_plan_add_index('ist', 'late', '(id, (at > ''2026-06-01 12:00+00''::timestamptz)) WHERE at > ''2026-06-01 00:00+00''', 'late_i');
SET TimeZone = 'Asia/Kolkata';
SET DateStyle = 'German';
CALL sg_apply('ist');
CALL sg_apply('ist');
SET DateStyle = 'SQL, DMY';
CALL sg_apply('ist');
SELECT result, reason FROM sg_verify_fks('ist');
RESET DateStyle; RESET TimeZone;
CALL sg_apply('ist');

-- end
SET client_min_messages = error;
SELECT sg_plan_drop(name, force => true) FROM schemaguard.plan WHERE name IN ('i', 'h', 'eq', 're', 'ist') \g /dev/null
DROP SCHEMA chi CASCADE;
DROP OWNED BY regress_sg_maker;
DROP ROLE regress_sg_maker, regress_sg_owner;
