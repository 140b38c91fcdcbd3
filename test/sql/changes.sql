-- Steps that are no foreign keys: how they come into a plan, run, are resumed, and taken back
-- rooms: change plan undo check
\set VERBOSITY default
\set SHOW_CONTEXT never
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
SET schemaguard.live_search = '1min';
CREATE EXTENSION IF NOT EXISTS schemaguard;
CREATE SCHEMA chg;
SET search_path = chg, public;
CREATE TABLE orders (id bigint PRIMARY KEY, total numeric, customer int, note text);
INSERT INTO orders SELECT g, g, g, 'n' FROM generate_series(1, 1000) g;
CREATE VIEW steps AS SELECT step, kind, fk_name, state, reason FROM schemaguard.plan_step WHERE plan = 'c' ORDER BY step;
CREATE FUNCTION columns_of(t regclass) RETURNS SETOF text LANGUAGE sql AS $$
  SELECT concat_ws(' ', attname, format_type(atttypid, atttypmod), CASE WHEN attnotnull THEN 'not null' END,
                   'default ' || pg_get_expr(adbin, adrelid))
  FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
  WHERE attrelid = t AND attnum > 0 AND NOT attisdropped ORDER BY attnum $$;
CREATE FUNCTION checks_of(t regclass) RETURNS SETOF text LANGUAGE sql AS $$
  SELECT conname || ' ' || pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = t AND contype = 'c' ORDER BY conname $$;
RESET client_min_messages;

-- into the plan
SELECT sg_plan_create('c') \g /dev/null
SELECT sg_plan_add_check('c', 'orders', 'total >= 0');
SELECT sg_plan_add_check('c', 'orders', 'customer IS NOT NULL', 'customer_is_there');
SELECT sg_plan_add_default('c', 'orders', 'city', $$'here'$$);
SELECT sg_plan_add_column('c', 'orders', 'city', $$varchar(20) COLLATE "C" DEFAULT 'x'$$);
SELECT sg_plan_add_statement('c', 'CREATE VIEW chg.big AS SELECT id FROM chg.orders WHERE total > 100', 'DROP VIEW chg.big',
                             $$SELECT to_regclass('chg.big') IS NOT NULL$$);
SELECT sg_plan_add_statement('c', $$COMMENT ON TABLE chg.orders IS 'what people buy'$$, 'COMMENT ON TABLE chg.orders IS NULL', name => 'comment');

-- a policy for all is for those that take it
SELECT sg_plan_create('chg_all') \g /dev/null
SELECT sg_plan_add_index('chg_all', 'orders', '(total)'), sg_plan_add_check('chg_all', 'orders', 'total >= 0'),
       sg_plan_add_unique('chg_all', 'orders', '{total}'), sg_plan_add_unique('chg_all', 'orders', '{customer}', policy => 'quarantine', keep_by => 'id');
SELECT sg_plan_set('chg_all', NULL, '{"orphans": "quarantine"}');
SELECT step, orphans FROM schemaguard.plan_step WHERE plan = 'chg_all' ORDER BY step;
SELECT sg_plan_set('chg_all', NULL, '{"policy": "stop"}');
SELECT step, orphans FROM schemaguard.plan_step WHERE plan = 'chg_all' ORDER BY step;
SELECT sg_plan_set('chg_all', '{1,2}', '{"orphans": "quarantine"}');
-- an option is for the kinds that have it
SELECT sg_plan_set('chg_all', NULL, '{"deferrable": true}');
SELECT sg_plan_set('chg_all', 3, '{"nulls_not_distinct": true}');
SELECT sg_plan_set('chg_all', NULL, '{"on_delete": "cascade"}');
SELECT sg_plan_set('chg_all', 2, '{"nulls_not_distinct": true}');
SELECT sg_plan_set('chg_all', NULL, '{"priority": "high"}');
SELECT step, "deferrable", nulls_not_distinct, on_delete, priority FROM schemaguard.plan_step WHERE plan = 'chg_all' ORDER BY step;
SELECT sg_plan_drop('chg_all');

