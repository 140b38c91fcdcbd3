-- Plans by hand: create, add, set, skip, drop, export, import, SQL; and what each refuses.
-- rooms: plan
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS schemaguard;
RESET client_min_messages;
\set VERBOSITY terse
\set SHOW_CONTEXT never

CREATE SCHEMA plan_test;
SET search_path = plan_test, public;

CREATE TABLE parent (a int, b int, PRIMARY KEY (a, b));
CREATE TABLE customers (id bigint PRIMARY KEY, email text UNIQUE);
CREATE TABLE orders (id int PRIMARY KEY, customer_id bigint, email text, a int, b int);
CREATE VIEW a_view AS SELECT 1 AS id;
CREATE SCHEMA "We""ird.S";
CREATE TABLE "We""ird.S"."T a" ("id;drop" int PRIMARY KEY, "up""per" int);

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

-- What a plan holds
CREATE VIEW steps AS
SELECT plan, step, priority AS prio, child_table AS child, child_columns AS cc, parent_table AS parent,
       parent_columns AS pc, fk_name, on_delete AS del, on_update AS upd, match, "deferrable" AS d,
       initially_deferred AS i, on_delete_columns AS dc, enforced AS e, orphans, index AS ix, state, reason
  FROM schemaguard.plan_step ORDER BY plan COLLATE "C", step;

-- Plans
SELECT sg_plan_create('pl1', 'the first');
SELECT sg_plan_create('pl2');
SELECT name, description, author = current_user AS mine, approved_by FROM schemaguard.plan WHERE name IN ('pl1', 'pl2') ORDER BY name;
SELECT raises($$SELECT sg_plan_create('pl1')$$);
SELECT raises($$SELECT sg_plan_create('')$$);
SELECT raises(format('SELECT sg_plan_create(%L)', repeat('x', 64)));
SELECT raises(format('SELECT sg_plan_create(%L)', repeat('ä', 32)));
SELECT sg_plan_create(repeat('x', 63)), sg_plan_drop(repeat('x', 63));
SELECT raises($$SELECT sg_plan_drop('no such plan')$$);
SELECT raises($$SELECT sg_plan_add_fk('no such plan', 'orders', '{a}', 'customers')$$);
SELECT raises($$SELECT sg_plan_from_sql('no such plan', '')$$);
SELECT raises($$SELECT sg_plan_export('no such plan')$$);
SELECT raises($$SELECT * FROM sg_plan_sql('no such plan')$$);
-- an empty plan
SELECT * FROM sg_plan_sql('pl1') \g (format=wrapped columns=160)
SELECT sg_plan_export('pl1');

-- Steps: defaults, then every clause
SELECT sg_plan_add_fk('pl1', 'orders', '{customer_id}', 'customers');
SELECT sg_plan_add_fk('pl1', 'orders', '{a,b}', 'plan_test.parent', '{a,b}', fk_name => 'orders_parent', on_delete => 'SET NULL',
                      on_update => 'cascade', priority => 'critical', orphans => 'leave', index => false, match => 'full',
                      initially_deferred => true, on_delete_columns => '{b}');
SELECT sg_plan_add_fk('pl1', 'orders', ARRAY['email'], 'customers', ARRAY['email'], on_delete => 'restrict',
                      on_update => 'set default', priority => 'low', "deferrable" => true, index => false);
SELECT sg_plan_add_fk('pl1', '"We""ird.S"."T a"', ARRAY['up"per'], '"We""ird.S"."T a"', ARRAY['id;drop'], priority => 'high',
                      index => false);
\x on
SELECT * FROM steps WHERE plan = 'pl1';
\x off
\a
SELECT * FROM sg_plan_sql('pl1');
\a

-- What deployment would run does run
DO $$
DECLARE
  statement text;
BEGIN
  FOR statement IN SELECT * FROM sg_plan_sql('pl1') LOOP
    -- a function may build no index concurrently
    EXECUTE replace(statement, 'INDEX CONCURRENTLY', 'INDEX');
  END LOOP;
END
$$;
SELECT conrelid::regclass, conname, pg_get_constraintdef(oid)
  FROM pg_constraint WHERE contype = 'f' AND conrelid IN ('orders'::regclass, '"We""ird.S"."T a"'::regclass)
 ORDER BY 2, conrelid::regclass::text COLLATE "C";
-- A key that is declared gives a step its name.
SELECT sg_plan_add_fk('pl2', 'orders', '{b,a}', 'parent', '{b,a}', index => false);
SELECT fk_name FROM steps WHERE plan = 'pl2';
ALTER TABLE orders DROP CONSTRAINT orders_parent, DROP CONSTRAINT orders_email_fkey, DROP CONSTRAINT orders_customer_id_fkey;
ALTER TABLE "We""ird.S"."T a" DROP CONSTRAINT "T a_up""per_fkey";

-- Names that are made up: free in the table and in the plan, and not longer than a name can be
CREATE TABLE names (x int CONSTRAINT names_x_fkey CHECK (x > 0), "ääääääääääääääääääääääääääääää" int);
SELECT sg_plan_pause('pl2');
SELECT sg_plan_create('pl2', replace => true);
SELECT plan, role = current_user AS paused FROM schemaguard.plan_pause;
SELECT sg_plan_resume('pl2');
SELECT sg_plan_add_fk('pl2', 'names', '{x}', 'customers', '{id}', index => false);
SELECT sg_plan_add_fk('pl2', 'names', '{x}', 'orders', index => false);
SELECT sg_plan_add_fk('pl2', 'names', ARRAY['ääääääääääääääääääääääääääääää'], 'orders', index => false);
SELECT fk_name, octet_length(fk_name) FROM steps WHERE plan = 'pl2';

