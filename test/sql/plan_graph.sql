-- The graph of a plan: a step waits for what it stands on, and what is dropped waits for all that reads it
-- rooms: plan run change deploy fix check
\set VERBOSITY default
\set SHOW_CONTEXT never
\pset format unaligned
\pset tuples_only on
\pset null ~
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS schemaguard;
CREATE SCHEMA gra;
SET search_path = gra, public;
RESET client_min_messages;
CREATE VIEW steps AS SELECT plan, step, state, reason FROM schemaguard.plan_step WHERE plan LIKE 'gra%' ORDER BY plan, step;

-- a copy fails: the drop behind it, which would let the rows go for good, waits, and goes on when the copy is done
CREATE TABLE oldt (id int); INSERT INTO oldt VALUES (1), (1); CREATE TABLE newt (id int PRIMARY KEY);
SELECT sg_plan_create('gra') \g /dev/null
SELECT sg_plan_add_statement('gra', 'INSERT INTO gra.newt SELECT id FROM gra.oldt', name => 'copy');
SELECT sg_plan_add_drop('gra', 'table', 'oldt', keep => false, after => '{copy}');
SELECT check_name, result, detail, hint FROM sg_plan_check_details('gra') WHERE step = 2;
CALL sg_apply('gra');
TABLE steps;
SELECT count(*) FROM oldt;
SELECT check_name, result, detail FROM sg_plan_check_details('gra') WHERE step = 2;
CALL sg_apply('gra', steps => '{2}');
DELETE FROM oldt WHERE ctid = '(0,2)';
CALL sg_apply('gra');
TABLE steps;
SELECT to_regclass('oldt'), (SELECT count(*) FROM newt);

-- the same by what the statement reads, and with all steps before it
CREATE TABLE oldt (id int); INSERT INTO oldt VALUES (1), (2), (3);
SET client_min_messages = error;
SELECT sg_plan_create('gra', replace => true) \g /dev/null
RESET client_min_messages;
SELECT sg_plan_add_statement('gra', 'INSERT INTO gra.newt SELECT id FROM gra.OldT', name => 'copy', priority => 'low');
SELECT sg_plan_add_drop('gra', 'table', 'oldt', keep => false, priority => 'critical');
CALL sg_apply('gra');
SELECT sg_plan_set('gra', '{2}', '{"after": "{*}"}');
CALL sg_apply('gra');
TABLE steps;
-- left out, the copy still has to be done, unless whoever leaves it out says that it is
SELECT sg_plan_skip('gra', '{1}', 'by hand');
CALL sg_apply('gra', fail => true);
SELECT sg_plan_skip('gra', '{1}', 'by hand', done => true);
CALL sg_apply('gra');
TABLE steps;

-- a fill fails on one row: the column that it reads stays
CREATE TABLE a (id int PRIMARY KEY, old text); INSERT INTO a SELECT g, CASE WHEN g = 5 THEN 'bad' ELSE g::text END FROM generate_series(1, 10) g;
SET client_min_messages = error;
SELECT sg_plan_create('gra', replace => true) \g /dev/null
RESET client_min_messages;
SELECT sg_plan_add_column('gra', 'a', 'new', 'int', fill => 'old::int');
SELECT sg_plan_add_drop('gra', 'column', 'a', 'old', keep => false, after => '{new}');
SELECT sg_plan_add_statement('gra', 'UPDATE gra.a SET id = id', after => '{nosuchstep}');
SELECT sg_plan_add_statement('gra', 'UPDATE gra.a SET id = id', after => '{nev}');
SELECT sg_plan_set('gra', '{2}', '{"after": "{7}"}');
CALL sg_apply('gra', fix => true);
UPDATE a SET old = 5 WHERE id = 5;
CALL sg_apply('gra', fix => true, steps => '{1}');
-- rows that came since, whose value nobody has carried over
SET session_replication_role = replica;
INSERT INTO a VALUES (11, '11'), (12, NULL);
RESET session_replication_role;
SELECT check_name, result, detail FROM sg_plan_check_details('gra') WHERE step = 2;
CALL sg_apply('gra');
SELECT state, reason FROM steps WHERE step = 2;
UPDATE a SET new = 11 WHERE id = 11;
SELECT check_name, result, detail FROM sg_plan_check_details('gra') WHERE step = 2;
CALL sg_apply('gra');
SELECT sum(new), count(*) FROM a;

-- what takes the place of something fails: that stays
CREATE TABLE b (v int, CONSTRAINT small CHECK (v < 100)); INSERT INTO b VALUES (50);
SET client_min_messages = error;
SELECT sg_plan_create('gra', replace => true) \g /dev/null
RESET client_min_messages;
SELECT sg_plan_add_drop('gra', 'constraint', 'b', 'small', priority => 'critical');
SELECT sg_plan_add_check('gra', 'b', 'v < 10', 'smaller');
CALL sg_apply('gra');
SELECT conname FROM pg_constraint WHERE conrelid = 'b'::regclass;
-- done before, and gone when the drop runs alone: it is not done any more
UPDATE b SET v = 5;
CALL sg_apply('gra', steps => '{2}');
ALTER TABLE b DROP CONSTRAINT smaller;
CALL sg_apply('gra', steps => '{1}');
CALL sg_apply('gra');
SELECT conname FROM pg_constraint WHERE conrelid = 'b'::regclass;

