-- What refers to orphans: a tree with counts, the keys that stand in the way in one call, rows taken along and put back
-- rooms: fix check plan
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS schemaguard;
SET client_min_messages = notice;
SET schemaguard.lock_timeout = '10s';
SET schemaguard.fix_pause = 0;
SET schemaguard.fix_limit = -1;
SET schemaguard.workers = 0;
SET TimeZone = 'UTC';
CREATE SCHEMA ref;
SET search_path = ref, public;
CREATE TABLE customer (id int PRIMARY KEY);
CREATE TABLE orders (id int PRIMARY KEY, customer_id int);
CREATE TABLE line (id int PRIMARY KEY, order_id int REFERENCES orders);
CREATE TABLE label (id int PRIMARY KEY, line_id int REFERENCES line, parent_id int REFERENCES label);
CREATE TABLE note (id int PRIMARY KEY, order_id int REFERENCES orders ON DELETE CASCADE, line_id int REFERENCES line ON DELETE RESTRICT);
CREATE TABLE apart (id int PRIMARY KEY, customer_id int REFERENCES customer);
INSERT INTO customer VALUES (1);
INSERT INTO orders SELECT i, CASE WHEN i <= 4 THEN 10 * i ELSE 1 END FROM generate_series(1, 20) i;
INSERT INTO line SELECT i, 1 + i % 20 FROM generate_series(1, 40) i;
INSERT INTO label SELECT i, i, CASE WHEN i > 1 THEN i - 1 END FROM generate_series(1, 10) i;
INSERT INTO note SELECT i, 1 + i % 20, i FROM generate_series(1, 20) i;
INSERT INTO apart VALUES (1, 1);
ANALYZE;
CREATE TABLE was AS SELECT 'orders' AS t, id FROM orders UNION ALL SELECT 'line', id FROM line UNION ALL SELECT 'label', id FROM label
    UNION ALL SELECT 'note', id FROM note;
CREATE VIEW counts AS SELECT (SELECT count(*) FROM orders) AS orders, (SELECT count(*) FROM line) AS line, (SELECT count(*) FROM label) AS label,
    (SELECT count(*) FROM note) AS note, (SELECT count(*) FROM schemaguard.quarantine WHERE plan = 'ref') AS quarantine;

-- the first hints name the plan's own remedy, for one step and for all
SELECT sg_plan_create('ref') \g /dev/null
SELECT sg_plan_add_fk('ref', 'orders', 'customer_id', 'customer', fk_name => 'orders_fk', index => false) \g /dev/null
SELECT object, check_name, detail, hint FROM sg_plan_check('ref') WHERE step > 0 \gx
CALL sg_add_fks('ref');
SELECT sg_plan_add_fk('ref', 'orders', 'id', 'apart', 'id', fk_name => 'orders_apart_fk', index => false) \g /dev/null
SELECT result, detail, hint FROM sg_plan_check('ref') WHERE check_name = 'orphans' AND step = 0 \gx
SELECT sg_plan_skip('ref', '{2}', 'not meant') \g /dev/null

-- a policy for the plan leaves what is there as it is, and says so; a plan with no other option can be checked
SELECT sg_plan_option('ref', 'orphans', 'quarantine');
SELECT orphans FROM schemaguard.plan_step WHERE plan = 'ref' ORDER BY step;
SELECT detail, hint FROM sg_plan_check('ref', everything => true) WHERE check_name = 'options' \gx
SELECT sg_plan_option('ref', 'workers', NULL);
SELECT sg_plan_set('ref', '{1}', '{"orphans": "quarantine"}') \g /dev/null
SELECT sg_plan_option('ref', 'orphans', 'quarantine');
SELECT hint FROM sg_plan_check('ref') WHERE check_name IN ('orphans', 'referring');

