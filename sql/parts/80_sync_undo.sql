-- Sync: what takes the steps of a plan back: what makes the reference what this database is, each where it has to be undone

-- Returns the checks and defaults that statements drop or set themselves, as texts
CREATE FUNCTION schemaguard.sg_sync_own_drops(acts schemaguard.sync_act[])
RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT coalesce(array_agg(replace(a.statement, 'ALTER TABLE ONLY ', 'ALTER TABLE ')), '{}') FROM unnest(acts) a
    WHERE a.kind = 'constraint' AND a.note LIKE 'drop%' OR a.what = 'default dropped' OR a.what = 'default' AND a.kind = 'column'
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_own_drops(schemaguard.sync_act[])
    IS 'returns checks and defaults that statements themselves drop or set';

-- Returns the properties that a type has when the statements are done: attributes that are not to be dropped are there
CREATE FUNCTION schemaguard.sg_sync_type_after(acts schemaguard.sync_act[], identity text, properties jsonb, old jsonb)
RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
RETURN properties || jsonb_build_object('way_back', true, 'attributes', (properties -> 'attributes') || coalesce((
    SELECT jsonb_agg(o.a ORDER BY o.n) FROM jsonb_array_elements_text(old -> 'attributes') WITH ORDINALITY o (a, n)
    WHERE EXISTS (SELECT FROM unnest(acts) a WHERE a.kind = 'type' AND a.object = identity AND a.what = 'attributes' AND a.lost
        AND position(' ADD ATTRIBUTE ' IN a.statement) = 0
        AND position(format(' DROP ATTRIBUTE IF EXISTS %s CASCADE', schemaguard.sg_sync_first_name(o.a)) IN a.statement) > 0)), '[]'));
COMMENT ON FUNCTION schemaguard.sg_sync_type_after(schemaguard.sync_act[], text, jsonb, jsonb)
    IS 'returns the properties of a composite type after the statements';

-- Returns the statements that make the reference what this database is. Acts: those of the way there.
CREATE FUNCTION schemaguard.sg_sync_backward(pairs schemaguard.sync_pair[], acts schemaguard.sync_act[], reference text, partitions boolean)
RETURNS schemaguard.sync_act[]
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT ARRAY(
        SELECT ROW(s.section, s.kind, s.object, s.what, s.statement, s.guard, s.before, s.after, s.note, NULL, s.n, NULL, NULL, false)
            ::schemaguard.sync_act
        FROM schemaguard.sg_sync_statements(ARRAY(
            SELECT ROW(p.back, p.number, p.kind, p.target_identity, p.target_parent, p.target_name, p.target_properties, p.identity,
                p.parent, p.name, CASE WHEN p.kind = 'type' AND p.properties ? 'attributes' AND p.target_properties ? 'attributes'
                    THEN schemaguard.sg_sync_type_after(acts, p.identity, p.properties, p.target_properties) ELSE p.properties END,
                p.changes, p.unknown, p.score, p.withheld)::schemaguard.sync_pair FROM unnest(pairs) p),
            'live', reference, true, partitions) WITH ORDINALITY
            s (section, place, kind, object, what, statement, guard, before, after, note, index, index_after, cost, finder, n)
        WHERE s.section > 0)
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_backward(schemaguard.sync_pair[], schemaguard.sync_act[], text, boolean)
    IS 'returns the statements of the way back, with the names that this database has';

-- Returns the statements of the way back by the names that the reference has. Pairs: those of the way there.
CREATE FUNCTION schemaguard.sg_sync_backs(acts schemaguard.sync_act[], pairs schemaguard.sync_pair[])
RETURNS SETOF schemaguard.sync_back
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
WITH pair AS MATERIALIZED (
    SELECT p.kind, coalesce(p.identity, p.target_identity) AS object, p.identity, p.target_identity,
        coalesce(p.parent, p.target_parent) AS parent, coalesce(p.target_name, p.name) AS name, p.target_properties AS old
    FROM unnest(pairs) p
), dropped AS MATERIALIZED (
    SELECT schemaguard.sg_sync_own_drops(acts) AS texts
)
SELECT a.kind, coalesce(p.object, a.object), a.object, p.parent, a.what, a.what LIKE 'dropped%', a.n,
    schemaguard.sg_sync_fitting(a.kind, schemaguard.sg_sync_plain(a.statement, a.object, p.parent, p.name, p.old, d.texts))
