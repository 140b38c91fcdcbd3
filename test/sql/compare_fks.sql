-- sg_compare_fks: the foreign keys of a snapshot and of this database, key by key; sg_plan_from_snapshot
-- rooms: fkdiff
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS schemaguard;
DROP SCHEMA IF EXISTS cmp, "We""ird" CASCADE;
RESET client_min_messages;
\pset null '(null)'

CREATE SCHEMA cmp;
CREATE SCHEMA "We""ird";
SET search_path = cmp, public;
CREATE TABLE customers (id int PRIMARY KEY, code text UNIQUE);
CREATE TABLE depots (id int PRIMARY KEY);
CREATE TABLE pairs (a int, b int, PRIMARY KEY (a, b));
CREATE TABLE gone (id int PRIMARY KEY);

-- the same, automatic names
CREATE TABLE same (id int PRIMARY KEY, customer_id int REFERENCES customers, a int, b int, FOREIGN KEY (a, b) REFERENCES pairs);
-- only in the reference
CREATE TABLE lacks (id int PRIMARY KEY, customer_id int, depot_id int,
    CONSTRAINT lacks_customer FOREIGN KEY (customer_id) REFERENCES customers ON DELETE CASCADE,
    CONSTRAINT lacks_depot FOREIGN KEY (depot_id) REFERENCES depots DEFERRABLE INITIALLY DEFERRED);
-- only in the target, later
CREATE TABLE more (id int PRIMARY KEY, depot_id int, customer_id int REFERENCES customers);
-- renamed columns: of the child, twice used, and of the parent
CREATE TABLE renamed (id int PRIMARY KEY, customer_id int CONSTRAINT renamed_customer REFERENCES customers,
    depot int REFERENCES depots, CONSTRAINT also_depot FOREIGN KEY (customer_id) REFERENCES depots ON DELETE SET NULL (customer_id));
CREATE TABLE keyed (id int PRIMARY KEY, code int UNIQUE);
CREATE TABLE to_keyed (id int PRIMARY KEY, code int REFERENCES keyed (code));
-- a column that has gone and another that has come, elsewhere in the table: no rename
CREATE TABLE moved (id int PRIMARY KEY, customer_id int REFERENCES customers, x int);
-- changed in one thing each
CREATE TABLE changed (id int PRIMARY KEY, a int, b int, c int, d int, e int, f int, g int, h int,
    CONSTRAINT on_delete FOREIGN KEY (a) REFERENCES customers ON DELETE CASCADE,
    CONSTRAINT on_update FOREIGN KEY (b) REFERENCES customers ON UPDATE RESTRICT,
    CONSTRAINT matching FOREIGN KEY (c, d) REFERENCES pairs MATCH FULL,
    CONSTRAINT timing FOREIGN KEY (e) REFERENCES customers DEFERRABLE,
    CONSTRAINT parent FOREIGN KEY (f) REFERENCES customers,
    CONSTRAINT validity FOREIGN KEY (g) REFERENCES customers);
ALTER TABLE changed ADD CONSTRAINT not_validity FOREIGN KEY (h) REFERENCES customers NOT VALID;
CREATE TABLE chosen (id int PRIMARY KEY, customer_id int CONSTRAINT chosen_there REFERENCES customers,
    depot_id int CONSTRAINT chosen_and_more REFERENCES depots ON DELETE CASCADE);
-- duplicates
CREATE TABLE twice (id int PRIMARY KEY, customer_id int CONSTRAINT twice_1 REFERENCES customers,
    depot_id int CONSTRAINT both_1 REFERENCES depots CONSTRAINT both_2 REFERENCES depots);
-- tables that one side lacks
CREATE TABLE to_gone (id int PRIMARY KEY, gone_id int REFERENCES gone);
CREATE TABLE child_gone (id int PRIMARY KEY, customer_id int REFERENCES customers);
-- no key of the parent to refer to
CREATE TABLE to_code (id int PRIMARY KEY, code text REFERENCES customers (code));
-- names, a partitioned table, a key to itself
CREATE TABLE "We""ird"."T a" ("id;drop" int PRIMARY KEY, "Customer" int CONSTRAINT "F""k" REFERENCES customers,
    parent int REFERENCES "We""ird"."T a");