-- nothing is done before the tree is seen; the message is short, the tree is whole
SELECT * FROM sg_plan_referencing('ref');
CALL sg_fix_orphans('ref', dry_run => true, steps => '{1}');
CALL sg_add_fks('ref', fix => true, steps => '{1}');
SELECT state, summary FROM sg_status() WHERE subject = 'leftovers';
SELECT * FROM counts;

-- a key that the plan has already, with another policy, is left to whoever gave it
SELECT sg_plan_add_fk('ref', 'note', 'line_id', 'line', on_delete => 'restrict', fk_name => 'note_line_id_fkey', orphans => 'leave', index => false) \g /dev/null
SELECT sg_plan_add_referencing('ref');
SELECT sg_plan_add_referencing('ref');
SELECT sg_plan_set('ref', array_agg(DISTINCT step), '{"orphans": "quarantine"}') FROM sg_plan_referencing('ref') WHERE result = 'block' \g /dev/null
SELECT step, fk_name, child_table, parent_table, on_delete, orphans, index FROM schemaguard.plan_step WHERE plan = 'ref' ORDER BY step;
SELECT * FROM sg_plan_referencing('ref');
SELECT * FROM sg_plan_referencing('ref', '{3}');

-- in one go, and back in one go
SET schemaguard.verbosity = problems;
CALL sg_add_fks('ref', fix => true);
SELECT * FROM counts;
CALL sg_restore_quarantine('ref');
SELECT detail FROM sg_plan_check('ref') WHERE result <> 'ok' AND step > 0;
CALL sg_rollback_fks('ref');
SELECT * FROM counts;
SELECT count(*) AS not_back FROM was WHERE (t, id) NOT IN (SELECT 'orders', id FROM orders UNION ALL SELECT 'line', id FROM line
    UNION ALL SELECT 'label', id FROM label UNION ALL SELECT 'note', id FROM note);
SELECT count(*) AS keys FROM pg_constraint WHERE connamespace = 'ref'::regnamespace AND contype = 'f';
RESET schemaguard.verbosity;

-- a rule's rows are referred to as well
SELECT sg_plan_create('rule') \g /dev/null
SELECT sg_plan_add('rule', 'ALTER TABLE orders ADD CONSTRAINT orders_small CHECK (id > 2)', '{"orphans": "quarantine"}') \g /dev/null
SELECT * FROM sg_plan_referencing('rule');
SELECT sg_plan_add_referencing('rule');
SET schemaguard.verbosity = problems;
CALL sg_apply('rule', fix => true);
CALL sg_rollback_fks('rule');
RESET schemaguard.verbosity;

-- rows that get null by a policy of their own go no further
SELECT sg_plan_create('nulls') \g /dev/null
SELECT sg_plan_add_fk('nulls', 'orders', 'customer_id', 'customer', orphans => 'delete', index => false),
       sg_plan_add_fk('nulls', 'line', 'order_id', 'orders', fk_name => 'line_order_id_fkey', orphans => 'set null', index => false) \g /dev/null
SELECT * FROM sg_plan_referencing('nulls');

