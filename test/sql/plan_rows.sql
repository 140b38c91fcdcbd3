-- What people ask for in one call: audit columns, archives, isolation of tenants, keys that move to another table
-- rooms: plan
\set VERBOSITY default
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS schemaguard;
CREATE ROLE regress_sg_people;
CREATE SCHEMA ask;
SET search_path = ask, public;
SET schemaguard.workers = 0;
CREATE VIEW step AS SELECT plan, step, kind, child_table, fk_name, state, reason, phase FROM schemaguard.plan_step WHERE plan ~ '^ask_' ORDER BY plan, step;

-- ---- audit columns: what is there is not added; both languages do the same

CREATE TABLE note (id int PRIMARY KEY, created_at date, body text);
CREATE TABLE "Odd ""note" (id int PRIMARY KEY, body text);
SELECT sg_plan_create('ask_c'), sg_plan_create('ask_plpgsql') \g /dev/null
SELECT sg_plan_add_audit_columns('ask_c', '{note}', user_setting => 'app.username');
SELECT sg_plan_add_audit_columns('ask_c', '{note}', user_setting => 'app.username') AS nothing_new;
SELECT sg_plan_add_audit_columns('ask_plpgsql', ARRAY['"Odd ""note"'], modified_by => 'by "whom', user_setting => 'app.username', language => 'plpgsql');
SELECT kind, child_table, fk_name FROM step;
CALL sg_apply('ask_c');
CALL sg_apply('ask_plpgsql');
SELECT state, count(*) FROM step GROUP BY 1;
SET app.username = 'maria';
INSERT INTO note (id, created_by) VALUES (1, 'forged');
INSERT INTO "Odd ""note" (id, created_by) VALUES (1, 'forged');
RESET app.username;
UPDATE note SET created_by = 'forged', created_at = NULL;
UPDATE "Odd ""note" SET created_by = 'forged', created_at = NULL;
SELECT created_at = now()::date AS at, created_by, modified_at IS NOT NULL AS changed, modified_by = session_user AS by_me FROM note
UNION ALL SELECT created_at::date = now()::date, created_by, modified_at IS NOT NULL, "by ""whom" = session_user FROM "Odd ""note";
CALL sg_rollback_fks('ask_c');
CALL sg_rollback_fks('ask_plpgsql');
SELECT attrelid::regclass, attname FROM pg_attribute WHERE attrelid IN ('note'::regclass, '"Odd ""note"'::regclass) AND attnum > 0 AND NOT attisdropped ORDER BY 1, attnum;
SELECT count(*) AS functions FROM pg_proc WHERE pronamespace = 'ask'::regnamespace;

-- ---- a step is done when the catalog has its definition, not when something else has its name

CREATE TABLE twice (id int);
CREATE FUNCTION no_stamp() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER sg_stamp BEFORE INSERT OR UPDATE ON twice FOR EACH ROW EXECUTE FUNCTION no_stamp();
CREATE VIEW twice_live AS SELECT 1 AS id;
CREATE VIEW fires AS SELECT tgname, tgenabled, replace(pg_get_triggerdef(oid), 'CREATE TRIGGER ', '') AS definition FROM pg_trigger WHERE tgrelid = 'twice'::regclass AND NOT tgisinternal ORDER BY 1;
SELECT sg_plan_create('ask_one'), sg_plan_create('ask_other') \g /dev/null
-- another stamp, in one plan and in the next one; the same is planned once, and made once
SELECT sg_plan_add_audit_columns('ask_one', '{twice}', modified_at => NULL, modified_by => NULL), sg_plan_add_audit_columns('ask_one', '{twice}', modified_at => NULL, modified_by => NULL) AS nothing_new,
    sg_plan_add_audit_columns('ask_one', '{twice}', created_at => 'made\at', created_by => NULL, modified_at => NULL, modified_by => NULL) AS other_column,
    sg_plan_add_audit_columns('ask_one', '{twice}', created_at => 'ours', created_by => NULL, modified_at => NULL, modified_by => NULL, language => 'plpgsql') AS in_plpgsql;
