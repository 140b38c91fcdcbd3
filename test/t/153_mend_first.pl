# 153_mend_first.pl: rows that break a CHECK or NOT NULL are mended before it is there, so that no call of an application fails which would have
# succeeded had the fix been over; and a fix that finds no end leaves nothing behind.
#
# rooms: change fix
# majors: one (load; what policies do is in regression test change_rows)
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use IPC::Run ();
use PostgreSQL::Test::Utils;
use SgTest;
use Test::More;

my $node = new_node('mend', conf => "schemaguard.fix_limit = -1\nautovacuum = off\n");
my $s = SgTest::Session->new($node);

$s->query(<<'SQL');
CREATE TABLE nn (id int PRIMARY KEY, v int, cnt int NOT NULL DEFAULT 0);
INSERT INTO nn (id) SELECT generate_series(1, 20000);
CREATE TABLE del (id int PRIMARY KEY, v int, cnt int NOT NULL DEFAULT 0);
INSERT INTO del SELECT g, g % 2 FROM generate_series(1, 20000) g;
CREATE TABLE evil (id int GENERATED ALWAYS AS IDENTITY, v int);
INSERT INTO evil (v) SELECT -1 FROM generate_series(1, 2000);
CREATE FUNCTION another() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO evil (v) VALUES (-1); RETURN NULL; END';
CREATE TRIGGER another AFTER DELETE ON evil FOR EACH ROW EXECUTE FUNCTION another();
SELECT sg_plan_create('nn'), sg_plan_add_not_null('nn', 'nn', 'v', policy => 'set', fill => '0');
SELECT sg_plan_create('del'), sg_plan_add_check('del', 'del', 'v > 0', 'positive', policy => 'quarantine');
SELECT sg_plan_create('evil'), sg_plan_add_check('evil', 'evil', 'v > 0', 'positive', policy => 'delete');
SQL

# An application that updates rows of a table, until stop()
sub load
{
	my ($table) = @_;
	my $script = $node->basedir . "/$table.sql";
	my %load = (out => '', err => '');

	append_to_file($script, "\\set id random(1, 20000)\nUPDATE $table SET cnt = cnt + 1 WHERE id = :id;\n");
	$load{run} = IPC::Run::start([ 'pgbench', '--no-vacuum', '-h', $node->host, '-p', $node->port, '-c', 4, '-j', 1, '-T', 600, '-f', $script, 'postgres' ],
		'>', \$load{out}, '2>', \$load{err});
	wait_for(sub { $s->query("SELECT sum(cnt) FROM $table") > 100 }) or die "no load: $load{err}";
	return \%load;
}

sub stop
{
	my ($load) = @_;

	$load->{run}->signal('INT');
	eval { $load->{run}->finish };
	return $load->{err} =~ /(.*(?:ERROR|aborted).*)/ ? $1 : '';
}

for my $plan ('nn', 'del')
{
	my $load = load($plan);
	$s->query("CALL sg_apply('$plan', fix => true, fail => true)");
	is(stop($load), '', "$plan: no call of the application has failed");
	is($s->query("SELECT state FROM schemaguard.plan_step WHERE plan = '$plan'"), 'validated', "$plan: the step is done");
}
is($s->query('SELECT count(*) FROM nn WHERE v IS NULL'), '0', 'each row has a value');
is($s->query("SELECT (SELECT count(*) FROM del WHERE v <= 0) || ' ' || (SELECT count(*) FROM schemaguard.quarantine WHERE plan = 'del')"), '0 10000',
	'rows that break it are in quarantine, each once');

# each row that goes brings another one
$s->query("CALL sg_apply('evil', fix => true)");
is($s->query("SELECT state || ': ' || reason FROM schemaguard.plan_step WHERE plan = 'evil'"),
	'failed: more rows that break it come than 10 passes can mend: the last one found 2000, before that: 20000 rows that break it deleted', 'a fix that finds no end fails');
is($s->query("SELECT count(*) FROM pg_constraint WHERE conname = 'positive' AND conrelid = 'evil'::regclass"), '0', 'and adds nothing');

