-- Sync: writes the script of sg_sync_sql(). sg_sync_list() collects the statements, sg_sync_blocked() counts rows that would make them
-- fail, sg_sync_head() and sg_sync_start() write the lines before the first statement, and sg_sync_sql_body() puts all of it together.
-- Nothing here changes an object: sg_sync_run() alone runs statements, for a script that is under way.

-- Returns, for each list of deeds, the text of its statements. A deed is a JSON object that names a step of sg_sync_rules(), an object, the
-- properties that the step alters, and the object's present name if it is another one.
CREATE FUNCTION schemaguard.sg_sync_write(lists text[])
RETURNS SETOF text
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET standard_conforming_strings = on
SET jit = off
AS $function$
WITH rule AS MATERIALIZED (
    SELECT r.kind, r.step, string_to_array(r.property, ' ') AS properties, r.section, r.number, r.statement
        FROM schemaguard.sg_sync_rules() r
    WHERE r.kind IN ('schema', 'table', 'column', 'constraint') AND r.step IN ('create', 'alter', 'rename', 'beside', 'drop')
)
SELECT (SELECT string_agg(CASE WHEN x.problem IS NULL THEN schemaguard.sg_sync_portable(x.statement) || ';'
    ELSE schemaguard.sg_sync_comment(format('left out: %s %s: %s', d.kind, concat_ws('.', d.parent, quote_ident(d.name)), x.problem)) END,
        E'\n' ORDER BY e.n, r.section, r.number)
    FROM jsonb_array_elements(l.list::jsonb) WITH ORDINALITY e (deed, n)
    CROSS JOIN LATERAL jsonb_to_record(e.deed) d (kind text, step text, property text, parent text, name text, old_parent text,
        old_name text, properties text)
    CROSS JOIN LATERAL (SELECT coalesce(d.old_parent, d.parent) AS parent, coalesce(d.old_name, d.name) AS name) w
    CROSS JOIN LATERAL (SELECT schemaguard.sg_sync_object(d.kind, concat_ws('.', d.parent, quote_ident(d.name)), d.parent, d.name,
        coalesce(d.properties, '{}')::jsonb || e.deed - '{kind,step,property,parent,name,old_parent,old_name,new_name,properties}'::text[],
        CASE WHEN e.deed ?| '{old_parent,old_name}' THEN schemaguard.sg_sync_object(d.kind, concat_ws('.', w.parent, quote_ident(w.name)),
            w.parent, w.name, '{}', NULL) END)
            || CASE WHEN e.deed ? 'new_name' THEN jsonb_build_object('new_name', e.deed -> 'new_name') ELSE '{}' END AS object
        -- once, not for each rule
        OFFSET 0) o
    JOIN rule r ON r.kind = d.kind AND r.step = d.step AND (d.property IS NULL OR d.property = ANY (r.properties))
    CROSS JOIN LATERAL (SELECT f.statement, schemaguard.sg_sync_problem(d.kind,
        array_remove(ARRAY[o.object ->> 'identity', o.object ->> 'parent', o.object #>> '{old,identity}', o.object #>> '{old,parent}',
            o.object ->> 'halfway', (d.parent || '.' || quote_ident(d.old_name))], NULL),
        f.statement, NULL) AS problem
        FROM (SELECT schemaguard.sg_sync_fill(r.statement, o.object) AS statement OFFSET 0) f WHERE f.statement IS NOT NULL) x)
FROM unnest(lists) WITH ORDINALITY l (list, n) ORDER BY l.n
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_write(text[])
    IS 'returns the texts of single statements, as sg_sync_sql() writes them, for each list of deeds';

-- Counts the rows that would make a statement fail, up to 1000. Finder: a query that has the snapshot's values as literals, or '!' and a
-- remark, which counts as one row. A rule of a snapshot runs as nobody (sg_nobodys_violations()). Returns 0 if the query fails: the
-- statement itself will tell.
CREATE FUNCTION schemaguard.sg_sync_finds(finder text)
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    -- the finder has to begin with this call: a name further on may look like it
    rule CONSTANT text := format('SELECT * FROM %s.sg_rule_violations(', schemaguard.sg_schema());
    n bigint;
BEGIN
    IF starts_with(finder, '!') THEN
        RETURN 1;
    END IF;
    EXECUTE format('SELECT count(*) FROM (SELECT FROM (%s) x LIMIT 1000) x', CASE WHEN starts_with(finder, rule)
        THEN 'SELECT * FROM schemaguard.sg_nobodys_violations(' || substr(finder, length(rule) + 1) ELSE finder END) INTO n;
    RETURN n;
EXCEPTION WHEN OTHERS THEN
    RETURN 0;
END
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_finds(text)
    IS 'counts the rows that would make a statement fail, up to 1000';

