-- Sync: the rows of look-up tables, by what the reference has stored of them

-- Returns the keys of look-up tables by which their rows depend on others: those that refer to one of these tables, and, with no parent,
-- those that are unique. Loose: the columns that may be null meanwhile, so that the key holds nothing up, and to which no row refers.
-- Circle: the table referred to refers back, through others or not. Deferred: unique at the end alone.
CREATE FUNCTION schemaguard.sg_sync_lookup_keys(reference text, target text, tables jsonb, OUT table_name text, OUT parent text,
    OUT columns text[], OUT parent_columns text[], OUT loose text[], OUT circle boolean, OUT deferred boolean)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET quote_all_identifiers = off
AS $function$
WITH RECURSIVE strict AS MATERIALIZED (
    SELECT o.identity FROM schemaguard.snapshot_object o
    WHERE o.snapshot IN (reference, target) AND o.kind = 'column' AND tables ? o.parent AND (o.properties ->> 'not_null')::boolean
    UNION ALL
    SELECT t.name || '.' || quote_ident(a.attname)
    FROM jsonb_object_keys(tables) t (name) JOIN pg_attribute a ON a.attrelid = to_regclass(t.name) AND a.attnotnull
    WHERE 'live' IN (reference, target)
    UNION ALL
    -- null would go on to rows that refer to the column
    SELECT (o.properties ->> 'references') || '.' || quote_ident(c.name)
    FROM schemaguard.snapshot_object o CROSS JOIN LATERAL jsonb_array_elements_text(o.properties -> 'referenced_columns') c (name)
    WHERE o.snapshot IN (reference, target) AND o.kind = 'constraint' AND tables ? (o.properties ->> 'references')
    UNION ALL
    SELECT t.name || '.' || quote_ident(a.attname)
    FROM jsonb_object_keys(tables) t (name) JOIN pg_constraint k ON k.confrelid = to_regclass(t.name) AND k.contype = 'f'
         JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = ANY (k.confkey)
    WHERE 'live' IN (reference, target)
    UNION ALL
    SELECT t.key || '.' || quote_ident(k.name)
    FROM jsonb_each(tables) t CROSS JOIN LATERAL jsonb_array_elements_text(nullif(t.value, 'null')) k (name)
), key AS MATERIALIZED (
    SELECT o.parent AS table_name, o.properties ->> 'references' AS parent, o.properties -> 'columns' AS columns,
        o.properties -> 'referenced_columns' AS parent_columns, o.properties ? 'nulls_not_distinct' AS nulls_equal,
        (o.properties ->> 'deferrable')::boolean IS TRUE AS deferred
    FROM schemaguard.snapshot_object o
    WHERE o.snapshot IN (reference, target) AND tables ? o.parent AND (o.kind = 'constraint' AND (tables ? (o.properties ->> 'references')
        OR o.properties ->> 'type' IN ('p', 'u'))
        OR o.kind = 'index' AND (o.properties ->> 'unique')::boolean AND NOT o.properties ?| '{predicate,expressions}')
    UNION
    SELECT t.name, p.name, x.child, x.parent, false, false
    FROM jsonb_object_keys(tables) t (name) JOIN pg_constraint k ON k.conrelid = to_regclass(t.name) AND k.contype = 'f'
         JOIN jsonb_object_keys(tables) p (name) ON to_regclass(p.name) = k.confrelid
         CROSS JOIN LATERAL (SELECT jsonb_agg(c.attname ORDER BY u.o) AS child, jsonb_agg(f.attname ORDER BY u.o) AS parent
             FROM ROWS FROM (unnest(k.conkey), unnest(k.confkey)) WITH ORDINALITY u (c, f, o)
                  JOIN pg_attribute c ON c.attrelid = k.conrelid AND c.attnum = u.c
                  JOIN pg_attribute f ON f.attrelid = k.confrelid AND f.attnum = u.f) x
    WHERE 'live' IN (reference, target)
    UNION
    SELECT t.name, NULL, (SELECT jsonb_agg(a.attname ORDER BY u.o) FROM unnest(i.indkey) WITH ORDINALITY u (n, o)
             JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = u.n WHERE u.o <= i.indnkeyatts), NULL, i.indnullsnotdistinct,
        NOT i.indimmediate
    FROM jsonb_object_keys(tables) t (name) JOIN pg_index i ON i.indrelid = to_regclass(t.name)
    WHERE 'live' IN (reference, target) AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
), reach (child, parent) AS (
    SELECT k.table_name, k.parent FROM key k WHERE k.parent <> k.table_name
    UNION
    SELECT r.child, k.parent FROM reach r JOIN key k ON k.table_name = r.parent WHERE k.parent <> k.table_name
)
SELECT k.table_name, k.parent, c.names, ARRAY(SELECT x.name FROM jsonb_array_elements_text(k.parent_columns) x (name)),
    ARRAY(SELECT x.name FROM unnest(c.names) x (name)
          WHERE NOT k.nulls_equal AND k.table_name || '.' || quote_ident(x.name) NOT IN (SELECT s.identity FROM strict s)),
    k.parent <> k.table_name AND EXISTS (SELECT FROM reach r WHERE r.child = k.parent AND r.parent = k.table_name),
    k.deferred
