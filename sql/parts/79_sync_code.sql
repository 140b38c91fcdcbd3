-- Sync: whose code statements run, and what is left out for that, or because it is not what its rule says

-- Returns what statements name, whatever the documents say that they stand on. Every: the objects of sg_sync_every().
CREATE FUNCTION schemaguard.sg_sync_mentions(every schemaguard.sync_every[], seen schemaguard.sync_seen[],
    OUT number bigint, OUT kind text, OUT object text, OUT on_kind text, OUT on_object text)
RETURNS SETOF record
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT DISTINCT s.number, s.kind, s.object, e.kind, e.object
    FROM unnest(seen) s CROSS JOIN LATERAL unnest(s.names) n (name)
    JOIN unnest(every) e ON replace(schemaguard.sg_sync_name(e.object), '"', '') = n.name
    WHERE e.kind IN ('function', 'procedure', 'aggregate', 'operator', 'type', 'domain', 'table', 'view', 'materialized view')
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_mentions(schemaguard.sync_every[], schemaguard.sync_seen[])
    IS 'returns the objects that statements name';

-- Returns what objects of either side stand on
CREATE FUNCTION schemaguard.sg_sync_needs(every schemaguard.sync_every[], objects schemaguard.sync_object[], seen schemaguard.sync_seen[])
RETURNS SETOF schemaguard.sync_need
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
WITH object AS MATERIALIZED (
    SELECT e.kind, e.object, e.parent, e.depends FROM unnest(every) e
), depends AS MATERIALIZED (
    SELECT o.kind, o.object, d.value ->> 0 AS on_kind, d.value ->> 1 AS on_object
    FROM object o CROSS JOIN jsonb_array_elements(o.depends) d
)
SELECT d.kind, d.object, d.on_kind, d.on_object, 'depends' FROM depends d
UNION
SELECT o.kind, o.object, k.kind, o.parent, 'part'
FROM object o CROSS JOIN unnest('{table,view,materialized view,domain}'::text[]) k (kind)
WHERE o.kind IN ('column', 'constraint', 'index', 'statistics', 'rule', 'trigger', 'policy')
UNION
-- columns are of tables
SELECT d.kind, d.object, 'table', schemaguard.sg_sync_owner(d.on_object), 'part' FROM depends d WHERE d.on_kind = 'column'
UNION
-- a table that comes or goes, with its columns
SELECT t.kind, coalesce(t.identity, t.target_identity), o.kind, o.object, 'part'
FROM unnest(objects) t JOIN object o ON o.kind = 'column' AND o.parent = coalesce(t.identity, t.target_identity)
WHERE t.kind = 'table' AND t.state IN ('missing', 'extra')
UNION
SELECT m.kind, m.object, m.on_kind, m.on_object, 'text' FROM schemaguard.sg_sync_mentions(every, seen) m
WHERE m.on_kind IN ('function', 'procedure', 'aggregate', 'operator', 'type', 'domain')
UNION
-- values of a domain go through its checks
SELECT w.kind, w.object, o.kind, o.object, 'check' FROM object w JOIN object o ON o.kind = 'constraint' AND o.parent = w.object
WHERE w.kind = 'domain'
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_needs(schemaguard.sync_every[], schemaguard.sync_object[], schemaguard.sync_seen[])
    IS 'returns the dependencies of objects of either side';

-- Returns functions, operators and domains of roles that are no superusers, and what stands on them: a domain may get a check at any time
CREATE FUNCTION schemaguard.sg_sync_strange(every schemaguard.sync_every[], needs schemaguard.sync_need[])
RETURNS SETOF schemaguard.sync_owned
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
WITH RECURSIVE strange AS (
    SELECT e.kind, e.object, e.owner FROM unnest(every) e
    WHERE e.kind IN ('function', 'procedure', 'aggregate', 'operator', 'domain') AND NOT e.of_extension AND e.owner IS NOT NULL
        AND NOT EXISTS (SELECT FROM pg_roles r WHERE quote_ident(r.rolname) = e.owner AND r.rolsuper)
    UNION
    SELECT n.kind, n.object, s.owner
    FROM strange s JOIN unnest(needs) n ON n.on_kind = s.kind AND n.on_object = s.object AND n.way <> 'part'
)
SELECT s.kind, s.object, s.owner FROM strange s
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_strange(schemaguard.sync_every[], schemaguard.sync_need[])
    IS 'returns objects that run code of roles that are not superusers';

