-- Go, hold or no-go: figures of a plan, or of the database, and the rules of schemaguard.go_rule about them. Nothing here reads a row of
-- users' tables: figures come from what calls have stored, and from the catalogs. A figure that nobody can tell is null, and has a reason.

-- A plan that is not there, or that the role may not read, is an error of sg_plan_steps().
-- Rules of a plan are for those that may read it.
CREATE POLICY own_plans ON schemaguard.go_rule FOR SELECT
    USING (plan IS NULL OR plan OPERATOR(pg_catalog.=) ANY ((SELECT schemaguard.sg_readable_plans())::pg_catalog.text[]));

-- An audit by itself has no step in the log, and names the key. A plan that was made anew under its name has a log that begins later. A
-- count stands until rows came back from quarantine, or a rollback ran a statement; who does not see that goes by the step's time.
CREATE FUNCTION schemaguard.sg_go_counts(plan text, OUT step int, OUT id bigint, OUT at timestamptz, OUT orphan_rows bigint,
    OUT stands boolean)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL UNSAFE
BEGIN ATOMIC
    WITH logged AS MATERIALIZED (
        SELECT l.* FROM schemaguard.plan p JOIN schemaguard.audit_log l ON l.plan = p.name AND l.at >= p.created_at
        WHERE p.name = sg_go_counts.plan AND l.place = schemaguard.sg_place()),
    step AS (
        SELECT s.* FROM schemaguard.plan_step s WHERE s.plan = sg_go_counts.plan),
    back AS (
        SELECT max(l.id) AS id FROM logged l
        WHERE l.action = 'restore' AND l.rows_affected > 0
              OR starts_with(l.action, 'rollback ') AND l.step IN (SELECT s.step FROM step s WHERE s.kind = 'statement')),
    counted AS (
        SELECT s.step, l.id, l.at, l.orphan_rows, s.state, s.updated_at
        FROM logged l JOIN step s ON s.step = l.step WHERE l.orphan_rows IS NOT NULL
        UNION ALL
        SELECT s.step, l.id, l.at, l.orphan_rows, s.state, s.updated_at
        FROM logged l JOIN step s ON format('%I ON %s', s.fk_name, s.child_table) = l.object
        WHERE l.orphan_rows IS NOT NULL AND l.step IS NULL AND s.kind = 'foreign key')
    SELECT c.step, c.id, c.at, c.orphan_rows,
           (b.id IS NULL OR c.id > b.id) AND (c.state <> 'rolled back' OR schemaguard.sg_sees_all() OR c.at > c.updated_at)
    FROM counted c, back b;
END;
COMMENT ON FUNCTION schemaguard.sg_go_counts(text)
    IS 'returns the counts of orphans, by calls, for each key of a plan, and whether the rows are as they were then';

-- Steps, keys and rows
CREATE FUNCTION schemaguard.sg_go_steps(
    plan text, OUT metric text, OUT actual numeric, OUT method text, OUT at timestamptz, OUT rows_read bigint, OUT reason text,
    OUT next_call text)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL UNSAFE
