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
COMMENT ON COLUMN schemaguard.plan.changed_by
    IS 'every role that had a hand in the plan, by login and by SET ROLE: none of them may approve it';
COMMENT ON COLUMN schemaguard.plan.allowed IS 'roles that sg_plan_allow lets read, run and approve it';
COMMENT ON COLUMN schemaguard.plan.options IS 'what sg_plan_option has set: settings for calls on the plan, and the policy of new steps';

CREATE TABLE schemaguard.plan_step (
    -- no foreign keys here: a parallel pg_restore fills these tables in any order
    plan               text NOT NULL,
    step               int NOT NULL,
    fk_name            text NOT NULL,
    state              text NOT NULL DEFAULT 'pending'
                       CHECK (state IN ('pending', 'added', 'validated', 'skipped', 'failed', 'rolled back', 'waiting')),
    child_table        text,                -- null: a statement that is about no table
    child_columns      text[],
    parent_table       text,                -- of foreign keys, which have it
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
    orphans            text NOT NULL CHECK (orphans IN ('stop', 'leave', 'quarantine', 'delete', 'set null', 'set')),
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
    -- what follows is not of foreign keys: see src/plan/plan_change.h
    kind               text NOT NULL DEFAULT 'foreign key'
                       CHECK (kind IN ('foreign key', 'check', 'not null', 'unique', 'column', 'default', 'index', 'statement',
                                       'drop', 'rename', 'table')),
    definition         text,
    new_name           text,
    fill               text,
    undo               text,
    done_when          text,
    keep_by            text,
    primary_key        boolean NOT NULL DEFAULT false,
    discard            boolean NOT NULL DEFAULT false,
    outside            boolean NOT NULL DEFAULT false,
    after              text[],
    phase              text,
    -- of a step that was skipped for good: it counts as done for those that need it
    skip_done          boolean NOT NULL DEFAULT false,
    -- what the step drops was not there when it was added
    missing            boolean NOT NULL DEFAULT false,
    -- of the index that the key wants: made up once, so that deployment and rollback look for this one
    index_name         text,
    -- the step's trigger is to fill rows: one that is dropped or disabled by somebody else is made anew by the next call
    fills              boolean NOT NULL DEFAULT false,
    nulls_not_distinct boolean NOT NULL DEFAULT false,
    rationale          text,
    PRIMARY KEY (plan, step),
    CHECK (kind OPERATOR(pg_catalog.<>) 'foreign key' OR
           child_table IS NOT NULL AND child_columns IS NOT NULL AND parent_table IS NOT NULL)
);
CREATE INDEX ON schemaguard.plan_step (plan, child_table);
-- Each step that is added is compared with those that have its name, or one of its index
CREATE INDEX plan_step_name_idx ON schemaguard.plan_step (plan, fk_name, child_table);
CREATE INDEX plan_step_index_name_idx ON schemaguard.plan_step (plan, index_name) WHERE index_name IS NOT NULL;
-- Whether a new step can make a circle is asked for each
CREATE INDEX plan_step_order_idx ON schemaguard.plan_step (plan)
    WHERE after OPERATOR(pg_catalog.<>) '{*}' OR kind OPERATOR(pg_catalog.=) 'rename';
-- Whether a later step has renamed or dropped what a finished step is about is asked for each of those, and whether a step of
-- the plan may do so for each that is added
CREATE INDEX plan_step_moved_idx ON schemaguard.plan_step (plan, child_table)
    WHERE kind OPERATOR(pg_catalog.=) 'rename' OR kind OPERATOR(pg_catalog.=) 'drop' OR kind OPERATOR(pg_catalog.=) 'statement';
