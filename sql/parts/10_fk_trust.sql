-- The trust ledger: when each key was last judged, and does that still stand?

CREATE TABLE schemaguard.proof (
    child_table        text NOT NULL,           -- the names as they were then
    fk_name            text NOT NULL,
    constraint_oid     oid NOT NULL,
    system_identifier  bigint NOT NULL,         -- a proof counts only where these three are the same
    database_oid       oid NOT NULL,
    proved_at          timestamptz NOT NULL,    -- just before the rows were read
    proved_lsn         pg_lsn NOT NULL,
    role               text NOT NULL,           -- whose privileges were used
    result             text NOT NULL CHECK (result IN ('pass', 'fail')),
    rows_checked       bigint,                  -- null: not counted, as in a validation
    orphan_rows        bigint,
    method             text NOT NULL,
    by_index           boolean NOT NULL,        -- an index was trusted: the weaker kind
    -- the catalogs as they were then: see src/fk/fk_trust.c
    columns_hash       bigint NOT NULL,
    partitions_hash    bigint NOT NULL,
    triggers_hash      bigint NOT NULL,
    files_hash         bigint NOT NULL,
    subscriptions_hash bigint NOT NULL
);
-- not unique: two audits may judge one key at the same time, and none waits for the other
CREATE INDEX proof_constraint_oid_idx ON schemaguard.proof (constraint_oid);
COMMENT ON TABLE schemaguard.proof IS 'verdicts about declared keys, as schemaguard.fk_trust reads them';
COMMENT ON COLUMN schemaguard.proof.child_table IS 'the child, by its name at that time';
COMMENT ON COLUMN schemaguard.proof.fk_name IS 'the constraint, by its name at that time';
COMMENT ON COLUMN schemaguard.proof.constraint_oid IS 'its OID';
COMMENT ON COLUMN schemaguard.proof.system_identifier IS 'the system that judged: a proof counts in no other';
COMMENT ON COLUMN schemaguard.proof.database_oid IS 'the database that judged: a proof counts in no other';
COMMENT ON COLUMN schemaguard.proof.proved_at IS 'just before the rows were read';
COMMENT ON COLUMN schemaguard.proof.proved_lsn IS 'the same, as a position in the WAL';
COMMENT ON COLUMN schemaguard.proof.role IS 'the role whose privileges were used';
COMMENT ON COLUMN schemaguard.proof.result IS 'pass or fail';
COMMENT ON COLUMN schemaguard.proof.rows_checked IS 'rows of the child that were read; null: not counted';
COMMENT ON COLUMN schemaguard.proof.orphan_rows IS 'orphans that were found';
COMMENT ON COLUMN schemaguard.proof.method IS 'how it was judged, as in sg_orphan_audit';
COMMENT ON COLUMN schemaguard.proof.by_index IS 'was an index trusted? That is the weaker kind of proof';
COMMENT ON COLUMN schemaguard.proof.columns_hash IS 'the constraint as it was then';
COMMENT ON COLUMN schemaguard.proof.partitions_hash IS 'the partitions as they were then';
COMMENT ON COLUMN schemaguard.proof.triggers_hash IS 'the triggers as they were then';
COMMENT ON COLUMN schemaguard.proof.files_hash IS 'the tables'' files as they were then';
COMMENT ON COLUMN schemaguard.proof.subscriptions_hash IS 'the subscriptions as they were then';
-- It counts the rows of tables that not everybody may read: a role sees its own verdicts, pg_monitor all, as in audit_log.
ALTER TABLE schemaguard.proof ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_proofs ON schemaguard.proof FOR SELECT
    USING (role OPERATOR(pg_catalog.=) CURRENT_USER::pg_catalog.text
           OR pg_catalog.pg_has_role(CURRENT_USER, 'pg_monitor', 'MEMBER'));
GRANT SELECT ON schemaguard.proof TO PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('schemaguard.proof', '');

