WITH
parents AS MATERIALIZED (
    SELECT i.inhrelid, jsonb_agg(p.identity ORDER BY i.inhseqno) AS names,
        min(p.identity) AS first, bool_or(i.detaching) AS detaching
    FROM inh i JOIN place p ON p.oid = i.inhparent
    GROUP BY i.inhrelid
)
SELECT 'table', r.schema, r.relname::text, NULL, r.schema,
    jsonb_build_object('type', CASE r.relkind WHEN 'r' THEN 'table'
        WHEN 'p' THEN 'partitioned table' ELSE 'foreign table' END,
        'owner', quote_ident(pg_get_userbyid(r.relowner)))
    || CASE WHEN r.relkind = 'r' AND r.relpersistence = 'p' AND NOT r.relispartition AND p.names IS NULL
        AND r.reloftype = 0
            AND r.reloptions IS NULL AND t.reloptions IS NULL AND NOT r.relrowsecurity AND NOT r.relforcerowsecurity
            AND r.relreplident = 'd' AND m.amname = 'heap' AND s.spcname IS NULL AND a.acl IS NULL
                AND g.grantors IS NULL
            AND c.description IS NULL AND r.extension IS NULL AND d.attrelid IS NULL
        THEN '{}'
        ELSE jsonb_strip_nulls(jsonb_build_object(
        'dropped_columns', to_jsonb(d.attnums),
        'persistence', CASE r.relpersistence WHEN 'u' THEN 'unlogged' END,
        'partition_key', CASE WHEN r.relkind = 'p' AND NOT r.locked THEN pg_get_partkeydef(r.oid) END,
        'partition_of', CASE WHEN r.relispartition THEN p.first END,
        'partition_bound', CASE WHEN r.relispartition AND NOT r.locked THEN pg_get_expr(r.relpartbound, r.oid) END,
        'partition_detached', CASE WHEN p.detaching THEN true END,
        'inherits', CASE WHEN NOT r.relispartition THEN p.names END,
        'of_type', CASE WHEN r.reloftype <> 0 THEN format_type(r.reloftype, NULL) END,
        'options', to_jsonb(r.reloptions),
        'toast_options', to_jsonb(CASE WHEN t.reloptions IS NOT NULL
            THEN ARRAY(SELECT o FROM unnest(t.reloptions) o ORDER BY o COLLATE "C") END),
        'row_security', CASE WHEN r.relrowsecurity THEN true END,
        'force_row_security', CASE WHEN r.relforcerowsecurity THEN true END,
        -- a foreign table can't have one, and says "nothing"
        'replica_identity', CASE WHEN r.relkind <> 'f' THEN CASE r.relreplident WHEN 'n' THEN 'nothing'
            WHEN 'f' THEN 'full' WHEN 'i' THEN 'index' END END,
        'access_method', CASE WHEN m.amname <> 'heap' THEN m.amname END,
        'tablespace', s.spcname, 'server', f.srvname, 'server_options', f.options,
        'acl', a.acl, 'grantors', g.grantors, 'comment', c.description, 'extension', r.extension,
        'unknown', CASE WHEN r.locked AND (r.relkind = 'p' OR r.relispartition) THEN r.trouble
            WHEN r.relkind = 'p' AND pg_get_partkeydef(r.oid) IS NULL THEN 'dropped while it was read'
            WHEN r.relispartition AND pg_get_expr(r.relpartbound, r.oid) IS NULL
                THEN 'dropped while it was read' END))
    END,
    'pg_class'::regclass, r.oid, 0
FROM rel r
LEFT JOIN parents p ON p.inhrelid = r.oid
LEFT JOIN pg_class t ON t.oid = r.reltoastrelid AND t.reloptions IS NOT NULL
LEFT JOIN pg_am m ON m.oid = r.relam
LEFT JOIN pg_tablespace s ON s.oid = r.reltablespace
LEFT JOIN (SELECT f.ftrelid, s.srvname,
               to_jsonb(ARRAY(SELECT CASE WHEN o ~* (SELECT s.secret FROM setting s)
                   THEN split_part(o, '=', 1) || '=(hidden)' ELSE o END
                   FROM unnest(f.ftoptions) o ORDER BY o COLLATE "C")) AS options
           FROM pg_foreign_table f JOIN pg_foreign_server s ON s.oid = f.ftserver) f ON f.ftrelid = r.oid
LEFT JOIN gone d ON d.attrelid = r.oid
LEFT JOIN com c ON c.classoid = 'pg_class'::regclass AND c.objoid = r.oid AND c.objsubid = 0
LEFT JOIN acl a ON a.classid = 'pg_class'::regclass AND a.objid = r.oid AND a.objsubid = 0
LEFT JOIN grantor g ON g.classid = 'pg_class'::regclass AND g.objid = r.oid AND g.objsubid = 0
WHERE r.relkind NOT IN ('v', 'm', 'S', 'c')