-- What this database lacks
SELECT sg_plan_add_fk('pl2', 'nowhere.t', '{x}', 'nowhere.u', index => false);
SELECT sg_plan_add_fk('pl2', 'not_here', '{x}', 'not_here', '{id}', index => false);
SELECT sg_plan_add_fk('pl2', 'orders', '{nix}', 'customers', '{nada}', index => false);
SELECT child, cc, parent, pc, fk_name FROM steps WHERE plan = 'pl2' AND step > 3;

-- What no key can be
SELECT raises($$SELECT sg_plan_add_fk('pl1', 'a_view', '{id}', 'customers')$$);
SELECT raises($$SELECT sg_plan_add_fk('pl1', 'orders', '{customer_id}', 'a_view')$$);
SELECT raises($$SELECT sg_plan_add_fk('pl1', 'pg_class', '{oid}', 'customers')$$);
SELECT raises($$SELECT sg_plan_add_fk('pl1', 'missing', '{oid}', 'pg_class')$$);
CREATE TEMPORARY TABLE scratch (id int PRIMARY KEY);
SELECT raises($$SELECT sg_plan_add_fk('pl1', 'orders', '{customer_id}', 'scratch')$$) ~ '^42P16 .* temporary table$' AS temporary;
CREATE FOREIGN DATA WRAPPER plan_test_fdw;
CREATE SERVER plan_test_server FOREIGN DATA WRAPPER plan_test_fdw;
CREATE FOREIGN TABLE elsewhere (id int) SERVER plan_test_server;
SELECT raises($$SELECT sg_plan_add_fk('pl1', 'elsewhere', '{id}', 'customers')$$);

SELECT raises($$SELECT sg_plan_add_fk('pl1', 'orders', '{customer_id}', 'customers')$$);
SELECT raises($$SELECT sg_plan_add_fk('pl1', 'orders', '{b,a}', 'parent', '{b,a}')$$);
SELECT raises($$SELECT sg_plan_add_fk('pl1', 'orders', '{id}', 'customers', fk_name => 'orders_parent')$$);
SELECT raises($$SELECT sg_plan_add_fk('pl1', 'orders', '{a}', 'parent', '{a,b}')$$);
SELECT raises($$SELECT sg_plan_add_fk('pl1', 'orders', '{a,a}', 'parent')$$);
SELECT raises($$SELECT sg_plan_add_fk('pl1', 'orders', '{a,b}', 'parent', '{a,a}')$$);
SELECT raises($$SELECT sg_plan_add_fk('pl1', 'orders', '{}', 'parent')$$);
SELECT raises($$SELECT sg_plan_add_fk('pl1', 'orders', '{a}', 'parent', '{}')$$);
SELECT raises($$SELECT sg_plan_add_fk('pl1', 'orders', '{{a},{b}}', 'parent')$$);
SELECT raises($$SELECT sg_plan_add_fk('pl1', 'orders', '{a,NULL}', 'parent')$$);
SELECT raises($$SELECT sg_plan_add_fk('pl1', 'orders', '{""}', 'parent')$$);
SELECT raises($$SELECT sg_plan_add_fk('pl1', 'orders', (SELECT array_agg('c' || i) FROM generate_series(1, 33) i), 'parent')$$);
SELECT raises($$SELECT sg_plan_add_fk('pl1', 'orders o', '{a}', 'parent')$$);
SELECT raises($$SELECT sg_plan_add_fk('pl1', 'a.b.c', '{a}', 'parent')$$);
SELECT raises($$SELECT sg_plan_add_fk('pl1', '', '{a}', 'parent')$$);
SELECT raises(format('SELECT sg_plan_add_fk(''pl1'', %L, ''{a}'', ''parent'')', repeat('t', 64)));
SELECT raises(format('SELECT sg_plan_add_fk(''pl1'', ''orders'', ''{a}'', %L)', repeat('t', 64) || '.t'));
SELECT raises(format('SELECT sg_plan_add_fk(''pl1'', ''orders'', ARRAY[%L], ''parent'')', repeat('c', 64)));
SELECT raises(format('SELECT sg_plan_add_fk(''pl1'', ''orders'', ARRAY[''a''], ''parent'', fk_name => %L)', repeat('n', 64)));

SELECT raises($$SELECT sg_plan_add_fk('pl1', 'orders', '{id}', 'customers', on_delete => 'explode')$$);
SELECT raises($$SELECT sg_plan_add_fk('pl1', 'orders', '{id}', 'customers', on_update => 'setnull')$$);
SELECT raises($$SELECT sg_plan_add_fk('pl1', 'orders', '{id}', 'customers', priority => 'urgent')$$);
SELECT raises($$SELECT sg_plan_add_fk('pl1', 'orders', '{id}', 'customers', match => 'partial')$$);
SELECT raises($$SELECT sg_plan_add_fk('pl1', 'orders', '{id}', 'customers', match => 'fuzzy')$$);
SELECT raises($$SELECT sg_plan_add_fk('pl1', 'orders', '{id}', 'customers', orphans => 'adopt')$$);
SELECT raises($$SELECT sg_plan_add_fk('pl1', 'orders', '{id}', 'customers', orphans => 'set')$$);
SELECT raises($$SELECT sg_plan_add('pl1', 'ALTER TABLE orders ADD FOREIGN KEY (id) REFERENCES customers', '{"orphans": "set"}')$$);
SELECT raises($$SELECT sg_plan_option('pl1', 'orphans', 'set')$$);
SELECT raises(format('SELECT sg_plan_add_fk(''pl1'', ''orders'', ''{id}'', ''customers'', orphans => %L, quarantine_cascades => true)', policy))
  FROM unnest(ARRAY['stop', 'set null']) AS policy;
