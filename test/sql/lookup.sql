-- Look-up data: what snapshots store of it, sg_lookup_drift(), and rows as a step of a plan
-- rooms: drift change plan undo check
\set VERBOSITY terse
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS schemaguard;
DROP SCHEMA IF EXISTS lk CASCADE;
CREATE SCHEMA lk;
SET search_path = lk, public;
CREATE ROLE regress_lk_reader;
CREATE ROLE regress_lk_author;
GRANT USAGE ON SCHEMA lk TO regress_lk_reader, regress_lk_author;
CREATE TABLE country (code char(2) PRIMARY KEY, name text NOT NULL, "E ""U" boolean, seen timestamptz DEFAULT '2026-01-01 00:00+00', tags text[], info jsonb,
    up text GENERATED ALWAYS AS (upper(name)) STORED);
INSERT INTO country (code, name, "E ""U", tags) VALUES ('DE', 'Germany', true, '{a,"b c"}'), ('FR', 'France', true, NULL), ('US', 'USA', false, '{}');
CREATE TABLE "st""atus" (id int, label text, own boolean);
INSERT INTO "st""atus" VALUES (1, 'new', false), (2, E'old\n', false), (7, 'mine', true);
CREATE TABLE parts (id int PRIMARY KEY, v text) PARTITION BY RANGE (id);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (10);
INSERT INTO parts VALUES (1, 'one');
CREATE TABLE keyless (a int);
CREATE VIEW seen AS SELECT 1 AS a;

-- the table that users fill
INSERT INTO schemaguard.lookup_table (table_name) VALUES ('country');
INSERT INTO schemaguard.lookup_table (table_name, key_columns) VALUES ('lk.country', '{}');
INSERT INTO schemaguard.lookup_table (table_name, key_columns, ignored_columns, condition) VALUES
    ('lk.country', NULL, '{seen}', NULL), ('lk."st""atus"', '{id}', '{}', 'NOT own -- of the program'), ('lk.parts', NULL, '{}', NULL),
    ('lk.keyless', NULL, '{}', NULL), ('lk.seen', '{a}', '{}', NULL), ('lk.gone', NULL, '{}', NULL);
SET client_min_messages = notice;
\set VERBOSITY default
SELECT sg_snapshot_take('look', '{lk}') > 0 AS taken;
\set VERBOSITY terse
SET client_min_messages = warning;
SELECT table_name, key_columns, contents FROM schemaguard.snapshot_lookup WHERE snapshot = 'look' AND reason IS NULL ORDER BY table_name COLLATE "C";
DELETE FROM schemaguard.lookup_table WHERE table_name IN ('lk.keyless', 'lk.seen', 'lk.gone');
SELECT * FROM sg_lookup_drift('look') WHERE what <> 'unknown';
UPDATE country SET name = 'Deutschland', tags = '{c}', seen = '2020-01-01' WHERE code = 'DE';
UPDATE country SET "E ""U" = NULL WHERE code = 'US';
DELETE FROM country WHERE code = 'FR';
INSERT INTO country (code, name) VALUES ('PL', 'Poland');
UPDATE "st""atus" SET label = 'n' WHERE id = 1;
INSERT INTO "st""atus" VALUES (9, 'mine', true);
UPDATE parts SET v = 'two';
SELECT * FROM sg_lookup_drift('look') WHERE what <> 'unknown';
SELECT what, count(*) FROM sg_lookup_drift('live', 'look') GROUP BY 1 ORDER BY 1;
-- drift tells of it, without values
SELECT kind, object, change, class, risk, expected, actual, detail FROM sg_drift_details('look', 'live', '{lk}') WHERE kind = 'rows';
SELECT sg_drift_check('look') > 2 AS more;
SELECT object, result, detail FROM schemaguard.finding WHERE kind = 'rows' AND reference = 'look' AND gone_at IS NULL ORDER BY object COLLATE "C";
INSERT INTO "st""atus" VALUES (2, 'again', false);
SELECT table_name, what, reason FROM sg_lookup_drift('look') WHERE what = 'unknown';
UPDATE "st""atus" SET id = NULL WHERE label = 'again';
SELECT table_name, what, reason FROM sg_lookup_drift('look') WHERE what = 'unknown';
DELETE FROM "st""atus" WHERE label = 'again';

