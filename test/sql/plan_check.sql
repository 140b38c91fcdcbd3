-- sg_plan_check: every check finds what it is for, and says ok where there is nothing
-- rooms: check
\set VERBOSITY terse
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS schemaguard;
CREATE SCHEMA chk;
SET search_path = chk, public;
-- sizes, times and numbers that differ between servers are masked
CREATE FUNCTION found(plan text, name text) RETURNS TABLE (step int, fk_name name, check_name text, result text, detail text, hint text)
LANGUAGE sql AS $$
  SELECT step, fk_name, check_name, result,
         regexp_replace(regexp_replace(regexp_replace(detail, '\d+(\.\d+)? (bytes|kB|MB|GB|TB)\M', '# B', 'g'),
                                       '\d+(\.\d+)? (ms|s|min|h)\M', '# s', 'g'), 'which is \d+', 'which is #'), hint
  FROM sg_plan_check_details(plan) WHERE check_name = name OR (name = '*' AND result <> 'ok')
$$;

CREATE TABLE p (id int PRIMARY KEY, code text UNIQUE, n numeric UNIQUE, other int, a int, b int, UNIQUE (a, b));
CREATE TABLE c (id int PRIMARY KEY, p_id int, code text, n int, a int, b int, x text);
INSERT INTO p SELECT g, 'c' || g, g, g, g, g FROM generate_series(1, 10) g;
INSERT INTO c SELECT g, g, 'c' || g, g, g, g FROM generate_series(1, 10) g;
CREATE INDEX c_p_id ON c (p_id) INCLUDE (x);

-- a step with which all is well: every check, by name
SELECT sg_plan_create('well');
SELECT sg_plan_add_fk('well', 'c', '{p_id}', 'p', index => false);
SELECT step, check_name, result FROM sg_plan_check_details('well');
SELECT * FROM found('well', 'target');
SELECT * FROM found('well', 'operator');
SELECT * FROM found('well', 'index');
SELECT * FROM found('well', 'orphans');
SELECT * FROM found('well', 'cascade');

-- tables and columns that are not there: all of them
SELECT sg_plan_create('bad');
SELECT sg_plan_add_fk('bad', 'nochild', '{a}', 'noparent');
SELECT sg_plan_add_fk('bad', 'c', '{no1,no2}', 'p', '{no3,b}');
SELECT sg_plan_add_fk('bad', 'c', '{p_id,no2}', 'p', '{a,b}');
CREATE TABLE later (id int PRIMARY KEY);
SELECT sg_plan_add_fk('bad', 'c', '{p_id}', 'later');
DROP TABLE later;
CREATE VIEW later AS SELECT 1 AS id;
SELECT * FROM found('bad', '*') \gx
-- the statement of a hint mends it
ALTER TABLE chk.c ADD COLUMN no2 integer;
SELECT * FROM found('bad', '*') WHERE step = 3;
ALTER TABLE c DROP COLUMN no2;

-- the target
SELECT sg_plan_create('target');
CREATE TABLE nopk (id int, d int UNIQUE DEFERRABLE);
SELECT sg_plan_add_fk('target', 'c', '{p_id}', 'p', '{other}');
SELECT sg_plan_add_fk('target', 'c', '{p_id}', 'nopk');
SELECT sg_plan_add_fk('target', 'c', '{a}', 'nopk', '{d}');
SELECT sg_plan_add_fk('target', 'c', '{a,b}', 'p');
SELECT * FROM found('target', '*') \gx (format=wrapped columns=160)
CREATE UNIQUE INDEX CONCURRENTLY ON chk.p (other);
SELECT * FROM found('target', 'target') WHERE step = 1;

CREATE FUNCTION scans(tab regclass) RETURNS text LANGUAGE sql AS
  $$ SELECT CASE WHEN idx_scan > 0 THEN 'by index' ELSE 'no index' END FROM pg_stat_xact_user_tables WHERE relid = tab $$;

-- types, and operators that no index serves.  What is said is true: with sequential scans off, an index is used or none can be
SELECT sg_plan_create('types');
SELECT sg_plan_add_fk('types', 'c', '{x}', 'p');
SELECT sg_plan_add_fk('types', 'c', '{n}', 'p', '{n}', index => false);
CREATE TABLE pc (code text, note text);
CREATE UNIQUE INDEX pc_code ON pc (code COLLATE "POSIX");
INSERT INTO pc SELECT 'c' || g FROM generate_series(1, 10) g;
SELECT sg_plan_add_fk('types', 'c', '{code}', 'pc', '{code}', index => false);
CREATE INDEX c_n ON c (n);
CREATE INDEX c_code ON c (code);
SELECT * FROM found('types', '*') \gx
ALTER TABLE c ADD CONSTRAINT by_posix FOREIGN KEY (code) REFERENCES pc (code) NOT VALID;
SET enable_seqscan = off;
BEGIN;
INSERT INTO c (id, code) VALUES (1000, 'c1');
SELECT scans('pc');
ROLLBACK;
CREATE UNIQUE INDEX CONCURRENTLY ON chk.pc (code);
BEGIN;
INSERT INTO c (id, code) VALUES (1000, 'c1');
SELECT scans('pc');
ROLLBACK;
RESET enable_seqscan;
ALTER TABLE c DROP CONSTRAINT by_posix;
CREATE INDEX CONCURRENTLY c_cast ON chk.c ((n::numeric));
SELECT * FROM found('types', 'index') WHERE step = 2;
DROP INDEX c_cast;
ALTER TABLE c ADD CONSTRAINT by_cast FOREIGN KEY (n) REFERENCES p (n) NOT VALID;
SET enable_seqscan = off;
BEGIN;
INSERT INTO p (id, n) VALUES (1000, 1000);
DELETE FROM p WHERE id = 1000;
SELECT scans('c');
INSERT INTO c (id, n) VALUES (1000, 5);
SELECT scans('p');
ROLLBACK;
-- the parent's index serves the child's rows; with the index of the hint, the child's serves the parent's
CREATE INDEX c_cast ON chk.c ((n::numeric));
BEGIN;
INSERT INTO p (id, n) VALUES (1000, 1000);
DELETE FROM p WHERE id = 1000;
SELECT scans('c');
ROLLBACK;
ALTER TABLE c DROP CONSTRAINT by_cast;
DROP INDEX c_n, c_cast;
RESET enable_seqscan;

-- one column of two is cast
CREATE UNIQUE INDEX p_a_n ON p (a, n);
SELECT sg_plan_create('cast');
SELECT sg_plan_add_fk('cast', 'c', '{a,n}', 'p', '{a,n}');
SELECT * FROM found('cast', 'index') \gx (format=wrapped columns=160)