BEGIN ATOMIC
    WITH step AS (SELECT s.* FROM schemaguard.plan_step s WHERE sg_go_steps.plan IS NULL OR s.plan = sg_go_steps.plan),
    declared AS (                               -- of a plan those that it should have made
        SELECT t.* FROM schemaguard.fk_trust t WHERE sg_go_steps.plan IS NULL
        UNION ALL                               -- apart: an OR would read all steps for each key
        SELECT t.* FROM schemaguard.fk_trust t
        WHERE sg_go_steps.plan IS NOT NULL AND t.constraint_oid IN (
            SELECT k.key FROM schemaguard.sg_step_keys((SELECT array_agg(s) FROM schemaguard.plan_step s
                WHERE s.plan = sg_go_steps.plan AND s.kind = 'foreign key' AND s.state IN ('added', 'validated'))) k)),
    gone AS MATERIALIZED (
        SELECT count(*) AS n, min(g.name) AS plan FROM schemaguard.sg_gone_keys(sg_go_steps.plan) g),
    proved AS (
        SELECT count(*) FILTER (WHERE d.stands IS NOT TRUE) AS unproved,
               (SELECT g.n FROM gone g) AS gone,
               count(*) FILTER (WHERE d.stands IS NOT TRUE AND o.n IS NULL) AS untold,
               sum(o.n) AS orphans, min(d.proved_at) AS oldest, sum(d.rows_checked) AS rows_read
        FROM declared d LEFT JOIN LATERAL (SELECT max(p.orphan_rows) AS n FROM schemaguard.proof_here p
                                           WHERE p.constraint_oid = d.constraint_oid AND p.result = 'fail') o ON true),
    absent AS (                                 -- keys of a plan that are not there: as the log last counted their rows
        SELECT count(*) FILTER (WHERE l.orphan_rows IS NULL) AS untold, sum(l.orphan_rows) AS orphans
        FROM (SELECT bool_or(x.absent) AS is_absent, (array_agg(x.orphan_rows ORDER BY x.id DESC NULLS LAST))[1] AS orphan_rows
              FROM (SELECT s.step, true AS absent, NULL::bigint AS id, NULL::bigint AS orphan_rows FROM step s WHERE s.kind = 'foreign key'
                      AND sg_go_steps.plan IS NOT NULL AND s.state IN ('pending', 'waiting', 'failed', 'rolled back')
                    UNION ALL SELECT c.step, false, c.id, c.orphan_rows FROM schemaguard.sg_go_counts(sg_go_steps.plan) c WHERE c.stands) x
              GROUP BY x.step) l
        WHERE l.is_absent),
    kept AS (
        SELECT sum(p.rows_deleted + p.rows_changed + p.values_gone) AS lost, sum(p.uncounted) AS uncounted,
               sum(p.rows_in_quarantine) AS quarantine
        FROM schemaguard.plan_summary p WHERE sg_go_steps.plan IS NULL OR p.plan = sg_go_steps.plan)
    SELECT 'steps failed', count(*) FILTER (WHERE s.state = 'failed'), 'states of the steps', max(s.updated_at), NULL::bigint, NULL,
           'SELECT step, fk_name, reason FROM schemaguard.plan_step WHERE state = ''failed'';'
    FROM step s
    UNION ALL
    SELECT 'steps open', count(*) FILTER (WHERE s.state IN ('pending', 'waiting', 'rolled back')
                                             OR s.state = 'skipped' AND s.skipped_by IS NULL),
           'states of the steps; what a role has skipped is not open', max(s.updated_at), NULL, NULL,
           CASE WHEN sg_go_steps.plan IS NULL THEN 'SELECT * FROM schemaguard.plan_summary WHERE open > 0;'
                ELSE format('CALL %s.sg_apply(%L);', schemaguard.sg_schema(), sg_go_steps.plan) END
    FROM step s
    UNION ALL
    SELECT 'keys not valid', count(*) FILTER (WHERE d.state <> 'valid'), 'the catalog', now(), NULL, NULL,
           'SELECT child_table, fk_name, state FROM schemaguard.fk_trust WHERE state <> ''valid'';'
    FROM declared d
    UNION ALL
    SELECT 'keys without proof', p.unproved + p.gone, 'the ledger of audits and validations, schemaguard.fk_trust', p.oldest, p.rows_read,
           CASE WHEN p.gone > 0
                THEN format('keys that are gone, or not as their steps say: %s', p.gone)
                     || CASE WHEN sg_go_steps.plan IS NULL THEN format('; of plan %I first', g.plan) ELSE '' END END,
           CASE WHEN p.gone > 0 THEN format('SELECT * FROM %s.sg_verify_fks(%L) WHERE result <> ''pass'';', schemaguard.sg_schema(), g.plan)
                -- no audit of another key proves the step's
                ELSE format('SELECT * FROM %s.sg_orphan_audit(plan => %L);', schemaguard.sg_schema(), sg_go_steps.plan) END
    FROM proved p, gone g
    UNION ALL
    SELECT 'orphan rows', CASE WHEN p.untold + a.untold = 0 THEN coalesce(p.orphans, 0) + coalesce(a.orphans, 0) END,
           'the last audit or validation of each key, schemaguard.proof and schemaguard.audit_log', p.oldest, p.rows_read,
           CASE WHEN p.untold + a.untold > 0 THEN format('%skeys without a count on record%s: %s',
               'at least ' || nullif(coalesce(p.orphans, 0) + coalesce(a.orphans, 0), 0) || ', ',
               CASE WHEN NOT schemaguard.sg_sees_all() THEN ' that this role may see' END, p.untold + a.untold) END,
           format('SELECT * FROM %s.sg_orphan_audit(plan => %L);', schemaguard.sg_schema(), sg_go_steps.plan)
    FROM proved p, absent a
    UNION ALL
    SELECT 'rows gone or changed', CASE WHEN k.uncounted > 0 AND k.lost = 0 THEN NULL ELSE coalesce(k.lost, 0) END,
           'what plans have done, schemaguard.plan_deed', now(), NULL,
           CASE WHEN k.uncounted > 0 THEN format('tables of which rows or values are gone that could not be counted: %s', k.uncounted) END,
           'SELECT plan, rows_deleted, rows_changed, values_gone, uncounted FROM schemaguard.plan_summary;'
    FROM kept k
    UNION ALL
    SELECT 'rows in quarantine', coalesce(k.quarantine, 0), 'rows of schemaguard.quarantine that this role may see', now(), NULL, NULL,
           'SELECT plan, row_table, fk_name, count(*) FROM schemaguard.quarantine GROUP BY 1, 2, 3;'
    FROM kept k;