-- Returns types and columns of such types, and tables and views with them, whose rows are types, too. Strange: of sg_sync_strange().
CREATE FUNCTION schemaguard.sg_sync_strange_rows(strange schemaguard.sync_owned[], needs schemaguard.sync_need[])
RETURNS SETOF schemaguard.sync_owned
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
WITH RECURSIVE strange_row AS (
    SELECT s.kind, s.object, s.owner FROM unnest(strange) s WHERE s.kind IN ('type', 'domain')
    UNION
    SELECT x.kind, x.object, r.owner
    FROM strange_row r JOIN unnest(needs) n ON n.on_kind = r.kind AND n.on_object = r.object AND n.way IN ('depends', 'text')
        AND (n.kind IN ('type', 'domain', 'column', 'view', 'materialized view') OR n.kind = 'table' AND n.way = 'text')
    CROSS JOIN LATERAL (VALUES (n.kind, n.object), (CASE n.kind WHEN 'column' THEN 'table' END, schemaguard.sg_sync_owner(n.object)))
        x (kind, object)
    WHERE x.kind IS NOT NULL
)
SELECT r.kind, r.object, r.owner FROM strange_row r
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_strange_rows(schemaguard.sync_owned[], schemaguard.sync_need[])
    IS 'returns types and relations that have values of types that run code of other roles';

-- Returns types of which a literal is a value when the statement is read, and casts, of sg_sync_strange() and ..._rows()
CREATE FUNCTION schemaguard.sg_sync_strange_types(every schemaguard.sync_every[], strange schemaguard.sync_owned[],
    strange_rows schemaguard.sync_owned[])
RETURNS SETOF schemaguard.sync_owned
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT s.kind, s.object, s.owner FROM unnest(strange) s WHERE s.kind = 'cast'
    UNION
    SELECT CASE r.kind WHEN 'domain' THEN 'domain' ELSE 'type' END, r.object, r.owner FROM unnest(strange_rows) r WHERE r.kind <> 'column'
    UNION
    -- attributes can be added
    SELECT 'type', e.object, e.owner FROM unnest(every) e
    WHERE e.kind = 'type' AND e.type = 'composite' AND NOT e.of_extension
        AND NOT EXISTS (SELECT FROM pg_roles r WHERE quote_ident(r.rolname) = e.owner AND r.rolsuper)
    UNION
    -- of a range with another name than its own, either one that PostgreSQL may choose
    SELECT 'type', m.name, r.owner FROM unnest(strange_rows) r JOIN unnest(every) e ON e.kind = r.kind AND e.object = r.object
    CROSS JOIN LATERAL (VALUES (e.multirange), (replace(e.object, 'range', 'multirange'))) m (name)
    WHERE e.multirange IS NOT NULL
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_strange_types(schemaguard.sync_every[], schemaguard.sync_owned[], schemaguard.sync_owned[])
    IS 'returns types whose values run code of other roles, and casts';

-- Returns what a statement that computes would run code of others for: the object itself, all rows of a table (kind rows), or a table
-- that is made with generated columns (kind made)
CREATE FUNCTION schemaguard.sg_sync_computing(every schemaguard.sync_every[], strange schemaguard.sync_owned[],
    strange_rows schemaguard.sync_owned[])
RETURNS SETOF schemaguard.sync_owned
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
WITH RECURSIVE object AS MATERIALIZED (
    SELECT e.kind, e.object, e.parent, e.above, e.generated, s.owner
    FROM unnest(every) e LEFT JOIN unnest(strange) s ON s.kind = e.kind AND s.object = e.object
), kin AS MATERIALIZED (
    SELECT o.object, a.name AS other FROM object o CROSS JOIN LATERAL jsonb_array_elements_text(o.above) a (name)
    UNION
    SELECT a.name, o.object FROM object o CROSS JOIN LATERAL jsonb_array_elements_text(o.above) a (name)
), planned AS (
    -- tables with such code in what the server plans or proves by, and their kin
    SELECT o.parent AS object, o.owner FROM object o
    WHERE o.owner IS NOT NULL AND o.kind IN ('column', 'constraint', 'index', 'statistics')
    UNION
    SELECT s.object, s.owner FROM unnest(strange) s WHERE s.kind = 'table'
    UNION
    SELECT k.other, p.owner FROM planned p JOIN kin k ON k.object = p.object
)
SELECT s.kind, s.object, s.owner FROM unnest(strange) s WHERE s.kind IN ('column', 'constraint', 'table', 'domain')
UNION
SELECT x.kind, x.object, r.owner
FROM unnest(strange_rows) r
CROSS JOIN LATERAL (VALUES ('column', r.object), ('rows', schemaguard.sg_sync_owner(r.object))) x (kind, object)
WHERE r.kind = 'column'
UNION
-- what a column that gets another type, a partition, a key, or a proof computes: all that its table has
SELECT 'rows', p.object, p.owner FROM planned p
UNION
SELECT 'made', o.parent, o.owner FROM object o WHERE o.owner IS NOT NULL AND o.generated
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_computing(schemaguard.sync_every[], schemaguard.sync_owned[], schemaguard.sync_owned[])
    IS 'returns the objects for which statements that compute values run code of other roles';

