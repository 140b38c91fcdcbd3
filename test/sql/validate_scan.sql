-- CALL sg_add_fks with schemaguard.validate_with = scan: one pass for all keys of a table, the rest by VALIDATE; and for its
-- CHECKs and NOT NULLs, with sg_apply
-- rooms: deploy audit
\set VERBOSITY terse
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS schemaguard;
CREATE SCHEMA vs;
SET search_path = vs, public;
-- one table after the other, so that notices and log rows come in one order
SET schemaguard.workers = 1;
CREATE VIEW steps AS
  SELECT step, fk_name, state, reason, attempts FROM schemaguard.plan_step WHERE plan = 'vs' ORDER BY step;
-- the log from the last mark on
CREATE TABLE mark (id bigint);
CREATE FUNCTION mark() RETURNS void LANGUAGE sql AS $$
  DELETE FROM vs.mark; INSERT INTO vs.mark SELECT max(id) FROM schemaguard.audit_log
$$;
CREATE VIEW log AS
  SELECT step, action, phase, statement, sqlstate, message, orphan_rows, attempt FROM schemaguard.audit_log
  WHERE plan = 'vs' AND action NOT LIKE 'plan %' AND id > (SELECT id FROM mark) ORDER BY id;
CREATE VIEW keys AS
  SELECT conrelid::regclass AS child, conname, convalidated AS valid
  FROM pg_constraint WHERE contype = 'f' AND connamespace = 'vs'::regnamespace AND conparentid = 0 ORDER BY 2, conrelid::regclass::text COLLATE "C";
CREATE VIEW gaps AS
  SELECT s.id FROM schemaguard.audit_log s LEFT JOIN schemaguard.audit_log o ON o.started_id = s.id
  WHERE s.plan = 'vs' AND s.phase = 'started' GROUP BY s.id HAVING count(o.id) <> 1;

