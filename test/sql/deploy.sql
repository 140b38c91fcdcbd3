-- CALL sg_add_fks: what is added, validated, skipped, failed, and how a call takes up where the last one stopped
-- rooms: deploy run log
\set VERBOSITY terse
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS schemaguard;
CREATE SCHEMA dep;
SET search_path = dep, public;
-- one after the other, so that notices come in one order
SET schemaguard.workers = 1;
CREATE VIEW steps AS
  SELECT step, child_table, fk_name, state, reason, attempts FROM schemaguard.plan_step
  WHERE plan = 'dep' ORDER BY step;
CREATE VIEW log AS
  SELECT step, action, phase, object, sqlstate, message, orphan_rows, attempt FROM schemaguard.audit_log
  WHERE plan = 'dep' AND action NOT LIKE 'plan %' ORDER BY id;
CREATE VIEW keys AS
  SELECT conrelid::regclass AS child, conname, convalidated AS valid, pg_get_constraintdef(oid) AS definition
  FROM pg_constraint WHERE contype = 'f' AND connamespace = 'dep'::regnamespace AND conparentid = 0
  ORDER BY 2, conrelid::regclass::text COLLATE "C";

CREATE TABLE customers (id int PRIMARY KEY, email text UNIQUE);
CREATE TABLE orders (id int PRIMARY KEY, customer_id int, seller_id int, email text, a int, b int);
CREATE TABLE pairs (a int, b int, UNIQUE (a, b));
INSERT INTO customers SELECT g, g || '@example.com' FROM generate_series(1, 5) g;
INSERT INTO pairs VALUES (1, 1);
INSERT INTO orders VALUES (1, 1, 1, '1@example.com', 1, 1), (2, 2, 77, 'x@example.com', 1, NULL);

-- in the order of priority; policies stop and leave; what can't be done is skipped with the reason
SELECT sg_plan_create('dep', 'test of deployment');
SELECT sg_plan_add_fk('dep', 'orders', '{customer_id}', 'customers', priority => 'low');
SELECT sg_plan_add_fk('dep', 'orders', '{seller_id}', 'customers');
SELECT sg_plan_add_fk('dep', 'orders', '{email}', 'customers', '{email}', orphans => 'leave', on_delete => 'set null');
SELECT sg_plan_add_fk('dep', 'orders', '{a,b}', 'pairs', '{a,b}', priority => 'critical', match => 'simple',
                      on_delete => 'set null', on_delete_columns => '{b}', on_update => 'cascade',
                      "deferrable" => true, initially_deferred => true);
SELECT sg_plan_add_fk('dep', 'orders', '{email}', 'customers', '{id}');
SELECT sg_plan_add_fk('dep', 'orders', '{a}', 'pairs', '{a}');
SELECT sg_plan_add_fk('dep', 'invoices', '{order_id}', 'orders');
SELECT sg_plan_add_fk('dep', 'orders', '{nope}', 'customers');
SELECT sg_plan_add_fk('dep', 'orders', '{a}', 'customers');
SELECT sg_plan_skip('dep', '{9}', 'the owner said so');
RESET client_min_messages;
CALL sg_add_fks('dep', validate => false);
TABLE keys;
TABLE steps;
CALL sg_add_fks('dep');
TABLE keys;
TABLE steps;
TABLE log;

-- the same again: what failed is tried again, nothing else changes
SELECT max(id) AS last FROM schemaguard.audit_log \gset
CALL sg_add_fks('dep');
SELECT step, action, phase, sqlstate FROM schemaguard.audit_log WHERE id > :last ORDER BY id;

-- mend, finish
DELETE FROM orders WHERE id = 2;
CREATE TABLE invoices (id int PRIMARY KEY, order_id int);
ALTER TABLE orders ADD COLUMN nope int;
CALL sg_add_fks('dep');
TABLE keys;
TABLE steps;
-- a finished plan changes nothing
SELECT md5(string_agg(s::text, ',' ORDER BY step)) AS before FROM schemaguard.plan_step s WHERE plan = 'dep' \gset
SELECT max(id) AS last FROM schemaguard.audit_log \gset
CALL sg_add_fks('dep');
SELECT md5(string_agg(s::text, ',' ORDER BY step)) = :'before' AS unchanged FROM schemaguard.plan_step s WHERE plan = 'dep';
SELECT count(*) FROM schemaguard.audit_log WHERE id > :last;
-- each started row has exactly one outcome
SELECT count(*) AS started,
       count(*) FILTER (WHERE (SELECT count(*) FROM schemaguard.audit_log o WHERE o.started_id = s.id) = 1) AS ended
