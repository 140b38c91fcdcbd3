SELECT 'foreign server', NULL::text, s.srvname::text, NULL::text, NULL::text,
    jsonb_strip_nulls(jsonb_build_object('owner', quote_ident(pg_get_userbyid(s.srvowner)), 'wrapper', w.fdwname, 'type',
        s.srvtype, 'version', s.srvversion,
        'options', to_jsonb(CASE WHEN s.srvoptions IS NOT NULL THEN ARRAY(
            SELECT CASE WHEN o ~* (SELECT s.secret FROM setting s)
                THEN split_part(o, '=', 1) || '=(hidden)' ELSE o END
            FROM unnest(s.srvoptions) o ORDER BY 1) END),
        'acl', a.acl, 'grantors', g.grantors, 'comment', c.description, 'extension', e.extension)),
    'pg_foreign_server'::regclass, s.oid, 0
FROM pg_foreign_server s
JOIN pg_foreign_data_wrapper w ON w.oid = s.srvfdw
LEFT JOIN ext e ON e.classid = 'pg_foreign_server'::regclass AND e.objid = s.oid
LEFT JOIN com c ON c.classoid = 'pg_foreign_server'::regclass AND c.objoid = s.oid
LEFT JOIN acl a ON a.classid = 'pg_foreign_server'::regclass AND a.objid = s.oid
LEFT JOIN grantor g ON g.classid = 'pg_foreign_server'::regclass AND g.objid = s.oid
