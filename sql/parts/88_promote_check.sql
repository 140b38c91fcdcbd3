-- Promotion: checks of a bundle. sg_promotion_check() compares the bundle with this database and runs it in a scratch database, before
-- anybody applies it. sg_promotion_gate() runs the users' tests and looks for drift after sg_promote_apply() has applied it. The functions
-- that apply a bundle, roll it back and tell its source are declared here; src/promote/ has their code.

-- Stores the document of a bundle as a snapshot that belongs to the caller. Returns the snapshot's name, which is that of the bundle, or
-- the bundle's with a number from 2 to 100 behind it if the name is taken. Raises 42710 if all of them are.
CREATE FUNCTION schemaguard.sg_promotion_import(bundle text)
RETURNS text
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $function$
DECLARE
    name text := bundle;
BEGIN
    FOR n IN 2 .. 100 LOOP
        BEGIN
            EXECUTE format('SELECT %s.sg_snapshot_import($1, p.document) FROM schemaguard.promotion p WHERE p.bundle = $2',
                schemaguard.sg_schema()) USING name, bundle;
            RETURN name;
        EXCEPTION WHEN duplicate_object THEN
            -- the snapshot of that name may be another role's
            name := bundle || ' ' || n;
        END;
    END LOOP;
    RAISE duplicate_object USING MESSAGE = format('there are too many snapshots that are called %I', bundle),
        HINT = 'Drop them: sg_snapshot_drop(name).';
END
$function$;
COMMENT ON FUNCTION schemaguard.sg_promotion_import(text)
    IS 'stores the document of a bundle as a snapshot of the caller';

-- Returns the names of objects that differ between this database and the snapshot and that the bundle does not list; null: none. Such an
-- object has changed here since the bundle was made.
CREATE FUNCTION schemaguard.sg_promotion_strange(bundle text, reference text)
RETURNS text
LANGUAGE sql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $function$
    SELECT string_agg(DISTINCT concat_ws(' ', e ->> 'kind', e ->> 'object'), ', ')
    FROM schemaguard.promotion p CROSS JOIN LATERAL jsonb_array_elements(schemaguard.sg_sync_list(sg_promotion_strange.reference, 'live',
        (SELECT array_agg(s) FROM jsonb_array_elements_text(nullif(p.options -> 'schemas', 'null')) s),
        (p.options ->> 'allow_drop')::boolean, false, p.options ->> 'renames', true, false)) e
    WHERE p.bundle = sg_promotion_strange.bundle AND (e ->> 'section')::int > 0
        AND NOT schemaguard.sg_sync_leaves_out(e, (p.options ->> 'allow_drop')::boolean, '{}')
        AND NOT EXISTS (
            SELECT FROM jsonb_array_elements(p.content -> 'items') i
            -- as which an index or constraint of the bundle is made: a call that was cut off has left it
            CROSS JOIN LATERAL regexp_match(i ->> 'object', E'^((?:index|constraint) .*\\.)("(?:[^"]|"")+"|[^".]+)$') m (part)
            WHERE i ->> 'part' IN ('change', 'left out', 'in the way')
              AND concat_ws(' ', e ->> 'kind', e ->> 'object')
                  IN (i ->> 'object', m.part[1] || quote_ident(schemaguard.sg_sync_new_name((parse_ident(m.part[2]))[1]))))
$function$;
COMMENT ON FUNCTION schemaguard.sg_promotion_strange(text, text)
    IS 'returns what would be changed and is not in the bundle; null: nothing';

-- Returns the rows of sg_promotion_check(): the bundle's state, the run in a scratch database, and the rows of this database
CREATE FUNCTION schemaguard.sg_promotion_findings(bundle text, OUT result text, OUT part text, OUT object text, OUT reason text)
RETURNS SETOF record
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET standard_conforming_strings = on
SET client_min_messages = error
AS $function$
#variable_conflict use_column
DECLARE
    p       schemaguard.promotion;
    way     record;
    schemas text[];
    name    text;
    list    jsonb;
    blocked jsonb;
    scratch jsonb;
    looked  jsonb;
    failed  text;
