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
    plan_id     bigint NOT NULL,            -- of the plan: one that is made anew under an old name is another one
    readers     text[] NOT NULL,            -- likewise of the roles: those to whom it is shown, as sg_role_marks() tells them apart
    identity    text                        -- table and columns by number, as the text of a deed has them; null: not known
);
CREATE SEQUENCE schemaguard.quarantine_id_seq OWNED BY schemaguard.quarantine.id;
ALTER TABLE schemaguard.quarantine ALTER COLUMN id SET DEFAULT pg_catalog.nextval('schemaguard.quarantine_id_seq');
CREATE INDEX quarantine_plan_idx ON schemaguard.quarantine (plan_id, id);
COMMENT ON TABLE schemaguard.quarantine IS 'rows that CALL sg_fix_orphans() has removed; CALL sg_restore_quarantine() puts them back';
COMMENT ON COLUMN schemaguard.quarantine.id IS 'number of the row; parents come before the rows that refer to them';
COMMENT ON COLUMN schemaguard.quarantine.run_id IS 'UUID of the call that moved the row here, as in audit_log';
COMMENT ON COLUMN schemaguard.quarantine.at IS 'time at which the row was moved here';
COMMENT ON COLUMN schemaguard.quarantine.role IS 'role whose privileges were used';
COMMENT ON COLUMN schemaguard.quarantine.plan IS 'name of the plan';
COMMENT ON COLUMN schemaguard.quarantine.step IS 'number of the step';
COMMENT ON COLUMN schemaguard.quarantine.fk_name IS 'name of the key that the row broke, or by which it referred to a row that broke one';
COMMENT ON COLUMN schemaguard.quarantine.cause IS 'cause: orphan, if the row broke the key; reached, if ON DELETE would have reached it';
COMMENT ON COLUMN schemaguard.quarantine.row_table IS 'table from which the row was removed';
COMMENT ON COLUMN schemaguard.quarantine.table_owner IS 'owner of that table when the row was removed';
COMMENT ON COLUMN schemaguard.quarantine.columns IS 'names of the columns in row_text';
COMMENT ON COLUMN schemaguard.quarantine.row_text IS 'exact text of the row, which a restore inserts';
COMMENT ON COLUMN schemaguard.quarantine.data IS 'row as jsonb, for reading';
COMMENT ON COLUMN schemaguard.quarantine.reason IS 'reason why the last attempt to restore the row failed';
COMMENT ON COLUMN schemaguard.quarantine.plan_id IS 'id of the plan in schemaguard.plan';
COMMENT ON COLUMN schemaguard.quarantine.readers
    IS 'roles that may see the row, as sg_role_marks() tells them apart: a renamed role may, a later role of the same name may not';
COMMENT ON COLUMN schemaguard.quarantine.identity
    IS 'table and columns by number, with the system and database in which these numbers count';

-- These are users' data: for roles that could read the table then, its owner and the role that removed the row, and for
-- those that may read everything. A role that is gone has no rights and is no error; neither has the next one of its name. A renamed role
-- has its rights in the database where the row was removed; elsewhere, as after a restore, a role is known by its name and OID.
CREATE FUNCTION schemaguard.sg_role_marks(VARIADIC roles text[])
RETURNS text[]
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT ARRAY(
        SELECT pg_catalog.concat(m.prefix, ' ', r.oid)
        FROM pg_catalog.pg_roles r
             CROSS JOIN LATERAL (VALUES (r.rolname::pg_catalog.text), (schemaguard.sg_place())) m (prefix)
        WHERE r.rolname::pg_catalog.text OPERATOR(pg_catalog.=) ANY (sg_role_marks.roles));
END;
COMMENT ON FUNCTION schemaguard.sg_role_marks(text[])
    IS 'returns two marks of each role of these names: its name and OID, and its OID in this database, which a rename leaves as it is';

CREATE FUNCTION schemaguard.sg_roles_of(role text)
RETURNS text[]
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT schemaguard.sg_role_marks(VARIADIC ARRAY(
        SELECT r.rolname::pg_catalog.text
        FROM pg_catalog.pg_roles r, pg_catalog.pg_roles me
        WHERE me.rolname::pg_catalog.text OPERATOR(pg_catalog.=) sg_roles_of.role
          AND pg_catalog.pg_has_role(me.oid, r.oid, 'USAGE')));
