# 060_live.pl: 20 keys are added and validated while an application writes all of their tables.
#
# pgbench with 8 clients inserts, updates and deletes children, inserts and updates parents, with fsync on; one more
# client keeps a transaction open for 3 s at a time, in which it has changed child and parent rows.  One CALL at the
# default settings must validate everything.  No transaction of the application may fail, and a third session, which
# looks every 5 ms, must not see an application backend wait for the deployment longer than schemaguard.lock_timeout
# plus 50 ms; that much with SG_LONG=1, while normal runs, which other tests may hold up, assert 1.5 s.
#
# With SG_LONG=1 also: the open transactions write all 10 children and 10 parents instead of 3 and 3 (7 of the 20 keys), and the
# same is measured for plain ALTER TABLE with 8 of the keys.
#
# rooms: deploy
# takes: 30 s
# majors: one (measures load)
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use IPC::Run ();
use List::Util qw(max sum);
use PostgreSQL::Test::Utils;
use SgTest;
use SgLoad;
use SgLive;
use Test::More;
use Time::HiRes 'time';

my $tables = 10;           # child_1 ... and parent_1 ...
my $rows = 100000;
my $lock_timeout = 100;

my $node = new_node('live', conf => <<'CONF');
autovacuum = on
fsync = on
shared_buffers = 256MB
max_wal_size = 4GB
CONF
my $dir = PostgreSQL::Test::Utils::tempdir();

sub query { return $node->safe_psql('postgres', $_[0]); }

# ---------------------------------------------------------------------------------------------------------------------
# The application: SgLive.pm

sub make_application
{
	query(application_sql($tables, $rows));
	query('VACUUM ANALYZE');
}

# pgbench, until stop_load() sends it the signal by which -T ends a run
sub start_load
{
	my ($name, @options) = @_;
	my $load = { name => $name, out => "$dir/$name.out" };

	local $ENV{PGAPPNAME} = $name;
	$load->{harness} = IPC::Run::start(
		[
			'pgbench', '--no-vacuum', '--time=600', '--progress=1', '--progress-timestamp',
			'--random-seed=' . seed(), @options, '-d', $node->connstr('postgres')
		],
		'<', '/dev/null', '>', $load->{out}, '2>&1');
	return $load;
}

sub stop_load
{
	my ($load) = @_;

	$load->{harness}->signal('ALRM');
	$load->{harness}->finish;
	$load->{status} = $load->{harness}->result(0);
	$load->{text} = slurp_file($load->{out});
	return $load;
}

# Mean transactions per second in a span of time
sub tps
{
	my ($load, $from, $to) = @_;
	my @tps;

	# a line covers the second before it
	while ($load->{text} =~ /^progress: ([\d.]+) s, ([\d.]+) tps/mg)
	{
		push @tps, $2 if $1 - 1 >= $from && $1 <= $to;
	}
	return @tps ? sum(@tps) / @tps : 0;
}

# ---------------------------------------------------------------------------------------------------------------------
# The observer: which application backends wait for a given backend, every 5 ms

sub start_observer
{
	my ($culprit) = @_;
	my $observer = SgTest::Session->new($node);

	query('TRUNCATE seen, stop_observer');
	$observer->send("SET synchronous_commit = off; CALL observe($culprit)");
	return $observer;
}

# The longest block in ms; also the median and longest time between samples, and how many waits were seen
sub stop_observer
{
	my ($observer) = @_;

	query(stop_observer_sql());
	$observer->collect;
	$observer->quit;
	return split /\|/, query(stalls_sql());
}

# ---------------------------------------------------------------------------------------------------------------------
# The test

make_application();
query(observer_sql());
query("SELECT sg_plan_create('live')");
my $turn = 0;
for my $key (keys_of($tables))
{
	my ($child, $column, $parent, $name) = @$key;
	# every second key is audited first; no index, whose build would wait for the observer's transactions
	my $orphans = $turn++ % 2 ? 'stop' : 'leave';
	query("SELECT sg_plan_add_fk('live', '$child', ARRAY['$column'], '$parent', fk_name => '$name', orphans => '$orphans', index => false)");
}

my $short = start_load('short', '--client=8', '--jobs=2', short_scripts($dir, $tables, $rows));
my $long = start_load('long', '--client=1', long_script($dir, long_run() ? $tables : 3));
ok(wait_for(sub { query("SELECT count(*) FROM pg_stat_activity WHERE application_name IN ('short', 'long') AND xact_start IS NOT NULL") >= 2 }),
	'the application runs');
nap(long_run() ? 10 : 1);