-- who may read
SELECT sg_grant('regress_lk_reader'), sg_grant('regress_lk_author');
GRANT pg_monitor TO regress_lk_reader;
SET ROLE regress_lk_reader;
SELECT table_name, what, reason FROM sg_lookup_drift('look') WHERE table_name = 'lk.country';
SELECT object, class, detail FROM sg_drift_details('look', 'live', '{lk}') WHERE kind = 'rows';
SELECT * FROM schemaguard.snapshot_lookup;
INSERT INTO schemaguard.lookup_table (table_name) VALUES ('lk.keyless');
RESET ROLE;
GRANT SELECT ON country TO regress_lk_reader;
SET ROLE regress_lk_reader;
SELECT table_name, what, count(*), min(reason) FROM sg_lookup_drift('look') GROUP BY 1, 2 ORDER BY table_name COLLATE "C", 2;
RESET ROLE;
ALTER TABLE country ENABLE ROW LEVEL SECURITY;
SET ROLE regress_lk_reader;
SELECT table_name, what, reason FROM sg_lookup_drift('look') WHERE table_name = 'lk.country';
RESET ROLE;
ALTER TABLE country DISABLE ROW LEVEL SECURITY;
-- another table of that name is not the one whose rows were stored
ALTER TABLE country RENAME TO country_kept;
CREATE TABLE country (code char(2) PRIMARY KEY, name text);
ALTER TABLE country OWNER TO regress_lk_reader;
SET ROLE regress_lk_reader;
SELECT table_name, what, reason FROM sg_lookup_drift('look') WHERE table_name = 'lk.country';
RESET ROLE;
DROP TABLE country;
ALTER TABLE country_kept RENAME TO country;

-- conditions: as their authors, one expression, read only
CREATE FUNCTION note_it() RETURNS boolean LANGUAGE plpgsql AS $$BEGIN INSERT INTO lk.keyless VALUES (1); RETURN true; END$$;
CREATE FUNCTION try_condition(c text) RETURNS text LANGUAGE plpgsql AS $$BEGIN
    UPDATE schemaguard.lookup_table SET condition = c WHERE table_name = 'lk.parts';
    RETURN (SELECT concat_ws(' ', what, reason) FROM sg_lookup_drift('look') WHERE table_name = 'lk.parts' LIMIT 1); END$$;
SELECT c, try_condition(c) FROM unnest(ARRAY['true) UNION (SELECT NULL', 'true); DELETE FROM lk.country WHERE (true', 'note_it()', 'lk.note_it()', '1 / 0 = id', E'true)\nFOR UPDATE --', '(', 'id > 5']) c;
SELECT count(*) FROM keyless;
ALTER FUNCTION note_it() OWNER TO regress_lk_author;
SELECT try_condition('lk.note_it()');
UPDATE schemaguard.lookup_table SET condition = 'true' WHERE table_name = 'lk.parts';
GRANT SELECT ON parts TO regress_lk_reader;
SET ROLE regress_lk_reader;
SELECT table_name, what, reason FROM sg_lookup_drift('look') WHERE table_name = 'lk.parts';
RESET ROLE;
DELETE FROM schemaguard.lookup_table WHERE table_name = 'lk.parts';
-- too many
CREATE TABLE many (id int PRIMARY KEY);
INSERT INTO many SELECT generate_series(1, 10001);
INSERT INTO schemaguard.lookup_table (table_name) VALUES ('lk.many');
SELECT table_name, what, reason FROM sg_lookup_drift('look') WHERE table_name = 'lk.many';
DELETE FROM schemaguard.lookup_table WHERE table_name = 'lk.many';

-- rows as a step
SELECT sg_plan_create('rows');
SELECT sg_plan_add_rows('rows', 'country', r, k) FROM (VALUES ('[]'::jsonb, NULL::text[]), ('1', NULL), ('[1]', NULL), ('[{"name": "x"}]', NULL), ('[{"code": null}]', NULL)) v (r, k);
SELECT sg_plan_add_rows('rows', 'country', '[{"code": "A"}, {"code": "A"}]');
SELECT sg_plan_add_rows('rows', 'country', '[{"code": "A"}, {"code": "B", "name": "b"}]');
SELECT sg_plan_add_rows('rows', 'keyless', '[{"a": 1}]');
SELECT sg_plan_add_rows('rows', 'country', '[{"code": "DE", "name": "Allemagne", "tags": ["x", null, "y z"], "info": {"a": [1]}},
    {"code": "PL", "name": "Poland", "tags": null, "info": null}, {"code": "IT", "name": "It''aly\\", "tags": [], "info": "\"x\""}]');
