-- Sync: objects with what statements make them of

-- Returns the text within CREATE of tables and domains: columns, or constraints. What a plan keeps of a whole its partition has, too.
CREATE FUNCTION schemaguard.sg_sync_inline(objects schemaguard.sync_object[], live boolean, OUT parent text, OUT columns text)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT o.parent, string_agg(E'\n    ' || (o.new ->> 'column'), ',' ORDER BY (o.new ->> 'position')::int)
        || CASE WHEN live THEN coalesce((
            SELECT string_agg(E',\n    ' || quote_ident(a.attname) || ' ' || format_type(a.atttypid, a.atttypmod), '' ORDER BY a.attnum)
            FROM pg_attribute a JOIN schemaguard.kept_column k ON k.relid = a.attrelid AND k.number = a.attnum
            WHERE a.attrelid = to_regclass(min(t.new ->> 'partition_of'))), '')
        ELSE '' END || E'\n'
    FROM unnest(objects) o JOIN unnest(objects) t ON t.kind = 'table' AND t.identity = o.parent AND t.state <> 'same'
    WHERE o.kind = 'column' AND o.parent_state = 'missing' AND (coalesce(o.new ->> 'inherited', '') <> 'only' OR t.new ? 'partition_of')
    GROUP BY o.parent
    UNION ALL
    SELECT o.parent, string_agg(schemaguard.sg_sync_fill(' CONSTRAINT {name|I} {definition}', o.new), '' ORDER BY o.number)
    FROM unnest(objects) o
    WHERE o.kind = 'constraint' AND o.new ? 'of_domain' AND o.new ? 'in_new' AND (o.new ->> 'validated')::boolean
    GROUP BY o.parent
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_inline(schemaguard.sync_object[], boolean)
    IS 'returns the text of columns and constraints within CREATE';

-- Returns the columns of tables that are made or dropped, by state: an heir's own, for others come and go with those of its parent
CREATE FUNCTION schemaguard.sg_sync_shapes(objects schemaguard.sync_object[], OUT parent text, OUT state text, OUT columns jsonb)
RETURNS SETOF record
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT coalesce(o.parent, o.target_parent), o.parent_state, jsonb_agg(quote_ident(x.c ->> 'name') || ' ' || (x.c ->> 'type'))
    FROM unnest(objects) o CROSS JOIN LATERAL (SELECT coalesce(o.new, o.old)) x (c)
    WHERE o.kind = 'column' AND o.parent_state IN ('missing', 'extra')
        AND (x.c ->> 'inherited' IS DISTINCT FROM 'only' OR coalesce(o.parent, o.target_parent) IN (
            SELECT coalesce(t.identity, t.target_identity) FROM unnest(objects) t
            WHERE t.kind = 'table' AND coalesce(t.properties, t.target_properties) ? 'partition_of'))
    GROUP BY 1, 2
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_shapes(schemaguard.sync_object[])
    IS 'returns the columns of tables that are created or dropped';

-- Returns the numbers of partitions that join another table, or one that is made anew, after columns that only one of the two has are gone
CREATE FUNCTION schemaguard.sg_sync_joins_late(objects schemaguard.sync_object[], anew schemaguard.sync_anew[])
RETURNS SETOF int
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
WITH object AS MATERIALIZED (
    SELECT o.* FROM unnest(objects) o WHERE o.kind IN ('table', 'column') AND o.state <> 'same'
), surplus AS MATERIALIZED (
    SELECT o.target_parent FROM object o WHERE o.kind = 'column' AND o.state = 'extra' AND o.parent_state IS NULL
)
SELECT o.number FROM object o
WHERE o.kind = 'table' AND o.new ? 'partition_of'
    AND (o.new ->> 'partition_of' IS DISTINCT FROM o.old ->> 'partition_of' OR o.new ->> 'partition_of' IN (SELECT t.identity FROM object t
        WHERE t.kind = 'table' AND (t.state = 'missing' OR t.number IN (SELECT a.number FROM unnest(anew) a WHERE a.again))))
    AND (o.new ->> 'partition_of' IN (SELECT c.target_parent FROM surplus c)
        OR o.target_identity IN (SELECT c.target_parent FROM surplus c))
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_joins_late(schemaguard.sync_object[], schemaguard.sync_anew[])
    IS 'returns the numbers of partitions that are attached after surplus columns are dropped';

