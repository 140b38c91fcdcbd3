-- Steps that rename and drop: what depends on it, what is kept, the way back, and its end
-- rooms: change plan
\set VERBOSITY default
\set SHOW_CONTEXT never
\pset format unaligned
\pset tuples_only on
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS schemaguard;
CREATE SCHEMA cob;
SET search_path = cob, public;
CREATE TABLE users (id int PRIMARY KEY, name text NOT NULL DEFAULT 'x', old int, age int CHECK (age > 0));
CREATE TABLE posts (id serial PRIMARY KEY, u int CONSTRAINT posts_u REFERENCES users ON DELETE CASCADE);
CREATE TABLE likes (post int CONSTRAINT likes_post REFERENCES posts);
CREATE INDEX posts_by_user ON posts (u);
INSERT INTO users (id, age) SELECT g, g FROM generate_series(1, 10) g;
INSERT INTO posts (u) SELECT g FROM generate_series(1, 10) g;
INSERT INTO likes SELECT g FROM generate_series(1, 10) g;
CREATE VIEW grown AS SELECT old FROM users;
CREATE FUNCTION posts() RETURNS bigint LANGUAGE plpgsql AS 'BEGIN RETURN (SELECT count(*) FROM posts); END';
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER noted BEFORE INSERT ON likes FOR EACH ROW EXECUTE FUNCTION note();
CREATE VIEW steps AS SELECT step, kind, definition, fk_name, state, reason FROM schemaguard.plan_step WHERE plan = 'd' ORDER BY step;
-- everything of the schema but our view, as it can be compared
CREATE FUNCTION shape() RETURNS SETOF text LANGUAGE sql AS $$
  SELECT concat_ws(' ', c.relname, a.attname, format_type(a.atttypid, a.atttypmod), CASE WHEN a.attnotnull THEN 'not null' END, pg_get_expr(d.adbin, d.adrelid))
  FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
  WHERE c.relnamespace = 'cob'::regnamespace AND a.attnum > 0 AND NOT a.attisdropped AND c.relname <> 'steps'
  UNION ALL SELECT concat_ws(' ', conrelid::regclass, conname, pg_get_constraintdef(oid)) FROM pg_constraint WHERE connamespace = 'cob'::regnamespace AND contype <> 'n'
  UNION ALL SELECT pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal AND tgrelid IN (SELECT oid FROM pg_class WHERE relnamespace = 'cob'::regnamespace)
  ORDER BY 1 $$;
CREATE TEMP TABLE before AS SELECT * FROM shape() s;
RESET client_min_messages;

SELECT sg_plan_create('d') \g /dev/null
SELECT sg_plan_add_drop('d', 'table', 'posts');
SELECT sg_plan_add_drop('d', 'column', 'users', 'name');
SELECT sg_plan_add_drop('d', 'column', 'users', 'old');
SELECT sg_plan_add_drop('d', 'constraint', 'users', 'users_age_check');
SELECT sg_plan_add_drop('d', 'trigger', 'likes', 'noted');
SELECT sg_plan_add_rename('d', 'column', 'users', 'years', name => 'age');
SELECT sg_plan_add_rename('d', 'table', 'users', 'people');
SELECT sg_plan_add_rename('d', 'index', 'users', 'people_key', name => 'users_pkey');
SELECT sg_plan_add_rename('d', 'trigger', 'likes', 'x', name => 'nothing');
SELECT sg_plan_add_drop('d', 'view', 'nowhere');
-- what names the old name comes before the table's new one
SELECT * FROM sg_plan_sql('d');
SELECT step, check_name, result, regexp_replace(detail, '[0-9.]+ kB|[0-9]+ bytes', '# kB'), hint FROM sg_plan_check_details('d') WHERE step > 0;
CALL sg_apply('d');
SELECT sg_plan_skip('d', '{3}', 'a view reads it', done => true);
CALL sg_apply('d');
TABLE steps;
SELECT * FROM shape();
SELECT count(*) FROM schemaguard_attic.posts;
SELECT step, kind, object, undo FROM schemaguard.plan_deed ORDER BY id;
-- the extension does not go without what is on record with it
DROP EXTENSION schemaguard;
-- nothing binds what is left to what is kept, and what is kept is in nobody's way
DELETE FROM people WHERE id = 10;
SELECT identity FROM sg_snapshot_objects_details('live') WHERE identity ~ 'attic|_sg_dropped' AND identity !~ '^schemaguard[.]';
SELECT child_table, child_columns FROM sg_discover_fks_details() WHERE child_table ~ 'attic' OR child_columns::text ~ '_sg_dropped';
SELECT table_name FROM schemaguard.sg_discover_unmatched() WHERE table_name ~ 'attic';
SELECT DISTINCT table_name FROM sg_tenant_audit_details('id') WHERE table_name ~ 'posts';
INSERT INTO people VALUES (10, 'y', 1, 10);
-- again
CALL sg_apply('d');
-- back, with rows, keys, NOT NULL and default
CALL sg_rollback_fks('d');
TABLE steps;
SELECT * FROM shape() EXCEPT TABLE before;
TABLE before EXCEPT SELECT * FROM shape();
SELECT count(*) FROM posts;
INSERT INTO posts (u) VALUES (1) RETURNING id;

-- a name that is taken, another table in its place, a table that can't be kept
SELECT sg_plan_create('d', replace => true) \g /dev/null
CREATE TABLE parts (a int) PARTITION BY LIST (a);
CREATE TABLE shown (a int);
SET client_min_messages = error;
CREATE PUBLICATION regress_sg_shown FOR TABLE shown;
RESET client_min_messages;
SELECT sg_plan_add_drop('d', 'table', 'parts'), sg_plan_add_drop('d', 'table', 'shown'), sg_plan_add_drop('d', 'table', 'likes'),
       sg_plan_add_rename('d', 'table', 'posts', 'users'), sg_plan_add_drop('d', 'table', 'grown'), sg_plan_add_drop('d', 'column', 'users', 'id');
SELECT step, check_name, result, detail, hint FROM sg_plan_check_details('d') WHERE result = 'block';
CALL sg_apply('d');
CREATE TABLE likes (other int);
CALL sg_rollback_fks('d');
DROP TABLE likes;
CALL sg_rollback_fks('d');
SELECT count(*) FROM likes;

-- an identity column gives values to rows that are written meanwhile
SELECT sg_plan_create('d', replace => true) \g /dev/null
CREATE TABLE numbered (id int GENERATED ALWAYS AS IDENTITY, x int);
INSERT INTO numbered (x) VALUES (1);
SELECT sg_plan_add_drop('d', 'column', 'numbered', 'id');
CALL sg_apply('d');
INSERT INTO numbered (x) VALUES (2);
CALL sg_rollback_fks('d');
INSERT INTO numbered (x) VALUES (3);
TABLE numbered;