END;
COMMENT ON FUNCTION schemaguard.sg_go_steps(text) IS 'returns figures for rules about steps of a plan, or of all, keys and rows';

-- The last tests count, of a plan those after its last run; what fails, whichever role has seen it. The order is that of evidence,
-- whatever the clock did; who may not see what others have run goes by the steps' times.
CREATE FUNCTION schemaguard.sg_go_evidence(
    plan text, OUT metric text, OUT actual numeric, OUT method text, OUT at timestamptz, OUT rows_read bigint, OUT reason text,
    OUT next_call text)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL UNSAFE
BEGIN ATOMIC
    WITH evidence AS (
        SELECT e.*, coalesce((e.figures -> 'live')::boolean, false) AS live, e.figures -> 'chosen' IS DISTINCT FROM 'true' AS whole,
               schemaguard.sg_counts_for(e.role) AS counts
        FROM schemaguard.evidence e
        WHERE e.place = schemaguard.sg_place()
          AND CASE WHEN sg_go_evidence.plan IS NULL THEN e.plan_id IS NULL
                   ELSE e.plan_id = (SELECT p.id FROM schemaguard.plan p WHERE p.name = sg_go_evidence.plan) END),
    verified AS MATERIALIZED (
        SELECT e.*, CASE WHEN sg_go_evidence.plan IS NULL THEN e.at > now() - interval '30 days'
                         WHEN schemaguard.sg_sees_all()     -- whoever has run the plan, its tests are of before
                             THEN NOT EXISTS (SELECT FROM evidence r WHERE r.kind IN ('before', 'after') AND r.id > e.id)
                         ELSE NOT EXISTS (SELECT FROM schemaguard.plan_step s
                                          WHERE s.plan = sg_go_evidence.plan AND s.updated_at > e.at) END AS fresh
        FROM evidence e WHERE e.kind = 'verify'),
    tested AS (
        SELECT v.* FROM verified v WHERE v.whole AND v.counts
        -- attempts on the tables find what the catalogs do not tell
        ORDER BY v.live DESC, v.id DESC LIMIT 1),
    standing AS (           -- what a run has told holds until a later one of the whole, no less close: of the role, or one that counts
        SELECT (SELECT count(*) FROM verified w WHERE w.whole) AS runs,
               max((v.figures ->> 'fail')::numeric) AS fail,            -- whoever has seen it
               max((v.figures ->> 'unknown')::numeric) FILTER (WHERE v.counts) AS unknown
        FROM verified v
        WHERE v.fresh AND NOT EXISTS (SELECT FROM verified w WHERE w.whole AND w.id > v.id AND w.live >= v.live
                                                               AND (w.counts OR w.role = v.role))),
    untried AS (                                -- users' own tests that did not run, or not as they are
        SELECT count(*) AS n FROM schemaguard.smoke_test s
        WHERE s.plan IS NOT DISTINCT FROM sg_go_evidence.plan
          AND NOT EXISTS (SELECT FROM tested t, jsonb_to_recordset(t.figures -> 'smoke') AS r (id bigint, mark bigint, result text)
                          WHERE r.id = s.id AND r.mark = s.mark AND r.result <> 'skipped')),
    told AS (
        SELECT CASE WHEN t.fresh OR s.fail > 0 THEN s.fail END AS fail, CASE WHEN t.fresh THEN s.unknown + u.n END AS unknown, t.at,
               concat('sg_verify_fks', CASE (t.figures -> 'live')::boolean WHEN true THEN ', with attempts on the tables'
                                                                           WHEN false THEN ', from the catalogs' END) AS method,
               CASE WHEN t.id IS NULL AND s.runs = 0 AND schemaguard.sg_sees_all() THEN 'sg_verify_fks has not run'
                    WHEN t.id IS NULL THEN 'sg_verify_fks has not run for this role'
                    WHEN NOT t.fresh AND sg_go_evidence.plan IS NULL THEN 'sg_verify_fks has not run for 30 days'
                    WHEN NOT t.fresh THEN 'sg_verify_fks has not run since the plan did' END AS reason,
               CASE WHEN u.n > 0 THEN format('smoke tests that have not run as they are: %s', u.n)
                    WHEN t.fresh AND s.unknown > 0
                        THEN (SELECT format('could not be told: %s', string_agg(x.told, '; ' ORDER BY x.n))
                              FROM (SELECT format('%s: %s', o.test ->> 'object', o.test ->> 'test') AS told, o.n
                                    FROM jsonb_array_elements(t.figures -> 'tests') WITH ORDINALITY o (test, n)
                                    WHERE o.test ->> 'result' = 'unknown' ORDER BY o.n LIMIT 3) x) END AS untried,
               -- the same call would say the same: sg_verify_fks has the reasons, and somebody takes them
               CASE WHEN t.fresh AND t.live AND s.unknown > 0 AND u.n = 0 AND sg_go_evidence.plan IS NOT NULL
                    THEN format('INSERT INTO schemaguard.go_rule (plan, metric, target, weight, why) '
                                'VALUES (%L, ''tests unknown'', %s, ''hold'', ''accepted as untestable'');', sg_go_evidence.plan, s.unknown)
                    END AS way_out,
               format('SELECT * FROM %s.sg_verify_fks(%L, live => true);', schemaguard.sg_schema(), sg_go_evidence.plan) AS next_call
        FROM (VALUES (1)) one LEFT JOIN tested t ON true CROSS JOIN standing s CROSS JOIN untried u)
    SELECT 'tests failed', t.fail, t.method, t.at, NULL::bigint, CASE WHEN t.fail IS NULL THEN t.reason END, t.next_call FROM told t
    UNION ALL
    SELECT 'tests unknown', t.unknown, t.method, t.at, NULL, coalesce(t.reason, t.untried), coalesce(t.way_out, t.next_call)
    FROM told t;
