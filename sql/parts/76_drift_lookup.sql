-- Look-up data: the contents of tables whose rows belong to the application as its schema does, stored with snapshots and compared

-- Names of roles and tables, no OIDs; the author's OID is beside its name, since another role may have that name later.
CREATE TABLE schemaguard.lookup_table (
    table_name      text PRIMARY KEY CONSTRAINT "table_name has its schema, as in public.orders"
        CHECK (cardinality(pg_catalog.parse_ident(table_name)) OPERATOR(pg_catalog.=) 2),
    key_columns     text[] CONSTRAINT "key_columns has a column, or is null"
        CHECK (cardinality(key_columns) OPERATOR(pg_catalog.>) 0),   -- null: the primary key
    ignored_columns text[] NOT NULL DEFAULT '{}',
    condition       text CHECK (condition OPERATOR(pg_catalog.<>) ''),      -- null: all rows
    author          text NOT NULL DEFAULT CURRENT_USER,
    author_id       oid NOT NULL DEFAULT pg_catalog.quote_ident(CURRENT_USER)::pg_catalog.regrole::pg_catalog.oid,
    added_at        timestamptz NOT NULL DEFAULT pg_catalog.now()
);
COMMENT ON TABLE schemaguard.lookup_table IS 'tables whose contents snapshots store, for sg_lookup_drift() and sync';
COMMENT ON COLUMN schemaguard.lookup_table.table_name IS 'name of the table, qualified, as in SQL';
COMMENT ON COLUMN schemaguard.lookup_table.key_columns IS 'columns by which rows are known again; null: the primary key';
COMMENT ON COLUMN schemaguard.lookup_table.ignored_columns IS 'columns that are neither stored nor compared, such as a time of change';
COMMENT ON COLUMN schemaguard.lookup_table.condition
    IS 'SQL condition of the rows that belong to the look-up data, run as the author; null: all rows';
COMMENT ON COLUMN schemaguard.lookup_table.author IS 'role as which the condition runs';
COMMENT ON COLUMN schemaguard.lookup_table.author_id IS 'OID of the author: for another role of the same name the condition does not run';
COMMENT ON COLUMN schemaguard.lookup_table.added_at IS 'time at which the row was added';
-- For the owner of the database, and whomever a superuser grants it to besides. Everybody writes in their own name.
ALTER TABLE schemaguard.lookup_table ENABLE ROW LEVEL SECURITY;
GRANT SELECT ON schemaguard.lookup_table TO PUBLIC;
GRANT SELECT, INSERT, UPDATE, DELETE ON schemaguard.lookup_table TO pg_database_owner;
CREATE POLICY all_read ON schemaguard.lookup_table FOR SELECT USING (true);
CREATE POLICY of_author ON schemaguard.lookup_table USING (author OPERATOR(pg_catalog.=) CURRENT_USER::pg_catalog.text);
CREATE POLICY of_owner ON schemaguard.lookup_table TO pg_database_owner USING (true) WITH CHECK (true);
CREATE POLICY in_own_name ON schemaguard.lookup_table AS RESTRICTIVE USING (true)
    WITH CHECK (author OPERATOR(pg_catalog.=) CURRENT_USER::pg_catalog.text
                AND author_id OPERATOR(pg_catalog.=) pg_catalog.quote_ident(CURRENT_USER)::pg_catalog.regrole::pg_catalog.oid);
SELECT pg_catalog.pg_extension_config_dump('schemaguard.lookup_table', '');

