-- sg_plan_add(): what becomes of one statement, at what cost
-- rooms: plan script
\set VERBOSITY default
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS schemaguard;
CREATE SCHEMA plan_add;
SET search_path = plan_add, public;
CREATE TABLE customer (id int PRIMARY KEY, phone text);
CREATE TABLE purchase (id int PRIMARY KEY, customer_id int CONSTRAINT purchase_customer REFERENCES customer, amount int);
CREATE VIEW phones AS SELECT phone FROM customer;
CREATE TYPE ordered AS (id int);
CREATE FUNCTION clean(text) RETURNS text LANGUAGE sql IMMUTABLE AS 'SELECT $1';
SET client_min_messages = notice;

-- names that the search_path finds get their schema: a plan runs with pg_catalog alone
SELECT sg_plan_create('named');
SELECT sg_plan_add('named', 'UPDATE customer SET phone = clean(phone) FROM purchase p WHERE p.customer_id = customer.id');
SELECT sg_plan_add('named', 'WITH purchase AS (SELECT 1 AS id) DELETE FROM customer USING purchase WHERE customer.id = purchase.id');
SELECT sg_plan_add('named', 'INSERT INTO "customer" (id) SELECT max(id) FROM ONLY purchase /* a comment stays */');
SELECT sg_plan_add('named', 'GRANT SELECT ON customer, purchase TO PUBLIC');
SELECT sg_plan_add('named', 'TRUNCATE purchase');
SELECT sg_plan_add('named', 'COMMENT ON COLUMN customer.phone IS $$customer$$');
SELECT sg_plan_add('named', 'COMMENT ON TABLE Customer IS NULL');
SELECT sg_plan_add('named', 'ALTER TABLE customer ENABLE ROW LEVEL SECURITY');
SELECT sg_plan_add('named', 'CREATE POLICY own ON customer USING (id IN (SELECT customer_id FROM purchase))');
SELECT sg_plan_add('named', 'CREATE VIEW large AS SELECT * FROM purchase WHERE amount > 100');
SELECT sg_plan_add('named', 'CREATE TABLE detail (purchase_id int REFERENCES purchase, LIKE customer)');
SELECT sg_plan_add('named', 'REINDEX TABLE customer');
SELECT sg_plan_add('named', 'DROP TABLE customer, purchase CASCADE');
SELECT sg_plan_add('named', 'ALTER TABLE customer DROP CONSTRAINT customer_pkey CASCADE');
SELECT sg_plan_add('named', 'SECURITY LABEL ON TABLE customer IS NULL');
SELECT sg_plan_add('named', 'ALTER TABLE purchase OF ordered');
SELECT step, fk_name, definition FROM schemaguard.plan_step WHERE plan = 'named' ORDER BY step;

-- what a transaction can't hold runs outside of one
SELECT sg_plan_create('outside');
SELECT sg_plan_add('outside', 'VACUUM (ANALYZE) customer');
SELECT sg_plan_add('outside', 'ANALYZE customer');
SELECT sg_plan_add('outside', 'REINDEX INDEX CONCURRENTLY customer_pkey');
SELECT sg_plan_add('outside', 'DROP INDEX CONCURRENTLY nowhere');
SELECT sg_plan_add_statement('outside', 'VACUUM plan_add.purchase');
SELECT sg_plan_add_statement('outside', 'VACUUM plan_add.purchase; ANALYZE plan_add.purchase');
SELECT step, definition, outside FROM schemaguard.plan_step WHERE plan = 'outside' ORDER BY step;
CALL sg_apply('outside', steps => '{1,2,3,5}');

-- a drop of what need not be there is no mistake, and stays none when options are set
SELECT sg_plan_create('perhaps');
SELECT sg_plan_add('perhaps', 'DROP TABLE IF EXISTS nowhere', '{"priority": "low"}');
SELECT sg_plan_add('perhaps', 'ALTER TABLE customer DROP COLUMN IF EXISTS nowhere');
SELECT sg_plan_add('perhaps', 'ALTER TABLE customer DROP COLUMN elsewhere');
SELECT sg_plan_set('perhaps', '{2}', '{"priority": "high"}');
SELECT step, result, object, check_name FROM sg_plan_check('perhaps');
CALL sg_apply('perhaps', fail => false);

