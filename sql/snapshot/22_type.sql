WITH
range AS (
    SELECT r.*
    FROM (VALUES (0::oid)) d (rngmultitypid),
        LATERAL (SELECT r.rngtypid, r.rngsubtype, r.rngcollation, r.rngsubopc, r.rngcanonical, r.rngsubdiff,
            rngmultitypid FROM pg_range r OFFSET 0) r
)
SELECT CASE t.typtype WHEN 'd' THEN 'domain' ELSE 'type' END, n.identity, t.typname::text, NULL, n.identity,
    CASE t.typtype
        WHEN 'd' THEN jsonb_strip_nulls(jsonb_build_object('type', format_type(t.typbasetype, t.typtypmod),
            'not_null', t.typnotnull,
            'collation', CASE WHEN t.typcollation <> b.typcollation THEN cl.identity END, 'default',
                CASE WHEN db.objid IS NULL THEN pg_get_expr(t.typdefaultbin, 0) END, 'unknown', db.reason))
        WHEN 'e' THEN jsonb_build_object('type', 'enum', 'labels', coalesce(l.labels, '[]'))
        WHEN 'c' THEN jsonb_build_object('type', 'composite', 'attributes', coalesce(a.columns, '[]'))
            || CASE WHEN a.comments IS NULL THEN '{}' ELSE jsonb_build_object('attribute_comments', a.comments) END
            || CASE WHEN d.attnums IS NULL THEN '{}' ELSE jsonb_build_object('dropped_attributes', d.attnums) END
        WHEN 'r' THEN jsonb_strip_nulls(jsonb_build_object('type', 'range', 'subtype',
            format_type(g.rngsubtype, NULL),
            'operator_class', CASE WHEN NOT oc.opcdefault THEN quote_ident(ocn.nspname) || '.'
                || quote_ident(oc.opcname) END,
            'collation', rc.identity,
            'canonical', CASE WHEN g.rngcanonical::oid <> 0 THEN g.rngcanonical::text END,
            'difference', CASE WHEN g.rngsubdiff::oid <> 0 THEN g.rngsubdiff::text END,
            'multirange', CASE WHEN g.rngmultitypid <> 0 THEN format_type(g.rngmultitypid, NULL) END))
        WHEN 'p' THEN '{"type": "shell"}'
        ELSE jsonb_strip_nulls(jsonb_build_object('type', 'base', 'input', t.typinput::text, 'output',
            t.typoutput::text,
            'length', t.typlen, 'category', t.typcategory, 'alignment', t.typalign, 'storage', t.typstorage,
                'by_value', t.typbyval,
            'default', t.typdefault, 'element', CASE WHEN t.typelem <> 0 THEN format_type(t.typelem, NULL) END,
            'preferred', CASE WHEN t.typispreferred THEN true END, 'delimiter', nullif(t.typdelim, ','),
            'collatable', CASE WHEN t.typcollation <> 0 THEN true END,
            'receive', CASE WHEN t.typreceive::oid <> 0 THEN t.typreceive::text END,
            'send', CASE WHEN t.typsend::oid <> 0 THEN t.typsend::text END,
            'modifier_input', CASE WHEN t.typmodin::oid <> 0 THEN t.typmodin::text END,
            'modifier_output', CASE WHEN t.typmodout::oid <> 0 THEN t.typmodout::text END,
            'analyze', CASE WHEN t.typanalyze::oid <> 0 THEN t.typanalyze::text END,
            -- majors before 14 have none for arrays
            'subscript', (SELECT x.typsubscript::text
                FROM (VALUES (0::oid::regproc)) d (typsubscript),
                    LATERAL (SELECT typsubscript FROM pg_type b WHERE b.oid = t.oid OFFSET 0) x
                WHERE x.typsubscript::oid <> 0 AND x.typsubscript::text NOT LIKE '%array_subscript_handler')))
    END
    || jsonb_strip_nulls(jsonb_build_object('owner', quote_ident(pg_get_userbyid(t.typowner)), 'acl', p.acl, 'grantors',
        w.grantors,
        'comment', coalesce(c.description, rc2.description), 'extension', e.extension)),
    'pg_type'::regclass, t.oid, 0
FROM pg_type t
JOIN nsp n ON n.oid = t.typnamespace
LEFT JOIN rel r ON r.oid = t.typrelid AND r.relkind = 'c'
LEFT JOIN broken db ON db.catalog = 'type' AND db.objid = t.oid
LEFT JOIN pg_type el ON el.typarray = t.oid
LEFT JOIN pg_type b ON b.oid = t.typbasetype
LEFT JOIN coll cl ON cl.oid = t.typcollation
LEFT JOIN (SELECT l.enumtypid, jsonb_agg(l.enumlabel ORDER BY l.enumsortorder) AS labels
    FROM pg_enum l GROUP BY l.enumtypid) l ON l.enumtypid = t.oid
LEFT JOIN attributes a ON a.attrelid = r.oid
LEFT JOIN gone d ON d.attrelid = r.oid
LEFT JOIN range g ON g.rngtypid = t.oid
LEFT JOIN pg_opclass oc ON oc.oid = g.rngsubopc
LEFT JOIN pg_namespace ocn ON ocn.oid = oc.opcnamespace
LEFT JOIN coll rc ON rc.oid = g.rngcollation
LEFT JOIN ext e ON e.classid = 'pg_type'::regclass AND e.objid = t.oid
LEFT JOIN com c ON c.classoid = 'pg_type'::regclass AND c.objoid = t.oid
LEFT JOIN com rc2 ON rc2.classoid = 'pg_class'::regclass AND rc2.objoid = r.oid AND rc2.objsubid = 0
LEFT JOIN acl p ON p.classid = 'pg_type'::regclass AND p.objid = t.oid
LEFT JOIN grantor w ON w.classid = 'pg_type'::regclass AND w.objid = t.oid
WHERE (t.typtype IN ('e', 'd', 'r') OR t.typtype = 'c' AND r.oid IS NOT NULL OR t.typtype IN ('b', 'p')
    AND el.oid IS NULL)
