-- Renames: what sg_drift claims of edits whose truth is known, live and between snapshots, and what follows from a rename
-- rooms: drift expression
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS schemaguard;
\set VERBOSITY default
\set SHOW_CONTEXT never

-- Each scenario has schemas of its own: @ is s01, @b s01b.  truth: what was renamed, kind, old and new.
CREATE TABLE scenario (n int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, title text, before text, edit text, truth text[] DEFAULT '{}');

-- Columns that were renamed
INSERT INTO scenario (title, before, edit, truth) VALUES
('last column, names alike', 'CREATE TABLE t (id int PRIMARY KEY, name text, status text)', 'ALTER TABLE t RENAME status TO state', '{column @.t.status @.t.state}'),
('in the middle, names unlike', 'CREATE TABLE t (id int PRIMARY KEY, amount int, placed date)', 'ALTER TABLE t RENAME amount TO total', '{column @.t.amount @.t.total}'),
('foreign key to itself', 'CREATE TABLE t (id int PRIMARY KEY, name text, manager_id int REFERENCES t)', 'ALTER TABLE t RENAME manager_id TO boss_id', '{column @.t.manager_id @.t.boss_id}'),
('foreign key and index', 'CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE t (id int PRIMARY KEY, customer_id int REFERENCES p, note text); CREATE INDEX ON t (customer_id)',
 'ALTER TABLE t RENAME customer_id TO client_id', '{column @.t.customer_id @.t.client_id}'),
('boolean with a default', 'CREATE TABLE t (id int PRIMARY KEY, active bool NOT NULL DEFAULT true)', 'ALTER TABLE t RENAME active TO is_active', '{column @.t.active @.t.is_active}'),
('with another type', 'CREATE TABLE t (id int PRIMARY KEY, amount int, note text)', 'ALTER TABLE t RENAME amount TO amount_total; ALTER TABLE t ALTER amount_total TYPE bigint', '{column @.t.amount @.t.amount_total}'),
('last, default now()', 'CREATE TABLE t (id int PRIMARY KEY, created timestamptz DEFAULT now())', 'ALTER TABLE t RENAME created TO created_at', '{column @.t.created @.t.created_at}'),
('serial primary key', 'CREATE TABLE t (id serial PRIMARY KEY, name text)', 'ALTER TABLE t RENAME id TO order_id', '{column @.t.id @.t.order_id}'),
('check of its own', 'CREATE TABLE t (id int PRIMARY KEY, qty int CHECK (qty > 0), note text)', 'ALTER TABLE t RENAME qty TO pieces', '{column @.t.qty @.t.pieces}'),
('unique', 'CREATE TABLE t (id int PRIMARY KEY, email text UNIQUE)', 'ALTER TABLE t RENAME email TO login', '{column @.t.email @.t.login}'),
('two of one table', 'CREATE TABLE t (id int PRIMARY KEY, a text, b int, c date)', 'ALTER TABLE t RENAME a TO remark; ALTER TABLE t RENAME c TO due', '{column @.t.a @.t.remark,column @.t.c @.t.due}'),
('and another is new', 'CREATE TABLE t (id int PRIMARY KEY, amount int, placed date)', 'ALTER TABLE t RENAME amount TO total; ALTER TABLE t ADD tax int', '{column @.t.amount @.t.total}'),
('and another is gone', 'CREATE TABLE t (id int PRIMARY KEY, amount int, placed date, note text)', 'ALTER TABLE t RENAME amount TO total; ALTER TABLE t DROP note', '{column @.t.amount @.t.total}'),
('of an enum', $$CREATE TYPE mood AS ENUM ('sad', 'glad'); CREATE TABLE t (id int PRIMARY KEY, mood mood DEFAULT 'sad', x int)$$, 'ALTER TABLE t RENAME mood TO feeling', '{column @.t.mood @.t.feeling}'),
('generated', 'CREATE TABLE t (id int PRIMARY KEY, net int, gross int GENERATED ALWAYS AS (net * 2) STORED, note text)', 'ALTER TABLE t RENAME gross TO brutto', '{column @.t.gross @.t.brutto}'),
('read by a generated one', 'CREATE TABLE t (id int PRIMARY KEY, net int, gross int GENERATED ALWAYS AS (net * 2) STORED)', 'ALTER TABLE t RENAME net TO netto', '{column @.t.net @.t.netto}'),
('identity', 'CREATE TABLE t (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text)', 'ALTER TABLE t RENAME id TO key', '{column @.t.id @.t.key}'),
('of a partitioned table', 'CREATE TABLE t (id int, at date, note text) PARTITION BY RANGE (at); CREATE TABLE t_1 PARTITION OF t DEFAULT', 'ALTER TABLE t RENAME note TO remark',
 '{column @.t.note @.t.remark,column @.t_1.note @.t_1.remark}'),
