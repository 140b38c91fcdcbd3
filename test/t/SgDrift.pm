# SgDrift.pm: a schema with one of everything, for the tests that compare databases.
#
#   $node->safe_psql('postgres', roles() . everything());       # roles belong to the server, the rest to a database
package SgDrift;
use strict;
use warnings;
use Exporter 'import';

our @EXPORT = qw(roles everything);

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

1;
