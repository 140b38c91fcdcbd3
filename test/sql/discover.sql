-- Discovery: what must be found, what must not, rows, feedback, advice, plans, bad input
-- rooms: discover
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS schemaguard;
RESET client_min_messages;
\set VERBOSITY default
\set SHOW_CONTEXT never

CREATE FUNCTION found(VARIADIC styles text[]) RETURNS TABLE (child text, columns name[], parent text, parent_columns name[])
LANGUAGE sql AS $$
  SELECT child_table, child_columns, parent_table, parent_columns FROM sg_discover_fks_details(verify => 'none')
  WHERE split_part(child_table, '.', 1) = ANY (styles) OR split_part(parent_table, '.', 1) = ANY (styles)
  ORDER BY child_table COLLATE "C", child_columns::text COLLATE "C", parent_table COLLATE "C"
$$;

-- Endings, roles, the same row's table, one to one, a link table; what looks like a reference and is none
CREATE SCHEMA snake;
CREATE TABLE snake.customers (id int PRIMARY KEY, email text UNIQUE, referred_by_customer_id int, visit_count int);
CREATE TABLE snake.addresses (id int PRIMARY KEY, customer_id int NOT NULL, city text);
CREATE TABLE snake.users (id int PRIMARY KEY, login text UNIQUE, supervisor_id int);
CREATE TABLE snake.categories (id int PRIMARY KEY, parent_id int, name text UNIQUE);
CREATE TABLE snake.products (id int PRIMARY KEY, category_id int, created_by int, stripe_product_id text, views int);
CREATE TABLE snake.orders (id int PRIMARY KEY, customer_id int NOT NULL, ship_to_address_id int, owner_user_id int,
                           external_id text, status int, total numeric, currency text);
CREATE TABLE snake.order_lines (order_id int, product_id int, quantity int, PRIMARY KEY (order_id, product_id));
CREATE TABLE snake.comments (id int PRIMARY KEY, commentable_type text, commentable_id int, author_id int, likes int);
CREATE TABLE snake.user_settings (user_id int PRIMARY KEY, theme text);
SELECT * FROM found('snake');

-- id_x, fk_x, xid, XId, codes, prefixes, key names with a role before
CREATE SCHEMA front;
CREATE TABLE front.tbl_supplier (id_supplier int PRIMARY KEY, name text);
CREATE TABLE front.tbl_part (id_part int PRIMARY KEY, fk_supplier int, id_supplier int, weight int);
CREATE SCHEMA glued;
CREATE TABLE glued.machine (machineid int PRIMARY KEY, label text);
CREATE TABLE glued.sensor (sensorid int PRIMARY KEY, machineid int, master_sensorid int, pinno int);
CREATE SCHEMA camel;
CREATE TABLE camel."Invoice" ("InvoiceID" int PRIMARY KEY, "Amount" int);
CREATE TABLE camel."InvoiceLine" ("InvoiceLineID" int PRIMARY KEY, "InvoiceID" int NOT NULL, "UnitCount" int);
CREATE SCHEMA coded;
CREATE TABLE coded.country (country_code char(2) PRIMARY KEY, name text);
CREATE TABLE coded.harbour (harbour_code text PRIMARY KEY, country_code char(2), remark text);
CREATE SCHEMA star;
CREATE TABLE star.article (a_article_sk int PRIMARY KEY, a_label text, a_colour text);
CREATE TABLE star.shop_sales (ss_article_sk int, ss_quantity int, ss_price int);
SELECT * FROM found('front', 'glued', 'camel', 'coded', 'star');