-- Returns the remark of a script on rows that a finder has counted, with the query; null: there are none
CREATE FUNCTION schemaguard.sg_sync_in_way(finder text, rows bigint)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
RETURN CASE WHEN starts_with(finder, '!') THEN substr(finder, 2)
    WHEN rows > 0 THEN format('%s row%s in the way: %s', rows || CASE rows WHEN 1000 THEN ' or more' ELSE '' END,
        CASE rows WHEN 1 THEN ' is' ELSE 's are' END, finder) END;
COMMENT ON FUNCTION schemaguard.sg_sync_in_way(text, bigint)
    IS 'returns the remark on rows that would make a statement fail; null: there are no rows';

-- Returns the number of rows and the size of a table, or of a column's table with its nulls and distinct values, by statistics; an empty
-- text if the target is a snapshot or has no statistics
CREATE FUNCTION schemaguard.sg_sync_size(target text, kind text, object text)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT coalesce((
        SELECT format(' (about %s rows, %s%s)', c.reltuples::bigint, pg_size_pretty(c.relpages * current_setting('block_size')::bigint),
            (SELECT format('; %s %% null, %s distinct', round(s.null_frac * 100), CASE WHEN s.n_distinct < 0
                THEN round(-s.n_distinct * c.reltuples) ELSE round(s.n_distinct) END)
             FROM pg_stats s WHERE kind = 'column' AND s.schemaname = n.nspname AND s.tablename = c.relname
                 AND s.attname = (parse_ident(object))[3] AND NOT s.inherited))
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE target = 'live' AND kind IN ('table', 'materialized view', 'column') AND c.reltuples >= 0
          AND c.oid = to_regclass(CASE kind WHEN 'column' THEN schemaguard.sg_sync_owner(object) ELSE object END)),
              '')
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_size(text, text, text)
    IS 'returns the size of a table of a live target, by its statistics';

-- Returns the statements of sg_sync_sql() as an array of objects, in the order in which they run
CREATE FUNCTION schemaguard.sg_sync_list(reference text, target text, schemas text[], allow_drop boolean, partitions boolean,
    renames text, leave_code boolean, leave_native boolean)
RETURNS jsonb
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET standard_conforming_strings = on
SET jit = off
AS $function$
    SELECT coalesce(jsonb_agg(to_jsonb(x) ORDER BY x.n), '[]')
    FROM schemaguard.sg_sync_united((SELECT array_agg(p) FROM schemaguard.sg_sync_pairs(reference, target, schemas, renames) p), reference,
        target, allow_drop, partitions, leave_code, leave_native) WITH ORDINALITY
        x (section, place, kind, object, what, statement, guard, before, after, note, index, index_after, cost, finders, unit, n)
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_list(text, text, text[], boolean, boolean, text, boolean, boolean)
    IS 'returns the statements of sg_sync_sql() as an array';

CREATE FUNCTION schemaguard.sg_sync_refuse(statements jsonb, reference text, target text)
RETURNS void
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    refused text;
BEGIN
    SELECT string_agg(format('%s %s %s', e ->> 'kind', e ->> 'object', e ->> 'what'), E'\n'
        ORDER BY e ->> 'kind', e ->> 'object') INTO refused
    FROM jsonb_array_elements(statements) e WHERE e ->> 'note' = 'refused';
    IF refused IS NOT NULL THEN
        RAISE object_not_in_prerequisite_state USING MESSAGE = format('%I has what may be something of %I under another name', target,
            reference), DETAIL = refused,
            HINT = 'Say in schemaguard.rename (kind, old, new) what is one. If nothing is, allow_drop => true drops what has the name of '
                'something else; of two schemas with the same contents, drop or create one by hand.';
    END IF;
END
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_refuse(jsonb, text, text)
    IS 'raises an error if only a person can say which objects are one under two names';

-- Returns an object that has, for the number of each statement that rows would make fail, the remark on these rows
CREATE FUNCTION schemaguard.sg_sync_blocked(statements jsonb)
RETURNS jsonb
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $function$
    WITH finder AS MATERIALIZED (
        SELECT e -> 'n' AS n, f.finder FROM jsonb_array_elements(statements) e,
            jsonb_array_elements_text(CASE jsonb_typeof(e -> 'finders') WHEN 'array' THEN e -> 'finders' END) f (finder)
    ), blocker AS MATERIALIZED (
        SELECT c.finder, schemaguard.sg_sync_in_way(c.finder, schemaguard.sg_sync_finds(c.finder)) AS told
        FROM (SELECT DISTINCT f.finder FROM finder f) c
    )
    SELECT coalesce(jsonb_object_agg(x.n, x.told), '{}')
    FROM (SELECT f.n::text AS n, string_agg(b.told, '; ' ORDER BY b.told) AS told FROM finder f JOIN blocker b ON b.finder = f.finder
          WHERE b.told IS NOT NULL GROUP BY 1) x
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_blocked(jsonb)
    IS 'returns the remarks on rows that block statements, by number of statement';

