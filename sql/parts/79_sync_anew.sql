-- Sync: what has to be dropped and made again, because of what is done to something else

-- Returns what objects of the target stand on, those that go with a table as if the table did
CREATE FUNCTION schemaguard.sg_sync_edges(objects schemaguard.sync_object[], OUT number int, OUT kind text, OUT identity text)
RETURNS SETOF record
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
WITH object AS MATERIALIZED (
    SELECT o.number, o.kind, o.state, o.target_identity AS identity, o.target_parent AS parent, o.parent_state, o.of_domain,
        o.target_name AS name, o.target_properties AS properties, o.managed, o.changes,
        o.properties ? 'generated' OR o.target_properties ? 'generated' AS generated
    FROM unnest(objects) o WHERE o.target_properties IS NOT NULL OR o.kind = 'column'
), managed AS MATERIALIZED (
    SELECT o.*, CASE jsonb_typeof(o.properties -> 'columns') WHEN 'array' THEN o.properties -> 'columns' END AS columns
    FROM object o WHERE o.managed
), depends AS MATERIALIZED (
    SELECT o.number, o.managed, o.kind AS of_kind, o.parent, o.parent_state, o.name, d.value ->> 0 AS kind, d.value ->> 1 AS identity
    FROM object o CROSS JOIN jsonb_array_elements(o.properties -> 'depends') d
)
SELECT d.number, d.kind, d.identity FROM depends d WHERE d.managed
UNION
-- what goes with a table
SELECT t.number, d.kind, d.identity
FROM depends d JOIN managed t ON t.kind = 'table' AND t.state = 'extra' AND t.identity = d.parent
WHERE d.managed AND d.parent_state = 'extra'
UNION
-- columns are of tables
SELECT d.number, 'table', schemaguard.sg_sync_owner(d.identity) FROM depends d WHERE d.managed AND d.kind = 'column'
UNION
SELECT o.number, k.kind, o.parent FROM managed o CROSS JOIN unnest('{view,materialized view}'::text[]) k (kind)
WHERE o.kind IN ('rule', 'trigger', 'index', 'policy')
UNION
SELECT o.number, 'table', o.properties ->> 'references' FROM managed o WHERE o.properties ? 'references'
UNION
SELECT o.number, k.kind, k.identity
FROM managed o JOIN managed k ON k.parent = o.properties ->> 'references' AND k.kind IN ('index', 'constraint') AND k.state = 'extra'
    AND k.properties -> 'columns' @> (o.properties -> 'referenced_columns')
    AND k.properties -> 'columns' <@ (o.properties -> 'referenced_columns')
UNION
-- the server gives no column another type while another table's has that row type
SELECT d.number, 'column', c.identity
FROM depends d JOIN managed c ON c.kind = 'column' AND c.parent = d.identity AND c.parent <> d.parent
    AND (c.changes && '{type,collation}' OR c.generated)
WHERE d.managed AND d.of_kind = 'column' AND d.kind = 'table'
UNION
SELECT o.number, 'domain', o.parent FROM managed o WHERE o.kind = 'constraint' AND o.of_domain
UNION
-- an index or constraint goes with a column that is made anew, or text while its type is
SELECT o.number, 'column', o.parent || '.' || quote_ident(c.name)
FROM managed o CROSS JOIN jsonb_array_elements_text(o.columns) c (name)
WHERE o.kind IN ('index', 'constraint') AND c.name IS NOT NULL AND NOT o.of_domain
    AND EXISTS (SELECT FROM object x WHERE x.managed AND (x.kind = 'column' AND x.generated OR x.kind = 'type' AND x.state = 'changed'))
UNION
-- a foreign key would have to hold between columns of two types meanwhile
SELECT o.number, 'column', k.parent || '.' || quote_ident(c.name)
FROM managed o CROSS JOIN LATERAL (VALUES (o.parent, 'columns'), (o.properties ->> 'references', 'referenced_columns')) k (parent, columns)
CROSS JOIN LATERAL jsonb_array_elements_text(o.properties -> k.columns) c (name)
WHERE o.properties ? 'references'
UNION
-- so it would while an enum is made anew
SELECT o.number, 'type', d.identity
FROM managed o CROSS JOIN LATERAL jsonb_array_elements_text(o.properties -> 'columns') n (name)
JOIN depends d ON d.of_kind = 'column' AND d.parent = o.parent AND d.name = n.name AND d.kind = 'type'
WHERE o.properties ? 'references'
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_edges(schemaguard.sync_object[])
    IS 'returns the dependencies of the target''s objects';

