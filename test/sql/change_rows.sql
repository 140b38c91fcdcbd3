-- Rows that break a check or are null: counted before, and mended on the way, as the step's policy says
-- rooms: change fix deploy
\set VERBOSITY default
\set SHOW_CONTEXT never
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS schemaguard;
CREATE SCHEMA crow;
SET search_path = crow, public;
CREATE VIEW steps AS SELECT step, fk_name, orphans, state, reason FROM schemaguard.plan_step WHERE plan = 'r' ORDER BY step;
CREATE TABLE items (id int PRIMARY KEY, price int, city text, owner int, part int REFERENCES items ON DELETE CASCADE);
INSERT INTO items SELECT g, g - 5, CASE WHEN g % 4 > 0 THEN 'c' END, CASE WHEN g % 3 > 0 THEN g END FROM generate_series(1, 20) g;
CREATE TABLE notes (id int PRIMARY KEY, item int REFERENCES items);
INSERT INTO notes VALUES (1, 20);
RESET client_min_messages;
SET schemaguard.verbosity = 'steps';

-- stop: nothing is made
SELECT sg_plan_create('r') \g /dev/null
SELECT sg_plan_add_check('r', 'items', 'price > 0', 'positive');
SELECT sg_plan_add_check('r', 'items', '10 / (price - 1) < 100', 'raises');
CALL sg_apply('r', fix => true);
TABLE steps;
SELECT conname FROM pg_constraint WHERE conrelid = 'items'::regclass AND contype = 'c';

-- leave, without and with a fix
SELECT sg_plan_create('r', replace => true) \g /dev/null
SELECT sg_plan_add_check('r', 'items', 'price > 0', 'positive', policy => 'leave');
CALL sg_apply('r', fix => true);
TABLE steps;
-- the others wait for a fix
SELECT sg_plan_set('r', '{1}', '{"orphans": "delete"}');
CALL sg_apply('r');
CALL sg_fix_orphans('r', fail => true);
CALL sg_apply('r', fix => true, fail => true);
TABLE steps;
SELECT count(*), min(price) FROM items;
CALL sg_rollback_fks('r');

-- set: of a check, and in place of null; expressions see the row
SELECT sg_plan_create('r', replace => true) \g /dev/null
INSERT INTO items SELECT g, -g FROM generate_series(101, 110) g;
SELECT sg_plan_add_check('r', 'items', 'price > 0', 'positive', policy => 'set', child_column => 'price', fill => '- price');
SELECT sg_plan_add_check('r', 'items', $$city = 'c'$$, 'one_city', policy => 'set', child_column => 'city', fill => $$'d'$$);
SELECT sg_plan_add_check('r', 'items', 'id > 0', 'typed', policy => 'set', child_column => 'id', fill => $$'x'::text$$);
SELECT step, check_name, result, detail FROM sg_plan_check_details('r') WHERE result = 'block';
-- before: what is broken, what would be done, and that there is nothing to keep more from coming
SELECT fk_name, result, state, orphan_rows, child_columns, parent_table, reason, source FROM sg_orphan_audit_details(plan => 'r');
CALL sg_audit_gate(plan => 'r');
SELECT property, kind, result, count FROM schemaguard.finding WHERE target = 'plan r' ORDER BY property;
-- a policy that loses rows is named, and the hint loses none
SELECT step, detail, hint FROM sg_plan_check_details('r') WHERE check_name = 'rows' ORDER BY step;
CALL sg_fix_orphans('r', dry_run => true);
CALL sg_fix_orphans('r', steps => '{1}');
SELECT * FROM sg_plan_sql('r', '{1}');
-- nothing is made while rows break it
CALL sg_apply('r', validate => false, steps => '{1}');
CALL sg_fix_orphans('r', steps => '{1}');
SELECT conname FROM pg_constraint WHERE conrelid = 'items'::regclass AND contype = 'c';
CALL sg_apply('r', fix => true);
CALL sg_fix_orphans('r', dry_run => true, steps => '{1}');
SELECT count(*), sum(price) FROM items WHERE id > 100;
UPDATE items SET city = 'e' WHERE id = 101;
ALTER TABLE items DROP CONSTRAINT one_city;
CALL sg_apply('r', fix => true, steps => '{2}');
TABLE steps;
SELECT kind, sum(rows_affected) FROM schemaguard.plan_deed WHERE undo = 'nothing' GROUP BY kind;
CALL sg_rollback_fks('r');
SET client_min_messages = error;
SELECT sg_plan_create('r', replace => true), sg_plan_add_not_null('r', 'items', 'owner', policy => 'set', fill => '- id') \g /dev/null
CALL sg_apply('r', fix => true, fail => true);
SELECT attnotnull FROM pg_attribute WHERE attrelid = 'items'::regclass AND attname = 'owner';
SELECT count(*) FROM items WHERE owner = - id;
CALL sg_rollback_fks('r');
RESET client_min_messages;

-- quarantine: copies that come back; a row that others refer to stays
SELECT sg_plan_create('r', replace => true) \g /dev/null
UPDATE items SET price = - id WHERE id IN (20, 105, 106, 107);
SELECT sg_plan_add_check('r', 'items', 'price > 0', 'positive', policy => 'quarantine');
CALL sg_apply('r', fix => true);
TABLE steps;
-- what is there already, and can't be mended, does not stay
SELECT sg_plan_set('r', '{1}', '{"orphans": "leave"}');
CALL sg_apply('r');
SELECT sg_plan_set('r', '{1}', '{"orphans": "quarantine"}');
CALL sg_apply('r', fix => true);
TABLE steps;
SELECT conname FROM pg_constraint WHERE conrelid = 'items'::regclass AND contype = 'c';
DELETE FROM notes;
CALL sg_apply('r', fix => true);
SELECT fk_name, cause, count(*) FROM schemaguard.quarantine WHERE plan = 'r' GROUP BY 1, 2;
SELECT count(*) FROM items WHERE price <= 0;
CALL sg_rollback_fks('r');
SELECT count(*) FROM items WHERE price <= 0;

-- a trigger keeps a row; partitions
CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN CASE WHEN OLD.id = 105 THEN NULL ELSE OLD END; END';
CREATE TRIGGER keep BEFORE DELETE ON items FOR EACH ROW EXECUTE FUNCTION keep();
SELECT sg_plan_create('r', replace => true) \g /dev/null
SELECT sg_plan_add_check('r', 'items', 'price > 0', 'positive', policy => 'delete');
CALL sg_apply('r', fix => true);
DROP TRIGGER keep ON items;
CALL sg_apply('r', fix => true);
CREATE TABLE parts (k int, v int) PARTITION BY LIST (k);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES IN (1);
CREATE TABLE parts_2 PARTITION OF parts FOR VALUES IN (2);
INSERT INTO parts SELECT 1 + abs(g) % 2, g FROM generate_series(-9, 10) g;
SELECT sg_plan_create('r', replace => true) \g /dev/null
SELECT sg_plan_add_check('r', 'parts', 'v > 0', policy => 'delete');
CALL sg_apply('r', fix => true);
SELECT count(*) FROM parts;

