-- Plans: steps that are no foreign keys. schemaguard.sg_plan_add_step() takes the fields of a step, names and values by turns.
CREATE FUNCTION schemaguard.sg_plan_add_step(plan text, kind text, VARIADIC fields text[])
RETURNS int
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_plan_add_step';
COMMENT ON FUNCTION schemaguard.sg_plan_add_step(text, text, text[])
    IS 'adds a step of any kind but foreign key to a plan; called by sg_plan_add_check() and others';

CREATE FUNCTION sg_plan_add_check(plan text, child_table schemaguard.table_name, condition text, name text DEFAULT NULL,
    priority text DEFAULT 'medium',
                                  policy text DEFAULT 'stop', child_column text DEFAULT NULL, fill text DEFAULT NULL,
                                  after schemaguard.names DEFAULT NULL, phase text DEFAULT NULL)
RETURNS int
LANGUAGE sql VOLATILE PARALLEL UNSAFE
RETURN schemaguard.sg_plan_add_step(plan, 'check', 'child_table', child_table, 'definition', condition, 'fk_name', name, 'priority',
    priority,
                            'orphans', policy, 'child_columns', CASE WHEN child_column IS NOT NULL THEN ARRAY[child_column]::text END,
                            'fill', fill, 'after', after::text, 'phase', phase);
COMMENT ON FUNCTION sg_plan_add_check(text, schemaguard.table_name, text, text, text, text, text, text, schemaguard.names, text)
    IS 'adds a CHECK to a plan; returns the number of its step';

CREATE FUNCTION sg_plan_add_not_null(plan text, child_table schemaguard.table_name, child_column text, name text DEFAULT NULL,
                                     priority text DEFAULT 'medium', policy text DEFAULT 'stop', fill text DEFAULT NULL,
                                     after schemaguard.names DEFAULT NULL, phase text DEFAULT NULL)
RETURNS int
LANGUAGE sql VOLATILE PARALLEL UNSAFE
RETURN schemaguard.sg_plan_add_step(plan, 'not null', 'child_table', child_table, 'child_columns', ARRAY[child_column]::text, 'fk_name',
    name,
                            'priority', priority, 'orphans', policy, 'fill', fill, 'after', after::text, 'phase', phase);
COMMENT ON FUNCTION sg_plan_add_not_null(text, schemaguard.table_name, text, text, text, text, text, schemaguard.names, text)
    IS 'adds NOT NULL of a column to a plan; returns the number of its step';

CREATE FUNCTION sg_plan_add_unique(plan text, child_table schemaguard.table_name, child_columns schemaguard.names, name text DEFAULT NULL,
                                   primary_key boolean DEFAULT false, priority text DEFAULT 'medium', policy text DEFAULT 'stop',
                                   keep_by text DEFAULT NULL, "deferrable" boolean DEFAULT false,
                                   initially_deferred boolean DEFAULT false, after schemaguard.names DEFAULT NULL, phase text DEFAULT NULL,
                                   nulls_not_distinct boolean DEFAULT false)
RETURNS int
LANGUAGE sql VOLATILE PARALLEL UNSAFE
RETURN schemaguard.sg_plan_add_step(plan, 'unique', 'child_table', child_table, 'child_columns', child_columns::text, 'fk_name', name,
                            'primary_key', primary_key::text, 'priority', priority, 'orphans', policy, 'keep_by', keep_by,
                            'deferrable', "deferrable"::text, 'initially_deferred', initially_deferred::text,
                            'after', after::text, 'phase', phase, 'nulls_not_distinct', nulls_not_distinct::text);
COMMENT ON FUNCTION sg_plan_add_unique(text, schemaguard.table_name, schemaguard.names, text, boolean, text, text, text, boolean, boolean,
    schemaguard.names, text, boolean)
    IS 'adds a UNIQUE constraint or a primary key to a plan; returns the number of its step';

CREATE FUNCTION sg_plan_add_column(plan text, child_table schemaguard.table_name, child_column text, type text, fill text DEFAULT NULL,
                                   priority text DEFAULT 'medium', after schemaguard.names DEFAULT NULL, phase text DEFAULT NULL)
RETURNS int
LANGUAGE sql VOLATILE PARALLEL UNSAFE
RETURN schemaguard.sg_plan_add_step(plan, 'column', 'child_table', child_table, 'child_columns', ARRAY[child_column]::text,
                            'definition', type, 'fill', fill, 'priority', priority, 'after', after::text, 'phase', phase);
COMMENT ON FUNCTION sg_plan_add_column(text, schemaguard.table_name, text, text, text, text, schemaguard.names, text)
    IS 'adds a column to a plan; returns the number of its step';

