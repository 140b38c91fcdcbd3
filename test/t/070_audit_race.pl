# 070_audit_race.pl: what happens to tables while an audit waits for them, runs, or can't get at them.
#
# TRUNCATE and rewriting ALTERs are not MVCC-safe: a snapshot from before sees an empty table.  An audit must never say
# "pass" for rows that it missed.  Also: a long audit ends at once when it is cancelled, and a table that can't be read
# costs its own keys only.
#
# rooms: audit
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Utils;
use SgTest;
use SgLoad;
use Test::More;
use Time::HiRes 'time';

my $node = new_node('race', conf => "autovacuum = off\nmax_parallel_workers_per_gather = 2\n");

sub query { return $node->safe_psql('postgres', $_[0]); }

my $a = SgTest::Session->new($node);
my $b = SgTest::Session->new($node);

# Wait until a session waits for a lock
sub waits
{
	my ($session) = @_;

	return wait_for(sub {
		query("SELECT count(*) FROM pg_stat_activity WHERE pid = $session->{pid} AND wait_event_type = 'Lock'") eq '1' });
}

sub audit
{
	my ($table) = @_;

	return "SELECT fk_name, rows_checked, orphan_rows, orphan_keys, result, reason FROM sg_orphan_audit_details('$table') ORDER BY fk_name";
}

# A declared key (made without a check, so that its rows may be anything) and a planned one, both without orphans
query(<<'SQL');
CREATE TABLE parent (id int PRIMARY KEY);
INSERT INTO parent SELECT generate_series(1, 1000);
CREATE TABLE child (id int, declared int, planned int);
INSERT INTO child SELECT g, 1 + g % 1000, 1 + g % 1000 FROM generate_series(1, 5000) g;
ALTER TABLE child ADD CONSTRAINT a_declared FOREIGN KEY (declared) REFERENCES parent NOT VALID;
SELECT sg_plan_create('p');
SELECT sg_plan_add_fk('p', 'child', ARRAY['planned'], 'parent', fk_name => 'b_planned');
CREATE TABLE quiet (id int, ref int CONSTRAINT c_quiet REFERENCES parent);
INSERT INTO quiet SELECT g, 1 + g % 1000 FROM generate_series(1, 100) g;
SQL
is($b->query(audit('child')), "a_declared|5000|0|0|pass|\nb_planned|5000|0|0|pass|", 'at first there are no orphans');

# Row triggers of the declared key would refuse orphans, so reloads are made as a replica would
my $reload = "SET LOCAL session_replication_role = replica; TRUNCATE child;
	INSERT INTO child SELECT g, CASE WHEN g <= 30 THEN -g % 7 - 1 ELSE g % 1000 + 1 END, CASE WHEN g <= 40 THEN -g ELSE 1 END
	FROM generate_series(1, 600) g";
my $reloaded = "a_declared|600|30|7|fail|\nb_planned|600|40|40|fail|";

# ---------------------------------------------------------------------------------------------------------------------
# An audit that waits sees what is there when it has its locks
$a->query("BEGIN; $reload");
$b->send(audit('child'));
ok(waits($b), 'an audit waits for a TRUNCATE');
$a->query('COMMIT');
is($b->collect, $reloaded, 'when that commits, the audit judges the new rows');

$a->query("BEGIN; TRUNCATE child");
$b->send(audit('child'));
ok(waits($b), 'another audit waits for a TRUNCATE');
$a->query('ROLLBACK');
is($b->collect, $reloaded, 'when that is rolled back, the audit judges the old rows');

# rows that come while the audit waits, after the snapshot of its statement
$a->query("BEGIN; SET LOCAL session_replication_role = replica; TRUNCATE child");
$b->send(audit('child'));
ok(waits($b), 'a third audit waits');
$a->query('INSERT INTO child SELECT g, -1, -2 FROM generate_series(1, 10) g; COMMIT');
is($b->collect, "a_declared|10|10|1|fail|\nb_planned|10|10|1|fail|", 'it sees what was inserted while it waited');

# the parent loses rows, which a TRUNCATE of a parent without declared keys allows
query(<<'SQL');
CREATE TABLE lone_parent (id int PRIMARY KEY);
INSERT INTO lone_parent SELECT generate_series(1, 100);
CREATE TABLE lone_child (ref int);
INSERT INTO lone_child SELECT generate_series(1, 100);
SELECT sg_plan_create('lone');
SELECT sg_plan_add_fk('lone', 'lone_child', ARRAY['ref'], 'lone_parent', fk_name => 'lone');
SQL
$a->query('BEGIN; TRUNCATE lone_parent');
$b->send(audit('lone_child'));
ok(waits($b), 'an audit waits for a TRUNCATE of the parent');
$a->query('INSERT INTO lone_parent SELECT generate_series(1, 60); COMMIT');
is($b->collect, 'lone|100|40|40|fail|', 'and judges against the new parents');

