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

-- rules of tables for the statements by which a policy deletes or changes rows; those of a partition do not apply
CREATE TABLE ruled (id int PRIMARY KEY, n int);
CREATE TABLE also_ruled (LIKE ruled INCLUDING ALL);
CREATE TABLE orphan_ruled (LIKE ruled INCLUDING ALL);
CREATE TABLE null_ruled (LIKE ruled INCLUDING ALL);
CREATE TABLE leaf_ruled (LIKE ruled INCLUDING ALL) PARTITION BY RANGE (id);
CREATE TABLE leaf_ruled_1 PARTITION OF leaf_ruled DEFAULT;
CREATE RULE ruled AS ON DELETE TO ruled WHERE old.id = 1 DO INSTEAD NOTHING;
CREATE RULE ruled AS ON DELETE TO also_ruled DO ALSO NOTIFY gone;
CREATE RULE ruled AS ON DELETE TO orphan_ruled DO INSTEAD NOTHING;
CREATE RULE ruled AS ON UPDATE TO null_ruled DO INSTEAD NOTHING;
CREATE RULE ruled AS ON DELETE TO leaf_ruled_1 DO INSTEAD NOTHING;
INSERT INTO ruled VALUES (1, -1);
INSERT INTO also_ruled TABLE ruled;
INSERT INTO orphan_ruled TABLE ruled;
INSERT INTO null_ruled TABLE ruled;
INSERT INTO leaf_ruled TABLE ruled;
SELECT sg_plan_create('chs_ruled') \g /dev/null
SELECT sg_plan_add_check('chs_ruled', 'ruled', 'n > 0', policy => 'delete') \g /dev/null
SELECT sg_plan_add_check('chs_ruled', 'also_ruled', 'n > 0', policy => 'quarantine') \g /dev/null
SELECT sg_plan_add_fk('chs_ruled', 'orphan_ruled', '{n}', 'ruled', orphans => 'quarantine', index => false) \g /dev/null
SELECT sg_plan_add_fk('chs_ruled', 'null_ruled', '{n}', 'ruled', orphans => 'set null', index => false) \g /dev/null
SELECT sg_plan_add_check('chs_ruled', 'leaf_ruled', 'n > 0', policy => 'quarantine') \g /dev/null
SELECT found('chs_ruled');
SELECT hint FROM sg_plan_check_details('chs_ruled') WHERE check_name = 'rules' AND step = 1;
SET client_min_messages = error;
CALL sg_apply('chs_ruled', fix => true);
SET client_min_messages = warning;
SELECT step, state, reason FROM schemaguard.plan_step WHERE plan = 'chs_ruled' ORDER BY step;

-- rows that refer to those that a policy takes out: named by a full check, told as not looked at by another one
CREATE TABLE p (id int PRIMARY KEY);
CREATE TABLE c (id int PRIMARY KEY, p_id int, n int, code text);
CREATE TABLE g (id int PRIMARY KEY, c_id int REFERENCES c);
INSERT INTO p VALUES (1);
INSERT INTO c SELECT g, CASE WHEN g > 4 THEN 99 ELSE 1 END, g, CASE WHEN g < 3 THEN 'd' ELSE 'c' || g END FROM generate_series(1, 6) g;
INSERT INTO g SELECT g, g FROM generate_series(1, 6) g;
SELECT sg_plan_create('chs_refer') \g /dev/null
SELECT sg_plan_add_fk('chs_refer', 'c', '{p_id}', 'p', orphans => 'quarantine', index => false);
SELECT sg_plan_add_check('chs_refer', 'c', 'n <> 3', policy => 'delete', name => 'c_n');
SELECT sg_plan_add_unique('chs_refer', 'c', '{code}', policy => 'quarantine', keep_by => 'id', name => 'c_code');
SELECT found('chs_refer');
-- the listing cuts what is said of rows, but not what becomes of them
SELECT detail FROM sg_plan_check('chs_refer') WHERE check_name IN ('orphans', 'rows') ORDER BY step;
SELECT found('chs_refer', 'sample');
SELECT hint FROM sg_plan_check_details('chs_refer', verify => 'full') WHERE check_name = 'referring' AND step = 2;
SET client_min_messages = error;
CALL sg_apply('chs_refer', fix => true);
SET client_min_messages = warning;
SELECT step, state, reason FROM schemaguard.plan_step WHERE plan = 'chs_refer' ORDER BY step;
-- what failed says so, whatever else hurts
SELECT found('chs_refer', 'none');
-- a key of the plan that has them go along is no obstacle
SELECT sg_plan_add_referencing('chs_refer') \g /dev/null
SELECT found('chs_refer');
CALL sg_apply('chs_refer', fix => true);
SELECT step, state FROM schemaguard.plan_step WHERE plan = 'chs_refer' ORDER BY step;

-- triggers of a table whose rows a policy sets or deletes
CREATE FUNCTION swallow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE TABLE t (id int PRIMARY KEY, x int);
INSERT INTO t VALUES (1, NULL), (2, 3);
CREATE TRIGGER upd BEFORE UPDATE ON t FOR EACH ROW EXECUTE FUNCTION swallow();
CREATE TRIGGER del BEFORE DELETE ON t FOR EACH ROW EXECUTE FUNCTION swallow();
SELECT sg_plan_create('chs_trigger') \g /dev/null
SELECT sg_plan_add_not_null('chs_trigger', 't', 'x', policy => 'set', fill => '0');
SELECT sg_plan_add_check('chs_trigger', 't', 'x <> 3', policy => 'delete', name => 't_x');
SELECT found('chs_trigger');

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

