-- docs/snapshot.sql: a snapshot of a database where schemaguard is not installed, nor can be.  It is made from sql/snapshot/
-- by `make docs/snapshot.sql`: edit it there.
--
--   psql -X -f docs/snapshot.sql DATABASE > prod.json
--   psql -X -v schemas='{app,audit}' -f docs/snapshot.sql DATABASE > prod.json      -- these schemas only
--   psql -X -v sequences=on -f docs/snapshot.sql DATABASE > prod.json                -- with the values of sequences
--
-- and where schemaguard is, in psql:
--
--   \set document `cat prod.json`
--   SELECT sg_snapshot_import('prod', :'document');
--
-- Needs psql 11 and a server of 12 or later, and the right to connect. It reads the catalogs in one read-only transaction,
-- on a standby too, and writes nothing. What another session keeps locked for more than 2 seconds, and what cannot be
-- printed, is marked as unknown; if that fails as well, or the server is too old, nothing is printed but the error, and psql
-- exits with status 3.
\set QUIET on
\set ON_ERROR_STOP on
\pset format unaligned
\pset tuples_only on
\pset pager off

SELECT pg_catalog.current_setting('server_version_num')::pg_catalog.int4 OPERATOR(pg_catalog.<) 120000 AS sg_too_old \gset
\if :sg_too_old
\set SHOW_CONTEXT never
DO $$
BEGIN
    RAISE 'this server runs PostgreSQL %', pg_catalog.current_setting('server_version')
        USING ERRCODE = 'feature_not_supported', DETAIL = 'The snapshot statement needs PostgreSQL 12 or later.',
            HINT = 'Compare what pg_dump --schema-only writes, or snapshots taken after an upgrade.';
END $$;
\endif

BEGIN TRANSACTION ISOLATION LEVEL READ COMMITTED READ ONLY;
\ir 00_prologue.sql
\if :{?schemas}
SET LOCAL sg_snapshot.schemas = :'schemas';
\endif
\if :{?sequences}
SET LOCAL sg_snapshot.sequences = :'sequences';
\endif
SELECT has_function_privilege('pg_control_system()', 'EXECUTE') AND has_function_privilege('pg_current_wal_lsn()', 'EXECUTE')
    AND has_function_privilege('pg_last_wal_replay_lsn()', 'EXECUTE') AND has_function_privilege('pg_walfile_name(pg_lsn)', 'EXECUTE') AS sg_system \gset
\if :sg_system
\ir 92_system.sql
\gset sg_
\endif
-- there an error in a savepoint could end the session: be careful at once
SELECT CASE WHEN pg_is_in_recovery() THEN 'on' ELSE 'off' END AS sg_skip_locked \gset
SET LOCAL sg_snapshot.skip_locked = :'sg_skip_locked';

PREPARE sg_snapshot AS
\ir 93_lines.sql
;

SAVEPOINT sg_snapshot;
\set ON_ERROR_STOP off
EXECUTE sg_snapshot;
\if :ERROR
ROLLBACK TO SAVEPOINT sg_snapshot;
SET LOCAL sg_snapshot.skip_locked = 'on';
EXECUTE sg_snapshot;
\if :ERROR
\set ON_ERROR_STOP on
ROLLBACK TO SAVEPOINT sg_snapshot;
SET LOCAL sg_snapshot.skip_locked = 'on';
\ir 90_probe.sql
EXECUTE sg_snapshot;
\endif
\endif
COMMIT;
DEALLOCATE sg_snapshot;
