-- Trigger functions: who made, changed and archived a row, and when; archived rows and the live ones that refer to them
-- rooms: stamp
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS schemaguard;
CREATE ROLE regress_sg_clerk;
CREATE ROLE regress_sg_keeper;
CREATE SCHEMA st;
GRANT USAGE, CREATE ON SCHEMA st TO regress_sg_clerk, regress_sg_keeper;
RESET client_min_messages;
SET search_path = st, public;
\set VERBOSITY default
\set SHOW_CONTEXT never

-- ---- sg_stamp_row

CREATE DOMAIN short AS varchar(20) CHECK (VALUE <> 'nobody');
CREATE TABLE note (id int, body text, created_at timestamptz, created_by text, modified_at timestamp(0), modified_by short);
CREATE TRIGGER stamp BEFORE INSERT OR UPDATE ON note FOR EACH ROW EXECUTE FUNCTION schemaguard.sg_stamp_row();
GRANT SELECT, INSERT, UPDATE ON note TO regress_sg_clerk;
CREATE VIEW seen AS
SELECT id, body, created_at = now() AS created_now, created_by, modified_at = now()::timestamp(0) AS modified_now, modified_by FROM note ORDER BY id;

-- an INSERT sets all of them, whatever it says
BEGIN;
SET ROLE regress_sg_clerk;
INSERT INTO note VALUES (1, 'one', '2000-01-01', 'somebody', '2000-01-01', 'x'), (2, 'two', NULL, NULL, NULL, NULL);
RESET ROLE;
SELECT * FROM seen;
COMMIT;
-- an UPDATE sets modified_*, and created_* stay as they were
CREATE TABLE before AS SELECT * FROM note;
BEGIN;
GRANT SELECT, UPDATE ON note TO regress_sg_keeper;
SET ROLE regress_sg_keeper;
UPDATE note SET body = 'eins', created_at = '1999-01-01', created_by = NULL, modified_by = 'forged' WHERE id = 1;
RESET ROLE;
SELECT n.id, n.body, n.created_at = b.created_at AND n.created_by = b.created_by AS kept, n.modified_at = now()::timestamp(0) AS modified_now, n.modified_by
  FROM note n JOIN before b USING (id) WHERE n.id = 1;
-- who asks is the session's role, not the one that a function runs as
CREATE FUNCTION change(i int) RETURNS void LANGUAGE sql SECURITY DEFINER SET search_path = st AS $$ UPDATE note SET body = 'by function' WHERE id = i $$;
SET ROLE regress_sg_clerk;
SELECT change(2);
RESET ROLE;
SELECT id, body, modified_by FROM seen;
COMMIT;

-- a row that the same role has changed before, with nulls, gaps and long values before what is stamped
CREATE TABLE copied (gone text, id int, body text, n numeric, modified_by name, flag boolean, modified_at date, rest text);
INSERT INTO copied SELECT 'x', g, CASE WHEN g % 3 > 0 THEN repeat('b', g) END, CASE WHEN g % 2 > 0 THEN g END, 'somebody', g % 5 = 0, '2000-01-01', 'r' || g FROM generate_series(1, 300) g;
INSERT INTO copied VALUES ('x', 301, repeat(md5('1'), 300), 1, NULL, true, NULL, 'null'), ('x', 302, 'b', 2, current_user, NULL, '2000-01-01', NULL);
ALTER TABLE copied DROP gone, ADD late int DEFAULT 7;
CREATE TRIGGER stamp BEFORE UPDATE ON copied FOR EACH ROW EXECUTE FUNCTION schemaguard.sg_stamp_row();
SELECT md5(string_agg(concat_ws('|', id, body, n, flag, rest, late), ',' ORDER BY id)) AS before FROM copied \gset
BEGIN;
UPDATE copied SET late = late + 1;
UPDATE copied SET late = late - 1, modified_at = '1999-01-01';
UPDATE copied SET late = late WHERE id % 2 = 0;
SELECT count(*), count(*) FILTER (WHERE modified_at = now()::date AND modified_by = current_user) AS stamped,
       md5(string_agg(concat_ws('|', id, body, n, flag, rest, late), ',' ORDER BY id)) = :'before' AS same FROM copied;
COMMIT;

-- a setting of the application's comes first, unless it is empty
CREATE TABLE task (id int PRIMARY KEY, made_on date, maker int, done boolean, closer int);
CREATE TRIGGER stamp BEFORE INSERT OR UPDATE ON task FOR EACH ROW
    EXECUTE FUNCTION schemaguard.sg_stamp_row('created_at=made_on', 'created_by=maker', 'user=app.username', 'archived_at=done', 'archived_by=closer');