-- what statements name and is not there, or is there already; each alone
CREATE TYPE chs.color AS ENUM ('red', 'green');
CREATE FUNCTION used() RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1';
CREATE VIEW v AS SELECT id, used() FROM r;
CREATE TABLE pt (id int, k int) PARTITION BY RANGE (k);
CREATE TABLE ex (j json, id int);
CREATE TABLE few (id int);
CREATE TABLE other (id int, k text);
CREATE TABLE more (id int, k int, z int);
DO $$
DECLARE statement text; n int := 0;
BEGIN
  FOREACH statement IN ARRAY ARRAY['CREATE VIEW chs.v2 AS SELECT nosuch FROM chs.r', 'CREATE VIEW chs.v3 AS WITH w AS (SELECT id FROM chs.r) SELECT w.id FROM w',
    'CREATE VIEW chs.v AS SELECT 1', 'CREATE OR REPLACE VIEW chs.v AS SELECT id, chs.used() FROM chs.r', 'CREATE SEQUENCE chs.r', 'CREATE SEQUENCE IF NOT EXISTS chs.r',
    'DROP FUNCTION chs.nosuch(int)', 'DROP FUNCTION IF EXISTS chs.nosuch(int)', 'DROP FUNCTION chs.used()', 'DROP FUNCTION chs.used() CASCADE', 'DROP TYPE chs.nosuch',
    'GRANT SELECT ON chs.r TO regress_sg_nosuch', 'GRANT EXECUTE ON FUNCTION chs.nosuch() TO PUBLIC', 'GRANT USAGE ON SCHEMA chs_nosuch TO PUBLIC',
    'ALTER TYPE chs.color ADD VALUE ''red''', 'ALTER TYPE chs.color ADD VALUE IF NOT EXISTS ''red''', 'ALTER TYPE chs.color ADD VALUE ''blue'' AFTER ''black''',
    'ALTER TYPE chs.color RENAME VALUE ''green'' TO ''red''', 'ALTER TABLE chs.ex ADD EXCLUDE (j WITH =)', 'ALTER TABLE chs.ex ADD EXCLUDE (id WITH =)',
    'ALTER TABLE chs.pt ATTACH PARTITION chs.few FOR VALUES FROM (1) TO (2)', 'ALTER TABLE chs.pt ATTACH PARTITION chs.other FOR VALUES FROM (1) TO (2)',
    'ALTER TABLE chs.pt ATTACH PARTITION chs.more FOR VALUES FROM (1) TO (2)', 'ALTER FUNCTION chs.used() OWNER TO regress_sg_nosuch']
  LOOP
    n := n + 1;
    PERFORM sg_plan_create('chs_word_' || to_char(n, 'FM00'));
    PERFORM sg_plan_add('chs_word_' || to_char(n, 'FM00'), statement);
  END LOOP;
END $$;
SELECT definition, f FROM schemaguard.plan_step LEFT JOIN LATERAL found(plan) f ON true WHERE plan LIKE 'chs\_word\_%' ORDER BY plan, f COLLATE "C";

-- triggers and rules that run for rows which a step fills: those of other columns, of replicas and disabled ones do not
CREATE TABLE ft (id int PRIMARY KEY, a int, b int);
INSERT INTO ft SELECT g, g FROM generate_series(1, 20) g;
ANALYZE ft;
CREATE TABLE ft_log (n int);
CREATE TRIGGER each BEFORE UPDATE ON ft FOR EACH ROW EXECUTE FUNCTION tg();
CREATE TRIGGER sometimes AFTER UPDATE ON ft FOR EACH ROW WHEN (old.a > 3) EXECUTE FUNCTION tg();
CREATE TRIGGER once AFTER UPDATE ON ft FOR EACH STATEMENT EXECUTE FUNCTION tg();
CREATE TRIGGER of_a AFTER UPDATE OF a ON ft FOR EACH ROW EXECUTE FUNCTION tg();
CREATE TRIGGER of_b AFTER UPDATE OF b ON ft FOR EACH ROW EXECUTE FUNCTION tg();
CREATE TRIGGER off AFTER UPDATE ON ft FOR EACH ROW EXECUTE FUNCTION tg();
ALTER TABLE ft DISABLE TRIGGER off;
CREATE RULE also AS ON UPDATE TO ft DO ALSO INSERT INTO ft_log VALUES (new.id);
ALTER TABLE ft ADD CONSTRAINT ft_a CHECK (a < 20) NOT VALID;
CREATE TABLE fp (id int, k int) PARTITION BY LIST (k);
CREATE TABLE fp1 PARTITION OF fp DEFAULT;
INSERT INTO fp VALUES (1, 1), (2, 2);
ANALYZE fp, fp1;
CREATE TRIGGER each BEFORE UPDATE ON fp FOR EACH ROW EXECUTE FUNCTION tg();
CREATE TRIGGER own BEFORE UPDATE ON fp1 FOR EACH ROW EXECUTE FUNCTION tg();
SELECT sg_plan_create('chs_fires') \g /dev/null
SELECT sg_plan_add_column('chs_fires', 'ft', 'c', 'int', fill => 'id');
SELECT sg_plan_add_column('chs_fires', 'fp', 'c', 'int', fill => 'id');
SELECT sg_plan_add_not_null('chs_fires', 'ft', 'b', policy => 'set', fill => '0');
SELECT sg_plan_add_statement('chs_fires', 'UPDATE chs.ft SET a = 1 WHERE id = 1');
SELECT found('chs_fires');
SELECT hint FROM sg_plan_check_details('chs_fires') WHERE check_name IN ('triggers', 'filler') AND step = 1;

-- the rows that a statement would write are computed, and nothing is written
CREATE TABLE w (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, code varchar(3) NOT NULL UNIQUE, n int CHECK (n > 0), g int GENERATED ALWAYS AS (10 / n) STORED);
INSERT INTO w (code, n) VALUES ('a', 1), ('b', 2);
CREATE FUNCTION check_of(statement text) RETURNS SETOF text LANGUAGE plpgsql AS $$
BEGIN
  PERFORM sg_plan_create('chs_of', replace => true);
  PERFORM sg_plan_add_statement('chs_of', statement);
  RETURN QUERY SELECT result || '|' || concat_ws('|', check_name, detail) FROM sg_plan_check_details('chs_of', verify => 'full') WHERE check_name IN ('rows', 'names', 'definition');
END $$;
SELECT s, check_of(s) FROM unnest(ARRAY['INSERT INTO chs.w (code, n) VALUES (''c'', 1), (''d'', 2)', 'INSERT INTO chs.w (n) VALUES (1)',
  'INSERT INTO chs.w (code, n) VALUES (''a'', -1), (''c'', 3), (''c'', 3)', 'INSERT INTO chs.w (code) VALUES (''long'')', 'INSERT INTO chs.w (code, n) VALUES (''c'', 0)',
  'INSERT INTO chs.w (code, n) SELECT ''x'' || n, n FROM chs.w', 'INSERT INTO chs.w (code, n) VALUES (''a'', 1) ON CONFLICT DO NOTHING',
  'INSERT INTO chs.w (code, n) VALUES (''a'', 1) ON CONFLICT (code) DO UPDATE SET n = 0', 'INSERT INTO chs.w (code, n) VALUES (md5(random()::text), 1)',
  'UPDATE chs.w SET code = code || ''x''', 'UPDATE chs.w SET (code, n) = (SELECT ''c'', 1)', 'UPDATE chs.w SET code = ''b'' WHERE n = 1', 'UPDATE chs.w SET n = n - 1 WHERE n > 1',
  'DELETE FROM chs.w WHERE n > 1', 'MERGE INTO chs.w USING chs.r ON w.n = r.id WHEN MATCHED THEN DELETE']) s;
