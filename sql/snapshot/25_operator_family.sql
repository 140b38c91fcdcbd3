SELECT 'operator family', n.identity, f.opfname::text, ' USING ' || m.amname, n.identity,
    jsonb_strip_nulls(jsonb_build_object('owner', quote_ident(pg_get_userbyid(f.opfowner)), 'operators', o.operators,
        'functions', p.functions,
        'comment', c.description, 'extension', e.extension)),
    'pg_opfamily'::regclass, f.oid, 0
FROM pg_opfamily f
JOIN nsp n ON n.oid = f.opfnamespace
JOIN pg_am m ON m.oid = f.opfmethod
LEFT JOIN member_operators o ON o.classid = 'pg_opfamily'::regclass AND o.oid = f.oid
LEFT JOIN member_functions p ON p.classid = 'pg_opfamily'::regclass AND p.oid = f.oid
LEFT JOIN ext e ON e.classid = 'pg_opfamily'::regclass AND e.objid = f.oid
LEFT JOIN com c ON c.classoid = 'pg_opfamily'::regclass AND c.objoid = f.oid
