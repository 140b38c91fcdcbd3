-- Years without foreign keys, in six accidents. demo.planted keeps what each left behind.

-- The housekeeper purged old events and was stopped before it came to their tags
WITH purged AS (
    INSERT INTO event_tag (eventtagid, eventid, tag, value)
    SELECT 5000000 + n, 5000000 + n / 2, 'scope', 'purged' FROM generate_series(1, 5000) n RETURNING 1)
INSERT INTO demo.planted SELECT 'event_tag', '{eventid}', 'events', count(*), 'DELETE' FROM purged;

-- A partial restore brought problems whose recoveries were not in the backup
WITH restored AS (
    UPDATE event_recovery SET r_eventid = 6000000 + eventid WHERE eventid % 1000 = 1 AND eventid < 800000 RETURNING 1)
INSERT INTO demo.planted SELECT 'event_recovery', '{r_eventid}', 'events', count(*), 'DELETE' FROM restored;

-- Somebody who left was deleted by hand; alerts, acknowledgements and sessions still name him
INSERT INTO demo.planted SELECT 'alerts', '{userid}', 'users', count(*), 'SET userid = NULL'
FROM alerts WHERE userid = 42;
INSERT INTO demo.planted SELECT 'acknowledges', '{userid}', 'users', count(*), 'DELETE'
FROM acknowledges WHERE userid = 42;
INSERT INTO demo.planted SELECT 'sessions', '{userid}', 'users', count(*), 'DELETE'
FROM sessions WHERE userid = 42;
DELETE FROM users WHERE userid = 42;

-- A clean-up script removed value maps that items still use
WITH used AS (
    UPDATE items SET valuemapid = 9000000 + itemid % 5
    WHERE itemid IN (SELECT itemid FROM items WHERE itemid > 1000000 ORDER BY itemid LIMIT 25) RETURNING 1)
INSERT INTO demo.planted SELECT 'items', '{valuemapid}', 'valuemap', count(*), 'SET valuemapid = NULL' FROM used;

-- An import failed half way
WITH imported AS (
    INSERT INTO item_tag (itemtagid, itemid, tag, value)
    SELECT 5000000 + n, 9000000 + n, 'component', 'imported' FROM generate_series(1, 120) n RETURNING 1)
INSERT INTO demo.planted SELECT 'item_tag', '{itemid}', 'items', count(*), 'DELETE' FROM imported;

-- A needle: one host is linked to a template that does not exist
WITH linked AS (
    UPDATE hosts_templates SET templateid = 9000000 WHERE hosttemplateid = 1000007 RETURNING 1)
INSERT INTO demo.planted SELECT 'hosts_templates', '{templateid}', 'hosts', count(*), 'DELETE' FROM linked;

-- What no key promises, and nothing else did: a script wrote severities that there are none of, an import knew no media,
-- and a retry stored tags twice. Rules have their table as parent, and no cure but their policy.
WITH wrong AS (UPDATE events SET severity = 9 WHERE eventid % 20000 = 1 AND eventid < 800000 RETURNING 1)
INSERT INTO demo.planted SELECT 'events', '{severity}', 'events', count(*) FROM wrong;
WITH imported AS (UPDATE alerts SET mediatypeid = NULL WHERE alertid % 5000 = 0 RETURNING 1)
INSERT INTO demo.planted SELECT 'alerts', '{mediatypeid}', 'alerts', count(*) FROM imported;
INSERT INTO problem_tag (problemtagid, eventid, tag, value)
SELECT 6000000 + problemtagid, eventid, tag, value FROM problem_tag WHERE problemtagid % 1000 = 0;
INSERT INTO demo.planted SELECT 'problem_tag', '{eventid,tag,value}', 'problem_tag', count(*)
FROM (SELECT count(*) OVER (PARTITION BY eventid, tag, value) AS n FROM problem_tag) t WHERE n > 1;
