-- The audit of many keys: both tables are read
BEGIN READ ONLY;
SELECT * FROM bench.repeat_audit('many_child', 1) \gset
COMMIT;
SELECT bench.take(:'variant', :round, :seconds, :'method');
SELECT bench.expect('many keys', :keys = 1 AND :passed = 1 AND :rows_checked = :probe_keys);
