# 055_rollback.pl: a rollback that is killed, cancelled or held up is taken up again, and takes everything back once.
#
# A plan of 10 keys with indexes, of which one key has replaced another, is taken back again and again, and each time the
# server is killed with SIGKILL at another place: at exact places, where a trap (SgLoad.pm) holds the rollback inside its
# transaction, then at random.  After each restart steps and catalog must agree; in the end nothing of the plan is left,
# each thing was taken back once, and each start in the log has one outcome.
#
# Then cancels, a table that is busy, somebody who changes a key between the look and the lock, and writers under load.
#
# rooms: undo
# takes: 25 s
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use IPC::Run ();
use PostgreSQL::Test::Utils;
use SgTest;
use SgLoad;
use Test::More;

srand(seed());

my $node = new_node('rollback', conf => "shared_buffers = 32MB\nautovacuum = off\n");
install_traps($node);

sub query { return $node->safe_psql('postgres', $_[0]); }

# A plan of keys, and for each an index and its deed, as deployment leaves them; the key of step 3 has replaced another
sub deploy
{
	my ($plan, $count) = @_;

	make_tables($node, $plan, $count);
	query(<<SQL);
CREATE FUNCTION wrote_$plan(step int, kind text, undo text, object text, before jsonb, after jsonb) RETURNS void LANGUAGE sql AS \$\$
	INSERT INTO schemaguard.plan_deed (plan_id, step, kind, undo, object, before, after, done_at)
	SELECT id, \$1, \$2, \$3, \$4, \$5, \$6, now() FROM schemaguard.plan WHERE name = '$plan' \$\$;
DO \$do\$
BEGIN
	FOR i IN 1..$count LOOP
		EXECUTE format('CREATE INDEX child_${plan}_%1\$s_ref ON child_${plan}_%1\$s (ref)', to_char(i, 'FM00'));
		PERFORM wrote_$plan(i, 'index', 'drop index', format('public.child_${plan}_%s_ref', to_char(i, 'FM00')), NULL,
			jsonb_build_object('child_table', 'public.child_${plan}_' || to_char(i, 'FM00'), 'index_columns', 'ref', 'partitioned', false));
	END LOOP;
END\$do\$;
CREATE TABLE old_$plan AS SELECT id FROM parent_${plan}_4;
ALTER TABLE old_$plan ADD PRIMARY KEY (id);
SQL
	query("CALL sg_add_fks('$plan')");
	query(<<SQL);
SELECT wrote_$plan(3, 'replace', 'restore key', 'key_03 ON public.child_${plan}_03',
	after || jsonb_build_object('fk_name', 'old', 'parent_table', 'public.old_$plan', 'valid', true), NULL)
FROM schemaguard.plan_deed WHERE kind = 'add' AND object = 'key_03 ON public.child_${plan}_03';
-- what people make of the log is their affair
CALL sg_prune('infinity');
SQL
}

# After a kill: nothing is half done
sub check_after_crash
{
	my ($plan, $where) = @_;
	my $wrong = half_done($node, $plan);
	my @open = split /\n/, log_gaps($node, $plan);

	ok($wrong eq '' && @open <= 1, "killed $where: steps, catalog and log agree")
		or diag("$wrong\n@open");
}

