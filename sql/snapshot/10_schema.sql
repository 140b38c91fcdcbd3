SELECT 'schema'::text, NULL::text, n.nspname::text, NULL::text, NULL::text,
    jsonb_strip_nulls(jsonb_build_object('owner', quote_ident(pg_get_userbyid(n.nspowner)), 'acl', a.acl, 'grantors', g.grantors,
        'comment', c.description, 'extension', e.extension)),
    'pg_namespace'::regclass, n.oid, 0
FROM nsp n
LEFT JOIN ext e ON e.classid = 'pg_namespace'::regclass AND e.objid = n.oid
LEFT JOIN com c ON c.classoid = 'pg_namespace'::regclass AND c.objoid = n.oid
LEFT JOIN acl a ON a.classid = 'pg_namespace'::regclass AND a.objid = n.oid
LEFT JOIN grantor g ON g.classid = 'pg_namespace'::regclass AND g.objid = n.oid