-- Names written as one word, the key's prefix behind the child's, keys that go by something else, keys of bytes
CREATE SCHEMA oneword;
CREATE TABLE oneword.delivery_zones (id int PRIMARY KEY, label text);
CREATE TABLE oneword.couriers (id int PRIMARY KEY, deliveryzoneid int, parentcourierid int, homepage text, zonecount int);
CREATE SCHEMA brief;
CREATE TABLE brief.patron (p_id int PRIMARY KEY, p_label text, p_tier int);
CREATE TABLE brief.patron_ledger (pl_id int PRIMARY KEY, pl_p_id int, pl_label text, pl_total int);
CREATE SCHEMA keyed;
CREATE TABLE keyed.letter (pk int PRIMARY KEY, subject text);
CREATE TABLE keyed.stamp (pk int PRIMARY KEY, letter_fk int, price int);
CREATE TABLE keyed.chunk (checksum bytea PRIMARY KEY, length int);
CREATE TABLE keyed.upload (pk int PRIMARY KEY, chunk_checksum bytea, signature bytea);
CREATE SCHEMA wide;
CREATE TABLE wide.triggers (sched text, trigger_name text, state text, PRIMARY KEY (sched, trigger_name));
CREATE TABLE wide.cron_triggers (sched text, trigger_name text, cron text, PRIMARY KEY (sched, trigger_name));
SELECT * FROM found('oneword', 'brief', 'keyed', 'wide');

-- Modules, types of things, several schemas, keys of several columns, partitions
CREATE SCHEMA module;
CREATE TABLE module.crm_lead (id int PRIMARY KEY, stage_id int, type_id int);
CREATE TABLE module.crm_stage (id int PRIMARY KEY, rank int);
CREATE TABLE module.crm_lead_type (id int PRIMARY KEY, name text);
CREATE SCHEMA tenancy;
CREATE TABLE tenancy.accounts (id int PRIMARY KEY, tenant_id int, UNIQUE (id, tenant_id));
CREATE TABLE tenancy.payments (id int PRIMARY KEY, account_id int, tenant_id int, note text);
CREATE TABLE tenancy.shipment (depot int, number int, PRIMARY KEY (depot, number));
CREATE TABLE tenancy.shipment_item (shipment_depot int, shipment_number int, pos int);
CREATE SCHEMA elsewhere;
CREATE TABLE elsewhere.measure (id int, crm_lead_id int, at date) PARTITION BY RANGE (at);
CREATE TABLE elsewhere.measure_1 PARTITION OF elsewhere.measure DEFAULT;
SELECT * FROM found('module', 'tenancy', 'elsewhere');

-- Names in other scripts, and names that need quotes
CREATE SCHEMA odd;
CREATE TABLE odd."Straße" (id int PRIMARY KEY);
CREATE TABLE odd."Haus" (id int PRIMARY KEY, "Straße_id" int);
CREATE TABLE odd."книга" (id int PRIMARY KEY);
CREATE TABLE odd."глава" (id int PRIMARY KEY, "книга_id" int);
CREATE TABLE odd."We""ird.T a" (id int PRIMARY KEY);
CREATE TABLE odd.child ("We""ird.T a_id" int, "___" int, "_" int, "9" int);
SELECT * FROM found('odd');

-- What looks like a reference and matches nothing
SELECT * FROM schemaguard.sg_discover_unmatched() WHERE table_name LIKE 'snake.%' ORDER BY 1, 2;

-- No reference: a column with values of its own, a type that can't compare, a deferrable key, a key of a part
CREATE SCHEMA never;
CREATE TABLE never.box (id uuid PRIMARY KEY);
CREATE TABLE never.shelf (id serial PRIMARY KEY, box_id int, room_id int);
CREATE TABLE never.room (id int UNIQUE DEFERRABLE);
CREATE TABLE never.lamp (id int PRIMARY KEY, room_id int, socket_id serial);
CREATE TABLE never.socket (id int);
CREATE UNIQUE INDEX ON never.socket (id) WHERE id > 0;
SELECT * FROM found('never');

