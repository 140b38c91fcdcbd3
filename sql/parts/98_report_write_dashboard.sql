-- A dashboard: one page over this database and its environments, of what calls have stored. It compares, audits and lints nothing itself.
-- A section that links lead to has an id; 98_report_write.sql writes the page.

-- This database, snapshots, and foreign servers that checks for drift have compared: those of the names, or the newest ones
CREATE FUNCTION schemaguard.sg_dashboard_environments(
    names text[], OUT n bigint, OUT name text, OUT taken_at timestamptz, OUT role text, OUT server text, OUT database text,
    OUT objects bigint, OUT unknown bigint)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL UNSAFE
BEGIN ATOMIC
    WITH known AS (
        SELECT 0 AS kind, 'live' AS name, now() AS at
        UNION ALL SELECT 1, s.name, s.taken_at FROM schemaguard.snapshot s
        UNION ALL
        SELECT 2, d.name, max(r.at)
        FROM schemaguard.drift_run r CROSS JOIN LATERAL (VALUES (r.reference), (r.target)) d (name)
        WHERE d.name IN (SELECT f.srvname FROM pg_foreign_server f) GROUP BY d.name),
    chosen AS (
        SELECT DISTINCT ON (k.name) k.name, k.at, k.kind, a.place
        FROM known k LEFT JOIN unnest(names) WITH ORDINALITY a (name, place) ON a.name = k.name
        WHERE names IS NULL OR a.name IS NOT NULL ORDER BY k.name, k.kind, a.place)
    SELECT row_number() OVER (ORDER BY c.place, c.kind, c.at DESC, c.name COLLATE "C"), c.name, s.taken_at, s.role, s.server, s.database,
           s.objects, s.unknown
    FROM chosen c LEFT JOIN schemaguard.snapshot s ON s.name = c.name AND c.kind = 1
    ORDER BY c.place, c.kind, c.at DESC, c.name COLLATE "C" LIMIT CASE WHEN names IS NULL THEN 20 END;
END;
COMMENT ON FUNCTION schemaguard.sg_dashboard_environments(text[]) IS 'returns the environments of a dashboard, numbered';

-- The last check of each comparison between them, by whichever role
CREATE FUNCTION schemaguard.sg_dashboard_checks(
    names text[], OUT id text, OUT reference text, OUT target text, OUT role text, OUT at timestamptz, OUT drifts bigint, OUT level int)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL UNSAFE
BEGIN ATOMIC
    WITH environment AS MATERIALIZED (
        SELECT e.name FROM schemaguard.sg_dashboard_environments(names) e)
    SELECT 'drift.' || row_number() OVER (ORDER BY l.reference COLLATE "C", l.target COLLATE "C"), l.*
    FROM (SELECT DISTINCT ON (d.reference, d.target) d.reference, d.target, d.role, d.at, d.drifts, d.level
          FROM schemaguard.sg_drift_last() d
          WHERE d.reference IN (SELECT e.name FROM environment e) AND d.target IN (SELECT e.name FROM environment e)
          ORDER BY d.reference, d.target, d.at DESC) l;
END;
COMMENT ON FUNCTION schemaguard.sg_dashboard_checks(text[]) IS 'returns the last check for drift between each two environments';

CREATE FUNCTION schemaguard.sg_page_link(text text, "to" text) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN text IS NOT NULL THEN jsonb_build_object('text', text, 'to', "to") END;
COMMENT ON FUNCTION schemaguard.sg_page_link(text, text)
    IS 'returns a value of a page with a link to the section of that id; null: no link';