-- generated columns, columns that can't be set
CREATE TABLE g (id int PRIMARY KEY, one int NOT NULL, half int GENERATED ALWAYS AS (one / 2) STORED, dflt int DEFAULT 1, u int, v int NOT NULL);
CREATE DOMAIN strict AS int NOT NULL;
ALTER TABLE g ADD COLUMN s strict NOT NULL;
SELECT sg_plan_create('columns');
SELECT sg_plan_add_fk('columns', 'g', '{half}', 'p', on_delete => 'set null');
SELECT sg_plan_add_fk('columns', 'g', '{one}', 'p', on_delete => 'set null');
SELECT sg_plan_add_fk('columns', 'g', '{id}', 'p', on_update => 'set null');
SELECT sg_plan_add_fk('columns', 'g', '{dflt}', 'p', on_delete => 'set default');
SELECT sg_plan_add_fk('columns', 'g', '{u,v}', 'p', '{a,b}', match => 'full', on_delete => 'set null', on_delete_columns => '{u}');
SELECT sg_plan_add_fk('columns', 'g', '{s}', 'p', on_delete => 'set null');
SELECT * FROM found('columns', 'generated') WHERE result <> 'ok';
SELECT * FROM found('columns', 'not_null') WHERE result <> 'ok' \gx
-- what is said is true
\set VERBOSITY sqlstate
ALTER TABLE g ADD FOREIGN KEY (half) REFERENCES p ON DELETE SET NULL;
BEGIN;
ALTER TABLE g ADD FOREIGN KEY (one) REFERENCES p ON DELETE SET NULL;
INSERT INTO g (id, one, v, s) VALUES (1, 1, 1, 1);
DELETE FROM p WHERE id = 1;
ROLLBACK;
BEGIN;
ALTER TABLE g ADD FOREIGN KEY (u, v) REFERENCES p (a, b) MATCH FULL ON DELETE SET NULL (u);
INSERT INTO g (id, one, u, v, s) VALUES (1, 1, 1, 1, 1);
DELETE FROM p WHERE id = 1;
ROLLBACK;
\set VERBOSITY terse

-- persistence
CREATE UNLOGGED TABLE u (id int PRIMARY KEY, p_id int);
CREATE TABLE up (id int PRIMARY KEY);
SELECT sg_plan_create('persistence');
SELECT sg_plan_add_fk('persistence', 'u', '{p_id}', 'p');
SELECT sg_plan_add_fk('persistence', 'c', '{p_id}', 'up');
ALTER TABLE up SET UNLOGGED;
SELECT * FROM found('persistence', 'persistence') \gx

-- a plan takes no temporary table, but there it is
CREATE TEMP TABLE tempo (id int PRIMARY KEY);
UPDATE schemaguard.plan_step SET parent_table = pg_my_temp_schema()::regnamespace || '.tempo' WHERE plan = 'persistence' AND step = 2;
SELECT result, regexp_replace(detail, 'pg_temp_\d+', 'pg_temp') AS detail FROM found('persistence', 'persistence') WHERE step = 2;
DROP TABLE tempo;

-- keys that are there
CREATE TABLE k (id int PRIMARY KEY, one int, two int, three int, four int, CONSTRAINT taken CHECK (id > 0));
ALTER TABLE k ADD CONSTRAINT k_one FOREIGN KEY (one) REFERENCES p;
ALTER TABLE k ADD CONSTRAINT k_two FOREIGN KEY (two) REFERENCES p NOT VALID;
ALTER TABLE k ADD CONSTRAINT k_three FOREIGN KEY (three) REFERENCES p ON DELETE CASCADE;
ALTER TABLE k ADD CONSTRAINT k_four FOREIGN KEY (four) REFERENCES p;
ALTER TABLE k DISABLE TRIGGER ALL;
ALTER TABLE k ENABLE TRIGGER ALL;
SELECT sg_plan_create('existing');
SELECT sg_plan_add_fk('existing', 'k', '{one}', 'p');
SELECT sg_plan_add_fk('existing', 'k', '{two}', 'p');
SELECT sg_plan_add_fk('existing', 'k', '{three}', 'p');
SELECT sg_plan_add_fk('existing', 'k', '{four}', 'p');
SELECT sg_plan_add_fk('existing', 'k', '{id}', 'p', fk_name => 'taken');
SELECT step, check_name, result, detail, hint FROM sg_plan_check_details('existing') WHERE check_name IN ('existing_key', 'name') AND step > 0 \gx
ALTER TABLE k DISABLE TRIGGER ALL;
SELECT step, result, regexp_replace(detail, '\d+', '#', 'g'), hint FROM found('existing', 'existing_key');
ALTER TABLE k ENABLE TRIGGER ALL;

-- other keys on the same columns: in the catalog, in the plan
CREATE TABLE q (id int PRIMARY KEY, a int, b int, UNIQUE (a, b), UNIQUE (a));
CREATE TABLE o (id int PRIMARY KEY, p_id int, a int, b int, z int);
ALTER TABLE o ADD CONSTRAINT old FOREIGN KEY (p_id) REFERENCES p;
SELECT sg_plan_create('overlap');
SELECT sg_plan_add_fk('overlap', 'o', '{p_id}', 'q', on_delete => 'cascade');
SELECT sg_plan_add_fk('overlap', 'o', '{a,b}', 'q', '{a,b}');
SELECT sg_plan_add_fk('overlap', 'o', '{a}', 'q', '{a}');
SELECT sg_plan_add_fk('overlap', 'o', '{z,b}', 'p', '{a,b}', on_delete => 'set null');
SELECT * FROM found('overlap', 'overlap') \gx
-- the same key twice, which a plan learns too late
CREATE TABLE twice (id int, code int PRIMARY KEY);
SELECT sg_plan_create('twice');
SELECT sg_plan_add_fk('twice', 'o', '{z}', 'twice');
CREATE UNIQUE INDEX ON twice (id);
SELECT sg_plan_add_fk('twice', 'o', '{z}', 'twice', '{id}', on_delete => 'cascade');
ALTER TABLE twice DROP CONSTRAINT twice_pkey, ADD PRIMARY KEY (id);
SELECT * FROM found('twice', 'existing_key') \gx
-- a key that takes the place of another one
SELECT sg_plan_create('replaces');
SELECT sg_plan_add_fk('replaces', 'o', '{p_id}', 'q');
UPDATE schemaguard.plan_step SET replaces = 'old' WHERE plan = 'replaces';
SELECT * FROM found('replaces', 'replaces');
SELECT * FROM found('replaces', 'overlap');
UPDATE schemaguard.plan_step SET replaces = 'older' WHERE plan = 'replaces';
SELECT * FROM found('replaces', 'replaces');

-- columns that are filled on the way: what is in them now says little
CREATE TABLE bf (id int PRIMARY KEY, here int);
INSERT INTO bf VALUES (1, 1), (2, NULL);
CREATE INDEX ON bf (here);
SELECT sg_plan_create('backfill');
SELECT sg_plan_add_fk('backfill', 'bf', '{here}', 'p', backfill => 'id');
SELECT sg_plan_add_fk('backfill', 'bf', '{later}', 'p', backfill => 'id');
SELECT * FROM found('backfill', '*') \gx
SELECT step, string_agg(check_name, ', ') FROM sg_plan_check_details('backfill') WHERE step > 0 GROUP BY step ORDER BY step \gx (format=wrapped columns=160)
SET client_min_messages = error;
CALL sg_add_fks('backfill');
SET client_min_messages = warning;
SELECT step, state FROM schemaguard.plan_step WHERE plan = 'backfill' ORDER BY step;

