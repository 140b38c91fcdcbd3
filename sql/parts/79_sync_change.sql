-- Sync: from pairs to objects, each with what becomes of it, and with what templates need of it beyond its properties

-- Returns whether reference and target are of two majors, and whether a key of a partitioned table of the target can't be NOT VALID
CREATE FUNCTION schemaguard.sg_sync_sides(reference text, target text, OUT other_major boolean, OUT keys_at_once boolean)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT r.version / 10000 <> t.version / 10000, t.version < 180000
    FROM (SELECT coalesce((SELECT n.server_version_num FROM schemaguard.snapshot n WHERE n.name = reference), h.version) AS version,
            h.version AS here
        FROM (SELECT current_setting('server_version_num')::int AS version) h) r
    CROSS JOIN LATERAL (
        SELECT coalesce((SELECT n.server_version_num FROM schemaguard.snapshot n WHERE n.name = target), r.here) AS version) t
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_sides(text, text)
    IS 'returns facts that follow from the major versions of reference and target';

-- Returns pairs with their state: same, missing, extra or changed. Names of PostgreSQL's choice are asked for with partitions.
CREATE FUNCTION schemaguard.sg_sync_changes(pairs schemaguard.sync_pair[], partitions boolean)
RETURNS SETOF schemaguard.sync_object
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT p.number, p.kind, CASE WHEN p.properties IS NULL THEN 'extra' WHEN p.target_properties IS NULL THEN 'missing'
            WHEN c.changes IS NULL THEN 'same' ELSE 'changed' END, c.changes,
        p.identity, p.parent, p.name, p.properties, p.target_identity, p.target_parent, p.target_name, p.target_properties,
        p.unknown, p.score, p.withheld,
        false, NULL::text, false, false, NULL::text, NULL::text, false, false, NULL::text, NULL::jsonb, NULL::jsonb, p.back
    FROM unnest(pairs) p CROSS JOIN LATERAL (SELECT CASE WHEN partitions THEN array_replace(p.changes, 'automatic_name', 'name')
        ELSE nullif(array_remove(p.changes, 'automatic_name'), '{}') END AS changes) c
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_changes(schemaguard.sync_pair[], boolean)
    IS 'returns pairs with their state: same, missing, extra or changed';

-- Returns indexes and keys of partitioned tables that are missing, or wait for those of partitions: they are made partition by
-- partition. Root: the table where that begins; whole: the index that one is to be a part of; partitioned: it has parts itself.
CREATE FUNCTION schemaguard.sg_sync_leaves(objects schemaguard.sync_object[], partitions boolean,
    OUT number int, OUT root text, OUT whole text, OUT partitioned boolean)
RETURNS SETOF record
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
WITH RECURSIVE object AS MATERIALIZED (
    SELECT o.number, o.kind, o.state, o.changes, o.identity, o.parent, o.properties, o.target_identity, o.target_parent,
        o.target_properties, CASE WHEN o.kind IN ('index', 'constraint') THEN schemaguard.sg_sync_schema(o.parent) || '.'
            || quote_ident(coalesce(o.properties ->> 'index_name', o.name)) END AS index
    FROM unnest(objects) o WHERE o.kind IN ('index', 'constraint', 'table', 'column')
), crowded AS (
    -- partitioned tables with partitions that the reference lacks, or that take no index: what is made for them is left to the server
    SELECT p.target_properties ->> 'partition_of' AS identity FROM object p
    WHERE p.kind = 'table' AND (p.state = 'extra' OR p.target_properties ->> 'type' = 'foreign table')
        AND p.target_properties ? 'partition_of'
    UNION
    -- or one that joins last, for a column has to go before
    SELECT p.properties ->> 'partition_of' FROM object p
    JOIN object c ON c.kind = 'column' AND c.state = 'extra' AND c.target_parent = p.properties ->> 'partition_of'
    WHERE p.kind = 'table' AND (p.state = 'missing' OR 'partition_of' = ANY (p.changes))
    UNION
    SELECT p.target_properties ->> 'partition_of' FROM crowded c
    JOIN object p ON p.kind = 'table' AND p.target_identity = c.identity AND p.target_properties ? 'partition_of'
), leaf AS (
    SELECT p.number, p.kind, p.identity, p.parent AS root, NULL::text AS whole, p.index, true AS partitioned
    FROM object p JOIN object t ON t.kind = 'table' AND t.identity = p.parent AND t.state IN ('same', 'changed')
        AND t.properties ? 'partition_key' AND t.target_identity = t.identity
    WHERE (p.kind = 'index' OR p.kind = 'constraint' AND p.properties ->> 'type' IN ('p', 'u') AND NOT p.properties ? 'period')
        AND (p.state = 'missing' OR p.changes <@ '{valid,comment}' AND p.target_properties ->> 'valid' = 'false')
        AND NOT p.properties ? 'partition_of' AND t.target_identity NOT IN (SELECT c.identity FROM crowded c)
    UNION
    SELECT p.number, p.kind, p.identity, l.root, l.index, p.index, t.properties ? 'partition_key' AND t.state <> 'missing'
    FROM leaf l JOIN object p ON p.kind = l.kind AND (p.state = 'missing' OR p.changes && '{partition_of,valid}')
        AND p.properties ->> 'partition_of' = l.identity
    JOIN object t ON t.kind = 'table' AND t.identity = p.parent
        AND (t.state IN ('same', 'changed') OR t.state = 'missing' AND partitions)
    WHERE l.partitioned
)
SELECT l.number, l.root, l.whole, l.partitioned FROM leaf l
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_leaves(schemaguard.sync_object[], boolean)
    IS 'returns indexes and keys that are built partition by partition';

