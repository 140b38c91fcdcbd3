-- Start of an application: what a reference has and this database lacks, where making it takes nothing away
CREATE TABLE schemaguard.ensured (
    digest      text NOT NULL,
    role        text NOT NULL,
    reference   text NOT NULL,
    plan        text,                       -- null: nothing had to be made
    started_at  timestamptz NOT NULL,
    finished_at timestamptz NOT NULL,
    result      jsonb NOT NULL,
    PRIMARY KEY (digest, role)
);
ALTER TABLE schemaguard.ensured REPLICA IDENTITY USING INDEX ensured_pkey;
COMMENT ON TABLE schemaguard.ensured IS 'last outcome of sg_ensure() for each document and role';
COMMENT ON COLUMN schemaguard.ensured.digest IS 'SHA-256 of the document, or checksum of the snapshot';
COMMENT ON COLUMN schemaguard.ensured.role IS 'role that called sg_ensure()';
COMMENT ON COLUMN schemaguard.ensured.reference IS 'name of the snapshot, which for a document is the one under which it is stored';
COMMENT ON COLUMN schemaguard.ensured.plan IS 'plan that made the missing objects; null: nothing was missing';
COMMENT ON COLUMN schemaguard.ensured.started_at IS 'start time of the call that did the work';
COMMENT ON COLUMN schemaguard.ensured.finished_at IS 'end time of the work';
COMMENT ON COLUMN schemaguard.ensured.result IS 'result that all waiting calls return';
ALTER TABLE schemaguard.ensured ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_results ON schemaguard.ensured FOR SELECT
    USING (role OPERATOR(pg_catalog.=) CURRENT_USER::pg_catalog.text
           OR pg_catalog.pg_has_role(CURRENT_USER, 'pg_monitor', 'MEMBER'));
GRANT SELECT ON schemaguard.ensured TO PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('schemaguard.ensured', '');

-- Returns why a statement for an object is left to people, by what it does alone; null: the object is missing, and making it takes
-- nothing away, computes nothing from rows, and asks nothing of them that they would be refused for but a foreign key
CREATE FUNCTION schemaguard.sg_sync_unsafe(act schemaguard.sync_act, pair schemaguard.sync_pair, made boolean, in_new boolean,
    partial boolean)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
RETURN CASE
    WHEN act.blocked IS NOT NULL THEN act.blocked
    WHEN act.note = 'unknown' THEN 'could not be read'
    WHEN act.note = 'asked' THEN 'may be renamed: say in schemaguard.rename what is one under two names'
    WHEN act.what = 'is a partition' AND pair.target_identity IS NULL AND pair.identity IS NOT NULL THEN CASE
        WHEN current_setting('schemaguard.drift_partitions') ~* (E'\\m' || CASE
            substring(pair.properties ->> 'partition_bound', E'[A-Z]+$|[A-Z]+ \\(')
            WHEN 'DEFAULT' THEN 'default' WHEN 'IN (' THEN 'list' WHEN 'WITH (' THEN 'hash' ELSE 'range' END || E'\\M')
        THEN 'a script or a person makes it' ELSE 'partitions of its kind come and go' END
    WHEN act.note = 'unmanaged' THEN 'something else makes it'
    WHEN act.note = 'hidden' THEN 'no snapshot has what is hidden'
    WHEN act.what LIKE 'dropped%' AND pair.identity IS NULL THEN 'this database alone has it, and nothing is dropped'
    WHEN act.lost THEN 'a script or a person makes it'
    WHEN act.unit IS NOT NULL OR act.what LIKE 'dropped%' THEN 'it would be dropped and made anew'
    WHEN in_new THEN NULL
    WHEN NOT made THEN 'it is there, and not as in the reference'
    WHEN act.kind = 'column' THEN CASE
        WHEN pair.properties ? 'generated' OR pair.properties ? 'identity' THEN 'rows that are there would be rewritten'
        WHEN pair.properties ->> 'default' ~ '[(]' THEN 'rows that are there may be rewritten: its default is computed'
        WHEN pair.properties ->> 'type' ~ '[.]' AND NOT EXISTS (SELECT FROM pg_type t
            WHERE t.oid = to_regtype(pair.properties ->> 'type') AND t.typtype <> 'd') THEN
            'rows that are there may be rewritten: its type is a domain, or is not here yet'
        WHEN (pair.properties ->> 'not_null')::boolean AND NOT pair.properties ? 'default' THEN
            'rows that are there have no value for it: it has no default'
        END
    WHEN act.kind = 'index' THEN CASE WHEN (pair.properties ->> 'unique')::boolean THEN 'it is a rule for rows that are there' END
    WHEN act.kind = 'constraint' THEN CASE
        WHEN pair.properties ->> 'type' = 'p' THEN 'it is the primary key of a table that is there'
        WHEN pair.properties ->> 'type' IS DISTINCT FROM 'f' THEN 'it is a rule for rows that are there'
        WHEN pair.properties ->> 'enforced' = 'false' THEN 'it is not enforced' END
    WHEN partial THEN 'it becomes a part of a table that is there'
    WHEN act.kind <> ALL ('{schema,extension,type,domain,collation,sequence,function,procedure,aggregate,table,view,materialized view}')
        THEN 'it changes what statements on objects that are there do'
    END;