SELECT max(id), (SELECT last_value FROM w_id_seq) FROM w;

-- a volatile function of a CHECK or a domain is not called; what a STABLE one calls writes nothing, and takes no value of a sequence
CREATE SEQUENCE vs;
CREATE TABLE v_log (n int);
CREATE FUNCTION vf(int) RETURNS boolean LANGUAGE plpgsql AS 'BEGIN PERFORM nextval(''chs.vs''), pg_advisory_lock(42); INSERT INTO chs.v_log VALUES ($1); RETURN true; END';
CREATE FUNCTION vw(int) RETURNS boolean LANGUAGE plpgsql STABLE AS 'BEGIN PERFORM nextval(''chs.vs''); RETURN true; END';
CREATE DOMAIN vd AS int CHECK (vf(VALUE));
CREATE TABLE vt (a int CONSTRAINT vt_vf CHECK (vf(a)), b int, d vd);
SELECT s, check_of(s) FROM unnest(ARRAY['INSERT INTO chs.vt (a, b) VALUES (1, 2), (2, 3)', 'INSERT INTO chs.vt (d) SELECT id FROM chs.w', 'INSERT INTO chs.vt (b) SELECT id FROM chs.w WHERE chs.vw(id)',
  'UPDATE chs.vt SET b = 1 WHERE chs.vw(a)']) s;
SELECT is_called, (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()), (SELECT count(*) FROM v_log) FROM vs;

-- WITH that deletes names its own table
SELECT sg_plan_create('chs_with') \g /dev/null
SELECT sg_plan_add_statement('chs_with', 'WITH x AS (DELETE FROM chs.w RETURNING id), y AS (UPDATE chs.r SET cc = 1 RETURNING id) INSERT INTO chs.vt (b) SELECT id FROM x') \g /dev/null
SELECT step, result, detail FROM sg_plan_check_details('chs_with') WHERE check_name = 'loss';

-- what a partition asks of its rows, with its name
CREATE TABLE lf (k int, n int) PARTITION BY RANGE (k);
CREATE TABLE lf1 PARTITION OF lf FOR VALUES FROM (0) TO (10);
CREATE TABLE lf2 PARTITION OF lf FOR VALUES FROM (10) TO (20) PARTITION BY LIST (n);
ALTER TABLE lf1 ADD CONSTRAINT lf1_n CHECK (n > 0), ADD FOREIGN KEY (n) REFERENCES p, ALTER n SET NOT NULL;
CREATE UNIQUE INDEX ON lf1 (n);
INSERT INTO lf VALUES (1, 1);
SELECT s, check_of(s) FROM unnest(ARRAY['INSERT INTO chs.lf VALUES (1, -1), (2, NULL), (3, 1), (4, 99), (5, 99), (15, 1), (35, NULL)', 'INSERT INTO chs.lf1 VALUES (11, 1)']) s;

-- rows that statements have deleted and changed, of those that were done
SELECT sg_plan_create('chs_count') \g /dev/null
SELECT sg_plan_add_statement('chs_count', s) FROM unnest(ARRAY['UPDATE chs.w SET n = 3', 'DELETE FROM chs.w WHERE id = 1; UPDATE chs.w SET n = 4', 'DELETE FROM chs.w; INSERT INTO chs.w (code) VALUES (NULL)']) s \g /dev/null
SET client_min_messages = error;
CALL sg_apply('chs_count');
SET client_min_messages = warning;
SELECT step, state, reason FROM schemaguard.plan_step WHERE plan = 'chs_count' ORDER BY step;
SELECT step, rows_affected FROM schemaguard.audit_log WHERE plan = 'chs_count' AND action = 'statement' AND phase <> 'started' ORDER BY id;
SELECT rows_deleted, rows_changed FROM schemaguard.plan_summary WHERE plan = 'chs_count';

-- keep of a drop is an option
SELECT sg_plan_create('chs_keep') \g /dev/null
SELECT sg_plan_add_drop('chs_keep', 'column', 'r', name => 'aa');
SELECT sg_plan_set('chs_keep', '{1}', '{"keep": false}') \g /dev/null
SELECT discard FROM schemaguard.plan_step WHERE plan = 'chs_keep';
SELECT sg_plan_set('chs_keep', '{1}', '{"keep": "yes"}') \g /dev/null
SELECT discard FROM schemaguard.plan_step WHERE plan = 'chs_keep';
SELECT sg_plan_set('chs_keep', '{1}', '{"keep": null}');

-- an INSERT that does not name a new column fails once that is NOT NULL, unless a default, a trigger of a user's, or one that carries values over, gives it a value
CREATE TABLE n (id int PRIMARY KEY, old text);
CREATE DOMAIN n_dom AS int DEFAULT 4;
CREATE FUNCTION n_gives() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.given := 1; RETURN NEW; END';
CREATE FUNCTION n_arg() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW := jsonb_populate_record(NEW, jsonb_build_object(TG_ARGV[0], 1)); RETURN NEW; END';
SELECT sg_plan_create('chs_inserts') \g /dev/null
SELECT max(greatest(sg_plan_add_column('chs_inserts', 'n', c, type, fill => fill), sg_plan_add_not_null('chs_inserts', 'n', c)))
FROM (VALUES (1, 'filled', 'text', 'old'), (2, 'empty', 'int', NULL), (3, 'no_default', 'int DEFAULT NULL', NULL), (4, 'given', 'int', '1'), (5, 'arg', 'int', '1'),
             (6, 'has_default', 'int DEFAULT 4', NULL), (7, 'dom', 'chs.n_dom', NULL), (8, 'nr', 'serial', NULL), (9, 'own', 'int GENERATED BY DEFAULT AS IDENTITY', NULL),
             (10, 'later_default', 'int', '1'), (11, 'phased', 'int', '1')) AS v (o, c, type, fill);