CREATE TABLE schemaguard.snapshot_lookup (
    snapshot        text NOT NULL,
    table_name      text NOT NULL,
    relid           oid,                        -- in that database; null: the table was missing
    key_columns     text[],
    ignored_columns text[],
    contents        jsonb,                      -- an array of rows, each column's value as text; null: see reason
    reason          text,
    PRIMARY KEY (snapshot, table_name)
);
COMMENT ON TABLE schemaguard.snapshot_lookup IS 'contents of look-up tables, as of snapshots; sg_lookup_drift() reads them';
COMMENT ON COLUMN schemaguard.snapshot_lookup.snapshot IS 'name of the snapshot';
COMMENT ON COLUMN schemaguard.snapshot_lookup.table_name IS 'qualified name of the table';
COMMENT ON COLUMN schemaguard.snapshot_lookup.relid IS 'OID of the table in the snapshot''s database; null: it was missing';
COMMENT ON COLUMN schemaguard.snapshot_lookup.key_columns IS 'columns by which rows are known again';
COMMENT ON COLUMN schemaguard.snapshot_lookup.ignored_columns IS 'columns that are not stored';
COMMENT ON COLUMN schemaguard.snapshot_lookup.contents IS 'rows of the table, each value as text; null: they were not stored';
COMMENT ON COLUMN schemaguard.snapshot_lookup.reason IS 'reason why the contents were not stored';
-- no policy shows a row to anybody: who may SELECT from the table is asked at each read
ALTER TABLE schemaguard.snapshot_lookup ENABLE ROW LEVEL SECURITY;
GRANT SELECT ON schemaguard.snapshot_lookup TO PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('schemaguard.snapshot_lookup', '');

-- Returns the query for the rows of each look-up table, or the reason why there is none
CREATE FUNCTION schemaguard.sg_lookup_queries(schemas text[], OUT table_name text, OUT relid oid, OUT key_columns text[],
    OUT ignored_columns text[], OUT author text, OUT author_id oid, OUT query text, OUT reason text)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT quote_ident(n.part[1]) || '.' || quote_ident(n.part[2]), c.oid, k.columns, l.ignored_columns,
           CASE WHEN l.condition IS NOT NULL THEN l.author END, l.author_id,
           format('SELECT pg_catalog.jsonb_object(%L::pg_catalog.text[], ARRAY[%s]) FROM %s %I.%I%s', a.names, a.texts,
               CASE c.relkind WHEN 'r' THEN 'ONLY' ELSE '' END, n.part[1], n.part[2], E' WHERE (' || l.condition || E'\n)'),
           CASE WHEN c.oid IS NULL THEN 'the table is not here'
                WHEN c.relkind NOT IN ('r', 'p') THEN 'it is no table of this database'
                WHEN k.columns IS NULL THEN 'it has no primary key, and lookup_table names no key_columns'
                WHEN NOT k.columns <@ a.names THEN 'a column of the key is missing, generated or ignored' END
    FROM schemaguard.lookup_table l
         CROSS JOIN LATERAL parse_ident(l.table_name) n (part)
         LEFT JOIN pg_namespace s ON s.nspname = n.part[1]
         LEFT JOIN pg_class c ON c.relnamespace = s.oid AND c.relname = n.part[2]
         LEFT JOIN LATERAL (
             SELECT array_agg(a.attname::text ORDER BY a.attnum) AS names,
                    string_agg(format('%I.%I::pg_catalog.text', n.part[2], a.attname), ', ' ORDER BY a.attnum) AS texts
             FROM pg_attribute a
             WHERE a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
               AND a.attname::text <> ALL (l.ignored_columns)
               AND a.attnum <> ALL (ARRAY(SELECT d.number FROM schemaguard.kept_column d WHERE d.relid = c.oid))) a ON true
         LEFT JOIN LATERAL (
             SELECT coalesce(l.key_columns, array_agg(p.attname::text ORDER BY u.o)) AS columns
             FROM pg_index i CROSS JOIN LATERAL unnest(i.indkey) WITH ORDINALITY u (n, o)
                  JOIN pg_attribute p ON p.attrelid = i.indrelid AND p.attnum = u.n
             WHERE i.indrelid = c.oid AND i.indisprimary AND u.o <= i.indnkeyatts) k ON true
    WHERE schemas IS NULL OR n.part[1] = ANY (schemas)
    ORDER BY 1;
