-- audits that read indexes: when they do, and that they say what the tables say
-- rooms: audit
\set VERBOSITY terse
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS schemaguard;
RESET client_min_messages;
CREATE SCHEMA aui;
SET search_path = aui, public;

-- The verdicts on a table's keys with indexes, and whether that is what the heaps say.
CREATE FUNCTION by_index(child regclass)
RETURNS TABLE (fk text, method text, result text, n bigint, orphans bigint, keys bigint, samples int, agrees boolean, reason text)
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM set_config('schemaguard.audit_use_index', 'off', true);
  CREATE TEMP TABLE heap ON COMMIT DROP AS SELECT * FROM sg_orphan_audit_details(child, samples => 1000);
  PERFORM set_config('schemaguard.audit_use_index', 'on', true);
  RETURN QUERY
    SELECT h.fk_name::text, CASE i.method WHEN h.method THEN 'heap' ELSE i.method END, i.result, i.rows_checked, i.orphan_rows, i.orphan_keys,
           jsonb_array_length(i.sample),
           (h.result, h.orphan_rows, h.orphan_keys) = (i.result, i.orphan_rows, i.orphan_keys)
             AND (h.sample @> i.sample AND i.sample @> h.sample OR h.sample IS NULL AND i.sample IS NULL),
           i.reason
    FROM heap h JOIN sg_orphan_audit_details(child, samples => 1000) i USING (fk_name)
    ORDER BY 1;
  PERFORM set_config('schemaguard.audit_use_index', 'off', true);
END $$;

-- the child has few keys on many pages: 22 rows to a page
CREATE TABLE p (id int PRIMARY KEY, big bigint UNIQUE, t text UNIQUE, u uuid UNIQUE, a int, b bigint, UNIQUE (b, a));
INSERT INTO p SELECT g, g, 't' || g, md5(g::text)::uuid, g % 5, g FROM generate_series(1, 100) g;
CREATE DOMAIN dint AS int CHECK (VALUE < 1000);
CREATE TABLE c (i int, x int, t text, u uuid, d dint, a int, b bigint) WITH (fillfactor = 10);
INSERT INTO c SELECT 1 + g % 7, 1 + g % 7, 't' || 1 + g % 6, md5((1 + g % 5)::text)::uuid, 1 + g % 8, 1, 1 + g % 2 * 5 FROM generate_series(1, 2500) g;
CREATE INDEX c_i ON c (i);
CREATE INDEX c_x ON c (x);
CREATE INDEX c_t ON c (t);
CREATE INDEX c_u ON c (u);
CREATE INDEX c_d ON c (d);
CREATE INDEX c_ab ON c (a, b, t);
ANALYZE c;
ALTER TABLE c ADD CONSTRAINT fk_i FOREIGN KEY (i) REFERENCES p NOT VALID,
  ADD CONSTRAINT fk_x FOREIGN KEY (x) REFERENCES p (big) NOT VALID,
  ADD CONSTRAINT fk_t FOREIGN KEY (t) REFERENCES p (t) NOT VALID,
  ADD CONSTRAINT fk_u FOREIGN KEY (u) REFERENCES p (u) NOT VALID,
  ADD CONSTRAINT fk_d FOREIGN KEY (d) REFERENCES p NOT VALID,
  ADD CONSTRAINT fk_ab FOREIGN KEY (a, b) REFERENCES p (a, b) NOT VALID,
  ADD CONSTRAINT fk_full FOREIGN KEY (a, b) REFERENCES p (a, b) MATCH FULL NOT VALID;

-- off by default
SELECT fk_name, rows_checked, result, reason FROM sg_orphan_audit_details('c') WHERE method LIKE '%index%' OR method LIKE '%skip%' OR rows_checked IS DISTINCT FROM 2500 OR reason IS NOT NULL;
SHOW schemaguard.audit_use_index;

SELECT * FROM by_index('c');

-- orphans: their rows are counted, their keys sampled
SET session_replication_role = replica;
INSERT INTO c SELECT 0, -1, 'none', md5('none')::uuid, 500, 2, 1 FROM generate_series(1, 30);
INSERT INTO c SELECT 200, 4000000, 'z', md5('z')::uuid, 501, 1, 99 FROM generate_series(1, 20);
INSERT INTO c VALUES (NULL, NULL, NULL, NULL, NULL, NULL, 1), (NULL, NULL, NULL, NULL, NULL, 1, NULL), (NULL, NULL, NULL, NULL, NULL, NULL, NULL);
RESET session_replication_role;
SELECT fk, method, result, n, orphans, keys, samples, agrees FROM by_index('c');
SET schemaguard.audit_use_index = on;
SELECT fk_name, sample FROM sg_orphan_audit_details('c', samples => 2) WHERE method = 'skip scan' ORDER BY 1;
SELECT fk_name, sample FROM sg_orphan_audit_details('c', samples => 0) WHERE fk_name = 'fk_i';
RESET schemaguard.audit_use_index;

