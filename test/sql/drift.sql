-- Drift: each class and change, texts that mean the same, renames, folding, names, bad input
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS schemaguard;
RESET client_min_messages;
\set VERBOSITY default
\set SHOW_CONTEXT never

CREATE FUNCTION drift(VARIADIC args text[] DEFAULT '{}') RETURNS TABLE (
    kind text, object text, change text, property text, expected text, actual text, class text, risk text, detail text)
LANGUAGE sql AS $$ SELECT * FROM sg_drift('was', cosmetic => 'cosmetic' = ANY (args)) WHERE object !~ 'public.drift' $$;
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
CREATE VIEW shop.recent AS SELECT id, placed FROM shop.orders WHERE placed > '2020-01-01';
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
SELECT * FROM drift();

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
SELECT * FROM drift();

-- Two candidates: no guess
SELECT taken();
CREATE TABLE shop.pair (a int, b text, c text, d text);
SELECT taken();
DROP TABLE shop.pair;
CREATE TABLE shop.pair (a int, b text, xx text, yy text, d text);
SELECT kind, object, change, property, class, detail FROM drift();

-- What neither way can decide
CREATE TABLE shop.odd (a int, CONSTRAINT odd_check CHECK (a > 1));
CREATE FUNCTION shop.positive(a int) RETURNS bool IMMUTABLE LANGUAGE sql AS 'SELECT a > 0';
SELECT taken();
ALTER TABLE shop.odd DROP CONSTRAINT odd_check, ADD CONSTRAINT odd_check CHECK (shop.positive(a));
SELECT object, change, property, expected, actual, class, detail FROM drift();
SELECT taken();
ALTER TABLE shop.odd DROP CONSTRAINT odd_check, ADD CONSTRAINT odd_check CHECK (a > 1);
DROP FUNCTION shop.positive;
SELECT object, change, property, expected, actual, class, detail FROM drift();

-- Members of extensions and partitions that come and go
CREATE TABLE shop.log (at date, what text) PARTITION BY RANGE (at);
CREATE TABLE shop.log_2020 PARTITION OF shop.log FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
SELECT taken();
DROP TABLE shop.log_2020;
CREATE TABLE shop.log_2021 PARTITION OF shop.log FOR VALUES FROM ('2021-01-01') TO ('2022-01-01');
SELECT kind, object, change, class, risk, detail FROM drift();

-- Scope, and snapshots of other schemas
SELECT taken();
SELECT sg_snapshot_take('of_shop', '{shop}') > 0 AS taken;
SELECT sg_snapshot_take('of_public', '{public}') > 0 AS taken;
CREATE TABLE public.outside (a int);
CREATE TABLE shop.inside (a int);
SELECT kind, object, change FROM sg_drift('of_shop');
SELECT kind, object, change FROM sg_drift('was', schemas => '{public}');
SELECT kind, object, change FROM sg_drift('live', 'of_shop');
SELECT kind, object, change FROM sg_drift('of_shop', 'of_shop');
DROP SCHEMA shop CASCADE;
SELECT kind, object, change, class, risk FROM sg_drift('of_shop');

-- Bad input
SELECT * FROM sg_drift('nothing');
SELECT * FROM sg_drift('was', 'nothing');
SELECT * FROM sg_drift(NULL);
SELECT * FROM sg_drift('was', NULL);
SELECT * FROM sg_drift('of_shop', 'of_public');
SELECT * FROM sg_drift('was', schemas => '{{a,b}}');
SELECT * FROM sg_drift('was', schemas => ARRAY[NULL]);

SELECT sg_snapshot_drop('was'), sg_snapshot_drop('of_shop'), sg_snapshot_drop('of_public');
DROP TABLE public.outside;
DROP FUNCTION drift, taken;
