WITH
published AS (
    SELECT r.prpubid, c.identity, r.prexcept AS excepted,
        (SELECT jsonb_agg(a.attname ORDER BY a.attnum) FROM pg_attribute a WHERE a.attrelid = r.prrelid
            AND a.attnum = ANY (r.prattrs::int2[])) AS columns,
        CASE WHEN t.locked IS NOT TRUE THEN pg_get_expr(r.prqual, r.prrelid) END AS filter,
        CASE WHEN t.locked AND r.prqual IS NOT NULL THEN t.trouble END AS trouble
    FROM (VALUES (NULL::int2vector, NULL::pg_node_tree, false)) d (prattrs, prqual, prexcept),
        LATERAL (SELECT r.prpubid, r.prrelid, prattrs, prqual, prexcept FROM pg_publication_rel r OFFSET 0) r
    JOIN place c ON c.oid = r.prrelid
    LEFT JOIN rel t ON t.oid = c.oid
)
SELECT 'publication', NULL::text, p.pubname::text, NULL::text, NULL::text,
    jsonb_strip_nulls(jsonb_build_object('owner', quote_ident(pg_get_userbyid(p.pubowner)), 'all_tables', p.puballtables,
        'all_sequences', CASE WHEN p.puballsequences THEN true END,
        'publish', to_jsonb(array_remove(ARRAY[CASE WHEN p.pubinsert THEN 'insert' END,
            CASE WHEN p.pubupdate THEN 'update' END,
            CASE WHEN p.pubdelete THEN 'delete' END, CASE WHEN p.pubtruncate THEN 'truncate' END], NULL)),
        'via_root', CASE WHEN p.pubviaroot THEN true END,
        'generated_columns', CASE p.pubgencols::text WHEN 's' THEN 'stored' END,
        'tables', t.tables, 'except', t.excepted,
        'table_columns', t.columns, 'table_filters', t.filters, 'schemas', s.schemas,
        'comment', c.description, 'extension', e.extension,
        'unknown', replace(t.trouble, 'its table is', 'one of its tables is'))),
    'pg_publication'::regclass, p.oid, 0
FROM (SELECT p.* FROM (VALUES (false, NULL::text, false)) d (pubviaroot, pubgencols, puballsequences),
          LATERAL (SELECT p.oid, p.pubname, p.pubowner, p.puballtables, p.pubinsert, p.pubupdate, p.pubdelete,
              p.pubtruncate,
                  pubviaroot, pubgencols, puballsequences FROM pg_publication p OFFSET 0) p) p
LEFT JOIN (SELECT r.prpubid,
               jsonb_agg(r.identity ORDER BY r.identity COLLATE "C") FILTER (WHERE NOT r.excepted) AS tables,
               jsonb_agg(r.identity ORDER BY r.identity COLLATE "C") FILTER (WHERE r.excepted) AS excepted,
               jsonb_object_agg(r.identity, r.columns) FILTER (WHERE r.columns IS NOT NULL) AS columns,
               jsonb_object_agg(r.identity, r.filter) FILTER (WHERE r.filter IS NOT NULL) AS filters,
                   min(r.trouble) AS trouble
           FROM published r GROUP BY r.prpubid) t ON t.prpubid = p.oid
LEFT JOIN (SELECT d.refobjid, jsonb_agg(n.nspname ORDER BY n.nspname) AS schemas
           FROM pg_depend d
           JOIN pg_depend o ON o.classid = d.classid AND o.objid = d.objid
               AND o.refclassid = 'pg_namespace'::regclass
           JOIN pg_namespace n ON n.oid = o.refobjid
           WHERE d.classid = to_regclass('pg_catalog.pg_publication_namespace')
               AND d.refclassid = 'pg_publication'::regclass
           GROUP BY d.refobjid) s ON s.refobjid = p.oid
LEFT JOIN ext e ON e.classid = 'pg_publication'::regclass AND e.objid = p.oid
LEFT JOIN com c ON c.classoid = 'pg_publication'::regclass AND c.objoid = p.oid
