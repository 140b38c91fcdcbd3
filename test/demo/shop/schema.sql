-- A small shop system, for machines on which Zabbix' package cannot be had. Its users became profiles two years ago:
-- the old table is still there, columns are called user_id or owner_id, and nothing declares where they point now.
CREATE TABLE users (id bigint PRIMARY KEY, login text NOT NULL);
CREATE TABLE profiles (id bigint PRIMARY KEY, email text NOT NULL UNIQUE, last_seen timestamptz);
CREATE TABLE shops (id int PRIMARY KEY, owner_id bigint NOT NULL, name text NOT NULL);
CREATE TABLE workspaces (id int PRIMARY KEY, shop_id int NOT NULL, created_by bigint, name text NOT NULL,
    touched timestamptz);
CREATE TABLE memberships (workspace_id int, user_id bigint, role text NOT NULL, PRIMARY KEY (workspace_id, user_id));
CREATE TABLE products (shop_id int, sku text, price numeric(10, 2) NOT NULL, PRIMARY KEY (shop_id, sku));
CREATE TABLE reviews (id bigint PRIMARY KEY, shop_id int NOT NULL, sku text NOT NULL, user_id bigint,
    stars int NOT NULL);
CREATE TABLE orders (id bigint PRIMARY KEY, workspace_id int NOT NULL, user_id bigint NOT NULL,
    placed timestamptz NOT NULL);
CREATE TABLE order_items (order_id bigint, line int, shop_id int NOT NULL, sku text NOT NULL, amount int NOT NULL,
    PRIMARY KEY (order_id, line));
CREATE TABLE payments (id bigint PRIMARY KEY, order_id bigint NOT NULL, amount numeric(10, 2) NOT NULL);
CREATE TABLE invoices (id bigint PRIMARY KEY, order_id bigint NOT NULL, corrects_id bigint, issued_by bigint);
CREATE TABLE events (id bigint PRIMARY KEY, workspace_id int NOT NULL, actor_id bigint, happened timestamptz NOT NULL);
CREATE TABLE sessions (token text PRIMARY KEY, user_id bigint NOT NULL, seen timestamptz);
CREATE INDEX ON orders (user_id);
CREATE INDEX ON payments (order_id);
CREATE INDEX ON invoices (order_id);
