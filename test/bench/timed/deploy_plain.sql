-- ALTER TABLE ... ADD FOREIGN KEY, 226 times
SELECT clock_timestamp() AS began \gset
SELECT format('ALTER TABLE %I ADD CONSTRAINT %I FOREIGN KEY (%I) REFERENCES %I', child, name, col, parent) FROM bench.key ORDER BY n \gexec
SELECT bench.take(:'variant', :round, extract(epoch FROM clock_timestamp() - :'began'::timestamptz));
SELECT bench.expect('plain', bench.valid_keys() = 226);
SELECT bench.drop_keys();
CHECKPOINT;