SELECT sg_plan_add_archive_columns('ask_one', '{twice}'), sg_plan_add_archive_columns('ask_one', '{twice}') AS nothing_new, sg_plan_add_archive_columns('ask_one', '{twice}', archived_at => 'gone_at', archived_by => NULL) AS other_column;
CALL sg_apply('ask_one', fail => true);
SELECT result, fk_name, test FROM sg_verify_fks('ask_one') ORDER BY fk_name COLLATE "C", test;
SELECT sg_plan_add_audit_columns('ask_other', '{twice}', modified_at => NULL, modified_by => NULL, user_setting => 'app.username'), sg_plan_add_audit_columns('ask_other', '{twice}', created_at => 'made\at', created_by => NULL, modified_at => NULL, modified_by => NULL) AS there_already;
CALL sg_apply('ask_other', fail => true);
SELECT * FROM fires;
SELECT relname, pg_get_viewdef(oid) ~ 'twice' AS shows_rows FROM pg_class WHERE relkind = 'v' AND relname ~ '^twice_live' ORDER BY 1;
SELECT kind, fk_name FROM step WHERE plan = 'ask_other';
-- what is not as the plan has made it is not done; nor does a second call take what another one has made for its own
ALTER TABLE twice DISABLE TRIGGER sg_stamp_1;
SELECT p.proname AS stamp FROM pg_trigger t JOIN pg_proc p ON p.oid = tgfoid WHERE tgrelid = 'twice'::regclass AND proname ~ '^twice' \gset
CREATE OR REPLACE FUNCTION :"stamp"() RETURNS trigger LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS 'BEGIN RETURN NULL; END';
DROP TRIGGER sg_stamp_2 ON twice;
CREATE TRIGGER sg_stamp_2 BEFORE INSERT OR UPDATE ON twice FOR EACH ROW WHEN (NEW.id > 0) EXECUTE FUNCTION schemaguard.sg_stamp_row('created_at=made\at');
ALTER VIEW twice_live1 RESET (security_invoker);
SELECT fk_name, observed FROM sg_verify_fks('ask_one') WHERE result <> 'pass' ORDER BY fk_name COLLATE "C";
CALL sg_apply('ask_one');
SELECT fk_name, state, reason FROM step WHERE plan = 'ask_one' AND state <> 'validated' ORDER BY fk_name COLLATE "C";
SELECT tgname, tgenabled FROM fires WHERE tgenabled <> 'O' OR definition ~ 'WHEN';
CALL sg_rollback_fks('ask_one');
SELECT fk_name, state, reason FROM step WHERE plan = 'ask_one' AND state <> 'rolled back' ORDER BY fk_name COLLATE "C";
ALTER TABLE twice ENABLE ALWAYS TRIGGER sg_stamp_1;
CALL sg_rollback_fks('ask_one');
SELECT tgname FROM fires;
SELECT relname FROM pg_class WHERE relkind = 'v' AND relname ~ '^twice_live' ORDER BY 1;
DROP TABLE twice CASCADE;
DROP VIEW twice_live;
-- a column that can hold no time would have each INSERT fail
CREATE TABLE no_time (id int, created_at int, modified_at time);
SELECT sg_plan_add_audit_columns('ask_other', '{no_time}');
SELECT sg_plan_add_audit_columns('ask_other', '{no_time}', created_at => NULL);
SELECT sg_plan_add_audit_columns('ask_other', '{no_time}', created_at => NULL, modified_at => NULL) > 0 AS added;
DROP TABLE no_time;
-- how the server writes a function's settings down depends on the session
CREATE TABLE quoted (id int);
SELECT sg_plan_create('ask_quoted'), sg_plan_add_audit_columns('ask_quoted', '{quoted}', language => 'plpgsql');
SET quote_all_identifiers = on;
CALL sg_apply('ask_quoted', fail => true);
RESET quote_all_identifiers;
SELECT DISTINCT result FROM sg_verify_fks('ask_quoted');
CALL sg_rollback_fks('ask_quoted', fail => true);
DROP TABLE quoted;

