# 054_fix.pl: orphans are removed while the server is killed, the call is cancelled, and others hold or change the rows.
#
# Whatever happens, a row is either in its table or in quarantine, once: what the tables held in the beginning is what
# tables and quarantine hold together at any time.  The log says how many rows went, batch by batch, also after a crash.
# SG_LONG=1 kills more often and runs pgbench for longer.
#
# rooms: fix
# takes: 20 s
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Utils;
use SgTest;
use SgLoad;
use Test::More;
use Time::HiRes 'time';

srand(seed());

my $node = new_node('fix', conf => "schemaguard.fix_limit = -1\nshared_buffers = 32MB\nautovacuum = off\nlog_min_messages = notice\n");
my $dir = PostgreSQL::Test::Utils::tempdir();

sub query { return $node->safe_psql('postgres', $_[0]); }

# The settings come with the connection: a CALL can't share a message with SET.  One that does not end is given up.
sub call
{
	my ($sql, %settings) = @_;
	my ($out, $err, $late);
	local $ENV{PGOPTIONS} = join ' ', map { "-c schemaguard.$_=$settings{$_}" } keys %settings;

	$node->psql('postgres', $sql, stdout => \$out, stderr => \$err, timeout => SgTest::patience() / 3, timed_out => \$late);
	return $late ? "no answer\n$err" : $err;
}

sub call_in_background
{
	my ($sql, %settings) = @_;
	local $ENV{PGOPTIONS} = join ' ', map { "-c schemaguard.$_=$settings{$_}" } keys %settings;
	my $s = SgTest::Session->new($node);

	$s->send($sql);
	return $s;
}

# child refers to parent, and half of it is orphans; grand refers to child, and goes with it
sub make_family
{
	my ($name, $rows, $policy) = @_;

	query(<<SQL);
CREATE TABLE parent_$name (id int PRIMARY KEY, at timestamptz DEFAULT clock_timestamp());
INSERT INTO parent_$name SELECT g, '2000-01-01' FROM generate_series(0, 2 * $rows, 2) g;
CREATE TABLE child_$name (id int PRIMARY KEY, ref int, n int DEFAULT 0, note text DEFAULT 'a, (b) "c"');
INSERT INTO child_$name (id, ref) SELECT g, g FROM generate_series(1, $rows) g;
CREATE TABLE grand_$name (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	child int REFERENCES child_$name ON DELETE CASCADE);
CREATE INDEX ON grand_$name (child);
INSERT INTO grand_$name (child) SELECT g FROM generate_series(1, $rows, 3) g;
SELECT sg_plan_create('$name');
SELECT sg_plan_add_fk('$name', 'child_$name', '{ref}', 'parent_$name', fk_name => 'key_$name', index => false,
	orphans => '$policy', quarantine_cascades => '$policy' IN ('quarantine', 'delete'));
SQL
	call("CALL sg_add_fks('$name', validate => false)");
}

# Every row, wherever it is, as text
sub all_rows
{
	my ($name) = @_;

	return query(<<SQL);
SELECT count(*), count(DISTINCT r), md5(string_agg(r, ',' ORDER BY r COLLATE "C")) FROM (
	SELECT 'child ' || c::text AS r FROM child_$name c UNION ALL SELECT 'grand ' || g::text FROM grand_$name g
	UNION ALL SELECT replace(replace(row_table, 'public.', ''), '_$name', ' ') || row_text FROM schemaguard.quarantine
	WHERE plan = '$name') x
SQL
}

sub tables_alone
{
	my ($name) = @_;

	return query(<<SQL);
SELECT count(*), count(DISTINCT r), md5(string_agg(r, ',' ORDER BY r COLLATE "C")) FROM (
	SELECT 'child ' || c::text AS r FROM child_$name c UNION ALL SELECT 'grand ' || g::text FROM grand_$name g) x
SQL
}

sub orphans
{
	my ($name) = @_;

	return query("SELECT count(*) FROM child_$name c WHERE NOT EXISTS (SELECT FROM parent_$name p WHERE p.id = c.ref) AND ref IS NOT NULL");
}

sub logged
{
	my ($name, $action) = @_;

	return query("SELECT coalesce(sum(rows_affected), 0) FROM schemaguard.audit_log WHERE plan = '$name' AND action = '$action' AND phase = 'done'");
}

sub in_quarantine { return query("SELECT count(*) FROM schemaguard.quarantine WHERE plan = '$_[0]'"); }

