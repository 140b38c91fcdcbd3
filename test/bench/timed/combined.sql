-- All six keys in one query, parallel: one scan of the child, a hash join for each key
SELECT clock_timestamp() AS began \gset
SELECT count(*) AS rows,
       count(*) FILTER (WHERE c.big IS NOT NULL AND k1.id IS NULL) AS big,
       count(*) FILTER (WHERE c.big_sparse IS NOT NULL AND k2.id IS NULL) AS big_sparse,
       count(*) FILTER (WHERE c.uid IS NOT NULL AND k3.id IS NULL) AS uid,
       count(*) FILTER (WHERE c.code IS NOT NULL AND k4.code IS NULL) AS code,
       count(*) FILTER (WHERE c.num IS NOT NULL AND k5.id IS NULL) AS num,
       count(*) FILTER (WHERE c.pair_a IS NOT NULL AND c.pair_b IS NOT NULL AND k6.a IS NULL) AS pair
FROM child c
     LEFT JOIN p_big k1 ON k1.id = c.big
     LEFT JOIN p_big k2 ON k2.id = c.big_sparse
     LEFT JOIN p_uid k3 ON k3.id = c.uid
     LEFT JOIN p_code k4 ON k4.code = c.code
     LEFT JOIN p_num k5 ON k5.id = c.num
     LEFT JOIN p_pair k6 ON k6.a = c.pair_a AND k6.b = c.pair_b \gset
SELECT bench.take(:'variant', :round, extract(epoch FROM clock_timestamp() - :'began'::timestamptz));
SELECT bench.expect('combined query', :rows = child_rows AND :big + :big_sparse + :uid + :code + :num + :pair = 0)
FROM bench.fact;