SELECT sg_plan_add_rows('rows', 'keyless', '[{"a": 5}]', '{a}');
SELECT sg_plan_add_rows('rows', 'country', '[{"code": "AT", "nix": 1}]', name => 'no column'), sg_plan_add_rows('rows', 'country', '[{"code": "AT", "up": "x"}]', name => 'generated'),
    sg_plan_add_rows('rows', 'country', '[{"code": "AT", "name": "x", "E \"U": "perhaps"}]', name => 'no boolean');
\a
SELECT step, check_name, result, detail FROM sg_plan_check_details('rows') WHERE check_name IN ('rows', 'definition') ORDER BY 1, 2;
\a
CALL sg_apply('rows');
SELECT code, name, "E ""U", tags, info, up FROM country ORDER BY 1;
SELECT row_table, key_columns, key, was IS NULL AS is_new FROM schemaguard.plan_value ORDER BY id;
SELECT step, kind, state, reason FROM schemaguard.plan_step WHERE plan = 'rows' ORDER BY 1;
SELECT plan, step, action, phase, statement, message, rows_affected FROM schemaguard.audit_log WHERE plan = 'rows' AND action = 'rows' ORDER BY id;
CALL sg_apply('rows', steps => '{1,2}');
SELECT test, result FROM sg_verify_fks_details('rows') WHERE fk_name LIKE 'country%' OR fk_name LIKE 'keyless%' ORDER BY 1, 2;
-- one of the values is another one by now, and so is a row that the step has inserted
UPDATE country SET name = 'Germania' WHERE code = 'DE';
UPDATE country SET "E ""U" = true WHERE code = 'IT';
CALL sg_rollback_fks('rows');
SELECT step, state, reason FROM schemaguard.plan_step WHERE plan = 'rows' ORDER BY step;
SELECT code, name, "E ""U", tags, info, up FROM country ORDER BY 1;
SELECT * FROM keyless;
SELECT count(*) FROM schemaguard.plan_value;
-- again, and back
CALL sg_apply('rows', steps => '{1,2}');
CALL sg_rollback_fks('rows');
SELECT code, name, tags FROM country ORDER BY 1;
-- the column by which they are known has another name
CALL sg_apply('rows', steps => '{1}');
ALTER TABLE country RENAME code TO iso;
CALL sg_rollback_fks('rows');
ALTER TABLE country RENAME iso TO code;
CALL sg_rollback_fks('rows');
-- one of these settings is a mistake
SELECT sg_plan_set('rows', '{1}', '{"definition": "[]"}');
SELECT count(*) FROM sg_plan_explain('rows', 1);
SELECT sg_plan_import('rows 2', sg_plan_export('rows'));
SELECT count(*) FROM schemaguard.plan_step a JOIN schemaguard.plan_step b USING (step, kind, child_table, child_columns, definition) WHERE a.plan = 'rows' AND b.plan = 'rows 2';
-- a trigger that changes what goes in, deletion, and a key that would carry it on
SELECT sg_plan_create('more');
CREATE TABLE town (id int PRIMARY KEY, country char(2) REFERENCES country ON DELETE CASCADE);
SELECT schemaguard.sg_plan_add_step('more', 'rows', 'child_table', 'lk.country', 'child_columns', '{code}', 'definition', '{"delete": [{"code": "PL"}]}');
INSERT INTO town VALUES (1, 'PL');
CALL sg_apply('more');
TABLE town;
DELETE FROM town;
CALL sg_apply('more');
SELECT code FROM country ORDER BY 1;
DROP TABLE town;
CALL sg_rollback_fks('more');
SELECT code, name FROM country ORDER BY 1;
CREATE FUNCTION shout() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN NEW.name := upper(NEW.name); RETURN NEW; END$$;
CREATE TRIGGER shout BEFORE INSERT OR UPDATE ON country FOR EACH ROW EXECUTE FUNCTION shout();
SELECT sg_plan_create('loud'), sg_plan_add_rows('loud', 'country', '[{"code": "AT", "name": "Austria"}]');
CALL sg_apply('loud');
CALL sg_apply('loud');
SELECT code, name FROM country WHERE code = 'AT';
CALL sg_rollback_fks('loud');
SELECT count(*) FROM country WHERE code = 'AT';
-- the owner's trigger and domain run as the owner
CREATE DOMAIN code3 AS text CHECK (length(VALUE) = 3);
CREATE TABLE owned (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, k code3, who text, at timestamptz, iv interval, f float8, b bytea);
CREATE FUNCTION who() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN NEW.who := current_user; RETURN NEW; END$$;
CREATE TRIGGER who BEFORE INSERT OR UPDATE ON owned FOR EACH ROW EXECUTE FUNCTION who();
ALTER FUNCTION who() OWNER TO regress_lk_author;
ALTER DOMAIN code3 OWNER TO regress_lk_author;
ALTER TABLE owned OWNER TO regress_lk_author;
SELECT sg_plan_create('owned'), sg_plan_add_rows('owned', 'owned', '[{"id": 7, "k": "abc", "at": "2026-01-02 03:04:05+00", "iv": "1 day 02:00:00", "f": 0.1, "b": "\\x00ff"}]');
CALL sg_apply('owned');
SELECT * FROM owned;
SET DateStyle = 'German'; SET IntervalStyle = 'sql_standard'; SET bytea_output = 'escape'; SET TimeZone = 'Asia/Tokyo';
CALL sg_rollback_fks('owned');
RESET DateStyle; RESET IntervalStyle; RESET bytea_output; RESET TimeZone;
SELECT count(*) FROM owned;

