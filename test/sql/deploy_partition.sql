-- CALL sg_add_fks where child or parent is partitioned: what ends up in the catalog is the same on every major
-- rooms: deploy
\set VERBOSITY terse
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS schemaguard;
CREATE SCHEMA dpt;
SET search_path = dpt, public;
-- Before 18 the partitions get the key one by one, from 18 on the whole table gets it NOT VALID
SELECT current_setting('server_version_num')::int < 180000 AS one_by_one \gset
CREATE VIEW steps AS
  SELECT step, fk_name, state, regexp_replace(reason, 'partition \d of \d', 'one by one') AS reason
  FROM schemaguard.plan_step WHERE plan = 'dpt' ORDER BY step;
-- Every row of pg_constraint about a table: the key of the whole, and what hangs below it
CREATE VIEW keys AS
  SELECT c.conrelid::regclass AS child, c.conname AS name, c.convalidated AS valid, p.conrelid::regclass AS clone_of,
         pg_get_constraintdef(c.oid) AS definition,
         (SELECT count(*) FROM pg_trigger t WHERE t.tgconstraint = c.oid AND t.tgrelid = c.conrelid AND t.tgenabled = 'O'
            AND c.conrelid <> c.confrelid) AS checks
  FROM pg_constraint c LEFT JOIN pg_constraint p ON p.oid = c.conparentid
  WHERE c.contype = 'f' AND c.connamespace = 'dpt'::regnamespace
    -- what the partitions of a parent have
    AND (c.conparentid = 0 OR p.conrelid <> c.conrelid)
  ORDER BY c.conrelid::regclass::text COLLATE "C", c.conname;

CREATE TABLE p (id int PRIMARY KEY, code text UNIQUE);
INSERT INTO p SELECT g, 'c' || g FROM generate_series(1, 10) g;

