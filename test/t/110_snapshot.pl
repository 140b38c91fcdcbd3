# 110_snapshot.pl: snapshots where it is not simple.
#
#   - a standby, a read-only transaction and a role that can merely connect see what a superuser sees on the primary
#   - docs/snapshot.sql makes the same snapshot, and its document is imported
#   - what another session keeps locked is unknown, by name; nothing is missing, and nothing fails while objects come and go
#   - another server: without dblink, unreachable, silent, slow, cancelled; each in time, and no connection stays
#
# rooms: snapshot
# takes: 35 s
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use IO::Socket::UNIX;
use IPC::Run;
use Test::More;
use Time::HiRes qw(time);
use SgTest;

my $script = "$FindBin::RealBin/../../docs/snapshot.sql";
my $primary = new_node('primary', streaming => 1,
	conf => "autovacuum = off\nmax_connections = 30\nshared_buffers = 16MB\nwal_level = replica\nmax_locks_per_transaction = 64\n");
$primary->backup('b');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($primary, 'b', has_streaming => 1);
$standby->start;

# The document that psql prints, into a file that the server can read
sub document
{
	my ($node, $db, @params) = @_;
	my $file = $primary->basedir . '/' . ++$main::documents . '.json';
	my @command = ('psql', '-X', '-w', '-d', $node->connstr($db), @params, '-f', $script, '-o', $file);

	is(system(@command), 0, "docs/snapshot.sql: @params");
	return $file;
}

sub import
{
	my ($name, $file) = @_;
	return $primary->safe_psql('postgres', "SELECT sg_snapshot_import('$name', pg_read_file('$file')::jsonb)");
}

sub checksum { return $primary->safe_psql('postgres', "SELECT checksum FROM schemaguard.snapshot WHERE name = '$_[0]'"); }

# All but the position in WAL, which moves
sub environment { return $primary->safe_psql('postgres', "SELECT environment - 'lsn' FROM schemaguard.snapshot WHERE name = '$_[0]'"); }

$primary->safe_psql('postgres', q{
	CREATE ROLE nobody LOGIN; SELECT sg_grant('nobody');
	CREATE SCHEMA closed;
	REVOKE ALL ON SCHEMA public FROM PUBLIC;
	CREATE TABLE closed."T a" (id int PRIMARY KEY, v int DEFAULT 1 + 1 CHECK (v > 0));
	CREATE TABLE closed.c (t int REFERENCES closed."T a", w text);
	CREATE INDEX ON closed.c (lower(w)) WHERE t > 0;
	CREATE FUNCTION closed.trg() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
	CREATE TRIGGER w BEFORE INSERT ON closed."T a" FOR EACH ROW WHEN (NEW.v > 1) EXECUTE FUNCTION closed.trg();
	CREATE STATISTICS closed.st ON (v + 1), id FROM closed."T a";
	CREATE TABLE closed.part (a int) PARTITION BY RANGE ((a + 1));
	CREATE INDEX ON closed."T a" ((v + 1));
	CREATE INDEX i ON closed."T a" (v) WHERE v > 7;
	ALTER TABLE closed."T a" ADD EXCLUDE USING gist (int4range(0, v) WITH &&) WHERE (v > 8);
	ALTER TABLE closed.c ENABLE ROW LEVEL SECURITY;
	CREATE POLICY p ON closed.c USING (t > 1);
	CREATE VIEW closed.v AS SELECT id FROM closed."T a" WHERE v > 1;
	CREATE VIEW closed.free AS SELECT 1 AS one;
	CREATE VIEW closed.vv AS SELECT id FROM closed.v;
	CREATE FUNCTION closed.f() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT count(*) FROM closed."T a"; END;
	CREATE RULE r AS ON DELETE TO closed.c DO ALSO UPDATE closed."T a" SET v = 1;
	SELECT sg_snapshot_take('base');
});

