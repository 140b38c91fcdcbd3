-- Sync: the statements, each of one rule or of one thing that no rule says

-- Returns what is dropped: first what is made anew, in reverse, last what goes for good
CREATE FUNCTION schemaguard.sg_sync_drops(made schemaguard.sync_made[])
RETURNS SETOF schemaguard.sync_step
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
WITH object AS MATERIALIZED (
    SELECT m.*, coalesce(own.statement, 'DROP {object}') AS drop,
        coalesce(own.loss, 'the ' || m.kind) AS loss, CASE WHEN own.properties && m.changes THEN own.state END AS asked,
        m.old ? 'references' OR m.kind IN ('policy', 'rule') AS alone,
        -- what is made anew gets another name then, not before
        coalesce(m.new, m.old) || CASE WHEN m.kind IN ('constraint', 'index') AND m.new -> 'name' <> m.old -> 'name'
            THEN jsonb_build_object('name', m.old -> 'name',
                                    'identity', schemaguard.sg_sync_schema(m.identity) || '.' || quote_ident(m.old ->> 'name'))
            ELSE '{}' END AS going
    FROM unnest(made) m LEFT JOIN (SELECT r.kind, r.statement, r.loss, r.state, string_to_array(r.property, ' ') AS properties
        FROM schemaguard.sg_sync_rules() r WHERE r.step = 'drop' OFFSET 0) own ON own.kind = m.kind
    WHERE m.again OR m.state = 'extra'
), comes AS MATERIALIZED (
    SELECT m.kind, m.new ->> 'address' AS address, m.new FROM unnest(made) m WHERE m.state = 'missing'
), identity AS MATERIALIZED (
    SELECT m.target_identity FROM unnest(made) m WHERE m.kind = 'column' AND 'identity' = ANY (m.changes)
), led_to AS MATERIALIZED (
    SELECT d.value ->> 0 AS kind, d.value ->> 1 AS identity FROM unnest(made) m CROSS JOIN jsonb_array_elements(m.old -> 'depends') d
    WHERE m.again AND m.state <> 'extra' AND m.old ? 'references'
)
SELECT 2, CASE
        -- what a partition has of the whole is its own when it has left
        WHEN o.kind IN ('index', 'constraint') AND o.old ? 'partition_of' AND o.old ? 'left' THEN (o.old ->> 'left')::bigint * 1000 + 999
        -- a key before what it leads to
        WHEN o.old ? 'references' THEN -500000000 - o.back::bigint * 1000
        WHEN o.kind = 'event trigger' THEN -3000000000 + o.number ELSE -o.back::bigint * 1000 END,
    o.kind, o.target_identity, 'dropped, to be made anew', schemaguard.sg_sync_fill(o.drop, o.going), 'drop', o.going, o.old,
    -- it may be another one that is made
    coalesce(o.new, (SELECT c.new FROM comes c WHERE c.kind = o.kind AND c.address = o.old ->> 'address')), o.asked, NULL,
    -- what a generated column holds comes back with it
    CASE WHEN o.state = 'extra' OR o.kind = 'column' AND NOT o.old ? 'generated' THEN o.loss END
FROM object o
WHERE o.again AND (o.parent_state IS DISTINCT FROM 'extra' OR o.alone)
    -- a partition's goes when it is detached, a sequence with its column
    AND NOT (o.kind IN ('trigger', 'constraint') AND o.old ? 'partition_of') AND NOT (o.kind = 'sequence' AND o.old ? 'owned_by')
UNION ALL
-- last, but for a sequence whose name that of an identity column needs, and a key that a foreign key is to lead to no more
SELECT CASE WHEN o.kind = 'event trigger' THEN 2 WHEN l.identity IS NOT NULL THEN 4 ELSE 6 END,
    CASE WHEN o.kind = 'event trigger' THEN -3000000000 + o.number
        WHEN o.kind = 'sequence' AND o.old ->> 'owned_by' IN (SELECT i.target_identity FROM identity i) THEN -o.back::bigint
        -- a column of a table's own after the one that it also inherits
        ELSE 1000000000 - o.back::bigint * 1000 + coalesce((o.old ->> 'deep')::bigint, 0) * 100000000 END,
    o.kind, o.target_identity, 'dropped', schemaguard.sg_sync_fill(o.drop, o.old), 'drop', o.old, o.old, NULL, NULL, NULL, o.loss
