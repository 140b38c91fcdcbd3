# 141_ddl_guard.pl: the guard of direct DDL.
#
#   - 91 kinds of DDL, and 42 other statements, by five roles: a superuser is warned, a migration role and one with a reason pass,
#     anybody else is refused, whatever they set; each as a statement of a session that has the library and as the first one of
#     a session that has not
#   - before any lock, and without an invalid index
#   - plans and their rollback, extension scripts, rights that are lent, SET ROLE, schemas
#   - with schemas: partitions, heirs, keys, parts of CREATE SCHEMA, and names that mean another table when the lock comes
#   - IF EXISTS and IF NOT EXISTS with nothing to do, and with something that comes or goes after the look
#   - open sessions see each change; a reason is logged
#   - dump and restore, a copy of the database, DROP EXTENSION, a subscription
#   - sg_manual_changes(): open, adopted, reverted, unknown
#
# rooms: ddl report
# takes: 30 s
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Utils;
use Test::More;
use SgTest;

my $node = new_node('guard', conf => "wal_level = logical\nmax_prepared_transactions = 5\nmax_wal_senders = 5\n");
my $super = $node->safe_psql('postgres', 'SELECT current_user');
my $dbname = 'postgres';

# ---- what is tried

$node->safe_psql('postgres', q{
	CREATE ROLE app; CREATE ROLE alice LOGIN CREATEROLE; CREATE ROLE carol LOGIN CREATEROLE; CREATE ROLE deploy LOGIN CREATEROLE;
	CREATE ROLE liar LOGIN CREATEROLE;
	GRANT app TO alice, carol, deploy, liar;
	GRANT CREATE ON DATABASE postgres TO app;
	GRANT SET ON PARAMETER schemaguard.reason TO carol;
	SELECT sg_grant('alice');
	CREATE SCHEMA s AUTHORIZATION app; CREATE SCHEMA s2 AUTHORIZATION app;
	SET ROLE app;
	CREATE TABLE s.t (a int PRIMARY KEY, b int); INSERT INTO s.t SELECT i, i FROM generate_series(1, 5) i;
	CREATE TABLE s.c (a int, b int); CREATE INDEX i ON s.t (b); CREATE INDEX i_gone ON s.t (b); CREATE INDEX i_gone_2 ON s.t (b);
	CREATE TABLE s.part (a int) PARTITION BY LIST (a); CREATE TABLE s.part_2 (a int);
	CREATE VIEW s.v AS SELECT 1 AS x; CREATE MATERIALIZED VIEW s.m AS SELECT 1 AS x; CREATE SEQUENCE s.q;
	CREATE FUNCTION s.f() RETURNS int LANGUAGE sql AS 'SELECT 1';
	CREATE FUNCTION s.tf() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END';
	CREATE TRIGGER tr AFTER INSERT ON s.t EXECUTE FUNCTION s.tf();
	CREATE TYPE s.e AS ENUM ('a', 'b'); CREATE TYPE s.comp AS (a int); CREATE DOMAIN s.d AS int;
	CREATE POLICY po ON s.t USING (true); CREATE STATISTICS s.st ON a, b FROM s.t;
});

# kinds of DDL that are guarded; a name that begins with ! is of what cannot be in a transaction
my @guarded = (
	[ 'CREATE TABLE', 'CREATE TABLE s.new (a int PRIMARY KEY)' ],
	[ 'CREATE TABLE AS', 'CREATE TABLE s.new AS SELECT 1 AS a' ],
	[ 'SELECT INTO', 'SELECT 1 AS a INTO s.new' ],
	[ 'EXPLAIN ANALYZE CREATE TABLE AS', 'EXPLAIN (ANALYZE, COSTS off, TIMING off, SUMMARY off) CREATE TABLE s.new AS SELECT 1 AS a', 'hook' ],
	[ 'CREATE TABLE IF NOT EXISTS', 'CREATE TABLE IF NOT EXISTS s.new (a int)' ],
	[ 'CREATE INDEX IF NOT EXISTS', 'CREATE INDEX IF NOT EXISTS i_new ON s.t (b)' ],
	[ '!CREATE INDEX CONCURRENTLY IF NOT EXISTS', 'CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON s.t (b)' ],
	[ 'ADD COLUMN IF NOT EXISTS, one of two', 'ALTER TABLE s.t ADD COLUMN IF NOT EXISTS b int, ADD COLUMN IF NOT EXISTS new int' ],
	[ 'DROP COLUMN IF EXISTS', 'ALTER TABLE s.t DROP COLUMN IF EXISTS new, DROP COLUMN IF EXISTS b' ],
	[ 'DROP CONSTRAINT IF EXISTS', 'ALTER TABLE s.t DROP CONSTRAINT IF EXISTS t_pkey' ],
	[ 'DROP TRIGGER IF EXISTS', 'DROP TRIGGER IF EXISTS tr ON s.t' ],
	[ 'DROP SCHEMA IF EXISTS', 'DROP SCHEMA IF EXISTS no_such_schema, s2' ],
	[ 'DROP STATISTICS IF EXISTS', 'DROP STATISTICS IF EXISTS s.st' ],
	[ 'ALTER STATISTICS', 'ALTER STATISTICS s.st SET STATISTICS 10' ],
	[ 'EXPLAIN ANALYZE CREATE TABLE IF NOT EXISTS AS', 'EXPLAIN (ANALYZE, COSTS off, TIMING off, SUMMARY off) CREATE TABLE IF NOT EXISTS s.t AS SELECT 1 AS a', 'hook' ],
	[ 'CREATE TABLE LIKE', 'CREATE TABLE s.new (LIKE s.t INCLUDING ALL)' ],
	[ 'CREATE TABLE PARTITION OF', 'CREATE TABLE s.new PARTITION OF s.part FOR VALUES IN (1)' ],
	[ 'ATTACH PARTITION', 'ALTER TABLE s.part ATTACH PARTITION s.part_2 FOR VALUES IN (2)' ],
	[ 'ADD COLUMN', 'ALTER TABLE s.t ADD x int' ],
	[ 'DROP COLUMN', 'ALTER TABLE s.t DROP b' ],
	[ 'ALTER COLUMN TYPE', 'ALTER TABLE s.c ALTER b TYPE bigint' ],
	[ 'ADD CHECK', 'ALTER TABLE s.t ADD CHECK (a > 0) NOT VALID' ],
	[ 'ADD FOREIGN KEY', 'ALTER TABLE s.c ADD FOREIGN KEY (a) REFERENCES s.t' ],
	[ 'ENABLE ROW SECURITY', 'ALTER TABLE s.c ENABLE ROW LEVEL SECURITY' ],
	[ 'DISABLE TRIGGER', 'ALTER TABLE s.t DISABLE TRIGGER tr' ],
	[ 'SET STORAGE PARAMETER', 'ALTER TABLE s.t SET (fillfactor = 90)' ],
	[ 'RENAME TABLE', 'ALTER TABLE s.t RENAME TO t2' ],
	[ 'RENAME COLUMN', 'ALTER TABLE s.t RENAME a TO z' ],
	[ 'SET SCHEMA', 'ALTER TABLE s.t SET SCHEMA s2' ],
	[ 'OWNER TO', 'ALTER TABLE s.t OWNER TO app' ],
	[ 'DROP TABLE', 'DROP TABLE s.c' ],
	[ 'DROP TABLE CASCADE', 'DROP TABLE s.t CASCADE' ],
	[ 'DROP TABLE IF EXISTS', 'DROP TABLE IF EXISTS no_such_table, s.c' ],
	[ 'CREATE INDEX', 'CREATE INDEX ON s.t (b)' ],
	[ '!CREATE INDEX CONCURRENTLY', 'CREATE INDEX CONCURRENTLY IF NOT EXISTS made_alone ON s.t (b)' ],
	[ 'DROP INDEX', 'DROP INDEX s.i' ],
	[ '!DROP INDEX CONCURRENTLY', 'DROP INDEX CONCURRENTLY IF EXISTS s.i_gone' ],
	[ 'ALTER INDEX', 'ALTER INDEX s.i RENAME TO j' ],
	[ 'CREATE VIEW', 'CREATE VIEW s.w AS SELECT 1 AS x' ],
	[ 'CREATE OR REPLACE VIEW', 'CREATE OR REPLACE VIEW s.v AS SELECT 2 AS x' ],
	[ 'CREATE VIEW on what hides a temporary table', 'CREATE TEMP TABLE tt (a int); CREATE VIEW s.w AS WITH tt AS (SELECT 1 AS x) SELECT x FROM tt' ],
	[ 'DROP VIEW', 'DROP VIEW s.v' ],
	[ 'CREATE MATERIALIZED VIEW', 'CREATE MATERIALIZED VIEW s.n AS SELECT 1 AS x' ],
	[ 'DROP MATERIALIZED VIEW', 'DROP MATERIALIZED VIEW s.m' ],
	[ 'CREATE SEQUENCE', 'CREATE SEQUENCE s.r' ],
	[ 'ALTER SEQUENCE', 'ALTER SEQUENCE s.q RESTART' ],
	[ 'DROP SEQUENCE', 'DROP SEQUENCE s.q' ],
	[ 'CREATE FUNCTION', q{CREATE FUNCTION s.g() RETURNS int LANGUAGE sql AS 'SELECT 1'} ],
	[ 'CREATE OR REPLACE FUNCTION', q{CREATE OR REPLACE FUNCTION s.f() RETURNS int LANGUAGE sql AS 'SELECT 2'} ],
	[ 'ALTER FUNCTION', 'ALTER FUNCTION s.f() STRICT' ],
	[ 'DROP FUNCTION', 'DROP FUNCTION s.f()' ],
	[ 'CREATE PROCEDURE', q{CREATE PROCEDURE s.p() LANGUAGE sql AS 'SELECT 1'} ],
	[ 'CREATE AGGREGATE', 'CREATE AGGREGATE s.agg (int) (SFUNC = int4pl, STYPE = int)' ],
	[ 'CREATE OPERATOR', 'CREATE OPERATOR s.### (FUNCTION = int4pl, LEFTARG = int, RIGHTARG = int)' ],
	[ 'CREATE OPERATOR in pg_temp with a commutator', 'CREATE OPERATOR pg_temp.### (FUNCTION = int4pl, LEFTARG = int, RIGHTARG = int, COMMUTATOR = OPERATOR(s.##%))' ],
	[ 'CREATE OPERATOR in pg_temp with a negator', 'SET search_path = s; CREATE OPERATOR pg_temp.### (FUNCTION = int4eq, LEFTARG = int, RIGHTARG = int, NEGATOR = ##%)' ],
	[ 'CREATE TYPE in pg_temp AS RANGE', 'CREATE TYPE pg_temp.ra AS RANGE (SUBTYPE = int, MULTIRANGE_TYPE_NAME = s.ras)' ],
	[ 'CREATE TYPE AS ENUM', q{CREATE TYPE s.e2 AS ENUM ('x')} ],
	[ 'ALTER TYPE ADD VALUE', q{ALTER TYPE s.e ADD VALUE 'c'} ],
	[ 'ALTER TYPE RENAME VALUE', q{ALTER TYPE s.e RENAME VALUE 'a' TO 'z'} ],
	[ 'DROP TYPE', 'DROP TYPE s.e' ],
	[ 'CREATE TYPE', 'CREATE TYPE s.comp2 AS (a int)' ],
	[ 'ALTER TYPE', 'ALTER TYPE s.comp ADD ATTRIBUTE b int' ],
	[ 'CREATE DOMAIN', 'CREATE DOMAIN s.d2 AS int' ],
	[ 'ALTER DOMAIN', 'ALTER DOMAIN s.d ADD CHECK (VALUE > 0)' ],
	[ 'DROP DOMAIN', 'DROP DOMAIN s.d' ],
	[ 'CREATE CAST', 'CREATE CAST (s.comp AS s.e) WITH INOUT' ],
	[ 'CREATE TRIGGER', 'CREATE TRIGGER tr2 AFTER DELETE ON s.t EXECUTE FUNCTION s.tf()' ],
	[ 'DROP TRIGGER', 'DROP TRIGGER tr ON s.t' ],
	[ 'CREATE RULE', 'CREATE RULE ru AS ON UPDATE TO s.t DO ALSO NOTHING' ],
	[ 'CREATE POLICY', 'CREATE POLICY po2 ON s.t USING (true)' ],
	[ 'ALTER POLICY', 'ALTER POLICY po ON s.t USING (false)' ],
	[ 'DROP POLICY', 'DROP POLICY po ON s.t' ],
	[ 'CREATE STATISTICS', 'CREATE STATISTICS s.st2 ON a, b FROM s.c' ],
	[ 'CREATE COLLATION', 'CREATE COLLATION s.co FROM "C"' ],
	[ 'CREATE TEXT SEARCH CONFIGURATION', 'CREATE TEXT SEARCH CONFIGURATION s.ts (COPY = pg_catalog.simple)' ],
	[ 'CREATE SCHEMA', 'CREATE SCHEMA s3' ],
	[ 'CREATE SCHEMA with a table', 'CREATE SCHEMA s3 CREATE TABLE x (a int)' ],
	[ 'RENAME SCHEMA', 'ALTER SCHEMA s2 RENAME TO s3' ],
	[ 'DROP SCHEMA', 'DROP SCHEMA s2' ],
	[ 'COMMENT ON TABLE', q{COMMENT ON TABLE s.t IS 'x'} ],
	[ 'COMMENT ON COLUMN', q{COMMENT ON COLUMN s.t.a IS 'x'} ],
	[ 'GRANT', 'GRANT SELECT ON s.t TO PUBLIC' ],
	[ 'REVOKE', 'REVOKE SELECT ON s.t FROM PUBLIC' ],
	[ 'GRANT ON ALL TABLES', 'GRANT SELECT ON ALL TABLES IN SCHEMA s TO PUBLIC' ],
	[ 'ALTER DEFAULT PRIVILEGES', 'ALTER DEFAULT PRIVILEGES IN SCHEMA s GRANT SELECT ON TABLES TO PUBLIC' ],
	[ 'CREATE EXTENSION', 'CREATE EXTENSION IF NOT EXISTS no_such_extension' ],
	[ 'CREATE PUBLICATION', 'CREATE PUBLICATION pub' ],
	[ 'DROP OWNED', 'DROP OWNED BY app' ],
	[ 'REASSIGN OWNED', 'REASSIGN OWNED BY app TO app', 'hook' ],
	[ 'within DO', q{DO 'BEGIN EXECUTE ''CREATE TABLE s.new (a int)''; END'} ],
);

