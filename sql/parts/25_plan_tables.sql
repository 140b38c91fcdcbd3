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
    options     jsonb NOT NULL DEFAULT '{}',
    -- place and OID of the author's role, which counts there whatever its name is; null: a plan of 0.1.0, known by the name
    author_mark text,
    -- likewise of the roles in "allowed", in its order; none, or empty: known by the name
    allowed_marks text[] NOT NULL DEFAULT '{}'
);
CREATE SEQUENCE schemaguard.plan_id_seq OWNED BY schemaguard.plan.id;
ALTER TABLE schemaguard.plan ALTER COLUMN id SET DEFAULT pg_catalog.nextval('schemaguard.plan_id_seq');
COMMENT ON TABLE schemaguard.plan IS 'plans: named lists of foreign keys to add';
COMMENT ON COLUMN schemaguard.plan.name IS 'name of the plan, as calls take it';
COMMENT ON COLUMN schemaguard.plan.description IS 'purpose of the plan, in the words of its author';
COMMENT ON COLUMN schemaguard.plan.author IS 'role that created the plan';
COMMENT ON COLUMN schemaguard.plan.created_at IS 'time at which the plan was created';
COMMENT ON COLUMN schemaguard.plan.approved_by IS 'role that approved the plan; null: nobody, or the plan was changed since';
COMMENT ON COLUMN schemaguard.plan.approved_at IS 'time at which the plan was approved';
COMMENT ON COLUMN schemaguard.plan.id IS 'number of the plan; a plan that is recreated under the same name has another number';
COMMENT ON COLUMN schemaguard.plan.approved_hash IS 'hash of the approved content';
COMMENT ON COLUMN schemaguard.plan.changed_by
    IS 'roles that had a hand in the plan, by login and by SET ROLE: none of them may approve it';
COMMENT ON COLUMN schemaguard.plan.allowed IS 'roles that sg_plan_allow lets read, run and approve the plan';
COMMENT ON COLUMN schemaguard.plan.author_mark IS 'system, database and OID of the author''s role, which is known elsewhere by its name';
COMMENT ON COLUMN schemaguard.plan.allowed_marks IS 'system, database and OID of each role in "allowed", likewise';
COMMENT ON COLUMN schemaguard.plan.options IS 'options set by sg_plan_option: settings for calls on the plan, and the policy of new steps';

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
                                       'drop', 'rename', 'table', 'rows')),
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
    -- of the object that the step drops, as it was when the step was added: place, OID and column, by which it is known under any name
    object_mark        text,
    PRIMARY KEY (plan, step),
    CHECK (kind OPERATOR(pg_catalog.<>) 'foreign key' OR
           child_table IS NOT NULL AND child_columns IS NOT NULL AND parent_table IS NOT NULL)
);
CREATE INDEX ON schemaguard.plan_step (plan, child_table);
-- Each step that is added is compared with those that have its name, or one of its index
CREATE INDEX plan_step_name_idx ON schemaguard.plan_step (plan, fk_name, child_table);
CREATE INDEX plan_step_index_name_idx ON schemaguard.plan_step (plan, index_name) WHERE index_name IS NOT NULL;
-- Serves the question, asked for each new step, whether it can close a circle
CREATE INDEX plan_step_order_idx ON schemaguard.plan_step (plan)
    WHERE after OPERATOR(pg_catalog.<>) '{*}' OR kind OPERATOR(pg_catalog.=) 'rename';
-- Serves two questions: for each finished step, whether a later step has renamed or dropped its object; for each new step, whether
-- a step of the plan may do so
CREATE INDEX plan_step_moved_idx ON schemaguard.plan_step (plan, child_table)
    WHERE kind OPERATOR(pg_catalog.=) 'rename' OR kind OPERATOR(pg_catalog.=) 'drop' OR kind OPERATOR(pg_catalog.=) 'statement';