-- nothing is changed where a key finds more than one row, a type would cut or round a value, or a trigger keeps a row out
CREATE DOMAIN short AS varchar(3);
CREATE TABLE loose (id int, v text);
INSERT INTO loose VALUES (1, 'a'), (1, 'b');
CREATE TABLE tight (id int PRIMARY KEY, a varchar(3), b char(2), c bit(3), d numeric(6,2), e timestamp(0), f short, g numeric(4,1)[]);
CREATE TABLE guarded (id int PRIMARY KEY, v int);
INSERT INTO guarded VALUES (1, 1), (2, 2);
CREATE FUNCTION odd_stay_out() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN CASE WHEN coalesce(new.id, old.id) % 2 = 0 THEN coalesce(new, old) END; END$$;
CREATE TRIGGER stay_out BEFORE INSERT OR UPDATE OR DELETE ON guarded FOR EACH ROW EXECUTE FUNCTION odd_stay_out();
SELECT sg_plan_create('judged') \g /dev/null
SELECT sg_plan_add_rows('judged', 'loose', '[{"id": 1, "v": "new"}]', '{id}'), sg_plan_add_rows('judged', 'guarded', '[{"id": 1, "v": 10}, {"id": 2, "v": 20}]'),
    sg_plan_add_rows('judged', 'guarded', '[{"id": 3, "v": 10}, {"id": 4, "v": 20}]'), sg_plan_add_rows('judged', 'guarded', '{"delete": [{"id": 1}, {"id": 2}]}'),
    sg_plan_add_rows('judged', 'tight', '[{"id": 1, "a": "abc ", "b": "a", "c": "101", "d": 1.2, "e": "2020-01-01", "f": "abc", "g": [1, 2.5]}]'),
    sg_plan_add_rows('judged', 'tight', '[{"id": 2, "a": "abc", "b": "a  ", "c": "101", "d": 1.200, "e": "2020-01-01", "f": null, "g": [1, null]}]') \g /dev/null
