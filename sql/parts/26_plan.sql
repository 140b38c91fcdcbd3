-- Plans: lists of foreign keys to add
CREATE FUNCTION sg_plan_create(plan text, description text DEFAULT '', replace boolean DEFAULT false)
RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_plan_create';
COMMENT ON FUNCTION sg_plan_create(text, text, boolean)
    IS 'creates an empty plan; with replace, empties an existing one';

CREATE FUNCTION sg_plan_from_sql(plan text, script text, strict boolean DEFAULT false)
RETURNS int
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_plan_from_sql';
COMMENT ON FUNCTION sg_plan_from_sql(text, text, boolean)
    IS 'adds the changes to tables of a SQL script to a plan; schemaguard.plan_note lists statements that were left out';

CREATE FUNCTION sg_plan_add_fk(
    plan               text,
    child_table        schemaguard.table_name,
    child_columns      schemaguard.names,
    parent_table       schemaguard.table_name,
    parent_columns     schemaguard.names DEFAULT NULL,
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
    on_delete_columns  schemaguard.names DEFAULT NULL,
    enforced           boolean DEFAULT true,
    sentinel           text DEFAULT NULL,
    quarantine_cascades boolean DEFAULT false,
    backfill           text DEFAULT NULL,
    period             boolean DEFAULT false)
RETURNS int
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_plan_add_fk';
COMMENT ON FUNCTION sg_plan_add_fk(text, schemaguard.table_name, schemaguard.names, schemaguard.table_name, schemaguard.names, text, text,
    text, text, text, boolean, text, text,
                                   boolean, boolean, schemaguard.names, boolean, text, boolean, text, boolean)
    IS 'adds one foreign key to a plan; returns the number of its step';

CREATE FUNCTION sg_plan_add(plan text, sql text, options jsonb DEFAULT '{}')
RETURNS int[]
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_plan_add';
COMMENT ON FUNCTION sg_plan_add(text, text, jsonb)
    IS 'adds the changes of one statement to a plan; returns the numbers of its steps';

CREATE FUNCTION sg_plan_set(plan text, steps schemaguard.steps, options jsonb)
RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_plan_set_options';
COMMENT ON FUNCTION sg_plan_set(text, schemaguard.steps, jsonb)
    IS 'changes options of steps, of all steps for null; state pending takes back a skip';

CREATE FUNCTION sg_plan_steps(plan text, state text DEFAULT NULL)
RETURNS int[]
LANGUAGE c STABLE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_plan_steps';
COMMENT ON FUNCTION sg_plan_steps(text, text)
    IS 'returns the numbers of the steps that are in a state, such as failed, or of all steps';

CREATE FUNCTION sg_plan_option(plan text, name text, value text)
RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_plan_option';
COMMENT ON FUNCTION sg_plan_option(text, text, text)
    IS 'gives a plan a setting of its own, such as lock_timeout, or orphans, the policy of new steps; null takes it away';

CREATE FUNCTION sg_plan_skip(plan text, steps schemaguard.steps, reason text DEFAULT NULL, done boolean DEFAULT false)
RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_plan_skip_steps';
COMMENT ON FUNCTION sg_plan_skip(text, schemaguard.steps, text, boolean)
    IS 'makes deployment skip steps, or all steps for null';

CREATE FUNCTION sg_plan_drop(plan text, force boolean DEFAULT false)
RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_plan_drop';
COMMENT ON FUNCTION sg_plan_drop(text, boolean)
    IS 'deletes a plan but none of its changes; while these can still be rolled back, only with force';

CREATE FUNCTION sg_plan_export(plan text)
RETURNS jsonb
LANGUAGE c STABLE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_plan_export';
COMMENT ON FUNCTION sg_plan_export(text)
    IS 'returns a plan as a document, without the progress of its steps in this database';

CREATE FUNCTION sg_plan_import(plan text, document anycompatible)
RETURNS int
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_plan_import';
COMMENT ON FUNCTION sg_plan_import(text, anycompatible)
    IS 'creates a plan from a document of sg_plan_export, a jsonb or its text; returns the number of its steps';

CREATE FUNCTION sg_plan_sql(plan text, steps schemaguard.steps DEFAULT NULL)
RETURNS SETOF text
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_plan_sql';
COMMENT ON FUNCTION sg_plan_sql(text, schemaguard.steps)
    IS 'returns every statement that deployment of a plan, or of some steps, would run, in order';

