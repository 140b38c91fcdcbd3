# 165_verify_workers.pl: live tests of many keys, which a standby has to follow.
#
#   - workers try them, each in a transaction of its own: no subtransaction is beyond what the server remembers of one transaction, and
#     the session has no transaction ID meanwhile
#   - workers do not deadlock with one another, and their number does not change a verdict
#   - where no worker can, because the transaction has written or holds locks, there are none, none is free, the role is that of a
#     SECURITY DEFINER function, or keys are of temporary tables, the session tries a few; the rest is unknown, with that reason
#   - where other keys hold every parent that is there, a copy is tried, and the parent is not read as a whole
#   - a key that no row is found for in schemaguard.live_search is skipped
#   - a cancel ends the workers; the key of a worker that ends early is tried by the session
#
# rooms: verify
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Utils;
use SgTest;
use Test::More;

my $keys = 40;
my $node = new_node('many', conf => "wal_level = replica\nmax_wal_senders = 2\nschemaguard.lock_timeout = '10s'\nschemaguard.live_search = '30s'\n");
my $session = SgTest::Session->new($node);
my $live = q{FROM sg_verify_fks_details(live => true) WHERE test LIKE 'live:%'};

sub query { return $node->safe_psql('postgres', $_[0]); }

query("SET client_min_messages = error; CREATE TABLE p (id int PRIMARY KEY, note text); INSERT INTO p SELECT generate_series(1, 100)");
query("CREATE TABLE c_$_ (id int CONSTRAINT c_$_ REFERENCES p, note text); INSERT INTO c_$_ VALUES ($_, 'a'); CREATE INDEX ON c_$_ (id)") for 1 .. $keys;

# The most subtransactions of one transaction, over 64 of which the server writes to its WAL which transaction they are of
sub assigned
{
	my ($from) = @_;
	my $to = query('SELECT pg_switch_wal()');
	my ($out, $err) = run_command([ 'pg_waldump', '-p', $node->data_dir . '/pg_wal', '-r', 'Transaction', '-s', $from, '-e', $to, query("SELECT pg_walfile_name('$from')") ]);
	die $err if $err;
	return scalar(() = $out =~ /ASSIGNMENT/g);
}

my $from = query('SELECT pg_current_wal_insert_lsn()');
is($session->query("SELECT result, count(*), string_agg(DISTINCT reason, ', ') $live GROUP BY 1"), "pass|200|", 'workers try 40 keys');
is(assigned($from), 0, 'no transaction has more subtransactions than the server remembers');

# each of these keys locks the others' tables where it deletes a parent
foreach my $workers (2, 4, 6)
{
	my $other = SgTest::Session->new($node);

	is($other->query("SET schemaguard.workers = $workers; SELECT result, count(*), string_agg(DISTINCT reason, ', ') $live GROUP BY 1"), "pass|200|",
		"$workers workers come to the same verdicts");
	$other->quit;
}
is(query("SELECT deadlocks FROM pg_stat_database WHERE datname = 'postgres'"), '0', 'workers lock the tables that their keys share in one order');

# one key's row is in use, and the workers wait for it
$session->query('SELECT 1');
my $locker = SgTest::Session->new($node);
$locker->query('BEGIN; LOCK TABLE c_1 IN SHARE ROW EXCLUSIVE MODE');
$session->send("SELECT count(*) $live");
ok(wait_for(sub { query("SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE NOT granted AND backend_type = 'schemaguard worker'") > 0 }), 'a worker waits for a lock');
is(query("SELECT backend_xid IS NULL FROM pg_stat_activity WHERE pid = $session->{pid}"), 't', 'the session has no transaction ID');
query("SELECT pg_cancel_backend($session->{pid})");
$session->collect;
is($session->sqlstate, '57014', 'a cancel ends it');
is(query("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'schemaguard worker'"), '0', 'and its workers');

# a worker ends early: the session tries its key
$session->send("SELECT result, count(*), string_agg(DISTINCT reason, ', ') $live GROUP BY 1 ORDER BY 1");
my $ended = '';
ok(wait_for(sub { ($ended = query("SELECT pid FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE NOT granted AND backend_type = 'schemaguard worker' LIMIT 1")) ne '' }),
	'a worker waits again');
