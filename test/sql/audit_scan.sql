-- The scan: methods and settings, kinds of tables and types, transactions, workers
-- rooms: audit
\set VERBOSITY terse
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS schemaguard;
RESET client_min_messages;
-- the settings are known once the library is there
LOAD 'schemaguard';
CREATE SCHEMA scn;
SET search_path = scn, public;

-- Judge the keys of a table in every way: one row for each verdict, with the ways that came to it and their methods.
-- All is well where each key has one row.
CREATE FUNCTION ways(child regclass)
RETURNS TABLE (fk text, n bigint, orphans bigint, keys bigint, result text, reason text, methods text)
LANGUAGE plpgsql AS $$
DECLARE
    settings text[] := '{{auto,-1,64MB},{sql,0,64MB},{scan,0,64MB},{scan,0,64kB},{scan,2,64MB},{scan,1,64kB}}';
    way text[];
BEGIN
    CREATE TEMP TABLE seen AS SELECT ''::text AS way, * FROM sg_orphan_audit_details() WITH NO DATA;
    PERFORM set_config('min_parallel_table_scan_size', '0', true);
    FOREACH way SLICE 1 IN ARRAY settings LOOP
        PERFORM set_config('schemaguard.audit_method', way[1], true), set_config('schemaguard.audit_workers', way[2], true),
            set_config('schemaguard.audit_memory', way[3], true);
        INSERT INTO seen SELECT way[1], * FROM sg_orphan_audit_details(child);
    END LOOP;
    RETURN QUERY SELECT s.fk_name::text, rows_checked, orphan_rows, orphan_keys, s.result, s.reason,
                        string_agg(DISTINCT s.way || ': ' || coalesce(regexp_replace(method, ' in \d+ passes', ''), 'none'), ', '
                                   ORDER BY s.way || ': ' || coalesce(regexp_replace(method, ' in \d+ passes', ''), 'none'))
                   FROM seen s GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 1, 2, 3, 4;
    DROP TABLE seen;
END $$;

-- nothing runs, and the view says so
SELECT * FROM schemaguard.progress;

-- settings
SHOW schemaguard.audit_method;
SHOW schemaguard.audit_workers;
SHOW schemaguard.audit_memory;
SET schemaguard.audit_method = 'hash';
SET schemaguard.audit_workers = -2;
SET schemaguard.audit_workers = 1025;
SET schemaguard.audit_memory = '1 hour';
-- what would hold nothing is raised
SET schemaguard.audit_memory = '1kB';
SHOW schemaguard.audit_memory;
SET schemaguard.audit_memory = '1GB';
SHOW schemaguard.audit_memory;
RESET schemaguard.audit_memory;
-- method: one pass, several, a query
CREATE TABLE parent (id uuid PRIMARY KEY, n int UNIQUE, big int8 UNIQUE);
INSERT INTO parent SELECT md5(g::text)::uuid, g, hashint8extended(g, 0) FROM generate_series(1, 20000) g;
CREATE TABLE child (id uuid, n int, big int8);
INSERT INTO child SELECT md5(g::text)::uuid, g, hashint8extended(g, 0) FROM generate_series(1, 30000, 10) g;
ANALYZE parent, child;
ALTER TABLE child ADD CONSTRAINT by_id FOREIGN KEY (id) REFERENCES parent NOT VALID,
    ADD CONSTRAINT by_n FOREIGN KEY (n) REFERENCES parent (n) NOT VALID,
    ADD CONSTRAINT by_big FOREIGN KEY (big) REFERENCES parent (big) NOT VALID;
SELECT * FROM ways('child');
SELECT fk_name, method FROM sg_orphan_audit_details('child') ORDER BY 1;
SET schemaguard.audit_memory = '64kB';
SET schemaguard.audit_method = scan;
SELECT fk_name, method ~ '^scan in ([2-9]|\d\d+) passes$' AS in_passes, jsonb_array_length(sample) AS samples FROM sg_orphan_audit_details('child') ORDER BY 1;
RESET schemaguard.audit_memory;
SET schemaguard.audit_method = sql;
SELECT fk_name, method FROM sg_orphan_audit_details('child') ORDER BY 1;
RESET schemaguard.audit_method;