# ---------------------------------------------------------------------------------------------------------------------
# Killed at any moment, on the way into quarantine and back
{
	my $rows = long_run() ? 30000 : 8000;
	my %limit = (fix => long_run() ? 40 : 4, restore => long_run() ? 20 : 2);

	make_family('a', $rows, 'quarantine');
	my $before = all_rows('a');
	my $wrong = '';

	for my $way (['fix', "CALL sg_fix_orphans('a', batch => 100)"], ['restore', "CALL sg_restore_quarantine('a')"])
	{
		my ($action, $sql) = @$way;
		my ($kills, $halfway) = (0, 0);
		my $left = sub { return $action eq 'fix' ? orphans('a') : in_quarantine('a'); };

		while ($kills < $limit{$action})
		{
			# half of them after a batch has been committed, the others wherever that happens to be
			my $before_kill = logged('a', $action);
			my $after_batch = $kills % 2 == 0;
			my $s = call_in_background($sql, fix_pause => $after_batch ? 60000 : 100);
			wait_for(sub { logged('a', $action) > $before_kill || !$left->() }) if $after_batch;
			nap(rand(0.3));
			crash($node);
			$s->collect;
			$node->start;
			$kills++;
			note "$action $kills: " . in_quarantine("a") . " in quarantine, log " . logged("a", $action);
			my $now = all_rows('a');
			$wrong .= "after kill $kills of $action: $now instead of $before\n" if $now ne $before;
			my $kept = in_quarantine('a');
			my $log = logged('a', 'fix') - logged('a', 'restore');
			$wrong .= "after kill $kills of $action: $kept in quarantine, $log in the log\n" if $kept ne $log;
			my @open = split /\n/, log_gaps($node, 'a');
			$wrong .= "after kill $kills of $action: @open\n" if @open > 1;
			$halfway++ if $action eq 'fix' ? $kept > 0 && orphans('a') > 0 : $kept > 0 && $kept < 2 * $rows / 3;
		}
		cmp_ok($halfway, '>=', 1, "$action: $halfway of $kills kills hit it half way");
		like(call($sql, fix_pause => 0), $action eq 'fix' ? qr/quarantined|no orphan rows/ : qr/0 left in quarantine/, "$action: the last call ends it");
		if ($action eq 'fix')
		{
			is(orphans('a'), '0', 'no orphan is left');
			is(all_rows('a'), $before, 'no row is lost, none is there twice');
			like(call("CALL sg_add_fks('a')"), qr/1 validated/, 'the key is valid');
			is(tables_alone('a') eq $before, '', 'rows have gone');
			query('ALTER TABLE child_a DROP CONSTRAINT key_a');
		}
	}
	is($wrong, '', 'after each kill every row was in its table or in quarantine, once, and the log had counted it');
	is(tables_alone('a'), $before, 'in the end the tables are what they were');
	is(in_quarantine('a'), '0', 'and quarantine is empty');
	is(log_gaps($node, 'a'), '', 'every start in the log has one outcome');
}

# ---------------------------------------------------------------------------------------------------------------------
# Cancelled in a batch
{
	make_family('b', 300, 'quarantine');
	my $before = all_rows('b');
	query(<<'SQL');
CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
	IF OLD.id > 200 THEN PERFORM set_config('application_name', 'trapped', true), pg_sleep(600); END IF; RETURN OLD; END$$;
CREATE TRIGGER slow BEFORE DELETE ON child_b FOR EACH ROW EXECUTE FUNCTION slow();
SQL
	my $s = call_in_background("CALL sg_fix_orphans('b', batch => 20)", fix_pause => 0);
	ok(wait_trapped($node), 'a batch is under way');
	query("SELECT pg_cancel_backend($s->{pid})");
	$s->collect;
	is($s->sqlstate, '57014', 'a cancelled call raises 57014');
	is(query("SELECT action, phase, sqlstate FROM schemaguard.audit_log WHERE plan = 'b' ORDER BY id DESC LIMIT 1"),
		'fix|interrupted|57014', 'and its batch is logged as interrupted');
	is(all_rows('b'), $before, 'no row is lost');
	is(in_quarantine('b'), logged('b', 'fix'), 'what went before is in the log');
	cmp_ok(in_quarantine('b'), '>', 0, 'and that is something');

	# a limit on the statement
	like(call("CALL sg_fix_orphans('b', batch => 20)", fix_pause => 0, statement_timeout => 300),
		qr/fix failed: the statement took longer than schemaguard.statement_timeout/, 'the time of a batch can be limited');
	query('DROP TRIGGER slow ON child_b');
	call("CALL sg_add_fks('b', fix => true)");
	is(query("SELECT state FROM schemaguard.plan_step WHERE plan = 'b'"), 'validated', 'the next call ends it');
	is(all_rows('b'), $before, 'with all rows');
	is(log_gaps($node, 'b'), '', 'every start in the log has one outcome');
}

