-- Sync: the statements of sg_sync_statements() as a script, and single ones

-- Single statements, for who has decided what is to be done: of each list of deeds the text. A deed is a step of sg_sync_rules()
-- for an object, which properties it alters, and what the object is called so far.
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
        d.step = 'beside', f.statement, NULL) AS problem
        FROM (SELECT schemaguard.sg_sync_fill(r.statement, o.object) AS statement OFFSET 0) f WHERE f.statement IS NOT NULL) x)
FROM unnest(lists) WITH ORDINALITY l (list, n) ORDER BY l.n
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_write(text[])
    IS 'single statements as sg_sync_sql() writes them, of each list of deeds';

-- The rows that a statement would be refused for, up to 1000. What a snapshot says is in such a query as literals; a rule is one that
-- nobody here has written. What can't be asked is left to the statement.
CREATE FUNCTION schemaguard.sg_sync_finds(finder text)
RETURNS bigint
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    -- nothing but a beginning: a name further on may look like it
    rule CONSTANT text := 'SELECT * FROM @extschema@.sg_rule_violations(';
    n bigint;
BEGIN
    EXECUTE format('SELECT count(*) FROM (SELECT FROM (%s) x LIMIT 1000) x', CASE WHEN starts_with(finder, rule)
        THEN 'SELECT * FROM schemaguard.sg_nobodys_violations(' || substr(finder, length(rule) + 1) ELSE finder END) INTO n;
    RETURN n;
EXCEPTION WHEN OTHERS THEN
    RETURN 0;
END
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_finds(text)
    IS 'how many rows a statement would be refused for';

-- Tells how much there is in a table of a live target, or in that of a column, as far as statistics know
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
          AND c.oid = to_regclass(CASE kind WHEN 'column' THEN regexp_replace(object, '\.("(?:[^"]|"")*"|[^".]+)$', '') ELSE object END)),
              '')
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_size(text, text, text)
    IS 'how much there is in a table of a live target';

-- The statements as one value, in order
CREATE FUNCTION schemaguard.sg_sync_list(reference text, target text, schemas text[], allow_drop boolean, partitions boolean,
    leave_code boolean, leave_native boolean)
RETURNS jsonb
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET standard_conforming_strings = on
SET jit = off
AS $function$
    SELECT coalesce(jsonb_agg(to_jsonb(x) ORDER BY x.section, x.place), '[]')
    FROM schemaguard.sg_sync_statements((SELECT array_agg(p) FROM schemaguard.sg_sync_pairs(reference, target, schemas) p), reference,
        target, allow_drop, partitions, leave_code, leave_native) x
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_list(text, text, text[], boolean, boolean, boolean, boolean)
    IS 'the statements of sg_sync_sql() as an array';

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
    IS 'an error where nobody but a person can say what is one under two names';

-- By kind and object, what is said of rows that a statement would be refused for
CREATE FUNCTION schemaguard.sg_sync_blocked(statements jsonb)
RETURNS jsonb
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT coalesce(jsonb_object_agg(f.kind || ' ' || f.object, f.rows || CASE WHEN f.rows = 1000 THEN ' or more' ELSE '' END
        || ' rows are in the way: ' || f.finder)
        FILTER (WHERE f.rows > 0), '{}')
    FROM (SELECT n.finder, o.kind, o.object, n.rows
          FROM (SELECT f.finder, schemaguard.sg_sync_finds(f.finder) AS rows
                FROM (SELECT DISTINCT e ->> 'finder' AS finder FROM jsonb_array_elements(statements) e) f WHERE f.finder IS NOT NULL) n
          JOIN (SELECT DISTINCT e ->> 'kind' AS kind, e ->> 'object' AS object, e ->> 'finder' AS finder
              FROM jsonb_array_elements(statements) e) o ON o.finder = n.finder) f
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_blocked(jsonb)
    IS 'what is in the way of statements';

-- Settings of a script, whatever database or role has others: those that pg_dump sets, and those that change an expression's meaning
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
    IS 'the settings that a script begins with';

