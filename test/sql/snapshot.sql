-- Snapshots: every kind of object with its properties, names that need quotes, documents, privileges
-- rooms: snapshot
SET client_min_messages = error;
CREATE EXTENSION IF NOT EXISTS schemaguard;
DROP ROLE IF EXISTS regress_snapshot_a, "regress Snapshot B", regress_snapshot_reader;
CREATE ROLE regress_snapshot_a;
CREATE ROLE "regress Snapshot B";
CREATE ROLE regress_snapshot_reader;
SELECT sg_grant(r) FROM unnest('{regress_snapshot_a,regress_snapshot_reader}'::text[]) r \g /dev/null
GRANT pg_monitor TO regress_snapshot_reader;
RESET client_min_messages;

CREATE SCHEMA snap;
COMMENT ON SCHEMA snap IS 'the schema';
GRANT USAGE ON SCHEMA snap TO regress_snapshot_a;
SET search_path = snap, public;

CREATE TYPE mood AS ENUM ('sad', 'ok');
ALTER TYPE mood ADD VALUE 'so so' BEFORE 'ok';
CREATE TYPE pair AS (a int, "B" text COLLATE "C");
CREATE TYPE span AS RANGE (subtype = float8);
REVOKE USAGE ON TYPE span FROM PUBLIC;
CREATE DOMAIN posint AS int DEFAULT 1 CHECK (VALUE > 0);
ALTER DOMAIN posint ADD CONSTRAINT small CHECK (VALUE < 1000) NOT VALID;
CREATE SEQUENCE s AS int INCREMENT 2 CACHE 5 CYCLE;

CREATE TABLE "We""ird.T a" (
  id int GENERATED ALWAYS AS IDENTITY (START 5) PRIMARY KEY,
  "A b" text COLLATE "C" DEFAULT 'x\' || 'y',
  json jsonb,
  n int NOT NULL,
  g int GENERATED ALWAYS AS (n + 1) STORED,
  m mood,
  p posint,
  gone int,
  "id;drop" date);
ALTER TABLE "We""ird.T a" DROP COLUMN gone;
ALTER TABLE "We""ird.T a" ALTER n SET STATISTICS 77, ALTER n SET (n_distinct = 5), ALTER "A b" SET STORAGE EXTERNAL, ALTER "A b" SET COMPRESSION pglz;
COMMENT ON COLUMN "We""ird.T a".n IS 'number';
GRANT SELECT (n) ON "We""ird.T a" TO regress_snapshot_a;
GRANT ALL ON "We""ird.T a" TO "regress Snapshot B" WITH GRANT OPTION;
GRANT USAGE ON SCHEMA snap TO "regress Snapshot B";
SET ROLE "regress Snapshot B";
GRANT SELECT, INSERT ON snap."We""ird.T a" TO regress_snapshot_a;
RESET ROLE;

CREATE UNLOGGED TABLE c (
  id serial PRIMARY KEY,
  w int,
  u text UNIQUE,
  v int CHECK (v > 0),
  CONSTRAINT named CHECK (v < id) NO INHERIT,
  UNIQUE NULLS NOT DISTINCT (v) INCLUDE (u) DEFERRABLE INITIALLY DEFERRED)
  WITH (fillfactor = 70, toast.autovacuum_enabled = off);
ALTER TABLE "We""ird.T a" SET UNLOGGED;
ALTER TABLE c ADD FOREIGN KEY (w) REFERENCES "We""ird.T a" ON DELETE SET NULL (w) ON UPDATE CASCADE DEFERRABLE NOT VALID;
ALTER TABLE c REPLICA IDENTITY FULL;
CREATE INDEX ON c (lower(u), v DESC) INCLUDE (w) WHERE v > 3;
CREATE UNIQUE INDEX opc ON c (u text_pattern_ops, u COLLATE "C") WITH (fillfactor = 60);
ALTER TABLE c CLUSTER ON c_pkey;
CREATE TABLE kid (extra int) INHERITS (c);
ALTER TABLE kid OWNER TO "regress Snapshot B";
CREATE TABLE typed OF pair;
CREATE TABLE pt (k int, d date, PRIMARY KEY (k, d)) PARTITION BY RANGE (d);
CREATE TABLE pt1 PARTITION OF pt FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
CREATE INDEX ON pt (d);
CREATE TABLE ex (r int4range, EXCLUDE USING gist (r WITH &&) WHERE (NOT isempty(r)));

CREATE VIEW v WITH (security_barrier) AS SELECT id, w FROM c WHERE v > 1;
ALTER VIEW v ALTER w SET DEFAULT 3;
COMMENT ON COLUMN v.w IS 'of the view';
CREATE MATERIALIZED VIEW mv AS SELECT count(*) AS n FROM c WITH NO DATA;
CREATE INDEX ON mv (n);

CREATE FUNCTION f(a int, b text DEFAULT 'q') RETURNS SETOF int LANGUAGE sql STABLE STRICT PARALLEL SAFE COST 7 ROWS 3
  SET work_mem = '1MB' AS 'SELECT 1';
