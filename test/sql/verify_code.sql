-- sg_verify_fks(live => true) and sg_measure_overhead: code that a table's owner has planted runs as nobody else
-- rooms: verify
\set VERBOSITY terse
\set SHOW_CONTEXT never
SET client_min_messages = warning;
SET schemaguard.live_search = '1min';
CREATE EXTENSION IF NOT EXISTS schemaguard;
SET schemaguard.lock_timeout = '60s';
SET schemaguard.statement_timeout = '60s';
CREATE ROLE regress_vc_owner;
CREATE ROLE regress_vc_other;
CREATE ROLE regress_vc_app;
CREATE SCHEMA vc AUTHORIZATION regress_vc_owner;
GRANT USAGE, CREATE ON SCHEMA vc TO PUBLIC;
SELECT sg_plan_create('vc');

-- a witness counts by a sequence, which no rollback takes back, where and as whom it ran
CREATE SCHEMA seen;
GRANT USAGE ON SCHEMA seen TO PUBLIC;
DO $$
DECLARE
    slot text;
BEGIN
    FOREACH slot IN ARRAY '{xml,key_cast,jsonb_cast,domain,subtype_diff,default}'::text[] LOOP
        EXECUTE format('CREATE SEQUENCE seen.%I', slot || ' as owner');
        EXECUTE format('CREATE SEQUENCE seen.%I', slot || ' as another');
    END LOOP;
END$$;
GRANT USAGE ON ALL SEQUENCES IN SCHEMA seen TO PUBLIC;
CREATE VIEW seen.witness AS SELECT sequencename AS seen FROM pg_sequences WHERE schemaname = 'seen' AND last_value IS NOT NULL ORDER BY 1;
CREATE FUNCTION seen.again() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    s name;
BEGIN
    FOR s IN SELECT seen FROM seen.witness LOOP
        EXECUTE format('ALTER SEQUENCE seen.%I RESTART', s);
    END LOOP;
END$$;
SET ROLE regress_vc_owner;
CREATE FUNCTION vc.witness(slot text) RETURNS boolean LANGUAGE plpgsql AS $$
BEGIN
    PERFORM nextval(format('seen.%I', slot || CASE WHEN current_user = 'regress_vc_owner' THEN ' as owner' ELSE ' as another' END));
    RETURN true;
END$$;
CREATE FUNCTION vc.fine(slot text, value int) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$BEGIN RETURN vc.witness(slot); END$$;

CREATE TABLE vc.p (id int PRIMARY KEY);
INSERT INTO vc.p SELECT generate_series(1, 9);
-- a query that a CHECK hides
CREATE VIEW vc.v AS SELECT vc.witness('xml');
CREATE TABLE vc.c_xml (id int PRIMARY KEY, p int CONSTRAINT k_xml REFERENCES vc.p);
ALTER TABLE vc.c_xml ADD CHECK (table_to_xml('vc.v', true, false, '') IS NOT NULL) NOT VALID;
-- a cast with which the key compares
CREATE TYPE vc.number AS ENUM ('1', '2', '3');
CREATE FUNCTION vc.to_int(vc.number) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$BEGIN PERFORM vc.witness('key_cast'); RETURN $1::text::int; END$$;
CREATE CAST (vc.number AS int) WITH FUNCTION vc.to_int(vc.number) AS IMPLICIT;
CREATE TABLE vc.c_key_cast (id int PRIMARY KEY, p vc.number CONSTRAINT k_key_cast REFERENCES vc.p);
-- a cast that to_jsonb() looks for
CREATE TYPE vc.mood AS ENUM ('well');
CREATE FUNCTION vc.to_json(vc.mood) RETURNS json LANGUAGE plpgsql IMMUTABLE AS $$BEGIN PERFORM vc.witness('jsonb_cast'); RETURN '1'; END$$;
CREATE CAST (vc.mood AS json) WITH FUNCTION vc.to_json(vc.mood);
CREATE TABLE vc.c_jsonb_cast (id int PRIMARY KEY, p int CONSTRAINT k_jsonb_cast REFERENCES vc.p, m vc.mood DEFAULT 'well');
ALTER TABLE vc.c_jsonb_cast ADD CHECK (to_jsonb(m) IS NOT NULL) NOT VALID;
-- a domain behind a conversion of text
CREATE DOMAIN vc.d AS int CHECK (vc.fine('domain', VALUE));
CREATE TABLE vc.c_domain (id int PRIMARY KEY, p int CONSTRAINT k_domain REFERENCES vc.p, t text DEFAULT '{1}');
ALTER TABLE vc.c_domain ADD CHECK (t::vc.d[] IS NOT NULL) NOT VALID;
-- the difference of a range's bounds, which GiST asks for
CREATE FUNCTION vc.diff(float8, float8) RETURNS float8 LANGUAGE plpgsql IMMUTABLE AS $$BEGIN PERFORM vc.witness('subtype_diff'); RETURN $1 - $2; END$$;
CREATE TYPE vc.span AS RANGE (SUBTYPE = float8, SUBTYPE_DIFF = vc.diff);
CREATE TABLE vc.c_subtype_diff (id int PRIMARY KEY, p int CONSTRAINT k_subtype_diff REFERENCES vc.p, s vc.span DEFAULT '[1,2]');
CREATE INDEX ON vc.c_subtype_diff USING gist (s);
-- a default, which SET DEFAULT evaluates
CREATE FUNCTION vc.one() RETURNS int LANGUAGE plpgsql STABLE AS $$BEGIN PERFORM vc.witness('default'); RETURN 1; END$$;
CREATE TABLE vc.c_default (id int PRIMARY KEY, p int DEFAULT vc.one() CONSTRAINT k_default REFERENCES vc.p ON DELETE SET DEFAULT);
INSERT INTO vc.c_xml SELECT g, g FROM generate_series(1, 3) g;
INSERT INTO vc.c_key_cast SELECT g, g::text::vc.number FROM generate_series(1, 3) g;
INSERT INTO vc.c_jsonb_cast SELECT g, g FROM generate_series(1, 3) g;
INSERT INTO vc.c_domain SELECT g, g FROM generate_series(1, 3) g;
INSERT INTO vc.c_subtype_diff SELECT g, 1 + g % 3, vc.span(g, g + 1) FROM generate_series(1, 500) g;
INSERT INTO vc.c_default SELECT g, g + 1 FROM generate_series(1, 3) g;
RESET ROLE;