CREATE FUNCTION schemaguard.sg_sync_lacks(statements jsonb)
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT format($needs$SELECT pg_catalog.string_agg(n.kind || ' ' || n.name, ', ') FROM (VALUES %s) n (kind, name)
        WHERE NOT CASE n.kind WHEN 'role' THEN pg_catalog.to_regrole(n.name) IS NOT NULL WHEN 'collation' THEN pg_catalog.to_regcollation(n.name) IS NOT NULL
            WHEN 'tablespace' THEN EXISTS (SELECT FROM pg_catalog.pg_tablespace t WHERE t.spcname = n.name)
            WHEN 'extension' THEN EXISTS (SELECT FROM pg_catalog.pg_available_extension_versions v WHERE v.name || ' ' || v.version = n.name)
            ELSE pg_catalog.current_setting('server_version_num')::int >= n.name::int * 10000 END$needs$,
        string_agg(format('(%L, %L)', e ->> 'kind', e ->> 'object'), ', ' ORDER BY e ->> 'kind', e ->> 'object'))
    FROM jsonb_array_elements(statements) e WHERE e ->> 'note' = 'need' HAVING count(*) > 0
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_lacks(jsonb)
    IS 'the query of what statements need and a server lacks; null: they need nothing';

-- Tables of roles that are no superusers, and those that are above or below one, on either side: their owners can plant code
-- until the moment when a statement runs. Names have no quotes.
CREATE FUNCTION schemaguard.sg_sync_strangers(reference text, target text)
RETURNS text[]
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
-- names of roles are compared as snapshots print them
SET quote_all_identifiers = off
-- rows are guessed far too high
SET jit = off
AS $function$
WITH RECURSIVE side AS MATERIALIZED (
    SELECT replace(o.identity, '"', '') AS name, EXISTS (SELECT FROM pg_roles r WHERE quote_ident(r.rolname) = o.properties ->> 'owner'
        AND r.rolsuper) AS trusted,
        replace(a.name, '"', '') AS above, NULL::oid AS relid
    FROM schemaguard.snapshot_object o LEFT JOIN LATERAL jsonb_array_elements_text(CASE jsonb_typeof(o.properties -> 'inherits')
        WHEN 'array' THEN o.properties -> 'inherits' ELSE '[]' END
        || coalesce(o.properties -> 'partition_of', '[]')) a (name) ON true
    WHERE o.snapshot IN (reference, target) AND o.kind = 'table'
    UNION ALL
    SELECT replace(concat(n.nspname, '.', c.relname), '"', ''), r.rolsuper,
        (SELECT replace(concat(an.nspname, '.', a.relname), '"', '') FROM pg_class a JOIN pg_namespace an ON an.oid = a.relnamespace
            WHERE a.oid = i.inhparent), c.oid
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_roles r ON r.oid = c.relowner LEFT
        JOIN pg_inherits i ON i.inhrelid = c.oid
    WHERE 'live' IN (reference, target) AND c.relkind IN ('r', 'p', 'f')
), kin AS MATERIALIZED (
    SELECT s.name, s.above AS other FROM side s WHERE s.above IS NOT NULL UNION SELECT s.above, s.name FROM side s WHERE s.above IS NOT NULL
), stranger AS (
    SELECT s.name FROM side s WHERE NOT s.trusted
    UNION
    SELECT k.other FROM stranger s JOIN kin k ON k.name = s.name
)
-- and types of their columns, which a block may come to them by
SELECT array_agg(s.name) FROM (
    SELECT s.name FROM stranger s
    UNION
    SELECT replace(rtrim(o.properties ->> 'type', '[]'), '"', '') FROM schemaguard.snapshot_object o
    WHERE o.snapshot IN (reference, target) AND o.kind = 'column' AND replace(o.parent, '"', '') IN (SELECT s.name FROM stranger s)
    UNION
    SELECT replace(concat(n.nspname, '.', t.typname), '"', '')
    FROM (SELECT DISTINCT a.atttypid FROM side s JOIN pg_attribute a ON a.attrelid = s.relid AND NOT a.attisdropped
        WHERE s.name IN (SELECT s.name FROM stranger s)) a
        JOIN pg_type y ON y.oid = a.atttypid JOIN pg_type t ON t.oid IN (y.oid, y.typelem) JOIN pg_namespace n ON n.oid = t.typnamespace) s
WHERE s.name LIKE '%.%' AND s.name NOT LIKE 'pg\_catalog.%'
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_strangers(text, text)
    IS 'tables of roles that are no superusers, their kin, and their columns'' types, on either side, without quotes; null: there is none';

