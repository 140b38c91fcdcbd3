-- The second call, and a third.
\echo
\echo == 9. A second call takes up what the first one left
\set ECHO queries
CALL sg_apply(:'plan', fix => true);
SELECT kind, state, count(*) AS steps FROM schemaguard.plan_step GROUP BY 1, 2 ORDER BY 3 DESC, 1;
\set ECHO none
SELECT demo.expect(format('%s of %s keys and rules are validated', count(*) FILTER (WHERE state = 'validated'), :keys + :rules),
                   bool_and(state = 'validated') AND count(*) = :keys + :rules)
FROM schemaguard.plan_step \g (format=unaligned tuples_only=on)

\echo
\echo == 10. A third call has nothing to do
CREATE TABLE demo.step AS SELECT * FROM schemaguard.plan_step;
SELECT count(*) AS deeds FROM schemaguard.audit_log WHERE phase = 'done' AND step IS NOT NULL \gset
\set ECHO queries
CALL sg_apply(:'plan', fix => true);
\set ECHO none
SELECT demo.expect('a finished plan run again changes nothing',
                   NOT EXISTS (TABLE schemaguard.plan_step EXCEPT TABLE demo.step)
                   AND (SELECT count(*) FROM schemaguard.audit_log WHERE phase = 'done' AND step IS NOT NULL) = :deeds)
\g (format=unaligned tuples_only=on)
