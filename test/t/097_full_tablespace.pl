# 097_full_tablespace.pl: a tablespace that is full, in the middle of a plan, while there is room elsewhere.
#
# What needs the room fails with 53100 (disk_full): an index, the copies of a quarantine, the rows of a backfill, a sync.  The other steps
# are done, nothing is left half done, and when there is room the next CALL finishes.  An audit whose temporary files find no room says so of
# its keys.  Where the log itself has none left the CALL ends.
# 095_faults and 096_faults_kinds fill the disk of the whole database.
#
# rooms: run
# majors: one (096_faults_kinds has the full disk on each major)
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Utils;
use SgTest;
use SgLoad;
use SgFault;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('space');
my $dir = $node->basedir . '/small';

mkdir $dir or die "$dir: $!";
plan skip_all => 'NOT TESTED: a full tablespace: no private file system can be mounted here' unless can_mount($dir);

$node->init(extra => [ '--locale=C.UTF-8', '--encoding=UTF8' ]);
$node->append_conf('postgresql.conf', "log_statement = none\nautovacuum = off\nshared_buffers = 32MB\nschemaguard.fix_limit = -1\n");
start_on_small_disk($node, $dir, 16);

sub query { return $node->safe_psql('postgres', $_[0]); }
sub states { return query("SELECT string_agg(state, ' ' ORDER BY step) FROM schemaguard.plan_step WHERE plan = '$_[0]'"); }
sub errors { return query("SELECT string_agg(DISTINCT concat_ws(' ', step, action, sqlstate), ', ') FROM schemaguard.audit_log WHERE plan = '$_[0]' AND phase = 'failed'"); }

query("CREATE TABLESPACE small LOCATION '$dir'");
query('CREATE EXTENSION schemaguard');
query(<<'SQL');
CREATE TABLE parent (id int PRIMARY KEY, code text UNIQUE);
INSERT INTO parent SELECT g, 'code ' || g FROM generate_series(1, 1000) g;
SQL

# All but so many kB
sub fill
{
	my ($left) = @_;

	query('CREATE TABLE filler (x text) TABLESPACE small; ALTER TABLE filler ALTER x SET STORAGE PLAIN');
	query("INSERT INTO filler SELECT repeat('x', 7000) FROM generate_series(1, (16384 - $left - pg_tablespace_size('small') / 1024) / 8); CHECKPOINT");
}

# A plan runs into the full tablespace, and again when there is room: what is done at first, and what fails
sub runs_into
{
	my ($plan, $left, $call, $states, $errors) = @_;

	fill($left);
	my $error = error_of($node, $call);
	is($error, '', "$plan: the call goes through") or diag($SgTest::message);
	is(states($plan), $states, '... with the steps that there is room for');
	# the small index that is built beside the large one may have found no room at first
	like(errors($plan), qr/^\Q$errors\E(?:, 2 index 53100)?$/, '... the others fail with 53100, which the log says');
	is(leftovers($node, $plan, 0), '', '... and nothing is half done');
	query('DROP TABLE filler; CHECKPOINT');
	is(error_of($node, $call), '', '... there is room') or diag($SgTest::message);
	is(states($plan), join(' ', ('validated') x split(/ /, $states)), '... and the next call finishes');
	is(leftovers($node, $plan, 0), '', '... leaving nothing');
}

# ---- an index
query(<<'SQL');
CREATE TABLE big (ref int);
INSERT INTO big SELECT 1 + g % 1000 FROM generate_series(1, 200000) g;
CREATE TABLE little (ref int);
SELECT sg_plan_create('index');
SELECT sg_plan_add_fk('index', t, '{ref}', 'parent') FROM (VALUES ('big'), ('little')) v (t);
SQL
runs_into('index', 600, q{SET default_tablespace = small; CALL sg_add_fks('index')}, 'validated validated', '1 index 53100');
is(query(q{SELECT count(*) FROM pg_index WHERE indrelid = 'big'::regclass AND indisvalid}), '1', 'index: it is there in the end');

# ---- the copies of a quarantine
query(<<'SQL');
ALTER TABLE schemaguard.quarantine SET TABLESPACE small;
CREATE TABLE orphans (ref int, note text);
INSERT INTO orphans SELECT CASE WHEN g % 2 = 0 THEN g END + 1000, repeat('y', 240) FROM generate_series(1, 20000) g;
CREATE TABLE fine (ref int);
INSERT INTO fine VALUES (1), (2000);
SELECT sg_plan_create('quarantine');
SELECT sg_plan_add_fk('quarantine', 'orphans', '{ref}', 'parent', orphans => 'quarantine', index => false);
SELECT sg_plan_add_fk('quarantine', 'fine', '{ref}', 'parent', orphans => 'delete', index => false);
SQL
runs_into('quarantine', 2000, q{CALL sg_add_fks('quarantine', fix => true)}, 'added validated', '1 fix 53100');
is(query('SELECT count(*), count(ref), (SELECT count(*) FROM schemaguard.quarantine) FROM orphans'), '10000|0|10000', 'quarantine: each row is in one place');