# what is not: temporary objects, what defines nothing, what is the server's; it may fail, but not by the guard
my @open = (
	[ 'CREATE TEMP TABLE', 'CREATE TEMP TABLE tt (a int PRIMARY KEY)' ],
	[ 'CREATE TEMP TABLE AS', 'CREATE TEMP TABLE tt AS SELECT 1 AS a' ],
	[ 'CREATE TABLE in pg_temp', 'CREATE TABLE pg_temp.tt (a int)' ],
	[ 'SELECT INTO TEMP', 'SELECT 1 AS a INTO TEMP tt' ],
	[ 'DDL on a temporary table', 'CREATE TEMP TABLE tt (a int); CREATE INDEX ix ON tt (a); ALTER TABLE tt ADD b int; ALTER TABLE tt RENAME b TO c;'
		  . q{ COMMENT ON TABLE tt IS 'x'; COMMENT ON COLUMN tt.a IS 'x'; GRANT SELECT ON tt TO PUBLIC; CREATE POLICY p ON tt USING (true); DROP POLICY p ON tt;}
		  . ' DROP INDEX ix; DROP TABLE tt' ],
	[ 'DROP IF EXISTS of nothing', 'DROP TABLE IF EXISTS tt; CREATE TEMP TABLE tt (a int); DROP TABLE IF EXISTS no_such_table, tt; DROP FUNCTION IF EXISTS no_such_function()' ],
	[ 'a view and statistics of a temporary table', 'CREATE TEMP TABLE tt (a int, b int); CREATE VIEW tv AS SELECT * FROM (SELECT a FROM tt) x; DROP VIEW tv; CREATE STATISTICS s.st3 ON a, b FROM tt; DROP TABLE tt' ],
	[ 'statistics and others in pg_temp', 'CREATE TEMP TABLE tt (a int, b int); CREATE STATISTICS pg_temp.st ON a, b FROM tt; ALTER STATISTICS pg_temp.st SET STATISTICS 10;'
		  . q{ COMMENT ON STATISTICS pg_temp.st IS 'x'; DROP STATISTICS pg_temp.st; CREATE STATISTICS s.st3 ON a, b FROM tt; ALTER STATISTICS s.st3 SET STATISTICS 10;}
		  . q{ COMMENT ON STATISTICS s.st3 IS 'x'; DROP STATISTICS s.st3; CREATE COLLATION pg_temp.co FROM "C"; DROP COLLATION pg_temp.co;}
		  . ' CREATE TEXT SEARCH CONFIGURATION pg_temp.ts (COPY = pg_catalog.simple); DROP TEXT SEARCH CONFIGURATION pg_temp.ts' ],
	[ 'DROP IF EXISTS of nothing, other kinds', join '; ', map { "DROP $_" } 'SCHEMA IF EXISTS nothing', 'EXTENSION IF EXISTS nothing', 'TRIGGER IF EXISTS nothing ON s.t',
		'POLICY IF EXISTS nothing ON s.t', 'RULE IF EXISTS nothing ON s.t', 'STATISTICS IF EXISTS s.nothing', 'COLLATION IF EXISTS s.nothing',
		'TEXT SEARCH CONFIGURATION IF EXISTS nothing', 'OPERATOR IF EXISTS s.### (int, int)', 'CAST IF EXISTS (s.comp AS s.e)', 'SERVER IF EXISTS nothing',
		'USER MAPPING IF EXISTS FOR CURRENT_USER SERVER nothing', 'PUBLICATION IF EXISTS nothing', 'LANGUAGE IF EXISTS nothing', 'OPERATOR FAMILY IF EXISTS s.nothing USING btree' ],
	[ 'IF NOT EXISTS of what is there', 'CREATE TABLE IF NOT EXISTS s.t (a int REFERENCES s.c); CREATE SCHEMA IF NOT EXISTS s; CREATE SEQUENCE IF NOT EXISTS s.q; CREATE EXTENSION IF NOT EXISTS plpgsql;'
		  . ' CREATE INDEX IF NOT EXISTS i ON s.t (b); CREATE MATERIALIZED VIEW IF NOT EXISTS s.m AS SELECT 1 AS x; CREATE TABLE IF NOT EXISTS s.c AS SELECT 1 AS x' ],
	[ 'ALTER TABLE that does nothing', 'ALTER TABLE s.t ADD COLUMN IF NOT EXISTS b int, DROP COLUMN IF EXISTS nothing, DROP CONSTRAINT IF EXISTS nothing; ALTER TABLE IF EXISTS s.nothing ADD x int' ],
	[ 'a large object', q{SELECT lo_create(4711); GRANT SELECT ON LARGE OBJECT 4711 TO PUBLIC; COMMENT ON LARGE OBJECT 4711 IS 'x'; ALTER LARGE OBJECT 4711 OWNER TO app} ],
	[ 'CREATE TEMP VIEW', 'CREATE TEMP VIEW tv AS SELECT 1' ],
	[ 'CREATE TEMP SEQUENCE', 'CREATE TEMP SEQUENCE ts; ALTER SEQUENCE ts RESTART; DROP SEQUENCE ts' ],
	[ 'a function in pg_temp', q{CREATE FUNCTION pg_temp.f() RETURNS int LANGUAGE sql AS 'SELECT 1'; ALTER FUNCTION pg_temp.f() STRICT; DROP FUNCTION pg_temp.f()} ],
	[ 'a type in pg_temp', 'CREATE TYPE pg_temp.ty AS (a int); CREATE DOMAIN pg_temp.do AS int; ALTER DOMAIN pg_temp.do SET NOT NULL; DROP DOMAIN pg_temp.do; DROP TYPE pg_temp.ty' ],
	[ 'an operator and a range in pg_temp', 'CREATE OPERATOR pg_temp.### (FUNCTION = int4eq, LEFTARG = int, RIGHTARG = int, COMMUTATOR = OPERATOR(pg_temp.###), NEGATOR = OPERATOR(pg_temp.##%), HASHES);'
		  . ' CREATE TYPE pg_temp.ra AS RANGE (SUBTYPE = int, MULTIRANGE_TYPE_NAME = pg_temp.ras)' ],
	[ 'TRUNCATE', 'TRUNCATE s.c' ],
	[ 'REINDEX', 'REINDEX TABLE s.t' ],
	[ '!REINDEX CONCURRENTLY', 'REINDEX INDEX CONCURRENTLY s.i' ],
	[ 'CLUSTER', 'CLUSTER s.t USING i' ],
	[ 'REFRESH', 'REFRESH MATERIALIZED VIEW s.m' ],
	[ 'EXPLAIN ANALYZE REFRESH', 'EXPLAIN (ANALYZE, COSTS off, TIMING off, SUMMARY off) REFRESH MATERIALIZED VIEW s.m' ],
	[ '!VACUUM', 'VACUUM s.t' ],
	[ 'ANALYZE', 'ANALYZE s.t' ],
	[ 'LOCK', 'LOCK TABLE s.t IN ACCESS SHARE MODE' ],
	[ 'INSERT', 'INSERT INTO s.t VALUES (100, 1)' ],
	[ 'EXPLAIN CREATE TABLE AS', 'EXPLAIN CREATE TABLE s.new AS SELECT 1 AS a' ],
	[ 'CREATE ROLE', 'CREATE ROLE made_here' ],
	[ 'ALTER ROLE', q{ALTER ROLE CURRENT_USER SET work_mem = '5MB'} ],
	[ 'COMMENT ON ROLE', q{COMMENT ON ROLE app IS 'x'} ],
	[ 'DROP ROLE', 'DROP ROLE nobody_here' ],
	[ 'GRANT a role', 'GRANT pg_monitor TO app' ],
	[ '!CREATE DATABASE', 'CREATE DATABASE made_here TEMPLATE no_such_database' ],
	[ 'ALTER DATABASE', q{ALTER DATABASE postgres SET work_mem = '5MB'} ],
	[ 'GRANT ON DATABASE', 'GRANT CONNECT ON DATABASE postgres TO PUBLIC' ],
	[ 'COMMENT ON DATABASE', q{COMMENT ON DATABASE postgres IS 'x'} ],
	[ '!DROP DATABASE', 'DROP DATABASE no_such_database' ],
	[ '!ALTER SYSTEM', 'ALTER SYSTEM RESET work_mem' ],
	[ 'GRANT ON PARAMETER', 'GRANT SET ON PARAMETER work_mem TO PUBLIC' ],
	[ '!CREATE TABLESPACE', q{CREATE TABLESPACE made_here LOCATION '/no/such/folder'} ],
	[ 'RENAME ROLE', 'ALTER ROLE nobody_here RENAME TO somebody' ],
);
is(scalar(@guarded), 91, 'kinds of DDL');
is(scalar(@open), 42, 'other statements');

