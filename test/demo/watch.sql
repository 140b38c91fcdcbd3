-- Every five milliseconds: which of the application's sessions wait for the session that deploys? Ends when the moment
-- "closed" has come.
DO $$
DECLARE
    tick int := 0;
    began timestamptz;
BEGIN
    SET LOCAL jit = off;
    LOOP
        tick := tick + 1;
        began := clock_timestamp();
        INSERT INTO demo.tick VALUES (tick, began);
        INSERT INTO demo.blocked
        SELECT tick, a.pid FROM pg_stat_activity a
        WHERE a.application_name = 'application' AND a.wait_event_type = 'Lock'
          AND EXISTS (SELECT FROM pg_stat_activity d
                      WHERE (d.application_name = 'deployment' OR d.backend_type = 'schemaguard worker')
                        AND d.pid = ANY (pg_blocking_pids(a.pid)));
        EXIT WHEN EXISTS (SELECT FROM demo.moment WHERE name = 'closed');
        COMMIT;
        PERFORM pg_sleep(0.005 - extract(epoch FROM clock_timestamp() - began));
    END LOOP;
END $$;