FROM unnest(acts) a CROSS JOIN dropped d
LEFT JOIN pair x ON x.kind = a.kind AND x.identity = a.object AND a.what LIKE 'dropped%'
LEFT JOIN pair y ON y.kind = a.kind AND y.target_identity = a.object AND a.what NOT LIKE 'dropped%'
CROSS JOIN LATERAL (SELECT coalesce(x.object, y.object) AS object, coalesce(x.parent, y.parent) AS parent,
    coalesce(x.name, y.name) AS name, coalesce(x.old, y.old) AS old) p
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_backs(schemaguard.sync_act[], schemaguard.sync_pair[])
    IS 'returns the statements of the way back, with the names that the reference has';

-- Returns where the statements of an object are: the steps that drop it, that make it, and the first and the last that change it
CREATE FUNCTION schemaguard.sg_sync_places(members schemaguard.sync_member[],
    OUT kind text, OUT object text, OUT dropped bigint, OUT first bigint, OUT last bigint, OUT made bigint, OUT replaced boolean)
RETURNS SETOF record
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT m.kind, m.object, min(m.island) FILTER (WHERE m.part = 'drop'), min(m.island) FILTER (WHERE m.part = ''),
        max(m.island) FILTER (WHERE m.part = ''),
        max(m.island) FILTER (WHERE m.what = 'created' OR m.kind = 'table' AND m.attaches), bool_or(m.what = 'replaced')
    FROM unnest(members) m GROUP BY m.kind, m.object
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_places(schemaguard.sync_member[])
    IS 'returns the steps that hold the statements of each object';

-- Returns which step takes back what: null if no step does; along: what is made anew for others
CREATE FUNCTION schemaguard.sg_sync_placed(members schemaguard.sync_member[], lines schemaguard.sync_line[],
    backs schemaguard.sync_back[], pairs schemaguard.sync_pair[],
    OUT n bigint, OUT told text, OUT statement text, OUT drops boolean, OUT along boolean, OUT island bigint)
RETURNS SETOF record
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
WITH RECURSIVE member AS MATERIALIZED (
    SELECT m.* FROM unnest(members) m
), place AS MATERIALIZED (
    SELECT p.* FROM schemaguard.sg_sync_places(members) p
), back AS MATERIALIZED (
    SELECT b.* FROM unnest(backs) b
), known AS MATERIALIZED (
    -- by another step, or with that
    SELECT l.kind, l.object, bool_or(l.what = 'created' OR l.form IN ('column', 'unique', 'foreign key', 'check', 'index', 'outside')
            AND p.replaced IS NOT TRUE) AS other,
        array_agg(l.what) FILTER (WHERE l.form IN ('not null', 'default')) AS given,
        bool_or(l.what = 'created' OR l.part = 'drop') AS fresh
    FROM unnest(lines) l LEFT JOIN place p ON p.kind = l.kind AND p.object = l.object GROUP BY l.kind, l.object
), dropped_back AS MATERIALIZED (
    SELECT DISTINCT b.kind, b.object FROM back b WHERE b.drops
), turned AS MATERIALIZED (
    -- altered or replaced on the way there, made anew on the way back
    SELECT m.kind, m.object, m.at, m.island FROM member m JOIN dropped_back d ON d.kind = m.kind AND d.object = m.object
    LEFT JOIN known k ON k.kind = m.kind AND k.object = m.object
    WHERE m.part = '' AND k.fresh IS NOT TRUE
), leaf AS (
    -- the indexes and keys of partitions, which go with those of the whole, or are set free
    SELECT p.kind, p.object, p.dropped AS island FROM place p WHERE p.kind IN ('index', 'constraint') AND p.dropped IS NOT NULL
    UNION
    SELECT q.kind, coalesce(q.identity, q.target_identity), l.island FROM leaf l JOIN unnest(pairs) q ON q.kind = l.kind
        AND q.target_properties ->> 'partition_of' = l.object AND NOT coalesce(q.properties ? 'partition_of', false)
)
SELECT b.n, b.told, regexp_replace(b.statement, '^DROP (TABLE|INDEX) (?!IF )', 'DROP \1 IF EXISTS '), b.drops,
    d.kind IS NOT NULL AND k.kind IS NULL, CASE
        WHEN b.what = 'renamed' THEN r.island
        WHEN (b.kind, b.object) IN (SELECT t.kind, t.object FROM turned t) OR d.kind IS NOT NULL AND k.kind IS NULL
            THEN (SELECT u.island FROM turned u ORDER BY u.at LIMIT 1)
        WHEN b.drops THEN p.made
        WHEN b.statement LIKE 'ALTER INDEX % ATTACH PARTITION %' AND l.kind IS NOT NULL THEN l.island
        -- with what it is on; a table's own, which what is on it has changed; a partition goes with the whole
        ELSE coalesce(p.dropped, CASE WHEN k.kind IS NULL THEN coalesce(w.dropped, c.island, l.island) END,
            CASE WHEN b.what = 'name' AND k.other THEN y.island -- the other step restores what has the new name
                WHEN k.other OR b.what = ANY (k.given) THEN NULL
                -- a name first: what else is taken back has it; what is loosened last is tied again first
                WHEN b.what IN ('default dropped', 'type, meanwhile', 'name') OR b.statement LIKE '% DETACH PARTITION %' THEN p.last
                WHEN b.what IN ('default again', 'type again') OR b.statement LIKE '% ATTACH PARTITION %' THEN p.first
                WHEN b.what = 'of_type' AND b.statement LIKE '% NOT OF' THEN y.last
                WHEN b.what = 'attributes' AND b.statement NOT LIKE '% DROP ATTRIBUTE %' THEN y.last
                ELSE coalesce(y.island, p.first) END)
    END