FROM key k CROSS JOIN LATERAL (SELECT ARRAY(SELECT x.name FROM jsonb_array_elements_text(k.columns) x (name)) AS names) c
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_lookup_keys(text, text, jsonb)
    IS 'returns the keys that hold up what is written to look-up tables: foreign ones among these tables, and unique ones';

-- Returns the values of a row's columns; null: one of them is
CREATE FUNCTION schemaguard.sg_lookup_values(data jsonb, columns text[]) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
RETURN (SELECT array_agg(data ->> c.name ORDER BY c.o) FROM unnest(columns) WITH ORDINALITY c (name, o)
        HAVING bool_and(data ->> c.name IS NOT NULL));
COMMENT ON FUNCTION schemaguard.sg_lookup_values(jsonb, text[])
    IS 'returns the values of columns of a look-up table''s row; null: one is null';

-- Returns the pairs of sg_lookup_pairs(): absent: the target lacks the table; wanted: the reference has it
CREATE FUNCTION schemaguard.sg_sync_lookup_pairs(reference text, target text, schemas text[], OUT table_name text, OUT key_columns text[],
    OUT ignored_columns text[], OUT expected jsonb, OUT actual jsonb, OUT reason text, OUT lacks boolean, OUT absent boolean,
    OUT wanted boolean)
RETURNS SETOF record
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $function$
SELECT p.*, p.expected IS NOT NULL AND p.actual IS NULL AND CASE target WHEN 'live' THEN to_regclass(p.table_name) IS NULL
        ELSE NOT EXISTS (SELECT FROM schemaguard.snapshot_object o
            WHERE o.snapshot = target AND o.kind = 'table' AND o.identity = p.table_name) END,
    CASE reference WHEN 'live' THEN to_regclass(p.table_name) IS NOT NULL ELSE EXISTS (SELECT FROM schemaguard.snapshot_object o
        WHERE o.snapshot = reference AND o.kind = 'table' AND o.identity = p.table_name) END
FROM schemaguard.sg_lookup_pairs(reference, target) p
WHERE schemas IS NULL OR (parse_ident(p.table_name))[1] = ANY (schemas)
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_lookup_pairs(text, text, text[])
    IS 'pairs the look-up tables of two sides for sync, and tells which side has the table';

-- Returns the rows of look-up tables that wait for others, or are left alone. Differs: rows of sg_lookup_rows() with their table's name;
-- keys: those of sg_sync_lookup_keys(); actual: the rows of each table as they are. Held: columns of a unique key whose values another row
-- keeps, or {} for a row that stands on one that is left alone; null: it is written. Rank: its values come free after so many others
-- have changed. Early: to be deleted before anything is written, for its values; late: inserted when others have changed. Free: columns
-- that are null meanwhile, so that values swap; released: columns that are null before the row is deleted. No row is deleted while the
-- one that takes its place is left out, nor while one refers to it. OFFSET 0: values are made before rows are joined by them.
CREATE FUNCTION schemaguard.sg_sync_lookup_order(differs jsonb, keys jsonb, actual jsonb, adds boolean, allow_drop boolean,
    OUT table_name text, OUT key jsonb, OUT held text[], OUT rank int, OUT early boolean, OUT late boolean, OUT free jsonb,
    OUT released jsonb)