-- names that a statement has are no values
SELECT sg_plan_create('wrong');
SELECT sg_plan_add_statement('wrong', 'TRUNCATE plan_add.nowhere');
SELECT sg_plan_add_statement('wrong', 'UPDATE plan_add.customer SET phone = ($$a_value$$ || id)::regclass::text WHERE id = 1');
INSERT INTO customer VALUES (1);
CALL sg_apply('wrong', fail => false);
SELECT step, state, reason FROM schemaguard.plan_step WHERE plan = 'wrong' ORDER BY step;

-- a step costs the same however many the plan has: others than those with its name are not read, or one that can't be read would fail it
SELECT sg_plan_create('many');
SELECT sg_plan_add('many', 'ALTER TABLE customer ADD zero int'), sg_plan_add('many', 'COMMENT ON TABLE customer IS NULL');
BEGIN;
ALTER TABLE schemaguard.plan_step DROP CONSTRAINT plan_step_state_check;
UPDATE schemaguard.plan_step SET state = 'unreadable' WHERE plan = 'many' AND step = 1;
SELECT sg_plan_add('many', 'ALTER TABLE customer ADD one int'), sg_plan_add('many', 'COMMENT ON TABLE customer IS NULL'),
       sg_plan_add('many', 'ALTER TABLE customer ADD two int', '{"priority": "low"}'), sg_plan_add_fk('many', 'purchase', 'customer_id', 'customer');
SELECT sg_plan_steps('many');
ROLLBACK;

-- what an earlier step makes, or gives its name, is there to be dropped
SET client_min_messages = notice;
SELECT sg_plan_create('renamed');
SELECT sg_plan_add('renamed', 'ALTER TABLE customer RENAME COLUMN phone TO mobile');
SELECT sg_plan_add('renamed', 'ALTER TABLE customer DROP COLUMN mobile', '{"after": "phone"}');
SELECT sg_plan_add('renamed', 'ALTER TABLE purchase ADD short_lived int');
SELECT sg_plan_add('renamed', 'ALTER TABLE purchase DROP COLUMN short_lived', '{"after": "3"}');
SELECT sg_plan_add_drop('renamed', 'table', 'purchase', after => '4');
DROP VIEW phones;
-- an index, too
CREATE INDEX purchase_by_customer ON purchase (customer_id);
SELECT sg_plan_add('renamed', 'ALTER INDEX purchase_by_customer RENAME TO purchase_customer_idx');
SELECT sg_plan_sql('renamed');
CALL sg_apply('renamed', steps => '{1,2,3,4}');
CALL sg_rollback_fks('renamed');

-- the last line of a plan with many steps says what has become of rows, and what a rollback leaves
INSERT INTO customer SELECT generate_series(2, 4);
ALTER TABLE purchase DROP CONSTRAINT purchase_customer;
INSERT INTO purchase SELECT g, g FROM generate_series(1, 7) g;
SELECT sg_plan_create('long');
SELECT sg_plan_add_fk('long', 'purchase', 'customer_id', 'customer', orphans => 'delete');
SELECT count(sg_plan_add('long', format('ALTER TABLE customer ADD c%s int', g))) FROM generate_series(1, 20) g;
SELECT sg_plan_add_drop('long', 'column', 'customer', 'phone', keep => false);
CALL sg_apply('long', fix => true);
CALL sg_rollback_fks('long');

