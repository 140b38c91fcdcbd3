-- sg_verify_fks: from the catalogs, and live; sg_measure_overhead
-- rooms: verify
\set VERBOSITY terse
\set SHOW_CONTEXT never
SET client_min_messages = warning;
SET schemaguard.live_search = '1min';
CREATE EXTENSION IF NOT EXISTS schemaguard;
CREATE SCHEMA ver;
SET search_path = ver, public;
-- attempts must not be stopped where the machine is slow
SET schemaguard.lock_timeout = '60s';
SET schemaguard.statement_timeout = '60s';

-- every row of every table here with its place, and where the sequences stand
CREATE FUNCTION fingerprint() RETURNS text LANGUAGE plpgsql AS $$
DECLARE
    all_rows text := '';
    found text;
    r record;
BEGIN
    FOR r IN SELECT oid::regclass AS rel, relkind FROM pg_class
             WHERE relnamespace = 'ver'::regnamespace AND relkind IN ('r', 'S') ORDER BY oid LOOP
        EXECUTE CASE r.relkind
            WHEN 'S' THEN format('SELECT last_value || is_called::text FROM %s', r.rel)
            ELSE format('SELECT string_agg(t.ctid::text || t::text, '';'' ORDER BY t.ctid) FROM ONLY %s t', r.rel) END INTO found;
        all_rows := all_rows || r.rel || ':' || coalesce(found, '') || E'\n';
    END LOOP;
    RETURN md5(all_rows);
END$$;
CREATE VIEW live AS
SELECT fk_name, test, expected, observed, result, reason FROM sg_verify_fks_details(live => true) WHERE test LIKE 'live%';

-- nothing declared
SELECT * FROM sg_verify_fks_details() WHERE child_table LIKE 'ver.%';
SELECT * FROM sg_verify_fks_details(NULL, NULL);
SELECT * FROM sg_verify_fks_details('no such plan');

-- every action
CREATE TABLE p (id int PRIMARY KEY, note text);
CREATE TABLE c (
    id serial PRIMARY KEY,
    p1 int CONSTRAINT k1_plain REFERENCES p,
    p2 int CONSTRAINT k2_restrict REFERENCES p ON DELETE RESTRICT ON UPDATE RESTRICT,
    p3 int CONSTRAINT k3_cascade REFERENCES p ON DELETE CASCADE ON UPDATE CASCADE,
    p4 int CONSTRAINT k4_null REFERENCES p ON DELETE SET NULL ON UPDATE SET NULL,
    p5 int DEFAULT 1 CONSTRAINT k5_default REFERENCES p ON DELETE SET DEFAULT ON UPDATE SET DEFAULT,
    p6 int CONSTRAINT k6_deferred REFERENCES p DEFERRABLE INITIALLY DEFERRED,
    p7 int CONSTRAINT k7_deferrable REFERENCES p DEFERRABLE,
    note text DEFAULT 'x');
INSERT INTO p SELECT g, 'parent' FROM generate_series(1, 100) g;
INSERT INTO c (p1, p2, p3, p4, p5, p6, p7) SELECT g, g + 10, g + 20, g + 30, g + 40, g + 50, g + 60 FROM generate_series(1, 9) g;
SELECT fingerprint() AS before \gset
SELECT fk_name, child_table, parent_table, test, expected, observed, result, reason FROM sg_verify_fks_details() ORDER BY 1, 4;
SELECT fk_name, test, expected, observed, result, reason FROM live;
SELECT fingerprint() = :'before' AS unchanged;
SELECT object, message FROM schemaguard.audit_log WHERE action = 'verify' ORDER BY id DESC LIMIT 2;
-- what a transaction has put off is not judged, nor lost; it tries no more than six keys
BEGIN;
ALTER TABLE c DROP CONSTRAINT k4_null;
SET CONSTRAINTS ALL DEFERRED;
INSERT INTO c (p6) VALUES (4711);
SELECT result, reason, count(*) FROM live WHERE fk_name = 'k6_deferred' GROUP BY 1, 2;
SELECT result, count(*) FROM live WHERE fk_name = 'k7_deferrable' GROUP BY 1;
COMMIT;
SELECT setval('c_id_seq', 9);
-- no promise without the means
BEGIN READ ONLY;
SELECT DISTINCT result, reason FROM live;
SELECT DISTINCT result FROM sg_verify_fks_details();
ROLLBACK;
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT DISTINCT result, reason FROM live;
ROLLBACK;
SET session_replication_role = replica;
SELECT DISTINCT result, reason FROM live;
RESET session_replication_role;