FROM schemaguard.audit_log s WHERE phase = 'started' AND plan = 'dep';
-- no key value in the log
SELECT count(*) FROM schemaguard.audit_log l WHERE l::text LIKE '%x@example%' OR l::text LIKE '%77%' AND plan = 'dep' AND l.message LIKE '%77%';

-- keys that are there already
SELECT sg_plan_create('dep', replace => true);
SET client_min_messages = warning;
CREATE TABLE lines (id int PRIMARY KEY, order_id int, other_id int, third_id int, CONSTRAINT taken CHECK (id > 0));
ALTER TABLE lines ADD CONSTRAINT by_hand FOREIGN KEY (order_id) REFERENCES orders;
ALTER TABLE lines ADD CONSTRAINT not_yet FOREIGN KEY (other_id) REFERENCES orders NOT VALID;
ALTER TABLE lines ADD CONSTRAINT cascading FOREIGN KEY (third_id) REFERENCES orders ON DELETE CASCADE;
SELECT sg_plan_add_fk('dep', 'lines', '{order_id}', 'orders');
SELECT sg_plan_add_fk('dep', 'lines', '{other_id}', 'orders', fk_name => 'another_name');
SELECT sg_plan_add_fk('dep', 'lines', '{third_id}', 'orders');
SELECT sg_plan_add_fk('dep', 'lines', '{id}', 'orders', fk_name => 'taken');
SELECT sg_plan_add_fk('dep', 'lines', '{id}', 'customers', fk_name => 'by_hand');
RESET client_min_messages;
CALL sg_add_fks('dep');
TABLE steps;
SELECT * FROM keys WHERE child = 'lines'::regclass;
-- an unarmed key is no proof
ALTER TABLE lines DROP CONSTRAINT by_hand, ADD CONSTRAINT by_hand FOREIGN KEY (order_id) REFERENCES orders;
ALTER TABLE lines DISABLE TRIGGER ALL;
SELECT sg_plan_create('dep', replace => true);
SELECT sg_plan_add_fk('dep', 'lines', '{order_id}', 'orders', index => false);
CALL sg_add_fks('dep');
ALTER TABLE lines ENABLE TRIGGER ALL;
CALL sg_add_fks('dep');

-- a validated step whose key is gone, not valid or unarmed by now is taken up again
SELECT sg_plan_create('dep', replace => true);
SELECT sg_plan_add_fk('dep', 'lines', '{third_id}', 'orders', fk_name => 'third', on_delete => 'cascade', index => false);
CALL sg_add_fks('dep');
ALTER TABLE lines DROP CONSTRAINT cascading;
SELECT fk_name, source, state FROM sg_orphan_audit_details('lines') ORDER BY 1;
CALL sg_add_fks('dep');
ALTER TABLE lines DROP CONSTRAINT third, ADD CONSTRAINT by_another_name FOREIGN KEY (third_id) REFERENCES orders ON DELETE CASCADE NOT VALID;
SET session_replication_role = replica;
INSERT INTO lines VALUES (1, NULL, NULL, 4711);
RESET session_replication_role;
CALL sg_add_fks('dep');
TABLE steps;
SELECT * FROM sg_plan_sql('dep');
DELETE FROM lines;
CALL sg_add_fks('dep');

-- between plan and call: a column renamed, a table replaced by a view
SELECT sg_plan_create('dep', replace => true);
SELECT sg_plan_add_fk('dep', 'invoices', '{id}', 'customers', index => false);
SELECT sg_plan_add_fk('dep', 'lines', '{id}', 'customers', index => false);
ALTER TABLE invoices RENAME id TO number;
ALTER TABLE lines RENAME TO lines_old;
CREATE VIEW lines AS SELECT * FROM lines_old;
CALL sg_add_fks('dep');

-- a step that was skipped is looked at as new once it is corrected
SELECT sg_plan_set('dep', '{1}', '{"child_columns": "{number}"}');
SELECT sg_plan_set('dep', '{2}', '{"priority": "low"}');
SELECT sg_plan_set('dep', '{2}', '{"child_table": "pg_catalog.pg_class"}');
TABLE steps;

