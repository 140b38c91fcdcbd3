-- Status: a row per subject, from what calls have stored. No row of users' tables is read. sg_status_<subject>() have the columns of
-- sg_status(); a role counts what row security shows it.

CREATE FUNCTION schemaguard.sg_library_version() RETURNS text
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'sg_library_version';
COMMENT ON FUNCTION schemaguard.sg_library_version() IS 'returns the version of the library that this session has loaded';

CREATE FUNCTION schemaguard.sg_ago(at timestamptz) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
RETURN CASE WHEN at < now() - interval '2 days' THEN div(extract(epoch FROM now() - at), 86400) || ' days ago'
            WHEN at < now() - interval '2 hours' THEN div(extract(epoch FROM now() - at), 3600) || ' hours ago'
            WHEN at < now() - interval '2 minutes' THEN div(extract(epoch FROM now() - at), 60) || ' minutes ago'
            ELSE 'just now' END;
COMMENT ON FUNCTION schemaguard.sg_ago(timestamptz) IS 'returns the age of a time in words';

CREATE FUNCTION schemaguard.sg_unarmed_keys(OUT oid oid, OUT enforced boolean) RETURNS SETOF record
LANGUAGE c STABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'sg_unarmed_keys';
COMMENT ON FUNCTION schemaguard.sg_unarmed_keys() IS 'returns declared keys whose triggers are disabled or missing, and those not enforced';

-- A key of the name on other columns, or to another table, is not what was accepted: `expected` is written by src/report/report_gate.c.
CREATE FUNCTION schemaguard.sg_accepted_keys(OUT oid oid, OUT rows bigint, OUT unarmed boolean) RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT k.oid, max(f.accepted_count) FILTER (WHERE f.kind = 'foreign key'), bool_or(f.kind = 'triggers')
    FROM schemaguard.finding f
         JOIN pg_constraint k ON k.contype = 'f' AND k.conname = f.property
         JOIN pg_class c ON c.oid = k.conrelid
         JOIN pg_namespace n ON n.oid = c.relnamespace AND f.object = format('%I.%I', n.nspname, c.relname)
         JOIN pg_class p ON p.oid = k.confrelid
         JOIN pg_namespace q ON q.oid = p.relnamespace
         CROSS JOIN LATERAL (
             SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY u.place) AS child,
                    string_agg(quote_ident(b.attname), ', ' ORDER BY u.place) AS parent
             FROM unnest(k.conkey, k.confkey) WITH ORDINALITY u (child, parent, place)
                  JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.child
                  JOIN pg_attribute b ON b.attrelid = k.confrelid AND b.attnum = u.parent) l
    WHERE f.source = 'audit' AND f.kind IN ('foreign key', 'triggers') AND f.result = 'fail' AND f.gone_at IS NULL
      AND f.accepted_until > now()
      AND (starts_with(f.identity, concat(schemaguard.sg_place(), ' '))
           AND f.identity <> concat_ws(' ', schemaguard.sg_place(), c.oid, p.oid)) IS NOT TRUE
      AND f.expected = format('(%s) REFERENCES %I.%I(%s)', l.child, q.nspname, p.relname, l.parent)
                       || CASE WHEN k.confmatchtype = 'f' THEN ' MATCH FULL' ELSE '' END
    GROUP BY k.oid;
END;
COMMENT ON FUNCTION schemaguard.sg_accepted_keys()
    IS 'returns declared keys with accepted findings of gates: the number of orphans, and whether it is accepted that triggers do not fire';

-- An audit deletes the verdicts that its own supersede, so a verdict with orphans that is left counts. A key whose orphans a gate's
-- finding was accepted with, and that has no more of them, does not fail, as it does not fail the gate; nor does one whose triggers do
-- not fire, if that was accepted.
CREATE FUNCTION schemaguard.sg_status_keys(
    OUT state text, OUT subject text, OUT since timestamptz, OUT summary text, OUT next_call text)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    WITH accepted AS (
        SELECT a.* FROM schemaguard.sg_accepted_keys() a),
    proved AS (
        SELECT p.constraint_oid, min(p.proved_at) AS proved_at, bool_or(p.result = 'fail') AS broken,
               bool_or(p.result = 'fail' AND (p.orphan_rows <= a.rows) IS NOT TRUE) AS fails,
               min(p.proved_at) FILTER (WHERE p.result = 'fail') AS broken_at
        FROM schemaguard.sg_proof_here() p
             LEFT JOIN accepted a ON p.result = 'fail' AND a.oid = p.constraint_oid
        GROUP BY p.constraint_oid),
    declared AS (
        SELECT count(*) AS keys, count(*) FILTER (WHERE NOT c.convalidated) AS unproved
        FROM pg_constraint c WHERE c.contype = 'f' AND c.conparentid = 0),
    read AS (
        SELECT count(*) AS keys, min(p.proved_at) AS oldest, count(*) FILTER (WHERE p.broken) AS broken,
               count(*) FILTER (WHERE p.fails) AS failing, min(p.broken_at) AS broken_at
        FROM proved p JOIN pg_constraint c ON c.oid = p.constraint_oid
        WHERE c.contype = 'f' AND c.conparentid = 0),
    unarmed AS (
        SELECT count(*) AS unarmed, count(*) FILTER (WHERE a.unarmed IS NOT TRUE) AS open
        FROM schemaguard.sg_unarmed_keys() u LEFT JOIN accepted a ON a.oid = u.oid
        WHERE u.enforced),
    known AS (
        SELECT d.keys, d.keys - r.keys AS unread, d.unproved, r.oldest, r.broken, r.failing, r.broken_at, u.unarmed, u.open
        FROM declared d, read r, unarmed u),
    told AS (
        SELECT k.*, CASE WHEN k.failing > 0 OR k.open > 0 THEN 'failing'
                              WHEN k.broken > 0 OR k.unarmed > 0 OR k.keys = 0 OR k.unread > 0 OR k.unproved > 0
                                  OR k.oldest < now() - interval '30 days' THEN 'attention'
                              ELSE 'ok' END AS state
        FROM known k)
    SELECT k.state, 'keys', CASE WHEN k.broken > 0 THEN k.broken_at WHEN k.unarmed = 0 THEN k.oldest END,
           CASE WHEN k.broken > 0 THEN format('orphans in %s of %s keys, found %s', k.broken, k.keys, schemaguard.sg_ago(k.broken_at))
                    || CASE WHEN k.broken > k.failing THEN format('; accepted: %s', k.broken - k.failing) ELSE '' END
                    || CASE WHEN k.unread > 0 THEN format('; no audit on record of %s', k.unread) ELSE '' END
                    || CASE WHEN k.unarmed > 0 THEN format('; triggers do not fire: %s', k.unarmed) ELSE '' END
                WHEN k.unarmed > 0 THEN format('the triggers of %s of %s keys do not fire%s', k.unarmed, k.keys,
                                               CASE WHEN k.open = 0 THEN ', which is accepted' ELSE '' END)
                WHEN k.keys = 0 THEN 'no foreign key is declared'
                WHEN k.unread > 0 THEN format('no audit on record of %s of %s keys', k.unread, k.keys)
                WHEN k.unproved > 0 THEN format('not validated: %s of %s keys', k.unproved, k.keys)
                ELSE format('no orphans in %s keys; the oldest audit was %s', k.keys, schemaguard.sg_ago(k.oldest)) END,
           CASE WHEN k.broken > 0 OR k.unarmed > 0 OR k.unread = 0 AND k.unproved > 0
                    THEN 'SELECT child_table, fk_name, state, stale_reason FROM schemaguard.fk_trust WHERE stands IS NOT TRUE;'
                WHEN k.state = 'attention' AND k.keys > 0 THEN format('SELECT * FROM %s.sg_orphan_audit();', schemaguard.sg_schema())
                ELSE format('SELECT * FROM %s.sg_discover_fks();', schemaguard.sg_schema()) END
    FROM told k
    UNION ALL
    SELECT CASE WHEN s.setrole = 0 THEN 'failing' ELSE 'attention' END, 'keys', NULL,
           format('session_replication_role = replica: no key is checked, and no trigger fires, in sessions of %s',
                  CASE WHEN s.setrole = 0 THEN 'every role' ELSE format('role %I', pg_get_userbyid(s.setrole)) END),
           format('ALTER %s RESET session_replication_role;',
                  CASE WHEN s.setrole = 0 AND s.setdatabase <> 0 THEN format('DATABASE %I', current_database())
                       ELSE 'ROLE ' || CASE WHEN s.setrole = 0 THEN 'ALL' ELSE quote_ident(pg_get_userbyid(s.setrole)) END
                            || CASE WHEN s.setdatabase <> 0 THEN format(' IN DATABASE %I', current_database()) ELSE '' END END)
    FROM pg_db_role_setting s
    WHERE s.setdatabase IN (0, (SELECT d.oid FROM pg_database d WHERE d.datname = current_database()))
      AND EXISTS (SELECT FROM unnest(s.setconfig) c WHERE lower(c) = 'session_replication_role=replica')
    UNION ALL
    SELECT 'failing', 'keys', NULL,
           'session_replication_role = replica in the server''s configuration: no key is checked, and no trigger fires, in any session',
           'ALTER SYSTEM SET session_replication_role = origin; SELECT pg_reload_conf();'
    FROM pg_settings s
    WHERE s.name = 'session_replication_role' AND s.setting = 'replica' AND s.source IN ('configuration file', 'command line');
