-- Sync: what is dropped and made again is one transaction with what is changed below it, and nothing else is in that

CREATE FUNCTION schemaguard.sg_sync_units(nodes int, roots int[], above int[], below int[])
RETURNS int[]
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'sg_sync_units';
COMMENT ON FUNCTION schemaguard.sg_sync_units(int, int[], int[], int[])
    IS 'returns, for each node of a graph, the node that stands for its unit; null: no root is above it';

-- Returns what a statement is about, as a text. Things that can't have one name at a time have one text; so have routines of one
-- name, for who calls one may get another.
CREATE FUNCTION schemaguard.sg_sync_node(kind text, object text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
RETURN CASE WHEN kind IN ('function', 'procedure', 'aggregate') THEN 'routine ' || schemaguard.sg_sync_name(object)
    WHEN kind IN ('table', 'view', 'materialized view', 'sequence', 'type', 'domain', 'index') THEN 'relation ' || object
    ELSE kind || ' ' || object END;
COMMENT ON FUNCTION schemaguard.sg_sync_node(text, text)
    IS 'returns a statement''s object as a text, equal for objects that cannot have one name at a time';

-- Returns what objects of pairs stand on, as pairs of such texts; what has no statement of its own is made with its parent
CREATE FUNCTION schemaguard.sg_sync_links(pairs schemaguard.sync_pair[], OUT node text, OUT parent_node text, OUT below text)
RETURNS SETOF record
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
WITH link (node, parent_node, below) AS MATERIALIZED (
    SELECT schemaguard.sg_sync_node(s.kind, s.identity), 'relation ' || s.parent, schemaguard.sg_sync_node(x.kind, x.identity)
    FROM (SELECT p.kind, p.identity, p.parent, p.properties FROM unnest(pairs) p WHERE p.identity IS NOT NULL
          UNION ALL
          SELECT p.kind, p.target_identity, p.target_parent, p.target_properties FROM unnest(pairs) p WHERE p.target_identity IS NOT NULL
         ) s
    CROSS JOIN LATERAL (
        SELECT d.value ->> 0, d.value ->> 1 FROM jsonb_array_elements(s.properties -> 'depends') d
        UNION ALL
        -- columns are of tables
        SELECT 'table', schemaguard.sg_sync_owner(d.value ->> 1)
        FROM jsonb_array_elements(s.properties -> 'depends') d WHERE d.value ->> 0 = 'column'
        UNION ALL
        SELECT 'column', s.parent || '.' || quote_ident(c)
        FROM jsonb_array_elements_text(s.properties -> 'columns') c WHERE s.kind = 'statistics'
        UNION ALL
        SELECT 'table', x.name
        FROM (VALUES (s.parent), (s.properties ->> 'references'), (s.properties ->> 'partition_of'),
                     (s.properties ->> 'from_table')) x (name)
    ) x (kind, identity)
    WHERE x.identity IS NOT NULL
    UNION ALL
    -- a column of a table's row type
    SELECT schemaguard.sg_sync_node(p.kind, p.target_identity), 'relation ' || p.target_parent,
        schemaguard.sg_sync_node(c.kind, c.target_identity)
    FROM unnest(pairs) p CROSS JOIN LATERAL jsonb_array_elements(p.target_properties -> 'depends') d
    JOIN unnest(pairs) c ON c.kind = 'column' AND c.target_parent = d.value ->> 1 AND c.changes IS NOT NULL
    WHERE p.kind = 'column' AND d.value ->> 0 = 'table'
    UNION ALL
    -- a partition has all columns of the whole when it joins
    SELECT schemaguard.sg_sync_node(p.kind, p.identity), NULL, schemaguard.sg_sync_node(c.kind, c.identity)
    FROM unnest(pairs) p JOIN unnest(pairs) c ON c.kind = 'column' AND c.parent = p.properties ->> 'partition_of'
        AND c.target_identity IS NULL
    WHERE p.kind = 'table' AND (p.target_identity IS NULL OR p.changes && '{partition_of,partition_bound}')
), typed AS MATERIALIZED (
    SELECT p.identity, p.properties ->> 'of_type' AS type FROM unnest(pairs) p WHERE p.kind = 'table' AND p.properties ? 'of_type'
    UNION
    SELECT p.target_identity, p.target_properties ->> 'of_type' FROM unnest(pairs) p
    WHERE p.kind = 'table' AND p.target_properties ? 'of_type'
)
SELECT l.node, l.parent_node, l.below FROM link l
UNION ALL
-- the columns of a typed table are made by its type
SELECT l.node, l.parent_node, 'relation ' || t.type FROM link l JOIN typed t ON l.below = 'relation ' || t.identity
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_links(schemaguard.sync_pair[])
    IS 'returns the dependencies of the objects of pairs';

-- Returns what statements would be refused, for the queries that have found rows, and for what they are made of
CREATE FUNCTION schemaguard.sg_sync_refused(pairs schemaguard.sync_pair[], found schemaguard.sync_found[],
    OUT kind text, OUT object text, OUT what text, OUT finders text[])
RETURNS SETOF record
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
WITH RECURSIVE joining AS MATERIALIZED (
    SELECT p.identity, p.properties ->> 'partition_of' AS whole, p.target_identity IS NULL AS fresh,
        p.properties -> 'partition_of' = p.target_properties -> 'partition_of' AS moves
    FROM unnest(pairs) p WHERE p.kind = 'table' AND (p.target_identity IS NULL OR p.changes && '{partition_of,partition_bound}')
        AND found <> '{}'
), part AS MATERIALIZED (
    -- what is made of columns, or goes to a partition with what it is of
    SELECT p.kind, p.identity, NULL AS what, 'column' AS on_kind, k.parent || '.' || quote_ident(c.name) AS object
    FROM unnest(pairs) p CROSS JOIN LATERAL (VALUES (p.parent, p.properties -> 'columns'),
        (p.properties ->> 'references', p.properties -> 'referenced_columns')) k (parent, columns)
    CROSS JOIN LATERAL jsonb_array_elements_text(CASE jsonb_typeof(k.columns) WHEN 'array' THEN k.columns END) c (name)
    WHERE p.kind IN ('constraint', 'index', 'statistics') AND found <> '{}'
    UNION ALL
    -- a key stays for a foreign key that does
    SELECT k.kind, coalesce(k.identity, k.target_identity), NULL, f.kind, f.identity
    FROM unnest(pairs) f JOIN unnest(pairs) k ON k.kind IN ('constraint', 'index')
        AND k.target_parent = f.target_properties ->> 'references'
        AND k.target_properties -> 'columns' @> (f.target_properties -> 'referenced_columns')
        AND k.target_properties -> 'columns' <@ (f.target_properties -> 'referenced_columns')
    WHERE f.kind = 'constraint' AND found <> '{}'
    UNION ALL
    -- so does the NOT NULL of the columns of a key that rows are identified by
    SELECT c.kind, c.identity, 'not_null', k.kind, coalesce(k.identity, k.target_identity)
    FROM unnest(pairs) k CROSS JOIN LATERAL jsonb_array_elements_text(CASE jsonb_typeof(k.target_properties -> 'columns') WHEN 'array'
        THEN k.target_properties -> 'columns' END) n (name)
    JOIN unnest(pairs) c ON c.kind = 'column' AND c.target_identity = k.target_parent || '.' || quote_ident(n.name)
        AND 'not_null' = ANY (c.changes)
    WHERE k.kind IN ('constraint', 'index') AND (k.target_properties ->> 'type' = 'p' OR k.target_properties ? 'replica_identity')
        AND found <> '{}'
    UNION ALL
    -- and what else would go from under something that stays as it is
    SELECT x.kind, x.target_identity, NULL, f.kind, coalesce(f.identity, f.target_identity)
    FROM unnest(pairs) f CROSS JOIN LATERAL (
        SELECT d.value ->> 0, d.value ->> 1 FROM jsonb_array_elements(f.target_properties -> 'depends') d
        UNION ALL
        SELECT 'table', f.target_properties ->> 'references'
        UNION ALL
        SELECT 'column', k.parent || '.' || quote_ident(c.name)
        FROM (VALUES (f.target_parent, f.target_properties -> 'columns'),
            (f.target_properties ->> 'references', f.target_properties -> 'referenced_columns')) k (parent, columns)
        CROSS JOIN LATERAL jsonb_array_elements_text(CASE jsonb_typeof(k.columns) WHEN 'array' THEN k.columns END) c (name)
        WHERE f.kind IN ('constraint', 'index', 'statistics')) s (kind, identity)
    JOIN unnest(pairs) x ON x.kind = s.kind AND x.target_identity = s.identity AND x.identity IS NULL
    WHERE f.identity IS NOT NULL AND found <> '{}'
    UNION ALL
    SELECT p.kind, p.identity, NULL, 'table', p.parent FROM unnest(pairs) p JOIN joining j ON j.identity = p.parent
    WHERE j.fresh OR p.kind IN ('constraint', 'index') AND p.properties ? 'partition_of' AND j.moves IS NOT TRUE
    UNION ALL
    -- partitions of a new one, and others that could get a bound which one keeps
    SELECT 'table', j.identity, NULL, 'table', j.whole FROM joining j WHERE j.fresh AND j.whole IS NOT NULL
    UNION ALL SELECT 'bounds', j.whole, NULL, 'table', j.identity FROM joining j WHERE j.moves
    UNION ALL SELECT 'table', j.identity, CASE WHEN NOT j.fresh THEN 'partition' END, 'bounds', j.whole FROM joining j
    -- keys go for partitions that go, and come again
    UNION ALL SELECT p.kind, p.identity, NULL, 'bounds', p.properties ->> 'references' FROM unnest(pairs) p
    WHERE p.kind = 'constraint' AND p.changes IS NULL AND p.target_identity IS NOT NULL AND found <> '{}'
        AND NOT EXISTS (SELECT FROM unnest(pairs) t WHERE t.kind = 'table' AND 'partition_of' = ANY (t.changes)
            AND t.target_properties ->> 'partition_of' = p.properties ->> 'references')
    -- bounds are values of the type of the key
    UNION ALL SELECT 'table', j.identity, 'partition', 'key', j.whole FROM joining j WHERE j.moves
), refusal AS (
    SELECT x.kind, x.object, x.what, f.finder
    FROM unnest(found) f CROSS JOIN LATERAL (VALUES (f.kind, f.object, f.what),
        (CASE f.finder WHEN '!the table is partitioned by it' THEN 'key' END, schemaguard.sg_sync_owner(f.object), NULL))
        x (kind, object, what)
    WHERE x.kind IS NOT NULL
    UNION SELECT p.kind, p.identity, p.what, r.finder FROM part p JOIN refusal r ON r.kind = p.on_kind AND r.object = p.object
    WHERE r.what IS DISTINCT FROM 'identity_sequence'
)
SELECT f.kind, f.object, f.what, array_agg(DISTINCT f.finder) AS finders
FROM (SELECT r.kind, r.object, r.what, r.finder FROM refusal r
      -- bounds that come before the type do so for it
      UNION ALL SELECT f.kind, f.object, 'identity_sequence', f.finder FROM unnest(found) f WHERE f.what = 'type collation') f
GROUP BY f.kind, f.object, f.what
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_refused(schemaguard.sync_pair[], schemaguard.sync_found[])
    IS 'returns objects whose statements would fail, with the queries that found the rows';

-- Returns the statements of sg_sync_statements() in an order in which those of a unit stand together, the others after what they need;
-- finders: the queries of rows for which they, or what they need, would be refused
CREATE FUNCTION schemaguard.sg_sync_united(
    pairs schemaguard.sync_pair[], reference text, target text, allow_drop boolean, partitions boolean, leave_code boolean DEFAULT false,
    leave_native boolean DEFAULT false,
    OUT section int, OUT place bigint, OUT kind text, OUT object text, OUT what text, OUT statement text,
    OUT guard text, OUT before text, OUT after text, OUT note text, OUT index text, OUT index_after text, OUT cost text,
    OUT finders text[], OUT unit int)
RETURNS SETOF record
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET jit = off
SET enable_nestloop = off
AS $function$
WITH stated AS MATERIALIZED (
    SELECT s.*, s.note LIKE 'drop%' AS drops, schemaguard.sg_sync_node(s.kind, s.object) AS node
    FROM schemaguard.sg_sync_statements(pairs, reference, target, allow_drop, partitions, leave_code, leave_native) WITH ORDINALITY
        s (section, place, kind, object, what, statement, guard, before, after, note, index, index_after, cost, finder, n)
), node AS MATERIALIZED (
    -- event triggers are gone from the first statement to the last
    SELECT s.node, row_number() OVER ()::int AS number, bool_or(s.drops) AND bool_or(NOT s.drops) AS again
    FROM stated s WHERE s.section = 2 AND s.kind <> 'event trigger' AND s.what <> 'renamed' GROUP BY s.node
), edge AS (
    SELECT coalesce(a.number, w.number) AS above, b.number AS below
    FROM schemaguard.sg_sync_links(pairs) l LEFT JOIN node a ON a.node = l.node LEFT JOIN node w ON w.node = l.parent_node
    JOIN node b ON b.node = l.below WHERE coalesce(a.number, w.number) IS NOT NULL
    UNION ALL
    -- new columns keep their order
    SELECT n.number, lag(n.number) OVER (PARTITION BY schemaguard.sg_sync_owner(s.object) ORDER BY s.n)
    FROM stated s JOIN node n ON n.node = s.node WHERE s.section = 2 AND s.kind = 'column' AND s.what = 'created'
), united AS (
    SELECT schemaguard.sg_sync_units((SELECT count(*)::int FROM node), ARRAY(SELECT n.number FROM node n WHERE n.again),
        array_agg(e.above), array_agg(e.below)) AS units
    FROM (SELECT e.above, e.below FROM edge e WHERE e.below IS NOT NULL UNION ALL SELECT 1, 1 WHERE EXISTS (SELECT FROM node)) e
), unit AS MATERIALIZED (
    SELECT n.node, n.again, u.unit FROM united CROSS JOIN LATERAL unnest(united.units) WITH ORDINALITY u (unit, number)
    JOIN node n ON n.number = u.number WHERE u.unit IS NOT NULL
), span AS MATERIALIZED (
    SELECT u.unit, min(s.n) AS first, max(s.n) AS last FROM unit u JOIN stated s ON s.node = u.node AND s.section = 2
    WHERE u.again GROUP BY u.unit
), zone AS MATERIALIZED (
    SELECT min(s.first) AS first, max(s.last) AS last FROM span s
), found AS MATERIALIZED (
    -- a partition that can't join is not made
    SELECT DISTINCT s.kind, s.object, CASE WHEN s.kind IN ('column', 'type') THEN s.what WHEN s.kind = 'table' AND NOT EXISTS (
        SELECT FROM stated m WHERE m.kind = 'table' AND m.object = s.object AND m.what = 'created') THEN 'partition' END AS what, f.finder
    FROM stated s CROSS JOIN string_to_table(s.finder, E'\n') f (finder)
), refused AS MATERIALIZED (
    SELECT r.* FROM schemaguard.sg_sync_refused(pairs, ARRAY(SELECT ROW(f.*)::schemaguard.sync_found FROM found f)) r
)
-- what is no statement of the script, but said of it
SELECT 0, 0, x.kind, x.object, 'sent', x.told, NULL, x.hint, NULL, x.note, NULL, NULL, NULL, NULL, NULL
FROM schemaguard.sg_sync_sent(pairs, reference, allow_drop, (SELECT coalesce(jsonb_object_agg(m.what, m.statements), '{}')
    FROM (SELECT s.what || ' ' || s.kind || ' ' || s.object AS what, string_agg(s.statement, E';\n' ORDER BY s.n) AS statements
          FROM stated s WHERE s.section > 0 AND s.kind IN ('table', 'column') AND s.what IN ('created', 'renamed') GROUP BY 1) m)) x
WHERE target = 'live'
UNION ALL
(SELECT s.section, s.place, s.kind, s.object, s.what, s.statement, s.guard, s.before, s.after, s.note, s.index, s.index_after, s.cost,
    r.finders, p.unit
FROM stated s CROSS JOIN zone z LEFT JOIN unit u ON u.node = s.node AND s.section = 2
-- labels that come need no place of those that go
LEFT JOIN refused r ON r.kind = s.kind AND r.object = s.object AND s.section > CASE s.kind WHEN 'type' THEN 1 ELSE 0 END
    AND (coalesce(r.what, s.what) = s.what OR r.what = 'partition' AND s.what LIKE 'partition%')
LEFT JOIN span p ON p.unit = u.unit AND s.n BETWEEN p.first AND p.last
ORDER BY s.section, CASE WHEN s.section <> 2 OR s.n < z.first OR z.first IS NULL THEN 0
        WHEN p.unit IS NOT NULL THEN 2
        WHEN s.n > z.last THEN 4
        -- what goes is in nobody's way then, and what everything is made in is there
        WHEN s.drops OR s.kind IN ('schema', 'extension', 'language', 'default privilege') THEN 1
        ELSE 3 END, p.first, s.n)
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_united(schemaguard.sync_pair[], text, text, boolean, boolean, boolean, boolean)
    IS 'returns the statements of sg_sync_sql(), in order, each with its guard and its unit';

-- Returns what a script says before the statements of a unit: what is gone meanwhile for nobody else, and which tables wait
CREATE FUNCTION schemaguard.sg_sync_unit_told(statements jsonb, unit int, target text)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
    WITH line AS (
        SELECT x.kind, x.object, x.note LIKE 'drop%' AS drops, x.cost,
            CASE WHEN x.kind = 'column' THEN schemaguard.sg_sync_owner(x.object) ELSE x.object END AS relation
        FROM jsonb_array_elements(statements) e, jsonb_to_record(e) x (kind text, object text, note text, cost text, unit int)
        WHERE x.unit = sg_sync_unit_told.unit
    )
    SELECT format('one transaction, in which others see all as it was: drops and creates %s',
            (SELECT string_agg(DISTINCT l.kind || ' ' || l.object, ', ') FROM line l WHERE l.drops))
        || coalesce('; until its end, who uses these waits, as for '
            || (SELECT string_agg(DISTINCT l.relation || CASE WHEN l.cost LIKE 'rewrites%' THEN ', which is rewritten'
                    || schemaguard.sg_sync_size(target, 'table', l.relation) ELSE '' END, '; ')
                FROM line l WHERE NOT l.drops AND l.kind IN ('table', 'column')), '')
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_unit_told(jsonb, int, text)
    IS 'returns the remarks of a script before the statements of one transaction';