-- what is none
SELECT sg_plan_add_check('c', 'orders', 'total >= 0) , (true');
SELECT sg_plan_add_check('c', 'orders', 'total >= 0 FROM orders');
SELECT sg_plan_add_check('c', 'orders', 'total >= 0', name => 'orders_check');
SELECT sg_plan_add_check('c', 'orders', 'total >= 0', policy => 'set');
SELECT sg_plan_add_check('c', 'orders', 'total >= 0', policy => 'set null');
SELECT sg_plan_add_check('c', 'orders', 'total >= 0', policy => 'delete', child_column => 'total');
SELECT sg_plan_add_not_null('c', 'orders', NULL);
SELECT sg_plan_add_column('c', 'orders', 'x', 'int NOT NULL');
SELECT sg_plan_add_column('c', 'orders', 'x', 'int, DROP COLUMN total');
SELECT sg_plan_add_column('c', 'orders', 'x', 'int; DROP TABLE orders');
SELECT sg_plan_add_index('c', 'orders', 'total)');
SELECT sg_plan_add_unique('c', 'orders', '{total}', policy => 'delete');
SELECT sg_plan_add_unique('c', 'orders', '{total}', keep_by => 'id');
SELECT sg_plan_add_unique('c', 'orders', '{total,total}');
SELECT sg_plan_add_statement('c', 'COMMIT');
SELECT sg_plan_add_statement('c', 'SELECT 1; SELECT 2');
SELECT sg_plan_add_statement('c', 'LISTEN orders');
SELECT sg_plan_add_statement('c', 'DISCARD ALL');
SELECT sg_plan_add_statement('c', 'CREATE TABLE chg.x ()', done_when => 'DROP TABLE orders');
SELECT sg_plan_add_drop('c', 'sequence', 'orders');
SELECT sg_plan_add_drop('c', 'table', 'orders', name => 'other');
SELECT sg_plan_add_rename('c', 'table', 'orders', NULL);
SELECT schemaguard.sg_plan_add_step('c', 'foreign key', 'child_table', 'orders');
SELECT schemaguard.sg_plan_add_step('c', 'check', 'child_table', 'orders', 'definition', 'true', 'parent_table', 'orders');
SELECT sg_plan_add_check('nothing', 'orders', 'true');

-- as SQL, and where it stands: what a step needs comes first
SELECT * FROM sg_plan_sql('c');
SELECT step, check_name, result, regexp_replace(detail, '[0-9.]+ kB|[0-9]+ bytes', '# kB'), hint FROM sg_plan_check_details('c') WHERE step > 0;

-- a document holds all of it
SELECT sg_plan_import('c_copy', sg_plan_export('c'));
SELECT count(*) FROM (SELECT to_jsonb(s) - '{plan,updated_at}'::text[] FROM schemaguard.plan_step s WHERE plan = 'c'
                      EXCEPT SELECT to_jsonb(s) - '{plan,updated_at}'::text[] FROM schemaguard.plan_step s WHERE plan = 'c_copy') x;
SELECT sg_plan_drop('c_copy') \g /dev/null

-- nor does any kind of step begin without approval, or when the window is over
SET schemaguard.require_approval = on;
CALL sg_apply('c');
RESET schemaguard.require_approval;
SET schemaguard.window_end = '2020-01-01 00:00:00+00';
CALL sg_apply('c');
RESET schemaguard.window_end;

-- sg_add_fks does foreign keys
CALL sg_add_fks('c');
CALL sg_apply('c', validate => false);
TABLE steps;
CALL sg_apply('c');
TABLE steps;
SELECT * FROM columns_of('orders');
SELECT * FROM checks_of('orders');
SELECT obj_description('orders'::regclass);
SELECT step, kind, object, undo, after - 'identity' AS after FROM schemaguard.plan_deed ORDER BY id;
-- again: nothing is left to do
CALL sg_apply('c', fail => true);
SELECT fk_name, test, observed, result, reason FROM sg_verify_fks_details('c', live => true) WHERE parent_table IS NULL;

-- back
CALL sg_rollback_fks('c', fail => true);
TABLE steps;
SELECT * FROM columns_of('orders');
SELECT * FROM checks_of('orders');
SELECT obj_description('orders'::regclass), to_regclass('big');
CALL sg_rollback_fks('c');

-- what is there already is recognised, what others have changed since is left alone
ALTER TABLE orders ADD CONSTRAINT positive CHECK (total >= 0);
CALL sg_apply('c');
ALTER TABLE orders ALTER city SET DEFAULT 'elsewhere';
CALL sg_rollback_fks('c');
SELECT * FROM columns_of('orders');
SELECT * FROM checks_of('orders');
ALTER TABLE orders DROP CONSTRAINT positive;

-- NOT NULL, whose way depends on the server
SET client_min_messages = error;
SELECT sg_plan_create('c', replace => true) \g /dev/null
SELECT sg_plan_add_not_null('c', 'orders', 'customer', policy => 'leave'), sg_plan_add_not_null('c', 'orders', 'id', 'id_is_there'), sg_plan_add_not_null('c', 'orders', 'note', 'taken');
ALTER TABLE orders ADD CONSTRAINT taken CHECK (true);
UPDATE orders SET customer = NULL WHERE id = 500;
SELECT sg_plan_add_check('c', 'orders', 'total > -1', 'waiting', phase => 'later') \g /dev/null
CALL sg_apply('c');
SELECT fk_name, test, observed, result, reason FROM sg_verify_fks_details('c', live => true);
SELECT step, state FROM steps;
UPDATE orders SET customer = 500 WHERE id = 500;
DO $$BEGIN INSERT INTO orders (id) VALUES (0); EXCEPTION WHEN check_violation OR not_null_violation THEN END$$;
CALL sg_apply('c');
SELECT step, state FROM steps;
SELECT * FROM columns_of('orders');
SELECT * FROM checks_of('orders');
CALL sg_rollback_fks('c');
SELECT * FROM columns_of('orders');
ALTER TABLE orders DROP CONSTRAINT taken;
RESET client_min_messages;