CREATE FUNCTION schemaguard.sg_plan_mark(plan text)
RETURNS text
LANGUAGE c STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'sg_plan_mark';
COMMENT ON FUNCTION schemaguard.sg_plan_mark(text)
    IS 'returns the suffix of names of the triggers that fill a plan''s columns, equal in databases of all encodings';

-- A trigger that fills columns belongs to a plan, or to nobody after its plan was dropped; either has a statement that ends it
CREATE FUNCTION schemaguard.sg_filler_ending(trigger oid)
RETURNS text[]
LANGUAGE c STABLE STRICT PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_filler_ending';
COMMENT ON FUNCTION schemaguard.sg_filler_ending(oid)
    IS 'returns the plan, or an empty text, of a trigger that fills columns, and the statement that ends it';

CREATE FUNCTION schemaguard.sg_fill_lacks("table" regclass, child_table text, expressions text)
RETURNS text
LANGUAGE c STABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'sg_fill_lacks';
COMMENT ON FUNCTION schemaguard.sg_fill_lacks(regclass, text, text)
    IS 'returns a relation or column that a table''s row expressions name and that is missing; null: none is known';

CREATE FUNCTION schemaguard.sg_plan_hash(plan text)
RETURNS text
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_plan_hash';
COMMENT ON FUNCTION schemaguard.sg_plan_hash(text)
    IS 'returns the hash of a plan''s current content, for sg_plan_approve';

CREATE FUNCTION sg_plan_approve(plan text, hash text DEFAULT NULL)
RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_plan_approve';
COMMENT ON FUNCTION sg_plan_approve(text, text)
    IS 'approves a plan as it stands, or only if it has this hash; refused to roles that wrote it';

CREATE FUNCTION sg_plan_pause(plan text)
RETURNS boolean
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_plan_pause';
COMMENT ON FUNCTION sg_plan_pause(text)
    IS 'makes the call that runs a plan pause, and later calls refuse; false: the plan was paused already';

CREATE FUNCTION sg_plan_resume(plan text)
RETURNS boolean
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_plan_resume';
COMMENT ON FUNCTION sg_plan_resume(text)
    IS 'lets a paused plan go on; false: the plan was not paused';

CREATE FUNCTION sg_plan_allow(plan text, role text, allowed boolean DEFAULT true)
RETURNS void
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_plan_allow';
COMMENT ON FUNCTION sg_plan_allow(text, text, boolean)
    IS 'lets a role read, run and approve a plan, or no longer';

-- Policies show a role the plans that it may use; pg_monitor sees all.  The tables' owner is not subject to the
-- policies, so that superusers' dumps hold everything.
CREATE FUNCTION schemaguard.sg_readable_plans()
RETURNS text[]
LANGUAGE c STABLE PARALLEL RESTRICTED
AS 'MODULE_PATHNAME', 'sg_readable_plans';
COMMENT ON FUNCTION schemaguard.sg_readable_plans() IS 'returns the plans that the current role may read';

ALTER TABLE schemaguard.plan ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_plans ON schemaguard.plan FOR SELECT
    USING (name OPERATOR(pg_catalog.=) ANY ((SELECT schemaguard.sg_readable_plans())::pg_catalog.text[]));
ALTER TABLE schemaguard.plan_step ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_plans ON schemaguard.plan_step FOR SELECT
    USING (plan OPERATOR(pg_catalog.=) ANY ((SELECT schemaguard.sg_readable_plans())::pg_catalog.text[]));
ALTER TABLE schemaguard.plan_note ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_plans ON schemaguard.plan_note FOR SELECT
    USING (plan OPERATOR(pg_catalog.=) ANY ((SELECT schemaguard.sg_readable_plans())::pg_catalog.text[]));
ALTER TABLE schemaguard.plan_pause ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_plans ON schemaguard.plan_pause FOR SELECT
    USING (plan OPERATOR(pg_catalog.=) ANY ((SELECT schemaguard.sg_readable_plans())::text[]));
ALTER TABLE schemaguard.plan_deed ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_plans ON schemaguard.plan_deed FOR SELECT
    USING (plan_id OPERATOR(pg_catalog.=) ANY (ARRAY(SELECT p.id FROM schemaguard.plan p)));