-- several levels, columns in another order and dropped ones, names that need quotes
CREATE TABLE c (id int, p int, code text, note text) PARTITION BY RANGE (id);
CREATE TABLE c1 PARTITION OF c FOR VALUES FROM (0) TO (100);
CREATE TABLE c2 (gone int, code text, p int, id int, gone2 int, note text);
ALTER TABLE c2 DROP COLUMN gone, DROP COLUMN gone2;
ALTER TABLE c ATTACH PARTITION c2 FOR VALUES FROM (100) TO (200);
CREATE TABLE c3 PARTITION OF c FOR VALUES FROM (200) TO (400) PARTITION BY RANGE (id);
CREATE TABLE c31 PARTITION OF c3 FOR VALUES FROM (200) TO (300);
CREATE TABLE "C3.""2" PARTITION OF c3 FOR VALUES FROM (300) TO (400) PARTITION BY LIST (id);
CREATE TABLE c32d PARTITION OF "C3.""2" DEFAULT;
CREATE TABLE c4 PARTITION OF c FOR VALUES FROM (400) TO (500) PARTITION BY LIST (id);
INSERT INTO c (id, p, code) SELECT g, g % 10 + 1, 'c' || g % 10 + 1 FROM generate_series(0, 399) g;
SELECT sg_plan_create('dpt');
SELECT sg_plan_add_fk('dpt', 'c', '{p}', 'p', on_delete => 'set null', index => false);
SELECT sg_plan_add_fk('dpt', 'c', '{code}', 'p', '{code}', orphans => 'leave', "deferrable" => true, index => false);
-- the name is taken on one of the partitions
ALTER TABLE c31 ADD CONSTRAINT c_p_fkey CHECK (p > 0);
SELECT string_agg(sql, E'\n') = CASE WHEN :'one_by_one' THEN
$$-- step 1, medium
ALTER TABLE dpt.c1 ADD CONSTRAINT c_p_fkey FOREIGN KEY (p) REFERENCES dpt.p ON DELETE SET NULL NOT VALID;
ALTER TABLE dpt.c2 ADD CONSTRAINT c_p_fkey FOREIGN KEY (p) REFERENCES dpt.p ON DELETE SET NULL NOT VALID;
ALTER TABLE dpt.c31 ADD CONSTRAINT c_p_fkey_1 FOREIGN KEY (p) REFERENCES dpt.p ON DELETE SET NULL NOT VALID;
ALTER TABLE dpt.c32d ADD CONSTRAINT c_p_fkey FOREIGN KEY (p) REFERENCES dpt.p ON DELETE SET NULL NOT VALID;
ALTER TABLE dpt.c1 VALIDATE CONSTRAINT c_p_fkey;
ALTER TABLE dpt.c2 VALIDATE CONSTRAINT c_p_fkey;
ALTER TABLE dpt.c31 VALIDATE CONSTRAINT c_p_fkey_1;
ALTER TABLE dpt.c32d VALIDATE CONSTRAINT c_p_fkey;
ALTER TABLE dpt.c ADD CONSTRAINT c_p_fkey FOREIGN KEY (p) REFERENCES dpt.p ON DELETE SET NULL;
-- step 2, medium
ALTER TABLE dpt.c1 ADD CONSTRAINT c_code_fkey FOREIGN KEY (code) REFERENCES dpt.p (code) DEFERRABLE NOT VALID;
ALTER TABLE dpt.c2 ADD CONSTRAINT c_code_fkey FOREIGN KEY (code) REFERENCES dpt.p (code) DEFERRABLE NOT VALID;
ALTER TABLE dpt.c31 ADD CONSTRAINT c_code_fkey FOREIGN KEY (code) REFERENCES dpt.p (code) DEFERRABLE NOT VALID;
ALTER TABLE dpt.c32d ADD CONSTRAINT c_code_fkey FOREIGN KEY (code) REFERENCES dpt.p (code) DEFERRABLE NOT VALID;
ALTER TABLE dpt.c1 VALIDATE CONSTRAINT c_code_fkey;
ALTER TABLE dpt.c2 VALIDATE CONSTRAINT c_code_fkey;
ALTER TABLE dpt.c31 VALIDATE CONSTRAINT c_code_fkey;
ALTER TABLE dpt.c32d VALIDATE CONSTRAINT c_code_fkey;
ALTER TABLE dpt.c ADD CONSTRAINT c_code_fkey FOREIGN KEY (code) REFERENCES dpt.p (code) DEFERRABLE;$$
ELSE
$$-- step 1, medium
ALTER TABLE dpt.c ADD CONSTRAINT c_p_fkey FOREIGN KEY (p) REFERENCES dpt.p ON DELETE SET NULL NOT VALID;
ALTER TABLE dpt.c VALIDATE CONSTRAINT c_p_fkey;
-- step 2, medium
ALTER TABLE dpt.c ADD CONSTRAINT c_code_fkey FOREIGN KEY (code) REFERENCES dpt.p (code) DEFERRABLE NOT VALID;
ALTER TABLE dpt.c VALIDATE CONSTRAINT c_code_fkey;$$
END AS as_expected FROM sg_plan_sql('dpt') sql;
CALL sg_add_fks('dpt', validate => false);
SELECT step, fk_name, state, coalesce(reason = 'one by one', false) = :'one_by_one' AS as_expected FROM steps;
CALL sg_add_fks('dpt');
TABLE steps;
TABLE keys;
SELECT fk_name, state, result FROM sg_orphan_audit_details('c') ORDER BY 1;
-- statements that deployment says to run, and what it has run
SELECT * FROM sg_plan_sql('dpt');
-- a finished plan changes nothing
SELECT max(id) AS last FROM schemaguard.audit_log \gset
CALL sg_add_fks('dpt');
SELECT count(*) FROM schemaguard.audit_log WHERE id > :last;
-- the keys work, on both sides and for new partitions
INSERT INTO c VALUES (1, 99);
UPDATE c2 SET p = 99 WHERE id = 100;
DELETE FROM p WHERE id = 3;
SELECT count(*) FROM c WHERE p IS NULL;
CREATE TABLE c5 PARTITION OF c FOR VALUES FROM (500) TO (600);
INSERT INTO c VALUES (500, 99);
-- each start has one outcome
SELECT count(*) FROM schemaguard.audit_log s WHERE plan = 'dpt' AND phase = 'started'
  AND (SELECT count(*) FROM schemaguard.audit_log o WHERE o.started_id = s.id) <> 1;
DROP TABLE c;

-- orphans: with policy stop nothing is added; with leave the partition says how many
CREATE TABLE o (id int, p int, q int) PARTITION BY RANGE (id);
CREATE TABLE o1 PARTITION OF o FOR VALUES FROM (0) TO (100);
CREATE TABLE o2 PARTITION OF o FOR VALUES FROM (100) TO (200);
INSERT INTO o SELECT g, CASE WHEN g IN (150, 151) THEN 4711 ELSE 1 END, CASE WHEN g = 151 THEN 4712 ELSE 1 END
  FROM generate_series(0, 199) g;
