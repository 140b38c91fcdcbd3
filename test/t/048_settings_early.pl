# 048_settings_early.pl: settings that were given before the library is loaded, and that are none.
#
# The server drops them with a warning when the library is loaded.  What judges or writes refuses until they are SET or RESET.
#
# rooms: base
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use Test::More;
use SgTest;

my $node = new_node('settings_early');
my $call = q{CALL sg_add_fks('p')};
my $value = qr/setting "schemaguard.throttle_lag" does not take the value "64 megs" that it was given/;
my $name = qr/there is no setting "schemaguard.trottle_lag", which was set to "64MB"/;

$node->safe_psql('postgres', q{SELECT sg_plan_create('p'); CREATE ROLE bob LOGIN; SELECT sg_grant('bob'), sg_plan_allow('p', 'bob')});

# All of it is one session, in which the library comes with the first call
sub refused
{
	my ($before, $like, $what) = @_;
	is_error($node, "$before; $call", '22023', $like, "refused: $what");
}

sub runs
{
	my ($before, $what) = @_;
	is(error_of($node, "\\set ON_ERROR_STOP off\n$before;\n\\set ON_ERROR_STOP on\n$call"), '', "runs: $what") or diag($SgTest::message);
}

my $bad = q{SET schemaguard.throttle_lag = '64 megs'};
my $typo = q{SET schemaguard.trottle_lag = '64MB'};

