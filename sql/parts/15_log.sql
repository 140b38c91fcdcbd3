-- The log.  Its columns are part of the public interface: add at the end only.
CREATE TABLE schemaguard.audit_log (
    id            bigint PRIMARY KEY,
    run_id        uuid NOT NULL,            -- one call of a user's
    at            timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    role          text NOT NULL,            -- whose privileges were used
    plan          text,
    step          int,
    action        text NOT NULL,
    phase         text NOT NULL CHECK (phase IN ('started', 'done', 'failed', 'skipped', 'interrupted')),
    object        text,
    statement     text,
    sqlstate      text,
    message       text,
    rows_affected bigint,
    orphan_rows   bigint,
    elapsed_ms    float8,
    blockers      jsonb,
    attempt       int,
    started_id    bigint,                   -- the started row whose outcome this is
    place         text DEFAULT schemaguard.sg_place()   -- null: written by 0.1.0
);
CREATE SEQUENCE schemaguard.audit_log_id_seq OWNED BY schemaguard.audit_log.id;
ALTER TABLE schemaguard.audit_log ALTER COLUMN id SET DEFAULT pg_catalog.nextval('schemaguard.audit_log_id_seq');
-- two outcomes of one start are impossible
CREATE UNIQUE INDEX audit_log_started_id_key ON schemaguard.audit_log (started_id) WHERE started_id IS NOT NULL;
CREATE INDEX audit_log_plan_idx ON schemaguard.audit_log (plan, id) WHERE phase = 'started';
CREATE INDEX audit_log_at_idx ON schemaguard.audit_log (at);
CREATE INDEX audit_log_gate_idx ON schemaguard.audit_log (role, object, at) WHERE action = 'audit gate';
COMMENT ON TABLE schemaguard.audit_log IS 'append-only log: every step that was started, and its outcome';
COMMENT ON COLUMN schemaguard.audit_log.id IS 'number of the row';
COMMENT ON COLUMN schemaguard.audit_log.run_id IS 'UUID of the call that wrote the row';
COMMENT ON COLUMN schemaguard.audit_log.at IS 'time at which the row was written';
COMMENT ON COLUMN schemaguard.audit_log.role IS 'role whose privileges were used';
COMMENT ON COLUMN schemaguard.audit_log.plan IS 'name of the plan';
COMMENT ON COLUMN schemaguard.audit_log.step IS 'number of the step';
COMMENT ON COLUMN schemaguard.audit_log.action IS 'action of the step: audit, add, validate, index and others';
COMMENT ON COLUMN schemaguard.audit_log.phase IS 'phase of the action: started, done, failed, skipped or interrupted';
COMMENT ON COLUMN schemaguard.audit_log.object IS 'object of the action';
COMMENT ON COLUMN schemaguard.audit_log.statement IS 'statement that was run, without values';
COMMENT ON COLUMN schemaguard.audit_log.sqlstate IS 'SQLSTATE of the error';
COMMENT ON COLUMN schemaguard.audit_log.message IS 'outcome or error, without values of rows';
COMMENT ON COLUMN schemaguard.audit_log.rows_affected IS 'number of rows that were changed, moved or deleted';
COMMENT ON COLUMN schemaguard.audit_log.orphan_rows IS 'number of orphans that were found';
COMMENT ON COLUMN schemaguard.audit_log.elapsed_ms IS 'milliseconds since the start';
COMMENT ON COLUMN schemaguard.audit_log.blockers IS 'sessions that held blocking locks, or to which a build gave way';
COMMENT ON COLUMN schemaguard.audit_log.attempt IS 'number of the attempt';
COMMENT ON COLUMN schemaguard.audit_log.started_id IS 'id of the started row to which this outcome belongs';
COMMENT ON COLUMN schemaguard.audit_log.place IS 'server, by its system identifier, and database of the call; null: not known';

-- A role sees what was done in its name; pg_monitor sees all.  The table's owner is not subject to the policy, so
-- that superusers' dumps hold everything.
ALTER TABLE schemaguard.audit_log ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_runs ON schemaguard.audit_log FOR SELECT
    USING (role OPERATOR(pg_catalog.=) CURRENT_USER::pg_catalog.text
           OR pg_catalog.pg_has_role(CURRENT_USER, 'pg_monitor', 'MEMBER'));
GRANT SELECT ON schemaguard.audit_log TO PUBLIC;

-- Refuses changes of the log even to its owner: only CALL sg_prune() passes this trigger.  No BEFORE INSERT trigger, so that
-- a dump can be restored.
CREATE FUNCTION schemaguard.sg_log_guard() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'sg_log_guard';
REVOKE ALL ON FUNCTION schemaguard.sg_log_guard() FROM PUBLIC;
COMMENT ON FUNCTION schemaguard.sg_log_guard() IS 'keeps the logs append-only';
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON schemaguard.audit_log
    FOR EACH ROW EXECUTE FUNCTION schemaguard.sg_log_guard();
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON schemaguard.audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION schemaguard.sg_log_guard();
-- in a replica session too
ALTER TABLE schemaguard.audit_log ENABLE ALWAYS TRIGGER append_only;
ALTER TABLE schemaguard.audit_log ENABLE ALWAYS TRIGGER append_only_truncate;

SELECT pg_catalog.pg_extension_config_dump('schemaguard.audit_log', '');
GRANT SELECT ON SEQUENCE schemaguard.audit_log_id_seq TO PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('schemaguard.audit_log_id_seq', '');

CREATE PROCEDURE sg_prune(before timestamptz, what text DEFAULT NULL)
LANGUAGE c
AS 'MODULE_PATHNAME', 'sg_prune';
COMMENT ON PROCEDURE sg_prune(timestamptz, text)
    IS 'deletes rows of logs before a time, or one kind; dropped tables only as kind "attic"; last 7 days: superusers only';