-- Tables that subscriptions could write to, past all keys; and, without a table, since when that is watched.
CREATE TABLE schemaguard.subscription_mark (
    at                timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    lsn               pg_lsn NOT NULL,
    system_identifier bigint NOT NULL,          -- a mark counts only where these two are the same
    database_oid      oid NOT NULL,
    role              text NOT NULL,
    event             text NOT NULL,            -- watch, no watch, or the command
    table_oid         oid,
    table_name        text,
    subscription      text,
    triggers_version  bigint                    -- see src/fk/fk_subscription.h
);
CREATE INDEX subscription_mark_table_oid_idx ON schemaguard.subscription_mark (table_oid);
COMMENT ON TABLE schemaguard.subscription_mark IS 'tables of subscriptions, marked when these were made, changed and dropped, while sg_watch_subscriptions() has them watched';
COMMENT ON COLUMN schemaguard.subscription_mark.at IS 'when the mark was made';
COMMENT ON COLUMN schemaguard.subscription_mark.lsn IS 'the same, as a position in the WAL';
COMMENT ON COLUMN schemaguard.subscription_mark.system_identifier IS 'the system that made it: a mark counts in no other';
COMMENT ON COLUMN schemaguard.subscription_mark.database_oid IS 'the database that made it: a mark counts in no other';
COMMENT ON COLUMN schemaguard.subscription_mark.role IS 'who ran the command';
COMMENT ON COLUMN schemaguard.subscription_mark.event IS 'watch, no watch, or the command';
COMMENT ON COLUMN schemaguard.subscription_mark.table_oid IS 'the table that the subscription could write to; null: about watching itself';
COMMENT ON COLUMN schemaguard.subscription_mark.table_name IS 'its name at that time';
COMMENT ON COLUMN schemaguard.subscription_mark.subscription IS 'name of the subscription';
COMMENT ON COLUMN schemaguard.subscription_mark.triggers_version IS 'version of the event triggers that watch';
ALTER TABLE schemaguard.subscription_mark ENABLE ROW LEVEL SECURITY;
CREATE POLICY monitored ON schemaguard.subscription_mark FOR SELECT
    USING (pg_catalog.pg_has_role(CURRENT_USER, 'pg_monitor', 'MEMBER'));
GRANT SELECT ON schemaguard.subscription_mark TO PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('schemaguard.subscription_mark', '');

CREATE FUNCTION schemaguard.sg_subscription_event() RETURNS event_trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'sg_subscription_event';
COMMENT ON FUNCTION schemaguard.sg_subscription_event() IS 'mark the tables of subscriptions in schemaguard.subscription_mark';

CREATE FUNCTION sg_watch_subscriptions(enabled boolean)
RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_watch_subscriptions';
COMMENT ON FUNCTION sg_watch_subscriptions(boolean)
    IS 'mark the tables of each subscription that is made, changed or dropped, so that schemaguard.fk_trust knows which proofs stand, or end that';

CREATE FUNCTION schemaguard.sg_fk_facts(
    OUT constraint_oid     oid,
    OUT fk_name            name,
    OUT child_table        text,
    OUT parent_table       text,
    OUT state              text,
    OUT armed              boolean,
    OUT unarmed_reason     text,
    OUT subscription       text,
    OUT doubt              text,
    OUT columns_hash       bigint,
    OUT partitions_hash    bigint,
    OUT triggers_hash      bigint,
    OUT files_hash         bigint,
    OUT subscriptions_hash bigint,
    OUT system_identifier  bigint,
    OUT database_oid       oid,
    OUT reached_lsn        pg_lsn,
    OUT marked_lsn         pg_lsn,
    OUT watched_lsn        pg_lsn,
    OUT subscribed_lsn     pg_lsn,
    OUT origin             text)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'sg_fk_facts';
COMMENT ON FUNCTION schemaguard.sg_fk_facts() IS 'what the catalogs say about each declared key, for schemaguard.fk_trust';

-- Of each key the newest verdict counts.  One that has read the tables themselves puts all before it out of use; one
-- that has trusted an index, those of its own kind.  Where both kinds remain, orphans that either has found weigh most,
-- then a proof that stands, then the stronger one.  Numbers of rows are for who could count them: null for others.
CREATE VIEW schemaguard.fk_trust AS
SELECT DISTINCT ON (f.constraint_oid)
       f.fk_name,
       CASE WHEN s.stale_reason IS NOT NULL OR d.doubt IS NULL THEN s.stale_reason IS NULL END AS stands,
       f.state,
       f.armed,
       p.rows_checked,
       f.child_table,
       f.parent_table,
       COALESCE(s.stale_reason, d.doubt) AS stale_reason,
       p.proved_at,
       p.proved_lsn,
       p.method,
       p.strength,
       f.constraint_oid