-- what can't be
SELECT sg_plan_create('c', replace => true) \g /dev/null
SELECT sg_plan_add_check('c', 'orders', 'random() > 0.5');
SELECT sg_plan_add_check('c', 'orders', 'totl > 0');
SELECT sg_plan_add_check('c', 'orders', 'total > (SELECT 1)');
SELECT sg_plan_add_check('c', 'orders', 'note', name => 'no_boolean');
SELECT sg_plan_add_check('c', 'orders', 'total > 10', name => 'too_small');
SELECT sg_plan_add_check('c', 'orders', '1 / (total - 5) >= 0', name => 'raises');
SELECT sg_plan_add_not_null('c', 'orders', 'id', 'id_is_there');
SELECT sg_plan_add_column('c', 'orders', 'note', 'int');
SELECT sg_plan_add_column('c', 'orders', 'stamp', 'uuid DEFAULT gen_random_uuid()');
SELECT sg_plan_add_column('c', 'orders', 'odd', 'no_such_type');
SELECT sg_plan_add_default('c', 'orders', 'total', $$'x'$$);
SELECT sg_plan_add_statement('c', 'UPDATE chg.orders SET total = total / 0', child_table => 'orders', name => 'fails');
SELECT sg_plan_add_check('c', 'ordres', 'true');
SELECT step, check_name, result, detail, hint FROM sg_plan_check_details('c') WHERE result = 'block';
CALL sg_apply('c', fail => true);
SELECT * FROM checks_of('orders');
TABLE steps;
CALL sg_rollback_fks('c');
ALTER TABLE orders DROP COLUMN stamp;
CALL sg_rollback_fks('c');
SELECT * FROM checks_of('orders');
-- a statement that can't be taken back
SELECT sg_plan_create('c', replace => true) \g /dev/null
SELECT sg_plan_add_statement('c', $$COMMENT ON TABLE chg.orders IS 'x'$$) \g /dev/null
CALL sg_apply('c');
CALL sg_rollback_fks('c');

SELECT state, reason FROM schemaguard.plan_step WHERE plan = 'c';
-- until it is given a way back
SELECT sg_plan_set('c', '{1}', '{"undo": "COMMENT ON TABLE chg.orders IS NULL"}');
CALL sg_rollback_fks('c');
SELECT obj_description('chg.orders'::regclass) IS NULL, state, reason FROM schemaguard.plan_step WHERE plan = 'c';
-- in a circle, after one another, and in phases
SELECT sg_plan_create('c', replace => true) \g /dev/null
SELECT sg_plan_add_check('c', 'orders', 'total >= 0', 'one');
SELECT sg_plan_add_check('c', 'orders', 'total >= -1', 'two', after => '{one}');
SELECT sg_plan_set('c', '{1}', '{"after": "{two}"}');
-- a circle of an older version
UPDATE schemaguard.plan_step SET after = '{two}' WHERE plan = 'c' AND step = 1;
SELECT step, check_name, result, detail, hint FROM sg_plan_check_details('c') WHERE check_name = 'order';
CALL sg_apply('c');
SELECT sg_plan_set('c', '{2}', '{"after": null}'), sg_plan_set('c', '{2}', '{"phase": "later"}');
CALL sg_apply('c', fail => true);
SELECT sg_plan_release('c', 'sooner');
SELECT sg_plan_release('c', 'later');
CALL sg_apply('c');
CALL sg_rollback_fks('c');

-- keys and what they need
CREATE TABLE items (id int PRIMARY KEY);
INSERT INTO items SELECT generate_series(1, 10);
SELECT sg_plan_create('c', replace => true) \g /dev/null
SELECT sg_plan_add_fk('c', 'items', '{order_id}', 'orders', index => false);
SELECT sg_plan_add_column('c', 'items', 'order_id', 'bigint DEFAULT 1', priority => 'low');
SELECT sg_plan_add_check('c', 'items', 'id > 0');
SELECT step, check_name, result, detail FROM sg_plan_check_details('c') WHERE step = 1 OR result = 'block';
CALL sg_add_fks('c');
TABLE steps;
CALL sg_apply('c');
SELECT conname, convalidated FROM pg_constraint WHERE conrelid = 'items'::regclass AND contype IN ('c', 'f') ORDER BY 1;
CALL sg_rollback_fks('c');
SELECT * FROM columns_of('items');