COMMENT ON FUNCTION schemaguard.sg_sync_unsafe(schemaguard.sync_act, schemaguard.sync_pair, boolean, boolean, boolean)
    IS 'returns the reason why a statement is left to people; null: it only adds an object';

-- Returns for each statement why sg_ensure() leaves it out; null: it is made. What stands on something that is left out is left out, and
-- all of it while names wait to be changed.
CREATE FUNCTION schemaguard.sg_sync_safe(acts schemaguard.sync_act[], pairs schemaguard.sync_pair[], OUT n bigint, OUT kind text,
    OUT object text, OUT what text, OUT reason text)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
WITH RECURSIVE created AS MATERIALIZED (
    SELECT DISTINCT a.kind, a.object FROM unnest(acts) a WHERE a.what = 'created'
), begun AS MATERIALIZED (                      -- tables that a call of this role which was cut off has made
    SELECT substr(s.fk_name, 7) AS object FROM schemaguard.plan_step s JOIN schemaguard.plan o ON o.name = s.plan
    WHERE schemaguard.sg_plan_author(o.author, o.author_mark) = current_user AND s.plan LIKE 'ensure %' AND s.kind = 'statement'
        AND s.fk_name LIKE 'table %' AND s.state = 'validated'
        AND NOT EXISTS (SELECT FROM schemaguard.ensured e WHERE e.plan = s.plan AND e.finished_at >= s.updated_at)
), judged AS MATERIALIZED (
    SELECT a.n, a.kind, a.object, a.what, schemaguard.sg_sync_node(a.kind, a.object) AS node,
        EXISTS (SELECT FROM created c WHERE c.kind = a.kind AND c.object = a.object) AS made,
        CASE WHEN EXISTS (SELECT FROM unnest(acts) r WHERE r.what IN ('renamed', 'announced')) THEN 'names change first: sg_sync_apply'
            ELSE schemaguard.sg_sync_unsafe(a, p,
                EXISTS (SELECT FROM created c WHERE c.kind = a.kind AND c.object = a.object),
                EXISTS (SELECT FROM created c WHERE c.kind = 'table' AND c.object = p.parent)
                    OR p.parent IN (SELECT b.object FROM begun b),
                EXISTS (SELECT FROM jsonb_array_elements_text(coalesce(p.properties -> 'inherits', '[]')
                        || coalesce(p.properties -> 'partition_of', '[]')) w (name)
                    WHERE NOT EXISTS (SELECT FROM created c WHERE c.kind = 'table' AND c.object = w.name))) END AS reason
    FROM unnest(acts) a LEFT JOIN unnest(pairs) p ON p.kind = a.kind AND coalesce(p.identity, p.target_identity) = a.object
        AND (p.identity IS NULL) = (a.what LIKE 'dropped%' AND NOT EXISTS (SELECT FROM unnest(pairs) o WHERE o.kind = a.kind
            AND o.identity = a.object))
    WHERE a.note NOT IN ('need', 'refused', 'sent', 'closed', 'along') OR a.note IS NULL
), link AS MATERIALIZED (
    SELECT coalesce(l.node, l.parent_node) AS node, l.below FROM schemaguard.sg_sync_links(pairs) l
    UNION ALL
    SELECT schemaguard.sg_sync_node(p.kind, p.identity), schemaguard.sg_sync_node('column', k.parent || '.' || quote_ident(c.name))
    FROM unnest(pairs) p CROSS JOIN LATERAL (VALUES (p.parent, p.properties -> 'columns'),
        (p.properties ->> 'references', p.properties -> 'referenced_columns')) k (parent, columns)
    CROSS JOIN LATERAL jsonb_array_elements_text(CASE jsonb_typeof(k.columns) WHEN 'array' THEN k.columns END) c (name)
    WHERE p.kind IN ('constraint', 'index')
    UNION ALL                                   -- a new table comes with its columns
    SELECT schemaguard.sg_sync_node('table', p.parent), schemaguard.sg_sync_node('column', p.identity)
    FROM unnest(pairs) p JOIN created c ON c.kind = 'table' AND c.object = p.parent WHERE p.kind = 'column'
), out AS (
    -- what is there and is another thing than in the reference may be anybody's code
    SELECT j.node FROM judged j WHERE j.reason IS NOT NULL AND (j.made OR j.what NOT LIKE 'dropped%' AND j.kind IN
        ('function', 'procedure', 'aggregate', 'operator', 'type', 'domain', 'collation', 'sequence', 'view', 'materialized view'))
    UNION
    SELECT l.node FROM out o JOIN link l ON l.below = o.node
)
SELECT j.n, j.kind, j.object, j.what, coalesce(j.reason, 'stands on what is left out') FROM judged j
WHERE j.reason IS NOT NULL OR j.node IN (SELECT o.node FROM out o)
UNION ALL
SELECT j.n, j.kind, j.object, j.what, NULL FROM judged j
WHERE j.reason IS NULL AND j.node NOT IN (SELECT o.node FROM out o)
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_safe(schemaguard.sync_act[], schemaguard.sync_pair[])
    IS 'returns, for each statement, the reason why sg_ensure() leaves it out; null: sg_ensure() runs it';