-- what a step says goes before what follows from its object, also by way of others; a circle that is left is refused
CREATE TABLE c (v int, w int);
SET client_min_messages = error;
SELECT sg_plan_create('gra', replace => true) \g /dev/null
RESET client_min_messages;
SELECT sg_plan_add_drop('gra', 'column', 'c', 'w');
SELECT sg_plan_add_statement('gra', 'COMMENT ON TABLE gra.c IS ''x''', name => 'between', after => '{w}');
SELECT sg_plan_add_check('gra', 'c', 'v > 0', 'direct', after => '{1}'), sg_plan_add_check('gra', 'c', 'v > 1', 'indirect', after => '{between}');
SELECT sg_plan_add_column('gra', 'c', 'n', 'int', after => '{w}');
SELECT sg_plan_add_check('gra', 'c', 'n > 0', 'circle');
SELECT sg_plan_add_check('gra', 'c', 'v > 2', 'self', after => '{self}');
-- a circle without an order of its own: no hint about a step that is not there
SELECT sg_plan_create('gra circle') \g /dev/null
SELECT sg_plan_add_rename('gra circle', 'column', 'c', 'w', 'v');
SELECT sg_plan_add_rename('gra circle', 'column', 'c', 'v', 'w');
SELECT sg_plan_create('gra renamed') \g /dev/null
SELECT sg_plan_add_rename('gra renamed', 'column', 'c', 'v', 'w');
SELECT sg_plan_import('gra all', jsonb_insert(sg_plan_export('gra circle'), '{steps,1}', sg_plan_export('gra renamed') #> '{steps,0}'));
SELECT sg_plan_drop('gra circle'), sg_plan_drop('gra renamed');
SELECT sg_plan_set('gra', '{3}', '{"after": "{indirect}"}'), sg_plan_set('gra', '{4}', '{"after": "{direct}"}');
CALL sg_apply('gra');
TABLE steps;

-- the last phase: no row without the new reference that had the old one, and nothing left that reads it
CREATE TABLE users (id int PRIMARY KEY); INSERT INTO users SELECT generate_series(1, 100);
CREATE TABLE profiles (id int PRIMARY KEY, user_id int UNIQUE); INSERT INTO profiles SELECT 1000 + g, g FROM generate_series(1, 98) g;
CREATE TABLE posts (id int PRIMARY KEY, user_id int NOT NULL REFERENCES users ON DELETE CASCADE); INSERT INTO posts SELECT g, 1 + g % 100 FROM generate_series(1, 1000) g;
SET client_min_messages = error;
SELECT sg_plan_create('gra', replace => true) \g /dev/null
RESET client_min_messages;
SET client_min_messages = warning;
SELECT sg_plan_retarget('gra', 'users', 'profiles', 'user_id');
RESET client_min_messages;
SELECT sg_plan_release('gra', 'retargeted');
CALL sg_apply('gra');
INSERT INTO posts (id) VALUES (5000);
INSERT INTO profiles SELECT 1000 + g, g FROM generate_series(99, 100) g;
CALL sg_apply('gra', steps => '{1}');
INSERT INTO posts VALUES (5000, 500);
CREATE FUNCTION reader() RETURNS bigint LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT count(user_id) FROM gra.posts); END $$;
CALL sg_apply('gra');
DELETE FROM posts WHERE id = 5000;
SET client_min_messages = warning;
CALL sg_apply('gra');
RESET client_min_messages;
DROP FUNCTION reader();
CALL sg_apply('gra');
SELECT attname FROM pg_attribute WHERE attrelid = 'posts'::regclass AND attnum > 0 AND NOT attisdropped;
INSERT INTO posts (id) VALUES (5000);
-- ... and what made the old column unique, or a CHECK that reads it, has its like on the new one
CREATE TABLE likes (user_id int REFERENCES users, post int, CONSTRAINT likes_once UNIQUE (user_id, post), CONSTRAINT likes_some CHECK (num_nonnulls(user_id, post) > 0));
CREATE UNIQUE INDEX likes_first ON likes (user_id) WHERE post < 3; INSERT INTO likes SELECT g, g FROM generate_series(1, 10) g;
SET client_min_messages = error;
SELECT sg_plan_create('gra', replace => true) \g /dev/null
RESET client_min_messages;
SET client_min_messages = warning;
SELECT sg_plan_retarget('gra', 'users', 'profiles', 'user_id'), sg_plan_release('gra', 'retargeted');
RESET client_min_messages;
CALL sg_apply('gra');
SELECT sg_plan_add_check('gra', 'likes', 'num_nonnulls(profile_id, post) > 0');
CALL sg_apply('gra');
SELECT sg_plan_add_index('gra', 'likes', 'UNIQUE (profile_id) WHERE post < 3');
CALL sg_apply('gra');
INSERT INTO likes (profile_id, post) SELECT profile_id, post FROM likes LIMIT 1;
SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'likes'::regclass ORDER BY 1;
CALL sg_rollback_fks('gra');
SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'likes'::regclass ORDER BY 1;
-- ... a drop that is skipped, for its column is back without its UNIQUE, leaves the new column filled
DROP TABLE likes;
CREATE TABLE seat (user_id int NOT NULL UNIQUE REFERENCES users); INSERT INTO seat VALUES (1);
SET client_min_messages = error;
SELECT sg_plan_create('gra', replace => true) \g /dev/null
SELECT sg_plan_retarget('gra', 'users', 'profiles', 'user_id'), sg_plan_release('gra', 'retargeted');
CALL sg_apply('gra');
CALL sg_rollback_fks('gra');
SET client_min_messages = warning;
CALL sg_apply('gra');
RESET client_min_messages;
INSERT INTO seat VALUES (2) RETURNING *;
DROP TABLE seat;
-- ... also of a partition or an inheriting table alone; a partial index, or one with an expression, may make less unique
CREATE TABLE seats (user_id int REFERENCES users, k int) PARTITION BY LIST (k);
CREATE TABLE seats_1 PARTITION OF seats FOR VALUES IN (1); CREATE TABLE seats_2 PARTITION OF seats FOR VALUES IN (2);
ALTER TABLE seats_1 ADD CONSTRAINT seats_once UNIQUE (user_id); ALTER TABLE seats_2 ADD CONSTRAINT seats_some CHECK (user_id > 0);
CREATE TABLE chairs (user_id int REFERENCES users); CREATE TABLE chairs_1 (k int, UNIQUE (user_id, k)) INHERITS (chairs);
CREATE UNIQUE INDEX chairs_user ON chairs_1 (abs(user_id), lower(k::text)) WHERE user_id IS NOT NULL;
SET client_min_messages = error;
SELECT sg_plan_create('gra', replace => true) \g /dev/null
SELECT sg_plan_retarget('gra', 'users', 'profiles', 'user_id'), sg_plan_release('gra', 'retargeted');
CALL sg_apply('gra', steps => '{1,3}');
CREATE UNIQUE INDEX ON seats_1 (profile_id) WHERE k > 1; CREATE UNIQUE INDEX ON seats_1 (profile_id, abs(k));
SET client_min_messages = warning;
CALL sg_apply('gra');
RESET client_min_messages;
CREATE UNIQUE INDEX ON seats_1 (profile_id) WHERE profile_id IS NOT NULL; CREATE UNIQUE INDEX ON chairs_1 (k, profile_id); CREATE UNIQUE INDEX ON chairs_1 (profile_id);
CALL sg_apply('gra');
ALTER TABLE seats ADD CHECK (profile_id > 0); CREATE UNIQUE INDEX ON chairs_1 (lower(k::text), abs(profile_id));
CALL sg_apply('gra');
DROP TABLE seats, chairs CASCADE;

-- never there is not gone
CREATE TABLE legacy (id int, note text, noted text);
SET client_min_messages = error;
SELECT sg_plan_create('gra', replace => true) \g /dev/null
RESET client_min_messages;
SELECT sg_plan_add_drop('gra', 'table', 'legacyy'), sg_plan_add_drop('gra', 'column', 'legacy', 'notes'), sg_plan_add_drop('gra', 'column', 'legacy', 'note');
ALTER TABLE legacy DROP COLUMN note;
CALL sg_apply('gra');
TABLE steps;

-- hints: a drop offers to leave the step out alone, and what else is missing a call that runs
SET client_min_messages = error;
SELECT sg_plan_create('gra', replace => true) \g /dev/null
SELECT sg_plan_add('gra', statement) FROM unnest(ARRAY['DROP TABLE gra.legacyy', 'ALTER TABLE gra.legacy DROP COLUMN notedd',
	'ALTER TABLE gra.legacy ALTER notedd SET DEFAULT 1']) statement \g /dev/null
SELECT sg_plan_add('gra', 'ALTER TABLE gra.legacyy RENAME TO old_legacy') \g /dev/null
CREATE TABLE legacy_p (id int PRIMARY KEY); INSERT INTO legacy_p VALUES (1); CREATE TABLE legacy_q ();
SELECT sg_plan_add_fk('gra', 'legacy', '{id}', 'legacy_p'), sg_plan_add_fk('gra', 'legacy', '{id}', 'legacy_pp') \g /dev/null
SELECT sg_plan_add('gra', 'DROP TABLE gra.legacy_p, gra.legacy_q') \g /dev/null
SELECT sg_plan_add_fk('gra', 'legacy', '{idd}', 'legacy_p', fk_name => 'typo') \g /dev/null
RESET client_min_messages;
SELECT step, result, hint FROM sg_plan_check_details('gra') WHERE check_name IN ('definition', 'table', 'column', 'loss') ORDER BY 1;
SELECT substring(hint FROM '\n(.*)') FROM sg_plan_check_details('gra') WHERE check_name = 'definition' \gexec
SELECT step, child_table, child_columns, fk_name, skipped_by IS NOT NULL AS skipped FROM schemaguard.plan_step WHERE plan = 'gra' ORDER BY 1;

-- told once, with options, too
SELECT sg_plan_add('gra', 'ALTER TABLE gra.legacy DROP COLUMN never', '{"priority": "low"}');

-- keys, their orphans and what they stand on
CREATE TABLE parent (id int PRIMARY KEY); CREATE TABLE child (id int, p int); INSERT INTO child VALUES (1, 1);
SET client_min_messages = error;
SELECT sg_plan_create('gra', replace => true) \g /dev/null
RESET client_min_messages;
SELECT sg_plan_add_statement('gra', 'INSERT INTO gra.parent SELECT 1 / 0', name => 'parents');
SELECT sg_plan_add_fk('gra', 'child', '{p}', 'parent', orphans => 'delete');
SELECT sg_plan_set('gra', '{2}', '{"after": "{parents}"}');
CALL sg_add_fks('gra', fix => true);
CALL sg_fix_orphans('gra');
TABLE child;
TABLE steps;

-- a step that waits is looked at all the same: open is only what a step before it may make, or free
CREATE TABLE waits (id int PRIMARY KEY, v int, mail text, old int);
SET client_min_messages = error;
SELECT sg_plan_create('gra', replace => true) \g /dev/null
SELECT sg_plan_add('gra', statement) FROM unnest(ARRAY[
	'CREATE INDEX waits_v ON gra.waits (v)',
	'ALTER TABLE gra.waits DROP CONSTRAINT waits_none',
	'ALTER TABLE gra.waits RENAME COLUMN v TO mail',
	'ALTER TABLE gra.waits RENAME COLUMN old TO older',
	'ALTER TABLE gra.waits ADD CONSTRAINT waits_nix CHECK (nix > 0)',
	'ALTER TABLE gra.waits ALTER nix SET NOT NULL',
	'ALTER TABLE gra.waits ADD COLUMN more int',
	'ALTER TABLE gra.waits ADD CONSTRAINT waits_more CHECK (more > 0)',
	'ALTER TABLE gra.waits ADD CONSTRAINT waits_older CHECK (older > 0)',
	'ALTER TABLE gra.waits ADD FOREIGN KEY (nix) REFERENCES gra.waits',
	'ALTER INDEX gra.waits_v RENAME TO waits_v_too']) statement \g /dev/null
SELECT sg_plan_set('gra', '{5,6,10}', '{"after": "{waits_v}"}') \g /dev/null
RESET client_min_messages;
SELECT step, result, check_name, detail FROM sg_plan_check_details('gra') WHERE step > 0 AND (result <> 'ok' OR check_name = 'deployment') ORDER BY 1, 2, 3;

-- a fill needs the columns of its own table that it reads, and none that another one has by the same name
CREATE TABLE copied (id int PRIMARY KEY, b text, c text); INSERT INTO copied VALUES (1, 'b', 'c');
CREATE TABLE copies (id int PRIMARY KEY); INSERT INTO copies VALUES (1);
SET client_min_messages = error;
SELECT sg_plan_create('gra', replace => true) \g /dev/null
RESET client_min_messages;
SELECT sg_plan_add_column('gra', 'copies', 'b', 'text', fill => '(SELECT x.c FROM gra.copied x WHERE x.id = copies.id)'),
       sg_plan_add_column('gra', 'copies', 'c', 'text', fill => '(SELECT x.b FROM gra.copied x WHERE x.id = copies.id)'),
       sg_plan_add_column('gra', 'copies', 'd', 'text', fill => '(SELECT x.b || copies.e FROM gra.copied x WHERE x.id = copies.id)'),
       sg_plan_add_column('gra', 'copies', 'e', 'text', fill => 'b || c');
CALL sg_apply('gra');
TABLE copies;
-- a name goes from one object to another: what takes it away comes first, in whatever order they were added; before it the name means the old one
SET client_min_messages = error;
SELECT sg_plan_create('gra', replace => true) \g /dev/null
RESET client_min_messages;
CREATE TABLE swaps (a text, i int);
INSERT INTO swaps VALUES ('1', 1);
CREATE TABLE swaps_new (id int);
CREATE TABLE moves (a int);
SELECT sg_plan_add_rename('gra', 'column', 'gra.swaps', 'a', 'a_new'), sg_plan_add_column('gra', 'gra.swaps', 'a_new', 'bigint', fill => 'a::bigint'), sg_plan_add_rename('gra', 'column', 'gra.swaps', 'a_old', 'a'),
	sg_plan_add_not_null('gra', 'gra.swaps', 'a'), sg_plan_add_column('gra', 'gra.swaps_new', 'n', 'text', fill => '(SELECT min(s.a)::text FROM gra.swaps s)'),
	sg_plan_add_rename('gra', 'table', 'gra.swaps', 'swaps_old'), sg_plan_add_rename('gra', 'table', 'gra.swaps_new', 'swaps'),
	sg_plan_add_rename('gra', 'column', 'gra.moves', 'b', 'a'), sg_plan_add_rename('gra', 'column', 'gra.moves', 'c', 'b');
-- set apart on 15 to 17 alone: SET NOT NULL
SET client_min_messages = warning;
CALL sg_apply('gra');
RESET client_min_messages;
SELECT step, state FROM steps;
SELECT attrelid::regclass, attname, atttypid::regtype, attnotnull FROM pg_attribute WHERE attrelid IN ('swaps'::regclass, 'swaps_old'::regclass, 'moves'::regclass) AND attnum > 0 ORDER BY 1, attnum;
-- what is dropped frees its name as well
SET client_min_messages = error;
SELECT sg_plan_create('gra', replace => true) \g /dev/null
RESET client_min_messages;
SELECT sg_plan_add_drop('gra', 'column', 'gra.swaps_old', 'a_old', keep => false), sg_plan_add_rename('gra', 'column', 'gra.swaps_old', 'a_old', 'a'), sg_plan_add_index('gra', 'gra.swaps_old', 'USING btree (a_old)');
CALL sg_apply('gra');
TABLE steps;

-- a name that a rename or drop frees is that of what a later step makes: the old goes first, and steps behind mean the new one
SET client_min_messages = error;
SELECT sg_plan_create('gra', replace => true) \g /dev/null
RESET client_min_messages;
CREATE TABLE frees (id int PRIMARY KEY, a text, b text, c text, d text); INSERT INTO frees SELECT g, g, g, g, g FROM generate_series(1, 3) g;
CREATE TABLE anew (id int); CREATE TABLE anew_too (id int);
SELECT sg_plan_add_rename('gra', 'column', 'gra.frees', 'a_old', 'a'), sg_plan_add_drop('gra', 'column', 'gra.frees', 'b'), sg_plan_add('gra', 'ALTER TABLE gra.frees DROP c, DROP IF EXISTS d'),
	sg_plan_add_rename('gra', 'table', 'gra.anew', 'anew_old'), sg_plan_add_drop('gra', 'table', 'gra.anew_too');
SELECT sg_plan_add_column('gra', 'gra.frees', 'a', 'bigint', fill => 'a_old::bigint'), sg_plan_add_column('gra', 'gra.frees', 'b', 'int'), sg_plan_add_column('gra', 'gra.frees', 'c', 'int'),
	sg_plan_add('gra', 'CREATE TABLE gra.anew (n bigint)'), sg_plan_add('gra', 'CREATE TABLE gra.anew_too (n bigint PRIMARY KEY)'),
	sg_plan_add('gra', 'UPDATE gra.frees SET b = id, c = id'), sg_plan_add('gra', 'INSERT INTO gra.anew (n) SELECT id FROM gra.anew_old'), sg_plan_add('gra', 'INSERT INTO gra.anew_too (n) SELECT id FROM gra.frees'),
	sg_plan_add_column('gra', 'gra.anew', 'more', 'bigint', fill => 'n'), sg_plan_add_fk('gra', 'gra.frees', '{a}', 'gra.anew_too', '{n}', index => false);
SELECT step, result, check_name, detail FROM sg_plan_check_details('gra', verify => 'full') WHERE result = 'block';
CALL sg_apply('gra');
SELECT step, state, reason FROM steps WHERE state NOT IN ('validated', 'added');
SELECT attname, atttypid::regtype FROM pg_attribute WHERE attrelid IN ('frees'::regclass, 'anew'::regclass) AND attnum > 0 AND NOT attisdropped ORDER BY attrelid::regclass::text, attnum;
TABLE frees;
CALL sg_apply('gra');
UPDATE frees SET b = NULL;
CALL sg_rollback_fks('gra', steps => '{1,2,6,7,15}');
SELECT attname, atttypid::regtype FROM pg_attribute WHERE attrelid = 'frees'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum;

-- statements that drop go behind what reads it, whatever their numbers, and wait while a value was not carried over
SET client_min_messages = error;
SELECT sg_plan_create('gra', replace => true) \g /dev/null
RESET client_min_messages;
CREATE SCHEMA gra_gone; CREATE TABLE gra_gone.s (id int, v text); INSERT INTO gra_gone.s SELECT g, 'v' || g FROM generate_series(1, 3) g;
CREATE TABLE src (id int PRIMARY KEY, x text, y text); INSERT INTO src SELECT g, 'x' || g, 'y' || g FROM generate_series(1, 3) g;
CREATE TABLE src2 (id int PRIMARY KEY, x text); INSERT INTO src2 SELECT id, x FROM src; CREATE TABLE src3 (id int); CREATE VIEW src_view AS SELECT * FROM src2;
CREATE TABLE code (id int, new int); INSERT INTO code SELECT g, g FROM generate_series(1, 3) g; CREATE TABLE goal (id int PRIMARY KEY); INSERT INTO goal SELECT generate_series(1, 9);
CREATE TABLE deep (id int, x text); INSERT INTO deep SELECT id, x FROM src; CREATE VIEW deep_view AS SELECT * FROM deep;
CREATE FUNCTION inner_f(int) RETURNS text STABLE LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT x FROM gra.deep_view WHERE id = $1); END';
CREATE FUNCTION outer_f(int) RETURNS text STABLE LANGUAGE plpgsql AS 'BEGIN RETURN gra.inner_f ($1); END';
CREATE FUNCTION plain_f(int) RETURNS text IMMUTABLE LANGUAGE plpgsql AS 'BEGIN RETURN $1; END';
CREATE TABLE dst (id int PRIMARY KEY, x text, y text); INSERT INTO dst SELECT * FROM src;
SELECT sg_plan_add('gra', 'ALTER TABLE gra.src DROP x, DROP COLUMN y'), sg_plan_add('gra', 'ALTER TABLE gra.dst DROP x CASCADE, DROP y'), sg_plan_add('gra', 'DROP TABLE gra.src2, gra.src3 CASCADE'),
	sg_plan_add('gra', 'DROP FUNCTION gra.plain_f(int)'), sg_plan_add('gra', 'DROP SCHEMA gra_gone CASCADE'), sg_plan_add('gra', 'DROP TABLE gra.code CASCADE'), sg_plan_add('gra', 'DROP TABLE gra.deep CASCADE');
