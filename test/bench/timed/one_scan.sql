-- The audit of the one key that is left, by reading the table
SELECT * FROM bench.repeat_audit('child', 1) \gset
SELECT bench.take(:'variant', :round, :seconds, :'method');
SELECT bench.expect('one key, by a scan', :keys = 1 AND :passed = 1 AND :rows_checked = :child_rows);
