-- The snapshot statement, goes on from 71_snapshot_statement.sql: schemas, relations and what belongs to them
    SELECT 'schema'::text, NULL::text, n.nspname::text, NULL::text, NULL::text,
        jsonb_strip_nulls(jsonb_build_object('owner', pg_get_userbyid(n.nspowner), 'acl', a.acl, 'grantors', g.grantors,
            'comment', c.description, 'extension', e.extension))
    FROM nsp n
    LEFT JOIN ext e ON e.classid = 'pg_namespace'::regclass AND e.objid = n.oid
    LEFT JOIN com c ON c.classoid = 'pg_namespace'::regclass AND c.objoid = n.oid
    LEFT JOIN acl a ON a.classid = 'pg_namespace'::regclass AND a.objid = n.oid
    LEFT JOIN grantor g ON g.classid = 'pg_namespace'::regclass AND g.objid = n.oid
    UNION ALL
    SELECT 'table', r.schema, r.relname::text, NULL, r.schema,
        jsonb_build_object('type', CASE r.relkind WHEN 'r' THEN 'table'
            WHEN 'p' THEN 'partitioned table' ELSE 'foreign table' END,
            'owner', pg_get_userbyid(r.relowner))
        || CASE WHEN r.relkind = 'r' AND r.relpersistence = 'p' AND NOT r.relispartition AND p.names IS NULL
            AND r.reloftype = 0
                AND r.reloptions IS NULL AND t.reloptions IS NULL AND NOT r.relrowsecurity AND NOT r.relforcerowsecurity
                AND r.relreplident = 'd' AND m.amname = 'heap' AND s.spcname IS NULL AND a.acl IS NULL
                    AND g.grantors IS NULL
                AND c.description IS NULL AND r.extension IS NULL
            THEN '{}'
            ELSE jsonb_strip_nulls(jsonb_build_object(
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
            'replica_identity', CASE r.relreplident WHEN 'n' THEN 'nothing' WHEN 'f' THEN 'full'
                WHEN 'i' THEN 'index' END,
            'access_method', CASE WHEN m.amname <> 'heap' THEN m.amname END,
            'tablespace', s.spcname, 'server', f.srvname, 'server_options', f.options,
            'acl', a.acl, 'grantors', g.grantors, 'comment', c.description, 'extension', r.extension,
            'unknown', CASE WHEN r.locked AND (r.relkind = 'p' OR r.relispartition) THEN r.trouble
                WHEN r.relkind = 'p' AND pg_get_partkeydef(r.oid) IS NULL THEN 'dropped while it was read'
                WHEN r.relispartition AND pg_get_expr(r.relpartbound, r.oid) IS NULL
                    THEN 'dropped while it was read' END))
        END
    FROM rel r
    LEFT JOIN parents p ON p.inhrelid = r.oid
    LEFT JOIN pg_class t ON t.oid = r.reltoastrelid AND t.reloptions IS NOT NULL
    LEFT JOIN pg_am m ON m.oid = r.relam
    LEFT JOIN pg_tablespace s ON s.oid = r.reltablespace
    LEFT JOIN (SELECT f.ftrelid, s.srvname,
                   to_jsonb(ARRAY(SELECT CASE WHEN split_part(o, '=', 1) ~* 'pass|pwd|secret|token|credential|key'
                       THEN split_part(o, '=', 1) || '=(hidden)' ELSE o END
                       FROM unnest(f.ftoptions) o ORDER BY o COLLATE "C")) AS options
               FROM pg_foreign_table f JOIN pg_foreign_server s ON s.oid = f.ftserver) f ON f.ftrelid = r.oid
    LEFT JOIN com c ON c.classoid = 'pg_class'::regclass AND c.objoid = r.oid AND c.objsubid = 0
    LEFT JOIN acl a ON a.classid = 'pg_class'::regclass AND a.objid = r.oid AND a.objsubid = 0
    LEFT JOIN grantor g ON g.classid = 'pg_class'::regclass AND g.objid = r.oid AND g.objsubid = 0
    WHERE r.relkind NOT IN ('v', 'm', 'S', 'c')
    UNION ALL
    SELECT 'column', x.identity, x.attname::text, NULL, x.identity,
        CASE WHEN x.plain AND NOT x.has_expression THEN jsonb_build_object('type', x.type, 'position', x.position,
            'not_null', x.attnotnull)
            -- no table is looked at for a default, so that it is always there
            WHEN x.plain AND x.attgenerated = '' AND NOT x.locked
            THEN jsonb_build_object('type', x.type, 'position', x.position, 'not_null', x.attnotnull, 'default',
                x.expression)
        ELSE jsonb_strip_nulls(jsonb_build_object('type', x.type, 'position', x.position, 'not_null', x.attnotnull,
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
                THEN ARRAY(SELECT o FROM unnest(x.attfdwoptions) o ORDER BY o COLLATE "C") END),
            'inherited', CASE WHEN x.attinhcount > 0 THEN CASE WHEN x.attislocal THEN 'and local' ELSE 'only' END END,
            'not_null_name', CASE WHEN x.not_null_name <> left(x.relname || '_' || x.attname || '_not_null', 63)
                THEN x.not_null_name END,
            'not_null_validated', CASE WHEN NOT x.not_null_validated THEN false END,
            'not_null_no_inherit', CASE WHEN x.not_null_no_inherit THEN true END,
            'not_null_comment', x.not_null_comment,
            'acl', x.noted -> 'acl', 'grantors', x.noted -> 'grantors', 'comment', x.noted -> 'comment', 'extension',
                x.extension,
            'unknown', CASE WHEN x.has_expression AND x.locked THEN x.trouble
                WHEN x.has_expression AND x.expression IS NULL THEN 'dropped while it was read' END))
        END
    FROM (SELECT r.identity, r.relname, r.extension, r.locked, r.trouble, a.attname,
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
                  AND n.attrelid IS NULL AND r.extension IS NULL AS plain
          FROM att a
          -- not rel, of which no statistics are known
          JOIN (SELECT * FROM relation r WHERE r.relkind IN ('r', 'p', 'f') OFFSET 0) r ON r.oid = a.attrelid
          JOIN pg_type t ON t.oid = a.atttypid
          LEFT JOIN pg_attrdef f ON f.adrelid = a.attrelid AND f.adnum = a.attnum
          LEFT JOIN gone d ON d.attrelid = a.attrelid
          LEFT JOIN not_null k ON k.conrelid = a.attrelid AND k.attnum = a.attnum
          LEFT JOIN noted n ON n.attrelid = a.attrelid AND n.attnum = a.attnum) x
    LEFT JOIN coll cl ON cl.oid = x.attcollation
    UNION ALL
    SELECT 'constraint', x.table_identity, x.conname::text, NULL, x.table_identity,
        CASE x.contype
            WHEN 'f' THEN jsonb_build_object('type', 'f', 'columns', x.columns, 'references', x.parent,
                'referenced_columns', x.referenced_columns,
                'match', CASE x.confmatchtype WHEN 'f' THEN 'full' WHEN 'p' THEN 'partial' ELSE 'simple' END,
                'on_update', CASE x.confupdtype WHEN 'a' THEN 'no action' WHEN 'r' THEN 'restrict'
                    WHEN 'c' THEN 'cascade' WHEN 'n' THEN 'set null' ELSE 'set default' END,
                'on_delete', CASE x.confdeltype WHEN 'a' THEN 'no action' WHEN 'r' THEN 'restrict'
                    WHEN 'c' THEN 'cascade' WHEN 'n' THEN 'set null' ELSE 'set default' END,
                'deferrable', x.condeferrable, 'deferred', x.condeferred, 'validated', x.convalidated, 'enforced',
                    x.conenforced)
            WHEN 'c' THEN jsonb_strip_nulls(jsonb_build_object('type', 'c', 'columns', x.columns, 'expression',
                x.expression,
                'validated', x.convalidated, 'enforced', x.conenforced))
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
        END
    FROM (SELECT c.*, coalesce(r.identity, t.identity) AS table_identity,
              coalesce(r.extension, t.extension) AS extension,
              coalesce(r.locked, false) OR t.objid IS NOT NULL AS locked,
              coalesce(r.trouble, t.reason) AS trouble,
              CASE WHEN c.contype = 'c' AND r.locked IS NOT TRUE AND t.objid IS NULL
                  THEN pg_get_expr(c.conbin, c.conrelid) END AS expression,
              CASE WHEN c.conparentid <> 0 THEN p.identity || '.' || quote_ident(p.conname) END AS partition_of,
              c.contype = 'f' AND p.conrelid = c.conrelid AS of_reference,
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
    UNION ALL
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
            'automatic_name', CASE WHEN left(i.relname, length(i.table_name || '_' || k.joined
                || '_idx')) = i.table_name || '_' || k.joined || '_idx'
                AND ltrim(substr(i.relname, length(i.table_name || '_' || k.joined || '_idx') + 1), '0123456789') = ''
                    THEN true END,
            'comment', c.description, 'extension', i.extension,
            'unknown', CASE WHEN i.waits THEN i.trouble END))
    FROM ind i
    LEFT JOIN ind_key k ON k.indexrelid = i.indexrelid
    LEFT JOIN pg_tablespace s ON s.oid = i.reltablespace
    LEFT JOIN (SELECT p.oid, p.identity FROM place p WHERE p.oid IN (SELECT i.inhparent FROM inh i)) p
        ON p.oid = i.inhparent
    LEFT JOIN com c ON c.classoid = 'pg_class'::regclass AND c.objoid = i.indexrelid AND c.objsubid = 0
    WHERE i.constraint_oid IS NULL
    UNION ALL
    SELECT CASE x.relkind WHEN 'v' THEN 'view' ELSE 'materialized view' END, x.schema, x.relname::text, NULL, x.schema,
        jsonb_strip_nulls(jsonb_build_object('owner', pg_get_userbyid(x.relowner), 'query', x.query, 'columns',
            x.columns,
            'column_defaults', x.defaults, 'column_comments', x.comments, 'column_acl', x.acls, 'column_statistics',
                x.statistics,
            'column_storage', x.storages, 'column_compression', x.compressions, 'column_options', x.column_options,
            'options', to_jsonb(x.reloptions),
            'populated', CASE WHEN x.relkind = 'm' THEN x.relispopulated END, 'tablespace', x.spcname,
            'access_method', CASE WHEN x.relkind = 'm' AND x.amname <> 'heap' THEN x.amname END,
            'acl', x.acl, 'grantors', x.grantors, 'comment', x.description, 'extension', x.extension,
            'unknown', CASE WHEN x.waits THEN replace(x.trouble, 'its table is', 'it or what it reads is')
                WHEN x.query IS NULL THEN 'dropped while it was read' END))
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
    UNION ALL
    SELECT 'sequence', r.schema, r.relname::text, NULL, r.schema,
        jsonb_strip_nulls(jsonb_build_object('owner', pg_get_userbyid(r.relowner), 'type',
            format_type(s.seqtypid, NULL),
            'start', s.seqstart, 'increment', s.seqincrement, 'minimum', s.seqmin, 'maximum', s.seqmax, 'cache',
                s.seqcache, 'cycle', s.seqcycle,
            'persistence', CASE r.relpersistence WHEN 'u' THEN 'unlogged' END,
            'owned_by', t.identity || '.' || CASE WHEN b.attname = ANY ((SELECT s.keywords FROM setting s)::text[])
                THEN '"' || b.attname || '"' ELSE quote_ident(b.attname) END,
            'automatic_name', CASE WHEN left(r.relname, length(t.relname || '_' || b.attname || '_seq')) = t.relname
                || '_' || b.attname || '_seq'
                AND ltrim(substr(r.relname, length(t.relname || '_' || b.attname || '_seq') + 1), '0123456789') = ''
                    THEN true END,
            'acl', a.acl, 'grantors', g.grantors, 'comment', c.description, 'extension', r.extension))
    FROM rel r
    JOIN pg_sequence s ON s.seqrelid = r.oid
    LEFT JOIN owned o ON o.sequence = r.oid
    LEFT JOIN rel t ON t.oid = o.attrelid
    LEFT JOIN LATERAL (SELECT k.names[o.attnum] AS attname FROM cols k WHERE k.attrelid = o.attrelid) b ON true
    LEFT JOIN com c ON c.classoid = 'pg_class'::regclass AND c.objoid = r.oid AND c.objsubid = 0
    LEFT JOIN acl a ON a.classid = 'pg_class'::regclass AND a.objid = r.oid AND a.objsubid = 0
    LEFT JOIN grantor g ON g.classid = 'pg_class'::regclass AND g.objid = r.oid AND g.objsubid = 0
    WHERE r.relkind = 'S' AND o.deptype IS DISTINCT FROM 'i'
    UNION ALL
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
            'arguments', CASE WHEN t.tgnargs > 0 THEN encode(t.tgargs, 'escape') END,
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
                THEN 'dropped while it was read' END))
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
    UNION ALL
    SELECT 'rule', x.identity, x.rulename::text, NULL, x.identity,
        jsonb_strip_nulls(jsonb_build_object('event', CASE x.ev_type WHEN '1' THEN 'select' WHEN '2' THEN 'update'
            WHEN '3' THEN 'insert' ELSE 'delete' END,
            'instead', x.is_instead, 'definition', x.definition,
            'enabled', CASE x.ev_enabled WHEN 'O' THEN 'origin' WHEN 'D' THEN 'disabled'
                WHEN 'R' THEN 'replica' ELSE 'always' END,
            'comment', x.description, 'extension', x.extension,
            'unknown', CASE WHEN x.waits THEN replace(x.trouble, 'its table is', 'what it reads is')
                WHEN x.definition IS NULL THEN 'dropped while it was read' END))
    FROM (SELECT r.identity, r.extension, u.rulename, u.ev_type, u.is_instead, u.ev_enabled, c.description,
        r.trouble, r.locked OR w.objid IS NOT NULL AS waits,
              CASE WHEN NOT r.locked AND w.objid IS NULL THEN pg_get_ruledef(u.oid) END AS definition
          FROM pg_rewrite u
          JOIN rel r ON r.oid = u.ev_class
          LEFT JOIN waiting w ON w.classid = 'pg_rewrite'::regclass AND w.objid = u.oid
          LEFT JOIN com c ON c.classoid = 'pg_rewrite'::regclass AND c.objoid = u.oid
          WHERE u.rulename <> '_RETURN') x
    UNION ALL
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
                    THEN 'dropped while it was read' END))
    FROM pg_policy p
    JOIN rel r ON r.oid = p.polrelid
    LEFT JOIN com c ON c.classoid = 'pg_policy'::regclass AND c.objoid = p.oid
    UNION ALL
    SELECT 'statistics', n.identity, s.stxname::text, NULL, r.identity,
        jsonb_strip_nulls(jsonb_build_object('owner', pg_get_userbyid(s.stxowner),
            'kinds', to_jsonb(ARRAY(SELECT CASE k WHEN 'd' THEN 'ndistinct' WHEN 'f' THEN 'dependencies'
                WHEN 'm' THEN 'mcv' END
                FROM unnest(s.stxkind) k WHERE k <> 'e' ORDER BY 1)),
            'columns', k.columns,
            'expressions', CASE WHEN s.expressions AND NOT r.locked THEN '(' || substring(pg_get_statisticsobjdef(s.oid)
                FROM ' ON (.*) FROM ') || ')' END,
            'target', CASE WHEN s.stxstattarget >= 0 THEN s.stxstattarget END,
            'unknown', CASE WHEN s.expressions AND r.locked THEN r.trouble END,
            'comment', c.description, 'extension', coalesce(e.extension, r.extension)))
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