-- a plan: what is missing or other than planned fails
SELECT sg_plan_create('ver');
SELECT sg_plan_add_fk('ver', 'c', '{p1}', 'p', fk_name => 'k1_plain');
SELECT sg_plan_add_fk('ver', 'c', '{p2}', 'p', fk_name => 'other_name', on_delete => 'cascade', on_update => 'restrict');
SELECT sg_plan_add_fk('ver', 'c', '{p3}', 'p', on_delete => 'set null', on_update => 'cascade', "deferrable" => true);
SELECT sg_plan_add_fk('ver', 'c', '{p4}', 'p', on_delete => 'no action', on_update => 'set default');
SELECT sg_plan_add_fk('ver', 'c', '{p5}', 'p', on_delete => 'restrict', on_update => 'set default');
SELECT sg_plan_add_fk('ver', 'c', '{id}', 'p', fk_name => 'never_added');
SELECT sg_plan_add_fk('ver', 'c', '{id}', 'gone');
SELECT sg_plan_add_fk('ver', 'c', '{p1,p2}', 'p', '{id,note}');
SELECT sg_plan_add_fk('ver', 'c', '{p7}', 'p', priority => 'critical', "deferrable" => true);
SELECT sg_plan_skip('ver', '{8}', 'not wanted');
SELECT fk_name, test, expected, observed, result, reason FROM sg_verify_fks_details('ver', live => true);
SELECT fingerprint() = :'before' AS unchanged;
-- some steps, the others are not tried
SELECT fk_name, count(*) > 0 AS tested, count(*) FILTER (WHERE test ~ 'live') > 0 AS live FROM sg_verify_fks_details('ver', live => true, steps => '{9,1,1}') GROUP BY 1 ORDER BY 1;
SELECT step, fk_name, operation FROM schemaguard.sg_measure_overhead('ver', sample => 1, rounds => 1, steps => '{1}');
SELECT * FROM sg_verify_fks_details('ver', steps => '{1,12}');
SELECT * FROM sg_verify_fks_details(steps => '{1}');
SELECT * FROM schemaguard.sg_measure_overhead('ver', steps => '{}');
-- a key that should be gone
UPDATE schemaguard.plan_step SET replaces = CASE step WHEN 1 THEN 'k2_restrict' ELSE 'long gone' END WHERE plan = 'ver' AND step IN (1, 2);
SELECT fk_name, test, expected, observed, result, reason FROM sg_verify_fks_details('ver') WHERE test = 'replaced';

-- unarmed: the catalog says so, and rows do
ALTER TABLE c DISABLE TRIGGER ALL;
SELECT fk_name, test, observed, result, reason FROM sg_verify_fks_details(live => true) WHERE fk_name IN ('k1_plain', 'k3_cascade') ORDER BY 1, 2;
ALTER TABLE c ENABLE TRIGGER ALL;
ALTER TABLE p DISABLE TRIGGER ALL;
SELECT fk_name, test, observed, result, reason FROM sg_verify_fks_details(live => true)
WHERE fk_name IN ('k1_plain', 'k3_cascade', 'k4_null', 'k5_default') ORDER BY 1, 2;
ALTER TABLE p ENABLE TRIGGER ALL;
SELECT fingerprint() = :'before' AS unchanged;
-- a trigger that is missing, and two that are there but do something else: only rows tell
SET allow_system_table_mods = on;
CREATE PROCEDURE reload() LANGUAGE sql AS $$ALTER TABLE c ALTER note SET STATISTICS 10; ALTER TABLE p ALTER note SET STATISTICS 10$$;
BEGIN;
DELETE FROM pg_trigger t USING pg_constraint k WHERE t.tgconstraint = k.oid AND k.conname = 'k1_plain' AND t.tgfoid = '"RI_FKey_check_ins"'::regproc;
CALL reload();
SELECT test, observed, result, reason FROM sg_verify_fks_details(live => true) WHERE fk_name = 'k1_plain';
ROLLBACK;
BEGIN;
UPDATE pg_trigger t SET tgtype = 17 FROM pg_constraint k
WHERE t.tgconstraint = k.oid AND k.conname = 'k1_plain' AND t.tgfoid = '"RI_FKey_check_ins"'::regproc;
UPDATE pg_trigger t SET tgfoid = '"RI_FKey_noaction_del"'::regproc FROM pg_constraint k
WHERE t.tgconstraint = k.oid AND k.conname = 'k3_cascade' AND t.tgfoid = '"RI_FKey_cascade_del"'::regproc;
CALL reload();
SELECT fk_name, test, observed, result, reason FROM sg_verify_fks_details(live => true) WHERE fk_name IN ('k1_plain', 'k3_cascade');
ROLLBACK;
RESET allow_system_table_mods;

