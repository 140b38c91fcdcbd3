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
\ir 02_depends.sql
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
    \ir [1-4]?_*.sql
    UNION ALL
    -- objects of the whole database, only where no schemas are asked for
    SELECT w.*
    FROM (
        \ir [5-8]?_*.sql
    ) w
    WHERE (SELECT s.schemas FROM setting s) IS NULL
) o (kind, prefix, name, suffix, parent, properties, catalog, oid, number)
LEFT JOIN need n ON n.catalog = o.catalog AND n.oid = o.oid AND n.number = o.number
-- an identity is made once, though it is needed twice
OFFSET 0
) x
-- one key is compared faster than two; no kind has a character below a blank
ORDER BY (x.kind || chr(1) || x.identity) COLLATE "C"
