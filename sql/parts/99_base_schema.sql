-- Whoever may create functions in the extension's schema can make one that a call of ours finds instead: sg_orphan_audit(text)
-- for sg_orphan_audit('orders'). Told once, here.
CREATE FUNCTION schemaguard.sg_warn_of_schema(roles text) RETURNS void
    LANGUAGE c AS 'MODULE_PATHNAME', 'sg_warn_of_schema';
SELECT schemaguard.sg_warn_of_schema(pg_catalog.string_agg(o.who, ', ' ORDER BY o.who))
FROM (SELECT DISTINCT coalesce(r.rolname::pg_catalog.text, 'PUBLIC') AS who
      FROM pg_catalog.pg_namespace n
           CROSS JOIN LATERAL (SELECT n.nspowner
                               UNION ALL
                               SELECT a.grantee FROM pg_catalog.aclexplode(n.nspacl) a
                               WHERE a.privilege_type OPERATOR(pg_catalog.=) 'CREATE') w (role)
           LEFT JOIN pg_catalog.pg_database d
               ON d.datname OPERATOR(pg_catalog.=) pg_catalog.current_database()
              AND w.role OPERATOR(pg_catalog.=) 'pg_database_owner'::pg_catalog.regrole
           LEFT JOIN pg_catalog.pg_roles r ON r.oid OPERATOR(pg_catalog.=) coalesce(d.datdba, w.role)
      WHERE n.oid OPERATOR(pg_catalog.=) '@extschema@'::pg_catalog.regnamespace AND r.rolsuper IS NOT TRUE) o;
DROP FUNCTION schemaguard.sg_warn_of_schema(text);