-- triggers and rules of users: on the child, the parent, and where a cascade leads
CREATE SEQUENCE fired;
CREATE FUNCTION fire() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN PERFORM nextval('ver.fired'); RETURN NULL; END$$;
CREATE TABLE gc (id int PRIMARY KEY, c int CONSTRAINT k8_grandchild REFERENCES c ON DELETE CASCADE);
INSERT INTO gc VALUES (1, 1);
CREATE TRIGGER t AFTER INSERT ON c FOR EACH ROW EXECUTE FUNCTION fire();
SELECT test, observed, result, reason FROM live WHERE fk_name = 'k3_cascade';
DROP TRIGGER t ON c;
CREATE TRIGGER t BEFORE UPDATE OF note ON p FOR EACH STATEMENT EXECUTE FUNCTION fire();
SELECT test, observed, result, reason FROM live WHERE fk_name = 'k1_plain';
ALTER TABLE p DISABLE TRIGGER t;
SELECT test, observed, result, reason FROM live WHERE fk_name = 'k1_plain';
DROP TRIGGER t ON p;
CREATE TRIGGER t AFTER DELETE ON gc FOR EACH STATEMENT EXECUTE FUNCTION fire();
SELECT test, observed, result, reason FROM live WHERE fk_name IN ('k3_cascade', 'k8_grandchild');
DROP TRIGGER t ON gc;
CREATE RULE r AS ON DELETE TO gc DO ALSO SELECT nextval('ver.fired');
SELECT test, observed, result, reason FROM live WHERE fk_name = 'k3_cascade';
DROP RULE r ON gc;
ALTER TABLE gc ADD CHECK (nextval('ver.fired') < 1) NOT VALID;
SELECT test, observed, result, reason FROM live WHERE fk_name = 'k8_grandchild';
ALTER TABLE c ALTER p5 SET DEFAULT nextval('ver.fired');
SELECT test, observed, result, reason FROM live WHERE fk_name = 'k5_default';
DROP TABLE gc, c, p;
SELECT last_value, is_called FROM fired;

-- what else may stand in the way of a row, or of seeing it
CREATE TABLE p (id int PRIMARY KEY, code char(3) NOT NULL UNIQUE, parent_id int CONSTRAINT k_self REFERENCES p ON DELETE CASCADE);
CREATE TABLE not_null (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, p int NOT NULL CONSTRAINT k_not_null REFERENCES p ON DELETE SET NULL,
    twice int GENERATED ALWAYS AS (p * 2) STORED);
CREATE TABLE checked (p int CONSTRAINT k_checked REFERENCES p CHECK (p < 1000));
CREATE TABLE narrow (p int CONSTRAINT k_narrow REFERENCES p CHECK (p BETWEEN 1 AND 99));
CREATE TABLE same (id int PRIMARY KEY CONSTRAINT k_same REFERENCES p);
CREATE TABLE coded (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), code varchar(10) CONSTRAINT k_coded REFERENCES p (code) ON UPDATE CASCADE,
    mail text, UNIQUE (mail));