-- ---- archives: the parents and children of each key, in both languages the same

CREATE TABLE client (id int UNIQUE);
CREATE TABLE bill (id int UNIQUE, client int CONSTRAINT of_client REFERENCES client (id));
CREATE TABLE item (bill int CONSTRAINT of_bill REFERENCES bill (id));
CREATE PROCEDURE try(VARIADIC commands text[]) LANGUAGE plpgsql AS $$
DECLARE
    command text;
BEGIN
    FOREACH command IN ARRAY commands LOOP
        BEGIN
            EXECUTE command;
            RAISE INFO '%', command;
        EXCEPTION WHEN OTHERS THEN
            RAISE INFO '%: % %', command, SQLSTATE, SQLERRM;
        END;
    END LOOP;
END $$;
CREATE PROCEDURE archive_all() LANGUAGE sql AS $$
    CALL try('INSERT INTO client VALUES (1), (2)', 'INSERT INTO bill VALUES (10, 1), (20, 2)', 'INSERT INTO item VALUES (10)',
        'UPDATE client SET archived_at = ''2026-01-01'' WHERE id = 1',
        'UPDATE bill SET archived_at = ''2026-01-01'' WHERE id = 10',
        'INSERT INTO item VALUES (10)', 'UPDATE item SET bill = bill', 'UPDATE item SET bill = 20', 'UPDATE item SET bill = 10',
        'UPDATE client SET archived_at = ''2026-01-02'' WHERE id = 1', 'UPDATE bill SET archived_at = NULL WHERE id = 10', 'INSERT INTO bill VALUES (11, 1)');
$$;
SELECT sg_plan_create('ask_refuse'), sg_plan_create('ask_plrefuse'), sg_plan_create('ask_cascade'), sg_plan_create('ask_plcascade'), sg_plan_create('ask_leave') \g /dev/null
SELECT sg_plan_add_archive_columns('ask_refuse', '{client,bill}'), sg_plan_add_archive_columns('ask_refuse', '{client,bill}') AS nothing_new,
    sg_plan_add_archive_columns('ask_plrefuse', '{client,bill}', language => 'plpgsql'),
    sg_plan_add_archive_columns('ask_cascade', '{client,bill}', children => 'cascade'),
    sg_plan_add_archive_columns('ask_plcascade', '{client,bill}', children => 'cascade', language => 'plpgsql'),
    sg_plan_add_archive_columns('ask_leave', '{client,bill}', archived_by => NULL, children => 'leave', phase => 'later');
SELECT kind, child_table, fk_name FROM step WHERE plan = 'ask_refuse';
CREATE PROCEDURE empty() LANGUAGE sql BEGIN ATOMIC
    DELETE FROM item; DELETE FROM bill; DELETE FROM client;
END;
CALL sg_apply('ask_refuse');
CALL archive_all();
SELECT id, archived_at::date, archived_by = session_user AS by_me FROM client ORDER BY id;
SELECT id FROM client_live;
CALL empty();
CALL sg_rollback_fks('ask_refuse');
CALL sg_apply('ask_plrefuse');
CALL archive_all();
SELECT id, archived_at::date, archived_by = session_user AS by_me FROM client ORDER BY id;
CALL empty();
CALL sg_rollback_fks('ask_plrefuse');
CALL sg_apply('ask_cascade');
CALL archive_all();
SELECT id, archived_at::date, archived_by = session_user AS by_me FROM bill ORDER BY id;
CALL empty();
CALL sg_rollback_fks('ask_cascade');
CALL sg_apply('ask_plcascade');
CALL archive_all();
SELECT id, archived_at::date, archived_by = session_user AS by_me FROM bill ORDER BY id;
CALL empty();
CALL sg_rollback_fks('ask_plcascade');
CALL sg_apply('ask_leave');
SELECT count(*), count(*) FILTER (WHERE state = 'pending') AS wait FROM step WHERE plan = 'ask_leave';
SELECT relname FROM pg_class WHERE relnamespace = 'ask'::regnamespace AND relname ~ 'live';
-- a primary key brings the index of the live rows
SELECT sg_plan_add_archive_columns('ask_leave', '{note}', language => 'plpgsql');
SELECT sql FROM sg_plan_sql('ask_leave') sql WHERE sql ~ 'INDEX';