# Rows that the application changes while they are mended have their old values kept, too.  A batch stands still at a row of the table's
# first page until another one has been changed.
$s->query(<<'SQL');
CREATE TABLE keep (id int PRIMARY KEY, v int, cnt int NOT NULL DEFAULT 0);
INSERT INTO keep SELECT g, CASE WHEN g % 2 = 0 THEN -g END FROM generate_series(1, 20000) g;
CREATE FUNCTION stand_still() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_advisory_xact_lock(1); RETURN NEW; END';
CREATE TRIGGER stand_still BEFORE UPDATE ON keep FOR EACH ROW WHEN (OLD.id < 3) EXECUTE FUNCTION stand_still();
SELECT sg_plan_create('keep'), sg_plan_add_not_null('keep', 'keep', 'v', policy => 'set', fill => '7', priority => 'high'),
	sg_plan_add_check('keep', 'keep', 'v > 0', policy => 'set', child_column => 'v', fill => 'abs(v) + 1');
SQL
my $other = SgTest::Session->new($node);
for my $step (1, 2)
{
	$other->query('SELECT pg_advisory_lock(1)');
	$s->send("CALL sg_apply('keep', fix => true, fail => true, steps => '{$step}')");
	ok(wait_for(sub { $other->query("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted") eq '1' }), "step $step stands still in a batch");
	$other->query('UPDATE keep SET cnt = cnt + 1 WHERE id > 19990');
	$other->query('INSERT INTO keep VALUES (20000 + ' . $step . ', ' . ($step == 1 ? 'NULL' : '-1') . ')');
	$other->query('SELECT pg_advisory_unlock(1)');
	$s->collect;
	is($s->sqlstate, '', "step $step goes on") or diag($s->{err});
}
is($s->query('SELECT count(*), count(*) FILTER (WHERE v > 0), sum(cnt) FROM keep'), '20002|20002|21', 'all rows are mended, and all changes are there');
$s->query("CALL sg_rollback_fks('keep')");
is($s->query("SELECT count(*) FROM keep WHERE id <= 20000 AND v IS DISTINCT FROM CASE WHEN id % 2 = 0 THEN -id END"), '0', 'each row has its old value back');
is($s->query("SELECT string_agg(state, ' ') FROM schemaguard.plan_step WHERE plan = 'keep'"), 'rolled back rolled back', 'and nothing is left');

# A call that ends in the middle, of the fix and of the rollback, has counted the rows of the batches before.
$s->query(<<'SQL');
CREATE TABLE cut (id int PRIMARY KEY, v int);
INSERT INTO cut SELECT g, -g FROM generate_series(1, 10000) g;
CREATE TRIGGER stand_still BEFORE UPDATE ON cut FOR EACH ROW WHEN (OLD.id = 5000) EXECUTE FUNCTION stand_still();
SELECT sg_plan_create('cut'), sg_plan_add_check('cut', 'cut', 'v > 0', policy => 'set', child_column => 'v', fill => '1');
SQL
for my $call ("sg_apply('cut', fix => true)", "sg_rollback_fks('cut')")
{
	$other->query('SELECT pg_advisory_lock(1)');
	$s->send("CALL $call");
	ok(wait_for(sub { $other->query("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted") eq '1' }), "$call stands still in a batch");
	cmp_ok($other->query('SELECT count(*) FROM cut WHERE v ' . ($call =~ /apply/ ? '> 0' : '< 0')), '>', 0, 'another one is over');
	$other->query("SELECT pg_terminate_backend($s->{pid})");
	$s->quit;
	$other->query('SELECT pg_advisory_unlock(1)');
	$s = SgTest::Session->new($node);
	$s->query("CALL $call");
	is($s->sqlstate, '', 'the next call ends it') or diag($s->{err});
	$other->query('UPDATE cut SET v = 2 WHERE id > 9998') if $call =~ /apply/;
}
like($s->{err}, qr/2 rows keep the value that was set/, 'rows that keep their new value are counted');
is($s->query('SELECT count(*) FILTER (WHERE v = -id), count(*) FILTER (WHERE v = 2) FROM cut'), '9998|2', 'the others have the old one back');
$other->quit;

$s->quit;
$node->stop;
done_testing();
