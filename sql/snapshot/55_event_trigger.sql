SELECT 'event trigger', NULL::text, t.evtname::text, NULL::text, NULL::text,
    jsonb_strip_nulls(jsonb_build_object('owner', quote_ident(pg_get_userbyid(t.evtowner)), 'event', t.evtevent, 'function',
        t.evtfoid::regprocedure::text,
        'tags', to_jsonb(CASE WHEN t.evttags IS NOT NULL
            THEN ARRAY(SELECT o FROM unnest(t.evttags) o ORDER BY o COLLATE "C") END),
        'enabled', CASE t.evtenabled WHEN 'O' THEN 'origin' WHEN 'D' THEN 'disabled'
            WHEN 'R' THEN 'replica' ELSE 'always' END,
        'comment', c.description, 'extension', e.extension)),
    'pg_event_trigger'::regclass, t.oid, 0
FROM pg_event_trigger t
LEFT JOIN ext e ON e.classid = 'pg_event_trigger'::regclass AND e.objid = t.oid
LEFT JOIN com c ON c.classoid = 'pg_event_trigger'::regclass AND c.objoid = t.oid