-- Serves each drop's question which steps of other plans take, or have yet to take, values from its object
CREATE INDEX plan_step_carry_idx ON schemaguard.plan_step (plan)
    WHERE fills OR fill IS NOT NULL OR backfill IS NOT NULL OR kind OPERATOR(pg_catalog.=) 'statement';
-- Whatever ANALYZE finds in plans of one step: the next one may have thousands, and each step that is added is looked for by its name
ALTER TABLE schemaguard.plan_step ALTER COLUMN plan SET (n_distinct = 100), ALTER COLUMN fk_name SET (n_distinct = -1);
COMMENT ON TABLE schemaguard.plan_step IS 'steps of plans, each a foreign key or another change, with their progress';
COMMENT ON COLUMN schemaguard.plan_step.plan IS 'name of the plan';
COMMENT ON COLUMN schemaguard.plan_step.step IS 'number of the step within the plan';
COMMENT ON COLUMN schemaguard.plan_step.fk_name IS 'name of the constraint, or of the other object of the step';
COMMENT ON COLUMN schemaguard.plan_step.state IS 'state of the step: pending, waiting, added, validated, skipped, failed or rolled back';
COMMENT ON COLUMN schemaguard.plan_step.child_table IS 'referencing table, or table of another change, qualified and quoted';
COMMENT ON COLUMN schemaguard.plan_step.child_columns IS 'the referencing columns';
COMMENT ON COLUMN schemaguard.plan_step.parent_table IS 'the referenced table, qualified and quoted';
COMMENT ON COLUMN schemaguard.plan_step.parent_columns IS 'the referenced columns; null: the primary key';
COMMENT ON COLUMN schemaguard.plan_step.reason IS 'reason for the state of the step';
COMMENT ON COLUMN schemaguard.plan_step.priority IS 'priority of the step: critical, high, medium or low; steps run in this order';
COMMENT ON COLUMN schemaguard.plan_step.on_delete IS 'action on DELETE of a referenced row';
COMMENT ON COLUMN schemaguard.plan_step.on_update IS 'action on UPDATE of a referenced key';
COMMENT ON COLUMN schemaguard.plan_step.match IS 'match type: simple or full';
COMMENT ON COLUMN schemaguard.plan_step."deferrable" IS 'true if the check of the key may be deferred';
COMMENT ON COLUMN schemaguard.plan_step.initially_deferred
    IS 'true if the check is deferred to the end of a transaction unless SET CONSTRAINTS says otherwise';
COMMENT ON COLUMN schemaguard.plan_step.on_delete_columns IS 'columns that ON DELETE SET NULL or SET DEFAULT sets; null: all of the key';
COMMENT ON COLUMN schemaguard.plan_step.enforced IS 'false: the key is added NOT ENFORCED (18 and later)';
COMMENT ON COLUMN schemaguard.plan_step.orphans
    IS 'policy for orphans: stop, leave, quarantine; set, with old values kept by primary key; delete, set null: no copy';
COMMENT ON COLUMN schemaguard.plan_step.index IS 'true if an index on the child''s columns is built unless one serves the key';
COMMENT ON COLUMN schemaguard.plan_step.replaces IS 'name of the key that this key replaces';
COMMENT ON COLUMN schemaguard.plan_step.attempts IS 'number of attempts at the step';
COMMENT ON COLUMN schemaguard.plan_step.updated_at IS 'time of the last change of the step';
COMMENT ON COLUMN schemaguard.plan_step.skipped_by
    IS 'role that skipped the step; null: a call found that it cannot be done, and the next call checks again';