-- Returns the settings of a script, which replace those of the database and the role: settings that pg_dump makes, and settings that
-- change the meaning of an expression
CREATE FUNCTION schemaguard.sg_sync_settings(OUT name text, OUT value text)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
VALUES ('standard_conforming_strings', 'on'), ('search_path', 'pg_catalog, pg_temp'),
    ('client_encoding', quote_literal(pg_client_encoding())),
    ('check_function_bodies', 'off'), ('xmloption', 'content'), ('client_min_messages', 'warning'), ('row_security', 'off'),
        ('default_tablespace', ''''''),
    ('default_table_access_method', 'heap'), ('transform_null_equals', 'off'), ('array_nulls', 'on'), ('backslash_quote', 'safe_encoding'),
    ('quote_all_identifiers', 'off'), ('DateStyle', '''ISO, YMD'''), ('IntervalStyle', '''postgres'''), ('TimeZone', '''UTC'''),
        ('extra_float_digits', '1')
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_settings()
    IS 'returns the settings with which a script begins';

CREATE FUNCTION schemaguard.sg_sync_lacks(statements jsonb)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT format($needs$SELECT pg_catalog.string_agg(n.kind || ' ' || n.name, ', ') FROM (VALUES %s) n (kind, name)
        WHERE NOT CASE n.kind WHEN 'role' THEN pg_catalog.to_regrole(n.name) IS NOT NULL
            WHEN 'collation' THEN pg_catalog.to_regcollation(n.name) IS NOT NULL
            WHEN 'tablespace' THEN EXISTS (SELECT FROM pg_catalog.pg_tablespace t WHERE t.spcname = n.name)
            WHEN 'extension' THEN EXISTS (SELECT FROM pg_catalog.pg_available_extension_versions v
                WHERE v.name || ' ' || v.version = n.name)
            ELSE pg_catalog.current_setting('server_version_num')::int >= n.name::int * 10000 END$needs$,
        string_agg(format('(%L, %L)', e ->> 'kind', e ->> 'object'), ', ' ORDER BY e ->> 'kind', e ->> 'object'))
    FROM jsonb_array_elements(statements) e WHERE e ->> 'note' = 'need' HAVING count(*) > 0
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_lacks(jsonb)
    IS 'returns the query for prerequisites that a server lacks; null: the statements need none';

-- Tells whether a statement fails while a trigger has a column, or one of the type, in its WHEN clause. Triggers of plans, which fill
-- columns, are in no snapshot: so no statement drops them.
CREATE FUNCTION schemaguard.sg_sync_needs_free(kind text, what text, statement text)
RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
RETURN kind = 'column' AND (what LIKE 'dropped%' OR what IN ('type collation', 'type, meanwhile'))
    OR kind = 'type' AND (starts_with(statement, 'DO $labels') OR what = 'attributes' AND statement ~ ' (ALTER|DROP) ATTRIBUTE ');
COMMENT ON FUNCTION schemaguard.sg_sync_needs_free(text, text, text)
    IS 'tells whether a statement drops a column, or changes its type';

-- Returns names as they are when a script is done, with those that they have before it: renamed are its statements for that, in order
CREATE FUNCTION schemaguard.sg_sync_before(objects text[], renamed text[])
RETURNS text[]
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    one    CONSTANT text := '(?:"(?:[^"]|"")+"|[^". ]+)';
    rename CONSTANT text := format(E'^ALTER (?:FOREIGN TABLE|TABLE|TYPE|DOMAIN|SCHEMA) (%1$s(?:\\.%1$s)*) '
        'RENAME (?:COLUMN (%1$s) )?TO (%1$s)$', one);
    before text[] := objects;
    m      text[];
    was    text;
    shall  text;
BEGIN
    FOR i IN REVERSE coalesce(cardinality(renamed), 0) .. 1 LOOP
        m := regexp_match(renamed[i], rename);
        CONTINUE WHEN m IS NULL;
        was := m[1] || coalesce('.' || m[2], '');
        shall := CASE WHEN m[2] IS NULL THEN regexp_replace(m[1], one || '$', replace(m[3], E'\\', E'\\\\')) ELSE m[1] || '.' || m[3] END;
        before := ARRAY(SELECT CASE WHEN o = shall OR starts_with(o, shall || '.') THEN was || substr(o, length(shall) + 1) ELSE o END
            FROM unnest(before) o);
    END LOOP;
    RETURN ARRAY(SELECT DISTINCT o FROM unnest(objects || before) o ORDER BY o);
