SELECT 'text search configuration', n.identity, s.cfgname::text, NULL::text, n.identity,
    jsonb_strip_nulls(jsonb_build_object('owner', quote_ident(pg_get_userbyid(s.cfgowner)), 'parser',
        quote_ident(pn.nspname) || '.' || quote_ident(p.prsname),
        'mappings', m.mappings, 'comment', c.description, 'extension', e.extension)),
    'pg_ts_config'::regclass, s.oid, 0
FROM pg_ts_config s
JOIN nsp n ON n.oid = s.cfgnamespace
JOIN pg_ts_parser p ON p.oid = s.cfgparser
JOIN pg_namespace pn ON pn.oid = p.prsnamespace
LEFT JOIN (SELECT m.mapcfg, jsonb_object_agg(m.maptokentype::text, m.dictionaries) AS mappings
           FROM (SELECT m.mapcfg, m.maptokentype, jsonb_agg(m.mapdict::regdictionary::text ORDER BY m.mapseqno)
               AS dictionaries
                 FROM pg_ts_config_map m WHERE m.mapcfg >= 16384 GROUP BY m.mapcfg,
                     m.maptokentype) m GROUP BY m.mapcfg) m ON m.mapcfg = s.oid
LEFT JOIN ext e ON e.classid = 'pg_ts_config'::regclass AND e.objid = s.oid
LEFT JOIN com c ON c.classoid = 'pg_ts_config'::regclass AND c.objoid = s.oid