-- equal rows: one of each group stays, by an order of the plan's; without a fix they are counted
CREATE TABLE people (id int PRIMARY KEY, mail text, "Seen" int, up int REFERENCES people ON DELETE CASCADE);
INSERT INTO people SELECT g, CASE WHEN g % 10 > 0 THEN 'm' || g / 3 END, nullif(g % 3, 0) FROM generate_series(1, 100) g;
CREATE VIEW held AS SELECT count(*) AS people, count(mail) AS mails, count(DISTINCT mail) AS different FROM people;
SELECT sg_plan_create('r', replace => true), sg_plan_add_unique('r', 'people', '{mail}', policy => 'quarantine', keep_by => '"Seen" DESC NULLS LAST, lower(mail)') \g /dev/null
CALL sg_fix_orphans('r', dry_run => true);
CALL sg_apply('r');
SET schemaguard.verbosity = problems;
CALL sg_apply('r', fix => true, fail => true);
TABLE held;
SELECT id, mail, "Seen" FROM people WHERE mail IN ('m1', 'm2') ORDER BY id;
SELECT fk_name, cause, count(*) FROM schemaguard.quarantine WHERE plan = 'r' GROUP BY 1, 2;
CALL sg_rollback_fks('r', fail => true);
TABLE held;
-- a row that stays and goes with one that goes
UPDATE people SET up = 4 WHERE id = 5;
CALL sg_apply('r', fix => true);
TABLE held;
SELECT sg_plan_set('r', '{1}', '{"keep_by": "id DESC LIMIT 1"}');
SELECT sg_plan_set('r', '{1}', '{"keep_by": "id USING <"}');
SELECT sg_plan_set('r', '{1}', '{"keep_by": "id"}');
CALL sg_apply('r', fix => true, fail => true);
TABLE held;
SELECT id FROM people WHERE mail IN ('m1', 'm2') ORDER BY id;
CREATE TABLE shares (k int, v int) PARTITION BY LIST (k);
CREATE TABLE shares_1 PARTITION OF shares FOR VALUES IN (1);
CREATE TABLE shares_2 PARTITION OF shares FOR VALUES IN (2);
INSERT INTO shares SELECT 1 + g % 2, g % 5 FROM generate_series(1, 40) g;
DELETE FROM schemaguard.quarantine WHERE plan = 'r';
SELECT sg_plan_create('r', replace => true), sg_plan_add_unique('r', 'shares', '{k,v}', policy => 'quarantine', keep_by => 'k') \g /dev/null
CALL sg_apply('r', fix => true, fail => true);
SELECT count(*), count(DISTINCT (k, v)) FROM shares;
RESET schemaguard.verbosity;
DELETE FROM schemaguard.quarantine WHERE plan = 'r';

-- a column whose rows get a value in batches, each its own
SELECT sg_plan_create('r', replace => true) \g /dev/null
SELECT sg_plan_add_column('r', 'parts', 'stamp', 'uuid', fill => 'gen_random_uuid()'), sg_plan_add_not_null('r', 'parts', 'stamp', 'stamped');
SELECT step, check_name, result, regexp_replace(detail, '[0-9.]+ kB|[0-9]+ bytes', '# kB') FROM sg_plan_check_details('r') WHERE step > 0;
SET schemaguard.verbosity = problems;
CALL sg_apply('r', fail => true);
RESET schemaguard.verbosity;
SELECT count(*), count(DISTINCT stamp) FROM parts;
CALL sg_apply('r', fail => true);
CALL sg_rollback_fks('r', fail => true);
ALTER TABLE parts DROP COLUMN stamp;
CALL sg_rollback_fks('r', fail => true);
SELECT attname FROM pg_attribute WHERE attrelid = 'parts'::regclass AND attnum > 0 AND NOT attisdropped;

-- a fill that gives no value
SELECT sg_plan_create('r', replace => true), sg_plan_add_column('r', 'parts', 'again', 'int', fill => 'NULL::int') \g /dev/null
CALL sg_apply('r');
CALL sg_rollback_fks('r', fail => true);

-- a default that is computed for each row: not under the lock
SELECT sg_plan_create('r', replace => true) \g /dev/null
CREATE TABLE tokens (id int);
INSERT INTO tokens SELECT generate_series(1, 50);
SELECT pg_relation_filenode('tokens') AS file \gset
SELECT sg_plan_add_column('r', 'tokens', 'a', 'text DEFAULT gen_random_uuid()::text COLLATE "C" NULL'), sg_plan_add_column('r', 'tokens', 'b', 'uuid DEFAULT gen_random_uuid()', fill => 'md5(id::text)::uuid'),
       sg_plan_add_column('r', 'tokens', 'c', 'bigint GENERATED ALWAYS AS IDENTITY'), sg_plan_add_column('r', 'tokens', 'd', 'float DEFAULT/**/(random() -- it
)');
SELECT step, check_name, result, regexp_replace(detail, '[0-9.]+ kB|[0-9]+ bytes', '# kB') FROM sg_plan_check_details('r') WHERE step > 0;
SELECT * FROM sg_plan_sql('r');
SET schemaguard.verbosity = problems;
CALL sg_apply('r', fail => true, steps => '{1,2,4}');
RESET schemaguard.verbosity;
SELECT pg_relation_filenode('tokens') = :file AS same_file, count(DISTINCT a), count(b), count(DISTINCT d) FROM tokens;
INSERT INTO tokens VALUES (51) RETURNING a IS NOT NULL, b IS NOT NULL, d IS NOT NULL;
SELECT attname, attcollation::regcollation, pg_get_expr(adbin, adrelid) FROM pg_attribute JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum WHERE attrelid = 'tokens'::regclass ORDER BY attnum;
CALL sg_rollback_fks('r', fail => true);
SELECT sg_plan_release('r', 'fill');
ALTER TABLE tokens DROP COLUMN a, DROP COLUMN b, DROP COLUMN d;
CALL sg_rollback_fks('r', fail => true);

-- serial, which is no type
SELECT sg_plan_create('r', replace => true) \g /dev/null
CREATE TABLE numbers (x int);
INSERT INTO numbers SELECT generate_series(1, 5);
SELECT sg_plan_add_column('r', 'numbers', 'a', 'serial'), sg_plan_add_column('r', 'numbers', 'b', 'bigserial'), sg_plan_add_column('r', 'numbers', 'c', '"serial"[]');
SELECT step, check_name, result, regexp_replace(detail, '[0-9.]+ kB|[0-9]+ bytes', '# kB') FROM sg_plan_check_details('r') WHERE step > 0 AND check_name IN ('deployment', 'rewrite');
SET schemaguard.verbosity = problems;
CALL sg_apply('r', steps => '{1,2}', fail => true);
SELECT count(DISTINCT a), pg_get_serial_sequence('numbers', 'a') AS a, pg_get_serial_sequence('numbers', 'b') AS b FROM numbers;
CALL sg_apply('r', steps => '{1,2}', fail => true);
RESET schemaguard.verbosity;
SELECT count(*) FROM schemaguard.plan_step WHERE plan = 'r' AND state = 'validated';
CALL sg_rollback_fks('r', fail => true);
ALTER TABLE numbers DROP COLUMN a, DROP COLUMN b;
CALL sg_rollback_fks('r', fail => true);
SELECT count(*) FROM pg_class WHERE relname ~ '^numbers_._seq$';

