-- Sync: what a script says beside its statements. Note: need (no statement makes it), refused, beyond (nothing alters it), hidden, asked,
-- unknown, unmanaged; along is what comes and goes with something else, so nobody is told.

-- Returns what the statements need, and no statement makes: roles, tablespaces, extensions, collations, a major of PostgreSQL
CREATE FUNCTION schemaguard.sg_sync_needed(made schemaguard.sync_made[], OUT kind text, OUT name text)
RETURNS SETOF record
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT DISTINCT x.kind, x.name
    FROM unnest(made) m
    CROSS JOIN LATERAL (
        SELECT 'role' AS kind, m.new ->> 'owner' AS name
        UNION ALL SELECT 'role', k
            FROM jsonb_object_keys(CASE jsonb_typeof(m.new -> 'acl') WHEN 'object' THEN m.new -> 'acl' ELSE '{}' END) k
        UNION ALL SELECT 'role', r FROM jsonb_array_elements_text(CASE m.kind WHEN 'policy' THEN m.new -> 'roles' ELSE '[]' END) r
        UNION ALL SELECT 'role', quote_ident(m.new ->> 'name') WHERE m.kind = 'user mapping' AND m.new ->> 'name' <> 'PUBLIC'
        UNION ALL SELECT 'tablespace', m.new ->> 'tablespace'
        UNION ALL SELECT 'extension', (m.new ->> 'name') || ' ' || (m.new ->> 'version') WHERE m.kind = 'extension'
            -- the one that is at work stays as it is
            AND NOT (m.new ->> 'name' = 'schemaguard' AND m.state <> 'missing')
        UNION ALL SELECT 'collation', c FROM (SELECT m.new ->> 'collation' UNION ALL
            SELECT jsonb_array_elements_text(CASE jsonb_typeof(m.new -> 'collations') WHEN 'array' THEN m.new -> 'collations'
                ELSE '[]' END)) c (c)
        UNION ALL SELECT 'PostgreSQL', '18'
            WHERE m.new ->> 'generated_kind' = 'virtual' OR m.new ->> 'enforced' = 'false' OR m.new ? 'period'
        UNION ALL SELECT 'PostgreSQL', '17' WHERE m.new ->> 'provider' = 'builtin'
        UNION ALL SELECT 'PostgreSQL', '16' WHERE m.kind = 'collation' AND m.new ? 'rules') x
    WHERE m.new IS NOT NULL AND x.name IS NOT NULL AND NOT (x.kind = 'role' AND x.name = 'PUBLIC')
        AND NOT (x.kind = 'collation' AND x.name IN (SELECT c.new ->> 'address' FROM unnest(made) c
            WHERE c.kind = 'collation' AND c.state <> 'same' AND c.new IS NOT NULL))
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_needed(schemaguard.sync_made[])
    IS 'returns the prerequisites of statements that no statement creates';

-- Returns what has the name, or the contents, of something that is missing: nobody but a person can say whether it is the same.
-- Described: the objects that differ.
CREATE FUNCTION schemaguard.sg_sync_doubtful(pairs schemaguard.sync_pair[], described schemaguard.sync_object[], allow_drop boolean,
    OUT place int, OUT kind text, OUT object text, OUT what text)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
WITH content AS MATERIALIZED (
    SELECT c.* FROM schemaguard.sg_sync_contents(pairs) c
)
SELECT o.number, o.kind, o.target_identity, 'has the name that the reference has for something else'
FROM unnest(described) o JOIN schemaguard.sg_sync_in_room(described) w (number) ON w.number = o.number WHERE NOT allow_drop
UNION ALL
SELECT a.number, 'schema', b.target_identity, 'has the contents of schema ' || a.identity || ', which is missing'
FROM content a JOIN content b ON b.contents = a.contents
WHERE a.identity IS NOT NULL AND b.identity IS NULL AND NOT EXISTS (SELECT FROM schemaguard.rename r WHERE r.kind = 'schema' AND NOT r.same
    AND a.identity IN (r.old, r.new) AND b.target_identity IN (r.old, r.new))
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_doubtful(schemaguard.sync_pair[], schemaguard.sync_object[], boolean)
    IS 'returns objects that may be a missing object under another name';

