-- Health: sg_status() as one document, with the tables that have to be there; and metrics. Catalogs and what calls have stored are read,
-- no row of users' tables: rows are counted by the statistics of ANALYZE and autovacuum.

CREATE TABLE schemaguard.critical_table (
    table_name text PRIMARY KEY CONSTRAINT "table_name has its schema, as in public.orders"
        CHECK (cardinality(pg_catalog.parse_ident(table_name)) OPERATOR(pg_catalog.=) 2),
    min_rows   bigint,                          -- null: it only has to be there
    min_keys   int NOT NULL DEFAULT 0,
    why        text,
    added_by   text NOT NULL DEFAULT CURRENT_USER,
    added_at   timestamptz NOT NULL DEFAULT pg_catalog.now()
);
COMMENT ON TABLE schemaguard.critical_table IS 'tables that must exist, for sg_health()';
COMMENT ON COLUMN schemaguard.critical_table.table_name IS 'name of the table, qualified, as in SQL';
COMMENT ON COLUMN schemaguard.critical_table.min_rows IS 'minimum number of rows, by the statistics; null: any number';
COMMENT ON COLUMN schemaguard.critical_table.min_keys IS 'minimum number of the table''s valid foreign keys whose triggers fire';
COMMENT ON COLUMN schemaguard.critical_table.why IS 'reason why the table is critical';
COMMENT ON COLUMN schemaguard.critical_table.added_by IS 'role that added the row';
COMMENT ON COLUMN schemaguard.critical_table.added_at IS 'time at which the row was added';
-- Everybody's health: for the owner of the database. Nobody writes a row in another role's name.
ALTER TABLE schemaguard.critical_table ENABLE ROW LEVEL SECURITY;
CREATE POLICY in_own_name ON schemaguard.critical_table USING (true)
    WITH CHECK (added_by OPERATOR(pg_catalog.=) CURRENT_USER::pg_catalog.text);
GRANT SELECT ON schemaguard.critical_table TO PUBLIC;
GRANT SELECT, INSERT, UPDATE, DELETE ON schemaguard.critical_table TO pg_database_owner;
SELECT pg_catalog.pg_extension_config_dump('schemaguard.critical_table', '');

CREATE FUNCTION schemaguard.sg_health_tables(
    OUT state text, OUT table_name text, OUT rows bigint, OUT keys bigint, OUT summary text)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    WITH looked AS (
        SELECT t.*, c.oid,
               -- of a partitioned table those of its partitions; null: nobody has counted. pg_partition_tree() would lock them
               CASE WHEN c.relkind = 'p' THEN (
                   WITH RECURSIVE part AS (
                       SELECT c.oid UNION ALL SELECT i.inhrelid FROM part a JOIN pg_inherits i ON i.inhparent = a.oid)
                   SELECT CASE WHEN min(p.reltuples) >= 0 THEN sum(p.reltuples)::bigint END
                   FROM part a JOIN pg_class p ON p.oid = a.oid WHERE p.relkind <> 'p')
                    WHEN c.reltuples >= 0 THEN c.reltuples::bigint END AS rows,
               -- a key to a partitioned table has a row for each of its partitions, too; one that a trigger does not keep counts no more
               (SELECT count(*) FROM pg_constraint k
                WHERE k.conrelid = c.oid AND k.contype = 'f' AND k.convalidated
                  AND NOT EXISTS (SELECT FROM pg_constraint w WHERE w.oid = k.conparentid AND w.conrelid = k.conrelid)
                  AND NOT EXISTS (
                      WITH RECURSIVE part AS (
                          SELECT k.oid, CASE WHEN k.conparentid = 0 THEN 4 ELSE 2 END AS triggers
                          UNION ALL SELECT p.oid, 2 FROM part a JOIN pg_constraint p ON p.conparentid = a.oid)
                      SELECT FROM part a
                      WHERE (SELECT count(*) FROM pg_trigger t
                             WHERE t.tgconstraint = a.oid AND t.tgenabled IN ('O', 'A')) < a.triggers)) AS keys
        FROM schemaguard.critical_table t
             CROSS JOIN LATERAL parse_ident(t.table_name) n (part)
             LEFT JOIN pg_namespace s ON s.nspname = n.part[1]
             LEFT JOIN pg_class c ON c.relnamespace = s.oid AND c.relname = n.part[2] AND c.relkind IN ('r', 'p', 'f', 'm'))
    SELECT CASE WHEN l.oid IS NULL OR l.keys < l.min_keys OR l.rows < l.min_rows THEN 'failing'
                WHEN l.min_rows IS NOT NULL AND l.rows IS NULL THEN 'attention' ELSE 'ok' END,
           l.table_name, l.rows, CASE WHEN l.oid IS NOT NULL THEN l.keys END,
           CASE WHEN l.oid IS NULL THEN 'the table is not there'
                WHEN l.keys < l.min_keys THEN format('valid foreign keys whose triggers fire: %s of %s', l.keys, l.min_keys)
                WHEN l.min_rows IS NOT NULL AND l.rows IS NULL THEN 'nobody has counted its rows: ANALYZE does'
                WHEN l.rows < l.min_rows THEN format('rows, by the statistics: %s of %s', l.rows, l.min_rows) END
    FROM looked l;
