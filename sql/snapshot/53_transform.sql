SELECT 'transform', NULL::text, NULL::text, 'for ' || format_type(t.trftype, NULL) || ' on language '
    || quote_ident(l.lanname), NULL::text,
    jsonb_strip_nulls(jsonb_build_object(
        'from_sql', CASE WHEN t.trffromsql::oid <> 0 THEN t.trffromsql::oid::regprocedure::text END,
        'to_sql', CASE WHEN t.trftosql::oid <> 0 THEN t.trftosql::oid::regprocedure::text END,
        'comment', c.description, 'extension', e.extension)),
    'pg_transform'::regclass, t.oid, 0
FROM pg_transform t
JOIN pg_language l ON l.oid = t.trflang
LEFT JOIN ext e ON e.classid = 'pg_transform'::regclass AND e.objid = t.oid
LEFT JOIN com c ON c.classoid = 'pg_transform'::regclass AND c.objoid = t.oid
