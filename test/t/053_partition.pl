# 053_partition.pl: a partitioned child moves from one parent to another: killed at every place, and under load.
#
# One step gives a partitioned child of three levels a key to a new partitioned parent and drops the old key.  The
# server is killed with SIGKILL at every place of every action, and after each restart keys, steps and log agree: a
# partition has the key at most once, the whole table has it only as the sum of its partitions' keys, and the old key
# is there until the new one is valid.  In the end each action was done once.
#
# Then the same while an application writes child and parents: no transaction fails, and nobody waits for the
# deployment longer than schemaguard.lock_timeout plus 50 ms (SG_LONG=1; normal runs, which other tests may
# hold up, assert 1.5 s).  Partitions come and go meanwhile.  Attaching reads no
# rows, which the counts of sequential scans say.
#
# rooms: deploy
# takes: 20 s
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use IPC::Run ();
use PostgreSQL::Test::Utils;
use SgTest;
use SgLoad;
use Test::More;

my $lock_timeout = 100;
my $node = new_node('partition', conf => "shared_buffers = 64MB\nautovacuum = off\nlog_min_messages = notice\nschemaguard.workers = 1\n");
my $one_by_one = major($node) < 18;

sub query { return $node->safe_psql('postgres', $_[0]); }

# Child rows_SUFFIX with the old key, two partitioned parents, the plan SUFFIX; partitions on two levels
sub table_script
{
	my ($suffix, $rows) = @_;

	return <<SQL;
CREATE TABLE old_$suffix (id int PRIMARY KEY, hits int) PARTITION BY RANGE (id);
CREATE TABLE old_${suffix}_1 PARTITION OF old_$suffix DEFAULT;
CREATE TABLE new_$suffix (id int PRIMARY KEY, hits int) PARTITION BY RANGE (id);
CREATE TABLE new_${suffix}_1 PARTITION OF new_$suffix FOR VALUES FROM (MINVALUE) TO (500);
CREATE TABLE new_${suffix}_2 PARTITION OF new_$suffix FOR VALUES FROM (500) TO (MAXVALUE);
INSERT INTO old_$suffix SELECT generate_series(1, 1000), 0;
INSERT INTO new_$suffix SELECT generate_series(1, 1000), 0;
CREATE TABLE rows_$suffix (id int, ref int CONSTRAINT old_key REFERENCES old_$suffix) PARTITION BY RANGE (id);
CREATE TABLE rows_${suffix}_1 PARTITION OF rows_$suffix FOR VALUES FROM (MINVALUE) TO (100);
CREATE TABLE rows_${suffix}_2 (ref int, gone int, id int);
ALTER TABLE rows_${suffix}_2 DROP COLUMN gone;
ALTER TABLE rows_$suffix ATTACH PARTITION rows_${suffix}_2 FOR VALUES FROM (100) TO (1000);
CREATE TABLE rows_${suffix}_3 PARTITION OF rows_$suffix FOR VALUES FROM (1000) TO (MAXVALUE) PARTITION BY RANGE (id);
CREATE TABLE rows_${suffix}_31 PARTITION OF rows_${suffix}_3 FOR VALUES FROM (1000) TO (10000);
CREATE TABLE rows_${suffix}_32 PARTITION OF rows_${suffix}_3 FOR VALUES FROM (10000) TO (10000000);
INSERT INTO rows_$suffix SELECT g, 1 + g % 1000 FROM generate_series(1, $rows) g;
SELECT sg_plan_create('$suffix');
SELECT sg_plan_add_fk('$suffix', 'rows_$suffix', '{ref}', 'new_$suffix', fk_name => 'new_key', replaces => 'old_key',
					  orphans => 'leave', index => false);
SQL
}

sub make_tables_of { my ($suffix, $rows) = @_; return query(table_script($suffix, $rows)); }

