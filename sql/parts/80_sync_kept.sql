-- Sync: what a plan keeps, and in which order it goes

-- Returns what stands under tables and columns that a plan keeps, and goes in the reference: kind and name
CREATE FUNCTION schemaguard.sg_sync_needed_still(lines schemaguard.sync_line[], pairs schemaguard.sync_pair[],
    OUT kind text, OUT object text)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
WITH RECURSIVE gone AS MATERIALIZED (
    SELECT p.kind, p.target_identity AS object, p.target_parent AS parent, p.target_properties AS old
    FROM unnest(pairs) p WHERE p.properties IS NULL
), needed AS (
    SELECT p.kind, p.object, p.old FROM unnest(lines) l
    JOIN gone p ON p.kind = l.kind AND p.object = l.object OR l.kind = 'table' AND p.parent = l.object
    WHERE l.form = 'drop' AND l.kind IN ('table', 'column')
    UNION
    SELECT p.kind, p.object, p.old FROM schemaguard.sg_sync_under_kept() k (identity) JOIN gone p ON CASE p.kind WHEN 'collation'
        THEN regexp_replace(p.object, ' FOR [A-Z0-9_]+$', '') ELSE p.object END = k.identity
    WHERE p.kind IN ('function', 'procedure', 'aggregate', 'type', 'domain', 'sequence', 'view', 'materialized view', 'collation',
        'extension')
    UNION
    SELECT p.kind, p.object, p.old
    FROM needed o CROSS JOIN LATERAL (
        SELECT d.value ->> 0 AS kind, d.value ->> 1 AS object
        FROM jsonb_array_elements(coalesce(o.old -> 'depends', '[]') || CASE WHEN o.old ? 'extension'
            THEN jsonb_build_array(jsonb_build_array('extension', o.old ->> 'extension')) ELSE '[]' END) d
        UNION ALL
        SELECT c.kind, coalesce(c.identity, c.target_identity) FROM unnest(pairs) c
        WHERE o.kind = 'domain' AND c.kind = 'constraint' AND coalesce(c.parent, c.target_parent) = o.object) d
    JOIN gone p ON p.kind = d.kind AND p.object = d.object
)
SELECT n.kind, n.object FROM needed n
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_needed_still(schemaguard.sync_line[], schemaguard.sync_pair[])
    IS 'returns the dropped objects on which objects that a plan keeps depend';

-- Returns what is kept in schemaguard_attic in place of being dropped (kept), or stays where it is for what the plan keeps: where who
-- calls may put something there, and no other role can drop it, or a step of a table has made the schema, and where it is open to nobody
-- else than where the object is
CREATE FUNCTION schemaguard.sg_sync_stays(lines schemaguard.sync_line[], pairs schemaguard.sync_pair[],
    OUT n bigint, OUT kind text, OUT object text, OUT name text, OUT kept boolean)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
WITH line AS MATERIALIZED (
    SELECT l.n, l.kind, l.object, l.name, l.form, l.what LIKE 'dropped%' AS drops FROM unnest(lines) l
    WHERE l.form IN ('statement', 'drop')
), attic AS MATERIALIZED (
    SELECT n.oid, n.nspacl, n.nspowner, s.there FROM pg_namespace n
    CROSS JOIN (SELECT EXISTS (SELECT FROM pg_namespace a WHERE a.nspname = 'schemaguard_attic')) s (there)
    WHERE n.nspname = 'schemaguard_attic' OR NOT s.there
)
SELECT l.n, l.kind, l.object, l.name, coalesce(l.kind NOT IN ('collation', 'extension')
    AND CASE WHEN EXISTS (SELECT FROM attic a WHERE a.there)
            THEN EXISTS (SELECT FROM attic a JOIN schemaguard.attic k ON k.oid = a.oid WHERE has_schema_privilege(a.oid, 'CREATE'))
        ELSE (SELECT r.rolsuper FROM pg_roles r WHERE r.rolname = current_user)
            AND EXISTS (SELECT FROM line t WHERE t.kind = 'table' AND t.form = 'drop' AND t.n < l.n) END
    AND NOT EXISTS (
        SELECT FROM attic s CROSS JOIN LATERAL aclexplode(coalesce(s.nspacl, acldefault('n', s.nspowner))) a
        WHERE (s.there OR s.oid IN (SELECT to_regnamespace(schemaguard.sg_sync_schema(t.object)) FROM line t
                WHERE t.kind = 'table' AND t.form = 'drop' AND t.n < l.n))
            AND a.privilege_type = 'USAGE'
            AND NOT has_schema_privilege(a.grantee, to_regnamespace(schemaguard.sg_sync_schema(l.object)), 'USAGE')), false)
