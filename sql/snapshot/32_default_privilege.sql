SELECT 'default privilege', NULL::text, NULL::text,
    'FOR ROLE ' || quote_ident(pg_get_userbyid(d.defaclrole)) || CASE
        WHEN d.defaclnamespace = 0 THEN '' ELSE ' IN SCHEMA ' || n.identity END
        || ' ON ' || CASE d.defaclobjtype WHEN 'r' THEN 'TABLES' WHEN 'S' THEN 'SEQUENCES' WHEN 'f' THEN 'FUNCTIONS'
            WHEN 'T' THEN 'TYPES'
            WHEN 'n' THEN 'SCHEMAS' WHEN 'L' THEN 'LARGE OBJECTS' ELSE d.defaclobjtype::text END,
    n.identity,
    jsonb_strip_nulls(jsonb_build_object('acl', a.acl, 'grantors', g.grantors)),
    'pg_default_acl'::regclass, d.oid, 0
FROM pg_default_acl d
LEFT JOIN nsp n ON n.oid = d.defaclnamespace
LEFT JOIN acl a ON a.classid = 'pg_default_acl'::regclass AND a.objid = d.oid
LEFT JOIN grantor g ON g.classid = 'pg_default_acl'::regclass AND g.objid = d.oid
WHERE n.oid IS NOT NULL OR d.defaclnamespace = 0 AND (SELECT s.schemas FROM setting s) IS NULL
