-- Sync: what the guard of a statement asks, and what it has to hear before and after

-- Returns what guards ask for, by kind, in the order of the rules. Printed: PostgreSQL prints it, so between two majors it says nothing;
-- fresh: as a new object has it.
CREATE FUNCTION schemaguard.sg_sync_facts(kinds text[], other_major boolean,
    OUT kind text, OUT property text, OUT number bigint, OUT main boolean, OUT printed boolean, OUT fresh text, OUT expression text)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
WITH rule AS MATERIALIZED (
    SELECT r.* FROM schemaguard.sg_sync_rules() r WHERE r.step IN ('at', 'is')
)
SELECT a.kind, i.property, i.number, i.section = 1, i.anew, i.state,
    CASE WHEN i.anew THEN schemaguard.sg_sync_loosely(x.expression) ELSE x.expression END
FROM rule a JOIN rule i ON i.kind IN (a.kind, '*') AND i.step = 'is'
CROSS JOIN LATERAL (SELECT replace(CASE i.property WHEN 'owner' THEN replace(i.statement, '{owner_column}', a.state) ELSE i.statement END,
    -- as sql/snapshot/ has it
    '(secret)', replace('^[^=]*(pass|pwd|secret|token|credential|key)|://[^/@]*:.*@|(pass|pwd|secret|token|api_?key)[a-z_]*["'']?'
        '[[:space:]]*[=:]', '''', ''''''))) x (expression)
WHERE a.step = 'at' AND a.kind = ANY (kinds) AND x.expression IS NOT NULL
    AND NOT (i.kind = '*' AND EXISTS (SELECT FROM rule o WHERE o.kind = a.kind AND o.step = 'is' AND o.property = i.property))
    AND NOT (other_major AND i.property IN ('query', 'definition', 'sql_body') AND i.anew)
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_facts(text[], boolean)
    IS 'returns the queries of guards, by kind of object';

-- Returns statements with their guards. What has the name of something that is dropped may be of another kind: it is left alone.
CREATE FUNCTION schemaguard.sg_sync_guards(steps schemaguard.sync_step[], other_major boolean)
RETURNS SETOF schemaguard.sync_statement
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
WITH fact AS MATERIALIZED (
    SELECT f.* FROM schemaguard.sg_sync_facts(ARRAY(SELECT DISTINCT s.kind FROM unnest(steps) s), other_major) f
), place AS MATERIALIZED (
    SELECT r.kind, r.statement, coalesce(x.kinds, '') AS kinds FROM schemaguard.sg_sync_rules() r LEFT JOIN (VALUES
        ('table', ' AND o.relkind IN (''r'', ''p'', ''f'')'), ('view', ' AND o.relkind = ''v'''),
        ('materialized view', ' AND o.relkind = ''m'''), ('sequence', ' AND o.relkind = ''S'''),
        ('index', ' AND o.relkind IN (''i'', ''I'')'), ('domain', ' AND o.typtype = ''d'''),
        ('type', ' AND o.typtype <> ''d'' AND (o.typrelid = 0 OR EXISTS (SELECT FROM pg_catalog.pg_class c WHERE c.oid = o.typrelid AND '
            'c.relkind = ''c''))')) x (kind, kinds) ON x.kind = r.kind
    WHERE r.step = 'at'
), asked AS (
    SELECT s.*, q.properties AS asked, q.printed, q.expressions, q.alone, s.state ~ '^[?!]' AS told,
        schemaguard.sg_sync_fill(p.statement, s.context) || CASE s.step WHEN 'drop' THEN p.kinds ELSE '' END AS place_of
    FROM unnest(steps) s LEFT JOIN place p ON p.kind = s.kind
    CROSS JOIN LATERAL (SELECT s.step IN ('create', 'drop') AND s.state IS NULL AS whole) w
    -- what has only the name of what a plan keeps is a column of its table
    CROSS JOIN LATERAL (
        SELECT coalesce(format(' OR pg_catalog.quote_ident(a.attname) || '' '' || pg_catalog.format_type(a.atttypid, '
            'a.atttypmod) = ANY (%L::text[])',
            nullif(ARRAY(SELECT c.text FROM unnest(ARRAY[s.olds, s.news]) v (v), jsonb_array_elements_text(
                CASE jsonb_typeof(v.v -> 'columns_state') WHEN 'array' THEN v.v -> 'columns_state' ELSE '[]' END) c (text)
                WHERE c.text ~ '^"?_sg_dropped_'), '{}')), '') AS or_own) own
    CROSS JOIN LATERAL (
        SELECT array_agg(f.property ORDER BY f.number) AS properties, array_agg(f.printed ORDER BY f.number) AS printed,
            NOT w.whole AND count(*) = 1 AS alone,
            string_agg(CASE WHEN NOT w.whole AND x.n = 1 THEN '' ELSE quote_literal(f.property || ': ') || ' || ' END
                -- what a new object has is as good as nothing, unless it is to have that
                || CASE WHEN s.step = 'fresh' AND f.fresh IS NOT NULL THEN format('nullif(%s, nullif(%s, %L))', f.expression, f.fresh,
                    s.news ->> f.property) ELSE replace(f.expression, '(or_own)', own.or_own) END, ', ' ORDER BY f.number) AS expressions
        FROM (SELECT f.*, count(*) OVER () AS n FROM fact f WHERE f.kind = s.kind AND CASE WHEN w.whole THEN f.main
            AND NOT (s.step = 'drop' AND f.property = 'columns_state' AND s.context ? 'partition_of')
            ELSE f.property = ANY (string_to_array(coalesce(substring(s.state FROM '^=(.*)'), s.property), ' ')) END) f
        CROSS JOIN LATERAL (SELECT f.n) x (n)) q
)
SELECT row_number() OVER (), s.section, s.place, s.kind, s.object, s.what, s.statement, s.step, s.context, s.property, s.loss,
    CASE WHEN s.state LIKE '?%' THEN schemaguard.sg_sync_fill(substr(s.state, 2), s.context)
        WHEN s.state LIKE '!%' THEN replace(replace(substr(s.state, 2), '{acl}', s.expressions), '{place}', s.place_of)
        WHEN s.place_of IS NULL OR s.expressions IS NULL AND s.step NOT IN ('create', 'drop') THEN NULL
        WHEN s.alone THEN format('(SELECT %s FROM %s)', s.expressions, s.place_of)
        ELSE format('(SELECT %s FROM %s)', coalesce('pg_catalog.concat_ws(''; '', ' || s.expressions || ')', '''there'''), s.place_of) END,
    CASE WHEN s.told THEN 'before' WHEN s.step IN ('create', 'fresh') THEN NULL
        ELSE schemaguard.sg_sync_expected(s.olds, s.asked, s.printed, s.alone) END,
    CASE WHEN s.told THEN 'after' WHEN s.news IS NULL THEN NULL
        ELSE schemaguard.sg_sync_expected(s.news, s.asked, s.printed, s.alone) END
