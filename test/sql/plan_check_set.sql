-- sg_plan_check says what other rules of a table refuse of the values that a policy sets, and what is left alone for code of others
-- rooms: check plan fix change
\set VERBOSITY terse
\set SHOW_CONTEXT never
SET client_min_messages = error;
CREATE EXTENSION IF NOT EXISTS schemaguard;
CREATE SCHEMA cset;
SET search_path = cset, public;
\pset format unaligned
\pset tuples_only on

-- rows with nothing in x, which is to be NOT NULL; and orphans by p_id, which are to be set to null
CREATE TABLE p (id int PRIMARY KEY);
INSERT INTO p VALUES (1);
CREATE TABLE a_check (id int PRIMARY KEY, x int CHECK (x IS NULL OR x > 5));
CREATE TABLE a_unique (id int PRIMARY KEY, x int UNIQUE);
CREATE TABLE a_key (id int PRIMARY KEY, x int REFERENCES p);
CREATE DOMAIN d AS int CHECK (VALUE > 10);
CREATE TABLE a_domain (id int PRIMARY KEY, x d);
CREATE TABLE a_parted (id int, x int) PARTITION BY LIST (x);
CREATE TABLE a_part1 PARTITION OF a_parted FOR VALUES IN (1);
CREATE TABLE a_part2 PARTITION OF a_parted DEFAULT;
CREATE TABLE a_generated (id int PRIMARY KEY, x int, g int GENERATED ALWAYS AS (10 / x) STORED CHECK (g > 3));
CREATE TABLE a_index (id int PRIMARY KEY, x int);
CREATE INDEX ON a_index ((1 / x));
CREATE TABLE a_length (id int PRIMARY KEY, x varchar(3));
CREATE TABLE a_trigger (id int PRIMARY KEY, x int);
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no'; END $$;
CREATE TRIGGER refuse BEFORE UPDATE ON a_trigger FOR EACH ROW EXECUTE FUNCTION refuse();
SELECT format('INSERT INTO %s (id, x) VALUES (1, NULL), (2, NULL)', c.oid::regclass) FROM pg_class c
  WHERE relnamespace = 'cset'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition AND relname ~ '^a_' ORDER BY relname \gexec
INSERT INTO a_unique VALUES (3, 4);
CREATE TABLE k_check (id int PRIMARY KEY, p_id int, CHECK (id <> 1 OR p_id IS NOT NULL));
CREATE TABLE k_unique (id int PRIMARY KEY, p_id int UNIQUE NULLS NOT DISTINCT);
CREATE TABLE k_parted (id int, p_id int) PARTITION BY LIST (p_id);
CREATE TABLE k_part1 PARTITION OF k_parted FOR VALUES IN (1, 9);
CREATE TABLE k_generated (id int PRIMARY KEY, p_id int, g int GENERATED ALWAYS AS (p_id) STORED NOT NULL);
INSERT INTO k_check VALUES (1, 9), (2, 1);
INSERT INTO k_unique VALUES (1, 9), (2, NULL);
INSERT INTO k_parted VALUES (1, 9);
INSERT INTO k_generated (id, p_id) VALUES (1, 9);

