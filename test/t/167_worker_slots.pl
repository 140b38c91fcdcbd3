# 167_worker_slots.pl: how many of the server's worker processes calls take, what they say of themselves, and of a slow start.
#
# rooms: worker deploy audit
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Utils;
use SgTest;
use SgLoad;
use Test::More;

my $node = new_node('slots', conf => "max_connections = 20\nshared_buffers = 32MB\nmax_worker_processes = 3\nmax_parallel_workers = 4\n"
	. "max_parallel_maintenance_workers = 4\nmin_parallel_table_scan_size = 0\nschemaguard.lock_timeout = 10s\nlog_min_messages = debug1\n");
my $s = SgTest::Session->new($node);

sub query { return $node->safe_psql('postgres', $_[0]); }

sub workers { return query(q{SELECT string_agg(backend_type || ': ' || query, E'\n' ORDER BY query) FROM pg_stat_activity WHERE backend_type IN ('schemaguard worker', 'parallel worker')}) // ''; }

# ---------------------------------------------------------------------------------------------------------------------
# Two builds, held up by somebody who has written to both tables: one worker of three, whose builds have no parallel workers
query(q{CREATE TABLE p (id int PRIMARY KEY); INSERT INTO p SELECT generate_series(1, 1000);
	CREATE TABLE c1 (a int, b int); CREATE TABLE c2 (a int, b int);
	INSERT INTO c1 SELECT g % 1000 + 1 FROM generate_series(1, 100000) g; INSERT INTO c2 TABLE c1;
	SELECT sg_plan_create('two'); SELECT sg_plan_add_fk('two', t, '{a}', 'p') FROM unnest('{c1,c2}'::text[]) t});
my $writer = SgTest::Session->new($node);
sub held { my ($settings, $n) = @_;
	$writer->query('BEGIN; INSERT INTO c1 VALUES (NULL); INSERT INTO c2 VALUES (NULL)');
	$s->query("RESET ALL; $settings");
	$s->send("CALL sg_add_fks('two')");
	ok(wait_for(sub { query(q{SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'schemaguard worker' AND query ~ 'CREATE INDEX'}) eq $n }), "workers that build: $n") or diag(workers());
}
# The most workers of this session that were there at once, since this was asked before
my $read = 0;
sub most_workers
{
	my ($what) = @_;
	my $log = slurp_file($node->logfile, $read);
	my ($now, $most) = (0, 0);

	$read += length $log;
	while ($log =~ /\b(registering|unregistering) background worker "$what for PID $s->{pid}"/g)
	{
		$now = $1 eq 'registering' ? $now + 1 : $now && $now - 1;
		$most = $now if $now > $most;
	}
	return $most;
}
held("SET client_min_messages = debug1", 1);
$writer->query('ROLLBACK');
$s->collect;
is(most_workers('schemaguard worker'), 1, 'a call has half of the workers that there can be on the server');
unlike($s->{err}, qr/using [1-9]\d* parallel workers|request for [1-9]\d* parallel worker/, '... without parallel workers: half of max_worker_processes is taken');
is(query("SELECT count(*) FROM schemaguard.plan_step WHERE plan = 'two' AND state = 'validated'"), '2', '... and the keys are there');
$s->query("CALL sg_rollback_fks('two')");
held("SET client_min_messages = debug1; SET schemaguard.workers = 2", 2);
$writer->query('ROLLBACK');
$s->collect;
like($s->{err}, qr/building index "\w+" on table "c[12]" with request for [1-4] parallel workers/, 'schemaguard.workers, where somebody has set it, is taken at its word');
most_workers('');
is($s->query("SELECT result FROM sg_orphan_audit_details('c1')"), 'pass', 'an audit passes');
is(most_workers('parallel worker'), 1, '... with no more than half of them, too');
$s->query("SET schemaguard.audit_workers = 2; SELECT result FROM sg_orphan_audit_details('c1'); RESET schemaguard.audit_workers");
is(most_workers('parallel worker'), 2, '... unless schemaguard.audit_workers says so');
$s->query("CALL sg_rollback_fks('two')");

# ---------------------------------------------------------------------------------------------------------------------
# A worker's query names the table that it is at
install_traps($node);
query("CALL sg_add_fks('two', validate => false)");
$writer->query('BEGIN; LOCK TABLE c1, c2 IN SHARE UPDATE EXCLUSIVE MODE');
$s->query('RESET ALL; SET schemaguard.workers = 2');
$s->send("CALL sg_add_fks('two')");
ok(wait_for(sub { workers() =~ /^schemaguard worker: schemaguard: validating keys of public\.c1, plan two$/m && workers() =~ /of public\.c2, plan two$/m }),
	'workers that validate say of which table') or diag(workers());
$writer->query('ROLLBACK');
$s->collect;

# ---------------------------------------------------------------------------------------------------------------------
# The postmaster starts nobody for a while
query("CALL sg_rollback_fks('two')");
$s->query("SELECT count(*) FROM sg_plan_check('two')");
my ($postmaster) = slurp_file($node->data_dir . '/postmaster.pid') =~ /^(\d+)/;
kill 'STOP', $postmaster;
$s->send("CALL sg_add_fks('two')");
ok(wait_for(sub { $s->is_done; $s->{stderr} =~ /2 of 2 background workers not started after 5 s/ }), 'workers that are not started are told after 5 s') or diag($s->{stderr});
kill 'CONT', $postmaster;
$s->collect;
is(query("SELECT count(*) FROM schemaguard.plan_step WHERE plan = 'two' AND state = 'validated'"), '2', '... and waited for');

$s->quit;
$writer->quit;
$node->stop;
done_testing();
