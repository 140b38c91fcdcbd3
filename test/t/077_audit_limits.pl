# 077_audit_limits.pl: what an audit takes, and what is left of it: memory, time to cancel, files, workers.
#
# Shared memory is of kind mmap here, which makes it files below the server's directory: they can be counted.  Where the
# test waits for a piece of an audit to happen, it says which piece by schemaguard.progress.
#
# rooms: audit worker
# takes: 45 s
# majors: one (measures memory and time)
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Utils;
use SgTest;
use SgLoad;
use Test::More;
use Time::HiRes 'time';

my $keys = long_run() ? 3_000_000 : 150_000;

my $node = new_node('limits', conf => <<'CONF');
shared_buffers = 512MB
autovacuum = off
fsync = off
max_wal_size = 1GB
dynamic_shared_memory_type = mmap
restart_after_crash = on
max_worker_processes = 7
max_parallel_workers = 7
max_connections = 30
jit = off
log_min_messages = debug1
CONF
my $data = $node->data_dir;
my $major = major($node);

sub query { return $node->safe_psql('postgres', $_[0]); }

# A parent of uuids, and a child in which none of them comes up; small tables beside them
query(<<SQL);
CREATE TABLE parent (id uuid PRIMARY KEY);
INSERT INTO parent SELECT md5(g::text)::uuid FROM generate_series(1, $keys) g;
CREATE TABLE child (r uuid) PARTITION BY HASH (r);
CREATE TABLE child_0 PARTITION OF child FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE child_1 PARTITION OF child FOR VALUES WITH (MODULUS 2, REMAINDER 1);
INSERT INTO child SELECT md5((-g)::text)::uuid FROM generate_series(1, $keys) g;
CREATE TABLE good (r uuid);
INSERT INTO good SELECT id FROM parent;
CREATE TABLE small_parent (n int PRIMARY KEY, id uuid UNIQUE, t text UNIQUE);
INSERT INTO small_parent SELECT g, md5(g::text)::uuid, 'k' || g FROM generate_series(1, 6000) g;
CREATE TABLE small (n int, id uuid, t text);
INSERT INTO small SELECT g, md5(g::text)::uuid, 'k' || g FROM generate_series(100, 6300) g;
VACUUM (FREEZE, ANALYZE) parent, child_0, child_1, good, small_parent, small;
SELECT sg_plan_create('limits');
SELECT sg_plan_add_fk('limits', 'child', '{r}', 'parent', fk_name => 'orphans', index => false);
SELECT sg_plan_add_fk('limits', 'good', '{r}', 'parent', fk_name => 'good', index => false);
SELECT sg_plan_add_fk('limits', 'small', '{n}', 'small_parent', fk_name => 'small_n', index => false);
SELECT sg_plan_add_fk('limits', 'small', '{id}', 'small_parent', '{id}', fk_name => 'small_id', index => false);
SELECT sg_plan_add_fk('limits', 'small', '{t}', 'small_parent', '{t}', fk_name => 'small_t', index => false);
CHECKPOINT;
SQL

my ($auditor, $observer);

sub audit
{
	my ($table) = @_;

	return "SELECT rows_checked, orphan_rows, orphan_keys, result, method, reason FROM sg_orphan_audit_details('$table') ORDER BY fk_name";
}

