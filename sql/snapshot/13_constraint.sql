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
