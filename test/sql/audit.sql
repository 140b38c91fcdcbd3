-- sg_orphan_audit and sg_orphans: verdicts, states, reasons, bad input
-- rooms: audit report
\set VERBOSITY terse
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS schemaguard;
RESET client_min_messages;
CREATE SCHEMA aud;
SET search_path = aud, public;

-- what the tests look at: everything but times and samples, which are in no order
CREATE FUNCTION verdicts(child regclass DEFAULT NULL, plan text DEFAULT NULL)
RETURNS TABLE (fk text, source text, state text, n bigint, orphans bigint, keys bigint, samples int, result text, reason text)
LANGUAGE sql AS $$
  SELECT fk_name, source, state, rows_checked, orphan_rows, orphan_keys, jsonb_array_length(sample), result, reason
  FROM sg_orphan_audit_details(child, plan)
$$;

-- a database without keys says what to do next
SELECT * FROM sg_orphan_audit_details();

CREATE TABLE parent (id int PRIMARY KEY, code text UNIQUE, a int, b int, UNIQUE (a, b));
CREATE TABLE child (id int PRIMARY KEY, parent_id int, code text, a int, b int);
INSERT INTO parent SELECT g, 'c' || g, g, g % 3 FROM generate_series(1, 10) g;
INSERT INTO child VALUES (1, 1, 'c1', 1, 1), (2, 2, 'c2', 2, 2), (3, 99, 'c99', 1, 2), (4, 99, NULL, 1, NULL),
                         (5, 98, 'c1', NULL, NULL), (6, NULL, 'x', 3, 0);
SELECT * FROM sg_orphan_audit_details('child');

-- counts: NOT VALID keys, MATCH SIMPLE and FULL
ALTER TABLE child ADD CONSTRAINT fk_id FOREIGN KEY (parent_id) REFERENCES parent NOT VALID,
    ADD CONSTRAINT fk_code FOREIGN KEY (code) REFERENCES parent (code) NOT VALID,
    ADD CONSTRAINT fk_simple FOREIGN KEY (a, b) REFERENCES parent (a, b) NOT VALID,
    ADD CONSTRAINT fk_swapped FOREIGN KEY (b, a) REFERENCES parent (b, a) NOT VALID,
    ADD CONSTRAINT fk_full FOREIGN KEY (a, b) REFERENCES parent (a, b) MATCH FULL NOT VALID;
SELECT * FROM verdicts('child');
SELECT fk_name, child_table, child_columns, parent_table, parent_columns, method FROM sg_orphan_audit_details('child');
SELECT sample FROM sg_orphan_audit_details('child') WHERE fk_name = 'fk_simple';
SELECT jsonb_array_length(sample) FROM sg_orphan_audit_details('child', samples => 1) WHERE fk_name = 'fk_id';
SELECT sample IS NULL FROM sg_orphan_audit_details('child', samples => 0) WHERE fk_name = 'fk_id';

-- the rows themselves
SELECT row_table, key, data FROM sg_fk_orphans('child', 'fk_id') ORDER BY data ->> 'id';
SELECT count(*) FROM sg_fk_orphans('child', 'fk_id', 2);
SELECT key FROM sg_orphans('child', ARRAY['parent_id'], 'parent') ORDER BY 1;
SELECT key FROM sg_orphans('child', ARRAY['b','a'], 'parent', '{b,a}');
-- ... and what a user does with them
DELETE FROM child c USING sg_fk_orphans('child', 'fk_id') o WHERE c.ctid = o.row_id;
SELECT * FROM verdicts('child') WHERE fk = 'fk_id';