FROM schemaguard.sg_fk_facts() f
     LEFT JOIN schemaguard.proof v                      -- the newest verdicts
         ON v.constraint_oid OPERATOR(pg_catalog.=) f.constraint_oid
        AND v.system_identifier OPERATOR(pg_catalog.=) f.system_identifier
        AND v.database_oid OPERATOR(pg_catalog.=) f.database_oid
        AND NOT EXISTS (
            SELECT FROM schemaguard.proof n
            WHERE n.constraint_oid OPERATOR(pg_catalog.=) v.constraint_oid
              AND n.system_identifier OPERATOR(pg_catalog.=) v.system_identifier
              AND n.database_oid OPERATOR(pg_catalog.=) v.database_oid
              AND (v.by_index OR NOT n.by_index)
              AND n.proved_lsn OPERATOR(pg_catalog.<=) f.reached_lsn
              AND (n.proved_lsn OPERATOR(pg_catalog.>) v.proved_lsn
                   OR v.proved_lsn OPERATOR(pg_catalog.>) f.reached_lsn))
     LEFT JOIN (                                        -- what there is of this name, from wherever it came
            SELECT DISTINCT ON (child_table, fk_name) child_table, fk_name, system_identifier, database_oid
            FROM schemaguard.proof
            ORDER BY child_table, fk_name, proved_at DESC) o
         ON o.child_table OPERATOR(pg_catalog.=) f.child_table
        AND o.fk_name OPERATOR(pg_catalog.=) f.fk_name::pg_catalog.text
     CROSS JOIN LATERAL (                               -- of the role that reads the view, not of its owner
            SELECT pg_catalog.pg_has_role(CURRENT_USER, 'pg_monitor', 'MEMBER')
                   OR pg_catalog.bool_and(pg_catalog.has_schema_privilege(c.relnamespace, 'USAGE')
                                          AND pg_catalog.has_any_column_privilege(c.oid, 'SELECT')
                                          AND NOT pg_catalog.row_security_active(c.oid)) AS may_count
            FROM pg_catalog.pg_constraint k
                 JOIN pg_catalog.pg_class c
                     ON c.oid OPERATOR(pg_catalog.=) ANY (ARRAY[k.conrelid, k.confrelid])
            WHERE k.oid OPERATOR(pg_catalog.=) f.constraint_oid) r
     LEFT JOIN LATERAL (
            SELECT v.proved_at, v.proved_lsn, CASE WHEN r.may_count THEN v.rows_checked END AS rows_checked, v.method,
                   CASE WHEN v.by_index THEN 'index' ELSE 'table' END AS strength
            WHERE v.result OPERATOR(pg_catalog.=) 'pass') p ON true
     CROSS JOIN LATERAL (
            SELECT CASE
                WHEN v.result IS NULL AND o.fk_name IS NULL
                    THEN 'never proved'
                WHEN v.result IS NULL AND o.system_identifier OPERATOR(pg_catalog.<>) f.system_identifier
                    THEN 'never proved: the proof on record comes from another system'
                WHEN v.result IS NULL AND o.database_oid OPERATOR(pg_catalog.<>) f.database_oid
                    THEN 'never proved: the proof on record comes from another database'
                WHEN v.result IS NULL
                    THEN 'never proved: the constraint of that name on record was another one'
                WHEN f.state OPERATOR(pg_catalog.=) 'not enforced'
                    THEN 'not enforced'
                WHEN NOT f.armed
                    THEN pg_catalog.concat('unarmed: ', f.unarmed_reason)
                WHEN v.result OPERATOR(pg_catalog.=) 'fail'
                    THEN pg_catalog.format('%sorphan row%s found by the audit of %s%s',
                                           CASE WHEN r.may_count THEN v.orphan_rows::pg_catalog.text OPERATOR(pg_catalog.||) ' ' END,
                                           CASE WHEN r.may_count AND v.orphan_rows OPERATOR(pg_catalog.=) 1 THEN '' ELSE 's' END,
                                           pg_catalog.date_trunc('second', v.proved_at),
                                           CASE WHEN v.by_index THEN ', which trusted an index' ELSE '' END)
                WHEN v.proved_lsn OPERATOR(pg_catalog.>) f.reached_lsn
                    THEN pg_catalog.format('the proof is from WAL position %s, which this server has not reached',
                                           v.proved_lsn)
                WHEN f.subscription IS NOT NULL
                    THEN pg_catalog.concat('subscription target: ', f.subscription)
                WHEN v.columns_hash OPERATOR(pg_catalog.<>) f.columns_hash
                    THEN 'the constraint was changed since'
                WHEN v.partitions_hash OPERATOR(pg_catalog.<>) f.partitions_hash
                    THEN 'a partition was attached or detached since'
                WHEN v.triggers_hash OPERATOR(pg_catalog.<>) f.triggers_hash
                    THEN 'triggers of the key or of its child were disabled or changed since'
                WHEN v.files_hash OPERATOR(pg_catalog.<>) f.files_hash
                    THEN 'a table was truncated or rewritten since'
                WHEN v.subscriptions_hash OPERATOR(pg_catalog.<>) f.subscriptions_hash
                    THEN 'a table was the target of a subscription since'
                WHEN v.proved_lsn OPERATOR(pg_catalog.<=) f.marked_lsn
                    THEN 'a table was the target of a subscription since'
                END AS stale_reason) s
     CROSS JOIN LATERAL (
            SELECT CASE
                WHEN f.doubt IS NOT NULL
                    THEN f.doubt
                WHEN f.watched_lsn OPERATOR(pg_catalog.<=) v.proved_lsn
                    THEN NULL
                WHEN v.proved_lsn OPERATOR(pg_catalog.<=) f.subscribed_lsn
                    THEN 'subscriptions were made, changed or dropped since, and nobody watched which tables they wrote to: audit again; sg_watch_subscriptions(true) watches from then on'
                WHEN f.origin IS NOT NULL
                    THEN pg_catalog.format('replication origin %s is of no subscription of today, so nobody knows what is written, or was, by it: drop it if it is not used, or call sg_watch_subscriptions(true) and audit again if it is known to write elsewhere',
                                           f.origin)
                END AS doubt) d
