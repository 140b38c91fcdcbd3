-- The query that the method "sql" generates for the key between small tables, parsed and planned each time
SELECT * FROM bench.repeat_sql($$
    SELECT s.o, pg_catalog.count(*),
           CASE WHEN s.o THEN pg_catalog.jsonb_build_object('parent_id', s.k1) END
    FROM (SELECT b.o, CASE WHEN b.o THEN b.k1 END AS k1
          FROM (SELECT (fk.parent_id IS DISTINCT FROM NULL) AND pk.id IS NOT DISTINCT FROM NULL AS o, fk.parent_id AS k1
                FROM ONLY public.small_child fk
                     LEFT JOIN ONLY public.small_parent pk ON (pk.id OPERATOR(pg_catalog.=) fk.parent_id)) b) s
    GROUP BY s.o, s.k1$$, 500) \gset
SELECT bench.take(:'variant', :round, :seconds);
SELECT bench.expect('generated SQL', :rows_checked = 500 * 100);
