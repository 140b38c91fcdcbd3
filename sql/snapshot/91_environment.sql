-- where the database is, and what it takes from its server, as one JSON object. What identifies the system stands in the setting
-- sg_snapshot.system (identifier, timeline, position in WAL), as not every role may ask for it.
SELECT jsonb_strip_nulls(jsonb_build_object(
    'system_identifier', nullif(split_part(s.system, ' ', 1), ''),
    'timeline', nullif(split_part(s.system, ' ', 2), '')::int,
    'lsn', nullif(split_part(s.system, ' ', 3), ''),
    'database_oid', b.oid::bigint,
    'encoding', pg_encoding_to_char(b.encoding),
    'locale_provider', CASE b.datlocprovider WHEN 'i' THEN 'icu' WHEN 'b' THEN 'builtin' ELSE 'libc' END,
    'collate', b.datcollate, 'ctype', b.datctype, 'locale', coalesce(b.datlocale, b.daticulocale), 'icu_rules', b.daticurules,
    'tablespace', (SELECT t.spcname FROM pg_tablespace t WHERE t.oid = b.dattablespace),
    'sequence_values', CASE WHEN current_setting('sg_snapshot.sequences', true) = 'on' THEN true END,
    -- the first superuser is recorded nowhere
    'roles', (SELECT jsonb_agg(r.name ORDER BY r.name COLLATE "C")
        FROM (SELECT quote_ident(a.rolname) AS name
              FROM pg_roles a
              WHERE a.oid IN (SELECT d.refobjid FROM pg_shdepend d
                      WHERE d.dbid = b.oid AND d.refclassid = 'pg_authid'::regclass)
                 OR a.oid = 10 AND (EXISTS (SELECT FROM pg_class c WHERE c.oid >= 16384 AND c.relowner = 10)
                      OR EXISTS (SELECT FROM pg_proc p WHERE p.oid >= 16384 AND p.proowner = 10)
                      OR EXISTS (SELECT FROM pg_type t WHERE t.oid >= 16384 AND t.typowner = 10)
                      OR EXISTS (SELECT FROM pg_namespace n WHERE n.oid >= 16384 AND n.nspowner = 10)
                      OR EXISTS (SELECT FROM pg_extension e WHERE e.oid >= 16384 AND e.extowner = 10))) r),
    'tablespaces', (SELECT jsonb_agg(t.name ORDER BY t.name COLLATE "C")
        FROM (SELECT DISTINCT t.spcname AS name
              FROM pg_class c JOIN pg_tablespace t ON t.oid = c.reltablespace WHERE c.oid >= 16384) t),
    -- of the server; those that were made here are objects
    'collations', (SELECT jsonb_agg(c.name ORDER BY c.name COLLATE "C")
        FROM (SELECT DISTINCT quote_ident(c.collname) AS name
              FROM pg_depend d JOIN pg_collation c ON c.oid = d.refobjid
              WHERE d.refclassid = 'pg_collation'::regclass AND d.objid >= 16384 AND c.collnamespace = 11) c)))
FROM (VALUES (coalesce(current_setting('sg_snapshot.system', true), ''))) s (system),
    (VALUES ('c'::"char", NULL::text, NULL::text, NULL::text)) d (datlocprovider, datlocale, daticulocale, daticurules),
    LATERAL (SELECT b.oid, b.encoding, b.datcollate::text AS datcollate, b.datctype::text AS datctype, b.dattablespace,
            datlocprovider, datlocale, daticulocale, daticurules
        FROM pg_database b WHERE b.datname = current_database() OFFSET 0) b
