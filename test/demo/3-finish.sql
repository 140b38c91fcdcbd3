-- The second call, and a third.
\echo
\echo == 9. A second call takes up what the first one left
\set ECHO queries
CALL sg_add_fks(:'plan');
SELECT state, count(*) AS steps FROM schemaguard.plan_step GROUP BY state;
\set ECHO none
SELECT demo.expect(format('%s of %s keys are validated', count(*) FILTER (WHERE state = 'validated'), :keys),
                   bool_and(state = 'validated') AND count(*) = :keys)
FROM schemaguard.plan_step \g (format=unaligned tuples_only=on)

\echo
\echo == 10. A third call has nothing to do
CREATE TABLE demo.step AS SELECT * FROM schemaguard.plan_step;
SELECT count(*) AS deeds FROM schemaguard.audit_log WHERE action IN ('add', 'validate') \gset
\set ECHO queries
CALL sg_add_fks(:'plan');
\set ECHO none
SELECT demo.expect('a finished plan run again changes nothing',
                   NOT EXISTS (TABLE schemaguard.plan_step EXCEPT TABLE demo.step)
                   AND (SELECT count(*) FROM schemaguard.audit_log WHERE action IN ('add', 'validate')) = :deeds)
\g (format=unaligned tuples_only=on)