-- tables of a role, with code of another one that has nothing to do with it
CREATE ROLE regress_sg_set_owner;
CREATE ROLE regress_sg_set_other;
GRANT ALL ON SCHEMA cset TO regress_sg_set_owner, regress_sg_set_other;
SET ROLE regress_sg_set_other;
CREATE FUNCTION fires() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE FUNCTION f(int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT $1';
SET ROLE regress_sg_set_owner;
CREATE TABLE o_trigger (id int PRIMARY KEY, x int);
CREATE TRIGGER fires BEFORE UPDATE ON o_trigger FOR EACH ROW EXECUTE FUNCTION fires();
CREATE TABLE o_index (id int PRIMARY KEY, x int);
CREATE INDEX ON o_index (f(x));
CREATE TABLE o_default (id int PRIMARY KEY, x int DEFAULT f(1));
CREATE TABLE o_check (id int PRIMARY KEY, x int CHECK (f(x) > 0));
CREATE VIEW o_view AS SELECT f(id) AS id FROM o_trigger;
CREATE TABLE o_parted (id int, x int) PARTITION BY RANGE (f(id));
CREATE TABLE o_plain (id int PRIMARY KEY, x int);
INSERT INTO o_trigger VALUES (1, 1);
RESET ROLE;

CREATE TABLE cases (n int GENERATED ALWAYS AS IDENTITY, step text, state text, reason text);
INSERT INTO cases (step) SELECT format($$sg_plan_add_not_null(P, 'a_%s', 'x', policy => 'set', fill => '%s')$$, t, replace(fill, '''', ''''''))
  FROM (VALUES ('check', '3'), ('check', '6'), ('check', '(SELECT max(id) FROM cset.p)'), ('unique', '3'), ('unique', '3 + id'), ('unique', '30 + id'), ('key', '3'), ('key', '1'),
    ('domain', '3'), ('domain', '13'), ('parted', '1'), ('parted', '5'), ('generated', '0'), ('generated', '9'), ('generated', '2'), ('index', '0'), ('index', '9'),
    ('length', '''abcd'''), ('length', '''abc'''), ('trigger', '9')) v (t, fill);
INSERT INTO cases (step) SELECT format($$sg_plan_add_fk(P, 'k_%s', '{p_id}', 'p', orphans => 'set null', index => false)$$, t) FROM unnest('{check,unique,parted,generated}'::text[]) t;
INSERT INTO cases (step) SELECT format('sg_plan_add_statement(P, %L)', statement) FROM unnest(ARRAY['UPDATE cset.o_trigger SET x = 2', 'DELETE FROM cset.o_trigger', 'UPDATE cset.o_index SET x = 2',
  'INSERT INTO cset.o_default (id) VALUES (9)', 'INSERT INTO cset.o_default VALUES (9, 9)', 'ALTER TABLE cset.o_check ALTER x TYPE bigint', 'ALTER TABLE cset.o_plain ADD CHECK (cset.f(x) > 0)',
  'ALTER TABLE cset.o_plain ADD COLUMN z int DEFAULT cset.f(3)', 'CREATE INDEX ON cset.o_index (id, x)', 'INSERT INTO cset.o_plain SELECT id, id FROM cset.o_view', 'DELETE FROM cset.o_parted',
  'INSERT INTO cset.o_plain VALUES (30, 30)', 'ALTER TABLE cset.o_trigger ADD COLUMN y int; UPDATE cset.o_trigger SET y = 1', 'TRUNCATE cset.o_trigger', 'ALTER TABLE cset.o_parted ADD COLUMN z int']) statement;
INSERT INTO cases (step) VALUES ($$sg_plan_add_column(P, 'o_trigger', 'z', 'int', fill => 'x')$$);
CREATE TABLE told (n int, check_name text, result text, detail text);
-- each is done where it can be, and what was set is set back
\set ECHO none
\o /dev/null
SELECT format('SELECT sg_plan_create(%L)', 'cset_' || n), 'SELECT ' || replace(step, '(P,', format('(%L,', 'cset_' || n)),
  format('INSERT INTO told SELECT %s, check_name, result, detail FROM sg_plan_check_details(%L, verify => ''full'') WHERE step = 1 AND check_name IN (''set'', ''triggers'', ''privileges'')',
    n, 'cset_' || n),
  format('CALL sg_apply(%L, fix => true)', 'cset_' || n),
  format('UPDATE cases c SET state = s.state, reason = s.reason FROM schemaguard.plan_step s WHERE plan = %L AND n = %s', 'cset_' || n, n),
  format('CALL sg_rollback_fks(%L)', 'cset_' || n), format('SELECT sg_plan_drop(%L, force => true)', 'cset_' || n),
  coalesce((SELECT format('UPDATE %s SET x = NULL WHERE id < 3', t) FROM substring(step FROM '''(a_\w+)''') t WHERE t IS NOT NULL), 'SELECT')
FROM cases ORDER BY n \gexec
\o
\set ECHO all
SELECT concat_ws('|', n, state, (SELECT string_agg(concat_ws(': ', check_name, result, detail), ', ' ORDER BY check_name, detail) FROM told t WHERE t.n = c.n), step) FROM cases c ORDER BY n;
-- what was blocked has failed; what failed was told, and for code in the same words
SELECT n FROM cases c WHERE state = 'validated' AND EXISTS (SELECT FROM told t WHERE t.n = c.n AND result = 'block')
  OR state <> 'validated' AND NOT EXISTS (SELECT FROM told t WHERE t.n = c.n AND result <> 'ok');
SELECT n, reason FROM cases c WHERE EXISTS (SELECT FROM told t WHERE t.n = c.n AND check_name = 'privileges' AND detail <> reason);
DROP SCHEMA cset CASCADE;
DROP ROLE regress_sg_set_owner, regress_sg_set_other;
