SELECT CASE x.relkind WHEN 'v' THEN 'view' ELSE 'materialized view' END, x.schema, x.relname::text, NULL, x.schema,
    jsonb_strip_nulls(jsonb_build_object('owner', quote_ident(pg_get_userbyid(x.relowner)), 'query', x.query, 'columns',
        x.columns,
        'column_defaults', x.defaults, 'column_comments', x.comments, 'column_acl', x.acls, 'column_statistics',
            x.statistics,
        'column_storage', x.storages, 'column_compression', x.compressions, 'column_options', x.column_options,
        'options', to_jsonb(x.reloptions),
        'populated', CASE WHEN x.relkind = 'm' THEN x.relispopulated END, 'tablespace', x.spcname,
        'access_method', CASE WHEN x.relkind = 'm' AND x.amname <> 'heap' THEN x.amname END,
        'acl', x.acl, 'grantors', x.grantors, 'comment', x.description, 'extension', x.extension,
        'unknown', CASE WHEN x.waits THEN replace(x.trouble, 'its table is', 'it or what it reads is')
            WHEN x.query IS NULL THEN 'dropped while it was read' END)),
    'pg_class'::regclass, x.oid, 0
FROM (SELECT r.*, t.columns, t.defaults, t.comments, t.acls, t.statistics, t.storages, t.compressions,
    t.options AS column_options, m.amname, s.spcname, a.acl, g.grantors, c.description,
          r.locked OR w.objid IS NOT NULL AS waits,
          CASE WHEN NOT r.locked AND w.objid IS NULL THEN pg_get_viewdef(r.oid) END AS query
      FROM rel r
      LEFT JOIN attributes t ON t.attrelid = r.oid
      LEFT JOIN (SELECT DISTINCT e.ev_class AS objid FROM waiting w JOIN pg_rewrite e ON e.oid = w.objid
                 WHERE w.classid = 'pg_rewrite'::regclass AND e.rulename = '_RETURN') w ON w.objid = r.oid
      LEFT JOIN pg_am m ON m.oid = r.relam
      LEFT JOIN pg_tablespace s ON s.oid = r.reltablespace
      LEFT JOIN com c ON c.classoid = 'pg_class'::regclass AND c.objoid = r.oid AND c.objsubid = 0
      LEFT JOIN acl a ON a.classid = 'pg_class'::regclass AND a.objid = r.oid AND a.objsubid = 0
      LEFT JOIN grantor g ON g.classid = 'pg_class'::regclass AND g.objid = r.oid AND g.objsubid = 0
      WHERE r.relkind IN ('v', 'm')) x