ORDER BY f.constraint_oid,
         (v.result OPERATOR(pg_catalog.=) 'fail') DESC,
         (s.stale_reason IS NULL) DESC,
         v.by_index,
         v.proved_lsn DESC;
GRANT SELECT ON schemaguard.fk_trust TO PUBLIC;
COMMENT ON VIEW schemaguard.fk_trust
    IS 'declared keys: does the last proof that their rows hold still stand? Null: nobody can tell, and stale_reason says why. Rows written under session_replication_role = replica leave no trace in the catalogs: audit again after that.';
COMMENT ON COLUMN schemaguard.fk_trust.fk_name IS 'name of the constraint';
COMMENT ON COLUMN schemaguard.fk_trust.stands IS 'does the last proof that its rows hold still stand? Null: nobody can tell';
COMMENT ON COLUMN schemaguard.fk_trust.state IS 'not enforced, unarmed, not valid or valid: the first that applies';
COMMENT ON COLUMN schemaguard.fk_trust.armed IS 'are all triggers that enforce the key enabled?';
COMMENT ON COLUMN schemaguard.fk_trust.rows_checked IS 'rows of the child that were read; null for roles that may not read both tables';
COMMENT ON COLUMN schemaguard.fk_trust.child_table IS 'the referencing table';
COMMENT ON COLUMN schemaguard.fk_trust.parent_table IS 'the referenced table';
COMMENT ON COLUMN schemaguard.fk_trust.stale_reason IS 'why that proof does not stand, or why nobody can tell';
COMMENT ON COLUMN schemaguard.fk_trust.proved_at IS 'when the last proof was begun; null: there is none';
COMMENT ON COLUMN schemaguard.fk_trust.proved_lsn IS 'the same, as a position in the WAL';
COMMENT ON COLUMN schemaguard.fk_trust.method IS 'how it was proved, as in sg_orphan_audit';
COMMENT ON COLUMN schemaguard.fk_trust.strength IS 'table: the rows were read; index: an index was trusted';
COMMENT ON COLUMN schemaguard.fk_trust.constraint_oid IS 'OID of the constraint';
