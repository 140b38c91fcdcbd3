-- DDL, caught as it happens: see docs/ddl-capture.md
CREATE TABLE schemaguard.ddl_log (
    at           timestamptz NOT NULL,      -- when the command ended
    pid          int NOT NULL,
    session_role text NOT NULL,             -- who logged in
    role         text NOT NULL,             -- whose privileges were used
    application  text,
    client_addr  inet,
    event        text NOT NULL,             -- command, drop, rewrite; lost: commands that are missing here
    tag          text NOT NULL,
    kind         text,                      -- kind and object as in snapshots; null: not about one object
    object       text,
    parts        text[],                    -- columns, constraints and indexes of the object that the command made or changed
    statement    text,                      -- null: withheld, or of an extension's script
    origin       text NOT NULL,             -- direct, migration, extension, schemaguard
    origin_name  text,                      -- of the migration, extension or plan
    detail       text
);
-- No index and no sequence: users wait for what they cost, and whoever reads the log can wait for a scan of it.
ALTER TABLE schemaguard.ddl_log REPLICA IDENTITY FULL;
COMMENT ON TABLE schemaguard.ddl_log IS 'append-only log: DDL of this database, while sg_capture_ddl() is on';
COMMENT ON COLUMN schemaguard.ddl_log.at IS 'time at which the command ended';
COMMENT ON COLUMN schemaguard.ddl_log.pid IS 'process ID of the session';
COMMENT ON COLUMN schemaguard.ddl_log.session_role IS 'role that logged in';
COMMENT ON COLUMN schemaguard.ddl_log.role IS 'role whose privileges were used';
COMMENT ON COLUMN schemaguard.ddl_log.application IS 'application_name of the session';
COMMENT ON COLUMN schemaguard.ddl_log.client_addr IS 'address of the client; null: a local socket';
COMMENT ON COLUMN schemaguard.ddl_log.event IS 'event: command, drop, rewrite; lost: rows are missing here';
COMMENT ON COLUMN schemaguard.ddl_log.tag IS 'tag of the command';
COMMENT ON COLUMN schemaguard.ddl_log.kind IS 'kind of the object, as in snapshots; null: not about one object';
COMMENT ON COLUMN schemaguard.ddl_log.object IS 'identity of the object, as in snapshots';
COMMENT ON COLUMN schemaguard.ddl_log.parts IS 'columns, constraints and indexes of the object that the command made or changed';
COMMENT ON COLUMN schemaguard.ddl_log.statement IS 'text of the statement, without strings and comments; null: withheld';
COMMENT ON COLUMN schemaguard.ddl_log.origin IS 'origin of the command: direct, migration, extension or schemaguard';
COMMENT ON COLUMN schemaguard.ddl_log.origin_name IS 'name of the migration, extension or plan';
COMMENT ON COLUMN schemaguard.ddl_log.detail IS 'new name, reason of a rewrite, or reason why a statement is missing';

-- As the log of our own actions: a role sees what was done in its name, pg_monitor all.
ALTER TABLE schemaguard.ddl_log ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_ddl ON schemaguard.ddl_log FOR SELECT
    USING (role OPERATOR(pg_catalog.=) CURRENT_USER::pg_catalog.text
           OR session_role OPERATOR(pg_catalog.=) CURRENT_USER::pg_catalog.text
           OR pg_catalog.pg_has_role(CURRENT_USER, 'pg_monitor', 'MEMBER'));
GRANT SELECT ON schemaguard.ddl_log TO PUBLIC;

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON schemaguard.ddl_log
    FOR EACH ROW EXECUTE FUNCTION schemaguard.sg_log_guard();
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON schemaguard.ddl_log
    FOR EACH STATEMENT EXECUTE FUNCTION schemaguard.sg_log_guard();
ALTER TABLE schemaguard.ddl_log ENABLE ALWAYS TRIGGER append_only;
ALTER TABLE schemaguard.ddl_log ENABLE ALWAYS TRIGGER append_only_truncate;

-- Rows that capture writes fire no trigger: only a restore does. One session writes at one moment the rows of one command.
CREATE FUNCTION schemaguard.sg_ddl_log_restored() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF EXISTS (SELECT FROM schemaguard.ddl_log l
                    JOIN (SELECT r.at, r.pid, count(*) AS rows FROM restored r GROUP BY r.at, r.pid) n ON n.at = l.at AND n.pid = l.pid
               GROUP BY l.at, l.pid, n.rows HAVING count(*) > n.rows) THEN
        RAISE EXCEPTION USING ERRCODE = 'unique_violation', MESSAGE = 'schemaguard.ddl_log has rows of this dump already',
            DETAIL = 'None of the dump''s rows is added.';
    END IF;
    RETURN NULL;