SET app.username = '42';
INSERT INTO task VALUES (1), (2), (3);
SELECT id, made_on = now()::date AS today, maker, closer FROM task ORDER BY id;
-- for each row anew
UPDATE task SET done = set_config('app.username', (40 + id)::text, false) IS NOT NULL WHERE id < 3;
SELECT id, maker, done, closer FROM task ORDER BY id;
-- who archived stays, until the row is taken out
UPDATE task SET closer = 7, maker = 8;
SELECT id, maker, done, closer FROM task ORDER BY id;
UPDATE task SET done = false WHERE id = 1;
SELECT id, maker, done, closer FROM task ORDER BY id;
SET app.username = '';
DO $$ BEGIN INSERT INTO task VALUES (4); EXCEPTION WHEN invalid_text_representation THEN RAISE INFO 'a role is no number'; END $$;

-- what it does not take
CREATE TABLE plain (id int, at text, gen int GENERATED ALWAYS AS (id) STORED);
CREATE PROCEDURE try(arguments text, timing text DEFAULT 'BEFORE INSERT OR UPDATE', level text DEFAULT 'ROW') LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE TRIGGER t %s ON plain FOR EACH %s EXECUTE FUNCTION schemaguard.sg_stamp_row(%s)', timing, level, arguments);
    INSERT INTO plain VALUES (1);
    RAISE 'worked';
EXCEPTION WHEN OTHERS THEN
    DECLARE hint text;
    BEGIN
        GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
        RAISE INFO '% % | %', SQLSTATE, SQLERRM, hint;
    END;
END $$;
CALL try('');
CALL try($$'user=app.username'$$);
CALL try($$'created_at'$$);
CALL try($$'created=id'$$);
CALL try($$'created_at=no_such'$$);
CALL try($$'created_at=at'$$);
CALL try($$'created_by=gen'$$);
CALL try($$'archived_at=at'$$);
CALL try($$'created_by=at', 'user=data_directory'$$);
CALL try($$'created_by=at'$$, 'AFTER INSERT');
CALL try($$'created_by=at'$$, 'BEFORE INSERT', 'STATEMENT');
CALL try($$'created_by=at'$$);

-- ---- archived rows

CREATE TABLE p (a int, b text, archived_at timestamptz, PRIMARY KEY (a, b));
CREATE TABLE c (id int PRIMARY KEY, q text, r int, archived boolean, note text,
    CONSTRAINT key FOREIGN KEY (r, q) REFERENCES p (a, b) ON UPDATE CASCADE) PARTITION BY LIST (id);
CREATE TABLE c2 (note text, r int, archived boolean, id int NOT NULL, q text);
ALTER TABLE c ATTACH PARTITION c2 DEFAULT;
CREATE TRIGGER live AFTER INSERT OR UPDATE ON c FOR EACH ROW EXECUTE FUNCTION schemaguard.sg_refuse_archived_parent('key', 'archived_at', 'archived');
CREATE TRIGGER children AFTER UPDATE ON p FOR EACH ROW EXECUTE FUNCTION schemaguard.sg_refuse_live_children('st.c', 'key', 'archived_at', 'archived');
INSERT INTO p VALUES (1, 'x', NULL), (1, 'y', '2026-01-01'), (2, 'x', NULL);
INSERT INTO c VALUES (1, 'x', 1), (2, NULL, 1);
INSERT INTO c VALUES (3, 'y', 1);
INSERT INTO c VALUES (3, 'y', 1, false);
\echo :LAST_ERROR_SQLSTATE
INSERT INTO c VALUES (3, 'y', 1, true);
-- what was archived comes back, another key is put in, or something else is changed
UPDATE c SET archived = NULL WHERE id = 3;
UPDATE c SET q = 'y' WHERE id = 1;
UPDATE c SET note = 'fine', q = 'x';
UPDATE c SET archived = false WHERE id = 1;
SELECT * FROM c ORDER BY id;
-- archiving
UPDATE p SET archived_at = now() WHERE a = 1;
\echo :LAST_ERROR_SQLSTATE
UPDATE p SET archived_at = now() WHERE a = 2;
UPDATE p SET archived_at = now() + interval '1 h' WHERE a = 2;
UPDATE c SET archived = true;
UPDATE p SET archived_at = now() WHERE archived_at IS NULL;
UPDATE p SET archived_at = NULL WHERE (a, b) = (1, 'x');
UPDATE c SET archived = false WHERE id = 1;
-- row by row, the parents as they are at the end of the statement
WITH gone AS (UPDATE p SET archived_at = now() WHERE (a, b) = (1, 'x')) UPDATE c SET archived = true WHERE id = 1;