FROM object o LEFT JOIN (SELECT DISTINCT t.* FROM led_to t) l ON l.kind = o.kind AND l.identity = o.target_identity
WHERE o.state = 'extra' AND o.kind NOT IN ('default privilege', 'subscription') AND NOT o.again
    -- what a script that has not ended has made beside another one
    AND NOT (o.kind IN ('constraint', 'index') AND (o.target_parent, o.old ->> 'name') IN (SELECT b.target_parent, b.new ->> 'new_name'
        FROM unnest(made) b WHERE b.beside))
    -- what may hold another table
    AND (o.parent_state IS DISTINCT FROM 'extra' OR o.alone AND o.target_parent NOT IN (SELECT t.target_identity FROM object t
        WHERE t.kind = 'table' AND t.again))
UNION ALL
-- a column of a partition that has left what it had it from
SELECT 6, 1500000000 + o.number::bigint, o.kind, o.target_identity, 'dropped',
    schemaguard.sg_sync_fill('ALTER TABLE {parent} DROP COLUMN {name|I}', o.old), 'drop', o.old, o.old, NULL, NULL, NULL, o.loss
FROM object o JOIN unnest(made) p ON p.joins_late AND p.target_identity = o.target_parent
WHERE o.kind = 'column' AND o.state = 'extra' AND o.parent_state IS NULL AND o.old ->> 'inherited' = 'only'
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_drops(schemaguard.sync_made[])
    IS 'returns the statements that drop objects';

-- Returns what takes and gives defaults and types around what is made anew
CREATE FUNCTION schemaguard.sg_sync_detours(objects schemaguard.sync_object[], anew schemaguard.sync_anew[],
    meanwhile schemaguard.sync_meanwhile[])
RETURNS SETOF schemaguard.sync_step
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
WITH object AS MATERIALIZED (
    SELECT o.number, o.back, o.kind, coalesce(o.identity, o.target_identity) AS identity, o.changes, o.old, o.new,
        m.no_default AND o.number NOT IN (SELECT a.number FROM unnest(anew) a WHERE a.again) AS no_default, m.type
    FROM unnest(objects) o JOIN unnest(meanwhile) m ON m.number = o.number WHERE o.parent_state IS DISTINCT FROM 'extra'
)
SELECT 2, -o.back::bigint * 1000, o.kind, o.identity, 'default dropped',
    schemaguard.sg_sync_fill(x.alter || 'DROP DEFAULT', o.old), 'drop', o.old, o.old, o.new, '=default', NULL, NULL
FROM object o CROSS JOIN LATERAL (SELECT CASE o.kind WHEN 'domain' THEN 'ALTER DOMAIN {identity} '
    ELSE 'ALTER TABLE ONLY {parent} ALTER COLUMN {name|I} ' END) x (alter)
WHERE o.no_default
UNION ALL
SELECT 2, o.number::bigint * 1000 + 450, o.kind, o.identity, 'default again',
    schemaguard.sg_sync_fill(x.alter, o.new) || 'SET DEFAULT ' || (o.new ->> 'default'), 'alter', o.new, NULL, o.new, '=default', NULL, NULL
FROM object o CROSS JOIN LATERAL (SELECT CASE o.kind WHEN 'domain' THEN 'ALTER DOMAIN {identity} '
    ELSE 'ALTER TABLE ONLY {parent} ALTER COLUMN {name|I} ' END) x (alter)
WHERE o.no_default AND o.new ->> 'default' IS NOT NULL
    AND NOT coalesce(o.changes && '{default,type,collation,generated,generated_kind}', false)
UNION ALL
SELECT 2, -o.back::bigint * 1000, o.kind, o.identity, 'type, meanwhile',
    schemaguard.sg_sync_fill('ALTER TABLE {parent} [{?default}ALTER COLUMN {name|I} DROP DEFAULT, ]ALTER COLUMN {name|I} TYPE ', o.old)
        || o.type, 'drop', o.old, o.old, o.new, '=type collation', NULL, NULL