-- code of the table's owner is run by nobody else
SET client_min_messages = error;
CREATE ROLE regress_sg_planter;
GRANT USAGE, CREATE ON SCHEMA crow TO regress_sg_planter;
SET SESSION AUTHORIZATION regress_sg_planter;
CREATE TABLE crow.planted (id int, v int);
INSERT INTO crow.planted VALUES (1, 1), (2, -1);
CREATE FUNCTION crow.good(int) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS
  'BEGIN IF current_user <> ''regress_sg_planter'' THEN RAISE EXCEPTION ''ran as %'', current_user; END IF; RETURN $1 > 0; END';
RESET SESSION AUTHORIZATION;
RESET client_min_messages;
SELECT sg_plan_create('r', replace => true) \g /dev/null
SELECT sg_plan_add_check('r', 'planted', 'crow.good(v)', policy => 'delete');
CALL sg_apply('r', fix => true, fail => true);
SELECT * FROM planted;
-- nor is what somebody else has written, unread
SELECT sg_grant('regress_sg_planter') \g /dev/null
SET SESSION AUTHORIZATION regress_sg_planter;
SELECT sg_plan_create('w'), sg_plan_add_check('w', 'crow.planted', 'crow.good(v - 1)', policy => 'delete') \g /dev/null
RESET SESSION AUTHORIZATION;
\set VERBOSITY sqlstate
CALL sg_fix_orphans('w', dry_run => true, author => 'regress_sg_planter');
\set VERBOSITY default
CALL sg_fix_orphans('w', dry_run => true, author => 'regress_sg_planter', confirm => schemaguard.sg_plan_hash('w'));

DELETE FROM schemaguard.quarantine WHERE plan = 'r';
-- one rollback puts all rows back, each when what refuses it is gone: a unique constraint, a check, a NOT NULL; triggers that would change them are disabled meanwhile
SET client_min_messages = error;
SELECT sg_plan_create('r', replace => true) \g /dev/null
RESET client_min_messages;
CREATE TABLE twice (id int PRIMARY KEY, v int);
INSERT INTO twice SELECT g, g % 90 FROM generate_series(1, 100) g;
CREATE TABLE stamped (id int PRIMARY KEY, v int, note text, at date DEFAULT '2020-01-01');
INSERT INTO stamped SELECT g, g FROM generate_series(1, 20) g;
CREATE FUNCTION stamp() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.at := now(); RETURN NEW; END';
CREATE TRIGGER stamp BEFORE INSERT ON stamped FOR EACH ROW EXECUTE FUNCTION stamp();
CREATE TRIGGER always BEFORE INSERT ON stamped FOR EACH ROW EXECUTE FUNCTION stamp();
CREATE TRIGGER off BEFORE INSERT ON stamped FOR EACH ROW EXECUTE FUNCTION stamp();
ALTER TABLE stamped ENABLE ALWAYS TRIGGER always, DISABLE TRIGGER off;
SELECT sg_plan_add_unique('r', 'twice', '{v}', policy => 'quarantine', keep_by => 'id', priority => 'high'),
  sg_plan_add_check('r', 'twice', 'v <> 7', policy => 'quarantine'), sg_plan_add_fk('r', 'twice', '{v}', 'items', orphans => 'quarantine', index => false),
  sg_plan_add_check('r', 'stamped', 'v > 10', policy => 'quarantine'), sg_plan_add_not_null('r', 'stamped', 'note', policy => 'quarantine', priority => 'low') \g /dev/null
SET client_min_messages = warning;
CALL sg_apply('r', fix => true);
RESET client_min_messages;
SELECT count(*), (SELECT count(*) FROM twice), (SELECT count(*) FROM stamped) FROM schemaguard.quarantine WHERE plan = 'r';
CALL sg_rollback_fks('r', fail => true);
SELECT count(*), (SELECT count(*) FROM twice), (SELECT count(*) FROM stamped WHERE at = '2020-01-01') FROM schemaguard.quarantine WHERE plan = 'r';
SELECT tgname, tgenabled FROM pg_trigger WHERE tgrelid = 'stamped'::regclass ORDER BY 1;
-- rows that somebody else's constraint keeps out are left, and the last line and the step say why
SET client_min_messages = warning;
CALL sg_apply('r', fix => true, steps => '{4}');
RESET client_min_messages;
ALTER TABLE stamped ADD CONSTRAINT theirs CHECK (id > 4);
CALL sg_rollback_fks('r', steps => '{4}');
SELECT * FROM steps WHERE step = 4;
ALTER TABLE stamped DROP CONSTRAINT theirs;
CALL sg_rollback_fks('r', steps => '{4}');

-- rows go back by the numbers of their columns, whatever their names are by now: swapped, passed on to the next column, to one of another type, to one that is not dropped
SET client_min_messages = error;
SELECT sg_plan_drop('r', force => true), sg_plan_create('r') \g /dev/null
RESET client_min_messages;
CREATE TABLE swapped (id int PRIMARY KEY, net int, gross int);
INSERT INTO swapped VALUES (1, 10, 12), (2, -5, 6), (3, 20, 24);
CREATE TABLE passed (id int PRIMARY KEY, v int, a text, b text);
INSERT INTO passed SELECT g, g, 'a' || g, 'b' || g FROM generate_series(1, 3) g;
CREATE TABLE typed (LIKE passed INCLUDING ALL);
INSERT INTO typed SELECT g, g, '0' || g, 'b' || g FROM generate_series(1, 3) g;
CREATE TABLE kept (LIKE passed INCLUDING ALL);
INSERT INTO kept TABLE passed;
SELECT sg_plan_add_check('r', 'swapped', 'net > 0', policy => 'quarantine'), sg_plan_add_rename('r', 'column', 'swapped', 'x', 'net'),
  sg_plan_add_rename('r', 'column', 'swapped', 'net', 'gross'), sg_plan_add_rename('r', 'column', 'swapped', 'gross', 'x'),
  sg_plan_add_check('r', 'passed', 'v <> 2', policy => 'quarantine'), sg_plan_add_rename('r', 'column', 'passed', 'c', 'b'), sg_plan_add_rename('r', 'column', 'passed', 'b', 'a'),
  sg_plan_add_check('r', 'typed', 'v <> 2', policy => 'quarantine'), sg_plan_add_column('r', 'typed', 'n', 'bigint', fill => 'a::bigint'),
  sg_plan_add_rename('r', 'column', 'typed', 'a_old', 'a'), sg_plan_add_rename('r', 'column', 'typed', 'a', 'n', after => '{10}'),
  sg_plan_add_check('r', 'kept', 'v <> 2', policy => 'quarantine'), sg_plan_add_drop('r', 'column', 'kept', 'a'), sg_plan_add_rename('r', 'column', 'kept', 'a', 'b', after => '{13}') \g /dev/null