-- what goes without being named
SELECT sg_plan_create('loss');
SET client_min_messages = warning;
CREATE TABLE plan_add.lost (id int PRIMARY KEY, note text, mail text CHECK (mail <> note));
CREATE TABLE plan_add.lost_part (lost_id int CONSTRAINT lost_part_fk REFERENCES plan_add.lost, id int PRIMARY KEY);
CREATE TABLE plan_add.lost_bit (part_id int REFERENCES plan_add.lost_part);
CREATE VIEW plan_add.lost_seen AS SELECT id, note FROM plan_add.lost;
CREATE VIEW plan_add.lost_deep AS SELECT id FROM plan_add.lost_seen;
CREATE MATERIALIZED VIEW plan_add.lost_kept AS SELECT id FROM plan_add.lost_deep;
CREATE SCHEMA plan_add_lost CREATE TABLE a (id int PRIMARY KEY) CREATE TABLE b (a_id int REFERENCES plan_add_lost.a);
CREATE TABLE plan_add.lost_typed (a text, b text);
INSERT INTO plan_add.lost VALUES (1, 'a', 'b'), (2, 'a', NULL);
INSERT INTO plan_add.lost_typed SELECT g, g FROM generate_series(1, 5) g;
INSERT INTO plan_add_lost.a VALUES (1), (2), (3);
RESET client_min_messages;
SELECT sg_plan_add_statement('loss', x) FROM unnest(ARRAY['TRUNCATE plan_add.lost CASCADE', 'TRUNCATE plan_add.lost_bit', 'DROP VIEW plan_add.lost_kept',
    'ALTER TABLE plan_add.lost DROP COLUMN mail CASCADE', 'ALTER TABLE plan_add.lost DROP COLUMN note CASCADE', 'ALTER TABLE plan_add.lost DROP CONSTRAINT lost_pkey CASCADE',
    'DROP TABLE plan_add.lost CASCADE', 'DROP TYPE plan_add.nothing, plan_add.lost CASCADE', 'DROP SCHEMA plan_add_lost CASCADE', 'DROP FUNCTION plan_add.f() CASCADE',
    'ALTER TABLE plan_add.lost_typed ALTER a TYPE int USING 0', 'DELETE FROM plan_add.lost_typed WHERE b > ''3''', 'UPDATE plan_add.lost_typed SET b = b || b',
    'WITH gone AS (DELETE FROM plan_add.lost_typed WHERE b = ''11'' RETURNING b) INSERT INTO plan_add.lost_typed (b) SELECT b FROM gone', 'ALTER TABLE plan_add.lost_typed DROP COLUMN b CASCADE']) x \g /dev/null
SELECT step, result, detail FROM sg_plan_check_details('loss') WHERE check_name = 'loss' ORDER BY step;
-- a step in its place keeps what one table or column has
SELECT step, hint FROM sg_plan_check_details('loss') WHERE check_name = 'loss' AND result = 'warn' AND step IN (7, 15);
-- and is told when it has gone
SELECT sg_plan_skip('loss', '{1,2,3,4,5,6,8,10}', 'not now') \g /dev/null
CALL sg_apply('loss');
SELECT step, reason FROM schemaguard.plan_step WHERE plan = 'loss' AND state = 'validated' ORDER BY step;
-- values that another type changes, by which statements do so
SELECT sg_plan_create('narrow');
CREATE TABLE plan_add.narrow (a numeric(8, 4), b numeric(8, 4), c timestamptz, d float8, e bigint, f bigint, g text);
INSERT INTO plan_add.narrow SELECT 1 + g / 1000.0, g, '2026-11-27 11:40:15+00', g + 0.5, g, g, g || repeat(' ', g / 10) FROM generate_series(0, 10) g;
SELECT sg_plan_add('narrow', 'ALTER TABLE plan_add.narrow ALTER ' || x) FROM unnest('{a TYPE numeric(8\,2),b TYPE numeric(12\,6),c TYPE date,d TYPE int,e TYPE int,f TYPE numeric,g TYPE char(5)}'::text[]) x \g /dev/null
SELECT step, result, detail, hint FROM sg_plan_check_details('narrow') WHERE check_name = 'loss' ORDER BY step;
CALL sg_apply('narrow');
SELECT rows_deleted, rows_changed, values_gone, uncounted FROM schemaguard.plan_summary WHERE plan = 'narrow';
SELECT verdict, actual, reason FROM schemaguard.sg_go_rules('narrow') WHERE metric = 'rows gone or changed';
-- no undo brings back what a cast lets go; what an expression computes, its author may compute back
SELECT sg_plan_create('cast');
CREATE TYPE plan_add.hue AS ENUM ('sad', 'glad');
CREATE TYPE plan_add.tone AS ENUM ('glad', 'sad');
CREATE TABLE plan_add.cast_back (a numeric(8, 4), b text, c json, d plan_add.hue, e numeric, f timestamptz, g text, h int);
INSERT INTO plan_add.cast_back SELECT 1 + g / 1000.0, 'word ' || g, '{"b": 1, "a": 2}', 'sad', g / 2.0, '2026-11-27 11:40:15+00', g, g FROM generate_series(0, 10) g;
SELECT sg_plan_add('cast', format('ALTER TABLE plan_add.cast_back ALTER %s TYPE %s', c, x), jsonb_build_object('undo', format('ALTER TABLE plan_add.cast_back ALTER %s TYPE %s', c, u)))
FROM (VALUES ('a', 'numeric(8,2) USING a::numeric(8,2)', 'numeric(8,4)'), ('b', 'varchar(6) USING CAST(cast_back.b AS varchar(6))', 'text'), ('c', 'jsonb USING c::jsonb', 'json'),
    ('d', 'plan_add.tone USING d::text::plan_add.tone', 'plan_add.hue USING d::text::plan_add.hue'), ('e', 'numeric(8,1) USING e::numeric(8,1)', 'numeric'),
    ('f', 'time USING f::time', 'timestamptz USING ''2026-11-27''::date + f'), ('g', 'int USING g::int', 'text'), ('h', 'int USING h / 2', 'int USING h * 2')) v (c, x, u) \g /dev/null
