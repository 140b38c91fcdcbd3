-- Discovery: what statistics and rows say, what feedback teaches, what goes along into a plan
-- rooms: discover
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS schemaguard;
RESET client_min_messages;
\set VERBOSITY default
\set SHOW_CONTEXT never

-- The score of each candidate of a column, as what it is compared with
CREATE FUNCTION score(child regclass, col text, parent text, verify text DEFAULT 'none') RETURNS float8
LANGUAGE sql AS $$
  SELECT coalesce(max(score), 0) FROM sg_discover_fks_details(child, 0, verify) WHERE child_columns = ARRAY[col] AND parent_table = parent
$$;
-- The signals of a candidate, with their values where those are round
CREATE FUNCTION signals(child regclass, col text, parent text, wanted text[], verify text DEFAULT 'none') RETURNS SETOF text
LANGUAGE sql AS $$
  SELECT s || CASE WHEN v IN (0, 1) THEN ' ' || v ELSE '' END
  FROM schemaguard.sg_discovery_candidates(verify) c, unnest(c.signals, c."values") u (s, v)
  WHERE c.child_table = child::text AND c.child_columns = ARRAY[col] AND c.parent_table = parent AND s = ANY (wanted)
  ORDER BY s COLLATE "C"
$$;

-- Statistics alone: the same names, other values.  Until somebody counts, nothing is known.
CREATE SCHEMA s;
CREATE TABLE s.customers (id int PRIMARY KEY);
INSERT INTO s.customers SELECT g * 2 FROM generate_series(1, 2000) g;
CREATE TABLE s.good (customer_id int, n int);
INSERT INTO s.good SELECT 2 * (g * 7 % 2000 + 1), g FROM generate_series(1, 6000) g;
CREATE TABLE s.beyond (customer_id int);
INSERT INTO s.beyond SELECT g * 1000 FROM generate_series(1, 6000) g;
CREATE TABLE s.small (customer_id int);
INSERT INTO s.small SELECT 2 * (g % 4 + 1) FROM generate_series(1, 6000) g;
CREATE TABLE s.counted (customer_id int);
INSERT INTO s.counted SELECT g FROM generate_series(1, 6000) g;
CREATE TABLE s.nothing (customer_id int);
CREATE TEMP TABLE unknown AS
SELECT t, score(format('s.%s', t)::regclass, 'customer_id', 's.customers') FROM unnest('{good,beyond,small,counted,nothing}'::text[]) t;
SELECT count(*) FROM signals('s.good', 'customer_id', 's.customers', '{rows or statistics}');
ANALYZE s.customers, s.good, s.beyond, s.small, s.counted, s.nothing;
SELECT t, CASE WHEN s > score THEN 'more' WHEN s = score THEN 'same' ELSE 'less' END AS by_statistics
FROM unknown, score(format('s.%s', t)::regclass, 'customer_id', 's.customers') s ORDER BY t;
SELECT * FROM signals('s.beyond', 'customer_id', 's.customers', '{rows or statistics,values missing,few values,no value recurs}');
SELECT * FROM signals('s.small', 'customer_id', 's.customers', '{rows or statistics,values missing,few values,no value recurs}');
SELECT * FROM signals('s.counted', 'customer_id', 's.customers', '{rows or statistics,few values,no value recurs}');

-- Of a short list of texts the statistics hold all
CREATE TABLE s.currency (code text PRIMARY KEY);
INSERT INTO s.currency VALUES ('CHF'), ('EUR'), ('GBP'), ('JPY'), ('SEK');
CREATE TABLE s.bill (currency_code text, currency text);
INSERT INTO s.bill SELECT (ARRAY['CHF', 'EUR', 'SEK'])[g % 3 + 1], (ARRAY['DKK', 'EUR', 'USD'])[g % 3 + 1] FROM generate_series(1, 300) g;
ANALYZE s.currency, s.bill;
SELECT * FROM signals('s.bill', 'currency_code', 's.currency', '{values missing,beyond chance}');
SELECT * FROM signals('s.bill', 'currency', 's.currency', '{values missing,beyond chance}');

-- Who may not see the statistics does not learn from them
CREATE ROLE regress_sg_rows;
GRANT USAGE ON SCHEMA s TO regress_sg_rows;
GRANT SELECT ON ALL TABLES IN SCHEMA s TO regress_sg_rows;
GRANT EXECUTE ON FUNCTION schemaguard.sg_discovery_candidates(text) TO regress_sg_rows;
ALTER TABLE s.beyond ENABLE ROW LEVEL SECURITY;
SET ROLE regress_sg_rows;
SELECT count(*) FROM signals('s.beyond', 'customer_id', 's.customers', '{rows or statistics}');
SELECT count(*) FROM signals('s.small', 'customer_id', 's.customers', '{rows or statistics}');
SELECT rows_checked, result, reason FROM sg_discover_fks_details('s.beyond', 0);
RESET ROLE;

