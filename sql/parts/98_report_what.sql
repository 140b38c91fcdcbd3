-- Sections of a report, one function each. A section is {"title", "note", "columns": [names], "rows": [[values]]}; 98_report_write.sql
-- writes it.
-- Row security shows a role what it may see. Nothing here reads a row of users' tables.

-- A table with a sentence before it; of more than a thousand rows the first ones
CREATE FUNCTION schemaguard.sg_page_section(title text, note text, columns text[], rows jsonb) RETURNS jsonb
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN jsonb_build_object('title', title, 'columns', columns,
    'note', nullif(concat_ws(' ', note, CASE WHEN jsonb_array_length(rows) > 1000
                                             THEN format('Rows that are left out: %s.', jsonb_array_length(rows) - 1000) END), ''),
    'rows', CASE WHEN jsonb_array_length(rows) > 1000 THEN jsonb_path_query_array(rows, '$[0 to 999]') ELSE coalesce(rows, '[]') END);
COMMENT ON FUNCTION schemaguard.sg_page_section(text, text, text[], jsonb)
    IS 'returns a section of a page: a table with a sentence before it';

CREATE FUNCTION schemaguard.sg_page_time(at timestamptz) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
RETURN to_char(at, 'YYYY-MM-DD HH24:MI:SS TZH:TZM');
COMMENT ON FUNCTION schemaguard.sg_page_time(timestamptz) IS 'returns a time for a page, with its offset';

-- The rules are those of sg_go_rules(), which a report asks once.
CREATE FUNCTION schemaguard.sg_report_decision(rules jsonb) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT schemaguard.sg_page_section('Decision', 'Rules of schemaguard.go_rule. What is unknown is never go.',
        '{Verdict,Figure,Target,Actual,Method,As of,Rows read,Reason,Next call}',
        jsonb_agg(jsonb_build_array(r.rule -> 'verdict', r.rule -> 'metric', r.rule -> 'target', r.rule -> 'actual', r.rule -> 'method',
                                    schemaguard.sg_page_time((r.rule ->> 'at')::timestamptz), r.rule -> 'rows_read', r.rule -> 'reason',
                                    r.rule -> 'next_call') ORDER BY r.n))
    FROM jsonb_array_elements(rules) WITH ORDINALITY r (rule, n);
END;
COMMENT ON FUNCTION schemaguard.sg_report_decision(jsonb) IS 'section of a report: each rule with target and actual figure';

CREATE FUNCTION schemaguard.sg_report_planned(plan text) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL UNSAFE
BEGIN ATOMIC
    SELECT schemaguard.sg_page_section('Planned', 'Steps that nobody has given a reason for, option rationale of sg_plan_set: '
            || count(*) FILTER (WHERE nullif(btrim(s.rationale), '') IS NULL) || ' of ' || count(*) || '.',
        '{Step,Kind,Name,Table,What,Why,Orphans,State,Reason}',
        jsonb_agg(jsonb_build_array(s.step, s.kind, s.fk_name, s.child_table,
            CASE WHEN s.kind = 'foreign key'
                 THEN format('%s refers to %s (%s), on delete %s', array_to_string(s.child_columns, ', '), s.parent_table,
                             coalesce(array_to_string(s.parent_columns, ', '), 'primary key'), s.on_delete)
                 ELSE concat_ws(' ', array_to_string(s.child_columns, ', '), s.definition, s.new_name) END,
            s.rationale, CASE WHEN s.kind IN ('foreign key', 'check', 'not null', 'unique') THEN s.orphans END, s.state, s.reason)
            ORDER BY s.step))
    FROM schemaguard.plan_step s WHERE s.plan = sg_report_planned.plan;
END;
COMMENT ON FUNCTION schemaguard.sg_report_planned(text) IS 'section of a report: the steps of a plan, with their reasons';