CREATE FUNCTION schemaguard.sg_sync_look(statement text, strangers text[])
RETURNS text
LANGUAGE sql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
RETURN (SELECT format('PERFORM pg_temp.sg_sync_look(%L)', array_agg(DISTINCT n.name COLLATE "C"))
    FROM unnest(schemaguard.sg_sync_computes(statement)) n (name) HAVING bool_or(n.name = ANY (strangers)));
COMMENT ON FUNCTION schemaguard.sg_sync_look(text, text[])
    IS 'what a script runs before a statement that comes to tables of other roles; null: it comes to none';

-- Returns the beginning of a script that has a look later on: it locks tables as the library does for its own deeds, with what is above and
-- below them, and ends the script where something of another role could run
CREATE FUNCTION schemaguard.sg_sync_looker()
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
SELECT $script$-- tables and types keep what they have while statements come to their rows, and run no code of other roles
CREATE OR REPLACE FUNCTION pg_temp.sg_sync_look(names text[]) RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $look$
DECLARE
    tables oid[] := '{}';
    more oid[];
    relation oid;
    stranger text;
BEGIN
    LOOP
        WITH RECURSIVE kin AS (
            SELECT c.oid FROM unnest(names) x (name) JOIN pg_class c ON c.relkind IN ('r', 'p', 'f') JOIN pg_namespace n ON n.oid = c.relnamespace
                AND replace(concat(n.nspname, '.', c.relname), '"', '') = x.name
            UNION
            SELECT a.attrelid FROM unnest(names) x (name) JOIN pg_type t ON true JOIN pg_namespace n ON n.oid = t.typnamespace AND replace(concat(n.nspname, '.', t.typname), '"', '') = x.name
                JOIN pg_attribute a ON a.atttypid IN (t.oid, t.typarray) AND NOT a.attisdropped JOIN pg_class c ON c.oid = a.attrelid AND c.relkind IN ('r', 'p', 'f')
            UNION
            SELECT CASE k.oid WHEN i.inhrelid THEN i.inhparent ELSE i.inhrelid END FROM kin k JOIN pg_inherits i ON k.oid IN (i.inhrelid, i.inhparent)
        ) SELECT array_agg(k.oid ORDER BY k.oid) INTO more FROM kin k WHERE k.oid <> ALL (tables);
        EXIT WHEN more IS NULL;
        FOREACH relation IN ARRAY more LOOP
            IF (SELECT c.relkind <> 'f' FROM pg_class c WHERE c.oid = relation) THEN
                EXECUTE format('LOCK TABLE ONLY %s IN SHARE UPDATE EXCLUSIVE MODE', relation::regclass);
            END IF;
        END LOOP;
        tables := tables || more;
    END LOOP;
    WITH RECURSIVE part (classid, objid) AS (
        SELECT 'pg_class'::regclass, t FROM unnest(tables) t (t)
        UNION
        SELECT d.classid::regclass, d.objid FROM part p JOIN pg_depend d ON d.refclassid = p.classid AND d.refobjid = p.objid AND d.deptype IN ('a', 'i')
        WHERE d.classid IN ('pg_constraint'::regclass, 'pg_attrdef'::regclass, 'pg_statistic_ext'::regclass)
           OR d.classid = 'pg_class'::regclass AND d.objid IN (SELECT i.indexrelid FROM pg_index i)
    ), reach (classid, objid) AS (
        SELECT p.classid, p.objid FROM part p
        UNION
        SELECT x.classid, x.objid FROM reach r CROSS JOIN LATERAL (
            SELECT d.refclassid::regclass, d.refobjid FROM pg_depend d WHERE d.classid = r.classid AND d.objid = r.objid
                AND d.refclassid IN ('pg_proc'::regclass, 'pg_operator'::regclass, 'pg_type'::regclass, 'pg_opclass'::regclass, 'pg_opfamily'::regclass)
            UNION ALL
            SELECT 'pg_class'::regclass, t.typrelid FROM pg_type t WHERE r.classid = 'pg_type'::regclass AND t.oid = r.objid AND t.typrelid <> 0
            UNION ALL
            SELECT 'pg_constraint'::regclass, c.oid FROM pg_constraint c WHERE r.classid = 'pg_type'::regclass AND c.contypid = r.objid
            UNION ALL
            SELECT 'pg_proc'::regclass, c.castfunc FROM pg_cast c WHERE r.classid = 'pg_type'::regclass AND r.objid IN (c.castsource, c.casttarget) AND c.castfunc <> 0) x (classid, objid)
    ), owner AS (
        SELECT p.proowner AS oid FROM reach r JOIN pg_proc p ON r.classid = 'pg_proc'::regclass AND p.oid = r.objid
        UNION SELECT o.oprowner FROM reach r JOIN pg_operator o ON r.classid = 'pg_operator'::regclass AND o.oid = r.objid
        UNION SELECT t.typowner FROM reach r JOIN pg_type t ON r.classid = 'pg_type'::regclass AND t.oid = r.objid AND t.typtype = 'd'
        UNION
        -- a check can hold a function of the server that runs what it is given
        SELECT c.relowner FROM part p JOIN pg_constraint k ON p.classid = 'pg_constraint'::regclass AND k.oid = p.objid AND k.contype = 'c' JOIN pg_class c ON c.oid = k.conrelid
            CROSS JOIN LATERAL regexp_matches(k.conbin::text, ':funcid (\d+)', 'g') m JOIN pg_proc f ON f.oid = m[1]::oid AND f.oid < 16384
                AND (f.provolatile = 'v' OR f.provolatile = 's' AND EXISTS (SELECT FROM pg_type y WHERE y.oid = ANY (f.proargtypes) AND y.typname IN ('regclass', 'any', 'anyelement', 'anyarray')))
    ) SELECT min(a.rolname) INTO stranger FROM owner o JOIN pg_roles a ON a.oid = o.oid WHERE NOT a.rolsuper AND a.rolname <> current_user;
    IF stranger IS NOT NULL THEN
        RAISE 'it could run code of role % as role %', stranger, current_user USING HINT = 'Run the script as that role, or have the procedure sg_sync_apply do what it does.';
    END IF;