-- Returns what differs, by object: an array of kind, object, what is to be done, and the reason why sg_ensure() does not; without a reason
-- where it does. What this database alone has is marked "extra".
CREATE FUNCTION schemaguard.sg_ensure_list(reference text)
RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET standard_conforming_strings = on
SET jit = off
SET enable_nestloop = off
SET plan_cache_mode = force_generic_plan
AS $function$
DECLARE
    pairs CONSTANT schemaguard.sync_pair[] := ARRAY(SELECT p FROM schemaguard.sg_sync_pairs(reference, 'live', NULL, 'ask') p);
    acts  CONSTANT schemaguard.sync_act[] := ARRAY(SELECT a FROM schemaguard.sg_sync_acts(pairs, reference, false, false) a);
BEGIN
    RETURN (
        SELECT coalesce(jsonb_agg(jsonb_strip_nulls(jsonb_build_object('kind', x.kind, 'object', x.object, 'what', x.what,
            'reason', x.reason, 'extra', CASE WHEN x.extra THEN true END)) ORDER BY x.n), '[]')
        FROM (SELECT min(s.n) AS n, s.kind, s.object, string_agg(DISTINCT s.what, ', ') AS what, min(s.reason) AS reason,
                  bool_and(coalesce(s.reason = 'this database alone has it, and nothing is dropped', false)) AS extra
              FROM schemaguard.sg_sync_safe(acts, pairs) s
              WHERE s.reason IS DISTINCT FROM 'something else makes it' AND NOT (s.kind = 'extension' AND s.object = 'schemaguard')
              GROUP BY s.kind, s.object
              UNION ALL
              SELECT 1000000000 + l.place, w.kind, l.table_name, w.what, w.reason, w.kind = 'extra rows'
              FROM schemaguard.sg_sync_lookup(reference, 'live', NULL, false, false) l CROSS JOIN LATERAL (
                  SELECT 'rows', format('%s inserted', count(*)), NULL FROM jsonb_array_elements(l.was) o
                      WHERE l.what = 'rows' AND o = 'null' HAVING count(*) > 0
                  UNION ALL SELECT 'changed rows', format('%s changed', count(*)), 'rows that are there are left to people: sg_sync_apply'
                      FROM jsonb_array_elements(l.was) o WHERE l.what = 'rows' AND o <> 'null' HAVING count(*) > 0
                  UNION ALL SELECT 'extra rows', l.told, 'this database alone has them, and nothing is deleted' WHERE l.what = 'deleted'
                  UNION ALL SELECT l.what || ' rows', 'left alone', l.told WHERE l.definition IS NULL) w (kind, what, reason)) x);
