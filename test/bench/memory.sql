-- A parent with :keys keys, and a child that names each of them once
\echo data: :keys uuid keys, and as many child rows
CREATE TABLE parent (id uuid);
INSERT INTO parent SELECT md5(g::text)::uuid FROM generate_series(1, :keys) g;
ALTER TABLE parent ADD PRIMARY KEY (id);
CREATE TABLE child (id bigint, parent_id uuid);
-- 7919 is prime, so each number comes once, unless it divides the number of keys
INSERT INTO child SELECT g, md5((1 + g * 7919 % :keys)::text)::uuid FROM generate_series(1, :keys::bigint) g;
VACUUM ANALYZE;
ALTER TABLE child ADD CONSTRAINT memory_fk FOREIGN KEY (parent_id) REFERENCES parent NOT VALID;
ALTER TABLE child SET (parallel_workers = :workers);