-- Returns objects with what they are made of. All: those that equal ones belong to, too, for what is attached.
CREATE FUNCTION schemaguard.sg_sync_made(objects schemaguard.sync_object[], all_objects schemaguard.sync_object[],
    rules schemaguard.sync_fired[], anew schemaguard.sync_anew[], live boolean)
RETURNS SETOF schemaguard.sync_made
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
SELECT o.number, o.kind, o.state, o.changes, o.parent_state, o.identity, o.target_identity, o.parent, o.target_parent,
    CASE WHEN s.parent IS NULL THEN o.old ELSE o.old || jsonb_build_object('columns_state', s.columns) END,
    CASE o.kind WHEN 'table' THEN n.new || jsonb_build_object('columns', coalesce(i.columns, ''), 'columns_state', s.columns)
        WHEN 'domain' THEN n.new || jsonb_build_object('constraints', coalesce(i.columns, ''), 'columns_state', s.columns) ELSE n.new END,
    o.fresh, o.again, o.beside,
    CASE WHEN o.again AND o.kind = 'column' AND NOT o.old ? 'generated' THEN 'the values of column ' || o.target_identity END,
    l.late_at, l.late, j.number IS NOT NULL, o.back
FROM (
    SELECT o.*, coalesce(f.again, false) AS again, coalesce(f.beside, false) AND f.again IS NULL AS beside,
        -- what is made anew has nothing of what it was
        CASE WHEN f.number IS NOT NULL AND o.new IS NOT NULL AND o.state <> 'missing'
            THEN schemaguard.sg_sync_object(o.kind, o.identity, o.parent, o.name, o.properties, NULL) END AS fresh
    FROM unnest(objects) o LEFT JOIN (
        SELECT x.number, bool_or(x.again) AS again, bool_or(x.beside) AS beside
        FROM (SELECT a.number, true, NULL FROM unnest(anew) a WHERE a.again
              UNION ALL
              -- constraints and indexes get another one beside them first
              SELECT f.number, NULL, true FROM unnest(rules) f JOIN unnest(objects) c ON c.number = f.number
              WHERE f.step = 'rebuild' AND c.kind IN ('constraint', 'index')) x (number, again, beside)
        GROUP BY x.number) f ON f.number = o.number
    WHERE o.state <> 'same' OR f.again
    OFFSET 0) o
CROSS JOIN LATERAL (SELECT CASE WHEN o.again THEN coalesce(o.fresh, o.new) ELSE o.new END AS new) n
LEFT JOIN schemaguard.sg_sync_inline(objects, live) i ON i.parent = o.identity AND o.kind IN ('table', 'domain')
LEFT JOIN schemaguard.sg_sync_shapes(objects) s ON s.parent = coalesce(o.identity, o.target_identity) AND s.state = o.state
    AND o.kind = 'table'
LEFT JOIN schemaguard.sg_sync_joins_late(objects, anew) j (number) ON j.number = o.number
-- event triggers see what is between; indexes of the whole go before that of a partition gets its name; keys may lead to what is
-- attached; a partition's own index would be taken for that of the whole before it is attached
LEFT JOIN LATERAL (
    SELECT CASE WHEN o.kind = 'event trigger' OR n.new ? 'freed' THEN 6 WHEN n.new ? 'references' THEN 4 ELSE 2 END AS late_at,
        CASE WHEN o.kind = 'event trigger' THEN 3000000000 WHEN n.new ? 'freed' THEN 2000000000 WHEN n.new ? 'references' THEN 1000000000
            ELSE 950000000 END AS late) l
    ON o.kind = 'event trigger' OR n.new ?| '{freed,references}' OR o.kind = 'index' AND o.parent IN (
        SELECT j.identity FROM schemaguard.sg_sync_joining(all_objects) j WHERE j.of_partition AND NOT j.moves)
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_made(schemaguard.sync_object[], schemaguard.sync_object[], schemaguard.sync_fired[],
    schemaguard.sync_anew[], boolean)
    IS 'returns objects with the values of which their statements are made';
