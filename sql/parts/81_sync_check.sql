-- Sync: the proof. The target's structure is made anew in a scratch database, the script is run there, and what stands there
-- then is compared with the reference. src/sync/sync_scratch.c makes the database, sync_sandbox.c says what runs in it.

-- Scratch databases that sessions have now, or that were left by some that were killed
CREATE TABLE schemaguard.scratch (
    name       text PRIMARY KEY,
    role       text NOT NULL,
    server     text,                        -- a foreign server; null: here
    created_at timestamptz NOT NULL DEFAULT pg_catalog.now()
);
COMMENT ON TABLE schemaguard.scratch IS 'databases that sg_sync_check() has created; the next call drops those that a killed call has left';
COMMENT ON COLUMN schemaguard.scratch.name IS 'name of the database';
COMMENT ON COLUMN schemaguard.scratch.role IS 'role that created the database';
COMMENT ON COLUMN schemaguard.scratch.server IS 'foreign server that holds the database; null: this server';
COMMENT ON COLUMN schemaguard.scratch.created_at IS 'time at which the database was created';
GRANT SELECT ON schemaguard.scratch TO PUBLIC;

CREATE FUNCTION schemaguard.sg_scratch_open(options text, server text)
RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_scratch_open';
COMMENT ON FUNCTION schemaguard.sg_scratch_open(text, text)
    IS 'creates the scratch database of this session';

CREATE FUNCTION schemaguard.sg_scratch_run(steps jsonb, strict boolean, query text, OUT step int, OUT line text)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_scratch_run';
COMMENT ON FUNCTION schemaguard.sg_scratch_run(jsonb, boolean, text)
    IS 'runs statements in the scratch database; returns errors by number of statement, then the rows of the query';

CREATE FUNCTION schemaguard.sg_scratch_ask(query text)
RETURNS text
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_scratch_ask';
COMMENT ON FUNCTION schemaguard.sg_scratch_ask(text)
    IS 'returns the result of a query on the server of the scratch database';

CREATE FUNCTION schemaguard.sg_scratch_close()
RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_scratch_close';
COMMENT ON FUNCTION schemaguard.sg_scratch_close()
    IS 'drops the scratch database of this session';

-- Encoding and locale of a target, for CREATE DATABASE
CREATE FUNCTION schemaguard.sg_scratch_options(target text)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT format('STRATEGY wal_log ENCODING %L LC_COLLATE %L LC_CTYPE %L LOCALE_PROVIDER ', e.e ->> 'encoding', e.e ->> 'collate',
        e.e ->> 'ctype')
        || CASE e.e ->> 'locale_provider'
            WHEN 'icu' THEN format('icu ICU_LOCALE %L', e.e ->> 'locale')
                || coalesce(format(' ICU_RULES %L', nullif(e.e ->> 'icu_rules', '')), '')
            WHEN 'builtin' THEN format('builtin BUILTIN_LOCALE %L', e.e ->> 'locale') ELSE 'libc' END
    FROM (SELECT coalesce(n.environment, jsonb_build_object('encoding', pg_encoding_to_char(d.encoding), 'collate', d.datcollate, 'ctype',
        d.datctype,
              'locale_provider', CASE d.datlocprovider WHEN 'i' THEN 'icu' WHEN 'b' THEN 'builtin' ELSE 'libc' END,
              'locale', coalesce(j.j ->> 'datlocale', j.j ->> 'daticulocale'), 'icu_rules', j.j ->> 'daticurules')) AS e
          FROM pg_database d CROSS JOIN LATERAL (SELECT to_jsonb(d) AS j) j LEFT JOIN schemaguard.snapshot n ON n.name = target
          WHERE d.datname = current_database()) e
$function$;
COMMENT ON FUNCTION schemaguard.sg_scratch_options(text)
    IS 'returns encoding and locale of a target in the form of CREATE DATABASE';

-- Statements that a script leaves out on purpose, and those that are not run in a scratch database: it would do something beyond it
CREATE FUNCTION schemaguard.sg_sync_leaves_out(statement jsonb, allow_drop boolean, blocked jsonb)
RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT statement ->> 'note' IN ('beyond', 'hidden', 'unmanaged', 'along', 'asked')
        OR statement ->> 'note' LIKE '% loses %' AND NOT allow_drop
        OR blocked ? (statement ->> 'n')
        OR statement ->> 'kind' IN ('subscription', 'event trigger')
        OR statement ->> 'kind' = 'extension' AND statement ->> 'object' = 'schemaguard'
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_leaves_out(jsonb, boolean, jsonb)
    IS 'tells whether a statement is left out on purpose';

