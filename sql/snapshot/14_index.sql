SELECT 'index', i.schema, i.relname::text, NULL, i.table_identity,
    jsonb_strip_nulls(jsonb_build_object('access_method', i.amname, 'unique', i.indisunique,
        'columns', k.columns, 'expressions', k.expressions, 'include', k.include,
        'operator_classes', CASE WHEN k.has_operator_classes THEN k.operator_classes END,
        'operator_class_options', (SELECT jsonb_object_agg(a.attnum::text, to_jsonb(a.attoptions))
            FROM pg_attribute a WHERE a.attrelid = i.indexrelid AND a.attnum BETWEEN 1 AND i.indnkeyatts
                AND a.attoptions IS NOT NULL),
        'collations', CASE WHEN k.has_collations THEN k.collations END,
        'ordering', CASE WHEN k.has_ordering THEN k.ordering END,
        'predicate', CASE WHEN NOT i.waits THEN pg_get_expr(i.indpred, i.indrelid) END,
        'nulls_not_distinct', CASE WHEN i.indnullsnotdistinct THEN true END,
        'valid', i.indisvalid,
        'clustered', CASE WHEN i.indisclustered THEN true END,
        'replica_identity', CASE WHEN i.indisreplident THEN true END,
        'options', to_jsonb(i.reloptions),
        'tablespace', s.spcname,
        'statistics', (SELECT jsonb_object_agg(a.attnum::text, a.attstattarget)
            FROM pg_attribute a WHERE a.attrelid = i.indexrelid AND a.attnum > 0 AND a.attstattarget >= 0),
        'partition_of', p.identity,
        'automatic_name', CASE WHEN CASE WHEN octet_length(i.table_name || '_' || k.joined || '_idx') < 64
            THEN left(i.relname, length(i.table_name || '_' || k.joined || '_idx')) = i.table_name || '_' || k.joined || '_idx'
                AND ltrim(substr(i.relname, length(i.table_name || '_' || k.joined || '_idx') + 1), '0123456789') = ''
            -- of the beginnings of both, by bytes
            ELSE EXISTS (SELECT FROM generate_series(1, length(i.table_name)) n (n),
                    regexp_replace(i.relname, '_idx[0-9]*$', '_idx') r (name)
                WHERE length(r.name) > n.n + 5 AND r.name = left(i.table_name, n.n) || '_'
                    || left(k.joined, length(r.name) - n.n - 5) || '_idx') END
                THEN true END,
        'comment', c.description, 'extension', i.extension,
        'unknown', CASE WHEN i.waits THEN i.trouble END)),
    'pg_class'::regclass, i.indexrelid, 0
FROM ind i
LEFT JOIN ind_key k ON k.indexrelid = i.indexrelid
LEFT JOIN pg_tablespace s ON s.oid = i.reltablespace
LEFT JOIN (SELECT p.oid, p.identity FROM place p WHERE p.oid IN (SELECT i.inhparent FROM inh i)) p
    ON p.oid = i.inhparent
LEFT JOIN com c ON c.classoid = 'pg_class'::regclass AND c.objoid = i.indexrelid AND c.objsubid = 0
WHERE i.constraint_oid IS NULL
