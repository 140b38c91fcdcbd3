-- The audit of 100 keys, looked up in the parent's index; nothing is recorded, as the query records nothing
BEGIN READ ONLY;
SELECT * FROM bench.repeat_audit('few_child', 100) \gset
COMMIT;
SELECT bench.take(:'variant', :round, :seconds, :'method');
SELECT bench.expect('few keys', :keys = 100 AND :passed = 100 AND :rows_checked = 100 * 100 AND :'method' = 'probe');
