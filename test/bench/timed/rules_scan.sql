-- The nine constraints of the table, judged in one pass
SELECT clock_timestamp() AS began \gset
SELECT count(*) AS rules, count(*) FILTER (WHERE result = 'pass') AS passed, min(rows_checked) AS fewest FROM sg_rule_audit('child') \gset
SELECT bench.take(:'variant', :round, extract(epoch FROM clock_timestamp() - :'began'::timestamptz));
SELECT bench.expect('one pass', :rules = 9 AND :passed = 9 AND :fewest = :child_rows);
