-- The audit of the key between small tables
SELECT * FROM bench.repeat_audit('small_child', 500) \gset
SELECT bench.take(:'variant', :round, :seconds, :'method');
SELECT bench.expect('small tables', :keys = 500 AND :passed = 500 AND :rows_checked = 500 * 100);
