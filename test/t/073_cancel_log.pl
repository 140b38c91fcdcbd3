# 073_cancel_log.pl: a cancel while the log is locked by somebody.
#
# Where a call writes its outcome, or that it pauses, and waits for the lock on the log: a cancel ends it at once, with 57014,
# and the server's log says what the other one can't. Afterwards the next call finds each started row, and gives it its one
# outcome. A worker that builds an index logs its cancel as its leader does. The transaction that was cancelled ends first:
# another one writes the row.
#
# rooms: run log
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Utils;
use Test::More;
use SgTest;

my $node = new_node('cancel_log');

sub query { return $node->safe_psql('postgres', $_[0]); }

query(q{
	CREATE TABLE parent (id int PRIMARY KEY, code text UNIQUE);
	CREATE TABLE child (id int PRIMARY KEY, a int, code text);
	INSERT INTO parent SELECT g, 'c' || g FROM generate_series(1, 10) g;
	INSERT INTO child SELECT g, NULL, 'c' || g FROM generate_series(1, 10) g;
	CREATE TABLE busy (why text);
	SELECT sg_plan_create('locked'), sg_plan_create('pausing'), sg_plan_create('indexed');
	CREATE TABLE unindexed (a int);
	SELECT sg_plan_add_fk('indexed', 'unindexed', '{a}', 'parent', '{id}', fk_name => 'by_index');
	SELECT sg_plan_add_fk('locked', 'child', '{code}', 'parent', '{code}', fk_name => 'by_code', index => false);
	SELECT sg_plan_add_fk('pausing', 'child', '{a}', 'parent', fk_name => 'by_id', index => false);
	SELECT sg_plan_set('pausing', '{1}', '{"backfill": "substr(code, 2)::int"}');

	-- pauses only where rows are filled
	CREATE FUNCTION load() RETURNS text LANGUAGE sql AS $$
		SELECT why FROM busy WHERE EXISTS (SELECT FROM schemaguard.audit_log WHERE plan = 'pausing' AND action = 'backfill') $$});

my $caller = SgTest::Session->new($node);
my $locker = SgTest::Session->new($node);
my $log_is_awaited = "SELECT count(*) FROM pg_locks WHERE pid = $caller->{pid} AND NOT granted AND relation = 'schemaguard.audit_log'::regclass";

# $reach starts the call and takes it to the point where the next thing it does is a row of the log, which is locked by then
sub cancelled
{
	my ($what, $plan, $again, $reach) = @_;

	$reach->();
	ok(wait_for(sub { query($log_is_awaited) eq '1' }), "$what: waits for the log");
	my $from = -s $node->logfile;
	query("SELECT pg_cancel_backend($caller->{pid})");
	ok(wait_for(sub { query("SELECT state FROM pg_stat_activity WHERE pid = $caller->{pid}") ne 'active' }), '... and ends with a cancel, though that stays locked');
	like(slurp_file($node->logfile, $from), qr/schemaguard: $again->{action} of \S.* by plan "$plan" was interrupted: canceling statement/, '... which the server log says');
	$locker->query('ROLLBACK');
	goes_on($plan);
}