-- rows that are no longer there, without a vacuum: at the start of a group, and whole groups
DELETE FROM c WHERE i = 0 AND ctid IN (SELECT ctid FROM c WHERE i = 0 ORDER BY ctid LIMIT 25);
DELETE FROM c WHERE i = 200;
DELETE FROM c WHERE i = 1;
SELECT fk, method, result, orphans, keys, agrees FROM by_index('c');
-- ... and rows that have moved, in their page and to another key
SET session_replication_role = replica;
UPDATE c SET t = t;
UPDATE c SET i = 300 WHERE i = 2;
UPDATE c SET i = 2 WHERE i = 3 AND t = 't1';
UPDATE p SET id = id + 1000 WHERE id = 4;
RESET session_replication_role;
SELECT fk, method, result, orphans, keys, agrees FROM by_index('c') WHERE fk = 'fk_i';
-- what the transaction itself has done counts, what it has undone does not
BEGIN;
INSERT INTO p (id) VALUES (300);
SAVEPOINT s;
INSERT INTO p (id) VALUES (4);
ROLLBACK TO s;
SELECT fk, method, result, orphans, keys, agrees, reason FROM by_index('c') WHERE fk = 'fk_i';
ROLLBACK;
DROP TABLE c;

-- which indexes are read
CREATE FUNCTION choice(columns text, parent text, VARIADIC indexes text[]) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE i text;
BEGIN
  EXECUTE format('ALTER TABLE choose ADD CONSTRAINT fk FOREIGN KEY (%s) REFERENCES %s NOT VALID', columns, parent);
  FOREACH i IN ARRAY indexes LOOP
    EXECUTE format('CREATE INDEX choose_idx ON choose %s', i);
    RETURN QUERY SELECT i || ': ' || coalesce(method, '-') || CASE WHEN agrees THEN '' ELSE ', which disagrees' END FROM by_index('choose');
    DROP INDEX choose_idx;
    DROP TABLE heap;
  END LOOP;
  ALTER TABLE choose DROP CONSTRAINT fk;
END $$;
CREATE TABLE choose (i int, t text, a int, b bigint, n numeric, f float8) WITH (fillfactor = 10);
INSERT INTO choose SELECT g % 5, 't' || g % 5, g % 3, g % 2, g % 4, g % 4 FROM generate_series(1, 2500) g;
INSERT INTO choose SELECT NULL, NULL, NULL, 1, NULL, NULL FROM generate_series(1, 20) g;
ANALYZE choose;
SELECT choice('i', 'p', '(i)', '(i NULLS FIRST)', '(i, t)', '(t, i)', '(i DESC)', '(i) INCLUDE (t)', '((i + 1))', '((i + 0), i)', 'USING hash (i)', 'USING brin (i)',
  '(i) WHERE i IS NOT NULL', '(i) WHERE i IS NOT NULL AND i IS NOT NULL', '(i) WHERE t IS NOT NULL', '(i) WHERE i > 0', '(i) WHERE i IS NOT NULL AND a > 0', '(i) WHERE i IS NULL');
SELECT choice('t', 'p (t)', '(t)', '(t text_pattern_ops)', '(t COLLATE "C")');
SELECT choice('a, b', 'p (a, b)', '(a, b)', '(b, a)', '(b, a, i)', '(a)', '(a) INCLUDE (b)', '(a, i, b)', '(a, b DESC)', '(a DESC, b DESC)', '(b, a) WHERE a IS NOT NULL AND b IS NOT NULL');
SELECT choice('b, a', 'p (b, a)', '(a, b)', '(b, a)');
-- types whose equal values may be different bytes: if both sides compare alike
CREATE TABLE pn (n numeric PRIMARY KEY, f float8 UNIQUE);
INSERT INTO pn VALUES (1.00, '-0'), (2.0, 2);
SELECT choice('n', 'pn', '(n)');
SELECT choice('f', 'pn (f)', '(f)');
SELECT choice('i', 'pn', '(i)');
-- too many keys for so few pages, in fact or by statistics; no statistics
UPDATE choose SET i = i + 1000 * (a + 10 * b) + 10 * (ctid::text::point)[0]::int;
SELECT choice('i', 'p', '(i)');
ANALYZE choose;
SELECT choice('i', 'p', '(i)');
TRUNCATE choose;
INSERT INTO choose SELECT g % 5 FROM generate_series(1, 2500) g;
DELETE FROM pg_statistic WHERE starelid = 'choose'::regclass;
SELECT choice('i', 'p', '(i)');
DROP TABLE choose, pn;