SELECT step, result, detail FROM sg_plan_check_details('cast') WHERE check_name = 'loss' ORDER BY step;
CALL sg_apply('cast', max_rows => 20);
-- queries behind what makes their tables and columns, in one step
SELECT sg_plan_create('behind');
SELECT sg_plan_add_statement('behind', x) FROM unnest(ARRAY['CREATE TABLE plan_add.copied (LIKE plan_add.narrow); INSERT INTO plan_add.copied SELECT * FROM plan_add.narrow',
    'ALTER TABLE plan_add.narrow ADD h int; UPDATE plan_add.narrow SET h = e', 'CREATE TABLE plan_add.copy_2 (id int); INSERT INTO plan_add.copy_2 SELECT e FROM plan_add.narow']) x \g /dev/null
SELECT step, result, detail FROM sg_plan_check_details('behind') WHERE check_name = 'names' ORDER BY step;
CALL sg_apply('behind');
SELECT (SELECT count(*) FROM plan_add.copied) AS copied, (SELECT count(h) FROM plan_add.narrow) AS filled, to_regclass('plan_add.copy_2');
-- max_rows is about statements and drops as well; those before count
SELECT sg_plan_create('limit');
SELECT sg_plan_add('limit', x) FROM unnest(ARRAY['DELETE FROM plan_add.narrow WHERE e < 4', 'UPDATE plan_add.narrow SET h = 0', 'TRUNCATE plan_add.copied']) x \g /dev/null
CALL sg_apply('limit', max_rows => 5);
CALL sg_apply('limit', max_rows => 18, steps => '{2,3}');
SELECT count(*), sum(h), (SELECT count(*) FROM plan_add.copied) AS copied FROM plan_add.narrow;
-- what goes with a role, a type, a domain, an extension or an attribute
SELECT sg_plan_create('owned');
SET client_min_messages = warning;
CREATE ROLE regress_sg_owned;
GRANT CREATE, USAGE ON SCHEMA plan_add TO regress_sg_owned;
SET ROLE regress_sg_owned;
CREATE TABLE plan_add.owned AS SELECT g AS id, g || 'a' AS note FROM generate_series(1, 7) g;
CREATE VIEW plan_add.owned_seen AS SELECT id FROM plan_add.owned;
RESET ROLE;
CREATE TYPE plan_add.mood AS ENUM ('sad', 'glad');
CREATE DOMAIN plan_add.code AS int;
CREATE TYPE plan_add.pair AS (a int, b plan_add.code);
CREATE EXTENSION citext SCHEMA plan_add;
CREATE TABLE plan_add.moody (id int, mood plan_add.mood, moods plan_add.mood[], pair plan_add.pair, pairs plan_add.pair[], name plan_add.citext);
CREATE TABLE plan_add.moody_part (more plan_add.mood) INHERITS (plan_add.moody);
CREATE TABLE plan_add.paired OF plan_add.pair;
INSERT INTO plan_add.moody SELECT g, 'sad', '{glad}', (g, NULLIF(g, 2))::plan_add.pair, '{}', 'x' FROM generate_series(1, 2) g;
INSERT INTO plan_add.moody_part VALUES (3, 'sad', NULL, NULL, NULL, NULL, 'glad');
INSERT INTO plan_add.paired VALUES (1, 1), (2, 2);
CREATE FOREIGN DATA WRAPPER regress_sg_wrapper;
CREATE SERVER regress_sg_server FOREIGN DATA WRAPPER regress_sg_wrapper;
CREATE TABLE plan_add.elsewhere (id int) PARTITION BY LIST (id);
CREATE FOREIGN TABLE plan_add.elsewhere_1 PARTITION OF plan_add.elsewhere FOR VALUES IN (1) SERVER regress_sg_server;
RESET client_min_messages;
SELECT sg_plan_add_statement('owned', x) FROM unnest(ARRAY['DROP OWNED BY regress_sg_owned', 'DROP TYPE plan_add.mood CASCADE',
    'DROP EXTENSION citext CASCADE', 'ALTER TYPE plan_add.pair DROP ATTRIBUTE b CASCADE', 'DROP DOMAIN plan_add.code CASCADE', 'DROP OWNED BY regress_sg_owned CASCADE', 'DROP TABLE plan_add.elsewhere CASCADE']) x \g /dev/null
