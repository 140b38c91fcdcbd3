# 057_throttle.pl: when a deployment pauses, when it stops, and what it puts last.
#
# A real standby whose replay is paused makes replication lag; sessions that wait for locks make the other kind of load.
# While a call pauses it holds nothing, says so in schemaguard.progress and in the log, and can be cancelled or killed.
# A table that stays locked must not keep up the steps of other tables (circuit breaker).  And nobody gets round
# schemaguard.require_approval by a setting.
#
# rooms: run
# takes: 47 s
# majors: one (measures load)
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SgTest;
use SgLoad;
use IPC::Run ();
use Test::More;
use Time::HiRes 'time';

my $conf = "autovacuum = off\nmax_connections = 30\nshared_buffers = 32MB\nmax_wal_size = 1GB\n";
my $node = new_node('throttle', streaming => 1, conf => $conf);

sub query { return $node->safe_psql('postgres', $_[0]); }

sub states { return query("SELECT string_agg(step || ' ' || state, ', ' ORDER BY step) FROM schemaguard.plan_step WHERE plan = '$_[0]'"); }

sub throttled
{
	my ($plan) = @_;
	return wait_for(sub { query("SELECT count(*) FROM schemaguard.progress WHERE plan = '$plan' AND phase = 'throttled'") eq '1' });
}