-- A plan that was made anew under its name has a log that begins later.
CREATE FUNCTION schemaguard.sg_report_done(plan text) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL UNSAFE
BEGIN ATOMIC
    SELECT schemaguard.sg_page_section('Done', 'By schemaguard.audit_log. The time that an action took includes the time that it waited.'
            || CASE WHEN schemaguard.sg_sees_all() THEN '' ELSE format(' Runs of other roles than %s are not shown.', current_user) END,
        '{Ended,Step,Action,Object,Outcome,Role,Took ms,Attempts,Waited behind,Rows,Message}',
        jsonb_agg(jsonb_build_array(schemaguard.sg_page_time(l.at), l.step, l.action, l.object, l.phase, l.role, l.elapsed_ms, l.attempt,
                                    b.who, l.rows_affected, l.message) ORDER BY l.id))
    FROM schemaguard.plan p
         JOIN schemaguard.audit_log l ON l.plan = p.name AND l.at >= p.created_at AND l.phase <> 'started' AND l.step IS NOT NULL
              AND NOT starts_with(l.action, 'plan ')
         LEFT JOIN LATERAL (
             SELECT string_agg(DISTINCT nullif(concat_ws(' ', w.who ->> 'role', w.who ->> 'application', w.who ->> 'backend',
                        w.who ->> 'prepared',
                        nullif(concat_ws(' on ', coalesce(w.who ->> 'mode', w.who ->> 'waits'), w.who ->> 'table'), '')), ''), '; ') AS who
             FROM jsonb_array_elements(CASE jsonb_typeof(l.blockers) WHEN 'array' THEN l.blockers ELSE '[]' END) w (who)) b ON true
    WHERE p.name = sg_report_done.plan;
END;
COMMENT ON FUNCTION schemaguard.sg_report_done(text)
    IS 'section of a report: actions of a plan, with time, role, duration and the sessions that blocked them';

CREATE FUNCTION schemaguard.sg_report_orphans(plan text) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL UNSAFE
BEGIN ATOMIC
    SELECT schemaguard.sg_page_section('Orphans',
        'Before: the first count on record. After: the last audit or validation of the declared key, or, of one that was rolled back, '
            'the last count, unless rows came back since. Empty: nobody can tell.',
        '{Step,Key,Table,Before,Counted,After,Judged,Method,Rows read,Rows moved or changed}',
        jsonb_agg(jsonb_build_array(s.step, s.fk_name, s.child_table, b.orphan_rows, schemaguard.sg_page_time(b.at),
            CASE WHEN t.stands THEN 0 ELSE coalesce(o.n, a.orphan_rows) END,
            schemaguard.sg_page_time(coalesce(t.proved_at, a.at)), t.method, t.rows_checked, m.n)
                ORDER BY s.step))
    FROM schemaguard.plan p
         JOIN schemaguard.plan_step s ON s.plan = p.name AND s.kind = 'foreign key'
         LEFT JOIN (SELECT DISTINCT ON (c.step) c.step, c.orphan_rows, c.at FROM schemaguard.sg_go_counts(sg_report_orphans.plan) c
                    ORDER BY c.step, c.id) b ON b.step = s.step
         LEFT JOIN (SELECT DISTINCT ON (c.step) c.step, c.orphan_rows, c.at FROM schemaguard.sg_go_counts(sg_report_orphans.plan) c
                    WHERE c.stands ORDER BY c.step, c.id DESC) a ON a.step = s.step AND s.state = 'rolled back'
         LEFT JOIN (SELECT l.step, sum(l.rows_affected) AS n
                    FROM schemaguard.plan o JOIN schemaguard.audit_log l ON l.plan = o.name AND l.at >= o.created_at
                    WHERE o.name = sg_report_orphans.plan AND l.action = 'fix' GROUP BY l.step) m ON m.step = s.step
         LEFT JOIN schemaguard.fk_trust t ON t.child_table = s.child_table AND t.fk_name::text = s.fk_name
         LEFT JOIN LATERAL (SELECT max(r.orphan_rows) AS n FROM schemaguard.proof_here r
                            WHERE r.constraint_oid = t.constraint_oid AND r.result = 'fail') o ON true
    WHERE p.name = sg_report_orphans.plan;
END;
COMMENT ON FUNCTION schemaguard.sg_report_orphans(text) IS 'section of a report: orphans before and after';

CREATE FUNCTION schemaguard.sg_report_skipped(plan text) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL UNSAFE
BEGIN ATOMIC
    SELECT schemaguard.sg_page_section('Skipped', NULL, '{Step,Kind,Name,Table,By,Reason}',
        jsonb_agg(jsonb_build_array(s.step, s.kind, s.fk_name, s.child_table, coalesce(s.skipped_by, 'a call that could not do it'),
            s.reason)
                  ORDER BY s.step))
    FROM schemaguard.plan_step s WHERE s.plan = sg_report_skipped.plan AND s.state = 'skipped';
