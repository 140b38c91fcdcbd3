-- A scenario through all rooms, on as few rows as do: for a server under valgrind, see memory.sh. Its rooms are told by
-- \echo, one line each, with the time at which they began.
\set QUIET on
SET client_min_messages = warning;
CREATE EXTENSION schemaguard;
CREATE SCHEMA shop;
SET search_path = shop, public;
SET schemaguard.fix_pause = 0;

CREATE TABLE customers (id int PRIMARY KEY, email text, tenant_id int);
CREATE TABLE orders (id int PRIMARY KEY, customer_id int, total numeric, tenant_id int) PARTITION BY RANGE (id);
CREATE TABLE orders_1 PARTITION OF orders FOR VALUES FROM (0) TO (100);
CREATE TABLE orders_2 PARTITION OF orders FOR VALUES FROM (100) TO (200);
CREATE TABLE items (order_id int NOT NULL, customer_id int, n int, v text, CONSTRAINT items_customer FOREIGN KEY (customer_id) REFERENCES customers);
CREATE TABLE notes (id int PRIMARY KEY, customer_id int, body text DEFAULT 'none');
CREATE TABLE tags (id int PRIMARY KEY, name text);
CREATE VIEW paid AS SELECT o.id, c.email FROM orders o JOIN customers c ON c.id = o.customer_id;
CREATE FUNCTION f(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1 % 7';
INSERT INTO customers SELECT g, 'c' || g, g % 3 FROM generate_series(1, 50) g;
INSERT INTO orders SELECT g, 1 + g % 60, g, g % 3 FROM generate_series(1, 199) g;
INSERT INTO items SELECT 1 + g % 199, 1 + g % 50, g - 3, g FROM generate_series(1, 100) g;
INSERT INTO notes SELECT g, 1 + g % 55, NULLIF(g % 9, 0) FROM generate_series(1, 100) g;
INSERT INTO tags SELECT g, 't' || g % 18 FROM generate_series(1, 20) g;
ANALYZE;

\echo -- snapshot `date +%T`
SELECT sg_snapshot_take('before', '{shop}');
SELECT sg_snapshot_import('imported', ARRAY(SELECT sg_snapshot_export('before')));

\echo -- audit `date +%T`
SELECT fk_name, result, orphan_rows FROM sg_orphan_audit_details();
SELECT fk_name, result, orphan_rows FROM sg_orphan_audit_details(inferred => true);
SELECT count(*) FROM sg_orphans('orders', '{customer_id}', 'customers');
SELECT rule_name, result, violating_rows FROM sg_rule_audit_details('items', 'check', 'n > 0');
SELECT count(*) FROM sg_rule_violations('tags', 'unique', '(name)');
SELECT count(*) FROM sg_tenant_audit_details('tenant_id');

\echo -- discover `date +%T`
SELECT * FROM sg_discover_fks_details(schemas => '{shop}');
SELECT * FROM schemaguard.sg_discover_unmatched('{shop}');

\echo -- plan `date +%T`
SELECT sg_plan_create('found');
SELECT sg_plan_from_discovery('found', 0);
SELECT sg_plan_create('all');
SELECT sg_plan_add_fk('all', 'orders', '{customer_id}', 'customers', fk_name => 'orders_customer', orphans => 'quarantine');
SELECT sg_plan_add_fk('all', 'notes', '{customer_id}', 'customers', fk_name => 'notes_customer', orphans => 'set null');
SELECT sg_plan_add_check('all', 'items', 'n > 0 AND shop.f(n) < 9', name => 'items_n', policy => 'quarantine');
SELECT sg_plan_add_not_null('all', 'notes', 'body', policy => 'delete');
SELECT sg_plan_add_unique('all', 'tags', '{name}', name => 'tags_name', policy => 'quarantine', keep_by => 'id');
SELECT sg_plan_add_column('all', 'notes', 'added', 'int', fill => '7');
SELECT sg_plan_add_default('all', 'items', 'v', '''w''');
SELECT sg_plan_add_index('all', 'items', '(shop.f(n), order_id DESC) WHERE v IS NOT NULL', 'items_f');
SELECT sg_plan_add_statement('all', 'UPDATE shop.notes SET body = body WHERE id < 3', child_table => 'notes', name => 'touch');
SELECT sg_plan_add_drop('all', 'view', 'paid');
SELECT sg_plan_add_rename('all', 'column', 'notes', 'text', name => 'body');
SELECT sg_plan_from_sql('found', 'ALTER TABLE shop.items ADD x int; CREATE INDEX ON shop.notes (customer_id)');
SELECT sg_plan_import('imported', sg_plan_export('all'));
SELECT count(*) FROM sg_plan_sql('all');

\echo -- check `date +%T`
SELECT step, check_name, result FROM sg_plan_check_details('all') WHERE result <> 'ok';

\echo -- apply `date +%T`
SELECT count(*) FROM schemaguard.sg_measure_overhead('all', 5, 1);
CALL sg_apply('all', fix => true);
SELECT step, kind, state, reason FROM schemaguard.plan_step WHERE plan = 'all' ORDER BY step;

\echo -- verify `date +%T`
SELECT fk_name, result FROM sg_verify_fks_details('all', live => true);
SELECT count(*) FROM schemaguard.fk_trust;

\echo -- impact `date +%T`
SELECT count(*) FROM sg_impact_details('shop.customers.id');
SELECT count(*) FROM sg_impact_details('shop.f(integer)');

\echo -- drift `date +%T`
SELECT count(*) FROM sg_drift_details('before', schemas => '{shop}', cosmetic => true);
SELECT count(*) FROM sg_drift_matrix('{before,imported,live}');
SELECT count(*) FROM sg_compare_fks_details('before');

\echo -- sync_sql `date +%T`
SELECT count(*) FROM sg_sync_sql('before', schemas => '{shop}', allow_drop => true);

\echo -- sync_check `date +%T`
-- of as little as does: the script runs in a database of its own, of which snapshots are taken
CREATE SCHEMA one;
CREATE TABLE one.t (id int);
SELECT sg_snapshot_take('one', '{one}');
ALTER TABLE one.t ADD n int;
SELECT * FROM sg_sync_check_details('one', schemas => '{one}', allow_drop => true);
DROP SCHEMA one CASCADE;

\echo -- rollback `date +%T`
CALL sg_rollback_fks('all');
CALL sg_restore_quarantine('all');
SELECT step, kind, state, reason FROM schemaguard.plan_step WHERE plan = 'all' ORDER BY step;
SELECT count(*) FROM sg_drift_details('before', schemas => '{shop}');
