# 094_pgbouncer.pl: calls through pgbouncer in transaction mode, where the next client gets the same server connection.
#
# A CALL works.  Whatever becomes of it, the lock that keeps others from its plan goes with it: when it fails, when it is cancelled, by
# the client or on the server, and when its client goes away; and nobody else inherits its settings of one transaction.  Settings that
# a plan needs are its own: sg_plan_option().
#
# rooms: run
# majors: one (the locks and settings of a session are those of every session)
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Utils;
use SgTest;
use SgLoad;
use Test::More;

# Where clients connect to; SgTest::Session asks for no more of a server
package Bouncer;
sub connstr { return "host=$_[0]{host} port=$_[0]{port} dbname=$_[1]"; }

package main;

my ($program) = grep { -x } map { "$_/pgbouncer" } split(/:/, $ENV{PATH}), '/usr/sbin', '/usr/local/sbin';
plan skip_all => 'NOT TESTED: pgbouncer, which is not installed here' unless $program;

my $node = new_node('server', conf => "max_worker_processes = 12\n");
my $dir = PostgreSQL::Test::Utils::tempdir_short();
my $bouncer = bless { host => $dir, port => $node->port }, 'Bouncer';
my $user = $node->safe_psql('postgres', 'SELECT current_user');

sub query { return $node->safe_psql('postgres', $_[0]); }

# One server connection for all clients
append_to_file("$dir/users", qq("$user" ""\n));
append_to_file("$dir/pgbouncer.ini", <<INI);
[databases]
postgres = host=@{[ $node->host ]} port=@{[ $node->port ]} dbname=postgres user=$user
[pgbouncer]
pool_mode = transaction
default_pool_size = 1
listen_addr =
listen_port = @{[ $node->port ]}
unix_socket_dir = $dir
auth_type = any
auth_file = $dir/users
logfile = $dir/log
pidfile = $dir/pid
INI
system($program, '-q', '-d', "$dir/pgbouncer.ini") == 0 or die "pgbouncer does not start\n";
END
{
	my $status = $?;

	kill 'TERM', (slurp_file("$dir/pid") =~ /(\d+)/)[0] if $dir && -e "$dir/pid";
	$? = $status;
}

query(<<'SQL');
CREATE TABLE parent (id int PRIMARY KEY);
INSERT INTO parent SELECT generate_series(1, 100);
CREATE TABLE a (ref int);
CREATE TABLE b (ref int);
INSERT INTO a SELECT id FROM parent;
INSERT INTO b SELECT id FROM parent;
CREATE TABLE held (ref int);
SELECT sg_plan_create(p), sg_plan_add_fk(p, 'a', '{ref}', 'parent'), sg_plan_add_fk(p, 'b', '{ref}', 'parent') FROM (VALUES ('good')) v (p);
SELECT sg_plan_create('held'), sg_plan_add_fk('held', 'held', '{ref}', 'parent', index => false),
	sg_plan_option('held', 'lock_timeout', '20ms'), sg_plan_option('held', 'statement_timeout', '1h');
SQL
my $settings = q{SELECT string_agg(name || ' ' || setting, ', ') FROM pg_settings WHERE source = 'session' AND name NOT IN ('application_name', 'client_encoding')};

# a plan is locked as an object is
my $locks = q{SELECT count(*) FROM pg_locks WHERE locktype IN ('advisory', 'object') AND pid <> pg_backend_pid()};

# What the next client of the same connection meets; if that is gone, of another one
sub check_next
{
	my ($what, $same) = @_;
	my $next = SgTest::Session->new($bouncer);

	is(query($locks), '0', "$what: no lock is left");
	is($next->query('SELECT pg_backend_pid()'), $same, '... in the same server connection') if $same;
	is($next->query($settings), '', '... no setting, either');
	is($next->query(q{SELECT count(*) FROM sg_plan_check_details('held') WHERE check_name = 'in_use' AND result = 'ok'}), '1', '... and the plan is free');
	$next->quit;
}

my $client = SgTest::Session->new($bouncer);
my $server = $client->{pid};

$client->query(q{CALL sg_add_fks('good')});
is($client->sqlstate, '', 'a CALL goes through') or diag($client->{err});
is(query(q{SELECT string_agg(state, ' ') FROM schemaguard.plan_step WHERE plan = 'good'}), 'validated validated', '... and its keys are valid');
is(query(q{SELECT count(*) FROM pg_index WHERE indrelid IN ('a'::regclass, 'b'::regclass) AND indisvalid}), '2', '... with their indexes');
check_next('after a CALL', $server);

# What a client sets is the next one's as well; what its plan says counts in any case
$client->query("SET schemaguard.window_end = '2001-01-01'");
my $other = SgTest::Session->new($bouncer);
$other->query(q{CALL sg_rollback_fks('good')});
$other->query(q{CALL sg_add_fks('good', fail => true)});
is($other->sqlstate, 'SG001', 'a window that another client has set ends a CALL') or diag($other->{err});
$other->query(q{SELECT sg_plan_option('good', 'window_end', '')});
$other->query(q{CALL sg_add_fks('good', fail => true)});
is($other->sqlstate, '', '... but not one of a plan that has its own') or diag($other->{err});
$other->quit;
$client->query('RESET schemaguard.window_end');
check_next('after a plan with a window', $server);

$client->query('SET schemaguard.require_approval = on');
$client->query(q{CALL sg_add_fks('held')});
is($client->sqlstate, '55000', 'a CALL fails') or diag($client->{err});
$client->query('RESET schemaguard.require_approval');
check_next('after a failure', $server);

my $holder = SgTest::Session->new($node);
$holder->query('BEGIN; LOCK TABLE held IN ROW EXCLUSIVE MODE');

sub waiting_call
{
	$client->send(q{CALL sg_add_fks('held')});
	ok(wait_for(sub { query(q{SELECT count(*) FROM schemaguard.progress WHERE phase = 'pausing'}) eq '1' }), 'a CALL waits for a lock');
	isnt(query($locks), '0', '... and keeps its plan');
}

waiting_call();
query("SELECT pg_cancel_backend($server)");
$client->collect;
is($client->sqlstate, '57014', '... it is cancelled on the server');
check_next('after a cancel', $server);

# psql sends its own cancel, which goes through pgbouncer
waiting_call();
$client->{harness}->signal('INT');
ok(wait_for(sub { query('SELECT count(*) FROM schemaguard.progress') eq '0' }), '... its client cancels it');
check_next('after a cancel by the client');
$client->quit;

# its client goes: the server hears of it when it next says something
$client = SgTest::Session->new($bouncer);
$client->query('SELECT 1');
waiting_call();
$client->{harness}->kill_kill;
delete $client->{harness};
nap(0.5);
$holder->query('COMMIT');
ok(wait_for(sub { query('SELECT count(*) FROM schemaguard.progress') eq '0' }), '... its client goes away');
ok(wait_for(sub { query($locks) eq '0' }), '... and so does the call');
check_next('after its client');
$client = SgTest::Session->new($bouncer);
$client->query(q{CALL sg_add_fks('held')});
is($client->sqlstate, '', '... another CALL finishes') or diag($client->{err});
is(query(q{SELECT state FROM schemaguard.plan_step WHERE plan = 'held'}), 'validated', '... the plan');
is(leftovers($node, 'held', 0), '', '... and nothing is left');
$client->quit;
$holder->quit;

$node->stop;
done_testing();