-- orphans that came in past the keys which are added stay, and all that went along comes back; rows that can't are counted over all steps
CREATE TABLE top (id int PRIMARY KEY);
CREATE TABLE past (id int PRIMARY KEY, top_id int);
CREATE TABLE past_a (id int PRIMARY KEY, past_id int REFERENCES past);
CREATE TABLE past_b (id int PRIMARY KEY, past_id int REFERENCES past);
INSERT INTO past VALUES (1, 999), (2, 999);
INSERT INTO past_a SELECT i, 1 + i % 2 FROM generate_series(1, 6) i;
INSERT INTO past_b SELECT i, 1 + i % 2 FROM generate_series(1, 6) i;
ALTER TABLE past_a DISABLE TRIGGER ALL; INSERT INTO past_a VALUES (7, 7000), (8, 8000); ALTER TABLE past_a ENABLE TRIGGER ALL;
ALTER TABLE past_b DISABLE TRIGGER ALL; INSERT INTO past_b VALUES (7, 7000); ALTER TABLE past_b ENABLE TRIGGER ALL;
CREATE VIEW past_counts AS SELECT (SELECT count(*) FROM past) AS past, (SELECT count(*) FROM past_a) AS past_a, (SELECT count(*) FROM past_b) AS past_b;
SELECT sg_plan_create('ref_past') \g /dev/null
SELECT sg_plan_add_fk('ref_past', 'past', 'top_id', 'top', orphans => 'quarantine', index => false) \g /dev/null
SELECT sg_plan_add_referencing('ref_past');
SELECT * FROM sg_plan_referencing('ref_past');
CALL sg_add_fks('ref_past', fix => true);
SELECT * FROM past_counts;
CALL sg_rollback_fks('ref_past');
SELECT * FROM past_counts;
SELECT sg_plan_set('ref_past', '{2,3}', '{"orphans": "quarantine"}') \g /dev/null
SET schemaguard.verbosity = problems;
CALL sg_add_fks('ref_past', fix => true);
\set VERBOSITY terse
CALL sg_rollback_fks('ref_past');
\set VERBOSITY default
SELECT step, reason FROM schemaguard.plan_step WHERE plan = 'ref_past' ORDER BY step;
-- several keys are in the way: the hint has none of them valid above their orphans; one call has all of these back past valid keys
CALL sg_restore_quarantine('ref_past');
CALL sg_restore_quarantine('ref_past', past_keys => true);
SHOW session_replication_role;
SELECT * FROM past_counts;
SELECT conname, convalidated FROM pg_constraint WHERE conrelid IN ('past_a'::regclass, 'past_b'::regclass) AND contype = 'f' ORDER BY 1;
RESET schemaguard.verbosity;

-- a role that can't go past keys gets all of them at once; a row that breaks two is refused by one, and both are named in the end
CREATE ROLE regress_ref_below;
SELECT sg_grant('regress_ref_below') \g /dev/null
GRANT USAGE ON SCHEMA public TO regress_ref_below;
CREATE SCHEMA ref_below AUTHORIZATION regress_ref_below;
SET ROLE regress_ref_below;
CREATE TABLE ref_below.a (id int PRIMARY KEY);
CREATE TABLE ref_below.c (id int PRIMARY KEY, a int CONSTRAINT c_a REFERENCES ref_below.a, b int CONSTRAINT c_b REFERENCES ref_below.a);
CREATE TABLE ref_below.d (a int CONSTRAINT d_a REFERENCES ref_below.a);
RESET ROLE;
SET session_replication_role = replica;
INSERT INTO ref_below.c VALUES (1, 7, 7), (2, 7, NULL);
INSERT INTO ref_below.d VALUES (7);
RESET session_replication_role;
SET ROLE regress_ref_below;
SELECT public.sg_plan_create('ref_below') \g /dev/null
SELECT public.sg_plan_add_fk('ref_below', 'ref_below.c', 'a', 'ref_below.a', orphans => 'quarantine', index => false),
       public.sg_plan_add_fk('ref_below', 'ref_below.d', 'a', 'ref_below.a', orphans => 'quarantine', index => false) \g /dev/null
SET client_min_messages = warning;
CALL public.sg_fix_orphans('ref_below', max_rows => 3);
CALL public.sg_rollback_fks('ref_below');
RESET client_min_messages;
ALTER TABLE ref_below.c DROP CONSTRAINT c_a;
ALTER TABLE ref_below.d DROP CONSTRAINT d_a;
CALL public.sg_restore_quarantine('ref_below');
ALTER TABLE ref_below.c ADD CONSTRAINT c_a FOREIGN KEY (a) REFERENCES ref_below.a(id) NOT VALID;
ALTER TABLE ref_below.d ADD CONSTRAINT d_a FOREIGN KEY (a) REFERENCES ref_below.a(id) NOT VALID;
CALL public.sg_restore_quarantine('ref_below');
ALTER TABLE ref_below.c DROP CONSTRAINT c_a;
ALTER TABLE ref_below.c DROP CONSTRAINT c_b;
CALL public.sg_restore_quarantine('ref_below');
SELECT * FROM ref_below.c ORDER BY id;
RESET ROLE;
SELECT sg_plan_drop('ref_below') \g /dev/null
SELECT sg_revoke('regress_ref_below') \g /dev/null
DROP TABLE ref_below.a, ref_below.c, ref_below.d;
DROP SCHEMA ref_below;
REVOKE USAGE ON SCHEMA public FROM regress_ref_below;
DROP ROLE regress_ref_below;

