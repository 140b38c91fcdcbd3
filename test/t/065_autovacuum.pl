# 065_autovacuum.pl: autovacuum in the way of a step.
#
# Core cancels an ordinary autovacuum only for a waiter whose deadlock_timeout fires.  With a throttled autovacuum of the
# child, and then of the parent, that would run for minutes, a step must get its locks within a few attempts, and the
# log must say who was in the way; the same when the key is taken back.  An autovacuum against wraparound is not cancelled: the step fails when its budget is
# used up, and names it.  Batches of a fill and of a fix cancel none: they wait for schemaguard.throttle_budget, for a VACUUM
# by hand as well, and say for whom; so does the build of an index.
#
# rooms: run deploy
# takes: 24 s
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Utils;
use SgTest;
use SgLoad;
use Test::More;

my $node = new_node('autovacuum', conf => <<'CONF');
autovacuum = on
autovacuum_naptime = 1s
schemaguard.workers = 0
autovacuum_max_workers = 3
log_autovacuum_min_duration = 0
CONF

sub query { return $node->safe_psql('postgres', $_[0]); }

# A table whose autovacuum starts at once and then takes minutes: it sleeps 100 ms per page that it dirties or reads,
# and it looks at every page (freeze_table_age), also at those that the audit has found all visible (19)
sub make_slow
{
	my ($table) = @_;

	query(<<SQL);
ALTER TABLE $table SET (autovacuum_enabled = off, autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1,
	autovacuum_vacuum_threshold = 1, autovacuum_vacuum_scale_factor = 0, autovacuum_freeze_table_age = 0,
	autovacuum_analyze_threshold = 2000000000);
UPDATE $table SET note = 'changed';
ALTER TABLE $table SET (autovacuum_enabled = on);
SQL
}

