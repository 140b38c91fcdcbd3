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
COMMENT ON TABLE schemaguard.ddl_guard IS 'a row: sg_guard_ddl() was called';
COMMENT ON COLUMN schemaguard.ddl_guard.mode IS 'what it was called for: warn or refuse';
COMMENT ON COLUMN schemaguard.ddl_guard.schemas IS 'the schemas that are guarded; null: all';
COMMENT ON COLUMN schemaguard.ddl_guard.roles IS 'migration roles, whose DDL is let through; null: none';
COMMENT ON COLUMN schemaguard.ddl_guard.made_in IS 'the server, the database and the extension in which it was called: elsewhere it warns';
COMMENT ON COLUMN schemaguard.ddl_guard.since IS 'when it was called';
COMMENT ON COLUMN schemaguard.ddl_guard.role IS 'who called it';
COMMENT ON COLUMN schemaguard.ddl_guard.one IS 'there is one row, also where a dump is restored over what is there';
GRANT SELECT ON schemaguard.ddl_guard TO PUBLIC;

CREATE FUNCTION schemaguard.sg_ddl_guard_changed() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'sg_ddl_guard_changed';
REVOKE ALL ON FUNCTION schemaguard.sg_ddl_guard_changed() FROM PUBLIC;
COMMENT ON FUNCTION schemaguard.sg_ddl_guard_changed() IS 'have sessions read the row again, and make the event trigger';
CREATE TRIGGER changed AFTER INSERT OR UPDATE OR DELETE ON schemaguard.ddl_guard
    FOR EACH ROW EXECUTE FUNCTION schemaguard.sg_ddl_guard_changed();
ALTER TABLE schemaguard.ddl_guard ENABLE ALWAYS TRIGGER changed;

CREATE FUNCTION schemaguard.sg_ddl_guard_event() RETURNS event_trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'sg_ddl_guard_event';
REVOKE ALL ON FUNCTION schemaguard.sg_ddl_guard_event() FROM PUBLIC;
COMMENT ON FUNCTION schemaguard.sg_ddl_guard_event() IS 'judge the first statement of a session that had not loaded the library';

CREATE FUNCTION schemaguard.sg_ddl_guard_mode() RETURNS text
    LANGUAGE c STABLE PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'sg_ddl_guard_mode';
COMMENT ON FUNCTION schemaguard.sg_ddl_guard_mode() IS 'the mode in force: off, warn or refuse';

CREATE VIEW schemaguard.ddl_guard_state WITH (security_invoker = true) AS
SELECT schemaguard.sg_ddl_guard_mode() AS mode, coalesce(g.mode, 'off') AS wanted, g.schemas, g.roles, g.since, g.role
FROM (SELECT) one
LEFT JOIN schemaguard.ddl_guard g ON true;
COMMENT ON VIEW schemaguard.ddl_guard_state IS 'is DDL of this database guarded, and against whom?';
COMMENT ON COLUMN schemaguard.ddl_guard_state.mode IS 'the mode in force: off, warn or refuse';
COMMENT ON COLUMN schemaguard.ddl_guard_state.wanted IS 'what sg_guard_ddl() was called for; in a restored or copied database it warns';
COMMENT ON COLUMN schemaguard.ddl_guard_state.schemas IS 'the schemas that are guarded; null: all';
COMMENT ON COLUMN schemaguard.ddl_guard_state.roles IS 'migration roles, whose DDL is let through; null: none';
COMMENT ON COLUMN schemaguard.ddl_guard_state.since IS 'when sg_guard_ddl() was called';
COMMENT ON COLUMN schemaguard.ddl_guard_state.role IS 'who called it';
GRANT SELECT ON schemaguard.ddl_guard_state TO PUBLIC;

CREATE FUNCTION sg_guard_ddl(mode text, schemas schemaguard.names DEFAULT NULL, roles schemaguard.names DEFAULT NULL)
RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_guard_ddl';
COMMENT ON FUNCTION sg_guard_ddl(text, schemaguard.names, schemaguard.names)
    IS 'let DDL through, warn of it or refuse it (off, warn, refuse) unless a plan or one of these migration roles runs it';

SELECT pg_catalog.pg_extension_config_dump('schemaguard.ddl_guard', '');
