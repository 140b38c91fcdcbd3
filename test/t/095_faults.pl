# 095_faults.pl: whatever goes wrong in the middle of a plan, nothing is left half done, and the next call finishes it.
#
# Each kind of plan meets each fault at several places of its steps (SG_LONG=1: at every place), see SgFault.pm:
# cancelled, terminated, its backend or the whole server killed with SIGKILL, WAL that can't be written, a full disk, a
# column dropped in between, tables locked for a while and for too long.  After each fault the steps agree with the
# catalog, and the log lacks the outcome of one action of a process at most, where the call could not write any more; else no
# index is invalid either.
# In the end all keys are valid and every start in the log has its outcome.
#
# Then the server is lost for good in the middle of a step: its standby is promoted, and the call there goes on.
# 050_crash.pl kills the server at every place of every step of an ordinary plan.
#
# rooms: run
# takes: 30 s
# majors: one (096_faults_kinds has the same faults on each major)
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Utils;
use SgTest;
use SgLoad;
use SgFault;
use Test::More;

my $conf = "schemaguard.fix_limit = -1\nshared_buffers = 32MB\nautovacuum = off\nrestart_after_crash = on\n";

# The places in the order in which a step passes them
my $core = { name => 'core',
	places => [ 'started audit', 'done audit', map { ("started $_", "before $_", "after $_", "done $_") } qw(add validate) ] };
my $scan = { name => 'scan', settings => 'schemaguard.validate_with = scan',
	places => [ 'started validate', 'done validate' ] };
# ... where a worker builds the index first; 052_workers.pl strikes in the middle of a build
my $index = { name => 'index', index => 1, workers => 2, places => [ 'started index', 'done index' ] };

# ---------------------------------------------------------------------------------------------------------------------
# Every kind of plan, every fault
{
	# every process has to write its own WAL, so that it can fail
	my $node = new_node('faults', initdb => ['--wal-segsize=1'], conf => $conf . "wal_writer_delay = 10s\n");
	install_traps($node);
	my @common = ('cancelled', 'terminated', 'backend killed', 'WAL can not be written', 'column dropped',
		'locked for a while', 'locked for too long');

	for my $kind ($core, $scan, $index)
	{
		my @cases = cases($kind, @common, $kind == $core ? () : 'server killed', $kind == $index ? 'worker terminated' : ());

		run_cases($node, $kind, @cases);
		check_finished($node, $kind, scalar @cases);
		is($node->safe_psql('postgres', "SELECT count(*) FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
										 WHERE c.relname LIKE 'child_$kind->{name}_%' AND NOT i.indisprimary"),
			$kind->{index} ? scalar @cases : 0, "$kind->{name}: all indexes are there that the plan wants");
	}
	unlike(slurp_file($node->logfile), qr/TRAP:|terminated by signal (?!9\b|6\b)\d+|PANIC: (?! *could not write to log file)/,
		'no process of the server crashed for another reason');
	$node->stop;
}

# ---------------------------------------------------------------------------------------------------------------------
# The disk of the database is full, catalogs and our own tables included
SKIP:
{
	my $node = PostgreSQL::Test::Cluster->new('full');
	my $dir = $node->basedir . '/small';

	mkdir $dir or die "$dir: $!";
	skip 'a full disk: no private file system can be mounted here', 1 unless can_mount($dir);

	$node->init(extra => [ '--locale=C.UTF-8', '--encoding=UTF8' ]);
	$node->append_conf('postgresql.conf', "log_statement = none\n$conf");
	start_on_small_disk($node, $dir, 40);
	$node->safe_psql('template1', $_)
		for "CREATE TABLESPACE small LOCATION '$dir'", 'ALTER DATABASE postgres SET TABLESPACE small';
	$node->safe_psql('postgres', 'CREATE EXTENSION schemaguard');
	install_traps($node);
	for my $kind ($core, $scan)
	{
		my @cases = cases($kind, 'disk full');

		run_cases($node, $kind, @cases);
		check_finished($node, $kind, scalar @cases);
	}
	cmp_ok($SgFault::disk_full_errors, '>', 0, 'calls ran into the full disk');
	note("$SgFault::disk_full_errors calls met the full disk");
	$node->stop;
}

# ---------------------------------------------------------------------------------------------------------------------
# Failover
{
	my $kind = { %$core, name => 'failover' };
	my @places = long_run() ? @{ $kind->{places} } : ('before add', 'done validate');
	my $primary = new_node('site_0', streaming => 1, conf => $conf);
	my $step = 0;

	install_traps($primary);
	make_tables($primary, 'failover', @places + 2, orphans => 'stop', %$kind);
	for my $place (@places)
	{
		$step++;
		my $standby = PostgreSQL::Test::Cluster->new("site_$step");
		$primary->backup("base_$step");
		$standby->init_from_backup($primary, "base_$step", has_streaming => 1);
		$standby->start;

		set_trap($primary, $place, $step);
		my $s = call_of($primary, $kind);
		ok(wait_trapped($primary), "failover: step $step reaches '$place'");
		$primary->wait_for_catchup($standby, 'replay', $primary->lsn('flush'));
		is(error_of($standby, "CALL sg_add_fks('failover')"), '25006', 'failover: the standby itself runs no plan');
		crash($primary);
		ok(!defined $s->collect, 'failover: the call ends with its server');
		$standby->promote;
		is(leftovers($standby, 'failover', 1), '', "failover at '$place': nothing is half done on the standby");
		$primary = $standby;
	}
	check_finished($primary, $kind, @places + 2);
	# an audit that was counted together with the one before has its start and its outcome in one transaction
	is($primary->safe_psql('postgres', "SELECT string_agg(step::text, ' ' ORDER BY step) FROM schemaguard.audit_log
			WHERE plan = 'failover' AND phase = 'interrupted'"),
		join(' ', grep { $places[ $_ - 1 ] !~ /^started|audit$/ } 1 .. @places), 'failover: what was under way is logged as interrupted');
	$primary->stop;
}

done_testing();