SELECT sg_plan_add_default('chs_inserts', 'n', 'later_default', '7') \g /dev/null
SELECT sg_plan_set('chs_inserts', '{22}', '{"phase": "later"}') \g /dev/null
CREATE TRIGGER gives BEFORE INSERT ON n FOR EACH ROW EXECUTE FUNCTION n_gives();
CREATE TRIGGER arg BEFORE INSERT ON n FOR EACH ROW EXECUTE FUNCTION n_arg('arg');
SELECT found('chs_inserts', 'none');
SELECT hint FROM sg_plan_check_details('chs_inserts', verify => 'none') WHERE check_name = 'inserts' AND step = 2;
DROP TRIGGER gives ON n;
ALTER TABLE n DISABLE TRIGGER arg;
SELECT found('chs_inserts', 'none');
-- once what the fill reads is to go, its trigger stays behind NOT NULL
SELECT sg_plan_add_drop('chs_inserts', 'column', 'n', 'old', phase => 'later') \g /dev/null
SELECT found('chs_inserts', 'none');
SET client_min_messages = error;
CALL sg_apply('chs_inserts');
SET client_min_messages = warning;
SELECT found('chs_inserts', 'none');
INSERT INTO n (id, old, empty, no_default, given, arg) VALUES (1, 'x', 1, 1, 1, 1) RETURNING filled;

-- a warning of more than ten steps is one row of the listing, whose hint lists them, and so is what blocks them; ten warnings are not
CREATE TABLE many_p (id int PRIMARY KEY);
SELECT format('CREATE TABLE many (id int PRIMARY KEY, %s)', string_agg(format('c%s int DEFAULT 5', i), ', ')) FROM generate_series(1, 24) i \gexec
INSERT INTO many (id) VALUES (1);
SELECT sg_plan_create('chs_many') \g /dev/null
SELECT count(sg_plan_add_fk('chs_many', 'many', ARRAY['c' || i], 'many_p', orphans => CASE WHEN i <= 11 THEN 'leave' ELSE 'stop' END, index => i > 10))
FROM generate_series(1, 24) i;
SELECT step > 0 AS of_steps, result, check_name, count(*), min(detail) AS detail FROM sg_plan_check('chs_many')
WHERE check_name IN ('orphans', 'index') GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;
SELECT hint FROM sg_plan_check('chs_many', ARRAY(SELECT generate_series(1, 11))) WHERE check_name = 'orphans' AND step = 0;
SELECT step > 0 AS of_steps, result, check_name, count(*) FROM sg_plan_check('chs_many', everything => true)
WHERE check_name = 'orphans' GROUP BY 1, 2, 3 ORDER BY 1, 2, 3;
-- where the grammar takes any statement, one that is no query
CREATE TABLE any_other (a int);
SELECT sg_plan_create('chs_other') \g /dev/null
SELECT sg_plan_add('chs_other', 'CREATE TABLE chs.made AS EXECUTE foo WITH NO DATA');
SELECT sg_plan_add_statement('chs_other', 'CREATE FUNCTION chs.made() RETURNS void LANGUAGE sql BEGIN ATOMIC CREATE TABLE chs.q (a int); END') \g /dev/null
SELECT sg_plan_add_statement('chs_other', 'CREATE RULE made AS ON INSERT TO chs.any_other DO ALSO NOTIFY made') \g /dev/null
SELECT found('chs_other');
-- a default partition that is read for a new one, large or small
CREATE TABLE lots (id int) PARTITION BY RANGE (id); CREATE TABLE lots_rest PARTITION OF lots DEFAULT; CREATE TABLE lots_1 (id int);
CREATE TABLE some_rows (id int) PARTITION BY RANGE (id); CREATE TABLE some_rest PARTITION OF some_rows DEFAULT;
INSERT INTO lots SELECT generate_series(1, 40000); INSERT INTO some_rows VALUES (1);
SELECT sg_plan_create('chs_default'), sg_plan_add('chs_default', 'CREATE TABLE chs.lots_2 PARTITION OF chs.lots FOR VALUES FROM (-20) TO (-10)'),
  sg_plan_add('chs_default', 'ALTER TABLE chs.lots ATTACH PARTITION chs.lots_1 FOR VALUES FROM (-10) TO (0)'),
  sg_plan_add('chs_default', 'CREATE TABLE chs.some_2 PARTITION OF chs.some_rows FOR VALUES FROM (-20) TO (-10)') \g /dev/null
SELECT step, result, regexp_replace(detail, '[0-9.]+ [kM]B', 'N MB') AS detail, hint FROM sg_plan_check_details('chs_default') WHERE check_name = 'locks' AND step > 0 AND result = 'warn';
-- the way out, as it is hinted: no row is read then
SELECT substr(hint, strpos(hint, E'\n')) FROM sg_plan_check_details('chs_default') WHERE check_name = 'locks' AND result = 'warn' \gexec
SELECT step, kind, child_table, definition, after FROM schemaguard.plan_step WHERE plan = 'chs_default' ORDER BY step;
CALL sg_apply('chs_default', steps => '{4,5}');
SELECT count(*) FROM sg_plan_check_details('chs_default') WHERE check_name = 'locks' AND result = 'warn';
-- the CHECKs refuse rows until the partitions are there, which is told with what takes them away
INSERT INTO lots VALUES (-15);
SELECT step, result, detail, hint FROM sg_plan_check_details('chs_default') WHERE check_name = 'inserts';
BEGIN;
SELECT substr(hint, strpos(hint, E'\n')) FROM sg_plan_check_details('chs_default') WHERE check_name = 'inserts' AND step = 1 \gexec
INSERT INTO lots VALUES (-15);
ROLLBACK;
CALL sg_apply('chs_default');
SELECT count(*) FROM sg_plan_check_details('chs_default') WHERE check_name = 'inserts';
INSERT INTO lots VALUES (-15);
SELECT step, state, reason FROM schemaguard.plan_step WHERE plan = 'chs_default' ORDER BY step;
-- indexes and keys that a partition lacks, and the tables at the other end of keys; of an index of the wrong kind, and one that has only its name
CREATE TABLE tied_p (id int PRIMARY KEY); CREATE TABLE tied (id int PRIMARY KEY, p_id int REFERENCES tied_p, note text) PARTITION BY RANGE (id);
CREATE TABLE tied_child (tied_id int REFERENCES tied); CREATE INDEX ON tied (lower(note) DESC) WHERE p_id > 0; CREATE UNIQUE INDEX "on only" ON tied (id, note);
CREATE TABLE tied_rest PARTITION OF tied DEFAULT; CREATE TABLE tied_1 (note text, id int NOT NULL, p_id int, CHECK (id IS NOT NULL AND id >= 1 AND id < 90000));
CREATE INDEX ON tied_1 (id, note); CREATE UNIQUE INDEX ON tied_1 (id); CREATE INDEX ON tied_1 (lower(note) DESC);
ALTER TABLE tied_rest ADD CHECK (id IS NULL OR id < 1 OR id >= 90000);
INSERT INTO tied_p VALUES (1); INSERT INTO tied_1 (id, p_id) SELECT g, 1 FROM generate_series(1, 40000) g;
SELECT sg_plan_create('chs_tied'), sg_plan_add('chs_tied', 'ALTER TABLE chs.tied ATTACH PARTITION chs.tied_1 FOR VALUES FROM (1) TO (90000)') \g /dev/null
SELECT hint FROM sg_plan_check_details('chs_tied') WHERE check_name = 'locks';
SELECT substr(hint, strpos(hint, E'\n')) FROM sg_plan_check_details('chs_tied') WHERE check_name = 'locks' AND hint LIKE '%beforehand%' \gexec
CALL sg_apply('chs_tied', steps => '{2,3,4,5}');
SELECT count(*) FROM sg_plan_check_details('chs_tied') WHERE check_name = 'locks';
CALL sg_apply('chs_tied');
SELECT step, kind, state FROM schemaguard.plan_step WHERE plan = 'chs_tied' ORDER BY step;
-- a key whose collation is not its column's: the CHECK has it, too, or there is none; the server is asked whether it reads the rows then
CREATE FUNCTION read_for_new(sql text, rest text) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
  seen text;
  before bigint := (SELECT seq_tup_read FROM pg_stat_xact_all_tables WHERE relid = rest::regclass);