SELECT step, result, detail, split_part(hint, E'\n', 1) AS hint FROM sg_plan_check_details('owned') WHERE check_name = 'loss' ORDER BY step, detail;
-- a fill that reads it comes first, whatever the numbers
SELECT sg_plan_add_column('owned', 'moody', 'felt', 'text', fill => 'mood::text') \g /dev/null
-- what nobody can count is more than any limit
CALL sg_apply('owned', steps => '{7}', max_rows => 1000);
SET client_min_messages = warning;
CALL sg_apply('owned');
RESET client_min_messages;
SELECT id, felt FROM plan_add.moody ORDER BY id;
SELECT rows_deleted, rows_changed, values_gone, uncounted FROM schemaguard.plan_summary WHERE plan = 'owned';
SELECT verdict, actual, reason FROM schemaguard.sg_go_rules('owned') WHERE metric = 'rows gone or changed';
-- and is compared first
CREATE DOMAIN plan_add.word AS text;
CREATE TABLE plan_add.worded AS SELECT g AS id, (g || 'a')::plan_add.word AS word FROM generate_series(1, 3) g;
SELECT sg_plan_create('words');
SELECT sg_plan_add_column('words', 'moody', 'word', 'text', fill => '(SELECT w.word FROM plan_add.worded w WHERE w.id = moody.id)') \g /dev/null
SELECT sg_plan_add_statement('words', 'DROP DOMAIN plan_add.word CASCADE', phase => 'late') \g /dev/null
CALL sg_apply('words');
UPDATE plan_add.worded SET word = 'lost' WHERE id = 2;
SELECT sg_plan_release('words', 'late') \g /dev/null
CALL sg_apply('words');
SELECT string_agg(word, ',' ORDER BY id) FROM plan_add.worded;
SELECT sg_plan_release('words', 'fill') \g /dev/null
DROP FOREIGN DATA WRAPPER regress_sg_wrapper CASCADE;
DROP OWNED BY regress_sg_owned;
DROP ROLE regress_sg_owned;
-- rows that foreign keys, WITH, ON CONFLICT and MERGE take along
SELECT sg_plan_create('taken');
CREATE TABLE plan_add.above (id int PRIMARY KEY, code text UNIQUE);
CREATE TABLE plan_add.below (id int PRIMARY KEY, above_id int REFERENCES plan_add.above ON DELETE CASCADE);
CREATE TABLE plan_add.deeper (below_id int REFERENCES plan_add.below ON DELETE SET NULL, code text REFERENCES plan_add.above (code) ON UPDATE CASCADE);
CREATE TABLE plan_add.listed (id int, day int) PARTITION BY LIST (day);
CREATE TABLE plan_add.listed_1 PARTITION OF plan_add.listed FOR VALUES IN (1);
CREATE TABLE plan_add.listed_2 PARTITION OF plan_add.listed FOR VALUES IN (2);
INSERT INTO plan_add.above SELECT g, 'c' || g FROM generate_series(1, 5) g;
INSERT INTO plan_add.below SELECT g, 1 + g % 5 FROM generate_series(1, 50) g;
INSERT INTO plan_add.deeper SELECT g, 'c5' FROM generate_series(1, 50) g;
INSERT INTO plan_add.listed SELECT g, 1 FROM generate_series(1, 5) g;
SELECT sg_plan_add_statement('taken', x) FROM unnest(ARRAY['DELETE FROM plan_add.above WHERE id < 3', 'UPDATE plan_add.above SET code = ''new'' WHERE id = 5',
    'WITH d AS (DELETE FROM plan_add.listed WHERE id = 1 RETURNING id) INSERT INTO plan_add.above SELECT 10 + id FROM d', 'UPDATE plan_add.listed SET day = 2 WHERE id > 2',
    'INSERT INTO plan_add.above VALUES (3) ON CONFLICT (id) DO UPDATE SET code = ''c3''']) x \g /dev/null