CREATE TABLE parted (id int, customer_id int CONSTRAINT parted_customer REFERENCES customers) PARTITION BY LIST (id);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES IN (1);

SELECT sg_snapshot_take('cmp', '{cmp,"We\"ird"}') > 0 AS taken;

-- identical: every key is common, and nothing is to be done
CREATE TEMPORARY TABLE before AS SELECT * FROM sg_compare_fks_details('cmp');
SELECT status, count(*) FROM before GROUP BY status ORDER BY status;
SELECT level, child_table, recommendation, reason, risk, counts FROM before WHERE level = 'database' \gx
SELECT count(*) FILTER (WHERE migration IS NOT NULL) AS migrations, count(*) FILTER (WHERE run_on IS NOT NULL) AS run_on,
       array_agg(DISTINCT recommendation) AS recommendations
FROM before WHERE level = 'key' AND child_table <> 'cmp.twice';
SELECT status, target_name, recommendation, reason, run_on, migration FROM before
WHERE level = 'key' AND child_table = 'cmp.twice' AND recommendation <> 'none';

-- now the target goes its own way
ALTER TABLE same RENAME CONSTRAINT same_customer_id_fkey TO same_customer_id_fkey1;
ALTER TABLE lacks DROP CONSTRAINT lacks_customer, DROP CONSTRAINT lacks_depot, ADD CONSTRAINT lacks_customer CHECK (id > 0);
ALTER TABLE more ADD FOREIGN KEY (depot_id) REFERENCES depots ON UPDATE CASCADE;
ALTER TABLE renamed RENAME customer_id TO client_id;
ALTER TABLE renamed RENAME depot TO "Depot";
ALTER TABLE renamed ADD CONSTRAINT a_twin FOREIGN KEY (client_id) REFERENCES customers;
ALTER TABLE keyed RENAME code TO key_code;
ALTER TABLE moved DROP customer_id, ADD client_id int REFERENCES customers;
ALTER TABLE changed DROP CONSTRAINT on_delete, DROP CONSTRAINT on_update, DROP CONSTRAINT matching, DROP CONSTRAINT timing,
    DROP CONSTRAINT parent, DROP CONSTRAINT validity, DROP CONSTRAINT not_validity,
    ADD CONSTRAINT on_delete FOREIGN KEY (a) REFERENCES customers,
    ADD CONSTRAINT on_update FOREIGN KEY (b) REFERENCES customers,
    ADD CONSTRAINT matching FOREIGN KEY (d, c) REFERENCES pairs (b, a),
    ADD CONSTRAINT timing FOREIGN KEY (e) REFERENCES customers,
    ADD CONSTRAINT parent FOREIGN KEY (f) REFERENCES depots,
    ADD CONSTRAINT validity FOREIGN KEY (g) REFERENCES customers NOT VALID,
    ADD CONSTRAINT not_validity FOREIGN KEY (h) REFERENCES customers;
ALTER TABLE chosen RENAME CONSTRAINT chosen_there TO chosen_here;
ALTER TABLE chosen DROP CONSTRAINT chosen_and_more, ADD CONSTRAINT other FOREIGN KEY (depot_id) REFERENCES depots;
ALTER TABLE twice ADD CONSTRAINT twice_2 FOREIGN KEY (customer_id) REFERENCES customers,
    ADD CONSTRAINT twice_3 FOREIGN KEY (customer_id) REFERENCES customers ON DELETE CASCADE;
SET client_min_messages = warning;
DROP TABLE gone CASCADE;
DROP TABLE child_gone;
CREATE TABLE new_child (id int PRIMARY KEY, customer_id int REFERENCES customers);
ALTER TABLE customers DROP CONSTRAINT customers_code_key CASCADE;
RESET client_min_messages;
ALTER TABLE "We""ird"."T a" DROP CONSTRAINT "F""k";
ALTER TABLE parted DROP CONSTRAINT parted_customer;
INSERT INTO customers VALUES (1), (2);
INSERT INTO lacks VALUES (1, 1, NULL);
CREATE TEMPORARY TABLE after AS SELECT row_number() OVER () AS n, * FROM sg_compare_fks_details('cmp');

