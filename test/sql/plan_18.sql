-- Clauses that exist from PostgreSQL 18 on: NOT ENFORCED and PERIOD
-- since: 18
-- rooms: plan
SET client_min_messages = warning;
SET schemaguard.live_search = '1min';
CREATE EXTENSION IF NOT EXISTS schemaguard;
\set VERBOSITY terse
\set SHOW_CONTEXT never

CREATE SCHEMA plan_18;
SET search_path = plan_18, public;
CREATE TABLE p (id int PRIMARY KEY);
CREATE TABLE c (id int, a int, b int);

SELECT sg_plan_create('eighteen');
SELECT sg_plan_add_fk('eighteen', 'c', '{id}', 'p', enforced => false);
SELECT sg_plan_add_fk('eighteen', 'c', '{a}', 'p');
SELECT sg_plan_set('eighteen', '{1}', '{"enforced": false}');
SELECT sg_plan_set('eighteen', '{1}', '{"enforced": true}');
SELECT sg_plan_from_sql('eighteen', $$
ALTER TABLE c ADD CONSTRAINT loose FOREIGN KEY (b) REFERENCES p NOT ENFORCED;
CREATE TABLE d (x int REFERENCES p NOT ENFORCED, y int REFERENCES p ENFORCED);
ALTER TABLE c ADD CONSTRAINT spans FOREIGN KEY (id, PERIOD b) REFERENCES p (id, PERIOD b);
$$);
SELECT step, child_columns, fk_name, enforced, period, orphans, state, reason FROM schemaguard.plan_step WHERE plan = 'eighteen' ORDER BY step;
SELECT line, reason FROM schemaguard.plan_note WHERE plan = 'eighteen' ORDER BY line;
SELECT * FROM sg_plan_sql('eighteen');

SELECT sg_plan_import('eighteen too', sg_plan_export('eighteen'));
SELECT step, child_columns, period, enforced, state FROM schemaguard.plan_step WHERE plan = 'eighteen too' ORDER BY step;
SELECT sg_plan_import('eighteen three', '{"schemaguard_plan": 1, "plan": "x", "steps": [{"child_table": "c", "child_columns": ["id"],
                      "parent_table": "p", "enforced": false}]}');
SELECT sg_plan_drop(name) FROM schemaguard.plan WHERE name ~ '^eighteen' ORDER BY name;

-- A plain key is not judged by a PERIOD key on the same columns: coverage is not equality.
CREATE TABLE spans (id int4range, v int4range, UNIQUE (id, v), PRIMARY KEY (id, v WITHOUT OVERLAPS));
CREATE TABLE stays (id int4range, v int4range, CONSTRAINT covered FOREIGN KEY (id, PERIOD v) REFERENCES spans (id, PERIOD v));
INSERT INTO spans VALUES ('[1,2)', '[0,10)');
INSERT INTO stays VALUES ('[1,2)', '[3,5)');
SELECT sg_plan_create('plain');
SELECT sg_plan_add_fk('plain', 'stays', '{id,v}', 'spans', '{id,v}', fk_name => 'plain', index => false);
SELECT fk_name, source, state, orphan_rows, result FROM sg_orphan_audit_details('stays');
SELECT fk_name, source, state, orphan_rows, result FROM sg_orphan_audit_details(plan => 'plain');
SELECT sg_plan_drop('plain');

-- a key that was done, and that somebody has made NOT ENFORCED since
CREATE TABLE loosened (p int REFERENCES p);
SELECT sg_plan_create('loosened');
SELECT sg_plan_add_fk('loosened', 'loosened', '{p}', 'p', index => false);
CALL sg_add_fks('loosened');
ALTER TABLE loosened ALTER CONSTRAINT loosened_p_fkey NOT ENFORCED;
SELECT check_name, result, detail FROM sg_plan_check_details('loosened') WHERE check_name = 'state';
SELECT sg_plan_drop('loosened', force => true);

