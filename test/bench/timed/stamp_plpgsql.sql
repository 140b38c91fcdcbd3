-- The same by a trigger in PL/pgSQL
VACUUM stamp_plpgsql;
SELECT bench.processor() AS began \gset
UPDATE stamp_plpgsql SET status = 'round ' || :round;
SELECT bench.take(:'variant', :round, bench.processor() - :began);
SELECT bench.expect('all rows are updated', count(*) = 100000) FROM stamp_plpgsql WHERE status = 'round ' || :round;
