# 074_audit_order.pl: what others do to locks, partitions, columns and workers while an audit waits or runs, and what the
# audit makes of expectations that turn out to be wrong.
#
# An audit that waits holds nothing, so no migration ends in a deadlock because of it.  All that it reads belongs to one
# moment, partitions that are attached meanwhile included.  A key is judged as it is under the locks, not as it was
# before.  A worker that somebody ends costs time only, and however keys are distributed, each orphan counts once.
#
# rooms: audit worker
# takes: 20 s
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Utils;
use SgTest;
use Test::More;

my $node = new_node('order', conf => "autovacuum = off\nschemaguard.workers = 0\n");

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

# Tables of ours that a session has locked, or waits for
sub locked
{
	my ($session, $granted) = @_;

	return query("SELECT coalesce(string_agg(DISTINCT relation::regclass::text, ' '), 'none') FROM pg_locks
		WHERE pid = $session->{pid} AND granted = $granted AND relation IN (SELECT oid FROM pg_class
			WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p'))");
}

# asked in a session that is there already, for some phases are short
my $asker = SgTest::Session->new($node);
sub phase { return $asker->query("SELECT phase FROM schemaguard.progress WHERE pid = $b->{pid}"); }

sub audit
{
	my ($table, $columns) = @_;

	$columns //= 'fk_name, rows_checked, orphan_rows, orphan_keys, result, reason';
	return "SELECT $columns FROM sg_orphan_audit_details(" . ($table ? "'$table'" : '') . ') ORDER BY fk_name';
}

# ---------------------------------------------------------------------------------------------------------------------
# Locks: a migration locks the parent, then the child; the audit wants both
query(<<'SQL');
CREATE TABLE d2 (id int PRIMARY KEY);
INSERT INTO d2 SELECT generate_series(1, 100);
CREATE TABLE d3 (id int PRIMARY KEY);
INSERT INTO d3 SELECT generate_series(1, 100);
CREATE TABLE d0 (a int CONSTRAINT k0 REFERENCES d3);
INSERT INTO d0 SELECT generate_series(1, 100);
CREATE TABLE d1 (a int CONSTRAINT k1_d2 REFERENCES d2, b int CONSTRAINT k1_d3 REFERENCES d3);
INSERT INTO d1 SELECT g, g FROM generate_series(1, 50) g;
CREATE TABLE d9 (a int CONSTRAINT k9 REFERENCES d3);
INSERT INTO d9 SELECT generate_series(1, 10);
CREATE TABLE t (a int CONSTRAINT k_t REFERENCES d3) PARTITION BY RANGE (a);
CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (50);
CREATE TABLE t2 PARTITION OF t FOR VALUES FROM (50) TO (200);
INSERT INTO t SELECT generate_series(1, 100);
SQL

# whoever asks in the second place finds the deadlock: the migration, never the audit
$a->query("SET deadlock_timeout = '10ms'");
$b->query("SET deadlock_timeout = '1h'");

$a->query('BEGIN; LOCK d2 IN ACCESS EXCLUSIVE MODE');
$b->send(audit('d1'));
ok(waits($b), 'an audit waits for the parent of a key');
is(locked($b, 'false'), 'd2', '... for nothing but that');
is(locked($b, 'true'), 'none', '... and holds no lock meanwhile');
$a->query('LOCK d1 IN ACCESS EXCLUSIVE MODE');
is($a->sqlstate, '', 'the migration gets the child too, without a deadlock');
$a->query('INSERT INTO d1 (a) SELECT 1 FROM generate_series(1, 10); COMMIT');
is($b->collect, "k1_d2|60|0|0|pass|\nk1_d3|50|0|0|pass|", 'then the audit judges what the migration left; the other key was judged before');

# the tables of one call that nobody has locked do not wait
$a->query('BEGIN; LOCK d2 IN ACCESS EXCLUSIVE MODE');
$b->send(audit(undef, 'fk_name, result'));
ok(waits($b), 'an audit of everything waits for one table');
is(query("SELECT phase, object, done, total, unit FROM schemaguard.progress WHERE pid = $b->{pid}"),
	'locking|public.d2|4|5|keys', '... when all other keys are judged');
is(locked($b, 'true'), 'none', '... and holds no lock');
$a->query('LOCK d1, d3, d9 IN ACCESS EXCLUSIVE MODE');
is($a->sqlstate, '', 'the migration gets everything else');
$a->query('COMMIT');
is($b->collect, join("\n", map { "$_|pass" } qw(k0 k1_d2 k1_d3 k9 k_t)), 'the audit ends with all verdicts');

# the same with a partition in the place of the parent
$a->query('BEGIN; LOCK t2 IN ACCESS EXCLUSIVE MODE');
$b->send(audit('t'));
ok(waits($b), 'an audit waits for a partition');
is(locked($b, 'true'), 'none', '... and holds no lock on its table or on another partition');
$a->query('LOCK t IN ACCESS EXCLUSIVE MODE');
is($a->sqlstate, '', 'who has locked the partition gets the whole table');
$a->query('INSERT INTO t VALUES (7); COMMIT');
is($b->collect, 'k_t|101|0|0|pass|', 'then the audit judges all of it');

# after the first table is free, the second may not be
$a->query('BEGIN; LOCK d2 IN ACCESS EXCLUSIVE MODE');
my $c = SgTest::Session->new($node);
$c->query('BEGIN; LOCK d1 IN ACCESS EXCLUSIVE MODE');
$b->send(audit('d1'));
ok(wait_for(sub { locked($b, 'false') eq 'd1' }), 'an audit waits for one table');
$c->query('COMMIT');
ok(wait_for(sub { locked($b, 'false') eq 'd2' }), '... and then for another');
is(locked($b, 'true'), 'none', '... of which it holds neither');
$a->query('COMMIT');
is($b->collect, "k1_d2|60|0|0|pass|\nk1_d3|60|0|0|pass|", 'in the end both keys are judged');

# the user's lock_timeout
$a->query('BEGIN; LOCK d2 IN ACCESS EXCLUSIVE MODE');
my $verdict = $b->query("SET lock_timeout = '200ms'; " . audit(undef, 'fk_name, result, reason'));
is($b->sqlstate, '', 'lock_timeout is no error of the call');
like($verdict, qr/^k0\|pass\|\nk1_d2\|unknown\|.*lock timeout.*\nk1_d3\|pass\|\nk9\|pass\|\nk_t\|pass\|$/,
	'... and costs the keys of the locked table only');
$a->query('COMMIT');
$b->query('RESET lock_timeout');

# a cancel that comes while the audit waits with empty hands
$a->query('BEGIN; LOCK d2 IN ACCESS EXCLUSIVE MODE');
$b->send(audit());
ok(waits($b), 'an audit waits once more');
query("SELECT pg_cancel_backend($b->{pid})");
$b->collect;
is($b->sqlstate, '57014', 'a cancel ends it');
$a->query('COMMIT');

# ---------------------------------------------------------------------------------------------------------------------
# A planned key whose column gets another type while the audit waits
query(<<'SQL');
CREATE TABLE p (id int PRIMARY KEY);
INSERT INTO p SELECT generate_series(1, 100);
CREATE TABLE ch (ref int);
INSERT INTO ch SELECT generate_series(1, 100);
SELECT sg_plan_create('types');
SELECT sg_plan_add_fk('types', 'ch', '{ref}', 'p', fk_name => 'typed');
SQL

sub change_while_waiting
{
	my ($change) = @_;

	$a->query("BEGIN; $change");
	die $a->{err} if $a->sqlstate;
	$b->send(audit('ch'));
	ok(waits($b), "an audit waits: $change");
	$a->query('COMMIT');
	return $b->collect;
}

is($b->query(audit('ch')), 'typed|100|0|0|pass|', 'a planned key passes');
# 2 ^ 32 + 1 is 1 for an operator that takes it for four bytes
is(change_while_waiting('ALTER TABLE ch ALTER ref TYPE bigint; INSERT INTO ch VALUES (4294967297)'), 'typed|101|1|1|fail|',
	'integers have become longer: judged by the operator for them');
query('DELETE FROM ch WHERE ref > 100');
is(change_while_waiting('ALTER TABLE p ALTER id TYPE numeric; UPDATE p SET id = 1.5 WHERE id = 1'), 'typed|100|1|1|fail|',
	'the parent has become numeric: judged by the operator for that');
query('UPDATE p SET id = 1 WHERE id = 1.5');
like(change_while_waiting('ALTER TABLE ch ALTER ref TYPE text'), qr/^typed\|\|\|\|unknown\|.*(operator|type)/,
	'text has no operator with a number: unknown, with the reason');
query('ALTER TABLE ch ALTER ref TYPE int USING ref::int; ALTER TABLE p ALTER id TYPE int');
is($b->query(audit('ch')), 'typed|100|0|0|pass|', 'the types are as before');
like(change_while_waiting('ALTER TABLE p ALTER id TYPE text'), qr/^typed\|\|\|\|unknown\|.*(operator|type)/,
	'the same where the parent has become text');
query('ALTER TABLE p ALTER id TYPE int USING id::int');
like(change_while_waiting('ALTER TABLE p DROP CONSTRAINT p_pkey'), qr/^typed\|\|\|\|unknown\|.*unique/,
	'a parent without its unique index any more can have no key');
query('ALTER TABLE p ADD PRIMARY KEY (id)');
like(change_while_waiting('ALTER TABLE ch RENAME ref TO other; ALTER TABLE ch ADD ref text'), qr/^typed\|\|\|\|unknown\|/,
	'another column under the same name is what counts');

# ---------------------------------------------------------------------------------------------------------------------
# ATTACH PARTITION in the middle of an audit of many passes
query(<<'SQL');
CREATE TABLE ap (id text PRIMARY KEY);
INSERT INTO ap SELECT 'k' || md5(g::text) FROM generate_series(1, 20000) g;
CREATE TABLE ac (ref text, part int) PARTITION BY LIST (part);
CREATE TABLE ac_1 PARTITION OF ac FOR VALUES IN (1);
INSERT INTO ac SELECT CASE WHEN g <= 1000 THEN 'x' ELSE 'k' END || md5((g % 20000 + 1)::text), 1 FROM generate_series(1, 200000) g;
CREATE TABLE ac_2 (ref text, part int);
INSERT INTO ac_2 SELECT 'x' || md5(g::text), 2 FROM generate_series(1, 5000) g;
CREATE TABLE bp (id text PRIMARY KEY) PARTITION BY RANGE (id);
CREATE TABLE bp_k PARTITION OF bp FOR VALUES FROM ('k') TO ('l');
INSERT INTO bp SELECT 'k' || md5(g::text) FROM generate_series(1, 20000) g;
CREATE TABLE bp_x (id text PRIMARY KEY);
INSERT INTO bp_x SELECT 'x' || md5(g::text) FROM generate_series(1, 5000) g;
CREATE TABLE bc (ref text);
INSERT INTO bc SELECT ref FROM ac_1 UNION ALL SELECT ref FROM ac_2;
ANALYZE ap, bp, bp_k, bp_x, ac, ac_1, ac_2, bc;
SELECT sg_plan_create('attach');
SELECT sg_plan_add_fk('attach', 'ac', '{ref}', 'ap', fk_name => 'to_ap');
SELECT sg_plan_add_fk('attach', 'bc', '{ref}', 'bp', fk_name => 'to_bp');
SQL
$b->query("SET schemaguard.audit_method = scan; SET schemaguard.audit_memory = '64kB'; SET max_parallel_maintenance_workers = 0");

sub attach_meanwhile
{
	my ($table, $attach, $detach) = @_;
	my ($got, $ran);

	# it may be over before anybody gets to attach
	for (1 .. 20)
	{
		$b->send(audit($table, 'rows_checked, orphan_rows, method'));
		wait_for(sub { IPC::Run::pump_nb($b->{harness}); phase() eq 'scanning' || $b->{stdout} ne '' });
		$a->query($attach);
		$ran = phase();
		$got = $b->collect;
		last if $ran ne '' || $a->sqlstate ne '' || $b->sqlstate ne '';
		$a->query($detach);
	}
	is($a->sqlstate, '', $attach) or diag($a->{err});
	isnt($ran, '', '... while the audit runs');
	is($b->sqlstate, '', 'the audit ends without an error') or diag($b->{err});
	$got =~ s/ in \d\d+ passes//;
	return $got;
}

# it took its snapshot, and its partitions with it, before
is(attach_meanwhile('ac', 'ALTER TABLE ac ATTACH PARTITION ac_2 FOR VALUES IN (2)', 'ALTER TABLE ac DETACH PARTITION ac_2'), '200000|1000|scan',
	'a partition that the child gets meanwhile does not count, in no pass');
is(attach_meanwhile('bc', "ALTER TABLE bp ATTACH PARTITION bp_x FOR VALUES FROM ('x') TO ('y')", 'ALTER TABLE bp DETACH PARTITION bp_x'),
	'205000|6000|scan',
	'nor do the keys of one that the parent gets');
$b->query("SET schemaguard.audit_memory = '64MB'");
is($b->query(audit('ac', 'rows_checked, orphan_rows, method')), '205000|6000|scan', 'the next audit counts the new partition of the child');
is($b->query(audit('bc', 'rows_checked, orphan_rows, method')), '205000|0|scan', 'and knows the keys of the one of the parent');

# ---------------------------------------------------------------------------------------------------------------------
# Statistics that know of ten rows where there are 100,000; memory for them all
query(<<'SQL');
CREATE TABLE sp (id text PRIMARY KEY);
INSERT INTO sp SELECT 'old' || g FROM generate_series(1, 100000) g;
DELETE FROM sp WHERE id NOT LIKE 'old9999_';
ANALYZE sp;
INSERT INTO sp SELECT md5(g::text) FROM generate_series(1, 100000) g;
CREATE TABLE sc (ref text);
INSERT INTO sc SELECT md5(g::text) FROM generate_series(1, 100100, 10) g;
SELECT sg_plan_create('stale');
SELECT sg_plan_add_fk('stale', 'sc', '{ref}', 'sp', fk_name => 'stale');
SQL
cmp_ok(query("SELECT reltuples FROM pg_class WHERE relname = 'sp'"), '<', 20, 'statistics are far too low');
is($b->query(audit('sc', 'rows_checked, orphan_rows, orphan_keys, method')), '10010|10|10|scan', 'one pass does all the same');
$b->query("SET min_parallel_table_scan_size = 0; SET schemaguard.audit_workers = 2");
is($b->query(audit('sc', 'rows_checked, orphan_rows, orphan_keys, method')), '10010|10|10|scan', 'with workers too');

# ---------------------------------------------------------------------------------------------------------------------
# Somebody ends a worker
query(<<'SQL');
CREATE TABLE wc (x text, y text, z text);
INSERT INTO wc SELECT ref, ref, ref FROM ac_1;
SELECT sg_plan_create('workers');
SELECT sg_plan_add_fk('workers', 'wc', '{x}', 'ap', fk_name => 'w1');
SELECT sg_plan_add_fk('workers', 'wc', '{y}', 'bp', fk_name => 'w2');
SELECT sg_plan_add_fk('workers', 'wc', '{z}', 'sp', fk_name => 'w3');
SQL
my $all = $b->query(audit('wc'));
is($all, "w1|200000|1000|1000|fail|\nw2|200000|0|0|pass|\nw3|200000|200000|21000|fail|",
	'an audit with workers');
# Have a worker ended as soon as the audit is in this phase
sub end_worker
{
	my ($phase) = @_;

	$a->send(<<"SQL");
DO \$\$
DECLARE
    ended bool;
BEGIN
    FOR i IN 1 .. 1000000 LOOP
        PERFORM pg_stat_clear_snapshot();
        SELECT pg_terminate_backend(w.pid) INTO ended
            FROM pg_stat_activity w, schemaguard.sg_progress() p
            WHERE w.leader_pid = $b->{pid} AND w.pid <> w.leader_pid AND p.pid = $b->{pid} AND p.phase = '$phase' LIMIT 1;
        EXIT WHEN ended;
    END LOOP;
END \$\$
SQL
}

for my $phase ('building', 'scanning')
{
	my $offset = -s $node->logfile;
	my $ended = sub { return substr(slurp_file($node->logfile), $offset) =~ /FATAL:.*terminating .*due to administrator command/; };
	my $wrong = '';

	# it may be over before anybody gets to look
	for (1 .. 20)
	{
		end_worker($phase);
		my $got = $b->query(audit('wc'));
		$wrong .= "$got$b->{err}\n" if $got ne $all || $b->sqlstate ne '';
		query("SELECT pg_cancel_backend($a->{pid})");
		$a->collect;
		last if $ended->();
	}
	is($wrong, '', "a worker is ended while the audit is $phase: all verdicts are as before, and there is no error");
	ok($ended->(), '... a worker was ended');
	is($b->query(q{SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid() AND relation = 'wc'::regclass}), '0', '... nothing stays locked');
}
$b->query('RESET min_parallel_table_scan_size; RESET schemaguard.audit_workers');

# ---------------------------------------------------------------------------------------------------------------------
# Keys so long that partitions by hash are of very different sizes, in memory that just so does not do
query(<<'SQL');
CREATE TABLE lp (t text PRIMARY KEY);
ALTER TABLE lp ALTER t SET STORAGE EXTERNAL;
INSERT INTO lp SELECT left(string_agg(md5(i::text || j::text), ''), 1900)
    FROM generate_series(1, 1500) i, generate_series(1, 60) j GROUP BY i;
CREATE TABLE lc (t text);
ALTER TABLE lc ALTER t SET STORAGE EXTERNAL;
INSERT INTO lc SELECT repeat(md5('1'), 320) || '1';
ANALYZE lp;
SELECT sg_plan_create('long');
SELECT sg_plan_add_fk('long', 'lc', '{t}', 'lp', fk_name => 'long0', orphans => 'leave', index => false);
SQL
$b->query("SET schemaguard.audit_memory = '780kB'; LOAD 'schemaguard'");
my %seen;
$seen{$_}++ for map { split /\n/, $b->query("SELECT rows_checked, orphan_rows, orphan_keys, result FROM sg_orphan_audit_details('lc')") } 1 .. 40;
is(join(', ', sort keys %seen), '1|1|1|fail', 'the orphan is found each time') or diag(explain(\%seen));

$b->query('SET schemaguard.validate_with = scan');
for (1 .. 10)
{
	query("CREATE TABLE lc$_ AS TABLE lc;
		SELECT sg_plan_add_fk('long', 'lc$_', '{t}', 'lp', fk_name => 'long$_', orphans => 'leave', index => false)");
}
$b->query("CALL sg_add_fks('long')");
is(query("SELECT count(*), count(*) FILTER (WHERE convalidated) FROM pg_constraint WHERE conname LIKE 'long%'"), '11|0',
	'and no key over it becomes valid by a scan');

$_->quit for $a, $b, $c, $asker;
# ---------------------------------------------------------------------------------------------------------------------
# A plan's key that has orphans is counted with earlier ones, and once more for itself, however many others have orphans as well
query(<<'SQL');
CREATE TABLE dirty_parent (id int PRIMARY KEY);
SELECT sg_plan_create('dirty');
DO $$ BEGIN FOR i IN 1 .. 40 LOOP
	EXECUTE format('CREATE TABLE dirty_%s (p int)', i);
	EXECUTE format('INSERT INTO dirty_%s VALUES (1)', i);
	PERFORM sg_plan_add_fk('dirty', 'dirty_' || i, '{p}', 'dirty_parent', index => false);
END LOOP; END $$;
SQL
{
	my $before = query(q{SELECT pg_stat_get_blocks_fetched('dirty_40'::regclass)});
	query(q{SET client_min_messages = error; CALL sg_add_fks('dirty')});
	is(query(q{SELECT string_agg(DISTINCT state, ' ') FROM schemaguard.plan_step WHERE plan = 'dirty'}), 'failed', 'no key of a dirty plan is added');
	my $read = query(q{SELECT pg_stat_get_blocks_fetched('dirty_40'::regclass)}) - $before;
	cmp_ok($read, '<', 15, "... and the last one is not read for each of the others: $read blocks");
}

$node->stop;
done_testing();