# What is wrong with keys, steps and log at this moment
sub wrong
{
	my ($suffix) = @_;

	return query(<<SQL);
WITH tree AS (
	SELECT relid::oid, isleaf FROM pg_partition_tree('rows_$suffix')
), new_keys AS (
	SELECT c.oid, c.conrelid, c.conparentid, c.convalidated FROM pg_constraint c
	WHERE c.contype = 'f' AND c.conrelid IN (SELECT relid FROM tree) AND c.confrelid = 'new_$suffix'::regclass
), whole AS (
	SELECT * FROM new_keys WHERE conrelid = 'rows_$suffix'::regclass
), old_key AS (
	SELECT FROM pg_constraint WHERE conname = 'old_key' AND conrelid = 'rows_$suffix'::regclass
)
SELECT 'a table has the key twice' FROM new_keys GROUP BY conrelid HAVING count(*) > 1
UNION ALL
SELECT format('%s has no part of the key', relid::regclass) FROM tree
WHERE EXISTS (SELECT FROM whole) AND relid NOT IN (SELECT conrelid FROM new_keys)
UNION ALL
SELECT format('%s is not attached', conrelid::regclass) FROM new_keys
WHERE EXISTS (SELECT FROM whole) AND conparentid = 0 AND conrelid <> 'rows_$suffix'::regclass
UNION ALL
SELECT 'the old key is gone before the new one is valid'
WHERE NOT EXISTS (SELECT FROM old_key) AND NOT EXISTS (SELECT FROM whole WHERE convalidated)
UNION ALL
SELECT format('the step is %s', state) FROM schemaguard.plan_step WHERE plan = '$suffix'
	AND state <> CASE WHEN NOT EXISTS (SELECT FROM old_key) THEN 'validated'
					  WHEN EXISTS (SELECT FROM whole)
						OR (SELECT count(*) FROM tree WHERE isleaf) = (SELECT count(*) FROM new_keys) THEN 'added'
					  ELSE 'pending' END
UNION ALL
SELECT format('constraint %s has %s triggers', c.conname, count(t.oid))
FROM pg_constraint c LEFT JOIN pg_trigger t ON t.tgconstraint = c.oid AND t.tgenabled = 'O'
WHERE c.oid IN (SELECT oid FROM new_keys WHERE conparentid = 0) GROUP BY c.oid, c.conname HAVING count(t.oid) <> 4
SQL
}

sub open_starts { my ($suffix) = @_; return scalar(split /\n/, log_gaps($node, $suffix)); }

# ---------------------------------------------------------------------------------------------------------------------
# Traps as those of SgLoad, but at an action on an object