-- Returns tables that become partitions, or get another parent: of_partition tells whether it is a partition, moves whether it is there
CREATE FUNCTION schemaguard.sg_sync_joining(objects schemaguard.sync_object[],
    OUT identity text, OUT of_partition boolean, OUT moves boolean)
RETURNS SETOF record
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT o.identity, o.properties ? 'partition_of', o.state = 'changed'
    FROM unnest(objects) o WHERE o.kind = 'table' AND (o.changes && '{inherits,partition_of,partition_detached}'
        OR o.state = 'missing' AND o.properties ? 'partition_of'
        -- of a whole that is made anew: one that gets another bound alone is detached and attached at one go
        OR o.changes && '{partition_bound}' AND o.properties ->> 'partition_of' IN (
            SELECT w.identity FROM unnest(objects) w WHERE w.kind = 'table' AND w.state = 'missing'))
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_joining(schemaguard.sync_object[])
    IS 'returns tables that become partitions or get another parent';

-- Returns the numbers of indexes and sequences that are left to something else: built for a key that is not made yet, or gone with a column
CREATE FUNCTION schemaguard.sg_sync_made_else(objects schemaguard.sync_object[])
RETURNS SETOF int
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
WITH object AS MATERIALIZED (
    SELECT o.* FROM unnest(objects) o WHERE o.kind IN ('table', 'column', 'index', 'constraint', 'sequence')
)
SELECT o.number FROM object o
WHERE o.kind = 'index' AND o.state = 'extra' AND (o.target_properties ->> 'unique')::boolean IS NOT FALSE
    AND NOT o.target_properties ?| '{predicate,expressions,ordering,operator_classes,collations}'
    AND jsonb_build_array(o.target_parent, o.target_name, o.target_properties -> 'columns', o.target_properties -> 'include',
            o.target_properties -> 'nulls_not_distinct') IN (
        SELECT jsonb_build_array(k.parent, coalesce(k.properties ->> 'index_name', k.name), k.properties -> 'columns',
            k.properties -> 'include', k.properties -> 'nulls_not_distinct')
        FROM object k WHERE k.kind = 'constraint' AND k.state = 'missing' AND k.properties ->> 'type' IN ('p', 'u')
            AND k.parent NOT IN (SELECT coalesce(t.identity, t.target_identity) FROM object t
                WHERE t.kind = 'table' AND coalesce(t.properties, t.target_properties) ? 'partition_key'))
UNION ALL
-- unless another one gets its name
SELECT o.number FROM object o
WHERE o.kind = 'sequence' AND o.state = 'extra'
    AND o.target_properties ->> 'owned_by' IN (SELECT c.target_identity FROM object c WHERE c.kind = 'column' AND c.state = 'extra')
    AND o.target_identity NOT IN (SELECT n.identity FROM object n WHERE n.kind = 'sequence' AND n.state = 'missing')
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_made_else(schemaguard.sync_object[])
    IS 'returns the numbers of indexes that are built for keys, and of sequences that go with columns';

-- Returns the objects that statements are made for, or may have to be made anew: all but those that something else makes, which are
-- told by "managed", too
CREATE FUNCTION schemaguard.sg_sync_managed(objects schemaguard.sync_object[], partitions boolean)
RETURNS SETOF schemaguard.sync_object
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
WITH object AS MATERIALIZED (
    SELECT o.*, coalesce(o.properties, o.target_properties) AS any_properties, coalesce(o.identity, o.target_identity) AS any_identity,
        coalesce(o.parent, o.target_parent) AS any_parent
    FROM unnest(objects) o
), container AS MATERIALIZED (
    -- made or dropped with all that they have
    SELECT o.any_identity AS identity, o.state FROM object o
    WHERE o.state IN ('missing', 'extra') AND o.kind IN ('table', 'view', 'materialized view', 'domain')
), partitioned AS MATERIALIZED (
    SELECT o.any_identity AS identity, o.state FROM object o WHERE o.kind = 'table' AND o.any_properties ? 'partition_key'
), joining AS MATERIALIZED (
    SELECT j.* FROM schemaguard.sg_sync_joining(objects) j
), given_above AS MATERIALIZED (
    -- columns of partitions, whose NOT NULL comes with that of the whole
    SELECT c.number
    FROM object c JOIN object t ON t.kind = 'table' AND t.identity = c.parent AND t.properties ? 'partition_of'
        AND t.identity NOT IN (SELECT j.identity FROM joining j)
    JOIN object w ON w.kind = 'column' AND w.parent = t.properties ->> 'partition_of' AND w.name = c.name
        AND 'not_null' = ANY (w.changes) AND (w.properties ->> 'not_null')::boolean
    WHERE c.kind = 'column' AND 'not_null' = ANY (c.changes) AND (c.properties ->> 'not_null')::boolean
), made_else AS MATERIALIZED (
    SELECT e.number FROM schemaguard.sg_sync_made_else(objects) e (number)
)
SELECT o.number, o.kind, o.state, CASE WHEN g.number IS NULL THEN o.changes ELSE array_remove(o.changes, 'not_null') END,
    o.identity, o.parent, o.name, o.properties, o.target_identity, o.target_parent, o.target_name, o.target_properties,
    o.unknown, o.score, o.withheld,
    coalesce(o.unknown IS NULL AND o.withheld IS NULL AND NOT o.any_properties ? 'extension' AND e.number IS NULL
        AND (o.kind = 'table' OR NOT o.any_properties ? 'partition_of' OR 'partition_of' = ANY (o.changes) OR l.number IS NOT NULL
            OR o.kind = 'index' AND o.changes = '{options}' OR o.left_behind)
        AND NOT (o.kind = 'table' AND o.any_properties ? 'partition_of' AND o.state IN ('missing', 'extra') AND NOT partitions
            AND above.identity IS NULL)
        AND (o.kind <> 'constraint' OR o.any_properties ->> 'inherited' IS DISTINCT FROM 'only' OR 'inherited' = ANY (o.changes)
            -- a partition gets them before it is attached
            OR heir.of_partition AND o.any_properties ->> 'type' = 'c' AND o.state IN ('missing', 'changed') OR o.left_behind), false),
    c.state, l.number IS NOT NULL, coalesce(l.partitioned, false), l.root, l.whole,
    o.kind = 'constraint' AND o.any_parent IN (SELECT d.any_identity FROM object d WHERE d.kind = 'domain'), part.identity IS NOT NULL,
    CASE WHEN heir.identity IS NOT NULL THEN CASE WHEN heir.of_partition THEN 'partition' ELSE 'heir' END END, o.old, o.new, o.back
