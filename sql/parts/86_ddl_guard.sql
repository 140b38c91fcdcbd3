-- The guard of direct DDL: see docs/ddl-capture.md
CREATE TABLE schemaguard.ddl_guard (
    mode    text NOT NULL CHECK (mode IN ('warn', 'refuse')),
    schemas text[],                         -- null: all
    roles   text[],                         -- null: none
    made_in text NOT NULL,                  -- server, database and extension: a restored row refuses nothing
    since   timestamptz NOT NULL,
    role    text NOT NULL,
    one     boolean PRIMARY KEY DEFAULT true CHECK (one)
);
COMMENT ON TABLE schemaguard.ddl_guard IS 'request for a guard of DDL: one row since sg_guard_ddl(), none before';
COMMENT ON COLUMN schemaguard.ddl_guard.mode IS 'mode of sg_guard_ddl(): warn or refuse';
COMMENT ON COLUMN schemaguard.ddl_guard.schemas IS 'the schemas that are guarded; null: all';
COMMENT ON COLUMN schemaguard.ddl_guard.roles IS 'migration roles, whose DDL is let through; null: none';
COMMENT ON COLUMN schemaguard.ddl_guard.made_in
    IS 'server, database and extension in which sg_guard_ddl() was called: elsewhere the guard only warns';
COMMENT ON COLUMN schemaguard.ddl_guard.since IS 'time of sg_guard_ddl()';
COMMENT ON COLUMN schemaguard.ddl_guard.role IS 'role that called sg_guard_ddl()';
COMMENT ON COLUMN schemaguard.ddl_guard.one IS 'constant that allows one row only, even if a dump is restored over it';
GRANT SELECT ON schemaguard.ddl_guard TO PUBLIC;

CREATE FUNCTION schemaguard.sg_ddl_guard_changed() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'sg_ddl_guard_changed';
REVOKE ALL ON FUNCTION schemaguard.sg_ddl_guard_changed() FROM PUBLIC;
COMMENT ON FUNCTION schemaguard.sg_ddl_guard_changed() IS 'makes sessions read the row again, and makes the event trigger';
CREATE TRIGGER changed AFTER INSERT OR UPDATE OR DELETE ON schemaguard.ddl_guard
    FOR EACH ROW EXECUTE FUNCTION schemaguard.sg_ddl_guard_changed();
ALTER TABLE schemaguard.ddl_guard ENABLE ALWAYS TRIGGER changed;

CREATE FUNCTION schemaguard.sg_ddl_guard_event() RETURNS event_trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'sg_ddl_guard_event';
REVOKE ALL ON FUNCTION schemaguard.sg_ddl_guard_event() FROM PUBLIC;
COMMENT ON FUNCTION schemaguard.sg_ddl_guard_event() IS 'judges the first statement of a session that had not loaded the library';

CREATE FUNCTION schemaguard.sg_ddl_guard_mode() RETURNS text
    LANGUAGE c STABLE PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'sg_ddl_guard_mode';
COMMENT ON FUNCTION schemaguard.sg_ddl_guard_mode() IS 'returns the mode in force: off, warn or refuse';

CREATE VIEW schemaguard.ddl_guard_state WITH (security_invoker = true) AS
SELECT schemaguard.sg_ddl_guard_mode() AS mode, coalesce(g.mode, 'off') AS wanted, g.schemas, g.roles, g.since, g.role
FROM (SELECT) one
LEFT JOIN schemaguard.ddl_guard g ON true;
COMMENT ON VIEW schemaguard.ddl_guard_state IS 'state of the guard of this database''s DDL: mode, schemas and roles';
COMMENT ON COLUMN schemaguard.ddl_guard_state.mode IS 'the mode in force: off, warn or refuse';
COMMENT ON COLUMN schemaguard.ddl_guard_state.wanted IS 'mode of sg_guard_ddl(); a restored or copied database only warns';
COMMENT ON COLUMN schemaguard.ddl_guard_state.schemas IS 'the schemas that are guarded; null: all';
COMMENT ON COLUMN schemaguard.ddl_guard_state.roles IS 'migration roles, whose DDL is let through; null: none';
COMMENT ON COLUMN schemaguard.ddl_guard_state.since IS 'time of sg_guard_ddl()';
COMMENT ON COLUMN schemaguard.ddl_guard_state.role IS 'role that called sg_guard_ddl()';
GRANT SELECT ON schemaguard.ddl_guard_state TO PUBLIC;

CREATE FUNCTION sg_guard_ddl(mode text, schemas schemaguard.names DEFAULT NULL, roles schemaguard.names DEFAULT NULL)
RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_guard_ddl';
COMMENT ON FUNCTION sg_guard_ddl(text, schemaguard.names, schemaguard.names)
    IS 'lets DDL through, warns of it or refuses it (off, warn, refuse) unless a plan or one of these migration roles runs it';

SELECT pg_catalog.pg_extension_config_dump('schemaguard.ddl_guard', '');
