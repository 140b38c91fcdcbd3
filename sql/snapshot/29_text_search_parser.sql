SELECT 'text search parser', n.identity, p.prsname::text, NULL::text, n.identity,
    jsonb_strip_nulls(jsonb_build_object('start', p.prsstart::text, 'token', p.prstoken::text,
        'end', p.prsend::text, 'headline', CASE WHEN p.prsheadline::oid <> 0 THEN p.prsheadline::text END,
        'lextypes', p.prslextype::text, 'comment', c.description, 'extension', e.extension)),
    'pg_ts_parser'::regclass, p.oid, 0
FROM pg_ts_parser p
JOIN nsp n ON n.oid = p.prsnamespace
LEFT JOIN ext e ON e.classid = 'pg_ts_parser'::regclass AND e.objid = p.oid
LEFT JOIN com c ON c.classoid = 'pg_ts_parser'::regclass AND c.objoid = p.oid