FROM back b LEFT JOIN place p ON p.kind = b.kind AND p.object = b.object
LEFT JOIN known k ON k.kind = b.kind AND k.object = b.object
LEFT JOIN dropped_back d ON d.kind = b.kind AND d.object = b.object
LEFT JOIN leaf l ON l.kind = b.kind AND l.object = b.object
LEFT JOIN (SELECT m.kind, m.target_identity, min(m.island) AS island FROM member m WHERE m.part = 'renamed' GROUP BY 1, 2) r
    ON r.kind = b.kind AND r.target_identity = b.told
LEFT JOIN (SELECT p.object, min(p.dropped) AS dropped FROM place p
    WHERE p.kind IN ('table', 'view', 'materialized view', 'domain') GROUP BY 1) w ON w.object = b.parent
LEFT JOIN (SELECT m.parent, min(m.island) AS island FROM member m GROUP BY 1) c ON c.parent = b.object AND b.kind = 'table'
LEFT JOIN (SELECT m.kind, m.object, m.what, min(m.island) AS island, max(m.island) AS last
    FROM member m WHERE m.part = '' GROUP BY 1, 2, 3) y
    ON y.kind = b.kind AND y.object = b.object AND y.what = b.what
WHERE b.statement IS NOT NULL
UNION ALL
-- an index that went for something else comes back as it was
SELECT 1000000000 + f.n, f.object, regexp_replace(f.statement, '^(CREATE (UNIQUE )?INDEX) CONCURRENTLY ', '\1 '), false, false, p.dropped
FROM unnest(lines) f JOIN place p ON p.kind = f.kind AND p.object = f.object AND p.dropped IS NOT NULL
WHERE f.kind = 'index' AND f.form IN ('index', 'outside') AND f.what = 'created' AND f.changes IS NULL
    AND NOT EXISTS (SELECT FROM back b WHERE b.kind = f.kind AND b.object = f.object)
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_placed(schemaguard.sync_member[], schemaguard.sync_line[], schemaguard.sync_back[],
    schemaguard.sync_pair[])
    IS 'returns the step that takes back each statement; null: no step does';

-- Returns what takes a step back. What is made anew for others goes before the first of these, and comes after the last; a sequence that is
-- made again goes on where it was.
CREATE FUNCTION schemaguard.sg_sync_undos(members schemaguard.sync_member[], lines schemaguard.sync_line[],
    backs schemaguard.sync_back[], pairs schemaguard.sync_pair[], OUT island bigint, OUT undo text)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
WITH placed AS MATERIALIZED (
    SELECT p.* FROM schemaguard.sg_sync_placed(members, lines, backs, pairs) p
), taken AS MATERIALIZED (
    SELECT p.n, p.statement, coalesce(p.island, CASE WHEN p.along THEN CASE WHEN p.drops THEN s.last ELSE s.first END END) AS island
    FROM placed p CROSS JOIN (
        SELECT min(p.island) AS first, max(p.island) AS last FROM placed p
        WHERE p.n BETWEEN (SELECT min(a.n) FROM placed a WHERE a.along) AND (SELECT max(a.n) FROM placed a WHERE a.along)) s
)
SELECT t.island, string_agg(t.statement, E';\n' ORDER BY t.n) || coalesce((
    SELECT string_agg(format(E';\nALTER SEQUENCE %s RESTART WITH %s', m.object, q.last_value + q.increment_by), '')
    FROM unnest(members) m JOIN pg_sequences q ON format('%I.%I', q.schemaname, q.sequencename) = m.object
    WHERE m.island = t.island AND m.part = 'drop' AND m.kind = 'sequence'
        AND q.last_value + q.increment_by BETWEEN q.min_value AND q.max_value), '')
FROM taken t WHERE t.island IS NOT NULL GROUP BY t.island
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_undos(schemaguard.sync_member[], schemaguard.sync_line[], schemaguard.sync_back[],
    schemaguard.sync_pair[])
    IS 'returns the statements that take steps back';
