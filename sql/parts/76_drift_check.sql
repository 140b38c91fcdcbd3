-- Drift, day by day: checks with a history, several environments at once

-- Objects that are meant to differ. Patterns are names in which * is any text and ? any character.
CREATE TABLE schemaguard.drift_ignore (
    kind     text NOT NULL DEFAULT '*',
    object   text NOT NULL,
    reason   text NOT NULL,
    until    timestamptz,                   -- null: for good
    change   text NOT NULL DEFAULT '*',
    property text NOT NULL DEFAULT '*',     -- what is about a whole object has the property ''
    added_by text NOT NULL DEFAULT CURRENT_USER,
    added_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    UNIQUE (kind, object, change, property)
);
ALTER TABLE schemaguard.drift_ignore REPLICA IDENTITY USING INDEX drift_ignore_kind_object_change_property_key;
COMMENT ON TABLE schemaguard.drift_ignore IS 'differences that checks for drift leave out, with reason and expiry';
COMMENT ON COLUMN schemaguard.drift_ignore.kind IS 'pattern for the kind of object';
COMMENT ON COLUMN schemaguard.drift_ignore.object IS 'pattern for the object';
COMMENT ON COLUMN schemaguard.drift_ignore.reason IS 'reason for the difference';
COMMENT ON COLUMN schemaguard.drift_ignore.until IS 'time after which the entry no longer counts; null: for good';
COMMENT ON COLUMN schemaguard.drift_ignore.change IS 'pattern for the change';
COMMENT ON COLUMN schemaguard.drift_ignore.property IS 'pattern for the property, which is empty for a whole object';
COMMENT ON COLUMN schemaguard.drift_ignore.added_by IS 'role that added the entry';
COMMENT ON COLUMN schemaguard.drift_ignore.added_at IS 'time at which the entry was added';
-- A row hides drift from everybody's checks: for the owner of the database, who can give it to others.
GRANT SELECT ON schemaguard.drift_ignore TO PUBLIC;
GRANT SELECT, INSERT, UPDATE, DELETE ON schemaguard.drift_ignore TO pg_database_owner;

CREATE TABLE schemaguard.drift_run (
    id         bigint PRIMARY KEY,
    run_id     uuid NOT NULL,               -- in audit_log
    at         timestamptz NOT NULL,
    role       text NOT NULL,               -- whose privileges were used
    reference  text NOT NULL,
    target     text NOT NULL,
    result     text NOT NULL CHECK (result IN ('pass', 'fail', 'unknown')),
    drifts     bigint NOT NULL,             -- what the check returned: drift, extra and unknown together
    drift      bigint NOT NULL,
    extra      bigint NOT NULL,
    unknown    bigint NOT NULL,
    cosmetic   bigint NOT NULL,
    unmanaged  bigint NOT NULL,
    ignored    bigint NOT NULL,
    appeared   bigint NOT NULL,             -- items that the run before did not find
    gone       bigint NOT NULL,             -- items that only the run before found
    notified   boolean NOT NULL,
    problems   text[] NOT NULL,             -- with drift_ignore
    elapsed_ms float8 NOT NULL,
    place      text DEFAULT schemaguard.sg_place()  -- null: written by 0.1.0
);
CREATE SEQUENCE schemaguard.drift_run_id_seq OWNED BY schemaguard.drift_run.id;
ALTER TABLE schemaguard.drift_run ALTER COLUMN id SET DEFAULT pg_catalog.nextval('schemaguard.drift_run_id_seq');
CREATE INDEX drift_run_history_idx ON schemaguard.drift_run (role, reference, target, id);
COMMENT ON TABLE schemaguard.drift_run IS 'checks for drift, with the number of differences';
COMMENT ON COLUMN schemaguard.drift_run.id IS 'number of the check';
COMMENT ON COLUMN schemaguard.drift_run.run_id IS 'UUID of the call, as in audit_log';
COMMENT ON COLUMN schemaguard.drift_run.at IS 'time at which the check began';
COMMENT ON COLUMN schemaguard.drift_run.role IS 'role whose privileges were used';
COMMENT ON COLUMN schemaguard.drift_run.reference IS 'snapshot that serves as the reference';
COMMENT ON COLUMN schemaguard.drift_run.target IS 'target that was compared with the reference';
COMMENT ON COLUMN schemaguard.drift_run.result IS 'result: pass, fail or unknown';
COMMENT ON COLUMN schemaguard.drift_run.drifts IS 'number of differences of classes drift, extra and unknown, which the check returned';
COMMENT ON COLUMN schemaguard.drift_run.drift IS 'number of differences of class drift';
COMMENT ON COLUMN schemaguard.drift_run.extra IS 'number of differences of class extra';
COMMENT ON COLUMN schemaguard.drift_run.unknown IS 'number of differences of class unknown';
COMMENT ON COLUMN schemaguard.drift_run.cosmetic IS 'number of differences of class cosmetic';
COMMENT ON COLUMN schemaguard.drift_run.unmanaged IS 'number of differences of class unmanaged';
COMMENT ON COLUMN schemaguard.drift_run.ignored IS 'number of differences that schemaguard.drift_ignore hides';
COMMENT ON COLUMN schemaguard.drift_run.appeared IS 'number of differences that the previous check did not find';
COMMENT ON COLUMN schemaguard.drift_run.gone IS 'number of differences that only the previous check found';
COMMENT ON COLUMN schemaguard.drift_run.notified IS 'true if listeners were notified';
COMMENT ON COLUMN schemaguard.drift_run.problems IS 'problems with entries of schemaguard.drift_ignore';
COMMENT ON COLUMN schemaguard.drift_run.elapsed_ms IS 'duration of the check in milliseconds';
COMMENT ON COLUMN schemaguard.drift_run.place IS 'server, by its system identifier, and database of the check; null: not known';

-- A role sees its own checks, pg_monitor all, as in audit_log.
ALTER TABLE schemaguard.drift_run ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_runs ON schemaguard.drift_run FOR SELECT
    USING (role OPERATOR(pg_catalog.=) CURRENT_USER::pg_catalog.text
           OR pg_catalog.pg_has_role(CURRENT_USER, 'pg_monitor', 'MEMBER'));
GRANT SELECT ON schemaguard.drift_run TO PUBLIC;

SELECT pg_catalog.pg_extension_config_dump('schemaguard.drift_ignore', '');
SELECT pg_catalog.pg_extension_config_dump('schemaguard.drift_run', '');
GRANT SELECT ON SEQUENCE schemaguard.drift_run_id_seq TO PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('schemaguard.drift_run_id_seq', '');

CREATE FUNCTION sg_drift_check(reference text, target text DEFAULT 'live', fail boolean DEFAULT false)
RETURNS bigint
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_drift_check';
COMMENT ON FUNCTION sg_drift_check(text, text, boolean)
    IS 'compares with a snapshot, stores findings and notifies listeners of new ones; returns the number of drifts';

CREATE PROCEDURE sg_drift_gate(reference text, target text DEFAULT 'live')
LANGUAGE c
AS 'MODULE_PATHNAME', 'sg_drift_gate';
COMMENT ON PROCEDURE sg_drift_gate(text, text)
    IS 'runs sg_drift_check(), commits, and raises an error if there is drift: for CI';

CREATE FUNCTION sg_drift_matrix(
    names schemaguard.names,
    OUT kind   text,
    OUT object text,
    OUT result text,
    OUT detail text,
    OUT states json)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_drift_matrix';
COMMENT ON FUNCTION sg_drift_matrix(schemaguard.names)
    IS 'returns objects that differ between several snapshots, foreign servers or this database, with their state in each';