FROM (
    SELECT o.*, coalesce(o.state = 'extra' AND o.kind IN ('index', 'constraint')
        AND o.target_parent IN (SELECT v.target_identity FROM object v WHERE v.kind = 'table' AND v.state = 'changed'
            AND v.target_properties ? 'partition_of' AND NOT v.properties ? 'partition_of'), false) AS left_behind
    FROM object o) o
LEFT JOIN container c ON c.identity = o.any_parent AND c.state = o.state
    AND o.kind IN ('column', 'constraint', 'index', 'trigger', 'rule', 'policy', 'statistics')
LEFT JOIN partitioned part ON part.identity = o.any_parent AND (part.state NOT IN ('missing', 'extra') OR part.state = o.state)
LEFT JOIN container above ON o.kind = 'table' AND above.identity = o.any_properties ->> 'partition_of' AND above.state = o.state
LEFT JOIN schemaguard.sg_sync_leaves(objects, partitions) l ON l.number = o.number
LEFT JOIN given_above g ON g.number = o.number
LEFT JOIN joining heir ON o.kind IN ('column', 'constraint') AND heir.identity = o.parent AND (heir.moves OR o.kind = 'constraint')
LEFT JOIN made_else e ON e.number = o.number
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_managed(schemaguard.sync_object[], boolean)
    IS 'returns objects with those to which they belong, and whether statements are made for them';

-- Returns tables that are of the same type in both, from which their columns come, with the number of the type; null: it is not looked at
CREATE FUNCTION schemaguard.sg_sync_typed(objects schemaguard.sync_object[], OUT type int, OUT identity text, OUT target_identity text)
RETURNS SETOF record
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT y.number, t.identity, t.target_identity
    FROM (SELECT t.identity, t.target_identity, t.properties ->> 'of_type' AS type, t.target_properties ->> 'of_type' AS target_type
          FROM unnest(objects) t WHERE t.kind = 'table' AND t.properties ? 'of_type' AND t.target_properties ? 'of_type') t
    LEFT JOIN (SELECT y.number, y.identity, y.target_identity FROM unnest(objects) y WHERE y.kind = 'type') y
        ON y.identity = t.type AND y.target_identity = t.target_type
    WHERE y.number IS NOT NULL OR t.type = t.target_type
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_typed(schemaguard.sync_object[])
    IS 'returns tables that are of the same type in reference and target';

-- Returns columns that the reference lacks, and that a table has from parents alone that it leaves: they stay with it then
CREATE FUNCTION schemaguard.sg_sync_left_columns(objects schemaguard.sync_object[], OUT relation text, OUT name text)
RETURNS SETOF record
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
WITH object AS MATERIALIZED (
    SELECT o.* FROM unnest(objects) o WHERE o.kind IN ('table', 'column')
), extra AS MATERIALIZED (
    SELECT c.target_parent AS relation, c.target_name AS name, c.target_properties ->> 'inherited' AS inherited
    FROM object c WHERE c.kind = 'column' AND c.state = 'extra'
), stays AS MATERIALIZED (
    -- parents that a table does not leave
    SELECT t.target_identity AS relation, w.value AS parent
    FROM object t CROSS JOIN jsonb_array_elements_text(
        coalesce(t.target_properties -> 'inherits', '[]') || coalesce(t.target_properties -> 'partition_of', '[]')) w
    LEFT JOIN object p ON p.kind = 'table' AND p.target_identity = w.value
    WHERE t.kind = 'table' AND t.changes && '{partition_of,inherits}'
        AND coalesce(t.properties -> 'inherits', '[]') || coalesce(t.properties -> 'partition_of', '[]')
            @> jsonb_build_array(coalesce(p.identity, w.value))
)
SELECT e.relation, e.name
FROM extra e JOIN object t ON t.kind = 'table' AND t.target_identity = e.relation AND t.changes && '{partition_of,inherits}'
WHERE e.inherited = 'only' AND NOT EXISTS (
    SELECT FROM stays s JOIN extra p ON p.relation = s.parent WHERE s.relation = e.relation AND p.name = e.name)
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_left_columns(schemaguard.sync_object[])
    IS 'returns columns that stay with a table that leaves its parent';