-- orphans, by policy
CREATE TABLE oc (id int PRIMARY KEY, p_id int, strict int NOT NULL);
INSERT INTO oc SELECT g, g % 20 + 1, g FROM generate_series(1, 40) g;
SELECT sg_plan_create('orphans');
SELECT sg_plan_add_fk('orphans', 'oc', '{p_id}', 'p');
SELECT sg_plan_add_fk('orphans', 'oc', '{strict}', 'p', orphans => 'leave');
SELECT * FROM found('orphans', 'orphans') \gx
SELECT sg_plan_set('orphans', '{1,2}', '{"orphans": "set null"}');
SELECT * FROM found('orphans', 'orphans') \gx
SELECT sg_plan_set('orphans', '{1,2}', '{"orphans": "quarantine"}');
CREATE TABLE oc_child (oc int REFERENCES oc);
SELECT * FROM found('orphans', 'orphans') \gx
-- no orphans, and a policy that could do nothing about any
BEGIN;
DELETE FROM oc WHERE strict > 10;
SELECT * FROM found('orphans', 'orphans') \gx
SELECT sg_plan_set('orphans', '{2}', '{"orphans": "set null"}');
SELECT * FROM found('orphans', 'orphans') WHERE step = 2 \gx
ROLLBACK;
SELECT sg_plan_set('orphans', '{1}', '{"orphans": "stop"}'), sg_plan_set('orphans', '{2}', '{"orphans": "leave"}');
-- the statement of the hint
SELECT count(*) FROM sg_orphans('chk.oc', '{p_id}', 'chk.p', '{id}');

-- indexes
CREATE TABLE ix (id int PRIMARY KEY, p_id int, a int, b int, code text);
INSERT INTO ix SELECT g, 1, 1, 1, 'c1' FROM generate_series(1, 3000) g;
CREATE INDEX ix_part ON ix (p_id) WHERE p_id > 5;
CREATE INDEX ix_a ON ix (a);
CREATE INDEX ix_code ON ix (code text_pattern_ops);
SELECT sg_plan_create('index');
SELECT sg_plan_add_fk('index', 'ix', '{p_id}', 'p', index => false);
SELECT sg_plan_add_fk('index', 'ix', '{a,b}', 'p', '{a,b}', index => false);
SELECT sg_plan_add_fk('index', 'ix', '{code}', 'p', '{code}', index => false);
SELECT sg_plan_add_fk('index', 'ix', '{b}', 'p', index => true);
SELECT * FROM found('index', 'index') \gx
CREATE INDEX ix_serves ON ix (b, a, id);
SELECT * FROM found('index', 'index') WHERE step IN (2, 4);
-- room on the disk
SELECT result, regexp_replace(detail, '# B', '#', 'g') AS detail, hint FROM found('index', 'disk') WHERE step > 0;
DROP INDEX ix_serves;
ANALYZE ix;
SELECT result, detail, hint FROM found('index', 'disk') WHERE step = 4;
UPDATE pg_statistic SET stawidth = 2000000000 WHERE starelid = 'ix'::regclass;
SELECT result, detail, hint FROM found('index', 'disk') WHERE step = 4 \gx
DELETE FROM pg_statistic WHERE starelid = 'ix'::regclass;
-- time
SET schemaguard.statement_timeout = 1;
INSERT INTO ix SELECT g, 1, 1, 1, 'c1' FROM generate_series(3001, 60000) g;
SELECT result, detail, regexp_replace(hint, '\d+', '#') AS hint FROM found('index', 'estimate') WHERE step = 1;
RESET schemaguard.statement_timeout;
SELECT detail ~ '^about .* in all, the longest step about .*, by the speed of reading \d+ blocks of chk.ix \([\d.]+ ms per block\)$' AS measured
FROM sg_plan_check_details('index') WHERE step = 0 AND check_name = 'estimate';

-- partitions and inheritance
CREATE TABLE parts (id int PRIMARY KEY, p_id int) PARTITION BY RANGE (id);
CREATE TABLE part1 PARTITION OF parts FOR VALUES FROM (0) TO (100);
CREATE TABLE part2 PARTITION OF parts FOR VALUES FROM (100) TO (200);
CREATE TABLE heir () INHERITS (p);
CREATE TABLE heirs_parent (id int PRIMARY KEY, p_id int);
CREATE TABLE heir2 () INHERITS (heirs_parent);
SELECT sg_plan_create('parts');
SELECT sg_plan_add_fk('parts', 'c', '{p_id}', 'part1');
SELECT sg_plan_add_fk('parts', 'c', '{p_id}', 'parts');
SELECT sg_plan_add_fk('parts', 'heirs_parent', '{p_id}', 'p');
SELECT * FROM found('parts', 'partitions') \gx
SELECT * FROM found('parts', 'inheritance') WHERE result <> 'ok' \gx
DROP TABLE heir, heir2;
-- many partitions are attached in one statement before 18, which takes longer than a lock may be waited for
CREATE TABLE attach_c (id int, p_id int) PARTITION BY RANGE (id);
CREATE TABLE attach_p (id int PRIMARY KEY) PARTITION BY RANGE (id);
DO $$ BEGIN
  FOR i IN 1..14 LOOP
    EXECUTE format('CREATE TABLE attach_%s PARTITION OF attach_c FOR VALUES FROM (%s) TO (%s)', i, i, i + 1);
    EXECUTE format('CREATE TABLE attach_p_%s PARTITION OF attach_p FOR VALUES FROM (%s) TO (%s)', i, i, i + 1);
  END LOOP;
END $$;
SELECT sg_plan_create('attach');
SELECT sg_plan_add_fk('attach', 'attach_c', '{p_id}', 'attach_p');
SET schemaguard.lock_timeout = 20;
SELECT result = CASE WHEN before_18 THEN 'warn' ELSE 'ok' END AS result,
       coalesce(detail, '') ~ '^14 partitions are attached in one statement, which takes up to about # s under locks' = before_18 AS detail,
       coalesce(hint, '') ~ 'Add the keys now' = before_18 AS hint
FROM found('attach', 'partitions'), (SELECT current_setting('server_version_num')::int < 180000 AS before_18) v;
-- as long as that may take
SET schemaguard.lock_timeout = 1000;
SELECT result FROM found('attach', 'partitions');
RESET schemaguard.lock_timeout;
DROP TABLE attach_c, attach_p;
SELECT sg_plan_drop('attach');
-- a partition that can't have a key
CREATE FOREIGN DATA WRAPPER chk_fdw;
CREATE SERVER chk_server FOREIGN DATA WRAPPER chk_fdw;
CREATE TABLE fparts (id int, p_id int) PARTITION BY RANGE (id);
CREATE FOREIGN TABLE fpart PARTITION OF fparts FOR VALUES FROM (0) TO (100) SERVER chk_server;
SELECT sg_plan_create('foreign');
SELECT sg_plan_add_fk('foreign', 'fparts', '{p_id}', 'p', orphans => 'leave');
SELECT DISTINCT step, result FROM found('foreign', '*') WHERE result = 'block';
DROP FOREIGN DATA WRAPPER chk_fdw CASCADE;