-- each slot is one: what it does is seen
TABLE seen.witness;
SELECT seen.again();

-- a superuser proves the keys: as the owner, and all of them hold
SELECT fk_name, result, string_agg(replace(test, 'live: ', ''), ', ' ORDER BY test) AS tests, min(reason) AS reason
FROM sg_verify_fks_details(live => true) WHERE child_table LIKE 'vc.%' AND test ~ 'live' GROUP BY 1, 2 ORDER BY 1, 2 \gx
SELECT * FROM seen.witness WHERE seen !~ 'subtype_diff';  -- which some majors call, others not
-- and measures what they cost: on bare copies, or not at all
SELECT sg_plan_add_fk('vc', child, '{p}', 'vc.p', fk_name => replace(child, 'vc.c_', 'k_'), on_delete => CASE WHEN child ~ 'default' THEN 'set default' ELSE 'no action' END)
  FROM unnest('{vc.c_xml,vc.c_key_cast,vc.c_jsonb_cast,vc.c_domain,vc.c_subtype_diff,vc.c_default}'::text[]) WITH ORDINALITY u (child, n) ORDER BY n;
SELECT fk_name, count(ratio) > 0 AS measured, min(reason) FILTER (WHERE reason !~ 'index') AS reason FROM schemaguard.sg_measure_overhead('vc', 50, 1) GROUP BY step, fk_name ORDER BY step;
SELECT * FROM seen.witness WHERE seen !~ 'subtype_diff';  -- which some majors call, others not

-- who may not do it himself does not do it through the owner
SET ROLE regress_vc_app;
SELECT DISTINCT result, reason FROM sg_verify_fks_details(live => true) WHERE child_table LIKE 'vc.%' AND test ~ 'live: insert';
RESET ROLE;
GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA vc TO regress_vc_app;
SET ROLE regress_vc_app;
SELECT fk_name, result, string_agg(replace(test, 'live: ', ''), ', ' ORDER BY test) AS tests, min(reason) AS reason
FROM sg_verify_fks_details(live => true) WHERE child_table LIKE 'vc.%' AND test ~ 'live' GROUP BY 1, 2 ORDER BY 1, 2 \gx
RESET ROLE;
SELECT * FROM seen.witness WHERE seen !~ 'subtype_diff';  -- which the index calls where it has a choice of pages

-- what a restricted role may not put off is done at once, and what this transaction has put off stays put off
SET ROLE regress_vc_owner;
CREATE TABLE vc.c_deferred (id int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED, p int CONSTRAINT k_deferred REFERENCES vc.p DEFERRABLE INITIALLY DEFERRED,
    q int CONSTRAINT k_deferred_2 REFERENCES vc.p DEFERRABLE INITIALLY DEFERRED, CHECK (vc.fine('xml', p)));
