# 058_verify.pl: sg_verify_fks(live => true) and sg_measure_overhead beside an application, and when they are stopped.
#
#   - under pgbench on few, much used rows: no transaction of the application fails or waits for us longer than
#     schemaguard.lock_timeout plus 50 ms (SG_LONG=1; else 1.5 s), no key that holds is reported as failed, no row is left behind
#   - rows and tables that others have locked are not waited for; the verdict is unknown
#   - an attempt that lasts is stopped; a cancel, a timeout and a kill in the middle of one leave every row where it was
#   - what is measured holds no lock on the real tables, and a cancel leaves no copy behind
#
# rooms: verify
# takes: 25 s
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use IPC::Run ();
use PostgreSQL::Test::Utils;
use SgTest;
use SgLoad;
use Test::More;
use Time::HiRes 'time';

my $lock_timeout = 100;
my $node = new_node('verify', conf => "shared_buffers = 64MB\nautovacuum = off\n");
my $dir = PostgreSQL::Test::Utils::tempdir();

sub query { return $node->safe_psql('postgres', $_[0]); }

# Every row of some tables with its place
sub fingerprint
{
	return query(join "\n", map { "SELECT '$_', md5(string_agg(ctid::text || t::text, ',' ORDER BY ctid)) FROM $_ t;" } @_);
}

query(<<'SQL');
CREATE TABLE p (id int PRIMARY KEY, note text, hits int NOT NULL DEFAULT 0);
CREATE TABLE c (id serial PRIMARY KEY, refused int CONSTRAINT refused REFERENCES p,
	cascaded int CONSTRAINT cascaded REFERENCES p ON DELETE CASCADE ON UPDATE CASCADE,
	nulled int CONSTRAINT nulled REFERENCES p ON DELETE SET NULL ON UPDATE SET NULL);
INSERT INTO p SELECT generate_series(1, 60);
INSERT INTO c (refused, cascaded, nulled) SELECT 1 + g % 20, 21 + g % 20, 41 + g % 20 FROM generate_series(1, 600) g;
CREATE INDEX ON c (refused);
CREATE INDEX ON c (cascaded);
CREATE INDEX ON c (nulled);
VACUUM ANALYZE;
SQL

# ---------------------------------------------------------------------------------------------------------------------
# Under load

query(<<'SQL');
CREATE UNLOGGED TABLE seen (at timestamptz, pid int, waiting_since timestamptz);
CREATE UNLOGGED TABLE stop_observer ();
CREATE PROCEDURE observe(culprit int) LANGUAGE plpgsql AS $$
DECLARE
	apps int[] := ARRAY(SELECT pid FROM pg_stat_activity WHERE application_name = 'load');
BEGIN
	WHILE NOT EXISTS (SELECT FROM stop_observer) LOOP
		INSERT INTO seen
			SELECT clock_timestamp(), b.pid, (SELECT l.waitstart FROM pg_locks l WHERE l.pid = b.pid AND NOT l.granted LIMIT 1)
			FROM (SELECT p AS pid FROM unnest(apps) p WHERE culprit = ANY (pg_blocking_pids(p)) UNION ALL SELECT NULL) b;
		COMMIT;
		PERFORM pg_sleep(0.003);
	END LOOP;
END$$;
SQL

open my $script, '>', "$dir/load.sql" or die "$dir/load.sql: $!";
print $script <<'SQL';
\set r random(1, 20)
\set s random(21, 40)
\set t random(41, 60)
\set id random(1, 600)
INSERT INTO c (refused, cascaded, nulled) VALUES (:r, :s, :t);
UPDATE c SET refused = :r, cascaded = :s, nulled = :t WHERE id = :id;
UPDATE p SET hits = hits + 1 WHERE id = :s;
DELETE FROM c WHERE id = (SELECT id FROM c WHERE id > 600 AND cascaded = :s LIMIT 1 FOR UPDATE SKIP LOCKED);
\sleep 2 ms
SQL
close $script;

