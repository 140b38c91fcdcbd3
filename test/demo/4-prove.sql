-- Proof, from the log, from the rows, and from what the application felt.
\echo
\echo == 11. The log: every step, its outcome, its time
\set ECHO queries
SELECT action, phase, count(*), round(sum(elapsed_ms)::numeric / 1000, 1) AS seconds, round(max(elapsed_ms)) AS max_ms,
       max(attempt) AS attempts, sum(orphan_rows) AS orphan_rows
FROM schemaguard.audit_log GROUP BY action, phase ORDER BY min(id);
SELECT step, object, attempt AS attempts, round(elapsed_ms) AS ms, blockers -> 0 ->> 'application' AS blocked_by,
       blockers -> 0 ->> 'mode' AS mode
FROM schemaguard.audit_log WHERE attempt > 1 ORDER BY attempt DESC, elapsed_ms DESC LIMIT 5;
\set ECHO none
SELECT demo.expect(format('each of %s starts has one outcome', demo.n(count(*))),
                   bool_and(outcomes = 1) AND count(*) > 0)
FROM (SELECT (SELECT count(*) FROM schemaguard.audit_log o WHERE o.started_id = s.id) AS outcomes
      FROM schemaguard.audit_log s WHERE phase = 'started') s \g (format=unaligned tuples_only=on)

\echo
\echo == 12. Proof: every key and rule, read again
\set ECHO queries
CREATE TABLE demo.final AS SELECT * FROM sg_orphan_audit_details(plan => :'plan');
SELECT source, state, result, count(*) AS keys, sum(rows_checked) AS rows_checked, sum(orphan_rows) AS orphan_rows
FROM demo.final GROUP BY 1, 2, 3;
\set ECHO none
SELECT demo.expect(format('%s of %s keys hold, validated and armed',
                          count(*) FILTER (WHERE f.result = 'pass' AND f.state = 'valid'), :keys),
                   count(*) FILTER (WHERE f.result = 'pass' AND f.state = 'valid') = :keys)
FROM schemaguard.plan_step s
     LEFT JOIN demo.final f ON f.fk_name = s.fk_name AND f.child_table::regclass = s.child_table::regclass
\g (format=unaligned tuples_only=on)
SELECT demo.expect(format('PostgreSQL''s own catalog has %s of them, validated', count(*)), count(*) = :keys)
FROM schemaguard.plan_step s
     JOIN pg_constraint c ON c.conrelid = s.child_table::regclass AND c.confrelid = s.parent_table::regclass
                             AND c.conname = s.fk_name AND c.contype = 'f' AND c.convalidated
\g (format=unaligned tuples_only=on)
SELECT demo.expect(format('%s of %s rules hold, and PostgreSQL enforces them', count(*), :rules), count(*) = :rules)
FROM schemaguard.plan_step s
     JOIN demo.final f ON f.fk_name = s.fk_name AND f.child_table::regclass = s.child_table::regclass AND f.result = 'pass'
WHERE CASE s.kind
      WHEN 'foreign key' THEN false
      WHEN 'not null' THEN EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = s.child_table::regclass
                                   AND a.attname = s.child_columns[1] AND a.attnotnull)
      ELSE EXISTS (SELECT FROM pg_constraint c WHERE c.conrelid = s.child_table::regclass AND c.conname = s.fk_name
                   AND c.contype IN ('c', 'u') AND c.convalidated) END
\g (format=unaligned tuples_only=on)

\echo
\echo == 13. What the application felt meanwhile
CREATE TABLE demo.period AS
SELECT name, at AS began, lead(at) OVER (ORDER BY at) AS ended FROM demo.moment;
SELECT p.name AS "while", round(extract(epoch FROM p.ended - p.began), 1) AS seconds, demo.n(count(*)) AS transactions,
       round(avg(elapsed_us) / 1000, 1) AS avg_ms,
       round(percentile_cont(0.99) WITHIN GROUP (ORDER BY elapsed_us)::numeric / 1000, 1) AS p99_ms,
       round(max(elapsed_us) / 1000.0, 1) AS max_ms
FROM demo.period p
     JOIN (SELECT elapsed_us, to_timestamp(epoch + us / 1e6) AS at FROM demo.latency) l ON at >= began AND at < ended
GROUP BY p.name, p.began, p.ended ORDER BY p.began;

-- A session is blocked from the first tick that saw it until the first tick that did not
CREATE TABLE demo.stall AS
SELECT pid, min(b.n) AS first, extract(epoch FROM max(t.at) - min(b.at)) * 1000 AS ms
FROM (SELECT pid, n, at, n - row_number() OVER (PARTITION BY pid ORDER BY n) AS island
      FROM demo.blocked JOIN demo.tick USING (n)) b
     JOIN demo.tick t ON t.n = b.n + 1
GROUP BY pid, island;
SELECT demo.n(max(n)) AS samples, round(1000 * extract(epoch FROM max(at) - min(at)) / max(n), 1) AS ms_between,
       (SELECT count(*) FROM demo.stall) AS times_blocked_by_us,
       (SELECT coalesce(round(max(ms)), 0) FROM demo.stall) AS longest_ms,
       current_setting('schemaguard.lock_timeout', true) AS lock_timeout
FROM demo.tick;
SELECT demo.expect(format('%s transactions, %s failed', demo.n(:processed), :failed), :processed > 0 AND :failed = 0)
\g (format=unaligned tuples_only=on)
SELECT demo.expect(format('nobody waited for us longer than %s ms', coalesce(round(max(ms)), 0)),
                   coalesce(max(ms), 0) < 500)
FROM demo.stall \g (format=unaligned tuples_only=on)