# Each statement by a role; outcome by name: refused, warned, passes (which can be with another error). New sessions: the statement is the first one of a session.
sub outcomes
{
	my ($user, $statements, %opt) = @_;
	my $settings = $opt{settings} // '';
	my $script = "\\set VERBOSITY verbose\n$settings;\n" . ($opt{loaded} ? "SELECT * FROM schemaguard.ddl_guard_state;\n" : '');

	for my $s (@$statements)
	{
		my ($name, $sql) = @$s;

		# psql tells on stdout that it is connected anew
		$script .= "\\c -\n$settings;\n" unless $opt{loaded};
		$script .= "\\warn >>>$name\n" . ($name =~ /^!/ ? "$sql;\n" : "BEGIN;\n$sql;\nROLLBACK;\n");
	}
	$script .= "\\warn >>>end\n";
	my ($out, $err) = ('', '');
	$node->psql($dbname, $script, stdout => \$out, stderr => \$err, on_error_stop => 0, extra_params => [ '-U', $user ]);
	my %outcome;
	for my $part (split /^>>>/m, $err)
	{
		my ($name, $text) = $part =~ /^([^\n]*)\n(.*)/s or next;

		$outcome{$name} = $text =~ /^(?:psql:[^\n]*: )?ERROR:  42501: [^\n]* is refused: no plan or migration role runs it/m ? 'refused'
		  : $text =~ /^(?:psql:[^\n]*: )?WARNING:  42501: no plan or migration role runs this/m ? 'warned' : 'passes';
	}
	return \%outcome;
}

