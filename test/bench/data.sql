-- The reference data set: one child with six foreign keys, NOT VALID and without orphans. Every fact of it that a check
-- needs is in bench.fact.
\echo data: :child_rows child rows
SELECT setseed(0.5);

CREATE TABLE p_big (id bigint, name text);
INSERT INTO p_big SELECT g, 'name ' || g FROM generate_series(1, :big_rows) g;
ALTER TABLE p_big ADD PRIMARY KEY (id);
CREATE TABLE p_uid (id uuid, name text);
INSERT INTO p_uid SELECT md5(g::text)::uuid, 'name ' || g FROM generate_series(1, 500) g;
ALTER TABLE p_uid ADD PRIMARY KEY (id);
CREATE TABLE p_code (code text, name text);
INSERT INTO p_code SELECT 'item-' || g, 'name ' || g FROM generate_series(1, :code_rows) g;
ALTER TABLE p_code ADD PRIMARY KEY (code);
CREATE TABLE p_num (id int, name text);
INSERT INTO p_num SELECT g, 'name ' || g FROM generate_series(1, 3000) g;
ALTER TABLE p_num ADD PRIMARY KEY (id);
CREATE TABLE p_pair (a bigint, b int, name text);
INSERT INTO p_pair SELECT g / 10, g % 10, 'name ' || g FROM generate_series(1, :pair_rows) g;
ALTER TABLE p_pair ADD PRIMARY KEY (a, b);

CREATE TABLE child (id bigint, big bigint, big_sparse bigint, uid uuid, code text, num int, pair_a bigint, pair_b int);
ALTER TABLE child SET (parallel_workers = :workers);
-- One in n, as a number from 1 to n
CREATE FUNCTION pg_temp.any_of(n bigint) RETURNS bigint LANGUAGE sql VOLATILE AS 'SELECT 1 + floor(random() * n)::bigint';
INSERT INTO child
SELECT g, pg_temp.any_of(:big_rows), CASE WHEN random() < 0.3 THEN pg_temp.any_of(:big_rows) END,
       md5(pg_temp.any_of(500)::text)::uuid, 'item-' || pg_temp.any_of(:code_rows), pg_temp.any_of(3000),
       pair / 10, pair % 10
FROM (SELECT g, pg_temp.any_of(:pair_rows) AS pair FROM generate_series(1, :child_rows) g OFFSET 0) s;
-- Sets the hint bits and the visibility map, so that no measure pays for that.
VACUUM ANALYZE;

CREATE TABLE bench.fact AS SELECT count(*) AS child_rows, count(big_sparse) AS sparse_rows FROM child;

CREATE FUNCTION bench.add_keys(child regclass) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('ALTER TABLE %s
        ADD CONSTRAINT fk_big FOREIGN KEY (big) REFERENCES p_big NOT VALID,
        ADD CONSTRAINT fk_big_sparse FOREIGN KEY (big_sparse) REFERENCES p_big NOT VALID,
        ADD CONSTRAINT fk_uid FOREIGN KEY (uid) REFERENCES p_uid NOT VALID,
        ADD CONSTRAINT fk_code FOREIGN KEY (code) REFERENCES p_code NOT VALID,
        ADD CONSTRAINT fk_num FOREIGN KEY (num) REFERENCES p_num NOT VALID,
        ADD CONSTRAINT fk_pair FOREIGN KEY (pair_a, pair_b) REFERENCES p_pair NOT VALID', child);
END $$;

CREATE FUNCTION bench.drop_keys(child regclass, keep text DEFAULT '') RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    key name;
BEGIN
    FOR key IN SELECT conname FROM pg_constraint WHERE conrelid = child AND contype = 'f' AND conname <> keep LOOP
        EXECUTE format('ALTER TABLE %s DROP CONSTRAINT %I', child, key);
    END LOOP;
END $$;

-- The same keys as a plan that deployment puts into the catalog, none of them there yet.
CREATE FUNCTION bench.plan_keys() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM bench.drop_keys('child');
    PERFORM sg_plan_create('bench', replace => true);
    PERFORM sg_plan_add_fk('bench', 'child', columns, parent, fk_name => key, orphans => 'leave', index => false)
    FROM (VALUES ('fk_big', ARRAY['big'], 'p_big'),
                 ('fk_big_sparse', ARRAY['big_sparse'], 'p_big'),
                 ('fk_uid', ARRAY['uid'], 'p_uid'),
                 ('fk_code', ARRAY['code'], 'p_code'),
                 ('fk_num', ARRAY['num'], 'p_num'),
                 ('fk_pair', ARRAY['pair_a', 'pair_b'], 'p_pair')) k (key, columns, parent);
END $$;

CREATE FUNCTION bench.valid_keys() RETURNS bigint LANGUAGE sql AS $$
    SELECT count(*) FROM pg_constraint WHERE conrelid = 'child'::regclass AND contype = 'f' AND convalidated;
$$;

SELECT bench.add_keys('child');
