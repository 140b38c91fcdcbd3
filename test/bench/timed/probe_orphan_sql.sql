-- What is compared with it: the anti-join, and one read of the parent's column
SELECT * FROM bench.repeat_sql('SELECT (SELECT count(*) FROM orphan_child c WHERE parent_id IS NOT NULL AND NOT EXISTS (SELECT FROM big_parent p WHERE p.id = c.parent_id))'
  ' + count(id) AS count FROM big_parent', 3) \gset
SELECT bench.take(:'variant', :round, :seconds);
SELECT bench.expect('few keys and an orphan by SQL', :rows_checked = 3 * (:probe_rows::bigint + 1));