-- partitions and children that inherit
CREATE TABLE parts (k int, v int) PARTITION BY LIST (k);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES IN (1);
CREATE TABLE parts_2 PARTITION OF parts FOR VALUES IN (2) PARTITION BY LIST (v);
CREATE TABLE parts_21 PARTITION OF parts_2 DEFAULT;
CREATE TABLE heirs () INHERITS (orders);
INSERT INTO parts SELECT 1 + g % 2, g FROM generate_series(1, 10) g;
SELECT sg_plan_create('c', replace => true) \g /dev/null
SELECT sg_plan_add_check('c', 'parts', 'v > 0');
SELECT sg_plan_add_not_null('c', 'parts', 'v');
SELECT sg_plan_add_check('c', 'orders', 'total >= 0');
SET schemaguard.verbosity = problems;
CALL sg_apply('c', fail => true);
RESET schemaguard.verbosity;
SELECT conrelid::regclass, conname, convalidated FROM pg_constraint
WHERE contype = 'c' AND conrelid::regclass::text ~ 'parts|heirs' ORDER BY conrelid::regclass::text COLLATE "C", 2;
SELECT attrelid::regclass, attnotnull FROM pg_attribute WHERE attrelid::regclass::text LIKE 'parts%' AND attname = 'v' ORDER BY attrelid::regclass::text COLLATE "C";
CALL sg_rollback_fks('c', fail => true);
SELECT count(*) FROM pg_constraint WHERE contype = 'c' AND conrelid::regclass::text ~ 'parts|heirs';
-- what a partition had before it was attached is no step's to take away; a partition that was made as one had nothing
SET client_min_messages = warning;
SELECT sg_plan_create('c', replace => true) \g /dev/null
SELECT sg_plan_add_check('c', 'parts', 'v > 0'), sg_plan_add_not_null('c', 'parts', 'v'), sg_plan_add_column('c', 'parts', 'w', 'int', fill => 'v * 2') \g /dev/null
SELECT sg_plan_add_check('c', 'parts_2', 'v < 100') \g /dev/null
CALL sg_apply('c', fail => true);
CREATE TABLE parts_3 PARTITION OF parts FOR VALUES IN (3);
CREATE TABLE parts_4 PARTITION OF parts_2 FOR VALUES IN (4);
CREATE TABLE parts_5 (k int, v int NOT NULL CONSTRAINT parts_check CHECK (v > 0), w int);
ALTER TABLE parts ATTACH PARTITION parts_5 FOR VALUES IN (5);
RESET client_min_messages;
\set VERBOSITY terse
CALL sg_rollback_fks('c');
\set VERBOSITY default
SELECT * FROM columns_of('parts_5') UNION ALL SELECT * FROM checks_of('parts_5');
ALTER TABLE parts DROP CONSTRAINT parts_check, ALTER v DROP NOT NULL, DROP w;

-- SQL of others runs for nobody who has not read it
SET client_min_messages = warning;
CREATE ROLE regress_sg_writer;
CREATE ROLE regress_sg_other;
SELECT sg_grant(r) FROM unnest('{regress_sg_writer,regress_sg_other}'::text[]) r \g /dev/null
GRANT USAGE, CREATE ON SCHEMA chg TO regress_sg_writer, regress_sg_other;
RESET client_min_messages;
SET SESSION AUTHORIZATION regress_sg_writer;
SELECT sg_plan_create('planted') \g /dev/null
SELECT sg_plan_add_statement('planted', 'ALTER ROLE regress_sg_writer SUPERUSER', undo => 'ALTER ROLE regress_sg_writer NOSUPERUSER', name => 'harmless') \g /dev/null
SELECT sg_plan_allow('planted', 'regress_sg_other') \g /dev/null
RESET SESSION AUTHORIZATION;
\set VERBOSITY terse
CALL sg_apply('planted', author => 'regress_sg_writer');
CALL sg_apply('planted', author => 'regress_sg_writer', confirm => 'no');
SELECT rolsuper FROM pg_roles WHERE rolname = 'regress_sg_writer';
SELECT check_name, result, regexp_replace(detail, '[0-9a-f]{64}', '#') FROM sg_plan_check_details('planted') WHERE check_name = 'confirm';
SELECT schemaguard.sg_plan_hash('planted') AS hash \gset
-- nor does a look at the plan run any of it
SET SESSION AUTHORIZATION regress_sg_writer;
SELECT sg_plan_create('asks') \g /dev/null
SELECT sg_plan_add_statement('asks', 'CREATE TABLE chg.asked ()', done_when => 'SELECT nextval(''chg.times'') > 0', name => 'asks') \g /dev/null
RESET SESSION AUTHORIZATION;
CREATE SEQUENCE times;
SELECT check_name, result, detail FROM sg_plan_check_details('asks') WHERE step = 1;
SELECT is_called FROM times;
SET SESSION AUTHORIZATION regress_sg_other;
SET client_min_messages = error;
CALL sg_apply('planted', author => 'regress_sg_writer', confirm => :'hash');
RESET client_min_messages;
SELECT state FROM schemaguard.plan_step WHERE plan = 'planted';
RESET SESSION AUTHORIZATION;
SET SESSION AUTHORIZATION regress_sg_writer;
SELECT sg_plan_set('planted', '{1}', '{"definition": "ALTER ROLE regress_sg_writer CREATEROLE"}') \g /dev/null
RESET SESSION AUTHORIZATION;
CALL sg_apply('planted', author => 'regress_sg_writer', confirm => :'hash');
CALL sg_rollback_fks('planted', author => 'regress_sg_writer');
-- no privilege on the table: nothing begins
SET SESSION AUTHORIZATION regress_sg_other;
SELECT sg_plan_create('mine') \g /dev/null
SELECT sg_plan_add_not_null('mine', 'chg.orders', 'note');
CALL sg_apply('mine');
RESET SESSION AUTHORIZATION;
SELECT step, action, phase, statement FROM schemaguard.audit_log WHERE plan = 'planted' AND action = 'statement' ORDER BY id;

