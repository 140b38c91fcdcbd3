-- Plans out of SQL scripts: what is a key, where names lead, and what becomes of everything else.  Other changes: script_changes.
-- rooms: script
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS schemaguard;
RESET client_min_messages;
\set VERBOSITY terse
\set SHOW_CONTEXT never

CREATE SCHEMA script_test;
CREATE SCHEMA script_two;
SET search_path = script_test, public;
CREATE TABLE parent (a int, b int, PRIMARY KEY (a, b));
CREATE TABLE customers (id int PRIMARY KEY, email text UNIQUE);
CREATE TABLE orders (id int PRIMARY KEY, customer_id int, email text, a int, b int);
CREATE TABLE script_two.only_two (id int PRIMARY KEY, c int);
CREATE VIEW a_view AS SELECT 1 AS id;

-- A script into an empty plan; its steps and notes
CREATE FUNCTION read_script(script text, strict boolean DEFAULT false) RETURNS int LANGUAGE plpgsql AS $$
BEGIN
  SET LOCAL client_min_messages = warning;
  PERFORM sg_plan_create('script', replace => true);
  RETURN sg_plan_from_sql('script', script, strict);
END
$$;
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
CREATE FUNCTION noted(script text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  added int := read_script(script);
BEGIN
  RETURN format('%s | ', added) || string_agg(line || ': ' || reason, ' | ' ORDER BY line)
    FROM schemaguard.plan_note WHERE plan = 'script';
END
$$;
CREATE VIEW keys AS
SELECT step, child_table AS child, child_columns AS cc, parent_table AS parent, parent_columns AS pc, fk_name, state, reason
  FROM schemaguard.plan_step WHERE plan = 'script' ORDER BY step;
CREATE VIEW notes AS
SELECT line, tag, reason FROM schemaguard.plan_note WHERE plan = 'script' ORDER BY line, reason COLLATE "C";

-- Every clause
SELECT read_script($script$
ALTER TABLE orders ADD FOREIGN KEY (customer_id) REFERENCES customers;
ALTER TABLE ONLY orders
  ADD CONSTRAINT full_key FOREIGN KEY (a, b) REFERENCES parent (a, b) MATCH FULL ON UPDATE CASCADE ON DELETE SET NULL (b)
      DEFERRABLE INITIALLY DEFERRED,
  ADD COLUMN note text,
  ADD COLUMN boss_id int DEFAULT 7 CONSTRAINT boss REFERENCES customers (id) ON DELETE SET DEFAULT DEFERRABLE NULL,
  ADD CONSTRAINT not_checked FOREIGN KEY (email) REFERENCES customers (email) ON UPDATE RESTRICT ON DELETE CASCADE NOT VALID;
ALTER TABLE IF EXISTS orders ADD CONSTRAINT never FOREIGN KEY (id) REFERENCES customers NOT DEFERRABLE INITIALLY IMMEDIATE;
CREATE TABLE lines (
  id int PRIMARY KEY,
  order_id int NOT NULL REFERENCES orders ON DELETE CASCADE INITIALLY DEFERRED,
  parent_line int REFERENCES lines (id) ON UPDATE NO ACTION UNIQUE,
  two int REFERENCES orders REFERENCES customers DEFERRABLE,
  a int, b int,
  LIKE parent,
  CONSTRAINT "a b" FOREIGN KEY (a, b) REFERENCES parent ON DELETE SET DEFAULT (a, b) DEFERRABLE INITIALLY IMMEDIATE
);
CREATE TABLE parts (id int, o int REFERENCES orders, FOREIGN KEY (id) REFERENCES customers) PARTITION BY RANGE (id);
CREATE TABLE part1 PARTITION OF parts (o CONSTRAINT part_o REFERENCES customers) FOR VALUES FROM (1) TO (10);
CREATE UNLOGGED TABLE IF NOT EXISTS unlogged (o int REFERENCES orders);
$script$);
SELECT * FROM keys;
SELECT * FROM sg_plan_sql('script') \g (format=wrapped columns=160)
SELECT step, orphans FROM schemaguard.plan_step WHERE plan = 'script' AND orphans <> 'stop';
SELECT * FROM notes;

-- The way round: script, plan, document, plan, SQL, plan again, SQL
SELECT sg_plan_import('script two', sg_plan_export('script'));
SELECT sg_plan_create('script three');
SELECT sg_plan_from_sql('script three', string_agg(s, E'\n' ORDER BY n)) FROM sg_plan_sql('script two') WITH ORDINALITY AS t (s, n);
SELECT count(*) AS statements,
       count(*) FILTER (WHERE a.s IS DISTINCT FROM b.s) AS differ
  FROM sg_plan_sql('script') WITH ORDINALITY AS a (s, n)
       FULL JOIN sg_plan_sql('script two') WITH ORDINALITY AS b (s, n) USING (n);
-- by then the steps have other numbers, but an index of a key is no step of its own
SELECT a.s AS before, c.s AS afterwards
  FROM (SELECT s FROM sg_plan_sql('script') AS s WHERE s NOT LIKE '--%') AS a
       FULL JOIN (SELECT s FROM sg_plan_sql('script three') AS s WHERE s NOT LIKE '--%') AS c USING (s)
 WHERE a.s IS NULL OR c.s IS NULL;
SELECT sg_plan_drop('script two'), sg_plan_drop('script three');

-- Hostile names
SELECT read_script($script$
CREATE SCHEMA "We""ird.S";
ALTER TABLE "We""ird.S"."We""ird.T a" ADD CONSTRAINT "k;--" FOREIGN KEY ("id;drop", "up""per") REFERENCES "SELECT"."FROM" ("a,b", "{c}");
ALTER TABLE U&"\0441\043B\043E\043D" ADD FOREIGN KEY (U&"d!0061t" UESCAPE '!') REFERENCES Customers (ID);
ALTER TABLE "comma,}" ADD FOREIGN KEY ("back\slash", "null", "") REFERENCES customers;
ALTER TABLE "comma,}" ADD FOREIGN KEY ("back\slash", "null", " ") REFERENCES customers;
$script$);
SELECT * FROM keys;
SELECT * FROM sg_plan_sql('script') WHERE sg_plan_sql LIKE 'ALTER TABLE % ADD %';
SELECT * FROM notes;

-- What is in quotes, comments, bodies and data is no statement.
SELECT read_script($script$
-- ALTER TABLE orders ADD FOREIGN KEY (id) REFERENCES no1;
/* ; ALTER TABLE orders ADD FOREIGN KEY (id) REFERENCES no2; /* nested ; */ ' " $$ */
INSERT INTO t VALUES ('; ALTER TABLE orders ADD FOREIGN KEY (id) REFERENCES no3;', E'\'; x', $a$ ; $b$ ; $a$, "q;r");
DO $$ BEGIN PERFORM 1; END $$;
DO $$ BEGIN EXECUTE 'ALTER TABLE orders ADD FOREIGN KEY (id) REFERENCES no4'; END $$;
CREATE FUNCTION f() RETURNS int LANGUAGE sql
BEGIN ATOMIC
  SELECT CASE WHEN true THEN 1 ELSE 2 END;
  SELECT x.end AS case FROM x;
  SELECT 2;
END;
CREATE OR REPLACE PROCEDURE p() BEGIN ATOMIC SELECT 1; END;
CREATE FUNCTION g() RETURNS void LANGUAGE plpgsql AS $body$
BEGIN
  alter table x add foreign key (a) references b;
END $body$;
CREATE RULE r AS ON INSERT TO t DO ALSO (INSERT INTO u VALUES (1); INSERT INTO v VALUES (2));
BEGIN; COMMIT; BEGIN; END;
COPY t (a, b) FROM STDIN;
1	it's; "one $$ of /* them
2	\\ \N
ALTER TABLE orders ADD FOREIGN KEY (id) REFERENCES no5;
\.
COPY (SELECT 1 FROM stdin) TO STDOUT;
copy t from stdin with (format csv);
\.
\connect other
\echo 'it''s "not" SQL; ALTER TABLE orders ADD FOREIGN KEY (id) REFERENCES no6;
\'
\"
\copy t from stdin
3	'
\.
SELECT 1 \g
SELECT 2 \gset prefix_
SELECT 'dropped' \r
ALTER TABLE orders ADD FOREIGN KEY (id) REFERENCES customers \; ALTER TABLE orders ADD FOREIGN KEY (a) REFERENCES customers (id) \gexec
;;
ALTER TABLE orders ADD FOREIGN KEY (b) REFERENCES customers
$script$);
SELECT * FROM keys;
SELECT * FROM notes \g (format=wrapped columns=160)

-- One bad statement is a note, with line and column, and the rest is read.
SELECT read_script($script$ALTER TABL orders ADD FOREIGN KEY (id) REFERENCES customers;
ALTER TABLE orders
  ADD FOREIGN KEY (id) REFERENCES "ä" (id) ON DELET CASCADE;
SELECT 12abc, '\'; ALTER TABLE orders ADD FOREIGN KEY (a) REFERENCES customers;
SELECT E'\uZZ', "", 1;
12x SELECT 1;
SELECT * FROM :table WHERE x = :'value';
CREATE TABLE broken (a int;
ALTER TABLE orders ADD FOREIGN KEY (b) REFERENCES customers MATCH PARTIAL;
CREATE TABLE wrong (a int REFERENCES customers NOT DEFERRABLE INITIALLY DEFERRED);
ALTER TABLE other.db.orders ADD FOREIGN KEY (b) REFERENCES customers;
/* ; */ ALTER TABLE orders ADD FOREIGN KEY (customer_id) REFERENCES customers;
ALTER TABLE orders ADD FOREIGN KEY (a) REFERENCES parent (a, b);
ALTER TABLE orders ADD FOREIGN KEY (a, a) REFERENCES parent (a, b);
ALTER TABLE orders ADD FOREIGN KEY (customer_id) REFERENCES customers (id);
ALTER TABLE orders ADD CONSTRAINT orders_customer_id_fkey FOREIGN KEY (email) REFERENCES customers (email);
$script$);
SELECT * FROM keys;
SELECT * FROM notes;
-- the end is missing
SELECT script, noted(format(E'ALTER TABLE orders ADD FOREIGN KEY (id) REFERENCES customers;\n\n  SELECT %s ;\nALTER TABLE orders '
                            'ADD FOREIGN KEY (a) REFERENCES customers;\n', script))
  FROM unnest(ARRAY[$$'x$$, '"x', '$$x', '$a$ $b$', '/* x', $$E'x$$, $$B'1$$, $$E'\uD83D$$]) WITH ORDINALITY AS s (script, n) ORDER BY n;
SELECT read_script(E'COPY t FROM STDIN;\n1\n2');
SELECT * FROM notes;
-- a script in no state at all
SELECT script, read_script(script) FROM unnest(ARRAY['', ' ', ';', '--', '\', '\;', E'\\\n', ';;;', '$', '''', '\"', '\''']) AS script;

-- Names that PostgreSQL would cut
SELECT read_script(replace($script$
CREATE INDEX LONG ON orders (id);
ALTER TABLE LONG ADD FOREIGN KEY (id) REFERENCES customers;
ALTER TABLE orders ADD CONSTRAINT "LONG""" FOREIGN KEY (id) REFERENCES customers;
ALTER TABLE orders ADD FOREIGN KEY (a) REFERENCES customers, ADD CONSTRAINT LONG CHECK (a > 0);
ALTER TABLE orders ADD FOREIGN KEY (id) REFERENCES customers (U&"LONG");
$script$, 'LONG', repeat('l', 64)));
SELECT cc, fk_name FROM keys;
SELECT * FROM notes;

-- strict: all or nothing
SELECT raises($$SELECT read_script('ALTER TABLE orders ADD FOREIGN KEY (id) REFERENCES customers; SELECT FROM WHERE', true)$$);
SELECT raises($$SELECT read_script(E'\n  ALTER TABLE orders ADD FOREIGN KEY (b) REFERENCES customers MATCH PARTIAL', true)$$);
SELECT raises($$SELECT read_script('ALTER TABLE orders ADD FOREIGN KEY (id) REFERENCES customers; SELECT ''x', true)$$);
SELECT raises($$SELECT read_script(E'ALTER TABLE orders ADD FOREIGN KEY (id) REFERENCES customers;\nALTER TABLE orders ADD CONSTRAINT x FOREIGN KEY (id) REFERENCES customers', true)$$);
SELECT raises(format('SELECT read_script(''ALTER TABLE orders ADD CONSTRAINT %s FOREIGN KEY (id) REFERENCES customers'', true)', repeat('n', 64)));
SELECT raises($$SELECT read_script('ALTER TABLE orders ADD FOREIGN KEY (a) REFERENCES parent (a, b)', true)$$);
SELECT read_script('CREATE TEMP TABLE t (a int REFERENCES customers); ALTER TABLE orders ADD FOREIGN KEY (id) REFERENCES customers', true);
SELECT * FROM notes;

-- What a plan cannot hold
SELECT read_script($script$
CREATE TEMPORARY TABLE customers_tmp (id int PRIMARY KEY, o int REFERENCES orders);
ALTER TABLE orders ADD FOREIGN KEY (id) REFERENCES customers_tmp;
ALTER TABLE pg_temp.x ADD FOREIGN KEY (id) REFERENCES orders;
ALTER TABLE a_view ADD FOREIGN KEY (id) REFERENCES customers;
ALTER TABLE orders ADD FOREIGN KEY (id) REFERENCES a_view;
ALTER TABLE pg_class ADD FOREIGN KEY (oid) REFERENCES customers;
CREATE FOREIGN TABLE far (id int REFERENCES customers) SERVER s;
ALTER FOREIGN TABLE far ADD COLUMN x int REFERENCES orders;
$script$);
SELECT child, cc, parent, state, reason FROM keys;
SELECT * FROM notes;

-- Where names lead
SELECT read_script($script$
ALTER TABLE only_two ADD FOREIGN KEY (c) REFERENCES customers;            -- neither is in the other's schema
SET search_path TO nowhere, script_two, script_test;
ALTER TABLE only_two ADD FOREIGN KEY (id) REFERENCES customers;           -- both found
ALTER TABLE neither ADD FOREIGN KEY (id) REFERENCES script_test.orders;   -- the first schema that exists
CREATE TABLE customers (id int PRIMARY KEY, c int REFERENCES customers);  -- a new one, first on the path
ALTER TABLE only_two ADD FOREIGN KEY (c) REFERENCES customers;
SELECT pg_catalog.set_config('search_path', '', false);
ALTER TABLE no_path ADD FOREIGN KEY (c) REFERENCES no_path;
SELECT set_config('search_path', '"nowhere", "script_test" ', true);
ALTER TABLE customers ADD FOREIGN KEY (id) REFERENCES orders;
COMMIT;
ALTER TABLE no_path ADD FOREIGN KEY (d) REFERENCES no_path;
SET SESSION search_path = script_two;
START TRANSACTION;
SET LOCAL search_path = nowhere, "No.Where";
ALTER TABLE x ADD FOREIGN KEY (e) REFERENCES y;
ROLLBACK;
ALTER TABLE x ADD FOREIGN KEY (f) REFERENCES y;
CREATE SCHEMA fresh
  CREATE TABLE inside (id int PRIMARY KEY, c int REFERENCES inside, o int REFERENCES only_two)
  CREATE VIEW v AS SELECT 1;
SET search_path = fresh, script_two;
ALTER TABLE inside ADD FOREIGN KEY (id) REFERENCES only_two;
ALTER TABLE new ADD FOREIGN KEY (id) REFERENCES inside;
$script$);
SELECT step, child, cc, parent FROM keys;
SET search_path = nowhere, "$user";
CREATE ROLE regress_sg_path;
SELECT public.sg_grant('regress_sg_path') \g /dev/null
SET ROLE regress_sg_path;
SET client_min_messages = warning;
SELECT public.sg_plan_create('by path');
SELECT public.sg_plan_from_sql('by path', $script$
ALTER TABLE a ADD FOREIGN KEY (x) REFERENCES b;
SET search_path = "$user";
ALTER TABLE a ADD FOREIGN KEY (y) REFERENCES b;
SET search_path = DEFAULT;
ALTER TABLE a ADD FOREIGN KEY (z) REFERENCES b;
$script$);
RESET ROLE;
SET search_path = script_test, public;
SELECT child_table, child_columns FROM schemaguard.plan_step WHERE plan = 'by path' ORDER BY step;
SELECT sg_plan_drop('by path');
SELECT sg_revoke('regress_sg_path') \g /dev/null
DROP ROLE regress_sg_path;

-- The plan holds what the script leaves behind.
SELECT read_script($script$
CREATE TABLE t1 (id int PRIMARY KEY, a int REFERENCES orders, b int REFERENCES orders, c int REFERENCES t1 (id), d int REFERENCES orders);
ALTER TABLE t1 ADD CONSTRAINT named FOREIGN KEY (b) REFERENCES customers;
ALTER TABLE t1 DROP CONSTRAINT t1_a_fkey, ADD CONSTRAINT t1_a_fkey FOREIGN KEY (a) REFERENCES orders ON DELETE CASCADE;
ALTER TABLE t1 DROP CONSTRAINT IF EXISTS named, DROP CONSTRAINT IF EXISTS nobody, DROP COLUMN d;
ALTER TABLE t1 RENAME COLUMN b TO bb;
ALTER TABLE t1 RENAME CONSTRAINT t1_a_fkey TO a_key;
ALTER TABLE t1 RENAME id TO key;
ALTER TABLE t1 RENAME TO t2;
ALTER TABLE t2 SET SCHEMA script_two;
ALTER TABLE script_two.t2 ADD FOREIGN KEY (x) REFERENCES orders;
CREATE TABLE gone (id int PRIMARY KEY, a int REFERENCES orders);
ALTER TABLE orders ADD FOREIGN KEY (id) REFERENCES gone;
DROP TABLE gone CASCADE;
$script$);
SELECT * FROM sg_plan_sql('script') WHERE sg_plan_sql LIKE 'ALTER TABLE % ADD %';
SELECT * FROM notes;

-- Timing of a key that was there before, a schema that goes, a transaction that is taken back
SELECT read_script($script$
ALTER TABLE orders ADD CONSTRAINT timed FOREIGN KEY (x) REFERENCES customers;
ALTER TABLE orders ALTER CONSTRAINT timed DEFERRABLE INITIALLY DEFERRED;
CREATE TABLE dropped.t (id int REFERENCES orders);
DROP SCHEMA dropped CASCADE;
BEGIN;
ALTER TABLE orders ADD CONSTRAINT back FOREIGN KEY (y) REFERENCES customers;
ROLLBACK;
$script$);
SELECT * FROM sg_plan_sql('script') WHERE sg_plan_sql LIKE 'ALTER TABLE % ADD %';
SELECT * FROM notes;

-- A byte order mark, as psql; files and conditions of psql are not followed, and the note says so
SELECT read_script(E'\uFEFFSET search_path = script_two;\nCREATE TABLE bom (x int REFERENCES only_two);');
SELECT * FROM keys;
SELECT read_script($script$
\i other.sql
\if :production
ALTER TABLE orders ADD FOREIGN KEY (x) REFERENCES customers;
\else
ALTER TABLE orders ADD FOREIGN KEY (y) REFERENCES customers;
\endif
$script$);
SELECT * FROM notes;

-- Many statements
SELECT read_script(string_agg(format('CREATE TABLE many%s (id int PRIMARY KEY, up int REFERENCES many%s); INSERT INTO x VALUES (1);', i, i / 2), E'\n'))
  FROM generate_series(1, 200) AS i;
SELECT count(*), count(DISTINCT fk_name) FROM keys;
SELECT tag, count(*), count(DISTINCT line), min(reason) FROM schemaguard.plan_note WHERE plan = 'script' GROUP BY tag;

-- What is said at once: how much was left alone, and why a step can't work; nothing where all is well
RESET client_min_messages;
\set VERBOSITY default
SELECT sg_plan_create('told');
SELECT sg_plan_from_sql('told', 'alter tabel orders add foreign key (customer_id) references customers;');
SELECT sg_plan_from_sql('told', '/migrations/0001_init.sql');
SELECT sg_plan_from_sql('told', 'create_table :orders do |t| t.references :customer, foreign_key: true end');
SELECT sg_plan_from_sql('told', 'CREATE TEMP TABLE t (a int); SELECT 1');
SELECT sg_plan_from_sql('told', '');
SELECT sg_plan_from_sql('told', 'ALTER TABLE orders ADD FOREIGN KEY (customer_id) REFERENCES customers; ALTER TABLE t ADD CHECK (a > 0)');
SELECT sg_plan_from_sql('told', 'ALTER TABLE orders ADD FOREIGN KEY (a, b) REFERENCES parent; nonsense');
\set VERBOSITY terse
SELECT sg_plan_from_sql('told', $script$
ALTER TABLE orders ADD FOREIGN KEY (a, b) REFERENCES customers;
ALTER TABLE orders ADD FOREIGN KEY (email) REFERENCES customers;
ALTER TABLE orders ADD FOREIGN KEY (a) REFERENCES parent (a);
ALTER TABLE orders ADD FOREIGN KEY (b) REFERENCES a_view;
ALTER TABLE orders ADD FOREIGN KEY (id) REFERENCES customers ON DELETE SET NULL (id);
ALTER TABLE orders ADD FOREIGN KEY (id) REFERENCES not_yet;
$script$);
\set VERBOSITY default
SELECT sg_plan_add_fk('told', 'script_two.only_two', '{id,c}', 'customers');
SELECT sg_plan_add_fk('told', 'script_two.only_two', '{c}', 'customers', '{email}', fk_name => 'named');
SELECT sg_plan_add_fk('told', 'script_two.only_two', '{c}', 'parent', '{b}');
SELECT sg_plan_add_fk('told', 'script_two.only_two', '{c}', 'customers');
-- as sg_plan_check says
SELECT step, check_name, detail FROM sg_plan_check_details('told') WHERE result = 'block' ORDER BY step, check_name, detail;
SELECT sg_plan_drop('told');
\set VERBOSITY terse

SELECT sg_plan_drop('script');
SET client_min_messages = warning;
DROP SCHEMA script_test, script_two CASCADE;
