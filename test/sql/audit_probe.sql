-- Few keys of a child against a large parent: looked up in the parent's index, with the verdicts of reading both
-- rooms: audit
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS schemaguard;
CREATE SCHEMA aup;
SET search_path = aup, public;
SET schemaguard.audit_workers = 0;
-- any parent is large
SET min_parallel_table_scan_size = 0;

CREATE FUNCTION compare(child text) RETURNS TABLE (fk text, method text, result text, n bigint, orphans bigint, keys bigint, samples int, agrees boolean, reason text)
LANGUAGE plpgsql AS $$
BEGIN
  DROP TABLE IF EXISTS heap;
  PERFORM set_config('schemaguard.audit_method', 'scan', true);
  CREATE TEMP TABLE heap AS SELECT * FROM sg_orphan_audit_details(child, samples => 1000);
  PERFORM set_config('schemaguard.audit_method', 'auto', true);
  RETURN QUERY
    SELECT h.fk_name::text, i.method, i.result, i.rows_checked, i.orphan_rows, i.orphan_keys, jsonb_array_length(i.sample),
           (h.result, h.rows_checked, h.orphan_rows, h.orphan_keys) = (i.result, i.rows_checked, i.orphan_rows, i.orphan_keys)
             AND (h.sample @> i.sample AND i.sample @> h.sample OR h.sample IS NULL AND i.sample IS NULL),
           i.reason
    FROM heap h JOIN sg_orphan_audit_details(child, samples => 1000) i USING (fk_name)
    ORDER BY 1;
END $$;

CREATE TABLE p (gone int, id bigint PRIMARY KEY, t text UNIQUE, u uuid UNIQUE, n numeric UNIQUE, f float8 UNIQUE, a int, b int, UNIQUE (b, a));
ALTER TABLE p DROP COLUMN gone;
INSERT INTO p SELECT g, 't' || g, md5(g::text)::uuid, g, g, g % 5, g FROM generate_series(1, 5000) g;
ANALYZE p;
CREATE TABLE c (i int, s smallint, t varchar(20), u uuid, n numeric, i2 int, f real, a int, b int);
INSERT INTO c SELECT 1 + g % 7, 1 + g % 7, 't' || 1 + g % 6, md5((1 + g % 5)::text)::uuid, (1 + g % 4)::numeric * CASE g % 3 WHEN 0 THEN 1.00 ELSE 1 END,
  1 + g % 5, 1 + g % 5, 1, 1 + g % 2 * 5 FROM generate_series(1, 300) g;
ANALYZE c;
ALTER TABLE c ADD CONSTRAINT fk_i FOREIGN KEY (i) REFERENCES p NOT VALID,
  ADD CONSTRAINT fk_s FOREIGN KEY (s) REFERENCES p NOT VALID,
  ADD CONSTRAINT fk_t FOREIGN KEY (t) REFERENCES p (t) NOT VALID,
  ADD CONSTRAINT fk_u FOREIGN KEY (u) REFERENCES p (u) NOT VALID,
  ADD CONSTRAINT fk_n FOREIGN KEY (n) REFERENCES p (n) NOT VALID,
  ADD CONSTRAINT fk_ni FOREIGN KEY (i2) REFERENCES p (n) NOT VALID,
  ADD CONSTRAINT fk_f FOREIGN KEY (f) REFERENCES p (f) NOT VALID,
  ADD CONSTRAINT fk_ab FOREIGN KEY (a, b) REFERENCES p (a, b) NOT VALID,
  ADD CONSTRAINT fk_full FOREIGN KEY (a, b) REFERENCES p (a, b) MATCH FULL NOT VALID;
SELECT * FROM compare('c');

