-- The audit of the whole database
SELECT clock_timestamp() AS began \gset
SELECT count(*) AS keys, count(*) FILTER (WHERE result = 'pass' AND orphan_rows = 0 AND rows_checked = 100) AS passed,
       string_agg(DISTINCT coalesce(method, '-'), ', ') AS method
FROM sg_orphan_audit_details() \gset
SELECT bench.take(:'variant', :round, extract(epoch FROM clock_timestamp() - :'began'::timestamptz), :'method');
SELECT bench.expect('many tables', :keys = 3 * :tables AND :passed = 3 * :tables);