END
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_before(text[], text[])
    IS 'returns names with those that they have before statements that rename';

-- Returns the columns and types of such statements that a script does not leave out
CREATE FUNCTION schemaguard.sg_sync_to_be_free(statements jsonb, allow_drop boolean, blocked jsonb)
RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT schemaguard.sg_sync_before(coalesce(array_agg(DISTINCT e ->> 'object')
            FILTER (WHERE schemaguard.sg_sync_needs_free(e ->> 'kind', e ->> 'what', e ->> 'statement')), '{}'),
        array_agg(e ->> 'statement' ORDER BY (e ->> 'n')::int) FILTER (WHERE e ->> 'what' LIKE 'renamed%'))
    FROM jsonb_array_elements(statements) e
    WHERE (e ->> 'section')::int > 0 AND NOT (blocked ? (e ->> 'n') OR e ->> 'note' LIKE '% loses %' AND NOT allow_drop)
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_to_be_free(jsonb, boolean, jsonb)
    IS 'returns the columns that a script drops, or whose type it changes, and the types that it makes anew';

-- Returns those of these columns, also of heirs, and types on which triggers of plans stand here, with the statement that ends the trigger
CREATE FUNCTION schemaguard.sg_sync_fillers(objects text[], OUT object text, OUT told text, OUT ending text)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $function$
WITH RECURSIVE filler AS MATERIALIZED (
    SELECT t.oid, t.tgrelid, a.attname, a.atttypid
    FROM pg_trigger t JOIN pg_proc f ON f.oid = t.tgfoid AND f.pronamespace = 'schemaguard'::regnamespace
    JOIN pg_depend d ON d.classid = 'pg_trigger'::regclass AND d.objid = t.oid AND d.refclassid = 'pg_class'::regclass
        AND d.refobjid = t.tgrelid
    JOIN pg_attribute a ON a.attrelid = d.refobjid AND a.attnum = d.refobjsubid
    WHERE starts_with(t.tgname::text, '~schemaguard_fill_') AND objects <> '{}'
), above AS (
    SELECT f.oid, f.attname, f.tgrelid AS relid FROM filler f
    UNION SELECT a.oid, a.attname, i.inhparent FROM above a JOIN pg_inherits i ON i.inhrelid = a.relid
), place AS (
    SELECT a.oid, 'column' AS kind, ARRAY[n.nspname, c.relname, a.attname]::text[] AS name
    FROM above a JOIN pg_class c ON c.oid = a.relid JOIN pg_namespace n ON n.oid = c.relnamespace
    UNION
    SELECT f.oid, 'a column of type', ARRAY[n.nspname, t.typname]::text[]
    FROM filler f JOIN pg_type t ON f.atttypid IN (t.oid, t.typarray) JOIN pg_namespace n ON n.oid = t.typnamespace
    UNION
    SELECT f.oid, 'a table of type', ARRAY[n.nspname, t.typname]::text[]
    FROM filler f JOIN pg_class c ON c.oid = f.tgrelid JOIN pg_type t ON t.oid = c.reloftype JOIN pg_namespace n ON n.oid = t.typnamespace
)
SELECT DISTINCT o, format('a trigger %s, which fills rows, stands on %s %s', coalesce('of plan "' || nullif(e.ending[1], '') || '"',
    'of no plan'), p.kind, o), e.ending[2]
FROM unnest(objects) o JOIN place p ON p.name = parse_ident(o)
CROSS JOIN LATERAL (SELECT schemaguard.sg_filler_ending(p.oid) AS ending) e
-- one that is gone by now is nobody's
WHERE e.ending IS NOT NULL ORDER BY 1, 2
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_fillers(text[])
    IS 'returns the columns and types on which triggers of plans stand, with the statement that ends the trigger';

CREATE FUNCTION schemaguard.sg_sync_check_free(objects text[])
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    told    text;
    endings text;
BEGIN
    SELECT string_agg(f.told, ', ' ORDER BY f.object), string_agg(DISTINCT f.ending, E'\n') INTO told, endings
    FROM schemaguard.sg_sync_fillers(objects) f;
    IF told IS NOT NULL THEN
        RAISE object_not_in_prerequisite_state USING MESSAGE = 'nothing has been applied: ' || told,
            HINT = E'Run this first, then the script again:\n' || endings;
    END IF;
END
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_check_free(text[])
    IS 'raises 55000 if triggers of plans stand on columns or types';

CREATE FUNCTION schemaguard.sg_sync_guard("on" boolean)
RETURNS void
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_sync_guard';
COMMENT ON FUNCTION schemaguard.sg_sync_guard(boolean)
    IS 'turns the check of each statement of the session on or off';