-- Rows: what is there, what is not, what is there by chance
SELECT child_table, rows_checked, orphan_rows, result, reason FROM sg_discover_fks_details('s.beyond', 0);
SELECT child_table, rows_checked > 500, orphan_rows, result, reason FROM sg_discover_fks_details('s.good', 0);
SELECT child_table, rows_checked, orphan_rows, result, reason FROM sg_discover_fks_details('s.good', 0, 'full');
SELECT rows_checked, orphan_rows, result, reason FROM sg_discover_fks_details('s.nothing', 0);
SELECT score('s.good', 'customer_id', 's.customers', 'sample') > 0.9 AS sure, score('s.beyond', 'customer_id', 's.customers', 'sample') < 0.05 AS refuted,
       score('s.small', 'customer_id', 's.customers', 'sample') < score('s.good', 'customer_id', 's.customers', 'sample') AS doubted;
SELECT * FROM signals('s.good', 'customer_id', 's.customers', '{rows or statistics,values missing,beyond chance,as by chance}', 'sample');
SELECT * FROM signals('s.small', 'customer_id', 's.customers', '{rows or statistics,few values}', 'sample');
-- A sample of a large table is of some blocks, whose rows are often alike: that these name few parents says nothing
CREATE TABLE s.logged (customer_id int);
INSERT INTO s.logged SELECT g / 40 + 1 FROM generate_series(0, 39999) g;
ANALYZE s.logged;
SELECT * FROM signals('s.logged', 'customer_id', 's.customers', '{rows or statistics,few values}', 'sample');

-- Each value is looked up once, in the index
BEGIN;
SELECT idx_scan AS before FROM pg_stat_xact_user_tables WHERE relid = 's.customers'::regclass \gset
SELECT rows_checked FROM sg_discover_fks_details('s.good');
SELECT idx_scan - :before BETWEEN 4000 AND 5000 AS once FROM pg_stat_xact_user_tables WHERE relid = 's.customers'::regclass;
COMMIT;

-- Two parents of one name: the rows say which.  Both hold the small numbers.
CREATE SCHEMA old;
CREATE TABLE old.invoices (id int PRIMARY KEY);
CREATE TABLE s.invoices (id int PRIMARY KEY);
INSERT INTO old.invoices SELECT g FROM generate_series(1, 50) g;
INSERT INTO s.invoices SELECT g FROM generate_series(1, 900) g;
CREATE SCHEMA other;
CREATE TABLE other.payments (invoice_id int);
INSERT INTO other.payments SELECT g * 11 % 900 + 1 FROM generate_series(1, 1000) g;
ANALYZE old.invoices, s.invoices;
SELECT parent_table, orphan_rows FROM sg_discover_fks_details('other.payments');
TRUNCATE other.payments;
INSERT INTO other.payments SELECT g * 11 % 50 + 1 FROM generate_series(1, 1000) g;
SELECT parent_table, orphan_rows FROM sg_discover_fks_details('other.payments');

CREATE TABLE s.users (id int PRIMARY KEY);
CREATE TABLE s.logins (user_id int);
INSERT INTO s.users SELECT g FROM generate_series(1, 1000) g;
INSERT INTO s.logins SELECT g FROM generate_series(1, 1000) g;

