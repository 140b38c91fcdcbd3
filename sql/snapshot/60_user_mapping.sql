-- that there is one; its options are for the eyes of few
SELECT 'user mapping',
    CASE WHEN m.srvname = ANY ((SELECT s.keywords FROM setting s)::text[]) THEN '"' || m.srvname
    || '"' ELSE quote_ident(m.srvname) END, CASE WHEN m.umuser <> 0 THEN m.usename::text END,
    CASE WHEN m.umuser = 0 THEN 'PUBLIC' END,
    CASE WHEN m.srvname = ANY ((SELECT s.keywords FROM setting s)::text[]) THEN '"' || m.srvname || '"'
        ELSE quote_ident(m.srvname) END, '{}'::jsonb,
    'pg_user_mapping'::regclass, m.umid, 0
FROM pg_user_mappings m