my $load;
{
	local $ENV{PGAPPNAME} = 'load';
	$load = IPC::Run::start(
		[
			'pgbench', '--no-vacuum', '--time=600', '--client=4', '--random-seed=' . seed(),
			'-f', "$dir/load.sql", '-d', $node->connstr('postgres')
		],
		'<', '/dev/null', '>', "$dir/load.out", '2>&1');
}
ok(wait_for(sub { query("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'load'") >= 4 }), 'the application runs');

my $session = SgTest::Session->new($node);
is($session->query("SELECT FROM schemaguard.progress; SHOW schemaguard.lock_timeout"), "${lock_timeout}ms", 'schemaguard.lock_timeout is 100 ms');
my $observer = SgTest::Session->new($node);
$observer->send("SET synchronous_commit = off; CALL observe($session->{pid})");

my %counts;
my $reasons = '';
my $end = time + (long_run() ? 60 : 4);
my $calls = 0;
while (time < $end)
{
	my $out = $session->query('SELECT fk_name, test, result, observed, reason FROM sg_verify_fks_details(live => true)');
	die $session->{err} if $session->sqlstate ne '';
	$calls++;
	for (split /\n/, $out)
	{
		my (undef, undef, $result) = split /\|/;
		$counts{$result}++;
		$reasons .= "$_\n" if $result ne 'pass';
	}
}
query('INSERT INTO stop_observer DEFAULT VALUES');
$observer->collect;
$load->signal('ALRM');
$load->finish;

