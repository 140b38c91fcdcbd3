-- sg_plan_check says what steps that come before a statement take away, and what depends on what it drops
-- rooms: check plan
\set VERBOSITY terse
\set SHOW_CONTEXT never
SET client_min_messages = error;
CREATE EXTENSION IF NOT EXISTS schemaguard;
CREATE SCHEMA cbe;
SET search_path = cbe, public;
\pset format unaligned
\pset tuples_only on
-- a schema of its own for each case, in place of s
CREATE FUNCTION own(n int, sql text) RETURNS text LANGUAGE sql AS
  $$ SELECT regexp_replace(regexp_replace(sql, '\m(s2?)(?=[.;])|(?<=SCHEMA |EXISTS )(s2?)\M', format('cbe%s_\1\2', n), 'g'), '\m(pp|pq)\M', format('cbe%s_\1', n), 'g') $$;
CREATE PROCEDURE prepare(n int) LANGUAGE plpgsql AS $p$ BEGIN
  EXECUTE own(n, $$ CREATE SCHEMA s; CREATE TABLE s.t (a int PRIMARY KEY, b int, c int);
    CREATE TABLE s.c (a int CONSTRAINT fk REFERENCES s.t, x int);
    CREATE VIEW s.v AS SELECT a, b FROM s.t;
    CREATE VIEW s.w AS SELECT a FROM s.v;
    CREATE MATERIALIZED VIEW s.m AS SELECT a FROM s.t;
    CREATE FUNCTION s.f(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1';
    CREATE FUNCTION s.f4(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1';
    CREATE TABLE s.d (a int DEFAULT s.f(1), CHECK (s.f(a) > 0));
    CREATE SEQUENCE s.q;
    CREATE TABLE s.e (a int DEFAULT nextval('s.q'));
    CREATE TYPE s.ty AS (a int);
    CREATE TABLE s.g (x s.ty, y int);
    CREATE FUNCTION s.tf() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
    CREATE TRIGGER tr BEFORE INSERT ON s.c FOR EACH ROW EXECUTE FUNCTION s.tf();
    CREATE TABLE s.p (a int, b int);
    CREATE TABLE s.inh () INHERITS (s.p);
    CREATE VIEW s.vinh AS SELECT b FROM s.inh;
    CREATE SCHEMA s2;
    CREATE TABLE s2.x (a int);
    CREATE COLLATION s.co FROM "C";
    CREATE TABLE s.ct (a text COLLATE s.co);
    CREATE TABLE s.alone (a int, b int);
    CREATE VIEW s.va AS SELECT a FROM s.alone;
    CREATE TABLE s.r1 (id int PRIMARY KEY);
    CREATE TABLE s.r2 (id int CONSTRAINT r2fk REFERENCES s.r1);
    CREATE TABLE s.rt (x s.r1);
    CREATE TABLE s.u (a int, b int);
    CREATE TABLE s.r (a int);
    CREATE VIEW s.one AS SELECT 1 AS one;
    CREATE PUBLICATION pq; $$);
END $p$;
CREATE TABLE told (n int, check_name text, result text, detail text, hint text);
CREATE TABLE cases (n int PRIMARY KEY, before text, statement text, after text[], state text);
INSERT INTO cases VALUES
  (1, $q$$q$, $q$DROP TABLE s.t$q$, NULL),
  (2, $q$$q$, $q$DROP VIEW s.v$q$, NULL),
  (3, $q$$q$, $q$DROP FUNCTION s.f(int)$q$, NULL),
  (4, $q$$q$, $q$DROP SEQUENCE s.q$q$, NULL),
  (5, $q$$q$, $q$DROP TYPE s.ty$q$, NULL),
  (6, $q$$q$, $q$DROP FUNCTION s.tf()$q$, NULL),
  (7, $q$$q$, $q$DROP SCHEMA s2$q$, NULL),
  (8, $q$$q$, $q$DROP COLLATION s.co$q$, NULL),
  (9, $q$$q$, $q$DROP INDEX s.t_pkey$q$, NULL),
  (10, $q$$q$, $q$ALTER TABLE s.t DROP COLUMN b$q$, NULL),
  (11, $q$$q$, $q$ALTER TABLE s.p DROP COLUMN b$q$, NULL),
  (12, $q$$q$, $q$DROP TABLE s.p$q$, NULL),
  (13, $q$$q$, $q$DROP TABLE s.t, s.c$q$, NULL),
  (14, $q$$q$, $q$DROP TABLE s.r1, s.r2$q$, NULL),
  (15, $q$$q$, $q$DROP TABLE s.r1, s.r2, s.rt$q$, NULL),
  (16, $q$$q$, $q$DROP TABLE s.alone$q$, NULL),
  (17, $q$$q$, $q$DROP TABLE s.alone CASCADE$q$, NULL),
  (18, $q$$q$, $q$DROP MATERIALIZED VIEW s.m$q$, NULL),
  (19, $q$$q$, $q$DROP VIEW s.v, s.w$q$, NULL),
  (20, $q$$q$, $q$ALTER TABLE s.t DROP CONSTRAINT t_pkey$q$, NULL),
  (21, $q$$q$, $q$ALTER TABLE s.t DROP COLUMN a$q$, NULL),
  (22, $q$$q$, $q$DROP TABLE IF EXISTS s.alone$q$, NULL),
  (23, $q$$q$, $q$DROP TYPE s.t$q$, NULL),
  (24, $q$$q$, $q$DROP TYPE s.r1$q$, NULL),
  (25, $q$sg_plan_add_drop('p', 'view', 's.va')$q$, $q$DROP TABLE s.alone$q$, NULL),
  (26, $q$sg_plan_add_drop('p', 'view', 's.va', keep => false)$q$, $q$DROP TABLE s.alone$q$, NULL),
  (27, $q$sg_plan_add_statement('p', 'DROP VIEW s.va')$q$, $q$DROP TABLE s.alone$q$, NULL),
  (28, $q$sg_plan_add_statement('p', 'CREATE OR REPLACE VIEW s.va AS SELECT 1 AS a')$q$, $q$DROP TABLE s.alone$q$, NULL),
  (29, $q$sg_plan_add_statement('p', 'ALTER TABLE s.d ALTER a DROP DEFAULT')$q$, $q$DROP FUNCTION s.f(int)$q$, NULL),
  (30, $q$sg_plan_add_statement('p', 'ALTER TABLE s.d ALTER a DROP DEFAULT'), sg_plan_add_drop('p', 'constraint', 's.d', 'd_a_check')$q$, $q$DROP FUNCTION s.f(int)$q$, NULL),
  (31, $q$sg_plan_add_drop('p', 'table', 's.d')$q$, $q$DROP FUNCTION s.f(int)$q$, NULL),
  (32, $q$sg_plan_add_drop('p', 'table', 's.d', keep => false)$q$, $q$DROP FUNCTION s.f(int)$q$, NULL),
  (33, $q$sg_plan_add_drop('p', 'column', 's.d', 'a')$q$, $q$DROP FUNCTION s.f(int)$q$, NULL),
  (34, $q$sg_plan_add_drop('p', 'column', 's.g', 'x')$q$, $q$DROP TYPE s.ty$q$, NULL),
  (35, $q$sg_plan_add_drop('p', 'column', 's.g', 'x', keep => false)$q$, $q$DROP TYPE s.ty$q$, NULL),
  (36, $q$sg_plan_add_drop('p', 'trigger', 's.c', 'tr')$q$, $q$DROP FUNCTION s.tf()$q$, NULL),
  (37, $q$sg_plan_add_drop('p', 'table', 's.c')$q$, $q$DROP FUNCTION s.tf()$q$, NULL),
  (38, $q$sg_plan_add_drop('p', 'table', 's.r2'), sg_plan_add_drop('p', 'table', 's.rt', keep => false)$q$, $q$DROP TABLE s.r1$q$, NULL),
  (39, $q$sg_plan_add_drop('p', 'constraint', 's.r2', 'r2fk'), sg_plan_add_drop('p', 'column', 's.rt', 'x', keep => false)$q$, $q$DROP TABLE s.r1$q$, NULL),
  (40, $q$sg_plan_add_drop('p', 'column', 's.r2', 'id'), sg_plan_add_drop('p', 'column', 's.rt', 'x', keep => false)$q$, $q$DROP TABLE s.r1$q$, NULL),
  (41, $q$sg_plan_add_statement('p', 'DROP TRIGGER tr ON s.c')$q$, $q$DROP FUNCTION s.tf()$q$, NULL),
  (42, $q$sg_plan_add_statement('p', 'ALTER TABLE s.r2 DROP CONSTRAINT r2fk; DROP TABLE s.rt')$q$, $q$DROP TABLE s.r1$q$, NULL),
  (43, $q$$q$, $q$DROP VIEW s.va; DROP TABLE s.alone$q$, NULL),
  (44, $q$$q$, $q$DROP TABLE s.alone; DROP VIEW s.va$q$, NULL),
  (45, $q$sg_plan_add_statement('p', 'ALTER TABLE s2.x SET SCHEMA s')$q$, $q$DROP SCHEMA s2$q$, NULL),
  (46, $q$sg_plan_add_statement('p', 'DROP TABLE s2.x')$q$, $q$DROP SCHEMA s2$q$, NULL),
  (47, $q$sg_plan_add_drop('p', 'table', 's2.x')$q$, $q$DROP SCHEMA s2$q$, NULL),
  (48, $q$sg_plan_add_statement('p', 'ALTER TYPE s.ty SET SCHEMA s2')$q$, $q$DROP SEQUENCE s.q$q$, NULL),
  (49, $q$sg_plan_add_statement('p', 'ALTER TABLE s.ct ALTER a TYPE text COLLATE "C"')$q$, $q$DROP COLLATION s.co$q$, NULL),
  (50, $q$sg_plan_add_fk('p', 's.r2', '{id}', 's.t', '{a}', replaces => 'r2fk'), sg_plan_add_drop('p', 'table', 's.rt', keep => false)$q$, $q$DROP TABLE s.r1$q$, NULL),
  (51, $q$sg_plan_add_drop('p', 'column', 's.t', 'c')$q$, $q$ALTER TABLE s.t ALTER COLUMN c SET DEFAULT 1$q$, NULL),
  (52, $q$sg_plan_add_drop('p', 'column', 's.t', 'c')$q$, $q$COMMENT ON COLUMN s.t.c IS 'x'$q$, NULL),
  (53, $q$sg_plan_add_drop('p', 'column', 's.t', 'c')$q$, $q$CREATE INDEX i ON s.t (c)$q$, NULL),
  (54, $q$sg_plan_add_drop('p', 'column', 's.t', 'c')$q$, $q$GRANT SELECT (c) ON s.t TO pg_monitor$q$, NULL),
  (55, $q$sg_plan_add_drop('p', 'column', 's.t', 'c')$q$, $q$UPDATE s.t SET c = 1$q$, NULL),
  (56, $q$sg_plan_add_drop('p', 'column', 's.t', 'c')$q$, $q$INSERT INTO s.t (a, c) VALUES (1, 1)$q$, NULL),
  (57, $q$sg_plan_add_drop('p', 'column', 's.t', 'c')$q$, $q$INSERT INTO s.t VALUES (1, 1)$q$, NULL),
  (58, $q$sg_plan_add_drop('p', 'column', 's.t', 'c')$q$, $q$CREATE VIEW s.nv AS SELECT c FROM s.t$q$, NULL),
  (59, $q$sg_plan_add_drop('p', 'column', 's.t', 'c')$q$, $q$CREATE PUBLICATION pp FOR TABLE s.t (a, c)$q$, NULL),
  (60, $q$sg_plan_add_drop('p', 'column', 's.t', 'c')$q$, $q$ALTER PUBLICATION pq ADD TABLE s.t (a, c)$q$, NULL),
  (61, $q$sg_plan_add_drop('p', 'column', 's.t', 'c')$q$, $q$ALTER PUBLICATION pq SET TABLE s.t WHERE (c > 0)$q$, NULL),
  (62, $q$sg_plan_add_drop('p', 'column', 's.t', 'c')$q$, $q$ALTER TABLE s.t ADD COLUMN c int$q$, NULL),
  (63, $q$sg_plan_add_drop('p', 'column', 's.t', 'c')$q$, $q$ALTER TABLE s.t ADD CONSTRAINT c CHECK (a > 0)$q$, NULL),
  (64, $q$sg_plan_add_drop('p', 'column', 's.t', 'c')$q$, $q$ALTER TABLE s.t DROP COLUMN IF EXISTS c$q$, NULL),
  (65, $q$sg_plan_add_drop('p', 'column', 's.t', 'c')$q$, $q$ALTER TABLE s.t DROP COLUMN c$q$, NULL),
  (66, $q$sg_plan_add_drop('p', 'column', 's.t', 'c'), sg_plan_add_column('p', 's.t', 'c', 'text')$q$, $q$COMMENT ON COLUMN s.t.c IS 'x'$q$, NULL),
  (67, $q$sg_plan_add_drop('p', 'column', 's.t', 'c')$q$, $q$CREATE STATISTICS s.stt ON a, c FROM s.t$q$, NULL),
  (68, $q$sg_plan_add_drop('p', 'column', 's.t', 'c')$q$, $q$CREATE POLICY p ON s.t USING (c > 0)$q$, NULL),
  (69, $q$sg_plan_add_drop('p', 'column', 's.t', 'c')$q$, $q$CREATE TRIGGER x BEFORE UPDATE OF c ON s.t FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()$q$, NULL),
  (70, $q$sg_plan_add_drop('p', 'column', 's.t', 'c')$q$, $q$ALTER TABLE s.t RENAME COLUMN c TO d$q$, NULL),
  (71, $q$sg_plan_add_drop('p', 'column', 's.t', 'c')$q$, $q$ALTER TABLE s.t RENAME COLUMN a TO c$q$, NULL),
  (72, $q$sg_plan_add_drop('p', 'table', 's.u')$q$, $q$DROP TABLE s.u$q$, NULL),
  (73, $q$sg_plan_add_drop('p', 'table', 's.u')$q$, $q$DROP TABLE IF EXISTS s.u$q$, NULL),
  (74, $q$sg_plan_add_drop('p', 'table', 's.u')$q$, $q$TRUNCATE s.u$q$, NULL),
  (75, $q$sg_plan_add_drop('p', 'table', 's.u')$q$, $q$COMMENT ON TABLE s.u IS 'x'$q$, NULL),
  (76, $q$sg_plan_add_drop('p', 'table', 's.u')$q$, $q$INSERT INTO s.t SELECT * FROM s.u$q$, NULL),
  (77, $q$sg_plan_add_drop('p', 'table', 's.u')$q$, $q$DELETE FROM s.u$q$, NULL),
  (78, $q$sg_plan_add_drop('p', 'table', 's.u')$q$, $q$CREATE TABLE s.u (a int)$q$, NULL),
  (79, $q$sg_plan_add_drop('p', 'table', 's.u')$q$, $q$ALTER TABLE s.u ADD COLUMN z int$q$, NULL),
  (80, $q$sg_plan_add_drop('p', 'table', 's.u')$q$, $q$CREATE FUNCTION s.g() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT count(*) FROM s.u; END$q$, NULL),
  (81, $q$sg_plan_add_drop('p', 'table', 's.u')$q$, $q$CREATE TABLE s.n (LIKE s.u)$q$, NULL),
  (82, $q$sg_plan_add_drop('p', 'table', 's.u')$q$, $q$CREATE TABLE s.n (a s.u)$q$, NULL),
  (83, $q$sg_plan_add_drop('p', 'table', 's.u')$q$, $q$CREATE TABLE s.n () INHERITS (s.u)$q$, NULL),
  (84, $q$sg_plan_add_drop('p', 'table', 's.u')$q$, $q$GRANT SELECT ON s.u TO pg_monitor$q$, NULL),
  (85, $q$sg_plan_add_drop('p', 'table', 's.u')$q$, $q$ALTER PUBLICATION pq ADD TABLE s.u$q$, NULL),
  (86, $q$sg_plan_add_drop('p', 'table', 's.u')$q$, $q$CREATE PUBLICATION pp FOR TABLE s.u$q$, NULL),
  (87, $q$sg_plan_add_rename('p', 'table', 's.r', 'r9')$q$, $q$ALTER TABLE s.r ADD COLUMN z int$q$, NULL),
  (88, $q$sg_plan_add_rename('p', 'table', 's.r', 'r9')$q$, $q$UPDATE s.r SET a = 1$q$, NULL),
  (89, $q$sg_plan_add_rename('p', 'table', 's.r', 'r9')$q$, $q$UPDATE s.r9 SET a = 1$q$, NULL),
  (90, $q$sg_plan_add_rename('p', 'column', 's.r', 'b', name => 'a')$q$, $q$ALTER TABLE s.r ALTER COLUMN a SET DEFAULT 2$q$, NULL),
  (91, $q$sg_plan_add_rename('p', 'column', 's.r', 'b', name => 'a')$q$, $q$ALTER TABLE s.r ALTER COLUMN b SET DEFAULT 2$q$, NULL),
  (92, $q$sg_plan_add_drop('p', 'view', 's.w')$q$, $q$COMMENT ON VIEW s.w IS 'x'$q$, NULL),
  (93, $q$sg_plan_add_drop('p', 'view', 's.w')$q$, $q$CREATE VIEW s.w AS SELECT 2 AS two$q$, NULL),
  (94, $q$sg_plan_add_statement('p', 'DROP FUNCTION s.f4(int)')$q$, $q$CREATE VIEW s.nv AS SELECT s.f4(1)$q$, NULL),
  (95, $q$sg_plan_add_statement('p', 'DROP FUNCTION s.f4(int)')$q$, $q$ALTER TABLE s.t ADD CHECK (s.f4(a) > 0)$q$, NULL),
  (96, $q$sg_plan_add_statement('p', 'DROP FUNCTION s.f4(int)')$q$, $q$CREATE FUNCTION s.f4(int) RETURNS text LANGUAGE sql AS $$SELECT ''$$$q$, NULL),
  (97, $q$sg_plan_add_statement('p', 'DROP TABLE s.u CASCADE')$q$, $q$TRUNCATE s.u$q$, NULL),
  (98, $q$sg_plan_add_statement('p', 'ALTER TABLE s.t DROP COLUMN c CASCADE')$q$, $q$COMMENT ON COLUMN s.t.c IS 'x'$q$, NULL),
  (99, $q$sg_plan_add_statement('p', 'ALTER TABLE s.u RENAME TO u9')$q$, $q$TRUNCATE s.u$q$, NULL),
  (100, $q$sg_plan_add_statement('p', 'ALTER TABLE s.u SET SCHEMA s2')$q$, $q$TRUNCATE s.u$q$, NULL),
  (101, $q$sg_plan_add_statement('p', 'ALTER TABLE s.t RENAME c TO d')$q$, $q$COMMENT ON COLUMN s.t.c IS 'x'$q$, NULL),
  (102, $q$sg_plan_add_statement('p', 'ALTER TABLE s.t RENAME c TO d')$q$, $q$COMMENT ON COLUMN s.t.d IS 'x'$q$, NULL),
  (103, $q$sg_plan_add_drop('p', 'column', 's.t', 'c')$q$, $q$UPDATE s.t SET c = 1$q$, '{*}'),
  (104, $q$sg_plan_add_drop('p', 'column', 's.t', 'c')$q$, $q$CREATE VIEW s.nv AS SELECT c FROM s.t$q$, '{*}'),
  (105, $q$sg_plan_add_drop('p', 'table', 's.u')$q$, $q$DELETE FROM s.u$q$, '{*}'),
  (106, $q$sg_plan_add_drop('p', 'table', 's.u')$q$, $q$INSERT INTO s.t SELECT * FROM s.u$q$, '{*}'),
  (107, $q$sg_plan_add_drop('p', 'table', 's.u')$q$, $q$CREATE VIEW s.nv AS SELECT a FROM s.u$q$, '{*}'),
  (108, $q$$q$, $q$DROP TYPE s.t$q$, NULL),
  (109, $q$sg_plan_add_drop('p', 'table', 's.u')$q$, $q$ALTER TABLE s.u ADD COLUMN z int; INSERT INTO s.t VALUES (1)$q$, NULL),
  (110, $q$$q$, $q$DROP TABLE s.u; CREATE TABLE s.u (z int); COMMENT ON COLUMN s.u.z IS $$z$$$q$, NULL),
  (111, $q$$q$, $q$DROP TABLE s.u; COMMENT ON TABLE s.u IS $$z$$$q$, NULL),
  (112, $q$sg_plan_add_drop('p', 'column', 's.t', 'c')$q$, $q$COMMENT ON TABLE s.t IS $$about s.t.c$$$q$, NULL);
-- each in a schema that is gone before the next one
\set ECHO none
\o /dev/null
SELECT format('CALL prepare(%s)', n), format('SELECT sg_plan_create(%L)', 'cbe_' || n),
  'SELECT ' || replace(own(n, before), '''p''', quote_literal('cbe_' || n)),
  format('SELECT sg_plan_add_statement(%L, %L, after => %L)', 'cbe_' || n, own(n, statement), after),
  format('INSERT INTO told SELECT %s, check_name, result, detail, hint FROM sg_plan_check_details(%2$L) WHERE result <> ''ok'' AND check_name IN (''names'', ''dependents'', ''definition'')'
    ' AND step = (SELECT max(step) FROM schemaguard.plan_step WHERE plan = %2$L)', n, 'cbe_' || n),
  format('CALL sg_apply(%L, fail => false)', 'cbe_' || n),
  format('UPDATE cases SET state = (SELECT state FROM schemaguard.plan_step WHERE plan = %2$L ORDER BY step DESC LIMIT 1) WHERE n = %1$s', n, 'cbe_' || n),
  format('SELECT sg_plan_drop(%L, force => true)', 'cbe_' || n), 'DROP SCHEMA IF EXISTS schemaguard_attic CASCADE',
  own(n, 'DROP SCHEMA IF EXISTS s CASCADE'), own(n, 'DROP SCHEMA IF EXISTS s2 CASCADE'), own(n, 'DROP PUBLICATION IF EXISTS pp, pq')
FROM cases ORDER BY n \gexec
\o
\set ECHO all
SELECT concat_ws('|', n, state, (SELECT string_agg(concat_ws(': ', check_name, result, regexp_replace(detail, 'cbe\d+_', '', 'g')), ', ' ORDER BY detail) FROM told t WHERE t.n = c.n), before, statement)
FROM cases c ORDER BY n;
-- what failed was told, and what was blocked has failed
SELECT n FROM cases c WHERE (state = 'validated') = EXISTS (SELECT FROM told t WHERE t.n = c.n AND (state = 'validated' AND result = 'block' OR state <> 'validated'));
-- what to do about it
SELECT n, hint FROM told WHERE n IN (1, 9, 25, 51, 103) ORDER BY n;
-- rows of a step that waits: read where its columns are there, not where an earlier step gives the name to other values, and told if they go for good;
-- and drops by which a table has no rule for a while, or that a key of the plan stands in the way of
CREATE TABLE kept (id int PRIMARY KEY); INSERT INTO kept SELECT generate_series(1, 10);
CREATE TABLE waits (id int PRIMARY KEY, p int, n int CONSTRAINT waits_n CHECK (n >= 0), m int); INSERT INTO waits SELECT g, g * 100, g, g FROM generate_series(1, 20) g;
CREATE TABLE gone AS TABLE kept; CREATE VIEW gone_seen AS TABLE gone; CREATE TABLE gone2 AS TABLE kept;
CREATE TABLE refd (a int, b int CONSTRAINT refd_b UNIQUE);
SELECT sg_plan_create('cbe_rows') \g /dev/null
SELECT sg_plan_add('cbe_rows', statement) FROM unnest(ARRAY['ALTER TABLE cbe.waits DROP CONSTRAINT waits_n', 'ALTER TABLE cbe.waits ADD CONSTRAINT waits_n CHECK (n > 10)',
  'ALTER TABLE cbe.waits RENAME COLUMN m TO mm', 'ALTER TABLE cbe.waits ADD UNIQUE (mm)',
  'ALTER TABLE cbe.waits ADD COLUMN z int DEFAULT 5', 'ALTER TABLE cbe.waits ADD UNIQUE (z)', 'ALTER TABLE cbe.waits ADD COLUMN y int', 'ALTER TABLE cbe.waits ADD CHECK (y > 0)',
  'ALTER TABLE cbe.waits DROP COLUMN p', 'ALTER TABLE cbe.waits ADD COLUMN p int', 'ALTER TABLE cbe.waits ADD FOREIGN KEY (p) REFERENCES cbe.kept',
  'DROP VIEW cbe.gone_seen', 'ALTER TABLE cbe.gone2 RENAME TO gone3',
  'ALTER TABLE cbe.refd ADD CONSTRAINT refd_a UNIQUE (a)', 'ALTER TABLE cbe.refd ADD FOREIGN KEY (b) REFERENCES cbe.refd (a)', 'ALTER TABLE cbe.refd DROP CONSTRAINT refd_a',
  'ALTER TABLE cbe.refd ADD FOREIGN KEY (a) REFERENCES cbe.refd (b)', 'ALTER TABLE cbe.refd DROP CONSTRAINT refd_b']) statement \g /dev/null
SELECT sg_plan_add_drop('cbe_rows', 'table', 'cbe.gone', keep => false), sg_plan_add_drop('cbe_rows', 'table', 'cbe.gone3', keep => false) \g /dev/null
SELECT step, result, check_name, detail FROM sg_plan_check_details('cbe_rows', verify => 'full')
  WHERE step > 0 AND (result = 'block' OR check_name IN ('rows', 'orphans', 'order', 'dependents') OR detail ~ 'waits for') ORDER BY 1, 3, 4;
SELECT sg_plan_drop('cbe_rows') \g /dev/null
-- a name that two steps give: of columns, tables, views, indexes and constraints
CREATE TABLE two (id int PRIMARY KEY, x int CONSTRAINT x_old CHECK (x > 0) CONSTRAINT u_old UNIQUE, z int);
CREATE TABLE three (id int PRIMARY KEY, x int, y int); CREATE INDEX i_old ON two (x); CREATE VIEW v_old AS SELECT 1 AS a;
SELECT sg_plan_create('cbe_two') \g /dev/null
SELECT sg_plan_add('cbe_two', statement) FROM unnest(ARRAY[
  'ALTER TABLE cbe.two ADD COLUMN y int', 'ALTER TABLE cbe.two RENAME COLUMN x TO y',
  'CREATE TABLE cbe.four (code text)', 'ALTER TABLE cbe.three RENAME TO four',
  'CREATE INDEX same ON cbe.two (z)', 'CREATE INDEX same ON cbe.three (x)',
  'ALTER TABLE cbe.two ADD CONSTRAINT uq UNIQUE (z)', 'ALTER TABLE cbe.three ADD CONSTRAINT uq UNIQUE (y)',
  'CREATE INDEX nn ON cbe.two (z)', 'CREATE TABLE cbe.nn (id int)', 'CREATE VIEW cbe.nn AS SELECT 1',
  'ALTER TABLE cbe.two ADD CONSTRAINT x_new CHECK (z >= 0)', 'ALTER TABLE cbe.two RENAME CONSTRAINT x_old TO x_new',
  'CREATE INDEX i_new ON cbe.two (z)', 'ALTER INDEX cbe.i_old RENAME TO i_new',
  'CREATE VIEW cbe.v_new AS SELECT 2', 'ALTER VIEW cbe.v_old RENAME TO v_new',
  -- not those that pass to another object
  'ALTER TABLE cbe.three RENAME COLUMN y TO y_old', 'ALTER TABLE cbe.three RENAME COLUMN x TO y',
  'ALTER TABLE cbe.two DROP CONSTRAINT u_old', 'ALTER TABLE cbe.three ADD CONSTRAINT u_old UNIQUE (id)',
  'CREATE OR REPLACE VIEW cbe.v_new AS SELECT 3']) statement \g /dev/null
SELECT step, result, detail FROM sg_plan_check_details('cbe_two') WHERE check_name = 'names' ORDER BY 1;
SELECT hint FROM sg_plan_check_details('cbe_two') WHERE check_name = 'names' AND step = 2;
SELECT sg_plan_drop('cbe_two') \g /dev/null
-- a step that waits for others is judged on what these leave of its table: as it is today, where they change nothing about that
CREATE TABLE w (id int PRIMARY KEY, v int, x int, g int GENERATED ALWAYS AS (x) STORED, y text, k int);
INSERT INTO w (id, v, k) SELECT i, i, i FROM generate_series(1, 5) i;
CREATE TABLE w_first (k int, v int, y text);
CREATE VIEW w_seen AS SELECT v FROM w; CREATE POLICY w_y ON w USING (y IS NOT NULL);
CREATE TABLE w_part (id int, at int) PARTITION BY RANGE (at); CREATE TABLE w_part1 PARTITION OF w_part FOR VALUES FROM (0) TO (9);
CREATE TABLE w_none (id int); CREATE TABLE w_named (id int); CREATE TABLE w_one (id int PRIMARY KEY); CREATE TABLE w_above (id int); CREATE TABLE w_below () INHERITS (w_above);
SELECT sg_plan_create('cbe_wait') \g /dev/null
SELECT sg_plan_add('cbe_wait', statement, coalesce(options, '{}')::jsonb) FROM (VALUES ('ALTER TABLE cbe.w_first ADD CONSTRAINT w_k CHECK (k > 0)', NULL),
  ('CREATE TABLE cbe.w_first (id text)', '{"after": "{1}"}'), ('CREATE FUNCTION nowhere() RETURNS int LANGUAGE sql AS ''SELECT 1''', '{"after": "{1}"}'),
  ('CREATE INDEX ON cbe.w_first (k) WHERE k > ''a''', '{"after": "{1}"}'), ('ALTER TABLE cbe.w_first ADD CHECK (k ~ 3)', '{"after": "{1}"}'),
  ('ALTER TABLE cbe.w_first ALTER v SET DEFAULT ''zz''', '{"after": "{1}"}'), ('ALTER TABLE cbe.w_first ADD FOREIGN KEY (k) REFERENCES cbe.w_none (id)', '{"after": "{1}"}'),
  ('ALTER TABLE cbe.w_first ADD COLUMN y int', '{"after": "{1}"}'),
  ('ALTER TABLE cbe.w ADD COLUMN c1 text CHECK (c1 > 5)', NULL), ('ALTER TABLE cbe.w ADD COLUMN c2 point UNIQUE', NULL), ('ALTER TABLE cbe.w ADD COLUMN c3 json', NULL),
  ('CREATE INDEX ON cbe.w (c3)', NULL), ('ALTER TABLE cbe.w ADD COLUMN c4 int', NULL), ('CREATE INDEX ON cbe.w USING gin (c4)', NULL), ('ALTER TABLE cbe.w ALTER c4 SET DEFAULT ''abc''', NULL),
  ('ALTER TABLE cbe.w ADD COLUMN c5 text REFERENCES cbe.w_one', NULL), ('ALTER TABLE cbe.w_part ADD COLUMN u int UNIQUE', NULL),
  ('ALTER TABLE cbe.w ADD COLUMN c6 int GENERATED ALWAYS AS (k) STORED', NULL), ('ALTER TABLE cbe.w ALTER c6 SET DEFAULT 1', NULL),
  ('ALTER TABLE cbe.w ADD COLUMN c7 int', NULL), ('ALTER TABLE cbe.w ADD COLUMN c8 int GENERATED ALWAYS AS (c7) STORED', NULL), ('ALTER TABLE cbe.w DROP COLUMN c7', NULL),
  ('ALTER TABLE cbe.w RENAME COLUMN v TO v2', NULL), ('ALTER TABLE cbe.w DROP COLUMN v2', NULL), ('ALTER TABLE cbe.w RENAME COLUMN x TO x2', NULL), ('ALTER TABLE cbe.w DROP COLUMN x2', NULL),
  ('ALTER TABLE cbe.w RENAME COLUMN y TO y2', NULL), ('ALTER TABLE cbe.w DROP COLUMN y2', NULL), ('ALTER TABLE cbe.w RENAME COLUMN id TO id2', NULL), ('ALTER TABLE cbe.w DROP COLUMN id2', NULL),
  ('ALTER TABLE cbe.w_part RENAME COLUMN at TO at2', NULL), ('ALTER TABLE cbe.w_part DROP COLUMN at2', NULL), ('CREATE INDEX ON cbe.w_above (id)', NULL), ('DROP TABLE cbe.w_above', NULL),
  ('ALTER TABLE cbe.w_named RENAME TO w_other', NULL), ('CREATE TABLE cbe.w_like (LIKE cbe.w_named)', NULL)) s (statement, options) \g /dev/null
SELECT step, result, check_name, detail FROM sg_plan_check_details('cbe_wait', verify => 'full')
  WHERE step > 1 AND (result = 'block' OR check_name IN ('deployment', 'trial', 'definition') AND result <> 'ok') ORDER BY 1, 3, 4;
CREATE TABLE waited AS SELECT step FROM sg_plan_check_details('cbe_wait', verify => 'full') WHERE result = 'block';
CALL sg_apply('cbe_wait', fail => false);
SELECT step, kind, state, reason FROM schemaguard.plan_step WHERE plan = 'cbe_wait' AND (state = 'validated') = (step IN (TABLE waited));
-- and nothing is blocked that works, as those before it have made it
CREATE TABLE o (id int PRIMARY KEY, t text, n int, m int); INSERT INTO o SELECT i, CASE WHEN i = 5 THEN 'long' ELSE 'a' END, CASE WHEN i = 5 THEN -1 ELSE i END, i FROM generate_series(1, 5) i;
CREATE TABLE o_other (a int, b int); CREATE VIEW o_seen AS SELECT b FROM o_other;
SELECT sg_plan_create('cbe_good') \g /dev/null
SELECT sg_plan_add('cbe_good', statement, coalesce(options, '{}')::jsonb) FROM (VALUES ('ALTER TABLE cbe.o ADD CHECK (n > 0)', '{"policy": "quarantine"}'), ('ALTER TABLE cbe.o ALTER t TYPE varchar(3)', NULL),
  ('ALTER TABLE cbe.o ADD COLUMN q1 int DEFAULT 4', NULL), ('ALTER TABLE cbe.o ADD COLUMN q2 int GENERATED ALWAYS AS (q1 * 2) STORED', NULL),
  ('ALTER TABLE cbe.o ADD CHECK (cbe.o.q1 > 0 AND o.q1 < 9)', NULL), ('CREATE INDEX ON cbe.o (q2)', NULL), ('ALTER TABLE cbe.o ADD COLUMN k int REFERENCES cbe.o', NULL),
  ('ALTER TABLE cbe.o RENAME COLUMN m TO m2', NULL), ('ALTER TABLE cbe.o ADD UNIQUE (m2)', NULL), ('ALTER TABLE cbe.o_other RENAME COLUMN b TO b2', NULL),
  ('DROP VIEW cbe.o_seen', NULL), ('ALTER TABLE cbe.o_other DROP COLUMN b2', NULL), ('ALTER TABLE cbe.o_other RENAME TO o_named', NULL), ('ALTER TABLE cbe.o_named ADD COLUMN c int', NULL),
  ('CREATE INDEX ON cbe.o_named (a, c)', NULL)) s (statement, options) \g /dev/null
SELECT step, result, check_name, detail FROM sg_plan_check_details('cbe_good', verify => 'full') WHERE step > 1 AND result <> 'ok' ORDER BY 1, 3, 4;
CALL sg_apply('cbe_good', fix => true, fail => false);
SELECT step, state, reason FROM schemaguard.plan_step WHERE plan = 'cbe_good' AND state <> 'validated';
-- rows that the plan writes meet the rules that it adds, in whichever order
CREATE TABLE m (id int PRIMARY KEY, w int, u int, o int, x int); INSERT INTO m SELECT i, nullif(i % 5, 0), i, i, i FROM generate_series(1, 10) i;
CREATE TABLE m_parent (id int PRIMARY KEY); INSERT INTO m_parent SELECT generate_series(1, 9);
SELECT sg_plan_create('cbe_meet') \g /dev/null
SELECT sg_plan_add('cbe_meet', statement, coalesce(options, '{}')::jsonb) FROM (VALUES ('ALTER TABLE cbe.m ADD CONSTRAINT m_w CHECK (w < 50)', NULL), ('ALTER TABLE cbe.m ADD CONSTRAINT m_u UNIQUE (u)', NULL),
  ('ALTER TABLE cbe.m ADD CONSTRAINT m_o CHECK (o IS NOT NULL)', NULL), ('ALTER TABLE cbe.m ALTER x SET NOT NULL', NULL),
  ('ALTER TABLE cbe.m ALTER w SET NOT NULL', '{"policy": "set", "fill": "99"}'), ('ALTER TABLE cbe.m ADD CONSTRAINT m_u2 CHECK (u > 2)', '{"policy": "set", "child_columns": "u", "fill": "5"}'),
  ('ALTER TABLE cbe.m ADD FOREIGN KEY (o) REFERENCES cbe.m_parent', '{"policy": "set null"}'), ('ALTER TABLE cbe.m ADD FOREIGN KEY (x) REFERENCES cbe.m_parent', '{"policy": "set null"}')) s (statement, options) \g /dev/null
SELECT sg_plan_add_rows('cbe_meet', 'cbe.m', '[{"id": 7, "w": 70}]') \g /dev/null
SELECT step, result, check_name, detail FROM sg_plan_check_details('cbe_meet', verify => 'full') WHERE result <> 'ok' AND step > 1 AND check_name IN ('set', 'rows', 'before') ORDER BY 1, 3, 4;
CREATE TABLE r (id int PRIMARY KEY, a text, v int); INSERT INTO r SELECT i, 'a' || i, i FROM generate_series(1, 5) i;
SELECT sg_plan_create('cbe_after') \g /dev/null
SELECT sg_plan_add_rows('cbe_after', 'cbe.r', '[{"id": 903, "a": "a1"}]') \g /dev/null
SELECT sg_plan_add('cbe_after', statement, coalesce(options, '{}')::jsonb) FROM (VALUES ('ALTER TABLE cbe.r ALTER v SET NOT NULL', NULL), ('ALTER TABLE cbe.r ADD CONSTRAINT r_id CHECK (id < 900)', NULL),
  ('ALTER TABLE cbe.r ADD CONSTRAINT r_a UNIQUE (a)', NULL), ('UPDATE cbe.r SET id = 7 WHERE id = 903', NULL), ('ALTER TABLE cbe.r ADD CONSTRAINT r_id2 CHECK (id < 800)', '{"after": ["*"]}'),
  ('ALTER TABLE cbe.r ADD CONSTRAINT r_v CHECK (v > 1)', '{"policy": "leave"}'), ('ALTER TABLE cbe.r ADD COLUMN n int', '{"fill": "id"}')) s (statement, options) \g /dev/null
SELECT step, result, check_name, detail FROM sg_plan_check_details('cbe_after', verify => 'full') WHERE result <> 'ok' AND check_name IN ('rows', 'before') ORDER BY 1, 3, 4;

-- a statement is tried behind the rules that the plan adds to its table, too
CREATE TABLE cbe.s (id int PRIMARY KEY, n int, m int);
SELECT sg_plan_create('cbe_ruled') \g /dev/null
SELECT sg_plan_add('cbe_ruled', statement) FROM unnest(ARRAY['ALTER TABLE cbe.s ADD CONSTRAINT s_n CHECK (n <> 4)', 'ALTER TABLE cbe.s ALTER n TYPE text USING (n * 100)::text',
  'CREATE INDEX s_m ON cbe.s (m)', 'ALTER TABLE cbe.s ALTER m TYPE json USING to_json(m)']) statement \g /dev/null
SELECT step, result, detail FROM sg_plan_check_details('cbe_ruled') WHERE check_name = 'trial' ORDER BY 1;
CALL sg_apply('cbe_ruled');
-- rows get a value in a column that the plan adds, or none, and break a CHECK with it
INSERT INTO cbe.s VALUES (1, NULL, NULL), (2, 2, 3);
SELECT sg_plan_create('cbe_new') \g /dev/null
SELECT sg_plan_add('cbe_new', statement, options::jsonb) FROM (VALUES ('ALTER TABLE cbe.s ADD COLUMN c1 int CHECK (c1 IS NOT NULL)', '{}'), ('ALTER TABLE cbe.s ADD COLUMN c2 int CHECK (c2 > 0)', '{}'),
  ('ALTER TABLE cbe.s ADD COLUMN c3 int DEFAULT 4 CHECK (c3 > n + 2)', '{}'), ('ALTER TABLE cbe.s ADD COLUMN c4 int', '{"fill": "n * 2"}'),
  ('ALTER TABLE cbe.s ADD CHECK (s.c4 <> 4)', '{}'), ('ALTER TABLE cbe.s ADD CHECK (c4 IS NOT NULL OR c1 = 1)', '{"policy": "leave"}')) s (statement, options) \g /dev/null
SELECT step, result, detail FROM sg_plan_check_details('cbe_new') WHERE check_name = 'rows' ORDER BY 1;
CALL sg_apply('cbe_new');
SELECT step, state, reason FROM schemaguard.plan_step WHERE plan = 'cbe_new' AND kind = 'check' ORDER BY 1;
-- a policy set that a step about another table does not change
CREATE TABLE cbe.at (id int, at int) PARTITION BY RANGE (at);
CREATE TABLE cbe.at1 PARTITION OF cbe.at FOR VALUES FROM (0) TO (10);
CREATE TABLE cbe.at2 PARTITION OF cbe.at FOR VALUES FROM (10) TO (99);
INSERT INTO cbe.at SELECT g, g FROM generate_series(1, 20) g;
SELECT sg_plan_create('cbe_set') \g /dev/null
SELECT sg_plan_add('cbe_set', statement, options::jsonb) FROM (VALUES ('ALTER TABLE cbe.s ADD CHECK (n < 10)', '{}'),
  ('ALTER TABLE cbe.at ADD CONSTRAINT at5 CHECK (at >= 5)', '{"policy": "set", "child_columns": "at", "fill": "50"}')) s (statement, options) \g /dev/null
SELECT step, result, detail FROM sg_plan_check_details('cbe_set', verify => 'full') WHERE check_name = 'set' ORDER BY 1;
-- a table that takes the name of another one, whose column is renamed before
SELECT sg_plan_create('cbe_named') \g /dev/null
SELECT sg_plan_add('cbe_named', statement) FROM unnest(ARRAY['ALTER TABLE cbe.s RENAME COLUMN n TO nn', 'ALTER TABLE cbe.s RENAME TO s_old',
  'CREATE TABLE cbe.s (id int PRIMARY KEY, n int)']) statement \g /dev/null
SELECT step, result, check_name, detail FROM sg_plan_check_details('cbe_named', verify => 'full') WHERE result <> 'ok' ORDER BY 1;
CALL sg_apply('cbe_named');
-- steps about a table that is dropped and made anew with other columns
SELECT sg_plan_create('cbe_anew') \g /dev/null
SELECT sg_plan_add('cbe_anew', statement) FROM unnest(ARRAY['DROP TABLE cbe.s', 'CREATE TABLE cbe.s (id int PRIMARY KEY, w int)', 'ALTER TABLE cbe.s ADD CHECK (w > 0)',
  'CREATE INDEX s_w ON cbe.s (w)', 'ALTER TABLE cbe.s ALTER w SET NOT NULL']) statement \g /dev/null
SELECT sg_plan_add_rows('cbe_anew', 'cbe.s', '[{"id": 1, "w": 2}]') \g /dev/null
SELECT step, result, check_name, detail FROM sg_plan_check_details('cbe_anew', verify => 'full') WHERE result <> 'ok' AND step > 1 ORDER BY 1;
CALL sg_apply('cbe_anew');
SELECT state, count(*) FROM schemaguard.plan_step WHERE plan = 'cbe_anew' GROUP BY 1;
CALL sg_prune(now(), 'attic');
SELECT count(sg_plan_drop(name, force => true)) FROM schemaguard.plan WHERE name IN ('cbe_wait', 'cbe_good', 'cbe_meet', 'cbe_after', 'cbe_ruled', 'cbe_new', 'cbe_set', 'cbe_named', 'cbe_anew');
DELETE FROM schemaguard.quarantine WHERE plan = 'cbe_good';
DROP SCHEMA cbe CASCADE;
-- tests behind this one count what they read
VACUUM (FULL, ANALYZE) schemaguard.plan_step;