SELECT sg_plan_create('dpt', replace => true);
SELECT sg_plan_add_fk('dpt', 'o', '{p}', 'p', index => false);
SELECT sg_plan_add_fk('dpt', 'o', '{q}', 'p', orphans => 'leave', index => false);
CALL sg_add_fks('dpt');
TABLE steps;
SELECT child, name, clone_of FROM keys WHERE name = 'o_p_fkey';
SELECT count(*) > 0 AS found, bool_and(orphan_rows = 1) AS counted FROM schemaguard.audit_log
  WHERE plan = 'dpt' AND step = 2 AND action = 'validate' AND phase = 'failed' AND message LIKE '1 orphan row%';
-- the step's reason has those of all partitions
SET session_replication_role = replica;
UPDATE o SET q = 4713 WHERE id IN (50, 51);
RESET session_replication_role;
CALL sg_add_fks('dpt', steps => '{2}');
SELECT reason FROM schemaguard.plan_step WHERE plan = 'dpt' AND step = 2;
UPDATE o SET q = 1, p = 1;
CALL sg_add_fks('dpt');
TABLE steps;
TABLE keys;
DROP TABLE o;

-- keys that partitions have already: a valid one is attached, one that is not valid is validated first, none is doubled
CREATE TABLE h (id int, a int, b int) PARTITION BY RANGE (id);
CREATE TABLE h1 PARTITION OF h FOR VALUES FROM (0) TO (100);
CREATE TABLE h2 PARTITION OF h FOR VALUES FROM (100) TO (200);
CREATE TABLE h3 PARTITION OF h FOR VALUES FROM (200) TO (300) PARTITION BY RANGE (id);
CREATE TABLE h31 PARTITION OF h3 FOR VALUES FROM (200) TO (250);
CREATE TABLE h32 PARTITION OF h3 FOR VALUES FROM (250) TO (300);
INSERT INTO h SELECT g, 1, 1 FROM generate_series(0, 299) g;
ALTER TABLE h1 ADD CONSTRAINT by_hand FOREIGN KEY (a) REFERENCES p;
ALTER TABLE h2 ADD CONSTRAINT not_yet FOREIGN KEY (a) REFERENCES p NOT VALID;
ALTER TABLE h3 ADD CONSTRAINT of_a_level FOREIGN KEY (a) REFERENCES p;
SELECT sg_plan_create('dpt', replace => true);
SELECT sg_plan_add_fk('dpt', 'h', '{a}', 'p', index => false);
SELECT string_agg(sql, E'\n') = CASE WHEN :'one_by_one' THEN
$$-- step 1, medium
ALTER TABLE dpt.h2 VALIDATE CONSTRAINT not_yet;
ALTER TABLE dpt.h ADD CONSTRAINT h_a_fkey FOREIGN KEY (a) REFERENCES dpt.p;$$
ELSE
$$-- step 1, medium
ALTER TABLE dpt.h ADD CONSTRAINT h_a_fkey FOREIGN KEY (a) REFERENCES dpt.p NOT VALID;
ALTER TABLE dpt.h VALIDATE CONSTRAINT h_a_fkey;$$
END AS as_expected FROM sg_plan_sql('dpt') sql;
CALL sg_add_fks('dpt');
TABLE steps;
TABLE keys;
-- all of them at once
ALTER TABLE h DROP CONSTRAINT h_a_fkey;
ALTER TABLE h1 ADD CONSTRAINT k1 FOREIGN KEY (a) REFERENCES p;
ALTER TABLE h2 ADD CONSTRAINT k2 FOREIGN KEY (a) REFERENCES p;
ALTER TABLE h31 ADD CONSTRAINT k31 FOREIGN KEY (a) REFERENCES p;
ALTER TABLE h32 ADD CONSTRAINT k32 FOREIGN KEY (a) REFERENCES p;
CALL sg_add_fks('dpt');
TABLE keys;

-- keys of partitions that are in the way: other clauses, unarmed ones
ALTER TABLE h DROP CONSTRAINT h_a_fkey;
ALTER TABLE h2 ADD CONSTRAINT other FOREIGN KEY (a) REFERENCES p ON DELETE CASCADE;
CALL sg_add_fks('dpt');
TABLE steps;
SELECT * FROM sg_plan_sql('dpt');
ALTER TABLE h2 DROP CONSTRAINT other, ADD CONSTRAINT other FOREIGN KEY (a) REFERENCES p;
ALTER TABLE h2 DISABLE TRIGGER ALL;
CALL sg_add_fks('dpt');
TABLE steps;
ALTER TABLE h2 ENABLE TRIGGER ALL;
CALL sg_add_fks('dpt');
TABLE steps;
SELECT child, name, valid, clone_of FROM keys;
DROP TABLE h;

