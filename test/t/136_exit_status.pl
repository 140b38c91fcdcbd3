# 136_exit_status.pl: what CI sees of CALLs that are to fail: psql's exit status, what is committed all the same, also where
# workers have done it, and what listeners hear of an audit gate.
#
# rooms: run report
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use IPC::Run ();
use JSON::PP ();
use PostgreSQL::Test::Utils;
use Test::More;
use SgTest;

my $node = new_node('status', without => 1, conf => "max_worker_processes = 20\n");
$node->safe_psql('postgres', q{
	CREATE EXTENSION schemaguard;
	CREATE TABLE p (id int PRIMARY KEY);
	CREATE TABLE c (a int, b int);
	CREATE TABLE d (e int);
	INSERT INTO p SELECT generate_series(1, 10);
	INSERT INTO c VALUES (1, 1);
	INSERT INTO d VALUES (2);
	SELECT sg_plan_create('ci');
	SELECT sg_plan_add_fk('ci', 'c', ARRAY['a'], 'p', fk_name => 'a', orphans => 'quarantine'),
	       sg_plan_add_fk('ci', 'd', ARRAY['e'], 'p', fk_name => 'e', orphans => 'quarantine');
});

# Exit status and messages of psql
sub psql_status
{
	my (@args) = @_;
	my ($out, $err);

	IPC::Run::run([ 'psql', '-X', '-A', '-t', '-d', $node->connstr('postgres'), @args ], '<', \undef, '>', \$out, '2>', \$err);
	return ($? >> 8, $err);
}

my $file = $node->basedir . '/ci.sql';
append_to_file($file, "CALL sg_add_fks('ci', fail => true);\nSELECT 2;\n");
my $states = q{SELECT string_agg(fk_name || ' ' || state, ', ' ORDER BY step) FROM schemaguard.plan_step WHERE plan = 'ci'};

# ---- plans ----

is((psql_status('-c', q{CALL sg_add_fks('ci', fail => true)}))[0], 0, 'all is done: psql -c exits with 0');
is((psql_status('-v', 'ON_ERROR_STOP=1', '-f', $file))[0], 0, 'and psql -f with 0');
is((psql_status('-c', q{CALL sg_rollback_fks('ci', fail => true)}))[0], 0, 'taken back: 0');

# two tables: workers validate, and write the log
$node->safe_psql('postgres', 'INSERT INTO d VALUES (99)');
my ($status, $err) = psql_status('-c', q{CALL sg_add_fks('ci')});
is($status, 0, 'a step fails: without fail psql exits with 0');
like($err, qr/^WARNING:  step 2, e ON public\.d: .*validate failed: 1 orphan row/m, 'and warns');
$node->safe_psql('postgres', q{CALL sg_rollback_fks('ci')});
($status, $err) = psql_status('-c', q{SET schemaguard.workers = 2}, '-c', q{CALL sg_add_fks('ci', fail => true)});
is($status, 1, 'with fail, with 1');
like($err, qr/^ERROR:  sg_add_fks\(\) could not do all of plan "ci"\nDETAIL:  step 2, e ON public\.d: 1 orphan row with 1 distinct key\n/m, 'and says why');
is($node->safe_psql('postgres', $states), 'a validated, e added', 'what is done stays done');
is((psql_status('-v', 'ON_ERROR_STOP=1', '-f', $file))[0], 3, 'psql -f exits with 3');
is($node->safe_psql('postgres', 'SELECT count(*) FROM schemaguard.progress'), '0', 'no call is on show any more');

# another session goes on at once
is((psql_status('-c', q{CALL sg_fix_orphans('ci', fail => true)}))[0], 0, 'fixing: 0');
is((psql_status('-c', q{CALL sg_add_fks('ci', fail => true)}))[0], 0, 'then all is done');
$node->safe_psql('postgres', 'ALTER TABLE d ADD CHECK (e < 50)');
($status, $err) = psql_status('-c', q{CALL sg_rollback_fks('ci', fail => true)});
is($status, 1, 'a row that can not go back: 1');
like($err, qr/^DETAIL:  1 row is left in quarantine$/m, 'which is said');
is($node->safe_psql('postgres', $states), 'a rolled back, e failed', 'and the step whose row is not back has failed');