SELECT raises($$SELECT sg_plan_add_fk('pl1', 'orders', '{id}', 'customers', sentinel => '0')$$);
SELECT raises($$SELECT sg_plan_add_fk('pl1', 'orders', '{id}', 'customers', replaces => '')$$);
SELECT raises(format('SELECT sg_plan_add_fk(''pl1'', ''orders'', ''{id}'', ''customers'', replaces => %L)', repeat('n', 64)));
SELECT raises($$SELECT sg_plan_add_fk('pl1', 'orders', '{id}', 'customers', fk_name => 'x', replaces => 'x')$$);
SELECT raises($$SELECT sg_plan_add_fk('pl1', 'orders', '{id}', 'customers', replaces => 'orders_parent')$$);
SELECT raises($$SELECT sg_plan_add_fk('pl1', 'orders', '{id}', 'customers', on_delete => 'cascade', on_delete_columns => '{id}')$$);
SELECT raises($$SELECT sg_plan_add_fk('pl1', 'orders', '{id}', 'customers', on_delete => 'set null', on_delete_columns => '{a}')$$);
SELECT raises($$SELECT sg_plan_add_fk('pl1', 'orders', '{id}', 'customers', on_delete => 'set null', on_delete_columns => '{id,id}')$$);

-- what is misspelt has the nearest name as its hint
\set VERBOSITY default
BEGIN;
SELECT sg_plan_create('near');
SELECT sg_plan_add_fk('near', 'orders', '{custmer_id}', 'custmers');
SELECT sg_plan_add_fk('near', 'orders', '{customer_id}', 'customers', '{emial}');
SELECT sg_plan_add_fk('near', 'orders', '{id}', 'customers', '{email}');
-- what the role may not use is not offered
CREATE ROLE regress_sg_near;
SELECT sg_grant('regress_sg_near');
CREATE SCHEMA plan_tests;
CREATE TABLE plan_tests.custmers (id bigint PRIMARY KEY);
GRANT USAGE ON SCHEMA plan_test TO regress_sg_near;
GRANT SELECT ON orders TO regress_sg_near;
SET LOCAL ROLE regress_sg_near;
SELECT sg_plan_create('far');
SELECT sg_plan_add_fk('far', 'orders', '{customer_id}', 'custmers');
SELECT sg_plan_add_fk('far', 'orders', '{id}', 'plan_tsts.custmers');
SELECT step, hint FROM sg_plan_check_details('far') WHERE result = 'block' ORDER BY step;
RESET ROLE;
GRANT SELECT (id) ON customers TO regress_sg_near;
SET LOCAL ROLE regress_sg_near;
SELECT step, hint FROM sg_plan_check_details('far') WHERE result = 'block' ORDER BY step;
RESET ROLE;
GRANT USAGE ON SCHEMA plan_tests TO regress_sg_near;
GRANT SELECT ON plan_tests.custmers TO regress_sg_near;
SET LOCAL ROLE regress_sg_near;
SELECT step, hint FROM sg_plan_check_details('far') WHERE result = 'block' ORDER BY step;
ROLLBACK;
SELECT sg_plan_set('pl1', '{1}', '{"orphan": "stop"}');
SELECT sg_plan_set('pl1', '{1}', '{"orphans": "Quarantin"}');
SELECT sg_plan_set('pl_1', '{1}', '{"orphans": "stop"}');
\set VERBOSITY terse

