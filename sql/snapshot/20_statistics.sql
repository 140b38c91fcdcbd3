SELECT 'statistics', n.identity, s.stxname::text, NULL, r.identity,
    jsonb_strip_nulls(jsonb_build_object('owner', quote_ident(pg_get_userbyid(s.stxowner)),
        'kinds', to_jsonb(ARRAY(SELECT CASE k WHEN 'd' THEN 'ndistinct' WHEN 'f' THEN 'dependencies'
            WHEN 'm' THEN 'mcv' END
            FROM unnest(s.stxkind) k WHERE k <> 'e' ORDER BY 1)),
        'columns', k.columns,
        'expressions', CASE WHEN s.expressions AND NOT r.locked THEN '(' || substring(pg_get_statisticsobjdef(s.oid)
            FROM ' ON (.*) FROM ') || ')' END,
        'target', CASE WHEN s.stxstattarget >= 0 THEN s.stxstattarget END,
        'unknown', CASE WHEN s.expressions AND r.locked THEN r.trouble END,
        'comment', c.description, 'extension', coalesce(e.extension, r.extension))),
    'pg_statistic_ext'::regclass, s.oid, 0
FROM (SELECT s.* FROM (VALUES (NULL::int, NULL::text)) d (stxstattarget, stxexprs),
          LATERAL (SELECT s.oid, s.stxrelid, s.stxname, s.stxnamespace, s.stxowner, s.stxkeys, s.stxkind,
              stxstattarget, stxexprs IS NOT NULL AS expressions
              FROM pg_statistic_ext s OFFSET 0) s) s
JOIN nsp n ON n.oid = s.stxnamespace
JOIN rel r ON r.oid = s.stxrelid
LEFT JOIN (SELECT s.oid, jsonb_agg(a.attname ORDER BY a.attname) AS columns
           FROM pg_statistic_ext s, LATERAL unnest(s.stxkeys) k (attnum), pg_attribute a
           WHERE a.attrelid = s.stxrelid AND a.attnum = k.attnum GROUP BY s.oid) k ON k.oid = s.oid
LEFT JOIN ext e ON e.classid = 'pg_statistic_ext'::regclass AND e.objid = s.oid
LEFT JOIN com c ON c.classoid = 'pg_statistic_ext'::regclass AND c.objoid = s.oid