SELECT sg_plan_add_rows('judged', 'tight', jsonb_build_array(jsonb_build_object('id', 1, c, v)))
FROM (VALUES ('a', 'abcd'), ('b', 'abc'), ('c', '11'), ('d', '1.234'), ('e', '2020-01-01 00:00:00.6'), ('f', 'abcd'), ('g', '{1.23}')) v (c, v) \g /dev/null
\a
SELECT step, result, detail FROM sg_plan_check_details('judged') WHERE check_name = 'rows' ORDER BY 1;
SELECT hint FROM sg_plan_check_details('judged') WHERE check_name = 'rows' AND step = 1;
CALL sg_apply('judged');
SELECT step, state, reason FROM schemaguard.plan_step WHERE plan = 'judged' ORDER BY 1;
TABLE loose;
TABLE guarded;
TABLE tight;
\a
SELECT sg_plan_drop('judged', force => true) \g /dev/null
DROP TABLE loose, guarded, tight;
DROP FUNCTION odd_stay_out();

-- a rollback finds columns by their numbers; values of a dropped one, and rows whose key is no longer theirs alone, stay for a later call
CREATE TABLE fare (id int, price int, z int, t text, at timestamp);
INSERT INTO fare VALUES (1, 10, 100, 'a', '2020-01-01'), (2, 20, 200, 'b', '2020-01-02'), (3, 30, 300, 'c', '2020-01-03'), (4, 40, 400, 'd', '2020-01-04');
SELECT sg_plan_create('fares'), sg_plan_add_rows('fares', 'fare', '[{"id": 1, "price": 11}, {"id": 2, "price": 22}, {"id": 5, "price": 55}]', '{id}'),
    sg_plan_add_rows('fares', 'fare', '{"delete": [{"id": 3}]}', '{id}'), sg_plan_add_rows('fares', 'fare', '[{"id": 4, "t": "D", "at": "2021-01-01"}]', '{id}') \g /dev/null
CALL sg_apply('fares');
ALTER TABLE fare RENAME price TO amount;
ALTER TABLE fare RENAME z TO price;
ALTER TABLE fare RENAME id TO number;
INSERT INTO fare VALUES (2, 22, 200, 'b', '2020-01-02'), (5, 55, NULL, NULL, NULL);
\a
CALL sg_rollback_fks('fares', steps => '{1,2}');
SELECT step, state, reason FROM schemaguard.plan_step WHERE plan = 'fares' ORDER BY 1;
TABLE fare ORDER BY 1, 4;
DELETE FROM fare WHERE ctid IN (SELECT max(ctid) FROM fare WHERE number IN (2, 5) GROUP BY number);
CALL sg_rollback_fks('fares', steps => '{1,2}');
ALTER TABLE fare DROP t;
ALTER TABLE fare ADD t text DEFAULT 'D';
CALL sg_rollback_fks('fares');
CALL sg_rollback_fks('fares');
SELECT step, state, reason FROM schemaguard.plan_step WHERE plan = 'fares' ORDER BY 1;
TABLE fare ORDER BY 1;
SELECT sg_plan_skip('fares', 3, 'it stays') \g /dev/null
CALL sg_rollback_fks('fares');
SELECT count(*) FROM schemaguard.plan_value;
-- a column whose type was changed
SELECT sg_plan_add_rows('fares', 'fare', '[{"number": 1, "at": "2022-01-01"}, {"number": 6, "at": "2022-01-01"}]', '{number}') \g /dev/null
CALL sg_apply('fares');
ALTER TABLE fare ALTER at TYPE timestamptz;
CALL sg_rollback_fks('fares');
ALTER TABLE fare ALTER at TYPE timestamp;
CALL sg_rollback_fks('fares');
TABLE fare ORDER BY 1;
-- triggers that would change, or keep out, what comes back are disabled for it
SELECT sg_plan_create('kept out'), sg_plan_add_rows('kept out', 'fare', '[{"number": 1, "amount": 12}, {"number": 7, "amount": 77}]', '{number}'),
    sg_plan_add_rows('kept out', 'fare', '{"delete": [{"number": 2}]}', '{number}') \g /dev/null