-- a child that is never archived itself
CREATE TABLE d (r int, q text, CONSTRAINT d_key FOREIGN KEY (r, q) REFERENCES p MATCH FULL);
CREATE TRIGGER live AFTER INSERT OR UPDATE ON d FOR EACH ROW EXECUTE FUNCTION schemaguard.sg_refuse_archived_parent('d_key', 'archived_at');
INSERT INTO d VALUES (1, 'x');
UPDATE p SET archived_at = NULL WHERE (a, b) = (1, 'x');
INSERT INTO d VALUES (1, 'x'), (NULL, NULL);

-- a tree: children are archived with it, at all levels, with the same value
CREATE TABLE tree (id int PRIMARY KEY, up int CONSTRAINT up REFERENCES tree, archived_at timestamptz, archived_by text);
CREATE TRIGGER stamp BEFORE INSERT OR UPDATE ON tree FOR EACH ROW EXECUTE FUNCTION schemaguard.sg_stamp_row('archived_at=archived_at', 'archived_by=archived_by');
CREATE TRIGGER live AFTER INSERT OR UPDATE ON tree FOR EACH ROW EXECUTE FUNCTION schemaguard.sg_refuse_archived_parent('up', 'archived_at', 'archived_at');
CREATE TRIGGER children AFTER UPDATE ON tree FOR EACH ROW EXECUTE FUNCTION schemaguard.sg_archive_live_children('st.tree', 'up', 'archived_at', 'archived_at');
INSERT INTO tree (id, up, archived_at) VALUES (1, NULL, NULL), (2, 1, NULL), (3, 2, NULL), (4, 2, '2020-01-01'), (5, NULL, NULL), (6, 5, NULL);
UPDATE tree SET archived_at = '2026-02-02' WHERE id IN (1, 2);
SELECT id, up, archived_at::date, archived_by = session_user AS by_me FROM tree ORDER BY id;
INSERT INTO tree VALUES (7, 3);

-- names that change: the trigger says so, and works again when it is made anew
ALTER TABLE tree RENAME up TO above;
INSERT INTO tree VALUES (7, 6);
INSERT INTO tree VALUES (8, 3);
ALTER TABLE tree RENAME archived_at TO gone_at;
INSERT INTO tree VALUES (8, 7);
ALTER TABLE tree RENAME gone_at TO archived_at;
ALTER TABLE tree RENAME CONSTRAINT up TO renamed;
INSERT INTO tree VALUES (8, 7);
CREATE OR REPLACE TRIGGER live AFTER INSERT OR UPDATE ON tree FOR EACH ROW EXECUTE FUNCTION schemaguard.sg_refuse_archived_parent('renamed', 'archived_at', 'archived_at');
INSERT INTO tree VALUES (8, 7);
INSERT INTO tree VALUES (9, 3);
ALTER TABLE tree RENAME TO wood;
UPDATE wood SET archived_at = now() WHERE id = 5;
ALTER TABLE wood RENAME TO tree;
-- another type, and the plan with it
CREATE TABLE wide (id bigint PRIMARY KEY, archived_at timestamptz);
INSERT INTO wide VALUES (1, now()), (4294967297, NULL);
CREATE TABLE narrow (w int CONSTRAINT w REFERENCES wide);
CREATE TRIGGER live AFTER INSERT OR UPDATE ON narrow FOR EACH ROW EXECUTE FUNCTION schemaguard.sg_refuse_archived_parent('w', 'archived_at');
INSERT INTO narrow VALUES (1);
ALTER TABLE narrow ALTER w TYPE bigint;
INSERT INTO narrow VALUES (4294967297);
INSERT INTO narrow VALUES (1);
-- a deferred one looks at what there is in the end
DROP TRIGGER live ON narrow;
CREATE CONSTRAINT TRIGGER live AFTER INSERT OR UPDATE ON narrow DEFERRABLE INITIALLY DEFERRED FOR EACH ROW
    EXECUTE FUNCTION schemaguard.sg_refuse_archived_parent('w', 'archived_at');
BEGIN;
INSERT INTO narrow VALUES (1);
DELETE FROM narrow WHERE w = 1;
INSERT INTO narrow VALUES (1);
UPDATE wide SET archived_at = NULL WHERE id = 1;
COMMIT;

-- ---- as whom: who inserts needs nothing on the parent, but the trigger's owner does; no policy hides a row