sub settings
{
	my ($session, $workers, $memory) = @_;

	$session->query("SET schemaguard.audit_method = scan; SET min_parallel_table_scan_size = 0;
		SET schemaguard.audit_workers = $workers; SET schemaguard.audit_memory = '$memory'");
}

# Is the session done with what was sent?
sub idle
{
	my ($session) = @_;

	IPC::Run::pump_nb($session->{harness});
	return $session->{stdout} =~ /^done-$session->{n}-\n/m;
}

# Bytes of the processes' own memory, of a list of pids
sub rss
{
	my $sum = 0;

	for my $pid (@_)
	{
		open my $status, '<', "/proc/$pid/status" or next;
		while (<$status>) { $sum += $1 * 1024 if /^RssAnon:\s+(\d+) kB/; }
	}
	return $sum;
}

sub workers_of
{
	my ($session) = @_;

	return split /\n/, $observer->query("SELECT pid FROM pg_stat_activity WHERE leader_pid = $session->{pid} AND pid <> leader_pid");
}

# Segments of shared memory, without those that the server and its sessions keep: the list of them all, statistics, what a
# session that has had workers shares with the next ones.  They are there when one audit with workers is over; another
# one leaves no more.
my %own;
sub segments { return grep { !$own{$_} } glob "$data/pg_dynshmem/mmap.*"; }

sub connect_sessions
{
	$_ = SgTest::Session->new($node) for $auditor, $observer;
	settings($auditor, 2, '4MB');
	$auditor->query(audit('small'));
	%own = map { $_ => 1 } glob "$data/pg_dynshmem/mmap.*";
}
connect_sessions();

sub dsm { my $sum = 0; $sum += (stat $_)[12] // 0 for segments(); return $sum * 512; }

# Temporary files, also those in folders that workers share
sub temp_files { return map { -d $_ ? glob "$_/*" : $_ } glob "$data/base/pgsql_tmp/*"; }

sub left_over
{
	return join ', ', map({ s{.*/}{}r } segments(), temp_files()),
		split(/\n/, query("SELECT backend_type FROM pg_stat_activity WHERE backend_type = 'parallel worker'
			UNION ALL SELECT relation::regclass::text FROM pg_locks WHERE relation >= 16384 AND pid <> pg_backend_pid()
			UNION ALL SELECT 'progress' FROM schemaguard.progress"));
}

sub nothing_left
{
	my ($what) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	wait_for(sub { left_over() eq '' });
	is(left_over(), '', "$what: no shared memory, file, worker, lock or progress is left");
}

# ---------------------------------------------------------------------------------------------------------------------
# Memory, and progress on the way: audit_memory and 32 MB more, over all processes and with shared memory.  What was there
# before the audit (caches of the session, 512 MB of shared buffers) is not counted.
sub watch
{
	my ($name, $table, $workers, $memory) = @_;
	my %peak = map { $_ => 0 } qw(all leader workers dsm files);
	my @progress;
	my $samples = 0;

	settings($auditor, $workers, $memory);
	# whatever a session loads on first use
	$auditor->query(audit('small'));
	my $before = rss($auditor->{pid});
	my $start = time;
	$auditor->send(audit($table));
	while (!idle($auditor))
	{
		my @workers = $workers ? workers_of($auditor) : ();
		my %now = (leader => rss($auditor->{pid}) - $before, workers => rss(@workers), dsm => dsm(), files => scalar(temp_files()));

		$now{all} = $now{leader} + $now{workers} + $now{dsm};
		$peak{$_} = $now{$_} > $peak{$_} ? $now{$_} : $peak{$_} for keys %now;
		$samples++;
		push @progress, $observer->query("SELECT phase, object, done, total, unit, orphan_rows, extract(epoch FROM estimated_end), extract(epoch FROM clock_timestamp())
			FROM schemaguard.progress WHERE pid = $auditor->{pid}");
	}
	my $verdict = $auditor->collect;
	my $took = time - $start;
	my $mb = sub { return sprintf '%.1f', $_[0] / 1024 / 1024; };

	diag(sprintf '%s: %.1f s, at most %s MB (leader %s, workers %s, shared %s), %d samples', $name, $took, map({ $mb->($peak{$_}) } qw(all leader workers dsm)), $samples);
	return ($verdict, \%peak, \@progress, $start + $took);
}

# What the view showed: blocks that rise to their total again and again, orphans that rise over all, an end to come
sub check_progress
{
	my ($name, $progress, $orphans, $end) = @_;
	my (%phase, @wrong, $last, $share, $ends);
	my $most = 0;

	for my $line (@$progress)
	{
		next if $line eq '';
		my ($phase, $object, $done, $total, $unit, $rows, $estimate, $now) = split /\|/, $line;

		next unless $unit eq 'blocks';
		$phase{"$phase $object"}++;
		push @wrong, "done > total: $line" if $done > $total;
		if ($last && "@$last[0,1,3]" eq "$phase $object $total" && $done >= $last->[2])
		{
			push @wrong, "fewer orphans than before: $line" if $rows < $last->[4];
		}
		# it may have ended since, and what the leader has not heard of yet is not in it
		push @wrong, "an end in the past: $line" if $estimate ne '' && $estimate < $now - bound(0.2, 5);
		push @wrong, "an end too far away: $line" if $estimate ne '' && $done > $total / 3 && $estimate > $end + bound(5, 20) * ($end - $now) + bound(2, 60);
		$ends++ if $estimate ne '';
		$share = $done / $total if $phase eq 'scanning' && $done / $total > ($share // 0);
		$most = $rows if $rows > $most;
		$last = [ $phase, $object, $done, $total, $rows ];
	}
	ok($phase{'building public.parent'} && $phase{'scanning public.' . ($orphans ? 'child' : 'good')}, "$name: progress names phases and tables")
		or diag(join ', ', sort keys %phase);
	is(join("\n", @wrong), '', "$name: and is plausible");
	cmp_ok($share // 0, '>', 0.5, "$name: blocks done rise to their total");
	cmp_ok($ends // 0, '>', 0, "$name: an end is estimated");
	cmp_ok($most, '>', $orphans / 10, "$name: orphans are counted on the way") if $orphans;
}

{
	my $mb = 1024 * 1024;

	for my $case ([ 'orphans, serial', 'child', 0 ], [ 'orphans, 2 workers', 'child', 2 ], [ 'no orphans, 2 workers', 'good', 2 ])
	{
		my ($name, $table, $workers) = @$case;
		my ($verdict, $peak, $progress, $end) = watch($name, $table, $workers, '4MB');
		my $expected = $table eq 'child' ? qr/^$keys\|$keys\|$keys\|fail\|scan in \d+ passes\|$/ : qr/^$keys\|0\|0\|pass\|scan in \d+ passes\|$/;

		like($verdict, $expected, "$name: judged in several passes") or diag($auditor->{err});
		cmp_ok($peak->{all}, '<', 36 * $mb, "$name: 4 MB and at most 32 MB more");
		cmp_ok($peak->{workers}, '>', 0, "$name: there were workers") if $workers;
		cmp_ok($peak->{files}, '>', 0, "$name: orphans went to temporary files") if $table eq 'child';
		check_progress($name, $progress, $table eq 'child' ? $keys : 0, $end);
		nothing_left($name);
	}
}

# ---------------------------------------------------------------------------------------------------------------------
# Cancel, wherever it is: reading parents, inserting their keys, reading children, counting orphans
my %when;

sub cancel_at
{
	my ($workers, $memory, $delay) = @_;
	my $place;

	settings($auditor, $workers, $memory);
	$auditor->send(audit('child'));
	nap($delay);
	$place = $observer->query("SELECT coalesce(min(phase), 'none') FROM schemaguard.progress WHERE pid = $auditor->{pid}");
	my $start = time;
	$observer->query("SELECT pg_cancel_backend($auditor->{pid})");
	$auditor->collect;
	return (time - $start, $auditor->sqlstate, $place);
}

sub median { my @sorted = sort { $a <=> $b } @_; return $sorted[ @sorted / 2 ]; }

for my $case ([ 'serial', 0, '256MB' ], [ 'serial, passes', 0, '4MB' ], [ '2 workers', 2, '256MB' ], [ '2 workers, passes', 2, '4MB' ])
{
	my ($name, $workers, $memory) = @$case;
	my $n = long_run() ? 40 : 4;
	my (@took, %place);

	settings($auditor, $workers, $memory);
	my $start = time;
	$auditor->query(audit('child'));
	my $whole = time - $start;
	for my $i (0 .. $n - 1)
	{
		my ($took, $state, $place) = cancel_at($workers, $memory, $whole * (0.03 + 0.85 * $i / $n));

		if ($state eq '')
		{
			# it was faster this time, and may be so from now on
			$whole *= 0.7;
			next;
		}
		is($state, '57014', "$name: cancelled while $place");
		push @took, $took;
		$place{$place}++;
	}
	diag(sprintf '%s: an audit takes %.1f s; a cancel %.0f ms (median), %.0f ms at most; while %s', $name, $whole, 1000 * median(@took),
		1000 * (sort { $b <=> $a } @took)[0], join ', ', map { "$_ $place{$_}" } sort keys %place);
	cmp_ok(scalar(@took), '>=', bound($n / 2, 1), "$name: most cancels met a running audit");
	cmp_ok(median(@took), '<', bound(0.5, 5), "$name: the session is free at once");
	cmp_ok((sort { $b <=> $a } @took)[0], '<', bound(1.5, 10), "$name: even at the worst of moments");
	nothing_left("$name, cancelled");
	is($auditor->query(audit('small') . ' LIMIT 1'), '6201|300|300|fail|scan|', "$name: the session goes on");
}

# statement_timeout is a cancel, too
for my $workers (0, 2)
{
	settings($auditor, $workers, '64MB');
	$auditor->query("SET statement_timeout = '100ms'");
	my $start = time;
	$auditor->query(audit('child'));
	my $took = time - $start;
	is($auditor->sqlstate, '57014', "$workers workers: statement_timeout ends an audit");
	cmp_ok($took, '<', bound(0.8, 10), sprintf('%d workers: in time: %.0f ms after the timeout', $workers, 1000 * ($took - 0.1)));
	$auditor->query('RESET statement_timeout');
	nothing_left("$workers workers, timeout");
}

# ---------------------------------------------------------------------------------------------------------------------
# Errors on the way: a limit on temporary files makes keys unknown, and leaves nothing
for my $workers (0, 2)
{
	settings($auditor, $workers, '4MB');
	$auditor->query("SET temp_file_limit = '1MB'");
	like($auditor->query(audit('child')), qr/^\|\|\|unknown\|\|temporary file size exceeds/, "$workers workers: no space for orphan keys is a reason");
	$auditor->query('RESET temp_file_limit');
	nothing_left("$workers workers, no space");
}

# ---------------------------------------------------------------------------------------------------------------------
# A worker that is told to go: the audit ends with an error, the server goes on
sub signal_worker
{
	my ($signal, $goes_on) = @_;
	my $verdict;

	settings($auditor, 2, '4MB');
	# one that ends before the signal comes is none
	for (1 .. 10)
	{
		my $pid;

		$auditor->send(audit('child'));
		while (!$pid && !idle($auditor))
		{
			($pid) = split /\n/, $observer->query("SELECT w.pid FROM pg_stat_activity w JOIN schemaguard.progress p ON p.pid = w.leader_pid
				WHERE w.leader_pid = $auditor->{pid} AND w.pid <> $auditor->{pid} AND p.phase = 'scanning' AND p.orphan_rows > 0");
		}
		my $reached = $pid && kill $signal, $pid;
		$verdict = $auditor->collect;
		last if !defined $verdict || $auditor->sqlstate ne '' || ($goes_on && $reached);
	}
	return $verdict;
}

ok(defined signal_worker('TERM', 1), 'a worker that is terminated does not end the audit');
is($auditor->sqlstate, '', 'which goes on without workers');
is($auditor->query('SELECT 1'), '1', 'the session goes on');
nothing_left('worker terminated');

# A worker that dies takes the server along, which comes back without anything of the audit
ok(!defined signal_worker('KILL'), 'a worker that is killed ends all sessions');
$_->quit for $auditor, $observer;
ok(wait_for(sub { $node->psql('postgres', 'SELECT 1') == 0 }), 'the server comes back by itself');
# of the server's own segments, one is the list of all, and one holds statistics
cmp_ok(scalar(my @mmap = glob "$data/pg_dynshmem/mmap.*"), '<=', 2, 'without the shared memory of the audit');
is(join(', ', temp_files()), '', 'or its files');
connect_sessions();
nothing_left('worker killed');
is(query('SELECT count(*) FROM small'), '6201', 'with its tables');

# ---------------------------------------------------------------------------------------------------------------------
# No workers, no shared memory: the same result, serially
query(<<SQL);
TRUNCATE parent, good;
INSERT INTO parent SELECT md5(g::text)::uuid FROM generate_series(1, 200000) g;
INSERT INTO good SELECT md5(g::text)::uuid FROM generate_series(1, 200010) g;
VACUUM (FREEZE, ANALYZE) parent, good, small, small_parent;
CHECKPOINT;
SQL
my $verdict = '200010|10|10|fail|scan|';
settings($auditor, 2, '64MB');
is($auditor->query(audit('good')), $verdict, 'with workers');

# How many workers the session has ever had: the server's log has a line for each
sub launched
{
	return scalar(() = slurp_file($node->logfile) =~ /starting background worker process "parallel worker for PID $auditor->{pid}"/g);
}

sub without_workers
{
	my ($name, $sql) = @_;
	my $before = launched();
	my $got = $auditor->query($sql);
	local $Test::Builder::Level = $Test::Builder::Level + 1;

	is($got, $verdict, "$name: the same result") or diag($auditor->{err});
	is(launched(), $before, "$name: without workers");
}

cmp_ok(launched(), '>', 0, 'workers can be counted');
$auditor->query('SET max_parallel_workers = 0');
without_workers('max_parallel_workers = 0', audit('good'));
$auditor->query('RESET max_parallel_workers');

# every process of max_worker_processes is at work for somebody else
{
	my @busy = map { SgTest::Session->new($node) } 1 .. 7;
	my $force = $major >= 16 ? 'debug_parallel_query' : 'force_parallel_mode';

	for my $session (@busy)
	{
		$session->query("SET $force = on");
		$session->send('SELECT pg_sleep(600)');
	}
	ok(wait_for(sub { query("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'parallel worker'") >= 6 }), 'others use all worker processes');
	without_workers('no worker process', audit('good'));
	query("SELECT pg_cancel_backend($_->{pid})") for @busy;
	$_->collect, $_->quit for @busy;
}

# no shared memory: this session may not write a file of 64 kB, and so can't make segments.  In a transaction that writes
# nothing itself.
SKIP:
{
	my $limit = sub { return system('prlimit', "--pid=$auditor->{pid}", "--fsize=$_[0]:") == 0; };

	skip 'no prlimit here', 4 unless $limit->('unlimited');
	$auditor->query('SELECT count(*) FROM good');
	ok($limit->(65536), 'the session may not write large files');
	$auditor->query('BEGIN READ ONLY; SET LOCAL parallel_setup_cost = 0; SET LOCAL parallel_tuple_cost = 0; SET LOCAL max_parallel_workers_per_gather = 2');
	$auditor->query('SELECT count(*) FROM good');
	isnt($auditor->sqlstate, '', 'so that it has no shared memory for a parallel query');
	like($auditor->{err}, qr/shared memory segment/, 'as the server says');
	$auditor->query('ROLLBACK');
	$auditor->query('BEGIN READ ONLY');
	without_workers('no shared memory', audit('good'));
	$auditor->query('COMMIT');
	$limit->('unlimited');
}
nothing_left('without workers');

# ---------------------------------------------------------------------------------------------------------------------
# Many audits in one session leave nothing behind in it
{
	my $n = long_run() ? 2000 : 100;
	my @ways = ([ 0, '64MB' ], [ 1, '64MB' ], [ 0, '64kB' ], [ 2, '256kB' ]);
	my $files = sub { return scalar(my @fds = glob "/proc/$auditor->{pid}/fd/*"); };
	my ($rss, $fds, %verdicts);

	for my $i (1 .. $n)
	{
		settings($auditor, @{ $ways[ $i % 4 ] });
		$verdicts{ $auditor->query("SELECT string_agg(rows_checked || '|' || orphan_rows || '|' || orphan_keys || '|' || jsonb_array_length(sample), ', ') FROM sg_orphan_audit_details('small')") }++;
		($rss, $fds) = (rss($auditor->{pid}), $files->()) if $i == int($n / 3);
	}
	is(join('; ', keys %verdicts), '6201|300|300|5, 6201|300|300|5, 6201|300|300|5', "$n audits agree");
	my $growth = rss($auditor->{pid}) - $rss;
	diag(sprintf '%d audits: the session grows from %d to %d kB in the last two thirds', $n, $rss / 1024, ($rss + $growth) / 1024);
	cmp_ok($growth, '<', 512 * 1024, 'the session does not grow');
	cmp_ok($files->(), '<=', $fds + 3, 'nor do its open files');
	is($auditor->query('SELECT count(*) FROM pg_locks WHERE relation >= 16384'), '0', 'nor has it any lock');
	nothing_left('many audits');
}

$_->quit for $auditor, $observer;
unlike(slurp_file($node->logfile), qr/PANIC|TRAP:|was terminated by signal (?!9)/, 'nothing crashed but what was killed');
$node->stop;
done_testing();