SELECT step, result, detail FROM sg_plan_check_details('taken') WHERE check_name = 'loss' ORDER BY step, detail;
CALL sg_apply('taken');
SELECT rows_deleted, rows_changed FROM schemaguard.plan_summary WHERE plan = 'taken';
-- what several tables, TRUNCATE and a schema would lose, the steps of their hints keep
SELECT sg_plan_create('kept');
CREATE TABLE plan_add.kept_a AS SELECT g FROM generate_series(1, 3) g;
CREATE TABLE plan_add.kept_b AS SELECT g FROM generate_series(1, 2) g;
CREATE TABLE plan_add.kept_c (g int, twice int GENERATED ALWAYS AS (g * 2) STORED);
INSERT INTO plan_add.kept_c SELECT g FROM generate_series(1, 4) g;
CREATE SCHEMA "plan_add O'Kept" CREATE TABLE a (id int);
INSERT INTO "plan_add O'Kept".a VALUES (1);
SELECT sg_plan_add('kept', x) FROM unnest(ARRAY['DROP TABLE plan_add.kept_a, plan_add.kept_b', 'TRUNCATE plan_add.kept_c', 'DROP SCHEMA "plan_add O''Kept" CASCADE']) x \g /dev/null
SELECT step, hint FROM sg_plan_check_details('kept') WHERE check_name = 'loss' ORDER BY step, detail;
SELECT split_part(hint, E'\n', 2) AS keep FROM sg_plan_check_details('kept') WHERE hint LIKE 'In its place%' ORDER BY step \gexec
-- what the plan makes first is looked at then, and what it copies is not copied twice
SELECT step, check_name, result, detail, hint FROM sg_plan_check_details('kept') WHERE step > 0 AND (result <> 'ok' OR check_name = 'loss') ORDER BY step, check_name;
CALL sg_apply('kept');
SELECT (SELECT count(*) FROM plan_add.kept_c) AS left, (SELECT sum(twice) FROM plan_add.kept_c_kept) AS copied, (SELECT count(*) FROM "plan_add O'Kept_kept".a) AS renamed;
CALL sg_rollback_fks('kept');
SELECT (SELECT count(*) FROM plan_add.kept_a) AS a, (SELECT count(*) FROM plan_add.kept_b) AS b, (SELECT count(*) FROM "plan_add O'Kept".a) AS back;
-- as they stand, they say what is gone; and a rollback that gets no further says what does
SELECT sg_plan_create('gone');
INSERT INTO plan_add.kept_c SELECT 1;
SELECT sg_plan_add('gone', x) FROM unnest(ARRAY['DROP TABLE plan_add.kept_a, plan_add.kept_b', 'TRUNCATE plan_add.kept_c', 'ALTER TABLE plan_add.lost_typed RENAME TO lost_named']) x \g /dev/null
CALL sg_apply('gone');
CALL sg_rollback_fks('gone');
SELECT sg_plan_skip('gone', '{1,2}', 'it stays as it is');
CALL sg_rollback_fks('gone');
DROP SCHEMA "plan_add O'Kept" CASCADE;
-- a copy that comes first, and may fail, is waited for
SELECT sg_plan_create('copied');
INSERT INTO plan_add.kept_c SELECT 1;
SELECT sg_plan_add('copied', x) FROM unnest(ARRAY['CREATE TABLE plan_add.copy (LIKE plan_add.kept_c)', 'INSERT INTO plan_add.copy SELECT * FROM plan_add.kept_c',
    'CREATE SEQUENCE plan_add.copy_id', 'COMMENT ON SEQUENCE plan_add.copy_id IS ''of copies''', 'TRUNCATE plan_add.kept_c']) x \g /dev/null
