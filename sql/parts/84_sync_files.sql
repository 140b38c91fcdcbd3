-- Files of migrations: what users call

-- Raises 22023 for a tool that nobody knows, or a name that is none
CREATE FUNCTION schemaguard.sg_files_check(tool text, project text, existing text[])
RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    IF tool NOT IN (SELECT t.tool FROM schemaguard.sg_files_tools() t) THEN
        RAISE invalid_parameter_value USING MESSAGE = format('there is no tool %L', tool), HINT = format('One of %s.',
            (SELECT string_agg(t.tool, ', ' ORDER BY t.tool COLLATE "C") FROM schemaguard.sg_files_tools() t));
    ELSIF project !~ '^[A-Za-z_][A-Za-z0-9_]*$' THEN
        RAISE invalid_parameter_value USING MESSAGE = format('%L is no name of a project', project),
            HINT = 'Letters of ASCII, digits and underscores: the app of Django, the project of sqitch, the author of Liquibase.';
    ELSIF array_position(existing, NULL) IS NOT NULL THEN
        RAISE null_value_not_allowed USING MESSAGE = '"existing" has a null', HINT = 'The names of the files that there are.';
    END IF;
END
$function$;
COMMENT ON FUNCTION schemaguard.sg_files_check(text, text, text[])
    IS 'raises 22023 for an unknown tool or an invalid name';

CREATE FUNCTION schemaguard.sg_sync_files_body(reference text, target text, tool text, first text, existing text[], register text,
    project text, schemas schemaguard.names, allow_drop boolean, partitions boolean, renames text, OUT path text, OUT content text)
RETURNS SETOF record
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET standard_conforming_strings = on
AS $function$
#variable_conflict use_variable
DECLARE
    list    jsonb;
    blocked jsonb;
    acts    jsonb;
    backs   jsonb;
    beside  text[];
    empty   boolean;
    pairs   schemaguard.sync_pair[];
    files   jsonb[];
    at      record;
    filler  record;
BEGIN
    PERFORM schemaguard.sg_files_check(tool, project, existing);
    SELECT n.* INTO at FROM schemaguard.sg_files_number(tool, first, existing || ARRAY(
        SELECT m[1] FROM regexp_matches(CASE tool WHEN 'drizzle' THEN register END, E'"tag"\\s*:\\s*"([^"]*)"', 'g') m
        UNION ALL SELECT m[1] FROM regexp_matches(CASE tool WHEN 'sqitch' THEN register END, E'(?w)^([^\\s%#@]\\S*)', 'g') m)) n;
    list := schemaguard.sg_files_rows(schemaguard.sg_sync_list(reference, target, schemas, allow_drop, partitions, renames, true, false),
        reference, target, schemas, false, allow_drop);
    PERFORM schemaguard.sg_sync_refuse(list, reference, target);
    blocked := schemaguard.sg_sync_blocked(list);
    beside := ARRAY(SELECT b.* FROM schemaguard.sg_files_beside(list, blocked, allow_drop) b);
    EXECUTE format('SELECT NOT EXISTS (SELECT FROM %s.sg_snapshot_objects_details($1, $2) o
            WHERE NOT o.properties ? ''extension'' AND o.kind = ANY (''{table,view,materialized view,function,procedure,type,domain}''))',
        schemaguard.sg_schema()) USING target, schemas INTO empty;
    acts := (SELECT jsonb_agg(to_jsonb(a) ORDER BY a.n) FROM schemaguard.sg_files_acts(list, blocked, allow_drop, tool, empty) a);
    IF EXISTS (SELECT FROM unnest(beside) b (line) WHERE b.line LIKE 'left out: %') THEN
        RAISE NOTICE USING MESSAGE = format('%s left out', (SELECT count(*) FROM unnest(beside) b (line) WHERE b.line LIKE 'left out: %')),
            HINT = format(E'Which, and why:\nSELECT * FROM %s.sg_sync_sql(%L, %L);', schemaguard.sg_schema(), reference, target);
    END IF;
    FOR filler IN SELECT f.told, f.ending FROM schemaguard.sg_sync_fillers(schemaguard.sg_sync_to_be_free(list, allow_drop, blocked)) f
            WHERE target = 'live' LOOP
        RAISE WARNING USING MESSAGE = filler.told || ': the files would fail', HINT = E'Run this first:\n' || filler.ending;
    END LOOP;
    IF acts IS NULL THEN
        RETURN;
    END IF;
    pairs := ARRAY(SELECT p FROM schemaguard.sg_sync_pairs(reference, target, schemas, renames) p);
    -- what has been asked has left nothing to take back
    backs := (SELECT jsonb_agg(to_jsonb(b) ORDER BY b.n) FROM schemaguard.sg_files_backs(acts, schemaguard.sg_files_rows(
        schemaguard.sg_sync_list(target, reference, schemas, true, partitions, CASE renames WHEN 'ask' THEN 'drop' ELSE renames END, true,
            false), target, reference, schemas, true, true), pairs) b);
    files := ARRAY(SELECT f.* FROM schemaguard.sg_files_filled(tool, acts, backs, beside, at.number, at.width, at.previous, project,
        format('Makes %s what %s is', target, reference)) f);
    RETURN QUERY SELECT schemaguard.sg_files_fill(x.path, f), schemaguard.sg_files_fill(x.body, f)
        FROM unnest(files) WITH ORDINALITY f (f, n), schemaguard.sg_files_forms() WITH ORDINALITY x (tool, part, alone, path, body, n)
        WHERE x.tool = sg_sync_files_body.tool AND coalesce(x.alone, (f ->> 'is_alone')::boolean) = (f ->> 'is_alone')::boolean
        ORDER BY f.n, x.n;
    RETURN QUERY SELECT r.path, r.content FROM schemaguard.sg_files_register(tool, register, project, files) r WHERE r.path IS NOT NULL;
END
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_files_body(text, text, text, text, text[], text, text, schemaguard.names, boolean, boolean, text)
    IS 'does the work of sg_sync_files()';

CREATE FUNCTION sg_sync_files(reference text, target text, tool text, first text DEFAULT NULL, existing text[] DEFAULT NULL,
                              register text DEFAULT NULL, project text DEFAULT 'app', schemas schemaguard.names DEFAULT NULL,
                              allow_drop boolean DEFAULT false, partitions boolean DEFAULT false, renames text DEFAULT 'ask',
                              OUT path text, OUT content text)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_body';
COMMENT ON FUNCTION sg_sync_files(text, text, text, text, text[], text, text, schemaguard.names, boolean, boolean, text)
    IS 'returns files of migrations, in the form of a tool, that make the target like the reference';
