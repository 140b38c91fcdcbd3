-- Sync: parts of statements, for templates. Nothing here runs what a snapshot says.

-- "a.b(c)" is a.b: what precedes the first parenthesis that is not in a name
CREATE FUNCTION schemaguard.sg_sync_name(signature text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
RETURN substring(signature FROM '^((?:"(?:[^"]|"")*"|[^"(])*)');
COMMENT ON FUNCTION schemaguard.sg_sync_name(text)
    IS 'returns the name of a routine or operator without its arguments';

-- an operator, given as regoperator prints it, where OPERATOR() is wanted
CREATE FUNCTION schemaguard.sg_sync_operator(operator text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
RETURN 'OPERATOR(' || CASE WHEN schemaguard.sg_sync_name(operator) ~ '^[^.]+$' THEN 'pg_catalog.' ELSE '' END
    || schemaguard.sg_sync_name(operator) || ')';
COMMENT ON FUNCTION schemaguard.sg_sync_operator(text)
    IS 'returns an operator in the form of OPERATOR()';

-- Returns the text between the parentheses of an index
CREATE FUNCTION schemaguard.sg_sync_keys(columns jsonb, p jsonb)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT string_agg(coalesce(quote_ident(k.name), p -> 'expressions' ->> (k.expression - 1)::int)
        || coalesce(' COLLATE ' || (p -> 'collations' ->> (k.n - 1)::int), '')
        || coalesce(' ' || (p -> 'operator_classes' ->> (k.n - 1)::int), '')
        || coalesce(schemaguard.sg_sync_fill(' ({o|O})', jsonb_build_object('o', p -> 'operator_class_options' -> k.n::text)), '')
        || coalesce(' ' || upper(nullif(regexp_replace(p -> 'ordering' ->> (k.n - 1)::int, '^asc ', ''), '')), '')
        || coalesce(' WITH ' || schemaguard.sg_sync_operator(p -> 'operators' ->> (k.n - 1)::int), ''), ', ' ORDER BY k.n)
    FROM (SELECT k.name, k.n, count(*) FILTER (WHERE k.name IS NULL) OVER (ORDER BY k.n) AS expression
          FROM jsonb_array_elements_text(CASE jsonb_typeof(columns) WHEN 'array' THEN columns END) WITH ORDINALITY k (name, n)) k
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_keys(jsonb, jsonb)
    IS 'returns the text between the parentheses of an index';

-- the elements of one array that another one lacks
CREATE FUNCTION schemaguard.sg_sync_lacking(a jsonb, b jsonb)
RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT jsonb_agg(x.e ORDER BY x.n) FROM jsonb_array_elements(a) WITH ORDINALITY x (e, n)
        WHERE NOT coalesce(b, '[]') @> jsonb_build_array(x.e)
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_lacking(jsonb, jsonb)
    IS 'returns the elements of one array that are missing from another';

-- the first place at which two arrays differ
CREATE FUNCTION schemaguard.sg_sync_first_other(a jsonb, b jsonb)
RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT min(coalesce(x.n, y.n)) FROM jsonb_array_elements(a) WITH ORDINALITY x (e, n)
        FULL JOIN jsonb_array_elements(b) WITH ORDINALITY y (e, n) ON y.n = x.n
    WHERE y.e IS DISTINCT FROM x.e
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_first_other(jsonb, jsonb)
    IS 'returns the first position at which two arrays differ';

-- options name=value of one side against those of the other, for OPTIONS (ADD, SET, DROP)
CREATE FUNCTION schemaguard.sg_sync_options(new jsonb, old jsonb)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
    WITH n AS (SELECT split_part(o, '=', 1) AS name, substr(o, strpos(o, '=') + 1) AS value FROM jsonb_array_elements_text(new) o),
        o AS (SELECT split_part(o, '=', 1) AS name, substr(o, strpos(o, '=') + 1) AS value FROM jsonb_array_elements_text(old) o)
    SELECT string_agg(CASE WHEN n.name IS NULL THEN format('DROP %I', o.name)
        WHEN o.name IS NULL THEN format('ADD %I %L', n.name, n.value) ELSE format('SET %I %L', n.name, n.value) END, ', '
        ORDER BY coalesce(n.name, o.name))
    FROM n FULL JOIN o ON o.name = n.name
    -- what is hidden is not known
    WHERE n.value IS DISTINCT FROM o.value AND coalesce(n.value, '') <> '(hidden)'
        AND (n.name IS NULL OR coalesce(o.value, '') <> '(hidden)')
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_options(jsonb, jsonb)
    IS 'returns the changes that turn one set of options into another';

-- Tells whether the range of a sequence becomes narrower, so that values it has given may lie outside; null: no
CREATE FUNCTION schemaguard.sg_sync_narrowed(new jsonb, old jsonb)
RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
RETURN nullif((new ->> 'minimum')::numeric > (old ->> 'minimum')::numeric
    OR (new ->> 'maximum')::numeric < (old ->> 'maximum')::numeric, false);
COMMENT ON FUNCTION schemaguard.sg_sync_narrowed(jsonb, jsonb)
    IS 'tells whether the range of a sequence becomes narrower; null: it does not';

-- Enum labels that have to be added, each where it belongs
CREATE FUNCTION schemaguard.sg_sync_labels(type text, new jsonb, old jsonb)
RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT jsonb_agg(format('ALTER TYPE %s ADD VALUE IF NOT EXISTS %L', type, l.label)
        || coalesce(' AFTER ' || quote_literal(l.before), ' BEFORE ' || quote_literal(l.next), '')
        ORDER BY l.n)
    FROM (SELECT l.label, l.n, lag(l.label) OVER (ORDER BY l.n) AS before,
              -- in front of all: before the first that is there; of none that is, after those that go
              (SELECT o.label FROM jsonb_array_elements_text(new) WITH ORDINALITY o (label, n)
                  WHERE old ? o.label ORDER BY o.n LIMIT 1) AS next
          FROM jsonb_array_elements_text(new) WITH ORDINALITY l (label, n)) l
    WHERE NOT old ? l.label
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_labels(text, jsonb, jsonb)
    IS 'returns the statements that add labels of an enum';

-- Statements for columns and checks of an enum, before and after it is recreated: a query that needs nothing of ours
CREATE FUNCTION schemaguard.sg_sync_labelled(type text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT replace($query$WITH made AS (SELECT pg_catalog.to_regtype({type}) AS oid)
SELECT array_agg(x.first) FILTER (WHERE x.first IS NOT NULL), array_agg(x.last ORDER BY x.step)
FROM (
    SELECT 1 AS step, CASE WHEN d.oid IS NOT NULL
            THEN format('ALTER TABLE %s ALTER COLUMN %I DROP DEFAULT', a.attrelid::regclass, a.attname) END AS first,
        format('ALTER TABLE %s ALTER COLUMN %I TYPE %s%s USING %I::text%s::%s%s', a.attrelid::regclass, a.attname, m.oid, x.s,
            a.attname, x.s, m.oid, x.s) AS last
    FROM made m JOIN pg_type t ON m.oid IN (t.oid, t.typelem) JOIN pg_attribute a ON a.atttypid = t.oid
        JOIN pg_class c ON c.oid = a.attrelid
        CROSS JOIN LATERAL (SELECT CASE WHEN t.oid = m.oid THEN '' ELSE '[]' END) x (s)
        LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE c.relkind IN ('r', 'p', 'f') AND a.attinhcount = 0 AND NOT a.attisdropped
    UNION ALL
    SELECT 2, NULL, format('ALTER TABLE %s ALTER COLUMN %I SET DEFAULT %s', a.attrelid::regclass, a.attname, pg_get_expr(d.adbin, 0))
    FROM made m JOIN pg_type t ON m.oid IN (t.oid, t.typelem) JOIN pg_attribute a ON a.atttypid = t.oid
        JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE NOT a.attisdropped AND a.attgenerated = ''
    UNION ALL
    SELECT 3, format('ALTER TABLE %s DROP CONSTRAINT %I', k.conrelid::regclass, k.conname),
        format('ALTER TABLE %s ADD CONSTRAINT %I %s', k.conrelid::regclass, k.conname, pg_get_constraintdef(k.oid))
    FROM pg_constraint k WHERE k.contype = 'c' AND k.coninhcount = 0
      AND EXISTS (SELECT FROM made m JOIN pg_type t ON m.oid IN (t.oid, t.typelem) JOIN pg_attribute a ON a.atttypid = t.oid
          WHERE a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey))
) x$query$, '{type}', quote_literal(type))
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_labelled(text)
    IS 'returns the query for the statements about columns and checks of an enum before and after it is recreated';

-- An enum that loses labels is made anew, and the columns of its type take the new one. Values that it has no more stop that.
CREATE FUNCTION schemaguard.sg_sync_relabel(type text, name text, labels jsonb, OUT make text, OUT finish text, OUT whole text)
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT x.make, x.finish, format($do$DO %1$s
DECLARE
    first text[];
    last  text[];
    line  text;
BEGIN
    EXECUTE %2$L INTO first, last;
    FOREACH line IN ARRAY coalesce(first, '{}') LOOP
        EXECUTE line;
    END LOOP;
    %3$s;
    FOREACH line IN ARRAY coalesce(last, '{}') LOOP
        EXECUTE line;
    END LOOP;
    %4$s;
END %1$s$do$, schemaguard.sg_sync_tag(concat(type, x.make, x.finish), 'labels'), schemaguard.sg_sync_labelled(type), x.make, x.finish)
    FROM (SELECT format('ALTER TYPE %1$s RENAME TO %2$I;
    CREATE TYPE %1$s AS ENUM (%3$s)', type, schemaguard.sg_make_name(name, NULL, 'sync_old'),
            (SELECT string_agg(quote_literal(l), ', ' ORDER BY n) FROM jsonb_array_elements_text(labels) WITH ORDINALITY x (l, n))),
        format('DROP TYPE %s.%I', schemaguard.sg_sync_schema(type), schemaguard.sg_make_name(name, NULL, 'sync_old'))) x (make, finish)
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_relabel(text, text, jsonb)
    IS 'returns the statement that recreates an enum, with its columns';

-- CREATE FUNCTION or PROCEDURE
CREATE FUNCTION schemaguard.sg_sync_routine(kind text, p jsonb)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT schemaguard.sg_sync_fill('CREATE OR REPLACE {word} {routine}({arguments_or})[ RETURNS {returns}] LANGUAGE {language|I}[ '
        'TRANSFORM {transform_list}][{?window} WINDOW]'
        || '[{?volatility!=volatile} {volatility|U}][{?parallel!=unsafe} PARALLEL {parallel|U}][{?strict} STRICT][{?security_definer} '
            'SECURITY DEFINER][{?leakproof} LEAKPROOF]'
        || '[ COST {cost_or}][ ROWS {rows_or}][ SUPPORT {support}]', p || jsonb_build_object(
            'word', upper(kind), 'arguments_or', to_jsonb(coalesce(p ->> 'arguments', '')),
            'cost_or', nullif(p -> 'cost', CASE WHEN p ->> 'language' IN ('internal', 'c') THEN '1'::jsonb ELSE '100'::jsonb END),
            'rows_or', nullif(p -> 'rows', '1000'::jsonb),
            'transform_list', (SELECT string_agg('FOR TYPE ' || t, ', ') FROM jsonb_array_elements_text(p -> 'transforms') t)))
    || coalesce((SELECT string_agg(' SET ' || quote_ident(split_part(o, '=', 1)) || ' TO '
            || CASE WHEN lower(split_part(o, '=', 1)) IN ('search_path', 'temp_tablespaces', 'session_preload_libraries',
                'shared_preload_libraries', 'local_preload_libraries', 'unix_socket_directories')
                -- a list of names, quoted as the server has quoted them
                THEN coalesce(nullif(
                    (SELECT string_agg(quote_literal(CASE WHEN w.m[1] LIKE '"%' THEN replace(substr(w.m[1], 2, length(w.m[1]) - 2),
                        '""', '"') ELSE w.m[1] END), ', ' ORDER BY w.n)
                    FROM regexp_matches(substr(o, strpos(o, '=') + 1), '("(?:[^"]|"")*"|[^", ]+)', 'g') WITH ORDINALITY w (m, n)), ''),
                        '''''')
                ELSE quote_literal(substr(o, strpos(o, '=') + 1)) END, '')
        FROM jsonb_array_elements_text(p -> 'configuration') o), '')
    || coalesce(chr(10) || (p ->> 'sql_body'), chr(10) || 'AS '
        || coalesce(quote_literal(p ->> 'library') || ', ' || quote_literal(p ->> 'body'),
            CASE WHEN position('$body$' IN p ->> 'body') > 0 OR right(p ->> 'body', 1) = '$' THEN quote_literal(p ->> 'body') ELSE '$body$'
                || (p ->> 'body') || '$body$' END))
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_routine(text, jsonb)
    IS 'returns the statement that creates a function or procedure';

-- Returns the temporary name of an object that is to replace one of this name
CREATE FUNCTION schemaguard.sg_sync_new_name(name text)
RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'sg_sync_new_name';
COMMENT ON FUNCTION schemaguard.sg_sync_new_name(text)
    IS 'returns the temporary name of an object that is to replace one of this name';

-- Returns the values that a guard expects for these properties of sg_sync_rules(): one alone, or several as an object
CREATE FUNCTION schemaguard.sg_sync_expected(object jsonb, properties text[], printed boolean[], alone boolean)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT CASE WHEN alone THEN max(x.value) ELSE coalesce(string_agg(x.property || ': ' || x.value, '; ' ORDER BY x.n),
        CASE WHEN properties IS NULL THEN 'there' ELSE '' END) END
    FROM (SELECT p.property, p.n, CASE WHEN p.printed THEN schemaguard.sg_sync_loose(object ->> p.property)
              WHEN p.property = 'body' THEN md5(object ->> 'body')
              -- in the order that guards ask for
              WHEN p.property IN ('options', 'toast_options', 'server_options', 'roles', 'configuration', 'kinds', 'columns_state')
                  AND jsonb_typeof(object -> p.property) = 'array'
              THEN (SELECT jsonb_agg(e ORDER BY e COLLATE "C")::text FROM jsonb_array_elements_text(object -> p.property) e)
              ELSE object ->> p.property END AS value
          FROM unnest(properties, printed) WITH ORDINALITY p (property, printed, n)) x
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_expected(jsonb, text[], boolean[], boolean)
    IS 'returns the values that a guard expects of an object';

-- the schema of an identity
CREATE FUNCTION schemaguard.sg_sync_schema(identity text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
RETURN substring(identity FROM '^("(?:[^"]|"")*"|[^".]+)');
COMMENT ON FUNCTION schemaguard.sg_sync_schema(text)
    IS 'returns the schema of an identity';

-- the relation of a column, by the identity of the column: all but its last name
CREATE FUNCTION schemaguard.sg_sync_owner(identity text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN pg_catalog.regexp_replace(identity, E'\\.("(?:[^"]|"")*"|[^".]+)$', '');
COMMENT ON FUNCTION schemaguard.sg_sync_owner(text)
    IS 'returns the relation of a column, given the column''s identity';

-- the name at the beginning of "name type", quoted where it is
CREATE FUNCTION schemaguard.sg_sync_first_name(attribute text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
RETURN substring(attribute FROM '^("(?:[^"]|"")*"|[^" ]+)');
COMMENT ON FUNCTION schemaguard.sg_sync_first_name(text)
    IS 'returns the name at the beginning of an attribute';

-- The names of attributes, in their order
CREATE FUNCTION schemaguard.sg_sync_first_names(attributes jsonb)
RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
RETURN ARRAY(SELECT schemaguard.sg_sync_first_name(x.a) FROM jsonb_array_elements_text(attributes) WITH ORDINALITY x (a, n) ORDER BY x.n);
COMMENT ON FUNCTION schemaguard.sg_sync_first_names(jsonb)
    IS 'returns the names of attributes in their order';

-- Attributes of a composite type. New ones come last: where they don't, all after the first that is elsewhere are made anew, unless their
-- order is as good as any. Back: on the way back, of which others may be there already. Typed: tables are of the type; CASCADE, which these
-- need, would drop views of it, too.
CREATE FUNCTION schemaguard.sg_sync_attributes(new jsonb, old jsonb, in_order boolean, back boolean, typed boolean)
RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
    WITH pair AS (
        SELECT n.a AS new, o.a AS old, n.n AS new_at, o.n AS old_at, coalesce(n.name, o.name) AS name
        FROM (SELECT a, n, schemaguard.sg_sync_first_name(a) AS name FROM jsonb_array_elements_text(new) WITH ORDINALITY x (a, n)) n
        FULL JOIN (SELECT a, n, schemaguard.sg_sync_first_name(a) AS name
            FROM jsonb_array_elements_text(old) WITH ORDINALITY x (a, n)) o ON o.name = n.name
    ), cut AS (
        SELECT CASE WHEN array_agg(p.name ORDER BY p.old_at, p.new_at) FILTER (WHERE p.new IS NOT NULL) <> array_agg(p.name
            ORDER BY p.new_at) FILTER (WHERE p.new IS NOT NULL) AND in_order
            THEN coalesce(min(p.new_at) FILTER (WHERE p.old_at IS DISTINCT FROM p.new_at), 1) END AS at
        FROM pair p
    )
    SELECT jsonb_strip_nulls(jsonb_build_object(
        'attribute_changes', string_agg(CASE WHEN p.old IS NULL AND c.at IS NULL THEN 'ADD ATTRIBUTE ' || p.new || ' CASCADE'
            WHEN p.new <> p.old AND (c.at IS NULL OR p.new_at < c.at) THEN 'ALTER ATTRIBUTE ' || p.name || ' TYPE'
                || substr(p.new, length(p.name) + 1) || ' CASCADE' END, ', ' ORDER BY p.new_at),
        'attribute_drops', nullif(concat_ws(', ', string_agg('DROP ATTRIBUTE IF EXISTS ' || p.name
                || CASE WHEN typed THEN ' CASCADE' ELSE '' END, ', ' ORDER BY p.old_at)
                FILTER (WHERE (p.old IS NOT NULL OR back) AND (p.new IS NULL OR p.new_at >= c.at)),
            string_agg('ADD ATTRIBUTE ' || p.new || ' CASCADE', ', ' ORDER BY p.new_at) FILTER (WHERE p.new_at >= c.at)), '')))
    FROM pair p, cut c
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_attributes(jsonb, jsonb, boolean, boolean, boolean)
    IS 'returns the changes that turn one list of attributes into another';

-- Attributes by the names that columns of tables of the type get
CREATE FUNCTION schemaguard.sg_sync_renamed_attributes(attributes jsonb, renames jsonb)
RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT coalesce(jsonb_agg(coalesce(quote_ident(r.value) || substr(x.a, length(n.name) + 1), x.a) ORDER BY x.n), '[]')
    FROM jsonb_array_elements_text(attributes) WITH ORDINALITY x (a, n)
    CROSS JOIN LATERAL (SELECT schemaguard.sg_sync_first_name(x.a) AS name) n
    LEFT JOIN jsonb_each_text(renames) r ON quote_ident(r.key) = n.name
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_renamed_attributes(jsonb, jsonb)
    IS 'returns the attributes of a composite type by their new names';

-- The statements that rename attributes, and what they are then. One that gets another's name waits for that.
CREATE FUNCTION schemaguard.sg_sync_attribute_renames(type text, attributes jsonb, renames jsonb)
RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
    WITH RECURSIVE rename AS (
        SELECT r.key AS old, r.value AS new, 0 AS wait FROM jsonb_each_text(renames) r
        WHERE NOT renames ? r.value
        UNION ALL
        SELECT r.key, r.value, n.wait + 1 FROM rename n JOIN jsonb_each_text(renames) r ON r.value = n.old
    )
    SELECT jsonb_build_object(
        'attribute_renames', jsonb_agg(format('ALTER TYPE %s RENAME ATTRIBUTE %I TO %I CASCADE', type, n.old, n.new)
            ORDER BY n.wait, n.old),
        'attributes_renamed', (SELECT jsonb_agg(x.a) FROM jsonb_array_elements(
            schemaguard.sg_sync_renamed_attributes(attributes, renames)) x (a) WHERE NOT attributes @> x.a)::text)
    FROM rename n
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_attribute_renames(text, jsonb, jsonb)
    IS 'returns the statements that rename attributes of a composite type';

-- Comments of the columns of a view or a composite type
CREATE FUNCTION schemaguard.sg_sync_comments(relation text, new jsonb, old jsonb)
RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT jsonb_agg(format('COMMENT ON COLUMN %s.%I IS %L', relation, coalesce(n.key, o.key), n.value) ORDER BY coalesce(n.key, o.key))
    FROM jsonb_each_text(new) n FULL JOIN jsonb_each_text(old) o ON o.key = n.key
    WHERE n.value IS DISTINCT FROM o.value
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_comments(text, jsonb, jsonb)
    IS 'returns the statements that change comments of columns';

-- Returns the parts of values that a change of their type may lose; null: nothing, as where there is no old type
CREATE FUNCTION schemaguard.sg_sync_type_loss(old text, new text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT CASE WHEN old IS NULL THEN NULL
        WHEN old = new OR old || '>' || new ~ '^(smallint>(integer|bigint|numeric|text)|integer>(bigint|numeric|text|double '
        'precision)|bigint>(numeric|text)|real>double precision|date>timestamp without time zone|uuid>text|character '
        'varying(\(\d+\))?>(text|character varying)|text>character varying|numeric\(\d+,\d+\)>numeric)$' THEN NULL
        WHEN split_part(old, '(', 1) = split_part(new, '(', 1) AND old ~ '^(character varying|numeric)\(' AND new ~ '\('
            AND substring(new FROM '\((\d+)')::int - coalesce(substring(new FROM ',(\d+)')::int, 0)
                >= substring(old FROM '\((\d+)')::int - coalesce(substring(old FROM ',(\d+)')::int, 0)
            AND coalesce(substring(new FROM ',(\d+)')::int, 0) >= coalesce(substring(old FROM ',(\d+)')::int, 0) THEN NULL
        ELSE format('what %s can''t hold of %s', new, old) END
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_type_loss(text, text)
    IS 'returns the parts of values that a change of their type may lose; null: nothing';

-- GRANT and REVOKE that make one set of privileges another; null stands for what a new object has
CREATE FUNCTION schemaguard.sg_sync_grants(kind text, object text, column_name text, owner text, new jsonb, old jsonb)
RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
    WITH frame AS (
        SELECT
            -- of default privileges the object is FOR ROLE a IN SCHEMA b ON TABLES
            CASE kind WHEN 'default privilege' THEN 'ALTER DEFAULT PRIVILEGES ' || regexp_replace(object, ' ON [A-Z ]+$', '') || ' '
                ELSE '' END AS begin,
            CASE WHEN kind = 'default privilege' THEN substring(object FROM ' ON ([A-Z ]+)$')
                WHEN kind = 'foreign server' THEN 'FOREIGN SERVER ' || object
                WHEN kind IN ('table', 'view', 'materialized view', 'column') THEN 'TABLE ' || object
                WHEN kind = 'aggregate' THEN 'FUNCTION ' || object WHEN kind = 'procedure' THEN object ELSE upper(kind) || ' '
                    || object END AS name,
            CASE kind WHEN 'default privilege' THEN coalesce(substring(object FROM '^FOR ROLE ("(?:[^"]|"")*"|[^" ]+)'), '')
                ELSE coalesce(owner, '') END AS owner,
            CASE WHEN kind IN ('function', 'procedure', 'aggregate', 'type', 'domain', 'language')
                    OR kind = 'default privilege' AND object ~ ' ON (FUNCTIONS|TYPES)$'
                        AND object !~ '^FOR ROLE ("(?:[^"]|"")*"|[^" ]+) IN SCHEMA '
                THEN '{"PUBLIC": ["ALL"]}'::jsonb ELSE '{}' END AS standard,
            kind = 'default privilege' AND object ~ '^FOR ROLE ("(?:[^"]|"")*"|[^" ]+) IN SCHEMA ' AS added
    ), changed AS (
        SELECT f.*, coalesce(n.key, o.key) AS grantee, n.value AS new, o.value AS old
        FROM frame f
        CROSS JOIN LATERAL (SELECT n.key, n.value, o.key AS okey, o.value AS ovalue
            FROM jsonb_each(coalesce(new, f.standard)) n
            FULL JOIN jsonb_each(coalesce(old, f.standard)) o ON o.key = n.key) x
        CROSS JOIN LATERAL (SELECT x.key, x.value) n CROSS JOIN LATERAL (SELECT x.okey AS key, x.ovalue AS value) o
        WHERE n.value IS DISTINCT FROM o.value
    )
    SELECT jsonb_agg(x.statement ORDER BY x.grantee, x.step)
    FROM (
        SELECT c.grantee, 1 AS step, format('%sREVOKE ALL%s ON %s FROM %s', c.begin, ' (' || column_name || ')', c.name,
            c.grantee) AS statement
        FROM changed c
        WHERE c.old IS NOT NULL OR c.grantee = c.owner AND NOT c.added
        UNION ALL
        -- the owner has all, unless it says otherwise
        SELECT c.grantee, 2, format('%sGRANT ALL ON %s TO %s', c.begin, c.name, c.grantee)
        FROM changed c WHERE c.new IS NULL AND c.grantee = c.owner AND column_name IS NULL AND NOT c.added
        UNION ALL
        SELECT c.grantee, 3, format('%sGRANT %s ON %s TO %s%s', c.begin,
            string_agg(rtrim(p, '*') || coalesce(' (' || column_name || ')', ''), ', ' ORDER BY p), c.name, c.grantee,
            CASE WHEN right(p, 1) = '*' THEN ' WITH GRANT OPTION' ELSE '' END)
        FROM changed c, jsonb_array_elements_text(c.new) p
        GROUP BY c.grantee, c.begin, c.name, right(p, 1) = '*', CASE WHEN right(p, 1) = '*' THEN ' WITH GRANT OPTION' ELSE '' END
    ) x
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_grants(text, text, text, text, jsonb, jsonb)
    IS 'returns the statements that turn one set of privileges into another';

-- The guard of GRANT and REVOKE. What each grantee has is what it is to have, or what it had ("old": of an object that is new,
-- null: what default privileges give it; of another owner, what the old one had granted). {acl} is what there is, of {place}.
CREATE FUNCTION schemaguard.sg_sync_acl_guard(kind text, owner text, new jsonb, old jsonb)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT format($guard$(SELECT CASE WHEN a.a IS NOT DISTINCT FROM w.new THEN 'after' WHEN NOT EXISTS (
        SELECT FROM pg_catalog.jsonb_each(a.a) g
        WHERE g.value IS DISTINCT FROM w.new -> g.key AND g.value IS DISTINCT FROM w.old -> g.key%s) THEN 'before' ELSE a.a::text END
    FROM (SELECT {acl}::pg_catalog.jsonb AS a FROM {place}) a, (SELECT %L::pg_catalog.jsonb AS new, %L::pg_catalog.jsonb AS old) w)$guard$,
        CASE WHEN old IS NULL THEN $given$ AND NOT EXISTS (SELECT FROM pg_catalog.pg_default_acl d, pg_catalog.aclexplode(d.defaclacl) x
            WHERE CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(x.grantee)) END
                = g.key)$given$ ELSE '' END,
        new,
        -- what the old owner had, the new one has
        coalesce(old -> 'acl', CASE WHEN kind IN ('function', 'procedure', 'aggregate', 'type', 'domain', 'language')
            THEN '{"PUBLIC": ["ALL"]}'::jsonb ELSE '{}' END)
            || CASE WHEN old -> 'acl' ? (old ->> 'owner') THEN jsonb_build_object(owner, old -> 'acl' -> (old ->> 'owner'))
                ELSE '{}'::jsonb END)
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_acl_guard(text, text, jsonb, jsonb)
    IS 'returns the guard of GRANT and REVOKE statements';

-- a dollar quote for a text
CREATE FUNCTION schemaguard.sg_sync_tag(body text, word text DEFAULT 'sync')
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
RETURN '$' || word || CASE WHEN position('$' || word IN body) > 0 THEN '_' || md5(body) ELSE '' END || '$';
COMMENT ON FUNCTION schemaguard.sg_sync_tag(text, text)
    IS 'returns a dollar quote for a text, made of a word that sg_sync_plain() knows';

-- Returns the pattern of qualified names, as guards and calls have them
CREATE FUNCTION schemaguard.sg_sync_qualified()
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
RETURN E'^(([a-z_]\\w*|"([^"]|"")+")\\.([a-z_]\\w*|"([^"]|"")+"))$';
COMMENT ON FUNCTION schemaguard.sg_sync_qualified()
    IS 'returns the pattern of qualified names';

-- Returns lines of PL/pgSQL with a variable sync_lock. They keep others from altering the tables among these names (an expression), or
-- under indexes among them, but not from reading and writing. LOCK TABLE asks for a privilege that an owner may lack: then an option that
-- no table has takes the same lock.
CREATE FUNCTION schemaguard.sg_sync_locks(names text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
RETURN format($script$    FOR sync_lock IN SELECT DISTINCT format(CASE WHEN has_table_privilege(t.oid, 'UPDATE, DELETE, TRUNCATE')
            THEN 'LOCK TABLE ONLY %%I.%%I IN SHARE UPDATE EXCLUSIVE MODE' ELSE 'ALTER TABLE ONLY %%I.%%I RESET (none)' END,
            s.nspname, t.relname)
        FROM unnest(%s) n JOIN pg_class c ON c.oid = to_regclass(substring(n FROM
            '%s'))
        LEFT JOIN pg_index i ON i.indexrelid = c.oid JOIN pg_class t ON t.oid = coalesce(i.indrelid, c.oid)
        JOIN pg_namespace s ON s.oid = t.relnamespace WHERE t.relkind IN ('r', 'p') ORDER BY 1 LOOP
        BEGIN
            EXECUTE sync_lock;
        EXCEPTION WHEN undefined_table THEN -- gone by now
        END;
    END LOOP;$script$, names, schemaguard.sg_sync_qualified());
COMMENT ON FUNCTION schemaguard.sg_sync_locks(text)
    IS 'returns the lines of a script that keep others from altering tables';

-- Returns the qualified names among the literals of a guard; null: there are none
CREATE FUNCTION schemaguard.sg_sync_names(guard text)
RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
RETURN (SELECT array_agg(DISTINCT l.name) FROM regexp_matches(guard, $re$'((?:[^']|'')*)'$re$, 'g') m
    CROSS JOIN LATERAL (SELECT replace(m[1], '''''', '''')) l (name) WHERE l.name ~ schemaguard.sg_sync_qualified());
COMMENT ON FUNCTION schemaguard.sg_sync_names(text)
    IS 'returns the qualified names among the literals of a guard';

-- CREATE INDEX CONCURRENTLY: outside of a transaction, so what is asked before and after stands beside it
CREATE FUNCTION schemaguard.sg_sync_concurrently(
    object text, statement text, guard text, before text, after text, index text, index_after text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT format($script$DO %1$s
DECLARE
    sync_is   text;
    sync_lock text;
BEGIN
    IF EXISTS (SELECT FROM pg_catalog.pg_stat_progress_create_index p WHERE p.index_relid = pg_catalog.to_regclass(%2$L)) THEN
        RAISE 'index %% is being built by somebody else', %2$L USING HINT = 'Run the script again when it is.';
    END IF;
%11$s
    IF %9$s = %12$L THEN
        DROP INDEX %3$s;
    END IF;
    sync_is := %4$s;
    IF sync_is IS DISTINCT FROM %5$s AND sync_is IS DISTINCT FROM %6$s THEN
        RAISE '%% is neither as it was nor as it should be: %%', %7$L, sync_is;
    END IF;
END %1$s;
SELECT %4$s IS NOT DISTINCT FROM %5$s AS sync_needed \gset
\if :sync_needed
%8$s
DO %1$s
DECLARE
    sync_is text := %9$s;
BEGIN
    IF sync_is IS DISTINCT FROM %10$L THEN
        RAISE 'index %% is not what it should be: %%', %2$L, coalesce(sync_is, 'not there');
    END IF;
END %1$s;
\endif$script$, q.tag, index, index, guard, quote_nullable(before), quote_nullable(after), object, statement || ';',
        schemaguard.sg_sync_index_is(index, true), index_after, schemaguard.sg_sync_locks(quote_literal(ARRAY[index]) || '::text[]'),
        'INVALID' || index_after)
    FROM (SELECT schemaguard.sg_sync_tag(object || statement || guard || coalesce(before, '') || coalesce(after, '')
        || index_after) AS tag) q
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_concurrently(text, text, text, text, text, text, text)
    IS 'returns a statement that builds an index concurrently, with the checks before and after it';

-- A text as a comment: for psql one ends at a carriage return, too
CREATE FUNCTION schemaguard.sg_sync_comment(line text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
RETURN '-- ' || regexp_replace(line, E'\r\n|\r|\n', chr(10) || '-- ', 'g');
COMMENT ON FUNCTION schemaguard.sg_sync_comment(text)
    IS 'returns a text as a comment of a script';

-- Returns a statement within a block: as a text where the server analyses what is in it before an extension may look
CREATE FUNCTION schemaguard.sg_sync_inside(statement text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
-- and where PL/pgSQL counts its words, as those of BEGIN ATOMIC
RETURN CASE WHEN statement LIKE 'CREATE MATERIALIZED VIEW %' OR statement ~ E'\\mBEGIN ATOMIC\\M' THEN format(
    'EXECUTE CASE current_setting(''schemaguard_script.guard'', true) WHEN ''on'' THEN format(''SELECT schemaguard.sg_sync_run(%%L)'', q) '
    'ELSE q END FROM (SELECT %L) x (q)', statement) ELSE statement END;
COMMENT ON FUNCTION schemaguard.sg_sync_inside(text)
    IS 'returns a statement for a block of a script, as a text if it has to be checked before the server analyses it';

-- Returns a statement with its guard: it is run where the object is as it was before, left alone where it is as it should be
-- after; anything else ends the script
CREATE FUNCTION schemaguard.sg_sync_guarded(step text, object text, statement text, guard text, before text, after text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT CASE WHEN guard IS NULL THEN statement || ';'
        ELSE format($script$DO %1$s%8$s
DECLARE
    sync_is %2$s
    IF sync_is %3$s THEN
        %4$s;
    ELSIF sync_is %5$s THEN
        RAISE '%% is neither as it was nor as it should be: %%', %6$L, %7$s;
    END IF;
END %1$s;$script$, q.tag, CASE WHEN q.names IS NULL THEN format(E'text := %s;\nBEGIN', guard) ELSE format($locked$text;
    sync_lock text;
BEGIN
    FOR sync_turn IN 1 .. 2 LOOP
        sync_is := %s;
        EXIT WHEN sync_turn = 2 OR (sync_is %s) IS NOT TRUE;
    %s
    END LOOP;$locked$, guard, q.is_before, replace(schemaguard.sg_sync_locks(quote_literal(q.names) || '::text[]'), E'\n', E'\n    '))
            END, q.is_before, schemaguard.sg_sync_inside(statement),
            CASE WHEN after IS NULL THEN 'IS NOT NULL'
                -- what is dropped to be made anew may not be there
                WHEN step = 'drop' THEN 'IS NOT NULL AND sync_is <> ' || quote_literal(after)
                ELSE 'IS DISTINCT FROM ' || quote_literal(after) END, object, CASE WHEN step = 'drop' THEN 'sync_is'
                    ELSE 'coalesce(sync_is, ''not there'')' END,
            CASE WHEN statement ~ 'sync_(is|lock|turn)' THEN E'\n#variable_conflict use_column' ELSE '' END)
        END
    FROM (SELECT schemaguard.sg_sync_tag(concat(object, statement, guard, before, after)) AS tag,
        CASE WHEN before IS NULL THEN 'IS NULL' ELSE '= ' || quote_literal(before) END AS is_before,
        schemaguard.sg_sync_names(guard) AS names) q
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_guarded(text, text, text, text, text, text)
    IS 'returns a statement with its guard';