BEGIN
    SELECT x.* INTO p FROM schemaguard.promotion x WHERE x.bundle = sg_promotion_findings.bundle;
    SELECT x.* INTO way FROM schemaguard.sg_promotion_problem(sg_promotion_findings.bundle) x;
    IF way.cause = ANY ('{bundle,moved}') THEN
        RETURN QUERY SELECT 'fail', 'bundle', schemaguard.sg_cut(p.bundle, 40, 18), concat_ws(E'\n', way.problem, way.hint);
        RETURN;
    END IF;
    schemas := (SELECT array_agg(s) FROM jsonb_array_elements_text(nullif(p.options -> 'schemas', 'null')) s);
    BEGIN
        name := schemaguard.sg_promotion_import(p.bundle);
        list := schemaguard.sg_sync_list(name, 'live', schemas, (p.options ->> 'allow_drop')::boolean, false, p.options ->> 'renames', true,
            false);
        blocked := schemaguard.sg_sync_blocked(list);
        looked := (SELECT coalesce(jsonb_agg(jsonb_build_object('object', 'rows ' || l.table_name, 'reason', x.reason, 'result',
                CASE l.what WHEN 'unknown' THEN 'unknown' ELSE 'fail' END) ORDER BY l.place, l.table_name), '[]')
            FROM schemaguard.sg_sync_lookup(name, 'live', schemas, false, (p.options ->> 'allow_drop')::boolean) l CROSS JOIN LATERAL (
                SELECT CASE WHEN l.what = 'unknown' THEN concat(l.told, E'\nLet the roles that ask read it, on both sides, or name it no '
                    'more:\n', format('DELETE FROM schemaguard.lookup_table WHERE table_name = %L;', l.table_name))
                    WHEN l.definition IS NOT NULL THEN schemaguard.sg_rows_foreseen(l.table_name, l.key_columns, l.step) END) x (reason)
            WHERE x.reason IS NOT NULL AND (l.what <> 'deleted' OR (p.options ->> 'allow_drop')::boolean));
        BEGIN
            EXECUTE format('SELECT coalesce(jsonb_agg(to_jsonb(d)), ''[]'') FROM '
                '%s.sg_sync_check_details($1, ''live'', $2, $3, false, NULL, $4) d WHERE NOT d.left_out',
                schemaguard.sg_schema()) INTO scratch
                USING name, schemas, (p.options ->> 'allow_drop')::boolean, p.options ->> 'renames';
        EXCEPTION WHEN insufficient_privilege OR object_not_in_prerequisite_state OR feature_not_supported OR undefined_object
                OR connection_exception OR sqlclient_unable_to_establish_sqlconnection THEN
            failed := SQLERRM;
        END;
        -- no snapshot stays
        RAISE SQLSTATE 'SG000';
    EXCEPTION
        WHEN SQLSTATE 'SG000' THEN NULL;
        WHEN insufficient_privilege THEN
            RETURN QUERY SELECT 'unknown', 'bundle', schemaguard.sg_cut(p.bundle, 40, 18), SQLERRM;
            RETURN;
    END;
    RETURN QUERY SELECT CASE WHEN failed IS NULL THEN 'pass' ELSE 'unknown' END, 'scratch', NULL::text,
        coalesce(failed, format('%s changes do in a scratch database what they should', (SELECT count(*)
            FROM jsonb_array_elements(p.content -> 'items') i WHERE i ->> 'part' = 'change' AND i ->> 'object' NOT LIKE 'rows %')))
        WHERE failed IS NOT NULL OR scratch = '[]';
    RETURN QUERY SELECT CASE d ->> 'class' WHEN 'unknown' THEN 'unknown' ELSE 'fail' END, 'scratch',
        schemaguard.sg_cut(concat_ws(' ', d ->> 'kind', d ->> 'object'), 40, 18),
        concat_ws(': ', d ->> 'change', d ->> 'property', d ->> 'detail')
        FROM jsonb_array_elements(scratch) d;
    RETURN QUERY SELECT DISTINCT 'fail', 'rows', schemaguard.sg_cut(concat_ws(' ', e ->> 'kind', e ->> 'object'), 40, 18),
        blocked ->> (e ->> 'n')
        FROM jsonb_array_elements(list) e WHERE blocked ? (e ->> 'n');
    RETURN QUERY SELECT l ->> 'result', 'rows', schemaguard.sg_cut(l ->> 'object', 40, 18), l ->> 'reason'
        FROM jsonb_array_elements(looked) l;
    RETURN QUERY SELECT 'pass', 'rows', NULL::text, 'no row of this database is in the way' WHERE blocked = '{}' AND looked = '[]';
END
$function$;
COMMENT ON FUNCTION schemaguard.sg_promotion_findings(text)
    IS 'does the work of sg_promotion_check()';

CREATE FUNCTION sg_promotion_check(bundle text, OUT result text, OUT part text, OUT object text, OUT reason text)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_promotion_check';
COMMENT ON FUNCTION sg_promotion_check(text)
    IS 'runs a bundle in a scratch database, and against the rows of this one';

