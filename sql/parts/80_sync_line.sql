-- Sync: which kind of step of a plan does what a statement does

-- Returns the statements of sg_sync_united() for this database, with what keeps them from being run: rows that no step of its own looks
-- at, or mends, and what would be lost
CREATE FUNCTION schemaguard.sg_sync_acts(pairs schemaguard.sync_pair[], reference text, allow_drop boolean, partitions boolean)
RETURNS SETOF schemaguard.sync_act
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $function$
WITH united AS MATERIALIZED (
    SELECT s.* FROM schemaguard.sg_sync_united(pairs, reference, 'live', allow_drop, partitions) WITH ORDINALITY
        s (section, place, kind, object, what, statement, guard, before, after, note, index, index_after, cost, finders, unit, n)
), blocker AS MATERIALIZED (
    SELECT c.finder, schemaguard.sg_sync_in_way(c.finder, schemaguard.sg_sync_finds(c.finder)) AS told
    FROM (SELECT DISTINCT unnest(u.finders) AS finder FROM united u
          WHERE u.kind = 'table' OR u.kind = 'column' AND u.what = 'type collation' OR u.kind = 'type' AND u.what = 'labels'
          UNION SELECT f FROM united u CROSS JOIN LATERAL unnest(u.finders) f WHERE starts_with(f, '!')) c
)
SELECT s.section, s.kind, s.object, s.what, s.statement, s.guard, s.before, s.after, s.note, s.unit, 10 * s.n,
    split_part(s.note, ' loses ', 1), b.blocked,
    s.section = 0 OR s.note LIKE '% loses %' AND NOT allow_drop OR b.blocked IS NOT NULL
FROM united s CROSS JOIN LATERAL (SELECT min(b.told) AS blocked FROM blocker b WHERE b.finder = ANY (s.finders)) b
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_acts(schemaguard.sync_pair[], text, boolean, boolean)
    IS 'returns statements for this database, with the obstacles that keep them from being run';

-- Returns the statements that can be run, with their objects. Where something is renamed, that alone: the rest has the new names then.
CREATE FUNCTION schemaguard.sg_sync_lines(acts schemaguard.sync_act[], pairs schemaguard.sync_pair[])
RETURNS SETOF schemaguard.sync_line
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
WITH twin AS MATERIALIZED (
    SELECT array_agg(DISTINCT p.number) AS numbers
    FROM unnest(pairs) p CROSS JOIN LATERAL (VALUES (p.parent, p.properties), (p.target_parent, p.target_properties)) k (parent, key)
    WHERE p.kind = 'constraint' AND k.key ? 'references'
    GROUP BY k.parent, k.key -> 'columns', k.key -> 'references', k.key -> 'referenced_columns'
    HAVING count(DISTINCT p.number) > 1
), pair AS MATERIALIZED (
    SELECT p.kind, coalesce(p.identity, p.target_identity) AS object, p.target_identity, coalesce(p.parent, p.target_parent) AS parent,
        coalesce(p.name, p.target_name) AS name, p.target_name, p.properties AS new, p.target_properties AS old, p.changes,
        -- two that are not the same may have one name
        count(*) OVER (PARTITION BY p.kind, coalesce(p.identity, p.target_identity)) > 1 AS shared,
        -- of foreign keys, one may say what another says, or has said
        p.number IN (SELECT unnest(t.numbers) FROM twin t) AS twin
    FROM unnest(pairs) p
), act AS MATERIALIZED (
    SELECT a.* FROM unnest(acts) a
), gone AS MATERIALIZED (
    SELECT t.object, min(t.n) AS n FROM act t WHERE t.kind = 'table' AND t.step = 'drop' GROUP BY 1
)
SELECT a.section, a.kind, a.object, a.what, a.statement, a.guard, a.before, a.after, a.note, a.unit, a.n, a.step,
    p.target_identity, p.parent, p.name, p.target_name, p.new, p.old, p.changes, p.twin, g.n,
    coalesce(p.new, p.old) ->> 'type', schemaguard.sg_sync_new_name(p.name),
    EXISTS (SELECT FROM act t WHERE t.kind = 'table' AND t.what = 'created'
        AND t.object = CASE a.kind WHEN 'table' THEN a.object ELSE p.parent END),
    coalesce(p.new ->> 'validated', 'true') = 'true' AND coalesce(p.new ->> 'enforced', 'true') = 'true'
        AND coalesce(p.new ->> 'no_inherit', 'false') = 'false',
    coalesce(schemaguard.sg_sync_fill('{?!include}{?!nulls_not_distinct}{?!options}{?!tablespace}{?!period}{?!index_name}', p.new),
        'no') = '',
    a.kind IN ('constraint', 'index') AND coalesce('partition_of' = ANY (p.changes) AND NOT p.new ? 'partition_of', false),
    (SELECT c.relkind FROM pg_class c WHERE c.oid = to_regclass(CASE a.kind WHEN 'table' THEN a.object ELSE p.parent END)),
    NULL::text, CASE WHEN a.what LIKE 'dropped%' THEN 'drop' WHEN a.what IN ('renamed', 'announced') THEN a.what ELSE '' END,
    CASE WHEN a.what = 'replaced' THEN schemaguard.sg_sync_new_name(p.name)
        WHEN a.kind = 'constraint' THEN coalesce(p.new ->> 'index_name', p.name) ELSE p.name END