-- states: not valid, valid, unarmed
ALTER TABLE child VALIDATE CONSTRAINT fk_id;
SELECT fk, state, result, reason FROM verdicts('child') WHERE fk = 'fk_id';
ALTER TABLE child DISABLE TRIGGER ALL;
INSERT INTO child VALUES (7, 77, NULL, NULL, NULL);
SELECT * FROM verdicts('child') WHERE fk = 'fk_id';
ALTER TABLE child ENABLE TRIGGER ALL;
ALTER TABLE parent DISABLE TRIGGER ALL;
SELECT fk, state, result, reason FROM verdicts('child') WHERE fk = 'fk_id';
ALTER TABLE parent ENABLE TRIGGER ALL;
-- a valid key with orphans: VALIDATE does nothing, the audit finds them
ALTER TABLE child VALIDATE CONSTRAINT fk_id;
SELECT * FROM verdicts('child') WHERE fk = 'fk_id';
DELETE FROM child WHERE id = 7;
-- deferrable keys are armed
ALTER TABLE child ADD CONSTRAINT fk_deferred FOREIGN KEY (parent_id) REFERENCES parent DEFERRABLE INITIALLY DEFERRED NOT VALID;
SELECT fk, state FROM verdicts('child') WHERE fk = 'fk_deferred';
DROP TABLE child;

-- rows of an inheritance child are no parents, and are not checked either
CREATE TABLE child (id int, parent_id int);
CREATE TABLE parent_heir () INHERITS (parent);
CREATE TABLE child_heir () INHERITS (child);
INSERT INTO parent_heir VALUES (50, 'c50', 50, 50);
INSERT INTO child VALUES (1, 50), (2, 1);
INSERT INTO child_heir VALUES (3, 51);
ALTER TABLE child ADD CONSTRAINT fk_id FOREIGN KEY (parent_id) REFERENCES parent NOT VALID;
SELECT * FROM verdicts('child');
DROP TABLE child, parent_heir CASCADE;