-- Returns what no statement alters, and what goes or comes along with that. Objects: as sg_sync_managed() has them; described: those that
-- statements are made for.
CREATE FUNCTION schemaguard.sg_sync_beyond(objects schemaguard.sync_object[], described schemaguard.sync_object[],
    made schemaguard.sync_made[], rules schemaguard.sync_fired[], allow_drop boolean)
RETURNS SETOF schemaguard.sync_remark
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
WITH made_of AS MATERIALIZED (
    SELECT m.* FROM unnest(made) m
), object AS MATERIALIZED (
    SELECT o.* FROM unnest(described) o WHERE o.state <> 'same'
), said AS (
    SELECT m.number, m.kind, m.identity AS object, r.property AS what, schemaguard.sg_sync_fill(r.statement, m.new) AS told,
        'beyond' AS note
    FROM made_of m JOIN unnest(rules) r ON r.number = m.number AND r.step = 'beyond'
    UNION ALL
    SELECT o.number, o.kind, o.identity, 'type', 'what ' || (o.new ->> 'type') || ' can''t hold of ' || (o.old ->> 'type')
        || ' would be lost (allow_drop)', 'beyond'
    FROM object o WHERE o.kind = 'domain' AND NOT allow_drop AND o.new ? 'type_loss'
    UNION ALL
    SELECT m.number, 'table', m.identity, 'is attached',
        'the two tables do not have the same columns until the surplus ones are dropped (allow_drop)', 'beyond'
    FROM made_of m WHERE m.joins_late AND NOT allow_drop
    UNION ALL
    -- no column is made that a table has from a parent to come alone
    SELECT o.number, o.kind, o.identity, 'inherited', schemaguard.sg_sync_fill('it will be of {parent} itself, too', o.new), 'beyond'
    FROM object o WHERE o.kind = 'column' AND o.state = 'missing' AND o.new ->> 'inherited' = 'only' AND o.joins = 'heir'
    UNION ALL
    -- nobody is told
    SELECT o.number, o.kind, o.identity, 'created', NULL, 'along'
    FROM unnest(objects) o JOIN made_of m ON m.identity = o.parent AND m.joins_late
    WHERE o.kind = 'index' AND o.state = 'missing' AND o.properties ? 'partition_of' AND NOT allow_drop
    UNION ALL
    SELECT m.number, m.kind, m.target_identity, 'dropped', NULL, 'along'
    FROM made_of m WHERE m.kind = 'column' AND m.old ? 'given' AND NOT allow_drop
    UNION ALL
    SELECT m.number, m.kind, coalesce(m.identity, m.target_identity), CASE m.state WHEN 'missing' THEN 'created' WHEN 'extra' THEN 'dropped'
        ELSE 'type' END, CASE WHEN NOT EXISTS (SELECT FROM made_of y WHERE y.kind = 'type' AND 'attributes' = ANY (y.changes))
        THEN 'its table has the columns of a type that is not among the schemas' END,
        CASE WHEN NOT EXISTS (SELECT FROM made_of y WHERE y.kind = 'type' AND 'attributes' = ANY (y.changes)) THEN 'beyond' ELSE 'along' END
    FROM made_of m WHERE m.kind = 'column' AND coalesce(m.new, m.old) ? 'typed'
        AND (m.state IN ('missing', 'extra') OR m.changes && '{type,collation,name}')
    UNION ALL
    SELECT m.number, m.kind, m.identity, 'options', schemaguard.sg_sync_fill('a snapshot hides the values of {hidden}', m.new), 'hidden'
    FROM made_of m
    WHERE m.new ? 'hidden' AND (m.state = 'missing' OR m.again OR m.changes && '{options,server_options}')
    UNION ALL
    SELECT o.number, o.kind, coalesce(o.identity, o.target_identity), o.state, 'a snapshot knows no connection of a subscription', 'beyond'
    FROM object o WHERE o.kind = 'subscription'
    UNION ALL
    SELECT o.number, o.kind, o.identity, 'validated', schemaguard.sg_sync_fill('the server refuses ALTER {above} VALIDATE CONSTRAINT '
        '{name|I} while {held} holds values of it: give that another type, run the statement, and the type again', o.new), 'beyond'
    FROM object o
    WHERE o.kind = 'constraint' AND o.new ? 'held' AND (o.new ->> 'validated')::boolean
        AND (o.state = 'missing' OR o.changes && '{validated,expression}')
)
SELECT s.number, s.kind, s.object, s.what, s.told, NULL, NULL, s.note FROM said s
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_beyond(schemaguard.sync_object[], schemaguard.sync_object[], schemaguard.sync_made[],
    schemaguard.sync_fired[], boolean)
    IS 'returns differences that no statement can repair';