FROM object o WHERE o.type IS NOT NULL
UNION ALL
SELECT 2, o.number::bigint * 1000 + 440, o.kind, o.identity, 'type again', schemaguard.sg_sync_fill('ALTER TABLE {parent} '
    '[{?default}ALTER COLUMN {name|I} DROP DEFAULT, ]ALTER COLUMN {name|I} TYPE {type}[ COLLATE {collation}]'
    '[{?!is_foreign} USING {name|I}::text::{type}][, ALTER COLUMN {name|I} SET DEFAULT {default}]', o.new), 'alter', o.new,
    (o.old || jsonb_build_object('type', o.type)) - 'collation', o.new, '=type collation', NULL, NULL
FROM object o
WHERE o.type IS NOT NULL AND o.new IS NOT NULL AND NOT coalesce(o.changes && '{type,collation}', false)
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_detours(schemaguard.sync_object[], schemaguard.sync_anew[], schemaguard.sync_meanwhile[])
    IS 'returns the statements that change defaults and types while an object is recreated';

-- Returns what makes new objects and those that are made anew, and what is made beside those that stay until then
CREATE FUNCTION schemaguard.sg_sync_creates(made schemaguard.sync_made[])
RETURNS SETOF schemaguard.sync_step
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
WITH object AS MATERIALIZED (
    SELECT m.* FROM unnest(made) m WHERE m.state = 'missing' OR m.again OR m.beside
), rule AS MATERIALIZED (
    SELECT r.* FROM schemaguard.sg_sync_rules() r WHERE r.step IN ('create', 'beside', 'after', 'shell')
)
-- a column of an heir before that of the table above, which takes it for its own
SELECT r.section, coalesce(CASE o.new ->> 'inherited' WHEN 'and local' THEN (o.new ->> 'merged_at')::bigint END,
        o.number::bigint * 1000 + r.number)
        + CASE r.section WHEN o.late_at THEN o.late ELSE 0 END, o.kind, o.identity,
    CASE WHEN r.state IS NULL THEN 'created' ELSE 'validated' END, schemaguard.sg_sync_fill(r.statement, o.new),
    CASE WHEN r.state IS NULL THEN 'create' ELSE 'validate' END, o.new, '{"validated": false}'::jsonb, o.new, r.state, NULL, o.lost
FROM object o JOIN rule r ON r.kind = o.kind AND r.step = 'create'
WHERE (o.state = 'missing' OR o.again) AND (o.kind <> 'column' OR o.parent_state IS DISTINCT FROM 'missing')
    AND NOT (o.kind = 'constraint' AND o.new ? 'of_domain' AND o.new ? 'in_new' AND (o.new ->> 'validated')::boolean)
    -- and comes when it is attached
    AND NOT (o.kind = 'trigger' AND o.new ? 'partition_of')
UNION ALL
-- the old key goes before what it leads to
SELECT r.section, o.number::bigint * 1000 + r.number + CASE WHEN r.section = o.late_at THEN o.late
        WHEN r.section > 4 AND o.new ? 'references' THEN -1000000000
        -- one that is primary no more before the one that is
        WHEN o.old ->> 'type' = 'p' AND o.new ->> 'type' = 'u' THEN -500000000 ELSE 0 END,
    o.kind, o.identity, 'replaced', schemaguard.sg_sync_fill(r.statement, o.new), 'alter', o.new, NULL, NULL, r.state, NULL, NULL
FROM object o JOIN rule r ON r.kind = o.kind AND r.step = 'beside' WHERE o.beside
UNION ALL
-- columns that a new table has from elsewhere
SELECT 2, o.number::bigint * 1000 + x.n, o.kind, o.identity, 'as a column of its own', schemaguard.sg_sync_fill(x.statement, o.new),
    'fresh', o.new, NULL, o.new, NULL, x.property, NULL
FROM object o JOIN object t ON t.kind = 'table' AND t.identity = o.parent AND t.state <> 'same'
CROSS JOIN (VALUES (1, 'default', 'ALTER TABLE {parent} ALTER COLUMN {name|I} SET DEFAULT {default}'),
    (2, 'not_null', '{?not_null}ALTER TABLE {parent} ALTER COLUMN {name|I} SET NOT NULL')) x (n, property, statement)
WHERE o.kind = 'column' AND o.parent_state = 'missing' AND NOT t.new ? 'partition_of'
    AND (t.new ? 'of_type' OR o.new ->> 'inherited' = 'only')