# ---- the same everywhere
import('psql', document($primary, 'postgres'));
is(checksum('psql'), checksum('base'), 'psql takes the same snapshot');
import('nobody', document($primary, 'postgres', '-U', 'nobody'));
is(checksum('nobody'), checksum('base'), 'so does a role that may only connect');
like(environment('base'), qr/"system_identifier": "\d{15,}"/, 'the environment has an identifier');
is(environment('nobody'), environment('base'), 'and is the same for it');
import('some', document($primary, 'postgres', '-v', 'schemas={closed}'));
is($primary->safe_psql('postgres', q{SELECT DISTINCT coalesce(substring(parent FROM '^\w+'), identity) FROM sg_snapshot_objects_details('some')}),
	'closed', 'a schema of its own');
$primary->safe_psql('postgres', q{SELECT sg_snapshot_take('some here', '{closed}')});
is(checksum('some'), checksum('some here'), 'the same as the function takes');
is($primary->safe_psql('postgres', q{
		BEGIN READ ONLY;
		SELECT count(*) FROM (SELECT * FROM sg_snapshot_objects_details('live') EXCEPT SELECT * FROM sg_snapshot_objects_details('base')) x;
		COMMIT}),
	'0', 'live in a read-only transaction');

$primary->safe_psql('postgres', q{
	CREATE ROLE watcher LOGIN IN ROLE pg_monitor;
	GRANT USAGE ON SCHEMA public TO watcher;
	SELECT sg_snapshot_drop('base'), sg_snapshot_take('base')});
is($primary->safe_psql('postgres', q{SELECT has_schema_privilege('closed', 'usage'), count(*) FROM sg_drift_details('base')}, extra_params => [ '-U', 'watcher' ]),
	'f|0', 'a role that may not look into a schema finds nothing missing');

$primary->wait_for_catchup($standby, 'replay', $primary->lsn('insert'));
import('standby', document($standby, 'postgres'));
is(checksum('standby'), checksum('base'), 'psql on the standby');
is(environment('standby'), $primary->safe_psql('postgres', q{SELECT environment - 'lsn' - 'timeline' FROM schemaguard.snapshot WHERE name = 'base'}),
	'its environment lacks the timeline');
is($standby->safe_psql('postgres', q{SELECT count(*) FROM (SELECT * FROM sg_snapshot_objects_details('live') EXCEPT SELECT * FROM sg_snapshot_objects_details('base')) x}),
	'0', 'live on the standby');
is_error($standby, q{SELECT sg_snapshot_take('x')}, '25006', undef, 'nothing is taken there');

# ---- locked by another session
my $holder = SgTest::Session->new($primary);
my $unknown = q{SELECT string_agg(kind || ' ' || identity, ', ' ORDER BY kind, identity) FROM sg_snapshot_objects_details('%s') WHERE properties ? 'unknown'};
my $touched = 'column closed."T a".v, constraint closed."T a"."T a_int4range_excl", constraint closed."T a"."T a_v_check", function closed.f(), index closed."T a_expr_idx", index closed.i, rule closed.c.r, statistics closed.st, trigger closed."T a".w, view closed.v';

$holder->query(q{BEGIN; LOCK TABLE closed."T a" IN ACCESS EXCLUSIVE MODE});
my $start = time;
$primary->safe_psql('postgres', q{SELECT sg_snapshot_take('locked')});
cmp_ok(time - $start, '<', bound(60, 240), 'a lock is not waited for without end');
is($primary->safe_psql('postgres', sprintf $unknown, 'locked'), $touched, 'what the lock hides is unknown');
is($primary->safe_psql('postgres', q{SELECT a.objects = b.objects, a.unknown FROM schemaguard.snapshot a, schemaguard.snapshot b WHERE a.name = 'locked' AND b.name = 'base'}),
	't|10', 'and nothing is missing');
is($primary->safe_psql('postgres', q{SELECT class, count(*), count(DISTINCT object), bool_and(detail ~ 'locked by another session') FROM sg_drift_details('base', 'locked') GROUP BY class}),
	'unknown|10|10|t', 'drift: unknown, each by name, with the reason');
is($primary->safe_psql('postgres', q{SELECT sg_drift_check('base', 'locked')}), '10', 'which counts');
import('locked psql', document($primary, 'postgres'));
is($primary->safe_psql('postgres', sprintf $unknown, 'locked psql'), $touched, 'the same in psql');
is($primary->safe_psql('postgres', q{SELECT count(*) FROM pg_locks WHERE pid <> pg_backend_pid() AND relation::regclass::text LIKE 'closed%' AND mode = 'AccessShareLock'}),
	'0', 'no lock stays');
