-- 114 tables and the 226 keys that they lack, two for each table but the first, both to tables before it. As in a real
-- database, few tables hold most of the rows. No row is an orphan; b is null in a fifth of the rows.
\echo data: 226 keys, :plan_rows rows
SELECT setseed(0.5);
CREATE TABLE bench.key (n int, child text, col text, parent text, name text);
CREATE FUNCTION pg_temp.make_tables(total bigint) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    rows int[];
    parents int[];
BEGIN
    -- the tables' ranks by size, in an order that does not follow that of the keys
    SELECT array_agg(greatest(10, (total / (1 + i * 37 % 114) / 5.32)::int) ORDER BY i) INTO rows FROM generate_series(0, 113) i;
    FOR i IN 0 .. 113 LOOP
        parents := ARRAY[(hashint4(i) & 2147483647) % greatest(i, 1), (hashint4(i + 1000) & 2147483647) % greatest(i, 1)];
        EXECUTE format('CREATE TABLE t_%s (id bigint, a bigint, b bigint, note text)', i);
        EXECUTE format('INSERT INTO t_%s SELECT g, 1 + floor(random() * %s), CASE WHEN random() < 0.8 THEN 1 + floor(random() * %s) END,
                        ''note '' || g FROM generate_series(1, %s) g', i, rows[parents[1] + 1], rows[parents[2] + 1], rows[i + 1]);
        EXECUTE format('ALTER TABLE t_%s ADD PRIMARY KEY (id)', i);
        IF i > 0 THEN
            INSERT INTO bench.key SELECT 2 * i + k, 't_' || i, c, 't_' || parents[k], format('t_%s_%s', i, c)
            FROM (VALUES (1, 'a'), (2, 'b')) v (k, c);
        END IF;
    END LOOP;
END $$;
SELECT pg_temp.make_tables(:plan_rows);
VACUUM ANALYZE;
SELECT bench.expect('226 keys', count(*) = 226) FROM bench.key;

CREATE FUNCTION bench.valid_keys() RETURNS bigint LANGUAGE sql AS $$
    SELECT count(*) FROM pg_constraint c JOIN bench.key k ON c.conname = k.name WHERE c.contype = 'f' AND c.convalidated;
$$;

CREATE FUNCTION bench.plan_keys() RETURNS void LANGUAGE sql AS $$
    SELECT sg_plan_create('bench', replace => true);
    SELECT count(sg_plan_add_fk('bench', child, ARRAY[col], parent, fk_name => name, index => false))
    FROM (SELECT * FROM bench.key ORDER BY n) k;
$$;

CREATE FUNCTION bench.drop_keys() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    k record;
BEGIN
    FOR k IN SELECT * FROM bench.key LOOP
        EXECUTE format('ALTER TABLE %I DROP CONSTRAINT %I', k.child, k.name);
    END LOOP;
END $$;

-- Background workers, where this version has them
CREATE FUNCTION bench.set_workers(n int) RETURNS void LANGUAGE sql AS $$
    SELECT set_config(name, n::text, false) FROM pg_settings WHERE name = 'schemaguard.workers';
$$;

-- What is planted must be found before the clock counts.
INSERT INTO t_113 VALUES (0, -1, -1);
SELECT bench.plan_keys();
CALL sg_add_fks('bench');
SELECT bench.expect('two keys with an orphan are not added', bench.valid_keys() = 224 AND count(*) = 2)
FROM schemaguard.plan_step WHERE plan = 'bench' AND state = 'failed' AND child_table = 'public.t_113';
DELETE FROM t_113 WHERE id = 0;
CALL sg_add_fks('bench');
SELECT bench.expect('all keys are valid', bench.valid_keys() = 226);
SELECT bench.drop_keys();
VACUUM t_113;
CHECKPOINT;
