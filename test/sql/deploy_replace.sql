-- A step that replaces a key: the new one is added and validated, then the old one goes
-- rooms: deploy
\set VERBOSITY terse
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS schemaguard;
CREATE SCHEMA drp;
SET search_path = drp, public;
CREATE VIEW steps AS
  SELECT step, fk_name, replaces, state, reason FROM schemaguard.plan_step WHERE plan = 'drp' ORDER BY step;
CREATE VIEW log AS
  SELECT step, action, phase, object, statement, sqlstate, message FROM schemaguard.audit_log
  WHERE plan = 'drp' AND action NOT LIKE 'plan %' AND action <> 'audit' ORDER BY id;
CREATE VIEW keys AS
  SELECT conrelid::regclass AS child, conname, convalidated AS valid, pg_get_constraintdef(oid) AS definition
  FROM pg_constraint WHERE contype = 'f' AND connamespace = 'drp'::regnamespace AND conparentid = 0
  ORDER BY conrelid::regclass::text COLLATE "C", conname;
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

CREATE TABLE old_customers (id int PRIMARY KEY);
CREATE TABLE "new ""cust""" (id int PRIMARY KEY);
INSERT INTO old_customers SELECT generate_series(1, 10);
INSERT INTO "new ""cust""" SELECT generate_series(1, 9);
CREATE TABLE orders (id int PRIMARY KEY, customer_id int);
INSERT INTO orders SELECT g, g FROM generate_series(1, 10) g;
ALTER TABLE orders ADD CONSTRAINT "old ""key" FOREIGN KEY (customer_id) REFERENCES old_customers
  ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED;

-- with an orphan in the new parent nothing happens to the old key
SELECT sg_plan_create('drp');
SELECT sg_plan_add_fk('drp', 'orders', '{customer_id}', '"new ""cust"""', replaces => 'old "key', index => false);
SELECT * FROM sg_plan_sql('drp');
RESET client_min_messages;
CALL sg_add_fks('drp');
SELECT sg_plan_set('drp', '{1}', '{"orphans": "leave"}');
CALL sg_add_fks('drp');
TABLE keys;
TABLE steps;
-- not with validate => false either
INSERT INTO "new ""cust""" VALUES (10);
CALL sg_add_fks('drp', validate => false);
TABLE steps;
CALL sg_add_fks('drp');
TABLE keys;
TABLE steps;
TABLE log \gx
-- a finished plan changes nothing, and what the log keeps brings the old key back
SELECT max(id) AS last FROM schemaguard.audit_log \gset
CALL sg_add_fks('drp');
SELECT count(*) FROM schemaguard.audit_log WHERE id > :last;
SELECT * FROM sg_plan_sql('drp');
SELECT message AS restore FROM log WHERE action = 'replace' AND phase = 'done' \gset
:restore;
TABLE keys;
-- which then goes again
CALL sg_add_fks('drp');
TABLE steps;

-- the name of the old key: none of the child's, not a key, a clone of the key of a partitioned table
SELECT sg_plan_create('drp', replace => true);
CREATE TABLE parts (id int, c int, CONSTRAINT whole FOREIGN KEY (c) REFERENCES old_customers) PARTITION BY LIST (id);
CREATE TABLE part PARTITION OF parts DEFAULT;
ALTER TABLE orders ADD CONSTRAINT positive CHECK (id > 0);
SELECT sg_plan_add_fk('drp', 'orders', '{id}', 'old_customers', replaces => 'nothing', index => false);
SELECT sg_plan_add_fk('drp', 'orders', '{id}', '"new ""cust"""', replaces => 'positive', index => false);
SELECT sg_plan_add_fk('drp', 'part', '{c}', '"new ""cust"""', replaces => 'whole', index => false);
CALL sg_add_fks('drp');
TABLE keys;
SELECT sg_plan_set('drp', '{1}', '{"replaces": null}');
SELECT sg_plan_skip('drp', '{2}', 'no'), sg_plan_skip('drp', '{3}', 'no');
CALL sg_add_fks('drp');
TABLE steps;