-- partitions: one row per key, clones left out, row_table names the partition
CREATE TABLE part (id int, parent_id int) PARTITION BY LIST (id);
CREATE TABLE part_1 PARTITION OF part FOR VALUES IN (1);
CREATE TABLE part_2 PARTITION OF part FOR VALUES IN (2) PARTITION BY LIST (parent_id);
CREATE TABLE part_2_default PARTITION OF part_2 DEFAULT;
ALTER TABLE part ADD CONSTRAINT fk_part FOREIGN KEY (parent_id) REFERENCES parent;
SET session_replication_role = replica;
INSERT INTO part VALUES (1, 1), (1, 500), (2, 600), (2, NULL);
RESET session_replication_role;
SELECT * FROM verdicts();
SELECT row_table, key FROM sg_fk_orphans('part', 'fk_part') ORDER BY 1;
SELECT * FROM verdicts('part_1');
ALTER TABLE part_2_default DISABLE TRIGGER ALL;
SELECT state, reason FROM verdicts('part');
DROP TABLE part;
-- a partitioned parent
CREATE TABLE pp (id int PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE pp_low PARTITION OF pp FOR VALUES FROM (0) TO (10);
CREATE TABLE pp_rest PARTITION OF pp DEFAULT;
INSERT INTO pp VALUES (1), (20);
CREATE TABLE child (pid int CONSTRAINT fk_pp REFERENCES pp);
INSERT INTO child VALUES (1), (20);
SELECT * FROM verdicts('child');
DROP TABLE child, pp;

-- operators and collations are the constraint's own
CREATE TABLE f8 (v float8 PRIMARY KEY);
CREATE TABLE f4 (v float4);
INSERT INTO f8 VALUES (0.1), (0.5);
INSERT INTO f4 VALUES (0.1), (0.5);
ALTER TABLE f4 ADD CONSTRAINT fk_f FOREIGN KEY (v) REFERENCES f8 NOT VALID;
SELECT * FROM verdicts('f4');
CREATE TABLE n (v numeric PRIMARY KEY);
CREATE DOMAIN posint AS int CHECK (VALUE > 0);
CREATE TABLE nc (v posint CONSTRAINT fk_n REFERENCES n);
INSERT INTO n VALUES (1.00), (2);
INSERT INTO nc VALUES (1), (2);
SELECT * FROM verdicts('nc');
DROP TABLE f8, f4, n, nc;
CREATE TABLE tc (v text COLLATE "C" PRIMARY KEY);
CREATE TABLE tp (v varchar(10) COLLATE "POSIX" CONSTRAINT fk_t REFERENCES tc);
INSERT INTO tc VALUES ('a');
INSERT INTO tp VALUES ('a');
SELECT * FROM verdicts('tp');
DROP TABLE tc, tp;

-- a composite value with a null field is a value
CREATE TYPE point2 AS (x int, y int);
CREATE TABLE spots (p point2 PRIMARY KEY);
CREATE TABLE visits (p point2 CONSTRAINT fk_spot REFERENCES spots);
INSERT INTO spots VALUES ((1, NULL)), ((NULL, NULL));
INSERT INTO visits VALUES ((1, NULL)), ((NULL, NULL)), (NULL);
SELECT * FROM verdicts('visits');
SET session_replication_role = replica;
INSERT INTO visits VALUES ((2, NULL));
RESET session_replication_role;
SELECT * FROM verdicts('visits');
DROP TABLE spots, visits;

-- a key with MATCH FULL is not judged by one with MATCH SIMPLE on the same columns
CREATE TABLE mp (a int, b int, PRIMARY KEY (a, b));
CREATE TABLE mc (a int, b int, CONSTRAINT declared_simple FOREIGN KEY (a, b) REFERENCES mp);
INSERT INTO mc VALUES (1, NULL);
SELECT sg_plan_create('full');
SELECT sg_plan_add_fk('full', 'mc', '{a,b}', 'mp', match => 'full', fk_name => 'planned_full', index => false);
SELECT fk, source, state, orphans, result FROM verdicts('mc');
SELECT fk, source, state, orphans, result FROM verdicts(plan => 'full');
SELECT sg_plan_drop('full');
DROP TABLE mc, mp;

-- hostile names
CREATE TABLE "We""ird.T a" ("a."";id;drop" int PRIMARY KEY, fk int, k1 int, o int);
CREATE TABLE "pk" ("fk" int, "o" int, "k1" int);
INSERT INTO "We""ird.T a" VALUES (1, 1, 1, 1);
INSERT INTO pk VALUES (1, 2, 3), (2, 1, 1);
ALTER TABLE pk ADD CONSTRAINT "fk'\""x" FOREIGN KEY (fk) REFERENCES "We""ird.T a" NOT VALID;
SELECT * FROM verdicts('pk');
SELECT * FROM sg_fk_orphans('pk', E'fk\'\\"x');
SELECT * FROM sg_orphans('pk', ARRAY['o'], '"We""ird.T a"', ARRAY['a.";id;drop']);
DROP TABLE pk, "We""ird.T a";

-- a self-reference
CREATE TABLE tree (id int PRIMARY KEY, up int CONSTRAINT fk_up REFERENCES tree);
INSERT INTO tree VALUES (1, NULL), (2, 1), (3, 2);
SELECT * FROM verdicts('tree');

-- unreadable tables are unknown with the reason, the rest goes on
CREATE TABLE secret (id int PRIMARY KEY, tree_id int CONSTRAINT fk_secret REFERENCES tree);
CREATE ROLE regress_sg_reader;
GRANT USAGE ON SCHEMA aud TO regress_sg_reader;
GRANT SELECT ON tree TO regress_sg_reader;
SET ROLE regress_sg_reader;
SELECT fk, state, n, result, reason FROM verdicts();
SELECT * FROM sg_fk_orphans('secret', 'fk_secret');
RESET ROLE;
-- columns suffice
GRANT SELECT (tree_id) ON secret TO regress_sg_reader;
SET ROLE regress_sg_reader;
SELECT fk, result, reason FROM verdicts('secret');
RESET ROLE;
-- rows that a policy would hide
ALTER TABLE tree ENABLE ROW LEVEL SECURITY;
SET ROLE regress_sg_reader;
SELECT fk, result, reason FROM verdicts();
RESET ROLE;
SELECT fk, result FROM verdicts();
ALTER TABLE tree DISABLE ROW LEVEL SECURITY;
-- the log: a role without the grant leaves nothing in it; one that has it sees its own runs
SELECT count(*) FROM schemaguard.audit_log WHERE role = 'regress_sg_reader';
SELECT sg_grant('regress_sg_reader') \g /dev/null
SET ROLE regress_sg_reader;
SELECT count(*) > 0 AS judged FROM sg_orphan_audit_details();
SELECT DISTINCT role, action, phase FROM schemaguard.audit_log;
RESET ROLE;

-- nothing is logged in a read-only transaction
SELECT count(*) AS before FROM schemaguard.audit_log \gset
BEGIN READ ONLY;
SELECT fk, result FROM verdicts();
COMMIT;
SELECT count(*) - :before AS logged FROM schemaguard.audit_log;

-- in a transaction's own snapshot
BEGIN ISOLATION LEVEL REPEATABLE READ;
SELECT fk, result FROM verdicts('tree');
COMMIT;

-- row triggers, policies and rules play no part; parallel plans give the same
SET max_parallel_workers_per_gather = 2;
SET parallel_setup_cost = 0;
SET parallel_tuple_cost = 0;
SET min_parallel_table_scan_size = 0;
INSERT INTO tree SELECT g, g - 1 FROM generate_series(4, 5000) g;
SELECT * FROM verdicts('tree');
RESET ALL;
SET search_path = aud, public;

-- what planning evaluates in a table of somebody else's runs as that somebody, not as the auditor
CREATE ROLE regress_sg_owner;
CREATE ROLE regress_sg_other;
GRANT USAGE, CREATE ON SCHEMA aud TO regress_sg_owner, regress_sg_other;
GRANT SELECT, REFERENCES ON tree TO regress_sg_owner, regress_sg_other;
SET ROLE regress_sg_owner;
CREATE FUNCTION tells(int) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN true; END $$;
CREATE TABLE trap (id int PRIMARY KEY, up int CONSTRAINT fk_trap REFERENCES tree);
CREATE INDEX ON trap (up) WHERE tells(1);
INSERT INTO trap VALUES (1, 1);
CREATE OR REPLACE FUNCTION tells(int) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN IF current_user <> 'regress_sg_owner' THEN RAISE WARNING 'code of the owner runs as somebody else'; END IF; RETURN true; END $$;
RESET ROLE;
\c -
\set VERBOSITY terse
SET search_path = aud, public;
SELECT * FROM verdicts('trap');
-- a third role's parent with such an index: not even the child's owner may read it for us
GRANT SELECT, REFERENCES ON trap TO regress_sg_other;
SET ROLE regress_sg_other;
CREATE TABLE victim (up int CONSTRAINT fk_victim REFERENCES trap);
RESET ROLE;
SELECT * FROM verdicts('victim') \gx
DROP TABLE victim, trap;
DROP FUNCTION tells;

-- bad input
SELECT sg_orphan_audit_details(samples => NULL);
SELECT sg_orphan_audit_details(samples => -1);
SELECT sg_orphan_audit_details(inferred => NULL);
SELECT fk_name, source, result FROM sg_orphan_audit_details(inferred => true);
SELECT sg_orphan_audit_details(plan => 'no such plan');
SELECT sg_orphan_audit_details(child => 0);
SELECT sg_fk_orphans(NULL, 'x');
SELECT sg_fk_orphans('tree', NULL::text);
SELECT sg_fk_orphans('tree', 'no_such_key');
SELECT sg_fk_orphans('tree', repeat('x', 64));
SELECT sg_fk_orphans('tree', 'fk_up', NULL);
SELECT sg_fk_orphans('tree', 'fk_up', -1);
SELECT sg_orphans('tree', NULL::text[], 'tree');
SELECT sg_orphans('tree', ARRAY['up'], NULL);
SELECT sg_orphans('tree', ARRAY['up',NULL], 'tree');
SELECT sg_orphans('tree', ARRAY[['up'],['id']], 'tree');
SELECT sg_orphans('tree', ARRAY['nope'], 'tree');
SELECT sg_orphans('tree', ARRAY['up'], 'tree', '{nope}');
SELECT sg_orphans('tree', ARRAY['up','id'], 'tree');
SELECT sg_orphans('tree', ARRAY['up','up'], 'tree', '{id,id}');
SELECT sg_orphans('tree', ARRAY['up'], 'secret', '{tree_id}');
SELECT sg_orphans('tree', ARRAY['ctid'], 'tree');
SELECT sg_orphans('tree', '{}'::text[], 'tree');
SELECT sg_orphans('tree', ARRAY['up'], 'tree', '{}');
SELECT sg_orphans('tree', ARRAY[repeat('x', 64)], 'tree');
CREATE VIEW v AS SELECT 1 AS id;
SELECT sg_orphans('v', ARRAY['id'], 'tree');
SELECT sg_orphans('tree', ARRAY['up'], 'v');
SELECT sg_orphans('pg_class', ARRAY['oid'], 'tree');
SELECT * FROM sg_orphan_audit_details('v');

-- only keys whose child is in some schemas; only some steps of a plan
CREATE SCHEMA "aud Two";
CREATE TABLE "aud Two".kids (p int CONSTRAINT kid REFERENCES parent, q int);
INSERT INTO "aud Two".kids VALUES (1, 1), (NULL, 77);
SELECT sg_plan_create('aud_some');
SELECT sg_plan_add_fk('aud_some', '"aud Two".kids', '{q}', 'parent', fk_name => 'q'), sg_plan_add_fk('aud_some', 'aud.nowhere', '{a}', 'parent', fk_name => 'n'),
       sg_plan_add_fk('aud_some', '"aud Two".nowhere', '{a}', 'parent', fk_name => 'm');
SELECT fk_name, child_table, rows_checked, orphan_rows, result FROM sg_orphan_audit_details(schemas => '{"aud Two","aud Two"}');
SELECT DISTINCT split_part(child_table, '.', 1) AS schema FROM sg_orphan_audit_details(schemas => '{aud}') ORDER BY 1;
SELECT fk_name, source FROM sg_orphan_audit_details(schemas => '{"aud Two"}', plan => 'aud_some', steps => '{2,1}');
SELECT fk_name, source FROM sg_orphan_audit_details('"aud Two".kids', schemas => '{aud}');
SELECT fk_name FROM sg_orphan_audit_details('"aud Two".kids', schemas => '{"aud Two"}') ORDER BY 1;
\set VERBOSITY default
CREATE SCHEMA aud_empty;
SELECT fk_name FROM sg_orphan_audit_details(schemas => '{aud_empty}');
DROP SCHEMA aud_empty;
DO $$
DECLARE hint text;
BEGIN
  PERFORM sg_orphan_audit_details(schemas => '{aud,"aud Three"}');
EXCEPTION WHEN invalid_schema_name THEN
  GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
  RAISE NOTICE '%; %', SQLERRM, hint ~ '^These schemas exist: .*"aud Two"';
END $$;
SELECT * FROM sg_orphan_audit_details(schemas => '{}');
SELECT * FROM sg_orphan_audit_details(schemas => '{aud,NULL}');
\echo :LAST_ERROR_SQLSTATE
SELECT * FROM sg_orphan_audit_details(steps => '{1}');
SELECT * FROM sg_orphan_audit_details(plan => 'aud_some', steps => '{1,7}');
SELECT sg_plan_drop('aud_some');
SET client_min_messages = warning;
DROP SCHEMA "aud Two" CASCADE;
RESET client_min_messages;
\set VERBOSITY terse

-- a name that is none: what is nearest; of the audit's table, a plan
\set VERBOSITY default
SELECT sg_plan_create('treehouse');
SELECT count(*) FROM sg_orphan_audit_details('treehouse');
SELECT count(*) FROM sg_orphan_audit_details('tre');
SELECT count(*) FROM sg_orphan_audit_details('nowhere.tree');
SELECT count(*) FROM sg_orphan_audit_details('there is none');
SELECT count(*) FROM sg_orphan_audit_details('wholly_another');
-- terse: 19 gives a hint of its own
\set VERBOSITY terse
SELECT count(*) FROM sg_orphan_audit_details(0.5);
\set VERBOSITY default
SELECT count(*) FROM sg_orphan_audit_details(4000000000::oid);
SELECT count(DISTINCT n) FROM (SELECT count(*) AS n FROM sg_orphan_audit_details('tree') UNION ALL SELECT count(*) FROM sg_orphan_audit_details('aud.tree'::varchar)
  UNION ALL SELECT count(*) FROM sg_orphan_audit_details('tree'::regclass) UNION ALL SELECT count(*) FROM sg_orphan_audit_details('tree'::regclass::oid)
  UNION ALL SELECT count(*) FROM sg_orphan_audit_details('tree'::regclass::oid::bigint)
  UNION ALL SELECT count(*) FROM sg_orphan_audit_details('tree'::regclass::oid::text)
  UNION ALL SELECT count(*) FROM sg_orphan_audit_details(quote_ident(current_database()) || '.aud."tree"')
  UNION ALL SELECT count(*) FROM sg_orphan_audit_details(child => 'tree'::name, samples => 0)) x;
SELECT count(*) FROM sg_orphan_audit_details(0::smallint);
-- what a text can be besides
SELECT count(*) FROM sg_orphan_audit_details('4000000000');
SELECT count(*) FROM sg_orphan_audit_details('40000000000');
SELECT count(*) FROM sg_orphan_audit_details('"Else where".aud.tree');
SELECT count(*) FROM sg_orphan_audit_details('a.b.c.d');
SELECT count(*) FROM sg_orphan_audit_details(4294967296);
SELECT sg_orphans('tree', '{upp}', 'tree');
SELECT sg_orphans('tree', '{up}', 'tree', '{ide}');
SELECT sg_fk_orphans('tree', 'fk_upp');
SELECT * FROM sg_plan_sql('treehaus');
SELECT sg_plan_drop('treehouse');
\set VERBOSITY terse
-- The planner evaluates what stands in an index, in nobody's name: somebody may have made it a moment ago
CREATE FUNCTION aud.who() RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN RAISE NOTICE 'evaluated as %', current_user; RETURN 1; EXCEPTION WHEN undefined_object THEN RAISE NOTICE 'evaluated as nobody'; RETURN 1; END$$;
CREATE TABLE aud.gate (id int PRIMARY KEY);
CREATE TABLE aud.pass (gate_id int);
SET client_min_messages = error;
CREATE INDEX ON aud.pass ((aud.who() + gate_id));
RESET client_min_messages;
SELECT count(*) FROM sg_orphans('aud.pass', '{gate_id}', 'aud.gate');

-- No lock keeps the owner of a type from making a cast, or a check of a domain: nobody but that owner reads what could run it
CREATE TYPE aud.mood AS ENUM ('x');
CREATE DOMAIN aud.worded AS text;
ALTER TYPE aud.mood OWNER TO regress_sg_other;
ALTER DOMAIN aud.worded OWNER TO regress_sg_other;
CREATE TABLE aud.moody (gate_id int, mood aud.mood, note text CHECK (note::aud.worded IS NOT NULL));
INSERT INTO aud.moody VALUES (1, 'x', 'y');
SELECT fk_name, result FROM sg_orphan_audit_details('aud.moody');
SELECT count(*) FROM sg_orphans('aud.moody', '{gate_id}', 'aud.gate');
SELECT result, reason FROM sg_rule_audit_details('aud.moody');
ALTER TABLE aud.moody OWNER TO regress_sg_other;
GRANT USAGE ON SCHEMA aud TO regress_sg_other;
GRANT SELECT ON aud.gate TO regress_sg_other;
SELECT count(*) FROM sg_orphans('aud.moody', '{gate_id}', 'aud.gate');
SELECT result, reason FROM sg_rule_audit_details('aud.moody');

DROP SCHEMA aud CASCADE;
SELECT sg_revoke('regress_sg_reader') \g /dev/null
DROP ROLE regress_sg_reader, regress_sg_owner, regress_sg_other;