END;
COMMENT ON FUNCTION schemaguard.sg_go_evidence(text)
    IS 'returns figures for rules about tests of a plan, or of the database';

CREATE FUNCTION schemaguard.sg_go_overhead(
    plan text, OUT metric text, OUT actual numeric, OUT method text, OUT at timestamptz, OUT rows_read bigint, OUT reason text,
    OUT next_call text)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL UNSAFE
BEGIN ATOMIC
    WITH keyed AS (
        SELECT s.step, s.fk_name FROM schemaguard.plan_step s
        WHERE s.plan = sg_go_overhead.plan AND s.kind = 'foreign key' AND s.state IN ('added', 'validated')),
    figure AS MATERIALIZED (
        SELECT f.*, e.id, e.at
        FROM schemaguard.plan p JOIN schemaguard.evidence e ON e.plan_id = p.id CROSS JOIN LATERAL jsonb_to_recordset(
            CASE WHEN e.kind = 'overhead' AND jsonb_typeof(e.figures) = 'array' THEN e.figures ELSE '[]' END)
             AS f (step int, operation text, with_us numeric, without_us numeric, rows bigint, reason text)
        WHERE p.name = sg_go_overhead.plan AND e.place = schemaguard.sg_place() AND schemaguard.sg_counts_for(e.role)),
    unmeasured AS (                             -- empty if there is one that nobody has tried
        SELECT string_agg(concat_ws(': ', k.fk_name, t.reason), '; ' ORDER BY k.step) FILTER (WHERE k.number <= 3) AS keys
        FROM (SELECT y.*, row_number() OVER (ORDER BY y.step) AS number FROM keyed y
              WHERE NOT EXISTS (SELECT FROM figure f WHERE f.step = y.step AND f.with_us IS NOT NULL)) k
             LEFT JOIN LATERAL (SELECT f.step, f.reason FROM figure f WHERE f.step = k.step ORDER BY f.id DESC LIMIT 1) t ON true
        HAVING bool_and(t.step IS NOT NULL)),
    measured AS (                               -- the last time of each step and operation
        SELECT CASE WHEN NOT EXISTS (SELECT FROM schemaguard.plan_step s
                                     WHERE s.plan = sg_go_overhead.plan AND s.kind = 'foreign key') THEN 0
                    WHEN count(DISTINCT o.step) FILTER (WHERE o.step IN (SELECT k.step FROM keyed k)) = (SELECT count(*) FROM keyed)
                        THEN max(o.with_us - o.without_us) / 1000 END AS ms,
               min(o.at) AS at, sum(o.rows) AS rows_read
        FROM (SELECT DISTINCT ON (f.step, f.operation) f.step, f.with_us, f.without_us, f.rows, f.at
              FROM figure f WHERE f.with_us IS NOT NULL ORDER BY f.step, f.operation, f.id DESC) o)
    SELECT 'overhead, ms', round(m.ms, 3), 'sg_measure_overhead: the most that a key adds to a row, on copies of a sample', m.at,
           m.rows_read,
           CASE WHEN m.ms IS NULL THEN coalesce('could not be measured: ' || u.keys, 'not each key of the plan was measured') END,
           CASE WHEN m.ms IS NULL AND u.keys IS NOT NULL
                THEN format('INSERT INTO schemaguard.go_rule (plan, metric, target, weight, why) '
                            'VALUES (%L, ''overhead, ms'', 10, ''note'', ''accepted as unmeasurable'');', sg_go_overhead.plan)
                ELSE format('SELECT * FROM schemaguard.sg_measure_overhead(%L);', sg_go_overhead.plan) END
    FROM measured m LEFT JOIN unmeasured u ON true WHERE sg_go_overhead.plan IS NOT NULL;