SELECT child_table, coalesce(reference_name, '-') AS there, coalesce(target_name, '-') AS here, status, differences, recommendation, risk, run_on
FROM after WHERE level = 'key' AND recommendation <> 'none' AND child_table <> 'cmp.parted' ORDER BY n;
SELECT child_table, coalesce(reference_name, target_name) AS key, reason
FROM after WHERE level = 'key' AND recommendation <> 'none' AND child_table <> 'cmp.parted' ORDER BY n \gx (format=wrapped columns=160)
\pset format unaligned
SELECT migration FROM after WHERE migration IS NOT NULL AND child_table <> 'cmp.parted' ORDER BY n;
\pset format aligned
-- the key of a partitioned table can be NOT VALID first from 18 on
SELECT status, recommendation, run_on, (migration LIKE '%NOT VALID%VALIDATE%') = (v >= 180000) AS not_valid, (risk = 'safe') = (v >= 180000) AS risk,
       (reason LIKE '%partition by partition%') = (v < 180000) AS reason
FROM after, current_setting('server_version_num') c, CAST(c AS int) v WHERE level = 'key' AND child_table = 'cmp.parted' ORDER BY n;
SELECT reference_definition, target_definition FROM after WHERE status IN ('changed', 'renamed', 'only_target') ORDER BY n;

-- counts: each key of each side is in one row, of tables and of the whole
SELECT status, count(*) FROM after GROUP BY status ORDER BY status;
SELECT recommendation, reason, risk, counts FROM after WHERE level = 'database' \gx
SELECT child_table, recommendation, reason, risk, counts FROM after
WHERE level = 'table' AND child_table IN ('cmp.changed', 'cmp.twice', 'cmp.to_gone') \gx
WITH word AS (SELECT * FROM unnest('{common,only_reference,only_target,renamed,changed,unknown}'::text[]) word)
SELECT word,
       (SELECT (counts ->> word)::int FROM after WHERE level = 'database') = (SELECT count(*) FROM after WHERE status = word) AS whole,
       (SELECT sum((counts ->> word)::int) FROM after WHERE level = 'table') = (SELECT count(*) FROM after WHERE status = word) AS tables
FROM word;
SELECT (counts ->> 'target')::int = (SELECT count(*) FROM pg_constraint c WHERE contype = 'f' AND conparentid = 0
           AND connamespace IN ('cmp'::regnamespace, '"We""ird"'::regnamespace)) AS target,
       (counts ->> 'reference')::int = (SELECT count(*) FROM schemaguard.snapshot_object WHERE snapshot = 'cmp' AND kind = 'constraint'
           AND properties ->> 'type' = 'f' AND properties -> 'partition_of' IS NULL) AS reference
FROM after WHERE level = 'database';

-- what the reference has here and this database lacks, as a plan
SELECT sg_plan_create('cmp', 'keys of the reference');
SELECT sg_plan_from_snapshot('cmp', 'cmp');
SELECT step, child_table, child_columns, parent_table, fk_name, coalesce(replaces, new_name) AS other, on_delete, initially_deferred, orphans, state, reason
FROM schemaguard.plan_step WHERE plan = 'cmp' ORDER BY step \g (format=unaligned)
SELECT line, reason FROM schemaguard.plan_note WHERE plan = 'cmp' ORDER BY reason COLLATE "C";
-- once more: they are in the plan already
SELECT sg_plan_from_snapshot('cmp', 'cmp');
SELECT count(*) FROM schemaguard.plan_note WHERE plan = 'cmp' AND reason LIKE '%is the same key';
SELECT sg_plan_drop('cmp');

-- the migrations bring the two together, as far as the tables are there
SELECT migration FROM after WHERE run_on = 'target' AND child_table <> 'cmp.parted' ORDER BY n \gexec
DO $$
DECLARE m text;
BEGIN
    FOR m IN SELECT migration FROM after WHERE run_on = 'target' AND child_table = 'cmp.parted' LOOP EXECUTE m; END LOOP;