-- Where no row of posts has the tenant that a reaction names beside it, post_id is no part of a reference of two columns: it is one alone
CREATE TABLE s.tenants (id int PRIMARY KEY);
CREATE TABLE s.posts (id int PRIMARY KEY, tenant_id int, UNIQUE (tenant_id, id));
CREATE TABLE s.reactions (tenant_id int, post_id int);
CREATE TABLE s.replies (tenant_id int, post_id int);
INSERT INTO s.tenants SELECT g FROM generate_series(1, 20) g;
INSERT INTO s.posts SELECT g * 3, g % 20 + 1 FROM generate_series(1, 500) g;
INSERT INTO s.reactions SELECT (g + 7) % 20 + 1, g * 3 FROM generate_series(1, 500) g;
INSERT INTO s.replies SELECT g % 20 + 1, g * 3 FROM generate_series(1, 500) g;
ANALYZE s.tenants, s.posts, s.reactions, s.replies;
SELECT child_columns, parent_table, parent_columns FROM sg_discover_fks_details('s.reactions', verify => 'none') ORDER BY 1;
SELECT child_columns, parent_table, parent_columns, orphan_rows, result FROM sg_discover_fks_details('s.reactions', verify => 'full') ORDER BY 1;
SELECT child_columns, parent_table, parent_columns, orphan_rows, result FROM sg_discover_fks_details('s.replies', verify => 'full') ORDER BY 1;
-- For both its rows are read once
BEGIN;
SELECT seq_scan AS before FROM pg_stat_xact_user_tables WHERE relid = 's.reactions'::regclass \gset
SELECT count(*) FROM sg_discover_fks_details('s.reactions', verify => 'sample');
SELECT seq_scan - :before AS scans FROM pg_stat_xact_user_tables WHERE relid = 's.reactions'::regclass;
COMMIT;
INSERT INTO schemaguard.discovery_feedback (verdict, child_table, child_columns, parent_table) VALUES ('rejected', 's.reactions', 'post_id', 's.posts');
SELECT child_columns, parent_table FROM sg_discover_fks_details('s.reactions') ORDER BY 1;
DELETE FROM schemaguard.discovery_feedback;

-- Where each item has a state, both could refer to the other one to one: the surer is proposed, also of one of them
CREATE SCHEMA o;
CREATE TABLE o.items (itemid int PRIMARY KEY);
CREATE TABLE o.item_state (itemid int PRIMARY KEY);
INSERT INTO o.items SELECT g * 3 FROM generate_series(1, 400) g;
INSERT INTO o.item_state SELECT g * 3 FROM generate_series(1, 400) g;
ANALYZE o.items, o.item_state;
SELECT child_table, parent_table, score > 0.5 AS likely FROM schemaguard.sg_discovery_candidates('sample') WHERE child_table ~ '^o[.]' ORDER BY 1;
SELECT child_table, parent_table FROM sg_discover_fks_details(min_score => 0) WHERE child_table ~ '^o[.]';
SELECT child_table, parent_table FROM sg_discover_fks_details('o.items', 0);
SELECT child_table, parent_table FROM sg_discover_fks_details('o.item_state', 0, 'full');
SELECT sg_plan_create('opposites');
SELECT sg_plan_from_discovery('opposites', 0.5) > 0;
SELECT child_table, parent_table FROM schemaguard.plan_step WHERE plan = 'opposites' AND child_table ~ '^o[.]';
DROP TABLE o.items, o.item_state;
DROP SCHEMA o;
SELECT sg_plan_drop('opposites');

-- Orphans refute numbers, which are in a key by chance; most of a column's uuids are in none by chance
CREATE TABLE s.devices (id uuid PRIMARY KEY, number int UNIQUE);
CREATE TABLE s.readings (device_id uuid, device_number int);
INSERT INTO s.devices SELECT md5(g::text)::uuid, g FROM generate_series(1, 300) g;
INSERT INTO s.readings SELECT md5(g::text)::uuid, g FROM generate_series(1, 390) g;
ANALYZE s.devices, s.readings;
SELECT * FROM signals('s.readings', 'device_id', 's.devices', '{values missing,beyond chance,as by chance}', 'sample');
SELECT * FROM signals('s.readings', 'device_number', 's.devices', '{values missing,beyond chance,as by chance}', 'sample');

-- Two columns that are in the parent together, whether each row has its own or another's: by chance, or not
CREATE SCHEMA g;
CREATE TABLE g.shelf (aisle int, place int, PRIMARY KEY (aisle, place));
CREATE TABLE g.slot (aisle int, place int, floor int, PRIMARY KEY (aisle, place));
CREATE TABLE g.pick (aisle int, place int);
INSERT INTO g.shelf SELECT a, p FROM generate_series(1, 30) a, generate_series(1, 30) p;
INSERT INTO g.slot SELECT a, a * 7 % 30 + 1 FROM generate_series(1, 30) a;
INSERT INTO g.pick SELECT a, a * 7 % 30 + 1 FROM generate_series(1, 30) a, generate_series(1, 4);
ANALYZE g.shelf, g.slot, g.pick;
SELECT parent_table, s, v FROM schemaguard.sg_discovery_candidates('sample') c, unnest(c.signals, c."values") u (s, v)
WHERE child_table = 'g.pick' AND s IN ('values missing', 'beyond chance', 'as by chance') ORDER BY 1;

