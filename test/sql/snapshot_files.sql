-- rooms: sync snapshot
-- sg_snapshot_from_files(): what files of migrations make is a snapshot
\set VERBOSITY default
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE EXTENSION IF NOT EXISTS schemaguard;
SET client_min_messages = notice;

CREATE FUNCTION made(snapshot text) RETURNS TABLE (kind text, object text, owner text) LANGUAGE sql AS $$
    SELECT o.kind, o.identity, replace(o.properties ->> 'owner',
        (SELECT pg_get_userbyid(d.datdba) FROM pg_database d WHERE d.datname = current_database()), 'the owner of the database') FROM schemaguard.snapshot_object o
    WHERE o.snapshot = made.snapshot AND o.parent IS DISTINCT FROM 'pg_catalog' AND NOT o.properties ? 'extension'
        AND o.kind NOT IN ('language', 'extension') ORDER BY 1, 2 $$;

-- numbers sort as people count, what takes back is no migration; rows are written, and triggers fire; nothing belongs to anybody
SELECT sg_snapshot_from_files('psql', '{m/1_a.sql,m/10_c.sql,m/2_b.sql,m/2_b.down.sql}', ARRAY[
    'CREATE TABLE t (id serial PRIMARY KEY, x int); INSERT INTO t (x) VALUES (1), (2); SET client_encoding = latin1;',
    E'CREATE INDEX CONCURRENTLY ti ON t (x);\nALTER TABLE t OWNER TO somebody;\nCREATE ROLE somebody;\nCOPY t FROM stdin;\n1\t2\n\\.\n'
    'CREATE MATERIALIZED VIEW mv AS SELECT * FROM t; VACUUM t; DROP INDEX CONCURRENTLY ti; REFRESH MATERIALIZED VIEW mv;',
    $$CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.x := NEW.x + 1; RETURN NEW; END';
    CREATE TRIGGER tr BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f(); INSERT INTO t (x) SELECT 7;
    DO 'BEGIN IF (SELECT max(x) FROM t) = 8 THEN EXECUTE ''ALTER TABLE t ADD y int''; END IF; END';
    CREATE TABLE p (id int PRIMARY KEY); ALTER TABLE t ADD FOREIGN KEY (y) REFERENCES p DEFERRABLE INITIALLY DEFERRED;
    BEGIN; SET CONSTRAINTS ALL DEFERRED; UPDATE t SET y = 1 WHERE x = 1; INSERT INTO p VALUES (1); COMMIT;
    CREATE SCHEMA s AUTHORIZATION somebody CREATE TABLE inside ();
    CREATE TEMP TABLE gone AS SELECT 1 AS x; BEGIN; CREATE TABLE undone (); ROLLBACK; BEGIN; CREATE TABLE before_it (); SAVEPOINT "A b"; CREATE TABLE undone ();
    SAVEPOINT c; CREATE TABLE undone2 (); RELEASE c; ROLLBACK TO "A b"; CREATE TABLE behind_it (); COMMIT; SELECT setval('t_id_seq', 4);
    SELECT set_config('search_path', '', false);$$,
    'DROP TABLE t']) > 0 AS done;
SELECT * FROM made('psql');

-- psql's own commands, and an enum's label that is used behind its COMMIT
SELECT sg_snapshot_from_files('included', '{main.sql,t/a.sql,t/b.sql}', ARRAY[
    E'\\set schema app\n\\set ON_ERROR_STOP on\nCREATE SCHEMA :schema;\n\\i t/a.sql\nCREATE VIEW :"schema".w AS SELECT '':schema''::text AS x;',
    E'CREATE TABLE :schema.a (i int);\n\\ir b.sql',
    E'INSERT INTO :"schema".a VALUES (1::int);\nCREATE VIEW :schema.v AS SELECT :''schema''::text AS x;\n'
    'CREATE TYPE e AS ENUM (''a''); ALTER TYPE e ADD VALUE ''b''; CREATE TABLE u (x e DEFAULT ''b'');']) > 0 AS done;
SELECT * FROM made('included');
SELECT sg_snapshot_from_files('x', '{main.sql}', ARRAY[E'\\i other.sql']);
SELECT sg_snapshot_from_files('x', '{a.sql,b.sql,c.sql}', ARRAY[E'\\i b.sql', E'\n\\i c.sql', E'\\i b.sql']);
SELECT sg_snapshot_from_files('x', '{a.sql,b.sql,c.sql}', ARRAY['SELECT 1', E'\\i c.sql', E'\\i b.sql']);