-- keys that were NOT VALID, and that the plan has validated: the statements of its hint leave them as they were
CREATE SCHEMA ref_mend;
SET search_path = ref_mend, public;
CREATE TABLE a (id int PRIMARY KEY);
CREATE TABLE c (id int PRIMARY KEY, a int, b int);
INSERT INTO c VALUES (1, 7, NULL), (2, NULL, 8), (3, 7, 8);
ALTER TABLE c ADD CONSTRAINT c_a FOREIGN KEY (a) REFERENCES a NOT VALID, ADD CONSTRAINT c_b FOREIGN KEY (b) REFERENCES a ON DELETE CASCADE NOT VALID;
SELECT sg_plan_create('ref_mend'), sg_plan_add_fk('ref_mend', 'c', 'a', 'a', fk_name => 'c_a', orphans => 'quarantine', index => false),
    sg_plan_add_fk('ref_mend', 'c', 'b', 'a', fk_name => 'c_b', orphans => 'quarantine', on_delete => 'cascade', index => false) \g /dev/null
CALL sg_add_fks('ref_mend', fix => true, fail => true);
SELECT conname, convalidated FROM pg_constraint WHERE conrelid = 'c'::regclass AND contype = 'f' ORDER BY 1;
CALL sg_rollback_fks('ref_mend');
ALTER TABLE ref_mend.c DROP CONSTRAINT c_b;
ALTER TABLE ref_mend.c DROP CONSTRAINT c_a;
CALL public.sg_restore_quarantine('ref_mend');
ALTER TABLE ref_mend.c ADD CONSTRAINT c_b FOREIGN KEY (b) REFERENCES ref_mend.a(id) ON DELETE CASCADE NOT VALID;
ALTER TABLE ref_mend.c ADD CONSTRAINT c_a FOREIGN KEY (a) REFERENCES ref_mend.a(id) NOT VALID;
SELECT conname, convalidated FROM pg_constraint WHERE conrelid = 'c'::regclass AND contype = 'f' ORDER BY 1;
SELECT * FROM c ORDER BY id;
CALL sg_rollback_fks('ref_mend');
-- keys that are NOT VALID still: one call, past them
CALL sg_fix_orphans('ref_mend');
CALL sg_rollback_fks('ref_mend');
CALL sg_restore_quarantine('ref_mend', past_keys => true);
SELECT conname, convalidated FROM pg_constraint WHERE conrelid = 'c'::regclass AND contype = 'f' ORDER BY 1;
SELECT count(*) FROM c;
SET client_min_messages = error;
SELECT sg_plan_drop('ref_mend') \g /dev/null
DROP SCHEMA ref_mend CASCADE;
RESET client_min_messages;
SET search_path = ref, public;

-- by policy delete: what rows in quarantine refer to is kept as well, for they could not go back without it
CREATE TABLE gone (id int PRIMARY KEY, top_id int);
CREATE TABLE gone_a (id int PRIMARY KEY, gone_id int REFERENCES gone);
INSERT INTO gone VALUES (1, 999), (2, 999), (3, 999);
INSERT INTO gone_a SELECT i, 1 + i % 2 FROM generate_series(1, 6) i;
SELECT sg_plan_create('ref_gone') \g /dev/null
SELECT sg_plan_add_fk('ref_gone', 'gone', 'top_id', 'top', orphans => 'delete', index => false) \g /dev/null
SELECT sg_plan_add_referencing('ref_gone');
SELECT * FROM sg_plan_referencing('ref_gone');
CALL sg_add_fks('ref_gone', fix => true);
CALL sg_rollback_fks('ref_gone');
SELECT (SELECT count(*) FROM gone) AS gone, (SELECT count(*) FROM gone_a) AS gone_a;

