-- 100,000 rows are updated, sg_stamp_row: seconds of the processor
VACUUM stamp_c;
SELECT bench.processor() AS began \gset
UPDATE stamp_c SET status = 'round ' || :round;
SELECT bench.take(:'variant', :round, bench.processor() - :began);
SELECT bench.expect('all rows are updated', count(*) = 100000) FROM stamp_c WHERE status = 'round ' || :round;
