-- docs/snapshot.sql: a snapshot of a database where schemaguard is not installed, nor can be.  It is made from sql/snapshot/
-- by `make docs/snapshot.sql`: edit it there.
--
--   psql -X -f docs/snapshot.sql DATABASE > prod.json
--   psql -X -v schemas='{app,audit}' -f docs/snapshot.sql DATABASE > prod.json      -- these schemas only
--   psql -X -v sequences=on -f docs/snapshot.sql DATABASE > prod.json                -- with the values of sequences
--
-- and where schemaguard is, in psql:
--
--   \set document `cat prod.json`
--   SELECT sg_snapshot_import('prod', :'document');
--
-- Needs psql 11 and a server of 12 or later, and the right to connect. It reads the catalogs in one read-only transaction,
-- on a standby too, and writes nothing. What another session keeps locked for more than 2 seconds, and what cannot be
-- printed, is marked as unknown; if that fails as well, or the server is too old, nothing is printed but the error, and psql
-- exits with status 3.
\set QUIET on
\set ON_ERROR_STOP on
\pset format unaligned
\pset tuples_only on
\pset pager off

SELECT pg_catalog.current_setting('server_version_num')::pg_catalog.int4 OPERATOR(pg_catalog.<) 120000 AS sg_too_old \gset
\if :sg_too_old
\set SHOW_CONTEXT never
DO $$
BEGIN
    RAISE 'this server runs PostgreSQL %', pg_catalog.current_setting('server_version')
        USING ERRCODE = 'feature_not_supported', DETAIL = 'The snapshot statement needs PostgreSQL 12 or later.',
            HINT = 'Compare what pg_dump --schema-only writes, or snapshots taken after an upgrade.';
END $$;
\endif

BEGIN TRANSACTION ISOLATION LEVEL READ COMMITTED READ ONLY;
SET LOCAL search_path = pg_catalog, pg_temp;
SET LOCAL TimeZone = 'UTC';
SET LOCAL DateStyle = 'ISO, YMD';
SET LOCAL IntervalStyle = 'postgres';
SET LOCAL bytea_output = 'hex';
SET LOCAL xmlbinary = 'base64';
SET LOCAL quote_all_identifiers = off;
SET LOCAL standard_conforming_strings = on;
SET LOCAL extra_float_digits = 1;
SET LOCAL lc_monetary = 'C';
SET LOCAL lock_timeout = '2s';
SET LOCAL enable_nestloop = off;
SET LOCAL enable_mergejoin = off;
SET LOCAL jit = off;
SET LOCAL max_parallel_workers_per_gather = 0;
SET LOCAL work_mem = '32MB';
\if :{?schemas}
SET LOCAL sg_snapshot.schemas = :'schemas';
\endif
\if :{?sequences}
SET LOCAL sg_snapshot.sequences = :'sequences';
\endif
SELECT has_function_privilege('pg_control_system()', 'EXECUTE') AND has_function_privilege('pg_current_wal_lsn()', 'EXECUTE')
    AND has_function_privilege('pg_last_wal_replay_lsn()', 'EXECUTE') AND has_function_privilege('pg_walfile_name(pg_lsn)', 'EXECUTE') AS sg_system \gset
\if :sg_system
SELECT set_config('sg_snapshot.system', c.system_identifier || ' ' || CASE
        WHEN pg_is_in_recovery() THEN ' ' || coalesce(pg_last_wal_replay_lsn()::text, '')
        ELSE ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int || ' ' || pg_current_wal_lsn() END, true) AS system
FROM pg_control_system() c
\gset sg_
\endif
-- there an error in a savepoint could end the session: be careful at once
SELECT CASE WHEN pg_is_in_recovery() THEN 'on' ELSE 'off' END AS sg_skip_locked \gset
SET LOCAL sg_snapshot.skip_locked = :'sg_skip_locked';