CREATE FUNCTION fa(a int) RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT count(*) FROM c WHERE v = a; END;
CREATE FUNCTION fr(a int) RETURNS int LANGUAGE sql SECURITY DEFINER RETURN a + 1;
CREATE PROCEDURE pr(INOUT x int) LANGUAGE plpgsql AS 'BEGIN NULL; END';
CREATE AGGREGATE agg(int) (SFUNC = int4pl, STYPE = int, INITCOND = '0');
CREATE FUNCTION trg() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
REVOKE ALL ON FUNCTION trg() FROM PUBLIC;
CREATE TRIGGER t1 BEFORE INSERT OR UPDATE OF v ON c FOR EACH ROW WHEN (NEW.v > 5) EXECUTE FUNCTION trg('a', 'b\000c', '');
ALTER TABLE c DISABLE TRIGGER t1;
CREATE TRIGGER t2 AFTER UPDATE ON c REFERENCING OLD TABLE AS o NEW TABLE AS n EXECUTE FUNCTION trg();
CREATE CONSTRAINT TRIGGER t3 AFTER INSERT ON c DEFERRABLE FOR EACH ROW EXECUTE FUNCTION trg();
CREATE TRIGGER tp AFTER INSERT ON pt FOR EACH ROW EXECUTE FUNCTION trg();
CREATE RULE r AS ON UPDATE TO kid WHERE NEW.v = 7 DO ALSO DELETE FROM pt WHERE k = OLD.v;
ALTER TABLE c ENABLE ROW LEVEL SECURITY, FORCE ROW LEVEL SECURITY;
CREATE POLICY po ON c AS RESTRICTIVE FOR UPDATE TO regress_snapshot_a, PUBLIC USING (v > 0) WITH CHECK (v > 1);

CREATE COLLATION coll FROM "C";
CREATE OPERATOR === (LEFTARG = int, RIGHTARG = int, FUNCTION = int4eq, COMMUTATOR = OPERATOR(snap.===), HASHES);
CREATE OPERATOR CLASS oc FOR TYPE int USING btree AS OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >,
  FUNCTION 1 btint4cmp(int, int);
CREATE CAST (snap.pair AS text) WITH INOUT AS ASSIGNMENT;
CREATE STATISTICS st (mcv) ON w, v FROM c;
ALTER STATISTICS st SET STATISTICS 50;
CREATE STATISTICS st2 ON (v + 1), w FROM c;
CREATE FUNCTION et() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';
CREATE EVENT TRIGGER regress_snapshot_et ON ddl_command_end WHEN TAG IN ('COMMENT') EXECUTE FUNCTION et();
ALTER EVENT TRIGGER regress_snapshot_et DISABLE;
ALTER DEFAULT PRIVILEGES IN SCHEMA snap GRANT SELECT ON TABLES TO regress_snapshot_a;
SET client_min_messages = error;
CREATE PUBLICATION regress_snapshot_pu FOR TABLE pt1 (k, d) WHERE (k > 1), TABLE ex;
CREATE PUBLICATION regress_snapshot_ps FOR TABLES IN SCHEMA snap WITH (publish = 'insert', publish_via_partition_root);
CREATE SUBSCRIPTION regress_snapshot_su CONNECTION 'host=nowhere password=geheim' PUBLICATION b, a WITH (connect = false, slot_name = NONE, streaming = off);
RESET client_min_messages;
CREATE FOREIGN DATA WRAPPER regress_snapshot_fw;
CREATE SERVER regress_snapshot_srv TYPE 't' VERSION '1' FOREIGN DATA WRAPPER regress_snapshot_fw
  OPTIONS (host 'h', password 'geheim', uri 'postgresql://u:geheim@h', config '{"user": "u", "password" : "geheim"}', url 'http://h/a:b');
CREATE USER MAPPING FOR regress_snapshot_a SERVER regress_snapshot_srv OPTIONS (user 'u', password 'geheim');
CREATE FOREIGN TABLE ft (a int OPTIONS (c 'x', token 'geheim')) SERVER regress_snapshot_srv OPTIONS (t 'y');
CREATE TEXT SEARCH DICTIONARY di (TEMPLATE = simple, accept = false);
CREATE TEXT SEARCH CONFIGURATION cfg (PARSER = "default");
ALTER TEXT SEARCH CONFIGURATION cfg ADD MAPPING FOR asciiword WITH di, simple;
RESET search_path;

-- What is there. Texts that majors print in several ways are left out here.
SELECT kind, identity, parent, properties - '{owner,query,sql_body,definition,depends}'::text[] AS properties
FROM sg_snapshot_objects_details('live', '{snap}') \gx (format=wrapped columns=160)
SELECT kind, replace(identity, CURRENT_USER, 'me') AS identity, parent, properties - '{owner,depends}'::text[] AS properties FROM sg_snapshot_objects_details('live')
WHERE kind NOT IN ('extension', 'language') AND NOT properties ? 'extension' AND (parent IS NULL OR parent LIKE '%srv' OR kind = 'default privilege')
  AND identity ~ 'regress_snapshot|snap[. ]' \gx (format=wrapped columns=160)
