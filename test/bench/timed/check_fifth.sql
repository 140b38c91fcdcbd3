-- Preflight of a plan of a fifth of the steps
SELECT clock_timestamp() AS began \gset
SELECT count(*) FILTER (WHERE check_name = 'overlap') AS checked FROM sg_plan_check_details('check_fifth') \gset
SELECT bench.take(:'variant', :round, extract(epoch FROM clock_timestamp() - :'began'::timestamptz));
SELECT bench.expect('the steps are checked', :checked = :rollback_keys / 25 * 5);
