-- Find what is wrong: audit, plan, audit of the plan.
\echo
\echo == 1. Do the foreign keys that are declared hold?
\set ECHO queries
CREATE EXTENSION schemaguard;
SELECT fk_name, child_table, parent_table, state, result FROM sg_orphan_audit_details();
\set ECHO none

\echo
\echo == 2. A plan, from the :statements statements of the script as they stand
\echo SELECT sg_plan_create(:'plan')';'
\echo SELECT sg_plan_from_sql(:'plan', ':''script'');'
SELECT sg_plan_create(:'plan') \g /dev/null
SELECT sg_plan_from_sql(:'plan', :'script') AS steps \gset
\set ECHO queries
SELECT on_delete, state, orphans, count(*) AS steps FROM schemaguard.plan_step GROUP BY 1, 2, 3 ORDER BY 4 DESC;
SELECT line, reason FROM schemaguard.plan_note;
\set ECHO none
SELECT demo.expect(format('every key of the script is a step: %s of %s, %s notes', :steps, :keys, count(*)),
                   :steps = :keys AND count(*) = 0)
FROM schemaguard.plan_note \g (format=unaligned tuples_only=on)

\echo
\echo == 3. What matters most goes first, one key goes in although orphans remain, and three rules join the keys
\set ECHO queries
\i :dir/policy.sql
\set ECHO none
SELECT kind, priority, orphans AS policy, count(*) AS steps FROM schemaguard.plan_step GROUP BY 1, 2, 3 ORDER BY 4, 1;
SELECT * FROM sg_plan_sql(:'plan', (SELECT array_agg(step) FROM schemaguard.plan_step WHERE kind <> 'foreign key'));

\echo == 4. What stands in the way? Every child is read against its parent
\echo SELECT * FROM sg_orphan_audit_details(plan '=>' :'plan')';'
CREATE TABLE demo.audit AS SELECT * FROM sg_orphan_audit_details(plan => :'plan');
SELECT result, state, count(*) AS keys, demo.n(sum(rows_checked)) AS rows_checked,
       demo.n(sum(orphan_rows)) AS orphan_rows, round(sum(elapsed_ms)::numeric / 1000, 1) AS seconds
FROM demo.audit GROUP BY 1, 2 ORDER BY 1;
SELECT fk_name, format('%s (%s)', demo.bare(child_table), array_to_string(child_columns, ', ')) AS child,
       demo.bare(parent_table) AS parent, orphan_rows AS rows, orphan_keys AS keys, sample -> 0 AS example
FROM demo.audit WHERE result <> 'pass' ORDER BY orphan_rows DESC;
SELECT demo.expect(format('found exactly what was planted: %s of %s places, %s of %s rows',
                          count(*) FILTER (WHERE a.orphan_rows = p.rows), count(p.rows),
                          demo.n(sum(a.orphan_rows)), demo.n(sum(p.rows))),
                   bool_and(a.orphan_rows IS NOT DISTINCT FROM p.rows AND a.result IS NOT DISTINCT FROM 'fail'))
FROM demo.planted p
     FULL JOIN (SELECT *, child_columns::text[] AS columns FROM demo.audit WHERE result <> 'pass') a
     ON a.child_table::regclass = p.child AND a.columns = p.columns AND coalesce(a.parent_table, a.child_table)::regclass = p.parent
\g (format=unaligned tuples_only=on)

\echo
\echo == 5. A look at some of those rows
SELECT child AS a_child, columns[1] AS a_column, parent AS a_parent
FROM demo.planted WHERE cardinality(columns) = 1 AND cure = 'DELETE' ORDER BY rows LIMIT 1 OFFSET 1 \gset
\set ECHO queries
SELECT row_table, row_id, key, left(data::text, 60) AS data
FROM sg_orphans(:'a_child', ARRAY[:'a_column'], :'a_parent', max_rows => 3);
