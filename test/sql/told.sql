-- What a statement is told to have the server write anew, build and log is what happens: files of tables and indexes before and after, and the WAL between.
-- rooms: check script
SET client_min_messages = error;
CREATE EXTENSION IF NOT EXISTS schemaguard;
CREATE SCHEMA told; CREATE SCHEMA told_other;
SET search_path = told, public;
RESET client_min_messages;
CREATE DOMAIN dom AS int; CREATE DOMAIN dom_volatile AS float8 DEFAULT random(); CREATE DOMAIN dom_over AS dom_volatile; CREATE DOMAIN dom_stable AS timestamptz DEFAULT now();
CREATE TABLE t (id int PRIMARY KEY, txt text, c text, low text, v varchar(40), pat varchar(40), num numeric(10,2), ts timestamp, o int, arr int[], part int, nul int);
INSERT INTO t SELECT g, md5(g::text), md5(g::text), md5(g::text), md5(g::text), md5(g::text), g, now(), g, ARRAY[g], g FROM generate_series(1, 20000) g;
CREATE INDEX t_txt ON t (txt); CREATE INDEX t_c ON t (c COLLATE "C"); CREATE INDEX t_low ON t (lower(low)); CREATE INDEX t_v ON t (v); CREATE INDEX t_pat ON t (pat varchar_pattern_ops);
CREATE INDEX t_num ON t (num) INCLUDE (ts); CREATE INDEX t_o ON t (o); CREATE INDEX t_arr ON t USING gin (arr); CREATE INDEX t_part ON t (part) WHERE part > 5; CREATE UNIQUE INDEX t_id2 ON t (id);
CREATE UNLOGGED TABLE ul (id int, txt text); INSERT INTO ul SELECT g, md5(g::text) FROM generate_series(1, 20000) g; CREATE INDEX ul_txt ON ul (txt);
CREATE TABLE p (id int, txt text) PARTITION BY RANGE (id); CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (100000); INSERT INTO p SELECT g, md5(g::text) FROM generate_series(1, 20000) g;
CREATE INDEX p_txt ON p (txt); CREATE TABLE p2 (id int, txt text); INSERT INTO p2 SELECT g, md5(g::text) FROM generate_series(100000, 119999) g;
CREATE TABLE top (id int, v varchar(40)); CREATE TABLE heir (w int) INHERITS (top); INSERT INTO heir SELECT g, md5(g::text), g FROM generate_series(1, 20000) g; CREATE INDEX heir_v ON heir (v);
ANALYZE t, ul, p, p1, p2, top, heir;
CREATE FUNCTION happened(sql text, OUT rewritten bool, OUT built bool, OUT grown bigint, OUT wal bigint) LANGUAGE plpgsql AS $$
DECLARE
  spaces oid[] := ARRAY['told'::regnamespace, 'told_other'::regnamespace];
  before oid[] := ARRAY(SELECT relfilenode FROM pg_class WHERE relnamespace = ANY (spaces));
  old oid[] := ARRAY(SELECT oid FROM pg_class WHERE relnamespace = ANY (spaces));
  start pg_lsn := pg_current_wal_insert_lsn();
BEGIN
  EXECUTE sql;
  wal := pg_current_wal_insert_lsn() - start;
  SELECT coalesce(bool_or(relkind = 'r' AND oid = ANY (old)), false), coalesce(bool_or(relkind = 'i'), false),
         coalesce(sum(CASE relkind WHEN 'i' THEN pg_relation_size(oid) ELSE pg_table_size(oid) END), 0) INTO rewritten, built, grown
  FROM pg_class WHERE relnamespace = ANY (spaces) AND relkind IN ('r', 'i') AND relfilenode <> ALL (before);
  RAISE SQLSTATE 'UNDO1';
