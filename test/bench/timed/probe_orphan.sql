-- The audit of 100 keys of which the index does not lead to one: the parent is read for it
BEGIN READ ONLY;
SELECT * FROM bench.repeat_audit('orphan_child', 3) \gset
COMMIT;
SELECT bench.take(:'variant', :round, :seconds, :'method');
SELECT bench.expect('few keys and an orphan', :keys = 3 AND :passed = 0 AND :rows_checked = 3 * 100 AND :'method' = 'probe');