-- Statements as schemaguard.sg_scratch_run() takes them
CREATE FUNCTION schemaguard.sg_scratch_steps(statements jsonb, allow_drop boolean, blocked jsonb)
RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT coalesce(jsonb_agg(jsonb_build_object('section', (e.e ->> 'section')::int, 'kind', e.e ->> 'kind', 'name', e.e ->> 'object',
            'object', concat_ws(' ', e.e ->> 'kind', e.e ->> 'object'), 'what', e.e ->> 'what', 'statement', e.e ->> 'statement',
            'guard', e.e ->> 'guard', 'before', e.e ->> 'before', 'after', e.e ->> 'after', 'step',
            split_part(e.e ->> 'note', ' loses ', 1),
            'check', CASE WHEN e.e ->> 'index' IS NOT NULL THEN schemaguard.sg_sync_index_is(e.e ->> 'index', true) END, 'checked',
            e.e ->> 'index_after') ORDER BY e.n), '[]')
    FROM jsonb_array_elements(statements) WITH ORDINALITY e (e, n)
    WHERE (e.e ->> 'section')::int > 0 AND NOT schemaguard.sg_sync_leaves_out(e.e, allow_drop, blocked)
$function$;
COMMENT ON FUNCTION schemaguard.sg_scratch_steps(jsonb, boolean, jsonb)
    IS 'returns the statements of a script in the form that a scratch database runs';

CREATE FUNCTION schemaguard.sg_scratch_keep(snapshot text, lines text[]) RETURNS bigint
LANGUAGE sql VOLATILE PARALLEL UNSAFE
RETURN @extschema@.sg_snapshot_import(snapshot, lines);
COMMENT ON FUNCTION schemaguard.sg_scratch_keep(text, text[]) IS 'stores the objects of the scratch database as a snapshot';

-- Runs a round there, and returns what failed, and in the snapshot of that name what there is then
CREATE FUNCTION schemaguard.sg_scratch_round(statements jsonb, allow_drop boolean, blocked jsonb, strict boolean, snapshot text)
RETURNS jsonb
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    steps   CONSTANT jsonb := schemaguard.sg_scratch_steps(statements, allow_drop, blocked);
    lacking text := schemaguard.sg_sync_lacks(statements);
    lines   text[];
    failed  jsonb;
BEGIN
    IF lacking IS NOT NULL THEN
        -- a collation may be one of the database; ours is not made there
        lacking := schemaguard.sg_scratch_ask(lacking || ' AND n.kind <> ''collation'' AND n.name NOT LIKE ''schemaguard %''');
        IF lacking IS NOT NULL THEN
            RAISE object_not_in_prerequisite_state USING MESSAGE = format('the server of the scratch database lacks %s', lacking),
                HINT = 'Create what is not there, or install the files of the extension.';
        END IF;
    END IF;
    SELECT coalesce(jsonb_agg(jsonb_build_object('kind', steps -> r.step ->> 'kind', 'object', steps -> r.step ->> 'name', 'message',
        r.line) ORDER BY r.n)
            FILTER (WHERE r.step IS NOT NULL), '[]'),
        array_agg(r.line ORDER BY r.n) FILTER (WHERE r.step IS NULL) INTO failed, lines
    FROM schemaguard.sg_scratch_run(steps, strict, schemaguard.sg_snapshot_script()) WITH ORDINALITY r (step, line, n);
    PERFORM schemaguard.sg_scratch_keep(snapshot, lines);
    RETURN failed;
END
$function$;
COMMENT ON FUNCTION schemaguard.sg_scratch_round(jsonb, boolean, jsonb, boolean, text)
    IS 'runs statements in the scratch database, and stores its objects as a snapshot';

-- Returns the schemas that either side has: one that neither has, such as one that a script drops, cannot be compared
CREATE FUNCTION schemaguard.sg_sync_schemas(schemas text[], sides text[])
RETURNS text[]
LANGUAGE sql STABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
-- snapshots quote what needs it on any major, whatever the session wants quoted
SET quote_all_identifiers = off
AS $function$
    SELECT ARRAY(SELECT s FROM unnest(schemas) s
        WHERE 'live' = ANY (sides) AND to_regnamespace(quote_ident(s)) IS NOT NULL
            OR EXISTS (SELECT FROM schemaguard.snapshot_object o
                WHERE o.snapshot = ANY (sides)
                  AND CASE o.kind WHEN 'schema' THEN o.identity ELSE o.parent END IN (quote_ident(s), '"' || replace(s, '"', '""') || '"')))
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_schemas(text[], text[])
    IS 'returns those of the given schemas that either side has; null: all';

CREATE FUNCTION schemaguard.sg_sync_drift(reference text, target text, schemas text[], OUT kind text, OUT object text, OUT change text,
    OUT class text, OUT risk text, OUT property text, OUT expected text, OUT actual text, OUT detail text)
