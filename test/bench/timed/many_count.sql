-- The declared keys, counted
SELECT clock_timestamp() AS began \gset
SELECT count(*) AS keys FROM pg_constraint WHERE contype = 'f' \gset
SELECT bench.take(:'variant', :round, extract(epoch FROM clock_timestamp() - :'began'::timestamptz));
SELECT bench.expect('the keys, counted', :keys = 20 * :tables);