query(<<'SQL');
CREATE UNLOGGED TABLE trap (place text, object text);
CREATE FUNCTION trap_here(place text, object text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
	WHILE EXISTS (SELECT FROM public.trap t WHERE t.place = $1 AND t.object = $2) LOOP
		PERFORM set_config('application_name', 'trapped', true), pg_sleep(0.005);
	END LOOP;
END$$;
CREATE FUNCTION trap_in_log() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	PERFORM public.trap_here(NEW.phase || ' ' || NEW.action, NEW.object);
	RETURN NULL;
END$$;
CREATE TRIGGER trap AFTER INSERT ON schemaguard.audit_log FOR EACH ROW EXECUTE FUNCTION trap_in_log();
CREATE FUNCTION trap_in_ddl() RETURNS event_trigger LANGUAGE plpgsql AS $$
BEGIN
	IF EXISTS (SELECT FROM public.trap) THEN
		PERFORM public.trap_here(
			CASE TG_EVENT WHEN 'ddl_command_start' THEN 'before ' ELSE 'after ' END || l.action, l.object)
		FROM (SELECT l.action, l.object FROM schemaguard.audit_log l WHERE l.phase = 'started'
			  ORDER BY l.id DESC LIMIT 1) l;
	END IF;
END$$;
CREATE EVENT TRIGGER trap_before ON ddl_command_start WHEN TAG IN ('ALTER TABLE') EXECUTE FUNCTION trap_in_ddl();
CREATE EVENT TRIGGER trap_after ON ddl_command_end WHEN TAG IN ('ALTER TABLE') EXECUTE FUNCTION trap_in_ddl();
SQL

# Out of a trap, on to the next one
sub leave_trap
{
	my ($place) = @_;

	my $there = "SELECT pid || ' ' || xact_start FROM pg_stat_activity WHERE application_name = 'trapped'";
	my $before = query($there);
	query("DELETE FROM trap WHERE place = '$place'");
	# each trap is in a transaction of its own
	wait_for(sub { query($there) ne $before }) or die "nobody leaves the trap\n";
}

# The actions of a step in their order, as [ action, object ]
sub actions
{
	my ($suffix) = @_;
	my @parts = map { "new_key ON public.rows_${suffix}_$_" } qw(1 2 31 32);
	my $whole = "new_key ON public.rows_$suffix";

	return ($one_by_one ? ((map { [ 'add', $_ ] } @parts), (map { [ 'validate', $_ ] } @parts), [ 'add', $whole ])
			: ([ 'add', $whole ], [ 'validate', $whole ]),
		[ 'replace', "old_key ON public.rows_$suffix" ]);
}

sub check_finished
{
	my ($suffix) = @_;

	is(wrong($suffix), '', "$suffix: keys, step and triggers are as they should be");
	is(log_gaps($node, $suffix), '', "$suffix: every start in the log has exactly one outcome");
	is(query("SELECT state || coalesce(reason, '') FROM schemaguard.plan_step WHERE plan = '$suffix'"), 'validated',
		"$suffix: the step is validated");
	is(query("SELECT string_agg(fk_name || ' ' || state || ' ' || result, ', ') FROM sg_orphan_audit_details('rows_$suffix')"),
		'new_key valid pass', "$suffix: the new key is valid, armed, and holds; the old one is gone");
}

# ---------------------------------------------------------------------------------------------------------------------
# Killed at exact places
{
	my ($survivors, $kills) = (0, 0);
	my @places = ('started', 'before', 'after', 'done');

	make_tables_of('a', 20000);
	for my $action (actions('a'))
	{
		for my $place (long_run() ? @places : @places[ $kills % 2 ? (0, 2) : (1, 3) ])
		{
			query("INSERT INTO trap VALUES ('$place $action->[0]', '$action->[1]')");
			my $s = SgTest::Session->new($node);
			$s->send("CALL sg_add_fks('a')");
			ok(wait_trapped($node), "$place $action->[0] of $action->[1] is reached") or BAIL_OUT($s->{stderr});
			crash($node);
			$survivors++ if defined $s->collect;
			$node->start;
			my $wrong = wrong('a');
			ok($wrong eq '' && open_starts('a') <= 1, 'after a kill there, keys, step and log agree') or diag($wrong);
		}
		$kills++;
	}
	is($survivors, 0, 'no call outlived its server');
	is(query('SELECT count(*) FROM trap'), 0, 'traps are gone');
	query("CALL sg_add_fks('a')");
	check_finished('a');
	my $expected = join ', ', map { "$_->[0] $_->[1] 1" } actions('a');
	is(query("SELECT string_agg(format('%s %s %s', action, object, n), ', ' ORDER BY first)
			  FROM (SELECT action, object, count(*) AS n, min(id) AS first FROM schemaguard.audit_log
					WHERE plan = 'a' AND phase = 'done' AND step IS NOT NULL AND action NOT LIKE 'plan %'
					GROUP BY action, object) x"),
		$expected, 'each action was done once, in this order');
	my $before = everything($node, 'a');
	query("CALL sg_add_fks('a')");
	ok(everything($node, 'a') eq $before, 'running it again changes nothing');
}

# ---------------------------------------------------------------------------------------------------------------------
# Somebody is in the way of the last action: the old key stays, the step says so, the next call goes on
{
	make_tables_of('b', 1000);
	my $s = SgTest::Session->new($node);
	$s->query("CALL sg_add_fks('b', validate => false)");
	like($s->{err}, $one_by_one ? qr/: added to \d+ partitions$/m : qr/: added$/m, 'the message says how it is added');
	$s->quit;
	my $holder = SgTest::Session->new($node);
	$holder->query('BEGIN; SELECT FROM old_b LIMIT 1');
	query("SET schemaguard.lock_attempts = 2; CALL sg_add_fks('b')");
	is(query("SELECT state || ': ' || reason FROM schemaguard.plan_step WHERE plan = 'b'"),
		'added: could not lock public.old_b in 2 attempts; column blockers of the log says who was in the way',
		'an old parent in use');
	is(query("SELECT blockers->0->>'pid' FROM schemaguard.audit_log WHERE plan = 'b' AND phase = 'failed'"),
		$holder->{pid}, 'and who uses it');
	is(wrong('b'), '', 'leaves all as it should be');
	$holder->query('COMMIT');
	$holder->quit;
	query("CALL sg_add_fks('b')");
	check_finished('b');
}

# ---------------------------------------------------------------------------------------------------------------------
# Partitions come and go between the actions
SKIP:
{
	skip 'the whole table gets the key at once', 11 unless $one_by_one;

	make_tables_of('c', 1000);
	my @parts = map { "new_key ON public.rows_c_$_" } qw(1 2 31 32);
	query("INSERT INTO trap VALUES ('started validate', '$parts[3]')");
	my $s = SgTest::Session->new($node);
	$s->send("CALL sg_add_fks('c')");
	ok(wait_trapped($node), 'all partitions have the key');
	query(<<SQL);
ALTER TABLE rows_c DETACH PARTITION rows_c_1;
CREATE TABLE rows_c_0 PARTITION OF rows_c FOR VALUES FROM (MINVALUE) TO (0);
INSERT INTO rows_c VALUES (-1, 1);
SQL
	query("INSERT INTO trap VALUES ('started add', 'new_key ON public.rows_c')");
	leave_trap('started validate');
	ok(wait_trapped($node), 'the last action begins: every partition has a valid key');
	query(<<SQL);
CREATE TABLE rows_c_00 PARTITION OF rows_c_3 FOR VALUES FROM (20000000) TO (30000000);
INSERT INTO trap VALUES ('before add', 'new_key ON public.rows_c');
SQL
	leave_trap('started add');
	ok(wait_trapped($node), 'it is under its locks');
	is(query("SELECT string_agg(DISTINCT mode, ', ') FROM pg_locks WHERE pid = $s->{pid} AND granted
			  AND relation::regclass::text ~ '^(new|rows)_c(_[0-9]+)?\$'"), 'AccessExclusiveLock',
		'which are as strong as they have to be from the beginning');
	spring_traps($node);
	$s->collect;
	is($s->sqlstate, '', 'the call ends');
	check_finished('c');
	is(query("SELECT string_agg(phase, ', ' ORDER BY id) FROM schemaguard.audit_log
			  WHERE plan = 'c' AND phase <> 'started' AND action = 'add' AND object = 'new_key ON public.rows_c'"),
		'skipped, done', 'a partition that came before the locks were there has put off the last action');
	is(query("SELECT count(*) FROM schemaguard.audit_log WHERE plan = 'c' AND phase = 'done' AND object LIKE '%rows_c_0'"), '2',
		'a partition that came has been given the key and validated');
	$s->quit;
}

# ---------------------------------------------------------------------------------------------------------------------
# A table without partitions takes its place
SKIP:
{
	skip 'the whole table gets the key at once', 3 unless $one_by_one;

	query(q{CREATE TABLE taken_p (id int PRIMARY KEY); CREATE TABLE taken (ref int) PARTITION BY LIST (ref);
		CREATE TABLE taken_1 PARTITION OF taken FOR VALUES IN (1); CREATE TABLE taken_2 PARTITION OF taken FOR VALUES IN (2);
		SELECT sg_plan_create('taken'), sg_plan_add_fk('taken', 'taken', '{ref}', 'taken_p', fk_name => 'k', index => false)});
	query(q{INSERT INTO trap VALUES ('started add', 'k ON public.taken_1')});
	my $s = SgTest::Session->new($node);
	$s->send(q{CALL sg_add_fks('taken')});
	ok(wait_trapped($node), 'the first partition gets the key');
	query('ALTER TABLE taken RENAME TO went; CREATE TABLE taken (ref int)');
	spring_traps($node);
	$s->collect;
	is($s->sqlstate, '', 'the call ends');
	is(query(q{SELECT state || ': ' || reason FROM schemaguard.plan_step WHERE plan = 'taken'}),
		'skipped: table public.taken, which had partitions, was replaced meanwhile', 'the step says why it is left');
	$s->quit;
}

# ---------------------------------------------------------------------------------------------------------------------
# By workers, some partitions at a time
SKIP:
{
	skip 'VALIDATE of the whole table is one statement', 20 unless $one_by_one;

	my $valid = "SELECT count(*) FROM pg_constraint WHERE conname = 'new_key' AND convalidated AND conrelid::regclass::text LIKE 'rows_f_%'";
	make_tables_of('f', 5000);
	query("CALL sg_add_fks('f', validate => false)");
	my $holder = SgTest::Session->new($node);
	$holder->query('BEGIN; LOCK TABLE rows_f_1 IN SHARE UPDATE EXCLUSIVE MODE');
	my $s = SgTest::Session->new($node);
	$s->query('SET schemaguard.workers = 2');
	$s->send("CALL sg_add_fks('f')");
	ok(wait_for(sub { query($valid) eq '3' }), 'while one partition can not be locked, the others become valid');
	is(query("SELECT state FROM schemaguard.plan_step WHERE plan = 'f'"), 'added', 'the step is not further by that');
	$holder->query('COMMIT');
	$holder->quit;
	$s->collect;
	is($s->sqlstate, '', 'the call ends');
	check_finished('f');
	is(query("SELECT stands FROM schemaguard.fk_trust WHERE child_table = 'public.rows_f' AND fk_name = 'new_key'"), 't',
		'the key is proved as those of its partitions were');

	# orphans in two of them
	make_tables_of('g', 12000);
	query('DELETE FROM new_g WHERE id = 5; DELETE FROM rows_g WHERE ref = 5 AND id BETWEEN 100 AND 10000');
	$s->query("CALL sg_add_fks('g')");
	is(query("SELECT string_agg(object || ' ' || phase, ', ' ORDER BY object) FROM schemaguard.audit_log
			  WHERE plan = 'g' AND action = 'validate' AND phase <> 'started'"),
		'new_key ON public.rows_g_1 failed, new_key ON public.rows_g_2 done, new_key ON public.rows_g_31 done, new_key ON public.rows_g_32 failed',
		'orphans in two partitions: the others are validated');
	like(query("SELECT state || ': ' || reason FROM schemaguard.plan_step WHERE plan = 'g'"),
		qr/^added: \d orphan rows? with 1 distinct key$/, 'the step says why it is not');
	query('INSERT INTO new_g VALUES (5, 0)');
	$s->query("CALL sg_add_fks('g')");
	check_finished('g');

	# the server dies while a worker is at it; the log, unlike the event triggers, knows which of two workers
	make_tables_of('h', 2000);
	query("INSERT INTO trap VALUES ('done validate', 'new_key ON public.rows_h_31')");
	$s->send("CALL sg_add_fks('h')");
	ok(wait_trapped($node), 'a worker is at a partition');
	crash($node);
	$s->collect;
	$node->start;
	is(wrong('h'), '', 'after a kill there, keys and step agree');
	query('DELETE FROM trap');
	query("SET schemaguard.workers = 2; CALL sg_add_fks('h')");
	check_finished('h');
}

# ---------------------------------------------------------------------------------------------------------------------
# Under load
sub write_file
{
	my ($name, $text) = @_;
	my $path = PostgreSQL::Test::Utils::tempdir() . "/$name";

	open my $file, '>', $path or die "$path: $!";
	print $file $text;
	close $file;
	return $path;
}

{
	my $dir = PostgreSQL::Test::Utils::tempdir();

	make_tables_of('d', 200000);
	query(<<'SQL');
DROP EVENT TRIGGER trap_before;
DROP EVENT TRIGGER trap_after;
DROP TRIGGER trap ON schemaguard.audit_log;
CREATE UNLOGGED TABLE seen (at timestamptz, pid int, waiting_since timestamptz);
CREATE UNLOGGED TABLE stop_observer ();
CREATE PROCEDURE observe(culprit int) LANGUAGE plpgsql AS $$
BEGIN
	WHILE NOT EXISTS (SELECT FROM stop_observer) LOOP
		PERFORM pg_stat_clear_snapshot();
		INSERT INTO seen
			SELECT clock_timestamp(), l.pid, l.waitstart FROM pg_locks l
			WHERE NOT l.granted AND culprit = ANY (pg_blocking_pids(l.pid));
		INSERT INTO seen VALUES (clock_timestamp());
		COMMIT;
		PERFORM pg_sleep(0.005);
	END LOOP;
END$$;
VACUUM ANALYZE;
SQL
	my $script = write_file('mixed.sql', <<'SQL');
\set id random(1, 200000)
\set ref random(1, 1000)
\set other random(1, 1000)
BEGIN;
INSERT INTO rows_d VALUES (:id, :ref);
UPDATE new_d SET hits = hits + 1 WHERE id = :other;
COMMIT;
UPDATE rows_d SET ref = :ref WHERE id = :id;
SELECT count(*) FROM rows_d WHERE id = :id;
SELECT hits FROM old_d WHERE id = :ref;
SQL
	query('CREATE INDEX ON rows_d (id)');
	my $out = "$dir/pgbench.out";
	my $load = IPC::Run::start(
		[
			'pgbench', '--no-vacuum', '--time=300', '--client=4', '--rate=100', '--random-seed=' . seed(),
			'-f', $script, '-d', $node->connstr('postgres') . ' application_name=pgbench'
		],
		'<', '/dev/null', '>', $out, '2>&1');
	ok(wait_for(sub { query("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pgbench'") >= 4 }), 'the application runs');

	my $s = SgTest::Session->new($node);
	my $observer = SgTest::Session->new($node);
	$observer->send("SET synchronous_commit = off; CALL observe($s->{pid})");
	ok(wait_for(sub { query('SELECT count(*) > 0 FROM seen') eq 't' }), 'the observer looks');
	query('SELECT pg_stat_reset()');
	$s->query("CALL sg_add_fks('d')");
	my $notices = $s->{err};
	is($s->sqlstate, '', 'the deployment ends') or diag($notices);
	my $scans = query("SELECT max(seq_scan) FROM pg_stat_user_tables WHERE relname ~ '^rows_d_'");
	wait_for(sub { query('SELECT count(*) > 40 FROM seen') eq 't' });
	query('INSERT INTO stop_observer DEFAULT VALUES');
	$observer->collect;
	$observer->quit;
	$load->signal('ALRM');
	$load->finish;
	my $text = slurp_file($out);
	is($load->result(0), 0, 'the application ends') or diag($text);
	like($text, qr/^number of failed transactions: 0 /m, 'none of its transactions failed');
	my $log = slurp_file($node->logfile);
	my @errors = $log =~ /^.* pgbench (?:ERROR|FATAL|PANIC):.*$/mg;
	is(scalar(@errors), 0, 'no error in a backend of the application') or diag(join "\n", @errors);
	check_finished('d');

	my ($longest, $waits, $samples) = split /\|/, query(<<'SQL');
SELECT coalesce(round(max(extract(epoch FROM until - since) * 1000)), 0), count(*),
	   (SELECT count(*) FROM seen WHERE pid IS NULL)
FROM (SELECT pid, coalesce(waiting_since, at) AS since, max(at) AS until FROM seen WHERE pid IS NOT NULL GROUP BY 1, 2) w
SQL
	cmp_ok($samples, '>', 20, 'the observer was there');
	cmp_ok($longest, '<', bound($lock_timeout + 50, 1500), 'nobody waited longer for the deployment than lock_timeout + 50 ms');
	diag("longest block $longest ms, $waits waits in $samples samples; a partition was read in sequence $scans times");
	diag('attempts, ms: ' . query("SELECT string_agg(format('%s %s: %s, %s', action, object, attempt, round(elapsed_ms)), '; ' ORDER BY id)
		FROM schemaguard.audit_log WHERE plan = 'd' AND phase = 'done' AND attempt IS NOT NULL"));
	$s->quit;

	# what attaching reads, where nobody else reads
	if ($one_by_one)
	{
		# in one session, which tells its counts before it answers: others would tell them as they end, which nobody waits for
		my $counted = SgTest::Session->new($node);
		$counted->query($_) foreach table_script('e', 50000), 'SELECT pg_stat_force_next_flush()', 'SELECT pg_stat_reset()',
			"CALL sg_add_fks('e')", 'SELECT pg_stat_force_next_flush()';
		is($counted->query("SELECT max(seq_scan) FROM pg_stat_user_tables WHERE relname ~ '^rows_e_'"),
			'1', 'each partition is read once, by VALIDATE, and never to attach its key');
		$counted->quit;
	}
}

my $log = slurp_file($node->logfile);
unlike($log, qr/PANIC|TRAP:|was terminated by signal (?:6|7|8|11)\b/, 'no process of the server crashed by itself');
$node->stop;

done_testing();