-- Returns columns that come to, or go from, a table that stays and tables above it from which it inherits them. Deep: of how many tables
-- above each other; merged_at: the place of the first of those, less that; above: the default that a new one has from the nearest that has
-- the column for its own, if it has none of its own and is to have another; loose, firm: it is to be NOT NULL, and that above is not, and
-- rows get no value from there, or one.
CREATE FUNCTION schemaguard.sg_sync_given_columns(objects schemaguard.sync_object[], OUT number int, OUT deep int, OUT merged_at bigint,
    OUT above jsonb, OUT loose boolean, OUT firm boolean)
RETURNS SETOF record
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
WITH RECURSIVE one_side AS MATERIALIZED (
    SELECT c.number, c.state, coalesce(c.parent, c.target_parent) AS parent, coalesce(c.name, c.target_name) AS name, x.p AS properties,
        x.p ->> 'inherited' = 'only' AS from_above
    FROM unnest(objects) c CROSS JOIN LATERAL (SELECT coalesce(c.properties, c.target_properties)) x (p)
    WHERE c.kind = 'column' AND c.state IN ('missing', 'extra') AND c.parent_state IS DISTINCT FROM c.state AND c.joins IS NULL
), link AS MATERIALIZED (
    SELECT c.number, w.number AS whence
    FROM one_side c JOIN unnest(objects) t ON t.kind = 'table' AND c.properties ? 'inherited'
            AND c.parent = CASE c.state WHEN 'extra' THEN t.target_identity ELSE t.identity END
        CROSS JOIN LATERAL (SELECT CASE c.state WHEN 'extra' THEN t.target_properties ELSE t.properties END) p (p)
        CROSS JOIN jsonb_array_elements_text(coalesce(p.p -> 'inherits', '[]') || coalesce(p.p -> 'partition_of', '[]')) i
        JOIN one_side w ON w.parent = i.value AND w.name = c.name AND w.state = c.state
), level AS (
    -- what a column gets from above, and what it gives to those below
    SELECT o.number, 0 AS deep, NULL::int AS top, NULL::jsonb AS gets, o.properties -> 'default' AS gives, NULL::boolean AS firm
    FROM one_side o WHERE o.number NOT IN (SELECT l.number FROM link l)
    UNION SELECT l.number, v.deep + 1, least(v.top, l.whence), v.gives,
        CASE WHEN o.from_above THEN v.gives ELSE o.properties -> 'default' END, (w.properties ->> 'not_null')::boolean
    FROM level v JOIN link l ON l.whence = v.number JOIN one_side o ON o.number = l.number JOIN one_side w ON w.number = l.whence
), given AS MATERIALIZED (
    SELECT v.number, max(v.deep) AS deep, min(v.top) AS top, (array_agg(v.gets ORDER BY v.deep DESC))[1] AS gets, bool_or(v.firm) AS firm
    FROM level v WHERE v.deep > 0 GROUP BY v.number
)
SELECT g.number, g.deep, g.top::bigint * 1000 - g.deep,
    CASE WHEN x.comes AND NOT o.properties ?| '{generated,identity}' AND o.properties -> 'default' IS DISTINCT FROM g.gets
        THEN jsonb_strip_nulls(jsonb_build_object('default', g.gets)) END,
    x.tighter AND g.gets IS NULL, x.tighter AND g.gets IS NOT NULL
FROM given g JOIN one_side o ON o.number = g.number
    CROSS JOIN LATERAL (SELECT o.state = 'missing' AND o.from_above,
        o.state = 'missing' AND o.from_above AND (o.properties ->> 'not_null')::boolean AND NOT g.firm) x (comes, tighter)
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_given_columns(schemaguard.sync_object[])
    IS 'returns columns that come or go with those that they are inherited from';

-- Returns what templates ask of columns beyond their properties. Live: the target is this database.
CREATE FUNCTION schemaguard.sg_sync_column_flags(objects schemaguard.sync_object[], keyed_by schemaguard.sync_pair[], live boolean,
    allow_drop boolean, OUT number int, OUT flags jsonb)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $function$