END;
COMMENT ON FUNCTION schemaguard.sg_report_skipped(text) IS 'section of a report: steps that were skipped, with the reason';

-- Lists, for the database, only the keys whose proof does not stand
CREATE FUNCTION schemaguard.sg_report_proof(plan text) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL UNSAFE
BEGIN ATOMIC
    SELECT schemaguard.sg_page_section('Proof', CASE WHEN sg_report_proof.plan IS NULL THEN 'Declared keys whose proof does not stand.'
            ELSE 'The keys that the plan has made, by schemaguard.fk_trust.' END,
        '{Key,Table,Refers to,State,Proof stands,Proved,Method,Rows read,Why not}',
        jsonb_agg(jsonb_build_array(t.fk_name, t.child_table, t.parent_table, t.state,
            CASE t.stands WHEN true THEN 'yes' WHEN false THEN 'no' ELSE 'unknown' END, schemaguard.sg_page_time(t.proved_at), t.method,
            t.rows_checked, t.stale_reason) ORDER BY t.stands NULLS FIRST, t.child_table COLLATE "C", t.fk_name))
    FROM schemaguard.fk_trust t
    WHERE CASE WHEN sg_report_proof.plan IS NULL THEN t.stands IS NOT TRUE
               ELSE EXISTS (SELECT FROM schemaguard.plan_step s WHERE s.plan = sg_report_proof.plan AND s.kind = 'foreign key'
                            AND s.state IN ('added', 'validated') AND s.child_table = t.child_table AND s.fk_name = t.fk_name::text) END;
END;
COMMENT ON FUNCTION schemaguard.sg_report_proof(text) IS 'section of a report: keys that are proved, with method and time';

CREATE FUNCTION schemaguard.sg_report_figures(plan text) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL UNSAFE
BEGIN ATOMIC
    WITH evidence AS (
        SELECT e.* FROM schemaguard.evidence e JOIN schemaguard.plan p ON p.id = e.plan_id WHERE p.name = sg_report_figures.plan),
    before AS (
        SELECT e.* FROM evidence e WHERE e.kind = 'before' ORDER BY e.id LIMIT 1),
    later AS (
        SELECT e.at, e.figures FROM evidence e WHERE e.kind = 'after' ORDER BY e.id DESC LIMIT 1),
    now AS (
        SELECT now() AS at, schemaguard.sg_figures() AS figures)
    SELECT schemaguard.sg_page_section('Figures',
            'By the catalogs, of the whole database; partitions are not counted. Empty: nobody had looked.'
            || coalesce(' Before: ' || schemaguard.sg_page_time((SELECT b.at FROM before b)) || ', before the first run'
            || CASE WHEN schemaguard.sg_sees_all() THEN '.' ELSE ' that this role may see.' END, '')
            || coalesce(' After: ' || schemaguard.sg_page_time((SELECT l.at FROM later l)) || ', after the last one.', ''),
        '{Figure,Before,After,Now}',
        jsonb_agg(jsonb_build_array(f.key, (SELECT b.figures FROM before b) -> f.key, (SELECT l.figures FROM later l) -> f.key, f.value)
                  ORDER BY f.key COLLATE "C"))
    FROM now n, jsonb_each(n.figures) f;
END;
COMMENT ON FUNCTION schemaguard.sg_report_figures(text)
    IS 'section of a report: counts of tables, keys and indexes before, after and now';

CREATE FUNCTION schemaguard.sg_report_tests(plan text) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL UNSAFE
BEGIN ATOMIC
    WITH verified AS (
        SELECT e.* FROM schemaguard.evidence e
        WHERE e.kind = 'verify'
          AND CASE WHEN sg_report_tests.plan IS NULL THEN e.plan_id IS NULL
                   ELSE e.plan_id = (SELECT p.id FROM schemaguard.plan p WHERE p.name = sg_report_tests.plan) END),
    tested AS (                                 -- tests of chosen steps are not the whole plan
        SELECT v.* FROM verified v WHERE v.figures -> 'chosen' IS DISTINCT FROM 'true' ORDER BY v.id DESC LIMIT 1)
    SELECT schemaguard.sg_page_section('Tests', coalesce((
            SELECT format('sg_verify_fks of role %s, %s, %s: pass %s, fail %s, unknown %s, skipped %s. Those that did not pass:', t.role,
                          schemaguard.sg_page_time(t.at),
                          CASE WHEN (t.figures -> 'live')::boolean THEN 'with attempts on the tables, rolled back'
                              ELSE 'from the catalogs' END,
                          t.figures ->> 'pass', t.figures ->> 'fail', t.figures ->> 'unknown', t.figures ->> 'skipped')
            FROM tested t), 'None on record.'),
        '{Result,Object,Test}',
        jsonb_agg(jsonb_build_array(r.test ->> 'result', r.test ->> 'object', r.test ->> 'test') ORDER BY v.id, r.n))
    FROM verified v, jsonb_array_elements(v.figures -> 'tests') WITH ORDINALITY r (test, n)
    WHERE v.id >= coalesce((SELECT t.id FROM tested t), 0);