-- Each cell leads to what it is about. What nobody has stored is empty.
CREATE FUNCTION schemaguard.sg_dashboard_matrix(names text[]) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL UNSAFE
BEGIN ATOMIC
    WITH environment AS MATERIALIZED (
        SELECT e.* FROM schemaguard.sg_dashboard_environments(names) e),
    checked AS MATERIALIZED (
        SELECT c.* FROM schemaguard.sg_dashboard_checks(names) c),
    reference AS (
        SELECT e.n, e.name FROM environment e WHERE e.name IN (SELECT c.reference FROM checked c)),
    here AS MATERIALIZED (
        SELECT schemaguard.sg_figures() AS counts, schemaguard.sg_health_keys() AS keys,
               (SELECT CASE max(array_position('{ok,attention,failing}', s.state))
                           WHEN 3 THEN 'failing' WHEN 2 THEN 'attention' ELSE 'ok' END FROM schemaguard.sg_health_status() s) AS state
        FROM environment e WHERE e.name = 'live'),
    counted AS (
        SELECT e.name, t.tables, t.keys, t.loose
        FROM environment e CROSS JOIN LATERAL (
            SELECT count(*) FILTER (WHERE o.kind = 'table') AS tables,
                   count(*) FILTER (WHERE o.kind = 'constraint' AND o.properties ->> 'type' = 'f') AS keys,
                   count(*) FILTER (WHERE o.kind = 'constraint' AND o.properties ->> 'type' = 'f'
                                      AND o.properties ->> 'validated' = 'false') AS loose
            FROM schemaguard.snapshot_object o
            WHERE o.snapshot = e.name AND o.kind IN ('table', 'constraint') AND NOT o.properties ? 'extension') t
        WHERE e.taken_at IS NOT NULL
        UNION ALL
        SELECT 'live', (h.counts ->> 'tables')::bigint, (h.counts ->> 'foreign keys')::bigint,
               (h.counts ->> 'foreign keys')::bigint - (h.counts ->> 'foreign keys, validated')::bigint FROM here h)
    SELECT jsonb_build_object('title', 'Environments', 'id', 'environments',
        'note', 'Drift: differences that the last check has found, compared with the environment above the column.',
        'columns', to_jsonb('{Environment,State,As of,Tables,Foreign keys,Not valid}'::text[])
                   || coalesce((SELECT jsonb_agg('Drift from ' || r.name ORDER BY r.n) FROM reference r), '[]'),
        'rows', coalesce(jsonb_agg(jsonb_build_array(
            schemaguard.sg_page_link(e.name, CASE WHEN e.name = 'live' THEN 'status' ELSE 'environment.' || e.n END),
            CASE WHEN e.name = 'live' THEN (SELECT schemaguard.sg_page_link(h.state, 'status') FROM here h) END,
            schemaguard.sg_page_time(CASE WHEN e.name = 'live' THEN now() ELSE e.taken_at END),
            schemaguard.sg_page_link(c.tables::text, CASE WHEN e.name = 'live' THEN 'figures' ELSE 'environment.' || e.n END),
            schemaguard.sg_page_link(c.keys::text, CASE WHEN e.name = 'live' THEN 'figures' ELSE 'environment.' || e.n END),
            schemaguard.sg_page_link(c.loose::text, CASE WHEN e.name = 'live' THEN 'findings' ELSE 'environment.' || e.n END))
            || coalesce((SELECT jsonb_agg((SELECT schemaguard.sg_page_link(d.drifts::text, d.id) FROM checked d
                                           WHERE d.reference = r.name AND d.target = e.name) ORDER BY r.n) FROM reference r), '[]')
            ORDER BY e.n), '[]'))
    FROM environment e LEFT JOIN counted c ON c.name = e.name;
END;
COMMENT ON FUNCTION schemaguard.sg_dashboard_matrix(text[]) IS 'section of a dashboard: environments, with their drift from one another';

CREATE FUNCTION schemaguard.sg_dashboard_snapshots(names text[]) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL UNSAFE
BEGIN ATOMIC
    SELECT coalesce(jsonb_agg(schemaguard.sg_page_section('Snapshot ' || e.name,
        format('Of database %s%s, taken by role %s, %s. Objects: %s, of which could not be read in full: %s.', e.database,
               coalesce(' of server ' || e.server, ''), e.role, schemaguard.sg_page_time(e.taken_at), e.objects, e.unknown),
        '{Kind,Objects}',
        (SELECT jsonb_agg(jsonb_build_array(k.kind, k.n) ORDER BY k.kind COLLATE "C")
         FROM (SELECT o.kind, count(*) AS n FROM schemaguard.snapshot_object o WHERE o.snapshot = e.name GROUP BY o.kind) k))
        || jsonb_build_object('id', 'environment.' || e.n) ORDER BY e.n), '[]')
    FROM schemaguard.sg_dashboard_environments(names) e WHERE e.taken_at IS NOT NULL;