WITH object AS MATERIALIZED (
    SELECT o.* FROM unnest(objects) o WHERE o.kind IN ('table', 'column', 'type')
), heir AS MATERIALIZED (
    SELECT t.target_identity AS identity, w.value AS parent
    FROM object t CROSS JOIN jsonb_array_elements_text(CASE jsonb_typeof(t.target_properties -> 'inherits') WHEN 'array'
        THEN t.target_properties -> 'inherits' END) w
    WHERE t.kind = 'table'
), loosened AS MATERIALIZED (
    SELECT c.number, c.name, c.kind, CASE c.kind WHEN 'table' THEN c.target_identity ELSE c.parent END AS relation FROM object c
    WHERE c.kind = 'column' AND 'not_null' = ANY (c.changes) AND NOT (c.properties ->> 'not_null')::boolean
        OR c.kind = 'table' AND c.state = 'extra' AND allow_drop
), typed AS MATERIALIZED (
    SELECT x.* FROM schemaguard.sg_sync_typed(objects) x
), retyped AS MATERIALIZED (
    -- what nothing makes the other: the types of users go by way of their text
    SELECT c.number, t.labels, CASE WHEN t.parsed AND schemaguard.sg_sync_parses('type', c.target_properties ->> 'type') THEN CASE
        WHEN (SELECT count(*) FROM pg_type x
                WHERE x.oid IN (to_regtype(c.properties ->> 'type'), to_regtype(c.target_properties ->> 'type'))
                AND x.typtype IN ('b', 'r', 'm', 'e') AND x.typcategory NOT IN ('S', 'A'))
            + CASE WHEN t.labels IS NOT NULL AND to_regtype(c.properties ->> 'type') IS NULL THEN 1 ELSE 0 END = 2
            AND NOT (position('.' IN c.properties ->> 'type') > 0 AND position('.' IN c.target_properties ->> 'type') > 0)
            AND NOT EXISTS (SELECT FROM pg_cast x WHERE x.castsource = to_regtype(c.target_properties ->> 'type')
                AND x.casttarget = to_regtype(c.properties ->> 'type')) THEN true END END AS no_cast
    FROM object c CROSS JOIN LATERAL (SELECT schemaguard.sg_sync_parses('type', c.properties ->> 'type') AS parsed OFFSET 0) p
    CROSS JOIN LATERAL (SELECT p.parsed, coalesce((SELECT t.properties -> 'labels' FROM object t WHERE t.kind = 'type'
        AND t.identity = c.properties ->> 'type'), CASE WHEN p.parsed THEN (SELECT jsonb_agg(e.enumlabel) FROM pg_enum e
            WHERE e.enumtypid = to_regtype(c.properties ->> 'type')) END) AS labels) t
    WHERE c.kind = 'column' AND 'type' = ANY (c.changes)
)
SELECT c.number, jsonb_build_object(
    'filled', CASE WHEN c.state = 'missing' AND g.loose IS NOT TRUE AND (c.parent_state = 'missing'
        OR c.properties ->> 'default' IS NOT NULL OR c.properties ?| '{identity,generated,inherited}') THEN true END,
    'deep', g.deep, 'merged_at', g.merged_at, 'default_above', g.above, 'firm', nullif(g.firm, false),
    'of_partition', CASE WHEN t.properties ?| '{partition_key,partition_of}' THEN true END,
    'is_foreign', CASE WHEN t.properties ->> 'type' = 'foreign table' THEN true END,
    -- tables below it that lose their NOT NULL, too
    'heirs_lose', CASE WHEN 'not_null' = ANY (c.changes) AND NOT (c.properties ->> 'not_null')::boolean
            AND (c.of_partitioned OR c.target_parent IN (SELECT h.parent FROM heir h))
        THEN (SELECT array_agg(l.relation ORDER BY l.number)::text FROM loosened l WHERE l.name = c.name OR l.kind = 'table') END,
    'goes_on', CASE WHEN live AND c.state = 'changed' AND c.properties ? 'identity' AND NOT c.target_properties ? 'identity'
        THEN schemaguard.sg_sync_goes_on(c.target_parent, c.target_name, c.properties -> 'identity_sequence') END,
    -- an heir's, which it has from there, is to be its own
    'heirs_keep', CASE WHEN c.state = 'extra' AND c.target_identity IN (
        SELECT h.parent || '.' || quote_ident(x.name) FROM object x JOIN heir h ON h.identity = x.target_parent
        WHERE x.kind = 'column' AND x.target_properties ? 'inherited' AND 'inherited' = ANY (x.changes)
            AND NOT x.properties ? 'inherited') THEN true END,
    'new_labels', y.labels, 'no_cast', y.no_cast,
    'keyed', CASE WHEN c.changes && '{type,collation}' AND (c.target_parent, c.target_name) IN (
        SELECT k.identity, k.name FROM schemaguard.sg_sync_keyed(keyed_by) k) THEN true END,
    -- goes with that of a table above, unless its own comes from there no more
    'given', CASE WHEN c.state = 'extra' AND c.target_properties ->> 'inherited' = 'only'
        AND (c.target_parent, c.target_name) NOT IN (
            SELECT l.relation, l.name FROM schemaguard.sg_sync_left_columns(objects) l) THEN true END,
    'typed', CASE WHEN EXISTS (SELECT FROM typed x WHERE x.identity = c.parent OR x.target_identity = c.target_parent) THEN true END)
FROM object c LEFT JOIN object t ON t.kind = 'table' AND t.identity = c.parent LEFT JOIN retyped y ON y.number = c.number
LEFT JOIN schemaguard.sg_sync_given_columns(objects) g ON g.number = c.number
WHERE c.kind = 'column' AND c.managed
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_column_flags(schemaguard.sync_object[], schemaguard.sync_pair[], boolean, boolean)
    IS 'returns the values that templates need of columns beyond their properties';

-- Returns what templates ask of tables, constraints, indexes and sequences beyond their properties. Live: the target is this database.
CREATE FUNCTION schemaguard.sg_sync_relation_flags(objects schemaguard.sync_object[], pairs schemaguard.sync_pair[], live boolean,
    allow_drop boolean, OUT number int, OUT flags jsonb)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $function$