('strange names', 'CREATE TABLE "T a" ("id;" int PRIMARY KEY, "a""b" int UNIQUE, "C" text)', 'ALTER TABLE "T a" RENAME "a""b" TO "x.y"', '{"column @.\"T a\".\"a\"\"b\" @.\"T a\".\"x.y\""}'),
('in a renamed table', 'CREATE TABLE orders (id int PRIMARY KEY, customer text, amount int, placed date, note text)', 'ALTER TABLE orders RENAME TO bookings; ALTER TABLE bookings RENAME amount TO total',
 '{table @.orders @.bookings,column @.orders.amount @.bookings.total}');

-- Columns that were dropped, and others added
INSERT INTO scenario (title, before, edit) VALUES
('active, inactive', 'CREATE TABLE t (id int PRIMARY KEY, name text, active bool NOT NULL DEFAULT true)', 'ALTER TABLE t DROP active, ADD inactive bool NOT NULL DEFAULT true'),
('manager_id, deputy_id', 'CREATE TABLE t (id int PRIMARY KEY, name text, manager_id int REFERENCES t)', 'ALTER TABLE t DROP manager_id, ADD deputy_id int REFERENCES t'),
('billing_id, shipping_id', 'CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE t (id int PRIMARY KEY, billing_id int NOT NULL REFERENCES a); CREATE INDEX ON t (billing_id)',
 'ALTER TABLE t DROP billing_id, ADD shipping_id int NOT NULL REFERENCES a; CREATE INDEX ON t (shipping_id)'),
('two of each', 'CREATE TABLE t (id int PRIMARY KEY, a text, b int)', 'ALTER TABLE t DROP a, DROP b, ADD x text, ADD y int'),
('created_at, updated_at', 'CREATE TABLE t (id int PRIMARY KEY, name text, created_at timestamptz NOT NULL DEFAULT now())', 'ALTER TABLE t DROP created_at, ADD updated_at timestamptz NOT NULL DEFAULT now()'),
('start_date, end_date', 'CREATE TABLE t (id int PRIMARY KEY, name text, start_date date)', 'ALTER TABLE t DROP start_date, ADD end_date date'),
('min_price, max_price', 'CREATE TABLE t (id int PRIMARY KEY, name text, min_price numeric(10,2) NOT NULL)', 'ALTER TABLE t DROP min_price, ADD max_price numeric(10,2) NOT NULL'),
('one of a series', 'CREATE TABLE t (id int PRIMARY KEY, line1 text, line2 text, line3 text)', 'ALTER TABLE t DROP line3, ADD line4 text'),
('price, price_cents', 'CREATE TABLE t (id int PRIMARY KEY, name text, price numeric(10,2))', 'ALTER TABLE t DROP price, ADD price_cents int'),
('another serial key', 'CREATE TABLE t (name text, id serial PRIMARY KEY)', 'ALTER TABLE t DROP id, ADD uid serial PRIMARY KEY'),
('an int key, a uuid key', 'CREATE TABLE t (name text, id int PRIMARY KEY)', 'ALTER TABLE t DROP id, ADD uid uuid PRIMARY KEY'),
('checks of their own', 'CREATE TABLE t (id int PRIMARY KEY, width int CHECK (width > 0))', 'ALTER TABLE t DROP width, ADD weight int CHECK (weight > 0)'),
('unique both', 'CREATE TABLE t (id int PRIMARY KEY, email text NOT NULL UNIQUE)', 'ALTER TABLE t DROP email, ADD mobile text NOT NULL UNIQUE'),
('with one comment', $$CREATE TABLE t (id int PRIMARY KEY, a text); COMMENT ON COLUMN t.a IS 'shown to all'$$, $$ALTER TABLE t DROP a, ADD z text; COMMENT ON COLUMN t.z IS 'shown to all'$$),
('from the middle to the end', 'CREATE TABLE t (id int PRIMARY KEY, note text, placed date)', 'ALTER TABLE t DROP note, ADD notes text'),
('the table made again', 'CREATE TABLE t (id int PRIMARY KEY, name text, enabled bool NOT NULL)', 'DROP TABLE t; CREATE TABLE t (id int PRIMARY KEY, name text, disabled bool NOT NULL)'),
('made again, a key elsewhere', 'CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE t (id int PRIMARY KEY, buyer_id int REFERENCES p, note text)',
 'DROP TABLE t; CREATE TABLE t (id int PRIMARY KEY, seller_id int REFERENCES p, note text)');