-- how far a delete reaches: 2 rows of l1 for each of top, 3 of l2 for each of l1, one of side for each of l2
CREATE TABLE top (id int PRIMARY KEY, bad int);
CREATE TABLE l1 (id int PRIMARY KEY, top int REFERENCES top ON DELETE CASCADE);
CREATE TABLE l2 (id int PRIMARY KEY, l1 int);
CREATE TABLE side (id int PRIMARY KEY, l2 int REFERENCES l2 ON DELETE SET NULL);
INSERT INTO top SELECT g FROM generate_series(1, 10) g;
INSERT INTO l1 SELECT g, g % 10 + 1 FROM generate_series(1, 20) g;
INSERT INTO l2 SELECT g, g % 20 + 1 FROM generate_series(1, 60) g;
INSERT INTO side SELECT g, g FROM generate_series(1, 60) g;
ANALYZE top, l1, l2, side;
SELECT sg_plan_create('cascade');
SELECT sg_plan_add_fk('cascade', 'l2', '{l1}', 'l1', on_delete => 'cascade');
SELECT * FROM found('cascade', 'cascade');
BEGIN;
SELECT sg_plan_add_fk('cascade', 'top', '{bad}', 'l2', on_delete => 'cascade');
SELECT * FROM found('cascade', 'cascade') \gx
ROLLBACK;
-- as far as from the top
SELECT sg_plan_create('top');
SELECT sg_plan_add_fk('top', 'l1', '{id}', 'top', on_delete => 'cascade');
SELECT * FROM found('top', 'cascade');
-- itself
SELECT sg_plan_create('tree');
SELECT sg_plan_add_fk('tree', 'top', '{bad}', 'top', on_delete => 'cascade');
SELECT * FROM found('tree', 'cascade') \gx
-- too many to count: by statistics
CREATE TABLE many (id int PRIMARY KEY, top int);
INSERT INTO many SELECT g, CASE WHEN g % 2 = 0 THEN 1 ELSE g % 9 + 2 END FROM generate_series(1, 100000) g;
ANALYZE many;
SELECT sg_plan_create('many');
SELECT sg_plan_add_fk('many', 'many', '{top}', 'top', on_delete => 'cascade');
SELECT result, regexp_replace(detail, '\d{3,}', '#', 'g') AS detail, hint FROM found('many', 'cascade') \gx
-- the first row
CREATE TABLE hen (id int PRIMARY KEY, egg int NOT NULL);
CREATE TABLE egg (id int PRIMARY KEY, hen int NOT NULL REFERENCES hen);
SELECT sg_plan_create('hen');
SELECT sg_plan_add_fk('hen', 'hen', '{egg}', 'egg');
SELECT * FROM found('hen', 'first_row') \gx
SELECT sg_plan_set('hen', '{1}', '{"initially_deferred": true}');
SELECT * FROM found('hen', 'first_row');

-- publications
SET client_min_messages = error;
CREATE PUBLICATION chk_pub FOR TABLE oc;
RESET client_min_messages;
SET client_min_messages = warning;
SELECT * FROM found('orphans', 'publication') \gx
ALTER PUBLICATION chk_pub ADD TABLE p, o;
SELECT * FROM found('orphans', 'publication');
ALTER TABLE oc REPLICA IDENTITY NOTHING;
SELECT sg_plan_add_fk('orphans', 'oc', '{id}', 'p', on_delete => 'cascade');
SELECT * FROM found('orphans', 'publication') \gx
-- rows that steps fill, or a policy mends, in a table that has none: what is told is what comes
CREATE TABLE idp (id int PRIMARY KEY);
CREATE TABLE idless (a int, b int, c int, d int, e int);
CREATE TABLE idclean (a int);
INSERT INTO idless VALUES (1, NULL, -1, 1, 1), (2, 5, 5, 1, 1);
INSERT INTO idclean VALUES (1);
SET client_min_messages = error;
ALTER PUBLICATION chk_pub ADD TABLE idless, idclean, idp;
RESET client_min_messages;
SET client_min_messages = warning;
SELECT sg_plan_create('idless');
SELECT sg_plan_add_column('idless', 'idless', 'nw', 'int', fill => 'a + 1');
SELECT sg_plan_add_not_null('idless', 'idless', 'b', policy => 'set', fill => '7');
SELECT sg_plan_add_check('idless', 'idless', 'c > 0', policy => 'delete');
SELECT sg_plan_add_unique('idless', 'idless', '{d}', policy => 'quarantine', keep_by => 'a');
SELECT sg_plan_add_fk('idless', 'idless', '{e}', 'idp', orphans => 'quarantine', index => false);
SELECT sg_plan_add_check('idless', 'idclean', 'a > 0', policy => 'delete');
SELECT step, result, detail, hint FROM sg_plan_check_details('idless') WHERE check_name = 'publication' ORDER BY step, result \gx
CALL sg_apply('idless', fix => true);
SELECT step, state, reason FROM schemaguard.plan_step WHERE plan = 'idless' ORDER BY step;
ALTER TABLE idless REPLICA IDENTITY FULL;
SELECT step, result, detail FROM sg_plan_check_details('idless') WHERE check_name = 'publication' ORDER BY step, result;
DROP PUBLICATION chk_pub;

-- filters and lists that do not go with the replica identity
SET client_min_messages = error;
CREATE TABLE filtered (id int PRIMARY KEY, a int, b int);
CREATE TABLE listed (id int PRIMARY KEY, a int);
INSERT INTO filtered VALUES (1, NULL, 1);
CREATE PUBLICATION chk_pub FOR TABLE filtered WHERE (b > 0), listed (a);
SET client_min_messages = warning;
SELECT sg_plan_create('unfit'), sg_plan_add_not_null('unfit', 'filtered', 'a', policy => 'set', fill => '7'), sg_plan_add_check('unfit', 'listed', 'a > 0', policy => 'delete');
SELECT step, result, detail, hint FROM sg_plan_check_details('unfit') WHERE check_name = 'publication' ORDER BY step \gx
SELECT sg_plan_drop('unfit');
DROP TABLE filtered, listed;
DROP PUBLICATION chk_pub;

-- publications that a statement makes or changes, and replica identities that one takes away
SET client_min_messages = error;
CREATE SCHEMA chk_pubs;
CREATE TABLE chk_pubs.a (id int PRIMARY KEY, x int NOT NULL); CREATE TABLE chk_pubs.u (id int); CREATE TABLE chk_pubs.f (id int PRIMARY KEY, x int); CREATE TABLE chk_pubs.l (id int PRIMARY KEY, x int);
CREATE TABLE chk_pubs.k (id int NOT NULL); CREATE TABLE chk_pubs.full_one (id int PRIMARY KEY); ALTER TABLE chk_pubs.full_one REPLICA IDENTITY FULL; CREATE TABLE chk_pubs.was_so (id int);
CREATE PUBLICATION chk_pub FOR TABLE chk_pubs.a, chk_pubs.full_one, chk_pubs.was_so;
SET client_min_messages = warning;
SELECT sg_plan_create('pubs'), sg_plan_add('pubs', 'ALTER PUBLICATION chk_pub ADD TABLE chk_pubs.u, chk_pubs.f WHERE (x > 0), chk_pubs.l (x), chk_pubs.k'),
    sg_plan_add('pubs', 'CREATE PUBLICATION chk_all FOR ALL TABLES WITH (publish = ''insert'')'), sg_plan_add('pubs', 'ALTER TABLE chk_pubs.k ADD PRIMARY KEY (id)'),
    sg_plan_add('pubs', 'ALTER PUBLICATION chk_pub ADD TABLE chk_pubs.lacking'), sg_plan_add('pubs', 'ALTER TABLE chk_pubs.a REPLICA IDENTITY NOTHING'),
    sg_plan_add_statement('pubs', 'ALTER TABLE chk_pubs.a DROP CONSTRAINT a_pkey', undo => 'ALTER TABLE chk_pubs.a ADD PRIMARY KEY (id)'),
    sg_plan_add_statement('pubs', 'ALTER TABLE chk_pubs.a DROP CONSTRAINT a_pkey, ADD PRIMARY KEY (x)', undo => 'ALTER TABLE chk_pubs.a DROP CONSTRAINT a_pkey, ADD PRIMARY KEY (id)'),
    sg_plan_add_statement('pubs', 'ALTER TABLE chk_pubs.full_one DROP CONSTRAINT full_one_pkey', undo => 'ALTER TABLE chk_pubs.full_one ADD PRIMARY KEY (id)');