# ---- a gate for orphans ----

$node->safe_psql('postgres', q{
	CREATE SCHEMA app;
	CREATE TABLE app.p (id int PRIMARY KEY);
	CREATE TABLE app.c (a int CONSTRAINT a REFERENCES app.p, b int CONSTRAINT b REFERENCES app.p);
	INSERT INTO app.p VALUES (1);
});
my $orphan = q{SET session_replication_role = replica; INSERT INTO app.c VALUES (7, 1)};
my $listener = SgTest::Session->new($node);
$listener->query('LISTEN schemaguard');

# What the listener has heard since it was last asked
sub heard
{
	my $out = $listener->query('SELECT 1') // '';
	my @heard;

	push @heard, JSON::PP->new->utf8->decode($1) while $out =~ /Asynchronous notification "schemaguard" with payload "(.*?)" received from server process/gs;
	return @heard;
}

is((psql_status('-c', q{CALL sg_audit_gate('{app}')}))[0], 0, 'no orphans: the gate exits with 0');
is(scalar(my @nothing = heard()), 0, 'and tells nobody');
$node->safe_psql('postgres', $orphan);
($status, $err) = psql_status('-c', q{CALL sg_audit_gate('{app}')});
is($status, 1, 'an orphan: with 1');
like($err, qr/^ERROR:  orphans in 1 of 2 foreign keys, 0 could not be judged\nDETAIL:  a ON app\.c: 1 orphan row\n/, 'and names the key');
is($node->safe_psql('postgres', q{SELECT string_agg(message, ', ' ORDER BY id) FROM schemaguard.audit_log WHERE action = 'audit gate'}),
	'pass: 2 keys, 0 fail, 0 unknown, 0 accepted; 0 new, 0 gone, fail: 2 keys, 1 fail, 0 unknown, 0 accepted; 1 new, 0 gone', 'each gate is in the log');
my @heard = heard();
is(scalar(@heard), 1, 'listeners hear of it');
is_deeply(
	{ %{ $heard[0] }, run => 'id' },
	{
		source => 'audit', run => 'id', reference => '', target => 'schemas app', result => 'fail', keys => 2, failed => 1, unknown => 0, accepted => 0, new => 1, gone => 0, more => 0,
		items => [ { state => 'new', kind => 'foreign key', object => 'app.c', property => 'a', change => undef, result => 'fail', risk => undef, count => 1 } ]
	}, 'with counts and keys') or diag(explain($heard[0]));
is($node->safe_psql('postgres', "SELECT count(*) FROM schemaguard.audit_log WHERE run_id = '$heard[0]{run}' AND action = 'audit'"), '2', 'and the run');
psql_status('-c', q{CALL sg_audit_gate('{app}')});
is(scalar(@nothing = heard()), 0, 'once');

# what could not be judged is no pass
my $locker = SgTest::Session->new($node);
$node->safe_psql('postgres', 'DELETE FROM app.c');
$locker->query('BEGIN; LOCK TABLE app.c');
($status, $err) = psql_status('-c', q{SET lock_timeout = '100ms'}, '-c', q{CALL sg_audit_gate('{app}')});
is($status, 1, 'a table that is locked: with 1');
like($err, qr/^ERROR:  orphans in 0 of 2 foreign keys, 2 could not be judged\nDETAIL:  a ON app\.c: unknown: /, 'since its keys are unknown');
$locker->query('ROLLBACK');
$locker->quit;
@heard = heard();
is("$heard[0]{result} $heard[0]{new} $heard[0]{gone}", 'unknown 2 0', 'which is another result');
is((psql_status('-c', q{CALL sg_audit_gate('{app}')}))[0], 0, 'all is well again: with 0');
@heard = heard();
is("$heard[0]{result} $heard[0]{new} $heard[0]{gone} $heard[0]{items}[0]{state}", 'pass 0 2 gone', 'and that is told, too');
is((psql_status('-1', '-c', q{CALL sg_audit_gate()}))[0], 1, 'psql -1 is misuse');
$listener->quit;

$node->stop('immediate');
done_testing();