FROM asked s
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_guards(schemaguard.sync_step[], boolean)
    IS 'returns statements with their guards';

-- Returns the condition under which something is still as it was for which objects are made anew, by kind and name of these: what is the
-- same before and after goes as long as there is a reason. Objects: as sg_sync_managed() has them; described: those that differ.
CREATE FUNCTION schemaguard.sg_sync_reasons(objects schemaguard.sync_object[], made schemaguard.sync_made[],
    anew schemaguard.sync_anew[], statements schemaguard.sync_statement[], OUT kind text, OUT object text, OUT condition text)
RETURNS SETOF record
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
WITH object AS MATERIALIZED (
    SELECT m.number, m.kind, m.state, m.identity, m.target_identity, m.target_parent, m.parent_state, m.old ->> 'owned_by' AS owned_by
    FROM unnest(made) m WHERE m.state <> 'same'
), cause AS (
    -- what goes with a table goes for what that goes for
    SELECT a.number, a.kind, a.target_identity, coalesce(t.number, a.cause) AS cause
    FROM unnest(anew) a LEFT JOIN object o ON o.number = a.cause
    LEFT JOIN object t ON t.kind = 'table' AND t.state = 'extra' AND (t.target_identity = o.target_parent AND o.parent_state = 'extra'
        OR o.kind = 'sequence' AND starts_with(o.owned_by, t.target_identity || '.'))
    UNION
    -- what loses its default or type meanwhile
    SELECT o.number, o.kind, o.target_identity, unnest(CASE WHEN a.differs THEN ARRAY[a.cause, a.number] ELSE ARRAY[a.cause] END)
    FROM schemaguard.sg_sync_on_anew(objects, anew) b JOIN unnest(objects) o ON o.number = b.number
    JOIN unnest(anew) a ON a.number = b.cause
), ahead AS MATERIALIZED (
    SELECT o.number, string_agg(format('%s IS NOT DISTINCT FROM %L', s.guard, s.before), ' OR ' ORDER BY s.section, s.place) AS condition
    FROM (SELECT DISTINCT c.cause AS number FROM cause c) c JOIN object o ON o.number = c.number
    JOIN unnest(statements) s ON s.kind = o.kind AND s.object IN (o.target_identity, o.identity)
        AND (s.section <= 2 OR s.what = 'replaced') AND s.step IN ('drop', 'alter')
        AND s.guard IS NOT NULL AND s.before IS DISTINCT FROM s.after
    GROUP BY o.number
)
SELECT c.kind, c.target_identity, string_agg(a.condition, ' OR ' ORDER BY c.cause)
FROM cause c LEFT JOIN ahead a ON a.number = c.cause
WHERE c.cause <> c.number
GROUP BY c.kind, c.target_identity HAVING bool_and(a.condition IS NOT NULL)
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_reasons(schemaguard.sync_object[], schemaguard.sync_made[], schemaguard.sync_anew[],
    schemaguard.sync_statement[])
    IS 'returns the condition under which the reason to recreate an object still holds';
