-- sg_plan_check says what a step would fail on, where it was silent once; and the steps say what they have not done
-- rooms: check change plan script
\set VERBOSITY terse
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS schemaguard;
CREATE SCHEMA chs;
SET search_path = chs, public;
\pset format unaligned
\pset tuples_only on
CREATE FUNCTION found(plan text, verify text DEFAULT 'full') RETURNS SETOF text LANGUAGE sql AS $$
  SELECT concat_ws('|', step, check_name, result, detail) FROM sg_plan_check_details(plan, verify => verify) WHERE result <> 'ok' AND step > 0
$$;

-- a statement that can't be analysed is its step's failure: others go on
CREATE TABLE b (id int PRIMARY KEY, v varchar(10));
SELECT sg_plan_create('chs_bad') \g /dev/null
SELECT sg_plan_add('chs_bad', 'ALTER TABLE chs.b ALTER COLUMN v TYPE varchar(0)') \g /dev/null
SELECT sg_plan_add('chs_bad', 'ALTER TABLE chs.b ADD COLUMN n int') \g /dev/null
SELECT found('chs_bad');
CALL sg_apply('chs_bad');
SELECT step, state, reason FROM schemaguard.plan_step WHERE plan = 'chs_bad' ORDER BY step;

-- a rename of what never was is not done because something has the new name
CREATE TABLE r (id int, a int, c int);
SELECT sg_plan_create('chs_never') \g /dev/null
SELECT sg_plan_add_rename('chs_never', 'column', 'r', 'a', name => 'never') \g /dev/null
SELECT found('chs_never');
CALL sg_apply('chs_never');
SELECT step, state, reason FROM schemaguard.plan_step WHERE plan = 'chs_never';
-- what the plan has renamed is done, and what somebody else has since the step was added
SELECT sg_plan_create('chs_rename') \g /dev/null
SELECT sg_plan_add_rename('chs_rename', 'column', 'r', 'aa', name => 'a') \g /dev/null
SELECT sg_plan_add_rename('chs_rename', 'column', 'r', 'cc', name => 'c') \g /dev/null
ALTER TABLE r RENAME c TO cc;
CALL sg_apply('chs_rename');
CALL sg_apply('chs_rename');
SELECT step, state, reason FROM schemaguard.plan_step WHERE plan = 'chs_rename' ORDER BY step;

-- a drop finds that what it needs holds, though this call has ended the trigger that an earlier one made
CREATE TABLE f (id int PRIMARY KEY, old text NOT NULL);
INSERT INTO f SELECT g, g::text FROM generate_series(1, 5) g;
SELECT sg_plan_create('chs_fill') \g /dev/null
SELECT sg_plan_add_column('chs_fill', 'f', 'new', 'int', fill => 'old::int');
SELECT sg_plan_add_not_null('chs_fill', 'f', 'new');
SELECT sg_plan_add_drop('chs_fill', 'column', 'f', name => 'old', keep => true);
CALL sg_apply('chs_fill', steps => '{1}');
CALL sg_apply('chs_fill');
SELECT step, state, reason FROM schemaguard.plan_step WHERE plan = 'chs_fill' ORDER BY step;

-- functions and types in statements get their schema
CREATE TYPE mood AS ENUM ('x', 'y');
CREATE DOMAIN dm AS int;
CREATE FUNCTION fn(int) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION fn(mood) RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION tg() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
SELECT sg_plan_create('chs_name') \g /dev/null
SELECT sg_plan_add('chs_name', x) FROM unnest(ARRAY['ALTER FUNCTION fn(int) STRICT', 'ALTER FUNCTION fn(mood) OWNER TO current_user',
  'COMMENT ON FUNCTION fn(mood) IS ''fn(int)''', 'GRANT EXECUTE ON FUNCTION chs.fn(int), fn(mood) TO PUBLIC', 'GRANT USAGE ON TYPE mood TO PUBLIC',
  'ALTER TYPE mood ADD VALUE ''mood''', 'ALTER TYPE mood RENAME VALUE ''x'' TO ''xx''', 'COMMENT ON TYPE mood IS ''m''', 'ALTER TYPE "mood" OWNER TO current_user',
  'ALTER DOMAIN dm ADD CHECK (fn(VALUE) > 0)', 'COMMENT ON DOMAIN dm IS ''d''', 'COMMENT ON CONSTRAINT dm_check ON DOMAIN dm IS ''d''',
  'ALTER DOMAIN dm SET DEFAULT 1', 'CREATE TRIGGER tg BEFORE INSERT ON f FOR EACH ROW WHEN (fn(new.id) = 1) EXECUTE FUNCTION tg()',
  'ALTER FUNCTION fn(int) RENAME TO fn_int', 'DROP FUNCTION IF EXISTS fn(mood), chs.nosuch()', 'DROP TYPE IF EXISTS mood', 'DROP DOMAIN dm']) x \g /dev/null
SELECT definition FROM schemaguard.plan_step WHERE plan = 'chs_name' AND kind = 'statement' ORDER BY step;
CALL sg_apply('chs_name');
SELECT step, state, reason FROM schemaguard.plan_step WHERE plan = 'chs_name' AND state <> 'validated' ORDER BY step;

-- keep of a drop is an option
SELECT sg_plan_create('chs_keep') \g /dev/null
SELECT sg_plan_add_drop('chs_keep', 'column', 'r', name => 'aa');
SELECT sg_plan_set('chs_keep', '{1}', '{"keep": false}') \g /dev/null
SELECT discard FROM schemaguard.plan_step WHERE plan = 'chs_keep';
SELECT sg_plan_set('chs_keep', '{1}', '{"keep": "yes"}') \g /dev/null
SELECT discard FROM schemaguard.plan_step WHERE plan = 'chs_keep';
SELECT sg_plan_set('chs_keep', '{1}', '{"keep": null}');

SET client_min_messages = error;
DROP SCHEMA chs CASCADE;
SELECT count(sg_plan_drop(name, force => true)) > 0 FROM schemaguard.plan WHERE name LIKE 'chs\_%';