CALL sg_apply('kept out');
CREATE FUNCTION stamped() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN IF TG_OP = 'DELETE' THEN RETURN NULL; END IF; NEW.at := '2030-01-01'; RETURN NEW; END$$;
CREATE TRIGGER stamped BEFORE INSERT OR UPDATE OR DELETE ON fare FOR EACH ROW EXECUTE FUNCTION stamped();
CALL sg_rollback_fks('kept out');
SELECT step, state, reason FROM schemaguard.plan_step WHERE plan = 'kept out' ORDER BY 1;
SELECT tgname, tgenabled FROM pg_trigger WHERE tgrelid = 'fare'::regclass;
TABLE fare ORDER BY 1;
DROP TRIGGER stamped ON fare;
CALL sg_apply('kept out');
CREATE RULE out AS ON UPDATE TO fare DO INSTEAD NOTHING;
CALL sg_rollback_fks('kept out', steps => '{1}');
DROP RULE out ON fare;
CALL sg_rollback_fks('kept out');
TABLE fare ORDER BY 1;
\a
SELECT sg_plan_drop('fares'), sg_plan_drop('kept out') \g /dev/null
DROP TABLE fare;
DROP FUNCTION stamped();

-- a check judges the rows by the rules of the table, as those of statements
CREATE TABLE kind (id int PRIMARY KEY);
INSERT INTO kind VALUES (1);
CREATE TABLE ruled (id int PRIMARY KEY, kind int REFERENCES kind, code text UNIQUE, v int CHECK (v > 0), must text NOT NULL DEFAULT 'x');
CREATE TABLE ruling (ruled int REFERENCES ruled);
INSERT INTO ruled VALUES (1, 1, 'a', 1), (2, 1, 'b', 1);
INSERT INTO ruling VALUES (2);
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'no'; END$$;
CREATE TRIGGER refuses AFTER DELETE ON ruled FOR EACH ROW EXECUTE FUNCTION refuse();
SELECT sg_plan_create('by rule') \g /dev/null
SELECT sg_plan_add_rows('by rule', t, r, '{id}') FROM (VALUES (1, 'ruled', '[{"id": 3, "kind": 7}]'::jsonb), (2, 'ruled', '[{"id": 4, "code": "a"}, {"id": 5, "code": "c"}]'),
    (3, 'ruled', '[{"id": 1, "v": -1}, {"id": 2, "v": 1}]'), (4, 'ruled', '[{"id": 6, "must": null}]'), (5, 'parts', '[{"id": 99}]'),
    (6, 'ruled', '[{"id": 1, "kind": 9}, {"id": 7, "kind": 9}]'), (7, 'ruled', '{"delete": [{"id": 2}]}'), (8, 'ruled', '[{"id": 1, "v": 1}]'),
    (9, 'ruled', '[{"id": 1, "kind": 1, "code": "z"}, {"id": 8, "kind": 1, "code": "a"}]')) v (n, t, r) ORDER BY n \g /dev/null
\a
SELECT step, check_name, result, detail FROM sg_plan_check_details('by rule', verify => 'full') WHERE check_name IN ('rows', 'triggers') ORDER BY step, 2, 3, 4;
SELECT step, check_name, result, detail FROM sg_plan_check_details('by rule', verify => 'none') WHERE step = 1 AND check_name IN ('rows', 'triggers');
CALL sg_apply('by rule');
SELECT step, state, reason FROM schemaguard.plan_step WHERE plan = 'by rule' ORDER BY 1;
\a
SELECT sg_plan_drop('by rule', force => true) \g /dev/null
DROP TABLE ruling, ruled, kind;
DROP FUNCTION refuse();

-- a value that goes to null with ON UPDATE SET NULL is refused where a row refers to it, and changes
CREATE TABLE code (id int PRIMARY KEY, code int UNIQUE, said text);
CREATE TABLE loses (code int REFERENCES code (code) ON UPDATE SET NULL);
INSERT INTO code VALUES (1, 1, 'a'), (2, 2, 'b');
INSERT INTO loses VALUES (1);
SELECT sg_plan_create('reach'), sg_plan_add_rows('reach', 'code', '[{"id": 1, "code": 1, "said": "x"}, {"id": 2, "code": 3, "said": "y"}]'),
    sg_plan_add_rows('reach', 'code', '[{"id": 1, "code": 9, "said": "z"}]') \g /dev/null