-- Keys of other systems, and of the table that a sibling names; but a table of that very name is one
CREATE SCHEMA other;
CREATE TABLE other.clients (id int PRIMARY KEY, external_id int);
CREATE TABLE other.vendors (id int PRIMARY KEY, stripe_client_id int, stripe_plan_id int);
CREATE TABLE other.refunds (id int PRIMARY KEY, stripe_client_id int, payment_id int, payment_type text);
CREATE TABLE other.votes (id int PRIMARY KEY, votable_type text, votable_id int, owner_type text, owner_id int);
CREATE TABLE other.stripe_plans (id int PRIMARY KEY);
CREATE TABLE other.payments (id int PRIMARY KEY);
SELECT * FROM found('other');
SELECT * FROM schemaguard.sg_discover_unmatched() WHERE table_name LIKE 'other.%' ORDER BY 1, 2;
-- ... unless somebody has said so: by feedback, in all its forms, ...
CREATE TABLE other.notes (id int PRIMARY KEY, stripe_client_id int, late_payment_id int, late_payment_type text);
SELECT count(*) FROM sg_discover_fks_details('other.notes', verify => 'none');
INSERT INTO schemaguard.discovery_feedback (verdict, child_table, child_columns, parent_table)
VALUES ('accepted', 'other.notes', 'stripe_client_id', 'other.clients');
SELECT child_table, child_columns, parent_table, score, evidence->>'why' AS why FROM sg_discover_fks_details(verify => 'none')
WHERE child_table LIKE 'other.%' AND parent_table = 'other.clients' \g (format=unaligned)
INSERT INTO schemaguard.discovery_feedback (verdict, child_columns, parent_table) VALUES ('accepted', 'late_payment_id', 'other.payments');
INSERT INTO schemaguard.discovery_feedback (verdict, child_columns, parent_table, pattern) VALUES ('accepted', '^stripe_c.*_id$', '\.clients$', true);
SELECT child_table, child_columns, parent_table, score FROM sg_discover_fks_details(verify => 'none')
WHERE child_table LIKE 'other.%' AND score = 1 ORDER BY child_table, child_columns::text;
SELECT table_name, columns FROM schemaguard.sg_discover_unmatched() WHERE table_name = 'other.notes';
INSERT INTO schemaguard.discovery_feedback (verdict, child_table, child_columns) VALUES ('rejected', 'other.notes', 'stripe_client_id');
SELECT child_columns, parent_table FROM sg_discover_fks_details('other.notes', verify => 'none');
DELETE FROM schemaguard.discovery_feedback;
DROP TABLE other.notes;
-- ... or by a key
ALTER TABLE other.refunds ADD FOREIGN KEY (stripe_client_id) REFERENCES other.clients;
SELECT * FROM found('other');
SET client_min_messages = warning;
DROP SCHEMA other CASCADE;
RESET client_min_messages;

-- Two unique keys of one column
CREATE SCHEMA about;
CREATE TABLE about.topic (id int PRIMARY KEY, label text, depth int, weight int);
ALTER TABLE about.topic ADD UNIQUE (id);
CREATE TABLE about.topic_summary (id int PRIMARY KEY, topic_id int, views int);
CREATE TABLE about.bulletin (id int PRIMARY KEY, topic_id int, topic_summary_id int);
SELECT child_table, child_columns, parent_table, count(*)
FROM schemaguard.sg_discovery_candidates()
WHERE split_part(child_table, '.', 1) = 'about' AND split_part(parent_table, '.', 1) = 'about'
GROUP BY 1, 2, 3 ORDER BY 1, 2;
SET client_min_messages = warning;
DROP SCHEMA about CASCADE;
RESET client_min_messages;