ALTER TABLE d OWNER TO regress_sg_keeper;
GRANT SELECT, INSERT ON d TO regress_sg_clerk;
SET ROLE regress_sg_clerk;
INSERT INTO d VALUES (1, 'y');
RESET ROLE;
GRANT SELECT (a, b) ON p TO regress_sg_keeper;
SET ROLE regress_sg_clerk;
INSERT INTO d VALUES (1, 'y');
RESET ROLE;
GRANT SELECT (archived_at) ON p TO regress_sg_keeper;
ALTER TABLE p ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
SET ROLE regress_sg_clerk;
INSERT INTO d VALUES (1, 'y');
RESET ROLE;
ALTER ROLE regress_sg_keeper BYPASSRLS;
SET ROLE regress_sg_clerk;
INSERT INTO d VALUES (1, 'y');
INSERT INTO d VALUES (1, 'x');
RESET ROLE;
-- the parent's owner archives rows of others only where he could
CREATE TABLE mine (id int PRIMARY KEY, archived_at timestamptz);
CREATE TABLE theirs (m int CONSTRAINT m REFERENCES mine, paid_at timestamptz);
CREATE TRIGGER children AFTER UPDATE ON mine FOR EACH ROW EXECUTE FUNCTION schemaguard.sg_archive_live_children('st.theirs', 'm', 'archived_at', 'paid_at');
INSERT INTO mine VALUES (1), (2);
INSERT INTO theirs VALUES (1), (2);
GRANT SELECT, UPDATE ON mine TO regress_sg_clerk;
ALTER TABLE mine OWNER TO regress_sg_keeper;
GRANT SELECT ON theirs TO regress_sg_keeper;
SET ROLE regress_sg_clerk;
UPDATE mine SET archived_at = '2026-03-03';
RESET ROLE;
GRANT UPDATE (paid_at) ON theirs TO regress_sg_keeper;
-- a trigger of the child runs as its owner, restricted
ALTER TABLE theirs OWNER TO regress_sg_clerk;
CREATE FUNCTION tell() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE INFO 'as %', current_user; SET ROLE regress_sg_keeper; RETURN NULL; END $$;
CREATE TRIGGER tell AFTER UPDATE ON theirs FOR EACH ROW EXECUTE FUNCTION tell();
GRANT SELECT, UPDATE (paid_at) ON theirs TO regress_sg_keeper;
UPDATE mine SET archived_at = '2026-03-03' WHERE id = 1;
-- not where it would run code of somebody else
ALTER FUNCTION tell() OWNER TO regress_sg_keeper;
CREATE OR REPLACE TRIGGER tell AFTER UPDATE ON theirs FOR EACH ROW WHEN (true) EXECUTE FUNCTION tell();
UPDATE mine SET archived_at = '2026-03-03' WHERE id = 1;
DROP TRIGGER tell ON theirs;
UPDATE mine SET archived_at = '2026-03-03' WHERE id = 1;
SELECT m, paid_at::date FROM theirs ORDER BY m;

-- wrong arguments and places
CREATE OR REPLACE PROCEDURE try(arguments text, timing text DEFAULT 'AFTER UPDATE', level text DEFAULT 'sg_refuse_live_children') LANGUAGE plpgsql AS $$
BEGIN
    EXECUTE format('CREATE TRIGGER t %s ON mine FOR EACH ROW EXECUTE FUNCTION schemaguard.%s(%s)', timing, level, arguments);
    UPDATE mine SET archived_at = '2026-04-04' WHERE id = 2;
    RAISE 'worked';
EXCEPTION WHEN OTHERS THEN
    DECLARE hint text;
    BEGIN
        GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
        RAISE INFO '% % | %', SQLSTATE, SQLERRM, hint;
    END;
END $$;
DROP TRIGGER children ON mine;
CALL try('');
CALL try($$'theirs', 'm', 'archived_at'$$);
CALL try($$'st.no_such', 'm', 'archived_at'$$);
CALL try($$'st.theirs', 'no_such', 'archived_at'$$);
CALL try($$'st.d', 'd_key', 'archived_at'$$);
CALL try($$'st.theirs', 'm', 'no_such'$$);
CALL try($$'st.theirs', 'm', 'archived_at', 'no_such'$$);
CALL try($$'st.theirs', 'm', ''$$);
CALL try($$'st.theirs', 'm', 'archived_at'$$, 'BEFORE UPDATE');
CALL try($$'st.theirs', 'm', 'archived_at'$$, 'AFTER UPDATE', 'sg_archive_live_children');
CALL try($$'st.theirs', 'm', 'archived_at', 'm'$$, 'AFTER UPDATE', 'sg_archive_live_children');
SELECT schemaguard.sg_stamp_row();

RESET search_path;
SET client_min_messages = warning;
DROP SCHEMA st CASCADE;
DROP ROLE regress_sg_clerk, regress_sg_keeper;