END;
COMMENT ON FUNCTION schemaguard.sg_dashboard_snapshots(text[]) IS 'sections of a dashboard: contents of snapshots';

CREATE FUNCTION schemaguard.sg_dashboard_drift(names text[]) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL UNSAFE
BEGIN ATOMIC
    SELECT coalesce(jsonb_agg(schemaguard.sg_page_section(format('Drift of %s from %s', c.target, c.reference),
        format('Checked by role %s, %s. Where DDL is caught, the detail has the last command and who ran it.', c.role,
               schemaguard.sg_page_time(c.at)),
        '{Result,Kind,Object,Property,Change,Risk,Since,Detail}', f.rows)
        || jsonb_build_object('id', c.id) ORDER BY c.reference COLLATE "C", c.target COLLATE "C"), '[]')
    FROM schemaguard.sg_dashboard_checks(names) c
         CROSS JOIN LATERAL (
             SELECT jsonb_agg(jsonb_build_array(f.result, f.kind, f.object, f.property, f.change, f.risk,
                        schemaguard.sg_page_time(f.first_seen), f.detail)
                        ORDER BY f.object COLLATE "C", f.kind, f.property COLLATE "C", f.id) AS rows
             FROM schemaguard.finding f
             WHERE f.source = 'drift' AND f.gone_at IS NULL AND f.role = c.role AND f.reference = c.reference AND f.target = c.target) f;
END;
COMMENT ON FUNCTION schemaguard.sg_dashboard_drift(text[]) IS 'sections of a dashboard: findings of checks for drift';

CREATE FUNCTION schemaguard.sg_dashboard_found(source text, title text, id text, note text) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL UNSAFE
BEGIN ATOMIC
    SELECT schemaguard.sg_page_section(title, note, '{Result,Kind,Object,Rule or key,Rows,Since,Last seen,Role,Accepted until,Detail}',
        jsonb_agg(jsonb_build_array(f.result, f.kind, f.object, f.property, f.count, schemaguard.sg_page_time(f.first_seen),
                      schemaguard.sg_page_time(f.last_seen), f.role, schemaguard.sg_page_time(f.accepted_until), f.detail)
                  ORDER BY f.accepted_until IS NOT NULL, f.first_seen DESC, f.object COLLATE "C", f.property COLLATE "C", f.id))
        || jsonb_build_object('id', sg_dashboard_found.id)
    FROM schemaguard.finding f WHERE f.source = sg_dashboard_found.source AND f.gone_at IS NULL AND f.place = schemaguard.sg_place();
END;
COMMENT ON FUNCTION schemaguard.sg_dashboard_found(text, text, text, text) IS 'section of a dashboard: findings that are not gone';

CREATE FUNCTION schemaguard.sg_dashboard_audits() RETURNS jsonb
LANGUAGE sql STABLE PARALLEL UNSAFE
BEGIN ATOMIC
    WITH day AS (
        SELECT l.at::date AS day, count(*) AS keys, count(*) FILTER (WHERE l.orphan_rows > 0) AS broken, sum(l.orphan_rows) AS rows,
               count(DISTINCT l.run_id) AS runs, string_agg(DISTINCT l.role, ', ') AS roles
        FROM schemaguard.audit_log l WHERE l.action = 'audit' AND l.phase = 'done' GROUP BY l.at::date ORDER BY l.at::date DESC LIMIT 60)
    SELECT schemaguard.sg_page_section('Audits', 'Of the last 60 days on which keys were audited, by schemaguard.audit_log.',
        '{Day,Calls,Keys judged,With orphans,Orphan rows,Roles}',
        jsonb_agg(jsonb_build_array(d.day, d.runs, d.keys, d.broken,
                      jsonb_build_object('text', d.rows, 'bar', coalesce(round(100 * d.rows / nullif(x.most, 0)), 0)), d.roles)
                  ORDER BY d.day DESC)) || '{"id": "audits"}'
    FROM day d, (SELECT max(m.rows) AS most FROM day m) x;
