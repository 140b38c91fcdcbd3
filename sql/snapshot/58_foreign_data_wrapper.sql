SELECT 'foreign data wrapper', NULL::text, w.fdwname::text, NULL::text, NULL::text,
    jsonb_strip_nulls(jsonb_build_object('owner', quote_ident(pg_get_userbyid(w.fdwowner)),
        'handler', CASE WHEN w.fdwhandler <> 0 THEN w.fdwhandler::regprocedure::text END,
        'validator', CASE WHEN w.fdwvalidator <> 0 THEN w.fdwvalidator::regprocedure::text END,
        'options', to_jsonb(CASE WHEN w.fdwoptions IS NOT NULL THEN ARRAY(
            SELECT CASE WHEN o ~* (SELECT s.secret FROM setting s)
                THEN split_part(o, '=', 1) || '=(hidden)' ELSE o END
            FROM unnest(w.fdwoptions) o ORDER BY 1) END),
        'acl', a.acl, 'grantors', g.grantors, 'comment', c.description, 'extension', e.extension)),
    'pg_foreign_data_wrapper'::regclass, w.oid, 0
FROM pg_foreign_data_wrapper w
LEFT JOIN ext e ON e.classid = 'pg_foreign_data_wrapper'::regclass AND e.objid = w.oid
LEFT JOIN com c ON c.classoid = 'pg_foreign_data_wrapper'::regclass AND c.objoid = w.oid
LEFT JOIN acl a ON a.classid = 'pg_foreign_data_wrapper'::regclass AND a.objid = w.oid
LEFT JOIN grantor g ON g.classid = 'pg_foreign_data_wrapper'::regclass AND g.objid = w.oid
