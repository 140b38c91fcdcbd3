-- Arguments as people type them: tables and lists of names; and sg_plan_add, which takes a statement of any kind
-- rooms: base plan script
\pset pager off
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS schemaguard;
RESET client_min_messages;
SET timezone = 'UTC';

CREATE SCHEMA arg;
SET search_path = arg, public;
CREATE TABLE customers (id int PRIMARY KEY, name text, legacy text, CONSTRAINT named CHECK (name <> ''));
CREATE TABLE orders (id int PRIMARY KEY, customer_id int, tenant_id int, note text);
CREATE INDEX orders_note_idx ON orders (note);
CREATE VIEW shown AS SELECT id FROM orders;
CREATE FUNCTION noted() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
CREATE TRIGGER noted BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION noted();
INSERT INTO orders VALUES (1, 7, 1);

-- a list of names is an array, its literal, or one name
SELECT count(*) FROM sg_orphans('orders', 'customer_id', 'customers', 'id');
SELECT count(*) FROM sg_orphans('orders', '{customer_id}', 'customers', ARRAY['id']);
SELECT count(*) FROM sg_orphans('orders', ARRAY['customer_id']::name[], 'customers', ' {id}');
SELECT count(*) FROM pg_attribute a, sg_orphans(a.attrelid, a.attname, 'customers', ARRAY['id']::varchar[]) WHERE a.attrelid = 'orders'::regclass AND a.attname = 'customer_id';
SELECT count(*) FROM sg_orphan_audit(schemas => 'arg');
SELECT count(*) FROM sg_discover_fks(schemas => 'arg', verify => 'none');
SELECT sg_plan_create('arg');
SELECT sg_plan_add_fk('arg', 'orders', 'customer_id', 'customers', 'id');
SELECT sg_plan_add_unique('arg', 'orders', 'note', after => '1');
SELECT sg_plan_add_audit_columns('arg', 'customers', created_by => NULL, modified_by => NULL, modified_at => NULL);
SELECT step, kind, child_columns, parent_columns, after FROM schemaguard.plan_step WHERE plan = 'arg' ORDER BY step;
SELECT sg_plan_add_check('arg', 'customers'::regclass, 'id > 0'), sg_plan_add_index('arg', c.relname, '(tenant_id)') FROM pg_class c WHERE oid = 'orders'::regclass;
-- a view that says a name is restored whatever comes first
CREATE VIEW of_later AS SELECT * FROM sg_orphan_audit('later');
SELECT pg_get_viewdef('of_later') ~ '''later''::schemaguard.table_name' AS by_name;
SELECT sg_snapshot_take('arg', 'arg') > 0 AS taken;
SELECT count(*) FROM sg_drift('arg', schemas => 'arg');
SELECT count(*) > 0 AS lines FROM sg_sync_sql('arg', schemas => 'arg');
SELECT 'a'::schemaguard.names, '{a,"b c"}'::schemaguard.names, ''::schemaguard.names, NULL::schemaguard.names, '{}'::text[]::schemaguard.names,
       '{a,b}'::schemaguard.names::text[] = ARRAY['a', 'b'] AS same;
SELECT '{a'::schemaguard.names;

-- a table is its name, its OID or a regclass, of whatever type the driver sends them
SELECT count(*) FROM sg_fk_orphans('orders', 'k');
PREPARE texts(text, varchar, name) AS SELECT (SELECT count(*) FROM sg_rule_audit($1)), (SELECT count(*) FROM sg_rule_audit($2)), (SELECT count(*) FROM sg_rule_audit($3));
EXECUTE texts('customers', 'arg.customers', 'customers');
PREPARE numbers(int, bigint, oid, regclass) AS SELECT (SELECT count(*) FROM sg_rule_audit($1)), (SELECT count(*) FROM sg_rule_audit($2)), (SELECT count(*) FROM sg_rule_audit($3)), (SELECT count(*) FROM sg_rule_audit($4));
EXECUTE numbers('customers'::regclass::oid::int, 'customers'::regclass::oid::bigint, 'customers'::regclass::oid, 'customers');
SELECT 'arg.customers'::schemaguard.table_name, 'customers'::regclass::schemaguard.table_name, '-'::schemaguard.table_name, NULL::schemaguard.table_name;
CREATE FUNCTION hint(call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE h text; BEGIN EXECUTE call; RETURN 'done'; EXCEPTION WHEN OTHERS THEN GET STACKED DIAGNOSTICS h = PG_EXCEPTION_HINT; RETURN concat_ws(': ', SQLSTATE, SQLERRM, h); END $$;
SELECT call, hint(call) FROM unnest(ARRAY['sg_orphan_audit(%L)', 'sg_orphan_audit_details(%L)', 'sg_orphans(%L, ''id'', ''customers'')', 'sg_orphans(''customers'', ''id'', %L)',
  'sg_fk_orphans(%L, ''k'')', 'sg_rule_violations(%L, ''check'', ''true'')', 'sg_rule_audit(%L)', 'sg_rule_audit_details(%L)',
  'sg_tenant_audit(''tenant_id'', %L)', 'sg_tenant_audit_details(''tenant_id'', %L)', 'sg_discover_fks(%L)', 'sg_discover_fks_details(%L)']) WITH ORDINALITY AS c (f, n),
  LATERAL (SELECT format('SELECT * FROM ' || f, 'custmers') AS call) x ORDER BY n;
SELECT hint($$SELECT sg_orphan_audit('arg')$$);
SELECT hint($$SELECT sg_orphan_audit('nowhere.arg.customers')$$);

-- a step is its number, of whatever type; several are an array, or what is between its braces
SELECT sg_plan_skip('arg', 1, 'one'), sg_plan_skip('arg', 2::bigint, 'two'), sg_plan_skip('arg', '3', 'three'), sg_plan_skip('arg', '4, 5', 'four');
SELECT sg_plan_set('arg', ARRAY[1, 2], '{"state": "pending"}'), sg_plan_set('arg', ARRAY[3]::bigint[], '{"state": "pending"}'), sg_plan_set('arg', sg_plan_steps('arg', 'skipped'), '{"state": "pending"}');
SELECT sg_plan_steps('arg', 'skipped'), (SELECT count(*) FROM sg_plan_sql('arg', 1)) > 0 AS sql, (SELECT count(DISTINCT step) FROM sg_plan_check('arg', 1, everything => true) WHERE step > 0) AS checked,
       (SELECT count(*) FROM sg_verify_fks('arg', steps => 1)) > 0 AS verified, (SELECT count(*) FROM sg_orphan_audit(plan => 'arg', steps => 1)) AS audited;
SELECT '1'::schemaguard.steps, ' { 1 , 2 } '::schemaguard.steps, '[3:4]={1,2}'::schemaguard.steps, ''::schemaguard.steps, '{1,2}'::int[]::schemaguard.steps, 7::schemaguard.steps, NULL::schemaguard.steps;
SELECT '{1'::schemaguard.steps;
SELECT 'one'::schemaguard.steps;
SELECT hint($$SELECT sg_plan_skip('arg', 1)$$), hint($$SELECT sg_plan_skip('arg', '{1,2}', '')$$), hint($$SELECT sg_plan_skip('arg', NULL)$$), hint($$SELECT sg_plan_skip('arg', 99)$$);
-- a score where the table goes, and a table without a proposal
SELECT hint($$SELECT * FROM sg_discover_fks(0.3)$$), hint($$SELECT * FROM sg_discover_fks(0.3, 0.4)$$);
SELECT count(*) FROM sg_discover_fks('customers', 1);

-- errors have no CONTEXT of what is inside of a call
SELECT sg_plan_isolate('arg', 'nowhere');
SELECT sg_plan_add_audit_columns('arg', 'custmers');
SELECT sg_plan_add_archive_columns('nowhere', 'customers');
SELECT sg_plan_retarget('arg', 'custmers', 'orders');
SELECT count(*) FROM sg_discover_fks(verify => 'some');
SELECT count(*) FROM sg_sync_sql('nowhere');
SELECT count(*) FROM sg_sync_sql(NULL);
CALL sg_sync_apply('nowhere');
-- nor is a null taken for nothing to do
SELECT call, hint(call) FROM unnest(ARRAY[$$SELECT sg_plan_add_audit_columns('arg', NULL)$$, $$SELECT sg_plan_add_archive_columns('arg', NULL)$$, $$SELECT sg_plan_isolate('arg', NULL)$$,
    $$SELECT sg_plan_retarget('arg', 'orders', NULL)$$, $$SELECT sg_plan_retarget(NULL, 'orders', 'customers')$$]) WITH ORDINALITY c (call, n) ORDER BY n;
-- but that of the caller
DO $$BEGIN PERFORM sg_plan_isolate('arg', 'nowhere'); END$$;

-- a schema that is nowhere is no schema without differences
SELECT hint($$SELECT * FROM sg_drift('arg', schemas => 'agr')$$), hint($$SELECT * FROM sg_snapshot_objects('arg', 'agr')$$);
SELECT hint($$SELECT * FROM sg_sync_sql('arg', schemas => '{arg,agr}')$$), hint($$SELECT * FROM sg_snapshot_objects('arg', '{arg,agr}')$$);
-- but one that a sync has dropped is gone for good
CREATE SCHEMA arg_kept;
SELECT sg_snapshot_take('arg whole') > 0 AS taken;
CREATE SCHEMA "Old one";
CALL sg_sync_apply('arg whole', schemas => '{arg_kept,Old one}', allow_drop => true);
CALL sg_sync_apply('arg whole', schemas => '{arg_kept,Old one}', allow_drop => true);
SELECT count(*) FROM sg_drift('arg whole', schemas => '{Old one}');
SELECT hint($$CALL sg_sync_apply('arg whole', schemas => '{arg_kept,old one}')$$);
SELECT hint($$SELECT * FROM sg_drift('arg', schemas => '{arg,arg_kept}')$$);
DROP SCHEMA arg_kept;
SELECT sg_plan_drop('sync arg whole', force => true), sg_snapshot_drop('arg whole');

-- a name that is misspelt is told where it is looked up: schemas, alone and among several, tables in them, names without their quotes
CREATE SCHEMA arg_books;
CREATE TABLE arg_books.orders (id int PRIMARY KEY);
CREATE TABLE arg_books."Big Table" ("Id" int);
SELECT call, hint(call) FROM unnest(ARRAY[
    $$SELECT * FROM sg_orphan_audit('arg_boks.orders')$$, $$SELECT * FROM sg_orphan_audit('arg_boks.order')$$, $$SELECT * FROM sg_orphan_audit('arg_books.Big Table')$$, $$SELECT * FROM sg_rule_audit('Big Table')$$,
    $$SELECT * FROM sg_orphan_audit(schemas => '{arg,arg_bosk}')$$, $$SELECT * FROM sg_discover_fks(schemas => 'arg_boks')$$, $$SELECT * FROM sg_tenant_audit('tenant_id', schemas => '{arg_books,agr}')$$,
    $$SELECT * FROM sg_tenant_audit('tenat_id')$$, $$SELECT sg_snapshot_take('arg more', '{arg,arg_boks}')$$, $$SELECT * FROM sg_drift('arg', schemas => 'arg_boks')$$,
    $$SELECT * FROM sg_drift_matrix('{arh,live}')$$, $$SELECT * FROM sg_orphan_audit(schemas => 'nothing like it')$$,
    $$SELECT * FROM sg_orphan_audit(schemas => 'arg, public')$$, $$SELECT * FROM sg_drift('arg', schemas => 'arg,public')$$, $$SELECT sg_snapshot_take('arg more', 'arg,public')$$,
    $$SELECT sg_plan_create('any'), sg_plan_create('any')$$]) WITH ORDINALITY c (call, n) ORDER BY n;
SELECT sg_plan_create('near');
-- several names in one text, or an array that is not closed
SELECT call, hint(call) FROM unnest(ARRAY[
    $$SELECT * FROM sg_orphans('arg.orders', 'customer_id,id', 'arg.customers')$$, $$SELECT * FROM sg_orphans('arg.orders', '{customer_id', 'arg.customers')$$,
    $$SELECT sg_plan_add_audit_columns('near', 'arg.customers, arg.orders')$$]) WITH ORDINALITY c (call, n) ORDER BY n;
SELECT sg_plan_add_not_null('near', 'arg.orders', 'custmer_id'), sg_plan_add_unique('near', 'arg_books.order', 'id'), sg_plan_add_index('near', 'arg_boks.orders', '(id)');
SELECT sg_plan_add_fk('near', 'arg.orders', 'customer_id, id', 'arg.customers', 'id, name'), sg_plan_add_fk('near', 'arg.orders', 'note', 'arg.customers', 'id');
SELECT hint($$SELECT sg_plan_add_index('near', 'arg.orders', 'id')$$);
SELECT sg_plan_from_sql('near', 'ALTER TABLE arg.order ADD CHECK (id > 0); ALTER TABLE arg.orders ALTER nte SET NOT NULL; ALTER TABLE arg_boks.orders ADD CHECK (id > 1);
  ALTER TABLE arg.orders ADD FOREIGN KEY (custmer_id) REFERENCES customers; ALTER TABLE arg.orders ADD FOREIGN KEY (customer_id) REFERENCES custmers');
-- what another step makes is not missing
SELECT sg_plan_from_sql('near', 'ALTER TABLE arg.orders ADD COLUMN born date; ALTER TABLE arg.orders ALTER born SET NOT NULL;');
SELECT sg_plan_drop('near');
-- so are names of columns in capitals, in brackets or behind their table, and columns where a view of the table or a schema is given
SELECT sg_plan_create('near');
SELECT sg_plan_add_not_null('near', 'arg.orders', 'CUSTOMER_ID'), sg_plan_add_unique('near', 'arg.orders', 'orders.note'), sg_plan_add_unique('near', 'arg.orders', '(note, id)');
SELECT sg_plan_add_drop('near', 'column', 'arg.orders', 'notes'), sg_plan_add_rename('near', 'column', 'arg.orders', 'n', 'nte'), sg_plan_add_drop('near', 'index', 'arg.orders', 'orders_id_idx');
SELECT sg_plan_add_column('near', 'arg.orders', 'born', 'date'), sg_plan_add_rename('near', 'column', 'arg.orders', 'died', 'born');
SELECT sg_plan_add_check('near', 'arg.orders'::regclass::oid, 'id > 5', after => 1), sg_plan_add_index('near', current_database() || '.arg.orders', '(id)', after => ARRAY[1, 2]);
SELECT child_table, after FROM schemaguard.plan_step WHERE plan = 'near' AND after IS NOT NULL ORDER BY step;
SELECT call, hint(call) FROM unnest(ARRAY[
    $$SELECT sg_plan_add_drop('near', 'column', 'arg.orders')$$, $$SELECT sg_plan_add_rename('near', 'trigger', 'arg.orders', 'n')$$, $$SELECT sg_plan_add_drop('near', 'column', 'orders.note')$$,
    $$SELECT * FROM sg_rule_audit('orders', 'not null', 'nte')$$, $$SELECT count(*) FROM sg_rule_audit('orders', 'NOT NULL', 'note')$$, $$SELECT * FROM sg_rule_audit('orders', 'nul', 'note')$$,
    $$SELECT * FROM sg_tenant_audit('orders.tenant_id')$$, $$SELECT * FROM sg_orphan_audit('arg')$$, $$SELECT * FROM sg_plan_sql('NEAR')$$,
    $$SELECT * FROM sg_impact('orders.nte')$$, $$SELECT * FROM sg_impact('arg_books.Big Table')$$]) WITH ORDINALITY c (call, n) ORDER BY n;
SELECT count(*) > 0 AS named, (SELECT count(*) FROM sg_impact('orders'::regclass)) = count(*) AS regclass, (SELECT count(*) FROM sg_impact('orders'::regclass::oid)) = count(*) AS oid FROM sg_impact('orders');
SELECT sg_plan_drop('near');
DROP TABLE arg_books.orders, arg_books."Big Table";
DROP SCHEMA arg_books;

-- nothing is made in pg_catalog
SELECT sg_plan_create('made');
SELECT sg_plan_add('made', 'CREATE TYPE mood AS ENUM (''a'')'), sg_plan_add('made', 'CREATE OR REPLACE FUNCTION gen_random_uuid() RETURNS uuid LANGUAGE sql AS ''SELECT NULL::uuid'''), sg_plan_add('made', 'CREATE DOMAIN dm AS int'),
       sg_plan_add('made', 'CREATE TYPE arg.mood AS ENUM (''a'')');
