-- Five lines to remember.
\pset tuples_only on
\pset format unaligned
SELECT format('keys           none before, %s now, %s of them validated', count(*),
              count(*) FILTER (WHERE convalidated))
FROM pg_constraint WHERE contype = 'f' AND connamespace = 'public'::regnamespace;
SELECT format('orphan rows    %s found in %s places, %s left', demo.n(sum(orphan_rows)), count(*),
              (SELECT demo.n(sum(orphan_rows)) FROM demo.final))
FROM demo.audit WHERE result = 'fail';
SELECT format('deployment     %s s for %s steps under load, removal of the orphans not counted',
              round(sum(extract(epoch FROM ended - began)), 1), :keys)
FROM demo.period WHERE name IN ('first call', 'two more calls');
SELECT format('application    %s transactions, %s failed, longest wait for us %s ms', demo.n(:processed), :failed,
              coalesce(round(max(ms)), 0))
FROM demo.stall;
SELECT format('claims         %s of %s came true', count(*) FILTER (WHERE ok), count(*)) FROM demo.verdict;
