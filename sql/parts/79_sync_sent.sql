-- Sync: what publications send once a script has run: tables and columns by names that a subscriber may lack, tables whose rows the
-- server then refuses to change, and those of schemaguard. Judged by documents, since a script may never run here.

-- Returns the publications of this database before and after a script, as a snapshot has them
CREATE FUNCTION schemaguard.sg_sync_publications(pairs schemaguard.sync_pair[], allow_drop boolean, OUT after boolean, OUT identity text,
    OUT properties jsonb)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET quote_all_identifiers = off
AS $function$
WITH live AS MATERIALIZED (
    SELECT quote_ident(p.pubname) AS identity, jsonb_strip_nulls(r.listed || jsonb_build_object('all_tables', p.puballtables,
        'all_sequences', to_jsonb(p) -> 'puballsequences', 'via_root', p.pubviaroot,
        'generated_columns', CASE to_jsonb(p) ->> 'pubgencols' WHEN 's' THEN 'stored' END,
        'publish', to_jsonb(array_remove(ARRAY[CASE WHEN p.pubupdate THEN 'update' END, CASE WHEN p.pubdelete THEN 'delete' END], NULL)),
        'schemas', (SELECT jsonb_agg(n.nspname) FROM pg_publication_namespace s JOIN pg_namespace n ON n.oid = s.pnnspid
            WHERE s.pnpubid = p.oid))) AS properties
    FROM pg_publication p CROSS JOIN LATERAL (
        SELECT jsonb_build_object('tables', jsonb_agg(r.name) FILTER (WHERE NOT r.excepted),
            'except', jsonb_agg(r.name) FILTER (WHERE r.excepted),
            'table_columns', jsonb_object_agg(r.name, r.columns) FILTER (WHERE r.columns IS NOT NULL),
            'table_filters', jsonb_object_agg(r.name, r.filter) FILTER (WHERE r.filter IS NOT NULL)) AS listed
        FROM (SELECT r.prrelid::regclass::text AS name, coalesce((to_jsonb(r) ->> 'prexcept')::boolean, false) AS excepted,
                  (SELECT jsonb_agg(a.attname) FROM pg_attribute a WHERE a.attrelid = r.prrelid AND a.attnum = ANY (r.prattrs::int2[]))
                      AS columns,
                  pg_get_expr(r.prqual, r.prrelid) AS filter
              FROM pg_publication_rel r WHERE r.prpubid = p.oid) r) r
)
SELECT false, l.identity, l.properties FROM live l
UNION ALL
SELECT true, l.identity, l.properties FROM live l WHERE NOT EXISTS (SELECT FROM unnest(pairs) p
    WHERE p.kind = 'publication' AND p.target_identity = l.identity AND (p.properties IS NOT NULL OR allow_drop))
UNION ALL
SELECT true, p.identity, p.properties FROM unnest(pairs) p WHERE p.kind = 'publication' AND p.properties IS NOT NULL
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_publications(schemaguard.sync_pair[], boolean)
    IS 'returns the publications of this database before and after a script';

CREATE FUNCTION schemaguard.sg_sync_columns(expression text)
RETURNS text[]
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'sg_sync_columns';
COMMENT ON FUNCTION schemaguard.sg_sync_columns(text)
    IS 'returns the names of the columns that an expression reads; null: the expression cannot be parsed';

-- Returns the tables that publications send before and after a script, each with those above it, the one whose list and filter count,
-- and why the server would refuse to change its rows, as its CheckCmdReplicaIdentity() does: none, filter or list. A table has one key
-- on both sides. What pairs do not have is as in the reference.
CREATE FUNCTION schemaguard.sg_sync_published(pairs schemaguard.sync_pair[], reference text, allow_drop boolean, made text[],
    OUT after boolean, OUT key text, OUT identity text, OUT levels text[], OUT whole text, OUT publication text, OUT properties jsonb,
    OUT was_there boolean, OUT unfit text)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET quote_all_identifiers = off