-- finished steps of a table that has another name by now: rows read of the plan and of pg_class grow with the steps, not with their square
CREATE TABLE many (v int);
SELECT sg_plan_create('many') \g /dev/null
SELECT sg_plan_from_sql('many', string_agg(format('ALTER TABLE chg.many ADD CONSTRAINT many_%s CHECK (v > %1$s);', g), '')) FROM generate_series(1, 299) g;
SELECT sg_plan_add_rename('many', 'table', 'chg.many', 'moved') \g /dev/null
ALTER TABLE many RENAME TO moved;
UPDATE schemaguard.plan_step SET state = 'validated' WHERE plan = 'many';
VACUUM ANALYZE schemaguard.plan_step;
-- what the statements before have read is not counted
SELECT pg_stat_force_next_flush() \g /dev/null
BEGIN;
SELECT result, reason, count(*) FROM sg_verify_fks_details('many') GROUP BY 1, 2 ORDER BY 1;
SELECT sum(pg_stat_get_xact_tuples_returned(oid) + pg_stat_get_xact_tuples_fetched(oid)) FILTER (WHERE relname LIKE 'plan_step%') < 300 * 40 AS steps,
  sum(pg_stat_get_xact_tuples_returned(oid)) FILTER (WHERE relname = 'pg_class') < 300 * 40 AS tables FROM pg_class WHERE relname ~ '^(plan_step|pg_class$)';
ROLLBACK;

-- statements that only alter the catalog, of a table that the step does not name
CREATE TABLE plain (v int);
CREATE VIEW plainer AS SELECT v FROM plain;
SELECT sg_plan_create('plain') \g /dev/null
SELECT count(sg_plan_add_statement('plain', s)) FROM unnest('{ALTER TABLE chg.plain ENABLE ROW LEVEL SECURITY,ALTER TABLE chg.plain SET (fillfactor = 70),ALTER VIEW chg.plainer RENAME TO simple,ALTER TABLE chg.plain RENAME v TO w}'::text[]) s;
CALL sg_apply('plain');
SELECT c.relrowsecurity, c.reloptions, a.attname, to_regclass('simple') FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = 1 WHERE c.oid = 'plain'::regclass;

-- a step that was done since another one has made the same is not done any more when that is taken back
CREATE TABLE alike (a int);
SELECT sg_plan_create('alike') \g /dev/null
SELECT sg_plan_from_sql('alike', 'ALTER TABLE chg.alike ADD CONSTRAINT first CHECK (a < 10); ALTER TABLE chg.alike ADD CONSTRAINT second CHECK (a < 10)');
CALL sg_apply('alike');
CALL sg_rollback_fks('alike', steps => '{1}');
SELECT step, state, reason FROM schemaguard.plan_step WHERE plan = 'alike' ORDER BY step;
CALL sg_apply('alike', steps => '{2}');
SELECT step, state, reason FROM schemaguard.plan_step WHERE plan = 'alike' ORDER BY step;
-- a drop that can't be taken back stays as it is where another drop of a column of the table is, and is not run once more
CREATE TABLE two (id int PRIMARY KEY, fax text, o int, n int);
SELECT sg_plan_create('two') \g /dev/null
SELECT sg_plan_add_drop('two', 'column', 'two', 'fax'), sg_plan_add_drop('two', 'column', 'two', 'o'), sg_plan_add_rename('two', 'column', 'two', 'm', 'n'),
       sg_plan_add_column('two', 'two', 'a', 'int'), sg_plan_add_column('two', 'two', 'b', 'int') \g /dev/null
