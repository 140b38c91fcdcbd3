-- How everything is, as a session asks again
SELECT clock_timestamp() AS began \gset
SELECT count(*) AS subjects FROM sg_status() \gset
SELECT bench.take(:'variant', :round, extract(epoch FROM clock_timestamp() - :'began'::timestamptz));
SELECT bench.expect('the status of many tables', :subjects = 9);