COMMENT ON COLUMN schemaguard.plan_step.sentinel IS 'value of the child''s columns that counts as null';
COMMENT ON COLUMN schemaguard.plan_step.quarantine_cascades IS 'true if rows that ON DELETE would reach may go into quarantine, too';
COMMENT ON COLUMN schemaguard.plan_step.backfill IS 'expressions that fill empty values of the child''s columns';
COMMENT ON COLUMN schemaguard.plan_step.period IS 'true if the last columns compare by coverage (PERIOD, 18 and later)';
COMMENT ON COLUMN schemaguard.plan_step.kind
    IS 'kind of step: foreign key, check, not null, unique, column, default, index, statement, table, drop, rename or rows';
COMMENT ON COLUMN schemaguard.plan_step.definition
    IS 'SQL of the step: condition, type, expression, index from USING on, statement; for drop and rename: kind of object';
COMMENT ON COLUMN schemaguard.plan_step.new_name IS 'new name that a rename gives';
COMMENT ON COLUMN schemaguard.plan_step.fill
    IS 'expression for the rows'' values: of a new column, in place of null, or of rows that violate a check';
COMMENT ON COLUMN schemaguard.plan_step.undo IS 'statement that takes back the step''s statement; null: the step cannot be taken back';
COMMENT ON COLUMN schemaguard.plan_step.done_when IS 'query that returns true if the statement is done already';
COMMENT ON COLUMN schemaguard.plan_step.keep_by IS 'ORDER BY that decides which duplicate stays: the first one';
COMMENT ON COLUMN schemaguard.plan_step.primary_key IS 'true if the unique constraint is a primary key';
COMMENT ON COLUMN schemaguard.plan_step.discard IS 'true if a dropped object is gone at once instead of being kept for a while';
COMMENT ON COLUMN schemaguard.plan_step.outside IS 'true if the statement runs outside of a transaction';
COMMENT ON COLUMN schemaguard.plan_step.after IS 'names or numbers of the steps that have to be done before this one; *: all earlier steps';
COMMENT ON COLUMN schemaguard.plan_step.phase
    IS 'phase until whose release by sg_plan_release the step waits; null: the step does not wait';
COMMENT ON COLUMN schemaguard.plan_step.skip_done IS 'true if the step, when skipped, counts as done for the steps that need it';
COMMENT ON COLUMN schemaguard.plan_step.index_name IS 'name of the index that is built for the key; null: none';
COMMENT ON COLUMN schemaguard.plan_step.nulls_not_distinct IS 'true if nulls are equal under the unique constraint';
COMMENT ON COLUMN schemaguard.plan_step.fills IS 'true if a trigger of the step fills rows that arrive without a value';
COMMENT ON COLUMN schemaguard.plan_step.rationale IS 'reason for the step, for those who decide; null: not given';
COMMENT ON COLUMN schemaguard.plan_step.object_mark
    IS 'system, database, OID and column number of the object that the step drops; null: it is known by its name';
COMMENT ON COLUMN schemaguard.plan_step.missing IS 'true if the object that the step drops or renames was missing when the step was added';

CREATE TABLE schemaguard.plan_note (
    plan   text NOT NULL,
    line   int NOT NULL,                    -- of the script; 0 where the note is about the whole
    reason text NOT NULL,
    id     bigint GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    tag    text                             -- of a statement that was left alone, such as CREATE VIEW
);
CREATE INDEX ON schemaguard.plan_note (plan);
COMMENT ON TABLE schemaguard.plan_note IS 'statements of a script that sg_plan_from_sql left out of a plan, with the reason';
COMMENT ON COLUMN schemaguard.plan_note.plan IS 'name of the plan';
COMMENT ON COLUMN schemaguard.plan_note.line IS 'line of the script; 0: the whole script';
COMMENT ON COLUMN schemaguard.plan_note.reason IS 'content that was left out, with the reason';
COMMENT ON COLUMN schemaguard.plan_note.id IS 'number of the row';
COMMENT ON COLUMN schemaguard.plan_note.tag IS 'kind of the statement that was left out; null: the note is about something else';

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
CREATE INDEX plan_deed_reads_idx ON schemaguard.plan_deed (plan_id, step)
    WHERE undone_at IS NULL AND after OPERATOR(pg_catalog.?) 'reads';