AS $function$
WITH RECURSIVE publication AS MATERIALIZED (
    SELECT p.* FROM schemaguard.sg_sync_publications(pairs, allow_drop) p
), pair AS MATERIALIZED (
    SELECT p.* FROM unnest(pairs) p WHERE p.kind IN ('table', 'constraint', 'index')
), object AS MATERIALIZED (
    SELECT x.after, o.identity AS key, o.kind, o.identity, o.parent, o.properties
    FROM schemaguard.snapshot_object o CROSS JOIN (VALUES (false), (true)) x (after)
    WHERE o.snapshot = reference AND o.kind IN ('table', 'constraint', 'index') AND EXISTS (SELECT FROM publication)
        AND NOT EXISTS (SELECT FROM pair p WHERE p.kind = o.kind AND p.identity = o.identity)
    UNION ALL
    SELECT false, p.number::text, p.kind, p.target_identity, p.target_parent, p.target_properties
    FROM pair p WHERE p.target_properties IS NOT NULL
    UNION ALL
    SELECT true, p.number::text, p.kind, coalesce(p.identity, p.target_identity), coalesce(p.parent, p.target_parent),
        coalesce(p.properties, p.target_properties)
    FROM pair p WHERE CASE WHEN p.properties IS NULL THEN NOT allow_drop
        WHEN p.kind = 'table' AND p.target_properties IS NULL THEN p.identity = ANY (made) ELSE true END
), level AS (
    SELECT o.after, o.key, o.identity, o.properties, o.identity AS above, 0 AS depth
    FROM object o WHERE o.kind = 'table' AND o.properties ->> 'type' = 'table' AND NOT o.properties ? 'persistence'
    UNION ALL
    SELECT l.after, l.key, l.identity, l.properties, o.properties ->> 'partition_of', l.depth + 1
    FROM level l JOIN object o ON o.after = l.after AND o.kind = 'table' AND o.identity = l.above
    WHERE o.properties ? 'partition_of'
), leaf AS MATERIALIZED (
    SELECT l.after, l.key, l.identity, l.properties, array_agg(l.above ORDER BY l.depth DESC) AS levels
    FROM level l GROUP BY l.after, l.key, l.identity, l.properties
), sent AS MATERIALIZED (
    SELECT l.*, p.identity AS publication, p.properties AS published, CASE WHEN (p.properties ->> 'via_root')::boolean THEN (
        SELECT a FROM unnest(l.levels) WITH ORDINALITY x (a, n)
        WHERE (p.properties ->> 'all_tables')::boolean OR p.properties -> 'tables' ? a
            OR EXISTS (SELECT FROM jsonb_array_elements_text(p.properties -> 'schemas') s
                       WHERE quote_ident(s) = schemaguard.sg_sync_schema(a))
        ORDER BY n LIMIT 1) ELSE l.identity END AS whole
    FROM publication p JOIN leaf l ON l.after = p.after AND NOT coalesce(p.properties -> 'except' ?| l.levels, false)
        AND ((p.properties ->> 'all_tables')::boolean OR p.properties -> 'tables' ?| l.levels
            OR EXISTS (SELECT FROM jsonb_array_elements_text(p.properties -> 'schemas') s, unnest(l.levels) a
                       WHERE quote_ident(s) = schemaguard.sg_sync_schema(a)))
), identified AS (
    SELECT s.*, s.properties ->> 'replica_identity' AS form, k.properties -> 'columns' AS columns
    FROM sent s LEFT JOIN object k ON k.after = s.after AND k.parent = s.identity AND k.kind IN ('constraint', 'index')
        AND CASE coalesce(s.properties ->> 'replica_identity', 'default') WHEN 'index' THEN (k.properties ->> 'replica_identity')::boolean
            WHEN 'default' THEN k.properties ->> 'type' = 'p' AND NOT (k.properties ->> 'deferrable')::boolean END
)
SELECT i.after, i.key, i.identity, i.levels, i.whole, i.publication, i.published,
    EXISTS (SELECT FROM object o WHERE NOT o.after AND o.kind = 'table' AND o.key = i.key),
    CASE WHEN NOT i.published -> 'publish' ?| '{update,delete}' THEN NULL
        WHEN i.form IS DISTINCT FROM 'full' AND NOT coalesce(i.columns, '[]')
            @> to_jsonb(schemaguard.sg_sync_columns(i.published -> 'table_filters' ->> i.whole)) THEN 'filter'
        WHEN i.published -> 'table_columns' ? i.whole
            AND (i.form = 'full' OR NOT i.published -> 'table_columns' -> i.whole @> i.columns) THEN 'list'
        WHEN i.form IS DISTINCT FROM 'full' AND i.columns IS NULL THEN 'none' END