-- two keys to one parent, two children of it, a parent of no rows
CREATE TABLE empty (id int PRIMARY KEY);
CREATE TABLE other (a int CONSTRAINT other_a REFERENCES parent (n), b int CONSTRAINT other_b REFERENCES parent (n), c int);
INSERT INTO other SELECT g, 1 + g % 7, nullif(g % 5, 0) FROM generate_series(1, 1000) g;
ALTER TABLE other ADD CONSTRAINT other_c FOREIGN KEY (c) REFERENCES empty NOT VALID;
SELECT * FROM ways('other');

-- nothing to read: partitioned tables without partitions
CREATE TABLE no_parts (r int CONSTRAINT from_nowhere REFERENCES parent (n)) PARTITION BY LIST (r);
SELECT * FROM ways('no_parts');
CREATE TABLE no_rows (id int PRIMARY KEY) PARTITION BY LIST (id);
CREATE TABLE to_nowhere (r int CONSTRAINT to_nowhere REFERENCES no_rows);
SET session_replication_role = replica;
INSERT INTO to_nowhere VALUES (1), (1), (NULL);
RESET session_replication_role;
SELECT * FROM ways('to_nowhere');
CREATE TABLE neither (r int CONSTRAINT neither REFERENCES no_rows) PARTITION BY LIST (r);
SELECT * FROM ways('neither');
DROP TABLE no_parts, to_nowhere, neither, no_rows;

-- temporary tables, which workers can't read
CREATE TEMP TABLE temp_parent (id int PRIMARY KEY);
CREATE TEMP TABLE temp_child (r int CONSTRAINT fk_temp REFERENCES temp_parent);
INSERT INTO temp_parent SELECT generate_series(1, 3000);
INSERT INTO temp_child SELECT generate_series(1, 3000);
SELECT * FROM ways('temp_child');
DROP TABLE temp_child, temp_parent;
-- unlogged ones they can
CREATE UNLOGGED TABLE unlogged_child (r int CONSTRAINT fk_unlogged REFERENCES parent (n));
INSERT INTO unlogged_child VALUES (1), (2);
SELECT * FROM ways('unlogged_child');
DROP TABLE unlogged_child;

-- another table access method
CREATE ACCESS METHOD heap2 TYPE TABLE HANDLER heap_tableam_handler;
CREATE TABLE parent2 (id int PRIMARY KEY) USING heap2;
CREATE TABLE child2 (r int, p int CONSTRAINT fk_plain REFERENCES parent (n)) USING heap2;
INSERT INTO parent2 SELECT generate_series(1, 100);
INSERT INTO child2 SELECT g, g FROM generate_series(1, 110) g;
ALTER TABLE child2 ADD CONSTRAINT fk_heap2 FOREIGN KEY (r) REFERENCES parent2 NOT VALID;
SELECT * FROM ways('child2');
DROP TABLE child2, parent2;
SET client_min_messages = warning;
DROP ACCESS METHOD heap2;
RESET client_min_messages;

-- keys that are longer than a page when they are not compressed, and values that no key can be as long as
CREATE TABLE long_parent (t text PRIMARY KEY);
CREATE TABLE long_child (t text);
INSERT INTO long_parent SELECT repeat(chr(96 + g), 10000 + g) FROM generate_series(1, 20) g;
INSERT INTO long_child SELECT t FROM long_parent;
INSERT INTO long_child SELECT repeat('abc', 1000000 + g % 2) FROM generate_series(1, 3) g;
INSERT INTO long_child SELECT string_agg(md5(g::text), '') FROM generate_series(1, 3000) g;
ALTER TABLE long_child ADD CONSTRAINT fk_long FOREIGN KEY (t) REFERENCES long_parent NOT VALID;
SELECT * FROM ways('long_child');
DROP TABLE long_child, long_parent;