-- People in the plural, who does something, and a group that has no column twice
CREATE SCHEMA doer;
CREATE TABLE doer.employees (id int PRIMARY KEY, name text);
CREATE TABLE doer.departments (id int PRIMARY KEY, manager_id int);
CREATE TABLE doer.permits (id int PRIMARY KEY, revoker_id int, quarter_id int);
CREATE TABLE doer.order_items (order_id int, line_item_id int, PRIMARY KEY (order_id, line_item_id));
SELECT child_table, child_columns, parent_table, parent_columns FROM schemaguard.sg_discovery_candidates()
WHERE child_table LIKE 'doer.%' AND parent_table LIKE 'doer.%' ORDER BY child_table, child_columns::text, parent_table;
SET client_min_messages = warning;
DROP SCHEMA doer CASCADE;
RESET client_min_messages;

-- Evidence, advice
SELECT evidence ? 'signals' AS signals, evidence->>'why' <> '' AS why, on_delete, on_delete_reason, index, index_reason
FROM sg_discover_fks_details('snake.order_lines', verify => 'none') ORDER BY child_columns::text;
SELECT on_delete, on_delete_reason, index FROM sg_discover_fks_details('snake.orders', verify => 'none') ORDER BY child_columns::text;

-- Rows: in a small table all of them are looked at
INSERT INTO snake.customers (id) SELECT generate_series(1, 100);
INSERT INTO snake.addresses SELECT g, g % 100 + 1 FROM generate_series(1, 300) g;
INSERT INTO snake.orders (id, customer_id, ship_to_address_id) SELECT g, g + 50, g FROM generate_series(1, 100) g;
SELECT child_columns, parent_table, rows_checked, orphan_rows, result, reason FROM sg_discover_fks_details('snake.addresses', 0);
SELECT child_columns, parent_table, rows_checked, orphan_rows, result, reason FROM sg_discover_fks_details('snake.addresses', 0, 'full');
SELECT child_columns, parent_table, rows_checked, orphan_rows, result, reason FROM sg_discover_fks_details('snake.orders', 0)
WHERE child_columns = '{customer_id}' AND parent_table = 'snake.customers';
SELECT s.score < n.score AS orphans_count FROM sg_discover_fks_details('snake.orders', 0) s JOIN sg_discover_fks_details('snake.orders', 0, 'none') n
  USING (child_columns, parent_table) WHERE child_columns = '{customer_id}' AND parent_table = 'snake.customers';
SELECT fk_name, source, state, orphan_rows, result FROM sg_orphan_audit_details('snake.orders', inferred => true) ORDER BY fk_name;

-- Statistics: more values than the parent has rows
CREATE TABLE snake.visits (id int PRIMARY KEY, customer_id int);
INSERT INTO snake.visits SELECT g, g FROM generate_series(1, 3000) g;
CREATE TEMP TABLE before AS SELECT score FROM sg_discover_fks_details('snake.visits', 0, 'none') WHERE parent_table = 'snake.customers';
ANALYZE snake.customers, snake.visits;
SELECT s.score < b.score - 0.3 AS too_many FROM sg_discover_fks_details('snake.visits', 0, 'none') s, before b WHERE parent_table = 'snake.customers';

-- Why, in one sentence
SELECT child_table, child_columns, why FROM sg_discover_fks_details(verify => 'none') WHERE child_table ~ '^(snake|about|tenancy|glued)' ORDER BY 1, 2;

-- Feedback: rejected is not proposed, the next one may be; accepted is
INSERT INTO schemaguard.discovery_feedback (verdict, child_table, child_columns, parent_table)
VALUES ('rejected', 'snake.products', 'created_by', 'snake.users'),
       ('accepted', 'snake.orders', 'ship_to_address_id', 'snake.addresses');