END;
COMMENT ON FUNCTION schemaguard.sg_lookup_queries(text[])
    IS 'returns the query for the rows of each look-up table, or the reason why there is none';

CREATE FUNCTION schemaguard.sg_lookup_contents(snapshot text, OUT table_name text, OUT key_columns text[], OUT ignored_columns text[],
    OUT contents jsonb, OUT reason text)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_lookup_contents';
COMMENT ON FUNCTION schemaguard.sg_lookup_contents(text)
    IS 'returns the rows of look-up tables as of a snapshot, or now (live), that the caller may read';

CREATE FUNCTION schemaguard.sg_lookup_taken(table_name text, keys jsonb) RETURNS jsonb
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_lookup_taken';
COMMENT ON FUNCTION schemaguard.sg_lookup_taken(text, jsonb)
    IS 'returns those of the keys that a row of a table has now, whatever its condition says; null: the table can not be read';

CREATE FUNCTION schemaguard.sg_lookup_key(data jsonb, key_columns text[]) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
RETURN (SELECT jsonb_object_agg(k.name, data -> k.name) FROM unnest(key_columns) k (name));
COMMENT ON FUNCTION schemaguard.sg_lookup_key(jsonb, text[]) IS 'returns the key of a look-up table''s row';

-- Pairs the tables of both sides, with the reason why they can't be compared
CREATE FUNCTION schemaguard.sg_lookup_pairs(reference text, target text, OUT table_name text, OUT key_columns text[],
    OUT ignored_columns text[], OUT expected jsonb, OUT actual jsonb, OUT reason text, OUT lacks boolean)
RETURNS SETOF record
LANGUAGE sql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT coalesce(r.table_name, t.table_name), r.key_columns, r.ignored_columns || t.ignored_columns, r.contents, t.contents,
           CASE WHEN r.table_name IS NULL AND reference = 'live' OR t.table_name IS NULL AND target = 'live'
                    THEN 'schemaguard.lookup_table does not name it any more'
                WHEN r.table_name IS NULL OR t.table_name IS NULL
                    THEN format('snapshot %L has no contents of it', CASE WHEN r.table_name IS NULL THEN reference ELSE target END)
                WHEN r.reason IS NOT NULL OR t.reason IS NOT NULL
                    THEN concat_ws('; ', format('%L: ', reference) || r.reason, format('%L: ', target) || t.reason)
                WHEN r.key_columns IS DISTINCT FROM t.key_columns THEN format('its key is (%s) in %L and (%s) in %L',
                    array_to_string(r.key_columns, ', '), reference, array_to_string(t.key_columns, ', '), target)
                WHEN EXISTS (SELECT FROM jsonb_array_elements(r.contents || t.contents) e CROSS JOIN unnest(r.key_columns) k (name)
                             WHERE e -> k.name = 'null') THEN 'a row has null in its key'
                WHEN EXISTS (SELECT FROM (SELECT 1 AS side, e FROM jsonb_array_elements(r.contents) e
                                          UNION ALL SELECT 2, e FROM jsonb_array_elements(t.contents) e) x
                             GROUP BY x.side, schemaguard.sg_lookup_key(x.e, r.key_columns) HAVING count(*) > 1)
                    THEN 'several rows have the same key' END, r.table_name IS NULL OR t.table_name IS NULL
    FROM schemaguard.sg_lookup_contents(reference) r
         FULL JOIN schemaguard.sg_lookup_contents(target) t ON t.table_name = r.table_name;
END;
COMMENT ON FUNCTION schemaguard.sg_lookup_pairs(text, text)
    IS 'pairs the look-up tables of two snapshots, with the reason why their contents can not be compared, and whether one lacks them';