-- a column twice
CREATE TABLE twice (a int, b int) WITH (fillfactor = 10);
INSERT INTO twice SELECT g % 3, 1 + g % 3 FROM generate_series(1, 2500) g;
CREATE INDEX twice_idx ON twice (a, a);
ANALYZE twice;
CREATE TABLE ptwice (x int, y int, PRIMARY KEY (x, y));
INSERT INTO ptwice VALUES (1, 1), (2, 1);
ALTER TABLE twice ADD CONSTRAINT fk FOREIGN KEY (a, a) REFERENCES ptwice NOT VALID;
SELECT * FROM by_index('twice');
DROP TABLE twice, ptwice;

-- the parent's index is asked when the parent is far larger than the child
CREATE TABLE large (gone int, id bigint PRIMARY KEY, t text, a int, b int, UNIQUE (b, a)) WITH (fillfactor = 10);
ALTER TABLE large DROP COLUMN gone;
INSERT INTO large SELECT g, 't' || g, g, g FROM generate_series(1, 5000) g;
CREATE UNIQUE INDEX large_t ON large (t) INCLUDE (a);
ANALYZE large;
CREATE TABLE small (i int, t varchar(20), a int, b int);
INSERT INTO small VALUES (1, 't1', 1, 1), (1, 't1', 1, 1), (7777, 't', 1, 2), (7777, 't', 1, 2), (-1, NULL, 1, NULL), (NULL, 'T1', NULL, 1), (NULL, NULL, NULL, NULL);
ANALYZE small;
ALTER TABLE small ADD CONSTRAINT fk_i FOREIGN KEY (i) REFERENCES large NOT VALID,
  ADD CONSTRAINT fk_t FOREIGN KEY (t) REFERENCES large (t) NOT VALID,
  ADD CONSTRAINT fk_ab FOREIGN KEY (a, b) REFERENCES large (a, b) NOT VALID,
  ADD CONSTRAINT fk_full FOREIGN KEY (a, b) REFERENCES large (a, b) MATCH FULL NOT VALID;