-- ---- tenants: afterwards a row can't refer to another tenant's

CREATE TABLE tenants (id int PRIMARY KEY);
CREATE TABLE project (id int PRIMARY KEY, tn_id int NOT NULL REFERENCES tenants, UNIQUE (tn_id, id));
CREATE TABLE task (id int PRIMARY KEY, tn_id int, project int CONSTRAINT in_project REFERENCES project ON DELETE SET NULL, before int CONSTRAINT before REFERENCES task);
INSERT INTO tenants VALUES (1), (2);
INSERT INTO project VALUES (10, 1), (20, 2);
INSERT INTO task VALUES (1, 1, 10, NULL), (2, 2, 20, 2), (3, 1, 20, NULL);
SELECT sg_plan_create('ask_tenants') \g /dev/null
SELECT sg_plan_isolate('ask_tenants', 'tn_id', 'tenants'), sg_plan_isolate('ask_tenants', 'tn_id', 'tenants') AS nothing_new;
-- a child that has no such column is told when it is planned
CREATE TABLE remark (project int CONSTRAINT of_project REFERENCES project, tenant int REFERENCES tenants);
SELECT sg_plan_isolate('ask_tenants', 'tn_id', 'tenants');
DROP TABLE remark;
SELECT sql FROM sg_plan_sql('ask_tenants') sql WHERE sql ~ 'FOREIGN KEY|UNIQUE' ORDER BY sql COLLATE "C";
SELECT fk_name, leaking_rows, sample FROM sg_tenant_audit_details('tn_id', 'tenants') WHERE leaking_rows > 0;
SELECT fk_name, orphan_rows FROM sg_orphan_audit_details(plan => 'ask_tenants') WHERE result = 'fail';
UPDATE task SET tn_id = 2 WHERE id = 3;
ALTER TABLE task ADD CONSTRAINT task_tn_id_id_key UNIQUE (tn_id, id);
SELECT sg_plan_skip('ask_tenants', ARRAY[step], 'it is there', done => true) FROM step WHERE plan = 'ask_tenants' AND kind = 'unique' \g /dev/null
CALL sg_apply('ask_tenants');
SELECT finding, table_name, fk_name, result FROM sg_tenant_audit_details('tn_id', 'tenants', '{ask}');
INSERT INTO task VALUES (4, 1, 20);
DELETE FROM project WHERE id = 10;
SELECT * FROM task WHERE id = 1;

-- ---- another table takes the place of one: integers become UUIDs