RETURNS SETOF record
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET enable_nestloop = off
AS $function$
WITH RECURSIVE d AS MATERIALIZED (
    SELECT x.* FROM jsonb_to_recordset(differs) x (table_name text, key jsonb, what text, reference jsonb, target jsonb)
    WHERE x.what = 'missing' OR NOT adds
), k AS MATERIALIZED (
    SELECT x.* FROM jsonb_to_recordset(keys) x (table_name text, parent text, columns text[], parent_columns text[], loose text[],
        circle boolean, deferred boolean, key_columns text[])
), wants AS MATERIALIZED (
    SELECT w.*, x.what AS gives, NOT adds AND (x.what = 'different' OR x.what = 'extra' AND allow_drop) IS TRUE AS may,
        w.loose = '{}' AND NOT w.deferred AND w.what = 'different' AND x.what = 'different' AS strict
    FROM (SELECT k.table_name, k.key, k.what, k.columns, k.loose, k.deferred, schemaguard.sg_lookup_key(h.row, k.key_columns) AS holder
          FROM (SELECT k.*, d.key, d.what, schemaguard.sg_lookup_values(d.reference, k.columns) AS value
                FROM k JOIN d ON d.table_name = k.table_name WHERE d.what <> 'extra' AND k.parent IS NULL OFFSET 0) k
              JOIN (SELECT t.key AS table_name, y.columns, e AS row, schemaguard.sg_lookup_values(e, y.columns) AS value
                    FROM jsonb_each(actual) t JOIN k y ON y.table_name = t.key AND y.parent IS NULL
                        CROSS JOIN LATERAL jsonb_array_elements(nullif(t.value, 'null')) e OFFSET 0) h
              ON (h.table_name, h.columns, h.value) = (k.table_name, k.columns, k.value)) w
        LEFT JOIN d x ON x.table_name = w.table_name AND x.key = w.holder
    WHERE w.holder <> w.key
), refers AS MATERIALIZED (
    SELECT c.table_name, c.key, c.what, p.table_name AS parent, p.key AS parent_key, p.what AS parent_what, c.circle, c.loose
    FROM (SELECT d.table_name, d.key, d.what, k.parent, k.parent_columns, k.circle, k.loose, x.leaves,
              schemaguard.sg_lookup_values(CASE WHEN x.leaves THEN d.target ELSE d.reference END, k.columns) AS value
          FROM k JOIN d ON d.table_name = k.table_name CROSS JOIN LATERAL (VALUES (true), (false)) x (leaves)
          WHERE k.parent IS NOT NULL AND d.what <> CASE WHEN x.leaves THEN 'missing' ELSE 'extra' END OFFSET 0) c
        JOIN (SELECT d.table_name, d.key, d.what, k.parent_columns, d.what = 'extra' AS leaves,
                  schemaguard.sg_lookup_values(coalesce(d.target, d.reference), k.parent_columns) AS value
              FROM (SELECT DISTINCT y.parent, y.parent_columns FROM k y) k JOIN d ON d.table_name = k.parent
              WHERE d.what <> 'different' OFFSET 0) p
        ON (p.table_name, p.parent_columns, p.leaves, p.value) = (c.parent, c.parent_columns, c.leaves, c.value)
    WHERE c.table_name <> p.table_name OR c.key <> p.key
), soon (table_name, key) AS (
    SELECT w.table_name, w.holder FROM wants w WHERE w.gives = 'extra' AND w.may
    UNION
    SELECT r.table_name, r.key FROM soon s JOIN refers r ON r.parent = s.table_name AND r.parent_key = s.key WHERE r.what = 'extra'
), ranked (table_name, key, n) AS (
    SELECT w.table_name, w.holder, 0 FROM wants w
    UNION
    SELECT w.table_name, w.key, r.n + w.strict::int FROM ranked r JOIN wants w ON w.table_name = r.table_name AND w.holder = r.key
    WHERE r.n < 50
), top AS MATERIALIZED (
    SELECT r.table_name, r.key, max(r.n) AS n FROM ranked r GROUP BY 1, 2
), stands AS MATERIALIZED (
    SELECT w.table_name, w.key, w.holder AS on_key, w.table_name AS on_table FROM wants w
    UNION ALL
    SELECT w.table_name, w.holder, w.key, w.table_name FROM wants w WHERE w.gives = 'extra' AND w.may
    UNION ALL
    SELECT r.table_name, r.key, r.parent_key, r.parent FROM refers r WHERE r.parent_what = 'missing'
    UNION ALL
    SELECT r.parent, r.parent_key, r.key, r.table_name FROM refers r WHERE r.parent_what = 'extra' AND allow_drop
), alone (table_name, key) AS (
    SELECT w.table_name, w.key FROM wants w WHERE NOT w.may
    UNION
    SELECT t.table_name, t.key FROM top t WHERE t.n >= 50
    UNION
    SELECT r.parent, r.parent_key FROM refers r JOIN soon s ON s.table_name = r.parent AND s.key = r.parent_key WHERE r.what = 'different'
    UNION
    SELECT s.table_name, s.key FROM alone a JOIN stands s ON s.on_table = a.table_name AND s.on_key = a.key
)
SELECT d.table_name, d.key, CASE WHEN a.key IS NOT NULL THEN coalesce(w.held, '{}') END, coalesce(t.n, 0), s.key IS NOT NULL,
    coalesce(w.late, false), coalesce(w.free, '{}'), coalesce(r.released, '{}')
FROM d LEFT JOIN alone a ON a.table_name = d.table_name AND a.key = d.key
    LEFT JOIN top t ON t.table_name = d.table_name AND t.key = d.key LEFT JOIN soon s ON s.table_name = d.table_name AND s.key = d.key
    LEFT JOIN (
        SELECT x.table_name, x.key, array_agg(DISTINCT array_to_string(x.columns, ', ')) AS held,
            bool_or(x.what = 'missing' AND x.swaps) AS late, jsonb_object_agg(c.name, NULL) FILTER (WHERE c.name IS NOT NULL) AS free
        FROM (SELECT y.*, (y.gives = 'different' AND NOT y.deferred) IS TRUE AS swaps FROM wants y) x
            LEFT JOIN LATERAL unnest(x.loose) c (name) ON x.what = 'different' AND x.swaps
        GROUP BY 1, 2) w ON w.table_name = d.table_name AND w.key = d.key
    LEFT JOIN (SELECT x.table_name, x.key, jsonb_object_agg(c.name, NULL) AS released
        FROM refers x CROSS JOIN LATERAL unnest(x.loose) c (name) WHERE x.what = 'extra' AND x.circle AND allow_drop
        GROUP BY 1, 2) r ON r.table_name = d.table_name AND r.key = d.key
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_lookup_order(jsonb, jsonb, jsonb, boolean, boolean)
    IS 'returns in which order the rows of look-up tables are written and deleted, and which are left alone';

