-- Indexes on the child's columns: which one serves a key, which are built, and what they are called
-- rooms: deploy
\set VERBOSITY terse
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS schemaguard;
CREATE SCHEMA ix;
SET search_path = ix, public;
-- one at a time, so that notices come in one order
SET schemaguard.workers = 1;
CREATE VIEW log AS
  SELECT step, action, phase, object, statement, sqlstate, message FROM schemaguard.audit_log
  WHERE plan = 'ix' AND action IN ('index', 'drop index') ORDER BY id;

-- What deployment would build for one key; nothing where an index serves
CREATE FUNCTION missing(child text, columns text[], parent text, parent_columns text[] DEFAULT NULL) RETURNS SETOF text
LANGUAGE plpgsql AS $$
BEGIN
  PERFORM sg_plan_create('one', replace => true);
  PERFORM sg_plan_add_fk('one', child, columns, parent, parent_columns);
  RETURN QUERY SELECT s FROM sg_plan_sql('one') s WHERE s LIKE '%INDEX%' OR s LIKE '%gets no index%';
  PERFORM sg_plan_drop('one');
END$$;
-- With one index on the child, which is dropped again.  Where it is said to serve, the planner has to use it for what
-- the server asks when a parent row goes.
CREATE FUNCTION serves(definition text, columns text[] DEFAULT '{a}', parent text DEFAULT 'p', parent_columns text[] DEFAULT NULL)
RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE
  served boolean;
  line text;
  used boolean := false;
BEGIN
  EXECUTE format('CREATE %s', replace(definition, 'INDEX', 'INDEX tried'));
  served := NOT EXISTS (SELECT FROM missing('c', columns, parent, parent_columns));
  IF served THEN
    SET LOCAL enable_seqscan = off;
    FOR line IN EXECUTE 'EXPLAIN (COSTS OFF) SELECT 1 FROM ONLY c WHERE ' ||
      (SELECT string_agg(format('(SELECT %I FROM %I LIMIT 1) = c.%I', q, parent, k), ' AND ')
       FROM unnest(columns, coalesce(parent_columns, '{id}')) AS u (k, q)) LOOP
      used := used OR line ~ ' tried\y';
    END LOOP;
    ASSERT used, definition;
    RESET enable_seqscan;
  END IF;
  DROP INDEX tried;
  RETURN served;
END$$;

CREATE TABLE p (id int PRIMARY KEY, big bigint UNIQUE, word text UNIQUE, num numeric UNIQUE, a int, b int, UNIQUE (a, b));
CREATE TABLE c (id int PRIMARY KEY, a int, b int, big bigint, word text, v varchar(10), x int);
SELECT missing('c', '{a}', 'p');
SELECT d AS definition, serves(d) FROM unnest(ARRAY[
  'INDEX ON c (a)', 'INDEX ON c (a, b)', 'INDEX ON c (b, a)', 'INDEX ON c (a) INCLUDE (b)', 'INDEX ON c (b) INCLUDE (a)',
  'UNIQUE INDEX ON c (a)', 'INDEX ON c (a DESC NULLS LAST)', 'INDEX ON c USING hash (a)', 'INDEX ON c USING hash (b)',
  'INDEX ON c USING brin (a)', 'INDEX ON c ((a + 0))', 'INDEX ON c ((a + 0), a)', 'INDEX ON c (a, (b + 0))',
  'INDEX ON c (a) WHERE a IS NOT NULL', 'INDEX ON c (a) WHERE b IS NOT NULL', 'INDEX ON c (a) WHERE a IS NULL',
  'INDEX ON c (a) WHERE a > 0', 'INDEX ON c (a) WHERE a IS NOT NULL AND b = 1']) d;
-- several columns: the leading ones as a set
SELECT d AS definition, serves(d, '{a,b}', 'p', '{a,b}') FROM unnest(ARRAY[
  'INDEX ON c (a, b)', 'INDEX ON c (b, a)', 'INDEX ON c (b, a, x)', 'INDEX ON c (a, x, b)', 'INDEX ON c (x, a, b)',
  'INDEX ON c (a)', 'INDEX ON c (a) INCLUDE (b)', 'INDEX ON c (a, b) WHERE a IS NOT NULL AND b IS NOT NULL',
  'INDEX ON c (b, a) WHERE b IS NOT NULL', 'INDEX ON c (a, b) WHERE x IS NOT NULL']) d;
SELECT missing('c', '{b,a}', 'p', '{b,a}');
-- operators and collations
SELECT d AS definition, serves(d, '{word}', 'p', '{word}') FROM unnest(ARRAY[
  'INDEX ON c (word)', 'INDEX ON c (word text_pattern_ops)', 'INDEX ON c (word COLLATE "C")', 'INDEX ON c USING hash (word)',
  'INDEX ON c (lower(word))']) d;