-- what is NOT ENFORCED, or NOT VALID, comes back so; a column that no publication sends is no reason to leave a step
CREATE TABLE lax (a int, v int GENERATED ALWAYS AS (a * 2) VIRTUAL, CONSTRAINT above CHECK (a > 0) NOT ENFORCED, CONSTRAINT below CHECK (a < 9) NO INHERIT NOT ENFORCED);
INSERT INTO lax VALUES (-1), (NULL);
ALTER TABLE lax ADD CONSTRAINT there NOT NULL a NOT VALID;
CREATE TABLE lax_was AS SELECT conname, contype, conenforced, convalidated, connoinherit, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'lax'::regclass;
SET client_min_messages = error;
CREATE PUBLICATION regress_sg_lax FOR TABLE lax;
SET client_min_messages = warning;
SELECT sg_plan_create('lax');
SELECT sg_plan_add_drop('lax', 'constraint', 'lax', conname::text) FROM lax_was ORDER BY conname;
SELECT sg_plan_add_drop('lax', 'column', 'lax', 'v');
SELECT step, check_name, detail FROM sg_plan_check_details('lax') WHERE result = 'block';
CALL sg_apply('lax', fail => true);
SELECT count(*) FROM pg_constraint WHERE conrelid = 'lax'::regclass;
CALL sg_rollback_fks('lax', fail => true);
SELECT conname, contype, conenforced, convalidated, connoinherit, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'lax'::regclass EXCEPT TABLE lax_was;
SELECT count(*) FROM pg_constraint WHERE conrelid = 'lax'::regclass;
SELECT step, state, reason FROM schemaguard.plan_step WHERE plan = 'lax' ORDER BY 1;
DROP PUBLICATION regress_sg_lax;
SELECT sg_plan_drop('lax', force => true);

-- PERIOD keys in a plan: what ALTER TABLE would refuse is refused when the step is added.
CREATE TABLE room (id int4range, during daterange, CONSTRAINT room_pk PRIMARY KEY (id, during WITHOUT OVERLAPS));
CREATE TABLE stay (nr int, room int4range, during daterange);
SELECT sg_plan_create('periods');
SELECT sg_plan_add_fk('periods', 'stay', '{room,during}', 'room', fk_name => 'stay_room', period => true);
SELECT sg_plan_add_fk('periods', 'stay', '{during}', 'room', period => true);
SELECT sg_plan_add_fk('periods', 'stay', '{room,during}', 'room', '{id,during}', fk_name => 'x', on_delete => 'cascade', period => true);
SELECT sg_plan_set('periods', '{1}', '{"orphans": "delete"}');
SELECT sg_plan_set('periods', '{1}', '{"on_update": "cascade"}');
SELECT sg_plan_add_fk('periods', 'stay', '{room,during}', 'room', '{id,during}', orphans => 'leave', sentinel => 'x', period => true);
SELECT sg_plan_from_sql('periods', $$
ALTER TABLE stay ADD CONSTRAINT half FOREIGN KEY (room, PERIOD during) REFERENCES room (id, during);
$$);
SELECT line, reason FROM schemaguard.plan_note WHERE plan = 'periods';
-- a plan that says period where the parent's key does not, and the other way round
CREATE TABLE house (id int4range, during daterange, PRIMARY KEY (id, during));
SELECT sg_plan_create('mixed');
SELECT sg_plan_add_fk('mixed', 'stay', '{room,during}', 'house', fk_name => 'a', period => true);
SELECT sg_plan_add_fk('mixed', 'stay', '{room,during}', 'room', '{id,during}', fk_name => 'b');
SELECT step, check_name, result, detail, hint FROM sg_plan_check_details('mixed') WHERE result = 'block' ORDER BY step;
SELECT sg_plan_drop('mixed');
DROP TABLE house;
SELECT * FROM sg_plan_sql('periods');

-- Room 1 is there in two periods that meet, room 2 in two with a gap between.
INSERT INTO room VALUES ('[1,2)', '[2020-01-01,2020-06-01)'), ('[1,2)', '[2020-06-01,2021-01-01)'),
  ('[2,3)', '[2020-01-01,2020-03-01)'), ('[2,3)', '[2020-09-01,2021-01-01)');