-- tables in pairs, one for each way
CREATE FUNCTION make(schema text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  EXECUTE format('SET LOCAL search_path = %I', schema);
  CREATE TABLE numbers (id int PRIMARY KEY, big bigint UNIQUE, UNIQUE (id, big));
  CREATE TABLE words (word text PRIMARY KEY, code uuid UNIQUE);
  CREATE TABLE child (
    id int PRIMARY KEY, number int, big smallint, word varchar(20), code uuid, pair_a int, pair_b bigint, up int);
  INSERT INTO numbers SELECT g, g FROM generate_series(1, 100) g;
  INSERT INTO words SELECT 'w' || g, lpad(to_hex(g), 32, '0')::uuid FROM generate_series(1, 20) g;
  INSERT INTO child
    SELECT g, 1 + g % 100, nullif(g % 100, 0), 'w' || 1 + g % 20, lpad(to_hex(1 + g % 20), 32, '0')::uuid,
           1 + g % 100, 1 + g % 100, nullif(g - 1, 0)
    FROM generate_series(1, 1000) g;
END$$;

-- six keys, one pass; each step has a start and an outcome, and no statement to show
SELECT make('vs');
SELECT sg_plan_create('vs', 'test of validation');
SELECT sg_plan_add_fk('vs', 'child', '{number}', 'numbers', index => false),
       sg_plan_add_fk('vs', 'child', '{big}', 'numbers', '{big}', orphans => 'leave', index => false),
       sg_plan_add_fk('vs', 'child', '{word}', 'words', on_update => 'cascade', index => false),
       sg_plan_add_fk('vs', 'child', '{code}', 'words', '{code}', orphans => 'leave', index => false),
       sg_plan_add_fk('vs', 'child', '{pair_a,pair_b}', 'numbers', '{id,big}', match => 'full', priority => 'high', index => false),
       sg_plan_add_fk('vs', 'child', '{up}', 'child', "deferrable" => true, index => false);
SELECT mark();
SET schemaguard.validate_with = scan;
RESET client_min_messages;
CALL sg_add_fks('vs');
TABLE keys;
TABLE steps;
SELECT * FROM log WHERE action = 'validate';
TABLE gaps;
SELECT fk_name, state, result FROM sg_orphan_audit_details('child');
-- the same again changes nothing
SELECT mark();
CALL sg_add_fks('vs');
TABLE log;

-- VALIDATE leaves the same keys
SET client_min_messages = warning;
CREATE SCHEMA vc;
SELECT make('vc');
SELECT sg_plan_create('vc');
SELECT count(sg_plan_add_fk('vc', 'vc.child', child_columns, replace(parent_table, 'vs.', 'vc.'), parent_columns, fk_name,
                            on_delete, on_update, priority, orphans, index, match => match, "deferrable" => s."deferrable"))
FROM schemaguard.plan_step s WHERE plan = 'vs';
SET schemaguard.validate_with = core;
CALL sg_add_fks('vc');
SET schemaguard.validate_with = scan;
CREATE FUNCTION rows_of(schema text) RETURNS TABLE (row_of jsonb) LANGUAGE sql AS $$
  SELECT to_jsonb(c) - '{oid,connamespace,conrelid,confrelid,conindid}'::text[] ||
         jsonb_build_object('child', r.relname, 'parent', f.relname, 'index', i.relname)
  FROM pg_constraint c JOIN pg_class r ON r.oid = c.conrelid JOIN pg_class f ON f.oid = c.confrelid JOIN pg_class i ON i.oid = c.conindid
  WHERE c.contype = 'f' AND c.connamespace = to_regnamespace(schema)
$$;
SELECT count(*), (SELECT count(*) FROM rows_of('vc')) FROM rows_of('vs');
SELECT * FROM rows_of('vs') EXCEPT SELECT * FROM rows_of('vc');
SELECT step, state, reason FROM schemaguard.plan_step WHERE plan = 'vs'
EXCEPT SELECT step, state, reason FROM schemaguard.plan_step WHERE plan = 'vc';
SELECT sg_plan_drop('vc', force => true);
DROP SCHEMA vc CASCADE;

-- keys that hold, that do not, and that only VALIDATE can judge: each as it should be
CREATE TYPE colour AS ENUM ('red', 'green');
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE TABLE colours (colour colour PRIMARY KEY);
CREATE TABLE parted (id int PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE parted_1 PARTITION OF parted DEFAULT;
CREATE TABLE functional (id int PRIMARY KEY);
CREATE FUNCTION f(int) RETURNS int IMMUTABLE LANGUAGE sql RETURN $1;
CREATE INDEX ON functional (f(id));
CREATE TABLE composites (c pg_catalog.pg_inherits, id int, UNIQUE (c, id));
CREATE TABLE mixed (id int, number int, lost int, half int, half_b bigint, colour colour, positive positive, parted int,
                    functional int, c pg_catalog.pg_inherits);
INSERT INTO colours VALUES ('red');
INSERT INTO parted VALUES (1);
INSERT INTO functional VALUES (1);
-- a composite value of nulls is no null, and has its parent here; VALIDATE says that it has none
INSERT INTO composites VALUES (ROW(NULL, NULL, NULL, NULL), 1);
INSERT INTO mixed VALUES (1, 1, 1, 1, 1, 'red', 1, 1, 1, ROW(NULL, NULL, NULL, NULL)), (2, 2, 4711, 1, NULL, 'red', 2, 1, 1, ROW(NULL, NULL, NULL, NULL));
INSERT INTO composites VALUES (ROW(NULL, NULL, NULL, NULL), 2);
SELECT sg_plan_create('vs', replace => true);
SELECT sg_plan_add_fk('vs', 'mixed', '{number}', 'numbers', orphans => 'leave', index => false),
       sg_plan_add_fk('vs', 'mixed', '{lost}', 'numbers', orphans => 'leave', index => false),
       sg_plan_add_fk('vs', 'mixed', '{half,half_b}', 'numbers', '{id,big}', match => 'full', orphans => 'leave', index => false),
       sg_plan_add_fk('vs', 'mixed', '{colour}', 'colours', orphans => 'leave', index => false),
       sg_plan_add_fk('vs', 'mixed', '{positive}', 'numbers', orphans => 'leave', index => false),
       sg_plan_add_fk('vs', 'mixed', '{parted}', 'parted', orphans => 'leave', index => false),
       sg_plan_add_fk('vs', 'mixed', '{functional}', 'functional', orphans => 'leave', index => false),
       sg_plan_add_fk('vs', 'mixed', '{c,id}', 'composites', '{c,id}', match => 'full', orphans => 'leave', index => false);
SELECT mark();
RESET client_min_messages;
CALL sg_add_fks('vs');
SELECT * FROM keys WHERE child = 'mixed'::regclass;
TABLE steps;
SELECT step, phase, statement, sqlstate, message, orphan_rows FROM log WHERE action = 'validate';
TABLE gaps;
-- mended, and one scan for what is left; but VALIDATE has its own mind about composite values
DELETE FROM mixed WHERE id = 2;
SELECT fk_name, state, result FROM sg_orphan_audit_details('mixed') WHERE fk_name = 'mixed_c_id_fkey';
SELECT mark();
CALL sg_add_fks('vs');
SELECT step, action, phase, statement, message FROM log;
SELECT * FROM keys WHERE child = 'mixed'::regclass AND NOT valid;

-- all keys are added by priority, then the tables are validated in the order of their first steps
SET client_min_messages = warning;
CREATE TABLE first (a int, b int);
CREATE TABLE second (a int, b int);
CREATE TABLE leaf_of (a int, b int) PARTITION BY LIST (b);
CREATE TABLE leaf PARTITION OF leaf_of FOR VALUES IN (1);
INSERT INTO leaf VALUES (1, 1);
ALTER TABLE second ADD CONSTRAINT by_hand FOREIGN KEY (b) REFERENCES numbers NOT VALID;
SELECT sg_plan_create('vs', replace => true);
SELECT sg_plan_add_fk('vs', 'second', '{a}', 'numbers', priority => 'low', orphans => 'leave', index => false),
       sg_plan_add_fk('vs', 'first', '{a}', 'numbers', orphans => 'leave', index => false),
       sg_plan_add_fk('vs', 'second', '{b}', 'numbers', priority => 'high', orphans => 'leave', index => false),
       sg_plan_add_fk('vs', 'first', '{b}', 'numbers', priority => 'critical', orphans => 'leave', index => false),
       sg_plan_add_fk('vs', 'leaf', '{a}', 'numbers', priority => 'low', orphans => 'leave', index => false);
SELECT mark();
RESET client_min_messages;
CALL sg_add_fks('vs', validate => false);
SELECT step, action, phase FROM log;
SELECT mark();
CALL sg_add_fks('vs');
SELECT step, action, phase, statement, message FROM log;
TABLE steps;

-- a key that is not enforced has nothing to validate, where there is such a thing
SELECT current_setting('server_version_num')::int >= 180000 AS have_not_enforced \gset
\if :have_not_enforced
SET client_min_messages = error;
CREATE TABLE idle (a int, b int);
INSERT INTO idle VALUES (4711, 1);
SELECT sg_plan_create('vs', replace => true) AS nothing \gset
SET client_min_messages = warning;
SELECT sg_plan_add_fk('vs', 'idle', '{a}', 'numbers', enforced => false, index => false) AS step \gset
SELECT sg_plan_add_fk('vs', 'idle', '{b}', 'numbers', orphans => 'leave', index => false) AS step \gset
CALL sg_add_fks('vs');
SELECT string_agg(state, ' ' ORDER BY step) = 'added validated' AS as_it_should FROM steps \gset
\else
\set as_it_should t
\endif
SELECT :'as_it_should' AS not_enforced_as_it_should;

-- who may not read the parent can't scan; VALIDATE can do without
SET client_min_messages = warning;
CREATE ROLE regress_sg_validator;
SELECT sg_grant('regress_sg_validator') \g /dev/null
GRANT USAGE ON SCHEMA vs TO regress_sg_validator;
GRANT REFERENCES ON numbers, words TO regress_sg_validator;
GRANT SELECT ON numbers TO regress_sg_validator;
CREATE TABLE theirs (number int, word text);
INSERT INTO theirs VALUES (1, 'w1');
ALTER TABLE theirs OWNER TO regress_sg_validator;
SELECT sg_plan_create('vs', replace => true);
SELECT sg_plan_add_fk('vs', 'theirs', '{number}', 'numbers', orphans => 'leave', index => false),
       sg_plan_add_fk('vs', 'theirs', '{word}', 'words', orphans => 'leave', index => false);
CALL sg_add_fks('vs', validate => false);
SELECT mark();
SET ROLE regress_sg_validator;
RESET client_min_messages;
CALL sg_add_fks('vs');
RESET ROLE;
SELECT step, action, phase, message FROM log WHERE action = 'validate';
-- nor whose rows a policy hides: VALIDATE goes row by row, and finds the orphan
SET client_min_messages = warning;
GRANT SELECT ON words TO regress_sg_validator;
ALTER TABLE words ENABLE ROW LEVEL SECURITY;
CREATE POLICY none ON words USING (false);
ALTER TABLE theirs DROP CONSTRAINT theirs_word_fkey;
INSERT INTO theirs VALUES (2, 'no such word');
CALL sg_add_fks('vs', validate => false);
SELECT mark();
SET ROLE regress_sg_validator;
RESET client_min_messages;
CALL sg_add_fks('vs');
RESET ROLE;
SELECT step, phase, sqlstate, message FROM log;
SELECT step, fk_name, state FROM steps;
ALTER TABLE words DISABLE ROW LEVEL SECURITY;
-- nobody marks the keys of a table that is not his
SET client_min_messages = warning;
SELECT sg_plan_allow('vs', 'regress_sg_validator');
ALTER TABLE theirs OWNER TO CURRENT_USER;
GRANT SELECT ON theirs TO regress_sg_validator;
DELETE FROM theirs WHERE word = 'no such word';
SELECT mark();
SET ROLE regress_sg_validator;
RESET client_min_messages;
CALL sg_add_fks('vs');
RESET ROLE;
SELECT * FROM keys WHERE child = 'theirs'::regclass;
SELECT step, phase, sqlstate, message FROM log;

-- the time limit of a statement is that of the pass, for all of its keys
SET client_min_messages = warning;
CREATE TABLE many (a int, b int);
INSERT INTO many SELECT 1 + g % 100, 1 + g % 100 FROM generate_series(1, 300000) g;
SELECT sg_plan_create('vs', replace => true);
SELECT sg_plan_add_fk('vs', 'many', '{a}', 'numbers', orphans => 'leave', index => false),
       sg_plan_add_fk('vs', 'many', '{b}', 'numbers', orphans => 'leave', index => false);
CALL sg_add_fks('vs', validate => false);
SELECT mark();
SET schemaguard.statement_timeout = 2;
RESET client_min_messages;
CALL sg_add_fks('vs');
RESET schemaguard.statement_timeout;
TABLE steps;
SELECT step, phase, sqlstate, message FROM log;
SET client_min_messages = warning;
CALL sg_add_fks('vs');
SELECT * FROM keys WHERE child = 'many'::regclass;
TABLE gaps;

-- CHECKs and NOT NULLs wait for the same pass as the keys; what a row breaks is left to VALIDATE, which says so
CREATE TABLE rows (id int, a int, word text);
INSERT INTO rows SELECT g, 1 + g % 100, 'w' FROM generate_series(1, 1000) g;
CREATE TABLE heir () INHERITS (rows);
CREATE VIEW constraints AS
  SELECT conname, convalidated AS valid FROM pg_constraint WHERE conrelid = 'rows'::regclass AND contype IN ('c', 'f') ORDER BY 1;
SELECT sg_plan_create('vs', replace => true);
SELECT sg_plan_add_fk('vs', 'rows', '{a}', 'numbers', orphans => 'leave', index => false),
       sg_plan_add_check('vs', 'rows', 'length(word) = 1', 'word_short'), sg_plan_add_not_null('vs', 'rows', 'id', 'id_there'),
       sg_plan_add_check('vs', 'rows', 'id < 1000', 'id_small', policy => 'leave'), sg_plan_add_check('vs', 'rows', 'a > 0', 'a_positive');
SELECT mark();
-- with a table that inherits, only the key: no other table knows it
CALL sg_apply('vs', steps => '{1,2}');
SELECT step, message FROM log WHERE action = 'validate' AND phase <> 'started';
TABLE constraints;
DROP TABLE heir;
ALTER TABLE rows DROP CONSTRAINT rows_a_fkey, DROP CONSTRAINT word_short;
SELECT mark();
CALL sg_apply('vs');
SELECT step, phase, message FROM log WHERE action = 'validate' AND phase <> 'started';
TABLE constraints;
SELECT attnotnull FROM pg_attribute WHERE attrelid = 'rows'::regclass AND attname = 'id';
SELECT step, kind, state, reason FROM schemaguard.plan_step WHERE plan = 'vs' ORDER BY step;
-- what was left is done by the next call
DELETE FROM rows WHERE id = 1000;
CALL sg_apply('vs');
INSERT INTO rows VALUES (1000, 1, 'w');
TABLE constraints;
-- an error that a condition raises for some row: it is left to VALIDATE, the others to another pass
SELECT sg_plan_add_check('vs', 'rows', '10 / (a - 7) < 20', 'raises', policy => 'leave'), sg_plan_add_check('vs', 'rows', 'id > 0', 'id_positive');
SELECT mark();
CALL sg_apply('vs');
SELECT step, phase, sqlstate, message FROM log WHERE action = 'validate' AND phase <> 'started';
TABLE constraints;
TABLE gaps;
-- nothing is running
SELECT * FROM schemaguard.progress;

SELECT sg_plan_drop('vs', force => true);
\getenv test PG_ABS_SRCDIR
\set left :test '/sql/include/left.sql'
\i :left

DROP SCHEMA vs CASCADE;
SELECT sg_revoke('regress_sg_validator') \g /dev/null
DROP ROLE regress_sg_validator;