-- Returns the role whose code a statement would run, by its number: not the caller, if there is another one. Arguments: as of the
-- functions that are named so; every is null where nobody's code is left out.
CREATE FUNCTION schemaguard.sg_sync_runs_as(statements schemaguard.sync_statement[], seen schemaguard.sync_seen[],
    every schemaguard.sync_every[], needs schemaguard.sync_need[], strange schemaguard.sync_owned[], strange_rows schemaguard.sync_owned[],
    OUT number bigint, OUT owner text)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $function$
WITH computing AS MATERIALIZED (
    SELECT c.* FROM schemaguard.sg_sync_computing(every, strange, strange_rows) c
), stated AS MATERIALIZED (
    SELECT s.number, s.section, s.step, s.kind, s.object, s.what, s.statement, s.context, s.context ->> 'parent' AS parent,
        y.types, y.untyped, y.reader, y.runner, y.builder,
        (s.step <> 'drop' OR s.what = 'type, meanwhile') AND (s.kind = 'column' AND s.what ~ '^(created|type|generated|not_null)'
            OR s.kind = 'constraint' AND (s.context ->> 'type' = 'c' OR s.context ?| '{of_domain,references}')
            OR s.kind = 'table' AND s.statement LIKE '% ATTACH PARTITION %') AS computes
    FROM unnest(statements) s LEFT JOIN unnest(seen) y ON y.number = s.number
), code AS (
    SELECT s.number, c.owner FROM stated s JOIN computing c ON c.kind = s.kind AND c.object = s.object WHERE s.computes
    UNION ALL
    SELECT s.number, c.owner FROM stated s CROSS JOIN LATERAL (VALUES (s.parent), (s.context ->> 'references')) x (object)
    JOIN computing c ON c.kind = 'rows' AND c.object = x.object
    WHERE s.computes AND (s.what ~ '^(type|not_null)' OR s.context ?| '{references,default,generated}')
    UNION ALL
    SELECT s.number, c.owner FROM stated s CROSS JOIN LATERAL (VALUES (s.object), (s.context ->> 'partition_of')) x (object)
    JOIN computing c ON c.kind IN ('rows', 'table') AND c.object = x.object
    WHERE s.computes AND s.kind = 'table'
    UNION ALL
    SELECT s.number, c.owner FROM stated s JOIN computing c ON c.kind = 'made' AND c.object = s.object
    WHERE s.kind = 'table' AND s.what = 'created'
    UNION ALL
    SELECT s.number, t.owner FROM stated s JOIN schemaguard.sg_sync_strange_types(every, strange, strange_rows) t
        ON CASE t.kind WHEN 'cast' THEN s.computes AND (s.what LIKE 'type%' OR s.context ? 'references')
            ELSE replace(t.object, '"', '') || '[]' = ANY (s.types) OR t.kind = 'type' AND replace(t.object, '"', '') = ANY (s.types)
                -- and one that aggregates begin with; attributes come to all rows of a type
                OR s.kind = 'aggregate' AND s.context ?| '{initial_value,moving_initial_value}'
                    AND t.object IN (rtrim(s.context ->> 'state_type', '[]'), rtrim(s.context ->> 'moving_state_type', '[]'))
                OR s.kind = 'type' AND s.what = 'attributes' AND s.step <> 'drop' AND t.object = s.object END
    UNION ALL
    -- what has such types, for literals beside it
    SELECT s.number, b.owner FROM stated s JOIN schemaguard.sg_sync_mentions(every, seen) m ON m.number = s.number
    JOIN (SELECT r.kind, r.object, r.owner FROM unnest(strange_rows) r
          UNION SELECT n.kind, n.object, r.owner FROM unnest(strange_rows) r
          JOIN unnest(needs) n ON n.on_kind = r.kind AND n.on_object = r.object
          WHERE n.kind IN ('function', 'procedure', 'aggregate', 'operator')) b ON b.kind = m.on_kind AND b.object = m.on_object
    WHERE s.untyped
    UNION ALL
    -- what its names lead to here, whatever the documents show
    SELECT s.number, unnest(ARRAY[s.reader, s.runner, CASE WHEN s.builder IS NOT NULL AND NOT schemaguard.sg_sync_is_owner(
        ARRAY(SELECT e.owner FROM unnest(every) e WHERE e.kind IN ('table', 'materialized view')
            AND e.object = coalesce(s.parent, s.object)), s.builder) THEN s.builder END]) FROM stated s
    UNION ALL
    -- an enum that is made anew has the checks of its columns made again
    SELECT s.number, c.owner FROM stated s JOIN unnest(needs) n ON n.kind = 'column' AND n.on_kind = 'type' AND n.on_object = s.object
    JOIN computing c ON c.kind = 'rows' AND c.object = schemaguard.sg_sync_owner(n.object)
    WHERE s.kind = 'type' AND s.what = 'labels' AND s.section = 2
    UNION ALL
    -- whose expressions a table or domain has
    SELECT s.number, o.owner FROM stated s JOIN (SELECT e.object, min(e.owner) AS owner FROM unnest(every) e
        WHERE e.kind IN ('table', 'domain') AND NOT EXISTS (SELECT FROM pg_roles r WHERE quote_ident(r.rolname) = e.owner AND r.rolsuper)
        GROUP BY e.object) o ON o.object = s.parent
    WHERE s.computes AND schemaguard.sg_sync_calls(s.statement)
)
SELECT c.number, coalesce(min(c.owner) FILTER (WHERE c.owner <> quote_ident(current_user)), min(c.owner)) FROM code c GROUP BY c.number
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_runs_as(schemaguard.sync_statement[], schemaguard.sync_seen[], schemaguard.sync_every[],
    schemaguard.sync_need[], schemaguard.sync_owned[], schemaguard.sync_owned[])
    IS 'returns the role whose code a statement would run';

