-- Sync: what templates need of an object beyond its properties as they are. Nothing here runs what a snapshot says.

-- Returns an object of a snapshot with what templates need. "old" is what sg_sync_object() made of the target's, or null.
CREATE FUNCTION schemaguard.sg_sync_object(kind text, identity text, parent text, name text, properties jsonb, old jsonb)
RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    p jsonb := properties || jsonb_build_object('kind', kind, 'identity', identity, 'parent', parent, 'name', name, 'old',
        coalesce(old, '{}'));
BEGIN
    p := schemaguard.sg_sync_of_name(p, properties, old);
    p := schemaguard.sg_sync_of_routine(p, properties, old);
    p := schemaguard.sg_sync_of_options(p, properties, old);
    p := schemaguard.sg_sync_of_rest(p, properties, old);
    CASE kind
    WHEN 'table' THEN
        p := schemaguard.sg_sync_of_table(p, properties, old);
    WHEN 'column' THEN
        p := schemaguard.sg_sync_of_column(schemaguard.sg_sync_of_identity(p, properties, old), properties, old);
    WHEN 'index' THEN
        p := schemaguard.sg_sync_of_index(p, properties, old);
    WHEN 'constraint' THEN
        p := schemaguard.sg_sync_of_constraint(schemaguard.sg_sync_of_definition(p, properties, old), properties, old);
    WHEN 'domain' THEN
        p := p || jsonb_strip_nulls(jsonb_build_object('type_loss', schemaguard.sg_sync_type_loss(old ->> 'type', properties ->> 'type')));
    WHEN 'statistics' THEN
        p := schemaguard.sg_sync_of_statistics(p, properties, old);
    WHEN 'function', 'procedure' THEN
        p := p || jsonb_strip_nulls(jsonb_build_object('create_routine', schemaguard.sg_sync_routine(kind, p),
            -- names of arguments may be given where there were none, but not be changed
            'arguments_rebuild', CASE WHEN old ->> 'arguments' <> '' AND old ->> 'arguments' <> properties ->> 'arguments' THEN true END));
    WHEN 'aggregate' THEN
        p := schemaguard.sg_sync_of_aggregate(p, properties, old);
    WHEN 'operator' THEN
        p := schemaguard.sg_sync_of_operator(p, properties, old);
    WHEN 'operator class', 'operator family' THEN
        p := schemaguard.sg_sync_of_members(p, properties, old);
    WHEN 'type' THEN
        p := schemaguard.sg_sync_of_type(p, properties, old);
    WHEN 'view', 'materialized view' THEN
        p := schemaguard.sg_sync_of_stored(schemaguard.sg_sync_of_view(p, properties, old), properties, old);
    WHEN 'rule' THEN
        -- no more of the text than what follows its own name
        p := p || (SELECT jsonb_build_object('rule_definition', 'CREATE RULE ' || d.text,
                'rule_replace', 'CREATE OR REPLACE RULE ' || d.text)
            FROM (SELECT quote_ident(name) || coalesce(substring(rtrim(properties ->> 'definition', '; ' || chr(10))
                FROM '^CREATE RULE (?:"(?:[^"]|"")*"|[^" ]+)( AS\s.*)$'), '') AS text) d);
    WHEN 'trigger' THEN
        p := schemaguard.sg_sync_of_trigger(p, properties, old);
    WHEN 'sequence' THEN
        p := p || jsonb_build_object('narrowed', schemaguard.sg_sync_narrowed(properties, old), 'sequence_state',
            schemaguard.sg_sync_fill('{type} start {start} increment {increment} minimum {minimum} maximum {maximum} cache '
            '{cache}[{?cycle} cycle]', p));
    WHEN 'user mapping' THEN
        p := p || jsonb_build_object('role', CASE name WHEN 'PUBLIC' THEN 'public' ELSE name END, 'server', parent,
            -- only some roles see them, so no snapshot has them
            'hidden', '["its options"]'::jsonb);
    WHEN 'publication' THEN
        p := schemaguard.sg_sync_of_publication(p, properties, old);
    WHEN 'text search configuration' THEN
        p := schemaguard.sg_sync_of_mappings(p, properties, old);
    ELSE
        NULL;
    END CASE;
    RETURN p;