CREATE UNIQUE INDEX ON coded (lower(mail));
CREATE TABLE empty (p int CONSTRAINT k_empty REFERENCES p);
CREATE TABLE nulls (p int CONSTRAINT k_nulls REFERENCES p);
CREATE TABLE computed (a int, p int GENERATED ALWAYS AS (a + 1) STORED CONSTRAINT k_computed REFERENCES p);
CREATE TABLE booked (p int CONSTRAINT k_booked REFERENCES p, during int4range, EXCLUDE USING gist (during WITH &&));
INSERT INTO p SELECT g, 'c' || g, nullif(g / 3, 0) FROM generate_series(1, 90) g;
UPDATE p SET parent_id = id WHERE id = 90;
INSERT INTO not_null (p) SELECT g FROM generate_series(61, 65) g;
INSERT INTO checked SELECT g FROM generate_series(66, 69) g;
INSERT INTO narrow VALUES (81), (82);
INSERT INTO same SELECT g FROM generate_series(70, 74) g;
INSERT INTO coded (code, mail) SELECT 'c' || g, 'm' || g FROM generate_series(75, 79) g;
INSERT INTO nulls VALUES (NULL);
INSERT INTO computed VALUES (80);
INSERT INTO booked VALUES (83, '[1,9)');
SELECT fingerprint() AS before \gset
SELECT * FROM live ORDER BY fk_name, test;
SELECT fingerprint() = :'before' AS unchanged;
-- rows from which a cascade comes to a column that can't become null are left alone, however many come first
CREATE TABLE up (id int PRIMARY KEY, parent_id int CONSTRAINT k_up REFERENCES up ON DELETE CASCADE);
CREATE TABLE held (up_id int NOT NULL CONSTRAINT k_held REFERENCES up ON DELETE SET NULL);
INSERT INTO up SELECT g, NULL::int FROM generate_series(1, 30) g UNION ALL SELECT g, g - 100 FROM generate_series(101, 130) g ORDER BY 1;
INSERT INTO held SELECT g FROM generate_series(101, 129) g;
SELECT fk_name, test, observed, result, reason FROM live WHERE fk_name IN ('k_up', 'k_held') AND test LIKE '%delete%' ORDER BY fk_name;
DROP TABLE held, up;

-- a row that refers to itself is no proof of anything
DROP TABLE not_null, checked, narrow, same, coded, empty, nulls, computed, booked;
DELETE FROM p WHERE id <> 90;
SELECT test, observed, result, reason FROM live;
DROP TABLE p;

-- how far a change reaches: more than 100 rows are left alone, fewer are counted over all levels
CREATE TABLE p (id int PRIMARY KEY);
CREATE TABLE c (id int PRIMARY KEY, p int CONSTRAINT k1 REFERENCES p ON DELETE CASCADE);
CREATE TABLE gc (c int CONSTRAINT k2 REFERENCES c ON DELETE CASCADE);
INSERT INTO p SELECT generate_series(1, 3);
INSERT INTO c SELECT g, 1 FROM generate_series(1, 101) g;
INSERT INTO c VALUES (200, 2);
INSERT INTO gc SELECT 200 FROM generate_series(1, 100);
SELECT test, observed, result, reason FROM live WHERE fk_name = 'k1';
DELETE FROM gc WHERE ctid = (SELECT max(ctid) FROM gc);
SELECT test, observed, result, reason FROM live WHERE fk_name = 'k1';
-- a key that refuses on the way
CREATE TABLE stop (c int CONSTRAINT k3 REFERENCES c);
INSERT INTO stop VALUES (200);
SELECT test, observed, result, reason FROM live WHERE fk_name = 'k1';
DROP TABLE stop;
-- two keys that do the same to the same rows: who was it?
DELETE FROM c;
ALTER TABLE c ADD p2 int CONSTRAINT k4 REFERENCES p ON DELETE CASCADE;
INSERT INTO c VALUES (1, 1, 1), (2, 2, 2);
SELECT fk_name, test, observed, result, reason FROM live WHERE fk_name IN ('k1', 'k4') AND test ~ 'delete';
INSERT INTO c VALUES (3, 3, NULL), (4, NULL, 3);
SELECT fk_name, test, observed, result, reason FROM live WHERE fk_name IN ('k1', 'k4') AND test ~ 'delete';
-- refused by another key: no merit of ours
ALTER TABLE c ADD CONSTRAINT k1_again FOREIGN KEY (p) REFERENCES p;
SELECT fk_name, test, observed, result, reason FROM live WHERE fk_name IN ('k1', 'k1_again');
DO $$
DECLARE
    t name;