\a
SELECT step, result, detail FROM sg_plan_check_details('reach', verify => 'none') WHERE check_name = 'rows' ORDER BY step;
CALL sg_apply('reach');
SELECT step, state, reason FROM schemaguard.plan_step WHERE plan = 'reach' ORDER BY 1;
\a
TABLE code ORDER BY id;
TABLE loses;
SELECT sg_plan_drop('reach', force => true) \g /dev/null
DROP TABLE loses;

-- nor does it go there by keys with ON UPDATE CASCADE, in a circle and of two columns; a rollback leaves alone a row whose old value would
CREATE TABLE first (code int PRIMARY KEY REFERENCES code (code) ON UPDATE CASCADE, of int UNIQUE, UNIQUE (of, code));
CREATE TABLE second (of int, code int UNIQUE, FOREIGN KEY (code, of) REFERENCES first (code, of) ON UPDATE CASCADE);
ALTER TABLE first ADD FOREIGN KEY (code) REFERENCES second (code) ON UPDATE CASCADE DEFERRABLE INITIALLY DEFERRED;
CREATE TABLE loses (code int DEFAULT 3 REFERENCES second (code) ON UPDATE SET DEFAULT);
CREATE TABLE keeps (of int UNIQUE);
CREATE TABLE unreached (of int REFERENCES keeps (of) ON UPDATE SET NULL);
ALTER TABLE keeps ADD FOREIGN KEY (of) REFERENCES first (of) ON UPDATE CASCADE;
BEGIN;
INSERT INTO first VALUES (1, 1), (3, 3);
INSERT INTO second VALUES (1, 1), (3, 3);
COMMIT;
INSERT INTO loses VALUES (1);
INSERT INTO keeps VALUES (1);
INSERT INTO unreached VALUES (1);
SELECT sg_plan_create('chain'), sg_plan_add_rows('chain', 'code', '[{"id": 1, "code": 9}, {"id": 2, "code": 3}]') \g /dev/null
\a
SELECT result, detail FROM sg_plan_check_details('chain', verify => 'none') WHERE check_name = 'rows';
CALL sg_apply('chain');
DELETE FROM loses;
CALL sg_apply('chain');
INSERT INTO loses VALUES (9);
SET client_min_messages = notice;
CALL sg_rollback_fks('chain');
SET client_min_messages = warning;
TABLE code ORDER BY id;
SELECT loses.code, second.code AS second, first.code AS first, unreached.of FROM loses, second, first, unreached WHERE second.of = 1 AND first.of = 1;
\a
SELECT sg_plan_drop('chain', force => true) \g /dev/null
DROP TABLE unreached, keeps, loses, second, first, code CASCADE;

-- what triggers delete and change beside the rows of a step counts for max_rows; the rows themselves are kept
CREATE TABLE state (id int PRIMARY KEY, name text, changes int DEFAULT 0);
CREATE TABLE visit (id int, state int);
INSERT INTO state VALUES (1, 'a'), (2, 'b'), (3, 'c');
INSERT INTO visit SELECT g, 1 + g % 3 FROM generate_series(1, 12) g;
CREATE FUNCTION forget() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN
    IF TG_OP = 'DELETE' THEN DELETE FROM lk.visit v WHERE v.state = old.id; RETURN NULL; END IF;
    UPDATE lk.visit v SET id = -id WHERE v.state = new.id AND v.id > 0;
    UPDATE lk.state s SET changes = changes + 1 WHERE s.id = new.id AND s.changes = 0;
    RETURN NULL;
END$$;
CREATE TRIGGER at_once AFTER UPDATE OR INSERT ON state FOR EACH ROW EXECUTE FUNCTION forget();
CREATE CONSTRAINT TRIGGER later AFTER DELETE ON state DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION forget();
SELECT sg_plan_create('beside'), sg_plan_add_rows('beside', 'state', '[{"id": 1, "name": "A"}, {"id": 4, "name": "d"}]'), sg_plan_add_rows('beside', 'state', '{"delete": [{"id": 2}, {"id": 3}]}');
CALL sg_apply('beside', max_rows => 3);
SELECT step, state, reason FROM schemaguard.plan_step WHERE plan = 'beside' ORDER BY 1;
CALL sg_apply('beside', max_rows => 4);
SET track_counts = off;
CALL sg_apply('beside');
RESET track_counts;
SELECT step, state, reason FROM schemaguard.plan_step WHERE plan = 'beside' ORDER BY 1;
SELECT * FROM state ORDER BY 1;
SELECT count(*) FROM visit;
CALL sg_rollback_fks('beside');
SELECT sg_plan_drop('beside') \g /dev/null
DROP TABLE state, visit;
DROP FUNCTION forget();