# The rows of the log about pauses, those of the last start first
sub last_pause
{
	my ($plan) = @_;
	return query("SELECT string_agg(phase, ' ' ORDER BY id) FROM schemaguard.audit_log
				  WHERE plan = '$plan' AND action = 'throttle'
				  AND id >= (SELECT max(id) FROM schemaguard.audit_log WHERE plan = '$plan' AND action = 'throttle' AND phase = 'started')");
}

# ---------------------------------------------------------------------------------------------------------------------
# Replication lag
$node->backup('b');
my $standby = PostgreSQL::Test::Cluster->new('throttle_standby');
$standby->init_from_backup($node, 'b', has_streaming => 1);
$standby->start;
make_tables($node, 'lag', 4);
query(<<'SQL');
CREATE ROLE deployer LOGIN;
SELECT sg_grant('deployer');
CREATE TABLE filler (t text);
DO $$ BEGIN
	FOR i IN 1..4 LOOP
		EXECUTE format('ALTER TABLE child_lag_%s OWNER TO deployer', to_char(i, 'FM00'));
	END LOOP;
	FOR i IN 1..5 LOOP EXECUTE format('GRANT REFERENCES, SELECT ON parent_lag_%s TO deployer', i); END LOOP;
END $$;
SQL

# A run begins, waits for a table, and the standby falls behind meanwhile: one that is behind before is not waited for (166_pause)
my $holder = SgTest::Session->new($node);
my $s;
sub begin_lagging
{
	my ($settings) = @_;
	$standby->safe_psql('postgres', 'SELECT pg_wal_replay_resume()');
	$node->wait_for_catchup($standby, 'replay', $node->lsn('insert'));
	# the step that the run before was about to do may be done
	$holder->query('BEGIN; LOCK TABLE child_lag_01, child_lag_02, child_lag_03, child_lag_04 IN ROW EXCLUSIVE MODE');
	# however slow the machine, the run does not give the table up
	$s->query("SET schemaguard.lock_attempts = 100000; SET schemaguard.lock_breaker = 0; $settings");
	$s->send("CALL sg_add_fks('lag')");
	wait_for(sub { query("SELECT count(*) FROM schemaguard.progress WHERE plan = 'lag' AND phase IN ('locking', 'waiting', 'building')") eq '1' })
		or die 'the run does not begin';
	$standby->safe_psql('postgres', 'SELECT pg_wal_replay_pause()');
	query(q{INSERT INTO filler SELECT repeat('x', 1000) FROM generate_series(1, 6000)});
	$holder->query('COMMIT');
}

# a role that may not look into pg_stat_replication
$s = SgTest::Session->new($node, user => 'deployer');
begin_lagging("SET schemaguard.throttle_lag = '2MB'");
ok(throttled('lag'), 'a deployment pauses while a standby lags');
# an attempt to lock the table that is under way at the COMMIT gets it, and its step is done first
like(states('lag'), qr/^1 (pending|added), 2 pending, 3 pending, 4 pending$/, '... before its first step, or behind it');
# but for the moments when it looks at the lag again
ok(wait_for(sub { query("SELECT count(*) FROM pg_locks WHERE pid = $s->{pid} AND locktype NOT IN ('virtualxid', 'object')") eq '0' }),
	'... without any lock');
ok(wait_for(sub { query("SELECT backend_xid IS NULL, backend_xmin IS NULL FROM pg_stat_activity WHERE pid = $s->{pid}") eq 't|t' }),
	'... without transaction ID and snapshot');
like(query("SELECT message FROM schemaguard.audit_log WHERE plan = 'lag' AND action = 'throttle' AND phase = 'started'"),
	qr/^standby "throttle_standby" lags by [4-9]\d{3} kB, more than schemaguard\.throttle_lag, 2048 kB$/, '... and the log says why');
nap(1);
is(last_pause('lag'), 'started', '... as long as it lasts');
$standby->safe_psql('postgres', 'SELECT pg_wal_replay_resume()');
$s->collect;
is(states('lag'), '1 validated, 2 validated, 3 validated, 4 validated', 'it goes on when the standby has caught up');
is(last_pause('lag'), 'started done', '... and the pause has its end in the log');
$s->query("CALL sg_rollback_fks('lag')");

# a cancel, a kill and the end of the budget in a pause
begin_lagging('');
ok(throttled('lag'), 'it pauses again');
query("SELECT pg_cancel_backend($s->{pid})");
$s->collect;
is($s->sqlstate, '57014', 'a cancel ends a pause');
is(last_pause('lag'), 'started interrupted', '... and is logged');
begin_lagging('');
ok(throttled('lag'), 'once more');
query("SELECT pg_terminate_backend($s->{pid})");
$s->collect;
$s->quit;
is(last_pause('lag'), 'started', 'a session that ends in a pause leaves it open');
$s = SgTest::Session->new($node, user => 'deployer');
begin_lagging("SET schemaguard.throttle_lag = '2MB'; SET schemaguard.throttle_budget = '1s'");
$s->collect;
is($s->sqlstate, '', 'a pause that takes too long ends the call without an error');
like($s->{err}, qr/plan "lag" stopped: paused for schemaguard\.throttle_budget, 1000 ms: standby "throttle_standby" lags by/, '... and says why');
is(query("SELECT string_agg(phase || ' ' || coalesce(message ~ 'session ended', false), ', ' ORDER BY id) FROM schemaguard.audit_log
		  WHERE plan = 'lag' AND action = 'throttle' AND phase IN ('interrupted', 'failed')"),
	'interrupted false, interrupted true, failed false', '... and the pause left open before is closed');
like(states('lag'), qr/, 4 rolled back$/, '... no other step was done but those whose lock a run waited for');
is(log_gaps($node, 'lag'), '', '... and the log has no gap');
$s->query('SET schemaguard.throttle_lag = -1');
$standby->stop('immediate');
$s->query("SET schemaguard.throttle_lag = 0; CALL sg_add_fks('lag')");
is(states('lag'), '1 validated, 2 validated, 3 validated, 4 validated', 'a standby that is not connected does not count');
$s->quit;

# ---------------------------------------------------------------------------------------------------------------------
# Sessions that wait for locks, in this database
make_tables($node, 'wait', 2);
query('CREATE TABLE busy (a int); CREATE DATABASE other');
$node->safe_psql('other', 'CREATE TABLE busy (a int)');
my @waiters = map { SgTest::Session->new($node) } 1 .. 2;
my $other_holder = SgTest::Session->new($node, dbname => 'other');
my @other_waiters = map { SgTest::Session->new($node, dbname => 'other') } 1 .. 3;
$_->query('BEGIN; LOCK TABLE busy') for $holder, $other_holder;
$_->send('SELECT count(*) FROM busy') for @waiters, @other_waiters;
wait_for(sub { query("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'") eq '5' }) or die 'nobody waits';
$s = SgTest::Session->new($node);
$s->send("SET schemaguard.throttle_waiting = 1; CALL sg_add_fks('wait')");
ok(throttled('wait'), 'a deployment pauses while too many sessions wait');
is(query("SELECT message FROM schemaguard.audit_log WHERE plan = 'wait' AND action = 'throttle' AND phase = 'started'"),
	'2 sessions wait for a lock, more than schemaguard.throttle_waiting, 1', '... those of other databases do not count');
like(query(q{SET schemaguard.throttle_waiting = 1; SELECT result || ' ' || detail || ' ' || replace(hint, E'\n', ' ') FROM sg_plan_check_details('wait') WHERE check_name = 'load'}),
	qr/^warn the run would pause now, .*: 2 sessions wait for a lock, .*SET schemaguard\.throttle_waiting = -1;$/, '... nor in the preflight');
$holder->query('COMMIT');
$_->collect for @waiters;
$s->collect;
is(states('wait'), '1 validated, 2 validated', '... and goes on when they wait no longer');
$other_holder->query('COMMIT');
$_->collect for @other_waiters;
$_->quit for $other_holder, @other_waiters, @waiters;

# ---------------------------------------------------------------------------------------------------------------------
# The circuit breaker: three steps of a table that is locked, in front, and three of others behind
for my $with ('core', 'scan')
{
	my $plan = "break_$with";

	query(<<SQL);
CREATE TABLE $plan (id int PRIMARY KEY);
CREATE TABLE hot_$with (a int, b int, c int);
CREATE TABLE cold_$with (a int, b int, c int);
SELECT sg_plan_create('$plan');
SELECT sg_plan_add_fk('$plan', 'hot_$with', ARRAY[k], '$plan', index => false, priority => 'critical', orphans => 'leave')
	FROM unnest('{a,b,c}'::text[]) k;
SELECT sg_plan_add_fk('$plan', 'cold_$with', ARRAY[k], '$plan', index => false, orphans => 'leave')
	FROM unnest('{a,b,c}'::text[]) k;
SQL
	$holder->query("BEGIN; INSERT INTO hot_$with VALUES (NULL)");
	$s->query("SET schemaguard.throttle_waiting = -1; SET schemaguard.lock_breaker = 2; SET schemaguard.validate_with = $with");
	$s->send("CALL sg_add_fks('$plan')");
	ok(wait_for(sub { states($plan) eq '1 pending, 2 pending, 3 pending, 4 validated, 5 validated, 6 validated' }),
		"breaker, $with: the other tables come first") or diag(states($plan));
	is(query("SELECT string_agg(step || ' ' || phase || ' ' || attempt, ', ' ORDER BY id) FROM schemaguard.audit_log
			  WHERE plan = '$plan' AND action = 'add' AND step < 4 AND phase <> 'started'"),
		'1 skipped 2', '... after two attempts at the first step, and none at the others');
	like(query("SELECT reason FROM schemaguard.plan_step WHERE plan = '$plan' AND step = 1"),
		qr/^put last: could not lock public\.hot_$with/, '... which says so');
	$holder->query('COMMIT');
	$s->collect;
	is(states($plan), '1 validated, 2 validated, 3 validated, 4 validated, 5 validated, 6 validated',
		'... then those of the table that was locked');
	is(query("SELECT count(*) FROM schemaguard.audit_log WHERE plan = '$plan' AND action = 'add' AND phase = 'done'"), '6',
		'... each once');
	is(log_gaps($node, $plan), '', '... and the log has no gap');

	# still locked in the last round: failed, with the reason
	query("CALL sg_rollback_fks('$plan')");
	$holder->query("BEGIN; INSERT INTO hot_$with VALUES (NULL)");
	$s->query("SET schemaguard.lock_breaker = 1; SET schemaguard.lock_attempts = 3; CALL sg_add_fks('$plan'); RESET ALL");
	is(states($plan), '1 failed, 2 failed, 3 failed, 4 validated, 5 validated, 6 validated', 'a table that stays locked fails its steps');
	is(query("SELECT count(*) FROM schemaguard.plan_step WHERE plan = '$plan' AND step < 4
			  AND reason LIKE 'could not lock public.hot_$with in 3 attempts%'"), '3', '... after all attempts, with the reason');
	$holder->query('COMMIT');
}

# Where there is no other round, nothing is put last: orphans are fixed as soon as their table is free
query(<<'SQL');
CREATE TABLE fix_p (id int PRIMARY KEY);
CREATE TABLE fix_c (a int);
INSERT INTO fix_c VALUES (1);
SELECT sg_plan_create('fix');
SELECT sg_plan_add_fk('fix', 'fix_c', '{a}', 'fix_p', index => false, orphans => 'delete');
CALL sg_add_fks('fix');
SQL
$holder->query('BEGIN; LOCK TABLE fix_c IN SHARE MODE');
$s->query('SET schemaguard.lock_breaker = 1');
$s->send("CALL sg_fix_orphans('fix')");
nap(3);
is(query("SELECT count(*) FROM schemaguard.audit_log WHERE plan = 'fix' AND action = 'fix' AND phase IN ('skipped', 'failed')"), '0',
	'breaker: sg_fix_orphans has nothing to put last');
$holder->query('COMMIT');
$s->collect;
is(query('SELECT count(*) FROM fix_c'), '0', '... and goes on when the table is free');
$s->query('RESET ALL');

# ---------------------------------------------------------------------------------------------------------------------
# The window ends while a step waits for its locks: no other attempt, no other step
make_tables($node, 'win', 2);
$holder->query('BEGIN; LOCK TABLE child_win_01 IN ROW EXCLUSIVE MODE');
my $start = time;
$s->query(q{SELECT set_config('schemaguard.window_end', (now() + interval '5 s')::text, false)});
$s->query("CALL sg_add_fks('win')");
cmp_ok(time - $start, '<', bound(20, 120), 'the end of the window ends the attempts of a step');
is(states('win'), '1 failed, 2 pending', '... the next is not begun');
like($s->{err}, qr/stopped: the window is over/, '... and the call says why');
$holder->query('COMMIT');
$s->query("RESET ALL; CALL sg_add_fks('win')");
is(states('win'), '1 validated, 2 validated', '... a later call goes on');

# The last line of a call that took its time says how long, and what to call next
query('CREATE FUNCTION always_busy() RETURNS boolean LANGUAGE sql RETURN true');
query(q{SELECT format('ALTER TABLE child_win_02 DROP CONSTRAINT %I', conname) FROM pg_constraint WHERE conrelid = 'child_win_02'::regclass AND contype = 'f' \gexec});
$s->query(q{SET schemaguard.progress_interval = '1d'});
$s->query(q{SET schemaguard.throttle_function = 'always_busy'; SET schemaguard.throttle_budget = '5100ms'});
$s->query("CALL sg_add_fks('win')");
like($s->{err}, qr/stopped: paused.*NOTICE:  00000: plan "win": 2 validated in \d+ s\nHINT:  CALL public\.sg_add_fks\('win'\);/s, 'the last line has the time and the next call');
$s->query(q{SET schemaguard.throttle_budget = '60s'; SELECT set_config('schemaguard.window_end', (now() + interval '2 s')::text, false)});
$s->query("CALL sg_add_fks('win')");
like($s->{err}, qr/stopped: the window is over/, 'the end of the window ends a pause');
$s->query('RESET ALL');

# A window that ends before the plan is done: of a table that is locked, the size that statistics tell is taken
query(<<'SQL');
CREATE TABLE vast_p (id int PRIMARY KEY, filler text DEFAULT repeat('x', 1000));
INSERT INTO vast_p SELECT generate_series(1, 400);
CREATE TABLE vast (a int);
CREATE TABLE small (a int);
UPDATE pg_class SET relpages = 2000000000 WHERE oid = 'vast'::regclass;
SELECT sg_plan_create('vast');
SELECT sg_plan_add_fk('vast', k, '{a}', 'vast_p', index => false) FROM unnest('{vast,small}'::text[]) k;
SQL
$holder->query('BEGIN; LOCK TABLE vast');
my $window = q{SELECT result || ' ' || detail || ' ' || replace(hint, E'\n', ' ') FROM sg_plan_check_details('vast') WHERE check_name = 'window'};
like(query("SELECT set_config('schemaguard.window_end', (now() + interval '10 min')::text, false) IS NULL; $window"),
	qr/^warn the window ends in .*, and the plan takes about [\d.]+ h: a later call has to do the rest Give a time that is to come, or none/m,
	'preflight says when the window ends before the plan is done');
$holder->query('COMMIT');
is(log_gaps($node, 'win'), '', '... and the log has no gap');
$s->quit;
$holder->quit;

# ---------------------------------------------------------------------------------------------------------------------
# Workers pause and stop, too, and the session that started them says why.  The load is there for workers only.
query(<<'SQL');
CREATE TABLE wp (id int PRIMARY KEY);
CREATE TABLE w1 (a int); CREATE TABLE w2 (a int); CREATE TABLE w3 (a int); CREATE TABLE w4 (a int);
CREATE FUNCTION elsewhere() RETURNS boolean LANGUAGE sql AS $$ SELECT pg_backend_pid() <> current_setting('test.leader')::int $$;
SELECT sg_plan_create('workers');
SELECT sg_plan_add_fk('workers', t, '{a}', 'wp', fk_name => t, orphans => 'leave') FROM unnest('{w1,w2,w3,w4}'::text[]) t;
SQL
my $built = q{SELECT count(*) FROM pg_index WHERE indrelid::regclass::text ~ '^w[1-4]$'};
$s = SgTest::Session->new($node);
$s->query(q{SELECT set_config('test.leader', pg_backend_pid()::text, false); SET schemaguard.workers = 2;
	SET schemaguard.throttle_function = 'elsewhere'; SET schemaguard.throttle_budget = 0});
$s->query("CALL sg_add_fks('workers')");
like($s->{err}, qr/plan "workers" stopped: paused for schemaguard\.throttle_budget, 0 ms: elsewhere\(\) says so/,
	'workers: a call whose workers may not build says why it stops');
is(query($built), '0', '... no index was built');
is(states('workers'), '1 pending, 2 pending, 3 pending, 4 pending', '... and no key added');
$s->query("RESET schemaguard.throttle_function; CALL sg_add_fks('workers', validate => false)");
is(query($built), '4', '... without load they are built');
$s->query("SET schemaguard.throttle_function = 'elsewhere'; CALL sg_add_fks('workers')");
like($s->{err}, qr/plan "workers" stopped: .*elsewhere\(\) says so/, 'workers: the same for validation');
is(states('workers'), '1 added, 2 added, 3 added, 4 added', '... no key is valid');
$s->query("RESET schemaguard.throttle_function; CALL sg_add_fks('workers')");
is(states('workers'), '1 validated, 2 validated, 3 validated, 4 validated', '... without load all are');
is(log_gaps($node, 'workers'), '', '... and the log has no gap');
$s->query("CALL sg_rollback_fks('workers')");
is(query($built), '0', 'a rollback drops the indexes that workers have built');
is(query("SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND confrelid = 'wp'::regclass"), '0', '... and the keys');
is(log_gaps($node, 'workers'), '', '... without a gap');
$s->quit;

# ---------------------------------------------------------------------------------------------------------------------
# Approval: required by the database, and not to be switched off before the library is loaded, nor after
make_tables($node, 'app', 1);
query('ALTER TABLE child_app_01 OWNER TO deployer; GRANT REFERENCES, SELECT ON parent_app_2 TO deployer');
for my $where ('DATABASE postgres', 'ROLE deployer', 'postgresql.conf')
{
	my $in_file = $where eq 'postgresql.conf';

	$in_file ? $node->append_conf($where, 'schemaguard.require_approval = on') :
		query("ALTER $where SET schemaguard.require_approval = on");
	$node->reload;
	for my $before ('SELECT 1', 'SET schemaguard.require_approval = off', 'RESET schemaguard.require_approval',
		"SELECT set_config('schemaguard.require_approval', 'off', false)", 'RESET ALL')
	{
		my $fresh = SgTest::Session->new($node, user => 'deployer');
		$fresh->query($before);
		$fresh->query("CALL sg_add_fks('app')");
		is($fresh->sqlstate, '55000', "approval is required by $where, after $before");
		$fresh->quit;
	}
	for my $first ('SELECT 1', 'TABLE schemaguard.progress')
	{
		is_error($node, "$first; ALTER ROLE deployer SET schemaguard.require_approval = off", '42501', undef,
			"... and the role can't set it for itself, after $first", user => 'deployer');
	}
	query("ALTER $where RESET schemaguard.require_approval") unless $in_file;
}
is(states('app'), '1 pending', 'nothing was done');

# while somebody approves, nobody changes the plan
query(q{CREATE ROLE boss LOGIN; SELECT sg_grant('boss'), sg_plan_allow('app', 'boss')});
my $boss = SgTest::Session->new($node, user => 'boss');
$boss->query("BEGIN; SELECT sg_plan_approve('app')");
is_error($node, q{SELECT sg_plan_set('app', '{1}', '{"priority": "low"}')}, '55006', undef, 'a plan does not change while it is approved');
is_error($node, "CALL sg_add_fks('app')", '55006', undef, '... nor is it run');
$boss->query('COMMIT');
is($boss->sqlstate, '', 'approved');
$boss->quit;

# ---------------------------------------------------------------------------------------------------------------------
# Who keeps WAL and replays none tells how far it is at intervals: it seems to lag in between, and messages say why
{
	my ($dir, $out) = (PostgreSQL::Test::Utils::tempdir(), '');

	$node->command_ok([ 'pg_receivewal', '-D', $dir, '-S', 'archive', '--create-slot', '-d', $node->connstr('postgres') ], 'a slot for pg_receivewal');
	my $receiver = IPC::Run::start([ 'pg_receivewal', '-D', $dir, '-S', 'archive', '-d', $node->connstr('postgres'), '--status-interval=3600' ], '>&' => \$out);
	ok(wait_for(sub { query(q{SELECT count(*) FROM pg_stat_replication WHERE write_lsn IS NOT NULL AND replay_lsn IS NULL}) eq '1' }), '... which has told where it is') or diag($out);
	query(q{SELECT sg_plan_create('archive'); TRUNCATE filler; INSERT INTO filler SELECT repeat('x', 1000) FROM generate_series(1, 2000)});
	like(query(q{SET schemaguard.throttle_lag = '100kB'; SELECT detail, hint FROM sg_plan_check_details('archive') WHERE check_name = 'load'}),
		qr/: slot "archive", whose reader tells now and then what it has on disk, lags by \d+ kB, .*\|Have the reader confirm sooner \(pg_receivewal: --synchronous; pg_recvlogical: --fsync-interval=1 --status-interval=1\), or have it not counted:\nSET schemaguard\.throttle_ignore = 'archive';$/,
		'a slot that pg_receivewal reads is told as such');
	$receiver->signal('INT');
	$receiver->finish;
}

$node->stop;
done_testing();
