# 066_build_gives_way.pl: nobody is a deadlock's victim, nor waits for long, because of an index that a plan builds.
#
# A transaction has written to the child, so that CREATE INDEX CONCURRENTLY waits for it; now it wants a lock that waits
# for the build.  Whoever looks for the deadlock first is its victim: that must never be the application, with a
# deadlock_timeout of a second.  The same by way of a second transaction, by an old snapshot, by a build that still reads,
# and where nobody else would be in the way.  Each time the build begins anew, and the index is there in the end.
#
# rooms: deploy
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use Time::HiRes 'time';
use SgTest;
use SgLoad;
use Test::More;

my $node = new_node('yield', conf => "max_worker_processes = 16\ndeadlock_timeout = 1s\n");

sub query { return $node->safe_psql('postgres', $_[0]); }

my @operations = ('ALTER TABLE %s SET (fillfactor = 90)', 'ANALYZE %s', 'CREATE INDEX ON %s (pad)', 'LOCK TABLE %s IN SHARE MODE');
my $rounds = long_run() ? 11 : 1;
my $rows = long_run() ? 300_000 : 20_000;
my ($deadlocks, $longest, $n, @wrong) = (0, 0, 0);

sub make_table
{
	$n++;
	query("SET client_min_messages = warning;
		   CREATE TABLE IF NOT EXISTS parent (id int PRIMARY KEY);
		   INSERT INTO parent SELECT generate_series(1, 100) ON CONFLICT DO NOTHING;
		   CREATE TABLE child_$n (ref int, pad int);
		   INSERT INTO child_$n SELECT 1 + g % 100, g FROM generate_series(1, $rows) g;
		   SELECT sg_plan_create('p$n');
		   SELECT sg_plan_add_fk('p$n', 'child_$n', '{ref}', 'parent', orphans => 'leave')");
	return "child_$n";
}

# Does a worker build the index?  In a phase like this
sub building
{
	my ($phase) = @_;

	return wait_for(sub { query("SELECT count(*) FROM pg_stat_progress_create_index WHERE relid = 'child_$n'::regclass
								 AND phase ~ '$phase'") ne '0' });
}

# Waits in the server for a phase that is soon over
sub watch
{
	my ($watcher, $phase) = @_;

	$watcher->send(qq{DO \$\$ BEGIN
		FOR i IN 1 .. 180000 LOOP
			PERFORM FROM pg_stat_progress_create_index WHERE relid = 'child_$n'::regclass AND phase ~ '$phase';
			IF FOUND THEN RETURN; END IF;
			PERFORM pg_stat_clear_snapshot(), pg_sleep(0.001);
		END LOOP;
		RAISE EXCEPTION 'never in phase $phase'; END \$\$});
}

# What the application does, and how long that takes
sub apply
{
	my ($session, $sql) = @_;
	my $start = time;

	$session->query($sql);
	$deadlocks++ if $session->sqlstate eq '40P01';
	push @wrong, "$sql: $session->{err}" if $session->{err} =~ /ERROR/;
	$longest = time - $start if time - $start > $longest;
}

sub check_built
{
	my ($deployer, $what) = @_;

	$deployer->collect;
	my $state = query("SELECT s.state || coalesce(' ' || s.reason, '') || ', ' || (SELECT string_agg(indisvalid::text, ' ') FROM pg_index i
			WHERE indrelid = 'child_$n'::regclass AND indkey = '1')
		FROM schemaguard.plan_step s WHERE plan = 'p$n'");
	push @wrong, "$what: $state\n$deployer->{err}" if $state ne 'validated, true';
}

my ($deployer, $one, $two, $watcher) = map { SgTest::Session->new($node) } 1 .. 4;

for my $round (1 .. $rounds)
{
	for my $operation (@operations)
	{
		# the build waits for a transaction, which comes to wait for the build
		my $table = make_table();
		my $sql = sprintf $operation, $table;
		$one->query("BEGIN; INSERT INTO $table VALUES (1, 1)");
		$deployer->send("CALL sg_add_fks('p$n')");
		building('writers') or die 'no build waits';
		# the worker has looked for a deadlock by then
		nap(long_run() ? rand(2) : 0.8);
		apply($one, $sql);
		$one->query('COMMIT');
		check_built($deployer, $sql);
	}
}
is($deadlocks, 0, "no victim among " . $rounds * @operations . " transactions that lock the table of a build that waits for them");

# the build still reads, and the transaction that it will wait for is there already
$rows = 300_000;
for my $operation (@operations)
{
	my $table = make_table();
	my $sql = sprintf $operation, $table;
	$one->query("BEGIN; LOCK TABLE $table IN ROW EXCLUSIVE MODE");
	$two->query("BEGIN; INSERT INTO $table VALUES (1, 1)");
	$deployer->send("CALL sg_add_fks('p$n')");
	building('writers') or die 'no build waits';
	watch($watcher, 'building index');
	$one->query('COMMIT');
	$two->query('COMMIT');
	$watcher->collect;
	die 'no build reads' if $watcher->sqlstate;
	# what writes now is waited for later
	$one->query("BEGIN; INSERT INTO $table VALUES (1, 1)");
	apply($one, $sql);
	$one->query('COMMIT');
	check_built($deployer, "$sql, while it reads");
}
is($deadlocks, 0, 'nor where the build comes to wait for them later');

# one who waits for a row of another, who waits for the build
$rows = 1000;
{
	my $table = make_table();
	$two->query("BEGIN; UPDATE parent SET id = id WHERE id = 1");
	$one->query("BEGIN; INSERT INTO $table VALUES (1, 1)");
	$deployer->send("CALL sg_add_fks('p$n')");
	building('writers') or die 'no build waits';
	$one->send('UPDATE parent SET id = id WHERE id = 1');
	wait_for(sub { query("SELECT count(*) FROM pg_locks WHERE NOT granted AND pid = $one->{pid}") eq '1' }) or die 'it does not wait';
	apply($two, "ALTER TABLE $table SET (fillfactor = 90)");
	$two->query('COMMIT');
	$one->collect;
	$deadlocks++ if $one->sqlstate eq '40P01';
	$one->query('COMMIT');
	check_built($deployer, 'a circle of three');
}

# an old snapshot is what the build waits for in the end
{
	my $table = make_table();
	$one->query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM parent');
	$deployer->send("CALL sg_add_fks('p$n')");
	building('old snapshots') or die 'no build waits';
	apply($one, "LOCK TABLE $table IN SHARE MODE");
	$one->query('COMMIT');
	check_built($deployer, 'an old snapshot');
}

# the drop of what an interrupted build has left waits for a reader
{
	my $table = make_table();
	$one->query("BEGIN; INSERT INTO $table VALUES (1, 1)");
	$deployer->send("CALL sg_add_fks('p$n')");
	building('writers') or die 'no build waits';
	my $left = q{SELECT state, summary, next_call FROM sg_status() WHERE subject = 'leftovers'};
	is(query($left), 'ok|no call that was cut off has left anything|SELECT * FROM schemaguard.progress;', 'what runs is no leftover');
	query("SELECT pg_terminate_backend($deployer->{pid})");
	$deployer->collect;
	$deployer->quit;
	wait_for(sub { query("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'schemaguard worker'") eq '0' }) or die 'the worker lives on';
	is(query($left), "attention|a call on plan p$n was cut off in action index, public.child_${n}_ref_idx|CALL public.sg_apply('p$n');\n" .
		"attention|plan p$n has left invalid index public.child_${n}_ref_idx|CALL public.sg_apply('p$n');", 'a call that was killed has left an invalid index');
	is(query("SELECT result, detail, hint FROM sg_plan_check_details('p$n') WHERE check_name = 'leftovers'"),
		"warn|a call on plan p$n was cut off in action index, public.child_${n}_ref_idx; plan p$n has left invalid index public.child_${n}_ref_idx|CALL public.sg_apply('p$n');", 'sg_plan_check tells, too');
	$deployer = SgTest::Session->new($node);
	$deployer->send("CALL sg_add_fks('p$n')");
	wait_for(sub { query("SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'virtualxid'") eq '1' }) or die 'no drop waits';
	apply($one, "ALTER TABLE $table SET (fillfactor = 90)");
	$one->query('COMMIT');
	check_built($deployer, 'a drop');
}

# what a build has left on a partition is found by what is on record, also where the partition is called otherwise by now
{
	query("SET client_min_messages = warning; CREATE TABLE whole (id int, ref int) PARTITION BY LIST (id); CREATE TABLE whole_1 PARTITION OF whole FOR VALUES IN (1);
		   SELECT sg_plan_create('whole'), sg_plan_add_index('whole', 'whole', 'USING btree (ref)')");
	$one->query('BEGIN; INSERT INTO whole VALUES (1, 1)');
	$deployer->send("CALL sg_apply('whole')");
	wait_for(sub { query("SELECT count(*) FROM pg_stat_progress_create_index WHERE relid = 'whole_1'::regclass AND phase ~ 'writers'") ne '0' }) or die 'no build waits';
	query("SELECT pg_terminate_backend($deployer->{pid})");
	$deployer->collect;
	$deployer->quit;
	wait_for(sub { query("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'schemaguard worker'") eq '0' }) or die 'the worker lives on';
	$one->query('COMMIT');
	query('ALTER TABLE whole_1 RENAME TO renamed');
	my $indexes = q{SELECT string_agg(indexrelid::regclass || CASE WHEN indisvalid THEN '' ELSE ' invalid' END, ', ' ORDER BY indexrelid::regclass::text)
		FROM pg_index WHERE indrelid IN ('whole'::regclass, 'renamed'::regclass)};
	is(query($indexes), 'whole_1_ref_idx invalid', 'a partition with an invalid index is renamed');
	$deployer = SgTest::Session->new($node);
	$deployer->query("CALL sg_apply('whole')");
	is(query($indexes), 'renamed_ref_idx, whole_ref_idx', 'which goes with the next call');
}
is($deadlocks, 0, 'nor in a circle of three, nor by an old snapshot, nor by the drop of an invalid index');

# who waits for a build that waits for others waits for a moment only; and an index of their own is found
{
	my $table = make_table();
	$one->query("BEGIN; INSERT INTO $table VALUES (1, 1)");
	$deployer->send("CALL sg_add_fks('p$n')");
	building('writers') or die 'no build waits';
	$two->query('BEGIN');
	apply($two, "LOCK TABLE $table IN SHARE UPDATE EXCLUSIVE MODE");
	$one->query('COMMIT');
	$two->query("CREATE INDEX their_own ON $table (ref)");
	$two->query('COMMIT');
	check_built($deployer, 'an index of their own');
	is(query("SELECT string_agg(indexrelid::regclass::text, ' ') FROM pg_index WHERE indrelid = '$table'::regclass"), 'their_own',
		'an index that serves, built by those to whom the build gave way, is not built twice');
	is(query("SELECT phase || ' ' || message FROM schemaguard.audit_log WHERE plan = 'p$n' AND action = 'index' ORDER BY id DESC LIMIT 1"),
		'skipped another index that serves is there by now', '... and the log says so');
}

# once to each session, three times in all, and each time it says to whom; then it holds, also where it waits for that session itself
{
	my $table = make_table();
	my $lock = "LOCK TABLE $table IN SHARE UPDATE EXCLUSIVE MODE";
	my @sessions = map { SgTest::Session->new($node) } 1 .. 4;
	my $waits = sub { my ($session) = @_; wait_for(sub { query("SELECT wait_event_type FROM pg_stat_activity WHERE pid = $session->{pid}") eq 'Lock' }) or die 'it does not wait'; };
	my $looks = sub
	{
		for (1 .. 2)
		{
			my $began = query("SELECT xact_start FROM pg_stat_activity WHERE pid = $deployer->{pid}");
			wait_for(sub { query("SELECT xact_start > '$began' FROM pg_stat_activity WHERE pid = $deployer->{pid}") eq 't' });
		}
	};
	# the next attempt waits for the writer, with the drop of what the one before has left
	my $again = sub
	{
		$_[0]->query('COMMIT');
		wait_for(sub { query("SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'virtualxid'") eq '1' }) or die 'it does not begin anew';
	};

	$_->query('BEGIN') for @sessions;
	$one->query("BEGIN; INSERT INTO $table VALUES (1, 1)");
	$deployer->send("SET schemaguard.verbosity = 'all'; CALL sg_add_fks('p$n')");
	building('writers') or die 'no build waits';
	$sessions[0]->query($lock);
	$again->($sessions[0]);

	# the first one comes again, and waits until the build gives way to the second one
	$sessions[0]->send("BEGIN; $lock");
	$waits->($sessions[0]);
	$looks->();
	is(query("SELECT count(*) FROM pg_locks WHERE NOT granted AND pid = $sessions[0]{pid}"), '1', 'a build does not give way to a session twice');
	$sessions[1]->send($lock);
	$sessions[0]->collect;
	$sessions[0]->query('COMMIT');
	$sessions[1]->collect;
	$again->($sessions[1]);
	$sessions[2]->query($lock);
	$again->($sessions[2]);
	$sessions[3]->send($lock);
	$waits->($sessions[3]);
	$looks->();
	is(query("SELECT count(*) FROM pg_locks WHERE NOT granted AND pid = $sessions[3]{pid}"), '1', 'nor to more than three');
	query("SELECT pg_cancel_backend($sessions[3]{pid})");
	$sessions[3]->collect;
	$sessions[3]->query('ROLLBACK');
	# it has looked for a deadlock by now, so that the other one is the victim
	nap(1.5);
	$one->query($lock);
	is($one->sqlstate, '40P01', 'nor to a session that it waits for: as with CREATE INDEX CONCURRENTLY, the server chooses a victim');
	$one->query('ROLLBACK');
	check_built($deployer, 'four sessions');
	is(query("SELECT message, jsonb_path_query_array(blockers, '\$[*].pid'), blockers -> 0 ->> 'backend', blockers -> 0 ->> 'waits', blockers -> 0 ->> 'table' FROM schemaguard.audit_log
			WHERE plan = 'p$n' AND action = 'index' ORDER BY id DESC LIMIT 1"),
		"gave way to who waited for it: column blockers|[" . join(', ', map { $_->{pid} } @sessions[0 .. 2]) . "]|client backend|ShareUpdateExclusiveLock|public.$table",
		'the log says to whom');
	my @told = $deployer->{err} =~ /build of an index on public\.$table gave way to process (\d+) of role \S+, which waited for ShareUpdateExclusiveLock/g;
	is("@told", join(' ', map { $_->{pid} } @sessions[0 .. 2]), 'and so does the call');
	is(() = $deployer->{err} =~ /has given way 3 times and now holds/g, 1, 'with the last time');
	like(PostgreSQL::Test::Utils::slurp_file($node->logfile),
		qr/LOG:  step 1: the build of an index on public\.$table gave way to process $sessions[0]{pid} of role/, 'and the log of the server');
	$deployer->query('RESET schemaguard.verbosity');
	$_->quit for @sessions;
}

# holding, it is the victim itself of who has looked for a deadlock before, and begins anew
{
	my $table = make_table();
	my $lock = "LOCK TABLE $table IN SHARE UPDATE EXCLUSIVE MODE";
	my @sessions = map { SgTest::Session->new($node) } 1 .. 3;

	$_->query('BEGIN') for @sessions;
	$one->query("SET deadlock_timeout = '1min'; BEGIN; INSERT INTO $table VALUES (1, 1)");
	$deployer->send("SET schemaguard.verbosity = 'all'; CALL sg_add_fks('p$n')");
	building('writers') or die 'no build waits';
	foreach my $session (@sessions)
	{
		$session->query($lock);
		$one->send($lock) if $session == $sessions[2];
		$session->query('COMMIT');
		wait_for(sub { query("SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'virtualxid'") eq '1' }) or die 'it does not begin anew'
			if $session != $sessions[2];
	}
	$one->collect;
	is($one->sqlstate, '', 'a session gets its lock');
	$one->query('COMMIT; RESET deadlock_timeout');
	check_built($deployer, 'a victim');
	$deployer->query('RESET schemaguard.verbosity');
	$_->quit for @sessions;
}

# those who never let go
{
	my $table = make_table();
	$two->query("BEGIN; LOCK TABLE $table IN SHARE UPDATE EXCLUSIVE MODE");
	$deployer->query("SET schemaguard.lock_budget = '1s'; CALL sg_add_fks('p$n')");
	like(query("SELECT phase || ' ' || sqlstate || ' ' || message || ' ' || (blockers -> 0 ->> 'runs') FROM schemaguard.audit_log WHERE plan = 'p$n' AND action = 'index' ORDER BY id DESC LIMIT 1"),
		qr/^failed 55P03 could not lock public\.$table: it has waited for process $two->{pid} \(\S+; idle in transaction after LOCK\) LOCK$/, 'an index that is never built says for whom it has waited');
	$two->query('ROLLBACK');
	$deployer->query("RESET schemaguard.lock_budget; CALL sg_add_fks('p$n')");
	check_built($deployer, 'the next call');
}

# a build that is a statement of its own, cancelled while it waits
{
	my $table = make_table();
	my $build = "CREATE INDEX CONCURRENTLY IF NOT EXISTS by_statement ON public.$table (pad) TABLESPACE pg_default";

	query("SELECT sg_plan_create('own'); SELECT sg_plan_add_statement('own', \$\$$build\$\$, undo => 'DROP INDEX CONCURRENTLY public.by_statement',
		done_when => \$\$SELECT EXISTS (SELECT FROM pg_index WHERE indexrelid = to_regclass('public.by_statement') AND indisvalid)\$\$, in_transaction => false)");
	$two->query("BEGIN; INSERT INTO $table VALUES (1)");
	$deployer->send("CALL sg_apply('own')");
	ok(wait_for(sub { query("SELECT count(*) FROM pg_stat_progress_create_index WHERE phase LIKE 'waiting for writers%'") eq '1' }), 'a statement builds an index');
	query("SELECT pg_cancel_backend($deployer->{pid})");
	$deployer->collect;
	is($deployer->sqlstate, '57014', '... and is cancelled');
	my $left = "SELECT summary, next_call FROM sg_status() WHERE subject = 'leftovers'";
	is(query($left), "plan own has left invalid index public.by_statement|CALL public.sg_apply('own');", 'sg_status tells of what is left');
	$two->query('ROLLBACK');
	$deployer->query("CALL sg_apply('own')");
	unlike(query($left), qr/invalid/, 'until the next call');
	is(query(q{SELECT state, (SELECT indisvalid FROM pg_index WHERE indexrelid = 'public.by_statement'::regclass) FROM schemaguard.plan_step WHERE plan = 'own'}), 'validated|t',
		'the next call builds it, and does not take what was left for it') or diag($deployer->{err});
	$two->query("BEGIN; INSERT INTO $table VALUES (1)");
	$deployer->query("SET schemaguard.lock_budget = '1s'; CALL sg_rollback_fks('own'); RESET schemaguard.lock_budget");
	like(query("SELECT reason FROM schemaguard.plan_step WHERE plan = 'own'"), qr/canceling statement due to lock timeout: it has waited for process $two->{pid} \(\S+; idle in transaction after INSERT\)/,
		'... DROP INDEX CONCURRENTLY waits, and says for whom');
	$two->query('ROLLBACK');
	$deployer->query("CALL sg_rollback_fks('own')");
	is(query(q{SELECT to_regclass('public.by_statement') IS NULL}), 't', '... and a rollback takes it back') or diag($deployer->{err});
}

# somebody else builds one of that name, and ours waits in vain for the table
{
	my $table = make_table();
	my ($holder, $other) = map { SgTest::Session->new($node) } 1 .. 2;

	query("SELECT sg_plan_create('theirs'); SELECT sg_plan_add_statement('theirs', 'CREATE INDEX CONCURRENTLY of_another ON public.$table (pad)', in_transaction => false)");
	$holder->query($_) foreach 'BEGIN', "LOCK TABLE $table IN SHARE UPDATE EXCLUSIVE MODE";
	$other->send("CREATE INDEX CONCURRENTLY of_another ON $table (pad)");
	ok(wait_for(sub { query("SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = '$table'::regclass") eq '1' }), 'somebody waits for the table');
	$two->query("BEGIN; INSERT INTO $table VALUES (1)");
	$deployer->send("SET schemaguard.lock_budget = '2s'; CALL sg_apply('theirs')");
	$holder->query('COMMIT');
	ok(wait_for(sub { query("SELECT count(*) FROM pg_index WHERE indexrelid = to_regclass('public.of_another') AND NOT indisvalid") eq '1' }), '... and builds an index');
	$deployer->collect;
	is(query("SELECT count(*) FROM pg_index WHERE indexrelid = to_regclass('public.of_another')"), '1', '... which a step that wants the name leaves alone');
	$two->query('ROLLBACK');
	$other->collect;
	is($other->sqlstate . query("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('public.of_another')"), 't', '... so that it is valid');
	$deployer->query('RESET schemaguard.lock_budget');
}

is(scalar(@wrong), 0, 'all statements went through, and all indexes are there') or diag(join "\n", @wrong);
cmp_ok($longest, '<', bound(3, 10), sprintf 'the longest of them took %.0f ms', 1000 * $longest);
is(query('SELECT count(*) FROM pg_index WHERE NOT indisvalid'), '0', 'no invalid index is left');

done_testing();
