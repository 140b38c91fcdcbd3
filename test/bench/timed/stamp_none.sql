-- 100,000 rows are updated, no trigger: seconds of the processor
VACUUM stamp_none;
SELECT bench.processor() AS began \gset
UPDATE stamp_none SET status = 'round ' || :round;
SELECT bench.take(:'variant', :round, bench.processor() - :began);
SELECT bench.expect('all rows are updated', count(*) = 100000) FROM stamp_none WHERE status = 'round ' || :round;