SELECT serves('INDEX ON c (v)', '{v}', 'p', '{word}') AS varchar_to_text,
       serves('INDEX ON c (a)', '{a}', 'p', '{big}') AS int_to_bigint,
       serves('INDEX ON c (a)', '{a}', 'p', '{num}') AS int_to_numeric;
SELECT missing('c', '{a}', 'p', '{num}');
-- an index that is not valid serves nobody; one of another table neither
CREATE INDEX tried ON c (a);
UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'tried'::regclass;
SELECT missing('c', '{a}', 'p');
DROP INDEX tried;
CREATE INDEX ON p (a);
SELECT missing('c', '{a}', 'p');
-- the primary key is an index, too
SELECT missing('c', '{id}', 'p');
-- what is planned for one key serves others; names that are taken are passed over
CREATE TABLE named (a int, b int, a_b int);
CREATE VIEW named_a_idx AS SELECT 1;
SELECT sg_plan_create('ix');
SELECT sg_plan_add_fk('ix', 'named', '{a,b}', 'p', '{a,b}', fk_name => 'k1', priority => 'high'),
       sg_plan_add_fk('ix', 'named', '{a}', 'p', fk_name => 'k2'),
       sg_plan_add_fk('ix', 'named', '{b}', 'p', fk_name => 'k3'),
       sg_plan_add_fk('ix', 'named', '{a_b}', 'p', fk_name => 'k4', priority => 'low'),
       sg_plan_add_fk('ix', 'named', '{b,a}', 'p', '{a,b}', fk_name => 'k5');
SELECT s FROM sg_plan_sql('ix') s WHERE s LIKE '%INDEX%';
SELECT sg_plan_set('ix', '{1}', '{"index": false}');
SELECT s FROM sg_plan_sql('ix') s WHERE s LIKE '%INDEX%';
RESET client_min_messages;

-- none: the statement is told; nothing is logged
SET schemaguard.workers = 0;
CALL sg_add_fks('ix', validate => false);
TABLE log;
-- the next call builds what is missing, though the keys are there
SET schemaguard.workers = 1;
CALL sg_add_fks('ix');
SELECT indexrelid::regclass, indisvalid FROM pg_index WHERE indrelid = 'named'::regclass
ORDER BY indexrelid::regclass::text COLLATE "C";
TABLE log;
SELECT max(id) AS last FROM schemaguard.audit_log \gset
CALL sg_add_fks('ix');
SELECT count(*) FROM schemaguard.audit_log WHERE id > :last;

-- no index serves: that is said until the key is valid
SET client_min_messages = warning;
SELECT sg_plan_create('ix', replace => true);
SELECT sg_plan_add_fk('ix', 'c', '{a}', 'p', '{num}', fk_name => 'converted');
RESET client_min_messages;
CALL sg_add_fks('ix');
CALL sg_add_fks('ix');

-- names in need of quotes; settings and role of the session are the worker's
SET client_min_messages = warning;
CREATE SCHEMA "We""ird.S";
CREATE TABLE "We""ird.S"."T a" ("id;drop" int PRIMARY KEY, "up""per" int);
CREATE ROLE regress_sg_builder;
SELECT sg_grant('regress_sg_builder') \g /dev/null
GRANT USAGE, CREATE ON SCHEMA "We""ird.S" TO regress_sg_builder;
ALTER TABLE "We""ird.S"."T a" OWNER TO regress_sg_builder;
SELECT sg_plan_create('ix', replace => true);
SELECT sg_plan_add_fk('ix', '"We""ird.S"."T a"', ARRAY['up"per'], '"We""ird.S"."T a"');
SELECT max(id) AS last FROM schemaguard.audit_log \gset
RESET client_min_messages;
SET ROLE regress_sg_builder;
CALL sg_add_fks('ix');
RESET ROLE;
SELECT relname, relowner::regrole FROM pg_class WHERE relnamespace = '"We""ird.S"'::regnamespace ORDER BY 1;
SELECT DISTINCT role, action, object, statement FROM schemaguard.audit_log WHERE id > :last AND action = 'index' AND phase = 'done';
-- a session user who may not log in, a role, settings, event triggers
SET client_min_messages = warning;
CREATE ROLE regress_sg_nologin NOLOGIN;
GRANT regress_sg_builder TO regress_sg_nologin;
GRANT USAGE ON SCHEMA ix TO regress_sg_nologin, regress_sg_builder;
CREATE TABLE "We""ird.S".first (id int PRIMARY KEY, r int);
CREATE TABLE "We""ird.S".second (id int PRIMARY KEY, r int);
ALTER TABLE "We""ird.S".first OWNER TO regress_sg_builder;
ALTER TABLE "We""ird.S".second OWNER TO regress_sg_builder;
CREATE FUNCTION tell() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN
  -- which needs a snapshot
  RAISE NOTICE '% by % of %: %, %', TG_TAG, current_user, session_user, current_setting('my.setting'), current_setting('search_path');