-- privileges: the caller's, whoever wrote the plan
SELECT sg_plan_create('dep', replace => true);
SELECT sg_plan_add_fk('dep', 'invoices', '{number}', 'customers', index => false);
SELECT sg_plan_add_fk('dep', 'invoices', '{order_id}', 'customers', index => false, orphans => 'leave');
CREATE ROLE regress_sg_deployer;
SELECT sg_grant('regress_sg_deployer') \g /dev/null
GRANT USAGE ON SCHEMA dep TO regress_sg_deployer;
SET ROLE regress_sg_deployer;
CALL sg_add_fks('dep');
RESET ROLE;
ALTER TABLE invoices OWNER TO regress_sg_deployer;
SET ROLE regress_sg_deployer;
CALL sg_add_fks('dep');
RESET ROLE;
GRANT REFERENCES (id), SELECT ON customers TO regress_sg_deployer;
SET ROLE regress_sg_deployer;
CALL sg_add_fks('dep');
RESET ROLE;
TABLE steps;

-- misuse of CALL
BEGIN;
CALL sg_add_fks('dep');
ROLLBACK;
DO $$ BEGIN CALL sg_add_fks('dep'); EXCEPTION WHEN active_sql_transaction THEN RAISE NOTICE '%', SQLERRM; END $$;
CREATE FUNCTION calls() RETURNS void LANGUAGE plpgsql AS $$ BEGIN CALL sg_add_fks('dep'); END $$;
SELECT calls();
SELECT 1 \; CALL sg_add_fks('dep');
CREATE PROCEDURE with_set() LANGUAGE plpgsql SET search_path = dep AS $$ BEGIN CALL public.sg_add_fks('dep'); END $$;
CALL with_set();
-- a block without exception handler is fine
DO $$ BEGIN CALL sg_add_fks('dep'); END $$;
CALL sg_add_fks('no such plan');
CALL sg_add_fks(NULL);
CALL sg_add_fks('dep', NULL);
CALL sg_add_fks('dep', true, NULL);
-- an empty plan
SELECT sg_plan_create('dep', replace => true);
CALL sg_add_fks('dep');

-- sessions with other defaults
SET statement_timeout = '1h';
CALL sg_add_fks('dep');
RESET statement_timeout;
SELECT sg_plan_add_fk('dep', 'orders', '{seller_id}', 'orders', index => false);
SET default_transaction_isolation = 'serializable';
SET default_transaction_read_only = on;
CALL sg_add_fks('dep');
SET default_transaction_read_only = off;
CALL sg_add_fks('dep');
RESET default_transaction_isolation;
RESET default_transaction_read_only;

-- the log is append-only, and pruned by the owner of the database only
UPDATE schemaguard.audit_log SET role = 'x';
DELETE FROM schemaguard.audit_log;
TRUNCATE schemaguard.audit_log;
SET ROLE regress_sg_deployer;
CALL sg_prune(now());
RESET ROLE;
CALL sg_prune(NULL);
CALL sg_prune('-infinity');
SELECT rows_affected, message FROM schemaguard.audit_log WHERE action = 'prune' ORDER BY id DESC LIMIT 1;
SET client_min_messages = warning;
CALL sg_prune('infinity');
RESET client_min_messages;
SELECT action, phase, rows_affected > 0 AS pruned FROM (SELECT * FROM schemaguard.audit_log ORDER BY id DESC LIMIT 2) l ORDER BY id;

-- row security that is forced on the owner hides orphans from VALIDATE itself, so that it would pass
CREATE SCHEMA forced AUTHORIZATION regress_sg_deployer;
SET ROLE regress_sg_deployer;
CREATE TABLE forced.p (id int PRIMARY KEY);
INSERT INTO forced.p SELECT generate_series(1, 10);
CREATE TABLE forced.c (id int, p int);
INSERT INTO forced.c SELECT g, g FROM generate_series(1, 20) g;
ALTER TABLE forced.c ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY few ON forced.c USING (id <= 10);
SELECT sg_plan_create('forced');
SELECT sg_plan_add_fk('forced', 'forced.c', '{p}', 'forced.p', orphans => 'leave', index => false);
SELECT result, detail, hint FROM sg_plan_check_details('forced') WHERE check_name = 'validation' \gx
CALL sg_add_fks('forced');
SELECT state, reason FROM schemaguard.plan_step WHERE plan = 'forced';
SELECT stands, stale_reason FROM schemaguard.fk_trust WHERE child_table = 'forced.c';
SET schemaguard.validate_with = scan;
CALL sg_add_fks('forced');
RESET schemaguard.validate_with;
-- the statement of the hint
ALTER TABLE forced.c NO FORCE ROW LEVEL SECURITY;
SELECT result FROM sg_plan_check_details('forced') WHERE check_name = 'validation';
CALL sg_add_fks('forced');
-- a partition's own, which a parent does not have
CREATE TABLE forced.w (id int, p int) PARTITION BY LIST (id);
CREATE TABLE forced.w1 PARTITION OF forced.w FOR VALUES IN (1);
INSERT INTO forced.w VALUES (1, 99);
ALTER TABLE forced.w1 ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
SELECT sg_plan_create('forced', replace => true);
SELECT sg_plan_add_fk('forced', 'forced.w', '{p}', 'forced.p', orphans => 'leave', index => false);
SELECT result, detail FROM sg_plan_check_details('forced') WHERE check_name = 'validation';
SET client_min_messages = error;
CALL sg_add_fks('forced');
RESET client_min_messages;
SELECT state, reason ~ 'forced.w1|"w1"' AS because_of_it FROM schemaguard.plan_step WHERE plan = 'forced';
SELECT sg_plan_drop('forced', force => true);
RESET ROLE;
DROP SCHEMA forced CASCADE;

