SELECT 'access method', NULL::text, m.amname::text, NULL::text, NULL::text,
    jsonb_strip_nulls(jsonb_build_object('type', CASE m.amtype WHEN 't' THEN 'table' ELSE 'index' END,
        'handler', m.amhandler::text, 'comment', c.description, 'extension', e.extension)),
    'pg_am'::regclass, m.oid, 0
FROM pg_am m
LEFT JOIN ext e ON e.classid = 'pg_am'::regclass AND e.objid = m.oid
LEFT JOIN com c ON c.classoid = 'pg_am'::regclass AND c.objoid = m.oid
WHERE m.oid >= 16384