# Wait for an autovacuum worker that holds the table; its pid, or ''
sub autovacuum_of
{
	my ($table) = @_;
	my $pid = '';

	wait_for(sub {
		$pid = query("SELECT l.pid FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
					  WHERE a.backend_type = 'autovacuum worker' AND l.relation = '$table'::regclass
						  AND l.mode = 'ShareUpdateExclusiveLock' AND l.granted");
		return $pid ne '';
	});
	return $pid;
}

# child_NAME, parent_NAME with autovacuum off, and a plan NAME
sub make_pair
{
	my ($name) = @_;

	query(<<SQL);
CREATE TABLE parent_$name (id int PRIMARY KEY, note text) WITH (autovacuum_enabled = off);
CREATE TABLE child_$name (id int PRIMARY KEY, ref int, note text) WITH (autovacuum_enabled = off);
INSERT INTO parent_$name SELECT g, repeat('x', 100) FROM generate_series(1, 20000) g;
INSERT INTO child_$name SELECT g, 1 + g % 20000, repeat('x', 100) FROM generate_series(1, 20000) g;
SELECT sg_plan_create('$name');
SELECT sg_plan_add_fk('$name', 'child_$name', ARRAY['ref'], 'parent_$name', fk_name => 'key_$name');
SQL
}

# ---------------------------------------------------------------------------------------------------------------------
# Throttled, of the child and of the parent
for my $side ('child', 'parent')
{
	my $table = "${side}_$side";

	make_pair($side);
	make_slow($table);
	my $pid = autovacuum_of($table);
	isnt($pid, '', "an autovacuum of the $side runs");
	my $cancelled = () = slurp_file($node->logfile) =~ /canceling autovacuum task/g;

	query("CALL sg_add_fks('$side')");
	is(query("SELECT state FROM schemaguard.plan_step WHERE plan = '$side'"), 'validated',
		"the step is validated in spite of an autovacuum of the $side");
	cmp_ok(query("SELECT max(attempt) FROM schemaguard.audit_log WHERE plan = '$side' AND phase = 'done'"), '<=', 8,
		'with few attempts');
	cmp_ok(query("SELECT max(attempt) FROM schemaguard.audit_log WHERE plan = '$side' AND phase = 'done'"), '>', 1,
		'and more than one, for it was in the way');
	# one that has come after the one that was cancelled is one, too
	is(query("SELECT DISTINCT b->>'backend', b->>'table' LIKE '%$table'
			  FROM schemaguard.audit_log l, jsonb_array_elements(l.blockers) b
			  WHERE l.plan = '$side' AND l.phase = 'done' AND l.action = 'add'"),
		'autovacuum worker|t', 'the log names the autovacuum');
	cmp_ok(scalar(() = slurp_file($node->logfile) =~ /canceling autovacuum task/g), '>', $cancelled,
		'core has cancelled it for us');
	note(query("SELECT string_agg(format('%s: %s attempts, %s ms', action, attempt, round(elapsed_ms)), '; ')
				FROM schemaguard.audit_log WHERE plan = '$side' AND phase = 'done' AND action IN ('add', 'validate')"));

	# ... nor does it hold up a rollback, which locks both tables exclusively
	make_slow($table);
	$pid = autovacuum_of($table);
	isnt($pid, '', "an autovacuum of the $side runs again");
	$cancelled = () = slurp_file($node->logfile) =~ /canceling autovacuum task/g;
	query("CALL sg_rollback_fks('$side')");
	is(query("SELECT state FROM schemaguard.plan_step WHERE plan = '$side'"), 'rolled back', 'the key is taken back');
	is(query("SELECT DISTINCT l.attempt BETWEEN 2 AND 8, b->>'backend'
			  FROM schemaguard.audit_log l, jsonb_array_elements(l.blockers) b
			  WHERE l.plan = '$side' AND l.phase = 'done' AND l.action = 'rollback add'"),
		't|autovacuum worker', 'with few attempts, and the log names the autovacuum');
	cmp_ok(scalar(() = slurp_file($node->logfile) =~ /canceling autovacuum task/g), '>', $cancelled,
		'core has cancelled it for us');
	query("ALTER TABLE $table SET (autovacuum_enabled = off)");
}

# ---------------------------------------------------------------------------------------------------------------------
# The trigger of a fill is dropped beside one, too
query(<<'SQL');
CREATE TABLE released (id int PRIMARY KEY, note text) WITH (autovacuum_enabled = off);
INSERT INTO released SELECT g, repeat('x', 100) FROM generate_series(1, 20000) g;
SELECT sg_plan_create('released'), sg_plan_add_column('released', 'released', 'n', 'int', fill => 'id * 2');
CALL sg_apply('released', fail => true);
SQL
make_slow('released');
isnt(autovacuum_of('released'), '', 'an autovacuum of a filled table runs');
query("SET schemaguard.lock_timeout = '1s'; SELECT sg_plan_release('released', 'fill')");
is(query("SELECT count(*) FROM pg_trigger WHERE tgrelid = 'released'::regclass"), '0', 'its trigger is dropped beside that');
query('ALTER TABLE released SET (autovacuum_enabled = off)');

# ... and whoever else is in the way is found by the hint
query("SELECT sg_plan_create('held'), sg_plan_add_column('held', 'released', 'm', 'int', fill => 'id * 2'); CALL sg_apply('held', fail => true)");
my $reader = SgTest::Session->new($node);
$reader->query('BEGIN; SELECT count(*) FROM released');
is_error($node, "SELECT sg_plan_release('held', 'fill')", '55P03', qr/HINT:  Find out who has locked the table, and try again:\nSELECT pid.* WHERE relation = 'public\.released'::regclass;$/m, 'a lock in the way');
$reader->quit;

# ---------------------------------------------------------------------------------------------------------------------
# Throttled, of a table whose fill goes on after a row that was held
{
	query(<<'SQL');
CREATE TABLE filled (id int PRIMARY KEY, code int, note text) WITH (autovacuum_enabled = off);
INSERT INTO filled SELECT g, CASE WHEN g % 100 > 0 THEN g END, repeat('x', 100) FROM generate_series(1, 20000) g;
SELECT sg_plan_create('filled');
SELECT sg_plan_add_fk('filled', 'filled', '{code}', 'parent_child', index => false, backfill => 'id');
SQL
	my ($s, $holder) = map { SgTest::Session->new($node) } 1 .. 2;
	$holder->query('BEGIN; SELECT FROM filled WHERE id = 100 FOR UPDATE');
	$s->query("CALL sg_add_fks('filled')");
	is(query('SELECT count(*) FROM filled WHERE code IS NULL'), '1', 'a row that is held is left to fill');
	$holder->query('COMMIT');
	query('ALTER TABLE filled SET (autovacuum_enabled = on, autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1,
		autovacuum_vacuum_threshold = 1, autovacuum_vacuum_scale_factor = 0, autovacuum_freeze_table_age = 0, autovacuum_analyze_threshold = 2000000000)');
	my $pid = autovacuum_of('filled');
	isnt($pid, '', 'an autovacuum of the table runs');
	my $cancelled = () = slurp_file($node->logfile) =~ /canceling autovacuum task/g;
	my $limits = q{SET schemaguard.lock_attempts = 1; SET schemaguard.lock_budget = '1s'};
	my $told = qr/paused for schemaguard\.throttle_budget, 3000 ms: the next batch waits for autovacuum of public\.filled \(process $pid\)/;
	$s->send("$limits; SET schemaguard.throttle_budget = '3s'; CALL sg_add_fks('filled')");
	ok(wait_for(sub { query(q{SELECT phase FROM schemaguard.progress WHERE plan = 'filled'}) eq 'throttled' }), 'the fill waits, as the progress shows');
	is(query(q{SELECT message, blockers #>> '{0,pid}', blockers #>> '{0,backend}', blockers #>> '{0,table}' FROM schemaguard.audit_log
		WHERE plan = 'filled' AND action = 'throttle' ORDER BY id LIMIT 1}),
		"the next batch waits for autovacuum of public.filled (process $pid)|$pid|autovacuum worker|public.filled", '... and the log names whom it waits for');
	$s->collect;
	is(query('SELECT count(*) FROM filled WHERE code IS NULL'), '1', 'the fill does not go on');
	like($s->{err}, qr/plan "filled" pauses: the next batch waits for autovacuum of public\.filled/, '... tells the caller');
	like($s->{err}, qr/plan "filled" stopped: $told/, '... and stops when schemaguard.throttle_budget is used up, whatever the budget for locks');
	like(query(q{SELECT state || ' ' || reason FROM schemaguard.plan_step WHERE plan = 'filled'}), qr/^pending stopped: $told; to go on: CALL public\.sg_add_fks\('filled'\);/,
		'... so does its step');
	is(query(q{SELECT phase, blockers #>> '{0,pid}' FROM schemaguard.audit_log WHERE plan = 'filled' AND action = 'backfill' ORDER BY id DESC LIMIT 1}),
		"skipped|$pid", '... and the row of the log');
	is(autovacuum_of('filled'), $pid, '... and it still runs');
	is(scalar(() = slurp_file($node->logfile) =~ /canceling autovacuum task/g), $cancelled, '... nothing has cancelled it');
	query('ALTER TABLE filled SET (autovacuum_enabled = off)');

	# a VACUUM by hand is waited for as long
	ok(wait_for(sub { query("SELECT count(*) FROM pg_locks WHERE pid = $pid") eq '0' }), 'the autovacuum has given way to that');
	my $vacuum = SgTest::Session->new($node);
	$vacuum->send(q{SET vacuum_cost_delay = 100; SET vacuum_cost_limit = 1; VACUUM (FREEZE, DISABLE_PAGE_SKIPPING) filled});
	ok(wait_for(sub { query("SELECT count(*) FROM pg_stat_progress_vacuum WHERE pid = $vacuum->{pid}") eq '1' }), 'a VACUUM runs');
	$s->send("$limits; SET schemaguard.throttle_budget = '5min'; CALL sg_add_fks('filled')");
	ok(wait_for(sub { query(q{SELECT phase FROM schemaguard.progress WHERE plan = 'filled'}) eq 'throttled' }), 'a fill waits for it');
	my $since = query('SELECT clock_timestamp()');
	ok(wait_for(sub { query("SELECT clock_timestamp() > '$since'::timestamptz + interval '2 s'") eq 't' }), '... for longer than the budget for locks');
	is(query(q{SELECT message FROM schemaguard.audit_log WHERE plan = 'filled' AND action = 'throttle' ORDER BY id DESC LIMIT 1}),
		"the next batch waits for VACUUM of public.filled (process $vacuum->{pid})", '... the log names it');
	query("SELECT pg_cancel_backend($vacuum->{pid})");
	$vacuum->collect;
	$s->collect;
	is(query("SELECT state FROM schemaguard.plan_step WHERE plan = 'filled'"), 'validated', 'the same call goes on') or diag($s->{err});

	# the build of an index waits for one, and says so
	query(q{SELECT sg_plan_create('indexed'); SELECT sg_plan_add('indexed', 'CREATE INDEX filled_code ON filled (code)')});
	$vacuum->send(q{VACUUM (FREEZE, DISABLE_PAGE_SKIPPING) filled});
	ok(wait_for(sub { query("SELECT count(*) FROM pg_stat_progress_vacuum WHERE pid = $vacuum->{pid}") eq '1' }), 'a VACUUM runs');
	$s->send(q{RESET ALL; SET schemaguard.workers = 1; CALL sg_apply('indexed')});
	my $waits = "waits for VACUUM of public.filled (process $vacuum->{pid})";
	ok(wait_for(sub { query(q{SELECT action || step || object FROM schemaguard.progress WHERE plan = 'indexed' AND phase = 'throttled'}) eq 'index1public.filled' }),
		'a build waits for it, as the progress shows');
	is(query(q{SELECT message, blockers #>> '{0,pid}' FROM schemaguard.audit_log WHERE plan = 'indexed' AND action = 'throttle' AND phase = 'started'}),
		"public.filled_code $waits|$vacuum->{pid}", '... the log says for whom');
	query("SELECT pg_cancel_backend($vacuum->{pid})");
	$vacuum->collect;
	$s->collect;
	like($s->{err}, qr/NOTICE:.*step 1: the build of an index on public\.filled \Q$waits\E/, '... the caller is told');
	is(query(q{SELECT state FROM schemaguard.plan_step WHERE plan = 'indexed'}), 'validated', '... and it goes on');
	is(query(q{SELECT phase FROM schemaguard.audit_log WHERE plan = 'indexed' AND action = 'throttle' ORDER BY id DESC LIMIT 1}), 'done', '... so does the log');
	$_->quit for $s, $holder, $vacuum;
}

# ---------------------------------------------------------------------------------------------------------------------
# Throttled, of a table whose orphans are fixed
for (['quarantine', 'sg_fix_orphans(%s)'], ['delete', 'sg_add_fks(%s, fix => true)'], ['set null', 'sg_apply(%s, fix => true)'])
{
	my ($policy, $call) = @$_;
	my $name = 'fixed_' . $policy =~ s/ /_/r;
	my ($table, $left) = ("child_$name", "SELECT count(*) FROM child_$name WHERE ref < 0");

	$call = 'CALL ' . sprintf($call, "'$name'");
	make_pair($name);
	query(qq{UPDATE $table SET ref = -ref WHERE id <= 100; SELECT sg_plan_set('$name', '{1}', '{"orphans": "$policy", "index": false}');
		CALL sg_add_fks('$name')});
	is(query("$left; SELECT state FROM schemaguard.plan_step WHERE plan = '$name'"), "100\nadded", "$policy: a key with orphans");
	make_slow($table);
	my $pid = autovacuum_of($table);
	isnt($pid, '', '... an autovacuum of the table runs');
	my $cancelled = () = slurp_file($node->logfile) =~ /canceling autovacuum task/g;
	my $waits = "the next batch waits for autovacuum of public.$table (process $pid)";
	my $told = "paused for schemaguard.throttle_budget, 3000 ms: $waits";
	my $s = SgTest::Session->new($node);

	$s->send("SET schemaguard.lock_budget = '1s'; SET schemaguard.throttle_budget = '3s'; $call");
	ok(wait_for(sub { query("SELECT phase FROM schemaguard.progress WHERE plan = '$name'") eq 'throttled' }), '... the fix waits, as the progress shows');
	is(query(qq{SELECT message, blockers #>> '{0,pid}', blockers #>> '{0,backend}' FROM schemaguard.audit_log
		WHERE plan = '$name' AND action = 'throttle' ORDER BY id LIMIT 1}), "$waits|$pid|autovacuum worker", '... the log names whom it waits for');
	$s->collect;
	is($s->sqlstate, '', '... the call ends without an error');
	like($s->{err}, qr/NOTICE:.*plan "$name" pauses: \Q$waits\E/, '... the caller is told');
	like($s->{err}, qr/plan "$name" stopped: \Q$told\E/, '... and that schemaguard.throttle_budget is used up, whatever the budget for locks');
	like(query("SELECT state || ' ' || reason FROM schemaguard.plan_step WHERE plan = '$name'"), qr/^added stopped: \Q$told; to go on: CALL public.\E/, '... so does its step say');
	is(query(qq{SELECT phase, blockers #>> '{0,pid}' FROM schemaguard.audit_log WHERE plan = '$name' AND action = 'fix' ORDER BY id DESC LIMIT 1}),
		"skipped|$pid", '... and the row of the log');
	is(query($left), '100', '... no row is touched');
	is(autovacuum_of($table), $pid, '... and it still runs');
	is(scalar(() = slurp_file($node->logfile) =~ /canceling autovacuum task/g), $cancelled, '... nothing has cancelled it');
	$s->send("SET schemaguard.throttle_budget = '5min'; $call");
	ok(wait_for(sub { query("SELECT phase FROM schemaguard.progress WHERE plan = '$name'") eq 'throttled' }), '... the next call waits for it as well');
	query("ALTER TABLE $table SET (autovacuum_enabled = off)");
	$s->collect;
	is(query($left), '0', '... and goes on when it is gone') or diag($s->{err});
	$s->quit;
}

# any other holder is waited for as ever, and named
{
	my ($s, $holder) = map { SgTest::Session->new($node) } 1 .. 2;

	query(q{SET session_replication_role = replica; UPDATE child_fixed_quarantine SET ref = -1 WHERE id > 19990});
	$holder->query('BEGIN; LOCK TABLE child_fixed_quarantine IN SHARE MODE');
	$s->query(q{SET schemaguard.lock_attempts = 2; CALL sg_fix_orphans('fixed_quarantine')});
	like(query(q{SELECT state || ' ' || reason FROM schemaguard.plan_step WHERE plan = 'fixed_quarantine'}),
		qr/^added could not lock public\.child_fixed_quarantine, held by process $holder->{pid} \(/, 'another holder of a lock is named');
	like($s->{err}, qr/HINT:.*When that is over:\nCALL public\.sg_fix_orphans\('fixed_quarantine'\);/, '... with the call that goes on') or diag($s->{err});
	$holder->query('COMMIT');
	$s->query(q{CALL sg_fix_orphans('fixed_quarantine')});
	is(query('SELECT count(*) FROM child_fixed_quarantine WHERE ref < 0'), '0', '... which does');
	$_->quit for $s, $holder;
}

# ---------------------------------------------------------------------------------------------------------------------
# Against wraparound
{
	make_pair('old');

	# 100,000 is the lowest age at which core insists; every transaction of the loop uses up one
	query(<<'SQL');
SET synchronous_commit = off;
ALTER TABLE child_old SET (autovacuum_vacuum_cost_delay = 100, autovacuum_vacuum_cost_limit = 1,
	autovacuum_freeze_table_age = 0, autovacuum_freeze_max_age = 100000);
DO $$
BEGIN
	FOR i IN 1..100100 LOOP
		PERFORM pg_current_xact_id();
		COMMIT;
	END LOOP;
END$$;
SQL
	my $pid = autovacuum_of('child_old');
	isnt($pid, '', 'an autovacuum against wraparound runs');
	like(query("SELECT query FROM pg_stat_activity WHERE pid = $pid"), qr/child_old \(to prevent wraparound\)/,
		'which is not cancelled for others');

	my $s = SgTest::Session->new($node);
	$s->query("SET schemaguard.lock_budget = '3s'; CALL sg_add_fks('old')");
	is($s->sqlstate, '', 'the call ends without an error');
	is(query("SELECT state, reason <> '' FROM schemaguard.plan_step WHERE plan = 'old'"), 'failed|t',
		'the step fails when its budget is used up');
	is(query("SELECT l.sqlstate, b->>'backend', (b->>'pid')::int = $pid
			  FROM schemaguard.audit_log l, jsonb_array_elements(l.blockers) b
			  WHERE l.plan = 'old' AND l.phase = 'failed' AND l.action = 'add'"),
		'55P03|autovacuum worker|t', 'with 55P03, and the log names the autovacuum');
	like(query("SELECT l.message || l.blockers::text FROM schemaguard.audit_log l
				WHERE l.plan = 'old' AND l.phase = 'failed' AND l.action = 'add'"),
		qr/wraparound/, 'and says that it is one against wraparound');
	is(autovacuum_of('child_old'), $pid, 'which still runs');
	is(half_done($node, 'old'), '', 'no key is half done');

	# when it is out of the way, the same plan goes through
	# ... which the next one is soon in again
	ok(wait_for(sub {
		query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'autovacuum worker'");
		return error_of($node, q{SET lock_timeout = '50ms'; ALTER TABLE child_old SET (autovacuum_freeze_max_age = 2000000000)}) eq '';
	}), 'it is put out of the way');
	$s->query("CALL sg_add_fks('old')");
	is(query("SELECT state FROM schemaguard.plan_step WHERE plan = 'old'"), 'validated', 'the next call validates the key');
	$s->quit;
}

$node->stop;
done_testing();
