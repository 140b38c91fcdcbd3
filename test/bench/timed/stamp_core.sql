-- 100,000 rows are updated, a trigger of the server that leaves the row as it is: seconds of the processor
VACUUM stamp_core;
SELECT bench.processor() AS began \gset
UPDATE stamp_core SET status = 'round ' || :round;
SELECT bench.take(:'variant', :round, bench.processor() - :began);
SELECT bench.expect('all rows are updated', count(*) = 100000) FROM stamp_core WHERE status = 'round ' || :round;