FROM act a LEFT JOIN pair p ON p.kind = a.kind AND p.object = a.object
    AND NOT (p.shared AND CASE WHEN a.what LIKE 'dropped%' THEN p.old ELSE p.new END IS NULL)
LEFT JOIN gone g ON g.object = p.parent
WHERE NOT a.lost AND (a.what = 'renamed' OR NOT EXISTS (SELECT FROM act r WHERE r.what = 'renamed'))
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_lines(schemaguard.sync_act[], schemaguard.sync_pair[])
    IS 'returns statements with their objects';

-- Returns lines with their forms
CREATE FUNCTION schemaguard.sg_sync_formed(lines schemaguard.sync_line[], acts schemaguard.sync_act[], pairs schemaguard.sync_pair[])
RETURNS SETOF schemaguard.sync_line
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
WITH joining AS MATERIALIZED (
    SELECT a.object, a.what = 'inherits' AS heir, p.properties
    FROM unnest(acts) a LEFT JOIN unnest(pairs) p ON p.kind = 'table' AND coalesce(p.identity, p.target_identity) = a.object
    WHERE a.kind = 'table' AND (a.what = 'inherits' OR a.statement LIKE '% ATTACH PARTITION %')
), joined AS MATERIALIZED (
    -- tables that become partitions, what they are partitions of, and what gets heirs; and tables that get the columns of a type
    SELECT a.object FROM unnest(acts) a WHERE a.kind = 'table' AND a.what = 'of_type' AND a.statement NOT LIKE '% NOT OF'
    UNION
    SELECT unnest(ARRAY[j.object, j.properties ->> 'partition_of']) AS object FROM joining j WHERE NOT j.heir
    UNION
    SELECT i.parent FROM joining j CROSS JOIN jsonb_array_elements_text(j.properties -> 'inherits') i (parent) WHERE j.heir
), act AS MATERIALIZED (
    SELECT a.kind, a.object, a.what FROM unnest(acts) a WHERE a.what IN ('created', 'default dropped')
)
SELECT l.section, l.kind, l.object, l.what, l.statement, l.guard, l.before, l.after, l.note, l.unit, l.n, l.step, l.target_identity,
    l.parent, l.name, l.target_name, l.new, l.old, l.changes, l.twin, l.gone_at, l.type, l.new_name, l.in_new, l.firm, l.plain, l.freed,
    l.relkind, CASE
        WHEN l.what = 'renamed' THEN CASE l.kind WHEN 'column' THEN 'rename' ELSE 'statement' END
        -- in the transaction of what is dropped and made again; what holds values is kept by a step of its own
        WHEN l.unit IS NOT NULL AND CASE WHEN l.what LIKE 'dropped%' THEN l.kind NOT IN ('table', 'column') OR l.old ? 'generated'
            ELSE l.kind NOT IN ('index', 'constraint') END THEN 'statement'
        WHEN l.kind = 'column' AND l.relkind IN ('r', 'p') THEN CASE
            WHEN l.what = 'created' THEN 'column'
            -- a partition or heir that joins can't have less than the whole, nor a typed table more than its type, nor heirs lose what
            -- only it loses
            WHEN l.what LIKE 'dropped%' THEN CASE WHEN l.old ? 'generated' OR l.parent IN (SELECT j.object FROM joined j)
                OR l.statement LIKE 'ALTER TABLE ONLY %' THEN 'statement' ELSE 'drop' END
            WHEN l.what = 'not_null' AND (l.new ->> 'not_null')::boolean THEN 'not null'
            WHEN l.what = 'default' AND l.changes = '{default}' AND NOT EXISTS (SELECT FROM act d WHERE d.kind = l.kind
                AND d.object = l.object AND d.what = 'default dropped') THEN 'default'
            ELSE 'statement' END
        -- a step for a partitioned table makes those of its partitions
        WHEN l.kind IN ('constraint', 'index') AND l.what IN ('created', 'partition_of') AND CASE l.kind WHEN 'index'
            THEN NOT l.new ? 'tablespace' ELSE l.type IN ('p', 'u') AND l.plain END
            AND EXISTS (SELECT FROM act w WHERE w.kind = l.kind AND w.object = l.new ->> 'partition_of' AND w.what = 'created') THEN 'with'
        WHEN l.kind = 'constraint' AND l.statement LIKE 'ALTER DOMAIN %' THEN 'statement'
        WHEN l.kind = 'constraint' AND l.type IN ('f', 'c') THEN CASE
            -- the keys of a table go with it
            WHEN l.what LIKE 'dropped%' THEN CASE WHEN l.gone_at < l.n THEN 'with' ELSE 'drop' END
            WHEN l.twin OR l.relkind = 'f' THEN 'statement'
            WHEN l.firm AND l.what IN ('created', 'replaced') AND l.section = 4 THEN CASE l.type WHEN 'f' THEN 'foreign key'
                ELSE 'check' END
            WHEN l.firm AND l.what = 'replaced' AND l.section = 6 THEN 'swap'
            WHEN l.firm AND l.section = 5 THEN CASE WHEN l.step <> 'alter' OR l.what = 'replaced' THEN 'with' WHEN l.type = 'f'
                THEN 'foreign key' ELSE 'check' END
            ELSE 'statement' END
        WHEN l.kind = 'constraint' AND l.type IN ('p', 'u') AND l.what = 'created' AND l.plain AND l.section > 2 THEN CASE
            WHEN l.section = 3 OR l.relkind = 'p' THEN 'unique' ELSE 'with' END
        -- such an index is not built outside of a transaction; nobody writes there
        WHEN l.kind = 'index' AND l.section = 3 AND l.relkind = 'm' AND l.new ?| '{predicate,expressions}' THEN 'statement'
        WHEN l.kind IN ('constraint', 'index') AND l.section = 3 AND (l.freed OR l.relkind NOT IN ('r', 'p')) THEN 'outside'
        WHEN l.kind IN ('constraint', 'index') AND l.section = 3 THEN 'index'
        WHEN l.kind = 'index' AND l.what = 'created' AND l.relkind = 'p' AND NOT l.in_new AND NOT l.new ? 'tablespace' THEN 'index'
        WHEN l.kind = 'table' AND l.what LIKE 'dropped%' AND l.old ->> 'type' IN ('table', 'partitioned table') THEN 'drop'
        ELSE 'statement' END, l.part, l.index_name
FROM unnest(lines) l
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_formed(schemaguard.sync_line[], schemaguard.sync_act[], schemaguard.sync_pair[])
    IS 'returns statements with the kinds of steps that carry them out';