END;
COMMENT ON FUNCTION schemaguard.sg_status_keys() IS 'returns the status of the declared keys, by the last audits';

-- On a partition the key of the partitioned table does it. Which name the key has does not matter. Sets are joined: a call for each step
-- takes 0.6 ms.
CREATE FUNCTION schemaguard.sg_step_keys(steps schemaguard.plan_step[], OUT plan text, OUT step int, OUT key oid)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    WITH RECURSIVE step AS MATERIALIZED (
        SELECT s.*, concat(left(split_part(s.on_delete, ' ', -1), 1), left(split_part(s.on_update, ' ', -1), 1), left(s.match, 1),
                           s.deferrable, s.initially_deferred) AS clauses,
               parse_ident(s.child_table) AS child, parse_ident(s.parent_table) AS parent
        FROM unnest(steps) s WHERE s.kind = 'foreign key'),
    relation AS MATERIALIZED (
        SELECT n.nspname::text, c.relname::text, c.oid
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p', 'f')),
    key AS (
        SELECT s.plan, s.step, k.oid, k.conparentid
        FROM step s
             JOIN relation c ON c.nspname = s.child[1] AND c.relname = s.child[2]
             JOIN relation p ON p.nspname = s.parent[1] AND p.relname = s.parent[2]
             JOIN pg_constraint k ON k.contype = 'f' AND k.conrelid = c.oid AND k.confrelid = p.oid
        WHERE concat(k.confdeltype, k.confupdtype, k.confmatchtype, k.condeferrable, k.condeferred) = s.clauses
          AND s.child_columns = (SELECT array_agg(a.attname::text ORDER BY u.n)
                                 FROM unnest(k.conkey) WITH ORDINALITY u (m, n)
                                      JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.m)
          AND CASE WHEN s.parent_columns IS NULL
                   THEN EXISTS (SELECT FROM pg_index i WHERE i.indexrelid = k.conindid AND i.indisprimary)
                   ELSE s.parent_columns = (SELECT array_agg(a.attname::text ORDER BY u.n)
                                            FROM unnest(k.confkey) WITH ORDINALITY u (m, n)
                                                 JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.m) END
          AND NOT EXISTS (SELECT FROM pg_constraint w WHERE w.oid = k.conparentid AND w.conrelid = k.conrelid)
        UNION ALL
        SELECT k.plan, k.step, w.oid, w.conparentid FROM key k JOIN pg_constraint w ON w.oid = k.conparentid)
    SELECT k.plan, k.step, k.oid FROM key k WHERE k.conparentid = 0;
END;
COMMENT ON FUNCTION schemaguard.sg_step_keys(schemaguard.plan_step[]) IS 'returns the keys that do what steps say';

-- Of all plans a key counts as there, too, as long as it is the one that the step has made, whatever became of its names; what a plan
-- has dropped or replaced is meant to be gone.
CREATE FUNCTION schemaguard.sg_gone_keys(plan text, OUT name text, OUT step int, OUT fk_name text, OUT since timestamptz)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL UNSAFE
BEGIN ATOMIC
    WITH made AS MATERIALIZED (
        SELECT s AS whole, s.plan, s.step, s.fk_name, s.child_table, s.child_columns, s.parent_table, s.updated_at
        FROM schemaguard.plan_step s
        WHERE s.kind = 'foreign key' AND s.state IN ('added', 'validated') AND (sg_gone_keys.plan IS NULL OR s.plan = sg_gone_keys.plan)),
    standing AS MATERIALIZED (
        SELECT p.name, d.step
        FROM schemaguard.plan p
             JOIN schemaguard.plan_deed d ON d.plan_id = p.id AND d.kind = 'add' AND d.undone_at IS NULL
                  AND starts_with(d.after ->> 'identity', concat(schemaguard.sg_place(), ' '))
             JOIN pg_constraint k ON k.contype = 'f' AND k.oid::text = split_part(d.after ->> 'identity', ' ', 4)
        WHERE sg_gone_keys.plan IS NULL),
    dropped AS MATERIALIZED (
        SELECT s.* FROM schemaguard.plan_step s
        WHERE sg_gone_keys.plan IS NULL AND (s.kind = 'drop' AND s.state = 'validated'
                                             OR s.replaces IS NOT NULL AND s.state IN ('added', 'validated'))),
    missed AS MATERIALIZED (
        SELECT m.* FROM made m
        WHERE NOT EXISTS (SELECT FROM standing t WHERE t.name = m.plan AND t.step = m.step)
          AND NOT EXISTS (SELECT FROM dropped d
                          WHERE d.child_table = m.child_table
                            AND CASE WHEN d.kind = 'foreign key' THEN d.replaces = m.fk_name
                                     ELSE d.definition = 'table' OR d.fk_name = m.fk_name OR d.fk_name = ANY (m.child_columns) END
                             OR d.definition = 'table' AND d.child_table = m.parent_table))
    SELECT m.plan, m.step, m.fk_name, m.updated_at FROM missed m
    WHERE (m.plan, m.step) NOT IN (SELECT k.plan, k.step FROM schemaguard.sg_step_keys((SELECT array_agg(s.whole) FROM missed s)) k);
END;
COMMENT ON FUNCTION schemaguard.sg_gone_keys(text)
    IS 'returns steps of a plan, or of all, that have added keys which are gone, or not as the steps say';

CREATE FUNCTION schemaguard.sg_status_plans(
    OUT state text, OUT subject text, OUT since timestamptz, OUT summary text, OUT next_call text)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL UNSAFE
BEGIN ATOMIC
    WITH step AS (
        SELECT s.plan, s.updated_at,
               CASE WHEN s.state = 'failed' THEN 2
                    WHEN s.state IN ('pending', 'added', 'waiting') OR s.state = 'skipped' AND s.skipped_by IS NULL OR b.stuck OR g.gone
                        THEN 1
                    ELSE 0 END AS level, b.stuck, s.state = 'rolled back' AS back, g.gone,
               -- the same call would end in the same way
               coalesce(s.reason ~ '^not taken back: (?!rows may still be )', false) AS told
        FROM schemaguard.plan_step s JOIN schemaguard.plan p ON p.name = s.plan,
             -- a rollback that was cut off says the former of no step: what it has done is still there, or rows are still away
             LATERAL (SELECT coalesce(starts_with(s.reason, 'not taken back: '), false)
                 OR s.state = 'rolled back' AND (EXISTS (SELECT FROM schemaguard.plan_deed d
                        WHERE d.plan_id = p.id AND d.step = s.step AND d.done_at IS NOT NULL AND d.undone_at IS NULL
                            AND d.undo <> 'nothing')
                    OR s.reason IS NULL AND s.step IN (SELECT q.step FROM schemaguard.quarantine q
                        WHERE q.plan_id = p.id ORDER BY q.id DESC LIMIT 1000))) b (stuck),
             LATERAL (SELECT (s.plan, s.step) IN (SELECT k.name, k.step FROM schemaguard.sg_gone_keys(NULL) k)) g (gone)),
    worst AS (
        SELECT max(s.level) AS level, count(*) AS steps, count(*) FILTER (WHERE s.level = 2) AS failed,
               count(*) FILTER (WHERE s.level = 1 AND NOT s.stuck AND NOT s.gone) AS undone, count(*) FILTER (WHERE s.stuck) AS stuck,
               count(*) FILTER (WHERE s.back) AS back, count(*) FILTER (WHERE s.gone) AS gone,
               (SELECT count(*) FROM schemaguard.plan) AS plans
        FROM step s),
    named AS (                                  -- the plan of the step that has been so for longest
        SELECT s.plan, s.updated_at, s.stuck AND NOT s.told AS stuck, s.back, s.gone FROM step s, worst w WHERE s.level = w.level
        ORDER BY CASE WHEN s.level > 0 THEN s.updated_at END, s.updated_at DESC, s.plan COLLATE "C" LIMIT 1)
    SELECT (ARRAY['ok', 'attention', 'failing'])[coalesce(w.level, 0) + 1], 'plans', n.updated_at,
           CASE WHEN w.plans = 0 AND row_security_active('schemaguard.plan') THEN 'there is no plan that you may read'
                WHEN w.plans = 0 THEN 'there is no plan'
                WHEN w.failed > 0 THEN format('steps that failed: %s of %s; not done: %s', w.failed, w.steps, w.undone)
                WHEN w.stuck > 0 THEN format('steps that a rollback has not taken back: %s of %s; not done: %s', w.stuck, w.steps, w.undone)
                WHEN w.undone > 0 THEN format('steps that are not done: %s of %s', w.undone, w.steps)
                WHEN w.gone > 0 THEN format('keys of steps that are gone, or not as the steps say: %s', w.gone)
                ELSE format('no step is left to do; plans: %s, steps: %s', w.plans, w.steps)
                    || CASE WHEN w.back > 0 THEN format('; rolled back: %s', w.back) ELSE '' END END,
           CASE WHEN n.plan IS NULL THEN 'SELECT * FROM schemaguard.plan;'
                WHEN n.stuck THEN format('CALL %s.sg_rollback_fks(%L);', schemaguard.sg_schema(), n.plan)
                WHEN n.gone THEN format('SELECT * FROM %s.sg_verify_fks(%L) WHERE result <> ''pass'';', schemaguard.sg_schema(), n.plan)
                WHEN w.level > 0 THEN format('SELECT * FROM %s.sg_plan_check(%L) WHERE result <> ''ok'';', schemaguard.sg_schema(), n.plan)
                WHEN n.back THEN format('SELECT * FROM %s.sg_plan_check(%L);', schemaguard.sg_schema(), n.plan)
                ELSE format('SELECT * FROM %s.sg_verify_fks(%L) WHERE result <> ''pass'';', schemaguard.sg_schema(), n.plan) END
    FROM worst w LEFT JOIN named n ON true;
END;
COMMENT ON FUNCTION schemaguard.sg_status_plans() IS 'returns the status of the steps of plans';

-- The last check of each comparison, while there is the snapshot that it has read: one of the name that came later is another. What another
-- role's check has found gone since counts no more: nobody of this comparison has been told of it yet.
CREATE FUNCTION schemaguard.sg_drift_last(
    OUT role text, OUT reference text, OUT target text, OUT at timestamptz, OUT drifts bigint, OUT level int, OUT first_seen timestamptz,
    OUT live boolean, OUT schemas text[])
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT r.role, r.reference, r.target, r.at, greatest(r.drifts - g.n, 0),
           CASE WHEN r.drift + r.extra > g.n THEN 2 WHEN r.unknown > 0 THEN 1 ELSE 0 END,
           (SELECT min(f.first_seen) FROM schemaguard.finding f
            WHERE f.source = 'drift' AND f.role = r.role AND f.reference = r.reference AND f.target = r.target AND f.gone_at IS NULL),
           'live' IN (r.reference, r.target),
           (SELECT s.schemas FROM schemaguard.snapshot s WHERE s.name IN (r.reference, r.target) AND s.schemas IS NOT NULL LIMIT 1)
    FROM (SELECT DISTINCT ON (r.role, r.reference, r.target) r.* FROM schemaguard.drift_run r
          WHERE r.place = schemaguard.sg_place()
            AND EXISTS (SELECT FROM schemaguard.snapshot s WHERE s.name IN (r.reference, r.target))
            AND NOT EXISTS (SELECT FROM schemaguard.snapshot s
                            WHERE s.name IN (r.reference, r.target) AND coalesce(s.imported_at, s.taken_at) > r.at)
          ORDER BY r.role, r.reference, r.target, r.id DESC) r
         CROSS JOIN LATERAL (
             SELECT count(*) AS n FROM schemaguard.finding f
             WHERE f.source = 'drift' AND f.role = r.role AND f.reference = r.reference AND f.target = r.target
               AND f.run = r.run_id AND f.gone_at IS NOT NULL AND f.delivered_at IS NULL) g;
END;
COMMENT ON FUNCTION schemaguard.sg_drift_last() IS 'returns the last check of each comparison, with its findings that are not gone since';

-- Counts runs of superusers and of the caller, but not those of any other role with the grant, which may be over a schema of its own
CREATE FUNCTION schemaguard.sg_counts_for(role text) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
RETURN role = current_user::text OR EXISTS (SELECT FROM pg_roles r WHERE r.rolname = role AND r.rolsuper);
COMMENT ON FUNCTION schemaguard.sg_counts_for(text) IS 'tells whether rows that a role has stored count for the caller';

-- A check against a snapshot of some schemas has not looked at the others. Of checks that the caller does not count, none covers anything.
CREATE FUNCTION schemaguard.sg_drift_beyond(counted boolean) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    WITH checked AS MATERIALIZED (
        SELECT l.schemas FROM schemaguard.sg_drift_last() l WHERE l.live AND (NOT counted OR schemaguard.sg_counts_for(l.role))),
    beyond AS (
        SELECT n.nspname, row_number() OVER (ORDER BY n.nspname COLLATE "C") AS number, count(*) OVER () AS n
        FROM pg_namespace n
        WHERE NOT EXISTS (SELECT FROM checked c WHERE c.schemas IS NULL OR n.nspname = ANY (c.schemas))
          AND n.nspname <> 'information_schema' AND n.nspname <> 'schemaguard' AND n.nspname !~ '^pg_'
          AND NOT (n.nspname ~ '^schemaguard_attic(_[0-9]+)?$'
                   AND EXISTS (SELECT FROM pg_roles o WHERE o.oid = n.nspowner AND o.rolsuper))
          AND EXISTS (SELECT FROM pg_class c
                      WHERE c.relnamespace = n.oid AND c.relkind IN ('r', 'p', 'f', 'v', 'm')
                        AND NOT EXISTS (SELECT FROM pg_depend d
                                        WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')))
    SELECT string_agg(quote_ident(b.nspname), ', ' ORDER BY b.number) || CASE WHEN max(b.n) > 10 THEN format(' and %s more', max(b.n) - 10)
                                                                             ELSE '' END
    FROM beyond b WHERE b.number <= 10;
END;
COMMENT ON FUNCTION schemaguard.sg_drift_beyond(boolean)
    IS 'returns the names of schemas with tables or views that no check for drift has compared with a snapshot; null: there are none';

CREATE FUNCTION schemaguard.sg_status_drift(
    OUT state text, OUT subject text, OUT since timestamptz, OUT summary text, OUT next_call text)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    WITH checked AS (                           -- a comparison of two snapshots says nothing of this database
        SELECT l.* FROM schemaguard.sg_drift_last() l WHERE l.live),
    worst AS (
        SELECT count(*) AS comparisons, max(c.level) AS level, sum(c.drifts) AS drifts, max(c.at) AS newest, min(c.at) AS oldest,
               min(c.first_seen) AS first_seen,
               CASE WHEN count(*) > 0 THEN schemaguard.sg_drift_beyond(false) END AS beyond
        FROM checked c),
    named AS (
        SELECT c.reference, c.target, c.role FROM checked c ORDER BY c.level DESC, c.at DESC, c.reference COLLATE "C" LIMIT 1),
    taken AS (
        SELECT s.name, s.schemas IS NULL AS whole
        FROM schemaguard.snapshot s ORDER BY s.schemas IS NOT NULL, s.taken_at DESC, s.name COLLATE "C" LIMIT 1)
    SELECT t.state, 'drift',
           CASE WHEN w.level > 0 THEN w.first_seen ELSE w.oldest END,
           CASE WHEN w.comparisons = 0 AND k.name IS NULL THEN 'there is no snapshot to compare with'
                WHEN w.comparisons = 0 THEN 'no check on record compares this database with a snapshot'
                WHEN w.level > 0 THEN format('differences: %s; comparisons: %s; last check %s', w.drifts, w.comparisons,
                    schemaguard.sg_ago(w.newest)) || CASE WHEN n.role <> CURRENT_USER THEN format('; found by role %I', n.role) ELSE '' END
                ELSE format('no drift; comparisons: %s; the oldest check was %s', w.comparisons, schemaguard.sg_ago(w.oldest)) END
           || coalesce('; schemas that no check has compared: ' || w.beyond, ''),
           CASE WHEN w.level > 0 THEN format('SELECT * FROM %s.sg_drift(%L, %L);', schemaguard.sg_schema(), n.reference, n.target)
                WHEN w.comparisons > 0 AND w.beyond IS NULL
                    THEN format('SELECT %s.sg_drift_check(%L, %L);', schemaguard.sg_schema(), n.reference, n.target)
                WHEN k.whole OR w.comparisons = 0 AND k.name IS NOT NULL
                    THEN format('SELECT %s.sg_drift_check(%L);', schemaguard.sg_schema(), k.name)
                ELSE format('SELECT %s.sg_snapshot_take(%L);', schemaguard.sg_schema(), 'baseline'
                         || CASE WHEN EXISTS (SELECT FROM schemaguard.snapshot s WHERE s.name = 'baseline')
                                 THEN to_char(now(), ' YYYY-MM-DD HH24:MI:SS') ELSE '' END) END
    FROM worst w LEFT JOIN named n ON true LEFT JOIN taken k ON true
         CROSS JOIN LATERAL (
             SELECT CASE WHEN w.level = 2 THEN 'failing'
                         WHEN w.comparisons = 0 OR w.level = 1 OR w.beyond IS NOT NULL OR w.oldest < now() - interval '30 days'
                             THEN 'attention' ELSE 'ok' END) t (state);
END;
COMMENT ON FUNCTION schemaguard.sg_status_drift() IS 'returns the status of the schema against its snapshots, by the last checks';

CREATE FUNCTION schemaguard.sg_status_gates(
    OUT state text, OUT subject text, OUT since timestamptz, OUT summary text, OUT next_call text)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    WITH gate AS (
        SELECT count(*) AS gates, min(g.at) AS oldest, max(g.at) AS newest
        FROM (SELECT max(l.at) AS at FROM schemaguard.audit_log l
              WHERE l.action = 'audit gate' AND l.place = schemaguard.sg_place() GROUP BY l.role, l.object) g),
    found AS (
        SELECT count(*) FILTER (WHERE NOT a.accepted) AS findings, count(*) FILTER (WHERE f.result = 'fail' AND NOT a.accepted) AS failed,
               min(f.first_seen) FILTER (WHERE NOT a.accepted) AS first_seen, count(*) FILTER (WHERE a.accepted) AS accepted,
               count(*) FILTER (WHERE a.accepted AND f.accepted_until < now() + interval '14 days') AS ending
        FROM schemaguard.finding f
             CROSS JOIN LATERAL (SELECT coalesce(f.result = 'fail' AND f.accepted_until > now()
                 AND f.count <= f.accepted_count, false)) a (accepted)
        WHERE f.source = 'audit' AND f.gone_at IS NULL AND f.place = schemaguard.sg_place())
    SELECT CASE WHEN f.failed > 0 THEN 'failing'
                WHEN f.findings > 0 OR f.ending > 0 OR g.gates = 0 OR g.oldest < now() - interval '30 days' THEN 'attention' ELSE 'ok' END,
           'gates', coalesce(f.first_seen, g.oldest),
           CASE WHEN f.findings > 0 THEN format('fail: %s; unknown: %s; the last gate ran %s', f.failed, f.findings - f.failed,
               schemaguard.sg_ago(g.newest))
                WHEN g.gates = 0 THEN 'no audit gate has run'
                WHEN f.ending > 0 THEN format('accepted: %s, of which %s end within 14 days', f.accepted, f.ending)
                ELSE format('nothing new; accepted: %s; the oldest gate ran %s', f.accepted, schemaguard.sg_ago(g.oldest)) END,
           CASE WHEN f.findings > 0
                    THEN 'SELECT result, object, property, count, first_seen::date, detail '
                         'FROM schemaguard.finding WHERE source = ''audit'' AND gone_at IS NULL'
                         || CASE WHEN f.accepted > 0 THEN ' AND (accepted_until > now() AND count <= accepted_count) IS NOT TRUE;'
                                 ELSE ';' END
                WHEN f.ending > 0
                    THEN 'SELECT accepted_until::date, object, property, count, reason FROM schemaguard.finding '
                         'WHERE source = ''audit'' AND gone_at IS NULL AND accepted_until < now() + interval ''14 days'' ORDER BY 1, 2;'
                ELSE format('CALL %s.sg_audit_gate();', schemaguard.sg_schema()) END
    FROM gate g, found f;
END;
COMMENT ON FUNCTION schemaguard.sg_status_gates() IS 'returns the status of the audit gates';

-- Counts no more rows of the quarantine than an answer needs.
CREATE FUNCTION schemaguard.sg_status_kept(
    OUT state text, OUT subject text, OUT since timestamptz, OUT summary text, OUT next_call text)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL UNSAFE
BEGIN ATOMIC
    -- schemaguard.attic, for who may read no view
    WITH attic AS (
        SELECT n.oid, n.nspname FROM pg_namespace n JOIN pg_roles r ON r.oid = n.nspowner
        WHERE n.nspname ~ '^schemaguard_attic(_[0-9]+)?$' AND r.rolsuper),
    deed AS (
        SELECT d.id, s.kind, d.done_at, d.after ->> 'definition' AS definition, d.after ->> 'child_table' AS relation,
               split_part(d.after ->> 'was', chr(10), 1) AS was
        FROM schemaguard.plan_deed d
             JOIN schemaguard.plan p ON p.id = d.plan_id
             JOIN schemaguard.plan_step s ON s.plan = p.name AND s.step = d.step
        -- what went along with a column comes and goes with that
        WHERE s.kind IN ('drop', 'statement') AND d.undo = 'change back' AND d.undone_at IS NULL AND d.after ->> 'own' IS NULL),
    kept AS (
        -- "schema system database relation shape" is where a deed has put a table or view; 0.1.0 wrote a schema or nothing
        SELECT d.id, d.kind, d.done_at, CASE WHEN d.definition IN ('table', 'view') THEN d.was END AS was,
               CASE WHEN d.definition IN ('table', 'view')
                        THEN (SELECT r.oid FROM pg_class r JOIN attic s ON s.oid = r.relnamespace
                              WHERE s.nspname = coalesce(nullif(split_part(d.was, ' ', 1), ''), 'schemaguard_attic')
                                AND r.relname = (parse_ident(d.relation))[2]) END AS named,
               CASE WHEN d.definition IN ('table', 'view') AND split_part(d.was, ' ', 2) = c.system_identifier::text
                        THEN split_part(d.was, ' ', 4) END AS marked,
               -- of an index or a partition it is a definition
               CASE WHEN d.definition IN ('table', 'view') THEN substring(split_part(d.was, ' ', 6), '^[0-9]+$')::oid END AS home
        FROM deed d, pg_control_system() c
        WHERE d.kind = 'drop'
        UNION ALL                               -- a view that a sync keeps beside what needs it
        SELECT d.id, d.kind, NULL, NULL,
               (SELECT r.oid FROM pg_class r JOIN attic s ON s.oid = r.relnamespace
                WHERE s.nspname = 'schemaguard_attic' AND r.relname = (parse_ident(n.name[1]))[1]), NULL, NULL
        FROM deed d
             CROSS JOIN LATERAL regexp_match(d.definition,
                                             E'RENAME TO ("(?:[^"]|"")+"|[\\w$]+);\n[^\n]* SET SCHEMA schemaguard_attic$') n (name)
        WHERE d.kind = 'statement'),
    -- columns on record by OID and number, or by name where the table of that OID is of another database, or gone; null: not found
    on_record AS (
        SELECT d.id, n.name, a.attrelid, a.attnum
        FROM schemaguard.plan_deed d
             CROSS JOIN LATERAL (VALUES (coalesce(d.after ->> 'new_name', '_sg_dropped_' || (d.after ->> 'fk_name')))) n (name)
             LEFT JOIN pg_class r ON r.oid = CASE WHEN starts_with(d.after ->> 'identity', schemaguard.sg_place() || ' ')
                                                      THEN split_part(d.after ->> 'identity', ' ', 3)::oid END
             LEFT JOIN pg_attribute a ON a.attrelid = coalesce(r.oid, schemaguard.sg_relation_oid(d.after ->> 'child_table'))
                  AND NOT a.attisdropped
                  AND CASE WHEN r.oid IS NULL THEN a.attname = n.name
                           ELSE a.attnum = substring(d.after ->> 'identity', '{([0-9]+)}')::int2 END
        WHERE d.undone_at IS NULL AND d.undo = 'change back' AND d.after ->> 'kind' = 'drop' AND d.after ->> 'definition' = 'column'),
    placed AS (
        SELECT s.oid, s.nspname, s.nspowner, s.nspacl, r.relowner, k.home
        FROM kept k JOIN pg_class r ON r.oid::text = k.marked JOIN attic o ON o.oid = r.relnamespace JOIN pg_namespace s ON s.oid = o.oid),
    -- roles with USAGE where something is kept and none on the schema that it was in; and owners that have it there alone, as of late
    wrong AS (
        SELECT DISTINCT true AS more, p.nspname, a.grantee AS role
        FROM placed p CROSS JOIN LATERAL aclexplode(coalesce(p.nspacl, acldefault('n', p.nspowner))) a
        WHERE a.privilege_type = 'USAGE' AND NOT has_schema_privilege(a.grantee, p.home, 'USAGE')
        UNION ALL
        SELECT DISTINCT false, p.nspname, w.role
        FROM placed p, pg_database d CROSS JOIN LATERAL (VALUES (p.relowner), (d.datdba)) w (role)
        WHERE d.datname = current_database() AND NOT has_schema_privilege(w.role, p.oid, 'USAGE')
          AND NOT EXISTS (SELECT FROM placed o WHERE o.oid = p.oid AND has_schema_privilege(w.role, o.home, 'USAGE') IS NOT TRUE))
    -- whoever sees no row is told that there is none where the table has no block
    SELECT CASE WHEN q.n > 0 OR q.hidden THEN 'attention' ELSE 'ok' END, 'quarantine', q.at,
           CASE WHEN q.n > 1000 THEN 'more than 1000 rows are in quarantine' WHEN q.n > 0 THEN format('rows in quarantine: %s', q.n)
                WHEN q.hidden THEN 'rows that you may not read may be in quarantine' ELSE 'no row is in quarantine' END,
           'SELECT plan, row_table, fk_name, count(*) FROM schemaguard.quarantine GROUP BY 1, 2, 3;'
    FROM (SELECT count(*) AS n, min(r.at) AS at,
                 row_security_active('schemaguard.quarantine') AND pg_relation_size('schemaguard.quarantine') > 0 AS hidden
          FROM (SELECT k.at FROM schemaguard.quarantine k ORDER BY k.id LIMIT 1001) r) q
    UNION ALL
    SELECT CASE WHEN a.lost + a.columns + d.astray + o.n > 0 OR d.oldest < now() - interval '30 days' THEN 'attention' ELSE 'ok' END,
           'attic', d.oldest,
           CASE WHEN o.more > 0 THEN format('kept where roles have USAGE that have none on the schema it was in: %s', o.more)
                WHEN o.n > 0 THEN format('kept where its owner, or that of the database, has no USAGE, as for a dump: %s', o.n)
                WHEN a.lost > 0 THEN format('in the attic without a row in schemaguard.plan_deed%s: %s of %s%s',
                                            CASE WHEN h.hidden THEN ' that this role sees' END, a.lost, a.n,
                                            CASE WHEN a.columns > 0 THEN ', and columns that are kept: ' || a.columns END)
                WHEN a.columns > 0 THEN format('columns that are kept without a row in schemaguard.plan_deed%s: %s',
                                               CASE WHEN h.hidden THEN ' that this role sees' END, a.columns)
                WHEN d.astray > 0 THEN format('dropped and kept: %s, of which %s are not where they were put', d.n, d.astray)
                WHEN d.n > 0 THEN format('dropped and kept: %s; the oldest was dropped %s', d.n, schemaguard.sg_ago(d.oldest))
                WHEN h.hidden THEN 'nothing of yours that was dropped is kept'
                ELSE 'nothing that was dropped is kept' END,
           CASE WHEN o.n > 0 THEN o.mends
                WHEN a.lost > 0 THEN 'SELECT c.oid::regclass FROM pg_class c WHERE c.relnamespace IN '
                    || '(SELECT a.oid FROM schemaguard.attic a) AND c.relkind IN (''r'', ''p'', ''v'', ''m'');'
                WHEN a.columns > 0
                    THEN 'SELECT attrelid::regclass, attname FROM pg_attribute WHERE starts_with(attname::text, ''_sg_dropped_'') '
                         || 'AND (attrelid, attnum) NOT IN (SELECT relid, number FROM schemaguard.kept_column);'
                ELSE 'SELECT kind, object, done_at FROM schemaguard.plan_deed WHERE undone_at IS NULL;' END
    -- who does not see all deeds is told of what is the role's own
    FROM row_security_active('schemaguard.plan_deed'::regclass) h (hidden),
         LATERAL (
          SELECT count(*) AS n,
                 count(*) FILTER (WHERE c.oid NOT IN (SELECT k.named FROM kept k WHERE k.named IS NOT NULL)
                     AND c.oid::text NOT IN (SELECT k.marked FROM kept k WHERE k.marked IS NOT NULL)) AS lost,
                 -- A restore without our rows has them. An index is read, and one comparison of names is all for most of its entries.
                 (SELECT count(*) FROM pg_attribute t WHERE t.attname < '_sg_dropped`' AND starts_with(t.attname::text, '_sg_dropped_')
                  AND NOT t.attisdropped AND t.attinhcount = 0
                  AND (t.attrelid, t.attnum) NOT IN (SELECT r.attrelid, r.attnum FROM on_record r WHERE r.attrelid IS NOT NULL)
                  -- it may be one that is not found, in a schema that has another name, for example
                  AND t.attname::text NOT IN (SELECT r.name FROM on_record r WHERE r.attrelid IS NULL)
                  AND (NOT h.hidden OR EXISTS (SELECT FROM pg_class r WHERE r.oid = t.attrelid
                                               AND pg_has_role(r.relowner, 'USAGE')))) AS columns
          FROM pg_class c JOIN attic s ON s.oid = c.relnamespace
          WHERE c.relkind IN ('r', 'p', 'v', 'm')
            AND (NOT h.hidden OR pg_has_role(c.relowner, 'USAGE'))) a,
         (SELECT count(*) AS n, min(k.done_at) AS oldest,
                 count(*) FILTER (WHERE (k.was ~ '^schemaguard_attic' AND k.named IS NULL)
                                     OR k.id IN (SELECT r.id FROM on_record r WHERE r.attrelid IS NULL)) AS astray
          FROM kept k
          WHERE k.kind = 'drop') d,
         (SELECT count(*) AS n, count(*) FILTER (WHERE p.more) AS more,
                 string_agg(format(CASE WHEN p.more THEN 'REVOKE USAGE ON SCHEMA %I FROM %s;' ELSE 'GRANT USAGE ON SCHEMA %I TO %s;' END,
                                   p.nspname, coalesce(quote_ident(pg_get_userbyid(nullif(p.role, 0))), 'PUBLIC')), ' ') AS mends
          FROM wrong p) o;
END;
COMMENT ON FUNCTION schemaguard.sg_status_kept() IS 'returns the status of quarantine and of dropped objects that are kept';

CREATE FUNCTION schemaguard.sg_status_publications(
    OUT state text, OUT subject text, OUT since timestamptz, OUT summary text, OUT next_call text)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL UNSAFE
BEGIN ATOMIC
    SELECT CASE WHEN count(*) > 0 THEN 'attention' ELSE 'ok' END, 'publications', NULL::timestamptz,
           CASE WHEN count(*) > 1 THEN format('%s publications replicate objects of schemaguard', count(*))
                WHEN count(*) = 1 THEN format('publication %s replicates objects of schemaguard', min(p.publication))
                ELSE 'no publication replicates objects of schemaguard' END,
           'SELECT * FROM schemaguard.sg_own_publications();'
    FROM schemaguard.sg_own_publications() p;
END;
COMMENT ON FUNCTION schemaguard.sg_status_publications() IS 'tells whether publications send the extension''s own tables to other servers';

-- Objects that calls left behind when they were cut off, a row for each kind and each call that removes them. A plan that runs now
-- (its run lock: plan_lock.h) has none. Triggers that fill columns are found by their functions, which are few: to read all triggers took
-- longer than all else.
CREATE FUNCTION schemaguard.sg_status_leftovers(
    OUT state text, OUT subject text, OUT since timestamptz, OUT summary text, OUT next_call text)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL UNSAFE
BEGIN ATOMIC
    WITH idle AS (
        SELECT p.id, p.name, p.created_at, format('CALL %s.sg_apply(%L);', schemaguard.sg_schema(), p.name) AS finish,
               -- rows of which no copy is kept are counted first, by the call whose hint is the call that goes on
               CASE WHEN EXISTS (SELECT FROM schemaguard.plan_step s WHERE s.plan = p.name AND s.orphans IN ('delete', 'set null')
                                 AND s.state <> 'validated' AND s.skipped_by IS NULL)
                    THEN format('CALL %s.sg_fix_orphans(%L, dry_run => true);', schemaguard.sg_schema(), p.name)
                    ELSE format('CALL %s.sg_apply(%L, fix => true);', schemaguard.sg_schema(), p.name) END AS fix,
               format('SELECT * FROM %s.sg_plan_check(%L) WHERE result <> ''ok'';', schemaguard.sg_schema(), p.name) AS look,
               schemaguard.sg_plan_mark(p.name) AS hash
        FROM schemaguard.plan p
        WHERE NOT EXISTS (SELECT FROM pg_locks l JOIN pg_database d ON d.oid = l.database AND d.datname = current_database()
                          WHERE l.locktype = 'object' AND l.classid = 'schemaguard.plan'::regclass AND l.objid::bigint = p.id
                            AND l.objsubid = 0 AND l.granted)),
    filler AS (                                 -- of each function, whatever the statistics of pg_depend say
        SELECT t.oid, t.tgname, t.tgrelid, t.tgfoid, f.prosrc, (regexp_match(t.tgname, '_[a-z]?([0-9]+)u?_[0-9a-f]{16}$'))[1] AS step
        FROM pg_proc f
             CROSS JOIN LATERAL (SELECT d.classid, d.objid FROM pg_depend d
                                 WHERE d.refclassid = 'pg_proc'::regclass AND d.refobjid = f.oid OFFSET 0) d
             JOIN pg_trigger t ON d.classid = 'pg_trigger'::regclass AND t.oid = d.objid AND t.tgparentid = 0
        WHERE f.pronamespace = 'schemaguard'::regnamespace AND f.proname >= '~schemaguard_fill_' AND f.proname < '~schemaguard_fill`'),
    owned AS (                                  -- a plan of the name need not be the one that has made it: see plan_filler_tables()
        SELECT t.tgfoid
        FROM filler t JOIN schemaguard.plan p ON right(t.tgname::text, 16) = schemaguard.sg_plan_mark(p.name)
             JOIN schemaguard.plan_step s ON s.plan = p.name AND s.step::text = t.step
        WHERE s.fills OR coalesce(s.backfill, s.fill) IS NOT NULL
            AND NOT EXISTS (SELECT FROM unnest(s.child_columns) c (name) WHERE strpos(t.prosrc, format('NEW.%I := sg_now.', c.name)) = 0)
            AND (s.kind = 'column') = (strpos(t.prosrc, 'IF TG_OP = ') = 0)
            AND parse_ident(s.child_table) IN (         -- by name: to_regclass() asks for USAGE on the schema
                SELECT ARRAY[n.nspname::text, c.relname::text] FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                WHERE c.oid = t.tgrelid OR c.oid IN (SELECT i.inhparent FROM pg_inherits i WHERE i.inhrelid = t.tgrelid))
            AND parse_ident(s.child_table) NOT IN (     -- nor is it of a table above
                SELECT ARRAY[n.nspname::text, c.relname::text]
                FROM filler a JOIN pg_inherits i ON i.inhparent = a.tgrelid JOIN pg_class c ON c.oid = i.inhrelid
                     JOIN pg_namespace n ON n.oid = c.relnamespace
                WHERE a.tgfoid = t.tgfoid)),
    leftover AS (
        SELECT 0 AS place, l.at AS since, format('a call on plan %I was cut off in action %s, %s', p.name, l.action, l.object) AS what,
               CASE WHEN l.action = 'fix' THEN p.fix
                    -- a rollback says in the steps whose rows it is about to bring back that these may still be away
                    WHEN l.action ~ '^(rollback|restore) ' OR l.object = 'sg_rollback_fks'
                        OR l.action = 'restore' AND EXISTS (SELECT FROM schemaguard.plan_step s
                                                            WHERE s.plan = p.name AND starts_with(s.reason, 'not taken back: '))
                        THEN format('CALL %s.sg_rollback_fks(%L);', schemaguard.sg_schema(), p.name)
                    WHEN l.action = 'restore' OR l.object = 'sg_restore_quarantine'
                        THEN format('CALL %s.sg_restore_quarantine(%L);', schemaguard.sg_schema(), p.name)
                    ELSE p.finish END AS finish
        FROM idle p CROSS JOIN LATERAL (SELECT l.id, l.at, l.action, l.object FROM schemaguard.audit_log l
                                        WHERE l.plan = p.name AND l.at >= p.created_at AND l.phase = 'started'
                                        ORDER BY l.id DESC LIMIT 1) l
        -- a standby does not see who runs a plan on its primary
        WHERE NOT pg_is_in_recovery() AND NOT EXISTS (SELECT FROM schemaguard.audit_log o WHERE o.started_id = l.id)
        UNION ALL
        SELECT 1, d.begun_at, format('plan %I has left invalid index %s', p.name, i.indexrelid::regclass), p.finish
        FROM schemaguard.plan_deed d JOIN idle p ON p.id = d.plan_id
             JOIN pg_index i ON i.indexrelid = schemaguard.sg_relation_oid(d.object) AND NOT i.indisvalid
        WHERE d.kind = 'index' AND d.done_at IS NULL AND d.undone_at IS NULL
        UNION ALL                               -- by a statement, whose deed is closed where the build has ended
        SELECT 1, d.begun_at, format('plan %I has left invalid index %s', p.name, i.indexrelid::regclass), p.finish
        FROM schemaguard.plan_deed d JOIN idle p ON p.id = d.plan_id
             JOIN schemaguard.plan_step s ON s.plan = p.name AND s.step = d.step AND s.outside AND s.state <> 'validated'
             JOIN pg_index i ON NOT i.indisvalid
             JOIN pg_class c ON c.oid = i.indexrelid AND strpos(s.definition, c.relname) > 0
        WHERE d.kind = 'change' AND d.undone_at IS NULL
        UNION ALL                               -- by PostgreSQL's own names, whoever has run it
        SELECT 1, NULL, format('REINDEX CONCURRENTLY has left invalid index %s', c.oid::regclass),
               format('DROP INDEX CONCURRENTLY %s;', c.oid::regclass)
        FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid AND c.relname ~ '_cc(new|old)[0-9]*$'
        WHERE NOT i.indisvalid AND NOT EXISTS (SELECT FROM pg_stat_progress_create_index g WHERE g.relid = i.indrelid)
        UNION ALL
        SELECT 2, s.updated_at, format('plan %I has left %s %I ON %s not valid', p.name,
                                       CASE s.kind WHEN 'foreign key' THEN 'key' ELSE upper(s.kind) END, s.fk_name, s.child_table),
               -- what has made a fix fail makes the next one fail, too
               CASE WHEN l.phase = 'failed' THEN p.look WHEN s.reason IS NULL THEN p.finish ELSE p.fix END
        FROM schemaguard.plan_step s JOIN idle p ON p.name = s.plan
             JOIN pg_constraint c ON c.conrelid = schemaguard.sg_relation_oid(s.child_table) AND c.conname = s.fk_name
                  AND NOT c.convalidated
             LEFT JOIN LATERAL (SELECT l.phase FROM schemaguard.audit_log l
                                WHERE l.plan = s.plan AND l.step = s.step AND l.action = 'fix' AND l.phase <> 'started'
                                  AND l.at >= p.created_at ORDER BY l.id DESC LIMIT 1) l ON true
        WHERE s.state IN ('added', 'failed') AND s.kind IN ('foreign key', 'check', 'not null') AND s.orphans <> 'leave'
          -- between two batches, a call leaves nothing else; one that stopped says why
          AND (s.state = 'added' AND (s.reason IS NULL OR s.reason ~ '^(fixed|stopped): ')
               OR l.phase IN ('failed', 'interrupted'))
        UNION ALL
        -- the trigger of a step that is done fills on until sg_plan_release(): step.reason says so
        SELECT 3, NULL, format('plan %I has left trigger %I ON %s', p.name, t.tgname, t.tgrelid::regclass), p.finish
        FROM filler t JOIN idle p ON right(t.tgname::text, 16) = p.hash
        WHERE t.tgfoid IN (SELECT o.tgfoid FROM owned o)
          AND NOT EXISTS (SELECT FROM schemaguard.plan_step s
                          WHERE s.plan = p.name AND s.state = 'validated' AND s.fills AND s.step::text = t.step)
        UNION ALL                               -- its WHEN clause follows a rename, its function can't
        SELECT 3, NULL, format('trigger %I ON %s fills column %I, which is called %I by now: rows come without a value', t.tgname,
                               t.tgrelid::regclass, (s.child_columns)[1], a.attname),
               format('ALTER TABLE %s RENAME %I TO %I;', t.tgrelid::regclass, a.attname, (s.child_columns)[1])
        FROM filler t JOIN idle p ON right(t.tgname::text, 16) = p.hash
             JOIN schemaguard.plan_step s ON s.plan = p.name AND s.fills AND s.kind IN ('column', 'not null')
                  AND s.step::text = (regexp_match(t.tgname, '_[a-z]?([0-9]+)_[0-9a-f]{16}$'))[1]
             CROSS JOIN LATERAL (SELECT d.refobjsubid FROM pg_depend d
                                 WHERE d.classid = 'pg_trigger'::regclass AND d.objid = t.oid AND d.refclassid = 'pg_class'::regclass
                                   AND d.refobjid = t.tgrelid AND d.refobjsubid > 0 OFFSET 0) d
             JOIN pg_attribute a ON a.attrelid = t.tgrelid AND a.attnum = d.refobjsubid AND a.attname <> (s.child_columns)[1]
        UNION ALL                               -- nor can it follow a rename of what it reads, in whichever table
        SELECT 3, NULL, format('trigger %I ON %s reads %s, which is not there: rows come without a value', t.tgname,
                               t.tgrelid::regclass, l.lacking),
               p.look
        FROM filler t JOIN idle p ON right(t.tgname::text, 16) = p.hash
             JOIN schemaguard.plan_step s ON s.plan = p.name
                  AND s.step::text = (regexp_match(t.tgname, '_[a-z]?([0-9]+)_[0-9a-f]{16}$'))[1]
             CROSS JOIN LATERAL schemaguard.sg_fill_lacks(t.tgrelid, s.child_table, concat_ws(E'\n, ', s.backfill, s.fill,
                                                          CASE WHEN s.kind = 'check' THEN s.definition END)) l (lacking)
        WHERE l.lacking IS NOT NULL
        UNION ALL                               -- each call drops a function without a trigger, unless somebody has made a view of it
        SELECT 3, NULL, format('function %s fills no table any more, and %s depends on it', f.oid::regproc,
                               pg_describe_object(d.classid, d.objid, 0)),
               format('SELECT pg_describe_object(classid, objid, 0) FROM pg_depend WHERE refobjid = %L::regproc;', f.oid::regproc)
        FROM pg_proc f JOIN pg_depend d ON d.refclassid = 'pg_proc'::regclass AND d.refobjid = f.oid AND d.classid <> 'pg_trigger'::regclass
        WHERE f.pronamespace = 'schemaguard'::regnamespace AND starts_with(f.proname::text, '~schemaguard_fill_')
          AND NOT EXISTS (SELECT FROM pg_trigger t WHERE t.tgfoid = f.oid)
        UNION ALL
        -- what a subscription writes comes past it: as far as the statistics know, there are rows without a value
        SELECT 4, NULL, format('rows that subscription %I has written past the trigger of plan %I may have no value in column %I of %s',
                               u.subname, p.name, (s.child_columns)[1], r.srrelid::regclass), p.finish
        FROM schemaguard.plan_step s JOIN idle p ON p.name = s.plan
             JOIN pg_subscription_rel r ON coalesce(pg_partition_root(r.srrelid), r.srrelid)
                  = (SELECT coalesce(pg_partition_root(c.oid), c.oid) FROM schemaguard.sg_relation_oid(s.child_table) c (oid))
             JOIN pg_subscription u ON u.oid = r.srsubid
        WHERE s.kind = 'column' AND s.state = 'validated' AND s.fills
          AND NOT EXISTS (SELECT FROM pg_trigger t
                          WHERE t.tgrelid = r.srrelid AND t.tgenabled = 'A' AND right(t.tgname::text, 16) = p.hash
                            AND s.step::text = (regexp_match(t.tgname, '^~schemaguard_fill_[a-z]?([0-9]+)_'))[1])
          AND NOT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                               JOIN pg_stats t ON t.schemaname = n.nspname AND t.tablename = c.relname
                          WHERE c.oid = r.srrelid AND t.attname = (s.child_columns)[1] AND t.null_frac = 0)
        UNION ALL
        -- a restore without our rows; only who sees all plans knows that there is none
        SELECT 3, NULL, format('trigger %I ON %s belongs to no plan', t.tgname, t.tgrelid::regclass),
               format('DROP FUNCTION %s CASCADE;', t.tgfoid::regprocedure)
        FROM filler t
        WHERE pg_has_role('pg_monitor', 'MEMBER') AND t.tgfoid NOT IN (SELECT o.tgfoid FROM owned o))
    SELECT 'attention', 'leftovers', l.since, l.what || CASE WHEN l.n > 1 THEN format('; and %s more', l.n - 1) ELSE '' END, l.finish
    FROM (SELECT o.place, o.what, o.finish, min(o.since) OVER same AS since, count(*) OVER same AS n, row_number() OVER named AS number
          FROM leftover o
          WINDOW same AS (PARTITION BY o.place, o.finish), named AS (PARTITION BY o.place, o.finish ORDER BY o.what COLLATE "C")
          ORDER BY o.place, o.what COLLATE "C") l
    WHERE l.number = 1
    UNION ALL
    SELECT 'ok', 'leftovers', NULL, 'no call that was cut off has left anything'
               || (SELECT coalesce('; until sg_plan_release(), the triggers of these plans fill on: '
                                   || string_agg(DISTINCT p.name, ', '), '')
                   FROM filler t JOIN schemaguard.plan p ON right(t.tgname::text, 16) = schemaguard.sg_plan_mark(p.name)
                        JOIN schemaguard.plan_step s ON s.plan = p.name AND s.state = 'validated' AND s.fills AND s.step::text = t.step
                   WHERE t.tgfoid IN (SELECT o.tgfoid FROM owned o)),
           'SELECT * FROM schemaguard.progress;'
    WHERE NOT EXISTS (SELECT FROM leftover);
END;
COMMENT ON FUNCTION schemaguard.sg_status_leftovers() IS 'returns indexes, keys and triggers that calls have begun and not finished';

-- PL/pgSQL keeps the plan, whose making takes as long as all the rest; the parts return sets, so that there is one plan. No view of ours
-- is read, which restrict_nonsystem_relation_kind could forbid.
CREATE FUNCTION sg_status(
    OUT state     text,
    OUT subject   text,
    OUT since     timestamptz,
    OUT summary   text,
    OUT next_call text)
RETURNS SETOF record
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
SET row_security = on SET jit = off             -- compiling takes a hundred times as long as answering
AS $$
BEGIN
    RETURN QUERY
    SELECT s.state, s.subject, date_trunc('second', s.since), s.summary, s.next_call
    FROM (SELECT * FROM schemaguard.sg_status_keys()
          UNION ALL SELECT * FROM schemaguard.sg_status_plans()
          UNION ALL SELECT * FROM schemaguard.sg_status_drift()
          UNION ALL SELECT * FROM schemaguard.sg_status_gates()
          UNION ALL SELECT * FROM schemaguard.sg_status_kept()
          UNION ALL SELECT * FROM schemaguard.sg_status_leftovers()
          UNION ALL SELECT * FROM schemaguard.sg_status_publications()
          UNION ALL
          SELECT CASE WHEN e.extversion = v.loaded THEN 'ok' ELSE 'attention' END, 'library', NULL,
                 CASE WHEN e.extversion = v.loaded THEN format('library and objects have version %s', v.loaded)
                      ELSE format('the library has version %s, the objects %s', v.loaded, e.extversion) END,
                 CASE WHEN e.extversion = v.loaded THEN 'SELECT * FROM pg_available_extensions WHERE name = ''schemaguard'';'
                      ELSE 'ALTER EXTENSION schemaguard UPDATE;' END
          FROM pg_extension e, schemaguard.sg_library_version() v (loaded)
          WHERE e.extname = 'schemaguard') s;
END $$;
COMMENT ON FUNCTION sg_status()
    IS 'returns the status of keys, plans, drift, gates, quarantine, attic, leftovers, publications and library; scans nothing';