-- Tables that were renamed
INSERT INTO scenario (title, before, edit, truth) VALUES
('table, names alike', 'CREATE TABLE customer (id int PRIMARY KEY, name text, email text)', 'ALTER TABLE customer RENAME TO customers', '{table @.customer @.customers}'),
('table, names unlike', 'CREATE TABLE customers (id int PRIMARY KEY, name text, email text UNIQUE)', 'ALTER TABLE customers RENAME TO people', '{table @.customers @.people}'),
('one year to the next', 'CREATE TABLE sales_2024 (id serial PRIMARY KEY, at date NOT NULL, amount numeric(10,2))', 'ALTER TABLE sales_2024 RENAME TO sales_2025', '{table @.sales_2024 @.sales_2025}'),
('a referenced one', 'CREATE TABLE p (id int PRIMARY KEY, code text); CREATE TABLE t (id int PRIMARY KEY, p_id int REFERENCES p)', 'ALTER TABLE p RENAME TO parent', '{table @.p @.parent}'),
('into another schema', 'CREATE TABLE t (id serial PRIMARY KEY, name text, code int)', 'CREATE SCHEMA IF NOT EXISTS @b; ALTER TABLE t SET SCHEMA @b', '{table @.t @b.t}'),
('another schema and name', 'CREATE TABLE orders (id serial PRIMARY KEY, name text, code int)', 'ALTER TABLE orders SET SCHEMA @b; ALTER TABLE @b.orders RENAME TO order_lines', '{table @.orders @b.order_lines}'),
('nothing but columns', 'CREATE TABLE events (at timestamptz, what text, who text, details jsonb)', 'ALTER TABLE events RENAME TO event_log', '{table @.events @.event_log}'),
('one of two alike', 'CREATE TABLE a (id int PRIMARY KEY, name text, x int); CREATE TABLE b (id int PRIMARY KEY, name text, x int)', 'ALTER TABLE b RENAME TO c', '{table @.b @.c}'),
('both of two alike', 'CREATE TABLE sheep (id serial PRIMARY KEY, name text, x int); CREATE TABLE cow (id serial PRIMARY KEY, name text, x int)',
 'ALTER TABLE sheep RENAME TO ewe; ALTER TABLE cow RENAME TO bull', '{table @.sheep @.ewe,table @.cow @.bull}'),
('with all its names', 'CREATE TABLE accounts (id serial PRIMARY KEY, name text, email text)',
 'ALTER TABLE accounts RENAME TO account; ALTER INDEX accounts_pkey RENAME TO account_pkey; ALTER SEQUENCE accounts_id_seq RENAME TO account_id_seq', '{table @.accounts @.account}'),
('a table and its child', 'CREATE TABLE p (id int PRIMARY KEY, code text, label text); CREATE TABLE t (id int PRIMARY KEY, p_id int REFERENCES p, n int)',
 'ALTER TABLE p RENAME TO product; ALTER TABLE t RENAME TO item', '{table @.p @.product,table @.t @.item}');

-- Tables that were dropped, and others made
INSERT INTO scenario (title, before, edit) VALUES
('sales_2024, sales_2025', 'CREATE TABLE sales_2024 (id serial PRIMARY KEY, at date NOT NULL, amount numeric(10,2))', 'DROP TABLE sales_2024; CREATE TABLE sales_2025 (id serial PRIMARY KEY, at date NOT NULL, amount numeric(10,2))'),
('the same columns', 'CREATE TABLE colours (id serial PRIMARY KEY, name text NOT NULL, active bool)', 'DROP TABLE colours; CREATE TABLE sizes (id serial PRIMARY KEY, name text NOT NULL, active bool)'),
('two alike, two others', 'CREATE TABLE a (id int, x text, y text); CREATE TABLE b (id int, x text, y text)', 'DROP TABLE a, b; CREATE TABLE c (id int, x text, y text); CREATE TABLE d (id int, x text, y text)'),
('user_roles, user_groups', 'CREATE TABLE u (id int PRIMARY KEY); CREATE TABLE user_roles (user_id int REFERENCES u, role_id int, since date, PRIMARY KEY (user_id, role_id))',
 'DROP TABLE user_roles; CREATE TABLE user_groups (user_id int REFERENCES u, group_id int, since date, PRIMARY KEY (user_id, group_id))'),
