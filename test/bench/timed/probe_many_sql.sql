-- An anti-join for many keys
SELECT * FROM bench.repeat_sql('SELECT count(*) FROM many_child c WHERE parent_id IS NOT NULL AND NOT EXISTS (SELECT FROM big_parent p WHERE p.id = c.parent_id)', 1) \gset
SELECT bench.take(:'variant', :round, :seconds);
SELECT bench.expect('many keys by SQL', :rows_checked = 0);