END
$function$;
COMMENT ON FUNCTION schemaguard.sg_ensure_list(text)
    IS 'returns the differences between a snapshot and this database, with the reason why sg_ensure() leaves each alone';

-- Returns tables, columns and keys that have to be there, as an array of name, kind, object, result and reason; known: whether anybody
-- knows the name, this database or the snapshot. Path: the schemas in which names without one are looked up.
CREATE FUNCTION schemaguard.sg_ensure_critical(critical text[], path text[], reference text)
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET quote_all_identifiers = off
AS $function$
WITH wanted AS MATERIALIZED (
    SELECT w.name, w.n, parse_ident(w.name) AS part FROM unnest(critical) WITH ORDINALITY w (name, n)
), called AS MATERIALIZED (
    -- a table by its schema or the path, then a column or a constraint of one
    SELECT w.name, w.n, x.place, x.schema, x.relation, x.member FROM wanted w CROSS JOIN LATERAL (
        SELECT 0::bigint, w.part[1], w.part[2], NULL WHERE cardinality(w.part) = 2
        UNION ALL SELECT p.place, p.schema, w.part[1], w.part[2] FROM unnest(path) WITH ORDINALITY p (schema, place)
            WHERE cardinality(w.part) <= 2
        UNION ALL SELECT 0, w.part[1], w.part[2], w.part[3] WHERE cardinality(w.part) = 3) x (place, schema, relation, member)
), found AS MATERIALIZED (
    SELECT DISTINCT ON (c.n) c.n, x.kind, x.reason, concat_ws('.', quote_ident(c.schema), quote_ident(c.relation), quote_ident(c.member))
        AS object
    FROM called c JOIN pg_namespace s ON s.nspname = c.schema
    JOIN pg_class r ON r.relnamespace = s.oid AND r.relname = c.relation AND r.relkind IN ('r', 'p', 'v', 'm', 'f')
    CROSS JOIN LATERAL (
        SELECT 'table' AS kind, NULL AS reason, 1 AS rank WHERE c.member IS NULL
        UNION ALL SELECT 'column', NULL, 1 FROM pg_attribute a WHERE a.attrelid = r.oid AND a.attname = c.member AND a.attnum > 0
            AND NOT a.attisdropped
        UNION ALL SELECT 'key', CASE WHEN to_jsonb(k) ->> 'conenforced' = 'false' THEN 'is not enforced'
            WHEN NOT k.convalidated THEN 'is not valid: rows that break it may be there'
            ELSE (SELECT 'is unarmed: ' || u.unarmed_reason FROM schemaguard.sg_fk_facts() u WHERE u.constraint_oid = k.oid AND NOT u.armed)
            END, 2
        FROM pg_constraint k WHERE k.conrelid = r.oid AND k.conname = c.member) x
    ORDER BY c.n, c.place, x.rank
), known AS MATERIALIZED (
    SELECT DISTINCT c.n FROM called c JOIN schemaguard.snapshot_object o ON o.snapshot = reference
        AND o.identity = concat_ws('.', quote_ident(c.schema), quote_ident(c.relation), quote_ident(c.member))
        AND o.kind IN ('table', 'view', 'materialized view', 'foreign table', 'column', 'constraint')
)
SELECT coalesce(jsonb_agg(jsonb_strip_nulls(jsonb_build_object('name', w.name, 'kind', f.kind, 'object', f.object,
    'result', CASE WHEN f.n IS NULL OR f.reason IS NOT NULL THEN 'fail' ELSE 'pass' END,
    'reason', CASE WHEN f.n IS NULL THEN 'is not there' ELSE f.reason END,
    'unknown', CASE WHEN f.n IS NULL AND k.n IS NULL THEN true END)) ORDER BY w.n), '[]')
