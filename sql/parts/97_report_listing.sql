-- Listings: what sg_..._details() return, for a screen of 120 columns. Verdict and object come first, texts are cut but for the last
-- column's. Of audits and proofs what is not well comes first: the rest may be long.
--
-- They are STABLE, though what they call is not: the planner puts the body of such a function in place of its call. So rows are not
-- copied once more, conditions reach the details, and errors have no CONTEXT line. Nothing else follows from it: a function that
-- returns a set is neither evaluated beforehand nor called less often.

-- The value in one line, cut. It is one expression that reads the value once, so that it is put in place of its call, too. Names, and
-- what has changed, keep their end as well: it is where tables of months, keys of a table and lists of values differ.
CREATE FUNCTION schemaguard.sg_cut(value text, width int DEFAULT 40, tail int DEFAULT 0) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN regexp_replace(translate(value, E'\n\r\t', '   '), format('^(.{%s}).{4,}(.{%s})$', width - 3 - tail, tail), E'\\1...\\2');
COMMENT ON FUNCTION schemaguard.sg_cut(text, int, int)
    IS 'cuts a text to one line of at most so many characters, marked by three dots before as many as its end keeps';

CREATE FUNCTION sg_orphan_audit(
    child    schemaguard.table_name DEFAULT NULL,
    plan     text DEFAULT NULL,
    inferred boolean DEFAULT false,
    samples  int DEFAULT 5,
    schemas  schemaguard.names DEFAULT NULL,
    steps    schemaguard.steps DEFAULT NULL,
    OUT result       text,
    OUT child_table  text,
    OUT fk_name      text,
    OUT parent_table text,
    OUT state        text,
    OUT orphan_rows  bigint,
    OUT source       text,
    OUT reason       text)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL UNSAFE
BEGIN ATOMIC
    SELECT d.result, schemaguard.sg_cut(d.child_table, 21, 11), schemaguard.sg_cut(coalesce(d.fk_name::text,
        array_to_string(d.child_columns, ', ')), 22, 11),
           schemaguard.sg_cut(d.parent_table, 20, 11), d.state, d.orphan_rows, d.source, d.reason
    FROM sg_orphan_audit_details(child, plan, inferred, samples, schemas, steps) d
    ORDER BY array_position('{fail,unknown,skipped,pass}', d.result), d.child_table COLLATE "C", d.child_columns, d.fk_name;
END;
COMMENT ON FUNCTION sg_orphan_audit(schemaguard.table_name, text, boolean, int, schemaguard.names, schemaguard.steps)
    IS 'tells whether rows satisfy the foreign keys, declared and planned';

CREATE FUNCTION sg_rule_audit(
    child      schemaguard.table_name,
    kind       text DEFAULT NULL,
    definition text DEFAULT NULL,
    samples    int DEFAULT 5,
    OUT result         text,
    OUT rule_name      text,
    OUT rule_kind      text,
    OUT rule_columns   text,
    OUT rows_checked   bigint,
    OUT violating_rows bigint,
    OUT reason         text)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL UNSAFE
BEGIN ATOMIC
    SELECT d.result, schemaguard.sg_cut(d.rule_name, 32, 16), d.rule_kind, schemaguard.sg_cut(array_to_string(d.rule_columns, ', '), 24),
           d.rows_checked, d.violating_rows, d.reason
    FROM sg_rule_audit_details(child, kind, definition, samples) d;
END;
COMMENT ON FUNCTION sg_rule_audit(schemaguard.table_name, text, text, int)
    IS 'tells whether the rows of a table satisfy a CHECK, a NOT NULL or a UNIQUE, declared or not';

CREATE FUNCTION sg_tenant_audit(
    tenant_column text,
    tenant_table  schemaguard.table_name DEFAULT NULL,
    schemas       schemaguard.names DEFAULT NULL,
    samples       int DEFAULT 5,
    OUT result       text,
    OUT finding      text,
    OUT table_name   text,
    OUT fk_name      text,
    OUT leaking_rows bigint,
    OUT reason       text)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL UNSAFE
BEGIN ATOMIC
    SELECT d.result, d.finding, schemaguard.sg_cut(d.table_name, 36, 17), schemaguard.sg_cut(d.fk_name, 36, 17), d.leaking_rows, d.reason
    FROM sg_tenant_audit_details(tenant_column, tenant_table, schemas, samples) d;
END;
COMMENT ON FUNCTION sg_tenant_audit(text, schemaguard.table_name, schemaguard.names, int)
    IS 'returns tables, keys and rows by which one tenant''s data can be, or is, mixed with another''s';

-- A check is known by its step, its name and the object: the step's key, constraint or column; of the whole plan, the plan.
CREATE FUNCTION sg_plan_check(
    plan       text,
    steps      schemaguard.steps DEFAULT NULL,
    everything boolean DEFAULT false,
    verify     text DEFAULT 'sample',
    OUT step       int,
    OUT result     text,
    OUT object     text,
    OUT check_name text,
    OUT detail     text,
    OUT hint       text)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL UNSAFE
