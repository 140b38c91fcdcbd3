-- One round of test/bench/against.sh: prints server, round, call, milliseconds and growth of each call that the last version has as well.
-- Growth is how many times as long the call takes on purpose, because it does more than in the last version, which a comment says; else 1.
-- Leaves nothing behind.
SET client_min_messages = error;
\set begin 'SELECT clock_timestamp() AS began \\gset'
\set end 'SELECT :''server'', :round, :''call'', round(extract(epoch FROM clock_timestamp() - :''began''::timestamptz) * 1000, 1), :growth;'
\set growth 1

\set call 'sg_orphan_audit, 602 keys'
:begin
SELECT count(*) FROM sg_orphan_audit() \g /dev/null
:end
\set call 'sg_discover_fks, with rows'
:begin
SELECT count(*) FROM sg_discover_fks() \g /dev/null
:end
\set call 'sg_plan_add_fk, 300 keys'
-- looks at what the step stands on, and at other plans
\set growth 1.9
:begin
SELECT sg_plan_create('against') \g /dev/null
SELECT count(sg_plan_add_fk('against', 't_' || g, ARRAY[format('t_%s_id', (g + 1) % 300)], 't_' || (g + 1) % 300, index => false))
FROM generate_series(0, 299) g \g /dev/null
:end
\set growth 1
\set call 'sg_plan_check, 300 keys'
-- looks at rows, at other plans, and at what a rollback would leave
\set growth 2.1
:begin
SELECT count(*) FROM sg_plan_check('against') \g /dev/null
:end
\set growth 1
\set call 'sg_add_fks, 300 keys'
-- looks once more under the lock, and for other plans that need what a step changes
\set growth 1.4
:begin
CALL sg_add_fks('against');
:end
\set growth 1
\set call 'sg_verify_fks, 300 keys'
:begin
SELECT count(*) FROM sg_verify_fks('against') \g /dev/null
:end
\set call 'sg_verify_fks, live, 300 keys'
:begin
SELECT count(*) FROM sg_verify_fks('against', live => true) \g /dev/null
:end
\set call 'sg_snapshot_take, 302 tables'
-- records more kinds and properties
\set growth 2.3
:begin
SELECT sg_snapshot_take('against') \g /dev/null
:end
\set growth 1
\set call 'sg_rollback_fks, 300 keys'
:begin
CALL sg_rollback_fks('against');
:end
\set call 'sg_drift, 300 keys are missing'
-- the same, and what renames are likely
\set growth 2.8
:begin
SELECT count(*) FROM sg_drift('against') \g /dev/null
:end
\set growth 1
\set call 'sg_compare_fks, 300 keys are missing'
-- writes each key's statement by the rules of sg_sync_sql()
\set growth 8.8
:begin
SELECT count(*) FROM sg_compare_fks('against') \g /dev/null
:end
\set growth 1
\set call 'sg_impact of a table'
:begin
SELECT count(*) FROM sg_impact('parent') \g /dev/null
:end
SELECT sg_snapshot_drop('against'), sg_plan_drop('against') \g /dev/null