BEGIN
  EXECUTE sql;
  SELECT seq_tup_read - before INTO seen FROM pg_stat_xact_all_tables WHERE relid = rest::regclass;
  RAISE 'undone' USING ERRCODE = 'SG001', DETAIL = seen;
EXCEPTION WHEN SQLSTATE 'SG001' THEN
  GET STACKED DIAGNOSTICS seen = PG_EXCEPTION_DETAIL;
  RETURN seen;
END $$;
CREATE TEMPORARY TABLE collated AS SELECT n, 'col' || n || '_rest' AS rest, col, key, value, format('CREATE TABLE col%s_1 PARTITION OF col%1$s FOR VALUES %s', n, bound) AS sql
FROM (VALUES (1, 'text', 'RANGE (a COLLATE "C")', $$FROM ('a') TO ('b')$$, 'z'), (2, 'varchar(5)', 'LIST (a COLLATE "C")', $$IN ('a', 'b')$$, 'z'),
  (3, 'text COLLATE "POSIX"', 'LIST (a COLLATE "C")', $$IN ('a')$$, 'z'), (4, 'text COLLATE "POSIX"', 'LIST (a COLLATE "C")', $$IN ('a', 'b')$$, 'z'),
  (5, 'char(3)', 'RANGE (a COLLATE "C")', $$FROM ('a') TO ('b')$$, 'z'), (6, 'text[]', 'RANGE (a COLLATE "C")', $$FROM ('{a}') TO ('{b}')$$, '{z}'),
  (7, 'text', 'RANGE (a COLLATE "C")', $$FROM ('x') TO ('y')$$, 'z')) v (n, col, key, bound, value);
SELECT format('CREATE TABLE col%s (a %s) PARTITION BY %s', n, col, key), format('CREATE TABLE %s PARTITION OF col%s DEFAULT', rest, n),
  format('INSERT INTO %s VALUES (%L)', rest, value) FROM collated \gexec
-- what looks like the condition, but is another one
ALTER TABLE col7_rest ADD CHECK ((a IS NULL) OR ((a)::text < 'x'::text COLLATE "C") OR ((a)::text >= 'y'::text COLLATE "C"));
CREATE VIEW told AS SELECT n, f.other FROM collated, schemaguard.sg_script_facts(ARRAY[sql], false) f WHERE 'default partition' = ANY (flags);
SELECT * FROM told ORDER BY n;
SELECT other FROM told WHERE other IS NOT NULL ORDER BY n \gexec
SELECT n, read_for_new(sql, rest), EXISTS (SELECT FROM told WHERE told.n = collated.n) AS told FROM collated ORDER BY n;
-- keys whose bounds could run code, or have several columns
CREATE FUNCTION chs.less(text, text) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RAISE ''ran''; END';
CREATE OPERATOR CLASS chs.own FOR TYPE text USING btree AS FUNCTION 1 chs.less(text, text);
CREATE TABLE wide (a int, b date, c text) PARTITION BY RANGE (a, b); CREATE TABLE wide_rest PARTITION OF wide DEFAULT;
CREATE TABLE words (a text COLLATE "C") PARTITION BY LIST (a); CREATE TABLE words_rest PARTITION OF words DEFAULT;
CREATE TABLE owned (a text) PARTITION BY LIST (a chs.own); CREATE TABLE owned_rest PARTITION OF owned DEFAULT;
CREATE TABLE computed (a int) PARTITION BY LIST ((a + 1)); CREATE TABLE computed_rest PARTITION OF computed DEFAULT;
SELECT sg_plan_create('chs_bounds') \g /dev/null
\set VERBOSITY default
SELECT sg_plan_add('chs_bounds', 'CREATE TABLE chs.new_' || n || ' PARTITION OF chs.' || s) FROM unnest(ARRAY[
  $$wide FOR VALUES FROM (1, date '2026-01-01') TO (1, MAXVALUE)$$, $$words FOR VALUES IN ('it''s', NULL)$$, $$owned FOR VALUES IN ('a')$$, 'computed FOR VALUES IN (3)',
  'wide FOR VALUES FROM (now()::int, NULL) TO (1, MAXVALUE)', 'words FOR VALUES FROM (1) TO (2)']) WITH ORDINALITY x (s, n);
\set VERBOSITY terse

