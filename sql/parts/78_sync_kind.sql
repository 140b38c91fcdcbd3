-- Sync: what templates need of one kind of object. p: the object, so far; properties: as a snapshot has them; old: what
-- sg_sync_object() made of the target's, or null. Nothing here runs what a snapshot says.

-- Returns a column with what the statements about its identity's sequence need
CREATE FUNCTION schemaguard.sg_sync_of_identity(p jsonb, properties jsonb, old jsonb)
RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    identity text := p ->> 'identity';
    parent text := p ->> 'parent';
    name text := p ->> 'name';
BEGIN
    p := p || jsonb_strip_nulls(jsonb_build_object(
        'identity', properties -> 'identity', 'column_identity', identity, 'identity_word', properties -> 'identity',
        'identity_state', schemaguard.sg_sync_fill('start {s.start} increment {s.increment} minimum {s.minimum} maximum {s.maximum} '
            'cache {s.cache}[{?s.cycle} cycle]', jsonb_build_object('s', properties -> 'identity_sequence')),
        'identity_options', CASE WHEN properties ? 'identity_sequence'
            THEN schemaguard.sg_sync_fill('[SEQUENCE NAME {schema}.{s.name|I} ]START WITH {s.start} INCREMENT BY {s.increment} '
            'MINVALUE {s.minimum} MAXVALUE {s.maximum} CACHE {s.cache} [{?!s.cycle}NO ]CYCLE',
            jsonb_build_object('s', properties -> 'identity_sequence', 'schema', schemaguard.sg_sync_schema(parent))) END,
        'identity_sets', CASE WHEN (properties -> 'identity_sequence') - '{name,persistence,comment,acl}'::text[]
            IS DISTINCT FROM (old -> 'identity_sequence') - '{name,persistence,comment,acl}'::text[]
            THEN schemaguard.sg_sync_fill('SET START WITH {s.start} SET INCREMENT BY {s.increment} SET MINVALUE {s.minimum} SET '
            'MAXVALUE {s.maximum} SET CACHE {s.cache} SET [{?!s.cycle}NO ]CYCLE',
            jsonb_build_object('s', properties -> 'identity_sequence')) END,
        'narrowed', schemaguard.sg_sync_narrowed(properties -> 'identity_sequence', old -> 'identity_sequence'),
        'identity_meanwhile', old -> 'identity_state',
        'identity_extras', CASE WHEN properties ? 'identity_sequence'
            THEN (SELECT jsonb_agg(format('DO %4$s BEGIN EXECUTE pg_catalog.format(%1$L, pg_catalog.pg_get_serial_sequence(%2$L, '
                '%3$L)); END %4$s', x.statement, parent, name, schemaguard.sg_sync_tag(concat(x.statement, parent, name), 'sequence')))
            FROM (SELECT 'ALTER SEQUENCE %s SET ' || CASE properties #>> '{identity_sequence,persistence}'
                WHEN 'unlogged' THEN 'UNLOGGED' ELSE 'LOGGED' END AS statement
                WHERE (properties -> 'identity_sequence' ->> 'persistence')
                IS DISTINCT FROM (old -> 'identity_sequence' ->> 'persistence')
                UNION ALL SELECT 'COMMENT ON SEQUENCE %s IS ' || replace(quote_nullable(properties #>> '{identity_sequence,comment}'),
                    '%', '%%') WHERE (properties -> 'identity_sequence' ->> 'comment')
                    IS DISTINCT FROM (old -> 'identity_sequence' ->> 'comment')
                UNION ALL SELECT regexp_replace(replace(g, '%', '%%'), ' %%s ', ' %s ')
                    FROM jsonb_array_elements_text(schemaguard.sg_sync_grants('sequence', '%s', NULL, NULL,
                    properties #> '{identity_sequence,acl}', old #> '{identity_sequence,acl}')) g
                    -- within the text of another statement
                    WHERE g ~ '^(GRANT|REVOKE) [A-Z, ]+ ON SEQUENCE %s (TO|FROM) ("([^"]|"")*"|[A-Za-z_][A-Za-z0-9_$]*)( WITH GRANT '
                        'OPTION)?$') x) END));
    IF NOT properties ? 'identity' THEN
        p := p - 'identity';
    ELSIF old ? 'identity' AND properties ->> 'type' <> old ->> 'type' THEN
        -- what ALTER TYPE makes of the sequence; what is too much for the type goes before it comes
        p := p || coalesce((SELECT jsonb_strip_nulls(jsonb_build_object('bounds_first', nullif(n.most < o.most, false),
            'identity_meanwhile', regexp_replace(regexp_replace(old ->> 'identity_state', format(' minimum %s ', -o.most - 1),
                format(' minimum %s ', -n.most - 1)), format(' maximum %s ', o.most), format(' maximum %s ', n.most))))
            FROM (VALUES ('smallint', 32767::numeric), ('integer', 2147483647), ('bigint', 9223372036854775807)) o (type, most),
                (VALUES ('smallint', 32767::numeric), ('integer', 2147483647), ('bigint', 9223372036854775807)) n (type, most)
            WHERE o.type = old ->> 'type' AND n.type = properties ->> 'type'), '{}');
    END IF;
    RETURN p;
END
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_of_identity(jsonb, jsonb, jsonb)
    IS 'returns a column with the values that the statements about its identity need';

-- Returns a column with what its statements need beyond its identity
CREATE FUNCTION schemaguard.sg_sync_of_column(p jsonb, properties jsonb, old jsonb)
RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    parent text := p ->> 'parent';
    name text := p ->> 'name';
BEGIN
    p := p || jsonb_strip_nulls(jsonb_build_object(
        'not_null_check', schemaguard.sg_sync_new_name(name || '_not_null'),
        'not_null_state', format('coalesce((SELECT a.attnotnull FROM pg_catalog.pg_attribute a WHERE a.attrelid = '
            'pg_catalog.to_regclass(%L) AND a.attname = %L), false)', parent, name),
        'not_null_check_state', format('coalesce((SELECT CASE WHEN pg_catalog.regexp_replace(pg_catalog.pg_get_constraintdef(c.oid),'
            ' '' NOT VALID$'', '''') = %L THEN c.convalidated::text ELSE pg_catalog.pg_get_constraintdef(c.oid) END FROM '
            'pg_catalog.pg_constraint c WHERE c.conrelid = pg_catalog.to_regclass(%L) AND c.conname = %L), ''none'')',
            'CHECK ((' || quote_ident(name) || ' IS NOT NULL))' || CASE WHEN properties ? 'of_partition' THEN ''
                ELSE ' NO INHERIT' END, parent, schemaguard.sg_sync_new_name(name || '_not_null')),
        'rewrites', CASE WHEN properties ->> 'type' <> old ->> 'type' AND (old ->> 'type') || '>'
            || (properties ->> 'type') !~ '^(character varying(\(\d+\))?>(text|character varying)|text>character varying|numeric\(\d+,'
            '\d+\)>numeric)$'
                AND NOT (properties ->> 'type' ~ '^(character varying|numeric)\('
                    AND schemaguard.sg_sync_type_loss(old ->> 'type', properties ->> 'type') IS NULL
                    AND split_part(old ->> 'type', '(', 1) = split_part(properties ->> 'type', '(', 1)
                    AND substring(old ->> 'type' FROM ',(\d+)') IS NOT DISTINCT FROM substring(properties ->> 'type' FROM ',(\d+)'))
            THEN 'rewrites ' || parent || ' under ACCESS EXCLUSIVE' END,
        'computed', CASE WHEN properties ->> 'generated_kind' = 'stored' OR properties ? 'identity'
            OR schemaguard.sg_sync_loose(properties ->> 'default') IS NOT NULL
                AND properties ->> 'default' ~ '\w\(' AND properties ->> 'default' !~ '^(now|current_setting|statement_timestamp|'
                    'transaction_timestamp|current_database)\('
            THEN 'rewrites ' || parent || ' under ACCESS EXCLUSIVE' || CASE WHEN properties ->> 'default' IS NOT NULL
                THEN ' if the default is volatile' ELSE '' END END,
        'default_alone', CASE WHEN old IS NULL OR properties ? 'inherited' OR properties ->> 'type' = old ->> 'type'
            AND properties ->> 'collation' IS NOT DISTINCT FROM old ->> 'collation' THEN true END,
        -- between types of users there is no cast
        'own_types', CASE WHEN position('.' IN properties ->> 'type') > 0 AND position('.' IN old ->> 'type') > 0 THEN true END,
        'type_loss', schemaguard.sg_sync_type_loss(old ->> 'type', properties ->> 'type')));
    p := p || jsonb_build_object('column', schemaguard.sg_sync_fill('{name|I} {type}[ OPTIONS ({server_options|F})][ COLLATE '
        '{collation}][ DEFAULT {default}][{?inherited!=and local} GENERATED ALWAYS AS ({generated}) [{generated_kind|U}]][ GENERATED '
        '{identity|U} AS IDENTITY ({identity_options})][{?not_null} NOT NULL]', p));
    -- rows that are there have no value yet
    p := p || jsonb_build_object('column_at_first', regexp_replace(p ->> 'column', CASE WHEN p ? 'filled' THEN '^$'
            ELSE ' NOT NULL$' END, ''));
    RETURN p;
END
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_of_column(jsonb, jsonb, jsonb)
    IS 'returns a column with the values that its statements need';

-- Returns the condition under which an index has the expressions and predicate of an object, each as the server prints it
CREATE FUNCTION schemaguard.sg_sync_expressions_are(index text, object jsonb)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
RETURN format('(SELECT pg_catalog.jsonb_build_array(pg_catalog.pg_get_expr(i.indpred, i.indrelid), (SELECT pg_catalog.jsonb_agg('
    'pg_catalog.pg_get_indexdef(i.indexrelid, k.n::integer, false) ORDER BY k.n) FROM pg_catalog.unnest(i.indkey) WITH ORDINALITY '
    'k (attnum, n) WHERE k.attnum = 0))::text FROM pg_catalog.pg_index i WHERE i.indexrelid = %s) = %L', index,
    jsonb_build_array(object -> 'predicate', object -> 'expressions')::text);
COMMENT ON FUNCTION schemaguard.sg_sync_expressions_are(text, jsonb)
    IS 'returns the condition under which an index has the expressions and predicate of an object';

-- Returns an object of which nothing but casts, parentheses and blanks differ, so that these count: its guard tells by a condition that it
-- is as it was. Returns any other object as it is.
CREATE FUNCTION schemaguard.sg_sync_as_it_was(p jsonb, old jsonb, condition text)
RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
RETURN CASE WHEN condition IS NOT NULL AND old ->> 'definition_loose' = p ->> 'definition_loose'
        AND old ->> 'definition_state' <> p ->> 'definition_state'
    THEN p || jsonb_build_object('is_now', format('CASE WHEN %s THEN ''as it was'' ELSE %s END', condition, p ->> 'is_now'),
        'old', old || '{"definition_loose": "as it was"}')
    ELSE p END;
COMMENT ON FUNCTION schemaguard.sg_sync_as_it_was(jsonb, jsonb, text)
    IS 'returns an object whose guard compares exactly if nothing but casts, parentheses and blanks differ';

-- Returns an index with its definition, as a statement has it and as the catalog prints it
CREATE FUNCTION schemaguard.sg_sync_of_index(p jsonb, properties jsonb, old jsonb)
RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    identity text := p ->> 'identity';
    parent text := p ->> 'parent';
    name text := p ->> 'name';
BEGIN
    p := p || jsonb_build_object('index_definition', schemaguard.sg_sync_fill('USING {access_method} ({keys})[ INCLUDE ({include|I})]'
        '[{?nulls_not_distinct} NULLS NOT DISTINCT][ WITH ({options|O})][ TABLESPACE {tablespace|I}][ WHERE {predicate}]',
        p || jsonb_build_object('keys', schemaguard.sg_sync_keys(properties -> 'columns', properties))),
        'on', parent);
    p := p || jsonb_build_object(
        'new_name', schemaguard.sg_sync_new_name(name), 'new_index', schemaguard.sg_sync_schema(parent) || '.'
            || quote_ident(schemaguard.sg_sync_new_name(name)),
        'definition_state', schemaguard.sg_sync_fill('[{?!valid}{?!of_partitioned}INVALID ][{?unique}UNIQUE ]{access_method} ({keys})[ '
            'INCLUDE ({include|I})][{?nulls_not_distinct} NULLS NOT DISTINCT][ WITH ({options|R})][ WHERE {predicate}]',
            p || jsonb_build_object('keys', schemaguard.sg_sync_keys(properties -> 'columns', properties))));
    p := p || jsonb_build_object('definition_loose', schemaguard.sg_sync_loose(p ->> 'definition_state'),
        'index', identity, 'index_loose', schemaguard.sg_sync_loose(schemaguard.sg_sync_fill('[{?unique}UNIQUE ]{parent} USING ', p)
            || regexp_replace(p ->> 'definition_state', '^(INVALID )?(UNIQUE )?', '')),
        'is_now', schemaguard.sg_sync_index_is(identity, false));
    RETURN schemaguard.sg_sync_as_it_was(p, old, schemaguard.sg_sync_expressions_are(format('pg_catalog.to_regclass(%L)', identity), old));
END
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_of_index(jsonb, jsonb, jsonb)
    IS 'returns an index with its definition';

-- Returns a constraint with its columns and definition, as statements have them
CREATE FUNCTION schemaguard.sg_sync_of_definition(p jsonb, properties jsonb, old jsonb)
RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    parent text := p ->> 'parent';
    name text := p ->> 'name';
BEGIN
    p := p || (SELECT jsonb_object_agg(x.name, x.names)
        FROM (SELECT k.name, string_agg(CASE WHEN p ->> 'type' = 'f' AND p ? 'period' AND c.n = jsonb_array_length(k.columns)
                THEN 'PERIOD ' ELSE '' END || quote_ident(c.c), ', ' ORDER BY c.n) AS names
              FROM (VALUES ('keys', properties -> 'columns'), ('referenced', properties -> 'referenced_columns')) k (name, columns)
                  LEFT JOIN jsonb_array_elements_text(CASE jsonb_typeof(k.columns)
                      WHEN 'array' THEN k.columns END) WITH ORDINALITY c (c, n) ON true
              GROUP BY k.name) x);
    p := p || jsonb_strip_nulls(jsonb_build_object(
        'index', schemaguard.sg_sync_schema(parent) || '.' || quote_ident(coalesce(properties ->> 'index_name', name)),
        'index_name_or', coalesce(properties ->> 'index_name', name),
        'index_new', coalesce(properties ->> 'index_name', name), 'new_name', schemaguard.sg_sync_new_name(name), 'new_index',
            schemaguard.sg_sync_schema(parent) || '.' || quote_ident(schemaguard.sg_sync_new_name(name)),
        'is_valid', CASE WHEN NOT properties ? 'valid' THEN true END,
        'swaps', CASE WHEN properties ->> 'type' IN ('c', 'f') THEN true END,
        'can_wait', CASE WHEN properties ->> 'type' IN ('c', 'f') AND NOT properties ? 'at_once'
            AND properties ->> 'enforced' IS DISTINCT FROM 'false' THEN true END,
        'using_index', CASE WHEN properties ->> 'type' IN ('p', 'u') AND NOT properties ?| '{period,only,at_once}' THEN true END,
        'definition', CASE properties ->> 'type'
            WHEN 'c' THEN schemaguard.sg_sync_fill('CHECK ({expression})[{?no_inherit} NO INHERIT][{?enforced=false} NOT ENFORCED]', p)
            WHEN 'f' THEN schemaguard.sg_sync_fill('FOREIGN KEY ({keys}) REFERENCES {references} ({referenced})[{?match!=simple} MATCH '
                '{match|U}][{?on_update!=no action} ON UPDATE {on_update|U}][{?on_delete!=no action} ON DELETE {on_delete|U}[ '
                '({on_delete_columns|I})]][{?deferrable} DEFERRABLE][{?deferred} INITIALLY DEFERRED][{?enforced=false} NOT ENFORCED]',
                p)
            WHEN 'x' THEN schemaguard.sg_sync_fill('EXCLUDE USING {access_method} ({keys})[ INCLUDE ({include|I})][ WITH ({options|O})]'
                '[ USING INDEX TABLESPACE {tablespace|I}][ WHERE ({predicate})][{?deferrable} DEFERRABLE][{?deferred} INITIALLY '
                'DEFERRED]',
                p || jsonb_build_object('keys',
                    schemaguard.sg_sync_keys(coalesce(properties -> 'index_columns', properties -> 'columns'), properties)))
            ELSE schemaguard.sg_sync_fill('[{?type=p}PRIMARY KEY][{?type=u}UNIQUE][{?nulls_not_distinct} NULLS NOT DISTINCT] '
                '({keys}[{?period} WITHOUT OVERLAPS])[ INCLUDE ({include|I})][ WITH ({options|O})][ USING INDEX TABLESPACE {tablespace|'
                'I}][{?deferrable} DEFERRABLE][{?deferred} INITIALLY DEFERRED]', p) END));
    RETURN p;
END
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_of_definition(jsonb, jsonb, jsonb)
    IS 'returns a constraint with its definition';

-- Returns a constraint that has its definition with what guards ask for
CREATE FUNCTION schemaguard.sg_sync_of_constraint(p jsonb, properties jsonb, old jsonb)
RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    parent text := p ->> 'parent';
    name text := p ->> 'name';
BEGIN
    p := p || jsonb_build_object('definition_state', CASE properties ->> 'type'
        WHEN 'x' THEN regexp_replace(schemaguard.sg_sync_fill('EXCLUDE USING {access_method} ({keys})[ INCLUDE ({include|I})][ WHERE '
            '({predicate})][{?deferrable} DEFERRABLE][{?deferred} INITIALLY DEFERRED]',
            p || jsonb_build_object('keys',
                schemaguard.sg_sync_keys(coalesce(properties -> 'index_columns', properties -> 'columns'), properties))),
                'OPERATOR\(pg_catalog\.([^)]*)\)', '\1', 'g')
        WHEN 'f' THEN p ->> 'definition'
        WHEN 'c' THEN p ->> 'definition'
        ELSE schemaguard.sg_sync_fill('[{?type=p}PRIMARY KEY][{?type=u}UNIQUE][{?nulls_not_distinct} NULLS NOT DISTINCT] '
            '({keys}[{?period} WITHOUT OVERLAPS])[ INCLUDE ({include|I})][{?deferrable} DEFERRABLE][{?deferred} INITIALLY DEFERRED]',
            p) END);
    p := p || jsonb_strip_nulls(jsonb_build_object(
        'definition_loose', schemaguard.sg_sync_loose((p ->> 'definition_state')
            || CASE WHEN properties ->> 'type' IN ('f', 'c') AND ((properties ->> 'validated')::boolean IS FALSE OR p ? 'held'
                AND old IS NOT NULL) AND properties ->> 'enforced' IS DISTINCT FROM 'false' THEN ' NOT VALID' ELSE '' END),
        'new_loose', schemaguard.sg_sync_loose(p ->> 'definition_state'),
        'index_loose', CASE WHEN p ? 'using_index'
            THEN schemaguard.sg_sync_loose(schemaguard.sg_sync_fill('UNIQUE {parent} USING btree ({keys})[ INCLUDE ({include|I})]'
            '[{?nulls_not_distinct} NULLS NOT DISTINCT][ WITH ({options|R})]', p)) END,
        'is_now', schemaguard.sg_sync_constraint_is(p ? 'of_domain', parent, name, false),
        'is_old', CASE WHEN old ->> 'name' <> name THEN schemaguard.sg_sync_constraint_is(p ? 'of_domain', parent,
            old ->> 'name', false) END,
        'is_new', schemaguard.sg_sync_constraint_is(p ? 'of_domain', parent, schemaguard.sg_sync_new_name(name), true),
        'new_validated', format('(SELECT c.convalidated FROM pg_catalog.pg_constraint c WHERE c.%s = pg_catalog.%s(%L) AND '
            'c.conname = %L)',
            CASE WHEN p ? 'of_domain' THEN 'contypid' ELSE 'conrelid' END, CASE WHEN p ? 'of_domain' THEN 'to_regtype'
                ELSE 'to_regclass' END, parent, schemaguard.sg_sync_new_name(name))));
    p := p || jsonb_build_object('above', CASE WHEN p ? 'of_domain' THEN 'DOMAIN ' ELSE 'TABLE ' END || parent);
    RETURN schemaguard.sg_sync_as_it_was(p, old, CASE properties ->> 'type'
        WHEN 'c' THEN format('(SELECT pg_catalog.regexp_replace(pg_catalog.pg_get_constraintdef(c.oid), '' NOT VALID$'', '''') FROM '
            'pg_catalog.pg_constraint c WHERE c.%s = pg_catalog.%s(%L) AND c.conname = %L) = %L',
            CASE WHEN p ? 'of_domain' THEN 'contypid' ELSE 'conrelid' END,
            CASE WHEN p ? 'of_domain' THEN 'to_regtype' ELSE 'to_regclass' END, parent, name, old ->> 'definition_state')
        WHEN 'x' THEN schemaguard.sg_sync_expressions_are(format('(SELECT c.conindid FROM pg_catalog.pg_constraint c WHERE c.conrelid = '
            'pg_catalog.to_regclass(%L) AND c.conname = %L)', parent, name), old) END);
END
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_of_constraint(jsonb, jsonb, jsonb)
    IS 'returns a constraint with the values that its guards compare';

-- Returns an operator class or family with its members
CREATE FUNCTION schemaguard.sg_sync_of_members(p jsonb, properties jsonb, old jsonb)
RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    identity text := p ->> 'identity';
    parent text := p ->> 'parent';
BEGIN
    p := p || jsonb_build_object('member_operators', coalesce((properties -> 'operators')::text, '[]'), 'member_functions',
        coalesce((properties -> 'functions')::text, '[]'),
        'method', regexp_replace(identity, '^.* USING ', ''), 'local', substr(identity, length(parent) + 2),
        'members', (SELECT string_agg(x.m, ', ') FROM (SELECT 'STORAGE ' || (properties ->> 'storage') AS m UNION ALL
            SELECT 'OPERATOR ' || o FROM jsonb_array_elements_text(properties -> 'operators') o UNION ALL
            SELECT 'FUNCTION ' || f FROM jsonb_array_elements_text(properties -> 'functions') f UNION ALL
            -- it has to have something
            SELECT 'STORAGE ' || (properties ->> 'type') WHERE NOT properties ?| '{storage,operators,functions}') x
                WHERE x.m IS NOT NULL),
        'family_adds', (SELECT string_agg(x.m, ', ') FROM (
            SELECT 'OPERATOR ' || (o #>> '{}') AS m
                FROM jsonb_array_elements(schemaguard.sg_sync_lacking(properties -> 'operators', coalesce(old -> 'operators', '[]')
                || coalesce(properties -> 'of_classes', '[]'))) o UNION ALL
            SELECT 'FUNCTION ' || (f #>> '{}')
                FROM jsonb_array_elements(schemaguard.sg_sync_lacking(properties -> 'functions', coalesce(old -> 'functions', '[]')
                || coalesce(properties -> 'of_classes', '[]'))) f) x),
        'family_drops', (SELECT string_agg(x.m, ', ') FROM (
            SELECT regexp_replace(o #>> '{}', '^(\d+) .*?(\([^()]*\))( FOR .*)?$', 'OPERATOR \1 \2') AS m
                FROM jsonb_array_elements(schemaguard.sg_sync_lacking(old -> 'operators', coalesce(properties -> 'operators', '[]')
                || coalesce(properties -> 'of_classes', '[]'))) o UNION ALL
            SELECT regexp_replace(f #>> '{}', '^(\d+) (\([^()]*\)).*$', 'FUNCTION \1 \2')
                FROM jsonb_array_elements(schemaguard.sg_sync_lacking(old -> 'functions', coalesce(properties -> 'functions', '[]')
                || coalesce(properties -> 'of_classes', '[]'))) f) x));
    RETURN p;
END
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_of_members(jsonb, jsonb, jsonb)
    IS 'returns an operator class or family with its members';

-- Returns a type with the statements that change its labels or attributes
CREATE FUNCTION schemaguard.sg_sync_of_type(p jsonb, properties jsonb, old jsonb)
RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    kind text := p ->> 'kind';
    identity text := p ->> 'identity';
    name text := p ->> 'name';
    attributes jsonb;
BEGIN
    p := p || jsonb_build_object('attributes_text', coalesce((properties -> 'attributes')::text, '[]'),
        'labels_text', (properties -> 'labels')::text);
    IF properties ->> 'type' = 'enum' AND old ? 'labels' THEN
        p := p || jsonb_strip_nulls(jsonb_build_object('label_changes', schemaguard.sg_sync_labels(identity, properties -> 'labels',
                old -> 'labels'),
            'label_text', (SELECT string_agg(quote_literal(l), ', ' ORDER BY n)
                FROM jsonb_array_elements_text(properties -> 'labels') WITH ORDINALITY x (l, n)),
            'label_loss', (SELECT string_agg(quote_literal(l #>> '{}'), ', ')
                FROM jsonb_array_elements(schemaguard.sg_sync_lacking(old -> 'labels', properties -> 'labels')) l)));
        -- labels in another order, too
        IF p ? 'label_loss' OR (SELECT jsonb_agg(l ORDER BY n)
            FROM jsonb_array_elements(properties -> 'labels') WITH ORDINALITY x (l, n) WHERE old -> 'labels' @> l) <> old -> 'labels'
            THEN
            p := p || jsonb_build_object('relabel',
                jsonb_build_array((schemaguard.sg_sync_relabel(identity, name, properties -> 'labels')).whole,
                format('ALTER TYPE %s OWNER TO %s', identity, properties ->> 'owner'))
                || CASE WHEN properties ? 'comment'
                    THEN jsonb_build_array(format('COMMENT ON TYPE %s IS %L', identity, properties ->> 'comment')) ELSE '[]' END
                || coalesce(schemaguard.sg_sync_grants(kind, identity, NULL, properties ->> 'owner', properties -> 'acl', NULL), '[]'));
            -- made anew, it has them all
            p := CASE WHEN p ? 'drops' THEN p - 'label_changes' ELSE p END;
        END IF;
    ELSIF properties ->> 'type' = 'composite' AND old ? 'attributes' THEN
        attributes := schemaguard.sg_sync_renamed_attributes(old -> 'attributes', p -> 'renames');
        p := p || jsonb_build_object('attributes_before', attributes::text);
        IF p ? 'renames' THEN
            p := p || schemaguard.sg_sync_attribute_renames(identity, old -> 'attributes', p -> 'renames');
        END IF;
        p := CASE WHEN p ? 'asked' THEN p - 'attribute_renames'
            -- values of tables are worth more than the order of columns
            ELSE p || schemaguard.sg_sync_attributes(properties -> 'attributes', attributes,
                NOT (p ? 'drops_nothing' OR old ? 'way_back' AND p ?| '{stored,typed_tables}'), old ? 'way_back', p ? 'typed_tables') END;
        -- while those that come again are away, nothing names them
        IF p ->> 'attribute_drops' ~ 'ADD ATTRIBUTE' THEN
            p := p || '{"attributes_again": true, "attribute_types": true}';
        END IF;
        IF p ->> 'attribute_changes' ~ 'ALTER ATTRIBUTE' THEN
            p := CASE WHEN NOT p ? 'stored' THEN p || '{"attribute_types": true}'
                -- nothing alters an attribute that columns have values of
                WHEN p ?| '{attribute_drops,typed_tables}'
                        OR schemaguard.sg_sync_first_names(properties -> 'attributes') <> schemaguard.sg_sync_first_names(attributes)
                    THEN (p || '{"stuck": true}') - '{attribute_changes,attribute_drops}'::text[]
                ELSE (p || '{"remade": true}') - 'attribute_changes' END;
        END IF;
    END IF;
    p := p || jsonb_strip_nulls(jsonb_build_object(
        'alignment_word', CASE properties ->> 'alignment' WHEN 'c' THEN 'char' WHEN 's' THEN 'int2' WHEN 'i' THEN 'int4'
            WHEN 'd' THEN 'double' END,
        'storage_word', CASE properties ->> 'storage' WHEN 'p' THEN 'plain' WHEN 'e' THEN 'external' WHEN 'm' THEN 'main'
            WHEN 'x' THEN 'extended' END,
        'attribute_comment_changes', CASE WHEN properties ? 'attribute_comments' OR old ? 'attribute_comments'
            THEN schemaguard.sg_sync_comments(identity, properties -> 'attribute_comments', old -> 'attribute_comments') END));
    RETURN p;
END
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_of_type(jsonb, jsonb, jsonb)
    IS 'returns a type with the statements that change it';

-- Returns a view with what its statements need
CREATE FUNCTION schemaguard.sg_sync_of_view(p jsonb, properties jsonb, old jsonb)
RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    identity text := p ->> 'identity';
BEGIN
    p := p || jsonb_strip_nulls(jsonb_build_object(
        'column_names', (SELECT string_agg(schemaguard.sg_sync_first_name(c), ', ' ORDER BY n)
            FROM jsonb_array_elements_text(properties -> 'columns') WITH ORDINALITY c (c, n)),
        'query', rtrim(properties ->> 'query', '; ' || chr(10)), 'query_open', rtrim(properties ->> 'query', '; ' || chr(10)),
        'columns_rebuild', CASE WHEN old ? 'columns'
            AND EXISTS (SELECT FROM jsonb_array_elements_text(old -> 'columns') WITH ORDINALITY c (c, n)
            WHERE properties -> 'columns' ->> (n - 1)::int IS DISTINCT FROM c) THEN true END,
        'column_grants', (SELECT jsonb_agg(g ORDER BY c, n) FROM (SELECT jsonb_object_keys(properties -> 'column_acl') UNION
            SELECT jsonb_object_keys(old -> 'column_acl')) k (c),
            LATERAL jsonb_array_elements(schemaguard.sg_sync_grants('column', identity, quote_ident(k.c), properties ->> 'owner',
                properties #> ARRAY['column_acl', k.c], old #> ARRAY['column_acl', k.c])) WITH ORDINALITY g (g, n)),
        'comment_changes', schemaguard.sg_sync_comments(identity, properties -> 'column_comments', old -> 'column_comments'),
        'default_changes', (SELECT jsonb_agg(format('ALTER VIEW %s ALTER COLUMN %I ', identity, coalesce(n.key, o.key))
            || coalesce('SET DEFAULT ' || n.value, 'DROP DEFAULT'))
            FROM jsonb_each_text(properties -> 'column_defaults') n
                FULL JOIN jsonb_each_text(old -> 'column_defaults') o ON o.key = n.key
            WHERE n.value IS DISTINCT FROM o.value)));
    RETURN p;
END
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_of_view(jsonb, jsonb, jsonb)
    IS 'returns a view with the values that its statements need';

-- Returns a materialized view with the statements that change how its columns are stored
CREATE FUNCTION schemaguard.sg_sync_of_stored(p jsonb, properties jsonb, old jsonb)
RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    identity text := p ->> 'identity';
BEGIN
    p := p || jsonb_strip_nulls(jsonb_build_object(
        'matview_changes', (SELECT jsonb_agg(coalesce(format('ALTER MATERIALIZED VIEW %s ALTER COLUMN %I ', identity, x.c) || x.change,
            format($reset$DO %3$s
BEGIN
EXECUTE (SELECT pg_catalog.format('ALTER MATERIALIZED VIEW %%s ALTER COLUMN %%I SET STORAGE %%s',
    a.attrelid::pg_catalog.regclass, a.attname,
    CASE t.typstorage WHEN 'p' THEN 'plain' WHEN 'e' THEN 'external' WHEN 'm' THEN 'main' ELSE 'extended' END)
    FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_type t ON t.oid = a.atttypid
    WHERE a.attrelid = pg_catalog.to_regclass(%1$L) AND a.attname = %2$L);
END %3$s$reset$, identity, x.c, schemaguard.sg_sync_tag(identity || x.c, 'stored'))) ORDER BY x.c, x.change) FROM (
            SELECT coalesce(n.key, o.key) AS c, 'SET STATISTICS ' || coalesce(n.value, '-1') AS change
            FROM jsonb_each_text(properties -> 'column_statistics') n
                FULL JOIN jsonb_each_text(old -> 'column_statistics') o ON o.key = n.key WHERE n.value IS DISTINCT FROM o.value
            UNION ALL
            SELECT coalesce(n.key, o.key), 'SET COMPRESSION ' || coalesce(n.value, 'default')
            FROM jsonb_each_text(properties -> 'column_compression') n
                FULL JOIN jsonb_each_text(old -> 'column_compression') o ON o.key = n.key WHERE n.value IS DISTINCT FROM o.value
            UNION ALL
            SELECT n.key, 'SET STORAGE ' || n.value
            FROM jsonb_each_text(properties -> 'column_storage') n WHERE n.value IS DISTINCT FROM old -> 'column_storage' ->> n.key
            UNION ALL
            SELECT o.key, NULL FROM jsonb_object_keys(old -> 'column_storage') o (key)
                WHERE NOT coalesce(properties -> 'column_storage' ? o.key, false)
            UNION ALL
            SELECT n.key, schemaguard.sg_sync_fill('SET ({o|O})', jsonb_build_object('o', n.value))
                FROM jsonb_each(properties -> 'column_options') n WHERE n.value IS DISTINCT FROM old -> 'column_options' -> n.key
            UNION ALL
            SELECT o.key, schemaguard.sg_sync_fill('RESET ({o|K})', jsonb_build_object('o', o.value))
                FROM jsonb_each(old -> 'column_options') o WHERE NOT coalesce(properties -> 'column_options' ? o.key, false)) x)));
    RETURN p;
END
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_of_stored(jsonb, jsonb, jsonb)
    IS 'returns a materialized view with the statements about its columns';

-- Returns a publication with its tables and schemas
CREATE FUNCTION schemaguard.sg_sync_of_publication(p jsonb, properties jsonb, old jsonb)
RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    name text := p ->> 'name';
BEGIN
    p := p || jsonb_strip_nulls(jsonb_build_object('published_state', (
            SELECT coalesce(jsonb_agg(schemaguard.sg_sync_loose(x.x)), '[]')::text FROM (
                SELECT t || coalesce(' ' || (properties #>> ARRAY['table_columns', t]), '')
                    || coalesce(' ' || (properties #>> ARRAY['table_filters', t]), '') AS x
                    FROM jsonb_array_elements_text(properties -> 'tables') t
                UNION ALL SELECT 'schema ' || s FROM jsonb_array_elements_text(properties -> 'schemas') s) x),
        'published_is', '(SELECT coalesce(pg_catalog.jsonb_agg(' || schemaguard.sg_sync_loosely('x.x')
            || '), ''[]'') FROM (SELECT r.prrelid::pg_catalog.regclass::text || coalesce('' '' || (SELECT '
            'pg_catalog.jsonb_agg(a.attname ORDER BY a.attnum)::text FROM pg_catalog.pg_attribute a WHERE a.attrelid = r.prrelid AND '
            'a.attnum = ANY (r.prattrs::int2[])), '''') || coalesce('' '' || pg_catalog.pg_get_expr(r.prqual, r.prrelid), '''') AS x '
            'FROM pg_catalog.pg_publication p JOIN pg_catalog.pg_publication_rel r ON r.prpubid = p.oid WHERE p.pubname = '
            || quote_literal(name) || ' UNION ALL SELECT ''schema '' || n.nspname FROM pg_catalog.pg_publication p JOIN '
                'pg_catalog.pg_publication_namespace s ON s.pnpubid = p.oid JOIN pg_catalog.pg_namespace n ON n.oid = s.pnnspid WHERE '
                'p.pubname = ' || quote_literal(name) || ') x)',
        'published', coalesce(
        CASE WHEN (properties ->> 'all_tables')::boolean THEN 'ALL TABLES' END,
        nullif(concat_ws(', ',
            'TABLE ' || (SELECT string_agg('ONLY ' || t
                || coalesce(schemaguard.sg_sync_fill(' ({c|I})', jsonb_build_object('c', properties -> 'table_columns' -> t)), '')
                || coalesce(' WHERE (' || (properties -> 'table_filters' ->> t) || ')', ''), ', ' ORDER BY n)
                    FROM jsonb_array_elements_text(properties -> 'tables') WITH ORDINALITY x (t, n)),
            'TABLES IN SCHEMA ' || (SELECT string_agg(quote_ident(s), ', ')
                FROM jsonb_array_elements_text(properties -> 'schemas') s)), ''))));
    RETURN p;
END
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_of_publication(jsonb, jsonb, jsonb)
    IS 'returns a publication with its tables and schemas';

-- Returns an object with what the statements about its options, statistics and triggers need
CREATE FUNCTION schemaguard.sg_sync_of_options(p jsonb, properties jsonb, old jsonb)
RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    kind text := p ->> 'kind';
    identity text := p ->> 'identity';
    parent text := p ->> 'parent';
    name text := p ->> 'name';
BEGIN
    -- what a snapshot hides is left out of what is made
    IF properties::text LIKE '%=(hidden)"%' THEN
        SELECT p || jsonb_object_agg(x.key, x.shown) || jsonb_build_object('hidden', jsonb_agg(x.hidden)) INTO p
        FROM (SELECT o.key, coalesce(jsonb_agg(v.v) FILTER (WHERE v.v NOT LIKE '%=(hidden)'), '[]') AS shown,
            string_agg(split_part(v.v, '=', 1), ', ') FILTER (WHERE v.v LIKE '%=(hidden)') AS hidden
              FROM jsonb_each(properties) o, jsonb_array_elements_text(o.value) v (v)
              WHERE o.key IN ('options', 'server_options') AND jsonb_typeof(o.value) = 'array' GROUP BY o.key) x;
    END IF;
    IF jsonb_typeof(properties -> 'options') = 'array' THEN
        p := p || jsonb_build_object('option_sets', schemaguard.sg_sync_lacking(properties -> 'options', old -> 'options'));
    END IF;
    IF kind <> 'text search dictionary' AND (properties ?| '{options,server_options,toast_options,statistics,enabled}'
        OR old ?| '{options,server_options,toast_options,statistics,enabled}') THEN
    p := p || jsonb_strip_nulls(jsonb_build_object(
        'option_resets', (SELECT jsonb_agg(o) FROM jsonb_array_elements_text(old -> 'options') o
            WHERE NOT EXISTS (SELECT FROM jsonb_array_elements_text(properties -> 'options') n
                WHERE split_part(n, '=', 1) = split_part(o, '=', 1))),
        'options_change', schemaguard.sg_sync_options(properties -> 'options', old -> 'options'),
        'server_options_change', schemaguard.sg_sync_options(properties -> 'server_options', old -> 'server_options'),
        'hidden_options', (SELECT string_agg(quote_ident(split_part(o, '=', 1)), ', ')
            FROM jsonb_array_elements_text(properties -> 'options') o WHERE o LIKE '%=(hidden)'
            AND NOT coalesce(old -> 'options' ? o, false)),
        'toast_with', (SELECT string_agg('toast.' || quote_ident(split_part(o, '=', 1)) || ' = '
            || quote_literal(substr(o, strpos(o, '=') + 1)), ', ')
            FROM jsonb_array_elements_text(properties -> 'toast_options') o),
        'toast_resets', (SELECT string_agg('toast.' || quote_ident(split_part(o, '=', 1)), ', ')
            FROM jsonb_array_elements_text(old -> 'toast_options') o
            WHERE NOT EXISTS (SELECT FROM jsonb_array_elements_text(properties -> 'toast_options') n
                WHERE split_part(n, '=', 1) = split_part(o, '=', 1))),
        'index_statistics', CASE WHEN kind IN ('index', 'constraint') THEN (
            SELECT jsonb_agg(format('ALTER INDEX %s ALTER COLUMN %s SET STATISTICS %s', CASE kind WHEN 'index' THEN identity
                    ELSE schemaguard.sg_sync_schema(parent) || '.' || quote_ident(coalesce(properties ->> 'index_name', name)) END,
                        coalesce(n.key, o.key), coalesce(n.value, '-1')) ORDER BY coalesce(n.key, o.key))
            FROM jsonb_each_text(properties -> 'statistics') n FULL JOIN jsonb_each_text(old -> 'statistics') o ON o.key = n.key
                WHERE n.value IS DISTINCT FROM o.value) END,
        'enabled_changes', CASE WHEN coalesce(old ->> 'enabled', 'origin') <> properties ->> 'enabled' THEN true END));
    END IF;
    RETURN p;
END
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_of_options(jsonb, jsonb, jsonb)
    IS 'returns an object with the values that the statements about its options need';

-- Returns an object with what statements call it
CREATE FUNCTION schemaguard.sg_sync_of_name(p jsonb, properties jsonb, old jsonb)
RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    kind text := p ->> 'kind';
    identity text := p ->> 'identity';
    parent text := p ->> 'parent';
    name text := p ->> 'name';
BEGIN
    p := p || jsonb_build_object('address', CASE
        WHEN kind = 'collation' THEN regexp_replace(identity, ' FOR [A-Z0-9_]+$', '')
        WHEN kind IN ('operator class', 'operator family') THEN regexp_replace(identity, ' USING \w+$', '')
        ELSE identity END);
    p := p || jsonb_build_object('what', CASE WHEN p ->> 'type' = 'foreign table' THEN 'FOREIGN TABLE' ELSE upper(kind) END, 'object',
        CASE kind
        WHEN 'table' THEN CASE p ->> 'type' WHEN 'foreign table' THEN 'FOREIGN TABLE ' ELSE 'TABLE ' END || identity
        WHEN 'constraint' THEN 'CONSTRAINT ' || quote_ident(name) || ' ON ' || CASE WHEN p ? 'of_domain' THEN 'DOMAIN ' ELSE '' END
            || parent
        WHEN 'trigger' THEN 'TRIGGER ' || quote_ident(name) || ' ON ' || parent
        WHEN 'rule' THEN 'RULE ' || quote_ident(name) || ' ON ' || parent
        WHEN 'policy' THEN 'POLICY ' || quote_ident(name) || ' ON ' || parent
        WHEN 'foreign server' THEN 'SERVER ' || identity
        WHEN 'user mapping' THEN 'USER MAPPING FOR ' || CASE name WHEN 'PUBLIC' THEN name ELSE quote_ident(name) END || ' SERVER ' || parent
        WHEN 'transform' THEN regexp_replace(identity, '^for (.*) on language (.*)$', 'TRANSFORM FOR \1 LANGUAGE \2')
        WHEN 'collation' THEN 'COLLATION ' || (p ->> 'address')
        WHEN 'aggregate' THEN 'AGGREGATE ' || schemaguard.sg_sync_name(identity) || '(' || coalesce(nullif(p ->> 'arguments', ''), '*')
            || ')'
        -- the types of its input alone may be those of another one, too
        WHEN 'procedure' THEN 'PROCEDURE ' || CASE WHEN p ->> 'arguments' !~ ' DEFAULT ' THEN schemaguard.sg_sync_name(identity) || '('
            || (p ->> 'arguments') || ')' ELSE identity END
        ELSE upper(kind) || ' ' || identity END);

    IF kind = 'collation' AND p ->> 'provider' = 'libc' AND p ->> 'address' = identity THEN
        p := p || '{"any_encoding": true}';
    END IF;
    IF old ->> 'name' IS DISTINCT FROM name OR old ->> 'parent' IS DISTINCT FROM parent THEN
        p := p || jsonb_build_object('halfway', CASE kind WHEN 'index' THEN schemaguard.sg_sync_schema(identity) ELSE parent END || '.'
            || quote_ident(old ->> 'name'));
    END IF;
    RETURN p;
END
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_of_name(jsonb, jsonb, jsonb)
    IS 'returns an object with its name as statements need it';

-- Returns an object with the names of a routine or operator, and of the functions that it is made of
CREATE FUNCTION schemaguard.sg_sync_of_routine(p jsonb, properties jsonb, old jsonb)
RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    kind text := p ->> 'kind';
    identity text := p ->> 'identity';
    parent text := p ->> 'parent';
    e record;
    list text;
BEGIN
    IF kind IN ('function', 'procedure', 'aggregate', 'operator') THEN
        list := substr(schemaguard.sg_sync_name(identity), length(parent) + 2);
        p := p || jsonb_build_object('routine', schemaguard.sg_sync_name(identity),
            'routine_name', CASE WHEN list LIKE '"%' THEN replace(substr(list, 2, length(list) - 2), '""', '"') ELSE list END,
            'signature', left(substr(identity, length(schemaguard.sg_sync_name(identity)) + 2), -1));
    END IF;
    FOR e IN SELECT x.key, x.value FROM jsonb_each_text(properties) x
        WHERE x.key IN ('handler', 'inline', 'validator', 'commutator', 'negator', 'function') OR x.key LIKE '%\_function'
            OR x.key = 'sort_operator'
    LOOP
        p := p || jsonb_build_object(e.key || '_name', CASE WHEN e.key IN ('commutator', 'negator', 'sort_operator')
            THEN schemaguard.sg_sync_operator(e.value) ELSE schemaguard.sg_sync_name(e.value) END);
    END LOOP;
    RETURN p;
END
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_of_routine(jsonb, jsonb, jsonb)
    IS 'returns an object with the names of the functions of which it is made';

-- Returns an object with properties that its guard asks for as one text
CREATE FUNCTION schemaguard.sg_sync_of_rest(p jsonb, properties jsonb, old jsonb)
RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    kind text := p ->> 'kind';
BEGIN
    IF kind IN ('aggregate', 'collation', 'operator class') OR kind = 'type' AND properties ->> 'type' = 'range' THEN
        p := p || (SELECT jsonb_build_object('details', coalesce(jsonb_object_agg(x.key, x.value), '{}')::text)
            FROM jsonb_each(properties) x WHERE x.key = ANY (CASE kind
            WHEN 'aggregate' THEN '{state_function,state_type,state_size,initial_value,aggregate_kind,final_function,final_extra,'
                'final_modify,combine_function,serial_function,deserial_function,moving_state_function,moving_inverse_function,'
                'moving_final_function,moving_state_type,moving_initial_value,moving_state_size,moving_final_extra,moving_final_modify,'
                'sort_operator,returns,parallel}'
            WHEN 'collation' THEN '{locale,lc_collate,lc_ctype,rules}'
            WHEN 'type' THEN '{subtype,operator_class,collation,canonical,difference,multirange}'
            ELSE '{family,storage,operators,functions}' END::text[]));
    END IF;
    IF kind = 'type' AND schemaguard.sg_sync_schema(properties ->> 'multirange') = schemaguard.sg_sync_schema(old ->> 'multirange') THEN
        p := p || jsonb_build_object('multirange_name', (parse_ident(properties ->> 'multirange'))[2]);
    END IF;
    RETURN p;
END
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_of_rest(jsonb, jsonb, jsonb)
    IS 'returns an object with the properties that its guard compares as one text';

-- Returns a table with the statements that give it other parents
CREATE FUNCTION schemaguard.sg_sync_of_table(p jsonb, properties jsonb, old jsonb)
RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    identity text := p ->> 'identity';
BEGIN
    p := p || jsonb_strip_nulls(jsonb_build_object('partitions', CASE WHEN properties ?| '{partition_key,partition_of}' THEN true END,
        'bound', (properties ->> 'partition_of') || ' ' || (properties ->> 'partition_bound')));
    -- their order says in which order columns come
    IF properties -> 'inherits' IS DISTINCT FROM old -> 'inherits' THEN
        p := p || jsonb_strip_nulls(jsonb_build_object('inherits_text', properties ->> 'inherits', 'inherits_old_text',
            coalesce(old ->> 'inherits', ''),
            'inherits_less', (SELECT jsonb_agg(format('ALTER TABLE %s NO INHERIT %s', identity, o) ORDER BY n)
                FROM jsonb_array_elements_text(old -> 'inherits') WITH ORDINALITY x (o, n)
                WHERE n >= schemaguard.sg_sync_first_other(properties -> 'inherits', old -> 'inherits')),
            'inherits_more', (SELECT jsonb_agg(format('ALTER TABLE %s INHERIT %s', identity, o) ORDER BY n)
                FROM jsonb_array_elements_text(properties -> 'inherits') WITH ORDINALITY x (o, n)
                WHERE n >= schemaguard.sg_sync_first_other(properties -> 'inherits', old -> 'inherits'))));
    END IF;
    RETURN p;
END
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_of_table(jsonb, jsonb, jsonb)
    IS 'returns a table with the statements that give it other parents';

-- Returns statistics with what they are of
CREATE FUNCTION schemaguard.sg_sync_of_statistics(p jsonb, properties jsonb, old jsonb)
RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    identity text := p ->> 'identity';
BEGIN
    p := p || jsonb_build_object('identity_schema', schemaguard.sg_sync_schema(identity),
        'one_expression', CASE WHEN jsonb_array_length(properties -> 'kinds') = 0 OR NOT properties ? 'kinds' THEN true END,
        'statistics_list', coalesce(regexp_replace(properties ->> 'expressions', '^\((.*)\)$', '\1'),
            (SELECT string_agg(quote_ident(c), ', ') FROM jsonb_array_elements_text(properties -> 'columns') c)));
    RETURN p;
END
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_of_statistics(jsonb, jsonb, jsonb)
    IS 'returns a statistics object with its columns and expressions';

-- Returns an aggregate with the words of its definition
CREATE FUNCTION schemaguard.sg_sync_of_aggregate(p jsonb, properties jsonb, old jsonb)
RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    p := p || jsonb_build_object(
        'aggregate_arguments', coalesce(nullif(properties ->> 'arguments', ''), '*'),
        'final_modify_word', CASE WHEN properties ->> 'final_modify' IS DISTINCT FROM CASE properties ->> 'aggregate_kind'
            WHEN 'normal' THEN 'r' ELSE 'w' END
            THEN CASE properties ->> 'final_modify' WHEN 'r' THEN 'READ_ONLY' WHEN 's' THEN 'SHAREABLE' ELSE 'READ_WRITE' END END,
        'moving_final_modify_word', CASE properties ->> 'moving_final_modify' WHEN 'r' THEN 'READ_ONLY' WHEN 's' THEN 'SHAREABLE'
            WHEN 'w' THEN 'READ_WRITE' END);
    RETURN p;
END
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_of_aggregate(jsonb, jsonb, jsonb)
    IS 'returns an aggregate with the words of its definition';

-- Returns an operator with its arguments
CREATE FUNCTION schemaguard.sg_sync_of_operator(p jsonb, properties jsonb, old jsonb)
RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    identity text := p ->> 'identity';
BEGIN
    p := p || jsonb_strip_nulls(jsonb_build_object(
        'left', nullif(regexp_replace(substr(identity, length(schemaguard.sg_sync_name(identity)) + 2), ', .*$', ''), 'none'),
        'right', nullif(regexp_replace(identity, '^.*, (.*)\)$', '\1'), 'none'),
        'identity_none', replace(identity, ', ', ','),
        'object', 'OPERATOR ' || replace(schemaguard.sg_sync_name(identity), ' ', '') || ' '
            || regexp_replace(substr(identity, length(schemaguard.sg_sync_name(identity)) + 1), '^\(none', '(NONE')));
    RETURN p;
END
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_of_operator(jsonb, jsonb, jsonb)
    IS 'returns an operator with its arguments';

-- Returns a trigger with its events and arguments
CREATE FUNCTION schemaguard.sg_sync_of_trigger(p jsonb, properties jsonb, old jsonb)
RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    p := p || jsonb_strip_nulls(jsonb_build_object(
        'argument_state', (SELECT string_agg(encode(convert_to(a, getdatabaseencoding()), 'escape') || '\000', '' ORDER BY n)
            FROM jsonb_array_elements_text(properties -> 'arguments') WITH ORDINALITY x (a, n)),
        'event_list', (SELECT string_agg(upper(x.e)
            || CASE WHEN x.e = 'update'
            THEN coalesce(schemaguard.sg_sync_fill(' OF {c|I}', jsonb_build_object('c', properties -> 'update_of')), '')
            ELSE '' END, ' OR ' ORDER BY x.n)
            FROM jsonb_array_elements_text(properties -> 'events') WITH ORDINALITY x (e, n)),
        'transition', CASE WHEN properties ? 'old_table' OR properties ? 'new_table' THEN true END))
        || jsonb_build_object('argument_list', coalesce((SELECT string_agg(quote_literal(a), ', ' ORDER BY n)
            FROM jsonb_array_elements_text(properties -> 'arguments') WITH ORDINALITY x (a, n)), ''));
    RETURN p;
END
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_of_trigger(jsonb, jsonb, jsonb)
    IS 'returns a trigger with its events and arguments';

-- Returns a text search configuration with the statements that change what it looks words up in
CREATE FUNCTION schemaguard.sg_sync_of_mappings(p jsonb, properties jsonb, old jsonb)
RETURNS jsonb
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    identity text := p ->> 'identity';
BEGIN
    p := p || jsonb_strip_nulls(jsonb_build_object('mapping_changes', (
        SELECT jsonb_agg(format('ALTER TEXT SEARCH CONFIGURATION %s %s', identity, c.command) ORDER BY t.tokid, c.n)
        FROM jsonb_each(properties -> 'mappings') n FULL JOIN jsonb_each(old -> 'mappings') o ON o.key = n.key
        JOIN ts_token_type('default') t ON t.tokid = coalesce(n.key, o.key)::int
        CROSS JOIN LATERAL (VALUES (1, format('DROP MAPPING IF EXISTS FOR %s', t.alias)),
            (2, format('ADD MAPPING FOR %s WITH %s', t.alias,
                (SELECT string_agg(d, ', ') FROM jsonb_array_elements_text(n.value) d)))) c (n, command)
        WHERE n.value IS DISTINCT FROM o.value AND (c.n = 1 OR n.value IS NOT NULL))));
    RETURN p;
END
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_of_mappings(jsonb, jsonb, jsonb)
    IS 'returns a text search configuration with the statements that change it';
