-- Sync: the rows of look-up tables, by what the reference has stored of them

-- Returns what makes the target's look-up data the reference's, in order: rows to insert or change, parents first, then, children first,
-- rows to delete, as a step of kind rows has them; with how the rows were. Tables that the target lacks are made, and empty. Adds: rows
-- are inserted alone. Taken: rows to insert whose key another row has, which the table's condition leaves out. Told: how many rows, or why
-- a table is left out. Step: the definition of a step.
CREATE FUNCTION schemaguard.sg_sync_lookup(reference text, target text, schemas text[], adds boolean, OUT place bigint,
    OUT table_name text, OUT key_columns text[], OUT what text, OUT definition jsonb, OUT was jsonb, OUT told text, OUT step jsonb)
RETURNS SETOF record
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $function$
WITH RECURSIVE pair AS MATERIALIZED (
    SELECT p.*, p.expected IS NOT NULL AND p.actual IS NULL AND CASE target WHEN 'live' THEN to_regclass(p.table_name) IS NULL
        ELSE NOT EXISTS (SELECT FROM schemaguard.snapshot_object o
            WHERE o.snapshot = target AND o.kind = 'table' AND o.identity = p.table_name) END AS absent,
         CASE reference WHEN 'live' THEN to_regclass(p.table_name) IS NOT NULL ELSE EXISTS (SELECT FROM schemaguard.snapshot_object o
            WHERE o.snapshot = reference AND o.kind = 'table' AND o.identity = p.table_name) END AS wanted
    FROM schemaguard.sg_lookup_pairs(reference, target) p
    WHERE schemas IS NULL OR (parse_ident(p.table_name))[1] = ANY (schemas)
), edge AS MATERIALIZED (
    SELECT o.parent AS child, o.properties ->> 'references' AS parent FROM schemaguard.snapshot_object o
    WHERE o.snapshot IN (reference, target) AND o.kind = 'constraint' AND o.properties ? 'references'
    UNION
    SELECT format('%I.%I', cn.nspname, c.relname), format('%I.%I', pn.nspname, p.relname)
    FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace cn ON cn.oid = c.relnamespace
         JOIN pg_class p ON p.oid = k.confrelid JOIN pg_namespace pn ON pn.oid = p.relnamespace
    WHERE k.contype = 'f' AND 'live' IN (reference, target)
), deep (name, depth) AS (
    SELECT p.table_name COLLATE "C", 0 FROM pair p
    UNION
    -- tables that refer to one another in a circle stay in some order: their keys have to be deferrable
    SELECT e.child, d.depth + 1 FROM deep d JOIN edge e ON e.parent = d.name AND e.child <> e.parent
    WHERE d.depth < (SELECT count(*) FROM pair)
), placed AS MATERIALIZED (
    SELECT p.*, (SELECT max(d.depth) FROM deep d WHERE d.name = p.table_name) AS depth FROM pair p
), differs AS MATERIALIZED (
    SELECT p.table_name, p.key_columns, p.depth, d.key, d.what, d.reference, d.target
    FROM placed p CROSS JOIN LATERAL schemaguard.sg_lookup_rows(p.expected, coalesce(p.actual, '[]'), p.key_columns,
        coalesce(p.ignored_columns, '{}')) d
    WHERE p.reason IS NULL OR p.absent
), taken AS MATERIALIZED (
    SELECT d.table_name, t.key
    FROM (SELECT x.table_name, jsonb_agg(x.key) AS keys FROM differs x WHERE x.what = 'missing' GROUP BY 1) d
         CROSS JOIN LATERAL jsonb_array_elements(schemaguard.sg_lookup_taken(d.table_name, d.keys)) t (key)
    WHERE target = 'live'
), made AS MATERIALIZED (
    SELECT d.* FROM differs d
    WHERE NOT EXISTS (SELECT FROM taken t WHERE d.what = 'missing' AND t.table_name = d.table_name AND t.key = d.key)
)
SELECT x.*, CASE x.what WHEN 'rows' THEN jsonb_build_object('rows', x.definition, 'was', x.was)
    WHEN 'deleted' THEN jsonb_build_object('delete', x.definition, 'was', x.was) END
