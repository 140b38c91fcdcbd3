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
wait_for(sub { $node->safe_psql('postgres', 'SELECT state FROM schemaguard.plan_step') eq 'rolled back' }) or die 'no key is taken back';
$node->safe_psql('postgres', "SELECT pg_terminate_backend($cut->{pid})");
$cut->collect;
$cut->quit;
is($node->safe_psql('postgres', $state), 'rolled back|2|child_ref_idx', 'a call that was cut off has taken the key back, and neither rows nor index');
is($node->safe_psql('postgres', $status), q{attention|CALL public.sg_rollback_fks('rows');}, 'sg_status has the call that goes on');

my $err;
is($node->psql('postgres', "SET schemaguard.lock_budget = '100ms';\nCALL sg_rollback_fks('rows');", stderr => \$err, on_error_stop => 1),
	0, 'the call ends well') or diag($err);
like($err, qr/0 quarantined rows put back\n.*2 are left in quarantine: /, 'and says which rows are left, and why');
is($node->safe_psql('postgres', $state), 'rolled back|2|', 'key and index are gone');
is($node->safe_psql('postgres', "SELECT count(*) FROM schemaguard.audit_log s WHERE phase = 'started'
		AND (SELECT count(*) FROM schemaguard.audit_log o WHERE o.started_id = s.id) <> 1"), '0', 'the log is complete');
$node->psql('postgres', "SET schemaguard.lock_budget = '100ms';\nCALL sg_restore_quarantine('rows');", stderr => \$err);
like($err, qr/ERROR:.*lock/, 'a call that has nothing else to do ends with an error');
$holder->query('COMMIT');
$holder->quit;

$node->psql('postgres', "CALL sg_rollback_fks('rows')", stderr => \$err);
like($err, qr/2 quarantined rows put back$/m, 'the next call puts them back');
unlike($err, qr/left in quarantine/, 'all of them');
is($node->safe_psql('postgres', 'SELECT (SELECT count(*) FROM child), (SELECT count(*) FROM grand)'), '2|2', 'they are there');
is($node->safe_psql('postgres', $status), q{ok|SELECT * FROM public.sg_plan_check('rows');}, 'and nothing is left to do');

# ---------------------------------------------------------------------------------------------------------------------
# Nothing that rows in quarantine need is taken away before they are back: the column of a key that replaces another one, one that a step has
# added, and one that a step has renamed; nor where they can't go back in this call
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
is($s->query('SELECT count(*) || $$ $$ || sum(b) FROM needs_too WHERE value IS NOT NULL'), '20 210', 'columns stay while a row that has them can not go back');
is($s->query("SELECT string_agg(reason, '; ' ORDER BY step) FROM schemaguard.plan_step WHERE plan = 'adds' AND step < 3"),
	'not taken back: 1 row in quarantine has values in (b); not taken back: 1 row in quarantine has values in (value)', 'the steps say why');
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
$node->stop;

done_testing();
