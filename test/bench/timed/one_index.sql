-- The same with an index, which may be read instead: then nobody knows how many rows there are
SET schemaguard.audit_use_index = on;
SELECT * FROM bench.repeat_audit('child', 1) \gset estimate_
SELECT least(50, 1 + floor(1 / :estimate_seconds)::int) AS repeats \gset
SELECT * FROM bench.repeat_audit('child', :repeats) \gset
RESET schemaguard.audit_use_index;
SELECT bench.take(:'variant', :round, :seconds, :'method');
SELECT bench.expect('one key, with an index', :keys = :repeats AND :passed = :repeats
                    AND (:'method' = 'skip scan' OR :rows_checked = :repeats * :child_rows));