-- keys that the server can't check: preflight and deployment say so, and nothing is added
\getenv test PG_ABS_SRCDIR
\set let_in :test '/sql/include/let_in.sql'
\i :let_in
CREATE TABLE words (w varchar(10)[] PRIMARY KEY, n int UNIQUE);
CREATE TABLE texts (w varchar(5)[], n int);
INSERT INTO words VALUES ('{a}', 1);
INSERT INTO texts VALUES ('{a}', 1);
SELECT sg_plan_create('dep_words');
SELECT sg_plan_add_fk('dep_words', 'texts', '{w}', 'words', index => false);
SELECT check_name, result, detail, hint FROM sg_plan_check_details('dep_words') WHERE result = 'block' \gx
CALL sg_add_fks('dep_words');
SELECT state, reason FROM schemaguard.plan_step WHERE plan = 'dep_words';
-- the statements of the hint
ALTER TABLE words ALTER COLUMN w TYPE varchar[];
ALTER TABLE texts ALTER COLUMN w TYPE varchar[];
CALL sg_add_fks('dep_words', validate => false);
SELECT * FROM pg_temp.let_in() WHERE child IN ('texts'::regclass);
-- one that came to that after it was added: it is dropped, and the log does not count it as there
ALTER TABLE words ALTER COLUMN w TYPE varchar(5)[];
-- 19 lets rows in without the query that can't be made, and VALIDATE fails all the same
SELECT min(error) ~ '^42883' OR current_setting('server_version_num')::int >= 190000 AS not_let_in FROM pg_temp.let_in() WHERE child IN ('texts'::regclass);
CALL sg_add_fks('dep_words');
SELECT state, reason FROM schemaguard.plan_step WHERE plan = 'dep_words';
SELECT action, phase, sqlstate, message FROM schemaguard.audit_log WHERE plan = 'dep_words' AND action IN ('validate', 'rollback add') AND phase <> 'started' ORDER BY id;
SELECT conname FROM pg_constraint WHERE conrelid = 'texts'::regclass;
INSERT INTO texts VALUES ('{a}', 1);
CALL sg_rollback_fks('dep_words');
-- a key of somebody else's stays
ALTER TABLE texts ADD CONSTRAINT theirs FOREIGN KEY (w) REFERENCES words NOT VALID;
CALL sg_add_fks('dep_words');
SELECT conname FROM pg_constraint WHERE conrelid = 'texts'::regclass;
SELECT sg_plan_drop('dep_words');
DROP TABLE texts, words;
-- a valid row goes into every child
SELECT * FROM pg_temp.let_in();

-- some steps of a plan, in its order: the others, and what belongs to them, stay as they are
CREATE TABLE few (id int PRIMARY KEY, n int UNIQUE);
CREATE TABLE some_a (a int CONSTRAINT old_a REFERENCES few, b int);
CREATE TABLE some_b (a int, b int);
INSERT INTO some_b VALUES (7, NULL);
SELECT sg_plan_create('dep_some');
SELECT sg_plan_add_fk('dep_some', 'some_a', '{a}', 'few', fk_name => 's1', on_delete => 'cascade', replaces => 'old_a'),
       sg_plan_add_fk('dep_some', 'some_b', '{a}', 'few', fk_name => 's2'),
       sg_plan_add_fk('dep_some', 'some_a', '{b}', 'few', fk_name => 's3', priority => 'critical'),
       sg_plan_add_fk('dep_some', 'some_b', '{b}', 'few', fk_name => 's4');