END;
COMMENT ON FUNCTION schemaguard.sg_roles_of(text) IS 'returns the roles whose privileges a role has, in the form of sg_role_marks()';

ALTER TABLE schemaguard.quarantine ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_rows ON schemaguard.quarantine FOR SELECT
    USING (readers OPERATOR(pg_catalog.&&) (SELECT schemaguard.sg_roles_of(CURRENT_USER::pg_catalog.text)));
GRANT SELECT ON schemaguard.quarantine TO PUBLIC;

SELECT pg_catalog.pg_extension_config_dump('schemaguard.quarantine', '');
GRANT SELECT ON SEQUENCE schemaguard.quarantine_id_seq TO PUBLIC;
SELECT pg_catalog.pg_extension_config_dump('schemaguard.quarantine_id_seq', '');

-- A summary of each plan: its steps by state, and the rows that it has taken away; as the caller, who sees rows in quarantine as above
CREATE VIEW schemaguard.plan_summary WITH (security_invoker = true) AS
SELECT p.name AS plan,
       s.steps,
       s.validated,
       s.added,
       s.failed,
       s.skipped,
       s.steps OPERATOR(pg_catalog.-) s.validated OPERATOR(pg_catalog.-) s.added
           OPERATOR(pg_catalog.-) s.failed OPERATOR(pg_catalog.-) s.skipped AS open,
       d.deleted AS rows_deleted,
       d.changed AS rows_changed,
       (SELECT pg_catalog.count(*) FROM schemaguard.quarantine q WHERE q.plan_id OPERATOR(pg_catalog.=) p.id) AS rows_in_quarantine,
       d.gone AS values_gone,
       d.uncounted
FROM schemaguard.plan p
     CROSS JOIN LATERAL (
         SELECT pg_catalog.count(*) AS steps,
                pg_catalog.count(*) FILTER (WHERE s.state OPERATOR(pg_catalog.=) 'validated') AS validated,
                pg_catalog.count(*) FILTER (WHERE s.state OPERATOR(pg_catalog.=) 'added') AS added,
                pg_catalog.count(*) FILTER (WHERE s.state OPERATOR(pg_catalog.=) 'failed') AS failed,
                pg_catalog.count(*) FILTER (WHERE s.state OPERATOR(pg_catalog.=) 'skipped') AS skipped
         FROM schemaguard.plan_step s WHERE s.plan OPERATOR(pg_catalog.=) p.name) s
     CROSS JOIN LATERAL (
         SELECT COALESCE(pg_catalog.sum(CASE
                    WHEN d.kind OPERATOR(pg_catalog.=) 'delete' THEN d.rows_affected
                    -- by statements; what their undo has done about these rows nobody knows
                    WHEN d.kind OPERATOR(pg_catalog.=) 'change' THEN (d.after OPERATOR(pg_catalog.->>) 'rows_deleted')::pg_catalog.int8
                END), 0)::pg_catalog.int8 AS deleted,
                COALESCE(pg_catalog.sum(CASE
                    -- old values are kept until a rollback, which subtracts the rows that have them back
                    WHEN d.kind OPERATOR(pg_catalog.=) 'set null'
                         OR d.kind OPERATOR(pg_catalog.=) 'set' AND d.undone_at IS NOT NULL THEN d.rows_affected
                    WHEN d.kind OPERATOR(pg_catalog.=) 'change' THEN (d.after OPERATOR(pg_catalog.->>) 'rows_changed')::pg_catalog.int8
                END), 0)::pg_catalog.int8 AS changed,
                COALESCE(pg_catalog.sum((d.after OPERATOR(pg_catalog.->>) 'values_gone')::pg_catalog.int8), 0)::pg_catalog.int8 AS gone,
                COALESCE(pg_catalog.sum((d.after OPERATOR(pg_catalog.->>) 'uncounted')::pg_catalog.int8), 0)::pg_catalog.int8 AS uncounted
         FROM schemaguard.plan_deed d WHERE d.plan_id OPERATOR(pg_catalog.=) p.id) d;