BEGIN
    FOR t IN SELECT tgname FROM pg_trigger JOIN pg_constraint k ON k.oid = tgconstraint WHERE tgrelid = 'c'::regclass AND conname = 'k1' AND tgfoid::regproc::text LIKE '%check%' LOOP
        EXECUTE format('ALTER TABLE c DISABLE TRIGGER %I', t);
    END LOOP;
END$$;
SELECT fk_name, test, observed, result, reason FROM live WHERE fk_name IN ('k1', 'k1_again');
ALTER TABLE c DROP CONSTRAINT k1_again;
ALTER TABLE c ENABLE TRIGGER ALL;
-- by a detour
CREATE TABLE between_them (id int PRIMARY KEY REFERENCES p ON DELETE CASCADE);
INSERT INTO between_them VALUES (1), (2), (3);
ALTER TABLE c ADD CONSTRAINT k5 FOREIGN KEY (p2) REFERENCES between_them ON DELETE CASCADE;
SELECT fk_name, test, observed, result, reason FROM live WHERE fk_name IN ('k1', 'k4') AND test ~ 'delete';
DROP TABLE gc, c, between_them, p;

-- composite keys, MATCH FULL, columns of SET NULL, names that need quotes
CREATE SCHEMA "we""ird.s";
CREATE TABLE "we""ird.s"."T a" ("I d" int, "b.c" text COLLATE "C", "drop;" date, PRIMARY KEY ("I d", "b.c"), UNIQUE ("b.c", "drop;"));
CREATE TABLE "we""ird.s"."C""'x" (id bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, "A " int, "B" text, d date,
    CONSTRAINT "k 1'" FOREIGN KEY ("A ", "B") REFERENCES "we""ird.s"."T a" ON DELETE SET NULL ("B") ON UPDATE CASCADE,
    CONSTRAINT "k2""" FOREIGN KEY ("B", d) REFERENCES "we""ird.s"."T a" ("b.c", "drop;") MATCH FULL ON DELETE SET NULL);
INSERT INTO "we""ird.s"."T a" SELECT g, 'b' || g, date '2020-01-01' + g FROM generate_series(1, 9) g;
ALTER TABLE "we""ird.s"."C""'x" DROP CONSTRAINT "k2""";
INSERT INTO "we""ird.s"."C""'x" ("A ", "B") SELECT g, 'b' || g FROM generate_series(1, 3) g;
SELECT * FROM live;
ALTER TABLE "we""ird.s"."C""'x" DROP CONSTRAINT "k 1'";
UPDATE "we""ird.s"."C""'x" SET d = date '2020-01-01' + "A ";
ALTER TABLE "we""ird.s"."C""'x" ADD CONSTRAINT "k2""" FOREIGN KEY ("B", d) REFERENCES "we""ird.s"."T a" ("b.c", "drop;") MATCH FULL ON DELETE SET NULL;
SELECT * FROM live;
SELECT sg_plan_create('ver', replace => true);
SELECT sg_plan_add_fk('ver', '"we""ird.s"."C""''x"', '{B,d}', '"we""ird.s"."T a"', '{b.c,drop;}', on_delete => 'set null', on_delete_columns => '{d}');
SELECT * FROM sg_verify_fks_details('ver') WHERE result <> 'pass';
SET client_min_messages = error;
DROP SCHEMA "we""ird.s" CASCADE;
SET client_min_messages = warning;

