-- Reading the columns of the six keys
SELECT clock_timestamp() AS began \gset
SELECT count(big) AS big, count(big_sparse) AS big_sparse, count(uid) AS uid, count(code) AS code, count(num) AS num,
       count(pair_a) AS pair_a, count(pair_b) AS pair_b
FROM child \gset
SELECT bench.take(:'variant', :round, extract(epoch FROM clock_timestamp() - :'began'::timestamptz));
SELECT bench.expect('reading', :big = child_rows AND :big_sparse = sparse_rows AND :uid = child_rows
                    AND :code = child_rows AND :num = child_rows AND :pair_a = child_rows AND :pair_b = child_rows)
FROM bench.fact;