-- NULL for every argument
SELECT raises(format('SELECT sg_plan_create(%s)', args))
  FROM unnest(ARRAY['NULL', '''x'', NULL', '''x'', '''', NULL']) AS args;
SELECT name, raises(format('SELECT sg_plan_add_fk(plan => %s, child_table => %s, child_columns => %s, parent_table => %s%s)',
              CASE name WHEN 'plan' THEN 'NULL' ELSE '''pl1''' END,
              CASE name WHEN 'child_table' THEN 'NULL' ELSE '''orders''' END,
              CASE name WHEN 'child_columns' THEN 'NULL' ELSE '''{id}''' END,
              CASE name WHEN 'parent_table' THEN 'NULL' ELSE '''customers''' END,
              CASE WHEN name IN ('plan', 'child_table', 'child_columns', 'parent_table') THEN ''
                   ELSE format(', %I => NULL', name) END))
  FROM unnest(ARRAY['plan', 'child_table', 'child_columns', 'parent_table', 'on_delete', 'on_update', 'priority', 'index',
                    'match', 'deferrable', 'initially_deferred', 'enforced', 'quarantine_cascades']) AS name;
SELECT raises(format('SELECT sg_plan_from_sql(%s)', args))
  FROM unnest(ARRAY['NULL, ''''', '''pl1'', NULL', '''pl1'', '''', NULL']) AS args;
SELECT raises(format('SELECT sg_plan_set(%s)', args))
  FROM unnest(ARRAY['NULL, ''{1}'', ''{"match": "full"}''', '''pl1'', ''{1}'', NULL', '''pl1'', ''{1}'', ''{"match": null}''',
                    '''pl1'', ''{1}'', ''{"match": ["full"]}''', '''pl1'', ''{1}'', ''[]''', '''pl1'', ''{1}'', ''{"child_columns": {}}''']) AS args;
SELECT raises(format('SELECT sg_plan_skip(%s)', args))
  FROM unnest(ARRAY['NULL, ''{1}'', ''why''', '''pl1'', ''{1}'', NULL', '''pl1'', ''{}'', ''why''', '''pl1'', ''{99}'', ''why''']) AS args;
SELECT raises('SELECT sg_plan_drop(NULL)');
SELECT raises('SELECT sg_plan_export(NULL)');
SELECT raises('SELECT sg_plan_sql(NULL)');
SELECT raises('SELECT sg_plan_import(NULL, ''{}'')');
SELECT raises('SELECT sg_plan_import(''x'', NULL)');

-- Nothing of that changed the plan.
SELECT count(*) FROM steps WHERE plan = 'pl1';

-- Change steps
SELECT sg_plan_set('pl1', '{1}', '{"priority": "HIGH", "orphans": "leave", "on_delete": "set null", "on_delete_columns": "customer_id",
    "on_update": "cascade", "match": "full", "initially_deferred": true, "index": "off", "fk_name": "Other Name", "parent_columns": ["id"]}');
\x on
SELECT * FROM steps WHERE plan = 'pl1' AND step = 1;
\x off
SELECT raises($$SELECT sg_plan_set('pl1', '{1}', '{"deferrable": false}')$$);
SELECT raises($$SELECT sg_plan_set('pl1', '{1}', '{"on_delete": "cascade"}')$$);
SELECT sg_plan_set('pl1', '{1}', '{"on_delete_columns": null}'), sg_plan_set('pl1', '{1}', '{"on_delete": "cascade"}'),
       sg_plan_set('pl1', '{1}', '{"initially_deferred": false}'), sg_plan_set('pl1', '{1}', '{"deferrable": false}'),
       sg_plan_set('pl1', '{1}', '{"parent_columns": null}'), sg_plan_set('pl1', '{1}', '{"fk_name": null}');
SELECT sg_plan_set('pl1', '{1}', '{"child_table": "\"We\"\"ird.S\".\"T a\""}'), sg_plan_set('pl1', '{1}', '{"child_columns": "{\"id;drop\"}"}'),
       sg_plan_set('pl1', '{1}', '{"fk_name": null}');
SELECT * FROM steps WHERE plan = 'pl1' AND step = 1;
SELECT sg_plan_set('pl1', '{1}', '{"index": true}');

SELECT raises($$SELECT sg_plan_set('pl1', '{1}', '{"colour": "red"}')$$);
SELECT raises($$SELECT sg_plan_set('pl1', '{99}', '{"match": "full"}')$$);
SELECT raises($$SELECT sg_plan_set('pl1', '{1}', '{"match": "partial"}')$$);
SELECT raises($$SELECT sg_plan_set('pl1', '{1}', '{"priority": "now"}')$$);
SELECT raises($$SELECT sg_plan_set('pl1', '{1}', '{"orphans": "recycle"}')$$);
SELECT raises($$SELECT sg_plan_set('pl1', '{1}', '{"deferrable": "maybe"}')$$);
SELECT raises($$SELECT sg_plan_set('pl1', '{1}', '{"child_columns": "{a"}')$$);
SELECT raises($$SELECT sg_plan_set('pl1', '{1}', '{"child_columns": "{}"}')$$);
SELECT raises($$SELECT sg_plan_set('pl1', '{3}', '{"child_columns": "{a,b}"}')$$);
SELECT raises($$SELECT sg_plan_set('pl1', '{1}', '{"parent_columns": "{a,b}"}')$$);
SELECT raises($$SELECT sg_plan_set('pl1', '{1}', jsonb_build_object('replaces', fk_name)) FROM schemaguard.plan_step WHERE plan = 'pl1' AND step = 1$$);
SELECT raises($$SELECT sg_plan_set('pl1', '{1}', '{"parent_table": "a_view"}')$$);
SELECT raises($$SELECT sg_plan_set('pl1', '{3}', '{"fk_name": "orders_parent"}')$$);
SELECT raises($$SELECT sg_plan_set('pl1', '{1}', '{"state": "pending"}')$$);
SELECT raises($$SELECT sg_plan_set('pl1', '{1}', '{"state": "validated"}')$$);

-- Skip, and take it back
SELECT raises($$SELECT sg_plan_skip('pl1', '{99}', 'why')$$);
SELECT raises($$SELECT sg_plan_skip('pl1', '{1}', '')$$);
SELECT sg_plan_skip('pl1', '{1}', E'not ours\nDROP TABLE orders;');
SELECT state, reason, skipped_by = current_user AS by_me FROM schemaguard.plan_step WHERE plan = 'pl1' AND step = 1;
SELECT * FROM sg_plan_sql('pl1') \g (format=wrapped columns=160)
SELECT sg_plan_set('pl1', '{1}', '{"state": "pending"}');
SELECT state, reason, skipped_by FROM schemaguard.plan_step WHERE plan = 'pl1' AND step = 1;
SELECT sg_plan_skip('pl1', '{1}', 'not ours');

-- What is deployed keeps its clauses.
UPDATE schemaguard.plan_step SET state = CASE step WHEN 2 THEN 'added' WHEN 3 THEN 'validated' ELSE 'failed' END
 WHERE plan = 'pl1' AND step > 1;
SELECT raises($$SELECT sg_plan_set('pl1', '{2}', '{"match": "simple"}')$$);
SELECT raises($$SELECT sg_plan_set('pl1', '{3}', '{"child_table": "orders"}')$$);
SELECT raises($$SELECT sg_plan_skip('pl1', '{3}', 'late')$$);
SELECT sg_plan_set('pl1', '{2}', '{"priority": "low"}'), sg_plan_set('pl1', '{2}', '{"orphans": "stop"}');
SELECT * FROM sg_plan_sql('pl1') \g (format=wrapped columns=160)
UPDATE schemaguard.plan_step SET state = 'pending' WHERE plan = 'pl1' AND step > 1;

-- Each change withdraws an approval.
CREATE FUNCTION withdraws(command text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
  UPDATE schemaguard.plan SET approved_by = 'somebody', approved_at = now() WHERE name = 'pl2';
  EXECUTE command;
  RETURN NOT EXISTS (SELECT FROM schemaguard.plan WHERE name = 'pl2' AND (approved_by IS NOT NULL OR approved_at IS NOT NULL));
END
$$;
SELECT withdraws(command), command
  FROM unnest(ARRAY[$$SELECT sg_plan_add_fk('pl2', 'orders', '{id}', 'customers', index => false)$$,
                    $$SELECT sg_plan_set('pl2', '{1}', '{"priority": "low"}')$$,
                    $$SELECT sg_plan_skip('pl2', '{1}', 'why')$$,
                    $$SELECT sg_plan_from_sql('pl2', 'ALTER TABLE orders ADD FOREIGN KEY (email) REFERENCES customers (email)')$$,
                    $$SELECT sg_plan_create('pl2', replace => true)$$]) AS command;
SELECT withdraws($$SELECT sg_plan_export('pl2')$$) AS withdrawn_by_reading;

-- Out and in again
SELECT jsonb_pretty(sg_plan_export('pl1'));
SELECT sg_plan_create('pl3', 'stays');
SELECT sg_plan_import('pl3', sg_plan_export('pl1'));
SELECT sg_plan_import('pl text', sg_plan_export('pl1')::text) > 0 AS is_text, sg_plan_export('pl text') - 'plan' = sg_plan_export('pl1') - 'plan' AS same;
SELECT sg_plan_drop('pl text') \g /dev/null
SELECT raises($$SELECT sg_plan_import('pl text', '{"schemaguard_plan"')$$);
SELECT sg_plan_export('pl3')->'steps' = sg_plan_export('pl1')->'steps' AS same_steps;
SELECT description FROM schemaguard.plan WHERE name = 'pl3';
SELECT raises($$SELECT sg_plan_import('pl3', sg_plan_export('pl1'))$$);
SELECT sg_plan_import('pl4', sg_plan_export('pl1'));
SELECT sg_plan_export('pl4') = jsonb_set(sg_plan_export('pl1'), '{plan}', '"pl4"') AS same;
SELECT count(*) AS differences
  FROM ((TABLE plan_test.steps) EXCEPT (SELECT 'pl1', step, prio, child, cc, parent, pc, fk_name, del, upd, match, d, i, dc, e, orphans,
                                               ix, state, reason FROM plan_test.steps WHERE plan = 'pl4')) AS x
 WHERE plan = 'pl1';
-- the least that a document needs
SELECT sg_plan_import('pl5', '{"schemaguard_plan": 1, "plan": "x", "steps": [{"child_table": "orders", "child_columns": ["id"],
                              "parent_table": "customers"}]}');
SELECT * FROM steps WHERE plan = 'pl5';

-- Malformed documents import nothing.
CREATE FUNCTION refused(document text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  state text;
  message text;
  detail text;
  context text;
BEGIN
  PERFORM sg_plan_import('bad', document::jsonb);
  RETURN 'nothing';
EXCEPTION WHEN OTHERS THEN
  GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL,
    context = PG_EXCEPTION_CONTEXT;
  RETURN format('%s %s: %s%s', state, message, detail, ' [' || substring(context FROM E'^steps[^\n]*') || ']');
END
$$;
SELECT refused(document) FROM unnest(ARRAY[
  'null', '1', '[]', '{}', '"x"',
  '{"schemaguard_plan": 2, "plan": "x", "steps": []}',
  '{"schemaguard_plan": 1e400, "plan": "x", "steps": []}',
  '{"schemaguard_plan": "1", "plan": "x", "steps": []}',
  '{"schemaguard_plan": 1, "steps": []}',
  '{"schemaguard_plan": 1, "plan": 7, "steps": []}',
  '{"schemaguard_plan": 1, "plan": "x"}',
  '{"schemaguard_plan": 1, "plan": "x", "steps": {}}',
  '{"schemaguard_plan": 1, "plan": "x", "steps": 3}',
  '{"schemaguard_plan": 1, "plan": "x", "steps": [], "description": null}',
  '{"schemaguard_plan": 1, "plan": "x", "steps": [], "extra": 1}',
  '{"schemaguard_plan": 1, "plan": "x", "steps": [1]}',
  '{"schemaguard_plan": 1, "plan": "x", "steps": [[]]}',
  '{"schemaguard_plan": 1, "plan": "x", "steps": [{}]}']) WITH ORDINALITY AS d (document, n) ORDER BY n;
SELECT refused(format('{"schemaguard_plan": 1, "plan": "x", "steps": ['
                      '{"child_table": "orders", "child_columns": ["id"], "parent_table": "customers"}, '
                      '{"child_table": "orders", "child_columns": ["a"], "parent_table": "customers"%s}]}', more))
  FROM unnest(ARRAY[', "child_columns": "a"', ', "child_columns": []', ', "child_columns": [1]', ', "child_columns": null',
                    ', "child_columns": [["a"]]', ', "parent_columns": ["a", "b"]', ', "child_table": null', ', "child_table": 5',
                    ', "child_table": "a b"', ', "on_delete": "never"', ', "on_delete": null', ', "deferrable": "yes"',
                    ', "index": null', ', "skip": true', ', "child_columns": ["id"]', ', "colour": "red"', ', "step": 2',
                    ', "orphans": "stop", "sentinel": "0"', ', "replaces": ""', ', "parent_table": "a_view"'])
       WITH ORDINALITY AS d (more, n) ORDER BY n;
SELECT raises($$SELECT sg_plan_import('bad', '{"schemaguard_plan": 1,')$$);
SELECT raises(format('SELECT sg_plan_import(%L, %L)', repeat('x', 64), '{}'));
SELECT count(*) FROM schemaguard.plan WHERE name = 'bad';

-- A read-only transaction
START TRANSACTION READ ONLY;
SELECT count(*) FROM sg_plan_sql('pl1');
SELECT jsonb_typeof(sg_plan_export('pl1'));
SELECT raises(command) FROM unnest(ARRAY['SELECT sg_plan_create(''x'')', 'SELECT sg_plan_drop(''pl1'')',
  'SELECT sg_plan_set(''pl1'', NULL, ''{"match": "full"}'')', 'SELECT sg_plan_skip(''pl1'', NULL, ''why'')',
  'SELECT sg_plan_add_fk(''pl1'', ''orders'', ''{id}'', ''customers'')', 'SELECT sg_plan_from_sql(''pl1'', '''')',
  'SELECT sg_plan_import(''x'', ''{}'')']) AS command;
