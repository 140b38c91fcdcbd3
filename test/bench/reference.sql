-- Before the reference data set is measured: is it in memory, do the workers come, and does the engine find what is wrong?
CREATE FUNCTION pg_temp.explain(query text) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
    plan jsonb;
BEGIN
    EXECUTE 'EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) ' || query INTO plan;
    RETURN plan -> 0 -> 'Plan';
END $$;
SELECT pg_temp.explain('SELECT count(big), count(uid), count(code), count(num), count(pair_a) FROM child') AS plan \gset
SELECT bench.expect('the child is in shared_buffers', (:'plan'::jsonb ->> 'Shared Read Blocks')::bigint = 0);
SELECT bench.expect('every worker comes', coalesce(jsonb_path_query_first(:'plan', '$.**."Workers Launched"')::int, 0) = :workers);

SET session_replication_role = replica;
INSERT INTO child SELECT 0, -1, -1, md5('')::uuid, '', -1, -1, -1;
RESET session_replication_role;
SELECT bench.expect('the audit finds an orphan of each key',
                    count(*) = 6 AND every(result = 'fail' AND orphan_rows = 1 AND orphan_keys = 1
                                           AND rows_checked = child_rows + 1))
FROM sg_orphan_audit_details('child'), bench.fact;
SELECT bench.plan_keys();
CALL sg_add_fks('bench', validate => false);
SET schemaguard.validate_with = scan;
CALL sg_add_fks('bench');
RESET schemaguard.validate_with;
SELECT bench.expect('no key with an orphan becomes valid', bench.valid_keys() = 0);
DELETE FROM child WHERE id = 0;
VACUUM child;
SELECT sg_plan_drop('bench');
SELECT bench.drop_keys('child');
SELECT bench.add_keys('child');