-- Returns fail if a test of users fails or an object of the bundle still differs from the snapshot, unknown if a test can't be judged,
-- else pass. Detail: up to ten of these objects, and the tests. Writes the history of drift.
CREATE FUNCTION schemaguard.sg_promotion_gate(bundle text, reference text, OUT result text, OUT detail text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $function$
#variable_conflict use_column
DECLARE
    p          schemaguard.promotion;
    schemas    text[];
    allow_drop boolean;
    looked     jsonb;
    drift      text[];
    rows       text[];
BEGIN
    SELECT x.* INTO p FROM schemaguard.promotion x WHERE x.bundle = sg_promotion_gate.bundle;
    schemas := (SELECT array_agg(s) FROM jsonb_array_elements_text(nullif(p.options -> 'schemas', 'null')) s);
    allow_drop := (p.options ->> 'allow_drop')::boolean;
    -- writes the history of drift and notifies listeners
    EXECUTE format('SELECT %s.sg_drift_check($1)', schemaguard.sg_schema()) USING reference;
    looked := (SELECT coalesce(jsonb_agg(to_jsonb(l)), '[]')
        FROM schemaguard.sg_sync_lookup(reference, 'live', schemas, false, allow_drop) l);
    EXECUTE format('SELECT array_agg(DISTINCT concat_ws('' '', ''drift:'', d.change, d.kind, d.object)) FROM '
        '%s.sg_drift_details($1, ''live'', $2) d WHERE d.class = ANY (''{drift,unknown}'') AND $3 @> jsonb_build_array(jsonb_build_object('
        '''part'', ''change'', ''object'', d.kind || '' '' || d.object)) AND NOT $3 @> jsonb_build_array(jsonb_build_object('
        '''part'', ''in the way'', ''object'', d.kind || '' '' || d.object)) '
        -- rows that a bundle leaves there, without allow_drop, and those of which it tells that it leaves them alone
        'AND NOT (d.kind = ''rows'' AND (d.detail ~ ''^[0-9]+ extra \('' OR d.object = ANY ($4)))', schemaguard.sg_schema()) INTO drift
        USING reference, schemas, p.content -> 'items',
            ARRAY(SELECT l ->> 'table_name' FROM jsonb_array_elements(looked) l GROUP BY 1
                HAVING bool_and(l -> 'definition' = 'null' OR l ->> 'what' = 'deleted' AND NOT allow_drop));
    rows := ARRAY(SELECT format('unknown: rows %s: %s', l ->> 'table_name', l ->> 'told')
        FROM jsonb_array_elements(looked) WITH ORDINALITY x (l, n) WHERE l -> 'definition' = 'null' ORDER BY x.n);
    SELECT CASE WHEN drift IS NOT NULL OR bool_or(s.result = 'fail') THEN 'fail' WHEN rows <> '{}' OR bool_or(s.result = 'unknown')
            THEN 'unknown' ELSE 'pass' END,
        nullif(concat_ws(E'\n', nullif(array_to_string(drift[:10] || rows[:10], E'\n'), ''),
            string_agg(format('test %I: %s', s.fk_name, concat_ws(', ', s.result,
            'expected ' || s.expected, 'observed ' || s.observed, s.reason)), E'\n' ORDER BY s.fk_name)
            FILTER (WHERE s.result = ANY ('{fail,unknown}'))), '')
        INTO result, detail FROM schemaguard.sg_smoke_run() s;
END
$function$;
COMMENT ON FUNCTION schemaguard.sg_promotion_gate(text, text)
    IS 'returns what users'' tests and drift say when a bundle is applied';

CREATE PROCEDURE sg_promote_apply(bundle text, confirm text DEFAULT NULL, fix boolean DEFAULT false, max_rows bigint DEFAULT NULL,
                                  fail boolean DEFAULT true)
LANGUAGE c
AS 'MODULE_PATHNAME', 'sg_promote_apply';
COMMENT ON PROCEDURE sg_promote_apply(text, text, boolean, bigint, boolean)
    IS 'applies a bundle by a plan, runs tests, looks for drift, and tells the source';

CREATE PROCEDURE sg_promote_rollback(bundle text, confirm text DEFAULT NULL)
LANGUAGE c
AS 'MODULE_PATHNAME', 'sg_promote_rollback';
COMMENT ON PROCEDURE sg_promote_rollback(text, text)
    IS 'takes back what a bundle has changed, and tells the source';

CREATE FUNCTION schemaguard.sg_promotion_note(bundle text, target text, outcome text, hash text)
RETURNS text
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_promotion_note';
COMMENT ON FUNCTION schemaguard.sg_promotion_note(text, text, text, text)
    IS 'writes into the log of a source what has become of a bundle in another database';
