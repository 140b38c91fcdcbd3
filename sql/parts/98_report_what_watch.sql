-- Findings of a watch, as rows and in a report

-- Returns worsened figures first, then those that nobody can tell. Texts of statements are those that pg_stat_statements shows to the
-- caller.
CREATE FUNCTION schemaguard.sg_watch_rows(plan text, OUT result text, OUT metric text, OUT "limit" text, OUT before numeric,
    OUT now numeric, OUT change numeric, OUT since timestamptz, OUT reason text)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL UNSAFE
BEGIN ATOMIC
    WITH rule AS MATERIALIZED (
        SELECT r.*, split_part(r.target, ' ', 1) AS operator, split_part(r.target, ' ', 2)::numeric AS bound
        FROM schemaguard.sg_go_rules(sg_watch_rows.plan) r WHERE starts_with(r.metric, 'watch: ')),
    statement AS MATERIALIZED (
        SELECT s.* FROM schemaguard.sg_watch_statements(sg_watch_rows.plan) s),
    row AS (
        SELECT CASE r.verdict WHEN 'unknown' THEN 'unknown' WHEN 'go' THEN 'pass' ELSE 'fail' END AS result,
               substr(r.metric, 8) AS metric, r.target, m.before, m.now, r.actual AS change,
               CASE WHEN r.verdict NOT IN ('go', 'unknown')
                    THEN (SELECT min((p.value ->> 0)::timestamptz) FROM jsonb_array_elements(m.points) p (value)
                          WHERE schemaguard.sg_go_holds((p.value ->> 1)::numeric, r.operator, r.bound) = false) END AS since,
               r.reason
        FROM rule r LEFT JOIN schemaguard.sg_watch_measured(sg_watch_rows.plan) m ON m.metric = r.metric
        UNION ALL
        SELECT 'fail', 'statement ' || l.id, r.target, l.before, l.now, l.change,
               (SELECT min(s.at) FROM statement s WHERE s.id = l.id AND schemaguard.sg_go_holds(s.change, r.operator, r.bound) = false),
               format('milliseconds for a call, of %s calls', l.calls)
        FROM rule r JOIN statement l ON l.newest
        WHERE r.metric = 'watch: a statement, per cent slower' AND r.verdict NOT IN ('go', 'unknown')
          AND schemaguard.sg_go_holds(l.change, r.operator, r.bound) = false
        UNION ALL
        SELECT 'unknown', 'statements', NULL, NULL, NULL, NULL, NULL, x.statements ->> 'missing'
        FROM (SELECT s.figures -> 'statements' AS statements FROM schemaguard.sg_watch_samples(sg_watch_rows.plan) s
              WHERE s.after ORDER BY s.id DESC LIMIT 1) x
        WHERE x.statements ? 'absent'
        UNION ALL
        SELECT 'unknown', 'time that does not count', NULL, NULL, count(*), NULL, min(p.at),
               'samples between which statistics were reset, or the clock was set back'
        FROM schemaguard.sg_watch_pairs(sg_watch_rows.plan) p WHERE p.after AND p.hours IS NULL HAVING count(*) > 0
        UNION ALL
        SELECT 'unknown', 'errors of new keys', NULL, NULL, NULL, NULL, NULL,
               'the server counts no errors by their kind; each is a rollback: its log has them with 23503 or 23001, and the key''s name')
    SELECT o.result, o.metric, o.target, o.before, o.now, o.change, date_trunc('second', o.since), o.reason
    FROM row o ORDER BY array_position('{fail,unknown,pass}', o.result), o.metric ~ '^statement', o.change DESC, o.metric COLLATE "C";
END;
COMMENT ON FUNCTION schemaguard.sg_watch_rows(text) IS 'returns the rows of sg_watch() for a plan that has a watch';

CREATE FUNCTION schemaguard.sg_watch_body(plan text, OUT result text, OUT metric text, OUT "limit" text, OUT before numeric,
    OUT now numeric, OUT change numeric, OUT since timestamptz, OUT reason text)
