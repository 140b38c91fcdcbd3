-- Sync: what may come from a snapshot's document into a script. Nothing here runs what a snapshot says.

-- Functions that parse a text do so in a subtransaction, which no parallel plan may begin: such functions are PARALLEL UNSAFE.

-- Checks that a statement of a script, or each of those that its rule puts together, is of the form that the rule gives
CREATE FUNCTION schemaguard.sg_sync_problem(kind text, names text[], statement text, guard text)
RETURNS text
LANGUAGE c STABLE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_sync_problem';
COMMENT ON FUNCTION schemaguard.sg_sync_problem(text, text[], text, text)
    IS 'returns the reason why a statement does not go into a script; null: it does';

CREATE FUNCTION schemaguard.sg_sync_parses(form text, value text)
RETURNS boolean
LANGUAGE c STABLE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_sync_parses';
COMMENT ON FUNCTION schemaguard.sg_sync_parses(text, text)
    IS 'tells whether a text is a single, complete type, expression or attribute';

-- Tells whether a value maps names of roles to their privileges
CREATE FUNCTION schemaguard.sg_sync_is_acl(acl jsonb)
RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT coalesce(bool_and(g.key ~ '^("([^"]|"")+"|[[:alpha:]_][[:alnum:]_$]*)$' AND jsonb_typeof(g.value) = 'array'
        AND g.value::text ~ '^\[("(ALL|SELECT|INSERT|UPDATE|DELETE|TRUNCATE|REFERENCES|TRIGGER|MAINTAIN|USAGE|CREATE|'
            'CONNECT|TEMP|TEMPORARY|EXECUTE|SET|ALTER SYSTEM)\*?"(, )?)*\]$'), true)
    FROM jsonb_each(CASE jsonb_typeof(acl) WHEN 'object' THEN acl WHEN 'null' THEN '{}' ELSE '{"": []}' END) g
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_is_acl(jsonb)
    IS 'tells whether a jsonb value maps names of roles to their privileges';