('orders_audit, invoices_audit', 'CREATE TABLE orders_audit (at timestamptz, who text, op text, old_row jsonb, new_row jsonb)',
 'DROP TABLE orders_audit; CREATE TABLE invoices_audit (at timestamptz, who text, op text, old_row jsonb, new_row jsonb)'),
('log_1, log_2', 'CREATE TABLE log_1 (at timestamptz, level int, message text)', 'DROP TABLE log_1; CREATE TABLE log_2 (at timestamptz, level int, message text)'),
('made like the other', 'CREATE TABLE orders (id serial PRIMARY KEY, name text, placed date); CREATE INDEX ON orders (placed)',
 'CREATE TABLE orders_new (LIKE orders INCLUDING ALL); ALTER TABLE orders_new ALTER id DROP DEFAULT; DROP TABLE orders'),
('another parent', 'CREATE TABLE client (id int PRIMARY KEY, name text, code text); CREATE TABLE t (id int PRIMARY KEY, p_id int CONSTRAINT fk REFERENCES client)',
 'ALTER TABLE t DROP CONSTRAINT fk; DROP TABLE client; CREATE TABLE vendor (id int PRIMARY KEY, name text, code text); ALTER TABLE t ADD CONSTRAINT fk FOREIGN KEY (p_id) REFERENCES vendor'),
('the same name elsewhere', 'CREATE TABLE t (id serial PRIMARY KEY, at date, amount int)', 'DROP TABLE t; CREATE TABLE @b.t (id serial PRIMARY KEY, name text, colour int)');

-- Types and what else has a schema
INSERT INTO scenario (title, before, edit, truth) VALUES
('enum', $$CREATE TYPE mood AS ENUM ('sad', 'glad'); CREATE TABLE t (id int PRIMARY KEY, m mood)$$, 'ALTER TYPE mood RENAME TO feeling', '{type @.mood @.feeling}'),
('domain', $$CREATE DOMAIN code AS varchar(9) NOT NULL CHECK (VALUE <> ''); CREATE TABLE t (id int PRIMARY KEY, c code)$$, 'ALTER DOMAIN code RENAME TO short_code', '{domain @.code @.short_code}'),
('composite', 'CREATE TYPE pair AS (a int, b text, c date)', 'ALTER TYPE pair RENAME TO triple', '{type @.pair @.triple}'),
('enum into a schema', $$CREATE TYPE mood AS ENUM ('sad', 'glad'); CREATE TABLE t (id int PRIMARY KEY, m mood DEFAULT 'sad')$$, 'ALTER TYPE mood SET SCHEMA @b', '{type @.mood @b.mood}'),
('domain into a schema', $$CREATE DOMAIN code AS varchar(9) CHECK (VALUE <> ''); CREATE TABLE t (id int PRIMARY KEY, c code)$$, 'ALTER DOMAIN code SET SCHEMA @b', '{domain @.code @b.code}'),
('type of one label', $$CREATE TYPE one AS ENUM ('x')$$, 'ALTER TYPE one SET SCHEMA @b', '{type @.one @b.one}'),
('function', 'CREATE FUNCTION f(a int) RETURNS int IMMUTABLE LANGUAGE sql RETURN a + 1', 'ALTER FUNCTION f(int) SET SCHEMA @b', '{"function @.f(integer) @b.f(integer)"}'),
('function of a moved type', $$CREATE TYPE mood AS ENUM ('sad', 'glad'); CREATE FUNCTION f(a mood) RETURNS mood LANGUAGE plpgsql AS 'BEGIN RETURN a; END'$$,
 'ALTER FUNCTION f(mood) SET SCHEMA @b; ALTER TYPE mood SET SCHEMA @b', '{type @.mood @b.mood,function @.f(@.mood) @b.f(@b.mood)}'),
('procedure, aggregate', $$CREATE PROCEDURE p(a int) LANGUAGE plpgsql AS 'BEGIN NULL; END'; CREATE AGGREGATE g(int) (SFUNC = int4pl, STYPE = int)$$,
 'ALTER PROCEDURE p SET SCHEMA @b; ALTER AGGREGATE g(int) SET SCHEMA @b', '{"procedure @.p(integer) @b.p(integer)","aggregate @.g(integer) @b.g(integer)"}'),