BEGIN ATOMIC
    WITH found AS MATERIALIZED (
        SELECT *, d.step > 0 AND d.result <> 'ok' AND NOT everything AND
                  count(*) FILTER (WHERE d.step > 0)
                      OVER (PARTITION BY d.check_name, d.result, d.detail ~ '^policy [^:]*no copy:') > 10 AS alike
        FROM sg_plan_check_details(plan, steps, verify) WITH ORDINALITY d (step, fk_name, check_name, result, detail, hint, place))
    SELECT 0, CASE WHEN bool_or(f.result = 'block') THEN 'block' WHEN bool_or(f.result = 'warn') THEN 'warn' ELSE 'ok' END,
           schemaguard.sg_cut(sg_plan_check.plan, 34, 16), 'summary',
           format('%s of %s checks are ok, steps: %s', count(*) FILTER (WHERE f.result = 'ok'), count(*),
               count(DISTINCT nullif(f.step, 0))),
           format(E'By the catalogs, the statistics and rows, as role %I. All checks, in full:\n'
               'SELECT * FROM %s.sg_plan_check_details(%L);',
                  current_user, schemaguard.sg_schema(), sg_plan_check.plan)
    FROM found f
    UNION ALL
    -- a warning of many steps is one row, and so is what blocks them
    (SELECT 0, f.result, schemaguard.sg_cut(sg_plan_check.plan, 34, 16), f.check_name,
        format(CASE f.result WHEN 'warn' THEN '%s warnings, steps %s ...' ELSE '%s blocks, steps %s ...' END, count(*),
            array_to_string((array_agg(f.step ORDER BY f.place))[:3], ', ')),
        format(E'See all of them; the first one says: %s\n'
            'SELECT * FROM %s.sg_plan_check_details(%L, %L, %L) WHERE check_name = %L AND result = %L AND step > 0;',
               (array_agg(f.detail ORDER BY f.place))[1], schemaguard.sg_schema(), sg_plan_check.plan, steps, verify, f.check_name,
               f.result)
     FROM found f WHERE f.alike GROUP BY f.check_name, f.result, f.detail ~ '^policy [^:]*no copy:' ORDER BY min(f.place))
    UNION ALL
    (SELECT f.step, f.result, schemaguard.sg_cut(coalesce(f.fk_name, sg_plan_check.plan), 34, 16), f.check_name,
        schemaguard.sg_cut(f.detail), f.hint
     FROM found f WHERE (f.result <> 'ok' OR everything) AND NOT f.alike ORDER BY f.place);
END;
COMMENT ON FUNCTION sg_plan_check(text, schemaguard.steps, boolean, text)
    IS 'returns obstacles to and harm from a step of the plan, with remedies; writes nothing, locks as SELECT does';

CREATE FUNCTION sg_verify_fks(
    plan  text DEFAULT NULL,
    live  boolean DEFAULT false,
    steps schemaguard.steps DEFAULT NULL,
    OUT result      text,
    OUT child_table text,
    OUT fk_name     text,
    OUT test        text,
    OUT expected    text,
    OUT observed    text,
    OUT reason      text)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL UNSAFE
BEGIN ATOMIC
    SELECT d.result, schemaguard.sg_cut(d.child_table, 27, 13), schemaguard.sg_cut(d.fk_name, 28, 14), d.test,
           schemaguard.sg_cut(d.expected, 16), schemaguard.sg_cut(d.observed, 16), d.reason
    FROM (SELECT v.*, row_number() OVER () AS place FROM sg_verify_fks_details(plan, live, steps) v) d
    ORDER BY array_position('{fail,unknown,skipped,pass}', d.result), d.place;
END;
COMMENT ON FUNCTION sg_verify_fks(text, boolean, schemaguard.steps)
    IS 'tells whether the planned keys exist, valid and armed; live: attempts on the real tables, always rolled back';

CREATE FUNCTION sg_discover_fks(
    child     schemaguard.table_name DEFAULT NULL,
    min_score float8 DEFAULT 0.4,
    verify    text DEFAULT 'sample',
    schemas   schemaguard.names DEFAULT NULL,
    OUT score          float8,
    OUT result         text,
    OUT child_table    text,
    OUT child_columns  text,
    OUT parent_table   text,
    OUT parent_columns text,
    OUT orphan_rows    bigint,
    OUT why            text)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL UNSAFE
BEGIN ATOMIC
    SELECT d.score, d.result, schemaguard.sg_cut(d.child_table, 22, 11),
           schemaguard.sg_cut(array_to_string(d.child_columns, ', '), 20, 8), schemaguard.sg_cut(d.parent_table, 21, 11),
           schemaguard.sg_cut(array_to_string(d.parent_columns, ', '), 14, 5), d.orphan_rows, d.why
    FROM sg_discover_fks_details(child, min_score, verify, schemas) d;
END;
COMMENT ON FUNCTION sg_discover_fks(schemaguard.table_name, float8, text, schemaguard.names)
    IS 'proposes missing foreign keys, with the chance that each is right, and the reason';