FROM line l
WHERE l.form = 'statement' AND l.drops AND l.kind IN ('function', 'procedure', 'aggregate', 'type', 'domain', 'sequence', 'view',
        'materialized view', 'collation', 'extension')
    AND (l.kind, l.object) IN (SELECT n.kind, n.object FROM schemaguard.sg_sync_needed_still(lines, pairs) n)
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_stays(schemaguard.sync_line[], schemaguard.sync_pair[])
    IS 'returns objects that are kept in the attic, or that stay because kept objects need them';

-- Returns tables that are dropped by steps, each under the one that goes last of its tree: place of that, and how deep it is below
CREATE FUNCTION schemaguard.sg_sync_trees(lines schemaguard.sync_line[], OUT object text, OUT n bigint, OUT depth int)
RETURNS SETOF record
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
WITH RECURSIVE gone AS MATERIALIZED (
    SELECT l.object, l.n, l.old ->> 'partition_of' AS whole, l.old ->> 'type' = 'partitioned table' AS partitioned
    FROM unnest(lines) l WHERE l.kind = 'table' AND l.form = 'drop'
), ended AS (
    SELECT g.object, g.n, 0 AS depth FROM gone g
    WHERE g.partitioned AND NOT EXISTS (SELECT FROM gone w WHERE w.object = g.whole)
    UNION ALL
    SELECT g.object, e.n, e.depth + 1 FROM ended e JOIN gone g ON g.whole = e.object
)
SELECT e.object, e.n, e.depth FROM ended e
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_trees(schemaguard.sync_line[])
    IS 'returns partitioned tables that steps drop, with their partitions';

-- Returns the statements that are steps, or parts of one. Dropped: the checks and defaults that statements drop or set themselves; kept,
-- stays: the numbers of those of sg_sync_stays() that are none.
CREATE FUNCTION schemaguard.sg_sync_spoken(lines schemaguard.sync_line[], dropped text[], kept bigint[], stays bigint[])
RETURNS SETOF schemaguard.sync_spoken
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
WITH line AS MATERIALIZED (
    SELECT l.*, count(*) FILTER (WHERE l.form NOT IN ('statement', 'with')) OVER (ORDER BY l.n) AS run FROM unnest(lines) l
)
SELECT l.n, schemaguard.sg_sync_fitting(l.kind, schemaguard.sg_sync_plain(l.statement, l.object, l.parent, l.name, l.new, dropped)),
    -- default privileges are what they will be before anything is made, and when what was there is made anew
    CASE WHEN l.kind = 'default privilege' AND NOT EXISTS (SELECT FROM line s WHERE s.kind = 'schema' AND s.what = 'created'
            AND position(' IN SCHEMA ' || s.object || ' ON ' IN l.object) > 0) THEN l.n - 1000000000
        -- a partition that stays leaves before the whole goes
        ELSE coalesce((SELECT w.n - 5 FROM schemaguard.sg_sync_trees(lines) w WHERE l.kind = 'table'
            AND w.object = l.old ->> 'partition_of' AND l.statement LIKE '% DETACH PARTITION %'), l.n) END,
    l.run
FROM line l
WHERE l.form = 'statement' AND l.n <> ALL (kept || stays)
    AND NOT (l.kind = 'schema' AND l.what LIKE 'dropped%' AND l.object IN (
        SELECT schemaguard.sg_sync_schema(s.object) FROM line s WHERE s.n = ANY (stays)))
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_spoken(schemaguard.sync_line[], text[], bigint[], bigint[])
    IS 'returns the texts of statements that are steps';

-- Returns the statements of steps, by step: an object's statements with those that stand between them are one transaction
CREATE FUNCTION schemaguard.sg_sync_members(lines schemaguard.sync_line[], spoken schemaguard.sync_spoken[])
RETURNS SETOF schemaguard.sync_member
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
WITH reach AS (
    -- what comes earlier than it stands is not together with the rest
    SELECT l.*, s.text, s.at, s.run, s.at < s.n AS early, max(s.at) OVER (
        PARTITION BY coalesce('unit ' || l.unit, concat_ws(' ', l.kind, l.object)), l.section, s.run, s.at < s.n) AS until
    FROM unnest(spoken) s JOIN unnest(lines) l ON l.n = s.n WHERE s.text IS NOT NULL
), begun AS (
    SELECT r.*, r.at > coalesce(max(r.until) OVER (PARTITION BY r.section, r.run, r.early ORDER BY r.at ROWS BETWEEN UNBOUNDED PRECEDING
        AND 1 PRECEDING), r.at - 1) AS begins FROM reach r
), island AS (
    SELECT b.*, count(*) FILTER (WHERE b.begins) OVER (ORDER BY b.section, b.run, b.early, b.at) AS island_of FROM begun b
)
SELECT dense_rank() OVER (ORDER BY x.head), x.at, x.kind, x.object, x.target_identity, x.parent, x.what, x.part, x.step, x.text,
    x.statement LIKE '% ATTACH PARTITION %', x.in_new, x.relkind, x.guard, x.before, x.after, x.old -> 'depends'
