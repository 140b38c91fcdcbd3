-- The keys are added and validated
SELECT clock_timestamp() AS began \gset
CALL sg_add_fks('bench');
SELECT bench.take(:'variant', :round, extract(epoch FROM clock_timestamp() - :'began'::timestamptz));
SELECT bench.expect('keys are added', count(*) = :rollback_keys) FROM pg_constraint WHERE contype = 'f' AND convalidated;
