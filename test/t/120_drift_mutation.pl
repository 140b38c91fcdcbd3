# 120_drift_mutation.pl: each property of each kind of object is altered once: sg_drift finds that, and nothing else.
#
# A line is: statement ;; kind ;; object ;; change ;; property. Each is run in a transaction that is rolled back, since a
# comparison with the live database sees what its transaction has done. A statement that the server lacks says so.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Utils;
use SgTest;
use Test::More;

my $node = new_node('mutation', conf => "autovacuum = off\nfsync = off\nwal_level = logical\n");
my $major = major($node);

$node->safe_psql('postgres', <<'SQL');
CREATE ROLE other; CREATE ROLE third;
CREATE SCHEMA m; CREATE SCHEMA m2;
CREATE TYPE m.mood AS ENUM ('sad', 'glad', 'mad');
CREATE TYPE m.pair AS (a int, b text);
CREATE TYPE m.span AS RANGE (subtype = int4);
CREATE DOMAIN m.posint AS int DEFAULT 1 CONSTRAINT positive CHECK (VALUE > 0);
CREATE COLLATION m.coll (provider = libc, locale = 'C');
CREATE SEQUENCE m.seq;
CREATE FUNCTION m.f(a int) RETURNS int LANGUAGE sql AS 'SELECT a + 1';
CREATE FUNCTION m.g(a int) RETURNS SETOF int LANGUAGE sql ROWS 10 AS 'SELECT a';
CREATE FUNCTION m.atomic(a int) RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT a + 1; END;
CREATE FUNCTION m.plus(a int, b int) RETURNS int IMMUTABLE STRICT LANGUAGE sql AS 'SELECT a + b';
CREATE PROCEDURE m.p() LANGUAGE plpgsql AS 'BEGIN NULL; END';
CREATE FUNCTION m.tf() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE FUNCTION m.tf2() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
CREATE FUNCTION m.ef() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN NULL; END';
CREATE AGGREGATE m.agg(int) (SFUNC = m.plus, STYPE = int, INITCOND = '0');
CREATE OPERATOR m.@@# (LEFTARG = int, RIGHTARG = int, FUNCTION = m.plus);
CREATE FUNCTION m.to_text(m.pair) RETURNS text IMMUTABLE LANGUAGE sql AS $$ SELECT 'x' $$;
CREATE CAST (m.pair AS text) WITH FUNCTION m.to_text(m.pair);
CREATE TABLE m.parent (id int PRIMARY KEY, code text, region int, CONSTRAINT parent_code UNIQUE (code), CONSTRAINT parent_both UNIQUE (id, region));
CREATE TABLE m.other_parent (id int PRIMARY KEY);
CREATE TABLE m.base (x int);
CREATE TABLE m.t (id int PRIMARY KEY, a int, b text DEFAULT 'x', c numeric(10,2), d date, e varchar(20) COLLATE "C", parent_id int, region int,
    mood m.mood, g int GENERATED ALWAYS AS (a + 1) STORED, i int GENERATED ALWAYS AS IDENTITY, during int4range, note text,
    CONSTRAINT t_parent FOREIGN KEY (parent_id) REFERENCES m.parent ON DELETE CASCADE,
    CONSTRAINT t_region FOREIGN KEY (parent_id, region) REFERENCES m.parent (id, region) MATCH FULL DEFERRABLE,
    CONSTRAINT t_positive CHECK (a > 0), CONSTRAINT t_unique UNIQUE (b), CONSTRAINT t_during EXCLUDE USING gist (during WITH &&));
CREATE INDEX t_a ON m.t (a);
CREATE UNIQUE INDEX t_b_unique ON m.t (b text_pattern_ops) WHERE a > 0;
CREATE INDEX t_lower ON m.t (lower(note), c DESC) INCLUDE (d);
CREATE STATISTICS m.st (ndistinct) ON a, c FROM m.t;
CREATE TABLE m.plain (x int, y int);
CREATE TABLE m.heir (z int) INHERITS (m.base);
CREATE TABLE m.parted (k int, at date) PARTITION BY RANGE (at);
CREATE TABLE m.parted1 PARTITION OF m.parted FOR VALUES FROM ('2020-01-01') TO ('2021-01-01');
CREATE VIEW m.v AS SELECT id, a FROM m.t WHERE a > 5;
CREATE MATERIALIZED VIEW m.mv AS SELECT x FROM m.plain;
CREATE TRIGGER tr BEFORE INSERT ON m.t FOR EACH ROW EXECUTE FUNCTION m.tf();
CREATE TRIGGER tr_when BEFORE UPDATE OF a, b ON m.t FOR EACH ROW WHEN (OLD.a IS DISTINCT FROM NEW.a) EXECUTE FUNCTION m.tf('x');
CREATE RULE r AS ON INSERT TO m.plain WHERE new.x = 1 DO ALSO DELETE FROM m.base;
CREATE POLICY pol ON m.t FOR SELECT TO other USING (a > 1);
CREATE POLICY ins ON m.t FOR INSERT WITH CHECK (a > 1);
CREATE EVENT TRIGGER ev ON ddl_command_start WHEN TAG IN ('COMMENT') EXECUTE FUNCTION m.ef();
CREATE PUBLICATION pub FOR TABLE m.t;
CREATE FOREIGN DATA WRAPPER fdw;
CREATE SERVER srv FOREIGN DATA WRAPPER fdw OPTIONS (host 'a');
CREATE FOREIGN TABLE m.ft (x int OPTIONS (n 'x')) SERVER srv OPTIONS (t 'a');
ALTER DEFAULT PRIVILEGES IN SCHEMA m GRANT SELECT ON TABLES TO other;
CREATE TEXT SEARCH CONFIGURATION m.cfg (COPY = simple);
CREATE TEXT SEARCH DICTIONARY m.dict (TEMPLATE = simple);
SELECT sg_snapshot_take('base');
SQL