-- what is published is so again; what meets its own name in the attic
SELECT sg_plan_create('d', replace => true) \g /dev/null
SET client_min_messages = error;
CREATE PUBLICATION "regress_sg other";
ALTER PUBLICATION regress_sg_shown ADD TABLE users (id, age) WHERE (name <> 'no;''ne' AND id > 0);
ALTER PUBLICATION "regress_sg other" ADD TABLE shown;
DROP VIEW grown;
CREATE SCHEMA cob2;
CREATE TABLE cob2.shown (a int);
CREATE TABLE cob2.other (a serial CONSTRAINT users_pkey PRIMARY KEY);
RESET client_min_messages;
CREATE VIEW published AS SELECT pubname, tablename, attnames, rowfilter FROM pg_publication_tables WHERE pubname LIKE 'regress_sg%' ORDER BY 1, 2;
TABLE published;
SELECT sg_plan_add_drop('d', 'table', 'shown'), sg_plan_add_drop('d', 'table', 'users'), sg_plan_add_drop('d', 'table', 'cob2.shown'), sg_plan_add_drop('d', 'table', 'cob2.other');
CALL sg_apply('d', fail => true);
TABLE published;
SELECT n.nspname, string_agg(c.relname, ' ' ORDER BY c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname ~ '^schemaguard_attic' GROUP BY 1 ORDER BY 1;
SELECT identity FROM sg_snapshot_objects_details('live') WHERE identity ~ 'attic' AND identity !~ '^schemaguard[.]';
SELECT step, check_name, result, regexp_replace(detail, 'takes .*', 'takes #') FROM sg_plan_check_details('d') WHERE step > 0;
DROP PUBLICATION "regress_sg other";
CALL sg_rollback_fks('d', fail => true);
TABLE published;
SELECT count(*) FROM users;
SELECT nextval('cob2.other_a_seq');
DROP PUBLICATION regress_sg_shown;

-- a drop that takes the replica identity of a published table along; one that is needed by nobody comes back as the identity
SET client_min_messages = error;
CREATE TABLE told (id int PRIMARY KEY, k int NOT NULL, v int, CONSTRAINT told_k UNIQUE (k));
CREATE TABLE told_p (id int, k int NOT NULL, PRIMARY KEY (id)) PARTITION BY LIST (id);
CREATE TABLE told_p1 PARTITION OF told_p FOR VALUES IN (1);
CREATE UNIQUE INDEX told_p1_k ON told_p1 (k);
CREATE PUBLICATION regress_sg_told FOR TABLE told, told_p;
ALTER TABLE told REPLICA IDENTITY USING INDEX told_k;
ALTER TABLE told_p1 REPLICA IDENTITY USING INDEX told_p1_k;
RESET client_min_messages;
SELECT sg_plan_create('d', replace => true) \g /dev/null
SELECT sg_plan_add_default('d', 'told', 'v', '5'), sg_plan_add_drop('d', 'constraint', 'told', 'told_k'), sg_plan_add_drop('d', 'index', 'told_p1', 'told_p1_k'), sg_plan_add_drop('d', 'column', 'told', 'v'), sg_plan_add_column('d', 'told', 'w', 'int') \g /dev/null
SELECT step, check_name, result, detail, hint FROM sg_plan_check_details('d') WHERE step > 0 AND result <> 'ok' ORDER BY 1, 2;
SELECT sg_plan_create('d', replace => true) \g /dev/null
SELECT sg_plan_add_drop('d', 'constraint', 'told', 'told_k'), sg_plan_add_drop('d', 'index', 'told_p1', 'told_p1_k') \g /dev/null
CALL sg_apply('d');
DROP PUBLICATION regress_sg_told;
ALTER TABLE told_p1 REPLICA IDENTITY FULL;
CALL sg_apply('d');
CALL sg_rollback_fks('d', fail => false);
ALTER TABLE told ADD CONSTRAINT told_k UNIQUE (k);
CREATE UNIQUE INDEX told_p1_k ON told_p1 (k);
CALL sg_rollback_fks('d', fail => true);
SELECT c.relname, relreplident, indisreplident FROM pg_class c JOIN pg_index i ON indrelid = c.oid WHERE indexrelid IN ('told_k'::regclass, 'told_p1_k'::regclass) ORDER BY 1;
SELECT step, state, reason FROM schemaguard.plan_step WHERE plan = 'd' ORDER BY 1;
DROP TABLE told, told_p;

-- a partition leaves its table, and comes back as what it was; a key that it had of that goes and comes, too
SELECT sg_plan_create('d', replace => true) \g /dev/null
CREATE TABLE logs (id int, day date DEFAULT '2026-02-02', by int CONSTRAINT logs_by REFERENCES users, note text CHECK (note <> ''), PRIMARY KEY (id, day)) PARTITION BY RANGE (day);
CREATE TABLE logs_1 PARTITION OF logs (CHECK (id > 0)) FOR VALUES FROM ('2026-01-01') TO ('2026-02-01');
CREATE TABLE logs_2 PARTITION OF logs FOR VALUES FROM ('2026-02-01') TO (MAXVALUE);
CREATE TABLE logs_x PARTITION OF logs DEFAULT;
CREATE TABLE words (word text) PARTITION BY LIST (word);
CREATE TABLE words_1 PARTITION OF words FOR VALUES IN (E'it''s\n1', NULL);
CREATE INDEX logs_by_idx ON logs (by);
CREATE TRIGGER noted BEFORE INSERT ON logs FOR EACH ROW EXECUTE FUNCTION note();
INSERT INTO users (id, age) VALUES (50, 50);
INSERT INTO logs SELECT g, date '2026-01-11' + g, 50, 'x' FROM generate_series(1, 9) g;
INSERT INTO words VALUES (NULL);
TRUNCATE before;
INSERT INTO before SELECT * FROM shape();
SELECT sg_plan_add_drop('d', 'table', 'logs_1'), sg_plan_add_drop('d', 'table', 'words_1'), sg_plan_add_drop('d', 'table', 'logs'),
       sg_plan_add_fk('d', 'likes', '{post}', 'users', priority => 'low', index => false);
SELECT step, check_name, result, regexp_replace(detail, '[0-9.]+ kB|[0-9]+ bytes', '# kB'), hint FROM sg_plan_check_details('d') WHERE step BETWEEN 1 AND 3;
CALL sg_apply('d');
SELECT step, kind, object, coalesce(before ->> 'fk_name', regexp_replace(after ->> 'was', '[0-9]+ [0-9]+ [0-9]+( [0-9a-f]{8} [0-9]+$)?', '...')) AS was FROM schemaguard.plan_deed ORDER BY id;
SELECT count(*), (SELECT count(*) FROM schemaguard_attic.logs_1) FROM logs;
-- nothing binds the users any more that the rows of the partition name
DELETE FROM users WHERE id = 50 RETURNING id;
INSERT INTO users (id, age) VALUES (50, 50);
CALL sg_apply('d');
-- by a session that reads dates in another way, and after a key that was made later
SET DateStyle = 'SQL, DMY';
CALL sg_rollback_fks('d');
RESET DateStyle;
SELECT * FROM shape() EXCEPT TABLE before;
TABLE before EXCEPT SELECT * FROM shape();
SELECT tableoid::regclass, count(*) FROM logs GROUP BY 1 UNION ALL SELECT tableoid::regclass, count(*) FROM words GROUP BY 1 ORDER BY 1;
SELECT inhrelid::regclass, pg_get_expr(relpartbound, inhrelid) FROM pg_inherits JOIN pg_class ON oid = inhrelid WHERE inhparent IN ('logs'::regclass, 'words'::regclass) ORDER BY inhrelid::regclass::text;
-- the default partition has rows that would have to be read; somebody else has detached it; the whole is gone; it is pruned
INSERT INTO logs VALUES (1, '2025-01-01', 1, 'old');
CALL sg_apply('d', steps => '{1,2}');
CALL sg_rollback_fks('d', steps => '{1}');
SELECT relispartition FROM pg_class WHERE oid = 'logs_1'::regclass;
SELECT sg_plan_add_drop('d', 'table', 'logs_2') \g /dev/null
CALL sg_apply('d', steps => '{5}');
DROP TABLE words;
CALL sg_rollback_fks('d', steps => '{2}');
SET client_min_messages = warning;
CALL sg_prune(now() + interval '1 hour', 'attic');
RESET client_min_messages;
SELECT count(*) FILTER (WHERE undone_at IS NULL) FROM schemaguard.plan_deed WHERE step IN (1, 2, 5);
SELECT to_regclass('schemaguard_attic.logs_2');
-- what would read rows under ACCESS EXCLUSIVE is not begun; nor is one that is no single table
CREATE TABLE refs (id int, day date, CONSTRAINT refs_log FOREIGN KEY (id, day) REFERENCES logs);
SELECT sg_plan_create('d', replace => true) \g /dev/null
SELECT sg_plan_add_drop('d', 'table', 'logs_x'), sg_plan_add_drop('d', 'table', 'logs');
SELECT step, result, detail, hint FROM sg_plan_check_details('d') WHERE result = 'block' ORDER BY step;

-- a key that can't come back keeps no other one away; each that is left is named, with its reason
CREATE TABLE hub (id int PRIMARY KEY);
INSERT INTO hub SELECT generate_series(1, 3);
CREATE TABLE spoke1 (hub int CONSTRAINT spoke1_hub REFERENCES hub);
CREATE TABLE spoke2 (hub int CONSTRAINT spoke2_hub REFERENCES hub);
CREATE TABLE spoke3 (hub int CONSTRAINT spoke3_hub REFERENCES hub);
CREATE TABLE spoke4 (hub int CONSTRAINT spoke4_hub REFERENCES hub);
SELECT sg_plan_create('d', replace => true) \g /dev/null
SELECT sg_plan_add_drop('d', 'table', 'hub') \g /dev/null
CALL sg_apply('d');
ALTER TABLE spoke4 DROP hub;
INSERT INTO spoke2 VALUES (99);
CALL sg_rollback_fks('d');
SELECT conname, convalidated FROM pg_constraint WHERE confrelid = 'hub'::regclass ORDER BY 1;
SELECT state, reason FROM steps;
DELETE FROM spoke2;
ALTER TABLE spoke4 ADD hub int;
CALL sg_rollback_fks('d');
SELECT conname, convalidated FROM pg_constraint WHERE confrelid = 'hub'::regclass ORDER BY 1;
SELECT state, reason FROM steps;

-- what goes by another name since is found by its OID
CREATE TABLE called (id int PRIMARY KEY, a int, b int DEFAULT 5 NOT NULL);
INSERT INTO called VALUES (1, 1, 7);
SELECT sg_plan_create('d', replace => true) \g /dev/null
SELECT sg_plan_add_column('d', 'called', 'c', 'int', fill => 'a + 1'), sg_plan_add_not_null('d', 'called', 'a'), sg_plan_add_check('d', 'called', 'a > 0'),
  sg_plan_add_unique('d', 'called', 'a', name => 'called_uq'), sg_plan_add_index('d', 'called', '(a, id)', name => 'called_ix'), sg_plan_add_default('d', 'called', 'a', '3'),
  sg_plan_add_fk('d', 'called', 'a', 'users', fk_name => 'called_fk', index => false), sg_plan_add_rename('d', 'column', 'called', 'key', 'id'), sg_plan_add_drop('d', 'column', 'called', 'b') \g /dev/null
SET client_min_messages = error;
CALL sg_apply('d', fail => true);
ALTER TABLE called RENAME TO renamed;
CREATE SCHEMA cob3;
ALTER TABLE renamed SET SCHEMA cob3;
ALTER TABLE cob3.renamed RENAME a TO aa;
ALTER TABLE cob3.renamed RENAME c TO cc;
ALTER TABLE cob3.renamed RENAME _sg_dropped_b TO bb;
ALTER TABLE cob3.renamed RENAME CONSTRAINT called_check TO renamed_check;
ALTER TABLE cob3.renamed RENAME CONSTRAINT called_uq TO renamed_uq;
ALTER TABLE cob3.renamed RENAME CONSTRAINT called_fk TO renamed_fk;
ALTER INDEX cob3.called_ix RENAME TO renamed_ix;
ALTER SCHEMA cob3 RENAME TO cob4;
UPDATE cob4.renamed SET cc = NULL;
CALL sg_rollback_fks('d', fail => true);
SELECT attname, attnotnull, atthasdef FROM pg_attribute WHERE attrelid = 'cob4.renamed'::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum;
SELECT (SELECT string_agg(conname, ' ') FROM pg_constraint WHERE conrelid = 'cob4.renamed'::regclass AND contype <> 'n') AS constraints,
  (SELECT string_agg(relname, ' ') FROM pg_class WHERE relnamespace = 'cob4'::regnamespace AND relkind = 'i') AS indexes, (SELECT count(*) FROM pg_trigger WHERE tgrelid = 'cob4.renamed'::regclass AND NOT tgisinternal) AS triggers;
SELECT step, state, reason FROM steps;
-- by names alone, as after a restore: what is not found stays open
SELECT sg_plan_create('d', replace => true) \g /dev/null
SELECT sg_plan_add_check('d', 'cob4.renamed', 'aa > 0', name => 'positive') \g /dev/null
CALL sg_apply('d', fail => true);
UPDATE schemaguard.plan_deed SET after = after || '{"identity": "1 1 1 1 0 {} {}"}' WHERE undone_at IS NULL AND object LIKE '%positive%';
ALTER TABLE cob4.renamed RENAME TO called;
SET client_min_messages = notice;
CALL sg_rollback_fks('d', fail => true);
SELECT step, state, reason FROM steps;
ALTER TABLE cob4.called RENAME TO renamed;
CALL sg_rollback_fks('d', fail => true);
SELECT step, state, reason FROM steps;
-- what somebody else has dropped is told
CALL sg_apply('d', fail => true);
ALTER TABLE cob4.renamed DROP CONSTRAINT positive;
CALL sg_rollback_fks('d', fail => true);
SELECT step, state, reason FROM steps;

-- done steps are found under the names that a later one has given their tables and columns
SELECT sg_plan_create('d', replace => true) \g /dev/null
CREATE TABLE cob4.child (id int PRIMARY KEY, u int);
CREATE TABLE cob4.parent (id int PRIMARY KEY);
SELECT sg_plan_add_fk('d', 'cob4.child', '{u}', 'cob4.parent'), sg_plan_add_check('d', 'cob4.child', 'u > 0'), sg_plan_add_column('d', 'cob4.child', 'more', 'int'), sg_plan_add_rename('d', 'column', 'cob4.child', 'v', 'u'),
  sg_plan_add_rename('d', 'column', 'cob4.child', 'most', 'more'), sg_plan_add_rename('d', 'table', 'cob4.child', 'son'), sg_plan_add_rename('d', 'table', 'cob4.parent', 'father') \g /dev/null
CALL sg_apply('d', fail => true);
SELECT count(*), count(*) FILTER (WHERE result = 'pass') AS pass FROM sg_verify_fks_details('d');
SELECT fk_name, test, result, observed, reason FROM sg_verify_fks_details('d') WHERE result <> 'pass';
SELECT sg_plan_add_drop('d', 'table', 'cob4.son') \g /dev/null
CALL sg_apply('d', fail => true);
SELECT fk_name, test, result, observed, reason FROM sg_verify_fks_details('d') WHERE result <> 'pass';
CALL sg_rollback_fks('d');

-- comments, and statistics and CLUSTER ON of an index, which CREATE does not give
SELECT sg_plan_create('d', replace => true) \g /dev/null
CREATE TABLE said (id int CONSTRAINT said_ck CHECK (id > 0) CONSTRAINT said_fk REFERENCES posts, CONSTRAINT said_uq UNIQUE (id));
CREATE INDEX said_i ON said (id, (id + 1));
CREATE TRIGGER said_t BEFORE INSERT ON said FOR EACH ROW EXECUTE FUNCTION note();
COMMENT ON CONSTRAINT said_ck ON said IS 'comment 3 abc  it''s \ said ';
COMMENT ON CONSTRAINT said_uq ON said IS 'unique';
COMMENT ON CONSTRAINT said_fk ON said IS 'key';
COMMENT ON TRIGGER said_t ON said IS 'trigger';
COMMENT ON INDEX said_i IS 'index';
ALTER INDEX said_i ALTER 2 SET STATISTICS 77;
ALTER TABLE said CLUSTER ON said_i;
CREATE VIEW sayings AS SELECT conname AS name, obj_description(oid, 'pg_constraint') AS said FROM pg_constraint WHERE conrelid = to_regclass('said') AND conname LIKE 'said%'
  UNION ALL SELECT tgname, obj_description(oid, 'pg_trigger') FROM pg_trigger WHERE tgname = 'said_t'
  UNION ALL SELECT attname, concat_ws(' ', obj_description(attrelid, 'pg_class'), attstattarget, indisclustered)
    FROM pg_attribute JOIN pg_index ON indexrelid = attrelid WHERE attrelid = to_regclass('said_i') AND attnum = 2;
SELECT sg_plan_add_drop('d', 'constraint', 'said', x) FROM unnest('{said_ck,said_uq,said_fk}'::text[]) x \g /dev/null
SELECT sg_plan_add_drop('d', 'index', 'said', 'said_i'), sg_plan_add_drop('d', 'trigger', 'said', 'said_t') \g /dev/null
CALL sg_apply('d', fail => true);
SELECT * FROM sayings ORDER BY name;
-- a restore into another encoding changes how long a comment is
UPDATE schemaguard.plan_deed SET after = jsonb_set(after, '{was}', to_jsonb(replace(after ->> 'was', 'trigger', 'Auslöser'))) WHERE object LIKE '%said_t%' AND undone_at IS NULL;
CALL sg_rollback_fks('d');
ALTER TABLE said ADD CONSTRAINT said_uq UNIQUE (id);
CREATE INDEX said_i ON said (id, (id + 1));
CALL sg_rollback_fks('d', fail => true);
SELECT * FROM sayings ORDER BY name;
SELECT step, state, reason FROM steps;
-- what is on record is one statement, of its kind, or is not run
SELECT sg_plan_create('d', replace => true) \g /dev/null
SELECT sg_plan_add_drop('d', 'trigger', 'said', 'said_t'), sg_plan_add_drop('d', 'constraint', 'said', 'said_uq') \g /dev/null
CALL sg_apply('d', fail => true);
UPDATE schemaguard.plan_deed SET after = jsonb_set(after, '{was}', to_jsonb((after ->> 'was') || '; CREATE TABLE planted ()')) WHERE object LIKE '%said%' AND undone_at IS NULL;
CALL sg_rollback_fks('d');
SELECT to_regclass('planted');
UPDATE schemaguard.plan_deed SET after = jsonb_set(after, '{was}', to_jsonb(x.was)) FROM (VALUES ('%said_uq%', 'constraint UNIQUE (id), ADD planted int'), ('%said_t%', 'TRIGGER other BEFORE INSERT ON cob.said EXECUTE FUNCTION cob.note()')) x(object, was)
  WHERE plan_deed.object LIKE x.object AND undone_at IS NULL;
CALL sg_rollback_fks('d');
UPDATE schemaguard.plan_deed SET after = jsonb_set(after, '{was}', to_jsonb('constraint CHECK (id > 0) NOT VALID'::text)) WHERE object LIKE '%said_uq%' AND undone_at IS NULL;
CALL sg_rollback_fks('d');
SELECT conname FROM pg_constraint WHERE conrelid = 'said'::regclass AND conname = 'said_uq';
DROP TABLE said CASCADE;
DROP VIEW sayings;

-- the name of a table may have the words of a definition
SELECT sg_plan_create('d', replace => true) \g /dev/null
CREATE TABLE " ADD CONSTRAINT u CHECK (true), OWNER TO regress --" (id int CONSTRAINT u UNIQUE);
SELECT sg_plan_add_drop('d', 'constraint', '" ADD CONSTRAINT u CHECK (true), OWNER TO regress --"', 'u') \g /dev/null
CALL sg_apply('d', fail => true);
CALL sg_rollback_fks('d');
ALTER TABLE cob." ADD CONSTRAINT u CHECK (true), OWNER TO regress --" ADD CONSTRAINT u UNIQUE (id);
CALL sg_rollback_fks('d', fail => true);
SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE conrelid = '" ADD CONSTRAINT u CHECK (true), OWNER TO regress --"'::regclass ORDER BY 1;
DROP TABLE " ADD CONSTRAINT u CHECK (true), OWNER TO regress --";

-- the tablespace of a constraint's index
SET allow_in_place_tablespaces = on;
CREATE TABLESPACE "regress_sg space" LOCATION '';
SELECT sg_plan_create('d', replace => true) \g /dev/null
CREATE TABLE placed (a int, b text,
  CONSTRAINT placed_d EXCLUDE USING btree (b WITH =) USING INDEX TABLESPACE "regress_sg space" DEFERRABLE INITIALLY DEFERRED,
  CONSTRAINT placed_w EXCLUDE USING btree (b WITH =) WITH (fillfactor=50) USING INDEX TABLESPACE "regress_sg space" WHERE (b <> ' WHERE (a > 1)' AND CASE a WHEN 1 THEN true END) DEFERRABLE,
  CONSTRAINT placed_n EXCLUDE USING btree (b WITH =) INCLUDE (a) USING INDEX TABLESPACE "regress_sg space");
SELECT sg_plan_add_drop('d', 'constraint', 'placed', x) FROM unnest('{placed_d,placed_w,placed_n}'::text[]) x \g /dev/null
CALL sg_apply('d', fail => true);
CALL sg_rollback_fks('d');
-- as printed
ALTER TABLE cob.placed ADD CONSTRAINT placed_n EXCLUDE USING btree (b WITH =) INCLUDE (a) USING INDEX TABLESPACE "regress_sg space";
ALTER TABLE cob.placed ADD CONSTRAINT placed_w EXCLUDE USING btree (b WITH =) WITH (fillfactor='50') USING INDEX TABLESPACE "regress_sg space" WHERE (((b <> ' WHERE (a > 1)'::text) AND CASE a WHEN 1 THEN true ELSE NULL::boolean END)) DEFERRABLE;
ALTER TABLE cob.placed ADD CONSTRAINT placed_d EXCLUDE USING btree (b WITH =) USING INDEX TABLESPACE "regress_sg space" DEFERRABLE INITIALLY DEFERRED;
CALL sg_rollback_fks('d', fail => true);
SELECT step, state, reason FROM steps;
SELECT relname, spcname FROM pg_class c LEFT JOIN pg_tablespace s ON s.oid = c.reltablespace WHERE relname LIKE 'placed\__' ORDER BY 1;
-- that of an index: one on the same columns elsewhere is another one
SET schemaguard.verbosity = problems;
SELECT sg_plan_create('d', replace => true) \g /dev/null
CREATE INDEX placed_there ON placed (a);
SELECT sg_plan_add('d', 'CREATE INDEX placed_i ON placed (a) TABLESPACE "regress_sg space"'),
  sg_plan_add('d', 'CREATE UNIQUE INDEX placed_u ON placed (a, b) TABLESPACE "regress_sg space"'),
  sg_plan_add('d', 'CREATE INDEX placed_o ON ONLY placed (b, a)'),
  sg_plan_add_index('d', 'placed', '(lower(b)) TABLESPACE "regress_sg space" WHERE a > 0', 'placed_e');
SELECT kind, sg_plan_sql FROM steps s, sg_plan_sql('d', ARRAY[s.step]) WHERE sg_plan_sql LIKE 'CREATE%' ORDER BY s.step;
CALL sg_apply('d', fail => true);
SELECT step, state, reason FROM steps;
SELECT relname, spcname FROM pg_class c LEFT JOIN pg_tablespace s ON s.oid = c.reltablespace WHERE relname IN ('placed_i', 'placed_u', 'placed_o', 'placed_e') ORDER BY 1;
-- one that is moved later is still the step's
ALTER INDEX placed_i SET TABLESPACE pg_default;
CALL sg_apply('d', fail => true);
SELECT step, state, reason FROM steps WHERE fk_name = 'placed_i';
CALL sg_rollback_fks('d', fail => true);
SELECT relname FROM pg_class WHERE relname ~ '^placed_([iuoe]|there)$';
CREATE TABLE split (a int, b int) PARTITION BY RANGE (a);
CREATE TABLE split_1 PARTITION OF split FOR VALUES FROM (0) TO (10);
SELECT sg_plan_create('d', replace => true) \g /dev/null
SELECT sg_plan_add('d', 'CREATE INDEX split_i ON split (b) TABLESPACE "regress_sg space"'), sg_plan_add('d', 'CREATE INDEX split_n ON split (b, a) TABLESPACE pg_default'),
  sg_plan_add('d', 'CREATE INDEX split_x ON split (a, b) TABLESPACE nowhere'), sg_plan_add('d', 'CREATE INDEX split_o ON ONLY split (b, b)');
SELECT kind FROM steps ORDER BY step;
SELECT step, check_name, detail, hint FROM sg_plan_check_details('d') WHERE result = 'block' OR check_name = 'locks' ORDER BY 1;
SELECT sg_plan_skip('d', '{2,3}', 'not here');
CALL sg_apply('d', fail => true);
SELECT relname, spcname FROM pg_class c LEFT JOIN pg_tablespace s ON s.oid = c.reltablespace WHERE relname ~ '^split_.*(i|idx)$' ORDER BY 1;
DROP TABLE placed, split;
DROP TABLESPACE "regress_sg space";
RESET schemaguard.verbosity;

-- statements that stay ones, and have others wait for as long as the table is large
CREATE TABLE held (id int, s text);
CREATE UNIQUE INDEX held_id ON held (id);
CREATE MATERIALIZED VIEW held_m AS SELECT * FROM held;
CREATE DOMAIN held_d AS int CONSTRAINT held_dc CHECK (value > 0);
CREATE DOMAIN held_dd AS held_d;
CREATE TABLE held_in (d held_d, dd held_dd);
CREATE TYPE held_t AS (x int, y text);
CREATE TABLE held_of OF held_t;
SELECT sg_plan_create('d', replace => true) \g /dev/null
SELECT sg_plan_add('d', 'ALTER TABLE held ADD CONSTRAINT held_u UNIQUE (id) INCLUDE (s) USING INDEX TABLESPACE pg_default');
\set VERBOSITY terse
SELECT sg_plan_add('d', s) FROM unnest(ARRAY['ALTER TABLE held ADD CONSTRAINT held_e EXCLUDE (id WITH =)', 'ALTER TABLE held ADD CONSTRAINT held_k PRIMARY KEY USING INDEX held_id',
  'ALTER TABLE held ADD CONSTRAINT held_v UNIQUE USING INDEX held_id', 'REINDEX TABLE held', 'REINDEX TABLE CONCURRENTLY held', 'ALTER TABLE held SET TABLESPACE pg_default',
  'ALTER INDEX held_id SET TABLESPACE pg_default', 'ALTER INDEX held_id SET (fillfactor = 80)', 'ALTER TABLE held SET UNLOGGED', 'ALTER TABLE held ALTER s TYPE bytea USING s::bytea',
  'ALTER TABLE held ALTER s TYPE varchar', 'REFRESH MATERIALIZED VIEW held_m', 'ALTER DOMAIN held_d ADD CHECK (value > 0)', 'VACUUM (FULL off) held', 'VACUUM FULL held',
  'ALTER DOMAIN held_d SET NOT NULL', 'ALTER DOMAIN held_d DROP NOT NULL', 'ALTER DOMAIN held_d ADD CHECK (value > 1) NOT VALID',
  'ALTER TYPE held_t ALTER ATTRIBUTE x TYPE bigint CASCADE', 'ALTER TYPE held_t ALTER ATTRIBUTE y TYPE varchar CASCADE', 'ALTER TYPE held_t ADD ATTRIBUTE z int CASCADE']) s;
SELECT sg_plan_add_statement('d', 'CREATE INDEX held_s ON cob.held (s)');
SELECT sg_plan_add_statement('d', 'CREATE TABLE cob.made (LIKE cob.held); CREATE INDEX ON cob.made (id)');
SELECT step, result, detail, hint FROM sg_plan_check_details('d') WHERE check_name = 'locks' AND step < 3 ORDER BY 1;
INSERT INTO held SELECT g, repeat('x', 100) FROM generate_series(1, 20000) g;
SELECT step, result, detail, hint FROM sg_plan_check_details('d') WHERE check_name = 'locks' AND step < 3 ORDER BY 1;
SELECT sg_plan_drop('d');
DROP MATERIALIZED VIEW held_m;
DROP TABLE held, held_in, held_of;
DROP DOMAIN held_dd, held_d;
DROP TYPE held_t;
\set VERBOSITY default

-- rules on a column that is kept: what DROP COLUMN takes along goes with it, in partitions and heirs, too, and comes back
CREATE TABLE cu (id int PRIMARY KEY); INSERT INTO cu SELECT generate_series(1, 5);
CREATE TABLE pair (a int, b int, PRIMARY KEY (a, b)); INSERT INTO pair VALUES (1, 1);
CREATE TABLE r_key (id int PRIMARY KEY, cu_id int CONSTRAINT r_key_cu REFERENCES cu ON DELETE CASCADE); INSERT INTO r_key SELECT g, g FROM generate_series(1, 5) g;
CREATE TABLE r_full (id int, v int, b int, CONSTRAINT r_full_pair FOREIGN KEY (v, b) REFERENCES pair MATCH FULL); INSERT INTO r_full VALUES (1, 1, 1);
CREATE TABLE r_check (id int, b int CONSTRAINT r_check_there CHECK (b IS NOT NULL)); INSERT INTO r_check VALUES (1, 1);
CREATE TABLE r_unique (id int, b int, CONSTRAINT r_unique_b UNIQUE NULLS NOT DISTINCT (b), CONSTRAINT r_unique_d EXCLUDE USING btree (id WITH =) WHERE (b > 0));
CREATE UNIQUE INDEX r_unique_x ON r_unique ((coalesce(b, 0))); CREATE INDEX r_unique_plain ON r_unique (b); INSERT INTO r_unique VALUES (1, 1);
COMMENT ON CONSTRAINT r_unique_b ON r_unique IS 'it''s';
CREATE TABLE r_whole (id int, b int CONSTRAINT above_none CHECK (b > 0)); CREATE TABLE r_heir (CONSTRAINT above_none CHECK (b > 0), CONSTRAINT heir CHECK (b IS NOT NULL)) INHERITS (r_whole);
CREATE TABLE r_parts (id int, b int CONSTRAINT parts_cu REFERENCES cu, CONSTRAINT above_none CHECK (b > 0)) PARTITION BY LIST (id);
CREATE TABLE r_part PARTITION OF r_parts FOR VALUES IN (1, 2); ALTER TABLE r_part ADD CONSTRAINT part CHECK (b IS NOT NULL), ADD CONSTRAINT part_cu FOREIGN KEY (b) REFERENCES users;
INSERT INTO r_parts VALUES (1, 1); INSERT INTO r_heir VALUES (1, 1);
TRUNCATE before; INSERT INTO before SELECT * FROM shape();
SET client_min_messages = error;
SELECT sg_plan_create('d', replace => true) \g /dev/null
RESET client_min_messages;
SELECT sg_plan_add_drop('d', 'column', t, c) FROM unnest('{r_key,r_full,r_check,r_unique,r_whole,r_parts}'::text[], '{cu_id,b,b,b,b,b}'::text[]) x (t, c) \g /dev/null
SELECT step, check_name, result, detail FROM sg_plan_check_details('d') WHERE step > 0 AND check_name IN ('keys', 'rules');
CALL sg_apply('d', fail => true);
DELETE FROM cu WHERE id = 5;
INSERT INTO r_full (id, v) VALUES (2, 1); INSERT INTO r_check (id) VALUES (2); INSERT INTO r_unique (id) VALUES (2), (3), (3); INSERT INTO r_heir (id) VALUES (2); INSERT INTO r_parts (id) VALUES (2);
SELECT * FROM shape() WHERE shape ~ '^r_.* (FOREIGN|CHECK|UNIQUE|EXCLUDE)';
SELECT count(*) FROM r_key;
-- back; what rows that came meanwhile break is named, and so is what an index has to be made for
SET client_min_messages = warning;
CALL sg_rollback_fks('d');
RESET client_min_messages;
DELETE FROM r_full WHERE id > 1; DELETE FROM r_check WHERE id > 1; DELETE FROM r_unique WHERE id > 1; DELETE FROM r_heir WHERE id > 1; DELETE FROM r_parts WHERE id > 1; DELETE FROM r_key WHERE id > 4;
-- as printed
ALTER TABLE cob.r_unique ADD CONSTRAINT r_unique_b UNIQUE NULLS NOT DISTINCT (b);
ALTER TABLE cob.r_unique ADD CONSTRAINT r_unique_d EXCLUDE USING btree (id WITH =) WHERE ((b > 0));
CREATE UNIQUE INDEX r_unique_x ON cob.r_unique USING btree ((COALESCE(b, 0)));
CALL sg_rollback_fks('d', fail => true);
SELECT step, state, reason FROM steps;
SELECT * FROM shape() EXCEPT TABLE before;
TABLE before EXCEPT SELECT * FROM shape();
SELECT obj_description(oid) FROM pg_constraint WHERE conname = 'r_unique_b';
SELECT conrelid::regclass, conname, convalidated, conislocal, coninhcount FROM pg_constraint WHERE connamespace = 'cob'::regnamespace AND contype = 'c' AND conrelid::regclass::text ~ '^r_(w|h|p)' ORDER BY 1, 2;
-- rules of an inheriting table alone
CREATE TABLE r_above (id int, b int); CREATE TABLE r_below (CONSTRAINT only_check CHECK (b < 5), CONSTRAINT only_key FOREIGN KEY (b) REFERENCES users) INHERITS (r_above);
SET client_min_messages = error;
SELECT sg_plan_create('d', replace => true), sg_plan_add_drop('d', 'column', 'r_above', 'b') \g /dev/null
CALL sg_apply('d', fail => true);
SELECT conname FROM pg_constraint WHERE conrelid = 'r_below'::regclass;
CALL sg_rollback_fks('d', fail => true);
SELECT conname FROM pg_constraint WHERE conrelid = 'r_below'::regclass ORDER BY 1;
RESET client_min_messages;
DROP TABLE r_below, r_above;
-- a column that is back without a rule of it is not dropped
CREATE TABLE r_half (id int PRIMARY KEY, b int CONSTRAINT half CHECK (b IS NOT NULL)); INSERT INTO r_half VALUES (1, 1);
SET client_min_messages = error;
SELECT sg_plan_create('d', replace => true), sg_plan_add_drop('d', 'column', 'r_half', 'b') \g /dev/null
CALL sg_apply('d', fail => true);
INSERT INTO r_half (id) VALUES (2);
CALL sg_rollback_fks('d');
CALL sg_apply('d');
SELECT state, reason FROM steps;
CALL sg_apply('d');
SELECT state, reason FROM steps;
RESET client_min_messages;
SELECT result, detail, hint FROM sg_plan_check_details('d') WHERE step > 0 AND result = 'block';
DELETE FROM r_half WHERE id = 2;
SET client_min_messages = error;
CALL sg_rollback_fks('d', fail => true);
SELECT state, reason, (SELECT count(*) FROM pg_constraint WHERE conname = 'half') FROM steps;
CALL sg_apply('d', fail => true);
SELECT state, reason, (SELECT count(*) FROM pg_attribute WHERE attrelid = 'r_half'::regclass AND attname = 'b') FROM steps;
RESET client_min_messages;
DROP TABLE r_half;
-- what can't go along, or is needed
CREATE DOMAIN there AS varchar(9) NOT NULL; CREATE DOMAIN one AS int CHECK (VALUE IS NOT NULL); CREATE DOMAIN any_one AS int CHECK (VALUE > 0);
CREATE TABLE r_row (id int PRIMARY KEY, b int); ALTER TABLE r_row ADD CONSTRAINT r_row_all CHECK (r_row IS NOT NULL);
CREATE TABLE r_type (id int PRIMARY KEY, b there, c one, d any_one, e int UNIQUE, f int, UNIQUE (f) INCLUDE (e)); CREATE TABLE r_child (f int CONSTRAINT r_child_f REFERENCES r_type (f));
SET client_min_messages = error;
SELECT sg_plan_create('d', replace => true) \g /dev/null
RESET client_min_messages;
SELECT sg_plan_add_drop('d', 'column', 'r_type', c) FROM unnest('{id,b,c,d,e}'::text[]) c \g /dev/null
SELECT sg_plan_add_drop('d', 'column', 'r_row', 'b') \g /dev/null
SELECT step, check_name, result, detail, hint FROM sg_plan_check_details('d') WHERE step > 0 AND result = 'block';
ALTER TABLE cob.r_type ALTER COLUMN b TYPE character varying(9);
CALL sg_apply('d');
INSERT INTO r_type (id, c) VALUES (1, 1);
-- for good: what goes is named
SET client_min_messages = error;
SELECT sg_plan_create('d', replace => true) \g /dev/null
RESET client_min_messages;
SELECT sg_plan_add_drop('d', 'column', t, 'b', keep => false) FROM unnest('{r_full,r_unique}'::text[]) t \g /dev/null
SELECT step, check_name, result, detail, hint FROM sg_plan_check_details('d') WHERE step > 0 AND (check_name = 'rules' OR result = 'block');
ALTER TABLE r_unique DROP CONSTRAINT r_unique_d;
CALL sg_apply('d', fail => true);
-- ... also of statements
CREATE TABLE r_said (id int PRIMARY KEY, a int CHECK (a > 0), b int, c int REFERENCES users, UNIQUE (a, b), CONSTRAINT r_said_order CHECK (a < b));
CREATE TABLE r_said_heir (CONSTRAINT r_said_heir_b UNIQUE (b)) INHERITS (r_said); CREATE UNIQUE INDEX r_said_some ON r_said (a) WHERE b > 0; CREATE INDEX ON r_said (b);
SET client_min_messages = error;
SELECT sg_plan_create('d', replace => true) \g /dev/null
SELECT sg_plan_add_statement('d', 'ALTER TABLE cob.r_said DROP COLUMN b, DROP c, DROP IF EXISTS none') \g /dev/null
RESET client_min_messages;
SELECT step, check_name, result, detail, hint FROM sg_plan_check_details('d') WHERE step > 0 AND (check_name IN ('rules', 'keys') OR result = 'block');
CALL sg_apply('d', fail => true);
CALL sg_rollback_fks('d');

-- a key comes back beside others on the same columns
CREATE TABLE r_twice_p (id int PRIMARY KEY);
CREATE TABLE r_twice (id int, p int CONSTRAINT r_one REFERENCES r_twice_p, CONSTRAINT r_two FOREIGN KEY (p) REFERENCES r_twice_p ON DELETE CASCADE, CONSTRAINT r_three FOREIGN KEY (p) REFERENCES r_twice_p);
SET client_min_messages = error;
SELECT sg_plan_create('d', replace => true) \g /dev/null
SELECT sg_plan_add_drop('d', 'constraint', 'r_twice', 'r_two'), sg_plan_add_drop('d', 'constraint', 'r_twice', 'r_three') \g /dev/null
CALL sg_apply('d');
SELECT conname FROM pg_constraint WHERE conrelid = 'r_twice'::regclass ORDER BY 1;
RESET client_min_messages;
CALL sg_rollback_fks('d');
SELECT conname, confdeltype, convalidated FROM pg_constraint WHERE conrelid = 'r_twice'::regclass ORDER BY 1;

-- for good
SET client_min_messages = error;
SELECT sg_plan_create('d', replace => true) \g /dev/null
RESET client_min_messages;
SELECT sg_plan_add_drop('d', 'table', 'shown', keep => false), sg_plan_add_drop('d', 'column', 'users', 'age');
CALL sg_apply('d');
SELECT to_regclass('shown'), to_regclass('schemaguard_attic.shown');
CALL sg_rollback_fks('d', steps => '{1}');
-- the end of what is kept: only of a call that names it, which tells and logs what goes
SELECT attname FROM pg_attribute WHERE attrelid = 'users'::regclass AND attname LIKE '\_sg%';
SET client_min_messages = warning;
CALL sg_prune(now() - interval '1 hour', 'attic');
RESET client_min_messages;
DO $$DECLARE said text; BEGIN CALL sg_prune(now() + interval '1 hour', 'attik'); EXCEPTION WHEN OTHERS THEN GET STACKED DIAGNOSTICS said = PG_EXCEPTION_HINT; RAISE NOTICE '%', said; END$$;
BEGIN;
SET LOCAL client_min_messages = warning;
CALL sg_prune('infinity');
SET LOCAL client_min_messages = notice;
CALL sg_prune('infinity');
ROLLBACK;
SELECT attname FROM pg_attribute WHERE attrelid = 'users'::regclass AND attname LIKE '\_sg%';
CALL sg_prune(now() + interval '1 hour', 'attic');
SELECT step, object, message, rows_affected FROM schemaguard.audit_log WHERE action = 'prune' AND plan = 'd' ORDER BY id DESC LIMIT 1;
SELECT attname FROM pg_attribute WHERE attrelid = 'users'::regclass AND attname LIKE '\_sg%';
CALL sg_rollback_fks('d');

-- what somebody has taken into use again stays, and a rollback finds it
CREATE TABLE cob.used (id int PRIMARY KEY, a text);
CREATE TABLE cob.spare (id int PRIMARY KEY);
INSERT INTO cob.used VALUES (1, 'one');
SELECT sg_plan_create('use'), sg_plan_add_drop('use', 'column', 'cob.used', 'a'), sg_plan_add_drop('use', 'table', 'cob.spare') \g /dev/null
CALL sg_apply('use');
ALTER TABLE cob.used RENAME _sg_dropped_a TO label;
ALTER TABLE schemaguard_attic.spare SET SCHEMA public;
CALL sg_prune(now() + interval '1 hour', 'attic');
SELECT label FROM cob.used;
CALL sg_rollback_fks('use');
SELECT a FROM cob.used;
SELECT sg_plan_drop('use', force => true) \g /dev/null
DROP TABLE cob.used;
DROP TABLE IF EXISTS cob.spare, public.spare;

-- NOT NULL and a default that inheriting tables have by themselves go and come with the column
SELECT sg_plan_create('d', replace => true) \g /dev/null
CREATE TABLE root (a int, b text DEFAULT 'root');
CREATE TABLE branch () INHERITS (root);
ALTER TABLE branch ALTER b SET DEFAULT 'branch';
CREATE TABLE leaf () INHERITS (branch);
ALTER TABLE leaf ALTER b SET NOT NULL;
SELECT sg_plan_add_drop('d', 'column', 'root', 'b');
CALL sg_apply('d');
INSERT INTO leaf (a) VALUES (1);
DELETE FROM leaf;
CALL sg_rollback_fks('d');
SELECT attrelid::regclass, attnotnull, pg_get_expr(adbin, adrelid) FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
WHERE attrelid IN ('root'::regclass, 'branch'::regclass, 'leaf'::regclass) AND attname = 'b' ORDER BY 1;

-- a view is kept as a text, and what it has read can be changed: it comes back as it was
SET client_min_messages = warning;
CREATE TYPE mood AS ENUM ('a', 'b');
CREATE TABLE under (id int PRIMARY KEY, c text, m mood, v varchar(7) COLLATE "C");
INSERT INTO under SELECT g, g FROM generate_series(1, 3) g;
CREATE VIEW over WITH (security_barrier = true, check_option = local) AS SELECT id, c, m, v AS "Odd ""n" FROM under WHERE id > 1 AND c <> ';';
COMMENT ON VIEW over IS 'said';
ALTER VIEW over ALTER c SET DEFAULT 'dd';
CREATE VIEW over_all AS SELECT posts() AS n, c FROM over;
GRANT SELECT ON over TO public;
CREATE TRIGGER ins INSTEAD OF INSERT ON over_all FOR EACH ROW EXECUTE FUNCTION note();
CREATE VIEW seen AS SELECT c.relname, c.reloptions, c.relacl::text, obj_description(c.oid), pg_get_viewdef(c.oid),
  (SELECT array_agg(pg_get_triggerdef(oid)) FROM pg_trigger WHERE tgrelid = c.oid) AS triggers,
  (SELECT array_agg(format('%s %s %s %s', a.attname, format_type(atttypid, atttypmod), attcollation, pg_get_expr(adbin, adrelid)) ORDER BY a.attnum)
   FROM pg_attribute a LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum WHERE a.attrelid = c.oid) AS columns
  FROM pg_class c WHERE relnamespace = 'cob'::regnamespace AND relname LIKE 'over%';
CREATE TABLE seen_before AS TABLE seen;
SELECT sg_plan_create('view'), sg_plan_add('view', 'DROP VIEW cob.over'), sg_plan_add('view', 'DROP VIEW cob.over_all');
SELECT sg_plan_add('view', 'ALTER TABLE cob.under ALTER c TYPE int USING c::int', '{"undo": "ALTER TABLE cob.under ALTER c TYPE text"}');
SELECT sg_plan_add('view', 'CREATE VIEW cob.over AS SELECT id, c FROM cob.under', '{"undo": "DROP VIEW cob.over"}');
RESET client_min_messages;
CALL sg_apply('view');
SELECT * FROM over;
SELECT relname, pg_get_viewdef(oid) FROM pg_class WHERE relnamespace = 'schemaguard_attic'::regnamespace AND relname LIKE 'over%' ORDER BY 1;
CALL sg_rollback_fks('view');
TABLE seen EXCEPT TABLE seen_before;
SELECT * FROM over;
SET client_min_messages = warning;
SELECT sg_plan_drop('view', force => true);
DROP VIEW seen, over_all, over;
DROP TABLE seen_before, under;

-- values are copied with the table's key, the column goes at once, and comes back with them
CREATE TABLE faxed (id int PRIMARY KEY, fax text);
INSERT INTO faxed SELECT g, 'f' || g FROM generate_series(1, 3) g;
SELECT sg_plan_create('fax'), sg_plan_add('fax', 'CREATE TABLE cob.kept_fax (id int PRIMARY KEY, fax text)'),
  sg_plan_add('fax', 'INSERT INTO cob.kept_fax SELECT id, fax FROM cob.faxed', '{"undo": "TRUNCATE cob.kept_fax"}'),
  sg_plan_add_statement('fax', 'ALTER TABLE cob.faxed DROP COLUMN fax', undo => 'ALTER TABLE cob.faxed ADD fax text; UPDATE cob.faxed c SET fax = k.fax FROM cob.kept_fax k WHERE k.id = c.id');
ALTER TABLE faxed RENAME fax TO f;
SET client_min_messages = error;
CALL sg_apply('fax', fail => false);
SELECT step, state, reason FROM schemaguard.plan_step WHERE plan = 'fax' AND step = 3;
SET client_min_messages = warning;
ALTER TABLE faxed RENAME f TO fax;
CALL sg_apply('fax');
SELECT * FROM faxed LIMIT 1;
CALL sg_rollback_fks('fax');
TABLE faxed;
SELECT sg_plan_drop('fax', force => true);
DROP TABLE faxed;

-- a drop knows its object under other names: renamed, moved, on a renamed table, by an earlier statement of the plan; and not another
-- object that has its name
CREATE SCHEMA cob_other;
CREATE TABLE known (id int PRIMARY KEY, x int CONSTRAINT positive CHECK (x > 0), y int);
CREATE TABLE elsewhere (id int);
CREATE TABLE swapped (id int);
CREATE TABLE really_gone (id int);
CREATE INDEX known_i ON known (y);
CREATE VIEW moved AS SELECT 1 AS one;
SELECT sg_plan_create('known'), sg_plan_create('early') \g /dev/null
SELECT sg_plan_add_drop('known', 'view', 'moved') AS view, sg_plan_add_drop('known', 'index', 'known', 'known_i') AS index,
       sg_plan_add_drop('known', 'constraint', 'known', 'positive') AS constraint, sg_plan_add_drop('known', 'column', 'known', 'id') AS column,
       sg_plan_add_drop('known', 'table', 'swapped') AS swapped, sg_plan_add_drop('known', 'table', 'really_gone') AS gone;
SELECT sg_plan_add_statement('early', 'ALTER TABLE cob.elsewhere RENAME TO by_statement', child_table => 'elsewhere') AS renames,
       sg_plan_add_drop('early', 'table', 'elsewhere') AS drops,
       sg_plan_add_statement('early', 'ALTER TABLE cob.known RENAME y TO z', child_table => 'known', name => 'renames') AS renames,
       sg_plan_add_drop('early', 'column', 'known', 'y') AS drops;
SELECT step, result, detail FROM sg_plan_check_details('early') WHERE step > 0 AND result <> 'ok' ORDER BY step;
SELECT sg_plan_skip('early', '{3,4}', 'told') \g /dev/null
ALTER VIEW moved SET SCHEMA cob_other;
ALTER TABLE known RENAME CONSTRAINT positive TO above;
ALTER TABLE known RENAME id TO number;
ALTER TABLE known RENAME TO renamed;
ALTER TABLE swapped RENAME TO original;
CREATE TABLE swapped (id int);
DROP TABLE really_gone;
SELECT step, result, check_name, detail FROM sg_plan_check_details('known') WHERE step > 0 AND result <> 'ok' ORDER BY step;
SET client_min_messages = error;
CALL sg_apply('known', fail => false);
SELECT step, state, reason FROM schemaguard.plan_step WHERE plan = 'known' ORDER BY step;
-- the hints' calls: the present name, and the object that has the former one; other options change nothing
SELECT sg_plan_set('known', '{3}', '{"child_table": "cob.renamed", "fk_name": "above"}'),
       sg_plan_set('known', '{5}', '{"priority": "high"}') \g /dev/null
SET client_min_messages = error;
CALL sg_apply('known', fail => false);
SELECT step, state, reason FROM schemaguard.plan_step WHERE plan = 'known' AND step IN (3, 5) ORDER BY step;
SELECT sg_plan_set('known', '{5}', '{"fk_name": "swapped"}') \g /dev/null
CALL sg_apply('known', steps => '{5}');
SELECT to_regclass('swapped') IS NULL AS dropped, to_regclass('original') IS NOT NULL AS stays;
CALL sg_apply('early', fail => false);
SELECT step, state, reason FROM schemaguard.plan_step WHERE plan = 'early' ORDER BY step;

SELECT sg_plan_drop('known', force => true), sg_plan_drop('early', force => true) \g /dev/null
SET client_min_messages = warning;
DROP SCHEMA cob_other CASCADE;
DROP TABLE renamed, original, by_statement;
-- a trigger of a constraint is left alone, and the other steps are done
CREATE TABLE parents (id int PRIMARY KEY);
CREATE TABLE children (p int CONSTRAINT children_p REFERENCES parents);
SELECT sg_plan_create('part') \g /dev/null
SELECT sg_plan_add_drop('part', 'trigger', 'children', min(tgname::text)), sg_plan_add_rename('part', 'trigger', 'children', 'own', max(tgname::text)), sg_plan_add_column('part', 'children', 'more', 'int')
  FROM pg_trigger WHERE tgrelid = 'children'::regclass \g /dev/null
SELECT step, check_name, result, regexp_replace(detail, '[0-9]+', 'N') FROM sg_plan_check_details('part') WHERE result = 'block' ORDER BY 1;
SET client_min_messages = error;
CALL sg_apply('part');
SET client_min_messages = warning;
SELECT step, state, regexp_replace(reason, '[0-9]+', 'N') FROM schemaguard.plan_step WHERE plan = 'part' ORDER BY 1;
SELECT sg_plan_drop('part', force => true) \g /dev/null
DROP TABLE children, parents;

-- a trigger that fills rows for a plan is no object of a step, which could not give it back; its column says what ends it
CREATE TABLE filled (id int PRIMARY KEY, a int);
SELECT sg_plan_create('fills'), sg_plan_add_column('fills', 'filled', 'b', 'int', fill => 'a * 2'), sg_plan_create('over') \g /dev/null
SET client_min_messages = error;
CALL sg_apply('fills');
SET client_min_messages = notice;
SELECT tgname AS filler FROM pg_trigger WHERE tgrelid = 'filled'::regclass \gset
SELECT sg_plan_add_drop('over', 'trigger', 'filled', :'filler');
SELECT sg_plan_add_rename('over', 'trigger', 'filled', 'mine', name => :'filler');
SELECT sg_plan_add_drop('over', 'trigger', 'gone', :'filler');
SELECT sg_plan_from_sql('over', format('DROP TRIGGER %I ON filled', :'filler'));
SELECT reason FROM schemaguard.plan_note WHERE plan = 'over';
SELECT sg_plan_add_drop('over', 'column', 'filled', 'b');
CALL sg_apply('over', fail => false);
SELECT sg_plan_release('fills', 'fill');
CALL sg_apply('over');
CALL sg_rollback_fks('over');
SELECT sg_plan_drop('fills', force => true), sg_plan_drop('over', force => true) \g /dev/null
DROP TABLE filled;

-- a kept table that is gone for good, with keys from and to it: a skip ends that, as of one without keys
CREATE TABLE above (id int PRIMARY KEY); CREATE TABLE kept_away (id int PRIMARY KEY, a int REFERENCES above); CREATE TABLE below (k int REFERENCES kept_away);
SELECT sg_plan_create('away'), sg_plan_add_drop('away', 'table', 'kept_away') \g /dev/null
SET client_min_messages = error;
CALL sg_apply('away', fail => true);
SELECT format('DROP TABLE %s', oid::regclass) FROM pg_class WHERE relname = 'kept_away' \gexec
CALL sg_rollback_fks('away');
SELECT sg_plan_skip('away', '{1}', 'gone') \g /dev/null
SET client_min_messages = notice;
CALL sg_rollback_fks('away', fail => true);
CALL sg_rollback_fks('away', fail => true);
SELECT sg_plan_drop('away', force => true) \g /dev/null
DROP TABLE above, below;

-- hints that lead on: the steps that a chosen one waits for; the plan that has dropped what this one has renamed
CREATE TABLE onward (n int, m int);
SELECT sg_plan_create('first'), sg_plan_create('then') \g /dev/null
SELECT sg_plan_add_drop('first', 'column', 'onward', 'n'), sg_plan_add_column('first', 'onward', 'n', 'int DEFAULT 5'), sg_plan_add_check('first', 'onward', 'n > 0', policy => 'delete') \g /dev/null
SELECT sg_plan_add_rename('first', 'column', 'onward', 'm2', 'm', after => '{1,2}') \g /dev/null
CALL sg_fix_orphans('first', steps => '{3}');
CALL sg_apply('first', steps => '{3,4}', fix => true);
SET client_min_messages = error;
CALL sg_apply('first', fix => true, fail => true);
SELECT sg_plan_add_drop('then', 'column', 'onward', 'm2') \g /dev/null
CALL sg_apply('then', fail => true);
SET client_min_messages = notice;
CALL sg_rollback_fks('first', steps => '{4}');
CALL sg_rollback_fks('then', steps => '{1}');
CALL sg_rollback_fks('first', steps => '{4}');
SELECT sg_plan_drop('first', force => true), sg_plan_drop('then', force => true) \g /dev/null
DROP TABLE onward;

-- a call takes nothing for its own that the plan itself has renamed
CREATE TABLE two (id int PRIMARY KEY, x int, z int); INSERT INTO two VALUES (1, 1, 10), (2, NULL, 20);
CREATE TABLE three (id int PRIMARY KEY);
SELECT sg_plan_create('two'), sg_plan_add('two', 'ALTER TABLE cob.two ADD COLUMN y int', '{"fill": "z * 3"}'),
  sg_plan_add('two', 'ALTER TABLE cob.two RENAME COLUMN x TO y'), sg_plan_add('two', 'CREATE TABLE cob.four (code text)'),
  sg_plan_add('two', 'ALTER TABLE cob.three RENAME TO four') \g /dev/null
CALL sg_apply('two');
TABLE two;
CALL sg_rollback_fks('two');
TABLE two;
SELECT sg_plan_drop('two', force => true) \g /dev/null
DROP TABLE two, three;

-- a generated column that is kept depends on its base
CREATE TABLE based (id int PRIMARY KEY, b int, g int GENERATED ALWAYS AS (b * 2) STORED);
SELECT sg_plan_create('based'), sg_plan_add_drop('based', 'column', 'based', 'g'),
  sg_plan_add_drop('based', 'column', 'based', 'b') \g /dev/null
SELECT step, detail, hint FROM sg_plan_check_details('based') WHERE result = 'block' ORDER BY 1;
CALL sg_apply('based');
CALL sg_rollback_fks('based', steps => '{1}');
SELECT sg_plan_set('based', '{1}', '{"keep": "false"}') \g /dev/null
SELECT step, detail, hint FROM sg_plan_check_details('based') WHERE result = 'block' ORDER BY 1;
CALL sg_apply('based');
SELECT array_agg(attname ORDER BY attnum) FROM pg_attribute WHERE attrelid = 'based'::regclass AND attnum > 0 AND NOT attisdropped;
SELECT sg_plan_drop('based', force => true) \g /dev/null
-- a column of a primary key stays, also if it would go for good
SELECT sg_plan_create('keyed'), sg_plan_add_drop('keyed', 'column', 'based', 'id', keep => false) \g /dev/null
SELECT step, detail, hint FROM sg_plan_check_details('keyed') WHERE result = 'block' ORDER BY 1;
CALL sg_apply('keyed');
SELECT sg_plan_drop('keyed', force => true) \g /dev/null
DROP TABLE based;

-- rules that the plan itself has made stay away when the column comes back
CREATE TABLE ruled (id int PRIMARY KEY, v text);
INSERT INTO ruled VALUES (1, 'x');
SELECT sg_plan_create('ruled'), sg_plan_add_not_null('ruled', 'ruled', 'v'), sg_plan_add_check('ruled', 'ruled', 'v <> $$z$$', name => 'no_z'),
  sg_plan_add_unique('ruled', 'ruled', 'v', name => 'one_v'), sg_plan_add_drop('ruled', 'column', 'ruled', 'v'),
  sg_plan_add_column('ruled', 'ruled', 'v', 'varchar(10)') \g /dev/null
SET client_min_messages = warning;
CALL sg_apply('ruled', fail => true);
RESET client_min_messages;
INSERT INTO ruled VALUES (2), (3);
CALL sg_rollback_fks('ruled', fail => true);
SELECT v, (SELECT attnotnull FROM pg_attribute WHERE attrelid = 'ruled'::regclass AND attname = 'v') AS not_null,
  (SELECT array_agg(conname) FROM pg_constraint WHERE conrelid = 'ruled'::regclass AND contype <> 'n') AS constraints FROM ruled ORDER BY id;
-- and wait for the column where another one has its name
SELECT sg_plan_skip('ruled', 5, 'the application adds it') \g /dev/null
DELETE FROM ruled WHERE v IS NULL;
SET client_min_messages = warning;
CALL sg_apply('ruled', fail => true);
RESET client_min_messages;
ALTER TABLE ruled ADD v int;
CALL sg_rollback_fks('ruled');
SELECT step, state, reason FROM schemaguard.plan_step WHERE plan = 'ruled' ORDER BY 1;
ALTER TABLE ruled RENAME v TO w;
CALL sg_rollback_fks('ruled', fail => true);
SELECT step, state, reason FROM schemaguard.plan_step WHERE plan = 'ruled' ORDER BY 1;
SELECT sg_plan_drop('ruled', force => true) \g /dev/null
DROP TABLE ruled;

-- a fill from a generated column goes on when the plan renames and adds columns of the table
CREATE TABLE computed (id int PRIMARY KEY, v text, g text GENERATED ALWAYS AS (v || 'x') STORED);
INSERT INTO computed VALUES (1, 'a');
SELECT sg_plan_create('computed'), sg_plan_add_column('computed', 'computed', 'w', 'int', fill => 'length(g)'), sg_plan_add('computed', 'ALTER TABLE cob.computed RENAME COLUMN v TO vv'),
  sg_plan_add_column('computed', 'computed', 'z', 'int'), sg_plan_add_statement('computed', 'ALTER TABLE cob.computed ADD COLUMN zz int'),
  sg_plan_add_drop('computed', 'column', 'computed', 'g', phase => 'later') \g /dev/null
CALL sg_apply('computed');
INSERT INTO computed (id, vv) VALUES (2, 'ab');
SELECT * FROM computed ORDER BY id;
SELECT sg_plan_release('computed', 'later') \g /dev/null
CALL sg_apply('computed', fail => true);
SELECT sg_plan_drop('computed', force => true) \g /dev/null
DROP TABLE computed;

-- end
SET client_min_messages = error;
SELECT sg_plan_drop('d', force => true) \g /dev/null
DROP SCHEMA cob, cob2, cob4, schemaguard_attic, schemaguard_attic_1 CASCADE;
