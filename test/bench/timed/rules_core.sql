-- Nine times VALIDATE. NOT NULL comes from a CHECK that says so, which keeps the application from waiting while the table is read
SELECT bench.add_rules();
SELECT clock_timestamp() AS began \gset
ALTER TABLE child VALIDATE CONSTRAINT fk_big;
ALTER TABLE child VALIDATE CONSTRAINT fk_uid;
ALTER TABLE child VALIDATE CONSTRAINT fk_code;
ALTER TABLE child VALIDATE CONSTRAINT fk_num;
ALTER TABLE child VALIDATE CONSTRAINT amount_fits;
ALTER TABLE child VALIDATE CONSTRAINT ends_later;
ALTER TABLE child VALIDATE CONSTRAINT state_known;
ALTER TABLE child VALIDATE CONSTRAINT id_there;
ALTER TABLE child ALTER id SET NOT NULL, DROP CONSTRAINT id_there;
ALTER TABLE child VALIDATE CONSTRAINT state_there;
ALTER TABLE child ALTER state SET NOT NULL, DROP CONSTRAINT state_there;
SELECT bench.take(:'variant', :round, extract(epoch FROM clock_timestamp() - :'began'::timestamptz));
SELECT bench.expect('VALIDATE', count(*) = 7) FROM pg_constraint WHERE conrelid = 'child'::regclass AND convalidated AND contype IN ('c', 'f');
SELECT bench.drop_rules();