END
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_object(text, text, text, text, jsonb, jsonb)
    IS 'returns an object of a snapshot, with the values that templates need beyond its properties';

-- Returns the condition under which a value of a column becomes one of another type; null: nobody knows, or each does
CREATE FUNCTION schemaguard.sg_sync_castable(name text, old text, new text, labels jsonb)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT CASE
        WHEN labels IS NOT NULL THEN format('%I::text = ANY (%L)', name, ARRAY(SELECT jsonb_array_elements_text(labels)))
        WHEN f.from_text AND w.word IS NOT NULL THEN format('%I ~* %L', name, w.word)
        WHEN i.low IS NOT NULL THEN CASE
            WHEN f.from_text THEN format('CASE WHEN %1$I ~ %2$L THEN %1$I::numeric BETWEEN %3$s AND %4$s ELSE %1$I IS NULL END', name,
                '^[[:space:]]*[-+]?[0-9]{1,99}[[:space:]]*$', i.low, i.high)
            WHEN old ~ '^numeric' THEN format('round(%I) BETWEEN %s AND %s', name, i.low, i.high)
            WHEN old IN ('integer', 'bigint') THEN format('%I BETWEEN %s AND %s', name, i.low, i.high) END
        WHEN n.digits IS NOT NULL AND old ~ '^(smallint|integer|bigint|numeric)' THEN format('abs(round(%1$I::numeric, %2$s)) < 1e%3$s '
            'OR %1$I::numeric = ''NaN''', name, n.digits[2], n.digits[1]::int - n.digits[2]::int)
        END
    FROM (SELECT old ~ '^(text|character)' AS from_text) f
    LEFT JOIN (VALUES ('smallint', '-32768', '32767'), ('integer', '-2147483648', '2147483647'),
        ('bigint', '-9223372036854775808', '9223372036854775807')) i (type, low, high) ON i.type = new
    LEFT JOIN (VALUES ('uuid', '^(([0-9a-f]{4}-?){7}[0-9a-f]{4}|[{]([0-9a-f]{4}-?){7}[0-9a-f]{4}[}])$'),
        ('boolean', '^[[:space:]]*(t(r(ue?)?)?|f(a(l(se?)?)?)?|y(es?)?|no?|on|off?|1|0)[[:space:]]*$')) w (type, word) ON w.type = new
    CROSS JOIN regexp_match(new, '^numeric[(]([0-9]+),(-?[0-9]+)[)]$') n (digits)
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_castable(text, text, text, jsonb)
    IS 'returns the condition under which a column''s value converts to another type; null: not known, or always';

-- Returns the value after the last one that the sequences of a column here have given, if another sequence begins before it and can give it
CREATE FUNCTION schemaguard.sg_sync_goes_on(parent text, name text, sequence jsonb)
RETURNS bigint
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT n.next::bigint
    FROM pg_attribute a CROSS JOIN LATERAL (
        SELECT CASE WHEN (sequence ->> 'increment')::numeric > 0 THEN max(q.last_value) ELSE min(q.last_value) END
            + (sequence ->> 'increment')::numeric AS next
        FROM pg_depend d JOIN pg_class c ON c.oid IN (d.objid, d.refobjid) AND c.relkind = 'S' JOIN pg_namespace s ON s.oid = c.relnamespace
        JOIN pg_sequences q ON q.schemaname = s.nspname AND q.sequencename = c.relname
        WHERE d.classid = 'pg_attrdef'::regclass AND d.refclassid = 'pg_class'::regclass
                AND d.objid IN (SELECT f.oid FROM pg_attrdef f WHERE f.adrelid = a.attrelid AND f.adnum = a.attnum)
            OR d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i')
                AND d.refobjid = a.attrelid AND d.refobjsubid = a.attnum) n
    WHERE a.attrelid = to_regclass(parent) AND a.attname = name AND NOT a.attisdropped
        AND n.next BETWEEN (sequence ->> 'minimum')::numeric AND (sequence ->> 'maximum')::numeric
        AND (n.next - (sequence ->> 'start')::numeric) * (sequence ->> 'increment')::numeric > 0
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_goes_on(text, text, jsonb)
    IS 'returns the value at which a new sequence of a column continues the present one';