INSERT INTO schemaguard.discovery_feedback (verdict, child_table, pattern) VALUES ('rejected', '^snake\.user_', true);
SELECT child_columns, parent_table, score = 1 AS sure, evidence->>'why' AS why FROM sg_discover_fks_details('snake.orders', verify => 'none')
WHERE parent_table = 'snake.addresses';
SELECT count(*) FROM sg_discover_fks_details('snake.products', 0, 'none') WHERE child_columns = '{created_by}' AND parent_table = 'snake.users';
SELECT count(*) FROM sg_discover_fks_details('snake.user_settings', 0, 'none');
INSERT INTO schemaguard.discovery_feedback (verdict, child_table, pattern) VALUES ('rejected', '(', true);
\set VERBOSITY terse
INSERT INTO schemaguard.discovery_feedback (verdict) VALUES ('rejected');
INSERT INTO schemaguard.discovery_feedback (verdict, child_table) VALUES ('perhaps', 'x');
\set VERBOSITY default

-- A weight of the user's own
INSERT INTO schemaguard.discovery_weight (signal, weight) VALUES ('candidate', -1000);
SELECT count(*) FROM sg_discover_fks_details('snake.orders', verify => 'none') WHERE score < 1;
DELETE FROM schemaguard.discovery_weight WHERE source = 'user';
-- what is no number weighs nothing
INSERT INTO schemaguard.discovery_weight (signal, weight) VALUES ('parent''s primary key', 'NaN'), ('same type', 'Infinity');
CREATE TEMP TABLE no_number AS SELECT child_columns, parent_table, score FROM sg_discover_fks_details('snake.products', 0, 'none');
UPDATE schemaguard.discovery_weight SET weight = 0 WHERE source = 'user';
SELECT count(*) > 0 AS some, bool_and(n.score = d.score) AS same FROM no_number n FULL JOIN sg_discover_fks_details('snake.products', 0, 'none') d USING (child_columns, parent_table);
DELETE FROM schemaguard.discovery_weight WHERE source = 'user';

-- A calibration of the user's own
INSERT INTO schemaguard.discovery_weight (signal, weight) SELECT format('calibration %s.%s', k / 10, k % 10), k / 40.0 FROM generate_series(0, 10) k;
CREATE TEMP TABLE quarter AS SELECT child_columns, parent_table, score FROM sg_discover_fks_details('snake.products', 0, 'none') WHERE score < 1;
SELECT max(score) BETWEEN 0.01 AND 0.25 AS quarter FROM quarter;
DELETE FROM schemaguard.discovery_weight WHERE source = 'user';
-- what is likelier by one is by any that rises
SELECT count(*) FROM quarter a JOIN quarter b ON a.score < b.score
  JOIN sg_discover_fks_details('snake.products', 0, 'none') x ON x.child_columns = a.child_columns AND x.parent_table = a.parent_table
  JOIN sg_discover_fks_details('snake.products', 0, 'none') y ON y.child_columns = b.child_columns AND y.parent_table = b.parent_table
WHERE x.score >= y.score;

-- Declared keys are not proposed, and teach
ALTER TABLE snake.orders ADD FOREIGN KEY (ship_to_address_id) REFERENCES snake.addresses;
SELECT count(*) FROM sg_discover_fks_details('snake.orders', 0, 'none') WHERE child_columns = '{ship_to_address_id}';

-- Into a plan, once
SELECT sg_plan_create('discovered');
SELECT sg_plan_from_discovery('discovered', 0.7) > 5 AS many;
SELECT sg_plan_from_discovery('discovered', 0.7);
SELECT child_columns, parent_table, parent_columns, on_delete, orphans, state FROM schemaguard.plan_step
WHERE plan = 'discovered' AND child_table = 'snake.order_lines' ORDER BY step;
SELECT sg_plan_from_discovery('no such plan');

-- Bad input
SELECT * FROM sg_discover_fks_details(min_score => 2);
SELECT * FROM sg_discover_fks_details(min_score => 'NaN');
SELECT * FROM sg_discover_fks_details(min_score => NULL);
SELECT * FROM sg_discover_fks_details(verify => 'maybe');
SELECT * FROM sg_discover_fks_details(child => 'pg_stats');
SELECT * FROM sg_discover_fks_details(child => 4000000000);