SELECT kind, identity, properties ->> 'query' ~ 'FROM snap.c' AS query, properties ->> 'sql_body' ~ 'snap.c|RETURN' AS sql_body,
  properties ->> 'definition' ~ 'DELETE FROM snap.pt' AS definition
FROM sg_snapshot_objects_details('live', '{snap}') WHERE properties ?| '{query,sql_body,definition}';
SELECT kind, identity FROM sg_snapshot_objects_details('live') WHERE properties::text ~ 'geheim' OR properties ? 'unknown';

-- The same in other words, under other settings and as somebody who may do nothing
SELECT sg_snapshot_take('regress 1', '{snap}') > 50 AS taken;
BEGIN;
SET LOCAL quote_all_identifiers = on;
SET LOCAL DateStyle = 'German';
SET LOCAL IntervalStyle = 'sql_standard';
SET LOCAL extra_float_digits = -3;
SET LOCAL bytea_output = 'escape';
SET LOCAL TimeZone = 'Asia/Tokyo';
SET LOCAL search_path = snap, public;
SET LOCAL lock_timeout = 0;
SET LOCAL jit = on;
SELECT FROM set_config('standard_conforming_strings', 'off', true) WHERE current_setting('server_version_num')::int < 190000 \g /dev/null
SET LOCAL ROLE regress_snapshot_a;
SELECT sg_snapshot_take('regress 2', '{snap}') > 50 AS taken;
COMMIT;
SELECT a.checksum = b.checksum AS equal, a.role = CURRENT_USER AS mine, b.role
FROM schemaguard.snapshot a, schemaguard.snapshot b WHERE a.name = 'regress 1' AND b.name = 'regress 2';
SELECT s.kind, s.identity FROM sg_snapshot_objects_details('regress 1') s LEFT JOIN sg_snapshot_objects_details('regress 2') t USING (kind, identity)
WHERE s.checksum IS DISTINCT FROM t.checksum;

-- Order and checksums are what the manual says; kept is what was read
SELECT bool_and(o.checksum = sha256(convert_to(concat_ws(E'\n', o.kind, o.identity, coalesce(o.parent, ''), o.properties::text), 'UTF8'))) AS objects,
  sha256(string_agg(o.checksum, '' ORDER BY o.n)) = max(s.checksum::text)::bytea AS whole,
  array_agg(o.kind || E'\n' || o.identity ORDER BY o.n) = array_agg(o.kind || E'\n' || o.identity ORDER BY o.kind COLLATE "C", o.identity COLLATE "C") AS sorted
FROM sg_snapshot_objects_details('regress 1') WITH ORDINALITY o (kind, identity, parent, properties, checksum, oid, n), schemaguard.snapshot s
WHERE s.name = 'regress 1';
SELECT * FROM sg_snapshot_objects_details('regress 1') EXCEPT SELECT * FROM sg_snapshot_objects_details('live', '{snap}');
SELECT kind, bool_and(CASE kind WHEN 'column' THEN parent WHEN 'constraint' THEN (SELECT quote_ident(conname) FROM pg_constraint c WHERE c.oid = o.oid)
    WHEN 'function' THEN o.oid::regprocedure::text WHEN 'type' THEN o.oid::regtype::text ELSE identity END
  = CASE kind WHEN 'column' THEN o.oid::regclass::text WHEN 'constraint' THEN substr(identity, length(parent) + 2) WHEN 'function' THEN replace(identity, ', ', ',') WHEN 'type' THEN identity ELSE o.oid::regclass::text END) AS oids
FROM sg_snapshot_objects_details('regress 1') o WHERE kind IN ('column', 'constraint', 'function', 'index', 'sequence', 'table', 'type', 'view') GROUP BY kind ORDER BY kind;
SELECT * FROM sg_snapshot_objects_details('live', '{snap}') EXCEPT SELECT * FROM sg_snapshot_objects_details('regress 1');
SELECT count(*), count(*) FILTER (WHERE kind = 'schema') AS schemas FROM sg_snapshot_objects_details('regress 1', '{public}');
SELECT sg_snapshot_take('regress all') > 50 AS taken;
SELECT * FROM sg_snapshot_objects_details('regress all', '{snap}') EXCEPT SELECT * FROM sg_snapshot_objects_details('regress 1');
SELECT * FROM sg_snapshot_objects_details('regress 1') EXCEPT SELECT * FROM sg_snapshot_objects_details('regress all', '{snap}');

-- Where it is, and what it takes from its server
SELECT environment ->> 'system_identifier' = (SELECT system_identifier::text FROM pg_control_system()) AS system,
  (environment ->> 'timeline')::int = ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int AS timeline,
  (environment ->> 'lsn')::pg_lsn <= pg_current_wal_lsn() AS lsn,
  (environment ->> 'database_oid')::oid = d.oid AS database, environment ->> 'encoding' = pg_encoding_to_char(d.encoding) AS encoding,
  environment ->> 'collate' = d.datcollate AS collate, environment ->> 'ctype' = d.datctype AS ctype,
  environment ->> 'locale_provider' = CASE d.datlocprovider WHEN 'c' THEN 'libc' WHEN 'i' THEN 'icu' ELSE 'builtin' END AS provider,
  environment ->> 'tablespace' AS tablespace, environment -> 'sequence_values' AS sequence_values
