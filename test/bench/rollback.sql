-- Empty tables, a plan of their keys, and a log that is full of other plans' rows
\echo data: a plan of :rollback_keys keys on empty tables, :log_rows rows of others in the log
CREATE FUNCTION pg_temp.make_plan(n int) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM sg_plan_create('bench');
    FOR i IN 0 .. n / 5 - 1 LOOP
        EXECUTE format('CREATE TABLE t_%s (id int PRIMARY KEY, a int, b int, c int, d int, e int)', i);
    END LOOP;
    FOR i IN 0 .. n / 5 - 1 LOOP
        PERFORM sg_plan_add_fk('bench', format('t_%s', i), ARRAY[c], format('t_%s', (i + 1) % (n / 5)), index => false)
        FROM unnest('{a,b,c,d,e}'::text[]) c;
    END LOOP;
END $$;
SELECT pg_temp.make_plan(:rollback_keys);

-- Plans that are only checked: the same keys with their indexes, and a fifth of these
SELECT sg_plan_create('check_whole'), sg_plan_create('check_fifth');
SELECT count(sg_plan_add_fk(plan, format('t_%s', i), ARRAY[c], format('t_%s', (i + 1) % n)))
FROM (VALUES ('check_whole', :rollback_keys / 5), ('check_fifth', :rollback_keys / 25)) p (plan, n),
     generate_series(0, n - 1) i, unnest('{a,b,c,d,e}'::text[]) c;
INSERT INTO schemaguard.audit_log (run_id, role, plan, step, action, phase, object)
SELECT gen_random_uuid(), 'other', 'other ' || g % 1000, g % 100, 'add', CASE g % 2 WHEN 0 THEN 'started' ELSE 'done' END, 'k ON public.t'
FROM generate_series(1, :log_rows) g;
VACUUM ANALYZE;
SET schemaguard.workers = 0;
SET client_min_messages = error;