-- Patterns that are none: refused when they are written, in each of the three places, and when they are changed
\set VERBOSITY terse
INSERT INTO schemaguard.discovery_feedback (verdict, child_columns, pattern) VALUES ('accepted', 'a{2,1}', true);
INSERT INTO schemaguard.discovery_feedback (verdict, parent_table, pattern) VALUES ('rejected', '[', true);
INSERT INTO schemaguard.discovery_feedback (verdict, child_table, child_columns, parent_table) VALUES ('rejected', '(', '*', '[');
UPDATE schemaguard.discovery_feedback SET pattern = true WHERE child_table = '(';
\set VERBOSITY default
-- as names they are those of no table
SELECT count(*) > 0 AS as_before FROM sg_discover_fks_details(verify => 'none');

-- Children in some schemas, parents anywhere: the same proposals, and only they
CREATE SCHEMA apart;
CREATE TABLE apart.visits (id int PRIMARY KEY, customer_id int, gizmo_id int);
INSERT INTO apart.visits SELECT g, 1, g FROM generate_series(1, 10) g;
SELECT child_table, child_columns, parent_table, rows_checked FROM sg_discover_fks_details(schemas => '{apart,apart}', verify => 'full');
CREATE TEMP TABLE everywhere AS SELECT child_table, child_columns, parent_table, score, rows_checked, result FROM sg_discover_fks_details();
SELECT count(*) > 0 AS some FROM everywhere WHERE split_part(child_table, '.', 1) IN ('snake', 'front');
(TABLE everywhere EXCEPT SELECT child_table, child_columns, parent_table, score, rows_checked, result FROM sg_discover_fks_details(schemas => '{snake,front}'))
EXCEPT SELECT * FROM everywhere WHERE split_part(child_table, '.', 1) NOT IN ('snake', 'front');
SELECT child_table, child_columns, parent_table, score, rows_checked, result FROM sg_discover_fks_details(schemas => '{snake,front}')
EXCEPT SELECT * FROM everywhere WHERE split_part(child_table, '.', 1) IN ('snake', 'front');
SELECT count(*) FROM sg_discover_fks_details('apart.visits', schemas => '{snake}');
SELECT table_name, columns FROM schemaguard.sg_discover_unmatched('{apart}');
SELECT fk_name, child_table, parent_table, source FROM sg_orphan_audit_details(schemas => '{apart}', inferred => true);
SELECT * FROM sg_discover_fks_details(schemas => '{}');
SELECT * FROM schemaguard.sg_discover_unmatched('{apart,NULL}');
DROP TABLE everywhere;
DROP SCHEMA apart CASCADE;

-- No privilege: named, and left out
CREATE ROLE regress_sg_discover;
SELECT sg_grant('regress_sg_discover') \g /dev/null
GRANT USAGE ON SCHEMA glued TO regress_sg_discover;
GRANT SELECT ON ALL TABLES IN SCHEMA glued TO regress_sg_discover;
SET ROLE regress_sg_discover;
SET client_min_messages = warning;
SELECT child_table, child_columns, parent_table FROM sg_discover_fks_details(verify => 'none') ORDER BY 2;
INSERT INTO schemaguard.discovery_feedback (verdict, child_table) VALUES ('rejected', 'x');
RESET client_min_messages;
RESET ROLE;

-- An empty database has nothing to say
SELECT sg_plan_drop('discovered');
DELETE FROM schemaguard.discovery_feedback;
SET client_min_messages = warning;
DROP SCHEMA snake, front, glued, camel, coded, star, oneword, brief, keyed, wide, module, tenancy, elsewhere, odd, never CASCADE;
SELECT sg_revoke('regress_sg_discover') \g /dev/null
DROP ROLE regress_sg_discover;
RESET client_min_messages;
DROP FUNCTION found;
SELECT count(*) FROM sg_discover_fks_details() WHERE child_table LIKE 'snake.%';
