SELECT 'operator family', n.identity, f.opfname::text, ' USING ' || m.amname, n.identity,
    jsonb_strip_nulls(jsonb_build_object('owner', pg_get_userbyid(f.opfowner), 'operators', o.operators,
        'functions', p.functions,
        'comment', c.description, 'extension', e.extension)),
    'pg_opfamily'::regclass, f.oid, 0
FROM pg_opfamily f
JOIN nsp n ON n.oid = f.opfnamespace
JOIN pg_am m ON m.oid = f.opfmethod
LEFT JOIN (SELECT a.amopfamily, jsonb_agg(a.amopstrategy || ' ' || a.amopopr::regoperator::text
                   || CASE a.amoppurpose WHEN 'o' THEN ' FOR ORDER BY ' || quote_ident(sn.nspname) || '.'
                       || quote_ident(s.opfname) ELSE '' END
                   ORDER BY a.amopstrategy, a.amopopr::regoperator::text COLLATE "C") AS operators
           FROM pg_amop a JOIN pg_opfamily f ON f.oid = a.amopfamily AND f.opfnamespace <> 11
           LEFT JOIN pg_opfamily s ON s.oid = a.amopsortfamily
           LEFT JOIN pg_namespace sn ON sn.oid = s.opfnamespace
           GROUP BY a.amopfamily) o ON o.amopfamily = f.oid
LEFT JOIN (SELECT a.amprocfamily, jsonb_agg(a.amprocnum || ' (' || format_type(a.amproclefttype, NULL) || ', '
    || format_type(a.amprocrighttype, NULL) || ') '
                   || a.amproc::regprocedure::text
                   ORDER BY a.amprocnum, format_type(a.amproclefttype, NULL) COLLATE "C",
                       format_type(a.amprocrighttype, NULL) COLLATE "C") AS functions
           FROM pg_amproc a JOIN pg_opfamily f ON f.oid = a.amprocfamily
               AND f.opfnamespace <> 11 GROUP BY a.amprocfamily) p ON p.amprocfamily = f.oid
LEFT JOIN ext e ON e.classid = 'pg_opfamily'::regclass AND e.objid = f.oid
LEFT JOIN com c ON c.classoid = 'pg_opfamily'::regclass AND c.objoid = f.oid
