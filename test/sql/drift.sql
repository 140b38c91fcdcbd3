-- Drift: each class and change, texts that mean the same, renames, folding, names, bad input
-- needs: dblink
-- rooms: drift expression
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS schemaguard;
RESET client_min_messages;
\set VERBOSITY default
\set SHOW_CONTEXT never

CREATE FUNCTION drift(VARIADIC args text[] DEFAULT '{}') RETURNS TABLE (
    kind text, object text, change text, class text, risk text, property text, expected text, actual text, detail text)
LANGUAGE sql AS $$ SELECT * FROM sg_drift_details('was', cosmetic => 'cosmetic' = ANY (args)) WHERE object !~ 'public.drift' $$;
CREATE FUNCTION taken() RETURNS bool LANGUAGE plpgsql AS $$
BEGIN
  PERFORM sg_snapshot_drop('was') WHERE EXISTS (SELECT FROM schemaguard.snapshot WHERE name = 'was');
  RETURN sg_snapshot_take('was') > 0;
END $$;

CREATE SCHEMA shop;
CREATE TYPE shop.mood AS ENUM ('sad', 'glad');
CREATE TABLE shop.customers (id int PRIMARY KEY, name varchar(40) NOT NULL DEFAULT 'nobody', email text, born date, mood shop.mood,
    CONSTRAINT adult CHECK (born < '2020-01-01'), CHECK (name <> ''));
CREATE TABLE shop.orders (id int PRIMARY KEY, customer_id int REFERENCES shop.customers, status varchar(10), placed timestamptz DEFAULT now(),
    amount int DEFAULT 60 * 60, note text,
    CONSTRAINT status_known CHECK (status IN ('new', 'paid', 'sent')), CONSTRAINT amounts CHECK (amount > 0 AND (amount < 1000 AND id > 0)));
CREATE INDEX ON shop.orders (customer_id);
CREATE INDEX by_note ON shop.orders (lower(note)) WHERE status = 'new';
CREATE TABLE shop."We""ird.T a" ("a;b" int, "C" text);
CREATE VIEW shop.recent AS SELECT o.id, o.placed FROM shop.orders o JOIN shop.customers c ON c.id = o.customer_id;
INSERT INTO shop.orders (id, amount) SELECT g, 1 FROM generate_series(1, 100) g;
ANALYZE shop.orders;

-- Nothing has happened
SELECT taken();
SELECT * FROM drift('cosmetic');

-- Spelt otherwise: none of these is drift
ALTER TABLE shop.orders DROP CONSTRAINT status_known, DROP CONSTRAINT amounts,
    ADD CONSTRAINT status_known CHECK (status = ANY (ARRAY['new'::text, 'paid'::text, 'sent'::text])),
    ADD CONSTRAINT amounts CHECK ((amount > 0 AND amount < 1000) AND id > 0),
    ALTER placed SET DEFAULT CURRENT_TIMESTAMP, ALTER amount SET DEFAULT 3600;
ALTER TABLE shop.customers ALTER name SET DEFAULT 'nobody'::text;
DROP INDEX shop.by_note;
CREATE INDEX by_note ON shop.orders (pg_catalog.lower(note)) WHERE status IN ('new'::varchar);
SELECT * FROM drift('cosmetic');

-- Names that PostgreSQL chose; names of people
ALTER TABLE shop.orders RENAME CONSTRAINT orders_customer_id_fkey TO other_fkey;
ALTER INDEX shop.orders_customer_id_idx RENAME TO some_index;
SELECT * FROM drift();
SELECT * FROM drift('cosmetic');
ALTER INDEX shop.by_note RENAME TO on_note;
ALTER TABLE shop.customers RENAME CONSTRAINT adult TO grown_up;
SELECT * FROM drift();

