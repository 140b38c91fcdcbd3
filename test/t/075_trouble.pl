# 075_trouble.pl: steps that run out of disk, memory or time, and an extension that is dropped in the middle of a plan.
#
# Whatever happens to a step, it says so with SQLSTATE and reason, the other steps go on, steps and catalog agree, and a
# later call, when the trouble is gone, finishes the plan.  The trouble is real and touches one session only: temporary
# files that are links to /dev/full, and limits on the size of files and on memory (prlimit) of the one backend.
#
# rooms: run
# takes: 45 s
# majors: one (takes disk, memory and time away)
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Utils;
use SgTest;
use SgLoad;
use Test::More;

# Small segments of WAL, so that a limit on the size of files leaves WAL alone; everything fits into shared_buffers, so
# that no backend has to write a data file for others
my $node = new_node('trouble', initdb => ['--wal-segsize=1'], conf => <<'CONF');
shared_buffers = 256MB
autovacuum = off
maintenance_work_mem = 1MB
max_parallel_workers_per_gather = 0
jit = off
schemaguard.audit_method = sql
schemaguard.workers = 0
CONF

sub query { return $node->safe_psql('postgres', $_[0]); }

# state, sqlstate and reason of each step, as a later reader finds them
sub steps
{
	my ($plan) = @_;

	return query("SELECT string_agg(step || ' ' || state, ', ' ORDER BY step) FROM schemaguard.plan_step WHERE plan = '$plan'");
}