SELECT sg_plan_add_column('gra', 'gra.dst', 'a', 'text', fill => '(SELECT s.x FROM gra.src s WHERE s.id = dst.id)'), sg_plan_add_column('gra', 'gra.dst', 'b', 'text', fill => 'upper(x)'),
	sg_plan_add_column('gra', 'gra.dst', 'c', 'text', fill => '(SELECT s.x FROM gra.src_view s WHERE s.id = dst.id)'), sg_plan_add_column('gra', 'gra.dst', 'd', 'text', fill => 'gra.outer_f(id)'),
	sg_plan_add_column('gra', 'gra.dst', 'e', 'text', fill => '(SELECT s.v FROM gra_gone.s WHERE s.id = dst.id)'),
	sg_plan_add_fk('gra', 'gra.dst', '{p}', 'gra.goal', backfill => '(SELECT c.new FROM gra.code c WHERE c.id = dst.id)', index => false), sg_plan_add_column('gra', 'gra.dst', 'f', 'text', fill => 'gra.plain_f(id)');
SELECT step, detail FROM sg_plan_check_details('gra') WHERE check_name = 'order';
SELECT sg_plan_set('gra', '{1,2,3,4,5,6,7}', '{"phase": "later"}');
CALL sg_apply('gra');
UPDATE src SET x = 'X' WHERE id = 1; UPDATE src2 SET x = 'X' WHERE id = 2; UPDATE deep SET x = 'X' WHERE id = 3; UPDATE gra_gone.s SET v = 'X'; UPDATE code SET new = 9 WHERE id = 1;
SET session_replication_role = replica; UPDATE dst SET x = 'past the trigger' WHERE id = 3; RESET session_replication_role;
SELECT sg_plan_release('gra', 'later');
SELECT step, result, detail FROM sg_plan_check_details('gra') WHERE result = 'block' ORDER BY step;
SET client_min_messages = error;
CALL sg_apply('gra');
SELECT step, state, reason FROM steps WHERE step < 8;
UPDATE dst SET a = (SELECT s.x FROM src s WHERE s.id = dst.id), b = upper(x), c = (SELECT s.x FROM src2 s WHERE s.id = dst.id), d = outer_f(id), e = 'X', p = (SELECT new FROM code c WHERE c.id = dst.id);
CALL sg_apply('gra');
SELECT step, state, reason FROM steps WHERE state <> 'validated' OR step < 8;
-- and end the triggers: an INSERT does not fail
INSERT INTO dst (id) VALUES (4);
TABLE dst ORDER BY id;
RESET client_min_messages;