FROM wanted w LEFT JOIN found f ON f.n = w.n LEFT JOIN known k ON k.n = w.n
$function$;
COMMENT ON FUNCTION schemaguard.sg_ensure_critical(text[], text[], text)
    IS 'returns which of the critical tables, columns and keys exist';

-- Returns names that could have been meant: of tables, columns and constraints of this database and of the snapshot, each in full and
-- without its schema
CREATE FUNCTION schemaguard.sg_ensure_names(reference text)
RETURNS SETOF text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET quote_all_identifiers = off
AS $function$
WITH name AS (
    SELECT quote_ident(n.nspname) AS schema, concat_ws('.', quote_ident(c.relname), quote_ident(m.name)) AS name
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    CROSS JOIN LATERAL (SELECT NULL UNION ALL SELECT a.attname FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0
        AND NOT a.attisdropped UNION ALL SELECT k.conname FROM pg_constraint k WHERE k.conrelid = c.oid) m (name)
    WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f') AND n.nspname !~ '^(pg_|schemaguard|information_schema$)'
    UNION
    SELECT schemaguard.sg_sync_schema(o.identity), substr(o.identity, length(schemaguard.sg_sync_schema(o.identity)) + 2)
    FROM schemaguard.snapshot_object o
    WHERE o.snapshot = reference AND o.kind IN ('table', 'view', 'materialized view', 'foreign table', 'column', 'constraint')
)
SELECT n.name FROM name n UNION SELECT n.schema || '.' || n.name FROM name n
$function$;
COMMENT ON FUNCTION schemaguard.sg_ensure_names(text)
    IS 'returns existing names that a critical name could have been meant for';

-- Returns the result of a call from the lists before and after its work. Steps: reasons of the plan's steps that failed. A list that was
-- not read again, for nothing was done, is null.
CREATE FUNCTION schemaguard.sg_ensure_result(reference text, digest text, mode text, plan text, before jsonb, after jsonb)
RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
WITH was AS MATERIALIZED (
    SELECT e.e - 'reason' AS item, e.e, e.n FROM jsonb_array_elements(before) WITH ORDINALITY e (e, n)
), now AS MATERIALIZED (
    SELECT e.e, e.n FROM jsonb_array_elements(coalesce(after, before)) WITH ORDINALITY e (e, n)
), failed AS MATERIALIZED (
    SELECT n.e, n.n, s.reason FROM now n LEFT JOIN LATERAL (
        SELECT min(s.reason) AS reason FROM schemaguard.plan_step s WHERE s.plan = sg_ensure_result.plan AND s.reason IS NOT NULL
            AND (s.fk_name IN (n.e ->> 'kind' || ' ' || (n.e ->> 'object'), n.e ->> 'kind' || ' of ' || (n.e ->> 'object'))
                OR n.e ->> 'object' IN (s.child_table || '.' || quote_ident(s.fk_name),
                    s.child_table || '.' || quote_ident(s.child_columns[1]),
                    schemaguard.sg_sync_schema(s.child_table) || '.' || quote_ident(s.fk_name)))) s ON true
    WHERE after IS NOT NULL AND NOT n.e ? 'reason'
)
SELECT jsonb_build_object('reference', reference, 'digest', digest, 'mode', mode, 'plan', to_jsonb(plan),
    'done', coalesce((SELECT jsonb_agg(w.item ORDER BY w.n) FROM was w WHERE after IS NOT NULL AND NOT w.e ? 'reason'
        AND NOT EXISTS (SELECT FROM now n WHERE n.e ->> 'kind' = w.e ->> 'kind' AND n.e ->> 'object' = w.e ->> 'object')), '[]'),
    'todo', coalesce((SELECT jsonb_agg(w.item ORDER BY w.n) FROM was w WHERE after IS NULL AND NOT w.e ? 'reason'), '[]'),
    'failed', coalesce((SELECT jsonb_agg(f.e || jsonb_build_object('reason', coalesce(f.reason, 'its step could not be done'))
        ORDER BY f.n) FROM failed f), '[]'),
    'left_out', coalesce((SELECT jsonb_agg(n.e ORDER BY n.n) FROM now n WHERE n.e ? 'reason' AND NOT n.e ? 'extra'), '[]'),
    'extra', coalesce((SELECT jsonb_agg(n.e - 'reason' - 'extra' - 'what' ORDER BY n.n) FROM now n WHERE n.e ? 'extra'), '[]'))