-- Numbers that a key of 1 to 2,000 with some gaps would have by chance, and those of a reference that hit none of the gaps
CREATE TABLE g.tally (id int PRIMARY KEY);
CREATE TABLE g.blind (tally_id int);
CREATE TABLE g.meant (tally_id int);
INSERT INTO g.tally SELECT n FROM generate_series(1, 2000) n WHERE n % 22 <> 0;
INSERT INTO g.blind SELECT n * 1009 % 2000 + 1 FROM generate_series(1, 3000) n;
INSERT INTO g.meant SELECT n FROM generate_series(1, 3000) k, LATERAL (SELECT k * 1009 % 2000 + 1 AS n) l WHERE n % 22 <> 0;
ANALYZE g.tally, g.blind, g.meant;
SELECT t, score(format('g.%s', t)::regclass, 'tally_id', 'g.tally', 'sample') > 0.9 AS sure FROM unnest('{blind,meant}'::text[]) t;
SELECT * FROM signals('g.blind', 'tally_id', 'g.tally', '{beyond chance,as by chance}', 'sample');
SELECT * FROM signals('g.meant', 'tally_id', 'g.tally', '{beyond chance,as by chance}', 'sample');

-- The same of numbers that are written as texts: all there are in the key, and by twos
CREATE TABLE g.every (code text PRIMARY KEY);
CREATE TABLE g.some (every_code text);
CREATE TABLE g.even (code text PRIMARY KEY);
CREATE TABLE g.any (even_code text);
CREATE TABLE g.only (even_code text);
INSERT INTO g.even SELECT lpad((2 * n)::text, 4, '0') FROM generate_series(1, 2000) n;
INSERT INTO g.any SELECT lpad((n * 7 % 4000 + 1)::text, 4, '0') FROM generate_series(1, 3000) n;
INSERT INTO g.only SELECT lpad((n * 14 % 4000 + 2)::text, 4, '0') FROM generate_series(1, 3000) n;
INSERT INTO g.every SELECT n FROM generate_series(1, 2000) n;
INSERT INTO g.some SELECT n % 50 + 1 FROM generate_series(1, 3000) n;
ANALYZE g.every, g.some, g.even, g.any, g.only;
SELECT * FROM signals('g.some', 'every_code', 'g.every', '{beyond chance,as by chance}', 'sample');
SELECT * FROM signals('g.any', 'even_code', 'g.even', '{beyond chance,as by chance}', 'sample');
SELECT * FROM signals('g.only', 'even_code', 'g.even', '{beyond chance,as by chance}', 'sample');

-- Keys that no name tells: uuids, texts and numbers far apart are found by their values, if all rows may be read
CREATE SCHEMA v;
CREATE TABLE v.alpha (id uuid PRIMARY KEY);
CREATE TABLE v.bravo (id uuid PRIMARY KEY);
CREATE TABLE v.carat (mark text PRIMARY KEY);
CREATE TABLE v.delta (num int PRIMARY KEY);
CREATE TABLE v.blank (id uuid PRIMARY KEY);
CREATE TABLE v.usage (p uuid, q uuid, r text, s int, t uuid, u text, v int, w int);
INSERT INTO v.alpha SELECT md5(g::text)::uuid FROM generate_series(1, 500) g;
INSERT INTO v.bravo SELECT md5(g::text)::uuid FROM generate_series(501, 900) g;
INSERT INTO v.carat SELECT 'm' || g * 17 FROM generate_series(1, 300) g;
INSERT INTO v.delta SELECT g * 1009 FROM generate_series(1, 400) g;
INSERT INTO v.usage SELECT md5((g % 500 + 1)::text)::uuid, md5((g % 400 + 501)::text)::uuid, 'm' || (g % 300 + 1) * 17, (g % 400 + 1) * 1009,
                           md5('x' || g)::uuid, 'm' || g, g * 503, g % 50 FROM generate_series(1, 2000) g;
ANALYZE v.alpha, v.bravo, v.carat, v.delta, v.blank, v.usage;
SELECT count(*) FROM sg_discover_fks_details('v.usage', verify => 'sample');
SELECT child_columns, parent_table, result, why FROM sg_discover_fks_details('v.usage', verify => 'full') ORDER BY 1;
-- ... in keys that can tell: of those of other types, and of numbers in a row, none is read
CREATE TABLE v.echo (id int PRIMARY KEY);
CREATE TABLE v.memo (w int, t text);
INSERT INTO v.echo SELECT g FROM generate_series(1, 2000) g;
INSERT INTO v.memo SELECT g * 503, 'm' || g FROM generate_series(1, 500) g;
ANALYZE v.echo, v.memo;
CREATE FUNCTION v.scans() RETURNS TABLE (t text, n bigint) LANGUAGE sql
  AS 'SELECT relname, coalesce(seq_scan, 0) + coalesce(idx_scan, 0) FROM pg_stat_xact_user_tables WHERE schemaname = ''v''';
