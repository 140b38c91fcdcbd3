-- Who may call what writes plans, snapshots and the log: whoever holds EXECUTE on this function. See src/log/log_grant.c
CREATE FUNCTION schemaguard.sg_write() RETURNS void
    LANGUAGE sql IMMUTABLE PARALLEL SAFE BEGIN ATOMIC SELECT; END;
REVOKE ALL ON FUNCTION schemaguard.sg_write() FROM PUBLIC;
COMMENT ON FUNCTION schemaguard.sg_write()
    IS 'does nothing: who may execute it may call what writes plans, snapshots and the log (sg_grant, sg_revoke)';

CREATE FUNCTION sg_grant(role text)
RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_grant';
COMMENT ON FUNCTION sg_grant(text)
    IS 'let a role call what writes plans, snapshots and the log, in this database';

CREATE FUNCTION sg_revoke(role text)
RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_revoke';
COMMENT ON FUNCTION sg_revoke(text)
    IS 'take back what sg_grant gave to a role';