END$$;
GRANT EXECUTE ON FUNCTION tell() TO PUBLIC;
SELECT sg_plan_create('second');
SELECT sg_plan_add_fk('second', '"We""ird.S".first', '{r}', '"We""ird.S".second', fk_name => 'k1', orphans => 'leave'),
       sg_plan_add_fk('second', '"We""ird.S".second', '{r}', '"We""ird.S".first', fk_name => 'k2', index => false, orphans => 'leave');
CREATE EVENT TRIGGER tell ON ddl_command_end EXECUTE FUNCTION tell();
SET SESSION AUTHORIZATION regress_sg_nologin;
SET ROLE regress_sg_builder;
SET my.setting = 'it''s mine';
SET schemaguard.workers = 2;
RESET client_min_messages;
CALL sg_add_fks('second', validate => false);
RESET SESSION AUTHORIZATION;
SET schemaguard.workers = 1;
DROP EVENT TRIGGER tell;
SELECT sg_plan_drop('second', force => true);

-- who may not create it has the reason, and the key without it
REVOKE CREATE ON SCHEMA "We""ird.S" FROM regress_sg_builder;
SET client_min_messages = warning;
ALTER TABLE "We""ird.S"."T a" ADD other int;
SELECT sg_plan_add_fk('ix', '"We""ird.S"."T a"', '{other}', '"We""ird.S"."T a"');
RESET client_min_messages;
SET ROLE regress_sg_builder;
CALL sg_add_fks('ix');
RESET ROLE;
SELECT max(id) AS last FROM schemaguard.audit_log \gset
SELECT phase, object, sqlstate, message FROM log WHERE phase = 'failed';
-- a table of somebody else's gets nothing
SET client_min_messages = warning;
SELECT sg_plan_create('ix', replace => true);
SELECT sg_plan_add_fk('ix', 'c', '{b}', 'p', fk_name => 'not_mine');
GRANT USAGE ON SCHEMA ix TO regress_sg_builder;
RESET client_min_messages;
SET ROLE regress_sg_builder;
CALL sg_add_fks('ix');
RESET ROLE;

-- a partition is a table like others
SET client_min_messages = warning;
CREATE TABLE parts (a int, b int) PARTITION BY LIST (b);
CREATE TABLE part1 PARTITION OF parts FOR VALUES IN (1);
CREATE INDEX ON part1 (a);
SELECT missing('part1', '{a}', 'p');
DROP INDEX part1_a_idx;
CREATE INDEX ON parts (a);
SELECT missing('part1', '{a}', 'p');

-- a call was killed when all partitions had their indexes, and no table above had one: those are made, whatever the step's state is
CREATE TABLE whole (a int, b int) PARTITION BY LIST (b);
CREATE TABLE whole_1 PARTITION OF whole FOR VALUES IN (1);
CREATE TABLE whole_2 PARTITION OF whole FOR VALUES IN (2, 3) PARTITION BY LIST (b);
CREATE TABLE whole_21 PARTITION OF whole_2 FOR VALUES IN (2);
CREATE TABLE whole_3 PARTITION OF whole FOR VALUES IN (4) PARTITION BY LIST (b);
CREATE TABLE whole_31 PARTITION OF whole_3 FOR VALUES IN (4);
SELECT sg_plan_create('ix', replace => true) \g /dev/null
SELECT sg_plan_add_fk('ix', 'whole', '{a}', 'p') \g /dev/null
CALL sg_add_fks('ix');
CREATE VIEW tree AS SELECT indrelid::regclass, indexrelid::regclass, inhparent::regclass, indisvalid FROM pg_index LEFT JOIN pg_inherits ON inhrelid = indexrelid
  WHERE indrelid::regclass::text LIKE 'whole%' ORDER BY indexrelid::regclass::text COLLATE "C";
TABLE tree;
DROP INDEX whole_a_idx;
CREATE INDEX ON whole_1 (a);
CREATE INDEX ON whole_21 (a);
-- this one is whole, and is taken over with its partition's
CREATE INDEX ON whole_3 (a);
SELECT state FROM schemaguard.plan_step WHERE plan = 'ix';
CALL sg_add_fks('ix');
TABLE tree;
-- partitions with an index of another form: none is built
DROP INDEX whole_a_idx;
CREATE INDEX ON whole_1 (a, b);
CREATE INDEX ON whole_21 (a, b);
CREATE INDEX ON whole_31 (a, b);
CALL sg_add_fks('ix');
TABLE tree;
RESET client_min_messages;