-- psql's conditions, its end, and commands that print; what runs another thing than the text is refused
SELECT sg_snapshot_from_files('branches', '{main.sql,prod.sql,dev.sql}', ARRAY[
    E'\\set prod off\n\\if :prod\nCREATE TABLE no ();\n\\i prod.sql\n\\if :unknown\n\\endif\n\\elif :{?schema}\n\\i dev.sql\n\\else\nCREATE TABLE no ();\n\\endif\n\\echo it''s\n'
    '\\t \\a \\\\ CREATE TABLE b ();\nSELECT 1 \\g /dev/null\n\\copy b from stdin\n1\n\\.\n\\q\nCREATE TABLE no ();\n\\if', 'CREATE TABLE no ()',
    E'CREATE TABLE :schema ();\n\\q\n\\gexec'], placeholders => '{"schema": "a"}') > 0 AS done;
SELECT * FROM made('branches') WHERE kind = 'table';
SELECT sg_snapshot_from_files('x', '{x.sql}', ARRAY[E'SELECT 1;\nSELECT ''CREATE TABLE t ()''\\gexec']);
SELECT sg_snapshot_from_files('x', '{x.sql}', ARRAY[E'\\c other\nSELECT 1;']);
SELECT sg_snapshot_from_files('x', '{x.sql}', ARRAY[E'\\! psql']);
SELECT sg_snapshot_from_files('x', '{x.sql}', ARRAY[E'\\if :prod\n\\endif']);
SELECT sg_snapshot_from_files('x', '{x.sql}', ARRAY[E'SELECT 1; \\if true\n\\endif']);
SELECT sg_snapshot_from_files('x', '{x.sql}', ARRAY[E'\\if true \\\\ SELECT 1; \\endif']);
SELECT sg_snapshot_from_files('x', '{x.sql}', ARRAY[E'\\else']);
SELECT sg_snapshot_from_files('x', '{x.sql}', ARRAY[E'\\if yes\n\\if 0\n\\else\n']);
-- in a literal or a comment they are text
SELECT sg_snapshot_from_files('quoted', '{a.sql,b.sql}', ARRAY[E'CREATE TABLE t (a text DEFAULT \'\n\\if\n\\set x y\n\');\n/*\n\\i b.sql\n*/\nCOMMENT ON TABLE t IS $$\n\\q\n$$;',
    'CREATE TABLE b ();']) > 0 AS done;
SELECT * FROM made('quoted') WHERE kind = 'table';
SELECT properties ->> 'default' AS "default" FROM schemaguard.snapshot_object WHERE snapshot = 'quoted' AND kind = 'column';

-- what would be read without end
SELECT sg_snapshot_from_files('x', (SELECT array_agg(i || '.sql' ORDER BY i) FROM generate_series(0, 24) i),
    (SELECT array_agg(CASE WHEN i = 24 THEN 'SELECT 1;' ELSE format(E'\\i %s.sql\n\\i %s.sql\n', i + 1, i + 1) END ORDER BY i) FROM generate_series(0, 24) i));
SELECT sg_snapshot_from_files('x', '{x.sql}', ARRAY[(SELECT string_agg(format(E'\\set %s ''%s''', repeat('a', i), repeat(':' || repeat('a', i - 1) || ' ', 30)), E'\n'
    ORDER BY i) FROM generate_series(2, 9) i) || E'\n--:aaaaaaaaa']);

-- drift says which file names an object last: rows and what a view reads are no definition, and a key without a name is its table's
SELECT sg_snapshot_from_files('named', '{1_t.sql,2_x.sql,3_v.sql,4_rows.sql}', ARRAY[
    'CREATE SCHEMA n; CREATE TABLE n.t (id int PRIMARY KEY, a text); CREATE TABLE n."U v" (id int REFERENCES n.t);',
    'ALTER TABLE n.t ADD x int; CREATE INDEX "t x" ON n.t (x);',
    'CREATE VIEW n.v AS SELECT a, x FROM n.t; CREATE FUNCTION n.f(a int) RETURNS int LANGUAGE sql AS ''SELECT 1'';',
    'INSERT INTO n.t (id, a, x) SELECT 1, ''a'', 1;']) > 0 AS done;