-- NOT NULL ends what fills a column from another table no sooner than the step that drops that, and INSERTs that do not name the column go on
SET client_min_messages = error;
SELECT sg_plan_create('gra', replace => true) \g /dev/null
CREATE TABLE names (id int PRIMARY KEY, name text); INSERT INTO names SELECT g, 'n' || g FROM generate_series(1, 3) g;
CREATE TABLE named (id int PRIMARY KEY, nr int); INSERT INTO named SELECT g, g FROM generate_series(1, 3) g;
SELECT sg_plan_add_column('gra', 'gra.named', 'name', 'text', fill => '(SELECT n.name FROM gra.names n WHERE n.id = named.nr)'), sg_plan_add_not_null('gra', 'gra.named', 'name'),
	sg_plan_add_drop('gra', 'column', 'gra.names', 'name', keep => false, phase => 'later');
SELECT step, detail FROM sg_plan_check_details('gra') WHERE check_name = 'inserts';
CALL sg_apply('gra');
SELECT step, state, regexp_replace(reason, 'SELECT .*', '...') FROM steps;
INSERT INTO named (id, nr) VALUES (4, 2);
SELECT sg_plan_release('gra', 'later');
CALL sg_apply('gra');
SELECT step, state, regexp_replace(reason, 'SELECT .*', '...') FROM steps;
TABLE named;
SELECT count(*) FROM pg_trigger WHERE tgrelid = 'named'::regclass;
RESET client_min_messages;

-- nobody can compare what a volatile function gives
SET client_min_messages = error;
SELECT sg_plan_create('gra', replace => true) \g /dev/null
CREATE FUNCTION volatile_f(int) RETURNS text LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT n.id FROM gra.names n WHERE n.id = $1); END';
SELECT sg_plan_add_column('gra', 'gra.named', 'v', 'text', fill => 'gra.volatile_f(id)'), sg_plan_add_drop('gra', 'table', 'gra.names', keep => false);
CALL sg_apply('gra');
SELECT step, state, regexp_replace(reason, 'SELECT .*', '...') FROM steps;
RESET client_min_messages;
-- a step that no other one can need is added without reading the plan, whatever else has an order
SET client_min_messages = error;
SELECT sg_plan_create('gra', replace => true) \g /dev/null
BEGIN;
SELECT sg_plan_add_rename('gra', 'column', 'gra.moves', 'z', 'a'), sg_plan_add_check('gra', 'gra.b', 'v > 1', 'behind', after => '{1}') \g /dev/null
RESET client_min_messages;
-- as ANALYZE finds it: behind a VACUUM of the empty table the server takes all plans for ones of one step, and any index for as good
SELECT count(sg_plan_add_check('gra', 'gra.b', 'v > -' || n, 'b' || n)) AS steps FROM generate_series(1, 300) n;
ANALYZE schemaguard.plan_step;
SELECT coalesce(idx_tup_fetch, 0) + coalesce(seq_tup_read, 0) AS before FROM pg_stat_xact_user_tables WHERE relname = 'plan_step' \gset
SELECT count(sg_plan_add_check('gra', 'gra.b', 'v > -' || n, 'c' || n)) AS steps FROM generate_series(1, 100) n;
SELECT idx_tup_fetch + seq_tup_read - :before < 100 * 20 AS linear FROM pg_stat_xact_user_tables WHERE relname = 'plan_step';
ROLLBACK;

-- options of the plan hold after each commit of the call, too: the session's two workers would build both indexes
SET client_min_messages = error;
SELECT sg_plan_create('gra', replace => true) \g /dev/null
RESET client_min_messages;
SHOW schemaguard.workers;
SELECT sg_plan_option('gra', 'workers', '0');
SELECT sg_plan_add_check('gra', 'b', 'v > 0', 'first', priority => 'critical'), sg_plan_add_index('gra', 'b', 'USING btree (v)'), sg_plan_add_index('gra', 'a', 'USING btree (new)');
CALL sg_apply('gra');
TABLE steps;

-- a constraint or index whose equal the plan drops, or whose name, is added behind that drop, and never taken for done before it
SET client_min_messages = error;
SELECT sg_plan_create('gra', replace => true) \g /dev/null
CREATE TABLE anewly (id int CONSTRAINT anewly_id PRIMARY KEY, a int CONSTRAINT anewly_a CHECK (a > 0), b int CONSTRAINT anewly_b UNIQUE, c int CONSTRAINT anewly_c CHECK (c > 0),
	d int CONSTRAINT anewly_d REFERENCES waits, e int, f int, g int CONSTRAINT anewly_g CHECK (g > 0));