SET client_min_messages = warning;
CALL sg_apply('r', fix => true);
RESET client_min_messages;
SELECT row_table, columns FROM schemaguard.quarantine WHERE plan = 'r' ORDER BY id;
CALL sg_rollback_fks('r', fail => true);
SELECT * FROM swapped ORDER BY id;
SELECT * FROM passed p NATURAL JOIN kept k ORDER BY id;
SELECT * FROM typed ORDER BY id;
-- where names are all that is known, as after a restore, rows wait until those of the plan are taken back
SET client_min_messages = warning;
CALL sg_apply('r', fix => true);
UPDATE schemaguard.quarantine SET identity = regexp_replace(identity, '^\d+', '1') WHERE plan = 'r';
ALTER TABLE swapped DROP CONSTRAINT swapped_check;
CALL sg_restore_quarantine('r');
RESET client_min_messages;
SELECT row_table, reason FROM schemaguard.quarantine WHERE plan = 'r' ORDER BY id;
CALL sg_rollback_fks('r', fail => true);
SELECT * FROM swapped ORDER BY id;
SELECT * FROM passed p NATURAL JOIN kept k ORDER BY id;
SELECT * FROM typed ORDER BY id;
-- names that a colleague has changed do not matter, either; a column that was made anew is another one, unless the call for these rows says so
SET client_min_messages = error;
SELECT sg_plan_drop('r', force => true), sg_plan_create('r') \g /dev/null
SELECT sg_plan_add_check('r', 'passed', 'v <> 2', 'two', policy => 'quarantine') \g /dev/null
CALL sg_apply('r', fix => true);
RESET client_min_messages;
ALTER TABLE passed DROP CONSTRAINT two;
ALTER TABLE passed RENAME a TO x;
ALTER TABLE passed RENAME b TO a;
ALTER TABLE passed RENAME x TO b;
ALTER TABLE passed DROP v, ADD v int;
CALL sg_rollback_fks('r');
CALL sg_restore_quarantine('r');
SELECT * FROM passed ORDER BY id;

-- a value goes back into no column that ALTER COLUMN ... TYPE with USING has given another meaning since, by the plan or a colleague; other rewrites do not matter
SET client_min_messages = error;
SELECT sg_plan_drop('r', force => true), sg_plan_create('r') \g /dev/null
RESET client_min_messages;
CREATE TABLE priced (id int PRIMARY KEY, v int, cents int);
INSERT INTO priced SELECT g, g - 2, g * 100 FROM generate_series(1, 4) g;
CREATE TABLE owed (id int PRIMARY KEY, cents int);
INSERT INTO owed SELECT g, (g - 3) * 100 FROM generate_series(1, 4) g;
CREATE TABLE netted (id int PRIMARY KEY, v int, net numeric);
INSERT INTO netted TABLE priced;
CREATE TABLE widened (LIKE priced INCLUDING ALL);
INSERT INTO widened TABLE priced;
CREATE TABLE rewritten (LIKE priced INCLUDING ALL);
INSERT INTO rewritten SELECT id, nullif(v, 0), cents FROM priced;
SELECT sg_plan_add_check('r', 'priced', 'v > 0', policy => 'quarantine'), sg_plan_add('r', 'ALTER TABLE priced ALTER cents TYPE numeric(12,2) USING cents / 100.0'),
  sg_plan_add_check('r', 'owed', 'cents >= 0', policy => 'set', child_column => 'cents', fill => '0'), sg_plan_add('r', 'ALTER TABLE owed ALTER cents TYPE bigint USING cents / 100'),
  sg_plan_add_check('r', 'netted', 'v > 0', policy => 'quarantine'),
  sg_plan_add_check('r', 'widened', 'v > 0', policy => 'quarantine'), sg_plan_add('r', 'ALTER TABLE widened ALTER cents TYPE bigint'),
  sg_plan_add_not_null('r', 'rewritten', 'v', policy => 'quarantine') \g /dev/null
SET client_min_messages = error;
CALL sg_apply('r', fix => true);
ALTER TABLE netted ALTER net TYPE numeric USING round(net / 100, 2);
ALTER TABLE rewritten ADD u uuid DEFAULT gen_random_uuid();
RESET client_min_messages;
CALL sg_rollback_fks('r');
SELECT row_table, reason, count(*) FROM schemaguard.quarantine WHERE plan = 'r' GROUP BY 1, 2 ORDER BY 1;
SELECT * FROM steps;
CALL sg_restore_quarantine('r');
CALL sg_restore_quarantine('r', retyped => true);
SELECT * FROM priced ORDER BY id;
SELECT * FROM netted ORDER BY id;
SELECT * FROM owed ORDER BY id;
SELECT id, w.cents, r.v FROM widened w JOIN rewritten r USING (id) ORDER BY id;
-- in another database the type's name says it
SET client_min_messages = error;
SELECT sg_plan_drop('r', force => true), sg_plan_create('r') \g /dev/null
DELETE FROM netted WHERE v > 0;
SELECT sg_plan_add_check('r', 'netted', 'v > 0', 'positive', policy => 'quarantine') \g /dev/null
CALL sg_apply('r', fix => true);
UPDATE schemaguard.quarantine SET identity = regexp_replace(identity, '^\d+', '1') WHERE plan = 'r';
ALTER TABLE netted DROP CONSTRAINT positive, ALTER net TYPE int USING net * 100;
RESET client_min_messages;
CALL sg_restore_quarantine('r');
ALTER TABLE netted ALTER net TYPE numeric USING net / 100.0;
CALL sg_restore_quarantine('r');
-- where the type is taken back first, a rollback needs nothing more
SET client_min_messages = error;
SELECT sg_plan_drop('r', force => true), sg_plan_create('r') \g /dev/null
SELECT sg_plan_add_check('r', 'netted', 'v > 0', policy => 'quarantine'),
  sg_plan_add('r', 'ALTER TABLE netted ALTER net TYPE numeric USING net / 100', '{"undo": "ALTER TABLE netted ALTER net TYPE numeric USING net * 100"}') \g /dev/null
CALL sg_apply('r', fix => true);
RESET client_min_messages;
CALL sg_rollback_fks('r', fail => true);

-- a default of before means something else, too
SET client_min_messages = error;
SELECT sg_plan_drop('r', force => true), sg_plan_create('r') \g /dev/null
CREATE TABLE rated (id int PRIMARY KEY, cents int DEFAULT 100);
SELECT sg_plan_add_default('r', 'rated', 'cents', NULL), sg_plan_add('r', 'ALTER TABLE rated ALTER cents TYPE numeric USING cents / 100.0', '{"after": "{1}"}') \g /dev/null
CALL sg_apply('r');
RESET client_min_messages;
CALL sg_rollback_fks('r', steps => '{1}');
-- rows that have values in a column which is gone: the hint has it
SET client_min_messages = error;
SELECT sg_plan_drop('r', force => true), sg_plan_create('r') \g /dev/null
CREATE TABLE trimmed (id int PRIMARY KEY, n text);
INSERT INTO trimmed VALUES (1, 'one'), (2, 'two');
SELECT sg_plan_add_check('r', 'trimmed', 'id <> 2', 'two', policy => 'quarantine') \g /dev/null
CALL sg_apply('r', fix => true);
SELECT sg_plan_add_drop('r', 'column', 'trimmed', 'n', keep => false) \g /dev/null
RESET client_min_messages;
SELECT result, detail FROM sg_plan_check_details('r') WHERE step = 2 AND check_name = 'rows' ORDER BY detail;
SELECT sg_plan_skip('r', '{2}', 'by hand') \g /dev/null
ALTER TABLE trimmed DROP n;
CALL sg_rollback_fks('r');
ALTER TABLE trimmed ADD COLUMN n text;
CALL sg_restore_quarantine('r');
SELECT * FROM trimmed ORDER BY id;