my $deployer = SgTest::Session->new($node);
$deployer->query('SELECT FROM schemaguard.progress');    # loads the library, and its settings with it
is($deployer->query("SELECT string_agg(format('%s=%s', name, setting), ' ') FROM pg_settings
					 WHERE name LIKE 'schemaguard.%' AND source <> 'default' AND name NOT IN ('schemaguard.live_search', 'schemaguard.progress_interval')"),
	'', 'all settings have their defaults, but those that are the same for all tests');
is($deployer->query("SELECT setting || unit FROM pg_settings WHERE name = 'schemaguard.lock_timeout'"), "${lock_timeout}ms",
	'schemaguard.lock_timeout is 100 ms');
my $observer = start_observer($deployer->{pid});
nap(0.5);

my $begin = time;
my $ended = defined $deployer->query("CALL sg_add_fks('live')");
my $end = time;
my $notices = $deployer->{err};

nap(0.5);
my ($longest, $waits, $samples, $usual_gap, $longest_gap) = stop_observer($observer);
nap(1.1);    # for the last line of progress
my @loads = (stop_load($short), stop_load($long));

ok($ended && $deployer->sqlstate eq '', 'the deployment ends without an error') or diag($notices);
for my $load (@loads)
{
	is($load->{status}, 0, "pgbench of the $load->{name} transactions succeeds") or diag($load->{text});
	like($load->{text}, qr/^number of failed transactions: 0 /m, "no $load->{name} transaction failed");
}
cmp_ok(tps($short, $begin, $end), '>', 0, 'the application worked all the time');

my $log = slurp_file($node->logfile);
my @errors = $log =~ /^.* (?:short|long) (?:ERROR|FATAL|PANIC):.*$/mg;
is(scalar(@errors), 0, 'no error in an application backend, hence no deadlock either') or diag(join "\n", @errors);

is(query("SELECT string_agg(format('%s %s', count, state), ', ')
		  FROM (SELECT state, count(*) FROM schemaguard.plan_step WHERE plan = 'live' GROUP BY state) s"),
	'20 validated', 'one call has validated all 20 keys')
	or diag($notices);
# a table that the open transactions hold at ten attempts is put last by the circuit breaker, which is no failure
is(query("SELECT string_agg(format('%s %s: %s', phase, action, message), E'\n') FROM schemaguard.audit_log
		  WHERE plan = 'live' AND (phase IN ('failed', 'interrupted') OR phase = 'skipped' AND message !~ '^put last: ')"),
	'', 'no action failed, for a lock or anything else');
is(query("SELECT count(*) FROM sg_orphan_audit_details(plan => 'live') WHERE state = 'valid' AND result = 'pass'"), '20',
	'all 20 keys hold');

cmp_ok($samples, '>', 20, 'the observer was there');
cmp_ok($longest, '<', bound($lock_timeout + 50, 1500), 'no application backend waited longer for the deployment than lock_timeout + 50 ms');

diag(sprintf('longest block %s ms, %s waits for the deployment seen in %s samples (every %s ms, longest gap %s ms)',
	$longest, $waits, $samples, $usual_gap, $longest_gap));
diag(sprintf('deployment of 20 keys took %.1f s; tps %.0f before, %.0f during',
	$end - $begin, tps($short, 0, $begin), tps($short, $begin, $end)));
diag('steps that were put last: ' . query("SELECT count(*) FROM schemaguard.audit_log WHERE plan = 'live' AND phase = 'skipped'"));
diag('attempts: ' . query("SELECT string_agg(format('%s with %s', n, attempts), ', ' ORDER BY attempts)
	FROM (SELECT attempt AS attempts, count(*) AS n FROM schemaguard.audit_log
		  WHERE plan = 'live' AND phase = 'done' AND action IN ('add', 'validate') GROUP BY attempt) a"));

# ---------------------------------------------------------------------------------------------------------------------
# For comparison: ALTER TABLE as people write it, under the same load; figures only

sub compare
{
	my ($title, @statements) = @_;
	my @keys = (keys_of($tables))[ 0 .. 7 ];

	query("ALTER TABLE $_->[0] DROP CONSTRAINT IF EXISTS $_->[3]") for @keys;
	my $position = -s $node->logfile;
	my $app = start_load('short', '--client=8', '--jobs=2', short_scripts($dir, $tables, $rows));
	my $open = start_load('long', '--client=1', long_script($dir, long_run() ? $tables : 3));
	nap(4);
	my $session = SgTest::Session->new($node);
	my $watch = start_observer($session->{pid});
	my ($start, $failed) = (time, 0);

	for my $key (@keys)
	{
		for my $statement (@statements)
		{
			$session->query(sprintf $statement, @$key);
			$failed++ if $session->sqlstate ne '';
		}
	}
	my $took = time - $start;
	my ($block) = stop_observer($watch);
	stop_load($_) for $app, $open;
	my @lost = substr(slurp_file($node->logfile), $position) =~ /^.* (?:short|long) ERROR:.*$/mg;
	diag(sprintf('%s: 8 keys in %.1f s, longest block %s ms, %d statements of its own failed, %d transactions of the application lost',
		$title, $took, $block, $failed, scalar(@lost)));
	$session->quit;
}

if (long_run())
{
	my $add = 'ALTER TABLE %1$s ADD CONSTRAINT %4$s FOREIGN KEY (%2$s) REFERENCES %3$s';

	compare('plain ADD FOREIGN KEY', $add);
	compare('NOT VALID, then VALIDATE, no lock handling', "$add NOT VALID",
		'ALTER TABLE %1$s VALIDATE CONSTRAINT %4$s');
}

$deployer->quit;
$node->stop;
done_testing();