CREATE INDEX anewly_e ON anewly (e); CREATE INDEX anewly_f ON anewly (f);
INSERT INTO anewly SELECT g, g, g, g, NULL, g, g, g FROM generate_series(11, 13) g;
SELECT sg_plan_add('gra', statement) FROM unnest(ARRAY[
	'ALTER TABLE gra.anewly DROP CONSTRAINT anewly_a', 'ALTER TABLE gra.anewly ADD CONSTRAINT anewly_a2 CHECK (a > 0)',
	'ALTER TABLE gra.anewly ADD CONSTRAINT anewly_b2 UNIQUE (b)',
	'ALTER TABLE gra.anewly DROP CONSTRAINT anewly_b',
	'ALTER TABLE gra.anewly DROP CONSTRAINT anewly_c', 'ALTER TABLE gra.anewly ADD CONSTRAINT anewly_c CHECK (c > 10)',
	'ALTER TABLE gra.anewly DROP CONSTRAINT anewly_d', 'ALTER TABLE gra.anewly ADD CONSTRAINT anewly_d2 FOREIGN KEY (d) REFERENCES gra.waits',
	'ALTER TABLE gra.anewly DROP CONSTRAINT anewly_id', 'ALTER TABLE gra.anewly ADD CONSTRAINT anewly_id2 PRIMARY KEY (id)',
	'DROP INDEX gra.anewly_e', 'CREATE INDEX anewly_e2 ON gra.anewly (e)',
	'DROP INDEX gra.anewly_f', 'CREATE INDEX anewly_f ON gra.anewly (f DESC)',
	-- what is no equal is added before the drop
	'ALTER TABLE gra.anewly DROP CONSTRAINT anewly_g', 'ALTER TABLE gra.anewly ADD CONSTRAINT anewly_g2 CHECK (g > 10)']) statement \g /dev/null
RESET client_min_messages;
SET schemaguard.workers = 1;
SELECT step, result, check_name, detail FROM sg_plan_check_details('gra', verify => 'full') WHERE result <> 'ok' AND step > 0 ORDER BY step;
SELECT line FROM sg_plan_sql('gra') line WHERE line LIKE '-- step %';
SET client_min_messages = error;
CALL sg_apply('gra');
CALL sg_apply('gra');
RESET client_min_messages;
RESET schemaguard.workers;
SELECT step, state, reason FROM steps WHERE state <> 'validated';
SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'anewly'::regclass AND contype <> 'n' ORDER BY 1;
SELECT indexdef FROM pg_indexes WHERE tablename = 'anewly' ORDER BY 1;
-- ... also behind statements that drop it, in whatever order they were added
SET client_min_messages = error;
SELECT sg_plan_create('gra', replace => true) \g /dev/null
SELECT sg_plan_add('gra', statement) FROM unnest(ARRAY['ALTER TABLE gra.anewly ADD CONSTRAINT anewly_a3 CHECK (a > 0)', 'ALTER TABLE gra.anewly ADD CONSTRAINT anewly_b3 UNIQUE (b)',
	'ALTER TABLE gra.anewly ADD CONSTRAINT anewly_d3 FOREIGN KEY (d) REFERENCES gra.waits', 'ALTER TABLE gra.anewly ADD CONSTRAINT anewly_id3 PRIMARY KEY (id)',
	'CREATE INDEX anewly_e3 ON gra.anewly (e)']) statement \g /dev/null
SELECT sg_plan_add_statement('gra', statement) FROM unnest(ARRAY['ALTER TABLE gra.anewly DROP CONSTRAINT anewly_a2, DROP CONSTRAINT IF EXISTS anewly_b2',
	'ALTER TABLE gra.anewly DROP CONSTRAINT anewly_d2; ALTER TABLE gra.anewly DROP CONSTRAINT anewly_id2', 'DROP INDEX gra.anewly_e2',
	'ALTER TABLE gra.anewly DROP CONSTRAINT anewly_g2', 'ALTER TABLE gra.anewly ADD CONSTRAINT anewly_g3 CHECK (g > 10)']) statement \g /dev/null
SET schemaguard.workers = 1;
CALL sg_apply('gra');
CALL sg_apply('gra');
RESET client_min_messages;
RESET schemaguard.workers;
SELECT step, state, reason FROM steps WHERE state <> 'validated' OR reason <> '';
SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'anewly'::regclass AND contype <> 'n' AND conname LIKE '%3' ORDER BY 1;
SELECT indexdef FROM pg_indexes WHERE tablename = 'anewly' AND indexname LIKE '%e_' ORDER BY 1;
-- a statement that moves or renames a table comes behind the steps before it that have the table's old name, and before those behind it that have the new one
SET client_min_messages = error;
SELECT sg_plan_create('gra', replace => true) \g /dev/null
CREATE SCHEMA gra_to;
CREATE TABLE shifts (id int PRIMARY KEY, a int);
CREATE TABLE spots (m int CONSTRAINT spots_old REFERENCES shifts, d int);
SELECT sg_plan_add_fk('gra', 'spots', '{m}', 'shifts', replaces => 'spots_old', fk_name => 'spots_new', index => false) \g /dev/null
SELECT sg_plan_add('gra', statement) FROM unnest(ARRAY['CREATE TABLE gra.spots_too (m int REFERENCES gra.shifts)', 'ALTER TABLE gra.shifts SET SCHEMA gra_to',
	'ALTER TABLE gra_to.shifts ADD CONSTRAINT shifts_late CHECK (a > 0)', 'INSERT INTO gra_to.shifts VALUES (1, 1)']) statement \g /dev/null
SELECT sg_plan_add_statement('gra', 'ALTER TABLE gra_to.shifts RENAME TO shifted'), sg_plan_add_check('gra', 'gra_to.shifted', 'a < 9', name => 'shifted_late') \g /dev/null
-- ... and a column that was given another type since is done for a drop of the table's
SELECT sg_plan_add('gra', statement) FROM unnest(ARRAY['ALTER TABLE gra.spots ADD COLUMN c int', 'ALTER TABLE gra.spots ALTER COLUMN c TYPE text', 'ALTER TABLE gra.spots DROP COLUMN d']) statement \g /dev/null
CALL sg_apply('gra');
RESET client_min_messages;
CALL sg_apply('gra');
SELECT step, state, reason FROM steps WHERE state <> 'validated';
SELECT conrelid::regclass, conname FROM pg_constraint WHERE 'gra_to.shifted'::regclass IN (conrelid, confrelid) AND contype IN ('c', 'f') ORDER BY 1, 2;
DROP TABLE spots, spots_too;
DROP SCHEMA gra_to CASCADE;

-- a statement that names what a rename gives comes behind the rename, though that waits for steps on the old name; a drop waits for the rename that gives its object the name
SET client_min_messages = error;
SELECT sg_plan_create('gra', replace => true) \g /dev/null
CREATE TABLE renamed (id int PRIMARY KEY, a int, b int); CREATE TABLE renamed_too (id int PRIMARY KEY, a int);
INSERT INTO renamed VALUES (1, 1, 1); INSERT INTO renamed_too VALUES (1, 1);
SELECT sg_plan_add('gra', statement) FROM unnest(ARRAY[
	'ALTER TABLE gra.renamed ALTER a SET NOT NULL', 'ALTER TABLE gra.renamed RENAME COLUMN a TO aa', 'UPDATE gra.renamed SET aa = 2',
	'ALTER TABLE gra.renamed ADD CONSTRAINT renamed_b CHECK (b > 0)', 'ALTER TABLE gra.renamed RENAME CONSTRAINT renamed_b TO renamed_bb',
	'ALTER TABLE gra.renamed_too ADD CONSTRAINT too_a CHECK (a > 0)', 'ALTER TABLE gra.renamed_too RENAME TO renamed_three', 'UPDATE gra.renamed_three SET a = 2',
	'CREATE TRIGGER later BEFORE INSERT ON gra.renamed FOR EACH ROW EXECUTE FUNCTION gra.later()', 'ALTER TRIGGER later ON gra.renamed RENAME TO later2',
	'DROP TRIGGER later2 ON gra.renamed']) statement \g /dev/null
SELECT step, result, check_name, detail FROM sg_plan_check_details('gra', verify => 'full') WHERE result <> 'ok' AND step BETWEEN 1 AND 8 ORDER BY step, check_name;
CALL sg_apply('gra');
SELECT step, state, reason FROM steps WHERE state <> 'validated';
TABLE renamed; TABLE renamed_three;
CREATE FUNCTION later() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN new; END';
CALL sg_apply('gra');
SELECT tgname FROM pg_trigger WHERE tgrelid = 'renamed'::regclass;

