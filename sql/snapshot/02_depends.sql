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