CREATE TABLE users (id int PRIMARY KEY);
CREATE TABLE profiles (id uuid PRIMARY KEY, legacy_id int UNIQUE);
CREATE TABLE post (id int, user_id int NOT NULL CONSTRAINT by_user REFERENCES users ON DELETE CASCADE, legacy_id int CONSTRAINT read_by REFERENCES users);
INSERT INTO users SELECT generate_series(1, 5);
INSERT INTO profiles SELECT md5(id::text)::uuid, id FROM users;
INSERT INTO post SELECT g, g, nullif(g, 3) FROM generate_series(1, 5) g;
SELECT sg_plan_create('ask_move'), sg_plan_create('ask_plain') \g /dev/null
SELECT sg_plan_retarget('ask_move', 'users', 'profiles', 'legacy_id', 'there are profiles now'), sg_plan_retarget('ask_move', 'users', 'profiles', 'legacy_id') AS nothing_new;
CALL sg_apply('ask_move');
SELECT step, kind, fk_name, state, phase FROM step WHERE plan = 'ask_move';
SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'post'::regclass AND contype = 'f' ORDER BY 1;
SELECT count(*) AS rows, count(*) FILTER (WHERE profile_id = md5(user_id::text)::uuid AND legacy_id_profile IS NOT DISTINCT FROM md5(legacy_id::text)::uuid) AS moved FROM post;
-- the old columns go when that is released, and what they held is kept
SELECT sg_plan_release('ask_move', 'retargeted');
CALL sg_apply('ask_move');
SELECT attname FROM pg_attribute WHERE attrelid = 'post'::regclass AND attnum > 0 AND NOT attisdropped AND attname !~ '^_sg' ORDER BY attnum;
SELECT table_name, replacement, reason, added_by = current_user AS by_me FROM schemaguard.deprecated_table WHERE table_name ~ '^ask[.]';
-- columns that are there are others'; so are those of another step
CREATE TABLE follow (id int, user_id int CONSTRAINT follower REFERENCES users, profile_id uuid CONSTRAINT followed REFERENCES profiles);
INSERT INTO follow SELECT 1, 1, id FROM profiles WHERE legacy_id = 5 UNION ALL SELECT 2, 2, NULL;
SELECT format('CREATE TABLE pair (%1$I int CONSTRAINT pair_a REFERENCES users, %2$I int CONSTRAINT pair_b REFERENCES users)', repeat('p', 60) || 'cca', repeat('p', 60) || 'ccb') \gexec
SELECT sg_plan_create('ask_taken') \g /dev/null
SELECT sg_plan_retarget('ask_taken', 'users', 'profiles', 'legacy_id');
SELECT fk_name, child_columns FROM schemaguard.plan_step WHERE plan = 'ask_taken' AND kind = 'foreign key' ORDER BY child_table, child_columns;
CALL sg_apply('ask_taken');
SELECT f.id, p.legacy_id AS followed, n.legacy_id AS follower FROM follow f LEFT JOIN profiles p ON p.id = f.profile_id LEFT JOIN profiles n ON n.id = f.profile_id_1 ORDER BY 1;
-- the same type: the columns stay
CREATE TABLE people (id int PRIMARY KEY);
INSERT INTO people TABLE users;
CREATE TABLE vote (u int CONSTRAINT of_user REFERENCES users);
INSERT INTO vote VALUES (1);
SELECT sg_plan_retarget('ask_plain', 'users', 'people');
CALL sg_apply('ask_plain');
SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'vote'::regclass;

-- ---- what they do not take

CREATE TABLE two (a int, b int, PRIMARY KEY (a, b), deleted boolean);
CREATE TABLE of_two (a int, b int, CONSTRAINT two FOREIGN KEY (a, b) REFERENCES two);
SELECT sg_plan_add_audit_columns('ask_c', '{no_such}');
SELECT sg_plan_add_audit_columns('ask_c', '{note}', language => 'perl');
SELECT sg_plan_add_audit_columns('ask_c', '{note}', NULL, NULL, NULL, NULL);
\set VERBOSITY terse
SELECT sg_plan_add_audit_columns('no_such', '{note}');
\set VERBOSITY default
SELECT sg_plan_add_archive_columns('ask_c', '{note}', children => 'kill');
SELECT sg_plan_add_archive_columns('ask_c', '{two}', archived_at => 'deleted');
SELECT sg_plan_add_archive_columns('ask_c', '{note}', archived_at => NULL);
SELECT sg_plan_retarget('ask_c', 'users', 'profiles', 'no_such');
SELECT sg_plan_retarget('ask_c', 'two', 'profiles', 'legacy_id');
SET ROLE regress_sg_people;
SELECT sg_plan_isolate('ask_tenants', 'tn_id');
SELECT schemaguard.sg_deprecate_table('ask.note', NULL, NULL);
INSERT INTO schemaguard.deprecated_table VALUES ('ask.note');
RESET ROLE;

-- ---- tables of another role