END;
COMMENT ON FUNCTION schemaguard.sg_report_tests(text) IS 'section of a report: outcomes of the last tests';

CREATE FUNCTION schemaguard.sg_smoke_results(
    plan text, OUT name text, OUT kind text, OUT expectation text, OUT author text, OUT result text, OUT at timestamptz, OUT role text)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL UNSAFE
BEGIN ATOMIC
    SELECT s.name, s.kind, CASE s.kind WHEN 'query' THEN coalesce(s.expectation, 'no row') ELSE s.expectation END, s.author,
           coalesce(l.result, 'not run'), l.at, l.role
    FROM schemaguard.smoke_test s
         LEFT JOIN LATERAL (
             SELECT o.* FROM (
                 SELECT DISTINCT ON (e.role) r.result, e.id, e.at, e.role
                 FROM schemaguard.evidence e, jsonb_to_recordset(e.figures -> 'smoke') AS r (id bigint, mark bigint, result text)
                 WHERE e.kind = 'verify' AND r.id = s.id AND r.mark = s.mark AND r.result <> 'skipped' AND e.place = schemaguard.sg_place()
                 ORDER BY e.role, e.id DESC) o
             WHERE schemaguard.sg_counts_for(o.role) OR o.result = 'fail'
             ORDER BY o.id DESC LIMIT 1) l ON true
    WHERE s.plan IS NOT DISTINCT FROM sg_smoke_results.plan;
END;
COMMENT ON FUNCTION schemaguard.sg_smoke_results(text)
    IS 'returns the tests of schemaguard.smoke_test for a plan, or the database, with the last result of their present text';

CREATE FUNCTION schemaguard.sg_report_smoke(plan text) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL UNSAFE
BEGIN ATOMIC
    SELECT schemaguard.sg_page_section('Smoke tests', 'Rows of schemaguard.smoke_test, by the last call of sg_verify_fks with live '
            'that ran them as they are: '
            || concat_ws(', ', 'pass ' || count(*) FILTER (WHERE r.result = 'pass'), 'fail ' || count(*) FILTER (WHERE r.result = 'fail'),
                         'unknown ' || count(*) FILTER (WHERE r.result = 'unknown'),
                         'not run ' || count(*) FILTER (WHERE r.result = 'not run')) || '.',
        '{Result,Test,Kind,Expected,Author,Run,By}',
        jsonb_agg(jsonb_build_array(r.result, r.name, r.kind, r.expectation, r.author, schemaguard.sg_page_time(r.at), r.role)
                  ORDER BY array_position('{fail,unknown,not run,pass}', r.result), r.name COLLATE "C"))
    FROM schemaguard.sg_smoke_results(sg_report_smoke.plan) r;
END;
COMMENT ON FUNCTION schemaguard.sg_report_smoke(text) IS 'section of a report: tests that users have written';

CREATE FUNCTION schemaguard.sg_report_overhead(plan text) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL UNSAFE
BEGIN ATOMIC
    SELECT schemaguard.sg_page_section('Overhead',
        'sg_measure_overhead: microseconds for a statement on one row, the median on temporary copies of a sample. Empty: not measured.',
        '{Step,Key,Operation,Without,With,More,Rows,Measured}',
        jsonb_agg(jsonb_build_array(o.step, s.fk_name, o.operation, o.without_us, o.with_us, o.with_us - o.without_us, o.rows,
                                    schemaguard.sg_page_time(o.at)) ORDER BY o.step, o.operation COLLATE "C"))
    FROM (SELECT DISTINCT ON (f.step, f.operation) f.*, e.at, p.name AS plan
          FROM schemaguard.plan p JOIN schemaguard.evidence e ON e.plan_id = p.id
               CROSS JOIN LATERAL jsonb_to_recordset(CASE WHEN e.kind = 'overhead' THEN e.figures ELSE '[]' END)
                   AS f (step int, operation text, with_us numeric, without_us numeric, rows bigint)
          WHERE p.name = sg_report_overhead.plan AND e.place = schemaguard.sg_place()
          ORDER BY f.step, f.operation, f.with_us IS NULL, e.id DESC) o
         LEFT JOIN schemaguard.plan_step s ON s.plan = o.plan AND s.step = o.step;
