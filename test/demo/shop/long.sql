-- The client that every window has to live with: it leaves a transaction open for two and a half seconds.
\set order random(1, 100000)
BEGIN;
UPDATE payments SET amount = amount + 1 WHERE order_id = :order;
UPDATE shops SET name = name WHERE id = 1;
\sleep 2500 ms
COMMIT;
\sleep 500 ms
