-- A step whose columns are filled on the way: another type, a table of pairs, rows that are written meanwhile
-- rooms: deploy
\set VERBOSITY terse
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS schemaguard;
CREATE SCHEMA dbf;
SET search_path = dbf, public;
CREATE VIEW steps AS
  SELECT step, fk_name, state, reason FROM schemaguard.plan_step WHERE plan = 'dbf' ORDER BY step;
CREATE VIEW log AS
  SELECT step, action, phase, object, sqlstate, message, rows_affected, orphan_rows FROM schemaguard.audit_log
  WHERE plan = 'dbf' AND action NOT LIKE 'plan %' AND phase <> 'started' ORDER BY id;
CREATE VIEW keys AS
  SELECT conrelid::regclass AS child, conname, convalidated AS valid, pg_get_constraintdef(oid) AS definition
  FROM pg_constraint WHERE contype = 'f' AND connamespace = 'dbf'::regnamespace AND conparentid = 0
  ORDER BY conrelid::regclass::text COLLATE "C", conname;
CREATE VIEW fillers AS
  SELECT tgrelid::regclass AS "table" FROM pg_trigger WHERE tgname LIKE '~schemaguard%'
  UNION ALL SELECT NULL FROM pg_proc WHERE proname LIKE '~schemaguard%';
-- SECURITY DEFINER functions of ours that belong to another than the owner of the table that they serve
CREATE VIEW lent AS
  SELECT t.tgrelid::regclass AS "table", p.proowner::regrole AS owner
  FROM pg_proc p LEFT JOIN pg_trigger t ON t.tgfoid = p.oid LEFT JOIN pg_class c ON c.oid = t.tgrelid
  WHERE p.proname LIKE '~schemaguard%' AND p.proowner IS DISTINCT FROM c.relowner;