('views', 'CREATE TABLE t (id int PRIMARY KEY, name text); CREATE VIEW v AS SELECT id, name FROM t; CREATE MATERIALIZED VIEW m AS SELECT name FROM t; CREATE INDEX ON m (name)',
 'ALTER VIEW v SET SCHEMA @b; ALTER MATERIALIZED VIEW m SET SCHEMA @b', '{view @.v @b.v,materialized view @.m @b.m}'),
('sequence', 'CREATE SEQUENCE q START 7; CREATE TABLE t (id int DEFAULT nextval($$q$$))', 'ALTER SEQUENCE q SET SCHEMA @b', '{sequence @.q @b.q}'),
('operators', 'CREATE OPERATOR === (FUNCTION = int4eq, LEFTARG = int, RIGHTARG = int); CREATE OPERATOR CLASS oc FOR TYPE int USING hash AS OPERATOR 1 =, FUNCTION 1 hashint4(int)',
 'ALTER OPERATOR ===(int, int) SET SCHEMA @b; ALTER OPERATOR CLASS oc USING hash SET SCHEMA @b; ALTER OPERATOR FAMILY oc USING hash SET SCHEMA @b',
 '{"operator @.===(integer, integer) @b.===(integer, integer)",operator class @.oc USING hash @b.oc USING hash,operator family @.oc USING hash @b.oc USING hash}'),
('collation, text search', 'CREATE COLLATION c (locale = $$C$$); CREATE TEXT SEARCH DICTIONARY d (template = simple); CREATE TEXT SEARCH CONFIGURATION f (parser = default); ALTER TEXT SEARCH CONFIGURATION f ADD MAPPING FOR word WITH d',
 'ALTER COLLATION c SET SCHEMA @b; ALTER TEXT SEARCH DICTIONARY d SET SCHEMA @b; ALTER TEXT SEARCH CONFIGURATION f SET SCHEMA @b',
 '{collation @.c @b.c,text search dictionary @.d @b.d,text search configuration @.f @b.f}'),
('statistics', 'CREATE TABLE t (a int, b int); CREATE STATISTICS s ON a, b FROM t', 'ALTER STATISTICS s SET SCHEMA @b', '{statistics @.s @b.s}'),
('function changed on the way', 'CREATE FUNCTION f(a int) RETURNS int LANGUAGE sql RETURN a + 1', 'DROP FUNCTION f; CREATE FUNCTION @b.f(a int) RETURNS int LANGUAGE sql RETURN a * 2', '{}'),
('type of other labels', $$CREATE TYPE mood AS ENUM ('sad', 'glad')$$, $$DROP TYPE mood; CREATE TYPE @b.mood AS ENUM ('red', 'green')$$, '{}'),
('view of another table', 'CREATE TABLE t (a int); CREATE TABLE u (a int); CREATE VIEW v AS SELECT a FROM t', 'DROP VIEW v; CREATE VIEW @b.v AS SELECT a FROM u', '{}'),
('another enum', $$CREATE TYPE answer AS ENUM ('yes', 'no'); CREATE TABLE t (id int PRIMARY KEY, a answer)$$, $$ALTER TABLE t DROP a; DROP TYPE answer; CREATE TYPE switch AS ENUM ('yes', 'no')$$, '{}');

-- Names of constraints and indexes, schemas
INSERT INTO scenario (title, before, edit, truth) VALUES
('constraint', 'CREATE TABLE t (id int PRIMARY KEY, a int CONSTRAINT positive CHECK (a > 0))', 'ALTER TABLE t RENAME CONSTRAINT positive TO above_zero', '{constraint @.t.positive @.t.above_zero}'),
('index', 'CREATE TABLE t (id int PRIMARY KEY, a int, b int); CREATE INDEX by_a ON t (a, b)', 'ALTER INDEX by_a RENAME TO on_a', '{index @.by_a @.on_a}'),
('schema', $$CREATE SCHEMA @x; CREATE TYPE @x.mood AS ENUM ('sad', 'glad'); CREATE TABLE @x.p (id serial PRIMARY KEY, m @x.mood DEFAULT 'sad'); CREATE TABLE t (p_id int CONSTRAINT fk REFERENCES @x.p);
   CREATE FUNCTION @x.f(a @x.mood) RETURNS int LANGUAGE sql RETURN 1; CREATE VIEW @x.v AS SELECT p.id, p.m, @x.f(p.m) FROM @x.p; CREATE INDEX ON @x.p (m)$$, 'ALTER SCHEMA @x RENAME TO @y', '{schema @x @y}'),