-- Returns the rows to write, to delete or to leave alone for sg_sync_lookup(): in which order, what they shall be and were; for rows that
-- are left alone, the reason.
CREATE FUNCTION schemaguard.sg_sync_lookup_rows(reference text, target text, schemas text[], adds boolean, allow_drop boolean,
    OUT place bigint, OUT table_name text, OUT key_columns text[], OUT what text, OUT key jsonb, OUT shall jsonb, OUT old jsonb,
    OUT reason text)
RETURNS SETOF record
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $function$
WITH RECURSIVE pair AS MATERIALIZED (
    SELECT p.* FROM schemaguard.sg_sync_lookup_pairs(reference, target, schemas) p
), key AS MATERIALIZED (
    SELECT k.*, t.tables -> k.table_name AS key_columns
    FROM (SELECT jsonb_object_agg(p.table_name, p.key_columns) AS tables FROM pair p) t
         CROSS JOIN LATERAL schemaguard.sg_sync_lookup_keys(reference, target, t.tables) k
), deep (name, depth) AS (
    SELECT p.table_name, 0 FROM pair p
    UNION
    SELECT k.table_name, d.depth + 1 FROM deep d JOIN key k ON k.parent = d.name AND k.table_name <> k.parent
    -- tables of a circle whose columns can't be null stay in some order: their keys have to be deferrable
    WHERE d.depth < (SELECT count(*) FROM pair) AND NOT (k.circle AND k.loose <> '{}')
), placed AS MATERIALIZED (
    SELECT p.*, (SELECT max(d.depth) FROM deep d WHERE d.name = p.table_name) * 200 AS depth FROM pair p
), differs AS MATERIALIZED (
    SELECT p.table_name, p.key_columns, p.depth, d.key, d.what, d.reference, d.target
    FROM placed p CROSS JOIN LATERAL schemaguard.sg_lookup_rows(p.expected, coalesce(p.actual, '[]'), p.key_columns,
        coalesce(p.ignored_columns, '{}')) d
    WHERE p.reason IS NULL OR p.absent
), taken AS MATERIALIZED (
    SELECT d.table_name, t.key FROM (SELECT x.table_name, jsonb_agg(x.key) AS keys FROM differs x WHERE x.what = 'missing' GROUP BY 1) d
         CROSS JOIN LATERAL jsonb_array_elements(schemaguard.sg_lookup_taken(d.table_name, d.keys)) t (key)
    WHERE target = 'live'
), made AS MATERIALIZED (
    SELECT d.*, o.held, o.rank, o.early, o.late, o.free, o.released, t.key IS NOT NULL AS taken,
        (SELECT coalesce(jsonb_object_agg(c.name, coalesce(d.target -> c.name, 'null')), '{}')
         FROM key k JOIN pair p ON p.table_name = k.parent CROSS JOIN LATERAL unnest(k.loose) c (name)
         WHERE k.circle AND k.table_name = d.table_name AND NOT EXISTS (SELECT FROM jsonb_array_elements(p.actual) e
             WHERE schemaguard.sg_lookup_values(e, k.parent_columns) = schemaguard.sg_lookup_values(d.reference, k.columns))
             AND schemaguard.sg_lookup_values(d.reference, k.columns) IS NOT NULL) AS kept
    FROM differs d JOIN schemaguard.sg_sync_lookup_order((SELECT jsonb_agg(x) FROM differs x), (SELECT jsonb_agg(k) FROM key k),
            (SELECT jsonb_object_agg(p.table_name, p.actual) FROM pair p), adds, allow_drop) o
            ON o.table_name = d.table_name AND o.key = d.key
        LEFT JOIN taken t ON t.table_name = d.table_name AND t.key = d.key AND d.what = 'missing'
), staged AS (
    SELECT m.*, s.*
    FROM made m CROSS JOIN LATERAL (VALUES
        (m.depth + m.rank * 2, 'rows', CASE WHEN NOT m.late THEN m.reference || m.kept || m.free END, m.target),
        (m.depth + m.rank * 2 + 1, 'completed', m.reference || m.kept, CASE WHEN NOT m.late THEN m.reference || m.kept || m.free END),
        (900000, 'completed', m.reference, m.reference || m.kept),
        (CASE WHEN m.early THEN -1000000 ELSE 950000 END, 'released', m.target || m.released, m.target)) s (place, part, shall, old)
    WHERE NOT m.taken AND m.held IS NULL AND (s.old @> s.shall) IS NOT TRUE AND s.shall IS NOT NULL
        AND (m.what = 'extra') = (s.part = 'released')
)
SELECT d.place, d.table_name, d.key_columns, d.part, d.key, d.shall, d.old, NULL FROM staged d
UNION ALL
SELECT CASE WHEN d.early THEN -1 - d.depth ELSE 1000000 - d.depth END, d.table_name, d.key_columns, 'deleted', d.key, d.key,
    d.target || d.released, NULL