END $look$;$script$
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_looker()
    IS 'the statement that makes what a script looks with before statements that come to rows';

CREATE FUNCTION sg_sync_sql(reference text, target text DEFAULT 'live', schemas schemaguard.names DEFAULT NULL,
                            allow_drop boolean DEFAULT false, partitions boolean DEFAULT false)
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
    line    text;
    lacking text;
    blocked jsonb;
    strangers text[];
BEGIN
    statements := schemaguard.sg_sync_list(reference, target, schemas, allow_drop, partitions, true, false);
    digest := schemaguard.sg_sync_digest();
    PERFORM schemaguard.sg_sync_refuse(statements, reference, target);
    blocked := schemaguard.sg_sync_blocked(statements);
    strangers := schemaguard.sg_sync_strangers(reference, target);
    statements := (SELECT jsonb_agg(e || jsonb_build_object('look', CASE WHEN strangers IS NOT NULL
        THEN schemaguard.sg_sync_look(e ->> 'statement', strangers) END) ORDER BY n)
            FROM jsonb_array_elements(statements) WITH ORDINALITY x (e, n));

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
                  WHEN (e ->> 'kind' = 'constraint' OR e ->> 'what' = 'not_null')
                      AND blocked ? concat_ws(' ', e ->> 'kind', e ->> 'object') THEN 'left out, for rows are in the way'
                  WHEN e ->> 'note' = 'beyond' THEN 'left out, for nothing alters that' WHEN e ->> 'note' = 'unknown'
                      THEN 'left out, for they could not be read'
                  WHEN e ->> 'note' = 'unmanaged' THEN 'left out, for something else makes them' WHEN e ->> 'note' = 'hidden'
                      THEN 'left out, for they are hidden' WHEN e ->> 'note' = 'need' THEN 'needed, and checked first'
                          ELSE 'statements' END AS what, count(*) AS n
              FROM jsonb_array_elements(statements) e WHERE e ->> 'note' <> 'along' GROUP BY 1) x HAVING count(*) > 0;
    RETURN QUERY SELECT schemaguard.sg_sync_comment('left out: ' || concat_ws(' ', e ->> 'kind', e ->> 'object') || ': '
        || concat_ws(', ', e ->> 'what', e ->> 'statement'))
        FROM jsonb_array_elements(statements) e WHERE e ->> 'note' IN ('beyond', 'hidden', 'unknown', 'unmanaged');
    IF NOT EXISTS (SELECT FROM jsonb_array_elements(statements) e WHERE (e ->> 'section')::int > 0) THEN
        RETURN;
    END IF;
    RETURN NEXT '-- A statement that waits for a lock gives up after 5 s: run the script again then. What is done is left alone.';
    RETURN NEXT '\set ON_ERROR_STOP on';
    RETURN QUERY SELECT format('SET %s = %s;', x.name, x.value) FROM schemaguard.sg_sync_settings() x;
    RETURN NEXT 'SET lock_timeout = ''5s'';';
    IF EXISTS (SELECT FROM jsonb_array_elements(statements) e WHERE e ->> 'cost' LIKE 'runs code of role %') THEN
        RETURN NEXT '-- some statements run code of the role that has written the script';
        RETURN NEXT format($owner$DO %1$s
BEGIN
    IF current_user <> %2$L THEN
        RAISE 'nothing has been applied: the script runs code of role %%', %2$L USING HINT = 'Run it as that role, or have the procedure sg_sync_apply do it.';
    END IF;
END %1$s;$owner$, schemaguard.sg_sync_tag(current_user), current_user);
    END IF;
    RETURN QUERY SELECT schemaguard.sg_sync_looker() WHERE EXISTS (SELECT FROM jsonb_array_elements(statements) e
        WHERE e ->> 'look' IS NOT NULL);
    lacking := schemaguard.sg_sync_lacks(statements);
    IF lacking IS NOT NULL THEN
        IF target = 'live' THEN
            EXECUTE lacking INTO line;
            RETURN QUERY SELECT schemaguard.sg_sync_comment('the target lacks ' || line || ': the script will not begin')
                WHERE line IS NOT NULL;
        END IF;
        RETURN NEXT '-- what the reference needs, and no statement makes';
        RETURN NEXT format($needs$DO %1$s
DECLARE
    lacking text := (%2$s);
BEGIN
    IF lacking IS NOT NULL THEN
        RAISE 'nothing has been applied: the target lacks %%', lacking;
    END IF;
END %1$s;$needs$, schemaguard.sg_sync_tag(lacking), lacking);
    END IF;

    FOR s IN SELECT x.section, x.kind, x.object, x.what, x.statement, x.guard, x.before, x.after, x.index, x.index_after, x.cost, x.look,
                 CASE WHEN x.kind = 'constraint' OR x.what = 'not_null' THEN blocked ->> (x.kind || ' ' || x.object) END AS finder,
                 split_part(x.note, ' loses ', 1) AS step, nullif(split_part(x.note, ' loses ', 2), '') AS loss
             FROM jsonb_array_elements(statements) WITH ORDINALITY e (e, n),
                 jsonb_to_record(e.e) x (section int, kind text, object text, what text, statement text, guard text, before text,
                     after text, note text, index text, index_after text, cost text, look text)
             WHERE x.section > 0 ORDER BY e.n
    LOOP
        IF s.section <> section THEN
            IF section NOT IN (0, 3, 5) THEN
                RETURN NEXT 'COMMIT;';
            END IF;
            RETURN NEXT '';
            RETURN NEXT '-- ' || sections[s.section];
            IF s.section NOT IN (3, 5) THEN
                RETURN NEXT 'BEGIN;';
            END IF;
            section := s.section;
        END IF;
        RETURN NEXT schemaguard.sg_sync_comment(format('%s %s: %s%s%s', s.kind, s.object, s.what,
            coalesce('; ' || s.cost || schemaguard.sg_sync_size(target, s.kind, s.object), ''),
            coalesce('; loses ' || s.loss || schemaguard.sg_sync_size(target, s.kind, s.object), '')));
        RETURN QUERY SELECT schemaguard.sg_sync_comment('left out: ' || s.finder) WHERE s.finder IS NOT NULL;
        line := CASE WHEN s.index IS NOT NULL THEN schemaguard.sg_sync_concurrently(s.kind || ' '
            || s.object, s.statement, s.guard, s.before, s.after, s.index, s.index_after)
            ELSE schemaguard.sg_sync_guarded(s.step, s.kind || ' ' || s.object, s.statement, s.guard, s.before, s.after, s.look) END;
        RETURN NEXT CASE WHEN s.finder IS NOT NULL OR s.loss IS NOT NULL AND NOT allow_drop THEN schemaguard.sg_sync_comment(line)
            ELSE line END;
    END LOOP;
    IF section NOT IN (0, 3, 5) THEN
        RETURN NEXT 'COMMIT;';
    END IF;
END
$function$;
COMMENT ON FUNCTION sg_sync_sql(text, text, schemaguard.names, boolean, boolean)
    IS 'the script that makes the target what the reference is';
