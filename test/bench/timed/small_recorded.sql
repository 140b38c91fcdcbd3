-- The same with log and ledger
SELECT * FROM bench.repeat_audit('small_child', 500) \gset
SELECT bench.take(:'variant', :round, :seconds, :'method');
SELECT bench.expect('small tables, recorded', :keys = 500 AND :passed = 500 AND :rows_checked = 500 * 100);