COMMENT ON TABLE schemaguard.plan_deed IS 'deeds of plans, with the means to undo each';
COMMENT ON COLUMN schemaguard.plan_deed.id IS 'number of the deed';
COMMENT ON COLUMN schemaguard.plan_deed.plan_id IS 'id of the plan in schemaguard.plan';
COMMENT ON COLUMN schemaguard.plan_deed.step IS 'number of the step that did the deed, or to whose key an index was left';
COMMENT ON COLUMN schemaguard.plan_deed.kind
    IS 'kind of deed: key added, old key replaced, index built, columns added, another change, rows deleted or set to null';
COMMENT ON COLUMN schemaguard.plan_deed.object IS 'object of the deed, as in audit_log';
COMMENT ON COLUMN schemaguard.plan_deed.undo IS 'action of sg_rollback_fks for this deed';
COMMENT ON COLUMN schemaguard.plan_deed.before IS 'names and definitions of the objects that the deed took away';
COMMENT ON COLUMN schemaguard.plan_deed.after IS 'names and definitions of the objects that the deed made';
COMMENT ON COLUMN schemaguard.plan_deed.rows_affected
    IS 'number of rows deleted, set to null or changed without a copy, or rows that were given a value';
COMMENT ON COLUMN schemaguard.plan_deed.begun_at IS 'time at which the deed began';
COMMENT ON COLUMN schemaguard.plan_deed.done_at IS 'time at which the deed was done; null: the build of an index has not reported its end';
COMMENT ON COLUMN schemaguard.plan_deed.undone_at IS 'time at which the deed was taken back, or found to be the plan''s no longer';
COMMENT ON COLUMN schemaguard.plan_deed.outcome IS 'outcome at undone_at: taken back, gone, left alone, done again';
COMMENT ON COLUMN schemaguard.plan_deed.log_id IS 'id of the row of audit_log that began the deed; the row may have been pruned';