-- a key of 32 columns
DO $$
DECLARE
    columns text := (SELECT string_agg('c' || g, ', ') FROM generate_series(1, 32) g);
    types text := (SELECT string_agg(format('c%s %s', g, CASE g % 4 WHEN 0 THEN 'int2' WHEN 1 THEN 'uuid' WHEN 2 THEN 'int8' ELSE 'date' END), ', ') FROM generate_series(1, 32) g);
    vals text := (SELECT string_agg(CASE g % 4 WHEN 0 THEN 'g::int2' WHEN 1 THEN 'md5(g::text)::uuid' WHEN 2 THEN 'g' ELSE 'date ''2000-01-01'' + g' END, ', ') FROM generate_series(1, 32) g);
BEGIN
    EXECUTE format('CREATE TABLE wide_parent (%s, PRIMARY KEY (%s)); CREATE TABLE wide_child (%1$s)', types, columns);
    EXECUTE format('INSERT INTO wide_parent SELECT %s FROM generate_series(1, 500) g', vals);
    EXECUTE format('INSERT INTO wide_child SELECT %s FROM generate_series(400, 600) g', vals);
    EXECUTE format('ALTER TABLE wide_child ADD CONSTRAINT fk_wide FOREIGN KEY (%s) REFERENCES wide_parent NOT VALID', columns);
END $$;
SELECT * FROM ways('wide_child');
DROP TABLE wide_child, wide_parent;

-- a type with operators of its own, in PL/pgSQL, which are not safe for workers: their exception block begins a
-- subtransaction.  Arrays and records of it look safe.
CREATE TYPE word AS (t text);
CREATE FUNCTION low(w word) RETURNS text LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN RETURN lower(w.t); EXCEPTION WHEN division_by_zero THEN RETURN NULL; END $$;
CREATE FUNCTION word_eq(a word, b word) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN scn.low(a) = scn.low(b); END $$;
CREATE FUNCTION word_lt(a word, b word) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN scn.low(a) < scn.low(b); END $$;
CREATE FUNCTION word_le(a word, b word) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN scn.low(a) <= scn.low(b); END $$;
CREATE FUNCTION word_gt(a word, b word) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN scn.low(a) > scn.low(b); END $$;
CREATE FUNCTION word_ge(a word, b word) RETURNS bool LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN scn.low(a) >= scn.low(b); END $$;
CREATE FUNCTION word_cmp(a word, b word) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN RETURN CASE WHEN scn.low(a) < scn.low(b) THEN -1 WHEN scn.low(a) = scn.low(b) THEN 0 ELSE 1 END; END $$;
CREATE FUNCTION word_hash(a word) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN hashtext(scn.low(a)); END $$;
CREATE OPERATOR = (LEFTARG = word, RIGHTARG = word, FUNCTION = word_eq, COMMUTATOR = =, HASHES, MERGES);
CREATE OPERATOR < (LEFTARG = word, RIGHTARG = word, FUNCTION = word_lt, COMMUTATOR = >);
CREATE OPERATOR > (LEFTARG = word, RIGHTARG = word, FUNCTION = word_gt, COMMUTATOR = <);
CREATE OPERATOR <= (LEFTARG = word, RIGHTARG = word, FUNCTION = word_le);
CREATE OPERATOR >= (LEFTARG = word, RIGHTARG = word, FUNCTION = word_ge);
CREATE OPERATOR CLASS word_btree DEFAULT FOR TYPE word USING btree AS
    OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >, FUNCTION 1 word_cmp(word, word);
CREATE OPERATOR CLASS word_hash DEFAULT FOR TYPE word USING hash AS OPERATOR 1 =, FUNCTION 1 word_hash(word);
CREATE TYPE wrapped AS (n int, w word);
CREATE TABLE word_parent (w word PRIMARY KEY, a word[] UNIQUE, r wrapped UNIQUE);
CREATE TABLE word_child (w word, a word[], r wrapped);
INSERT INTO word_parent SELECT w, ARRAY[w], ROW(1, w)::wrapped FROM generate_series(1, 100) g, LATERAL (SELECT ROW('Key' || g)::word AS w) s;
INSERT INTO word_child SELECT w, ARRAY[w], ROW(1, w)::wrapped FROM generate_series(1, 120) g, LATERAL (SELECT ROW('kEY' || g)::word AS w) s;
INSERT INTO word_child SELECT ROW('KEY' || g)::word, NULL, NULL FROM generate_series(111, 130) g;
ALTER TABLE word_child ADD CONSTRAINT fk_array FOREIGN KEY (a) REFERENCES word_parent (a) NOT VALID,
    ADD CONSTRAINT fk_record FOREIGN KEY (r) REFERENCES word_parent (r) NOT VALID,
    ADD CONSTRAINT fk_word FOREIGN KEY (w) REFERENCES word_parent NOT VALID;