-- Returns the rows by which the contents of a table differ, with those of both sides
CREATE FUNCTION schemaguard.sg_lookup_rows(expected jsonb, actual jsonb, key_columns text[], ignored_columns text[], OUT key jsonb,
    OUT what text, OUT reference jsonb, OUT target jsonb, OUT columns jsonb)
RETURNS SETOF record
LANGUAGE sql IMMUTABLE PARALLEL SAFE SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT d.* FROM (
        SELECT coalesce(r.key, t.key) AS key,
               CASE WHEN t.key IS NULL THEN 'missing' WHEN r.key IS NULL THEN 'extra' ELSE 'different' END, r.e - ignored_columns, t.e,
               (SELECT jsonb_object_agg(c.name, CASE WHEN r.e ? c.name THEN jsonb_build_object('reference', r.e -> c.name)
                                                ELSE '{}' END
                                            || CASE WHEN t.e ? c.name THEN jsonb_build_object('target', t.e -> c.name) ELSE '{}' END)
                FROM jsonb_object_keys(coalesce(r.e, t.e)) c (name)
                WHERE c.name <> ALL (ignored_columns)
                  AND (r.e IS NULL OR t.e IS NULL OR t.e ? c.name AND r.e -> c.name <> t.e -> c.name)) AS columns
        FROM (SELECT e, schemaguard.sg_lookup_key(e, key_columns) AS key FROM jsonb_array_elements(expected) e) r
             FULL JOIN (SELECT e, schemaguard.sg_lookup_key(e, key_columns) AS key FROM jsonb_array_elements(actual) e) t
             ON t.key = r.key) d
    WHERE d.columns IS NOT NULL;
END;
COMMENT ON FUNCTION schemaguard.sg_lookup_rows(jsonb, jsonb, text[], text[])
    IS 'returns the rows by which the contents of a look-up table differ';

-- Returns how many rows of each look-up table differ, apart those that steps of plans have made so since the reference was taken: the
-- rows on record are from the reference's row to the target's, without a gap. Made: an array of these, {"table", "was", "now"}, in order.
CREATE FUNCTION schemaguard.sg_lookup_counts(reference text, target text, schemas text[], made jsonb, OUT table_name text, OUT told text,
    OUT unknown boolean, OUT loses boolean, OUT planned boolean)
RETURNS SETOF record
LANGUAGE sql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    WITH pair AS MATERIALIZED (
        SELECT p.* FROM schemaguard.sg_lookup_pairs(reference, target) p
        WHERE NOT p.lacks AND (schemas IS NULL OR (parse_ident(p.table_name))[1] = ANY (schemas))
    ), differs AS MATERIALIZED (
        SELECT p.table_name, r.key, r.what, r.reference, r.target
        FROM pair p CROSS JOIN LATERAL schemaguard.sg_lookup_rows(p.expected, p.actual, p.key_columns, p.ignored_columns) r
        WHERE p.reason IS NULL
    ), record AS MATERIALIZED (
        SELECT p.table_name, schemaguard.sg_lookup_key(coalesce(m.now, m.was), p.key_columns) AS key, m.was, m.now, m.n
        FROM (SELECT e ->> 'table', nullif(e -> 'was', 'null'), nullif(e -> 'now', 'null'), n
              FROM jsonb_array_elements(made) WITH ORDINALITY x (e, n)) m (name, was, now, n) JOIN pair p ON p.table_name = m.name
    ), link AS (
        SELECT d.table_name, d.key, r.was, r.now, CASE row_number() OVER w WHEN 1 THEN d.reference ELSE lag(r.now) OVER w END AS before,
               lead(r.n) OVER w IS NULL AS last, d.target
        FROM differs d JOIN record r ON r.table_name = d.table_name AND r.key = d.key
        WINDOW w AS (PARTITION BY d.table_name, d.key ORDER BY r.n)
    ), whole AS (
        SELECT l.table_name, l.key FROM link l GROUP BY 1, 2
        HAVING bool_and(CASE WHEN l.before IS NULL THEN l.was IS NULL ELSE (l.was @> l.before) IS TRUE END
                        AND (NOT l.last OR CASE WHEN l.target IS NULL THEN l.now IS NULL ELSE (l.now @> l.target) IS TRUE END))
    ), counted AS (
        SELECT d.table_name, w.key IS NOT NULL AS planned, d.what, count(*) AS n
        FROM differs d LEFT JOIN whole w ON w.table_name = d.table_name AND w.key = d.key GROUP BY 1, 2, 3
    )
    SELECT p.table_name, coalesce(p.reason, string_agg(format('%s %s', c.n, c.what), ', ' ORDER BY c.what)), p.reason IS NOT NULL,
           bool_or(c.what <> 'missing'), c.planned
    FROM pair p LEFT JOIN counted c ON c.table_name = p.table_name
    WHERE p.reason IS NOT NULL OR c.n > 0 GROUP BY p.table_name, p.reason, c.planned ORDER BY p.table_name COLLATE "C", c.planned;