SELECT step, result, check_name, detail, hint FROM sg_plan_check('made') WHERE step > 0;
CALL sg_apply('made');
SELECT count(*) FROM pg_type WHERE typname IN ('mood', 'dm') AND typnamespace = 'pg_catalog'::regnamespace;
SELECT sg_plan_drop('made', force => true);

-- a statement of any kind, with its options
SELECT sg_plan_create('any');
SELECT sg_plan_add('any', 'ALTER TABLE orders ADD CONSTRAINT of_customer FOREIGN KEY (customer_id) REFERENCES customers ON DELETE CASCADE', '{"orphans": "quarantine", "priority": "high"}');
SELECT sg_plan_add('any', 'ALTER TABLE orders ADD CHECK (tenant_id > 0), ALTER note SET NOT NULL;', '{"policy": "delete"}');
SELECT sg_plan_add('any', 'ALTER TABLE orders ALTER customer_id SET NOT NULL', '{"fill": "0", "policy": "set"}');
SELECT sg_plan_add('any', 'CREATE UNIQUE INDEX CONCURRENTLY ON orders (note)', '{"name": "by_note", "after": "2"}');
SELECT sg_plan_add('any', 'ALTER TABLE customers ADD COLUMN born date');
SELECT sg_plan_add('any', 'ALTER TABLE customers ALTER name SET DEFAULT ''?''');
SELECT sg_plan_add('any', 'DROP INDEX orders_note_idx'), sg_plan_add('any', 'DROP TRIGGER noted ON arg.orders'), sg_plan_add('any', 'DROP VIEW shown', '{"discard": true}'),
       sg_plan_add('any', 'ALTER TABLE customers DROP COLUMN legacy'), sg_plan_add('any', 'ALTER TABLE customers DROP CONSTRAINT named'),
       sg_plan_add('any', 'ALTER TABLE orders RENAME note TO remark'), sg_plan_add('any', 'ALTER TABLE customers RENAME TO clients'),
       sg_plan_add('any', 'DROP TABLE orders', '{"phase": "later"}');