SELECT * FROM ways('word_child');
-- only what puts them in order is not safe (in a new session: what the server keeps about operators of a record's or an
-- array's elements does not know that they were replaced)
ALTER FUNCTION word_eq PARALLEL SAFE;
ALTER FUNCTION word_hash PARALLEL SAFE;
CREATE OR REPLACE FUNCTION word_eq(a word, b word) RETURNS bool LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT lower(a.t) = lower(b.t) $$;
CREATE OR REPLACE FUNCTION word_hash(a word) RETURNS int LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $$ SELECT hashtext(lower(a.t)) $$;
\c -
SET search_path = scn, public;
SELECT * FROM ways('word_child');
DROP TABLE word_child, word_parent;

-- types without hash functions: bytes do without, other values do not
CREATE TABLE money_parent (m money PRIMARY KEY, b varbit UNIQUE);
CREATE TABLE money_child (m money CONSTRAINT fk_money REFERENCES money_parent, b varbit CONSTRAINT fk_bits REFERENCES money_parent (b));
INSERT INTO money_parent VALUES (1, '101'), (2, '0');
INSERT INTO money_child VALUES (1, '0'), (2, NULL);
SELECT * FROM ways('money_child');
ALTER TABLE money_parent ADD n numeric, ADD UNIQUE (m, n);
ALTER TABLE money_child ADD n numeric DEFAULT 1.0, ADD CONSTRAINT fk_money_number FOREIGN KEY (n, m) REFERENCES money_parent (n, m) NOT VALID;
UPDATE money_parent SET n = 1 WHERE m::numeric = 1;
SELECT * FROM ways('money_child');
DROP TABLE money_child, money_parent;

-- columns that tables do not hold in every row, and dropped ones
CREATE TABLE grown (id int, gone text);
INSERT INTO grown SELECT g, 'x' FROM generate_series(1, 100) g;
ALTER TABLE grown DROP COLUMN gone;
ALTER TABLE grown ADD ref int DEFAULT 7, ADD txt text DEFAULT 'seven', ADD nothing int;
INSERT INTO grown VALUES (101, 99999, 'none', 1);
CREATE TABLE grown_parent (id int, txt text UNIQUE, PRIMARY KEY (id));
INSERT INTO grown_parent VALUES (7, 'seven');
ALTER TABLE grown_parent ADD late int NOT NULL DEFAULT 7;
CREATE UNIQUE INDEX ON grown_parent (late);
ALTER TABLE grown ADD CONSTRAINT grown_id FOREIGN KEY (ref) REFERENCES grown_parent NOT VALID,
    ADD CONSTRAINT grown_late FOREIGN KEY (ref) REFERENCES grown_parent (late) NOT VALID,
    ADD CONSTRAINT grown_null FOREIGN KEY (nothing) REFERENCES grown_parent NOT VALID,
    ADD CONSTRAINT grown_txt FOREIGN KEY (txt) REFERENCES grown_parent (txt) NOT VALID;
SELECT * FROM ways('grown');
DROP TABLE grown, grown_parent;

-- columns at the same place in every row, and rows in which they are elsewhere: nulls before them, rows from before they
-- were added; pages with rows that are gone or not there yet; an aligned and an unaligned text before them
CREATE TABLE places_parent (id int PRIMARY KEY, big bigint UNIQUE, small smallint UNIQUE, letter "char" UNIQUE, UNIQUE (id, big));
INSERT INTO places_parent SELECT g, g + 5000000000, g, chr(g)::"char" FROM generate_series(1, 100) g;
CREATE TABLE places (letter "char", small smallint, flag bool, id int, big bigint, last int, txt text);
INSERT INTO places SELECT chr(1 + g % 100)::"char", CASE WHEN g % 3 > 0 THEN 1 + g % 100 END, true,
        CASE WHEN g % 5 > 0 THEN 1 + g % 100 END, CASE WHEN g % 11 > 0 THEN 5000000001 + g % 100 END,
        CASE WHEN g % 7 > 0 THEN 1 + g % 100 END, repeat('t', g % 50) FROM generate_series(1, 4000) g;
INSERT INTO places SELECT NULL, g, NULL, -g, -g, -g, 'orphan' FROM generate_series(1001, 1003) g;
INSERT INTO places SELECT 'x', 1, false, 1, 5000000001, -g, NULL FROM generate_series(1, 3) g;
ALTER TABLE places ADD late int;
INSERT INTO places SELECT 'x', 1, false, 1, 5000000001, 1, NULL, g FROM generate_series(99, 103) g;
DELETE FROM places WHERE last % 10 = 3;
BEGIN;
UPDATE places SET txt = 'dead' WHERE last % 10 = 4;
ROLLBACK;
UPDATE places SET txt = 'moved' WHERE last % 10 = 5;
CREATE TABLE after_text (a text, ref int);
CREATE TABLE after_short (flag bool, a text, ref int);
INSERT INTO after_text SELECT nullif(repeat('t', g % 200), ''), g % 102 FROM generate_series(1, 500) g;
INSERT INTO after_short SELECT true, a, ref FROM after_text;
ALTER TABLE places ADD CONSTRAINT places_1 FOREIGN KEY (letter) REFERENCES places_parent (letter) NOT VALID,
    ADD CONSTRAINT places_2 FOREIGN KEY (small) REFERENCES places_parent (small) NOT VALID,
    ADD CONSTRAINT places_3 FOREIGN KEY (id) REFERENCES places_parent NOT VALID,
    ADD CONSTRAINT places_4 FOREIGN KEY (big) REFERENCES places_parent (big) NOT VALID,
    ADD CONSTRAINT places_5 FOREIGN KEY (last) REFERENCES places_parent NOT VALID,
    ADD CONSTRAINT places_6 FOREIGN KEY (late) REFERENCES places_parent NOT VALID,
    ADD CONSTRAINT places_7 FOREIGN KEY (id, big) REFERENCES places_parent (id, big) MATCH FULL NOT VALID;
ALTER TABLE after_text ADD CONSTRAINT after_1 FOREIGN KEY (ref) REFERENCES places_parent NOT VALID;
ALTER TABLE after_short ADD CONSTRAINT after_2 FOREIGN KEY (ref) REFERENCES places_parent NOT VALID;
SELECT * FROM ways('places');
ALTER TABLE places DROP CONSTRAINT places_6;
SELECT * FROM ways('places');
SELECT * FROM ways('after_text');
SELECT * FROM ways('after_short');
-- the server's statistics count the rows that were read, beside what has not been sent there yet
BEGIN;
SET LOCAL schemaguard.audit_method = scan;
SET LOCAL schemaguard.audit_workers = 0;
SELECT coalesce(sum(seq_tup_read), 0) AS before FROM pg_stat_xact_user_tables WHERE relid = 'places'::regclass \gset
SELECT rows_checked FROM sg_orphan_audit_details('places') WHERE fk_name = 'places_1' \gset
SELECT seq_tup_read - :before = :rows_checked AS counted FROM pg_stat_xact_user_tables WHERE relid = 'places'::regclass;
COMMIT;
DROP TABLE places, after_text, after_short, places_parent;

-- partitions with their columns elsewhere, on both sides
CREATE TABLE far_parent (a int, b text, PRIMARY KEY (a, b)) PARTITION BY RANGE (a);
CREATE TABLE far_parent_1 (junk int, b text NOT NULL, a int NOT NULL);
ALTER TABLE far_parent_1 DROP junk;
ALTER TABLE far_parent ATTACH PARTITION far_parent_1 FOR VALUES FROM (0) TO (50);
CREATE TABLE far_parent_2 PARTITION OF far_parent FOR VALUES FROM (50) TO (1000);
CREATE TABLE far_child (id int, a int, b text) PARTITION BY HASH (id);
CREATE TABLE far_child_0 (b text, junk text, a int, id int);
ALTER TABLE far_child_0 DROP junk;
ALTER TABLE far_child ATTACH PARTITION far_child_0 FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE far_child_1 PARTITION OF far_child FOR VALUES WITH (MODULUS 2, REMAINDER 1);
ALTER TABLE far_child ADD CONSTRAINT fk_far FOREIGN KEY (a, b) REFERENCES far_parent MATCH FULL;
SET session_replication_role = replica;
INSERT INTO far_parent SELECT g, 'b' || g FROM generate_series(1, 100) g;
INSERT INTO far_child SELECT g, g, 'b' || g FROM generate_series(1, 110) g;
INSERT INTO far_child VALUES (1, NULL, 'b'), (2, 1, NULL), (3, NULL, NULL), (4, NULL, 'b');
RESET session_replication_role;
SELECT * FROM ways('far_child');
DROP TABLE far_child, far_parent;

-- transactions: what they have written themselves, what they see
CREATE TABLE live (id int, r int CONSTRAINT fk_live REFERENCES parent (n));
INSERT INTO live SELECT g, g FROM generate_series(1, 100) g;
BEGIN;
SET LOCAL session_replication_role = replica;
INSERT INTO live SELECT g, -g FROM generate_series(1, 5) g;
SELECT * FROM ways('live');
-- rows that this transaction made and made again, which only combined command numbers tell apart
UPDATE live SET r = r * 2 WHERE r < 0;
UPDATE live SET r = -1 WHERE r = -4;
DELETE FROM live WHERE r = -2;
SELECT * FROM ways('live');
SAVEPOINT s;
DELETE FROM parent WHERE n BETWEEN 1 AND 10;
SELECT * FROM ways('live');
ROLLBACK TO s;
SELECT * FROM ways('live');
TRUNCATE live;
INSERT INTO live VALUES (1, -7);
SELECT * FROM ways('live');
ROLLBACK;
SELECT * FROM ways('live');
-- tables of this very transaction, and new files of old ones
BEGIN;
CREATE TABLE fresh_parent (id int PRIMARY KEY);
CREATE TABLE fresh (r int CONSTRAINT fk_fresh REFERENCES fresh_parent);
INSERT INTO fresh_parent SELECT generate_series(1, 1000);
INSERT INTO fresh SELECT generate_series(1, 1000);
ALTER TABLE fresh ALTER r TYPE int8;
SELECT * FROM ways('fresh');
ROLLBACK;
BEGIN ISOLATION LEVEL REPEATABLE READ;
SET LOCAL session_replication_role = replica;
INSERT INTO live VALUES (0, 0);
SELECT * FROM ways('live');
ROLLBACK;
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT * FROM ways('live');
SET LOCAL session_replication_role = replica;
INSERT INTO live VALUES (0, 0);
SELECT * FROM ways('live');
ROLLBACK;
-- what is read is locked as what serializable transactions read
BEGIN ISOLATION LEVEL SERIALIZABLE;
SET LOCAL schemaguard.audit_method = scan;
SELECT result FROM sg_orphan_audit_details('live');
SELECT relation::regclass, mode FROM pg_locks WHERE mode = 'SIReadLock' AND relation IN ('live'::regclass, 'parent'::regclass) ORDER BY relation::regclass::text;
ROLLBACK;
BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY DEFERRABLE;
SELECT result, method FROM sg_orphan_audit_details('live');
COMMIT;

-- inside functions, cursors and other queries, with workers
SET min_parallel_table_scan_size = 0;
SET schemaguard.audit_workers = 2;
SET schemaguard.audit_method = scan;
CREATE FUNCTION guarded(fail bool) RETURNS text LANGUAGE plpgsql AS $$
DECLARE r text;
BEGIN
    BEGIN
        SELECT result INTO r FROM sg_orphan_audit_details('live');
        IF fail THEN RAISE division_by_zero; END IF;
    EXCEPTION WHEN division_by_zero THEN RETURN r || ', then an error';
    END;
    SELECT r || ' ' || result INTO r FROM sg_orphan_audit_details('live');
    RETURN r;
END $$;
SELECT guarded(false), guarded(true);
BEGIN;
DECLARE c SCROLL CURSOR FOR SELECT fk_name, result FROM sg_orphan_audit_details() WHERE child_table LIKE 'scn.%' ORDER BY 1;
FETCH 2 FROM c;
FETCH LAST FROM c;
DECLARE h SCROLL CURSOR WITH HOLD FOR SELECT fk_name, method FROM sg_orphan_audit_details('live');
FETCH 1 FROM h;
COMMIT;
FETCH FIRST FROM h;
CLOSE h;
CREATE FUNCTION audit_of(child regclass) RETURNS text LANGUAGE sql AS $$ SELECT string_agg(result || ' ' || method, ', ' ORDER BY fk_name) FROM sg_orphan_audit_details(child) $$;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_index_scan_size = 0;
SELECT relname, audit_of(oid) FROM pg_class WHERE oid IN ('live'::regclass, 'other'::regclass) ORDER BY 1;
SELECT count(*), min(v) FROM (SELECT audit_of('live') AS v FROM parent WHERE n <= 3) s;
-- the server's own test of everything in a worker; its name has changed
SELECT set_config(CASE WHEN current_setting('server_version_num')::int >= 160000 THEN 'debug_parallel_query' ELSE 'force_parallel_mode' END,
                  'regress', false);
SELECT fk_name, rows_checked, orphan_rows, orphan_keys, result, method FROM sg_orphan_audit_details() WHERE child_table LIKE 'scn.%' ORDER BY 1;
SELECT * FROM ways('child');
SELECT * FROM ways('other');
SELECT relname, audit_of(oid) FROM pg_class WHERE oid IN ('live'::regclass, 'other'::regclass) ORDER BY 1;
-- an audit that claims to be safe for workers is told that it is not
ALTER FUNCTION audit_of PARALLEL SAFE;
CREATE FUNCTION code_of(query text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN EXECUTE query; RETURN 'no error'; EXCEPTION WHEN OTHERS THEN RETURN SQLSTATE; END $$;
SELECT code_of($$SELECT audit_of('live') FROM parent WHERE n <= 3$$);
RESET ALL;

SET search_path = scn, public;
-- keys that are too long for the memory, in any number of parts, are left to a join, unless the scan is wanted
CREATE TABLE long_parent (t text PRIMARY KEY);
CREATE TABLE long_child (t text REFERENCES long_parent);
INSERT INTO long_parent SELECT 'v' || g FROM generate_series(1, 100) g UNION ALL SELECT repeat('x', 190000);
INSERT INTO long_child SELECT t FROM long_parent;
SET session_replication_role = replica;
INSERT INTO long_child VALUES ('none');
RESET session_replication_role;
SET schemaguard.audit_memory = '64kB';
SELECT result, rows_checked, orphan_rows, orphan_keys, sample, method FROM sg_orphan_audit_details('long_child');
SET schemaguard.audit_method = 'scan';
SELECT result, rows_checked, orphan_rows, reason FROM sg_orphan_audit_details('long_child');
RESET schemaguard.audit_memory;
RESET schemaguard.audit_method;

-- of a composite value with a null inside VALIDATE knows nothing, the triggers and the audit do
CREATE TYPE pair AS (a int, b int);
CREATE TABLE pair_parent (p pair PRIMARY KEY);
CREATE TABLE pair_child (p pair);
INSERT INTO pair_parent VALUES ((1, 2)), ((3, NULL));
INSERT INTO pair_child VALUES ((1, 2)), ((3, NULL)), ((7, NULL)), (NULL);
ALTER TABLE pair_child ADD CONSTRAINT pair_fk FOREIGN KEY (p) REFERENCES pair_parent NOT VALID;
SELECT result, rows_checked, orphan_rows, sample FROM sg_orphan_audit_details('pair_child');
ALTER TABLE pair_child VALIDATE CONSTRAINT pair_fk;
\set VERBOSITY sqlstate
INSERT INTO pair_child VALUES ((7, NULL));
\set VERBOSITY terse
SELECT sg_plan_create('pair');
CREATE TABLE pair_other (p pair);
SELECT sg_plan_add_fk('pair', 'pair_other', '{p}', 'pair_parent');
SELECT result, detail FROM sg_plan_check_details('pair') WHERE check_name = 'operator' ORDER BY 1;
SELECT sg_plan_drop('pair');

DROP SCHEMA scn CASCADE;
