-- A gate for orphans: an audit with a memory, and an error

CREATE PROCEDURE sg_audit_gate(schemas schemaguard.names DEFAULT NULL, plan text DEFAULT NULL, only_new boolean DEFAULT true,
    fail boolean DEFAULT true)
LANGUAGE c
AS 'MODULE_PATHNAME', 'sg_audit_gate';
COMMENT ON PROCEDURE sg_audit_gate(schemaguard.names, text, boolean, boolean)
    IS 'audits declared keys, or a plan''s, commits, and raises an error if any fails or is unarmed, unless accepted, or unknown';