SELECT step, check_name, result, detail, hint FROM sg_plan_check_details('copied') WHERE step > 0 AND (result <> 'ok' OR check_name = 'loss') ORDER BY step, check_name;
SELECT split_part(hint, E'\n', 2) AS wait FROM sg_plan_check_details('copied') WHERE check_name = 'loss' \gexec
SELECT result, detail FROM sg_plan_check_details('copied') WHERE check_name = 'loss';
-- a key that is misspelt is no column of type "key"
SELECT sg_plan_add('gone', 'ALTER TABLE plan_add.purchase ADD FORIGN KEY (id) REFERENCES plan_add.customer');
SELECT sg_plan_from_sql('gone', 'ALTER TABLE plan_add.purchase ADD PRIMRY KEY (id), ADD COLUMN "key" int, ADD forign text');
SELECT reason FROM schemaguard.plan_note WHERE plan = 'gone';
-- a key of a column that its own statement adds lacks nothing
SELECT sg_plan_add('gone', 'ALTER TABLE plan_add.purchase ADD COLUMN seller int REFERENCES plan_add.customer');
-- an undo has its names looked up as its statement; what would be made in pg_catalog blocks
SELECT sg_plan_create('undone') \g /dev/null
SELECT sg_plan_add('undone', 'CREATE SEQUENCE named_s', '{"undo": "DROP SEQUENCE named_s; COMMENT ON TABLE kept_c IS NULL"}') \g /dev/null
SELECT sg_plan_add_statement('undone', s) FROM unnest('{CREATE SEQUENCE named_t,CREATE VIEW named_v AS SELECT 1}'::text[]) s \g /dev/null
SELECT step, definition, undo FROM schemaguard.plan_step WHERE plan = 'undone' ORDER BY step;
SELECT step, result, detail FROM sg_plan_check_details('undone') WHERE check_name = 'definition' ORDER BY step;
SELECT sg_plan_skip('undone', '{2,3}', 'not here') \g /dev/null
CALL sg_apply('undone');
CALL sg_rollback_fks('undone');
-- names that are near
SELECT sg_plan_create('near');
CREATE INDEX kept_index ON plan_add.kept_c (g);
CREATE SEQUENCE plan_add.kept_sequence;
ALTER TABLE plan_add.kept_c ADD CONSTRAINT kept_check CHECK (g > 0);
SELECT sg_plan_add('near', x) FROM unnest(ARRAY['DROP INDEX plan_add.kept_indx', 'DROP SEQUENCE plan_add.kept_sequenze', 'ALTER TABLE plan_add.purchase DISABLE TRIGGER nothing_like_it',
    'ALTER TABLE plan_add.kept_c VALIDATE CONSTRAINT kept_chek', 'DROP FUNCTION plan_add.kept_function()']) x \g /dev/null
SELECT step, result, detail, hint FROM sg_plan_check_details('near') WHERE check_name = 'names' ORDER BY step;

