SELECT 'cast', NULL::text, NULL::text, '(' || format_type(x.castsource, NULL) || ' AS '
    || format_type(x.casttarget, NULL) || ')', NULL::text,
    jsonb_strip_nulls(jsonb_build_object('method', CASE x.castmethod WHEN 'f' THEN 'function'
        WHEN 'i' THEN 'inout' ELSE 'binary' END,
        'context', CASE x.castcontext WHEN 'e' THEN 'explicit' WHEN 'a' THEN 'assignment' ELSE 'implicit' END,
        'function', CASE WHEN x.castfunc <> 0 THEN x.castfunc::regprocedure::text END,
        'comment', c.description, 'extension', e.extension)),
    'pg_cast'::regclass, x.oid, 0
FROM pg_cast x
LEFT JOIN ext e ON e.classid = 'pg_cast'::regclass AND e.objid = x.oid
LEFT JOIN com c ON c.classoid = 'pg_cast'::regclass AND c.objoid = x.oid
LEFT JOIN internal i ON i.classid = 'pg_cast'::regclass AND i.objid = x.oid
WHERE x.oid >= 16384 AND i.objid IS NULL