END;
COMMENT ON FUNCTION schemaguard.sg_health_tables()
    IS 'tells whether the tables of schemaguard.critical_table exist, with enough rows and keys';

-- A clock that was set back makes nothing younger than now.
CREATE FUNCTION schemaguard.sg_seconds(since timestamptz) RETURNS bigint
LANGUAGE sql STABLE PARALLEL SAFE
RETURN CASE WHEN since IS NOT NULL THEN greatest(extract(epoch FROM now() - since), 0)::bigint END;
COMMENT ON FUNCTION schemaguard.sg_seconds(timestamptz) IS 'returns the age of a time in seconds, at least 0';

CREATE FUNCTION schemaguard.sg_health_keys() RETURNS jsonb
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    WITH bare AS MATERIALIZED (
        SELECT u.* FROM schemaguard.sg_unarmed_keys() u),
    unarmed AS MATERIALIZED (
        SELECT format('%I ON %s', k.conname, k.conrelid::regclass) AS name
        FROM bare b JOIN pg_constraint k ON k.oid = b.oid WHERE b.enforced),
    loose AS (
        SELECT count(*) AS n FROM bare b WHERE NOT b.enforced)
    SELECT jsonb_build_object('declared', count(*), 'not_valid', count(*) FILTER (WHERE NOT k.convalidated) - (SELECT l.n FROM loose l),
        'not_enforced', (SELECT l.n FROM loose l), 'unarmed', (SELECT count(*) FROM unarmed u),
        'unarmed_keys', (SELECT coalesce(jsonb_agg(u.name ORDER BY u.name COLLATE "C"), '[]')
                         FROM (SELECT o.name FROM unarmed o ORDER BY o.name COLLATE "C" LIMIT 20) u))
    FROM pg_constraint k WHERE k.contype = 'f' AND k.conparentid = 0;
END;
COMMENT ON FUNCTION schemaguard.sg_health_keys() IS 'counts the declared keys, and those that are valid, enforced and armed';

CREATE FUNCTION schemaguard.sg_health_status(OUT state text, OUT subject text, OUT since timestamptz, OUT summary text, OUT next_call text)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL UNSAFE
BEGIN ATOMIC
    SELECT s.* FROM @extschema@.sg_status() s;
END;
COMMENT ON FUNCTION schemaguard.sg_health_status() IS 'returns the rows of sg_status() for sg_health()';

-- PL/pgSQL keeps the plan, as for sg_status(). No view is read, which restrict_nonsystem_relation_kind could forbid.
CREATE FUNCTION sg_health() RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL UNSAFE SET search_path = pg_catalog, pg_temp
SET jit = off SET row_security = on
AS $$
DECLARE
    document jsonb;