WITH object AS MATERIALIZED (
    SELECT o.* FROM unnest(objects) o WHERE o.kind IN ('table', 'column', 'constraint', 'index', 'sequence')
), holder AS MATERIALIZED (
    SELECT h.domain, string_agg(h.column_identity, ', ' ORDER BY h.column_identity) AS columns
    FROM schemaguard.sg_sync_holders(pairs) h GROUP BY h.domain
), part AS MATERIALIZED (
    -- as they will be: what is not dropped stays as it is
    SELECT coalesce(p.identity, p.target_identity) AS identity, p.target_identity, s.shall ->> 'partition_of' AS whole,
        s.shall ->> 'partition_bound' AS bound,
        s.shall ->> 'partition_bound' = 'DEFAULT' AND p.target_properties ->> 'partition_bound' = 'DEFAULT'
            AND s.shall -> 'partition_of' = p.target_properties -> 'partition_of' AS rest,
        'partition_of' = ANY (p.changes) AS joins, NOT s.shall ? 'partition_of' AND p.target_properties ? 'partition_of' AS leaves
    FROM object p CROSS JOIN LATERAL (
        SELECT CASE WHEN p.state = 'extra' AND NOT (p.managed AND allow_drop) THEN p.target_properties ELSE p.properties END AS shall) s
    WHERE p.kind = 'table' AND (s.shall ? 'partition_of' OR p.target_properties ? 'partition_of')
), whole AS MATERIALIZED (
    SELECT w.identity, CASE WHEN w.properties -> 'partition_key' = w.target_properties -> 'partition_key'
        THEN w.properties ->> 'partition_key' END AS key, d.identity AS default_partition
    FROM object w LEFT JOIN part d ON d.rest AND d.whole = w.target_identity
    WHERE w.kind = 'table' AND w.identity = w.target_identity AND w.properties ? 'partition_key'
)
SELECT t.number, jsonb_build_object('whole_is', jsonb_build_object('key', w.key, 'default', w.default_partition,
    -- what belongs to others does not belong to the default one
    'others', CASE WHEN t.properties ->> 'partition_bound' = 'DEFAULT' THEN (
        SELECT jsonb_agg(to_jsonb(x.bound)) FROM part x WHERE x.whole = w.identity AND x.identity <> t.identity) END))
FROM object t JOIN whole w ON w.identity = t.properties ->> 'partition_of' WHERE t.kind = 'table' AND t.managed
UNION ALL
SELECT c.number, jsonb_build_object('held', h.columns,
    -- rows come to the whole with a table
    'gains', CASE WHEN c.properties ->> 'references' IN (SELECT x.whole FROM part x WHERE x.joins) THEN true END)
FROM object c LEFT JOIN holder h ON c.of_domain AND h.domain = coalesce(c.target_parent, c.parent)
WHERE c.kind = 'constraint' AND c.managed
UNION ALL
-- an index or key that goes with one of the whole, and stays
SELECT i.number, '{"freed": true}'
FROM object i JOIN object w ON w.kind = i.kind AND w.state = 'extra' AND w.target_identity = i.target_properties ->> 'partition_of'
WHERE i.kind IN ('index', 'constraint') AND 'partition_of' = ANY (i.changes) AND NOT i.properties ? 'partition_of' AND i.managed
    AND NOT i.of_partitioned AND i.target_parent NOT IN (SELECT v.target_identity FROM part v WHERE v.leaves)
UNION ALL
SELECT s.number, jsonb_build_object('goes_on', min(schemaguard.sg_sync_goes_on(c.target_parent, c.target_name, s.properties)))
FROM object s JOIN (
    SELECT c.target_parent, c.target_name, d.value ->> 1 AS sequence
    FROM object c CROSS JOIN jsonb_array_elements(c.properties -> 'depends') d
    WHERE c.kind = 'column' AND c.state = 'changed' AND d.value ->> 0 = 'sequence') c ON c.sequence = s.identity
WHERE live AND s.kind = 'sequence' AND s.state = 'missing' AND s.managed
GROUP BY s.number
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_relation_flags(schemaguard.sync_object[], schemaguard.sync_pair[], boolean, boolean)
    IS 'returns the values that templates need of tables, constraints, indexes and sequences beyond their properties';