# the whole table is replaced under the same name
$a->query('BEGIN; ALTER TABLE lone_child RENAME TO lone_old; CREATE TABLE lone_child (ref int); INSERT INTO lone_child VALUES (-1)');
$b->send(audit('lone_child'));
ok(waits($b), 'an audit waits for who replaces the child');
$a->query('COMMIT');
my $verdict = $b->collect;
unlike($verdict, qr/\|pass\|/, 'a table that is replaced meanwhile does not pass') or diag($verdict);
query('DROP TABLE lone_child; ALTER TABLE lone_old RENAME TO lone_child');

# ---------------------------------------------------------------------------------------------------------------------
# REPEATABLE READ: the snapshot can't be renewed, so what was rewritten since is unknown
my $unknown = qr/\|unknown\|public\.child was truncated or rewritten after the snapshot/;

$b->query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM parent');
$a->query("BEGIN; $reload; COMMIT");
$verdict = $b->query(audit('child'));
like($verdict, qr/^a_declared\|.*$unknown/m, 'a child that was truncated since the snapshot is unknown');
like($verdict, qr/^b_planned\|.*$unknown/m, 'for a planned key too');
unlike($verdict, qr/pass/, 'and nothing of it passes');
is($b->query(audit('quiet')), 'c_quiet|100|0|0|pass|', 'a table that nobody touched is judged in the same transaction');
$b->query('COMMIT');
is($b->query(audit('child')), $reloaded, 'the next transaction sees the new rows');

# the same, when the truncation commits while the audit waits for it
$a->query("BEGIN; $reload");
$b->query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM parent');
$b->send(audit('child'));
ok(waits($b), 'an audit in REPEATABLE READ waits for a TRUNCATE');
$a->query('COMMIT');
$verdict = $b->collect;
is(scalar(() = $verdict =~ /$unknown/g), 2, 'and then both keys are unknown') or diag($verdict);
$b->query('COMMIT');

# SERIALIZABLE, and an ALTER that rewrites
$b->query('BEGIN ISOLATION LEVEL SERIALIZABLE; SELECT count(*) FROM quiet');
$a->query('ALTER TABLE child ALTER COLUMN id TYPE bigint');
$verdict = $b->query(audit('child'));
is(scalar(() = $verdict =~ /$unknown/g), 2, 'a child that ALTER TABLE has rewritten is unknown') or diag($verdict);
$b->query('COMMIT');

# the parent
$b->query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM quiet');
$a->query('TRUNCATE lone_parent; INSERT INTO lone_parent SELECT generate_series(1, 100)');
like($b->query(audit('lone_child')), qr/\|unknown\|public\.lone_parent was truncated or rewritten after the snapshot/,
	'a parent that was truncated since the snapshot makes its key unknown, and the reason names it');
$b->query('COMMIT');

# a partition
query(<<'SQL');
CREATE TABLE parted (ref int CONSTRAINT d_parted REFERENCES parent) PARTITION BY RANGE (ref);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES FROM (0) TO (100);
CREATE TABLE parted_2 PARTITION OF parted FOR VALUES FROM (100) TO (1000);
INSERT INTO parted SELECT generate_series(1, 999);
SQL
$b->query('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM quiet');
$a->query('BEGIN; SET LOCAL session_replication_role = replica; TRUNCATE parted_2; COMMIT');
like($b->query(audit('parted')), qr/\|unknown\|public\.parted_2 was truncated or rewritten after the snapshot/,
	'a partition that was truncated since the snapshot makes its key unknown, and the reason names it');
$b->query('COMMIT');

