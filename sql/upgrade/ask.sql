-- Of an update that drops something: what of the user's depends on that, told before anything is done; and who could call it, told at
-- the end. sql/upgrade.awk puts this before such an update, what is below \last behind it, and the objects where it says so.
-- Jobs of pg_cron count if they are active, run here and name a function that goes; another extension's cron.job is nothing to read.
CREATE FUNCTION schemaguard.sg_refuse_update(dependants text) RETURNS void
    LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'sg_refuse_update';
CREATE FUNCTION schemaguard.sg_cron_jobs(OUT jobid bigint, OUT command text) RETURNS SETOF record
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $jobs$
BEGIN
    IF EXISTS (SELECT FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'pg_cron'
               WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e'
                 AND d.classid = 'pg_class'::regclass AND d.objid = to_regclass('cron.job')) THEN
        RETURN QUERY EXECUTE 'SELECT j.jobid, j.command FROM cron.job j WHERE j.active AND j.database = current_database()';
    END IF;
END
$jobs$;
CREATE FUNCTION schemaguard.sg_dependants() RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $ask$
WITH RECURSIVE dropped (classid, objid) AS (
    SELECT o.class::regclass, CASE o.class WHEN 'pg_class' THEN o.name::regclass::oid ELSE o.name::regprocedure::oid END
    FROM (VALUES
\dropped
    ) o (class, name)),
-- a view stands for its rule, and is followed to what uses it, as a function is
dependant (classid, objid, objsubid, uses, used) AS (
    SELECT classid::oid, objid, 0, NULL::oid, NULL::oid FROM dropped
    UNION
    SELECT CASE WHEN v.relid IS NULL THEN d.classid ELSE 'pg_class'::regclass END, coalesce(v.relid, d.objid),
           CASE WHEN v.relid IS NULL THEN d.objsubid ELSE 0 END, o.classid, o.objid
    FROM dependant o
         JOIN pg_depend d ON d.refclassid = o.classid AND d.refobjid = o.objid AND d.deptype NOT IN ('a', 'i')
         LEFT JOIN LATERAL (
             SELECT ev_class FROM pg_rewrite WHERE oid = d.objid AND d.classid = 'pg_rewrite'::regclass AND rulename = '_RETURN'
             ) v (relid) ON true
    WHERE (o.uses IS NULL OR o.classid = 'pg_proc'::regclass
           OR o.classid = 'pg_class'::regclass AND EXISTS (SELECT FROM pg_class WHERE oid = o.objid AND relkind IN ('v', 'm')))
      AND v.relid IS DISTINCT FROM o.objid)
SELECT string_agg(line, E'\n' ORDER BY line COLLATE "C")
FROM (SELECT DISTINCT format('%s uses %s', pg_describe_object(d.classid, d.objid, d.objsubid), pg_describe_object(d.uses, d.used, 0))
          AS line
      FROM dependant d
      WHERE d.uses IS NOT NULL
        AND NOT EXISTS (SELECT FROM pg_depend m JOIN pg_extension e ON e.oid = m.refobjid AND e.extname = 'schemaguard'
                        WHERE m.classid = d.classid AND m.objid = d.objid AND m.refclassid = 'pg_extension'::regclass AND m.deptype = 'e')
        AND NOT (d.classid = 'pg_class'::regclass AND d.objid IN (SELECT objid FROM dropped))
        -- a CHECK, policy, trigger or rule of a table that goes
        AND coalesce((SELECT conrelid FROM pg_constraint WHERE oid = d.objid AND d.classid = 'pg_constraint'::regclass),
                     (SELECT polrelid FROM pg_policy WHERE oid = d.objid AND d.classid = 'pg_policy'::regclass),
                     (SELECT tgrelid FROM pg_trigger WHERE oid = d.objid AND d.classid = 'pg_trigger'::regclass),
                     (SELECT ev_class FROM pg_rewrite WHERE oid = d.objid AND d.classid = 'pg_rewrite'::regclass), 0)
            NOT IN (SELECT objid FROM dropped WHERE classid = 'pg_class'::regclass)
      UNION
      SELECT format('cron job %s uses %s', j.jobid, pg_describe_object(dropped.classid, dropped.objid, 0))
      FROM schemaguard.sg_cron_jobs() j
           JOIN dropped ON true
           JOIN pg_proc p ON p.oid = dropped.objid AND dropped.classid = 'pg_proc'::regclass
      WHERE j.command ~ format(E'\\m%s\\M', p.proname)) x;