-- Whatever ANALYZE finds in plans of one step: the next one may have thousands, and each step that is added is looked for by its name
ALTER TABLE schemaguard.plan_step ALTER COLUMN plan SET (n_distinct = 100), ALTER COLUMN fk_name SET (n_distinct = -1);
COMMENT ON TABLE schemaguard.plan_step IS 'one foreign key of a plan, or another change, and how far it has come';
COMMENT ON COLUMN schemaguard.plan_step.plan IS 'name of the plan';
COMMENT ON COLUMN schemaguard.plan_step.step IS 'number of the step within the plan';
COMMENT ON COLUMN schemaguard.plan_step.fk_name IS 'name of the constraint, or of what else the step is about';
COMMENT ON COLUMN schemaguard.plan_step.state IS 'pending, waiting, added, validated, skipped, failed or rolled back';
COMMENT ON COLUMN schemaguard.plan_step.child_table IS 'the referencing table, or that of another change, qualified and quoted';
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
COMMENT ON COLUMN schemaguard.plan_step.orphans IS
    'what to do about orphans: stop, leave, quarantine; set, which keeps old values by a primary key; delete, set null: no copy';
COMMENT ON COLUMN schemaguard.plan_step.index IS 'build an index on the child''s columns where none serves the key?';
COMMENT ON COLUMN schemaguard.plan_step.replaces IS 'name of the key that this one takes the place of';
COMMENT ON COLUMN schemaguard.plan_step.attempts IS 'how often a call has tried the step';
COMMENT ON COLUMN schemaguard.plan_step.updated_at IS 'when the step was changed last';
COMMENT ON COLUMN schemaguard.plan_step.skipped_by
    IS 'the role that skipped the step; null where a call found that it could not be done, which the next call looks at again';
COMMENT ON COLUMN schemaguard.plan_step.sentinel IS 'a value of the child''s columns that counts as null';
COMMENT ON COLUMN schemaguard.plan_step.quarantine_cascades IS 'may rows that ON DELETE would reach go into quarantine, too?';
COMMENT ON COLUMN schemaguard.plan_step.backfill IS 'expressions that fill the child''s columns where they are empty';
COMMENT ON COLUMN schemaguard.plan_step.period IS 'do the last columns compare by coverage (PERIOD, 18 and later)?';
COMMENT ON COLUMN schemaguard.plan_step.kind
    IS 'what the step is about: foreign key, check, not null, unique, column, default, index, statement, table, drop or rename';
COMMENT ON COLUMN schemaguard.plan_step.definition
    IS 'what it is, in SQL: the condition of a check, the type of a column, the expression of a default, an index from USING on, a '
        'statement; of drop and rename what kind of object';
COMMENT ON COLUMN schemaguard.plan_step.new_name IS 'what it is to be called: rename';
COMMENT ON COLUMN schemaguard.plan_step.fill
    IS 'an expression that gives rows their value: of a new column, in place of null, of rows that break a check';
COMMENT ON COLUMN schemaguard.plan_step.undo IS 'a statement that takes back a statement; null: it stays';
COMMENT ON COLUMN schemaguard.plan_step.done_when IS 'a query that is true when the statement is done already';
COMMENT ON COLUMN schemaguard.plan_step.keep_by IS 'which of duplicates stays: the first by this ORDER BY';
COMMENT ON COLUMN schemaguard.plan_step.primary_key IS 'is it a primary key?';
COMMENT ON COLUMN schemaguard.plan_step.discard IS 'is what is dropped gone at once, not kept for a while?';
COMMENT ON COLUMN schemaguard.plan_step.outside IS 'does the statement run outside of a transaction?';
COMMENT ON COLUMN schemaguard.plan_step.after IS 'names or numbers of steps that have to be done before; *: all before it';
COMMENT ON COLUMN schemaguard.plan_step.phase IS 'what the step waits for: sg_plan_release; null: nothing';
COMMENT ON COLUMN schemaguard.plan_step.skip_done IS 'does a step that was skipped count as done for those that need it?';
COMMENT ON COLUMN schemaguard.plan_step.index_name IS 'name of the index that is built for the key; null: none';
COMMENT ON COLUMN schemaguard.plan_step.nulls_not_distinct IS 'are nulls equal under the unique constraint?';
COMMENT ON COLUMN schemaguard.plan_step.fills IS 'does a trigger of the step fill rows that come without a value?';
COMMENT ON COLUMN schemaguard.plan_step.rationale IS 'why the step is to be done, for those who decide; null: nobody has said';
COMMENT ON COLUMN schemaguard.plan_step.missing IS 'was what the step drops or renames not there when it was added?';

