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

my $holder = SgTest::Session->new($node);
$holder->query('BEGIN; LOCK TABLE grand IN SHARE MODE');
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
$node->stop;

done_testing();
