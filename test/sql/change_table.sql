-- steps that make a table: CREATE TABLE of a script
-- rooms: change script plan undo
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS schemaguard;
CREATE SCHEMA tab;
SET search_path = tab, public;
SET schemaguard.workers = 1;  -- one index after another
CREATE TYPE mood AS ENUM ('glad', 'sad');
CREATE TABLE customers (id int PRIMARY KEY);
INSERT INTO customers SELECT generate_series(1, 3);
SELECT sg_plan_create('tab');
SELECT sg_plan_from_sql('tab', $$
CREATE TABLE customers (id int PRIMARY KEY, extra int);
-- keys are cut out, wherever they stand
CREATE TABLE IF NOT EXISTS orders (
  id int PRIMARY KEY,  -- a comment, with CREATE in it
  customer_id int NOT NULL CONSTRAINT by_customer REFERENCES customers ON DELETE CASCADE DEFERRABLE INITIALLY DEFERRED CHECK (customer_id > 0),
  mood mood DEFAULT 'glad' REFERENCES nowhere (m),
  "total, all" numeric(10, 2) CONSTRAINT dear CHECK ("total, all" > 0),
  FOREIGN KEY (id, customer_id) REFERENCES pairs (a, b) MATCH FULL,
  UNIQUE (id, customer_id),
  CONSTRAINT last FOREIGN KEY (id) REFERENCES orders (id) NOT VALID
) WITH (fillfactor = 90);
CREATE UNLOGGED TABLE lines (o int REFERENCES orders, "Create" int);
CREATE TABLE parts (id int, at date) PARTITION BY RANGE (at);
CREATE TABLE part1 PARTITION OF parts FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
CREATE TABLE part2 PARTITION OF parts (at REFERENCES days) DEFAULT;
CREATE TABLE heir (x int) INHERITS (orders);
CREATE TABLE alike (LIKE customers INCLUDING ALL, CONSTRAINT only_key FOREIGN KEY (id) REFERENCES customers);
CREATE TEMP TABLE gone_soon (a int);
CREATE TABLE dropped (a int); DROP TABLE dropped;
CREATE TABLE old_name (a int); ALTER TABLE old_name RENAME TO new_name;
CREATE TABLE columns_renamed (a int); ALTER TABLE columns_renamed RENAME a TO b;
CREATE TABLE retyped (a int); ALTER TABLE retyped ALTER a TYPE bigint;
CREATE TABLE attached (id int, at date); ALTER TABLE parts ATTACH PARTITION attached FOR VALUES FROM ('2022-01-01') TO ('2023-01-01');
CREATE TABLE plain (a int); ALTER TABLE plain OWNER TO somebody; ALTER TABLE plain ADD COLUMN b int, ADD CHECK (a > 0);
CREATE SCHEMA inner_one CREATE TABLE inside (a int REFERENCES customers, b text) CREATE INDEX ON inside (a);
$$);
SELECT step, kind, child_table, fk_name, definition, state, reason FROM schemaguard.plan_step WHERE plan = 'tab' ORDER BY step;
SELECT note.line, note.tag, note.reason FROM schemaguard.plan_note note WHERE plan = 'tab' ORDER BY line;
SELECT sg_plan_drop('tab', force => true);