-- Returns pairs that no statement is made for: what could not be read, may be renamed, or is made by something else; and what is left out,
-- as sg_sync_left_over() says. Statements: with what is left out.
CREATE FUNCTION schemaguard.sg_sync_alone(objects schemaguard.sync_object[], statements schemaguard.sync_statement[],
    left_over schemaguard.sync_left_over[], leave_native boolean)
RETURNS SETOF schemaguard.sync_remark
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
WITH object AS MATERIALIZED (
    SELECT o.*, coalesce(o.identity, o.target_identity) AS object, coalesce(o.properties, o.target_properties) AS any_properties
    FROM unnest(objects) o
)
SELECT coalesce(min(o.number), 0), l.kind, l.object, CASE WHEN l.native AND leave_native THEN 'not tried' ELSE 'left out' END,
    coalesce(regexp_replace(l.problem, '^not tried: ', ''), 'it needs ' || l.below), NULL, NULL, 'beyond'
FROM unnest(left_over) l LEFT JOIN object o ON o.kind = l.kind AND l.object IN (o.identity, o.target_identity)
WHERE l.native OR (l.kind, l.object) IN (SELECT s.kind, s.object FROM unnest(statements) s)
GROUP BY l.kind, l.object, l.native, l.problem, l.below
UNION ALL
-- columns that come and go with it
SELECT c.number, c.kind, c.object, 'left out', 'it needs type ' || y.object, NULL, NULL, 'beyond'
FROM object c JOIN schemaguard.sg_sync_typed(objects) x ON c.parent = x.identity OR c.target_parent = x.target_identity
JOIN object y ON y.number = x.type JOIN unnest(left_over) l ON l.kind = y.kind AND l.object = y.object
WHERE c.kind = 'column' AND c.state IN ('missing', 'extra')
UNION ALL
SELECT o.number, o.kind, o.object,
    CASE WHEN o.unknown IS NOT NULL THEN 'could not be read' WHEN o.score IS NULL THEN 'waits' ELSE 'asked' END,
    coalesce(o.unknown, schemaguard.sg_sync_question(o.kind, o.target_identity, o.score, o.withheld)), o.target_identity, o.identity,
    CASE WHEN o.unknown IS NULL THEN 'asked' ELSE 'unknown' END
FROM object o WHERE o.unknown IS NOT NULL OR o.withheld IS NOT NULL
UNION ALL
SELECT o.number, o.kind, o.object, CASE WHEN o.any_properties ? 'extension' THEN 'belongs to an extension' ELSE 'is a partition' END,
    NULL, o.any_properties ->> 'extension', NULL, 'unmanaged'
FROM object o
WHERE NOT o.managed AND o.unknown IS NULL AND o.withheld IS NULL AND o.state <> 'same'
    AND (o.any_properties ? 'extension' OR o.kind = 'table' AND o.any_properties ? 'partition_of')
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_alone(schemaguard.sync_object[], schemaguard.sync_statement[], schemaguard.sync_left_over[],
    boolean)
    IS 'returns objects for which no statement is made';
