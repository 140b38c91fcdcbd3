# 130_drift_check.pl: checks for drift as CI and listeners meet them: psql's exit status, NOTIFY that comes once and fits,
# checks at the same time, and what could not be read.  040_pg_cron.pl has them as a job.
#
# rooms: drift
use strict;
use warnings;
use utf8;
use FindBin;
use lib $FindBin::RealBin;
use IPC::Run ();
use JSON::PP ();
use Test::More;
use SgTest;

my $node = new_node('drift', without => 1, streaming => long_run() ? 1 : 0, conf => "max_worker_processes = 20\n");
$node->safe_psql('postgres', q{
	CREATE EXTENSION schemaguard;
	CREATE SCHEMA app;
	CREATE TABLE app.t (id int PRIMARY KEY, a int DEFAULT 1);
	CREATE VIEW app.v AS SELECT id, a FROM app.t;
	SELECT sg_snapshot_take('base', '{app}');
});

# ---- psql's exit status ----

sub psql_status
{
	my (@args) = @_;
	my ($out, $err);

	IPC::Run::run([ 'psql', '-X', '-A', '-t', '-d', $node->connstr('postgres'), @args ], '<', \undef, '>', \$out, '2>', \$err);
	return ($? >> 8, $err);
}
my $file = $node->basedir . '/gate.sql';
PostgreSQL::Test::Utils::append_to_file($file, "SELECT 1;\nCALL sg_drift_gate('base');\nSELECT 2;\n");

is((psql_status('-c', q{CALL sg_drift_gate('base')}))[0], 0, 'no drift: psql -c exits with 0');
is((psql_status('-v', 'ON_ERROR_STOP=1', '-f', $file))[0], 0, 'and psql -f with 0');
$node->safe_psql('postgres', 'ALTER TABLE app.t ADD b text');
my ($status, $err) = psql_status('-c', q{CALL sg_drift_gate('base')});
is($status, 1, 'drift: psql -c exits with 1');
like($err, qr/ERROR:  "live" has drifted from "base": 0 missing or changed, 1 extra, 0 unknown\nDETAIL:  extra column app\.t\.b\n/, 'and says what it is');
is((psql_status('-v', 'ON_ERROR_STOP=1', '-f', $file))[0], 3, 'psql -f with 3');
is($node->safe_psql('postgres', q{SELECT string_agg(result || ' ' || drifts || ' ' || appeared, ', ' ORDER BY id) FROM schemaguard.drift_run}),
	'pass 0 0, pass 0 0, fail 1 1, fail 1 0', 'each gate is in the history');
is((psql_status('-1', '-c', q{CALL sg_drift_gate('base')}))[0], 1, 'psql -1 is misuse');
like((psql_status('-1', '-c', q{CALL sg_drift_gate('base')}))[1], qr/cannot run inside a transaction block/, 'and told so');
like((psql_status('-c', q{SELECT 1; CALL sg_drift_gate('base')}))[1], qr/cannot run inside a transaction block/, 'as are two statements at once');
like((psql_status('-c', q{CALL sg_drift_gate('no such')}))[1], qr/snapshot "no such" does not exist/, 'no snapshot');

# ---- NOTIFY ----

my $listener = SgTest::Session->new($node);
my $checker = SgTest::Session->new($node);
$listener->query('LISTEN schemaguard');
$listener->query('LISTEN "Other"');

# What the listener has heard since it was last asked, as [ channel, payload ] each
sub heard
{
	my $out = $listener->query('SELECT 1') // '';
	my @heard;

	push @heard, [ $1, $2 ] while $out =~ /Asynchronous notification "([^"]+)" with payload "(.*?)" received from server process/gs;
	return @heard;
}