-- what is needed is made first; keys come behind the tables of both sides
SET client_min_messages = notice;
SELECT sg_plan_create('tab');
SELECT sg_plan_from_sql('tab', $$
CREATE TABLE lines (o int REFERENCES orders, n int NOT NULL DEFAULT 0);
CREATE TABLE orders (id int PRIMARY KEY, customer_id int REFERENCES customers ON DELETE CASCADE, mood mood DEFAULT 'glad');
CREATE TABLE parts (id int, at date) PARTITION BY RANGE (at);
CREATE TABLE part1 PARTITION OF parts FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
ALTER TABLE orders ADD COLUMN note text DEFAULT '-', ADD CHECK (id > 0);
CREATE INDEX by_mood ON orders (mood);
CREATE SCHEMA later CREATE TABLE inside (a int);
$$);
SELECT sg_plan_add('tab', 'CREATE TABLE added (id int PRIMARY KEY, c int REFERENCES tab.customers)');
SELECT sg_plan_add('tab', 'CREATE TABLE customers (id int)');
SELECT sg_plan_set('tab', '{1}', '{"priority": "low"}');
SELECT sg_plan_set('tab', sg_plan_add('tab', 'CREATE TABLE lines_2 (LIKE lines INCLUDING ALL)'), '{"priority": "critical"}');
SELECT step, result, object, check_name, detail, hint FROM sg_plan_check('tab');
SELECT plan_sql FROM sg_plan_sql('tab', '{1,6}') plan_sql;
SELECT * FROM sg_plan_explain('tab', 6);
CALL sg_apply('tab');
SELECT step, kind, child_table, fk_name, state, reason FROM schemaguard.plan_step WHERE plan = 'tab' ORDER BY step;
\d lines
\d orders
\d part1
SELECT conname, convalidated, confdeltype FROM pg_constraint WHERE contype = 'f' AND conrelid IN ('orders'::regclass, 'lines'::regclass, 'added'::regclass) ORDER BY 1;
SELECT fk_name, test, observed, result, reason FROM sg_verify_fks_details('tab') WHERE result <> 'pass';
-- again: what is there is left as it is
SELECT sg_plan_skip('tab', '{10,13}', 'no such schema, there already');
CALL sg_apply('tab');
-- what was dropped by hand is made again, a table by its name now is not
DROP TABLE added;
SELECT sg_plan_add_rename('tab', 'table', 'part1', 'part_one');
CALL sg_apply('tab');
CALL sg_apply('tab');
SELECT step, kind, child_table, state, reason FROM schemaguard.plan_step WHERE plan = 'tab' AND kind IN ('table', 'rename') ORDER BY step;
-- taken back while they are empty
INSERT INTO orders VALUES (1, 1);
CALL sg_rollback_fks('tab', fail => false);
SELECT relname FROM pg_class WHERE relnamespace = 'tab'::regnamespace AND relkind IN ('r', 'p') ORDER BY 1;
SELECT step, state, reason FROM schemaguard.plan_step WHERE plan = 'tab' AND kind = 'table' ORDER BY step;
DELETE FROM orders;
-- another table by that name is left alone
DROP TABLE orders;
CREATE TABLE orders (a int);
CALL sg_rollback_fks('tab', fail => false);
SELECT relname FROM pg_class WHERE relnamespace = 'tab'::regnamespace AND relkind IN ('r', 'p') ORDER BY 1;
SELECT step, state, reason FROM schemaguard.plan_step WHERE plan = 'tab' AND kind = 'table' ORDER BY step;

-- one that has another name by now is not made again
SELECT sg_plan_create('named');
SELECT sg_plan_add('named', 'CREATE TABLE tab.named (a int)');
CALL sg_apply('named');
ALTER TABLE named RENAME TO named_now;
CALL sg_apply('named');
SELECT to_regclass('tab.named') AS named, to_regclass('tab.named_now') AS named_now;
CALL sg_rollback_fks('named');
SELECT to_regclass('tab.named_now') AS named_now;
-- a table that somebody has dropped, of which the plan had dropped a part: the others are not done
CREATE TABLE lost (id int PRIMARY KEY, a int, b int);
SELECT sg_plan_create('lost');
SELECT sg_plan_add_check('lost', 'lost', 'id > 0');
SELECT sg_plan_add_drop('lost', 'column', 'lost', 'b');
SELECT sg_plan_add_fk('lost', 'lost', '{a}', 'customers');
CALL sg_apply('lost');
DROP TABLE lost;
CALL sg_apply('lost', fail => false);
SELECT step, state, reason FROM schemaguard.plan_step WHERE plan = 'lost' ORDER BY step;
SELECT sg_plan_drop('lost', force => true), sg_plan_drop('named', force => true);
-- one that stays with its rows, as the hint has it
SELECT sg_plan_create('stays');
SELECT sg_plan_add('stays', 'CREATE TABLE tab.stays (a int)'), sg_plan_add('stays', 'ALTER TABLE tab.stays SET (fillfactor = 50)');
CALL sg_apply('stays');
INSERT INTO stays VALUES (1);
CALL sg_rollback_fks('stays', fail => false);
SELECT sg_plan_skip('stays', '{2}', 'it stays as it is');
SELECT sg_plan_skip('stays', '{1}', 'the table stays');
CALL sg_rollback_fks('stays');
SELECT step, state, reason FROM schemaguard.plan_step WHERE plan = 'stays' ORDER BY step;
TABLE stays;
SELECT sg_plan_drop('stays', force => true);
-- a part that has come since would go with it
SELECT sg_plan_create('parted');
SELECT sg_plan_add('parted', 'CREATE TABLE tab.parted (a int) PARTITION BY LIST (a)');
CALL sg_apply('parted');
CREATE TABLE parted_1 PARTITION OF parted DEFAULT;
CALL sg_rollback_fks('parted', fail => false);
DROP TABLE parted_1;
CALL sg_rollback_fks('parted');
SELECT to_regclass('parted');
SELECT sg_plan_drop('parted', force => true);