('schema, and a table in it', 'CREATE SCHEMA @x; CREATE TABLE @x.p (id serial PRIMARY KEY, a int, b text); CREATE TABLE @x.q (id serial PRIMARY KEY, p_id int REFERENCES @x.p)',
 'ALTER SCHEMA @x RENAME TO @y; ALTER TABLE @y.q RENAME TO queue', '{schema @x @y,table @x.q @y.queue}'),
('one of two schemas alike', 'CREATE SCHEMA @x; CREATE TABLE @x.p (id serial PRIMARY KEY, a int); CREATE SCHEMA @z; CREATE TABLE @z.p (id serial PRIMARY KEY, a int)', 'ALTER SCHEMA @z RENAME TO @y', '{schema @z @y}'),
('another schema', 'CREATE SCHEMA @x; CREATE TABLE @x.p (id serial PRIMARY KEY, a int); CREATE VIEW @x.v AS SELECT 1 AS one', 'DROP SCHEMA @x CASCADE; CREATE SCHEMA @y; CREATE TABLE @y.z (at date, what text)', '{}'),
('empty schemas', 'CREATE SCHEMA @x', 'DROP SCHEMA @x; CREATE SCHEMA @y', '{}'),
('another schema, the same', 'CREATE SCHEMA @x; CREATE TABLE @x.p (id serial PRIMARY KEY, a int); CREATE SCHEMA @z; CREATE TABLE @z.p (id serial PRIMARY KEY, a int)',
 'DROP SCHEMA @x CASCADE; CREATE SCHEMA @y; CREATE TABLE @y.p (id serial PRIMARY KEY, a int)', '{}');