-- Returns the condition that rows of a partition meet, as far as its bound is of values, and the key of the table above of columns or
-- one expression; null: they are not, or rows are told apart by a hash, or belong to no other partition
CREATE FUNCTION schemaguard.sg_sync_bounded(key text, bound text)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
    WITH part AS (
        SELECT k.m[1] AS kind, CASE WHEN n.m IS NULL THEN ARRAY[format('(%s)', k.m[2])]
                ELSE ARRAY(SELECT c[1] FROM regexp_matches(k.m[2], '"(?:[^"]|"")*"|[^", ]+', 'g') c) END AS columns,
            ARRAY(SELECT v[1] FROM regexp_matches(b.m[1], v.value, 'g') v) AS low,
            ARRAY(SELECT v[1] FROM regexp_matches(b.m[2], v.value, 'g') v) AS high
        FROM (VALUES ('E?''(?:[^'']|'''')*''|[^'' ,()]+', '"(?:[^"]|"")*"|[a-z_][a-z0-9_$]*')) v (value, name)
        CROSS JOIN LATERAL (SELECT format('[(]((?:%1$s)(?:, (?:%1$s))*)[)]', v.name) AS names,
            format('[(]((?:%1$s)(?:, (?:%1$s))*)[)]', v.value) AS list) l
        CROSS JOIN regexp_match(key, '^(RANGE|LIST) [(](.*)[)]$') k (m)
        CROSS JOIN regexp_match(format('(%s)', k.m[2]), format('^%s$', l.names)) n (m)
        CROSS JOIN regexp_match(bound, format('^FOR VALUES (?:FROM|IN) %1$s(?: TO %1$s)?$', l.list)) b (m)
        WHERE k.m IS NOT NULL AND b.m IS NOT NULL
    ), range AS (
        -- what comes before the first that is no value decides
        SELECT p.columns, x.bound[:x.n - 1] AS bound, p.columns[:x.n - 1] AS compared, x.side, x.bound[x.n] AS open
        FROM part p CROSS JOIN LATERAL (
            SELECT p.low, 'low', coalesce(least(array_position(p.low, 'MINVALUE'), array_position(p.low, 'MAXVALUE')),
                cardinality(p.low) + 1)
            UNION ALL
            SELECT p.high, 'high', coalesce(least(array_position(p.high, 'MINVALUE'), array_position(p.high, 'MAXVALUE')),
                cardinality(p.high) + 1)) x (bound, side, n)
        WHERE p.kind = 'RANGE' AND p.high <> '{}' AND x.n > 1
    )
    SELECT CASE p.kind
        WHEN 'LIST' THEN p.columns[1] || CASE WHEN 'NULL' = ANY (p.low) THEN ' IS NULL' ELSE ' IS NOT NULL' END
            || coalesce(CASE WHEN 'NULL' = ANY (p.low) THEN ' OR ' ELSE ' AND ' END || p.columns[1] || ' IN ('
                || nullif(array_to_string(array_remove(p.low, 'NULL'), ', '), '') || ')', '')
        ELSE (SELECT string_agg(format('%s IS NOT NULL', c), ' AND ') FROM unnest(p.columns) c)
            || coalesce((SELECT string_agg(format(' AND (%s) %s (%s)', array_to_string(r.compared, ', '),
                CASE r.side WHEN 'low' THEN CASE r.open WHEN 'MAXVALUE' THEN '>' ELSE '>=' END
                    ELSE CASE r.open WHEN 'MAXVALUE' THEN '<=' ELSE '<' END END, array_to_string(r.bound, ', ')), '' ORDER BY r.side DESC)
                FROM range r), '') END
    FROM part p
    WHERE p.kind = 'LIST' OR cardinality(p.columns) = cardinality(p.low)
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_bounded(text, text)
    IS 'returns the condition that rows of a partition satisfy; null: not known';

-- Returns the query of rows that are the same as others by the columns that tell them apart; by none: of all but one
CREATE FUNCTION schemaguard.sg_sync_doubles(relation text, context jsonb)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
RETURN format('SELECT * FROM %s.sg_rule_violations(%L, ', schemaguard.sg_schema(), relation)
    || CASE context -> 'told_apart' WHEN '[]' THEN '''check'', ''false'') OFFSET 1'
        ELSE format('%L, %L)', 'unique',
            schemaguard.sg_sync_fill('[{?nulls_not_distinct}NULLS NOT DISTINCT ]({told_apart|I})', context)) END;
COMMENT ON FUNCTION schemaguard.sg_sync_doubles(text, jsonb)
    IS 'returns the query for the rows that a unique key would refuse';

-- Returns the queries of the rows that a statement would be refused for, one a line; a new column is null in each row of its table.
-- A text behind an exclamation mark is what else is in the way.
CREATE FUNCTION schemaguard.sg_sync_finder(kind text, step text, what text, property text, context jsonb)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT CASE
        -- its own rows, and those of the default partition that would belong to it
        WHEN kind = 'table' AND what LIKE 'partition%' THEN (
            SELECT string_agg(format('SELECT * FROM %s.sg_rule_violations(%L, %L, %L)', ours, x.relation, 'check', x.condition), E'\n')
            FROM (SELECT CASE WHEN context ->> 'partition_bound' <> 'DEFAULT'
                    THEN schemaguard.sg_sync_bounded(context #>> '{whole_is,key}', context ->> 'partition_bound')
                    -- what belongs to another one
                    ELSE (SELECT CASE WHEN bool_and(o.condition IS NOT NULL)
                            THEN string_agg(format('(%s) IS NOT TRUE', o.condition), ' AND ') END
                        FROM (SELECT schemaguard.sg_sync_bounded(context #>> '{whole_is,key}', o) AS condition
                            FROM jsonb_array_elements_text(context #> '{whole_is,others}') o) o) END) b (condition)
            CROSS JOIN LATERAL (VALUES (CASE WHEN step = 'alter' THEN context ->> 'identity' END, b.condition),
                (context #>> '{whole_is,default}', format('NOT (%s)', b.condition))) x (relation, condition)
            WHERE b.condition IS NOT NULL AND x.relation IS NOT NULL)
        WHEN kind = 'column' AND property = 'not_null' AND (context ->> 'not_null')::boolean
                AND NOT (step = 'fresh' AND context ? 'generated') THEN
            CASE step WHEN 'fresh' THEN format('SELECT * FROM %s.sg_rule_violations(%L, %L, %L)', ours, context ->> 'parent', 'check',
                'false')
            ELSE format('SELECT * FROM %s.sg_rule_violations(%L, %L, %L)', ours, context ->> 'parent', 'not null',
                quote_ident(context ->> 'name')) END
        WHEN kind = 'column' AND property = 'type collation' AND context ? 'keyed' THEN '!the table is partitioned by it'
        WHEN kind = 'column' AND property = 'type collation' AND context ? 'no_cast' THEN
            format('!nothing makes %s %s', context #>> '{old,type}', context ->> 'type')
        -- a sequence can't go back
        WHEN context ? 'narrowed' AND (kind = 'sequence' AND what LIKE 'type %' OR property = 'identity_sequence') THEN (
            SELECT format('!it has given %s, and is to give no more than %s', q.last_value, n.last)
            FROM jsonb_to_record(CASE kind WHEN 'sequence' THEN context ELSE context -> 'identity_sequence' END)
                    s (increment numeric, minimum numeric, maximum numeric)
                CROSS JOIN LATERAL (SELECT CASE WHEN s.increment > 0 THEN s.maximum ELSE s.minimum END AS last) n
                JOIN pg_sequences q ON format('%I.%I', q.schemaname, q.sequencename) = CASE kind WHEN 'sequence' THEN context ->> 'identity'
                    ELSE schemaguard.sg_sync_schema(context ->> 'parent') || '.'
                        || quote_ident(context #>> '{old,identity_sequence,name}') END
            WHERE (q.last_value - n.last) * s.increment > 0)
        WHEN kind = 'column' AND property = 'type collation' AND context ? 'type_loss' THEN
            format('SELECT * FROM %s.sg_rule_violations(%L, %L, ', ours, context ->> 'parent', 'check') || quote_literal(
                schemaguard.sg_sync_castable(context ->> 'name', context #>> '{old,type}', context ->> 'type',
                    context -> 'new_labels')) || ')'
        -- values that columns have of labels that go: no rule of a snapshot, so it runs as the caller
        WHEN kind = 'type' AND property = 'labels' AND context ? 'label_loss' THEN (
            SELECT string_agg(format('SELECT row_id, data FROM %s.sg_rule_violations(%L, %L, %L)', ours, c ->> 'parent', 'check',
                format('%s%L)', c ->> 'value', ARRAY(SELECT jsonb_array_elements_text(context -> 'labels')))), E'\n')
            FROM jsonb_array_elements(context -> 'columns_of') c)
        WHEN kind = 'index' AND (what = 'created' OR what = 'replaced' AND context -> 'columns' IS DISTINCT FROM context #> '{old,columns}')
                AND (context ->> 'unique')::boolean AND context ? 'told_apart' AND NOT context ? 'predicate' THEN
            schemaguard.sg_sync_doubles(coalesce(context ->> 'root', context ->> 'parent'), context)
        WHEN kind = 'constraint' AND NOT context ? 'of_domain' AND (step = 'create' OR what = 'replaced'
                AND (context -> 'expression', context -> 'columns', context -> 'references')
                    IS DISTINCT FROM (context #> '{old,expression}', context #> '{old,columns}', context #> '{old,references}')) THEN
            CASE CASE WHEN NOT context ? 'period' AND context ->> 'validated' IS DISTINCT FROM 'false'
                THEN replace(context ->> 'type', 'p', 'u') END
            WHEN CASE WHEN NOT context ? 'gains' THEN 'f' END
            THEN CASE WHEN context ? 'leads_to_none' THEN format('SELECT * FROM %s.sg_rule_violations(%L, %L, %L)', ours,
                context ->> 'parent', 'check', context ->> 'leads_to_none')
            WHEN NOT context ? 'reads_fresh' THEN format('SELECT * FROM %s.sg_orphans(%L, %L, %L, %L)', ours, context ->> 'parent',
                ARRAY(SELECT jsonb_array_elements_text(context -> 'columns')), context ->> 'references',
                ARRAY(SELECT jsonb_array_elements_text(context -> 'referenced_columns'))) END
            WHEN CASE WHEN context ? 'told_apart' THEN 'u' END
            THEN schemaguard.sg_sync_doubles(coalesce(context ->> 'root', context ->> 'parent'), context)
            WHEN 'c' THEN format('SELECT * FROM %s.sg_rule_violations(%L, %L, %L)', ours, context ->> 'parent', 'check',
                context ->> 'expression') END
        END
    FROM schemaguard.sg_schema() ours
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_finder(text, text, text, text, jsonb)
    IS 'returns the queries for the rows that would make a statement fail, one a line';