CREATE ROLE regress_sg_other;
SELECT sg_grant('regress_sg_other');
GRANT USAGE, CREATE ON SCHEMA ask TO regress_sg_other;
CREATE TABLE owned (id int PRIMARY KEY);
SET ROLE regress_sg_other;
SELECT schemaguard.sg_deprecate_table('ask.users', 'ask.theirs', 'theirs is better');
CREATE TABLE theirs (id int PRIMARY KEY, own_id int);
SELECT schemaguard.sg_deprecate_table('ask.theirs', NULL, NULL);
-- however it is spelled; of two who do not own it, neither keeps the other away
SELECT schemaguard.sg_deprecate_table(' "ask" . USERS', 'ask.theirs', NULL);
SELECT schemaguard.sg_deprecate_table('ask.two', 'ask.theirs', NULL);
RESET ROLE;
SELECT sg_grant('regress_sg_people');
SET ROLE regress_sg_people;
SELECT schemaguard.sg_deprecate_table(' ask . TWO', 'ask.profiles', NULL);
RESET ROLE;
SELECT table_name, replacement FROM schemaguard.deprecated_table WHERE table_name IN ('ask.users', 'ask.two') ORDER BY 1;
SELECT sg_plan_create('ask_own'), sg_plan_isolate('ask_own', 'own_id', 'owned');
CREATE TABLE of_theirs (id int REFERENCES theirs);
SELECT sg_plan_add_archive_columns('ask_own', '{theirs}', language => 'plpgsql');
SELECT sg_plan_add_archive_columns('ask_own', '{theirs}') > 0 AS in_c;
CREATE TABLE ours (id int PRIMARY KEY);
CREATE TABLE of_ours (id int REFERENCES ours) PARTITION BY LIST (id);
SET ROLE regress_sg_other;
CREATE TABLE part_of_ours (id int);
RESET ROLE;
ALTER TABLE of_ours ATTACH PARTITION part_of_ours FOR VALUES IN (1);
SELECT sg_plan_add_archive_columns('ask_own', '{ours}', language => 'plpgsql');
GRANT REFERENCES ON ours TO regress_sg_other;
SET ROLE regress_sg_other;
CREATE TABLE by_them (id int REFERENCES ours);
RESET ROLE;
SELECT sg_plan_retarget('ask_own', 'ours', 'people');

-- a function that another role has made in place of the plan's
CREATE SCHEMA ask_theirs AUTHORIZATION regress_sg_other;
CREATE TABLE ask_theirs.t (id int);
SELECT sg_plan_create('ask_first'), sg_plan_add_audit_columns('ask_first', '{ask_theirs.t}', language => 'plpgsql') > 0 AS added;
CALL sg_apply('ask_first');
SELECT sg_plan_create('ask_again'), sg_plan_add_audit_columns('ask_again', '{ask_theirs.t}', language => 'plpgsql') > 0 AS added;
SELECT proname AS stamp FROM pg_proc WHERE pronamespace = 'ask_theirs'::regnamespace \gset
SET ROLE regress_sg_other;
DROP FUNCTION ask_theirs.:"stamp"() CASCADE;
CREATE FUNCTION ask_theirs.:"stamp"() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
RESET ROLE;
CALL sg_apply('ask_again');
SELECT proowner = 'regress_sg_other'::regrole AS theirs, prosrc = 'BEGIN RETURN NULL; END' AS as_theirs
FROM pg_proc WHERE pronamespace = 'ask_theirs'::regnamespace;

-- ---- names that are no words

CREATE TABLE "it's 50%" (id int PRIMARY KEY);
CREATE TABLE "of it's" (id int REFERENCES "it's 50%");
SELECT sg_plan_create('ask_odd'), sg_plan_add_archive_columns('ask_odd', '{"\"it''s 50%\""}', language => 'plpgsql') > 0 AS added;
CALL sg_apply('ask_odd');
INSERT INTO "it's 50%" VALUES (1, now());
INSERT INTO "of it's" VALUES (1);

SELECT count(sg_plan_drop(name, true)) FROM schemaguard.plan WHERE name ~ '^ask_';
DELETE FROM schemaguard.deprecated_table WHERE table_name ~ '^ask[.]';
RESET search_path;
DROP SCHEMA ask, ask_theirs CASCADE;
SELECT sg_revoke('regress_sg_other'), sg_revoke('regress_sg_people');
DROP ROLE regress_sg_people, regress_sg_other;
