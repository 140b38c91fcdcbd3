-- The audit of the six keys of :table, which has :rows rows
SELECT clock_timestamp() AS began \gset
SELECT count(*) AS keys, count(*) FILTER (WHERE result = 'pass' AND orphan_rows = 0) AS passed,
       coalesce(min(rows_checked), -1) AS fewest, coalesce(max(rows_checked), -1) AS most,
       string_agg(DISTINCT coalesce(method, '-'), ', ') AS method
FROM sg_orphan_audit_details(:'table') \gset
SELECT bench.take(:'variant', :round, extract(epoch FROM clock_timestamp() - :'began'::timestamptz), :'method');
SELECT bench.expect('audit', :keys = 6 AND :passed = 6 AND :fewest = :rows AND :most = :rows);
