SELECT 'conversion', n.identity, v.conname::text, NULL::text, n.identity,
    jsonb_strip_nulls(jsonb_build_object('owner', quote_ident(pg_get_userbyid(v.conowner)),
        'from', pg_encoding_to_char(v.conforencoding), 'to', pg_encoding_to_char(v.contoencoding),
        'function', v.conproc::text, 'default', CASE WHEN v.condefault THEN true END,
        'comment', c.description, 'extension', e.extension)),
    'pg_conversion'::regclass, v.oid, 0
FROM pg_conversion v
JOIN nsp n ON n.oid = v.connamespace
LEFT JOIN ext e ON e.classid = 'pg_conversion'::regclass AND e.objid = v.oid
LEFT JOIN com c ON c.classoid = 'pg_conversion'::regclass AND c.objoid = v.oid