# ---------------------------------------------------------------------------------------------------------------------
# Rows that others hold, and parents that are on their way
{
	make_family('c', 30, 'quarantine');
	my $before = all_rows('c');
	my $holder = SgTest::Session->new($node);

	$holder->query('BEGIN; SELECT FROM child_c WHERE id IN (1, 3, 5) FOR UPDATE');
	my $start = time;
	my $err = call("CALL sg_fix_orphans('c')", fix_pause => 0, lock_budget => 1500);
	like($err, qr/fix failed: orphans were held by process $holder->{pid} \(.*\), in \d+ attempts.*before that: 12 orphan rows quarantined/,
		'orphans that others hold are left, and said to be, and by whom');
	like($err, qr/HINT:  When that is over:\nCALL public\.sg_fix_orphans\('c'\);/, 'the hint calls again');
	cmp_ok(time - $start, '<', bound(20, 120), 'it does not loop for ever');
	is(query("SELECT sqlstate, orphan_rows, blockers -> 0 ->> 'pid' FROM schemaguard.audit_log WHERE plan = 'c' AND phase = 'failed'"), "55P03|3|$holder->{pid}",
		'with the count and the holder in the log');

	# released in time
	my $s = call_in_background("CALL sg_fix_orphans('c')", fix_pause => 0);
	ok(wait_for(sub { query("SELECT count(*) FROM schemaguard.progress WHERE plan = 'c' AND action = 'fix' AND phase = 'pausing'") eq '1' }),
		'a call comes back for them later');
	$holder->query('COMMIT');
	$s->collect;
	like($s->{err}, qr/3 orphan rows quarantined/, 'and finds them free');
	is(orphans('c') . all_rows('c'), "0$before", 'nothing is lost');

	# rows that refer to orphans
	make_family('d', 10, 'delete');
	query("UPDATE grand_d SET child = 1");
	$holder->query('BEGIN; SELECT FROM grand_d WHERE child = 1 FOR UPDATE');
	$s = call_in_background("CALL sg_fix_orphans('d')");
	ok(wait_for(sub { query("SELECT count(*) FROM schemaguard.progress WHERE plan = 'd' AND phase = 'pausing' AND NOT EXISTS
			(SELECT FROM pg_locks WHERE pid = $s->{pid} AND locktype IN ('relation', 'tuple', 'transactionid')
				AND mode <> 'AccessShareLock' AND relation::regclass::text LIKE '%\\_d')") eq '1' }),
		'a row that refers to an orphan and is held: the batch waits for it without any lock');
	$holder->query('COMMIT');
	$s->collect;
	like($s->{err}, qr/4 orphan rows deleted, 1 orphan row quarantined, 4 rows that refer to them quarantined/, 'then all goes together');

	# a parent that is being inserted
	make_family('e', 10, 'delete');
	for my $end ('COMMIT', 'ROLLBACK')
	{
		my $orphan = $end eq 'COMMIT' ? 1 : 3;
		$holder->query("BEGIN; INSERT INTO parent_e VALUES ($orphan)");
		$s = call_in_background("CALL sg_fix_orphans('e')");
		ok(wait_for(sub { query("SELECT count(*) FROM schemaguard.progress WHERE plan = 'e' AND phase = 'pausing'") eq '1' }),
			"$end: a transaction that writes to the parent is waited for");
		is(query('SELECT count(*) FROM child_e WHERE ref % 2 = 1'), $end eq 'COMMIT' ? '5' : '2', 'and nothing is touched before it ends');
		$holder->query($end);
		$s->collect;
		is(query("SELECT count(*) FROM child_e WHERE id = $orphan"), $end eq 'COMMIT' ? '1' : '0',
			$end eq 'COMMIT' ? 'a row whose parent has come stays' : 'a row whose parent has not come goes');
		next if $end eq 'ROLLBACK';
		query('ALTER TABLE child_e DROP CONSTRAINT key_e; INSERT INTO child_e (id, ref) VALUES (3, 3)');
		call("CALL sg_add_fks('e', validate => false)");
	}
	$holder->quit;
}

# ---------------------------------------------------------------------------------------------------------------------
# Under load: rows move, are held, get a parent, and get rows that refer to them
{
	my $rows = 4000;
	my $seconds = long_run() ? 30 : 3;

	make_family('f', $rows, 'quarantine');
	query('CREATE TABLE mended (id int PRIMARY KEY, at timestamptz)');
	open my $file, '>', "$dir/load.sql" or die $!;
	print $file <<SQL;
\\set id random(1, $rows)
\\set other random(1, $rows)
\\set missing 2 * random(1, $rows / 2) - 1
UPDATE child_f SET n = n + 1 WHERE id = :id;
WITH c AS (SELECT id FROM child_f WHERE id = :other FOR KEY SHARE SKIP LOCKED) INSERT INTO grand_f (child) SELECT id FROM c;
BEGIN;
SELECT FROM child_f WHERE id = :other FOR UPDATE SKIP LOCKED;
SELECT pg_sleep(0.003);
COMMIT;
INSERT INTO parent_f VALUES (:missing) ON CONFLICT DO NOTHING;
SQL
	close $file;
	my $bench = IPC::Run::start(
		[ 'pgbench', '-n', '-c', '6', '-T', $seconds, '-R', '150', '-f', "$dir/load.sql", '-d', $node->connstr('postgres') ],
		'>' => "$dir/load.out", '2>' => "$dir/load.err");
	ok(wait_for(sub { query("SELECT count(*) > 10 FROM parent_f WHERE at > '2001-01-01'") eq 't' }), 'the application runs');
	my $said = call("CALL sg_add_fks('f', fix => true)", fix_pause => 20);
	$bench->finish;
	my $out = slurp_file("$dir/load.out") . substr(slurp_file("$dir/load.err"), 0, 2000);
	like($said, qr/1 validated/, 'orphans go and the key is validated while others write') or diag($said);
	like($out, qr/number of failed transactions: 0 /, 'no transaction of theirs fails') or diag($out);
	is(orphans('f'), '0', 'no orphan is left');
	is(query("SELECT count(*), count(DISTINCT id) FROM (SELECT id FROM child_f UNION ALL
			  SELECT (data->>'id')::int FROM schemaguard.quarantine WHERE plan = 'f' AND row_table = 'public.child_f') x"),
		"$rows|$rows", 'every row of the child is there once, or in quarantine');
	is(query("SELECT count(*) - count(DISTINCT id), max(id) - count(*) BETWEEN 0 AND 200 FROM (SELECT id FROM grand_f UNION ALL
			  SELECT (data->>'id')::int FROM schemaguard.quarantine WHERE plan = 'f' AND row_table = 'public.grand_f') x"),
		'0|t', 'every row that referred to them, too');
	is(query("SELECT count(*) FROM grand_f g WHERE NOT EXISTS (SELECT FROM child_f c WHERE c.id = g.child)"), '0', 'none of these is an orphan now');
	# by when its batch began; the parent's transaction may have taken a moment to commit
	is(query("SELECT count(*) FROM schemaguard.quarantine q JOIN parent_f p ON p.id = (q.data->>'ref')::int
			  WHERE q.plan = 'f' AND q.cause = 'orphan' AND p.at < (SELECT max(l.at) FROM schemaguard.audit_log l
				  WHERE l.plan = 'f' AND l.action = 'fix' AND l.phase = 'started' AND l.at <= q.at) - interval '1 second'"),
		'0', 'no row went that had a parent by then');
	cmp_ok(in_quarantine('f'), '>', 100, in_quarantine('f') . ' rows went');
	is(in_quarantine('f'), logged('f', 'fix'), 'as many as the log says');
	is(log_gaps($node, 'f'), '', 'every start in the log has one outcome');
}

# a row that breaks two keys, and of which the first is to keep a copy, is not deleted by the other while it is locked
query(q{CREATE TABLE two_p (id int PRIMARY KEY); CREATE TABLE two_q (id int PRIMARY KEY); CREATE TABLE two (id int PRIMARY KEY, p_id int, q_id int);
	INSERT INTO two SELECT g, 9, 9 FROM generate_series(1, 3) g; SELECT sg_plan_create('two'),
	sg_plan_add_fk('two', 'two', 'p_id', 'two_p', fk_name => 'two_p', index => false, orphans => 'quarantine'),
	sg_plan_add_fk('two', 'two', 'q_id', 'two_q', fk_name => 'two_q', index => false, orphans => 'delete')});
my $holder = SgTest::Session->new($node);
$holder->query('BEGIN; SELECT FROM two WHERE id = 3 FOR UPDATE');
like(call(q{CALL sg_add_fks('two', fix => true)}, lock_attempts => 1), qr/step 1, two_p ON public.two, has not put its rows into quarantine/, 'it waits, with the reason');
is(query('SELECT count(*) FROM two') . in_quarantine('two'), '12', 'and is there');
$holder->query('COMMIT');
query(q{CALL sg_add_fks('two', fix => true, fail => true)});
is(query('SELECT count(*) FROM two') . in_quarantine('two'), '03', 'then it goes, with a copy');
$holder->quit;

my $log = slurp_file($node->logfile);
unlike($log, qr/PANIC|TRAP:|was terminated by signal (?:6|7|8|11)\b|WARNING:  .*(?:leak|reference)/, 'no process of the server crashed, or leaked, by itself');
$node->stop;

done_testing();
