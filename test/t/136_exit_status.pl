# 136_exit_status.pl: what CI sees of CALLs that are to fail: psql's exit status, what is committed all the same, also where
# workers have done it.
#
# rooms: run
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use IPC::Run ();
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
is($node->safe_psql('postgres', $states), 'a rolled back, e rolled back', 'and the keys are gone');

$node->stop('immediate');
done_testing();