SELECT kind, identity, file FROM schemaguard.snapshot_object WHERE snapshot = 'named' AND (parent ~ '^n[.]' OR identity ~ '^n[.]') ORDER BY kind, identity;
CREATE SCHEMA n;
CREATE TABLE n.t (id int PRIMARY KEY);
SELECT kind, object, change, detail FROM sg_drift_details('named', schemas => '{n}') ORDER BY kind, object;
SELECT kind, object, change, detail FROM sg_drift_details('live', 'named', '{n}') WHERE kind = 'column' ORDER BY kind, object;
DROP SCHEMA n CASCADE;

-- each tool's order, sections and placeholders
SELECT sg_snapshot_from_files('flyway', '{V10__c.sql,V2__b.sql,V1.5__x.sql,R__v.sql,U2__b.sql}', ARRAY['ALTER TABLE ${s}.a DROP x',
    'ALTER TABLE ${s}.a ADD x int, ADD z int', 'CREATE SCHEMA ${s}; CREATE TABLE ${s}.a ()', 'CREATE VIEW ${s}.v AS SELECT z FROM ${s}.a', 'no'],
    'flyway', '{"s": "app"}') > 0 AS done;
SELECT sg_snapshot_from_files('goose', '{3_x.sql,1_a.sql}', ARRAY[
    E'-- +goose Up\n-- +goose StatementBegin\nALTER TABLE app.a ADD z int;\n-- +goose StatementEnd\nCREATE VIEW app.v AS SELECT z FROM app.a;\n'
    '-- +goose Down\nDROP TABLE a;', E'-- +goose Up\nCREATE SCHEMA app;\nCREATE TABLE app.a();\n-- +goose Down\nno;'], 'goose') > 0 AS done;
SELECT sg_snapshot_from_files('sqitch', '{deploy/a.sql,deploy/b.sql,deploy/b@v2.sql,revert/a.sql,sqitch.plan}', ARRAY[
    'ALTER TABLE app.a ADD z int; CREATE VIEW app.v AS SELECT z FROM app.a', 'ALTER TABLE app.a ALTER z SET NOT NULL, ALTER z DROP NOT NULL',
    'BEGIN; CREATE SCHEMA app; CREATE TABLE app.a (); COMMIT;', 'no', E'%syntax-version=1.0.0\n%project=x\n\nb 2020-01-01T00:00:00Z x <x@y> # n\n'
    '@v1 2020-01-01T00:00:00Z x <x@y> # n\n@v2 2020-01-01T00:00:00Z x <x@y> # n\na [b] 2020-01-01T00:00:00Z x <x@y> # n\n'
    'b [b@v1] 2020-01-01T00:00:00Z x <x@y> # reworked\n'], 'sqitch') > 0 AS done;
SELECT sg_snapshot_from_files('liquibase', '{c.sql}', ARRAY[E'--liquibase formatted sql\n--changeset x:1 dbms:postgresql,h2\nCREATE SCHEMA app;\n'
    '--changeset x:2 dbms:mysql\nno;\n-- changeset x:3 dbms:"!oracle, !mysql" context:test\nCREATE TABLE app.a (z int);\n--changeset x:4 ignore:true\nno;\n'
    '--changeset x:5 labels:"x or y"\nCREATE VIEW app.v AS SELECT z FROM app.a;\n--changeset x:6 dbms:!postgresql\nno;'], 'liquibase') > 0 AS done;
SELECT sg_snapshot_from_files('drizzle', '{drizzle/0000_a.sql,drizzle/0001_b.sql,drizzle/meta/_journal.json}', ARRAY[
    E'ALTER TABLE app.a ADD z int;--> statement-breakpoint\nCREATE VIEW app.v AS SELECT z FROM app.a', 'CREATE SCHEMA app; CREATE TABLE app.a ()',
    '{"entries": [{"idx": 0, "tag": "0001_b"}, {"idx": 1, "tag": "0000_a"}]}'], 'drizzle') > 0 AS done;
SELECT t.tool, d.kind, d.object, d.change FROM unnest('{goose,sqitch,liquibase,drizzle}'::text[]) t (tool), sg_drift('flyway', t.tool) d
    WHERE d.object NOT LIKE 'app.a.%';