FROM made d WHERE d.what = 'extra' AND d.held IS NULL
UNION ALL
SELECT d.depth, d.table_name, d.key_columns, CASE WHEN d.taken THEN 'taken' WHEN d.what = 'extra' THEN 'needed' WHEN d.held = '{}' THEN
    'standing' ELSE 'held' END, d.key, CASE d.what WHEN 'extra' THEN d.key ELSE d.reference END, d.target,
    array_to_string(d.held, '), (')
FROM made d WHERE d.taken OR d.held IS NOT NULL
UNION ALL
-- of what the reference has nothing, it says nothing
SELECT p.depth, p.table_name, p.key_columns, 'unknown', NULL, NULL, NULL, p.reason FROM placed p
WHERE p.reason IS NOT NULL AND NOT p.absent AND (p.expected IS NOT NULL OR p.wanted AND NOT p.lacks)
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_lookup_rows(text, text, text[], boolean, boolean)
    IS 'returns the rows of look-up tables that sync writes, deletes or leaves alone, in order';

-- Returns what makes the target's look-up data the reference's, in order: rows to delete whose unique values others take, rows to insert or
-- change, parents first, then, children first, other rows to delete, as a step of kind rows has them; with how the rows were. Tables that
-- the target lacks are made, and empty. Adds: rows are inserted alone. Completed: rows that come later, or had null, or the old value,
-- before it: in a column that refers to a table of a circle, or null in one that swaps unique values. Released: rows of a circle that
-- refer to nothing before they are deleted. Left alone, without a definition: taken, rows to insert whose key another row has, which the
-- table's condition leaves out; held, rows with unique values that other rows keep; standing, rows that need such a row; needed, rows to
-- delete which such a row needs. Told: how many rows, or why a table is left out. Step: the definition of a step.
CREATE FUNCTION schemaguard.sg_sync_lookup(reference text, target text, schemas text[], adds boolean, allow_drop boolean,
    OUT place bigint, OUT table_name text, OUT key_columns text[], OUT what text, OUT definition jsonb, OUT was jsonb, OUT told text,
    OUT step jsonb)
RETURNS SETOF record
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $function$
SELECT x.place, x.table_name, x.key_columns, x.what, CASE WHEN NOT x.alone THEN x.rows END, CASE WHEN NOT x.alone THEN x.was END, x.told,
    CASE WHEN x.what IN ('deleted', 'needed') THEN jsonb_build_object('delete', x.rows, 'was', x.was)
        WHEN x.rows IS NOT NULL THEN jsonb_build_object('rows', x.rows, 'was', x.was) END
FROM (
SELECT r.place, r.table_name, r.key_columns, r.what, r.what IN ('taken', 'held', 'standing', 'needed') AS alone,
    jsonb_agg(r.shall ORDER BY r.key) FILTER (WHERE r.shall IS NOT NULL) AS rows,
    jsonb_agg(r.old ORDER BY r.key) FILTER (WHERE r.shall IS NOT NULL) AS was,
    CASE r.what WHEN 'unknown' THEN min(r.reason) WHEN 'deleted' THEN count(*) || ' deleted'
        WHEN 'released' THEN count(*) || ' changed, to be deleted'
        WHEN 'taken' THEN format('%s left alone, whose key a row has that the condition leaves out: %s', count(*),
            string_agg(r.key::text, ', ' ORDER BY r.key))
        WHEN 'held' THEN format('%s left alone, whose unique values other rows have: %s; rows swap them if a column of the key (%s) may be '
            'null, or the key is DEFERRABLE', count(*), string_agg(r.key::text, ', ' ORDER BY r.key::text),
            string_agg(DISTINCT r.reason, '), (' ORDER BY r.reason))
        WHEN 'standing' THEN format('%s left alone, which need rows that are left alone: %s', count(*),
            string_agg(r.key::text, ', ' ORDER BY r.key::text))
        WHEN 'needed' THEN format('%s not deleted, which rows that are left alone need, or would take the place of: %s', count(*),
            string_agg(r.key::text, ', ' ORDER BY r.key::text))
        ELSE format('%s inserted, %s changed', count(*) FILTER (WHERE r.old IS NULL), count(*) FILTER (WHERE r.old IS NOT NULL)) END
        AS told
FROM schemaguard.sg_sync_lookup_rows(reference, target, schemas, adds, allow_drop) r
GROUP BY r.place, r.table_name, r.key_columns, r.what) x
ORDER BY 1, 2, x.what COLLATE "C"
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_lookup(text, text, text[], boolean, boolean)
    IS 'returns the rows that make the look-up data of a target that of a reference, in the order of keys';