BEGIN
    WITH status AS MATERIALIZED (
        SELECT s.* FROM schemaguard.sg_health_status() s),
    keys AS MATERIALIZED (
        SELECT schemaguard.sg_health_keys() AS counts),
    critical AS MATERIALIZED (
        SELECT t.* FROM schemaguard.sg_health_tables() t),
    audited AS (
        SELECT max(p.proved_at) AS at, CASE WHEN count(*) > 0 THEN count(*) FILTER (WHERE p.result = 'fail') END AS keys,
            CASE WHEN count(*) > 0 THEN coalesce(sum(p.orphan_rows) FILTER (WHERE p.result = 'fail'), 0) END AS rows
        FROM schemaguard.sg_proof_here() p JOIN pg_constraint c ON c.oid = p.constraint_oid),
    checked AS (
        SELECT max(l.at) AS at, sum(l.drifts) AS differences,
               CASE WHEN count(*) > 0 THEN schemaguard.sg_drift_beyond(false) END AS beyond
        FROM schemaguard.sg_drift_last() l WHERE l.live),
    running AS (
        SELECT l.name AS plan, p.action, p.started_at FROM schemaguard.sg_progress() p JOIN schemaguard.plan l ON l.id = p.plan_id),
    failed AS (
        SELECT s.plan, count(*) AS steps, min(s.updated_at) AS since
            FROM schemaguard.plan_step s WHERE s.state = 'failed' GROUP BY s.plan),
    told AS (
        SELECT s.state FROM status s
        UNION ALL SELECT c.state FROM critical c)
    SELECT jsonb_build_object(
        'state', (SELECT CASE max(CASE t.state WHEN 'failing' THEN 2 WHEN 'attention' THEN 1 ELSE 0 END)
                             WHEN 2 THEN 'failing' WHEN 1 THEN 'attention' ELSE 'ok' END FROM told t),
        'at', now(), 'database', current_database(), 'standby', pg_is_in_recovery(), 'sees_all_roles', schemaguard.sg_sees_all(),
        'subjects', (SELECT jsonb_agg(jsonb_build_object('subject', s.subject, 'state', s.state, 'since', s.since,
                         'age_seconds', schemaguard.sg_seconds(s.since), 'summary', s.summary, 'next_call', s.next_call)) FROM status s),
        'keys', (SELECT k.counts FROM keys k),
        'last_audit', (SELECT jsonb_build_object('at', a.at, 'age_seconds', schemaguard.sg_seconds(a.at), 'keys_with_orphans', a.keys,
                                                 'orphan_rows', a.rows) FROM audited a),
        'drift', (SELECT jsonb_build_object('at', c.at, 'age_seconds', schemaguard.sg_seconds(c.at), 'differences', c.differences,
                                            'schemas_not_compared', c.beyond)
            FROM checked c),
        'running_plans', (SELECT coalesce(jsonb_agg(jsonb_build_object('plan', r.plan, 'action', r.action, 'since', r.started_at,
                              'age_seconds', schemaguard.sg_seconds(r.started_at))), '[]') FROM running r),
        'failed_plans', (SELECT coalesce(jsonb_agg(jsonb_build_object('plan', f.plan, 'steps', f.steps, 'since', f.since,
                             'age_seconds', schemaguard.sg_seconds(f.since)) ORDER BY f.since), '[]')
                         FROM (SELECT * FROM failed ORDER BY since LIMIT 20) f),
        'critical_tables', (SELECT coalesce(jsonb_agg(jsonb_build_object('table', c.table_name, 'state', c.state, 'rows', c.rows,
                                'keys', c.keys, 'summary', c.summary) ORDER BY c.table_name COLLATE "C"), '[]') FROM critical c))
    INTO document;
    RETURN document;
END $$;
COMMENT ON FUNCTION sg_health()
    IS 'returns sg_status(), keys, critical tables, last audit, drift and plans, with ages, as one document; scans nothing';

-- Metrics: what a monitoring system samples, from what calls have stored, the catalogs and statistics. No row of users' tables is read.
-- Names are OpenMetrics', and end in a unit; objects are named where something fails, and no more than so many of them: 200 series at most.

CREATE VIEW schemaguard.metrics WITH (security_invoker = true) AS
WITH status AS MATERIALIZED (
    SELECT s.state, s.subject FROM @extschema@.sg_status() s),
broken AS MATERIALIZED (
    SELECT format('%I.%I', n.nspname, t.relname) AS child_table, c.conname::text AS fk_name, max(p.orphan_rows) AS orphan_rows
    FROM schemaguard.proof_here p JOIN pg_constraint c ON c.oid = p.constraint_oid
         JOIN pg_class t ON t.oid = c.conrelid JOIN pg_namespace n ON n.oid = t.relnamespace
    WHERE p.result = 'fail' AND c.contype = 'f'
    GROUP BY c.oid, c.conname, n.nspname, t.relname),
drift AS MATERIALIZED (
    SELECT l.* FROM schemaguard.sg_drift_last() l),
critical AS MATERIALIZED (
    SELECT t.state, t.table_name FROM schemaguard.sg_health_tables() t)
SELECT 'schemaguard_subject_state' AS name, '0 ok, 1 attention, 2 failing, as sg_status() says it' AS help,
       jsonb_build_object('subject', s.subject) AS labels,
       max(CASE s.state WHEN 'failing' THEN 2 WHEN 'attention' THEN 1 ELSE 0 END)::float8 AS value
FROM status s GROUP BY s.subject
UNION ALL
SELECT 'schemaguard_keys_count', 'declared foreign keys by state; "declared" are all', jsonb_build_object('state', k.state), k.n::float8
FROM schemaguard.sg_health_keys() h (counts) CROSS JOIN LATERAL jsonb_each_text(h.counts - 'unarmed_keys') k (state, n)
UNION ALL
SELECT 'schemaguard_orphan_rows', 'orphans that the last audit of a key has found, of the 40 keys with most',
       jsonb_build_object('child_table', b.child_table, 'fk_name', b.fk_name), b.orphan_rows::float8