-- Returns the first property whose value is not of the form that templates expect, since they put it among their own words. PL/pgSQL
-- keeps the plan: each pair of objects is judged twice, and planning takes far longer than judging.
CREATE FUNCTION schemaguard.sg_sync_malformed(kind text, identity text, parent text, properties jsonb)
RETURNS text
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $function$
#variable_conflict use_variable
BEGIN
    RETURN (SELECT min(f.property)
    FROM (VALUES
        ('identity', 'name', '{table,column,sequence,view,materialized view,index,type,domain}'),
        ('parent', 'name',
            '{table,column,sequence,view,materialized view,index,type,domain,constraint,trigger,rule,policy}'),
        ('type', 'type', '{column,sequence,domain}'), ('of_type', 'name', NULL), ('inherits', 'name', '{table}'),
        ('partition_of', 'name', NULL), ('partition_bound', 'bound', NULL), ('references', 'name', NULL),
        ('collation', 'name', NULL), ('collations', 'name', NULL),
        ('operator_classes', 'name', NULL), ('owned_by', 'name', NULL), ('owner', 'name', NULL),
        ('default', 'expression', '{column,domain}'), ('generated', 'expression', NULL), ('expression', 'expression', '{constraint}'),
        ('predicate', 'expression', NULL), ('expressions', 'expression', '{index,constraint}'), ('attributes', 'attribute', '{type}'),
        ('storage', 'word', '{column,type}'), ('compression', 'word', NULL), ('persistence', 'word', NULL),
        ('identity', 'word', '{column}'), ('generated_kind', 'word', NULL), ('on_update', 'word', NULL), ('on_delete', 'word', NULL),
        ('match', 'word', NULL), ('replica_identity', 'word', NULL), ('column_storage', 'word', NULL),
        ('column_compression', 'word', NULL), ('statistics', 'number', NULL), ('column_statistics', 'number', NULL),
        ('start', 'number', NULL), ('increment', 'number', NULL), ('minimum', 'number', NULL), ('maximum', 'number', NULL),
        ('cache', 'number', NULL), ('identity_sequence.start', 'number', NULL), ('identity_sequence.increment', 'number', NULL),
        ('identity_sequence.minimum', 'number', NULL), ('identity_sequence.maximum', 'number', NULL),
        ('identity_sequence.cache', 'number', NULL), ('acl', 'acl', NULL), ('identity_sequence.acl', 'acl', NULL),
        ('column_acl', 'acls', NULL)) f (property, form, kinds)
    CROSS JOIN LATERAL (SELECT CASE WHEN f.kinds IS NOT NULL AND kind <> ALL (f.kinds::text[]) THEN NULL
        WHEN f.form = 'name' AND f.property = 'identity' THEN to_jsonb(identity) WHEN f.property = 'parent' THEN to_jsonb(parent)
        ELSE properties #> string_to_array(f.property, '.') END AS value) v
    CROSS JOIN LATERAL (SELECT v.value #>> '{}' AS value, v.value AS part
        WHERE jsonb_typeof(v.value) NOT IN ('array', 'object', 'null') OR f.form = 'acl'
        UNION ALL
        SELECT a.e #>> '{}', a.e
        FROM jsonb_array_elements(CASE WHEN jsonb_typeof(v.value) = 'array' AND f.form <> 'acl' THEN v.value END) a (e)
        UNION ALL
        SELECT o.value #>> '{}', o.value
        FROM jsonb_each(CASE WHEN jsonb_typeof(v.value) = 'object' AND f.form <> 'acl' THEN v.value END) o) e
    WHERE e.value IS NOT NULL AND NOT CASE f.form
        WHEN 'name' THEN e.value ~ '^("([^"]|"")*"|[[:alpha:]_][[:alnum:]_$]*)(\.("([^"]|"")*"|[[:alpha:]_][[:alnum:]_$]*))*$'
        WHEN 'word' THEN e.value ~ '^[A-Za-z_ ]*$'
        WHEN 'number' THEN e.value ~ '^-?[0-9]+$'
        -- computed at once, so constants as the catalog prints them
        WHEN 'bound' THEN e.value ~ replace('^(DEFAULT|FOR VALUES (WITH \(modulus \d+, remainder \d+\)|IN \(@(, @)*\)|'
            'FROM \(@(, @)*\) TO \(@(, @)*\)))$', '@',
            $re$([BX]?'([^']|'')*'|E'([^'\\]|''|\\\\)*'|-?[0-9][0-9.]*|true|false|NULL|MINVALUE|MAXVALUE)$re$)
        WHEN 'acl' THEN schemaguard.sg_sync_is_acl(e.part)
        WHEN 'acls' THEN schemaguard.sg_sync_is_acl(e.part)
        ELSE schemaguard.sg_sync_parses(f.form, e.value) END);
END
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_malformed(text, text, text, jsonb)
    IS 'returns the first property whose value is malformed; null: there is none';

CREATE FUNCTION schemaguard.sg_sync_calls(statement text)
RETURNS boolean
LANGUAGE c STABLE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_sync_calls';
COMMENT ON FUNCTION schemaguard.sg_sync_calls(text)
    IS 'tells whether a statement calls a built-in function that does more than compute or read catalogs';

CREATE FUNCTION schemaguard.sg_sync_seen(
    statement text, here boolean DEFAULT false,
    OUT names text[], OUT types text[], OUT untyped boolean,
    OUT reader text, OUT runner text, OUT builder text)
LANGUAGE c STABLE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_sync_seen';
COMMENT ON FUNCTION schemaguard.sg_sync_seen(text, boolean)
    IS 'returns a statement''s unquoted names, types of values, whether one of these is for the server to find, and code owners';

-- A table's indexes and statistics are computed as its owner: those who own it on either side, which may not say
CREATE FUNCTION schemaguard.sg_sync_is_owner(owners text[], role text)
RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
RETURN owners <> '{}' AND (SELECT bool_and(o IS NOT DISTINCT FROM role) FROM unnest(owners) o);
COMMENT ON FUNCTION schemaguard.sg_sync_is_owner(text[], text)
    IS 'tells whether a table belongs to one role, by every source that names its owner';

CREATE FUNCTION schemaguard.sg_sync_portable(text text)
RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'sg_sync_portable';
COMMENT ON FUNCTION schemaguard.sg_sync_portable(text)
    IS 'returns a statement that means the same if standard_conforming_strings is off';

-- Tells whether the server calls code of an object by itself, with arguments that no catalog describes
CREATE FUNCTION schemaguard.sg_sync_is_native(kind text, p jsonb)
RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
RETURN coalesce(NOT p ? 'extension' AND CASE
    WHEN kind IN ('language', 'text search template', 'text search parser', 'access method', 'operator class', 'transform') THEN true
    WHEN kind = 'type' THEN p ->> 'type' = 'base'
    WHEN kind = 'operator family' THEN p ?| '{operators,functions}'
    WHEN kind = 'foreign data wrapper' THEN p ?| '{handler,validator}'
    WHEN kind IN ('function', 'procedure') THEN p ->> 'language' IN ('c', 'internal') OR p ? 'support'
    WHEN kind = 'aggregate' THEN 'internal' IN (p ->> 'state_type', p ->> 'moving_state_type')
    WHEN kind = 'cast' THEN p ->> 'method' = 'binary' END, false);
COMMENT ON FUNCTION schemaguard.sg_sync_is_native(text, jsonb)
    IS 'tells whether the server calls the object''s code by itself, so that it is not tried in a scratch database';