-- Returns the rules that changes of objects call for
CREATE FUNCTION schemaguard.sg_sync_fired(objects schemaguard.sync_object[], allow_drop boolean)
RETURNS SETOF schemaguard.sync_fired
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT o.number, r.step, r.section, r.anew, r.statement, r.state, r.loss, r.number, r.property
    FROM unnest(objects) o JOIN (
        SELECT r.*, string_to_array(r.property, ' ') AS properties FROM schemaguard.sg_sync_rules() r
        WHERE r.step IN ('alter', 'rebuild', 'touch', 'beyond', 'rename') OFFSET 0) r ON r.kind IN (o.kind, '*')
    WHERE o.state = 'changed' AND r.properties && o.changes AND schemaguard.sg_sync_fill(r.statement, o.new) IS NOT NULL
        AND NOT (o.kind = 'domain' AND r.step = 'rebuild' AND NOT allow_drop AND o.new ? 'type_loss')
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_fired(schemaguard.sync_object[], boolean)
    IS 'returns the rules that changes of objects call for';

-- Returns the numbers of what is to be dropped, but has a name that something new needs: relations and types share one room in a schema
CREATE FUNCTION schemaguard.sg_sync_in_room(objects schemaguard.sync_object[])
RETURNS SETOF int
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
WITH object AS MATERIALIZED (
    SELECT o.number, o.kind, o.state, coalesce(o.identity, o.target_identity) AS identity, coalesce(o.parent, o.target_parent) AS parent,
        coalesce(o.target_parent, o.parent) AS old_parent, coalesce(o.properties, o.target_properties) AS properties,
        coalesce(o.new, o.old) AS filled
    FROM unnest(objects) o WHERE o.state IN ('missing', 'extra')
), occupied AS MATERIALIZED (
    SELECT o.number, o.state, o.old_parent AS parent, n.name
    FROM object o CROSS JOIN LATERAL (
        SELECT CASE
            WHEN o.kind IN ('table', 'view', 'materialized view', 'sequence', 'index', 'type', 'domain') THEN o.identity
            WHEN o.kind IN ('function', 'procedure', 'aggregate') THEN 'routine ' || o.identity
            WHEN o.kind = 'collation' THEN 'collation ' || (o.filled ->> 'address')
            WHEN o.kind = 'statistics' THEN 'statistics ' || o.identity
            WHEN o.kind = 'constraint' THEN CASE WHEN o.properties ->> 'type' IN ('p', 'u', 'x') THEN o.filled ->> 'index' END
            WHEN o.properties ? 'identity_sequence' THEN schemaguard.sg_sync_schema(o.parent) || '.' || quote_ident(coalesce(
                o.properties #>> '{identity_sequence,name}', split_part(o.parent, '.', 2) || '_' || (o.filled ->> 'name') || '_seq')) END
        UNION ALL
        SELECT coalesce(o.properties ->> 'multirange', CASE WHEN o.identity ~ 'range' THEN regexp_replace(o.identity, 'range', 'multirange')
            ELSE o.identity || '_multirange' END)
        WHERE o.kind = 'type' AND o.properties ->> 'type' = 'range') n (name)
    WHERE n.name IS NOT NULL
)
SELECT DISTINCT coalesce(t.number, e.number)
FROM occupied e JOIN occupied m ON m.name = e.name AND m.state = 'missing'
LEFT JOIN object t ON t.kind IN ('table', 'view', 'materialized view') AND t.identity = e.parent AND t.state = 'extra'
WHERE e.state = 'extra'
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_in_room(schemaguard.sync_object[])
    IS 'returns the numbers of objects that are dropped but have a name that a new object needs';

-- Returns the numbers of what goes before something else comes, though it does not have its name
CREATE FUNCTION schemaguard.sg_sync_outdated(objects schemaguard.sync_object[])
RETURNS SETOF int
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
WITH object AS MATERIALIZED (
    SELECT o.*, o.kind IN ('function', 'procedure', 'aggregate', 'operator') AS routine FROM unnest(objects) o WHERE o.managed
)
-- routines that something would go on calling, or what is new would: of that name there is another one
SELECT o.number FROM object o
WHERE o.state = 'extra' AND o.routine AND (
    schemaguard.sg_sync_name(o.target_identity) IN (SELECT schemaguard.sg_sync_name(n.identity) FROM object n
        WHERE n.state = 'missing' AND n.routine)
    OR (o.kind, o.target_identity) IN (SELECT e.kind, e.identity FROM schemaguard.sg_sync_edges(objects) e
        JOIN object m ON m.number = e.number WHERE m.state = 'same'))
UNION ALL
-- foreign keys that stay, while what they lead to goes: another one of those columns comes
SELECT f.number FROM object f JOIN schemaguard.sg_sync_edges(objects) e ON e.number = f.number AND e.kind IN ('constraint', 'index')
JOIN object k ON k.kind = e.kind AND k.target_identity = e.identity
WHERE k.state = 'extra' AND f.state IN ('same', 'changed') AND f.target_properties ? 'references'
    AND EXISTS (SELECT FROM jsonb_array_elements(f.target_properties -> 'depends') d
        WHERE d.value = jsonb_build_array(k.kind, k.target_identity))
UNION ALL
-- triggers of a whole, for one of its partitions gets its own
SELECT o.number FROM object o
WHERE o.state = 'extra' AND o.kind = 'trigger' AND o.target_identity IN (SELECT n.target_properties ->> 'partition_of' FROM object n
    WHERE n.kind = 'trigger' AND n.state = 'changed' AND NOT n.properties ? 'partition_of')
UNION ALL
-- and partitions that may have the bounds of others that come
SELECT o.number FROM object o
WHERE o.state = 'extra' AND o.kind = 'table' AND o.target_properties ->> 'partition_of' IN (SELECT n.properties ->> 'partition_of'
    FROM object n WHERE n.kind = 'table' AND (n.state = 'missing' OR n.changes && '{partition_of,partition_bound}'))
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_outdated(schemaguard.sync_object[])
    IS 'returns the numbers of objects that are dropped before others are created, for reasons other than the name';

-- Returns what has to be made anew, with all that stands on it. Objects: as sg_sync_managed() has them, described: those that differ.
CREATE FUNCTION schemaguard.sg_sync_anew(objects schemaguard.sync_object[], described schemaguard.sync_object[],
    rules schemaguard.sync_fired[], allow_drop boolean)
RETURNS SETOF schemaguard.sync_anew
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
WITH RECURSIVE managed AS MATERIALIZED (
    SELECT o.number, o.kind, o.state, o.changes, o.properties, o.target_identity, o.target_parent, o.target_properties
    FROM unnest(objects) o WHERE o.managed
), edge AS MATERIALIZED (SELECT e.* FROM schemaguard.sg_sync_edges(objects) e
), shrinking AS (
    -- tables that partitions go from, and what these are partitions of
    SELECT t.target_properties ->> 'partition_of' AS identity FROM managed t WHERE t.changes && '{partition_of,partition_bound}'
    UNION
    SELECT w.target_properties ->> 'partition_of' FROM shrinking s JOIN managed w ON w.kind = 'table' AND w.target_identity = s.identity
), way AS MATERIALIZED (
    SELECT w.number FROM schemaguard.sg_sync_in_room(described) w (number)
), retyped AS MATERIALIZED (
    SELECT o.number, o.target_parent AS parent, o.old ->> 'name' AS name FROM unnest(described) o
    WHERE o.kind = 'column' AND 'type' = ANY (o.changes)
        AND split_part(o.properties ->> 'type', '(', 1) <> split_part(o.target_properties ->> 'type', '(', 1)
), first AS MATERIALIZED (
    SELECT w.number FROM way w UNION SELECT o.number FROM schemaguard.sg_sync_outdated(objects) o (number) WHERE allow_drop
    UNION
    -- a sequence goes with a table that goes first
    SELECT o.number FROM managed o JOIN managed t ON t.kind = 'table' AND t.number IN (SELECT w.number FROM way w)
        AND starts_with(o.target_properties ->> 'owned_by', t.target_identity || '.')
    WHERE o.kind = 'sequence' AND o.state = 'changed'
    UNION
    -- what is dropped and made again, and what stands on that
    SELECT o.number FROM managed o JOIN unnest(rules) f ON f.number = o.number
    WHERE f.step = 'rebuild' AND NOT o.kind IN ('constraint', 'index')
    UNION
    -- no partition goes whose rows a key leads to
    SELECT o.number FROM managed o JOIN shrinking s ON s.identity = o.target_properties ->> 'references' WHERE o.kind = 'constraint'
    UNION
    -- what is asked of a column may mean nothing of its new type
    SELECT o.number FROM managed o
    JOIN retyped t ON t.parent = o.target_parent AND (o.kind = 'index' OR o.target_properties -> 'columns' @> to_jsonb(t.name))
    WHERE o.kind = 'constraint' AND o.target_properties ->> 'type' = 'c' AND (o.state = 'extra' OR 'expression' = ANY (o.changes))
        OR o.kind = 'index' AND (o.state = 'extra' OR o.changes && '{predicate,expressions}')
            AND o.target_properties ?| '{predicate,expressions}'
), anew AS (
    SELECT o.number, o.kind, o.target_identity, true AS again, true AS differs, o.number AS cause
    FROM managed o JOIN first f ON f.number = o.number
    UNION
    SELECT o.number, o.kind, o.target_identity, false, true, o.number
    FROM managed o JOIN unnest(rules) f ON f.number = o.number WHERE f.step = 'touch'
    UNION
    -- nor do the casts that it has
    SELECT o.number, o.kind, o.target_identity, true, o.state <> 'same', t.number
    FROM managed o JOIN retyped t ON t.parent = o.target_parent
        AND (o.kind = 'index' OR o.target_properties -> 'columns' @> to_jsonb(t.name))
    JOIN unnest(rules) f ON f.number = t.number AND f.step = 'touch'
    WHERE (o.kind = 'constraint' AND o.properties ->> 'expression' <> o.target_properties ->> 'expression'
        OR o.kind = 'index' AND (o.properties ->> 'predicate' <> o.target_properties ->> 'predicate'
            OR o.properties -> 'expressions' <> o.target_properties -> 'expressions'))
    UNION
    SELECT o.number, o.kind, o.target_identity, o.kind <> 'column' OR o.target_properties ? 'generated' OR o.state = 'extra',
        o.state <> 'same', c.cause
    FROM anew a JOIN edge e ON e.kind = a.kind AND e.identity = a.target_identity
    JOIN managed o ON o.number = e.number
    CROSS JOIN LATERAL unnest(CASE WHEN a.differs THEN ARRAY[a.cause, a.number] ELSE ARRAY[a.cause] END) c (cause)
    WHERE (o.kind IN ('view', 'materialized view', 'rule', 'policy', 'trigger', 'function', 'procedure', 'aggregate', 'operator', 'cast',
            'statistics', 'event trigger', 'transform', 'conversion', 'operator class', 'text search configuration')
        -- the server alters the type of no column that a publication names
        OR o.kind = 'publication' AND o.target_properties ?| '{table_filters,table_columns}'
        -- those of a column that gets another type come along by themselves, but not by way of text
        OR (a.kind <> 'column' OR a.again OR o.target_properties ? 'references' OR a.cause <> a.number
            AND a.cause IN (SELECT f.number FROM first f)) AND o.kind IN ('index', 'constraint')
        OR o.kind = 'column' AND o.target_properties ? 'generated'
        OR o.kind = 'table' AND o.state = 'extra' AND a.kind NOT IN ('table', 'column')
        -- columns have another type meanwhile
        OR o.kind IN ('column', 'domain', 'type') AND a.again
            AND a.kind IN ('type', 'domain', 'collation', 'table', 'view', 'materialized view')
        OR o.kind = 'column' AND a.kind = 'column')
        AND o.number <> c.cause
)
SELECT a.number, a.kind, a.target_identity, a.again, a.differs, a.cause FROM anew a
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_anew(schemaguard.sync_object[], schemaguard.sync_object[], schemaguard.sync_fired[], boolean)
    IS 'returns the objects that have to be recreated, with all that depend on them';

-- Returns columns and domains that stand on what is made anew: their type, for which object, its kind, and what they may be meanwhile
CREATE FUNCTION schemaguard.sg_sync_on_anew(objects schemaguard.sync_object[], anew schemaguard.sync_anew[],
    OUT number int, OUT type text, OUT cause int, OUT on_kind text, OUT meanwhile text)
RETURNS SETOF record
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
WITH RECURSIVE object AS MATERIALIZED (
    SELECT o.number, o.kind, o.target_identity, o.target_properties FROM unnest(objects) o WHERE o.managed
), again AS MATERIALIZED (
    SELECT o.* FROM object o WHERE o.number IN (SELECT a.number FROM unnest(anew) a WHERE a.again OR a.kind = 'column')
), base AS (
    -- of a domain over others that are made anew, too: the first that stays
    SELECT d.number, d.target_properties ->> 'type' AS type FROM again d WHERE d.kind = 'domain'
    UNION
    SELECT b.number, d.target_properties ->> 'type' FROM base b JOIN again d ON d.kind = 'domain' AND d.target_identity = b.type
)
SELECT o.number, o.target_properties ->> 'type', b.number, e.kind,
    CASE e.kind WHEN 'domain' THEN (SELECT t.type FROM base t WHERE t.number = b.number
        AND t.type NOT IN (SELECT d.target_identity FROM again d WHERE d.kind = 'domain'))
        WHEN 'type' THEN 'text' WHEN 'table' THEN 'text' WHEN 'view' THEN 'text' WHEN 'materialized view' THEN 'text'
        WHEN 'column' THEN 'text' END
FROM again b
JOIN schemaguard.sg_sync_edges(objects) e ON e.kind = b.kind AND e.identity = b.target_identity
JOIN object o ON o.number = e.number
WHERE o.kind IN ('column', 'domain') AND (e.kind IN ('function', 'operator', 'sequence', 'type', 'domain', 'collation')
    -- of the row type of a table or view
    OR e.kind IN ('table', 'view', 'materialized view', 'column') AND NOT o.target_properties ? 'generated')
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_on_anew(schemaguard.sync_object[], schemaguard.sync_anew[])
    IS 'returns columns and domains that depend on recreated objects';

-- Returns columns and domains that lose their default or type meanwhile
CREATE FUNCTION schemaguard.sg_sync_meanwhile(objects schemaguard.sync_object[], rules schemaguard.sync_fired[],
    anew schemaguard.sync_anew[])
RETURNS SETOF schemaguard.sync_meanwhile
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
WITH object AS MATERIALIZED (
    SELECT o.number, o.kind, o.changes, o.target_identity, o.target_properties ->> 'default' IS NOT NULL AS has_default
    FROM unnest(objects) o WHERE o.managed AND o.kind IN ('column', 'domain', 'type')
), below AS MATERIALIZED (
    SELECT b.*, o.kind, o.has_default FROM schemaguard.sg_sync_on_anew(objects, anew) b JOIN object o ON o.number = b.number
), without_default AS (
    SELECT b.number FROM below b WHERE b.has_default AND b.on_kind IN ('function', 'operator', 'sequence')
    UNION
    -- labels of an enum that gets others
    SELECT o.number FROM object o JOIN schemaguard.sg_sync_edges(objects) e ON e.number = o.number AND e.kind = 'type'
    JOIN object t ON t.kind = 'type' AND t.target_identity = e.identity
    JOIN unnest(rules) f ON f.number = t.number AND f.step = 'touch'
    WHERE o.kind = 'column' AND 'default' = ANY (o.changes) AND o.has_default
), without_type AS (
    SELECT b.number, coalesce(min(b.meanwhile) || substring(min(b.type) FROM '\[\]$'), min(coalesce(b.meanwhile, b.type))) AS type
    FROM below b
    WHERE b.kind = 'column' AND b.on_kind NOT IN ('function', 'operator', 'sequence')
        AND b.number NOT IN (SELECT a.number FROM unnest(anew) a WHERE a.again)
    GROUP BY b.number
)
SELECT coalesce(d.number, t.number), d.number IS NOT NULL, t.type
FROM without_default d FULL JOIN without_type t ON t.number = d.number
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_meanwhile(schemaguard.sync_object[], schemaguard.sync_fired[], schemaguard.sync_anew[])
    IS 'returns columns and domains that lose their default or type while an object is recreated';