END
$$;
SELECT child_table, coalesce(reference_name, target_name) AS key, status, differences, recommendation, run_on
FROM sg_compare_fks_details('cmp') WHERE level = 'key' AND status <> 'common';
SELECT conrelid::regclass, conname, convalidated, pg_get_constraintdef(oid) FROM pg_constraint
WHERE contype = 'f' AND conparentid = 0 AND conrelid IN ('lacks'::regclass, 'changed'::regclass, 'renamed'::regclass, '"We""ird"."T a"'::regclass)
ORDER BY conrelid::regclass::text COLLATE "C", conname COLLATE "C";

-- snapshots of other schemas: what is outside is not missing
SELECT sg_snapshot_take('weird', '{"We\"ird"}') > 0 AS taken;
SELECT child_table, reference_name, status, recommendation FROM sg_compare_fks_details('weird') WHERE level = 'key';
ALTER TABLE "We""ird"."T a" DROP CONSTRAINT "F""k";
SELECT child_table, reference_name, status, recommendation, migration FROM sg_compare_fks_details('weird') WHERE level = 'key' AND status <> 'common';
-- and both ways round
SELECT child_table, target_name, status, recommendation, run_on FROM sg_compare_fks_details('live', 'weird') WHERE level = 'key' AND status <> 'common';

-- a key that is switched off is not the same one: it checks nothing; made anew it checks all rows
CREATE TABLE silent (id int PRIMARY KEY, customer_id int CONSTRAINT silent_customer REFERENCES customers);
SELECT sg_snapshot_take('heard', '{cmp}') > 0 AS taken;
ALTER TABLE silent DISABLE TRIGGER ALL;
SELECT sg_snapshot_take('silent', '{cmp}') > 0 AS taken;
SELECT status, differences, recommendation, risk, reason, migration FROM sg_compare_fks_details('heard')
WHERE level = 'key' AND child_table = 'cmp.silent' \gx
SELECT status, differences, recommendation, risk, reason, migration FROM sg_compare_fks_details('silent', 'heard')
WHERE level = 'key' AND child_table = 'cmp.silent';
SELECT status FROM sg_compare_fks_details('silent') WHERE level = 'key' AND child_table = 'cmp.silent';
SELECT sg_snapshot_drop('heard'), sg_snapshot_drop('silent');

-- tables and a schema with other names, as sg_drift finds them: the migration brings the reference's names; and keys that have swapped theirs
CREATE SCHEMA cmp2;
CREATE TABLE cmp2.vendors (id serial PRIMARY KEY, name text, code text UNIQUE);
CREATE TABLE cmp2.invoices (id serial PRIMARY KEY, vendor_id int REFERENCES cmp2.vendors, code text, note text,
    CONSTRAINT by_code FOREIGN KEY (code) REFERENCES cmp2.vendors (code));