-- Returns what counting the rows in the way of keys and indexes needs: columns that tell rows apart (told_apart), whether new columns are
-- among them (reads_fresh), and the condition of rows that a key to a new table, which has no rows, lets be (leads_to_none)
CREATE FUNCTION schemaguard.sg_sync_key_flags(objects schemaguard.sync_object[], OUT number int, OUT flags jsonb)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $function$
WITH object AS MATERIALIZED (
    SELECT o.* FROM unnest(objects) o WHERE o.kind IN ('table', 'column', 'constraint', 'index')
), fresh AS MATERIALIZED (
    -- new columns of tables that are there, by what rows will have in them: null, one value, each another one, or nobody knows
    SELECT c.parent, c.name, CASE WHEN c.properties ? 'generated' THEN 'unknown' WHEN c.properties ? 'identity' THEN 'others'
        WHEN c.properties ->> 'default' IS NULL THEN 'null' WHEN c.properties ->> 'default' ~ '\w\(' THEN 'others' ELSE 'one' END AS has
    FROM object c WHERE c.kind = 'column' AND c.state = 'missing' AND c.parent_state IS DISTINCT FROM 'missing'
), key AS MATERIALIZED (
    -- an expression is the same where all that it reads is
    SELECT k.number, r.name, min(k.n) AS n,
        CASE WHEN k.reads IS NULL THEN 'unknown' WHEN r.name IS NULL THEN 'one' WHEN f.has = 'null' AND k.name IS NULL THEN 'unknown'
            ELSE coalesce(f.has, 'column') END AS has
    FROM (SELECT k.*, CASE WHEN k.name IS NULL THEN schemaguard.sg_sync_columns(k.expressions ->> (k.expression - 1)::int)
              ELSE ARRAY[k.name] END AS reads
          FROM (SELECT o.number, o.parent, o.properties -> 'expressions' AS expressions, c.name, c.n,
                    count(*) FILTER (WHERE c.name IS NULL) OVER (PARTITION BY o.number ORDER BY c.n) AS expression
                FROM object o CROSS JOIN LATERAL jsonb_array_elements_text(CASE jsonb_typeof(o.properties -> 'columns') WHEN 'array'
                    THEN o.properties -> 'columns' END) WITH ORDINALITY c (name, n)
                WHERE o.kind IN ('constraint', 'index') AND o.state IN ('missing', 'changed')
                    AND o.parent_state IS DISTINCT FROM 'missing') k) k
    LEFT JOIN LATERAL unnest(k.reads) r (name) ON true LEFT JOIN fresh f ON f.parent = k.parent AND f.name = r.name
    GROUP BY 1, 2, 4
), counted AS MATERIALIZED (
    SELECT k.number, coalesce(jsonb_agg(k.name ORDER BY k.n) FILTER (WHERE k.has = 'column'), '[]') AS columns,
        bool_or(k.has <> 'column') AS fresh, bool_or(k.has = 'null') AS nulls, bool_or(k.has IN ('others', 'unknown')) AS others,
        bool_or(k.has = 'unknown') AS unknown
    FROM key k GROUP BY k.number
)
SELECT o.number, jsonb_build_object(
    'told_apart', CASE WHEN NOT k.others AND (NOT k.nulls OR (o.properties ->> 'nulls_not_distinct')::boolean) THEN k.columns END,
    'reads_fresh', nullif(k.fresh, false),
    'leads_to_none', CASE WHEN t.number IS NOT NULL AND NOT k.nulls AND NOT k.unknown
        THEN coalesce((SELECT string_agg(format('%I IS NULL', c), CASE o.properties ->> 'match' WHEN 'full' THEN ' AND ' ELSE ' OR ' END)
            FROM jsonb_array_elements_text(k.columns) c), 'false') END)
FROM object o JOIN counted k ON k.number = o.number
LEFT JOIN object t ON t.kind = 'table' AND t.state = 'missing' AND t.identity = o.properties ->> 'references'
WHERE o.managed
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_key_flags(schemaguard.sync_object[])
    IS 'returns the values that are needed to count the rows in the way of keys and indexes';

-- Returns what templates ask of other kinds beyond their properties. Live: the target is this database.
CREATE FUNCTION schemaguard.sg_sync_other_flags(objects schemaguard.sync_object[], pairs schemaguard.sync_pair[], live boolean,
    allow_drop boolean, OUT number int, OUT flags jsonb)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $function$
WITH object AS MATERIALIZED (
    SELECT o.*, coalesce(o.properties, o.target_properties) AS any_properties FROM unnest(objects) o
    WHERE o.kind IN ('table', 'type', 'domain', 'extension', 'foreign server', 'operator class', 'operator family')
)
SELECT d.number, jsonb_build_object('held', string_agg(h.column_identity, ', ' ORDER BY h.column_identity))
FROM object d JOIN schemaguard.sg_sync_holders(pairs) h ON h.domain = d.target_identity WHERE d.kind = 'domain' AND d.managed
GROUP BY d.number
UNION ALL
-- an enum may be made anew
SELECT t.number, jsonb_build_object('drops', CASE WHEN allow_drop THEN true END,
    'stored', CASE WHEN t.target_identity IN (SELECT s FROM schemaguard.sg_sync_stored_types(pairs) s) THEN true END,
    'drops_nothing', CASE WHEN NOT allow_drop THEN true END,
    'columns_of', CASE WHEN 'labels' = ANY (t.changes) THEN (
        SELECT jsonb_agg(jsonb_build_object('parent', c.target_parent, 'value', format(CASE c.target_properties ->> 'type'
            WHEN t.target_identity THEN '%I::text = ANY (' ELSE 'array_remove(%I::text[], NULL) <@ (' END, c.target_name)))
        FROM unnest(pairs) c WHERE c.kind = 'column' AND NOT c.target_properties ? 'inherited'
            AND c.target_properties ->> 'type' IN (t.target_identity, t.target_identity || '[]')) END)
FROM object t WHERE t.kind = 'type' AND t.managed
UNION ALL
-- what its tables say of its attributes
SELECT x.type, jsonb_build_object('typed_tables', string_agg(DISTINCT x.target_identity, ', '),
    'renames', jsonb_object_agg(c.target_name, c.name) FILTER (WHERE c.withheld IS NULL AND c.name <> c.target_name),
    'asked', string_agg(DISTINCT c.target_identity, ', ') FILTER (WHERE c.withheld IS NOT NULL))
FROM schemaguard.sg_sync_typed(objects) x LEFT JOIN unnest(objects) c ON c.kind = 'column' AND c.target_parent = x.target_identity
WHERE x.type IS NOT NULL
GROUP BY x.type
UNION ALL
SELECT s.number, jsonb_build_object('used', string_agg(coalesce(t.identity, t.target_identity), ', ' ORDER BY t.target_identity))
FROM object s JOIN object t ON t.kind = 'table' AND t.target_properties ->> 'server' = s.target_name
WHERE s.kind = 'foreign server' AND s.target_properties IS NOT NULL AND s.managed
GROUP BY s.number
UNION ALL
SELECT x.number, '{"no_update": true}'
FROM object x WHERE x.kind = 'extension' AND 'version' = ANY (x.changes) AND live AND x.managed
    AND (x.name = 'schemaguard' OR EXISTS (SELECT FROM pg_available_extension_versions v
        WHERE v.name = x.name AND v.version = x.properties ->> 'version'))
    AND NOT EXISTS (SELECT FROM pg_extension_update_paths(x.name) u WHERE u.source = x.target_properties ->> 'version'
        AND u.target = x.properties ->> 'version' AND u.path IS NOT NULL)
