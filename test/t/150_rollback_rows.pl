# 150_rollback_rows.pl: rows that can't be put back now hold up nothing else of a rollback
#
# rooms: undo
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Utils;
use Test::More;
use SgTest;
use SgLoad;

my $node = new_node('rows', conf => "schemaguard.fix_limit = -1\nautovacuum = off\nschemaguard.workers = 1\nschemaguard.fix_pause = 0\n");

$node->safe_psql('postgres', <<'SQL');
CREATE TABLE parent (id int PRIMARY KEY);
CREATE TABLE child (id int PRIMARY KEY, ref int);
CREATE TABLE grand (id int, child int REFERENCES child ON DELETE CASCADE);
INSERT INTO parent VALUES (1);
INSERT INTO child VALUES (1, 1), (2, 2);
INSERT INTO grand VALUES (1, 1), (2, 2);
SELECT sg_plan_create('rows');
SELECT sg_plan_add_fk('rows', 'child', '{ref}', 'parent', orphans => 'quarantine', quarantine_cascades => true);
CALL sg_add_fks('rows', fix => true);
SQL
my $state = "SELECT state, (SELECT count(*) FROM schemaguard.quarantine), to_regclass('child_ref_idx') FROM schemaguard.plan_step";
is($node->safe_psql('postgres', $state), 'validated|2|child_ref_idx', 'two rows went into quarantine, an index was built');

# ---- a call that is cut off while rows go back ----

my $status = q{SELECT state, next_call FROM sg_status() WHERE subject = 'plans'};
my $holder = SgTest::Session->new($node);
my $cut = SgTest::Session->new($node);
$holder->query('BEGIN; LOCK TABLE grand IN SHARE MODE');
$cut->query("SET schemaguard.lock_budget = '1h'");
$cut->send("CALL sg_rollback_fks('rows')");
wait_for(sub { $node->safe_psql('postgres', 'SELECT state FROM schemaguard.plan_step') eq 'failed' }) or die 'no key is taken back';
$node->safe_psql('postgres', "SELECT pg_terminate_backend($cut->{pid})");
$cut->collect;
$cut->quit;
is($node->safe_psql('postgres', $state), 'failed|2|child_ref_idx', 'a call that was cut off has taken the key back, and neither rows nor index');
is($node->safe_psql('postgres', 'SELECT reason FROM schemaguard.plan_step'),
	q{not taken back: rows may still be in quarantine, or without their old values; to go on: CALL public.sg_rollback_fks('rows');}, 'its step says so');
is($node->safe_psql('postgres', $status), q{failing|CALL public.sg_rollback_fks('rows');}, 'sg_status has the call that goes on');
is($node->safe_psql('postgres', 'SELECT failed, open, rows_in_quarantine FROM schemaguard.plan_summary'), '1|0|2', 'nor is it "rolled back" for plan_summary');

my $err;
is($node->psql('postgres', "SET schemaguard.lock_budget = '100ms';\nCALL sg_rollback_fks('rows');", stderr => \$err, on_error_stop => 1),
	0, 'the call ends well') or diag($err);
