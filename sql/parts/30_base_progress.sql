-- Calls that run now.  Details of another role's sessions are null, as in pg_stat_activity.
CREATE FUNCTION schemaguard.sg_progress(
    OUT pid           int,
    OUT plan_id       bigint,
    OUT step          int,
    OUT action        text,
    OUT phase         text,
    OUT relation      oid,
    OUT done          bigint,
    OUT total         bigint,
    OUT orphan_rows   bigint,
    OUT started_at    timestamptz,
    OUT blocks_done   bigint,
    OUT blocks_total  bigint,
    OUT scan_started  timestamptz,
    OUT estimated_end timestamptz)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'sg_progress';
COMMENT ON FUNCTION schemaguard.sg_progress() IS 'returns the current work of schemaguard''s calls, for schemaguard.progress';

-- The view shows only some plans to a reader: as a security barrier it keeps his functions from seeing the others
CREATE VIEW schemaguard.progress WITH (security_barrier = true) AS
SELECT p.pid,
       l.name AS plan,
       p.step,
       p.action,
       p.phase,
       -- blocks while tables are read, rows while they are fixed or go back, else keys or steps
       CASE WHEN p.blocks_total OPERATOR(pg_catalog.>) 0 THEN p.blocks_done ELSE p.done END AS done,
       CASE WHEN p.blocks_total OPERATOR(pg_catalog.>) 0 THEN p.blocks_total
            WHEN p.action OPERATOR(pg_catalog.=) 'snapshot' AND p.total OPERATOR(pg_catalog.=) 0 THEN NULL  -- until all are read
            ELSE p.total END AS total,
       CASE WHEN p.blocks_total OPERATOR(pg_catalog.>) 0
            THEN CASE WHEN p.action OPERATOR(pg_catalog.=) ANY (ARRAY['fix', 'restore']) THEN 'rows' ELSE 'blocks' END
            WHEN p.action OPERATOR(pg_catalog.=) ANY (ARRAY['audit', 'verify']) AND p.plan_id IS NULL THEN 'keys'
            WHEN p.action OPERATOR(pg_catalog.=) 'snapshot' THEN 'objects' ELSE 'steps' END AS unit,
       p.orphan_rows,
       p.estimated_end,
       CASE WHEN c.oid IS NOT NULL
            THEN pg_catalog.format('%I.%I', n.nspname, c.relname) END AS object,
       p.started_at
FROM schemaguard.sg_progress() p
     LEFT JOIN schemaguard.plan l ON l.id OPERATOR(pg_catalog.=) p.plan_id
     LEFT JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) p.relation
     LEFT JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace;
GRANT SELECT ON schemaguard.progress TO PUBLIC;
COMMENT ON VIEW schemaguard.progress IS 'current work of schemaguard''s calls in this database';
COMMENT ON COLUMN schemaguard.progress.pid IS 'process ID of the session';
COMMENT ON COLUMN schemaguard.progress.plan IS 'name of the plan that the call runs';
COMMENT ON COLUMN schemaguard.progress.step IS 'number of the step';
COMMENT ON COLUMN schemaguard.progress.action IS 'action: audit, add, validate, index, fix, verify, discover, snapshot and others';
COMMENT ON COLUMN schemaguard.progress.phase IS 'phase of the action';
COMMENT ON COLUMN schemaguard.progress.done IS 'amount of work that is done, in units';
COMMENT ON COLUMN schemaguard.progress.total IS 'amount of work in all, in units; null: not known yet';
COMMENT ON COLUMN schemaguard.progress.unit
    IS 'unit of work: blocks while tables are read, rows while fixed or restored; else keys, steps or objects';
COMMENT ON COLUMN schemaguard.progress.orphan_rows IS 'number of orphans found so far';
COMMENT ON COLUMN schemaguard.progress.estimated_end IS 'estimated end of the action at its speed so far';
COMMENT ON COLUMN schemaguard.progress.object IS 'table at which the action is';
COMMENT ON COLUMN schemaguard.progress.started_at IS 'time at which the call began';