CREATE VIEW chosen AS
  SELECT s.step, s.state, s.reason, s.attempts > 0 AS tried, c.conname AS key,
         (SELECT count(*) FROM schemaguard.audit_log l WHERE l.plan = s.plan AND l.step = s.step AND l.action !~ '^plan ') > 0 AS logged,
         (SELECT string_agg(kind, ', ' ORDER BY d.id) FROM schemaguard.plan_deed d JOIN schemaguard.plan p ON p.id = d.plan_id
          WHERE p.name = s.plan AND d.step = s.step AND d.undone_at IS NULL) AS deeds
  FROM schemaguard.plan_step s LEFT JOIN pg_constraint c ON c.conname = s.fk_name AND c.conrelid = s.child_table::regclass
  WHERE s.plan = 'dep_some' ORDER BY s.step;
\set VERBOSITY default
CALL sg_add_fks('dep_some', steps => '{3,1,3}', fail => true);
TABLE chosen;
SELECT action, object FROM schemaguard.audit_log WHERE plan = 'dep_some' AND phase = 'done' AND action IN ('add', 'validate', 'replace') ORDER BY id;
SELECT indrelid::regclass AS of, indexrelid::regclass AS index FROM pg_index WHERE indrelid IN ('some_a'::regclass, 'some_b'::regclass) ORDER BY indexrelid::regclass::text COLLATE "C";
-- what is left of the others is no failure; what these can't do is one
CALL sg_add_fks('dep_some', steps => '{3}', fail => true);
CALL sg_add_fks('dep_some', steps => '{2}', fail => true);
TABLE chosen;
CALL sg_add_fks('dep_some', steps => '{4}');
-- what makes no sense
CALL sg_add_fks('dep_some', steps => '{2,9,-1,9}');
\echo :LAST_ERROR_SQLSTATE
CALL sg_add_fks('dep_some', steps => '{}');
\echo :LAST_ERROR_SQLSTATE
CALL sg_add_fks('dep_some', steps => '{1,NULL}');
\echo :LAST_ERROR_SQLSTATE
CALL sg_add_fks('dep_some', steps => '{{1,2}}');
\echo :LAST_ERROR_SQLSTATE
SELECT sg_plan_create('dep_none');
CALL sg_add_fks('dep_none', steps => '{1}');
SELECT sg_plan_add_fk('dep_none', 'some_b', '{b}', 'few');
CALL sg_add_fks('dep_none', steps => '{2}');
-- nothing is missing of tables that are not touched
SET ROLE regress_sg_deployer;
SELECT sg_plan_create('dep_mine');
SELECT sg_plan_add_fk('dep_mine', 'dep.some_b', '{a}', 'dep.few', '{n}'), sg_plan_add_fk('dep_mine', 'dep.mine', '{a}', 'dep.few');
CALL sg_add_fks('dep_mine', steps => '{2}');
CALL sg_add_fks('dep_mine', steps => '{1}');
SELECT sg_plan_drop('dep_mine');
RESET ROLE;
SELECT sg_plan_drop(p, force => true) FROM unnest('{dep_none,dep_some}'::text[]) p;
DROP VIEW chosen;
DROP TABLE some_a, some_b, few;

-- many steps: a call tells problems and the last line, whose hint is the next call
\set VERBOSITY default
CREATE TABLE many_p (id int PRIMARY KEY);
SELECT format('CREATE TABLE many (%s)', string_agg('c' || g || ' int', ', ')) FROM generate_series(1, 21) g \gexec
INSERT INTO many (c21) VALUES (1);
SELECT sg_plan_create('dep_many');
SELECT count(sg_plan_add_fk('dep_many', 'many', ARRAY['c' || g], 'many_p')) FROM generate_series(1, 21) g;
SET schemaguard.workers = 0;
CALL sg_add_fks('dep_many');
INSERT INTO many_p VALUES (1);
SET schemaguard.verbosity = 'steps';
SELECT sg_plan_set('dep_many', NULL, '{"index": false}');
CALL sg_add_fks('dep_many');
RESET schemaguard.verbosity;
SET search_path = dep;
CALL public.sg_rollback_fks('dep_many');
SET search_path = dep, public;
CALL sg_add_fks('dep_many', validate => false);
-- so does a dry run; a step that would be blocked is a problem
ALTER TABLE many ADD id int PRIMARY KEY DEFAULT 1;
CREATE TABLE many_of (id int REFERENCES many);
SET session_replication_role = replica;
INSERT INTO many (id, c20) VALUES (2, 7);
RESET session_replication_role;
SELECT sg_plan_set('dep_many', '{20}', '{"orphans": "delete"}');
CALL sg_fix_orphans('dep_many', dry_run => true, steps => '{18,19,20}');
CALL sg_fix_orphans('dep_many', dry_run => true);
INSERT INTO many_of VALUES (2);
CALL sg_fix_orphans('dep_many', dry_run => true);
DROP TABLE many_of;
ALTER TABLE many DROP id;
DELETE FROM many WHERE c20 = 7;
-- what steps in a row have to tell in common is told once
SET session_replication_role = replica;
INSERT INTO many (c18, c19) VALUES (7, 7);
RESET session_replication_role;
CALL sg_add_fks('dep_many', steps => '{18,19}');
DELETE FROM many WHERE c18 = 7;
SET schemaguard.verbosity = 'loud';