RETURNS SETOF record
LANGUAGE sql VOLATILE PARALLEL UNSAFE
BEGIN ATOMIC
    SELECT d.* FROM @extschema@.sg_drift_details(reference, target, schemas) d;
END;
COMMENT ON FUNCTION schemaguard.sg_sync_drift(text, text, text[]) IS 'returns the differences of sg_drift_details() for sg_sync_check()';

-- Returns what is not as it should be in the snapshots of that name: "made" of the target, and "ran" after the script. Script, making:
-- statements of the script, and of those that made the target; made, ran: what failed; of_made, of_ran: schemas.
CREATE FUNCTION schemaguard.sg_sync_judgement(reference text, target text, allow_drop boolean, name text, script jsonb, blocked jsonb,
    making jsonb, made jsonb, ran jsonb, of_made text[], of_ran text[])
RETURNS jsonb
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $function$
WITH left_out AS (
    SELECT e ->> 'kind' AS kind, e ->> 'object' AS object, e ->> 'what' AS what, e ->> 'statement' AS reason
    FROM jsonb_array_elements(script) e WHERE schemaguard.sg_sync_leaves_out(e, allow_drop, blocked)
    UNION
    SELECT e ->> 'kind', e ->> 'object', e ->> 'what', e ->> 'statement'
    FROM jsonb_array_elements(making) e WHERE e ->> 'note' <> 'unmanaged' AND schemaguard.sg_sync_leaves_out(e, true, '{}')
), seen AS (
    SELECT 1 AS part, d.* FROM schemaguard.sg_sync_drift(reference, name || ' ran', of_ran) d WHERE of_ran IS DISTINCT FROM '{}'
    UNION ALL
    -- a target that is not made anew proves nothing
    SELECT 2, d.kind, d.object, d.change, d.class, d.risk, d.property, d.expected, d.actual,
        concat_ws(': ', 'not as in the target when the script began', (
            SELECT string_agg(m ->> 'message', '; ') FROM jsonb_array_elements(made) m WHERE m ->> 'kind' = d.kind
                AND m ->> 'object' = d.object), d.detail)
    FROM schemaguard.sg_sync_drift(target, name || ' made', of_made) d WHERE of_made IS DISTINCT FROM '{}'
), judged AS (
    SELECT s.*, s.class = 'unmanaged' OR s.kind IN ('subscription', 'event trigger')
        OR s.class <> 'unknown' AND EXISTS (SELECT FROM left_out l
            WHERE l.kind = s.kind AND l.object = s.object
                  AND (s.property IS NULL
                      OR l.what ~ '^(created|replaced|dropped|validated|belongs|is a|options|not tried|left out|asked|waits)'
                          OR s.property = ANY (string_to_array(l.what, ' ')))
               OR starts_with(s.object, l.object || '.') AND l.kind IN ('table', 'view', 'materialized view', 'domain')
                   AND l.what ~ '^(dropped|is a|not tried|left out|asked|waits)') AS left_out
    -- which is not made there
    FROM seen s WHERE NOT (s.kind = 'extension' AND s.object = 'schemaguard')
        AND coalesce(s.detail, '') !~ '(^|[;:] )belongs to extension schemaguard($|;)'
)
SELECT jsonb_agg(to_jsonb(x) ORDER BY x.part, x.kind, x.object, x.property)
FROM (
    SELECT j.part, j.kind, j.object, j.change, CASE j.part WHEN 1 THEN j.class
        ELSE 'unknown' END AS class, j.risk, j.property, j.expected, j.actual, j.detail, j.left_out
    FROM judged j WHERE j.part = 1 OR NOT j.left_out
    UNION ALL
    -- nothing is proved of these
    SELECT DISTINCT 3, l.kind, l.object, 'unchanged', 'unknown', NULL, NULL, NULL, NULL, 'not tried: ' || l.reason, true
        FROM left_out l WHERE l.what = 'not tried'
    UNION ALL
    SELECT 0, r ->> 'kind', r ->> 'object', 'changed', 'unknown', NULL, NULL, NULL, NULL, 'the script ends here: '
        || (r ->> 'message'), false
    FROM jsonb_array_elements(ran) r) x
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_judgement(text, text, boolean, text, jsonb, jsonb, jsonb, jsonb, jsonb, text[], text[])
    IS 'returns the findings of sg_sync_check() in the scratch database';

CREATE FUNCTION schemaguard.sg_sync_rows(reference text, target text, schemas text[], allow_drop boolean, partitions boolean, server text,
    renames text, OUT kind text, OUT object text, OUT change text, OUT class text, OUT risk text, OUT property text,
    OUT expected text, OUT actual text, OUT detail text, OUT left_out boolean)