FROM identified i
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_published(schemaguard.sync_pair[], text, boolean, text[])
    IS 'returns tables that publications send before and after a script, and why the server would refuse to change their rows';

-- Returns what a script has publications send, or refuse, of objects. Statements: those that make or rename tables and columns, by "what
-- kind object". Note: sent, or closed, which takes something from who uses this database, so that nobody's call does it unasked.
CREATE FUNCTION schemaguard.sg_sync_sent(pairs schemaguard.sync_pair[], reference text, allow_drop boolean, statements jsonb,
    OUT kind text, OUT object text, OUT note text, OUT told text, OUT hint text)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET quote_all_identifiers = off
AS $function$
WITH RECURSIVE published AS MATERIALIZED (
    SELECT p.* FROM schemaguard.sg_sync_published(pairs, reference, allow_drop,
        ARRAY(SELECT substr(s, length('created table ') + 1) FROM jsonb_object_keys(statements) s WHERE starts_with(s, 'created table '))) p
), own AS (
    SELECT p.after, p.identity FROM schemaguard.sg_sync_publications(pairs, allow_drop) p
    WHERE (p.properties ->> 'all_tables')::boolean AND NOT p.properties ? 'except' OR (p.properties ->> 'all_sequences')::boolean
        OR p.properties -> 'schemas' ? 'schemaguard'
        OR EXISTS (SELECT FROM jsonb_array_elements_text(p.properties -> 'tables') t WHERE starts_with(t, 'schemaguard.'))
), heir AS (
    -- whose columns change with those of another table, which no publication may send
    SELECT o.identity, i.above FROM schemaguard.snapshot_object o
        CROSS JOIN LATERAL jsonb_array_elements_text(o.properties -> 'inherits') i (above)
    WHERE o.snapshot = reference AND o.kind = 'table' AND EXISTS (SELECT FROM published)
    UNION SELECT h.identity, i.above FROM heir h JOIN schemaguard.snapshot_object o ON o.snapshot = reference AND o.kind = 'table'
        AND o.identity = h.above CROSS JOIN LATERAL jsonb_array_elements_text(o.properties -> 'inherits') i (above)
), changed AS (
    SELECT a.identity, a.unfit, bool_or(a.was_there) AS was_there, min(a.publication) AS publication, min(a.whole) AS whole,
        string_agg(DISTINCT a.publication, ', ') AS publications
    FROM published a WHERE a.after AND a.unfit IS NOT NULL
        AND NOT EXISTS (SELECT FROM published b WHERE NOT b.after AND b.key = a.key AND b.unfit IS NOT NULL)
    GROUP BY a.identity, a.unfit
), named AS (
    -- of publications that there were before; a column by its table's
    SELECT 'table' AS kind, a.whole AS object, a.whole AS name,
        CASE WHEN s.made IS NULL THEN 'table by its name' ELSE 'new table' END AS what,
        coalesce(s.made, statements ->> ('renamed table ' || a.whole)) AS statement, s.made IS NULL AS was_there,
        string_agg(DISTINCT a.publication, ', ') AS publications
    FROM published a LEFT JOIN published b ON NOT b.after AND b.key = a.key AND b.publication = a.publication
        CROSS JOIN LATERAL (SELECT statements ->> ('created table ' || a.whole) AS made) s
    WHERE a.after AND NOT EXISTS (SELECT FROM published b WHERE NOT b.after AND b.publication = a.publication AND b.whole = a.whole)
        AND a.publication IN (SELECT p.identity FROM schemaguard.sg_sync_publications(pairs, allow_drop) p WHERE NOT p.after)
    GROUP BY a.whole, s.made
    UNION ALL
    SELECT 'column', c.identity, quote_ident(c.name), CASE WHEN c.target_identity IS NULL THEN 'new column' ELSE 'column by its name' END,
        s.statement, c.target_identity IS NOT NULL, string_agg(DISTINCT a.publication, ', ')
    FROM unnest(pairs) c JOIN published a ON a.after
            AND (c.parent = ANY (a.levels) OR EXISTS (SELECT FROM heir h WHERE h.identity = a.identity AND h.above = c.parent))
        JOIN published b ON NOT b.after AND b.key = a.key AND b.publication = a.publication
        CROSS JOIN LATERAL (SELECT coalesce(statements ->> ('created column ' || c.identity),
            statements ->> ('renamed column ' || c.identity)) AS statement) s
    WHERE c.kind = 'column' AND c.name IS DISTINCT FROM c.target_name AND s.statement IS NOT NULL
        AND coalesce(a.properties -> 'table_columns' -> a.whole ? c.name,
            NOT c.properties ? 'generated' OR a.properties ? 'generated_columns')
    GROUP BY c.identity, c.name, c.target_identity, s.statement
)
SELECT 'publication', o.identity, 'closed', format('publication %s replicates tables or sequences of schema schemaguard', o.identity),
    E'A subscriber that lacks them, or writes them itself, stops. How to publish the others:\n'
        'SELECT * FROM schemaguard.sg_own_publications();'