UNION ALL
-- members that come or go with a class
SELECT f.number, jsonb_build_object('of_classes', jsonb_agg(x.e))
FROM object f JOIN object c ON c.kind = 'operator class' AND c.state <> 'same'
    AND c.any_properties ->> 'family' = regexp_replace(coalesce(f.identity, f.target_identity), ' USING .*$', '')
CROSS JOIN LATERAL (SELECT jsonb_array_elements(c.any_properties -> 'operators')
    UNION ALL SELECT jsonb_array_elements(c.any_properties -> 'functions')) x (e)
WHERE f.kind = 'operator family' AND f.managed
GROUP BY f.number
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_other_flags(schemaguard.sync_object[], schemaguard.sync_pair[], boolean, boolean)
    IS 'returns the values that templates need of other kinds of objects beyond their properties';

-- Returns objects with what templates need of them: old of the target's, new of the reference's. Numbers: those that are wanted;
-- at_once: a key of a partitioned table can't be NOT VALID.
CREATE FUNCTION schemaguard.sg_sync_described(objects schemaguard.sync_object[], pairs schemaguard.sync_pair[], target text,
    allow_drop boolean, at_once boolean, numbers int[])
RETURNS SETOF schemaguard.sync_object
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $function$
WITH object AS MATERIALIZED (
    SELECT o.* FROM unnest(objects) o
), flag AS MATERIALIZED (
    SELECT f.number, f.flags FROM schemaguard.sg_sync_column_flags(objects, pairs, target = 'live', allow_drop) f
    UNION ALL
    SELECT f.number, f.flags FROM schemaguard.sg_sync_relation_flags(objects, pairs, target = 'live', allow_drop) f
    UNION ALL
    SELECT f.number, f.flags FROM schemaguard.sg_sync_key_flags(objects) f
    UNION ALL
    SELECT f.number, f.flags FROM schemaguard.sg_sync_other_flags(objects, pairs, target = 'live', allow_drop) f
), flags AS MATERIALIZED (
    SELECT f.number, jsonb_object_agg(e.key, e.value) AS flags
    FROM flag f CROSS JOIN LATERAL jsonb_each(jsonb_strip_nulls(f.flags)) e GROUP BY f.number
)
SELECT o.number, o.kind, o.state, o.changes, o.identity, o.parent, o.name, o.properties || o.flags,
    o.target_identity, o.target_parent, o.target_name, o.target_properties, o.unknown, o.score, o.withheld,
    o.managed, o.parent_state, o.leafwise, o.bare, o.root, o.whole, o.of_domain, o.of_partitioned, o.joins, o.was,
    CASE WHEN o.properties IS NOT NULL
        THEN schemaguard.sg_sync_object(o.kind, o.identity, o.parent, o.name, o.properties || o.flags, o.was) END, o.back
FROM (
    SELECT o.*, CASE WHEN o.target_properties IS NOT NULL THEN schemaguard.sg_sync_object(o.kind, o.target_identity,
        o.parent_now, o.target_name, o.target_properties || o.flags, NULL) END AS was
    FROM (
        SELECT o.*, coalesce(r.identity, o.target_parent) AS parent_now, coalesce(x.flags, '{}') || jsonb_strip_nulls(jsonb_build_object(
            'of_domain', nullif(o.of_domain, false), 'of_partitioned', nullif(o.of_partitioned, false), 'only', nullif(o.bare, false),
            'leafwise', nullif(o.leafwise, false), 'root', o.root, 'whole', o.whole, 'joins', o.joins,
            'old_name_again', CASE WHEN o.identity <> o.target_identity
                AND (o.kind, o.target_identity) IN (SELECT a.kind, a.identity FROM object a) THEN true END,
            -- of a partition that will be none
            'left', v.number,
            'in_new', CASE WHEN o.parent_state = 'missing' OR o.kind = 'constraint' AND o.joins = 'partition' AND NOT o.leafwise
                THEN true END,
            'at_once', CASE WHEN o.parent_state = 'missing' OR NOT o.leafwise AND (
                o.kind = 'index' AND o.any_properties ? 'partition_of' OR o.of_partitioned AND CASE o.any_properties ->> 'type'
                    WHEN 'c' THEN false WHEN 'f' THEN at_once ELSE true END) THEN true END)) AS flags
        FROM (SELECT o.*, coalesce(o.properties, o.target_properties) AS any_properties FROM object o) o
        JOIN unnest(numbers) n (number) ON n.number = o.number
        LEFT JOIN flags x ON x.number = o.number
        LEFT JOIN object r ON r.kind = 'table' AND o.state = 'extra' AND r.target_identity = o.target_parent
            AND r.identity <> r.target_identity
        LEFT JOIN object v ON v.kind = 'table' AND v.state = 'changed' AND v.target_identity = o.target_parent
            AND v.target_properties ? 'partition_of' AND NOT v.properties ? 'partition_of'
        OFFSET 0) o
    OFFSET 0) o
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_described(schemaguard.sync_object[], schemaguard.sync_pair[], text, boolean, boolean, int[])
    IS 'returns objects with the values that templates need';