-- What a statement raises: SQLSTATE, message, and whether there is a hint.
CREATE FUNCTION raises(command text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  state text;
  message text;
  hint text;
BEGIN
  EXECUTE command;
  RETURN 'nothing';
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, hint = PG_EXCEPTION_HINT;
  RETURN format('%s %s%s', state, message, CASE WHEN hint = '' THEN ' (no hint)' ELSE '' END);
END
$$;

CREATE DOMAIN code AS varchar(20) COLLATE "C" NOT NULL CHECK (VALUE <> '');
CREATE TABLE old_customers (id int PRIMARY KEY);
CREATE TABLE customers (code code PRIMARY KEY, old_id int UNIQUE);
INSERT INTO old_customers SELECT generate_series(1, 1000);
INSERT INTO customers SELECT 'c' || g, g FROM generate_series(1, 990) g;
CREATE TABLE "or""ders" (id int PRIMARY KEY, customer_id int CONSTRAINT old_key REFERENCES old_customers, v1 text, note text);
INSERT INTO "or""ders" SELECT g, nullif(g % 1001, 0) FROM generate_series(1, 20000) g;

-- some have no counterpart: the step stops, the old key stays, and rows that are written are filled
SELECT sg_plan_create('dbf');
SELECT sg_plan_add_fk('dbf', '"or""ders"', '{customer_code}', 'customers', replaces => 'old_key', fk_name => 'new_key', index => false,
  backfill => $$(SELECT c.code FROM dbf.customers c WHERE c.old_id = customer_id) -- "or""ders"$$);
SELECT left(split_part(s, E'\n', 1), 70) AS statement FROM sg_plan_sql('dbf') s;
SELECT check_name, result, detail FROM sg_plan_check_details('dbf') WHERE result <> 'ok';
-- the index that the column will have, once it is there
SELECT sg_plan_set('dbf', '{1}', '{"index": true}');
SELECT s FROM sg_plan_sql('dbf') s WHERE s ~ 'index|INDEX';
SELECT sg_plan_set('dbf', '{1}', '{"index": false}');
-- without the NOTICE that sums up, which tells how long it took where the server is slow
CALL sg_add_fks('dbf');
RESET client_min_messages;
TABLE steps;
TABLE keys;
SELECT a.attname, format_type(atttypid, atttypmod), attnotnull, c.collname FROM pg_attribute a LEFT JOIN pg_collation c ON c.oid = attcollation
  WHERE attrelid = '"or""ders"'::regclass AND attnum > 4;
SELECT count(*), count(customer_id), count(customer_code), count(*) FILTER (WHERE customer_code = 'c' || customer_id) FROM "or""ders";
TABLE fillers;

-- what the application writes: values are made where it gives none, and follow the row where it does not change them
INSERT INTO "or""ders" VALUES (100001, 1), (100002, NULL), (100003, 999);
INSERT INTO "or""ders" (id, customer_id, customer_code) VALUES (100004, 1, 'c2');
UPDATE "or""ders" SET customer_id = 3 WHERE id = 100001;
UPDATE "or""ders" SET note = 'x' WHERE id IN (100001, 100004);
SELECT id, customer_id, customer_code, note FROM "or""ders" WHERE id > 100000 ORDER BY id;
-- not with the rights of who writes, and not for whom he is
CREATE ROLE regress_sg_writer;
SELECT sg_grant('regress_sg_writer') \g /dev/null
GRANT USAGE ON SCHEMA dbf TO regress_sg_writer;
GRANT INSERT (id, customer_id) ON "or""ders" TO regress_sg_writer;
SET ROLE regress_sg_writer;
INSERT INTO "or""ders" (id, customer_id) VALUES (100005, 5);
RESET ROLE;
SELECT id, customer_code FROM "or""ders" WHERE id = 100005;
SELECT pronamespace::regnamespace AS schema, proacl IS NOT NULL AND NOT has_function_privilege('regress_sg_writer', oid, 'EXECUTE') AS not_public,
    prosecdef, proconfig
  FROM pg_proc WHERE proname LIKE '~schemaguard%';
-- an expression that fails does not stop the application
ALTER TABLE customers RENAME TO elsewhere;
INSERT INTO "or""ders" VALUES (100006, 6);
ALTER TABLE elsewhere RENAME TO customers;
SELECT id, customer_code FROM "or""ders" WHERE id = 100006;

-- mended: as far as NOT VALID, then the rest
DELETE FROM "or""ders" WHERE id IN (100003);
INSERT INTO customers SELECT 'c' || g, g FROM generate_series(991, 1000) g;
CALL sg_add_fks('dbf', validate => false);
TABLE fillers;
UPDATE "or""ders" SET customer_id = 7 WHERE id = 100005;
SELECT id, customer_code FROM "or""ders" WHERE id IN (100005, 100006) ORDER BY id;
-- a row that came past the trigger is filled before the old key goes
SET session_replication_role = replica;
INSERT INTO "or""ders" VALUES (100007, 7);
RESET session_replication_role;
CALL sg_add_fks('dbf');
TABLE steps;
TABLE keys;
TABLE fillers;
TABLE log \gx
SELECT count(*) FILTER (WHERE customer_id IS NOT NULL AND customer_code IS NULL) FROM "or""ders";
-- a finished plan changes nothing; each start has one outcome
SELECT max(id) AS last FROM schemaguard.audit_log \gset
CALL sg_add_fks('dbf');
SELECT count(*) FROM schemaguard.audit_log WHERE id > :last;
SELECT * FROM sg_plan_sql('dbf');
SELECT count(*) FROM schemaguard.audit_log s WHERE plan = 'dbf' AND phase = 'started'
  AND (SELECT count(*) FROM schemaguard.audit_log o WHERE o.started_id = s.id) <> 1;
-- no value of a row in the log
SELECT count(*) FROM schemaguard.audit_log l WHERE plan = 'dbf' AND l.message ~ 'c\d';

-- two columns, partitions, without an old key; with another policy what has no counterpart is left
CREATE TABLE stores (region text, nr bigint, name text, PRIMARY KEY (region, nr));
INSERT INTO stores SELECT 'r' || g % 2, g, 's' || g FROM generate_series(1, 100) g;
CREATE TABLE sales (id int, store text, region text) PARTITION BY RANGE (id);
CREATE TABLE sales_1 PARTITION OF sales FOR VALUES FROM (0) TO (500);
CREATE TABLE sales_2 (region text, id int, store text) PARTITION BY LIST (id);
CREATE TABLE sales_2d PARTITION OF sales_2 DEFAULT;
ALTER TABLE sales ATTACH PARTITION sales_2 FOR VALUES FROM (500) TO (2000);
INSERT INTO sales SELECT g, 's' || g % 110, CASE WHEN g % 3 = 0 THEN 'r' || g % 110 % 2 END FROM generate_series(0, 999) g;
SELECT sg_plan_create('dbf', replace => true);
SELECT sg_plan_add_fk('dbf', 'sales', '{region,store_nr}', 'stores', index => false, orphans => 'leave',
  backfill => '(SELECT s.region FROM dbf.stores s WHERE s.name = sales.store), (SELECT s.nr FROM dbf.stores s WHERE s.name = sales.store)');
SET client_min_messages = warning;
CALL sg_add_fks('dbf');
TABLE steps;
TABLE fillers;
SELECT count(*), count(region), count(store_nr), count(*) FILTER (WHERE 's' || store_nr = store AND region = 'r' || store_nr % 2) FROM sales;
-- what was there stays, where there is nothing to put in its place too
SELECT count(*) FROM sales WHERE region IS NOT NULL AND store_nr IS NULL;
SELECT conrelid::regclass::text COLLATE "C", convalidated FROM pg_constraint WHERE contype = 'f' AND confrelid = 'stores'::regclass ORDER BY 1;

-- ... and what a partition had before it was attached
CREATE TABLE sales_3 (id int, store text, region text, store_nr bigint);
ALTER TABLE sales ATTACH PARTITION sales_3 FOR VALUES FROM (2000) TO (3000);
CALL sg_rollback_fks('dbf');
SELECT message FROM schemaguard.audit_log WHERE plan = 'dbf' AND message LIKE '%attached%';

-- an expression that fails for a row: the step does, with what is done so far
CREATE TABLE numbers (n int PRIMARY KEY);
INSERT INTO numbers SELECT generate_series(0, 1000);
CREATE TABLE facts (id int, d int);
INSERT INTO facts SELECT g, g - 50 FROM generate_series(1, 100) g;
SELECT sg_plan_create('dbf', replace => true);
SELECT sg_plan_add_fk('dbf', 'facts', '{n}', 'numbers', index => false, backfill => 'abs(100 / d)');
CALL sg_add_fks('dbf');
TABLE steps;
-- one that can't be planned: names are looked up in pg_catalog only
SELECT sg_plan_set('dbf', '{1}', '{"backfill": "(SELECT min(n) FROM numbers)"}');
CALL sg_add_fks('dbf');
TABLE steps;
SELECT sg_plan_set('dbf', '{1}', '{"backfill": "nullif(abs(d), 0)"}');
CALL sg_add_fks('dbf');
TABLE steps;
SELECT count(*), count(n), min(n), max(n) FROM facts;
TABLE fillers;

-- taken back: the trigger goes with the key
SELECT sg_plan_create('dbf', replace => true);
ALTER TABLE facts ADD COLUMN m int CONSTRAINT old_m REFERENCES numbers;
UPDATE facts SET m = 1;
SELECT sg_plan_add_fk('dbf', 'facts', '{k}', 'numbers', replaces => 'old_m', index => false, backfill => 'm');
CALL sg_add_fks('dbf', validate => false);
TABLE fillers;
CALL sg_rollback_fks('dbf');
TABLE fillers;
SELECT * FROM keys WHERE child = 'facts'::regclass;
SELECT attname FROM pg_attribute WHERE attrelid = 'facts'::regclass AND attnum > 0 AND NOT attisdropped;
-- and comes back with it
CALL sg_add_fks('dbf');
TABLE fillers;
SELECT * FROM keys WHERE child = 'facts'::regclass;
TABLE steps;

-- a column that the plan has added goes, unless somebody uses it, or has written what the expressions do not give
CREATE TABLE taken (id int, m int CONSTRAINT old_m REFERENCES numbers);
INSERT INTO taken SELECT g, g FROM generate_series(1, 10) g;
SELECT sg_plan_create('dbf', replace => true);
SELECT sg_plan_add_fk('dbf', 'taken', '{"K k"}', 'numbers', replaces => 'old_m', index => false, backfill => 'm');
CREATE VIEW taken_log AS
  SELECT action, phase, statement, sqlstate, message FROM schemaguard.audit_log
  WHERE plan = 'dbf' AND action LIKE 'rollback %' AND object LIKE '%taken' AND phase <> 'started' ORDER BY id;
CALL sg_add_fks('dbf');
CREATE VIEW user_of_k AS SELECT "K k" FROM taken;
CALL sg_rollback_fks('dbf');
DROP VIEW user_of_k;
-- it was said once
CALL sg_rollback_fks('dbf');
CALL sg_add_fks('dbf', validate => false);
ALTER TABLE taken DROP COLUMN "K k" CASCADE;
CALL sg_add_fks('dbf', validate => false);
UPDATE taken SET "K k" = 7 WHERE id = 5;
RESET client_min_messages;
CALL sg_rollback_fks('dbf');
SET client_min_messages = warning;
SELECT id, m, "K k" FROM taken WHERE id IN (4, 5) ORDER BY id;
ALTER TABLE taken DROP COLUMN "K k";
CALL sg_add_fks('dbf', validate => false);
ALTER TABLE taken ADD COLUMN mine int, DROP COLUMN "K k" CASCADE;
CALL sg_rollback_fks('dbf');
CALL sg_add_fks('dbf', validate => false);
CREATE INDEX theirs ON taken ("K k");
CALL sg_rollback_fks('dbf');
ALTER TABLE taken DROP COLUMN "K k";
CALL sg_add_fks('dbf', validate => false);
RESET client_min_messages;
CALL sg_rollback_fks('dbf');
TABLE taken_log \gx
SELECT attname FROM pg_attribute WHERE attrelid = 'taken'::regclass AND attnum > 0 AND NOT attisdropped;
CALL sg_rollback_fks('dbf');
SET client_min_messages = warning;

-- a plan does not forget the trigger that it has made
CALL sg_add_fks('dbf', validate => false);
ALTER TABLE taken DROP CONSTRAINT "taken_K k_fkey";
SELECT sg_plan_set('dbf', '{1}', '{"priority": "high"}');
UPDATE schemaguard.plan_step SET state = 'failed' WHERE plan = 'dbf';
SELECT raises($$SELECT sg_plan_set('dbf', '{1}', '{"backfill": null}')$$);
SELECT raises($$SELECT sg_plan_set('dbf', '{1}', '{"child_table": "facts"}')$$);
SELECT raises($$SELECT sg_plan_set('dbf', '{1}', '{"backfill": "m + 0"}')$$);
-- one that is skipped has no use for it
RESET client_min_messages;
SELECT sg_plan_skip('dbf', '{1}', 'later');
TABLE fillers;
CALL sg_add_fks('dbf');
SET client_min_messages = warning;
TABLE fillers;
SELECT * FROM keys WHERE child = 'taken'::regclass;
CALL sg_rollback_fks('dbf');
SELECT attname FROM pg_attribute WHERE attrelid = 'taken'::regclass AND attnum > 0 AND NOT attisdropped;

-- nobody runs another role's expressions
CREATE ROLE regress_sg_filler;
SELECT sg_grant('regress_sg_filler') \g /dev/null
GRANT USAGE, CREATE ON SCHEMA dbf TO regress_sg_filler;
CREATE TABLE trap (id int, x int);
SET ROLE regress_sg_filler;
SELECT sg_plan_create('dbf_author');
SELECT sg_plan_add_fk('dbf_author', 'trap', '{n}', 'numbers', index => false, backfill => 'x');
RESET ROLE;
CALL sg_add_fks('dbf_author', author => 'regress_sg_filler');
SELECT state, reason FROM schemaguard.plan_step WHERE plan = 'dbf_author';
-- who makes them his own does
SELECT sg_plan_import('dbf_mine', sg_plan_export('dbf_author'));
CALL sg_add_fks('dbf_mine');
SELECT state, reason, backfill FROM schemaguard.plan_step WHERE plan = 'dbf_mine';
-- an owner who may make nothing, neither in the table's schema nor in ours
ALTER TABLE trap DROP COLUMN n;
ALTER TABLE trap OWNER TO regress_sg_filler;
REVOKE CREATE ON SCHEMA dbf FROM regress_sg_filler;
GRANT REFERENCES, SELECT ON numbers TO regress_sg_filler;
SET ROLE regress_sg_filler;
CALL sg_add_fks('dbf_author');
RESET ROLE;
SELECT state, reason FROM schemaguard.plan_step WHERE plan = 'dbf_author';

-- the function is the table's owner's, whoever deploys: what its types run, they run as him
ALTER TABLE trap DROP COLUMN n, ADD CONSTRAINT kept FOREIGN KEY (x) REFERENCES numbers;
SELECT sg_plan_create('dbf_mine', replace => true);
SELECT sg_plan_add_fk('dbf_mine', 'trap', '{n}', 'numbers', index => false, replaces => 'kept', backfill => 'x');
CALL sg_add_fks('dbf_mine', validate => false);
SELECT t.tgrelid::regclass, p.pronamespace::regnamespace, p.proowner::regrole, p.prosecdef FROM pg_trigger t JOIN pg_proc p ON p.oid = t.tgfoid
  WHERE t.tgname LIKE '~schemaguard%';
TABLE lent;
GRANT CREATE ON SCHEMA dbf TO regress_sg_filler;
SET ROLE regress_sg_filler;
CREATE TYPE dbf.mood AS ENUM ('1', '2');
CREATE TABLE ran_as (who name);
GRANT ALL ON ran_as TO PUBLIC;
CREATE FUNCTION dbf.plant(dbf.mood) RETURNS int LANGUAGE plpgsql AS $$BEGIN INSERT INTO dbf.ran_as VALUES (current_user); RETURN $1::text::int; END$$;
CREATE FUNCTION dbf.plant(int) RETURNS dbf.mood LANGUAGE plpgsql AS $$BEGIN INSERT INTO dbf.ran_as VALUES (current_user); RETURN $1::text::dbf.mood; END$$;
CREATE CAST (dbf.mood AS int) WITH FUNCTION dbf.plant(dbf.mood) AS IMPLICIT;
CREATE CAST (int AS dbf.mood) WITH FUNCTION dbf.plant(int) AS ASSIGNMENT;
ALTER TABLE trap DROP CONSTRAINT trap_n_fkey;
-- refused while the trigger stands on the column, which its owner may make anew
ALTER TABLE trap ALTER COLUMN n TYPE dbf.mood USING NULL;
SELECT regexp_replace(replace(pg_get_triggerdef(oid), 'CREATE', 'CREATE OR REPLACE'), ' WHEN .*(?= EXECUTE)', '') FROM pg_trigger
  WHERE tgrelid = 'trap'::regclass AND starts_with(tgname, '~schemaguard') \gexec
ALTER TABLE trap ALTER COLUMN n TYPE dbf.mood USING NULL;
RESET ROLE;
INSERT INTO trap (id, x) VALUES (1, 1);
SELECT * FROM trap WHERE id = 1;
SELECT DISTINCT who FROM ran_as;
-- nor do the batches run his triggers or casts as anybody else, nor code of a third role at all
TRUNCATE ran_as;
INSERT INTO trap (id, x, n) VALUES (4, 1, NULL), (5, 2, NULL);
UPDATE trap SET n = NULL;
SET ROLE regress_sg_filler;
CREATE FUNCTION dbf.witness() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN INSERT INTO dbf.ran_as VALUES (current_user); RETURN NEW; END$$;
CREATE TRIGGER witness BEFORE UPDATE ON trap FOR EACH ROW EXECUTE FUNCTION witness();
RESET ROLE;
TRUNCATE ran_as;
CALL sg_add_fks('dbf_mine', validate => false);
SELECT who, count(*) > 0 AS ran FROM ran_as GROUP BY 1;
SELECT count(*), count(n) FROM trap;
CREATE ROLE regress_sg_third;
ALTER FUNCTION witness OWNER TO regress_sg_third;
ALTER TABLE trap DROP CONSTRAINT trap_n_fkey;
UPDATE trap SET n = NULL;
TRUNCATE ran_as;
CALL sg_add_fks('dbf_mine', validate => false);
SELECT state, reason FROM schemaguard.plan_step WHERE plan = 'dbf_mine';
TABLE ran_as;
DROP TRIGGER witness ON trap;
CALL sg_add_fks('dbf_mine', validate => false);
SELECT count(*), count(n) FROM trap;
-- another owner: it fills nothing and raises nothing, until deployment makes it anew
SELECT regexp_replace(replace(pg_get_triggerdef(oid), 'CREATE', 'CREATE OR REPLACE'), ' WHEN .*(?= EXECUTE)', '') FROM pg_trigger
  WHERE tgrelid = 'trap'::regclass AND starts_with(tgname, '~schemaguard') \gexec
ALTER TABLE trap ALTER COLUMN n TYPE int USING NULL;
ALTER TABLE trap OWNER TO CURRENT_USER;
TABLE lent;
INSERT INTO trap (id, x) VALUES (2, 2);
UPDATE trap SET x = 1 WHERE id = 2;
SELECT * FROM trap WHERE id = 2;
CALL sg_add_fks('dbf_mine', validate => false);
TABLE lent;
INSERT INTO trap (id, x) VALUES (3, 3);
SELECT * FROM trap WHERE id IN (2, 3) ORDER BY id;
-- a plan that is dropped takes it along, in a time that nobody minds, or not at all
TABLE fillers;
BEGIN;
SELECT raises($$SELECT sg_plan_drop('dbf_mine', force => true)$$);
ROLLBACK;
SELECT sg_plan_drop('dbf_mine', force => true);
TABLE fillers;
-- so does a key that can't be made any more; a function whose table is gone goes with the next call
SELECT sg_plan_create('dbf_mine');
CREATE TABLE gone (id int PRIMARY KEY);
INSERT INTO gone SELECT generate_series(0, 10);
SELECT sg_plan_add_fk('dbf_mine', 'trap', '{m}', 'gone', index => false, replaces => 'kept', backfill => 'x');
CALL sg_add_fks('dbf_mine', validate => false);
TABLE fillers;
DROP TABLE gone CASCADE;
CALL sg_add_fks('dbf_mine');
TABLE fillers;
CREATE TABLE gone (id int PRIMARY KEY);
INSERT INTO gone SELECT generate_series(0, 10);
CALL sg_add_fks('dbf_mine', validate => false);
TABLE fillers;
DROP TABLE trap;
TABLE fillers;
CALL sg_rollback_fks('dbf_mine');
TABLE fillers;

-- what a plan refuses
SELECT raises(format($$SELECT sg_plan_add_fk('dbf', 'facts', '{d}', 'numbers', backfill => %L)$$, b))
  FROM unnest(ARRAY['', '1,', '1, 2', 'd FROM facts', '*', 'facts.*', '1; DROP TABLE facts', '1) , (2', 'd WHERE true', '1 UNION SELECT 2',
                    'DISTINCT d', '1 INTO x', '(SELECT', '1 LIMIT 1']) WITH ORDINALITY u(b, n) ORDER BY n;

SELECT sg_plan_drop('dbf', force => true), sg_plan_drop('dbf_author', force => true), sg_plan_drop('dbf_mine', force => true);
\getenv test PG_ABS_SRCDIR
\set left :test '/sql/include/left.sql'
\i :left

DROP SCHEMA dbf CASCADE;
SELECT sg_revoke('regress_sg_writer') \g /dev/null
SELECT sg_revoke('regress_sg_filler') \g /dev/null
DROP ROLE regress_sg_filler, regress_sg_writer, regress_sg_third;