my @mutations = map { [ split / ;; ?/, $_, -1 ] } grep { /\S/ && !/^#/ } split /\n/, <<'EOM';
# schemas
CREATE SCHEMA extra_schema ;; schema ;; extra_schema ;; extra ;;
DROP SCHEMA m2 ;; schema ;; m2 ;; missing ;;
ALTER SCHEMA m2 OWNER TO other ;; schema ;; m2 ;; changed ;; owner
GRANT USAGE ON SCHEMA m2 TO other ;; schema ;; m2 ;; changed ;; acl
COMMENT ON SCHEMA m2 IS 'x' ;; schema ;; m2 ;; changed ;; comment
# tables
CREATE TABLE m.added (x int PRIMARY KEY, y text UNIQUE) ;; table ;; m.added ;; extra ;;
DROP TABLE m.heir ;; table ;; m.heir ;; missing ;;
ALTER TABLE m.plain OWNER TO other ;; table ;; m.plain ;; changed ;; owner
ALTER TABLE m.base SET UNLOGGED ;; table ;; m.base ;; changed ;; persistence
ALTER TABLE m.plain SET (fillfactor = 50) ;; table ;; m.plain ;; changed ;; options
ALTER TABLE m.parent SET (toast.autovacuum_enabled = off) ;; table ;; m.parent ;; changed ;; toast_options
ALTER TABLE m.plain ENABLE ROW LEVEL SECURITY ;; table ;; m.plain ;; changed ;; row_security
ALTER TABLE m.plain FORCE ROW LEVEL SECURITY ;; table ;; m.plain ;; changed ;; force_row_security
ALTER TABLE m.plain REPLICA IDENTITY FULL ;; table ;; m.plain ;; changed ;; replica_identity
ALTER TABLE m.plain REPLICA IDENTITY NOTHING ;; table ;; m.plain ;; changed ;; replica_identity
GRANT SELECT ON m.plain TO other ;; table ;; m.plain ;; changed ;; acl
GRANT SELECT ON m.plain TO PUBLIC ;; table ;; m.plain ;; changed ;; acl
GRANT UPDATE ON m.plain TO other WITH GRANT OPTION ;; table ;; m.plain ;; changed ;; acl
REVOKE DELETE ON m.plain FROM CURRENT_USER ;; table ;; m.plain ;; changed ;; acl
COMMENT ON TABLE m.plain IS 'x' ;; table ;; m.plain ;; changed ;; comment
ALTER TABLE m.parent RENAME TO renamed_parent ;; table ;; m.parent ;; renamed ;; name
ALTER TABLE m.t RENAME TO renamed_t ;; table ;; m.t ;; renamed ;; name
ALTER TABLE m.t SET SCHEMA m2 ;; table ;; m.t ;; renamed ;; name
ALTER FOREIGN TABLE m.ft OPTIONS (SET t 'b') ;; table ;; m.ft ;; changed ;; server_options
DROP FOREIGN TABLE m.ft ;; table ;; m.ft ;; missing ;;
# columns
ALTER TABLE m.plain ADD z int ;; column ;; m.plain.z ;; extra ;;
ALTER TABLE m.plain DROP y ;; column ;; m.plain.y ;; missing ;;
ALTER TABLE m.plain RENAME y TO y2 ;; column ;; m.plain.y ;; renamed ;; name
ALTER TABLE m.t RENAME note TO remark ;; column ;; m.t.note ;; renamed ;; name
ALTER TABLE m.t RENAME parent_id TO mother ;; column ;; m.t.parent_id ;; renamed ;; name
ALTER TABLE m.t RENAME d TO "We""ird;" ;; column ;; m.t.d ;; renamed ;; name
ALTER TABLE m.t ALTER c TYPE numeric(12,2) ;; column ;; m.t.c ;; changed ;; type
ALTER TABLE m.t ALTER d TYPE timestamp ;; column ;; m.t.d ;; changed ;; type
ALTER TABLE m.t ALTER e TYPE varchar(30) COLLATE "C" ;; column ;; m.t.e ;; changed ;; type
ALTER TABLE m.t ALTER e TYPE varchar(20) COLLATE "POSIX" ;; column ;; m.t.e ;; changed ;; collation
ALTER TABLE m.t ALTER note SET NOT NULL ;; column ;; m.t.note ;; changed ;; not_null
ALTER TABLE m.t ALTER b SET DEFAULT 'y' ;; column ;; m.t.b ;; changed ;; default
ALTER TABLE m.t ALTER b DROP DEFAULT ;; column ;; m.t.b ;; changed ;; default
ALTER TABLE m.t ALTER d SET DEFAULT now() ;; column ;; m.t.d ;; changed ;; default
ALTER TABLE m.t ALTER i SET GENERATED BY DEFAULT ;; column ;; m.t.i ;; changed ;; identity
ALTER TABLE m.t ALTER i SET INCREMENT 5 ;; column ;; m.t.i ;; changed ;; identity_sequence
ALTER TABLE m.t ALTER i SET CYCLE ;; column ;; m.t.i ;; changed ;; identity_sequence
ALTER TABLE m.t ALTER note SET STORAGE EXTERNAL ;; column ;; m.t.note ;; changed ;; storage
ALTER TABLE m.t ALTER note SET COMPRESSION pglz ;; column ;; m.t.note ;; changed ;; compression
ALTER TABLE m.t ALTER note SET STATISTICS 500 ;; column ;; m.t.note ;; changed ;; statistics
ALTER TABLE m.t ALTER note SET (n_distinct = 5) ;; column ;; m.t.note ;; changed ;; options
GRANT SELECT (note) ON m.t TO other ;; column ;; m.t.note ;; changed ;; acl
GRANT UPDATE (note) ON m.t TO third WITH GRANT OPTION ;; column ;; m.t.note ;; changed ;; acl
COMMENT ON COLUMN m.t.note IS 'x' ;; column ;; m.t.note ;; changed ;; comment
ALTER FOREIGN TABLE m.ft ALTER x OPTIONS (SET n 'y') ;; column ;; m.ft.x ;; changed ;; server_options
ALTER TABLE m.heir ALTER x SET DEFAULT 7 ;; column ;; m.heir.x ;; changed ;; default
# constraints
ALTER TABLE m.t DROP CONSTRAINT t_positive ;; constraint ;; m.t.t_positive ;; missing ;;
ALTER TABLE m.t ADD CONSTRAINT more CHECK (c > 0) ;; constraint ;; m.t.more ;; extra ;;
ALTER TABLE m.t RENAME CONSTRAINT t_positive TO positive ;; constraint ;; m.t.t_positive ;; renamed ;; name
ALTER TABLE m.t RENAME CONSTRAINT t_parent TO parent ;; constraint ;; m.t.t_parent ;; renamed ;; name
ALTER TABLE m.t DROP CONSTRAINT t_positive, ADD CONSTRAINT t_positive CHECK (a > 1) ;; constraint ;; m.t.t_positive ;; changed ;; expression
ALTER TABLE m.t DROP CONSTRAINT t_positive, ADD CONSTRAINT t_positive CHECK (a > 0) NOT VALID ;; constraint ;; m.t.t_positive ;; changed ;; validated
ALTER TABLE m.t DROP CONSTRAINT t_positive, ADD CONSTRAINT t_positive CHECK (a > 0) NO INHERIT ;; constraint ;; m.t.t_positive ;; changed ;; no_inherit
ALTER TABLE m.t DROP CONSTRAINT t_parent, ADD CONSTRAINT t_parent FOREIGN KEY (parent_id) REFERENCES m.parent ON DELETE SET NULL ;; constraint ;; m.t.t_parent ;; changed ;; on_delete
ALTER TABLE m.t DROP CONSTRAINT t_parent, ADD CONSTRAINT t_parent FOREIGN KEY (parent_id) REFERENCES m.parent ON DELETE CASCADE ON UPDATE CASCADE ;; constraint ;; m.t.t_parent ;; changed ;; on_update
ALTER TABLE m.t DROP CONSTRAINT t_parent, ADD CONSTRAINT t_parent FOREIGN KEY (parent_id) REFERENCES m.parent MATCH FULL ON DELETE CASCADE ;; constraint ;; m.t.t_parent ;; changed ;; match
ALTER TABLE m.t DROP CONSTRAINT t_parent, ADD CONSTRAINT t_parent FOREIGN KEY (parent_id) REFERENCES m.parent ON DELETE CASCADE NOT VALID ;; constraint ;; m.t.t_parent ;; changed ;; validated
ALTER TABLE m.t DROP CONSTRAINT t_parent, ADD CONSTRAINT t_parent FOREIGN KEY (parent_id) REFERENCES m.other_parent ON DELETE CASCADE ;; constraint ;; m.t.t_parent ;; changed ;; references
ALTER TABLE m.t DROP CONSTRAINT t_parent, ADD CONSTRAINT t_parent FOREIGN KEY (region) REFERENCES m.parent ON DELETE CASCADE ;; constraint ;; m.t.t_parent ;; changed ;; columns
ALTER TABLE m.t ALTER CONSTRAINT t_parent DEFERRABLE ;; constraint ;; m.t.t_parent ;; changed ;; deferrable
ALTER TABLE m.t ALTER CONSTRAINT t_region DEFERRABLE INITIALLY DEFERRED ;; constraint ;; m.t.t_region ;; changed ;; deferred
18: ALTER TABLE m.t ALTER CONSTRAINT t_parent NOT ENFORCED ;; 2 rows
ALTER TABLE m.t DROP CONSTRAINT t_unique, ADD CONSTRAINT t_unique UNIQUE (b) INCLUDE (a) ;; constraint ;; m.t.t_unique ;; changed ;; include
ALTER TABLE m.t DROP CONSTRAINT t_unique, ADD CONSTRAINT t_unique UNIQUE NULLS NOT DISTINCT (b) ;; constraint ;; m.t.t_unique ;; changed ;; nulls_not_distinct
ALTER TABLE m.t DROP CONSTRAINT t_unique, ADD CONSTRAINT t_unique UNIQUE (b, a) ;; constraint ;; m.t.t_unique ;; changed ;; columns
ALTER TABLE m.t DROP CONSTRAINT t_unique, ADD CONSTRAINT t_unique UNIQUE (b) WITH (fillfactor = 50) ;; constraint ;; m.t.t_unique ;; changed ;; options
ALTER TABLE m.t DROP CONSTRAINT t_unique, ADD CONSTRAINT t_unique UNIQUE (b) DEFERRABLE ;; constraint ;; m.t.t_unique ;; changed ;; deferrable
ALTER TABLE m.t CLUSTER ON t_unique ;; constraint ;; m.t.t_unique ;; changed ;; clustered
ALTER TABLE m.t DROP CONSTRAINT t_during, ADD CONSTRAINT t_during EXCLUDE USING gist (during WITH =) ;; constraint ;; m.t.t_during ;; changed ;; operators
ALTER TABLE m.t DROP CONSTRAINT t_during, ADD CONSTRAINT t_during EXCLUDE USING gist (during WITH &&) WHERE (a > 0) ;; constraint ;; m.t.t_during ;; changed ;; predicate
COMMENT ON CONSTRAINT t_positive ON m.t IS 'x' ;; constraint ;; m.t.t_positive ;; changed ;; comment
ALTER TABLE m.other_parent DROP CONSTRAINT other_parent_pkey ;; constraint ;; m.other_parent.other_parent_pkey ;; missing ;;
ALTER DOMAIN m.posint DROP CONSTRAINT positive ;; constraint ;; m.posint.positive ;; missing ;;
ALTER DOMAIN m.posint ADD CONSTRAINT small CHECK (VALUE < 100) ;; constraint ;; m.posint.small ;; extra ;;
# indexes
DROP INDEX m.t_a ;; index ;; m.t_a ;; missing ;;
CREATE INDEX t_extra ON m.t (d) ;; index ;; m.t_extra ;; extra ;;
ALTER INDEX m.t_a RENAME TO t_other ;; index ;; m.t_a ;; renamed ;; name
DROP INDEX m.t_a; CREATE INDEX t_a ON m.t USING hash (a) ;; index ;; m.t_a ;; changed ;; access_method
DROP INDEX m.t_a; CREATE UNIQUE INDEX t_a ON m.t (a) ;; index ;; m.t_a ;; changed ;; unique
DROP INDEX m.t_a; CREATE INDEX t_a ON m.t (c) ;; index ;; m.t_a ;; changed ;; columns
DROP INDEX m.t_a; CREATE INDEX t_a ON m.t (a) INCLUDE (c) ;; index ;; m.t_a ;; changed ;; include
DROP INDEX m.t_a; CREATE INDEX t_a ON m.t (a DESC) ;; index ;; m.t_a ;; changed ;; ordering
DROP INDEX m.t_a; CREATE INDEX t_a ON m.t (a NULLS FIRST) ;; index ;; m.t_a ;; changed ;; ordering
DROP INDEX m.t_a; CREATE INDEX t_a ON m.t (a) WHERE c > 1 ;; index ;; m.t_a ;; changed ;; predicate
DROP INDEX m.t_lower; CREATE INDEX t_lower ON m.t (upper(note), c DESC) INCLUDE (d) ;; index ;; m.t_lower ;; changed ;; expressions
DROP INDEX m.t_lower; CREATE INDEX t_lower ON m.t (lower(note) COLLATE "C", c DESC) INCLUDE (d) ;; index ;; m.t_lower ;; changed ;; collations
DROP INDEX m.t_b_unique; CREATE UNIQUE INDEX t_b_unique ON m.t (b) WHERE a > 0 ;; index ;; m.t_b_unique ;; changed ;; operator_classes
DROP INDEX m.t_b_unique; CREATE UNIQUE INDEX t_b_unique ON m.t (b text_pattern_ops) NULLS NOT DISTINCT WHERE a > 0 ;; index ;; m.t_b_unique ;; changed ;; nulls_not_distinct
ALTER INDEX m.t_a SET (fillfactor = 50) ;; index ;; m.t_a ;; changed ;; options
ALTER TABLE m.t CLUSTER ON t_a ;; index ;; m.t_a ;; changed ;; clustered
ALTER INDEX m.t_lower ALTER COLUMN 1 SET STATISTICS 300 ;; index ;; m.t_lower ;; changed ;; statistics
UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'm.t_a'::regclass ;; index ;; m.t_a ;; changed ;; valid
COMMENT ON INDEX m.t_a IS 'x' ;; index ;; m.t_a ;; changed ;; comment
# sequences
DROP SEQUENCE m.seq ;; sequence ;; m.seq ;; missing ;;
CREATE SEQUENCE m.seq2 ;; sequence ;; m.seq2 ;; extra ;;
ALTER SEQUENCE m.seq INCREMENT 2 ;; sequence ;; m.seq ;; changed ;; increment
ALTER SEQUENCE m.seq MINVALUE -5 ;; sequence ;; m.seq ;; changed ;; minimum
ALTER SEQUENCE m.seq MAXVALUE 500 ;; sequence ;; m.seq ;; changed ;; maximum
ALTER SEQUENCE m.seq START 5 ;; sequence ;; m.seq ;; changed ;; start
ALTER SEQUENCE m.seq CACHE 5 ;; sequence ;; m.seq ;; changed ;; cache
ALTER SEQUENCE m.seq CYCLE ;; sequence ;; m.seq ;; changed ;; cycle
ALTER SEQUENCE m.seq OWNED BY m.plain.x ;; sequence ;; m.seq ;; changed ;; owned_by
ALTER SEQUENCE m.seq OWNER TO other ;; sequence ;; m.seq ;; changed ;; owner
GRANT USAGE ON SEQUENCE m.seq TO other ;; sequence ;; m.seq ;; changed ;; acl
COMMENT ON SEQUENCE m.seq IS 'x' ;; sequence ;; m.seq ;; changed ;; comment
# views
DROP VIEW m.v ;; view ;; m.v ;; missing ;;
CREATE VIEW m.v2 AS SELECT 1 AS x ;; view ;; m.v2 ;; extra ;;
CREATE OR REPLACE VIEW m.v AS SELECT id, a FROM m.t WHERE a > 6 ;; view ;; m.v ;; changed ;; query
ALTER VIEW m.v SET (security_barrier = true) ;; view ;; m.v ;; changed ;; options
ALTER VIEW m.v ALTER a SET DEFAULT 5 ;; view ;; m.v ;; changed ;; column_defaults
ALTER VIEW m.v OWNER TO other ;; view ;; m.v ;; changed ;; owner
GRANT SELECT ON m.v TO other ;; view ;; m.v ;; changed ;; acl
GRANT SELECT (a) ON m.v TO other ;; view ;; m.v ;; changed ;; column_acl
COMMENT ON VIEW m.v IS 'x' ;; view ;; m.v ;; changed ;; comment
COMMENT ON COLUMN m.v.a IS 'x' ;; view ;; m.v ;; changed ;; column_comments
DROP MATERIALIZED VIEW m.mv ;; materialized view ;; m.mv ;; missing ;;
DROP MATERIALIZED VIEW m.mv; CREATE MATERIALIZED VIEW m.mv AS SELECT x FROM m.plain WHERE y > 0; REVOKE ALL ON m.mv FROM other ;; materialized view ;; m.mv ;; changed ;; query
REFRESH MATERIALIZED VIEW m.mv WITH NO DATA ;; materialized view ;; m.mv ;; changed ;; populated
CREATE INDEX mv_x ON m.mv (x) ;; index ;; m.mv_x ;; extra ;;
# functions
DROP FUNCTION m.f ;; function ;; m.f(integer) ;; missing ;;
CREATE FUNCTION m.f(a text) RETURNS int LANGUAGE sql AS 'SELECT 1' ;; function ;; m.f(text) ;; extra ;;
CREATE OR REPLACE FUNCTION m.f(a int) RETURNS int LANGUAGE sql AS 'SELECT a + 2' ;; function ;; m.f(integer) ;; changed ;; body
CREATE OR REPLACE FUNCTION m.f(a int DEFAULT 4) RETURNS int LANGUAGE sql AS 'SELECT a + 1' ;; function ;; m.f(integer) ;; changed ;; arguments
DROP FUNCTION m.f; CREATE FUNCTION m.f(a int) RETURNS bigint LANGUAGE sql AS 'SELECT a + 1' ;; function ;; m.f(integer) ;; changed ;; returns
CREATE OR REPLACE FUNCTION m.f(a int) RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN a; END' ;; 2 rows
CREATE OR REPLACE FUNCTION m.atomic(a int) RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT a + 2; END ;; function ;; m.atomic(integer) ;; changed ;; sql_body
ALTER FUNCTION m.f STABLE ;; function ;; m.f(integer) ;; changed ;; volatility
ALTER FUNCTION m.f STRICT ;; function ;; m.f(integer) ;; changed ;; strict
ALTER FUNCTION m.f SECURITY DEFINER ;; function ;; m.f(integer) ;; changed ;; security_definer
ALTER FUNCTION m.f LEAKPROOF ;; function ;; m.f(integer) ;; changed ;; leakproof
ALTER FUNCTION m.f PARALLEL SAFE ;; function ;; m.f(integer) ;; changed ;; parallel
ALTER FUNCTION m.f COST 5 ;; function ;; m.f(integer) ;; changed ;; cost
ALTER FUNCTION m.g ROWS 5 ;; function ;; m.g(integer) ;; changed ;; rows
ALTER FUNCTION m.f SET work_mem = '1MB' ;; function ;; m.f(integer) ;; changed ;; configuration
ALTER FUNCTION m.f OWNER TO other ;; function ;; m.f(integer) ;; changed ;; owner
REVOKE EXECUTE ON FUNCTION m.f FROM PUBLIC ;; function ;; m.f(integer) ;; changed ;; acl
COMMENT ON FUNCTION m.f IS 'x' ;; function ;; m.f(integer) ;; changed ;; comment
CREATE OR REPLACE PROCEDURE m.p() LANGUAGE plpgsql AS 'BEGIN NULL; NULL; END' ;; procedure ;; m.p() ;; changed ;; body
DROP PROCEDURE m.p ;; procedure ;; m.p() ;; missing ;;
CREATE OR REPLACE AGGREGATE m.agg(int) (SFUNC = m.plus, STYPE = int, INITCOND = '1') ;; aggregate ;; m.agg(integer) ;; changed ;; initial_value
DROP AGGREGATE m.agg(int) ;; aggregate ;; m.agg(integer) ;; missing ;;
# triggers, rules, policies
DROP TRIGGER tr ON m.t ;; trigger ;; m.t.tr ;; missing ;;
CREATE TRIGGER tr2 AFTER INSERT ON m.t FOR EACH ROW EXECUTE FUNCTION m.tf() ;; trigger ;; m.t.tr2 ;; extra ;;
CREATE OR REPLACE TRIGGER tr BEFORE INSERT ON m.t FOR EACH ROW EXECUTE FUNCTION m.tf2() ;; trigger ;; m.t.tr ;; changed ;; function
CREATE OR REPLACE TRIGGER tr AFTER INSERT ON m.t FOR EACH ROW EXECUTE FUNCTION m.tf() ;; trigger ;; m.t.tr ;; changed ;; timing
CREATE OR REPLACE TRIGGER tr BEFORE INSERT OR DELETE ON m.t FOR EACH ROW EXECUTE FUNCTION m.tf() ;; trigger ;; m.t.tr ;; changed ;; events
CREATE OR REPLACE TRIGGER tr BEFORE INSERT ON m.t EXECUTE FUNCTION m.tf() ;; trigger ;; m.t.tr ;; changed ;; level
CREATE OR REPLACE TRIGGER tr_when BEFORE UPDATE OF a ON m.t FOR EACH ROW WHEN (OLD.a IS DISTINCT FROM NEW.a) EXECUTE FUNCTION m.tf('x') ;; trigger ;; m.t.tr_when ;; changed ;; update_of
CREATE OR REPLACE TRIGGER tr_when BEFORE UPDATE OF a, b ON m.t FOR EACH ROW WHEN (NEW.a IS DISTINCT FROM OLD.a) EXECUTE FUNCTION m.tf('x') ;; trigger ;; m.t.tr_when ;; changed ;; when
CREATE OR REPLACE TRIGGER tr_when BEFORE UPDATE OF a, b ON m.t FOR EACH ROW WHEN (OLD.a IS DISTINCT FROM NEW.a) EXECUTE FUNCTION m.tf('y') ;; trigger ;; m.t.tr_when ;; changed ;; arguments
ALTER TABLE m.t DISABLE TRIGGER tr ;; trigger ;; m.t.tr ;; changed ;; enabled
ALTER TABLE m.t ENABLE REPLICA TRIGGER tr ;; trigger ;; m.t.tr ;; changed ;; enabled
COMMENT ON TRIGGER tr ON m.t IS 'x' ;; trigger ;; m.t.tr ;; changed ;; comment
DROP RULE r ON m.plain ;; rule ;; m.plain.r ;; missing ;;
CREATE OR REPLACE RULE r AS ON INSERT TO m.plain WHERE new.x = 2 DO ALSO DELETE FROM m.base ;; rule ;; m.plain.r ;; changed ;; definition
ALTER TABLE m.plain DISABLE RULE r ;; rule ;; m.plain.r ;; changed ;; enabled
DROP POLICY pol ON m.t ;; policy ;; m.t.pol ;; missing ;;
ALTER POLICY pol ON m.t USING (a > 2) ;; policy ;; m.t.pol ;; changed ;; using
ALTER POLICY ins ON m.t WITH CHECK (a > 2) ;; policy ;; m.t.ins ;; changed ;; check
ALTER POLICY pol ON m.t TO third ;; policy ;; m.t.pol ;; changed ;; roles
DROP POLICY pol ON m.t; CREATE POLICY pol ON m.t FOR DELETE TO other USING (a > 1) ;; policy ;; m.t.pol ;; changed ;; command
DROP POLICY pol ON m.t; CREATE POLICY pol ON m.t AS RESTRICTIVE FOR SELECT TO other USING (a > 1) ;; policy ;; m.t.pol ;; changed ;; permissive
DROP EVENT TRIGGER ev ;; event trigger ;; ev ;; missing ;;
ALTER EVENT TRIGGER ev DISABLE ;; event trigger ;; ev ;; changed ;; enabled
# types
DROP TYPE m.span ;; type ;; m.span ;; missing ;;
CREATE TYPE m.colour AS ENUM ('red') ;; type ;; m.colour ;; extra ;;
ALTER TYPE m.mood RENAME TO feeling ;; type ;; m.mood ;; renamed ;; name
ALTER TYPE m.mood ADD VALUE 'bad' ;; type ;; m.mood ;; changed ;; labels
ALTER TYPE m.mood RENAME VALUE 'sad' TO 'blue' ;; type ;; m.mood ;; changed ;; labels
ALTER TYPE m.pair ADD ATTRIBUTE c int ;; type ;; m.pair ;; changed ;; attributes
ALTER TYPE m.pair ALTER ATTRIBUTE a TYPE bigint ;; type ;; m.pair ;; changed ;; attributes
ALTER TYPE m.mood OWNER TO other ;; type ;; m.mood ;; changed ;; owner
REVOKE USAGE ON TYPE m.mood FROM PUBLIC ;; type ;; m.mood ;; changed ;; acl
COMMENT ON TYPE m.mood IS 'x' ;; type ;; m.mood ;; changed ;; comment
DROP DOMAIN m.posint ;; domain ;; m.posint ;; missing ;;
ALTER DOMAIN m.posint SET DEFAULT 2 ;; domain ;; m.posint ;; changed ;; default
ALTER DOMAIN m.posint SET NOT NULL ;; domain ;; m.posint ;; changed ;; not_null
DROP COLLATION m.coll ;; collation ;; m.coll* ;; missing ;;
DROP COLLATION m.coll; CREATE COLLATION m.coll (provider = libc, locale = 'POSIX') ;; 2 rows
ALTER OPERATOR m.@@# (int, int) OWNER TO other ;; operator ;; m.@@#(integer, integer) ;; changed ;; owner
DROP OPERATOR m.@@# (int, int) ;; operator ;; m.@@#(integer, integer) ;; missing ;;
DROP CAST (m.pair AS text) ;; cast ;; (m.pair AS text) ;; missing ;;
DROP CAST (m.pair AS text); CREATE CAST (m.pair AS text) WITH FUNCTION m.to_text(m.pair) AS ASSIGNMENT ;; cast ;; (m.pair AS text) ;; changed ;; context
# the rest
ALTER DEFAULT PRIVILEGES IN SCHEMA m GRANT INSERT ON TABLES TO other ;; default privilege ;; * ;; changed ;; acl
ALTER DEFAULT PRIVILEGES IN SCHEMA m GRANT USAGE ON SEQUENCES TO other ;; default privilege ;; * ;; extra ;;
DROP PUBLICATION pub ;; publication ;; pub ;; missing ;;
ALTER PUBLICATION pub SET (publish = 'insert') ;; publication ;; pub ;; changed ;; publish
ALTER PUBLICATION pub ADD TABLE m.parent ;; publication ;; pub ;; changed ;; tables
ALTER PUBLICATION pub SET TABLE m.t WHERE (id > 5) ;; publication ;; pub ;; changed ;; table_filters
CREATE SUBSCRIPTION sub CONNECTION 'dbname=none' PUBLICATION pub WITH (connect = false, slot_name = NONE, enabled = false) ;; subscription ;; sub ;; extra ;;
DROP STATISTICS m.st ;; statistics ;; m.st ;; missing ;;
ALTER STATISTICS m.st SET STATISTICS 500 ;; statistics ;; m.st ;; changed ;; target
DROP STATISTICS m.st; CREATE STATISTICS m.st (dependencies) ON a, c FROM m.t ;; statistics ;; m.st ;; changed ;; kinds
DROP STATISTICS m.st; CREATE STATISTICS m.st (ndistinct) ON a, d FROM m.t ;; statistics ;; m.st ;; changed ;; columns
ALTER SERVER srv OPTIONS (SET host 'b') ;; foreign server ;; srv ;; changed ;; options
ALTER SERVER srv VERSION '2' ;; foreign server ;; srv ;; changed ;; version
CREATE SERVER srv2 FOREIGN DATA WRAPPER fdw ;; foreign server ;; srv2 ;; extra ;;
ALTER FOREIGN DATA WRAPPER fdw OPTIONS (ADD x 'y') ;; foreign data wrapper ;; fdw ;; changed ;; options
ALTER TEXT SEARCH CONFIGURATION m.cfg DROP MAPPING FOR word ;; text search configuration ;; m.cfg ;; changed ;; mappings
ALTER TEXT SEARCH DICTIONARY m.dict (accept = false) ;; text search dictionary ;; m.dict ;; changed ;; options
CREATE EXTENSION tablefunc ;; extension ;; tablefunc ;; extra ;;
# partitioning and inheritance
ALTER TABLE m.heir NO INHERIT m.base ;; 2 rows
ALTER TABLE m.parted DETACH PARTITION m.parted1; ALTER TABLE m.parted ATTACH PARTITION m.parted1 FOR VALUES FROM ('2020-01-01') TO ('2022-01-01') ;; table ;; m.parted1 ;; changed ;; partition_bound
EOM

@mutations = grep { !($_->[0] =~ s/^(\d+): // && $1 > $major) } @mutations;
@mutations = grep { $_->[0] !~ /^CREATE EXTENSION (\w+)/ || has_extension($node, $1) } @mutations;
cmp_ok(scalar @mutations, '>=', 150, 'at least 150 mutations');

# One session for all: a marker before each, the rows after it
my $script = '';
foreach my $i (0 .. $#mutations)
{
	$script .= "\\echo === $i\n\\warn === $i\nBEGIN;\n$mutations[$i][0];\n"
	  . "SELECT kind, object, change, coalesce(property, ''), class FROM sg_drift('base') ORDER BY 1, 2, 4;\nROLLBACK;\n";
}
my ($out, $err);
$node->psql('postgres', $script, stdout => \$out, stderr => \$err, on_error_stop => 0, extra_params => [ '-q', '-F', ' ;; ' ]);

my (%rows, %errors);
$rows{$1} = $2 while $out =~ /^=== (\d+)\n(.*?)(?=^===|\z)/msg;
$errors{$1} = $2 while $err =~ /^=== (\d+)\n(.*?)(?=^===|\z)/msg;
foreach my $i (0 .. $#mutations)
{
	my ($sql, $kind, $object, $change, $property) = @{ $mutations[$i] };
	my @found = split /\n/, $rows{$i} // '';
	my $ok;

	if ($kind =~ /^(\d+) rows$/) { $ok = @found == $1 }
	else
	{
		my $class = $change eq 'extra' ? 'extra' : 'drift';
		my $expected = join ' ;; ', $kind, $object, $change, $property, $class;
		my $pattern = quotemeta($expected) =~ s/\\\*/.*/r;
		$ok = @found == 1 && $found[0] =~ /^$pattern$/;
	}
	ok($ok, $sql) or diag(join "\n", "found:", @found, $errors{$i} // '');
}

# What is altered back is no drift
is($node->safe_psql('postgres', "SELECT count(*) FROM sg_drift('base', cosmetic => true)"), '0', 'nothing is left of all that');

done_testing();