# ---------------------------------------------------------------------------------------------------------------------
# Cancelling a long audit: rows enough for several seconds, most of them spent in sorting or hashing to disk
{
	my $rows = long_run() ? 6_000_000 : 400_000;
	my $state = "SELECT (SELECT count(*) FROM pg_locks l WHERE l.relation IN ('big_child'::regclass, 'big_parent'::regclass)),
		(SELECT count(*) FROM schemaguard.progress), (SELECT count(*) FROM pg_ls_tmpdir()),
		(SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'parallel worker'),
		(SELECT count(*) FROM schemaguard.audit_log)";

	query(<<SQL);
CREATE UNLOGGED TABLE big_parent (id text PRIMARY KEY);
INSERT INTO big_parent SELECT md5(g::text) FROM generate_series(1, $rows / 2) g;
CREATE UNLOGGED TABLE big_child (ref text);
INSERT INTO big_child SELECT md5(g::text) FROM generate_series(1, $rows) g;
ANALYZE big_parent, big_child;
SELECT sg_plan_create('big');
SELECT sg_plan_add_fk('big', 'big_child', ARRAY['ref'], 'big_parent', fk_name => 'big');
SQL
	my $before = query($state);
	$b->query("SET maintenance_work_mem = '2MB'");

	my $start = time;
	my $half = $rows / 2;
	is($b->query(audit('big_child')), "big|$rows|$half|$half|fail|", 'a large audit runs to its end');
	my $whole = time - $start;
	$before =~ s/\d+$/query('SELECT count(*) FROM schemaguard.audit_log')/e;

	my @took;
	for my $after (0.1, 0.5)
	{
		# the machine may be less busy than it was the first time, so that the audit is over too soon
		for my $try (1 .. 6)
		{
			$b->send(audit('big_child'));
			ok(wait_for(sub { query("SELECT count(*) FROM schemaguard.progress WHERE pid = $b->{pid} AND phase = 'scanning'") eq '1' }),
				'it runs again') if $try == 1;
			nap($after * $whole / $try);
			$start = time;
			query("SELECT pg_cancel_backend($b->{pid})");
			$b->collect;
			last if $b->sqlstate ne '';
			$before =~ s/\d+$/query('SELECT count(*) FROM schemaguard.audit_log')/e;
		}
		push @took, time - $start;
		is($b->sqlstate, '57014', sprintf('a cancel up to %.1f s later ends it with 57014', $after * $whole));
		cmp_ok($took[-1], '<', bound(1, 10), 'within a second');
		ok(wait_for(sub { query($state) eq $before }), 'and leaves no lock, file, worker, progress or log row behind')
			or diag("before $before, after " . query($state));
	}
	is($b->query('SELECT 1'), '1', 'the session goes on');
	diag(sprintf('an audit of %d rows took %.1f s; cancels ended it in %s s', $rows, $whole, join(' and ', map { sprintf '%.2f', $_ } @took)));
	$b->query('RESET maintenance_work_mem');
	query("SELECT sg_plan_drop('big', force => true); DROP TABLE big_child, big_parent");
}

# ---------------------------------------------------------------------------------------------------------------------
# A table that somebody else holds does not stop the rest
$a->query('BEGIN; LOCK TABLE child IN ACCESS EXCLUSIVE MODE');
my $start = time;
$verdict = $b->query("SET lock_timeout = '200ms'; SELECT fk_name, result, reason FROM sg_orphan_audit_details() ORDER BY 1");
my $took = time - $start;
is($b->sqlstate, '', 'an audit of everything ends without an error although one table is locked');
my %result = map { /^(\w+)\|(\w+)\|(.*)$/ ? ($1 => [ $2, $3 ]) : () } split /\n/, $verdict;
is(join(' ', map { "$_ $result{$_}[0]" } sort keys %result),
	'a_declared unknown b_planned unknown c_quiet pass d_parted pass lone pass', 'its keys are unknown, the others are judged');
like($result{$_}[1], qr/lock timeout/, "$_ says why") for 'a_declared', 'b_planned';
is($b->query("SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid() AND relation >= 16384"), '0',
	'and no table stays locked');
$a->query('COMMIT');
is($b->query(audit('child')), $reloaded, 'later they are judged');

# a cancel is no reason for "unknown": it ends the audit as a whole
$a->query('BEGIN; LOCK TABLE child IN ACCESS EXCLUSIVE MODE');
$b->query('RESET lock_timeout');
$b->send('SELECT fk_name, result, reason FROM sg_orphan_audit_details()');
ok(waits($b), 'an audit waits for a lock');
query("SELECT pg_cancel_backend($b->{pid})");
$b->collect;
is($b->sqlstate, '57014', 'a cancel ends the audit as a whole');
$b->send("SET statement_timeout = '200ms'; SELECT fk_name, result, reason FROM sg_orphan_audit_details()");
$b->collect;
is($b->sqlstate, '57014', 'so does statement_timeout');
$a->query('COMMIT');

$a->quit;
$b->quit;
$node->stop;
done_testing();
