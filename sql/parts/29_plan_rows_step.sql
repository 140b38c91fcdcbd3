-- Plans: steps that insert and change rows, given as JSON, and delete those of {"delete": [...]}. All values go in as their types read
-- text, whatever they were in JSON; old and new rows are kept as text, too. With "was" beside "rows" or "delete", rows that are no longer
-- as they were are left alone: null in place of one means that the key was free.
CREATE FUNCTION schemaguard.sg_rows_list(definition jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
RETURN CASE jsonb_typeof(definition) WHEN 'object' THEN coalesce(definition -> 'delete', definition -> 'rows') ELSE definition END;
COMMENT ON FUNCTION schemaguard.sg_rows_list(jsonb) IS 'returns the rows of a step';

CREATE FUNCTION schemaguard.sg_rows_problem(definition jsonb, key_columns text[]) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
RETURN (
    WITH given AS (SELECT schemaguard.sg_rows_list(definition) AS list),
    element AS (SELECT e FROM given g CROSS JOIN LATERAL jsonb_array_elements(CASE jsonb_typeof(g.list) WHEN 'array' THEN g.list END) e)
    SELECT CASE WHEN jsonb_typeof(g.list) IS DISTINCT FROM 'array' THEN 'rows are an array of objects'
                WHEN jsonb_array_length(g.list) = 0 THEN 'there are no rows'
                WHEN jsonb_array_length(g.list) > 10000 THEN 'a step has 10000 rows at most'
                WHEN jsonb_typeof(definition -> 'was') <> 'array' OR jsonb_array_length(definition -> 'was') <> jsonb_array_length(g.list)
                    THEN 'each row needs what it was, or null'
                WHEN EXISTS (SELECT FROM element x WHERE jsonb_typeof(x.e) <> 'object') THEN 'rows are an array of objects'
                WHEN (SELECT count(DISTINCT ARRAY(SELECT jsonb_object_keys(x.e))) > 1 FROM element x)
                    THEN 'all rows have to have the same columns'
                WHEN coalesce(cardinality(key_columns), 0) = 0 THEN 'rows need a key'
                WHEN NOT (g.list -> 0) ?& key_columns THEN 'rows lack a column of the key: ' ||
                    (SELECT string_agg(quote_ident(k), ', ') FROM unnest(key_columns) k WHERE NOT (g.list -> 0) ? k)
                WHEN EXISTS (SELECT FROM element x CROSS JOIN LATERAL unnest(key_columns) k (name) WHERE x.e -> k.name = 'null')
                    THEN 'a row has null in its key'
                WHEN (SELECT count(*) <> count(DISTINCT ARRAY(SELECT x.e ->> k.name FROM unnest(key_columns) WITH ORDINALITY k (name, o)
                                                              ORDER BY k.o)) FROM element x)
                    THEN 'two rows have the same key' END
    FROM given g);
COMMENT ON FUNCTION schemaguard.sg_rows_problem(jsonb, text[]) IS 'returns why a plan can not hold these rows; null: it can';

-- Returns the columns of a table that take values, by their present names: each as text, as its type reads that of "~e", and whether
-- its type keeps that as it is, unless no type would cut or round it
CREATE FUNCTION schemaguard.sg_rows_columns(relid oid, OUT number int, OUT name text, OUT quoted text, OUT type text, OUT value text,
    OUT kept text)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp SET quote_all_identifiers = off
BEGIN ATOMIC
    SELECT a.attnum::int, a.attname::text, quote_ident(a.attname), t.type, format('CAST(%s AS %s)', g.text, t.type),
           CASE WHEN b.typmod >= 0 THEN format('coalesce(CAST(CAST(%1$s AS %2$s) AS %3$s) OPERATOR(pg_catalog.=) CAST(%1$s AS %3$s), true)',
               g.text, t.type, format_type(b.oid, -1)) END
    FROM pg_attribute a JOIN pg_type y ON y.oid = a.atttypid
         CROSS JOIN LATERAL (SELECT format_type(a.atttypid, a.atttypmod) AS type) t
         CROSS JOIN LATERAL (SELECT format(CASE WHEN y.typcategory = 'A'
               THEN 'CASE pg_catalog.jsonb_typeof("~e" -> %1$L) WHEN ''array'' THEN coalesce((SELECT pg_catalog.array_agg("~x" '
                   'ORDER BY "~y") FROM pg_catalog.jsonb_array_elements_text("~e" -> %1$L) WITH ORDINALITY "~a" ("~x", "~y")), '
                   '''{}'')::pg_catalog.text ELSE "~e" ->> %1$L END'
               ELSE '"~e" ->> %1$L' END, a.attname) AS text) g
         LEFT JOIN LATERAL (
             WITH RECURSIVE d AS (SELECT a.atttypid AS oid, a.atttypmod AS typmod UNION ALL
                                  SELECT x.typbasetype, x.typtypmod FROM d JOIN pg_type x ON x.oid = d.oid AND x.typtype = 'd')
             SELECT x.oid, d.typmod FROM d JOIN pg_type x ON x.oid = d.oid
             WHERE x.typtype <> 'd' AND x.typnamespace = 'pg_catalog'::regnamespace) b ON true
    WHERE a.attrelid = relid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
    ORDER BY a.attnum;
END;
COMMENT ON FUNCTION schemaguard.sg_rows_columns(oid) IS 'returns the columns of a table that take values, as SQL';

-- Returns what the statements of a step are made of: its table, whether it deletes rows, and their list as "~v"; the columns, what is set,
-- by which rows are found, what is missing, and the numbers of the columns beside the key
CREATE FUNCTION schemaguard.sg_rows_parts(child_table text, key_columns text[], definition jsonb, OUT relid oid, OUT named text,
    OUT deletes boolean, OUT rows text, OUT columns text, OUT sets text, OUT differs text, OUT matches text, OUT missing text,
    OUT others int[], OUT ours text, OUT made text)
RETURNS record
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp SET quote_all_identifiers = off
BEGIN ATOMIC
    WITH of_table AS MATERIALIZED (
        SELECT c.oid, CASE c.relkind WHEN 'p' THEN '' ELSE 'ONLY ' END || child_table AS named,
               schemaguard.sg_rows_list(definition) AS list, jsonb_typeof(definition) = 'object' AND definition ? 'delete' AS deletes
        FROM pg_class c WHERE c.oid = to_regclass(child_table)),
    given AS MATERIALIZED (
        SELECT k.name, c.quoted, c.value, k.name = ANY (key_columns) AS is_key, c.number, c.kept
        FROM of_table t CROSS JOIN LATERAL jsonb_object_keys(t.list -> 0) k (name)
             LEFT JOIN schemaguard.sg_rows_columns(t.oid) c ON c.name = k.name
        WHERE NOT t.deletes OR k.name = ANY (key_columns))
    SELECT t.oid, t.named, t.deletes,
           format('SELECT "~n", %s, %s AS "~cut"%s FROM pg_catalog.jsonb_array_elements(%L) WITH ORDINALITY "~j" ("~e", "~n")',
               string_agg(g.value || ' AS ' || g.quoted, ', ' ORDER BY g.number),
               coalesce('CASE ' || string_agg('WHEN NOT ' || g.kept || format(' THEN %L', g.name), ' ' ORDER BY g.number) || ' END',
                        'NULL::pg_catalog.text'),
               format(', %L::pg_catalog.jsonb -> ("~n" - 1)::pg_catalog.int4 AS "~old"', definition -> 'was'), t.list),
           string_agg(g.quoted, ', ' ORDER BY g.number),
           string_agg(g.quoted || ' = "~v".' || g.quoted, ', ' ORDER BY g.number) FILTER (WHERE NOT g.is_key AND NOT t.deletes),
           format('ROW(%s)::pg_catalog.text OPERATOR(pg_catalog.<>) ROW(%s)::pg_catalog.text',
               string_agg('"~t".' || g.quoted, ', ' ORDER BY g.number) FILTER (WHERE NOT g.is_key),
               string_agg('"~v".' || g.quoted, ', ' ORDER BY g.number) FILTER (WHERE NOT g.is_key)),
           string_agg('"~t".' || g.quoted || ' OPERATOR(pg_catalog.=) "~v".' || g.quoted, ' AND ' ORDER BY g.number)
               FILTER (WHERE g.is_key),
           string_agg(CASE WHEN g.quoted IS NULL THEN quote_ident(g.name) END, ', ' ORDER BY g.name),
           array_agg(g.number) FILTER (WHERE NOT g.is_key),
           CASE WHEN definition ? 'was' THEN concat_ws(' AND ', '"~old" OPERATOR(pg_catalog.<>) ''null''', (
               SELECT string_agg(format('"~t".%s::pg_catalog.text IS NOT DISTINCT FROM "~old" ->> %L', c.quoted, c.name), ' AND '
                   ORDER BY c.number)
               FROM schemaguard.sg_rows_columns(t.oid) c
               WHERE (SELECT e ? c.name FROM jsonb_array_elements(definition -> 'was') e WHERE e <> 'null' LIMIT 1)))
               ELSE 'true' END,
           CASE WHEN definition ? 'was' THEN format('ROW(%s)::pg_catalog.text', string_agg('"~t".' || g.quoted, ', ' ORDER BY g.number))
               ELSE '''''::pg_catalog.text' END
    FROM of_table t LEFT JOIN given g ON true GROUP BY t.oid, t.named, t.deletes, t.list;
END;
COMMENT ON FUNCTION schemaguard.sg_rows_parts(text, text[], jsonb) IS 'returns what the statements of a step of rows are made of';

-- Returns the statements that write the rows of a step one after the other, for a look at what they would write
CREATE FUNCTION schemaguard.sg_rows_plain(child_table text, key_columns text[], definition jsonb, OUT event text, OUT statement text)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT e.event, CASE e.event
        WHEN 'delete' THEN format('DELETE FROM %s AS "~t" USING (%s) AS "~v" WHERE %s AND %s', p.named, p.rows, p.matches, p.ours)
        WHEN 'update' THEN format('UPDATE %s AS "~t" SET %s FROM (%s) AS "~v" WHERE %s AND %s AND %s', p.named, p.sets, p.rows,
            p.matches, p.ours, p.differs)
        ELSE format('INSERT INTO %s (%s) OVERRIDING SYSTEM VALUE SELECT %s FROM (%s) AS "~v" WHERE NOT EXISTS (SELECT FROM %s AS "~t" '
            'WHERE %s)', child_table, p.columns, p.columns, p.rows, p.named, p.matches) END
    FROM schemaguard.sg_rows_parts(child_table, key_columns, definition) p
         CROSS JOIN unnest('{update,insert,delete}'::text[]) WITH ORDINALITY e (event, n)
    WHERE p.missing IS NULL AND CASE e.event WHEN 'delete' THEN p.deletes WHEN 'update' THEN p.sets IS NOT NULL
        ELSE NOT p.deletes END
    ORDER BY e.n;
END;
COMMENT ON FUNCTION schemaguard.sg_rows_plain(text, text[], jsonb)
    IS 'returns the statements that write the rows of a step one after the other';

-- Returns the tables whose keys would carry the deletion of a row ("~t") on to their own, each with the query of those ("~f1"); with the
-- numbers of columns, those whose keys would set null, or the default, where one of these columns gets the value of "~v": that comes to
-- them by a chain of keys with ON UPDATE CASCADE, too, each of which refers to columns that the one before it changes. Who refers to a row
-- of `through`, the tables before the last one, comes to be among them.
CREATE FUNCTION schemaguard.sg_rows_reach(relid oid, changed int[], OUT child regclass, OUT query text, OUT through oid[])
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp SET quote_all_identifiers = off
BEGIN ATOMIC
    WITH RECURSIVE reach (relid, n, columns, roots, action, keys, tables, matches, differs, through) AS (
        SELECT sg_rows_reach.relid, 0, c.names, c.names, 'c'::"char", '{}'::text[] COLLATE "C", NULL::text COLLATE "C",
               NULL::text COLLATE "C", NULL::text COLLATE "C", '{}'::oid[]
        FROM (SELECT ARRAY(SELECT a.attname::text FROM pg_attribute a WHERE a.attrelid = sg_rows_reach.relid AND a.attnum = ANY (changed)))
             c (names)
        UNION ALL
        SELECT k.conrelid, r.n + 1, m.columns, m.roots, k.confupdtype, r.keys || y.name, concat_ws(', ', r.tables, format(
                   '%s%I.%I AS "~f%s"', CASE f.relkind WHEN 'p' THEN '' ELSE 'ONLY ' END, n.nspname, f.relname, r.n + 1)),
               concat_ws(' AND ', r.matches, m.matches, CASE WHEN k.confrelid <> r.relid THEN format(
                   '"~%s".tableoid IN (SELECT relid FROM pg_catalog.pg_partition_tree(%L))', x.alias, k.confrelid) END), m.differs,
               r.through || r.relid
        FROM reach r CROSS JOIN LATERAL (SELECT CASE r.n WHEN 0 THEN 't' ELSE 'f' || r.n END AS alias,
                 ARRAY(SELECT r.relid UNION SELECT p.relid FROM pg_partition_tree(r.relid) p) AS tree) x
             JOIN pg_constraint k ON k.confrelid = ANY (x.tree) AND k.contype = 'f'
             JOIN pg_class f ON f.oid = k.conrelid JOIN pg_namespace n ON n.oid = f.relnamespace
             CROSS JOIN LATERAL format('%I.%I %I', n.nspname, f.relname, k.conname) y (name)
             CROSS JOIN LATERAL (
                 SELECT string_agg(format('"~%s".%I OPERATOR(%I.%s) "~f%s".%I', x.alias, p.attname, s.nspname, o.oprname, r.n + 1,
                            c.attname), ' AND ' ORDER BY u.n) AS matches,
                        string_agg(format('"~t".%1$I::pg_catalog.text IS DISTINCT FROM "~v".%1$I::pg_catalog.text', g.root), ' OR '
                            ORDER BY u.n) FILTER (WHERE g.root IS NOT NULL) AS differs,
                        array_agg(c.attname::text ORDER BY u.n) FILTER (WHERE g.root IS NOT NULL) AS columns,
                        array_agg(g.root ORDER BY u.n) FILTER (WHERE g.root IS NOT NULL) AS roots
                 FROM ROWS FROM (unnest(k.confkey), unnest(k.conkey), unnest(k.conpfeqop)) WITH ORDINALITY u (parent, child, operator, n)
                      JOIN pg_attribute p ON p.attrelid = k.confrelid AND p.attnum = u.parent
                      JOIN pg_attribute c ON c.attrelid = k.conrelid AND c.attnum = u.child
                      JOIN pg_operator o ON o.oid = u.operator JOIN pg_namespace s ON s.oid = o.oprnamespace
                      LEFT JOIN unnest(r.columns, r.roots) g (name, root) ON g.name = p.attname) m
        -- a partition's part of a key says nothing more, nor does a key once more
        WHERE NOT EXISTS (SELECT FROM pg_constraint w WHERE w.oid = k.conparentid AND w.confrelid = ANY (x.tree))
          AND CASE WHEN changed IS NULL THEN r.n = 0 AND k.confdeltype NOT IN ('a', 'r')
              ELSE r.action = 'c' AND k.confupdtype IN ('c', 'n', 'd') AND m.differs IS NOT NULL AND y.name <> ALL (r.keys) END)
    SELECT r.relid, format('SELECT FROM %s WHERE %s%s', r.tables, r.matches, ' AND (' || r.differs || ')'), r.through
    FROM reach r WHERE r.n > 0 AND (changed IS NULL OR r.action <> 'c') ORDER BY r.n, r.keys;
END;
COMMENT ON FUNCTION schemaguard.sg_rows_reach(oid, int[])
    IS 'returns the tables whose rows go or change with those of a table, each with the query for these rows';

-- Returns the statement of a step, whose only result is an array: of each row that it has changed, as it was and as it is now (JSON),
-- the name of a column whose type would cut or round a value, whether a key finds more than one row to change, how many rows were kept out
-- or, with "was", rewritten, how many are left alone, and how many are not deleted, since rows of a table, which is last, refer to them;
-- with count, the query of how many rows that would insert, and change or delete, of how many, and of the others likewise. Nobody may come
-- to refer to rows of the tables `through` meanwhile.
CREATE FUNCTION schemaguard.sg_rows_statement(child_table text, key_columns text[], definition jsonb, "count" boolean,
    OUT statement text, OUT problem text, OUT through text[])
RETURNS record
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp SET quote_all_identifiers = off
BEGIN ATOMIC
    WITH part AS MATERIALIZED (SELECT * FROM schemaguard.sg_rows_parts(child_table, key_columns, definition) p WHERE p.relid IS NOT NULL),
    row_of AS (
        SELECT format('pg_catalog.jsonb_object(%L::pg_catalog.text[], ARRAY[%s])', array_agg(c.name ORDER BY c.number),
                      string_agg('"~t".' || c.quoted || '::pg_catalog.text', ', ' ORDER BY c.number)) AS row
        FROM part p CROSS JOIN LATERAL schemaguard.sg_rows_columns(p.relid) c),
    reach AS MATERIALIZED (
        SELECT h.*
        FROM part p CROSS JOIN LATERAL schemaguard.sg_rows_reach(p.relid, CASE WHEN NOT p.deletes THEN coalesce(p.others, '{}') END) h),
    held AS (                                   -- a row that goes with the row to which it refers holds none
        SELECT format('CASE %s END', string_agg(format('WHEN EXISTS (%s%s) THEN %L', h.query, CASE WHEN p.deletes AND h.child = p.relid
            THEN ' AND NOT EXISTS (SELECT FROM "~v" WHERE ' || replace(concat_ws(' AND ', p.matches, p.ours), '"~t".', '"~f1".') || ')' END,
            h.child), ' ')) AS child
        FROM part p CROSS JOIN reach h
        HAVING count(*) > 0)
    SELECT CASE WHEN p.missing IS NULL THEN format('WITH "~v" AS MATERIALIZED (%s), "~o" AS MATERIALIZED (SELECT %s AS "~row", %s AS '
            '"~ours", %s AS "~differs", %s AS "~held", "~v".* FROM %s AS "~t" JOIN "~v" ON %s)', p.rows, CASE WHEN "count" THEN 'NULL'
            ELSE r.row END, p.ours, CASE WHEN p.deletes THEN 'true' WHEN p.sets IS NULL THEN 'false' ELSE p.differs END,
            coalesce((SELECT h.child FROM held h), 'NULL::pg_catalog.text'), p.named, p.matches)
        || CASE WHEN "count" THEN ''
           WHEN p.deletes THEN format(', "~w" AS (DELETE FROM %s AS "~t" USING "~v" WHERE %s AND %s AND NOT EXISTS (SELECT FROM "~o" '
                'WHERE "~ours" AND "~held" IS NOT NULL) RETURNING %s AS "~was", NULL::pg_catalog.jsonb AS "~row")', p.named, p.matches,
                p.ours, r.row)
           ELSE CASE WHEN p.sets IS NOT NULL THEN format(', "~u" AS (UPDATE %s AS "~t" SET %s FROM "~o" AS "~v" WHERE %s AND %s AND '
                '"~ours" AND "~differs" AND NOT EXISTS (SELECT FROM "~o" WHERE "~ours" AND "~held" IS NOT NULL) RETURNING "~v"."~row" AS '
                '"~was", %s AS "~row", %s AS "~made")', p.named, p.sets, p.matches, p.ours, r.row, p.made) ELSE '' END
            || format(', "~i" AS (INSERT INTO %s AS "~t" (%s) OVERRIDING SYSTEM VALUE SELECT %s FROM "~v" WHERE NOT EXISTS (SELECT FROM '
                '%s AS "~t" WHERE %s) RETURNING %s AS "~row", %s AS "~made")', child_table, p.columns, p.columns, p.named, p.matches,
                r.row, p.made)
            || ', "~w" AS (' || CASE WHEN p.sets IS NOT NULL THEN 'SELECT "~was", "~row", "~made" FROM "~u" UNION ALL ' ELSE '' END
            || 'SELECT NULL::pg_catalog.jsonb AS "~was", "~row", "~made" FROM "~i"), "~k" AS (('
            || format('SELECT %1$s FROM "~v" AS "~t" WHERE "~n" NOT IN (SELECT "~n" FROM "~o") UNION ALL '
                'SELECT %1$s FROM "~o" AS "~t" WHERE "~ours" AND "~differs") EXCEPT ALL SELECT "~made" FROM "~w")', p.made) END
        || CASE WHEN "count" THEN ' SELECT v.n - o.known, o.differ, v.n, v.cut, o.twice, o.alone, o.held, o.child'
           ELSE ' SELECT ARRAY[coalesce((SELECT pg_catalog.jsonb_agg(pg_catalog.jsonb_build_object(''was'', "~was", ''now'', "~row"))::'
                'pg_catalog.text FROM "~w"), ''''), coalesce(v.cut, ''''), o.twice::pg_catalog.text, '
                || CASE WHEN p.deletes THEN '(o.differ - (SELECT pg_catalog.count(*) FROM "~w"))'
                   ELSE '(SELECT pg_catalog.count(*) FROM "~k")' END || '::pg_catalog.text, o.alone::pg_catalog.text, '
                'o.held::pg_catalog.text, coalesce(o.child, '''')]' END
        || ' FROM (SELECT pg_catalog.count(*) AS n, pg_catalog.min("~cut") AS cut FROM "~v") v, (SELECT '
            'pg_catalog.count(DISTINCT "~n") AS known, pg_catalog.count(*) FILTER (WHERE "~ours" AND "~differs") AS differ, '
            'pg_catalog.count(*) FILTER (WHERE NOT "~ours" AND "~differs") AS alone, '
            'pg_catalog.count("~held") FILTER (WHERE "~ours") AS held, pg_catalog.min("~held") FILTER (WHERE "~ours") AS child, '
        || CASE WHEN p.deletes THEN 'false' ELSE 'pg_catalog.count(*) FILTER (WHERE "~ours") OPERATOR(pg_catalog.>) '
            'pg_catalog.count(DISTINCT "~n") FILTER (WHERE "~ours")' END
        || ' AS twice FROM "~o") o' END,
        coalesce(schemaguard.sg_rows_problem(definition, key_columns),
                 format('table %s has no such column, or it is generated: ', child_table) || p.missing),
        ARRAY(SELECT DISTINCT u.relid::regclass::text FROM reach h CROSS JOIN LATERAL unnest(h.through) u (relid))
    FROM part p CROSS JOIN row_of r;
END;
COMMENT ON FUNCTION schemaguard.sg_rows_statement(text, text[], jsonb, boolean)
    IS 'returns the statement that inserts, changes or deletes a step''s rows, or the query that counts them';

-- Raises no error where the rows can't be counted: that is a reason, too
CREATE FUNCTION schemaguard.sg_rows_foreseen(child_table text, key_columns text[], definition jsonb)
RETURNS text
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_rows_foreseen';
COMMENT ON FUNCTION schemaguard.sg_rows_foreseen(text, text[], jsonb)
    IS 'returns why a step would not insert, change or delete these rows now; null: it would';

-- Returns what a step has recorded, and its key, by the present names of the columns, which are given in the order of a record's own;
-- empty: the column is gone
CREATE FUNCTION schemaguard.sg_rows_recorded(plan_id bigint, step int, columns text[], OUT list jsonb, OUT key text[])
RETURNS record
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    WITH kept AS MATERIALIZED (
        SELECT v.id, v.was::jsonb AS was, v.value::jsonb AS now, v.key_columns FROM schemaguard.plan_value v
        WHERE v.plan_id = sg_rows_recorded.plan_id AND v.step = sg_rows_recorded.step AND v.column_name = ''),
    col AS MATERIALIZED (
        SELECT k.name, columns[k.n] AS present
        FROM (SELECT coalesce(e.now, e.was) AS row FROM kept e ORDER BY e.id LIMIT 1) f
             CROSS JOIN LATERAL jsonb_object_keys(f.row) WITH ORDINALITY k (name, n))
    SELECT jsonb_agg(jsonb_build_object('id', k.id,
               'was', (SELECT jsonb_object_agg(c.present, k.was -> c.name) FROM col c WHERE c.present <> '' AND k.was IS NOT NULL),
               'now', (SELECT jsonb_object_agg(c.present, k.now -> c.name) FROM col c WHERE c.present <> '' AND k.now IS NOT NULL))
               ORDER BY k.id),
           (SELECT array_agg(c.present ORDER BY u.o) FROM unnest(min(k.key_columns)) WITH ORDINALITY u (name, o) JOIN col c USING (name))
    FROM kept k;
END;
COMMENT ON FUNCTION schemaguard.sg_rows_recorded(bigint, int, text[])
    IS 'returns what a step has recorded of rows, by the present names of their columns';

-- Returns the statement that takes back what a step has recorded: rows that it has inserted go, and values that it has set get the old
-- ones, unless a key would carry that on to rows of others, where both are as it has made them; rows that it has deleted come where their
-- key is free. Rows whose key is that of more than one row by now stay, as do those with another value where the type of a column was
-- changed, and, with wait, those that are not found. sg_rows_undone() makes the result. Nobody may come to refer to rows of the tables
-- `through` meanwhile.
CREATE FUNCTION schemaguard.sg_rows_undo(plan_id bigint, step int, child_table text, columns text[], retyped text[], wait boolean,
    OUT statement text, OUT through text[])
RETURNS record
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp SET quote_all_identifiers = off
BEGIN ATOMIC
    WITH of_table AS MATERIALIZED (
        SELECT c.oid, CASE c.relkind WHEN 'p' THEN '' ELSE 'ONLY ' END || child_table AS named, k.list, k.key
        FROM pg_class c CROSS JOIN schemaguard.sg_rows_recorded(plan_id, step, columns) k
        WHERE c.oid = to_regclass(child_table) AND k.list IS NOT NULL),
    col AS MATERIALIZED (
        SELECT c.*, c.name = ANY (t.key) AS is_key, c.name = ANY (retyped) AS retyped,
               format('CAST("~was" ->> %L AS %s)', c.name, c.type) AS was,
               format('"~t".%s::pg_catalog.text IS NOT DISTINCT FROM "~now" ->> %L', c.quoted, c.name) AS ours,
               format('"~was" ->> %1$L IS DISTINCT FROM "~now" ->> %1$L', c.name) AS set,
               format('"~was" ->> %1$L IS DISTINCT FROM "~now" ->> %1$L AND "~t".%2$s::pg_catalog.text IS DISTINCT FROM "~now" ->> %1$L',
                   c.name, c.quoted) AS other,
               EXISTS (SELECT FROM jsonb_array_elements(t.list) e WHERE e -> 'was' <> 'null' AND e -> 'now' <> 'null'
                       AND e #>> ARRAY['was', c.name] IS DISTINCT FROM e #>> ARRAY['now', c.name]) AS differs
        FROM of_table t CROSS JOIN LATERAL schemaguard.sg_rows_columns(t.oid) c WHERE c.name = ANY (columns)),
    sql AS (
        SELECT string_agg(format('"~t".%s OPERATOR(pg_catalog.=) CAST(coalesce("~now", "~was") ->> %L AS %s)', c.quoted, c.name, c.type),
                          ' AND ' ORDER BY c.number) FILTER (WHERE c.is_key) AS matches,
               string_agg(c.ours, ' AND ' ORDER BY c.number) AS ours,
               string_agg(format('%s = CASE WHEN %s THEN %s ELSE "~t".%s END', c.quoted, c.ours, c.was, c.quoted), ', ' ORDER BY c.number)
                   FILTER (WHERE c.differs) AS sets,
               coalesce(string_agg(c.set || ' AND ' || c.ours, ' OR ' ORDER BY c.number) FILTER (WHERE c.differs), 'false') AS some,
               coalesce(string_agg(c.other, ' OR ' ORDER BY c.number) FILTER (WHERE c.differs), 'false') AS others,
               coalesce(string_agg(c.other, ' OR ' ORDER BY c.number) FILTER (WHERE c.retyped), 'false') AS odd,
               string_agg(c.quoted, ', ' ORDER BY c.number) AS columns, string_agg(c.was, ', ' ORDER BY c.number) AS values,
               format('pg_catalog.jsonb_object(%L::pg_catalog.text[], ARRAY[', array_agg(c.name ORDER BY c.number)) AS object,
               string_agg('"~t".' || c.quoted || '::pg_catalog.text', ', ' ORDER BY c.number) AS row,
               string_agg(CASE WHEN c.differs THEN format('CASE WHEN %s THEN %s ELSE "~t".%s END', c.ours, c.was, c.quoted)
                   ELSE '"~t".' || c.quoted END || '::pg_catalog.text', ', ' ORDER BY c.number) AS mended,
               string_agg(format('CASE WHEN %s THEN %s ELSE "~t".%s END AS %3$s', c.ours, c.was, c.quoted), ', ') FILTER (WHERE c.differs)
                   AS old,
               string_agg(c.was || '::pg_catalog.text', ', ' ORDER BY c.number) AS again
        FROM col c),
    reach AS MATERIALIZED (
        SELECT e.changed, r.*
        FROM of_table t CROSS JOIN LATERAL (VALUES (NULL), (ARRAY(SELECT c.number FROM col c WHERE c.differs))) e (changed)
             CROSS JOIN LATERAL schemaguard.sg_rows_reach(t.oid, e.changed) r),
    held AS (
        SELECT coalesce(string_agg(format('NOT EXISTS (%s)', r.query), ' AND ') FILTER (WHERE r.changed IS NULL), 'true') AS free,
               coalesce(string_agg(format('NOT EXISTS (%s)', r.query), ' AND ') FILTER (WHERE r.changed IS NOT NULL), 'true') AS kept
        FROM reach r)
    SELECT CASE WHEN (SELECT count(*) FROM col c WHERE c.is_key) < cardinality(t.key) THEN '' ELSE format(
        'WITH "~r" AS MATERIALIZED (SELECT ("~e" -> ''id'')::pg_catalog.int8 AS "~n", nullif("~e" -> ''was'', ''null'') AS "~was", '
        'nullif("~e" -> ''now'', ''null'') AS "~now" FROM pg_catalog.jsonb_array_elements(%L) "~j" ("~e")), "~o" AS MATERIALIZED (SELECT '
        '"~r".*, "~now" IS NOT NULL AND (pg_catalog.count(*) OVER (PARTITION BY "~n") OPERATOR(pg_catalog.>) 1 OR %s) AS "~stays", '
        '"~was" IS NULL AND %s AND %s AS "~goes", "~was" IS NOT NULL AND "~now" IS NOT NULL AND (%s) AND %s AS "~some", '
        '"~was" IS NOT NULL AND "~now" IS NOT NULL AND (%s) AS "~others", %s%s]) AS "~want" FROM %s AS "~t" JOIN "~r" ON %s '
        'CROSS JOIN LATERAL (SELECT %s) "~v")',
        t.list, s.odd, s.ours, x.free, s.some, x.kept, s.others, s.object, s.mended, t.named, s.matches, s.old)
        || format(', "~d" AS (DELETE FROM %1$s AS "~t" USING "~o" WHERE "~goes" AND NOT "~stays" AND %2$s RETURNING "~n"), "~f" AS '
            'MATERIALIZED (SELECT "~r".*, %3$s%4$s]) AS "~want" FROM "~r" WHERE "~now" IS NULL AND "~n" NOT IN (SELECT "~n" FROM "~o")), '
            '"~i" AS (INSERT INTO %5$s AS "~t" (%6$s) OVERRIDING SYSTEM VALUE SELECT %7$s FROM "~f" RETURNING %3$s%8$s]) AS "~row")',
            t.named, s.matches, s.object, s.again, child_table, s.columns, s.values, s.row)
        || CASE WHEN s.sets IS NULL THEN ', "~u" AS (SELECT 0::pg_catalog.int8 AS "~n", NULL::pg_catalog.jsonb AS "~row" WHERE false)'
           ELSE format(', "~u" AS (UPDATE %s AS "~t" SET %s FROM "~o" WHERE "~some" AND NOT "~stays" AND %s RETURNING "~n", %s%s]) AS '
               '"~row")', t.named, s.sets, s.matches, s.object, s.row) END
        || format(', "~m" AS MATERIALIZED (SELECT "~n" FROM "~r" WHERE %L AND "~now" IS NOT NULL AND "~n" NOT IN (SELECT "~n" FROM "~o")), '
            '"~l" AS (SELECT "~r"."~n", coalesce("~now", "~was") AS "~row" FROM "~r" WHERE "~was" IS DISTINCT FROM "~now" AND '
            '("~n" NOT IN (SELECT "~n" FROM "~d" UNION ALL SELECT "~n" FROM "~u" UNION ALL SELECT "~n" FROM "~f") OR "~n" IN (SELECT "~n" '
            'FROM "~o" WHERE "~others")) AND "~n" NOT IN (SELECT "~n" FROM "~o" WHERE "~stays" UNION ALL TABLE "~m")), "~k" AS '
            '((SELECT "~want" FROM "~o" WHERE "~some" AND NOT "~stays" UNION ALL SELECT "~want" FROM "~f") EXCEPT ALL '
            '(SELECT "~row" FROM "~u" UNION ALL SELECT "~row" FROM "~i") UNION ALL SELECT NULL FROM (SELECT "~n" FROM "~o" WHERE '
            '"~goes" AND NOT "~stays" EXCEPT SELECT "~n" FROM "~d") "~g") '
            'SELECT schemaguard.sg_rows_undone((SELECT pg_catalog.count(*) FROM "~d"), (SELECT pg_catalog.count(*) FROM "~u"), '
            '(SELECT pg_catalog.count(*) FROM "~f"), (SELECT pg_catalog.jsonb_agg("~row") FROM "~l"), %L, '
            'ARRAY(SELECT DISTINCT "~n" FROM "~o" WHERE "~stays"), (SELECT pg_catalog.count(*) FROM "~k"), ARRAY(TABLE "~m"))', wait, t.key)
        END,
        ARRAY(SELECT DISTINCT u.relid::regclass::text FROM reach r CROSS JOIN LATERAL unnest(r.through) u (relid))
    FROM of_table t CROSS JOIN sql s CROSS JOIN held x;
END;
COMMENT ON FUNCTION schemaguard.sg_rows_undo(bigint, int, text, text[], text[], boolean)
    IS 'returns the statement that takes back the rows of a step; null: nothing is on record; empty: a column of their key is gone';

-- Returns five texts: what was done, and the same with keys; the records whose rows stay or are waited for, as an array; how many rows a
-- trigger or rule has kept from being as they were; and how many are waited for
CREATE FUNCTION schemaguard.sg_rows_undone(deleted bigint, changed bigint, inserted bigint, alone jsonb, key_columns text[],
    stay bigint[], kept_out bigint, missing bigint[])
RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
RETURN (
    SELECT ARRAY[told.line, told.line || coalesce((
        SELECT ': ' || string_agg(x.key::text, ', ' ORDER BY x.key) || CASE WHEN jsonb_array_length(alone) > 5 THEN ', ...' ELSE '' END
        FROM (SELECT (SELECT jsonb_object_agg(k.name, l.e -> k.name) FROM unnest(key_columns) k (name)) AS key
              FROM jsonb_array_elements(alone) WITH ORDINALITY l (e, n) WHERE l.n <= 5) x), ''), (stay || missing)::text, kept_out::text,
        cardinality(missing)::text]
    FROM (SELECT concat_ws(', ', nullif(deleted, 0) || ' deleted again', nullif(changed, 0) || ' with old values again',
                     nullif(inserted, 0) || ' inserted again',
                     nullif(jsonb_array_length(alone), 0) || ' left alone, changed, in use or gone since') AS line) told);
COMMENT ON FUNCTION schemaguard.sg_rows_undone(bigint, bigint, bigint, jsonb, text[], bigint[], bigint, bigint[])
    IS 'returns in words what taking back the rows of a step has done, without keys and with them, and what it has not';

CREATE FUNCTION schemaguard.sg_rows_key(child_table text) RETURNS text[]
LANGUAGE plpgsql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    columns CONSTANT text[] := (SELECT array_agg(a.attname::text ORDER BY u.o)
        FROM pg_index i CROSS JOIN LATERAL unnest(i.indkey) WITH ORDINALITY u (n, o)
             JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = u.n
        WHERE i.indrelid = to_regclass(child_table) AND i.indisprimary AND u.o <= i.indnkeyatts);
BEGIN
    IF columns IS NULL THEN
        RAISE EXCEPTION 'table % has no primary key', child_table
            USING ERRCODE = '22023', HINT = 'Say by which columns its rows are known: key => ''{code}''.';
    END IF;
    RETURN columns;
END $$;
COMMENT ON FUNCTION schemaguard.sg_rows_key(text) IS 'returns the columns of a table''s primary key; raises an error if it has none';

CREATE FUNCTION sg_plan_add_rows(plan text, child_table schemaguard.table_name, "rows" jsonb, key schemaguard.names DEFAULT NULL,
    name text DEFAULT NULL, priority text DEFAULT 'medium', after schemaguard.names DEFAULT NULL, phase text DEFAULT NULL)
RETURNS int
LANGUAGE sql VOLATILE PARALLEL UNSAFE
RETURN schemaguard.sg_plan_add_step(plan, 'rows', 'child_table', child_table, 'child_columns',
    coalesce(key::text[], schemaguard.sg_rows_key(schemaguard.sg_table(child_table)))::text, 'definition', "rows"::text, 'fk_name', name,
    'priority', priority, 'after', after::text, 'phase', phase);
COMMENT ON FUNCTION sg_plan_add_rows(text, schemaguard.table_name, jsonb, schemaguard.names, text, text, schemaguard.names, text)
    IS 'adds rows to a plan, which are inserted or, by their key, changed; returns the number of the step';