END;
COMMENT ON FUNCTION schemaguard.sg_report_overhead(text) IS 'section of a report: time that keys add to a statement';

CREATE FUNCTION schemaguard.sg_report_objects() RETURNS jsonb
LANGUAGE sql STABLE PARALLEL UNSAFE
BEGIN ATOMIC
    WITH checked AS (
        SELECT r.*, s.schemas FROM schemaguard.drift_run r JOIN schemaguard.snapshot s ON s.name = r.reference
        WHERE r.place = schemaguard.sg_place() AND r.target = 'live' AND coalesce(s.imported_at, s.taken_at) <= r.at
        ORDER BY r.id DESC LIMIT 1),
    object AS (
        SELECT o.kind, count(*) AS n FROM checked c JOIN schemaguard.snapshot_object o ON o.snapshot = c.reference GROUP BY o.kind),
    differs AS (
        SELECT f.kind, count(DISTINCT f.object) AS n, count(DISTINCT f.object) FILTER (WHERE f.result = 'unknown') AS unknown
        FROM checked c JOIN schemaguard.finding f ON f.source = 'drift' AND f.gone_at IS NULL AND f.role = c.role
             AND f.reference = c.reference AND f.target = c.target
        GROUP BY f.kind)
    SELECT schemaguard.sg_page_section('Objects', coalesce((
            SELECT format('The last check of this database for drift: compared with %s, %s%s.', c.reference,
                          schemaguard.sg_page_time(c.at), ', of these schemas only: ' || array_to_string(c.schemas, ', '))
            FROM checked c), 'No check of this database for drift is on record.'),
        '{Kind,In the reference,Different,Unknown}',
        jsonb_agg(jsonb_build_array(k.kind, o.n, coalesce(d.n, 0), coalesce(d.unknown, 0)) ORDER BY k.kind COLLATE "C"))
    FROM (SELECT o.kind FROM object o UNION SELECT d.kind FROM differs d) k
         LEFT JOIN object o ON o.kind = k.kind LEFT JOIN differs d ON d.kind = k.kind;
END;
COMMENT ON FUNCTION schemaguard.sg_report_objects() IS 'section of a report: numbers of objects by kind, and of those that differ';

CREATE FUNCTION schemaguard.sg_report_accepted(plan text) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL UNSAFE
BEGIN ATOMIC
    SELECT schemaguard.sg_page_section('Accepted', 'Findings of audit gates that somebody has accepted.',
        '{Table,Key or rule,Rows,Accepted rows,By,Until,Reason}',
        jsonb_agg(jsonb_build_array(f.object, f.property, f.count, f.accepted_count, f.accepted_by,
            schemaguard.sg_page_time(f.accepted_until),
                                    f.reason) ORDER BY f.object COLLATE "C", f.property COLLATE "C", f.id))
    FROM schemaguard.finding f
    WHERE f.source = 'audit' AND f.gone_at IS NULL AND f.result = 'fail' AND f.accepted_until > now() AND f.count <= f.accepted_count
      AND (sg_report_accepted.plan IS NULL
           OR EXISTS (SELECT FROM schemaguard.plan_step s
                      WHERE s.plan = sg_report_accepted.plan AND s.child_table = f.object AND s.fk_name = f.property));
END;
COMMENT ON FUNCTION schemaguard.sg_report_accepted(text) IS 'section of a report: accepted findings, by whom, until when';