-- what other steps have done on a table, or on a column, does not go with it unless it is taken back as well
SELECT sg_plan_create('under');
-- the definition of the table has the letters of the columns that come later
SELECT sg_plan_from_sql('under', 'CREATE TABLE tab.under (id int PRIMARY KEY, up int REFERENCES tab.under); ALTER TABLE tab.under ADD n int; ALTER TABLE tab.under ADD CHECK (n > id)');
SELECT sg_plan_add('under', 'ALTER TABLE tab.under RENAME COLUMN up TO i');
CALL sg_apply('under', fail => true);
CALL sg_rollback_fks('under', steps => '{1,3}');
SELECT step, kind, state, reason FROM schemaguard.plan_step WHERE plan = 'under' ORDER BY step;
SELECT string_agg(conname, ' ' ORDER BY conname) FROM pg_constraint WHERE conrelid = 'under'::regclass AND contype <> 'n';
CALL sg_rollback_fks('under', steps => '{3,4}');
CALL sg_rollback_fks('under', steps => '{1}');
CALL sg_rollback_fks('under');
SELECT to_regclass('under');
SELECT sg_plan_drop('under', force => true);

-- what is no such definition; who may not
SELECT schemaguard.sg_plan_add_step('tab', 'table', 'child_table', 'tab.x', 'definition', 'AS SELECT 1');
SELECT schemaguard.sg_plan_add_step('tab', 'table', 'child_table', 'tab.x', 'definition', '(a int); DROP TABLE customers');
SELECT schemaguard.sg_plan_add_step('tab', 'table', 'child_table', 'tab.x');
SELECT schemaguard.sg_plan_add_step('tab', 'table', 'child_table', 'tab.x', 'definition', '.y (a int)');
SELECT schemaguard.sg_plan_add_step('tab', 'table', 'child_table', 'tab.x', 'fk_name', 'y', 'definition', '(a int)');
CREATE ROLE regress_tab;
SELECT sg_grant('regress_tab');
GRANT USAGE ON SCHEMA tab TO regress_tab;
SET ROLE regress_tab;
SELECT sg_plan_create('mine');
SELECT sg_plan_add('mine', 'CREATE TABLE tab.mine (a int)');
SELECT step, result, check_name, detail, hint FROM sg_plan_check('mine');
CALL sg_apply('mine', fail => false);
SELECT state, reason FROM schemaguard.plan_step WHERE plan = 'mine';
SELECT sg_plan_drop('mine', force => true);
RESET ROLE;
SELECT sg_plan_drop('tab', force => true);
SELECT sg_revoke('regress_tab');
DROP OWNED BY regress_tab;
DROP ROLE regress_tab;
SET client_min_messages = warning;
DROP SCHEMA tab CASCADE;