FROM (SELECT i.*, min(i.at) OVER (PARTITION BY i.island_of) AS head FROM island i) x
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_members(schemaguard.sync_line[], schemaguard.sync_spoken[])
    IS 'returns the statements of steps, by step';

-- Returns steps of statements: n, the place of the first; of which object, of how many; done, when it is done
CREATE FUNCTION schemaguard.sg_sync_islands(members schemaguard.sync_member[],
    OUT island bigint, OUT n bigint, OUT objects bigint, OUT kind text, OUT object text, OUT part text, OUT in_new boolean,
    OUT child_table text, OUT statements text, OUT done text)
RETURNS SETOF record
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
WITH counted AS MATERIALIZED (
    SELECT m.*, count(*) OVER (PARTITION BY m.island) AS size, count(*) OVER (PARTITION BY m.island, m.kind, m.object) AS here,
        min(m.at) OVER (PARTITION BY m.island, m.kind, m.object, m.part = 'drop') AS first,
        count(*) OVER (PARTITION BY m.kind, m.object) AS rows
    FROM unnest(members) m
), guarded AS (
    SELECT m.*,
        -- what none of the statements before it has changed
        m.several AND m.size < 1000 AND (m.rows = 1 OR m.step = 'drop' AND m.at = m.first AND m.rows = m.here AND m.after <> m.before)
            AND NOT EXISTS (SELECT FROM counted o WHERE o.island = m.island AND o.object <> m.object
                AND (o.parent = m.object OR o.object = m.parent OR o.parent = m.parent AND m.parent LIKE '%.%'
                    OR m.depends @> jsonb_build_array(jsonb_build_array(o.kind, o.object)))) AS alone,
        -- the one beside is there neither before nor after, nor is the type meanwhile; one that differs in casts and blanks alone always is
        CASE WHEN m.guard IS NOT NULL AND m.what NOT IN ('replaced', 'type, meanwhile') AND m.step <> 'fresh'
            AND (m.step = 'drop' OR m.before IS DISTINCT FROM m.after)
            THEN format('schemaguard.sg_sync_done(%s, %L, %L, %s, %L)', m.guard, m.before, nullif(m.after, m.before),
                (m.step = 'drop')::text, m.kind || ' ' || m.object) END AS done
    FROM (SELECT m.*, count(*) FILTER (WHERE m.at = m.first) OVER (PARTITION BY m.island) > 1 AS several FROM counted m) m
)
SELECT g.island, min(g.at), count(DISTINCT (g.kind, g.object)), (array_agg(g.kind ORDER BY g.at))[1],
    (array_agg(g.object ORDER BY g.at))[1], (array_agg(g.part ORDER BY g.at))[1], bool_or(g.in_new),
    CASE WHEN count(DISTINCT CASE g.kind WHEN 'table' THEN g.object ELSE g.parent END) = 1
        AND bool_and(g.relkind IN ('r', 'p') AND g.part <> 'renamed'
            AND g.kind IN ('table', 'column', 'constraint', 'index', 'trigger', 'policy', 'rule'))
        THEN min(CASE g.kind WHEN 'table' THEN g.object ELSE g.parent END) END,
    string_agg(g.text, E';\n' ORDER BY g.at),
    -- of what is new, whether it is there
    CASE WHEN bool_or(g.several) THEN 'pg_catalog.bool_and(d.d) FROM (VALUES ('
            || string_agg(g.done, '), (' ORDER BY g.at) FILTER (WHERE g.alone) || ')) d (d)'
        WHEN bool_or(g.step = 'create') THEN string_agg(g.done, ' AND ' ORDER BY g.at) FILTER (WHERE g.step = 'create')
        WHEN bool_and(g.done IS NOT NULL) THEN string_agg(g.done, ' AND ' ORDER BY g.at) END
FROM guarded g
GROUP BY g.island
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_islands(schemaguard.sync_member[])
    IS 'returns the steps that consist of statements';