# What must be true when all is taken back
sub check_finished
{
	my ($plan, $count) = @_;

	is(query("SELECT string_agg(c.conname || ' ' || c.convalidated, ', ') FROM pg_constraint c
			  WHERE c.contype = 'f' AND c.conrelid::regclass::text LIKE 'child_${plan}_%'"),
		'old true', "plan $plan: no key is left but the old one, which is valid again");
	is(query("SELECT count(*) FROM pg_class WHERE relkind = 'i' AND relname LIKE 'child_${plan}_%_ref'"), '0',
		"plan $plan: no index is left");
	is(query("SELECT count(*) FROM schemaguard.plan_step WHERE plan = '$plan' AND state = 'rolled back'"), $count,
		"plan $plan: every step is rolled back");
	is(half_done($node, $plan), '', "plan $plan: steps and catalog agree");
	is(log_gaps($node, $plan), '', "plan $plan: every start in the log has exactly one outcome");
	is(query("SELECT string_agg(action || ' ' || n, ', ' ORDER BY action) FROM
				(SELECT action, count(*) AS n FROM schemaguard.audit_log WHERE plan = '$plan' AND phase = 'done'
					AND (action LIKE 'rollback %' OR action = 'restore key') GROUP BY action) x"),
		"restore key 1, rollback add $count, rollback index $count, rollback replace 1",
		"plan $plan: each thing was taken back once");
	my $before = everything($node, $plan);
	query("CALL sg_rollback_fks('$plan')");
	ok(everything($node, $plan) eq $before, "plan $plan: taking it back again changes nothing");
}

# ---------------------------------------------------------------------------------------------------------------------
# Killed at exact places
{
	my $count = 10;
	my @kills;

	deploy('a', $count);
	# the last deed first, which is that of step 3; keys in reverse; indexes in reverse; every place has its turn
	for my $action ('restore key', 'rollback replace', 'rollback add', 'rollback index')
	{
		my @places = map { "$_ $action" } qw(started before after done);
		if ($action =~ /key|replace/) { push @kills, map { [ 3, $_ ] } @places; next; }
		for my $step (reverse 1 .. $count)
		{
			push @kills, map { [ $step, $_ ] } long_run() ? @places : $places[ $step % 4 ];
		}
	}
	for my $kill (@kills)
	{
		my ($step, $place) = @$kill;

		set_trap($node, $place, $step);
		my $s = SgTest::Session->new($node);
		$s->send("CALL sg_rollback_fks('a')");
		ok(wait_trapped($node), "step $step reaches '$place'") or last;
		crash($node);
		$s->collect;
		$node->start;
		check_after_crash('a', "in step $step at '$place'");
	}
	query("CALL sg_rollback_fks('a')");
	check_finished('a', $count);
	note(scalar(@kills) . ' kills');
}

# ---------------------------------------------------------------------------------------------------------------------
# Killed at any moment
{
	my ($kills, $limit) = (0, long_run() ? 40 : 4);

	deploy('b', 10);
	while ($kills < $limit && query("SELECT count(*) FROM schemaguard.plan_step WHERE plan = 'b' AND state <> 'rolled back'"))
	{
		my $s = SgTest::Session->new($node);
		$s->send("CALL sg_rollback_fks('b')");
		nap(rand(0.04));
		crash($node);
		$s->collect;
		$node->start;
		$kills++;
		check_after_crash('b', "at random, kill $kills");
	}
	cmp_ok($kills, '>=', 2, 'the server was killed while the plan was taken back');
	query("CALL sg_rollback_fks('b')");
	check_finished('b', 10);
}

# ---------------------------------------------------------------------------------------------------------------------
# Cancelled, held up, overtaken
{
	my $outcome = "SELECT l.step, l.action, l.phase, l.sqlstate FROM schemaguard.audit_log l
		WHERE l.plan = 'c' AND l.phase <> 'started' ORDER BY l.id DESC LIMIT 1";

	make_tables($node, 'c', 6);
	query("CALL sg_add_fks('c')");

	# a cancel between the statement and its commit
	my $s = SgTest::Session->new($node);
	set_trap($node, 'after rollback add', 6);
	$s->send("CALL sg_rollback_fks('c')");
	ok(wait_trapped($node), 'step 6 stands between DROP and its commit');
	is_error($node, "CALL sg_rollback_fks('c')", '55006', undef, 'nobody else takes the plan back meanwhile');
	is_error($node, "CALL sg_add_fks('c')", '55006', undef, '... nor runs it');
	query("SELECT pg_cancel_backend($s->{pid})");
	$s->collect;
	is($s->sqlstate, '57014', 'a cancelled call raises 57014');
	is(query($outcome), '6|rollback add|interrupted|57014', '... and is logged as interrupted');
	is(half_done($node, 'c') . log_gaps($node, 'c'), '', '... and nothing is half done');
	spring_traps($node);

	# somebody holds a child: the step fails, stays as it is, and the others go on; readers and writers do not wait
	my $holder = SgTest::Session->new($node);
	$holder->query('BEGIN; SELECT count(*) FROM child_c_05');
	$s->query("SET schemaguard.lock_attempts = 2; CALL sg_rollback_fks('c'); RESET schemaguard.lock_attempts");
	is($s->sqlstate, '', 'a table in use does not end the call');
	is(query("SELECT string_agg(step || ' ' || state, ', ' ORDER BY step) FROM schemaguard.plan_step WHERE plan = 'c'"),
		'1 rolled back, 2 rolled back, 3 rolled back, 4 rolled back, 5 validated, 6 rolled back',
		'... its step stays as it was, the others are taken back');
	like(query("SELECT reason FROM schemaguard.plan_step WHERE plan = 'c' AND step = 5"),
		qr/could not lock public\.child_c_05 in 2 attempts/, '... and says why');
	is(query("SELECT blockers->0->>'pid' FROM schemaguard.audit_log WHERE plan = 'c' AND step = 5 AND phase = 'failed'"),
		$holder->{pid}, '... and the log has who was in the way');
	is(half_done($node, 'c') . log_gaps($node, 'c'), '', '... nothing is half done');

	# a cancel in the pause, then a call that gets through as soon as the table is free
	$s->send("CALL sg_rollback_fks('c')");
	ok(wait_for(sub { query("SELECT count(*) FROM schemaguard.progress
			WHERE plan = 'c' AND action = 'rollback' AND step = 5 AND phase = 'pausing'
				AND NOT EXISTS (SELECT FROM pg_locks WHERE pid = $s->{pid} AND locktype = 'relation' AND relation >= 16384)") eq '1' }),
		'progress shows a rollback that pauses, without any lock on a table');
	query("SELECT pg_cancel_backend($s->{pid})");
	$s->collect;
	is(query($outcome), '5|rollback add|interrupted|57014', 'a cancel in a pause is logged');
	$s->send("CALL sg_rollback_fks('c')");
	ok(wait_for(sub { query("SELECT count(*) FROM schemaguard.progress WHERE plan = 'c' AND phase = 'pausing'") eq '1' }),
		'the next call pauses, too');
	$holder->query('COMMIT');
	$s->collect;
	is(query("SELECT count(*) FROM schemaguard.plan_step WHERE plan = 'c' AND state = 'rolled back'"), '6',
		'... and goes through when the table is free');

	# between the look and the lock somebody puts another key of that name there, or drops it
	query("CALL sg_add_fks('c')");
	set_trap($node, 'started rollback add', 6);
	$s->send("CALL sg_rollback_fks('c')");
	ok(wait_trapped($node), 'step 6 has been looked at, not locked');
	query('ALTER TABLE child_c_06 DROP CONSTRAINT key_06,
		ADD CONSTRAINT key_06 FOREIGN KEY (ref) REFERENCES parent_c_2 ON DELETE CASCADE');
	set_trap($node, 'started rollback add', 5);
	query("DELETE FROM trap WHERE step = 6");
	ok(wait_for(sub { query("SELECT count(*) FROM schemaguard.progress p JOIN pg_stat_activity a USING (pid)
			WHERE p.plan = 'c' AND p.step = 5 AND a.application_name = 'trapped'") eq '1' }), 'step 5, too');
	query('ALTER TABLE child_c_05 DROP CONSTRAINT key_05');
	spring_traps($node);
	$s->collect;
	is(query("SELECT confdeltype FROM pg_constraint WHERE conname = 'key_06' AND conrelid = 'child_c_06'::regclass"), 'c',
		'the key of somebody else is left alone');
	is(query("SELECT string_agg(step || ' ' || phase || ' ' || sqlstate, ', ' ORDER BY id) FROM schemaguard.audit_log
			  WHERE plan = 'c' AND action = 'rollback add' AND message LIKE 'left alone:%'"),
		'6 skipped SG002, 5 skipped 42704', '... and the log says so of both');
	is(log_gaps($node, 'c'), '', '... without a gap');
	$holder->quit;
	$s->quit;
}

# ---------------------------------------------------------------------------------------------------------------------
# Whatever the log holds: so many rows are read for each key, not for each of those
{
	my $count = 40;
	my $read = sub { $node->safe_psql('postgres', "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_user_tables WHERE relid = 'schemaguard.$_[0]'::regclass") };
	my $s = SgTest::Session->new($node);

	make_tables($node, 'e', $count, rows => 0);
	# those of other plans, and of earlier runs of this one
	query("INSERT INTO schemaguard.audit_log (run_id, role, plan, step, action, phase, object)
		SELECT gen_random_uuid(), 'x', plan, 1, 'add', 'done', 'key_01 ON public.child_e_01' FROM generate_series(1, 20000), unnest('{e,other}'::text[]) plan");
	$s->query("CALL sg_add_fks('e')");
	$s->query('SELECT pg_stat_force_next_flush()');
	my %before = map { $_ => $read->($_) } qw(audit_log plan_deed);
	$s->query("CALL sg_rollback_fks('e')");
	$s->query('SELECT pg_stat_force_next_flush()');
	is(query("SELECT count(*) FROM schemaguard.plan_step WHERE plan = 'e' AND state = 'rolled back'"), $count, "$count keys are taken back");
	for my $table (sort keys %before)
	{
		my $rows = $read->($table) - $before{$table};

		cmp_ok($rows, '<=', 20 * $count, "... for which $rows rows of $table are read");
	}
	$s->quit;
}

# ---------------------------------------------------------------------------------------------------------------------
# Under load: writers of children and parents, in both orders, and readers with long transactions
{
	my $dir = PostgreSQL::Test::Utils::tempdir();
	my $file = sub {
		my ($name, $text) = @_;
		open my $handle, '>', "$dir/$name" or die "$dir/$name: $!";
		print $handle $text;
		close $handle;
		return "$dir/$name";
	};
	my $draw = "\\set p random(1, 5)\n\\set id random(1, 2000)\n\\set r random(1, 500)\n";
	my @children = map { sprintf 'child_d_%02d', $_ } 1 .. 8;
	my @loads;

	make_tables($node, 'd', 8);
	query("CALL sg_add_fks('d')");
	my $pgbench = sub {
		my ($clients, @scripts) = @_;
		my $out = "$dir/out" . @loads;
		push @loads, { out => $out, harness => IPC::Run::start(
			[ 'pgbench', '-n', '-T', '120', '-c', $clients, '-R', 100 * $clients,
				(map { ('-f', $_) } @scripts), '-d', $node->connstr('postgres') . ' application_name=pgbench' ], '<', '/dev/null', '>', $out, '2>&1') };
	};
	$pgbench->(4, map { $file->("w$_.sql", "${draw}BEGIN;\nUPDATE $children[$_] SET ref = :r WHERE id = :id;\n"
		. "UPDATE parent_d_:p SET note = 'x' WHERE id = :r;\nCOMMIT;\n") } 0 .. 7);
	$pgbench->(1, $file->('long.sql', "BEGIN;\nSELECT count(*) FROM child_d_01;\nSELECT pg_sleep(0.7);\nCOMMIT;\n"));
	ok(wait_for(sub { query("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pgbench' AND xact_start IS NOT NULL
			AND query LIKE 'SELECT pg_sleep%'") eq '1' && query("SELECT count(*) > 0 FROM (" . join(' UNION ALL ',
			map { "SELECT FROM parent_d_$_ WHERE note = 'x'" } 1 .. 5) . ") x") eq 't' }), 'the application runs');
	my $s = SgTest::Session->new($node);
	$s->query("CALL sg_rollback_fks('d')");
	is($s->sqlstate, '', 'a rollback under load ends well');
	$_->{harness}->signal('ALRM') for @loads;
	$_->{harness}->finish for @loads;
	my $text = join '', map { slurp_file($_->{out}) } @loads;
	is(query("SELECT count(*) FROM schemaguard.plan_step WHERE plan = 'd' AND state = 'rolled back'"), '8',
		'... with every key taken back');
	unlike($text, qr/ERROR|aborted/, '... and no transaction of the application fails') or diag($text);
	unlike($text, qr/number of transactions actually processed: 0\b/, '... while it runs');
	is(query("SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND conrelid::regclass::text LIKE 'child_d_%'"), '0',
		'... no key is left');
	is(log_gaps($node, 'd'), '', '... and the log has no gap');
	note(query("SELECT 'attempts per key: ' || string_agg(attempt::text, ' ' ORDER BY id) FROM schemaguard.audit_log
				WHERE plan = 'd' AND action = 'rollback add' AND phase = 'done'"));
	$s->quit;
}

unlike(slurp_file($node->logfile), qr/PANIC|TRAP:|was terminated by signal (?:6|7|8|11)\b/, 'no process of the server crashed by itself');
$node->stop;
done_testing();