RETURNS SETOF record
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
SET jit = off SET row_security = on
AS $$
DECLARE
    watched text := (SELECT w.name FROM schemaguard.sg_watch_last(plan) w);
    newest  text;
    there   text := CASE WHEN pg_is_in_recovery() THEN ', on the primary' ELSE '' END;
BEGIN
    IF watched IS NULL THEN
        IF plan IS NOT NULL THEN
            PERFORM schemaguard.sg_go_figures(plan);        -- raises where there is no such plan
        END IF;
        newest := coalesce(plan, (SELECT p.name FROM schemaguard.plan p ORDER BY p.created_at DESC LIMIT 1));
        RAISE EXCEPTION USING ERRCODE = 'undefined_object',
            MESSAGE = CASE WHEN plan IS NULL THEN 'no plan is watched' ELSE format('plan "%s" is not watched', plan) END,
            HINT = CASE WHEN newest IS NULL AND NOT has_function_privilege('schemaguard.sg_write()', 'EXECUTE') THEN
                    format('Role "%s" can read no plan, and make none. As a superuser, in this database:' || E'\n'
                           || 'SELECT %s.sg_grant(%L);', current_user, schemaguard.sg_schema(), current_user)
                WHEN newest IS NULL
                    THEN format(E'Make a plan first%s:\nSELECT %s.sg_plan_create(''plan'');', there, schemaguard.sg_schema())
                ELSE format(E'Begin before it runs%s:\nSELECT %s.sg_watch_start(%L);', there, schemaguard.sg_schema(), newest) END;
    END IF;
    RETURN QUERY SELECT r.* FROM schemaguard.sg_watch_rows(watched) r;
END $$;
COMMENT ON FUNCTION schemaguard.sg_watch_body(text) IS 'does the work of sg_watch()';

CREATE FUNCTION sg_watch(plan text DEFAULT NULL, OUT result text, OUT metric text, OUT "limit" text, OUT before numeric, OUT now numeric,
    OUT change numeric, OUT since timestamptz, OUT reason text)
RETURNS SETOF record
LANGUAGE c STABLE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_body';
COMMENT ON FUNCTION sg_watch(text)
    IS 'returns figures that got worse since a plan''s watch began, since when and by how much; without a plan: the last watch';

CREATE FUNCTION schemaguard.sg_report_watch(plan text) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL UNSAFE
BEGIN ATOMIC
    SELECT schemaguard.sg_page_section(coalesce((SELECT format('%s hours after', round(extract(epoch FROM w.ends_at - w.started_at) / 3600))
                                                 FROM schemaguard.sg_watch_last(sg_report_watch.plan) w), 'After'),
        coalesce((SELECT format('Watched from %s until %s, begun by role %s. Samples since: %s; before: %s.',
                                schemaguard.sg_page_time(w.started_at), schemaguard.sg_page_time(w.ends_at), w.role,
                                -- the first one is of before and after
                                (SELECT greatest(count(*) - 1, 0) FROM schemaguard.sg_watch_samples(w.name) s WHERE s.after),
                                (SELECT count(*) FROM schemaguard.sg_watch_samples(w.name) s WHERE NOT s.after))
                  FROM schemaguard.sg_watch_last(sg_report_watch.plan) w), 'The plan is not watched.'),
        '{Result,Figure,Limit,Before,Now,Worse by,Since,Reason}',
        (SELECT jsonb_agg(jsonb_build_array(r.result, r.metric, r.limit, r.before, r.now, r.change, schemaguard.sg_page_time(r.since),
                                            r.reason) ORDER BY r.ordinality)
         FROM schemaguard.sg_watch_last(sg_report_watch.plan) w
              CROSS JOIN LATERAL schemaguard.sg_watch_rows(w.name) WITH ORDINALITY r));
END;
COMMENT ON FUNCTION schemaguard.sg_report_watch(text) IS 'section of a report: figures of the application since the plan ran';