$ask$;
SELECT schemaguard.sg_refuse_update(schemaguard.sg_dependants());
DROP FUNCTION schemaguard.sg_dependants();
DROP FUNCTION schemaguard.sg_cron_jobs();
DROP FUNCTION schemaguard.sg_refuse_update(text);
-- Rights that somebody has given or taken, as against those that CREATE EXTENSION has left
CREATE FUNCTION schemaguard.sg_rights_given() RETURNS text
LANGUAGE sql STABLE
SET search_path = pg_catalog, pg_temp
AS $rights$
SELECT coalesce(jsonb_agg(jsonb_build_object('home', p.pronamespace, 'name', p.proname,
                                             'acl', coalesce(p.proacl, acldefault('f', p.proowner))::text)),
                '[]')::text
FROM (VALUES
\dropped
    ) o (class, name)
    JOIN pg_proc p ON o.class = 'pg_proc' AND p.oid = o.name::regprocedure
    LEFT JOIN pg_init_privs i ON i.classoid = 'pg_proc'::regclass AND i.objoid = p.oid
WHERE p.proacl IS DISTINCT FROM i.initprivs
$rights$;
SELECT pg_catalog.set_config('sg_update.rights', schemaguard.sg_rights_given(), true);
DROP FUNCTION schemaguard.sg_rights_given();
\last
-- What the update itself granted and revoked would be the extension's own to pg_dump, which leaves that out
CREATE FUNCTION schemaguard.sg_tell_rights(given jsonb) RETURNS void
LANGUAGE plpgsql
SET search_path = pg_catalog, pg_temp
AS $rights$
DECLARE
    statements text;
BEGIN
    WITH routine AS (
        SELECT p.oid::regprocedure AS name, r.acl::aclitem[] AS was, coalesce(p.proacl, acldefault('f', p.proowner)) AS has
        FROM jsonb_to_recordset(given) r (home oid, name text, acl text) JOIN pg_proc p ON p.pronamespace = r.home AND p.proname = r.name),
    way AS (
        SELECT 'REVOKE EXECUTE ON ROUTINE %s FROM %s;' AS pattern, r.name, h.grantee
        FROM routine r CROSS JOIN aclexplode(r.has) h WHERE h.grantee NOT IN (SELECT w.grantee FROM aclexplode(r.was) w)
        UNION
        SELECT 'GRANT EXECUTE ON ROUTINE %s TO %s' || CASE WHEN w.is_grantable THEN ' WITH GRANT OPTION;' ELSE ';' END, r.name, w.grantee
        FROM routine r CROSS JOIN aclexplode(r.was) w
        WHERE (w.grantee, w.is_grantable) NOT IN (SELECT h.grantee, h.is_grantable FROM aclexplode(r.has) h))
    SELECT string_agg(format(w.pattern, w.name, coalesce(quote_ident(a.rolname), 'PUBLIC')),
                      E'\n' ORDER BY w.name::text COLLATE "C", w.pattern)
    INTO statements
    FROM way w LEFT JOIN pg_roles a ON a.oid = w.grantee
    WHERE w.grantee = 0 OR a.oid IS NOT NULL;
    IF statements IS NOT NULL THEN
        RAISE WARNING 'functions that the update has made anew may be called by whom CREATE EXTENSION lets'
            USING HINT = E'What was granted and revoked of them:\n' || statements;
    END IF;
END
$rights$;
SELECT schemaguard.sg_tell_rights(pg_catalog.current_setting('sg_update.rights')::jsonb);
DROP FUNCTION schemaguard.sg_tell_rights(jsonb);