SELECT sg_plan_create('pubs_key'), sg_plan_add_statement('pubs_key', 'ALTER TABLE chk_pubs.a DROP CONSTRAINT a_pkey', undo => 'ALTER TABLE chk_pubs.a ADD PRIMARY KEY (id)');
SELECT step, result, detail FROM sg_plan_check_details('pubs') WHERE check_name = 'publication' ORDER BY step, detail;
SELECT step, result, detail, hint FROM sg_plan_check_details('pubs_key') WHERE check_name = 'publication';
SELECT regexp_replace(hint, 'call:\n(BEGIN; DROP PUBLICATION chk_all;.* COMMIT|ALTER PUBLICATION chk_all SET ALL TABLES EXCEPT \(TABLE .*\));$', 'call: ...') AS hint FROM sg_plan_check_details('pubs') WHERE detail ~ 'chk_all' AND check_name = 'publication';
SELECT pubname, tablename FROM pg_publication_tables WHERE pubname ~ '^chk_' ORDER BY 1, 2;
SELECT sg_plan_drop('pubs'), sg_plan_drop('pubs_key');
DROP PUBLICATION chk_pub;
SET client_min_messages = error;
DROP SCHEMA chk_pubs CASCADE;
SET client_min_messages = warning;

-- a table that comes among those which a publication sends
SET client_min_messages = error;
CREATE SCHEMA chk_sent;
CREATE TABLE sent_whole (id int PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE sent_loose (a int);
CREATE TABLE sent_other (id int PRIMARY KEY);
CREATE PUBLICATION chk_pub FOR TABLES IN SCHEMA chk_sent, TABLE sent_whole;
CREATE PUBLICATION chk_inserts FOR TABLES IN SCHEMA chk_sent WITH (publish = 'insert');
SET client_min_messages = warning;
SELECT sg_plan_create('sent'), sg_plan_add('sent', 'CREATE TABLE chk_sent.fresh (a int)'), sg_plan_add('sent', 'CREATE TABLE chk_sent.keyed (a int PRIMARY KEY)'),
       sg_plan_add('sent', 'CREATE TABLE sent_part PARTITION OF sent_whole FOR VALUES FROM (1) TO (9)'), sg_plan_add('sent', 'ALTER TABLE sent_loose SET SCHEMA chk_sent'),
       sg_plan_add('sent', 'ALTER TABLE sent_whole ATTACH PARTITION sent_other FOR VALUES FROM (10) TO (19)'), sg_plan_add('sent', 'CREATE UNLOGGED TABLE chk_sent.unlogged (a int)'),
       sg_plan_add('sent', 'CREATE TABLE not_sent (a int)');
SELECT step, result, detail, hint FROM sg_plan_check_details('sent') WHERE check_name = 'publication' ORDER BY step, detail \gx
SELECT sg_plan_add('sent', 'ALTER TABLE chk_sent.fresh REPLICA IDENTITY FULL');
SELECT DISTINCT step FROM sg_plan_check_details('sent') WHERE check_name = 'publication' AND detail ~ 'has no replica identity';
CREATE ROLE regress_sg_sent;
ALTER TABLE sent_whole OWNER TO regress_sg_sent;
SELECT step, hint FROM sg_plan_check_details('sent') WHERE check_name = 'publication' AND hint ~ 'regress_sg_sent' ORDER BY step \gx
ALTER TABLE sent_whole OWNER TO CURRENT_USER;
DROP ROLE regress_sg_sent;
SELECT sg_plan_drop('sent');
DROP PUBLICATION chk_pub, chk_inserts;
DROP TABLE sent_whole, sent_loose, sent_other;
DROP SCHEMA chk_sent;

-- event triggers
CREATE FUNCTION nothing() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
CREATE EVENT TRIGGER "chk Et" ON ddl_command_start WHEN TAG IN ('ALTER TABLE') EXECUTE FUNCTION nothing();
CREATE EVENT TRIGGER chk_too ON ddl_command_end EXECUTE FUNCTION nothing();
SELECT * FROM found('well', 'event_triggers');
ALTER EVENT TRIGGER "chk Et" DISABLE;
ALTER EVENT TRIGGER chk_too DISABLE;
SELECT * FROM found('well', 'event_triggers');
DROP EVENT TRIGGER "chk Et";
DROP EVENT TRIGGER chk_too;

-- load and the window: what the settings of this session come to now
CREATE VIEW load AS SELECT check_name, result, regexp_replace(regexp_replace(detail, '\d{4}-\d\d-\d\d [^)]*', '<time>'), '^(the window ends in) [0-9.]+', '\1 #') AS detail, hint
  FROM sg_plan_check_details('well') WHERE check_name IN ('window', 'load');
TABLE load;
SET schemaguard.window_end = 'soon';
TABLE load \gx
SET schemaguard.window_end = '25:00';
SELECT result, detail FROM load WHERE check_name = 'window';
SET schemaguard.window_end = '2020-01-01 00:00+00';
TABLE load \gx
SET schemaguard.window_end = '-infinity';
SELECT result FROM load WHERE check_name = 'window';
SET schemaguard.window_end = 'infinity';
SELECT result, detail FROM load WHERE check_name = 'window';
SELECT set_config('schemaguard.window_end', (clock_timestamp() + interval '3 hours')::text, false) IS NOT NULL AS set;
SELECT result, detail FROM load WHERE check_name = 'window';
-- the statement of the hint
SET schemaguard.window_end = '';
SELECT result FROM load WHERE check_name = 'window';
CREATE FUNCTION calm() RETURNS boolean LANGUAGE sql AS 'SELECT false';
CREATE FUNCTION busy() RETURNS boolean LANGUAGE sql AS 'SELECT true';
CREATE FUNCTION told() RETURNS text LANGUAGE sql AS $$SELECT 'the nightly import runs'$$;
CREATE FUNCTION fails() RETURNS boolean LANGUAGE sql AS 'SELECT 1 / 0 = 1';
CREATE FUNCTION number() RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE TABLE asked (at timestamptz);
CREATE FUNCTION writes() RETURNS boolean LANGUAGE sql AS 'INSERT INTO asked VALUES (now()) RETURNING false';
CREATE FUNCTION load_by(name text) RETURNS TABLE (result text, detail text, hint text) LANGUAGE plpgsql AS $$
BEGIN
  PERFORM set_config('schemaguard.throttle_function', name, false);
  RETURN QUERY SELECT c.result, c.detail, c.hint FROM sg_plan_check_details('well') c WHERE check_name = 'load';
END $$;
SELECT f, l.* FROM unnest(ARRAY['chk.calm', 'chk.busy', 'told', 'chk.fails', 'chk.number', 'chk.none', 'a.b.c']) f, load_by(f) l \gx
-- what it writes is undone; where it can't write, that is said
SET schemaguard.throttle_function = 'chk.writes';
SELECT result, detail FROM load WHERE check_name = 'load';
SELECT count(*) FROM asked;
BEGIN READ ONLY;
SELECT result, detail, hint FROM load WHERE check_name = 'load';
COMMIT;
-- a run is as it was said
SET schemaguard.throttle_function = 'chk.none';
CALL sg_add_fks('well');
SET schemaguard.throttle_function = '';
SET schemaguard.window_end = '2020-01-01 00:00+00';
SET client_min_messages = notice;
CALL sg_add_fks('well');
SET client_min_messages = warning;
RESET schemaguard.window_end;
TABLE load;

-- what the statement of a hint does: run, and checked again
CREATE FUNCTION mend(plan text, n int, name text) RETURNS TABLE (ran text, result text, detail text) LANGUAGE plpgsql AS $$
BEGIN
  SELECT replace(substring(c.hint FROM '((SELECT|ALTER|CREATE|GRANT) [^;]*;( (SELECT|ALTER) [^;]*;)*)'), 'CONCURRENTLY ', '') INTO ran
    FROM sg_plan_check_details(plan) c WHERE c.step = n AND check_name = name AND c.result <> 'ok' LIMIT 1;
  EXECUTE ran;
  RETURN QUERY SELECT mend.ran, c.result, c.detail FROM sg_plan_check_details(plan) c WHERE c.step = n AND check_name IN (name, 'skipped') LIMIT 1;
END $$;
CREATE TABLE hp (id int PRIMARY KEY, code text COLLATE "POSIX" UNIQUE, other int, u uuid UNIQUE, n numeric UNIQUE, a int, b int, UNIQUE (a, b));
CREATE TABLE hpu (u uuid PRIMARY KEY);
CREATE TABLE hpp (id int, at int, PRIMARY KEY (id, at)) PARTITION BY RANGE (at);
CREATE TABLE hpp1 PARTITION OF hpp FOR VALUES FROM (0) TO (9);
CREATE TABLE hc (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, t text, i int, strict int NOT NULL, ident int, a int, b int, n int, here int, at int,
                 CONSTRAINT hc_here_fkey CHECK (here > 0));
CREATE TABLE heir3 () INHERITS (hc);
SELECT sg_plan_create('mend');
SELECT sg_plan_add_fk('mend', 'hc', '{late}', 'hp', '{code}'),
       sg_plan_add_fk('mend', 'hc', '{i}', 'hp', '{other}', index => false),
       sg_plan_add_fk('mend', 'hc', '{at}', 'hpp', '{at}'),
       sg_plan_add_fk('mend', 'hc', '{ident}', 'hpp', '{id}'),
       sg_plan_add_fk('mend', 'hc', '{t}', 'hp'),
       sg_plan_add_fk('mend', 'hc', '{b}', 'hpu'),
       sg_plan_add_fk('mend', 'hc', '{strict,here}', 'hp', '{a,b}', on_delete => 'set null', fk_name => 'x'),
       sg_plan_add_fk('mend', 'hc', '{id,a}', 'hp', '{a,b}', on_delete => 'set null', on_delete_columns => '{id}', fk_name => 'y', index => false),
       sg_plan_add_fk('mend', 'hc', '{n}', 'hp', '{n}'),
       sg_plan_add_fk('mend', 'hc', '{here}', 'hp', fk_name => 'z');
-- a name that is taken since, and the one that would be made up is another step's
UPDATE schemaguard.plan_step SET fk_name = 'hc_here_fkey' WHERE plan = 'mend' AND step = 10;
UPDATE schemaguard.plan_step SET fk_name = 'hc_here_fkey1' WHERE plan = 'mend' AND step = 9;
SELECT * FROM mend('mend', 1, 'column');
SELECT * FROM mend('mend', 2, 'target');
SELECT * FROM mend('mend', 2, 'index');
SELECT * FROM mend('mend', 2, 'inheritance');
SELECT child_table, child_columns, parent_table, parent_columns FROM schemaguard.plan_step WHERE plan = 'mend' AND step > 10;
SELECT * FROM mend('mend', 3, 'target');
SELECT * FROM mend('mend', 4, 'target');
SELECT * FROM mend('mend', 5, 'operator');
SELECT * FROM mend('mend', 6, 'operator');
SELECT * FROM mend('mend', 7, 'not_null');
SELECT * FROM mend('mend', 8, 'not_null');
SELECT * FROM mend('mend', 9, 'index_use');
SELECT * FROM mend('mend', 10, 'name');
-- names that are none, and columns of the parent that can't be meant: the nearest first, and no column or type that nobody needs
CREATE TABLE customers (id bigint PRIMARY KEY, email text UNIQUE, name text, note text);
CREATE TABLE purchases (customer_id bigint, buyer_id bigint, payer_id bigint, giver_id bigint, owner_id bigint, code text, mail text);
SELECT sg_plan_create('meant');
SELECT sg_plan_add_fk('meant', 'purchases', '{custmer_id}', 'customers', index => false),
       sg_plan_add_fk('meant', 'purchases', '{buyer_id}', 'custmers', index => false),
       sg_plan_add_fk('meant', 'purchases', '{payer_id}', 'customers', '{email}', index => false),
       sg_plan_add_fk('meant', 'purchases', '{giver_id}', 'customers', '{name}', index => false),
       sg_plan_add_fk('meant', 'purchases', '{owner_id}', 'customers', '{customer_no}', index => false),
       sg_plan_add_fk('meant', 'purchases', '{wholly_another}', 'customers', index => false),
       sg_plan_add_fk('meant', 'purchases', '{code}', 'customers', index => false),
       sg_plan_add_fk('meant', 'purchases', '{mail}', 'customers', '{emial}', index => false);
SELECT step, check_name, detail, hint FROM sg_plan_check_details('meant') WHERE result = 'block' ORDER BY step \gx (format=wrapped columns=160)
SELECT (mend('meant', 1, 'column')).result;
SELECT (mend('meant', 2, 'table')).result;
SELECT (mend('meant', 3, 'operator')).result;
SELECT (mend('meant', 4, 'target')).result;
SELECT (mend('meant', 5, 'column')).result;
SELECT (mend('meant', 8, 'column')).result;
SELECT step, child_columns, parent_table, parent_columns FROM schemaguard.plan_step WHERE plan = 'meant' ORDER BY step;
SELECT sg_plan_drop('meant', force => true);
-- policies, and what does not go with them
TRUNCATE hc CASCADE;
INSERT INTO hc (strict, i, a, b) VALUES (7, 1, 1, NULL);
SELECT sg_plan_create('mend', replace => true);
ALTER TABLE hc ALTER strict SET NOT NULL;
SELECT sg_plan_add_fk('mend', 'hc', '{strict}', 'hp', orphans => 'leave', sentinel => '0', index => false),
       sg_plan_add_fk('mend', 'hc', '{i}', 'hp', orphans => 'set null', index => false),
       sg_plan_add_fk('mend', 'hc', '{a,b}', 'hp', '{a,b}', match => 'full', index => false);
SELECT * FROM mend('mend', 1, 'orphans');
SELECT hint FROM sg_plan_check_details('mend') WHERE step = 3 AND check_name = 'orphans';
SELECT count(*) FROM hc WHERE num_nulls(a, b) BETWEEN 1 AND 1;
-- of a key that is there
CALL sg_add_fks('mend', validate => false);
SELECT step, state FROM schemaguard.plan_step WHERE plan = 'mend' ORDER BY step;
SELECT hint FROM sg_plan_check_details('mend') WHERE step = 1 AND check_name = 'orphans';
SELECT count(*) FROM sg_fk_orphans('chk.hc', 'hc_strict_fkey');
SELECT sg_plan_create('mend', replace => true);
ALTER TABLE hc DROP CONSTRAINT hc_strict_fkey;
SELECT sg_plan_add_fk('mend', 'hc', '{strict}', 'hp', orphans => 'leave', on_delete => 'set default', index => false);
CALL sg_add_fks('mend', validate => false);
ALTER TABLE hc ALTER strict SET DEFAULT 3;
SELECT * FROM mend('mend', 1, 'not_null') \gx (format=wrapped columns=160)
SELECT state, on_delete FROM schemaguard.plan_step WHERE plan = 'mend';
-- a key that is there and differs; others on the same columns; a parent that is a partition
SELECT sg_plan_create('mend', replace => true);
CREATE TABLE hd (id int PRIMARY KEY, a int CONSTRAINT hd_differs REFERENCES hp ON DELETE CASCADE, b int CONSTRAINT hd_old REFERENCES hp, c int, d int, e int NOT NULL);
CREATE TABLE hl (id int PRIMARY KEY);
CREATE TABLE hq (id int PRIMARY KEY, e int NOT NULL REFERENCES hd);
CREATE TABLE hparts (id int PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE hpart1 PARTITION OF hparts FOR VALUES FROM (0) TO (9);
SELECT sg_plan_add_fk('mend', 'hd', '{a}', 'hp'), sg_plan_add_fk('mend', 'hd', '{b}', 'hl'), sg_plan_add_fk('mend', 'hd', '{c}', 'hl'),
       sg_plan_add_fk('mend', 'hd', '{d}', 'hpart1'), sg_plan_add_fk('mend', 'hd', '{e}', 'hq'), sg_plan_add_fk('mend', 'hd', '{d}', 'hd', on_delete => 'cascade');
ALTER TABLE hl SET UNLOGGED;
SELECT * FROM mend('mend', 1, 'existing_key');
SELECT * FROM mend('mend', 3, 'persistence');
SELECT * FROM mend('mend', 2, 'overlap');
SELECT * FROM mend('mend', 4, 'partitions');
SELECT * FROM mend('mend', 5, 'first_row');
SELECT * FROM mend('mend', 6, 'cascade');
SET client_min_messages = error;
CREATE PUBLICATION chk_pub FOR TABLE hd;
SET client_min_messages = warning;
SELECT * FROM mend('mend', 2, 'publication');
ALTER TABLE hd REPLICA IDENTITY NOTHING;
SELECT sg_plan_set('mend', '{3}', '{"on_delete": "set null"}');
SELECT * FROM mend('mend', 3, 'publication');
DROP PUBLICATION chk_pub;
SELECT sg_plan_drop('mend');

-- what fails in the middle of a step's checks, as where somebody drops something, is the end of these only
CREATE TABLE brk (id int PRIMARY KEY, a text COLLATE "POSIX");
SELECT sg_plan_create('mend');
SELECT sg_plan_add_fk('mend', 'brk', '{a}', 'p', '{code}', index => false), sg_plan_add_fk('mend', 'c', '{p_id}', 'p', index => false);
BEGIN;
UPDATE pg_attribute SET attcollation = 9999999 WHERE attrelid = 'brk'::regclass AND attname = 'a';
SELECT step, check_name, result, detail, hint FROM sg_plan_check_details('mend') WHERE step = 1 AND check_name = 'unchecked';
SELECT count(*) FROM sg_plan_check_details('mend') WHERE step = 2 AND result = 'ok' AND check_name IN ('cascade', 'estimate');
ROLLBACK;
SELECT sg_plan_drop('mend');

-- fixing orphans: each row that goes reads what refers to its table, from end to end where no index serves
CREATE TABLE fixed (id int PRIMARY KEY, p int);
CREATE TABLE refers (id int PRIMARY KEY, fixed int REFERENCES fixed ON DELETE CASCADE);
CREATE TABLE refers_on (a int REFERENCES refers ON DELETE CASCADE, pad text);
INSERT INTO fixed SELECT g, 100 + g FROM generate_series(1, 20000) g;
INSERT INTO refers SELECT g, g FROM generate_series(1, 20000) g;
INSERT INTO refers_on SELECT g, repeat('x', 100) FROM generate_series(1, 20000) g;
ANALYZE fixed, refers, refers_on;
SELECT sg_plan_create('fixes');
SELECT sg_plan_add_fk('fixes', 'fixed', '{p}', 'p', orphans => 'quarantine', index => false);
SELECT step, result, regexp_replace(detail, '(about|[(]).*?( in all|[)])', '#', 'g') AS detail, hint FROM sg_plan_check_details('fixes') WHERE check_name = 'fix';
SELECT sg_plan_set('fixes', '{1}', '{"quarantine_cascades": true}');
SELECT result, detail ~ 'refers_on' AS below, hint FROM sg_plan_check_details('fixes') WHERE check_name = 'fix';
CREATE INDEX ON refers (fixed);
CREATE INDEX ON refers_on (a);
SELECT result, detail, hint FROM sg_plan_check_details('fixes') WHERE check_name = 'fix';
SELECT substring(detail FROM ', with .* that go[^;]*') FROM sg_plan_check_details('fixes') WHERE check_name = 'estimate' AND step = 1;
SELECT sg_plan_drop('fixes');
DROP TABLE fixed, refers, refers_on;

-- names that need quotes
CREATE TABLE "We""ird.T a" ("id;drop" int PRIMARY KEY, "a'b" int, "{c,d}" int);
SELECT sg_plan_create('it''s "a" plan');
SELECT sg_plan_add_fk('it''s "a" plan', '"We""ird.T a"', '{a''b}', '"We""ird.T a"', index => false, on_delete => 'cascade');
SELECT sg_plan_add_fk('it''s "a" plan', '"We""ird.T a"', '{"{c,d}"}', '"We""ird.T a"', '{"id;drop"}', index => false);
INSERT INTO "We""ird.T a" VALUES (1, 2, 3);
SELECT * FROM found('it''s "a" plan', '*') \gx
SELECT count(*) FROM sg_orphans('chk."We""ird.T a"', '{"{c,d}"}', 'chk."We""ird.T a"', '{id;drop}');

-- a step that is left out, an empty plan, none, a plan that was done
SELECT sg_plan_skip('orphans', '{1}', 'not now');
SELECT step, check_name, result, detail FROM sg_plan_check_details('orphans') WHERE step = 1;
SELECT sg_plan_create('empty');
SELECT count(*) FILTER (WHERE step <> 0) AS steps FROM sg_plan_check_details('empty');
SELECT * FROM sg_plan_check_details('no such plan');
SELECT * FROM sg_plan_check_details(NULL);
-- some steps: as if the others were left out
SELECT sg_plan_create('some');
SELECT sg_plan_add_fk('some', 'c', '{n}', 'p', '{other}', fk_name => 'some_1'), sg_plan_add_fk('some', 'c', '{p_id}', 'p', fk_name => 'some_2'),
       sg_plan_add_fk('some', 'c', '{id}', 'p', '{other}', fk_name => 'some_3');
SELECT step, check_name, result FROM sg_plan_check_details('some', '{2}') WHERE step > 0;
SELECT step, check_name, result FROM sg_plan_check_details('some', '{2}') WHERE step > 0
EXCEPT SELECT step, check_name, result FROM sg_plan_check_details('some');
SELECT DISTINCT step FROM sg_plan_check_details('some', steps => '{3,1}') ORDER BY 1;
SELECT regexp_replace(detail, '\d+(\.\d+)? (bytes|kB|MB|GB|TB)\M', '# B', 'g') FROM sg_plan_check_details('some', '{2}') WHERE check_name = 'disk';
SELECT * FROM sg_plan_check_details('some', '{4}');
CALL sg_add_fks('well');
SELECT step, check_name, result, detail FROM sg_plan_check_details('well') WHERE step > 0;
-- what was done and is broken since: the key gone, unarmed, back without a look at its rows; and orphans
SELECT sg_plan_create('broken');
SELECT sg_plan_add_fk('broken', 'c', '{p_id}', 'p', fk_name => 'brk_gone', index => false), sg_plan_add_fk('broken', 'c', '{n}', 'p', fk_name => 'brk_new', index => false),
       sg_plan_add_fk('broken', 'k', '{one}', 'p', fk_name => 'brk_off', index => false), sg_plan_add_fk('broken', 'k', '{two}', 'p', orphans => 'leave', index => false);
ALTER TABLE c DROP CONSTRAINT c_p_id_fkey;
CALL sg_add_fks('broken');
SELECT step, check_name FROM sg_plan_check_details('broken') WHERE result <> 'ok' AND step > 0;
ALTER TABLE c DROP CONSTRAINT brk_gone, DROP CONSTRAINT brk_new, ADD CONSTRAINT brk_new FOREIGN KEY (n) REFERENCES p NOT VALID;
ALTER TABLE k DISABLE TRIGGER ALL;
INSERT INTO k (id, one) VALUES (1, -1);
SELECT step, fk_name, check_name, result, detail, hint FROM sg_plan_check_details('broken') WHERE check_name = 'state' \gx (format=wrapped columns=160)
ALTER TABLE k ENABLE TRIGGER ALL;
SELECT step, check_name, detail FROM sg_plan_check_details('broken') WHERE check_name IN ('state', 'orphans') AND result <> 'ok';
CALL sg_add_fks('broken', steps => '{1,2}');
SELECT step, check_name FROM sg_plan_check_details('broken') WHERE check_name = 'state';
DELETE FROM k;

-- a policy alone is no setting that could be taken away
SELECT sg_plan_create('policy'), sg_plan_option('policy', 'orphans', 'leave') \g /dev/null
SELECT check_name, detail, hint FROM sg_plan_check_details('policy') WHERE check_name = 'options';

-- how long rows of that policy have taken here, by the log
CREATE TABLE paced (id int PRIMARY KEY, p int);
INSERT INTO paced SELECT g, -g FROM generate_series(1, 40) g;
SELECT sg_plan_create('pace'), sg_plan_add_fk('pace', 'paced', '{p}', 'p', orphans => 'delete', index => false) \g /dev/null
SELECT substring(detail, '; (.*mending.*)') AS mending FROM sg_plan_check_details('pace') WHERE check_name = 'estimate' AND step = 1;
INSERT INTO schemaguard.audit_log (run_id, at, role, plan, step, action, phase, rows_affected, elapsed_ms)
SELECT '00000000-0000-0000-0000-000000000001', timestamptz '2026-01-01 00:00+00' + g * interval '1 s', current_user, 'pace', 1, 'fix', 'done', 200, 0 FROM generate_series(0, 10) g;
SELECT substring(detail, '; (.*mending.*)') AS mending FROM sg_plan_check_details('pace') WHERE check_name = 'estimate' AND step = 1;

-- many keys with orphans and a policy: what to do is said once
CREATE TABLE dirty (id int PRIMARY KEY, a int, b int, c int, d int);
INSERT INTO dirty SELECT g, -1, -2, -3, -4 FROM generate_series(1, 3) g;
SELECT sg_plan_create('dirty') \g /dev/null
SELECT sg_plan_add_fk('dirty', 'dirty', x, 'p', orphans => 'quarantine', index => false) FROM unnest('{a,b,c,d}'::text[]) x \g /dev/null
SELECT step, result, detail, hint FROM sg_plan_check_details('dirty') WHERE check_name = 'orphans';
SELECT step, hint FROM sg_plan_check_details('dirty', steps => '{1,2,3}') WHERE check_name = 'orphans';
SELECT sg_plan_add_fk('dirty', 'dirty', 'id', 'p', orphans => 'quarantine', index => false) \g /dev/null
SELECT step, hint FROM sg_plan_check_details('dirty', steps => '{1,2,3,4}') WHERE check_name = 'orphans' AND step = 0;

-- a session whose writes no key and no trigger sees
SET session_replication_role = replica;
SELECT result, detail, hint FROM sg_plan_check_details('bad') WHERE check_name = 'server';
RESET session_replication_role;

-- nothing is written, and nothing stays locked
BEGIN READ ONLY;
SELECT count(*) > 0 AS works FROM sg_plan_check_details('bad');
SELECT count(*) FROM pg_locks WHERE relation IN ('c'::regclass, 'p'::regclass) AND pid = pg_backend_pid();
SELECT pg_current_xact_id_if_assigned() IS NULL AS no_xid;
COMMIT;

SET client_min_messages = error;
SELECT sg_plan_drop(name, force => true) FROM schemaguard.plan
WHERE name IN ('well', 'bad', 'target', 'types', 'cast', 'columns', 'persistence', 'existing', 'overlap', 'twice', 'replaces', 'backfill', 'orphans', 'index',
               'parts', 'foreign', 'cascade', 'top', 'tree', 'many', 'hen', 'it''s "a" plan', 'empty', 'some', 'broken', 'policy', 'pace', 'idless', 'dirty');
DROP SCHEMA chk CASCADE;
