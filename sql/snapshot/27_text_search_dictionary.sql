SELECT 'text search dictionary', n.identity, d.dictname::text, NULL::text, n.identity,
    jsonb_strip_nulls(jsonb_build_object('owner', quote_ident(pg_get_userbyid(d.dictowner)), 'template',
        quote_ident(tn.nspname) || '.' || quote_ident(t.tmplname),
        'options', d.dictinitoption, 'comment', c.description, 'extension', e.extension)),
    'pg_ts_dict'::regclass, d.oid, 0
FROM pg_ts_dict d
JOIN nsp n ON n.oid = d.dictnamespace
JOIN pg_ts_template t ON t.oid = d.dicttemplate
JOIN pg_namespace tn ON tn.oid = t.tmplnamespace
LEFT JOIN ext e ON e.classid = 'pg_ts_dict'::regclass AND e.objid = d.oid
LEFT JOIN com c ON c.classoid = 'pg_ts_dict'::regclass AND c.objoid = d.oid