FROM schemaguard.snapshot s, pg_database d WHERE s.name = 'regress 1' AND d.datname = current_database();
SELECT r FROM schemaguard.snapshot s, jsonb_array_elements_text(environment -> 'roles') r WHERE s.name = 'regress 1' AND r IN ('"regress Snapshot B"', 'regress_snapshot_a');
BEGIN;
CREATE TABLE snap.collated (a text COLLATE ucs_basic, b text COLLATE snap.coll, c text COLLATE "C");
SELECT sg_snapshot_take('regress 5', '{snap}') > 50 AS taken;
SELECT environment - '{system_identifier,timeline,lsn,database_oid,encoding,collate,ctype,locale,locale_provider,roles,icu_rules,collations}'::text[] AS environment,
  (environment -> 'collations' ->> 0 = 'ucs_basic') IS TRUE = (SELECT oid >= 12000 FROM pg_collation WHERE collname = 'ucs_basic') AS collations FROM schemaguard.snapshot WHERE name = 'regress 5';
UPDATE schemaguard.snapshot SET environment = '{"roles": 1}' WHERE name = 'regress 5';
SELECT count(*) FROM sg_snapshot_objects_details('regress 5');
ROLLBACK;

-- Values of sequences, where they are asked for: none is there while nothing was drawn, null may not be read
BEGIN;
SELECT nextval('snap.s'), nextval('snap.s');
CREATE SEQUENCE snap.hidden;
INSERT INTO snap."We""ird.T a" (n) VALUES (1);
SELECT sg_snapshot_take('regress 5', '{snap}', sequence_values => true) > 50 AS taken;
SELECT identity, properties ? 'last_value' AS has, properties -> 'last_value' AS last_value FROM sg_snapshot_objects_details('regress 5') WHERE kind = 'sequence'
UNION ALL SELECT identity, NULL, properties #> '{identity_sequence,last_value}' FROM sg_snapshot_objects_details('regress 5') WHERE properties ? 'identity_sequence' ORDER BY identity;
SELECT environment -> 'sequence_values' AS asked_for FROM schemaguard.snapshot WHERE name = 'regress 5';
SELECT count(*) AS drift FROM sg_drift_details('regress 5', 'live', '{snap}', cosmetic => true) WHERE object <> 'snap.hidden';
SELECT sg_snapshot_take('regress 6', '{snap}') > 50 AS taken;
SELECT count(*) AS values FROM sg_snapshot_objects_details('regress 6') WHERE properties ? 'last_value' OR properties #> '{identity_sequence,last_value}' IS NOT NULL;
SET LOCAL ROLE regress_snapshot_a;
SELECT sg_snapshot_take('regress 7', '{snap}', sequence_values => true) > 50 AS taken;
SELECT identity, properties -> 'last_value' AS last_value FROM sg_snapshot_objects_details('regress 7') WHERE kind = 'sequence' ORDER BY identity;
ROLLBACK;

-- Documents
CREATE FUNCTION pg_temp.exported(snapshot text) RETURNS jsonb LANGUAGE sql AS 'SELECT string_agg(l, E''\n'')::jsonb FROM sg_snapshot_export(snapshot) l';
CREATE TEMP TABLE doc AS SELECT pg_temp.exported('regress 1') AS d;
SELECT sg_snapshot_import('regress 3', d) > 50 AS imported FROM doc;
SELECT name, server_version_num = current_setting('server_version_num')::int AS version, database = current_database() AS database, schemas,
  checksum = (SELECT checksum FROM schemaguard.snapshot WHERE name = 'regress 1') AS equal, imported_at IS NOT NULL AS imported
