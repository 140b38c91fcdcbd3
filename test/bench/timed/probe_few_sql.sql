-- An anti-join for 100 keys, planned each time: a nested loop over the parent's index
SELECT * FROM bench.repeat_sql('SELECT count(*) FROM few_child c WHERE parent_id IS NOT NULL AND NOT EXISTS (SELECT FROM big_parent p WHERE p.id = c.parent_id)', 100) \gset
SELECT bench.take(:'variant', :round, :seconds);
SELECT bench.expect('few keys by SQL', :rows_checked = 0);