END;
COMMENT ON FUNCTION schemaguard.sg_dashboard_audits() IS 'section of a dashboard: audits day by day';

CREATE FUNCTION schemaguard.sg_dashboard_plans() RETURNS jsonb
LANGUAGE sql STABLE PARALLEL UNSAFE
BEGIN ATOMIC
    WITH plan AS MATERIALIZED (
        SELECT p.*, 'plan.' || row_number() OVER (ORDER BY p.failed + p.open = 0, p.plan COLLATE "C") AS id,
               row_number() OVER (ORDER BY p.failed + p.open = 0, p.plan COLLATE "C") AS n
        FROM schemaguard.plan_summary p)
    SELECT jsonb_build_array(schemaguard.sg_page_section('Plans', 'Those that this role may read; links lead to the steps of 20.',
               '{Plan,Steps,Validated,Added,Failed,Skipped,Open,Rows deleted,Rows changed,Rows in quarantine}',
               (SELECT jsonb_agg(jsonb_build_array(
                    CASE WHEN p.n <= 20 THEN schemaguard.sg_page_link(p.plan, p.id) ELSE to_jsonb(p.plan) END, p.steps,
                    p.validated, p.added, p.failed, p.skipped, p.open, p.rows_deleted, p.rows_changed, p.rows_in_quarantine) ORDER BY p.n)
                FROM plan p)) || '{"id": "plans"}')
           || coalesce((
               SELECT jsonb_agg(schemaguard.sg_page_section('Plan ' || p.plan, NULL, '{Step,Kind,Name,Table,State,Since,Reason}',
                   (SELECT jsonb_agg(jsonb_build_array(s.step, s.kind, s.fk_name, s.child_table, s.state,
                                         schemaguard.sg_page_time(s.updated_at), s.reason) ORDER BY s.step)
                    FROM schemaguard.plan_step s WHERE s.plan = p.plan)) || jsonb_build_object('id', p.id) ORDER BY p.n)
               FROM plan p WHERE p.n <= 20), '[]');
END;
COMMENT ON FUNCTION schemaguard.sg_dashboard_plans() IS 'sections of a dashboard: plans, and their steps';