-- a row that several valid keys of the application refuse: the hint has all of them
CREATE TABLE three (id int PRIMARY KEY, a int CONSTRAINT three_a REFERENCES gone, b int CONSTRAINT three_b REFERENCES gone, d int CONSTRAINT three_d REFERENCES gone, e int CONSTRAINT three_e REFERENCES gone);
SET session_replication_role = replica;
INSERT INTO three SELECT i, 90, 90, 90, 1 FROM generate_series(1, 3) i;
INSERT INTO three VALUES (4, 1, 90, 1, 1);
RESET session_replication_role;
SELECT sg_plan_create('three') \g /dev/null
SELECT sg_plan_add_fk('three', 'three', c, 'gone', fk_name => 'three_' || c, orphans => 'quarantine', index => false) FROM unnest('{a,b,d}'::text[]) c \g /dev/null
SET client_min_messages = warning;
CALL sg_add_fks('three', fix => true);
CALL sg_rollback_fks('three');
ALTER TABLE ref.three DROP CONSTRAINT three_a;
ALTER TABLE ref.three DROP CONSTRAINT three_b;
ALTER TABLE ref.three DROP CONSTRAINT three_d;
CALL public.sg_restore_quarantine('three');
SELECT count(*) FROM three;
SELECT sg_plan_drop('three') \g /dev/null
SET client_min_messages = notice;

-- rows that went along go back into their table, whatever its name is, and not into another one that has it
CREATE TABLE baskets (id int PRIMARY KEY, region_id int);
CREATE TABLE items (id int PRIMARY KEY, order_id int REFERENCES baskets);
INSERT INTO baskets VALUES (2, 99); INSERT INTO items VALUES (20, 2);
SELECT sg_plan_create('renamed'), sg_plan_add_fk('renamed', 'baskets', 'region_id', 'gone', orphans => 'quarantine', index => false), sg_plan_add_referencing('renamed') \g /dev/null
SET client_min_messages = warning;
CALL sg_add_fks('renamed', fix => true, fail => true);
ALTER TABLE items RENAME TO items_v1; CREATE TABLE items (id int PRIMARY KEY, order_id int REFERENCES baskets);
CALL sg_rollback_fks('renamed', fail => true);
SELECT (SELECT count(*) FROM items_v1) AS items_v1, (SELECT count(*) FROM items) AS items, (SELECT count(*) FROM baskets) AS baskets;
SELECT sg_plan_drop('renamed') \g /dev/null
SET client_min_messages = notice;

-- also where what refers to them went with an earlier step, in the same call or before; the count and the dry run say so
CREATE TABLE region (id int PRIMARY KEY);
CREATE TABLE customers (id int PRIMARY KEY, region_id int);
CREATE TABLE invoices (id int PRIMARY KEY, customer_id int REFERENCES customers, region_id int);
CREATE TABLE notes (region_id int);
INSERT INTO customers SELECT g, 9 FROM generate_series(1, 4) g;
INSERT INTO invoices SELECT g, g, NULLIF(9, g + 6) FROM generate_series(1, 3) g;
INSERT INTO notes VALUES (9);
SELECT sg_plan_create('kept') \g /dev/null
SELECT sg_plan_add_fk('kept', 'invoices', 'region_id', 'region', orphans => 'quarantine', index => false), sg_plan_add_fk('kept', 'customers', 'region_id', 'region', orphans => 'delete', index => false),
  sg_plan_add_fk('kept', 'invoices', 'customer_id', 'customers', orphans => 'delete', index => false), sg_plan_add_fk('kept', 'notes', 'region_id', 'region', orphans => 'delete', index => false) \g /dev/null