refused($bad, $value, 'a value');
like($SgTest::message, qr/Setting schemaguard.throttle_lag is "64MB"\..*SET schemaguard.throttle_lag to what was meant, or RESET it/s, '... saying what is in force, and what to do');
refused("$bad; LOAD 'schemaguard'", $value, '... loaded by itself');
refused("$bad; BEGIN; LOAD 'schemaguard'; ROLLBACK", $value, '... in a transaction that is rolled back');
refused("SET schemaguard.throttle_lag = '1MB'; $bad", $value, '... after a good one');
refused(q{SET schemaguard.audit_method = 'quick'}, qr/audit_method" does not take the value "quick"/, 'a word');
refused(q{SET schemaguard.audit_yield = 'perhaps'}, qr/audit_yield" does not take/, 'a switch');
refused(q{SET schemaguard.workers = '257'}, qr/workers" does not take/, 'a number');
refused(q{SET schemaguard.notify_channel = '} . 'x' x 64 . q{'}, qr/notify_channel" does not take/, 'what a check of its own refuses');
refused($typo, $name, 'a name');
like($SgTest::message, qr/may mean, schemaguard.throttle_lag, is "64MB".*SET schemaguard.throttle_lag to what was meant, or RESET it/s, '... with the nearest one');

refused('SET schemaguard.max_attempts = 5', qr/no setting "schemaguard.max_attempts"/, 'a name that a setting had once');
like($SgTest::message, qr/SET schemaguard.lock_attempts to what was meant/, '... with the one that it has now');

for ([ $bad, 'a value' ], [ $typo, 'a name' ])
{
	my ($set, $what) = @$_;
	for my $repair (q{SET schemaguard.throttle_lag = '64MB'}, q{SET schemaguard.throttle_lag = -1}, 'RESET schemaguard.throttle_lag',
		'RESET ALL', 'DISCARD ALL')
	{
		runs("$set; LOAD 'schemaguard'; $repair", "$what, after $repair");
		runs("$set; $call; $repair", "$what that was refused, after $repair");
	}
	refused("$set; LOAD 'schemaguard'; SET schemaguard.throttle_waiting = 3", undef, "$what, after another setting is SET");
	refused("$set; LOAD 'schemaguard'; BEGIN; RESET schemaguard.throttle_lag; ROLLBACK", undef, "$what, after a RESET that is rolled back");
}
runs("$bad; RESET schemaguard.throttle_lag", 'RESET before the library is loaded');
runs(q{SET schemaguard.throttle_lag = '64MB'; SET schemaguard.audit_method = 'SQL'; SET schemaguard.migration = 'x'}, 'good ones');
runs("$typo; SET schemaguard.throttle_lag = '64MB'", 'a name, with the right one beside it');
runs(q{SET other.throttle_lag = '64 megs'}, 'settings of others');

# Whatever judges or writes; what reads does not ask
my $judge = 'SELECT count(*) FROM sg_orphan_audit_details()';
is_error($node, "$bad; $_", '22023', $value, "refused: $_")
	for $judge, 'CALL sg_audit_gate()', q{CALL sg_drift_gate('s')}, q{CALL sg_fix_orphans('p')}, q{CALL sg_rollback_fks('p')}, q{CALL sg_restore_quarantine('p')},
	q{SELECT sg_orphans('pg_class', '{oid}', 'pg_class', '{oid}')}, q{SELECT sg_fk_orphans('pg_class', 'x')}, q{SELECT sg_discover_fks_details()},
	'SELECT schemaguard.sg_discover_unmatched()', q{SELECT sg_plan_check_details('p')}, q{SELECT sg_verify_fks_details('p')}, q{SELECT schemaguard.sg_measure_overhead('p')}, q{SELECT sg_drift_details('s')},
	q{SELECT sg_drift_check('s')}, q{SELECT sg_drift_matrix('{s,t}')}, q{SELECT sg_compare_fks_details('s')}, q{SELECT sg_snapshot_take('s')}, q{SELECT sg_plan_approve('p', 'x')},
	'SELECT sg_ok_no_orphans()', 'SELECT sg_ok_keys_valid()', q{SELECT sg_ok_no_drift('s')};
is(error_of($node, "$bad; $_"), '', "reads: $_")
	for q{SELECT sg_plan_export('p')}, q{SELECT sg_plan_sql('p')}, 'TABLE schemaguard.fk_trust', q{SELECT sg_impact_details('pg_class')}, 'TABLE schemaguard.audit_log';
for my $refused ($judge, "BEGIN; SAVEPOINT s; $judge; ROLLBACK TO s; COMMIT", qq{DO 'BEGIN PERFORM sg_orphan_audit_details(); EXCEPTION WHEN OTHERS THEN NULL; END'})
{
	is(error_of($node, "\\set ON_ERROR_STOP off\n$bad; $refused; RESET schemaguard.throttle_lag;\n\\set ON_ERROR_STOP on\n$judge; $call"), '', "runs, after RESET: $refused");
}
is_error($node, "$bad; LOAD 'schemaguard'; BEGIN; SET LOCAL schemaguard.throttle_lag = '64MB'; $judge; COMMIT; $judge", '22023', $value,
	'refused: SET LOCAL repairs as long as it lasts');

# A value that only a superuser gives is refused as before, and is no bad one
is_error($node, "SET schemaguard.require_approval = off; $call", '55000', qr/not approved/, 'what the role may not set is strict', user => 'bob');
is_error($node, "SET schemaguard.require_approval = 'no way'; $call", '22023', qr/"no way"/, 'what nobody may', user => 'bob');
is_error($node, "SET schemaguard.require_approval = 'no way'; SELECT sg_plan_export('p'); RESET ALL; $call", '55000', qr/not approved/, '... is strict after RESET ALL', user => 'bob');

# Wherever they come from
{
	local $ENV{PGOPTIONS} = '-c schemaguard.throttle_lag=64megs -c schemaguard.workers=3';
	refused('SELECT 1', qr/"64megs"/, 'PGOPTIONS');
}
for (
	[ 'ALTER DATABASE', q{ALTER DATABASE postgres SET schemaguard.throttle_lag = '64 megs'}, q{ALTER DATABASE postgres RESET schemaguard.throttle_lag} ],
	[ 'ALTER ROLE', q{ALTER ROLE ALL SET schemaguard.trottle_lag = '64MB'}, q{ALTER ROLE ALL RESET schemaguard.trottle_lag} ])
{
	my ($what, $set, $reset) = @$_;
	$node->safe_psql('postgres', $set);
	refused('SELECT 1', undef, $what);
	runs("$call; RESET schemaguard.throttle_lag", "$what, after RESET");
	$node->safe_psql('postgres', $reset);
	runs('SELECT 1', "$what, mended");
}
$node->append_conf('postgresql.conf', q{Schemaguard.Throttle_Lag = '64 megs'});
$node->append_conf('postgresql.conf', q{session_preload_libraries = 'schemaguard'});
$node->reload;
ok(wait_for(sub { error_of($node, $call) eq '22023' }), 'refused: postgresql.conf, preloaded');
my $session = SgTest::Session->new($node);
$session->query($call);
is($session->sqlstate, '22023', '... in a session');
$node->append_conf('postgresql.conf', q{schemaguard.throttle_lag = '64MB'});
$node->reload;
ok(wait_for(sub { error_of($node, $call) eq '' }), '... which is mended there');
$session->query("RESET schemaguard.throttle_lag; $call");
is($session->sqlstate, '', '... and by RESET in the session that was there');
is($session->query('SHOW schemaguard.throttle_lag'), '64MB', '... which has the new value');
$session->quit;

# Where there is no user yet: in our own workers, which load it before they connect, and in the postmaster
$node->safe_psql('postgres', q{CREATE TABLE parent (id int PRIMARY KEY); CREATE TABLE child (a int); SELECT sg_plan_create('w');
	SELECT sg_plan_add_fk('w', 'child', '{a}', 'parent', '{id}')});
is(error_of($node, q{SET schemaguard.workers = 2; SET schemaguard.validate_with = scan; CALL sg_add_fks('w')}), '', 'a worker starts with a setting of postgresql.conf');
is($node->safe_psql('postgres', q{SELECT DISTINCT state FROM schemaguard.plan_step WHERE plan = 'w'}), 'validated', '... and works');
$node->append_conf('postgresql.conf', q{shared_preload_libraries = 'schemaguard'});
$node->restart;
is(error_of($node, $call), '', 'so does a server with the library in shared_preload_libraries');
$node->append_conf('postgresql.conf', q{schemaguard.throttle_lag = '64 megs'});
$node->restart;
is_error($node, $call, '22023', qr/"64 megs"/, '... which refuses a bad one');

$node->stop;
done_testing();