-- orphans, nulls, values that no index can hold
SET session_replication_role = replica;
INSERT INTO c SELECT 0, -1, 'none', md5('none')::uuid, 0.5, -7, 0.1, 2, 1 FROM generate_series(1, 30);
INSERT INTO c SELECT 9999, 9999, 'z', md5('z')::uuid, 'NaN', 9999, 'NaN', 1, 99 FROM generate_series(1, 20);
INSERT INTO c (b) VALUES (1); INSERT INTO c (a) VALUES (1); INSERT INTO c (i) VALUES (NULL);
RESET session_replication_role;
SELECT * FROM compare('c');
SELECT fk_name, sample FROM sg_orphan_audit_details('c', samples => 1) WHERE fk_name IN ('fk_i', 'fk_f') ORDER BY 1;

-- rows that have gone or moved, without a vacuum; the transaction's own changes, and those that it takes back
SET session_replication_role = replica;
DELETE FROM p WHERE id = 1;
UPDATE p SET t = t || t, id = id + 10000 WHERE id IN (2, 3);
RESET session_replication_role;
SELECT * FROM compare('c') WHERE fk IN ('fk_i', 'fk_t');
BEGIN;
INSERT INTO p (id) VALUES (1), (9999);
SAVEPOINT s;
INSERT INTO p (id) VALUES (2);
ROLLBACK TO s;
SELECT * FROM compare('c') WHERE fk IN ('fk_i', 'fk_s');
ROLLBACK;

-- more keys than statistics know: the parent is read after all, for these keys alone
CREATE TABLE lie (i int, u uuid, k bigint);
INSERT INTO lie SELECT g % 3 + 5, md5((g % 3 + 5)::text)::uuid, g FROM generate_series(1, 20) g;
ANALYZE lie;
INSERT INTO lie SELECT g, md5('5')::uuid, g FROM generate_series(4, 4000) g;
INSERT INTO lie VALUES (-1, md5('none')::uuid, 5500);
CREATE TABLE seq (k bigint PRIMARY KEY);
INSERT INTO seq SELECT generate_series(1, 5000);
ALTER TABLE lie ADD CONSTRAINT fk_few FOREIGN KEY (u) REFERENCES p (u) NOT VALID, ADD CONSTRAINT fk_many FOREIGN KEY (i) REFERENCES p NOT VALID,
  ADD CONSTRAINT fk_read FOREIGN KEY (k) REFERENCES seq NOT VALID;
UPDATE pg_statistic SET stadistinct = 3 WHERE starelid = 'lie'::regclass AND staattnum < 3;
SELECT * FROM compare('lie');
SET schemaguard.audit_workers = 2;
SELECT * FROM compare('lie');
SELECT * FROM compare('c');
SET schemaguard.audit_workers = 0;

