SELECT 'text search template', n.identity, t.tmplname::text, NULL::text, n.identity,
    jsonb_strip_nulls(jsonb_build_object('init', CASE WHEN t.tmplinit::oid <> 0 THEN t.tmplinit::text END,
        'lexize', t.tmpllexize::text, 'comment', c.description, 'extension', e.extension)),
    'pg_ts_template'::regclass, t.oid, 0
FROM pg_ts_template t
JOIN nsp n ON n.oid = t.tmplnamespace
LEFT JOIN ext e ON e.classid = 'pg_ts_template'::regclass AND e.objid = t.oid
LEFT JOIN com c ON c.classoid = 'pg_ts_template'::regclass AND c.objoid = t.oid