-- a key that was made before some of the parts of its parent goes before them
CREATE SCHEMA roots;
SELECT sg_plan_create('roots'), sg_plan_create('singly') \g /dev/null
SELECT sg_plan_from_sql(p, $$CREATE TABLE roots.root (id int PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE roots.low PARTITION OF roots.root FOR VALUES FROM (0) TO (100) PARTITION BY RANGE (id);
CREATE TABLE roots.child (id int PRIMARY KEY, p int REFERENCES roots.root);
CREATE TABLE roots.lowest PARTITION OF roots.low FOR VALUES FROM (0) TO (50);
CREATE TABLE roots.rest PARTITION OF roots.root DEFAULT;$$) FROM unnest('{roots,singly}'::text[]) p;
SELECT sg_plan_set('singly', NULL, '{"after": ["*"]}');
CALL sg_apply('roots', steps => '{1,2,3,6}');
CALL sg_apply('roots');
CALL sg_rollback_fks('roots');
SELECT to_regclass('roots.root');
CALL sg_apply('singly', steps => '{1,2,3,6}');
CALL sg_apply('singly');
CALL sg_rollback_fks('singly');
SELECT to_regclass('roots.root');
SELECT sg_plan_drop('roots', force => true), sg_plan_drop('singly', force => true) \g /dev/null
DROP SCHEMA roots;

-- the bound of a partition is computed when that is made, and what a function does then stays
CREATE TABLE bounded (a int) PARTITION BY LIST (a);
SELECT sg_plan_create('bounds'), sg_plan_add_statement('bounds', format('CREATE TABLE %I.b1 PARTITION OF %1$I.bounded FOR VALUES IN (pg_try_advisory_lock(4711)::int)', current_schema())),
  sg_plan_add_statement('bounds', format('CREATE TABLE %I.b2 PARTITION OF %1$I.bounded FOR VALUES IN (-1, NULL)', current_schema())),
  sg_plan_add_statement('bounds', format('CREATE TABLE %I.b3 (a int REFERENCES %1$I.no_such_table)', current_schema())) \g /dev/null
SELECT step, result, detail FROM sg_plan_check_details('bounds') WHERE check_name = 'trial' ORDER BY 1;
SELECT count(*) AS locks FROM pg_locks WHERE locktype = 'advisory' AND objid = 4711;
SELECT sg_plan_drop('bounds');
DROP TABLE bounded;

-- a table that a statement makes, and the steps about it; rows of the default partition; a temporary table
CREATE SCHEMA tv;
CREATE TABLE tv.ex (id int PRIMARY KEY);
CREATE TABLE tv.pr (a int) PARTITION BY RANGE (a);
CREATE TABLE tv.prd PARTITION OF tv.pr DEFAULT;
INSERT INTO tv.pr VALUES (15);
SELECT sg_plan_create('made'), sg_plan_add_statement('made', 'CREATE TABLE tv.nn (id int PRIMARY KEY, u int)'),
  sg_plan_add_fk('made', 'tv.nn', '{u}', 'tv.ex', '{id}', fk_name => 'nn_ex'), sg_plan_add_column('made', 'tv.nn', 'q', 'int'),
  sg_plan_add_fk('made', 'tv.ex', '{id}', 'tv.nn', '{id}', fk_name => 'ex_nn'), sg_plan_add_fk('made', 'tv.ex', '{id}', 'tv.nn', '{z}', fk_name => 'ex_z'),
  sg_plan_add_check('made', 'tv.nn', 'zz > 0', 'nn_zz'),
  sg_plan_add_statement('made', 'CREATE TABLE tv.pr10 PARTITION OF tv.pr FOR VALUES FROM (10) TO (20)'),
  sg_plan_add_statement('made', 'CREATE TEMPORARY TABLE tt (a int)') \g /dev/null
SELECT step, check_name, result, detail FROM sg_plan_check_details('made') WHERE step > 0 AND (result <> 'ok' OR check_name IN ('deployment', 'definition', 'trial', 'rows', 'target')) ORDER BY step, check_name;
SELECT sg_plan_skip('made', '{5,6,7,8}', 'as told') \g /dev/null
CALL sg_apply('made', fail => true);
SELECT step, state FROM schemaguard.plan_step WHERE plan = 'made' ORDER BY 1;
SELECT sg_plan_drop('made', force => true);
DROP SCHEMA tv CASCADE;
