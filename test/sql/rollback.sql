-- CALL sg_rollback_fks: what a plan did is taken back, what others did since is left alone
-- rooms: undo
\set VERBOSITY terse
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS schemaguard;
CREATE SCHEMA rb;
SET search_path = rb, public;
CREATE VIEW steps AS
  SELECT step, fk_name, state, reason FROM schemaguard.plan_step WHERE plan = 'rb' ORDER BY step;
CREATE VIEW log AS
  SELECT step, action, phase, object, statement, sqlstate, message FROM schemaguard.audit_log
  WHERE plan = 'rb' AND action NOT LIKE 'plan %' ORDER BY id;
CREATE VIEW keys AS
  SELECT conrelid::regclass AS child, conname, convalidated AS valid, pg_get_constraintdef(oid) AS definition
  FROM pg_constraint WHERE contype = 'f' AND connamespace = 'rb'::regnamespace AND conparentid = 0
  ORDER BY 2, conrelid::regclass::text COLLATE "C";
CREATE VIEW gaps AS
  SELECT count(*) FROM schemaguard.audit_log s WHERE phase = 'started' AND plan = 'rb'
  AND (SELECT count(*) FROM schemaguard.audit_log o WHERE o.started_id = s.id) <> 1;

CREATE TABLE customers (id int PRIMARY KEY);
CREATE TABLE "We""ird.T a" ("id;drop" int PRIMARY KEY);
CREATE TABLE orders (id int PRIMARY KEY, a int, b int, c int, d int, e int, f int, g int, h int, "Odd ""col" int);
INSERT INTO customers SELECT generate_series(1, 5);
INSERT INTO orders SELECT g, g, g, g, g, g, g, g, g FROM generate_series(1, 5) g;
INSERT INTO orders (id, h) VALUES (6, 77);
ALTER TABLE orders ADD CONSTRAINT before_us FOREIGN KEY (g) REFERENCES customers;

SELECT sg_plan_create('rb', 'test of rollback');
SELECT sg_plan_add_fk('rb', 'orders', '{a}', 'customers', fk_name => 'a', index => false);
SELECT sg_plan_add_fk('rb', 'orders', '{b}', 'customers', fk_name => 'b', index => false, on_delete => 'cascade');
SELECT sg_plan_add_fk('rb', 'orders', '{c}', 'customers', fk_name => 'c', index => false);
SELECT sg_plan_add_fk('rb', 'orders', '{d}', 'customers', fk_name => 'd', index => false);
SELECT sg_plan_add_fk('rb', 'orders', '{e}', 'customers', fk_name => 'e', index => false);
SELECT sg_plan_add_fk('rb', 'orders', '{f}', 'customers', fk_name => 'f', index => false, "deferrable" => true);
SELECT sg_plan_add_fk('rb', 'orders', '{g}', 'customers', fk_name => 'g', index => false);
SELECT sg_plan_add_fk('rb', 'orders', '{h}', 'customers', fk_name => 'h', index => false);
SELECT sg_plan_add_fk('rb', 'orders', '{id}', 'nowhere', fk_name => 'i', index => false);
SELECT sg_plan_add_fk('rb', 'orders', ARRAY['Odd "col'], '"We""ird.T a"', fk_name => 'Odd "key', index => false);
SELECT sg_plan_add_fk('rb', 'orders', '{h}', 'orders', fk_name => 'self', index => false, orphans => 'leave');
-- nothing done yet, nothing to take back
RESET client_min_messages;
CALL sg_rollback_fks('rb');
SET client_min_messages = warning;
CALL sg_add_fks('rb');
TABLE steps;

-- since then: one key was dropped, one replaced, one changed, one renamed, one skipped by its author
ALTER TABLE orders DROP CONSTRAINT b;
ALTER TABLE orders DROP CONSTRAINT c, ADD CONSTRAINT c FOREIGN KEY (c) REFERENCES customers ON DELETE CASCADE;
ALTER TABLE orders DROP CONSTRAINT d, ADD CONSTRAINT d FOREIGN KEY (a) REFERENCES orders NOT VALID;
ALTER TABLE orders RENAME CONSTRAINT e TO e_by_hand;
ALTER TABLE orders ALTER CONSTRAINT f DEFERRABLE INITIALLY DEFERRED;
SELECT sg_plan_skip('rb', '{11}', 'not that one');
RESET client_min_messages;
SELECT max(id) AS last FROM schemaguard.audit_log \gset
CALL sg_rollback_fks('rb');
TABLE keys;
TABLE steps;
SELECT l.step, action, phase, object, statement, sqlstate, message, attempt > 0 AS tried
FROM schemaguard.audit_log l WHERE id > :last ORDER BY id \gx
TABLE gaps;

-- again: nothing is left, and nothing changes
SELECT max(id) AS last FROM schemaguard.audit_log \gset
CALL sg_rollback_fks('rb');
SELECT count(*) FROM schemaguard.audit_log WHERE id > :last;