$holder->query('ROLLBACK');
$primary->safe_psql('postgres', q{SELECT sg_snapshot_take('free')});
is(checksum('free'), checksum('base'), 'once it is free, all is known');

# cancelled in the midst of it
$holder->query('BEGIN; LOCK TABLE pg_catalog.pg_description IN ACCESS EXCLUSIVE MODE');
my $waiting = SgTest::Session->new($primary);
$waiting->send(q{DO $$ BEGIN PERFORM sg_snapshot_take('cancelled'); END $$});
ok(wait_for(sub { $primary->safe_psql('postgres', "SELECT count(*) FROM pg_locks WHERE pid = $waiting->{pid} AND NOT granted") eq '1' }), 'a snapshot waits for a lock');
$primary->safe_psql('postgres', "SELECT pg_cancel_backend($waiting->{pid})");
$waiting->collect;
is($waiting->sqlstate, '57014', 'and is cancelled');
like($waiting->{err}, qr/^CONTEXT:  .*inline_code_block/ms, 'with the CONTEXT of who called it');
cmp_ok(length $waiting->{err}, '<', 1000, 'but not the whole statement');
$holder->query('ROLLBACK');
$waiting->quit;

# ---- objects come and go
$primary->safe_psql('postgres', q{
	CREATE PROCEDURE churn(seconds int) LANGUAGE plpgsql AS $$
	DECLARE
		until timestamptz := clock_timestamp() + seconds * interval '1 s';
	BEGIN
		WHILE clock_timestamp() < until LOOP
			CREATE TABLE closed.churn (a int DEFAULT 1 + 1 CHECK (a > 0), b text) PARTITION BY RANGE (a);
			CREATE TABLE closed.churn1 PARTITION OF closed.churn FOR VALUES FROM (1) TO (2);
			CREATE INDEX ON closed.churn (lower(b));
			CREATE VIEW closed.churned AS SELECT a, lower(b) AS b FROM closed.churn;
			CREATE FUNCTION closed.churner() RETURNS SETOF closed.churned LANGUAGE sql BEGIN ATOMIC SELECT * FROM closed.churned; END;
			COMMIT;
			DROP TABLE closed.churn CASCADE;
			COMMIT;
		END LOOP;
	END $$;
});
my @churners = map { SgTest::Session->new($primary) } 1;
my $seconds = long_run() ? 20 : 1.5;
$_->send("CALL churn($seconds)") foreach @churners;
my ($taken, $failed, $wrong) = (0, 0, 0);
$start = time;
while (time - $start < $seconds)
{
	my ($out, $err);
	$primary->psql('postgres', q{SELECT count(*) FILTER (WHERE identity !~ 'churn') FROM sg_snapshot_objects_details('live', '{closed}')},
		stdout => \$out, stderr => \$err) == 0
	  ? $taken++ : ($failed++, diag $err);
	$wrong++ if ($out // '') ne $primary->safe_psql('postgres', q{SELECT objects FROM schemaguard.snapshot WHERE name = 'some here'});
}
$_->collect foreach @churners;
cmp_ok($taken, '>', 0, "snapshots while objects come and go ($taken)");
is($failed, 0, 'none failed');
is($wrong, 0, 'and the others are all there');

# ---- another server
$primary->safe_psql('postgres', 'CREATE DATABASE other');
$primary->safe_psql('other', q{CREATE TABLE t (id int PRIMARY KEY, "A b" text DEFAULT 'x'); CREATE VIEW v AS SELECT id FROM t; COMMENT ON TABLE t IS 'é'});
is_error($primary, q{SELECT sg_snapshot_take('r', server => 'nope')}, '42704', qr/foreign server "nope"/, 'no such server');

SKIP:
{
	skip 'dblink is not available', 1 if !has_extension($primary, 'dblink');

	my ($host, $port) = ($primary->host, $primary->port);
	$primary->safe_psql('postgres', qq{
		CREATE FOREIGN DATA WRAPPER bare;
		CREATE SERVER bare FOREIGN DATA WRAPPER bare;
	});
	is_error($primary, q{SELECT sg_snapshot_take('r', server => 'bare')}, '42704', qr/"dblink" is not installed.*CREATE EXTENSION dblink/s, 'without dblink');
	$primary->safe_psql('postgres', qq{
		CREATE SCHEMA "Ext s";
		CREATE EXTENSION dblink SCHEMA "Ext s";
		CREATE SERVER "Other s" FOREIGN DATA WRAPPER "dblink_fdw" OPTIONS (host '$host', port '$port', dbname 'other');
		CREATE SERVER gone FOREIGN DATA WRAPPER dblink_fdw OPTIONS (host '$host/nowhere', port '$port', dbname 'other');
		CREATE SERVER silent FOREIGN DATA WRAPPER dblink_fdw OPTIONS (host '$host', port '1', dbname 'other');
		CREATE USER MAPPING FOR CURRENT_USER SERVER "Other s";
		CREATE USER MAPPING FOR CURRENT_USER SERVER gone;
		CREATE USER MAPPING FOR CURRENT_USER SERVER silent;
	});
	my $connections = q{SELECT count(*) FROM pg_stat_activity WHERE datname = 'other' AND pid <> pg_backend_pid()};
	my $none = sub { wait_for(sub { $primary->safe_psql('postgres', $connections) eq '0' }) };

	$primary->safe_psql('postgres', q{SELECT sg_snapshot_take('remote', server => 'Other s')});
	import('remote psql', document($primary, 'other'));
	is(checksum('remote'), checksum('remote psql'), 'a database without schemaguard, through dblink');
	is(environment('remote'), environment('remote psql'), 'its environment');
	is($primary->safe_psql('postgres', q{SELECT server, database, unknown FROM schemaguard.snapshot WHERE name = 'remote'}), 'Other s|other|0', 'its header');
	ok($none->(), 'the connection is closed');
	$primary->safe_psql('postgres', q{SELECT sg_snapshot_take('remote public', '{public}', 'Other s')});
	is($primary->safe_psql('postgres', q{SELECT count(*) FROM (SELECT * FROM sg_snapshot_objects_details('remote public') EXCEPT SELECT * FROM sg_snapshot_objects_details('remote', '{public}')) x}),
		'0', 'one schema of it');
	is_error($primary, q{SELECT sg_snapshot_take('x', '{nope}', 'Other s')}, '3F000', qr/database "other"/, 'a schema that is not there');
	$primary->safe_psql('postgres', q{GRANT USAGE ON SCHEMA public, "Ext s" TO nobody; CREATE USER MAPPING FOR nobody SERVER "Other s"});
	is_error($primary, q{SELECT sg_snapshot_take('x', server => 'Other s')}, '42501', undef, 'somebody without USAGE on the server', user => 'nobody');

	is_error($primary, q{SELECT sg_snapshot_take('x', server => 'gone')}, '08001', qr/could not connect to server "gone"/, 'nobody listens');

	# as an old server answers
	$primary->safe_psql('postgres', qq{
		CREATE DATABASE old;
		CREATE SERVER old FOREIGN DATA WRAPPER dblink_fdw OPTIONS (host '$host', port '$port', dbname 'old');
		CREATE USER MAPPING FOR CURRENT_USER SERVER old});
	$primary->safe_psql('old', q{
		ALTER FUNCTION pg_catalog.current_setting(text) RENAME TO the_setting;
		CREATE FUNCTION pg_catalog.current_setting(text) RETURNS text STABLE LANGUAGE sql AS
			$$ SELECT CASE $1 WHEN 'server_version_num' THEN '110022' ELSE pg_catalog.the_setting($1) END $$});
	is_error($primary, q{SELECT sg_snapshot_take('x', server => 'old')}, '0A000',
		qr/server "old" runs PostgreSQL 11.*needs PostgreSQL 12.*pg_dump/s, 'a server that is too old');
	my ($stdout, $stderr) = ('', '');
	ok(!IPC::Run::run([ 'psql', '-X', '-v', 'VERBOSITY=verbose', '-d', $primary->connstr('old'), '-f', $script ], '>', \$stdout, '2>', \$stderr), '... is told by the script, too');
	is($? >> 8, 3, '... by its status');
	like($stderr, qr/\A\S+ ERROR:  0A000: this server runs PostgreSQL \S.*\nDETAIL:  .*needs PostgreSQL 12.*\nHINT:  .*pg_dump[^\n]*(\nLOCATION:[^\n]*)?\n\z/, '... in one error');
	is($stdout, '', '... and prints nothing');

	my $path = "$host/.s.PGSQL.1";
	unlink $path;
	my $silent = IO::Socket::UNIX->new(Type => SOCK_STREAM(), Local => $path, Listen => 5) or die "$path: $!";
	chmod 0777, $path;
	$start = time;
	is_error($primary, q{SET schemaguard.connect_timeout = 2; SELECT sg_snapshot_take('x', server => 'silent')}, '08001', qr/server "silent"/, 'somebody listens, and says nothing');
	cmp_ok(time - $start, '<', bound(40, 120), 'noticed in time');
	close $silent;
	unlink $path;

	# slow: its catalogs are locked
	my $other = SgTest::Session->new($primary, dbname => 'other');
	$other->query('BEGIN; LOCK TABLE pg_catalog.pg_description IN ACCESS EXCLUSIVE MODE');
	$start = time;
	is_error($primary, q{SET schemaguard.remote_timeout = '300ms'; SELECT sg_snapshot_take('x', server => 'Other s')}, '08006', qr/server "Other s" did not give a snapshot: canceling/, 'a slow server');
	cmp_ok(time - $start, '<', bound(40, 120), 'noticed in time');

	my $caller = SgTest::Session->new($primary);
	$caller->send(q{SELECT sg_snapshot_take('x', server => 'Other s')});
	ok(wait_for(sub { $primary->safe_psql('postgres', q{SELECT (SELECT count(*) FROM pg_locks WHERE NOT granted), action, phase, done, total IS NULL, unit, estimated_end IS NULL
			FROM schemaguard.progress}) eq '1|snapshot|scanning|0|t|objects|t' }), 'a snapshot that waits there shows in schemaguard.progress');
	$start = time;
	$primary->safe_psql('postgres', "SELECT pg_cancel_backend($caller->{pid})");
	$caller->collect;
	is($caller->sqlstate, '57014', 'is cancelled here');
	cmp_ok(time - $start, '<', bound(20, 120), 'at once');
	is($caller->query(q{SELECT count(*) FROM "Ext s".dblink_get_connections() c WHERE c IS NOT NULL}), '0', 'its connection is closed');
	$other->query('ROLLBACK');
	$other->quit;
	ok($none->(), 'on the other side, too');
	$caller->send(q{SELECT sg_snapshot_take('again', server => 'Other s')});
	$caller->collect;
	is(checksum('again'), checksum('remote'), 'the session goes on');
	$caller->quit;

	# locked there: unknown, as here
	$other = SgTest::Session->new($primary, dbname => 'other');
	$other->query('BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE');
	$primary->safe_psql('postgres', q{SELECT sg_snapshot_take('remote locked', server => 'Other s')});
	is($primary->safe_psql('postgres', sprintf $unknown, 'remote locked'), 'column public.t."A b", view public.v', 'locked there: unknown');
	$other->query('ROLLBACK');
	$other->quit;

	# what cannot be printed there is unknown, and nothing else
	$primary->safe_psql('other', q{
		CREATE FUNCTION gone() RETURNS int LANGUAGE sql AS 'SELECT 1';
		CREATE VIEW broken AS SELECT gone();
		DELETE FROM pg_proc WHERE oid = 'gone'::regproc});
	$primary->safe_psql('postgres', q{SELECT sg_snapshot_take('remote broken', server => 'Other s')});
	is($primary->safe_psql('postgres', sprintf $unknown, 'remote broken'), 'view public.broken', 'a view that cannot be printed: unknown');
	import('psql broken', document($primary, 'other'));
	is(checksum('psql broken'), checksum('remote broken'), 'the same in psql');
}
is($primary->safe_psql('postgres', 'SELECT count(*) FROM schemaguard.progress'), '0', 'nothing is left in schemaguard.progress');

$holder->quit;
$_->quit foreach @churners;
$standby->stop;
$primary->stop;
done_testing();
