SELECT 'language', NULL::text, l.lanname::text, NULL::text, NULL::text,
    jsonb_strip_nulls(jsonb_build_object('owner', quote_ident(pg_get_userbyid(l.lanowner)), 'trusted', l.lanpltrusted,
        'handler', CASE WHEN l.lanplcallfoid <> 0 THEN l.lanplcallfoid::regprocedure::text END,
        'inline', CASE WHEN l.laninline <> 0 THEN l.laninline::regprocedure::text END,
        'validator', CASE WHEN l.lanvalidator <> 0 THEN l.lanvalidator::regprocedure::text END,
        'acl', a.acl, 'grantors', g.grantors, 'comment', c.description, 'extension', e.extension)),
    'pg_language'::regclass, l.oid, 0
FROM pg_language l
LEFT JOIN ext e ON e.classid = 'pg_language'::regclass AND e.objid = l.oid
LEFT JOIN com c ON c.classoid = 'pg_language'::regclass AND c.objoid = l.oid
LEFT JOIN acl a ON a.classid = 'pg_language'::regclass AND a.objid = l.oid
LEFT JOIN grantor g ON g.classid = 'pg_language'::regclass AND g.objid = l.oid
WHERE l.lanispl