UNION ALL
-- base types, for the functions that they are made of
SELECT 2, coalesce((SELECT max(s.number) FROM unnest(made) s WHERE s.kind IN ('schema', 'extension') AND s.state <> 'same'), 0)::bigint
        * 1000 + 999,
    o.kind, o.identity, 'announced', schemaguard.sg_sync_fill(r.statement, o.new), 'alter', o.new, NULL, NULL, r.state, NULL, NULL
FROM object o JOIN rule r ON r.kind = o.kind AND r.step = 'shell' WHERE o.state = 'missing'
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_creates(schemaguard.sync_made[])
    IS 'returns the statements that create objects';

-- Returns what new objects have beyond CREATE; creates: the statements of sg_sync_creates(). All: objects, equal ones included.
CREATE FUNCTION schemaguard.sg_sync_extras(made schemaguard.sync_made[], creates schemaguard.sync_step[],
    all_objects schemaguard.sync_object[], allow_drop boolean)
RETURNS SETOF schemaguard.sync_step
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
WITH object AS MATERIALIZED (
    SELECT m.* FROM unnest(made) m WHERE m.state = 'missing' OR m.again OR m.beside
), rule AS MATERIALIZED (
    SELECT r.*, string_to_array(r.property, ' ') AS properties FROM schemaguard.sg_sync_rules() r
    WHERE r.step = 'alter' AND r.anew OR r.step = 'after'
), born AS MATERIALIZED (
    SELECT c.kind, c.object, max(c.section) AS section FROM unnest(creates) c
    WHERE c.step = 'create' GROUP BY c.kind, c.object
)
-- readers of a materialized view that is made anew wait for its rows, too
SELECT p.section, o.number::bigint * 1000 + CASE WHEN p.at_once THEN 950
        WHEN r.property = 'not_null' AND r.section = 2 AND NOT o.new ? 'joins' THEN 1900000500 + r.number
        WHEN p.section = o.late_at THEN o.late + 500 + r.number ELSE 500 + r.number END,
    o.kind, o.identity, r.property,
    schemaguard.sg_sync_fill(r.statement, coalesce(o.fresh, o.new) || '{"old": {}}'), 'fresh', o.new, NULL::jsonb, o.new, r.state,
    r.property, o.lost
FROM object o JOIN rule r ON r.kind IN (o.kind, '*') AND r.step = 'alter' AND o.new ?| r.properties
LEFT JOIN born b ON b.kind = o.kind AND b.object = o.identity
CROSS JOIN LATERAL (SELECT x.at_once, CASE WHEN x.at_once THEN 2 ELSE greatest(r.section, b.section, CASE WHEN o.beside THEN 6 END) END
        AS section
    FROM (SELECT o.again AND r.property = 'populated' AND NOT EXISTS (SELECT FROM schemaguard.sg_sync_joining(all_objects)) AS at_once) x) p
WHERE o.kind <> 'subscription'
UNION ALL
-- what differs from the column of a table above, which comes with it
SELECT 2, 900000000 + o.number::bigint * 1000 + x.n, o.kind, o.identity, x.property, schemaguard.sg_sync_fill(x.statement, o.new), 'alter',
    o.new, (o.new - 'default') || x.old, o.new, NULL, x.property, NULL
FROM object o CROSS JOIN (VALUES
    (1, 'default', 'default_above', 'ALTER TABLE ONLY {parent} ALTER COLUMN {name|I} [SET DEFAULT {default}][{?!default}DROP DEFAULT]'),
    (2, 'not_null', 'firm', 'ALTER TABLE {parent} ALTER COLUMN {name|I} SET NOT NULL')) f (n, property, flag, statement)
CROSS JOIN LATERAL (SELECT f.*, CASE f.n WHEN 1 THEN o.new -> 'default_above' ELSE '{"not_null": false}' END)
    x (n, property, flag, statement, old)
WHERE o.kind = 'column' AND o.state = 'missing' AND o.new ? x.flag AND NOT o.new ? 'joins'
UNION ALL
-- partitions join when both have all columns and checks
SELECT CASE WHEN o.joins_late THEN 6 ELSE r.section END,
    CASE WHEN o.joins_late THEN 2000000000 WHEN o.kind = 'table' THEN 900000000 ELSE 0 END + o.number::bigint * 1000 + 500 + r.number,
    o.kind, o.identity, r.property, schemaguard.sg_sync_fill(r.statement, o.new), 'alter', o.new, NULL, NULL, r.state, NULL, NULL