-- rows that steps have made since the snapshot are planned; of a row that somebody has changed before, between or after them they say nothing
CREATE TABLE state (id int PRIMARY KEY, name text, note text);
INSERT INTO state SELECT g, 'n' || g FROM generate_series(1, 9) g;
INSERT INTO schemaguard.lookup_table (table_name) VALUES ('lk.state');
SELECT sg_snapshot_take('planned', '{lk}') > 0 AS taken;
SELECT sg_plan_create('p'), sg_plan_add_rows('p', 'state', '[{"id": 1, "name": "N1"}, {"id": 2, "name": "N2"}, {"id": 3, "name": "N3"}, {"id": 4, "name": "N4"}, {"id": 10, "name": "n10"}, {"id": 11, "name": "n11"}]'),
    sg_plan_add_rows('p', 'state', '{"delete": [{"id": 4}, {"id": 5}, {"id": 6}]}'), sg_plan_add_rows('p', 'state', '[{"id": 3, "note": "x"}, {"id": 7, "note": "y"}, {"id": 8, "note": "z"}]') \g /dev/null
UPDATE state SET note = 'before' WHERE id = 1;
DELETE FROM state WHERE id = 9;
CALL sg_apply('p', steps => '{1}');
UPDATE state SET note = 'between' WHERE id = 3;
CALL sg_apply('p');
UPDATE state SET note = 'after' WHERE id IN (8, 11);
INSERT INTO state VALUES (6, 'n6', 'after');
SELECT class, object, detail FROM sg_drift_details('planned', schemas => '{lk}') WHERE kind = 'rows' AND object = 'lk.state' ORDER BY 1;
SELECT key ->> 'id' AS id, what FROM sg_lookup_drift('planned') WHERE table_name = 'lk.state' ORDER BY (key ->> 'id')::int;
CALL sg_rollback_fks('p');
SELECT class, object, detail FROM sg_drift_details('planned', schemas => '{lk}') WHERE kind = 'rows' AND object = 'lk.state' ORDER BY 1;
DELETE FROM schemaguard.lookup_table WHERE table_name = 'lk.state';
SELECT sg_snapshot_drop('planned'), sg_plan_drop('p') \g /dev/null
DROP TABLE state;
-- rows are counted as they are written, whatever the session's settings
CREATE TABLE listed (id int PRIMARY KEY, a int[], at timestamptz);
INSERT INTO listed VALUES (1, '{1,NULL}', '2024-02-01 00:00+00');
SELECT sg_plan_create('p'), sg_plan_add_rows('p', 'listed', '[{"id": 1, "a": [1, null, 3], "at": "2024-02-01 00:00+00"}]') \g /dev/null
SET array_nulls = off;
SELECT result, check_name, detail FROM sg_plan_check_details('p') WHERE check_name = 'rows';
RESET array_nulls;
SELECT sg_plan_drop('p') \g /dev/null
DROP TABLE listed;
-- where nothing is declared, a call says so
DELETE FROM schemaguard.lookup_table;
SELECT sg_snapshot_take('none', '{lk}') > 0 AS taken;
SET client_min_messages = notice;
SELECT count(*) FROM sg_lookup_drift('none');
SET client_min_messages = warning;
SELECT sg_snapshot_drop('none') \g /dev/null

SELECT sg_snapshot_drop('look');
SELECT count(*) FROM schemaguard.snapshot_lookup;
DELETE FROM schemaguard.lookup_table;
SELECT sg_plan_drop(p.name) FROM schemaguard.plan p WHERE p.name IN ('rows', 'rows 2', 'more', 'loud', 'owned');
SELECT sg_revoke('regress_lk_reader'), sg_revoke('regress_lk_author');
REVOKE pg_monitor FROM regress_lk_reader;
DROP SCHEMA lk CASCADE;
DROP OWNED BY regress_lk_reader, regress_lk_author;
DROP ROLE regress_lk_reader, regress_lk_author;
