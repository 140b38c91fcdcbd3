-- Core's six VALIDATEs; afterwards the keys are NOT VALID again
SELECT clock_timestamp() AS began \gset
ALTER TABLE child VALIDATE CONSTRAINT fk_big;
ALTER TABLE child VALIDATE CONSTRAINT fk_big_sparse;
ALTER TABLE child VALIDATE CONSTRAINT fk_uid;
ALTER TABLE child VALIDATE CONSTRAINT fk_code;
ALTER TABLE child VALIDATE CONSTRAINT fk_num;
ALTER TABLE child VALIDATE CONSTRAINT fk_pair;
SELECT bench.take(:'variant', :round, extract(epoch FROM clock_timestamp() - :'began'::timestamptz));
SELECT bench.expect('VALIDATE', bench.valid_keys() = 6);
SELECT bench.drop_keys('child');
SELECT bench.add_keys('child');