-- rows that were away while a column was filled: its step looks again, and sg_prune() leaves the source of the values
SET client_min_messages = error;
SELECT sg_plan_drop('r', force => true), sg_plan_create('r') \g /dev/null
CREATE TABLE origins (id int PRIMARY KEY);
INSERT INTO origins SELECT generate_series(1, 3);
CREATE TABLE copied (id int PRIMARY KEY, p int, a text);
INSERT INTO copied SELECT g, g, 'a' || g FROM generate_series(1, 4) g;
SELECT sg_plan_add_fk('r', 'copied', '{p}', 'origins', orphans => 'quarantine', index => false),
  sg_plan_add_column('r', 'copied', 'n', 'text', fill => 'upper(a)', after => '{1}'), sg_plan_add_drop('r', 'column', 'copied', 'a') \g /dev/null
CALL sg_apply('r', fix => true);
INSERT INTO origins VALUES (4);
RESET client_min_messages;
CALL sg_restore_quarantine('r');
SELECT id, n FROM copied ORDER BY id;
SELECT * FROM steps;
CALL sg_prune(now() + interval '1 hour', what => 'attic');
CALL sg_apply('r');
CALL sg_rollback_fks('r', steps => '{3}');
CALL sg_apply('r');
SELECT id, n FROM copied ORDER BY id;
SELECT * FROM steps;
-- the application has taken a value away
UPDATE copied SET n = NULL WHERE id = 1;
CALL sg_prune(now() + interval '1 hour', what => 'attic');
UPDATE copied SET _sg_dropped_a = NULL WHERE n IS NULL AND _sg_dropped_a IS NOT NULL;
CALL sg_prune(now() + interval '1 hour', what => 'attic');
-- ... and so does that of a key whose column was filled while they were away
SET client_min_messages = error;
SELECT sg_plan_drop('r', force => true), sg_plan_create('r') \g /dev/null
CREATE TABLE members (id int PRIMARY KEY); INSERT INTO members VALUES (1), (2), (3);
CREATE TABLE accounts (id int PRIMARY KEY, member_id int UNIQUE REFERENCES members); INSERT INTO accounts SELECT id + 100, id FROM members;
CREATE TABLE bookings (id int PRIMARY KEY, p int, member_id int REFERENCES members); INSERT INTO bookings VALUES (1, 1, 1), (2, 5, 2), (3, 5, 3);
SELECT sg_plan_create('before'), sg_plan_add_fk('before', 'bookings', '{p}', 'origins', orphans => 'quarantine', index => false) \g /dev/null
CALL sg_apply('before', fix => true);
SELECT sg_plan_retarget('r', 'members', 'accounts', 'member_id'), sg_plan_release('r', 'retargeted') \g /dev/null
CALL sg_apply('r');
INSERT INTO origins VALUES (5);
CALL sg_restore_quarantine('before');
RESET client_min_messages;
SELECT id, account_id FROM bookings ORDER BY id;
SELECT * FROM steps;
SELECT step, check_name, detail FROM sg_plan_check_details('r') WHERE step > 0 AND result = 'block';
CALL sg_apply('r');
CALL sg_rollback_fks('r', steps => '{2}');
CALL sg_apply('r');
SELECT id, account_id FROM bookings ORDER BY id;
SELECT * FROM steps;
SELECT sg_plan_drop('before', force => true);
SELECT count(*) FROM pg_trigger WHERE tgrelid = 'bookings'::regclass AND NOT tgisinternal;

-- rows of a partition that is a table of its own by now wait for it, and do not go into the default partition
SET client_min_messages = error;
SELECT sg_plan_drop('r', force => true), sg_plan_create('r') \g /dev/null
CREATE TABLE parted (id int PRIMARY KEY, v int) PARTITION BY RANGE (id);
CREATE TABLE parted_low PARTITION OF parted FOR VALUES FROM (0) TO (10);
CREATE TABLE parted_rest PARTITION OF parted DEFAULT;
INSERT INTO parted SELECT g, g - 2 FROM generate_series(1, 4) g UNION ALL SELECT 100, 1;
SELECT sg_plan_add_check('r', 'parted', 'v > 0', policy => 'quarantine'), sg_plan_add_drop('r', 'table', 'parted_low') \g /dev/null
CALL sg_apply('r', fix => true);
RESET client_min_messages;
CALL sg_rollback_fks('r');
SELECT * FROM steps;
ALTER TABLE parted_low DROP CONSTRAINT parted_check;
ALTER TABLE parted ATTACH PARTITION parted_low FOR VALUES FROM (0) TO (10);
CALL sg_restore_quarantine('r');
SELECT tableoid::regclass, * FROM parted ORDER BY id;
SELECT * FROM steps;
-- a fill changes rows where they are, so that preflight names those which a partition would not take
SELECT sg_plan_add_check('r', 'parted', 'id <> 4', policy => 'set', child_column => 'id', fill => 'id + 100') \g /dev/null
SELECT check_name, result, detail FROM sg_plan_check_details('r', verify => 'full') WHERE step = 3 AND check_name IN ('fill', 'set') ORDER BY check_name;

-- values whose cast to text is another text than their output, and triggers and rules that change or keep out what a rollback gives back
SET client_min_messages = error;
SELECT sg_plan_drop('r', force => true), sg_plan_create('r') \g /dev/null
CREATE TABLE outputs (c char(5), b boolean, i inet, x xml, PRIMARY KEY (c, i));
INSERT INTO outputs VALUES ('ab', false, '10.0.0.1'), ('abcde', false, '10.0.0.1'), ('no', true, '10.0.0.2');
SELECT sg_plan_add_check('r', 'outputs', 'b', policy => 'set', child_column => 'b', fill => 'true'),
  sg_plan_add_check('r', 'outputs', $$i <> '10.0.0.2'$$, policy => 'set', child_column => 'i', fill => $$'10.0.0.3'$$),
  sg_plan_add_check('r', 'outputs', $$c <> 'no'$$, policy => 'set', child_column => 'c', fill => $$'yes'$$),
  sg_plan_add_not_null('r', 'outputs', 'x', policy => 'set', fill => $$xmlparse(DOCUMENT '<?xml version="1.0" encoding="UTF-8"?><a/>')$$) \g /dev/null