-- a plan's own settings: over the session's, in its calls and functions only, and whatever becomes of those
SELECT sg_plan_create('dep_own'), sg_plan_add_fk('dep_own', 'many', '{c1}', 'many_p', fk_name => 'own'),
       sg_plan_option('dep_own', 'validate_with', 'scan'), sg_plan_option('dep_own', 'window_end', '2001-01-01'),
       sg_plan_option('dep_own', 'audit_method', 'sql');
\x
SELECT check_name, result, detail, hint FROM sg_plan_check_details('dep_own') WHERE step = 0 AND check_name IN ('options', 'window') ORDER BY 1;
\x
SELECT method FROM sg_orphan_audit_details(plan => 'dep_own');
CALL sg_add_fks('dep_own');
CALL sg_add_fks('dep_own', fail => true);
CREATE VIEW own_settings AS SELECT name, setting FROM pg_settings
  WHERE name IN ('schemaguard.audit_method', 'schemaguard.validate_with', 'schemaguard.verbosity', 'schemaguard.window_end') ORDER BY name;
TABLE own_settings;
SELECT sg_plan_option('dep_own', 'window_end', NULL), sg_plan_option('dep_own', 'verbosity', 'problems');
DO $$
DECLARE s record;
BEGIN
  CALL sg_add_fks('dep_own');
  FOR s IN TABLE own_settings LOOP
    RAISE NOTICE '%: %', s.name, s.setting;
  END LOOP;
END $$;
SELECT message FROM schemaguard.audit_log WHERE plan = 'dep_own' AND action = 'validate' AND phase = 'done';
CALL sg_rollback_fks('dep_own');
-- they reach the workers, which the session would not have
CREATE TABLE far_a (a int);
CREATE TABLE far_b (a int);
SELECT sg_plan_create('dep_far'), sg_plan_add_fk('dep_far', 'far_a', '{a}', 'many_p'), sg_plan_add_fk('dep_far', 'far_b', '{a}', 'many_p'),
       sg_plan_option('dep_far', 'workers', '2'), sg_plan_option('dep_far', 'verbosity', 'problems');
CALL sg_add_fks('dep_far');
SELECT count(*) AS built FROM pg_index WHERE indrelid IN ('far_a'::regclass, 'far_b'::regclass) AND indisvalid;
SHOW schemaguard.workers;
SELECT sg_plan_drop('dep_far', force => true);
DROP TABLE far_a, far_b;
SELECT sg_plan_drop('dep_own'), sg_plan_drop('dep_many', force => true);
DROP VIEW own_settings;
DROP TABLE many, many_p;
SET schemaguard.workers = 1;
\set VERBOSITY terse

-- a table that is misspelt is told with the nearest
SET client_min_messages = warning;
SELECT sg_plan_create('dep_near');
SELECT sg_plan_add_fk('dep_near', 'ordrs', '{seller_id}', 'customers');
\set VERBOSITY default
CALL sg_add_fks('dep_near');
\set VERBOSITY terse
SELECT sg_plan_drop('dep_near');
RESET client_min_messages;

-- nothing is running
SELECT * FROM schemaguard.progress;

SELECT sg_plan_drop('dep', force => true);
SET client_min_messages = warning;
DROP SCHEMA dep CASCADE;
SELECT sg_revoke('regress_sg_deployer') \g /dev/null
DROP ROLE regress_sg_deployer;
