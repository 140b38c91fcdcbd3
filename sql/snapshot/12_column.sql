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