-- a plan that was rolled back can be run again, and be taken back again
SET client_min_messages = warning;
ALTER TABLE orders DROP CONSTRAINT c, DROP CONSTRAINT d, DROP CONSTRAINT f;
SELECT sg_plan_set('rb', '{11}', '{"state": "pending"}');
RESET client_min_messages;
CALL sg_add_fks('rb');
TABLE keys;
CALL sg_rollback_fks('rb');
TABLE keys;
TABLE steps;
TABLE gaps;

-- a key that somebody dropped and the plan added again is one thing to take back
SET client_min_messages = warning;
CALL sg_add_fks('rb');
ALTER TABLE orders DROP CONSTRAINT a;
CALL sg_add_fks('rb');
SELECT max(id) AS last FROM schemaguard.audit_log \gset
CALL sg_rollback_fks('rb');
SELECT action, phase, message FROM schemaguard.audit_log WHERE id > :last AND step = 1 ORDER BY id;
RESET client_min_messages;

-- a plan of the same name that was there before is another one's
SET client_min_messages = warning;
CALL sg_add_fks('rb');
SELECT sg_plan_create('rb', replace => true);
SELECT sg_plan_add_fk('rb', 'orders', '{a}', 'customers', fk_name => 'a', index => false);
RESET client_min_messages;
CALL sg_add_fks('rb');
CALL sg_rollback_fks('rb');
SELECT count(*) FROM keys;
TABLE steps;

-- privileges: the caller's own; what is missing is told before anything is done
SET client_min_messages = warning;
CREATE ROLE regress_sg_owner;
SELECT sg_grant('regress_sg_owner') \g /dev/null
CREATE TABLE theirs (id int PRIMARY KEY, a int);
GRANT USAGE ON SCHEMA rb TO regress_sg_owner;
GRANT REFERENCES, SELECT ON customers TO regress_sg_owner;
ALTER TABLE orders DROP CONSTRAINT a;
SELECT sg_plan_create('rb', replace => true);
SELECT sg_plan_add_fk('rb', 'orders', '{a}', 'customers', fk_name => 'a', index => false);
SELECT sg_plan_add_fk('rb', 'theirs', '{a}', 'customers', fk_name => 'a', index => false);
CALL sg_add_fks('rb');
ALTER TABLE theirs OWNER TO regress_sg_owner;
SELECT sg_plan_allow('rb', 'regress_sg_owner');
SET ROLE regress_sg_owner;
CALL sg_rollback_fks('rb');
RESET ROLE;
RESET client_min_messages;
TABLE steps;
CALL sg_rollback_fks('rb');
TABLE steps;
TABLE gaps;