sub check
{
	my ($set, $call) = @_;

	$checker->query("$set;") if $set;
	my $out = $checker->query($call // q{SELECT sg_drift_check('base')});
	$checker->query('RESET ALL');
	return $out;
}

is(scalar(my @nothing = heard()), 0, 'nothing to hear yet');
is(check(), '1', 'what the gate has found');
is(scalar(@nothing = heard()), 0, 'is not told again');
$node->safe_psql('postgres', 'ALTER TABLE app.t DROP b, ALTER a SET DEFAULT 2');
is(check(), '1', 'another drift');
my @heard = heard();
is(scalar(@heard), 1, 'is told once');
is($heard[0][0], 'schemaguard', 'on the channel that is the default');
my $json = JSON::PP->new->utf8;
my $told = $json->decode($heard[0][1]);
is_deeply(
	{ %$told, run => 'id' },
	{
		source => 'drift', run => 'id', reference => 'base', target => 'live', result => 'fail', drifts => 1, drift => 1, extra => 0, unknown => 0, ignored => 0,
		new => 1, gone => 1, more => 0,
		items => [
			{ state => 'new', kind => 'column', object => 'app.t.a', change => 'changed', property => 'default', result => 'drift', count => undef, risk => $told->{items}[0]{risk} },
			{ state => 'gone', kind => 'column', object => 'app.t.b', change => 'extra', property => undef, result => 'extra', count => undef, risk => $told->{items}[1]{risk} } ]
	}, 'with run, counts and items') or diag(explain($told));
is($told->{run}, $node->safe_psql('postgres', 'SELECT run_id FROM schemaguard.drift_run ORDER BY id DESC LIMIT 1'), 'the run is the one in the history');
check();
is(scalar(@nothing = heard()), 0, 'the same again is not told');
$node->safe_psql('postgres', 'ALTER TABLE app.t ALTER a SET DEFAULT 3');
$checker->query(q{BEGIN; SELECT sg_drift_check('base'); ROLLBACK});
is(scalar(@nothing = heard()), 0, 'nor what is rolled back');
$checker->query(q{SELECT sg_drift_check('base', fail => true)});
is($checker->sqlstate, 'SG005', 'a check that fails');
is(scalar(@nothing = heard()), 0, 'tells nobody');
check('SET schemaguard.notify_channel = \'\'');
is(scalar(@nothing = heard()), 0, 'without a channel nobody is told');
is($node->safe_psql('postgres', 'SELECT appeared || $$ $$ || notified FROM schemaguard.drift_run ORDER BY id DESC LIMIT 1'), '1 false', 'which the history says');
$node->safe_psql('postgres', 'ALTER TABLE app.t ALTER a SET DEFAULT 4');
check('SET schemaguard.notify_channel = \'Other\'', q{CALL sg_drift_gate('base')});
is(join(',', map { $_->[0] } heard()), 'Other', 'another channel, by the gate');
$checker->query(q{SET schemaguard.notify_channel = '} . 'x' x 64 . q{'});
is($checker->sqlstate, '22023', 'a channel has a name of 63 bytes at most');
$node->safe_psql('postgres', 'ALTER TABLE app.t ALTER a SET DEFAULT 1');
check();
$told = $json->decode((heard())[0][1]);
is("$told->{result} $told->{drifts} $told->{gone} $told->{items}[0]{state}", 'pass 0 1 gone', 'that all is well again is told, too');

# Long names of several bytes a character, quotes, control characters: the payload fits and is whole
$node->safe_psql('postgres', q{
	DO $$ BEGIN FOR i IN 100..399 LOOP
		EXECUTE format('CREATE TABLE app.%I (id int)', i || E'"\\\\\t' || repeat('é', 28));
		IF i % 3 = 0 THEN EXECUTE format('CREATE FUNCTION app.%I(%s) RETURNS int LANGUAGE sql AS $f$SELECT 1$f$', i || repeat('€', 20),
			(SELECT string_agg(format('%I numeric', 'p' || n), ', ') FROM generate_series(1, 30) n)); END IF;
	END LOOP; END $$});
is(check(), '400', 'many drifts');
my $payload = (heard())[0][1];
cmp_ok(length($payload), '<', 7900, 'fit in ' . length($payload) . ' bytes');
cmp_ok(length($payload), '>', 7000, 'of which they make use');
$told = $json->decode($payload);
is($told->{more} + @{ $told->{items} }, 400, 'and the others are counted');
like($told->{items}[-1]{object}, qr/\x{e9}|\x{20ac}/, 'in whole characters');
$node->safe_psql('postgres', q{
	DROP SCHEMA app CASCADE;
	CREATE SCHEMA app;
	CREATE TABLE app.t (id int PRIMARY KEY, a int DEFAULT 1);
	CREATE VIEW app.v AS SELECT id, a FROM app.t;
});
is(check(), '0', 'made again, it is the same');
$listener->quit;

# ---- at the same time ----

$node->safe_psql('postgres', 'ALTER TABLE app.t ALTER a SET DEFAULT 2');
my $second = SgTest::Session->new($node);
$checker->query(q{BEGIN; SELECT sg_drift_check('base')});
$second->send(q{SELECT sg_drift_check('base')});
ok(wait_for(sub { $node->safe_psql('postgres', "SELECT wait_event_type FROM pg_stat_activity WHERE pid = $second->{pid}") eq 'Lock' }), 'a second check waits for the first');
$node->safe_psql('postgres', q{SELECT sg_snapshot_take('base2', '{app}')});
is($node->safe_psql('postgres', q{SELECT sg_drift_check('base2')}), '0', 'that of something else does not');
$checker->query('COMMIT');
is($second->collect, '1', 'and goes on then');
is($node->safe_psql('postgres', q{SELECT string_agg(drifts || ' ' || appeared, ', ' ORDER BY id DESC) FROM (SELECT * FROM schemaguard.drift_run WHERE reference = 'base' ORDER BY id DESC LIMIT 2) r}),
	'1 0, 1 1', 'the drift is new to one of them only');

my @sessions = map { SgTest::Session->new($node) } 1 .. 4;
my $rounds = long_run() ? 100 : 3;
$_->send(join ";\n", map { $_ % 3 ? q{SELECT sg_drift_check('base')} : q{CALL sg_drift_gate('base')} } 1 .. $rounds) foreach @sessions;
for my $i (1 .. $rounds * 2)
{
	$node->safe_psql('postgres', $i % 2 ? 'ALTER TABLE app.t ADD b int, ALTER a SET DEFAULT 5' : 'ALTER TABLE app.t DROP b, ALTER a SET DEFAULT 1');
}
$_->collect foreach @sessions;
my $ran = $node->safe_psql('postgres', q{SELECT count(*) FROM schemaguard.drift_run WHERE reference = 'base'});
cmp_ok($ran, '>=', 4 * $rounds, "$ran checks");
my $history = q{
	WITH r AS (SELECT id, at, run_id, drifts, appeared, gone, lead(run_id) OVER (ORDER BY id) AS next FROM schemaguard.drift_run WHERE reference = 'base'),
	     i AS (SELECT * FROM schemaguard.finding WHERE reference = 'base')
	SELECT (SELECT count(*) FROM r WHERE drifts <> (SELECT count(*) FROM i WHERE first_seen <= r.at AND last_seen >= r.at)),
	       (SELECT count(*) FROM r WHERE appeared <> (SELECT count(*) FROM i WHERE first_run = r.run_id)),
	       (SELECT count(*) FROM r WHERE gone <> (SELECT count(*) FROM i WHERE gone_run = r.run_id)),
	       (SELECT count(*) FROM i JOIN r ON r.run_id = i.run WHERE i.gone_run IS DISTINCT FROM r.next)};
is($node->safe_psql('postgres', $history), '0|0|0|0', 'every run has the items that it counted, from the first to the last of them');
$_->quit foreach @sessions, $second;

# ---- what can't be read is no pass ----

$node->safe_psql('postgres', 'DROP VIEW app.v; ALTER TABLE app.t DROP IF EXISTS b, ALTER a SET DEFAULT 1; CREATE VIEW app.v AS SELECT id, a FROM app.t');
is(check(), '0', 'all is well');
$checker->query('BEGIN; LOCK TABLE app.t');
is($node->safe_psql('postgres', q{SELECT sg_drift_check('base') > 0}), 't', 'but not while a table is locked');
is($node->safe_psql('postgres', 'SELECT result, drift, extra, unknown > 0 FROM schemaguard.drift_run ORDER BY id DESC LIMIT 1'), 'unknown|0|0|t', 'which is unknown, not missing');
is((psql_status('-c', q{CALL sg_drift_gate('base')}))[0], 1, 'and does not pass the gate');
$checker->query('ROLLBACK');
is((psql_status('-c', q{CALL sg_drift_gate('base')}))[0], 0, 'until it is over');

# a key that may be there is not missing
$node->safe_psql('postgres', q{
	CREATE TABLE app.parted (id int, t_id int CONSTRAINT parted_t REFERENCES app.t) PARTITION BY LIST (id);
	SELECT sg_snapshot_take('keys', '{app}');
	ALTER TABLE app.parted DROP CONSTRAINT parted_t;
});
my $compare = q{SELECT status, recommendation, migration IS NULL FROM sg_compare_fks_details('keys') WHERE reference_name = 'parted_t'};
$checker->query('BEGIN; LOCK TABLE app.parted');
is($node->safe_psql('postgres', $compare), 'unknown|none|t', 'a key of a table that could not be read is unknown');
$checker->query('ROLLBACK');
is($node->safe_psql('postgres', $compare), 'only_reference|add here|f', 'and only in the reference when it could');
$node->safe_psql('postgres', 'DROP TABLE app.parted');
$node->safe_psql('postgres', q{CREATE ROLE nobody LOGIN; SELECT sg_grant('nobody'); REVOKE ALL ON SCHEMA app FROM PUBLIC});
my $document = $node->safe_psql('postgres', q{SELECT sg_snapshot_export('base')});
my $nobody = SgTest::Session->new($node, user => 'nobody');
$nobody->query('SELECT sg_snapshot_import(\'mine\', ' . lit($document) . ')');
is($nobody->query(q{SELECT count(*) FROM sg_drift_details('mine') WHERE change = 'missing'}), '0', 'nothing is missing for a role that may not use the schema');
is($nobody->query(q{SELECT sg_drift_check('mine')}), '0', 'the catalogs tell it the same');
$node->safe_psql('postgres', q{CREATE TABLE app.later (id int)});
$nobody->query('SET row_security = off');
is($nobody->query(q{SELECT object FROM sg_drift_details('mine')}), 'app.later', 'row_security = off makes no error of it');
$node->safe_psql('postgres', q{DROP TABLE app.later});
$nobody->quit;

# ---- on a standby ----

SKIP:
{
	skip 'a standby: SG_LONG', 4 unless long_run();
	$node->backup('backup');
	my $standby = PostgreSQL::Test::Cluster->new('standby');
	$standby->init_from_backup($node, 'backup', has_streaming => 1);
	$standby->start;
	is($standby->safe_psql('postgres', q{SELECT sg_drift_check('base')}), '0', 'a check on a standby');
	$node->safe_psql('postgres', 'CREATE TABLE app.more (id int)');
	$node->wait_for_catchup($standby);
	is($standby->safe_psql('postgres', q{SELECT sg_drift_check('base')}), '1', 'finds drift');
	is_error($standby, q{SELECT sg_drift_check('base', fail => true)}, 'SG005', undef, 'and fails if it is to');
	is_error($standby, q{CALL sg_drift_gate('base')}, '25006', undef, 'the gate, which writes, does not run there');
	$standby->stop('immediate');
	$node->safe_psql('postgres', 'DROP TABLE app.more');
}

$checker->quit;
$node->stop('immediate');
done_testing();