-- Prisma sorts names of folders as texts; a transaction's characteristics change nothing here
SELECT sg_snapshot_from_files('texts', '{m/20250102_drop/migration.sql,m/20240101120000_make/migration.sql}', ARRAY['DROP TABLE gone',
    'BEGIN; SELECT 1; SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; CREATE TABLE gone (); CREATE TABLE kept (); COMMIT'], 'prisma') > 0 AS done;
SELECT * FROM made('texts') WHERE kind = 'table';

-- Atlas begins with its last checkpoint; callbacks of Flyway and preconditions of Liquibase are told
SELECT sg_snapshot_from_files('atlas', '{1_a.sql,2_checkpoint.sql,3_c.sql}', ARRAY['CREATE TABLE a ()',
    E'-- atlas:checkpoint\n\nCREATE TABLE a (); CREATE TABLE b ()', 'DROP TABLE b'], 'atlas') > 0 AS done;
SELECT sg_snapshot_from_files('told', '{V1__a.sql,afterMigrate__a.sql,after.sql}', '{CREATE TABLE a (),no,no}', 'flyway') > 0 AS done;
SELECT sg_snapshot_from_files('delimiter', '{c.sql}', ARRAY[E'--liquibase formatted sql\n--changeset x:1 endDelimiter:/\nCREATE TABLE a ()\n/\n'
    'CREATE TABLE b ()\n/\n--changeset x:2\n--preconditions onFail:MARK_RAN\nDROP TABLE b;\n'], 'liquibase') > 0 AS done;
SELECT name, m.* FROM unnest('{atlas,told,delimiter}'::text[]) name, made(name) m WHERE kind = 'table';