sub all_are
{
	my ($outcomes, $statements, $expected, $name) = @_;
	my @other = grep { ($outcomes->{ $_->[0] } // 'nothing') ne $expected } @$statements;

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	ok(!@other, "$name: " . scalar(@$statements) . " $expected") or diag(map { "$_->[0]: " . ($outcomes->{ $_->[0] } // 'nothing') . "\n" } @other);
}

sub mode { $node->safe_psql('postgres', "SELECT sg_guard_ddl($_[0])"); }

my %settings = (liar => "SET application_name = 'flyway'; SET schemaguard.migration = 'V1'; SET schemaguard.reason = 'because'",
	carol => "SET schemaguard.reason = 'fire'");
$node->append_conf('postgresql.conf', "schemaguard.migration_applications = 'flyway%'\n");
$node->reload;

my $before = $node->safe_psql('postgres', q{SELECT count(*) FROM pg_class WHERE relname = 'made_alone'});
mode(q{'refuse', roles => 'deploy'});
for my $loaded (1, 0)
{
	my $how = $loaded ? 'library loaded' : 'first statement';
	# no event trigger fires for two of them
	my @seen = grep { $loaded || ($_->[2] // '') ne 'hook' } @guarded;
	my %expected = (alice => 'refused', liar => 'refused', $super => 'warned', deploy => 'passes', carol => 'passes');

	for my $user (qw(alice liar), $super, qw(deploy carol))
	{
		my $got = outcomes($user, [ @guarded, @open ], loaded => $loaded, settings => $settings{$user});

		all_are($got, \@seen, $expected{$user}, "$user, $how");
		all_are($got, \@open, 'passes', "$user, $how, what is not guarded");
		is($node->safe_psql('postgres', q{SELECT count(*) FROM pg_class WHERE relname IN ('made_alone', 'i_gone')}), '1',
			'nothing was built or dropped CONCURRENTLY') if $user eq 'liar';
	}
	$node->safe_psql('postgres', q{DROP INDEX IF EXISTS s.made_alone; SET ROLE app; CREATE INDEX IF NOT EXISTS i_gone ON s.t (b)});
}
my $logged = $node->safe_psql('postgres', q{SELECT count(*), min(message), max(message), min(role), max(role) FROM schemaguard.audit_log WHERE action = 'direct ddl'});
like($logged, qr/^\d\d?\|fire\|fire\|carol\|carol$/, 'what was not rolled back is logged, with the reason');
is($node->safe_psql('postgres', q{SELECT DISTINCT object, statement FROM schemaguard.audit_log WHERE action = 'direct ddl' AND object = 's.t' AND statement ~ 'made'}),
	's.t|CREATE INDEX CONCURRENTLY IF NOT EXISTS made_alone ON s.t (b)', 'with the statement');
mode(q{'off'});
my $off = outcomes('alice', \@guarded, loaded => 1);
all_are($off, \@guarded, 'passes', 'alice, off');

# ---- event triggers are superusers' anyway; they are warned

$node->safe_psql('postgres', q{CREATE FUNCTION public.et() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'});
mode(q{'refuse'});
my @events = ([ 'CREATE EVENT TRIGGER', 'CREATE EVENT TRIGGER et ON sql_drop EXECUTE FUNCTION public.et()', 'hook' ]);
all_are(outcomes($super, \@events, loaded => 1), \@events, 'warned', 'event triggers, library loaded');
all_are(outcomes($super, \@events, loaded => 0), \@events, 'passes', 'event triggers, first statement');

# ---- before any lock

{
	my $holder = SgTest::Session->new($node);
	$holder->query('BEGIN; LOCK TABLE s.t, s.c IN ACCESS EXCLUSIVE MODE');
	for my $loaded (1, 0)
	{
		my $user = SgTest::Session->new($node, user => 'alice');
		$user->query('SELECT mode FROM schemaguard.ddl_guard_state') if $loaded;
		$user->query('ALTER TABLE s.t ADD x int');
		is($user->sqlstate, '42501', 'refused while somebody else holds the table, ' . ($loaded ? 'library loaded' : 'first statement'));
		$user->query('DROP TABLE s.c');
		is($user->sqlstate, '42501', 'and the next one');
		is($holder->query(q{SELECT count(*) FROM pg_locks WHERE NOT granted}), '0', 'nobody waits');
		$user->quit;
	}
	$holder->query('ROLLBACK');
	$holder->quit;
}

# ---- who it is

sub tried
{
	my ($user, $sql) = @_;
	my ($out, $err) = ('', '');
	my $rc = $node->psql('postgres', $sql, stdout => \$out, stderr => \$err, on_error_stop => 1, extra_params => [ '-U', $user ]);

	return $rc == 0 ? ($err =~ /no plan or migration role/ ? 'warned' : 'passes') : $err =~ /is refused: no plan or migration role/ ? 'refused' : $err;
}

mode(q{'refuse', roles => '{deploy}'});
my $ddl = 'BEGIN; CREATE TABLE s.new (a int); ROLLBACK';
is(tried('alice', "SET ROLE app; $ddl"), 'refused', 'SET ROLE to a role that is none of them');
is(tried('deploy', "SET ROLE app; $ddl"), 'passes', 'a migration role that takes another one');
is(tried($super, "SET ROLE alice; $ddl"), 'warned', 'a superuser who takes a role');
is(tried($super, "SET application_name = 'flyway 9'; $ddl"), 'passes', 'a superuser is believed to be a tool');
is(tried($super, "SET LOCAL schemaguard.reason = 'x'; $ddl"), 'warned', 'a reason for a transaction that is over');
is(tried($super, "BEGIN; SET LOCAL schemaguard.reason = 'x'; CREATE TABLE s.new (a int); ROLLBACK"), 'passes', 'a superuser with a reason');
like(tried('alice', "SELECT mode FROM schemaguard.ddl_guard_state; SET schemaguard.reason = 'x'"), qr/permission denied to set parameter/, 'a reason is not for everybody');
is(tried('alice', "SET schemaguard.reason = 'x'; $ddl"), 'refused', 'nor before the library is loaded');
{
	local $ENV{PGOPTIONS} = '-c schemaguard.reason=x -c schemaguard.migration=V1';
	is(tried('alice', $ddl), 'refused', 'nor by PGOPTIONS');
}
$node->safe_psql('postgres', q{
	CREATE FUNCTION public.lent() RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS 'BEGIN CREATE TABLE s.lent (a int); DROP TABLE s.lent; END';
	CREATE FUNCTION public.lent_by_alice() RETURNS void LANGUAGE plpgsql SECURITY DEFINER AS 'BEGIN CREATE TABLE s.lent (a int); DROP TABLE s.lent; END';
	CREATE FUNCTION public.own() RETURNS void LANGUAGE plpgsql AS 'BEGIN CREATE TABLE s.lent (a int); DROP TABLE s.lent; END';
	ALTER FUNCTION public.lent() OWNER TO deploy; ALTER FUNCTION public.lent_by_alice() OWNER TO alice});
is(tried('alice', 'SELECT public.lent()'), 'passes', 'rights that a migration role lends');
is(tried('alice', 'SELECT public.own()'), 'refused', 'a function with the rights of the caller');
is(tried('deploy', 'SELECT public.lent_by_alice()'), 'refused', 'code of another role in a session of a migration role');
is(tried($super, 'SELECT public.lent_by_alice()'), 'refused', 'and of a superuser');
is(tried('alice', q{SELECT schemaguard.sg_sync_run('CREATE TABLE s.new (a int)')}), 'refused', 'what a call of ours is given to run');
is(tried('alice', q{SELECT schemaguard.sg_sync_guard(true); CREATE TABLE s.new (a int)}), 'refused', 'nor in a guarded session');
like(tried('alice', q{SELECT sg_guard_ddl('off')}), qr/permission denied to guard against DDL/, 'the guard is for superusers');
like(tried('alice', q{DELETE FROM schemaguard.ddl_guard}), qr/permission denied/, 'and so is its row');
is(tried('alice', 'SELECT mode, wanted, roles FROM schemaguard.ddl_guard_state'), 'passes', 'everybody sees what is in force');

# ---- in one transaction

is(tried('alice', q{BEGIN; CREATE TEMP TABLE t (a int); CREATE TEMP TABLE gone (a int); DROP TABLE t; COMMIT}), 'passes', 'temporary tables hide others');
is(tried('alice', q{CREATE TEMP TABLE temporary (a int); DROP TABLE temporary, s.c}), 'refused', 'a temporary table beside another one');

# ---- what has nothing to do at a look, and then has: somebody makes or drops the object between

{
	mode(q{'refuse'});
	$node->safe_psql('postgres', q{
		CREATE FUNCTION public.between() RETURNS event_trigger LANGUAGE plpgsql SECURITY DEFINER AS $$
			DECLARE deed text := current_setting('raced.deed', true); BEGIN PERFORM set_config('raced.deed', '', false); IF deed <> '' THEN EXECUTE deed; END IF; END $$;
		CREATE EVENT TRIGGER between ON ddl_command_start EXECUTE FUNCTION public.between();
		CREATE SCHEMA raced_gone; CREATE INDEX raced_i ON s.t (b); CREATE EXTENSION hstore; CREATE FOREIGN DATA WRAPPER raced; GRANT USAGE ON FOREIGN DATA WRAPPER raced TO app;
		CREATE SERVER raced_gone FOREIGN DATA WRAPPER raced});
	my $state = q{SELECT concat_ws(' ', to_regnamespace('raced'), to_regnamespace('raced_gone'), to_regclass('s.raced_i'), (SELECT string_agg(attname, ' ') FROM pg_attribute
		WHERE attrelid = 's.t'::regclass AND attnum > 0), (SELECT count(*) FROM pg_trigger WHERE tgrelid = 's.t'::regclass), (SELECT string_agg(srvname, ' ') FROM pg_foreign_server))};
	my $was = $node->safe_psql('postgres', $state);

	for my $raced ([ 'CREATE SCHEMA raced AUTHORIZATION app', 'DROP SCHEMA IF EXISTS raced' ], [ 'DROP SCHEMA raced_gone', 'CREATE SCHEMA IF NOT EXISTS raced_gone' ],
		[ 'DROP EXTENSION hstore', 'CREATE EXTENSION IF NOT EXISTS hstore' ], [ 'CREATE PUBLICATION raced; ALTER PUBLICATION raced OWNER TO app', 'DROP PUBLICATION IF EXISTS raced' ],
		[ 'CREATE CAST (s.comp AS s.e) WITH INOUT', 'DROP CAST IF EXISTS (s.comp AS s.e)' ], [ 'DROP SERVER raced_gone', 'CREATE SERVER IF NOT EXISTS raced_gone FOREIGN DATA WRAPPER raced' ],
		[ 'CREATE SERVER raced FOREIGN DATA WRAPPER raced; ALTER SERVER raced OWNER TO app', 'DROP SERVER IF EXISTS raced' ],
		[ 'CREATE USER MAPPING FOR alice SERVER raced_gone; GRANT USAGE ON FOREIGN SERVER raced_gone TO alice', 'DROP USER MAPPING IF EXISTS FOR alice SERVER raced_gone' ],
		[ 'CREATE COLLATION s.raced FROM "C"; ALTER COLLATION s.raced OWNER TO app', 'DROP COLLATION IF EXISTS s.raced' ],
		[ 'CREATE STATISTICS s.raced ON a, b FROM s.t; ALTER STATISTICS s.raced OWNER TO app', 'DROP STATISTICS IF EXISTS s.raced' ],
		[ 'CREATE TRIGGER raced AFTER DELETE ON s.t EXECUTE FUNCTION s.tf()', 'DROP TRIGGER IF EXISTS raced ON s.t' ], [ 'CREATE POLICY raced ON s.t', 'DROP POLICY IF EXISTS raced ON s.t' ],
		[ 'CREATE RULE raced AS ON UPDATE TO s.t DO ALSO NOTHING', 'DROP RULE IF EXISTS raced ON s.t' ], [ 'DROP INDEX s.raced_i', 'CREATE INDEX IF NOT EXISTS raced_i ON s.t (b)' ],
		[ 'ALTER TABLE s.t DROP b', 'ALTER TABLE s.t ADD COLUMN IF NOT EXISTS b int' ], [ 'ALTER TABLE s.t ADD raced int', 'ALTER TABLE s.t DROP COLUMN IF EXISTS raced' ],
		[ 'ALTER TABLE s.t ADD CONSTRAINT raced CHECK (a > 0)', 'ALTER TABLE s.t DROP CONSTRAINT IF EXISTS raced' ],
		[ 'DROP TABLE s.c', 'CREATE TABLE IF NOT EXISTS s.c (a int)' ], [ 'CREATE TABLE s.raced (); ALTER TABLE s.raced OWNER TO app', 'ALTER TABLE IF EXISTS s.raced ADD a int' ],
		[ 'DROP MATERIALIZED VIEW s.m', 'CREATE MATERIALIZED VIEW IF NOT EXISTS s.m AS SELECT 1 AS x' ], [ 'DROP SEQUENCE s.q', 'CREATE SEQUENCE IF NOT EXISTS s.q' ])
	{
		is(tried('alice', "SELECT mode FROM schemaguard.ddl_guard_state; SET raced.deed = '$raced->[0]'; $raced->[1]"), 'refused', "$raced->[1], but then: $raced->[0]");
		is(tried('alice', "SET schemaguard.anything = ''; $raced->[1]"), 'passes', '... and without that it passes') if $raced->[1] !~ /MAPPING/;
	}
	is($node->safe_psql('postgres', $state), $was, 'nothing has changed');
	$node->safe_psql('postgres', 'DROP EVENT TRIGGER between; DROP FUNCTION public.between(); DROP SCHEMA raced_gone; DROP INDEX s.raced_i; DROP EXTENSION hstore; DROP FOREIGN DATA WRAPPER raced CASCADE');
}

# ---- schemas

mode(q{'refuse', 's'});
is(tried('alice', 'BEGIN; CREATE TABLE s2.new (a int); ALTER TABLE s2.new ADD b int; CREATE INDEX ON s2.new (a); DROP TABLE s2.new; ROLLBACK'), 'passes', 'a schema that is not guarded');
is(tried('alice', 'SET search_path = s2, s; BEGIN; CREATE TABLE new (a int); ALTER TABLE new ADD b int; DROP TABLE new; ROLLBACK'), 'passes', 'by search_path');
is(tried('alice', q{BEGIN; CREATE FUNCTION s2.g() RETURNS int LANGUAGE sql AS 'SELECT 1'; DROP FUNCTION s2.g(); CREATE TYPE s2.x AS (a int); DROP TYPE s2.x; ROLLBACK}), 'passes', 'functions and types');
is(tried('alice', "BEGIN; $_->[1]; ROLLBACK"), 'passes', $_->[0]) for grep { $_->[0] =~ /of nothing|of a temporary table/ } @open;
is(tried('alice', 'SET search_path = s2, s; ALTER TABLE c ADD d int'), 'refused', 'a table found behind it');
is(tried('alice', 'SET search_path = s2, s; DROP FUNCTION f()'), 'refused', 'a function, too');
is(tried('alice', 'BEGIN; CREATE TABLE s2.new (a int); ALTER TABLE s2.new SET SCHEMA s'), 'refused', 'a move into one');
is(tried('alice', 'ALTER TABLE s.c SET SCHEMA s2'), 'refused', 'and out of it');
is(tried('alice', 'ALTER SCHEMA s RENAME TO s9'), 'refused', 'the schema itself');
is(tried('alice', 'ALTER SCHEMA s2 RENAME TO s9; ALTER SCHEMA s9 RENAME TO s2'), 'passes', 'another one');
is(tried('alice', 'DROP TABLE s.no_such_table'), 'refused', 'a table that is not there');

# what a statement changes beside what it is about: by its names, before a lock, and, where these tell too little, when it is done

mode(q{'off'});
$node->safe_psql('postgres', q{
	SET ROLE app;
	CREATE TABLE s2.pt (a int) PARTITION BY LIST (a); CREATE TABLE s.leaf PARTITION OF s2.pt FOR VALUES IN (1);
	CREATE TABLE s2.leaf PARTITION OF s2.pt FOR VALUES IN (2); CREATE TABLE s2.leaf_2 (a int);
	CREATE TABLE s2.top (a int); CREATE TABLE s.heir () INHERITS (s2.top);
	CREATE TYPE s2.ty AS (a int, b text); CREATE TABLE s.typed OF s2.ty;
	CREATE TYPE s2.ty_2 AS (a int); CREATE TABLE s2.typed OF s2.ty_2 PARTITION BY LIST (a); CREATE TABLE s.typed_leaf PARTITION OF s2.typed DEFAULT;
	CREATE TYPE s2.ty_3 AS (a int); CREATE TABLE s2.typed_3 OF s2.ty_3;
	CREATE TABLE s2.o (a int PRIMARY KEY, b int); CREATE TABLE s.raced (a int, b int)});
mode(q{'refuse', 's'});
my @beside = (
	[ 'GRANT in CREATE SCHEMA', 'CREATE SCHEMA s3 GRANT SELECT, TRIGGER ON s.t TO PUBLIC' ],
	[ 'GRANT on all tables in CREATE SCHEMA', 'CREATE SCHEMA s3 GRANT SELECT ON ALL TABLES IN SCHEMA s TO PUBLIC' ],
	[ 'a key in CREATE SCHEMA', 'CREATE SCHEMA s3 CREATE TABLE q (a int REFERENCES s.t)' ],
	[ 'ATTACH PARTITION', 'ALTER TABLE s2.pt ATTACH PARTITION s.part_2 FOR VALUES IN (5)' ],
	[ 'DETACH PARTITION', 'ALTER TABLE s2.pt DETACH PARTITION s.leaf' ],
	[ 'ADD COLUMN', 'ALTER TABLE s2.pt ADD x int' ],
	[ 'ADD COLUMN of what is inherited', 'ALTER TABLE s2.top ADD x int' ],
	[ 'RENAME COLUMN', 'ALTER TABLE s2.pt RENAME a TO z' ],
	[ 'RENAME ATTRIBUTE of a table', 'ALTER TYPE s2.ty RENAME ATTRIBUTE a TO z CASCADE' ],
	[ 'RENAME ATTRIBUTE of a partition', 'ALTER TYPE s2.ty_2 RENAME ATTRIBUTE a TO z CASCADE' ],
	[ 'ADD ATTRIBUTE', 'ALTER TYPE s2.ty ADD ATTRIBUTE c int CASCADE' ],
	[ 'CREATE INDEX', 'CREATE INDEX ON s2.pt (a)' ],
	[ 'CREATE TRIGGER', 'CREATE TRIGGER tr AFTER INSERT ON s2.pt FOR EACH ROW EXECUTE FUNCTION s.tf()' ],
	[ 'DROP TABLE', 'DROP TABLE s2.pt' ],
	[ 'PARTITION OF', 'CREATE TABLE s2.new PARTITION OF s.part FOR VALUES IN (1)' ],
	[ 'INHERITS', 'CREATE TABLE s2.new () INHERITS (s.c)' ],
	[ 'a temporary table that inherits', 'CREATE TEMP TABLE tt () INHERITS (s.c)' ],
	[ 'INHERIT', 'ALTER TABLE s2.o INHERIT s.c' ],
	[ 'a key of ALTER TABLE', 'ALTER TABLE s2.o ADD FOREIGN KEY (b) REFERENCES s.t' ],
	[ 'a key of ADD COLUMN', 'ALTER TABLE s2.o ADD c int REFERENCES s.t' ],
	[ 'a key of CREATE TABLE', 'CREATE TABLE s2.new (a int, FOREIGN KEY (a) REFERENCES s.t)' ],
	[ 'a key of a column', 'CREATE TABLE s2.new (a int REFERENCES s.t)' ],
	[ 'a name in CREATE SCHEMA that is found behind it', 'SET LOCAL search_path = s; CREATE SCHEMA s3 GRANT SELECT ON t TO PUBLIC' ],
	[ 'a key in it', 'SET LOCAL search_path = s; CREATE SCHEMA s3 CREATE TABLE q (a int REFERENCES t)' ],
	[ 'a trigger in it', 'CREATE SCHEMA s3 CREATE TRIGGER tr9 AFTER INSERT ON s.t EXECUTE FUNCTION s.tf()' ],
);
my @apart = (
	[ 'a schema with its own', 'CREATE SCHEMA s3 CREATE TABLE q (a int PRIMARY KEY, b int REFERENCES q) CREATE INDEX ON q (b) CREATE VIEW v AS SELECT * FROM q GRANT SELECT ON q TO PUBLIC' ],
	[ 'a table of a name that is guarded, too', 'SET LOCAL search_path = s; CREATE SCHEMA s3 CREATE TABLE t (a int PRIMARY KEY, b int REFERENCES t) GRANT SELECT ON t TO PUBLIC' ],
	[ 'a key to itself', 'CREATE TABLE s2.new (a int PRIMARY KEY, b int REFERENCES s2.new)' ],
	[ 'a key', 'ALTER TABLE s2.leaf_2 ADD FOREIGN KEY (a) REFERENCES s2.o' ],
	[ 'ATTACH and DETACH', 'ALTER TABLE s2.pt ATTACH PARTITION s2.leaf_2 FOR VALUES IN (3); ALTER TABLE s2.pt DETACH PARTITION s2.leaf_2' ],
	[ 'a partition beside one', 'CREATE TABLE s2.new PARTITION OF s2.pt FOR VALUES IN (7)' ],
	[ 'RENAME ATTRIBUTE', 'ALTER TYPE s2.ty_3 RENAME ATTRIBUTE a TO z CASCADE' ],
	[ 'ALTER ONLY', 'ALTER TABLE ONLY s2.top ADD CHECK (a > 0) NO INHERIT' ],
	[ 'OWNER TO', 'ALTER TABLE s2.pt OWNER TO app' ],
	[ 'DROP', 'DROP TABLE s2.leaf, s2.o' ],
	[ 'a view', 'CREATE VIEW s2.v AS SELECT * FROM s.t' ],
);
for my $loaded (1, 0)
{
	my $how = $loaded ? 'library loaded' : 'first statement';

	all_are(outcomes('alice', \@beside, loaded => $loaded), \@beside, 'refused', "beside it, $how");
	all_are(outcomes('alice', \@apart, loaded => $loaded), \@apart, 'passes', "apart from it, $how");
}

# a name that means another table when the lock comes
for my $raced ('ALTER TABLE raced ADD x int', 'DROP TABLE raced', 'CREATE INDEX ON raced (a)', 'CREATE TRIGGER tr AFTER INSERT ON raced EXECUTE FUNCTION s.tf()',
	'CREATE INDEX CONCURRENTLY raced_i ON raced (a)', 'CREATE POLICY po ON raced', 'CREATE RULE ru AS ON INSERT TO raced DO ALSO NOTHING', q{COMMENT ON COLUMN raced.a IS 'x'}, 'ALTER TABLE raced RENAME b TO c', 'ALTER TABLE raced SET SCHEMA s2')
{
	my $holder = SgTest::Session->new($node, user => 'alice');
	my $user = SgTest::Session->new($node, user => 'alice');

	$holder->query('CREATE TABLE s2.raced (a int, b int)');
	$holder->query('BEGIN; DROP TABLE s2.raced');
	$user->query('SET search_path = s2, s');
	$user->send($raced);
	wait_for(sub { $node->safe_psql('postgres', 'SELECT count(*) FROM pg_locks WHERE NOT granted') eq '1' }) or diag("$raced does not wait");
	$holder->query('COMMIT');
	$user->collect;
	if ($raced =~ /CONCURRENTLY/)
	{
		like($user->{err}, qr/^(?:psql:[^\n]*: )?WARNING:  42501: no plan or migration role runs this CREATE INDEX/m, "$raced, which waited for another table, is told");
		is($user->sqlstate, '', 'and goes through');
		$user->query('DROP INDEX s.raced_i');
		is($user->sqlstate, '42501', 'an index by its own name');
		$node->safe_psql('postgres', 'DROP INDEX s.raced_i');
	}
	else
	{
		like($user->{err}, qr/ERROR:  42501: [A-Z ]+ of [^\n]* is refused: no plan or migration role runs it/, "$raced, which waited for another table");
	}
	$_->quit for $holder, $user;
}
is($node->safe_psql('postgres', q{SELECT count(*) || ' ' || (SELECT count(*) FROM pg_depend WHERE refobjid = 's.raced'::regclass AND classid <> 'pg_type'::regclass) || coalesce(col_description('s.raced'::regclass, 1), '')
	FROM pg_attribute WHERE attrelid = 's.raced'::regclass AND attnum > 0}), '2 0', 'nothing of it is left');

mode(q{'warn', 's'});
for my $told ([ 'by its names', 'ALTER TABLE s2.pt ADD x int' ], [ 'when it is done', 'SET search_path = s; CREATE SCHEMA s3 CREATE TABLE q (a int REFERENCES t) GRANT SELECT ON t TO PUBLIC' ])
{
	my ($out, $err) = ('', '');

	$node->psql('postgres', "BEGIN; $told->[1]; ROLLBACK", stdout => \$out, stderr => \$err, extra_params => [ '-U', 'alice' ]);
	is(() = $err =~ /WARNING/g, 1, "warned once, $told->[0]") or diag($err);
}
mode(q{'refuse', 's', '{deploy}'});
all_are(outcomes('deploy', \@beside, loaded => 1), \@beside, 'passes', 'a migration role');
mode(q{'off'});
$node->safe_psql('postgres', 'DROP TABLE s2.pt, s2.leaf_2, s2.top, s.heir, s2.o, s.raced');
mode(q{'refuse', 's'});

like(tried($super, q{SELECT sg_guard_ddl('refuse', 'no_such_schema')}), qr/no_such_schema/, 'a schema that is not there');
like(tried($super, q{SELECT sg_guard_ddl('refuse', roles => 'no_such_role')}), qr/no_such_role/, 'a role that is not there');

# ---- open sessions

{
	my $user = SgTest::Session->new($node, user => 'alice');
	my $dba = SgTest::Session->new($node);
	my $states = sub { $user->query($ddl); my $s = $user->sqlstate; $user->query('ROLLBACK'); return $s; };

	mode(q{'off'});
	is($states->(), '', 'off');
	mode(q{'refuse'});
	is($states->(), '42501', 'an open session is refused from the next statement on');
	mode(q{'warn'});
	is($states->(), '', 'or warned');
	like($user->{err} . $user->query('CREATE TABLE s.warned (a int)') . $user->{err}, qr/no plan or migration role/, 'with a warning');
	$user->query('DROP TABLE s.warned');
	$dba->query(q{BEGIN; SELECT sg_guard_ddl('refuse')});
	is($states->(), '', 'not before the commit');
	$dba->query('ROLLBACK');
	is($states->(), '', 'and never after a rollback');
	is($dba->query('SELECT mode FROM schemaguard.ddl_guard_state'), 'warn', 'the caller sees it undone, too');
	$dba->query(q{BEGIN; SELECT sg_guard_ddl('refuse'); PREPARE TRANSACTION 'p'});
	is($states->(), '', 'not while it is prepared');
	$dba->query(q{COMMIT PREPARED 'p'});
	is($states->(), '42501', 'but when that is committed');
	$user->query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT 1');
	mode(q{'off'});
	is($user->query('CREATE TABLE s.seen (a int)') . $user->sqlstate, '', 'in a transaction that reads what was');
	$user->query('ROLLBACK');
	$_->quit for $user, $dba;
}

# ---- plans

$node->safe_psql('postgres', q{
	SET ROLE app;
	CREATE TABLE s.parent (id int PRIMARY KEY); CREATE TABLE s.child (id int PRIMARY KEY, p int, x int, y text);
	INSERT INTO s.parent SELECT generate_series(1, 10); INSERT INTO s.child SELECT i, i, i, i FROM generate_series(1, 12) i;
	RESET ROLE; ALTER TABLE s.parent OWNER TO alice; ALTER TABLE s.child OWNER TO alice});
mode(q{'refuse'});
my ($out, $err);
my $rc = $node->psql('postgres', q{
	SET schemaguard.fix_limit = -1;
	SELECT sg_plan_create('p');
	SELECT sg_plan_add_fk('p', 's.child', '{p}', 's.parent', orphans => 'quarantine');
	SELECT sg_plan_add('p', 'ALTER TABLE s.child ADD note text DEFAULT ''x''');
	SELECT sg_plan_add('p', 'CREATE INDEX child_x ON s.child (x)');
	SELECT sg_plan_add('p', 'ALTER TABLE s.child ADD CONSTRAINT positive CHECK (x > 0)');
	SELECT sg_plan_add('p', 'ALTER TABLE s.child ALTER y SET NOT NULL');
	SELECT sg_plan_add('p', 'COMMENT ON TABLE s.child IS ''by a plan''');
	SELECT result, check_name, detail FROM sg_plan_check('p') WHERE result = 'block';
	CALL sg_apply('p', fix => true);
	SELECT step, state, reason FROM schemaguard.plan_step WHERE plan = 'p' AND state <> 'validated';
	CALL sg_rollback_fks('p');
	SELECT step, state, reason FROM schemaguard.plan_step WHERE plan = 'p' AND state <> 'rolled back' AND kind <> 'statement';
}, stdout => \$out, stderr => \$err, on_error_stop => 1, extra_params => [ '-U', 'alice' ]);
is($rc, 0, 'a plan runs, and is taken back') or diag($err);
unlike($err . $out, qr/no plan or migration role/, 'none of its statements is refused');
is($out =~ s/^(?:\d|\{\d\})?\n|^\{\d\}$//gmr, '', 'all steps are done, then undone');
is(tried('alice', 'DROP TABLE s.child'), 'refused', 'and after it the guard is there');

# ---- code of a table's owner, where the server or a plan runs it

$node->safe_psql('postgres', q{
	CREATE ROLE eve LOGIN; CREATE SCHEMA eve AUTHORIZATION eve; CREATE TABLE s2.victim (a int); ALTER TABLE s2.victim OWNER TO eve; GRANT USAGE ON SCHEMA s2 TO eve;
	SELECT sg_guard_ddl('off'), sg_capture_ddl(true);
	SET SESSION AUTHORIZATION eve;
	CREATE TABLE eve.deed (q text); CREATE TABLE eve.tried (q text, who text, session text, refused boolean);
	CREATE FUNCTION eve.deed() RETURNS void LANGUAGE plpgsql AS $$ DECLARE s text; BEGIN FOR s IN SELECT q FROM eve.deed LOOP
		BEGIN EXECUTE s; INSERT INTO eve.tried VALUES (s, current_user, session_user, false);
		EXCEPTION WHEN insufficient_privilege THEN INSERT INTO eve.tried VALUES (s, current_user, session_user, true); END; END LOOP; END $$;
	CREATE FUNCTION eve.ix(int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN PERFORM eve.deed(); RETURN 1; END $$;
	CREATE TABLE eve.av (a int) WITH (autovacuum_analyze_threshold = 1); CREATE INDEX av_ix ON eve.av (eve.ix(a)); INSERT INTO eve.av VALUES (1);
	CREATE TABLE eve.parent (id int PRIMARY KEY); CREATE TABLE eve.child (id int PRIMARY KEY, p int); INSERT INTO eve.child VALUES (1, 7);
	CREATE FUNCTION eve.tr() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM eve.deed(); RETURN old; END';
	CREATE TRIGGER tr BEFORE DELETE ON eve.child FOR EACH ROW EXECUTE FUNCTION eve.tr()});
mode(q{'refuse', roles => '{deploy}'});
my $tried = q{SELECT q, bool_and(refused), string_agg(DISTINCT session, ' ') FROM eve.tried GROUP BY q};

sub eve_tries
{
	my ($deed, $super_runs) = @_;

	$node->safe_psql('postgres', "TRUNCATE eve.tried; DELETE FROM eve.deed; INSERT INTO eve.deed VALUES ('$deed')");
	$node->psql('postgres', $super_runs);
	return $node->safe_psql('postgres', $tried);
}
is(eve_tries('ALTER TABLE s2.victim ADD by_analyze int', 'ANALYZE eve.av'), "ALTER TABLE s2.victim ADD by_analyze int|t|$super", "an index's function in a superuser's ANALYZE");
is(eve_tries('ALTER TABLE s2.victim ADD by_reindex int', 'REINDEX TABLE eve.av'), "ALTER TABLE s2.victim ADD by_reindex int|t|$super", 'in REINDEX');
is(eve_tries('ALTER TABLE s2.victim ADD by_reason int', "SET schemaguard.reason = 'x'; ANALYZE eve.av"), "ALTER TABLE s2.victim ADD by_reason int|t|$super", "and a superuser's reason is not hers");
$node->append_conf('postgresql.conf', "autovacuum = on\nautovacuum_naptime = 1s\n");
$node->reload;
for my $owner ('eve', 'deploy')
{
	$node->safe_psql('postgres', "GRANT USAGE ON SCHEMA eve TO deploy; GRANT ALL ON ALL TABLES IN SCHEMA eve TO deploy; ALTER TABLE eve.av OWNER TO $owner; BEGIN; TRUNCATE eve.tried, eve.deed; INSERT INTO eve.av SELECT generate_series(1, 100); INSERT INTO eve.deed VALUES ('CREATE TABLE eve.new (a int)'); COMMIT");
	ok(wait_for(sub { $node->safe_psql('postgres', 'SELECT count(*) > 0 FROM eve.tried') eq 't' }), "autovacuum comes to a table of $owner");
	is($node->safe_psql('postgres', "SELECT DISTINCT refused FROM eve.tried"), 't', 'and refuses DDL');
}
$node->safe_psql('postgres', 'ALTER TABLE eve.av OWNER TO eve');
is(eve_tries('ALTER TABLE s2.victim ADD by_plan int', q{SET schemaguard.fix_limit = -1; SELECT sg_plan_create('fixes'), sg_plan_add_fk('fixes', 'eve.child', '{p}', 'eve.parent', orphans => 'delete'); CALL sg_add_fks('fixes', fix => true)}),
	"ALTER TABLE s2.victim ADD by_plan int|t|$super", "a table owner's trigger in a step of another role's plan");
is($node->safe_psql('postgres', q{SELECT (SELECT count(*) FROM eve.child) || ' ' || (SELECT convalidated FROM pg_constraint WHERE conrelid = 'eve.child'::regclass AND contype = 'f')}), '0 true', 'whose own statements pass');

# an event trigger's own statements are the plan's, and not what they lead to: as the owner of a table, or as whoever runs the plan
$node->safe_psql('postgres', q{SET client_min_messages = error;
	INSERT INTO eve.child VALUES (2, NULL); CREATE TABLE public.own (a int);
	CREATE FUNCTION public.leads() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN
		IF current_setting('test.lead', true) <> '' THEN EXECUTE current_setting('test.lead'); END IF; COMMENT ON TABLE public.own IS 'x'; END $$;
	CREATE EVENT TRIGGER leads ON ddl_command_end WHEN TAG IN ('ALTER TABLE') EXECUTE FUNCTION public.leads()});
for my $case ([ 'by_owner', 'ANALYZE eve.av', 't' ], [ 'by_caller', 'DELETE FROM eve.child WHERE id = 2', 'f' ])
{
	my ($name, $leads, $refused) = @$case;

	is(eve_tries("CREATE TABLE eve.$name (a int)", "SET test.lead = '$leads'; SELECT sg_plan_create('$name'), sg_plan_add('$name', 'ALTER TABLE public.own ADD $name int'); CALL sg_apply('$name')"),
		"CREATE TABLE eve.$name (a int)|$refused|$super", "below an event trigger: $leads");
	is($node->safe_psql('postgres', "SELECT string_agg(DISTINCT concat(tag, ' ', origin), ', ') FROM schemaguard.ddl_log WHERE object = 'eve.$name' OR origin_name = '$name'"),
		join(', ', 'ALTER TABLE schemaguard', 'COMMENT schemaguard', $refused eq 'f' ? 'CREATE TABLE direct' : ()), '... as the log tells it');
}
$node->safe_psql('postgres', q{SET client_min_messages = error; DROP EVENT TRIGGER leads; DROP FUNCTION public.leads(); DROP TABLE public.own; SELECT sg_plan_drop('by_owner', force => true), sg_plan_drop('by_caller', force => true)});

# a function that the session has looked up before the call, so that no hook is asked: subtype_diff, which the type cache keeps; and a call of ours by such code
mode(q{'off'});
$node->safe_psql('postgres', q{
	SET SESSION AUTHORIZATION eve;
	CREATE FUNCTION eve.diff(float8, float8) RETURNS float8 LANGUAGE sql IMMUTABLE AS 'SELECT $1 - $2';
	CREATE TYPE eve.span AS RANGE (subtype = float8, subtype_diff = eve.diff);
	CREATE TABLE eve.spans (id int PRIMARY KEY, p int, r eve.span); CREATE INDEX ON eve.spans USING gist (r);
	INSERT INTO eve.spans SELECT i, CASE WHEN i > 9000 THEN 7 END, eve.span(i, i + 2) FROM generate_series(1, 9010) i;
	CREATE OR REPLACE FUNCTION eve.diff(float8, float8) RETURNS float8 LANGUAGE plpgsql AS $$ DECLARE s text; BEGIN
		FOR s IN SELECT q FROM eve.deed LOOP EXECUTE s; END LOOP; RETURN $1 - $2; END $$});
mode(q{'refuse', roles => '{deploy}'});
for my $deed ('ALTER TABLE s2.victim ADD by_range int', q{SELECT schemaguard.sg_sync_run('ALTER TABLE s2.victim ADD by_range int')})
{
	my ($out, $err) = ('', '');

	$node->safe_psql('postgres', "DELETE FROM eve.deed; INSERT INTO eve.deed VALUES (\$q\$$deed\$q\$)");
	$node->psql('postgres', q{SELECT r FROM eve.spans LIMIT 1;
		SET schemaguard.fix_limit = -1; SELECT sg_plan_create('spans'), sg_plan_add_fk('spans', 'eve.spans', '{p}', 'eve.parent', orphans => 'set null'); CALL sg_add_fks('spans', fix => true);},
		stdout => \$out, stderr => \$err, on_error_stop => 0);
	like($err, qr/ALTER TABLE of s2.victim is refused/, 'code that the session had looked up before the call');
	$node->safe_psql('postgres', q{SET client_min_messages = error; SELECT sg_plan_drop('spans', force => true); ALTER TABLE eve.spans DROP CONSTRAINT IF EXISTS spans_p_fkey});
}
mode(q{'warn'});
is($node->safe_psql('postgres', q{SELECT string_agg(attname, ' ') FROM pg_attribute WHERE attrelid = 's2.victim'::regclass AND attnum > 0}), 'a', 'her deeds have come to nothing');
$node->safe_psql('postgres', q{SET client_min_messages = error; ALTER TABLE eve.child DROP CONSTRAINT child_p_fkey; INSERT INTO eve.child VALUES (3, 7)});
is(eve_tries('ALTER TABLE s2.victim ADD by_plan int', q{SET schemaguard.fix_limit = -1; SELECT sg_plan_create('again'), sg_plan_add_fk('again', 'eve.child', '{p}', 'eve.parent', orphans => 'delete'); CALL sg_add_fks('again', fix => true)}),
	"ALTER TABLE s2.victim ADD by_plan int|f|$super", 'where the guard warns, it is done');
is($node->safe_psql('postgres', q{SELECT DISTINCT origin, origin_name FROM schemaguard.ddl_log WHERE object = 's2.victim' AND role = 'eve' AND tag = 'ALTER TABLE'}), 'direct|', "and the log does not tell it as the plan's");
is($node->safe_psql('postgres', q{SELECT DISTINCT origin, origin_name FROM schemaguard.ddl_log WHERE object = 'eve.child' AND origin_name = 'again'}), 'schemaguard|again', '... whose own it does');
$node->append_conf('postgresql.conf', "autovacuum = off\n");
$node->reload;
$node->safe_psql('postgres', q{SET client_min_messages = error; SELECT sg_plan_drop('fixes', force => true), sg_plan_drop('again', force => true), sg_capture_ddl(false), sg_guard_ddl('off');
	DROP SCHEMA eve CASCADE; DROP TABLE s2.victim; DROP OWNED BY eve; DROP ROLE eve});

mode(q{'refuse'});

# event triggers are superusers': what they run belongs to the statement that has fired them
$node->safe_psql('postgres', q{
	CREATE FUNCTION public.more() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN DO 'BEGIN EXECUTE ''COMMENT ON TABLE s.parent IS $c$by an event trigger$c$''; END'; END $$;
	SET client_min_messages = error; CREATE EVENT TRIGGER more ON ddl_command_end WHEN TAG IN ('ALTER TABLE') EXECUTE FUNCTION public.more()});
is(tried('alice', q{SELECT sg_plan_create('more'), sg_plan_add('more', 'ALTER TABLE s.child ADD more int'); CALL sg_apply('more')}), 'passes', 'a plan whose statement fires an event trigger');
is($node->safe_psql('postgres', q{SELECT state || ' ' || obj_description('s.parent'::regclass) FROM schemaguard.plan_step WHERE plan = 'more'}), 'validated by an event trigger', 'which runs DDL');
$node->safe_psql('postgres', q{SET client_min_messages = error; DROP EVENT TRIGGER more; DROP FUNCTION public.more(); ALTER TABLE s.child DROP more; COMMENT ON TABLE s.parent IS NULL; SELECT sg_plan_drop('more', force => true)});

# ---- scripts of extensions

is(tried($super, q{SET client_min_messages = warning; BEGIN; CREATE EXTENSION IF NOT EXISTS dblink; ROLLBACK}), 'warned', 'CREATE EXTENSION');
($out, $err) = ('', '');
$node->psql('postgres', 'BEGIN; CREATE EXTENSION dblink; ROLLBACK', stdout => \$out, stderr => \$err);
is(() = $err =~ /WARNING/g, 1, 'is told once, and not its script');

# ---- dump, restore, copies

my $dump = $node->basedir . '/dump';
mode(q{'refuse', roles => 'deploy'});
$node->command_ok([ 'pg_dump', '-Fc', '-f', $dump, $node->connstr('postgres') ], 'pg_dump with the guard on');
$node->safe_psql('postgres', "CREATE DATABASE copied TEMPLATE template0");
$node->command_ok([ 'pg_restore', '-d', $node->connstr('copied'), $dump ], 'pg_restore into another database');
my $state = 'SELECT mode, wanted, roles FROM schemaguard.ddl_guard_state';
is($node->safe_psql('copied', $state), 'warn|refuse|{deploy}', 'where the guard warns');
$dbname = 'copied';
my @some = @guarded[ 0, 9, 12 ];
all_are(outcomes('alice', \@some, loaded => $_), \@some, 'warned', 'alice there') for 1, 0;
$node->safe_psql('copied', q{SELECT sg_guard_ddl('refuse')});
all_are(outcomes('alice', \@some, loaded => $_), \@some, 'refused', 'until a superuser calls it again') for 1, 0;
$dbname = 'postgres';
run_command_ok($node, [ 'pg_restore', '--clean', '--if-exists', '-d', $node->connstr('copied'), $dump ], 'pg_restore --clean over a guarded database');
is($node->safe_psql('copied', $state), 'warn|refuse|{deploy}', 'which warns again');
$node->safe_psql('template1', 'CREATE DATABASE by_template TEMPLATE postgres');
is($node->safe_psql('by_template', $state), 'warn|refuse|{deploy}', 'a copy by CREATE DATABASE warns, too');
is($node->safe_psql('postgres', $state), 'refuse|refuse|{deploy}', 'the original refuses');

sub run_command_ok
{
	my ($server, $command, $name) = @_;
	local $ENV{PGOPTIONS} = '-c client_min_messages=error';

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	$server->command_ok($command, $name);
}

# ---- a subscription

$node->safe_psql('postgres', q{CREATE PUBLICATION pub FOR TABLE s.parent; SELECT pg_create_logical_replication_slot('sub', 'pgoutput')});
$node->safe_psql('by_template', q{TRUNCATE s.parent, s.child; SELECT sg_guard_ddl('refuse')});
$node->safe_psql('by_template', q{CREATE SUBSCRIPTION sub CONNECTION '} . $node->connstr('postgres') =~ s/'//gr . q{' PUBLICATION pub WITH (create_slot = false)});
my $there = sub { $node->safe_psql('by_template', 'SELECT count(*) FROM s.parent') };
ok(wait_for(sub { $there->() == 10 }), 'the first rows of a subscription in a guarded database');
$node->safe_psql('postgres', 'INSERT INTO s.parent VALUES (11)');
ok(wait_for(sub { $there->() == 11 }), 'and the later ones');
$node->safe_psql('by_template', 'DROP SUBSCRIPTION sub');

# ---- what was run by hand

mode(q{'off'});
$node->safe_psql('copied', q{
	SELECT sg_guard_ddl('warn', roles => 'deploy'); SELECT sg_capture_ddl(true);
	SET client_min_messages = error;
	CREATE TABLE s.before_it (a int); CREATE TABLE s.other (a int); CREATE TABLE s.to_rename (a int);
	ALTER TABLE s.other OWNER TO app; ALTER TABLE s.to_rename OWNER TO app;
	SELECT * FROM sg_snapshot_take('base')});
$node->psql('copied', q{SET schemaguard.reason = 'fire'; ALTER TABLE s.c ADD hot int}, extra_params => [ '-U', 'carol' ]);
$node->psql('copied', q{ALTER TABLE s.part_2 ADD back int; ALTER TABLE s.part_2 DROP back}, extra_params => [ '-U', 'alice' ]);
$node->psql('copied', q{ALTER TABLE s.to_rename RENAME TO renamed; ALTER TABLE s.other RENAME a TO b}, extra_params => [ '-U', 'alice' ]);
$node->psql('copied', q{ALTER TABLE s.t ADD migrated int}, extra_params => [ '-U', 'deploy' ]);
my $manual = q{SELECT state, object, tag, role, reason, file FROM sg_manual_changes(reference => 'base') WHERE object ~ '^s[.]' ORDER BY object};
is($node->safe_psql('copied', $manual),
	"adopted|s.before_it|CREATE TABLE|$super||\n"
	  . "open|s.c|ALTER TABLE|carol|fire|ALTER TABLE s.c ADD COLUMN hot integer;\n"
	  . join('', map { "open|$_|ALTER TABLE|" . ($_ eq 's.other' ? $super : 'alice') . "||ALTER TABLE s.other RENAME COLUMN a TO b;\n" } qw(s.other s.other.a s.other.b))
	  . "reverted|s.part_2|ALTER TABLE|alice||\nreverted|s.part_2.back|ALTER TABLE|alice||\n"
	  . "open|s.renamed|ALTER TABLE|alice||ALTER TABLE s.to_rename RENAME TO renamed;\n"
	  . "open|s.to_rename|ALTER TABLE|alice||ALTER TABLE s.to_rename RENAME TO renamed;", 'what was run by hand');
like(($node->psql('copied', q{SELECT * FROM sg_manual_changes(reference => 'bas')}))[2], qr/snapshot "bas" does not exist\n.*Perhaps you meant snapshot "base"/s, 'a snapshot that is not there is none');
is($node->safe_psql('copied', q{SELECT origin, origin_name FROM schemaguard.ddl_log WHERE object = 's.t' AND tag = 'ALTER TABLE'}), 'migration|deploy', 'a migration role is one in the log of DDL, too');
$node->safe_psql('copied', q{SET client_min_messages = error; SELECT sg_snapshot_take('later')});
is($node->safe_psql('copied', q{SELECT DISTINCT state FROM sg_manual_changes() WHERE object = 's.c'}), 'adopted', 'a later snapshot has adopted it');
$node->safe_psql('copied', q{SELECT sg_snapshot_drop('base'), sg_snapshot_drop('later')});
is($node->safe_psql('copied', q{SELECT DISTINCT state FROM sg_manual_changes() WHERE object = 's.c'}), 'unknown', 'without a snapshot it is not known');

# ---- the end

$node->safe_psql('copied', q{SELECT sg_guard_ddl('refuse')});
{
	my $user = SgTest::Session->new($node, user => 'alice', dbname => 'copied');
	$user->query($ddl);
	is($user->sqlstate, '42501', 'refused');
	$user->query('ROLLBACK');
	is($node->psql('copied', 'DROP EXTENSION schemaguard'), 0, 'DROP EXTENSION with the guard on');
	$user->query($ddl);
	is($user->sqlstate, '', 'takes it along, also in sessions that have the library');
	$user->quit;
}
is($node->safe_psql('copied', 'SELECT count(*) FROM pg_event_trigger'), '0', 'and the event trigger');

done_testing();