INSERT INTO stay SELECT g, '[1,2)', daterange('2020-01-01'::date + g, '2020-01-08'::date + g) FROM generate_series(0, 350) g;
INSERT INTO stay VALUES (1000, NULL, '[2020-01-01,2020-02-01)'), (1001, '[1,2)', NULL);
-- A gap, a room that is nowhere, a stay that no period of the room touches: ADD FOREIGN KEY sees all three, VALIDATE of
-- 18.6 and 19rc1 does not see the gap, so that the plan must.
INSERT INTO stay VALUES (2000, '[2,3)', '[2020-02-01,2020-10-01)');
ALTER TABLE stay ADD CONSTRAINT at_once FOREIGN KEY (room, PERIOD during) REFERENCES room;
ALTER TABLE stay ADD CONSTRAINT by_core FOREIGN KEY (room, PERIOD during) REFERENCES room NOT VALID;
ALTER TABLE stay VALIDATE CONSTRAINT by_core;
SELECT convalidated AS core_takes_a_gap_for_covered FROM pg_constraint WHERE conname = 'by_core';
ALTER TABLE stay DROP CONSTRAINT by_core;
SELECT fk_name, state, rows_checked, orphan_rows, result, method FROM sg_orphan_audit_details(plan => 'periods');
CALL sg_add_fks('periods');
SELECT state, reason FROM schemaguard.plan_step WHERE plan = 'periods';
-- With the policy leave it is added NOT VALID, and orphans stay outside from then on.
SELECT sg_plan_set('periods', '{1}', '{"orphans": "leave"}');
CALL sg_add_fks('periods');
SELECT state, reason FROM schemaguard.plan_step WHERE plan = 'periods';
SELECT conname, convalidated, conperiod, pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'stay_room';
INSERT INTO stay VALUES (2001, '[2,3)', '[2020-02-01,2020-10-01)');
-- One row that VALIDATE alone would have let pass, so CALL leaves the key as it is; without it, it becomes valid.
CALL sg_add_fks('periods');
SELECT state, reason FROM schemaguard.plan_step WHERE plan = 'periods';
SELECT fk_name, test, expected, observed, result FROM sg_verify_fks_details('periods');
SELECT nr FROM stay JOIN sg_fk_orphans('stay', 'stay_room') o ON o.row_id = stay.ctid;
DELETE FROM stay WHERE nr = 2000;
CALL sg_add_fks('periods');
SELECT state, reason FROM schemaguard.plan_step WHERE plan = 'periods';
SELECT conname, convalidated FROM pg_constraint WHERE conname = 'stay_room';
SELECT state, armed, method, stands FROM schemaguard.fk_trust WHERE fk_name = 'stay_room';
SELECT fk_name, test, expected, observed, result, reason FROM sg_verify_fks_details('periods', live => true);
-- An index on the columns before the period serves it; so does one of GiST on all of them.
SELECT indexdef FROM pg_indexes WHERE tablename = 'stay';
CALL sg_rollback_fks('periods');
SELECT conname FROM pg_constraint WHERE conname = 'stay_room';
SELECT state FROM schemaguard.plan_step WHERE plan = 'periods';
CREATE INDEX stay_gist ON stay USING gist (room, during);
SELECT * FROM sg_plan_sql('periods');

-- A PERIOD key that takes the place of another one; the old one comes back, valid by an audit again.
ALTER TABLE stay ADD CONSTRAINT old_stay FOREIGN KEY (room, PERIOD during) REFERENCES room;
SELECT sg_plan_set('periods', '{1}', '{"replaces": "old_stay"}');
CALL sg_add_fks('periods');
SELECT conname, convalidated FROM pg_constraint WHERE conrelid = 'stay'::regclass AND contype = 'f';
CALL sg_rollback_fks('periods');
SELECT conname, convalidated, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = 'stay'::regclass AND contype = 'f';
SELECT sg_plan_create('gap');
SELECT sg_plan_add_fk('gap', 'stay', '{room,during}', 'room', period => true, fk_name => 'new_stay', replaces => 'old_stay', index => false);
CALL sg_add_fks('gap');
SET session_replication_role = replica;
INSERT INTO stay VALUES (2000, '[2,3)', '[2020-02-01,2020-10-01)');
RESET session_replication_role;
CALL sg_rollback_fks('gap');
SELECT conname, convalidated FROM pg_constraint WHERE conrelid = 'stay'::regclass AND contype = 'f';
SELECT sg_plan_drop('gap', force => true);