SELECT * FROM sg_plan_referencing('kept');
SET client_min_messages = warning;
CALL sg_add_fks('kept', fix => true, steps => 1);
SET client_min_messages = notice;
SELECT * FROM sg_plan_referencing('kept');
CALL sg_add_fks('kept', fix => true);
CALL sg_rollback_fks('kept');
SELECT (SELECT count(*) FROM customers) AS customers, (SELECT count(*) FROM invoices) AS invoices, (SELECT count(*) FROM notes) AS notes;
SELECT sg_plan_drop('kept') \g /dev/null

-- ... and where their table, which has no step, was renamed since
CREATE TABLE parcels (id int PRIMARY KEY, region_id int);
CREATE TABLE bills (parcel_id int REFERENCES parcels ON DELETE CASCADE, customer_id int REFERENCES customers);
DELETE FROM invoices;
INSERT INTO parcels VALUES (1, 9);
INSERT INTO bills VALUES (1, 1);
SELECT sg_plan_create('kept'), sg_plan_add_fk('kept', 'parcels', 'region_id', 'region', orphans => 'quarantine', quarantine_cascades => true, index => false),
  sg_plan_add_fk('kept', 'customers', 'region_id', 'region', orphans => 'delete', index => false) \g /dev/null
CALL sg_add_fks('kept', fix => true, steps => 1);
ALTER TABLE bills RENAME TO receipts;
CALL sg_add_fks('kept', fix => true, steps => 2);
CALL sg_rollback_fks('kept');
SELECT (SELECT count(*) FROM customers) AS customers, (SELECT count(*) FROM receipts) AS receipts;
SELECT sg_plan_drop('kept') \g /dev/null

-- a rollback that gets no further because of rows in quarantine has the way out for these in its last line, also where old values wait for them
CREATE TABLE valued (id int PRIMARY KEY, v int, region_id int);
INSERT INTO valued SELECT g, g % 3, 9 FROM generate_series(1, 6) g;
ALTER TABLE valued ADD FOREIGN KEY (region_id) REFERENCES region NOT VALID;
SELECT sg_plan_create('valued'), sg_plan_add_check('valued', 'valued', 'v <> 1', policy => 'set', child_column => 'v', fill => '9'),
  sg_plan_add_fk('valued', 'valued', 'region_id', 'region', orphans => 'quarantine', index => false) \g /dev/null
CALL sg_apply('valued', fix => true);
CALL sg_rollback_fks('valued');
CALL sg_rollback_fks('valued');
ALTER TABLE valued DROP CONSTRAINT valued_region_id_fkey;
CALL sg_restore_quarantine('valued');
CALL sg_rollback_fks('valued');
SELECT count(*), count(*) FILTER (WHERE v = 1) AS ones FROM valued;
SELECT sg_plan_drop('valued') \g /dev/null

-- where the plan has all keys that stand in the way, the hint is their policy
SELECT sg_plan_create('along') \g /dev/null
CREATE TABLE up (id int PRIMARY KEY); CREATE TABLE mid (id int PRIMARY KEY, up int); CREATE TABLE low (mid int REFERENCES mid);
INSERT INTO mid VALUES (1, 1); INSERT INTO low VALUES (1);
SELECT sg_plan_add_fk('along', 'mid', 'up', 'up', orphans => 'quarantine', index => false), sg_plan_add_fk('along', 'low', 'mid', 'mid', fk_name => 'low_mid_fkey', index => false) \g /dev/null
CALL sg_fix_orphans('along', dry_run => true, steps => 1);
SELECT public.sg_plan_set('along', array_agg(DISTINCT step), '{"orphans": "quarantine"}') FROM public.sg_plan_referencing('along', '{1}') WHERE result = 'block' AND step IS NOT NULL \g /dev/null
CALL sg_fix_orphans('along', dry_run => true, steps => 1);