CREATE TABLE fired (id int PRIMARY KEY, v int);
INSERT INTO fired SELECT g, -g FROM generate_series(1, 3) g;
SELECT sg_plan_add_check('r', 'fired', 'v > 0', policy => 'set', child_column => 'v', fill => '5') \g /dev/null
CALL sg_apply('r', fix => true);
TABLE outputs ORDER BY 1, 3;
RESET client_min_messages;
CREATE FUNCTION changes_back() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN new.v := greatest(new.v, 0); RETURN new; END';
CREATE FUNCTION keeps_out() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN CASE WHEN new.v < 0 THEN NULL ELSE new END; END';
CREATE TRIGGER t BEFORE UPDATE ON fired FOR EACH ROW EXECUTE FUNCTION changes_back();
CALL sg_rollback_fks('r', steps => 5);
CREATE OR REPLACE TRIGGER t BEFORE UPDATE ON fired FOR EACH ROW EXECUTE FUNCTION keeps_out();
CALL sg_rollback_fks('r', steps => 5);
DROP TRIGGER t ON fired;
CREATE RULE r AS ON UPDATE TO fired DO INSTEAD NOTHING;
CALL sg_rollback_fks('r', steps => 5);
DROP RULE r ON fired;
CALL sg_rollback_fks('r');
TABLE outputs ORDER BY 1, 3;
TABLE fired ORDER BY 1;
SELECT count(*) FROM schemaguard.plan_value;
DROP TABLE outputs, fired;
DROP FUNCTION changes_back(), keeps_out();

-- a table on which another role may make triggers, and whose fill reads what a later step drops
SET client_min_messages = error;
SELECT sg_plan_drop('r', force => true), sg_plan_create('r') \g /dev/null
CREATE TABLE granted (id int PRIMARY KEY, k text);
INSERT INTO granted SELECT g, 'k' || g FROM generate_series(1, 3) g;
GRANT ALL ON granted TO regress_sg_planter;
SELECT sg_plan_add_column('r', 'granted', 'n', 'text', fill => 'upper(k)'), sg_plan_add_drop('r', 'column', 'granted', 'k') \g /dev/null
RESET client_min_messages;
CALL sg_apply('r');
SELECT id, n FROM granted ORDER BY id;
SET client_min_messages = error;
CALL sg_rollback_fks('r');
RESET client_min_messages;
DROP TABLE granted;