BEGIN;
CREATE TEMP TABLE before ON COMMIT DROP AS SELECT * FROM v.scans();
SELECT count(*) FROM sg_discover_fks_details('v.memo', verify => 'full');
SELECT t, a.n > coalesce(b.n, 0) AS read FROM v.scans() a LEFT JOIN before b USING (t) WHERE t IN ('alpha', 'carat', 'delta', 'echo') ORDER BY 1;
COMMIT;
-- ... however many keys of the type there are before it, with a few values only, in the same table, and by a name that is unique beside the key
DO $$ BEGIN FOR i IN 1 .. 70 LOOP EXECUTE format('CREATE TABLE v.k%s (id uuid PRIMARY KEY)', i); END LOOP; END $$;
CREATE TABLE v.last (id uuid PRIMARY KEY, z uuid, label text UNIQUE);
CREATE TABLE v.use_last (x uuid, y uuid, z text);
INSERT INTO v.last SELECT md5('last' || g)::uuid, md5('last' || g / 2 + 1)::uuid, 'label ' || g FROM generate_series(1, 100) g;
INSERT INTO v.use_last SELECT md5('last' || g)::uuid, md5('last' || g % 4 + 1)::uuid, 'label ' || g FROM generate_series(1, 100) g;
ANALYZE v.last, v.use_last;
SELECT child_table, child_columns, parent_table, result FROM sg_discover_fks_details(schemas => '{v}', verify => 'full') WHERE child_table ~ 'last' ORDER BY 1, 2;
-- ... of two tables where one extends the other: all of many values are in the smaller one, a few are in it by chance, one is not
CREATE TABLE v.whole (id uuid PRIMARY KEY);
CREATE TABLE v.extra (id uuid PRIMARY KEY);
CREATE TABLE v.extends (a uuid, b uuid, c uuid);
INSERT INTO v.whole SELECT md5('w' || g)::uuid FROM generate_series(1, 300) g;
INSERT INTO v.extra SELECT md5('w' || g)::uuid FROM generate_series(1, 270) g;
INSERT INTO v.extends SELECT md5('w' || g % 260 + 1)::uuid, md5('w' || g % 4 + 1)::uuid, md5('w' || (g * 2) % 290 + 1)::uuid FROM generate_series(1, 600) g;
ANALYZE v.whole, v.extra, v.extends;
SELECT child_columns, parent_table, why FROM sg_discover_fks_details('v.extends', verify => 'full') ORDER BY 1;
SELECT child_columns, parent_table, why FROM sg_discover_fks_details('v.extra', verify => 'full') ORDER BY 1;
-- ... two values are enough; orphans that are many of the values, but few of the rows, are no hindrance; numbers in a row that are written as texts say nothing, numbers far apart do
CREATE TABLE v.code (id text PRIMARY KEY);
CREATE TABLE v.digit (id text PRIMARY KEY);
CREATE TABLE v.pair (two text);
CREATE TABLE v.few (eight text, n text);
INSERT INTO v.code SELECT 'code ' || g FROM generate_series(1, 12) g;
INSERT INTO v.digit SELECT g FROM generate_series(1, 50) g;
INSERT INTO v.pair VALUES ('code 3'), ('code 7'), ('code 3');
INSERT INTO v.few SELECT CASE WHEN g % 67 = 0 THEN 'lost ' || g ELSE 'code ' || g % 8 + 1 END, g % 30 + 1 FROM generate_series(1, 210) g;
ANALYZE v.code, v.digit, v.pair, v.few;
SELECT child_table, child_columns, parent_table, result FROM sg_discover_fks_details(schemas => '{v}', verify => 'full') WHERE child_table IN ('v.pair', 'v.few') ORDER BY 1, 2;
CREATE TABLE v.place (zip text PRIMARY KEY);
CREATE TABLE v.visit (a text, b varchar(9), c char(5));
INSERT INTO v.place SELECT lpad((g * 331)::text, 5, '0') FROM generate_series(1, 200) g;
INSERT INTO v.visit SELECT lpad((g % 50 * 331 + 331)::text, 5, '0'), lpad((g % 50 * 331 + 330)::text, 5, '0'), lpad((g % 30 * 331 + 331)::text, 5, '0') FROM generate_series(1, 500) g;
ANALYZE v.place, v.visit;
SELECT child_columns, parent_table, result FROM sg_discover_fks_details('v.visit', verify => 'full') ORDER BY 1;
-- ... of two tables with the same keys, the one that makes them; few of many, if they are surely there; two names of a row are no reference
CREATE TABLE v.person (num int PRIMARY KEY DEFAULT 7);
CREATE TABLE v.detail (num int PRIMARY KEY);
CREATE TABLE v.badge (code text PRIMARY KEY, title text UNIQUE);
CREATE TABLE v.entry (who int, what text);
INSERT INTO v.person SELECT g * 1013 FROM generate_series(1, 800) g;
INSERT INTO v.detail SELECT num FROM v.person;
INSERT INTO v.badge SELECT 'badge ' || g, 'badge ' || g FROM generate_series(1, 400) g;
INSERT INTO v.entry SELECT (g % 9 + 1) * 80 * 1013, 'badge ' || g % 3 * 50 + 7 FROM generate_series(1, 3000) g;
ANALYZE v.person, v.detail, v.badge, v.entry;
SELECT child_table, child_columns, parent_table, parent_columns, why FROM sg_discover_fks_details(schemas => '{v}', verify => 'full') WHERE child_table IN ('v.entry', 'v.badge', 'v.detail', 'v.person') ORDER BY 1, 2;
INSERT INTO schemaguard.discovery_feedback (verdict, child_table, child_columns, parent_table) VALUES ('rejected', 'v.usage', 'p', 'v.alpha');
SELECT child_columns, parent_table FROM sg_discover_fks_details('v.usage', verify => 'full') ORDER BY 1;
DELETE FROM schemaguard.discovery_feedback;
SET client_min_messages = warning;
DROP SCHEMA v CASCADE;
RESET client_min_messages;

