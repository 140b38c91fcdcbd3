# 166_pause.pl: a run waits for standbys and slots that were near when it began, for whoever pauses it, and for base backups.
#
# A standby that stops must not have the server keep what a whole plan writes; one that was behind already, temporary slots and
# table syncs keep nobody up.  A pause by sg_plan_pause() holds nothing, and keeps later calls out until sg_plan_resume().
#
# rooms: run plan
# majors: all
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use IPC::Run ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use SgTest;
use Test::More;

my $node = new_node('pause', streaming => 1, conf => "autovacuum = off\nmax_connections = 30\nshared_buffers = 32MB\nmax_wal_size = 1GB\n");

sub query { return $node->safe_psql('postgres', $_[0]); }

sub throttled
{
	my ($plan) = @_;
	return wait_for(sub { query("SELECT count(*) FROM schemaguard.progress WHERE plan = '$plan' AND phase = 'throttled'") eq '1' });
}

sub states { return query("SELECT string_agg(step || ' ' || state, ', ' ORDER BY step) FROM schemaguard.plan_step WHERE plan = '$_[0]'"); }

# Why the plan has paused, or whom it did not wait for
sub reasons
{
	my ($plan, $phase) = @_;
	return query("SELECT string_agg(message, E'\\n' ORDER BY id) FROM schemaguard.audit_log
				  WHERE plan = '$plan' AND action = 'throttle' AND phase = '$phase'") // '';
}

# Sends statements as one pipeline; returns what pgbench has to say
sub pipeline
{
	my $file = $node->basedir . '/pipeline.sql';

	unlink $file;
	append_to_file($file, join "\n", '\startpipeline', (map { "$_;" } @_), "\\endpipeline\n");
	return join '', run_command([ 'pgbench', '-n', '-M', 'extended', '-t', 1, '-f', $file, '-h', $node->host, '-p', $node->port, 'postgres' ]);
}

# A session that runs a plan of one table with rows to fill, 1 kB each, and waits for the table's lock: the run has begun
my $holder = SgTest::Session->new($node);
my $s = SgTest::Session->new($node);
sub begin_run
{
	my ($plan, $rows, $settings, $last) = @_;
	query("CREATE TABLE $plan (id int PRIMARY KEY, pad text);
		INSERT INTO $plan SELECT i, repeat('x', 1000) FROM generate_series(1, $rows) i;
		SELECT sg_plan_create('$plan');
		SELECT sg_plan_add_column('$plan', '$plan', 'filled', 'int', fill => 'id')");
	wait_caught_up();
	query($last) if $last;
	$holder->query("BEGIN; LOCK TABLE $plan IN ROW EXCLUSIVE MODE");
	$s->query("RESET ALL; SET schemaguard.lock_attempts = 100000; SET schemaguard.lock_breaker = 0; SET schemaguard.throttle_lag = '2MB'; $settings");
	$s->send("CALL sg_apply('$plan')");
	wait_for(sub { query("SELECT count(*) FROM schemaguard.progress WHERE plan = '$plan' AND phase = 'locking'") eq '1' }) or die "$plan does not begin";
}
my @following;
sub wait_caught_up { $node->wait_for_catchup($_, 'replay', $node->lsn('insert')) foreach @following; }
sub let_go { $holder->query('COMMIT'); }
my $held = q{SELECT count(*) FROM pg_locks WHERE pid = %d AND locktype NOT IN ('virtualxid', 'object')};
sub holds_nothing
{
	return wait_for(sub { query(sprintf $held, $s->{pid}) eq '0' })
		&& wait_for(sub { query("SELECT backend_xid IS NULL AND backend_xmin IS NULL FROM pg_stat_activity WHERE pid = $s->{pid}") eq 't' });
}

# ---------------------------------------------------------------------------------------------------------------------
# A standby with a slot that stops, beside one that goes on: the slowest decides
$node->backup('b');
query("SELECT pg_create_physical_replication_slot('near')");
my $near = PostgreSQL::Test::Cluster->new('near');
$near->init_from_backup($node, 'b', has_streaming => 1);
$near->append_conf('postgresql.conf', 'primary_slot_name = near');
my $loose = PostgreSQL::Test::Cluster->new('loose');
$loose->init_from_backup($node, 'b', has_streaming => 1);
$_->start for $near, $loose;
@following = ($near, $loose);

begin_run('stops', 30000, '');
$near->stop('immediate');
let_go();
ok(throttled('stops'), 'a standby that stops makes the run pause');
like(reasons('stops', 'started'), qr/^slot "near" lags by \d+ kB, more than schemaguard\.throttle_lag, 2048 kB$/, '... and it says for which slot');
like(slurp_file($node->logfile), qr/LOG:  plan "stops" pauses: slot "near" lags/, '... in the log of the server, too');
ok(holds_nothing(), '... without lock, snapshot and transaction ID');
my $kept = query("SELECT pg_current_wal_lsn() - restart_lsn FROM pg_replication_slots WHERE slot_name = 'near'");
cmp_ok($kept, '<', 12 * 1024 * 1024, "... and the slot keeps little more than the limit ($kept bytes)");
cmp_ok(query('SELECT count(*) FROM stops WHERE filled IS NULL'), '>', 20000, '... most rows are not filled yet');
$near->start;
$s->collect;
is(states('stops'), '1 validated', 'the run goes on when the standby is back');
is(query('SELECT count(*) FROM stops WHERE filled IS NULL'), '0', '... to the end');
# it may be slow, too, and would be waited for below
$near->stop;
query("SELECT pg_drop_replication_slot('near')");

# ---------------------------------------------------------------------------------------------------------------------
# A standby without a slot that goes; the pause ends the run, and a later one does not know it
@following = ($loose);

begin_run('goes', 30000, "SET schemaguard.throttle_budget = '1s'");
$loose->stop('immediate');
let_go();
$s->collect;
like($s->{err}, qr/plan "goes" stopped: paused for schemaguard\.throttle_budget, 1000 ms: standby "loose", which has gone, lags by \d+ kB/,
	'a standby that goes lags, and ends the run after throttle_budget');
isnt(states('goes'), '1 validated', '... resumable');
$s->query("CALL sg_apply('goes')");
is(states('goes'), '1 validated', '... by a call that has not seen it');

# A slot that is dropped while it is waited for, one that a reload of the configuration has not counted any more, and one that is invalid by then
my @released = ([ 'dropped', q{SELECT pg_drop_replication_slot('dropped')} ], [ 'let_off', q{LOAD 'schemaguard'; ALTER SYSTEM SET schemaguard.throttle_ignore = 'let_off'; SELECT pg_reload_conf()} ]);
push @released, [ 'invalid', q{ALTER SYSTEM SET idle_replication_slot_timeout = '1s'; SELECT pg_reload_conf(); SELECT pg_sleep(2); CHECKPOINT} ] if major($node) >= 18;
for my $case (@released)
{
	my ($name, $release) = @$case;

	@following = ();
	begin_run($name, 30000, '', "VACUUM $name; CHECKPOINT; SELECT pg_create_physical_replication_slot('$name', true)");
	let_go();
	ok(throttled($name), "a slot is waited for: $name");
	query($release);
	$s->collect;
	is(states($name), '1 validated', '... and no longer, once that is so') or diag($s->{err});
}
query(q{LOAD 'schemaguard'; ALTER SYSTEM RESET schemaguard.throttle_ignore});
query('ALTER SYSTEM RESET idle_replication_slot_timeout') if major($node) >= 18;
query("SELECT pg_reload_conf(), pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name IN ('let_off', 'invalid')");

# one that is not to be waited for
$loose->start;
begin_run('ignored', 10000, q{SET schemaguard.throttle_ignore = 'nobody, loose'});
$loose->stop('immediate');
let_go();
$s->collect;
is(states('ignored') . (reasons('ignored', 'started') =~ /loose/ ? ' late' : ''), '1 validated', 'schemaguard.throttle_ignore takes the name of one that goes');
@following = ();

# ---------------------------------------------------------------------------------------------------------------------
# Who was behind when the run began; temporary slots; table syncs
my $temporary = SgTest::Session->new($node);
$temporary->query("SELECT pg_create_physical_replication_slot('fleeting', true, true)");
query("SELECT pg_create_physical_replication_slot('pg_16401_sync_16402_7000000000000000000', true)");
query("SELECT pg_create_physical_replication_slot('behind', true)");
query(q{CREATE TABLE filler AS SELECT repeat('x', 1000) AS t FROM generate_series(1, 6000)});
wait_caught_up();
begin_run('late', 10000, '');
let_go();
$s->collect;
is(states('late') . (reasons('late', 'started') =~ /behind|fleeting|_sync_/ ? ' late' : ''), '1 validated', 'who is behind already is not waited for');
like(reasons('late', 'skipped'), qr/^not waited for: slot "behind" lags by \d+ kB, more than schemaguard\.throttle_lag, 2048 kB$/, '... and named once');
like($s->{err}, qr/NOTICE:.*plan "late" does not wait: slot "behind" lags/, '... to the caller as well');
like(query(q{SET schemaguard.throttle_lag = '2MB'; SELECT result || ' ' || detail FROM sg_plan_check_details('late') WHERE check_name = 'load'}),
	qr/^warn the run would not wait for whom it finds behind: slot "behind" lags/m, '... and by the preflight');
query("SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots WHERE slot_name IN ('behind', 'pg_16401_sync_16402_7000000000000000000')");
$temporary->quit;

# ---------------------------------------------------------------------------------------------------------------------
# A slot that nobody reads ends each call, not the first one alone
begin_run('again', 30000, "SET schemaguard.throttle_budget = '1s'", "VACUUM again; CHECKPOINT; SELECT pg_create_physical_replication_slot('ghost', true)");
let_go();
$s->collect;
like($s->{err}, qr/plan "again" pauses: slot "ghost" lags.*HINT:.*\nSET schemaguard\.throttle_ignore = 'ghost';/s, 'a slot that nobody reads makes the run pause; the hint names it');
like($s->{err}, qr/plan "again" stopped: paused for schemaguard\.throttle_budget, 1000 ms: slot "ghost" lags/, '... and end');
my $ghost = q{SELECT pg_current_wal_lsn() - restart_lsn FROM pg_replication_slots WHERE slot_name = 'ghost'};
my $lag = query($ghost);
like(query(q{SET schemaguard.throttle_lag = '2MB'; SELECT result || ' ' || detail || ' ' || hint FROM sg_plan_check_details('again') WHERE check_name = 'load'}),
	qr/^warn the run would pause now.*slot "ghost" lags.*SET schemaguard\.throttle_ignore = 'ghost';/s, '... the preflight says that the next one would, too');
$s->query("CALL sg_apply('again')");
like($s->{err}, qr/plan "again" stopped: paused for schemaguard\.throttle_budget, 1000 ms: slot "ghost" lags/, '... and it does');
cmp_ok(query($ghost) - $lag, '<', 1024 * 1024, '... without writing more for the slot to keep');
is(query(q{SELECT DISTINCT blockers FROM schemaguard.audit_log WHERE plan = 'again' AND action = 'throttle'}), '[{"slot": "ghost"}]', '... the log names the slot');
$s->query("SET schemaguard.throttle_ignore = 'ghost'; CALL sg_apply('again')");
is(states('again'), '1 validated', '... until it is in schemaguard.throttle_ignore');
query("SELECT pg_drop_replication_slot('ghost')");

# ---------------------------------------------------------------------------------------------------------------------
# A pause by somebody else
query(q{CREATE ROLE operator LOGIN; CREATE ROLE stranger LOGIN; SELECT sg_grant('operator'); SELECT sg_grant('stranger')});
begin_run('paused', 1000, '');
query("SELECT sg_plan_allow('stops', 'operator')");
my $asked = SgTest::Session->new($node, user => 'operator');
$asked->query("SELECT sg_plan_pause('paused')");
is($asked->sqlstate, '42501', 'who may not run the plan does not pause it');
is(query("SELECT sg_plan_pause('paused')"), 't', 'sg_plan_pause() beside a run');
is(query("SELECT sg_plan_pause('paused')"), 'f', '... twice changes nothing');
ok(throttled('paused'), 'the run pauses');
like(reasons('paused', 'started'), qr/^role \w+ has paused it at 20\d\d-/, '... and says who has paused it, and when');
let_go();
ok(holds_nothing(), '... without lock, snapshot and transaction ID');
is(states('paused'), '1 pending', '... and does nothing though it could');
is(query("SELECT sg_plan_resume('paused')"), 't', 'sg_plan_resume()');
$s->collect;
is(states('paused'), '1 validated', '... lets it go on');
is(query("SELECT sg_plan_resume('paused')"), 'f', '... once');

query("SELECT sg_plan_create('kept_out'); SELECT sg_plan_add_check('kept_out', 'paused', 'id > 0'); SELECT sg_plan_allow('kept_out', 'operator')");
$asked->query("SELECT sg_plan_pause('kept_out')");
is($asked->sqlstate, '', 'a role with sg_plan_allow() pauses it');
is(query("SELECT role FROM schemaguard.plan_pause WHERE plan = 'kept_out'"), 'operator', '... on record');
$s->query("CALL sg_apply('kept_out')");
is($s->sqlstate, '55000', 'a call of a paused plan refuses');
like($s->{err}, qr/plan "kept_out" can't run: role operator has paused it at .*HINT:.*\nSELECT public\.sg_plan_resume\('kept_out'\);/s, '... with the line that resumes it');
like(query(q{SELECT result || ' ' || hint FROM sg_plan_check_details('kept_out') WHERE check_name = 'load' AND result = 'block'}),
	qr/^block .*SELECT public\.sg_plan_resume\('kept_out'\);/s, '... and the preflight too');
$s->query("CALL sg_fix_orphans('kept_out', dry_run => true)");
is($s->{err} =~ /pauses|stopped/ ? $s->{err} : $s->sqlstate, '', 'a dry run counts all the same');
$s->query("CALL sg_rollback_fks('kept_out')");
is($s->sqlstate, '', 'it can be taken back all the same');
$s->query("BEGIN; SELECT sg_plan_resume('kept_out')");
is($s->sqlstate, '25001', 'sg_plan_resume() in a transaction block would not be seen');
$s->query('ROLLBACK');
$s->query("DO 'BEGIN PERFORM sg_plan_resume(''kept_out''); END'");
is($s->sqlstate, '25001', '... nor in DO');
my $pauses = "SELECT count(*) FROM schemaguard.plan_pause WHERE plan = 'kept_out'";
like(pipeline('SELECT 1', "SELECT sg_plan_resume('kept_out')"), qr/sg_plan_resume\(\) cannot run inside a transaction block, a pipeline/, '... nor behind another statement of a pipeline');
is(query($pauses), '1', '... and is still paused');
like(pipeline("SELECT sg_plan_resume('kept_out')", 'SELECT 1 / 0'), qr/division by zero/, 'in front of a statement that fails');
is(query($pauses), '0', '... it is committed all the same');
$s->query("CALL sg_apply('kept_out')");
is(states('kept_out'), '1 validated', 'resumed, it runs');
$asked->query("SELECT sg_plan_pause('kept_out')");
query("SELECT sg_plan_drop('kept_out', force => true)");
is(query('SELECT count(*) FROM schemaguard.plan_pause'), '0', 'a plan that is dropped leaves no pause');
$asked->quit;

# ---------------------------------------------------------------------------------------------------------------------
# A base backup
begin_run('backed', 1000, 'SET schemaguard.throttle_backup = on');
my $out = '';
my $backup = IPC::Run::start([ 'pg_basebackup', '-D', $node->basedir . '/slow', '-c', 'fast', '--max-rate', '32k', '-X', 'none', '-d', $node->connstr('postgres') ],
	'>', \$out, '2>', \$out);
ok(wait_for(sub { query('SELECT count(*) FROM pg_stat_progress_basebackup') eq '1' }), 'a base backup runs') or diag($out);
ok(throttled('backed'), 'with schemaguard.throttle_backup the run pauses');
like(reasons('backed', 'started'), qr/^a base backup runs/, '... and says why');
let_go();
$backup->kill_kill;
$s->collect;
is(states('backed'), '1 validated', '... until it has ended');

$s->quit;
$holder->quit;
$node->stop;
done_testing();