-- ON DELETE SET (columns) is compared, which the server does not
CREATE TABLE pairs (a int, b int, PRIMARY KEY (a, b));
CREATE TABLE d (id int, a int, b int) PARTITION BY LIST (id);
CREATE TABLE d1 PARTITION OF d DEFAULT;
ALTER TABLE d1 ADD CONSTRAINT sets_both FOREIGN KEY (a, b) REFERENCES pairs ON DELETE SET NULL;
SELECT sg_plan_create('dpt', replace => true);
SELECT sg_plan_add_fk('dpt', 'd', '{a,b}', 'pairs', on_delete => 'set null', on_delete_columns => '{b}', index => false);
CALL sg_add_fks('dpt');
TABLE steps;
-- pairs in another order are another key for the server
ALTER TABLE d1 DROP CONSTRAINT sets_both,
  ADD CONSTRAINT turned FOREIGN KEY (b, a) REFERENCES pairs (b, a) ON DELETE SET NULL (b);
CALL sg_add_fks('dpt');
SELECT child, name, valid, clone_of FROM keys;
DROP TABLE d, pairs;

-- a foreign table as a partition; no partitions at all; a leaf of somebody else's
CREATE FOREIGN DATA WRAPPER dpt_fdw;
CREATE SERVER dpt_server FOREIGN DATA WRAPPER dpt_fdw;
CREATE TABLE f (id int, p int) PARTITION BY LIST (id);
CREATE TABLE f1 PARTITION OF f FOR VALUES IN (1);
CREATE FOREIGN TABLE f2 PARTITION OF f FOR VALUES IN (2) SERVER dpt_server;
CREATE TABLE e (id int, p int) PARTITION BY LIST (id);
SELECT sg_plan_create('dpt', replace => true);
SELECT sg_plan_add_fk('dpt', 'f', '{p}', 'p', orphans => 'leave', index => false);
SELECT sg_plan_add_fk('dpt', 'e', '{p}', 'p', orphans => 'leave', index => false);
CALL sg_add_fks('dpt');
TABLE steps;
TABLE keys;
SELECT * FROM sg_plan_sql('dpt');
DROP TABLE f, e;