CALL sg_apply('two', fail => true);
ALTER TABLE two ADD fax text DEFAULT 'new';
CALL sg_rollback_fks('two');
SELECT step, state, reason FROM schemaguard.plan_step WHERE plan = 'two' ORDER BY step;
CALL sg_apply('two', steps => '{1}');
SELECT attname FROM pg_attribute WHERE attrelid = 'two'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum;
ALTER TABLE two DROP fax;
CALL sg_rollback_fks('two');
SELECT sg_plan_drop('two') \g /dev/null
-- a drop is done where a step, or somebody, gives the name to another object
CREATE TABLE heir (id int PRIMARY KEY, n int DEFAULT 5 CONSTRAINT low CHECK (n > 0), m int, o int);
CREATE TABLE heir_old ();
CREATE TABLE heir_new ();
INSERT INTO heir SELECT g, g FROM generate_series(1, 10) g;
SELECT sg_plan_create('heir') \g /dev/null
SELECT sg_plan_add_column('heir', 'heir', 'n_new', 'bigint', fill => 'n::bigint'), sg_plan_add_drop('heir', 'column', 'heir', 'n'), sg_plan_add_rename('heir', 'column', 'heir', 'n', 'n_new'),
       sg_plan_add_drop('heir', 'column', 'heir', 'm', keep => false), sg_plan_add_drop('heir', 'table', 'heir_old', keep => false), sg_plan_add_rename('heir', 'table', 'heir_new', 'heir_old'),
       sg_plan_add_check('heir', 'heir', 'o > 0', name => 'low_new'), sg_plan_add_drop('heir', 'constraint', 'heir', 'low'), sg_plan_add_rename('heir', 'constraint', 'heir', 'low', 'low_new') \g /dev/null
CALL sg_apply('heir', fail => true);
ALTER TABLE heir ADD m text;
CALL sg_apply('heir', fail => true);
SELECT fk_name, test, result, reason FROM sg_verify_fks('heir') WHERE fk_name IN ('n', 'm', 'heir_old', 'low') AND test = 'done' OR result <> 'pass' ORDER BY 1, 2;
-- it is not where somebody makes a constraint anew, or puts a column back
CREATE TABLE back (n int CONSTRAINT low CHECK (n > 0), o int);
SELECT sg_plan_create('back') \g /dev/null
SELECT sg_plan_add_drop('back', 'constraint', 'back', 'low'), sg_plan_add_drop('back', 'column', 'back', 'o') \g /dev/null
CALL sg_apply('back', fail => true);
ALTER TABLE back ADD CONSTRAINT low CHECK (n > 0);
ALTER TABLE back RENAME _sg_dropped_o TO o;
SELECT fk_name, test, result, reason FROM sg_verify_fks('back') ORDER BY 1, 2;
SELECT sg_plan_drop('heir', force => true), sg_plan_drop('back', force => true) \g /dev/null
DROP TABLE heir, back, heir_old;
-- what takes back a statement about a table that is gone is not run, and the step says so
SELECT sg_plan_create('leaves') \g /dev/null
SELECT sg_plan_add_statement('leaves', 'INSERT INTO chg.plain VALUES (77)', undo => 'DELETE FROM chg.plain', child_table => 'chg.alike') \g /dev/null
SELECT sg_plan_add_drop('leaves', 'table', 'chg.alike', keep => false, after => '{1}');
CALL sg_apply('leaves', fail => true);
CALL sg_rollback_fks('leaves');
SELECT step, state, reason FROM schemaguard.plan_step WHERE plan = 'leaves' ORDER BY step;

-- done again: what the plan itself has renamed or dropped since is not added once more
CREATE TABLE stays (a text);
INSERT INTO stays SELECT 'v' || g FROM generate_series(1, 3) g;
SELECT sg_plan_create('stays') \g /dev/null
SELECT sg_plan_add_column('stays', 'chg.stays', 'b', 'text', fill => 'upper(a)'), sg_plan_add_not_null('stays', 'chg.stays', 'b'), sg_plan_add_rename('stays', 'column', 'chg.stays', 'c', 'b'),
  sg_plan_add_column('stays', 'chg.stays', 'once', 'int'), sg_plan_add_drop('stays', 'column', 'chg.stays', 'once', keep => false);
