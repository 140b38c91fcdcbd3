# 078_memory.pl: what a call takes of memory does not grow with what it has done.
#
# Each function that goes through many keys is called in a session of its own, whose private memory at its peak is held
# against a ceiling of 300 MB for 5,000 keys, the server's own caches of tables and keys included: 60 kB for each.  What a
# call costs whatever it has to do is measured with a few keys, so that a smaller number can be held against its share.
#
# rooms: base
# takes: 20 s
# majors: one (measures memory)
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use SgTest;
use Test::More;

plan skip_all => 'reads /proc' unless -r "/proc/$$/status";

my ($few, $many) = (20, long_run() ? 5000 : 160);
my $node = new_node('memory', conf => "shared_buffers = 64MB\nmax_locks_per_transaction = 1024\nfsync = off\nschemaguard.lock_timeout = '10s'\n");

# Every child has a key, which is planned; ten children share a parent
sub make_tables
{
	my ($db, $keys) = @_;
	my $parents = $keys / 10;

	$node->safe_psql('postgres', "CREATE DATABASE $db");
	$node->safe_psql($db, <<SQL);
CREATE EXTENSION schemaguard;
CREATE SCHEMA m;
DO \$\$
BEGIN
	FOR i IN 0..$parents - 1 LOOP
		EXECUTE format('CREATE TABLE m.parent_%s (id int PRIMARY KEY, note text)', i);
		EXECUTE format('INSERT INTO m.parent_%s SELECT generate_series(1, 9)', i);
	END LOOP;
END\$\$;
CREATE PROCEDURE m.make(n int) LANGUAGE plpgsql AS \$\$
BEGIN
	FOR i IN 1..n LOOP
		EXECUTE format('CREATE TABLE m.child_%s (id int PRIMARY KEY, planned int)', i);
		EXECUTE format('INSERT INTO m.child_%s VALUES (1, 2), (2, NULL), (3, 4)', i);
		IF i % 100 = 0 THEN COMMIT; END IF;
	END LOOP;
END\$\$;
CALL m.make($keys);
SELECT sg_plan_create('memory');
SELECT count(sg_plan_add_fk('memory', 'm.child_' || g, '{planned}', 'm.parent_' || g % $parents, fk_name => 'planned_' || g, index => false))
FROM generate_series(1, $keys) g;
SELECT sg_plan_create('script');
SELECT sg_snapshot_take('memory');
CREATE TABLE script AS SELECT string_agg(format('ALTER TABLE m.child_%s ADD CONSTRAINT planned_%1\$s FOREIGN KEY (planned)'
	' REFERENCES m.parent_%s;', g, g % $parents), E'\\n') AS text FROM generate_series(1, $keys) g;
VACUUM ANALYZE;
SQL
}

# kB by name, from what the kernel says about a process
sub memory
{
	my ($pid) = @_;
	my %kb;

	open my $status, '<', "/proc/$pid/status" or return;
	while (<$status>) { $kb{$1} = $2 if /^(\w+):\s+(\d+) kB/; }
	close $status;
	return %kb;
}

# Pages of files and of shared memory stay once they were touched: what is left of the peak is the session's own
sub peak
{
	my ($db, $sql) = @_;
	my $session = SgTest::Session->new($node, dbname => $db);
	my %before = memory($session->{pid});
	my $out = $session->query($sql);
	my %after = memory($session->{pid});

	die "$sql: " . ($session->{err} // 'gone') if $session->sqlstate ne '' || !defined $out;
	$session->quit;
	return ($after{VmHWM} - $after{RssFile} - $after{RssShmem} - $before{RssAnon}, $out);
}

# Name, call, and what it answers for so many keys
my @calls = (
	[ 'sg_orphan_audit', "SELECT count(*) FROM sg_orphan_audit_details() WHERE result = 'pass'", sub { $_[0] } ],
	[ 'sg_plan_check', "SELECT count(DISTINCT step) FROM sg_plan_check_details('memory') WHERE step > 0", sub { $_[0] } ],
	[ 'sg_plan_sql', "SELECT count(*) > 20 FROM sg_plan_sql('memory')", sub { 't' } ],
	[ 'sg_plan_from_sql', "SELECT sg_plan_from_sql('script', text) FROM script", sub { $_[0] } ],
	[ 'sg_verify_fks of a plan, before', "SELECT count(*) FROM sg_verify_fks_details('memory') WHERE observed = 'missing'", sub { $_[0] } ],
	[ 'sg_discover_fks', 'SELECT count(*) >= 0 FROM sg_discover_fks_details()', sub { 't' } ],
	[ 'sg_add_fks', "CALL sg_add_fks('memory')", sub { '' } ],
	[ 'sg_verify_fks', "SELECT count(*) FROM sg_verify_fks_details() WHERE result = 'pass'", sub { 3 * $_[0] } ],
	[ 'sg_verify_fks, live', "SELECT count(*) FROM sg_verify_fks_details(live => true) WHERE test ~ 'live' AND result = 'pass'", sub { 5 * $_[0] } ],
	[
		'sg_verify_fks of a plan, live',
		"SELECT count(*) FROM sg_verify_fks_details('memory', live => true) WHERE test ~ 'live' AND result = 'pass'",
		sub { 5 * $_[0] }
	],
	[ 'sg_drift', "SELECT count(DISTINCT object) FROM sg_drift_details('memory', schemas => '{m}') WHERE kind = 'constraint'", sub { $_[0] } ],
	[ 'sg_rollback_fks', "CALL sg_rollback_fks('memory')", sub { '' } ]);

make_tables('few', $few);
make_tables('many', $many);
for my $call (@calls)
{
	my ($name, $sql, $answer) = @$call;
	my ($base) = peak('few', $sql);
	my ($kb, $out) = peak('many', $sql);
	my $ceiling = long_run() ? 300_000 : $base + 60 * ($many - $few);

	cmp_ok($kb, '<', $ceiling, "$name: $many keys take less than $ceiling kB");
	is($out, $answer->($many), "$name did what it should");
	diag("$name: $base kB for $few keys, $kb kB for $many");
	is($node->safe_psql('many', "SELECT count(*) FROM pg_constraint WHERE conname ~ '^planned_' AND convalidated"), $many, 'every key was added')
		if $name eq 'sg_add_fks';
}
is($node->safe_psql('many', "SELECT count(*) FROM pg_constraint WHERE conname ~ '^planned_'"), '0', 'and all are gone');

$node->stop;
done_testing();