END
$$;
REVOKE ALL ON FUNCTION schemaguard.sg_ddl_log_restored() FROM PUBLIC;
COMMENT ON FUNCTION schemaguard.sg_ddl_log_restored() IS 'refuses a dump whose rows of schemaguard.ddl_log exist already';
CREATE TRIGGER restored AFTER INSERT ON schemaguard.ddl_log REFERENCING NEW TABLE AS restored
    FOR EACH STATEMENT EXECUTE FUNCTION schemaguard.sg_ddl_log_restored();

CREATE FUNCTION schemaguard.sg_ddl_event() RETURNS event_trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'sg_ddl_event';
REVOKE ALL ON FUNCTION schemaguard.sg_ddl_event() FROM PUBLIC;
COMMENT ON FUNCTION schemaguard.sg_ddl_event() IS 'records a command in schemaguard.ddl_log';

-- Holds a row while DDL is to be caught. A dump takes it along, and no event triggers, which are members of the extension:
-- the row makes them again.
CREATE TABLE schemaguard.ddl_capture (
    since timestamptz NOT NULL,
    role  text NOT NULL,
    one   boolean PRIMARY KEY DEFAULT true CHECK (one)
);
COMMENT ON TABLE schemaguard.ddl_capture IS 'request for capture of DDL: one row since sg_capture_ddl(true), none before';
COMMENT ON COLUMN schemaguard.ddl_capture.since IS 'time of sg_capture_ddl(true)';
COMMENT ON COLUMN schemaguard.ddl_capture.role IS 'role that called sg_capture_ddl(true)';
COMMENT ON COLUMN schemaguard.ddl_capture.one IS 'constant that allows one row only, even if a dump is restored over it';
GRANT SELECT ON schemaguard.ddl_capture TO PUBLIC;

CREATE FUNCTION schemaguard.sg_ddl_restored() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'sg_ddl_restored';
REVOKE ALL ON FUNCTION schemaguard.sg_ddl_restored() FROM PUBLIC;
COMMENT ON FUNCTION schemaguard.sg_ddl_restored() IS 'recreates the event triggers when a dump is restored';
CREATE TRIGGER restored AFTER INSERT ON schemaguard.ddl_capture
    FOR EACH ROW EXECUTE FUNCTION schemaguard.sg_ddl_restored();

CREATE VIEW schemaguard.ddl_capture_state WITH (security_invoker = true) AS
SELECT c.since IS NOT NULL AS wanted,
       e.active OPERATOR(pg_catalog.=) 3 AS active,
       c.since,
       c.role
FROM (SELECT pg_catalog.count(*) AS active
      FROM pg_catalog.pg_event_trigger t
      WHERE t.evtfoid OPERATOR(pg_catalog.=) 'schemaguard.sg_ddl_event()'::pg_catalog.regprocedure
        AND t.evtenabled OPERATOR(pg_catalog.<>) 'D') e
LEFT JOIN schemaguard.ddl_capture c ON true;
COMMENT ON VIEW schemaguard.ddl_capture_state IS 'state of the capture of DDL: wanted, and active';
COMMENT ON COLUMN schemaguard.ddl_capture_state.wanted IS 'true if sg_capture_ddl(true) was called';
COMMENT ON COLUMN schemaguard.ddl_capture_state.active IS 'true if all event triggers exist and are enabled';
COMMENT ON COLUMN schemaguard.ddl_capture_state.since IS 'time of sg_capture_ddl(true)';
COMMENT ON COLUMN schemaguard.ddl_capture_state.role IS 'role that called sg_capture_ddl(true)';
GRANT SELECT ON schemaguard.ddl_capture_state TO PUBLIC;

CREATE FUNCTION sg_capture_ddl(enabled boolean)
RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_capture_ddl';
COMMENT ON FUNCTION sg_capture_ddl(boolean)
    IS 'starts or stops recording every DDL command of this database in schemaguard.ddl_log';

SELECT pg_catalog.pg_extension_config_dump('schemaguard.ddl_log', '');
SELECT pg_catalog.pg_extension_config_dump('schemaguard.ddl_capture', '');