-- what stands on a column or table is dropped first, whatever the numbers; what no step drops is told behind other steps, too
CREATE TABLE base (a int); CREATE TABLE st (id int PRIMARY KEY, x int, y int UNIQUE); CREATE VIEW sv AS SELECT x FROM st;
CREATE TABLE sr (r int REFERENCES st (y));
SELECT sg_plan_create('chs_waits'), sg_plan_add_column('chs_waits', 'base', 'b', 'int'), sg_plan_add_drop('chs_waits', 'column', 'st', 'x', after => '{1}'),
  sg_plan_add_drop('chs_waits', 'column', 'st', 'y', after => '{1}'), sg_plan_add_drop('chs_waits', 'column', 'st', 'id', after => '{1}') \g /dev/null
SELECT found('chs_waits');
SELECT sg_plan_add_drop('chs_waits', 'view', 'sv'), sg_plan_add_drop('chs_waits', 'constraint', 'sr', 'sr_r_fkey'), sg_plan_add_drop('chs_waits', 'constraint', 'st', 'st_pkey') \g /dev/null
SELECT step, detail FROM sg_plan_check_details('chs_waits') WHERE step IN (2, 3, 4) AND check_name IN ('deployment', 'definition') ORDER BY step;
CALL sg_apply('chs_waits');
SELECT step, state FROM schemaguard.plan_step WHERE plan = 'chs_waits' ORDER BY 1;
CREATE TABLE pile (id int, x int); CREATE VIEW pile_v AS SELECT * FROM pile; CREATE VIEW pile_w AS SELECT * FROM pile_v;
CREATE FUNCTION pile_f(pile) RETURNS int LANGUAGE sql AS 'SELECT 1';
SELECT sg_plan_create('chs_pile'), sg_plan_add_drop('chs_pile', 'table', 'pile'), sg_plan_add_drop('chs_pile', 'view', 'pile_v'), sg_plan_add_drop('chs_pile', 'view', 'pile_w'),
  sg_plan_add_statement('chs_pile', 'DROP FUNCTION chs.pile_f(chs.pile)') \g /dev/null
SELECT step, result, detail FROM sg_plan_check_details('chs_pile') WHERE check_name IN ('deployment', 'definition') AND step > 0 ORDER BY step;
CALL sg_apply('chs_pile');
SELECT step, state FROM schemaguard.plan_step WHERE plan = 'chs_pile' ORDER BY 1;
CALL sg_rollback_fks('chs_pile');
SELECT to_regclass('pile') AS pile, to_regclass('pile_v') AS v, to_regclass('pile_w') AS w;
-- a step that its own after puts behind the drop of its column
SELECT sg_plan_create('chs_gone'), sg_plan_add_drop('chs_gone', 'column', 'pile', 'x'), sg_plan_add_check('chs_gone', 'pile', 'x > 0', after => '{1}'),
  sg_plan_add_index('chs_gone', 'pile', '(x)', after => '{1}'), sg_plan_add_not_null('chs_gone', 'pile', 'x', after => '{1}'), sg_plan_add_not_null('chs_gone', 'pile', 'id', after => '{1}') \g /dev/null
SELECT found('chs_gone');
-- columns that have the table written anew, and a read of all rows under the lock of another clause: plan_add, check and explain say so
CREATE DOMAIN dom_free AS int; CREATE DOMAIN dom_check AS int CHECK (VALUE > 0 AND random() >= 0); CREATE DOMAIN dom_over AS dom_check;
CREATE TABLE wide_p (id int PRIMARY KEY); CREATE TABLE wide_c (id int, p int, n int);
INSERT INTO wide_p VALUES (1); INSERT INTO wide_c SELECT g, 1, g FROM generate_series(1, 40000) g; ANALYZE wide_p, wide_c;
ALTER TABLE wide_c ADD CONSTRAINT there CHECK (n > -1) NOT VALID, ADD CONSTRAINT there_p FOREIGN KEY (p) REFERENCES wide_p NOT VALID;
SELECT sg_plan_create('chs_anew') \g /dev/null
SELECT count(sg_plan_add('chs_anew', 'ALTER TABLE chs.wide_c ADD COLUMN ' || s)) FROM unnest(ARRAY['c1 chs.dom_check', 'c2 chs.dom_over DEFAULT 1',
  'c3 chs.dom_free DEFAULT 1', 'c4 serial', 'c5 int GENERATED BY DEFAULT AS IDENTITY', 'c6 int GENERATED ALWAYS AS (n + 1) STORED', 'c7 float DEFAULT random()', 'c8 int DEFAULT 7']) s;
SELECT count(sg_plan_add('chs_anew', 'ALTER TABLE chs.wide_c ' || s)) FROM unnest(ARRAY[
  'ADD CONSTRAINT k FOREIGN KEY (p) REFERENCES chs.wide_p NOT VALID, VALIDATE CONSTRAINT k',
  'ADD CONSTRAINT ck CHECK (n > 0) NOT VALID, VALIDATE CONSTRAINT ck', 'ADD CONSTRAINT no CHECK (n > 9) NOT VALID, VALIDATE CONSTRAINT no',
  'VALIDATE CONSTRAINT there, ALTER n SET DEFAULT 7', 'VALIDATE CONSTRAINT there_p, ALTER n SET DEFAULT 7',
  'VALIDATE CONSTRAINT there, ALTER n SET STATISTICS 50', 'ADD CONSTRAINT k2 FOREIGN KEY (p) REFERENCES chs.wide_p NOT VALID, ALTER n TYPE bigint',
  'ADD COLUMN e int, ALTER e SET DEFAULT 1, ADD COLUMN f chs.dom_check']) s;