CREATE TABLE schemaguard.plan_note (
    plan   text NOT NULL,
    line   int NOT NULL,                    -- of the script; 0 where the note is about the whole
    reason text NOT NULL,
    id     bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    tag    text                             -- of a statement that was left alone, such as CREATE VIEW
);
CREATE INDEX ON schemaguard.plan_note (plan);
COMMENT ON TABLE schemaguard.plan_note IS 'what sg_plan_from_sql left alone in a script, and why';
COMMENT ON COLUMN schemaguard.plan_note.plan IS 'name of the plan';
COMMENT ON COLUMN schemaguard.plan_note.line IS 'line of the script; 0: about the whole';
COMMENT ON COLUMN schemaguard.plan_note.reason IS 'what was left alone, and why';
COMMENT ON COLUMN schemaguard.plan_note.id IS 'number of the row';
COMMENT ON COLUMN schemaguard.plan_note.tag IS 'kind of a statement that was left alone; null: the note is about something else';

-- Deeds of plans, as rollback and the recovery of interrupted builds read it: names and definitions, which are compared with the
-- catalog, and no statement.  OIDs, which a restore and REINDEX CONCURRENTLY change, stand beside them with the system identifier
-- and the database in which they count.
CREATE TABLE schemaguard.plan_deed (
    id            bigint PRIMARY KEY,
    plan_id       bigint NOT NULL,          -- a plan that is made anew under its name has another one
    step          int NOT NULL,
    kind          text NOT NULL CHECK (kind IN ('add', 'replace', 'index', 'columns', 'change', 'delete', 'set null', 'set')),
    object        text NOT NULL,            -- as in audit_log
    undo          text NOT NULL CHECK (undo IN ('drop key', 'restore key', 'drop index', 'drop columns', 'change back', 'nothing')),
    before        jsonb,                    -- what it has taken away, by the words of plan_step
    after         jsonb,                    -- what it has made
    rows_affected bigint,                   -- deleted, set to null, changed, without a copy; or with a value that was set
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
COMMENT ON COLUMN schemaguard.plan_deed.kind
    IS 'what was done: a key added, an old key replaced, an index built, columns added, another change, rows deleted or set to null';
COMMENT ON COLUMN schemaguard.plan_deed.object IS 'to what, as in audit_log';
COMMENT ON COLUMN schemaguard.plan_deed.undo IS 'what sg_rollback_fks does about it';
COMMENT ON COLUMN schemaguard.plan_deed.before IS 'what it has taken away';
COMMENT ON COLUMN schemaguard.plan_deed.after IS 'what it has made';
COMMENT ON COLUMN schemaguard.plan_deed.rows_affected IS 'rows deleted, set to null, changed, without a copy; or with a value that was set';
COMMENT ON COLUMN schemaguard.plan_deed.begun_at IS 'when it was begun';
COMMENT ON COLUMN schemaguard.plan_deed.done_at IS 'when it was done; null for a build of an index that has not said so';
COMMENT ON COLUMN schemaguard.plan_deed.undone_at IS 'when it was taken back, or seen to be nothing of the plan''s any more';
COMMENT ON COLUMN schemaguard.plan_deed.outcome IS 'which of that: taken back, gone, left alone, done again';
COMMENT ON COLUMN schemaguard.plan_deed.log_id IS 'the row of audit_log that began it, unless that was pruned';

CREATE TABLE schemaguard.plan_value (
    id            bigint PRIMARY KEY,
    plan_id       bigint NOT NULL,
    step          int NOT NULL,
    row_table     text NOT NULL,
    key_columns   text[] NOT NULL,
    key           text[] NOT NULL,          -- the row, as it is once the value was set
    column_name   text NOT NULL,
    identity      text NOT NULL,            -- table, key and column by number, as the text of a deed has them
    was           text,
    value         text,
    at            timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp()
);
CREATE SEQUENCE schemaguard.plan_value_id_seq OWNED BY schemaguard.plan_value.id;
ALTER TABLE schemaguard.plan_value ALTER COLUMN id SET DEFAULT pg_catalog.nextval('schemaguard.plan_value_id_seq');
CREATE INDEX ON schemaguard.plan_value (plan_id, step);
COMMENT ON TABLE schemaguard.plan_value
    IS 'old values of rows to which policy set has given one, for a rollback; nobody but the owner reads them';
COMMENT ON COLUMN schemaguard.plan_value.id IS 'number of the value';
COMMENT ON COLUMN schemaguard.plan_value.plan_id IS 'column id of schemaguard.plan';
COMMENT ON COLUMN schemaguard.plan_value.step IS 'the step that set it';
COMMENT ON COLUMN schemaguard.plan_value.row_table IS 'the table, or partition, of the row';
COMMENT ON COLUMN schemaguard.plan_value.key_columns IS 'the columns of its primary key';
COMMENT ON COLUMN schemaguard.plan_value.key IS 'their values';
COMMENT ON COLUMN schemaguard.plan_value.column_name IS 'the column that got a value';
COMMENT ON COLUMN schemaguard.plan_value.identity IS 'table, key and column by number, and of which database these are';
COMMENT ON COLUMN schemaguard.plan_value.was IS 'what stood there';
COMMENT ON COLUMN schemaguard.plan_value.value IS 'what was set';
COMMENT ON COLUMN schemaguard.plan_value.at IS 'when that was';
-- no policy shows a row to anybody; a dump by the database's owner asks for the right all the same
ALTER TABLE schemaguard.plan_value ENABLE ROW LEVEL SECURITY;
GRANT SELECT ON schemaguard.plan_value TO PUBLIC;
GRANT SELECT ON SEQUENCE schemaguard.plan_value_id_seq TO PUBLIC;

-- A row of its own: whoever runs the plan locks none of it
CREATE TABLE schemaguard.plan_pause (
    plan text PRIMARY KEY,
    role text NOT NULL,
    at   timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp()
);
COMMENT ON TABLE schemaguard.plan_pause IS 'plans that are paused: sg_plan_pause, sg_plan_resume';
COMMENT ON COLUMN schemaguard.plan_pause.plan IS 'name of the plan';
COMMENT ON COLUMN schemaguard.plan_pause.role IS 'who has paused it';
COMMENT ON COLUMN schemaguard.plan_pause.at IS 'when';

GRANT SELECT ON schemaguard.plan, schemaguard.plan_step, schemaguard.plan_note, schemaguard.plan_deed, schemaguard.plan_pause TO PUBLIC;

-- Rows that a dump of the database takes along
SELECT pg_catalog.pg_extension_config_dump('schemaguard.plan', '');
GRANT SELECT ON SEQUENCE schemaguard.plan_id_seq TO PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('schemaguard.plan_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('schemaguard.plan_step', '');
SELECT pg_catalog.pg_extension_config_dump('schemaguard.plan_note', '');
GRANT SELECT ON SEQUENCE schemaguard.plan_note_id_seq TO PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('schemaguard.plan_note_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('schemaguard.plan_pause', '');
SELECT pg_catalog.pg_extension_config_dump('schemaguard.plan_deed', '');
GRANT SELECT ON SEQUENCE schemaguard.plan_deed_id_seq TO PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('schemaguard.plan_deed_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('schemaguard.plan_value', '');
SELECT pg_catalog.pg_extension_config_dump('schemaguard.plan_value_id_seq', '');