CREATE FUNCTION sg_plan_add_default(plan text, child_table schemaguard.table_name, child_column text, expression text,
                                    priority text DEFAULT 'medium', after schemaguard.names DEFAULT NULL, phase text DEFAULT NULL)
RETURNS int
LANGUAGE sql VOLATILE PARALLEL UNSAFE
RETURN schemaguard.sg_plan_add_step(plan, 'default', 'child_table', child_table, 'child_columns', ARRAY[child_column]::text,
                            'definition', expression, 'priority', priority, 'after', after::text, 'phase', phase);
COMMENT ON FUNCTION sg_plan_add_default(text, schemaguard.table_name, text, text, text, schemaguard.names, text)
    IS 'adds the default of a column to a plan, null to take one away; returns the number of its step';

CREATE FUNCTION sg_plan_add_index(plan text, child_table schemaguard.table_name, definition text, name text DEFAULT NULL,
                                  priority text DEFAULT 'medium', after schemaguard.names DEFAULT NULL, phase text DEFAULT NULL)
RETURNS int
LANGUAGE sql VOLATILE PARALLEL UNSAFE
RETURN schemaguard.sg_plan_add_step(plan, 'index', 'child_table', child_table, 'definition', definition, 'fk_name', name,
                            'priority', priority, 'after', after::text, 'phase', phase);
COMMENT ON FUNCTION sg_plan_add_index(text, schemaguard.table_name, text, text, text, schemaguard.names, text)
    IS 'adds an index to a plan; returns the number of its step';

CREATE FUNCTION sg_plan_add_statement(plan text, statement text, undo text DEFAULT NULL, done_when text DEFAULT NULL,
                                      child_table schemaguard.table_name DEFAULT NULL, in_transaction boolean DEFAULT true,
                                          name text DEFAULT NULL,
                                      priority text DEFAULT 'medium', after schemaguard.names DEFAULT NULL, phase text DEFAULT NULL)
RETURNS int
LANGUAGE sql VOLATILE PARALLEL UNSAFE
RETURN schemaguard.sg_plan_add_step(plan, 'statement', 'definition', statement, 'undo', undo, 'done_when', done_when,
                            'child_table', child_table, 'outside', (NOT in_transaction)::text, 'fk_name', name,
                            'priority', priority, 'after', after::text, 'phase', phase);
COMMENT ON FUNCTION sg_plan_add_statement(text, text, text, text, schemaguard.table_name, boolean, text, text, schemaguard.names, text)
    IS 'adds a statement, with the statement that takes it back, to a plan; returns the number of its step';

CREATE FUNCTION sg_plan_add_drop(plan text, what text, child_table schemaguard.table_name, name text DEFAULT NULL,
    keep boolean DEFAULT true,
                                 priority text DEFAULT 'medium', after schemaguard.names DEFAULT NULL, phase text DEFAULT NULL)
RETURNS int
LANGUAGE sql VOLATILE PARALLEL UNSAFE
RETURN schemaguard.sg_plan_add_step(plan, 'drop', 'definition', what, 'child_table', child_table, 'fk_name', name,
                            'discard', (NOT keep)::text, 'priority', priority, 'after', after::text, 'phase', phase);
COMMENT ON FUNCTION sg_plan_add_drop(text, text, schemaguard.table_name, text, boolean, text, schemaguard.names, text)
    IS 'plans to drop a table, column, constraint, index, trigger or view; returns the number of the step';

CREATE FUNCTION sg_plan_add_rename(plan text, what text, child_table schemaguard.table_name, new_name text, name text DEFAULT NULL,
                                   priority text DEFAULT 'medium', after schemaguard.names DEFAULT NULL, phase text DEFAULT NULL)
RETURNS int
LANGUAGE sql VOLATILE PARALLEL UNSAFE
RETURN schemaguard.sg_plan_add_step(plan, 'rename', 'definition', what, 'child_table', child_table, 'new_name', new_name, 'fk_name', name,
                            'priority', priority, 'after', after::text, 'phase', phase);
COMMENT ON FUNCTION sg_plan_add_rename(text, text, schemaguard.table_name, text, text, text, schemaguard.names, text)
    IS 'plans to rename a table, column, constraint, index, trigger or view; returns the number of the step';

CREATE FUNCTION sg_plan_release(plan text, phase text)
RETURNS int
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_plan_release';
COMMENT ON FUNCTION sg_plan_release(text, text)
    IS 'releases the steps of a phase that were held back; returns their number';

CREATE FUNCTION sg_violations(
    plan     text,
    step     int,
    max_rows bigint DEFAULT 1000,
    OUT row_table regclass,
    OUT row_id    tid,
    OUT data      jsonb)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_violations';
COMMENT ON FUNCTION sg_violations(text, int, bigint)
    IS 'returns the rows that violate the constraint of a step';