ROLLBACK;

-- A plan that goes takes its steps and notes along.
SELECT sg_plan_from_sql('pl2', 'nonsense');
SELECT count(*) FROM schemaguard.plan_note WHERE plan = 'pl2';
SELECT sg_plan_drop(name) FROM schemaguard.plan WHERE name ~ '^pl[1-5]$';
SELECT (SELECT count(*) FROM schemaguard.plan_step WHERE plan ~ '^pl[1-5]$') AS steps,
       (SELECT count(*) FROM schemaguard.plan_note WHERE plan ~ '^pl[1-5]$') AS notes;

-- Two keys are the same if they join the same columns in pairs, whatever the quoting; others are not.
SELECT sg_plan_create('pl1');
SELECT sg_plan_add_fk('pl1', 'orders', '{a,b}', 'parent', index => false);
SELECT raises($$SELECT sg_plan_add_fk('pl1', 'orders', '{b,a}', 'parent', '{b,a}', index => false)$$);
SELECT sg_plan_add_fk('pl1', 'orders', '{b,a}', 'parent', index => false);
SET quote_all_identifiers = on;
SELECT raises($$SELECT sg_plan_add_fk('pl1', 'orders', '{a,b}', 'parent', '{a,b}', index => false)$$);
SELECT sg_plan_add_fk('pl1', 'orders', '{customer_id}', 'customers', index => false);
RESET quote_all_identifiers;
SELECT child_table, parent_table FROM schemaguard.plan_step WHERE plan = 'pl1' AND step = 3;
-- System columns, and schemas of temporary and system tables.
SELECT raises($$SELECT sg_plan_add_fk('pl1', 'orders', '{ctid}', 'customers', index => false)$$);
SELECT raises($$SELECT sg_plan_add_fk('pl1', 'pg_temp.x', '{a}', 'customers', index => false)$$);
SELECT raises($$SELECT sg_plan_add_fk('pl1', 'orders', '{a}', 'pg_toast.x', index => false)$$);
-- What deployment would run depends on the keys that are there.
ALTER TABLE orders ADD CONSTRAINT by_hand FOREIGN KEY (customer_id) REFERENCES customers NOT VALID;
SELECT * FROM sg_plan_sql('pl1') WHERE sg_plan_sql LIKE '%by_hand%' OR sg_plan_sql LIKE '%customer_id%';
ALTER TABLE orders VALIDATE CONSTRAINT by_hand;
SELECT * FROM sg_plan_sql('pl1') WHERE sg_plan_sql LIKE '%by_hand%' OR sg_plan_sql LIKE '%customer_id%';
SELECT sg_plan_drop('pl1');