$function$;
COMMENT ON FUNCTION schemaguard.sg_ensure_result(text, text, text, text, jsonb, jsonb)
    IS 'returns the result of a call of sg_ensure()';

-- Returns a result with what it means for who called: the critical names, and whether the application can start
CREATE FUNCTION schemaguard.sg_ensure_verdict(result jsonb, critical jsonb, worked boolean)
RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
RETURN (
    WITH lack AS (              -- a table without its primary key, a foreign key that needs one, or its look-up data, is not that table
        SELECT DISTINCT ON (c.n) c.n, format('%s not as in the reference: %s', CASE WHEN l ->> 'kind' LIKE '%rows' THEN 'its rows are'
            WHEN l ->> 'object' = c.c ->> 'object' THEN 'it is' ELSE format('its %s %s is', l ->> 'kind', l ->> 'object') END,
            coalesce(l ->> 'reason', 'not made yet')) AS reason
        FROM jsonb_array_elements(critical) WITH ORDINALITY c (c, n)
        JOIN jsonb_array_elements((result -> 'left_out') || (result -> 'todo') || (result -> 'failed')) l
            ON c.c ->> 'kind' = 'table' AND l ->> 'kind' = 'constraint' AND starts_with(l ->> 'object', (c.c ->> 'object') || '.')
                AND l ->> 'reason' IS DISTINCT FROM 'it is a rule for rows that are there'
            OR c.c ->> 'kind' = 'table' AND l ->> 'kind' LIKE '%rows' AND l ->> 'object' = c.c ->> 'object'
            -- nor is another one of its name
            OR l ->> 'object' = c.c ->> 'object' AND l ->> 'kind' NOT LIKE '%rows'
                AND l ->> 'what' ~ '(^|, )(created|replaced|dropped|generated|type collation)(,|$)'
            -- a view that shows other rows, or other columns, or none
            OR l ->> 'kind' IN ('view', 'materialized view') AND (c.c ->> 'object' = l ->> 'object'
                OR starts_with(c.c ->> 'object', (l ->> 'object') || '.'))
                AND l ->> 'what' ~ '(^|, )(query columns|options|populated)(,|$)'
        WHERE c.c ->> 'result' = 'pass'
        ORDER BY c.n, l ->> 'object'
    ), judged AS (
        SELECT coalesce(jsonb_agg(c.c - 'unknown' || CASE WHEN k.n IS NULL THEN '{}' ELSE jsonb_build_object('result', 'fail',
            'reason', k.reason) END ORDER BY c.n), '[]') AS critical
        FROM jsonb_array_elements(critical) WITH ORDINALITY c (c, n) LEFT JOIN lack k ON k.n = c.n
    )
    SELECT result || jsonb_build_object('critical', j.critical, 'worked', worked,
        'ready', CASE WHEN sg_ensure_verdict.critical IS NOT NULL THEN NOT j.critical @> '[{"result": "fail"}]'
            ELSE result -> 'todo' = '[]' AND result -> 'failed' = '[]' AND NOT EXISTS (
                SELECT FROM jsonb_array_elements(result -> 'left_out') l WHERE l ->> 'reason' <> 'partitions of its kind come and go') END)
    FROM judged j);
COMMENT ON FUNCTION schemaguard.sg_ensure_verdict(jsonb, jsonb, boolean)
    IS 'returns a result with the critical names, and whether the application can start';

CREATE PROCEDURE sg_ensure(reference anycompatible, critical schemaguard.names DEFAULT NULL, mode text DEFAULT 'apply',
    INOUT result jsonb DEFAULT NULL, fail boolean DEFAULT false)
LANGUAGE c
AS 'MODULE_PATHNAME', 'sg_ensure';
COMMENT ON PROCEDURE sg_ensure(anycompatible, schemaguard.names, text, jsonb, boolean)
    IS 'makes, at an application''s start, a snapshot''s missing objects if that loses nothing; one of all starting calls works';
