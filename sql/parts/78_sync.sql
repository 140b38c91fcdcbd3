-- Sync: what templates need beyond the properties as they are. Nothing here runs what a snapshot says.

-- "a.b(c)" is a.b: what precedes the first parenthesis that is not in a name
CREATE FUNCTION schemaguard.sg_sync_name(signature text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
RETURN substring(signature FROM '^((?:"(?:[^"]|"")*"|[^"(])*)');
COMMENT ON FUNCTION schemaguard.sg_sync_name(text)
    IS 'what a routine or operator is called, without its arguments';

-- an operator, given as regoperator prints it, where OPERATOR() is wanted
CREATE FUNCTION schemaguard.sg_sync_operator(operator text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
RETURN 'OPERATOR(' || CASE WHEN schemaguard.sg_sync_name(operator) ~ '^[^.]+$' THEN 'pg_catalog.' ELSE '' END
    || schemaguard.sg_sync_name(operator) || ')';
COMMENT ON FUNCTION schemaguard.sg_sync_operator(text)
    IS 'an operator as OPERATOR() wants it';

-- what stands between the parentheses of an index
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
    IS 'what stands between the parentheses of an index';

-- the elements of one array that another one lacks
CREATE FUNCTION schemaguard.sg_sync_lacking(a jsonb, b jsonb)
RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT jsonb_agg(x.e ORDER BY x.n) FROM jsonb_array_elements(a) WITH ORDINALITY x (e, n) WHERE NOT coalesce(b, '[]') @> jsonb_build_array(x.e)
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_lacking(jsonb, jsonb)
    IS 'the elements of one array that another one lacks';

-- the first place at which two arrays differ
CREATE FUNCTION schemaguard.sg_sync_first_other(a jsonb, b jsonb)
RETURNS bigint
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT min(coalesce(x.n, y.n)) FROM jsonb_array_elements(a) WITH ORDINALITY x (e, n) FULL JOIN jsonb_array_elements(b) WITH ORDINALITY y (e, n) ON y.n = x.n
    WHERE y.e IS DISTINCT FROM x.e
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_first_other(jsonb, jsonb)
    IS 'the first place at which two arrays differ';

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
    WHERE n.value IS DISTINCT FROM o.value AND coalesce(n.value, '') <> '(hidden)' AND (n.name IS NULL OR coalesce(o.value, '') <> '(hidden)')
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_options(jsonb, jsonb)
    IS 'the changes that make one set of options another one';

-- whether what a sequence has given may be outside of what it is to give; null: no
CREATE FUNCTION schemaguard.sg_sync_narrowed(new jsonb, old jsonb)
RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
RETURN nullif((new ->> 'minimum')::numeric > (old ->> 'minimum')::numeric OR (new ->> 'maximum')::numeric < (old ->> 'maximum')::numeric, false);
COMMENT ON FUNCTION schemaguard.sg_sync_narrowed(jsonb, jsonb)
    IS 'whether a sequence is to give less than it did; null: no';

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
              (SELECT o.label FROM jsonb_array_elements_text(new) WITH ORDINALITY o (label, n) WHERE old ? o.label ORDER BY o.n LIMIT 1) AS next
          FROM jsonb_array_elements_text(new) WITH ORDINALITY l (label, n)) l
    WHERE NOT old ? l.label
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_labels(text, jsonb, jsonb)
    IS 'the statements that add labels of an enum';

-- Statements for columns and checks of an enum, before and after it is recreated: a query that needs nothing of ours
CREATE FUNCTION schemaguard.sg_sync_labelled(type text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT replace($query$WITH made AS (SELECT pg_catalog.to_regtype({type}) AS oid)
SELECT array_agg(x.first) FILTER (WHERE x.first IS NOT NULL), array_agg(x.last ORDER BY x.step)
FROM (
    SELECT 1 AS step, CASE WHEN d.oid IS NOT NULL THEN format('ALTER TABLE %s ALTER COLUMN %I DROP DEFAULT', a.attrelid::regclass, a.attname) END AS first,
        format('ALTER TABLE %s ALTER COLUMN %I TYPE %s%s USING %I::text%s::%s%s', a.attrelid::regclass, a.attname, m.oid, x.s, a.attname, x.s, m.oid, x.s) AS last
    FROM made m JOIN pg_type t ON m.oid IN (t.oid, t.typelem) JOIN pg_attribute a ON a.atttypid = t.oid JOIN pg_class c ON c.oid = a.attrelid
        CROSS JOIN LATERAL (SELECT CASE WHEN t.oid = m.oid THEN '' ELSE '[]' END) x (s) LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE c.relkind IN ('r', 'p', 'f') AND a.attinhcount = 0 AND NOT a.attisdropped
    UNION ALL
    SELECT 2, NULL, format('ALTER TABLE %s ALTER COLUMN %I SET DEFAULT %s', a.attrelid::regclass, a.attname, pg_get_expr(d.adbin, 0))
    FROM made m JOIN pg_type t ON m.oid IN (t.oid, t.typelem) JOIN pg_attribute a ON a.atttypid = t.oid JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
    WHERE NOT a.attisdropped AND a.attgenerated = ''
    UNION ALL
    SELECT 3, format('ALTER TABLE %s DROP CONSTRAINT %I', k.conrelid::regclass, k.conname), format('ALTER TABLE %s ADD CONSTRAINT %I %s', k.conrelid::regclass, k.conname, pg_get_constraintdef(k.oid))
    FROM pg_constraint k WHERE k.contype = 'c' AND k.coninhcount = 0
      AND EXISTS (SELECT FROM made m JOIN pg_type t ON m.oid IN (t.oid, t.typelem) JOIN pg_attribute a ON a.atttypid = t.oid WHERE a.attrelid = k.conrelid AND a.attnum = ANY (k.conkey))
) x$query$, '{type}', quote_literal(type))
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_labelled(text)
    IS 'the query for what the columns and checks of an enum need before and after it is made anew';

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
    CREATE TYPE %1$s AS ENUM (%3$s)', type, schemaguard.sg_make_name(name, NULL, 'sync_old'), (SELECT string_agg(quote_literal(l), ', ' ORDER BY n) FROM jsonb_array_elements_text(labels) WITH ORDINALITY x (l, n))),
        format('DROP TYPE %s.%I', schemaguard.sg_sync_schema(type), schemaguard.sg_make_name(name, NULL, 'sync_old'))) x (make, finish)
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_relabel(text, text, jsonb)
    IS 'the statement that makes an enum anew, with its columns';

-- CREATE FUNCTION or PROCEDURE
CREATE FUNCTION schemaguard.sg_sync_routine(kind text, p jsonb)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT schemaguard.sg_sync_fill('CREATE OR REPLACE {word} {routine}({arguments_or})[ RETURNS {returns}] LANGUAGE {language|I}[ TRANSFORM {transform_list}][{?window} WINDOW]'
        || '[{?volatility!=volatile} {volatility|U}][{?parallel!=unsafe} PARALLEL {parallel|U}][{?strict} STRICT][{?security_definer} SECURITY DEFINER][{?leakproof} LEAKPROOF]'
        || '[ COST {cost_or}][ ROWS {rows_or}][ SUPPORT {support}]', p || jsonb_build_object(
            'word', upper(kind), 'arguments_or', to_jsonb(coalesce(p ->> 'arguments', '')),
            'cost_or', nullif(p -> 'cost', CASE WHEN p ->> 'language' IN ('internal', 'c') THEN '1'::jsonb ELSE '100'::jsonb END),
            'rows_or', nullif(p -> 'rows', '1000'::jsonb),
            'transform_list', (SELECT string_agg('FOR TYPE ' || t, ', ') FROM jsonb_array_elements_text(p -> 'transforms') t)))
    || coalesce((SELECT string_agg(' SET ' || quote_ident(split_part(o, '=', 1)) || ' TO '
            || CASE WHEN lower(split_part(o, '=', 1)) IN ('search_path', 'temp_tablespaces', 'session_preload_libraries', 'shared_preload_libraries', 'local_preload_libraries', 'unix_socket_directories')
                -- a list of names, quoted as the server has quoted them
                THEN coalesce(nullif((SELECT string_agg(quote_literal(CASE WHEN w.m[1] LIKE '"%' THEN replace(substr(w.m[1], 2, length(w.m[1]) - 2), '""', '"') ELSE w.m[1] END), ', ' ORDER BY w.n)
                    FROM regexp_matches(substr(o, strpos(o, '=') + 1), '("(?:[^"]|"")*"|[^", ]+)', 'g') WITH ORDINALITY w (m, n)), ''), '''''')
                ELSE quote_literal(substr(o, strpos(o, '=') + 1)) END, '')
        FROM jsonb_array_elements_text(p -> 'configuration') o), '')
    || coalesce(chr(10) || (p ->> 'sql_body'), chr(10) || 'AS '
        || coalesce(quote_literal(p ->> 'library') || ', ' || quote_literal(p ->> 'body'),
            CASE WHEN position('$body$' IN p ->> 'body') > 0 OR right(p ->> 'body', 1) = '$' THEN quote_literal(p ->> 'body') ELSE '$body$' || (p ->> 'body') || '$body$' END))
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_routine(text, jsonb)
    IS 'the statement that makes a function or procedure';

-- what stands beside an object of this name until it takes its place
CREATE FUNCTION schemaguard.sg_sync_new_name(name text)
RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'sg_sync_new_name';
COMMENT ON FUNCTION schemaguard.sg_sync_new_name(text)
    IS 'the name of what takes the place of another object';

-- Returns the values that a guard expects for these properties of sg_sync_rules(): one alone, or several as an object
CREATE FUNCTION schemaguard.sg_sync_expected(object jsonb, properties text[], printed boolean[], alone boolean)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT CASE WHEN alone THEN max(x.value) ELSE coalesce(string_agg(x.property || ': ' || x.value, '; ' ORDER BY x.n), CASE WHEN properties IS NULL THEN 'there' ELSE '' END) END
    FROM (SELECT p.property, p.n, CASE WHEN p.printed THEN schemaguard.sg_sync_loose(object ->> p.property)
              WHEN p.property = 'body' THEN md5(object ->> 'body')
              -- in the order that guards ask for
              WHEN p.property IN ('options', 'toast_options', 'server_options', 'roles', 'configuration', 'kinds', 'columns_state') AND jsonb_typeof(object -> p.property) = 'array'
              THEN (SELECT jsonb_agg(e ORDER BY e COLLATE "C")::text FROM jsonb_array_elements_text(object -> p.property) e)
              ELSE object ->> p.property END AS value
          FROM unnest(properties, printed) WITH ORDINALITY p (property, printed, n)) x
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_expected(jsonb, text[], boolean[], boolean)
    IS 'what a guard expects of an object';

-- An object of a snapshot with what templates need. "old" is what sg_sync_object() made of the target's, or null.
CREATE FUNCTION schemaguard.sg_sync_object(kind text, identity text, parent text, name text, properties jsonb, old jsonb)
RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    p    jsonb := properties || jsonb_build_object('kind', kind, 'identity', identity, 'parent', parent, 'name', name, 'old', coalesce(old, '{}'));
    e    record;
    list text;
BEGIN
    p := p || jsonb_build_object('address', CASE
        WHEN kind = 'collation' THEN regexp_replace(identity, ' FOR [A-Z0-9_]+$', '')
        WHEN kind IN ('operator class', 'operator family') THEN regexp_replace(identity, ' USING \w+$', '')
        ELSE identity END);
    p := p || jsonb_build_object('what', CASE WHEN p ->> 'type' = 'foreign table' THEN 'FOREIGN TABLE' ELSE upper(kind) END, 'object', CASE kind
        WHEN 'table' THEN CASE p ->> 'type' WHEN 'foreign table' THEN 'FOREIGN TABLE ' ELSE 'TABLE ' END || identity
        WHEN 'constraint' THEN 'CONSTRAINT ' || quote_ident(name) || ' ON ' || CASE WHEN p ? 'of_domain' THEN 'DOMAIN ' ELSE '' END || parent
        WHEN 'trigger' THEN 'TRIGGER ' || quote_ident(name) || ' ON ' || parent
        WHEN 'rule' THEN 'RULE ' || quote_ident(name) || ' ON ' || parent
        WHEN 'policy' THEN 'POLICY ' || quote_ident(name) || ' ON ' || parent
        WHEN 'foreign server' THEN 'SERVER ' || identity
        WHEN 'user mapping' THEN 'USER MAPPING FOR ' || CASE name WHEN 'PUBLIC' THEN name ELSE quote_ident(name) END || ' SERVER ' || parent
        WHEN 'transform' THEN regexp_replace(identity, '^for (.*) on language (.*)$', 'TRANSFORM FOR \1 LANGUAGE \2')
        WHEN 'collation' THEN 'COLLATION ' || (p ->> 'address')
        WHEN 'aggregate' THEN 'AGGREGATE ' || schemaguard.sg_sync_name(identity) || '(' || coalesce(nullif(p ->> 'arguments', ''), '*') || ')'
        -- the types of its input alone may be those of another one, too
        WHEN 'procedure' THEN 'PROCEDURE ' || CASE WHEN p ->> 'arguments' !~ ' DEFAULT ' THEN schemaguard.sg_sync_name(identity) || '(' || (p ->> 'arguments') || ')' ELSE identity END
        ELSE upper(kind) || ' ' || identity END);

    IF kind = 'collation' AND p ->> 'provider' = 'libc' AND p ->> 'address' = identity THEN
        p := p || '{"any_encoding": true}';
    END IF;
    IF old ->> 'name' IS DISTINCT FROM name OR old ->> 'parent' IS DISTINCT FROM parent THEN
        p := p || jsonb_build_object('halfway', CASE kind WHEN 'index' THEN schemaguard.sg_sync_schema(identity) ELSE parent END || '.' || quote_ident(old ->> 'name'));
    END IF;
    IF kind IN ('function', 'procedure', 'aggregate', 'operator') THEN
        list := substr(schemaguard.sg_sync_name(identity), length(parent) + 2);
        p := p || jsonb_build_object('routine', schemaguard.sg_sync_name(identity),
            'routine_name', CASE WHEN list LIKE '"%' THEN replace(substr(list, 2, length(list) - 2), '""', '"') ELSE list END,
            'signature', left(substr(identity, length(schemaguard.sg_sync_name(identity)) + 2), -1));
    END IF;
    FOR e IN SELECT x.key, x.value FROM jsonb_each_text(properties) x
        WHERE x.key IN ('handler', 'inline', 'validator', 'commutator', 'negator', 'function') OR x.key LIKE '%\_function' OR x.key = 'sort_operator'
    LOOP
        p := p || jsonb_build_object(e.key || '_name', CASE WHEN e.key IN ('commutator', 'negator', 'sort_operator')
            THEN schemaguard.sg_sync_operator(e.value) ELSE schemaguard.sg_sync_name(e.value) END);
    END LOOP;
    -- what a snapshot hides is left out of what is made
    IF properties::text LIKE '%=(hidden)"%' THEN
        SELECT p || jsonb_object_agg(x.key, x.shown) || jsonb_build_object('hidden', jsonb_agg(x.hidden)) INTO p
        FROM (SELECT o.key, coalesce(jsonb_agg(v.v) FILTER (WHERE v.v NOT LIKE '%=(hidden)'), '[]') AS shown, string_agg(split_part(v.v, '=', 1), ', ') FILTER (WHERE v.v LIKE '%=(hidden)') AS hidden
              FROM jsonb_each(properties) o, jsonb_array_elements_text(o.value) v (v)
              WHERE o.key IN ('options', 'server_options') AND jsonb_typeof(o.value) = 'array' GROUP BY o.key) x;
    END IF;
    IF jsonb_typeof(properties -> 'options') = 'array' THEN
        p := p || jsonb_build_object('option_sets', schemaguard.sg_sync_lacking(properties -> 'options', old -> 'options'));
    END IF;
    IF kind <> 'text search dictionary' AND (properties ?| '{options,server_options,toast_options,statistics,enabled}' OR old ?| '{options,server_options,toast_options,statistics,enabled}') THEN
    p := p || jsonb_strip_nulls(jsonb_build_object(
        'option_resets', (SELECT jsonb_agg(o) FROM jsonb_array_elements_text(old -> 'options') o
            WHERE NOT EXISTS (SELECT FROM jsonb_array_elements_text(properties -> 'options') n WHERE split_part(n, '=', 1) = split_part(o, '=', 1))),
        'options_change', schemaguard.sg_sync_options(properties -> 'options', old -> 'options'),
        'server_options_change', schemaguard.sg_sync_options(properties -> 'server_options', old -> 'server_options'),
        'hidden_options', (SELECT string_agg(quote_ident(split_part(o, '=', 1)), ', ') FROM jsonb_array_elements_text(properties -> 'options') o WHERE o LIKE '%=(hidden)' AND NOT coalesce(old -> 'options' ? o, false)),
        'toast_with', (SELECT string_agg('toast.' || quote_ident(split_part(o, '=', 1)) || ' = ' || quote_literal(substr(o, strpos(o, '=') + 1)), ', ')
            FROM jsonb_array_elements_text(properties -> 'toast_options') o),
        'toast_resets', (SELECT string_agg('toast.' || quote_ident(split_part(o, '=', 1)), ', ') FROM jsonb_array_elements_text(old -> 'toast_options') o
            WHERE NOT EXISTS (SELECT FROM jsonb_array_elements_text(properties -> 'toast_options') n WHERE split_part(n, '=', 1) = split_part(o, '=', 1))),
        'index_statistics', CASE WHEN kind IN ('index', 'constraint') THEN (
            SELECT jsonb_agg(format('ALTER INDEX %s ALTER COLUMN %s SET STATISTICS %s', CASE kind WHEN 'index' THEN identity
                    ELSE schemaguard.sg_sync_schema(parent) || '.' || quote_ident(coalesce(properties ->> 'index_name', name)) END, coalesce(n.key, o.key), coalesce(n.value, '-1')) ORDER BY coalesce(n.key, o.key))
            FROM jsonb_each_text(properties -> 'statistics') n FULL JOIN jsonb_each_text(old -> 'statistics') o ON o.key = n.key WHERE n.value IS DISTINCT FROM o.value) END,
        'enabled_changes', CASE WHEN coalesce(old ->> 'enabled', 'origin') <> properties ->> 'enabled' THEN true END));
    END IF;

    IF kind IN ('aggregate', 'collation', 'operator class') OR kind = 'type' AND properties ->> 'type' = 'range' THEN
        p := p || (SELECT jsonb_build_object('details', coalesce(jsonb_object_agg(x.key, x.value), '{}')::text) FROM jsonb_each(properties) x WHERE x.key = ANY (CASE kind
            WHEN 'aggregate' THEN '{state_function,state_type,state_size,initial_value,aggregate_kind,final_function,final_extra,final_modify,combine_function,serial_function,deserial_function,moving_state_function,moving_inverse_function,moving_final_function,moving_state_type,moving_initial_value,moving_state_size,moving_final_extra,moving_final_modify,sort_operator,returns,parallel}'
            WHEN 'collation' THEN '{locale,lc_collate,lc_ctype,rules}'
            WHEN 'type' THEN '{subtype,operator_class,collation,canonical,difference,multirange}'
            ELSE '{family,storage,operators,functions}' END::text[]));
    END IF;
    CASE kind
    WHEN 'table' THEN
        p := p || jsonb_strip_nulls(jsonb_build_object('partitions', CASE WHEN properties ?| '{partition_key,partition_of}' THEN true END, 'bound', (properties ->> 'partition_of') || ' ' || (properties ->> 'partition_bound')));
        -- their order says in which order columns come
        IF properties -> 'inherits' IS DISTINCT FROM old -> 'inherits' THEN
            p := p || jsonb_strip_nulls(jsonb_build_object('inherits_text', properties ->> 'inherits', 'inherits_old_text', coalesce(old ->> 'inherits', ''),
                'inherits_less', (SELECT jsonb_agg(format('ALTER TABLE %s NO INHERIT %s', identity, o) ORDER BY n) FROM jsonb_array_elements_text(old -> 'inherits') WITH ORDINALITY x (o, n)
                    WHERE n >= schemaguard.sg_sync_first_other(properties -> 'inherits', old -> 'inherits')),
                'inherits_more', (SELECT jsonb_agg(format('ALTER TABLE %s INHERIT %s', identity, o) ORDER BY n) FROM jsonb_array_elements_text(properties -> 'inherits') WITH ORDINALITY x (o, n)
                    WHERE n >= schemaguard.sg_sync_first_other(properties -> 'inherits', old -> 'inherits'))));
        END IF;
    WHEN 'column' THEN
        p := p || jsonb_strip_nulls(jsonb_build_object(
            'identity', properties -> 'identity', 'column_identity', identity, 'identity_word', properties -> 'identity',
            'identity_state', schemaguard.sg_sync_fill('start {s.start} increment {s.increment} minimum {s.minimum} maximum {s.maximum} cache {s.cache}[{?s.cycle} cycle]', jsonb_build_object('s', properties -> 'identity_sequence')),
            'identity_options', CASE WHEN properties ? 'identity_sequence' THEN schemaguard.sg_sync_fill('[SEQUENCE NAME {schema}.{s.name|I} ]START WITH {s.start} INCREMENT BY {s.increment} MINVALUE {s.minimum} MAXVALUE {s.maximum} CACHE {s.cache} [{?!s.cycle}NO ]CYCLE',
                jsonb_build_object('s', properties -> 'identity_sequence', 'schema', schemaguard.sg_sync_schema(parent))) END,
            'identity_sets', CASE WHEN (properties -> 'identity_sequence') - '{name,persistence,comment,acl}'::text[] IS DISTINCT FROM (old -> 'identity_sequence') - '{name,persistence,comment,acl}'::text[] THEN schemaguard.sg_sync_fill('SET START WITH {s.start} SET INCREMENT BY {s.increment} SET MINVALUE {s.minimum} SET MAXVALUE {s.maximum} SET CACHE {s.cache} SET [{?!s.cycle}NO ]CYCLE',
                jsonb_build_object('s', properties -> 'identity_sequence')) END,
            'narrowed', schemaguard.sg_sync_narrowed(properties -> 'identity_sequence', old -> 'identity_sequence'),
            'identity_extras', CASE WHEN properties ? 'identity_sequence' THEN (SELECT jsonb_agg(format('DO %4$s BEGIN EXECUTE pg_catalog.format(%1$L, pg_catalog.pg_get_serial_sequence(%2$L, %3$L)); END %4$s', x.statement, parent, name, schemaguard.sg_sync_tag(concat(x.statement, parent, name), 'sequence')))
                FROM (SELECT 'ALTER SEQUENCE %s SET ' || CASE properties #>> '{identity_sequence,persistence}' WHEN 'unlogged' THEN 'UNLOGGED' ELSE 'LOGGED' END AS statement WHERE (properties -> 'identity_sequence' ->> 'persistence') IS DISTINCT FROM (old -> 'identity_sequence' ->> 'persistence')
                    UNION ALL SELECT 'COMMENT ON SEQUENCE %s IS ' || replace(quote_nullable(properties #>> '{identity_sequence,comment}'), '%', '%%') WHERE (properties -> 'identity_sequence' ->> 'comment') IS DISTINCT FROM (old -> 'identity_sequence' ->> 'comment')
                    UNION ALL SELECT regexp_replace(replace(g, '%', '%%'), ' %%s ', ' %s ') FROM jsonb_array_elements_text(schemaguard.sg_sync_grants('sequence', '%s', NULL, NULL, properties #> '{identity_sequence,acl}', old #> '{identity_sequence,acl}')) g
                        -- within the text of another statement
                        WHERE g ~ '^(GRANT|REVOKE) [A-Z, ]+ ON SEQUENCE %s (TO|FROM) ("([^"]|"")*"|[A-Za-z_][A-Za-z0-9_$]*)( WITH GRANT OPTION)?$') x) END,
            'not_null_check', schemaguard.sg_sync_new_name(name || '_not_null'),
            'not_null_state', format('coalesce((SELECT a.attnotnull FROM pg_catalog.pg_attribute a WHERE a.attrelid = pg_catalog.to_regclass(%L) AND a.attname = %L), false)', parent, name),
            'not_null_check_state', format('coalesce((SELECT CASE WHEN pg_catalog.regexp_replace(pg_catalog.pg_get_constraintdef(c.oid), '' NOT VALID$'', '''') = %L THEN c.convalidated::text ELSE pg_catalog.pg_get_constraintdef(c.oid) END FROM pg_catalog.pg_constraint c WHERE c.conrelid = pg_catalog.to_regclass(%L) AND c.conname = %L), ''none'')',
                'CHECK ((' || quote_ident(name) || ' IS NOT NULL))' || CASE WHEN properties ? 'of_partition' THEN '' ELSE ' NO INHERIT' END, parent, schemaguard.sg_sync_new_name(name || '_not_null')),
            'rewrites', CASE WHEN properties ->> 'type' <> old ->> 'type' AND (old ->> 'type') || '>' || (properties ->> 'type') !~ '^(character varying(\(\d+\))?>(text|character varying)|text>character varying|numeric\(\d+,\d+\)>numeric)$'
                    AND NOT (properties ->> 'type' ~ '^(character varying|numeric)\(' AND schemaguard.sg_sync_type_loss(old ->> 'type', properties ->> 'type') IS NULL AND split_part(old ->> 'type', '(', 1) = split_part(properties ->> 'type', '(', 1)
                        AND substring(old ->> 'type' FROM ',(\d+)') IS NOT DISTINCT FROM substring(properties ->> 'type' FROM ',(\d+)'))
                THEN 'rewrites ' || parent || ' under ACCESS EXCLUSIVE' END,
            'computed', CASE WHEN properties ->> 'generated_kind' = 'stored' OR properties ? 'identity' OR schemaguard.sg_sync_loose(properties ->> 'default') IS NOT NULL
                    AND properties ->> 'default' ~ '\w\(' AND properties ->> 'default' !~ '^(now|current_setting|statement_timestamp|transaction_timestamp|current_database)\('
                THEN 'rewrites ' || parent || ' under ACCESS EXCLUSIVE' || CASE WHEN properties ->> 'default' IS NOT NULL THEN ' if the default is volatile' ELSE '' END END,
            'default_alone', CASE WHEN old IS NULL OR properties ? 'inherited' OR properties ->> 'type' = old ->> 'type' AND properties ->> 'collation' IS NOT DISTINCT FROM old ->> 'collation' THEN true END,
            -- between types of users there is no cast
            'own_types', CASE WHEN position('.' IN properties ->> 'type') > 0 AND position('.' IN old ->> 'type') > 0 THEN true END,
            'type_loss', schemaguard.sg_sync_type_loss(old ->> 'type', properties ->> 'type')));
        IF NOT properties ? 'identity' THEN
            p := p - 'identity';
        END IF;
        p := p || jsonb_build_object('column', schemaguard.sg_sync_fill('{name|I} {type}[ OPTIONS ({server_options|F})][ COLLATE {collation}][ DEFAULT {default}][{?inherited!=and local} GENERATED ALWAYS AS ({generated}) [{generated_kind|U}]][ GENERATED {identity|U} AS IDENTITY ({identity_options})][{?not_null} NOT NULL]', p));
        -- rows that are there have no value yet
        p := p || jsonb_build_object('column_at_first', regexp_replace(p ->> 'column', CASE WHEN p ? 'filled' THEN '^$' ELSE ' NOT NULL$' END, ''));
    WHEN 'index' THEN
        p := p || jsonb_build_object('index_definition', schemaguard.sg_sync_fill('USING {access_method} ({keys})[ INCLUDE ({include|I})][{?nulls_not_distinct} NULLS NOT DISTINCT][ WITH ({options|O})][ TABLESPACE {tablespace|I}][ WHERE {predicate}]',
            p || jsonb_build_object('keys', schemaguard.sg_sync_keys(properties -> 'columns', properties))),
            'on', parent);
        p := p || jsonb_build_object(
            'new_name', schemaguard.sg_sync_new_name(name), 'new_index', schemaguard.sg_sync_schema(parent) || '.' || quote_ident(schemaguard.sg_sync_new_name(name)),
            'definition_state', schemaguard.sg_sync_fill('[{?!valid}{?!of_partitioned}INVALID ][{?unique}UNIQUE ]{access_method} ({keys})[ INCLUDE ({include|I})][{?nulls_not_distinct} NULLS NOT DISTINCT][ WITH ({options|R})][ WHERE {predicate}]',
                p || jsonb_build_object('keys', schemaguard.sg_sync_keys(properties -> 'columns', properties))));
        p := p || jsonb_build_object('definition_loose', schemaguard.sg_sync_loose(p ->> 'definition_state'),
            'index', identity, 'index_loose', schemaguard.sg_sync_loose(p ->> 'definition_state'), 'is_now', schemaguard.sg_sync_index_is(identity), 'is_new', schemaguard.sg_sync_index_is(p ->> 'new_index'));
    WHEN 'constraint' THEN
        p := p || (SELECT jsonb_object_agg(x.name, x.names)
            FROM (SELECT k.name, string_agg(CASE WHEN p ->> 'type' = 'f' AND p ? 'period' AND c.n = jsonb_array_length(k.columns) THEN 'PERIOD ' ELSE '' END || quote_ident(c.c), ', ' ORDER BY c.n) AS names
                  FROM (VALUES ('keys', properties -> 'columns'), ('referenced', properties -> 'referenced_columns')) k (name, columns)
                      LEFT JOIN jsonb_array_elements_text(CASE jsonb_typeof(k.columns) WHEN 'array' THEN k.columns END) WITH ORDINALITY c (c, n) ON true
                  GROUP BY k.name) x);
        p := p || jsonb_strip_nulls(jsonb_build_object(
            'index', schemaguard.sg_sync_schema(parent) || '.' || quote_ident(coalesce(properties ->> 'index_name', name)),
            'index_name_or', coalesce(properties ->> 'index_name', name),
            'index_new', coalesce(properties ->> 'index_name', name), 'new_name', schemaguard.sg_sync_new_name(name), 'new_index', schemaguard.sg_sync_schema(parent) || '.' || quote_ident(schemaguard.sg_sync_new_name(name)),
            'is_valid', CASE WHEN NOT properties ? 'valid' THEN true END,
            'swaps', CASE WHEN properties ->> 'type' IN ('c', 'f') THEN true END,
            'can_wait', CASE WHEN properties ->> 'type' IN ('c', 'f') AND NOT properties ? 'at_once' AND properties ->> 'enforced' IS DISTINCT FROM 'false' THEN true END,
            'using_index', CASE WHEN properties ->> 'type' IN ('p', 'u') AND NOT properties ?| '{period,only,at_once}' THEN true END,
            'definition', CASE properties ->> 'type'
                WHEN 'c' THEN schemaguard.sg_sync_fill('CHECK ({expression})[{?no_inherit} NO INHERIT][{?enforced=false} NOT ENFORCED]', p)
                WHEN 'f' THEN schemaguard.sg_sync_fill('FOREIGN KEY ({keys}) REFERENCES {references} ({referenced})[{?match!=simple} MATCH {match|U}][{?on_update!=no action} ON UPDATE {on_update|U}][{?on_delete!=no action} ON DELETE {on_delete|U}[ ({on_delete_columns|I})]][{?deferrable} DEFERRABLE][{?deferred} INITIALLY DEFERRED][{?enforced=false} NOT ENFORCED]', p)
                WHEN 'x' THEN schemaguard.sg_sync_fill('EXCLUDE USING {access_method} ({keys})[ INCLUDE ({include|I})][ WITH ({options|O})][ USING INDEX TABLESPACE {tablespace|I}][ WHERE ({predicate})][{?deferrable} DEFERRABLE][{?deferred} INITIALLY DEFERRED]',
                    p || jsonb_build_object('keys', schemaguard.sg_sync_keys(coalesce(properties -> 'index_columns', properties -> 'columns'), properties)))
                ELSE schemaguard.sg_sync_fill('[{?type=p}PRIMARY KEY][{?type=u}UNIQUE][{?nulls_not_distinct} NULLS NOT DISTINCT] ({keys}[{?period} WITHOUT OVERLAPS])[ INCLUDE ({include|I})][ WITH ({options|O})][ USING INDEX TABLESPACE {tablespace|I}][{?deferrable} DEFERRABLE][{?deferred} INITIALLY DEFERRED]', p) END));
        p := p || jsonb_build_object('definition_state', CASE properties ->> 'type'
            WHEN 'x' THEN regexp_replace(schemaguard.sg_sync_fill('EXCLUDE USING {access_method} ({keys})[ INCLUDE ({include|I})][ WHERE ({predicate})][{?deferrable} DEFERRABLE][{?deferred} INITIALLY DEFERRED]',
                p || jsonb_build_object('keys', schemaguard.sg_sync_keys(coalesce(properties -> 'index_columns', properties -> 'columns'), properties))), 'OPERATOR\(pg_catalog\.([^)]*)\)', '\1', 'g')
            WHEN 'f' THEN p ->> 'definition'
            WHEN 'c' THEN p ->> 'definition'
            ELSE schemaguard.sg_sync_fill('[{?type=p}PRIMARY KEY][{?type=u}UNIQUE][{?nulls_not_distinct} NULLS NOT DISTINCT] ({keys}[{?period} WITHOUT OVERLAPS])[ INCLUDE ({include|I})][{?deferrable} DEFERRABLE][{?deferred} INITIALLY DEFERRED]', p) END);
        p := p || jsonb_strip_nulls(jsonb_build_object(
            'definition_loose', schemaguard.sg_sync_loose((p ->> 'definition_state')
                || CASE WHEN properties ->> 'type' IN ('f', 'c') AND ((properties ->> 'validated')::boolean IS FALSE OR p ? 'held' AND old IS NOT NULL) AND properties ->> 'enforced' IS DISTINCT FROM 'false' THEN ' NOT VALID' ELSE '' END),
            'new_loose', schemaguard.sg_sync_loose(p ->> 'definition_state'),
            'index_loose', CASE WHEN p ? 'using_index' THEN schemaguard.sg_sync_loose(schemaguard.sg_sync_fill('UNIQUE btree ({keys})[ INCLUDE ({include|I})][{?nulls_not_distinct} NULLS NOT DISTINCT][ WITH ({options|R})]', p)) END,
            'is_now', schemaguard.sg_sync_constraint_is(p ? 'of_domain', parent, name, false),
            'is_old', CASE WHEN old ->> 'name' <> name THEN schemaguard.sg_sync_constraint_is(p ? 'of_domain', parent, old ->> 'name', false) END,
            'is_new', schemaguard.sg_sync_constraint_is(p ? 'of_domain', parent, schemaguard.sg_sync_new_name(name), true),
            'new_validated', format('(SELECT c.convalidated FROM pg_catalog.pg_constraint c WHERE c.%s = pg_catalog.%s(%L) AND c.conname = %L)',
                CASE WHEN p ? 'of_domain' THEN 'contypid' ELSE 'conrelid' END, CASE WHEN p ? 'of_domain' THEN 'to_regtype' ELSE 'to_regclass' END, parent, schemaguard.sg_sync_new_name(name))));
        p := p || jsonb_build_object('above', CASE WHEN p ? 'of_domain' THEN 'DOMAIN ' ELSE 'TABLE ' END || parent);
    WHEN 'domain' THEN
        p := p || jsonb_strip_nulls(jsonb_build_object('type_loss', schemaguard.sg_sync_type_loss(old ->> 'type', properties ->> 'type')));
    WHEN 'statistics' THEN
        p := p || jsonb_build_object('identity_schema', schemaguard.sg_sync_schema(identity),
            'one_expression', CASE WHEN jsonb_array_length(properties -> 'kinds') = 0 OR NOT properties ? 'kinds' THEN true END,
            'statistics_list', coalesce(regexp_replace(properties ->> 'expressions', '^\((.*)\)$', '\1'),
                (SELECT string_agg(quote_ident(c), ', ') FROM jsonb_array_elements_text(properties -> 'columns') c)));
    WHEN 'function', 'procedure' THEN
        p := p || jsonb_strip_nulls(jsonb_build_object('create_routine', schemaguard.sg_sync_routine(kind, p),
            -- names of arguments may be given where there were none, but not be changed
            'arguments_rebuild', CASE WHEN old ->> 'arguments' <> '' AND old ->> 'arguments' <> properties ->> 'arguments' THEN true END));
    WHEN 'aggregate' THEN
        p := p || jsonb_build_object(
            'aggregate_arguments', coalesce(nullif(properties ->> 'arguments', ''), '*'),
            'final_modify_word', CASE WHEN properties ->> 'final_modify' IS DISTINCT FROM CASE properties ->> 'aggregate_kind' WHEN 'normal' THEN 'r' ELSE 'w' END
                THEN CASE properties ->> 'final_modify' WHEN 'r' THEN 'READ_ONLY' WHEN 's' THEN 'SHAREABLE' ELSE 'READ_WRITE' END END,
            'moving_final_modify_word', CASE properties ->> 'moving_final_modify' WHEN 'r' THEN 'READ_ONLY' WHEN 's' THEN 'SHAREABLE' WHEN 'w' THEN 'READ_WRITE' END);
    WHEN 'operator' THEN
        p := p || jsonb_strip_nulls(jsonb_build_object(
            'left', nullif(regexp_replace(substr(identity, length(schemaguard.sg_sync_name(identity)) + 2), ', .*$', ''), 'none'),
            'right', nullif(regexp_replace(identity, '^.*, (.*)\)$', '\1'), 'none'),
            'identity_none', replace(identity, ', ', ','),
            'object', 'OPERATOR ' || replace(schemaguard.sg_sync_name(identity), ' ', '') || ' ' || regexp_replace(substr(identity, length(schemaguard.sg_sync_name(identity)) + 1), '^\(none', '(NONE')));
    WHEN 'operator class', 'operator family' THEN
        p := p || jsonb_build_object('member_operators', coalesce((properties -> 'operators')::text, '[]'), 'member_functions', coalesce((properties -> 'functions')::text, '[]'),
            'method', regexp_replace(identity, '^.* USING ', ''), 'local', substr(identity, length(parent) + 2),
            'members', (SELECT string_agg(x.m, ', ') FROM (SELECT 'STORAGE ' || (properties ->> 'storage') AS m UNION ALL
                SELECT 'OPERATOR ' || o FROM jsonb_array_elements_text(properties -> 'operators') o UNION ALL
                SELECT 'FUNCTION ' || f FROM jsonb_array_elements_text(properties -> 'functions') f UNION ALL
                -- it has to have something
                SELECT 'STORAGE ' || (properties ->> 'type') WHERE NOT properties ?| '{storage,operators,functions}') x WHERE x.m IS NOT NULL),
            'family_adds', (SELECT string_agg(x.m, ', ') FROM (
                SELECT 'OPERATOR ' || (o #>> '{}') AS m FROM jsonb_array_elements(schemaguard.sg_sync_lacking(properties -> 'operators', coalesce(old -> 'operators', '[]') || coalesce(properties -> 'of_classes', '[]'))) o UNION ALL
                SELECT 'FUNCTION ' || (f #>> '{}') FROM jsonb_array_elements(schemaguard.sg_sync_lacking(properties -> 'functions', coalesce(old -> 'functions', '[]') || coalesce(properties -> 'of_classes', '[]'))) f) x),
            'family_drops', (SELECT string_agg(x.m, ', ') FROM (
                SELECT regexp_replace(o #>> '{}', '^(\d+) .*?(\([^()]*\))( FOR .*)?$', 'OPERATOR \1 \2') AS m FROM jsonb_array_elements(schemaguard.sg_sync_lacking(old -> 'operators', coalesce(properties -> 'operators', '[]') || coalesce(properties -> 'of_classes', '[]'))) o UNION ALL
                SELECT regexp_replace(f #>> '{}', '^(\d+) (\([^()]*\)).*$', 'FUNCTION \1 \2') FROM jsonb_array_elements(schemaguard.sg_sync_lacking(old -> 'functions', coalesce(properties -> 'functions', '[]') || coalesce(properties -> 'of_classes', '[]'))) f) x));
    WHEN 'type' THEN
        p := p || jsonb_build_object('attributes_text', (properties -> 'attributes')::text, 'labels_text', (properties -> 'labels')::text);
        IF properties ->> 'type' = 'enum' AND old ? 'labels' THEN
            p := p || jsonb_strip_nulls(jsonb_build_object('label_changes', schemaguard.sg_sync_labels(identity, properties -> 'labels', old -> 'labels'),
                'label_text', (SELECT string_agg(quote_literal(l), ', ' ORDER BY n) FROM jsonb_array_elements_text(properties -> 'labels') WITH ORDINALITY x (l, n)),
                'label_loss', (SELECT string_agg(quote_literal(l #>> '{}'), ', ') FROM jsonb_array_elements(schemaguard.sg_sync_lacking(old -> 'labels', properties -> 'labels')) l)));
            -- labels in another order, too
            IF p ? 'label_loss' OR (SELECT jsonb_agg(l ORDER BY n) FROM jsonb_array_elements(properties -> 'labels') WITH ORDINALITY x (l, n) WHERE old -> 'labels' @> l) <> old -> 'labels' THEN
                p := p || jsonb_build_object('relabel', jsonb_build_array((schemaguard.sg_sync_relabel(identity, name, properties -> 'labels')).whole, format('ALTER TYPE %s OWNER TO %s', identity, properties ->> 'owner'))
                    || CASE WHEN properties ? 'comment' THEN jsonb_build_array(format('COMMENT ON TYPE %s IS %L', identity, properties ->> 'comment')) ELSE '[]' END
                    || coalesce(schemaguard.sg_sync_grants(kind, identity, NULL, properties ->> 'owner', properties -> 'acl', NULL), '[]'));
                -- made anew, it has them all
                p := CASE WHEN p ? 'drops' THEN p - 'label_changes' ELSE p END;
            END IF;
        ELSIF properties ->> 'type' = 'composite' AND old ? 'attributes' THEN
            p := p || schemaguard.sg_sync_attributes(properties -> 'attributes', old -> 'attributes');
            IF p ->> 'attribute_changes' ~ 'ALTER ATTRIBUTE' THEN
                p := CASE WHEN NOT p ? 'stored' THEN p || '{"attribute_types": true}'
                    -- nothing alters an attribute that columns have values of
                    WHEN p ? 'attribute_drops' OR jsonb_array_length(properties -> 'attributes') <> jsonb_array_length(old -> 'attributes')
                        THEN (p || '{"stuck": true}') - '{attribute_changes,attribute_drops}'::text[]
                    ELSE (p || '{"remade": true}') - 'attribute_changes' END;
            END IF;
        END IF;
        p := p || jsonb_strip_nulls(jsonb_build_object(
            'alignment_word', CASE properties ->> 'alignment' WHEN 'c' THEN 'char' WHEN 's' THEN 'int2' WHEN 'i' THEN 'int4' WHEN 'd' THEN 'double' END,
            'storage_word', CASE properties ->> 'storage' WHEN 'p' THEN 'plain' WHEN 'e' THEN 'external' WHEN 'm' THEN 'main' WHEN 'x' THEN 'extended' END,
            'attribute_comment_changes', CASE WHEN properties ? 'attribute_comments' OR old ? 'attribute_comments' THEN schemaguard.sg_sync_comments(identity, properties -> 'attribute_comments', old -> 'attribute_comments') END));
    WHEN 'view', 'materialized view' THEN
        p := p || jsonb_strip_nulls(jsonb_build_object(
            'column_names', (SELECT string_agg(schemaguard.sg_sync_first_name(c), ', ' ORDER BY n) FROM jsonb_array_elements_text(properties -> 'columns') WITH ORDINALITY c (c, n)),
            'query', rtrim(properties ->> 'query', '; ' || chr(10)), 'query_open', rtrim(properties ->> 'query', '; ' || chr(10)),
            'columns_rebuild', CASE WHEN old ? 'columns' AND EXISTS (SELECT FROM jsonb_array_elements_text(old -> 'columns') WITH ORDINALITY c (c, n)
                WHERE properties -> 'columns' ->> (n - 1)::int IS DISTINCT FROM c) THEN true END,
            'column_grants', (SELECT jsonb_agg(g ORDER BY c, n) FROM (SELECT jsonb_object_keys(properties -> 'column_acl') UNION SELECT jsonb_object_keys(old -> 'column_acl')) k (c),
                LATERAL jsonb_array_elements(schemaguard.sg_sync_grants('column', identity, quote_ident(k.c), properties ->> 'owner', properties #> ARRAY['column_acl', k.c], old #> ARRAY['column_acl', k.c])) WITH ORDINALITY g (g, n)),
            'matview_changes', (SELECT jsonb_agg(coalesce(format('ALTER MATERIALIZED VIEW %s ALTER COLUMN %I ', identity, x.c) || x.change,
                format($reset$DO %3$s
BEGIN
    EXECUTE (SELECT pg_catalog.format('ALTER MATERIALIZED VIEW %%s ALTER COLUMN %%I SET STORAGE %%s', a.attrelid::pg_catalog.regclass, a.attname,
        CASE t.typstorage WHEN 'p' THEN 'plain' WHEN 'e' THEN 'external' WHEN 'm' THEN 'main' ELSE 'extended' END)
        FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
        WHERE a.attrelid = pg_catalog.to_regclass(%1$L) AND a.attname = %2$L);
END %3$s$reset$, identity, x.c, schemaguard.sg_sync_tag(identity || x.c, 'stored'))) ORDER BY x.c, x.change) FROM (
                SELECT coalesce(n.key, o.key) AS c, 'SET STATISTICS ' || coalesce(n.value, '-1') AS change
                FROM jsonb_each_text(properties -> 'column_statistics') n FULL JOIN jsonb_each_text(old -> 'column_statistics') o ON o.key = n.key WHERE n.value IS DISTINCT FROM o.value
                UNION ALL
                SELECT coalesce(n.key, o.key), 'SET COMPRESSION ' || coalesce(n.value, 'default')
                FROM jsonb_each_text(properties -> 'column_compression') n FULL JOIN jsonb_each_text(old -> 'column_compression') o ON o.key = n.key WHERE n.value IS DISTINCT FROM o.value
                UNION ALL
                SELECT n.key, 'SET STORAGE ' || n.value
                FROM jsonb_each_text(properties -> 'column_storage') n WHERE n.value IS DISTINCT FROM old -> 'column_storage' ->> n.key
                UNION ALL
                SELECT o.key, NULL FROM jsonb_object_keys(old -> 'column_storage') o (key) WHERE NOT coalesce(properties -> 'column_storage' ? o.key, false)
                UNION ALL
                SELECT n.key, schemaguard.sg_sync_fill('SET ({o|O})', jsonb_build_object('o', n.value)) FROM jsonb_each(properties -> 'column_options') n WHERE n.value IS DISTINCT FROM old -> 'column_options' -> n.key
                UNION ALL
                SELECT o.key, schemaguard.sg_sync_fill('RESET ({o|K})', jsonb_build_object('o', o.value)) FROM jsonb_each(old -> 'column_options') o WHERE NOT coalesce(properties -> 'column_options' ? o.key, false)) x),
            'comment_changes', schemaguard.sg_sync_comments(identity, properties -> 'column_comments', old -> 'column_comments'),
            'default_changes', (SELECT jsonb_agg(format('ALTER VIEW %s ALTER COLUMN %I ', identity, coalesce(n.key, o.key)) || coalesce('SET DEFAULT ' || n.value, 'DROP DEFAULT'))
                FROM jsonb_each_text(properties -> 'column_defaults') n FULL JOIN jsonb_each_text(old -> 'column_defaults') o ON o.key = n.key
                WHERE n.value IS DISTINCT FROM o.value)));
    WHEN 'rule' THEN
        p := p || jsonb_build_object('rule_definition', rtrim(properties ->> 'definition', '; ' || chr(10)),
            'rule_replace', regexp_replace(rtrim(properties ->> 'definition', '; ' || chr(10)), '^CREATE RULE', 'CREATE OR REPLACE RULE'));
    WHEN 'trigger' THEN
        p := p || jsonb_strip_nulls(jsonb_build_object(
            'argument_state', (SELECT string_agg(encode(convert_to(a, getdatabaseencoding()), 'escape') || '\000', '' ORDER BY n) FROM jsonb_array_elements_text(properties -> 'arguments') WITH ORDINALITY x (a, n)),
            'event_list', (SELECT string_agg(upper(x.e) || CASE WHEN x.e = 'update' THEN coalesce(schemaguard.sg_sync_fill(' OF {c|I}', jsonb_build_object('c', properties -> 'update_of')), '') ELSE '' END, ' OR ' ORDER BY x.n)
                FROM jsonb_array_elements_text(properties -> 'events') WITH ORDINALITY x (e, n)),
            'transition', CASE WHEN properties ? 'old_table' OR properties ? 'new_table' THEN true END))
            || jsonb_build_object('argument_list', coalesce((SELECT string_agg(quote_literal(a), ', ' ORDER BY n)
                FROM jsonb_array_elements_text(properties -> 'arguments') WITH ORDINALITY x (a, n)), ''));
    WHEN 'sequence' THEN
        p := p || jsonb_build_object('narrowed', schemaguard.sg_sync_narrowed(properties, old), 'sequence_state', schemaguard.sg_sync_fill('{type} start {start} increment {increment} minimum {minimum} maximum {maximum} cache {cache}[{?cycle} cycle]', p));
    WHEN 'user mapping' THEN
        p := p || jsonb_build_object('role', CASE name WHEN 'PUBLIC' THEN 'public' ELSE name END, 'server', parent);
    WHEN 'publication' THEN
        p := p || jsonb_strip_nulls(jsonb_build_object('published_state', (
                SELECT coalesce(jsonb_agg(schemaguard.sg_sync_loose(x.x)), '[]')::text FROM (
                    SELECT t || coalesce(' ' || (properties #>> ARRAY['table_columns', t]), '') || coalesce(' ' || (properties #>> ARRAY['table_filters', t]), '') AS x FROM jsonb_array_elements_text(properties -> 'tables') t
                    UNION ALL SELECT 'schema ' || s FROM jsonb_array_elements_text(properties -> 'schemas') s) x),
            'published_is', '(SELECT coalesce(pg_catalog.jsonb_agg(' || schemaguard.sg_sync_loosely('x.x') || '), ''[]'') FROM (SELECT r.prrelid::pg_catalog.regclass::text || coalesce('' '' || (SELECT pg_catalog.jsonb_agg(a.attname ORDER BY a.attnum)::text FROM pg_catalog.pg_attribute a WHERE a.attrelid = r.prrelid AND a.attnum = ANY (r.prattrs::int2[])), '''') || coalesce('' '' || pg_catalog.pg_get_expr(r.prqual, r.prrelid), '''') AS x FROM pg_catalog.pg_publication p JOIN pg_catalog.pg_publication_rel r ON r.prpubid = p.oid WHERE p.pubname = '
                || quote_literal(name) || ' UNION ALL SELECT ''schema '' || n.nspname FROM pg_catalog.pg_publication p JOIN pg_catalog.pg_publication_namespace s ON s.pnpubid = p.oid JOIN pg_catalog.pg_namespace n ON n.oid = s.pnnspid WHERE p.pubname = ' || quote_literal(name) || ') x)',
            'published', coalesce(
            CASE WHEN (properties ->> 'all_tables')::boolean THEN 'ALL TABLES' END,
            nullif(concat_ws(', ',
                'TABLE ' || (SELECT string_agg('ONLY ' || t || coalesce(schemaguard.sg_sync_fill(' ({c|I})', jsonb_build_object('c', properties -> 'table_columns' -> t)), '')
                    || coalesce(' WHERE (' || (properties -> 'table_filters' ->> t) || ')', ''), ', ' ORDER BY n) FROM jsonb_array_elements_text(properties -> 'tables') WITH ORDINALITY x (t, n)),
                'TABLES IN SCHEMA ' || (SELECT string_agg(quote_ident(s), ', ') FROM jsonb_array_elements_text(properties -> 'schemas') s)), ''))));
    WHEN 'text search configuration' THEN
        p := p || jsonb_strip_nulls(jsonb_build_object('mapping_changes', (
            SELECT jsonb_agg(CASE WHEN n.value IS NULL THEN format('ALTER TEXT SEARCH CONFIGURATION %s DROP MAPPING IF EXISTS FOR %s', identity, t.alias)
                ELSE format('ALTER TEXT SEARCH CONFIGURATION %1$s DROP MAPPING IF EXISTS FOR %2$s; ALTER TEXT SEARCH CONFIGURATION %1$s ADD MAPPING FOR %2$s WITH %3$s', identity, t.alias,
                    (SELECT string_agg(d, ', ') FROM jsonb_array_elements_text(n.value) d)) END ORDER BY t.tokid)
            FROM jsonb_each(properties -> 'mappings') n FULL JOIN jsonb_each(old -> 'mappings') o ON o.key = n.key
            JOIN ts_token_type('default') t ON t.tokid = coalesce(n.key, o.key)::int
            WHERE n.value IS DISTINCT FROM o.value)));
    ELSE
        NULL;
    END CASE;
    RETURN p;
END
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_object(text, text, text, text, jsonb, jsonb)
    IS 'an object of a snapshot, with what templates need beyond its properties';

-- the schema of an identity
CREATE FUNCTION schemaguard.sg_sync_schema(identity text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
RETURN substring(identity FROM '^("(?:[^"]|"")*"|[^".]+)');
COMMENT ON FUNCTION schemaguard.sg_sync_schema(text)
    IS 'the schema of an identity';

-- the name at the beginning of "name type", quoted where it is
CREATE FUNCTION schemaguard.sg_sync_first_name(attribute text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
RETURN substring(attribute FROM '^("(?:[^"]|"")*"|[^" ]+)');
COMMENT ON FUNCTION schemaguard.sg_sync_first_name(text)
    IS 'the name at the beginning of an attribute';

-- Attributes of a composite type. New ones come last: where they don't, all after the first that is elsewhere are made anew.
CREATE FUNCTION schemaguard.sg_sync_attributes(new jsonb, old jsonb)
RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
    WITH pair AS (
        SELECT n.a AS new, o.a AS old, n.n AS new_at, o.n AS old_at, coalesce(n.name, o.name) AS name
        FROM (SELECT a, n, schemaguard.sg_sync_first_name(a) AS name FROM jsonb_array_elements_text(new) WITH ORDINALITY x (a, n)) n
        FULL JOIN (SELECT a, n, schemaguard.sg_sync_first_name(a) AS name FROM jsonb_array_elements_text(old) WITH ORDINALITY x (a, n)) o ON o.name = n.name
    ), cut AS (
        SELECT CASE WHEN array_agg(p.name ORDER BY p.old_at, p.new_at) FILTER (WHERE p.new IS NOT NULL) <> array_agg(p.name ORDER BY p.new_at) FILTER (WHERE p.new IS NOT NULL)
            THEN coalesce(min(p.new_at) FILTER (WHERE p.old_at IS DISTINCT FROM p.new_at), 1) END AS at
        FROM pair p
    )
    SELECT jsonb_strip_nulls(jsonb_build_object(
        'attribute_changes', string_agg(CASE WHEN p.old IS NULL AND c.at IS NULL THEN 'ADD ATTRIBUTE ' || p.new || ' CASCADE'
            WHEN p.new <> p.old AND (c.at IS NULL OR p.new_at < c.at) THEN 'ALTER ATTRIBUTE ' || p.name || ' TYPE' || substr(p.new, length(p.name) + 1) || ' CASCADE' END, ', ' ORDER BY p.new_at),
        'attribute_drops', nullif(concat_ws(', ', string_agg('DROP ATTRIBUTE IF EXISTS ' || p.name || ' CASCADE', ', ' ORDER BY p.old_at) FILTER (WHERE p.old IS NOT NULL AND (p.new IS NULL OR p.new_at >= c.at)),
            string_agg('ADD ATTRIBUTE ' || p.new || ' CASCADE', ', ' ORDER BY p.new_at) FILTER (WHERE p.new_at >= c.at)), '')))
    FROM pair p, cut c
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_attributes(jsonb, jsonb)
    IS 'the changes that make one list of attributes another one';

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
    IS 'the statements that change comments of columns';

-- Returns the parts of values that a change of their type may lose; null: nothing
CREATE FUNCTION schemaguard.sg_sync_type_loss(old text, new text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT CASE WHEN old = new OR old || '>' || new ~ '^(smallint>(integer|bigint|numeric|text)|integer>(bigint|numeric|text|double precision)|bigint>(numeric|text)|real>double precision|date>timestamp without time zone|json>jsonb|uuid>text|character varying(\(\d+\))?>(text|character varying)|text>character varying|numeric\(\d+,\d+\)>numeric)$' THEN NULL
        WHEN split_part(old, '(', 1) = split_part(new, '(', 1) AND old ~ '^(character varying|numeric)\(' AND new ~ '\('
            AND substring(new FROM '\((\d+)')::int - coalesce(substring(new FROM ',(\d+)')::int, 0) >= substring(old FROM '\((\d+)')::int - coalesce(substring(old FROM ',(\d+)')::int, 0)
            AND coalesce(substring(new FROM ',(\d+)')::int, 0) >= coalesce(substring(old FROM ',(\d+)')::int, 0) THEN NULL
        ELSE format('what %s can''t hold of %s', new, old) END
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_type_loss(text, text)
    IS 'what may go away when values of one type become values of another; null: nothing';

-- GRANT and REVOKE that make one set of privileges another; null stands for what a new object has
CREATE FUNCTION schemaguard.sg_sync_grants(kind text, object text, column_name text, owner text, new jsonb, old jsonb)
RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
    WITH frame AS (
        SELECT
            -- of default privileges the object is FOR ROLE a IN SCHEMA b ON TABLES
            CASE kind WHEN 'default privilege' THEN 'ALTER DEFAULT PRIVILEGES ' || regexp_replace(object, ' ON [A-Z ]+$', '') || ' ' ELSE '' END AS begin,
            CASE WHEN kind = 'default privilege' THEN substring(object FROM ' ON ([A-Z ]+)$')
                WHEN kind = 'foreign server' THEN 'FOREIGN SERVER ' || object
                WHEN kind IN ('table', 'view', 'materialized view', 'column') THEN 'TABLE ' || object
                WHEN kind = 'aggregate' THEN 'FUNCTION ' || object WHEN kind = 'procedure' THEN object ELSE upper(kind) || ' ' || object END AS name,
            CASE kind WHEN 'default privilege' THEN coalesce(substring(object FROM '^FOR ROLE ("(?:[^"]|"")*"|[^" ]+)'), '')
                ELSE coalesce(owner, '') END AS owner,
            CASE WHEN kind IN ('function', 'procedure', 'aggregate', 'type', 'domain', 'language')
                    OR kind = 'default privilege' AND object ~ ' ON (FUNCTIONS|TYPES)$' AND object !~ '^FOR ROLE ("(?:[^"]|"")*"|[^" ]+) IN SCHEMA '
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
        SELECT c.grantee, 1 AS step, format('%sREVOKE ALL%s ON %s FROM %s', c.begin, ' (' || column_name || ')', c.name, c.grantee) AS statement
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
    IS 'the statements that make one set of privileges another one';

-- The guard of GRANT and REVOKE. What each grantee has is what it is to have, or what it had ("old": of an object that is new,
-- null: what default privileges give it; of another owner, what the old one had granted). {acl} is what there is, of {place}.
CREATE FUNCTION schemaguard.sg_sync_acl_guard(kind text, owner text, new jsonb, old jsonb)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT format($guard$(SELECT CASE WHEN a.a IS NOT DISTINCT FROM w.new THEN 'after' WHEN NOT EXISTS (
        SELECT FROM pg_catalog.jsonb_each(a.a) g WHERE g.value IS DISTINCT FROM w.new -> g.key AND g.value IS DISTINCT FROM w.old -> g.key%s) THEN 'before' ELSE a.a::text END
    FROM (SELECT {acl}::pg_catalog.jsonb AS a FROM {place}) a, (SELECT %L::pg_catalog.jsonb AS new, %L::pg_catalog.jsonb AS old) w)$guard$,
        CASE WHEN old IS NULL THEN $given$ AND NOT EXISTS (SELECT FROM pg_catalog.pg_default_acl d, pg_catalog.aclexplode(d.defaclacl) x
            WHERE CASE x.grantee WHEN 0 THEN 'PUBLIC' ELSE pg_catalog.quote_ident(pg_catalog.pg_get_userbyid(x.grantee)) END = g.key)$given$ ELSE '' END,
        new,
        -- what the old owner had, the new one has
        coalesce(old -> 'acl', CASE WHEN kind IN ('function', 'procedure', 'aggregate', 'type', 'domain', 'language') THEN '{"PUBLIC": ["ALL"]}'::jsonb ELSE '{}' END)
            || CASE WHEN old -> 'acl' ? (old ->> 'owner') THEN jsonb_build_object(owner, old -> 'acl' -> (old ->> 'owner')) ELSE '{}'::jsonb END)
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_acl_guard(text, text, jsonb, jsonb)
    IS 'the guard of statements that grant and revoke';

-- CREATE INDEX CONCURRENTLY: outside of a transaction, so what is asked before and after stands beside it
CREATE FUNCTION schemaguard.sg_sync_concurrently(object text, statement text, guard text, before text, after text, index text, index_after text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT format($script$DO %1$s
DECLARE
    sync_is text;
BEGIN
    IF EXISTS (SELECT FROM pg_catalog.pg_stat_progress_create_index p WHERE p.index_relid = pg_catalog.to_regclass(%2$L)) THEN
        RAISE 'index %% is being built by somebody else', %2$L USING HINT = 'Run the script again when it is.';
    END IF;
    IF EXISTS (SELECT FROM pg_catalog.pg_index i WHERE i.indexrelid = pg_catalog.to_regclass(%2$L) AND NOT i.indisvalid) THEN
        DROP INDEX %3$s;
    END IF;
    sync_is := %4$s;
    IF sync_is IS DISTINCT FROM %5$s AND sync_is IS DISTINCT FROM %6$s THEN
        RAISE '%% is neither as it was nor as it should be: %%', %7$L, sync_is;
    END IF;
END %1$s;
SELECT %4$s IS NOT DISTINCT FROM %5$s AS sync_needed \gset
\if :sync_needed
%8$s;
DO %1$s
DECLARE
    sync_is text := %9$s;
BEGIN
    IF sync_is IS DISTINCT FROM %10$L THEN
        RAISE 'index %% is not what it should be: %%', %2$L, coalesce(sync_is, 'not there');
    END IF;
END %1$s;
\endif$script$, q.tag, index, index, guard, quote_nullable(before), quote_nullable(after), object, statement, schemaguard.sg_sync_index_is(index), index_after)
    FROM (SELECT schemaguard.sg_sync_tag(object || statement || guard || coalesce(before, '') || coalesce(after, '') || index_after) AS tag) q
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_concurrently(text, text, text, text, text, text, text)
    IS 'a statement that builds an index beside writers, with what is asked before and after';

-- A text as a comment: for psql one ends at a carriage return, too
CREATE FUNCTION schemaguard.sg_sync_comment(line text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
RETURN '-- ' || regexp_replace(line, E'\r\n|\r|\n', chr(10) || '-- ', 'g');
COMMENT ON FUNCTION schemaguard.sg_sync_comment(text)
    IS 'a text as a comment of a script';

-- a dollar quote for a text
CREATE FUNCTION schemaguard.sg_sync_tag(body text, word text DEFAULT 'sync')
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
RETURN '$' || word || CASE WHEN position('$' || word IN body) > 0 THEN '_' || md5(body) ELSE '' END || '$';
COMMENT ON FUNCTION schemaguard.sg_sync_tag(text, text)
    IS 'a dollar quote for a text, of a word that sg_sync_plain() knows';

-- Returns a statement with its guard: it is run where the object is as it was before, left alone where it is as it should be
-- after; anything else ends the script. "look" is what is run before it
CREATE FUNCTION schemaguard.sg_sync_guarded(step text, object text, statement text, guard text, before text, after text, look text DEFAULT NULL)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT CASE WHEN guard IS NULL THEN CASE WHEN look IS NOT NULL THEN format(E'DO %1$s BEGIN %2$s; END %1$s;\n', q.tag, look) ELSE '' END || statement || ';'
        ELSE format($script$DO %1$s%8$s
DECLARE
    sync_is text := %2$s;
BEGIN
    IF sync_is %3$s THEN
        %9$s%4$s;
    ELSIF sync_is %5$s THEN
        RAISE '%% is neither as it was nor as it should be: %%', %6$L, %7$s;
    END IF;
END %1$s;$script$, q.tag, guard, CASE WHEN before IS NULL THEN 'IS NULL' ELSE '= ' || quote_literal(before) END, statement,
            CASE WHEN after IS NULL THEN 'IS NOT NULL'
                -- what is dropped to be made anew may not be there
                WHEN step = 'drop' THEN 'IS NOT NULL AND sync_is <> ' || quote_literal(after)
                ELSE 'IS DISTINCT FROM ' || quote_literal(after) END, object, CASE WHEN step = 'drop' THEN 'sync_is' ELSE 'coalesce(sync_is, ''not there'')' END,
            CASE WHEN position('sync_is' IN statement) > 0 THEN E'\n#variable_conflict use_column' ELSE '' END, look || E';\n        ')
        END
    FROM (SELECT schemaguard.sg_sync_tag(concat(object, statement, guard, before, after, look)) AS tag) q
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_guarded(text, text, text, text, text, text, text)
    IS 'a statement with its guard';