CREATE FUNCTION schemaguard.sg_report_risks(plan text) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL UNSAFE
BEGIN ATOMIC
    WITH step AS (
        SELECT s.*, concat_ws(', ', s.fk_name, s.child_table) AS object FROM schemaguard.plan_step s
        WHERE sg_report_risks.plan IS NULL OR s.plan = sg_report_risks.plan)
    SELECT schemaguard.sg_page_section('Risks that are left', NULL, '{Risk,Plan,Step,Object}',
        jsonb_agg(jsonb_build_array(r.risk, r.plan, r.step, r.object) ORDER BY r.place, r.plan COLLATE "C", r.step, r.object COLLATE "C"))
    FROM (SELECT 1 AS place, 'rows from before the key may be orphans: it is not validated' AS risk, s.plan, s.step, s.object
          FROM step s WHERE s.state = 'added'
          UNION ALL
          SELECT 1, CASE WHEN c.stands THEN format('%s rows refer to nothing, by the last count, and the key is not there', c.n)
                         ELSE 'rows came back since the last count, may refer to nothing, and the key is not there' END,
                 s.plan, s.step, s.object
          FROM (SELECT DISTINCT ON (x.step) x.step, x.orphan_rows AS n, x.stands
                FROM schemaguard.sg_go_counts(sg_report_risks.plan) x ORDER BY x.step, x.id DESC) c
               JOIN step s ON s.step = c.step AND s.state IN ('pending', 'waiting', 'failed', 'rolled back', 'skipped')
          WHERE c.n > 0 OR NOT c.stands
          UNION ALL
          SELECT 2, format('%s rows are gone or changed without a copy', d.rows_affected), p.name, d.step, d.object
          FROM schemaguard.plan_deed d JOIN schemaguard.plan p ON p.id = d.plan_id
          WHERE d.kind IN ('delete', 'set null', 'set') AND d.rows_affected > 0 AND d.undone_at IS NULL
            AND (sg_report_risks.plan IS NULL OR p.name = sg_report_risks.plan)
          UNION ALL
          SELECT 3, format('%s rows are in quarantine', count(*)), q.plan, q.step, q.row_table
          FROM schemaguard.quarantine q WHERE sg_report_risks.plan IS NULL OR q.plan = sg_report_risks.plan
          GROUP BY q.plan, q.step, q.row_table
          UNION ALL
          SELECT 4, 'a rollback does not take it back: the statement has no undo', s.plan, s.step, s.object
          FROM step s WHERE s.kind = 'statement' AND s.state = 'validated' AND s.undo IS NULL
          UNION ALL
          SELECT 5, 'a rollback does not bring it back: what was dropped is not kept', s.plan, s.step, s.object
          FROM step s WHERE s.kind = 'drop' AND s.state = 'validated' AND s.discard
          UNION ALL
          SELECT 6, 'the plan makes no index: a delete from the parent may read the whole child', s.plan, s.step, s.object
          FROM step s WHERE s.kind = 'foreign key' AND s.state IN ('added', 'validated') AND NOT s.index) r;
END;
COMMENT ON FUNCTION schemaguard.sg_report_risks(text) IS 'section of a report: remaining risks, and changes that cannot be taken back';