is($load->result(0), 0, 'pgbench succeeds') or diag(slurp_file("$dir/load.out"));
like(slurp_file("$dir/load.out"), qr/^number of failed transactions: 0 /m, 'no transaction of the application failed');
my @errors = slurp_file($node->logfile) =~ /^.* load (?:ERROR|FATAL|PANIC):.*$/mg;
is(scalar(@errors), 0, 'no error in an application backend') or diag(join "\n", @errors);
is($counts{fail} // 0, 0, 'no key that holds is reported as failed') or diag($reasons);
cmp_ok($counts{pass} // 0, '>', bound(9 * $calls, 0), 'rows could be tried, too') or diag($reasons);
is(query('SELECT count(*) FROM c WHERE least(refused, cascaded, nulled) < 1 OR greatest(refused, cascaded, nulled) > 60
	OR num_nulls(refused, cascaded, nulled) > 0 OR id < 1 OR id > (SELECT last_value FROM c_id_seq)'), '0', 'no child of ours is left');
is(query('SELECT count(*) FROM c WHERE id <= 600'), '600', 'no child is gone');
is(query('SELECT count(*), min(id), max(id) FROM p'), '60|1|60', 'no parent is gone or changed');
my ($longest, $waits) = split /\|/, query(<<'SQL');
SELECT coalesce(round(max(extract(epoch FROM until - since) * 1000)), 0), count(*)
FROM (SELECT pid, coalesce(waiting_since, at) AS since, max(at) AS until FROM seen WHERE pid IS NOT NULL GROUP BY 1, 2) w
SQL
cmp_ok($longest, '<', bound($lock_timeout + 50, 1500), 'no application backend waited longer for us than lock_timeout + 50 ms');
diag("$calls calls: " . join(', ', map { "$counts{$_} $_" } sort keys %counts) . "; $waits waits for us seen, longest $longest ms");

# ---------------------------------------------------------------------------------------------------------------------
# What others have locked

my $live = "SELECT test, result, coalesce(reason, '') FROM sg_verify_fks_details(live => true) WHERE fk_name = 'cascaded' AND test LIKE 'live%'";
my $other = SgTest::Session->new($node);
my $before = fingerprint('c', 'p');

$session->query("SET schemaguard.lock_timeout = '1s'");
$other->query('BEGIN; SELECT FROM p FOR UPDATE');
my %result = map { my ($test, $result, $reason) = split /\|/; ($test => [ $result, $reason ]) } split /\n/, $session->query($live);
is($result{"live: $_ a parent"}[0], 'unknown', "parents are locked: $_ is unknown") for qw(delete update);
like($result{'live: delete a parent'}[1], qr/^before it was tried, 55P03/, 'and says so');
$other->query('ROLLBACK');

$session->query('RESET schemaguard.lock_timeout');
$other->query('BEGIN; LOCK TABLE c IN ACCESS EXCLUSIVE MODE');
my $start = time;
is(scalar(grep { /\|unknown\|/ } split /\n/, $session->query($live)), 5, 'the child is locked: unknown');
cmp_ok(time - $start, '<', bound(10, 120), 'which takes no longer than the limits of the attempts');
$other->query('ROLLBACK');

# ---------------------------------------------------------------------------------------------------------------------
# In the middle of an attempt: one that takes long, because a CHECK does

query(<<'SQL');
CREATE TABLE slow (id int PRIMARY KEY, p int CONSTRAINT slow REFERENCES p);
INSERT INTO slow VALUES (1, 1), (2, 2);
CREATE FUNCTION nap(int) RETURNS boolean LANGUAGE plpgsql IMMUTABLE AS $$BEGIN PERFORM pg_sleep(30); RETURN true; END$$;
ALTER TABLE slow ADD CHECK (nap(id)) NOT VALID;
SQL
$before = fingerprint('slow', 'p');
my $try = "SELECT result, reason FROM sg_verify_fks_details(live => true) WHERE fk_name = 'slow' AND test = 'live: insert an orphan'";
like($session->query($try), qr/^unknown\|an attempt took longer than 100 ms/, 'an attempt that lasts is stopped');
$session->query("SET statement_timeout = '1s'; SET schemaguard.lock_timeout = '60s'");
$session->query($try);
is($session->sqlstate, '57014', "the caller's statement_timeout stops the whole");
$session->query('RESET statement_timeout');

sub in_attempt
{
	return wait_for(sub { query("SELECT count(*) FROM pg_stat_activity WHERE pid = $session->{pid} AND wait_event = 'PgSleep'") });
}
$session->send($try);
ok(in_attempt(), 'an attempt is under way');
query("SELECT pg_cancel_backend($session->{pid})");
$session->collect;
is($session->sqlstate, '57014', 'a cancel stops it');
is($session->query('SELECT count(*) FROM pg_locks WHERE pid = pg_backend_pid() AND relation = \'slow\'::regclass'), '0', 'nothing is locked any more');
$session->send($try);
ok(in_attempt(), 'another attempt is under way');
query("SELECT pg_terminate_backend($session->{pid}, 10000)");
$session->quit;
is(fingerprint('slow', 'p'), $before, 'every row is where it was');
query('DROP TABLE slow');

# ---------------------------------------------------------------------------------------------------------------------
# Measuring

query("SET client_min_messages = warning; SELECT sg_plan_create('cost'); SELECT sg_plan_add_fk('cost', 'c', '{refused}', 'p')");
$before = fingerprint('c', 'p');
$session = SgTest::Session->new($node);
$session->send("SELECT * FROM schemaguard.sg_measure_overhead('cost', rounds => 1000)");
ok(wait_for(sub { query("SELECT count(*) FROM pg_locks l WHERE pid = $session->{pid} AND mode = 'AccessExclusiveLock'") }), 'copies were made');
# relations are sampled and given back before the rounds begin
ok(wait_for(sub { query("SELECT count(*) FROM pg_locks WHERE pid = $session->{pid} AND relation IN ('c'::regclass, 'p'::regclass)") eq '0' }),
	'no lock on the real tables');
is($other->query("BEGIN; SET LOCAL lock_timeout = '30s'; LOCK TABLE c, p IN ACCESS EXCLUSIVE MODE; COMMIT") // 'gone', '', 'others may lock them');
is($other->sqlstate, '', 'at once');
query("SELECT pg_cancel_backend($session->{pid})");
$session->collect;
is($session->sqlstate, '57014', 'a cancel stops it');
is($session->query("SELECT count(*) FROM pg_class WHERE relname LIKE 'schemaguard%' AND relkind = 'r'"), '0', 'no copy is left');
is($session->query("SELECT count(ratio) FROM schemaguard.sg_measure_overhead('cost', 50, 1)"), '3', 'and it can be called again');
is(fingerprint('c', 'p'), $before, 'every row is where it was');

$_->quit for $session, $other, $observer;
$node->stop;
done_testing();
