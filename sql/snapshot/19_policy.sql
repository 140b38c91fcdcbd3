SELECT 'policy', r.identity, p.polname::text, NULL, r.identity,
    jsonb_strip_nulls(jsonb_build_object('command', CASE p.polcmd WHEN 'r' THEN 'select' WHEN 'a' THEN 'insert'
        WHEN 'w' THEN 'update' WHEN 'd' THEN 'delete' ELSE 'all' END,
        'permissive', p.polpermissive,
        'roles', to_jsonb(ARRAY(SELECT CASE o WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(o)) END
            FROM unnest(p.polroles) o ORDER BY 1)),
        'using', CASE WHEN NOT r.locked THEN pg_get_expr(p.polqual, p.polrelid) END,
        'check', CASE WHEN NOT r.locked THEN pg_get_expr(p.polwithcheck, p.polrelid) END,
        'comment', c.description, 'extension', r.extension,
        'unknown', CASE WHEN r.locked THEN r.trouble
            WHEN p.polqual IS NOT NULL AND pg_get_expr(p.polqual, p.polrelid) IS NULL
                THEN 'dropped while it was read' END)),
    'pg_policy'::regclass, p.oid, 0
FROM pg_policy p
JOIN rel r ON r.oid = p.polrelid
LEFT JOIN com c ON c.classoid = 'pg_policy'::regclass AND c.objoid = p.oid
