-- Tables: plans, steps, notes, the log.  Their columns are part of the public interface: add at the end only.
--
-- CREATE SCHEMA without IF NOT EXISTS, here and below: were the schema there already, somebody else could own it.
CREATE SCHEMA schemaguard;
GRANT USAGE ON SCHEMA schemaguard TO PUBLIC;

CREATE TABLE schemaguard.plan (
    name        text PRIMARY KEY,
    description text NOT NULL DEFAULT '',
    author      text NOT NULL,
    created_at  timestamptz NOT NULL DEFAULT pg_catalog.now(),
    approved_by text,
    approved_at timestamptz,
    -- names the plan in locks and progress, where a text does not fit
    id          bigint NOT NULL UNIQUE,
    -- what the approval is bound to: see src/plan_approve.c
    approved_hash text,
    -- every role that had a hand in the plan, by login and by SET ROLE
    changed_by  text[] NOT NULL DEFAULT '{}',
    -- roles that may use it besides its author and the owner of its tables
    allowed     text[] NOT NULL DEFAULT '{}'
);
CREATE SEQUENCE schemaguard.plan_id_seq OWNED BY schemaguard.plan.id;
ALTER TABLE schemaguard.plan ALTER COLUMN id SET DEFAULT pg_catalog.nextval('schemaguard.plan_id_seq');
COMMENT ON TABLE schemaguard.plan IS 'plans: named lists of foreign keys to add';

CREATE TABLE schemaguard.plan_step (
    -- no foreign keys here: a parallel pg_restore fills these tables in any order
    plan               text NOT NULL,
    step               int NOT NULL,
    priority           text NOT NULL CHECK (priority IN ('critical', 'high', 'medium', 'low')),
    child_table        text NOT NULL,
    child_columns      text[] NOT NULL,
    parent_table       text NOT NULL,
    parent_columns     text[],              -- null: the parent's primary key
    fk_name            text NOT NULL,
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
    state              text NOT NULL DEFAULT 'pending'
                       CHECK (state IN ('pending', 'added', 'validated', 'skipped', 'failed', 'rolled back')),
    reason             text,
    attempts           int NOT NULL DEFAULT 0,
    updated_at         timestamptz NOT NULL DEFAULT pg_catalog.now(),
    -- the role that skipped the step for good; null where a call found that it could not be done, which the next
    -- call looks at again
    skipped_by         text,
    sentinel           text,                -- a value of the child's columns that counts as null
    quarantine_cascades boolean NOT NULL DEFAULT false,
    -- what fills child_columns where they are empty: one expression per column, over the child's row
    backfill           text,
    PRIMARY KEY (plan, step)
);
-- Each key that is added is compared with those of its table
CREATE INDEX ON schemaguard.plan_step (plan, child_table);
COMMENT ON TABLE schemaguard.plan_step IS 'one foreign key of a plan, and how far it has come';

CREATE TABLE schemaguard.plan_note (
    plan   text NOT NULL,
    line   int NOT NULL,                    -- of the script; 0 where the note is about the whole
    reason text NOT NULL
);
CREATE INDEX ON schemaguard.plan_note (plan);
COMMENT ON TABLE schemaguard.plan_note IS 'what sg_plan_from_sql left alone in a script, and why';

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

-- A role sees what was done in its name; pg_monitor sees all.  The table's owner is not subject to the policy, so
-- that superusers' dumps hold everything.
ALTER TABLE schemaguard.audit_log ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_runs ON schemaguard.audit_log FOR SELECT
    USING (role OPERATOR(pg_catalog.=) CURRENT_USER::pg_catalog.text
           OR pg_catalog.pg_has_role(CURRENT_USER, 'pg_monitor', 'MEMBER'));

GRANT SELECT ON schemaguard.plan, schemaguard.plan_step, schemaguard.plan_note, schemaguard.audit_log TO PUBLIC;

-- Not even the owner rewrites the log: only CALL sg_prune() passes this trigger.  No BEFORE INSERT trigger, so that
-- a dump can be restored.
CREATE FUNCTION schemaguard.sg_log_guard() RETURNS trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'sg_log_guard';
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON schemaguard.audit_log
    FOR EACH ROW EXECUTE FUNCTION schemaguard.sg_log_guard();
CREATE TRIGGER append_only_truncate BEFORE TRUNCATE ON schemaguard.audit_log
    FOR EACH STATEMENT EXECUTE FUNCTION schemaguard.sg_log_guard();
-- in a replica session too
ALTER TABLE schemaguard.audit_log ENABLE ALWAYS TRIGGER append_only;
ALTER TABLE schemaguard.audit_log ENABLE ALWAYS TRIGGER append_only_truncate;

-- What a dump of the database takes along
SELECT pg_catalog.pg_extension_config_dump('schemaguard.plan', '');
SELECT pg_catalog.pg_extension_config_dump('schemaguard.plan_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('schemaguard.plan_step', '');
SELECT pg_catalog.pg_extension_config_dump('schemaguard.plan_note', '');
SELECT pg_catalog.pg_extension_config_dump('schemaguard.audit_log', '');
SELECT pg_catalog.pg_extension_config_dump('schemaguard.audit_log_id_seq', '');
