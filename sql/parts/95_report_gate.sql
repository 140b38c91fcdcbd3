-- A gate for orphans: an audit with a memory, and an error
CREATE TABLE schemaguard.gate_finding (
    role        text NOT NULL,              -- whose privileges were used
    scope       text NOT NULL,              -- what the gate judges: all, schemas, a plan
    child_table text NOT NULL,
    fk_name     text NOT NULL,
    result      text NOT NULL CHECK (result IN ('fail', 'unknown')),
    orphan_rows bigint,
    reason      text,
    first_seen  timestamptz NOT NULL,
    last_seen   timestamptz NOT NULL,
    first_run   uuid NOT NULL,              -- in audit_log
    last_run    uuid NOT NULL,
    PRIMARY KEY (role, scope, child_table, fk_name)
);
COMMENT ON TABLE schemaguard.gate_finding IS 'keys that the last CALL sg_audit_gate() found failing or unknown';
COMMENT ON COLUMN schemaguard.gate_finding.role IS 'the role whose privileges were used';
COMMENT ON COLUMN schemaguard.gate_finding.scope IS 'what the gate judges: all, schemas, a plan';
COMMENT ON COLUMN schemaguard.gate_finding.child_table IS 'the child';
COMMENT ON COLUMN schemaguard.gate_finding.fk_name IS 'the key';
COMMENT ON COLUMN schemaguard.gate_finding.result IS 'fail or unknown';
COMMENT ON COLUMN schemaguard.gate_finding.orphan_rows IS 'orphans that were found; null: not counted';
COMMENT ON COLUMN schemaguard.gate_finding.reason IS 'why, as in sg_orphan_audit';
COMMENT ON COLUMN schemaguard.gate_finding.first_seen IS 'since when each gate has found this result';
COMMENT ON COLUMN schemaguard.gate_finding.last_seen IS 'the last gate';
COMMENT ON COLUMN schemaguard.gate_finding.first_run IS 'the first of these calls, as in audit_log';
COMMENT ON COLUMN schemaguard.gate_finding.last_run IS 'the last one';
-- A role sees its own gates, pg_monitor all, as in audit_log.
ALTER TABLE schemaguard.gate_finding ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_runs ON schemaguard.gate_finding FOR SELECT
    USING (role OPERATOR(pg_catalog.=) CURRENT_USER::pg_catalog.text
           OR pg_catalog.pg_has_role(CURRENT_USER, 'pg_monitor', 'MEMBER'));
GRANT SELECT ON schemaguard.gate_finding TO PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('schemaguard.gate_finding', '');

CREATE PROCEDURE sg_audit_gate(schemas text[] DEFAULT NULL, plan text DEFAULT NULL)
LANGUAGE c
AS 'MODULE_PATHNAME', 'sg_audit_gate';
COMMENT ON PROCEDURE sg_audit_gate(text[], text)
    IS 'audit declared keys, or those of a plan, commit the verdicts, and raise an error if any fails or is unknown: for pg_cron and CI';
