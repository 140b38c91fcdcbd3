SELECT 'collation', n.identity, x.collname::text, CASE WHEN x.collencoding = -1 THEN NULL ELSE ' FOR '
    || pg_encoding_to_char(x.collencoding) END, n.identity,
    jsonb_strip_nulls(jsonb_build_object('owner', quote_ident(pg_get_userbyid(x.collowner)),
        'provider', CASE x.collprovider WHEN 'c' THEN 'libc' WHEN 'i' THEN 'icu'
            WHEN 'b' THEN 'builtin' ELSE 'default' END,
        'locale', coalesce(x.colllocale, x.colliculocale,
            CASE WHEN x.collprovider = 'i' THEN x.collcollate::text END),
        'lc_collate', CASE WHEN x.collprovider = 'c' THEN x.collcollate::text END,
        'lc_ctype', CASE WHEN x.collprovider = 'c' THEN x.collctype::text END,
        'deterministic', x.collisdeterministic, 'rules', x.collicurules,
        'comment', c.description, 'extension', e.extension)),
    'pg_collation'::regclass, x.oid, 0
FROM (SELECT x.* FROM (VALUES (NULL::text, NULL::text, NULL::text)) d (colllocale, colliculocale, collicurules),
          LATERAL (SELECT x.oid, x.collname, x.collnamespace, x.collowner, x.collprovider, x.collisdeterministic,
              x.collencoding,
                  x.collcollate, x.collctype, colllocale, colliculocale, collicurules
              FROM pg_collation x WHERE x.collnamespace <> 11 OFFSET 0) x) x
JOIN nsp n ON n.oid = x.collnamespace
LEFT JOIN ext e ON e.classid = 'pg_collation'::regclass AND e.objid = x.oid
LEFT JOIN com c ON c.classoid = 'pg_collation'::regclass AND c.objoid = x.oid