-- partitions on either side
CREATE TABLE p (id int PRIMARY KEY, note text) PARTITION BY RANGE (id);
CREATE TABLE p1 PARTITION OF p FOR VALUES FROM (0) TO (100);
CREATE TABLE p2 PARTITION OF p FOR VALUES FROM (100) TO (MAXVALUE);
CREATE TABLE c (id int, p int CONSTRAINT k_parts REFERENCES p ON DELETE CASCADE, PRIMARY KEY (id)) PARTITION BY HASH (id);
CREATE TABLE c1 PARTITION OF c FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE c2 PARTITION OF c FOR VALUES WITH (MODULUS 2, REMAINDER 1);
CREATE TABLE by_key (p int CONSTRAINT k_moves REFERENCES p ON DELETE SET NULL) PARTITION BY LIST (p);
CREATE TABLE by_key1 PARTITION OF by_key FOR VALUES IN (60, 61);
CREATE TABLE by_key2 PARTITION OF by_key DEFAULT;
INSERT INTO p SELECT g FROM generate_series(1, 200) g;
INSERT INTO c SELECT g, g * 10 FROM generate_series(1, 9) g;
INSERT INTO by_key VALUES (60), (61);
SELECT fingerprint() AS before \gset
SELECT * FROM live WHERE fk_name IN ('k_parts', 'k_moves') ORDER BY fk_name, test;
SELECT fingerprint() = :'before' AS unchanged;
CREATE TRIGGER t AFTER INSERT ON c1 FOR EACH ROW EXECUTE FUNCTION fire();
SELECT test, observed, result, reason FROM live WHERE fk_name = 'k_parts' AND test ~ 'insert';
DROP TRIGGER t ON c1;
CREATE TABLE direct (p int CONSTRAINT k_direct REFERENCES p1);
SELECT fk_name, observed, result, reason FROM live WHERE test ~ 'delete' ORDER BY fk_name;
DROP TABLE direct, by_key, c, p;

-- privileges are the caller's; row security; code of another owner
CREATE ROLE regress_ver;
CREATE ROLE regress_ver_owner;
SELECT sg_grant(r) FROM unnest('{regress_ver,regress_ver_owner}'::text[]) r \g /dev/null
GRANT USAGE ON SCHEMA ver TO regress_ver, regress_ver_owner;
CREATE TABLE p (id int PRIMARY KEY);
CREATE TABLE c (id int PRIMARY KEY, p int CONSTRAINT k REFERENCES p);
INSERT INTO p SELECT generate_series(1, 5);
INSERT INTO c SELECT g, g FROM generate_series(1, 3) g;
GRANT SELECT ON live TO regress_ver;
SET ROLE regress_ver;
SELECT fk_name, test, observed, result, reason FROM sg_verify_fks_details(live => true);
RESET ROLE;
GRANT SELECT, INSERT ON c TO regress_ver;
GRANT SELECT ON p TO regress_ver;
SET ROLE regress_ver;
SELECT test, observed, result, reason FROM sg_verify_fks_details(live => true);
RESET ROLE;
GRANT UPDATE ON c, p TO regress_ver;
GRANT DELETE ON p TO regress_ver;
SET ROLE regress_ver;
SELECT test, observed, result, reason FROM sg_verify_fks_details(live => true) WHERE test ~ 'live';
RESET ROLE;
ALTER TABLE c ENABLE ROW LEVEL SECURITY;
SET ROLE regress_ver;
SELECT DISTINCT result, reason FROM sg_verify_fks_details(live => true) WHERE test ~ 'live';
RESET ROLE;
ALTER TABLE c DISABLE ROW LEVEL SECURITY;
CREATE FUNCTION evil(int) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    IF current_user <> 'regress_ver_owner' THEN RAISE WARNING 'I am %', current_user; END IF;
    RETURN true;
