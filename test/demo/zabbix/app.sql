-- One transaction of the application: a problem starts, somebody is told, it ends. Eleven tables, some of them parents,
-- some children, most of them both.
\set trigger random(0, 2000)
\set host random(1000001, 1000300)
\set item random(1000100, 1009000)
\set user random(43, 59)
\set session random(1, 20000)
BEGIN;
SELECT nextval('demo.id') AS id, extract(epoch FROM now())::int AS now \gset
UPDATE hosts SET maintenance_from = :now WHERE hostid = :host;
INSERT INTO events (eventid, objectid, clock, value, name)
    SELECT :id, triggerid, :now, 1, name FROM demo.trigger WHERE n = :trigger;
INSERT INTO event_tag (eventtagid, eventid, tag, value) VALUES (:id, :id, 'scope', 'live');
INSERT INTO problem (eventid, objectid, clock) SELECT :id, triggerid, :now FROM demo.trigger WHERE n = :trigger;
INSERT INTO problem_tag (problemtagid, eventid, tag, value) VALUES (:id, :id, 'scope', 'live');
INSERT INTO acknowledges (acknowledgeid, userid, eventid, clock) VALUES (:id, :user, :id, :now);
INSERT INTO alerts (alertid, actionid, eventid, userid, clock, mediatypeid, acknowledgeid)
    SELECT :id, actionid, :id, :user, :now, mediatypeid, :id FROM demo.channel;
INSERT INTO events (eventid, objectid, clock, value)
    SELECT :id + 1, triggerid, :now, 0 FROM demo.trigger WHERE n = :trigger;
INSERT INTO event_recovery (eventid, r_eventid) VALUES (:id, :id + 1);
UPDATE problem SET r_eventid = :id + 1, r_clock = :now WHERE eventid = :id;
UPDATE sessions SET lastaccess = :now WHERE sessionid = md5(:session::text);
UPDATE items SET delay = :item % 60 + 1 WHERE itemid = :item;
COMMIT;
