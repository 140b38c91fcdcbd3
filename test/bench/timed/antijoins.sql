-- Six anti-joins, one after the other, each parallel
SELECT clock_timestamp() AS began \gset
SELECT count(*) AS big FROM child c
WHERE big IS NOT NULL AND NOT EXISTS (SELECT FROM p_big p WHERE p.id = c.big) \gset
SELECT count(*) AS big_sparse FROM child c
WHERE big_sparse IS NOT NULL AND NOT EXISTS (SELECT FROM p_big p WHERE p.id = c.big_sparse) \gset
SELECT count(*) AS uid FROM child c
WHERE uid IS NOT NULL AND NOT EXISTS (SELECT FROM p_uid p WHERE p.id = c.uid) \gset
SELECT count(*) AS code FROM child c
WHERE code IS NOT NULL AND NOT EXISTS (SELECT FROM p_code p WHERE p.code = c.code) \gset
SELECT count(*) AS num FROM child c
WHERE num IS NOT NULL AND NOT EXISTS (SELECT FROM p_num p WHERE p.id = c.num) \gset
SELECT count(*) AS pair FROM child c
WHERE pair_a IS NOT NULL AND pair_b IS NOT NULL
      AND NOT EXISTS (SELECT FROM p_pair p WHERE p.a = c.pair_a AND p.b = c.pair_b) \gset
SELECT bench.take(:'variant', :round, extract(epoch FROM clock_timestamp() - :'began'::timestamptz));
SELECT bench.expect('anti-joins', :big + :big_sparse + :uid + :code + :num + :pair = 0);