query("SELECT pg_terminate_backend($ended)");
wait_for(sub { query("SELECT count(*) FROM pg_stat_activity WHERE pid = $ended") eq '0' });
$locker->query('COMMIT');
is($session->collect, 'pass|200|', 'no key is left out because a worker has ended');

# keys of temporary tables are seen by this session alone
my $temporary = SgTest::Session->new($node);
$temporary->query('CREATE TEMPORARY TABLE tp (id int PRIMARY KEY); INSERT INTO tp SELECT generate_series(1, 100)');
$temporary->query("CREATE TEMPORARY TABLE t_$_ (id int CONSTRAINT t_$_ REFERENCES tp); INSERT INTO t_$_ VALUES ($_)") for 1 .. 10;
is($temporary->query("SELECT result, count(*), string_agg(DISTINCT reason, ', ') $live AND fk_name LIKE 't\\_%' GROUP BY 1 ORDER BY 1"),
	"pass|30|\nunknown|20|left out: one transaction tries as many keys as standbys can follow, and no worker did it: the key is of a temporary table",
	'no worker tries the key of a temporary table');
$temporary->quit;

query(q{CREATE ROLE owner; SELECT sg_grant('owner'); GRANT ALL ON ALL TABLES IN SCHEMA public TO owner; GRANT CREATE ON SCHEMA public TO owner;
	CREATE FUNCTION definer() RETURNS TABLE (test text, result text, reason text) LANGUAGE sql SECURITY DEFINER
		AS 'SELECT test, result, reason FROM sg_verify_fks_details(live => true)'; ALTER FUNCTION definer() OWNER TO owner});
foreach my $case (
	[ 'BEGIN; CREATE TABLE mine (id int)', 'ROLLBACK', 'this transaction has written, and a worker would not see that' ],
	[ 'BEGIN; LOCK TABLE p IN SHARE UPDATE EXCLUSIVE MODE', 'ROLLBACK', 'this transaction holds locks, for which a worker would wait' ],
	[ 'SET schemaguard.workers = 0', 'RESET schemaguard.workers', 'schemaguard.workers is 0' ],
	[ 'SELECT 1', 'SELECT 1', q{a worker can't become the role of a SECURITY DEFINER function}, q{FROM definer() WHERE test LIKE 'live:%'} ])
{
	my ($before, $after, $why, $call) = @$case;

	$session->query($before);
	$from = query('SELECT pg_current_wal_insert_lsn()');
	is($session->query("SELECT result, count(*), string_agg(DISTINCT reason, ', ') " . ($call // $live) . ' GROUP BY 1 ORDER BY 1'),
		"pass|30|\nunknown|170|left out: one transaction tries as many keys as standbys can follow, and no worker did it: $why", "the session tries a few: $why");
	$session->query($after);
	is(assigned($from), 0, 'no more than standbys can follow');
}

# parents that other keys hold
query('DROP TABLE ' . join ', ', map { "c_$_" } 1 .. $keys);
query('CREATE TABLE q (id int PRIMARY KEY, note text); INSERT INTO q SELECT generate_series(1, 60000)');
query("CREATE TABLE d_$_ (id int CONSTRAINT d_$_ REFERENCES q); INSERT INTO d_$_ SELECT id FROM q; CREATE INDEX ON d_$_ (id)") for 1 .. 3;
query('ANALYZE');
is($session->query("BEGIN; CREATE TABLE mine (id int); SELECT result, count(*), string_agg(DISTINCT reason, ', ') $live GROUP BY 1"),
	'pass|15|', 'keys that hold each parent of each other');
is($session->query("SELECT seq_tup_read < 1000 FROM pg_stat_xact_user_tables WHERE relname = 'q'"), 't', 'the parent is not read as a whole');
$session->query('ROLLBACK');
query('DROP TABLE d_1, d_2, d_3, q');

# rows that are hard to find
query('CREATE TABLE c (id int CONSTRAINT c REFERENCES p); INSERT INTO c SELECT NULL FROM generate_series(1, 500000)');
is($session->query("SET schemaguard.live_search = '1ms'; SELECT result, reason ~ '^no row found to try in 1 ms', count(*) $live GROUP BY 1, 2"),
	'skipped|t|5', 'no row in the time that there is to look for one');

done_testing();
