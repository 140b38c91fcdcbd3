-- What another session sees while a call runs.
\set ECHO queries
SELECT step, action, phase, object, done, total, unit, round(extract(epoch FROM estimated_end - now())) AS seconds_left
FROM schemaguard.progress;
\set ECHO none
\if :first
SELECT demo.expect('progress tells where the call is', count(*) > 0) FROM schemaguard.progress
\g (format=unaligned tuples_only=on)
\echo
\endif