-- The last sample of each day; those count that see what all roles have stored, and the caller's own. Latency is of the calls since the
-- sample before, where no statistics were reset between.
CREATE FUNCTION schemaguard.sg_dashboard_trend() RETURNS jsonb
LANGUAGE sql STABLE PARALLEL UNSAFE
BEGIN ATOMIC
    WITH day AS (
        SELECT DISTINCT ON (s.at::date) s.at, s.figures
        FROM schemaguard.stats s
        WHERE s.place = schemaguard.sg_place() AND ((s.figures -> 'sees_all')::boolean OR s.role = current_user)
        ORDER BY s.at::date DESC, s.id DESC LIMIT 61),
    step AS (
        SELECT d.at, d.figures, row_number() OVER (ORDER BY d.at DESC) AS n,
               CASE WHEN d.figures #> '{statements,reset}' = lag(d.figures #> '{statements,reset}') OVER (ORDER BY d.at)
                    THEN (d.figures #>> '{statements,calls}')::numeric
                         - lag((d.figures #>> '{statements,calls}')::numeric) OVER (ORDER BY d.at) END AS calls,
               (d.figures #>> '{statements,ms}')::numeric - lag((d.figures #>> '{statements,ms}')::numeric) OVER (ORDER BY d.at) AS ms
        FROM day d),
    shown AS MATERIALIZED (
        SELECT s.n, s.at, s.figures, (s.figures #>> '{orphans,rows}')::numeric AS orphans, (s.figures ->> 'bytes')::numeric AS bytes,
               CASE WHEN s.calls > 0 THEN round(s.ms / s.calls, 3) END AS mean
        FROM step s WHERE s.n <= 60),
    most AS (
        SELECT nullif(max(s.orphans), 0) AS orphans, nullif(max(s.bytes), 0) AS bytes, nullif(max(s.mean), 0) AS mean FROM shown s)
    SELECT schemaguard.sg_page_section('Trend', 'The last sample of each of 60 days, by schemaguard.sg_stats_take(). Statements: '
            'milliseconds for a call, since the sample before; empty: nobody can tell'
            || coalesce(', for ' || (SELECT s.figures #>> '{statements,missing}' FROM shown s WHERE s.n = 1), '') || '.',
        '{Sampled,Tables,Foreign keys,Not valid,Unarmed,Orphan rows,Size,Statements ms}',
        jsonb_agg(jsonb_build_array(schemaguard.sg_page_time(s.at), s.figures #> '{counts,tables}', s.figures #> '{keys,declared}',
            s.figures #> '{keys,not_valid}', s.figures #> '{keys,unarmed}',
            jsonb_build_object('text', s.orphans, 'bar', coalesce(round(100 * s.orphans / m.orphans), 0)),
            CASE WHEN s.bytes IS NOT NULL
                 THEN jsonb_build_object('text', pg_size_pretty(s.bytes), 'bar', round(100 * s.bytes / m.bytes)) END,
            CASE WHEN s.mean IS NOT NULL THEN jsonb_build_object('text', s.mean, 'bar', coalesce(round(100 * s.mean / m.mean), 0)) END)
            ORDER BY s.at DESC)) || '{"id": "trend"}'
    FROM shown s, most m;
END;
COMMENT ON FUNCTION schemaguard.sg_dashboard_trend() IS 'section of a dashboard: samples of figures';

CREATE FUNCTION schemaguard.sg_dashboard_body(names schemaguard.names) RETURNS text
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
SET jit = off SET row_security = on
AS $$
DECLARE
    given text[] := names;
    missing text;
BEGIN
    SELECT g.name INTO missing FROM unnest(given) WITH ORDINALITY g (name, n)
    WHERE g.name IS NULL OR g.name NOT IN (SELECT e.name FROM schemaguard.sg_dashboard_environments(given) e) ORDER BY g.n LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'undefined_object',
            MESSAGE = format('there is no environment %s that you may read', coalesce('"' || missing || '"', 'NULL')),
            HINT = 'It is "live", a foreign server that a check for drift has compared, or one of these snapshots:' || E'\n'
                || 'SELECT name FROM schemaguard.snapshot ORDER BY taken_at DESC;';
    ELSIF cardinality(given) NOT BETWEEN 1 AND 100 THEN
        RAISE EXCEPTION USING ERRCODE = 'invalid_parameter_value', MESSAGE = format('%s environments are named', cardinality(given)),
            HINT = 'Name 1 to 100 of them, or none for the newest ones.';
    END IF;
    RETURN schemaguard.sg_page_html(jsonb_build_object('title', 'Dashboard of database ' || current_database(),
        'search', 'Search rows', 'lead', schemaguard.sg_report_lead(NULL),
        'sections', jsonb_build_array(schemaguard.sg_dashboard_matrix(given), schemaguard.sg_report_status() || '{"id": "status"}',
                schemaguard.sg_dashboard_trend(), schemaguard.sg_dashboard_audits(),
                schemaguard.sg_dashboard_found('audit', 'Findings of audit gates', 'findings',
                    'What the last gates have found, and is not gone.'))
            || schemaguard.sg_dashboard_plans() || schemaguard.sg_dashboard_drift(given)
            || schemaguard.sg_dashboard_found('lint', 'Lint', 'lint', 'What the last lint gates have found, by sg_lint_gate().')
            || (schemaguard.sg_report_figures(NULL) || '{"id": "figures"}') || schemaguard.sg_dashboard_snapshots(given)));
END $$;
COMMENT ON FUNCTION schemaguard.sg_dashboard_body(schemaguard.names) IS 'does the work of sg_dashboard()';

CREATE FUNCTION sg_dashboard(names schemaguard.names DEFAULT NULL) RETURNS text
LANGUAGE c STABLE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_body';
COMMENT ON FUNCTION sg_dashboard(schemaguard.names)
    IS 'returns one page in HTML on this database, snapshots and servers, from status to trends; scans nothing';
