-- Years without foreign keys. demo.planted keeps what each accident left behind.

-- A purge of old orders stopped before their items
WITH purged AS (
    INSERT INTO order_items SELECT 5000000 + n / 2, n % 2, 1, 'sku-1', 1 FROM generate_series(1, 3000) n RETURNING 1)
INSERT INTO demo.planted SELECT 'order_items', '{order_id}', 'orders', count(*), 'DELETE' FROM purged;

-- When users became profiles, some were left behind
INSERT INTO demo.planted SELECT 'memberships', '{user_id}', 'profiles', count(*), 'DELETE'
FROM memberships WHERE user_id BETWEEN 301 AND 340;
INSERT INTO demo.planted SELECT 'events', '{actor_id}', 'profiles', count(*), 'SET actor_id = NULL'
FROM events WHERE actor_id BETWEEN 301 AND 340;
INSERT INTO demo.planted SELECT 'orders', '{user_id}', 'profiles', count(*), 'SET user_id = 1'
FROM orders WHERE user_id BETWEEN 301 AND 340;
INSERT INTO demo.planted SELECT 'reviews', '{user_id}', 'profiles', count(*), 'SET user_id = NULL'
FROM reviews WHERE user_id BETWEEN 301 AND 340;
INSERT INTO demo.planted SELECT 'sessions', '{user_id}', 'profiles', count(*), 'DELETE'
FROM sessions WHERE user_id BETWEEN 301 AND 340;
DELETE FROM profiles WHERE id BETWEEN 301 AND 340;

-- Articles were renamed, their reviews were not
WITH renamed AS (UPDATE reviews SET sku = 'SKU_3' WHERE shop_id = 7 AND sku = 'sku-7' RETURNING 1)
INSERT INTO demo.planted SELECT 'reviews', '{shop_id,sku}', 'products', count(*), 'DELETE' FROM renamed;

-- A needle: one invoice corrects another that does not exist
WITH wrong AS (UPDATE invoices SET corrects_id = 9000000 WHERE id = 77 RETURNING 1)
INSERT INTO demo.planted SELECT 'invoices', '{corrects_id}', 'invoices', count(*), 'SET corrects_id = NULL' FROM wrong;

-- What no key promises, and nothing else did: amounts of nothing, workspaces that nobody has touched, payments sent twice.
-- Rules have their table as parent, and no cure but their policy.
WITH wrong AS (UPDATE order_items SET amount = 0 WHERE order_id % 20000 = 0 AND order_id <= 500000 RETURNING 1)
INSERT INTO demo.planted SELECT 'order_items', '{amount}', 'order_items', count(*) FROM wrong;
INSERT INTO demo.planted SELECT 'workspaces', '{touched}', 'workspaces', count(*) FROM workspaces WHERE touched IS NULL;
WITH again AS (INSERT INTO payments SELECT 5000000 + n, n * 1000, 1 FROM generate_series(1, 40) n RETURNING 1)
INSERT INTO demo.planted SELECT 'payments', '{order_id}', 'payments', 2 * count(*) FROM again;