-- partitioned tables: the parent here, the child where NOT VALID is possible
SET client_min_messages = warning;
CREATE TABLE parts (id int PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (10);
CREATE TABLE to_parts (a int);
SELECT sg_plan_create('rb', replace => true);
SELECT sg_plan_add_fk('rb', 'to_parts', '{a}', 'parts', fk_name => 'a', index => false);
CALL sg_add_fks('rb');
RESET client_min_messages;
CALL sg_rollback_fks('rb');
SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND conrelid = 'to_parts'::regclass;

-- an index and a replaced key: what their deeds say is taken back; these are written here by hand
SET client_min_messages = warning;
CREATE TABLE old_parent (id int PRIMARY KEY);
INSERT INTO old_parent SELECT generate_series(1, 5);
CREATE TABLE moved (id int PRIMARY KEY, a int, b int);
INSERT INTO moved SELECT g, g, g FROM generate_series(1, 5) g;
ALTER TABLE moved ADD CONSTRAINT old FOREIGN KEY (a) REFERENCES old_parent ON DELETE SET NULL;
SELECT sg_plan_create('rb', replace => true);
SELECT sg_plan_add_fk('rb', 'moved', '{a}', 'customers', fk_name => 'new', index => false);
SELECT sg_plan_add_fk('rb', 'moved', '{b}', 'customers', fk_name => 'b', index => false);
CREATE FUNCTION wrote(step int, kind text, object text, definition jsonb, done boolean DEFAULT true) RETURNS void LANGUAGE sql AS $$
  INSERT INTO schemaguard.plan_deed (plan_id, step, kind, object, undo, before, after, done_at)
  SELECT id, $1, $2, $3, CASE $2 WHEN 'add' THEN 'drop key' WHEN 'replace' THEN 'restore key' ELSE 'drop index' END,
         CASE WHEN $2 = 'replace' THEN $4 END, CASE WHEN $2 <> 'replace' THEN $4 END, CASE WHEN $5 THEN now() END
  FROM schemaguard.plan WHERE name = 'rb' $$;
CREATE FUNCTION a_key(child text, parent text, name text, on_delete text DEFAULT 'no action') RETURNS jsonb LANGUAGE sql AS $$
  SELECT jsonb_build_object('child_table', $1, 'child_columns', '{a}'::text[], 'parent_table', $2, 'fk_name', $3, 'on_delete', $4,
    'on_update', 'no action', 'match', 'simple', 'deferrable', false, 'initially_deferred', false, 'enforced', true, 'valid', true) $$;
CREATE FUNCTION an_index(child text, columns text, partitioned boolean DEFAULT false) RETURNS jsonb LANGUAGE sql AS $$
  SELECT jsonb_build_object('child_table', $1, 'index_columns', $2, 'partitioned', $3) $$;
CREATE FUNCTION built() RETURNS void LANGUAGE sql AS $$
  SELECT wrote(1, 'index', 'rb.moved_a_idx', an_index('rb.moved', 'a'));
  SELECT wrote(2, 'index', 'rb.moved_b_idx', an_index('rb.moved', 'b'));
$$;
CREATE FUNCTION replaced() RETURNS void LANGUAGE sql AS $$
  SELECT wrote(1, 'replace', 'new ON rb.moved', a_key('rb.moved', 'rb.old_parent', 'old', 'set null'));
$$;
CREATE INDEX moved_a_idx ON moved (a);
CREATE INDEX moved_b_idx ON moved (b);
SELECT built();
CALL sg_add_fks('rb');
ALTER TABLE moved DROP CONSTRAINT old;
SELECT replaced();
-- rows have come that the old key refuses: it comes back NOT VALID, the new one and its index stay
INSERT INTO customers VALUES (9);
INSERT INTO moved VALUES (9, 9, 5);
RESET client_min_messages;
SELECT max(id) AS last FROM schemaguard.audit_log \gset
CALL sg_rollback_fks('rb');
SELECT * FROM keys WHERE child = 'moved'::regclass;
SELECT indexrelid::regclass FROM pg_index WHERE indrelid = 'moved'::regclass ORDER BY indexrelid::regclass::text COLLATE "C";
TABLE steps;
-- mended
DELETE FROM moved WHERE id = 9;
CALL sg_rollback_fks('rb');
SELECT * FROM keys WHERE child = 'moved'::regclass;
SELECT indexrelid::regclass FROM pg_index WHERE indrelid = 'moved'::regclass ORDER BY indexrelid::regclass::text COLLATE "C";
TABLE steps;
SELECT l.step, action, phase, object, statement, sqlstate, message FROM schemaguard.audit_log l WHERE id > :last ORDER BY id \gx
TABLE gaps;

-- somebody has made another index of that name, has changed the key and so may need the other index, has dropped a parent
SET client_min_messages = warning;
CREATE INDEX moved_a_idx ON moved (a);
CREATE INDEX moved_b_idx ON moved (a, b);
SELECT built();
CALL sg_add_fks('rb');
ALTER TABLE moved DROP CONSTRAINT old, DROP CONSTRAINT new,
  ADD CONSTRAINT new FOREIGN KEY (a) REFERENCES customers ON DELETE CASCADE;
SELECT replaced();
DROP TABLE old_parent;
RESET client_min_messages;
CALL sg_rollback_fks('rb');
CREATE TABLE old_parent (id int PRIMARY KEY);
INSERT INTO old_parent SELECT generate_series(1, 5);
CALL sg_rollback_fks('rb');
SELECT * FROM keys WHERE child = 'moved'::regclass;
SELECT indexrelid::regclass FROM pg_index WHERE indrelid = 'moved'::regclass ORDER BY indexrelid::regclass::text COLLATE "C";
TABLE steps;
TABLE gaps;
-- a partitioned child: keys and indexes of the partitions go with those of the whole, or alone where that was not made yet
SET client_min_messages = warning;
CREATE TABLE pc (id int, a int) PARTITION BY RANGE (id);
CREATE TABLE pc_1 PARTITION OF pc FOR VALUES FROM (0) TO (10);
CREATE TABLE pc_2 PARTITION OF pc FOR VALUES FROM (10) TO (20);
INSERT INTO pc VALUES (1, 1), (11, 2);
SELECT sg_plan_create('rb', replace => true);
SELECT sg_plan_add_fk('rb', 'pc', '{a}', 'customers', fk_name => 'k', index => false);
CREATE FUNCTION made(relation text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('CREATE INDEX %s_a_idx ON rb.%s (a)', $1, $1);
  PERFORM wrote(1, 'index', format('rb.%s_a_idx', $1), an_index('rb.' || $1, 'a', $1 = 'pc'));
  EXECUTE format('ALTER TABLE rb.%s ADD CONSTRAINT k FOREIGN KEY (a) REFERENCES rb.customers', $1);
  PERFORM wrote(1, 'add', format('k ON rb.%s', $1), a_key('rb.' || $1, 'rb.customers', 'k'));
END $$;
SELECT made('pc_1'), made('pc_2'), made('pc');
RESET client_min_messages;
CALL sg_rollback_fks('rb');
SELECT (SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND conrelid::regclass::text LIKE 'pc%') AS keys,
       (SELECT count(*) FROM pg_index WHERE indrelid::regclass::text LIKE 'pc%') AS indexes;
TABLE steps;
SELECT made('pc_1'), made('pc_2');
CALL sg_rollback_fks('rb');
SELECT (SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND conrelid::regclass::text LIKE 'pc%') AS keys,
       (SELECT count(*) FROM pg_index WHERE indrelid::regclass::text LIKE 'pc%') AS indexes;
TABLE gaps;

-- what an interrupted build has left goes, too
SET client_min_messages = warning;
SELECT sg_plan_create('rb', replace => true);
SELECT sg_plan_add_fk('rb', 'moved', '{b}', 'customers', fk_name => 'b', index => false);
CREATE INDEX left_idx ON moved (b);
UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'left_idx'::regclass;
SELECT wrote(1, 'index', 'rb.left_idx', an_index('rb.moved', 'b'), done => false);
RESET client_min_messages;
CALL sg_rollback_fks('rb');
SELECT to_regclass('left_idx');
TABLE gaps;

-- both keys went with a column: the step says so, and gets the old one back when there is a column again
SET client_min_messages = warning;
CREATE TABLE lost (id int, a int);
INSERT INTO lost VALUES (1, 1);
ALTER TABLE lost ADD CONSTRAINT old FOREIGN KEY (a) REFERENCES old_parent;
SELECT sg_plan_create('rb', replace => true);
SELECT sg_plan_add_fk('rb', 'lost', '{a}', 'customers', fk_name => 'new', index => false, replaces => 'old');
CALL sg_add_fks('rb');
ALTER TABLE lost DROP COLUMN a;
RESET client_min_messages;
CALL sg_rollback_fks('rb');
TABLE steps;
CALL sg_rollback_fks('rb');
TABLE steps;
ALTER TABLE lost ADD COLUMN a int;
CALL sg_rollback_fks('rb');
SELECT * FROM keys WHERE child = 'lost'::regclass;
TABLE steps;
TABLE gaps;
DROP TABLE lost;

-- rows: those in quarantine come back when the keys are gone; those that were deleted or set to null do not, and it says so
SET client_min_messages = warning;
CREATE TABLE rows_q (id int PRIMARY KEY, a int);
CREATE TABLE rows_d (id int PRIMARY KEY, a int);
CREATE TABLE rows_n (id int PRIMARY KEY, a int);
INSERT INTO rows_q VALUES (1, 1), (2, 77);
INSERT INTO rows_d VALUES (1, 1), (2, 77), (3, 78);
INSERT INTO rows_n VALUES (1, 1), (2, 77);
SELECT sg_plan_create('rb', replace => true);
SELECT sg_plan_add_fk('rb', t, '{a}', 'customers', fk_name => 'k', index => false, orphans => o)
FROM (VALUES ('rows_q', 'quarantine'), ('rows_d', 'delete'), ('rows_n', 'set null')) v (t, o);
CALL sg_add_fks('rb', fix => true);
RESET client_min_messages;
-- whatever has become of the log
SET client_min_messages = warning;
CALL sg_prune('infinity');
RESET client_min_messages;
SELECT count(*) FROM log;
CALL sg_rollback_fks('rb');
SELECT 'q' AS t, * FROM rows_q UNION ALL SELECT 'd', * FROM rows_d UNION ALL SELECT 'n', * FROM rows_n ORDER BY 1, 2;
TABLE steps;
SELECT step, phase, message FROM log WHERE action = 'rollback fix';
CALL sg_rollback_fks('rb');
TABLE gaps;

-- a plan that did it all: indexes built, keys added to partitions and attached, an old key replaced
SET client_min_messages = warning;
SET schemaguard.workers = 1;
CREATE TABLE kids (id int, a int) PARTITION BY RANGE (id);
CREATE TABLE kids_1 PARTITION OF kids FOR VALUES FROM (0) TO (10);
CREATE TABLE kids_2 PARTITION OF kids FOR VALUES FROM (10) TO (20);
INSERT INTO kids VALUES (1, 1), (11, 2);
CREATE TABLE moving (id int, a int);
INSERT INTO moving SELECT g, g FROM generate_series(1, 5) g;
ALTER TABLE moving ADD CONSTRAINT old FOREIGN KEY (a) REFERENCES old_parent ON DELETE CASCADE DEFERRABLE;
SELECT sg_plan_create('rb', replace => true);
SELECT sg_plan_add_fk('rb', 'kids', '{a}', 'customers', fk_name => 'k');
SELECT sg_plan_add_fk('rb', 'moving', '{a}', 'customers', fk_name => 'k', replaces => 'old');
CALL sg_add_fks('rb');
RESET client_min_messages;
CREATE VIEW made_by_plan AS
  SELECT indexrelid::regclass::text AS what, NULL AS definition FROM pg_index WHERE indrelid::regclass::text ~ '^(kids|moving)'
  UNION ALL
  SELECT conrelid::regclass || ' ' || conname, pg_get_constraintdef(oid) FROM pg_constraint
  WHERE contype = 'f' AND conrelid::regclass::text ~ '^(kids|moving)' ORDER BY 1;
TABLE made_by_plan;
TABLE steps;
SELECT step, kind, object, undo, before ->> 'parent_table' AS before, coalesce(after ->> 'parent_table', after ->> 'index_columns') AS after
FROM schemaguard.plan_deed d JOIN schemaguard.plan p ON p.id = d.plan_id
WHERE name = 'rb' AND d.step = 2 AND undone_at IS NULL ORDER BY d.kind;
-- without the log
SET client_min_messages = warning;
CALL sg_prune('infinity');
RESET client_min_messages;
SELECT count(*) FROM log;
-- the plan is not forgotten meanwhile
SELECT sg_plan_drop('rb');
CALL sg_rollback_fks('rb');
TABLE made_by_plan;
TABLE steps;
TABLE gaps;
SELECT kind, outcome, count(*) FROM schemaguard.plan_deed d JOIN schemaguard.plan p ON p.id = d.plan_id
WHERE name = 'rb' AND d.step = 2 GROUP BY 1, 2 ORDER BY 1, 2;
-- what is undone is pruned, what is not stays
SET client_min_messages = warning;
CALL sg_add_fks('rb');
RESET client_min_messages;
SET client_min_messages = warning;
CALL sg_prune('infinity');
RESET client_min_messages;
SELECT kind, outcome, count(*) FROM schemaguard.plan_deed d JOIN schemaguard.plan p ON p.id = d.plan_id
WHERE name = 'rb' AND d.step = 2 GROUP BY 1, 2 ORDER BY 1, 2;
CALL sg_rollback_fks('rb');
SET client_min_messages = warning;
CALL sg_prune('infinity');
RESET client_min_messages;
SELECT count(*) FROM schemaguard.plan_deed d JOIN schemaguard.plan p ON p.id = d.plan_id WHERE name = 'rb';
RESET schemaguard.workers;

-- names in deeds are names, whatever they look like
SET client_min_messages = warning;
SELECT sg_plan_create('rb', replace => true);
SELECT sg_plan_add_fk('rb', 'moved', '{b}', 'customers', fk_name => 'b', index => false);
SELECT wrote(3, 'replace', 'b ON rb.moved', a_key('rb.moved', 'rb."customers; DROP TABLE rb.moved"', 'y')),
       wrote(1, 'add', 'b ON rb.moved', a_key('rb.moved', 'rb.customers', 'b; DROP TABLE rb.moved')),
       wrote(2, 'add', 'x', a_key('rb."moved; DROP TABLE rb.moved"', 'rb.customers', 'b')),
       wrote(1, 'index', 'rb."moved; DROP TABLE rb.moved"', an_index('rb.moved', 'a')),
       wrote(1, 'index', 'rb.moved', an_index('rb.moved', 'a); DROP TABLE rb.moved; --'));
RESET client_min_messages;
CALL sg_rollback_fks('rb');
SELECT 'moved'::regclass;
SELECT sg_plan_drop('rb');
-- unless it is to be, with what it has done
SELECT id FROM schemaguard.plan WHERE name = 'rb' \gset
SELECT sg_plan_drop('rb', force => true);
SELECT count(*) FROM schemaguard.plan_deed WHERE plan_id = :id;
SELECT sg_plan_create('rb');

-- misuse of CALL
BEGIN;
CALL sg_rollback_fks('rb');
ROLLBACK;
CALL sg_rollback_fks('no such plan');
CALL sg_rollback_fks(NULL);
-- an empty plan
SELECT sg_plan_create('rb', replace => true);
CALL sg_rollback_fks('rb');

SELECT sg_plan_drop('rb');
SET client_min_messages = warning;
\getenv test PG_ABS_SRCDIR
\set left :test '/sql/include/left.sql'
\i :left

-- A key that was replaced by one on the same columns comes back
CREATE TABLE above (id int PRIMARY KEY);
CREATE TABLE below (r int CONSTRAINT old_key REFERENCES above ON DELETE RESTRICT);
SELECT sg_plan_create('same');
SELECT sg_plan_add_fk('same', 'below', '{r}', 'above', fk_name => 'new_key', on_delete => 'cascade', replaces => 'old_key', index => false);
CALL sg_add_fks('same');
SELECT conname FROM pg_constraint WHERE conrelid = 'below'::regclass AND contype = 'f';
CALL sg_rollback_fks('same');
SELECT conname, convalidated, confdeltype FROM pg_constraint WHERE conrelid = 'below'::regclass AND contype = 'f';
SELECT sg_plan_drop('same');

-- Some steps: what the others did stays, and an index that one of their keys needs
CREATE TABLE up (id int PRIMARY KEY, n int, UNIQUE (id, n));
CREATE TABLE dn (a int, b int);
CREATE TABLE one (a int);
CREATE TABLE two (a int);
INSERT INTO one VALUES (1), (2);
INSERT INTO two VALUES (3);
SELECT sg_plan_create('some');
SELECT sg_plan_add_fk('some', 'dn', '{a,b}', 'up', '{id,n}', fk_name => 'ab'),
       sg_plan_add_fk('some', 'dn', '{a}', 'up', fk_name => 'a'),
       sg_plan_add_fk('some', 'one', '{a}', 'up', fk_name => 'one', orphans => 'quarantine', index => false),
       sg_plan_add_fk('some', 'two', '{a}', 'up', fk_name => 'two', orphans => 'quarantine', index => false);
CREATE VIEW chosen AS
  SELECT s.step, s.state, s.reason, d.kind, d.object, d.outcome
  FROM schemaguard.plan_step s JOIN schemaguard.plan p ON p.name = s.plan LEFT JOIN schemaguard.plan_deed d ON d.plan_id = p.id AND d.step = s.step
  WHERE s.plan = 'some' ORDER BY s.step, d.id;
SET client_min_messages = warning;
CALL sg_add_fks('some', fix => true);
RESET client_min_messages;
TABLE chosen;
CALL sg_rollback_fks('some', steps => '{1}', fail => true);
TABLE chosen;
SELECT indexrelid::regclass AS index FROM pg_index WHERE indrelid = 'dn'::regclass;
SELECT step, action, phase, object, message FROM schemaguard.audit_log WHERE plan = 'some' AND action ~ 'rollback' AND phase <> 'started' ORDER BY id;
-- rows go back for this step alone
CALL sg_rollback_fks('some', steps => '{3}');
SELECT (SELECT count(*) FROM one) AS one, (SELECT count(*) FROM two) AS two, (SELECT count(*) FROM schemaguard.quarantine WHERE plan = 'some') AS kept;
-- the index goes with the last key that it serves
CALL sg_rollback_fks('some', steps => '{2,1}');
SELECT indexrelid::regclass AS index FROM pg_index WHERE indrelid = 'dn'::regclass;
SELECT step, state, reason FROM schemaguard.plan_step WHERE plan = 'some' ORDER BY step;
CALL sg_rollback_fks('some', steps => '{1,2,3}');
-- what makes no sense
CALL sg_rollback_fks('some', steps => '{5}');
CALL sg_rollback_fks('some');
SELECT step, state FROM schemaguard.plan_step WHERE plan = 'some' ORDER BY step;
SELECT count(*) FROM two;
SELECT sg_plan_drop('some');

-- what the undo of a statement lets go is said before, and afterwards with counts; a table with rows that the plan has not put there stays
CREATE TABLE undone (id int, note text);
CREATE TABLE emptied (id int);
INSERT INTO undone SELECT g, g FROM generate_series(1, 5) g;
INSERT INTO emptied SELECT generate_series(1, 4);
SELECT sg_plan_create('undo') \g /dev/null
SELECT sg_plan_add_statement('undo', s, undo => u) FROM (VALUES
    ('CREATE TABLE rb.made (id int); COMMENT ON TABLE rb.made IS ''x''', 'DROP TABLE rb.made'),
    ('CREATE TABLE rb.own (id int); COMMENT ON TABLE rb.own IS ''x''', 'DROP TABLE rb.own'), ('INSERT INTO rb.own VALUES (1)', ''),
    ('CREATE SCHEMA rb_undo', 'DROP SCHEMA rb_undo CASCADE'), ('COMMENT ON TABLE rb.undone IS ''x''', 'DELETE FROM rb.undone WHERE id < 3'),
    ('COMMENT ON TABLE rb.emptied IS ''x''', 'TRUNCATE rb.emptied; UPDATE rb.undone SET id = id WHERE id = 5'),
    ('COMMENT ON COLUMN rb.undone.note IS ''x''', 'ALTER TABLE rb.undone DROP COLUMN note'),
    ('INSERT INTO rb.emptied VALUES (7), (8)', 'DELETE FROM rb.emptied WHERE id > 6')) x (s, u) \g /dev/null
SELECT step, result, detail, hint FROM sg_plan_check_details('undo') WHERE check_name = 'undo' ORDER BY step;
CALL sg_apply('undo');
INSERT INTO made SELECT generate_series(1, 3);
CREATE TABLE rb_undo.t AS SELECT 1 AS a;
\set VERBOSITY default
CALL sg_rollback_fks('undo');
\set VERBOSITY terse
SELECT step, state, reason FROM schemaguard.plan_step WHERE plan = 'undo' ORDER BY step;
SELECT rows_deleted, rows_changed, values_gone FROM schemaguard.plan_summary WHERE plan = 'undo';
SELECT step, message, rows_affected FROM schemaguard.audit_log WHERE plan = 'undo' AND action LIKE 'rollback%' AND phase = 'done' ORDER BY id;
SELECT (SELECT count(*) FROM made) AS made, (SELECT count(*) FROM rb_undo.t) AS t, (SELECT count(*) FROM undone) AS undone, (SELECT count(*) FROM emptied) AS emptied;
TRUNCATE made, rb_undo.t;
CALL sg_rollback_fks('undo');
SELECT to_regclass('made') AS made, to_regnamespace('rb_undo') AS schema;
SELECT sg_plan_drop('undo');
-- ... also where the plan had put rows there, and has deleted them again
SELECT sg_plan_create('undo'), sg_plan_add_statement('undo', 'CREATE TABLE rb.made (id int); COMMENT ON TABLE rb.made IS ''x''', undo => 'DROP TABLE rb.made'),
    sg_plan_add_statement('undo', 'INSERT INTO rb.made VALUES (1)', undo => 'DELETE FROM rb.made WHERE id = 1') \g /dev/null
CALL sg_apply('undo');
INSERT INTO made VALUES (2);
CALL sg_rollback_fks('undo');
TABLE made;
DELETE FROM made;
CALL sg_rollback_fks('undo');
SELECT to_regclass('made') AS made;
SELECT sg_plan_drop('undo');
-- a copy stays while what came later, and may need it, is not taken back
CREATE TABLE src AS SELECT g AS id, 'v' || g AS v FROM generate_series(1, 4) g;
ALTER TABLE src ADD PRIMARY KEY (id);
CREATE TABLE copy (id int, v text);
SELECT sg_plan_create('held'),
    sg_plan_add_statement('held', 'INSERT INTO rb.copy SELECT * FROM rb.src WHERE id > 2', undo => 'DELETE FROM rb.copy'),
    sg_plan_add_statement('held', 'DELETE FROM rb.src WHERE id > 2', undo => 'INSERT INTO rb.src SELECT * FROM rb.copy') \g /dev/null
CALL sg_apply('held');
INSERT INTO src VALUES (4, 'new');
CALL sg_rollback_fks('held');
CALL sg_rollback_fks('held', steps => '{1}');
TABLE copy ORDER BY id;
DELETE FROM src WHERE v = 'new';
CALL sg_rollback_fks('held');
SELECT * FROM src ORDER BY id;
TABLE copy;
-- or has no undo
SELECT sg_plan_create('held', replace => true),
    sg_plan_add_statement('held', 'INSERT INTO rb.copy SELECT * FROM rb.src', undo => 'TRUNCATE rb.copy'),
    sg_plan_add_statement('held', 'DELETE FROM rb.src') \g /dev/null
SELECT step, result, detail, hint FROM sg_plan_check_details('held') WHERE check_name = 'undo';
CALL sg_apply('held');
CALL sg_rollback_fks('held');
SELECT sg_plan_skip('held', '{1,2}', 'it stays as it is');
CALL sg_rollback_fks('held');
TABLE copy ORDER BY id;
-- or has dropped for good what was copied; a step that has only added something is between
SELECT sg_plan_create('held', replace => true), sg_plan_add_statement('held', 'CREATE TABLE rb.last (id int, v text)', undo => 'DROP TABLE rb.last'),
    sg_plan_add_statement('held', 'INSERT INTO rb.last SELECT id, v FROM rb.copy'),
    sg_plan_add_drop('held', 'column', 'copy', 'v', keep => false) \g /dev/null
SELECT step, result, detail, hint FROM sg_plan_check_details('held') WHERE check_name = 'undo';
CALL sg_apply('held');
CALL sg_rollback_fks('held');
CALL sg_rollback_fks('held');
TABLE last ORDER BY id;
SELECT sg_plan_skip('held', '{2,3}', 'nobody needs it');
CALL sg_rollback_fks('held');
SELECT to_regclass('last') AS last;
-- or a policy has deleted it
INSERT INTO src VALUES (-1, 'v-1');
SELECT sg_plan_create('held', replace => true), sg_plan_add_statement('held', 'INSERT INTO rb.copy SELECT id FROM rb.src WHERE id < 0', undo => 'DELETE FROM rb.copy WHERE id < 0'),
    sg_plan_add_check('held', 'src', 'id > 0', policy => 'delete') \g /dev/null
SELECT step, result, detail, hint FROM sg_plan_check_details('held') WHERE check_name = 'undo';
CALL sg_apply('held', fix => true);
CALL sg_rollback_fks('held');
SELECT count(*) FROM copy WHERE id < 0;
SELECT sg_plan_skip('held', '{1,2}', 'it stays as it is');
CALL sg_rollback_fks('held');
-- a column that a table below has got as its own, because it did not inherit for a while
CREATE TABLE heir () INHERITS (src);
SELECT sg_plan_create('held', replace => true), sg_plan_add_column('held', 'src', 'w', 'text', fill => 'v'),
    sg_plan_add_statement('held', 'ALTER TABLE rb.heir NO INHERIT rb.src', undo => 'ALTER TABLE rb.heir INHERIT rb.src') \g /dev/null
CALL sg_apply('held');
CALL sg_rollback_fks('held');
SELECT reason FROM schemaguard.plan_step WHERE plan = 'held' AND reason IS NOT NULL;
SELECT sg_plan_drop('held');
DROP TABLE src, heir, copy;
-- a fill that an assignment converts to the column's type: its values are the step's
CREATE TABLE conv AS SELECT 1 AS id, 2 AS n;
SELECT sg_plan_create('held'), sg_plan_add_column('held', 'conv', 'twice', 'text', fill => 'n * 2') \g /dev/null
CALL sg_apply('held');
CALL sg_rollback_fks('held');
SELECT * FROM conv;
SELECT sg_plan_drop('held');
DROP TABLE conv;
-- copies of what a later step takes for good under another name: of a partition, and of the table that had another name by then, and has not now
CREATE TABLE part_src (id int) PARTITION BY RANGE (id);
CREATE TABLE part_src_1 PARTITION OF part_src FOR VALUES FROM (0) TO (9);
CREATE TABLE name_src (id int);
INSERT INTO part_src VALUES (1);
INSERT INTO name_src VALUES (1);
CREATE SCHEMA rb_copy;
CREATE TABLE rb_copy.part_src (id int);
CREATE TABLE name_copy (id int);
SELECT sg_plan_create('held'), sg_plan_add('held', 'INSERT INTO rb_copy.part_src SELECT * FROM rb.part_src', '{"undo": "TRUNCATE rb_copy.part_src"}'),
    sg_plan_add('held', 'INSERT INTO rb.name_copy SELECT * FROM rb.name_src', '{"undo": "TRUNCATE rb.name_copy"}'),
    sg_plan_add('held', 'DROP TABLE rb.part_src_1', '{"keep": false}'), sg_plan_add_rename('held', 'table', 'name_src', 'name_new'),
    sg_plan_add('held', 'DELETE FROM rb.name_new', '{"after": ["4"]}') \g /dev/null
SELECT step, result, detail FROM sg_plan_check_details('held') WHERE check_name = 'undo';
CALL sg_apply('held');
CALL sg_rollback_fks('held');
SELECT step, state, reason FROM schemaguard.plan_step WHERE plan = 'held' ORDER BY step;
SELECT (SELECT count(*) FROM rb_copy.part_src) AS of_partition, (SELECT count(*) FROM name_copy) AS of_renamed, to_regclass('rb.name_src') AS name;
SELECT sg_plan_drop('held', force => true) \g /dev/null
DROP TABLE part_src, name_src, name_copy;
DROP SCHEMA rb_copy CASCADE;
-- more rows than go back in a transaction: those that are referred to come first, though they went first into quarantine, so that no batch has to be halved
CREATE TABLE ord_0 (id int PRIMARY KEY);
CREATE TABLE ord_1 AS SELECT g AS id, g AS up FROM generate_series(1, 600) g;
CREATE TABLE ord_2 AS SELECT * FROM ord_1;
ALTER TABLE ord_1 ADD PRIMARY KEY (id);
SET client_min_messages = warning;
SELECT sg_plan_create('ord'), sg_plan_add_fk('ord', 'ord_1', '{up}', 'ord_0', orphans => 'quarantine') \g /dev/null
CALL sg_apply('ord', fix => true, max_rows => 600);
SELECT sg_plan_add_fk('ord', 'ord_2', '{up}', 'ord_1', orphans => 'quarantine') \g /dev/null
CALL sg_apply('ord', fix => true, max_rows => 600);
INSERT INTO ord_0 SELECT up FROM generate_series(1, 600) up;
CALL sg_restore_quarantine('ord');
RESET client_min_messages;
SELECT count(*) FILTER (WHERE message LIKE '%left in quarantine%') AS halved, sum(rows_affected) AS rows
FROM schemaguard.audit_log WHERE plan = 'ord' AND action = 'restore' AND phase = 'done';
SET client_min_messages = warning;
SELECT sg_plan_drop('ord', force => true) \g /dev/null
DROP SCHEMA rb CASCADE;
SELECT sg_revoke('regress_sg_owner') \g /dev/null
DROP ROLE regress_sg_owner;
