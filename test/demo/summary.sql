-- Five lines to remember.
\pset tuples_only on
\pset format unaligned
SELECT format('keys           none before, %s now, %s of them validated', count(*),
              count(*) FILTER (WHERE convalidated))
FROM pg_constraint WHERE contype = 'f' AND connamespace = 'public'::regnamespace;
SELECT format('orphan rows    %s found in %s places, %s left', demo.n(sum(orphan_rows)), count(*),
              (SELECT demo.n(sum(orphan_rows)) FROM demo.final WHERE parent_table IS NOT NULL))
FROM demo.audit WHERE result = 'fail' AND parent_table IS NOT NULL;
SELECT format('rules          %s more, broken by %s rows before, by %s now', :rules, demo.n(sum(a.orphan_rows)),
              demo.n(sum(f.orphan_rows)))
FROM demo.audit a JOIN demo.final f USING (fk_name, child_table) WHERE a.parent_table IS NULL;
SELECT format('deployment     %s s for %s steps under load, removal of the orphans not counted',
              round(sum(extract(epoch FROM ended - began)), 1), :keys + :rules)
FROM demo.period WHERE name IN ('first call', 'two more calls');
SELECT format('application    %s transactions, %s failed, longest wait for us %s ms', demo.n(:processed), :failed,
              coalesce(round(max(ms)), 0))
FROM demo.stall;
SELECT format('claims         %s of %s came true', count(*) FILTER (WHERE ok), count(*)) FROM demo.verdict;
