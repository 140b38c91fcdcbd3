# SgDrift.pm: a schema with one of everything and each of its properties altered, for the tests that compare databases.
#
#   $node->safe_psql('postgres', roles() . everything());       # roles belong to the server, the rest to a database
#   more($node)             what everything() lacks; wants the tablespace sp
#   mutations($node)        [ statements, kind, object, change, property ] each, as sg_drift tells it
#
# A line of these is: statement ;; kind ;; object ;; change ;; property. Several properties have commas between them. What
# the server may lack has a major, or icu, in front of it.
package SgDrift;
use strict;
use warnings;
use Exporter 'import';
use SgTest;

our @EXPORT = qw(roles everything more mutations);

sub roles { return "CREATE ROLE other; CREATE ROLE third;\n"; }

sub everything
{
	return <<'SQL';
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
SQL
}

# The lines that this server can
sub possible
{
	my ($node, @lines) = @_;
	my $major = major($node);
	my $icu = $node->safe_psql('postgres', "SELECT count(*) FROM pg_collation WHERE collprovider = 'i'");
	return grep { !s/^(\d+|icu): // || ($1 eq 'icu' ? $icu > 0 : $1 <= $major) } @lines;
}

# One of each thing that has a property of its own
sub more
{
	my ($node) = @_;
	return join "\n", possible($node, split /\n/, <<'SQL');
CREATE ACCESS METHOD heap2 TYPE TABLE HANDLER heap_tableam_handler;
CREATE TYPE m.row_type AS (a int);
CREATE TABLE m.typed OF m.row_type;
CREATE TABLE m.hashed (k int) PARTITION BY HASH (k);
CREATE SERVER srv_b FOREIGN DATA WRAPPER fdw;
CREATE TABLE m.nulled (id int PRIMARY KEY, a int, b int, CONSTRAINT nulled_key FOREIGN KEY (a, b) REFERENCES m.parent (id, region) ON DELETE SET NULL (a));
CREATE INDEX t_words ON m.t USING gist (to_tsvector('english', note) tsvector_ops (siglen = 100));
CREATE UNIQUE INDEX other_parent_id ON m.other_parent (id);
CREATE CONSTRAINT TRIGGER ct AFTER INSERT ON m.t FROM m.parent DEFERRABLE FOR EACH ROW EXECUTE FUNCTION m.tf();
CREATE TRIGGER trans AFTER UPDATE ON m.plain REFERENCING OLD TABLE AS o NEW TABLE AS n FOR EACH STATEMENT EXECUTE FUNCTION m.tf();
CREATE STATISTICS m.st_expr ON (a + 1), c FROM m.t;
CREATE FUNCTION m.w() RETURNS bigint LANGUAGE internal WINDOW AS 'window_row_number';
CREATE FUNCTION m.c() RETURNS language_handler LANGUAGE c AS '$libdir/plpgsql', 'plpgsql_call_handler';
CREATE TRANSFORM FOR int LANGUAGE sql (FROM SQL WITH FUNCTION prsd_lextype(internal), TO SQL WITH FUNCTION int4recv(internal));
CREATE TRANSFORM FOR money LANGUAGE sql (FROM SQL WITH FUNCTION prsd_lextype(internal));
CREATE AGGREGATE m.agg2(numeric) (SFUNC = numeric_avg_accum, STYPE = internal, FINALFUNC = numeric_avg, COMBINEFUNC = numeric_avg_combine,
    SERIALFUNC = numeric_avg_serialize, DESERIALFUNC = numeric_avg_deserialize);
CREATE TYPE m.bt;
CREATE FUNCTION m.bt_in(cstring) RETURNS m.bt LANGUAGE internal IMMUTABLE STRICT AS 'textin';
CREATE FUNCTION m.bt_out(m.bt) RETURNS cstring LANGUAGE internal IMMUTABLE STRICT AS 'textout';
CREATE TYPE m.bt (INPUT = m.bt_in, OUTPUT = m.bt_out, INTERNALLENGTH = variable, ALIGNMENT = int4, STORAGE = extended, CATEGORY = 'x');
CREATE TYPE m.words AS RANGE (subtype = text, collation = "C");
CREATE FUNCTION m.minus(int, int) RETURNS float8 IMMUTABLE LANGUAGE sql AS 'SELECT ($1 - $2)::float8';
CREATE OPERATOR m.!== (LEFTARG = int, RIGHTARG = int, FUNCTION = int4ne);
CREATE OPERATOR m.=== (LEFTARG = int, RIGHTARG = int, FUNCTION = int4eq);
CREATE OPERATOR FAMILY m.fam USING btree;
CREATE OPERATOR CLASS m.oc FOR TYPE int USING btree FAMILY m.fam AS OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 =, OPERATOR 4 >=, OPERATOR 5 >,
    FUNCTION 1 btint4cmp(int, int);
CREATE TRUSTED LANGUAGE lang HANDLER plpgsql_call_handler;
SET client_min_messages = error;
CREATE SUBSCRIPTION subscribed CONNECTION 'dbname=none' PUBLICATION pub WITH (connect = false, slot_name = NONE, enabled = false, streaming = off);
RESET client_min_messages;
CREATE TABLE m.excl (id int, name text, CONSTRAINT excl_name EXCLUDE (name WITH =), CONSTRAINT excl_upper EXCLUDE (upper(name) WITH =));
CREATE TABLE m.base2 (z int CONSTRAINT base2_z CHECK (z > 0));
CREATE TABLE m.heir2 (w int) INHERITS (m.base2);
CREATE TABLE m.base3 (z int);
CREATE TABLE m.parted_b (k int, at date) PARTITION BY RANGE (at);
CREATE TABLE m.parted_b1 PARTITION OF m.parted_b FOR VALUES FROM ('2022-01-01') TO ('2023-01-01');
CREATE INDEX parted_b_k ON ONLY m.parted_b (k);
CREATE INDEX parted_b1_k ON m.parted_b1 (k);
CREATE TABLE m.notes (note text);
CREATE MATERIALIZED VIEW m.mv2 AS SELECT note FROM m.notes;
CREATE FUNCTION m.h(a int, OUT b int) IMMUTABLE LANGUAGE sql AS 'SELECT $1';
CREATE FUNCTION m.va(VARIADIC a int[]) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 1';
CREATE FUNCTION m.plus2(int, int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1 + $2';
CREATE FUNCTION m.plus3(int, int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1 + $2';
CREATE FUNCTION m.minus2(int, int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1 - $2';
CREATE FUNCTION m.minus3(int, int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT $1 - $2';
CREATE FUNCTION m.ef2() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN NULL; END';
CREATE FUNCTION m.to_text2(m.pair) RETURNS text IMMUTABLE LANGUAGE sql AS $$ SELECT 'y' $$;
CREATE AGGREGATE m.agg4(int) (SFUNC = m.plus2, STYPE = int, FINALFUNC = m.h, MSFUNC = m.plus2, MINVFUNC = m.minus2, MSTYPE = int, MFINALFUNC = m.h, MINITCOND = '0');
CREATE AGGREGATE m.agg5(int) (SFUNC = int4pl, STYPE = int, INITCOND = '0');
CREATE AGGREGATE m.os(float8 ORDER BY anyelement) (SFUNC = ordered_set_transition, STYPE = internal, FINALFUNC = percentile_disc_final, FINALFUNC_EXTRA);
CREATE TYPE m.size AS ENUM ('s', 'm', 'l');
CREATE DOMAIN m.word AS text COLLATE "C";
CREATE OPERATOR FAMILY m.fam0 USING btree;
CREATE OPERATOR FAMILY m.near USING gist;
ALTER OPERATOR FAMILY m.near USING gist ADD OPERATOR 15 <-> (point, point) FOR ORDER BY float_ops;
CREATE CONVERSION m.conv FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8;
CREATE TEXT SEARCH PARSER m.prs (START = prsd_start, GETTOKEN = prsd_nexttoken, END = prsd_end, LEXTYPES = prsd_lextype, HEADLINE = prsd_headline);
CREATE TEXT SEARCH TEMPLATE m.tmpl (INIT = dsimple_init, LEXIZE = dsimple_lexize);
CREATE FOREIGN DATA WRAPPER fdw_b;
ALTER SERVER srv_b OPTIONS (password 'a');
CREATE USER MAPPING FOR other SERVER srv;
icu: CREATE COLLATION m.icu (provider = icu, locale = 'en');
18: CREATE TABLE m.strict (a int CONSTRAINT a_nn NOT NULL, b int);
18: CREATE TABLE m.booking (id int4range, at tsrange, CONSTRAINT booking_pkey PRIMARY KEY (id, at WITHOUT OVERLAPS));
18: CREATE TABLE m.stay (booking int4range, at tsrange, CONSTRAINT stay_key FOREIGN KEY (booking, PERIOD at) REFERENCES m.booking (id, PERIOD at));
18: CREATE TABLE m.room (id int4range, at tsrange, CONSTRAINT room_unique UNIQUE (id, at WITHOUT OVERLAPS));
SQL
}

sub mutations
{
	my ($node) = @_;
	return map { [ split / ;; ?/, $_, -1 ] } possible($node, grep { /\S/ && !/^#/ } split /\n/, <<'EOM');
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
18: ALTER TABLE m.t ALTER CONSTRAINT t_parent NOT ENFORCED ;; constraint ;; m.t.t_parent ;; changed ;; enforced,validated
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
CREATE OR REPLACE FUNCTION m.f(a int) RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN a; END' ;; function ;; m.f(integer) ;; changed ;; language,body
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
DROP COLLATION m.coll; CREATE COLLATION m.coll (provider = libc, locale = 'POSIX') ;; collation ;; m.coll* ;; changed ;; lc_collate,lc_ctype
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
# what is left of tables and columns
ALTER TABLE m.plain SET TABLESPACE sp ;; table ;; m.plain ;; changed ;; tablespace
ALTER TABLE m.base SET ACCESS METHOD heap2 ;; table ;; m.base ;; changed ;; access_method
ALTER TABLE m.typed NOT OF ;; table ;; m.typed ;; changed ;; of_type
DROP TABLE m.hashed; CREATE TABLE m.hashed (k int) PARTITION BY LIST (k) ;; table ;; m.hashed ;; changed ;; partition_key
UPDATE pg_inherits SET inhdetachpending = true WHERE inhrelid = 'm.parted1'::regclass ;; table ;; m.parted1 ;; changed ;; partition_detached
UPDATE pg_foreign_table SET ftserver = (SELECT oid FROM pg_foreign_server WHERE srvname = 'srv_b') WHERE ftrelid = 'm.ft'::regclass ;; table ;; m.ft ;; changed ;; server
ALTER TABLE m.t DROP g; ALTER TABLE m.t ADD g int GENERATED ALWAYS AS (a + 2) STORED ;; column ;; m.t.g ;; changed ;; generated
18: ALTER TABLE m.t DROP g; ALTER TABLE m.t ADD g int GENERATED ALWAYS AS (a + 1) VIRTUAL ;; column ;; m.t.g ;; changed ;; generated_kind
# ... of constraints and indexes
ALTER TABLE m.nulled DROP CONSTRAINT nulled_key, ADD CONSTRAINT nulled_key FOREIGN KEY (a, b) REFERENCES m.parent (id, region) ON DELETE SET NULL (b) ;; constraint ;; m.nulled.nulled_key ;; changed ;; on_delete_columns
ALTER TABLE m.nulled DROP CONSTRAINT nulled_key, ADD CONSTRAINT nulled_key FOREIGN KEY (a, b) REFERENCES m.parent (region, id) ON DELETE SET NULL (a) ;; constraint ;; m.nulled.nulled_key ;; changed ;; referenced_columns
ALTER TABLE m.t DROP CONSTRAINT t_during, ADD CONSTRAINT t_during EXCLUDE USING spgist (during WITH &&) ;; constraint ;; m.t.t_during ;; changed ;; access_method
ALTER TABLE m.t DROP CONSTRAINT t_unique, ADD CONSTRAINT t_unique UNIQUE (b) USING INDEX TABLESPACE sp ;; constraint ;; m.t.t_unique ;; changed ;; tablespace
UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'm.t_unique'::regclass ;; constraint ;; m.t.t_unique ;; changed ;; valid
ALTER TABLE m.other_parent DROP CONSTRAINT other_parent_pkey, ADD CONSTRAINT other_parent_pkey UNIQUE (id) ;; constraint ;; m.other_parent.other_parent_pkey ;; changed ;; type
ALTER TABLE m.parent REPLICA IDENTITY USING INDEX parent_pkey ;; 2 rows
ALTER TABLE m.other_parent REPLICA IDENTITY USING INDEX other_parent_id ;; 2 rows
DROP INDEX m.t_words; CREATE INDEX t_words ON m.t USING gist (to_tsvector('english', note) tsvector_ops (siglen = 200)) ;; index ;; m.t_words ;; changed ;; operator_class_options
ALTER INDEX m.t_a SET TABLESPACE sp ;; index ;; m.t_a ;; changed ;; tablespace
# ... of views, sequences, statistics
CREATE OR REPLACE VIEW m.v AS SELECT id, a, b FROM m.t WHERE a > 5 ;; view ;; m.v ;; changed ;; query,columns
ALTER MATERIALIZED VIEW m.mv ALTER x SET STATISTICS 5 ;; materialized view ;; m.mv ;; changed ;; column_statistics
ALTER MATERIALIZED VIEW m.mv SET TABLESPACE sp ;; materialized view ;; m.mv ;; changed ;; tablespace
ALTER MATERIALIZED VIEW m.mv SET ACCESS METHOD heap2 ;; materialized view ;; m.mv ;; changed ;; access_method
ALTER MATERIALIZED VIEW m.mv SET (fillfactor = 50) ;; materialized view ;; m.mv ;; changed ;; options
ALTER MATERIALIZED VIEW m.mv OWNER TO other ;; materialized view ;; m.mv ;; changed ;; owner
GRANT UPDATE ON m.mv TO third ;; materialized view ;; m.mv ;; changed ;; acl
COMMENT ON MATERIALIZED VIEW m.mv IS 'x' ;; materialized view ;; m.mv ;; changed ;; comment
ALTER SEQUENCE m.seq AS smallint ;; sequence ;; m.seq ;; changed ;; type,maximum
ALTER SEQUENCE m.seq SET UNLOGGED ;; sequence ;; m.seq ;; changed ;; persistence
DROP STATISTICS m.st_expr; CREATE STATISTICS m.st_expr ON (a + 2), c FROM m.t ;; statistics ;; m.st_expr ;; changed ;; expressions
ALTER STATISTICS m.st OWNER TO other ;; statistics ;; m.st ;; changed ;; owner
COMMENT ON STATISTICS m.st IS 'x' ;; statistics ;; m.st ;; changed ;; comment
CREATE STATISTICS m.st2 ON a, d FROM m.t ;; statistics ;; m.st2 ;; extra ;;
# ... of triggers, rules, policies
DROP TRIGGER ct ON m.t; CREATE CONSTRAINT TRIGGER ct AFTER INSERT ON m.t FROM m.parent FOR EACH ROW EXECUTE FUNCTION m.tf() ;; trigger ;; m.t.ct ;; changed ;; deferrable
DROP TRIGGER ct ON m.t; CREATE CONSTRAINT TRIGGER ct AFTER INSERT ON m.t FROM m.parent DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION m.tf() ;; trigger ;; m.t.ct ;; changed ;; deferred
DROP TRIGGER ct ON m.t; CREATE CONSTRAINT TRIGGER ct AFTER INSERT ON m.t FROM m.base DEFERRABLE FOR EACH ROW EXECUTE FUNCTION m.tf() ;; trigger ;; m.t.ct ;; changed ;; from_table
CREATE OR REPLACE TRIGGER trans AFTER UPDATE ON m.plain REFERENCING OLD TABLE AS p NEW TABLE AS n FOR EACH STATEMENT EXECUTE FUNCTION m.tf() ;; trigger ;; m.plain.trans ;; changed ;; old_table
CREATE OR REPLACE TRIGGER trans AFTER UPDATE ON m.plain REFERENCING OLD TABLE AS o NEW TABLE AS p FOR EACH STATEMENT EXECUTE FUNCTION m.tf() ;; trigger ;; m.plain.trans ;; changed ;; new_table
CREATE RULE r2 AS ON DELETE TO m.plain DO ALSO DELETE FROM m.base ;; rule ;; m.plain.r2 ;; extra ;;
COMMENT ON RULE r ON m.plain IS 'x' ;; rule ;; m.plain.r ;; changed ;; comment
CREATE POLICY more ON m.t USING (true) ;; policy ;; m.t.more ;; extra ;;
COMMENT ON POLICY pol ON m.t IS 'x' ;; policy ;; m.t.pol ;; changed ;; comment
# ... of functions
CREATE PROCEDURE m.p2() LANGUAGE plpgsql AS 'BEGIN NULL; END' ;; procedure ;; m.p2() ;; extra ;;
ALTER PROCEDURE m.p SECURITY DEFINER ;; procedure ;; m.p() ;; changed ;; security_definer
ALTER FUNCTION m.g SUPPORT generate_series_int4_support ;; function ;; m.g(integer) ;; changed ;; support
DROP FUNCTION m.w; CREATE FUNCTION m.w() RETURNS bigint LANGUAGE internal AS 'window_row_number' ;; function ;; m.w() ;; changed ;; window
CREATE OR REPLACE FUNCTION m.c() RETURNS language_handler LANGUAGE c AS 'plpgsql', 'plpgsql_call_handler' ;; function ;; m.c() ;; changed ;; library
CREATE OR REPLACE FUNCTION m.f(a int) RETURNS int TRANSFORM FOR TYPE int LANGUAGE sql AS 'SELECT a + 1' ;; function ;; m.f(integer) ;; changed ;; transforms
CREATE OR REPLACE AGGREGATE m.agg(int) (SFUNC = int4pl, STYPE = int, INITCOND = '0') ;; aggregate ;; m.agg(integer) ;; changed ;; state_function
CREATE OR REPLACE AGGREGATE m.agg(int) (SFUNC = m.plus, STYPE = int, INITCOND = '0', COMBINEFUNC = m.plus) ;; aggregate ;; m.agg(integer) ;; changed ;; combine_function
CREATE OR REPLACE AGGREGATE m.agg(int) (SFUNC = m.plus, STYPE = int, INITCOND = '0', FINALFUNC = m.f) ;; aggregate ;; m.agg(integer) ;; changed ;; final_function
CREATE OR REPLACE AGGREGATE m.agg(int) (SFUNC = m.plus, STYPE = int, INITCOND = '0', SORTOP = <) ;; aggregate ;; m.agg(integer) ;; changed ;; sort_operator
CREATE OR REPLACE AGGREGATE m.agg(int) (SFUNC = m.plus, STYPE = int, INITCOND = '0', SSPACE = 64) ;; aggregate ;; m.agg(integer) ;; changed ;; state_size
CREATE OR REPLACE AGGREGATE m.agg(int) (SFUNC = m.plus, STYPE = int, INITCOND = '0', PARALLEL = SAFE) ;; aggregate ;; m.agg(integer) ;; changed ;; parallel
CREATE OR REPLACE AGGREGATE m.agg(int) (SFUNC = m.plus, STYPE = int, INITCOND = '0', MSFUNC = int4pl, MINVFUNC = int4mi, MSTYPE = int) ;; aggregate ;; m.agg(integer) ;; changed ;; moving_state_function,moving_inverse_function,moving_state_type
CREATE OR REPLACE AGGREGATE m.agg2(numeric) (SFUNC = numeric_avg_accum, STYPE = internal, FINALFUNC = numeric_avg, COMBINEFUNC = numeric_avg_combine) ;; aggregate ;; m.agg2(numeric) ;; changed ;; serial_function,deserial_function
CREATE AGGREGATE m.agg3(int) (SFUNC = int4pl, STYPE = int) ;; aggregate ;; m.agg3(integer) ;; extra ;;
# ... of types
COMMENT ON COLUMN m.pair.a IS 'x' ;; type ;; m.pair ;; changed ;; attribute_comments
DROP TYPE m.span; CREATE TYPE m.span AS RANGE (subtype = int8) ;; type ;; m.span ;; changed ;; subtype
DROP TYPE m.span; CREATE TYPE m.span AS RANGE (subtype = int4, multirange_type_name = m.spans) ;; type ;; m.span ;; changed ;; multirange
DROP TYPE m.span; CREATE TYPE m.span AS RANGE (subtype = int4, subtype_diff = m.minus) ;; type ;; m.span ;; changed ;; difference
DROP TYPE m.span; CREATE TYPE m.span AS RANGE (subtype = int4, subtype_opclass = m.oc) ;; type ;; m.span ;; changed ;; operator_class
DROP TYPE m.words; CREATE TYPE m.words AS RANGE (subtype = text, collation = "POSIX") ;; type ;; m.words ;; changed ;; collation
ALTER TYPE m.bt SET (STORAGE = external) ;; type ;; m.bt ;; changed ;; storage
UPDATE pg_type SET typcategory = 'y' WHERE oid = 'm.bt'::regtype ;; type ;; m.bt ;; changed ;; category
UPDATE pg_type SET typispreferred = true WHERE oid = 'm.bt'::regtype ;; type ;; m.bt ;; changed ;; preferred
UPDATE pg_type SET typdefault = 'x' WHERE oid = 'm.bt'::regtype ;; type ;; m.bt ;; changed ;; default
UPDATE pg_type SET typalign = 'd' WHERE oid = 'm.bt'::regtype ;; type ;; m.bt ;; changed ;; alignment
CREATE DOMAIN m.more AS int ;; domain ;; m.more ;; extra ;;
COMMENT ON DOMAIN m.posint IS 'x' ;; domain ;; m.posint ;; changed ;; comment
ALTER DOMAIN m.posint OWNER TO other ;; domain ;; m.posint ;; changed ;; owner
# ... of collations, operators, casts
UPDATE pg_collation SET collisdeterministic = false WHERE oid = 'm.coll'::regcollation ;; collation ;; m.coll* ;; changed ;; deterministic
ALTER COLLATION m.coll OWNER TO other ;; collation ;; m.coll* ;; changed ;; owner
COMMENT ON COLLATION m.coll IS 'x' ;; collation ;; m.coll* ;; changed ;; comment
CREATE OPERATOR m.<<<# (LEFTARG = int, RIGHTARG = int, FUNCTION = int4lt) ;; operator ;; m.<<<#(integer, integer) ;; extra ;;
ALTER OPERATOR m.=== (int, int) SET (RESTRICT = eqsel) ;; operator ;; m.===(integer, integer) ;; changed ;; restrict
ALTER OPERATOR m.=== (int, int) SET (JOIN = eqjoinsel) ;; operator ;; m.===(integer, integer) ;; changed ;; join
DROP OPERATOR m.=== (int, int); CREATE OPERATOR m.=== (LEFTARG = int, RIGHTARG = int, FUNCTION = int4eq, HASHES) ;; operator ;; m.===(integer, integer) ;; changed ;; hashes
DROP OPERATOR m.=== (int, int); CREATE OPERATOR m.=== (LEFTARG = int, RIGHTARG = int, FUNCTION = int4eq, MERGES) ;; operator ;; m.===(integer, integer) ;; changed ;; merges
DROP OPERATOR m.=== (int, int); CREATE OPERATOR m.=== (LEFTARG = int, RIGHTARG = int, FUNCTION = int4eq, COMMUTATOR = OPERATOR(m.===)) ;; operator ;; m.===(integer, integer) ;; changed ;; commutator
DROP OPERATOR m.=== (int, int); CREATE OPERATOR m.=== (LEFTARG = int, RIGHTARG = int, FUNCTION = int4eq, NEGATOR = OPERATOR(m.!==)) ;; 2 rows
DROP OPERATOR m.=== (int, int); CREATE OPERATOR m.=== (LEFTARG = int, RIGHTARG = int, FUNCTION = int4ge) ;; operator ;; m.===(integer, integer) ;; changed ;; function
DROP OPERATOR m.=== (int, int); CREATE OPERATOR m.=== (LEFTARG = int, RIGHTARG = int, FUNCTION = int4pl) ;; operator ;; m.===(integer, integer) ;; changed ;; function,result
COMMENT ON OPERATOR m.=== (int, int) IS 'x' ;; operator ;; m.===(integer, integer) ;; changed ;; comment
ALTER OPERATOR FAMILY m.fam USING btree ADD OPERATOR 1 < (int4, int8) ;; operator family ;; * ;; changed ;; operators
ALTER OPERATOR FAMILY m.fam USING btree ADD FUNCTION 1 (int4, int8) btint48cmp(int4, int8) ;; operator family ;; * ;; changed ;; functions
ALTER OPERATOR FAMILY m.fam USING btree OWNER TO other ;; operator family ;; * ;; changed ;; owner
ALTER OPERATOR CLASS m.oc USING btree OWNER TO other ;; operator class ;; * ;; changed ;; owner
COMMENT ON OPERATOR CLASS m.oc USING btree IS 'x' ;; operator class ;; * ;; changed ;; comment
UPDATE pg_opclass SET opckeytype = 'int8'::regtype WHERE opcname = 'oc' ;; operator class ;; * ;; changed ;; storage
CREATE OPERATOR FAMILY m.fam2 USING hash ;; operator family ;; * ;; extra ;;
DROP CAST (m.pair AS text); CREATE CAST (m.pair AS text) WITH INOUT ;; cast ;; (m.pair AS text) ;; changed ;; method,function
COMMENT ON CAST (m.pair AS text) IS 'x' ;; cast ;; (m.pair AS text) ;; changed ;; comment
CREATE CAST (text AS m.pair) WITH INOUT ;; cast ;; (text AS m.pair) ;; extra ;;
# ... of what belongs to no schema
DROP EVENT TRIGGER ev; CREATE EVENT TRIGGER ev ON ddl_command_end WHEN TAG IN ('COMMENT') EXECUTE FUNCTION m.ef() ;; event trigger ;; ev ;; changed ;; event
DROP EVENT TRIGGER ev; CREATE EVENT TRIGGER ev ON ddl_command_start WHEN TAG IN ('GRANT') EXECUTE FUNCTION m.ef() ;; event trigger ;; ev ;; changed ;; tags
UPDATE pg_event_trigger SET evtowner = 'other'::regrole WHERE evtname = 'ev' ;; event trigger ;; ev ;; changed ;; owner
COMMENT ON EVENT TRIGGER ev IS 'x' ;; event trigger ;; ev ;; changed ;; comment
CREATE EVENT TRIGGER ev2 ON sql_drop EXECUTE FUNCTION m.ef() ;; event trigger ;; ev2 ;; extra ;;
ALTER PUBLICATION pub SET (publish_via_partition_root) ;; publication ;; pub ;; changed ;; via_root
ALTER PUBLICATION pub OWNER TO other ;; publication ;; pub ;; changed ;; owner
ALTER PUBLICATION pub SET TABLE m.t (id, a) ;; publication ;; pub ;; changed ;; table_columns
ALTER PUBLICATION pub ADD TABLES IN SCHEMA m2 ;; publication ;; pub ;; changed ;; schemas
UPDATE pg_publication SET puballtables = true WHERE pubname = 'pub' ;; publication ;; pub ;; changed ;; all_tables
COMMENT ON PUBLICATION pub IS 'x' ;; publication ;; pub ;; changed ;; comment
CREATE PUBLICATION pub2 ;; publication ;; pub2 ;; extra ;;
DROP SUBSCRIPTION subscribed ;; subscription ;; subscribed ;; missing ;;
ALTER SUBSCRIPTION subscribed SET (binary = true) ;; subscription ;; subscribed ;; changed ;; binary
ALTER SUBSCRIPTION subscribed SET PUBLICATION pub, pub3 WITH (refresh = false) ;; subscription ;; subscribed ;; changed ;; publications
ALTER SUBSCRIPTION subscribed SET (disable_on_error = true) ;; subscription ;; subscribed ;; changed ;; disable_on_error
COMMENT ON SUBSCRIPTION subscribed IS 'x' ;; subscription ;; subscribed ;; changed ;; comment
GRANT USAGE ON FOREIGN DATA WRAPPER fdw TO other ;; foreign data wrapper ;; fdw ;; changed ;; acl
ALTER FOREIGN DATA WRAPPER fdw VALIDATOR postgresql_fdw_validator ;; foreign data wrapper ;; fdw ;; changed ;; validator
COMMENT ON FOREIGN DATA WRAPPER fdw IS 'x' ;; foreign data wrapper ;; fdw ;; changed ;; comment
CREATE FOREIGN DATA WRAPPER fdw2 ;; foreign data wrapper ;; fdw2 ;; extra ;;
GRANT USAGE ON FOREIGN SERVER srv TO other ;; foreign server ;; srv ;; changed ;; acl
ALTER SERVER srv OWNER TO CURRENT_USER; UPDATE pg_foreign_server SET srvtype = 'x' WHERE srvname = 'srv' ;; foreign server ;; srv ;; changed ;; type
UPDATE pg_foreign_server SET srvowner = 'other'::regrole WHERE srvname = 'srv' ;; foreign server ;; srv ;; changed ;; owner
COMMENT ON SERVER srv IS 'x' ;; foreign server ;; srv ;; changed ;; comment
DROP SERVER srv_b ;; foreign server ;; srv_b ;; missing ;;
ALTER LANGUAGE lang OWNER TO other ;; language ;; lang ;; changed ;; owner
REVOKE USAGE ON LANGUAGE lang FROM PUBLIC ;; language ;; lang ;; changed ;; acl
UPDATE pg_language SET lanpltrusted = false WHERE lanname = 'lang' ;; language ;; lang ;; changed ;; trusted
COMMENT ON LANGUAGE lang IS 'x' ;; language ;; lang ;; changed ;; comment
DROP LANGUAGE lang ;; language ;; lang ;; missing ;;
CREATE LANGUAGE lang2 HANDLER plpgsql_call_handler ;; language ;; lang2 ;; extra ;;
UPDATE pg_extension SET extversion = '0.0' WHERE extname = 'plpgsql' ;; extension ;; plpgsql ;; changed ;; version
UPDATE pg_extension SET extowner = 'other'::regrole WHERE extname = 'plpgsql' ;; extension ;; plpgsql ;; changed ;; owner
ALTER TEXT SEARCH CONFIGURATION m.cfg OWNER TO other ;; text search configuration ;; m.cfg ;; changed ;; owner
ALTER TEXT SEARCH DICTIONARY m.dict OWNER TO other ;; text search dictionary ;; m.dict ;; changed ;; owner
COMMENT ON TEXT SEARCH CONFIGURATION m.cfg IS 'x' ;; text search configuration ;; m.cfg ;; changed ;; comment
DROP TEXT SEARCH DICTIONARY m.dict ;; text search dictionary ;; m.dict ;; missing ;;
# what is left of tables and columns, once more
DROP TABLE m.hashed; CREATE TABLE m.hashed (k int) ;; table ;; m.hashed ;; changed ;; type,partition_key
ALTER TABLE m.parted_b DETACH PARTITION m.parted_b1; ALTER TABLE m.parted ATTACH PARTITION m.parted_b1 FOR VALUES FROM ('2022-01-01') TO ('2023-01-01') ;; table ;; m.parted_b1 ;; changed ;; partition_of
ALTER TABLE m.heir INHERIT m.base3 ;; 2 rows
ALTER TABLE m.t ALTER i DROP IDENTITY ;; column ;; m.t.i ;; changed ;; identity,identity_sequence
ALTER TABLE m.t ALTER g DROP EXPRESSION ;; column ;; m.t.g ;; changed ;; generated,generated_kind
GRANT USAGE ON SEQUENCE m.t_i_seq TO other ;; column ;; m.t.i ;; changed ;; identity_sequence
COMMENT ON SEQUENCE m.t_i_seq IS 'x' ;; column ;; m.t.i ;; changed ;; identity_sequence
ALTER SEQUENCE m.t_i_seq SET UNLOGGED ;; column ;; m.t.i ;; changed ;; identity_sequence
ALTER TABLE m.t ALTER note SET STATISTICS 0 ;; column ;; m.t.note ;; changed ;; statistics
18: ALTER TABLE m.strict DROP CONSTRAINT a_nn, ADD CONSTRAINT a_nn NOT NULL a NOT VALID ;; column ;; m.strict.a ;; changed ;; not_null_validated
18: ALTER TABLE m.strict ALTER CONSTRAINT a_nn NO INHERIT ;; column ;; m.strict.a ;; changed ;; not_null_no_inherit
18: COMMENT ON CONSTRAINT a_nn ON m.strict IS 'x' ;; column ;; m.strict.a ;; changed ;; not_null_comment
18: ALTER TABLE m.strict RENAME CONSTRAINT a_nn TO b_nn ;; 0 rows
# ... of constraints
18: ALTER TABLE m.room DROP CONSTRAINT room_unique, ADD CONSTRAINT room_unique UNIQUE (id, at) ;; constraint ;; m.room.room_unique ;; changed ;; period,operators
18: UPDATE pg_constraint SET conperiod = false WHERE conname = 'stay_key' ;; constraint ;; m.stay.stay_key ;; changed ;; period
18: ALTER TABLE m.stay DROP CONSTRAINT stay_key; ALTER TABLE m.booking DROP CONSTRAINT booking_pkey, ADD CONSTRAINT booking_pkey PRIMARY KEY (id, at); ALTER TABLE m.stay ADD CONSTRAINT stay_key FOREIGN KEY (booking, at) REFERENCES m.booking (id, at) ;; 3 rows
18: ALTER TABLE m.t DROP CONSTRAINT t_positive, ADD CONSTRAINT t_positive CHECK (a > 0) NOT ENFORCED ;; constraint ;; m.t.t_positive ;; changed ;; enforced,validated
ALTER TABLE m.t DROP CONSTRAINT t_parent, ADD CONSTRAINT t_parent FOREIGN KEY (parent_id) REFERENCES m.parent ON DELETE RESTRICT ;; constraint ;; m.t.t_parent ;; changed ;; on_delete
ALTER TABLE m.nulled DISABLE TRIGGER ALL ;; constraint ;; m.nulled.nulled_key ;; changed ;; triggers
UPDATE pg_trigger SET tgenabled = 'R' FROM pg_constraint c WHERE tgconstraint = c.oid AND conname = 'nulled_key' ;; constraint ;; m.nulled.nulled_key ;; changed ;; triggers
COMMENT ON INDEX m.t_unique IS 'x' ;; constraint ;; m.t.t_unique ;; changed ;; index_comment
ALTER TABLE m.excl DROP CONSTRAINT excl_name, ADD CONSTRAINT excl_name EXCLUDE (name COLLATE "C" WITH =) ;; constraint ;; m.excl.excl_name ;; changed ;; collations
ALTER TABLE m.excl DROP CONSTRAINT excl_name, ADD CONSTRAINT excl_name EXCLUDE (name text_pattern_ops WITH =) ;; constraint ;; m.excl.excl_name ;; changed ;; operator_classes
ALTER TABLE m.excl DROP CONSTRAINT excl_name, ADD CONSTRAINT excl_name EXCLUDE (name DESC WITH =) ;; constraint ;; m.excl.excl_name ;; changed ;; ordering
ALTER TABLE m.excl DROP CONSTRAINT excl_name, ADD CONSTRAINT excl_name EXCLUDE (name WITH =, id WITH =) ;; constraint ;; m.excl.excl_name ;; changed ;; columns,index_columns,operators
ALTER TABLE m.excl DROP CONSTRAINT excl_upper, ADD CONSTRAINT excl_upper EXCLUDE (lower(name) WITH =) ;; constraint ;; m.excl.excl_upper ;; changed ;; expressions
ALTER INDEX m.excl_upper ALTER COLUMN 1 SET STATISTICS 50 ;; constraint ;; m.excl.excl_upper ;; changed ;; statistics
UPDATE pg_attribute SET attoptions = '{x=1}' WHERE attrelid = 'm.excl_name'::regclass ;; constraint ;; m.excl.excl_name ;; changed ;; operator_class_options,operator_classes
ALTER TABLE m.heir2 ADD CONSTRAINT base2_z CHECK (z > 0) ;; constraint ;; m.heir2.base2_z ;; changed ;; inherited
ALTER TABLE m.heir2 NO INHERIT m.base2; ALTER TABLE m.heir2 INHERIT m.base2 ;; 2 rows
ALTER DOMAIN m.posint DROP CONSTRAINT positive; ALTER DOMAIN m.posint ADD CONSTRAINT positive CHECK (VALUE > 1) ;; constraint ;; m.posint.positive ;; changed ;; expression
ALTER DOMAIN m.posint DROP CONSTRAINT positive; ALTER DOMAIN m.posint ADD CONSTRAINT positive CHECK (VALUE > 0) NOT VALID ;; constraint ;; m.posint.positive ;; changed ;; validated
COMMENT ON CONSTRAINT positive ON DOMAIN m.posint IS 'x' ;; constraint ;; m.posint.positive ;; changed ;; comment
ALTER DOMAIN m.posint RENAME CONSTRAINT positive TO above_zero ;; constraint ;; m.posint.positive ;; renamed ;; name
# ... of indexes, views, statistics
ALTER INDEX m.parted_b_k ATTACH PARTITION m.parted_b1_k ;; 2 rows
CREATE OR REPLACE VIEW m.v WITH (check_option = local) AS SELECT id, a FROM m.t WHERE a > 5 ;; view ;; m.v ;; changed ;; options
ALTER MATERIALIZED VIEW m.mv2 ALTER note SET STORAGE EXTERNAL ;; materialized view ;; m.mv2 ;; changed ;; column_storage
ALTER MATERIALIZED VIEW m.mv2 ALTER note SET COMPRESSION pglz ;; materialized view ;; m.mv2 ;; changed ;; column_compression
ALTER MATERIALIZED VIEW m.mv2 ALTER note SET (n_distinct = 5) ;; materialized view ;; m.mv2 ;; changed ;; column_options
COMMENT ON COLUMN m.mv2.note IS 'x' ;; materialized view ;; m.mv2 ;; changed ;; column_comments
GRANT SELECT (note) ON m.mv2 TO other ;; materialized view ;; m.mv2 ;; changed ;; column_acl
DROP STATISTICS m.st; CREATE STATISTICS m.st (ndistinct, mcv) ON a, c FROM m.t ;; statistics ;; m.st ;; changed ;; kinds
# ... of triggers, rules, policies
ALTER TABLE m.t ENABLE ALWAYS TRIGGER tr ;; trigger ;; m.t.tr ;; changed ;; enabled
DROP TRIGGER ct ON m.t; CREATE TRIGGER ct AFTER INSERT ON m.t FOR EACH ROW EXECUTE FUNCTION m.tf() ;; trigger ;; m.t.ct ;; changed ;; constraint,deferrable,deferred,from_table
CREATE TRIGGER trunc BEFORE TRUNCATE ON m.plain EXECUTE FUNCTION m.tf() ;; trigger ;; m.plain.trunc ;; extra ;;
CREATE TRIGGER iv INSTEAD OF INSERT ON m.v FOR EACH ROW EXECUTE FUNCTION m.tf() ;; trigger ;; m.v.iv ;; extra ;;
CREATE OR REPLACE TRIGGER tr_when BEFORE UPDATE OF a, b ON m.t FOR EACH ROW EXECUTE FUNCTION m.tf('x') ;; trigger ;; m.t.tr_when ;; changed ;; when
CREATE OR REPLACE RULE r AS ON INSERT TO m.plain WHERE new.x = 1 DO INSTEAD DELETE FROM m.base ;; rule ;; m.plain.r ;; changed ;; definition,instead
CREATE OR REPLACE RULE r AS ON UPDATE TO m.plain WHERE new.x = 1 DO ALSO DELETE FROM m.base ;; rule ;; m.plain.r ;; changed ;; definition,event
ALTER TABLE m.plain ENABLE REPLICA RULE r ;; rule ;; m.plain.r ;; changed ;; enabled
ALTER TABLE m.plain ENABLE ALWAYS RULE r ;; rule ;; m.plain.r ;; changed ;; enabled
ALTER POLICY pol ON m.t TO other, third ;; policy ;; m.t.pol ;; changed ;; roles
ALTER POLICY pol ON m.t TO PUBLIC ;; policy ;; m.t.pol ;; changed ;; roles
# ... of functions
DROP FUNCTION m.va; CREATE FUNCTION m.va(a int[]) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 1' ;; function ;; m.va(integer[]) ;; changed ;; arguments
CREATE OR REPLACE FUNCTION m.va(VARIADIC a int[] DEFAULT '{1}') RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 1' ;; function ;; m.va(integer[]) ;; changed ;; arguments
ALTER FUNCTION m.f RESET ALL; ALTER FUNCTION m.f IMMUTABLE ;; function ;; m.f(integer) ;; changed ;; volatility
ALTER FUNCTION m.f PARALLEL RESTRICTED ;; function ;; m.f(integer) ;; changed ;; parallel
ALTER PROCEDURE m.p SET work_mem = '1MB' ;; procedure ;; m.p() ;; changed ;; configuration
ALTER PROCEDURE m.p OWNER TO other ;; procedure ;; m.p() ;; changed ;; owner
REVOKE EXECUTE ON PROCEDURE m.p FROM PUBLIC ;; procedure ;; m.p() ;; changed ;; acl
COMMENT ON PROCEDURE m.p IS 'x' ;; procedure ;; m.p() ;; changed ;; comment
CREATE OR REPLACE PROCEDURE m.p() LANGUAGE sql AS 'SELECT 1' ;; procedure ;; m.p() ;; changed ;; language,body
ALTER AGGREGATE m.agg4(int) OWNER TO other ;; aggregate ;; m.agg4(integer) ;; changed ;; owner
REVOKE EXECUTE ON FUNCTION m.agg4 FROM PUBLIC ;; aggregate ;; m.agg4(integer) ;; changed ;; acl
COMMENT ON AGGREGATE m.agg4(int) IS 'x' ;; aggregate ;; m.agg4(integer) ;; changed ;; comment
DROP AGGREGATE m.agg5(int); CREATE AGGREGATE m.agg5(int) (SFUNC = int84pl, STYPE = int8, INITCOND = '0') ;; aggregate ;; m.agg5(integer) ;; changed ;; returns,state_function,state_type
UPDATE pg_aggregate SET aggkind = 'h' WHERE aggfnoid = 'm.os'::regproc ;; aggregate ;; m.os(double precision, anyelement) ;; changed ;; aggregate_kind
UPDATE pg_aggregate SET aggfinalextra = false WHERE aggfnoid = 'm.os'::regproc ;; aggregate ;; m.os(double precision, anyelement) ;; changed ;; final_extra
UPDATE pg_aggregate SET aggnumdirectargs = 0 WHERE aggfnoid = 'm.os'::regproc ;; aggregate ;; m.os(double precision, anyelement) ;; changed ;; arguments
CREATE OR REPLACE AGGREGATE m.agg4(int) (SFUNC = m.plus2, STYPE = int, FINALFUNC = m.h, MSFUNC = m.plus2, MINVFUNC = m.minus2, MSTYPE = int, MFINALFUNC = m.h, MINITCOND = '0', FINALFUNC_MODIFY = SHAREABLE) ;; aggregate ;; m.agg4(integer) ;; changed ;; final_modify
CREATE OR REPLACE AGGREGATE m.agg4(int) (SFUNC = m.plus2, STYPE = int, FINALFUNC = m.h, MSFUNC = m.plus2, MINVFUNC = m.minus2, MSTYPE = int, MFINALFUNC = m.h, MINITCOND = '0', MFINALFUNC_MODIFY = READ_WRITE) ;; aggregate ;; m.agg4(integer) ;; changed ;; moving_final_modify
CREATE OR REPLACE AGGREGATE m.agg4(int) (SFUNC = m.plus2, STYPE = int, FINALFUNC = m.h, MSFUNC = m.plus2, MINVFUNC = m.minus2, MSTYPE = int, MFINALFUNC = m.h, MINITCOND = '0', MSSPACE = 64) ;; aggregate ;; m.agg4(integer) ;; changed ;; moving_state_size
CREATE OR REPLACE AGGREGATE m.agg4(int) (SFUNC = m.plus2, STYPE = int, FINALFUNC = m.h, MSFUNC = m.plus2, MINVFUNC = m.minus2, MSTYPE = int, MFINALFUNC = m.h, MINITCOND = '1') ;; aggregate ;; m.agg4(integer) ;; changed ;; moving_initial_value
CREATE OR REPLACE AGGREGATE m.agg4(int) (SFUNC = m.plus2, STYPE = int, FINALFUNC = m.h, MSFUNC = m.plus3, MINVFUNC = m.minus2, MSTYPE = int, MFINALFUNC = m.h, MINITCOND = '0') ;; aggregate ;; m.agg4(integer) ;; changed ;; moving_state_function
CREATE OR REPLACE AGGREGATE m.agg4(int) (SFUNC = m.plus2, STYPE = int, FINALFUNC = m.h, MSFUNC = m.plus2, MINVFUNC = m.minus3, MSTYPE = int, MFINALFUNC = m.h, MINITCOND = '0') ;; aggregate ;; m.agg4(integer) ;; changed ;; moving_inverse_function
CREATE OR REPLACE AGGREGATE m.agg4(int) (SFUNC = m.plus2, STYPE = int, FINALFUNC = m.h, MSFUNC = m.plus2, MINVFUNC = m.minus2, MSTYPE = int, MFINALFUNC = m.plus2, MINITCOND = '0', MFINALFUNC_EXTRA) ;; aggregate ;; m.agg4(integer) ;; changed ;; moving_final_function,moving_final_extra
# ... of types
DROP TYPE m.size; CREATE TYPE m.size AS ENUM ('m', 's', 'l') ;; type ;; m.size ;; changed ;; labels
ALTER TYPE m.size ADD VALUE 'xs' BEFORE 's' ;; type ;; m.size ;; changed ;; labels
ALTER TYPE m.pair RENAME ATTRIBUTE a TO c ;; type ;; m.pair ;; changed ;; attributes
ALTER TYPE m.pair ALTER ATTRIBUTE b TYPE text COLLATE "C" ;; type ;; m.pair ;; changed ;; attributes
UPDATE pg_range SET rngcanonical = 'int4range_canonical'::regproc WHERE rngtypid = 'm.span'::regtype ;; type ;; m.span ;; changed ;; canonical
CREATE TYPE m.shell ;; type ;; m.shell ;; extra ;;
UPDATE pg_type SET typinput = 'byteain' WHERE oid = 'm.bt'::regtype ;; type ;; m.bt ;; changed ;; input
UPDATE pg_type SET typoutput = 'byteaout' WHERE oid = 'm.bt'::regtype ;; type ;; m.bt ;; changed ;; output
UPDATE pg_type SET typlen = 8 WHERE oid = 'm.bt'::regtype ;; type ;; m.bt ;; changed ;; length
UPDATE pg_type SET typbyval = true WHERE oid = 'm.bt'::regtype ;; type ;; m.bt ;; changed ;; by_value
UPDATE pg_type SET typelem = 'int'::regtype WHERE oid = 'm.bt'::regtype ;; type ;; m.bt ;; changed ;; element
UPDATE pg_type SET typdelim = ';' WHERE oid = 'm.bt'::regtype ;; type ;; m.bt ;; changed ;; delimiter
UPDATE pg_type SET typcollation = 100 WHERE oid = 'm.bt'::regtype ;; type ;; m.bt ;; changed ;; collatable
UPDATE pg_type SET typreceive = 'textrecv' WHERE oid = 'm.bt'::regtype ;; type ;; m.bt ;; changed ;; receive
UPDATE pg_type SET typsend = 'textsend' WHERE oid = 'm.bt'::regtype ;; type ;; m.bt ;; changed ;; send
UPDATE pg_type SET typmodin = 'varchartypmodin' WHERE oid = 'm.bt'::regtype ;; type ;; m.bt ;; changed ;; modifier_input
UPDATE pg_type SET typmodout = 'varchartypmodout' WHERE oid = 'm.bt'::regtype ;; type ;; m.bt ;; changed ;; modifier_output
UPDATE pg_type SET typanalyze = 'ts_typanalyze' WHERE oid = 'm.bt'::regtype ;; type ;; m.bt ;; changed ;; analyze
UPDATE pg_type SET typsubscript = 'jsonb_subscript_handler' WHERE oid = 'm.bt'::regtype ;; type ;; m.bt ;; changed ;; subscript
REVOKE USAGE ON DOMAIN m.posint FROM PUBLIC ;; domain ;; m.posint ;; changed ;; acl
DROP DOMAIN m.word; CREATE DOMAIN m.word AS text COLLATE "POSIX" ;; domain ;; m.word ;; changed ;; collation
DROP DOMAIN m.word; CREATE DOMAIN m.word AS varchar(5) COLLATE "C" ;; domain ;; m.word ;; changed ;; type
# ... of collations
UPDATE pg_collation SET collcollate = 'POSIX' WHERE oid = 'm.coll'::regcollation ;; collation ;; m.coll* ;; changed ;; lc_collate
UPDATE pg_collation SET collctype = 'POSIX' WHERE oid = 'm.coll'::regcollation ;; collation ;; m.coll* ;; changed ;; lc_ctype
UPDATE pg_collation SET collversion = 'x' WHERE oid = 'm.coll'::regcollation ;; 0 rows
icu: DROP COLLATION m.icu; CREATE COLLATION m.icu (provider = icu, locale = 'de') ;; collation ;; m.icu ;; changed ;; locale
icu: DROP COLLATION m.icu; CREATE COLLATION m.icu (provider = icu, locale = 'en', deterministic = false) ;; collation ;; m.icu ;; changed ;; deterministic
16: UPDATE pg_collation SET collicurules = '&a < g' WHERE collname = 'icu' AND collnamespace = 'm'::regnamespace ;; collation ;; m.icu ;; changed ;; rules
icu: UPDATE pg_collation SET collversion = 'x' WHERE oid = 'm.icu'::regcollation ;; 0 rows
icu: UPDATE pg_collation SET collprovider = 'c', collcollate = 'C', collctype = 'C' WHERE oid = 'm.icu'::regcollation ;; collation ;; m.icu ;; changed ;; provider,lc_collate,lc_ctype
icu: DROP COLLATION m.icu; CREATE COLLATION m.icu (provider = libc, locale = 'C') ;; 2 rows
17: DROP COLLATION m.coll; CREATE COLLATION m.coll (provider = builtin, locale = 'C') ;; 2 rows
# ... of operator families and classes
ALTER OPERATOR FAMILY m.near USING gist DROP OPERATOR 15 (point, point); ALTER OPERATOR FAMILY m.near USING gist ADD OPERATOR 15 <-> (point, point) FOR ORDER BY numeric_ops ;; operator family ;; m.near USING gist ;; changed ;; operators
ALTER OPERATOR FAMILY m.near USING gist DROP OPERATOR 15 (point, point) ;; operator family ;; m.near USING gist ;; changed ;; operators
COMMENT ON OPERATOR FAMILY m.near USING gist IS 'x' ;; operator family ;; m.near USING gist ;; changed ;; comment
DROP OPERATOR FAMILY m.near USING gist ;; operator family ;; m.near USING gist ;; missing ;;
DROP OPERATOR CLASS m.oc USING btree ;; 3 rows
UPDATE pg_opclass SET opcintype = 'int8'::regtype WHERE opcname = 'oc' ;; operator class ;; m.oc USING btree ;; changed ;; type
UPDATE pg_opclass SET opcfamily = f.oid FROM pg_opfamily f WHERE opcname = 'oc' AND opfname = 'fam0' ;; operator class ;; m.oc USING btree ;; changed ;; family
CREATE OPERATOR CLASS m.oc2 FOR TYPE int USING btree FAMILY m.fam AS STORAGE int ;; operator class ;; m.oc2 USING btree ;; extra ;;
# ... of casts, conversions, transforms, access methods
DROP CAST (m.pair AS text); CREATE CAST (m.pair AS text) WITH FUNCTION m.to_text2(m.pair) ;; cast ;; (m.pair AS text) ;; changed ;; function
DROP CAST (m.pair AS text); CREATE CAST (m.pair AS text) WITH FUNCTION m.to_text(m.pair) AS IMPLICIT ;; cast ;; (m.pair AS text) ;; changed ;; context
DROP CONVERSION m.conv ;; conversion ;; m.conv ;; missing ;;
CREATE CONVERSION m.conv2 FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8 ;; conversion ;; m.conv2 ;; extra ;;
DROP CONVERSION m.conv; CREATE DEFAULT CONVERSION m.conv FOR 'LATIN1' TO 'UTF8' FROM iso8859_1_to_utf8 ;; conversion ;; m.conv ;; changed ;; default
DROP CONVERSION m.conv; CREATE CONVERSION m.conv FOR 'LATIN2' TO 'UTF8' FROM iso8859_to_utf8 ;; conversion ;; m.conv ;; changed ;; from,function
UPDATE pg_conversion SET contoencoding = pg_char_to_encoding('LATIN5') WHERE conname = 'conv' ;; conversion ;; m.conv ;; changed ;; to
ALTER CONVERSION m.conv OWNER TO other ;; conversion ;; m.conv ;; changed ;; owner
COMMENT ON CONVERSION m.conv IS 'x' ;; conversion ;; m.conv ;; changed ;; comment
DROP TRANSFORM FOR money LANGUAGE sql ;; transform ;; for money on language sql ;; missing ;;
CREATE TRANSFORM FOR int LANGUAGE plpgsql (FROM SQL WITH FUNCTION prsd_lextype(internal)) ;; transform ;; for integer on language plpgsql ;; extra ;;
CREATE OR REPLACE TRANSFORM FOR int LANGUAGE sql (FROM SQL WITH FUNCTION prsd_lextype(internal)) ;; transform ;; for integer on language sql ;; changed ;; to_sql
CREATE OR REPLACE TRANSFORM FOR int LANGUAGE sql (TO SQL WITH FUNCTION int4recv(internal)) ;; transform ;; for integer on language sql ;; changed ;; from_sql
COMMENT ON TRANSFORM FOR int LANGUAGE sql IS 'x' ;; transform ;; for integer on language sql ;; changed ;; comment
DROP ACCESS METHOD heap2 ;; access method ;; heap2 ;; missing ;;
CREATE ACCESS METHOD heap3 TYPE TABLE HANDLER heap_tableam_handler ;; access method ;; heap3 ;; extra ;;
DROP ACCESS METHOD heap2; CREATE ACCESS METHOD heap2 TYPE INDEX HANDLER bthandler ;; access method ;; heap2 ;; changed ;; type,handler
COMMENT ON ACCESS METHOD heap2 IS 'x' ;; access method ;; heap2 ;; changed ;; comment
# ... of event triggers, publications, subscriptions
ALTER EVENT TRIGGER ev ENABLE REPLICA ;; event trigger ;; ev ;; changed ;; enabled
ALTER EVENT TRIGGER ev ENABLE ALWAYS ;; event trigger ;; ev ;; changed ;; enabled
DROP EVENT TRIGGER ev; CREATE EVENT TRIGGER ev ON ddl_command_start WHEN TAG IN ('COMMENT') EXECUTE FUNCTION m.ef2() ;; event trigger ;; ev ;; changed ;; function
DROP EVENT TRIGGER ev; CREATE EVENT TRIGGER ev ON ddl_command_start EXECUTE FUNCTION m.ef() ;; event trigger ;; ev ;; changed ;; tags
18: ALTER PUBLICATION pub SET (publish_generated_columns = stored) ;; publication ;; pub ;; changed ;; generated_columns
19: UPDATE pg_publication SET puballsequences = true WHERE pubname = 'pub' ;; publication ;; pub ;; changed ;; all_sequences
19: UPDATE pg_publication_rel SET prexcept = true WHERE prrelid = 'm.t'::regclass ;; publication ;; pub ;; changed ;; tables,except
UPDATE pg_subscription SET subowner = 'other'::regrole ;; subscription ;; subscribed ;; changed ;; owner
UPDATE pg_subscription SET subenabled = true ;; subscription ;; subscribed ;; changed ;; enabled
ALTER SUBSCRIPTION subscribed SET (slot_name = 'slot') ;; subscription ;; subscribed ;; changed ;; slot
ALTER SUBSCRIPTION subscribed SET (streaming = on) ;; subscription ;; subscribed ;; changed ;; streaming
16: ALTER SUBSCRIPTION subscribed SET (streaming = parallel) ;; subscription ;; subscribed ;; changed ;; streaming
UPDATE pg_subscription SET subtwophasestate = 'e' ;; subscription ;; subscribed ;; changed ;; two_phase
16: ALTER SUBSCRIPTION subscribed SET (origin = none) ;; subscription ;; subscribed ;; changed ;; origin
16: ALTER SUBSCRIPTION subscribed SET (password_required = false) ;; subscription ;; subscribed ;; changed ;; password_required
16: ALTER SUBSCRIPTION subscribed SET (run_as_owner = true) ;; subscription ;; subscribed ;; changed ;; run_as_owner
17: UPDATE pg_subscription SET subfailover = true ;; subscription ;; subscribed ;; changed ;; failover
19: UPDATE pg_subscription SET subretaindeadtuples = true ;; subscription ;; subscribed ;; changed ;; retain_dead_tuples
19: UPDATE pg_subscription SET submaxretention = 5 ;; subscription ;; subscribed ;; changed ;; max_retention
19: UPDATE pg_subscription SET subwalrcvtimeout = '5s' ;; subscription ;; subscribed ;; changed ;; receiver_timeout
19: UPDATE pg_subscription SET subserver = s.oid FROM pg_foreign_server s WHERE srvname = 'srv' ;; subscription ;; subscribed ;; changed ;; server
ALTER SUBSCRIPTION subscribed SET (synchronous_commit = off) ;; 0 rows
# ... of foreign data, languages, extensions
UPDATE pg_foreign_data_wrapper SET fdwowner = 'other'::regrole WHERE fdwname = 'fdw' ;; foreign data wrapper ;; fdw ;; changed ;; owner
UPDATE pg_foreign_data_wrapper SET fdwhandler = 'm.ef'::regproc WHERE fdwname = 'fdw' ;; foreign data wrapper ;; fdw ;; changed ;; handler
DROP FOREIGN DATA WRAPPER fdw_b ;; foreign data wrapper ;; fdw_b ;; missing ;;
UPDATE pg_foreign_server SET srvfdw = w.oid FROM pg_foreign_data_wrapper w WHERE srvname = 'srv_b' AND fdwname = 'fdw_b' ;; foreign server ;; srv_b ;; changed ;; wrapper
ALTER SERVER srv_b OPTIONS (DROP password) ;; foreign server ;; srv_b ;; changed ;; options
ALTER SERVER srv_b OPTIONS (SET password 'b') ;; 0 rows
DROP USER MAPPING FOR other SERVER srv ;; user mapping ;; srv.other ;; missing ;;
CREATE USER MAPPING FOR third SERVER srv ;; user mapping ;; srv.third ;; extra ;;
CREATE USER MAPPING FOR PUBLIC SERVER srv ;; user mapping ;; srv.PUBLIC ;; extra ;;
ALTER USER MAPPING FOR other SERVER srv OPTIONS (ADD password 'x') ;; 0 rows
CREATE OR REPLACE TRUSTED LANGUAGE lang HANDLER plpgsql_call_handler INLINE plpgsql_inline_handler ;; language ;; lang ;; changed ;; inline
CREATE OR REPLACE TRUSTED LANGUAGE lang HANDLER plpgsql_call_handler VALIDATOR plpgsql_validator ;; language ;; lang ;; changed ;; validator
UPDATE pg_language SET lanplcallfoid = 'm.c'::regproc WHERE lanname = 'lang' ;; language ;; lang ;; changed ;; handler
UPDATE pg_extension SET extnamespace = 'm2'::regnamespace WHERE extname = 'plpgsql' ;; extension ;; plpgsql ;; changed ;; schema
COMMENT ON EXTENSION plpgsql IS 'x' ;; 0 rows
ALTER EXTENSION plpgsql ADD FUNCTION m.g(int) ;; function ;; m.g(integer) ;; changed ;; extension
# ... of text search
DROP TEXT SEARCH DICTIONARY m.dict; CREATE TEXT SEARCH DICTIONARY m.dict (TEMPLATE = snowball, language = english) ;; text search dictionary ;; m.dict ;; changed ;; template,options
COMMENT ON TEXT SEARCH DICTIONARY m.dict IS 'x' ;; text search dictionary ;; m.dict ;; changed ;; comment
CREATE TEXT SEARCH DICTIONARY m.dict2 (TEMPLATE = simple) ;; text search dictionary ;; m.dict2 ;; extra ;;
ALTER TEXT SEARCH CONFIGURATION m.cfg ALTER MAPPING FOR word WITH english_stem ;; text search configuration ;; m.cfg ;; changed ;; mappings
ALTER TEXT SEARCH CONFIGURATION m.cfg ALTER MAPPING FOR word WITH simple, english_stem ;; text search configuration ;; m.cfg ;; changed ;; mappings
UPDATE pg_ts_config SET cfgparser = p.oid FROM pg_ts_parser p WHERE cfgname = 'cfg' AND prsname = 'prs' ;; text search configuration ;; m.cfg ;; changed ;; parser
DROP TEXT SEARCH CONFIGURATION m.cfg ;; text search configuration ;; m.cfg ;; missing ;;
CREATE TEXT SEARCH CONFIGURATION m.cfg2 (COPY = simple) ;; text search configuration ;; m.cfg2 ;; extra ;;
DROP TEXT SEARCH PARSER m.prs ;; text search parser ;; m.prs ;; missing ;;
DROP TEXT SEARCH PARSER m.prs; CREATE TEXT SEARCH PARSER m.prs (START = prsd_start, GETTOKEN = prsd_nexttoken, END = prsd_end, LEXTYPES = prsd_lextype) ;; text search parser ;; m.prs ;; changed ;; headline
UPDATE pg_ts_parser SET prsstart = 'm.ef', prstoken = 'm.ef', prsend = 'm.ef', prslextype = 'm.ef' WHERE prsname = 'prs' ;; text search parser ;; m.prs ;; changed ;; start,token,end,lextypes
COMMENT ON TEXT SEARCH PARSER m.prs IS 'x' ;; text search parser ;; m.prs ;; changed ;; comment
DROP TEXT SEARCH TEMPLATE m.tmpl; CREATE TEXT SEARCH TEMPLATE m.tmpl (LEXIZE = dsimple_lexize) ;; text search template ;; m.tmpl ;; changed ;; init
DROP TEXT SEARCH TEMPLATE m.tmpl; CREATE TEXT SEARCH TEMPLATE m.tmpl (INIT = dsimple_init, LEXIZE = dsynonym_lexize) ;; text search template ;; m.tmpl ;; changed ;; lexize
COMMENT ON TEXT SEARCH TEMPLATE m.tmpl IS 'x' ;; text search template ;; m.tmpl ;; changed ;; comment
CREATE TEXT SEARCH TEMPLATE m.tmpl2 (LEXIZE = dsimple_lexize) ;; text search template ;; m.tmpl2 ;; extra ;;
# ... of default privileges
ALTER DEFAULT PRIVILEGES FOR ROLE third GRANT SELECT ON TABLES TO other ;; default privilege ;; FOR ROLE third ON TABLES ;; extra ;;
ALTER DEFAULT PRIVILEGES FOR ROLE third IN SCHEMA m2 GRANT EXECUTE ON FUNCTIONS TO other ;; default privilege ;; FOR ROLE third IN SCHEMA m2 ON FUNCTIONS ;; extra ;;
ALTER DEFAULT PRIVILEGES FOR ROLE third REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC ;; default privilege ;; FOR ROLE third ON FUNCTIONS ;; extra ;;
ALTER DEFAULT PRIVILEGES FOR ROLE third REVOKE USAGE ON TYPES FROM PUBLIC ;; default privilege ;; FOR ROLE third ON TYPES ;; extra ;;
ALTER DEFAULT PRIVILEGES FOR ROLE third GRANT CREATE ON SCHEMAS TO other ;; default privilege ;; FOR ROLE third ON SCHEMAS ;; extra ;;
18: ALTER DEFAULT PRIVILEGES FOR ROLE third GRANT SELECT ON LARGE OBJECTS TO other ;; default privilege ;; FOR ROLE third ON LARGE OBJECTS ;; extra ;;
ALTER DEFAULT PRIVILEGES IN SCHEMA m REVOKE SELECT ON TABLES FROM other ;; default privilege ;; * ;; missing ;;
ALTER DEFAULT PRIVILEGES IN SCHEMA m GRANT SELECT ON TABLES TO other WITH GRANT OPTION ;; default privilege ;; * ;; changed ;; acl
# partitioning and inheritance
ALTER TABLE m.parted DETACH PARTITION m.parted1 ;; 4 rows
ALTER TABLE m.heir NO INHERIT m.base ;; 2 rows
ALTER TABLE m.parted DETACH PARTITION m.parted1; ALTER TABLE m.parted ATTACH PARTITION m.parted1 FOR VALUES FROM ('2020-01-01') TO ('2022-01-01') ;; table ;; m.parted1 ;; changed ;; partition_bound
EOM
}

1;