-- set apart on 15 to 17 alone: SET NOT NULL
SET client_min_messages = warning;
CALL sg_apply('stays');
RESET client_min_messages;
CALL sg_apply('stays');
TABLE stays;
SELECT fk_name, test, result, reason FROM sg_verify_fks_details('stays') WHERE result <> 'pass';
CALL sg_rollback_fks('stays', steps => '{1,2,3}');
TABLE stays;
-- the same where another column has the name by now, and of a table whose name another one has
CREATE TABLE stood (a int);
SELECT sg_plan_create('stays', replace => true) \g /dev/null
SELECT sg_plan_add_column('stays', 'chg.stays', 'anew', 'int', fill => 'length(a)'), sg_plan_add_rename('stays', 'column', 'chg.stays', 'former', 'a'), sg_plan_add_rename('stays', 'column', 'chg.stays', 'a', 'anew'),
  sg_plan_add_column('stays', 'chg.stood', 'more', 'int DEFAULT 1'), sg_plan_add_rename('stays', 'table', 'chg.stood', 'stood_old'), sg_plan_add_rename('stays', 'table', 'chg.stays', 'stood');
CALL sg_apply('stays');
CALL sg_apply('stays');
SELECT fk_name, test, result, reason FROM sg_verify_fks_details('stays') WHERE result <> 'pass';
TABLE stood;
SELECT attrelid::regclass, attname FROM pg_attribute WHERE attrelid IN ('stood'::regclass, 'stood_old'::regclass) AND attnum > 0 AND NOT attisdropped ORDER BY 1, attnum;
CALL sg_rollback_fks('stays');
-- a drop by a name that another step makes
SELECT sg_plan_create('stays', replace => true) \g /dev/null
SELECT sg_plan_add_drop('stays', 'column', 'chg.stays_new', 'a', keep => false), sg_plan_add_rename('stays', 'table', 'chg.stays', 'stays_new');
CALL sg_apply('stays');
CALL sg_apply('stays');
SELECT step, state, reason FROM schemaguard.plan_step WHERE plan = 'stays' ORDER BY step;
-- a column that is there, and gets its values otherwise; later changes of one that the step has made are no others
CREATE TABLE valued (a int DEFAULT 5, b int, c int, d int DEFAULT 1 + 1, e int, f int, g int GENERATED BY DEFAULT AS IDENTITY, i int);
SELECT sg_plan_create('stays', replace => true) \g /dev/null
SET client_min_messages = error;
SELECT sg_plan_add_column('stays', 'chg.valued', x[1], x[2]) FROM (VALUES ('{a,int DEFAULT 7}'::text[]), ('{b,int DEFAULT 7}'), ('{c,int GENERATED ALWAYS AS IDENTITY}'), ('{d,int DEFAULT 1+1}'),
  ('{e,int GENERATED ALWAYS AS (a + 1) STORED}'), ('{f,serial}'), ('{g,int GENERATED ALWAYS AS IDENTITY}'), ('{h,int DEFAULT 1}'), ('{i,int DEFAULT NULL}')) v (x) \g /dev/null
RESET client_min_messages;
SELECT step, result, detail, hint FROM sg_plan_check_details('stays') WHERE step > 0 AND check_name IN ('definition', 'deployment') ORDER BY 1;
SET client_min_messages = error;
CALL sg_apply('stays');
ALTER TABLE valued ALTER h DROP DEFAULT;
CALL sg_apply('stays');
SELECT step, state, reason FROM schemaguard.plan_step WHERE plan = 'stays' ORDER BY step;
RESET client_min_messages;
-- a primary key in the place of another one: the drop waits for it, unless it comes after the drop, as the hint has it
CREATE TABLE exchanged (id int PRIMARY KEY, a int NOT NULL);
SELECT sg_plan_create('stays', replace => true) \g /dev/null
SELECT sg_plan_add('stays', 'ALTER TABLE chg.exchanged DROP CONSTRAINT exchanged_pkey'), sg_plan_add('stays', 'ALTER TABLE chg.exchanged ADD CONSTRAINT exchanged_new PRIMARY KEY (a)');
SELECT hint AS exchange FROM sg_plan_check_details('stays') WHERE step = 2 AND result = 'block';
SELECT substr(hint, strpos(hint, E'\n') + 1) FROM sg_plan_check_details('stays') WHERE step = 2 AND result = 'block' \gexec
CALL sg_apply('stays');
SELECT conname FROM pg_constraint WHERE conrelid = 'exchanged'::regclass AND contype = 'p';

-- what somebody has undone, and was done again, is taken back by one call
CREATE TABLE redone (id int PRIMARY KEY);
SELECT sg_plan_create('stays', replace => true) \g /dev/null
SELECT sg_plan_add('stays', 'ALTER TABLE chg.redone ADD a int DEFAULT 5'), sg_plan_add('stays', 'ALTER TABLE chg.redone ADD CONSTRAINT redone_a CHECK (a > 0)');
SET client_min_messages = error;
CALL sg_apply('stays');
ALTER TABLE redone DROP a;
CALL sg_apply('stays');
RESET client_min_messages;
CALL sg_rollback_fks('stays');
SELECT step, state, reason FROM schemaguard.plan_step WHERE plan = 'stays' ORDER BY step;