END$$;
ALTER TABLE c ADD CHECK (ver.evil(id)) NOT VALID;
ALTER TABLE c OWNER TO regress_ver_owner;
ALTER TABLE p OWNER TO regress_ver_owner;
ALTER FUNCTION evil OWNER TO regress_ver_owner;
SELECT DISTINCT result, reason FROM live WHERE test !~ 'parent';
ALTER TABLE c DROP CONSTRAINT c_id_check;
GRANT CREATE ON SCHEMA ver TO regress_ver_owner;
SET ROLE regress_ver_owner;
CREATE INDEX ON c (id) WHERE ver.evil(1);
RESET ROLE;
SELECT DISTINCT result, reason FROM live;
SELECT sg_plan_create('ver', replace => true);
SELECT sg_plan_add_fk('ver', 'c', '{p}', 'p');
SELECT operation, reason FROM schemaguard.sg_measure_overhead('ver');
SET ROLE regress_ver_owner;
SELECT test, result, reason FROM sg_verify_fks_details(live => true) WHERE test ~ 'live';
RESET ROLE;
DROP TABLE c, p;

-- the row that is fit is far away: parents have many children each, but one; or another key refuses all but one
CREATE TABLE p (id int PRIMARY KEY);
CREATE TABLE c (id int PRIMARY KEY, p int CONSTRAINT far REFERENCES p ON DELETE CASCADE);
CREATE TABLE stop (p int CONSTRAINT refuses REFERENCES p);
INSERT INTO p SELECT generate_series(1, 301);
INSERT INTO c SELECT g, g % 100 + 1 FROM generate_series(1, 15000) g;
INSERT INTO c SELECT 20000 + g, g FROM generate_series(101, 301) g;
INSERT INTO stop SELECT generate_series(1, 300);
SELECT sg_plan_create('ver', replace => true);
SELECT sg_plan_add_fk('ver', 'c', '{p}', 'p', fk_name => 'far', on_delete => 'cascade');
SELECT test, observed, result, reason FROM sg_verify_fks_details('ver', live => true) WHERE test = 'live: delete a parent';
CREATE INDEX ON c (p);
SELECT test, observed, result, reason FROM sg_verify_fks_details('ver', live => true) WHERE test = 'live: delete a parent';
INSERT INTO stop VALUES (301);
-- some reach too many rows, and all are refused: which of them is told depends on the row that was looked at last
SELECT test, observed, result, split_part(reason, ':', 1) AS reason FROM sg_verify_fks_details('ver', live => true) WHERE test = 'live: delete a parent';
DROP TABLE stop;
-- a column that goes while the key is tried: no verdict, and no error
BEGIN;
DELETE FROM pg_attribute WHERE attrelid = 'c'::regclass AND attname = 'p';
SELECT test, observed, result FROM sg_verify_fks_details(live => true) WHERE fk_name = 'far' AND test ~ 'live';
ROLLBACK;
DROP TABLE c, p;

-- what a key costs
CREATE TABLE p (id int PRIMARY KEY, note text);
CREATE TABLE c (id serial PRIMARY KEY, p int, q int, u int UNIQUE, doc json DEFAULT '{}');
INSERT INTO p SELECT g, 'x' FROM generate_series(1, 50) g;
INSERT INTO c (p, q, u) SELECT g, NULL, g FROM generate_series(1, 40) g;
CREATE INDEX ON c (p);
CREATE TRIGGER t AFTER INSERT OR UPDATE OR DELETE ON c FOR EACH ROW EXECUTE FUNCTION fire();
SELECT sg_plan_create('ver', replace => true);
SELECT sg_plan_add_fk('ver', 'c', '{p}', 'p', on_delete => 'cascade', "deferrable" => true, initially_deferred => true);
SELECT sg_plan_add_fk('ver', 'c', '{q}', 'p');
SELECT sg_plan_add_fk('ver', 'c', '{u}', 'p');
SELECT sg_plan_add_fk('ver', 'c', '{u}', 'gone');
SELECT sg_plan_add_fk('ver', 'c', '{q}', 'c');
SELECT sg_plan_skip('ver', '{5}', 'not wanted');
SELECT fingerprint() AS before \gset
SELECT step, operation, rows, without_us > 0 AS w, with_us > 0 AS k, ratio > 0 AS r,
       without_q1_us <= without_us AND without_us <= without_q3_us AND with_q1_us <= with_us AND with_us <= with_q3_us AS sorted,
       nullif(regexp_replace(reason, '(; )?the quartiles overlap: .*', ''), '') AS reason