-- what a script would take a part of only, or nothing, is a statement as it stands
SELECT sg_plan_add('any', 'ALTER TABLE arg.orders ADD CHECK (id > 0), OWNER TO CURRENT_USER'), sg_plan_add('any', 'CREATE TABLE arg.made (id int REFERENCES arg.orders)'),
       sg_plan_add('any', E'  UPDATE arg.orders SET note = $$a;b$$ WHERE id = 1 -- one\n;', '{"undo": "UPDATE arg.orders SET note = NULL", "done_when": "SELECT true", "outside": false}'),
       sg_plan_add('any', 'DROP TABLE arg.orders CASCADE');
SELECT step, kind, child_table, coalesce(child_columns::text, fk_name) AS name, definition, concat_ws(' ', orphans, fill, keep_by, new_name, phase, undo, after::text, CASE WHEN discard THEN 'discard' END) AS options
FROM schemaguard.plan_step WHERE plan = 'any' ORDER BY step;
SELECT count(*) FROM schemaguard.plan_note WHERE plan = 'any';
SELECT statement, hint(statement) FROM unnest(ARRAY['', 'SELECT 1; SELECT 2', 'UPDATE arg.orders SET', '\d orders', 'VACUUM', 'DROP INDEX nowhere', 'ALTER TABLE orders ADD FOREIGN KEY (nothing) REFERENCES customers']) WITH ORDINALITY AS s (sql, n),
  LATERAL (SELECT format('SELECT sg_plan_add(%L, %L)', 'any', sql) AS statement) x ORDER BY n;