-- what a later step of the plan takes back on purpose is not made anew by the next call; what somebody else takes away is
SELECT sg_plan_create('gra', replace => true) \g /dev/null
CREATE SCHEMA gra_to; CREATE TABLE undone (id int PRIMARY KEY, a int, b int, c int, d int); CREATE TABLE moved (id int PRIMARY KEY, a int, b int REFERENCES undone);
SET schemaguard.workers = 1;
SELECT sg_plan_add('gra', statement) FROM unnest(ARRAY[
	'ALTER TABLE gra.undone ADD CONSTRAINT undone_a CHECK (a > 0)', 'ALTER TABLE gra.undone DROP CONSTRAINT undone_a',
	'ALTER TABLE gra.undone ALTER b SET NOT NULL', 'ALTER TABLE gra.undone ALTER b DROP NOT NULL',
	'CREATE INDEX undone_c ON gra.undone (c)', 'DROP INDEX gra.undone_c',
	'ALTER TABLE gra.undone ADD CONSTRAINT undone_u UNIQUE (id, a)', 'ALTER TABLE gra.undone DROP CONSTRAINT undone_u',
	'ALTER TABLE gra.undone ADD COLUMN e int', 'ALTER TABLE gra.undone ALTER e TYPE bigint',
	'ALTER TABLE gra.moved ADD FOREIGN KEY (a) REFERENCES gra.undone', 'ALTER TABLE gra.moved ADD CONSTRAINT moved_a CHECK (a > 0)',
	'ALTER TABLE gra.undone ADD CONSTRAINT undone_d CHECK (d > 0)', 'ALTER TABLE gra.moved SET SCHEMA gra_to']) statement \g /dev/null
SELECT sg_plan_add_default('gra', 'gra.undone', 'd', '5'), sg_plan_add_statement('gra', 'ALTER TABLE gra.undone ALTER d SET DEFAULT 7') \g /dev/null
CALL sg_apply('gra');
SELECT step, state, reason FROM steps WHERE state <> 'validated';
CREATE VIEW facts AS SELECT (SELECT array_agg(conname ORDER BY conname) FROM pg_constraint WHERE conrelid = 'undone'::regclass AND contype <> 'n') AS constraints,
	(SELECT array_agg(indexrelid::regclass ORDER BY 1) FROM pg_index WHERE indrelid = 'undone'::regclass) AS indexes,
	(SELECT array_agg(attname ORDER BY 1) FROM pg_attribute WHERE attrelid = 'undone'::regclass AND attnotnull AND attnum > 0) AS not_null,
	(SELECT array_agg(column_default) FROM information_schema.columns WHERE table_name = 'undone' AND column_default IS NOT NULL) AS defaults;
TABLE facts;
CALL sg_apply('gra');
TABLE facts;
SELECT step, state, reason FROM steps WHERE state <> 'validated';
SELECT DISTINCT result FROM sg_verify_fks('gra') ORDER BY 1;
ALTER TABLE undone DROP CONSTRAINT undone_d;
CALL sg_apply('gra');
TABLE facts;
RESET schemaguard.workers;
DROP SCHEMA gra_to CASCADE;

SET client_min_messages = warning;
SELECT sg_plan_drop('gra', force => true);
DROP TABLE schemaguard_attic.anew_too;
DROP SCHEMA gra CASCADE;

-- a statement that takes rows or values waits for what carries them elsewhere, and what comes behind it keeps its turn
CREATE TABLE taken (id int PRIMARY KEY, x text);
CREATE TABLE taken_part (id int PRIMARY KEY, of int REFERENCES taken ON DELETE CASCADE);
CREATE TABLE taken_to (id int PRIMARY KEY, x text);
CREATE TABLE aside (id int);
INSERT INTO taken SELECT g, CASE g WHEN 7 THEN 'n/a' ELSE g::text END FROM generate_series(1, 10) g;
INSERT INTO taken_to VALUES (5, 'there');
SELECT sg_plan_create('taken'), sg_plan_add_column('taken', 'taken', 'z', 'int', fill => 'x::int');
SELECT sg_plan_add('taken', 'INSERT INTO aside VALUES (1)');
SELECT sg_plan_add('taken', 'UPDATE taken SET x = NULL');
SELECT sg_plan_add('taken', 'INSERT INTO taken_to SELECT id, x FROM taken');
SELECT sg_plan_add('taken', 'DELETE FROM taken WHERE id > 5');
SELECT sg_plan_add('taken', 'INSERT INTO taken (id) VALUES (6)');
SELECT sg_plan_add('taken', 'INSERT INTO aside SELECT count(*) FROM aside');
SELECT sg_plan_add('taken', 'TRUNCATE taken CASCADE');
RESET client_min_messages;
CALL sg_apply('taken');
SELECT count(x), (SELECT array_agg(id) FROM aside) FROM taken;
-- mended by hand, it goes on where it stopped; what is left out on purpose is done where that is said
UPDATE taken SET x = '7' WHERE id = 7;
CALL sg_apply('taken');
SELECT sg_plan_skip('taken', '{4}', 'not needed') \g /dev/null
CALL sg_apply('taken');
SELECT sg_plan_skip('taken', '{4}', 'not needed', done => true) \g /dev/null
CALL sg_apply('taken');
SELECT count(*) FROM taken;
SET client_min_messages = warning;
SELECT sg_plan_drop('taken', force => true);
DROP TABLE taken, taken_part, taken_to, aside;

