-- All anti-joins in one block
SELECT clock_timestamp() AS began \gset
SELECT * FROM bench.all_antijoins() \gset
SELECT bench.take(:'variant', :round, extract(epoch FROM clock_timestamp() - :'began'::timestamptz));
SELECT bench.expect('all anti-joins', :keys = 3 * :tables AND :orphans = 0);