SELECT hint($$SELECT sg_plan_add('any', 'ALTER TABLE orders ADD CHECK (id > 1)', '{"polcy": "x"}')$$);
SELECT hint($$SELECT sg_plan_add('any', 'SELECT 1', '[]')$$), hint($$SELECT sg_plan_add('any', NULL)$$), hint($$SELECT sg_plan_add('any', 'SELECT 1', NULL)$$), hint($$SELECT sg_plan_add('none', 'SELECT 1')$$);
-- values of settings, roles, kinds of objects, and a file in place of its text
SELECT statement, hint(statement) FROM unnest(ARRAY['SELECT sg_plan_option(''any'', ''lock_timeout'', ''fast'')', 'SELECT sg_plan_option(''any'', ''audit_memory'', ''lots'')',
  'SELECT sg_plan_option(''any'', ''workers'', ''all'')', 'SELECT sg_grant(''sg_arg_nobody'')', 'SELECT sg_revoke(''pg_monitro'')', 'SELECT sg_plan_allow(''any'', ''pg_monitro'')',
  'SELECT sg_plan_add_rename(''any'', ''tabel'', ''orders'', ''o'')', 'SELECT sg_plan_release(''any'', ''never'')', 'SELECT sg_plan_from_sql(''any'', ''db/migrate.sql'')',
  'SELECT * FROM sg_discover_fks(''nosuch'')']) WITH ORDINALITY AS s (statement, n) ORDER BY n;
