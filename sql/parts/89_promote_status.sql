-- Promotion: what users call, and where each bundle stands

-- Returns what keeps a bundle from being applied now, the first that applies, and what to do; null: nothing does. Cause: bundle, approval,
-- window, backup or moved.
CREATE FUNCTION schemaguard.sg_promotion_problem(bundle text, OUT cause text, OUT problem text, OUT hint text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $function$
#variable_conflict use_variable
DECLARE
    here  CONSTANT text := schemaguard.sg_schema();
    p     schemaguard.promotion;
    e     schemaguard.environment;
    again text;
BEGIN
    SELECT x.* INTO p FROM schemaguard.promotion x WHERE x.bundle = sg_promotion_problem.bundle;
    SELECT x.* INTO e FROM schemaguard.environment x WHERE x.name = p.target;
    again := format(E'Make another one:\nSELECT * FROM %s.sg_promote(%L, %L);', here, p.source, p.target);
    IF p.bundle IS NULL THEN
        cause := 'bundle';
        problem := 'there is no such bundle, or it is not for you to read';
        hint := format(E'What waits:\nSELECT * FROM %s.sg_promotion_status();', here);
    ELSIF p.state = ANY ('{replaced,applied,rolled back}') THEN
        cause := 'bundle';
        problem := CASE p.state WHEN 'replaced' THEN 'a later bundle has taken its place' ELSE 'it is ' || p.state END;
        hint := again;
    ELSIF p.place <> schemaguard.sg_place() OR e.name IS NULL OR e.server IS NOT NULL THEN
        cause := 'bundle';
        problem := format('it is for environment %I, which is not this database', p.target);
        hint := again;
    ELSIF schemaguard.sg_promotion_hash(p) <> p.hash THEN
        cause := 'bundle';
        problem := 'it is not what its author has made: the tables of schemaguard were changed directly';
        hint := again;
    ELSIF (e.protected OR current_setting('schemaguard.require_approval')::boolean) AND p.approved_hash IS DISTINCT FROM p.hash THEN
        cause := 'approval';
        problem := 'nobody has approved it';
        hint := format(E'As another role than %I, after a look at it:\nSELECT %s.sg_promotion_approve(%L, %L);', p.author, here, p.bundle,
            p.hash);
    ELSIF schemaguard.sg_window_opens(e."window", now()) IS DISTINCT FROM now() AND e."window" IS NOT NULL THEN
        cause := 'window';
        problem := format('the window of %I opens %s', e.name, schemaguard.sg_window_opens(e."window", now()));
        hint := format('The window is %s. The owner of the database can change it in schemaguard.environment.', e."window");
    ELSIF schemaguard.sg_backup_problem() IS NOT NULL THEN
        cause := 'backup';
        problem := schemaguard.sg_backup_problem();
        hint := 'Take a backup, restore it elsewhere, and record it (function sg_backup_record).';
    ELSIF p.state = 'waiting' AND p.digest <> schemaguard.sg_promotion_digest(
            (SELECT array_agg(s) FROM jsonb_array_elements_text(nullif(p.options -> 'schemas', 'null')) s)) THEN
        cause := 'moved';
        problem := format('%I is not what it was when the bundle was made', p.target);
        hint := again;
    END IF;
END
$function$;
COMMENT ON FUNCTION schemaguard.sg_promotion_problem(text)
    IS 'returns what keeps a bundle from being applied now, and what to do; null: nothing does';

-- Returns by how many objects an environment is ahead of and behind another one. Foreign servers and what leads there are no part of a
-- schema. What one has otherwise than the other counts as ahead.
CREATE FUNCTION schemaguard.sg_promotion_distance(server text, other text, OUT ahead bigint, OUT behind bigint, OUT problem text)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $function$
BEGIN
    EXECUTE format('SELECT count(*) FILTER (WHERE x.a <> ''missing'' AND x.b <> ''present''), count(*) FILTER (WHERE x.a = ''missing''), '
        'string_agg(m.object || '': '' || m.detail, ''; '') FILTER (WHERE m.kind = ''environment'') '
        'FROM %s.sg_drift_matrix(ARRAY[$1, $2]) m CROSS JOIN LATERAL (SELECT m.states ->> $1 AS a, m.states ->> $2 AS b) x '
        'WHERE m.kind <> ALL (''{foreign server,foreign data wrapper,user mapping,subscription}'') '
        'AND NOT (m.kind = ''extension'' AND m.object = ANY (''{dblink,schemaguard}'')) '
        'AND NOT starts_with(m.object, ''schemaguard.'')', schemaguard.sg_schema())
        INTO ahead, behind, problem USING coalesce(server, 'live'), coalesce(other, 'live');
    IF problem IS NOT NULL THEN
        ahead := NULL;
        behind := NULL;
    END IF;
EXCEPTION WHEN undefined_object OR insufficient_privilege OR invalid_parameter_value OR connection_exception
        OR sqlclient_unable_to_establish_sqlconnection THEN
    problem := SQLERRM;
END
$function$;
COMMENT ON FUNCTION schemaguard.sg_promotion_distance(text, text)
    IS 'returns by how many objects an environment is ahead of and behind another one';

-- Returns the next call of a bundle that waits; null: that is for its source to say
CREATE FUNCTION schemaguard.sg_promotion_call(p schemaguard.promotion, cause text, hint text)
RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
RETURN CASE WHEN p.state = 'waiting' AND p.checked_at IS NULL AND coalesce(cause, 'approval') = 'approval'
        THEN format('SELECT * FROM %s.sg_promotion_check(%L);', schemaguard.sg_schema(), p.bundle)
    WHEN cause IS NULL THEN format('CALL %s.sg_promote_apply(%L);', schemaguard.sg_schema(), p.bundle)
    ELSE nullif(split_part(hint, E'\n', 2), '') END;
COMMENT ON FUNCTION schemaguard.sg_promotion_call(schemaguard.promotion, text, text)
    IS 'returns the next call of a bundle that waits';

CREATE FUNCTION schemaguard.sg_promotion_status_body(OUT environment text, OUT ahead bigint, OUT behind bigint, OUT waiting bigint,
    OUT since timestamptz, OUT author text, OUT blocked_by text, OUT next_call text)
RETURNS SETOF record
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
SET client_min_messages = warning
AS $function$
#variable_conflict use_variable
DECLARE
    here CONSTANT text := schemaguard.sg_schema();
    before text;                                -- an environment that the one at hand takes over from, and is behind
    e    schemaguard.environment;
    n    schemaguard.environment;
    p    schemaguard.promotion;
    d    record;
    way  record;
BEGIN
    FOR e IN SELECT x.* FROM schemaguard.environment x
            ORDER BY cardinality(schemaguard.sg_environment_path(x.name)) DESC, x.server IS NULL, x.name LOOP
        SELECT x.* INTO n FROM schemaguard.environment x WHERE x.name = e.next;
        SELECT x.* INTO d FROM schemaguard.sg_promotion_distance(e.server, n.server) x WHERE n.name IS NOT NULL;
        SELECT x.* INTO p FROM schemaguard.promotion x WHERE x.target = e.name AND x.state = ANY ('{waiting,applying}')
            AND e.server IS NULL ORDER BY x.state, x.approved_hash IS DISTINCT FROM x.hash, x.id DESC LIMIT 1;
        SELECT x.* INTO way FROM schemaguard.sg_promotion_problem(p.bundle) x WHERE p.bundle IS NOT NULL;
        environment := e.name;
        ahead := d.ahead;
        behind := d.behind;
        waiting := (SELECT count(*) FROM jsonb_array_elements(p.content -> 'items') i WHERE i ->> 'part' = 'change'
            HAVING p.bundle IS NOT NULL);
        since := date_trunc('minute', p.created_at);
        author := schemaguard.sg_cut(p.author, 16);
        blocked_by := schemaguard.sg_cut(coalesce(way.problem, d.problem,
            CASE WHEN e.next IS NOT NULL AND n.name IS NULL THEN format('there is no environment %I', e.next) END), 32);
        next_call := CASE WHEN p.bundle IS NOT NULL THEN schemaguard.sg_promotion_call(p, way.cause, way.hint)
            WHEN before IS NOT NULL AND e.server IS NULL THEN format('SELECT * FROM %s.sg_promote(%L, %L);', here, before, e.name)
            WHEN before IS NOT NULL OR d.behind > 0 AND e.server IS NOT NULL
                THEN format('-- in %s: SELECT * FROM %s.sg_promotion_status();', e.name, here)
            WHEN d.behind > 0 THEN format('SELECT * FROM %s.sg_promote(%L, %L);', here, n.name, e.name) END;
        before := CASE WHEN d.ahead > 0 THEN e.name END;
        RETURN NEXT;
    END LOOP;
END
$function$;
COMMENT ON FUNCTION schemaguard.sg_promotion_status_body()
    IS 'does the work of sg_promotion_status()';

CREATE FUNCTION sg_promotion_status(OUT environment text, OUT ahead bigint, OUT behind bigint, OUT waiting bigint,
    OUT since timestamptz, OUT author text, OUT blocked_by text, OUT next_call text)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_body';
COMMENT ON FUNCTION sg_promotion_status()
    IS 'tells for each environment what waits for it, what is in the way, and what to call next';

CREATE FUNCTION sg_promote(source text, target text, reference text DEFAULT NULL, schemas schemaguard.names DEFAULT NULL,
                           allow_drop boolean DEFAULT false, renames text DEFAULT 'ask', files jsonb DEFAULT '{}',
                           OUT bundle text, OUT changes bigint, OUT left_out bigint, OUT losses bigint, OUT findings bigint,
                           OUT hash text, OUT next_call text)
RETURNS record
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_promote';
COMMENT ON FUNCTION sg_promote(text, text, text, schemaguard.names, boolean, text, jsonb)
    IS 'makes a bundle of what an environment has and this database lacks, with all that is to be known before';

CREATE FUNCTION sg_promotion_approve(bundle text, hash text)
RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_promotion_approve';
COMMENT ON FUNCTION sg_promotion_approve(text, text)
    IS 'approves a bundle that has this hash; refused to roles that made it';