-- which are asked
CREATE TABLE few (i int, d int);
INSERT INTO few SELECT 1 + g % 3 FROM generate_series(1, 100) g;
CREATE FUNCTION method(child text DEFAULT 'few') RETURNS text LANGUAGE sql AS 'SELECT string_agg(concat_ws('' '', method, result, reason), '', '') FROM sg_orphan_audit_details(child)';
CREATE TABLE big (id int PRIMARY KEY);
INSERT INTO big SELECT generate_series(1, 5000);
ANALYZE big;
ALTER TABLE few ADD CONSTRAINT fk FOREIGN KEY (i) REFERENCES big NOT VALID;
SELECT method() AS no_statistics;
ANALYZE few;
SELECT method() AS few_keys;
SET min_parallel_table_scan_size = '8MB';
SELECT method() AS small_parent;
SET min_parallel_table_scan_size = 0;
SET schemaguard.audit_method = scan;
SELECT method() AS by_scan;
RESET schemaguard.audit_method;
UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'big_pkey'::regclass;
SELECT method() AS not_valid;
UPDATE pg_index SET indisvalid = true WHERE indexrelid = 'big_pkey'::regclass;
ALTER TABLE few DROP CONSTRAINT fk;
-- partitions: columns in other places, up to 16
CREATE TABLE parts (x int, id int PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE parts_1 (id int NOT NULL, gone int, x int);
ALTER TABLE parts_1 DROP COLUMN gone;
ALTER TABLE parts ATTACH PARTITION parts_1 FOR VALUES FROM (0) TO (2);
CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM (2) TO (100000) PARTITION BY RANGE (id);
SELECT format('CREATE TABLE parts_2_%s PARTITION OF parts_2 FOR VALUES FROM (%s) TO (%s)', g, g * 1000 + 2, g * 1000 + 1002) FROM generate_series(0, 14) g \gexec
INSERT INTO parts SELECT 0, generate_series(1, 15000);
ANALYZE parts;
ALTER TABLE few ADD CONSTRAINT fk FOREIGN KEY (i) REFERENCES parts;
SELECT * FROM compare('few');
CREATE TABLE parts_3 PARTITION OF parts FOR VALUES FROM (200000) TO (300000);
SELECT method() AS seventeen;
ALTER TABLE parts DETACH PARTITION parts_3;
DROP TABLE parts_3;
-- the child's partitions
CREATE TABLE many (x text, i int) PARTITION BY LIST (x);
CREATE TABLE many_1 (i int, gone int, x text);
ALTER TABLE many_1 DROP COLUMN gone;
ALTER TABLE many ATTACH PARTITION many_1 FOR VALUES IN ('1');
CREATE TABLE many_2 PARTITION OF many DEFAULT;
INSERT INTO many SELECT g % 3, g % 4 + 1 FROM generate_series(1, 100) g;
ANALYZE many;
ALTER TABLE many ADD CONSTRAINT fk FOREIGN KEY (i) REFERENCES parts;
SELECT * FROM compare('many');
-- a type, and so code, that is not the server's
CREATE TYPE colour AS ENUM ('red', 'green');
CREATE TABLE colours (c colour PRIMARY KEY);
INSERT INTO colours VALUES ('red'), ('green');
UPDATE pg_class SET reltuples = 5000, relpages = 1 WHERE relname = 'colours';
CREATE TABLE things (c colour REFERENCES colours);
INSERT INTO things VALUES ('red');
ANALYZE things;
SELECT method('things') AS enum;
-- values that are stored elsewhere, a default that is in no row
CREATE TABLE long (t text PRIMARY KEY);
INSERT INTO long SELECT repeat(g::text, 600) FROM generate_series(1, 400) g;
INSERT INTO long VALUES ('new');
ANALYZE long;
CREATE TABLE ct (t text) WITH (toast_tuple_target = 128);
ALTER TABLE ct ALTER COLUMN t SET STORAGE EXTERNAL;
INSERT INTO ct SELECT repeat((1 + g % 3)::text, 600) FROM generate_series(1, 60) g;
INSERT INTO ct VALUES (repeat('x', 900)), (repeat('y', 3000000));
ALTER TABLE ct ADD COLUMN added text DEFAULT 'new', ADD COLUMN added2 text DEFAULT 'other';
ANALYZE ct;
ALTER TABLE ct ADD CONSTRAINT fk_t FOREIGN KEY (t) REFERENCES long NOT VALID, ADD CONSTRAINT fk_added FOREIGN KEY (added) REFERENCES long NOT VALID,
  ADD CONSTRAINT fk_added2 FOREIGN KEY (added2) REFERENCES long NOT VALID;
SELECT fk, method, result, n, orphans, keys, agrees, reason FROM compare('ct');

-- a snapshot from before: a younger index does not have what it sees
CREATE TABLE old (id int, pad int);
INSERT INTO old SELECT generate_series(1, 5000);
CREATE UNIQUE INDEX old_idx ON old (id);
ANALYZE old;
ALTER TABLE few DROP CONSTRAINT fk, ADD CONSTRAINT fk FOREIGN KEY (i) REFERENCES old (id);
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT method() AS before;
SET session_replication_role = replica;
ALTER TABLE few DROP CONSTRAINT fk;
DROP INDEX old_idx;
UPDATE old SET id = -id WHERE id = 1;
CREATE UNIQUE INDEX old_idx ON old (id);
ALTER TABLE few ADD CONSTRAINT fk FOREIGN KEY (i) REFERENCES old (id) NOT VALID;
SELECT method() AS after;
ROLLBACK;

DROP SCHEMA aup CASCADE;