END;
COMMENT ON FUNCTION schemaguard.sg_go_overhead(text) IS 'returns the figure for rules about the overhead of a plan''s keys';

CREATE FUNCTION schemaguard.sg_go_findings(
    plan text, OUT metric text, OUT actual numeric, OUT method text, OUT at timestamptz, OUT rows_read bigint, OUT reason text,
    OUT next_call text)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL UNSAFE
BEGIN ATOMIC
    WITH gate AS (
        SELECT max(l.at) AS at FROM schemaguard.audit_log l
        WHERE l.action = 'audit gate' AND l.place = schemaguard.sg_place() AND schemaguard.sg_counts_for(l.role)
          AND l.at > now() - interval '30 days'
          AND (sg_go_findings.plan IS NOT NULL OR l.object = 'all')),
    found AS (
        SELECT count(*) AS n
        FROM schemaguard.finding f
        WHERE f.source = 'audit' AND f.gone_at IS NULL AND f.place = schemaguard.sg_place()
          AND NOT coalesce(f.result = 'fail' AND f.accepted_until > now() AND f.count <= f.accepted_count, false)
          AND (sg_go_findings.plan IS NULL
               OR EXISTS (SELECT FROM schemaguard.plan_step s
                          WHERE s.plan = sg_go_findings.plan AND s.child_table = f.object AND s.fk_name = f.property))),
    checked AS (
        SELECT count(*) AS n, sum(l.drifts) AS drifts, min(l.at) AS at,
               CASE WHEN count(*) > 0 THEN schemaguard.sg_drift_beyond(true) END AS beyond
        FROM schemaguard.sg_drift_last() l WHERE l.live AND schemaguard.sg_counts_for(l.role))
    SELECT 'findings not accepted', CASE WHEN f.n > 0 OR g.at IS NOT NULL OR sg_go_findings.plan IS NOT NULL AND schemaguard.sg_sees_all()
               THEN f.n END,
           'what audit gates have found, schemaguard.finding', g.at, NULL::bigint,
           CASE WHEN g.at IS NULL THEN 'no audit gate of all has run for 30 days'
                || CASE WHEN schemaguard.sg_sees_all() THEN '' ELSE ' for this role' END END,
           format('CALL %s.sg_audit_gate();', schemaguard.sg_schema())
    FROM found f, gate g
    UNION ALL
    SELECT 'drift', CASE WHEN c.at > now() - interval '30 days' AND c.beyond IS NULL THEN c.drifts END,
           'the last check of this database against each snapshot, schemaguard.drift_run', c.at, NULL,
           CASE WHEN c.n = 0 THEN 'no check for drift has compared this database with a snapshot'
                    || CASE WHEN schemaguard.sg_sees_all() THEN '' ELSE ' for this role' END
                WHEN c.at <= now() - interval '30 days' THEN 'a check for drift has not run for 30 days'
                WHEN c.beyond IS NOT NULL THEN format('%sschemas that no check has compared: %s',
                                                      'at least ' || nullif(c.drifts, 0) || ', ', c.beyond) END,
           (SELECT s.next_call FROM schemaguard.sg_status_drift() s)
    FROM checked c WHERE sg_go_findings.plan IS NULL;