-- Returns the steps of a plan for it, in order, each as an object of its fields, or why one is left out: deletions are without allow_drop
CREATE FUNCTION schemaguard.sg_sync_lookup_steps(reference text, schemas text[], allow_drop boolean, adds boolean)
RETURNS jsonb
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $function$
SELECT coalesce(jsonb_agg(CASE WHEN l.what = 'unknown' THEN '"could not be read"'
    WHEN l.what = 'taken' THEN '"has rows whose keys others have, which its condition leaves out"'
    WHEN l.what = 'held' THEN '"has rows whose unique values other rows have"'
    WHEN l.what IN ('standing', 'needed') THEN '"has rows that stay as they are, for others do"'
    WHEN l.what = 'deleted' AND NOT allow_drop THEN '"would lose something (allow_drop)"'
    ELSE jsonb_build_object('child_table', l.table_name, 'child_columns', l.key_columns::text, 'definition', l.step::text,
        'fk_name', CASE l.what WHEN 'rows' THEN '' ELSE l.what || ' ' END || 'rows of ' || l.table_name)
        -- no row goes while one that is to be written first is not
        || CASE WHEN l.place >= 950000 THEN '{"after": "{*}"}' ELSE '{}' END::jsonb END
    ORDER BY l.place, l.table_name), '[]')
FROM schemaguard.sg_sync_lookup(reference, 'live', schemas, adds, allow_drop) l
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_lookup_steps(text, text[], boolean, boolean)
    IS 'returns the steps of a plan that makes this database''s look-up data that of a snapshot';

-- Returns the columns of a look-up table, and of its partitions, to which keys refer, on either side
CREATE FUNCTION schemaguard.sg_sync_lookup_referred(reference text, target text, table_name text)
RETURNS text[]
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
RETURN (
    WITH RECURSIVE part (name) AS (
        SELECT table_name COLLATE "C"
        UNION
        SELECT o.identity FROM part p JOIN schemaguard.snapshot_object o ON o.snapshot IN (reference, target) AND o.kind = 'table'
            AND o.properties ->> 'partition_of' = p.name)
    SELECT array_agg(DISTINCT r.name) FROM (
        SELECT jsonb_array_elements_text(o.properties -> 'referenced_columns')
        FROM schemaguard.snapshot_object o JOIN part p ON p.name = o.properties ->> 'references'
        WHERE o.snapshot IN (reference, target) AND o.kind = 'constraint'
        UNION ALL
        SELECT a.attname::text
        FROM (SELECT to_regclass(table_name) AS relid UNION SELECT p.relid FROM pg_partition_tree(to_regclass(table_name)) p) t
             JOIN pg_constraint k ON k.confrelid = t.relid AND k.contype = 'f'
             JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = ANY (k.confkey)
        WHERE 'live' IN (reference, target)) r (name));
COMMENT ON FUNCTION schemaguard.sg_sync_lookup_referred(text, text, text)
    IS 'returns the columns of a look-up table to which keys refer';