FROM (
SELECT d.depth AS place, d.table_name, d.key_columns, 'rows' AS what, jsonb_agg(d.reference ORDER BY d.key) AS definition,
    jsonb_agg(d.target ORDER BY d.key) AS was,
    format('%s inserted, %s changed', count(*) FILTER (WHERE d.what = 'missing'), count(*) FILTER (WHERE d.what = 'different'))
FROM made d WHERE d.what = 'missing' OR d.what = 'different' AND NOT adds GROUP BY d.depth, d.table_name, d.key_columns
UNION ALL
SELECT 1000000 - d.depth, d.table_name, d.key_columns, 'deleted', jsonb_agg(d.key ORDER BY d.key),
    jsonb_agg(d.target ORDER BY d.key), count(*) || ' deleted'
FROM made d WHERE d.what = 'extra' AND NOT adds GROUP BY d.depth, d.table_name, d.key_columns
UNION ALL
SELECT p.depth, p.table_name, p.key_columns, 'taken', NULL, NULL, format('%s left alone, whose key a row has that the condition leaves '
    'out: %s', count(*), string_agg(t.key::text, ', ' ORDER BY t.key))
FROM taken t JOIN placed p ON p.table_name = t.table_name GROUP BY p.depth, p.table_name, p.key_columns
UNION ALL
-- of what the reference has nothing, it says nothing
SELECT p.depth, p.table_name, p.key_columns, 'unknown', NULL, NULL, p.reason FROM placed p
WHERE p.reason IS NOT NULL AND NOT p.absent AND (p.expected IS NOT NULL OR p.wanted AND NOT p.lacks)) x
ORDER BY 1, 2
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_lookup(text, text, text[], boolean)
    IS 'returns the rows that make the look-up data of a target that of a reference, in the order of keys';

-- Returns the steps of a plan for it, in order, each as an object of its fields, or why one is left out: deletions are without allow_drop
CREATE FUNCTION schemaguard.sg_sync_lookup_steps(reference text, schemas text[], allow_drop boolean, adds boolean)
RETURNS jsonb
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $function$
SELECT coalesce(jsonb_agg(CASE WHEN l.what = 'unknown' THEN '"could not be read"'
    WHEN l.what = 'taken' THEN '"has rows whose keys others have, which its condition leaves out"'
    WHEN l.what = 'deleted' AND NOT allow_drop THEN '"would lose something (allow_drop)"'
    ELSE jsonb_build_object('child_table', l.table_name, 'child_columns', l.key_columns::text, 'definition', l.step::text,
        'fk_name', CASE l.what WHEN 'rows' THEN 'rows of ' ELSE 'deleted rows of ' END || l.table_name) END
    ORDER BY l.place, l.table_name), '[]')
FROM schemaguard.sg_sync_lookup(reference, 'live', schemas, adds) l
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_lookup_steps(text, text[], boolean, boolean)
    IS 'returns the steps of a plan that makes this database''s look-up data that of a snapshot';