-- Types and collations that differ, domains, keys of several columns, values that no key can hold
CREATE DOMAIN s.number AS bigint;
CREATE TABLE s.planet (id numeric PRIMARY KEY);
CREATE TABLE s.moon (planet_id bigint);
CREATE TABLE s.comet (planet_id s.number);
CREATE TABLE s.city (name varchar(80) COLLATE "C" PRIMARY KEY);
CREATE TABLE s.street (city_name text COLLATE "POSIX", remark text);
CREATE TABLE s.region (land text COLLATE "C", district int, PRIMARY KEY (land, district));
CREATE TABLE s.village (region_land text COLLATE "C", region_district bigint);
INSERT INTO s.planet SELECT g FROM generate_series(1, 30) g;
INSERT INTO s.moon SELECT g FROM generate_series(1, 31) g;
INSERT INTO s.comet SELECT g FROM generate_series(1, 31) g;
INSERT INTO s.city VALUES ('Aarau'), ('Zug');
INSERT INTO s.street VALUES ('Aarau'), ('Zug'), (NULL), ((SELECT string_agg(md5(g::text), '') FROM generate_series(1, 10000) g));
INSERT INTO s.region SELECT l, d FROM unnest('{A,B}'::text[]) l, generate_series(1, 3) d;
INSERT INTO s.village VALUES ('A', 1), ('B', 3), ('B', 4), (NULL, 9), ('A', NULL);
SELECT child_table, child_columns, rows_checked, orphan_rows, result, reason FROM sg_discover_fks_details(min_score => 0)
WHERE child_table IN ('s.moon', 's.comet', 's.street') OR (child_table = 's.village' AND cardinality(child_columns) = 2) ORDER BY 1;

