# 071_gone.pl: objects that another session drops, or begins to detach, between two looks of one call.
#
# The object that is gone has a row of its own that says so, or a step that is left undone; the call goes on with the
# others, and the server stays up.
#
# rooms: change check deploy discover tenant verify
# majors: one (what is looked at is the same on all)
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Utils;
use SgTest;
use Test::More;

my $node = new_node('gone');
my $log_start = -s $node->logfile;

sub query { return $node->safe_psql('postgres', $_[0]); }

# A session waits for a lock
sub waits_for_lock
{
	my ($what) = @_;
	return wait_for(sub { query("SELECT count(*) > 0 FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%$what%' AND pid <> pg_backend_pid()") eq 't' })
	  || die "no session waits: $what";
}

# Run SQL whose calls wait for a lock that another session holds, until that session has done something
sub meanwhile
{
	my ($lock, $sql, $what, $done, $caller) = @_;
	my $holder = SgTest::Session->new($node);
	$caller //= SgTest::Session->new($node);
	$holder->query("BEGIN; $lock");
	$caller->query('SET schemaguard.lock_timeout = 60000');
	$caller->send($sql);
	waits_for_lock($what);
	query($done) if defined $done;
	$holder->query('COMMIT');
	my $out = $caller->collect;
	my $error = $caller->{err};
	$_->quit foreach $holder, $caller;
	return ($out // 'the connection is gone', $error);
}

# ---------------------------------------------------------------------------------------------------------------------
# sg_orphans: a column, or the key, goes while the table is waited for
query('CREATE TABLE gate (id int PRIMARY KEY); CREATE TABLE pass (id int, gate_id int CONSTRAINT pass_gate REFERENCES gate, gone_id int)');
my ($out, $error, $said);
(undef, $said) = meanwhile('LOCK pass; ALTER TABLE pass DROP COLUMN gone_id', q{SELECT * FROM sg_orphans('pass', '{gone_id}', 'gate')}, 'sg_orphans');
like($said, qr/42703: .*has no column gone_id/, 'sg_orphans: a column that was dropped meanwhile');
(undef, $said) = meanwhile('LOCK pass; ALTER TABLE pass DROP CONSTRAINT pass_gate', q{SELECT * FROM sg_fk_orphans('pass', 'pass_gate')}, 'sg_fk_orphans');
like($said, qr/table public\.pass has no foreign key "pass_gate"/, 'sg_fk_orphans: a key that was dropped meanwhile');
query('ALTER TABLE pass ADD gone_id int');
(undef, $said) = meanwhile('LOCK pass; ALTER TABLE pass DROP COLUMN gone_id', q{SELECT * FROM sg_rule_violations('pass', 'not null', 'gone_id')}, 'sg_rule_violations');
like($said, qr/42703: .*gone_id/, 'sg_rule_violations: a column that was dropped meanwhile');
unlike($said, qr/pg\.dropped|XX000/, '... whose name in the catalogs is not told');

# ---------------------------------------------------------------------------------------------------------------------
# sg_discover_fks: tables go after the catalogs were read, while the statistics of one of them are waited for. What statistics
# the server itself asks for is in the session's cache.
my $finder = SgTest::Session->new($node);
my $discover = q{SELECT count(*) FROM sg_discover_fks(min_score => 0, verify => 'none', schemas => '{found}')};
query('CREATE SCHEMA found; CREATE TABLE found.a (id int PRIMARY KEY); CREATE TABLE found.b (a_id int); CREATE TABLE found.c (a_id int)');
is($finder->query($discover), 2, 'sg_discover_fks');
query('INSERT INTO found.a SELECT generate_series(1, 100); INSERT INTO found.b SELECT id FROM found.a; INSERT INTO found.c SELECT id FROM found.a;
	ANALYZE found.a, found.b, found.c');
($out, $said) = meanwhile('LOCK pg_statistic; DROP SCHEMA found CASCADE', $discover, 'sg_discover_fks', undef, $finder);
is($said =~ /(ERROR.*)/ ? $1 : $out, '0', '... tables that go meanwhile');

# ---------------------------------------------------------------------------------------------------------------------
# sg_plan_check: the child of a step goes after the step was looked at, while another step's table is waited for
query(<<'SQL');
CREATE TABLE p (id int PRIMARY KEY);
CREATE TABLE c (id int PRIMARY KEY, p_id int);
CREATE TABLE b (id int);
SELECT sg_plan_create('checked');
SELECT sg_plan_add_fk('checked', 'c', '{p_id}', 'p', index => false);
SELECT sg_plan_add_statement('checked', 'UPDATE public.b SET id = id');
SQL
($out) = meanwhile('LOCK b', q{SELECT step, check_name, result, detail FROM sg_plan_check_details('checked') WHERE step > 0}, 'sg_plan_check', 'DROP TABLE c');
like($out, qr/^1\|table\|block\|child table public\.c does not exist$/m, 'the table that was dropped blocks its step');
like($out, qr/^2\|/m, '... and the other step is checked as well');

# ---------------------------------------------------------------------------------------------------------------------
# sg_tenant_audit: two tables go while the rows of the first one are waited for
query(<<'SQL');
CREATE TABLE tenants (id int PRIMARY KEY);
CREATE TABLE tp (id int PRIMARY KEY, tenant_id int NOT NULL REFERENCES tenants);
CREATE TABLE ta (id int PRIMARY KEY, p_id int REFERENCES tp, tenant_id int NOT NULL REFERENCES tenants);
CREATE TABLE tb (id int PRIMARY KEY, p_id int REFERENCES tp, tenant_id int NOT NULL REFERENCES tenants);
CREATE TABLE tc (id int PRIMARY KEY, p_id int REFERENCES tp, tenant_id int NOT NULL REFERENCES tenants);
SQL
my $audit = q{SELECT table_name, finding, result, reason FROM sg_tenant_audit_details('tenant_id', 'tenants'%s)};
($out, $error) = meanwhile('DROP TABLE ta, tb', sprintf($audit, ''), 'sg_tenant_audit');
is($error, '', 'tables that go meanwhile are no error of an audit');
like($out, qr/^public\.ta\|rows\|unknown\|the key was dropped meanwhile$/m, '... but unknown');
is(join("\n", grep { /^public\.tb/ } split /\n/, $out), 'public.tb|column|unknown|the column was dropped or renamed meanwhile', '... one row for each');
like($out, qr/^public\.tc\|rows\|pass\|$/m, '... and the others are audited');

query('CREATE TABLE ta (id int PRIMARY KEY, p_id int REFERENCES tp, tenant_id int NOT NULL)');
($out, $error) = meanwhile('DROP TABLE ta', sprintf($audit, q{, schemas => '{public}'}), 'sg_tenant_audit');
is($error, '', 'the same of chosen schemas');
like($out, qr/^public\.ta\|rows\|unknown\|the key was dropped meanwhile$/m, '... whose table keeps its schema');
like($out, qr/^public\.tc\|rows\|pass\|$/m, '... and the others are audited');

query('CREATE TABLE ta (id int PRIMARY KEY, p_id int REFERENCES tp, tenant_id int NOT NULL)');
($out, $error) = meanwhile('ALTER TABLE ta RENAME tenant_id TO renter_id', sprintf($audit, ''), 'sg_tenant_audit');
like($out, qr/^public\.ta\|rows\|unknown\|the column was dropped or renamed meanwhile$/m, 'a column that is renamed is not of another type');

query(<<'SQL');
ALTER TABLE tp ADD UNIQUE (id, tenant_id);
CREATE TABLE te (id int PRIMARY KEY, p_id int, tenant_id int NOT NULL REFERENCES tenants,
	CONSTRAINT te_a FOREIGN KEY (p_id) REFERENCES tp, CONSTRAINT te_b FOREIGN KEY (p_id, tenant_id) REFERENCES tp (id, tenant_id));
SQL
($out, $error) = meanwhile('ALTER TABLE te RENAME tenant_id TO renter_id', sprintf($audit, ''), 'sg_tenant_audit');
like($out, qr/^public\.te\|key\|unknown\|the column was dropped or renamed meanwhile$/m, '... nor does a later key leave the tenant out');

# ---------------------------------------------------------------------------------------------------------------------
# sg_verify_fks: a table that a cascade leads to goes while another key is tried
query(<<'SQL');
CREATE TABLE vp (id int PRIMARY KEY);
CREATE TABLE va (p_id int REFERENCES vp);
CREATE TABLE vb (id int PRIMARY KEY REFERENCES vp ON DELETE CASCADE ON UPDATE CASCADE);
CREATE TABLE vz (b_id int REFERENCES vb ON DELETE CASCADE ON UPDATE CASCADE);
INSERT INTO vp VALUES (1), (2);
INSERT INTO va VALUES (1);
INSERT INTO vb VALUES (2);
SELECT sg_plan_create('live'), sg_plan_add_fk('live', 'va', '{p_id}', 'vp'),
	sg_plan_add_fk('live', 'vb', '{id}', 'vp', on_delete => 'cascade', on_update => 'cascade');
SQL
my $verify = q{SET schemaguard.statement_timeout = '60s'; SELECT test, result, reason FROM sg_verify_fks('live', live => true) WHERE child_table = 'public.vb' AND test ~ 'parent'};
my $expected = query($verify);
like($expected, qr/delete a parent\|pass\|\n.*update a parent\|pass\|/, 'cascades are tried');
($out) = meanwhile('LOCK va', $verify, 'sg_verify_fks', 'DROP TABLE vz');
is($out, $expected, '... also where the last of them goes meanwhile');

# ---------------------------------------------------------------------------------------------------------------------
# sg_plan_add_archive_columns: a table goes while the server waits for it, to analyse its view or to print its index
query(<<'SQL');
CREATE TABLE ap (id int PRIMARY KEY);
CREATE TABLE ai (id int PRIMARY KEY, p_id int REFERENCES ap, archived_at timestamptz);
CREATE INDEX ai_live_idx ON ai (p_id) WHERE archived_at IS NULL;
SELECT sg_plan_create('archived');
SQL
(undef, $said) = meanwhile('DROP TABLE ai', q{SELECT sg_plan_add_archive_columns('archived', '{ap,ai}', children => 'cascade')}, 'sg_plan_add_archive_columns');
like($said, qr/42P01: relation "public\.ai" does not exist|40001: another session dropped or changed an object meanwhile/, 'sg_plan_add_archive_columns: a table goes meanwhile');

# ---------------------------------------------------------------------------------------------------------------------
# A DETACH CONCURRENTLY that was cancelled stays pending: the partition says that it is one, and has no ancestors
query(<<'SQL');
CREATE TABLE dp (id int PRIMARY KEY);
INSERT INTO dp SELECT generate_series(0, 9);
CREATE TABLE dc (id int, p_id int) PARTITION BY RANGE (id);
CREATE TABLE dc_1 PARTITION OF dc FOR VALUES FROM (0) TO (100);
CREATE TABLE dc_2 PARTITION OF dc FOR VALUES FROM (100) TO (200);
ALTER TABLE dc_1 ADD PRIMARY KEY (id),
	ADD CONSTRAINT dc_1_fk FOREIGN KEY (p_id) REFERENCES dp ON DELETE CASCADE NOT VALID;
INSERT INTO dc SELECT g, g % 9 + 1 FROM generate_series(1, 150) g;
CREATE TABLE dd (ref int);
CREATE TABLE other (id int PRIMARY KEY, p_id int);
SQL
my $reader = SgTest::Session->new($node);
my $detacher = SgTest::Session->new($node);
$reader->query('BEGIN; SELECT count(*) FROM dc');
my $pid = $detacher->query('SELECT pg_backend_pid()');
$detacher->send('ALTER TABLE dc DETACH PARTITION dc_1 CONCURRENTLY');
wait_for(sub { query("SELECT inhdetachpending FROM pg_inherits WHERE inhrelid = 'dc_1'::regclass") eq 't' }) or die 'no detach is pending';
query("SELECT pg_cancel_backend($pid)");
$detacher->collect;
$reader->query('COMMIT');
$_->quit foreach $reader, $detacher;
is(query("SELECT inhdetachpending FROM pg_inherits WHERE inhrelid = 'dc_1'::regclass"), 't', 'a DETACH CONCURRENTLY is pending');

query(<<'SQL');
SELECT sg_plan_create('pending');
SELECT sg_plan_add_fk('pending', 'dc_1', '{p_id}', 'dp', on_delete => 'cascade', index => false);
SELECT sg_plan_add_fk('pending', 'dd', '{ref}', 'dc_1', index => false);
SELECT sg_plan_add_fk('pending', 'other', '{p_id}', 'dp', index => false);
SQL
is(query(q{SELECT step, check_name, hint FROM sg_plan_check_details('pending') WHERE result = 'block'}),
	"1|partitions|End it:\nALTER TABLE public.dc DETACH PARTITION public.dc_1 FINALIZE;", 'sg_plan_check_details() says what is pending');
is(query(q{SELECT count(*) FROM sg_plan_check_details('pending') WHERE check_name = 'partitions' AND step = 2 AND result <> 'ok'}), 0,
	'... and takes a parent like that for no partition');
$node->psql('postgres', q{SET schemaguard.workers = 2; CALL sg_add_fks('pending')});
is(query(q{SELECT string_agg(state, ' ' ORDER BY step) FROM schemaguard.plan_step WHERE plan = 'pending'}),
	'added validated validated', 'CALL sg_add_fks() with workers does what the server allows');
query('INSERT INTO dd VALUES (1)');
is(query(q{SELECT count(*) FILTER (WHERE result = 'fail'), count(*) FILTER (WHERE result = 'pass') > 5
	FROM sg_verify_fks_details('pending', live => true, steps => '{2, 3}')}), '0|t', 'sg_verify_fks_details() tries its keys');
is(query(q{SELECT test FROM sg_verify_fks_details('pending', live => true, steps => '{1}') WHERE result = 'fail'}), 'valid', '... and finds the one that waits');

query(q{SELECT sg_plan_create('drop'); SELECT sg_plan_add_drop('drop', 'table', 'dc_1')});
($out) = query(q{SELECT hint FROM sg_plan_check_details('drop') WHERE result = 'block' AND step > 0 AND detail ~ 'DETACH CONCURRENTLY of the partition is pending'});
like($out, qr/ALTER TABLE public\.dc DETACH PARTITION public\.dc_1 FINALIZE;/, 'a step that drops the partition says how it ends');

# ---------------------------------------------------------------------------------------------------------------------
# sg_apply: a table goes while a catalog is waited for that says what hangs on it. Another table's step has filled the session's caches.
foreach (
	[ pg_index => q{sg_plan_add_drop('%1$s', 'index', '%1$s', 'no_such_index')}, 'failed' ],
	[ pg_statistic_ext => q{sg_plan_add_drop('%1$s', 'table', '%1$s')}, 'validated' ],
	[ pg_proc => q{sg_plan_add_default('%1$s', '%1$s', 'n', '2')}, 'skipped' ])
{
	my ($catalog, $step, $state) = @$_;
	my ($holder, $caller) = map { SgTest::Session->new($node) } 1 .. 2;
	my $waits = "SELECT count(*) > 0 FROM pg_locks WHERE relation = '$catalog'::regclass AND NOT granted";

	query(sprintf q{CREATE FUNCTION %1$s_f() RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE TABLE %1$s (n int DEFAULT %1$s_f(), m int);
		CREATE STATISTICS %1$s_s ON n, m FROM %1$s; SELECT sg_plan_create('%1$s'), } . $step, $_) foreach "warm_$catalog", "cold_$catalog";
	$caller->query("SET schemaguard.lock_timeout = 60000; CALL sg_apply('warm_$catalog')");
	$holder->query("$waits; BEGIN; LOCK $catalog");
	$caller->send("CALL sg_apply('cold_$catalog')");
	ok(wait_for(sub { $holder->query($waits) eq 't' }), "sg_apply() waits for $catalog");
	$holder->query($_) foreach "DROP TABLE cold_$catalog", 'COMMIT';
	$out = $caller->collect // 'the connection is gone';
	is($caller->sqlstate . $out, '', '... and goes on, though the table went') or diag($caller->{err});
	is(query("SELECT state FROM schemaguard.plan_step WHERE plan = 'cold_$catalog'"), $state, '... with the step as it is where there is none');
	$_->quit foreach $holder, $caller;
}

# ---------------------------------------------------------------------------------------------------------------------
unlike(slurp_file($node->logfile, $log_start), qr/was terminated by signal|TRAP:/, 'the server stayed up');

done_testing();