CREATE FUNCTION edit(what text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE s record;
BEGIN
  FOR s IN SELECT * FROM scenario ORDER BY n LOOP
    EXECUTE format('CREATE SCHEMA IF NOT EXISTS s%1$s; CREATE SCHEMA IF NOT EXISTS s%1$sb; SET LOCAL search_path = s%1$s, public', to_char(s.n, 'FM00'));
    EXECUTE replace(CASE what WHEN 'before' THEN s.before ELSE s.edit END, '@', 's' || to_char(s.n, 'FM00'));
  END LOOP;
END $$;

-- What is said of each scenario: in one snapshot of all of them each is looked at alone
CREATE FUNCTION claims(reference text, target text) RETURNS TABLE (n int, claim text, score numeric, cosmetic bool) LANGUAGE sql AS $$
  SELECT s.n, CASE WHEN d.change = 'renamed' THEN replace(regexp_replace(format('%s %s %s', d.kind, d.object, d.actual), ' FOR [A-Z0-9]+', '', 'g'), 's' || to_char(s.n, 'FM00'), '@') END,
      CASE WHEN d.change = 'renamed' THEN substring(d.detail FROM 'score ([0-9.]+)')::numeric END, d.class = 'cosmetic'
  FROM public.scenario s, LATERAL (SELECT array_agg(i) AS schemas FROM unnest('{"",b,x,y,z}'::text[]) x, LATERAL (SELECT 's' || to_char(s.n, 'FM00') || x AS i) i
    WHERE target = 'live' AND to_regnamespace(i) IS NOT NULL OR EXISTS (SELECT FROM schemaguard.snapshot_object o WHERE o.snapshot IN (reference, target) AND o.kind = 'schema' AND o.identity = i)) x,
      LATERAL public.sg_drift_details(reference, target, x.schemas) d
$$;

BEGIN; SELECT edit('before'); COMMIT;
SELECT sg_snapshot_take('was') > 0 AS taken;
BEGIN; SELECT edit('after'); COMMIT;
SELECT sg_snapshot_take('now') > 0 AS taken;
CREATE TABLE said AS
SELECT mode, c.* FROM (VALUES ('live', 'was', 'live'), ('stored', 'was', 'now')) m (mode, reference, target), LATERAL claims(reference, target) c;

-- None is wrong above 0.8.  What is right was 40 live and 39 stored of 63 while a score was what looks alike.
SELECT mode, count(*) FILTER (WHERE claim = ANY (s.truth)) AS "right", count(*) FILTER (WHERE claim <> ALL (s.truth) AND score > 0.8) AS wrong,
    (SELECT sum(cardinality(truth)) FROM scenario) AS truth, (SELECT count(*) FROM scenario) AS scenarios
FROM said JOIN scenario s USING (n) GROUP BY mode ORDER BY mode;
SELECT mode, title, claim, score FROM said JOIN scenario s USING (n) WHERE claim <> ALL (s.truth) AND score > 0.8 ORDER BY n, mode, claim;

-- What follows from a rename is not told: where there is more, something else was edited
SELECT mode, title, count(*) FROM said JOIN scenario s USING (n) WHERE cardinality(truth) > 0 AND claim IS NULL GROUP BY mode, n, title ORDER BY n, mode;

-- Where nothing but looks speaks for a rename, the repair could lose what a column or table holds
SELECT d.change, d.risk, d.detail FROM sg_drift_details('was', 'now', '{s26}') d;


-- What this database's catalogs say of numbers and ages is no evidence where the snapshot is another's
SELECT sg_snapshot_import('theirs', ARRAY(SELECT sg_snapshot_export('was'))) > 0 AS taken;
SELECT sg_snapshot_import('restored', ARRAY(SELECT sg_snapshot_export('was'))) > 0 AS taken;
UPDATE schemaguard.snapshot SET imported_at = NULL, environment = environment || '{"database_oid": 1}' WHERE name = 'restored';
SELECT r AS reference, count(*) FILTER (WHERE detail ~ 'number in the table|before the snapshot') > 0 AS by_catalog
FROM unnest('{was,theirs,restored}'::text[]) r, sg_drift_details(r) WHERE change = 'renamed' GROUP BY r ORDER BY r;

-- What names a renamed table, column, type, schema or function: views, rules, policies, triggers, bodies, publications and more
SET client_min_messages = error;
CREATE SCHEMA f;
CREATE SCHEMA moved;
SET search_path = f, public;
CREATE TYPE mood AS ENUM ('sad', 'glad');
CREATE TYPE span AS RANGE (subtype = int4);
CREATE TYPE pair AS (m mood, n int);
CREATE DOMAIN code AS text CHECK (VALUE <> '');
CREATE COLLATION plain (locale = 'C');
CREATE SEQUENCE numbers;
CREATE TABLE other (id int PRIMARY KEY, status text, amount int);
CREATE TABLE orders (id serial PRIMARY KEY, status text DEFAULT 'new' CHECK (status <> ''), amount int DEFAULT nextval('numbers'), m mood, c code, o int REFERENCES other,
    label text COLLATE plain GENERATED ALWAYS AS (status || '!') STORED);
CREATE TABLE log (what text, at int, m mood) PARTITION BY RANGE (at);
CREATE TABLE log_1 PARTITION OF log FOR VALUES FROM (1) TO (9);
CREATE FUNCTION is_new(a text) RETURNS bool IMMUTABLE LANGUAGE sql RETURN a IN ('new', 'fresh');
CREATE INDEX on_status ON orders (lower(status)) WHERE amount > 0;
CREATE INDEX on_new ON orders (is_new(status));
CREATE STATISTICS ends ON status, amount FROM orders;
CREATE VIEW v1 AS SELECT status, amount AS status2 FROM orders WHERE status > 'a' ORDER BY status;
CREATE VIEW v2 AS SELECT o.status, t.status AS other, (SELECT max(x.amount) FROM orders x WHERE x.status = t.status) FROM orders o JOIN other t ON t.id = o.o;
CREATE VIEW v3 AS WITH w AS (SELECT status, m FROM orders UNION ALL SELECT what, m FROM log) SELECT w.status, is_new(w.status), m::text::mood FROM w;
CREATE VIEW v4 AS SELECT v1.status, count(*) OVER (PARTITION BY orders.status) FROM v1 LEFT JOIN orders ON orders.status = v1.status WHERE EXISTS (SELECT FROM other WHERE other.status = 'x');
CREATE MATERIALIZED VIEW mv AS SELECT orders.status, sum(amount) AS s FROM orders GROUP BY status HAVING sum(amount) > 1;
CREATE INDEX on_mv ON mv (status);
CREATE RULE noted AS ON UPDATE TO orders WHERE old.status <> new.status DO ALSO INSERT INTO log (what, at) SELECT new.status, o.amount FROM orders o WHERE o.id = new.id;
CREATE RULE kept AS ON DELETE TO orders DO INSTEAD UPDATE orders SET status = 'gone', amount = 0 WHERE orders.id = old.id RETURNING orders.*;
ALTER TABLE orders ENABLE ROW LEVEL SECURITY;
CREATE POLICY own ON orders USING (status = current_user OR amount IN (SELECT other.amount FROM other WHERE other.status = orders.status));
CREATE FUNCTION noticed() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
CREATE TRIGGER seen BEFORE UPDATE OF status ON orders FOR EACH ROW WHEN (old.status IS DISTINCT FROM new.status) EXECUTE FUNCTION noticed();
CREATE FUNCTION by_status(s text, m mood DEFAULT 'sad') RETURNS SETOF orders LANGUAGE sql BEGIN ATOMIC SELECT * FROM orders WHERE orders.status = s; SELECT * FROM orders o WHERE o.m = by_status.m; END;
CREATE PROCEDURE put(s text) LANGUAGE sql BEGIN ATOMIC INSERT INTO orders (status, amount) VALUES (s, 1); UPDATE orders SET status = s WHERE orders.status = 'new'; DELETE FROM orders o USING other t WHERE t.status = o.status; END;
CREATE FUNCTION row_of(b orders) RETURNS pair LANGUAGE sql RETURN (SELECT ROW (x.m, x.amount)::pair FROM orders x WHERE x.id = (b).id);
CREATE AGGREGATE any_mood(mood) (SFUNC = enum_larger, STYPE = mood);
CREATE PUBLICATION drift_rename_1 FOR TABLE orders (id, status) WHERE (status > 'a' AND id > 0), other;
ALTER DEFAULT PRIVILEGES IN SCHEMA f GRANT SELECT ON TABLES TO PUBLIC;
CREATE PUBLICATION drift_rename_2 FOR TABLES IN SCHEMA f;
RESET search_path;
CREATE FUNCTION told(title text) RETURNS TABLE (mode text, told text) LANGUAGE plpgsql AS $$
BEGIN
  PERFORM sg_snapshot_take('after');
  RETURN QUERY SELECT m, format('%s %s %s %s', d.kind, d.object, d.change, coalesce(d.property, ''))
  FROM unnest('{live,after}'::text[]) m, sg_drift_details('before', m) d
  WHERE (d.change <> 'renamed' OR d.actual !~ title) ORDER BY 1, 2;
  PERFORM sg_snapshot_drop('after'), sg_snapshot_drop('before');
  PERFORM sg_snapshot_take('before');
END $$;
SELECT sg_snapshot_take('before') > 0 AS taken;
ALTER TABLE f.orders RENAME status TO state;
SELECT * FROM told('state');
ALTER TABLE f.log RENAME at TO hour;
SELECT * FROM told('hour');
ALTER TABLE f.orders RENAME TO bookings;
SELECT * FROM told('bookings');
ALTER TYPE f.mood RENAME TO feeling;
SELECT * FROM told('feeling');
ALTER FUNCTION f.is_new SET SCHEMA moved;
ALTER DOMAIN f.code SET SCHEMA moved;
ALTER COLLATION f.plain SET SCHEMA moved;
ALTER SEQUENCE f.numbers SET SCHEMA moved;
ALTER TYPE f.pair SET SCHEMA moved;
ALTER TYPE f.span SET SCHEMA moved;
SELECT * FROM told('moved');
ALTER TABLE f.bookings SET SCHEMA moved;
SELECT * FROM told('moved.bookings');
ALTER SCHEMA f RENAME TO g;
SELECT * FROM told('^g$');
ALTER SCHEMA g RENAME TO h;
SELECT kind, object, actual, risk, regexp_replace(detail, '.*; ', '') AS contents FROM sg_drift_details('before') \gx

DROP PUBLICATION drift_rename_1, drift_rename_2;
DROP SCHEMA h, moved CASCADE;
DROP FUNCTION told;
SELECT sg_snapshot_drop('before');
SELECT sg_snapshot_drop('was'), sg_snapshot_drop('now'), sg_snapshot_drop('theirs'), sg_snapshot_drop('restored');
DO $$
DECLARE s name;
BEGIN
  FOR s IN SELECT nspname FROM pg_namespace WHERE nspname ~ '^s[0-9]+[bxyz]?$' LOOP EXECUTE format('DROP SCHEMA %I CASCADE', s); END LOOP;
END $$;
DROP TABLE scenario, said;
DROP FUNCTION edit, claims;
