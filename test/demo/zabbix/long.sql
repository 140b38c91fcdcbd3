-- The client that every window has to live with: it leaves a transaction open for two and a half seconds.
\set problem 950001 + 2 * random(0, 20000)
BEGIN;
UPDATE problem SET acknowledged = 1 WHERE eventid = :problem;
UPDATE hosts_groups SET groupid = groupid WHERE hostid = 1000001;
\sleep 2500 ms
COMMIT;
\sleep 500 ms
