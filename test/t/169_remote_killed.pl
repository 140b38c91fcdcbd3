# 169_remote_killed.pl: the backend of a call that is in the middle of a query on another server is killed by SIGKILL.
#
# The other server's session waits for a lock, reads no message, and has locks of its own: it notices that nobody is there, ends, and
# lets go.  This server restarts, and the next call is answered.
#
# rooms: snapshot drift
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Utils;
use SgTest;
use SgFault;
use Test::More;

my $node = new_node('here', conf => "restart_after_crash = on\n");
plan skip_all => 'dblink is not installed here' unless has_extension($node, 'dblink');
my $other = new_node('there', without => 1);
my $schema = 'CREATE TABLE t (id int PRIMARY KEY, a int CHECK (a > 0)); CREATE VIEW v AS SELECT a FROM t;';

$other->safe_psql('postgres', $schema);
$node->safe_psql('postgres', $schema . q{CREATE EXTENSION dblink; SELECT sg_snapshot_take('dev');
	CREATE SERVER there FOREIGN DATA WRAPPER dblink_fdw OPTIONS (host '} . $other->host . q{', port '} . $other->port . q{', dbname 'postgres');
	CREATE USER MAPPING FOR CURRENT_USER SERVER there;});

my $holder = SgTest::Session->new($other);
my $ours = "FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid NOT IN (pg_backend_pid(), $holder->{pid})";
sub there { return $other->safe_psql('postgres', $_[0]); }

foreach my $call (q{SELECT sg_snapshot_take('of there', server => 'there')}, q{SELECT count(*) FROM sg_drift_matrix('{dev,there}')})
{
	my ($name) = $call =~ /(sg_\w+)/;
	my $s = SgTest::Session->new($node);

	$holder->query('BEGIN; LOCK TABLE t IN ACCESS EXCLUSIVE MODE');
	$s->send($call);
	my $pid;
	ok(wait_for(sub { $pid = there("SELECT pid $ours AND wait_event_type = 'Lock'") }), "$name: the other server's session waits for a lock");
	kill 'KILL', $s->{pid};
	ok(wait_for(sub { there("SELECT count(*) $ours") eq '0' }), '... and ends when ours is killed');
	is(there("SELECT count(*) FROM pg_locks WHERE pid = $pid"), '0', '... with its locks');
	is($holder->query('SELECT count(*) FROM t'), '0', '... while that lock is held');
	$holder->query('ROLLBACK');
	$s->quit;
	ok(wait_restarted($node), '... this server comes back');
	is($node->safe_psql('postgres', q{SELECT count(*) FROM schemaguard.snapshot WHERE name <> 'dev'}), '0', '... without half a snapshot');
	like($node->safe_psql('postgres', $call), qr/^\d+$/, '... and the next call is answered');
	ok(wait_for(sub { there("SELECT count(*) $ours") eq '0' }), '... leaving no session') or diag(there("SELECT pid, state, query $ours"));
	$node->safe_psql('postgres', q{SELECT sg_snapshot_drop(name) FROM schemaguard.snapshot WHERE name <> 'dev'});
}
$holder->quit;
$node->stop;
$other->stop;
done_testing();
