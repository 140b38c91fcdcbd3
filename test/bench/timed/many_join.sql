-- The declared keys, joined to their triggers
SELECT clock_timestamp() AS began \gset
SELECT count(*) AS keys FROM pg_constraint k
    JOIN (SELECT tgconstraint, bool_and(tgenabled IN ('O', 'A')) AS enabled FROM pg_trigger GROUP BY tgconstraint) t ON t.tgconstraint = k.oid
WHERE k.contype = 'f' AND t.enabled \gset
SELECT bench.take(:'variant', :round, extract(epoch FROM clock_timestamp() - :'began'::timestamptz));
SELECT bench.expect('the keys with their triggers', :keys = 20 * :tables);
