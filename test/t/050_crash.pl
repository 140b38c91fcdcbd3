# 050_crash.pl: a deployment that is killed, cancelled or loses its client is taken up again and done exactly once.
#
# A plan of 20 keys runs again and again, and each time the whole server is killed with SIGKILL: at exact places, where
# a trap (SgLoad.pm) holds the deployment inside its transaction, and at moments drawn at random.  After each restart
# the steps must agree with the catalog; in the end every key is valid and armed, each was added once and validated
# once, and the log has one outcome for each start.  SG_LONG=1 kills at every place of every step.
#
# Then the softer interruptions: pg_cancel_backend in a statement, in a pause and in an audit, pg_terminate_backend,
# kill -9 of the client.
#
# rooms: run
# takes: 20 s
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Utils;
use SgTest;
use SgLoad;
use Test::More;
use Time::HiRes 'time';

srand(seed());

# max_prepared_transactions and the like stay at their defaults; fsync is off, which matters to power cuts only.  One
# key after the other, in the session itself: what workers do is the matter of 052.
my $node = new_node('crash',
	conf => "shared_buffers = 32MB\nautovacuum = off\nlog_min_messages = notice\nschemaguard.workers = 1\n");
install_traps($node);

# In the order in which a step passes them; the first of each action leaves no started row behind, the others do
my @audit = ('started audit', 'done audit');
my @rest = map { ("started $_", "before $_", "after $_", "done $_") } qw(add validate);
my $call_no = 0;

sub places { my ($step) = @_; return $step % 2 ? (@audit, @rest) : @rest; }

# A session that calls; nobody waits for it
sub call_in_background
{
	my ($plan) = @_;
	my $s = SgTest::Session->new($node);

	$s->send("CALL sg_add_fks('$plan')");
	$call_no++;
	return $s;
}

sub query { return $node->safe_psql('postgres', $_[0]); }

sub unfinished
{
	my ($plan) = @_;

	return query("SELECT count(*) FROM schemaguard.plan_step WHERE plan = '$plan' AND state <> 'validated'");
}

# After a kill and a restart: nothing is half done, and at most one start has no outcome
sub check_after_crash
{
	my ($plan, $where) = @_;
	my $wrong = half_done($node, $plan);
	my @open = split /\n/, log_gaps($node, $plan);

	ok($wrong eq '' && @open <= 1, "killed $where: steps, catalog and log agree")
		or diag("$wrong\n@open");
}

