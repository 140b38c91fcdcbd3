SELECT 'extension', NULL::text, x.extname::text, NULL::text, NULL::text,
    jsonb_build_object('version', x.extversion, 'schema', n.nspname, 'owner', quote_ident(pg_get_userbyid(x.extowner))),
    'pg_extension'::regclass, x.oid, 0
FROM pg_extension x JOIN pg_namespace n ON n.oid = x.extnamespace
