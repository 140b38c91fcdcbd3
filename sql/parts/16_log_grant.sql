-- EXECUTE on this function is the right to call functions that write plans, snapshots and the log. See src/log/log_grant.c
CREATE FUNCTION schemaguard.sg_write() RETURNS void
    LANGUAGE sql IMMUTABLE PARALLEL SAFE BEGIN ATOMIC SELECT; END;
REVOKE ALL ON FUNCTION schemaguard.sg_write() FROM PUBLIC;
COMMENT ON FUNCTION schemaguard.sg_write()
    IS 'does nothing; EXECUTE on it is the right to write plans, snapshots and the log (sg_grant, sg_revoke)';

CREATE FUNCTION sg_grant(role text)
RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_grant';
COMMENT ON FUNCTION sg_grant(text)
    IS 'lets a role call functions that write plans, snapshots and the log, in this database';

CREATE FUNCTION sg_revoke(role text)
RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_revoke';
COMMENT ON FUNCTION sg_revoke(text)
    IS 'takes back from a role the right that sg_grant gave';