FROM own o WHERE o.after AND NOT EXISTS (SELECT FROM own b WHERE NOT b.after AND b.identity = o.identity)
UNION ALL
SELECT 'table', c.identity, CASE WHEN c.was_there THEN 'closed' ELSE 'sent' END,
    format('publication %s will have %s, %s: the server then refuses to update or delete its rows', c.publications, c.identity,
        CASE c.unfit WHEN 'none' THEN 'which has no replica identity'
            WHEN 'filter' THEN 'and its WHERE reads columns that are not part of the replica identity'
            ELSE 'and its column list does not cover the replica identity' END),
    CASE c.unfit WHEN 'list' THEN format(E'Take it out right after the call, and add it with another list:\n'
            'ALTER PUBLICATION %s DROP TABLE ONLY %s;', c.publication, c.whole)
        ELSE format(E'Give it one right after the call:\nALTER TABLE %s REPLICA IDENTITY FULL;', c.identity) END
FROM changed c
UNION ALL
SELECT n.kind, n.object, 'sent',
    format('publication %s sends the %s, and a subscription stops where there is no %s', n.publications, n.what, n.name),
    CASE WHEN n.statement IS NULL THEN format(E'On each subscriber, see that there is one before the call, and refresh its '
            'subscription after the call:\nSELECT pg_catalog.to_regclass(%L);', n.object)
        WHEN n.was_there THEN 'On each subscriber, when it has applied what was written before'
        WHEN n.kind = 'column' THEN 'Add it before the call, on each subscriber'
        ELSE 'Make it before the call, on each subscriber, and refresh its subscription after the call' END
        || coalesce(E':\n' || n.statement || ';', '')
FROM named n
ORDER BY 3, 2, 4
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_sent(schemaguard.sync_pair[], text, boolean, jsonb)
    IS 'returns what a script makes publications send, and the tables whose rows the server then refuses to change';