-- As the C functions know an author: by OID in the database where the plan was made, whatever the role is called by now, else by name
CREATE FUNCTION schemaguard.sg_plan_author(author text, author_mark text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
RETURN CASE WHEN pg_catalog.starts_with(author_mark, pg_catalog.concat(schemaguard.sg_place(), ' '))
            THEN (SELECT r.rolname::text FROM pg_catalog.pg_roles r
                  WHERE r.oid OPERATOR(pg_catalog.=) pg_catalog.split_part(author_mark, ' ', 3)::oid)
            ELSE author END;
COMMENT ON FUNCTION schemaguard.sg_plan_author(text, text)
    IS 'returns the present name of the role that made a plan; null: the role is gone';

-- Anybody can give a column such a name: it is a deed's, which knows it by OID and number, or, after a restore, by its name. What is
-- below the table has it, too.
CREATE VIEW schemaguard.kept_column WITH (security_barrier = true) AS
WITH RECURSIVE deed AS (
    SELECT (d.after OPERATOR(pg_catalog.->>) 'identity') AS identity,
           pg_catalog.parse_ident(d.after OPERATOR(pg_catalog.->>) 'child_table') AS name,
           coalesce(d.after OPERATOR(pg_catalog.->>) 'new_name',
                    pg_catalog.concat('_sg_dropped_', d.after OPERATOR(pg_catalog.->>) 'fk_name')) AS column_name
    FROM schemaguard.plan_deed d
    WHERE d.undone_at IS NULL AND d.undo OPERATOR(pg_catalog.=) 'change back'
      AND (d.after OPERATOR(pg_catalog.->>) 'kind') OPERATOR(pg_catalog.=) 'drop'
      AND (d.after OPERATOR(pg_catalog.->>) 'definition') OPERATOR(pg_catalog.=) 'column'),
kept AS (
    SELECT a.attrelid, a.attname
    FROM deed d JOIN pg_catalog.pg_attribute a
         ON a.attrelid OPERATOR(pg_catalog.=) pg_catalog.split_part(d.identity, ' ', 3)::oid
            AND a.attnum OPERATOR(pg_catalog.=) pg_catalog.substring(d.identity, '{([0-9]+)}')::int2
    WHERE pg_catalog.starts_with(d.identity, pg_catalog.concat(schemaguard.sg_place(), ' '))
    UNION
    SELECT a.attrelid, a.attname
    FROM deed d
         JOIN pg_catalog.pg_namespace n ON n.nspname OPERATOR(pg_catalog.=) d.name[1]
         JOIN pg_catalog.pg_class c ON c.relnamespace OPERATOR(pg_catalog.=) n.oid AND c.relname OPERATOR(pg_catalog.=) d.name[2]
         JOIN pg_catalog.pg_attribute a ON a.attrelid OPERATOR(pg_catalog.=) c.oid AND a.attname OPERATOR(pg_catalog.=) d.column_name
    WHERE pg_catalog.starts_with(d.identity, pg_catalog.concat(schemaguard.sg_place(), ' ')) IS NOT TRUE),
below AS (
    SELECT k.attrelid, k.attname FROM kept k WHERE pg_catalog.starts_with(k.attname::pg_catalog.text, '_sg_dropped_')
    UNION
    SELECT i.inhrelid, b.attname FROM below b JOIN pg_catalog.pg_inherits i ON i.inhparent OPERATOR(pg_catalog.=) b.attrelid)
SELECT a.attrelid AS relid, a.attnum AS number, a.attname AS name
FROM below b
     JOIN pg_catalog.pg_attribute a ON a.attrelid OPERATOR(pg_catalog.=) b.attrelid AND a.attname OPERATOR(pg_catalog.=) b.attname
WHERE NOT a.attisdropped;
GRANT SELECT ON schemaguard.kept_column TO PUBLIC;
COMMENT ON VIEW schemaguard.kept_column IS 'columns that plans have dropped, and keep for a while under another name';
COMMENT ON COLUMN schemaguard.kept_column.relid IS 'OID of the table';
COMMENT ON COLUMN schemaguard.kept_column.number IS 'number of the column';
COMMENT ON COLUMN schemaguard.kept_column.name IS 'name that the column has since it was dropped';

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
CREATE INDEX ON schemaguard.plan_value (plan_id, step, id);
COMMENT ON TABLE schemaguard.plan_value
    IS 'old values of rows to which policy set has given a new one, for a rollback; only the owner may read them';
COMMENT ON COLUMN schemaguard.plan_value.id IS 'number of the value';
COMMENT ON COLUMN schemaguard.plan_value.plan_id IS 'id of the plan in schemaguard.plan';
COMMENT ON COLUMN schemaguard.plan_value.step IS 'number of the step that set the value';
COMMENT ON COLUMN schemaguard.plan_value.row_table IS 'table, or partition, of the row';
COMMENT ON COLUMN schemaguard.plan_value.key_columns IS 'columns of the row''s primary key';
COMMENT ON COLUMN schemaguard.plan_value.key IS 'values of the row''s primary key';
COMMENT ON COLUMN schemaguard.plan_value.column_name IS 'name of the column whose value was set';
COMMENT ON COLUMN schemaguard.plan_value.identity
    IS 'table, key and column by number, with the system and database in which these numbers count';
COMMENT ON COLUMN schemaguard.plan_value.was IS 'value before the step';
COMMENT ON COLUMN schemaguard.plan_value.value IS 'value that the step set';
COMMENT ON COLUMN schemaguard.plan_value.at IS 'time of the change';
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
COMMENT ON COLUMN schemaguard.plan_pause.role IS 'role that paused the plan';
COMMENT ON COLUMN schemaguard.plan_pause.at IS 'time at which the plan was paused';

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