-- each step that is added gives a NOTICE of names that are not there, unless another step has them
SELECT sg_plan_create('told') \g /dev/null
SELECT sg_plan_add_rows('told', 'plan_add.customer', '[{"id": 1, "phon": "1"}]');
SELECT sg_plan_add_rows('told', 'plan_add.customer', '[{"phone": "1"}]', '{id}');
SELECT sg_plan_add_statement('told', x) FROM unnest(ARRAY['ALTER TABLE plan_add.purchas ADD x int', 'ALTER TABLE customer ADD x int',
    'ALTER TABLE plan_add.customer DROP COLUMN phon', 'UPDATE plan_add.custome SET phone = NULL', 'ALTER TABLE plan_add.kept_c DROP COLUMN gg', 'DROP INDEX plan_add.kept_indx',
    'ALTER TABLE plan_add.kept_c VALIDATE CONSTRAINT kept_chek', 'CREATE TABLE plan_add.later (id int); ALTER TABLE plan_add.later ADD y int',
    'COMMENT ON TABLE plan_add.later IS NULL',
    'WITH gone AS (SELECT 1 AS id) DELETE FROM plan_add.kept_c USING gone WHERE g = gone.id']) x \g /dev/null
SELECT sg_plan_add_drop('told', 'constraint', 'plan_add.kept_c', 'kept_chek');
SELECT sg_plan_add_rename('told', 'index', 'plan_add.kept_c', 'kept', 'kept_indx');
SELECT sg_plan_drop('told');

-- a step that failed for what no look finds
SELECT sg_plan_create('failed');
SELECT sg_plan_add('failed', 'UPDATE plan_add.purchase SET id = id / 0');
CALL sg_apply('failed');
SELECT * FROM sg_plan_check('failed') WHERE step > 0;
CALL sg_audit_gate(plan => 'failed');

SELECT sg_plan_create('none');
SELECT sg_plan_retarget('none', 'custome', 'purchase');
SELECT sg_plan_add_audit_columns('none', 'purchas');
SELECT sg_plan_isolate('none', 'tenant_that_no_table_has');
SELECT * FROM sg_impact('custome');

SELECT count(sg_plan_drop(name, force => true)) > 9 AS dropped FROM schemaguard.plan;
SET client_min_messages = warning;
DROP SCHEMA plan_add CASCADE;

-- ---- texts that a session, or psql, would read otherwise

CREATE SCHEMA told;
SELECT sg_plan_create('told') \g /dev/null
SELECT sg_plan_add_statement('told', $$CREATE VIEW told.v AS SELECT 'a\' AS x, '; DROP SCHEMA told; --' AS y, (ARRAY[1, 2])[1:last_error_message] AS z FROM (SELECT 1 AS last_error_message) q$$, undo => $$DROP VIEW told.v /* '\' */$$) \g /dev/null
SELECT sg_plan_add_statement('told', $$CREATE VIEW told.commented AS SELECT /* ' */ (ARRAY[1, 2])[1:last_error_message] /* ' */ FROM (SELECT 1 AS last_error_message) q -- '$$) \g /dev/null
SELECT sg_plan_add_statement('told', $$CREATE VIEW told.prefixed AS SELECT N'a\b' AS x$$) \g /dev/null
SELECT sg_plan_add_statement('told', $$CREATE FUNCTION told.f() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT 1 AS end; SELECT 2 AS begin; END$$) \g /dev/null
SELECT sg_plan_add_statement('told', E'CREATE VIEW told.fed AS SELECT 1 -\f- 1 AS "\n\\! true\n"') \g /dev/null
SELECT sg_plan_sql('told');
-- 19 has no off
SELECT set_config('standard_conforming_strings', CASE WHEN current_setting('server_version_num')::int < 190000 THEN 'off' ELSE 'on' END, false) AS conforming \gset
CALL sg_apply('told');
TABLE told.v;
SELECT sg_plan_add_statement('told', E'CREATE VIEW told.w AS SELECT \'a\\\' AS x') \g /dev/null
CALL sg_apply('told');
SELECT current_setting('standard_conforming_strings') = :'conforming' AS as_before;
RESET standard_conforming_strings;
TABLE told.w;
SELECT told.f();
SELECT sg_plan_drop('told', true);
DROP SCHEMA told CASCADE;
