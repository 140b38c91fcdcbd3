# 104_discover_cancel.pl: a cancel ends a discovery at once, wherever it is.
#
# At random moments of its work, over names, statistics, a sample and all rows, the session is sent what pg_cancel_backend
# sends.  What it still does after that is measured as the time that the session spends on a processor: that says how far
# apart it looks for interrupts, whatever else the machine is at.
#
# rooms: discover
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Utils;
use SgTest;
use Test::More;
use Time::HiRes qw(sleep);

plan skip_all => 'what a process has used can be read on Linux only' unless -r '/proc/self/schedstat';

my $tables = long_run() ? 1000 : 100;
my $rows = long_run() ? 60_000 : 8000;
my $moments = long_run() ? 100 : 6;
my $most = long_run() ? 0.1 : 1;
my $node = new_node('cancel', conf => "autovacuum = off\nfsync = off\nshared_buffers = 256MB\njit = off\n");

sub query { return $node->safe_psql($_[1] // 'postgres', $_[0]); }

# 20 columns each; a third of them refer to another table
query('CREATE DATABASE names TEMPLATE postgres');
query(<<SQL, 'names');
DO \$\$ BEGIN FOR i IN 0 .. $tables - 1 LOOP
  EXECUTE (SELECT format('CREATE TABLE t%s_%s (id bigint PRIMARY KEY, %s)', i % 7, i,
                         string_agg(CASE WHEN c % 3 = 0 THEN format('t%s_%s_id bigint', (i + c * 37) % $tables % 7, (i + c * 37) % $tables)
                                         ELSE format('value_%s text', c) END, ', '))
           FROM generate_series(1, 19) c);
END LOOP; END \$\$
SQL

# 10 tables that refer to each other, with statistics
query(<<SQL);
DO \$\$ BEGIN FOR i IN 0 .. 9 LOOP
  EXECUTE (SELECT format('CREATE TABLE thing%s (id bigint PRIMARY KEY, %s)', i, string_agg(format('thing%s_id bigint', (i + c) % 10), ', '))
           FROM generate_series(1, 6) c);
  EXECUTE (SELECT format('INSERT INTO thing%s SELECT g, %s FROM generate_series(1, $rows) g', i,
                         string_agg(format('g * %s %% $rows + 1', 7919 + c), ', ')) FROM generate_series(1, 6) c);
END LOOP; END \$\$;
ANALYZE
SQL

# Seconds that a session has spent on a processor
sub used
{
	my ($session) = @_;
	return (split ' ', slurp_file("/proc/$session->{pid}/schedstat"))[0] / 1e9;
}

sub idle
{
	my ($session) = @_;

	IPC::Run::pump_nb($session->{harness});
	return $session->{stdout} =~ /^done-$session->{n}-\n/m;
}

srand(seed());
foreach my $case ([ 'names', 'none' ], [ 'postgres', 'none' ], [ 'postgres', 'sample' ], [ 'postgres', 'full' ])
{
	my ($database, $verify) = @$case;
	my $what = $database eq 'names' ? 'names' : $verify eq 'none' ? 'statistics' : $verify;
	my $session = SgTest::Session->new($node, dbname => $database);
	my $call = "SELECT count(*) FROM sg_discover_fks_details(min_score => 0.01, verify => '$verify')";
	my (@took, $proposals, @wrong);

	$session->query('SET schemaguard.audit_workers = 0');
	# whatever a session loads on first use
	$proposals = $session->query($call);
	cmp_ok($proposals, '>=', 50, "$what: there is something to discover");
	my $start = used($session);
	$session->query($call);
	my $whole = used($session) - $start;

	# one that has ended before it was told to is none
	foreach my $try (1 .. 20 * $moments)
	{
		my $begin = used($session);
		my $moment = $begin + $whole * rand(0.95);

		last if @took == $moments;
		$session->send($call);
		sleep 0.0005 while !idle($session) && used($session) < $moment;
		my $before = used($session);
		kill 'INT', $session->{pid};
		$session->collect;
		my $after = used($session) - $before;
		next if $session->sqlstate eq '';
		push @wrong, $session->sqlstate if $session->sqlstate ne '57014';
		push @took, $after;
	}
	@took = sort { $a <=> $b } @took;
	diag(sprintf '%s: %.0f ms of work; after a cancel %.1f ms (median), %.1f ms at most, of %d', $what, 1000 * $whole,
		1000 * ($took[ @took / 2 ] // 0), 1000 * ($took[-1] // 0), scalar @took);
	cmp_ok(scalar @took, '>=', $moments / 2, "$what: cancels met it at work");
	is("@wrong", '', "$what: and ended it");
	cmp_ok($took[-1] // 99, '<', $most, "$what: at the worst of moments, too");
	is($session->query($call), $proposals, "$what: the next call says what the first one did");
	$session->quit;
}

$node->stop;
done_testing();
