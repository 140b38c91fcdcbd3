# 052_workers.pl: background workers that build indexes and validate keys, and what is left when one of the two ends.
#
# A build is held up by an open transaction that has written to the table, a validation by a trap (SgLoad.pm).  Then the
# leader or the worker is cancelled, terminated, or killed together with the server.  Afterwards the log has one outcome
# for each start, steps and catalog agree, and the next call leaves no invalid index and finishes the plan.
#
# rooms: worker
# takes: 25 s
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Utils;
use SgTest;
use SgLoad;
use Test::More;

srand(seed());

my $conf = "shared_buffers = 32MB\nautovacuum = off\n";
# a library that each process has from its start, as some load postgres_fdw: what is asked of that waits for a transaction
my $pg_config = $ENV{PG_CONFIG} || 'pg_config';
chomp(my $libraries = `$pg_config --pkglibdir`);
$conf .= "shared_preload_libraries = 'postgres_fdw'\n" if -e "$libraries/postgres_fdw.so";
my $node = new_node('workers', conf => $conf . "max_worker_processes = 8\n");
install_traps($node);

sub query { return $node->safe_psql('postgres', $_[0]); }

# The processes of workers, and whether there are any
sub workers
{
	return split /\n/, query("SELECT pid FROM pg_stat_activity WHERE backend_type = 'schemaguard worker' ORDER BY pid");
}

# wait_trapped() of SgLoad looks from one transaction, which a build would wait for
sub wait_in_trap
{
	return wait_for(sub { query("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'trapped'") eq '1' })
		&& (flush_wal($node), 1);
}

# The other worker has nothing left to do: what is open in the log is the trapped step, and no other
sub wait_validated
{
	my ($plan, $count) = @_;

	return wait_for(sub { query("SELECT count(*) FROM schemaguard.plan_step WHERE plan = '$plan' AND state = 'validated'") eq $count })
		&& (flush_wal($node), 1);
}

# The worker that builds the first index of a plan; another one may be there, and may be about to end
sub builder
{
	my ($plan) = @_;

	return query("SELECT pid FROM pg_stat_activity WHERE backend_type = 'schemaguard worker' AND query LIKE '%child_${plan}_01%'");
}

sub no_workers { return wait_for(sub { !workers() }); }

sub invalid_indexes
{
	return query("SELECT count(*) FROM pg_index WHERE NOT indisvalid OR NOT indisready OR NOT indislive");
}

# After an interruption: nothing is half done, and so many starts have no outcome
sub check_state
{
	my ($plan, $open, $where) = @_;
	my $wrong = half_done($node, $plan);
	my @gaps = split /\n/, log_gaps($node, $plan);

	ok($wrong eq '' && @gaps == $open, "$where: steps, catalog and log agree") or diag("$wrong\n@gaps");
}