CREATE FUNCTION schemaguard.sg_sync_run(statements text)
RETURNS void
LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_sync_run';
COMMENT ON FUNCTION schemaguard.sg_sync_run(text)
    IS 'runs statements, each checked as sg_sync_guard() does';

-- Returns the lines of a script that keep it from running code of other roles. If the target has the extension, sg_sync_guard() examines
-- each statement before it runs. If not, the script ends with 42501 unless each role that could have planted code, or can once the script
-- has made it an owner, is a superuser, a member of the role that runs the script, or named by psql -v trust=...
CREATE FUNCTION schemaguard.sg_sync_gate(statements jsonb)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT format($script$-- statements run code of roles that own something here: with a look by the extension, or not at all
\if :{?trust}
\else
\set trust ''
\endif
SELECT set_config('schemaguard_script.trust', :'trust', false) AS sync_trust \gset
DO %1$s
DECLARE
    others text;
BEGIN
    IF EXISTS (SELECT FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid AND e.extname = 'schemaguard'
            WHERE d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e' AND d.classid = 'pg_proc'::regclass
                AND d.objid = to_regprocedure('schemaguard.sg_sync_guard(boolean)')) THEN
        PERFORM schemaguard.sg_sync_guard(true);
        PERFORM set_config('schemaguard.lock_timeout', '5s', false),
            set_config('schemaguard_script.guard', 'on', false);
        RETURN;
    END IF;
    -- what predefined roles own, pg_shdepend does not say
    WITH owner (role) AS (
        SELECT n.nspowner FROM pg_namespace n UNION SELECT c.relowner FROM pg_class c
        UNION SELECT f.proowner FROM pg_proc f UNION SELECT t.typowner FROM pg_type t
        UNION SELECT o.oprowner FROM pg_operator o UNION SELECT o.opcowner FROM pg_opclass o
        UNION SELECT d.refobjid FROM pg_shdepend d JOIN pg_database b ON b.oid = d.dbid
            WHERE b.datname = current_database() AND d.deptype = 'o' AND d.refclassid = 'pg_authid'::regclass
        UNION SELECT a.grantee FROM pg_namespace n CROSS JOIN LATERAL aclexplode(n.nspacl) a
            WHERE a.privilege_type = 'CREATE'
        -- in schemas that come
        UNION SELECT a.grantee FROM pg_default_acl e CROSS JOIN LATERAL aclexplode(e.defaclacl) a
            WHERE e.defaclobjtype = 'n' AND a.privilege_type = 'CREATE'
        UNION SELECT b.datdba FROM pg_database b WHERE b.datname = current_database()
        UNION SELECT a.grantee FROM pg_database b CROSS JOIN LATERAL aclexplode(b.datacl) a
            WHERE b.datname = current_database() AND a.privilege_type = 'CREATE'
        -- the script makes them owners, or gives them rights
        UNION SELECT to_regrole(m.name) FROM unnest(%2$L::text[]) m (name) WHERE to_regrole(m.name) IS NOT NULL
    ), maker (role) AS (
        SELECT DISTINCT CASE o.role WHEN 'pg_database_owner'::regrole THEN b.datdba ELSE o.role END
        FROM owner o JOIN pg_database b ON b.datname = current_database()
    ) SELECT string_agg(coalesce(quote_ident(r.rolname), 'PUBLIC'), ', ' ORDER BY r.rolname) INTO others
    FROM maker m LEFT JOIN pg_roles r ON r.oid = m.role
    WHERE r.rolsuper IS NOT TRUE AND (r.oid IS NULL OR NOT pg_has_role(r.oid, current_user, 'MEMBER'))
        AND coalesce(quote_ident(r.rolname), 'PUBLIC') <> ALL (
            ARRAY(SELECT n[1] FROM regexp_matches(current_setting('schemaguard_script.trust'),
                '"(?:[^"]|"")*"|[^,"\s]+', 'g') n));
    IF others IS NOT NULL THEN
        RAISE insufficient_privilege USING
            MESSAGE = format('nothing has been applied: statements could run code of %%s as role %%I', others,
                current_user),
            HINT = format('Run the script as the role that owns what it changes, or CREATE EXTENSION schemaguard here, '
                'which looks at each statement. If these roles may have the rights of %%I: psql -v trust=%%L',
                current_user, others);
    END IF;
END %1$s;$script$, schemaguard.sg_sync_tag(r.names::text), r.names)
    FROM (SELECT ARRAY(SELECT e ->> 'object' FROM jsonb_array_elements(statements) e
        WHERE e ->> 'note' = 'need' AND e ->> 'kind' = 'role' ORDER BY 1) AS names) r
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_gate(jsonb)
    IS 'returns the beginning of a script, which makes sure that its statements run no code of other roles';