-- Partitions on both sides: the keys are those of the partitioned tables, the rows those of the partitions
CREATE TABLE s.tanks (id int PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE s.tanks_1 PARTITION OF s.tanks FOR VALUES FROM (1) TO (100);
CREATE TABLE s.tanks_2 PARTITION OF s.tanks FOR VALUES FROM (100) TO (1000);
CREATE TABLE s.fills (tank_id int, k int) PARTITION BY LIST (k);
CREATE TABLE s.fills_1 PARTITION OF s.fills FOR VALUES IN (1);
CREATE TABLE s.fills_2 PARTITION OF s.fills FOR VALUES IN (2);
INSERT INTO s.tanks SELECT g FROM generate_series(1, 900) g;
INSERT INTO s.fills SELECT g % 910 + 1, g % 2 + 1 FROM generate_series(1, 3000) g;
SELECT child_table, child_columns, parent_table, rows_checked, orphan_rows, result FROM sg_discover_fks_details('s.fills', 0);
SELECT count(*) FROM sg_discover_fks_details('s.fills_1', 0);

-- Feedback that was accepted teaches, and stands where no name suggests it; nonsense in it hurts nobody
CREATE TABLE s.staff (id int PRIMARY KEY, badge int UNIQUE);
CREATE TABLE s.shift (zuständig int, vertreter int);
CREATE TABLE s.audit (zuständig int);
SELECT score('s.audit', 'zuständig', 's.staff');
INSERT INTO schemaguard.discovery_feedback (verdict, child_table, child_columns, parent_table)
VALUES ('accepted', 's.shift', 'zuständig', 's.staff'), ('accepted', 's.shift', 'zuständig', 's.nowhere'), ('accepted', 's.shift', 'no,such', 's.staff'),
       ('accepted', 'this is "no name', 'x', '..'), ('accepted', 's.shift', '', 's.staff'), ('accepted', 's.shift', 'vertreter', 's.currency');
SELECT child_columns, parent_table, parent_columns, score, evidence->>'why' AS why FROM sg_discover_fks_details('s.shift', 0.9, 'none');
INSERT INTO schemaguard.discovery_feedback (verdict, child_table, child_columns, parent_table) VALUES ('rejected', 's.logins', 'user_id', 's.users');
SELECT count(*) FROM sg_discover_fks_details('s.logins', 0, 'none');
SELECT count(*) FROM sg_discover_fks_details('s.logins', 0);
SELECT table_name, columns FROM schemaguard.sg_discover_unmatched() WHERE table_name = 's.logins';

-- A parent whose rows are gone, or some of them, is said to be so
CREATE SCHEMA gone;
CREATE TABLE gone.patron (id int PRIMARY KEY, name text);
CREATE TABLE gone.product (id int PRIMARY KEY, name text);
CREATE TABLE gone.purchase (id int PRIMARY KEY, patron_id int, product_id int);
INSERT INTO gone.product SELECT generate_series(10001, 10050);
INSERT INTO gone.purchase SELECT g, g, g % 40 FROM generate_series(1, 500) g;
ANALYZE gone.patron, gone.product, gone.purchase;
SELECT child_columns, parent_table FROM sg_discover_fks('gone.purchase');
SELECT columns, regexp_replace(reason, '0\.\d+', '0.x') AS reason FROM schemaguard.sg_discover_unmatched('{gone}') ORDER BY 1;
DROP TABLE gone.purchase, gone.product, gone.patron;
DROP SCHEMA gone;

-- A rejection counts before an acceptance; several rules of patterns
INSERT INTO schemaguard.discovery_feedback (verdict, child_table, child_columns, pattern)
VALUES ('accepted', '^s\.', '^customer_id$', true), ('rejected', '^s\.(small|beyond)$', NULL, true);
SELECT child_table, score FROM sg_discover_fks_details(verify => 'none') WHERE child_columns = '{customer_id}' ORDER BY 1;
DELETE FROM schemaguard.discovery_feedback;

-- What an accepted key teaches about columns of the same name
CREATE TABLE s.gadget (id int PRIMARY KEY);
CREATE TABLE s.widget (id int PRIMARY KEY);
CREATE TABLE s.part (gadget_widget_id int);
CREATE TABLE s.spare (gadget_widget_id int);
CREATE TEMP TABLE naive AS SELECT score('s.spare', 'gadget_widget_id', 's.widget') AS score;
INSERT INTO schemaguard.discovery_feedback (verdict, child_table, child_columns, parent_table) VALUES ('accepted', 's.part', 'gadget_widget_id', 's.widget');
SELECT score('s.spare', 'gadget_widget_id', 's.widget') > score AS learned FROM naive;
SELECT * FROM signals('s.spare', 'gadget_widget_id', 's.widget', '{declared elsewhere}');
DELETE FROM schemaguard.discovery_feedback;

-- The planner evaluates what stands in an index, in nobody's name: somebody may have made it a moment ago
CREATE SCHEMA w;
CREATE TABLE w.gate (id int PRIMARY KEY);
CREATE TABLE w.pass (gate_id int);
INSERT INTO w.gate SELECT generate_series(1, 50);
INSERT INTO w.pass SELECT generate_series(1, 50);
CREATE FUNCTION w.who() RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN RAISE NOTICE 'evaluated as %', current_user; RETURN 1; EXCEPTION WHEN undefined_object THEN RAISE NOTICE 'evaluated as nobody'; RETURN 1; END$$;
ANALYZE w.gate, w.pass;
SET client_min_messages = error;
CREATE INDEX ON w.gate ((w.who() + id));
CREATE INDEX ON w.pass ((w.who() + gate_id));
RESET client_min_messages;
SELECT child_columns, parent_table, orphan_rows FROM sg_discover_fks_details('w.pass', verify => 'sample');

-- Values of all kinds of types: with blanks at the end, names of objects, at the end of what a number can be; columns called as a query calls its own
CREATE TABLE w.depot (code char(6) PRIMARY KEY);
CREATE TABLE w.moved (grade char(6));
INSERT INTO w.depot SELECT lpad(g::text, 6, '0') FROM generate_series(1, 1000) g;
INSERT INTO w.moved SELECT lpad((1 + g % 900)::text, 6, '0') FROM generate_series(1, 3000) g;
CREATE TABLE w.object (id oid PRIMARY KEY);
CREATE TABLE w.note (object_id regclass);
INSERT INTO w.object SELECT oid FROM pg_class;
INSERT INTO w.note SELECT oid FROM pg_class LIMIT 50;
CREATE TABLE w.big (id bigint PRIMARY KEY);
CREATE TABLE w.use (big_id bigint);
INSERT INTO w.big SELECT 9223372036854775807 - g FROM generate_series(0, 5000) g;
INSERT INTO w.use SELECT 9223372036854775807 - g * 2 % 4000 FROM generate_series(1, 1500) g;
CREATE TABLE w.extent (rows int, number int, sheet int, PRIMARY KEY (rows, number, sheet));
CREATE TABLE w.cell (rows int, number int, sheet int, val text);
INSERT INTO w.extent SELECT g, g % 7, g % 3 FROM generate_series(1, 300) g;
INSERT INTO w.cell SELECT * FROM w.extent;
ANALYZE w.depot, w.moved, w.object, w.note, w.big, w.use, w.extent, w.cell;
SELECT count(*) FROM sg_discover_fks_details('w.moved', verify => 'full');
SELECT child_table, child_columns, parent_table, orphan_rows, reason FROM sg_discover_fks_details(min_score => 0.1, schemas => '{w}') WHERE child_table IN ('w.note', 'w.use') ORDER BY 1;
SELECT child_columns, parent_table, rows_checked, orphan_rows, reason FROM sg_discover_fks_details('w.cell', 0);

-- Advice, with the reason, and into a plan
CREATE SCHEMA advice;
CREATE TABLE advice.teams (id int PRIMARY KEY);
CREATE TABLE advice.players (id int PRIMARY KEY, team_id int);
CREATE TABLE advice.matches (id int PRIMARY KEY, team_id int NOT NULL);
CREATE INDEX ON advice.matches (team_id);
CREATE TABLE advice.match_players (match_id int, player_id int, PRIMARY KEY (match_id, player_id));
SELECT child_table, child_columns, on_delete, on_delete_reason, index, index_reason FROM sg_discover_fks_details(verify => 'none')
WHERE child_table LIKE 'advice.%' ORDER BY 1, 2 \gx
CREATE TABLE advice.a (team_id int REFERENCES advice.teams ON DELETE RESTRICT);
CREATE TABLE advice.b (team_id int REFERENCES advice.teams ON DELETE RESTRICT);
CREATE TABLE advice.c (team_id int REFERENCES advice.teams ON DELETE RESTRICT);
SELECT child_table, on_delete, on_delete_reason FROM sg_discover_fks_details('advice.players', verify => 'none');
SELECT sg_plan_create('advised');
SELECT sg_plan_from_discovery('advised', 0.5) > 3 AS some;
SELECT child_table, on_delete, substring(reason, '^proposed with score') AS score, substring(reason, 'on delete .*') AS advice
FROM schemaguard.plan_step WHERE plan = 'advised' AND child_table IN ('advice.players', 'advice.match_players') ORDER BY child_columns::text \gx
SELECT bool_and(reason LIKE 'proposed with score _.__ (%; on delete %') FROM schemaguard.plan_step WHERE plan = 'advised';

SELECT sg_plan_drop('advised');
-- Policies on plans are no hindrance to somebody whose session has none of its own
CREATE ROLE regress_sg_finder;
SELECT sg_grant('regress_sg_finder');
GRANT USAGE ON SCHEMA advice TO regress_sg_finder;
GRANT SELECT ON advice.teams, advice.matches TO regress_sg_finder;
SET ROLE regress_sg_finder;
SET row_security = off;
SELECT sg_plan_create('found');
SET client_min_messages = warning;
SELECT sg_plan_from_discovery('found', 0.5) > 0 AS some;
RESET row_security;
SELECT sg_plan_drop('found');
RESET ROLE;
SELECT sg_revoke('regress_sg_finder');
DROP OWNED BY regress_sg_finder;
DROP ROLE regress_sg_finder;
SET client_min_messages = warning;
DROP SCHEMA s, old, other, advice, g, w CASCADE;
REVOKE ALL ON FUNCTION schemaguard.sg_discovery_candidates(text) FROM regress_sg_rows;
DROP ROLE regress_sg_rows;
RESET client_min_messages;
DROP FUNCTION score, signals;