-- Returns what is known of statements. Arguments: as sg_sync_runs_as() has them.
CREATE FUNCTION schemaguard.sg_sync_fits(statements schemaguard.sync_statement[], seen schemaguard.sync_seen[],
    every schemaguard.sync_every[], needs schemaguard.sync_need[], strange schemaguard.sync_owned[], strange_rows schemaguard.sync_owned[])
RETURNS SETOF schemaguard.sync_fit
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT s.number, s.kind, s.object, r.owner, coalesce(
        schemaguard.sg_sync_problem(s.kind, coalesce(n.names, '{}'), s.statement, s.guard),
        'it runs code of role ' || nullif(r.owner, quote_ident(current_user)) || ': CALL sg_sync_apply() runs it as that role')
    FROM unnest(statements) s
    LEFT JOIN schemaguard.sg_sync_runs_as(statements, seen, every, needs, strange, strange_rows) r ON r.number = s.number
    CROSS JOIN LATERAL (
        SELECT array_agg(DISTINCT schemaguard.sg_sync_name(x.name))
            -- of overloads one
            || CASE WHEN s.kind IN ('function', 'procedure', 'aggregate')
                THEN array_remove(ARRAY[s.context ->> 'identity', s.context #>> '{old,identity}'], NULL) END AS names
        FROM (VALUES (s.context ->> 'identity'), (s.context ->> 'column_identity'), (s.context ->> 'parent'),
            (s.context #>> '{old,identity}'), (s.context #>> '{old,parent}'),
            ((s.context ->> 'parent') || '.' || quote_ident(s.context #>> '{old,name}')), (s.context ->> 'partition_of'),
            (s.context #>> '{old,partition_of}'), (s.context ->> 'whole'), (s.context ->> 'index'), (s.context ->> 'new_index'),
            (s.context ->> 'halfway'), (s.context ->> 'address'), (s.context ->> 'root'),
            (CASE WHEN s.what = 'renamed' THEN s.context #>> '{old,multirange}' END)) x (name)
        WHERE x.name IS NOT NULL) n
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_fits(schemaguard.sync_statement[], schemaguard.sync_seen[], schemaguard.sync_every[],
    schemaguard.sync_need[], schemaguard.sync_owned[], schemaguard.sync_owned[])
    IS 'returns the role whose code each statement would run, and the reason why it is left out';

-- Returns what is left out: what its statements, properties or code are a problem of, and what stands on that. Fits: of sg_sync_fits().
CREATE FUNCTION schemaguard.sg_sync_left_over(objects schemaguard.sync_object[], every schemaguard.sync_every[],
    needs schemaguard.sync_need[], fits schemaguard.sync_fit[])
RETURNS SETOF schemaguard.sync_left_over
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $function$
WITH RECURSIVE malformed AS MATERIALIZED (
    SELECT o.kind, coalesce(o.identity, o.target_identity) AS object, min(x.property) AS property
    FROM unnest(objects) o
    CROSS JOIN LATERAL (VALUES (schemaguard.sg_sync_malformed(o.kind, o.identity, o.parent, o.properties)),
        (schemaguard.sg_sync_malformed(o.kind, o.target_identity, o.target_parent, o.target_properties))) x (property)
    WHERE x.property IS NOT NULL AND (o.state <> 'same'
        OR (o.kind, coalesce(o.identity, o.target_identity)) IN (SELECT f.kind, f.object FROM unnest(fits) f))
    GROUP BY 1, 2
), withheld AS (
    -- each with the first cause
    SELECT f.kind, f.object, f.kind AS of_kind, f.object AS of_object, f.problem FROM unnest(fits) f WHERE f.problem IS NOT NULL
    UNION
    SELECT m.kind, m.object, m.kind, m.object, 'its ' || m.property || ' is not what such a property is' FROM malformed m
    UNION
    SELECT e.kind, e.object, e.kind, e.object, 'not tried: the server would call code of it by itself' FROM unnest(every) e WHERE e.native
    UNION
    SELECT n.kind, n.object, w.of_kind, w.of_object, w.problem
    FROM withheld w JOIN unnest(needs) n ON n.on_kind = w.kind AND n.on_object = w.object AND n.way NOT IN ('check', 'text')
)
SELECT w.kind, w.object, min(w.problem) FILTER (WHERE w.kind = w.of_kind AND w.object = w.of_object),
    min(w.of_kind || ' ' || w.of_object), bool_or(w.problem LIKE 'not tried: %')
FROM withheld w GROUP BY w.kind, w.object
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_left_over(schemaguard.sync_object[], schemaguard.sync_every[], schemaguard.sync_need[],
    schemaguard.sync_fit[])
    IS 'returns the objects that are left out, with the reason';

-- Returns what is known of statements, and what is left out. Arguments: as of sg_sync_statements(); objects: of sg_sync_managed().
CREATE FUNCTION schemaguard.sg_sync_judged(statements schemaguard.sync_statement[], objects schemaguard.sync_object[],
    pairs schemaguard.sync_pair[], reference text, target text, leave_code boolean, leave_native boolean,
    OUT fits schemaguard.sync_fit[], OUT left_over schemaguard.sync_left_over[])
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    every CONSTANT schemaguard.sync_every[]
        := ARRAY(SELECT e FROM schemaguard.sg_sync_every(pairs, reference, target, leave_code, leave_native) e);
    seen         schemaguard.sync_seen[];
    needs        schemaguard.sync_need[];
    strange      schemaguard.sync_owned[];
    strange_rows schemaguard.sync_owned[];
BEGIN
    IF leave_code THEN
        seen := ARRAY(SELECT ROW(s.number, s.kind, s.object, x.names, x.types, x.untyped, x.reader, x.runner, x.builder)
            ::schemaguard.sync_seen FROM unnest(statements) s CROSS JOIN LATERAL schemaguard.sg_sync_seen(s.statement, target = 'live') x);
    END IF;
    needs := ARRAY(SELECT n FROM schemaguard.sg_sync_needs(every, objects, seen) n);
    IF leave_code THEN
        strange := ARRAY(SELECT s FROM schemaguard.sg_sync_strange(every, needs) s);
        strange_rows := ARRAY(SELECT s FROM schemaguard.sg_sync_strange_rows(strange, needs) s);
    END IF;
    fits := ARRAY(SELECT f FROM schemaguard.sg_sync_fits(statements, seen, CASE WHEN leave_code THEN every END, needs,
        strange, strange_rows) f);
    left_over := ARRAY(SELECT l FROM schemaguard.sg_sync_left_over(objects, every, needs, fits) l);
END
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_judged(schemaguard.sync_statement[], schemaguard.sync_object[], schemaguard.sync_pair[],
    text, text, boolean, boolean)
    IS 'returns the role whose code each statement would run, and the objects that are left out';
