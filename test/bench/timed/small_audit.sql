-- The audit of the key between small tables, where nothing may be recorded, as the query records nothing
BEGIN READ ONLY;
SELECT * FROM bench.repeat_audit('small_child', 500) \gset
COMMIT;
SELECT bench.take(:'variant', :round, :seconds, :'method');
SELECT bench.expect('small tables', :keys = 500 AND :passed = 500 AND :rows_checked = 500 * 100);