like($err, qr/0 quarantined rows put back\n.*2 are left in quarantine: /, 'and says which rows are left, and why');
is($node->safe_psql('postgres', $state), 'failed|2|', 'key and index are gone');
is($node->safe_psql('postgres', "SELECT count(*) FROM schemaguard.audit_log s WHERE phase = 'started'
		AND (SELECT count(*) FROM schemaguard.audit_log o WHERE o.started_id = s.id) <> 1"), '0', 'the log is complete');
$node->psql('postgres', "SET schemaguard.lock_budget = '100ms';\nCALL sg_restore_quarantine('rows');", stderr => \$err);
like($err, qr/ERROR:.*lock/, 'a call that has nothing else to do ends with an error');

# ---- a call that only puts rows back holds up nobody ----

my $restores = SgTest::Session->new($node);
my ($held_up, $others) = (0, 0);
$restores->query("SET deadlock_timeout = '1min'; SET schemaguard.lock_timeout = '20s'; SET schemaguard.lock_attempts = 3");
$restores->send("CALL sg_restore_quarantine('rows')");
until ($restores->is_done)
{
	$held_up++ if $node->psql('postgres', "SET lock_timeout = '500ms';\nBEGIN;\nLOCK TABLE grand IN SHARE MODE;\nCOMMIT;", on_error_stop => 1) != 0;
	$others++;
	nap(0.1);
}
$restores->collect;
cmp_ok($others, '>', 2, 'a restore waits for a table, and others come');
is($held_up, 0, '... and go, for it does not queue before them');
like($restores->{err}, qr/ERROR:  55P03: could not lock public\.grand, held by process $holder->{pid} \(.*HINT:  When that is over:\nCALL public\.sg_restore_quarantine\('rows'\);/s,
	'... its error says who is in the way, and the call that goes on');
like($node->safe_psql('postgres', q{SELECT attempt || ' ' || message FROM schemaguard.audit_log WHERE action = 'restore' ORDER BY id DESC LIMIT 1}),
	qr/^3 could not lock public\.grand, held by process $holder->{pid} /, '... so does the log');
$holder->query('COMMIT');

$holder->query('INSERT INTO grand SELECT g, 1 FROM generate_series(1000, 20000) g; SET vacuum_cost_delay = 100; SET vacuum_cost_limit = 1');
$holder->send('VACUUM (FREEZE, DISABLE_PAGE_SKIPPING) grand');
wait_for(sub { $node->safe_psql('postgres', "SELECT count(*) FROM pg_stat_progress_vacuum WHERE pid = $holder->{pid}") eq '1' }) or die 'no vacuum';
$restores->query("SET schemaguard.throttle_budget = '1s'; CALL sg_restore_quarantine('rows')");
is($restores->sqlstate, '', 'behind a vacuum of a table, a restore pauses and ends well');
like($restores->{err}, qr/plan "rows" stopped: paused for schemaguard\.throttle_budget, 1000 ms: the next batch waits for VACUUM of public\.grand \(process $holder->{pid}\)/,
	'... says for what, and stops when schemaguard.throttle_budget is used up');
is($node->safe_psql('postgres', q{SELECT phase, message FROM schemaguard.audit_log WHERE action = 'restore' ORDER BY id DESC LIMIT 1}) =~ s/,.*//r,
	'skipped|paused for schemaguard.throttle_budget', '... so does the log');
$node->safe_psql('postgres', "SELECT pg_cancel_backend($holder->{pid})");
$holder->collect;
$node->safe_psql('postgres', 'DELETE FROM grand WHERE id >= 1000');
$_->quit for $holder, $restores;

$node->psql('postgres', "CALL sg_rollback_fks('rows')", stderr => \$err);
like($err, qr/2 quarantined rows put back$/m, 'the next call puts them back');
unlike($err, qr/left in quarantine/, 'all of them');
is($node->safe_psql('postgres', 'SELECT (SELECT count(*) FROM child), (SELECT count(*) FROM grand)'), '2|2', 'they are there');
is($node->safe_psql('postgres', "$state WHERE reason IS NULL"), 'rolled back|0|', 'the step is rolled back once they are');
is($node->safe_psql('postgres', $status), q{ok|SELECT * FROM public.sg_plan_check('rows');}, 'and nothing is left to do');

# ---------------------------------------------------------------------------------------------------------------------
# Nothing that rows in quarantine need is taken away before they are back: the column of a key that replaces another one, one that a step has
# added; nor where they can't go back in this call. One that a step has renamed does not wait: rows know it by number.
my $s = SgTest::Session->new($node);
$s->query(<<'SQL');
CREATE TABLE owner (id int PRIMARY KEY);
INSERT INTO owner SELECT generate_series(1, 20);
CREATE TABLE needs (id int PRIMARY KEY, a int REFERENCES owner, w int);
INSERT INTO needs SELECT g, g, CASE WHEN g % 10 = 0 THEN -1 ELSE 1 END FROM generate_series(1, 20) g;
CREATE TABLE needs_too (id int PRIMARY KEY, v int, w int);
INSERT INTO needs_too SELECT id, a, w FROM needs;
SELECT sg_plan_create('replaces'), sg_plan_add_fk('replaces', 'needs', '{b}', 'parent', backfill => '1', replaces => 'needs_a_fkey'),
	sg_plan_add_check('replaces', 'needs', 'w > 0', 'positive', policy => 'quarantine');
SELECT sg_plan_create('adds'), sg_plan_add_column('adds', 'needs_too', 'b', 'int', fill => 'id'),
	sg_plan_add_rename('adds', 'column', 'needs_too', 'value', 'v'),
	sg_plan_add_check('adds', 'needs_too', 'w > 0', 'positive', policy => 'quarantine');
SQL
$s->query("CALL sg_apply('$_', fix => true)") foreach 'replaces', 'adds';
is($s->query('SELECT (SELECT count(*) FROM needs) || $$ $$ || (SELECT count(*) FROM needs_too)'), '18 18', 'rows are in quarantine');
$s->query("CALL sg_rollback_fks('replaces')");
is($s->query('SELECT (SELECT count(*) FROM needs) || $$ $$ || array_length(ARRAY(SELECT attname FROM pg_attribute WHERE attrelid = $$needs$$::regclass
	AND attnum > 0 AND NOT attisdropped), 1)'), '20 3', 'they are back, and then the column goes');
$s->query("INSERT INTO needs_too VALUES (10, 0, 1); CALL sg_rollback_fks('adds')");
is($s->query('SELECT count(*) || $$ $$ || sum(b) FROM needs_too WHERE v IS NOT NULL'), '20 210', 'a column stays while a row that has it can not go back');
is($s->query("SELECT string_agg(reason, '; ' ORDER BY step) FROM schemaguard.plan_step WHERE plan = 'adds' AND step < 3"),
	'not taken back: 1 row in quarantine has values in (b)', 'the step says why');
$s->query("DELETE FROM needs_too WHERE id = 10; CALL sg_rollback_fks('adds')");
is($s->query('SELECT count(*) || $$ $$ || sum(v) || $$ $$ || (SELECT string_agg(state, $$ $$) FROM schemaguard.plan_step WHERE plan = $$adds$$) FROM needs_too'),
	'20 210 rolled back rolled back rolled back', 'the next call puts it back, and then takes them back');

# ---------------------------------------------------------------------------------------------------------------------
# Rows that went without a copy are named, by whatever policy: rows that refer to a fixed row follow that of their own key
$s->query(<<'SQL');
CREATE TABLE reach (id int PRIMARY KEY, up int, w int);
INSERT INTO reach VALUES (1, 1, -1), (2, 1, 1), (3, 3, 1);
SELECT sg_plan_create('reach'), sg_plan_add_fk('reach', 'reach', '{up}', 'reach', orphans => 'delete', index => false), sg_plan_add_check('reach', 'reach', 'w > 0', 'positive', policy => 'quarantine');
CREATE TABLE gone (id int PRIMARY KEY, w int);
CREATE TABLE refers (id int PRIMARY KEY, gone int);
INSERT INTO gone VALUES (1, -1), (2, 1);
INSERT INTO refers VALUES (1, 1), (2, 2);
SELECT sg_plan_create('gone'), sg_plan_add_fk('gone', 'refers', '{gone}', 'gone', orphans => 'quarantine', index => false), sg_plan_add_check('gone', 'gone', 'w > 0', 'positive', policy => 'delete');
SQL
$s->query("CALL sg_apply('reach', fix => true); CALL sg_rollback_fks('reach')");
like($s->{err}, qr/left alone: rows that were deleted stay so: 1\n/, 'one row was deleted without a copy');
$s->query("CALL sg_apply('gone', fix => true); CALL sg_rollback_fks('gone')");
like($s->{err}, qr/2 quarantined rows put back\n/, 'but none to which one in quarantine refers');
is($s->query('SELECT (SELECT string_agg(id::text, $$ $$ ORDER BY id) FROM reach) || $$, $$ || (SELECT string_agg(id::text, $$ $$ ORDER BY id) FROM refers)'), '1 3, 1 2', 'and all copies are back');
$s->quit;

# ---------------------------------------------------------------------------------------------------------------------
# A step is "rolled back" when its rows are back as well, and have their old values, wherever the server was killed
$node->safe_psql('postgres', <<'SQL');
CREATE TABLE many (id int PRIMARY KEY, ref int);
INSERT INTO many SELECT g, -g FROM generate_series(1, 2500) g;
CREATE TABLE vals (id int PRIMARY KEY, v int);
INSERT INTO vals SELECT generate_series(1, 10);
SELECT sg_plan_create('many'), sg_plan_add_fk('many', 'many', '{ref}', 'parent', orphans => 'quarantine', index => false),
	sg_plan_add_not_null('many', 'vals', 'v', policy => 'set', fill => '0');
CALL sg_apply('many', fix => true);
SQL
my $states = q{SELECT string_agg(concat_ws(': ', state, left(reason, 35)), ', ' ORDER BY step) FROM schemaguard.plan_step WHERE plan = 'many'};
my $rows = q{SELECT (SELECT count(*) FROM many) || ' ' || (SELECT count(*) FROM vals WHERE v IS NULL)};
my $ways_on = q{SELECT state || ' ' || next_call FROM sg_status() WHERE subject = 'plans'};
my $back = 'failed: not taken back: rows may still be i';
my $go_on = q{failing CALL public.sg_rollback_fks('many');};
is($node->safe_psql('postgres', $states), 'validated: fixed: 2500 orphan rows quarantined, validated: fixed: 10 rows set', 'many: rows are in quarantine, or have another value');

$holder = SgTest::Session->new($node);
$cut = SgTest::Session->new($node);
$holder->query('BEGIN; SELECT FROM vals WHERE id = 5 FOR UPDATE');
$cut->query("SET schemaguard.lock_timeout = '10min'; SET schemaguard.lock_budget = '10min'");
$cut->send("CALL sg_rollback_fks('many')");
wait_for(sub { $node->safe_psql('postgres', "SELECT count(*) FROM pg_locks WHERE pid = $cut->{pid} AND NOT granted") eq '1'
		&& $node->safe_psql('postgres', $rows) eq '0 0' }) or die 'no values go back';
crash($node);
$node->start;
is($node->safe_psql('postgres', $rows), '0 0', 'many: killed while old values go back, before the rows of the step before');
is($node->safe_psql('postgres', $states), 'validated: fixed: 2500 orphan rows quarantined, validated: fixed: 10 rows set', '... nothing is, nor is said to be, taken back');

$cut = SgTest::Session->new($node);
$cut->query("SET schemaguard.fix_pause = '10min'");
$cut->send("CALL sg_rollback_fks('many')");
wait_for(sub { $node->safe_psql('postgres', q{SELECT count(*) FROM schemaguard.progress WHERE action = 'restore' AND phase = 'pausing' AND done = 1000}) eq '1' }) or die 'no rows go back';
crash($node);
$node->start;
is($node->safe_psql('postgres', $rows), '1000 10', 'many: killed while rows go back');
is($node->safe_psql('postgres', $states), "$back, $back", '... neither step is rolled back');
is($node->safe_psql('postgres', $ways_on), $go_on, '... sg_status has the call that goes on');
is($node->safe_psql('postgres', q{SELECT string_agg(result || ' ' || hint, E'\n' ORDER BY step) FROM sg_plan_check_details('many') WHERE check_name = 'failed'}),
	join("\n", map { "warn When that is mended, have the rest taken back:\nCALL public.sg_rollback_fks('many', steps => '{$_}');" } 1, 2), '... and so has sg_plan_check');

$node->safe_psql('postgres', "CALL sg_rollback_fks('many')");
is($node->safe_psql('postgres', $rows), '2500 10', 'many: the next call takes back the rest');
is($node->safe_psql('postgres', $states), 'rolled back, rolled back', '... and then both steps are rolled back');
$node->stop;

done_testing();