-- Partitioned tables on both sides, a period of multiranges, columns in another order, names that need quotes.
CREATE TABLE "Ro om" (span datemultirange, "I d" int4range, CONSTRAINT "Ro om_pk" PRIMARY KEY ("I d", span WITHOUT OVERLAPS)) PARTITION BY LIST ("I d");
CREATE TABLE "Ro om 1" PARTITION OF "Ro om" FOR VALUES IN ('[1,2)');
CREATE TABLE "Ro om d" PARTITION OF "Ro om" DEFAULT;
CREATE TABLE visit (during datemultirange, room int4range, n int) PARTITION BY RANGE (n);
CREATE TABLE visit_1 PARTITION OF visit FOR VALUES FROM (0) TO (10);
CREATE TABLE visit_2 (n int, gone int, room int4range, during datemultirange);
ALTER TABLE visit_2 DROP COLUMN gone;
ALTER TABLE visit ATTACH PARTITION visit_2 FOR VALUES FROM (10) TO (20);
INSERT INTO "Ro om" VALUES ('{[2020-01-01,2020-06-01)}', '[1,2)'), ('{[2020-06-01,2021-01-01)}', '[1,2)'), ('{[2020-01-01,2021-01-01)}', '[2,3)');
INSERT INTO visit SELECT '{[2020-02-01,2020-10-01)}', '[1,2)', g FROM generate_series(0, 19) g;
SELECT sg_plan_create('parts');
SELECT sg_plan_from_sql('parts', 'ALTER TABLE visit ADD FOREIGN KEY (room, PERIOD during) REFERENCES "Ro om" ("I d", PERIOD span) NOT VALID');
INSERT INTO visit VALUES ('{[2020-02-01,2022-10-01)}', '[2,3)', 15);
CALL sg_add_fks('parts');
SELECT state, reason FROM schemaguard.plan_step WHERE plan = 'parts';
DELETE FROM visit WHERE room = '[2,3)';
CALL sg_add_fks('parts');
SELECT state, reason FROM schemaguard.plan_step WHERE plan = 'parts';
SELECT conrelid::regclass, convalidated, conperiod FROM pg_constraint WHERE contype = 'f' AND conrelid::regclass::text ~ '^visit' AND confrelid = '"Ro om"'::regclass ORDER BY 1;
INSERT INTO visit VALUES ('{[2020-02-01,2022-10-01)}', '[2,3)', 5);
CALL sg_rollback_fks('parts');
SELECT conrelid::regclass FROM pg_constraint WHERE contype = 'f' AND conrelid::regclass::text ~ '^visit';
SELECT sg_plan_drop('parts');
SELECT sg_plan_drop('periods');
-- an argument's type says softly that it can't be read
SELECT message, sql_error_code FROM pg_input_error_info('{a', 'schemaguard.names');
SELECT pg_input_is_valid('{a,b}', 'schemaguard.names') AS list, pg_input_is_valid('a', 'schemaguard.names') AS one;
-- A column that was NOT NULL NOT VALID comes back like that, with its nulls
CREATE TABLE loose (id int PRIMARY KEY, v int DEFAULT 7);
INSERT INTO loose VALUES (1, NULL);
ALTER TABLE loose ADD CONSTRAINT loose_v NOT NULL v NOT VALID;
SELECT sg_plan_create('loose');
SELECT sg_plan_add_drop('loose', 'column', 'loose', 'v');
CALL sg_apply('loose');
CALL sg_rollback_fks('loose');
SELECT state, reason FROM schemaguard.plan_step WHERE plan = 'loose';
SELECT a.attname, a.attnotnull, c.convalidated, pg_get_expr(d.adbin, d.adrelid) AS initial
FROM pg_attribute a JOIN pg_constraint c ON c.conrelid = attrelid AND c.contype = 'n' AND attnum = ANY (conkey) JOIN pg_attrdef d ON d.adrelid = a.attrelid
WHERE attrelid = 'loose'::regclass AND attname = 'v';
SELECT sg_plan_drop('loose', force => true);
SET client_min_messages = error;
DROP SCHEMA plan_18 CASCADE;
