-- After the first call: what is done, what is not and why, and what the owner of the rows does about it.
\set ECHO queries
SELECT state, count(*) AS steps FROM schemaguard.plan_step GROUP BY state ORDER BY 2 DESC;
SELECT step, fk_name, state, reason FROM schemaguard.plan_step WHERE state <> 'validated' ORDER BY step;
\set ECHO none
SELECT demo.expect(format('exactly the %s keys and rules with planted rows are unfinished', count(p.rows)),
                   bool_and(p.rows > 0 AND s.state = CASE s.orphans WHEN 'leave' THEN 'added' ELSE 'failed' END))
FROM demo.planted p
     FULL JOIN (SELECT * FROM schemaguard.plan_step WHERE state <> 'validated') s
     ON s.child_table::regclass = p.child AND s.child_columns = p.columns AND coalesce(s.parent_table, s.child_table)::regclass = p.parent
\g (format=unaligned tuples_only=on)

\echo
\echo == 8. The orphans are removed, as their owner sees fit; what becomes of rows that break a rule, the plan says
CREATE TABLE demo.cleaning AS
SELECT format(CASE cure WHEN 'DELETE' THEN E'DELETE FROM %s c\n  USING %s o WHERE c.ctid = o.row_id'
                        ELSE E'UPDATE %s c %3$s\n  FROM %2$s o WHERE c.ctid = o.row_id' END,
              child, orphans, cure) AS sql, child, columns, parent
FROM demo.planted,
     format('sg_orphans(%L, ARRAY[%s], %L, max_rows => 10000)', child,
            (SELECT string_agg(quote_literal(c), ', ') FROM unnest(columns) c), parent) AS orphans
WHERE cure IS NOT NULL;
SELECT string_agg(sql, E';\n') AS cleaning FROM demo.cleaning \gset
\set ECHO queries
CALL sg_fix_orphans(:'plan', dry_run => true);
\set QUIET off
:cleaning;
\set ECHO none
\set QUIET on
-- A row that the application updated at that very moment has moved to another ctid: once more where some are left.
SELECT sql FROM demo.cleaning WHERE EXISTS (SELECT FROM sg_orphans(child, columns, parent, max_rows => 10000)) \gexec