-- a function, an operator class and a collation that tables and columns depend on
SET client_min_messages = error;
SELECT sg_plan_drop('r', force => true), sg_plan_create('r') \g /dev/null
CREATE FUNCTION keyed(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS 'BEGIN RETURN $1; END';
CREATE OPERATOR CLASS own_int FOR TYPE int USING btree AS OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >, FUNCTION 1 btint4cmp(int, int);
CREATE COLLATION own_c FROM "C";
CREATE TABLE by_function (k int) PARTITION BY LIST (keyed(k));
CREATE TABLE by_function1 PARTITION OF by_function DEFAULT;
CREATE TABLE by_class (k int) PARTITION BY RANGE (k own_int);
CREATE TABLE by_class1 PARTITION OF by_class DEFAULT;
CREATE TABLE by_collation (id int, t text COLLATE own_c);
INSERT INTO by_function SELECT generate_series(1, 20);
INSERT INTO by_class SELECT generate_series(1, 30);
INSERT INTO by_collation SELECT g, g FROM generate_series(1, 40) g;
SELECT sg_plan_add_statement('r', s) FROM unnest('{DROP FUNCTION crow.keyed(int) CASCADE,DROP OPERATOR FAMILY crow.own_int USING btree CASCADE,DROP COLLATION crow.own_c CASCADE}'::text[]) s \g /dev/null
RESET client_min_messages;
SELECT step, check_name, result, detail FROM sg_plan_check_details('r') WHERE check_name IN ('loss', 'cascade') ORDER BY 1, 2;
CALL sg_apply('r', max_rows => 5);
CALL sg_apply('r');

-- values to which keys with actions refer are not changed, and neither are those rows: counted before, refused, and by a rollback as well
SET client_min_messages = error;
SELECT sg_plan_drop('r', force => true), sg_plan_create('r') \g /dev/null
CREATE TABLE codes (id int PRIMARY KEY, code int UNIQUE);
INSERT INTO codes SELECT g, -g FROM generate_series(1, 6) g;
CREATE TABLE follows (id int PRIMARY KEY, code int CONSTRAINT follows_code REFERENCES codes (code) ON UPDATE CASCADE);
INSERT INTO follows SELECT g, -1 - g % 2 FROM generate_series(1, 4) g;
CREATE TABLE loses (id int PRIMARY KEY, code int CONSTRAINT loses_code REFERENCES codes (code) ON UPDATE SET NULL);
INSERT INTO loses SELECT g, -g FROM generate_series(1, 6) g;
SELECT sg_plan_add_check('r', 'codes', 'code > 0', 'codes_positive', policy => 'set', child_column => 'code', fill => '-code') \g /dev/null
RESET client_min_messages;
SELECT check_name, result, detail, hint FROM sg_plan_check_details('r', verify => 'full') WHERE step = 1 AND check_name = 'referring';
CALL sg_fix_orphans('r', dry_run => true);
CALL sg_apply('r', fix => true, max_rows => 100);
TABLE steps;
SELECT count(*) FROM codes WHERE code > 0;
SELECT count(*) FROM loses WHERE code IS NULL;
TRUNCATE follows, loses;
-- rows that come between look and deed, here by a trigger
CREATE FUNCTION come() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN INSERT INTO crow.loses VALUES (old.id, old.code) ON CONFLICT DO NOTHING; RETURN new; END$$;
CREATE TRIGGER come BEFORE UPDATE ON codes FOR EACH ROW EXECUTE FUNCTION come();
SET track_counts = off;
CALL sg_apply('r', fix => true);
RESET track_counts;
SELECT count(*) FROM loses;
DROP FUNCTION come() CASCADE;
CALL sg_apply('r', fix => true);
INSERT INTO loses VALUES (7, 3);
CALL sg_rollback_fks('r');
TABLE steps;
TABLE loses;
TRUNCATE loses;
CALL sg_rollback_fks('r');
SELECT count(*) FROM codes WHERE code < 0;

-- rows of tables that inherit are counted before, held against the limit, fixed, told and put back as those of the table itself
SET client_min_messages = error;
SELECT sg_plan_drop('r', force => true), sg_plan_create('r') \g /dev/null
CREATE TABLE base (id int PRIMARY KEY, v int, w int);
CREATE TABLE heir (extra text) INHERITS (base);
CREATE TABLE grandheir (PRIMARY KEY (id)) INHERITS (heir);
CREATE TABLE of_heir (id int REFERENCES grandheir);
INSERT INTO base VALUES (1, -1, 1), (2, 2, 1);
INSERT INTO heir SELECT g, -g, 1, 'x' FROM generate_series(1, 4) g;
INSERT INTO grandheir SELECT g, CASE WHEN g > 3 THEN g ELSE -g END, CASE WHEN g < 4 THEN 1 END, 'y' FROM generate_series(1, 5) g;
INSERT INTO of_heir VALUES (1);
SELECT sg_plan_add_check('r', 'base', 'v > 0', 'base_positive', policy => 'delete'), sg_plan_add_check('r', 'base', 'w IS NOT NULL', 'base_w', policy => 'set', child_column => 'w', fill => '0') \g /dev/null
RESET client_min_messages;
SELECT step, check_name, result, detail FROM sg_plan_check_details('r', verify => 'full') WHERE step > 0 AND check_name IN ('rows', 'referring') ORDER BY 1, 2;
CALL sg_apply('r', fix => true, max_rows => 8);
TRUNCATE of_heir;
SET schemaguard.fix_limit = 5;
-- hints after a failure lead on: check, dry run, call
SELECT hint FROM sg_plan_check_details('r') WHERE step = 1 AND check_name = 'failed';
CALL sg_fix_orphans('r', dry_run => true);
CALL sg_apply('r', fix => true);
RESET schemaguard.fix_limit;
SELECT sg_plan_set('r', '{1}', '{"orphans": "quarantine"}') \g /dev/null
CALL sg_apply('r', fix => true);
SELECT tableoid::regclass, count(*) FROM base GROUP BY 1 ORDER BY 1;
SELECT row_table, count(*) FROM schemaguard.quarantine WHERE plan = 'r' GROUP BY 1 ORDER BY 1;
TABLE steps;
CALL sg_rollback_fks('r');
SELECT tableoid::regclass, count(*), sum(v), count(w) FROM base GROUP BY 1 ORDER BY 1;
DROP TABLE of_heir;

-- a rollback that leaves statements as they are sums up their rows
SET client_min_messages = error;
SELECT sg_plan_drop('r', force => true), sg_plan_create('r') \g /dev/null
CREATE TABLE sums AS SELECT g AS id, 0 AS v FROM generate_series(1, 9) g;
SELECT sg_plan_add_statement('r', 'DELETE FROM crow.sums WHERE id < 4'), sg_plan_add_statement('r', 'UPDATE crow.sums SET v = 1 WHERE id < 6') \g /dev/null
CALL sg_apply('r');
RESET client_min_messages;
CALL sg_rollback_fks('r');

-- old values wait while a later step, of another plan or of this one, has set values in the rows again, though they are the same
SET client_min_messages = error;
SELECT sg_plan_drop('r', force => true), sg_plan_create('r'), sg_plan_create('later') \g /dev/null
CREATE TABLE setagain (id int PRIMARY KEY, v int);
INSERT INTO setagain VALUES (1, -1), (2, -2), (3, 7);
SELECT sg_plan_add_check('r', 'setagain', 'v >= 0', 'setagain_low', policy => 'set', child_column => 'v', fill => '0') \g /dev/null
CALL sg_apply('r', fix => true);
UPDATE setagain SET v = 9 WHERE id = 1;
SELECT sg_plan_add_check('later', 'setagain', 'v < 8', 'setagain_high', policy => 'set', child_column => 'v', fill => '0') \g /dev/null
CALL sg_apply('later', fix => true);
RESET client_min_messages;
CALL sg_rollback_fks('r');
TABLE setagain ORDER BY 1;
CALL sg_rollback_fks('later', steps => '{1}');
CALL sg_rollback_fks('r');
TABLE setagain ORDER BY 1;
SELECT sg_plan_drop('later') \g /dev/null

-- progress tells how many old values are back, seen by a trigger as each batch goes back
SET client_min_messages = error;
SELECT sg_plan_drop('r', force => true), sg_plan_create('r') \g /dev/null
CREATE TABLE setmany (id int PRIMARY KEY, v int);
CREATE TABLE setless (v int);
INSERT INTO setless VALUES (NULL);
INSERT INTO setmany SELECT g, NULL FROM generate_series(1, 1200) g;
SELECT sg_plan_add_not_null('r', 'setmany', 'v', policy => 'set', fill => '0'), sg_plan_add_not_null('r', 'setless', 'v', policy => 'set', fill => '0') \g /dev/null
CALL sg_apply('r', fix => true, max_rows => 2000);
CREATE FUNCTION tell_progress() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE NOTICE '%', (SELECT format('%s of step %s, %s: %s of %s %s', action, step, object, done, total, unit) FROM schemaguard.progress WHERE pid = pg_backend_pid());
  RETURN NULL;
END $$;
CREATE TRIGGER tells AFTER UPDATE ON setmany FOR EACH STATEMENT EXECUTE FUNCTION tell_progress();
RESET client_min_messages;
-- only the row of the table without a primary key has no copy
SELECT rows_changed FROM schemaguard.plan_summary WHERE plan = 'r';
CALL sg_rollback_fks('r');
SELECT rows_changed FROM schemaguard.plan_summary WHERE plan = 'r';
SELECT count(*), count(v) FROM setmany;

-- old values come back by the type's input function, whatever casts there are
SET client_min_messages = error;
SELECT sg_plan_drop('r', force => true), sg_plan_create('r') \g /dev/null
CREATE TYPE mood AS ENUM ('sad', 'ok', 'gay');
CREATE FUNCTION mood_of(text) RETURNS mood LANGUAGE sql AS $$ SELECT CASE $1 WHEN 'sad' THEN 'gay' ELSE 'ok' END::crow.mood $$;
CREATE CAST (text AS mood) WITH FUNCTION mood_of(text);
CREATE TABLE moods (id int PRIMARY KEY, m mood);
INSERT INTO moods VALUES (1, 'sad'), (2, 'ok'), (3, 'gay');
SELECT sg_plan_add_check('r', 'moods', $$m <> 'sad'$$, policy => 'set', child_column => 'm', fill => $$'gay'$$) \g /dev/null
CALL sg_apply('r', fix => true);
RESET client_min_messages;
CALL sg_rollback_fks('r');
TABLE moods ORDER BY 1;
-- the log says how long it took
SELECT count(*) > 0 AND bool_and(elapsed_ms < 3600000) AS timed FROM schemaguard.audit_log WHERE action = 'rollback fix' AND phase = 'done';

-- a column that was filled goes where it holds what its step gives, before or after policy "set" has given back what it had replaced: its trigger
-- has followed that in "nulls", and not in "before", "keyed" and "heirs"
CREATE TABLE from_it (id int PRIMARY KEY, b int);
CREATE TABLE nulls (id int PRIMARY KEY, v int);
CREATE TABLE referenced (id int PRIMARY KEY);
CREATE TABLE referencing (id int PRIMARY KEY, o int);
CREATE TABLE above (id int PRIMARY KEY, v int);
CREATE TABLE below (PRIMARY KEY (id)) INHERITS (above);
INSERT INTO from_it SELECT g, g % 5 FROM generate_series(1, 20) g;
INSERT INTO nulls VALUES (1, NULL), (2, 2);
INSERT INTO referenced VALUES (0), (1), (33);
INSERT INTO referencing VALUES (1, 33), (2, 1);
INSERT INTO below SELECT g, g FROM generate_series(1, 20) g;
SELECT sg_plan_create(p) FROM unnest('{before,nulls,keyed,heirs}'::text[]) p \g /dev/null
SELECT sg_plan_add_column('before', 'from_it', 'n', 'int', fill => 'b + 1'), sg_plan_add_column('nulls', 'nulls', 'n', 'int', fill => 'v'),
       sg_plan_add_fk('keyed', 'referencing', '{n}', 'referenced', '{id}', backfill => 'o'), sg_plan_add_column('heirs', 'above', 'n', 'int', fill => 'v + 1') \g /dev/null
SELECT sg_plan_add_check('before', 'from_it', 'b > 2', policy => 'set', child_column => 'b', fill => '10'),
       sg_plan_add_not_null('nulls', 'nulls', 'v', policy => 'set', fill => '0', after => '{1}'),
       sg_plan_add_check('keyed', 'referencing', 'o < 30', policy => 'set', child_column => 'o', fill => '0', after => '{1}'),
       sg_plan_add_check('heirs', 'below', 'v > 3', policy => 'set', child_column => 'v', fill => '9', after => '{1}'),
       sg_plan_add_check('heirs', 'above', 'n > 15', policy => 'set', child_column => 'n', fill => '99', after => '{1}') \g /dev/null
SET client_min_messages = error;
CALL sg_apply('before', fix => true, fail => true); CALL sg_apply('nulls', fix => true, fail => true);
CALL sg_apply('keyed', fix => true, fail => true); CALL sg_apply('heirs', fix => true, fail => true);
SET client_min_messages = notice;
CALL sg_rollback_fks('before', fail => true);
SET client_min_messages = warning;
CALL sg_rollback_fks('nulls', fail => true); CALL sg_rollback_fks('keyed', fail => true); CALL sg_rollback_fks('heirs', fail => true);
SELECT (SELECT sum(b) = sum(id % 5) FROM from_it) AND (SELECT count(v) = 1 FROM nulls) AND (SELECT sum(o) = 34 FROM referencing) AND (SELECT bool_and(v = id) FROM below) AS as_before;
SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'crow' AND column_name = 'n' AND table_name IN ('from_it', 'nulls', 'referencing', 'above', 'below');
-- a value that somebody has changed since stays, and so does the column, which says why
SET client_min_messages = error;
CALL sg_apply('before', fix => true, fail => true);
UPDATE from_it SET b = 33 WHERE id = 1;
SET client_min_messages = notice;
CALL sg_rollback_fks('before');

-- an old value waits for its row, also where another plan has that in quarantine
CREATE TABLE two_plans (id int PRIMARY KEY, v int, s int);
INSERT INTO two_plans VALUES (1, 1, 1), (2, -2, -2);
SELECT sg_plan_create('sets'), sg_plan_create('takes'), sg_plan_add_check('sets', 'two_plans', 's > 0', name => 'sc', policy => 'set', child_column => 's', fill => '-s'),
       sg_plan_add_check('takes', 'two_plans', 'v > 0', name => 'vc', policy => 'quarantine') \g /dev/null
SET client_min_messages = error;
CALL sg_apply('sets', fix => true, fail => true); CALL sg_apply('takes', fix => true, fail => true);
SET client_min_messages = notice;
CALL sg_rollback_fks('sets');
SET client_min_messages = error;
CALL sg_rollback_fks('takes', fail => true); CALL sg_rollback_fks('sets', fail => true);
SELECT * FROM two_plans ORDER BY id;
-- so does what a step of rows has changed or inserted, if its table's rows have gone into quarantine since
INSERT INTO two_plans VALUES (4, 4, 4), (5, 5, 5);
SELECT sg_plan_create('early'), sg_plan_create('wrote'), sg_plan_create('late'), sg_plan_add_check('early', 'two_plans', 's > 0', name => 'ec', policy => 'quarantine'),
       sg_plan_add_rows('wrote', 'two_plans', '[{"id": 4, "v": 44}]'), sg_plan_add_rows('wrote', 'two_plans', '[{"id": 1, "v": -1, "s": 1}, {"id": 5, "v": 55, "s": 5}, {"id": 6, "v": -6, "s": 6}]'),
       sg_plan_add_check('late', 'two_plans', 'v > 0', name => 'lc', policy => 'quarantine') \g /dev/null
CALL sg_apply('early', fix => true, fail => true); CALL sg_apply('wrote', fail => true);
DELETE FROM two_plans WHERE id = 4;
SET client_min_messages = notice;
CALL sg_rollback_fks('wrote', steps => '{1}');
SET client_min_messages = error;
CALL sg_apply('late', fix => true, fail => true);
SET client_min_messages = notice;
CALL sg_rollback_fks('wrote');
SET client_min_messages = error;
CALL sg_rollback_fks('late', fail => true); CALL sg_rollback_fks('early', fail => true);
SET client_min_messages = notice;
CALL sg_rollback_fks('wrote');
SELECT * FROM two_plans ORDER BY id;

-- old values go back in their step's turn: earlier steps then find their rows as they have made them
CREATE TABLE in_turn (id int PRIMARY KEY, v int);
INSERT INTO in_turn SELECT g, g * 5 FROM generate_series(1, 5) g;
SELECT sg_plan_create('turn'), sg_plan_add('turn', 'UPDATE crow.in_turn SET v = v - 12', '{"undo": "UPDATE crow.in_turn SET v = v + 12"}'),
       sg_plan_add_rows('turn', 'in_turn', '[{"id": 3, "v": -5}, {"id": 61, "v": -6}]', after => '{1}'),
       sg_plan_add_check('turn', 'in_turn', 'v > 0', name => 'tc', policy => 'set', child_column => 'v', fill => 'abs(v)', after => '{2}') \g /dev/null
CALL sg_apply('turn', fix => true, fail => true);
SELECT * FROM in_turn ORDER BY id;
-- rows wait for old values in them that others keep out, or that are not to be taken back
ALTER TABLE in_turn ADD CONSTRAINT kept_out CHECK (v > 0);
SET client_min_messages = notice;
CALL sg_rollback_fks('turn', steps => '{2}');
CALL sg_rollback_fks('turn', steps => '{2,3}');
ALTER TABLE in_turn DROP CONSTRAINT kept_out;
CALL sg_rollback_fks('turn');
SELECT * FROM in_turn ORDER BY id;
-- so do rows in quarantine, before the column of a backfill that has read them
CREATE TABLE read_in (id int PRIMARY KEY, o int);
CREATE TABLE reader (id int PRIMARY KEY, o int);
INSERT INTO read_in SELECT g, g % 2 FROM generate_series(1, 4) g;
INSERT INTO reader SELECT g, g FROM generate_series(1, 4) g;
SELECT sg_plan_create('reads'), sg_plan_add_unique('reads', 'read_in', '{o}', name => 'ru', policy => 'quarantine', keep_by => 'id'),
       sg_plan_add_fk('reads', 'reader', '{n}', 'referenced', '{id}', backfill => '(SELECT r.o FROM crow.read_in r WHERE r.id = reader.id)') \g /dev/null
SET client_min_messages = error;
CALL sg_apply('reads', fix => true, fail => true);
SET client_min_messages = notice;
CALL sg_rollback_fks('reads', fail => true);

-- end
SET client_min_messages = error;
SELECT sg_plan_drop(p, force => true) FROM unnest('{r,w,before,nulls,keyed,heirs,sets,takes,early,wrote,late,turn,reads}'::text[]) p \g /dev/null
DROP SCHEMA crow CASCADE;
DROP OWNED BY regress_sg_planter;
DROP ROLE regress_sg_planter;