-- Missing, extra, changed; what is folded; about how many rows
SELECT taken();
ALTER TABLE shop.customers ALTER email TYPE varchar(200), ALTER name TYPE varchar(20), ALTER born SET NOT NULL, ALTER mood SET DEFAULT 'sad';
ALTER TABLE shop.orders DROP CONSTRAINT amounts, DROP CONSTRAINT other_fkey, ADD CONSTRAINT status_known2 CHECK (id > 0);
ALTER TABLE shop.orders ADD CONSTRAINT other_fkey FOREIGN KEY (customer_id) REFERENCES shop.customers ON DELETE CASCADE NOT VALID;
ALTER TABLE shop.orders DROP COLUMN placed CASCADE, ADD COLUMN weight numeric;
ALTER TYPE shop.mood ADD VALUE 'mad';
DROP TABLE shop."We""ird.T a";
CREATE TABLE shop.brand_new (a int PRIMARY KEY, b text UNIQUE);
SELECT * FROM drift() \gx

-- Position and white space
SELECT taken();
CREATE FUNCTION shop.twice(a int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN a * 2; END $$;
CREATE TABLE shop.turned (a int, b text, c date);
SELECT taken();
DROP TABLE shop.turned;
CREATE TABLE shop.turned (a int, c date, b text);
CREATE OR REPLACE FUNCTION shop.twice(a int) RETURNS int LANGUAGE plpgsql AS $$
begin
  -- again
  RETURN A * 2;
END $$;
SELECT * FROM drift();
SELECT * FROM drift('cosmetic');
CREATE OR REPLACE FUNCTION shop.twice(a int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN a * 3; END $$;
SELECT kind, object, change, property, class FROM drift();

-- Renames: a table with its keys, a column with an index and a check, a type; what follows is not reported
DROP FUNCTION shop.twice;
SELECT taken();
ALTER TABLE shop.customers RENAME TO clients;
ALTER TABLE shop.orders RENAME customer_id TO client_id;
ALTER TABLE shop.orders RENAME status TO state;
ALTER TYPE shop.mood RENAME TO feeling;
SELECT * FROM drift() \gx

-- Two candidates: no guess; none where the table is known to be a new one
SELECT taken();
CREATE TABLE shop.pair (a int, b text, c text, d text);
SELECT taken();
DROP TABLE shop.pair;
CREATE TABLE shop.pair (a int, b text, xx text, yy text, d text);
SELECT kind, object, change, property, class, detail FROM drift();
SELECT sg_snapshot_take('then') > 0 AS taken;
SELECT kind, object, change, property, class, detail FROM sg_drift_details('was', 'then') WHERE object !~ 'public.drift';
SELECT sg_snapshot_drop('then');

-- What neither way can decide
CREATE TABLE shop.odd (a int, CONSTRAINT odd_check CHECK (a > 1));
CREATE FUNCTION shop.positive(a int) RETURNS bool IMMUTABLE LANGUAGE sql AS 'SELECT a > 0';
SELECT taken();
ALTER TABLE shop.odd DROP CONSTRAINT odd_check, ADD CONSTRAINT odd_check CHECK (shop.positive(a));
SELECT object, change, property, expected, actual, class, detail FROM drift();
SELECT taken();
ALTER TABLE shop.odd DROP CONSTRAINT odd_check, ADD CONSTRAINT odd_check CHECK (a > 1);
DROP FUNCTION shop.positive;
SELECT object, change, property, expected, actual, class, detail FROM drift() \gx

-- Members of extensions and partitions that come and go
CREATE TABLE shop.log (at date, what text) PARTITION BY RANGE (at);
CREATE TABLE shop.log_2020 PARTITION OF shop.log FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
SELECT taken();
DROP TABLE shop.log_2020;
CREATE TABLE shop.log_2021 PARTITION OF shop.log FOR VALUES FROM ('2021-01-01') TO ('2022-01-01');
SELECT kind, object, change, class, risk, detail FROM drift();

-- Members of extensions: what the extension has granted and made is the base, an update explains what differs, a person does not
CREATE EXTENSION dblink SCHEMA shop;
SELECT identity, properties -> 'acl' AS acl FROM sg_snapshot_objects_details('live', '{shop}') WHERE identity ~ 'dblink_connect_u';
SELECT taken();
GRANT EXECUTE ON FUNCTION shop.dblink_connect_u(text) TO PUBLIC;
REVOKE EXECUTE ON FUNCTION shop.dblink_disconnect() FROM PUBLIC;
ALTER FUNCTION shop.dblink_disconnect() SECURITY DEFINER;
ALTER EXTENSION dblink DROP FUNCTION shop.dblink_error_message(text);
CREATE FUNCTION shop.smuggled() RETURNS int LANGUAGE sql AS 'SELECT 1';
ALTER EXTENSION dblink ADD FUNCTION shop.smuggled();
SELECT kind, object, change, class, risk, property, expected, actual, detail FROM drift() WHERE property IS NOT NULL;
SELECT kind, object, change, class, detail FROM drift() WHERE property IS NULL;
SELECT count(*), count(*) FILTER (WHERE class = 'unmanaged') AS unmanaged FROM sg_drift_details('was', schemas => '{shop}');
UPDATE schemaguard.snapshot_object o SET properties = o.properties || '{"version": "1.0"}', checksum = sha256('x') WHERE snapshot = 'was' AND kind = 'extension' AND identity = 'dblink';
UPDATE schemaguard.snapshot SET checksum = sha256('x') WHERE name = 'was';
SELECT kind, object, change, class, property FROM drift();
ALTER EXTENSION dblink DROP FUNCTION shop.smuggled();
DROP FUNCTION shop.smuggled;
DROP FUNCTION shop.dblink_error_message;
DROP EXTENSION dblink;

-- Partitions: which kinds count is a setting
CREATE TABLE shop.listed (a int, b int) PARTITION BY LIST (a);
CREATE TABLE shop.listed_1 PARTITION OF shop.listed FOR VALUES IN (1);
CREATE TABLE shop.listed_rest PARTITION OF shop.listed DEFAULT;
CREATE TABLE shop.hashed (a int) PARTITION BY HASH (a);
CREATE TABLE shop.hashed_0 PARTITION OF shop.hashed FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE shop.log_2022 PARTITION OF shop.log FOR VALUES FROM ('2022-01-01') TO ('2023-01-01');
SELECT taken();
DROP TABLE shop.listed_1, shop.listed_rest, shop.hashed_0, shop.log_2022;
SELECT object, change, class, detail FROM drift();
SET schemaguard.drift_partitions = 'Range,default';
SELECT object, change, class FROM drift();
SET schemaguard.drift_partitions = '';
SELECT object, change, class FROM drift();
SET schemaguard.drift_partitions = 'list, columns';
SET schemaguard.drift_partitions = 'list,';
RESET schemaguard.drift_partitions;
DROP TABLE shop.listed, shop.hashed;

-- What is folded has its own name
CREATE TYPE shop.former AS (a int);
CREATE TYPE shop.latter AS (a int);
CREATE CAST (shop.former AS shop.latter) WITH INOUT;
CREATE EXTENSION dblink SCHEMA shop;
ALTER EXTENSION dblink ADD CAST (shop.former AS shop.latter);
CREATE SCHEMA folded;
CREATE FUNCTION folded.f(shop.former, text) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE OPERATOR CLASS folded.one FOR TYPE int USING btree AS OPERATOR 1 <;
CREATE OPERATOR CLASS folded.two FOR TYPE int USING btree AS OPERATOR 1 <;
SELECT taken();
SET client_min_messages = warning;
DROP EXTENSION dblink;
DROP SCHEMA folded CASCADE;
RESET client_min_messages;
SELECT object, regexp_replace(detail, '[0-9]+ functions, ', '') AS detail FROM drift();
DROP TYPE shop.former, shop.latter;

-- Secrets are not told
SET check_function_bodies = off;
CREATE FUNCTION shop.connects() RETURNS text LANGUAGE plpgsql AS $$ 'postgresql://me:geheim@host/db', '{"password": "geheim", "port": 1}', 'host=h password=geheim port=1' $$;
CREATE FUNCTION shop.token() RETURNS text LANGUAGE plpgsql AS $$ jsonb_build_object('token', 'geheim'), f(secret => 'geheim'), 'http://host:80/a@b' $$;
CREATE FUNCTION shop.plain(password text) RETURNS bool LANGUAGE plpgsql AS $$ DECLARE p text := password::text; BEGIN RETURN p = password; END $$;
RESET check_function_bodies;
SELECT taken();
SET check_function_bodies = off;
CREATE OR REPLACE FUNCTION shop.connects() RETURNS text LANGUAGE plpgsql AS $$ 'postgresql://me:geheim2@host/db', '{"password": "geheim2", "port": 1}', 'host=h password=geheim2 port=1' $$;
CREATE OR REPLACE FUNCTION shop.token() RETURNS text LANGUAGE plpgsql AS $$ jsonb_build_object('token', 'geheim'), f(secret => 'geheim'), 'http://host:80/a@c' $$;
CREATE OR REPLACE FUNCTION shop.plain(password text) RETURNS bool LANGUAGE plpgsql AS $$ DECLARE p text := password::varchar; BEGIN RETURN p = password; END $$;
RESET check_function_bodies;
SELECT object, expected, actual, detail FROM drift() \gx
DROP FUNCTION shop.connects, shop.token, shop.plain;

-- Risks: what is made wider, what is rewritten, what goes away
CREATE TABLE shop.wide (a char(5), b bit(4), c varchar(10), d numeric(10,2), e numeric(10,4), f numeric(12,4), g varchar(10)[], h text, i varchar,
    j bit varying(5), k numeric, l jsonb, m bigint, n int, o timestamp(6));
SELECT taken();
DROP TABLE shop.wide;
CREATE TABLE shop.wide (a char(3), b bit(2), c varchar(9), d numeric(9,2), e numeric(9,2), f numeric(9,2), g varchar(9)[], h varchar[], i text,
    j bit varying(3), k numeric(9,2), l json, m int, n bigint, o timestamp(3));
SELECT risk, object, expected, actual FROM drift() WHERE property = 'type' ORDER BY risk, object;
DROP TABLE shop.wide;
CREATE TYPE shop.couple AS (a int, b int);
CREATE TYPE shop.triple AS (a int);
CREATE TYPE shop.moved AS ENUM ('a', 'b');
CREATE TYPE shop.widened AS ENUM ('a', 'b');
CREATE TYPE shop.narrowed AS ENUM ('a', 'b');
CREATE DOMAIN shop.base AS int;
CREATE DOMAIN shop.checked AS int NOT NULL;
CREATE MATERIALIZED VIEW shop.stored AS SELECT 1 AS a;
CREATE MATERIALIZED VIEW shop.filled AS SELECT 1 AS a;
CREATE VIEW shop.shown AS SELECT 1 AS a;
CREATE TABLE shop.parts (a int, b int GENERATED ALWAYS AS (a) STORED, c int GENERATED BY DEFAULT AS IDENTITY, d int NOT NULL, e int NOT NULL, k int, CONSTRAINT later UNIQUE (a) DEFERRABLE,
    n int NOT NULL DEFAULT 1, m uuid DEFAULT gen_random_uuid(), s int GENERATED ALWAYS AS (a) STORED);
SELECT taken();
DROP TYPE shop.moved, shop.widened, shop.narrowed;
ALTER TYPE shop.couple ADD ATTRIBUTE c int;
ALTER TYPE shop.triple DROP ATTRIBUTE a, ADD ATTRIBUTE b int;
CREATE TYPE shop.moved AS ENUM ('b', 'a');
CREATE TYPE shop.widened AS ENUM ('b');
CREATE TYPE shop.narrowed AS ENUM ('a', 'b', 'c');
DROP DOMAIN shop.base, shop.checked;
CREATE DOMAIN shop.base AS smallint;
CREATE DOMAIN shop.checked AS int;
DROP MATERIALIZED VIEW shop.stored, shop.filled;
CREATE MATERIALIZED VIEW shop.stored AS SELECT 2 AS a;
CREATE MATERIALIZED VIEW shop.filled AS SELECT 1 AS a WITH NO DATA;
CREATE OR REPLACE VIEW shop.shown AS SELECT 2 AS a;
ALTER TABLE shop.parts ALTER b DROP EXPRESSION, ALTER c DROP IDENTITY, ALTER e ADD GENERATED ALWAYS AS IDENTITY, DROP CONSTRAINT later, ADD CONSTRAINT later UNIQUE (a), DROP n, DROP m, DROP s,
    ALTER d DROP NOT NULL;
CREATE EXTENSION dblink SCHEMA shop;
SELECT risk, kind, object, change, property, expected, actual FROM drift() WHERE change <> 'missing' AND kind <> 'extension' ORDER BY risk, object, property \g (format=unaligned)
SELECT risk, kind, object FROM drift() WHERE change = 'missing' OR kind = 'extension' ORDER BY risk, object;
-- a column is of one of its types
ALTER TABLE shop.parts ALTER k TYPE shop.dblink_pkey_results[] USING NULL;
SELECT risk, object, change, property FROM drift() WHERE kind = 'extension' OR object ~ 'parts.k';
DROP TABLE shop.parts;
DROP EXTENSION dblink;
DROP TYPE shop.couple, shop.triple, shop.moved, shop.widened, shop.narrowed;
DROP DOMAIN shop.base, shop.checked;
DROP MATERIALIZED VIEW shop.stored, shop.filled;
DROP VIEW shop.shown;

-- A snapshot may come from anywhere: its texts are never run, and whatever they are, they are no error
CREATE FUNCTION shop.boom(a int) RETURNS bool IMMUTABLE LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'I was called'; END $$;
CREATE FUNCTION said(expression text) RETURNS TABLE (actual text, detail text) LANGUAGE plpgsql AS $$
BEGIN
  UPDATE schemaguard.snapshot_object o SET properties = jsonb_set(o.properties, '{expression}', to_jsonb(expression)),
      checksum = sha256(expression::bytea) WHERE snapshot = 'was' AND identity = 'shop.odd.odd_check';
  UPDATE schemaguard.snapshot o SET checksum = sha256(expression::bytea) WHERE name = 'was';
  RETURN QUERY SELECT d.actual, left(split_part(d.detail, ';', 1), 100) FROM sg_drift_details('was') d WHERE object = 'shop.odd.odd_check';
END $$;
SELECT taken();
SELECT * FROM said('(a > 1)');
SELECT * FROM said('a > ((');
SELECT * FROM said('');
SELECT * FROM said('a > 1; DROP TABLE shop.odd');
SELECT * FROM said('a > 1 FROM shop.odd');
SELECT * FROM said('shop.boom(1)');
SELECT * FROM said('a > 1 AND 1/0 = 1');
SELECT * FROM said('length(repeat(''x'', 1000000000)) > a');
SELECT * FROM said('a > (SELECT count(*) FROM shop.odd)');
SELECT * FROM said('a > ''one''::integer');
SELECT * FROM said('gone > 1');
SELECT * FROM said('pg_catalog.int4gt(a, 1) OR $1');
SELECT * FROM said('a OPERATOR(pg_catalog.>) (2 - 1)::int4');
SELECT * FROM said('shop.boom(a => COALESCE(a, ''2''))');
SELECT * FROM said('a > ''{1}''::shop.boom[]');
SELECT * FROM said(repeat('(', 2000) || 'a > 1' || repeat(')', 2000));
SELECT actual, detail ~ 'stack depth|memory' AS too_deep FROM said(repeat('NOT ', 100000) || 'a > 1');
DROP FUNCTION shop.boom, said;

-- A column of a domain is one of the domain's base type
CREATE DOMAIN shop.word AS varchar(9) CHECK (VALUE <> '');
ALTER TABLE shop.odd ADD w shop.word DEFAULT 'a'::text, ADD CONSTRAINT odd_w CHECK (w IN ('a', 'b'));
SELECT taken();
ALTER TABLE shop.odd ALTER w SET DEFAULT 'a'::varchar, DROP CONSTRAINT odd_w, ADD CONSTRAINT odd_w CHECK (w = ANY (ARRAY['a'::text, 'b']));
SELECT object, change, property, expected, actual, class, detail FROM drift();
ALTER TABLE shop.odd DROP w;
DROP DOMAIN shop.word;

-- Queries as 15 prints them, and as later majors do
CREATE TABLE shop.doc (a int, x xml);
CREATE VIEW shop.sub AS SELECT s.a FROM (SELECT doc.a FROM shop.doc) s WHERE s.a > 1;
CREATE VIEW shop.slash AS SELECT doc.a, 'C:\' AS dir FROM shop.doc;
CREATE VIEW shop.func AS SELECT g.n FROM generate_series(1, 3) g(n);
CREATE VIEW shop.sample AS SELECT doc.a FROM shop.doc TABLESAMPLE system (10);
CREATE VIEW shop.vals AS SELECT v.n FROM (VALUES (1), (2)) v(n);
CREATE VIEW shop.xml AS SELECT xmltable.k, xmlserialize(CONTENT NULL::xml AS text) AS s FROM XMLTABLE('/r' PASSING (NULL::xml) COLUMNS k int);
CREATE VIEW shop.quoted AS SELECT xmlserialize(CONTENT NULL::xml AS text) AS s, 'a)'::text AS "b)";
CREATE FUNCTION printed(view text, query text) RETURNS TABLE (object text, property text, detail text) LANGUAGE plpgsql AS $$
BEGIN
  UPDATE schemaguard.snapshot_object o SET properties = jsonb_set(o.properties, '{query}', to_jsonb(query)),
      checksum = sha256(convert_to(query, 'UTF8')) WHERE snapshot = 'was' AND identity = 'shop.' || view;
  UPDATE schemaguard.snapshot o SET checksum = sha256(convert_to(query, 'UTF8')) WHERE name = 'was';
  RETURN QUERY SELECT d.object, d.property, d.detail FROM sg_drift_details('was') d;
END $$;
SELECT taken();
SELECT p.* FROM (VALUES ('sub', ' SELECT s.a FROM ( SELECT doc.a FROM shop.doc) s WHERE (s.a > 1);'), ('sub', 'SELECT a FROM ( SELECT doc.a FROM shop.doc) s WHERE (a > 1)'),
    ('func', 'SELECT g.n FROM generate_series(1, 3) g(n)'), ('func', 'SELECT n FROM generate_series(1, 3) g(n)'),
    ('sample', 'SELECT doc.a FROM shop.doc TABLESAMPLE system (10)'), ('sample', 'SELECT a FROM shop.doc TABLESAMPLE system (10)'),
    ('vals', 'SELECT v.n FROM ( VALUES (1), (2)) v(n)'), ('vals', 'SELECT n FROM ( VALUES (1), (2)) v(n)'),
    ('xml', 'SELECT "xmltable".k, XMLSERIALIZE(CONTENT NULL::xml AS text) AS s FROM XMLTABLE((''/r''::text) PASSING (NULL::xml) COLUMNS k integer)'),
    ('xml', 'SELECT k, XMLSERIALIZE(CONTENT NULL::xml AS text NO INDENT) AS s FROM XMLTABLE((''/r''::text) PASSING (NULL::xml) COLUMNS k integer)')) v,
    LATERAL printed(v.column1, v.column2) p;
SELECT v.column1, p.* FROM (VALUES ('literal', 'SELECT XMLSERIALIZE(CONTENT NULL::xml AS text NO INDENT) AS s, ''a NO INDENT)''::text AS "b)"'),
    ('name', 'SELECT XMLSERIALIZE(CONTENT NULL::xml AS text NO INDENT) AS s, ''a)''::text AS "b NO INDENT)"'),
    ('neither', 'SELECT XMLSERIALIZE(CONTENT NULL::xml AS text NO INDENT) AS s, ''a)''::text AS "b)"')) v, LATERAL printed('quoted', v.column2) p;
SELECT * FROM printed('sub', 'SELECT s.a FROM ( SELECT doc.a FROM shop.doc) s WHERE (s.a > 2)');
BEGIN;
SELECT FROM set_config('standard_conforming_strings', 'off', true) WHERE current_setting('server_version_num')::int < 190000 \g /dev/null
SELECT * FROM printed('slash', E'SELECT doc.a, \'C:\\\' AS dir FROM shop.doc');
COMMIT;
DROP FUNCTION printed;
DROP VIEW shop.slash, shop.sub, shop.func, shop.sample, shop.vals, shop.xml, shop.quoted;
DROP TABLE shop.doc;

-- Bodies that are parsed, and arguments, made again from what is printed, as a restore does; and with another meaning
CREATE TABLE shop.bodies (a varchar(9) PRIMARY KEY, b text);
CREATE FUNCTION shop.returned(x varchar) RETURNS bool LANGUAGE sql RETURN x IN ('a', 'b');
CREATE FUNCTION shop.atomic(x varchar) RETURNS SETOF bool LANGUAGE sql BEGIN ATOMIC
  INSERT INTO shop.bodies VALUES (x, 'b') ON CONFLICT (a) DO UPDATE SET b = 'c' WHERE bodies.a IN ('a', 'b');
  UPDATE shop.bodies SET b = 'c' WHERE a IN ('a', 'b') RETURNING a IN ('a', 'b');
END;
CREATE FUNCTION shop.arguments(x varchar DEFAULT 'a', y bool DEFAULT 'a'::varchar IN ('a', 'b'), n bigint DEFAULT 60 * 60, m shop.feeling DEFAULT 'sad', OUT o int, VARIADIC v text[] DEFAULT '{}')
  LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION shop.of_code(x text DEFAULT upper('a'), y int DEFAULT floor(1)) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION shop.outputs(x varchar) RETURNS TABLE (a text, b text[], c text) LANGUAGE sql BEGIN ATOMIC
  SELECT NULL::text, (ARRAY[x])::text[], 'a' UNION ALL SELECT NULL::text, NULL::text[], d.text FROM (SELECT NULL::text) d;
END;
SELECT taken();
DO $$
DECLARE
  f oid;
BEGIN
  FOR f IN SELECT p.oid FROM pg_proc p WHERE p.pronamespace = 'shop'::regnamespace AND p.proname IN ('returned', 'atomic', 'arguments', 'outputs') LOOP
    EXECUTE pg_get_functiondef(f);
  END LOOP;
END $$;
CREATE OR REPLACE FUNCTION shop.arguments(x varchar DEFAULT 'a'::text, y bool DEFAULT 'a'::text = ANY (ARRAY['a'::varchar, 'b']), n bigint DEFAULT 3600, m shop.feeling DEFAULT 'sad', OUT o int, VARIADIC v text[] DEFAULT '{}')
  LANGUAGE sql AS 'SELECT 1';
SELECT object, property, expected, actual FROM drift();
SELECT sg_snapshot_take('is') > 0 AS taken;
SELECT object, property, expected, actual FROM sg_drift_details('was', 'is') WHERE object !~ 'public.';
CREATE OR REPLACE FUNCTION shop.returned(x varchar) RETURNS bool LANGUAGE sql RETURN x IN ('a', 'c');
CREATE OR REPLACE FUNCTION shop.atomic(x varchar) RETURNS SETOF bool LANGUAGE sql BEGIN ATOMIC
  INSERT INTO shop.bodies VALUES (x, 'b') ON CONFLICT (a) DO UPDATE SET b = 'c' WHERE bodies.a IN ('a', 'c');
  UPDATE shop.bodies SET b = 'c' WHERE a IN ('a', 'b') RETURNING a IN ('a', 'b');
END;
CREATE OR REPLACE FUNCTION shop.arguments(x varchar DEFAULT 'a'::text, y bool DEFAULT 'a'::text = ANY (ARRAY['a'::varchar, 'b']), n bigint DEFAULT 3601, m shop.feeling DEFAULT 'sad', OUT o int, VARIADIC v text[] DEFAULT '{}')
  LANGUAGE sql AS 'SELECT 1';
CREATE OR REPLACE FUNCTION shop.of_code(x text DEFAULT lower('a'), y int DEFAULT floor(1)) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE OR REPLACE FUNCTION shop.outputs(x varchar) RETURNS TABLE (a text, b text[], c text) LANGUAGE sql BEGIN ATOMIC
  SELECT NULL::text, (ARRAY[x])::text[], 'a' UNION ALL SELECT NULL::text, NULL::text[], d.txt FROM (SELECT NULL::text AS txt) d;
END;
SELECT object, property, detail, expected IS DISTINCT FROM actual AS differ FROM drift();
SELECT sg_snapshot_drop('is');
DROP FUNCTION shop.returned, shop.atomic, shop.arguments, shop.of_code;

-- Defaults of two snapshots have the type of their column
ALTER TABLE shop.bodies ALTER a SET DEFAULT 'x'::text;
CREATE DOMAIN shop.label AS varchar(9) DEFAULT 'x'::text;
SELECT taken();
ALTER TABLE shop.bodies ALTER a SET DEFAULT 'x'::varchar;
ALTER DOMAIN shop.label SET DEFAULT 'x'::varchar;
SELECT sg_snapshot_take('is') > 0 AS taken;
SELECT object, property, expected, actual FROM sg_drift_details('was', 'is');
SELECT sg_snapshot_drop('is');
DROP DOMAIN shop.label;
DROP TABLE shop.bodies;

-- Before 14 a range type had no multirange: that the other side has one is no drift then, and is between later ones
CREATE TYPE shop.span AS RANGE (subtype = int4);
CREATE FUNCTION taken_by(version int) RETURNS TABLE (object text, change text, property text, actual text, class text) LANGUAGE plpgsql AS $$
BEGIN
  PERFORM taken();
  UPDATE schemaguard.snapshot_object o SET properties = o.properties - 'multirange', checksum = sha256(o.identity::bytea)
      WHERE snapshot = 'was' AND identity = 'shop.span';
  UPDATE schemaguard.snapshot SET checksum = sha256('x'), server_version_num = version WHERE name = 'was';
  RETURN QUERY SELECT d.object, d.change, d.property, d.actual, d.class FROM sg_drift_details('was') d;
END $$;
SELECT * FROM taken_by(130023);
SELECT * FROM taken_by(150003);
DROP FUNCTION taken_by;
DROP TYPE shop.span;

-- Scope, and snapshots of other schemas
SELECT taken();
SELECT sg_snapshot_take('of_shop', '{shop}') > 0 AS taken;
SELECT sg_snapshot_take('of_public', '{public}') > 0 AS taken;
CREATE TABLE public.outside (a int);
CREATE TABLE shop.inside (a int);
SELECT kind, object, change FROM sg_drift_details('of_shop');
SELECT kind, object, change FROM sg_drift_details('was', schemas => '{public}');
SELECT kind, object, change FROM sg_drift_details('live', 'of_shop');
SELECT kind, object, change FROM sg_drift_details('of_shop', 'of_shop');
DROP SCHEMA shop CASCADE;
SELECT kind, object, change, class, risk FROM sg_drift_details('of_shop');

-- Bad input
SELECT * FROM sg_drift_details('nothing');
SELECT * FROM sg_drift_details('was', 'nothing');
SELECT * FROM sg_drift_details(NULL);
SELECT * FROM sg_drift_details('was', NULL);
SELECT * FROM sg_drift_details('of_shop', 'of_public');
SELECT * FROM sg_drift_details('was', schemas => '{{a,b}}');
SELECT * FROM sg_drift_details('was', schemas => ARRAY[NULL]);

SELECT sg_snapshot_drop('was'), sg_snapshot_drop('of_shop'), sg_snapshot_drop('of_public');
DROP TABLE public.outside;
DROP FUNCTION drift, taken;