CREATE TABLE cmp2.swaps (id int PRIMARY KEY, a int CONSTRAINT k1 REFERENCES cmp2.vendors, b int CONSTRAINT k2 REFERENCES cmp2.vendors, c int CONSTRAINT k3 REFERENCES cmp2.vendors);
SELECT sg_snapshot_take('named') > 0 AS taken;
ALTER TABLE cmp2.vendors RENAME TO suppliers;
ALTER TABLE cmp2.invoices SET SCHEMA cmp;
ALTER TABLE cmp.invoices RENAME TO bills;
ALTER TABLE cmp.bills RENAME vendor_id TO supplier_id;
ALTER TABLE cmp.bills DROP CONSTRAINT by_code;
SELECT child_table, reference_name, target_name, status, differences, recommendation, risk, migration FROM sg_compare_fks_details('named') WHERE level = 'key' AND child_table ~ 'cmp2' \gx
SELECT migration FROM sg_compare_fks_details('named') WHERE level = 'key' AND child_table ~ 'cmp2' AND status = 'renamed' \gexec
SELECT child_table, reference_name, status, recommendation FROM sg_compare_fks_details('named') WHERE level = 'key' AND child_table ~ 'cmp2' ORDER BY 1, 2;
ALTER SCHEMA cmp2 RENAME TO cmp3;
SELECT child_table, reference_name, status, differences, risk, migration FROM sg_compare_fks_details('named') WHERE level = 'key' AND child_table ~ 'cmp2' AND status = 'renamed' \gx
ALTER SCHEMA cmp3 RENAME TO cmp2;
ALTER TABLE cmp2.swaps RENAME CONSTRAINT k1 TO k0;
ALTER TABLE cmp2.swaps RENAME CONSTRAINT k2 TO k1;
ALTER TABLE cmp2.swaps RENAME CONSTRAINT k3 TO k2;
ALTER TABLE cmp2.swaps RENAME CONSTRAINT k0 TO k3;
SELECT reference_name, target_name, status, recommendation, reason, migration FROM sg_compare_fks_details('named') WHERE level = 'key' AND child_table = 'cmp2.swaps' \gx
SELECT migration FROM sg_compare_fks_details('named') WHERE level = 'key' AND child_table = 'cmp2.swaps' \gexec
SELECT reference_name, target_name, status FROM sg_compare_fks_details('named') WHERE level = 'key' AND child_table = 'cmp2.swaps' ORDER BY 1;
SELECT sg_snapshot_drop('named');

-- other clauses, as a plan: the old key holds until the new one is valid, and gives it its name
CREATE TABLE cmp2.clause_p (id int PRIMARY KEY);
CREATE TABLE cmp2.clause_c (id int PRIMARY KEY CONSTRAINT clause REFERENCES cmp2.clause_p ON DELETE CASCADE);
SELECT sg_snapshot_take('clauses', '{cmp2}') \g /dev/null
ALTER TABLE cmp2.clause_c DROP CONSTRAINT clause, ADD CONSTRAINT clause FOREIGN KEY (id) REFERENCES cmp2.clause_p;
SELECT sg_plan_create('clauses'), sg_plan_from_snapshot('clauses', 'clauses');
CALL sg_apply('clauses', fail => true);
SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'cmp2.clause_c'::regclass AND contype = 'f';
CALL sg_rollback_fks('clauses', fail => true);
SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'cmp2.clause_c'::regclass AND contype = 'f';
SELECT sg_plan_drop('clauses'), sg_snapshot_drop('clauses');

-- misuse
\set VERBOSITY terse
SELECT count(*) FROM sg_compare_fks_details('no such');
SELECT count(*) FROM sg_compare_fks_details(NULL);
SELECT count(*) FROM sg_compare_fks_details('cmp', NULL);
SELECT sg_plan_from_snapshot('no such plan', 'cmp');
SELECT sg_plan_create('cmp');
SELECT sg_plan_from_snapshot('cmp', 'no such');
SELECT sg_plan_from_snapshot('cmp', NULL);
SELECT sg_plan_drop('cmp');

-- a snapshot that somebody has tampered with gets nothing into a migration
CREATE FUNCTION tampered(change jsonb) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
    UPDATE schemaguard.snapshot_object SET properties = jsonb_strip_nulls(properties || change)
    WHERE snapshot = 'cmp' AND kind = 'constraint' AND identity = 'cmp.changed.on_delete';
    PERFORM sg_compare_fks_details('cmp');
    RETURN 'nothing';
EXCEPTION WHEN OTHERS THEN
    RETURN format('%s %s', SQLSTATE, SQLERRM);
END
$$;
SELECT tampered('{"on_delete": "cascade; DROP TABLE x"}');
SELECT tampered('{"references": "cmp.customers (id); DROP TABLE x"}');
SELECT tampered('{"references": null}');
SELECT tampered('{"columns": []}');
SELECT tampered('{"referenced_columns": ["a", "b"]}');
SELECT tampered('{"match": "half"}');
SELECT tampered('{"validated": null}');
SELECT tampered('{}');

SELECT sg_snapshot_drop('cmp'), sg_snapshot_drop('weird');
SET client_min_messages = warning;
DROP SCHEMA cmp, cmp2, "We""ird" CASCADE;
