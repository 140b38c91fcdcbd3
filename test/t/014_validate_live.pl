# 014_validate_live.pl: validation by one scan on a live server.
#
# - what it locks, what it keeps waiting and what not, what other sessions see before and after its commit;
# - that its commit tells other sessions the same as that of VALIDATE CONSTRAINT: the invalidation messages in the WAL;
# - cancel, end of the session and kill -9 of the server in the middle: nothing is half done, the next call ends it;
# - pgbench inserts, updates and deletes children and parents while keys come and are validated, over and over: every
#   key that is valid holds.
#
# rooms: deploy
# takes: 20 s
# majors: one (measures load)
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

# streaming: as a side effect, commits say in the WAL which caches they make stale
my $node = new_node('validate', streaming => 1, conf => "shared_buffers = 64MB\nautovacuum = off\nlog_min_messages = notice\nschemaguard.workers = 0\n");
my $major = major($node);

sub query { return $node->safe_psql('postgres', $_[0]); }

# A child with keys to the parents named, and a plan of them; the keys are added, not validated
sub make_child
{
	my ($plan, $rows, @parents) = @_;
	my $n = 0;

	query("SELECT sg_plan_create('$plan'); CREATE TABLE child_$plan (id int PRIMARY KEY, note text, "
		  . join(', ', map { "ref_$_ int" } 1 .. @parents) . ");
		INSERT INTO child_$plan SELECT g, 'x', " . join(', ', map { "1 + (g * $_) % 500" } 1 .. @parents) . " FROM generate_series(1, $rows) g;
		ANALYZE child_$plan");
	for my $parent (@parents)
	{
		$n++;
		query("CREATE TABLE IF NOT EXISTS $parent (id int PRIMARY KEY, note text);
			INSERT INTO $parent SELECT g, 'x' FROM generate_series(1, 1000) g ON CONFLICT DO NOTHING;
			SELECT sg_plan_add_fk('$plan', 'child_$plan', ARRAY['ref_$n'], '$parent', fk_name => 'key_${plan}_$n', orphans => 'leave')");
	}
	query("CALL sg_add_fks('$plan', validate => false)");
}

# Start to validate; nobody waits for it
sub start_scan
{
	my ($plan) = @_;
	my $s = SgTest::Session->new($node);

	$s->query('SET schemaguard.validate_with = scan');
	$s->send("CALL sg_add_fks('$plan')");
	return $s;
}

sub valid
{
	my ($plan) = @_;

	return query("SELECT count(*) FILTER (WHERE convalidated) || ' of ' || count(*) FROM pg_constraint
		WHERE contype = 'f' AND conrelid = 'child_$plan'::regclass");
}

# ---------------------------------------------------------------------------------------------------------------------
# What commits tell other sessions, for VALIDATE and for a scan; a child, and a partition with a key of its own
{
	my @parents = ('q1', 'q2', 'q3');
	my %said;

	for my $way ('core', 'scan')
	{
		make_child("w$way", 1000, @parents);
		query("CREATE TABLE leaf_of_$way (a int, b int) PARTITION BY LIST (b);
			CREATE TABLE leaf_$way PARTITION OF leaf_of_$way FOR VALUES IN (1);
			INSERT INTO leaf_$way VALUES (1, 1);
			SELECT sg_plan_add_fk('w$way', 'leaf_$way', ARRAY['a'], 'q1', fk_name => 'key_leaf', orphans => 'leave');
			CALL sg_add_fks('w$way', validate => false)");
		my $from = query('SELECT pg_current_wal_insert_lsn()');
		query("SET schemaguard.validate_with = $way; CALL sg_add_fks('w$way'); SELECT txid_current()");
		my $to = query('SELECT pg_current_wal_flush_lsn()');
		my ($wal, $err) = run_command([ 'pg_waldump', '-p', $node->data_dir . '/pg_wal', '-r', 'Transaction', '-s', $from, '-e', $to, query("SELECT pg_walfile_name('$from')") ]);	# another segment may be made and not used yet
		my %relation = map { @$_ } rows($node, "SELECT oid, replace(relname, '$way', 'WAY') FROM pg_class WHERE relname ~ '^(child_w|leaf_|q\\d)'");
		my %messages;
		for my $commit (grep { /COMMIT/ && /inval msgs/ } split /\n/, $wal)
		{
			my ($all) = $commit =~ /inval msgs: (.*?)(?:;|$)/;
			$messages{$1 . ' ' . ($relation{$2} // $2)}++ while $all =~ /(catcache|relcache|snapshot) (\d+)/g;
		}
		$said{$way} = join(', ', sort keys %messages);
	}
	like($said{core}, qr/relcache child_wWAY.*relcache leaf_WAY/, 'VALIDATE makes others forget child and partition');
	is($said{scan}, $said{core}, 'and a scan makes them forget the same');
	is(query("SELECT string_agg(message, '; ' ORDER BY message) FROM schemaguard.audit_log WHERE plan = 'wscan' AND action = 'validate' AND phase = 'done'"),
		'validated by one scan of 1 key of public.leaf_scan' . '; validated by one scan of 3 keys of public.child_wscan' x 3,
		'it was a scan');
}

# ---------------------------------------------------------------------------------------------------------------------
# What another session knows by its caches: whether a partition's key is as good as the one of its table
SKIP:
{
	my $other = SgTest::Session->new($node);
	my $doubled = "BEGIN; ALTER TABLE tree ADD CONSTRAINT tree_fk FOREIGN KEY (a) REFERENCES q1;
		SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND conrelid = 'tree_1'::regclass; ROLLBACK";

	query("CREATE TABLE tree (a int, b int) PARTITION BY LIST (b);
		CREATE TABLE tree_1 PARTITION OF tree FOR VALUES IN (1);
		INSERT INTO tree_1 VALUES (1, 1);
		ALTER TABLE tree_1 ADD CONSTRAINT own FOREIGN KEY (a) REFERENCES q1 NOT VALID;
		SELECT sg_plan_create('tree'); SELECT sg_plan_add_fk('tree', 'tree_1', ARRAY['a'], 'q1', orphans => 'leave')");
	my $before = $other->query($doubled);
	skip 'this server takes a key that is not valid for one that is', 1 if $before eq '1';
	is($before, '2', 'a key that is not valid yet does not do for the one of the partitioned table');
	query("SET schemaguard.validate_with = scan; CALL sg_add_fks('tree')");
	is($other->query($doubled), '1', 'another session, which knew the key before, takes it for valid after the scan');
	$other->quit;
}

install_traps($node);

# ---------------------------------------------------------------------------------------------------------------------
# Locks, and who waits
{
	make_child('a', 20000, 'p1', 'p2', 'p1', 'p3');
	my $reader = SgTest::Session->new($node);
	$reader->query('BEGIN');
	$reader->query('DECLARE c CURSOR FOR SELECT id FROM child_a ORDER BY id');
	is($reader->query('FETCH c'), '1', 'somebody reads the child');

	set_trap($node, 'done validate', 2);
	my $s = start_scan('a');
	ok(wait_trapped($node), 'the scan stands before its commit');
	is(query("SELECT string_agg(relation::regclass || ' ' || mode, ', ' ORDER BY relation::regclass::text, mode) FROM pg_locks
			  WHERE pid = $s->{pid} AND locktype = 'relation' AND relation IN ('child_a'::regclass, 'p1'::regclass, 'p2'::regclass, 'p3'::regclass)"),
		join(', ', 'child_a AccessShareLock', 'child_a ShareUpdateExclusiveLock', map { ("$_ AccessShareLock", "$_ RowShareLock") } 'p1', 'p2', 'p3'),
		'it holds the locks of VALIDATE and of a reader, no more');
	is(valid('a'), '0 of 4', 'nobody sees a valid key yet');
	is(query("SELECT plan, step IS NULL, action, phase, object, total FROM schemaguard.progress"), 'a|t|validate|executing|public.child_a|4',
		'the view tells what it does');

	is(error_of($node, 'SET lock_timeout = 500; BEGIN; INSERT INTO child_a VALUES (0, NULL, 1, 1, 1, 1), (-1, NULL, 600, 600, 600, 600);
			UPDATE child_a SET ref_1 = 7 WHERE id = 2; DELETE FROM child_a WHERE id = 3;
			INSERT INTO p1 VALUES (2000); UPDATE p2 SET note = NULL; DELETE FROM p3 WHERE id = 900; COMMIT'),
		'', 'children and parents can be written all the time');
	is_error($node, 'INSERT INTO child_a VALUES (-2, NULL, 4711, 1, 1, 1)', '23503', qr/key_a_1/, 'where the keys allow it');
	is($reader->query('FETCH c'), '2', 'and read');
	is_error($node, "SET lock_timeout = 100; $_", '55P03', undef, "$_ has to wait")
		for 'ANALYZE child_a', 'ALTER TABLE child_a VALIDATE CONSTRAINT key_a_3', 'CREATE INDEX ON child_a (ref_1)', 'ALTER TABLE p2 ADD x int';
	is_error($node, "CALL sg_add_fks('a')", '55006', undef, 'another call is refused');

	spring_traps($node);
	$s->collect;
	is($s->sqlstate, '', 'the call ends');
	is(valid('a'), '4 of 4', 'all keys are valid at once');
	is($reader->query("SELECT count(*) FROM pg_constraint WHERE conrelid = 'child_a'::regclass AND contype = 'f' AND convalidated"), '4',
		'also for a session that has the table open');
	$reader->query('COMMIT');
	$reader->quit;
	$s->quit;
	is(query("SELECT count(*) FROM pg_locks WHERE relation = 'child_a'::regclass"), '0', 'no lock is left');
	is(query("SELECT count(*) FROM sg_orphan_audit_details(plan => 'a') WHERE state = 'valid' AND result = 'pass'"), '4', 'and the keys hold');
	is(log_gaps($node, 'a'), '', 'every start has its outcome');
}

# ---------------------------------------------------------------------------------------------------------------------
# Cancelled, terminated, crashed
{
	make_child('b', 20000, 'p1', 'p2', 'p3');

	# all keys are marked, the outcomes of two are written
	set_trap($node, 'done validate', 2);
	my $s = start_scan('b');
	ok(wait_trapped($node), 'the scan stands before its commit');
	query("SELECT pg_cancel_backend($s->{pid})");
	$s->collect;
	is($s->sqlstate, '57014', 'a cancelled scan raises 57014');
	spring_traps($node);
	is(valid('b'), '0 of 3', 'no key is valid');
	is(query("SELECT string_agg(step || ' ' || phase || ' ' || coalesce(sqlstate, '-'), ', ' ORDER BY id) FROM schemaguard.audit_log WHERE plan = 'b' AND action = 'validate'"),
		'1 started -, 2 started -, 3 started -, 1 interrupted 57014, 2 interrupted 57014, 3 interrupted 57014', 'each step was interrupted');
	is(half_done($node, 'b'), '', 'steps and keys agree');
	is(log_gaps($node, 'b'), '', 'every start has its outcome');
	is($s->query("SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid() AND relation = 'child_b'::regclass"), '0', 'no lock is left');
	$s->quit;

	# the session ends
	set_trap($node, 'done validate', 3);
	$s = start_scan('b');
	ok(wait_trapped($node), 'the scan stands before its commit');
	query("SELECT pg_terminate_backend($s->{pid})");
	$s->collect;
	spring_traps($node);
	is(valid('b'), '0 of 3', 'no key is valid when the session ends');
	is(half_done($node, 'b'), '', 'steps and keys agree');

	# the server ends, at every place where something was written, and at random moments
	my @kills = map { my $place = $_; map { [ $place, $_ ] } 1 .. 3 } 'started validate', 'done validate';
	@kills = ($kills[0], $kills[3], $kills[5]) unless long_run();
	for my $kill (@kills)
	{
		set_trap($node, @$kill);
		$s = start_scan('b');
		ok(wait_trapped($node), "step $kill->[1] reaches '$kill->[0]'") or last;
		crash($node);
		$s->collect;
		$node->start;
		is(half_done($node, 'b') . valid('b'), '0 of 3', "killed in step $kill->[1] at '$kill->[0]': no key is valid, steps agree");
	}
	$s = start_scan('b');
	$s->collect;
	like($s->{err}, qr/plan "b": 3 validated/, 'the last call validates all');
	$s->quit;
	is(valid('b'), '3 of 3', 'all keys are valid');
	is(log_gaps($node, 'b'), '', 'every start has its outcome');
	is(query("SELECT string_agg(step || ' ' || n, ', ' ORDER BY step) FROM (SELECT step, count(*) n FROM schemaguard.audit_log
			  WHERE plan = 'b' AND action = 'validate' AND phase = 'done' GROUP BY step) x"), '1 1, 2 1, 3 1', 'each was validated once');
	my $before = everything($node, 'b');
	query("SET schemaguard.validate_with = scan; CALL sg_add_fks('b')");
	ok(everything($node, 'b') eq $before, 'running it again changes nothing');

	make_child('c', long_run() ? 300000 : 100000, 'p1', 'p2', 'p3', 'p1', 'p2');
	for my $try (1 .. (long_run() ? 20 : 3))
	{
		$s = start_scan('c');
		nap(rand(0.3));
		crash($node);
		$s->collect;
		$node->start;
		like(half_done($node, 'c') . valid('c'), qr/^(?:0|5) of 5$/, "killed at random, $try: all keys are valid, or none");
		last if valid('c') eq '5 of 5';
	}
	query("SET schemaguard.validate_with = scan; CALL sg_add_fks('c')");
	is(valid('c'), '5 of 5', 'all keys are valid');
	is(log_gaps($node, 'c'), '', 'every start has its outcome');
}

# ---------------------------------------------------------------------------------------------------------------------
# The scan at work: seen in the view, cancelled there
{
	make_child('d', long_run() ? 2000000 : 600000, 'p1', 'p2', 'p3', 'p1', 'p2', 'p3');
	query('CREATE TABLE cancelled (at timestamptz)');
	my $watcher = SgTest::Session->new($node);
	$watcher->send(<<'SQL');
DO $$
DECLARE
	busy int;
BEGIN
	FOR i IN 1..200000 LOOP
		PERFORM pg_stat_clear_snapshot();
		SELECT pid INTO busy FROM schemaguard.progress
			WHERE plan = 'd' AND step IS NULL AND action = 'validate' AND phase = 'scanning' AND object = 'public.child_d';
		IF FOUND THEN
			INSERT INTO cancelled VALUES (clock_timestamp());
			PERFORM pg_cancel_backend(busy);
			RETURN;
		END IF;
		PERFORM pg_sleep(0.001);
	END LOOP;
END$$
SQL
	my $s = start_scan('d');
	$s->collect;
	is($s->sqlstate . ' ' . valid('d'), '57014 0 of 6', 'cancelled, it leaves no key valid');
	$watcher->collect;
	$watcher->quit;
	$s->quit;
	is(query("SELECT string_agg(DISTINCT l.phase || ' ' || (l.at - c.at < '@{[ bound(1, 10) ]} s'), ', ') FROM schemaguard.audit_log l, cancelled c
			  WHERE l.plan = 'd' AND l.action = 'validate' AND l.phase <> 'started'"),
		'interrupted true', 'the scan was seen at work, and gave up at once');
	query("SET schemaguard.validate_with = scan; CALL sg_add_fks('d')");
	is(valid('d'), '6 of 6', 'the next call validates all');
	is(log_gaps($node, 'd'), '', 'every start has its outcome');
}

# ---------------------------------------------------------------------------------------------------------------------
# Under load.  Before the keys are there the writers make orphans, so now and then a key stays as it is; but one that is
# valid holds.
{
	my $dir = PostgreSQL::Test::Utils::tempdir();
	my $rounds = long_run() ? 40 : 4;
	my @columns = map { "ref_$_" } 1 .. 4;

	query("CREATE TABLE lp (id int PRIMARY KEY, hits int DEFAULT 0) WITH (fillfactor = 60);
		CREATE TABLE lq (id int PRIMARY KEY, hits int DEFAULT 0) WITH (fillfactor = 60);
		CREATE TABLE lc (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, ref_1 int, ref_2 int, ref_3 bigint, ref_4 int, hits int DEFAULT 0) WITH (fillfactor = 60);
		INSERT INTO lp SELECT g FROM generate_series(1, 3000) g;
		INSERT INTO lq SELECT g FROM generate_series(1, 3000) g;
		INSERT INTO lc (ref_1, ref_2, ref_3, ref_4) SELECT 1 + g % 2000, 1 + g * 7 % 2000, 1 + g * 11 % 2000, nullif(g, 1) - 1 FROM generate_series(1, 40000) g;
		CREATE INDEX ON lc (ref_1); CREATE INDEX ON lc (ref_2); CREATE INDEX ON lc (ref_3); CREATE INDEX ON lc (ref_4);
		ANALYZE");
	# parents above 2000 come and go; children refer to them where the key lets them
	append_to_file("$dir/load.sql", <<'SQL');
\set p random(1, 2500)
\set q random(2001, 2500)
\set id random(1, 40000)
\set ref random(1, 3)
INSERT INTO lc (ref_1, ref_2, ref_3) SELECT :p, :p, :p WHERE EXISTS (SELECT FROM lp WHERE id = :p) AND EXISTS (SELECT FROM lq WHERE id = :p);
UPDATE lc SET ref_:ref = :p, hits = hits + 1 WHERE id = :id AND EXISTS (SELECT FROM lp WHERE id = :p) AND EXISTS (SELECT FROM lq WHERE id = :p);
UPDATE lc SET hits = hits + 1 WHERE id = :id;
UPDATE lp SET hits = hits + 1 WHERE id = :p;
DELETE FROM lc WHERE id = :id AND random() < 0.1;
DO $$
DECLARE
	tab text := (ARRAY['lp', 'lq'])[1 + (random() * 1.99)::int % 2];
	num int := 2001 + (random() * 499)::int;
BEGIN
	EXECUTE format('DELETE FROM %I WHERE id = %s', tab, num);
EXCEPTION WHEN foreign_key_violation THEN
	NULL;
END$$;
DO $$
DECLARE
	num int := 2001 + (random() * 499)::int;
BEGIN
	INSERT INTO lp VALUES (num) ON CONFLICT DO NOTHING;
	INSERT INTO lq VALUES (num) ON CONFLICT DO NOTHING;
END$$;
SQL
	local $ENV{PGAPPNAME} = 'load';
	my $load = IPC::Run::start([ 'pgbench', '--no-vacuum', '--client=6', '--jobs=2', '--time=600', '--max-tries=1000', '--random-seed=' . seed(),
			'--file=' . "$dir/load.sql", '-d', $node->connstr('postgres') ], '<', '/dev/null', '>', "$dir/load.out", '2>&1');
	ok(wait_for(sub { query("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'load'") >= 6 }), 'pgbench runs');

	my %seen;
	for my $round (1 .. $rounds)
	{
		query("SET client_min_messages = error;
			SELECT sg_plan_create('load', replace => true);
			SELECT sg_plan_add_fk('load', 'lc', ARRAY['ref_1'], 'lp', fk_name => 'key_1', orphans => 'leave');
			SELECT sg_plan_add_fk('load', 'lc', ARRAY['ref_2'], 'lq', fk_name => 'key_2', orphans => 'leave');
			SELECT sg_plan_add_fk('load', 'lc', ARRAY['ref_3'], 'lp', fk_name => 'key_3', orphans => 'leave');
			SELECT sg_plan_add_fk('load', 'lc', ARRAY['ref_4'], 'lc', fk_name => 'key_4', on_delete => 'set null', orphans => 'leave')");
		# in between, orphans that were made before the keys were there are swept away
		query("SET client_min_messages = error; CALL sg_add_fks('load', validate => false)");
		query("DELETE FROM lc WHERE NOT EXISTS (SELECT FROM lp WHERE id = ref_1) OR NOT EXISTS (SELECT FROM lq WHERE id = ref_2)
			OR NOT EXISTS (SELECT FROM lp WHERE id = ref_3) OR ref_4 IS NOT NULL AND NOT EXISTS (SELECT FROM lc l WHERE l.id = lc.ref_4)") if $round % 2;
		query("SET client_min_messages = error; SET schemaguard.validate_with = scan; CALL sg_add_fks('load')");
		$seen{$_->[0]} += $_->[1] for rows($node, "SELECT CASE WHEN convalidated THEN 'valid' ELSE 'not valid' END, count(*) FROM pg_constraint
			WHERE contype = 'f' AND conrelid = 'lc'::regclass GROUP BY 1");
		is(query("SELECT string_agg(fk_name || ' ' || orphan_rows, ', ') FROM sg_orphan_audit_details('lc') WHERE state = 'valid' AND result <> 'pass'"), '',
			"round $round: every key that is valid holds");
		# pgbench and we may well get into each other's way here
		my $drop = 'ALTER TABLE lc ' . join(', ', map { "DROP CONSTRAINT key_$_" } 1 .. 4);
		ok(wait_for(sub { error_of($node, $drop) eq '' }), "round $round: the keys are dropped") if $round < $rounds;
	}
	$load->signal('ALRM');
	$load->finish;
	like(slurp_file("$dir/load.out"), qr/^number of failed transactions: 0 /m, 'no transaction of pgbench failed') or diag(slurp_file("$dir/load.out"));
	is(query("SELECT string_agg(fk_name || ' ' || orphan_rows, ', ') FROM sg_orphan_audit_details('lc') WHERE state = 'valid' AND result <> 'pass'"), '',
		'and still holds when the load is over');
	cmp_ok($seen{valid} // 0, '>=', $rounds, 'there were valid keys');
	cmp_ok(query("SELECT count(*) FROM schemaguard.audit_log WHERE plan = 'load' AND message LIKE 'validated by one scan%'"), '>=', $rounds,
		'which a scan had validated');
	is(log_gaps($node, 'load'), '', 'every start has its outcome');
	note("keys: " . join(', ', map { "$seen{$_} $_" } sort keys %seen));
}

my $log = slurp_file($node->logfile);
unlike($log, qr/PANIC|TRAP:|was terminated by signal (?:6|7|8|11)\b/, 'no process of the server crashed by itself');
$node->stop;
done_testing();