CREATE FUNCTION sg_snapshot_objects(
    snapshot text,
    schemas  schemaguard.names DEFAULT NULL,
    OUT kind       text,
    OUT identity   text,
    OUT parent     text,
    OUT properties text)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL UNSAFE
BEGIN ATOMIC
    SELECT d.kind, schemaguard.sg_cut(d.identity, 40, 19), schemaguard.sg_cut(d.parent, 40, 19), schemaguard.sg_cut(d.properties::text)
    FROM sg_snapshot_objects_details(snapshot, schemas) d;
END;
COMMENT ON FUNCTION sg_snapshot_objects(text, schemaguard.names)
    IS 'returns the objects of a snapshot, or of this database as it is now (snapshot => ''live'')';

CREATE FUNCTION sg_drift(
    reference text,
    target    text DEFAULT 'live',
    schemas   schemaguard.names DEFAULT NULL,
    cosmetic  boolean DEFAULT false,
    OUT class    text,
    OUT risk     text,
    OUT change   text,
    OUT kind     text,
    OUT object   text,
    OUT property text,
    OUT expected text,
    OUT actual   text)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL UNSAFE
BEGIN ATOMIC
    SELECT d.class, d.risk, d.change, schemaguard.sg_cut(d.kind, 17), schemaguard.sg_cut(d.object, 27, 13),
        schemaguard.sg_cut(d.property, 16, 7), schemaguard.sg_cut(d.expected, 16, CASE d.change WHEN 'changed' THEN 7 ELSE 0 END),
        schemaguard.sg_cut(d.actual, 40, CASE d.change WHEN 'changed' THEN 19 ELSE 0 END)
    FROM sg_drift_details(reference, target, schemas, cosmetic) d;
END;
COMMENT ON FUNCTION sg_drift(text, text, schemaguard.names, boolean)
    IS 'returns differences between target and reference, by meaning; each is a snapshot or ''live''';

CREATE FUNCTION sg_sync_check(
    reference  text,
    target     text DEFAULT 'live',
    schemas    schemaguard.names DEFAULT NULL,
    allow_drop boolean DEFAULT false,
    partitions boolean DEFAULT false,
    server     text DEFAULT NULL,
    renames    text DEFAULT 'ask',
    OUT class    text,
    OUT left_out boolean,
    OUT change   text,
    OUT kind     text,
    OUT object   text,
    OUT property text,
    OUT expected text,
    OUT actual   text)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL UNSAFE
BEGIN ATOMIC
    SELECT d.class, d.left_out, d.change, schemaguard.sg_cut(d.kind, 17), schemaguard.sg_cut(d.object, 27, 13),
        schemaguard.sg_cut(d.property, 16, 7), schemaguard.sg_cut(d.expected, 16, CASE d.change WHEN 'changed' THEN 7 ELSE 0 END),
        schemaguard.sg_cut(d.actual, 40, CASE d.change WHEN 'changed' THEN 19 ELSE 0 END)
    FROM sg_sync_check_details(reference, target, schemas, allow_drop, partitions, server, renames) d;
END;
COMMENT ON FUNCTION sg_sync_check(text, text, schemaguard.names, boolean, boolean, text, text)
    IS 'runs the script of sg_sync_sql() in a scratch database, and returns its remaining differences from the reference';

CREATE FUNCTION sg_compare_fks(
    reference  text,
    target     text DEFAULT 'live',
    everything boolean DEFAULT false,
    OUT recommendation text,
    OUT risk           text,
    OUT run_on         text,
    OUT child_table    text,
    OUT fk_name        text,
    OUT reason         text)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL UNSAFE
BEGIN ATOMIC
    SELECT schemaguard.sg_cut(d.recommendation, 34), d.risk, d.run_on, schemaguard.sg_cut(d.child_table, 28, 14),
        schemaguard.sg_cut(coalesce(d.reference_name, d.target_name), 27, 13), d.reason
    FROM sg_compare_fks_details(reference, target) d
    WHERE everything OR d.level = 'key' AND d.status <> 'common';
END;
COMMENT ON FUNCTION sg_compare_fks(text, text, boolean)
    IS 'compares the foreign keys of two snapshots, or of one and this database, and recommends an action on each difference';

CREATE FUNCTION sg_impact(
    object    schemaguard.table_name,
    internals boolean DEFAULT false,
    OUT certainty text,
    OUT kind      text,
    OUT dependent text,
    OUT depth     int,
    OUT via       text,
    OUT on_drop   text,
    OUT on_change text)
RETURNS SETOF record
LANGUAGE sql STABLE PARALLEL UNSAFE
BEGIN ATOMIC
    SELECT d.certainty, schemaguard.sg_cut(d.kind, 19), schemaguard.sg_cut(d.dependent, 26, 13), d.depth, schemaguard.sg_cut(d.via, 24, 12),
        schemaguard.sg_cut(d.on_drop, 20),
        d.on_change
    FROM sg_impact_details(object, internals) d;
END;
COMMENT ON FUNCTION sg_impact(schemaguard.table_name, boolean)
    IS 'returns everything that depends on a table, column, type or function, and the effect of a change or a drop on it';