-- an extension without files: what needs it is unknown, and nothing else
CREATE TABLE lk_plain (id int PRIMARY KEY, n int, gone int);
CREATE TABLE lk_items (id int PRIMARY KEY REFERENCES lk_plain);
CREATE VIEW lk_view AS SELECT 1 AS one;
CREATE TABLE lk_extra ();
SELECT sg_snapshot_from_files('lacking', '{1.sql,2.sql}', ARRAY['CREATE EXTENSION IF NOT EXISTS "no files" WITH SCHEMA public;
    CREATE TABLE lk_plain (id int PRIMARY KEY); CREATE TABLE lk_items (id int PRIMARY KEY REFERENCES lk_plain, e public.embedding(3));
    CREATE TABLE lk_missing ()', 'ALTER TABLE ONLY public.lk_plain ADD COLUMN e embedding(3), ADD n int; COMMENT ON TABLE lk_items IS ''it'';
    CREATE VIEW lk_view AS SELECT id FROM lk_items; INSERT INTO lk_items VALUES (1)']) > 0 AS done;
SELECT kind, object, change, class, detail FROM sg_drift_details('lacking') WHERE object ~ 'lk_|no files';
SELECT kind, object, change, class FROM sg_drift_details('live', 'lacking') WHERE object ~ 'lk_|no files';
SELECT s FROM sg_sync_sql('lacking', 'live', allow_drop => true) s WHERE s ~ '^(DROP|ALTER|CREATE|CALL).*lk_';
SELECT status, child_table, migration FROM sg_compare_fks_details('lacking') WHERE child_table ~ 'lk_';
SELECT sg_snapshot_drop('lacking');
DROP TABLE lk_items, lk_plain, lk_extra;
DROP VIEW lk_view;

-- also where nothing came before the first statement that needs it, whose transaction takes the session's settings back
SELECT tool, sg_snapshot_from_files('lacking ' || tool, '{V1__a.sql,V2__b.sql}', ARRAY['CREATE EXTENSION no_files; CREATE TABLE lk_a (e embedding(3));
    CREATE TABLE lk_b ()', 'CREATE TABLE lk_c (e embedding(3)); SET search_path = lk_s; CREATE SCHEMA lk_s; CREATE TABLE lk_d ();
    CREATE TABLE lk_e (e public.embedding(3)); CREATE TABLE lk_f ()'], tool) > 0 AS done FROM unnest('{psql,flyway}'::text[]) tool;
SELECT name, m.* FROM unnest('{lacking psql,lacking flyway}'::text[]) name, made(name) m WHERE kind = 'table';
SELECT sg_snapshot_drop('lacking psql'), sg_snapshot_drop('lacking flyway');

-- a word in a comment does not make each statement a transaction
SELECT sg_snapshot_from_files('one by one', '{m/1_a/migration.sql}', ARRAY[E'-- never CONCURRENTLY\nSELECT set_config(''my.x'', ''1'', true);\n'
    'DO ''BEGIN EXECUTE ''''CREATE TABLE together'''' || current_setting(''''my.x'''') || ''''()''''; END'''], 'prisma') > 0 AS done;
SELECT * FROM made('one by one') WHERE kind = 'table';

-- without what writes rows
SELECT sg_snapshot_from_files('skipped', '{a.sql}', ARRAY['CREATE TABLE t (x int); INSERT INTO t VALUES (1 / 0); DO ''no'';'], data => 'skip') > 0
    AS done;

-- what is wrong, with file, line and statement
SELECT sg_snapshot_from_files('x', '{1.sql,2.sql}', ARRAY['CREATE TABLE t ();', E'SELECT 1;\n\n-- of a\nCREATE TABLE y (z nothing);']);
SELECT sg_snapshot_from_files('x', '{x.sql}', ARRAY[E'SELECT 1;\n\nCREATE TABLE\ny z;']);
SELECT sg_snapshot_from_files('x', '{x.sql}', ARRAY[E'SELECT 1;\nSELECT ''']);
SELECT sg_snapshot_from_files('x', '{x.sql}', ARRAY['CREATE TABLE t (); GRANT SELECT ON t TO nobody_there']);
SELECT sg_snapshot_from_files('x', '{x.sql}', ARRAY['CREATE EXTENSION not_there; SELECT 1 / 0']);
SELECT sg_snapshot_from_files('psql', '{x.sql}', ARRAY['CREATE TABLE t ()']);
SELECT sg_snapshot_from_files('x', '{a.sql,b.sql}', '{SELECT 1}');
SELECT sg_snapshot_from_files('x', '{a.sql,NULL}', '{SELECT 1,SELECT 2}');
SELECT sg_snapshot_from_files('x', '{a.sql}', '{SELECT 1}', 'rails');
SELECT sg_snapshot_from_files('x', '{a.sql}', '{SELECT 1}', 'nope');
SELECT sg_snapshot_from_files('x', '{a.sql}', '{SELECT 1}', 'prisma');
SELECT sg_snapshot_from_files('x', '{a.sql}', '{SELECT 1}', 'sqitch');
SELECT sg_snapshot_from_files('x', '{a.sql}', '{SELECT 1}', data => 'walk');
SELECT sg_snapshot_from_files('x', '{a.sql}', '{SELECT 1}', placeholders => '[]');

-- code of the files is pg_database_owner's, in the scratch database alone, and not for ever
SELECT sg_snapshot_from_files('x', '{x.sql}', ARRAY[$file$
SET client_encoding = latin1; SET max_parallel_workers = 8; SET track_counts = on; RESET ALL;
CREATE EXTENSION dblink; CREATE EXTENSION postgres_fdw;
CREATE FUNCTION tried(statement text) RETURNS text LANGUAGE plpgsql AS 'BEGIN EXECUTE statement; RETURN ''ran as '' || current_user; EXCEPTION WHEN OTHERS THEN RETURN sqlerrm; END';
DO $$ BEGIN RAISE '%', (SELECT string_agg(s || ' => ' || tried(s), ';; ' ORDER BY n) FROM unnest(ARRAY[
    'SET ROLE pg_monitor', 'SELECT set_config(''role'', ''pg_monitor'', false)', 'SELECT set_config(''session_authorization'', ''pg_monitor'', false)',
    'CREATE FUNCTION f() RETURNS int LANGUAGE sql SET role = pg_monitor AS ''SELECT 1''', 'CREATE EXTENSION pgcrypto', 'CREATE EXTENSION nothing',
    'SELECT pg_read_file(''postgresql.conf'')', 'SELECT pg_advisory_lock(1)', 'SELECT lo_import(''x'')', 'SELECT lo_create(0)', 'COPY (SELECT 1) TO PROGRAM ''true''',
    'UPDATE pg_authid SET rolsuper = true', 'SELECT pg_terminate_backend(pg_backend_pid())', 'SELECT dblink_connect(''dbname=postgres'')',
    'CREATE SERVER s FOREIGN DATA WRAPPER postgres_fdw', 'DO ''BEGIN COMMIT; END''',
    -- messages are in the encoding of this database; a parallel worker and autovacuum would run code without the checks
    'SELECT set_config(''client_encoding'', ''latin1'', false)',
    'CREATE FUNCTION f() RETURNS int LANGUAGE sql SET max_parallel_workers = 8 AS ''SELECT 1''',
    'DO ''BEGIN RAISE ''''%'''', (SELECT string_agg(concat_ws('''' '''', name, setting), '''', '''' ORDER BY name) FROM pg_settings WHERE name IN (''''max_parallel_workers'''', ''''track_counts'''')); END'''
    ]) WITH ORDINALITY t (s, n)); END $$ $file$]);
SELECT sg_snapshot_from_files('left out', '{x.sql}', ARRAY['COPY (SELECT 1) TO PROGRAM ''true''; ALTER SYSTEM SET work_mem = 64; DROP DATABASE postgres;
    CREATE FUNCTION c() RETURNS int LANGUAGE c AS ''x''; DO ''BEGIN COPY (SELECT 1) TO PROGRAM $p$true$p$; ALTER ROLE pg_monitor LOGIN; END''']) > 0 AS done;
-- an autovacuum worker has no checks; a failed ASSERT is none of OTHERS
SELECT sg_snapshot_from_files('summarized', '{x.sql}', ARRAY['CREATE TABLE t (i int); CREATE INDEX ti ON t USING brin (i) WITH (autosummarize = on, pages_per_range = 2);
    ALTER INDEX ti SET (autosummarize = on, pages_per_range = 3)']) > 0 AS done;
SELECT * FROM made('summarized');
SELECT sg_snapshot_from_files('x', '{x.sql}', ARRAY['DO ''BEGIN ASSERT false; END''']);
SELECT count(*) AS left_behind FROM pg_database WHERE datname ~ '^_sg_scratch';
SELECT sg_snapshot_from_files('left out, too', '{x.sql,y.sql}', ARRAY['PREPARE TRANSACTION ''x''; ROLLBACK PREPARED ''x''; LOAD ''dblink''; DISCARD ALL;
    CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION f(); CREATE SUBSCRIPTION s CONNECTION ''x'' PUBLICATION p; GRANT pg_monitor TO CURRENT_USER;
    CREATE TABLESPACE t LOCATION ''/x''; DO ''BEGIN FOR i IN 1 .. 9 LOOP CHECKPOINT; END LOOP; END'';', 'LISTEN x; SELECT pg_notify(''x'', ''''); DECLARE c CURSOR WITH HOLD FOR SELECT 1;
    ALTER EXTENSION plpgsql ADD FUNCTION f(); REASSIGN OWNED BY pg_monitor TO CURRENT_USER; IMPORT FOREIGN SCHEMA s FROM SERVER s INTO s;']) > 0 AS done;
-- the reader of the snapshot finds none of the names that the files have planted
SELECT sg_snapshot_from_files('names', '{x.sql}', ARRAY['CREATE VIEW pg_temp.pg_class AS SELECT 1 AS oid; CREATE FUNCTION public.format(text, text) RETURNS text
    LANGUAGE plpgsql AS ''BEGIN RAISE ''''planted''''; END''; SELECT set_config(''search_path'', ''public, pg_temp, pg_catalog'', false)']) > 0 AS done;
SELECT * FROM made('names');
SET schemaguard.remote_timeout = '200ms';
SELECT sg_snapshot_from_files('x', '{x.sql}', ARRAY['DO $$ BEGIN LOOP END LOOP; END $$']);
CREATE FUNCTION unending(body text) RETURNS bigint LANGUAGE sql AS $$
    SELECT sg_snapshot_from_files('x', '{V1__x.sql,V2__y.sql}', ARRAY['SET statement_timeout = 0; CREATE TABLE t (); CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS
    ''BEGIN ' || body || ' END''; CREATE CONSTRAINT TRIGGER t AFTER INSERT ON t DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION f();
    INSERT INTO t DEFAULT VALUES;', 'SELECT 1'], 'flyway') $$;
SELECT unending('LOOP END LOOP;');
SELECT unending('LOOP BEGIN LOOP END LOOP; EXCEPTION WHEN query_canceled THEN NULL; END; END LOOP;');
RESET schemaguard.remote_timeout;

-- who may
CREATE ROLE regress_sg_replayer;
SET ROLE regress_sg_replayer;
SELECT sg_snapshot_from_files('x', '{x.sql}', ARRAY['SELECT 1']);
RESET ROLE;
SET client_min_messages = warning;
SELECT sg_grant('regress_sg_replayer');
SET ROLE regress_sg_replayer;
SELECT sg_snapshot_from_files('x', '{x.sql}', ARRAY['SELECT 1']);
RESET ROLE;
ALTER ROLE regress_sg_replayer CREATEDB;
SET ROLE regress_sg_replayer;
SELECT sg_snapshot_from_files('x', '{x.sql}', ARRAY['CREATE TABLE t (x int CHECK (x > 0)); INSERT INTO t VALUES (1); SELECT current_user; CREATE EXTENSION pgcrypto;']) > 0 AS done;
SELECT sg_snapshot_from_files('y', '{x.sql}', ARRAY['CREATE EXTENSION dblink']);
SELECT * FROM made('x') WHERE kind <> 'schema';
RESET ROLE;

-- there and back: files that sg_sync_files() writes make what they are made of
SELECT sg_snapshot_from_files('empty', '{x.sql}', ARRAY['SELECT 1']) > 0 AS done;
CREATE SCHEMA back;
CREATE TYPE back.mood AS ENUM ('good', 'bad');
CREATE TABLE back.c (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email text NOT NULL UNIQUE, "odd ${x} :y" back.mood DEFAULT 'bad');
CREATE TABLE back.o (id int PRIMARY KEY, c_id bigint REFERENCES back.c ON DELETE CASCADE, note text CHECK (note <> ':''c'''));
CREATE INDEX o_c ON back.o (c_id) WHERE note IS NOT NULL;
CREATE FUNCTION back.f(a int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN RETURN a; -- ${x}; :y
END $$;
CREATE VIEW back.v AS SELECT o.id, back.f(o.id) AS f FROM back.o;
CREATE TRIGGER t BEFORE UPDATE ON back.o FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger();
COMMENT ON TABLE back.o IS 'orders';
SELECT sg_snapshot_take('back', '{back}') > 0 AS done;
CREATE FUNCTION there_and_back(tool text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE f record;
BEGIN
    SELECT array_agg(s.path) AS paths, array_agg(s.content) AS contents INTO f FROM sg_sync_files('back', 'empty', tool) s;
    PERFORM sg_snapshot_from_files('back ' || tool, f.paths, f.contents, tool);
    RETURN QUERY SELECT concat_ws(' ', tool, d.change, d.kind, d.object, d.property) FROM sg_drift('back', 'back ' || tool) d;
END $$;
SELECT x FROM unnest('{psql,liquibase,sqitch,goose,drizzle}'::text[]) t (tool), there_and_back(t.tool) x;
SELECT count(*) FROM schemaguard.snapshot WHERE name LIKE 'back %' AND objects > 15;

-- members of an extension are one line
CREATE SCHEMA members;
SELECT sg_snapshot_take('no members', '{members}') > 0 AS done;
CREATE TABLE members.t ();
CREATE EXTENSION hstore SCHEMA members;
SELECT regexp_replace(m.m[1], '[0-9]+', 'n') AS told FROM sg_sync_files('live', 'no members', 'psql', schemas => '{members}') f, regexp_matches(f.content, '[^\n]*extension.*', 'gn') m (m);
SELECT regexp_replace(l, '[0-9]+', 'n') AS told FROM sg_sync_sql('live', 'no members', '{members}') l WHERE l ~ 'to extension';
SET client_min_messages = warning;
DROP SCHEMA members CASCADE;
SET client_min_messages = notice;

SELECT count(*) FROM schemaguard.scratch;
SELECT count(*) FROM pg_database WHERE starts_with(datname, '_sg_scratch');
SET client_min_messages = warning;
SELECT sg_revoke('regress_sg_replayer');
DROP SCHEMA back CASCADE;
DROP FUNCTION made(text), there_and_back(text), unending(text);
SELECT sg_snapshot_drop(name) FROM schemaguard.snapshot \g /dev/null
DROP ROLE regress_sg_replayer;