INSERT INTO vc.c_deferred SELECT g, g, g + 1 FROM generate_series(1, 3) g;
RESET ROLE;
SELECT fk_name, test, result, reason FROM sg_verify_fks_details(live => true) WHERE fk_name ~ 'k_deferred' AND test ~ 'live';
BEGIN;
SET LOCAL ROLE regress_vc_owner;
INSERT INTO vc.c_deferred VALUES (4, 99, 1);
RESET ROLE;
SELECT fk_name, test, result, reason FROM sg_verify_fks_details(live => true) WHERE fk_name = 'k_deferred' AND test ~ 'insert';
SET CONSTRAINTS ALL IMMEDIATE;
ROLLBACK;

-- two schemas of two owners: the owner of the one needs rights of his own in the other; code of both runs for nobody
CREATE SCHEMA vc2 AUTHORIZATION regress_vc_other;
GRANT USAGE ON SCHEMA vc2 TO PUBLIC;
SET ROLE regress_vc_other;
CREATE TABLE vc2.p (id int PRIMARY KEY);
INSERT INTO vc2.p SELECT generate_series(1, 9);
GRANT REFERENCES ON vc2.p TO regress_vc_owner;
RESET ROLE;
SET ROLE regress_vc_owner;
CREATE TABLE vc.c2 (id int PRIMARY KEY, p int CHECK (vc.fine('xml', p)), q int);
INSERT INTO vc.c2 SELECT g, g FROM generate_series(1, 3) g;
RESET ROLE;
ALTER TABLE vc.c2 ADD CONSTRAINT k_two FOREIGN KEY (p) REFERENCES vc2.p;
SELECT test, result, reason FROM sg_verify_fks_details(live => true) WHERE fk_name = 'k_two' AND test ~ 'live' ORDER BY 1;
GRANT SELECT, INSERT, UPDATE, DELETE ON vc2.p TO regress_vc_owner;
SELECT test, result, reason FROM sg_verify_fks_details(live => true) WHERE fk_name = 'k_two' AND test ~ 'live' ORDER BY 1;
SET ROLE regress_vc_other;
CREATE FUNCTION vc2.fine(int) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT true';
CREATE INDEX ON vc2.p (id) WHERE vc2.fine(id);
RESET ROLE;
SELECT test, result, reason FROM sg_verify_fks_details(live => true) WHERE fk_name = 'k_two' AND test ~ 'live' ORDER BY 1;
SELECT * FROM seen.witness WHERE seen !~ 'subtype_diff';  -- which the index calls where it has a choice of pages

-- an event trigger that keeps an audit of its own: rolled back with the copies; who may not write there gets no copies
SELECT sg_grant('regress_vc_owner');
CREATE TABLE vc.audit (tag text);
REVOKE ALL ON vc.audit FROM PUBLIC;
CREATE FUNCTION vc.log_ddl() RETURNS event_trigger LANGUAGE plpgsql AS $$BEGIN INSERT INTO vc.audit VALUES (tg_tag); END$$;
CREATE EVENT TRIGGER regress_vc_ddl ON ddl_command_end EXECUTE FUNCTION vc.log_ddl();
SELECT sg_plan_create('vc', replace => true);
SELECT sg_plan_add_fk('vc', 'vc.c_xml', '{p}', 'vc.p', fk_name => 'k_xml');
SELECT operation, rows > 0 AS measured, reason FROM schemaguard.sg_measure_overhead('vc', 50, 1) WHERE operation = 'insert';
SELECT sg_plan_drop('vc', force => true);
SET ROLE regress_vc_owner;
SELECT sg_plan_create('vc owner');
SELECT sg_plan_add_fk('vc owner', 'vc.c_xml', '{p}', 'vc.p', fk_name => 'k_xml');
SELECT operation, rows > 0 AS measured, reason FROM schemaguard.sg_measure_overhead('vc owner', 50, 1) WHERE operation = 'insert';
RESET ROLE;
SELECT count(*) FROM vc.audit;
DROP EVENT TRIGGER regress_vc_ddl;
-- the owner himself is his own witness
SET ROLE regress_vc_owner;
SELECT operation, rows > 0 AS measured FROM schemaguard.sg_measure_overhead('vc owner', 50, 1) WHERE operation = 'insert';
SELECT sg_plan_drop('vc owner');
RESET ROLE;
SELECT sg_revoke('regress_vc_owner');
SELECT * FROM seen.witness WHERE seen !~ 'subtype_diff';  -- which the index calls where it has a choice of pages
SET client_min_messages = error;
DROP SCHEMA vc, vc2, seen CASCADE;
DROP ROLE regress_vc_owner, regress_vc_other, regress_vc_app;
