-- Sync: what pairs say together. A pair without properties of the reference is dropped, one without those of the target made.

-- Returns columns that hold values of a domain within others
CREATE FUNCTION schemaguard.sg_sync_holders(pairs schemaguard.sync_pair[], OUT domain text, OUT column_identity text)
RETURNS SETOF record
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT d.value ->> 1, p.target_identity
    FROM unnest(pairs) p, jsonb_array_elements(p.target_properties -> 'depends') d
    WHERE p.kind = 'column' AND d.value ->> 0 = 'domain' AND p.target_properties ->> 'type' ~ '\]$'
    UNION
    SELECT d.value ->> 1, c.target_identity
    FROM unnest(pairs) t CROSS JOIN jsonb_array_elements(t.target_properties -> 'depends') d
    JOIN (SELECT p.target_identity, e.value ->> 1 AS type FROM unnest(pairs) p, jsonb_array_elements(p.target_properties -> 'depends') e
          WHERE p.kind = 'column' AND e.value ->> 0 = 'type') c ON c.type = t.target_identity
    WHERE t.kind = 'type' AND d.value ->> 0 = 'domain'
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_holders(schemaguard.sync_pair[])
    IS 'returns columns that hold values of a domain within other values';

-- Returns types of values in columns, themselves or within others; none if no type gets other attributes
CREATE FUNCTION schemaguard.sg_sync_stored_types(pairs schemaguard.sync_pair[])
RETURNS SETOF text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
    WITH RECURSIVE stored AS (
        SELECT d.value ->> 1 AS identity FROM unnest(pairs) p, jsonb_array_elements(p.target_properties -> 'depends') d
        WHERE p.kind = 'column' AND d.value ->> 0 = 'type'
            AND EXISTS (SELECT FROM unnest(pairs) t WHERE t.kind = 'type' AND 'attributes' = ANY (t.changes))
        UNION
        SELECT d.value ->> 1 FROM stored s JOIN unnest(pairs) t ON t.kind = 'type' AND t.target_identity = s.identity,
            jsonb_array_elements(t.target_properties -> 'depends') d
        WHERE d.value ->> 0 = 'type'
    )
    SELECT s.identity FROM stored s
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_stored_types(schemaguard.sync_pair[])
    IS 'returns types of values in columns, if the attributes of a type change';

-- Returns columns that a table is partitioned by, or a partition of it, in all tables of that tree; none if no column gets another type
CREATE FUNCTION schemaguard.sg_sync_keyed(pairs schemaguard.sync_pair[], OUT identity text, OUT name text)
RETURNS SETOF record
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
    WITH RECURSIVE part AS (
        SELECT p.target_identity AS identity, p.target_properties ->> 'partition_key' AS key,
            p.target_properties ->> 'partition_of' AS whole
        FROM unnest(pairs) p WHERE p.kind = 'table' AND p.target_properties ?| '{partition_key,partition_of}' AND p.properties IS NOT NULL
            AND EXISTS (SELECT FROM unnest(pairs) c WHERE c.kind = 'column' AND c.changes && '{type,collation}')
    ), keyed AS (
        SELECT p.identity, CASE WHEN k.m[1] LIKE '"%' THEN replace(substr(k.m[1], 2, length(k.m[1]) - 2), '""', '"') ELSE k.m[1] END AS name
        FROM part p CROSS JOIN regexp_matches(p.key, '("(?:[^"]|"")*"|[[:alpha:]_][[:alnum:]_$]*)', 'g') k (m)
        UNION
        SELECT CASE p.identity WHEN k.identity THEN p.whole ELSE p.identity END, k.name
        FROM keyed k JOIN part p ON k.identity IN (p.identity, p.whole)
        WHERE p.whole IS NOT NULL
    )
    SELECT k.identity, k.name FROM keyed k
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_keyed(schemaguard.sync_pair[])
    IS 'returns columns by which tables are partitioned, if the type of a column changes';

-- Returns what comes or goes in schemas that do, where the one comes and the other goes: they may be one
CREATE FUNCTION schemaguard.sg_sync_contents(
    pairs schemaguard.sync_pair[], OUT number int, OUT identity text, OUT target_identity text, OUT contents text)
RETURNS SETOF record
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
    WITH half AS (
        SELECT p.number, p.kind, p.identity, p.target_identity, coalesce(p.identity, p.target_identity) AS name,
            coalesce(p.parent, p.target_parent) AS parent
        FROM unnest(pairs) p WHERE (p.properties IS NULL) <> (p.target_properties IS NULL)
    )
    SELECT s.number, s.identity, s.target_identity, string_agg(p.kind || ' ' || p.within, E'\n' ORDER BY p.kind, p.within COLLATE "C")
    FROM half s JOIN (
        SELECT p.kind, schemaguard.sg_sync_schema(p.name) AS schema,
            substr(p.name, length(schemaguard.sg_sync_schema(p.name)) + 1) AS within
        FROM half p WHERE p.kind <> 'schema' AND p.parent IS NOT NULL
            AND (SELECT count(DISTINCT s.identity IS NULL) FROM half s WHERE s.kind = 'schema') = 2) p ON p.schema = s.name
    WHERE s.kind = 'schema'
    GROUP BY s.number, s.identity, s.target_identity
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_contents(schemaguard.sync_pair[])
    IS 'returns objects that appear or disappear with their schemas, since one schema may be the other renamed';
