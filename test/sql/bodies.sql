-- An extension's script runs with check_function_bodies off, so a body that does not compile shows up only when it is
-- called. Here every function and procedure of the extension is defined once more, with the check on.
-- rooms: base
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS schemaguard;
RESET client_min_messages;

CREATE TEMPORARY VIEW members AS
  SELECT p.oid::regprocedure AS routine, p.prokind, l.lanname, p.proconfig, p.prosqlbody, p.proargtypes
    FROM pg_depend d
    JOIN pg_extension e ON e.oid = d.refobjid
    JOIN pg_proc p ON p.oid = d.objid
    JOIN pg_language l ON l.oid = p.prolang
   WHERE d.classid = 'pg_proc'::regclass
     AND d.refclassid = 'pg_extension'::regclass
     AND d.deptype = 'e'
     AND e.extname = 'schemaguard'
     AND p.prokind IN ('f', 'p');

SELECT count(*) > 0 AS has_members FROM members;

-- Each one that does not compile is a warning.
BEGIN;
SET LOCAL check_function_bodies = on;
DO $$
DECLARE
  member regprocedure;
BEGIN
  FOR member IN SELECT routine FROM members ORDER BY routine::text LOOP
    BEGIN
      EXECUTE pg_get_functiondef(member);
    EXCEPTION WHEN OTHERS THEN
      RAISE WARNING '%: %', member, SQLERRM;
    END;
  END LOOP;
END
$$;
ROLLBACK;

-- A body kept as text is resolved with the caller's search_path unless it brings its own. A procedure that commits
-- cannot have one; a body parsed at creation needs none. Where an argument may be of any type, there is no such body, and a
-- listing must not pin what names in arguments are looked up by: its body is called with an empty search_path.
SELECT routine AS search_path_not_pinned
  FROM members
 WHERE lanname IN ('sql', 'plpgsql')
   AND prokind = 'f'
   AND prosqlbody IS NULL
   AND NOT 'anycompatible'::regtype = ANY (proargtypes::oid[])
   AND NOT EXISTS (SELECT FROM unnest(proconfig) AS setting WHERE setting LIKE 'search_path=%')
 ORDER BY routine::text;
BEGIN;
SET LOCAL search_path = '';
SELECT pg_catalog.count(*) FROM public.sg_orphan_audit('pg_catalog.pg_class');
ROLLBACK;