FROM object o JOIN rule r ON r.kind = o.kind AND r.step = 'after'
WHERE o.state = 'missing' AND (allow_drop OR NOT o.joins_late)
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_extras(schemaguard.sync_made[], schemaguard.sync_step[], schemaguard.sync_object[], boolean)
    IS 'returns the statements for properties of new objects that CREATE does not set';

-- Returns what alters objects that stay. All: objects, equal ones included, for keys that columns are in.
CREATE FUNCTION schemaguard.sg_sync_alters(made schemaguard.sync_made[], rules schemaguard.sync_fired[],
    meanwhile schemaguard.sync_meanwhile[], all_objects schemaguard.sync_object[], allow_drop boolean)
RETURNS SETOF schemaguard.sync_step
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
WITH object AS MATERIALIZED (
    SELECT m.* FROM unnest(made) m WHERE m.state = 'changed'
), rule AS MATERIALIZED (
    SELECT r.*, r.statement LIKE '% ATTACH PARTITION %' AS attaches, r.statement LIKE '%TACH PARTITION%' AS moves
    FROM unnest(rules) r WHERE r.step IN ('rename', 'alter')
), waits AS MATERIALIZED (
    SELECT o.number, o.identity FROM unnest(made) o WHERE o.joins_late AND NOT allow_drop
), joining AS MATERIALIZED (
    SELECT j.identity FROM schemaguard.sg_sync_joining(all_objects) j
)
-- names first: all else has the new ones
SELECT 2, -1000000000 + o.number::bigint * 1000 + r.rule, o.kind, o.identity, 'renamed', schemaguard.sg_sync_fill(r.statement, o.new),
    'alter', o.new, NULL::jsonb, NULL::jsonb, r.state, NULL, NULL
FROM object o JOIN rule r ON r.number = o.number AND r.step = 'rename'
UNION ALL
SELECT CASE WHEN r.property = 'not_null' AND r.statement LIKE '%DROP NOT NULL%' AND k.target_parent IS NULL THEN 2
        WHEN r.attaches AND o.joins_late THEN 6 WHEN r.property = 'attributes' AND o.new ? 'attributes_again' THEN 2 ELSE r.section END,
    CASE WHEN o.kind = 'event trigger' AND r.section = o.late_at THEN o.late ELSE 0 END + CASE
        -- a sequence of a column's own gives its name away at once
        WHEN o.kind = 'column' AND r.property = 'identity' AND NOT o.new ? 'identity' THEN -o.number::bigint * 1000
        WHEN o.kind = 'table' AND r.section = 2 AND r.attaches
            THEN CASE WHEN o.joins_late THEN 2000000000 ELSE 900000000 END + o.number::bigint * 1000
        -- one that stays is away while others come alone, so that it has all that is altered of the whole
        WHEN r.moves AND o.kind = 'table' AND o.new ? 'partition_of' AND o.identity NOT IN (SELECT j.identity FROM joining j)
            THEN 800000000 + o.number::bigint
        -- a check that is on its way to partitions keeps none from being attached
        WHEN r.property = 'not_null' AND r.section = 2 AND (o.new ->> 'not_null')::boolean AND NOT o.new ? 'joins'
            THEN 1900000000 + o.number::bigint
        -- what stands on columns of its tables goes before
        WHEN r.property = 'attributes' AND r.section = 6 AND NOT o.new ? 'attributes_again' THEN 1500000000 + o.number::bigint
        -- before the type that it was of changes
        WHEN r.property = 'of_type' AND r.section = 2 THEN -900000000 + o.number::bigint
        -- after the keys that it is in, a whole before its partitions
        WHEN r.property = 'not_null' AND k.target_parent IS NOT NULL AND NOT coalesce((o.new ->> 'not_null')::boolean, false)
            THEN CASE WHEN o.new ? 'heirs_lose' AND NOT o.new ? 'inherited' THEN 1500000000 ELSE 2000000000 END + o.number::bigint
        WHEN r.property = 'not_null' AND o.new ? 'heirs_lose' AND NOT o.new ? 'inherited' THEN -400000000 + o.number::bigint
        -- what else is altered has the new name
        WHEN r.property = 'name' OR r.property = 'identity_sequence' AND o.new ? 'bounds_first' THEN o.number::bigint * 1000
        -- after the columns that only the parent has, and a sequence that has the name
        WHEN r.property = 'persistence' AND r.section = 6 THEN 2000000000 - o.number::bigint
        WHEN r.property IN ('inherits', 'identity', 'of_type') AND r.section = 6 THEN 2000000000 + o.number::bigint * 1000
        ELSE o.number::bigint * 1000 + r.rule END,
    o.kind, o.identity, r.property, schemaguard.sg_sync_fill(r.statement, o.new), 'alter', o.new,
    CASE WHEN m.type IS NOT NULL THEN (o.old || jsonb_build_object('type', m.type)) - '{collation,default}'::text[]
        WHEN m.no_default THEN o.old - 'default' ELSE o.old END, o.new, r.state, r.property, r.loss
