SELECT 'rule', x.identity, x.rulename::text, NULL, x.identity,
    jsonb_strip_nulls(jsonb_build_object('event', CASE x.ev_type WHEN '1' THEN 'select' WHEN '2' THEN 'update'
        WHEN '3' THEN 'insert' ELSE 'delete' END,
        'instead', x.is_instead, 'definition', x.definition,
        'enabled', CASE x.ev_enabled WHEN 'O' THEN 'origin' WHEN 'D' THEN 'disabled'
            WHEN 'R' THEN 'replica' ELSE 'always' END,
        'comment', x.description, 'extension', x.extension,
        'unknown', CASE WHEN x.waits THEN replace(x.trouble, 'its table is', 'what it reads is')
            WHEN x.definition IS NULL THEN 'dropped while it was read' END)),
    'pg_rewrite'::regclass, x.oid, 0
FROM (SELECT u.oid, r.identity, r.extension, u.rulename, u.ev_type, u.is_instead, u.ev_enabled, c.description,
    r.trouble, r.locked OR w.objid IS NOT NULL AS waits,
          CASE WHEN NOT r.locked AND w.objid IS NULL THEN pg_get_ruledef(u.oid) END AS definition
      FROM pg_rewrite u
      JOIN rel r ON r.oid = u.ev_class
      LEFT JOIN waiting w ON w.classid = 'pg_rewrite'::regclass AND w.objid = u.oid
      LEFT JOIN com c ON c.classoid = 'pg_rewrite'::regclass AND c.objoid = u.oid
      WHERE u.rulename <> '_RETURN') x