-- what a plan refuses
SELECT sg_plan_create('drp', replace => true);
SELECT raises($$SELECT sg_plan_add_fk('drp', 'orders', '{customer_id}', 'old_customers', fk_name => 'k', replaces => 'k')$$);
SELECT raises($$SELECT sg_plan_add_fk('drp', 'orders', '{customer_id}', 'old_customers', replaces => '')$$);
SELECT raises(format('SELECT sg_plan_add_fk(''drp'', ''orders'', ''{customer_id}'', ''old_customers'', replaces => %L)', repeat('n', 64)));
SELECT sg_plan_add_fk('drp', 'orders', '{customer_id}', 'old_customers', fk_name => 'k', replaces => 'j', index => false);
SELECT raises($$SELECT sg_plan_add_fk('drp', 'orders', '{id}', 'old_customers', replaces => 'k')$$);
SELECT raises($$SELECT sg_plan_add_fk('drp', 'orders', '{id}', 'old_customers', replaces => 'j')$$);
SELECT raises($$SELECT sg_plan_add_fk('drp', 'orders', '{id}', 'old_customers', fk_name => 'j')$$);
SELECT raises($$SELECT sg_plan_set('drp', '{1}', '{"fk_name": "j"}')$$);
SELECT raises($$SELECT sg_plan_set('drp', '{1}', '{"replaces": "k"}')$$);
-- the same name in another table is another key
SELECT sg_plan_add_fk('drp', 'part', '{c}', 'old_customers', fk_name => 'j', index => false);
SELECT sg_plan_export('drp') #>> '{steps,0,replaces}' AS replaces;
-- a key that is another step's is not dropped
SELECT sg_plan_create('drp', replace => true);
SELECT sg_plan_add_fk('drp', 'orders', '{id}', 'old_customers', fk_name => 'by_another_name', index => false);
SELECT sg_plan_add_fk('drp', 'orders', '{id}', '"new ""cust"""', replaces => 'orders_id_fkey', fk_name => 'second', index => false);
CALL sg_add_fks('drp');
TABLE keys;

-- the same columns with other clauses: the name that is made up is another one
SELECT sg_plan_create('drp', replace => true);
SELECT sg_plan_add_fk('drp', 'orders', '{id}', 'old_customers', replaces => 'orders_id_fkey', on_delete => 'cascade', index => false);
CALL sg_add_fks('drp');
TABLE keys;
TABLE steps;

-- somebody else has dropped the old key, or made the new one
SELECT sg_plan_create('drp', replace => true);
SELECT sg_plan_add_fk('drp', 'orders', '{id}', 'old_customers', replaces => 'orders_id_fkey1', fk_name => 'third', index => false);
CALL sg_add_fks('drp', validate => false);
ALTER TABLE orders DROP CONSTRAINT orders_id_fkey1;
CALL sg_add_fks('drp');
TABLE steps;
SELECT sg_plan_create('drp', replace => true);
SELECT sg_plan_add_fk('drp', 'orders', '{customer_id}', 'old_customers', replaces => 'third', fk_name => 'fourth', index => false);
ALTER TABLE orders ADD CONSTRAINT by_hand FOREIGN KEY (customer_id) REFERENCES old_customers;
CALL sg_add_fks('drp');
TABLE keys;
TABLE steps;

-- from one partitioned parent to another, with a partitioned child
CREATE TABLE p1 (id int PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE p11 PARTITION OF p1 DEFAULT;
CREATE TABLE p2 (id int PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE p21 PARTITION OF p2 DEFAULT;
INSERT INTO p1 SELECT generate_series(1, 10);
INSERT INTO p2 SELECT generate_series(1, 10);
CREATE TABLE child (id int, p int, CONSTRAINT child_old FOREIGN KEY (p) REFERENCES p1) PARTITION BY LIST (id);
CREATE TABLE child_1 PARTITION OF child FOR VALUES IN (1);
CREATE TABLE child_2 PARTITION OF child DEFAULT;
INSERT INTO child SELECT g % 3, 1 + g % 10 FROM generate_series(1, 20) g;
SELECT sg_plan_create('drp', replace => true);
SELECT sg_plan_add_fk('drp', 'child', '{p}', 'p2', fk_name => 'child_new', replaces => 'child_old', index => false);
SET client_min_messages = warning;
CALL sg_add_fks('drp');
TABLE steps;
SELECT * FROM keys WHERE child = 'child'::regclass;
SELECT conrelid::regclass::text COLLATE "C" AS child, confrelid::regclass AS parent FROM pg_constraint
  WHERE contype = 'f' AND conrelid IN ('child'::regclass, 'child_1'::regclass, 'child_2'::regclass)
    AND confrelid IN ('p2'::regclass, 'p1'::regclass) ORDER BY 1, confrelid::regclass::text;
INSERT INTO child VALUES (1, 99);
SELECT left(raises('DELETE FROM p2 WHERE id = 1'), 5);
-- and back
CALL sg_rollback_fks('drp');
TABLE steps;
SELECT * FROM keys WHERE child = 'child'::regclass;
SELECT conrelid::regclass::text COLLATE "C" AS child, convalidated FROM pg_constraint
  WHERE contype = 'f' AND conrelid IN ('child'::regclass, 'child_1'::regclass, 'child_2'::regclass)
    AND confrelid = 'p1'::regclass ORDER BY 1;
CALL sg_add_fks('drp');
TABLE steps;
SELECT * FROM keys WHERE child = 'child'::regclass;
DROP TABLE p1;

SELECT sg_plan_drop('drp', force => true);
\getenv test PG_ABS_SRCDIR
\set left :test '/sql/include/left.sql'
\i :left

DROP SCHEMA drp CASCADE;
