# SgPairs.pm: pairs of small schemas as the suites of tools that compare databases have them, each side written on its own.
#
#   foreach my $pair (pairs($major)) { my ($name, $one, $other) = @$pair; ... }
#
# A pair is "== name", what both sides have, "-- a" and what the one has beyond that, "-- b" and what the other has.
# A name that ends in "(17)" is of that major and those after it.
package SgPairs;
use strict;
use warnings;
use Exporter 'import';

our @EXPORT = qw(pairs);

sub pairs
{
	my ($major) = @_;
	my @pairs;
	local $/;
	my $all = <DATA>;
	foreach my $part (grep { /\S/ } split /^== /m, $all)
	{
		my ($name, $both, $one, $other) = $part =~ /\A([^\n]*)\n(.*?)^-- a\n(.*?)^-- b\n(.*)\z/ms or die $part;
		next if $name =~ /\((\d+)\)$/ && $major < $1;
		push @pairs, [ $name, $both . $one, $both . $other ];
	}
	return @pairs;
}

1;
__DATA__
== columns in another order
-- a
CREATE TABLE t (a int, b text, c date);
-- b
CREATE TABLE t (c date, a int, b text, d int NOT NULL DEFAULT 5);
== a column in the middle goes, views use the rest
-- a
CREATE TABLE t (a int, b text, c date); CREATE VIEW v AS SELECT a, c FROM t;
-- b
CREATE TABLE t (a int, c date, d text); CREATE VIEW v AS SELECT a, c, d FROM t;
== enum gets labels, a column, a default and a function use it
-- a
CREATE TYPE e AS ENUM ('a', 'c'); CREATE TABLE t (id int PRIMARY KEY, e e NOT NULL DEFAULT 'a', es e[]); CREATE VIEW v AS SELECT e, count(*) FROM t GROUP BY e;
CREATE FUNCTION f(e) RETURNS text LANGUAGE sql AS 'SELECT $1::text';
-- b
CREATE TYPE e AS ENUM ('z', 'a', 'b', 'c'); CREATE TABLE t (id int PRIMARY KEY, e e NOT NULL DEFAULT 'b', es e[]); CREATE VIEW v AS SELECT e, count(*) FROM t GROUP BY e;
CREATE FUNCTION f(e) RETURNS text LANGUAGE sql AS 'SELECT $1::text';
== enum loses a label, with a view, an index, a check, a policy and a trigger on it
-- a
CREATE TYPE e AS ENUM ('a', 'b', 'c'); CREATE TABLE t (id int PRIMARY KEY, e e DEFAULT 'a', CHECK (e <> 'c')); CREATE INDEX ON t (e) WHERE e = 'a';
CREATE VIEW v AS SELECT * FROM t WHERE e = 'a'; CREATE POLICY p ON t USING (e = 'a');
CREATE FUNCTION tf() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; CREATE TRIGGER tr BEFORE UPDATE ON t FOR EACH ROW WHEN (NEW.e = 'a') EXECUTE FUNCTION tf();
-- b
CREATE TYPE e AS ENUM ('a', 'c'); CREATE TABLE t (id int PRIMARY KEY, e e DEFAULT 'a', CHECK (e <> 'c')); CREATE INDEX ON t (e) WHERE e = 'a';
CREATE VIEW v AS SELECT * FROM t WHERE e = 'a'; CREATE POLICY p ON t USING (e = 'a');
CREATE FUNCTION tf() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; CREATE TRIGGER tr BEFORE UPDATE ON t FOR EACH ROW WHEN (NEW.e = 'a') EXECUTE FUNCTION tf();
== enum in another order, used by a function and its argument default
-- a
CREATE TYPE e AS ENUM ('a', 'b', 'c'); CREATE FUNCTION f(x e DEFAULT 'b') RETURNS e LANGUAGE sql AS 'SELECT x'; CREATE TABLE t (e e DEFAULT f('a'));
-- b
CREATE TYPE e AS ENUM ('c', 'b', 'a'); CREATE FUNCTION f(x e DEFAULT 'b') RETURNS e LANGUAGE sql AS 'SELECT x'; CREATE TABLE t (e e DEFAULT f('a'));
== enum becomes text
-- a
CREATE TYPE e AS ENUM ('a', 'b', '1', '2', '3'); CREATE TABLE t (id int, s e DEFAULT 'a');
-- b
CREATE TABLE t (id int, s text DEFAULT 'a');
== text becomes enum
-- a
CREATE TABLE t (id int, s text NOT NULL DEFAULT 'a');
-- b
CREATE TYPE e AS ENUM ('a', 'b', '1', '2', '3'); CREATE TABLE t (id int, s e NOT NULL DEFAULT 'a');
== chain of views, a type changes below
-- a
CREATE TABLE t (id int, a int, b text); CREATE VIEW v1 AS SELECT id, a FROM t; CREATE VIEW v2 AS SELECT id, a + 1 AS a FROM v1; CREATE VIEW v3 AS SELECT max(a) FROM v2;
COMMENT ON VIEW v2 IS 'two'; GRANT SELECT ON v3 TO other; CREATE MATERIALIZED VIEW mv AS SELECT * FROM v2; CREATE UNIQUE INDEX mv_id ON mv (id);
-- b
CREATE TABLE t (id int, a bigint, b text); CREATE VIEW v1 AS SELECT id, a FROM t; CREATE VIEW v2 AS SELECT id, a + 1 AS a FROM v1; CREATE VIEW v3 AS SELECT max(a) FROM v2;
COMMENT ON VIEW v2 IS 'two'; GRANT SELECT ON v3 TO other; CREATE MATERIALIZED VIEW mv AS SELECT * FROM v2; CREATE UNIQUE INDEX mv_id ON mv (id);
== chain of views, a column in the middle of the first
-- a
CREATE TABLE t (id int, a int, b text); CREATE VIEW v1 AS SELECT id, b FROM t; CREATE VIEW v2 AS SELECT * FROM v1;
-- b
CREATE TABLE t (id int, a int, b text); CREATE VIEW v1 AS SELECT id, a, b FROM t; CREATE VIEW v2 AS SELECT * FROM v1;
== views that change places
-- a
CREATE TABLE t (id int); CREATE VIEW a AS SELECT id FROM t; CREATE VIEW b AS SELECT id FROM a;
-- b
CREATE TABLE t (id int); CREATE VIEW b AS SELECT id FROM t; CREATE VIEW a AS SELECT id FROM b;
== a view becomes a table
-- a
CREATE TABLE t (id int, n text); CREATE VIEW v AS SELECT id, n FROM t; CREATE VIEW w AS SELECT * FROM v;
-- b
CREATE TABLE t (id int, n text); CREATE TABLE v (id int, n text); CREATE VIEW w AS SELECT * FROM v;
== a view becomes a materialized view
-- a
CREATE TABLE t (id int, n text); CREATE VIEW v AS SELECT id, n FROM t;
-- b
CREATE TABLE t (id int, n text); CREATE MATERIALIZED VIEW v AS SELECT id, n FROM t; CREATE INDEX v_n ON v (n);
== recursive view and view with options
-- a
CREATE TABLE t (id int, p int); CREATE VIEW v WITH (security_barrier) AS SELECT id FROM t;
-- b
CREATE TABLE t (id int, p int); CREATE VIEW v WITH (security_invoker = true) AS SELECT id FROM t WHERE id > 0 WITH CASCADED CHECK OPTION;
CREATE RECURSIVE VIEW r (id) AS SELECT id FROM t WHERE p IS NULL UNION ALL SELECT t.id FROM t JOIN r ON r.id = t.p;
== function's arguments change, a view, a default and a check use it
-- a
CREATE FUNCTION f(a int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT a'; CREATE TABLE t (id int DEFAULT f(1), CHECK (f(id) > 0)); CREATE VIEW v AS SELECT f(id) AS x FROM t; CREATE INDEX ON t (f(id));
-- b
CREATE FUNCTION f(a int, b int DEFAULT 2) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT a + b'; CREATE TABLE t (id int DEFAULT f(1), CHECK (f(id) > 0)); CREATE VIEW v AS SELECT f(id) AS x FROM t; CREATE INDEX ON t (f(id));
== function's result changes, a view, a generated column, a policy and an index use it
-- a
CREATE FUNCTION f(a int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT a'; CREATE TABLE t (id int, g int GENERATED ALWAYS AS (f(id)) STORED); CREATE VIEW v AS SELECT f(id) AS x FROM t;
CREATE INDEX t_f ON t (f(id)); CREATE POLICY p ON t USING (f(id) > 0);
-- b
CREATE FUNCTION f(a int) RETURNS bigint IMMUTABLE LANGUAGE sql AS 'SELECT a::bigint'; CREATE TABLE t (id int, g int GENERATED ALWAYS AS (f(id)) STORED); CREATE VIEW v AS SELECT f(id) AS x FROM t;
CREATE INDEX t_f ON t (f(id)); CREATE POLICY p ON t USING (f(id) > 0);
== function's result changes, a default and a check use it
-- a
CREATE FUNCTION f(a int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT a'; CREATE TABLE t (id int DEFAULT f(1), CONSTRAINT k CHECK (f(id) > 0)); CREATE DOMAIN d AS int DEFAULT f(2) CONSTRAINT dk CHECK (f(VALUE) > 0);
-- b
CREATE FUNCTION f(a int) RETURNS bigint IMMUTABLE LANGUAGE sql AS 'SELECT a::bigint'; CREATE TABLE t (id int DEFAULT f(1), CONSTRAINT k CHECK (f(id) > 0)); CREATE DOMAIN d AS int DEFAULT f(2) CONSTRAINT dk CHECK (f(VALUE) > 0);
== function that returns a table gets a column, a view uses it
-- a
CREATE FUNCTION f() RETURNS TABLE (a int, b text) LANGUAGE sql AS 'SELECT 1, ''x'''; CREATE VIEW v AS SELECT a, b FROM f();
-- b
CREATE FUNCTION f() RETURNS TABLE (a int, b text, c date) LANGUAGE sql AS 'SELECT 1, ''x'', NULL::date'; CREATE VIEW v AS SELECT a, b FROM f();
== names of arguments and their defaults
-- a
CREATE FUNCTION f(a int, b text DEFAULT 'x', OUT c int) LANGUAGE sql AS 'SELECT a'; CREATE VIEW v AS SELECT f(1) AS x;
-- b
CREATE FUNCTION f(aa int, b text DEFAULT 'y', OUT c int) LANGUAGE sql AS 'SELECT aa'; CREATE VIEW v AS SELECT f(1) AS x;
== a default of an argument goes away
-- a
CREATE FUNCTION f(a int, b int DEFAULT 1) RETURNS int LANGUAGE sql AS 'SELECT a'; CREATE TABLE t (x int DEFAULT f(1, 2));
-- b
CREATE FUNCTION f(a int, b int) RETURNS int LANGUAGE sql AS 'SELECT a'; CREATE TABLE t (x int DEFAULT f(1, 2));
== overloaded functions and a procedure
-- a
CREATE FUNCTION f(int) RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE FUNCTION f(text) RETURNS int LANGUAGE sql AS 'SELECT 2'; CREATE PROCEDURE p(INOUT a int) LANGUAGE sql AS 'SELECT a';
-- b
CREATE FUNCTION f(text) RETURNS int STRICT LANGUAGE sql AS 'SELECT 2'; CREATE FUNCTION f(int, int) RETURNS int LANGUAGE sql AS 'SELECT 3'; CREATE FUNCTION p(a int) RETURNS int LANGUAGE sql AS 'SELECT a';
== a function becomes a procedure, an aggregate a function
-- a
CREATE FUNCTION p(a int) RETURNS void LANGUAGE sql AS ''; CREATE AGGREGATE g(int) (SFUNC = int4pl, STYPE = int);
-- b
CREATE PROCEDURE p(a int) LANGUAGE sql AS ''; CREATE FUNCTION g(int) RETURNS int LANGUAGE sql AS 'SELECT 1';
== SQL bodies that use tables and each other
-- a
CREATE TABLE t (a int, b int); CREATE FUNCTION f() RETURNS SETOF t LANGUAGE sql BEGIN ATOMIC SELECT * FROM t; END; CREATE FUNCTION g() RETURNS bigint LANGUAGE sql RETURN (SELECT count(*) FROM f());
-- b
CREATE TABLE t (a int, b int, c int); CREATE FUNCTION f() RETURNS SETOF t LANGUAGE sql BEGIN ATOMIC SELECT * FROM t; END; CREATE FUNCTION g() RETURNS bigint LANGUAGE sql RETURN (SELECT count(c) FROM f());
== a type used by a function used by a view
-- a
CREATE TYPE ty AS (a int, b text); CREATE FUNCTION f() RETURNS SETOF ty LANGUAGE sql AS 'SELECT 1, ''x'''; CREATE VIEW v AS SELECT * FROM f();
-- b
CREATE TYPE ty AS (a int, b text, c int); CREATE FUNCTION f() RETURNS SETOF ty LANGUAGE sql AS 'SELECT 1, ''x'', 2'; CREATE VIEW v AS SELECT * FROM f();
== a type loses an attribute and another one changes
-- a
CREATE TYPE ty AS (a int, b text, c int); CREATE FUNCTION f(ty) RETURNS int LANGUAGE sql AS 'SELECT ($1).a'; CREATE VIEW v AS SELECT f(NULL::ty) AS x;
-- b
CREATE TYPE ty AS (a bigint, b text); CREATE FUNCTION f(ty) RETURNS int LANGUAGE sql AS 'SELECT ($1).a::int'; CREATE VIEW v AS SELECT f(NULL::ty) AS x;
== a domain's base type, columns and a function use it
-- a
CREATE DOMAIN d AS varchar(10) CHECK (VALUE <> ''); CREATE TABLE t (id int, d d); CREATE FUNCTION f(d) RETURNS text LANGUAGE sql AS 'SELECT $1::text'; CREATE VIEW v AS SELECT d FROM t;
-- b
CREATE DOMAIN d AS text CHECK (VALUE <> ''); CREATE TABLE t (id int, d d); CREATE FUNCTION f(d) RETURNS text LANGUAGE sql AS 'SELECT $1::text'; CREATE VIEW v AS SELECT d FROM t;
== a domain's check, default and NOT NULL
-- a
CREATE DOMAIN d AS int DEFAULT 1 CONSTRAINT k CHECK (VALUE > 0); CREATE TABLE t (id int, d d);
-- b
CREATE DOMAIN d AS int NOT NULL CONSTRAINT k CHECK (VALUE > -5) CONSTRAINT k2 CHECK (VALUE < 100); CREATE TABLE t (id int, d d);
== a range type
-- a
CREATE TYPE r AS RANGE (subtype = int4); CREATE TABLE t (r r);
-- b
CREATE TYPE r AS RANGE (subtype = int8, multirange_type_name = mr); CREATE TABLE t (r r, m mr);
== triggers
CREATE TABLE t (id int, a int, b int); CREATE FUNCTION tf() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
-- a
CREATE TRIGGER one BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION tf(); CREATE TRIGGER two AFTER UPDATE OF a ON t FOR EACH ROW WHEN (NEW.a > 0) EXECUTE FUNCTION tf('x'); CREATE TRIGGER three AFTER DELETE ON t EXECUTE FUNCTION tf();
-- b
CREATE TRIGGER one BEFORE INSERT OR UPDATE ON t FOR EACH ROW EXECUTE FUNCTION tf(); CREATE TRIGGER two AFTER UPDATE OF a, b ON t FOR EACH ROW WHEN (NEW.a > 1) EXECUTE FUNCTION tf('y'); ALTER TABLE t DISABLE TRIGGER one;
CREATE TRIGGER four AFTER INSERT ON t REFERENCING NEW TABLE AS n EXECUTE FUNCTION tf(); COMMENT ON TRIGGER one ON t IS 'c';
== a trigger's function goes with another one, a column it is on goes
-- a
CREATE TABLE t (id int, a int); CREATE FUNCTION f1() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; CREATE TRIGGER tr BEFORE UPDATE OF a ON t FOR EACH ROW EXECUTE FUNCTION f1();
-- b
CREATE TABLE t (id int, b int); CREATE FUNCTION f2() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; CREATE TRIGGER tr BEFORE UPDATE OF b ON t FOR EACH ROW EXECUTE FUNCTION f2();
== constraint triggers and triggers of views
-- a
CREATE TABLE t (id int); CREATE VIEW v AS SELECT id FROM t; CREATE FUNCTION tf() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE CONSTRAINT TRIGGER c AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION tf(); CREATE TRIGGER i INSTEAD OF INSERT ON v FOR EACH ROW EXECUTE FUNCTION tf();
-- b
CREATE TABLE t (id int, x int); CREATE VIEW v AS SELECT x, id FROM t; CREATE FUNCTION tf() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
CREATE CONSTRAINT TRIGGER c AFTER INSERT ON t DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION tf(); CREATE TRIGGER i INSTEAD OF INSERT ON v FOR EACH ROW EXECUTE FUNCTION tf();
== an event trigger and what it calls
-- a
CREATE FUNCTION ef() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN NULL; END';
-- b
CREATE FUNCTION ef() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'; CREATE EVENT TRIGGER et ON ddl_command_end WHEN TAG IN ('COMMENT') EXECUTE FUNCTION ef();
== rules
CREATE TABLE t (id int, a int); CREATE TABLE l (id int); CREATE VIEW v AS SELECT * FROM t;
-- a
CREATE RULE r AS ON INSERT TO v DO INSTEAD INSERT INTO t VALUES (NEW.id); CREATE RULE s AS ON DELETE TO t DO ALSO NOTHING;
-- b
CREATE RULE r AS ON INSERT TO v DO INSTEAD (INSERT INTO t VALUES (NEW.id); INSERT INTO l VALUES (NEW.id)); CREATE RULE u AS ON UPDATE TO t WHERE NEW.id > 0 DO ALSO INSERT INTO l VALUES (OLD.id);
== row level security
CREATE TABLE t (id int, who text); CREATE TABLE u (id int, who text);
-- a
ALTER TABLE t ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON t FOR SELECT TO PUBLIC USING (who = CURRENT_USER); CREATE POLICY q ON t AS RESTRICTIVE FOR INSERT TO other WITH CHECK (id > 0);
-- b
ALTER TABLE t ENABLE ROW LEVEL SECURITY; ALTER TABLE t FORCE ROW LEVEL SECURITY; CREATE POLICY p ON t FOR ALL TO other, third USING (who = CURRENT_USER) WITH CHECK (id > 1);
CREATE POLICY q ON t AS PERMISSIVE FOR INSERT TO other WITH CHECK (id > 0); ALTER TABLE u ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON u USING (EXISTS (SELECT FROM t WHERE t.id = u.id)); COMMENT ON POLICY p ON u IS 'c';
== a policy on a column whose type changes
-- a
CREATE TABLE t (id int, owner_id int); ALTER TABLE t ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON t USING (owner_id = 1);
-- b
CREATE TABLE t (id int, owner_id bigint); ALTER TABLE t ENABLE ROW LEVEL SECURITY; CREATE POLICY p ON t USING (owner_id = 1);
== privileges
CREATE TABLE t (id int, a int); CREATE SEQUENCE s; CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE SCHEMA sc; CREATE TYPE ty AS ENUM ('a'); CREATE VIEW v AS SELECT * FROM t;
-- a
GRANT SELECT, INSERT ON t TO other; GRANT USAGE ON SEQUENCE s TO other; REVOKE EXECUTE ON FUNCTION f() FROM PUBLIC; GRANT USAGE ON SCHEMA sc TO third; GRANT SELECT (a) ON v TO other;
-- b
GRANT SELECT ON t TO other WITH GRANT OPTION; GRANT UPDATE (a) ON t TO third; GRANT EXECUTE ON FUNCTION f() TO other; REVOKE USAGE ON TYPE ty FROM PUBLIC; GRANT ALL ON SCHEMA sc TO other; GRANT ALL ON v TO PUBLIC;
== privileges of new objects, and of one that is made anew
-- a
CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'; GRANT EXECUTE ON FUNCTION f() TO other; CREATE TABLE t (id int); CREATE VIEW v AS SELECT id FROM t; GRANT SELECT ON v TO other;
-- b
CREATE FUNCTION f() RETURNS text LANGUAGE sql AS 'SELECT ''1'''; GRANT EXECUTE ON FUNCTION f() TO other; CREATE TABLE t (id bigint); CREATE VIEW v AS SELECT id FROM t; GRANT SELECT ON v TO other; GRANT INSERT ON v TO third WITH GRANT OPTION;
CREATE TABLE n (id int, c int); GRANT SELECT (c), INSERT ON n TO other; ALTER TABLE n OWNER TO third; REVOKE DELETE ON n FROM third;
== default privileges
CREATE SCHEMA sc;
-- a
ALTER DEFAULT PRIVILEGES IN SCHEMA sc GRANT SELECT ON TABLES TO other; CREATE TABLE sc.t (id int);
-- b
ALTER DEFAULT PRIVILEGES IN SCHEMA sc GRANT ALL ON TABLES TO third; ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC; CREATE TABLE sc.t (id int); CREATE TABLE sc.u (id int); CREATE FUNCTION sc.f() RETURNS int LANGUAGE sql AS 'SELECT 1';
== owners
-- a
CREATE TABLE t (id serial PRIMARY KEY); CREATE VIEW v AS SELECT id FROM t; CREATE TYPE ty AS (a int); CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';
-- b
CREATE TABLE t (id serial PRIMARY KEY); CREATE VIEW v AS SELECT id FROM t; CREATE TYPE ty AS (a int); CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'; ALTER TABLE t OWNER TO other; ALTER VIEW v OWNER TO third; ALTER TYPE ty OWNER TO other; ALTER FUNCTION f() OWNER TO other;
== serial becomes identity
-- a
CREATE TABLE t (id serial PRIMARY KEY, n text);
-- b
CREATE TABLE t (id int GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY, n text);
== integer becomes serial, bigint identity gets options
-- a
CREATE TABLE t (id int PRIMARY KEY); CREATE TABLE u (id bigint GENERATED ALWAYS AS IDENTITY, x int GENERATED ALWAYS AS IDENTITY);
-- b
CREATE TABLE t (id serial PRIMARY KEY); CREATE TABLE u (id bigint GENERATED BY DEFAULT AS IDENTITY (START 100 INCREMENT 5 CACHE 3), x int);
== serial becomes bigserial
-- a
CREATE TABLE t (id serial PRIMARY KEY); CREATE TABLE c (t_id int REFERENCES t); CREATE VIEW v AS SELECT id FROM t;
-- b
CREATE TABLE t (id bigserial PRIMARY KEY); CREATE TABLE c (t_id bigint REFERENCES t); CREATE VIEW v AS SELECT id FROM t;
== an owned sequence
-- a
CREATE SEQUENCE s INCREMENT 2; CREATE TABLE t (id int DEFAULT nextval('s'), n int);
-- b
CREATE SEQUENCE s AS int MAXVALUE 1000 CYCLE; CREATE TABLE t (id int, n int DEFAULT nextval('s')); ALTER SEQUENCE s OWNED BY t.n;
== a sequence goes with its column
-- a
CREATE TABLE t (id serial, n int); CREATE SEQUENCE x;
-- b
CREATE TABLE t (n int); CREATE UNLOGGED SEQUENCE y;
== partitions of a range
-- a
CREATE TABLE t (id int, at date) PARTITION BY RANGE (at); CREATE TABLE t1 PARTITION OF t FOR VALUES FROM ('2020-01-01') TO ('2021-01-01'); CREATE INDEX t_id ON t (id);
-- b
CREATE TABLE t (id int, at date NOT NULL, n text) PARTITION BY RANGE (at); CREATE TABLE t1 PARTITION OF t FOR VALUES FROM ('2020-01-01') TO ('2022-01-01'); CREATE TABLE t2 PARTITION OF t DEFAULT; CREATE INDEX t_at ON t (at); ALTER TABLE t ADD PRIMARY KEY (id, at);
== a table becomes a partitioned one
-- a
CREATE TABLE t (id int PRIMARY KEY, at date);
-- b
CREATE TABLE t (id int, at int, PRIMARY KEY (id)) PARTITION BY HASH (id); CREATE TABLE t1 PARTITION OF t FOR VALUES WITH (MODULUS 2, REMAINDER 0); CREATE TABLE t2 PARTITION OF t FOR VALUES WITH (MODULUS 2, REMAINDER 1);
== a table becomes a partition
-- a
CREATE TABLE t (id int, k text) PARTITION BY LIST (k); CREATE TABLE x (id int, k text); CREATE TABLE y PARTITION OF t FOR VALUES IN ('1', '2', '3');
-- b
CREATE TABLE t (id int, k text) PARTITION BY LIST (k); CREATE TABLE x PARTITION OF t FOR VALUES IN ('1', '2', '3'); CREATE TABLE y (id int, k text);
== partitions of partitions, keys to and from them
-- a
CREATE TABLE p (id int, k int, PRIMARY KEY (id, k)) PARTITION BY LIST (k); CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1); CREATE TABLE c (id int, p int, k int);
-- b
CREATE TABLE p (id int, k int, PRIMARY KEY (id, k)) PARTITION BY LIST (k); CREATE TABLE p1 PARTITION OF p FOR VALUES IN (1) PARTITION BY RANGE (id); CREATE TABLE p11 PARTITION OF p1 FOR VALUES FROM (0) TO (10); CREATE TABLE c (id int, p int, k int, FOREIGN KEY (p, k) REFERENCES p ON DELETE CASCADE);
== checks, triggers and defaults of a partitioned table
CREATE FUNCTION tf() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
-- a
CREATE TABLE t (id int, k int) PARTITION BY LIST (k); CREATE TABLE t1 PARTITION OF t FOR VALUES IN (1); CREATE TABLE t2 PARTITION OF t (id DEFAULT 5) FOR VALUES IN (2); CREATE TRIGGER tr AFTER INSERT ON t FOR EACH ROW EXECUTE FUNCTION tf();
-- b
CREATE TABLE t (id int DEFAULT 3, k int, CONSTRAINT c CHECK (id > 0)) PARTITION BY LIST (k); CREATE TABLE t1 PARTITION OF t FOR VALUES IN (1, 3); CREATE TABLE t2 PARTITION OF t FOR VALUES IN (2); CREATE TRIGGER tr AFTER UPDATE ON t FOR EACH ROW EXECUTE FUNCTION tf();
== inheritance
-- a
CREATE TABLE p (id int, n text, CHECK (id > 0)); CREATE TABLE c (x int) INHERITS (p);
-- b
CREATE TABLE p (id bigint, n text NOT NULL, m date, CHECK (id > -1)); CREATE TABLE c (x int) INHERITS (p);
== inheritance comes and goes
-- a
CREATE TABLE p (id int, n text); CREATE TABLE c (id int, n text, x int); CREATE TABLE d () INHERITS (p);
-- b
CREATE TABLE p (id int, n text); CREATE TABLE c (id int, n text, x int) INHERITS (p); CREATE TABLE d (id int, n text);
== two parents
-- a
CREATE TABLE p (id int); CREATE TABLE q (id int, y int); CREATE TABLE c (x int) INHERITS (p, q);
-- b
CREATE TABLE p (id int, z int DEFAULT 4); CREATE TABLE q (id int, y int); CREATE TABLE c (x int, y int DEFAULT 2) INHERITS (p, q);
== a materialized view with indexes
CREATE TABLE t (id int, a int, b text);
-- a
CREATE MATERIALIZED VIEW mv AS SELECT id, a FROM t; CREATE UNIQUE INDEX mv_id ON mv (id); CREATE INDEX mv_a ON mv (a DESC NULLS LAST); COMMENT ON MATERIALIZED VIEW mv IS 'c'; GRANT SELECT ON mv TO other;
-- b
CREATE MATERIALIZED VIEW mv AS SELECT id, a, lower(b) AS b FROM t WHERE a > 0 WITH NO DATA; CREATE UNIQUE INDEX mv_id ON mv (id); CREATE INDEX mv_b ON mv (b text_pattern_ops); CREATE MATERIALIZED VIEW mv2 AS SELECT count(*) FROM t;
== a materialized view on a column that changes
-- a
CREATE TABLE t (id int, a int); CREATE MATERIALIZED VIEW mv AS SELECT id, a FROM t; CREATE INDEX mv_a ON mv (a); CREATE VIEW v AS SELECT * FROM mv;
-- b
CREATE TABLE t (id int, a numeric(8,2)); CREATE MATERIALIZED VIEW mv AS SELECT id, a FROM t; CREATE INDEX mv_a ON mv (a); CREATE VIEW v AS SELECT * FROM mv;
== indexes
CREATE TABLE t (id int, a int, b text, j jsonb, v tsvector);
-- a
CREATE INDEX one ON t (a); CREATE UNIQUE INDEX two ON t (b) WHERE a > 0; CREATE INDEX three ON t USING gin (j); CREATE INDEX four ON t (lower(b));
-- b
CREATE INDEX one ON t (a DESC, b COLLATE "C"); CREATE UNIQUE INDEX two ON t (b, a) INCLUDE (id); CREATE INDEX three ON t USING gin (j jsonb_path_ops) WITH (fastupdate = off); CREATE INDEX five ON t USING hash (b); CREATE INDEX six ON t USING brin (id) WITH (pages_per_range = 16);
CREATE UNIQUE INDEX seven ON t (a) NULLS NOT DISTINCT WHERE a > 100; COMMENT ON INDEX one IS 'c';
== keys
-- a
CREATE TABLE p (id int, c text, PRIMARY KEY (id)); CREATE TABLE t (id int PRIMARY KEY, a int, p int REFERENCES p, UNIQUE (a));
-- b
CREATE TABLE p (id int, c text, CONSTRAINT pk PRIMARY KEY (id), UNIQUE (c, id)); CREATE TABLE t (id int, a int, p int, c text, PRIMARY KEY (id, a), CONSTRAINT fk FOREIGN KEY (c, p) REFERENCES p (c, id) ON DELETE SET NULL (c) ON UPDATE CASCADE);
== a key that others lead to
-- a
CREATE TABLE p (id int PRIMARY KEY, code text); CREATE TABLE c (id int, p int REFERENCES p ON DELETE CASCADE); CREATE TABLE d (id int, p int REFERENCES p);
-- b
CREATE TABLE p (id bigint PRIMARY KEY, code text UNIQUE); CREATE TABLE c (id int, p bigint REFERENCES p ON DELETE RESTRICT); CREATE TABLE d (id int, p text REFERENCES p (code));
== keys in a circle
-- a
CREATE TABLE a (id int PRIMARY KEY);
-- b
CREATE TABLE a (id int PRIMARY KEY, b int, parent int REFERENCES a); CREATE TABLE b (id int PRIMARY KEY, a int REFERENCES a); ALTER TABLE a ADD FOREIGN KEY (b) REFERENCES b;
== deferrable keys
CREATE TABLE p (id int PRIMARY KEY);
-- a
CREATE TABLE t (id int, a int, p int, CONSTRAINT u UNIQUE (a) DEFERRABLE, CONSTRAINT f FOREIGN KEY (p) REFERENCES p, CONSTRAINT k PRIMARY KEY (id));
-- b
CREATE TABLE t (id int, a int, p int, CONSTRAINT u UNIQUE (a), CONSTRAINT f FOREIGN KEY (p) REFERENCES p DEFERRABLE INITIALLY DEFERRED, CONSTRAINT k PRIMARY KEY (id) DEFERRABLE INITIALLY DEFERRED);
== exclusion
-- a
CREATE TABLE t (r int4range, c circle, EXCLUDE USING gist (r WITH &&));
-- b
CREATE TABLE t (r int4range, c circle, CONSTRAINT t_r_excl EXCLUDE USING gist (r WITH =) WHERE (NOT isempty(r)), CONSTRAINT e EXCLUDE USING gist (c WITH &&) DEFERRABLE);
== checks
-- a
CREATE TABLE t (a int CHECK (a > 0), b text, CONSTRAINT c CHECK (b IN ('x', '1', '2', '3')), CONSTRAINT n CHECK (a <> 5) NO INHERIT);
-- b
CREATE TABLE t (a int CHECK (a >= 0), b text, CONSTRAINT c CHECK (b IN ('x', 'y', 'z', '1', '2', '3')), CONSTRAINT d CHECK (a < 100 OR b IS NULL)); ALTER TABLE t ADD CONSTRAINT v CHECK (a > -1) NOT VALID;
== NOT NULL and defaults
-- a
CREATE TABLE t (a int, b int NOT NULL, c text DEFAULT 'x', d timestamptz DEFAULT now(), e int[] DEFAULT '{}');
-- b
CREATE TABLE t (a int NOT NULL DEFAULT 0, b int, c text NOT NULL, d timestamptz DEFAULT CURRENT_TIMESTAMP + interval '1 day', e int[] DEFAULT ARRAY[1, 2]);
== types of columns
-- a
CREATE TABLE t (a int, b varchar(20), c numeric(10,2), d timestamp, e text, f bit(4), g char(3), h json, i int[]);
-- b
CREATE TABLE t (a text, b varchar(10), c numeric(12,3), d timestamptz, e varchar, f bit varying, g char(5), h jsonb, i bigint[]);
== text becomes a number, with a default
-- a
CREATE TABLE t (a text DEFAULT '1', b text DEFAULT '7.5', c varchar DEFAULT '3');
-- b
CREATE TABLE t (a int DEFAULT 1, b numeric(6,2) DEFAULT 7.5, c bigint);
== generated columns
-- a
CREATE TABLE t (a int, b int GENERATED ALWAYS AS (a + 1) STORED, c int); CREATE VIEW v AS SELECT b FROM t; CREATE INDEX t_b ON t (b);
-- b
CREATE TABLE t (a int, b int GENERATED ALWAYS AS (a + 2) STORED, c int GENERATED ALWAYS AS (a) STORED); CREATE VIEW v AS SELECT b FROM t; CREATE INDEX t_b ON t (b);
== what a generated column is of changes its type
-- a
CREATE TABLE t (a int, b text, g int GENERATED ALWAYS AS (a + 1) STORED, CHECK (g > 0));
-- b
CREATE TABLE t (a bigint, b text, g bigint GENERATED ALWAYS AS (a + 1) STORED, CHECK (g > 0));
== a generated column becomes a plain one
-- a
CREATE TABLE t (a int, b int GENERATED ALWAYS AS (a * 2) STORED);
-- b
CREATE TABLE t (a int, b int DEFAULT 7);
== a virtual generated column (18)
-- a
CREATE TABLE t (a int, b int GENERATED ALWAYS AS (a * 2) STORED);
-- b
CREATE TABLE t (a int, b int GENERATED ALWAYS AS (a * 2) VIRTUAL, c int GENERATED ALWAYS AS (a) VIRTUAL);
== collations
-- a
CREATE COLLATION co (provider = libc, locale = 'C'); CREATE TABLE t (a text COLLATE "C", b text COLLATE co); CREATE INDEX t_a ON t (a); CREATE VIEW v AS SELECT a FROM t;
-- b
CREATE COLLATION co (provider = libc, locale = 'POSIX'); CREATE TABLE t (a text, b text COLLATE co); CREATE INDEX t_a ON t (a COLLATE "POSIX"); CREATE VIEW v AS SELECT a FROM t;
== comments
-- a
CREATE SCHEMA s; CREATE TABLE t (a int, b int CONSTRAINT k CHECK (b > 0)); COMMENT ON TABLE t IS 'one'; COMMENT ON COLUMN t.a IS 'it''s'; CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE VIEW v AS SELECT a FROM t;
-- b
CREATE SCHEMA s; CREATE TABLE t (a int, b int CONSTRAINT k CHECK (b > 0)); COMMENT ON COLUMN t.b IS E'line\nline'; COMMENT ON SCHEMA s IS 's'; COMMENT ON CONSTRAINT k ON t IS 'k'; CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1';
COMMENT ON FUNCTION f() IS 'f'; CREATE VIEW v AS SELECT a FROM t; COMMENT ON COLUMN v.a IS 'va'; COMMENT ON VIEW v IS '';
== extensions
-- a
CREATE EXTENSION pg_trgm; CREATE TABLE t (a text); CREATE INDEX t_a ON t USING gin (a gin_trgm_ops);
-- b
CREATE EXTENSION hstore; CREATE TABLE t (a text, h hstore); CREATE INDEX t_h ON t USING gist (h);
== an extension in another schema
CREATE SCHEMA ext;
-- a
CREATE EXTENSION hstore; CREATE TABLE t (h hstore DEFAULT ''); CREATE VIEW v AS SELECT h -> 'a' AS a FROM t;
-- b
CREATE EXTENSION hstore SCHEMA ext; CREATE TABLE t (h ext.hstore DEFAULT ''); CREATE VIEW v AS SELECT h OPERATOR(ext.->) 'a' AS a FROM t;
== schemas with everything in them
-- a
CREATE SCHEMA one; CREATE TABLE one.t (id serial PRIMARY KEY); CREATE VIEW one.v AS SELECT * FROM one.t;
-- b
CREATE SCHEMA two; CREATE TABLE two.x (id serial PRIMARY KEY, n text); CREATE VIEW two.y AS SELECT n FROM two.x; CREATE FUNCTION two.f() RETURNS SETOF two.x LANGUAGE sql AS 'SELECT * FROM two.x';
== a table in another schema
CREATE SCHEMA s;
-- a
CREATE TABLE s.t (id int PRIMARY KEY, n text); CREATE TABLE c (t int REFERENCES s.t);
-- b
CREATE TABLE t (id int PRIMARY KEY, n text); CREATE TABLE c (t int REFERENCES t);
== names that have to be quoted
-- a
CREATE SCHEMA "Sch 1"; CREATE TABLE "Sch 1"."Ta.ble" ("Co""l" int, "select" text); CREATE INDEX "In-dex" ON "Sch 1"."Ta.ble" ("Co""l"); CREATE VIEW "Sch 1"."V" AS SELECT "Co""l" AS "Order" FROM "Sch 1"."Ta.ble";
-- b
CREATE SCHEMA "Sch 1"; CREATE TYPE "Sch 1"."En.um" AS ENUM ('a''b', 'C', '1', '2', '3'); CREATE TABLE "Sch 1"."Ta.ble" ("Co""l" bigint NOT NULL, "select" "Sch 1"."En.um", "Äö" int CONSTRAINT "Ch eck" CHECK ("Äö" > 0)); CREATE INDEX "In-dex" ON "Sch 1"."Ta.ble" ("Co""l" DESC); CREATE VIEW "Sch 1"."V" AS SELECT "Co""l" AS "Order" FROM "Sch 1"."Ta.ble";
== kinds that share a name
-- a
CREATE TABLE x (id int); CREATE SEQUENCE y; CREATE TYPE z AS ENUM ('a'); CREATE INDEX w ON x (id);
-- b
CREATE VIEW x AS SELECT 1 AS id; CREATE TABLE y (id int); CREATE DOMAIN z AS int; CREATE TABLE w (id int);
== operators, casts and classes
-- a
CREATE FUNCTION eq(int, text) RETURNS boolean IMMUTABLE LANGUAGE sql AS 'SELECT true'; CREATE OPERATOR === (LEFTARG = int, RIGHTARG = text, FUNCTION = eq); CREATE TYPE ty AS (a int);
-- b
CREATE FUNCTION eq(int, text) RETURNS boolean IMMUTABLE LANGUAGE sql AS 'SELECT false'; CREATE OPERATOR ==== (LEFTARG = int, RIGHTARG = text, FUNCTION = eq); CREATE TYPE ty AS (a int); CREATE FUNCTION ty_int(ty) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT ($1).a'; CREATE CAST (ty AS int) WITH FUNCTION ty_int(ty) AS ASSIGNMENT;
== a cast gets another function, and its type another attribute; the functions stay
-- a
CREATE TYPE ty AS (a int, b text); CREATE FUNCTION one(ty) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 1'; CREATE FUNCTION two(ty) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 2'; CREATE CAST (ty AS int) WITH FUNCTION one(ty); CREATE TABLE t (a int); CREATE VIEW v AS SELECT (ROW(a, 'x')::ty)::int AS x FROM t;
-- b
CREATE TYPE ty AS (a bigint, b text); CREATE FUNCTION one(ty) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 1'; CREATE FUNCTION two(ty) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 2'; CREATE CAST (ty AS int) WITH FUNCTION two(ty); CREATE TABLE t (a int); CREATE VIEW v AS SELECT (ROW(a, 'x')::ty)::int AS x FROM t;
== an operator gets another function, and its type another attribute; the functions stay
-- a
CREATE TYPE ty AS (a int, b text); CREATE FUNCTION one(ty, ty) RETURNS boolean IMMUTABLE LANGUAGE sql AS 'SELECT true'; CREATE FUNCTION two(ty, ty) RETURNS boolean IMMUTABLE LANGUAGE sql AS 'SELECT false'; CREATE OPERATOR === (LEFTARG = ty, RIGHTARG = ty, FUNCTION = one);
-- b
CREATE TYPE ty AS (a int); CREATE FUNCTION one(ty, ty) RETURNS boolean IMMUTABLE LANGUAGE sql AS 'SELECT true'; CREATE FUNCTION two(ty, ty) RETURNS boolean IMMUTABLE LANGUAGE sql AS 'SELECT false'; CREATE OPERATOR === (LEFTARG = ty, RIGHTARG = ty, FUNCTION = two); CREATE TABLE t (x ty); CREATE VIEW v AS SELECT two(x, x) AS y FROM t;
== a view gets another function, and the type of that another attribute; the functions stay
-- a
CREATE TYPE ty AS (a int, b text); CREATE FUNCTION one(ty) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 1'; CREATE FUNCTION two(ty) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 2'; CREATE TABLE t (a ty); CREATE VIEW v AS SELECT one(a) AS x FROM t; CREATE TABLE u (a int DEFAULT 1, x ty, CHECK (one(x) = 1));
-- b
CREATE TYPE ty AS (a bigint, b text); CREATE FUNCTION one(ty) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 1'; CREATE FUNCTION two(ty) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT 2'; CREATE TABLE t (a ty); CREATE VIEW v AS SELECT two(a) AS x FROM t; CREATE TABLE u (a int DEFAULT 1, x ty, CHECK (two(x) = 2));
== aggregates with functions that change
-- a
CREATE FUNCTION sf(int, int) RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE AGGREGATE g(int) (SFUNC = sf, STYPE = int, INITCOND = '0'); CREATE TABLE t (a int); CREATE VIEW v AS SELECT g(a) FROM t;
-- b
CREATE FUNCTION sf(bigint, int) RETURNS bigint LANGUAGE sql AS 'SELECT 1::bigint'; CREATE AGGREGATE g(int) (SFUNC = sf, STYPE = bigint, INITCOND = '0'); CREATE TABLE t (a int); CREATE VIEW v AS SELECT g(a) FROM t;
== foreign tables
CREATE FOREIGN DATA WRAPPER w; CREATE SERVER s FOREIGN DATA WRAPPER w OPTIONS (host 'a');
-- a
CREATE FOREIGN TABLE ft (a int OPTIONS (n 'x'), b text) SERVER s OPTIONS (t 'a');
-- b
CREATE FOREIGN TABLE ft (a bigint OPTIONS (n 'y'), c date NOT NULL) SERVER s OPTIONS (t 'b', u 'c'); CREATE VIEW v AS SELECT * FROM ft; CREATE USER MAPPING FOR other SERVER s;
== storage, statistics and options
-- a
CREATE TABLE t (a text, b int) WITH (fillfactor = 70); CREATE STATISTICS st ON a, b FROM t;
-- b
CREATE TABLE t (a text, b int) WITH (autovacuum_enabled = off, toast.autovacuum_enabled = off); ALTER TABLE t ALTER a SET STORAGE external, ALTER b SET STATISTICS 50, ALTER b SET (n_distinct = 5); CREATE STATISTICS st (mcv) ON b, a FROM t; CREATE UNLOGGED TABLE u (a int);
== replica identity, cluster, publications
-- a
CREATE TABLE t (a int NOT NULL, b int PRIMARY KEY); CREATE UNIQUE INDEX t_a ON t (a); CREATE PUBLICATION p FOR TABLE t;
-- b
CREATE TABLE t (a int NOT NULL, b int PRIMARY KEY); CREATE UNIQUE INDEX t_a ON t (a); ALTER TABLE t REPLICA IDENTITY USING INDEX t_a; ALTER TABLE t CLUSTER ON t_a; CREATE PUBLICATION p FOR TABLE t (a, b) WHERE (a > 5) WITH (publish = 'insert');
== a typed table
CREATE TYPE ty AS (a int, b text);
-- a
CREATE TABLE t OF ty;
-- b
CREATE TABLE t OF ty (a NOT NULL DEFAULT 5, PRIMARY KEY (a));
== a table's row type as argument, result and column
-- a
CREATE TABLE t (a int, b text); CREATE FUNCTION f(t) RETURNS text LANGUAGE sql AS 'SELECT ($1).b'; CREATE TABLE u (x t, y t[]); CREATE VIEW v AS SELECT f(t) AS z FROM t;
-- b
CREATE TABLE t (a int, b text, c date); CREATE FUNCTION f(t) RETURNS text LANGUAGE sql AS 'SELECT ($1).b || ($1).c'; CREATE TABLE u (x t, y t[]); CREATE VIEW v AS SELECT f(t) AS z FROM t;
== functions that call each other in defaults, checks and views
-- a
-- b
CREATE TABLE t (id int); CREATE FUNCTION f1() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM t'; CREATE VIEW v AS SELECT f1() AS n; CREATE FUNCTION f2() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT n FROM v; END;
CREATE TABLE u (id bigint DEFAULT f2(), CHECK (id >= 0)); CREATE TABLE w (LIKE u INCLUDING ALL); CREATE FUNCTION f3(u) RETURNS SETOF w LANGUAGE plpgsql AS 'BEGIN RETURN; END'; CREATE AGGREGATE g(bigint) (SFUNC = int8pl, STYPE = bigint); CREATE MATERIALIZED VIEW mv AS SELECT g(id) FROM u;
== a column is replaced by two, a view and a foreign key stay
-- a
CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE t (id int, name text, p int REFERENCES p); CREATE VIEW v AS SELECT t.id, t.name FROM t JOIN p ON p.id = t.p;
-- b
CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE t (id int, first_name text, last_name text, p int REFERENCES p); CREATE VIEW v AS SELECT t.id, t.first_name || ' ' || t.last_name AS name FROM t JOIN p ON p.id = t.p;
== text search
-- a
CREATE TEXT SEARCH DICTIONARY d (TEMPLATE = simple, stopwords = english); CREATE TEXT SEARCH CONFIGURATION c (COPY = english); CREATE TABLE t (a text); CREATE INDEX t_a ON t USING gin (to_tsvector('english', a));
-- b
CREATE TEXT SEARCH DICTIONARY d (TEMPLATE = simple, accept = false); CREATE TEXT SEARCH CONFIGURATION c (COPY = simple); ALTER TEXT SEARCH CONFIGURATION c ALTER MAPPING FOR word WITH d; CREATE TABLE t (a text, s tsvector GENERATED ALWAYS AS (to_tsvector('simple', a)) STORED); CREATE INDEX t_a ON t USING gin (s);
== a column's default is a sequence of another table, which goes
-- a
CREATE TABLE old (id serial PRIMARY KEY); CREATE TABLE new (id int DEFAULT nextval('old_id_seq'));
-- b
CREATE SEQUENCE new_id_seq; CREATE TABLE new (id int DEFAULT nextval('new_id_seq'));
== everything new at once
-- a
-- b
CREATE SCHEMA app; CREATE TYPE app.state AS ENUM ('new', 'done'); CREATE DOMAIN app.email AS text CHECK (VALUE ~ '@'); CREATE TABLE app.users (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email app.email UNIQUE NOT NULL, created timestamptz DEFAULT now());
CREATE TABLE app.orders (id bigserial PRIMARY KEY, user_id bigint NOT NULL REFERENCES app.users ON DELETE CASCADE, state app.state NOT NULL DEFAULT 'new', total numeric(10,2) CHECK (total >= 0), data jsonb DEFAULT '{}'::jsonb, period tstzrange, EXCLUDE USING gist (period WITH &&));
CREATE INDEX ON app.orders (user_id, state) WHERE state <> 'done'; CREATE INDEX ON app.orders USING gin (data); CREATE VIEW app.open AS SELECT u.email, count(*) AS n FROM app.users u JOIN app.orders o ON o.user_id = u.id WHERE o.state = 'new' GROUP BY u.email;
CREATE FUNCTION app.touch() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN NEW.created := now(); RETURN NEW; END $$; CREATE TRIGGER touch BEFORE UPDATE ON app.users FOR EACH ROW EXECUTE FUNCTION app.touch(); ALTER TABLE app.orders ENABLE ROW LEVEL SECURITY; CREATE POLICY own ON app.orders USING (user_id = current_setting('app.user')::bigint);
GRANT USAGE ON SCHEMA app TO other; GRANT SELECT ON ALL TABLES IN SCHEMA app TO other; COMMENT ON TABLE app.users IS 'Users';
== a table of columns that have to be quoted goes, and an heir of one that loses a column
-- a
CREATE TABLE t (id int, "primary" int, alpha int, "Zulu" int); CREATE TABLE p (a int, b int); CREATE TABLE h (c int) INHERITS (p);
-- b
CREATE TABLE p (a int);
== a table that goes has a name that is needed, another one that goes refers to it
-- a
CREATE TABLE k (id int CONSTRAINT wanted PRIMARY KEY); CREATE TABLE c (k int REFERENCES k);
-- b
CREATE TABLE wanted (id int);
== a partition is missing, and a column of the whole has to go
-- a
CREATE TABLE w (k int PRIMARY KEY, x int) PARTITION BY RANGE (k); CREATE TABLE w1 PARTITION OF w FOR VALUES FROM (0) TO (10); CREATE INDEX ON w (x);
-- b
CREATE TABLE w (k int PRIMARY KEY) PARTITION BY RANGE (k); CREATE TABLE w1 PARTITION OF w FOR VALUES FROM (0) TO (10); CREATE TABLE w2 PARTITION OF w FOR VALUES FROM (10) TO (20);
== keys and indexes of partitioned tables come
-- a
CREATE TABLE t (id int, k int, n text) PARTITION BY LIST (k); CREATE TABLE t1 PARTITION OF t FOR VALUES IN (1); CREATE TABLE t2 PARTITION OF t FOR VALUES IN (2, 3) PARTITION BY LIST (k); CREATE TABLE t23 PARTITION OF t2 FOR VALUES IN (3);
-- b
CREATE TABLE t (id int, k int, n text, PRIMARY KEY (id, k), UNIQUE (n, k), CHECK (id > 0)) PARTITION BY LIST (k); CREATE TABLE t1 PARTITION OF t FOR VALUES IN (1); CREATE TABLE t2 PARTITION OF t FOR VALUES IN (2, 3) PARTITION BY LIST (k); CREATE TABLE t23 PARTITION OF t2 FOR VALUES IN (3);
CREATE INDEX ON t (n); CREATE TABLE c (id int, k int, FOREIGN KEY (id, k) REFERENCES t);
== keys of partitioned tables change
CREATE TABLE p (id int PRIMARY KEY);
-- a
CREATE TABLE t (id int, k int, n int, CONSTRAINT u UNIQUE (n, k), CONSTRAINT f FOREIGN KEY (id) REFERENCES p, CONSTRAINT c CHECK (id > 0)) PARTITION BY LIST (k); CREATE TABLE t1 PARTITION OF t FOR VALUES IN (1); CREATE INDEX i ON t (n);
-- b
CREATE TABLE t (id int, k int, n int, CONSTRAINT u UNIQUE (n, id, k), CONSTRAINT f FOREIGN KEY (id) REFERENCES p ON DELETE CASCADE, CONSTRAINT c CHECK (id > -1)) PARTITION BY LIST (k); CREATE TABLE t1 PARTITION OF t FOR VALUES IN (1); CREATE INDEX i ON t (id);
== a partition is set free, and a column goes
-- a
CREATE TABLE t (k int, gone int) PARTITION BY LIST (k); CREATE TABLE t1 PARTITION OF t FOR VALUES IN (1, 2, 3);
-- b
CREATE TABLE t (k int) PARTITION BY LIST (k); CREATE TABLE t1 (k int);
== domains within arrays and composites get what the server refuses them
-- a
CREATE DOMAIN d AS int; CREATE TABLE t (id int, a d[]); CREATE DOMAIN f AS int CHECK (VALUE > -3); CREATE TYPE c AS (x f); CREATE TABLE tc (c c); CREATE DOMAIN g AS int; CREATE TYPE unused AS (x g);
-- b
CREATE DOMAIN d AS int NOT NULL CHECK (VALUE > 0); CREATE TABLE t (id int, a d[]); CREATE DOMAIN f AS int CHECK (VALUE > -2); CREATE TYPE c AS (x f); CREATE TABLE tc (c c); CREATE DOMAIN g AS int NOT NULL CHECK (VALUE > 0); CREATE TYPE unused AS (x g);
== the column that a table is partitioned by has another name
-- a
CREATE TABLE w (k int, at date) PARTITION BY RANGE (at); CREATE TABLE w1 PARTITION OF w FOR VALUES FROM ('2022-01-01') TO ('2023-01-01');
-- b
CREATE TABLE w (k int, day date) PARTITION BY RANGE (day); CREATE TABLE w1 PARTITION OF w FOR VALUES FROM ('2022-01-01') TO ('2023-01-01');
== a key leads to a unique index, of which a column has another name
-- a
CREATE TABLE p (id int, tenant int); CREATE UNIQUE INDEX p_key ON p (id, tenant); CREATE TABLE c (p int, tenant int, FOREIGN KEY (p, tenant) REFERENCES p (id, tenant), CHECK (tenant < 0));
-- b
CREATE TABLE p (number int, tenant int); CREATE UNIQUE INDEX p_key ON p (number, tenant); CREATE TABLE c (p int, tenant int, FOREIGN KEY (p, tenant) REFERENCES p (number, tenant), CHECK (tenant < 0));
== an index has another name and another comment
-- a
CREATE TABLE doc (id int, title text); CREATE INDEX doc_old ON doc (title); COMMENT ON INDEX doc_old IS 'before';
-- b
CREATE TABLE doc (id int, title text); CREATE INDEX doc_new ON doc (title); COMMENT ON INDEX doc_new IS 'after';
== a table with a policy and a rule is partitioned no more
-- a
CREATE TABLE entry (region text) PARTITION BY LIST (region); CREATE POLICY entry_read ON entry FOR SELECT USING (true); CREATE RULE entry_kept AS ON DELETE TO entry DO INSTEAD NOTHING;
-- b
CREATE TABLE entry (region text, amount int); CREATE POLICY entry_read ON entry FOR SELECT USING (amount > 0); CREATE RULE entry_kept AS ON DELETE TO entry WHERE old.amount > 0 DO INSTEAD NOTHING;
== a key gets the name that an index of a partitioned table has
-- a
CREATE TABLE stock (shop int NOT NULL, item int NOT NULL) PARTITION BY LIST (shop); CREATE TABLE stock_1 PARTITION OF stock FOR VALUES IN (1); CREATE UNIQUE INDEX stock_key ON stock (shop, item);
-- b
CREATE TABLE stock (shop int NOT NULL, item int NOT NULL, CONSTRAINT stock_key UNIQUE (shop, item)) PARTITION BY LIST (shop); CREATE TABLE stock_1 PARTITION OF stock FOR VALUES IN (1);
== a key gets the name of an index that waits for those of the partitions
-- a
CREATE TABLE price (shop int NOT NULL, item int NOT NULL) PARTITION BY LIST (shop); CREATE TABLE price_1 PARTITION OF price FOR VALUES IN (1); CREATE UNIQUE INDEX price_key ON ONLY price (shop, item); ALTER TABLE price_1 ADD CONSTRAINT price_1_key PRIMARY KEY (shop, item);
-- b
CREATE TABLE price (shop int NOT NULL, item int NOT NULL, CONSTRAINT price_key PRIMARY KEY (shop, item)) PARTITION BY LIST (shop); CREATE TABLE price_1 PARTITION OF price FOR VALUES IN (1);
== indexes and keys of a partition stay when those of the whole go
-- a
CREATE TABLE sale (shop int, item int, day date, UNIQUE (shop, item)) PARTITION BY LIST (shop); CREATE TABLE sale_1 PARTITION OF sale FOR VALUES IN (1); CREATE INDEX sale_day ON sale (day);
CREATE UNIQUE INDEX sale_unique ON sale (shop, day); COMMENT ON INDEX sale_1_day_idx IS 'of one shop';
-- b
CREATE TABLE sale (shop int, item int, day date) PARTITION BY LIST (shop); CREATE TABLE sale_1 PARTITION OF sale FOR VALUES IN (1); CREATE INDEX sale_1_day_idx ON sale_1 (day);
CREATE UNIQUE INDEX sale_1_shop_day_idx ON sale_1 (shop, day); ALTER TABLE sale_1 ADD CONSTRAINT sale_1_shop_item_key UNIQUE (shop, item); COMMENT ON INDEX sale_1_day_idx IS 'of one shop';
== an enum has none of its labels
-- a
CREATE TYPE size AS ENUM ('small', 'large'); CREATE FUNCTION sizes() RETURNS SETOF size LANGUAGE sql AS 'SELECT NULL::size';
-- b
CREATE TYPE size AS ENUM ('s', 'm', 'l'); CREATE FUNCTION sizes() RETURNS SETOF size LANGUAGE sql AS 'SELECT NULL::size';
== sequences start where they may not
-- a
CREATE SEQUENCE ticket START 500 MAXVALUE 1000; CREATE TABLE reading (id int GENERATED ALWAYS AS IDENTITY (START -300 MINVALUE -900));
-- b
CREATE SEQUENCE ticket START 5 MAXVALUE 90 INCREMENT 5; CREATE TABLE reading (id int GENERATED ALWAYS AS IDENTITY (START -30 MINVALUE -60 MAXVALUE 60));
== a collation is a copy of one that any encoding has
-- a
CREATE COLLATION plain (locale = 'C'); CREATE TABLE word (w text COLLATE plain);
-- b
CREATE COLLATION bytes FROM "C"; CREATE COLLATION plain FROM "POSIX"; CREATE TABLE word (w text COLLATE plain, b text COLLATE bytes);
== an heir keeps the column that its parent loses
-- a
CREATE TABLE being (name text, age int); CREATE TABLE person (email text) INHERITS (being); CREATE TABLE clerk (room int) INHERITS (person);
-- b
CREATE TABLE being (name text); CREATE TABLE person (age int, email text) INHERITS (being); CREATE TABLE clerk (room int) INHERITS (person);
== an heir gets another parent, which loses a column
-- a
CREATE TABLE old_parent (id int); CREATE TABLE new_parent (id int, note text); CREATE TABLE heir (id int, x int) INHERITS (old_parent);
-- b
CREATE TABLE old_parent (id int); CREATE TABLE new_parent (id int); CREATE TABLE heir (id int, x int) INHERITS (new_parent);
== event triggers that let nothing pass
-- a
CREATE TABLE kept (id int); CREATE FUNCTION no_more() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no % here', tg_tag; END $$; CREATE EVENT TRIGGER refuse ON ddl_command_start EXECUTE FUNCTION no_more();
-- b
CREATE TABLE kept (id int, note text); CREATE FUNCTION nothing() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no % here either', tg_tag; END $$; CREATE EVENT TRIGGER refuse_all ON ddl_command_start EXECUTE FUNCTION nothing();
== what is asked of a column goes with its type
-- a
CREATE TABLE form (id int PRIMARY KEY, field int NOT NULL CONSTRAINT field_ok CHECK (field > 0)); CREATE INDEX form_field ON form (id) WHERE field > 5; CREATE INDEX form_twice ON form ((field * 2));
-- b
CREATE TABLE form (id int PRIMARY KEY, field varchar(20) CONSTRAINT field_ok CHECK (field <> '')); CREATE INDEX form_field ON form (id) WHERE field <> 'x';
== tables that refer to one another are partitioned, with sequences and triggers
CREATE FUNCTION newer() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN NEW.version := OLD.version + 1; RETURN NEW; END'; CREATE SCHEMA parts;
-- a
CREATE TABLE book (id serial, version int, shelf text NOT NULL, place text NOT NULL, UNIQUE (shelf, place)) PARTITION BY LIST (shelf); CREATE TABLE parts.book_1 PARTITION OF book FOR VALUES IN ('1', '2', '3');
CREATE INDEX book_id ON book (id); CREATE TRIGGER newer BEFORE UPDATE ON book FOR EACH ROW WHEN (old.* IS DISTINCT FROM new.*) EXECUTE FUNCTION newer();
CREATE TABLE spot (shelf text NOT NULL, place text NOT NULL, UNIQUE (shelf, place)) PARTITION BY LIST (shelf); CREATE TABLE spot_1 PARTITION OF spot FOR VALUES IN ('1', '2', '3');
ALTER TABLE spot ADD CONSTRAINT spot_book FOREIGN KEY (shelf, place) REFERENCES book (shelf, place); ALTER TABLE book ADD CONSTRAINT book_spot FOREIGN KEY (shelf, place) REFERENCES spot (shelf, place);
-- b
CREATE TABLE book (id serial, version int, shelf text NOT NULL, place text NOT NULL, UNIQUE (shelf, place)); CREATE TABLE parts.book_1 (id serial, version int, shelf text NOT NULL, place text NOT NULL, UNIQUE (shelf, place));
CREATE INDEX book_id ON book (id); CREATE TRIGGER newer BEFORE UPDATE ON book FOR EACH ROW WHEN (old.* IS DISTINCT FROM new.*) EXECUTE FUNCTION newer();
CREATE TRIGGER newer BEFORE UPDATE ON parts.book_1 FOR EACH ROW WHEN (old.* IS DISTINCT FROM new.*) EXECUTE FUNCTION newer();
CREATE TABLE spot (shelf text NOT NULL, place text NOT NULL, UNIQUE (shelf, place)); CREATE TABLE spot_1 (shelf text NOT NULL, place text NOT NULL);
ALTER TABLE spot ADD CONSTRAINT spot_book FOREIGN KEY (shelf, place) REFERENCES book (shelf, place); ALTER TABLE book ADD CONSTRAINT book_spot FOREIGN KEY (shelf, place) REFERENCES spot (shelf, place);
== a key leads to a partitioned table instead, whose index has the name of the old one
-- a
CREATE TABLE plain_parent (a int, b int); CREATE UNIQUE INDEX parent_ab ON plain_parent (a, b); CREATE TABLE parted_parent (a int, b int) PARTITION BY LIST (a); CREATE TABLE parted_parent_1 PARTITION OF parted_parent FOR VALUES IN (1, 2, 3);
CREATE TABLE kid (a int, b int, CONSTRAINT kid_parent FOREIGN KEY (a, b) REFERENCES plain_parent (a, b) NOT VALID);
-- b
CREATE TABLE plain_parent (a int, b int); CREATE TABLE parted_parent (a int, b int) PARTITION BY LIST (a); CREATE TABLE parted_parent_1 PARTITION OF parted_parent FOR VALUES IN (1, 2, 3); CREATE UNIQUE INDEX parent_ab ON parted_parent (a, b);
CREATE TABLE kid (a int, b int, CONSTRAINT kid_parent FOREIGN KEY (a, b) REFERENCES parted_parent (a, b));
== default privileges give more than a new table has
ALTER DEFAULT PRIVILEGES GRANT SELECT, INSERT, UPDATE ON TABLES TO other;
-- a
-- b
CREATE TABLE shown (id int); REVOKE INSERT, UPDATE ON shown FROM other; CREATE TABLE hidden (id int); REVOKE ALL ON hidden FROM other; CREATE TABLE open (id int);
== a type that no cast makes the other
-- a
CREATE TABLE event (id int PRIMARY KEY, at bigint NOT NULL DEFAULT 5); CREATE TABLE seen (at bigint);
-- b
CREATE TABLE event (id int PRIMARY KEY, at timestamptz DEFAULT now()); CREATE TABLE seen (at timestamptz);
== an extension is in a schema that only one side has
-- a
CREATE SCHEMA one; CREATE EXTENSION btree_gin SCHEMA one;
-- b
CREATE SCHEMA two; CREATE EXTENSION btree_gin SCHEMA two; CREATE TABLE two.t (id int);
== a primary key has another name and another column
-- a
CREATE TABLE ident (id int NOT NULL, code text NOT NULL, CONSTRAINT ident_by_id PRIMARY KEY (id));
-- b
CREATE TABLE ident (id int NOT NULL, code text NOT NULL, CONSTRAINT ident_pkey PRIMARY KEY (code));
== two schemas have the same tables
-- a
CREATE SCHEMA before; CREATE TABLE before.thing (id int PRIMARY KEY); CREATE TABLE before.other (id int);
-- b
CREATE SCHEMA after; CREATE TABLE after.thing (id int PRIMARY KEY); CREATE TABLE after.other (id int);
== a table goes, and the extension that its index uses
-- a
CREATE EXTENSION btree_gin; CREATE TABLE searched (id int, t text); CREATE INDEX searched_id ON searched USING gin (id);
-- b
CREATE TABLE rest (id int);
== a whole may be null where its partition may not, and a parent where its heir may not
-- a
CREATE TABLE w (k int NOT NULL, v int NOT NULL) PARTITION BY LIST (k); CREATE TABLE w1 PARTITION OF w FOR VALUES IN (1, 2, 3);
CREATE TABLE up (v int NOT NULL); CREATE TABLE down (x int) INHERITS (up);
-- b
CREATE TABLE w (k int, v int) PARTITION BY LIST (k); CREATE TABLE w1 PARTITION OF w (v NOT NULL) FOR VALUES IN (1, 2, 3);
CREATE TABLE up (v int); CREATE TABLE down (x int) INHERITS (up); ALTER TABLE down ALTER v SET NOT NULL;