FROM object o JOIN rule r ON r.number = o.number AND r.step = 'alter'
LEFT JOIN unnest(meanwhile) m ON m.number = o.number
-- primary keys, and what identifies rows for replicas
LEFT JOIN (SELECT DISTINCT k.target_parent FROM unnest(all_objects) k WHERE k.kind IN ('constraint', 'index')
        AND (k.target_properties ->> 'type' = 'p' OR k.target_properties ? 'replica_identity')) k
    ON r.property = 'not_null' AND o.kind = 'column' AND k.target_parent = o.target_parent
WHERE NOT o.again AND (NOT o.beside OR r.property = 'name' AND NOT o.new ? 'freed')
    AND NOT (r.moves AND (o.number IN (SELECT w.number FROM waits w)
        OR o.kind <> 'table' AND o.parent IN (SELECT w.identity FROM waits w)))
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_alters(schemaguard.sync_made[], schemaguard.sync_fired[], schemaguard.sync_meanwhile[],
    schemaguard.sync_object[], boolean)
    IS 'returns the statements that alter objects that stay';

-- Returns what grants and revokes; creates: the statements of sg_sync_creates(), all_objects: equal ones included
CREATE FUNCTION schemaguard.sg_sync_grantings(made schemaguard.sync_made[], creates schemaguard.sync_step[],
    all_objects schemaguard.sync_object[])
RETURNS SETOF schemaguard.sync_step
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
WITH object AS MATERIALIZED (
    SELECT m.*, m.state = 'missing' OR m.again AS fresh_one FROM unnest(made) m
), regranted AS MATERIALIZED (
    SELECT o.identity FROM object o WHERE o.kind = 'table' AND 'acl' = ANY (o.changes)
), born AS MATERIALIZED (
    SELECT c.kind, c.object, max(c.section) AS section FROM unnest(creates) c
    WHERE c.step = 'create' GROUP BY c.kind, c.object
), given AS MATERIALIZED (
    -- default privileges of the target, and those that the script makes: it may run again
    SELECT substring(coalesce(m.target_identity, m.identity) FROM ' ON ([A-Z ]+)$') AS kinds, coalesce(m.target_parent, m.parent) AS schema,
        g.grantee
    FROM unnest(all_objects) m CROSS JOIN LATERAL (SELECT jsonb_object_keys(m.target_properties -> 'acl')
        UNION SELECT jsonb_object_keys(m.properties -> 'acl')) g (grantee)
    WHERE m.kind = 'default privilege' AND m.managed
)
SELECT greatest(2, b.section), o.number::bigint * 1000 + 900, o.kind, coalesce(o.identity, o.target_identity), 'privileges', g.statements,
    'alter', o.new, o.old, o.new,
    -- a new object has what default privileges give it, and another owner the grants of the old one
    CASE WHEN NOT (o.state = 'changed' AND NOT o.again AND NOT 'owner' = ANY (o.changes)
            AND (o.kind <> 'column' OR o.parent NOT IN (SELECT r.identity FROM regranted r)))
        THEN '!' || schemaguard.sg_sync_acl_guard(o.kind, o.new ->> 'owner', o.new -> 'acl',
            CASE WHEN o.state = 'changed' AND NOT o.again THEN coalesce(o.old, '{}') END) END, 'acl', NULL