-- Returns the statement that deletes the rows of a condition, unless rows refer to them that would be deleted or changed with them
CREATE FUNCTION schemaguard.sg_sync_lookup_delete(table_name text, condition text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
SELECT format($script$DO %1$s
DECLARE
    of_rows CONSTANT text := %2$s%3$s%2$s;
    key     record;
    found   boolean;
BEGIN
    LOCK TABLE %4$s IN EXCLUSIVE MODE;
    PERFORM set_config('row_security', 'off', true);
    FOR key IN
        SELECT k.conrelid::regclass AS child, string_agg(format('t.%%I OPERATOR(%%I.%%s) f.%%I', p.attname, n.nspname, o.oprname,
            c.attname), ' AND ') AS matches
        FROM pg_constraint k
            CROSS JOIN ROWS FROM (unnest(k.confkey), unnest(k.conkey), unnest(k.conpfeqop)) u (parent, child, operator)
            JOIN pg_attribute p ON p.attrelid = k.confrelid AND p.attnum = u.parent
            JOIN pg_attribute c ON c.attrelid = k.conrelid AND c.attnum = u.child
            JOIN pg_operator o ON o.oid = u.operator JOIN pg_namespace n ON n.oid = o.oprnamespace
        WHERE k.confrelid = %5$L::regclass AND k.contype = 'f' AND k.confdeltype NOT IN ('a', 'r') GROUP BY k.oid, k.conrelid
    LOOP
        EXECUTE format('SELECT EXISTS (SELECT FROM %%s f WHERE EXISTS (SELECT FROM %%s t WHERE %%s AND (%%s)) AND (f.tableoid, f.ctid) '
            'NOT IN (SELECT x.tableoid, x.ctid FROM %%2$s x WHERE %%4$s))', key.child, %5$L, key.matches, of_rows) INTO found;
        IF found THEN
            RAISE foreign_key_violation USING MESSAGE = format('no row of %%s is deleted: rows of %%s refer to them, and would be deleted '
                'or changed with them', %5$L, key.child), HINT = 'Have these rows refer to others first.';
        END IF;
    END LOOP;
    EXECUTE %6$L || of_rows;
END %1$s;$script$, schemaguard.sg_sync_tag(condition, 'rows'), schemaguard.sg_sync_tag(condition, 'condition'), condition, table_name,
    table_name, format('DELETE FROM %s WHERE ', table_name))
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_lookup_delete(text, text)
    IS 'returns the statement that deletes rows of a look-up table, unless that would reach rows of others';

-- Returns the statements of a script for the rows of one table: one INSERT, an UPDATE for each changed row, one DELETE. Statements leave
-- alone a row that has changed since. Comments before the statements have the old rows. Is_unique: a constraint that is not deferrable
-- makes the key unique.
CREATE FUNCTION schemaguard.sg_sync_lookup_statements(table_name text, key_columns text[], what text, definition jsonb, was jsonb,
    is_unique boolean, allow_drop boolean)
RETURNS SETOF text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
WITH pair AS (
    SELECT e.n, CASE what WHEN 'deleted' THEN NULL ELSE e.row END AS new, nullif(w.row, 'null') AS old
    FROM jsonb_array_elements(definition) WITH ORDINALITY e (row, n)
         JOIN jsonb_array_elements(was) WITH ORDINALITY w (row, n) ON w.n = e.n
), named AS (
    SELECT p.*, c.columns, c.types, c.values, c.sets, o.same, k.matches
    FROM pair p
    CROSS JOIN LATERAL (
        SELECT string_agg(quote_ident(x.key), ', ' ORDER BY x.key) AS columns,
            string_agg(format('(NULL::%s).%I', table_name, x.key), ', ' ORDER BY x.key) AS types,
            string_agg(quote_nullable(x.value), ', ' ORDER BY x.key) AS values,
            string_agg(format('%I = %s', x.key, quote_nullable(x.value)), ', ' ORDER BY x.key)
                FILTER (WHERE x.value IS DISTINCT FROM p.old ->> x.key) AS sets
        FROM jsonb_each_text(p.new) x) c
    CROSS JOIN LATERAL (
        SELECT string_agg(format('%I::text IS NOT DISTINCT FROM %s', x.key, quote_nullable(x.value)), ' AND ' ORDER BY x.key) AS same
        FROM jsonb_each_text(p.old) x) o
    CROSS JOIN LATERAL (
        SELECT string_agg(format('%I = %L', x.name, p.old ->> x.name), ' AND ' ORDER BY x.o) AS matches
        FROM unnest(key_columns) WITH ORDINALITY x (name, o)) k
),
-- rows of one table may refer to each other: one statement inserts all of them, and one statement deletes all of them
line (place, n, text) AS (
    SELECT 1, 0, format(E'INSERT INTO %s (%s) OVERRIDING SYSTEM VALUE VALUES\n    (%s)\nON CONFLICT (%s) DO NOTHING;',
        table_name, p.columns, string_agg(p.values, E'),\n    (' ORDER BY p.n),
        (SELECT string_agg(quote_ident(x.name), ', ' ORDER BY x.o) FROM unnest(key_columns) WITH ORDINALITY x (name, o)))
    FROM named p WHERE p.old IS NULL AND is_unique GROUP BY p.columns
    UNION ALL
    -- the first row is of the types of the table's columns, and so are the literals below it
    SELECT 1, 0, format(E'INSERT INTO %1$s (%2$s) OVERRIDING SYSTEM VALUE\nSELECT * FROM (VALUES (%3$s),\n    (%4$s) OFFSET 1) v (%2$s)\n'
        'WHERE NOT EXISTS (SELECT FROM %1$s x WHERE %5$s);', table_name, p.columns, p.types,
        string_agg(p.values, E'),\n    (' ORDER BY p.n),
        (SELECT string_agg(format('x.%1$I = v.%1$I', k.name), ' AND ' ORDER BY k.o) FROM unnest(key_columns) WITH ORDINALITY k (name, o)))
    FROM named p WHERE p.old IS NULL AND NOT is_unique GROUP BY p.columns, p.types
    UNION ALL
    SELECT 2, p.n * 2, schemaguard.sg_sync_comment('was: ' || p.old::text) FROM named p WHERE p.old IS NOT NULL
    UNION ALL
    SELECT 2, p.n * 2 + 1, format('UPDATE %s SET %s WHERE %s AND %s;', table_name, p.sets, p.matches, p.same)
    FROM named p WHERE p.new IS NOT NULL AND p.old IS NOT NULL
    UNION ALL
    SELECT 3, 0, CASE WHEN allow_drop THEN d.text ELSE '-- ' || replace(d.text, E'\n', E'\n-- ') END
    FROM (SELECT schemaguard.sg_sync_lookup_delete(table_name, string_agg(format('%s AND %s', p.matches, p.same), E'\n    OR '
              ORDER BY p.n))
          FROM named p WHERE p.new IS NULL HAVING count(*) > 0) d (text)
)
SELECT l.text FROM line l ORDER BY l.place, l.n
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_lookup_statements(text, text[], text, jsonb, jsonb, boolean, boolean)
    IS 'returns the statements of a script for the rows of one look-up table';

-- Returns the part of a script that is about look-up data; nothing if there is nothing to do
CREATE FUNCTION schemaguard.sg_sync_lookup_script(reference text, target text, schemas text[], allow_drop boolean)
RETURNS SETOF text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET standard_conforming_strings = on
AS $function$
DECLARE
    begun boolean := false;
    l record;
    is_unique boolean;
BEGIN
    FOR l IN SELECT s.* FROM schemaguard.sg_sync_lookup(reference, target, schemas, false) s ORDER BY s.place, s.table_name LOOP
        IF NOT begun THEN
            RETURN QUERY VALUES (''), ('-- look-up data'), ('BEGIN;'), ('SET LOCAL bytea_output = ''hex'';'),
                ('SET LOCAL lc_monetary = ''C'';'), ('SET CONSTRAINTS ALL DEFERRED;');
            begun := true;
        END IF;
        IF l.definition IS NULL THEN
            RETURN NEXT schemaguard.sg_sync_comment(format('left out: rows of %s: %s', l.table_name, l.told));
            CONTINUE;
        END IF;
        RETURN NEXT schemaguard.sg_sync_comment(format('rows of %s: %s', l.table_name, l.told || CASE
            WHEN l.what = 'deleted' AND NOT allow_drop THEN ', left out, for they would be lost (allow_drop)' ELSE '' END));
        is_unique := EXISTS (
            SELECT FROM schemaguard.snapshot_object o WHERE o.snapshot = CASE reference WHEN 'live' THEN target ELSE reference END
                AND o.kind = 'constraint' AND o.parent = l.table_name AND o.properties ->> 'type' IN ('p', 'u')
                AND (o.properties ->> 'deferrable')::boolean IS NOT TRUE
                AND o.properties -> 'columns' @> to_jsonb(l.key_columns) AND to_jsonb(l.key_columns) @> (o.properties -> 'columns'));
        RETURN QUERY SELECT s FROM schemaguard.sg_sync_lookup_statements(l.table_name, l.key_columns, l.what, l.definition, l.was,
            is_unique, allow_drop) s;
    END LOOP;
    IF begun THEN
        RETURN NEXT 'COMMIT;';
    END IF;
END
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_lookup_script(text, text, text[], boolean)
    IS 'returns the part of a script that makes look-up data the same';
