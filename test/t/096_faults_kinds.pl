# 096_faults_kinds.pl: every fault strikes every kind of step, and nothing is left half done.
#
# Orphans that are quarantined, deleted or set to null on the way or by a call of their own, and put back; keys that
# replace others, columns that are filled; partitioned children and parents; several workers that build indexes or
# validate keys; plans that are taken back: SgRound.pm has the kinds, the faults, and what must be true after each.  Some
# kinds meet a fault in the same round, each at another of its places.  SG_LONG=1 goes on until each kind has met each
# fault at each of its places, and holds locks for a minute; SG_FAULTS names the faults to try, separated by commas.
#
# rooms: run
# takes: 45 s
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Utils;
use SgTest;
use SgLoad;
use SgFault;
use SgRound;
use Test::More;

my $conf = "schemaguard.fix_limit = -1\nshared_buffers = 32MB\nautovacuum = off\nrestart_after_crash = on\nmax_worker_processes = 16\nmax_connections = 100\n"
	. "max_locks_per_transaction = 256\n";
my %only = map { $_ => 1 } split /,/, $ENV{SG_FAULTS} // '';
my $turn = 0;

sub rounds
{
	my ($node, @faults) = @_;

	foreach my $fault (grep { !%only || $only{$_} } @faults)
	{
		my @kinds = kinds_for($fault, $turn++);
		my $rounds = long_run() ? rounds_of($fault, @kinds) : 1;

		$node = run_round($node, $fault, $_, @kinds) foreach 0 .. $rounds - 1;
		note("$fault: $rounds rounds");
	}
	return $node;
}

sub check_log
{
	my ($node) = @_;

	unlike(slurp_file($node->logfile), qr/TRAP:|terminated by signal (?!9\b|6\b)\d+|PANIC: (?! *could not write to log file)/,
		'no process of the server crashed for another reason');
}

{
	# every process has to write its own WAL, so that it can fail
	my $node = new_node('kinds', streaming => 1, initdb => ['--wal-segsize=1'], conf => $conf . "wal_writer_delay = 10s\n");

	$SgRound::one_by_one = major($node) < 18;
	install_kinds($node);
	$node = rounds($node, 'cancelled', 'terminated', 'worker terminated', 'process killed', 'server killed',
		'WAL can not be written', 'column dropped', 'locked for a while', 'locked for too long');
	$node = rounds($node, 'failover');
	check_log($node);
	$node->stop;
}

SKIP:
{
	my $node = PostgreSQL::Test::Cluster->new('full');
	my $dir = $node->basedir . '/small';

	skip 'a full disk: not wanted', 1 if %only && !$only{'disk full'};
	mkdir $dir or die "$dir: $!";
	skip 'a full disk: no private file system can be mounted here', 1 unless can_mount($dir);

	$node->init(extra => [ '--locale=C.UTF-8', '--encoding=UTF8' ]);
	$node->append_conf('postgresql.conf', "log_statement = none\n$conf");
	start_on_small_disk($node, $dir, 80);
	$node->safe_psql('template1', $_)
		for "CREATE TABLESPACE small LOCATION '$dir'", 'ALTER DATABASE postgres SET TABLESPACE small';
	$node->safe_psql('postgres', 'CREATE EXTENSION schemaguard');
	install_kinds($node);
	rounds($node, 'disk full');
	cmp_ok($SgRound::errors_of_full_disk, '>', 0, 'calls ran into the full disk');
	check_log($node);
	$node->stop;
}

done_testing();
