-- The snapshot statement: ONE read-only statement, for this database, for another server (dblink) and for psql.
--
-- Its text has to work on servers from 12 to 19, as a role that can merely connect, in a read-only transaction and on a
-- standby. Hence: no function or cast of ours; a column that an old major lacks is looked up by name in a LATERAL
-- subquery with OFFSET 0, beside a table d of defaults; no backslash; no catalog column that PUBLIC may not read.
-- docs/snapshot.sql is made from the texts between the dollar quotes: run make docs/snapshot.sql after a change.
--
-- The prologue pins what changes deparsed text, and how long a lock may be waited for: pg_get_viewdef() and others lock
-- what they print. Two settings steer the statement, both may be absent: sg_snapshot.schemas, an array of names, and
-- sg_snapshot.skip_locked:
-- on makes it leave out, as "unknown", what it would have to wait for when it begins; all, whatever it might wait for.
--
-- Names that are a keyword in some of these majors only are always quoted, so that they are the same in all of them.
CREATE FUNCTION schemaguard.sg_snapshot_statement(OUT prologue text, OUT statement text)
RETURNS record
LANGUAGE sql IMMUTABLE PARALLEL SAFE
AS $function$
SELECT $prologue$
SET LOCAL search_path = pg_catalog, pg_temp;
SET LOCAL TimeZone = 'UTC';
SET LOCAL DateStyle = 'ISO, YMD';
SET LOCAL IntervalStyle = 'postgres';
SET LOCAL bytea_output = 'hex';
SET LOCAL xmlbinary = 'base64';
SET LOCAL quote_all_identifiers = off;
SET LOCAL extra_float_digits = 1;
SET LOCAL lc_monetary = 'C';
SET LOCAL lock_timeout = '2s';
SET LOCAL enable_nestloop = off;
SET LOCAL jit = off;
SET LOCAL max_parallel_workers_per_gather = 0;
SET LOCAL work_mem = '32MB';
$prologue$, $statement$
WITH
-- ---------------------------------------------------------------------------------------------------------------------
-- What several kinds of objects need
-- ---------------------------------------------------------------------------------------------------------------------
setting AS MATERIALIZED (
    SELECT nullif(current_setting('sg_snapshot.schemas', true), '')::text[] AS schemas,
        '{json,json_array,json_arrayagg,json_exists,json_object,json_objectagg,json_query,json_scalar,json_serialize,json_table,json_value,merge_action,normalize,system_user,graph_table}'::name[] AS keywords
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
nsp AS MATERIALIZED (
    SELECT n.oid, n.nspname, n.nspowner, n.nspacl,
        CASE WHEN n.nspname = ANY ((SELECT s.keywords FROM setting s)::name[]) THEN '"' || n.nspname || '"' ELSE quote_ident(n.nspname) END AS identity
    FROM pg_namespace n
    WHERE left(n.nspname, 3) <> 'pg_' AND n.nspname <> 'information_schema'
      AND ((SELECT s.schemas FROM setting s) IS NULL OR n.nspname = ANY ((SELECT s.schemas FROM setting s)::name[]))
),
ext AS MATERIALIZED (
    SELECT d.classid, d.objid, e.extname::text AS extension
    FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
    WHERE d.deptype = 'e' AND d.refclassid = 'pg_extension'::regclass
),
com AS MATERIALIZED (
    SELECT c.classoid, c.objoid, c.objsubid, c.description
    FROM pg_description c
    WHERE c.objoid >= 16384 OR c.classoid = 'pg_namespace'::regclass
),
-- tables, views, sequences, composite types
rel AS MATERIALIZED (
    SELECT c.oid, c.relname, c.relkind, c.relowner, c.relacl, c.relpersistence, c.reloptions, c.relam, c.reltablespace,
        c.relrowsecurity, c.relforcerowsecurity, c.relreplident, c.relispartition, c.relpartbound, c.reloftype,
        c.relispopulated, c.reltoastrelid, n.identity AS schema,
        n.identity || '.' || CASE WHEN c.relname = ANY ((SELECT s.keywords FROM setting s)::name[]) THEN '"' || c.relname || '"' ELSE quote_ident(c.relname) END AS identity,
        coalesce(c.oid = ANY ((SELECT h.relations FROM held h)::oid[]), false) AS locked,
        e.extension
    FROM pg_class c
    JOIN nsp n ON n.oid = c.relnamespace
    LEFT JOIN ext e ON e.classid = 'pg_class'::regclass AND e.objid = c.oid
    WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm', 'S', 'c')
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
    SELECT c.oid, CASE WHEN c.collnamespace = 11 THEN '' ELSE quote_ident(n.nspname) || '.' END || quote_ident(c.collname) AS identity
    FROM pg_collation c JOIN pg_namespace n ON n.oid = c.collnamespace
),
owned AS MATERIALIZED (
    SELECT d.objid AS sequence, d.refobjid AS attrelid, d.refobjsubid AS attnum, d.deptype
    FROM pg_depend d JOIN pg_sequence s ON s.seqrelid = d.objid
    WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass
      AND d.objsubid = 0 AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i')
),
-- ---------------------------------------------------------------------------------------------------------------------
-- Privileges: who holds what, as a set; only where it is not what a new object has
-- ---------------------------------------------------------------------------------------------------------------------
granted AS (
    SELECT 'pg_class'::regclass AS classid, r.oid AS objid, 0 AS objsubid, r.relowner AS owner, r.relacl AS acl,
        CASE r.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char" AS type, true AS whole
    FROM rel r WHERE r.relacl IS NOT NULL
    UNION ALL
    SELECT 'pg_class'::regclass, a.attrelid, a.attnum, r.relowner, a.attacl, 'c', false
    FROM pg_attribute a JOIN rel r ON r.oid = a.attrelid WHERE a.attacl IS NOT NULL AND NOT a.attisdropped
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
    FROM granted g, LATERAL (
        SELECT x.grantee, x.privilege_type, x.is_grantable FROM aclexplode(g.acl) x
        UNION ALL SELECT g.owner, NULL, NULL WHERE g.whole) x
    WHERE g.classid = 'pg_default_acl'::regclass
       OR NOT (g.acl @> acldefault(g.type, g.owner) AND g.acl <@ acldefault(g.type, g.owner))
    GROUP BY g.classid, g.objid, g.objsubid, g.owner, g.type, g.whole, x.grantee, x.privilege_type
),
grantee AS (
    SELECT p.classid, p.objid, p.objsubid, p.owner, p.whole, p.grantee,
        CASE WHEN count(p.privilege) = max(e.n) AND bool_and(p.grantable) THEN '["ALL*"]'
            WHEN count(p.privilege) = max(e.n) AND NOT bool_or(p.grantable) THEN '["ALL"]'
            ELSE coalesce(jsonb_agg(p.privilege || CASE WHEN p.grantable THEN '*' ELSE '' END ORDER BY p.privilege COLLATE "C")
                FILTER (WHERE p.privilege IS NOT NULL), '[]') END AS privileges
    FROM privilege p JOIN every e ON e.type = p.type
    GROUP BY p.classid, p.objid, p.objsubid, p.owner, p.whole, p.grantee
),
acl AS MATERIALIZED (
    SELECT g.classid, g.objid, g.objsubid,
        coalesce(jsonb_object_agg(CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(g.grantee)) END, g.privileges)
            FILTER (WHERE NOT (g.whole AND g.grantee = g.owner AND g.privileges = '["ALL"]')), '{}') AS acl
    FROM grantee g
    GROUP BY g.classid, g.objid, g.objsubid
),
grantor AS MATERIALIZED (
    SELECT x.classid, x.objid, x.objsubid, jsonb_agg(x.grantor ORDER BY x.grantor COLLATE "C") AS grantors
    FROM (SELECT DISTINCT g.classid, g.objid, g.objsubid, pg_get_userbyid(x.grantor)::text AS grantor
          FROM granted g, LATERAL aclexplode(g.acl) x WHERE x.grantor <> g.owner) x
    GROUP BY x.classid, x.objid, x.objsubid
),
-- ---------------------------------------------------------------------------------------------------------------------
-- Indexes and constraints
-- ---------------------------------------------------------------------------------------------------------------------
con AS MATERIALIZED (
    SELECT c.*
    FROM (VALUES (true, false, NULL::int2[])) d (conenforced, conperiod, confdelsetcols),
        LATERAL (SELECT c.oid, c.conname, c.connamespace, c.contype, c.condeferrable, c.condeferred, c.convalidated,
                c.conrelid, c.contypid, c.conindid, c.conparentid, c.confrelid, c.confupdtype, c.confdeltype, c.confmatchtype,
                c.conislocal, c.coninhcount, c.connoinherit, c.conkey, c.confkey, c.conexclop, c.conbin,
                conenforced, conperiod, confdelsetcols
            FROM pg_constraint c WHERE c.contype IN ('p', 'u', 'f', 'c', 'x') OFFSET 0) c
),
key AS MATERIALIZED (
    SELECT k.oid, k.side, jsonb_agg(a.attname ORDER BY k.n) AS names, string_agg(a.attname, '_' ORDER BY k.n) AS joined
    FROM (SELECT c.oid, 1 AS side, c.conrelid AS attrelid, u.attnum, u.n
          FROM con c, LATERAL unnest(c.conkey) WITH ORDINALITY u (attnum, n)
          UNION ALL
          SELECT c.oid, 2, c.confrelid, u.attnum, u.n FROM con c, LATERAL unnest(c.confkey) WITH ORDINALITY u (attnum, n)
          UNION ALL
          SELECT c.oid, 3, c.conrelid, u.attnum, u.n FROM con c, LATERAL unnest(c.confdelsetcols) WITH ORDINALITY u (attnum, n)) k
    JOIN pg_attribute a ON a.attrelid = k.attrelid AND a.attnum = k.attnum
    GROUP BY k.oid, k.side
),
ind AS MATERIALIZED (
    SELECT i.indexrelid, i.indrelid, i.indisunique, i.indisclustered, i.indisvalid, i.indisreplident, i.indnatts, i.indnkeyatts,
        i.indkey, i.indclass, i.indcollation, i.indoption, i.indexprs, i.indpred, i.indnullsnotdistinct,
        x.relname, x.reloptions, x.reltablespace, m.amname, c.oid AS constraint_oid, t.identity AS table_identity,
        t.relname AS table_name, t.extension, n.identity AS schema, p.inhparent
    FROM (VALUES (false)) d (indnullsnotdistinct),
        LATERAL (SELECT i.indexrelid, i.indrelid, i.indisunique, i.indisclustered, i.indisvalid, i.indisreplident,
                i.indnatts, i.indnkeyatts, i.indkey, i.indclass, i.indcollation, i.indoption, i.indexprs, i.indpred, indnullsnotdistinct
            FROM pg_index i OFFSET 0) i
    JOIN rel t ON t.oid = i.indrelid
    JOIN pg_class x ON x.oid = i.indexrelid
    JOIN nsp n ON n.oid = x.relnamespace
    JOIN pg_am m ON m.oid = x.relam
    LEFT JOIN con c ON c.conindid = i.indexrelid AND c.contype IN ('p', 'u', 'x')
    LEFT JOIN inh p ON p.inhrelid = i.indexrelid
),
-- keys of indexes; for those of a constraint only where the constraint's own columns do not say it all
ind_key AS MATERIALIZED (
    SELECT i.indexrelid,
        jsonb_agg(CASE WHEN k.attnum <> 0 THEN a.attname END ORDER BY k.n) FILTER (WHERE k.n <= i.indnkeyatts) AS columns,
        jsonb_agg(a.attname ORDER BY k.n) FILTER (WHERE k.n > i.indnkeyatts) AS include,
        jsonb_agg(pg_get_indexdef(i.indexrelid, k.n::int, false) ORDER BY k.n) FILTER (WHERE k.attnum = 0) AS expressions,
        jsonb_agg(CASE WHEN NOT o.opcdefault THEN CASE WHEN o.opcnamespace = 11 THEN '' ELSE quote_ident(os.nspname) || '.' END || quote_ident(o.opcname) END
            ORDER BY k.n) FILTER (WHERE k.n <= i.indnkeyatts) AS operator_classes,
        jsonb_agg(CASE WHEN k.colloid <> 0 AND k.colloid IS DISTINCT FROM CASE WHEN k.attnum = 0 THEN 100 ELSE a.attcollation END
            THEN cl.identity END ORDER BY k.n) FILTER (WHERE k.n <= i.indnkeyatts) AS collations,
        jsonb_agg(CASE k.indoption WHEN 1 THEN 'desc nulls last' WHEN 2 THEN 'asc nulls first' WHEN 3 THEN 'desc' END ORDER BY k.n)
            FILTER (WHERE k.n <= i.indnkeyatts) AS ordering,
        bool_or(NOT o.opcdefault) AS has_operator_classes,
        bool_or(k.colloid <> 0 AND k.colloid IS DISTINCT FROM CASE WHEN k.attnum = 0 THEN 100 ELSE a.attcollation END) AS has_collations,
        bool_or(k.indoption <> 0) AS has_ordering,
        string_agg(CASE WHEN k.attnum <> 0 THEN a.attname ELSE x.attname END, '_' ORDER BY k.n) AS joined,
        jsonb_object_agg(k.n::text, to_jsonb(x.attoptions)) FILTER (WHERE x.attoptions IS NOT NULL AND k.n <= i.indnkeyatts) AS operator_class_options,
        jsonb_object_agg(k.n::text, x.attstattarget) FILTER (WHERE x.attstattarget >= 0) AS statistics
    FROM ind i
    CROSS JOIN LATERAL unnest(i.indkey, i.indclass, i.indcollation, i.indoption) WITH ORDINALITY k (attnum, opclass, colloid, indoption, n)
    LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum AND k.attnum <> 0
    LEFT JOIN pg_attribute x ON x.attrelid = i.indexrelid AND x.attnum = k.n
    LEFT JOIN pg_opclass o ON o.oid = k.opclass
    LEFT JOIN pg_namespace os ON os.oid = o.opcnamespace
    LEFT JOIN coll cl ON cl.oid = k.colloid
    WHERE i.constraint_oid IS NULL OR i.indnatts > i.indnkeyatts OR i.indexprs IS NOT NULL
    GROUP BY i.indexrelid
),
-- ---------------------------------------------------------------------------------------------------------------------
-- Kinds of objects: kind, what precedes the name in the identity, the name, what follows it, parent, properties
-- ---------------------------------------------------------------------------------------------------------------------
schema_object AS (
    SELECT 'schema'::text, NULL::text, n.nspname::text, NULL::text, NULL::text,
        jsonb_strip_nulls(jsonb_build_object('owner', pg_get_userbyid(n.nspowner), 'acl', a.acl, 'grantors', g.grantors,
            'comment', c.description, 'extension', e.extension))
    FROM nsp n
    LEFT JOIN ext e ON e.classid = 'pg_namespace'::regclass AND e.objid = n.oid
    LEFT JOIN com c ON c.classoid = 'pg_namespace'::regclass AND c.objoid = n.oid
    LEFT JOIN acl a ON a.classid = 'pg_namespace'::regclass AND a.objid = n.oid
    LEFT JOIN grantor g ON g.classid = 'pg_namespace'::regclass AND g.objid = n.oid
),
parents AS MATERIALIZED (
    SELECT i.inhrelid, jsonb_agg(quote_ident(n.nspname) || '.' || quote_ident(p.relname) ORDER BY i.inhseqno) AS names,
        min(quote_ident(n.nspname) || '.' || quote_ident(p.relname)) AS first, bool_or(i.detaching) AS detaching
    FROM inh i JOIN pg_class p ON p.oid = i.inhparent JOIN pg_namespace n ON n.oid = p.relnamespace
    GROUP BY i.inhrelid
),
table_object AS (
    SELECT 'table', r.schema, r.relname::text, NULL, r.schema,
        jsonb_strip_nulls(jsonb_build_object(
            'type', CASE r.relkind WHEN 'r' THEN 'table' WHEN 'p' THEN 'partitioned table' ELSE 'foreign table' END,
            'owner', pg_get_userbyid(r.relowner),
            'persistence', CASE r.relpersistence WHEN 'u' THEN 'unlogged' END,
            'partition_key', CASE WHEN r.relkind = 'p' THEN CASE WHEN NOT r.locked THEN pg_get_partkeydef(r.oid) END END,
            'partition_of', CASE WHEN r.relispartition THEN p.first END,
            'partition_bound', CASE WHEN r.relispartition AND NOT r.locked THEN pg_get_expr(r.relpartbound, r.oid) END,
            'partition_detached', CASE WHEN p.detaching THEN true END,
            'inherits', CASE WHEN NOT r.relispartition THEN p.names END,
            'of_type', CASE WHEN r.reloftype <> 0 THEN format_type(r.reloftype, NULL) END,
            'options', to_jsonb(CASE WHEN r.reloptions IS NOT NULL THEN ARRAY(SELECT o FROM unnest(r.reloptions) o ORDER BY o COLLATE "C") END),
            'toast_options', to_jsonb(CASE WHEN t.reloptions IS NOT NULL THEN ARRAY(SELECT o FROM unnest(t.reloptions) o ORDER BY o COLLATE "C") END),
            'row_security', CASE WHEN r.relrowsecurity THEN true END,
            'force_row_security', CASE WHEN r.relforcerowsecurity THEN true END,
            'replica_identity', CASE r.relreplident WHEN 'n' THEN 'nothing' WHEN 'f' THEN 'full' WHEN 'i' THEN 'index' END,
            'access_method', CASE WHEN m.amname <> 'heap' THEN m.amname END,
            'tablespace', s.spcname,
            'server', f.srvname,
            'server_options', f.options,
            'acl', a.acl, 'grantors', g.grantors, 'comment', c.description, 'extension', r.extension,
            'unknown', CASE WHEN r.locked AND (r.relkind = 'p' OR r.relispartition) THEN 'the table is locked'
                WHEN r.relkind = 'p' AND pg_get_partkeydef(r.oid) IS NULL THEN 'dropped while it was read'
                WHEN r.relispartition AND pg_get_expr(r.relpartbound, r.oid) IS NULL THEN 'dropped while it was read' END))
    FROM rel r
    LEFT JOIN parents p ON p.inhrelid = r.oid
    LEFT JOIN pg_class t ON t.oid = r.reltoastrelid AND t.reloptions IS NOT NULL
    LEFT JOIN pg_am m ON m.oid = r.relam
    LEFT JOIN pg_tablespace s ON s.oid = r.reltablespace
    LEFT JOIN (SELECT f.ftrelid, s.srvname,
                   to_jsonb(ARRAY(SELECT o FROM unnest(f.ftoptions) o ORDER BY o COLLATE "C")) AS options
               FROM pg_foreign_table f JOIN pg_foreign_server s ON s.oid = f.ftserver) f ON f.ftrelid = r.oid
    LEFT JOIN com c ON c.classoid = 'pg_class'::regclass AND c.objoid = r.oid AND c.objsubid = 0
    LEFT JOIN acl a ON a.classid = 'pg_class'::regclass AND a.objid = r.oid AND a.objsubid = 0
    LEFT JOIN grantor g ON g.classid = 'pg_class'::regclass AND g.objid = r.oid AND g.objsubid = 0
    WHERE r.relkind IN ('r', 'p', 'f')
),
att AS (
    SELECT a.*
    FROM (VALUES (''::"char")) d (attcompression),
        LATERAL (SELECT a.attrelid, a.attnum, a.attname, a.atttypid, a.atttypmod, a.attnotnull, a.attcollation, a.attidentity,
                a.attgenerated, a.attstorage, a.attislocal, a.attinhcount, a.attoptions, a.attfdwoptions, a.atthasdef,
                CASE WHEN a.attstattarget >= 0 THEN a.attstattarget END AS statistics, attcompression
            FROM pg_attribute a WHERE a.attnum > 0 AND NOT a.attisdropped OFFSET 0) a
),
gone AS MATERIALIZED (
    SELECT a.attrelid, array_agg(a.attnum) AS attnums
    FROM pg_attribute a WHERE a.attisdropped AND a.attnum > 0 GROUP BY a.attrelid
),
-- not null constraints are properties of their column, because majors before 18 have none; a name that was chosen counts
not_null AS MATERIALIZED (
    SELECT c.conrelid, c.conkey[1] AS attnum, c.conname, c.convalidated, c.connoinherit
    FROM pg_constraint c WHERE c.contype = 'n' AND c.conrelid <> 0
),
identity_column AS MATERIALIZED (
    SELECT o.attrelid, o.attnum, jsonb_build_object('type', format_type(s.seqtypid, NULL), 'start', s.seqstart,
        'increment', s.seqincrement, 'minimum', s.seqmin, 'maximum', s.seqmax, 'cache', s.seqcache, 'cycle', s.seqcycle,
        'name', c.relname) AS options
    FROM owned o JOIN pg_sequence s ON s.seqrelid = o.sequence JOIN pg_class c ON c.oid = s.seqrelid
    WHERE o.deptype = 'i'
),
column_object AS (
    SELECT 'column', x.identity, x.attname::text, NULL, x.identity,
        CASE WHEN x.plain THEN jsonb_build_object('type', x.type, 'position', x.position, 'not_null', x.attnotnull)
        ELSE jsonb_strip_nulls(jsonb_build_object('type', x.type, 'position', x.position, 'not_null', x.attnotnull,
            'collation', cl.identity,
            'default', CASE WHEN x.attgenerated = '' THEN x.expression END,
            'generated', CASE WHEN x.attgenerated <> '' THEN x.expression END,
            'generated_kind', CASE x.attgenerated WHEN 's' THEN 'stored' WHEN 'v' THEN 'virtual' END,
            'identity', CASE x.attidentity WHEN 'a' THEN 'always' WHEN 'd' THEN 'by default' END,
            'identity_sequence', x.sequence - CASE WHEN x.sequence ->> 'name' = x.relname || '_' || x.attname || '_seq' THEN 'name' ELSE '' END,
            'storage', CASE WHEN x.attstorage <> x.typstorage THEN CASE x.attstorage WHEN 'p' THEN 'plain' WHEN 'e' THEN 'external' WHEN 'm' THEN 'main' ELSE 'extended' END END,
            'compression', CASE x.attcompression WHEN 'p' THEN 'pglz' WHEN 'l' THEN 'lz4' END,
            'statistics', x.statistics,
            'options', to_jsonb(nullif(ARRAY(SELECT o FROM unnest(x.options) o WHERE left(o, 10) <> 'pg_attver=' ORDER BY o COLLATE "C"), '{}')),
            'server_options', to_jsonb(CASE WHEN x.attfdwoptions IS NOT NULL THEN ARRAY(SELECT o FROM unnest(x.attfdwoptions) o ORDER BY o COLLATE "C") END),
            'inherited', CASE WHEN x.attinhcount > 0 THEN CASE WHEN x.attislocal THEN 'and local' ELSE 'only' END END,
            'not_null_name', CASE WHEN x.not_null_name <> left(x.relname || '_' || x.attname || '_not_null', 63) THEN x.not_null_name END,
            'not_null_validated', CASE WHEN NOT x.not_null_validated THEN false END,
            'not_null_no_inherit', CASE WHEN x.not_null_no_inherit THEN true END,
            'acl', x.acl, 'grantors', x.grantors, 'comment', x.description, 'extension', x.extension,
            'unknown', CASE WHEN x.has_expression AND x.locked THEN 'the table is locked'
                WHEN x.has_expression AND x.expression IS NULL THEN 'dropped while it was read' END))
        END
    FROM (SELECT r.identity, r.relname, r.extension, r.locked, a.attname, format_type(a.atttypid, a.atttypmod) AS type,
              CASE WHEN d.attrelid IS NULL THEN a.attnum
                  ELSE a.attnum - (SELECT count(*) FROM unnest(d.attnums) n WHERE n < a.attnum)::int END AS position,
              a.attnotnull, a.attgenerated, a.attidentity, a.attstorage, t.typstorage, a.attcompression, a.statistics,
              a.attoptions AS options, a.attfdwoptions, a.attinhcount, a.attislocal,
              CASE WHEN a.attcollation <> t.typcollation THEN a.attcollation END AS attcollation,
              f.adrelid IS NOT NULL AS has_expression,
              CASE WHEN NOT r.locked THEN pg_get_expr(f.adbin, f.adrelid) END AS expression,
              s.options AS sequence, k.conname AS not_null_name, k.convalidated AS not_null_validated, k.connoinherit AS not_null_no_inherit,
              l.acl, g.grantors, c.description,
              f.adrelid IS NULL AND a.attidentity = '' AND a.attcollation = t.typcollation AND a.attstorage = t.typstorage
                  AND a.attcompression = '' AND a.statistics IS NULL AND a.attfdwoptions IS NULL AND a.attinhcount = 0
                  AND (a.attoptions IS NULL OR cardinality(a.attoptions) = 1 AND left(a.attoptions[1], 10) = 'pg_attver=')
                  AND (k.conname IS NULL OR k.convalidated AND NOT k.connoinherit AND k.conname = r.relname || '_' || a.attname || '_not_null')
                  AND l.acl IS NULL AND g.grantors IS NULL AND c.description IS NULL AND r.extension IS NULL AS plain
          FROM att a
          JOIN rel r ON r.oid = a.attrelid AND r.relkind IN ('r', 'p', 'f')
          JOIN pg_type t ON t.oid = a.atttypid
          LEFT JOIN pg_attrdef f ON f.adrelid = a.attrelid AND f.adnum = a.attnum
          LEFT JOIN gone d ON d.attrelid = a.attrelid
          LEFT JOIN identity_column s ON s.attrelid = a.attrelid AND s.attnum = a.attnum
          LEFT JOIN not_null k ON k.conrelid = a.attrelid AND k.attnum = a.attnum
          LEFT JOIN com c ON c.classoid = 'pg_class'::regclass AND c.objoid = a.attrelid AND c.objsubid = a.attnum
          LEFT JOIN acl l ON l.classid = 'pg_class'::regclass AND l.objid = a.attrelid AND l.objsubid = a.attnum
          LEFT JOIN grantor g ON g.classid = 'pg_class'::regclass AND g.objid = a.attrelid AND g.objsubid = a.attnum) x
    LEFT JOIN coll cl ON cl.oid = x.attcollation
),
constraint_object AS (
    SELECT 'constraint', x.table_identity, x.conname::text, NULL, x.table_identity,
        jsonb_strip_nulls(jsonb_build_object('type', x.contype, 'columns', x.columns,
            'expression', x.expression,
            'references', CASE WHEN x.contype = 'f' THEN x.parent END,
            'referenced_columns', x.referenced_columns,
            'match', CASE x.confmatchtype WHEN 'f' THEN 'full' WHEN 'p' THEN 'partial' WHEN 's' THEN 'simple' END,
            'on_update', CASE x.confupdtype WHEN 'a' THEN 'no action' WHEN 'r' THEN 'restrict' WHEN 'c' THEN 'cascade' WHEN 'n' THEN 'set null' WHEN 'd' THEN 'set default' END,
            'on_delete', CASE x.confdeltype WHEN 'a' THEN 'no action' WHEN 'r' THEN 'restrict' WHEN 'c' THEN 'cascade' WHEN 'n' THEN 'set null' WHEN 'd' THEN 'set default' END,
            'on_delete_columns', x.on_delete_columns,
            'deferrable', CASE WHEN x.contype NOT IN ('c') THEN x.condeferrable END,
            'deferred', CASE WHEN x.contype NOT IN ('c') THEN x.condeferred END,
            'validated', CASE WHEN x.contype IN ('f', 'c') THEN x.convalidated END,
            'enforced', CASE WHEN x.contype IN ('f', 'c') THEN x.conenforced END,
            'period', CASE WHEN x.conperiod THEN true END,
            'no_inherit', CASE WHEN x.contype = 'c' AND x.connoinherit THEN true END,
            'inherited', CASE WHEN x.coninhcount > 0 THEN CASE WHEN x.conislocal THEN 'and local' ELSE 'only' END END,
            'partition_of', x.partition_of,
            'nulls_not_distinct', CASE WHEN x.indnullsnotdistinct THEN true END,
            'include', x.include,
            'access_method', CASE WHEN x.contype = 'x' THEN x.amname END,
            'index_columns', CASE WHEN x.contype = 'x' THEN x.index_columns END,
            'expressions', x.expressions,
            'operators', x.operators,
            'operator_classes', x.operator_classes,
            'predicate', x.predicate,
            'index_name', CASE WHEN x.index_name <> x.conname THEN x.index_name END,
            'options', to_jsonb(CASE WHEN x.reloptions IS NOT NULL THEN ARRAY(SELECT o FROM unnest(x.reloptions) o ORDER BY o COLLATE "C") END),
            'tablespace', x.spcname,
            'valid', CASE WHEN NOT x.indisvalid THEN false END,
            'clustered', CASE WHEN x.indisclustered THEN true END,
            'replica_identity', CASE WHEN x.indisreplident THEN true END,
            'automatic_name', CASE WHEN left(x.conname, length(x.automatic)) = x.automatic
                AND ltrim(substr(x.conname, length(x.automatic) + 1), '0123456789') = ''
                AND octet_length(x.conname) < 64 THEN true END,
            'comment', x.description, 'extension', x.extension,
            'unknown', CASE WHEN x.contype = 'c' AND x.locked THEN 'the table is locked'
                WHEN x.contype = 'c' AND x.expression IS NULL THEN 'dropped while it was read' END))
    FROM (SELECT c.*, coalesce(r.identity, dn.identity || '.' || quote_ident(t.typname)) AS table_identity,
              coalesce(r.extension, te.extension) AS extension, coalesce(r.locked, false) AS locked,
              k.names AS columns, kf.names AS referenced_columns, kd.names AS on_delete_columns,
              CASE WHEN c.contype = 'c' AND r.locked IS NOT TRUE THEN pg_get_expr(c.conbin, c.conrelid) END AS expression,
              quote_ident(fn.nspname) || '.' || quote_ident(f.relname) AS parent,
              CASE WHEN c.conparentid <> 0 THEN quote_ident(pn.nspname) || '.' || quote_ident(pr.relname) || '.' || quote_ident(p.conname) END AS partition_of,
              i.indnullsnotdistinct, i.amname, i.relname AS index_name, i.reloptions, s.spcname, i.indisvalid, i.indisclustered, i.indisreplident,
              ik.include, ik.columns AS index_columns, ik.expressions, CASE WHEN ik.has_operator_classes THEN ik.operator_classes END AS operator_classes,
              CASE WHEN i.indpred IS NOT NULL THEN pg_get_expr(i.indpred, i.indrelid) END AS predicate,
              o.operators,
              CASE c.contype WHEN 'p' THEN r.relname || '_pkey'
                  WHEN 'f' THEN r.relname || '_' || k.joined || '_fkey'
                  WHEN 'u' THEN r.relname || '_' || coalesce(ik.joined, k.joined) || '_key'
                  WHEN 'x' THEN r.relname || '_' || coalesce(ik.joined, k.joined) || '_excl'
                  WHEN 'c' THEN coalesce(r.relname || CASE WHEN cardinality(c.conkey) = 1 THEN '_' || k.joined ELSE '' END, t.typname) || '_check' END AS automatic,
              m.description
          FROM con c
          LEFT JOIN rel r ON r.oid = c.conrelid
          LEFT JOIN pg_type t ON t.oid = c.contypid
          LEFT JOIN nsp dn ON dn.oid = t.typnamespace
          LEFT JOIN ext te ON te.classid = 'pg_type'::regclass AND te.objid = t.oid
          LEFT JOIN key k ON k.oid = c.oid AND k.side = 1
          LEFT JOIN key kf ON kf.oid = c.oid AND kf.side = 2
          LEFT JOIN key kd ON kd.oid = c.oid AND kd.side = 3
          LEFT JOIN pg_class f ON f.oid = c.confrelid
          LEFT JOIN pg_namespace fn ON fn.oid = f.relnamespace
          LEFT JOIN pg_constraint p ON p.oid = c.conparentid
          LEFT JOIN pg_class pr ON pr.oid = p.conrelid
          LEFT JOIN pg_namespace pn ON pn.oid = pr.relnamespace
          LEFT JOIN ind i ON i.constraint_oid = c.oid
          LEFT JOIN ind_key ik ON ik.indexrelid = i.indexrelid
          LEFT JOIN pg_tablespace s ON s.oid = i.reltablespace
          LEFT JOIN (SELECT c.oid, jsonb_agg(u.operator::regoperator::text ORDER BY u.n) AS operators
                     FROM con c, LATERAL unnest(c.conexclop) WITH ORDINALITY u (operator, n) GROUP BY c.oid) o ON o.oid = c.oid
          LEFT JOIN com m ON m.classoid = 'pg_constraint'::regclass AND m.objoid = c.oid
          WHERE r.oid IS NOT NULL OR dn.oid IS NOT NULL) x
),
index_object AS (
    SELECT 'index', i.schema, i.relname::text, NULL, i.table_identity,
        jsonb_strip_nulls(jsonb_build_object('access_method', i.amname, 'unique', i.indisunique,
            'columns', k.columns, 'expressions', k.expressions, 'include', k.include,
            'operator_classes', CASE WHEN k.has_operator_classes THEN k.operator_classes END,
            'operator_class_options', k.operator_class_options,
            'collations', CASE WHEN k.has_collations THEN k.collations END,
            'ordering', CASE WHEN k.has_ordering THEN k.ordering END,
            'predicate', CASE WHEN i.indpred IS NOT NULL THEN pg_get_expr(i.indpred, i.indrelid) END,
            'nulls_not_distinct', CASE WHEN i.indnullsnotdistinct THEN true END,
            'valid', i.indisvalid,
            'clustered', CASE WHEN i.indisclustered THEN true END,
            'replica_identity', CASE WHEN i.indisreplident THEN true END,
            'options', to_jsonb(CASE WHEN i.reloptions IS NOT NULL THEN ARRAY(SELECT o FROM unnest(i.reloptions) o ORDER BY o COLLATE "C") END),
            'tablespace', s.spcname, 'statistics', k.statistics,
            'partition_of', quote_ident(pn.nspname) || '.' || quote_ident(p.relname),
            'automatic_name', CASE WHEN left(i.relname, length(i.table_name || '_' || k.joined || '_idx')) = i.table_name || '_' || k.joined || '_idx'
                AND ltrim(substr(i.relname, length(i.table_name || '_' || k.joined || '_idx') + 1), '0123456789') = '' THEN true END,
            'comment', c.description, 'extension', i.extension))
    FROM ind i
    LEFT JOIN ind_key k ON k.indexrelid = i.indexrelid
    LEFT JOIN pg_tablespace s ON s.oid = i.reltablespace
    LEFT JOIN pg_class p ON p.oid = i.inhparent
    LEFT JOIN pg_namespace pn ON pn.oid = p.relnamespace
    LEFT JOIN com c ON c.classoid = 'pg_class'::regclass AND c.objoid = i.indexrelid AND c.objsubid = 0
    WHERE i.constraint_oid IS NULL
)
SELECT x.kind, x.identity, x.parent, x.properties
FROM (
SELECT o.kind,
    coalesce(o.prefix || '.', '')
        || coalesce(CASE WHEN o.name = ANY ((SELECT s.keywords FROM setting s)::text[]) THEN '"' || o.name || '"' ELSE quote_ident(o.name) END, '')
        || coalesce(o.suffix, '') AS identity,
    o.parent, o.properties
FROM (
    SELECT * FROM schema_object
    UNION ALL SELECT * FROM table_object
    UNION ALL SELECT * FROM column_object
    UNION ALL SELECT * FROM constraint_object
    UNION ALL SELECT * FROM index_object
) o (kind, prefix, name, suffix, parent, properties)
) x
ORDER BY x.kind COLLATE "C", x.identity COLLATE "C"
$statement$
$function$;
COMMENT ON FUNCTION schemaguard.sg_snapshot_statement()
    IS 'the text that a live snapshot runs, here, on another server, or in psql';