# What the log says about the last failure of an action of a step
sub failure
{
	my ($plan, $step, $action) = @_;

	return query("SELECT sqlstate, message FROM schemaguard.audit_log
				  WHERE plan = '$plan' AND step = $step AND action = '$action' AND phase = 'failed' ORDER BY id DESC LIMIT 1");
}

# One plan: step 1 is small; 2 and 3 refer to a large parent, policies stop and leave; 4 is small again.  With 1 MB the
# large ones need temporary files, for the audit by a query as for VALIDATE.
sub make_plan
{
	my ($plan, $parents) = @_;

	$parents //= 60000;
	query(<<SQL);
DROP TABLE IF EXISTS small_1, small_2, large_1, large_2, small_parent, large_parent;
CREATE TABLE small_parent (id int PRIMARY KEY);
INSERT INTO small_parent SELECT generate_series(1, 10);
CREATE TABLE large_parent (id text PRIMARY KEY);
INSERT INTO large_parent SELECT md5(g::text) FROM generate_series(1, $parents) g;
CREATE TABLE small_1 (ref int); INSERT INTO small_1 SELECT 1 + g % 10 FROM generate_series(1, 100) g;
CREATE TABLE small_2 (ref int); INSERT INTO small_2 SELECT 1 + g % 10 FROM generate_series(1, 100) g;
CREATE TABLE large_1 (ref text); INSERT INTO large_1 SELECT md5((1 + g % $parents)::text) FROM generate_series(1, $parents * 5 / 2) g;
CREATE TABLE large_2 (ref text); INSERT INTO large_2 SELECT * FROM large_1;
ANALYZE;
SELECT sg_plan_create('$plan');
SELECT sg_plan_add_fk('$plan', 'small_1', ARRAY['ref'], 'small_parent', fk_name => 'key_1');
SELECT sg_plan_add_fk('$plan', 'large_1', ARRAY['ref'], 'large_parent', fk_name => 'key_2', orphans => 'stop');
SELECT sg_plan_add_fk('$plan', 'large_2', ARRAY['ref'], 'large_parent', fk_name => 'key_3', orphans => 'leave');
SELECT sg_plan_add_fk('$plan', 'small_2', ARRAY['ref'], 'small_parent', fk_name => 'key_4');
SQL
}

# What a plan in trouble looks like, and that a call in a new session finishes it
sub check_trouble
{
	my ($plan, $session, $sqlstate, $message) = @_;

	is($session->sqlstate, '', "$plan: the call goes to its end") or diag($session->{err});
	is(steps($plan), '1 validated, 2 failed, 3 added, 4 validated', "$plan: the large steps fail, the others go on");
	my ($state, $text) = split /\|/, failure($plan, 3, 'validate');
	is($state, $sqlstate, "$plan: the VALIDATE that failed is logged with $sqlstate");
	like($text, $message, "$plan: and with the server's reason");
	is(query("SELECT reason FROM schemaguard.plan_step WHERE plan = '$plan' AND step = 3"), $text, "$plan: which the step repeats");
	like(failure($plan, 2, 'audit'), $message, "$plan: the audit that failed gives the reason, too");
	like(query("SELECT reason FROM schemaguard.plan_step WHERE plan = '$plan' AND step = 2"), $message, "$plan: and so does its step");
	is(half_done($node, $plan), '', "$plan: steps and catalog agree");
	is(log_gaps($node, $plan), '', "$plan: every start has its outcome");
	check_recovery($plan);
}

sub check_recovery
{
	my ($plan) = @_;

	query("CALL sg_add_fks('$plan')");
	is(steps($plan), '1 validated, 2 validated, 3 validated, 4 validated', "$plan: when the trouble is gone, a call finishes");
	is(half_done($node, $plan) . log_gaps($node, $plan), '', "$plan: and nothing is left over");
	is(query("SELECT count(*) FROM sg_orphan_audit_details(plan => '$plan') WHERE state = 'valid' AND result = 'pass'"), '4',
		"$plan: all keys hold");
}

# A limit of the operating system for one backend (soft limits can be taken back)
sub limit
{
	my ($session, $what, $value) = @_;

	return system('prlimit', "--pid=$session->{pid}", "--$what=$value:") == 0;
}

sub address_space
{
	my ($session) = @_;

	return slurp_file("/proc/$session->{pid}/status") =~ /^VmSize:\s+(\d+) kB/m ? $1 * 1024 : die 'no VmSize';
}

# ---------------------------------------------------------------------------------------------------------------------
# temp_file_limit
make_plan('temp_limit');
{
	my $s = SgTest::Session->new($node);

	$s->query("SET temp_file_limit = '64kB'");
	$s->query("CALL sg_add_fks('temp_limit')");
	check_trouble('temp_limit', $s, '53400', qr/temporary file size exceeds "?temp_file_limit"?/);
	$s->quit;
}

# ---------------------------------------------------------------------------------------------------------------------
# No space left on device: the session's next temporary files are links to /dev/full
SKIP:
{
	skip 'no /dev/full here', 1 unless -c '/dev/full' && -w '/dev/full';

	make_plan('disk_full');
	my $s = SgTest::Session->new($node);
	my $dir = $node->data_dir . '/base/pgsql_tmp';
	mkdir $dir;
	symlink '/dev/full', "$dir/pgsql_tmp$s->{pid}.$_" for 0 .. 2000;
	$s->query("CALL sg_add_fks('disk_full')");
	unlink glob "$dir/pgsql_tmp$s->{pid}.*";
	check_trouble('disk_full', $s, '53100', qr/could not write .*: No space left on device/);
	$s->quit;
}

# ---------------------------------------------------------------------------------------------------------------------
# Out of memory: the backend may have 24 MB more than it has now, and believes that 1 GB is fine for one sort or hash
{
	my $s;

	make_plan('memory');
	# many different keys, so that there is no plan that gets by with little
	query(join ';', map { "INSERT INTO $_ SELECT md5((-g)::text) FROM generate_series(1, 400000) g; ANALYZE $_" }
		'large_parent', 'large_1', 'large_2');
	$s = SgTest::Session->new($node);
	$s->query("SET maintenance_work_mem = '1GB'; SET enable_mergejoin = off; SET enable_nestloop = off");
	# whatever a session loads on first use is loaded before the limit is set
	$s->query("SELECT count(*) FROM sg_orphan_audit_details('small_1'); SELECT count(*) FROM small_1 JOIN small_2 USING (ref)");
	ok(limit($s, 'as', address_space($s) + 24 * 1024 * 1024), 'the memory of the session is limited');
	$s->query("CALL sg_add_fks('memory')");
	check_trouble('memory', $s, '53200', qr/out of memory/);
	is($s->query('SELECT 1'), '1', 'the session goes on');
	$s->quit;
}

# ---------------------------------------------------------------------------------------------------------------------
# A catalog that can't grow: ADD CONSTRAINT itself fails, half way through its rows in pg_depend
{
	my $count = 40;    # steps; each needs several rows of pg_depend, and a page takes about a hundred
	my ($done, $failed);

	query(<<SQL);
SELECT sg_plan_create('catalog');
CREATE TABLE catalog_parent (id int PRIMARY KEY);
INSERT INTO catalog_parent VALUES (1);
DO \$\$
BEGIN
	FOR i IN 1..$count LOOP
		EXECUTE format('CREATE TABLE catalog_child_%s (ref int); INSERT INTO catalog_child_%1\$s VALUES (1)', i);
		PERFORM sg_plan_add_fk('catalog', 'catalog_child_' || i, ARRAY['ref'], 'catalog_parent', fk_name => 'key_catalog_' || i);
	END LOOP;
	-- views on a wide table are the quickest way to make pg_depend long
	EXECUTE (SELECT format('CREATE TABLE wide (%s)', string_agg('c' || g || ' int', ', ')) FROM generate_series(1, 1500) g);
	FOR i IN 1..30 LOOP
		EXECUTE format('CREATE VIEW wide_%s AS SELECT * FROM wide', i);
	END LOOP;
END\$\$;
VACUUM pg_depend;
CHECKPOINT;
SQL
	my ($file, $size) = split /\|/, query("SELECT pg_relation_filepath('pg_depend'), pg_relation_size('pg_depend')");
	cmp_ok($size, '>', 2 * 1024 * 1024, 'pg_depend is longer than the limit will be');

	my $s = SgTest::Session->new($node);
	$s->query('SELECT FROM schemaguard.plan_step');
	ok(limit($s, 'fsize', 2 * 1024 * 1024), 'the session may not write beyond 2 MB of any file');
	$s->query("CALL sg_add_fks('catalog')");
	is($s->sqlstate, '', 'catalog: the call goes to its end') or diag($s->{err});
	($done, $failed) = split /\|/, query("SELECT count(*) FILTER (WHERE state = 'validated'), count(*) FILTER (WHERE state = 'failed')
										  FROM schemaguard.plan_step WHERE plan = 'catalog'");
	cmp_ok($failed, '>', 0, 'catalog: steps fail when pg_depend can grow no more');
	is($done + $failed, $count, 'catalog: every step has come to an end');
	is(query("SELECT count(*) FROM schemaguard.audit_log WHERE plan = 'catalog' AND phase = 'failed' AND action = 'add'
				AND sqlstate ~ '^[0-9A-Z]{5}\$' AND message LIKE 'could not extend file%File too large%'"),
		$failed, 'catalog: and each failure is logged with its SQLSTATE and reason');
	is(half_done($node, 'catalog'), '', 'catalog: no key is half there');
	is(log_gaps($node, 'catalog'), '', 'catalog: every start has its outcome');
	ok(limit($s, 'fsize', 'unlimited'), 'the limit is taken back');
	$s->query("CALL sg_add_fks('catalog')");
	is($s->sqlstate, '', 'catalog: the same session calls again') or diag($s->{err});
	is(query("SELECT count(*) FROM schemaguard.plan_step WHERE plan = 'catalog' AND state = 'validated'"), $count,
		'catalog: and finishes the plan');
	is(half_done($node, 'catalog') . log_gaps($node, 'catalog'), '', 'catalog: nothing is left over');
	note("pg_depend had $size bytes; $done steps done before it could not grow, $failed failed");
	$s->quit;
}

# ---------------------------------------------------------------------------------------------------------------------
# schemaguard.statement_timeout
install_traps($node);
# what need not take long does not, or it might run into the limit
make_plan('slow', 100);
{
	my $s = SgTest::Session->new($node);

	set_trap($node, 'before validate', 1);
	set_trap($node, 'after add', 4);
	$s->query("SET schemaguard.statement_timeout = '2s'");
	$s->query("SET maintenance_work_mem = '256MB'; CALL sg_add_fks('slow')");
	is($s->sqlstate, '', 'slow: the call goes to its end') or diag($s->{err});
	is(steps('slow'), '1 added, 2 validated, 3 validated, 4 failed', 'slow: steps that take too long end, the others go on');
	like(failure('slow', 1, 'validate'), qr/^57014\|.*schemaguard\.statement_timeout/,
		'slow: a VALIDATE that takes too long is logged with 57014 and the name of the setting');
	like(query("SELECT reason FROM schemaguard.plan_step WHERE plan = 'slow' AND step = 1"), qr/schemaguard\.statement_timeout/,
		'slow: its step names the setting');
	like(failure('slow', 4, 'add'), qr/^57014\|.*schemaguard\.statement_timeout/, 'slow: so does an ADD that takes too long');
	is(query("SELECT count(*) FROM schemaguard.audit_log WHERE plan = 'slow' AND phase = 'interrupted'"), '0',
		"slow: none of them is taken for a user's cancel");
	is(half_done($node, 'slow'), '', 'slow: steps and catalog agree');

	# with the setting on, a user's cancel is still a user's cancel
	spring_traps($node);
	set_trap($node, 'before validate', 1);
	$s->query("SET schemaguard.statement_timeout = '1min'");
	$s->send("CALL sg_add_fks('slow')");
	ok(wait_trapped($node), 'slow: the VALIDATE stands still again');
	query("SELECT pg_cancel_backend($s->{pid})");
	$s->collect;
	is($s->sqlstate, '57014', "slow: a user's cancel ends the call");
	is(query("SELECT count(*) FROM schemaguard.audit_log WHERE plan = 'slow' AND step = 1 AND phase = 'interrupted'"), '1',
		'slow: and is logged as such');
	spring_traps($node);

	# statement_timeout of the session would count the whole call: it is told so, and switched off
	set_trap($node, 'before validate', 1);
	$s->query("SET schemaguard.statement_timeout = 0; SET statement_timeout = '1s'");
	$s->send("CALL sg_add_fks('slow')");
	ok(wait_trapped($node), 'slow: and again');
	nap(1);
	spring_traps($node);
	$s->collect;
	is($s->sqlstate, '', 'slow: statement_timeout does not end the call');
	like($s->{err}, qr/NOTICE:.*statement_timeout does not apply/, 'slow: which says so');
	is($s->query('SHOW statement_timeout'), '1s', 'slow: the setting itself stays');
	$s->query('SELECT pg_sleep(600)');
	is($s->sqlstate, '57014', 'slow: and limits the next statement');
	$s->quit;
	check_recovery('slow');
}

# ---------------------------------------------------------------------------------------------------------------------
# DROP EXTENSION
{
	my $keys = "SELECT string_agg(conname || ' ' || convalidated, ', ' ORDER BY conname) FROM pg_constraint
		WHERE conname IN ('key_1', 'key_2', 'key_3', 'key_4')";

	make_plan('dropped');
	query("CALL sg_add_fks('dropped', validate => false)");
	query(q{SELECT sg_plan_set('dropped', '{4}', '{"priority": "low"}')});
	query('ALTER TABLE small_2 DROP CONSTRAINT key_4; ALTER TABLE small_1 VALIDATE CONSTRAINT key_1');
	is(query($keys), 'key_1 true, key_2 false, key_3 false', 'dropped: a plan is half done');

	# while it runs: the call can't go on, but what was done stays
	query('DROP EVENT TRIGGER trap_before');
	set_trap($node, 'after validate', 2);
	my $s = SgTest::Session->new($node);
	$s->send("CALL sg_add_fks('dropped')");
	ok(wait_trapped($node), 'dropped: the plan runs');
	my $dropper = SgTest::Session->new($node);
	$dropper->send('DROP TRIGGER trap ON schemaguard.audit_log; DROP EXTENSION schemaguard');
	wait_for(sub { query("SELECT count(*) FROM pg_locks WHERE pid = $dropper->{pid} AND NOT granted") ne '0' }) or diag('it does not wait');
	spring_traps($node);
	$dropper->collect;
	# both want the tables of the extension, and either may be the victim of a deadlock
	$dropper->query('DROP EXTENSION schemaguard') while $dropper->sqlstate eq '40P01';
	is($dropper->sqlstate, '', 'dropped: DROP EXTENSION succeeds while it runs') or diag($dropper->{err});
	$s->collect;
	isnt($s->sqlstate, '', 'dropped: the call fails');
	is($s->query('SELECT 1'), '1', 'dropped: its session goes on');
	like(query($keys), qr/^key_1 true, key_2 (?:true|false), key_3 false$/, 'dropped: the keys stay');
	is(query("SELECT count(*) FROM pg_namespace WHERE nspname = 'schemaguard'"), '0', 'dropped: the extension is gone altogether');
	$s->quit;
	$dropper->quit;

	# and back again: a new plan takes the keys as it finds them
	query('DROP EVENT TRIGGER trap_after');
	query('CREATE EXTENSION schemaguard');
	query(<<'SQL');
SELECT sg_plan_create('dropped');
SELECT sg_plan_add_fk('dropped', 'small_1', ARRAY['ref'], 'small_parent', fk_name => 'key_1');
SELECT sg_plan_add_fk('dropped', 'large_1', ARRAY['ref'], 'large_parent', fk_name => 'key_2');
SELECT sg_plan_add_fk('dropped', 'large_2', ARRAY['ref'], 'large_parent', fk_name => 'key_3');
SELECT sg_plan_add_fk('dropped', 'small_2', ARRAY['ref'], 'small_parent', fk_name => 'key_4');
SQL
	check_recovery('dropped');

	# dropped and made anew in one transaction while a call waits, with a plan of the same name and number: nobody has called that one
	my $again = sub { "SELECT sg_plan_create('again'), sg_plan_add_check('again', 'again_1', 'v > 0'), $_[0]" };
	query('DROP EXTENSION schemaguard; CREATE EXTENSION schemaguard; CREATE TABLE again_1 AS SELECT 1 AS v; CREATE TABLE again_2 AS SELECT 1 AS v; '
		. $again->("sg_plan_add_check('again', 'again_2', 'v > 0')"));
	my ($blocker, $caller, $anew) = map { SgTest::Session->new($node) } 1 .. 3;
	$blocker->query('BEGIN; TABLE again_1');
	$caller->send("SET deadlock_timeout = '1min'; CALL sg_apply('again')");
	ok(wait_for(sub { query("SELECT count(*) FROM schemaguard.audit_log WHERE plan = 'again' AND phase = 'started'") ne '0' }), 'anew: the call waits');
	do
	{
		$anew->query('ROLLBACK');
		$anew->query("SET client_min_messages = warning; BEGIN; DROP EXTENSION schemaguard CASCADE; CREATE EXTENSION schemaguard; "
			. $again->("sg_plan_add_drop('again', 'table', 'again_2', keep => false)") . '; COMMIT');
	} while $anew->sqlstate eq '40P01';
	is($anew->sqlstate, '', 'anew: the extension is dropped and created') or diag($anew->{err});
	$blocker->query('COMMIT');
	$caller->collect;
	is($caller->sqlstate, '42704', 'anew: the call ends') or diag($caller->{err});
	like($caller->{err}, qr/plan "again" is gone/, 'anew: it says why');
	is(steps('again'), '1 pending, 2 pending', 'anew: the plan of the same name is as it was made');
	is(query('SELECT count(*) FROM again_2'), '1', 'anew: and its table stands');
	is($caller->query("CALL sg_apply('again'); SELECT to_regclass('again_2') IS NULL"), 't', 'anew: whoever calls that plan has it done');
	$_->quit for $blocker, $caller, $anew;
}

unlike(slurp_file($node->logfile), qr/PANIC|TRAP:|was terminated by signal/, 'no process of the server crashed');
$node->stop;
done_testing();
