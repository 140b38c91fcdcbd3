-- The document of sg_health(), as an endpoint asks again
SELECT clock_timestamp() AS began \gset
SELECT jsonb_array_length(sg_health() -> 'subjects') AS subjects \gset
SELECT bench.take(:'variant', :round, extract(epoch FROM clock_timestamp() - :'began'::timestamptz));
SELECT bench.expect('the health of many tables', :subjects = 9);