FROM schemaguard.snapshot WHERE name LIKE 'regress _' ORDER BY name;
SELECT pg_temp.exported('regress 3') - 'role' = d - 'role' AS same FROM doc;
-- the same in lines, and as a text of these or of the whole
CREATE TEMP TABLE lines AS SELECT n, l FROM sg_snapshot_export('regress 1') WITH ORDINALITY x (l, n);
SELECT count(*) = (SELECT objects + 2 FROM schemaguard.snapshot WHERE name = 'regress 1') AS lines, string_agg(l, E'\n' ORDER BY n)::jsonb = (SELECT d FROM doc) AS same FROM lines;
SELECT sg_snapshot_import('regress 4', array_agg(l ORDER BY n) || ''::text) > 50 AS imported FROM lines;
SELECT pg_temp.exported('regress 4') - 'role' - 'seal' = d - 'role' - 'seal' AS same FROM doc;
SELECT sg_snapshot_drop('regress 4');
SELECT sg_snapshot_import('regress 4', string_agg(l, E'\n' ORDER BY n) || E'\n') > 50 AS imported FROM lines;
SELECT sg_snapshot_drop('regress 4');
SELECT sg_snapshot_import('regress 4', d::text) > 50 AS imported, sg_snapshot_drop('regress 4') FROM doc;
SELECT sg_snapshot_import('regress 4', d::json) > 50 AS imported, sg_snapshot_drop('regress 4') FROM doc;
SELECT sg_snapshot_import('bad', '{}'::text[]);
SELECT sg_snapshot_import('bad', '');
SELECT sg_snapshot_import('bad', 1);
SELECT sg_snapshot_import('bad', ARRAY[d::text]) FROM doc;
SELECT sg_snapshot_import('bad', array_agg(l ORDER BY n)) FROM lines WHERE n > 1;
SELECT sg_snapshot_import('bad', array_agg(CASE n WHEN 3 THEN NULL ELSE l END ORDER BY n)) FROM lines;
SELECT sg_snapshot_import('bad', array_agg(CASE n WHEN 3 THEN replace(l, 'true', 'false') ELSE l END ORDER BY n)) FROM lines;
SELECT sg_snapshot_import('bad', array_agg(l ORDER BY n)) FROM lines WHERE l <> ']}';
SELECT sg_snapshot_import('bad', array_agg(l ORDER BY n)) FROM lines WHERE n <= 1;
SELECT sg_snapshot_import('bad', '[]');
SELECT sg_snapshot_import('bad', '{}');
SELECT sg_snapshot_import('bad', '"x"');
SELECT sg_snapshot_import('bad', d || '{"schemaguard_snapshot": "1"}') FROM doc;
SELECT sg_snapshot_import('bad', d || '{"schemaguard_snapshot": 0}') FROM doc;
SELECT sg_snapshot_import('bad', d || '{"schemaguard_snapshot": 1.5}') FROM doc;
SELECT sg_snapshot_import('bad', d || '{"schemaguard_snapshot": 99}') FROM doc;
SELECT sg_snapshot_import('bad', d || '{"more": 2}') FROM doc;
SELECT sg_snapshot_import('bad', d - 'taken_at') FROM doc;
SELECT sg_snapshot_import('bad', d || '{"database": "other"}') FROM doc;
SELECT sg_snapshot_import('bad', d || '{"environment": {"timeline": 99}}') FROM doc;
SELECT sg_snapshot_import('bad', e || jsonb_build_object('seal', encode(sha256(convert_to((e - '{seal,objects}'::text[])::text, 'UTF8')), 'hex')))
FROM doc, LATERAL (VALUES (d || '{"environment": {"planet": "earth"}}')) v (e);
SELECT sg_snapshot_import('bad', jsonb_set(d, '{objects,0,oid}', '"x"')) FROM doc;
SELECT sg_snapshot_import('bad', d #- '{objects,0,oid}') FROM doc;
SELECT sg_snapshot_import('bad', d || '{"seal": "zz"}') FROM doc;
SELECT sg_snapshot_import('bad', d || '{"objects": {}}') FROM doc;
SELECT sg_snapshot_import('bad', d || '{"objects": [1]}') FROM doc;
SELECT sg_snapshot_import('bad', d || '{"objects": [{"kind": "x"}]}') FROM doc;
SELECT sg_snapshot_import('bad', d #- '{objects,0,properties}') FROM doc;
SELECT sg_snapshot_import('bad', jsonb_set(d, '{objects,0,properties}', '[]')) FROM doc;
SELECT sg_snapshot_import('bad', jsonb_set(d, '{objects,0,kind}', to_jsonb(repeat('x', 70000)))) FROM doc;
SELECT sg_snapshot_import('bad', jsonb_set(d, '{objects,0,checksum}', '"00"')) FROM doc;
SELECT sg_snapshot_import('bad', jsonb_set(d, '{objects,0,properties,cost}', '1')) FROM doc;
SELECT sg_snapshot_import('bad', jsonb_set(d, '{objects,0,identity}', '"snap.b"')) FROM doc;
SELECT sg_snapshot_import('bad', jsonb_set(d, '{objects,1}', d #> '{objects,0}')) FROM doc;
DO $$
DECLARE
  message text;
  detail text;
BEGIN
  PERFORM sg_snapshot_import('bad', d #- '{objects,3}') FROM doc;
EXCEPTION WHEN data_exception THEN
  GET STACKED DIAGNOSTICS message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL;
  RAISE NOTICE '%: % %', SQLSTATE, message, regexp_replace(detail, '\d+', 'n', 'g');
END
$$;
SELECT sg_snapshot_import('regress 1', d) FROM doc;
SELECT sg_snapshot_import('live', d) FROM doc;
SELECT sg_snapshot_import(NULL, d) FROM doc;
SELECT sg_snapshot_import('bad', NULL);
SELECT count(*) FROM schemaguard.snapshot WHERE name = 'bad';

-- A document of format 1: in another form, and without what that did not have
CREATE TEMP TABLE old AS
WITH o AS (
  SELECT kind, identity, parent, properties - '{depends,number,dropped_columns,dropped_attributes}'::text[] - CASE kind WHEN 'operator class' THEN '{operators,functions}'::text[] ELSE '{}' END
      || CASE WHEN properties ? 'owner' THEN jsonb_build_object('owner', replace(properties ->> 'owner', '"', '')) ELSE '{}' END
      || CASE WHEN properties ? 'grantors' THEN '{"grantors": ["regress Snapshot B"]}'::jsonb ELSE '{}' END
      || CASE WHEN kind = 'trigger' AND properties ? 'arguments' THEN '{"arguments": "a\\000b\\\\000c\\000\\000"}'::jsonb ELSE '{}' END
      || CASE kind WHEN 'operator' THEN '{"function": "int4eq(integer,integer)"}'::jsonb ELSE '{}' END
      || CASE properties ->> 'type' WHEN 'foreign table' THEN '{"replica_identity": "nothing"}'::jsonb ELSE '{}' END AS properties
  FROM sg_snapshot_objects_details('live', '{snap}')),
c AS (SELECT *, sha256(convert_to(concat_ws(E'\n', kind, identity, coalesce(parent, ''), properties::text), 'UTF8')) AS checksum FROM o),
h AS (
  SELECT jsonb_build_object('schemaguard_snapshot', 1, 'taken_at', '2026-01-01T00:00:00Z', 'role', 'r', 'server', NULL, 'database', 'd',
      'server_version_num', current_setting('server_version_num')::int, 'schemas', '{snap}'::text[], 'count', count(*),
      'checksum', encode(sha256(string_agg(checksum, '' ORDER BY kind COLLATE "C", identity COLLATE "C")), 'hex')) AS h,
    jsonb_agg(jsonb_build_object('kind', kind, 'identity', identity, 'parent', parent, 'properties', properties, 'checksum', encode(checksum, 'hex'))
      ORDER BY kind COLLATE "C", identity COLLATE "C") AS objects
  FROM c)
SELECT h || jsonb_build_object('seal', encode(sha256(convert_to(h::text, 'UTF8')), 'hex'), 'objects', objects) AS d FROM h;
SELECT sg_snapshot_import('regress old', d) > 50 AS imported FROM old;
SELECT count(*) AS drift FROM sg_drift_details('regress old', 'live', '{snap}', cosmetic => true);
SELECT pg_temp.exported('regress old') -> 'objects' = d -> 'objects' AS as_it_was FROM old;
SELECT kind, identity, properties FROM sg_snapshot_objects_details('regress old') EXCEPT
SELECT kind, identity, properties - '{depends,number,dropped_columns,dropped_attributes}'::text[] - CASE kind WHEN 'operator class' THEN '{operators,functions}'::text[] ELSE '{}' END
FROM sg_snapshot_objects_details('live', '{snap}');
SELECT sg_snapshot_drop('regress old');
-- No privileges: what is built in. All others are told, also those that the owner lacks.
BEGIN;
CREATE SCHEMA rights;
CREATE TABLE rights.untouched ();
CREATE TABLE rights.explicit ();
GRANT ALL ON rights.explicit TO CURRENT_USER;
CREATE TABLE rights.nobody ();
REVOKE ALL ON rights.nobody FROM CURRENT_USER;
CREATE FUNCTION rights.f() RETURNS int LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION rights.mine() RETURNS int LANGUAGE sql AS 'SELECT 1';
REVOKE ALL ON FUNCTION rights.mine() FROM PUBLIC;
ALTER DEFAULT PRIVILEGES IN SCHEMA rights GRANT SELECT ON TABLES TO "regress Snapshot B";
CREATE TABLE rights.by_default ();
SELECT kind, identity, replace((properties -> 'acl')::text, CURRENT_USER, 'me') AS acl FROM sg_snapshot_objects_details('live', '{rights}') WHERE kind IN ('table', 'function');
ROLLBACK;

-- An operator that is only named, as another one's commutator, is none
BEGIN;
CREATE OPERATOR snap.<<<# (LEFTARG = int, RIGHTARG = int, FUNCTION = int4lt, COMMUTATOR = OPERATOR(snap.#>>>));
SELECT identity FROM sg_snapshot_objects_details('live', '{snap}') WHERE kind = 'operator' AND identity ~ '<<<|>>>';
ROLLBACK;

-- Taken and compared in one statement
SELECT sg_snapshot_take('regress 4', '{snap}') > 50 AS taken, (SELECT count(*) > 50 FROM sg_snapshot_objects_details('regress 4')) AS read,
    (SELECT count(*) FROM sg_drift_details('regress 4')) AS drift;
SELECT sg_snapshot_drop('regress 4');

-- One object that cannot be printed costs its own text, not the snapshot
CREATE SCHEMA broken;
CREATE FUNCTION broken.gone(i int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT i';
CREATE VIEW broken.view AS SELECT broken.gone(1) AS a;
CREATE VIEW broken.reader AS SELECT a + 1 AS a FROM broken.view;
CREATE VIEW broken.other AS SELECT 1 AS a;
CREATE TABLE broken.tab (a int CHECK (broken.gone(a) > 0), b int DEFAULT 1 + 1, c int PRIMARY KEY);
CREATE TABLE broken.fine (a int CHECK (a > 0), b int DEFAULT 1 + 1);
CREATE INDEX bent ON broken.fine ((broken.gone(a)));
CREATE RULE rule AS ON INSERT TO broken.fine WHERE broken.gone(1) = 1 DO NOTHING;
CREATE TABLE broken.untouched (a int CHECK (a > 0), b int DEFAULT 1 + 1);
CREATE DOMAIN broken.dom AS int DEFAULT broken.gone(2) CHECK (value > 1);
CREATE FUNCTION broken.arguments(i int DEFAULT broken.gone(3)) RETURNS int LANGUAGE sql AS 'SELECT i';
CREATE FUNCTION broken.body() RETURNS int LANGUAGE sql RETURN broken.gone(4);
BEGIN;
DELETE FROM pg_proc WHERE oid = 'broken.gone'::regproc;
SELECT sg_snapshot_take('regress broken', '{broken}');
SELECT kind, identity, regexp_replace(properties ->> 'unknown', '\d+', 'n') AS unknown
FROM sg_snapshot_objects_details('regress broken') WHERE properties ? 'unknown';
SELECT identity FROM sg_snapshot_objects_details('regress broken') WHERE kind = 'view' AND properties ? 'query';
SELECT kind, object, class FROM sg_drift_details('regress broken', 'live', '{broken}') WHERE class <> 'unknown';
-- with itself it is the same, although not all of it is known
SELECT count(*) FROM sg_drift_details('regress broken', 'regress broken');
ROLLBACK;

-- What an object needs, in kinds and identities: not its parent, nor what its properties say in full, nor what is built in
CREATE SCHEMA needs;
CREATE SCHEMA "needs.Json";
SET search_path = needs;
CREATE FUNCTION "needs.Json".json(int, text DEFAULT 'x') RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1';
CREATE FUNCTION cmp(int, int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1 - $2';
CREATE TYPE mood AS ENUM ('sad');
CREATE TYPE pair AS (a mood, b int);
CREATE DOMAIN moods AS mood[] DEFAULT NULL CHECK ("needs.Json".json(1) > 0);
CREATE COLLATION coll FROM "C";
CREATE TYPE span AS RANGE (subtype = text, collation = coll);
CREATE OPERATOR === (LEFTARG = int, RIGHTARG = int, FUNCTION = cmp);
CREATE OPERATOR CLASS oc FOR TYPE int USING btree AS OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >, FUNCTION 1 cmp(int, int);
CREATE TABLE parent (id serial PRIMARY KEY, k int, v text COLLATE coll, m mood[], s span, r pair, d moods, x int);
CREATE UNIQUE INDEX parent_k ON parent (k);
CREATE TABLE child (json int REFERENCES parent (k), p int REFERENCES parent, f int DEFAULT "needs.Json".json(1), g int GENERATED ALWAYS AS (p + 1) STORED,
    CHECK ("needs.Json".json(p) > 0), EXCLUDE USING btree (("needs.Json".json(p)) oc WITH =));
CREATE INDEX oc ON child (p oc);
CREATE INDEX expr ON child ("needs.Json".json(f)) WHERE p > 0;
CREATE TABLE part (a int, b mood) PARTITION BY LIST ("needs.Json".json(a));
CREATE TABLE part1 PARTITION OF part DEFAULT;
CREATE TABLE heir () INHERITS (child);
CREATE VIEW v1 AS SELECT c.json, p.v, "needs.Json".json(c.p) AS j FROM child c JOIN parent p ON p.id = c.p;
CREATE VIEW v2 AS SELECT id, v, (SELECT max(j) FROM v1) FROM parent GROUP BY id;
CREATE FUNCTION body() RETURNS SETOF v1 LANGUAGE sql BEGIN ATOMIC SELECT * FROM v1; END;
CREATE FUNCTION several(moods[], span DEFAULT NULL, OUT a pair) LANGUAGE sql AS 'SELECT NULL::needs.pair';
CREATE AGGREGATE agg(int) (SFUNC = cmp, STYPE = int);
CREATE FUNCTION trg() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE TRIGGER t BEFORE UPDATE ON child FOR EACH ROW WHEN ("needs.Json".json(NEW.p) > OLD.f) EXECUTE FUNCTION trg();
CREATE POLICY po ON child USING (p IN (SELECT id FROM parent));
CREATE RULE ru AS ON DELETE TO child DO ALSO UPDATE parent SET x = 1 WHERE id = OLD.p;
CREATE STATISTICS st ON ("needs.Json".json(f)), p FROM child;
RESET search_path;
SELECT kind, identity, properties -> 'depends' AS depends FROM sg_snapshot_objects_details('live', '{needs,needs.Json}') WHERE properties ? 'depends' \g (format=unaligned)
-- sorted, without doubles, and what is named is there; what an extension has brought is its own matter
SELECT o.kind, o.identity, d.* FROM sg_snapshot_objects_details('live') o, LATERAL (
    SELECT jsonb_agg(e ORDER BY (e ->> 0) COLLATE "C", (e ->> 1) COLLATE "C") <> o.properties -> 'depends' AS unsorted,
        count(*) <> count(DISTINCT e) AS doubles, bool_or(t.kind IS NULL) AS dangling, o.properties ? 'extension' AS extension
    FROM jsonb_array_elements(o.properties -> 'depends') e
    LEFT JOIN sg_snapshot_objects_details('live') t ON t.kind = e ->> 0 AND t.identity = e ->> 1) d
WHERE o.properties ? 'depends' AND (d.unsorted OR d.doubles OR d.dangling OR d.extension AND o.kind = 'function');
-- no drift, and none of what is told of one
SELECT sg_snapshot_take('regress needs', '{needs}') > 20 AS taken;
UPDATE schemaguard.snapshot_object SET properties = properties - 'depends' WHERE snapshot = 'regress needs';
SELECT count(*) FROM sg_drift_details('regress needs', 'live', '{needs}', cosmetic => true);
DROP VIEW needs.v2;
DROP INDEX needs.expr;
SELECT kind, object, change, expected, actual FROM sg_drift_details('live', 'regress needs', '{needs}') d WHERE d::text ~ 'depends';
SELECT sg_snapshot_drop('regress needs');

-- What is counted: neither columns nor what an extension has brought
CREATE SCHEMA counted;
CREATE TABLE counted.t (id int PRIMARY KEY, a text);
CREATE INDEX ON counted.t (a);
CREATE VIEW counted.v AS SELECT id FROM counted.t;
SELECT sg_snapshot_take('counted', '{counted}') AS counted, sg_snapshot_take('uncounted', '{schemaguard}') AS of_the_extension;
SELECT sg_snapshot_drop('counted'), sg_snapshot_drop('uncounted');
SET client_min_messages = warning;
DROP SCHEMA counted CASCADE;
RESET client_min_messages;

-- Names
SELECT sg_snapshot_take('live');
SELECT sg_snapshot_take('');
SELECT sg_snapshot_take(repeat('x', 64));
SELECT sg_snapshot_take(NULL);
SELECT sg_snapshot_take('regress 1');
SELECT sg_snapshot_take('bad', '{}');
SELECT sg_snapshot_take('bad', '{snap,NULL}');
SELECT sg_snapshot_take('bad', '{snap,"snap.nope"}');
SELECT sg_snapshot_take('bad', server => 'nope');
SELECT * FROM sg_snapshot_objects_details(NULL);
SELECT sg_snapshot_drop(NULL);
SELECT sg_snapshot_drop('nope''"');
BEGIN READ ONLY;
SELECT sg_snapshot_take('bad');
ROLLBACK;
BEGIN READ ONLY;
SELECT count(*) > 50 AS read FROM sg_snapshot_objects_details('live', '{snap}');
ROLLBACK;

-- Whose it is
\set VERBOSITY terse
SET ROLE regress_snapshot_a;
SELECT name FROM schemaguard.snapshot WHERE name LIKE 'regress%';
SELECT DISTINCT snapshot FROM schemaguard.snapshot_object;
SELECT count(*) FROM sg_snapshot_objects_details('regress 1');
SELECT sg_snapshot_export('regress 1');
SELECT sg_snapshot_drop('regress 1');
UPDATE schemaguard.snapshot SET name = 'x';
DELETE FROM schemaguard.snapshot_object;
SELECT count(*) > 50 AS live FROM sg_snapshot_objects_details('live', '{snap}');
SELECT count(*) > 50 AS mine FROM sg_snapshot_objects_details('regress 2');
SET ROLE regress_snapshot_reader;
SELECT name FROM schemaguard.snapshot WHERE name LIKE 'regress%' ORDER BY name;
SELECT count(*) > 50 AS others FROM sg_snapshot_objects_details('regress 1');
SELECT sg_snapshot_drop('regress 1');
SET ROLE regress_snapshot_a;
SELECT sg_snapshot_drop('regress 2');
RESET ROLE;
SELECT sg_snapshot_drop('regress 1'), sg_snapshot_drop('regress 3'), sg_snapshot_drop('regress all');
SELECT action, phase, object, rows_affected > 50 AS objects, message FROM schemaguard.audit_log WHERE action LIKE 'snapshot%' AND object LIKE 'regress%' ORDER BY id;

SET client_min_messages = error;
DROP SUBSCRIPTION regress_snapshot_su;
DROP PUBLICATION regress_snapshot_pu, regress_snapshot_ps;
DROP EVENT TRIGGER regress_snapshot_et;
DROP CAST (snap.pair AS text);
DROP SCHEMA snap, broken, needs, "needs.Json" CASCADE;
DROP FOREIGN DATA WRAPPER regress_snapshot_fw CASCADE;
SELECT sg_revoke(r) FROM unnest('{regress_snapshot_a,regress_snapshot_reader}'::text[]) r \g /dev/null
DROP ROLE regress_snapshot_a, "regress Snapshot B", regress_snapshot_reader;