-- Returns the statement that changes columns of the rows of a condition (sets: what is behind SET), or, if columns are null, deletes these
-- rows. It ends with 23503 while rows of others would be deleted, or lose what they refer to, with them.
CREATE FUNCTION schemaguard.sg_sync_lookup_guarded(table_name text, condition text, columns text[], sets text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
SELECT format($script$DO %1$s
DECLARE
    of_rows CONSTANT text := %2$s%3$s%2$s;
    key     record;
    found   boolean;
BEGIN
    LOCK TABLE %4$s IN EXCLUSIVE MODE;
    PERFORM set_config('row_security', 'off', true);
    FOR key IN
        WITH RECURSIVE reach (child, n, columns, action, keys, tables, matches, through) AS (
            SELECT %5$L::regclass::oid, 0, %8$L::text[] COLLATE "C", 'c'::"char", '{}'::oid[], '' COLLATE "C", '' COLLATE "C",
                %5$L::text COLLATE "C"
            UNION ALL
            SELECT k.conrelid, r.n + 1, m.columns, k.%7$s, r.keys || k.oid,
                format('%%s, %%s f%%s', r.tables, k.conrelid::regclass, r.n + 1), concat_ws(' AND ', nullif(r.matches, ''), m.matches,
                    CASE WHEN k.confrelid <> r.child THEN format('f%%s.tableoid IN (SELECT relid FROM pg_partition_tree(%%L))', r.n,
                        k.confrelid) END),
                concat_ws(', ', r.through, CASE WHEN r.n > 0 THEN r.child::regclass END)
            FROM reach r
                CROSS JOIN LATERAL (SELECT ARRAY(SELECT r.child UNION SELECT p.relid FROM pg_partition_tree(r.child) p)) x (tree)
                JOIN pg_constraint k ON k.confrelid = ANY (x.tree) AND k.contype = 'f'
                CROSS JOIN LATERAL (
                    SELECT string_agg(format('f%%s.%%I OPERATOR(%%I.%%s) f%%s.%%I', r.n, p.attname, n.nspname, o.oprname, r.n + 1,
                        c.attname), ' AND '), array_agg(c.attname::text) FILTER (WHERE p.attname = ANY (r.columns))
                    FROM ROWS FROM (unnest(k.confkey), unnest(k.conkey), unnest(k.conpfeqop)) u (parent, child, operator)
                        JOIN pg_attribute p ON p.attrelid = k.confrelid AND p.attnum = u.parent
                        JOIN pg_attribute c ON c.attrelid = k.conrelid AND c.attnum = u.child
                        JOIN pg_operator o ON o.oid = u.operator JOIN pg_namespace n ON n.oid = o.oprnamespace) m (matches, columns)
            WHERE %10$s
                AND NOT EXISTS (SELECT FROM pg_constraint w WHERE w.oid = k.conparentid AND w.confrelid = ANY (x.tree)))
        SELECT r.child::regclass, r.n, r.tables, r.matches, r.through FROM reach r WHERE %11$s ORDER BY r.n
    LOOP
        -- so that nobody comes to refer to their rows
        EXECUTE format('LOCK TABLE %%s IN EXCLUSIVE MODE', key.through);
        EXECUTE format('SELECT EXISTS (SELECT FROM (SELECT tableoid, * FROM %%1$s WHERE %%2$s) f0%%3$s WHERE %%4$s AND (f%%5$s.tableoid, '
            'f%%5$s.ctid) NOT IN (SELECT x.tableoid, x.ctid FROM %%1$s x WHERE %%2$s))', %5$L, of_rows, key.tables, key.matches, key.n)
            INTO found;
        IF found THEN
            RAISE foreign_key_violation USING MESSAGE = format('no row of %%s is %9$s: rows of %%s refer to them, and would be deleted '
                'or changed with them', %5$L, key.child), HINT = 'Have these rows refer to others first.';
        END IF;
    END LOOP;
    EXECUTE %6$L || of_rows;
END %1$s;$script$, schemaguard.sg_sync_tag(condition, 'rows'), schemaguard.sg_sync_tag(condition, 'condition'), condition, table_name,
    table_name, CASE WHEN columns IS NULL THEN format('DELETE FROM %s WHERE ', table_name)
        ELSE format('UPDATE %s SET %s WHERE ', table_name, sets) END,
    CASE WHEN columns IS NULL THEN 'confdeltype' ELSE 'confupdtype' END, coalesce(columns, '{}'),
    CASE WHEN columns IS NULL THEN 'deleted' ELSE 'changed' END,
    CASE WHEN columns IS NULL THEN 'r.n = 0 AND k.confdeltype NOT IN (''a'', ''r'')'
        ELSE 'r.action = ''c'' AND k.confupdtype IN (''c'', ''n'', ''d'') AND m.columns IS NOT NULL AND k.oid <> ALL (r.keys)' END,
    CASE WHEN columns IS NULL THEN 'r.n = 1' ELSE 'r.action <> ''c''' END)
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_lookup_guarded(text, text, text[], text)
    IS 'returns the statement that changes or deletes rows of a look-up table, unless that would reach rows of others';

-- Returns the statements of a script for the rows of one table: one INSERT, an UPDATE for each changed row, one DELETE. Statements leave
-- alone a row that has changed since. Comments before the statements have the old rows. Is_unique: a constraint that is not deferrable
-- makes the key unique. Referred: the columns to which keys refer.
CREATE FUNCTION schemaguard.sg_sync_lookup_statements(table_name text, key_columns text[], what text, definition jsonb, was jsonb,
    is_unique boolean, referred text[], allow_drop boolean)
RETURNS SETOF text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
WITH pair AS (
    SELECT e.n, CASE what WHEN 'deleted' THEN NULL ELSE e.row END AS new, nullif(w.row, 'null') AS old
    FROM jsonb_array_elements(definition) WITH ORDINALITY e (row, n)
         JOIN jsonb_array_elements(was) WITH ORDINALITY w (row, n) ON w.n = e.n
), named AS (
    SELECT p.*, c.columns, c.types, c.values, c.sets, c.reaching, o.same, k.matches
    FROM pair p
    CROSS JOIN LATERAL (
        SELECT string_agg(quote_ident(x.key), ', ' ORDER BY x.key) AS columns,
            string_agg(format('(NULL::%s).%I', table_name, x.key), ', ' ORDER BY x.key) AS types,
            string_agg(quote_nullable(x.value), ', ' ORDER BY x.key) AS values,
            string_agg(format('%I = %s', x.key, quote_nullable(x.value)), ', ' ORDER BY x.key)
                FILTER (WHERE x.value IS DISTINCT FROM p.old ->> x.key) AS sets,
            array_agg(x.key ORDER BY x.key) FILTER (WHERE x.value IS DISTINCT FROM p.old ->> x.key AND x.key = ANY (referred))
                AS reaching
        FROM jsonb_each_text(p.new) x) c
    CROSS JOIN LATERAL (
        SELECT string_agg(format('%I::text IS NOT DISTINCT FROM %s', x.key, quote_nullable(x.value)), ' AND ' ORDER BY x.key) AS same
        FROM jsonb_each_text(p.old) x) o
    CROSS JOIN LATERAL (
        SELECT string_agg(format('%I = %L', x.name, p.old ->> x.name), ' AND ' ORDER BY x.o) AS matches
        FROM unnest(key_columns) WITH ORDINALITY x (name, o)) k
),
-- rows of one table may refer to each other: one statement inserts all of them, and one statement deletes all of them
line (place, n, text) AS (
    SELECT 1, 0, format(E'INSERT INTO %s (%s) OVERRIDING SYSTEM VALUE VALUES\n    (%s)\nON CONFLICT (%s) DO NOTHING;',
        table_name, p.columns, string_agg(p.values, E'),\n    (' ORDER BY p.n),
        (SELECT string_agg(quote_ident(x.name), ', ' ORDER BY x.o) FROM unnest(key_columns) WITH ORDINALITY x (name, o)))
    FROM named p WHERE p.old IS NULL AND is_unique GROUP BY p.columns
    UNION ALL
    -- the first row is of the types of the table's columns, and so are the literals below it
    SELECT 1, 0, format(E'INSERT INTO %1$s (%2$s) OVERRIDING SYSTEM VALUE\nSELECT * FROM (VALUES (%3$s),\n    (%4$s) OFFSET 1) v (%2$s)\n'
        'WHERE NOT EXISTS (SELECT FROM %1$s x WHERE %5$s);', table_name, p.columns, p.types,
        string_agg(p.values, E'),\n    (' ORDER BY p.n),
        (SELECT string_agg(format('x.%1$I = v.%1$I', k.name), ' AND ' ORDER BY k.o) FROM unnest(key_columns) WITH ORDINALITY k (name, o)))
    FROM named p WHERE p.old IS NULL AND NOT is_unique GROUP BY p.columns, p.types
    UNION ALL
    SELECT 2, p.n * 2, schemaguard.sg_sync_comment('was: ' || p.old::text) FROM named p WHERE p.old IS NOT NULL
    UNION ALL
    SELECT 2, p.n * 2 + 1, CASE WHEN p.reaching IS NULL
        THEN format('UPDATE %s SET %s WHERE %s AND %s;', table_name, p.sets, p.matches, p.same)
        ELSE schemaguard.sg_sync_lookup_guarded(table_name, p.matches || ' AND ' || p.same, p.reaching, p.sets) END
    FROM named p WHERE p.new IS NOT NULL AND p.old IS NOT NULL
    UNION ALL
    SELECT 3, 0, CASE WHEN allow_drop THEN d.text ELSE '-- ' || replace(d.text, E'\n', E'\n-- ') END
    FROM (SELECT schemaguard.sg_sync_lookup_guarded(table_name, string_agg(format('%s AND %s', p.matches, p.same), E'\n    OR '
              ORDER BY p.n), NULL, NULL)
          FROM named p WHERE p.new IS NULL HAVING count(*) > 0) d (text)
)
SELECT l.text FROM line l ORDER BY l.place, l.n
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_lookup_statements(text, text[], text, jsonb, jsonb, boolean, text[], boolean)
    IS 'returns the statements of a script for the rows of one look-up table';

-- Returns the part of a script that is about look-up data; nothing if there is nothing to do
CREATE FUNCTION schemaguard.sg_sync_lookup_script(reference text, target text, schemas text[], allow_drop boolean)
RETURNS SETOF text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET standard_conforming_strings = on
AS $function$
DECLARE
    begun boolean := false;
    l record;
    is_unique boolean;
BEGIN
    FOR l IN SELECT s.* FROM schemaguard.sg_sync_lookup(reference, target, schemas, false, allow_drop) s
             ORDER BY s.place, s.table_name LOOP
        IF NOT begun THEN
            RETURN QUERY VALUES (''), ('-- look-up data'), ('BEGIN;'), ('SET LOCAL bytea_output = ''hex'';'),
                ('SET LOCAL lc_monetary = ''C'';'), ('SET CONSTRAINTS ALL DEFERRED;');
            begun := true;
        END IF;
        IF l.definition IS NULL THEN
            RETURN NEXT schemaguard.sg_sync_comment(format('left out: rows of %s: %s', l.table_name, l.told));
            CONTINUE;
        END IF;
        RETURN NEXT schemaguard.sg_sync_comment(format('rows of %s: %s', l.table_name, l.told || CASE
            WHEN l.what = 'deleted' AND NOT allow_drop THEN ', left out, for they would be lost (allow_drop)' ELSE '' END));
        is_unique := EXISTS (
            SELECT FROM schemaguard.snapshot_object o WHERE o.snapshot = CASE reference WHEN 'live' THEN target ELSE reference END
                AND o.kind = 'constraint' AND o.parent = l.table_name AND o.properties ->> 'type' IN ('p', 'u')
                AND (o.properties ->> 'deferrable')::boolean IS NOT TRUE
                AND o.properties -> 'columns' @> to_jsonb(l.key_columns) AND to_jsonb(l.key_columns) @> (o.properties -> 'columns'));
        RETURN QUERY SELECT s FROM schemaguard.sg_sync_lookup_statements(l.table_name, l.key_columns, l.what, l.definition, l.was,
            is_unique, schemaguard.sg_sync_lookup_referred(reference, target, l.table_name), allow_drop) s;
    END LOOP;
    IF begun THEN
        RETURN NEXT 'COMMIT;';
    END IF;
END
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_lookup_script(text, text, text[], boolean)
    IS 'returns the part of a script that makes look-up data the same';
