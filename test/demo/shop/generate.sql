-- Three million rows
INSERT INTO profiles SELECT n, format('user%s@example.org', n) FROM generate_series(1, 50000) n;
INSERT INTO users SELECT id, email FROM profiles WHERE id <= 20000;
INSERT INTO shops SELECT n, 1000 + n * 7, format('Shop %s', n) FROM generate_series(1, 200) n;
INSERT INTO workspaces SELECT n, 1 + n % 200, 1000 + n * 11, format('Workspace %s', n) FROM generate_series(1, 2000) n;
INSERT INTO memberships SELECT 1 + n % 2000, 1 + n % 50000, 'member' FROM generate_series(1, 20000) n;
INSERT INTO products SELECT s, format('sku-%s', n), n FROM generate_series(1, 200) s, generate_series(1, 50) n;
INSERT INTO reviews
SELECT n, 1 + n % 200, format('sku-%s', 1 + n % 50), 1 + n % 50000, n % 6 FROM generate_series(1, 100000) n;
INSERT INTO orders
SELECT n, 1 + n % 2000, 1 + n % 50000, now() - (500000 - n) * interval '20 s' FROM generate_series(1, 500000) n;
INSERT INTO order_items
SELECT o, l, 1 + o % 200, format('sku-%s', 1 + (o + l) % 50), l
FROM generate_series(1, 500000) o, generate_series(1, 2) l;
INSERT INTO payments SELECT n, n, n % 500 FROM generate_series(1, 400000) n;
INSERT INTO invoices SELECT n, n, CASE WHEN n % 50 = 0 THEN n - 1 END, 1 + n % 100 FROM generate_series(1, 300000) n;
INSERT INTO events
SELECT n, 1 + n % 2000, 1 + n % 50000, now() - (800000 - n) * interval '10 s' FROM generate_series(1, 800000) n;
INSERT INTO sessions SELECT md5(n::text), 1 + n % 50000 FROM generate_series(1, 20000) n;

-- Where the application of the demo takes its numbers
CREATE SEQUENCE demo.id START 10000000;