-- rows that an earlier step takes away stand in no later one's way; unless it is blocked
CREATE TABLE two (id int PRIMARY KEY, up int); CREATE TABLE one (id int PRIMARY KEY, up int, two int);
INSERT INTO up VALUES (1); INSERT INTO two VALUES (1, 1), (2, 99); INSERT INTO one VALUES (1, 1, 1), (2, 98, 2);
SELECT sg_plan_create('turns') \g /dev/null
SELECT sg_plan_add_fk('turns', 'one', 'up', 'up', orphans => 'quarantine', index => false), sg_plan_add_fk('turns', 'one', 'two', 'two', index => false),
  sg_plan_add_fk('turns', 'two', 'up', 'up', orphans => 'delete', index => false) \g /dev/null
SELECT * FROM sg_plan_referencing('turns');
SELECT * FROM sg_plan_referencing('turns', '{2,3}');
CREATE TABLE kept (one int REFERENCES one);
INSERT INTO kept VALUES (2);
SELECT * FROM sg_plan_referencing('turns');
TRUNCATE kept;
CALL sg_add_fks('turns', fix => true);
CALL sg_rollback_fks('turns');

-- a message about a step has an end, and says where all of it is
SELECT sg_plan_create('long') \g /dev/null
\set long a_name_of_quite_some_length_that_fills_all_of_the_line_
CREATE SCHEMA :long;
CREATE TABLE :long.:long (id int PRIMARY KEY, customer_id int);
INSERT INTO :long.:long VALUES (1, 77), (2, 77);
SELECT format('CREATE TABLE %1$I.%2$I (id int CONSTRAINT %2$I REFERENCES %1$I.%3$I)', :'long', :'long' || i, :'long') FROM generate_series(1, 4) i \gexec
SELECT format('INSERT INTO %I.%I VALUES (1), (2)', :'long', :'long' || i) FROM generate_series(1, 4) i \gexec
SELECT sg_plan_add_fk('long', :'long' || '.' || :'long', 'customer_id', 'customer', fk_name => :'long', orphans => 'quarantine', index => false) \g /dev/null
\set VERBOSITY terse
CALL sg_add_fks('long', fix => true);
SELECT max(message) LIKE '% 6 rows by 3 more keys' AS whole FROM schemaguard.audit_log WHERE plan = 'long' AND phase = 'failed';
CALL sg_rollback_fks('long');

-- the tables are read as whoever asks
CREATE ROLE sg_ref_reader;
GRANT USAGE ON SCHEMA ref TO sg_ref_reader;
SELECT sg_plan_allow('ref', 'sg_ref_reader') \g /dev/null
SET ROLE sg_ref_reader;
SELECT * FROM sg_plan_referencing('ref');
SELECT sg_plan_add_referencing('ref');
RESET ROLE;
-- the hint has what that takes, and nothing says that no key stands in the way
\set VERBOSITY default
SELECT sg_grant('sg_ref_reader') \g /dev/null
GRANT SELECT ON customer, orders TO sg_ref_reader;
SET ROLE sg_ref_reader;
SELECT sg_plan_create('mine'), sg_plan_add_fk('mine', 'orders', 'customer_id', 'customer', fk_name => 'mine', orphans => 'delete', index => false) \g /dev/null
SELECT sg_plan_add_referencing('mine');
SELECT sg_plan_drop('mine') \g /dev/null
RESET ROLE;
SELECT sg_revoke('sg_ref_reader') \g /dev/null
\set VERBOSITY terse
SELECT * FROM sg_plan_referencing('no such plan');
SELECT * FROM sg_plan_referencing('ref', '{99}');

SELECT sg_plan_drop(p) FROM unnest('{ref,rule,nulls,ref_gone,ref_past,along,turns,long}'::text[]) p \g /dev/null
SET client_min_messages = warning;
DROP SCHEMA ref, :long CASCADE;
DROP ROLE sg_ref_reader;
