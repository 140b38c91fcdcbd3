SELECT 'operator class', n.identity, o.opcname::text, ' USING ' || m.amname, n.identity,
    jsonb_strip_nulls(jsonb_build_object('owner', quote_ident(pg_get_userbyid(o.opcowner)), 'type',
        format_type(o.opcintype, NULL), 'default', o.opcdefault,
        'family', quote_ident(fn.nspname) || '.' || quote_ident(f.opfname), 'storage',
            CASE WHEN o.opckeytype <> 0 THEN format_type(o.opckeytype, NULL) END,
        'operators', s.operators, 'functions', p.functions,
        'comment', c.description, 'extension', e.extension)),
    'pg_opclass'::regclass, o.oid, 0
FROM pg_opclass o
JOIN nsp n ON n.oid = o.opcnamespace
JOIN pg_am m ON m.oid = o.opcmethod
JOIN pg_opfamily f ON f.oid = o.opcfamily
JOIN pg_namespace fn ON fn.oid = f.opfnamespace
LEFT JOIN member_operators s ON s.classid = 'pg_opclass'::regclass AND s.oid = o.oid
LEFT JOIN member_functions p ON p.classid = 'pg_opclass'::regclass AND p.oid = o.oid
LEFT JOIN ext e ON e.classid = 'pg_opclass'::regclass AND e.objid = o.oid
LEFT JOIN com c ON c.classoid = 'pg_opclass'::regclass AND c.objoid = o.oid