SELECT * FROM by_index('small');
-- dead parents, moved ones, own changes
SET session_replication_role = replica;
DELETE FROM large WHERE id = 1;
UPDATE large SET t = t || t WHERE t = 't1' OR t = 't2';
RESET session_replication_role;
INSERT INTO large VALUES (7777, 't', 1, 2);
SELECT fk, method, result, orphans, keys, agrees FROM by_index('small');
-- too many keys: the parent is read
SET session_replication_role = replica;
INSERT INTO small SELECT g, 't' || g, g, g FROM generate_series(1, 1000) g;
RESET session_replication_role;
ANALYZE small;
SELECT fk, method, agrees FROM by_index('small');
-- partitions with their columns in other places
CREATE TABLE parts (x text, i int) PARTITION BY LIST (x);
CREATE TABLE parts_1 (i int, gone int, x text);
ALTER TABLE parts_1 DROP COLUMN gone;
ALTER TABLE parts ATTACH PARTITION parts_1 FOR VALUES IN ('1');
CREATE TABLE parts_2 PARTITION OF parts FOR VALUES IN ('2') PARTITION BY LIST (i);
CREATE TABLE parts_2_1 PARTITION OF parts_2 DEFAULT;
INSERT INTO parts VALUES ('1', 5), ('1', 9999), ('2', 6), ('2', 9999), ('2', NULL);
ANALYZE parts;
CREATE PROCEDURE plan_parts() LANGUAGE sql AS $$ SELECT sg_plan_create('parts'); SELECT sg_plan_add_fk('parts', 'aui.parts', '{i}', 'aui.large', '{id}', fk_name => 'fk_parts') $$;
CALL plan_parts();
SET schemaguard.audit_use_index = on;
SELECT fk_name, method, rows_checked, orphan_rows, orphan_keys, sample, result, reason FROM sg_orphan_audit_details(plan => 'parts');
-- a partitioned parent is read
CREATE TABLE plarge (id int PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE plarge_1 PARTITION OF plarge DEFAULT WITH (fillfactor = 10);
INSERT INTO plarge SELECT generate_series(1, 5000);
ANALYZE plarge;
ALTER TABLE small ADD CONSTRAINT fk_parted FOREIGN KEY (a) REFERENCES plarge;
SELECT method NOT IN ('skip scan', 'index probe') AS heap, result, reason FROM sg_orphan_audit_details('small') WHERE fk_name = 'fk_parted';
-- unarmed keys keep their reason
ALTER TABLE small DISABLE TRIGGER ALL;
DELETE FROM small WHERE i > 10;
ANALYZE small;
SELECT state, method, reason FROM sg_orphan_audit_details('small') WHERE fk_name = 'fk_i';
RESET schemaguard.audit_use_index;
-- an index that is not valid is not asked
UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'large_pkey'::regclass;
SELECT fk, method, agrees FROM by_index('small') WHERE fk = 'fk_i';
UPDATE pg_index SET indisvalid = true WHERE indexrelid = 'large_pkey'::regclass;

-- a column without its file's values: a default that was added, values that are stored elsewhere
CREATE TABLE pt (t text PRIMARY KEY);
INSERT INTO pt VALUES (repeat('x', 900)), (repeat('y', 900)), ('new');
CREATE TABLE ct (n int, t text) WITH (fillfactor = 10, toast_tuple_target = 128);
ALTER TABLE ct ALTER COLUMN t SET STORAGE EXTERNAL;
INSERT INTO ct SELECT g, repeat(CASE g % 3 WHEN 0 THEN 'x' WHEN 1 THEN 'y' ELSE 'z' END, 900) FROM generate_series(1, 2500) g;
ALTER TABLE ct ADD COLUMN added text DEFAULT 'new', ADD COLUMN added2 text DEFAULT 'other';
CREATE INDEX ON ct (t);
CREATE INDEX ON ct (added);
CREATE INDEX ON ct (added2);
ANALYZE ct;
ALTER TABLE ct ADD CONSTRAINT fk_t FOREIGN KEY (t) REFERENCES pt NOT VALID, ADD CONSTRAINT fk_added FOREIGN KEY (added) REFERENCES pt NOT VALID,
  ADD CONSTRAINT fk_added2 FOREIGN KEY (added2) REFERENCES pt NOT VALID;
SELECT fk, method, result, orphans, keys, agrees, reason FROM by_index('ct');

-- a table that refers to itself; a parent that is empty
CREATE TABLE tree (id int PRIMARY KEY, up int) WITH (fillfactor = 10);
INSERT INTO tree SELECT g, g % 4 FROM generate_series(1, 2500) g;
CREATE INDEX ON tree (up);
ANALYZE tree;
ALTER TABLE tree ADD CONSTRAINT fk_up FOREIGN KEY (up) REFERENCES tree NOT VALID;
CREATE TABLE nothing (id int PRIMARY KEY);
ALTER TABLE tree ADD CONSTRAINT fk_none FOREIGN KEY (up) REFERENCES nothing NOT VALID;
SELECT fk, method, result, orphans, keys, agrees FROM by_index('tree');

-- paranoid: nothing is wrong with any of these indexes; and it wins over audit_use_index
SET schemaguard.audit_paranoid = on;
SET schemaguard.audit_use_index = on;
SET session_replication_role = replica;
INSERT INTO tree SELECT g, CASE WHEN g % 3 = 0 THEN NULL ELSE g END FROM generate_series(10000, 10300) g;
DELETE FROM tree WHERE id % 7 = 0;
UPDATE tree SET up = up + 1 WHERE id % 11 = 0;
RESET session_replication_role;
SELECT fk_name, method IN ('skip scan', 'index probe') AS index, result, orphan_rows, orphan_keys, reason FROM sg_orphan_audit_details('tree') ORDER BY 1;
SELECT fk_name, result, orphan_keys, reason FROM sg_orphan_audit_details('small') ORDER BY 1;
SELECT fk_name, result, orphan_keys, reason FROM sg_orphan_audit_details('ct') ORDER BY 1;
SELECT fk_name, result, orphan_rows, reason FROM sg_orphan_audit_details(plan => 'parts');
UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'plarge_1_pkey'::regclass;
SELECT fk_name, result, reason FROM sg_orphan_audit_details('small') WHERE fk_name = 'fk_parted';
RESET schemaguard.audit_paranoid;
RESET schemaguard.audit_use_index;

-- a snapshot from before: other sessions' work since then does not show, and an index that is younger is not read
CREATE TABLE old (i int) WITH (fillfactor = 10);
INSERT INTO old SELECT 1 + g % 3 FROM generate_series(1, 2500) g;
CREATE INDEX old_idx ON old (i);
ANALYZE old;
ALTER TABLE old ADD CONSTRAINT fk_old FOREIGN KEY (i) REFERENCES p;
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT fk, method, result, agrees FROM by_index('old');
DROP INDEX old_idx;
UPDATE old SET i = i + 1 WHERE i < 3;
CREATE INDEX old_idx ON old (i);
DROP TABLE heap;
SELECT fk, method, result, agrees FROM by_index('old');
ROLLBACK;

SET client_min_messages = warning;
SELECT sg_plan_drop('parts');
DROP SCHEMA aui CASCADE;
