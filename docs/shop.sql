-- The shop of the examples in the manual: psql -f docs/shop.sql in an empty database, as superuser. An extension that is there stays.
--
-- Five tables without the foreign keys that they ought to have, and one with a key that no longer holds.

SELECT count(*) = 0 AS new FROM pg_extension WHERE extname = 'schemaguard' \gset
\if :new
CREATE SCHEMA sg;
CREATE EXTENSION schemaguard SCHEMA sg;
\endif
SELECT extnamespace::regnamespace AS schema FROM pg_extension WHERE extname = 'schemaguard' \gset
GRANT USAGE ON SCHEMA :schema TO PUBLIC;
ALTER DATABASE :"DBNAME" SET search_path = public, :schema;
\connect

CREATE TABLE customers (id bigint PRIMARY KEY, name text NOT NULL);
CREATE TABLE products (id int PRIMARY KEY, name text NOT NULL);
CREATE TABLE orders (id bigint PRIMARY KEY, customer_id bigint, placed_at timestamptz NOT NULL DEFAULT now());
CREATE TABLE order_items (order_id bigint, line int, product_id int, quantity int NOT NULL, PRIMARY KEY (order_id, line));
CREATE TABLE payments (id bigint PRIMARY KEY, order_id bigint, amount numeric(10,2) NOT NULL);
CREATE TABLE reviews (id bigint PRIMARY KEY, product_id int NOT NULL REFERENCES products, stars int NOT NULL);

INSERT INTO customers SELECT g, 'customer ' || g FROM generate_series(1, 4000) g;
INSERT INTO products SELECT g, 'product ' || g FROM generate_series(1, 500) g;
INSERT INTO orders SELECT g, 1 + g % 4000, timestamptz '2026-01-01' + g * interval '1 minute' FROM generate_series(1, 20000) g;
INSERT INTO order_items SELECT g, l, 1 + (g * l) % 500, l FROM generate_series(1, 20000) g, generate_series(1, 3) l;
INSERT INTO payments SELECT g, g, 9.99 FROM generate_series(1, 12000) g;
INSERT INTO reviews SELECT g, 1 + g % 500, 1 + g % 5 FROM generate_series(1, 2000) g;

-- What went wrong over the years: orders of customers that are gone, payments without an order, and a load of reviews that
-- passed the key by.
INSERT INTO orders VALUES (20001, 4700), (20002, 4700), (20003, 4701);
INSERT INTO payments SELECT 12000 + g, 24000 + g, 9.99 FROM generate_series(1, 40) g;
SET session_replication_role = replica;
INSERT INTO reviews VALUES (2001, 777, 5), (2002, 778, 1);
RESET session_replication_role;
ANALYZE;