# The call that was cancelled, and the one after it
sub goes_on
{
	my ($plan) = @_;

	$caller->collect;
	is($caller->sqlstate, '57014', '... as 57014');
	unlike($caller->{err}, qr/you don't own a lock/, '... without a warning about locks');

	query('TRUNCATE busy');
	$caller->query("CALL sg_add_fks('$plan')");
	is($caller->sqlstate, '', '... the next call goes on');
	is(query("SELECT string_agg(state, ' ') FROM schemaguard.plan_step WHERE plan = '$plan'"), 'validated', '... to the end');
	is(query("SELECT count(*) FROM schemaguard.audit_log s WHERE plan = '$plan' AND phase = 'started'
		AND (SELECT count(*) FROM schemaguard.audit_log o WHERE o.started_id = s.id) <> 1"), '0', '... and each started row has one outcome');
}

cancelled('an outcome', 'locked', { action => 'add' }, sub {
	$locker->query('BEGIN; LOCK TABLE child IN ROW EXCLUSIVE MODE');
	# long waits: core takes a cancel that comes in the moment of a lock timeout for that timeout
	$caller->query(q{SET schemaguard.lock_timeout = '1min'; SET deadlock_timeout = '1min'; SET schemaguard.lock_budget = '10min'});
	$caller->send(q{CALL sg_add_fks('locked')});
	wait_for(sub { query(q{SELECT count(*) FROM schemaguard.audit_log WHERE plan = 'locked' AND action = 'add' AND phase = 'started'}) eq '1' });
	my $other = SgTest::Session->new($node);
	$other->query('BEGIN; LOCK TABLE schemaguard.audit_log IN SHARE MODE');
	$locker->query('COMMIT');
	$locker->quit;
	$locker = $other;
});

cancelled('a pause while rows are filled', 'pausing', { action => 'throttle' }, sub {
	query(q{INSERT INTO busy VALUES ('tests say so')});
	$caller->query(q{SET schemaguard.throttle_function = 'load'});
	$caller->send(q{CALL sg_add_fks('pausing')});
	wait_for(sub { query(q{SELECT count(*) FROM schemaguard.audit_log WHERE plan = 'pausing' AND action = 'throttle'}) eq '1' });
	$locker->query('BEGIN; LOCK TABLE schemaguard.audit_log IN SHARE MODE');
	query('TRUNCATE busy');
});

# A query of ours is cancelled where no subtransaction ends it: a look whether somebody has paused the plan
{
	query(q{CREATE TABLE filled AS SELECT g AS id FROM generate_series(1, 10) g; SELECT sg_plan_create('looks'), sg_plan_add_column('looks', 'filled', 'b', 'int', fill => 'id');
		CREATE FUNCTION load_of_fill() RETURNS text LANGUAGE sql AS $$SELECT why FROM busy WHERE EXISTS (SELECT FROM schemaguard.audit_log WHERE plan = 'looks' AND action = 'fill')$$;
		INSERT INTO busy VALUES ('tests say so')});
	$caller->query(q{SET schemaguard.throttle_function = 'load_of_fill'});
	$caller->send(q{CALL sg_apply('looks')});
	ok(wait_for(sub { query(q{SELECT count(*) FROM schemaguard.audit_log WHERE plan = 'looks' AND action = 'throttle'}) eq '1' }), 'a fill pauses');
	$locker->query('BEGIN; LOCK TABLE schemaguard.plan_pause IN ACCESS EXCLUSIVE MODE');
	ok(wait_for(sub { query("SELECT count(*) FROM pg_locks WHERE pid = $caller->{pid} AND NOT granted AND relation = 'schemaguard.plan_pause'::regclass") eq '1' }), '... and looks whether somebody has paused it');
	query("SELECT pg_cancel_backend($caller->{pid})");
	ok(wait_for(sub { query("SELECT state FROM pg_stat_activity WHERE pid = $caller->{pid}") ne 'active' }), '... and ends with a cancel');
	$locker->query('ROLLBACK');
	is(query(q{SELECT string_agg(action || ' ' || coalesce(o.ended, 'none'), ', ' ORDER BY s.id) FROM schemaguard.audit_log s LEFT JOIN (SELECT started_id, phase AS ended FROM schemaguard.audit_log) o ON o.started_id = s.id
		WHERE plan = 'looks' AND phase = 'started' AND action IN ('fill', 'throttle')}), 'fill interrupted, throttle interrupted', '... which is the outcome of what had begun');
	$caller->collect;
	is($caller->sqlstate, '57014', '... as 57014');
	query('TRUNCATE busy');
	$caller->query(q{CALL sg_apply('looks'); RESET schemaguard.throttle_function});
	is(query(q{SELECT string_agg(state, ' ') FROM schemaguard.plan_step WHERE plan = 'looks'}), 'validated', '... the next call goes on');
}

# A worker that waits for the table is cancelled, and finds the log locked
{
	my $log = SgTest::Session->new($node);
	my $from = -s $node->logfile;

	$locker->query('BEGIN; LOCK TABLE unindexed IN ROW EXCLUSIVE MODE');
	$caller->send(q{CALL sg_add_fks('indexed')});
	ok(wait_for(sub { query(q{SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid)
		WHERE a.backend_type ~ 'schemaguard' AND l.locktype = 'virtualxid' AND NOT l.granted}) eq '1' }), 'an index worker waits for a table');
	$log->query('BEGIN; LOCK TABLE schemaguard.audit_log IN SHARE MODE');
	query("SELECT pg_cancel_backend($caller->{pid})");
	ok(wait_for(sub { query("SELECT state FROM pg_stat_activity WHERE pid = $caller->{pid}") ne 'active' }), '... and is cancelled while the log is locked');
	my $said = slurp_file($node->logfile, $from);
	like($said, qr/schemaguard: index of \S.* by plan "indexed" was interrupted: canceling statement/, '... which the server log says');
	unlike($said, qr/terminating background worker/, '... of a worker that ended by itself');
	$_->query('ROLLBACK') for $locker, $log;
	$log->quit;
	goes_on('indexed');
}

# By the time of its transaction the row is younger than the cancel
{
	query(q{SELECT sg_plan_create('own'), sg_plan_add_check('own', 'child', 'id > 0'); ALTER TABLE schemaguard.audit_log ALTER at SET DEFAULT pg_catalog.now()});
	$locker->query('BEGIN; LOCK TABLE child IN ROW EXCLUSIVE MODE');
	$caller->send(q{CALL sg_apply('own')});
	ok(wait_for(sub { query("SELECT count(*) FROM pg_locks WHERE pid = $caller->{pid} AND NOT granted AND relation = 'child'::regclass") eq '1' }), 'a step waits for its table');
	my ($cancelled) = query("SELECT clock_timestamp(), pg_cancel_backend($caller->{pid})") =~ /(.*)\|t/;
	$caller->collect;
	is($caller->sqlstate, '57014', '... and is cancelled');
	is(query("SELECT string_agg((at > '$cancelled')::text, ' ') FROM schemaguard.audit_log WHERE plan = 'own' AND phase = 'interrupted'"), 'true', '... which a transaction of its own has logged');
	$locker->query('ROLLBACK');
}

# What is gone by then is told, to whoever sees warnings only
{
	query(q{CREATE TABLE held (id int PRIMARY KEY, p int); INSERT INTO held SELECT g, 100 + g FROM generate_series(1, 30) g;
		CREATE FUNCTION waits() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN
			IF (SELECT count(*) FROM public.held) <= 15 THEN PERFORM pg_advisory_xact_lock(73); END IF;
			RETURN OLD; END$$;
		CREATE TRIGGER waits BEFORE DELETE ON held FOR EACH ROW EXECUTE FUNCTION waits();
		SELECT sg_plan_create('gone'), sg_plan_add_fk('gone', 'held', '{p}', 'parent', orphans => 'delete')});
	$caller->query(q{CALL sg_add_fks('gone', validate => false)});
	$locker->query('SELECT pg_advisory_lock(73)');
	$caller->query('SET client_min_messages = warning');
	$caller->send(q{CALL sg_fix_orphans('gone', batch => 10)});
	ok(wait_for(sub { query("SELECT count(*) FROM pg_locks WHERE pid = $caller->{pid} AND NOT granted AND locktype = 'advisory'") eq '1' }), 'a row can\'t be deleted');
	query("SELECT pg_cancel_backend($caller->{pid})");
	$caller->collect;
	is($caller->sqlstate, '57014', '... the call is cancelled');
	# a busy machine makes batches smaller; which rows come first depends on the major
	my $gone = 30 - query('SELECT count(*) FROM held');
	cmp_ok($gone, '>', 1, '... after some batches');
	like($caller->{err}, qr/WARNING: .*plan "gone": cut off, $gone rows deleted or changed without a copy\nDETAIL:  $gone rows of public\.held were deleted, without a copy\.\nHINT: .*plan_summary WHERE plan = 'gone';.*ERROR: /s, '... which is told before the error');
	$locker->query('SELECT pg_advisory_unlock(73)');
	$caller->query('RESET client_min_messages');
}

# Code that catches a cancel, again and again, until it gives up: neither a limit nor a cancel is lost on it. What it was for
# counts as done only if it gives up by itself.
{
	query(q{CREATE ROLE catcher LOGIN; GRANT CREATE ON SCHEMA public TO catcher; SET SESSION AUTHORIZATION catcher;
		CREATE FUNCTION catches(int) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$
		DECLARE
			began timestamptz := clock_timestamp();
		BEGIN
			IF session_user = 'catcher' THEN RETURN true; END IF;
			RAISE LOG 'is in catches()';
			WHILE clock_timestamp() < began + interval '40 s' LOOP
				BEGIN
					PERFORM pg_sleep(40);
				EXCEPTION WHEN query_canceled THEN
				END;
			END LOOP;
			RETURN true;
		END $$;
		CREATE FUNCTION nests(n int) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$
		BEGIN
			BEGIN
				IF session_user = 'catcher' THEN RETURN true;
				ELSIF n > 0 THEN RETURN public.nests(n - 1);
				END IF;
				RAISE LOG 'is in nests()';
				PERFORM pg_sleep(40);
			EXCEPTION WHEN query_canceled THEN
			END;
			RETURN true;
		END $$;
		CREATE TABLE caught (id int CHECK (catches(id)));
		CREATE TABLE nested (id int CHECK (nests(150)));
		INSERT INTO caught VALUES (1); INSERT INTO nested VALUES (1);
		RESET SESSION AUTHORIZATION;
		SELECT sg_plan_create('catch'), sg_plan_create('nest');
		SELECT sg_plan_add_statement('catch', 'UPDATE public.caught SET id = 2'), sg_plan_add_statement('nest', 'UPDATE public.nested SET id = 2')});
	my $states = q{SELECT string_agg(state || coalesce(': ' || substr(reason, 1, 40), ''), ', ' ORDER BY plan) FROM schemaguard.plan_step WHERE plan IN ('catch', 'nest')};

	$caller->query(q{SET schemaguard.statement_timeout = '200ms'; CALL sg_apply('catch'); RESET schemaguard.statement_timeout});
	is(query($states), 'failed: the statement took longer than schemagua, pending', 'code that catches cancels: a limit ends it');
	my $from = -s $node->logfile;
	$caller->send(q{CALL sg_apply('catch')});
	ok(wait_for(sub { slurp_file($node->logfile, $from) =~ /is in catches/ }), '... which runs again');
	query("SELECT pg_cancel_backend($caller->{pid})");
	$caller->collect;
	is($caller->sqlstate, '57014', '... and so does a cancel');
	unlike(query($states), qr/validated/, '... after which its step is not done');
	$caller->send(q{CALL sg_apply('nest')});
	ok(wait_for(sub { slurp_file($node->logfile, $from) =~ /is in nests/ }), 'more handlers than cancels are let go by');
	query("SELECT pg_cancel_backend($caller->{pid})");
	$caller->collect;
	is($caller->sqlstate, '57P01', '... end the session');
	is(query('SELECT sum(id) FROM (TABLE caught UNION ALL TABLE nested) t'), '2', '... and no row was changed');
}

$_->quit for $caller, $locker;
$node->stop;
done_testing();