-- NOT ENFORCED and PERIOD: servers that know neither refuse such a step, and note what a script says; plan_18.sql has the others.
SELECT current_setting('server_version_num')::int < 180000 AS old \gset
SELECT sg_plan_create('older');
SELECT sg_plan_add_fk('older', 'orders', '{a}', 'customers', index => false);
SELECT NOT :'old' OR raises(command) = '0A000 this server knows no NOT ENFORCED keys' AS as_expected
FROM unnest(ARRAY[
  $$SELECT sg_plan_add_fk('older', 'orders', '{b}', 'customers', enforced => false)$$,
  $$SELECT sg_plan_set('older', '{1}', '{"enforced": false}')$$,
  $$SELECT sg_plan_import('older too', '{"schemaguard_plan": 1, "plan": "x", "steps": [{"child_table": "c", "child_columns": ["id"],
                          "parent_table": "p", "enforced": false}]}')$$]) command;
SELECT NOT :'old' OR raises(command) = '0A000 this server knows no PERIOD keys' AS as_expected
FROM unnest(ARRAY[
  $$SELECT sg_plan_add_fk('older', 'orders', '{a,b}', 'customers', period => true)$$,
  $$SELECT sg_plan_import('older too', '{"schemaguard_plan": 1, "plan": "x", "steps": [{"child_table": "c", "child_columns": ["id", "v"],
                          "parent_table": "p", "period": true}]}')$$]) command;