GRANT SELECT ON schemaguard.plan_summary TO PUBLIC;
COMMENT ON VIEW schemaguard.plan_summary IS 'outcome of plans: steps by state, and rows that were removed or changed';
COMMENT ON COLUMN schemaguard.plan_summary.plan IS 'name of the plan';
COMMENT ON COLUMN schemaguard.plan_summary.steps IS 'number of steps';
COMMENT ON COLUMN schemaguard.plan_summary.validated IS 'number of steps that are done';
COMMENT ON COLUMN schemaguard.plan_summary.added IS 'number of steps that are added, but not validated';
COMMENT ON COLUMN schemaguard.plan_summary.failed IS 'number of steps that have failed';
COMMENT ON COLUMN schemaguard.plan_summary.skipped IS 'number of steps that were skipped';
COMMENT ON COLUMN schemaguard.plan_summary.open IS 'number of steps that have yet to run, or were rolled back';
COMMENT ON COLUMN schemaguard.plan_summary.rows_deleted IS 'number of rows that the plan deleted without a copy';
COMMENT ON COLUMN schemaguard.plan_summary.rows_changed IS 'number of rows that the plan changed without a copy of the old values';
COMMENT ON COLUMN schemaguard.plan_summary.rows_in_quarantine IS 'number of the plan''s rows in quarantine that the caller may see';
COMMENT ON COLUMN schemaguard.plan_summary.values_gone IS 'number of values lost for good with columns that the plan dropped or converted';
COMMENT ON COLUMN schemaguard.plan_summary.uncounted
    IS 'number of tables, for each step, whose rows or values were lost for good without being counted';

CREATE FUNCTION schemaguard.sg_drop_extension_event() RETURNS event_trigger
    LANGUAGE c AS 'MODULE_PATHNAME', 'sg_drop_extension_event';
REVOKE ALL ON FUNCTION schemaguard.sg_drop_extension_event() FROM PUBLIC;
COMMENT ON FUNCTION schemaguard.sg_drop_extension_event()
    IS 'refuses DROP EXTENSION without CASCADE, DROP OWNED and DROP SCHEMA of the extension while quarantine has rows';
CREATE EVENT TRIGGER schemaguard_drop_extension ON ddl_command_start
    WHEN TAG IN ('DROP EXTENSION', 'DROP OWNED', 'DROP SCHEMA')
    EXECUTE FUNCTION schemaguard.sg_drop_extension_event();
ALTER EVENT TRIGGER schemaguard_drop_extension ENABLE ALWAYS;

CREATE PROCEDURE sg_fix_orphans(plan text, batch int DEFAULT 10000, dry_run boolean DEFAULT false,
                                author text DEFAULT NULL, fail boolean DEFAULT false, steps schemaguard.steps DEFAULT NULL,
                                confirm text DEFAULT NULL, max_rows bigint DEFAULT NULL)
LANGUAGE c
AS 'MODULE_PATHNAME', 'sg_fix_orphans';
COMMENT ON PROCEDURE sg_fix_orphans(text, int, boolean, text, boolean, schemaguard.steps, text, bigint)
    IS 'quarantines, deletes or mends rows that violate a plan''s keys, checks, NOT NULLs and UNIQUEs, as each step says';

CREATE PROCEDURE sg_restore_quarantine(plan text, plan_id bigint DEFAULT NULL, author text DEFAULT NULL, retyped boolean DEFAULT false,
                                       past_keys boolean DEFAULT false)
LANGUAGE c
AS 'MODULE_PATHNAME', 'sg_restore_quarantine';
COMMENT ON PROCEDURE sg_restore_quarantine(text, bigint, text, boolean, boolean)
    IS 'puts the quarantined rows of a plan, present or dropped, back into their tables';

CREATE FUNCTION sg_plan_referencing(
    plan  text,
    steps schemaguard.steps DEFAULT NULL,
    OUT result  text,
    OUT object  text,
    OUT rows    bigint,
    OUT fate    text,
    OUT fk_name text,
    OUT step    int,
    OUT reason  text)
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_plan_referencing';
COMMENT ON FUNCTION sg_plan_referencing(text, schemaguard.steps)
    IS 'counts rows that refer to orphans which a plan would remove, as a tree; block: these rows prevent the removal';

CREATE FUNCTION sg_plan_add_referencing(plan text, steps schemaguard.steps DEFAULT NULL)
RETURNS int[]
LANGUAGE c VOLATILE PARALLEL UNSAFE
AS 'MODULE_PATHNAME', 'sg_plan_add_referencing';
COMMENT ON FUNCTION sg_plan_add_referencing(text, schemaguard.steps)
    IS 'adds to a plan the keys that prevent the removal of orphans, so that their referencing rows are quarantined, too';