FROM object o LEFT JOIN born b ON b.kind = o.kind AND b.object = o.identity
CROSS JOIN LATERAL (SELECT string_agg(g.statement, E';\f\n' ORDER BY g.n) AS statements
    FROM jsonb_array_elements_text(schemaguard.sg_sync_grants(o.kind, CASE WHEN o.kind = 'column' THEN o.parent
            WHEN o.kind = 'procedure' THEN o.new ->> 'object' ELSE coalesce(o.identity, o.target_identity) END,
        CASE WHEN o.kind = 'column' THEN quote_ident(o.new ->> 'name') END, o.new ->> 'owner', o.new -> 'acl',
        CASE WHEN o.fresh_one THEN NULL ELSE o.old -> 'acl' END)) WITH ORDINALITY g (statement, n)) g
WHERE o.state = 'changed' AND 'acl' = ANY (o.changes) OR o.fresh_one AND o.new ? 'acl' OR o.kind = 'default privilege' AND o.state <> 'same'
UNION ALL
-- what is revoked on a table is revoked on its columns, too
SELECT 2, m.number::bigint * 1000 + 900, m.kind, m.identity, 'privileges again', (SELECT string_agg(g, E';\f\n') FROM
    jsonb_array_elements_text(schemaguard.sg_sync_grants('column', m.parent, quote_ident(m.name), NULL, m.properties -> 'acl', '{}')) g),
    'alter', m.properties || jsonb_build_object('parent', m.parent, 'name', m.name), NULL, NULL,
    '!' || schemaguard.sg_sync_acl_guard(m.kind, NULL, m.properties -> 'acl', '{}'), 'acl', NULL
FROM unnest(all_objects) m
WHERE m.managed AND m.kind = 'column' AND m.state = 'same' AND m.properties ? 'acl' AND m.parent IN (SELECT r.identity FROM regranted r)
UNION ALL
-- what the target would grant by default
SELECT 2, o.number::bigint * 1000 + 850, o.kind, o.identity, 'no default privileges',
    format('REVOKE ALL ON %s FROM %s', o.name, string_agg(DISTINCT d.grantee, ', ' ORDER BY d.grantee)), 'alter', o.new, NULL, NULL,
    format('!CASE WHEN EXISTS (SELECT FROM pg_catalog.jsonb_each((SELECT {acl}::pg_catalog.jsonb FROM {place})) g '
        'WHERE g.key = ANY (%L::text[]) AND g.value IS DISTINCT FROM %L::pg_catalog.jsonb -> g.key) THEN ''before'' ELSE ''after'' END',
        array_agg(DISTINCT d.grantee ORDER BY d.grantee), coalesce(o.new -> 'acl', '{}')), 'acl', NULL
FROM (SELECT o.*, k.kinds, k.word || CASE WHEN o.kind = 'procedure' THEN o.new ->> 'object' ELSE o.identity END AS name
      FROM object o JOIN (VALUES ('table', 'TABLES', 'TABLE '), ('view', 'TABLES', 'TABLE '), ('materialized view', 'TABLES', 'TABLE '),
          ('sequence', 'SEQUENCES', 'SEQUENCE '), ('function', 'FUNCTIONS', 'FUNCTION '), ('procedure', 'FUNCTIONS', ''),
          ('aggregate', 'FUNCTIONS', 'FUNCTION '), ('type', 'TYPES', 'TYPE '), ('domain', 'TYPES', 'DOMAIN '),
          ('schema', 'SCHEMAS', 'SCHEMA ')) k (kind, kinds, word) ON k.kind = o.kind
      WHERE o.fresh_one) o
JOIN given d ON d.kinds = o.kinds AND (d.schema IS NULL OR d.schema = o.parent) AND d.grantee <> quote_ident(o.new ->> 'owner')
    AND NOT (d.grantee = 'PUBLIC' AND o.kind IN ('function', 'procedure', 'aggregate', 'type', 'domain'))
GROUP BY o.number, o.kind, o.identity, o.new, o.name
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_grantings(schemaguard.sync_made[], schemaguard.sync_step[], schemaguard.sync_object[])
    IS 'returns the statements that grant and revoke';