SELECT sg_plan_set('older', '{1}', '{"enforced": true}');
SET client_min_messages = warning;
SELECT NOT :'old' OR sg_plan_from_sql('older', $$
ALTER TABLE orders ADD CONSTRAINT loose FOREIGN KEY (b) REFERENCES customers NOT ENFORCED;
CREATE TABLE d (x int REFERENCES customers NOT ENFORCED, y int REFERENCES customers ENFORCED);
ALTER TABLE orders ADD CONSTRAINT spans FOREIGN KEY (id, PERIOD b) REFERENCES customers (id, PERIOD b);
$$) = 0 AS as_expected;
RESET client_min_messages;
SELECT NOT :'old' OR string_agg(line || ': ' || regexp_replace(reason, '^column \d+: ', ''), ', ' ORDER BY line) =
  '2: syntax error at or near "ENFORCED", 3: syntax error at or near "ENFORCED", 4: syntax error at or near "b"' AS as_expected
FROM schemaguard.plan_note WHERE plan = 'older';
SELECT sg_plan_drop('older');

-- Options of a plan: settings for its calls, as the setting itself takes them, and the policy of new steps
SELECT sg_plan_create('opt');
SELECT schemaguard.sg_plan_hash('opt') AS plain \gset
SELECT sg_plan_option('opt', 'lock_timeout', '50ms'), sg_plan_option('opt', 'schemaguard.workers', '0'),
       sg_plan_option('opt', 'window_end', '05:00'), sg_plan_option('opt', 'orphans', 'quarantine');
SELECT options FROM schemaguard.plan WHERE name = 'opt';
SELECT schemaguard.sg_plan_hash('opt') <> :'plain' AS in_the_hash;
SELECT raises(format('SELECT sg_plan_option(''opt'', %L, %L)', name, value))
  FROM (VALUES ('lock_timeout', 'soon'), ('verbosity', 'loud'), ('window_end', 'later'), ('orphans', 'recycle'),
               ('colour', 'red'), ('throttle_function', 'now'), ('require_approval', 'off'), ('migration', 'x'),
               ('schemaguard.colour', 'red'), (NULL, 'red')) v (name, value);
SELECT raises($$SELECT sg_plan_option(NULL, 'workers', '1')$$), raises($$SELECT sg_plan_option('no such plan', 'workers', '1')$$);
\set VERBOSITY default
SELECT sg_plan_option('opt', 'throttle_function', 'now');
SELECT sg_plan_option('opt', 'lock_tmeout', '20ms');
SELECT sg_plan_option('opt', 'verbosity', 'loud');
\set VERBOSITY terse
-- new steps take the policy, unless they say another
SELECT sg_plan_add_fk('opt', 'orders', '{customer_id}', 'customers'), sg_plan_add_fk('opt', 'orders', '{a,b}', 'parent', orphans => 'stop'),
       sg_plan_from_sql('opt', 'ALTER TABLE orders ADD FOREIGN KEY (email) REFERENCES customers (email)');