-- Returns the lines of a script about changes that wait for an answer, with the statements that give it
CREATE FUNCTION schemaguard.sg_sync_asked(statements jsonb)
RETURNS SETOF text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT schemaguard.sg_sync_comment(format('left out: %s %s: %s', e ->> 'kind', e ->> 'object', e ->> 'statement')
        || CASE WHEN e ->> 'what' = 'asked' THEN format(E'\nit is renamed: %s\nthey are two: %s',
            schemaguard.sg_sync_answer(e ->> 'kind', e ->> 'before', e ->> 'after', true),
            schemaguard.sg_sync_answer(e ->> 'kind', e ->> 'before', e ->> 'after', false)) ELSE '' END)
    FROM jsonb_array_elements(statements) e WHERE e ->> 'note' = 'asked'
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_asked(jsonb)
    IS 'returns the lines of a script about objects that may have been renamed';

-- Returns the head of a script: reference and target, how many changes there are, and what is left out. Digest: of this database.
CREATE FUNCTION schemaguard.sg_sync_head(statements jsonb, blocked jsonb, reference text, target text, allow_drop boolean, digest bytea)
RETURNS SETOF text
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    RETURN NEXT schemaguard.sg_sync_comment(format('Makes %L what %L is. Written by schemaguard at %s.', target, reference, now()));
    RETURN QUERY SELECT schemaguard.sg_sync_comment(format('%L: database %I, PostgreSQL %s, as of %s, SHA-256 %s', n.name, n.database,
        n.server_version_num, n.taken_at, encode(n.checksum, 'hex')))
        FROM schemaguard.snapshot n WHERE n.name IN (reference, target) ORDER BY n.name <> reference;
    IF 'live' IN (reference, target) THEN
        RETURN NEXT schemaguard.sg_sync_comment(format('''live'': database %I, PostgreSQL %s, as of %s, SHA-256 %s', current_database(),
            current_setting('server_version_num'), now(),
            encode(digest, 'hex')));
    END IF;
    RETURN QUERY SELECT format('-- %s', string_agg(x.n || ' ' || x.what, ', ' ORDER BY x.what))
        FROM (SELECT CASE WHEN e ->> 'note' LIKE '% loses %' AND NOT allow_drop THEN 'left out, for something would be lost (allow_drop)'
                  WHEN blocked ->> (e ->> 'n') LIKE '% in the way: %' THEN 'left out, for rows are in the way'
                  WHEN e ->> 'note' = 'beyond' OR blocked ? (e ->> 'n') THEN 'left out, for nothing alters that'
                  WHEN e ->> 'note' = 'unknown' THEN 'left out, for they could not be read'
                  WHEN e ->> 'note' = 'asked' THEN 'left out, for it has to be said whether they are renamed'
                  WHEN e ->> 'note' = 'unmanaged' THEN 'left out, for something else makes them' WHEN e ->> 'note' = 'hidden'
                      THEN 'left out, for they are hidden' WHEN e ->> 'note' = 'need' THEN 'needed, and checked first'
                          ELSE 'statements' END AS what, count(*) AS n
              FROM jsonb_array_elements(statements) e WHERE e ->> 'note' NOT IN ('along', 'sent', 'closed') GROUP BY 1) x
        HAVING count(*) > 0;
    RETURN QUERY SELECT schemaguard.sg_sync_comment('left out: ' || concat_ws(' ', e ->> 'kind', e ->> 'object') || ': '
        || concat_ws(', ', e ->> 'what', e ->> 'statement'))
        FROM jsonb_array_elements(statements) e
        WHERE e ->> 'note' IN ('beyond', 'hidden', 'unknown') OR e ->> 'note' = 'unmanaged' AND e ->> 'before' IS NULL;
    RETURN QUERY SELECT schemaguard.sg_sync_comment(format('left out: what belongs to extension %s: %s objects', e ->> 'before', count(*)))
        FROM jsonb_array_elements(statements) e WHERE e ->> 'note' = 'unmanaged' AND e ->> 'before' IS NOT NULL
        GROUP BY e ->> 'before' ORDER BY e ->> 'before';
    RETURN QUERY SELECT schemaguard.sg_sync_comment(format('left out: %s %s: %s, %s', e ->> 'kind', e ->> 'object',
        min(e ->> 'what'), blocked ->> (e ->> 'n')))
        FROM jsonb_array_elements(statements) e WHERE blocked ? (e ->> 'n')
        GROUP BY e ->> 'kind', e ->> 'object', blocked ->> (e ->> 'n') ORDER BY min((e ->> 'n')::int);
    RETURN QUERY SELECT schemaguard.sg_sync_asked(statements);
    RETURN QUERY SELECT schemaguard.sg_sync_comment(format(E'warning: %s\n%s', e ->> 'statement', e ->> 'before'))
        FROM jsonb_array_elements(statements) e WHERE e ->> 'note' IN ('sent', 'closed');
END
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_head(jsonb, jsonb, text, text, boolean, bytea)
    IS 'returns the comment at the head of a script';

-- Returns the lines of a script before its statements: settings, the gate of sg_sync_gate(), the check that no trigger of a plan stands on
-- these columns and types, and that the server has all roles, collations, tablespaces and extensions that the statements need
CREATE FUNCTION schemaguard.sg_sync_start(statements jsonb, target text, to_be_free text[])
RETURNS SETOF text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    lacking  CONSTANT text := schemaguard.sg_sync_lacks(statements);
    routines CONSTANT text := schemaguard.sg_sync_routines(statements);
    line     text;
BEGIN
    RETURN NEXT '-- A statement that waits for a lock gives up after 5 s, where the extension is after deadlock_timeout if that is less:';
    RETURN NEXT '-- run the script again then. What is done is left alone.';
    RETURN NEXT '-- For psql, but not for psql -1, which would commit half of it.' || CASE WHEN routines IS NULL
        THEN ' Its writer lacks TEMP on the database: so each statement is a block.' ELSE ' It needs TEMP on the database.' END;
    RETURN NEXT '\set ON_ERROR_STOP on';
    RETURN NEXT '\set AUTOCOMMIT on';
    RETURN QUERY SELECT string_agg(format('SET %s = %s;', x.name, x.value), ' ' ORDER BY x.n)
        FROM (SELECT s.*, row_number() OVER () AS n FROM schemaguard.sg_sync_settings() s) x GROUP BY (x.n - 1) / 3 ORDER BY min(x.n);
    RETURN NEXT 'SET lock_timeout = ''5s''; SET default_transaction_isolation = ''read committed'';';
    IF EXISTS (SELECT FROM jsonb_array_elements(statements) e WHERE e ->> 'cost' LIKE 'runs code of role %') THEN
        RETURN NEXT '-- some statements run code of the role that has written the script';
        RETURN NEXT format($owner$DO %1$s
BEGIN
    IF current_user <> %2$L THEN
        RAISE 'nothing has been applied: the script runs code of role %%', %2$L
            USING HINT = 'Run it as that role, or have the procedure sg_sync_apply do it.';
    END IF;
END %1$s;$owner$, schemaguard.sg_sync_tag(current_user), current_user);
    END IF;
    RETURN QUERY SELECT routines WHERE routines IS NOT NULL;
    RETURN NEXT schemaguard.sg_sync_gate(statements);
    IF to_be_free <> '{}' THEN
        RETURN QUERY SELECT schemaguard.sg_sync_comment(format(E'%s: the script will not begin before\n%s', f.told, f.ending))
            FROM schemaguard.sg_sync_fillers(to_be_free) f WHERE target = 'live';
        RETURN NEXT '-- triggers of plans have to be gone from what is dropped, or gets another type';
        RETURN NEXT format($free$DO %1$s
BEGIN
    IF current_setting('schemaguard_script.guard', true) = 'on' THEN
        PERFORM schemaguard.sg_sync_check_free(%2$L);
    END IF;
END %1$s;$free$, schemaguard.sg_sync_tag(to_be_free::text), to_be_free);
    END IF;
    IF lacking IS NOT NULL THEN
        IF target = 'live' THEN
            EXECUTE lacking INTO line;
            RETURN QUERY SELECT schemaguard.sg_sync_comment('the target lacks ' || line || ': the script will not begin')
                WHERE line IS NOT NULL;
        END IF;
        RETURN NEXT '-- what the reference needs, and no statement makes';
        RETURN NEXT format($needs$DO %1$s
DECLARE
    lacking text := (
        %2$s);
BEGIN
    IF lacking IS NOT NULL THEN
        RAISE 'nothing has been applied: the target lacks %%', lacking;
    END IF;
END %1$s;$needs$, schemaguard.sg_sync_tag(lacking), lacking);
    END IF;
END
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_start(jsonb, text, text[])
    IS 'returns the settings and checks of a script before its statements';

CREATE FUNCTION schemaguard.sg_sync_sql_body(reference text, target text, schemas schemaguard.names, allow_drop boolean, partitions boolean,
    renames text)
RETURNS SETOF text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET standard_conforming_strings = on
AS $function$
DECLARE
    sections CONSTANT text[] := '{labels of enums,structure,"indexes, and what proves that no value is missing","keys, and checks that are '
        'not validated","validation, one by one","the end"}';
    statements jsonb;
    digest  bytea;
    s       record;
    section int := 0;
    unit    int;
    line    text;
    blocked jsonb;
    rows    text[];
BEGIN
    statements := schemaguard.sg_sync_list(reference, target, schemas, allow_drop, partitions, renames, true, false);
    digest := schemaguard.sg_sync_digest();
    PERFORM schemaguard.sg_sync_refuse(statements, reference, target);
    blocked := schemaguard.sg_sync_blocked(statements);

    RETURN QUERY SELECT h FROM schemaguard.sg_sync_head(statements, blocked, reference, target, allow_drop, digest) h;
    rows := ARRAY(SELECT r FROM schemaguard.sg_sync_lookup_script(reference, target, schemas, allow_drop) r);
    IF rows = '{}' AND NOT EXISTS (SELECT FROM jsonb_array_elements(statements) e
        WHERE (e ->> 'section')::int > 0 AND NOT blocked ? (e ->> 'n')) THEN
        RETURN;
    END IF;
    statements := schemaguard.sg_sync_questions(statements, target);
    RETURN QUERY SELECT h FROM schemaguard.sg_sync_start(statements, target,
        schemaguard.sg_sync_to_be_free(statements, allow_drop, blocked)) h;
    FOR s IN SELECT x.section, x.kind, x.object, x.what, x.statement, x.guard, x.before, x.after, x.index, x.index_after, x.cost,
                 blocked ->> (e.e ->> 'n') AS finder, x.question, x.names,
                 x.unit, split_part(x.note, ' loses ', 1) AS step, nullif(split_part(x.note, ' loses ', 2), '') AS loss
             FROM jsonb_array_elements(statements) WITH ORDINALITY e (e, n)
             CROSS JOIN LATERAL jsonb_to_record(e.e) x (section int, kind text, object text, what text, statement text, guard text,
                 before text, after text, note text, index text, index_after text, cost text, unit int, question text, names text[])
             WHERE x.section > 0 ORDER BY e.n
    LOOP
        IF s.section <> section THEN
            IF section NOT IN (0, 3, 5) THEN
                RETURN NEXT 'COMMIT;';
            END IF;
            IF s.section > 3 THEN
                RETURN QUERY SELECT r FROM unnest(rows) r;
                rows := '{}';
            END IF;
            RETURN NEXT '';
            RETURN NEXT '-- ' || sections[s.section];
            IF s.section NOT IN (3, 5) THEN
                RETURN NEXT 'BEGIN;';
            END IF;
            section := s.section;
        ELSIF s.unit IS DISTINCT FROM unit THEN
            RETURN NEXT 'COMMIT;';
            RETURN NEXT 'BEGIN;';
        END IF;
        IF s.unit IS DISTINCT FROM unit THEN
            RETURN QUERY SELECT schemaguard.sg_sync_comment(regexp_replace(schemaguard.sg_sync_unit_told(statements, s.unit, target),
                '(.{60,110}) ', E'\\1\n', 'g'))
                WHERE s.unit IS NOT NULL;
            unit := s.unit;
        END IF;
        RETURN NEXT schemaguard.sg_sync_comment(format('%s %s: %s%s%s', s.kind, s.object, s.what,
            coalesce('; ' || s.cost || schemaguard.sg_sync_size(target, s.kind, s.object), ''),
            coalesce('; loses ' || s.loss || schemaguard.sg_sync_size(target, s.kind, s.object), '')));
        RETURN QUERY SELECT schemaguard.sg_sync_comment('left out: ' || s.finder) WHERE s.finder IS NOT NULL;
        line := schemaguard.sg_sync_call(s.step, s.kind || ' ' || s.object, s.question, s.names, s.statement, s.guard, s.before, s.after,
            s.index, s.index_after);
        RETURN NEXT CASE WHEN s.finder IS NOT NULL OR s.loss IS NOT NULL AND NOT allow_drop THEN schemaguard.sg_sync_comment(line)
            ELSE line END;
    END LOOP;
    IF section NOT IN (0, 3, 5) THEN
        RETURN NEXT 'COMMIT;';
    END IF;
    RETURN QUERY SELECT r FROM unnest(rows) r;
END
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_sql_body(text, text, schemaguard.names, boolean, boolean, text)
    IS 'does the work of sg_sync_sql()';

CREATE FUNCTION sg_sync_sql(reference text, target text DEFAULT 'live', schemas schemaguard.names DEFAULT NULL,
                            allow_drop boolean DEFAULT false, partitions boolean DEFAULT false, renames text DEFAULT 'ask')
RETURNS SETOF text
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_body';
COMMENT ON FUNCTION sg_sync_sql(text, text, schemaguard.names, boolean, boolean, text)
    IS 'returns the script that makes the target like the reference';