# The next call: everything is there, each thing done once
sub check_finished
{
	my ($plan, $count, %opt) = @_;
	my $indexes = $opt{index} ? $count : 0;

	query("CALL sg_add_fks('$plan')");
	is(query("SELECT count(*) FROM schemaguard.plan_step WHERE plan = '$plan' AND state = 'validated'"),
		$count, "plan $plan: all steps are validated");
	check_state($plan, 0, "plan $plan finished");
	is(invalid_indexes(), '0', "plan $plan: no invalid index is left");
	is(query("SELECT count(*) FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid
			  WHERE c.relname LIKE 'child_${plan}_%' AND NOT i.indisprimary"),
		$indexes, "plan $plan: one index per key");
	is(query("SELECT count(DISTINCT object), count(*) FROM schemaguard.audit_log
			  WHERE plan = '$plan' AND action = 'index' AND phase = 'done'"),
		"$indexes|$indexes", "plan $plan: each is logged as built, once");
	is(query("SELECT count(DISTINCT step), count(*) FROM schemaguard.audit_log
			  WHERE plan = '$plan' AND action = 'validate' AND phase = 'done'"),
		"$count|$count", "plan $plan: each key was validated once");
	is(query("SELECT count(*), count(*) FILTER (WHERE state = 'valid' AND result = 'pass')
			  FROM sg_orphan_audit_details(plan => '$plan')"),
		"$count|$count", "plan $plan: all keys are armed, and hold");

	my $before = everything($node, $plan);
	query("CALL sg_add_fks('$plan')");
	ok(everything($node, $plan) eq $before, "plan $plan: running it again changes nothing");
	ok(no_workers(), "plan $plan: no worker is left");
}

# Of all steps, or of one
sub outcomes
{
	my ($plan, $action, $step) = @_;
	my $of = defined $step ? "AND l.step = $step" : '';

	return query("SELECT string_agg(l.step || ' ' || l.phase || coalesce(' ' || l.sqlstate, ''), ', ' ORDER BY l.id)
				  FROM schemaguard.audit_log l WHERE l.plan = '$plan' AND l.action = '$action' AND l.phase <> 'started' $of")
		// '';
}

# A session whose open transaction has written to a table, so that CREATE INDEX CONCURRENTLY waits for it
sub writer_of
{
	my ($table) = @_;
	my $s = SgTest::Session->new($node);

	$s->query("BEGIN; INSERT INTO $table VALUES (-1, NULL)");
	return $s;
}

sub wait_building
{
	my ($plan) = @_;

	return wait_for(sub {
		query("SELECT count(*) FROM schemaguard.progress WHERE plan = '$plan' AND action = 'index' AND phase = 'waiting'
			   AND object = 'public.child_${plan}_01'") eq '1' });
}

# ---------------------------------------------------------------------------------------------------------------------
# A build that waits

# what can be seen of it; then the leader is cancelled
{
	make_tables($node, 'a', 3, index => 1);
	my $writer = writer_of('child_a_01');
	my $s = SgTest::Session->new($node);
	$s->send("CALL sg_add_fks('a')");
	ok(wait_building('a'), 'a build that waits for an open transaction shows in schemaguard.progress');
	is(query("SELECT backend_type, application_name, state, query FROM pg_stat_activity
			  WHERE backend_type = 'schemaguard worker' AND query LIKE '%child_a_01%'"),
		"schemaguard worker|schemaguard worker for PID $s->{pid}|active|CREATE INDEX CONCURRENTLY child_a_01_ref_idx ON public.child_a_01 (ref)",
		'and its worker in pg_stat_activity');
	$node->safe_psql('postgres', "SET lock_timeout = '10s'; INSERT INTO child_a_01 VALUES (-2, 1); UPDATE child_a_01 SET ref = 2 WHERE id = -2");
	pass('the application writes to the table meanwhile');
	ok(wait_for(sub { outcomes('a', 'index') =~ /done.*done/ }), 'the other indexes are built, by the other worker');
	# when the other worker is done, too, the leader has nothing to do but wait
	ok(wait_for(sub { query("SELECT count(*) FROM pg_locks WHERE pid = $s->{pid} AND locktype = 'relation'") eq '0' }),
		'its leader holds no lock on a table meanwhile');
	ok(wait_for(sub { query("SELECT backend_xmin IS NULL AND backend_xid IS NULL FROM pg_stat_activity WHERE pid = $s->{pid}") eq 't' }),
		'and no snapshot');

	query("SELECT pg_cancel_backend($s->{pid})");
	$s->collect;
	is($s->sqlstate, '57014', 'a call that is cancelled while it waits raises 57014');
	ok(no_workers(), 'its workers have ended');
	is(query("SELECT count(*) FROM schemaguard.audit_log WHERE plan = 'a' AND action = 'index' AND step = 1
			  AND phase = 'interrupted' AND sqlstate = '57014'"), '1', 'the build is logged as interrupted, once');
	check_state('a', 0, 'cancelled while building');
	is(outcomes('a', 'drop index'), '1 failed 55P03',
		'what it left could not be dropped, since the transaction that it waited for is still open');
	is($s->query("SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid() AND locktype IN ('object', 'userlock', 'advisory')"),
		'0', 'the session holds no lock of the plan any more');
	$writer->query('COMMIT');
	$writer->quit;
	$s->quit;
	is(invalid_indexes(), '1', 'the invalid index is still there');
	check_finished('a', 3, index => 1);
	is(outcomes('a', 'drop index'), '1 failed 55P03, 1 done', 'the next call has dropped it');
}

# the same, but nobody is in the way of the drop
{
	make_tables($node, 'b', 2, index => 1);
	my $writer = writer_of('child_b_01');
	my $s = SgTest::Session->new($node);
	$s->send("CALL sg_add_fks('b')");
	ok(wait_building('b'), 'a build waits');
	my $worker = builder('b');
	query("SELECT pg_cancel_backend($worker)");
	ok(wait_for(sub { outcomes('b', 'index') =~ /1 interrupted 57014/ }), 'a cancelled worker logs that');
	$writer->query('COMMIT');
	$writer->quit;
	ok(defined $s->collect, 'the call goes on without the index') or diag($s->{err});
	like($s->{err}, qr/a background worker of plan "b" ended early: canceling statement due to user request/, 'and says why');
	is($s->sqlstate, '', 'without an error');
	is(invalid_indexes(), '0', 'the leader has dropped what the worker left');
	like($s->{err}, qr/plan "b": 2 validated/, 'the keys are valid');
	$s->quit;
	check_finished('b', 2, index => 1);
}

# the worker is terminated
{
	make_tables($node, 'c', 2, index => 1);
	my $writer = writer_of('child_c_01');
	my $s = SgTest::Session->new($node);
	$s->send("CALL sg_add_fks('c')");
	ok(wait_building('c'), 'a build waits');
	my $worker = builder('c');
	query("SELECT pg_terminate_backend($worker)");
	ok(wait_for(sub { outcomes('c', 'index') =~ /1 interrupted/ }), 'the leader closes what a terminated worker left open');
	$writer->query('COMMIT');
	$writer->quit;
	ok(defined $s->collect && $s->sqlstate eq '', 'the call goes on without the index') or diag($s->{err});
	is(invalid_indexes(), '0', 'and has dropped what the worker left');
	$s->quit;
	check_finished('c', 2, index => 1);
}

# the leader is terminated
{
	make_tables($node, 'd', 2, index => 1);
	my $writer = writer_of('child_d_01');
	my $s = SgTest::Session->new($node);
	$s->send("CALL sg_add_fks('d')");
	ok(wait_building('d') && wait_for(sub { outcomes('d', 'index') eq '2 done' }), 'a build waits, the other is done');
	query("SELECT pg_terminate_backend($s->{pid})");
	ok(!defined $s->collect, 'a terminated leader ends');
	ok(no_workers(), 'and its workers with it');
	$s->quit;
	check_state('d', 1, 'leader terminated while building');
	is(invalid_indexes(), '1', 'the invalid index is left to the next call');
	$writer->query('COMMIT');
	$writer->quit;
	check_finished('d', 2, index => 1);
}

# the leader is terminated, and the plan is dropped
{
	make_tables($node, 'x', 2, index => 1);
	my $writer = writer_of('child_x_01');
	my $s = SgTest::Session->new($node);
	$s->send("CALL sg_add_fks('x')");
	ok(wait_building('x'), 'a build waits');
	query("SELECT pg_terminate_backend($s->{pid})");
	$s->collect;
	$s->quit;
	no_workers();
	is_error($node, "SELECT sg_plan_drop('x', force => true)", '55P03', qr/a build of plan "x" has left invalid index public\.child_x_01_ref_idx/,
		'a plan whose build has left an invalid index stays while that is in use');
	$writer->query('COMMIT');
	$writer->quit;
	is_error($node, "BEGIN; SELECT sg_plan_drop('x', force => true)", '55000', qr/left invalid index/, 'nor does it lock the table for the rest of a transaction block');
	is(invalid_indexes(), '1', 'the invalid index is there');
	query("SELECT sg_plan_drop('x', force => true)");
	is(invalid_indexes(), '0', 'it goes with the plan');
	is(outcomes('x', 'drop index'), '1 done', 'and the log says so');
}

# limits of time: for the statement, and for each lock and each transaction that it waits for
for my $limit ([ 'p', 'statement_timeout', '57014', 'the statement took longer than schemaguard.statement_timeout' ],
	[ 'q', 'lock_budget', '55P03', 'canceling statement due to lock timeout' ])
{
	my ($p, $setting, $sqlstate, $message) = @$limit;

	make_tables($node, $p, 2, index => 1);
	my $writer = writer_of("child_${p}_01");
	my $s = SgTest::Session->new($node);
	$s->send("SET schemaguard.$setting = '1s'; CALL sg_add_fks('$p')");
	# the limit is there for step 2, too, which is short, but must not be for ever
	ok(wait_for(sub { outcomes($p, 'drop index', 1) ne '' }), "$setting ends a build, and the drop of what it leaves");
	is(outcomes($p, 'index', 1), "1 failed $sqlstate", "$setting: the build has failed");
	is(outcomes($p, 'drop index', 1), "1 failed $sqlstate", "$setting: the drop, too, while the transaction is open");
	$writer->query('COMMIT');
	$writer->quit;
	ok(defined $s->collect && $s->sqlstate eq '', "$setting: the call goes on") or diag($s->{err});
	like($s->{err}, qr/step 1, public.child_${p}_01_ref_idx: index failed: $message/, "$setting: and says why");
	$s->quit;
	check_finished($p, 2, index => 1);
}

# an index that is not ours stays, whatever its name
{
	make_tables($node, 'e', 1, index => 1);
	my $writer = writer_of('child_e_01');
	my $s = SgTest::Session->new($node);
	$s->send("CALL sg_add_fks('e')");
	ok(wait_building('e'), 'a build waits');
	query("SELECT pg_terminate_backend($s->{pid})");
	$s->collect;
	$s->quit;
	no_workers();
	$writer->query('COMMIT');
	$writer->quit;
	query("DROP INDEX child_e_01_ref_idx; CREATE INDEX child_e_01_ref_idx ON child_e_01 (ref DESC);
		   UPDATE pg_index SET indisvalid = false WHERE indexrelid = 'child_e_01_ref_idx'::regclass");
	my $told = ($node->psql('postgres', "CALL sg_add_fks('e')"))[2];
	like($told, qr/no index is built on public\.child_e_01 \(ref\)/, 'the step that finds its name taken says so');
	is(query("SELECT string_agg(c.relname || ' ' || i.indisvalid, ', ' ORDER BY c.relname) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
			  WHERE i.indrelid = 'child_e_01'::regclass AND NOT i.indisprimary"),
		'child_e_01_ref_idx false',
		'an invalid index of the same name that another statement made is left alone');
	query("DROP INDEX child_e_01_ref_idx");
}

# built, but nobody lived to say so
{
	make_tables($node, 'f', 1, index => 1);
	set_trap($node, 'done index', 1);
	my $s = SgTest::Session->new($node);
	$s->send("CALL sg_add_fks('f')");
	ok(wait_in_trap(), 'a worker stands between the build and its outcome');
	crash($node);
	$s->collect;
	$node->start;
	is(invalid_indexes(), '0', 'the index is there');
	check_state('f', 1, 'killed after the build');
	check_finished('f', 1, index => 1);
}

# steps that are an index, or made of one: killed in the build, when it is built, and when it is to become a constraint
{
	query("CREATE TABLE goods (id int NOT NULL, v int); INSERT INTO goods SELECT g, g FROM generate_series(1, 100) g;
		   SELECT sg_plan_create('u');
		   SELECT sg_plan_add_index('u', 'goods', '(v) WHERE v > 0', 'goods_v'), sg_plan_add_unique('u', 'goods', '{id}', primary_key => true)");
	my $indexes = "SELECT coalesce(string_agg(c.relname || ' ' || indisvalid || ' ' || indisprimary, ', ' ORDER BY c.relname), '')
		FROM pg_index JOIN pg_class c ON c.oid = indexrelid WHERE indrelid = 'goods'::regclass";
	my @places = ([ 'in the build', undef, 'goods_v false false' ], [ 'with it built', 'done index', 'goods_v true false' ],
		[ 'in the second build', undef, 'goods_pkey false false, goods_v true false' ],
		[ 'before the constraint', 'before add', 'goods_pkey true false, goods_v true false' ]);

	for my $i (0 .. $#places)
	{
		my ($where, $trap, $left) = @{ $places[$i] };
		my $writer;

		if ($trap) { set_trap($node, $trap, int($i / 2) + 1); }
		else { $writer = SgTest::Session->new($node); $writer->query("BEGIN; INSERT INTO goods VALUES (-1, NULL)"); }
		my $s = SgTest::Session->new($node);
		$s->send("CALL sg_apply('u')");
		ok($trap ? wait_in_trap() : wait_for(sub {
			query("SELECT count(*) FROM schemaguard.progress WHERE plan = 'u' AND phase = 'waiting' AND object = 'public.goods'") eq '1'
				&& query($indexes) eq $left }), "$where: the call stands");
		flush_wal($node);
		crash($node);
		$s->collect;
		$writer->quit if $writer;
		$node->start;
		spring_traps($node);
		is(query($indexes), $left, "killed $where");
	}
	# equal rows that come in during the build
	my $writer = SgTest::Session->new($node);
	query("SELECT sg_plan_add_unique('u', 'goods', '{v}', 'goods_key')");
	$writer->query("BEGIN; INSERT INTO goods VALUES (101, 100)");
	my $s = SgTest::Session->new($node);
	$s->send("CALL sg_apply('u', steps => '{3}', fail => true)");
	ok(wait_for(sub { query("SELECT count(*) FROM schemaguard.progress WHERE plan = 'u' AND phase = 'waiting' AND object = 'public.goods'") eq '1' }),
		'a build waits for a row that is equal to another');
	$writer->query('COMMIT');
	$writer->quit;
	$s->collect;
	is($s->sqlstate, '23505', 'the row fails it');
	$s->quit;
	is(query($indexes), 'goods_pkey true false, goods_v true false', 'and nothing of it is left');
	query("DELETE FROM goods WHERE id = 101; SELECT sg_plan_skip('u', '{3}', 'no')");

	query("CALL sg_apply('u', fail => true)");
	is(query($indexes), 'goods_pkey true true, goods_v true false', 'the next call has done it all');
	is(query("SELECT string_agg(state, ', ' ORDER BY step) FROM schemaguard.plan_step WHERE plan = 'u' AND step < 3"), 'validated, validated', 'as the steps say');
	is(log_gaps($node, 'u'), '', 'and the log');
	query("CALL sg_rollback_fks('u', fail => true)");
	is(query($indexes), '', 'and it is taken back');
}

# ---------------------------------------------------------------------------------------------------------------------
# A validation that stands still

for my $with ('core', 'scan')
{
	my $p = $with eq 'core' ? 'g' : 'h';

	make_tables($node, $p, 4);
	my $set = "SET schemaguard.validate_with = $with";
	set_trap($node, 'done validate', 2);
	my $s = SgTest::Session->new($node);
	$s->query($set);
	$s->send("CALL sg_add_fks('$p')");
	ok(wait_in_trap(), "$with: step 2 stands in a worker, in the transaction that makes its key valid");
	ok(wait_validated($p, 3), "$with: the other worker does the rest meanwhile");
	# the other worker may be about to end
	ok(wait_for(sub { query("SELECT count(*) FROM schemaguard.progress WHERE plan = '$p' AND action = 'validate'") eq '2' }),
		"$with: progress shows leader and worker");
	my $usual = getpriority(0, $s->{pid});
	is(getpriority(0, (workers())[0]), $usual + 10 < 19 ? $usual + 10 : 19, "$with: a worker gives way to the application");
	is_error($node, "CALL sg_add_fks('$p')", '55006', qr/process ID $s->{pid} runs/, "$with: nobody else runs the plan");
	query("SELECT pg_cancel_backend($s->{pid})");
	$s->collect;
	is($s->sqlstate, '57014', "$with: a cancelled call raises 57014");
	ok(no_workers(), "$with: its workers have ended");
	is(query("SELECT count(*), count(*) FILTER (WHERE step = 2 AND sqlstate = '57014') FROM schemaguard.audit_log
			  WHERE plan = '$p' AND phase = 'interrupted'"), '1|1', "$with: step 2 is logged as interrupted, once, and no other");
	check_state($p, 0, "$with, cancelled while validating");

	$s->send("CALL sg_add_fks('$p')");
	ok(wait_in_trap(), "$with: with one table left, step 2 stands in the session itself");
	is(join(' ', workers()), '', "$with: and no worker is there");
	spring_traps($node);
	ok(defined $s->collect, "$with: the next call ends") or diag($s->{err});
	$s->quit;
	check_finished($p, 4);
}
# the worker is terminated
{
	make_tables($node, 'i', 4);
	set_trap($node, 'done validate', 1);
	my $s = SgTest::Session->new($node);
	$s->send("CALL sg_add_fks('i')");
	ok(wait_in_trap(), 'step 1 stands in a worker');
	query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'trapped'");
	ok(defined $s->collect && $s->sqlstate eq '', 'the call goes on') or diag($s->{err});
	like($s->{err}, qr/a background worker of plan "i" ended early: terminating background worker/, 'and says why');
	like($s->{err}, qr/plan "i": 3 validated, 1 added/, 'the other worker has done the rest');
	check_state('i', 0, 'worker terminated while validating');
	is(query("SELECT string_agg(step || ' ' || coalesce(sqlstate, '-'), ', ') FROM schemaguard.audit_log
			  WHERE plan = 'i' AND phase = 'interrupted'"), '1 -', 'the step is logged as interrupted');
	spring_traps($node);
	$s->quit;
	check_finished('i', 4);
}

# the leader is terminated
{
	make_tables($node, 'j', 4);
	set_trap($node, 'done validate', 1);
	my $s = SgTest::Session->new($node);
	$s->send("CALL sg_add_fks('j')");
	ok(wait_in_trap() && wait_validated('j', 3), 'step 1 stands in a worker, the others are done');
	query("SELECT pg_terminate_backend($s->{pid})");
	ok(!defined $s->collect, 'a terminated leader ends');
	ok(no_workers(), 'and its workers with it');
	check_state('j', 1, 'leader terminated while validating');
	spring_traps($node);
	$s->quit;
	check_finished('j', 4);
}

# kill -9 of a worker takes the server along
{
	make_tables($node, 'k', 4, index => 1);
	set_trap($node, 'done validate', 1);
	my $s = SgTest::Session->new($node);
	$s->send("CALL sg_add_fks('k')");
	ok(wait_in_trap() && wait_validated('k', 3), 'step 1 stands in a worker, the others are done');
	kill 'KILL', query("SELECT pid FROM pg_stat_activity WHERE application_name = 'trapped'");
	ok(!defined $s->collect, 'kill -9 of a worker ends the leader');
	$node->stop('immediate', fail_ok => 1);
	$node->_update_pid(0);
	$node->start;
	check_state('k', 1, 'worker killed while validating');
	check_finished('k', 4, index => 1);
}

# ---------------------------------------------------------------------------------------------------------------------
# Killed at any moment, with indexes and several workers
{
	my ($kills, $limit) = (0, long_run() ? 40 : 3);

	make_tables($node, 'l', 12, rows => 5000, index => 1);
	while ($kills < $limit && query("SELECT count(*) FROM schemaguard.plan_step WHERE plan = 'l' AND state <> 'validated'") > 0)
	{
		my $s = SgTest::Session->new($node);
		$s->send("CALL sg_add_fks('l')");
		nap(rand(0.25));
		crash($node);
		$s->collect;
		$node->start;
		$kills++;
		my @gaps = split /\n/, log_gaps($node, 'l');
		ok(half_done($node, 'l') eq '' && @gaps <= 2, "killed at random, $kills: steps, catalog and log agree") or diag("@gaps");
	}
	cmp_ok($kills, '>=', 2, 'the server was killed while the plan ran');
	check_finished('l', 12, index => 1);
}

# ---------------------------------------------------------------------------------------------------------------------
# The same as without workers: log, states and proofs
{
	my %seen;

	for my $p ('m', 'n')
	{
		make_tables($node, $p, 6);
		query("INSERT INTO child_${p}_02 VALUES (0, 9999)");
		query("SET schemaguard.workers = " . ($p eq 'm' ? 1 : 3) . "; CALL sg_add_fks('$p')");
		$seen{$p} = query("SELECT step, action, phase, replace(object, '_${p}_', '_'), replace(replace(statement, '_${p}_', '_'), '_$p', ''),
								  sqlstate, message, orphan_rows, attempt, role
						   FROM schemaguard.audit_log WHERE plan = '$p' AND action IN ('audit', 'add', 'validate') ORDER BY step, id;
						   SELECT step, state, reason, attempts FROM schemaguard.plan_step WHERE plan = '$p' ORDER BY step;
						   SELECT fk_name, state, stands, split_part(stale_reason, ' of ', 1), rows_checked, method FROM schemaguard.fk_trust
						   WHERE child_table LIKE '%child_${p}_%' ORDER BY fk_name");
		is(query("SELECT count(DISTINCT run_id) FROM schemaguard.audit_log WHERE plan = '$p' AND action IN ('audit', 'add', 'validate')"),
			'1', "plan $p: one call, one run");
	}
	$seen{n} =~ s/parent_n/parent/g;
	$seen{m} =~ s/parent_m/parent/g;
	is($seen{n}, $seen{m}, 'three workers leave behind what one session leaves behind');
	like($seen{m}, qr/1 orphan row with 1 distinct key/, 'failures included');
}

# hints of steps repeat the call's arguments, but name that step alone, whoever does it
query(q{CREATE ROLE hinted; GRANT CREATE ON SCHEMA public TO hinted; SET ROLE hinted; CREATE TABLE hint_p (id int PRIMARY KEY)});
query("SET ROLE hinted; CREATE TABLE hint_$_ (id int PRIMARY KEY, p int); INSERT INTO hint_$_ VALUES (1, 1)") for 1 .. 3;
query("SELECT sg_grant('hinted')");
query(q{SET ROLE hinted; SELECT sg_plan_create('hints');
	SELECT sg_plan_add_fk('hints', 'hint_' || n, '{p}', 'hint_p', orphans => 'quarantine') FROM generate_series(1, 3) n});
for my $call ('sg_add_fks', 'sg_apply')
{
	my $arguments = q{steps => '{1,2}', fail => true, author => 'hinted'};
	my (undef, undef, $told) = $node->psql('postgres', "CALL $call('hints', $arguments)");
	my @hints = $told =~ /WARNING:.*?\n(?:HINT|DETAIL):.*?\n(CALL .*)/g;
	my $next = $call eq 'sg_add_fks' ? 'sg_fix_orphans' : "$call";

	is(scalar(@hints), 2, "$call: both steps have a hint") or diag($told);
	unlike(join("\n", @hints), qr/max_rows/, "$call: no limit that nobody gave");
	like($_, qr/\bsg_\w+\('hints', steps => '\{[12]\}', .*author => 'hinted'\);/, "$call: with all arguments, of its step") for @hints;
}

# ---------------------------------------------------------------------------------------------------------------------
# Partitioned tables: an index on each partition, then the one that joins them
SKIP:
{
	skip 'a key of a partitioned table is not added NOT VALID before 18', 6 if major($node) < 18;
	query(<<'SQL');
CREATE TABLE parent_parts (id int PRIMARY KEY);
INSERT INTO parent_parts SELECT generate_series(1, 100);
CREATE TABLE parts (k int, ref int) PARTITION BY RANGE (k);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (100);
CREATE TABLE parts_2 (ref int, gone int, k int);
ALTER TABLE parts_2 DROP COLUMN gone;
ALTER TABLE parts ATTACH PARTITION parts_2 FOR VALUES FROM (100) TO (200);
CREATE TABLE parts_3 PARTITION OF parts FOR VALUES FROM (200) TO (400) PARTITION BY RANGE (k);
CREATE TABLE parts_31 PARTITION OF parts_3 FOR VALUES FROM (200) TO (300);
CREATE TABLE parts_32 PARTITION OF parts_3 FOR VALUES FROM (300) TO (400);
INSERT INTO parts SELECT g, g % 100 + 1 FROM generate_series(0, 399) g;
CREATE INDEX mine ON parts_31 (ref);
SELECT sg_plan_create('parts');
SELECT sg_plan_add_fk('parts', 'parts', '{ref}', 'parent_parts', fk_name => 'key_parts');
SQL
	is(query("SELECT s FROM sg_plan_sql('parts') s WHERE s LIKE '%INDEX%'"),
		"CREATE INDEX CONCURRENTLY parts_1_ref_idx ON public.parts_1 (ref);\n"
		  . "CREATE INDEX CONCURRENTLY parts_2_ref_idx ON public.parts_2 (ref);\n"
		  . "CREATE INDEX CONCURRENTLY parts_32_ref_idx ON public.parts_32 (ref);\n"
		  . "CREATE INDEX parts_ref_idx ON public.parts (ref);",
		'the statements for a partitioned table');
	query("CALL sg_add_fks('parts')");
	is(query("SELECT string_agg(indexrelid::regclass || ' ' || indisvalid, ', ' ORDER BY indexrelid::regclass::text COLLATE \"C\")
			  FROM pg_index i JOIN pg_class c ON c.oid = i.indrelid WHERE c.relname LIKE 'parts%'"),
		'mine true, parts_1_ref_idx true, parts_2_ref_idx true, parts_32_ref_idx true, parts_3_ref_idx true, parts_ref_idx true',
		'all of them are there, and valid');
	is(query("SELECT count(*) FROM pg_partition_tree('parts_ref_idx')"), '6', 'in one tree');
	is(query("SELECT state FROM schemaguard.plan_step WHERE plan = 'parts'"), 'validated', 'the key is valid');
	is(log_gaps($node, 'parts'), '', 'the log is complete');
	my $before = everything($node, 'parts');
	query("CALL sg_add_fks('parts')");
	ok(everything($node, 'parts') eq $before, 'running it again changes nothing');
}

# ---------------------------------------------------------------------------------------------------------------------
# The library is replaced while a session has the old one: its workers load the new one.  Here that is a copy which takes
# itself for another version, in a folder of this server's, where it can be told to look.
SKIP: {
	my ($lib) = split /:/, query('SHOW dynamic_library_path');
	my $destdir = query("SELECT count(*) FROM pg_settings WHERE name = 'extension_destdir'");
	skip 'this server loads installed libraries only', 14 if !-f "$lib/schemaguard.so" || (!$destdir && major($node) < 18);

	my $root = $node->basedir . '/lib';
	my $folder = $destdir ? $root . query("SELECT setting FROM pg_config() WHERE name = 'PKGLIBDIR'") : $root;
	my $code = slurp_file("$lib/schemaguard.so");
	my $replace = sub {
		append_to_file("$folder/new", $_[0]);
		rename "$folder/new", "$folder/schemaguard.so" or die $!;
	};
	system_or_bail('mkdir', '-p', $folder);
	$replace->($code);
	make_tables($node, 'z', 2, index => 1);
	$node->append_conf('postgresql.conf', "dynamic_library_path = '$folder:\$libdir'\n" . ($destdir ? "extension_destdir = '$root'\n" : ''));
	$node->reload;
	ok(wait_for(sub { query('SHOW dynamic_library_path') =~ /^\Q$folder\E:/ }), 'a library of its own');

	my $s = SgTest::Session->new($node);
	$s->query("SELECT schemaguard.sg_plan_hash('z')");
	my $version = query("SELECT extversion FROM pg_extension WHERE extname = 'schemaguard'");
	my $other = $version =~ tr/0-9/9/r;
	cmp_ok((my $changed = $code) =~ s/\Q$version\E\0/$other\0/g, '>', 0, "becomes one of version $other");
	$replace->($changed);
	$s->query("CALL sg_add_fks('z')");
	is($s->sqlstate, '55000', 'which a session that has the old one is told') or diag($s->{err});
	like($s->{err}, qr/replaced: this session has version \Q$version\E, and background workers have version \Q$other\E.*Reconnect/s, '... with what to do');
	ok(no_workers(), '... and no worker is left');
	$s->quit;
	$replace->($code);
	check_finished('z', 2, index => 1);
}

my $log = slurp_file($node->logfile);
unlike($log, qr/PANIC|TRAP:|was terminated by signal (?:6|7|8|11)\b/, 'no process of the server crashed by itself');
$node->stop;

# ---------------------------------------------------------------------------------------------------------------------
# No worker to be had
{
	$node = new_node('none', conf => $conf . "max_worker_processes = 0\nmax_logical_replication_workers = 0\n");
	make_tables($node, 'o', 3, index => 1);
	my $s = SgTest::Session->new($node);
	$s->query("CALL sg_add_fks('o')");
	like($s->{err}, qr/step 1, public.child_o_01_ref_idx: no index is built on public.child_o_01 \(ref\): no background worker could be started/,
		'without a worker no index is built, which is said');
	like($s->{err}, qr/HINT:.*:\nCREATE INDEX CONCURRENTLY child_o_01_ref_idx ON public.child_o_01 \(ref\);/, 'with the statement');
	like($s->{err}, qr/the keys of 3 tables are validated in this session.*no background worker could be started/,
		'and keys are validated by the session');
	like($s->{err}, qr/plan "o": 3 validated/, 'all of them');
	is(outcomes('o', 'index'), '1 skipped, 2 skipped, 3 skipped', 'the log has it');
	is(log_gaps($node, 'o'), '', 'and is complete');
	$s->quit;
	$node->stop;
}

done_testing();
