-- Every candidate of discovery with its signals, for fit.pl. The table pg_temp.truth holds the references.
SELECT c.competition, (t.reference IS NOT NULL)::int, c.reference,
       (SELECT string_agg(s || '=' || v, ';' ORDER BY s) FROM unnest(c.signals, c."values") u (s, v))
FROM (SELECT competition, signals, "values", n1.nspname || '.' || c1.relname || '(' || p.child || ') > '
             || n2.nspname || '.' || c2.relname || '(' || p.parent || ')' AS reference
      FROM schemaguard.sg_discovery_candidates() d
           JOIN pg_class c1 ON c1.oid = d.child_table::regclass JOIN pg_namespace n1 ON n1.oid = c1.relnamespace
           JOIN pg_class c2 ON c2.oid = d.parent_table::regclass JOIN pg_namespace n2 ON n2.oid = c2.relnamespace
           CROSS JOIN LATERAL (SELECT string_agg(c, ',' ORDER BY c) AS child, string_agg(q, ',' ORDER BY c) AS parent
                               FROM unnest(d.child_columns::text[], d.parent_columns::text[]) u (c, q)) p) c
     LEFT JOIN truth t USING (reference)
ORDER BY 1;
SELECT 'truth', reference FROM truth ORDER BY reference;
SELECT 'tables', count(*), (SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND conparentid = 0)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE relkind IN ('r', 'p') AND NOT relispartition AND nspname NOT IN ('pg_catalog', 'information_schema', 'schemaguard')
  AND nspname !~ '^pg_t';