-- a step that waits is not overtaken by what was added behind it, and a rename waits for what has the old name
CREATE DOMAIN held_domain AS int;
CREATE TABLE held (id int PRIMARY KEY, v text, n int, m int, d held_domain);
INSERT INTO held VALUES (1, NULL, 1, 11, 1), (2, 'a', 2, 12, 2);
CREATE FUNCTION held_f(int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1 * 100';
SELECT sg_plan_create('held'), sg_plan_add_not_null('held', 'held', 'v', policy => 'set', fill => '''none''');
SELECT sg_plan_add('held', statement) FROM unnest(ARRAY[
	'UPDATE held SET n = public.held_f(n)', 'CREATE OR REPLACE FUNCTION public.held_f(int) RETURNS int IMMUTABLE LANGUAGE sql AS ''SELECT $1 * 7''',
	'ALTER TABLE held ADD CONSTRAINT held_n CHECK (n >= 100)', 'ALTER TABLE held ALTER d TYPE numeric', 'DROP DOMAIN held_domain',
	'ALTER TABLE held ALTER n TYPE bigint USING n * 1000', 'ALTER TABLE held RENAME COLUMN n TO n_old', 'ALTER TABLE held RENAME COLUMN m TO n',
	'UPDATE held SET id = id / 0', 'ALTER TABLE held RENAME COLUMN id TO held_id']) statement \g /dev/null
CALL sg_apply('held', fix => true);
SELECT step, state, reason FROM schemaguard.plan_step WHERE plan = 'held' AND state <> 'validated' ORDER BY step;
SELECT * FROM held ORDER BY id;
SELECT sg_plan_drop('held', force => true);
DROP TABLE held;
DROP FUNCTION held_f;

-- rows of a table that inherits are taken with those of its parent, and what no longer inherits, or is read otherwise, is taken away
CREATE TABLE kin (id int, x text);
CREATE TABLE kin_child () INHERITS (kin);
CREATE TABLE kin_grandchild () INHERITS (kin_child);
CREATE TABLE kin_part (id int, x text, k int) PARTITION BY RANGE (k);
CREATE TABLE kin_part_1 PARTITION OF kin_part FOR VALUES FROM (0) TO (100);
CREATE VIEW kin_view AS SELECT * FROM kin;
CREATE TABLE kin_to (id int, x text CHECK (x <> '5'));
CREATE TABLE kin_away (id int);
INSERT INTO kin_grandchild SELECT g, g FROM generate_series(1, 10) g;
INSERT INTO kin_part SELECT g, g, g FROM generate_series(1, 10) g;
SELECT sg_plan_create('kin');
SELECT sg_plan_add('kin', 'INSERT INTO kin_to SELECT id, x FROM ' || t) FROM unnest('{kin_grandchild,kin_part,kin_view}'::text[]) t \g /dev/null
SELECT sg_plan_add('kin', statement) FROM unnest(ARRAY['UPDATE kin SET x = ''-''', 'ALTER TABLE kin_part DETACH PARTITION kin_part_1',
	'CREATE OR REPLACE VIEW kin_view AS SELECT * FROM kin WHERE false', 'ALTER TABLE kin_grandchild NO INHERIT kin_child',
	'CREATE RULE kin_rule AS ON INSERT TO kin_to DO INSTEAD NOTHING', 'DELETE FROM kin', 'INSERT INTO kin_away SELECT id FROM kin_away']) statement \g /dev/null
CALL sg_apply('kin');
SELECT step, state, reason FROM schemaguard.plan_step WHERE plan = 'kin' AND state <> 'failed' ORDER BY step;
SELECT (SELECT count(x) FROM kin_view), (SELECT count(*) FROM kin_part), (SELECT count(*) FROM kin_to);
ALTER TABLE kin_to DROP CONSTRAINT kin_to_x_check;
SET client_min_messages = warning;
CALL sg_apply('kin');
SELECT state, count(*) FROM schemaguard.plan_step WHERE plan = 'kin' GROUP BY state;
SELECT count(*), min(x) FROM kin_to;
SELECT sg_plan_drop('kin', force => true);
DROP VIEW kin_view;
DROP TABLE kin, kin_child, kin_grandchild, kin_part, kin_part_1, kin_to, kin_away;

-- a drop added behind renames that give a name to another object means that one
CREATE TABLE swap_a AS SELECT 1 AS id, 'a' AS was, 'from b' AS b;
CREATE TABLE swap_b AS SELECT g AS id, 'b' AS was FROM generate_series(1, 2) g;
ALTER TABLE swap_a ADD CONSTRAINT c1 CHECK (id > 0), ADD CONSTRAINT c2 CHECK (id < 100);
SELECT sg_plan_create('swap');
SELECT sg_plan_add('swap', statement, coalesce(options, '{}')::jsonb) FROM (VALUES
	('ALTER TABLE swap_a RENAME was TO was_old', NULL), ('ALTER TABLE swap_a RENAME b TO was', NULL), ('ALTER TABLE swap_a DROP COLUMN was', '{"keep": false}'),
	('ALTER TABLE swap_a RENAME CONSTRAINT c1 TO c1_old', NULL), ('ALTER TABLE swap_a RENAME CONSTRAINT c2 TO c1', NULL),
	('ALTER TABLE swap_a DROP CONSTRAINT c1', NULL)) x (statement, options) \g /dev/null
CALL sg_apply('swap');
SELECT * FROM swap_a;
SELECT conname FROM pg_constraint WHERE conrelid = 'swap_a'::regclass;
SELECT sg_plan_drop('swap', force => true), sg_plan_create('swap'), sg_plan_add_rename('swap', 'table', 'swap_a', 'swap_c'), sg_plan_add_rename('swap', 'table', 'swap_b', 'swap_a'),
	sg_plan_add_rename('swap', 'table', 'public.swap_c', 'swap_b'), sg_plan_add_drop('swap', 'table', 'swap_b', keep => false) \g /dev/null
SELECT step, check_name, detail FROM sg_plan_check_details('swap') WHERE result <> 'ok';
CALL sg_apply('swap');
SELECT to_regclass('swap_b') AS swap_b, (SELECT count(*) FROM swap_a) AS rows_of_b;
DROP TABLE swap_a;

-- a fill that is skipped, and counts as done: the drop of what it was to read still compares the rows
CREATE TABLE by_hand (id int PRIMARY KEY, old int);
INSERT INTO by_hand VALUES (1, 1), (2, 2);
SELECT sg_plan_drop('swap', force => true), sg_plan_create('swap'), sg_plan_add_column('swap', 'by_hand', 'new', 'text', fill => 'old * 2'),
	sg_plan_add_drop('swap', 'column', 'by_hand', 'old', keep => false) \g /dev/null
SELECT sg_plan_skip('swap', '{1}', 'by hand', done => true) \g /dev/null
CALL sg_apply('swap');
ALTER TABLE by_hand ADD new text;
UPDATE by_hand SET new = old * 2 WHERE id = 1;
CALL sg_apply('swap');
UPDATE by_hand SET new = old * 2 WHERE id = 2;
CALL sg_apply('swap');
TABLE by_hand;
SELECT sg_plan_drop('swap', force => true);
DROP TABLE by_hand;

-- another plan's fill: a drop waits until it is done and its trigger is gone, and then compares the rows
CREATE TABLE two_plans (id int PRIMARY KEY, a text);
INSERT INTO two_plans VALUES (1, 'long'), (2, 'b'), (3, 'c');
SELECT sg_plan_create('two p'), sg_plan_add_column('two p', 'two_plans', 'n', 'varchar(3)', fill => 'a'),
	sg_plan_create('two q'), sg_plan_add_statement('two q', 'ALTER TABLE public.two_plans DROP COLUMN a') \g /dev/null
CALL sg_apply('two p');
CALL sg_apply('two q');
SELECT sg_plan_drop('two q', force => true), sg_plan_create('two q'), sg_plan_add_drop('two q', 'column', 'two_plans', 'a', keep => false) \g /dev/null
UPDATE two_plans SET a = 'a' WHERE id = 1;
ALTER TABLE two_plans ADD CONSTRAINT not_b CHECK (n <> 'b');
CALL sg_apply('two p');
ALTER TABLE two_plans DROP CONSTRAINT not_b;
CALL sg_apply('two p');
SELECT check_name, result, detail, hint FROM sg_plan_check_details('two q', verify => 'full') WHERE result <> 'ok';
SELECT sg_plan_release('two p', 'fill') \g /dev/null
UPDATE two_plans SET a = 'x' WHERE id = 2;
INSERT INTO two_plans VALUES (4, 'd');
CALL sg_apply('two q');
SELECT sg_plan_add('two q', 'UPDATE public.two_plans SET n = CAST(a AS varchar(3)) WHERE n IS DISTINCT FROM a');
CALL sg_apply('two q');
TABLE two_plans ORDER BY id;
SELECT sg_plan_drop('two p', force => true), sg_plan_drop('two q', force => true) \g /dev/null
-- ... and one for good waits for what has yet to begin, unless it is left out: a column, a key, policy set, a statement
CREATE TABLE two_keys (a text PRIMARY KEY);
INSERT INTO two_keys VALUES ('a');
CREATE TABLE two_others (id int PRIMARY KEY, x text);
INSERT INTO two_others VALUES (1), (2), (3);
ALTER TABLE two_plans ADD old text;
UPDATE two_plans SET old = 'a';
SELECT sg_plan_create('two p'), sg_plan_add_column('two p', 'two_plans', 'm', 'text', fill => 'old'), sg_plan_add_fk('two p', 'two_plans', '{k}', 'two_keys', backfill => 'old', index => false),
	sg_plan_add_not_null('two p', 'two_others', 'x', policy => 'set', fill => '(SELECT t.old FROM public.two_plans t WHERE t.id = two_others.id)'),
	sg_plan_add('two p', 'INSERT INTO two_keys SELECT old || id FROM two_plans') \g /dev/null
SELECT sg_plan_add_statement('two p', x) FROM unnest('{INSERT INTO public.two_others VALUES (9),UPDATE public.two_plans SET old = lower(old)}'::text[]) x \g /dev/null
SELECT sg_plan_create('two q'), sg_plan_add_drop('two q', 'column', 'two_plans', 'old', keep => false), sg_plan_add_drop('two q', 'table', 'two_others', keep => false) \g /dev/null
SELECT step, check_name, detail, hint FROM sg_plan_check_details('two q') WHERE result = 'block';
SELECT sg_plan_create('two r'), sg_plan_add_statement('two r', 'UPDATE public.two_plans SET old = ''a'' WHERE old IS NULL'), sg_plan_add_drop('two r', 'column', 'two_plans', 'old', keep => false, after => '{1}') \g /dev/null
SELECT step, check_name, detail FROM sg_plan_check_details('two r') WHERE result = 'block';
SELECT sg_plan_drop('two r', force => true) \g /dev/null
SELECT sg_plan_skip('two p', '{1}', 'not needed') \g /dev/null
CALL sg_apply('two q');
SELECT sg_plan_skip('two p', '{2}', 'not needed') \g /dev/null
CALL sg_apply('two q');
SELECT to_regclass('two_others');
CREATE TABLE two_others (id int PRIMARY KEY, x text);
SELECT sg_plan_skip('two p', '{3}', 'not needed') \g /dev/null
CALL sg_apply('two q');
CALL sg_apply('two p');
CALL sg_apply('two q');
SELECT count(*) FROM two_keys;
SELECT sg_plan_drop('two p', force => true), sg_plan_drop('two q', force => true) \g /dev/null
-- ... and sg_prune() for what has yet to read what a drop has kept, or is taken back from it, in any plan, and compares the rows
TRUNCATE two_others;
INSERT INTO two_others VALUES (1, 'a'), (2, 'b');
CREATE SCHEMA two;
CREATE TABLE two.two_from AS SELECT 1 AS id, 'one' AS x; CREATE TABLE two.two_back AS SELECT 2 AS id, 'two' AS x;
SELECT sg_plan_create('two p'), sg_plan_add_column('two p', 'two_others', 'n', 'text', fill => 'x'),
	sg_plan_add_statement('two p', 'UPDATE public.two_others SET x = NULL WHERE id = 2', undo => 'UPDATE public.two_others o SET x = b.x FROM two.two_back b WHERE b.id = o.id') \g /dev/null
CALL sg_apply('two p');
SELECT sg_plan_release('two p', 'fill'), sg_plan_add_statement('two p', 'INSERT INTO public.two_others (id, x) SELECT id, x FROM two.two_from', name => 'yet'), sg_plan_create('two q'),
	sg_plan_add_drop('two q', 'table', 'two.two_from'), sg_plan_add_drop('two q', 'table', 'two.two_back'), sg_plan_add_drop('two q', 'column', 'two_others', 'x') \g /dev/null
INSERT INTO two_others VALUES (3, 'c');
CALL sg_apply('two q');
CALL sg_prune(now() + '1 hour', 'attic');
CREATE VIEW kept AS SELECT relname FROM pg_class WHERE relname IN ('two_from', 'two_back') AND relnamespace::regnamespace::text LIKE 'schemaguard_attic%' ORDER BY 1;
TABLE kept;
SELECT array_agg(_sg_dropped_x ORDER BY id) FROM two_others;
-- ... unless that step is left out, or another object has the name
SELECT sg_plan_set('two p', '{2}', '{"undo": null}') \g /dev/null
CREATE TABLE two.two_from (id int, x text);
UPDATE two_others SET _sg_dropped_x = NULL WHERE n IS NULL;
CALL sg_prune(now() + '1 hour', 'attic');
TABLE kept;
SELECT array_agg(attname) FROM pg_attribute WHERE attrelid = 'two_others'::regclass AND attnum > 0 AND NOT attisdropped;
DROP VIEW kept;
SELECT sg_plan_drop('two p', force => true), sg_plan_drop('two q', force => true) \g /dev/null
DROP SCHEMA two CASCADE;
DROP TABLE two_plans, two_keys, two_others;

-- a partition or inheriting table of the one whose rows a fill fills each from itself: its rows go with it, and nothing is compared
CREATE SCHEMA own;
CREATE TABLE own.own_p (id int, old text, k int) PARTITION BY LIST (k); CREATE TABLE own.own_1 PARTITION OF own.own_p FOR VALUES IN (1); CREATE TABLE own.own_2 PARTITION OF own.own_p FOR VALUES IN (2);
CREATE TABLE own.own_3 PARTITION OF own.own_p FOR VALUES IN (3); CREATE TABLE own.own_i (id int, old text); CREATE TABLE own.own_c () INHERITS (own.own_i);
INSERT INTO own.own_p SELECT g, 'o' || g, g FROM generate_series(1, 3) g; INSERT INTO own.own_c VALUES (1, 'a'); INSERT INTO own.own_i VALUES (2, 'b');
SELECT sg_plan_create('own'), sg_plan_create('own too'), sg_plan_add_column('own', 'own.own_p', 'new', 'text', fill => 'old'), sg_plan_add_column('own', 'own.own_i', 'new', 'text', fill => 'old'),
	sg_plan_add_column('own', 'own.own_i', 'more', 'text', fill => '(SELECT min(x.old) FROM own.own_3 x)'),
	sg_plan_add_drop('own', 'table', 'own.own_1', keep => false, phase => 'later'), sg_plan_add_drop('own', 'table', 'own.own_c', keep => false, phase => 'later'),
	sg_plan_add_drop('own', 'table', 'own.own_3', keep => false, phase => 'later'), sg_plan_add_drop('own too', 'table', 'own.own_2') \g /dev/null
CALL sg_apply('own');
UPDATE own.own_p SET new = 'of the application'; UPDATE own.own_i SET new = 'of the application', more = 'too';
CALL sg_apply('own too');
SELECT sg_plan_release('own', 'later') \g /dev/null
CALL sg_apply('own');
SELECT step, state, reason FROM schemaguard.plan_step WHERE plan IN ('own', 'own too') AND kind = 'drop' ORDER BY plan, step;
SELECT sg_plan_drop('own', force => true), sg_plan_drop('own too', force => true) \g /dev/null
DROP SCHEMA own CASCADE;
SELECT format('DROP TABLE %s', oid::regclass) FROM pg_class WHERE relname = 'own_2' \gexec

-- a drop of what another step renames comes behind that, in whatever order they were added, and takes nothing; preflight tells
CREATE SCHEMA twice;
CREATE TABLE twice.t (id int PRIMARY KEY, b text, c text, d text); CREATE TABLE twice.moved AS SELECT 1 AS id; CREATE TABLE twice.gone AS SELECT 1 AS id;
CREATE TABLE twice.k (a int CONSTRAINT k CHECK (a > 0)); CREATE TABLE twice.i (a int); CREATE INDEX i_a ON twice.i (a); CREATE TABLE twice.g (a int); CREATE VIEW twice.v AS SELECT 1 AS one;
CREATE TRIGGER g BEFORE UPDATE ON twice.g FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
INSERT INTO twice.t VALUES (1, 'b', 'c', 'd');
SELECT sg_plan_create('twice') \g /dev/null
SELECT sg_plan_add_rename('twice', 'column', 'twice.t', 'bb', 'b'), sg_plan_add_drop('twice', 'column', 'twice.t', 'b', keep => false),
	sg_plan_add_drop('twice', 'column', 'twice.t', 'c', keep => false), sg_plan_add_rename('twice', 'column', 'twice.t', 'cc', 'c'),
	sg_plan_add_drop('twice', 'table', 'twice.gone', keep => false), sg_plan_add_rename('twice', 'table', 'twice.gone', 'gone_too'),
	sg_plan_add_drop('twice', 'table', 'twice.moved', keep => false), sg_plan_add_statement('twice', 'ALTER TABLE twice.moved SET SCHEMA public'),
	sg_plan_add_drop('twice', 'view', 'twice.v'), sg_plan_add_rename('twice', 'view', 'twice.v', 'vv'),
	sg_plan_add_drop('twice', 'constraint', 'twice.k', 'k'), sg_plan_add_rename('twice', 'constraint', 'twice.k', 'kk', 'k'),
	sg_plan_add_drop('twice', 'index', 'twice.i', 'i_a'), sg_plan_add_rename('twice', 'index', 'twice.i', 'i_b', 'i_a'),
	sg_plan_add_drop('twice', 'trigger', 'twice.g', 'g'), sg_plan_add_rename('twice', 'trigger', 'twice.g', 'gg', 'g') \g /dev/null
SELECT step, check_name, detail FROM sg_plan_check_details('twice') WHERE result = 'block' ORDER BY step;
SET client_min_messages = error;
CALL sg_apply('twice');
SET client_min_messages = warning;
SELECT step, state, reason FROM schemaguard.plan_step WHERE plan = 'twice' AND state <> 'validated' ORDER BY step;
SELECT * FROM twice.t;
-- ... unless that is left out; and one added behind both renames that swap a name means the new object, whichever of them was first
SELECT sg_plan_drop('twice', force => true), sg_plan_create('twice'), sg_plan_add_rename('twice', 'column', 'twice.t', 'b', 'bb'), sg_plan_add_drop('twice', 'column', 'twice.t', 'bb', keep => false),
	sg_plan_skip('twice', '{1}', 'not now'), sg_plan_add_rename('twice', 'column', 'twice.t', 'cc', 'd'), sg_plan_add_rename('twice', 'column', 'twice.t', 'c', 'cc'),
	sg_plan_add_drop('twice', 'column', 'twice.t', 'cc', keep => false) \g /dev/null
CALL sg_apply('twice');
SELECT * FROM twice.t;
-- ... and what "after" says goes before it, and is told
SELECT sg_plan_drop('twice', force => true), sg_plan_create('twice'), sg_plan_add_drop('twice', 'column', 'twice.t', 'c'), sg_plan_add_rename('twice', 'column', 'twice.t', 'd', 'c', after => '{1}') \g /dev/null
SELECT step, check_name, detail FROM sg_plan_check_details('twice') WHERE result = 'block' ORDER BY step;
SELECT sg_plan_drop('twice', force => true) \g /dev/null
DROP SCHEMA twice CASCADE;
DROP TABLE moved;
RESET client_min_messages;