SELECT step, result, check_name, regexp_replace(detail, '[0-9.]+ [kM]B', 'N MB') FROM sg_plan_check_details('chs_anew', verify => 'full')
WHERE step > 0 AND (check_name IN ('locks', 'rewrite') OR check_name IN ('names', 'rows') AND result <> 'ok') ORDER BY step, check_name, detail COLLATE "C";
SELECT regexp_replace(detail, '\(.*\)', '(..)') FROM sg_plan_check_details('chs_anew') WHERE step IN (1, 3) AND check_name = 'deployment' ORDER BY step;
SELECT step, check_name FROM sg_plan_check_details('chs_anew') WHERE detail LIKE 'writes %' AND step IN (1, 2, 3, 8, 16) ORDER BY 1;
SELECT s, regexp_replace(what, '[0-9.]+ [kM]B', 'N MB'), locks, takes FROM unnest(ARRAY[1, 3, 9, 12]) s, sg_plan_explain('chs_anew', ARRAY[s]) WHERE what !~ '^(Step|In all|A lock|Warning)';
SELECT line, rule, regexp_replace(message, '\(.*?\)', '(..)') FROM sg_lint_sql_details($$ALTER TABLE chs.wide_c ADD CONSTRAINT k FOREIGN KEY (p) REFERENCES chs.wide_p NOT VALID, VALIDATE CONSTRAINT k;
ALTER TABLE chs.wide_c VALIDATE CONSTRAINT there, ALTER n SET DEFAULT 7;
ALTER TABLE chs.wide_c VALIDATE CONSTRAINT there, ALTER n SET STATISTICS 7;$$) WHERE rule LIKE '%under-lock';
SELECT check_of('ALTER TABLE chs.wide_p ADD COLUMN e int, ALTER e SET DEFAULT 1, ALTER e SET NOT NULL, ADD CONSTRAINT e CHECK (e > 0) NOT VALID, VALIDATE CONSTRAINT e');
-- tables that inherit from the one are locked and written with it: they are named and measured
CREATE TABLE inpar (id int, v int); CREATE TABLE inkid () INHERITS (inpar); CREATE TABLE ingrand () INHERITS (inkid);
INSERT INTO ingrand SELECT g, g FROM generate_series(1, 40000) g; ANALYZE ingrand;
SELECT sg_plan_create('chs_heirs') \g /dev/null
SELECT sg_plan_add('chs_heirs', 'ALTER TABLE chs.inpar ALTER v TYPE bigint'), sg_plan_add('chs_heirs', 'ALTER TABLE chs.inpar ADD CHECK (v > 0), ALTER v SET STATISTICS 5'),
  sg_plan_add('chs_heirs', 'ALTER TABLE chs.inpar ADD CHECK (v > 1) NO INHERIT, ALTER v SET STATISTICS 5'), sg_plan_add('chs_heirs', 'ALTER TABLE chs.inkid ADD COLUMN w chs.dom_check');
SELECT step, result, check_name, regexp_replace(detail, '[0-9.]+ [kM]B', 'N MB', 'g') FROM sg_plan_check_details('chs_heirs')
WHERE step > 0 AND (check_name = 'locks' OR check_name = 'estimate') ORDER BY step, check_name;
-- a statement that names its table twice is tried, too; an index that does not fit a partitioned one; keys to a partition that is detached
CREATE FUNCTION tried(statement text) RETURNS SETOF text LANGUAGE sql AS
  $$SELECT result || '|' || concat_ws('|', check_name, detail) FROM sg_plan_check_details('chs_of') WHERE check_name = 'trial'$$;
CREATE TABLE twice (id int PRIMARY KEY, twice int);
CREATE FUNCTION twice() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TABLE ranged (id int, n int, PRIMARY KEY (id)) PARTITION BY RANGE (id);
CREATE TABLE ranged_1 PARTITION OF ranged FOR VALUES FROM (0) TO (10);
CREATE TABLE ranged_2 PARTITION OF ranged FOR VALUES FROM (10) TO (20);
CREATE TABLE of_ranged (id int REFERENCES ranged);
INSERT INTO ranged VALUES (1); INSERT INTO of_ranged VALUES (1);
CREATE INDEX ranged_n ON ONLY ranged (n);
CREATE INDEX ranged_1_n ON ranged_1 (n); CREATE INDEX ranged_1_id ON ranged_1 (id);
CREATE INDEX ranged_2_id ON ranged_2 (id); CREATE INDEX twice_n ON twice (twice);
ALTER INDEX ranged_n ATTACH PARTITION ranged_1_n;
SELECT s, check_of(s), tried(s) FROM unnest(ARRAY['ALTER TABLE chs.twice ADD CHECK (twice.twicee > 0)', 'ALTER TABLE chs.twice ADD CHECK (twice.twice > 0)',
  'ALTER TABLE chs.twice ADD CHECK (twice IS NOT NULL), ADD CHECK (twice ~ 1)', 'CREATE INDEX ON chs.twice (lower(twice))',
  'CREATE TRIGGER twice BEFORE UPDATE OF nothing ON chs.twice FOR EACH ROW EXECUTE FUNCTION chs.twice()',
  'CREATE TRIGGER twice INSTEAD OF UPDATE ON chs.twice FOR EACH ROW EXECUTE FUNCTION chs.twice()',
  'CREATE TRIGGER twice BEFORE UPDATE ON chs.twice FOR EACH ROW WHEN (NEW.twice > 0) EXECUTE FUNCTION chs.twice()',
  'CREATE POLICY twice ON chs.twice USING (twice.twice)', 'ALTER TABLE chs.twice ALTER twice TYPE text COLLATE nowhere',
  'ALTER INDEX chs.ranged_n ATTACH PARTITION chs.ranged_1_id', 'ALTER INDEX chs.ranged_n ATTACH PARTITION chs.ranged_2_id',
  'ALTER INDEX chs.ranged_n ATTACH PARTITION chs.ranged_1_n', 'ALTER INDEX chs.ranged_n ATTACH PARTITION chs.twice_n',
  'ALTER INDEX chs.ranged_n ATTACH PARTITION chs.ranged_1', 'ALTER INDEX chs.ranged_pkey ATTACH PARTITION chs.ranged_1_n',
  'ALTER INDEX chs.ranged_n ATTACH PARTITION chs.nothing', 'ALTER TABLE chs.ranged DETACH PARTITION chs.ranged_1']) s;
-- a statement is not said to do what a step does
SELECT sg_plan_create('chs_says') \g /dev/null
SELECT sg_plan_add_statement('chs_says', 'UPDATE chs.wide_p SET id = id + 1') \g /dev/null
SELECT what, locks, takes FROM sg_plan_explain('chs_says') WHERE what !~ '^(Step|A lock)';
CALL sg_apply('chs_anew', steps => '{1,3,9,10}');
SELECT step, state, reason FROM schemaguard.plan_step WHERE plan = 'chs_anew' AND step IN (1, 3, 9, 10) ORDER BY step;
-- values too large for INCLUDE and for a brin index, domains that refuse what rows get, a name that an inheriting table has
CREATE TABLE large (id int, v text);
ALTER TABLE large ALTER v SET COMPRESSION pglz;
INSERT INTO large SELECT 1, string_agg(md5(g::text), '') FROM generate_series(1, 1000) g;
CREATE TABLE large_heir (CONSTRAINT named CHECK (id > 5), CONSTRAINT alike CHECK (id > 0)) INHERITS (large);
CREATE DOMAIN never_null AS int NOT NULL;
CREATE DOMAIN never_so AS int DEFAULT -1 CHECK (VALUE > 0);
SELECT sg_plan_create('chs_large') \g /dev/null
-- 19 writes no row anew for a domain
SET client_min_messages = error;
SELECT sg_plan_add('chs_large', statement) FROM unnest(ARRAY['CREATE INDEX ON chs.large (id) INCLUDE (v)', 'CREATE INDEX ON chs.large USING brin (v)', 'CREATE INDEX ON chs.large (id)',
  'ALTER TABLE chs.large ADD x1 chs.never_null', 'ALTER TABLE chs.large ADD x2 chs.never_so', 'ALTER TABLE chs.large ADD x3 chs.never_so DEFAULT 1',
  'ALTER TABLE chs.large ADD CONSTRAINT named CHECK (id > 0)', 'ALTER TABLE chs.large ADD CONSTRAINT alike CHECK (id > 0)']) statement \g /dev/null
