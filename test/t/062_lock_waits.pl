# 062_lock_waits.pl: who is in the way of a step, and who has to give way.
#
# A transaction that wrote one partition blocks the key of the whole table: the step must wait for it without queueing
# over and over, and name it.  The same where a lock request of somebody else queues before ours.  In a deadlock the
# deployment gives way, not the application, whatever lock_timeout is.  Looking at a plan waits for no lock.  A role that
# may not add a key is told so at once, without locking or reading anything.  A key that is to replace another, and is
# weakened before we have the lock, replaces nothing.  Documentation of a schema waits for no longer than a lock may.
#
# rooms: run report
# takes: 20 s
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Utils;
use SgTest;
use SgLoad;
use Test::More;

my $node = new_node('waits');

sub query { return $node->safe_psql('postgres', $_[0]); }

sub add_log
{
	my ($plan, $column) = @_;
	return query("SELECT $column FROM schemaguard.audit_log WHERE plan = '$plan' AND action = 'add' AND phase <> 'started'
				  ORDER BY id DESC LIMIT 1");
}

sub state_of { return query("SELECT state FROM schemaguard.plan_step WHERE plan = '$_[0]'"); }

# ---------------------------------------------------------------------------------------------------------------------
# A partition of the parent is held for three seconds, by somebody who never touches the partitioned table itself
query(<<'SQL');
CREATE TABLE parts (id int PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (10);
CREATE TABLE parts_2 PARTITION OF parts FOR VALUES FROM (10) TO (20);
INSERT INTO parts SELECT generate_series(0, 19);
CREATE TABLE to_parts (ref int);
INSERT INTO to_parts VALUES (1), (11);
SELECT sg_plan_create('parts');
SELECT sg_plan_add_fk('parts', 'to_parts', '{ref}', 'parts', index => false);
SQL
my $holder = SgTest::Session->new($node);
my $held = $holder->query('BEGIN; INSERT INTO parts_2 VALUES (20 - 1) ON CONFLICT DO NOTHING; SELECT pg_backend_pid()');
$held = (split /\n/, $held)[-1];
my $deployer = SgTest::Session->new($node);
$deployer->send(q{CALL sg_add_fks('parts')});
nap(3);
is(state_of('parts'), 'pending', 'a held partition holds the step up');
$holder->query('COMMIT');
$deployer->collect;
is(state_of('parts'), 'validated', '... until it is free');
cmp_ok(add_log('parts', 'attempt'), '<=', 6, '... without trying over and over');
is(add_log('parts', "blockers -> 0 ->> 'pid'"), $held, '... and the log names the session that held it');
is(add_log('parts', "blockers -> 0 ->> 'table'"), 'public.parts_2', '... and the partition');

# ---------------------------------------------------------------------------------------------------------------------
# What only looks waits for nobody, holding the partitions beside
$holder->query('BEGIN; LOCK TABLE parts_2 IN ACCESS EXCLUSIVE MODE');
foreach my $statement ('DROP TABLE parts', 'ALTER TABLE parts ALTER ref TYPE bigint', 'ALTER TABLE parts ADD q int UNIQUE')
{
	is(query("SET lock_timeout = '100ms'; SELECT count(*) > 0 FROM sg_lint_sql('$statement')"), 't', "$statement: sg_lint_sql does not wait");
}
$holder->query('COMMIT');

# ---------------------------------------------------------------------------------------------------------------------
# A reader holds ACCESS SHARE, which is not in our way; an ACCESS EXCLUSIVE that queues behind it is
query(<<'SQL');
CREATE TABLE p2 (id int PRIMARY KEY);
CREATE TABLE c2 (ref int);
SELECT sg_plan_create('queue');
SELECT sg_plan_add_fk('queue', 'c2', '{ref}', 'p2', index => false, orphans => 'leave');
SQL
my $reader = SgTest::Session->new($node);
$reader->query('BEGIN; SELECT count(*) FROM c2');
$holder->send('BEGIN; LOCK TABLE c2 IN ACCESS EXCLUSIVE MODE; COMMIT');
wait_for(sub { query("SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'c2'::regclass") eq '1' })
	or die 'nobody queues';
$deployer->send(q{CALL sg_add_fks('queue')});
nap(4);
$reader->query('COMMIT');
$holder->collect;
$deployer->collect;
is(state_of('queue'), 'validated', 'somebody who queues before us is waited for');
cmp_ok(add_log('queue', 'attempt'), '<=', 10, '... without trying over and over');

# ---------------------------------------------------------------------------------------------------------------------
# A deadlock, with a lock_timeout far above deadlock_timeout: the application must not be the victim
query(<<'SQL');
CREATE TABLE p3 (id int PRIMARY KEY, n int);
CREATE TABLE c3 (ref int);
INSERT INTO p3 VALUES (1, 0);
SELECT sg_plan_create('deadlock');
SELECT sg_plan_add_fk('deadlock', 'c3', '{ref}', 'p3', index => false, orphans => 'leave');
SQL
my $application = SgTest::Session->new($node);
$application->query('BEGIN; INSERT INTO c3 VALUES (1)');
$deployer->query(q{SET schemaguard.lock_timeout = '20s'});
$deployer->send(q{CALL sg_add_fks('deadlock')});
# once it queues for the child, it holds the parent
wait_for(sub { query("SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'c3'::regclass") eq '1' })
	or diag('the deployment never queued');
$application->query('UPDATE p3 SET n = n + 1; COMMIT');
is($application->sqlstate, '', 'the application is not the victim of a deadlock');
is(query('SELECT n FROM p3'), '1', '... and its work is committed');
$deployer->collect;
is(state_of('deadlock'), 'validated', '... while the step waits and goes through');

# The same, but the application comes to wait for us after we have looked for a deadlock: our wait must be over before
# it looks itself
query(<<'SQL');
CREATE TABLE p7 (id int PRIMARY KEY, n int);
CREATE TABLE c7 (ref int);
INSERT INTO p7 VALUES (1, 0);
SELECT sg_plan_create('late');
SELECT sg_plan_add_fk('late', 'c7', '{ref}', 'p7', index => false, orphans => 'leave');
SQL
$application->query('BEGIN; INSERT INTO c7 VALUES (1)');
$deployer->send(q{CALL sg_add_fks('late')});
wait_for(sub { query("SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'c7'::regclass") eq '1' })
	or diag('the deployment never queued');
nap(0.7);
$application->query('UPDATE p7 SET n = n + 1; COMMIT');
is($application->sqlstate, '', 'nor when it comes late');
$deployer->collect;
is(state_of('late'), 'validated', '... and the step goes through');
$deployer->query('RESET schemaguard.lock_timeout');

# An application writes child, then parent, one transaction after the other, and the next one has the child before the last
# one ends: after a deadlock we lock the tables in its order.  A writer asks for the parent when we wait for the child.
query(<<'SQL');
CREATE TABLE p8 (id int PRIMARY KEY);
CREATE TABLE c8 (ref int);
SELECT sg_plan_create('order');
SELECT sg_plan_add_fk('order', 'c8', '{ref}', 'p8', index => false, orphans => 'leave');
CREATE FUNCTION write_parent() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	WHILE EXISTS (SELECT FROM schemaguard.plan_step WHERE plan = 'order' AND state = 'pending')
		AND NOT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND relation = 'c8'::regclass)
	LOOP
		PERFORM pg_sleep(0.001);
	END LOOP;
	LOCK TABLE p8 IN ROW EXCLUSIVE MODE;
END$$;
SQL
$deployer->query(q{SET schemaguard.lock_timeout = '8s'; SET deadlock_timeout = '20s'});
my @writers = map { SgTest::Session->new($node) } 1 .. 7;
$_->query(q{SET deadlock_timeout = '1min'}) for @writers;
my $pauses = sub { query("SELECT count(*) FROM schemaguard.progress WHERE plan = 'order' AND phase = 'pausing'") eq '1' };
$writers[0]->query('BEGIN; LOCK TABLE c8 IN ROW EXCLUSIVE MODE');
$deployer->send(q{CALL sg_add_fks('order')});
wait_for($pauses) or diag('the deployment never paused');
for my $n (0 .. $#writers - 1)
{
	# who had to give way pauses; who waits for the child alone has it with the next COMMIT
	my $goes_on = $pauses->();

	$writers[ $n + 1 ]->query('BEGIN; LOCK TABLE c8 IN ROW EXCLUSIVE MODE') if $goes_on;
	$writers[$n]->query('COMMIT');
	last unless $goes_on;
	$writers[ $n + 1 ]->query('SELECT write_parent()');
}
$_->query('ROLLBACK') for @writers;
$deployer->collect;
is(state_of('order'), 'validated', 'the key is made');
cmp_ok(add_log('order', 'attempt'), '<=', 5, '... after a deadlock in the order of the application');
$_->quit for @writers;
$deployer->query('RESET schemaguard.lock_timeout; RESET deadlock_timeout');

# ---------------------------------------------------------------------------------------------------------------------
# Two sessions take turns: one has the child whenever the other lets the parent go, so that both are never free at once. Who has one of
# them queues for the other in the same attempt, for each kind of step that wants both.
query(<<'SQL');
CREATE PROCEDURE hold(mine regclass, other regclass, plan text, at_least interval) LANGUAGE plpgsql AS $$
DECLARE
	since timestamptz;
BEGIN
	WHILE EXISTS (SELECT FROM schemaguard.plan_step s WHERE s.plan = hold.plan AND state IN ('pending', 'added')) LOOP
		EXECUTE format('LOCK TABLE %s IN ROW EXCLUSIVE MODE', mine);
		since := clock_timestamp();
		FOR i IN 1 .. 5000 LOOP
			EXIT WHEN clock_timestamp() >= since + at_least AND
				EXISTS (SELECT FROM pg_locks WHERE relation = other AND mode = 'RowExclusiveLock' AND pid <> pg_backend_pid());
			PERFORM pg_sleep(0.001);
		END LOOP;
		COMMIT;
	END LOOP;
END$$;
SQL
my @turns = (
	[ 'key', q{SELECT sg_plan_add_fk('%1$s', 'c_%1$s', '{ref}', 'p_%1$s', index => false, orphans => 'leave')} ],
	[ 'drop', q{ALTER TABLE c_%1$s ADD CONSTRAINT c_%1$s_fk FOREIGN KEY (ref) REFERENCES p_%1$s; SELECT sg_plan_add_drop('%1$s', 'constraint', 'c_%1$s', 'c_%1$s_fk')} ],
	[ 'table', q{ALTER TABLE c_%1$s ADD CONSTRAINT c_%1$s_fk FOREIGN KEY (ref) REFERENCES p_%1$s; SELECT sg_plan_add_drop('%1$s', 'table', 'c_%1$s', keep => false)} ],
	[ 'both', q{SELECT sg_plan_add_statement('%1$s', 'DROP TABLE public.c_%1$s; ALTER TABLE public.p_%1$s ADD COLUMN x int')} ],
	[ 'long', q{SELECT sg_plan_add_fk('%1$s', 'c_%1$s', '{ref}', 'p_%1$s', index => false, orphans => 'leave')} ]);
my @takers = map { SgTest::Session->new($node) } 1, 2;
foreach my $turn (@turns)
{
	my ($plan, $add) = @$turn;
	my $least = $plan eq 'long' ? '1s' : '0';
	my $later = $plan eq 'long' ? 0.5 : 0;
	query("CREATE TABLE p_$plan (id int PRIMARY KEY); CREATE TABLE c_$plan (ref int); SELECT sg_plan_create('$plan')");
	query(sprintf $add, $plan);
	$takers[0]->send("CALL hold('p_$plan', 'c_$plan', '$plan', '$least')");
	# half a turn later, or both would be free within the time that a lock may be waited for
	$takers[1]->send("DO 'BEGIN PERFORM pg_sleep($later); END'; CALL hold('c_$plan', 'p_$plan', '$plan', '$least')");
	wait_for(sub { query("SELECT count(*) FROM pg_locks WHERE relation IN ('p_$plan'::regclass, 'c_$plan'::regclass) AND mode = 'RowExclusiveLock'") >= 2 }) or diag('nobody takes turns');
	$deployer->query("SET schemaguard.lock_budget = '2s'; CALL sg_apply('$plan')");
	query("SELECT pg_cancel_backend($_->{pid})"), $_->collect foreach @takers;
	my ($state, $attempt, $blamed) = split /\|/, query("SELECT s.state, l.attempt, (SELECT string_agg(b ->> 'pid', ' ' ORDER BY b ->> 'table' DESC) FROM jsonb_array_elements(l.blockers) b)
		FROM schemaguard.audit_log l JOIN schemaguard.plan_step s USING (plan, step) WHERE plan = '$plan' AND l.attempt IS NOT NULL AND l.phase IN ('done', 'failed') ORDER BY l.id LIMIT 1");
	# who holds them for longer than a lock may be waited for, each while the other lets go, can't be outwitted
	if ($plan eq 'long') { is("$state $blamed", join(' ', 'failed', map { $_->{pid} } @takers), 'held in turns for too long: the step gives up, and both are named'); }
	else { is("$state " . ($attempt <= 5 ? 'soon' : $attempt), 'validated soon', "held in turns: $plan"); }
}
$_->quit foreach @takers;
$deployer->query('RESET schemaguard.lock_budget');

# ---------------------------------------------------------------------------------------------------------------------
# A parent under ACCESS EXCLUSIVE: one step and one row suffer, not the plan; one attempt names who it was
query(<<'SQL');
CREATE TABLE p4 (id int PRIMARY KEY);
CREATE TABLE c4 (ref int);
CREATE TABLE p5 (id int PRIMARY KEY);
CREATE TABLE c5 (ref int);
SELECT sg_plan_create('locked');
SELECT sg_plan_add_fk('locked', 'c4', '{ref}', 'p4', index => false, orphans => 'leave');
SELECT sg_plan_add_fk('locked', 'c5', '{ref}', 'p5', index => false, orphans => 'leave');
SQL
$held = (split /\n/, $holder->query('BEGIN; LOCK TABLE p4 IN ACCESS EXCLUSIVE MODE; SELECT pg_backend_pid()'))[-1];
$deployer->query(q{SET lock_timeout = '300ms'});
like($deployer->query(q{SELECT string_agg(parent_table || ' ' || result, ', ' ORDER BY 1)
						FROM sg_orphan_audit_details(plan => 'locked')}),
	qr/public\.p4 unknown, public\.p5 pass/, 'an audit of the plan: one key is unknown, the other is judged');
$deployer->query(q{SET schemaguard.lock_attempts = 1; CALL sg_add_fks('locked')});
is(query("SELECT string_agg(step || ' ' || state, ', ' ORDER BY step) FROM schemaguard.plan_step WHERE plan = 'locked'"),
	'1 failed, 2 validated', 'a deployment: one step fails, the other is done');
like(query("SELECT reason FROM schemaguard.plan_step WHERE plan = 'locked' AND step = 1"),
	qr/^could not lock public\.p4 in 1 attempt/, '... and says what could not be locked');
is(query("SELECT blockers -> 0 ->> 'pid' FROM schemaguard.audit_log
		  WHERE plan = 'locked' AND step = 1 AND phase = 'failed' ORDER BY id DESC LIMIT 1"),
	$held, '... and who held it');

# ---------------------------------------------------------------------------------------------------------------------
# Nobody may lock what he may not alter: told so although the table is locked, which a lock request would wait for
query(<<'SQL');
CREATE ROLE stranger;
SELECT sg_grant('stranger');
CREATE TABLE p6 (id int PRIMARY KEY);
CREATE TABLE c6 (ref int);
GRANT SELECT ON p6, c6 TO stranger;
SELECT sg_plan_create('stranger');
SELECT sg_plan_add_fk('stranger', 'c6', '{ref}', 'p6', index => false);
SELECT sg_plan_allow('stranger', 'stranger');
SQL
$holder->query('COMMIT; BEGIN; LOCK TABLE p6, c6 IN ACCESS EXCLUSIVE MODE');
my $stranger = SgTest::Session->new($node);
$stranger->query(q{SET ROLE stranger; SET statement_timeout = '20s'});
$stranger->query(q{CALL sg_add_fks('stranger')});
is($stranger->sqlstate, '42501', 'a role without the right to add the key locks nothing');
is(state_of('stranger'), 'pending', '... and leaves no trace');
$holder->query('COMMIT');

# ---------------------------------------------------------------------------------------------------------------------
# A plan in use: nobody else runs or changes it
$holder->query('BEGIN; LOCK TABLE c6 IN ROW EXCLUSIVE MODE');
$deployer->query('RESET ALL');
$deployer->send(q{CALL sg_add_fks('stranger')});
ok(wait_for(sub { query("SELECT object FROM schemaguard.progress WHERE plan = 'stranger' AND phase = 'pausing'") eq 'public.c6' }),
	'progress shows a pause, and the table');
for my $statement (q{CALL sg_add_fks('stranger')}, q{SELECT sg_plan_skip('stranger', '{1}', 'no')},
	q{SELECT sg_plan_drop('stranger')}, q{SELECT sg_plan_add_fk('stranger', 'c6', '{ref}', 'p5')})
{
	is_error($node, $statement, '55006', undef, "while a plan runs: $statement");
}
$holder->query('COMMIT');
$deployer->collect;
is(state_of('stranger'), 'validated', 'the run itself goes on undisturbed');

# ---------------------------------------------------------------------------------------------------------------------
# The orphans of several small tables are counted at once, but none of them is waited for before its turn
query(<<'SQL');
CREATE TABLE ahead_parent (id int PRIMARY KEY);
CREATE TABLE near (ref int);
CREATE TABLE locked (ref int);
CREATE TABLE far (ref int);
SELECT sg_plan_create('ahead');
SELECT sg_plan_add_fk('ahead', t, '{ref}', 'ahead_parent', index => false) FROM (VALUES ('near'), ('locked'), ('far')) v (t);
SQL
sub states { return query("SELECT string_agg(state, ' ' ORDER BY step) FROM schemaguard.plan_step WHERE plan = '$_[0]'"); }
$holder->query('BEGIN; LOCK TABLE locked IN ACCESS EXCLUSIVE MODE');
$deployer->query('SET schemaguard.workers = 0');
$deployer->send(q{CALL sg_add_fks('ahead')});
ok(wait_for(sub { states('ahead') =~ /^validated/ }), 'a later table that somebody has locked holds nothing up');
is(states('ahead'), 'validated pending pending', '... before its turn');
$holder->query('COMMIT');
$deployer->collect;
is(states('ahead'), 'validated validated validated', '... and is done once it is free');
is(query("SELECT string_agg(message, ', ' ORDER BY step) FROM schemaguard.audit_log
		  WHERE plan = 'ahead' AND action = 'audit' AND phase = 'done'"),
	'pass, pass, pass, counted with an earlier step', '... the log says which were counted together');

# ---------------------------------------------------------------------------------------------------------------------
# An audit in front of a key, of which a table stays locked: its step fails after schemaguard.lock_budget, the others go on
query(<<'SQL');
CREATE TABLE kept_parent (id int PRIMARY KEY);
INSERT INTO kept_parent VALUES (1);
CREATE TABLE kept_other (id int PRIMARY KEY);
CREATE TABLE kept_1 (ref int);
CREATE TABLE kept_2 (ref int) PARTITION BY HASH (ref);
CREATE TABLE kept_2_0 PARTITION OF kept_2 FOR VALUES WITH (MODULUS 1, REMAINDER 0);
CREATE TABLE kept_3 (ref int REFERENCES kept_parent);
CREATE TABLE kept_4 (ref int);
INSERT INTO kept_1 VALUES (1);
SELECT sg_plan_create('kept');
SELECT sg_plan_add_fk('kept', 'kept_1', '{ref}', 'kept_parent');
SELECT sg_plan_add_fk('kept', 'kept_2', '{ref}', 'kept_other');
SELECT sg_plan_add_fk('kept', 'kept_3', '{ref}', 'kept_parent', fk_name => 'kept_3_ref_fkey');
SELECT sg_plan_add_fk('kept', 'kept_4', '{ref}', 'kept_other');
SQL
$held = (split /\n/, $holder->query('BEGIN; LOCK TABLE kept_parent, kept_2_0 IN ACCESS EXCLUSIVE MODE; SELECT pg_backend_pid()'))[-1];
$deployer->query(q{RESET schemaguard.workers; SET schemaguard.lock_budget = '300ms'});
$deployer->send(q{CALL sg_add_fks('kept')});
ok(wait_for(sub { query("SELECT count(*) FROM schemaguard.progress WHERE plan = 'kept'") eq '0' && states('kept') =~ /validated$/ }, bound(10, 60)),
	'tables stay locked: the call ends') or query("SELECT pg_cancel_backend($deployer->{pid})");
$deployer->collect;
note($deployer->{err});
is(states('kept'), 'failed failed added validated', '... the other steps are done');
is(query("SELECT string_agg(concat_ws(' ', step, sqlstate, message), E'\n' ORDER BY step) FROM schemaguard.audit_log
		  WHERE plan = 'kept' AND action = 'audit' AND phase = 'failed'"),
	join("\n", map { "$_->[0] SG003 $_->[1] could not be counted: public.$_->[2] is locked by others; column blockers of the log says by whom" }
		[ 1, 'the orphans', 'kept_parent' ], [ 2, 'the orphans', 'kept_2_0' ], [ 3, 'the key is valid, but its orphans', 'kept_parent' ]),
	'... the log says why the others are not');
is(query("SELECT count(*) FROM schemaguard.audit_log WHERE plan = 'kept' AND action = 'audit' AND phase = 'failed' AND blockers -> 0 ->> 'pid' = '$held'"),
	'3', '... and who had locked them');
$holder->query('COMMIT');
$deployer->query(q{RESET schemaguard.lock_budget; CALL sg_add_fks('kept')});
is(states('kept'), 'validated validated validated validated', '... a later call finds them free');

# ---------------------------------------------------------------------------------------------------------------------
# Between the look and the lock the key that replaces another loses its force: the other one must stay
my %weakened = ('unproved' => ['DROP CONSTRAINT new_key, ADD CONSTRAINT new_key FOREIGN KEY (ref) REFERENCES new_%s NOT VALID',
		qr/^the key new_key is not valid any more/]);
$weakened{unenforced} = ['ALTER CONSTRAINT new_key NOT ENFORCED', qr/^key new_key .* is not enforced instead of enforced/]
  if major($node) >= 18;
for my $how (sort keys %weakened)
{
	my ($command, $reason) = @{ $weakened{$how} };

	query(<<SQL);
CREATE TABLE old_$how (id int PRIMARY KEY);
CREATE TABLE new_$how (id int PRIMARY KEY);
CREATE TABLE child_$how (ref int, CONSTRAINT old_key FOREIGN KEY (ref) REFERENCES old_$how,
	CONSTRAINT new_key FOREIGN KEY (ref) REFERENCES new_$how);
SELECT sg_plan_create('$how');
SELECT sg_plan_add_fk('$how', 'child_$how', '{ref}', 'new_$how', fk_name => 'new_key', replaces => 'old_key', index => false);
-- proved, or the call would begin with reading its rows
SELECT count(*) FROM sg_orphan_audit_details('child_$how');
SQL
	$holder->query(sprintf "BEGIN; ALTER TABLE child_$how $command", $how);
	$deployer->send("CALL sg_add_fks('$how')");
	ok(wait_for(sub { query("SELECT count(*) FROM schemaguard.progress WHERE plan = '$how' AND phase = 'pausing'") eq '1' }),
		"$how: the new key was looked at, and its table is locked");
	$holder->query('COMMIT');
	$deployer->collect;
	like(query("SELECT reason FROM schemaguard.plan_step WHERE plan = '$how' AND state <> 'validated'"), $reason,
		'... the step sees that the new key is not what it was');
	is(query("SELECT count(*) FROM pg_constraint WHERE conname = 'old_key' AND conrelid = 'child_$how'::regclass"), '1',
		'... and the old one stays');
	is(query("SELECT phase FROM schemaguard.audit_log WHERE plan = '$how' AND action = 'replace' ORDER BY id DESC LIMIT 1"), 'failed',
		'... which the log says');
}

# ---- sg_schema_doc(): the server locks a table for its CHECK ----

{
	my $holder = SgTest::Session->new($node, dbname => 'postgres');

	query('CREATE TABLE doc_checked (id int CHECK (id > 0))');
	$holder->query('BEGIN; LOCK TABLE doc_checked');
	is_error($node, "SET statement_timeout = '60s'; SELECT sg_schema_doc('{public}')", '55P03', qr/longer than schemaguard.lock_timeout, 100ms: public\.doc_checked$/m, 'a page waits as long as a lock may');
	$holder->query('COMMIT');
	is(query(q{SET lock_timeout = '7s'; SELECT count(*) FROM sg_schema_doc('{public}'); SHOW lock_timeout}), "1\n7s", '... and the session keeps its own bound');
}

done_testing();
