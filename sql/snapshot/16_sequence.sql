SELECT 'sequence', r.schema, r.relname::text, NULL, r.schema,
    jsonb_strip_nulls(jsonb_build_object('owner', quote_ident(pg_get_userbyid(r.relowner)), 'type',
        format_type(s.seqtypid, NULL),
        'start', s.seqstart, 'increment', s.seqincrement, 'minimum', s.seqmin, 'maximum', s.seqmax, 'cache',
            s.seqcache, 'cycle', s.seqcycle,
        'persistence', CASE r.relpersistence WHEN 'u' THEN 'unlogged' END,
        'owned_by', t.identity || '.' || CASE WHEN b.attname = ANY ((SELECT s.keywords FROM setting s)::text[])
            THEN '"' || b.attname || '"' ELSE quote_ident(b.attname) END,
        'automatic_name', CASE WHEN CASE WHEN octet_length(t.relname || '_' || b.attname || '_seq') < 64
            THEN left(r.relname, length(t.relname || '_' || b.attname || '_seq')) = t.relname || '_' || b.attname || '_seq'
                AND ltrim(substr(r.relname, length(t.relname || '_' || b.attname || '_seq') + 1), '0123456789') = ''
            ELSE EXISTS (SELECT FROM generate_series(1, length(t.relname)) n (n),
                    regexp_replace(r.relname, '_seq[0-9]*$', '_seq') s (name)
                WHERE length(s.name) > n.n + 5 AND s.name = left(t.relname, n.n) || '_'
                    || left(b.attname, length(s.name) - n.n - 5) || '_seq') END
                THEN true END,
        'acl', a.acl, 'grantors', g.grantors, 'comment', c.description, 'extension', r.extension))
    -- none: nothing was drawn yet; null: it may not be read
    || CASE WHEN (SELECT s.sequences FROM setting s) THEN CASE
        WHEN r.locked OR NOT has_sequence_privilege(r.oid, 'USAGE, SELECT') OR r.relpersistence = 'u' AND pg_is_in_recovery()
            THEN '{"last_value": null}'
        WHEN pg_sequence_last_value(r.oid) IS NULL THEN '{}'
        ELSE jsonb_build_object('last_value', pg_sequence_last_value(r.oid)) END ELSE '{}' END,
    'pg_class'::regclass, r.oid, 0
FROM rel r
JOIN pg_sequence s ON s.seqrelid = r.oid
LEFT JOIN owned o ON o.sequence = r.oid
LEFT JOIN rel t ON t.oid = o.attrelid
LEFT JOIN LATERAL (SELECT k.names[o.attnum] AS attname FROM cols k WHERE k.attrelid = o.attrelid) b ON true
LEFT JOIN com c ON c.classoid = 'pg_class'::regclass AND c.objoid = r.oid AND c.objsubid = 0
LEFT JOIN acl a ON a.classid = 'pg_class'::regclass AND a.objid = r.oid AND a.objsubid = 0
LEFT JOIN grantor g ON g.classid = 'pg_class'::regclass AND g.objid = r.oid AND g.objsubid = 0
WHERE r.relkind = 'S' AND o.deptype IS DISTINCT FROM 'i'