# ---- the rows of a backfill
query('ALTER TABLE schemaguard.quarantine SET TABLESPACE pg_default; CHECKPOINT');
query(<<'SQL');
CREATE TABLE filled (id int, code text) TABLESPACE small;
INSERT INTO filled SELECT g, NULL FROM generate_series(1, 50000) g;
CREATE TABLE other (ref int);
SELECT sg_plan_create('backfill');
SELECT sg_plan_add_fk('backfill', 'filled', '{code}', 'parent', '{code}', index => false, backfill => $$'code ' || (1 + id % 1000)$$);
SELECT sg_plan_add_fk('backfill', 'other', '{ref}', 'parent', index => false);
SQL
runs_into('backfill', 700, q{CALL sg_add_fks('backfill')}, 'failed validated', '1 backfill 53100');
is(query(q{SELECT count(*) FROM filled WHERE code IS DISTINCT FROM 'code ' || (1 + id % 1000)}), '0', 'backfill: each row is filled');

# ---- the temporary files of an audit
query(<<'SQL');
CREATE TABLE many (ref int, code text);
INSERT INTO many SELECT g, md5(g::text) FROM generate_series(1, 120000) g;
SELECT sg_plan_create('audit');
SELECT sg_plan_add_fk('audit', 'many', '{ref}', 'parent', index => false);
SELECT sg_plan_add_fk('audit', 'many', '{code}', 'parent', '{code}', index => false);
SQL
my $spilling = "SET temp_tablespaces = small; SET work_mem = '64kB'; SET schemaguard.audit_memory = '1MB'";
foreach my $method ('auto', 'scan', 'sql')
{
	my $audit = "$spilling; SET schemaguard.audit_method = '$method'; SELECT string_agg(concat_ws(' ', result, orphan_rows), ', ' ORDER BY fk_name)";

	fill(300);
	is(query("$audit, bool_and(reason LIKE '%No space left on device') FROM sg_orphan_audit_details(plan => 'audit')"), 'unknown, unknown|t',
		"audit ($method): keys whose orphans find no room are unknown, and say why");
	is(query(q{SELECT count(*) FROM pg_ls_tmpdir((SELECT oid FROM pg_tablespace WHERE spcname = 'small'))}), '0', '... no file is left');
	query('DROP TABLE filler; CHECKPOINT');
	is(query("$audit FROM sg_orphan_audit_details(plan => 'audit')"), 'fail 120000, fail 119000', '... there is room');
}

# ---- a script that makes this database what a snapshot says
query(<<'SQL');
CREATE SCHEMA same;
CREATE TABLE same.wide (id int, t text);
INSERT INTO same.wide SELECT g, md5(g::text) FROM generate_series(1, 100000) g;
CREATE TABLE same.slim (id int);
CREATE INDEX wide_t ON same.wide (t) TABLESPACE small;
ALTER TABLE same.slim ADD note text, ALTER id TYPE bigint;
SELECT sg_snapshot_take('same', schemas => '{same}');
DROP INDEX same.wide_t;
ALTER TABLE same.slim DROP note, ALTER id TYPE int;
SQL
fill(600);
my $sync = q{CALL sg_sync_apply('same', '{same}')};
is(error_of($node, $sync), '53100', 'sync: an index finds no room') or diag($SgTest::message);
my ($again) = $SgTest::message =~ /^HINT:  What is done stays done\. When that is mended:\n(.*)$/m;
is(states('sync same'), 'validated validated failed', '... what does not need it is done');
query('DROP TABLE filler; CHECKPOINT');
is(error_of($node, $again), '', "... there is room: $again") or diag($SgTest::message);
is(query(q{SELECT count(*) FROM sg_drift('same')}), '0', '... and the next call finishes');
is(query(q{SELECT string_agg(concat_ws(' ', indexrelid::regclass, indisvalid), ', ') FROM pg_index WHERE indrelid = 'same.wide'::regclass}), 'same.wide_t t',
	'... leaving nothing');
is(error_of($node, q{CALL sg_rollback_fks('sync same')}), '', '... a rollback goes through') or diag($SgTest::message);
is(query(q{SELECT count(*) FROM pg_index WHERE indrelid = 'same.wide'::regclass}), '0', '... and takes the index back');

# ---- the log, with room for a few steps
my $steps = 40;
query('ALTER TABLE schemaguard.audit_log SET TABLESPACE small');
query("CREATE TABLE log_$_ (ref int)") for 1 .. $steps;
query("SELECT sg_plan_create('log')");
query("SELECT sg_plan_add_fk('log', 'log_' || g, '{ref}', 'parent', index => false) FROM generate_series(1, $steps) g");
fill(300);
error_of($node, "DO 'BEGIN LOOP INSERT INTO filler VALUES (repeat(''x'', 7000)); COMMIT; END LOOP; END'");
is(error_of($node, q{CALL sg_add_fks('log')}), '53100', 'log: no page is left: the call ends') or diag($SgTest::message);
like(states('log'), qr/pending/, '... in the middle');
is(half_done($node, 'log'), '', '... and no step is half done');
query('DROP TABLE filler; CHECKPOINT');
is(error_of($node, q{CALL sg_add_fks('log')}), '', '... there is room') or diag($SgTest::message);
is(states('log'), join(' ', ('validated') x $steps), '... and the next call finishes');
is(leftovers($node, 'log', 0), '', '... leaving nothing');

$node->stop;
done_testing();