SELECT step, orphans FROM steps WHERE plan = 'opt';
SELECT sg_plan_set('opt', '{2}', '{"orphans": null}'), sg_plan_option('opt', 'orphans', 'delete'), sg_plan_set('opt', '{3}', '{"orphans": null}');
SELECT step, orphans FROM steps WHERE plan = 'opt';
-- they go with the document, and are checked on the way in
SELECT sg_plan_export('opt') -> 'options' AS options;
SELECT sg_plan_import('opt2', jsonb_set(sg_plan_export('opt') #- '{steps,0,orphans}', '{options,lock_timeout}', '"20ms"'));
SELECT options FROM schemaguard.plan WHERE name = 'opt2';
SELECT step, orphans FROM steps WHERE plan = 'opt2';
SELECT raises(format('SELECT sg_plan_import(''opt3'', %L)', jsonb_set(sg_plan_export('opt'), '{options}', o)))
  FROM unnest('{"[]","{\"workers\": 1}","{\"workers\": \"many\"}","{\"throttle_function\": \"now\"}"}'::jsonb[]) o;
-- a document is not mixed with what is there
SELECT sg_plan_create('opt3'), sg_plan_option('opt3', 'workers', '5');
SELECT sg_plan_import('opt3', sg_plan_export('opt'));
SELECT options FROM schemaguard.plan WHERE name = 'opt3';
SELECT sg_plan_create('opt3', replace => true);
SELECT sg_plan_import('opt3', sg_plan_export('opt'));
SELECT sg_plan_export('opt3') - 'plan' = sg_plan_export('opt') - 'plan' AS the_same;
-- what was written by hand and is no object
UPDATE schemaguard.plan SET options = '["workers"]' WHERE name = 'opt3';
\set VERBOSITY default
SELECT count(*) FROM sg_plan_check_details('opt3');
\set VERBOSITY terse
SELECT raises($$SELECT sg_plan_option('opt3', 'workers', '1')$$), raises($$SELECT sg_orphan_audit_details(plan => 'opt3')$$);
SELECT sg_plan_drop('opt3');
-- null takes one away
SELECT sg_plan_option('opt', o, NULL) FROM unnest('{lock_timeout,workers,window_end,orphans,lock_breaker}'::text[]) o \g /dev/null
SELECT options FROM schemaguard.plan WHERE name = 'opt';
SELECT sg_plan_export('opt') -> 'options' AS options;
SELECT action, object, message FROM schemaguard.audit_log WHERE plan = 'opt' AND action = 'plan option' AND role = current_user ORDER BY id LIMIT 2;
-- what was written round our functions is no option: an unknown name, a null
UPDATE schemaguard.plan SET options = '{"orphans": null, "workers": null, "colour": "red"}' WHERE name = 'opt2';
SELECT sg_plan_add_fk('opt2', 'orders', '{a}', 'customers', fk_name => 'opt_by_hand');
SELECT count(*) FROM sg_plan_check_details('opt2', steps => '{1}') WHERE check_name = 'options';
SELECT sg_plan_create('opt2', replace => true);
SELECT options FROM schemaguard.plan WHERE name = 'opt2';
SELECT sg_plan_drop('opt'), sg_plan_drop('opt2');

-- The log knows each change, and no value that a user gave.
SELECT action, phase, step, object, message FROM schemaguard.audit_log
 WHERE plan = 'pl1' AND role = current_user ORDER BY id;

SET client_min_messages = warning;
DROP FOREIGN DATA WRAPPER plan_test_fdw CASCADE;
DROP TABLE scratch;

-- The statements of some steps
SELECT sg_plan_create('few');
SELECT sg_plan_add_fk('few', 'soon', '{a}', 'soon_too', fk_name => 'f1'), sg_plan_add_fk('few', 'soon', '{b}', 'soon_too', fk_name => 'f2'),
       sg_plan_add_fk('few', 'soon', '{c}', 'soon_too', fk_name => 'f3', priority => 'critical');
SELECT * FROM sg_plan_sql('few', '{1,3}');
SELECT * FROM sg_plan_sql('few', '{0}');
SELECT sg_plan_drop('few');

-- A plan of many tables, step by step in one session, whose queries were planned while the plan had few steps: what a call reads of
-- the plan does not grow with it. Statistics are of plans of one step each, all of one name.
SELECT count(sg_plan_create('one_' || g)) FROM generate_series(1, 300) g;
SELECT count(sg_plan_add_column('one_' || g, 'child' || g, 'a', 'int')) FROM generate_series(1, 300) g;
VACUUM ANALYZE schemaguard.plan_step;
\c -
SET search_path = plan_test, public;
SET client_min_messages = warning;
SELECT sg_plan_create('long');
SELECT sg_plan_add_fk('long', 'child' || g, '{a}', 'customers') < 0 AS none FROM generate_series(1, 1100) g GROUP BY 1;
CREATE TABLE tenant_root (id int PRIMARY KEY, tenant_id int);
SELECT format('CREATE TABLE tenant_%s (id int PRIMARY KEY, tenant_id int, root_id int REFERENCES tenant_root)', g) FROM generate_series(1, 20) g \gexec
BEGIN;
CREATE TEMP TABLE steps_read AS SELECT seq_tup_read + idx_tup_fetch AS n FROM pg_stat_xact_all_tables WHERE relid = 'schemaguard.plan_step'::regclass;
SELECT count(sg_plan_add_fk('long', 'child' || g, '{a}', 'customers')) FROM generate_series(1101, 1130) g;
SELECT seq_tup_read + idx_tup_fetch - n <= 30 * 3 AS few
FROM pg_stat_xact_all_tables, steps_read WHERE relid = 'schemaguard.plan_step'::regclass;
UPDATE steps_read SET n = seq_tup_read + idx_tup_fetch FROM pg_stat_xact_all_tables WHERE relid = 'schemaguard.plan_step'::regclass;
SELECT sg_plan_isolate('long', 'tenant_id');
SELECT seq_tup_read + idx_tup_fetch - n <= 42 * 5 AS few
FROM pg_stat_xact_all_tables, steps_read WHERE relid = 'schemaguard.plan_step'::regclass;
COMMIT;
SELECT sg_plan_drop('long');
SELECT count(sg_plan_drop(name)) FROM schemaguard.plan WHERE name LIKE 'one\_%';
DROP SCHEMA plan_test, "We""ird.S" CASCADE;