FROM schemaguard.sg_measure_overhead('ver', sample => 30, rounds => 3);
-- quartiles that overlap are told, and no others
CREATE TEMP TABLE noise AS SELECT m.*, with_q1_us <= without_q3_us AND without_q1_us <= with_q3_us AS overlap
FROM generate_series(1, 20) g, schemaguard.sg_measure_overhead('ver', sample => 2, rounds => 2 + g) m;
SELECT count(*) FILTER (WHERE overlap <> (coalesce(reason, '') ~ 'the quartiles overlap')) AS wrong FROM noise WHERE ratio IS NOT NULL;
-- three digits
SELECT count(*) FROM schemaguard.sg_measure_overhead('ver', sample => 30, rounds => 3) m, unnest(ARRAY[without_us, with_q1_us, with_us, with_q3_us, ratio]) f
  WHERE length(ltrim(regexp_replace(f::numeric::text, '\.|0+$', '', 'g'), '0')) > 3 AND f < 1000;
SELECT fingerprint() = :'before' AS unchanged, (SELECT last_value FROM fired) AS fired;
SELECT count(*) FROM pg_class WHERE relname LIKE 'schemaguard%';
BEGIN;
SELECT count(*) FROM schemaguard.sg_measure_overhead('ver', 30, 1);
SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid() AND relation IN ('p'::regclass, 'c'::regclass, 'c_pkey'::regclass);
COMMIT;
SELECT * FROM schemaguard.sg_measure_overhead('ver', sample => 0);
SELECT * FROM schemaguard.sg_measure_overhead('ver', rounds => NULL);
SELECT * FROM schemaguard.sg_measure_overhead('no such plan');
BEGIN READ ONLY;
SELECT * FROM schemaguard.sg_measure_overhead('ver');
ROLLBACK;

-- what progress shows, seen from within a statement that is tried, and one that is measured
CREATE FUNCTION seen(id int) RETURNS boolean LANGUAGE plpgsql STABLE AS $$
DECLARE
  r record;
BEGIN
  PERFORM pg_stat_clear_snapshot();
  SELECT plan, step, action, phase, object, done, total, unit INTO r FROM schemaguard.progress WHERE pid = pg_backend_pid();
  RAISE WARNING '%', r;
  RETURN true;
END $$;
CREATE TABLE wp (id int PRIMARY KEY);
CREATE TABLE wc (id int PRIMARY KEY, p int CONSTRAINT watched REFERENCES wp);
INSERT INTO wp VALUES (1);
INSERT INTO wc VALUES (1, 1);
ALTER TABLE wc ADD CHECK (ver.seen(id)) NOT VALID;
SELECT sg_plan_create('ver', replace => true);
SELECT sg_plan_add_fk('ver', 'wc', '{p}', 'wp', fk_name => 'watched');
SELECT test, result FROM sg_verify_fks_details('ver', live => true) WHERE test ~ 'live';
SELECT operation, reason FROM schemaguard.sg_measure_overhead('ver', sample => 1, rounds => 1);
SELECT * FROM schemaguard.progress;
-- rows that have changed since the caller's statement began are tried as they are now
DROP TABLE wc, wp;
CREATE TABLE np (id int PRIMARY KEY, n int);
CREATE TABLE nc (id int PRIMARY KEY, p int CONSTRAINT newer REFERENCES np);
INSERT INTO np VALUES (1, 0);
INSERT INTO nc VALUES (1, 1);
CREATE FUNCTION touched() RETURNS boolean LANGUAGE plpgsql AS 'BEGIN UPDATE ver.np SET n = n + 1; UPDATE ver.nc SET id = id; RETURN true; END';
SELECT v.test, v.result, v.reason FROM touched() t, LATERAL sg_verify_fks_details(live => t) v WHERE v.fk_name = 'newer' AND v.test ~ 'live';
SELECT sg_plan_drop('ver', force => true);
SET client_min_messages = error;
DROP SCHEMA ver CASCADE;
SELECT sg_revoke(r) FROM unnest('{regress_ver,regress_ver_owner}'::text[]) r \g /dev/null
DROP ROLE regress_ver, regress_ver_owner;