RETURNS SETOF record
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET standard_conforming_strings = on
AS $function$
#variable_conflict use_column
DECLARE
    name    CONSTANT text := 'sync check ' || gen_random_uuid();
    script  jsonb := schemaguard.sg_sync_list(reference, target, schemas, allow_drop, partitions, renames, true, true);
    common  text[];
    blocked jsonb;
    making  jsonb;
    made    jsonb;
    ran     jsonb;
    found   jsonb;
    of_ran  text[];
    of_made text[];
    sent    record;
BEGIN
    PERFORM schemaguard.sg_sync_refuse(script, reference, target);
    blocked := schemaguard.sg_sync_blocked(script);
    -- triggers that no snapshot has are not in the scratch database
    RETURN QUERY SELECT 'column', f.object, 'changed', 'unknown', NULL, NULL, NULL, NULL,
        format(E'the script will not begin: %s; before it:\n%s', f.told, f.ending), false
        FROM schemaguard.sg_sync_fillers(schemaguard.sg_sync_to_be_free(script, allow_drop, blocked)) f WHERE target = 'live';
    FOR sent IN SELECT e ->> 'statement' AS told, e ->> 'before' AS hint FROM jsonb_array_elements(script) e
            WHERE e ->> 'note' IN ('sent', 'closed') LOOP
        RAISE WARNING USING MESSAGE = sent.told, HINT = sent.hint;
    END LOOP;
    -- a snapshot of some schemas says nothing about others
    WITH list AS (
        SELECT schemas AS names WHERE schemas IS NOT NULL
        UNION SELECT n.schemas FROM schemaguard.snapshot n WHERE n.name IN (reference, target) AND n.schemas IS NOT NULL
    )
    SELECT array_agg(s.s) INTO common
    FROM (SELECT DISTINCT unnest(l.names) AS s FROM list l) s WHERE NOT EXISTS (SELECT FROM list l WHERE s.s <> ALL (l.names));
    BEGIN
        PERFORM schemaguard.sg_scratch_open(schemaguard.sg_scratch_options(target), server);
        PERFORM schemaguard.sg_scratch_round('[]', false, '{}', false, name || ' empty');
        making := schemaguard.sg_sync_list(target, name || ' empty', NULL, true, true, 'drop', false, true);
        made := schemaguard.sg_scratch_round(making, true, '{}', false, name || ' made');
        -- what is not made there can't be altered
        SELECT coalesce(jsonb_agg(e.e ORDER BY e.n), '[]') INTO script FROM jsonb_array_elements(script) WITH ORDINALITY e (e, n)
        WHERE NOT EXISTS (SELECT FROM jsonb_array_elements(making) m WHERE m ->> 'what' IN ('left out', 'not tried')
            AND m ->> 'note' = 'beyond'
            AND (m ->> 'kind' = e.e ->> 'kind' AND m ->> 'object' = e.e ->> 'object' OR m ->> 'kind' IN ('table', 'domain')
                AND starts_with(e.e ->> 'object', (m ->> 'object') || '.')));
        ran := schemaguard.sg_scratch_round(script, allow_drop, blocked, true, name || ' ran');
        of_ran := schemaguard.sg_sync_schemas(common, ARRAY[reference, name || ' ran']);
        of_made := schemaguard.sg_sync_schemas(common, ARRAY[target, name || ' made']);
        found := schemaguard.sg_sync_judgement(reference, target, allow_drop, name, script, blocked, making, made, ran, of_made, of_ran);
        RAISE SQLSTATE 'SG000';
    EXCEPTION
        WHEN SQLSTATE 'SG000' THEN
            -- so that nothing is left of the snapshots, in the log neither
            PERFORM schemaguard.sg_scratch_close();
        WHEN query_canceled OR assert_failure OR OTHERS THEN
            PERFORM schemaguard.sg_scratch_close();
            RAISE;
    END;
    RETURN QUERY SELECT f.* FROM jsonb_to_recordset(found)
        f (kind text, object text, change text, class text, risk text, property text, expected text, actual text, detail text,
            left_out boolean);
END
$function$;
COMMENT ON FUNCTION schemaguard.sg_sync_rows(text, text, text[], boolean, boolean, text, text)
    IS 'returns the rows of sg_sync_check()';

CREATE FUNCTION sg_sync_check_details(
    reference  text,
    target     text DEFAULT 'live',
    schemas    schemaguard.names DEFAULT NULL,
    allow_drop boolean DEFAULT false,
    partitions boolean DEFAULT false,
    server     text DEFAULT NULL,
    renames    text DEFAULT 'ask',
    OUT kind     text,
    OUT object   text,
    OUT change   text,
    OUT class    text,
    OUT risk     text,
    OUT property text,
    OUT expected text,
    OUT actual   text,
    OUT detail   text,
    OUT left_out boolean)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_sync_check';
COMMENT ON FUNCTION sg_sync_check_details(text, text, schemaguard.names, boolean, boolean, text, text)
    IS 'all columns of sg_sync_check()';