END;
COMMENT ON FUNCTION schemaguard.sg_lookup_counts(text, text, text[], jsonb)
    IS 'returns how many rows of look-up tables differ, and whether steps of plans have made them';

CREATE FUNCTION schemaguard.sg_lookup_drift_body(reference text, target text, OUT table_name text, OUT key jsonb, OUT what text,
    OUT columns jsonb, OUT reason text)
RETURNS SETOF record
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
AS $function$
#variable_conflict use_column
DECLARE
    any_pair boolean := false;
    small text;
    p record;
BEGIN
    FOR p IN SELECT x.* FROM schemaguard.sg_lookup_pairs(sg_lookup_drift_body.reference, sg_lookup_drift_body.target) x
             ORDER BY x.table_name COLLATE "C" LOOP
        any_pair := true;
        IF p.reason IS NOT NULL THEN
            RETURN QUERY SELECT p.table_name, NULL::jsonb, 'unknown', NULL::jsonb, p.reason;
            CONTINUE;
        END IF;
        RETURN QUERY SELECT p.table_name, d.key, d.what, d.columns, NULL::text
            FROM schemaguard.sg_lookup_rows(p.expected, p.actual, p.key_columns, p.ignored_columns) d ORDER BY d.what, d.key;
    END LOOP;
    IF NOT any_pair THEN
        -- an example that exists: a small table, if possible one to which a key refers
        SELECT format('%I.%I', n.nspname, c.relname) INTO small
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_index i ON i.indrelid = c.oid AND i.indisprimary
        WHERE c.relkind IN ('r', 'p') AND c.relpersistence = 'p' AND n.nspname !~ '^(pg_|information_schema$|schemaguard$)'
        ORDER BY EXISTS (SELECT FROM pg_constraint k WHERE k.confrelid = c.oid AND k.contype = 'f') DESC, c.relpages, 1 LIMIT 1;
        RAISE NOTICE 'neither % nor % has contents of look-up tables', quote_literal(reference), quote_literal(target) USING HINT = concat(
            'Name the tables, and take a snapshot that has their rows:', E'\n' || format(
                'INSERT INTO schemaguard.lookup_table (table_name) VALUES (%L) ON CONFLICT DO NOTHING;', coalesce(small, 'public.states')),
            E'\n' || format('SELECT %s.sg_snapshot_take(%L);', schemaguard.sg_schema(), 'look-up data'));
    END IF;
END
$function$;
COMMENT ON FUNCTION schemaguard.sg_lookup_drift_body(text, text) IS 'does the work of sg_lookup_drift()';

CREATE FUNCTION sg_lookup_drift(reference text, target text DEFAULT 'live', OUT table_name text, OUT key jsonb, OUT what text,
    OUT columns jsonb, OUT reason text)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_body';
COMMENT ON FUNCTION sg_lookup_drift(text, text)
    IS 'returns rows of look-up tables that one of two snapshots lacks, or that differ, with both values';