-- null is all steps where somebody has written it, and not where a query has found none
SELECT statement, hint(statement) FROM unnest(ARRAY['SELECT sg_plan_set(''any'', (SELECT array_agg(step) FROM schemaguard.plan_step WHERE state = ''failed''), ''{"priority": "high"}'')',
  'SELECT sg_plan_skip(''any'', array_agg(step), ''x'') FROM schemaguard.plan_step WHERE state = ''failed''', 'SELECT sg_plan_set(''any'', NULL, ''{"priority": "high"}'')',
  'SELECT sg_plan_set(''any'', NULL::int[], ''{"priority": "high"}'')']) WITH ORDINALITY AS s (statement, n) ORDER BY n;
SELECT sg_plan_create('twins');
SELECT sg_plan_add_fk('twins', 'arg.orders', 'id', 'arg.customers'), sg_plan_add_fk('twins', 'arg.order', 'id', 'arg.customers');
-- a regclass where tables go, options that are no object, a step that would be the same as another one
SELECT statement, hint(statement) FROM unnest(ARRAY['SELECT sg_plan_add_archive_columns(''any'', ''arg.customers''::regclass) > 0', 'SELECT sg_plan_add(''any'', ''ALTER TABLE arg.orders ADD CHECK (id > 7)'', ''[]'')',
  'SELECT sg_plan_set(''twins'', 2, ''{"child_table": "arg.orders"}'')', 'SELECT * FROM sg_fk_orphans(''arg.a_very_long_name...'', ''x'')']) WITH ORDINALITY AS s (statement, n) ORDER BY n;
PREPARE set_all AS SELECT sg_plan_set('any', $1, '{"priority": "high"}');
EXECUTE set_all(NULL);
SET client_min_messages = warning;
SELECT sg_snapshot_drop('arg'), sg_plan_drop('arg'), sg_plan_drop('any'), sg_plan_drop('twins');
DROP SCHEMA arg CASCADE;