-- A rule that is unknown has its reason; the rest is what no call of this report looks at.
CREATE FUNCTION schemaguard.sg_report_unchecked(plan text, rules jsonb) RETURNS jsonb
LANGUAGE sql STABLE PARALLEL UNSAFE
BEGIN ATOMIC
    WITH this AS (
        SELECT p.* FROM schemaguard.plan p WHERE p.name = sg_report_unchecked.plan),
    tested AS (
        SELECT e.figures FROM schemaguard.evidence e
        WHERE e.kind = 'verify' AND e.place = schemaguard.sg_place() AND e.figures -> 'chosen' IS DISTINCT FROM 'true'
          AND e.plan_id IS NOT DISTINCT FROM (SELECT t.id FROM this t)
        ORDER BY e.id DESC LIMIT 1)
    SELECT schemaguard.sg_page_section('Not checked', NULL, '{What,Why,How to check it}',
        jsonb_agg(jsonb_build_array(u.what, u.why, u.how) ORDER BY u.place, u.what COLLATE "C"))
    FROM (SELECT 1 AS place, r.rule ->> 'metric' AS what, r.rule ->> 'reason' AS why, r.rule ->> 'next_call' AS how
          FROM jsonb_array_elements(sg_report_unchecked.rules) r (rule) WHERE r.rule ->> 'verdict' = 'unknown'
          UNION ALL
          SELECT 2, 'what keys refuse, accept and do', 'the last tests made no attempt on the tables',
                 format('SELECT * FROM %s.sg_verify_fks(%L, live => true);', schemaguard.sg_schema(), sg_report_unchecked.plan)
          FROM tested t WHERE NOT (t.figures -> 'live')::boolean
          UNION ALL
          SELECT 3, 'overhead of ' || count(*) || ' keys', 'they were not measured',
                 format('SELECT * FROM schemaguard.sg_measure_overhead(%L);', sg_report_unchecked.plan)
          FROM this t JOIN schemaguard.plan_step s ON s.plan = t.name AND s.kind = 'foreign key' AND s.state <> 'skipped'
          WHERE NOT EXISTS (SELECT FROM schemaguard.evidence e, jsonb_array_elements(e.figures) f
                            WHERE e.plan_id = t.id AND e.kind = 'overhead' AND e.place = schemaguard.sg_place()
                              AND f ? 'with_us' AND f ->> 'step' = s.step::text)
          HAVING count(*) > 0
          UNION ALL
          SELECT 4, 'runs of other roles than ' || current_user, 'the role is no member of pg_monitor',
              'Have a member of pg_monitor make the report.'
          WHERE NOT schemaguard.sg_sees_all()
          UNION ALL
          SELECT 5, 'actions before ' || schemaguard.sg_page_time(max(l.at)), 'rows of the log were deleted then', NULL
          FROM schemaguard.audit_log l WHERE l.action = 'prune' AND l.at >= (SELECT t.created_at FROM this t) HAVING count(*) > 0
          UNION ALL
          SELECT 6, 'keys of the database that the plan has not made: ' || count(*), 'they are no part of the plan',
              format('SELECT %s.sg_report();', schemaguard.sg_schema())
          FROM schemaguard.fk_trust k JOIN this t ON true
          WHERE NOT EXISTS (SELECT FROM schemaguard.plan_step s WHERE s.plan = t.name AND s.child_table = k.child_table
              AND s.fk_name = k.fk_name::text)
          HAVING count(*) > 0
          UNION ALL
          SELECT 7, 'smoke tests that have not run: ' || count(*), 'the last calls did not run them as they are',
              format('SELECT * FROM %s.sg_verify_fks(%L, live => true);', schemaguard.sg_schema(), sg_report_unchecked.plan)
          FROM schemaguard.sg_smoke_results(sg_report_unchecked.plan) r WHERE r.result = 'not run'
          HAVING count(*) > 0
          UNION ALL
          SELECT 8, 'smoke tests of the database: ' || count(*), 'they are no part of the plan',
              format('SELECT * FROM %s.sg_verify_fks(live => true);', schemaguard.sg_schema())
          FROM schemaguard.smoke_test s JOIN this t ON true WHERE s.plan IS NULL
          HAVING count(*) > 0
          UNION ALL
          SELECT 8, 'smoke tests of plan ' || s.plan, 'there is no such plan', 'UPDATE or DELETE them in schemaguard.smoke_test.'
          FROM schemaguard.smoke_test s
          WHERE sg_report_unchecked.plan IS NULL AND NOT EXISTS (SELECT FROM schemaguard.plan p WHERE p.name = s.plan)
            AND s.plan IS NOT NULL
          GROUP BY s.plan
          UNION ALL
          SELECT 8, 'rules of plan ' || r.plan, 'there is no such plan that has the rules', 'UPDATE or DELETE them in schemaguard.go_rule.'
          FROM schemaguard.go_rule r
          WHERE sg_report_unchecked.plan IS NULL AND r.plan IS NOT NULL
            AND NOT EXISTS (SELECT FROM schemaguard.plan p WHERE p.name = r.plan AND p.created_at <= r.added_at)
          GROUP BY r.plan
          UNION ALL
          SELECT 9, 'rows that were written since past the keys',
              'session_replication_role = replica and disabled triggers leave no trace',
                 format('SELECT * FROM %s.sg_orphan_audit(plan => %L);', schemaguard.sg_schema(), sg_report_unchecked.plan)
          UNION ALL
          SELECT 10, 'errors that the keys have raised', 'the server counts rolled back transactions, and no errors by their kind',
                 'Look for 23503, 23001 and the keys'' names in the server''s log.'
          UNION ALL
          SELECT 11, 'how the application does since the plan ran', 'it is not watched',
                 format('SELECT %s.sg_watch_start(%L);', schemaguard.sg_schema(), sg_report_unchecked.plan)
          FROM this t WHERE NOT EXISTS (SELECT FROM schemaguard.sg_watch_last(t.name))) u;
END;
COMMENT ON FUNCTION schemaguard.sg_report_unchecked(text, jsonb)
    IS 'section of a report: checks that were not made, the reason, and the calls that make them';