EXCEPTION WHEN SQLSTATE 'UNDO1' THEN NULL;
END $$;
-- a deed is told where it happens, and nowhere else
CREATE TABLE tried (n serial, sql text);
INSERT INTO tried (sql) SELECT 'ALTER TABLE told.t ' || s FROM unnest(ARRAY[
  'ALTER txt TYPE text COLLATE "C"', 'ALTER txt TYPE text', 'ALTER c TYPE text COLLATE "POSIX"', 'ALTER low TYPE text', 'ALTER v TYPE varchar(50)', 'ALTER v TYPE text',
  'ALTER v TYPE varchar(35)', 'ALTER pat TYPE text', 'ALTER pat TYPE text COLLATE "C"', 'ALTER num TYPE numeric(12,2)', 'ALTER num TYPE numeric(12,3)', 'ALTER ts TYPE timestamp(3)',
  'ALTER o TYPE oid', 'ALTER o TYPE int', 'ALTER o TYPE bigint', 'ALTER arr TYPE int[]', 'ALTER part TYPE int', 'ALTER nul TYPE bigint', 'ALTER nul TYPE int',
  'ADD a dom_volatile', 'ADD a dom_over', 'ADD a dom_volatile DEFAULT 3', 'ADD a dom_volatile DEFAULT NULL', 'ADD a dom_stable', 'ADD a dom DEFAULT 3', 'ADD a float DEFAULT random()', 'ADD a int DEFAULT 3',
  'ADD a serial', 'ADD a int GENERATED ALWAYS AS (id) STORED', 'ADD a int UNIQUE', 'ADD IF NOT EXISTS nul serial', 'ADD IF NOT EXISTS nul int UNIQUE', 'ADD IF NOT EXISTS a serial',
  'DROP nul, ADD IF NOT EXISTS nul serial', 'ADD UNIQUE (txt)', 'ADD UNIQUE USING INDEX t_id2', 'ADD EXCLUDE (txt WITH =)', 'DROP CONSTRAINT t_pkey, ADD PRIMARY KEY (o)', 'ADD CHECK (id > 0)',
  'SET LOGGED', 'SET UNLOGGED', 'SET ACCESS METHOD heap', 'SET TABLESPACE pg_default', 'SET (fillfactor = 50)', 'ALTER txt TYPE text COLLATE "C", ALTER nul TYPE bigint',
  'ALTER txt TYPE text COLLATE "C", ADD UNIQUE (v)', 'DROP CONSTRAINT IF EXISTS none, DROP IF EXISTS none']) s;
INSERT INTO tried (sql) VALUES ('ALTER TABLE told.ul SET LOGGED'), ('ALTER TABLE told.ul SET UNLOGGED'), ('ALTER TABLE told.ul ADD a serial'), ('ALTER TABLE told.ul ALTER txt TYPE text COLLATE "C"'),
  ('ALTER TABLE told.p ALTER txt TYPE text'), ('ALTER TABLE told.p ALTER txt TYPE text COLLATE "C"'), ('ALTER TABLE told.p ADD UNIQUE (id, txt)'), ('ALTER TABLE ONLY told.p ADD UNIQUE (id)'),
  ('ALTER TABLE told.p ATTACH PARTITION told.p2 FOR VALUES FROM (100000) TO (200000)'), ('ALTER TABLE told.p SET TABLESPACE pg_default'), ('ALTER TABLE told.p ADD a serial'),
  ('ALTER TABLE told.top ALTER v TYPE text COLLATE "C"'), ('ALTER TABLE told.top ALTER v TYPE text'), ('ALTER TABLE told.top ALTER id TYPE bigint'), ('ALTER TABLE told.top ADD UNIQUE (id)'),
  ('CREATE INDEX t_txt2 ON told.t (txt)'), ('CREATE INDEX IF NOT EXISTS t_txt ON told.t (txt)'), ('REINDEX INDEX told.t_txt'), ('ALTER INDEX told.t_txt SET TABLESPACE pg_default'),
  ('ALTER TABLE IF EXISTS told.none ADD a serial'),
  -- what an earlier statement has changed is not as the catalogs have it
  ('ALTER TABLE told.t DROP nul; ALTER TABLE told.t ADD IF NOT EXISTS nul serial'), ('ALTER TABLE told.t RENAME o TO o2; ALTER TABLE told.t ALTER o2 TYPE bigint'),
  ('DROP INDEX told.t_txt; CREATE INDEX IF NOT EXISTS t_txt ON told.t (txt)'), ('ALTER TABLE told.t SET UNLOGGED; ALTER TABLE told.t SET LOGGED'),
  -- nor has it the name by which a later one means it
  ('ALTER TABLE told.t RENAME TO t9; ALTER TABLE told.t9 ADD a serial'), ('ALTER TABLE told.t RENAME TO t9; ALTER TABLE told.t9 ALTER txt TYPE text'),
  ('ALTER TABLE told.t RENAME TO t9; CREATE INDEX t9_txt ON told.t9 (txt)'), ('ALTER TABLE told.t RENAME TO t9; ALTER TABLE told.t9 SET LOGGED'),
  ('ALTER TABLE told.t RENAME TO t8; ALTER TABLE told.ul RENAME TO t; ALTER TABLE told.t SET LOGGED'), ('ALTER TABLE told.t RENAME TO t8; ALTER TABLE told.ul RENAME TO t; ALTER TABLE told.t8 SET LOGGED'),
  ('ALTER TABLE told.t RENAME TO t8; CREATE TABLE told.t (id int); ALTER TABLE told.t ADD UNIQUE (id); ALTER TABLE told.t8 ADD UNIQUE (txt)'),
  ('ALTER TABLE told.t RENAME TO t8; ALTER TABLE told.t8 RENAME TO t7; ALTER TABLE told.t7 ADD b serial'),
  ('ALTER TABLE told.t RENAME txt TO txt2; ALTER TABLE told.t ALTER txt2 TYPE text COLLATE "C"'), ('ALTER TABLE told.t RENAME txt TO txt2; ALTER TABLE told.t RENAME txt2 TO txt3; CREATE INDEX t_txt3 ON told.t (txt3)'),
  ('ALTER TABLE told.t RENAME v TO v2; ALTER TABLE told.t RENAME txt TO v; ALTER TABLE told.t ALTER v TYPE text'), ('ALTER TABLE told.t RENAME txt TO txt2; ALTER TABLE told.t ADD UNIQUE (txt2)'),
  ('ALTER TABLE told.t SET SCHEMA told_other; ALTER TABLE told_other.t ADD a serial'), ('ALTER SCHEMA told RENAME TO told_9; ALTER TABLE told_9.t ALTER txt TYPE text COLLATE "C"'),
  ('ALTER SCHEMA told RENAME TO told_9; ALTER TABLE told_9.t RENAME TO t9; ALTER TABLE told_9.t9 ADD a serial');