PREPARE sg_snapshot AS
WITH object AS MATERIALIZED (
    SELECT s.kind, s.identity, s.parent, s.properties, s.oid,
        sha256(convert_to(s.kind || chr(10) || s.identity || chr(10) || coalesce(s.parent, '') || chr(10) || s.properties::text, 'UTF8')) AS checksum
    FROM (
        -- what a replay of files has made belongs to nobody yet, so it is told as that role's
        SELECT s.kind, s.identity, s.parent, CASE WHEN s.properties ->> 'owner' = 'pg_database_owner'
                AND (s.kind, s.identity) <> ('schema', 'public') AND current_setting('sg_snapshot.owner', true) <> ''
            THEN s.properties || jsonb_build_object('owner', current_setting('sg_snapshot.owner'))
            ELSE s.properties END AS properties, s.oid
        FROM (
WITH
-- ---------------------------------------------------------------------------------------------------------------------
-- Common tables that several kinds of objects read
-- ---------------------------------------------------------------------------------------------------------------------
setting AS MATERIALIZED (
    SELECT nullif(current_setting('sg_snapshot.schemas', true), '')::text[] AS schemas,
        coalesce(current_setting('sg_snapshot.sequences', true) = 'on', false) AS sequences,
        ARRAY['json', 'json_array', 'json_arrayagg', 'json_exists', 'json_object', 'json_objectagg', 'json_query',
            'json_scalar', 'json_serialize', 'json_table', 'json_value', 'merge_action', 'normalize',
            'system_user'] AS keywords,
        -- an option, name=value, that holds a secret, by its name or within its value
        '^[^=]*(pass|pwd|secret|token|credential|key)|://[^/@]*:.*@|(pass|pwd|secret|token|api_?key)[a-z_]*["'']?[[:space:]]*[=:]'
            AS secret
),
held AS MATERIALIZED (
    SELECT array_agg(DISTINCT l.relation) AS relations
    FROM (SELECT l.relation
          FROM pg_locks l
          WHERE current_setting('sg_snapshot.skip_locked', true) = 'on'
            AND l.locktype = 'relation' AND l.mode = 'AccessExclusiveLock' AND l.pid IS DISTINCT FROM pg_backend_pid()
            AND l.database = (SELECT b.oid FROM pg_database b WHERE b.datname = current_database())
          UNION ALL
          SELECT c.oid FROM pg_class c WHERE current_setting('sg_snapshot.skip_locked', true) = 'all') l
),
-- what was tried one by one, and could not be printed
broken AS MATERIALIZED (
    SELECT split_part(b.key, ' ', 1) AS catalog, split_part(b.key, ' ', 2)::oid AS objid, b.value AS reason
    FROM jsonb_each_text(nullif(current_setting('sg_snapshot.unprintable', true), '')::jsonb) b
),
-- columns that plans have dropped and keep, where schemaguard is: a user's own can have such a name
kept AS MATERIALIZED (
    SELECT array_agg(k.found[1]) AS columns
    FROM pg_class v
    JOIN pg_namespace n ON n.oid = v.relnamespace AND n.nspname = 'schemaguard'
    JOIN pg_depend d ON d.classid = 'pg_class'::regclass AND d.objid = v.oid AND d.deptype = 'e'
        AND d.refclassid = 'pg_extension'::regclass
    JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'schemaguard'
    CROSS JOIN LATERAL regexp_matches(CASE WHEN NOT has_schema_privilege(n.oid, 'USAGE') OR NOT has_table_privilege(v.oid, 'SELECT')
            OR EXISTS (SELECT FROM held h JOIN pg_class l ON l.oid = ANY (h.relations)
                WHERE l.relnamespace = n.oid AND l.relname IN ('kept_column', 'plan_deed')) THEN ''
        ELSE query_to_xml('SELECT string_agg(relid || ''.'' || number, '' '') AS c FROM schemaguard.kept_column', true, false, '')::text
        END, '[0-9]+[.][0-9]+', 'g') k (found)
    WHERE v.relname = 'kept_column'
),
space AS MATERIALIZED (
    SELECT n.oid, n.nspname, n.nspowner, n.nspacl,
        CASE WHEN n.nspname = ANY ((SELECT s.keywords FROM setting s)::text[]) THEN '"' || n.nspname || '"'
            ELSE quote_ident(n.nspname) END AS identity,
        left(n.nspname, 3) <> 'pg_' AND n.nspname <> 'information_schema'
            -- anybody can give the name: what plans keep is in a superuser's
            AND NOT (n.nspname ~ '^schemaguard_attic(_[0-9]+)?$'
                AND n.nspowner IN (SELECT r.oid FROM pg_roles r WHERE r.rolsuper))
            AND coalesce(n.nspname = ANY ((SELECT s.schemas FROM setting s)::name[]), true) AS wanted
    FROM pg_namespace n
),
nsp AS MATERIALIZED (
    SELECT s.oid, s.nspname, s.nspowner, s.nspacl, s.identity FROM space s WHERE s.wanted
),
-- what a relation is called, also one of a schema that was not asked for
place AS NOT MATERIALIZED (
    SELECT c.oid, s.identity AS schema,
        s.identity || '.' || CASE WHEN c.relname = ANY ((SELECT s.keywords FROM setting s)::text[])
            THEN '"' || c.relname || '"' ELSE quote_ident(c.relname) END AS identity
    FROM pg_class c JOIN space s ON s.oid = c.relnamespace
    WHERE c.relkind <> 't' AND c.oid >= 16384
),
ext AS MATERIALIZED (
    SELECT d.classid, d.objid, e.extname::text AS extension
    FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
    WHERE d.deptype = 'e' AND d.refclassid = 'pg_extension'::regclass
),
-- what comes and goes with a range type
internal AS MATERIALIZED (
    SELECT d.classid, d.objid
    FROM pg_depend d
    WHERE d.deptype = 'i' AND d.refclassid = 'pg_type'::regclass
        AND d.classid IN ('pg_proc'::regclass, 'pg_cast'::regclass)
),
com AS MATERIALIZED (
    SELECT c.classoid, c.objoid, c.objsubid, c.description
    FROM pg_description c
    WHERE c.objoid >= 16384 OR c.classoid = 'pg_namespace'::regclass
),
-- tables, views, sequences, composite types
relation AS NOT MATERIALIZED (
    SELECT c.oid, c.relname, c.relkind, c.relowner, c.relacl, c.relpersistence, c.relam, c.reltablespace,
        c.relrowsecurity, c.relforcerowsecurity, c.relreplident, c.relispartition, c.relpartbound, c.reloftype,
        c.relispopulated, c.reltoastrelid, n.identity AS schema,
        n.identity || '.' || CASE WHEN c.relname = ANY ((SELECT s.keywords FROM setting s)::text[])
            THEN '"' || c.relname || '"' ELSE quote_ident(c.relname) END AS identity,
        b.objid IS NOT NULL OR coalesce(c.oid = ANY ((SELECT h.relations FROM held h)::oid[]), false) AS locked,
        coalesce(b.reason, 'its table is locked by another session') AS trouble,
        CASE WHEN c.reloptions IS NOT NULL THEN ARRAY(SELECT o FROM unnest(c.reloptions) o ORDER BY o COLLATE "C") END
            AS reloptions,
        e.extension
    FROM pg_class c
    JOIN nsp n ON n.oid = c.relnamespace
    LEFT JOIN ext e ON e.classid = 'pg_class'::regclass AND e.objid = c.oid
    LEFT JOIN broken b ON b.catalog = 'relation' AND b.objid = c.oid
    WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm', 'S', 'c') AND c.oid >= 16384
),
rel AS MATERIALIZED (
    SELECT * FROM relation
),
-- what a view, rule or function reads that is locked: printing it would wait
waiting AS MATERIALIZED (
    SELECT DISTINCT d.classid, d.objid
    FROM pg_depend d
    WHERE (SELECT h.relations FROM held h) IS NOT NULL
      AND d.refclassid = 'pg_class'::regclass AND d.refobjid = ANY ((SELECT h.relations FROM held h)::oid[])
      AND d.classid IN ('pg_rewrite'::regclass, 'pg_proc'::regclass)
),
inh AS MATERIALIZED (
    SELECT i.inhrelid, i.inhparent, i.inhseqno, i.inhdetachpending AS detaching
    FROM (VALUES (false)) d (inhdetachpending),
        LATERAL (SELECT i.inhrelid, i.inhparent, i.inhseqno, inhdetachpending FROM pg_inherits i OFFSET 0) i
),
coll AS MATERIALIZED (
    SELECT c.oid, CASE WHEN c.collnamespace = 11 THEN '' ELSE quote_ident(n.nspname) || '.' END
        || quote_ident(c.collname) AS identity
    FROM pg_collation c JOIN pg_namespace n ON n.oid = c.collnamespace
),
owned AS MATERIALIZED (
    SELECT d.objid AS sequence, d.refobjid AS attrelid, d.refobjsubid AS attnum, d.deptype
    FROM pg_depend d JOIN pg_sequence s ON s.seqrelid = d.objid
    WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass
      AND d.objsubid = 0 AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i')
),
-- the columns of tables and of indexes by number: found by subscript what is sought by the thousand
cols AS MATERIALIZED (
    SELECT a.attrelid, array_agg(a.attname) AS names, array_agg(a.attcollation) AS collations,
        array_agg(a.attnum) FILTER (WHERE a.gone) AS gone,
        array_agg(a.attnum) FILTER (WHERE a.granted) AS granted,
        array_agg(a.attnum) FILTER (WHERE a.opted) AS opted
    FROM (SELECT a.attrelid, a.attnum, a.attname, a.attcollation,
              a.attisdropped OR CASE WHEN left(a.attname, 12) = '_sg_dropped_'
                  THEN a.attrelid || '.' || a.attnum = ANY ((SELECT k.columns FROM kept k)::text[]) END AS gone,
              a.attacl IS NOT NULL AND NOT a.attisdropped AS granted, a.attoptions IS NOT NULL AS opted
          FROM pg_attribute a WHERE a.attnum > 0 AND a.attrelid >= 16384 ORDER BY a.attrelid, a.attnum) a
    GROUP BY a.attrelid
),
-- ---------------------------------------------------------------------------------------------------------------------
-- Privileges: who holds what, as a set; only where it is not what a new object has, or what its extension has given
-- ---------------------------------------------------------------------------------------------------------------------
granted AS (
    SELECT 'pg_class'::regclass AS classid, r.oid AS objid, 0 AS objsubid, r.relowner AS owner, r.relacl AS acl,
        CASE r.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char" AS type, true AS whole
    FROM rel r WHERE r.relacl IS NOT NULL
    UNION ALL
    SELECT 'pg_class'::regclass, r.oid, k.attnum, r.relowner, (SELECT a.attacl FROM pg_attribute a
        WHERE a.attrelid = r.oid AND a.attnum = k.attnum), 'c', false
    FROM (SELECT c.attrelid, unnest(c.granted) AS attnum
          FROM cols c WHERE cardinality(c.granted) BETWEEN 1 AND 1600) k
    JOIN rel r ON r.oid = k.attrelid
    UNION ALL
    SELECT 'pg_namespace'::regclass, n.oid, 0, n.nspowner, n.nspacl, 'n', true
    FROM nsp n WHERE n.nspacl IS NOT NULL
    UNION ALL
    SELECT 'pg_proc'::regclass, p.oid, 0, p.proowner, p.proacl, 'f', true
    FROM pg_proc p JOIN nsp n ON n.oid = p.pronamespace WHERE p.proacl IS NOT NULL
    UNION ALL
    SELECT 'pg_type'::regclass, t.oid, 0, t.typowner, t.typacl, 'T', true
    FROM pg_type t JOIN nsp n ON n.oid = t.typnamespace WHERE t.typacl IS NOT NULL
    UNION ALL
    SELECT 'pg_language'::regclass, l.oid, 0, l.lanowner, l.lanacl, 'l', true
    FROM pg_language l WHERE l.lanacl IS NOT NULL
    UNION ALL
    SELECT 'pg_foreign_data_wrapper'::regclass, w.oid, 0, w.fdwowner, w.fdwacl, 'F', true
    FROM pg_foreign_data_wrapper w WHERE w.fdwacl IS NOT NULL
    UNION ALL
    SELECT 'pg_foreign_server'::regclass, s.oid, 0, s.srvowner, s.srvacl, 'S', true
    FROM pg_foreign_server s WHERE s.srvacl IS NOT NULL
    UNION ALL
    SELECT 'pg_default_acl'::regclass, a.oid, 0, a.defaclrole, a.defaclacl,
        CASE a.defaclobjtype WHEN 'S' THEN 's' ELSE a.defaclobjtype END, a.defaclnamespace = 0
    FROM pg_default_acl a
),
-- how many privileges there are: all of them are written as ALL, since majors differ in what there is
every AS MATERIALIZED (
    SELECT t.type, CASE t.type WHEN 'c' THEN 4 ELSE count(*) END AS n
    FROM unnest('{c,r,s,n,f,T,l,F,S,L}'::"char"[]) t (type)
    LEFT JOIN LATERAL aclexplode(acldefault(t.type, 10)) x ON x.grantee = 10
    GROUP BY t.type
),
privilege AS (
    SELECT g.classid, g.objid, g.objsubid, g.owner, g.type, g.whole, x.grantee, x.privilege_type AS privilege,
        bool_or(x.is_grantable) AS grantable
    FROM (SELECT g.*, coalesce(i.initprivs, acldefault(g.type, g.owner)) AS base
          FROM granted g
          -- what an extension has granted on its members
          LEFT JOIN pg_init_privs i ON i.classoid = g.classid AND i.objoid = g.objid AND i.objsubid = g.objsubid
              AND i.privtype = 'e') g,
        LATERAL (
            SELECT x.grantee, x.privilege_type, x.is_grantable FROM aclexplode(g.acl) x
            UNION ALL SELECT g.owner, NULL, NULL WHERE g.whole) x
    WHERE g.classid = 'pg_default_acl'::regclass OR NOT (g.acl @> g.base AND g.acl <@ g.base)
    GROUP BY g.classid, g.objid, g.objsubid, g.owner, g.type, g.whole, x.grantee, x.privilege_type
),
grantee AS (
    SELECT p.classid, p.objid, p.objsubid, p.owner, p.whole, p.grantee,
        CASE WHEN count(p.privilege) = max(e.n) AND bool_and(p.grantable) THEN '["ALL*"]'
            WHEN count(p.privilege) = max(e.n) AND NOT bool_or(p.grantable) THEN '["ALL"]'
            ELSE coalesce(jsonb_agg(p.privilege || CASE WHEN p.grantable THEN '*' ELSE '' END
                ORDER BY p.privilege COLLATE "C")
                FILTER (WHERE p.privilege IS NOT NULL), '[]') END AS privileges
    FROM privilege p JOIN every e ON e.type = p.type
    GROUP BY p.classid, p.objid, p.objsubid, p.owner, p.whole, p.grantee
),
acl AS MATERIALIZED (
    SELECT g.classid, g.objid, g.objsubid,
        coalesce(jsonb_object_agg(CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(g.grantee)) END,
            g.privileges)
            FILTER (WHERE NOT (g.whole AND g.grantee = g.owner AND g.privileges = '["ALL"]')), '{}') AS acl
    FROM grantee g
    GROUP BY g.classid, g.objid, g.objsubid
),
grantor AS MATERIALIZED (
    SELECT x.classid, x.objid, x.objsubid, jsonb_agg(x.grantor ORDER BY x.grantor COLLATE "C") AS grantors
    FROM (SELECT DISTINCT g.classid, g.objid, g.objsubid, quote_ident(pg_get_userbyid(x.grantor)) AS grantor
          FROM granted g, LATERAL aclexplode(g.acl) x WHERE x.grantor <> g.owner) x
    GROUP BY x.classid, x.objid, x.objsubid
),
-- ---------------------------------------------------------------------------------------------------------------------
-- Indexes and constraints
-- ---------------------------------------------------------------------------------------------------------------------
ind AS MATERIALIZED (
    SELECT i.indexrelid, i.indrelid, i.indisunique, i.indisclustered, i.indisvalid, i.indisreplident, i.indnatts,
        i.indnkeyatts,
        i.indkey, i.indclass, i.indcollation, i.indoption, i.indexprs, i.indpred, i.indnullsnotdistinct,
        x.relname, CASE WHEN x.reloptions IS NOT NULL THEN ARRAY(SELECT o
            FROM unnest(x.reloptions) o ORDER BY o COLLATE "C") END AS reloptions, x.reltablespace, m.amname,
            c.oid AS constraint_oid,
            c.oid IS NULL OR i.indnatts > i.indnkeyatts OR c.contype = 'x' AS has_own_key,
            t.identity AS table_identity,
        t.relname AS table_name, t.extension, t.locked AND (i.indpred IS NOT NULL OR i.indexprs IS NOT NULL) AS waits,
            t.trouble, n.identity AS schema, p.inhparent
    FROM (VALUES (false)) d (indnullsnotdistinct),
        LATERAL (SELECT i.indexrelid, i.indrelid, i.indisunique, i.indisclustered, i.indisvalid, i.indisreplident,
                i.indnatts, i.indnkeyatts, i.indkey, i.indclass, i.indcollation, i.indoption, i.indexprs, i.indpred,
                    indnullsnotdistinct
            FROM pg_index i OFFSET 0) i
    JOIN rel t ON t.oid = i.indrelid
    JOIN pg_class x ON x.oid = i.indexrelid
    JOIN nsp n ON n.oid = x.relnamespace
    JOIN pg_am m ON m.oid = x.relam
    LEFT JOIN pg_constraint c ON c.conindid = i.indexrelid AND c.contype IN ('p', 'u', 'x')
    LEFT JOIN inh p ON p.inhrelid = i.indexrelid
),
-- keys of indexes; for those of a constraint only where the constraint's own columns do not say it all
ind_key AS MATERIALIZED (
    SELECT i.indexrelid,
        jsonb_agg(t.names[k.attnum] ORDER BY k.n) FILTER (WHERE k.n <= i.indnkeyatts) AS columns,
        jsonb_agg(t.names[k.attnum] ORDER BY k.n) FILTER (WHERE k.n > i.indnkeyatts) AS include,
        jsonb_agg(pg_get_indexdef(i.indexrelid, k.n::int, false) ORDER BY k.n)
            FILTER (WHERE k.attnum = 0 AND NOT i.waits) AS expressions,
        -- options stand behind a name
        jsonb_agg(CASE WHEN NOT o.opcdefault OR k.n = ANY (x.opted) THEN CASE WHEN o.opcnamespace = 11 THEN '' ELSE quote_ident(os.nspname)
            || '.' END || quote_ident(o.opcname) END
            ORDER BY k.n) FILTER (WHERE k.n <= i.indnkeyatts) AS operator_classes,
        jsonb_agg(CASE WHEN k.colloid <> 0 AND k.colloid IS DISTINCT FROM CASE
            WHEN k.attnum = 0 THEN 100 ELSE t.collations[k.attnum] END
            THEN cl.identity END ORDER BY k.n) FILTER (WHERE k.n <= i.indnkeyatts) AS collations,
        jsonb_agg(CASE k.indoption WHEN 1 THEN 'desc nulls last' WHEN 2 THEN 'asc nulls first'
            WHEN 3 THEN 'desc' END ORDER BY k.n)
            FILTER (WHERE k.n <= i.indnkeyatts) AS ordering,
        bool_or(NOT o.opcdefault OR coalesce(k.n = ANY (x.opted), false)) AS has_operator_classes,
        bool_or(k.colloid <> 0 AND k.colloid IS DISTINCT FROM CASE WHEN k.attnum = 0 THEN 100
            ELSE t.collations[k.attnum] END) AS has_collations,
        bool_or(k.indoption <> 0) AS has_ordering,
        string_agg(CASE WHEN k.attnum <> 0 THEN t.names[k.attnum] ELSE x.names[k.n] END, '_' ORDER BY k.n) AS joined
    FROM ind i
    JOIN cols t ON t.attrelid = i.indrelid
    JOIN cols x ON x.attrelid = i.indexrelid
    CROSS JOIN LATERAL unnest(i.indkey, i.indclass, i.indcollation, i.indoption) WITH ORDINALITY k (attnum, opclass,
        colloid, indoption, n)
    LEFT JOIN pg_opclass o ON o.oid = k.opclass
    LEFT JOIN pg_namespace os ON os.oid = o.opcnamespace
    LEFT JOIN coll cl ON cl.oid = k.colloid
    WHERE i.has_own_key
    GROUP BY i.indexrelid
),
-- ---------------------------------------------------------------------------------------------------------------------
-- Columns of views and composite types
-- ---------------------------------------------------------------------------------------------------------------------
attributes AS MATERIALIZED (
    SELECT a.attrelid,
        jsonb_agg(CASE WHEN a.attname = ANY ((SELECT s.keywords FROM setting s)::text[]) THEN '"' || a.attname || '"'
            ELSE quote_ident(a.attname) END || ' ' || format_type(a.atttypid, a.atttypmod)
            || CASE WHEN a.attcollation <> t.typcollation THEN ' COLLATE ' || cl.identity ELSE '' END ORDER BY a.attnum)
                AS columns,
        jsonb_object_agg(a.attname, pg_get_expr(f.adbin, f.adrelid))
            FILTER (WHERE f.adrelid IS NOT NULL AND NOT r.locked) AS defaults,
        jsonb_object_agg(a.attname, c.description) FILTER (WHERE c.description IS NOT NULL) AS comments,
        jsonb_object_agg(a.attname, l.acl) FILTER (WHERE l.acl IS NOT NULL) AS acls,
        jsonb_object_agg(a.attname, a.attstattarget) FILTER (WHERE a.attstattarget >= 0) AS statistics,
        jsonb_object_agg(a.attname, CASE a.attstorage WHEN 'p' THEN 'plain' WHEN 'e' THEN 'external'
            WHEN 'm' THEN 'main' ELSE 'extended' END)
            FILTER (WHERE r.relkind = 'm' AND a.attstorage <> t.typstorage) AS storages,
        jsonb_object_agg(a.attname, z.compression) FILTER (WHERE z.compression IS NOT NULL) AS compressions,
        jsonb_object_agg(a.attname, z.options) FILTER (WHERE z.options <> '{}') AS options
    FROM rel r
    -- found by index, where there are few of them
    JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
        AND a.attrelid = ANY (ARRAY(SELECT v.oid FROM rel v WHERE v.relkind IN ('v', 'm', 'c')))
    JOIN pg_type t ON t.oid = a.atttypid
    LEFT JOIN coll cl ON cl.oid = a.attcollation
    LEFT JOIN pg_attrdef f ON f.adrelid = a.attrelid AND f.adnum = a.attnum
    LEFT JOIN com c ON c.classoid = 'pg_class'::regclass AND c.objoid = a.attrelid AND c.objsubid = a.attnum
    LEFT JOIN acl l ON l.classid = 'pg_class'::regclass AND l.objid = a.attrelid AND l.objsubid = a.attnum
    LEFT JOIN LATERAL (
        SELECT CASE x.attcompression WHEN 'p' THEN 'pglz' WHEN 'l' THEN 'lz4' END AS compression,
            ARRAY(SELECT o FROM unnest(x.attoptions) o WHERE left(o, 10) <> 'pg_attver=' ORDER BY o COLLATE "C") AS options
        FROM (VALUES (''::"char")) d (attcompression),
            LATERAL (SELECT b.attoptions, attcompression FROM pg_attribute b
                WHERE b.attrelid = a.attrelid AND b.attnum = a.attnum OFFSET 0) x
        WHERE r.relkind = 'm') z ON true
    WHERE r.relkind IN ('v', 'm', 'c')
    GROUP BY a.attrelid
),
-- columns that are no more, by number
gone AS MATERIALIZED (
    SELECT c.attrelid, c.gone AS attnums FROM cols c WHERE cardinality(c.gone) BETWEEN 1 AND 1600
),
-- operators and functions of operator classes, and all of a family
member AS MATERIALIZED (
    SELECT d.classid, d.objid, d.refobjid AS class
    FROM pg_depend d
    WHERE d.classid IN ('pg_amop'::regclass, 'pg_amproc'::regclass) AND d.deptype = 'i'
        AND d.refclassid = 'pg_opclass'::regclass
),
member_operators AS (
    SELECT x.classid, x.oid, jsonb_agg(x.member ORDER BY x.amopstrategy, x.operator COLLATE "C") AS operators
    FROM (SELECT h.classid, h.oid, a.amopstrategy, a.amopopr::regoperator::text AS operator,
              a.amopstrategy || ' ' || a.amopopr::regoperator::text
              || CASE a.amoppurpose WHEN 'o' THEN ' FOR ORDER BY ' || quote_ident(sn.nspname) || '.'
                  || quote_ident(s.opfname) ELSE '' END AS member
          FROM pg_amop a JOIN pg_opfamily f ON f.oid = a.amopfamily AND f.opfnamespace <> 11
          LEFT JOIN pg_opfamily s ON s.oid = a.amopsortfamily
          LEFT JOIN pg_namespace sn ON sn.oid = s.opfnamespace
          LEFT JOIN member m ON m.classid = 'pg_amop'::regclass AND m.objid = a.oid,
              LATERAL (VALUES ('pg_opfamily'::regclass, f.oid), ('pg_opclass'::regclass, m.class)) h (classid, oid)
          WHERE h.oid IS NOT NULL) x
    GROUP BY x.classid, x.oid
),
member_functions AS (
    SELECT x.classid, x.oid, jsonb_agg(x.amprocnum || ' (' || x.of_left || ', ' || x.of_right || ') ' || x.function
        ORDER BY x.amprocnum, x.of_left COLLATE "C", x.of_right COLLATE "C") AS functions
    FROM (SELECT h.classid, h.oid, a.amprocnum, format_type(a.amproclefttype, NULL) AS of_left,
              format_type(a.amprocrighttype, NULL) AS of_right, a.amproc::regprocedure::text AS function
          FROM pg_amproc a JOIN pg_opfamily f ON f.oid = a.amprocfamily AND f.opfnamespace <> 11
          LEFT JOIN member m ON m.classid = 'pg_amproc'::regclass AND m.objid = a.oid,
              LATERAL (VALUES ('pg_opfamily'::regclass, f.oid), ('pg_opclass'::regclass, m.class)) h (classid, oid)
          WHERE h.oid IS NOT NULL) x
    GROUP BY x.classid, x.oid
),
-- ---------------------------------------------------------------------------------------------------------------------
-- Objects that another object needs: edges of pg_depend, where neither its parent nor its properties name the other object in full
-- ---------------------------------------------------------------------------------------------------------------------
edge AS MATERIALIZED (
    SELECT d.classid, d.objid, d.objsubid, d.refclassid, d.refobjid, d.refobjsubid
    FROM pg_depend d
    WHERE d.objid >= 16384 AND d.refobjid >= 16384 AND d.classid <> 'pg_user_mapping'::regclass
      AND (d.deptype = 'n' AND d.refclassid <> 'pg_namespace'::regclass
              -- the columns of a key or check are its properties
              AND NOT (d.classid = 'pg_constraint'::regclass AND d.refclassid = 'pg_class'::regclass
                  AND d.refobjsubid > 0)
           OR d.deptype = 'a' AND d.classid = 'pg_opclass'::regclass
           -- of partitions, and the columns that expressions of an index name
           OR d.deptype = 'a' AND d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass
              AND (d.refobjsubid = 0 OR d.objid IN (SELECT i.indexrelid FROM pg_index i
                  WHERE i.indexprs IS NOT NULL OR i.indpred IS NOT NULL)))
      -- what an extension has brought is made by it
      AND NOT EXISTS (SELECT FROM ext x WHERE x.classid = d.classid AND x.objid = d.objid)
),
-- by the object of a snapshot that they count for; "home" is the relation that it is a part of
bearer AS (
    SELECT e.classid AS catalog, e.objid AS oid, 0 AS number, 0::oid AS home, e.refclassid, e.refobjid, e.refobjsubid
    FROM edge e
    WHERE e.classid NOT IN ('pg_class'::regclass, 'pg_attrdef'::regclass, 'pg_rewrite'::regclass, 'pg_amop'::regclass,
        'pg_amproc'::regclass, 'pg_publication_rel'::regclass)
    UNION ALL
    SELECT CASE c.relkind WHEN 'c' THEN 'pg_type'::regclass ELSE 'pg_class'::regclass END,
        CASE c.relkind WHEN 'c' THEN c.reltype ELSE c.oid END,
        CASE WHEN c.relkind IN ('r', 'p', 'f') THEN e.objsubid ELSE 0 END, c.oid,
        e.refclassid, e.refobjid, e.refobjsubid
    FROM edge e JOIN pg_class c ON c.oid = e.objid
    WHERE e.classid = 'pg_class'::regclass AND c.relkind NOT IN ('i', 'I')
        -- by index, where there are few of them
        AND c.oid = ANY (ARRAY(SELECT e.objid FROM edge e WHERE e.classid = 'pg_class'::regclass))
    UNION ALL
    SELECT CASE WHEN k.oid IS NULL THEN 'pg_class'::regclass ELSE 'pg_constraint'::regclass END,
        coalesce(k.oid, i.indexrelid), 0, i.indrelid, e.refclassid, e.refobjid, e.refobjsubid
    FROM edge e JOIN pg_index i ON i.indexrelid = e.objid
    LEFT JOIN pg_constraint k ON k.conindid = i.indexrelid AND k.contype IN ('p', 'u', 'x')
    WHERE e.classid = 'pg_class'::regclass
        AND i.indexrelid = ANY (ARRAY(SELECT e.objid FROM edge e WHERE e.classid = 'pg_class'::regclass))
    UNION ALL
    SELECT 'pg_class'::regclass, f.adrelid, CASE c.relkind WHEN 'v' THEN 0 ELSE f.adnum END, f.adrelid,
        e.refclassid, e.refobjid, e.refobjsubid
    FROM edge e JOIN pg_attrdef f ON f.oid = e.objid JOIN pg_class c ON c.oid = f.adrelid
    WHERE e.classid = 'pg_attrdef'::regclass
        AND f.oid = ANY (ARRAY(SELECT e.objid FROM edge e WHERE e.classid = 'pg_attrdef'::regclass))
    UNION ALL
    SELECT CASE w.rulename WHEN '_RETURN' THEN 'pg_class'::regclass ELSE 'pg_rewrite'::regclass END,
        CASE w.rulename WHEN '_RETURN' THEN w.ev_class ELSE w.oid END, 0, w.ev_class,
        e.refclassid, e.refobjid, e.refobjsubid
    FROM edge e JOIN pg_rewrite w ON w.oid = e.objid
    WHERE e.classid = 'pg_rewrite'::regclass
    UNION ALL
    -- an operator or function is its class's, or else its family's
    SELECT CASE WHEN m.class IS NULL THEN 'pg_opfamily'::regclass ELSE 'pg_opclass'::regclass END,
        coalesce(m.class, a.family), 0, 0,
        e.refclassid, e.refobjid, e.refobjsubid
    FROM edge e
    JOIN (SELECT 'pg_amop'::regclass AS classid, a.oid, a.amopfamily AS family FROM pg_amop a
          UNION ALL SELECT 'pg_amproc'::regclass, a.oid, a.amprocfamily FROM pg_amproc a) a
        ON a.classid = e.classid AND a.oid = e.objid
    LEFT JOIN member m ON m.classid = e.classid AND m.objid = e.objid
    UNION ALL
    SELECT 'pg_publication'::regclass, p.prpubid, 0, 0, e.refclassid, e.refobjid, e.refobjsubid
    FROM edge e JOIN pg_publication_rel p ON p.oid = e.objid
    WHERE e.classid = 'pg_publication_rel'::regclass
),
needed AS MATERIALIZED (
    SELECT DISTINCT e.refclassid AS classid, e.refobjid AS objid, e.refobjsubid AS objsubid FROM edge e
),
-- kind and identity of what is needed, wherever it is
goal AS MATERIALIZED (
    SELECT x.classid, x.objid, x.objsubid, x.kind,
        coalesce(x.prefix || '.', '')
            || coalesce(CASE WHEN x.name = ANY ((SELECT s.keywords FROM setting s)::text[]) THEN '"' || x.name || '"'
                ELSE quote_ident(x.name) END, '')
            || coalesce(x.suffix, '') AS identity
    FROM (
        -- the columns of views are theirs, and what makes a constraint is the constraint
        SELECT n.classid, n.objid, n.objsubid,
            CASE WHEN k.oid IS NOT NULL THEN 'constraint'
                WHEN n.objsubid > 0 AND c.relkind IN ('r', 'p', 'f') THEN 'column'
                ELSE CASE c.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' WHEN 'S' THEN 'sequence'
                    WHEN 'c' THEN 'type' WHEN 'i' THEN 'index' WHEN 'I' THEN 'index' ELSE 'table' END END AS kind,
            s.identity || CASE WHEN k.oid IS NOT NULL OR n.objsubid > 0 AND c.relkind IN ('r', 'p', 'f')
                THEN '.' || CASE WHEN c.relname = ANY ((SELECT s.keywords FROM setting s)::text[])
                    THEN '"' || c.relname || '"' ELSE quote_ident(c.relname) END ELSE '' END AS prefix,
            CASE WHEN k.oid IS NOT NULL THEN k.conname
                WHEN n.objsubid > 0 AND c.relkind IN ('r', 'p', 'f') THEN a.names[n.objsubid]
                ELSE c.relname END::text AS name,
            NULL::text AS suffix
        FROM needed n
        LEFT JOIN pg_constraint k ON k.conindid = n.objid AND k.contype IN ('p', 'u', 'x')
        JOIN pg_class c ON c.oid = coalesce(k.conrelid, n.objid) JOIN space s ON s.oid = c.relnamespace
        LEFT JOIN cols a ON a.attrelid = n.objid AND n.objsubid > 0
        WHERE n.classid = 'pg_class'::regclass
        UNION ALL
        -- an array is its element, a multirange its range, the row of a relation that relation
        SELECT n.classid, n.objid, n.objsubid,
            CASE WHEN c.oid IS NULL THEN CASE t.typtype WHEN 'd' THEN 'domain' ELSE 'type' END
                ELSE CASE c.relkind WHEN 'v' THEN 'view' WHEN 'm' THEN 'materialized view' ELSE 'table' END END,
            s.identity, t.typname, NULL
        FROM needed n
        LEFT JOIN pg_type e ON e.typarray = n.objid
        LEFT JOIN (SELECT r.rngtypid, r.rngmultitypid
                   FROM (VALUES (0::oid)) d (rngmultitypid),
                       LATERAL (SELECT r.rngtypid, rngmultitypid FROM pg_range r OFFSET 0) r
                   WHERE r.rngmultitypid <> 0) m ON m.rngmultitypid = coalesce(e.oid, n.objid)
        JOIN pg_type t ON t.oid = coalesce(m.rngtypid, e.oid, n.objid)
        JOIN space s ON s.oid = t.typnamespace
        LEFT JOIN pg_class c ON c.oid = t.typrelid AND c.relkind <> 'c'
        WHERE n.classid = 'pg_type'::regclass
        UNION ALL
        SELECT n.classid, n.objid, n.objsubid,
            CASE p.prokind WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate' ELSE 'function' END,
            s.identity, p.proname, '(' || oidvectortypes(p.proargtypes) || ')'
        FROM needed n JOIN pg_proc p ON p.oid = n.objid JOIN space s ON s.oid = p.pronamespace
        WHERE n.classid = 'pg_proc'::regclass
        UNION ALL
        SELECT n.classid, n.objid, n.objsubid, 'operator', s.identity, NULL,
            o.oprname || '(' || CASE WHEN o.oprleft = 0 THEN 'none' ELSE format_type(o.oprleft, NULL) END || ', '
                || CASE WHEN o.oprright = 0 THEN 'none' ELSE format_type(o.oprright, NULL) END || ')'
        FROM needed n JOIN pg_operator o ON o.oid = n.objid JOIN space s ON s.oid = o.oprnamespace
        WHERE n.classid = 'pg_operator'::regclass
        UNION ALL
        SELECT n.classid, n.objid, n.objsubid, o.kind, s.identity, o.name, ' USING ' || m.amname
        FROM needed n
        JOIN (SELECT 'pg_opclass'::regclass AS classid, 'operator class' AS kind, o.oid, o.opcnamespace AS space,
                  o.opcname AS name, o.opcmethod AS method FROM pg_opclass o
              UNION ALL
              SELECT 'pg_opfamily'::regclass, 'operator family', o.oid, o.opfnamespace, o.opfname, o.opfmethod
              FROM pg_opfamily o) o ON o.classid = n.classid AND o.oid = n.objid
        JOIN space s ON s.oid = o.space JOIN pg_am m ON m.oid = o.method
        UNION ALL
        SELECT n.classid, n.objid, n.objsubid, 'constraint', coalesce(p.identity, s.identity || '.' || quote_ident(t.typname)),
            k.conname, NULL
        FROM needed n JOIN pg_constraint k ON k.oid = n.objid
        LEFT JOIN place p ON p.oid = k.conrelid
        LEFT JOIN pg_type t ON t.oid = k.contypid LEFT JOIN space s ON s.oid = t.typnamespace
        WHERE n.classid = 'pg_constraint'::regclass AND k.contype IN ('p', 'u', 'f', 'c', 'x')
        UNION ALL
        SELECT n.classid, n.objid, n.objsubid, o.kind, s.identity, o.name, o.suffix
        FROM needed n
        JOIN (SELECT 'pg_collation'::regclass AS classid, 'collation' AS kind, c.oid, c.collnamespace AS space,
                  c.collname AS name, CASE WHEN c.collencoding <> -1
                      THEN ' FOR ' || pg_encoding_to_char(c.collencoding) END AS suffix FROM pg_collation c
              UNION ALL
              SELECT 'pg_ts_config'::regclass, 'text search configuration', c.oid, c.cfgnamespace, c.cfgname, NULL
              FROM pg_ts_config c
              UNION ALL
              SELECT 'pg_ts_dict'::regclass, 'text search dictionary', d.oid, d.dictnamespace, d.dictname, NULL
              FROM pg_ts_dict d
              UNION ALL
              SELECT 'pg_ts_parser'::regclass, 'text search parser', p.oid, p.prsnamespace, p.prsname, NULL
              FROM pg_ts_parser p
              UNION ALL
              SELECT 'pg_ts_template'::regclass, 'text search template', t.oid, t.tmplnamespace, t.tmplname, NULL
              FROM pg_ts_template t
              UNION ALL
              SELECT 'pg_language'::regclass, 'language', l.oid, 0, l.lanname, NULL FROM pg_language l
              UNION ALL
              SELECT 'pg_extension'::regclass, 'extension', x.oid, 0, x.extname, NULL FROM pg_extension x
              UNION ALL
              SELECT 'pg_am'::regclass, 'access method', m.oid, 0, m.amname, NULL FROM pg_am m
              UNION ALL
              SELECT 'pg_foreign_data_wrapper'::regclass, 'foreign data wrapper', w.oid, 0, w.fdwname, NULL
              FROM pg_foreign_data_wrapper w
              UNION ALL
              SELECT 'pg_foreign_server'::regclass, 'foreign server', s.oid, 0, s.srvname, NULL
              FROM pg_foreign_server s) o ON o.classid = n.classid AND o.oid = n.objid
        LEFT JOIN space s ON s.oid = o.space
    ) x
),
need AS MATERIALIZED (
    SELECT x.catalog, x.oid, x.number,
        jsonb_agg(jsonb_build_array(x.kind, x.identity) ORDER BY x.kind COLLATE "C", x.identity COLLATE "C") AS depends
    FROM (SELECT DISTINCT b.catalog, b.oid, b.number, g.kind, g.identity
          FROM bearer b
          JOIN goal g ON g.classid = b.refclassid AND g.objid = b.refobjid AND g.objsubid = b.refobjsubid
          -- not on itself, nor on the relation that it belongs to
          WHERE NOT (b.refclassid = b.catalog AND b.refobjid = b.oid AND (b.refobjsubid = b.number OR b.number = 0))
            AND NOT (b.refclassid = 'pg_class'::regclass AND b.refobjid = b.home AND b.refobjsubid = 0)) x
    GROUP BY x.catalog, x.oid, x.number
)
-- objects: kind, what precedes the name in the identity, the name, what follows it, parent, properties, and where it is
-- in the catalogs: catalog, OID, number of a column
SELECT x.kind, x.identity, x.parent, x.properties, x.oid
FROM (
SELECT o.kind,
    coalesce(o.prefix || '.', '')
        -- the keywords of "setting", here as constants: these are hashed, for every object asks
        || coalesce(CASE WHEN o.name IN ('json', 'json_array', 'json_arrayagg', 'json_exists', 'json_object',
            'json_objectagg', 'json_query', 'json_scalar', 'json_serialize', 'json_table', 'json_value', 'merge_action',
            'normalize', 'system_user') THEN '"' || o.name || '"'
            ELSE quote_ident(o.name) END, '')
        || coalesce(o.suffix, '') AS identity,
    o.parent,
    CASE WHEN n.depends IS NULL THEN o.properties ELSE o.properties || jsonb_build_object('depends', n.depends) END
        AS properties,
    o.oid
FROM (
    (
    SELECT 'schema'::text, NULL::text, n.nspname::text, NULL::text, NULL::text,
        jsonb_strip_nulls(jsonb_build_object('owner', quote_ident(pg_get_userbyid(n.nspowner)), 'acl', a.acl, 'grantors', g.grantors,
            'comment', c.description, 'extension', e.extension)),
        'pg_namespace'::regclass, n.oid, 0
    FROM nsp n
    LEFT JOIN ext e ON e.classid = 'pg_namespace'::regclass AND e.objid = n.oid
    LEFT JOIN com c ON c.classoid = 'pg_namespace'::regclass AND c.objoid = n.oid
    LEFT JOIN acl a ON a.classid = 'pg_namespace'::regclass AND a.objid = n.oid
    LEFT JOIN grantor g ON g.classid = 'pg_namespace'::regclass AND g.objid = n.oid
    ) UNION ALL (
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
    ) UNION ALL (
    WITH
    att AS (
        SELECT a.*
        FROM (VALUES (''::"char")) d (attcompression),
            LATERAL (SELECT a.attrelid, a.attnum, a.attname, a.atttypid, a.atttypmod, a.attnotnull, a.attcollation,
                a.attidentity,
                    a.attgenerated, a.attstorage, a.attislocal, a.attinhcount, a.attoptions, a.attfdwoptions, a.atthasdef,
                    CASE WHEN a.attstattarget >= 0 THEN a.attstattarget END AS statistics, attcompression
                FROM pg_attribute a
                WHERE a.attnum > 0 AND NOT a.attisdropped AND a.attrelid >= 16384
                    AND CASE WHEN left(a.attname, 12) = '_sg_dropped_'
                        THEN (a.attrelid || '.' || a.attnum = ANY ((SELECT k.columns FROM kept k)::text[])) IS NOT TRUE
                        ELSE true END
                OFFSET 0) a
    ),
    -- not null constraints are properties of their column: majors before 18 have none; a name that was chosen counts
    not_null AS MATERIALIZED (
        SELECT c.conrelid, c.conkey[1] AS attnum, CASE WHEN c.coninhcount = 0 THEN c.conname END AS conname,
            c.convalidated, c.connoinherit, m.description
        FROM pg_constraint c
        LEFT JOIN com m ON m.classoid = 'pg_constraint'::regclass AND m.objoid = c.oid
        WHERE c.contype = 'n' AND c.conrelid <> 0
    ),
    identity_column AS MATERIALIZED (
        SELECT o.attrelid, o.attnum, jsonb_build_object('type', format_type(s.seqtypid, NULL), 'start', s.seqstart,
            'increment', s.seqincrement, 'minimum', s.seqmin, 'maximum', s.seqmax, 'cache', s.seqcache, 'cycle', s.seqcycle,
            'name', c.relname)
            || jsonb_strip_nulls(jsonb_build_object('acl', a.acl, 'comment', m.description,
                -- it goes with its table, where nobody has set it
                'persistence', CASE WHEN c.relpersistence <> t.relpersistence
                    THEN CASE c.relpersistence WHEN 'u' THEN 'unlogged' ELSE 'permanent' END END))
            || CASE WHEN (SELECT s.sequences FROM setting s) THEN CASE
                WHEN coalesce(c.oid = ANY ((SELECT h.relations FROM held h)::oid[]), false) OR NOT has_sequence_privilege(c.oid, 'USAGE, SELECT') OR c.relpersistence = 'u' AND pg_is_in_recovery()
                    THEN '{"last_value": null}'
                WHEN pg_sequence_last_value(c.oid) IS NULL THEN '{}'
                ELSE jsonb_build_object('last_value', pg_sequence_last_value(c.oid)) END ELSE '{}' END AS options
        FROM owned o JOIN pg_sequence s ON s.seqrelid = o.sequence JOIN pg_class c ON c.oid = s.seqrelid
        JOIN pg_class t ON t.oid = o.attrelid
        LEFT JOIN acl a ON a.classid = 'pg_class'::regclass AND a.objid = c.oid AND a.objsubid = 0
        LEFT JOIN com m ON m.classoid = 'pg_class'::regclass AND m.objoid = c.oid AND m.objsubid = 0
        WHERE o.deptype = 'i'
    ),
    -- what few columns have, in one place: whatever is joined with columns costs something for each of them
    noted AS MATERIALIZED (
        SELECT n.attrelid, n.attnum, jsonb_object_agg(n.property, n.value) AS properties
        FROM (SELECT o.attrelid, o.attnum::int AS attnum, 'identity' AS property, o.options AS value FROM identity_column o
              UNION ALL
              SELECT c.objoid, c.objsubid, 'comment', to_jsonb(c.description) FROM com c
              WHERE c.classoid = 'pg_class'::regclass AND c.objsubid > 0
              UNION ALL
              SELECT a.objid, a.objsubid, 'acl', a.acl FROM acl a WHERE a.classid = 'pg_class'::regclass AND a.objsubid > 0
              UNION ALL
              SELECT g.objid, g.objsubid, 'grantors', g.grantors FROM grantor g
              WHERE g.classid = 'pg_class'::regclass AND g.objsubid > 0) n
        GROUP BY n.attrelid, n.attnum
    )
    SELECT 'column', x.identity, x.attname::text, NULL, x.identity,
        CASE WHEN x.plain AND NOT x.has_expression THEN jsonb_build_object('type', x.type, 'position', x.position,
            'not_null', x.attnotnull)
            -- no table is looked at for a default, so that it is always there
            WHEN x.plain AND x.attgenerated = '' AND NOT x.locked
            THEN jsonb_build_object('type', x.type, 'position', x.position, 'not_null', x.attnotnull, 'default',
                x.expression)
        ELSE jsonb_strip_nulls(jsonb_build_object('type', x.type, 'position', x.position,
            'number', nullif(x.attnum, x.position), 'not_null', x.attnotnull,
            'collation', cl.identity,
            'default', CASE WHEN x.attgenerated = '' THEN x.expression END,
            'generated', CASE WHEN x.attgenerated <> '' THEN x.expression END,
            'generated_kind', CASE x.attgenerated WHEN 's' THEN 'stored' WHEN 'v' THEN 'virtual' END,
            'identity', CASE x.attidentity WHEN 'a' THEN 'always' WHEN 'd' THEN 'by default' END,
            'identity_sequence', (x.noted -> 'identity') - CASE WHEN x.noted #>> '{identity,name}'
                = x.relname || '_' || x.attname || '_seq' THEN 'name' ELSE '' END,
            'storage', CASE WHEN x.attstorage <> x.typstorage THEN CASE x.attstorage WHEN 'p' THEN 'plain'
                WHEN 'e' THEN 'external' WHEN 'm' THEN 'main' ELSE 'extended' END END,
            'compression', CASE x.attcompression WHEN 'p' THEN 'pglz' WHEN 'l' THEN 'lz4' END,
            'statistics', x.statistics,
            'options', to_jsonb(nullif(ARRAY(SELECT o FROM unnest(x.options) o
                WHERE left(o, 10) <> 'pg_attver=' ORDER BY o COLLATE "C"), '{}')),
            'server_options', to_jsonb(CASE WHEN x.attfdwoptions IS NOT NULL
                THEN ARRAY(SELECT CASE WHEN o ~* (SELECT s.secret FROM setting s)
                    THEN split_part(o, '=', 1) || '=(hidden)' ELSE o END
                    FROM unnest(x.attfdwoptions) o ORDER BY o COLLATE "C") END),
            'inherited', CASE WHEN x.attinhcount > 0 THEN CASE WHEN x.attislocal THEN 'and local' ELSE 'only' END END,
            'not_null_name', CASE WHEN x.not_null_name <> x.relname || '_' || x.attname || '_not_null'
                -- one that is too long is made of the beginnings of both, by bytes
                AND NOT (octet_length(x.relname || '_' || x.attname || '_not_null') > 63 AND EXISTS (
                    SELECT FROM generate_series(1, length(x.relname)) n (n)
                    WHERE length(x.not_null_name) > n.n + 10 AND x.not_null_name = left(x.relname, n.n) || '_'
                        || left(x.attname, length(x.not_null_name) - n.n - 10) || '_not_null'))
                THEN x.not_null_name END,
            'not_null_validated', CASE WHEN NOT x.not_null_validated THEN false END,
            'not_null_no_inherit', CASE WHEN x.not_null_no_inherit THEN true END,
            'not_null_comment', x.not_null_comment,
            'acl', x.noted -> 'acl', 'grantors', x.noted -> 'grantors', 'comment', x.noted -> 'comment', 'extension',
                x.extension,
            'unknown', CASE WHEN x.has_expression AND x.locked THEN x.trouble
                WHEN x.has_expression AND x.expression IS NULL THEN 'dropped while it was read' END))
        END,
        'pg_class'::regclass, x.attrelid, x.attnum::int
    FROM (SELECT r.identity, r.relname, r.extension, r.locked, r.trouble, a.attrelid, a.attnum, a.attname,
              format_type(a.atttypid, a.atttypmod) AS type,
              CASE WHEN d.attrelid IS NULL THEN a.attnum
                  ELSE a.attnum - (SELECT count(*) FROM unnest(d.attnums) n WHERE n < a.attnum)::int END AS position,
              a.attnotnull, a.attgenerated, a.attidentity, a.attstorage, t.typstorage, a.attcompression, a.statistics,
              a.attoptions AS options, a.attfdwoptions, a.attinhcount, a.attislocal,
              CASE WHEN a.attcollation <> t.typcollation THEN a.attcollation END AS attcollation,
              f.adrelid IS NOT NULL AS has_expression,
              -- a default names no column: its table need not be opened
              CASE WHEN NOT r.locked
                  THEN pg_get_expr(f.adbin, CASE WHEN a.attgenerated = '' THEN 0 ELSE f.adrelid END) END AS expression,
              n.properties AS noted, k.conname AS not_null_name, k.convalidated AS not_null_validated,
                  k.connoinherit AS not_null_no_inherit, k.description AS not_null_comment,
              a.attidentity = '' AND a.attcollation = t.typcollation AND a.attstorage = t.typstorage
                  AND a.attcompression = '' AND a.statistics IS NULL AND a.attfdwoptions IS NULL AND a.attinhcount = 0
                  AND (a.attoptions IS NULL OR cardinality(a.attoptions) = 1
                      AND left(a.attoptions[1], 10) = 'pg_attver=')
                  AND (k.conname IS NULL OR k.convalidated AND NOT k.connoinherit AND k.description IS NULL
                      AND k.conname = r.relname || '_' || a.attname || '_not_null')
                  AND n.attrelid IS NULL AND r.extension IS NULL AND d.attrelid IS NULL AS plain
          FROM att a
          -- not rel, of which no statistics are known
          JOIN (SELECT * FROM relation r WHERE r.relkind IN ('r', 'p', 'f') OFFSET 0) r ON r.oid = a.attrelid
          JOIN pg_type t ON t.oid = a.atttypid
          LEFT JOIN pg_attrdef f ON f.adrelid = a.attrelid AND f.adnum = a.attnum
          LEFT JOIN gone d ON d.attrelid = a.attrelid
          LEFT JOIN not_null k ON k.conrelid = a.attrelid AND k.attnum = a.attnum
          LEFT JOIN noted n ON n.attrelid = a.attrelid AND n.attnum = a.attnum) x
    LEFT JOIN coll cl ON cl.oid = x.attcollation
    ) UNION ALL (
    WITH
    con AS (
        SELECT c.*, s.identity || '.' || CASE WHEN p.relname = ANY ((SELECT s.keywords FROM setting s)::text[])
                THEN '"' || p.relname || '"' ELSE quote_ident(p.relname) END AS parent,
            CASE WHEN cardinality(c.conkey) = 1 AND c.conkey[1] > 0 THEN jsonb_build_array(k.names[c.conkey[1]])
                ELSE (SELECT jsonb_agg(k.names[u.attnum] ORDER BY u.n)
                    FROM unnest(c.conkey) WITH ORDINALITY u (attnum, n) WHERE u.attnum > 0) END AS columns,
            CASE WHEN cardinality(c.conkey) = 1 AND c.conkey[1] > 0 THEN k.names[c.conkey[1]]::text
                ELSE (SELECT string_agg(k.names[u.attnum], '_' ORDER BY u.n)
                    FROM unnest(c.conkey) WITH ORDINALITY u (attnum, n) WHERE u.attnum > 0) END AS joined,
            CASE WHEN cardinality(c.confkey) = 1 THEN jsonb_build_array(f.names[c.confkey[1]])
                ELSE (SELECT jsonb_agg(f.names[u.attnum] ORDER BY u.n)
                    FROM unnest(c.confkey) WITH ORDINALITY u (attnum, n)) END AS referenced_columns,
            CASE WHEN c.confdelsetcols IS NOT NULL THEN (SELECT jsonb_agg(k.names[u.attnum] ORDER BY u.n)
                FROM unnest(c.confdelsetcols) WITH ORDINALITY u (attnum, n)) END AS on_delete_columns
        FROM (SELECT c.*
              FROM (VALUES (true, false, NULL::int2[])) d (conenforced, conperiod, confdelsetcols),
                  LATERAL (SELECT c.oid, c.conname, c.contype, c.condeferrable,
                          c.condeferred, c.convalidated, c.conrelid, c.contypid, c.conindid, c.conparentid, c.confrelid,
                          c.confupdtype, c.confdeltype, c.confmatchtype, c.conislocal, c.coninhcount, c.connoinherit,
                          c.conkey, c.confkey, c.conexclop, c.conbin, conenforced, conperiod, confdelsetcols
                      FROM pg_constraint c WHERE c.contype IN ('p', 'u', 'f', 'c', 'x') OFFSET 0) c) c
        LEFT JOIN cols k ON k.attrelid = c.conrelid
        LEFT JOIN pg_class p ON p.oid = c.confrelid
        LEFT JOIN cols f ON f.attrelid = p.oid
        LEFT JOIN space s ON s.oid = p.relnamespace
        -- the names of all columns go no further
        OFFSET 0
    ),
    -- what checks a key, switched off by DISABLE TRIGGER ALL
    switched AS MATERIALIZED (
        SELECT x.tgconstraint, string_agg(DISTINCT x.state COLLATE "C", ', ' ORDER BY x.state COLLATE "C") AS triggers
        FROM (SELECT t.tgconstraint, CASE WHEN t.tgfoid IN ('"RI_FKey_check_ins"'::regproc, '"RI_FKey_check_upd"'::regproc,
                      'unique_key_recheck'::regproc) THEN 'check ' ELSE 'action ' END
                  || CASE t.tgenabled WHEN 'D' THEN 'disabled' WHEN 'R' THEN 'replica' ELSE 'always' END AS state
              FROM pg_trigger t WHERE t.tgisinternal AND t.tgenabled <> 'O') x
        GROUP BY x.tgconstraint
    )
    SELECT 'constraint', x.table_identity, x.conname::text, NULL, x.table_identity,
        CASE x.contype
            WHEN 'f' THEN jsonb_build_object('type', 'f', 'columns', x.columns, 'references', x.parent,
                'referenced_columns', x.referenced_columns,
                'match', CASE x.confmatchtype WHEN 'f' THEN 'full' WHEN 'p' THEN 'partial' ELSE 'simple' END,
                'on_update', CASE x.confupdtype WHEN 'a' THEN 'no action' WHEN 'r' THEN 'restrict'
                    WHEN 'c' THEN 'cascade' WHEN 'n' THEN 'set null' ELSE 'set default' END,
                'on_delete', CASE x.confdeltype WHEN 'a' THEN 'no action' WHEN 'r' THEN 'restrict'
                    WHEN 'c' THEN 'cascade' WHEN 'n' THEN 'set null' ELSE 'set default' END,
                'deferrable', x.condeferrable, 'deferred', x.condeferred, 'validated', x.validated, 'enforced',
                    x.conenforced)
            WHEN 'c' THEN jsonb_strip_nulls(jsonb_build_object('type', 'c', 'columns', x.columns, 'expression',
                x.expression,
                'validated', x.validated, 'enforced', x.conenforced))
            ELSE jsonb_build_object('type', x.contype, 'columns', x.columns, 'deferrable', x.condeferrable, 'deferred',
                x.condeferred)
        END
        -- what stands for one partition of the table referred to is named by nobody
        || CASE WHEN x.of_reference OR x.conname = x.automatic OR starts_with(x.conname, x.automatic)
                AND ltrim(substr(x.conname, length(x.automatic) + 1), '0123456789') = ''
                    THEN '{"automatic_name": true}'::jsonb ELSE '{}' END
        || CASE WHEN x.description IS NULL AND x.extension IS NULL AND NOT x.conperiod AND NOT x.locked
            AND x.coninhcount = 0 AND x.partition_of IS NULL
                AND x.triggers IS NULL AND x.index_comment IS NULL
                AND (x.contype = 'f' AND x.on_delete_columns IS NULL
                     OR x.contype = 'c' AND NOT x.connoinherit AND x.expression IS NOT NULL
                     OR x.contype IN ('p', 'u') AND x.indisvalid AND NOT x.indisclustered AND NOT x.indisreplident
                         AND NOT x.indnullsnotdistinct
                        AND x.reloptions IS NULL AND x.spcname IS NULL AND x.include IS NULL
                            AND x.index_name = x.conname)
            THEN '{}'
            ELSE jsonb_strip_nulls(jsonb_build_object(
                'on_delete_columns', x.on_delete_columns, 'triggers', x.triggers,
                'period', CASE WHEN x.conperiod THEN true END,
                'no_inherit', CASE WHEN x.contype = 'c' AND x.connoinherit THEN true END,
                'inherited', CASE WHEN x.coninhcount > 0 AND x.partition_of IS NULL THEN CASE
                    WHEN x.conislocal THEN 'and local' ELSE 'only' END END,
                'partition_of', x.partition_of,
                'nulls_not_distinct', CASE WHEN x.indnullsnotdistinct THEN true END,
                'include', x.include,
                'access_method', CASE WHEN x.contype = 'x' THEN x.amname END,
                'index_columns', CASE WHEN x.contype = 'x' THEN x.index_columns END,
                'expressions', x.expressions, 'operators', x.operators,
                'operator_classes', x.operator_classes, 'collations', x.collations, 'ordering', x.ordering,
                'predicate', x.predicate,
                'operator_class_options', CASE WHEN x.contype = 'x' THEN (
                    SELECT jsonb_object_agg(a.attnum::text, to_jsonb(a.attoptions)) FROM pg_attribute a
                    WHERE a.attrelid = x.conindid AND a.attnum BETWEEN 1 AND x.indnkeyatts
                        AND a.attoptions IS NOT NULL) END,
                'statistics', CASE WHEN x.expressions IS NOT NULL THEN (
                    SELECT jsonb_object_agg(a.attnum::text, a.attstattarget) FROM pg_attribute a
                    WHERE a.attrelid = x.conindid AND a.attnum > 0 AND a.attstattarget >= 0) END,
                'index_name', CASE WHEN x.index_name <> x.conname THEN x.index_name END,
                'index_comment', x.index_comment,
                'options', to_jsonb(x.reloptions), 'tablespace', x.spcname,
                'valid', CASE WHEN NOT x.indisvalid THEN false END,
                'clustered', CASE WHEN x.indisclustered THEN true END,
                'replica_identity', CASE WHEN x.indisreplident THEN true END,
                'comment', x.description, 'extension', x.extension,
                'unknown', CASE WHEN x.contype = 'c' AND x.locked OR x.waits THEN x.trouble
                    WHEN x.contype = 'c' AND x.expression IS NULL THEN 'dropped while it was read' END))
        END,
        'pg_constraint'::regclass, x.oid, 0
    FROM (SELECT c.*, coalesce(r.identity, t.identity) AS table_identity,
              coalesce(r.extension, t.extension) AS extension,
              coalesce(r.locked, false) OR t.objid IS NOT NULL AS locked,
              coalesce(r.trouble, t.reason) AS trouble,
              CASE WHEN c.contype = 'c' AND r.locked IS NOT TRUE AND t.objid IS NULL
                  THEN pg_get_expr(c.conbin, c.conrelid) END AS expression,
              CASE WHEN c.conparentid <> 0 THEN p.identity || '.' || quote_ident(p.conname) END AS partition_of,
              c.contype = 'f' AND p.conrelid = c.conrelid AS of_reference,
              -- VALIDATE leaves those for the partitions of the other table as they are
              CASE WHEN c.contype = 'f' AND p.conrelid = c.conrelid THEN (
                  WITH RECURSIVE up AS (
                      SELECT k.conparentid, k.convalidated FROM pg_constraint k WHERE k.oid = c.conparentid
                      UNION ALL SELECT k.conparentid, k.convalidated FROM up JOIN pg_constraint k ON k.oid = up.conparentid)
                  SELECT u.convalidated FROM up u WHERE u.conparentid = 0)
                  ELSE c.convalidated END AS validated,
              i.indnullsnotdistinct, i.waits, i.amname, i.relname AS index_name, i.reloptions, s.spcname, i.indisvalid,
                  i.indisclustered, i.indisreplident,
              ik.include, ik.columns AS index_columns, ik.expressions,
                  CASE WHEN ik.has_operator_classes THEN ik.operator_classes END AS operator_classes,
                  CASE WHEN ik.has_collations THEN ik.collations END AS collations,
                  CASE WHEN ik.has_ordering THEN ik.ordering END AS ordering, i.indnkeyatts,
              CASE WHEN NOT i.waits THEN pg_get_expr(i.indpred, i.indrelid) END AS predicate,
              o.operators, sw.triggers, im.description AS index_comment,
              CASE c.contype WHEN 'p' THEN r.relname || '_pkey'
                  WHEN 'f' THEN r.relname || '_' || c.joined || '_fkey'
                  WHEN 'u' THEN r.relname || '_' || coalesce(ik.joined, c.joined) || '_key'
                  WHEN 'x' THEN r.relname || '_' || coalesce(ik.joined, c.joined) || '_excl'
                  WHEN 'c' THEN coalesce(r.relname || CASE WHEN cardinality(c.conkey) = 1 THEN '_' || c.joined
                      ELSE '' END, t.typname) || '_check' END AS automatic,
              m.description
          FROM con c
          LEFT JOIN rel r ON r.oid = c.conrelid
          LEFT JOIN (SELECT t.oid, t.typname, n.identity || '.' || quote_ident(t.typname) AS identity, e.extension,
                         b.objid, b.reason
                     FROM pg_type t
                     JOIN nsp n ON n.oid = t.typnamespace
                     LEFT JOIN ext e ON e.classid = 'pg_type'::regclass AND e.objid = t.oid
                     LEFT JOIN broken b ON b.catalog = 'type' AND b.objid = t.oid
                     WHERE t.typtype = 'd') t ON t.oid = c.contypid
          LEFT JOIN (SELECT p.oid, p.conrelid, p.conname, pr.identity
                     FROM pg_constraint p JOIN place pr ON pr.oid = p.conrelid
                     WHERE p.oid IN (SELECT c.conparentid FROM pg_constraint c WHERE c.conparentid <> 0)) p
              ON p.oid = c.conparentid
          LEFT JOIN ind i ON i.constraint_oid = c.oid
          LEFT JOIN ind_key ik ON ik.indexrelid = i.indexrelid
          LEFT JOIN pg_tablespace s ON s.oid = i.reltablespace
          LEFT JOIN (SELECT c.oid, jsonb_agg(u.operator::regoperator::text ORDER BY u.n) AS operators
                     FROM pg_constraint c, LATERAL unnest(c.conexclop) WITH ORDINALITY u (operator,
                         n) GROUP BY c.oid) o ON o.oid = c.oid
          LEFT JOIN com m ON m.classoid = 'pg_constraint'::regclass AND m.objoid = c.oid
          LEFT JOIN com im ON im.classoid = 'pg_class'::regclass AND im.objoid = i.indexrelid AND im.objsubid = 0
          LEFT JOIN switched sw ON sw.tgconstraint = c.oid
          WHERE r.oid IS NOT NULL OR t.oid IS NOT NULL
          OFFSET 0) x
    ) UNION ALL (
    SELECT 'index', i.schema, i.relname::text, NULL, i.table_identity,
        jsonb_strip_nulls(jsonb_build_object('access_method', i.amname, 'unique', i.indisunique,
            'columns', k.columns, 'expressions', k.expressions, 'include', k.include,
            'operator_classes', CASE WHEN k.has_operator_classes THEN k.operator_classes END,
            'operator_class_options', (SELECT jsonb_object_agg(a.attnum::text, to_jsonb(a.attoptions))
                FROM pg_attribute a WHERE a.attrelid = i.indexrelid AND a.attnum BETWEEN 1 AND i.indnkeyatts
                    AND a.attoptions IS NOT NULL),
            'collations', CASE WHEN k.has_collations THEN k.collations END,
            'ordering', CASE WHEN k.has_ordering THEN k.ordering END,
            'predicate', CASE WHEN NOT i.waits THEN pg_get_expr(i.indpred, i.indrelid) END,
            'nulls_not_distinct', CASE WHEN i.indnullsnotdistinct THEN true END,
            'valid', i.indisvalid,
            'clustered', CASE WHEN i.indisclustered THEN true END,
            'replica_identity', CASE WHEN i.indisreplident THEN true END,
            'options', to_jsonb(i.reloptions),
            'tablespace', s.spcname,
            'statistics', (SELECT jsonb_object_agg(a.attnum::text, a.attstattarget)
                FROM pg_attribute a WHERE a.attrelid = i.indexrelid AND a.attnum > 0 AND a.attstattarget >= 0),
            'partition_of', p.identity,
            'automatic_name', CASE WHEN CASE WHEN octet_length(i.table_name || '_' || k.joined || '_idx') < 64
                THEN left(i.relname, length(i.table_name || '_' || k.joined || '_idx')) = i.table_name || '_' || k.joined || '_idx'
                    AND ltrim(substr(i.relname, length(i.table_name || '_' || k.joined || '_idx') + 1), '0123456789') = ''
                -- of the beginnings of both, by bytes
                ELSE EXISTS (SELECT FROM generate_series(1, length(i.table_name)) n (n),
                        regexp_replace(i.relname, '_idx[0-9]*$', '_idx') r (name)
                    WHERE length(r.name) > n.n + 5 AND r.name = left(i.table_name, n.n) || '_'
                        || left(k.joined, length(r.name) - n.n - 5) || '_idx') END
                    THEN true END,
            'comment', c.description, 'extension', i.extension,
            'unknown', CASE WHEN i.waits THEN i.trouble END)),
        'pg_class'::regclass, i.indexrelid, 0
    FROM ind i
    LEFT JOIN ind_key k ON k.indexrelid = i.indexrelid
    LEFT JOIN pg_tablespace s ON s.oid = i.reltablespace
    LEFT JOIN (SELECT p.oid, p.identity FROM place p WHERE p.oid IN (SELECT i.inhparent FROM inh i)) p
        ON p.oid = i.inhparent
    LEFT JOIN com c ON c.classoid = 'pg_class'::regclass AND c.objoid = i.indexrelid AND c.objsubid = 0
    WHERE i.constraint_oid IS NULL
    ) UNION ALL (
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
    ) UNION ALL (
    SELECT 'sequence', r.schema, r.relname::text, NULL, r.schema,
        jsonb_strip_nulls(jsonb_build_object('owner', quote_ident(pg_get_userbyid(r.relowner)), 'type',
            format_type(s.seqtypid, NULL),
            'start', s.seqstart, 'increment', s.seqincrement, 'minimum', s.seqmin, 'maximum', s.seqmax, 'cache',
                s.seqcache, 'cycle', s.seqcycle,
            'persistence', CASE r.relpersistence WHEN 'u' THEN 'unlogged' END,
            'owned_by', t.identity || '.' || CASE WHEN b.attname = ANY ((SELECT s.keywords FROM setting s)::text[])
                THEN '"' || b.attname || '"' ELSE quote_ident(b.attname) END,
            'automatic_name', CASE WHEN CASE WHEN octet_length(t.relname || '_' || b.attname || '_seq') < 64
                THEN left(r.relname, length(t.relname || '_' || b.attname || '_seq')) = t.relname || '_' || b.attname || '_seq'
                    AND ltrim(substr(r.relname, length(t.relname || '_' || b.attname || '_seq') + 1), '0123456789') = ''
                ELSE EXISTS (SELECT FROM generate_series(1, length(t.relname)) n (n),
                        regexp_replace(r.relname, '_seq[0-9]*$', '_seq') s (name)
                    WHERE length(s.name) > n.n + 5 AND s.name = left(t.relname, n.n) || '_'
                        || left(b.attname, length(s.name) - n.n - 5) || '_seq') END
                    THEN true END,
            'acl', a.acl, 'grantors', g.grantors, 'comment', c.description, 'extension', r.extension))
        -- none: nothing was drawn yet; null: it may not be read
        || CASE WHEN (SELECT s.sequences FROM setting s) THEN CASE
            WHEN r.locked OR NOT has_sequence_privilege(r.oid, 'USAGE, SELECT') OR r.relpersistence = 'u' AND pg_is_in_recovery()
                THEN '{"last_value": null}'
            WHEN pg_sequence_last_value(r.oid) IS NULL THEN '{}'
            ELSE jsonb_build_object('last_value', pg_sequence_last_value(r.oid)) END ELSE '{}' END,
        'pg_class'::regclass, r.oid, 0
    FROM rel r
    JOIN pg_sequence s ON s.seqrelid = r.oid
    LEFT JOIN owned o ON o.sequence = r.oid
    LEFT JOIN rel t ON t.oid = o.attrelid
    LEFT JOIN LATERAL (SELECT k.names[o.attnum] AS attname FROM cols k WHERE k.attrelid = o.attrelid) b ON true
    LEFT JOIN com c ON c.classoid = 'pg_class'::regclass AND c.objoid = r.oid AND c.objsubid = 0
    LEFT JOIN acl a ON a.classid = 'pg_class'::regclass AND a.objid = r.oid AND a.objsubid = 0
    LEFT JOIN grantor g ON g.classid = 'pg_class'::regclass AND g.objid = r.oid AND g.objsubid = 0
    WHERE r.relkind = 'S' AND o.deptype IS DISTINCT FROM 'i'
    ) UNION ALL (
    WITH
    trig AS (
        SELECT t.*
        FROM (VALUES (0::oid)) d (tgparentid),
            LATERAL (SELECT t.oid, t.tgrelid, t.tgname, t.tgfoid, t.tgtype::int AS tgtype, t.tgenabled, t.tgisinternal,
                t.tgconstrrelid, t.tgconstraint,
                    t.tgdeferrable, t.tginitdeferred, t.tgattr, t.tgargs, t.tgnargs, t.tgqual, t.tgoldtable, t.tgnewtable,
                        tgparentid
                FROM pg_trigger t
                WHERE NOT t.tgisinternal
                    AND NOT (left(t.tgname, 18) = '~schemaguard_fill_' AND EXISTS (
                        SELECT FROM pg_proc f JOIN pg_namespace s ON s.oid = f.pronamespace
                        WHERE f.oid = t.tgfoid AND s.nspname = 'schemaguard'))
                OFFSET 0) t
    )
    SELECT 'trigger', r.identity, t.tgname::text, NULL, r.identity,
        jsonb_strip_nulls(jsonb_build_object('function', t.tgfoid::regprocedure::text,
            'timing', CASE WHEN t.tgtype & 2 <> 0 THEN 'before'
                WHEN t.tgtype & 64 <> 0 THEN 'instead of' ELSE 'after' END,
            'events', to_jsonb(array_remove(ARRAY[CASE WHEN t.tgtype & 4 <> 0 THEN 'insert' END,
                CASE WHEN t.tgtype & 16 <> 0 THEN 'update' END,
                CASE WHEN t.tgtype & 8 <> 0 THEN 'delete' END, CASE WHEN t.tgtype & 32 <> 0 THEN 'truncate' END],
                    NULL)),
            'level', CASE WHEN t.tgtype & 1 <> 0 THEN 'row' ELSE 'statement' END,
            'update_of', u.columns,
            'when', CASE WHEN t.tgqual IS NOT NULL AND NOT r.locked THEN substring(pg_get_triggerdef(t.oid)
                FROM ' WHEN [(](.*)[)] EXECUTE (?:FUNCTION|PROCEDURE) ') END,
            -- each ends with a zero
            'arguments', CASE WHEN t.tgnargs > 0 THEN (
                SELECT jsonb_agg(convert_from(substr(t.tgargs, z.start, z.stop - z.start), getdatabaseencoding()) ORDER BY z.start)
                FROM (SELECT coalesce(lag(n) OVER (ORDER BY n), 0) + 1 AS start, n AS stop
                      FROM generate_series(1, octet_length(t.tgargs)) n WHERE get_byte(t.tgargs, n - 1) = 0) z) END,
            'old_table', t.tgoldtable, 'new_table', t.tgnewtable,
            'enabled', CASE t.tgenabled WHEN 'O' THEN 'origin' WHEN 'D' THEN 'disabled'
                WHEN 'R' THEN 'replica' ELSE 'always' END,
            'constraint', CASE WHEN t.tgconstraint <> 0 THEN true END,
            'deferrable', CASE WHEN t.tgconstraint <> 0 THEN t.tgdeferrable END,
            'deferred', CASE WHEN t.tgconstraint <> 0 THEN t.tginitdeferred END,
            'from_table', f.identity,
            'partition_of', p.identity,
            'comment', c.description, 'extension', coalesce(e.extension, r.extension),
            'unknown', CASE WHEN t.tgqual IS NOT NULL AND r.locked THEN r.trouble
                WHEN t.tgqual IS NOT NULL AND pg_get_triggerdef(t.oid) IS NULL
                THEN 'dropped while it was read' END)),
        'pg_trigger'::regclass, t.oid, 0
    FROM trig t
    JOIN rel r ON r.oid = t.tgrelid
    LEFT JOIN (SELECT f.oid, f.identity FROM place f WHERE f.oid IN (SELECT t.tgconstrrelid FROM trig t)) f
        ON f.oid = t.tgconstrrelid
    LEFT JOIN (SELECT p.oid, pr.identity || '.' || quote_ident(p.tgname) AS identity
               FROM pg_trigger p JOIN place pr ON pr.oid = p.tgrelid
               WHERE p.oid IN (SELECT t.tgparentid FROM trig t)) p ON p.oid = t.tgparentid
    LEFT JOIN (SELECT t.oid, jsonb_agg(a.attname ORDER BY k.n) AS columns
               FROM trig t, LATERAL unnest(t.tgattr) WITH ORDINALITY k (attnum, n), pg_attribute a
               WHERE a.attrelid = t.tgrelid AND a.attnum = k.attnum GROUP BY t.oid) u ON u.oid = t.oid
    LEFT JOIN ext e ON e.classid = 'pg_trigger'::regclass AND e.objid = t.oid
    LEFT JOIN com c ON c.classoid = 'pg_trigger'::regclass AND c.objoid = t.oid
    ) UNION ALL (
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
    ) UNION ALL (
    SELECT 'policy', r.identity, p.polname::text, NULL, r.identity,
        jsonb_strip_nulls(jsonb_build_object('command', CASE p.polcmd WHEN 'r' THEN 'select' WHEN 'a' THEN 'insert'
            WHEN 'w' THEN 'update' WHEN 'd' THEN 'delete' ELSE 'all' END,
            'permissive', p.polpermissive,
            'roles', to_jsonb(ARRAY(SELECT CASE o WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(o)) END
                FROM unnest(p.polroles) o ORDER BY 1)),
            'using', CASE WHEN NOT r.locked THEN pg_get_expr(p.polqual, p.polrelid) END,
            'check', CASE WHEN NOT r.locked THEN pg_get_expr(p.polwithcheck, p.polrelid) END,
            'comment', c.description, 'extension', r.extension,
            'unknown', CASE WHEN r.locked THEN r.trouble
                WHEN p.polqual IS NOT NULL AND pg_get_expr(p.polqual, p.polrelid) IS NULL
                    THEN 'dropped while it was read' END)),
        'pg_policy'::regclass, p.oid, 0
    FROM pg_policy p
    JOIN rel r ON r.oid = p.polrelid
    LEFT JOIN com c ON c.classoid = 'pg_policy'::regclass AND c.objoid = p.oid
    ) UNION ALL (
    SELECT 'statistics', n.identity, s.stxname::text, NULL, r.identity,
        jsonb_strip_nulls(jsonb_build_object('owner', quote_ident(pg_get_userbyid(s.stxowner)),
            'kinds', to_jsonb(ARRAY(SELECT CASE k WHEN 'd' THEN 'ndistinct' WHEN 'f' THEN 'dependencies'
                WHEN 'm' THEN 'mcv' END
                FROM unnest(s.stxkind) k WHERE k <> 'e' ORDER BY 1)),
            'columns', k.columns,
            'expressions', CASE WHEN s.expressions AND NOT r.locked THEN '(' || substring(pg_get_statisticsobjdef(s.oid)
                FROM ' ON (.*) FROM ') || ')' END,
            'target', CASE WHEN s.stxstattarget >= 0 THEN s.stxstattarget END,
            'unknown', CASE WHEN s.expressions AND r.locked THEN r.trouble END,
            'comment', c.description, 'extension', coalesce(e.extension, r.extension))),
        'pg_statistic_ext'::regclass, s.oid, 0
    FROM (SELECT s.* FROM (VALUES (NULL::int, NULL::text)) d (stxstattarget, stxexprs),
              LATERAL (SELECT s.oid, s.stxrelid, s.stxname, s.stxnamespace, s.stxowner, s.stxkeys, s.stxkind,
                  stxstattarget, stxexprs IS NOT NULL AS expressions
                  FROM pg_statistic_ext s OFFSET 0) s) s
    JOIN nsp n ON n.oid = s.stxnamespace
    JOIN rel r ON r.oid = s.stxrelid
    LEFT JOIN (SELECT s.oid, jsonb_agg(a.attname ORDER BY a.attname) AS columns
               FROM pg_statistic_ext s, LATERAL unnest(s.stxkeys) k (attnum), pg_attribute a
               WHERE a.attrelid = s.stxrelid AND a.attnum = k.attnum GROUP BY s.oid) k ON k.oid = s.oid
    LEFT JOIN ext e ON e.classid = 'pg_statistic_ext'::regclass AND e.objid = s.oid
    LEFT JOIN com c ON c.classoid = 'pg_statistic_ext'::regclass AND c.objoid = s.oid
    ) UNION ALL (
    WITH
    proc AS (
        SELECT p.*
        FROM (VALUES (NULL::text)) d (prosqlbody),
            LATERAL (SELECT p.oid, p.proname, p.pronamespace, p.proowner, p.prolang, p.procost, p.prorows, p.provariadic,
                p.prosupport, p.prokind,
                    p.prosecdef, p.proleakproof, p.proisstrict, p.proretset, p.provolatile, p.proparallel, p.proargtypes,
                        p.protrftypes,
                    p.prosrc, p.probin, p.proconfig, prosqlbody IS NOT NULL AS parsed
                FROM pg_proc p
                WHERE p.pronamespace <> 11
                    AND NOT (left(p.proname, 18) = '~schemaguard_fill_' AND EXISTS (
                        SELECT FROM pg_namespace s WHERE s.oid = p.pronamespace AND s.nspname = 'schemaguard'))
                OFFSET 0) p
    )
    SELECT CASE p.prokind WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate' ELSE 'function' END, n.identity,
        p.proname::text,
        '(' || oidvectortypes(p.proargtypes) || ')', n.identity,
        jsonb_strip_nulls(jsonb_build_object('owner', quote_ident(pg_get_userbyid(p.proowner)), 'language', l.lanname,
            'arguments', CASE WHEN b.objid IS NULL THEN pg_get_function_arguments(p.oid) END,
            'returns', pg_get_function_result(p.oid),
            'volatility', CASE WHEN p.prokind <> 'p' THEN CASE p.provolatile WHEN 'i' THEN 'immutable'
                WHEN 's' THEN 'stable' ELSE 'volatile' END END,
            'parallel', CASE WHEN p.prokind <> 'p' THEN CASE p.proparallel WHEN 's' THEN 'safe'
                WHEN 'r' THEN 'restricted' ELSE 'unsafe' END END,
            'strict', CASE WHEN p.proisstrict THEN true END,
            'security_definer', CASE WHEN p.prosecdef THEN true END,
            'leakproof', CASE WHEN p.proleakproof THEN true END,
            'window', CASE WHEN p.prokind = 'w' THEN true END,
            'cost', CASE WHEN p.prokind IN ('f', 'w') THEN p.procost END,
            'rows', CASE WHEN p.proretset THEN p.prorows END,
            'support', CASE WHEN p.prosupport::oid <> 0 THEN p.prosupport::text END,
            'configuration', to_jsonb(CASE WHEN p.proconfig IS NOT NULL
                THEN ARRAY(SELECT o FROM unnest(p.proconfig) o ORDER BY o COLLATE "C") END),
            'transforms', to_jsonb(CASE WHEN p.protrftypes IS NOT NULL
                THEN ARRAY(SELECT format_type(o, NULL) FROM unnest(p.protrftypes) o ORDER BY 1) END),
            'body', CASE WHEN p.prokind <> 'a' AND NOT p.parsed THEN p.prosrc END,
            'library', p.probin,
            'sql_body', CASE WHEN p.parsed AND w.objid IS NULL AND b.objid IS NULL
                THEN substring(pg_get_functiondef(p.oid) FROM chr(10) || '((BEGIN ATOMIC|RETURN ).*)$') END))
        || CASE WHEN g.aggfnoid IS NULL THEN '{}' ELSE jsonb_strip_nulls(jsonb_build_object(
            'aggregate_kind', CASE g.aggkind WHEN 'n' THEN 'normal'
                WHEN 'o' THEN 'ordered set' ELSE 'hypothetical set' END,
            'state_function', g.aggtransfn::regprocedure::text, 'state_type', format_type(g.aggtranstype, NULL),
                'state_size', nullif(g.aggtransspace, 0),
            'initial_value', g.agginitval,
            'final_function', CASE WHEN g.aggfinalfn::oid <> 0 THEN g.aggfinalfn::regprocedure::text END,
            'final_extra', CASE WHEN g.aggfinalextra THEN true END, 'final_modify', g.aggfinalmodify,
            'combine_function', CASE WHEN g.aggcombinefn::oid <> 0 THEN g.aggcombinefn::regprocedure::text END,
            'serial_function', CASE WHEN g.aggserialfn::oid <> 0 THEN g.aggserialfn::regprocedure::text END,
            'deserial_function', CASE WHEN g.aggdeserialfn::oid <> 0 THEN g.aggdeserialfn::regprocedure::text END,
            'moving_state_function', CASE WHEN g.aggmtransfn::oid <> 0 THEN g.aggmtransfn::regprocedure::text END,
            'moving_inverse_function', CASE WHEN g.aggminvtransfn::oid <> 0
                THEN g.aggminvtransfn::regprocedure::text END,
            'moving_final_function', CASE WHEN g.aggmfinalfn::oid <> 0 THEN g.aggmfinalfn::regprocedure::text END,
            'moving_state_type', CASE WHEN g.aggmtranstype <> 0 THEN format_type(g.aggmtranstype, NULL) END,
                'moving_initial_value', g.aggminitval, 'moving_state_size', nullif(g.aggmtransspace, 0),
            'moving_final_extra', CASE WHEN g.aggmfinalextra THEN true END,
            'moving_final_modify', CASE WHEN g.aggmtranstype <> 0
                THEN nullif(g.aggmfinalmodify, CASE g.aggkind WHEN 'n' THEN 'r' ELSE 'w' END) END,
            'sort_operator', CASE WHEN g.aggsortop <> 0 THEN g.aggsortop::regoperator::text END)) END
        || jsonb_strip_nulls(jsonb_build_object('acl', a.acl, 'grantors', t.grantors, 'comment', c.description,
            'extension', e.extension,
            'unknown', CASE WHEN b.objid IS NOT NULL THEN b.reason
                WHEN p.parsed AND w.objid IS NOT NULL THEN 'what it reads is locked by another session'
                WHEN pg_get_function_arguments(p.oid) IS NULL THEN 'dropped while it was read' END)),
        'pg_proc'::regclass, p.oid, 0
    FROM proc p
    JOIN nsp n ON n.oid = p.pronamespace
    JOIN pg_language l ON l.oid = p.prolang
    LEFT JOIN pg_aggregate g ON g.aggfnoid = p.oid
    LEFT JOIN waiting w ON w.classid = 'pg_proc'::regclass AND w.objid = p.oid
    LEFT JOIN broken b ON b.catalog = 'function' AND b.objid = p.oid
    LEFT JOIN ext e ON e.classid = 'pg_proc'::regclass AND e.objid = p.oid
    LEFT JOIN com c ON c.classoid = 'pg_proc'::regclass AND c.objoid = p.oid
    LEFT JOIN acl a ON a.classid = 'pg_proc'::regclass AND a.objid = p.oid
    LEFT JOIN grantor t ON t.classid = 'pg_proc'::regclass AND t.objid = p.oid
    LEFT JOIN internal i ON i.classid = 'pg_proc'::regclass AND i.objid = p.oid
    WHERE i.objid IS NULL
    ) UNION ALL (
    WITH
    range AS (
        SELECT r.*
        FROM (VALUES (0::oid)) d (rngmultitypid),
            LATERAL (SELECT r.rngtypid, r.rngsubtype, r.rngcollation, r.rngsubopc, r.rngcanonical, r.rngsubdiff,
                rngmultitypid FROM pg_range r OFFSET 0) r
    )
    SELECT CASE t.typtype WHEN 'd' THEN 'domain' ELSE 'type' END, n.identity, t.typname::text, NULL, n.identity,
        CASE t.typtype
            WHEN 'd' THEN jsonb_strip_nulls(jsonb_build_object('type', format_type(t.typbasetype, t.typtypmod),
                'not_null', t.typnotnull,
                'collation', CASE WHEN t.typcollation <> b.typcollation THEN cl.identity END, 'default',
                    CASE WHEN db.objid IS NULL THEN pg_get_expr(t.typdefaultbin, 0) END, 'unknown', db.reason))
            WHEN 'e' THEN jsonb_build_object('type', 'enum', 'labels', coalesce(l.labels, '[]'))
            WHEN 'c' THEN jsonb_build_object('type', 'composite', 'attributes', coalesce(a.columns, '[]'))
                || CASE WHEN a.comments IS NULL THEN '{}' ELSE jsonb_build_object('attribute_comments', a.comments) END
                || CASE WHEN d.attnums IS NULL THEN '{}' ELSE jsonb_build_object('dropped_attributes', d.attnums) END
            WHEN 'r' THEN jsonb_strip_nulls(jsonb_build_object('type', 'range', 'subtype',
                format_type(g.rngsubtype, NULL),
                'operator_class', CASE WHEN NOT oc.opcdefault THEN quote_ident(ocn.nspname) || '.'
                    || quote_ident(oc.opcname) END,
                'collation', rc.identity,
                'canonical', CASE WHEN g.rngcanonical::oid <> 0 THEN g.rngcanonical::text END,
                'difference', CASE WHEN g.rngsubdiff::oid <> 0 THEN g.rngsubdiff::text END,
                'multirange', CASE WHEN g.rngmultitypid <> 0 THEN format_type(g.rngmultitypid, NULL) END))
            WHEN 'p' THEN '{"type": "shell"}'
            ELSE jsonb_strip_nulls(jsonb_build_object('type', 'base', 'input', t.typinput::text, 'output',
                t.typoutput::text,
                'length', t.typlen, 'category', t.typcategory, 'alignment', t.typalign, 'storage', t.typstorage,
                    'by_value', t.typbyval,
                'default', t.typdefault, 'element', CASE WHEN t.typelem <> 0 THEN format_type(t.typelem, NULL) END,
                'preferred', CASE WHEN t.typispreferred THEN true END, 'delimiter', nullif(t.typdelim, ','),
                'collatable', CASE WHEN t.typcollation <> 0 THEN true END,
                'receive', CASE WHEN t.typreceive::oid <> 0 THEN t.typreceive::text END,
                'send', CASE WHEN t.typsend::oid <> 0 THEN t.typsend::text END,
                'modifier_input', CASE WHEN t.typmodin::oid <> 0 THEN t.typmodin::text END,
                'modifier_output', CASE WHEN t.typmodout::oid <> 0 THEN t.typmodout::text END,
                'analyze', CASE WHEN t.typanalyze::oid <> 0 THEN t.typanalyze::text END,
                -- majors before 14 have none for arrays
                'subscript', (SELECT x.typsubscript::text
                    FROM (VALUES (0::oid::regproc)) d (typsubscript),
                        LATERAL (SELECT typsubscript FROM pg_type b WHERE b.oid = t.oid OFFSET 0) x
                    WHERE x.typsubscript::oid <> 0 AND x.typsubscript::text NOT LIKE '%array_subscript_handler')))
        END
        || jsonb_strip_nulls(jsonb_build_object('owner', quote_ident(pg_get_userbyid(t.typowner)), 'acl', p.acl, 'grantors',
            w.grantors,
            'comment', coalesce(c.description, rc2.description), 'extension', e.extension)),
        'pg_type'::regclass, t.oid, 0
    FROM pg_type t
    JOIN nsp n ON n.oid = t.typnamespace
    LEFT JOIN rel r ON r.oid = t.typrelid AND r.relkind = 'c'
    LEFT JOIN broken db ON db.catalog = 'type' AND db.objid = t.oid
    LEFT JOIN pg_type el ON el.typarray = t.oid
    LEFT JOIN pg_type b ON b.oid = t.typbasetype
    LEFT JOIN coll cl ON cl.oid = t.typcollation
    LEFT JOIN (SELECT l.enumtypid, jsonb_agg(l.enumlabel ORDER BY l.enumsortorder) AS labels
        FROM pg_enum l GROUP BY l.enumtypid) l ON l.enumtypid = t.oid
    LEFT JOIN attributes a ON a.attrelid = r.oid
    LEFT JOIN gone d ON d.attrelid = r.oid
    LEFT JOIN range g ON g.rngtypid = t.oid
    LEFT JOIN pg_opclass oc ON oc.oid = g.rngsubopc
    LEFT JOIN pg_namespace ocn ON ocn.oid = oc.opcnamespace
    LEFT JOIN coll rc ON rc.oid = g.rngcollation
    LEFT JOIN ext e ON e.classid = 'pg_type'::regclass AND e.objid = t.oid
    LEFT JOIN com c ON c.classoid = 'pg_type'::regclass AND c.objoid = t.oid
    LEFT JOIN com rc2 ON rc2.classoid = 'pg_class'::regclass AND rc2.objoid = r.oid AND rc2.objsubid = 0
    LEFT JOIN acl p ON p.classid = 'pg_type'::regclass AND p.objid = t.oid
    LEFT JOIN grantor w ON w.classid = 'pg_type'::regclass AND w.objid = t.oid
    WHERE (t.typtype IN ('e', 'd', 'r') OR t.typtype = 'c' AND r.oid IS NOT NULL OR t.typtype IN ('b', 'p')
        AND el.oid IS NULL)
    ) UNION ALL (
    SELECT 'collation', n.identity, x.collname::text, CASE WHEN x.collencoding = -1 THEN NULL ELSE ' FOR '
        || pg_encoding_to_char(x.collencoding) END, n.identity,
        jsonb_strip_nulls(jsonb_build_object('owner', quote_ident(pg_get_userbyid(x.collowner)),
            'provider', CASE x.collprovider WHEN 'c' THEN 'libc' WHEN 'i' THEN 'icu'
                WHEN 'b' THEN 'builtin' ELSE 'default' END,
            'locale', coalesce(x.colllocale, x.colliculocale,
                CASE WHEN x.collprovider = 'i' THEN x.collcollate::text END),
            'lc_collate', CASE WHEN x.collprovider = 'c' THEN x.collcollate::text END,
            'lc_ctype', CASE WHEN x.collprovider = 'c' THEN x.collctype::text END,
            'deterministic', x.collisdeterministic, 'rules', x.collicurules,
            'comment', c.description, 'extension', e.extension)),
        'pg_collation'::regclass, x.oid, 0
    FROM (SELECT x.* FROM (VALUES (NULL::text, NULL::text, NULL::text)) d (colllocale, colliculocale, collicurules),
              LATERAL (SELECT x.oid, x.collname, x.collnamespace, x.collowner, x.collprovider, x.collisdeterministic,
                  x.collencoding,
                      x.collcollate, x.collctype, colllocale, colliculocale, collicurules
                  FROM pg_collation x WHERE x.collnamespace <> 11 OFFSET 0) x) x
    JOIN nsp n ON n.oid = x.collnamespace
    LEFT JOIN ext e ON e.classid = 'pg_collation'::regclass AND e.objid = x.oid
    LEFT JOIN com c ON c.classoid = 'pg_collation'::regclass AND c.objoid = x.oid
    ) UNION ALL (
    SELECT 'operator', n.identity, NULL::text,
        o.oprname || '(' || CASE WHEN o.oprleft = 0 THEN 'none' ELSE format_type(o.oprleft, NULL) END || ', '
            || CASE WHEN o.oprright = 0 THEN 'none' ELSE format_type(o.oprright, NULL) END || ')', n.identity,
        jsonb_strip_nulls(jsonb_build_object('owner', quote_ident(pg_get_userbyid(o.oprowner)), 'function',
            o.oprcode::text,
            'result', CASE WHEN o.oprresult <> 0 THEN format_type(o.oprresult, NULL) END,
            'commutator', CASE WHEN o.oprcom <> 0 THEN o.oprcom::regoperator::text END,
            'negator', CASE WHEN o.oprnegate <> 0 THEN o.oprnegate::regoperator::text END,
            'hashes', CASE WHEN o.oprcanhash THEN true END, 'merges', CASE WHEN o.oprcanmerge THEN true END,
            'restrict', CASE WHEN o.oprrest::oid <> 0 THEN o.oprrest::text END, 'join',
                CASE WHEN o.oprjoin::oid <> 0 THEN o.oprjoin::text END,
            'comment', c.description, 'extension', e.extension)),
        'pg_operator'::regclass, o.oid, 0
    FROM pg_operator o
    JOIN nsp n ON n.oid = o.oprnamespace
    LEFT JOIN ext e ON e.classid = 'pg_operator'::regclass AND e.objid = o.oid
    LEFT JOIN com c ON c.classoid = 'pg_operator'::regclass AND c.objoid = o.oid
    WHERE o.oprcode::oid <> 0       -- else only named as another one's commutator or negator; dumps leave it out
    ) UNION ALL (
    SELECT 'operator family', n.identity, f.opfname::text, ' USING ' || m.amname, n.identity,
        jsonb_strip_nulls(jsonb_build_object('owner', quote_ident(pg_get_userbyid(f.opfowner)), 'operators', o.operators,
            'functions', p.functions,
            'comment', c.description, 'extension', e.extension)),
        'pg_opfamily'::regclass, f.oid, 0
    FROM pg_opfamily f
    JOIN nsp n ON n.oid = f.opfnamespace
    JOIN pg_am m ON m.oid = f.opfmethod
    LEFT JOIN member_operators o ON o.classid = 'pg_opfamily'::regclass AND o.oid = f.oid
    LEFT JOIN member_functions p ON p.classid = 'pg_opfamily'::regclass AND p.oid = f.oid
    LEFT JOIN ext e ON e.classid = 'pg_opfamily'::regclass AND e.objid = f.oid
    LEFT JOIN com c ON c.classoid = 'pg_opfamily'::regclass AND c.objoid = f.oid
    ) UNION ALL (
    SELECT 'operator class', n.identity, o.opcname::text, ' USING ' || m.amname, n.identity,
        jsonb_strip_nulls(jsonb_build_object('owner', quote_ident(pg_get_userbyid(o.opcowner)), 'type',
            format_type(o.opcintype, NULL), 'default', o.opcdefault,
            'family', quote_ident(fn.nspname) || '.' || quote_ident(f.opfname), 'storage',
                CASE WHEN o.opckeytype <> 0 THEN format_type(o.opckeytype, NULL) END,
            'operators', s.operators, 'functions', p.functions,
            'comment', c.description, 'extension', e.extension)),
        'pg_opclass'::regclass, o.oid, 0
    FROM pg_opclass o
    JOIN nsp n ON n.oid = o.opcnamespace
    JOIN pg_am m ON m.oid = o.opcmethod
    JOIN pg_opfamily f ON f.oid = o.opcfamily
    JOIN pg_namespace fn ON fn.oid = f.opfnamespace
    LEFT JOIN member_operators s ON s.classid = 'pg_opclass'::regclass AND s.oid = o.oid
    LEFT JOIN member_functions p ON p.classid = 'pg_opclass'::regclass AND p.oid = o.oid
    LEFT JOIN ext e ON e.classid = 'pg_opclass'::regclass AND e.objid = o.oid
    LEFT JOIN com c ON c.classoid = 'pg_opclass'::regclass AND c.objoid = o.oid
    ) UNION ALL (
    SELECT 'text search dictionary', n.identity, d.dictname::text, NULL::text, n.identity,
        jsonb_strip_nulls(jsonb_build_object('owner', quote_ident(pg_get_userbyid(d.dictowner)), 'template',
            quote_ident(tn.nspname) || '.' || quote_ident(t.tmplname),
            'options', d.dictinitoption, 'comment', c.description, 'extension', e.extension)),
        'pg_ts_dict'::regclass, d.oid, 0
    FROM pg_ts_dict d
    JOIN nsp n ON n.oid = d.dictnamespace
    JOIN pg_ts_template t ON t.oid = d.dicttemplate
    JOIN pg_namespace tn ON tn.oid = t.tmplnamespace
    LEFT JOIN ext e ON e.classid = 'pg_ts_dict'::regclass AND e.objid = d.oid
    LEFT JOIN com c ON c.classoid = 'pg_ts_dict'::regclass AND c.objoid = d.oid
    ) UNION ALL (
    SELECT 'text search configuration', n.identity, s.cfgname::text, NULL::text, n.identity,
        jsonb_strip_nulls(jsonb_build_object('owner', quote_ident(pg_get_userbyid(s.cfgowner)), 'parser',
            quote_ident(pn.nspname) || '.' || quote_ident(p.prsname),
            'mappings', m.mappings, 'comment', c.description, 'extension', e.extension)),
        'pg_ts_config'::regclass, s.oid, 0
    FROM pg_ts_config s
    JOIN nsp n ON n.oid = s.cfgnamespace
    JOIN pg_ts_parser p ON p.oid = s.cfgparser
    JOIN pg_namespace pn ON pn.oid = p.prsnamespace
    LEFT JOIN (SELECT m.mapcfg, jsonb_object_agg(m.maptokentype::text, m.dictionaries) AS mappings
               FROM (SELECT m.mapcfg, m.maptokentype, jsonb_agg(m.mapdict::regdictionary::text ORDER BY m.mapseqno)
                   AS dictionaries
                     FROM pg_ts_config_map m WHERE m.mapcfg >= 16384 GROUP BY m.mapcfg,
                         m.maptokentype) m GROUP BY m.mapcfg) m ON m.mapcfg = s.oid
    LEFT JOIN ext e ON e.classid = 'pg_ts_config'::regclass AND e.objid = s.oid
    LEFT JOIN com c ON c.classoid = 'pg_ts_config'::regclass AND c.objoid = s.oid
    ) UNION ALL (
    SELECT 'text search parser', n.identity, p.prsname::text, NULL::text, n.identity,
        jsonb_strip_nulls(jsonb_build_object('start', p.prsstart::text, 'token', p.prstoken::text,
            'end', p.prsend::text, 'headline', CASE WHEN p.prsheadline::oid <> 0 THEN p.prsheadline::text END,
            'lextypes', p.prslextype::text, 'comment', c.description, 'extension', e.extension)),
        'pg_ts_parser'::regclass, p.oid, 0
    FROM pg_ts_parser p
    JOIN nsp n ON n.oid = p.prsnamespace
    LEFT JOIN ext e ON e.classid = 'pg_ts_parser'::regclass AND e.objid = p.oid
    LEFT JOIN com c ON c.classoid = 'pg_ts_parser'::regclass AND c.objoid = p.oid
    ) UNION ALL (
    SELECT 'text search template', n.identity, t.tmplname::text, NULL::text, n.identity,
        jsonb_strip_nulls(jsonb_build_object('init', CASE WHEN t.tmplinit::oid <> 0 THEN t.tmplinit::text END,
            'lexize', t.tmpllexize::text, 'comment', c.description, 'extension', e.extension)),
        'pg_ts_template'::regclass, t.oid, 0
    FROM pg_ts_template t
    JOIN nsp n ON n.oid = t.tmplnamespace
    LEFT JOIN ext e ON e.classid = 'pg_ts_template'::regclass AND e.objid = t.oid
    LEFT JOIN com c ON c.classoid = 'pg_ts_template'::regclass AND c.objoid = t.oid
    ) UNION ALL (
    SELECT 'conversion', n.identity, v.conname::text, NULL::text, n.identity,
        jsonb_strip_nulls(jsonb_build_object('owner', quote_ident(pg_get_userbyid(v.conowner)),
            'from', pg_encoding_to_char(v.conforencoding), 'to', pg_encoding_to_char(v.contoencoding),
            'function', v.conproc::text, 'default', CASE WHEN v.condefault THEN true END,
            'comment', c.description, 'extension', e.extension)),
        'pg_conversion'::regclass, v.oid, 0
    FROM pg_conversion v
    JOIN nsp n ON n.oid = v.connamespace
    LEFT JOIN ext e ON e.classid = 'pg_conversion'::regclass AND e.objid = v.oid
    LEFT JOIN com c ON c.classoid = 'pg_conversion'::regclass AND c.objoid = v.oid
    ) UNION ALL (
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
    )
    UNION ALL
    -- objects of the whole database, only where no schemas are asked for
    SELECT w.*
    FROM (
        (
        SELECT 'extension', NULL::text, x.extname::text, NULL::text, NULL::text,
            jsonb_build_object('version', x.extversion, 'schema', n.nspname, 'owner', quote_ident(pg_get_userbyid(x.extowner))),
            'pg_extension'::regclass, x.oid, 0
        FROM pg_extension x JOIN pg_namespace n ON n.oid = x.extnamespace
        ) UNION ALL (
        SELECT 'language', NULL::text, l.lanname::text, NULL::text, NULL::text,
            jsonb_strip_nulls(jsonb_build_object('owner', quote_ident(pg_get_userbyid(l.lanowner)), 'trusted', l.lanpltrusted,
                'handler', CASE WHEN l.lanplcallfoid <> 0 THEN l.lanplcallfoid::regprocedure::text END,
                'inline', CASE WHEN l.laninline <> 0 THEN l.laninline::regprocedure::text END,
                'validator', CASE WHEN l.lanvalidator <> 0 THEN l.lanvalidator::regprocedure::text END,
                'acl', a.acl, 'grantors', g.grantors, 'comment', c.description, 'extension', e.extension)),
            'pg_language'::regclass, l.oid, 0
        FROM pg_language l
        LEFT JOIN ext e ON e.classid = 'pg_language'::regclass AND e.objid = l.oid
        LEFT JOIN com c ON c.classoid = 'pg_language'::regclass AND c.objoid = l.oid
        LEFT JOIN acl a ON a.classid = 'pg_language'::regclass AND a.objid = l.oid
        LEFT JOIN grantor g ON g.classid = 'pg_language'::regclass AND g.objid = l.oid
        WHERE l.lanispl
        ) UNION ALL (
        SELECT 'cast', NULL::text, NULL::text, '(' || format_type(x.castsource, NULL) || ' AS '
            || format_type(x.casttarget, NULL) || ')', NULL::text,
            jsonb_strip_nulls(jsonb_build_object('method', CASE x.castmethod WHEN 'f' THEN 'function'
                WHEN 'i' THEN 'inout' ELSE 'binary' END,
                'context', CASE x.castcontext WHEN 'e' THEN 'explicit' WHEN 'a' THEN 'assignment' ELSE 'implicit' END,
                'function', CASE WHEN x.castfunc <> 0 THEN x.castfunc::regprocedure::text END,
                'comment', c.description, 'extension', e.extension)),
            'pg_cast'::regclass, x.oid, 0
        FROM pg_cast x
        LEFT JOIN ext e ON e.classid = 'pg_cast'::regclass AND e.objid = x.oid
        LEFT JOIN com c ON c.classoid = 'pg_cast'::regclass AND c.objoid = x.oid
        LEFT JOIN internal i ON i.classid = 'pg_cast'::regclass AND i.objid = x.oid
        WHERE x.oid >= 16384 AND i.objid IS NULL
        ) UNION ALL (
        SELECT 'transform', NULL::text, NULL::text, 'for ' || format_type(t.trftype, NULL) || ' on language '
            || quote_ident(l.lanname), NULL::text,
            jsonb_strip_nulls(jsonb_build_object(
                'from_sql', CASE WHEN t.trffromsql::oid <> 0 THEN t.trffromsql::oid::regprocedure::text END,
                'to_sql', CASE WHEN t.trftosql::oid <> 0 THEN t.trftosql::oid::regprocedure::text END,
                'comment', c.description, 'extension', e.extension)),
            'pg_transform'::regclass, t.oid, 0
        FROM pg_transform t
        JOIN pg_language l ON l.oid = t.trflang
        LEFT JOIN ext e ON e.classid = 'pg_transform'::regclass AND e.objid = t.oid
        LEFT JOIN com c ON c.classoid = 'pg_transform'::regclass AND c.objoid = t.oid
        ) UNION ALL (
        SELECT 'access method', NULL::text, m.amname::text, NULL::text, NULL::text,
            jsonb_strip_nulls(jsonb_build_object('type', CASE m.amtype WHEN 't' THEN 'table' ELSE 'index' END,
                'handler', m.amhandler::text, 'comment', c.description, 'extension', e.extension)),
            'pg_am'::regclass, m.oid, 0
        FROM pg_am m
        LEFT JOIN ext e ON e.classid = 'pg_am'::regclass AND e.objid = m.oid
        LEFT JOIN com c ON c.classoid = 'pg_am'::regclass AND c.objoid = m.oid
        WHERE m.oid >= 16384
        ) UNION ALL (
        SELECT 'event trigger', NULL::text, t.evtname::text, NULL::text, NULL::text,
            jsonb_strip_nulls(jsonb_build_object('owner', quote_ident(pg_get_userbyid(t.evtowner)), 'event', t.evtevent, 'function',
                t.evtfoid::regprocedure::text,
                'tags', to_jsonb(CASE WHEN t.evttags IS NOT NULL
                    THEN ARRAY(SELECT o FROM unnest(t.evttags) o ORDER BY o COLLATE "C") END),
                'enabled', CASE t.evtenabled WHEN 'O' THEN 'origin' WHEN 'D' THEN 'disabled'
                    WHEN 'R' THEN 'replica' ELSE 'always' END,
                'comment', c.description, 'extension', e.extension)),
            'pg_event_trigger'::regclass, t.oid, 0
        FROM pg_event_trigger t
        LEFT JOIN ext e ON e.classid = 'pg_event_trigger'::regclass AND e.objid = t.oid
        LEFT JOIN com c ON c.classoid = 'pg_event_trigger'::regclass AND c.objoid = t.oid
        ) UNION ALL (
        WITH
        published AS (
            SELECT r.prpubid, c.identity, r.prexcept AS excepted,
                (SELECT jsonb_agg(a.attname ORDER BY a.attnum) FROM pg_attribute a WHERE a.attrelid = r.prrelid
                    AND a.attnum = ANY (r.prattrs::int2[])) AS columns,
                CASE WHEN t.locked IS NOT TRUE THEN pg_get_expr(r.prqual, r.prrelid) END AS filter,
                CASE WHEN t.locked AND r.prqual IS NOT NULL THEN t.trouble END AS trouble
            FROM (VALUES (NULL::int2vector, NULL::pg_node_tree, false)) d (prattrs, prqual, prexcept),
                LATERAL (SELECT r.prpubid, r.prrelid, prattrs, prqual, prexcept FROM pg_publication_rel r OFFSET 0) r
            JOIN place c ON c.oid = r.prrelid
            LEFT JOIN rel t ON t.oid = c.oid
        )
        SELECT 'publication', NULL::text, p.pubname::text, NULL::text, NULL::text,
            jsonb_strip_nulls(jsonb_build_object('owner', quote_ident(pg_get_userbyid(p.pubowner)), 'all_tables', p.puballtables,
                'all_sequences', CASE WHEN p.puballsequences THEN true END,
                'publish', to_jsonb(array_remove(ARRAY[CASE WHEN p.pubinsert THEN 'insert' END,
                    CASE WHEN p.pubupdate THEN 'update' END,
                    CASE WHEN p.pubdelete THEN 'delete' END, CASE WHEN p.pubtruncate THEN 'truncate' END], NULL)),
                'via_root', CASE WHEN p.pubviaroot THEN true END,
                'generated_columns', CASE p.pubgencols::text WHEN 's' THEN 'stored' END,
                'tables', t.tables, 'except', t.excepted,
                'table_columns', t.columns, 'table_filters', t.filters, 'schemas', s.schemas,
                'comment', c.description, 'extension', e.extension,
                'unknown', replace(t.trouble, 'its table is', 'one of its tables is'))),
            'pg_publication'::regclass, p.oid, 0
        FROM (SELECT p.* FROM (VALUES (false, NULL::text, false)) d (pubviaroot, pubgencols, puballsequences),
                  LATERAL (SELECT p.oid, p.pubname, p.pubowner, p.puballtables, p.pubinsert, p.pubupdate, p.pubdelete,
                      p.pubtruncate,
                          pubviaroot, pubgencols, puballsequences FROM pg_publication p OFFSET 0) p) p
        LEFT JOIN (SELECT r.prpubid,
                       jsonb_agg(r.identity ORDER BY r.identity COLLATE "C") FILTER (WHERE NOT r.excepted) AS tables,
                       jsonb_agg(r.identity ORDER BY r.identity COLLATE "C") FILTER (WHERE r.excepted) AS excepted,
                       jsonb_object_agg(r.identity, r.columns) FILTER (WHERE r.columns IS NOT NULL) AS columns,
                       jsonb_object_agg(r.identity, r.filter) FILTER (WHERE r.filter IS NOT NULL) AS filters,
                           min(r.trouble) AS trouble
                   FROM published r GROUP BY r.prpubid) t ON t.prpubid = p.oid
        LEFT JOIN (SELECT d.refobjid, jsonb_agg(n.nspname ORDER BY n.nspname) AS schemas
                   FROM pg_depend d
                   JOIN pg_depend o ON o.classid = d.classid AND o.objid = d.objid
                       AND o.refclassid = 'pg_namespace'::regclass
                   JOIN pg_namespace n ON n.oid = o.refobjid
                   WHERE d.classid = to_regclass('pg_catalog.pg_publication_namespace')
                       AND d.refclassid = 'pg_publication'::regclass
                   GROUP BY d.refobjid) s ON s.refobjid = p.oid
        LEFT JOIN ext e ON e.classid = 'pg_publication'::regclass AND e.objid = p.oid
        LEFT JOIN com c ON c.classoid = 'pg_publication'::regclass AND c.objoid = p.oid
        ) UNION ALL (
        -- not its connection, and nothing that PUBLIC may not read in some of the majors
        SELECT 'subscription', NULL::text, s.subname::text, NULL::text, NULL::text,
            jsonb_strip_nulls(jsonb_build_object('owner', quote_ident(pg_get_userbyid(s.subowner)), 'enabled', s.subenabled, 'slot',
                s.subslotname,
                'publications', to_jsonb(ARRAY(SELECT o FROM unnest(s.subpublications) o ORDER BY o COLLATE "C")),
                'binary', CASE WHEN s.subbinary THEN true END, 'streaming',
                    CASE s.substream::text WHEN 't' THEN 'on' WHEN 'true' THEN 'on' WHEN 'p' THEN 'parallel' END,
                'two_phase', CASE WHEN s.subtwophasestate <> 'd' THEN true END, 'disable_on_error',
                    CASE WHEN s.subdisableonerr THEN true END,
                'origin', nullif(s.suborigin, 'any'), 'password_required',
                    CASE WHEN NOT s.subpasswordrequired THEN false END,
                'run_as_owner', CASE WHEN s.subrunasowner THEN true END,
                'failover', CASE WHEN s.subfailover THEN true END, 'server', f.srvname,
                'retain_dead_tuples', CASE WHEN s.subretaindeadtuples THEN true END,
                'max_retention', nullif(s.submaxretention, 0), 'receiver_timeout', nullif(s.subwalrcvtimeout, '-1'),
                'comment', c.description)),
            -- nor its number, in the catalog
            'pg_subscription'::regclass, NULL::oid, 0
        FROM (SELECT s.* FROM (VALUES (false, NULL::text, 'd'::"char", false, NULL::text, true, false, false,
                          NULL::oid, false, 0, NULL::text))
                      d (subbinary, substream, subtwophasestate, subdisableonerr, suborigin, subpasswordrequired,
                          subrunasowner, subfailover, subserver, subretaindeadtuples, submaxretention,
                          subwalrcvtimeout),
                  LATERAL (SELECT s.subname, s.subowner, s.subenabled, s.subslotname, s.subpublications, subbinary,
                      substream,
                          subtwophasestate, subdisableonerr, suborigin, subpasswordrequired, subrunasowner, subfailover,
                          subserver, subretaindeadtuples, submaxretention, subwalrcvtimeout
                      FROM pg_subscription s
                      WHERE s.subdbid = (SELECT b.oid FROM pg_database b
                          WHERE b.datname = current_database()) OFFSET 0) s) s
        LEFT JOIN (SELECT DISTINCT w.subname, c.description FROM pg_stat_subscription w
                   JOIN pg_description c ON c.classoid = 'pg_subscription'::regclass
                       AND c.objoid = w.subid) c ON c.subname = s.subname
        LEFT JOIN pg_foreign_server f ON f.oid = s.subserver
        ) UNION ALL (
        SELECT 'foreign data wrapper', NULL::text, w.fdwname::text, NULL::text, NULL::text,
            jsonb_strip_nulls(jsonb_build_object('owner', quote_ident(pg_get_userbyid(w.fdwowner)),
                'handler', CASE WHEN w.fdwhandler <> 0 THEN w.fdwhandler::regprocedure::text END,
                'validator', CASE WHEN w.fdwvalidator <> 0 THEN w.fdwvalidator::regprocedure::text END,
                'options', to_jsonb(CASE WHEN w.fdwoptions IS NOT NULL THEN ARRAY(
                    SELECT CASE WHEN o ~* (SELECT s.secret FROM setting s)
                        THEN split_part(o, '=', 1) || '=(hidden)' ELSE o END
                    FROM unnest(w.fdwoptions) o ORDER BY 1) END),
                'acl', a.acl, 'grantors', g.grantors, 'comment', c.description, 'extension', e.extension)),
            'pg_foreign_data_wrapper'::regclass, w.oid, 0
        FROM pg_foreign_data_wrapper w
        LEFT JOIN ext e ON e.classid = 'pg_foreign_data_wrapper'::regclass AND e.objid = w.oid
        LEFT JOIN com c ON c.classoid = 'pg_foreign_data_wrapper'::regclass AND c.objoid = w.oid
        LEFT JOIN acl a ON a.classid = 'pg_foreign_data_wrapper'::regclass AND a.objid = w.oid
        LEFT JOIN grantor g ON g.classid = 'pg_foreign_data_wrapper'::regclass AND g.objid = w.oid
        ) UNION ALL (
        SELECT 'foreign server', NULL::text, s.srvname::text, NULL::text, NULL::text,
            jsonb_strip_nulls(jsonb_build_object('owner', quote_ident(pg_get_userbyid(s.srvowner)), 'wrapper', w.fdwname, 'type',
                s.srvtype, 'version', s.srvversion,
                'options', to_jsonb(CASE WHEN s.srvoptions IS NOT NULL THEN ARRAY(
                    SELECT CASE WHEN o ~* (SELECT s.secret FROM setting s)
                        THEN split_part(o, '=', 1) || '=(hidden)' ELSE o END
                    FROM unnest(s.srvoptions) o ORDER BY 1) END),
                'acl', a.acl, 'grantors', g.grantors, 'comment', c.description, 'extension', e.extension)),
            'pg_foreign_server'::regclass, s.oid, 0
        FROM pg_foreign_server s
        JOIN pg_foreign_data_wrapper w ON w.oid = s.srvfdw
        LEFT JOIN ext e ON e.classid = 'pg_foreign_server'::regclass AND e.objid = s.oid
        LEFT JOIN com c ON c.classoid = 'pg_foreign_server'::regclass AND c.objoid = s.oid
        LEFT JOIN acl a ON a.classid = 'pg_foreign_server'::regclass AND a.objid = s.oid
        LEFT JOIN grantor g ON g.classid = 'pg_foreign_server'::regclass AND g.objid = s.oid
        ) UNION ALL (
        -- that there is one; its options are for the eyes of few
        SELECT 'user mapping',
            CASE WHEN m.srvname = ANY ((SELECT s.keywords FROM setting s)::text[]) THEN '"' || m.srvname
            || '"' ELSE quote_ident(m.srvname) END, CASE WHEN m.umuser <> 0 THEN m.usename::text END,
            CASE WHEN m.umuser = 0 THEN 'PUBLIC' END,
            CASE WHEN m.srvname = ANY ((SELECT s.keywords FROM setting s)::text[]) THEN '"' || m.srvname || '"'
                ELSE quote_ident(m.srvname) END, '{}'::jsonb,
            'pg_user_mapping'::regclass, m.umid, 0
        FROM pg_user_mappings m
        )
    ) w
    WHERE (SELECT s.schemas FROM setting s) IS NULL
) o (kind, prefix, name, suffix, parent, properties, catalog, oid, number)
LEFT JOIN need n ON n.catalog = o.catalog AND n.oid = o.oid AND n.number = o.number
-- an identity is made once, though it is needed twice
OFFSET 0
) x
-- one key is compared faster than two; no kind has a character below a blank
ORDER BY (x.kind || chr(1) || x.identity) COLLATE "C"
        ) s
        -- extensions that files create, and that could not be created where they ran
        UNION ALL
        SELECT 'extension', x.identity, NULL, x.properties, 0::oid
        FROM jsonb_to_recordset(nullif(current_setting('sg_snapshot.unknown_extensions', true), '')::jsonb)
            x (identity text, properties jsonb)
    ) s
)
SELECT l.line
FROM (SELECT 0 AS part, '' AS kind, '' AS identity, left(h.sealed, length(h.sealed) - 1) || ', "objects": [' AS line
      FROM (SELECT (h.header || jsonb_build_object('seal', encode(sha256(convert_to(h.header::text, 'UTF8')), 'hex')))::text AS sealed
            FROM (SELECT jsonb_build_object('schemaguard_snapshot', 2,
                      'taken_at', to_char(now() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'),
                      'role', CURRENT_USER, 'server', NULL, 'database', current_database(),
                      'server_version_num', current_setting('server_version_num')::int,
                      'schemas', nullif(current_setting('sg_snapshot.schemas', true), '')::text[],
                      'environment', (
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
                      ),
                      'count', (SELECT count(*) FROM object),
                      'checksum', (SELECT encode(sha256(coalesce(string_agg(o.checksum, ''
                              ORDER BY o.kind COLLATE "C", o.identity COLLATE "C"), '')), 'hex')
                          FROM object o)) AS header) h) h
      UNION ALL
      SELECT 1, o.kind, o.identity, CASE row_number() OVER (ORDER BY o.kind COLLATE "C", o.identity COLLATE "C") WHEN 1 THEN '' ELSE ',' END
          || jsonb_build_object('kind', o.kind, 'identity', o.identity, 'parent', o.parent, 'oid', o.oid::bigint,
              'properties', o.properties, 'checksum', encode(o.checksum, 'hex'))
      FROM object o
      UNION ALL
      SELECT 2, '', '', ']}') l
ORDER BY l.part, l.kind COLLATE "C", l.identity COLLATE "C"
;

SAVEPOINT sg_snapshot;
\set ON_ERROR_STOP off
EXECUTE sg_snapshot;
\if :ERROR
ROLLBACK TO SAVEPOINT sg_snapshot;
SET LOCAL sg_snapshot.skip_locked = 'on';
EXECUTE sg_snapshot;
\if :ERROR
\set ON_ERROR_STOP on
ROLLBACK TO SAVEPOINT sg_snapshot;
SET LOCAL sg_snapshot.skip_locked = 'on';
DO LANGUAGE plpgsql $do$
DECLARE
    unprintable jsonb := '{}';
    patience    text := current_setting('lock_timeout');
    until       timestamptz := clock_timestamp() + interval '20 s';
    o           record;
BEGIN
    PERFORM set_config('lock_timeout', '100ms', true);
    FOR o IN
        WITH space AS (
            SELECT n.oid
            FROM pg_namespace n
            WHERE left(n.nspname, 3) <> 'pg_' AND n.nspname <> 'information_schema'
                AND coalesce(n.nspname = ANY (nullif(current_setting('sg_snapshot.schemas', true), '')::name[]), true)
        ), held AS (
            SELECT DISTINCT l.relation AS oid
            FROM pg_locks l
            WHERE l.locktype = 'relation' AND l.mode = 'AccessExclusiveLock' AND l.pid IS DISTINCT FROM pg_backend_pid()
                AND l.database = (SELECT b.oid FROM pg_database b WHERE b.datname = current_database())
        ), waiting AS (
            SELECT d.classid, d.objid
            FROM pg_depend d JOIN held h ON h.oid = d.refobjid
            WHERE d.refclassid = 'pg_class'::regclass AND d.classid IN ('pg_rewrite'::regclass, 'pg_proc'::regclass)
        ), rel AS (
            SELECT c.oid, c.relkind, c.relpartbound
            FROM pg_class c JOIN space s ON s.oid = c.relnamespace
            WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm') AND NOT EXISTS (SELECT FROM held h WHERE h.oid = c.oid)
        )
        SELECT 'relation' AS catalog, r.oid AS objid, 'tree' AS what, r.oid, NULL::smallint AS n, x.tree
        FROM rel r JOIN (
            SELECT f.adrelid, f.adbin FROM pg_attrdef f
            UNION ALL SELECT c.conrelid, c.conbin FROM pg_constraint c WHERE c.contype = 'c'
            UNION ALL SELECT i.indrelid, i.indpred FROM pg_index i WHERE i.indpred IS NOT NULL
            UNION ALL SELECT p.polrelid, p.polqual FROM pg_policy p WHERE p.polqual IS NOT NULL
            UNION ALL SELECT p.polrelid, p.polwithcheck FROM pg_policy p WHERE p.polwithcheck IS NOT NULL
            UNION ALL SELECT r.oid, r.relpartbound FROM rel r WHERE r.relpartbound IS NOT NULL) x (oid, tree)
            ON x.oid = r.oid
        UNION ALL
        SELECT 'relation', r.oid, x.what, x.oid, x.n, NULL
        FROM rel r JOIN (
            SELECT e.ev_class, CASE WHEN e.rulename = '_RETURN' THEN 'view' ELSE 'rule' END,
                CASE WHEN e.rulename = '_RETURN' THEN e.ev_class ELSE e.oid END, NULL::smallint
            FROM pg_rewrite e
            WHERE NOT EXISTS (SELECT FROM waiting w WHERE w.classid = 'pg_rewrite'::regclass AND w.objid = e.oid)
            UNION ALL
            SELECT i.indrelid, 'index', i.indexrelid, k.n
            FROM pg_index i, generate_series(1, i.indnkeyatts) k (n) WHERE i.indkey[k.n - 1] = 0
            UNION ALL SELECT t.tgrelid, 'trigger', t.oid, NULL FROM pg_trigger t WHERE t.tgqual IS NOT NULL
            UNION ALL SELECT s.stxrelid, 'statistics', s.oid, NULL FROM pg_statistic_ext s
            UNION ALL SELECT p.partrelid, 'partition key', p.partrelid, NULL FROM pg_partitioned_table p
                WHERE p.partexprs IS NOT NULL) x (relation, what, oid, n) ON x.relation = r.oid
        UNION ALL
        SELECT 'type', t.oid, 'tree', 0, NULL, x.tree
        FROM pg_type t JOIN space s ON s.oid = t.typnamespace JOIN (
            SELECT t.oid, t.typdefaultbin FROM pg_type t WHERE t.typdefaultbin IS NOT NULL
            UNION ALL SELECT c.contypid, c.conbin FROM pg_constraint c WHERE c.conbin IS NOT NULL) x (oid, tree)
            ON x.oid = t.oid
        WHERE t.typtype = 'd'
        UNION ALL
        -- the body of an SQL-standard function is in no column that every major has, but its text is empty
        SELECT 'function', p.oid, CASE WHEN p.prosrc = '' AND p.prokind <> 'a' THEN 'function' ELSE 'arguments' END,
            p.oid, NULL, NULL
        FROM pg_proc p JOIN space s ON s.oid = p.pronamespace
        WHERE (p.prosrc = '' AND p.prokind <> 'a' OR p.proargdefaults IS NOT NULL)
            AND NOT EXISTS (SELECT FROM waiting w WHERE w.classid = 'pg_proc'::regclass AND w.objid = p.oid)
    LOOP
        EXIT WHEN clock_timestamp() > until;
        BEGIN
            PERFORM CASE o.what
                WHEN 'tree' THEN pg_get_expr(o.tree, o.oid)
                WHEN 'view' THEN pg_get_viewdef(o.oid)
                WHEN 'rule' THEN pg_get_ruledef(o.oid)
                WHEN 'index' THEN pg_get_indexdef(o.oid, o.n, false)
                WHEN 'trigger' THEN pg_get_triggerdef(o.oid)
                WHEN 'statistics' THEN pg_get_statisticsobjdef(o.oid)
                WHEN 'partition key' THEN pg_get_partkeydef(o.oid)
                WHEN 'function' THEN pg_get_functiondef(o.oid)
                ELSE pg_get_function_arguments(o.oid) END;
        EXCEPTION
            WHEN lock_not_available THEN
                unprintable := unprintable || jsonb_build_object(o.catalog || ' ' || o.objid,
                    'its table is locked by another session');
            WHEN OTHERS THEN
                unprintable := unprintable || jsonb_build_object(o.catalog || ' ' || o.objid,
                    'cannot be printed: ' || SQLERRM);
        END;
    END LOOP;
    PERFORM set_config('sg_snapshot.unprintable', unprintable::text, true), set_config('lock_timeout', patience, true);
END
$do$;
EXECUTE sg_snapshot;
\endif
\endif
COMMIT;
DEALLOCATE sg_snapshot;