END;
COMMENT ON FUNCTION schemaguard.sg_go_findings(text)
    IS 'returns figures for rules about findings of gates on keys of a plan, or all, and about drift';

CREATE FUNCTION schemaguard.sg_go_figures(
    plan text DEFAULT NULL, OUT metric text, OUT actual numeric, OUT method text, OUT at timestamptz, OUT rows_read bigint, OUT reason text,
    OUT next_call text, OUT at_least boolean)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL UNSAFE SET row_security = on
BEGIN ATOMIC
    -- what others have stored may say more: who does not see it knows what is bad, but not that nothing is
    SELECT f.metric, CASE WHEN x.told OR f.actual > 0 THEN f.actual END, f.method, f.at, f.rows_read,
           CASE WHEN x.told THEN f.reason
                ELSE concat(CASE WHEN f.actual > 0 THEN 'at least: ' END, 'a member of pg_monitor sees what other roles have stored') END,
           CASE WHEN x.told OR f.actual IS DISTINCT FROM 0 THEN f.next_call END, NOT x.told
    FROM (SELECT * FROM schemaguard.sg_go_steps(plan)
          UNION ALL SELECT * FROM schemaguard.sg_go_evidence(plan)
          UNION ALL SELECT * FROM schemaguard.sg_go_overhead(plan)
          UNION ALL SELECT * FROM schemaguard.sg_go_findings(plan)
          UNION ALL SELECT * FROM schemaguard.sg_go_watch(plan)) f
         CROSS JOIN LATERAL (SELECT coalesce(CASE WHEN f.metric = 'rows in quarantine'
             THEN (SELECT r.rolsuper FROM pg_roles r WHERE r.rolname = current_user)
                  OR EXISTS (SELECT FROM schemaguard.plan p WHERE p.name = sg_go_figures.plan
                             AND schemaguard.sg_plan_author(p.author, p.author_mark) = current_user::text)
             ELSE schemaguard.sg_sees_all() OR f.metric NOT IN ('tests failed', 'tests unknown', 'findings not accepted', 'drift')
                  AND sg_go_figures.plan IS NOT NULL END, false) AS told) x
    WHERE plan IS NULL OR @extschema@.sg_plan_steps(plan) IS NOT NULL;
END;
COMMENT ON FUNCTION schemaguard.sg_go_figures(text)
    IS 'returns the figures for rules of schemaguard.go_rule, of a plan or of the database; null: not known, with a reason';

CREATE FUNCTION schemaguard.sg_go_holds(actual numeric, operator text, target numeric) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE operator WHEN '<=' THEN actual <= target WHEN '<' THEN actual < target WHEN '>=' THEN actual >= target
                     WHEN '>' THEN actual > target WHEN '=' THEN actual = target ELSE actual <> target END;
COMMENT ON FUNCTION schemaguard.sg_go_holds(numeric, text, numeric)
    IS 'tells whether a figure satisfies a comparison with its target; null: not known';

