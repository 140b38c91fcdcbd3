-- schemaguard: the install script is made of sql/parts/*.sql, in the order that the Makefile lists them.

-- complain if the script is sourced in psql, rather than run by CREATE EXTENSION
\echo Use "CREATE EXTENSION schemaguard" to load this file. \quit

-- CREATE SCHEMA without IF NOT EXISTS, here and below: were the schema there already, somebody else could own it.
CREATE SCHEMA schemaguard;
GRANT USAGE ON SCHEMA schemaguard TO PUBLIC;
COMMENT ON SCHEMA schemaguard IS 'tables, views and helpers of extension schemaguard; what people call is in the extension''s schema';
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
-- The log.  Its columns are part of the public interface: add at the end only.
CREATE TABLE schemaguard.audit_log (
    id            bigint PRIMARY KEY,
    run_id        uuid NOT NULL,            -- one call of a user's
    at            timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    role          text NOT NULL,            -- whose privileges were used
    plan          text,
    step          int,
    action        text NOT NULL,
    phase         text NOT NULL CHECK (phase IN ('started', 'done', 'failed', 'skipped', 'interrupted')),
    object        text,
    statement     text,
    sqlstate      text,
    message       text,
    rows_affected bigint,
    orphan_rows   bigint,
    elapsed_ms    float8,
    blockers      jsonb,
    attempt       int,
    started_id    bigint                    -- the started row whose outcome this is
);
CREATE SEQUENCE schemaguard.audit_log_id_seq OWNED BY schemaguard.audit_log.id;
ALTER TABLE schemaguard.audit_log ALTER COLUMN id SET DEFAULT pg_catalog.nextval('schemaguard.audit_log_id_seq');
-- two outcomes of one start are impossible
CREATE UNIQUE INDEX audit_log_started_id_key ON schemaguard.audit_log (started_id) WHERE started_id IS NOT NULL;
CREATE INDEX audit_log_plan_idx ON schemaguard.audit_log (plan, id) WHERE phase = 'started';
CREATE INDEX audit_log_at_idx ON schemaguard.audit_log (at);
COMMENT ON TABLE schemaguard.audit_log IS 'append-only: every step that was started, and its outcome';
COMMENT ON COLUMN schemaguard.audit_log.id IS 'number of the row';
COMMENT ON COLUMN schemaguard.audit_log.run_id IS 'the call that it belongs to';
COMMENT ON COLUMN schemaguard.audit_log.at IS 'when it was written';
COMMENT ON COLUMN schemaguard.audit_log.role IS 'the role whose privileges were used';
COMMENT ON COLUMN schemaguard.audit_log.plan IS 'name of the plan';
COMMENT ON COLUMN schemaguard.audit_log.step IS 'number of the step';
COMMENT ON COLUMN schemaguard.audit_log.action IS 'what was done: audit, add, validate, index and others';
COMMENT ON COLUMN schemaguard.audit_log.phase IS 'started, done, failed, skipped or interrupted';
COMMENT ON COLUMN schemaguard.audit_log.object IS 'to what';
COMMENT ON COLUMN schemaguard.audit_log.statement IS 'the statement that was run, without values';
COMMENT ON COLUMN schemaguard.audit_log.sqlstate IS 'SQLSTATE of the error';
COMMENT ON COLUMN schemaguard.audit_log.message IS 'outcome or error, without values of rows';
COMMENT ON COLUMN schemaguard.audit_log.rows_affected IS 'rows that were changed, moved or deleted';
COMMENT ON COLUMN schemaguard.audit_log.orphan_rows IS 'orphans that were found';
COMMENT ON COLUMN schemaguard.audit_log.elapsed_ms IS 'milliseconds since the start';
COMMENT ON COLUMN schemaguard.audit_log.blockers IS 'sessions that held locks in the way';
COMMENT ON COLUMN schemaguard.audit_log.attempt IS 'which attempt this was';
COMMENT ON COLUMN schemaguard.audit_log.started_id IS 'id of the started row whose outcome this is';

-- A role sees what was done in its name; pg_monitor sees all.  The table's owner is not subject to the policy, so
-- that superusers' dumps hold everything.
ALTER TABLE schemaguard.audit_log ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_runs ON schemaguard.audit_log FOR SELECT
    USING (role OPERATOR(pg_catalog.=) CURRENT_USER::pg_catalog.text
           OR pg_catalog.pg_has_role(CURRENT_USER, 'pg_monitor', 'MEMBER'));
GRANT SELECT ON schemaguard.audit_log TO PUBLIC;

-- Not even the owner rewrites the log: only CALL sg_prune() passes this trigger.  No BEFORE INSERT trigger, so that
-- a dump can be restored.
CREATE FUNCTION schemaguard.sg_log_guard() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'sg_log_guard';
COMMENT ON FUNCTION schemaguard.sg_log_guard() IS 'keep the logs append-only';
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON schemaguard.audit_log
    FOR EACH ROW EXECUTE FUNCTION schemaguard.sg_log_guard();
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON schemaguard.audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION schemaguard.sg_log_guard();
-- in a replica session too
ALTER TABLE schemaguard.audit_log ENABLE ALWAYS TRIGGER append_only;
ALTER TABLE schemaguard.audit_log ENABLE ALWAYS TRIGGER append_only_truncate;

SELECT pg_catalog.pg_extension_config_dump('schemaguard.audit_log', '');
SELECT pg_catalog.pg_extension_config_dump('schemaguard.audit_log_id_seq', '');

CREATE PROCEDURE sg_prune(before timestamptz)
LANGUAGE c
AS 'MODULE_PATHNAME', 'sg_prune';
COMMENT ON PROCEDURE sg_prune(timestamptz) IS 'delete the rows of schemaguard.audit_log and checks for drift from before a time, and proofs of no use any more; the last 7 days are for superusers alone';
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
-- Audit: judge rows against foreign keys
CREATE FUNCTION sg_orphan_audit(
    -- a table by its name, a text, or a regclass: with regclass alone the server would refuse a name before we could say more
    child    anycompatible DEFAULT NULL::regclass,
    plan     text DEFAULT NULL,
    inferred boolean DEFAULT false,
    samples  int DEFAULT 5,
    schemas  text[] DEFAULT NULL,
    steps    int[] DEFAULT NULL,
    OUT fk_name        name,
    OUT result         text,
    OUT state          text,
    OUT orphan_rows    bigint,
    OUT orphan_keys    bigint,
    OUT rows_checked   bigint,
    OUT child_table    text,
    OUT child_columns  text[],
    OUT parent_table   text,
    OUT parent_columns text[],
    OUT reason         text,
    OUT method         text,
    OUT elapsed_ms     float8,
    OUT source         text,
    OUT sample         jsonb)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_orphan_audit';
COMMENT ON FUNCTION sg_orphan_audit(anycompatible, text, boolean, int, text[], int[])
    IS 'do the rows hold what the foreign keys, declared and planned, promise?';

CREATE FUNCTION sg_orphans(
    child          regclass,
    columns        text[],
    parent         regclass,
    parent_columns text[] DEFAULT NULL,
    max_rows       bigint DEFAULT 1000,
    OUT row_table regclass,
    OUT row_id    tid,
    OUT key       jsonb,
    OUT data      jsonb)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_orphans';
COMMENT ON FUNCTION sg_orphans(regclass, text[], regclass, text[], bigint)
    IS 'the rows of a table that refer to a parent that does not exist';

CREATE FUNCTION sg_fk_orphans(
    child    regclass,
    fk_name  text,
    max_rows bigint DEFAULT 1000,
    OUT row_table regclass,
    OUT row_id    tid,
    OUT key       jsonb,
    OUT data      jsonb)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_fk_orphans';
COMMENT ON FUNCTION sg_fk_orphans(regclass, text, bigint)
    IS 'the rows of a table that break one of its declared foreign keys';
-- Tables of plans: plans, steps, notes, deeds.  Their columns are part of the public interface: add at the end only.
CREATE TABLE schemaguard.plan (
    name        text PRIMARY KEY,
    description text NOT NULL DEFAULT '',
    author      text NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT pg_catalog.now(),
    approved_by text,
    approved_at timestamptz,
    -- names the plan in locks and progress, where a text does not fit
    id          bigint NOT NULL UNIQUE,
    -- what the approval is bound to: see src/plan/plan_approve.c
    approved_hash text,
    -- every role that had a hand in the plan, by login and by SET ROLE
    changed_by  text[] NOT NULL DEFAULT '{}',
    -- roles that may use it besides its author and the owner of its tables
    allowed     text[] NOT NULL DEFAULT '{}',
    -- settings of its own by their names without the prefix that count over the session's
    options     jsonb NOT NULL DEFAULT '{}'
);
CREATE SEQUENCE schemaguard.plan_id_seq OWNED BY schemaguard.plan.id;
ALTER TABLE schemaguard.plan ALTER COLUMN id SET DEFAULT pg_catalog.nextval('schemaguard.plan_id_seq');
COMMENT ON TABLE schemaguard.plan IS 'plans: named lists of foreign keys to add';
COMMENT ON COLUMN schemaguard.plan.name IS 'the plan''s name, as calls take it';
COMMENT ON COLUMN schemaguard.plan.description IS 'what its author says it is for';
COMMENT ON COLUMN schemaguard.plan.author IS 'the role that made it';
COMMENT ON COLUMN schemaguard.plan.created_at IS 'when it was made';
COMMENT ON COLUMN schemaguard.plan.approved_by IS 'the role that approved it; null: nobody, or it was changed since';
COMMENT ON COLUMN schemaguard.plan.approved_at IS 'when it was approved';
COMMENT ON COLUMN schemaguard.plan.id IS 'number of the plan; one that is made anew under the same name has another';
COMMENT ON COLUMN schemaguard.plan.approved_hash IS 'hash of what was approved';
COMMENT ON COLUMN schemaguard.plan.changed_by IS 'every role that had a hand in the plan, by login and by SET ROLE: none of them may approve it';
COMMENT ON COLUMN schemaguard.plan.allowed IS 'roles that sg_plan_allow lets read, run and approve it';
COMMENT ON COLUMN schemaguard.plan.options IS 'what sg_plan_option has set: settings for calls on the plan, and the policy of new steps';

CREATE TABLE schemaguard.plan_step (
    -- no foreign keys here: a parallel pg_restore fills these tables in any order
    plan               text NOT NULL,
    step               int NOT NULL,
    fk_name            text NOT NULL,
    state              text NOT NULL DEFAULT 'pending'
                       CHECK (state IN ('pending', 'added', 'validated', 'skipped', 'failed', 'rolled back')),
    child_table        text NOT NULL,
    child_columns      text[] NOT NULL,
    parent_table       text NOT NULL,
    parent_columns     text[],              -- null: the parent's primary key
    reason             text,
    priority           text NOT NULL CHECK (priority IN ('critical', 'high', 'medium', 'low')),
    on_delete          text NOT NULL CHECK (on_delete IN ('no action', 'restrict', 'cascade', 'set null', 'set default')),
    on_update          text NOT NULL CHECK (on_update IN ('no action', 'restrict', 'cascade', 'set null', 'set default')),
    match              text NOT NULL CHECK (match IN ('simple', 'full')),
    "deferrable"       boolean NOT NULL,
    initially_deferred boolean NOT NULL,
    on_delete_columns  text[],
    enforced           boolean NOT NULL,
    orphans            text NOT NULL CHECK (orphans IN ('stop', 'leave', 'quarantine', 'delete', 'set null')),
    index              boolean NOT NULL,
    replaces           text,
    attempts           int NOT NULL DEFAULT 0,
    updated_at         timestamptz NOT NULL DEFAULT pg_catalog.now(),
    -- the role that skipped the step for good; null where a call found that it could not be done, which the next
    -- call looks at again
    skipped_by         text,
    sentinel           text,                -- a value of the child's columns that counts as null
    quarantine_cascades boolean NOT NULL DEFAULT false,
    -- what fills child_columns where they are empty: one expression per column, over the child's row
    backfill           text,
    period             boolean NOT NULL DEFAULT false,  -- the last columns compare by coverage (18+)
    PRIMARY KEY (plan, step)
);
-- Each key that is added is compared with those of its table
CREATE INDEX ON schemaguard.plan_step (plan, child_table);
COMMENT ON TABLE schemaguard.plan_step IS 'one foreign key of a plan, and how far it has come';
COMMENT ON COLUMN schemaguard.plan_step.plan IS 'name of the plan';
COMMENT ON COLUMN schemaguard.plan_step.step IS 'number of the step within the plan';
COMMENT ON COLUMN schemaguard.plan_step.fk_name IS 'name of the constraint';
COMMENT ON COLUMN schemaguard.plan_step.state IS 'pending, added, validated, skipped, failed or rolled back';
COMMENT ON COLUMN schemaguard.plan_step.child_table IS 'the referencing table, qualified and quoted';
COMMENT ON COLUMN schemaguard.plan_step.child_columns IS 'the referencing columns';
COMMENT ON COLUMN schemaguard.plan_step.parent_table IS 'the referenced table, qualified and quoted';
COMMENT ON COLUMN schemaguard.plan_step.parent_columns IS 'the referenced columns; null: the primary key';
COMMENT ON COLUMN schemaguard.plan_step.reason IS 'why the step is in this state';
COMMENT ON COLUMN schemaguard.plan_step.priority IS 'critical, high, medium or low: steps run in this order';
COMMENT ON COLUMN schemaguard.plan_step.on_delete IS 'what a delete in the parent does';
COMMENT ON COLUMN schemaguard.plan_step.on_update IS 'what a new key in the parent does';
COMMENT ON COLUMN schemaguard.plan_step.match IS 'simple or full';
COMMENT ON COLUMN schemaguard.plan_step."deferrable" IS 'may the check be deferred?';
COMMENT ON COLUMN schemaguard.plan_step.initially_deferred IS 'is it deferred to the end of a transaction unless told otherwise?';
COMMENT ON COLUMN schemaguard.plan_step.on_delete_columns IS 'columns that ON DELETE SET NULL or SET DEFAULT sets; null: all of the key';
COMMENT ON COLUMN schemaguard.plan_step.enforced IS 'false: added NOT ENFORCED (18 and later)';
COMMENT ON COLUMN schemaguard.plan_step.orphans IS 'what to do about orphans: stop, leave, quarantine, delete or set null';
COMMENT ON COLUMN schemaguard.plan_step.index IS 'build an index on the child''s columns where none serves the key?';
COMMENT ON COLUMN schemaguard.plan_step.replaces IS 'name of the key that this one takes the place of';
COMMENT ON COLUMN schemaguard.plan_step.attempts IS 'how often a call has tried the step';
COMMENT ON COLUMN schemaguard.plan_step.updated_at IS 'when the step was changed last';
COMMENT ON COLUMN schemaguard.plan_step.skipped_by IS 'the role that skipped the step; null where a call found that it could not be done, which the next call looks at again';
COMMENT ON COLUMN schemaguard.plan_step.sentinel IS 'a value of the child''s columns that counts as null';
COMMENT ON COLUMN schemaguard.plan_step.quarantine_cascades IS 'may rows that ON DELETE would reach go into quarantine, too?';
COMMENT ON COLUMN schemaguard.plan_step.backfill IS 'expressions that fill the child''s columns where they are empty';
COMMENT ON COLUMN schemaguard.plan_step.period IS 'do the last columns compare by coverage (PERIOD, 18 and later)?';

CREATE TABLE schemaguard.plan_note (
    plan   text NOT NULL,
    line   int NOT NULL,                    -- of the script; 0 where the note is about the whole
    reason text NOT NULL
);
CREATE INDEX ON schemaguard.plan_note (plan);
COMMENT ON TABLE schemaguard.plan_note IS 'what sg_plan_from_sql left alone in a script, and why';
COMMENT ON COLUMN schemaguard.plan_note.plan IS 'name of the plan';
COMMENT ON COLUMN schemaguard.plan_note.line IS 'line of the script; 0: about the whole';
COMMENT ON COLUMN schemaguard.plan_note.reason IS 'what was left alone, and why';

-- What plans have done, as rollback and the recovery of interrupted builds read it: names and definitions, which are
-- compared with the catalog, and no statement.  No OIDs: a restore and REINDEX CONCURRENTLY change them.
CREATE TABLE schemaguard.plan_deed (
    id            bigint PRIMARY KEY,
    plan_id       bigint NOT NULL,          -- a plan that is made anew under its name has another one
    step          int NOT NULL,
    kind          text NOT NULL CHECK (kind IN ('add', 'replace', 'index', 'columns', 'delete', 'set null')),
    object        text NOT NULL,            -- as in audit_log
    undo          text NOT NULL CHECK (undo IN ('drop key', 'restore key', 'drop index', 'drop columns', 'nothing')),
    before        jsonb,                    -- what it has taken away, by the words of plan_step
    after         jsonb,                    -- what it has made
    rows_affected bigint,                   -- rows that were deleted or set to null, of which there is no copy
    begun_at      timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    done_at       timestamptz,              -- null: a build of an index that has not said that it is done
    undone_at     timestamptz,              -- since then there is nothing left to undo
    outcome       text CHECK (outcome IN ('taken back', 'gone', 'left alone', 'done again')),
    log_id        bigint,                   -- the row of audit_log that began it; that may be gone
    CHECK ((undone_at IS NULL) OPERATOR(pg_catalog.=) (outcome IS NULL))
);
CREATE SEQUENCE schemaguard.plan_deed_id_seq OWNED BY schemaguard.plan_deed.id;
ALTER TABLE schemaguard.plan_deed ALTER COLUMN id SET DEFAULT pg_catalog.nextval('schemaguard.plan_deed_id_seq');
CREATE INDEX ON schemaguard.plan_deed (plan_id, step);
COMMENT ON TABLE schemaguard.plan_deed IS 'what plans have done, and what undoes it';
COMMENT ON COLUMN schemaguard.plan_deed.id IS 'number of the deed';
COMMENT ON COLUMN schemaguard.plan_deed.plan_id IS 'column id of schemaguard.plan';
COMMENT ON COLUMN schemaguard.plan_deed.step IS 'the step that did it, or to whose key an index was left';
COMMENT ON COLUMN schemaguard.plan_deed.kind IS 'what was done: a key added, an old key replaced, an index built, columns added, rows deleted or set to null';
COMMENT ON COLUMN schemaguard.plan_deed.object IS 'to what, as in audit_log';
COMMENT ON COLUMN schemaguard.plan_deed.undo IS 'what sg_rollback_fks does about it';
COMMENT ON COLUMN schemaguard.plan_deed.before IS 'what it has taken away';
COMMENT ON COLUMN schemaguard.plan_deed.after IS 'what it has made';
COMMENT ON COLUMN schemaguard.plan_deed.rows_affected IS 'rows that were deleted or set to null, of which there is no copy';
COMMENT ON COLUMN schemaguard.plan_deed.begun_at IS 'when it was begun';
COMMENT ON COLUMN schemaguard.plan_deed.done_at IS 'when it was done; null for a build of an index that has not said so';
COMMENT ON COLUMN schemaguard.plan_deed.undone_at IS 'when it was taken back, or seen to be nothing of the plan''s any more';
COMMENT ON COLUMN schemaguard.plan_deed.outcome IS 'which of that: taken back, gone, left alone, done again';
COMMENT ON COLUMN schemaguard.plan_deed.log_id IS 'the row of audit_log that began it, unless that was pruned';

GRANT SELECT ON schemaguard.plan, schemaguard.plan_step, schemaguard.plan_note, schemaguard.plan_deed TO PUBLIC;

-- What a dump of the database takes along
SELECT pg_catalog.pg_extension_config_dump('schemaguard.plan', '');
SELECT pg_catalog.pg_extension_config_dump('schemaguard.plan_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('schemaguard.plan_step', '');
SELECT pg_catalog.pg_extension_config_dump('schemaguard.plan_note', '');
SELECT pg_catalog.pg_extension_config_dump('schemaguard.plan_deed', '');
SELECT pg_catalog.pg_extension_config_dump('schemaguard.plan_deed_id_seq', '');
-- Plans: lists of foreign keys to add
CREATE FUNCTION sg_plan_create(plan text, description text DEFAULT '', replace boolean DEFAULT false)
RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_plan_create';
COMMENT ON FUNCTION sg_plan_create(text, text, boolean)
    IS 'make an empty plan; with replace, empty the one that is there';

CREATE FUNCTION sg_plan_from_sql(plan text, script text, strict boolean DEFAULT false)
RETURNS int
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_plan_from_sql';
COMMENT ON FUNCTION sg_plan_from_sql(text, text, boolean)
    IS 'add the foreign keys of a SQL script to a plan; schemaguard.plan_note says what was left alone';

CREATE FUNCTION sg_plan_add_fk(
    plan               text,
    child_table        text,
    child_columns      text[],
    parent_table       text,
    parent_columns     text[] DEFAULT NULL,
    fk_name            text DEFAULT NULL,
    on_delete          text DEFAULT 'no action',
    on_update          text DEFAULT 'no action',
    priority           text DEFAULT 'medium',
    orphans            text DEFAULT NULL,
    index              boolean DEFAULT true,
    replaces           text DEFAULT NULL,
    match              text DEFAULT 'simple',
    "deferrable"       boolean DEFAULT false,
    initially_deferred boolean DEFAULT false,
    on_delete_columns  text[] DEFAULT NULL,
    enforced           boolean DEFAULT true,
    sentinel           text DEFAULT NULL,
    quarantine_cascades boolean DEFAULT false,
    backfill           text DEFAULT NULL,
    period             boolean DEFAULT false)
RETURNS int
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_plan_add_fk';
COMMENT ON FUNCTION sg_plan_add_fk(text, text, text[], text, text[], text, text, text, text, text, boolean, text, text,
                                   boolean, boolean, text[], boolean, text, boolean, text, boolean)
    IS 'add one foreign key to a plan; returns the number of its step';

CREATE FUNCTION sg_plan_set(plan text, step int, option text, value text)
RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_plan_set';
COMMENT ON FUNCTION sg_plan_set(text, int, text, text)
    IS 'change one column of a step; state pending takes back a skip';

CREATE FUNCTION sg_plan_option(plan text, name text, value text)
RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_plan_option';
COMMENT ON FUNCTION sg_plan_option(text, text, text)
    IS 'give a plan a setting of its own, such as lock_timeout, or orphans, the policy of new steps; null takes it away';

CREATE FUNCTION sg_plan_skip(plan text, step int, reason text)
RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_plan_skip';
COMMENT ON FUNCTION sg_plan_skip(text, int, text)
    IS 'have deployment leave a step alone';

CREATE FUNCTION sg_plan_drop(plan text, force boolean DEFAULT false)
RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_plan_drop';
COMMENT ON FUNCTION sg_plan_drop(text, boolean)
    IS 'delete a plan; what it has done stays, so where that can be taken back, only with force';

CREATE FUNCTION sg_plan_export(plan text)
RETURNS jsonb
LANGUAGE c STABLE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_plan_export';
COMMENT ON FUNCTION sg_plan_export(text)
    IS 'a plan as a document, without how far it has come here';

CREATE FUNCTION sg_plan_import(plan text, document jsonb)
RETURNS int
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_plan_import';
COMMENT ON FUNCTION sg_plan_import(text, jsonb)
    IS 'make a plan from a document of sg_plan_export; returns the number of its steps';

CREATE FUNCTION sg_plan_sql(plan text, steps int[] DEFAULT NULL)
RETURNS SETOF text
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_plan_sql';
COMMENT ON FUNCTION sg_plan_sql(text, int[])
    IS 'every statement that deployment would run, in order, of a plan or of some steps';

CREATE FUNCTION sg_plan_hash(plan text)
RETURNS text
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_plan_hash';
COMMENT ON FUNCTION sg_plan_hash(text)
    IS 'the hash of what a plan says now, for sg_plan_approve';

CREATE FUNCTION sg_plan_approve(plan text, hash text DEFAULT NULL)
RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_plan_approve';
COMMENT ON FUNCTION sg_plan_approve(text, text)
    IS 'approve a plan as it stands, or only if it has this hash, as another role than those that wrote it';

CREATE FUNCTION sg_plan_allow(plan text, role text, allowed boolean DEFAULT true)
RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_plan_allow';
COMMENT ON FUNCTION sg_plan_allow(text, text, boolean)
    IS 'let a role read, run and approve a plan, or not any more';

-- What a role sees of the plans: those that it may use; pg_monitor sees all.  The tables' owner is not subject to the
-- policies, so that superusers' dumps hold everything.
CREATE FUNCTION schemaguard.sg_readable_plans()
RETURNS text[]
LANGUAGE c STABLE PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'sg_readable_plans';
COMMENT ON FUNCTION schemaguard.sg_readable_plans() IS 'the plans that the current role may read';

ALTER TABLE schemaguard.plan ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_plans ON schemaguard.plan FOR SELECT
    USING (name OPERATOR(pg_catalog.=) ANY ((SELECT schemaguard.sg_readable_plans())::pg_catalog.text[]));
ALTER TABLE schemaguard.plan_step ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_plans ON schemaguard.plan_step FOR SELECT
    USING (plan OPERATOR(pg_catalog.=) ANY ((SELECT schemaguard.sg_readable_plans())::pg_catalog.text[]));
ALTER TABLE schemaguard.plan_note ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_plans ON schemaguard.plan_note FOR SELECT
    USING (plan OPERATOR(pg_catalog.=) ANY ((SELECT schemaguard.sg_readable_plans())::pg_catalog.text[]));
ALTER TABLE schemaguard.plan_deed ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_plans ON schemaguard.plan_deed FOR SELECT
    USING (plan_id OPERATOR(pg_catalog.=) ANY (ARRAY(SELECT p.id FROM schemaguard.plan p)));
-- What runs now.  Details of another role's sessions are null, as in pg_stat_activity.
CREATE FUNCTION schemaguard.sg_progress(
    OUT pid           int,
    OUT plan_id       bigint,
    OUT step          int,
    OUT action        text,
    OUT phase         text,
    OUT relation      oid,
    OUT done          bigint,
    OUT total         bigint,
    OUT orphan_rows   bigint,
    OUT started_at    timestamptz,
    OUT blocks_done   bigint,
    OUT blocks_total  bigint,
    OUT scan_started  timestamptz)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'sg_progress';
COMMENT ON FUNCTION schemaguard.sg_progress() IS 'what calls of schemaguard are doing, for schemaguard.progress';

CREATE VIEW schemaguard.progress AS
SELECT p.pid,
       l.name AS plan,
       p.step,
       p.action,
       p.phase,
       -- blocks while tables are read, else keys or steps
       CASE WHEN p.blocks_total OPERATOR(pg_catalog.>) 0 THEN p.blocks_done ELSE p.done END AS done,
       CASE WHEN p.blocks_total OPERATOR(pg_catalog.>) 0 THEN p.blocks_total
            WHEN p.action OPERATOR(pg_catalog.=) 'snapshot' AND p.total OPERATOR(pg_catalog.=) 0 THEN NULL  -- until all are read
            ELSE p.total END AS total,
       CASE WHEN p.blocks_total OPERATOR(pg_catalog.>) 0 THEN 'blocks'
            WHEN p.action OPERATOR(pg_catalog.=) ANY (ARRAY['audit', 'verify']) AND p.plan_id IS NULL THEN 'keys'
            WHEN p.action OPERATOR(pg_catalog.=) 'snapshot' THEN 'objects' ELSE 'steps' END AS unit,
       p.orphan_rows,
       -- of these blocks, or of the whole, as fast as so far
       CASE WHEN p.blocks_done OPERATOR(pg_catalog.>) 0
            THEN p.scan_started OPERATOR(pg_catalog.+)
                 ((pg_catalog.clock_timestamp() OPERATOR(pg_catalog.-) p.scan_started)
                  OPERATOR(pg_catalog.*) (p.blocks_total::pg_catalog.float8 OPERATOR(pg_catalog./) p.blocks_done))
            WHEN p.done OPERATOR(pg_catalog.>) 0 AND p.total OPERATOR(pg_catalog.>) 0
            THEN p.started_at OPERATOR(pg_catalog.+)
                 ((pg_catalog.clock_timestamp() OPERATOR(pg_catalog.-) p.started_at)
                  OPERATOR(pg_catalog.*) (p.total::pg_catalog.float8 OPERATOR(pg_catalog./) p.done)) END AS estimated_end,
       CASE WHEN c.oid IS NOT NULL
            THEN pg_catalog.format('%I.%I', n.nspname, c.relname) END AS object,
       p.started_at
FROM schemaguard.sg_progress() p
     LEFT JOIN schemaguard.plan l ON l.id OPERATOR(pg_catalog.=) p.plan_id
     LEFT JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) p.relation
     LEFT JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) c.relnamespace;
GRANT SELECT ON schemaguard.progress TO PUBLIC;
COMMENT ON VIEW schemaguard.progress IS 'what calls of schemaguard are doing now, in this database';
COMMENT ON COLUMN schemaguard.progress.pid IS 'process ID of the session';
COMMENT ON COLUMN schemaguard.progress.plan IS 'name of the plan that it runs';
COMMENT ON COLUMN schemaguard.progress.step IS 'number of the step';
COMMENT ON COLUMN schemaguard.progress.action IS 'what it does: audit, add, validate, index, fix, verify, discover, snapshot and others';
COMMENT ON COLUMN schemaguard.progress.phase IS 'which part of that';
COMMENT ON COLUMN schemaguard.progress.done IS 'how much is done, in units';
COMMENT ON COLUMN schemaguard.progress.total IS 'how much there is to do; null: not known yet';
COMMENT ON COLUMN schemaguard.progress.unit IS 'blocks while tables are read; else keys, steps or objects';
COMMENT ON COLUMN schemaguard.progress.orphan_rows IS 'orphans that were found so far';
COMMENT ON COLUMN schemaguard.progress.estimated_end IS 'when it ends if it goes on as fast as so far';
COMMENT ON COLUMN schemaguard.progress.object IS 'the table that it is at';
COMMENT ON COLUMN schemaguard.progress.started_at IS 'when the call began';
-- Snapshots: what a database is made of, as rows that can be kept, taken elsewhere and compared
CREATE TABLE schemaguard.snapshot (
    name               text PRIMARY KEY,
    taken_at           timestamptz NOT NULL,
    role               text NOT NULL,           -- who took or imported it, and owns it
    server             text,                    -- the foreign server's name; null: here
    database           text NOT NULL,
    server_version_num int NOT NULL,
    schemas            text[],                  -- null: all
    format             int NOT NULL,            -- of the objects' properties: see docs/snapshots.md
    objects            bigint NOT NULL,
    unknown            bigint NOT NULL,         -- of these objects, how many could not be read in full
    checksum           bytea NOT NULL,          -- SHA-256 over the objects' checksums
    imported_at        timestamptz              -- null: taken by this database
);
COMMENT ON TABLE schemaguard.snapshot IS 'snapshots: what a database was made of at a time';
COMMENT ON COLUMN schemaguard.snapshot.name IS 'the snapshot''s name';
COMMENT ON COLUMN schemaguard.snapshot.taken_at IS 'when it was taken';
COMMENT ON COLUMN schemaguard.snapshot.role IS 'who took or imported it, and owns it';
COMMENT ON COLUMN schemaguard.snapshot.server IS 'name of the foreign server; null: this database';
COMMENT ON COLUMN schemaguard.snapshot.database IS 'name of the database';
COMMENT ON COLUMN schemaguard.snapshot.server_version_num IS 'version of its server';
COMMENT ON COLUMN schemaguard.snapshot.schemas IS 'the schemas that it is about; null: all';
COMMENT ON COLUMN schemaguard.snapshot.format IS 'version of the objects'' properties';
COMMENT ON COLUMN schemaguard.snapshot.objects IS 'how many objects it has, columns and what extensions have brought included';
COMMENT ON COLUMN schemaguard.snapshot.unknown IS 'how many of these could not be read in full';
COMMENT ON COLUMN schemaguard.snapshot.checksum IS 'SHA-256 over the checksums of the objects';
COMMENT ON COLUMN schemaguard.snapshot.imported_at IS 'when it was imported; null: taken from here';

CREATE TABLE schemaguard.snapshot_object (
    snapshot   text NOT NULL,
    kind       text COLLATE "C" NOT NULL,
    identity   text COLLATE "C" NOT NULL,
    parent     text COLLATE "C",
    properties jsonb NOT NULL,
    checksum   bytea NOT NULL,                  -- SHA-256 over the other columns but the first
    PRIMARY KEY (snapshot, kind, identity)
);
COMMENT ON TABLE schemaguard.snapshot_object IS 'one object of a snapshot; docs/snapshots.md has its properties';
COMMENT ON COLUMN schemaguard.snapshot_object.snapshot IS 'name of the snapshot';
COMMENT ON COLUMN schemaguard.snapshot_object.kind IS 'table, column, constraint, index and so on';
COMMENT ON COLUMN schemaguard.snapshot_object.identity IS 'name within the kind, qualified and quoted';
COMMENT ON COLUMN schemaguard.snapshot_object.parent IS 'identity of what it belongs to';
COMMENT ON COLUMN schemaguard.snapshot_object.properties IS 'what matters of it';
COMMENT ON COLUMN schemaguard.snapshot_object.checksum IS 'SHA-256 over kind, identity, parent and properties';

-- Nobody writes these tables but the functions below, and those never change a row.  A role reads its own snapshots,
-- pg_monitor all: they hold the text of functions, of other servers too.
ALTER TABLE schemaguard.snapshot ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_snapshots ON schemaguard.snapshot FOR SELECT
    USING (role OPERATOR(pg_catalog.=) CURRENT_USER::pg_catalog.text
           OR pg_catalog.pg_has_role(CURRENT_USER, 'pg_monitor', 'MEMBER'));
ALTER TABLE schemaguard.snapshot_object ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_snapshots ON schemaguard.snapshot_object FOR SELECT
    USING (snapshot OPERATOR(pg_catalog.=) ANY (ARRAY(SELECT s.name FROM schemaguard.snapshot s)));
GRANT SELECT ON schemaguard.snapshot, schemaguard.snapshot_object TO PUBLIC;

SELECT pg_catalog.pg_extension_config_dump('schemaguard.snapshot', '');
SELECT pg_catalog.pg_extension_config_dump('schemaguard.snapshot_object', '');

CREATE FUNCTION sg_snapshot_take(snapshot text, schemas text[] DEFAULT NULL, server text DEFAULT NULL)
RETURNS bigint
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_snapshot_take';
COMMENT ON FUNCTION sg_snapshot_take(text, text[], text)
    IS 'keep what this database, or that of a foreign server, is made of; returns the number of objects';

CREATE FUNCTION sg_snapshot_export(snapshot text)
RETURNS jsonb
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_snapshot_export';
COMMENT ON FUNCTION sg_snapshot_export(text)
    IS 'a snapshot as a document';

CREATE FUNCTION sg_snapshot_import(snapshot text, document jsonb)
RETURNS bigint
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_snapshot_import';
COMMENT ON FUNCTION sg_snapshot_import(text, jsonb)
    IS 'make a snapshot from a document of sg_snapshot_export or of docs/snapshot.sql, whose seal proves nothing about who made it; returns the number of objects';

CREATE FUNCTION sg_snapshot_drop(snapshot text)
RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_snapshot_drop';
COMMENT ON FUNCTION sg_snapshot_drop(text)
    IS 'delete a snapshot';

CREATE FUNCTION sg_snapshot_objects(
    snapshot text,
    schemas  text[] DEFAULT NULL,
    OUT kind       text,
    OUT identity   text,
    OUT parent     text,
    OUT properties jsonb,
    OUT checksum   bytea)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_snapshot_objects';
COMMENT ON FUNCTION sg_snapshot_objects(text, text[])
    IS 'the objects of a snapshot, or of this database as it is now (snapshot => ''live'')';
-- The snapshot statement: ONE read-only statement, for this database, for another server (dblink) and for psql.
--
-- It stands in sql/snapshot/, the objects of each kind in a file, from where sql/join.awk brings it here and into
-- docs/snapshot.sql: run make docs/snapshot.sql after a change.
--
-- Its text has to work on servers from 12 to 19, as a role that can merely connect, in a read-only transaction and on a
-- standby. Hence: no function or cast of ours; a column that an old major lacks is looked up by name in a LATERAL
-- subquery with OFFSET 0, beside a table d of defaults; no backslash; no catalog column that PUBLIC may not read.
--
-- The prologue pins what changes deparsed text, and how long a lock may be waited for: pg_get_viewdef() and others lock
-- what they print. Two settings steer the statement, both may be absent: sg_snapshot.schemas, an array of names, and
-- sg_snapshot.skip_locked:
-- on makes it leave out, as "unknown", what it would have to wait for when it begins; all, whatever it might wait for.
-- A third one, sg_snapshot.unprintable, is what the probe found: reasons by object.
--
-- Names that are a keyword in some of these majors only are always quoted, so that they are the same in all of them.
--
-- The planner knows nothing of CTEs: what joins two of them counts as many times as many rows, is then cut into batches or
-- hashed from the larger side. So what comes by the hundred thousand is joined with catalogs.
CREATE FUNCTION schemaguard.sg_snapshot_statement(OUT prologue text, OUT statement text)
RETURNS record
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
SELECT $prologue$
SET LOCAL search_path = pg_catalog, pg_temp;
SET LOCAL TimeZone = 'UTC';
SET LOCAL DateStyle = 'ISO, YMD';
SET LOCAL IntervalStyle = 'postgres';
SET LOCAL bytea_output = 'hex';
SET LOCAL xmlbinary = 'base64';
SET LOCAL quote_all_identifiers = off;
SET LOCAL extra_float_digits = 1;
SET LOCAL lc_monetary = 'C';
SET LOCAL lock_timeout = '2s';
SET LOCAL enable_nestloop = off;
SET LOCAL enable_mergejoin = off;
SET LOCAL jit = off;
SET LOCAL max_parallel_workers_per_gather = 0;
SET LOCAL work_mem = '32MB';
$prologue$, $statement$
WITH
-- ---------------------------------------------------------------------------------------------------------------------
-- What several kinds of objects need
-- ---------------------------------------------------------------------------------------------------------------------
setting AS MATERIALIZED (
    SELECT nullif(current_setting('sg_snapshot.schemas', true), '')::text[] AS schemas,
        ARRAY['json', 'json_array', 'json_arrayagg', 'json_exists', 'json_object', 'json_objectagg', 'json_query',
            'json_scalar', 'json_serialize', 'json_table', 'json_value', 'merge_action', 'normalize',
            'system_user'] AS keywords
),
held AS MATERIALIZED (
    SELECT array_agg(DISTINCT l.relation) AS relations
    FROM (SELECT l.relation
          FROM pg_locks l
          WHERE current_setting('sg_snapshot.skip_locked', true) = 'on'
            AND l.locktype = 'relation' AND l.mode = 'AccessExclusiveLock' AND l.pid IS DISTINCT FROM pg_backend_pid()
            AND l.database = (SELECT b.oid FROM pg_database b WHERE b.datname = current_database())
          UNION ALL
          SELECT c.oid FROM pg_class c WHERE current_setting('sg_snapshot.skip_locked', true) = 'all') l
),
-- what was tried one by one, and could not be printed
broken AS MATERIALIZED (
    SELECT split_part(b.key, ' ', 1) AS catalog, split_part(b.key, ' ', 2)::oid AS objid, b.value AS reason
    FROM jsonb_each_text(nullif(current_setting('sg_snapshot.unprintable', true), '')::jsonb) b
),
space AS MATERIALIZED (
    SELECT n.oid, n.nspname, n.nspowner, n.nspacl,
        CASE WHEN n.nspname = ANY ((SELECT s.keywords FROM setting s)::text[]) THEN '"' || n.nspname || '"'
            ELSE quote_ident(n.nspname) END AS identity,
        left(n.nspname, 3) <> 'pg_' AND n.nspname <> 'information_schema'
            AND coalesce(n.nspname = ANY ((SELECT s.schemas FROM setting s)::name[]), true) AS wanted
    FROM pg_namespace n
),
nsp AS MATERIALIZED (
    SELECT s.oid, s.nspname, s.nspowner, s.nspacl, s.identity FROM space s WHERE s.wanted
),
-- what a relation is called, also one of a schema that was not asked for
place AS NOT MATERIALIZED (
    SELECT c.oid, s.identity AS schema,
        s.identity || '.' || CASE WHEN c.relname = ANY ((SELECT s.keywords FROM setting s)::text[])
            THEN '"' || c.relname || '"' ELSE quote_ident(c.relname) END AS identity
    FROM pg_class c JOIN space s ON s.oid = c.relnamespace
    WHERE c.relkind <> 't' AND c.oid >= 16384
),
ext AS MATERIALIZED (
    SELECT d.classid, d.objid, e.extname::text AS extension
    FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
    WHERE d.deptype = 'e' AND d.refclassid = 'pg_extension'::regclass
),
-- what comes and goes with a range type
internal AS MATERIALIZED (
    SELECT d.classid, d.objid
    FROM pg_depend d
    WHERE d.deptype = 'i' AND d.refclassid = 'pg_type'::regclass
        AND d.classid IN ('pg_proc'::regclass, 'pg_cast'::regclass)
),
com AS MATERIALIZED (
    SELECT c.classoid, c.objoid, c.objsubid, c.description
    FROM pg_description c
    WHERE c.objoid >= 16384 OR c.classoid = 'pg_namespace'::regclass
),
-- tables, views, sequences, composite types
relation AS NOT MATERIALIZED (
    SELECT c.oid, c.relname, c.relkind, c.relowner, c.relacl, c.relpersistence, c.relam, c.reltablespace,
        c.relrowsecurity, c.relforcerowsecurity, c.relreplident, c.relispartition, c.relpartbound, c.reloftype,
        c.relispopulated, c.reltoastrelid, n.identity AS schema,
        n.identity || '.' || CASE WHEN c.relname = ANY ((SELECT s.keywords FROM setting s)::text[])
            THEN '"' || c.relname || '"' ELSE quote_ident(c.relname) END AS identity,
        b.objid IS NOT NULL OR coalesce(c.oid = ANY ((SELECT h.relations FROM held h)::oid[]), false) AS locked,
        coalesce(b.reason, 'its table is locked by another session') AS trouble,
        CASE WHEN c.reloptions IS NOT NULL THEN ARRAY(SELECT o FROM unnest(c.reloptions) o ORDER BY o COLLATE "C") END
            AS reloptions,
        e.extension
    FROM pg_class c
    JOIN nsp n ON n.oid = c.relnamespace
    LEFT JOIN ext e ON e.classid = 'pg_class'::regclass AND e.objid = c.oid
    LEFT JOIN broken b ON b.catalog = 'relation' AND b.objid = c.oid
    WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm', 'S', 'c') AND c.oid >= 16384
),
rel AS MATERIALIZED (
    SELECT * FROM relation
),
-- what a view, rule or function reads that is locked: printing it would wait
waiting AS MATERIALIZED (
    SELECT DISTINCT d.classid, d.objid
    FROM pg_depend d
    WHERE (SELECT h.relations FROM held h) IS NOT NULL
      AND d.refclassid = 'pg_class'::regclass AND d.refobjid = ANY ((SELECT h.relations FROM held h)::oid[])
      AND d.classid IN ('pg_rewrite'::regclass, 'pg_proc'::regclass)
),
inh AS MATERIALIZED (
    SELECT i.inhrelid, i.inhparent, i.inhseqno, i.inhdetachpending AS detaching
    FROM (VALUES (false)) d (inhdetachpending),
        LATERAL (SELECT i.inhrelid, i.inhparent, i.inhseqno, inhdetachpending FROM pg_inherits i OFFSET 0) i
),
coll AS MATERIALIZED (
    SELECT c.oid, CASE WHEN c.collnamespace = 11 THEN '' ELSE quote_ident(n.nspname) || '.' END
        || quote_ident(c.collname) AS identity
    FROM pg_collation c JOIN pg_namespace n ON n.oid = c.collnamespace
),
owned AS MATERIALIZED (
    SELECT d.objid AS sequence, d.refobjid AS attrelid, d.refobjsubid AS attnum, d.deptype
    FROM pg_depend d JOIN pg_sequence s ON s.seqrelid = d.objid
    WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass
      AND d.objsubid = 0 AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i')
),
-- the columns of tables and of indexes by number: found by subscript what is sought by the thousand
cols AS MATERIALIZED (
    SELECT a.attrelid, array_agg(a.attname) AS names, array_agg(a.attcollation) AS collations,
        array_agg(a.attnum) FILTER (WHERE a.attisdropped) AS gone,
        array_agg(a.attnum) FILTER (WHERE a.granted) AS granted
    FROM (SELECT a.attrelid, a.attnum, a.attname, a.attcollation, a.attisdropped,
              a.attacl IS NOT NULL AND NOT a.attisdropped AS granted
          FROM pg_attribute a WHERE a.attnum > 0 AND a.attrelid >= 16384 ORDER BY a.attrelid, a.attnum) a
    GROUP BY a.attrelid
),
-- ---------------------------------------------------------------------------------------------------------------------
-- Privileges: who holds what, as a set; only where it is not what a new object has
-- ---------------------------------------------------------------------------------------------------------------------
granted AS (
    SELECT 'pg_class'::regclass AS classid, r.oid AS objid, 0 AS objsubid, r.relowner AS owner, r.relacl AS acl,
        CASE r.relkind WHEN 'S' THEN 's' ELSE 'r' END::"char" AS type, true AS whole
    FROM rel r WHERE r.relacl IS NOT NULL
    UNION ALL
    SELECT 'pg_class'::regclass, r.oid, k.attnum, r.relowner, (SELECT a.attacl FROM pg_attribute a
        WHERE a.attrelid = r.oid AND a.attnum = k.attnum), 'c', false
    FROM (SELECT c.attrelid, unnest(c.granted) AS attnum
          FROM cols c WHERE cardinality(c.granted) BETWEEN 1 AND 1600) k
    JOIN rel r ON r.oid = k.attrelid
    UNION ALL
    SELECT 'pg_namespace'::regclass, n.oid, 0, n.nspowner, n.nspacl, 'n', true
    FROM nsp n WHERE n.nspacl IS NOT NULL
    UNION ALL
    SELECT 'pg_proc'::regclass, p.oid, 0, p.proowner, p.proacl, 'f', true
    FROM pg_proc p JOIN nsp n ON n.oid = p.pronamespace WHERE p.proacl IS NOT NULL
    UNION ALL
    SELECT 'pg_type'::regclass, t.oid, 0, t.typowner, t.typacl, 'T', true
    FROM pg_type t JOIN nsp n ON n.oid = t.typnamespace WHERE t.typacl IS NOT NULL
    UNION ALL
    SELECT 'pg_language'::regclass, l.oid, 0, l.lanowner, l.lanacl, 'l', true
    FROM pg_language l WHERE l.lanacl IS NOT NULL
    UNION ALL
    SELECT 'pg_foreign_data_wrapper'::regclass, w.oid, 0, w.fdwowner, w.fdwacl, 'F', true
    FROM pg_foreign_data_wrapper w WHERE w.fdwacl IS NOT NULL
    UNION ALL
    SELECT 'pg_foreign_server'::regclass, s.oid, 0, s.srvowner, s.srvacl, 'S', true
    FROM pg_foreign_server s WHERE s.srvacl IS NOT NULL
    UNION ALL
    SELECT 'pg_default_acl'::regclass, a.oid, 0, a.defaclrole, a.defaclacl,
        CASE a.defaclobjtype WHEN 'S' THEN 's' ELSE a.defaclobjtype END, a.defaclnamespace = 0
    FROM pg_default_acl a
),
-- how many privileges there are: all of them are written as ALL, since majors differ in what there is
every AS MATERIALIZED (
    SELECT t.type, CASE t.type WHEN 'c' THEN 4 ELSE count(*) END AS n
    FROM unnest('{c,r,s,n,f,T,l,F,S,L}'::"char"[]) t (type)
    LEFT JOIN LATERAL aclexplode(acldefault(t.type, 10)) x ON x.grantee = 10
    GROUP BY t.type
),
privilege AS (
    SELECT g.classid, g.objid, g.objsubid, g.owner, g.type, g.whole, x.grantee, x.privilege_type AS privilege,
        bool_or(x.is_grantable) AS grantable
    FROM granted g, LATERAL (
        SELECT x.grantee, x.privilege_type, x.is_grantable FROM aclexplode(g.acl) x
        UNION ALL SELECT g.owner, NULL, NULL WHERE g.whole) x
    WHERE g.classid = 'pg_default_acl'::regclass
       OR NOT (g.acl @> acldefault(g.type, g.owner) AND g.acl <@ acldefault(g.type, g.owner))
    GROUP BY g.classid, g.objid, g.objsubid, g.owner, g.type, g.whole, x.grantee, x.privilege_type
),
grantee AS (
    SELECT p.classid, p.objid, p.objsubid, p.owner, p.whole, p.grantee,
        CASE WHEN count(p.privilege) = max(e.n) AND bool_and(p.grantable) THEN '["ALL*"]'
            WHEN count(p.privilege) = max(e.n) AND NOT bool_or(p.grantable) THEN '["ALL"]'
            ELSE coalesce(jsonb_agg(p.privilege || CASE WHEN p.grantable THEN '*' ELSE '' END
                ORDER BY p.privilege COLLATE "C")
                FILTER (WHERE p.privilege IS NOT NULL), '[]') END AS privileges
    FROM privilege p JOIN every e ON e.type = p.type
    GROUP BY p.classid, p.objid, p.objsubid, p.owner, p.whole, p.grantee
),
acl AS MATERIALIZED (
    SELECT g.classid, g.objid, g.objsubid,
        coalesce(jsonb_object_agg(CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(g.grantee)) END,
            g.privileges)
            FILTER (WHERE NOT (g.whole AND g.grantee = g.owner AND g.privileges = '["ALL"]')), '{}') AS acl
    FROM grantee g
    GROUP BY g.classid, g.objid, g.objsubid
),
grantor AS MATERIALIZED (
    SELECT x.classid, x.objid, x.objsubid, jsonb_agg(x.grantor ORDER BY x.grantor COLLATE "C") AS grantors
    FROM (SELECT DISTINCT g.classid, g.objid, g.objsubid, pg_get_userbyid(x.grantor)::text AS grantor
          FROM granted g, LATERAL aclexplode(g.acl) x WHERE x.grantor <> g.owner) x
    GROUP BY x.classid, x.objid, x.objsubid
),
-- ---------------------------------------------------------------------------------------------------------------------
-- Indexes and constraints
-- ---------------------------------------------------------------------------------------------------------------------
ind AS MATERIALIZED (
    SELECT i.indexrelid, i.indrelid, i.indisunique, i.indisclustered, i.indisvalid, i.indisreplident, i.indnatts,
        i.indnkeyatts,
        i.indkey, i.indclass, i.indcollation, i.indoption, i.indexprs, i.indpred, i.indnullsnotdistinct,
        x.relname, CASE WHEN x.reloptions IS NOT NULL THEN ARRAY(SELECT o
            FROM unnest(x.reloptions) o ORDER BY o COLLATE "C") END AS reloptions, x.reltablespace, m.amname,
            c.oid AS constraint_oid,
            c.oid IS NULL OR i.indnatts > i.indnkeyatts OR c.contype = 'x' AS has_own_key,
            t.identity AS table_identity,
        t.relname AS table_name, t.extension, t.locked AND (i.indpred IS NOT NULL OR i.indexprs IS NOT NULL) AS waits,
            t.trouble, n.identity AS schema, p.inhparent
    FROM (VALUES (false)) d (indnullsnotdistinct),
        LATERAL (SELECT i.indexrelid, i.indrelid, i.indisunique, i.indisclustered, i.indisvalid, i.indisreplident,
                i.indnatts, i.indnkeyatts, i.indkey, i.indclass, i.indcollation, i.indoption, i.indexprs, i.indpred,
                    indnullsnotdistinct
            FROM pg_index i OFFSET 0) i
    JOIN rel t ON t.oid = i.indrelid
    JOIN pg_class x ON x.oid = i.indexrelid
    JOIN nsp n ON n.oid = x.relnamespace
    JOIN pg_am m ON m.oid = x.relam
    LEFT JOIN pg_constraint c ON c.conindid = i.indexrelid AND c.contype IN ('p', 'u', 'x')
    LEFT JOIN inh p ON p.inhrelid = i.indexrelid
),
-- keys of indexes; for those of a constraint only where the constraint's own columns do not say it all
ind_key AS MATERIALIZED (
    SELECT i.indexrelid,
        jsonb_agg(t.names[k.attnum] ORDER BY k.n) FILTER (WHERE k.n <= i.indnkeyatts) AS columns,
        jsonb_agg(t.names[k.attnum] ORDER BY k.n) FILTER (WHERE k.n > i.indnkeyatts) AS include,
        jsonb_agg(pg_get_indexdef(i.indexrelid, k.n::int, false) ORDER BY k.n)
            FILTER (WHERE k.attnum = 0 AND NOT i.waits) AS expressions,
        jsonb_agg(CASE WHEN NOT o.opcdefault THEN CASE WHEN o.opcnamespace = 11 THEN '' ELSE quote_ident(os.nspname)
            || '.' END || quote_ident(o.opcname) END
            ORDER BY k.n) FILTER (WHERE k.n <= i.indnkeyatts) AS operator_classes,
        jsonb_agg(CASE WHEN k.colloid <> 0 AND k.colloid IS DISTINCT FROM CASE
            WHEN k.attnum = 0 THEN 100 ELSE t.collations[k.attnum] END
            THEN cl.identity END ORDER BY k.n) FILTER (WHERE k.n <= i.indnkeyatts) AS collations,
        jsonb_agg(CASE k.indoption WHEN 1 THEN 'desc nulls last' WHEN 2 THEN 'asc nulls first'
            WHEN 3 THEN 'desc' END ORDER BY k.n)
            FILTER (WHERE k.n <= i.indnkeyatts) AS ordering,
        bool_or(NOT o.opcdefault) AS has_operator_classes,
        bool_or(k.colloid <> 0 AND k.colloid IS DISTINCT FROM CASE WHEN k.attnum = 0 THEN 100
            ELSE t.collations[k.attnum] END) AS has_collations,
        bool_or(k.indoption <> 0) AS has_ordering,
        string_agg(CASE WHEN k.attnum <> 0 THEN t.names[k.attnum] ELSE x.names[k.n] END, '_' ORDER BY k.n) AS joined
    FROM ind i
    JOIN cols t ON t.attrelid = i.indrelid
    JOIN cols x ON x.attrelid = i.indexrelid
    CROSS JOIN LATERAL unnest(i.indkey, i.indclass, i.indcollation, i.indoption) WITH ORDINALITY k (attnum, opclass,
        colloid, indoption, n)
    LEFT JOIN pg_opclass o ON o.oid = k.opclass
    LEFT JOIN pg_namespace os ON os.oid = o.opcnamespace
    LEFT JOIN coll cl ON cl.oid = k.colloid
    WHERE i.has_own_key
    GROUP BY i.indexrelid
),
-- ---------------------------------------------------------------------------------------------------------------------
-- Columns of views and composite types
-- ---------------------------------------------------------------------------------------------------------------------
attributes AS MATERIALIZED (
    SELECT a.attrelid,
        jsonb_agg(CASE WHEN a.attname = ANY ((SELECT s.keywords FROM setting s)::text[]) THEN '"' || a.attname || '"'
            ELSE quote_ident(a.attname) END || ' ' || format_type(a.atttypid, a.atttypmod)
            || CASE WHEN a.attcollation <> t.typcollation THEN ' COLLATE ' || cl.identity ELSE '' END ORDER BY a.attnum)
                AS columns,
        jsonb_object_agg(a.attname, pg_get_expr(f.adbin, f.adrelid))
            FILTER (WHERE f.adrelid IS NOT NULL AND NOT r.locked) AS defaults,
        jsonb_object_agg(a.attname, c.description) FILTER (WHERE c.description IS NOT NULL) AS comments,
        jsonb_object_agg(a.attname, l.acl) FILTER (WHERE l.acl IS NOT NULL) AS acls,
        jsonb_object_agg(a.attname, a.attstattarget) FILTER (WHERE a.attstattarget >= 0) AS statistics,
        jsonb_object_agg(a.attname, CASE a.attstorage WHEN 'p' THEN 'plain' WHEN 'e' THEN 'external'
            WHEN 'm' THEN 'main' ELSE 'extended' END)
            FILTER (WHERE r.relkind = 'm' AND a.attstorage <> t.typstorage) AS storages,
        jsonb_object_agg(a.attname, z.compression) FILTER (WHERE z.compression IS NOT NULL) AS compressions,
        jsonb_object_agg(a.attname, z.options) FILTER (WHERE z.options <> '{}') AS options
    FROM rel r
    -- found by index, where there are few of them
    JOIN pg_attribute a ON a.attrelid = r.oid AND a.attnum > 0 AND NOT a.attisdropped
        AND a.attrelid = ANY (ARRAY(SELECT v.oid FROM rel v WHERE v.relkind IN ('v', 'm', 'c')))
    JOIN pg_type t ON t.oid = a.atttypid
    LEFT JOIN coll cl ON cl.oid = a.attcollation
    LEFT JOIN pg_attrdef f ON f.adrelid = a.attrelid AND f.adnum = a.attnum
    LEFT JOIN com c ON c.classoid = 'pg_class'::regclass AND c.objoid = a.attrelid AND c.objsubid = a.attnum
    LEFT JOIN acl l ON l.classid = 'pg_class'::regclass AND l.objid = a.attrelid AND l.objsubid = a.attnum
    LEFT JOIN LATERAL (
        SELECT CASE x.attcompression WHEN 'p' THEN 'pglz' WHEN 'l' THEN 'lz4' END AS compression,
            ARRAY(SELECT o FROM unnest(x.attoptions) o WHERE left(o, 10) <> 'pg_attver=' ORDER BY o COLLATE "C") AS options
        FROM (VALUES (''::"char")) d (attcompression),
            LATERAL (SELECT b.attoptions, attcompression FROM pg_attribute b
                WHERE b.attrelid = a.attrelid AND b.attnum = a.attnum OFFSET 0) x
        WHERE r.relkind = 'm') z ON true
    WHERE r.relkind IN ('v', 'm', 'c')
    GROUP BY a.attrelid
)
-- objects: kind, what precedes the name in the identity, the name, what follows it, parent, properties
SELECT x.kind, x.identity, x.parent, x.properties
FROM (
SELECT o.kind,
    coalesce(o.prefix || '.', '')
        -- the keywords of "setting", here as constants: these are hashed, for every object asks
        || coalesce(CASE WHEN o.name IN ('json', 'json_array', 'json_arrayagg', 'json_exists', 'json_object',
            'json_objectagg', 'json_query', 'json_scalar', 'json_serialize', 'json_table', 'json_value', 'merge_action',
            'normalize', 'system_user') THEN '"' || o.name || '"'
            ELSE quote_ident(o.name) END, '')
        || coalesce(o.suffix, '') AS identity,
    o.parent, o.properties
FROM (
    (
    SELECT 'schema'::text, NULL::text, n.nspname::text, NULL::text, NULL::text,
        jsonb_strip_nulls(jsonb_build_object('owner', pg_get_userbyid(n.nspowner), 'acl', a.acl, 'grantors', g.grantors,
            'comment', c.description, 'extension', e.extension))
    FROM nsp n
    LEFT JOIN ext e ON e.classid = 'pg_namespace'::regclass AND e.objid = n.oid
    LEFT JOIN com c ON c.classoid = 'pg_namespace'::regclass AND c.objoid = n.oid
    LEFT JOIN acl a ON a.classid = 'pg_namespace'::regclass AND a.objid = n.oid
    LEFT JOIN grantor g ON g.classid = 'pg_namespace'::regclass AND g.objid = n.oid
    ) UNION ALL (
    WITH
    parents AS MATERIALIZED (
        SELECT i.inhrelid, jsonb_agg(p.identity ORDER BY i.inhseqno) AS names,
            min(p.identity) AS first, bool_or(i.detaching) AS detaching
        FROM inh i JOIN place p ON p.oid = i.inhparent
        GROUP BY i.inhrelid
    )
    SELECT 'table', r.schema, r.relname::text, NULL, r.schema,
        jsonb_build_object('type', CASE r.relkind WHEN 'r' THEN 'table'
            WHEN 'p' THEN 'partitioned table' ELSE 'foreign table' END,
            'owner', pg_get_userbyid(r.relowner))
        || CASE WHEN r.relkind = 'r' AND r.relpersistence = 'p' AND NOT r.relispartition AND p.names IS NULL
            AND r.reloftype = 0
                AND r.reloptions IS NULL AND t.reloptions IS NULL AND NOT r.relrowsecurity AND NOT r.relforcerowsecurity
                AND r.relreplident = 'd' AND m.amname = 'heap' AND s.spcname IS NULL AND a.acl IS NULL
                    AND g.grantors IS NULL
                AND c.description IS NULL AND r.extension IS NULL
            THEN '{}'
            ELSE jsonb_strip_nulls(jsonb_build_object(
            'persistence', CASE r.relpersistence WHEN 'u' THEN 'unlogged' END,
            'partition_key', CASE WHEN r.relkind = 'p' AND NOT r.locked THEN pg_get_partkeydef(r.oid) END,
            'partition_of', CASE WHEN r.relispartition THEN p.first END,
            'partition_bound', CASE WHEN r.relispartition AND NOT r.locked THEN pg_get_expr(r.relpartbound, r.oid) END,
            'partition_detached', CASE WHEN p.detaching THEN true END,
            'inherits', CASE WHEN NOT r.relispartition THEN p.names END,
            'of_type', CASE WHEN r.reloftype <> 0 THEN format_type(r.reloftype, NULL) END,
            'options', to_jsonb(r.reloptions),
            'toast_options', to_jsonb(CASE WHEN t.reloptions IS NOT NULL
                THEN ARRAY(SELECT o FROM unnest(t.reloptions) o ORDER BY o COLLATE "C") END),
            'row_security', CASE WHEN r.relrowsecurity THEN true END,
            'force_row_security', CASE WHEN r.relforcerowsecurity THEN true END,
            'replica_identity', CASE r.relreplident WHEN 'n' THEN 'nothing' WHEN 'f' THEN 'full'
                WHEN 'i' THEN 'index' END,
            'access_method', CASE WHEN m.amname <> 'heap' THEN m.amname END,
            'tablespace', s.spcname, 'server', f.srvname, 'server_options', f.options,
            'acl', a.acl, 'grantors', g.grantors, 'comment', c.description, 'extension', r.extension,
            'unknown', CASE WHEN r.locked AND (r.relkind = 'p' OR r.relispartition) THEN r.trouble
                WHEN r.relkind = 'p' AND pg_get_partkeydef(r.oid) IS NULL THEN 'dropped while it was read'
                WHEN r.relispartition AND pg_get_expr(r.relpartbound, r.oid) IS NULL
                    THEN 'dropped while it was read' END))
        END
    FROM rel r
    LEFT JOIN parents p ON p.inhrelid = r.oid
    LEFT JOIN pg_class t ON t.oid = r.reltoastrelid AND t.reloptions IS NOT NULL
    LEFT JOIN pg_am m ON m.oid = r.relam
    LEFT JOIN pg_tablespace s ON s.oid = r.reltablespace
    LEFT JOIN (SELECT f.ftrelid, s.srvname,
                   to_jsonb(ARRAY(SELECT CASE WHEN split_part(o, '=', 1) ~* 'pass|pwd|secret|token|credential|key'
                       THEN split_part(o, '=', 1) || '=(hidden)' ELSE o END
                       FROM unnest(f.ftoptions) o ORDER BY o COLLATE "C")) AS options
               FROM pg_foreign_table f JOIN pg_foreign_server s ON s.oid = f.ftserver) f ON f.ftrelid = r.oid
    LEFT JOIN com c ON c.classoid = 'pg_class'::regclass AND c.objoid = r.oid AND c.objsubid = 0
    LEFT JOIN acl a ON a.classid = 'pg_class'::regclass AND a.objid = r.oid AND a.objsubid = 0
    LEFT JOIN grantor g ON g.classid = 'pg_class'::regclass AND g.objid = r.oid AND g.objsubid = 0
    WHERE r.relkind NOT IN ('v', 'm', 'S', 'c')
    ) UNION ALL (
    WITH
    att AS (
        SELECT a.*
        FROM (VALUES (''::"char")) d (attcompression),
            LATERAL (SELECT a.attrelid, a.attnum, a.attname, a.atttypid, a.atttypmod, a.attnotnull, a.attcollation,
                a.attidentity,
                    a.attgenerated, a.attstorage, a.attislocal, a.attinhcount, a.attoptions, a.attfdwoptions, a.atthasdef,
                    CASE WHEN a.attstattarget >= 0 THEN a.attstattarget END AS statistics, attcompression
                FROM pg_attribute a WHERE a.attnum > 0 AND NOT a.attisdropped AND a.attrelid >= 16384 OFFSET 0) a
    ),
    gone AS MATERIALIZED (
        SELECT c.attrelid, c.gone AS attnums FROM cols c WHERE cardinality(c.gone) BETWEEN 1 AND 1600
    ),
    -- not null constraints are properties of their column: majors before 18 have none; a name that was chosen counts
    not_null AS MATERIALIZED (
        SELECT c.conrelid, c.conkey[1] AS attnum, CASE WHEN c.coninhcount = 0 THEN c.conname END AS conname,
            c.convalidated, c.connoinherit, m.description
        FROM pg_constraint c
        LEFT JOIN com m ON m.classoid = 'pg_constraint'::regclass AND m.objoid = c.oid
        WHERE c.contype = 'n' AND c.conrelid <> 0
    ),
    identity_column AS MATERIALIZED (
        SELECT o.attrelid, o.attnum, jsonb_build_object('type', format_type(s.seqtypid, NULL), 'start', s.seqstart,
            'increment', s.seqincrement, 'minimum', s.seqmin, 'maximum', s.seqmax, 'cache', s.seqcache, 'cycle', s.seqcycle,
            'name', c.relname)
            || jsonb_strip_nulls(jsonb_build_object('acl', a.acl, 'comment', m.description,
                -- it goes with its table, where nobody has set it
                'persistence', CASE WHEN c.relpersistence <> t.relpersistence
                    THEN CASE c.relpersistence WHEN 'u' THEN 'unlogged' ELSE 'permanent' END END)) AS options
        FROM owned o JOIN pg_sequence s ON s.seqrelid = o.sequence JOIN pg_class c ON c.oid = s.seqrelid
        JOIN pg_class t ON t.oid = o.attrelid
        LEFT JOIN acl a ON a.classid = 'pg_class'::regclass AND a.objid = c.oid AND a.objsubid = 0
        LEFT JOIN com m ON m.classoid = 'pg_class'::regclass AND m.objoid = c.oid AND m.objsubid = 0
        WHERE o.deptype = 'i'
    ),
    -- what few columns have, in one place: whatever is joined with columns costs something for each of them
    noted AS MATERIALIZED (
        SELECT n.attrelid, n.attnum, jsonb_object_agg(n.property, n.value) AS properties
        FROM (SELECT o.attrelid, o.attnum::int AS attnum, 'identity' AS property, o.options AS value FROM identity_column o
              UNION ALL
              SELECT c.objoid, c.objsubid, 'comment', to_jsonb(c.description) FROM com c
              WHERE c.classoid = 'pg_class'::regclass AND c.objsubid > 0
              UNION ALL
              SELECT a.objid, a.objsubid, 'acl', a.acl FROM acl a WHERE a.classid = 'pg_class'::regclass AND a.objsubid > 0
              UNION ALL
              SELECT g.objid, g.objsubid, 'grantors', g.grantors FROM grantor g
              WHERE g.classid = 'pg_class'::regclass AND g.objsubid > 0) n
        GROUP BY n.attrelid, n.attnum
    )
    SELECT 'column', x.identity, x.attname::text, NULL, x.identity,
        CASE WHEN x.plain AND NOT x.has_expression THEN jsonb_build_object('type', x.type, 'position', x.position,
            'not_null', x.attnotnull)
            -- no table is looked at for a default, so that it is always there
            WHEN x.plain AND x.attgenerated = '' AND NOT x.locked
            THEN jsonb_build_object('type', x.type, 'position', x.position, 'not_null', x.attnotnull, 'default',
                x.expression)
        ELSE jsonb_strip_nulls(jsonb_build_object('type', x.type, 'position', x.position, 'not_null', x.attnotnull,
            'collation', cl.identity,
            'default', CASE WHEN x.attgenerated = '' THEN x.expression END,
            'generated', CASE WHEN x.attgenerated <> '' THEN x.expression END,
            'generated_kind', CASE x.attgenerated WHEN 's' THEN 'stored' WHEN 'v' THEN 'virtual' END,
            'identity', CASE x.attidentity WHEN 'a' THEN 'always' WHEN 'd' THEN 'by default' END,
            'identity_sequence', (x.noted -> 'identity') - CASE WHEN x.noted #>> '{identity,name}'
                = x.relname || '_' || x.attname || '_seq' THEN 'name' ELSE '' END,
            'storage', CASE WHEN x.attstorage <> x.typstorage THEN CASE x.attstorage WHEN 'p' THEN 'plain'
                WHEN 'e' THEN 'external' WHEN 'm' THEN 'main' ELSE 'extended' END END,
            'compression', CASE x.attcompression WHEN 'p' THEN 'pglz' WHEN 'l' THEN 'lz4' END,
            'statistics', x.statistics,
            'options', to_jsonb(nullif(ARRAY(SELECT o FROM unnest(x.options) o
                WHERE left(o, 10) <> 'pg_attver=' ORDER BY o COLLATE "C"), '{}')),
            'server_options', to_jsonb(CASE WHEN x.attfdwoptions IS NOT NULL
                THEN ARRAY(SELECT o FROM unnest(x.attfdwoptions) o ORDER BY o COLLATE "C") END),
            'inherited', CASE WHEN x.attinhcount > 0 THEN CASE WHEN x.attislocal THEN 'and local' ELSE 'only' END END,
            'not_null_name', CASE WHEN x.not_null_name <> left(x.relname || '_' || x.attname || '_not_null', 63)
                THEN x.not_null_name END,
            'not_null_validated', CASE WHEN NOT x.not_null_validated THEN false END,
            'not_null_no_inherit', CASE WHEN x.not_null_no_inherit THEN true END,
            'not_null_comment', x.not_null_comment,
            'acl', x.noted -> 'acl', 'grantors', x.noted -> 'grantors', 'comment', x.noted -> 'comment', 'extension',
                x.extension,
            'unknown', CASE WHEN x.has_expression AND x.locked THEN x.trouble
                WHEN x.has_expression AND x.expression IS NULL THEN 'dropped while it was read' END))
        END
    FROM (SELECT r.identity, r.relname, r.extension, r.locked, r.trouble, a.attname,
              format_type(a.atttypid, a.atttypmod) AS type,
              CASE WHEN d.attrelid IS NULL THEN a.attnum
                  ELSE a.attnum - (SELECT count(*) FROM unnest(d.attnums) n WHERE n < a.attnum)::int END AS position,
              a.attnotnull, a.attgenerated, a.attidentity, a.attstorage, t.typstorage, a.attcompression, a.statistics,
              a.attoptions AS options, a.attfdwoptions, a.attinhcount, a.attislocal,
              CASE WHEN a.attcollation <> t.typcollation THEN a.attcollation END AS attcollation,
              f.adrelid IS NOT NULL AS has_expression,
              -- a default names no column: its table need not be opened
              CASE WHEN NOT r.locked
                  THEN pg_get_expr(f.adbin, CASE WHEN a.attgenerated = '' THEN 0 ELSE f.adrelid END) END AS expression,
              n.properties AS noted, k.conname AS not_null_name, k.convalidated AS not_null_validated,
                  k.connoinherit AS not_null_no_inherit, k.description AS not_null_comment,
              a.attidentity = '' AND a.attcollation = t.typcollation AND a.attstorage = t.typstorage
                  AND a.attcompression = '' AND a.statistics IS NULL AND a.attfdwoptions IS NULL AND a.attinhcount = 0
                  AND (a.attoptions IS NULL OR cardinality(a.attoptions) = 1
                      AND left(a.attoptions[1], 10) = 'pg_attver=')
                  AND (k.conname IS NULL OR k.convalidated AND NOT k.connoinherit AND k.description IS NULL
                      AND k.conname = r.relname || '_' || a.attname || '_not_null')
                  AND n.attrelid IS NULL AND r.extension IS NULL AS plain
          FROM att a
          -- not rel, of which no statistics are known
          JOIN (SELECT * FROM relation r WHERE r.relkind IN ('r', 'p', 'f') OFFSET 0) r ON r.oid = a.attrelid
          JOIN pg_type t ON t.oid = a.atttypid
          LEFT JOIN pg_attrdef f ON f.adrelid = a.attrelid AND f.adnum = a.attnum
          LEFT JOIN gone d ON d.attrelid = a.attrelid
          LEFT JOIN not_null k ON k.conrelid = a.attrelid AND k.attnum = a.attnum
          LEFT JOIN noted n ON n.attrelid = a.attrelid AND n.attnum = a.attnum) x
    LEFT JOIN coll cl ON cl.oid = x.attcollation
    ) UNION ALL (
    WITH
    con AS (
        SELECT c.*, s.identity || '.' || CASE WHEN p.relname = ANY ((SELECT s.keywords FROM setting s)::text[])
                THEN '"' || p.relname || '"' ELSE quote_ident(p.relname) END AS parent,
            CASE WHEN cardinality(c.conkey) = 1 AND c.conkey[1] > 0 THEN jsonb_build_array(k.names[c.conkey[1]])
                ELSE (SELECT jsonb_agg(k.names[u.attnum] ORDER BY u.n)
                    FROM unnest(c.conkey) WITH ORDINALITY u (attnum, n) WHERE u.attnum > 0) END AS columns,
            CASE WHEN cardinality(c.conkey) = 1 AND c.conkey[1] > 0 THEN k.names[c.conkey[1]]::text
                ELSE (SELECT string_agg(k.names[u.attnum], '_' ORDER BY u.n)
                    FROM unnest(c.conkey) WITH ORDINALITY u (attnum, n) WHERE u.attnum > 0) END AS joined,
            CASE WHEN cardinality(c.confkey) = 1 THEN jsonb_build_array(f.names[c.confkey[1]])
                ELSE (SELECT jsonb_agg(f.names[u.attnum] ORDER BY u.n)
                    FROM unnest(c.confkey) WITH ORDINALITY u (attnum, n)) END AS referenced_columns,
            CASE WHEN c.confdelsetcols IS NOT NULL THEN (SELECT jsonb_agg(k.names[u.attnum] ORDER BY u.n)
                FROM unnest(c.confdelsetcols) WITH ORDINALITY u (attnum, n)) END AS on_delete_columns
        FROM (SELECT c.*
              FROM (VALUES (true, false, NULL::int2[])) d (conenforced, conperiod, confdelsetcols),
                  LATERAL (SELECT c.oid, c.conname, c.contype, c.condeferrable,
                          c.condeferred, c.convalidated, c.conrelid, c.contypid, c.conindid, c.conparentid, c.confrelid,
                          c.confupdtype, c.confdeltype, c.confmatchtype, c.conislocal, c.coninhcount, c.connoinherit,
                          c.conkey, c.confkey, c.conexclop, c.conbin, conenforced, conperiod, confdelsetcols
                      FROM pg_constraint c WHERE c.contype IN ('p', 'u', 'f', 'c', 'x') OFFSET 0) c) c
        LEFT JOIN cols k ON k.attrelid = c.conrelid
        LEFT JOIN pg_class p ON p.oid = c.confrelid
        LEFT JOIN cols f ON f.attrelid = p.oid
        LEFT JOIN space s ON s.oid = p.relnamespace
        -- the names of all columns go no further
        OFFSET 0
    ),
    -- what checks a key, switched off by DISABLE TRIGGER ALL
    switched AS MATERIALIZED (
        SELECT x.tgconstraint, string_agg(DISTINCT x.state COLLATE "C", ', ' ORDER BY x.state COLLATE "C") AS triggers
        FROM (SELECT t.tgconstraint, CASE WHEN t.tgfoid IN ('"RI_FKey_check_ins"'::regproc, '"RI_FKey_check_upd"'::regproc,
                      'unique_key_recheck'::regproc) THEN 'check ' ELSE 'action ' END
                  || CASE t.tgenabled WHEN 'D' THEN 'disabled' WHEN 'R' THEN 'replica' ELSE 'always' END AS state
              FROM pg_trigger t WHERE t.tgisinternal AND t.tgenabled <> 'O') x
        GROUP BY x.tgconstraint
    )
    SELECT 'constraint', x.table_identity, x.conname::text, NULL, x.table_identity,
        CASE x.contype
            WHEN 'f' THEN jsonb_build_object('type', 'f', 'columns', x.columns, 'references', x.parent,
                'referenced_columns', x.referenced_columns,
                'match', CASE x.confmatchtype WHEN 'f' THEN 'full' WHEN 'p' THEN 'partial' ELSE 'simple' END,
                'on_update', CASE x.confupdtype WHEN 'a' THEN 'no action' WHEN 'r' THEN 'restrict'
                    WHEN 'c' THEN 'cascade' WHEN 'n' THEN 'set null' ELSE 'set default' END,
                'on_delete', CASE x.confdeltype WHEN 'a' THEN 'no action' WHEN 'r' THEN 'restrict'
                    WHEN 'c' THEN 'cascade' WHEN 'n' THEN 'set null' ELSE 'set default' END,
                'deferrable', x.condeferrable, 'deferred', x.condeferred, 'validated', x.convalidated, 'enforced',
                    x.conenforced)
            WHEN 'c' THEN jsonb_strip_nulls(jsonb_build_object('type', 'c', 'columns', x.columns, 'expression',
                x.expression,
                'validated', x.convalidated, 'enforced', x.conenforced))
            ELSE jsonb_build_object('type', x.contype, 'columns', x.columns, 'deferrable', x.condeferrable, 'deferred',
                x.condeferred)
        END
        -- what stands for one partition of the table referred to is named by nobody
        || CASE WHEN x.of_reference OR x.conname = x.automatic OR starts_with(x.conname, x.automatic)
                AND ltrim(substr(x.conname, length(x.automatic) + 1), '0123456789') = ''
                    THEN '{"automatic_name": true}'::jsonb ELSE '{}' END
        || CASE WHEN x.description IS NULL AND x.extension IS NULL AND NOT x.conperiod AND NOT x.locked
            AND x.coninhcount = 0 AND x.partition_of IS NULL
                AND x.triggers IS NULL AND x.index_comment IS NULL
                AND (x.contype = 'f' AND x.on_delete_columns IS NULL
                     OR x.contype = 'c' AND NOT x.connoinherit AND x.expression IS NOT NULL
                     OR x.contype IN ('p', 'u') AND x.indisvalid AND NOT x.indisclustered AND NOT x.indisreplident
                         AND NOT x.indnullsnotdistinct
                        AND x.reloptions IS NULL AND x.spcname IS NULL AND x.include IS NULL
                            AND x.index_name = x.conname)
            THEN '{}'
            ELSE jsonb_strip_nulls(jsonb_build_object(
                'on_delete_columns', x.on_delete_columns, 'triggers', x.triggers,
                'period', CASE WHEN x.conperiod THEN true END,
                'no_inherit', CASE WHEN x.contype = 'c' AND x.connoinherit THEN true END,
                'inherited', CASE WHEN x.coninhcount > 0 AND x.partition_of IS NULL THEN CASE
                    WHEN x.conislocal THEN 'and local' ELSE 'only' END END,
                'partition_of', x.partition_of,
                'nulls_not_distinct', CASE WHEN x.indnullsnotdistinct THEN true END,
                'include', x.include,
                'access_method', CASE WHEN x.contype = 'x' THEN x.amname END,
                'index_columns', CASE WHEN x.contype = 'x' THEN x.index_columns END,
                'expressions', x.expressions, 'operators', x.operators,
                'operator_classes', x.operator_classes, 'collations', x.collations, 'ordering', x.ordering,
                'predicate', x.predicate,
                'operator_class_options', CASE WHEN x.contype = 'x' THEN (
                    SELECT jsonb_object_agg(a.attnum::text, to_jsonb(a.attoptions)) FROM pg_attribute a
                    WHERE a.attrelid = x.conindid AND a.attnum BETWEEN 1 AND x.indnkeyatts
                        AND a.attoptions IS NOT NULL) END,
                'statistics', CASE WHEN x.expressions IS NOT NULL THEN (
                    SELECT jsonb_object_agg(a.attnum::text, a.attstattarget) FROM pg_attribute a
                    WHERE a.attrelid = x.conindid AND a.attnum > 0 AND a.attstattarget >= 0) END,
                'index_name', CASE WHEN x.index_name <> x.conname THEN x.index_name END,
                'index_comment', x.index_comment,
                'options', to_jsonb(x.reloptions), 'tablespace', x.spcname,
                'valid', CASE WHEN NOT x.indisvalid THEN false END,
                'clustered', CASE WHEN x.indisclustered THEN true END,
                'replica_identity', CASE WHEN x.indisreplident THEN true END,
                'comment', x.description, 'extension', x.extension,
                'unknown', CASE WHEN x.contype = 'c' AND x.locked OR x.waits THEN x.trouble
                    WHEN x.contype = 'c' AND x.expression IS NULL THEN 'dropped while it was read' END))
        END
    FROM (SELECT c.*, coalesce(r.identity, t.identity) AS table_identity,
              coalesce(r.extension, t.extension) AS extension,
              coalesce(r.locked, false) OR t.objid IS NOT NULL AS locked,
              coalesce(r.trouble, t.reason) AS trouble,
              CASE WHEN c.contype = 'c' AND r.locked IS NOT TRUE AND t.objid IS NULL
                  THEN pg_get_expr(c.conbin, c.conrelid) END AS expression,
              CASE WHEN c.conparentid <> 0 THEN p.identity || '.' || quote_ident(p.conname) END AS partition_of,
              c.contype = 'f' AND p.conrelid = c.conrelid AS of_reference,
              i.indnullsnotdistinct, i.waits, i.amname, i.relname AS index_name, i.reloptions, s.spcname, i.indisvalid,
                  i.indisclustered, i.indisreplident,
              ik.include, ik.columns AS index_columns, ik.expressions,
                  CASE WHEN ik.has_operator_classes THEN ik.operator_classes END AS operator_classes,
                  CASE WHEN ik.has_collations THEN ik.collations END AS collations,
                  CASE WHEN ik.has_ordering THEN ik.ordering END AS ordering, i.indnkeyatts,
              CASE WHEN NOT i.waits THEN pg_get_expr(i.indpred, i.indrelid) END AS predicate,
              o.operators, sw.triggers, im.description AS index_comment,
              CASE c.contype WHEN 'p' THEN r.relname || '_pkey'
                  WHEN 'f' THEN r.relname || '_' || c.joined || '_fkey'
                  WHEN 'u' THEN r.relname || '_' || coalesce(ik.joined, c.joined) || '_key'
                  WHEN 'x' THEN r.relname || '_' || coalesce(ik.joined, c.joined) || '_excl'
                  WHEN 'c' THEN coalesce(r.relname || CASE WHEN cardinality(c.conkey) = 1 THEN '_' || c.joined
                      ELSE '' END, t.typname) || '_check' END AS automatic,
              m.description
          FROM con c
          LEFT JOIN rel r ON r.oid = c.conrelid
          LEFT JOIN (SELECT t.oid, t.typname, n.identity || '.' || quote_ident(t.typname) AS identity, e.extension,
                         b.objid, b.reason
                     FROM pg_type t
                     JOIN nsp n ON n.oid = t.typnamespace
                     LEFT JOIN ext e ON e.classid = 'pg_type'::regclass AND e.objid = t.oid
                     LEFT JOIN broken b ON b.catalog = 'type' AND b.objid = t.oid
                     WHERE t.typtype = 'd') t ON t.oid = c.contypid
          LEFT JOIN (SELECT p.oid, p.conrelid, p.conname, pr.identity
                     FROM pg_constraint p JOIN place pr ON pr.oid = p.conrelid
                     WHERE p.oid IN (SELECT c.conparentid FROM pg_constraint c WHERE c.conparentid <> 0)) p
              ON p.oid = c.conparentid
          LEFT JOIN ind i ON i.constraint_oid = c.oid
          LEFT JOIN ind_key ik ON ik.indexrelid = i.indexrelid
          LEFT JOIN pg_tablespace s ON s.oid = i.reltablespace
          LEFT JOIN (SELECT c.oid, jsonb_agg(u.operator::regoperator::text ORDER BY u.n) AS operators
                     FROM pg_constraint c, LATERAL unnest(c.conexclop) WITH ORDINALITY u (operator,
                         n) GROUP BY c.oid) o ON o.oid = c.oid
          LEFT JOIN com m ON m.classoid = 'pg_constraint'::regclass AND m.objoid = c.oid
          LEFT JOIN com im ON im.classoid = 'pg_class'::regclass AND im.objoid = i.indexrelid AND im.objsubid = 0
          LEFT JOIN switched sw ON sw.tgconstraint = c.oid
          WHERE r.oid IS NOT NULL OR t.oid IS NOT NULL
          OFFSET 0) x
    ) UNION ALL (
    SELECT 'index', i.schema, i.relname::text, NULL, i.table_identity,
        jsonb_strip_nulls(jsonb_build_object('access_method', i.amname, 'unique', i.indisunique,
            'columns', k.columns, 'expressions', k.expressions, 'include', k.include,
            'operator_classes', CASE WHEN k.has_operator_classes THEN k.operator_classes END,
            'operator_class_options', (SELECT jsonb_object_agg(a.attnum::text, to_jsonb(a.attoptions))
                FROM pg_attribute a WHERE a.attrelid = i.indexrelid AND a.attnum BETWEEN 1 AND i.indnkeyatts
                    AND a.attoptions IS NOT NULL),
            'collations', CASE WHEN k.has_collations THEN k.collations END,
            'ordering', CASE WHEN k.has_ordering THEN k.ordering END,
            'predicate', CASE WHEN NOT i.waits THEN pg_get_expr(i.indpred, i.indrelid) END,
            'nulls_not_distinct', CASE WHEN i.indnullsnotdistinct THEN true END,
            'valid', i.indisvalid,
            'clustered', CASE WHEN i.indisclustered THEN true END,
            'replica_identity', CASE WHEN i.indisreplident THEN true END,
            'options', to_jsonb(i.reloptions),
            'tablespace', s.spcname,
            'statistics', (SELECT jsonb_object_agg(a.attnum::text, a.attstattarget)
                FROM pg_attribute a WHERE a.attrelid = i.indexrelid AND a.attnum > 0 AND a.attstattarget >= 0),
            'partition_of', p.identity,
            'automatic_name', CASE WHEN left(i.relname, length(i.table_name || '_' || k.joined
                || '_idx')) = i.table_name || '_' || k.joined || '_idx'
                AND ltrim(substr(i.relname, length(i.table_name || '_' || k.joined || '_idx') + 1), '0123456789') = ''
                    THEN true END,
            'comment', c.description, 'extension', i.extension,
            'unknown', CASE WHEN i.waits THEN i.trouble END))
    FROM ind i
    LEFT JOIN ind_key k ON k.indexrelid = i.indexrelid
    LEFT JOIN pg_tablespace s ON s.oid = i.reltablespace
    LEFT JOIN (SELECT p.oid, p.identity FROM place p WHERE p.oid IN (SELECT i.inhparent FROM inh i)) p
        ON p.oid = i.inhparent
    LEFT JOIN com c ON c.classoid = 'pg_class'::regclass AND c.objoid = i.indexrelid AND c.objsubid = 0
    WHERE i.constraint_oid IS NULL
    ) UNION ALL (
    SELECT CASE x.relkind WHEN 'v' THEN 'view' ELSE 'materialized view' END, x.schema, x.relname::text, NULL, x.schema,
        jsonb_strip_nulls(jsonb_build_object('owner', pg_get_userbyid(x.relowner), 'query', x.query, 'columns',
            x.columns,
            'column_defaults', x.defaults, 'column_comments', x.comments, 'column_acl', x.acls, 'column_statistics',
                x.statistics,
            'column_storage', x.storages, 'column_compression', x.compressions, 'column_options', x.column_options,
            'options', to_jsonb(x.reloptions),
            'populated', CASE WHEN x.relkind = 'm' THEN x.relispopulated END, 'tablespace', x.spcname,
            'access_method', CASE WHEN x.relkind = 'm' AND x.amname <> 'heap' THEN x.amname END,
            'acl', x.acl, 'grantors', x.grantors, 'comment', x.description, 'extension', x.extension,
            'unknown', CASE WHEN x.waits THEN replace(x.trouble, 'its table is', 'it or what it reads is')
                WHEN x.query IS NULL THEN 'dropped while it was read' END))
    FROM (SELECT r.*, t.columns, t.defaults, t.comments, t.acls, t.statistics, t.storages, t.compressions,
        t.options AS column_options, m.amname, s.spcname, a.acl, g.grantors, c.description,
              r.locked OR w.objid IS NOT NULL AS waits,
              CASE WHEN NOT r.locked AND w.objid IS NULL THEN pg_get_viewdef(r.oid) END AS query
          FROM rel r
          LEFT JOIN attributes t ON t.attrelid = r.oid
          LEFT JOIN (SELECT DISTINCT e.ev_class AS objid FROM waiting w JOIN pg_rewrite e ON e.oid = w.objid
                     WHERE w.classid = 'pg_rewrite'::regclass AND e.rulename = '_RETURN') w ON w.objid = r.oid
          LEFT JOIN pg_am m ON m.oid = r.relam
          LEFT JOIN pg_tablespace s ON s.oid = r.reltablespace
          LEFT JOIN com c ON c.classoid = 'pg_class'::regclass AND c.objoid = r.oid AND c.objsubid = 0
          LEFT JOIN acl a ON a.classid = 'pg_class'::regclass AND a.objid = r.oid AND a.objsubid = 0
          LEFT JOIN grantor g ON g.classid = 'pg_class'::regclass AND g.objid = r.oid AND g.objsubid = 0
          WHERE r.relkind IN ('v', 'm')) x
    ) UNION ALL (
    SELECT 'sequence', r.schema, r.relname::text, NULL, r.schema,
        jsonb_strip_nulls(jsonb_build_object('owner', pg_get_userbyid(r.relowner), 'type',
            format_type(s.seqtypid, NULL),
            'start', s.seqstart, 'increment', s.seqincrement, 'minimum', s.seqmin, 'maximum', s.seqmax, 'cache',
                s.seqcache, 'cycle', s.seqcycle,
            'persistence', CASE r.relpersistence WHEN 'u' THEN 'unlogged' END,
            'owned_by', t.identity || '.' || CASE WHEN b.attname = ANY ((SELECT s.keywords FROM setting s)::text[])
                THEN '"' || b.attname || '"' ELSE quote_ident(b.attname) END,
            'automatic_name', CASE WHEN left(r.relname, length(t.relname || '_' || b.attname || '_seq')) = t.relname
                || '_' || b.attname || '_seq'
                AND ltrim(substr(r.relname, length(t.relname || '_' || b.attname || '_seq') + 1), '0123456789') = ''
                    THEN true END,
            'acl', a.acl, 'grantors', g.grantors, 'comment', c.description, 'extension', r.extension))
    FROM rel r
    JOIN pg_sequence s ON s.seqrelid = r.oid
    LEFT JOIN owned o ON o.sequence = r.oid
    LEFT JOIN rel t ON t.oid = o.attrelid
    LEFT JOIN LATERAL (SELECT k.names[o.attnum] AS attname FROM cols k WHERE k.attrelid = o.attrelid) b ON true
    LEFT JOIN com c ON c.classoid = 'pg_class'::regclass AND c.objoid = r.oid AND c.objsubid = 0
    LEFT JOIN acl a ON a.classid = 'pg_class'::regclass AND a.objid = r.oid AND a.objsubid = 0
    LEFT JOIN grantor g ON g.classid = 'pg_class'::regclass AND g.objid = r.oid AND g.objsubid = 0
    WHERE r.relkind = 'S' AND o.deptype IS DISTINCT FROM 'i'
    ) UNION ALL (
    WITH
    trig AS (
        SELECT t.*
        FROM (VALUES (0::oid)) d (tgparentid),
            LATERAL (SELECT t.oid, t.tgrelid, t.tgname, t.tgfoid, t.tgtype::int AS tgtype, t.tgenabled, t.tgisinternal,
                t.tgconstrrelid, t.tgconstraint,
                    t.tgdeferrable, t.tginitdeferred, t.tgattr, t.tgargs, t.tgnargs, t.tgqual, t.tgoldtable, t.tgnewtable,
                        tgparentid
                FROM pg_trigger t WHERE NOT t.tgisinternal OFFSET 0) t
    )
    SELECT 'trigger', r.identity, t.tgname::text, NULL, r.identity,
        jsonb_strip_nulls(jsonb_build_object('function', t.tgfoid::regprocedure::text,
            'timing', CASE WHEN t.tgtype & 2 <> 0 THEN 'before'
                WHEN t.tgtype & 64 <> 0 THEN 'instead of' ELSE 'after' END,
            'events', to_jsonb(array_remove(ARRAY[CASE WHEN t.tgtype & 4 <> 0 THEN 'insert' END,
                CASE WHEN t.tgtype & 16 <> 0 THEN 'update' END,
                CASE WHEN t.tgtype & 8 <> 0 THEN 'delete' END, CASE WHEN t.tgtype & 32 <> 0 THEN 'truncate' END],
                    NULL)),
            'level', CASE WHEN t.tgtype & 1 <> 0 THEN 'row' ELSE 'statement' END,
            'update_of', u.columns,
            'when', CASE WHEN t.tgqual IS NOT NULL AND NOT r.locked THEN substring(pg_get_triggerdef(t.oid)
                FROM ' WHEN [(](.*)[)] EXECUTE (?:FUNCTION|PROCEDURE) ') END,
            'arguments', CASE WHEN t.tgnargs > 0 THEN encode(t.tgargs, 'escape') END,
            'old_table', t.tgoldtable, 'new_table', t.tgnewtable,
            'enabled', CASE t.tgenabled WHEN 'O' THEN 'origin' WHEN 'D' THEN 'disabled'
                WHEN 'R' THEN 'replica' ELSE 'always' END,
            'constraint', CASE WHEN t.tgconstraint <> 0 THEN true END,
            'deferrable', CASE WHEN t.tgconstraint <> 0 THEN t.tgdeferrable END,
            'deferred', CASE WHEN t.tgconstraint <> 0 THEN t.tginitdeferred END,
            'from_table', f.identity,
            'partition_of', p.identity,
            'comment', c.description, 'extension', coalesce(e.extension, r.extension),
            'unknown', CASE WHEN t.tgqual IS NOT NULL AND r.locked THEN r.trouble
                WHEN t.tgqual IS NOT NULL AND pg_get_triggerdef(t.oid) IS NULL
                THEN 'dropped while it was read' END))
    FROM trig t
    JOIN rel r ON r.oid = t.tgrelid
    LEFT JOIN (SELECT f.oid, f.identity FROM place f WHERE f.oid IN (SELECT t.tgconstrrelid FROM trig t)) f
        ON f.oid = t.tgconstrrelid
    LEFT JOIN (SELECT p.oid, pr.identity || '.' || quote_ident(p.tgname) AS identity
               FROM pg_trigger p JOIN place pr ON pr.oid = p.tgrelid
               WHERE p.oid IN (SELECT t.tgparentid FROM trig t)) p ON p.oid = t.tgparentid
    LEFT JOIN (SELECT t.oid, jsonb_agg(a.attname ORDER BY k.n) AS columns
               FROM trig t, LATERAL unnest(t.tgattr) WITH ORDINALITY k (attnum, n), pg_attribute a
               WHERE a.attrelid = t.tgrelid AND a.attnum = k.attnum GROUP BY t.oid) u ON u.oid = t.oid
    LEFT JOIN ext e ON e.classid = 'pg_trigger'::regclass AND e.objid = t.oid
    LEFT JOIN com c ON c.classoid = 'pg_trigger'::regclass AND c.objoid = t.oid
    ) UNION ALL (
    SELECT 'rule', x.identity, x.rulename::text, NULL, x.identity,
        jsonb_strip_nulls(jsonb_build_object('event', CASE x.ev_type WHEN '1' THEN 'select' WHEN '2' THEN 'update'
            WHEN '3' THEN 'insert' ELSE 'delete' END,
            'instead', x.is_instead, 'definition', x.definition,
            'enabled', CASE x.ev_enabled WHEN 'O' THEN 'origin' WHEN 'D' THEN 'disabled'
                WHEN 'R' THEN 'replica' ELSE 'always' END,
            'comment', x.description, 'extension', x.extension,
            'unknown', CASE WHEN x.waits THEN replace(x.trouble, 'its table is', 'what it reads is')
                WHEN x.definition IS NULL THEN 'dropped while it was read' END))
    FROM (SELECT r.identity, r.extension, u.rulename, u.ev_type, u.is_instead, u.ev_enabled, c.description,
        r.trouble, r.locked OR w.objid IS NOT NULL AS waits,
              CASE WHEN NOT r.locked AND w.objid IS NULL THEN pg_get_ruledef(u.oid) END AS definition
          FROM pg_rewrite u
          JOIN rel r ON r.oid = u.ev_class
          LEFT JOIN waiting w ON w.classid = 'pg_rewrite'::regclass AND w.objid = u.oid
          LEFT JOIN com c ON c.classoid = 'pg_rewrite'::regclass AND c.objoid = u.oid
          WHERE u.rulename <> '_RETURN') x
    ) UNION ALL (
    SELECT 'policy', r.identity, p.polname::text, NULL, r.identity,
        jsonb_strip_nulls(jsonb_build_object('command', CASE p.polcmd WHEN 'r' THEN 'select' WHEN 'a' THEN 'insert'
            WHEN 'w' THEN 'update' WHEN 'd' THEN 'delete' ELSE 'all' END,
            'permissive', p.polpermissive,
            'roles', to_jsonb(ARRAY(SELECT CASE o WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(o)) END
                FROM unnest(p.polroles) o ORDER BY 1)),
            'using', CASE WHEN NOT r.locked THEN pg_get_expr(p.polqual, p.polrelid) END,
            'check', CASE WHEN NOT r.locked THEN pg_get_expr(p.polwithcheck, p.polrelid) END,
            'comment', c.description, 'extension', r.extension,
            'unknown', CASE WHEN r.locked THEN r.trouble
                WHEN p.polqual IS NOT NULL AND pg_get_expr(p.polqual, p.polrelid) IS NULL
                    THEN 'dropped while it was read' END))
    FROM pg_policy p
    JOIN rel r ON r.oid = p.polrelid
    LEFT JOIN com c ON c.classoid = 'pg_policy'::regclass AND c.objoid = p.oid
    ) UNION ALL (
    SELECT 'statistics', n.identity, s.stxname::text, NULL, r.identity,
        jsonb_strip_nulls(jsonb_build_object('owner', pg_get_userbyid(s.stxowner),
            'kinds', to_jsonb(ARRAY(SELECT CASE k WHEN 'd' THEN 'ndistinct' WHEN 'f' THEN 'dependencies'
                WHEN 'm' THEN 'mcv' END
                FROM unnest(s.stxkind) k WHERE k <> 'e' ORDER BY 1)),
            'columns', k.columns,
            'expressions', CASE WHEN s.expressions AND NOT r.locked THEN '(' || substring(pg_get_statisticsobjdef(s.oid)
                FROM ' ON (.*) FROM ') || ')' END,
            'target', CASE WHEN s.stxstattarget >= 0 THEN s.stxstattarget END,
            'unknown', CASE WHEN s.expressions AND r.locked THEN r.trouble END,
            'comment', c.description, 'extension', coalesce(e.extension, r.extension)))
    FROM (SELECT s.* FROM (VALUES (NULL::int, NULL::text)) d (stxstattarget, stxexprs),
              LATERAL (SELECT s.oid, s.stxrelid, s.stxname, s.stxnamespace, s.stxowner, s.stxkeys, s.stxkind,
                  stxstattarget, stxexprs IS NOT NULL AS expressions
                  FROM pg_statistic_ext s OFFSET 0) s) s
    JOIN nsp n ON n.oid = s.stxnamespace
    JOIN rel r ON r.oid = s.stxrelid
    LEFT JOIN (SELECT s.oid, jsonb_agg(a.attname ORDER BY a.attname) AS columns
               FROM pg_statistic_ext s, LATERAL unnest(s.stxkeys) k (attnum), pg_attribute a
               WHERE a.attrelid = s.stxrelid AND a.attnum = k.attnum GROUP BY s.oid) k ON k.oid = s.oid
    LEFT JOIN ext e ON e.classid = 'pg_statistic_ext'::regclass AND e.objid = s.oid
    LEFT JOIN com c ON c.classoid = 'pg_statistic_ext'::regclass AND c.objoid = s.oid
    ) UNION ALL (
    WITH
    proc AS (
        SELECT p.*
        FROM (VALUES (NULL::text)) d (prosqlbody),
            LATERAL (SELECT p.oid, p.proname, p.pronamespace, p.proowner, p.prolang, p.procost, p.prorows, p.provariadic,
                p.prosupport, p.prokind,
                    p.prosecdef, p.proleakproof, p.proisstrict, p.proretset, p.provolatile, p.proparallel, p.proargtypes,
                        p.protrftypes,
                    p.prosrc, p.probin, p.proconfig, prosqlbody IS NOT NULL AS parsed
                FROM pg_proc p WHERE p.pronamespace <> 11 OFFSET 0) p
    )
    SELECT CASE p.prokind WHEN 'p' THEN 'procedure' WHEN 'a' THEN 'aggregate' ELSE 'function' END, n.identity,
        p.proname::text,
        '(' || oidvectortypes(p.proargtypes) || ')', n.identity,
        jsonb_strip_nulls(jsonb_build_object('owner', pg_get_userbyid(p.proowner), 'language', l.lanname,
            'arguments', CASE WHEN b.objid IS NULL THEN pg_get_function_arguments(p.oid) END,
            'returns', pg_get_function_result(p.oid),
            'volatility', CASE WHEN p.prokind <> 'p' THEN CASE p.provolatile WHEN 'i' THEN 'immutable'
                WHEN 's' THEN 'stable' ELSE 'volatile' END END,
            'parallel', CASE WHEN p.prokind <> 'p' THEN CASE p.proparallel WHEN 's' THEN 'safe'
                WHEN 'r' THEN 'restricted' ELSE 'unsafe' END END,
            'strict', CASE WHEN p.proisstrict THEN true END,
            'security_definer', CASE WHEN p.prosecdef THEN true END,
            'leakproof', CASE WHEN p.proleakproof THEN true END,
            'window', CASE WHEN p.prokind = 'w' THEN true END,
            'cost', CASE WHEN p.prokind IN ('f', 'w') THEN p.procost END,
            'rows', CASE WHEN p.proretset THEN p.prorows END,
            'support', CASE WHEN p.prosupport::oid <> 0 THEN p.prosupport::text END,
            'configuration', to_jsonb(CASE WHEN p.proconfig IS NOT NULL
                THEN ARRAY(SELECT o FROM unnest(p.proconfig) o ORDER BY o COLLATE "C") END),
            'transforms', to_jsonb(CASE WHEN p.protrftypes IS NOT NULL
                THEN ARRAY(SELECT format_type(o, NULL) FROM unnest(p.protrftypes) o ORDER BY 1) END),
            'body', CASE WHEN p.prokind <> 'a' AND NOT p.parsed THEN p.prosrc END,
            'library', p.probin,
            'sql_body', CASE WHEN p.parsed AND w.objid IS NULL AND b.objid IS NULL
                THEN substring(pg_get_functiondef(p.oid) FROM chr(10) || '((BEGIN ATOMIC|RETURN ).*)$') END))
        || CASE WHEN g.aggfnoid IS NULL THEN '{}' ELSE jsonb_strip_nulls(jsonb_build_object(
            'aggregate_kind', CASE g.aggkind WHEN 'n' THEN 'normal'
                WHEN 'o' THEN 'ordered set' ELSE 'hypothetical set' END,
            'state_function', g.aggtransfn::regprocedure::text, 'state_type', format_type(g.aggtranstype, NULL),
                'state_size', nullif(g.aggtransspace, 0),
            'initial_value', g.agginitval,
            'final_function', CASE WHEN g.aggfinalfn::oid <> 0 THEN g.aggfinalfn::regprocedure::text END,
            'final_extra', CASE WHEN g.aggfinalextra THEN true END, 'final_modify', g.aggfinalmodify,
            'combine_function', CASE WHEN g.aggcombinefn::oid <> 0 THEN g.aggcombinefn::regprocedure::text END,
            'serial_function', CASE WHEN g.aggserialfn::oid <> 0 THEN g.aggserialfn::regprocedure::text END,
            'deserial_function', CASE WHEN g.aggdeserialfn::oid <> 0 THEN g.aggdeserialfn::regprocedure::text END,
            'moving_state_function', CASE WHEN g.aggmtransfn::oid <> 0 THEN g.aggmtransfn::regprocedure::text END,
            'moving_inverse_function', CASE WHEN g.aggminvtransfn::oid <> 0
                THEN g.aggminvtransfn::regprocedure::text END,
            'moving_final_function', CASE WHEN g.aggmfinalfn::oid <> 0 THEN g.aggmfinalfn::regprocedure::text END,
            'moving_state_type', CASE WHEN g.aggmtranstype <> 0 THEN format_type(g.aggmtranstype, NULL) END,
                'moving_initial_value', g.aggminitval, 'moving_state_size', nullif(g.aggmtransspace, 0),
            'moving_final_extra', CASE WHEN g.aggmfinalextra THEN true END,
            'moving_final_modify', CASE WHEN g.aggmtranstype <> 0
                THEN nullif(g.aggmfinalmodify, CASE g.aggkind WHEN 'n' THEN 'r' ELSE 'w' END) END,
            'sort_operator', CASE WHEN g.aggsortop <> 0 THEN g.aggsortop::regoperator::text END)) END
        || jsonb_strip_nulls(jsonb_build_object('acl', a.acl, 'grantors', t.grantors, 'comment', c.description,
            'extension', e.extension,
            'unknown', CASE WHEN b.objid IS NOT NULL THEN b.reason
                WHEN p.parsed AND w.objid IS NOT NULL THEN 'what it reads is locked by another session'
                WHEN pg_get_function_arguments(p.oid) IS NULL THEN 'dropped while it was read' END))
    FROM proc p
    JOIN nsp n ON n.oid = p.pronamespace
    JOIN pg_language l ON l.oid = p.prolang
    LEFT JOIN pg_aggregate g ON g.aggfnoid = p.oid
    LEFT JOIN waiting w ON w.classid = 'pg_proc'::regclass AND w.objid = p.oid
    LEFT JOIN broken b ON b.catalog = 'function' AND b.objid = p.oid
    LEFT JOIN ext e ON e.classid = 'pg_proc'::regclass AND e.objid = p.oid
    LEFT JOIN com c ON c.classoid = 'pg_proc'::regclass AND c.objoid = p.oid
    LEFT JOIN acl a ON a.classid = 'pg_proc'::regclass AND a.objid = p.oid
    LEFT JOIN grantor t ON t.classid = 'pg_proc'::regclass AND t.objid = p.oid
    LEFT JOIN internal i ON i.classid = 'pg_proc'::regclass AND i.objid = p.oid
    WHERE i.objid IS NULL
    ) UNION ALL (
    WITH
    range AS (
        SELECT r.*
        FROM (VALUES (0::oid)) d (rngmultitypid),
            LATERAL (SELECT r.rngtypid, r.rngsubtype, r.rngcollation, r.rngsubopc, r.rngcanonical, r.rngsubdiff,
                rngmultitypid FROM pg_range r OFFSET 0) r
    )
    SELECT CASE t.typtype WHEN 'd' THEN 'domain' ELSE 'type' END, n.identity, t.typname::text, NULL, n.identity,
        CASE t.typtype
            WHEN 'd' THEN jsonb_strip_nulls(jsonb_build_object('type', format_type(t.typbasetype, t.typtypmod),
                'not_null', t.typnotnull,
                'collation', CASE WHEN t.typcollation <> b.typcollation THEN cl.identity END, 'default',
                    CASE WHEN db.objid IS NULL THEN pg_get_expr(t.typdefaultbin, 0) END, 'unknown', db.reason))
            WHEN 'e' THEN jsonb_build_object('type', 'enum', 'labels', coalesce(l.labels, '[]'))
            WHEN 'c' THEN jsonb_build_object('type', 'composite', 'attributes', coalesce(a.columns, '[]'))
                || CASE WHEN a.comments IS NULL THEN '{}' ELSE jsonb_build_object('attribute_comments', a.comments) END
            WHEN 'r' THEN jsonb_strip_nulls(jsonb_build_object('type', 'range', 'subtype',
                format_type(g.rngsubtype, NULL),
                'operator_class', CASE WHEN NOT oc.opcdefault THEN quote_ident(ocn.nspname) || '.'
                    || quote_ident(oc.opcname) END,
                'collation', rc.identity,
                'canonical', CASE WHEN g.rngcanonical::oid <> 0 THEN g.rngcanonical::text END,
                'difference', CASE WHEN g.rngsubdiff::oid <> 0 THEN g.rngsubdiff::text END,
                'multirange', CASE WHEN g.rngmultitypid <> 0 THEN format_type(g.rngmultitypid, NULL) END))
            WHEN 'p' THEN '{"type": "shell"}'
            ELSE jsonb_strip_nulls(jsonb_build_object('type', 'base', 'input', t.typinput::text, 'output',
                t.typoutput::text,
                'length', t.typlen, 'category', t.typcategory, 'alignment', t.typalign, 'storage', t.typstorage,
                    'by_value', t.typbyval,
                'default', t.typdefault, 'element', CASE WHEN t.typelem <> 0 THEN format_type(t.typelem, NULL) END,
                'preferred', CASE WHEN t.typispreferred THEN true END, 'delimiter', nullif(t.typdelim, ','),
                'collatable', CASE WHEN t.typcollation <> 0 THEN true END,
                'receive', CASE WHEN t.typreceive::oid <> 0 THEN t.typreceive::text END,
                'send', CASE WHEN t.typsend::oid <> 0 THEN t.typsend::text END,
                'modifier_input', CASE WHEN t.typmodin::oid <> 0 THEN t.typmodin::text END,
                'modifier_output', CASE WHEN t.typmodout::oid <> 0 THEN t.typmodout::text END,
                'analyze', CASE WHEN t.typanalyze::oid <> 0 THEN t.typanalyze::text END,
                -- majors before 14 have none for arrays
                'subscript', (SELECT x.typsubscript::text
                    FROM (VALUES (0::oid::regproc)) d (typsubscript),
                        LATERAL (SELECT typsubscript FROM pg_type b WHERE b.oid = t.oid OFFSET 0) x
                    WHERE x.typsubscript::oid <> 0 AND x.typsubscript::text NOT LIKE '%array_subscript_handler')))
        END
        || jsonb_strip_nulls(jsonb_build_object('owner', pg_get_userbyid(t.typowner), 'acl', p.acl, 'grantors',
            w.grantors,
            'comment', coalesce(c.description, rc2.description), 'extension', e.extension))
    FROM pg_type t
    JOIN nsp n ON n.oid = t.typnamespace
    LEFT JOIN rel r ON r.oid = t.typrelid AND r.relkind = 'c'
    LEFT JOIN broken db ON db.catalog = 'type' AND db.objid = t.oid
    LEFT JOIN pg_type el ON el.typarray = t.oid
    LEFT JOIN pg_type b ON b.oid = t.typbasetype
    LEFT JOIN coll cl ON cl.oid = t.typcollation
    LEFT JOIN (SELECT l.enumtypid, jsonb_agg(l.enumlabel ORDER BY l.enumsortorder) AS labels
        FROM pg_enum l GROUP BY l.enumtypid) l ON l.enumtypid = t.oid
    LEFT JOIN attributes a ON a.attrelid = r.oid
    LEFT JOIN range g ON g.rngtypid = t.oid
    LEFT JOIN pg_opclass oc ON oc.oid = g.rngsubopc
    LEFT JOIN pg_namespace ocn ON ocn.oid = oc.opcnamespace
    LEFT JOIN coll rc ON rc.oid = g.rngcollation
    LEFT JOIN ext e ON e.classid = 'pg_type'::regclass AND e.objid = t.oid
    LEFT JOIN com c ON c.classoid = 'pg_type'::regclass AND c.objoid = t.oid
    LEFT JOIN com rc2 ON rc2.classoid = 'pg_class'::regclass AND rc2.objoid = r.oid AND rc2.objsubid = 0
    LEFT JOIN acl p ON p.classid = 'pg_type'::regclass AND p.objid = t.oid
    LEFT JOIN grantor w ON w.classid = 'pg_type'::regclass AND w.objid = t.oid
    WHERE (t.typtype IN ('e', 'd', 'r') OR t.typtype = 'c' AND r.oid IS NOT NULL OR t.typtype IN ('b', 'p')
        AND el.oid IS NULL)
    ) UNION ALL (
    SELECT 'collation', n.identity, x.collname::text, CASE WHEN x.collencoding = -1 THEN NULL ELSE ' FOR '
        || pg_encoding_to_char(x.collencoding) END, n.identity,
        jsonb_strip_nulls(jsonb_build_object('owner', pg_get_userbyid(x.collowner),
            'provider', CASE x.collprovider WHEN 'c' THEN 'libc' WHEN 'i' THEN 'icu'
                WHEN 'b' THEN 'builtin' ELSE 'default' END,
            'locale', coalesce(x.colllocale, x.colliculocale,
                CASE WHEN x.collprovider = 'i' THEN x.collcollate::text END),
            'lc_collate', CASE WHEN x.collprovider = 'c' THEN x.collcollate::text END,
            'lc_ctype', CASE WHEN x.collprovider = 'c' THEN x.collctype::text END,
            'deterministic', x.collisdeterministic, 'rules', x.collicurules,
            'comment', c.description, 'extension', e.extension))
    FROM (SELECT x.* FROM (VALUES (NULL::text, NULL::text, NULL::text)) d (colllocale, colliculocale, collicurules),
              LATERAL (SELECT x.oid, x.collname, x.collnamespace, x.collowner, x.collprovider, x.collisdeterministic,
                  x.collencoding,
                      x.collcollate, x.collctype, colllocale, colliculocale, collicurules
                  FROM pg_collation x WHERE x.collnamespace <> 11 OFFSET 0) x) x
    JOIN nsp n ON n.oid = x.collnamespace
    LEFT JOIN ext e ON e.classid = 'pg_collation'::regclass AND e.objid = x.oid
    LEFT JOIN com c ON c.classoid = 'pg_collation'::regclass AND c.objoid = x.oid
    ) UNION ALL (
    SELECT 'operator', n.identity, NULL::text,
        o.oprname || '(' || CASE WHEN o.oprleft = 0 THEN 'none' ELSE format_type(o.oprleft, NULL) END || ', '
            || CASE WHEN o.oprright = 0 THEN 'none' ELSE format_type(o.oprright, NULL) END || ')', n.identity,
        jsonb_strip_nulls(jsonb_build_object('owner', pg_get_userbyid(o.oprowner), 'function',
            o.oprcode::regprocedure::text,
            'result', CASE WHEN o.oprresult <> 0 THEN format_type(o.oprresult, NULL) END,
            'commutator', CASE WHEN o.oprcom <> 0 THEN o.oprcom::regoperator::text END,
            'negator', CASE WHEN o.oprnegate <> 0 THEN o.oprnegate::regoperator::text END,
            'hashes', CASE WHEN o.oprcanhash THEN true END, 'merges', CASE WHEN o.oprcanmerge THEN true END,
            'restrict', CASE WHEN o.oprrest::oid <> 0 THEN o.oprrest::text END, 'join',
                CASE WHEN o.oprjoin::oid <> 0 THEN o.oprjoin::text END,
            'comment', c.description, 'extension', e.extension))
    FROM pg_operator o
    JOIN nsp n ON n.oid = o.oprnamespace
    LEFT JOIN ext e ON e.classid = 'pg_operator'::regclass AND e.objid = o.oid
    LEFT JOIN com c ON c.classoid = 'pg_operator'::regclass AND c.objoid = o.oid
    WHERE o.oprcode::oid <> 0       -- else only named as another one's commutator or negator; dumps leave it out
    ) UNION ALL (
    SELECT 'operator family', n.identity, f.opfname::text, ' USING ' || m.amname, n.identity,
        jsonb_strip_nulls(jsonb_build_object('owner', pg_get_userbyid(f.opfowner), 'operators', o.operators,
            'functions', p.functions,
            'comment', c.description, 'extension', e.extension))
    FROM pg_opfamily f
    JOIN nsp n ON n.oid = f.opfnamespace
    JOIN pg_am m ON m.oid = f.opfmethod
    LEFT JOIN (SELECT a.amopfamily, jsonb_agg(a.amopstrategy || ' ' || a.amopopr::regoperator::text
                       || CASE a.amoppurpose WHEN 'o' THEN ' FOR ORDER BY ' || quote_ident(sn.nspname) || '.'
                           || quote_ident(s.opfname) ELSE '' END
                       ORDER BY a.amopstrategy, a.amopopr::regoperator::text COLLATE "C") AS operators
               FROM pg_amop a JOIN pg_opfamily f ON f.oid = a.amopfamily AND f.opfnamespace <> 11
               LEFT JOIN pg_opfamily s ON s.oid = a.amopsortfamily
               LEFT JOIN pg_namespace sn ON sn.oid = s.opfnamespace
               GROUP BY a.amopfamily) o ON o.amopfamily = f.oid
    LEFT JOIN (SELECT a.amprocfamily, jsonb_agg(a.amprocnum || ' (' || format_type(a.amproclefttype, NULL) || ', '
        || format_type(a.amprocrighttype, NULL) || ') '
                       || a.amproc::regprocedure::text
                       ORDER BY a.amprocnum, format_type(a.amproclefttype, NULL) COLLATE "C",
                           format_type(a.amprocrighttype, NULL) COLLATE "C") AS functions
               FROM pg_amproc a JOIN pg_opfamily f ON f.oid = a.amprocfamily
                   AND f.opfnamespace <> 11 GROUP BY a.amprocfamily) p ON p.amprocfamily = f.oid
    LEFT JOIN ext e ON e.classid = 'pg_opfamily'::regclass AND e.objid = f.oid
    LEFT JOIN com c ON c.classoid = 'pg_opfamily'::regclass AND c.objoid = f.oid
    ) UNION ALL (
    SELECT 'operator class', n.identity, o.opcname::text, ' USING ' || m.amname, n.identity,
        jsonb_strip_nulls(jsonb_build_object('owner', pg_get_userbyid(o.opcowner), 'type',
            format_type(o.opcintype, NULL), 'default', o.opcdefault,
            'family', quote_ident(fn.nspname) || '.' || quote_ident(f.opfname), 'storage',
                CASE WHEN o.opckeytype <> 0 THEN format_type(o.opckeytype, NULL) END,
            'comment', c.description, 'extension', e.extension))
    FROM pg_opclass o
    JOIN nsp n ON n.oid = o.opcnamespace
    JOIN pg_am m ON m.oid = o.opcmethod
    JOIN pg_opfamily f ON f.oid = o.opcfamily
    JOIN pg_namespace fn ON fn.oid = f.opfnamespace
    LEFT JOIN ext e ON e.classid = 'pg_opclass'::regclass AND e.objid = o.oid
    LEFT JOIN com c ON c.classoid = 'pg_opclass'::regclass AND c.objoid = o.oid
    ) UNION ALL (
    SELECT 'text search dictionary', n.identity, d.dictname::text, NULL::text, n.identity,
        jsonb_strip_nulls(jsonb_build_object('owner', pg_get_userbyid(d.dictowner), 'template',
            quote_ident(tn.nspname) || '.' || quote_ident(t.tmplname),
            'options', d.dictinitoption, 'comment', c.description, 'extension', e.extension))
    FROM pg_ts_dict d
    JOIN nsp n ON n.oid = d.dictnamespace
    JOIN pg_ts_template t ON t.oid = d.dicttemplate
    JOIN pg_namespace tn ON tn.oid = t.tmplnamespace
    LEFT JOIN ext e ON e.classid = 'pg_ts_dict'::regclass AND e.objid = d.oid
    LEFT JOIN com c ON c.classoid = 'pg_ts_dict'::regclass AND c.objoid = d.oid
    ) UNION ALL (
    SELECT 'text search configuration', n.identity, s.cfgname::text, NULL::text, n.identity,
        jsonb_strip_nulls(jsonb_build_object('owner', pg_get_userbyid(s.cfgowner), 'parser',
            quote_ident(pn.nspname) || '.' || quote_ident(p.prsname),
            'mappings', m.mappings, 'comment', c.description, 'extension', e.extension))
    FROM pg_ts_config s
    JOIN nsp n ON n.oid = s.cfgnamespace
    JOIN pg_ts_parser p ON p.oid = s.cfgparser
    JOIN pg_namespace pn ON pn.oid = p.prsnamespace
    LEFT JOIN (SELECT m.mapcfg, jsonb_object_agg(m.maptokentype::text, m.dictionaries) AS mappings
               FROM (SELECT m.mapcfg, m.maptokentype, jsonb_agg(m.mapdict::regdictionary::text ORDER BY m.mapseqno)
                   AS dictionaries
                     FROM pg_ts_config_map m WHERE m.mapcfg >= 16384 GROUP BY m.mapcfg,
                         m.maptokentype) m GROUP BY m.mapcfg) m ON m.mapcfg = s.oid
    LEFT JOIN ext e ON e.classid = 'pg_ts_config'::regclass AND e.objid = s.oid
    LEFT JOIN com c ON c.classoid = 'pg_ts_config'::regclass AND c.objoid = s.oid
    ) UNION ALL (
    SELECT 'text search parser', n.identity, p.prsname::text, NULL::text, n.identity,
        jsonb_strip_nulls(jsonb_build_object('start', p.prsstart::text, 'token', p.prstoken::text,
            'end', p.prsend::text, 'headline', CASE WHEN p.prsheadline::oid <> 0 THEN p.prsheadline::text END,
            'lextypes', p.prslextype::text, 'comment', c.description, 'extension', e.extension))
    FROM pg_ts_parser p
    JOIN nsp n ON n.oid = p.prsnamespace
    LEFT JOIN ext e ON e.classid = 'pg_ts_parser'::regclass AND e.objid = p.oid
    LEFT JOIN com c ON c.classoid = 'pg_ts_parser'::regclass AND c.objoid = p.oid
    ) UNION ALL (
    SELECT 'text search template', n.identity, t.tmplname::text, NULL::text, n.identity,
        jsonb_strip_nulls(jsonb_build_object('init', CASE WHEN t.tmplinit::oid <> 0 THEN t.tmplinit::text END,
            'lexize', t.tmpllexize::text, 'comment', c.description, 'extension', e.extension))
    FROM pg_ts_template t
    JOIN nsp n ON n.oid = t.tmplnamespace
    LEFT JOIN ext e ON e.classid = 'pg_ts_template'::regclass AND e.objid = t.oid
    LEFT JOIN com c ON c.classoid = 'pg_ts_template'::regclass AND c.objoid = t.oid
    ) UNION ALL (
    SELECT 'conversion', n.identity, v.conname::text, NULL::text, n.identity,
        jsonb_strip_nulls(jsonb_build_object('owner', pg_get_userbyid(v.conowner),
            'from', pg_encoding_to_char(v.conforencoding), 'to', pg_encoding_to_char(v.contoencoding),
            'function', v.conproc::text, 'default', CASE WHEN v.condefault THEN true END,
            'comment', c.description, 'extension', e.extension))
    FROM pg_conversion v
    JOIN nsp n ON n.oid = v.connamespace
    LEFT JOIN ext e ON e.classid = 'pg_conversion'::regclass AND e.objid = v.oid
    LEFT JOIN com c ON c.classoid = 'pg_conversion'::regclass AND c.objoid = v.oid
    ) UNION ALL (
    SELECT 'default privilege', NULL::text, NULL::text,
        'FOR ROLE ' || quote_ident(pg_get_userbyid(d.defaclrole)) || CASE
            WHEN d.defaclnamespace = 0 THEN '' ELSE ' IN SCHEMA ' || n.identity END
            || ' ON ' || CASE d.defaclobjtype WHEN 'r' THEN 'TABLES' WHEN 'S' THEN 'SEQUENCES' WHEN 'f' THEN 'FUNCTIONS'
                WHEN 'T' THEN 'TYPES'
                WHEN 'n' THEN 'SCHEMAS' WHEN 'L' THEN 'LARGE OBJECTS' ELSE d.defaclobjtype::text END,
        n.identity,
        jsonb_strip_nulls(jsonb_build_object('acl', a.acl, 'grantors', g.grantors))
    FROM pg_default_acl d
    LEFT JOIN nsp n ON n.oid = d.defaclnamespace
    LEFT JOIN acl a ON a.classid = 'pg_default_acl'::regclass AND a.objid = d.oid
    LEFT JOIN grantor g ON g.classid = 'pg_default_acl'::regclass AND g.objid = d.oid
    WHERE n.oid IS NOT NULL OR d.defaclnamespace = 0 AND (SELECT s.schemas FROM setting s) IS NULL
    )
    UNION ALL
    -- objects of the whole database, only where no schemas are asked for
    SELECT w.*
    FROM (
        (
        SELECT 'extension', NULL::text, x.extname::text, NULL::text, NULL::text,
            jsonb_build_object('version', x.extversion, 'schema', n.nspname, 'owner', pg_get_userbyid(x.extowner))
        FROM pg_extension x JOIN pg_namespace n ON n.oid = x.extnamespace
        ) UNION ALL (
        SELECT 'language', NULL::text, l.lanname::text, NULL::text, NULL::text,
            jsonb_strip_nulls(jsonb_build_object('owner', pg_get_userbyid(l.lanowner), 'trusted', l.lanpltrusted,
                'handler', CASE WHEN l.lanplcallfoid <> 0 THEN l.lanplcallfoid::regprocedure::text END,
                'inline', CASE WHEN l.laninline <> 0 THEN l.laninline::regprocedure::text END,
                'validator', CASE WHEN l.lanvalidator <> 0 THEN l.lanvalidator::regprocedure::text END,
                'acl', a.acl, 'grantors', g.grantors, 'comment', c.description, 'extension', e.extension))
        FROM pg_language l
        LEFT JOIN ext e ON e.classid = 'pg_language'::regclass AND e.objid = l.oid
        LEFT JOIN com c ON c.classoid = 'pg_language'::regclass AND c.objoid = l.oid
        LEFT JOIN acl a ON a.classid = 'pg_language'::regclass AND a.objid = l.oid
        LEFT JOIN grantor g ON g.classid = 'pg_language'::regclass AND g.objid = l.oid
        WHERE l.lanispl
        ) UNION ALL (
        SELECT 'cast', NULL::text, NULL::text, '(' || format_type(x.castsource, NULL) || ' AS '
            || format_type(x.casttarget, NULL) || ')', NULL::text,
            jsonb_strip_nulls(jsonb_build_object('method', CASE x.castmethod WHEN 'f' THEN 'function'
                WHEN 'i' THEN 'inout' ELSE 'binary' END,
                'context', CASE x.castcontext WHEN 'e' THEN 'explicit' WHEN 'a' THEN 'assignment' ELSE 'implicit' END,
                'function', CASE WHEN x.castfunc <> 0 THEN x.castfunc::regprocedure::text END,
                'comment', c.description, 'extension', e.extension))
        FROM pg_cast x
        LEFT JOIN ext e ON e.classid = 'pg_cast'::regclass AND e.objid = x.oid
        LEFT JOIN com c ON c.classoid = 'pg_cast'::regclass AND c.objoid = x.oid
        LEFT JOIN internal i ON i.classid = 'pg_cast'::regclass AND i.objid = x.oid
        WHERE x.oid >= 16384 AND i.objid IS NULL
        ) UNION ALL (
        SELECT 'transform', NULL::text, NULL::text, 'for ' || format_type(t.trftype, NULL) || ' on language '
            || quote_ident(l.lanname), NULL::text,
            jsonb_strip_nulls(jsonb_build_object(
                'from_sql', CASE WHEN t.trffromsql::oid <> 0 THEN t.trffromsql::oid::regprocedure::text END,
                'to_sql', CASE WHEN t.trftosql::oid <> 0 THEN t.trftosql::oid::regprocedure::text END,
                'comment', c.description, 'extension', e.extension))
        FROM pg_transform t
        JOIN pg_language l ON l.oid = t.trflang
        LEFT JOIN ext e ON e.classid = 'pg_transform'::regclass AND e.objid = t.oid
        LEFT JOIN com c ON c.classoid = 'pg_transform'::regclass AND c.objoid = t.oid
        ) UNION ALL (
        SELECT 'access method', NULL::text, m.amname::text, NULL::text, NULL::text,
            jsonb_strip_nulls(jsonb_build_object('type', CASE m.amtype WHEN 't' THEN 'table' ELSE 'index' END,
                'handler', m.amhandler::text, 'comment', c.description, 'extension', e.extension))
        FROM pg_am m
        LEFT JOIN ext e ON e.classid = 'pg_am'::regclass AND e.objid = m.oid
        LEFT JOIN com c ON c.classoid = 'pg_am'::regclass AND c.objoid = m.oid
        WHERE m.oid >= 16384
        ) UNION ALL (
        SELECT 'event trigger', NULL::text, t.evtname::text, NULL::text, NULL::text,
            jsonb_strip_nulls(jsonb_build_object('owner', pg_get_userbyid(t.evtowner), 'event', t.evtevent, 'function',
                t.evtfoid::regprocedure::text,
                'tags', to_jsonb(CASE WHEN t.evttags IS NOT NULL
                    THEN ARRAY(SELECT o FROM unnest(t.evttags) o ORDER BY o COLLATE "C") END),
                'enabled', CASE t.evtenabled WHEN 'O' THEN 'origin' WHEN 'D' THEN 'disabled'
                    WHEN 'R' THEN 'replica' ELSE 'always' END,
                'comment', c.description, 'extension', e.extension))
        FROM pg_event_trigger t
        LEFT JOIN ext e ON e.classid = 'pg_event_trigger'::regclass AND e.objid = t.oid
        LEFT JOIN com c ON c.classoid = 'pg_event_trigger'::regclass AND c.objoid = t.oid
        ) UNION ALL (
        WITH
        published AS (
            SELECT r.prpubid, c.identity, r.prexcept AS excepted,
                (SELECT jsonb_agg(a.attname ORDER BY a.attnum) FROM pg_attribute a WHERE a.attrelid = r.prrelid
                    AND a.attnum = ANY (r.prattrs::int2[])) AS columns,
                CASE WHEN t.locked IS NOT TRUE THEN pg_get_expr(r.prqual, r.prrelid) END AS filter,
                CASE WHEN t.locked AND r.prqual IS NOT NULL THEN t.trouble END AS trouble
            FROM (VALUES (NULL::int2vector, NULL::pg_node_tree, false)) d (prattrs, prqual, prexcept),
                LATERAL (SELECT r.prpubid, r.prrelid, prattrs, prqual, prexcept FROM pg_publication_rel r OFFSET 0) r
            JOIN place c ON c.oid = r.prrelid
            LEFT JOIN rel t ON t.oid = c.oid
        )
        SELECT 'publication', NULL::text, p.pubname::text, NULL::text, NULL::text,
            jsonb_strip_nulls(jsonb_build_object('owner', pg_get_userbyid(p.pubowner), 'all_tables', p.puballtables,
                'all_sequences', CASE WHEN p.puballsequences THEN true END,
                'publish', to_jsonb(array_remove(ARRAY[CASE WHEN p.pubinsert THEN 'insert' END,
                    CASE WHEN p.pubupdate THEN 'update' END,
                    CASE WHEN p.pubdelete THEN 'delete' END, CASE WHEN p.pubtruncate THEN 'truncate' END], NULL)),
                'via_root', CASE WHEN p.pubviaroot THEN true END,
                'generated_columns', CASE p.pubgencols::text WHEN 's' THEN 'stored' END,
                'tables', t.tables, 'except', t.excepted,
                'table_columns', t.columns, 'table_filters', t.filters, 'schemas', s.schemas,
                'comment', c.description, 'extension', e.extension,
                'unknown', replace(t.trouble, 'its table is', 'one of its tables is')))
        FROM (SELECT p.* FROM (VALUES (false, NULL::text, false)) d (pubviaroot, pubgencols, puballsequences),
                  LATERAL (SELECT p.oid, p.pubname, p.pubowner, p.puballtables, p.pubinsert, p.pubupdate, p.pubdelete,
                      p.pubtruncate,
                          pubviaroot, pubgencols, puballsequences FROM pg_publication p OFFSET 0) p) p
        LEFT JOIN (SELECT r.prpubid,
                       jsonb_agg(r.identity ORDER BY r.identity COLLATE "C") FILTER (WHERE NOT r.excepted) AS tables,
                       jsonb_agg(r.identity ORDER BY r.identity COLLATE "C") FILTER (WHERE r.excepted) AS excepted,
                       jsonb_object_agg(r.identity, r.columns) FILTER (WHERE r.columns IS NOT NULL) AS columns,
                       jsonb_object_agg(r.identity, r.filter) FILTER (WHERE r.filter IS NOT NULL) AS filters,
                           min(r.trouble) AS trouble
                   FROM published r GROUP BY r.prpubid) t ON t.prpubid = p.oid
        LEFT JOIN (SELECT d.refobjid, jsonb_agg(n.nspname ORDER BY n.nspname) AS schemas
                   FROM pg_depend d
                   JOIN pg_depend o ON o.classid = d.classid AND o.objid = d.objid
                       AND o.refclassid = 'pg_namespace'::regclass
                   JOIN pg_namespace n ON n.oid = o.refobjid
                   WHERE d.classid = to_regclass('pg_catalog.pg_publication_namespace')
                       AND d.refclassid = 'pg_publication'::regclass
                   GROUP BY d.refobjid) s ON s.refobjid = p.oid
        LEFT JOIN ext e ON e.classid = 'pg_publication'::regclass AND e.objid = p.oid
        LEFT JOIN com c ON c.classoid = 'pg_publication'::regclass AND c.objoid = p.oid
        ) UNION ALL (
        -- not its connection, and nothing that PUBLIC may not read in some of the majors
        SELECT 'subscription', NULL::text, s.subname::text, NULL::text, NULL::text,
            jsonb_strip_nulls(jsonb_build_object('owner', pg_get_userbyid(s.subowner), 'enabled', s.subenabled, 'slot',
                s.subslotname,
                'publications', to_jsonb(ARRAY(SELECT o FROM unnest(s.subpublications) o ORDER BY o COLLATE "C")),
                'binary', CASE WHEN s.subbinary THEN true END, 'streaming',
                    CASE s.substream::text WHEN 't' THEN 'on' WHEN 'true' THEN 'on' WHEN 'p' THEN 'parallel' END,
                'two_phase', CASE WHEN s.subtwophasestate <> 'd' THEN true END, 'disable_on_error',
                    CASE WHEN s.subdisableonerr THEN true END,
                'origin', nullif(s.suborigin, 'any'), 'password_required',
                    CASE WHEN NOT s.subpasswordrequired THEN false END,
                'run_as_owner', CASE WHEN s.subrunasowner THEN true END,
                'failover', CASE WHEN s.subfailover THEN true END, 'server', f.srvname,
                'retain_dead_tuples', CASE WHEN s.subretaindeadtuples THEN true END,
                'max_retention', nullif(s.submaxretention, 0), 'receiver_timeout', nullif(s.subwalrcvtimeout, '-1'),
                'comment', c.description))
        FROM (SELECT s.* FROM (VALUES (false, NULL::text, 'd'::"char", false, NULL::text, true, false, false,
                          NULL::oid, false, 0, NULL::text))
                      d (subbinary, substream, subtwophasestate, subdisableonerr, suborigin, subpasswordrequired,
                          subrunasowner, subfailover, subserver, subretaindeadtuples, submaxretention,
                          subwalrcvtimeout),
                  LATERAL (SELECT s.subname, s.subowner, s.subenabled, s.subslotname, s.subpublications, subbinary,
                      substream,
                          subtwophasestate, subdisableonerr, suborigin, subpasswordrequired, subrunasowner, subfailover,
                          subserver, subretaindeadtuples, submaxretention, subwalrcvtimeout
                      FROM pg_subscription s
                      WHERE s.subdbid = (SELECT b.oid FROM pg_database b
                          WHERE b.datname = current_database()) OFFSET 0) s) s
        LEFT JOIN (SELECT DISTINCT w.subname, c.description FROM pg_stat_subscription w
                   JOIN pg_description c ON c.classoid = 'pg_subscription'::regclass
                       AND c.objoid = w.subid) c ON c.subname = s.subname
        LEFT JOIN pg_foreign_server f ON f.oid = s.subserver
        ) UNION ALL (
        SELECT 'foreign data wrapper', NULL::text, w.fdwname::text, NULL::text, NULL::text,
            jsonb_strip_nulls(jsonb_build_object('owner', pg_get_userbyid(w.fdwowner),
                'handler', CASE WHEN w.fdwhandler <> 0 THEN w.fdwhandler::regprocedure::text END,
                'validator', CASE WHEN w.fdwvalidator <> 0 THEN w.fdwvalidator::regprocedure::text END,
                'options', to_jsonb(CASE WHEN w.fdwoptions IS NOT NULL THEN ARRAY(
                    SELECT CASE WHEN split_part(o, '=', 1) ~* 'pass|pwd|secret|token|credential|key'
                        THEN split_part(o, '=', 1) || '=(hidden)' ELSE o END
                    FROM unnest(w.fdwoptions) o ORDER BY 1) END),
                'acl', a.acl, 'grantors', g.grantors, 'comment', c.description, 'extension', e.extension))
        FROM pg_foreign_data_wrapper w
        LEFT JOIN ext e ON e.classid = 'pg_foreign_data_wrapper'::regclass AND e.objid = w.oid
        LEFT JOIN com c ON c.classoid = 'pg_foreign_data_wrapper'::regclass AND c.objoid = w.oid
        LEFT JOIN acl a ON a.classid = 'pg_foreign_data_wrapper'::regclass AND a.objid = w.oid
        LEFT JOIN grantor g ON g.classid = 'pg_foreign_data_wrapper'::regclass AND g.objid = w.oid
        ) UNION ALL (
        SELECT 'foreign server', NULL::text, s.srvname::text, NULL::text, NULL::text,
            jsonb_strip_nulls(jsonb_build_object('owner', pg_get_userbyid(s.srvowner), 'wrapper', w.fdwname, 'type',
                s.srvtype, 'version', s.srvversion,
                'options', to_jsonb(CASE WHEN s.srvoptions IS NOT NULL THEN ARRAY(
                    SELECT CASE WHEN split_part(o, '=', 1) ~* 'pass|pwd|secret|token|credential|key'
                        THEN split_part(o, '=', 1) || '=(hidden)' ELSE o END
                    FROM unnest(s.srvoptions) o ORDER BY 1) END),
                'acl', a.acl, 'grantors', g.grantors, 'comment', c.description, 'extension', e.extension))
        FROM pg_foreign_server s
        JOIN pg_foreign_data_wrapper w ON w.oid = s.srvfdw
        LEFT JOIN ext e ON e.classid = 'pg_foreign_server'::regclass AND e.objid = s.oid
        LEFT JOIN com c ON c.classoid = 'pg_foreign_server'::regclass AND c.objoid = s.oid
        LEFT JOIN acl a ON a.classid = 'pg_foreign_server'::regclass AND a.objid = s.oid
        LEFT JOIN grantor g ON g.classid = 'pg_foreign_server'::regclass AND g.objid = s.oid
        ) UNION ALL (
        -- that there is one; its options are for the eyes of few
        SELECT 'user mapping',
            CASE WHEN m.srvname = ANY ((SELECT s.keywords FROM setting s)::text[]) THEN '"' || m.srvname
            || '"' ELSE quote_ident(m.srvname) END, CASE WHEN m.umuser <> 0 THEN m.usename::text END,
            CASE WHEN m.umuser = 0 THEN 'PUBLIC' END,
            CASE WHEN m.srvname = ANY ((SELECT s.keywords FROM setting s)::text[]) THEN '"' || m.srvname || '"'
                ELSE quote_ident(m.srvname) END, '{}'::jsonb
        FROM pg_user_mappings m
        )
    ) w
    WHERE (SELECT s.schemas FROM setting s) IS NULL
) o (kind, prefix, name, suffix, parent, properties)
-- an identity is made once, though it is needed twice
OFFSET 0
) x
-- one key is compared faster than two; no kind has a character below a blank
ORDER BY (x.kind || chr(1) || x.identity) COLLATE "C"
$statement$
$function$;
COMMENT ON FUNCTION schemaguard.sg_snapshot_statement()
    IS 'the text that a live snapshot runs, here, on another server, or in psql';

-- When the snapshot statement fails because something cannot be printed (its library is gone, what it refers to was deleted
-- by hand, somebody has just locked or dropped it), this finds out what: each object alone, in a subtransaction. What failed
-- is left in the setting sg_snapshot.unprintable, from where the statement takes it: {"relation 16401": "why"}. So one
-- object that cannot be read costs its own text, and not the snapshot. A table's texts are one object here.
--
-- It runs on other servers, too: what is said above of functions and old majors holds here. A branch that is not evaluated
-- may name a function that an old server does not have.
CREATE FUNCTION schemaguard.sg_snapshot_probe()
RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$
SELECT $probe$
DO LANGUAGE plpgsql $do$
DECLARE
    unprintable jsonb := '{}';
    patience    text := current_setting('lock_timeout');
    until       timestamptz := clock_timestamp() + interval '20 s';
    o           record;
BEGIN
    PERFORM set_config('lock_timeout', '100ms', true);
    FOR o IN
        WITH space AS (
            SELECT n.oid
            FROM pg_namespace n
            WHERE left(n.nspname, 3) <> 'pg_' AND n.nspname <> 'information_schema'
                AND coalesce(n.nspname = ANY (nullif(current_setting('sg_snapshot.schemas', true), '')::name[]), true)
        ), held AS (
            SELECT DISTINCT l.relation AS oid
            FROM pg_locks l
            WHERE l.locktype = 'relation' AND l.mode = 'AccessExclusiveLock' AND l.pid IS DISTINCT FROM pg_backend_pid()
                AND l.database = (SELECT b.oid FROM pg_database b WHERE b.datname = current_database())
        ), waiting AS (
            SELECT d.classid, d.objid
            FROM pg_depend d JOIN held h ON h.oid = d.refobjid
            WHERE d.refclassid = 'pg_class'::regclass AND d.classid IN ('pg_rewrite'::regclass, 'pg_proc'::regclass)
        ), rel AS (
            SELECT c.oid, c.relkind, c.relpartbound
            FROM pg_class c JOIN space s ON s.oid = c.relnamespace
            WHERE c.relkind IN ('r', 'p', 'f', 'v', 'm') AND NOT EXISTS (SELECT FROM held h WHERE h.oid = c.oid)
        )
        SELECT 'relation' AS catalog, r.oid AS objid, 'tree' AS what, r.oid, NULL::smallint AS n, x.tree
        FROM rel r JOIN (
            SELECT f.adrelid, f.adbin FROM pg_attrdef f
            UNION ALL SELECT c.conrelid, c.conbin FROM pg_constraint c WHERE c.contype = 'c'
            UNION ALL SELECT i.indrelid, i.indpred FROM pg_index i WHERE i.indpred IS NOT NULL
            UNION ALL SELECT p.polrelid, p.polqual FROM pg_policy p WHERE p.polqual IS NOT NULL
            UNION ALL SELECT p.polrelid, p.polwithcheck FROM pg_policy p WHERE p.polwithcheck IS NOT NULL
            UNION ALL SELECT r.oid, r.relpartbound FROM rel r WHERE r.relpartbound IS NOT NULL) x (oid, tree)
            ON x.oid = r.oid
        UNION ALL
        SELECT 'relation', r.oid, x.what, x.oid, x.n, NULL
        FROM rel r JOIN (
            SELECT e.ev_class, CASE WHEN e.rulename = '_RETURN' THEN 'view' ELSE 'rule' END,
                CASE WHEN e.rulename = '_RETURN' THEN e.ev_class ELSE e.oid END, NULL::smallint
            FROM pg_rewrite e
            WHERE NOT EXISTS (SELECT FROM waiting w WHERE w.classid = 'pg_rewrite'::regclass AND w.objid = e.oid)
            UNION ALL
            SELECT i.indrelid, 'index', i.indexrelid, k.n
            FROM pg_index i, generate_series(1, i.indnkeyatts) k (n) WHERE i.indkey[k.n - 1] = 0
            UNION ALL SELECT t.tgrelid, 'trigger', t.oid, NULL FROM pg_trigger t WHERE t.tgqual IS NOT NULL
            UNION ALL SELECT s.stxrelid, 'statistics', s.oid, NULL FROM pg_statistic_ext s
            UNION ALL SELECT p.partrelid, 'partition key', p.partrelid, NULL FROM pg_partitioned_table p
                WHERE p.partexprs IS NOT NULL) x (relation, what, oid, n) ON x.relation = r.oid
        UNION ALL
        SELECT 'type', t.oid, 'tree', 0, NULL, x.tree
        FROM pg_type t JOIN space s ON s.oid = t.typnamespace JOIN (
            SELECT t.oid, t.typdefaultbin FROM pg_type t WHERE t.typdefaultbin IS NOT NULL
            UNION ALL SELECT c.contypid, c.conbin FROM pg_constraint c WHERE c.conbin IS NOT NULL) x (oid, tree)
            ON x.oid = t.oid
        WHERE t.typtype = 'd'
        UNION ALL
        -- the body of an SQL-standard function is in no column that every major has, but its text is empty
        SELECT 'function', p.oid, CASE WHEN p.prosrc = '' AND p.prokind <> 'a' THEN 'function' ELSE 'arguments' END,
            p.oid, NULL, NULL
        FROM pg_proc p JOIN space s ON s.oid = p.pronamespace
        WHERE (p.prosrc = '' AND p.prokind <> 'a' OR p.proargdefaults IS NOT NULL)
            AND NOT EXISTS (SELECT FROM waiting w WHERE w.classid = 'pg_proc'::regclass AND w.objid = p.oid)
    LOOP
        EXIT WHEN clock_timestamp() > until;
        BEGIN
            PERFORM CASE o.what
                WHEN 'tree' THEN pg_get_expr(o.tree, o.oid)
                WHEN 'view' THEN pg_get_viewdef(o.oid)
                WHEN 'rule' THEN pg_get_ruledef(o.oid)
                WHEN 'index' THEN pg_get_indexdef(o.oid, o.n, false)
                WHEN 'trigger' THEN pg_get_triggerdef(o.oid)
                WHEN 'statistics' THEN pg_get_statisticsobjdef(o.oid)
                WHEN 'partition key' THEN pg_get_partkeydef(o.oid)
                WHEN 'function' THEN pg_get_functiondef(o.oid)
                ELSE pg_get_function_arguments(o.oid) END;
        EXCEPTION
            WHEN lock_not_available THEN
                unprintable := unprintable || jsonb_build_object(o.catalog || ' ' || o.objid,
                    'its table is locked by another session');
            WHEN OTHERS THEN
                unprintable := unprintable || jsonb_build_object(o.catalog || ' ' || o.objid,
                    'cannot be printed: ' || SQLERRM);
        END;
    END LOOP;
    PERFORM set_config('sg_snapshot.unprintable', unprintable::text, true), set_config('lock_timeout', patience, true);
END
$do$;
$probe$
$function$;
COMMENT ON FUNCTION schemaguard.sg_snapshot_probe()
    IS 'the statement that finds what a snapshot cannot print, where sg_snapshot_statement fails';
-- Orphans: removed or mended as the steps of a plan say, copies kept in quarantine
CREATE TABLE schemaguard.quarantine (
    id          bigint PRIMARY KEY,         -- parents come before what refers to them
    run_id      uuid NOT NULL,
    at          timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    role        text NOT NULL,              -- whose privileges were used
    plan        text NOT NULL,
    step        int NOT NULL,
    fk_name     text NOT NULL,              -- the key that the row broke, or by which it referred to one that did
    cause       text NOT NULL CHECK (cause IN ('orphan', 'reached')),
    row_table   text NOT NULL,
    table_owner text NOT NULL,
    columns     text[] NOT NULL,            -- all but generated ones
    row_text    text NOT NULL,              -- ROW(columns)::text, with DateStyle ISO, TimeZone UTC, lc_monetary C
    data        jsonb,                      -- the same, to read
    reason      text,                       -- why it could not go back, when that was tried last
    plan_id     bigint NOT NULL             -- of the plan: one that is made anew under an old name is another one
);
CREATE SEQUENCE schemaguard.quarantine_id_seq OWNED BY schemaguard.quarantine.id;
ALTER TABLE schemaguard.quarantine ALTER COLUMN id SET DEFAULT pg_catalog.nextval('schemaguard.quarantine_id_seq');
CREATE INDEX quarantine_plan_idx ON schemaguard.quarantine (plan_id, id);
COMMENT ON TABLE schemaguard.quarantine IS 'rows that CALL sg_fix_orphans() has removed; CALL sg_restore_quarantine() puts them back';
COMMENT ON COLUMN schemaguard.quarantine.id IS 'number of the row; parents come before what refers to them';
COMMENT ON COLUMN schemaguard.quarantine.run_id IS 'the call that moved it here, as in audit_log';
COMMENT ON COLUMN schemaguard.quarantine.at IS 'when that was';
COMMENT ON COLUMN schemaguard.quarantine.role IS 'the role whose privileges were used';
COMMENT ON COLUMN schemaguard.quarantine.plan IS 'name of the plan';
COMMENT ON COLUMN schemaguard.quarantine.step IS 'number of the step';
COMMENT ON COLUMN schemaguard.quarantine.fk_name IS 'the key that the row broke, or by which it referred to one that did';
COMMENT ON COLUMN schemaguard.quarantine.cause IS 'orphan: it broke the key; reached: ON DELETE would have reached it';
COMMENT ON COLUMN schemaguard.quarantine.row_table IS 'the table that it comes from';
COMMENT ON COLUMN schemaguard.quarantine.table_owner IS 'the owner of that table at that time';
COMMENT ON COLUMN schemaguard.quarantine.columns IS 'columns of row_text';
COMMENT ON COLUMN schemaguard.quarantine.row_text IS 'the row, exactly: this is what goes back';
COMMENT ON COLUMN schemaguard.quarantine.data IS 'the row, to read';
COMMENT ON COLUMN schemaguard.quarantine.reason IS 'why it could not go back when that was tried last';
COMMENT ON COLUMN schemaguard.quarantine.plan_id IS 'column id of schemaguard.plan';

-- These are users' data: for roles that could read the table then, its owner and the role that removed the row, and for
-- those that may read everything. By name, so a role that is gone has no rights and is no error.
CREATE FUNCTION schemaguard.sg_roles_of(role text)
RETURNS text[]
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT ARRAY(
        SELECT r.rolname::pg_catalog.text
        FROM pg_catalog.pg_roles r, pg_catalog.pg_roles me
        WHERE me.rolname::pg_catalog.text OPERATOR(pg_catalog.=) sg_roles_of.role
          AND pg_catalog.pg_has_role(me.oid, r.oid, 'USAGE'));
END;
COMMENT ON FUNCTION schemaguard.sg_roles_of(text) IS 'the roles whose privileges a role has';

ALTER TABLE schemaguard.quarantine ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON schemaguard.quarantine FOR SELECT
    USING (ARRAY[role, table_owner, 'pg_read_all_data']
           OPERATOR(pg_catalog.&&) (SELECT schemaguard.sg_roles_of(CURRENT_USER::pg_catalog.text)));
GRANT SELECT ON schemaguard.quarantine TO PUBLIC;

SELECT pg_catalog.pg_extension_config_dump('schemaguard.quarantine', '');
SELECT pg_catalog.pg_extension_config_dump('schemaguard.quarantine_id_seq', '');

CREATE FUNCTION schemaguard.sg_drop_extension_event() RETURNS event_trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'sg_drop_extension_event';
COMMENT ON FUNCTION schemaguard.sg_drop_extension_event() IS 'refuse DROP EXTENSION schemaguard without CASCADE while there are rows in quarantine';
CREATE EVENT TRIGGER schemaguard_drop_extension ON ddl_command_start
    WHEN TAG IN ('DROP EXTENSION')
    EXECUTE FUNCTION schemaguard.sg_drop_extension_event();
ALTER EVENT TRIGGER schemaguard_drop_extension ENABLE ALWAYS;

CREATE PROCEDURE sg_fix_orphans(plan text, batch int DEFAULT 10000, dry_run boolean DEFAULT false,
                                author text DEFAULT NULL, fail boolean DEFAULT false, steps int[] DEFAULT NULL)
LANGUAGE c
AS 'MODULE_PATHNAME', 'sg_fix_orphans';
COMMENT ON PROCEDURE sg_fix_orphans(text, int, boolean, text, boolean, int[])
    IS 'quarantine, delete or set to null the orphans of a plan''s keys, as each step says';

CREATE PROCEDURE sg_restore_quarantine(plan text, plan_id bigint DEFAULT NULL, author text DEFAULT NULL)
LANGUAGE c
AS 'MODULE_PATHNAME', 'sg_restore_quarantine';
COMMENT ON PROCEDURE sg_restore_quarantine(text, bigint, text)
    IS 'put rows that a plan, or one that is gone, has quarantined back into their tables';
-- Deployment: put a plan's keys into the catalog
CREATE PROCEDURE sg_add_fks(plan text, validate boolean DEFAULT true, fix boolean DEFAULT false,
                            author text DEFAULT NULL, fail boolean DEFAULT false, steps int[] DEFAULT NULL)
LANGUAGE c
AS 'MODULE_PATHNAME', 'sg_add_fks';
COMMENT ON PROCEDURE sg_add_fks(text, boolean, boolean, text, boolean, int[])
    IS 'add the foreign keys of a plan NOT VALID, then validate them, while the application keeps running';
-- Preflight: what could stop or hurt the steps of a plan
CREATE FUNCTION sg_plan_check(
    plan  text,
    steps int[] DEFAULT NULL,
    OUT step       int,
    OUT fk_name    name,
    OUT check_name text,
    OUT result     text,
    OUT detail     text,
    OUT hint       text)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_plan_check';
COMMENT ON FUNCTION sg_plan_check(text, int[])
    IS 'everything that could stop or hurt a step of the plan, with what mends it; writes nothing, locks as SELECT does';

-- Rules about the server, a query each: what it finds is a warning, with what mends it.  A row without text is one that the
-- caller may not see.  A rule that finds nothing passes.
CREATE FUNCTION schemaguard.sg_server_check(
    long_seconds float8 DEFAULT 60,
    OUT check_name text,
    OUT result     text,
    OUT detail     text,
    OUT hint       text)
RETURNS SETOF record
LANGUAGE sql VOLATILE PARALLEL RESTRICTED
SET search_path = pg_catalog, pg_temp
AS $rules$
WITH rule (place, check_name) AS (VALUES
    (1, 'long_transactions'),
    (2, 'prepared_transactions'),
    (3, 'replication_slots'),
    (4, 'wraparound'),
    (5, 'event_triggers')),

-- state is null for what may not be seen, and for processes that have none
long_transactions AS (
    SELECT CASE WHEN query <> '<insufficient privilege>'
                THEN format('pid %s, role %s: in a transaction for %s s (%s)', pid, usename,
                            extract(epoch FROM clock_timestamp() - xact_start)::int8, state) END AS what,
           format('Whoever has a lock is waited for, and an index is built only after all that began before. Let it end, or end it: SELECT pg_terminate_backend(%s);', pid) AS hint,
           row_number() OVER (ORDER BY xact_start, pid) AS place
    FROM pg_stat_activity
    WHERE pid <> pg_backend_pid()
      AND datname = current_database()
      AND (xact_start < clock_timestamp() - long_seconds * interval '1 second' AND state IS NOT NULL
           OR query = '<insufficient privilege>')),

prepared_transactions AS (
    SELECT format('%L of role %s, prepared %s s ago', gid, owner,
                  extract(epoch FROM clock_timestamp() - prepared)::int8) AS what,
           format('Its locks stay until somebody ends it: COMMIT PREPARED %L; or ROLLBACK PREPARED %L;', gid, gid) AS hint,
           row_number() OVER (ORDER BY prepared, gid) AS place
    FROM pg_prepared_xacts
    WHERE database = current_database()
      AND prepared < clock_timestamp() - long_seconds * interval '1 second'),

-- on a standby, what it has received is what its slots are behind of; an inactive one that keeps 1 GB is worth a word
replication_slots AS (
    SELECT format('%s slot %I is %s and keeps %s of WAL%s', slot_type, slot_name,
                  CASE WHEN active THEN 'behind' ELSE 'not in use' END,
                  coalesce(pg_size_pretty(behind), 'an unknown amount'),
                  CASE wal_status WHEN 'lost' THEN ', some of which is gone'
                                  WHEN 'unreserved' THEN ', some of which is about to go' ELSE '' END) AS what,
           format('Have it read on, or give it up: SELECT pg_drop_replication_slot(%L);', slot_name) AS hint,
           row_number() OVER (ORDER BY slot_name) AS place
    FROM pg_replication_slots,
         LATERAL (SELECT pg_wal_lsn_diff(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn()
                                              ELSE pg_current_wal_lsn() END, restart_lsn)::int8 AS behind) b
    WHERE NOT active
       OR behind > 1024 * 1024 * 1024
       OR wal_status IN ('unreserved', 'lost')),

-- at this age of the database vacuum does without everything else: the default of vacuum_failsafe_age
wraparound AS (
    SELECT format('database %I is %s transactions old, and vacuum puts everything else aside', datname, age(datfrozenxid)) AS what,
           'Have vacuum finish first: VACUUM (FREEZE);' AS hint,
           1::int8 AS place
    FROM pg_database
    WHERE datname = current_database()
      AND age(datfrozenxid) > 1600000000),

event_triggers AS (
    SELECT format('%I on %s runs for every ALTER TABLE, and may refuse it', evtname, evtevent) AS what,
           format('If it is in the way: ALTER EVENT TRIGGER %I DISABLE;', evtname) AS hint,
           row_number() OVER (ORDER BY evtname) AS place
    FROM pg_event_trigger e
    WHERE evtenabled IN ('O', 'A')
      AND evtevent IN ('ddl_command_start', 'ddl_command_end')
      AND (evttags IS NULL OR 'ALTER TABLE' = ANY (evttags))
      AND NOT EXISTS (SELECT FROM pg_depend d
                      WHERE d.classid = 'pg_event_trigger'::regclass AND d.objid = e.oid AND d.deptype = 'e')),

finding AS (
    SELECT 1 AS rule, * FROM long_transactions
    UNION ALL SELECT 2, * FROM prepared_transactions
    UNION ALL SELECT 3, * FROM replication_slots
    UNION ALL SELECT 4, * FROM wraparound
    UNION ALL SELECT 5, * FROM event_triggers),

outcome AS (
    SELECT rule, 1 AS place, 'warn' AS result, string_agg(what, '; ' ORDER BY place) AS detail,
           (array_agg(hint ORDER BY place))[1] AS hint
    FROM finding WHERE what IS NOT NULL GROUP BY rule
    UNION ALL
    SELECT rule, 2, 'warn', format('%s %s of other roles could not be looked at', count(*),
                                   CASE count(*) WHEN 1 THEN 'session' ELSE 'sessions' END),
           format('To see them: GRANT pg_read_all_stats TO %I;', current_user)
    FROM finding WHERE what IS NULL GROUP BY rule)

SELECT r.check_name, coalesce(o.result, 'ok'), o.detail, o.hint
FROM rule r LEFT JOIN outcome o ON o.rule = r.place
ORDER BY r.place, o.place
$rules$;
COMMENT ON FUNCTION schemaguard.sg_server_check(float8)
    IS 'rules of sg_plan_check() about the server, as queries: what it finds, and what mends it; a transaction is long from so many seconds on';
-- Taking back what a plan has done
CREATE PROCEDURE sg_rollback_fks(plan text, author text DEFAULT NULL, fail boolean DEFAULT false, steps int[] DEFAULT NULL)
LANGUAGE c
AS 'MODULE_PATHNAME', 'sg_rollback_fks';
COMMENT ON PROCEDURE sg_rollback_fks(text, text, boolean, int[])
    IS 'take back what a plan did, in reverse: keys, rows, indexes; what others have changed since is left alone';
-- Proof: do the keys that are there do what they should, and what do they cost?
CREATE FUNCTION sg_verify_fks(
    plan text DEFAULT NULL,
    live boolean DEFAULT false,
    steps int[] DEFAULT NULL,
    OUT fk_name      name,
    OUT test         text,
    OUT result       text,
    OUT expected     text,
    OUT observed     text,
    OUT child_table  text,
    OUT parent_table text,
    OUT reason       text)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_verify_fks';
COMMENT ON FUNCTION sg_verify_fks(text, boolean, int[])
    IS 'are the keys there, valid and armed, as planned? live: attempts on the real tables, always rolled back';

CREATE FUNCTION sg_measure_overhead(
    plan   text,
    sample int DEFAULT 1000,
    rounds int DEFAULT 9,
    steps  int[] DEFAULT NULL,
    OUT step          int,
    OUT fk_name       name,
    OUT operation     text,
    OUT ratio         float8,
    OUT rows          bigint,
    OUT without_us    float8,
    OUT without_q1_us float8,
    OUT without_q3_us float8,
    OUT with_us       float8,
    OUT with_q1_us    float8,
    OUT with_q3_us    float8,
    OUT child_table   text,
    OUT parent_table  text,
    OUT reason        text)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_measure_overhead';
COMMENT ON FUNCTION sg_measure_overhead(text, int, int, int[])
    IS 'microseconds per row without and with each key of a plan, measured on temporary copies';
-- Discovery: the foreign keys that are missing

CREATE TABLE schemaguard.discovery_weight (
    signal text NOT NULL,
    weight float8 NOT NULL,
    -- fitted on real schemas; a row of the user's own counts instead
    source text NOT NULL DEFAULT 'user' CHECK (source IN ('fitted', 'user')),
    PRIMARY KEY (signal, source)
);
COMMENT ON TABLE schemaguard.discovery_weight
    IS 'what each signal of discovery weighs; add a row of source user to change one';
COMMENT ON COLUMN schemaguard.discovery_weight.signal IS 'name of the signal, as in evidence of sg_discover_fks';
COMMENT ON COLUMN schemaguard.discovery_weight.weight IS 'what it adds to the sum; of calibration rows, the chance that a proposal is right';
COMMENT ON COLUMN schemaguard.discovery_weight.source IS 'fitted: as shipped; user: counts instead';
GRANT SELECT ON schemaguard.discovery_weight TO PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('schemaguard.discovery_weight', 'WHERE source = ''user''');

CREATE FUNCTION schemaguard.sg_discovery_candidates(
    verify text DEFAULT 'none',
    OUT competition    int,
    OUT child_table    text,
    OUT child_columns  text[],
    OUT parent_table   text,
    OUT parent_columns text[],
    OUT score          float8,
    OUT signals        text[],
    OUT "values"       float4[])
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_discovery_candidates';
COMMENT ON FUNCTION schemaguard.sg_discovery_candidates(text)
    IS 'every candidate of discovery with its signals, as the weights are fitted from them';

CREATE TABLE schemaguard.discovery_feedback (
    id            bigint PRIMARY KEY,
    verdict       text NOT NULL CHECK (verdict IN ('accepted', 'rejected')),
    -- as sg_discover_fks shows them, columns joined by commas; null is any
    child_table   text,
    child_columns text,
    parent_table  text,
    -- these three are regular expressions; one that is malformed raises 2201B here
    pattern       boolean NOT NULL DEFAULT false,
    note          text,
    role          text NOT NULL DEFAULT CURRENT_USER,
    at            timestamptz NOT NULL DEFAULT pg_catalog.now(),
    CHECK (child_table IS NOT NULL OR child_columns IS NOT NULL OR parent_table IS NOT NULL),
    -- a test that no planner takes for always true
    CHECK (NOT pattern OR child_table IS NULL OR pg_catalog.length(pg_catalog.regexp_replace('', child_table, '')) OPERATOR(pg_catalog.>=) 0),
    CHECK (NOT pattern OR child_columns IS NULL OR pg_catalog.length(pg_catalog.regexp_replace('', child_columns, '')) OPERATOR(pg_catalog.>=) 0),
    CHECK (NOT pattern OR parent_table IS NULL OR pg_catalog.length(pg_catalog.regexp_replace('', parent_table, '')) OPERATOR(pg_catalog.>=) 0)
);
CREATE SEQUENCE schemaguard.discovery_feedback_id_seq OWNED BY schemaguard.discovery_feedback.id;
ALTER TABLE schemaguard.discovery_feedback
    ALTER COLUMN id SET DEFAULT pg_catalog.nextval('schemaguard.discovery_feedback_id_seq');
COMMENT ON TABLE schemaguard.discovery_feedback
    IS 'proposals of discovery that were accepted or rejected; its owner writes it, and may grant that';
COMMENT ON COLUMN schemaguard.discovery_feedback.id IS 'number of the row';
COMMENT ON COLUMN schemaguard.discovery_feedback.verdict IS 'accepted or rejected';
COMMENT ON COLUMN schemaguard.discovery_feedback.child_table IS 'the child, as sg_discover_fks shows it; null: any';
COMMENT ON COLUMN schemaguard.discovery_feedback.child_columns IS 'its columns, joined by commas; null: any';
COMMENT ON COLUMN schemaguard.discovery_feedback.parent_table IS 'the parent; null: any';
COMMENT ON COLUMN schemaguard.discovery_feedback.pattern IS 'are these three regular expressions?';
COMMENT ON COLUMN schemaguard.discovery_feedback.note IS 'why, for people';
COMMENT ON COLUMN schemaguard.discovery_feedback.role IS 'who said so';
COMMENT ON COLUMN schemaguard.discovery_feedback.at IS 'when';
GRANT SELECT ON schemaguard.discovery_feedback TO PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('schemaguard.discovery_feedback', '');
SELECT pg_catalog.pg_extension_config_dump('schemaguard.discovery_feedback_id_seq', '');

CREATE FUNCTION sg_discover_fks(
    child     regclass DEFAULT NULL,
    min_score float8 DEFAULT 0.4,
    verify    text DEFAULT 'sample',
    schemas   text[] DEFAULT NULL,
    OUT score            float8,
    OUT result           text,
    OUT child_table      text,
    OUT child_columns    text[],
    OUT parent_table     text,
    OUT parent_columns   text[],
    OUT orphan_rows      bigint,
    OUT rows_checked     bigint,
    OUT why              text,
    OUT reason           text,
    OUT on_delete        text,
    OUT on_delete_reason text,
    OUT index            boolean,
    OUT index_reason     text,
    OUT evidence         jsonb)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_discover_fks';
COMMENT ON FUNCTION sg_discover_fks(regclass, float8, text, text[])
    IS 'the foreign keys that are missing, with the chance that each is right, and why';

CREATE FUNCTION sg_discover_unmatched(
    schemas text[] DEFAULT NULL,
    OUT table_name text,
    OUT columns    text[],
    OUT reason     text)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_discover_unmatched';
COMMENT ON FUNCTION sg_discover_unmatched(text[])
    IS 'columns that look like a reference and match nothing';

CREATE FUNCTION sg_plan_from_discovery(plan text, min_score float8 DEFAULT 0.8)
RETURNS int
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_plan_from_discovery';
COMMENT ON FUNCTION sg_plan_from_discovery(text, float8)
    IS 'add the keys that discovery proposes to a plan; returns the number of steps added';
-- What each signal of discovery weighs, by the model of test/bench/discover/fit.pl: do not edit, fit again.
INSERT INTO schemaguard.discovery_weight (signal, weight, source) VALUES
    ('abbreviation', -0.5878, 'fitted'),
    ('abbreviation by letters', -0.5994, 'fitted'),
    ('abbreviation, bare number', -0.2287, 'fitted'),
    ('abbreviation, bare text', -0.2891, 'fitted'),
    ('abbreviation, id', -0.0814, 'fitted'),
    ('another row', 0.1904, 'fitted'),
    ('another row, bare number', 0.5854, 'fitted'),
    ('another row, bare text', -0.2757, 'fitted'),
    ('another row, id', -0.0902, 'fitted'),
    ('bare general text', -0.1490, 'fitted'),
    ('bare key name', -0.3632, 'fitted'),
    ('bare text', -0.6946, 'fitted'),
    ('beginning of table name', -1.6090, 'fitted'),
    ('begins with id', 0.2315, 'fitted'),
    ('borrowed key', -1.3329, 'fitted'),
    ('by', 0.2494, 'fitted'),
    ('calibration 0.0', 0.0054, 'fitted'),
    ('calibration 0.1', 0.0426, 'fitted'),
    ('calibration 0.2', 0.1468, 'fitted'),
    ('calibration 0.3', 0.3579, 'fitted'),
    ('calibration 0.4', 0.4892, 'fitted'),
    ('calibration 0.5', 0.6068, 'fitted'),
    ('calibration 0.6', 0.6573, 'fitted'),
    ('calibration 0.7', 0.7288, 'fitted'),
    ('calibration 0.8', 0.7787, 'fitted'),
    ('calibration 0.9', 0.8684, 'fitted'),
    ('calibration 1.0', 0.9281, 'fitted'),
    ('candidate', -2.6030, 'fitted'),
    ('central parent', -0.6770, 'fitted'),
    ('child of the key''s table', 0.6686, 'fitted'),
    ('child of the parent', 0.6390, 'fitted'),
    ('child without key', -0.4223, 'fitted'),
    ('child''s key too', -0.6577, 'fitted'),
    ('child''s name', -1.1104, 'fitted'),
    ('child''s name within', -0.2496, 'fitted'),
    ('child''s own key', -1.0306, 'fitted'),
    ('child''s primary key', -1.8709, 'fitted'),
    ('copy', -1.3108, 'fitted'),
    ('date', 0.3067, 'fitted'),
    ('declared elsewhere', 0.2487, 'fitted'),
    ('declared otherwise', -0.8943, 'fitted'),
    ('decorated', -0.7822, 'fitted'),
    ('doer', -0.3969, 'fitted'),
    ('end of table name', -0.4842, 'fitted'),
    ('end of table name after role', -0.8043, 'fitted'),
    ('end of table name after role, bare number', -0.7006, 'fitted'),
    ('end of table name after role, bare text', -0.4005, 'fitted'),
    ('end of table name after role, id', 0.3022, 'fitted'),
    ('end of table name, bare number', -0.3044, 'fitted'),
    ('end of table name, bare text', -0.3968, 'fitted'),
    ('end of table name, id', 0.3662, 'fitted'),
    ('ends in code', -0.1288, 'fitted'),
    ('ends in id', 0.4683, 'fitted'),
    ('ends in key', -0.0458, 'fitted'),
    ('ends in name', -0.6264, 'fitted'),
    ('extension', -1.3248, 'fitted'),
    ('extension by its word', 1.2128, 'fitted'),
    ('extension in another schema', 0.7472, 'fitted'),
    ('first letter', 0.9876, 'fitted'),
    ('first of that name', 0.3876, 'fitted'),
    ('general names', -1.5659, 'fitted'),
    ('general word', -0.5060, 'fitted'),
    ('group', -3.0161, 'fitted'),
    ('group with a name', 1.7522, 'fitted'),
    ('group with prefix', 0.0828, 'fitted'),
    ('habit', 1.0219, 'fitted'),
    ('in the child''s key', -0.1060, 'fitted'),
    ('indexed', 0.0627, 'fitted'),
    ('initials', 0.4269, 'fitted'),
    ('initials and words', 0.2479, 'fitted'),
    ('initials before key', 0.4431, 'fitted'),
    ('inside of a word', -0.0473, 'fitted'),
    ('inside of the table''s word', -0.0596, 'fitted'),
    ('key abbreviated', 0.1578, 'fitted'),
    ('key and table name', 0.0792, 'fitted'),
    ('key made for references', -0.6978, 'fitted'),
    ('key name', -0.3909, 'fitted'),
    ('key name after role', -0.0987, 'fitted'),
    ('key name after role, bare number', 0.0651, 'fitted'),
    ('key name after role, bare text', -0.2646, 'fitted'),
    ('key name after role, id', 0.2860, 'fitted'),
    ('key name inside of a word', 0.2742, 'fitted'),
    ('key name, bare number', -0.0069, 'fitted'),
    ('key name, bare text', -0.0986, 'fitted'),
    ('key name, id', 0.2217, 'fitted'),
    ('key of the same table after role', 0.0419, 'fitted'),
    ('kinds of the column', 1.0290, 'fitted'),
    ('link table', 1.2355, 'fitted'),
    ('log', -1.1963, 'fitted'),
    ('made of references', -0.2852, 'fitted'),
    ('name of one key', 0.5861, 'fitted'),
    ('name of one key recurs', -0.5271, 'fitted'),
    ('named as a quantity', -1.2612, 'fitted'),
    ('named by another column', -0.6248, 'fitted'),
    ('not indexed', -0.9838, 'fitted'),
    ('not null', 0.3685, 'fitted'),
    ('number of', -0.6359, 'fitted'),
    ('only one', 0.1161, 'fitted'),
    ('only one, bare number', 0.1579, 'fitted'),
    ('only one, bare text', -0.2633, 'fitted'),
    ('only one, id', 0.4443, 'fitted'),
    ('other ending', -1.2243, 'fitted'),
    ('other family', -1.0906, 'fitted'),
    ('other family, key name', -0.4271, 'fitted'),
    ('other length', -1.7253, 'fitted'),
    ('other row of the same table', 0.6916, 'fitted'),
    ('other schema', -0.3734, 'fitted'),
    ('own name', -1.0248, 'fitted'),
    ('own prefix', 0.7666, 'fitted'),
    ('own prefix, bare number', 0.3220, 'fitted'),
    ('own prefix, bare text', 0.2248, 'fitted'),
    ('own prefix, id', 0.1328, 'fitted'),
    ('parent has it too', -1.0547, 'fitted'),
    ('parent is a log', -0.3816, 'fitted'),
    ('parent with a general name', 0.0108, 'fitted'),
    ('parent''s columns in child', -1.3535, 'fitted'),
    ('parent''s name in the group', 0.9265, 'fitted'),
    ('parent''s own key', -0.0909, 'fitted'),
    ('parent''s primary key', 1.6326, 'fitted'),
    ('part of child''s key', 0.6579, 'fitted'),
    ('part of the child''s name', 1.5567, 'fitted'),
    ('picture', 0.0824, 'fitted'),
    ('plural', -0.9560, 'fitted'),
    ('quantity', -0.3552, 'fitted'),
    ('rare names', 0.1247, 'fitted'),
    ('recurs', -0.3949, 'fitted'),
    ('references per table', 0.2699, 'fitted'),
    ('references per table, spread', 0.3701, 'fitted'),
    ('related names', 0.0437, 'fitted'),
    ('rest in child''s name', 0.4473, 'fitted'),
    ('row before or above', 0.1954, 'fitted'),
    ('row of the own name', 0.4026, 'fitted'),
    ('same ending', 0.2594, 'fitted'),
    ('same family', -0.1437, 'fitted'),
    ('same table', -1.0557, 'fitted'),
    ('same table after role', 0.0480, 'fitted'),
    ('same table, not null', -1.6157, 'fitted'),
    ('same type', 1.3648, 'fitted'),
    ('share of child''s name', 0.5160, 'fitted'),
    ('share of table name', 0.0303, 'fitted'),
    ('shared key name', -0.9208, 'fitted'),
    ('shorter', -1.9609, 'fitted'),
    ('similar ending', 0.9229, 'fitted'),
    ('somebody else works', -0.3153, 'fitted'),
    ('somebody from outside', -0.3412, 'fitted'),
    ('somebody who acts', -1.0034, 'fitted'),
    ('somebody who acts, bare number', -0.4557, 'fitted'),
    ('somebody who acts, bare text', -0.0658, 'fitted'),
    ('somebody who acts, id', -0.3103, 'fitted'),
    ('somebody who works', 0.3760, 'fitted'),
    ('style', -0.3976, 'fitted'),
    ('style of bare names', 1.2232, 'fitted'),
    ('table name', 0.7494, 'fitted'),
    ('table name after role', 0.1559, 'fitted'),
    ('table name after role, bare number', -0.3018, 'fitted'),
    ('table name after role, bare text', -0.1061, 'fitted'),
    ('table name after role, id', 0.7781, 'fitted'),
    ('table name, bare number', -0.1775, 'fitted'),
    ('table name, bare text', 0.0094, 'fitted'),
    ('table name, id', 0.6201, 'fitted'),
    ('table of people', 0.9664, 'fitted'),
    ('table of personal data', 1.5313, 'fitted'),
    ('target of another name', -0.9613, 'fitted'),
    ('target refers', -0.9324, 'fitted'),
    ('target unlike keys', -0.4296, 'fitted'),
    ('text id', -0.3475, 'fitted'),
    ('told beside', -0.8701, 'fitted'),
    ('type column', -0.4419, 'fitted'),
    ('unique in child', -0.2426, 'fitted'),
    ('unique in part', 0.1233, 'fitted'),
    ('unlike primary keys', 1.0464, 'fitted'),
    ('usual key', -0.2907, 'fitted'),
    ('usual key name', 0.0856, 'fitted'),
    ('uuid', -0.7198, 'fitted'),
    ('what the child is about', -1.0607, 'fitted'),
    ('whole key name', 0.7957, 'fitted'),
    ('whole primary key', -0.2881, 'fitted'),
    ('within a wider group', -0.4994, 'fitted'),
    ('words after', -2.2940, 'fitted'),
    ('words after a sibling''s', 0.0451, 'fitted'),
    ('words before', -0.3493, 'fitted');
-- What statistics and rows weigh in discovery. Written by test/bench/discover/fit_rows.pl: do not edit, fit again.
INSERT INTO schemaguard.discovery_weight (signal, weight, source) VALUES
    ('alone', 0.1658, 'fitted'),
    ('calibration 0.0, rows', 0.0018, 'fitted'),
    ('calibration 0.0, statistics', 0.0042, 'fitted'),
    ('calibration 0.1, rows', 0.0283, 'fitted'),
    ('calibration 0.1, statistics', 0.0359, 'fitted'),
    ('calibration 0.2, rows', 0.1727, 'fitted'),
    ('calibration 0.2, statistics', 0.1086, 'fitted'),
    ('calibration 0.3, rows', 0.3851, 'fitted'),
    ('calibration 0.3, statistics', 0.4158, 'fitted'),
    ('calibration 0.4, rows', 0.3871, 'fitted'),
    ('calibration 0.4, statistics', 0.4624, 'fitted'),
    ('calibration 0.5, rows', 0.5281, 'fitted'),
    ('calibration 0.5, statistics', 0.5379, 'fitted'),
    ('calibration 0.6, rows', 0.6508, 'fitted'),
    ('calibration 0.6, statistics', 0.5399, 'fitted'),
    ('calibration 0.7, rows', 0.8200, 'fitted'),
    ('calibration 0.7, statistics', 0.6778, 'fitted'),
    ('calibration 0.8, rows', 0.8579, 'fitted'),
    ('calibration 0.8, statistics', 0.7985, 'fitted'),
    ('calibration 0.9, rows', 0.9471, 'fitted'),
    ('calibration 0.9, statistics', 0.9423, 'fitted'),
    ('calibration 1.0, rows', 0.9887, 'fitted'),
    ('calibration 1.0, statistics', 0.9838, 'fitted'),
    ('few orphans', -0.3967, 'fitted'),
    ('few values', -3.5577, 'fitted'),
    ('gaps are avoided', 1.7648, 'fitted'),
    ('made in time', 0.5932, 'fitted'),
    ('names beside rows', -0.9647, 'fitted'),
    ('no value recurs', -3.0089, 'fitted'),
    ('numbers end early', -3.7536, 'fitted'),
    ('older than the parent', -0.4965, 'fitted'),
    ('orphans', -4.3965, 'fitted'),
    ('rows', 1.4231, 'fitted'),
    ('rows of an own key', -0.9554, 'fitted'),
    ('rows, few values', -0.8410, 'fitted'),
    ('rows, most', 0.1320, 'fitted'),
    ('rows, no numbers', -0.3460, 'fitted'),
    ('rows, no value recurs', 0.0244, 'fitted'),
    ('rows, numbers', -0.1047, 'fitted'),
    ('rows, numbers end early', -1.3655, 'fitted'),
    ('rows, share of parents', 1.0349, 'fitted'),
    ('rows, sparse own key', 1.5563, 'fitted'),
    ('rows, sparse parent', 1.4649, 'fitted'),
    ('rows, together', 1.3263, 'fitted'),
    ('share of orphans', -2.4800, 'fitted'),
    ('statistics', 2.1274, 'fitted'),
    ('too many values', -2.0466, 'fitted'),
    ('values listed', 1.6051, 'fitted'),
    ('values outside', -6.6750, 'fitted');
-- Drift: how two snapshots, or a snapshot and this database, differ
CREATE FUNCTION sg_drift(
    reference text,
    target    text DEFAULT 'live',
    schemas   text[] DEFAULT NULL,
    cosmetic  boolean DEFAULT false,
    OUT kind     text,
    OUT object   text,
    OUT change   text,
    OUT class    text,
    OUT risk     text,
    OUT property text,
    OUT expected text,
    OUT actual   text,
    OUT detail   text)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_drift';
COMMENT ON FUNCTION sg_drift(text, text, text[], boolean)
    IS 'how the target differs from the reference, by meaning; each is a snapshot or ''live''';
-- Drift, day by day: checks with a history, several environments at once

-- What is meant to differ. Patterns are names in which * is any text and ? any character.
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
COMMENT ON TABLE schemaguard.drift_ignore IS 'differences that checks for drift leave out, why, and until when';
COMMENT ON COLUMN schemaguard.drift_ignore.kind IS 'pattern for the kind of object';
COMMENT ON COLUMN schemaguard.drift_ignore.object IS 'pattern for the object';
COMMENT ON COLUMN schemaguard.drift_ignore.reason IS 'why it is meant to differ';
COMMENT ON COLUMN schemaguard.drift_ignore.until IS 'the entry counts no more after this time; null: for good';
COMMENT ON COLUMN schemaguard.drift_ignore.change IS 'pattern for the change';
COMMENT ON COLUMN schemaguard.drift_ignore.property IS 'pattern for the property; of a whole object that is empty';
COMMENT ON COLUMN schemaguard.drift_ignore.added_by IS 'who added it';
COMMENT ON COLUMN schemaguard.drift_ignore.added_at IS 'when';
-- It hides drift from everybody's checks: for the owner of the database, who can give it to others.
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
    elapsed_ms float8 NOT NULL
);
CREATE SEQUENCE schemaguard.drift_run_id_seq OWNED BY schemaguard.drift_run.id;
ALTER TABLE schemaguard.drift_run ALTER COLUMN id SET DEFAULT pg_catalog.nextval('schemaguard.drift_run_id_seq');
CREATE INDEX drift_run_history_idx ON schemaguard.drift_run (role, reference, target, id);
COMMENT ON TABLE schemaguard.drift_run IS 'checks for drift, and how much they found';
COMMENT ON COLUMN schemaguard.drift_run.id IS 'number of the check';
COMMENT ON COLUMN schemaguard.drift_run.run_id IS 'the call, as in audit_log';
COMMENT ON COLUMN schemaguard.drift_run.at IS 'when it began';
COMMENT ON COLUMN schemaguard.drift_run.role IS 'the role whose privileges were used';
COMMENT ON COLUMN schemaguard.drift_run.reference IS 'the snapshot that says what should be';
COMMENT ON COLUMN schemaguard.drift_run.target IS 'what was compared with it';
COMMENT ON COLUMN schemaguard.drift_run.result IS 'pass, fail or unknown';
COMMENT ON COLUMN schemaguard.drift_run.drifts IS 'drift, extra and unknown together: what the check returned';
COMMENT ON COLUMN schemaguard.drift_run.drift IS 'differences of class drift';
COMMENT ON COLUMN schemaguard.drift_run.extra IS 'differences of class extra';
COMMENT ON COLUMN schemaguard.drift_run.unknown IS 'differences of class unknown';
COMMENT ON COLUMN schemaguard.drift_run.cosmetic IS 'differences of class cosmetic';
COMMENT ON COLUMN schemaguard.drift_run.unmanaged IS 'differences of class unmanaged';
COMMENT ON COLUMN schemaguard.drift_run.ignored IS 'differences that schemaguard.drift_ignore hides';
COMMENT ON COLUMN schemaguard.drift_run.appeared IS 'items that the check before did not find';
COMMENT ON COLUMN schemaguard.drift_run.gone IS 'items that only the check before found';
COMMENT ON COLUMN schemaguard.drift_run.notified IS 'was anybody notified?';
COMMENT ON COLUMN schemaguard.drift_run.problems IS 'what is wrong with entries of schemaguard.drift_ignore';
COMMENT ON COLUMN schemaguard.drift_run.elapsed_ms IS 'how many milliseconds it took';

CREATE TABLE schemaguard.drift_item (
    id          bigint PRIMARY KEY,
    role        text NOT NULL,
    reference   text NOT NULL,
    target      text NOT NULL,
    kind        text NOT NULL,
    object      text NOT NULL,
    change      text NOT NULL,
    property    text,
    expected    text,
    actual      text,
    class       text NOT NULL,
    risk        text,
    detail      text,
    first_seen  timestamptz NOT NULL,
    last_seen   timestamptz NOT NULL,
    gone_at     timestamptz,                -- the first check that did not find it any more
    first_run   bigint NOT NULL,
    last_run    bigint NOT NULL,
    gone_run    bigint,
    fingerprint bytea NOT NULL              -- of the columns from kind to class
);
CREATE SEQUENCE schemaguard.drift_item_id_seq OWNED BY schemaguard.drift_item.id;
ALTER TABLE schemaguard.drift_item ALTER COLUMN id SET DEFAULT pg_catalog.nextval('schemaguard.drift_item_id_seq');
CREATE UNIQUE INDEX drift_item_open_key ON schemaguard.drift_item (role, reference, target, fingerprint)
    WHERE gone_at IS NULL;
CREATE INDEX drift_item_gone_idx ON schemaguard.drift_item (gone_run) WHERE gone_run IS NOT NULL;
COMMENT ON TABLE schemaguard.drift_item IS 'differences that checks for drift found, from the first to the last time in a row';
COMMENT ON COLUMN schemaguard.drift_item.id IS 'number of the item';
COMMENT ON COLUMN schemaguard.drift_item.role IS 'whose checks found it';
COMMENT ON COLUMN schemaguard.drift_item.reference IS 'the snapshot that says what should be';
COMMENT ON COLUMN schemaguard.drift_item.target IS 'what was compared with it';
COMMENT ON COLUMN schemaguard.drift_item.kind IS 'kind of object, as in sg_drift';
COMMENT ON COLUMN schemaguard.drift_item.object IS 'the object';
COMMENT ON COLUMN schemaguard.drift_item.change IS 'missing, extra, changed or renamed';
COMMENT ON COLUMN schemaguard.drift_item.property IS 'what differs; null: the whole object';
COMMENT ON COLUMN schemaguard.drift_item.expected IS 'as the reference has it';
COMMENT ON COLUMN schemaguard.drift_item.actual IS 'as the target has it';
COMMENT ON COLUMN schemaguard.drift_item.class IS 'drift, extra or unknown';
COMMENT ON COLUMN schemaguard.drift_item.risk IS 'safe, blocking or lossy: what the repair would take';
COMMENT ON COLUMN schemaguard.drift_item.detail IS 'evidence, and what goes along';
COMMENT ON COLUMN schemaguard.drift_item.first_seen IS 'the first check that found it';
COMMENT ON COLUMN schemaguard.drift_item.last_seen IS 'the last check that found it';
COMMENT ON COLUMN schemaguard.drift_item.gone_at IS 'the first check that did not find it any more; null: still there';
COMMENT ON COLUMN schemaguard.drift_item.first_run IS 'id of the first check in drift_run';
COMMENT ON COLUMN schemaguard.drift_item.last_run IS 'id of the last check that found it';
COMMENT ON COLUMN schemaguard.drift_item.gone_run IS 'id of the first check that did not find it any more';
COMMENT ON COLUMN schemaguard.drift_item.fingerprint IS 'hash of the columns from kind to class';

-- A role sees its own checks, pg_monitor all, as in audit_log.
ALTER TABLE schemaguard.drift_run ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_runs ON schemaguard.drift_run FOR SELECT
    USING (role OPERATOR(pg_catalog.=) CURRENT_USER::pg_catalog.text
           OR pg_catalog.pg_has_role(CURRENT_USER, 'pg_monitor', 'MEMBER'));
ALTER TABLE schemaguard.drift_item ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_runs ON schemaguard.drift_item FOR SELECT
    USING (role OPERATOR(pg_catalog.=) CURRENT_USER::pg_catalog.text
           OR pg_catalog.pg_has_role(CURRENT_USER, 'pg_monitor', 'MEMBER'));
GRANT SELECT ON schemaguard.drift_run, schemaguard.drift_item TO PUBLIC;

SELECT pg_catalog.pg_extension_config_dump('schemaguard.drift_ignore', '');
SELECT pg_catalog.pg_extension_config_dump('schemaguard.drift_run', '');
SELECT pg_catalog.pg_extension_config_dump('schemaguard.drift_run_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('schemaguard.drift_item', '');
SELECT pg_catalog.pg_extension_config_dump('schemaguard.drift_item_id_seq', '');

CREATE FUNCTION sg_drift_check(reference text, target text DEFAULT 'live', fail boolean DEFAULT false)
RETURNS bigint
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_drift_check';
COMMENT ON FUNCTION sg_drift_check(text, text, boolean)
    IS 'compare with a snapshot, keep what was found and tell listeners what is new; returns the number of drifts';

CREATE PROCEDURE sg_drift_gate(reference text, target text DEFAULT 'live')
LANGUAGE c
AS 'MODULE_PATHNAME', 'sg_drift_gate';
COMMENT ON PROCEDURE sg_drift_gate(text, text)
    IS 'the same, committed, and an error if there is drift: for CI';

CREATE FUNCTION sg_drift_matrix(
    names text[],
    OUT kind   text,
    OUT object text,
    OUT result text,
    OUT detail text,
    OUT states json)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_drift_matrix';
COMMENT ON FUNCTION sg_drift_matrix(text[])
    IS 'objects that are not the same in several snapshots, foreign servers or this database, with their state in each';
-- The foreign keys of two environments
CREATE FUNCTION sg_compare_fks(
    reference text,
    target    text DEFAULT 'live',
    OUT child_table          text,
    OUT reference_name       text,
    OUT target_name          text,
    OUT status               text,
    OUT recommendation       text,
    OUT risk                 text,
    OUT differences          text[],
    OUT reason               text,
    OUT run_on               text,
    OUT level                text,
    OUT counts               jsonb,
    OUT reference_definition text,
    OUT target_definition    text,
    OUT migration            text)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_compare_fks';
COMMENT ON FUNCTION sg_compare_fks(text, text)
    IS 'the foreign keys of two snapshots, or of one and this database: what differs, and the statements that mend it';

CREATE FUNCTION sg_plan_from_snapshot(plan text, reference text)
RETURNS int
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_plan_from_snapshot';
COMMENT ON FUNCTION sg_plan_from_snapshot(text, text)
    IS 'add the foreign keys that a snapshot has and this database lacks to a plan; returns the number of steps';
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
COMMENT ON TABLE schemaguard.ddl_log IS 'append-only: DDL of this database, while sg_capture_ddl() has it caught';
COMMENT ON COLUMN schemaguard.ddl_log.at IS 'when the command ended';
COMMENT ON COLUMN schemaguard.ddl_log.pid IS 'process ID of the session';
COMMENT ON COLUMN schemaguard.ddl_log.session_role IS 'who logged in';
COMMENT ON COLUMN schemaguard.ddl_log.role IS 'whose privileges were used';
COMMENT ON COLUMN schemaguard.ddl_log.application IS 'application_name of the session';
COMMENT ON COLUMN schemaguard.ddl_log.client_addr IS 'where it came from; null: a local socket';
COMMENT ON COLUMN schemaguard.ddl_log.event IS 'command, drop, rewrite; lost: rows that are missing here';
COMMENT ON COLUMN schemaguard.ddl_log.tag IS 'the command';
COMMENT ON COLUMN schemaguard.ddl_log.kind IS 'kind of the object, as in snapshots; null: not about one object';
COMMENT ON COLUMN schemaguard.ddl_log.object IS 'the object, as in snapshots';
COMMENT ON COLUMN schemaguard.ddl_log.parts IS 'columns, constraints and indexes of the object that the command made or changed';
COMMENT ON COLUMN schemaguard.ddl_log.statement IS 'its text without strings and comments; null: withheld';
COMMENT ON COLUMN schemaguard.ddl_log.origin IS 'direct, migration, extension or schemaguard';
COMMENT ON COLUMN schemaguard.ddl_log.origin_name IS 'name of the migration, extension or plan';
COMMENT ON COLUMN schemaguard.ddl_log.detail IS 'the new name, the reason of a rewrite, why a statement is missing';

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

CREATE FUNCTION schemaguard.sg_ddl_event() RETURNS event_trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'sg_ddl_event';
COMMENT ON FUNCTION schemaguard.sg_ddl_event() IS 'note a command for schemaguard.ddl_log';

-- One row while DDL is to be caught. A dump takes it along, and no event triggers, which are members of the extension:
-- the row makes them again.
CREATE TABLE schemaguard.ddl_capture (
    since timestamptz NOT NULL,
    role  text NOT NULL
);
COMMENT ON TABLE schemaguard.ddl_capture IS 'a row: sg_capture_ddl(true) was called';
COMMENT ON COLUMN schemaguard.ddl_capture.since IS 'when sg_capture_ddl(true) was called';
COMMENT ON COLUMN schemaguard.ddl_capture.role IS 'who called it';
GRANT SELECT ON schemaguard.ddl_capture TO PUBLIC;

CREATE FUNCTION schemaguard.sg_ddl_restored() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'sg_ddl_restored';
COMMENT ON FUNCTION schemaguard.sg_ddl_restored() IS 'make the event triggers again when a dump is restored';
CREATE TRIGGER restored AFTER INSERT ON schemaguard.ddl_capture
    FOR EACH ROW EXECUTE FUNCTION schemaguard.sg_ddl_restored();

CREATE VIEW schemaguard.ddl_capture_state AS
SELECT c.since IS NOT NULL AS wanted,
       e.active OPERATOR(pg_catalog.=) 3 AS active,
       c.since,
       c.role
FROM (SELECT pg_catalog.count(*) AS active
      FROM pg_catalog.pg_event_trigger t
      WHERE t.evtfoid OPERATOR(pg_catalog.=) 'schemaguard.sg_ddl_event()'::pg_catalog.regprocedure
        AND t.evtenabled OPERATOR(pg_catalog.<>) 'D') e
LEFT JOIN schemaguard.ddl_capture c ON true;
COMMENT ON VIEW schemaguard.ddl_capture_state IS 'is DDL to be caught, and is it caught?';
COMMENT ON COLUMN schemaguard.ddl_capture_state.wanted IS 'was sg_capture_ddl(true) called?';
COMMENT ON COLUMN schemaguard.ddl_capture_state.active IS 'are all event triggers there, and enabled?';
COMMENT ON COLUMN schemaguard.ddl_capture_state.since IS 'when it was called';
COMMENT ON COLUMN schemaguard.ddl_capture_state.role IS 'who called it';
GRANT SELECT ON schemaguard.ddl_capture_state TO PUBLIC;

CREATE FUNCTION sg_capture_ddl(enabled boolean)
RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_capture_ddl';
COMMENT ON FUNCTION sg_capture_ddl(boolean)
    IS 'write every DDL command of this database into schemaguard.ddl_log, or end that';

SELECT pg_catalog.pg_extension_config_dump('schemaguard.ddl_log', '');
SELECT pg_catalog.pg_extension_config_dump('schemaguard.ddl_capture', '');
-- Impact: what depends on an object
CREATE FUNCTION sg_impact(
    object    text,
    internals boolean DEFAULT false,
    OUT kind      text,
    OUT dependent text,
    OUT certainty text,
    OUT on_drop   text,
    OUT depth     int,
    OUT via       text,
    OUT on_change text)
RETURNS SETOF record
LANGUAGE c STABLE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_impact';
COMMENT ON FUNCTION sg_impact(text, boolean)
    IS 'everything that depends on a table, column, type or function, and what a change or a drop does to it';
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
-- Assertions for pgTAP: lines that count in its plan
CREATE FUNCTION sg_ok_no_orphans(schemas text[] DEFAULT NULL, description text DEFAULT NULL)
RETURNS text
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_ok_no_orphans';
COMMENT ON FUNCTION sg_ok_no_orphans(text[], text)
    IS 'a test of pgTAP: no declared key has orphans, none is unknown';

CREATE FUNCTION sg_ok_keys_valid(schemas text[] DEFAULT NULL, description text DEFAULT NULL)
RETURNS text
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_ok_keys_valid';
COMMENT ON FUNCTION sg_ok_keys_valid(text[], text)
    IS 'a test of pgTAP: all declared keys are enforced, armed and validated';

CREATE FUNCTION sg_ok_no_drift(reference text, target text DEFAULT 'live', description text DEFAULT NULL)
RETURNS text
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_ok_no_drift';
COMMENT ON FUNCTION sg_ok_no_drift(text, text, text)
    IS 'a test of pgTAP: nothing counts as drift, as in sg_drift_check(), but no history is written';
-- Whoever may create functions in the extension's schema can make one that a call of ours finds instead: sg_orphan_audit(text)
-- for sg_orphan_audit('orders'). Told once, here.
CREATE FUNCTION schemaguard.sg_warn_of_schema(roles text) RETURNS void
    LANGUAGE c AS 'MODULE_PATHNAME', 'sg_warn_of_schema';
SELECT schemaguard.sg_warn_of_schema(pg_catalog.string_agg(o.who, ', ' ORDER BY o.who))
FROM (SELECT DISTINCT coalesce(r.rolname::pg_catalog.text, 'PUBLIC') AS who
      FROM pg_catalog.pg_namespace n
           CROSS JOIN LATERAL (SELECT n.nspowner
                               UNION ALL
                               SELECT a.grantee FROM pg_catalog.aclexplode(n.nspacl) a
                               WHERE a.privilege_type OPERATOR(pg_catalog.=) 'CREATE') w (role)
           LEFT JOIN pg_catalog.pg_database d
               ON d.datname OPERATOR(pg_catalog.=) pg_catalog.current_database()
              AND w.role OPERATOR(pg_catalog.=) 'pg_database_owner'::pg_catalog.regrole
           LEFT JOIN pg_catalog.pg_roles r ON r.oid OPERATOR(pg_catalog.=) coalesce(d.datdba, w.role)
      WHERE n.oid OPERATOR(pg_catalog.=) '@extschema@'::pg_catalog.regnamespace AND r.rolsuper IS NOT TRUE) o;
DROP FUNCTION schemaguard.sg_warn_of_schema(text);