CREATE TABLE seen AS SELECT t.*, h.*, f.flags FROM tried t CROSS JOIN LATERAL happened(t.sql) h CROSS JOIN LATERAL (
  SELECT array_agg(DISTINCT w) AS flags FROM schemaguard.sg_script_facts(ARRAY[t.sql], true) f, unnest(f.flags) w WHERE w IN ('rewrites', 'may rewrite', 'builds', 'rebuilds')) f;
SELECT count(*) FILTER (WHERE rewritten) > 10 AS rewritten, count(*) FILTER (WHERE built AND NOT rewritten) > 10 AS built, count(*) FILTER (WHERE NOT built AND NOT rewritten) > 10 AS neither FROM seen;
SELECT sql, rewritten, built, flags FROM seen WHERE rewritten <> coalesce('rewrites' = ANY (flags) OR rewritten AND 'may rewrite' = ANY (flags), false)
  OR (built AND NOT rewritten) <> (coalesce(flags && '{builds,rebuilds}', false) AND NOT 'rewrites' = ANY (flags)) ORDER BY n;
-- and the figures are within a factor of two
CREATE FUNCTION told(sql text, OUT wal bigint, OUT grown bigint) LANGUAGE plpgsql AS $$
DECLARE
  said text;
BEGIN
  PERFORM sg_plan_create('told'), sg_plan_add_statement('told', sql);
  SELECT detail INTO said FROM sg_plan_check_details('told') WHERE check_name = 'estimate' AND step = 1;
  wal := coalesce(pg_size_bytes(substring(said FROM '([0-9.]+ [kMG]?B) of WAL')), 0);
  grown := coalesce(pg_size_bytes(substring(said FROM '([0-9.]+ [kMG]?B) of tables')), 0);
  PERFORM sg_plan_drop('told');
END $$;
CREATE FUNCTION is_like(told bigint, happened bigint) RETURNS bool LANGUAGE sql IMMUTABLE RETURN greatest(told, 700000) BETWEEN greatest(happened, 700000) * 0.5 AND greatest(happened, 700000) * 2;
SET client_min_messages = error;
CREATE TABLE figures AS SELECT s.*, t.wal AS told_wal, t.grown AS told_grown FROM seen s CROSS JOIN LATERAL told(s.sql) t
WHERE s.sql ~ 'COLLATE|UNIQUE|EXCLUDE|dom_volatile$|LOGGED|IF NOT|ul ADD|SET ACCESS|SET TABLE|ATTACH|REINDEX|CREATE|RENAME|SET SCHEMA';
RESET client_min_messages;
SELECT sql, pg_size_pretty(wal) AS wal, pg_size_pretty(told_wal) AS told, pg_size_pretty(grown) AS grown, pg_size_pretty(told_grown) AS told
FROM figures WHERE NOT is_like(told_wal, wal) OR NOT is_like(told_grown, grown) ORDER BY n;
SELECT count(*) FILTER (WHERE told_wal > 0) > 10 AS some_told FROM figures;
SET client_min_messages = error;
SELECT sg_plan_create('told'), sg_plan_add_statement('told', 'ALTER TABLE told.t ADD zz int; ALTER TABLE told.t ALTER zz SET NOT NULL; ALTER TABLE told.t ALTER zy SET NOT NULL'),
  sg_plan_add_statement('told', 'ALTER TABLE told.t ADD CONSTRAINT k CHECK (id > 0) NOT VALID; ALTER TABLE told.t VALIDATE CONSTRAINT k');
SELECT step, detail FROM sg_plan_check_details('told') WHERE check_name = 'names' AND result <> 'ok' ORDER BY step, detail COLLATE "C";
DROP SCHEMA told, told_other CASCADE;