FROM (SELECT * FROM broken ORDER BY orphan_rows DESC, child_table COLLATE "C", fk_name COLLATE "C" LIMIT 40) b
UNION ALL
SELECT 'schemaguard_broken_keys', 'keys in which the last audit has found orphans', '{}', count(*)::float8 FROM broken
UNION ALL
SELECT 'schemaguard_audit_age_seconds', 'since the last verdict about a key', '{}', schemaguard.sg_seconds(max(p.proved_at))::float8
FROM schemaguard.proof_here p HAVING max(p.proved_at) IS NOT NULL
UNION ALL
SELECT 'schemaguard_findings_open', 'findings of gates and checks that are not gone, by source',
       jsonb_build_object('source', f.source, 'result', f.result, 'accepted', a.accepted), count(*)::float8
FROM schemaguard.finding f
     CROSS JOIN LATERAL (SELECT coalesce(f.accepted_until > now() AND f.count <= f.accepted_count, false)) a (accepted)
WHERE f.gone_at IS NULL AND f.place = schemaguard.sg_place()
  AND (f.source <> 'drift' OR EXISTS (SELECT FROM schemaguard.snapshot s WHERE s.name IN (f.reference, f.target)))
GROUP BY f.source, f.result, a.accepted
UNION ALL
SELECT 'schemaguard_drift_objects', 'differences by the last check of each comparison, of the 20 with most',
       jsonb_build_object('reference', d.reference, 'target', d.target), d.drifts::float8
FROM (SELECT reference, target, max(drifts) AS drifts FROM drift GROUP BY reference, target
      ORDER BY max(drifts) DESC, reference COLLATE "C", target COLLATE "C" LIMIT 20) d
UNION ALL
SELECT 'schemaguard_drift_age_seconds', 'since the last check of this database for drift', '{}', schemaguard.sg_seconds(max(d.at))::float8
FROM drift d WHERE d.live HAVING max(d.at) IS NOT NULL
UNION ALL
SELECT 'schemaguard_steps_count', 'steps of plans by state', jsonb_build_object('state', s.state), count(*)::float8
FROM schemaguard.plan_step s GROUP BY s.state
UNION ALL
SELECT 'schemaguard_failed_steps', 'failed steps, of the 20 plans with most', jsonb_build_object('plan', f.plan), f.n::float8
FROM (SELECT s.plan, count(*) AS n FROM schemaguard.plan_step s WHERE s.state = 'failed' GROUP BY s.plan
      ORDER BY count(*) DESC, s.plan COLLATE "C" LIMIT 20) f
UNION ALL
SELECT 'schemaguard_calls_running', 'calls that work on a plan just now', '{}', count(*)::float8
FROM schemaguard.progress p WHERE p.plan IS NOT NULL
UNION ALL
SELECT 'schemaguard_quarantine_rows', 'rows in quarantine, by the statistics of ANALYZE and autovacuum', '{}',
       greatest(c.reltuples, 0)::float8
FROM pg_class c WHERE c.oid = 'schemaguard.quarantine'::regclass
UNION ALL
SELECT 'schemaguard_critical_tables', 'tables of schemaguard.critical_table by state', jsonb_build_object('state', c.state),
       count(*)::float8
FROM critical c GROUP BY c.state
UNION ALL
SELECT 'schemaguard_critical_table_failing', 'tables of schemaguard.critical_table that are not as they have to be, 20 at most',
       jsonb_build_object('table', c.table_name, 'state', c.state), 1
FROM (SELECT * FROM critical WHERE state <> 'ok' ORDER BY state DESC, table_name COLLATE "C" LIMIT 20) c
UNION ALL
SELECT 'schemaguard_server_standby', '1 on a standby', '{}', pg_is_in_recovery()::int;
COMMENT ON VIEW schemaguard.metrics
    IS 'figures for monitoring in OpenMetrics names, as gauges; at most 200 rows; members of pg_monitor see those of all roles';
COMMENT ON COLUMN schemaguard.metrics.name IS 'name of the metric';
COMMENT ON COLUMN schemaguard.metrics.help IS 'description of the metric';
COMMENT ON COLUMN schemaguard.metrics.labels IS 'labels of the series';
COMMENT ON COLUMN schemaguard.metrics.value IS 'value of the metric';
REVOKE ALL ON schemaguard.metrics FROM PUBLIC;
GRANT SELECT ON schemaguard.metrics TO pg_monitor;