-- a partitioned parent, with partitions of its own order of columns; the child plain, then partitioned
CREATE TABLE pp (id int PRIMARY KEY, note text) PARTITION BY RANGE (id);
CREATE TABLE pp1 PARTITION OF pp FOR VALUES FROM (0) TO (50);
CREATE TABLE pp2 (note text, id int NOT NULL PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE pp21 PARTITION OF pp2 FOR VALUES FROM (50) TO (100);
ALTER TABLE pp ATTACH PARTITION pp2 FOR VALUES FROM (50) TO (100);
INSERT INTO pp SELECT g FROM generate_series(0, 99) g;
CREATE TABLE cc (id int, p int);
CREATE TABLE cp (id int, p int) PARTITION BY RANGE (id);
CREATE TABLE cp1 PARTITION OF cp FOR VALUES FROM (0) TO (50);
CREATE TABLE cp2 PARTITION OF cp FOR VALUES FROM (50) TO (100);
INSERT INTO cc SELECT g, g FROM generate_series(0, 99) g;
INSERT INTO cp SELECT g, g FROM generate_series(0, 99) g;
SELECT sg_plan_create('dpt', replace => true);
SELECT sg_plan_add_fk('dpt', 'cc', '{p}', 'pp', index => false);
SELECT sg_plan_add_fk('dpt', 'cp', '{p}', 'pp', index => false, on_delete => 'cascade');
CALL sg_add_fks('dpt');
TABLE steps;
SELECT child, name, valid, clone_of, checks FROM keys;
SELECT fk_name, state, result FROM sg_orphan_audit_details('cc') UNION ALL SELECT fk_name, state, result FROM sg_orphan_audit_details('cp');
-- the parent's partitions know the key once each, as if it had been added in one statement
SELECT confrelid::regclass AS parent, conrelid::regclass AS child, convalidated OR :'one_by_one' AS valid,
       (SELECT count(*) FROM pg_trigger t WHERE t.tgconstraint = c.oid AND t.tgrelid = c.confrelid) AS actions
  FROM pg_constraint c WHERE contype = 'f' AND connamespace = 'dpt'::regnamespace
  ORDER BY confrelid::regclass::text COLLATE "C", conrelid::regclass::text COLLATE "C";
-- majors give other names to what a parent's partition has of a key
\set VERBOSITY sqlstate
DELETE FROM pp WHERE id = 60;
\set VERBOSITY terse
DELETE FROM cc WHERE id = 60;
DELETE FROM pp WHERE id = 60;
SELECT count(*) FROM cp;
DROP TABLE cc, cp, pp;

-- a partitioned table that references itself
CREATE TABLE s (id int PRIMARY KEY, up int) PARTITION BY RANGE (id);
CREATE TABLE s1 PARTITION OF s FOR VALUES FROM (0) TO (50);
CREATE TABLE s2 PARTITION OF s FOR VALUES FROM (50) TO (100);
INSERT INTO s SELECT g, g / 2 FROM generate_series(0, 99) g;
SELECT sg_plan_create('dpt', replace => true);
SELECT sg_plan_add_fk('dpt', 's', '{up}', 's', index => false);
CALL sg_add_fks('dpt');
TABLE steps;
SELECT fk_name, state, result FROM sg_orphan_audit_details('s');
\set VERBOSITY sqlstate
DELETE FROM s WHERE id = 1;
\set VERBOSITY terse
INSERT INTO s VALUES (55, 999) ON CONFLICT (id) DO UPDATE SET up = excluded.up;
DROP TABLE s;

-- many partitions: before 18 their triggers on the parent are dropped all at once, and all is as after a plain ADD
CREATE TABLE many (id int, p int) PARTITION BY LIST (id);
CREATE TABLE plain (LIKE many) PARTITION BY LIST (id);
DO $$ BEGIN
  FOR i IN 1..60 LOOP
    EXECUTE format('CREATE TABLE many_%1$s PARTITION OF many FOR VALUES IN (%1$s)', i);
    EXECUTE format('CREATE TABLE plain_%1$s PARTITION OF plain FOR VALUES IN (%1$s)', i);
  END LOOP;
END $$;
CREATE TABLE few (id int PRIMARY KEY);
CREATE TABLE same (id int PRIMARY KEY);
INSERT INTO few SELECT generate_series(1, 100);
INSERT INTO same SELECT generate_series(1, 100);
INSERT INTO many SELECT g, g FROM generate_series(1, 60) g;
ALTER TABLE plain ADD FOREIGN KEY (p) REFERENCES same ON DELETE CASCADE;
SELECT sg_plan_create('dpt', replace => true);
SELECT sg_plan_add_fk('dpt', 'many', '{p}', 'few', on_delete => 'cascade', index => false);
CALL sg_add_fks('dpt');
TABLE steps;
CREATE VIEW triggers AS
SELECT replace(replace(tgrelid::regclass::text, 'plain', 'many'), 'same', 'few') AS tab, tgfoid::regproc AS function, tgtype, tgenabled,
       tgdeferrable, tgparentid <> 0 AS part, tgrelid IN ('plain'::regclass, 'same'::regclass) OR tgrelid::regclass::text ~ 'plain' AS plain
  FROM pg_trigger t WHERE tgrelid::regclass::text ~ '^(many|plain|few|same)';
SELECT tab, function, count(*) FROM triggers WHERE tab !~ '_' GROUP BY 1, 2 ORDER BY 1, 2;
SELECT tab, function, tgtype, tgenabled, tgdeferrable, part FROM triggers WHERE plain
EXCEPT SELECT tab, function, tgtype, tgenabled, tgdeferrable, part FROM triggers WHERE NOT plain;
SELECT tab, function, tgtype, tgenabled, tgdeferrable, part FROM triggers WHERE NOT plain
EXCEPT SELECT tab, function, tgtype, tgenabled, tgdeferrable, part FROM triggers WHERE plain;
SELECT count(*) AS left_behind FROM pg_depend d
  WHERE classid = 'pg_trigger'::regclass AND NOT EXISTS (SELECT FROM pg_trigger t WHERE t.oid = d.objid);
INSERT INTO many VALUES (7, 101);
DELETE FROM few WHERE id <= 30;
SELECT count(*) FROM many;
-- the key is proved as its parts are
SELECT fk_name, state, stands, stale_reason FROM schemaguard.fk_trust WHERE child_table = 'dpt.many';
ALTER TABLE many DETACH PARTITION many_40;
INSERT INTO many_40 VALUES (40, 101);
DELETE FROM few WHERE id = 40;
SELECT count(*) FROM many_40;
DROP VIEW triggers;
DROP TABLE many, many_40, plain, few, same;

-- no proof without one of each part: one is valid already, and nobody knows since when
CREATE TABLE v (id int, p int) PARTITION BY LIST (id);
CREATE TABLE v1 PARTITION OF v FOR VALUES IN (1);
CREATE TABLE v2 PARTITION OF v FOR VALUES IN (2);
ALTER TABLE v1 ADD CONSTRAINT v1_key FOREIGN KEY (p) REFERENCES p;
SELECT sg_plan_create('dpt', replace => true);
SELECT sg_plan_add_fk('dpt', 'v', '{p}', 'p', index => false);
CALL sg_add_fks('dpt');
SELECT fk_name, state, stands = NOT :'one_by_one' AS as_expected FROM schemaguard.fk_trust WHERE child_table = 'dpt.v';
DROP TABLE v;

-- ownership: the partitions' too where they get keys of their own
CREATE ROLE regress_sg_part;
SELECT sg_grant('regress_sg_part') \g /dev/null
GRANT USAGE ON SCHEMA dpt TO regress_sg_part;
GRANT REFERENCES, SELECT ON p TO regress_sg_part;
CREATE TABLE w (id int, p int) PARTITION BY LIST (id);
CREATE TABLE w1 PARTITION OF w FOR VALUES IN (1);
CREATE TABLE w2 PARTITION OF w FOR VALUES IN (2);
ALTER TABLE w OWNER TO regress_sg_part;
ALTER TABLE w1 OWNER TO regress_sg_part;
ALTER TABLE w2 OWNER TO regress_sg_part;
SELECT sg_plan_create('dpt', replace => true);
SELECT sg_plan_add_fk('dpt', 'w', '{p}', 'p', index => false, orphans => 'leave');
SET ROLE regress_sg_part;
CALL sg_add_fks('dpt');
RESET ROLE;
SELECT state FROM steps;
SELECT child, name, valid, clone_of FROM keys;

-- a key that a partition had by itself is there again, with its comment, when that of the whole is taken back
CREATE TABLE mine (id int, p int) PARTITION BY RANGE (id);
CREATE TABLE mine1 PARTITION OF mine FOR VALUES FROM (0) TO (10);
CREATE TABLE mine2 PARTITION OF mine FOR VALUES FROM (10) TO (20) PARTITION BY RANGE (id);
CREATE TABLE mine21 PARTITION OF mine2 FOR VALUES FROM (10) TO (15);
CREATE TABLE mine3 PARTITION OF mine FOR VALUES FROM (20) TO (30);
ALTER TABLE mine1 ADD CONSTRAINT own FOREIGN KEY (p) REFERENCES p;
COMMENT ON CONSTRAINT own ON mine1 IS 'mine';
ALTER TABLE mine2 ADD CONSTRAINT own FOREIGN KEY (p) REFERENCES p;
CREATE VIEW mine_keys AS SELECT conrelid::regclass, conname, convalidated, conparentid <> 0 AS part, obj_description(oid, 'pg_constraint') FROM pg_constraint
  WHERE contype = 'f' AND conrelid::regclass::text LIKE '%mine%' ORDER BY 1, 2;
SELECT sg_plan_create('dpt', replace => true);
SELECT sg_plan_add_fk('dpt', 'mine', '{p}', 'p', index => false);
CALL sg_add_fks('dpt', fail => true);
SELECT conname, part FROM mine_keys;
CALL sg_rollback_fks('dpt', fail => true);
TABLE mine_keys;
SELECT state FROM steps;
-- nor is a second one made for a partition that has left the whole with its part
CALL sg_add_fks('dpt', fail => true);
ALTER TABLE mine DETACH PARTITION mine1;
CALL sg_rollback_fks('dpt', fail => true);
TABLE mine_keys;
DROP VIEW mine_keys;
DROP TABLE mine, mine1;

SELECT sg_plan_drop('dpt', force => true);
\getenv test PG_ABS_SRCDIR
\set left :test '/sql/include/left.sql'
\i :left

DROP SCHEMA dpt CASCADE;
DROP SERVER dpt_server;
DROP FOREIGN DATA WRAPPER dpt_fdw;
SELECT sg_revoke('regress_sg_part') \g /dev/null
DROP ROLE regress_sg_part;