SET client_min_messages = warning;
SELECT f FROM found('chs_large') f WHERE f !~ 'rewrite';
CALL sg_apply('chs_large');
SELECT step, state, reason FROM schemaguard.plan_step WHERE plan = 'chs_large' AND state <> 'validated' ORDER BY step;
-- values too large for an index of a column that the plan adds and fills, and for gin, whose entries are elements
CREATE TABLE entries (id int PRIMARY KEY, v text, e text[], j jsonb);
INSERT INTO entries SELECT g, v, ARRAY[v], jsonb_build_object('k', v) FROM (SELECT 1 AS g, 'short' AS v UNION ALL SELECT 2, string_agg(sha256(i::text::bytea)::text, '') FROM generate_series(1, 200) i) x;
SELECT sg_plan_create('chs_entries'), sg_plan_add_column('chs_entries', 'entries', 'n', 'text', fill => 'v'), sg_plan_add_column('chs_entries', 'entries', 'c', 'text', fill => 'v || v'),
	sg_plan_add_column('chs_entries', 'entries', 'q', 'text', fill => '(SELECT max(x.v) FROM chs.entries x)'), sg_plan_add_column('chs_entries', 'entries', 'i', 'int', fill => 'id'),
	sg_plan_add_column('chs_entries', 'entries', 'a', 'text[]', fill => 'e') \g /dev/null
SELECT sg_plan_add_index('chs_entries', 'entries', definition, 'entries_' || nr) FROM unnest('{(n),(id) INCLUDE (c),(q),(i),(n) WHERE id = 1,USING gin (e),USING gin (a),USING gin (j)}'::text[]) WITH ORDINALITY x (definition, nr) \g /dev/null
SELECT sg_plan_add_unique('chs_entries', 'entries', '{n,i}') \g /dev/null
ALTER TABLE entries ADD s text;
SELECT sg_plan_add_not_null('chs_entries', 'entries', 's', policy => 'set', fill => 'v'), sg_plan_add_index('chs_entries', 'entries', '(s)', 'entries_s') \g /dev/null
SELECT step, result, check_name, detail FROM sg_plan_check_details('chs_entries', verify => 'full') WHERE check_name = 'size' ORDER BY step;
SET client_min_messages = error;
CALL sg_apply('chs_entries', fix => true);
SET client_min_messages = warning;
SELECT step FROM schemaguard.plan_step WHERE plan = 'chs_entries' AND state <> 'validated' ORDER BY step;
-- what a rollback leaves: a column whose fill reads what goes for good, and a copy of values that a key's sentinel ends
CREATE TABLE goes (id int PRIMARY KEY, v text, p int, w text); CREATE TABLE goes_to (id int PRIMARY KEY); CREATE TABLE goes_copy (id int, p int); INSERT INTO goes VALUES (1, 'v', -1, 'w');
SELECT sg_plan_create('chs_goes'), sg_plan_add_column('chs_goes', 'goes', 'n', 'text', fill => 'v'), sg_plan_add_drop('chs_goes', 'column', 'goes', 'v', keep => false),
	sg_plan_add_column('chs_goes', 'goes', 'm', 'text', fill => 'w'), sg_plan_add_drop('chs_goes', 'column', 'goes', 'w'),
	sg_plan_add_statement('chs_goes', 'INSERT INTO chs.goes_copy (id, p) SELECT id, p FROM chs.goes', undo => 'TRUNCATE chs.goes_copy'),
	sg_plan_add_fk('chs_goes', 'goes', '{p}', 'goes_to', orphans => 'quarantine', sentinel => '-1', index => false) \g /dev/null
SELECT step, result, detail, hint FROM sg_plan_check_details('chs_goes') WHERE check_name = 'undo' ORDER BY step;
SET client_min_messages = error;
CALL sg_apply('chs_goes', fix => true);
CALL sg_rollback_fks('chs_goes');
SET client_min_messages = warning;
SELECT step, reason FROM schemaguard.plan_step WHERE plan = 'chs_goes' AND state <> 'rolled back' ORDER BY step;
-- rows that a key keeps for certain, or that another key may take along
CREATE TABLE up (id int PRIMARY KEY);
CREATE TABLE low (up int REFERENCES up);
CREATE TABLE along (id int PRIMARY KEY);
CREATE TABLE low_along (up int REFERENCES up, along int REFERENCES along ON DELETE CASCADE);
INSERT INTO up VALUES (1); INSERT INTO low VALUES (1); INSERT INTO along VALUES (1); INSERT INTO low_along VALUES (1, 1);
SELECT sg_plan_create('chs_up') \g /dev/null
SELECT sg_plan_add('chs_up', 'DELETE FROM chs.up') \g /dev/null
SELECT found('chs_up');
CALL sg_apply('chs_up');
-- a fill that can't be used adds no column
SELECT sg_plan_create('chs_unused'), sg_plan_add_column('chs_unused', 'up', 'n', 'int', fill => $$id || 'x'$$) \g /dev/null
CALL sg_apply('chs_unused');
SELECT count(*) FROM pg_attribute WHERE attrelid = 'up'::regclass AND attname = 'n';

SET client_min_messages = error;
CALL sg_prune(now(), 'attic');
DROP SCHEMA chs CASCADE;
SELECT count(sg_plan_drop(name, force => true)) > 0 FROM schemaguard.plan WHERE name LIKE 'chs\_%';
DELETE FROM schemaguard.quarantine WHERE plan LIKE 'chs\_%';