-- a literal without a zone means what it meant when the step was done, whoever makes the next call: as a default, in a check, an
-- index, and a range
CREATE TABLE zoned (id int PRIMARY KEY, at timestamptz);
CREATE TABLE zoned_parts (id int, at timestamptz) PARTITION BY RANGE (id);
CREATE TABLE zoned_part PARTITION OF zoned_parts FOR VALUES FROM (0) TO (9);
SELECT sg_plan_create('stays', replace => true) \g /dev/null
SET client_min_messages = error;
SELECT sg_plan_add_default('stays', 'zoned', 'at', '''2024-01-02 03:04'''),
       sg_plan_add_check('stays', 'zoned', 'at > ''2024-01-02 03:04''', name => 'zoned_check'),
       sg_plan_add_index('stays', 'zoned', '(id) WHERE at > ''2024-01-02 03:04''', 'zoned_i'),
       sg_plan_add_index('stays', 'zoned_parts', '(id) WHERE at > ''2024-01-02 03:04''', 'zoned_parts_i'),
       sg_plan_add_index('stays', 'zoned', '(at) WHERE at <@ tstzrange(''2024-01-02 03:04'', NULL)', 'zoned_range') \g /dev/null
CALL sg_apply('stays');
SET TimeZone = 'Asia/Kolkata';
SET DateStyle = 'German';
CALL sg_apply('stays');
SELECT step, state, reason FROM schemaguard.plan_step WHERE plan = 'stays' ORDER BY step;
SELECT count(*) AS tests, count(*) FILTER (WHERE result <> 'pass') AS others FROM sg_verify_fks('stays');
CALL sg_rollback_fks('stays');
SELECT step, state, reason FROM schemaguard.plan_step WHERE plan = 'stays' ORDER BY step;
-- what somebody has set since is another default
CALL sg_apply('stays', steps => '{1}');
ALTER TABLE zoned ALTER at SET DEFAULT '2025-01-02 03:04';
CALL sg_rollback_fks('stays');
SELECT step, state, reason FROM schemaguard.plan_step WHERE plan = 'stays' AND step = 1;
RESET TimeZone; RESET DateStyle; RESET client_min_messages;
-- a trigger of users that raises an error is named, without what it says; so is what stands in the way of a drop
CREATE TABLE told (id int PRIMARY KEY, secret text); INSERT INTO told VALUES (1, 'hunter2');
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE '%', OLD.secret; END$$;
CREATE TRIGGER refuse BEFORE UPDATE ON told FOR EACH ROW EXECUTE FUNCTION refuse();
SELECT sg_plan_create('told'), sg_plan_add('told', 'UPDATE told SET id = 2'), sg_plan_add('told', 'CREATE TABLE refers (id int REFERENCES told)'),
  sg_plan_add('told', 'ALTER TABLE told DROP CONSTRAINT told_pkey') \g /dev/null
CALL sg_apply('told');
SELECT step, state, reason FROM schemaguard.plan_step WHERE plan = 'told' ORDER BY 1;
SELECT message FROM schemaguard.audit_log WHERE plan = 'told' AND phase = 'failed' ORDER BY id;
SELECT sg_plan_drop('told', force => true) \g /dev/null
DROP TABLE refers, told;
DROP FUNCTION refuse();

-- a statement has to do what done_when asks for
SELECT sg_plan_create('undone'), sg_plan_add_statement('undone', 'CREATE TABLE chg.undone ()', done_when => 'SELECT false', name => 'never'),
  sg_plan_add_statement('undone', 'CREATE TABLE chg.half (); INSERT INTO chg.half DEFAULT VALUES', done_when => 'SELECT to_regclass(''chg.half'') IS NOT NULL', name => 'done'),
  sg_plan_add_statement('undone', 'CREATE TABLE chg.fails ()', done_when => 'SELECT EXISTS (SELECT FROM chg.half) AND 1 / (CASE WHEN to_regclass(''chg.fails'') IS NULL THEN 1 ELSE 0 END) = 0', name => 'fails', after => '{done}') \g /dev/null
CALL sg_apply('undone');
SELECT step, state, reason FROM schemaguard.plan_step WHERE plan = 'undone' ORDER BY 1;
SELECT to_regclass('chg.undone'), to_regclass('chg.half'), to_regclass('chg.fails');
SELECT sg_plan_drop('undone', force => true) \g /dev/null
DROP TABLE half;

-- end
SET client_min_messages = error;
SELECT sg_plan_drop(name, force => true) FROM schemaguard.plan WHERE name IN ('c', 'planted', 'mine', 'asks', 'many', 'plain', 'alike', 'leaves', 'stays') \g /dev/null
DROP SCHEMA chg CASCADE;
DROP OWNED BY regress_sg_writer, regress_sg_other;
DROP ROLE regress_sg_writer, regress_sg_other;