-- The rules for all ask of a plan what is about plans, of the database what is about that; of a watch, where there is one. A figure that
-- there is nowhere is unknown.
CREATE FUNCTION schemaguard.sg_go_rules(
    plan text DEFAULT NULL, OUT verdict text, OUT metric text, OUT target text, OUT actual numeric, OUT weight text, OUT method text,
    OUT at timestamptz, OUT rows_read bigint, OUT reason text, OUT next_call text)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL UNSAFE SET row_security = on
BEGIN ATOMIC
    WITH rule AS (
        SELECT r.*, rank() OVER (PARTITION BY r.metric ORDER BY r.plan IS NULL, r.source = 'shipped') AS place
        FROM schemaguard.go_rule r
        -- a plan that is made anew under the name has no rules yet
        WHERE r.plan IS NULL OR r.plan = sg_go_rules.plan
            AND r.added_at >= (SELECT p.created_at FROM schemaguard.plan p WHERE p.name = sg_go_rules.plan)),
    asked AS (
        SELECT r.*, f.actual, f.method, f.at, f.rows_read, f.next_call,
               CASE WHEN f.metric IS NULL THEN 'there is no such figure' ELSE f.reason END AS reason,
               CASE WHEN NOT f.at_least OR r.operator IN ('<', '<=') AND NOT schemaguard.sg_go_holds(f.actual, r.operator, r.target)
                    THEN schemaguard.sg_go_holds(f.actual, r.operator, r.target) END AS holds
        FROM rule r LEFT JOIN schemaguard.sg_go_figures(sg_go_rules.plan) f ON f.metric = r.metric
        WHERE r.place = 1 AND (sg_go_rules.plan IS NULL OR @extschema@.sg_plan_steps(sg_go_rules.plan) IS NOT NULL)
          AND (f.metric IS NOT NULL OR r.metric <> CASE WHEN sg_go_rules.plan IS NULL THEN 'overhead, ms' ELSE 'drift' END
               AND NOT (r.source = 'shipped' AND starts_with(r.metric, 'watch: '))))
    SELECT CASE WHEN a.holds IS NULL THEN 'unknown' WHEN a.holds THEN 'go' ELSE a.weight END,
           a.metric, a.operator || ' ' || trim_scale(a.target), a.actual, a.weight, a.method, a.at, a.rows_read,
           concat_ws('; ', CASE WHEN a.holds IS NOT TRUE THEN coalesce(a.reason, a.why) END,
                     CASE WHEN a.source = 'user' THEN format('a rule of role %s, %s', a.added_by, coalesce(a.why, 'no reason given')) END),
           CASE WHEN a.holds IS NOT TRUE THEN a.next_call END
    FROM asked a
    ORDER BY array_position('{no-go,hold,unknown,note,go}',
                            CASE WHEN a.holds IS NULL THEN 'unknown' WHEN a.holds THEN 'go' ELSE a.weight END),
             a.source DESC, abs(a.id), a.metric COLLATE "C";
END;
COMMENT ON FUNCTION schemaguard.sg_go_rules(text)
    IS 'returns each rule for a plan, or the database: target, actual figure, and verdict: go, unknown, or the rule''s weight';

CREATE FUNCTION schemaguard.sg_go_verdict(rules jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN rules @? '$[*] ? (@.verdict == "no-go")' THEN 'no-go'
            -- one that decides says go, and no other one anything else
            WHEN rules @? '$[*] ? (@.verdict == "go" && @.weight != "note")'
                AND NOT rules @? '$[*] ? (!(@.verdict == "go" || @.verdict == "note" || @.verdict == "unknown" && @.weight == "note"))'
                THEN 'go'
            ELSE 'hold' END;
COMMENT ON FUNCTION schemaguard.sg_go_verdict(jsonb)
    IS 'returns the verdict of rows of sg_go_rules(): no-go if any says so, go if all that decide do, else hold';

CREATE FUNCTION schemaguard.sg_go(plan text DEFAULT NULL) RETURNS text
LANGUAGE sql STABLE PARALLEL UNSAFE
RETURN schemaguard.sg_go_verdict((SELECT jsonb_agg(to_jsonb(r)) FROM schemaguard.sg_go_rules(plan) r));
COMMENT ON FUNCTION schemaguard.sg_go(text) IS 'returns go, hold or no-go for a plan, or for the database; unknown is never go';
