-- The same by the method sql, with log and ledger
SET schemaguard.audit_method = sql;
SELECT * FROM bench.repeat_audit('small_child', 500) \gset
RESET schemaguard.audit_method;
SELECT bench.take(:'variant', :round, :seconds, :'method');
SELECT bench.expect('small tables, sql', :keys = 500 AND :passed = 500 AND :rows_checked = 500 * 100);