# What must be true when all is done
sub check_finished
{
	my ($plan, $count) = @_;

	is(query("SELECT count(*), count(*) FILTER (WHERE state = 'valid' AND result = 'pass'), sum(rows_checked) > 0
			  FROM sg_orphan_audit_details(plan => '$plan')"),
		"$count|$count|t", "plan $plan: all keys are valid, armed, and hold");
	is(query("SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND convalidated
				AND conrelid::regclass::text LIKE 'child_${plan}_%'"),
		$count, "plan $plan: one key per step in the catalog");
	is(half_done($node, $plan), '', "plan $plan: steps and catalog agree");
	is(log_gaps($node, $plan), '', "plan $plan: every start in the log has exactly one outcome");
	is(query("SELECT count(*), min(adds), max(adds), min(validations), max(validations)
			  FROM (SELECT count(*) FILTER (WHERE action = 'add') AS adds,
						   count(*) FILTER (WHERE action = 'validate') AS validations
					FROM schemaguard.audit_log WHERE plan = '$plan' AND phase = 'done' AND action <> 'audit'
						AND step IS NOT NULL
					GROUP BY step) x"),
		"$count|1|1|1|1", "plan $plan: each key was added once and validated once");
	is(query("SELECT count(DISTINCT step) FROM schemaguard.audit_log
			  WHERE plan = '$plan' AND action = 'audit' AND phase = 'done' AND orphan_rows = 0 AND step IS NOT NULL"),
		int(($count + 1) / 2), "plan $plan: each key of policy stop was audited");
}

sub check_again_changes_nothing
{
	my ($plan) = @_;
	my $before = everything($node, $plan);

	query("CALL sg_add_fks('$plan')");
	ok(everything($node, $plan) eq $before, "plan $plan: running it again changes no step, no log row, no key");
}

# ---------------------------------------------------------------------------------------------------------------------
# Killed at exact places
{
	my @kills;
	my $survivors = 0;
	my $expected_interrupted = 0;

	make_tables($node, 'a', 20);
	if (long_run())
	{
		for my $step (1 .. 20) { push @kills, map { [ $step, $_ ] } places($step); }
	}
	else
	{
		# one place of each step, each in its turn, on steps of both kinds
		for my $step (1 .. 20)
		{
			my @places = places($step);
			push @kills, [ $step, $places[ int(($step - 1) / 2) % @places ] ];
		}
	}

	for my $kill (@kills)
	{
		my ($step, $place) = @$kill;

		set_trap($node, $place, $step);
		my $s = call_in_background('a');
		my $trapped = wait_trapped($node);
		ok($trapped, "step $step reaches '$place'") or last;
		crash($node);
		$survivors++ if defined $s->collect;
		$node->start;
		check_after_crash('a', "in step $step at '$place'");
		$expected_interrupted++ unless $place =~ /^started/;
	}
	is($survivors, 0, 'no call outlived its server');
	is(query("SELECT count(*) > 0 FROM trap"), 'f', 'traps are gone');

	my $s = call_in_background('a');
	ok(defined $s->collect, 'the last call ends') or diag($s->{err});
	like($s->{err}, qr/plan "a": 20 validated\b/, 'and says that all 20 steps are validated');
	$s->quit;
	check_finished('a', 20);
	is(query("SELECT count(*), count(sqlstate), count(*) FILTER (WHERE message LIKE '%session ended%')
			  FROM schemaguard.audit_log WHERE plan = 'a' AND phase = 'interrupted'"),
		"$expected_interrupted|0|$expected_interrupted", 'as many starts were interrupted as were committed before a kill');
	check_again_changes_nothing('a');
	note(scalar(@kills) . " kills, $call_no calls");
}

# ---------------------------------------------------------------------------------------------------------------------
# Killed at any moment
{
	my ($kills, $limit) = (0, long_run() ? 60 : 4);
	my %hit;

	make_tables($node, 'b', 20, rows => 10000);
	while ($kills < $limit && unfinished('b') > 0)
	{
		my $s = call_in_background('b');
		nap(rand(0.05));
		crash($node);
		$s->collect;
		$node->start;
		$kills++;
		check_after_crash('b', "at random, kill $kills");
		$hit{ query("SELECT coalesce((SELECT s.action || ' ' || s.step FROM schemaguard.audit_log s
						WHERE s.plan = 'b' AND s.phase = 'started' AND NOT EXISTS
							(SELECT FROM schemaguard.audit_log o WHERE o.started_id = s.id)), 'between')") }++;
	}
	cmp_ok($kills, '>=', 2, 'the server was killed while the plan ran');
	query("CALL sg_add_fks('b')");
	check_finished('b', 20);
	check_again_changes_nothing('b');
	note("$kills kills; hit: " . join(', ', map { "$_ ($hit{$_})" } sort keys %hit));
}

# ---------------------------------------------------------------------------------------------------------------------
# Cancelled, terminated, left alone by the client
{
	# the newest row of the log that is no start
	my $outcome = "SELECT l.step, l.action, l.phase, l.sqlstate FROM schemaguard.audit_log l
		WHERE l.plan = 'c' AND l.phase <> 'started' ORDER BY l.id DESC LIMIT 1";

	make_tables($node, 'c', 7);

	# a cancel in the middle of a statement
	set_trap($node, 'after validate', 1);
	my $s = SgTest::Session->new($node);
	$s->send("CALL sg_add_fks('c')");
	ok(wait_trapped($node), 'step 1 stands between VALIDATE and its commit');
	query("SELECT pg_cancel_backend($s->{pid})");
	$s->collect;
	is($s->sqlstate, '57014', 'a cancelled call raises 57014');
	is(query($outcome), '1|validate|interrupted|57014', 'and its step is logged as interrupted');
	is(log_gaps($node, 'c'), '', 'without a gap');
	is(half_done($node, 'c'), '', 'and without half a key');
	is($s->query("SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid() AND locktype IN ('object', 'userlock', 'advisory')"),
		'0', 'the session holds no lock of the plan any more');
	spring_traps($node);

	# a cancel in a pause, while somebody else holds the child; step 2 has the policy leave
	my $holder = SgTest::Session->new($node);
	$holder->query('BEGIN; LOCK TABLE child_c_02 IN ROW EXCLUSIVE MODE');
	$s->send("CALL sg_add_fks('c')");
	ok(wait_for(sub { query("SELECT count(*) FROM schemaguard.progress WHERE plan = 'c' AND step = 2 AND phase = 'pausing'") eq '1' }),
		'step 2 pauses between two attempts');
	query("SELECT pg_cancel_backend($s->{pid})");
	$s->collect;
	is($s->sqlstate, '57014', 'a call that is cancelled in a pause raises 57014');
	is(query($outcome), '2|add|interrupted|57014', 'and its step is logged as interrupted');
	is(query("SELECT blockers->0->>'pid' FROM schemaguard.audit_log WHERE plan = 'c' AND phase = 'interrupted'
			  ORDER BY id DESC LIMIT 1"),
		$holder->{pid}, 'with the session that was in the way');
	$holder->query('ROLLBACK');

	# a cancel in the audit of a step, which waits for an exclusive lock; step 3 has the policy stop
	$holder->query('BEGIN; LOCK TABLE child_c_03 IN ACCESS EXCLUSIVE MODE');
	$s->send("CALL sg_add_fks('c')");
	ok(wait_for(sub { query("SELECT count(*) FROM schemaguard.progress p, schemaguard.audit_log l
			WHERE p.plan = 'c' AND p.step = 3 AND p.action = 'audit'
			AND l.plan = 'c' AND l.step = 3 AND l.action = 'audit' AND l.phase = 'started'") eq '1' }),
		'step 3 waits in its audit');
	query("SELECT pg_cancel_backend($s->{pid})");
	$s->collect;
	is($s->sqlstate, '57014', 'a call that is cancelled in an audit raises 57014');
	is(query($outcome), '3|audit|interrupted|57014', 'and the audit is logged as interrupted');
	$holder->query('ROLLBACK');
	$holder->quit;

	# the end of the session; only the next call can log it
	set_trap($node, 'before add', 4);
	$s->send("CALL sg_add_fks('c')");
	ok(wait_trapped($node), 'step 4 stands before its DDL');
	query("SELECT pg_terminate_backend($s->{pid})");
	ok(!defined $s->collect, 'a terminated session ends');
	is($s->sqlstate, '57P01', 'by the command of the administrator');
	$s->quit;
	like(log_gaps($node, 'c'), qr/^add of step 4 .* has 0 outcomes$/, 'its step has no outcome yet');
	spring_traps($node);

	# the client dies while its session is in a statement, and somebody else comes too early
	set_trap($node, 'after add', 6);
	$s = SgTest::Session->new($node);
	$s->send("CALL sg_add_fks('c')");
	ok(wait_trapped($node), 'step 6 stands between ADD and its commit');
	is(query("SELECT l.action, l.phase, l.sqlstate, l.message FROM schemaguard.audit_log l, schemaguard.audit_log s
			  WHERE l.started_id = s.id AND s.plan = 'c' AND s.step = 4 ORDER BY s.id LIMIT 1"),
		'add|interrupted||the session ended before the outcome was known',
		'the next call has closed what the terminated one left open');
	kill_client($s);
	is_error($node, "CALL sg_add_fks('c')", '55006', qr/process ID $s->{pid} runs/,
		'while that session goes on without its client, nobody else runs the plan');
	spring_traps($node);
	ok(wait_for(sub { query("SELECT count(*) FROM pg_stat_activity WHERE pid = $s->{pid}") eq '0' }),
		'the session ends when it misses its client');
	is(half_done($node, 'c'), '', 'its steps agree with the catalog');
	query("CALL sg_add_fks('c')");

	check_finished('c', 7);
	check_again_changes_nothing('c');
}

# All the killing was ours: no crash of the server's own making
my $log = slurp_file($node->logfile);
unlike($log, qr/PANIC|TRAP:|was terminated by signal (?:6|7|8|11)\b/, 'no process of the server crashed by itself');
$node->stop;

done_testing();