-- The name is made when the step is added, and found again by that
SET client_min_messages = warning;
CREATE TABLE once (id int PRIMARY KEY, a int, b int, c int);
CREATE INDEX once_a_idx ON once (id);
CREATE TABLE q (id int PRIMARY KEY);
SELECT sg_plan_create('ix', replace => true);
SELECT sg_plan_add_fk('ix', 'once', '{a}', 'p'), sg_plan_add_fk('ix', 'once', '{b}', 'p'), sg_plan_add_fk('ix', 'once', '{b}', 'q', fk_name => 'again'),
       sg_plan_add_fk('ix', 'once', '{c}', 'p', index => false), sg_plan_add_index('ix', 'once', 'USING hash (b)');
CREATE VIEW names AS SELECT step, fk_name, index_name FROM schemaguard.plan_step WHERE plan = 'ix' ORDER BY step;
SELECT * FROM names;
-- one that was made of columns goes with them, one that was given stays
SELECT sg_plan_set('ix', '{2}', '{"child_columns": ["id"]}'), sg_plan_set('ix', '{3}', '{"index_name": "mine"}');
SELECT * FROM names;
SELECT sg_plan_set('ix', '{2}', '{"child_columns": ["b"]}'), sg_plan_set('ix', '{3}', '{"child_columns": ["a"]}'), sg_plan_set('ix', '{3}', '{"child_columns": ["b"]}');
SELECT sg_plan_set('ix', '{5}', '{"index_name": "x"}');
SELECT * FROM names;
-- it travels
SELECT s ->> 'fk_name' AS fk_name, s ->> 'index_name' AS index_name FROM jsonb_array_elements(sg_plan_export('ix') -> 'steps') s;
-- somebody takes it; an invalid one of somebody's under that name is neither taken nor doubled
CREATE TABLE mine (id int);
SELECT sg_plan_skip('ix', '{2}', 'not now');
CREATE INDEX once_a_idx1 ON once (a);
UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'once_a_idx1'::regclass;
SELECT s FROM sg_plan_sql('ix') s WHERE s ~ 'INDEX CONC|no index';
SELECT result, hint FROM sg_plan_check_details('ix') WHERE step = 3 AND check_name = 'index';
RESET client_min_messages;
CALL sg_add_fks('ix');
SET client_min_messages = warning;
DROP INDEX once_a_idx1;
SELECT sg_plan_set('ix', '{3}', '{"index_name": "mine_2"}');
CALL sg_add_fks('ix');
SELECT indexrelid::regclass, pg_get_indexdef(indexrelid, 1, false) FROM pg_index WHERE indrelid = 'once'::regclass ORDER BY indexrelid::regclass::text COLLATE "C";

-- An invalid one of a partition would be taken over, and make the whole invalid: nothing is done, or said to be
CREATE TABLE torn (id int, a int, b int) PARTITION BY LIST (id);
CREATE TABLE torn_1 PARTITION OF torn FOR VALUES IN (1);
CREATE INDEX theirs_a ON torn_1 (a);
CREATE INDEX theirs_b ON torn_1 (b);
UPDATE pg_index SET indisvalid = false WHERE indexrelid IN ('theirs_a'::regclass, 'theirs_b'::regclass);
SELECT sg_plan_create('ix', replace => true);
SELECT sg_plan_add_index('ix', 'torn', 'USING btree (b)'), sg_plan_add_fk('ix', 'torn', '{a}', 'p');
CREATE VIEW torn_indexes AS SELECT indexrelid::regclass, indisvalid FROM pg_index WHERE indrelid IN ('torn'::regclass, 'torn_1'::regclass)
  ORDER BY indexrelid::regclass::text COLLATE "C";
\set VERBOSITY default
CALL sg_apply('ix');
TABLE torn_indexes;
SELECT step, state, reason FROM schemaguard.plan_step WHERE plan = 'ix' ORDER BY step;
DROP INDEX CONCURRENTLY ix.theirs_a;
DROP INDEX CONCURRENTLY ix.theirs_b;
CALL sg_apply('ix');
\set VERBOSITY terse
TABLE torn_indexes;

-- clean up
SET client_min_messages = warning;
SELECT sg_plan_drop('ix', force => true);
\getenv test PG_ABS_SRCDIR
\set left :test '/sql/include/left.sql'
\i :left

DROP SCHEMA ix, "We""ird.S" CASCADE;
SELECT sg_revoke('regress_sg_builder') \g /dev/null
DROP ROLE regress_sg_builder, regress_sg_nologin;
