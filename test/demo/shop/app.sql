-- One transaction of the application: an order comes in. Nine tables, parents and children.
\set workspace random(2, 2000)
\set user random(1000, 50000)
\set shop random(1, 200)
\set session random(1, 20000)
BEGIN;
SELECT nextval('demo.id') AS id \gset
UPDATE workspaces SET touched = now() WHERE id = :workspace;
INSERT INTO orders VALUES (:id, :workspace, :user, now());
INSERT INTO order_items VALUES (:id, 1, :shop, 'sku-1', 1), (:id, 2, :shop, 'sku-2', 1);
INSERT INTO payments VALUES (:id, :id, 42);
INSERT INTO invoices VALUES (:id, :id, NULL, 1);
INSERT INTO events VALUES (:id, :workspace, :user, now());
INSERT INTO reviews VALUES (:id, :shop, 'sku-1', :user, 5);
UPDATE profiles SET last_seen = now() WHERE id = :user;
UPDATE sessions SET seen = now() WHERE token = md5(:session::text);
COMMIT;
