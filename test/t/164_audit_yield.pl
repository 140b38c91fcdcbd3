# 164_audit_yield.pl: an audit that only reads gives way to who waits behind it.
#
#   - ALTER TABLE of a table that a SELECT audits, and of a partition of one, the only one or one of many: the keys of that table are
#     unknown with who it was, those of other tables, read together with it, are judged; the application behind ALTER TABLE goes on
#   - likewise the audits of a rule and of tenants, a dry run of a fix, and the search of sg_verify_fks(live => true)
#   - a gate judges these keys at the end, and holds its locks the fourth time, which it says
#   - nothing gives way to who waits for less than schemaguard.lock_timeout, where schemaguard.audit_yield is off, where the transaction
#     itself has locked the table, in the audit of a deed, and where somebody has cancelled the audit
#
# rooms: audit report
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use IO::Select;
use POSIX 'mkfifo';
use SgTest;
use Test::More;

my $node = new_node('yields', conf => "schemaguard.audit_workers = 0\nschemaguard.workers = 0\n");
my ($ask, $holder, $audit, $alter, $app) = map { SgTest::Session->new($node) } 1 .. 5;

sub query
{
	my $out = $ask->query($_[0]);
	die $ask->{err} if $ask->{err} =~ /ERROR|FATAL/;
	return $out;
}

# The rows of c and d are compared only while nobody has the advisory lock
query(q{
	SET client_min_messages = error;
	CREATE FUNCTION slow_cmp(int, int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS
		'BEGIN PERFORM pg_advisory_xact_lock_shared(43); RETURN btint4cmp($1, $2); END';
	CREATE FUNCTION slow_eq(int, int) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS
		'BEGIN PERFORM pg_advisory_xact_lock_shared(43); RETURN $1 = $2; END';
	CREATE OPERATOR === (LEFTARG = int, RIGHTARG = int, FUNCTION = slow_eq);
	CREATE OPERATOR CLASS slow_ops FOR TYPE int USING btree AS OPERATOR 1 <, OPERATOR 2 <=, OPERATOR 3 ===, OPERATOR 4 >=, OPERATOR 5 >,
		FUNCTION 1 slow_cmp(int, int);
	CREATE TABLE p (n int PRIMARY KEY, s int); CREATE UNIQUE INDEX ON p (s slow_ops); INSERT INTO p VALUES (1, 1), (2, 2);
	CREATE TABLE q (n int PRIMARY KEY); INSERT INTO q VALUES (1);
	CREATE TABLE b (n int CONSTRAINT b_fk REFERENCES q); INSERT INTO b VALUES (1);
	CREATE TABLE c (n int CONSTRAINT c_fk REFERENCES p (s)); INSERT INTO c VALUES (1);
	CREATE TABLE d (n int CONSTRAINT d_fk REFERENCES p (s)) PARTITION BY RANGE (n);
	CREATE TABLE d_1 PARTITION OF d FOR VALUES FROM (0) TO (100); INSERT INTO d VALUES (1);
	CREATE TABLE many (n int CONSTRAINT many_fk REFERENCES p (s)) PARTITION BY RANGE (n);
	CREATE SCHEMA gate; CREATE TABLE gate.c (n int CONSTRAINT c_fk REFERENCES p (s)); INSERT INTO gate.c VALUES (1);
	CREATE TABLE e (n int); INSERT INTO e VALUES (1);
	SELECT sg_plan_create('plan'), sg_plan_add_fk('plan', 'e', 'n', 'p', '{s}', index => false)});

# more tables than a session's first batch has room for
query(join ';', (map { "CREATE TABLE many_$_ PARTITION OF many FOR VALUES FROM (${_}0) TO (${_}9)" } 1 .. 150),
	'INSERT INTO p VALUES (10, 10); INSERT INTO many VALUES (10)');

# The audit reads
sub begin
{
	my ($call) = @_;

	$holder->query('SELECT pg_advisory_lock(43)');
	$audit->send($call);
	reads();
}

sub reads { wait_for(sub { query("SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'advisory' AND pid = $audit->{pid}") eq '1' }) or die "it does not read: $audit->{err}"; return; }

# Somebody has waited for a table for ten times schemaguard.lock_timeout, with the audit still there
sub waits
{
	my ($session) = @_;

	return wait_for(sub { $session->is_done || query("SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'relation' AND pid = $session->{pid}
		AND waitstart < clock_timestamp() - interval '1 s'") eq '1' }) && !$session->is_done;
}

sub let { $holder->query('SELECT pg_advisory_unlock(43)'); return; }

foreach my $case ([ many_1 => "'many'" ], [ c => q{schemas => '{public}'} ], [ d_1 => "'d'" ])
{
	my ($table, $what) = @$case;
	my $key = $table =~ s/_1$//r . '_fk';

	begin("SELECT fk_name, result, reason FROM sg_orphan_audit($what) WHERE fk_name IN ('b_fk', '$key') ORDER BY 1");
	$alter->send("ALTER TABLE $table ALTER n SET DEFAULT 1");
	$app->send("SELECT count(*) FROM $table");
	wait_for(sub { $alter->is_done }) or let();
	$alter->collect;
	is($app->collect, '1', "$table: ALTER TABLE and SELECT go on while the audit reads");
	let();
	is($audit->collect, ($table eq 'c' ? "b_fk|pass|\n" : '') . "$key|unknown|gave way to ACCESS EXCLUSIVE of pid $alter->{pid}",
		'its key is unknown, with who it was; the other one is judged');
}

# REINDEX INDEX locks the index alone so that nobody may plan a query
begin(q{SELECT fk_name, result, reason FROM sg_orphan_audit('c') WHERE fk_name = 'c_fk'});
$alter->send('REINDEX INDEX p_pkey');
$app->send('SELECT count(*) > 0 FROM p');
wait_for(sub { $alter->is_done }) or let();
$alter->collect;
is($app->collect, 't', 'REINDEX INDEX of the referenced table, and SELECT, go on while the audit reads');
let();
is($audit->collect, "c_fk|unknown|gave way to ACCESS EXCLUSIVE of pid $alter->{pid}", '... whose key is unknown');

query('CREATE TABLE tenant_p (tenant int NOT NULL, s int); CREATE UNIQUE INDEX ON tenant_p (s slow_ops); INSERT INTO tenant_p VALUES (1, 1), (2, 2);
	CREATE TABLE tenant_c (tenant int NOT NULL, n int REFERENCES tenant_p (s)); INSERT INTO tenant_c VALUES (1, 1), (1, 2)');
begin(q{SELECT result, reason FROM sg_tenant_audit('tenant') WHERE finding = 'rows'});
$alter->send('ALTER TABLE tenant_c ALTER n SET DEFAULT 1');
$app->send('SELECT count(*) FROM tenant_c');
wait_for(sub { $alter->is_done }) or let();
$alter->collect;
is($app->collect, '2', 'so does that of tenants');
let();
is($audit->collect, "unknown|gave way to ACCESS EXCLUSIVE of pid $alter->{pid}", '... whose rows are unknown');
query('DROP TABLE tenant_c, tenant_p');

query('CREATE TABLE f (n int CHECK (slow_eq(n, n))); INSERT INTO f VALUES (1)');
begin(q{SELECT result, reason FROM sg_rule_audit('f')});
$alter->send('ALTER TABLE f ALTER n SET DEFAULT 1');
$app->send('SELECT count(*) FROM f');
$alter->collect;
is($app->collect, '1', 'so does the audit of a rule');
let();
is($audit->collect, "unknown|gave way to ACCESS EXCLUSIVE of pid $alter->{pid}", '... which is unknown');

# A cancel from before somebody waits is none of ours, also where the audit comes to it later: it is not interrupted while it waits for a program
my ($begun, $end) = map { $node->basedir . "/$_" } 'begun', 'end';
foreach ($begun, $end) { mkfifo($_, 0600) or die "no $_: $!"; }
query(qq{CREATE FUNCTION stuck(int) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS 'BEGIN PERFORM public.run_program(); RETURN true; END';
	CREATE FUNCTION run_program() RETURNS void LANGUAGE plpgsql AS 'BEGIN END';
	CREATE TABLE g (n int CHECK (stuck(n))); INSERT INTO g VALUES (1);
	CREATE OR REPLACE FUNCTION run_program() RETURNS void LANGUAGE plpgsql
		AS \$\$BEGIN COPY (SELECT 1) TO PROGRAM 'trap "" INT; cat > $begun; read line < $end'; END\$\$});
open my $reader, '+<', $begun or die "no $begun: $!";
open my $writer, '+<', $end or die "no $end: $!";
$audit->send(q{SELECT result, reason FROM sg_rule_audit('g')});
wait_for(sub { IO::Select->new($reader)->can_read(0) }) or die 'no program runs';
query("SELECT pg_cancel_backend($audit->{pid})");
$alter->send('ALTER TABLE g ALTER n SET DEFAULT 1');
ok(waits($alter), 'an audit that is cancelled already gives way to nobody');
syswrite $writer, "\n";
$audit->collect;
is($audit->sqlstate, '57014', '... and ends by that');
$alter->collect;
query('DROP TABLE g');

begin(q{CALL sg_audit_gate('{gate}')});
for my $time (1 .. 3)
{
	$alter->query("ALTER TABLE gate.c ALTER n SET DEFAULT 1");
	is($alter->sqlstate, '', "a gate gives way, $time");
	reads();
}
$alter->send('ALTER TABLE gate.c ALTER n SET DEFAULT 1');
ok(waits($alter), 'and the fourth time it does not');
let();
$audit->collect;
$alter->collect;
unlike($audit->{err}, qr/ERROR/, 'it has judged all keys');
like($audit->{err}, qr/the audit of gate\.c gave way 3 times and now holds its locks/, 'and says that it has held');
is(query("SELECT count(*) FROM schemaguard.finding WHERE gone_at IS NULL"), '0', 'nothing was found');

foreach my $case ([ 'nobody waits longer than schemaguard.lock_timeout', q{SET schemaguard.lock_timeout = '1h'}, 'RESET schemaguard.lock_timeout' ],
	[ 'schemaguard.audit_yield is off', 'SET schemaguard.audit_yield = off', 'RESET schemaguard.audit_yield' ],
	[ 'the transaction has locked the table', 'BEGIN; LOCK TABLE c IN ACCESS SHARE MODE', 'COMMIT' ])
{
	my ($name, $before, $after) = @$case;

	$audit->query($before);
	begin("SELECT result FROM sg_orphan_audit('c')");
	$alter->send('ALTER TABLE c ALTER n SET DEFAULT 1');
	ok(waits($alter), "$name: it does not give way");
	let();
	is($audit->collect, 'pass', 'and judges');
	$audit->query($after);
	$alter->collect;
}

$audit->query("SELECT result FROM sg_orphan_audit('c')");
begin('BEGIN; SELECT count(*) FROM c; SELECT pg_advisory_xact_lock_shared(43)');
$alter->send('ALTER TABLE c ALTER n SET DEFAULT 1');
ok(waits($alter), 'nor does the session when its audit is over');
let();
$audit->collect;
is($audit->{err}, '', 'whose statements go on');
$audit->query('COMMIT');
$alter->collect;

begin("CALL sg_add_fks('plan')");
$alter->send('ALTER TABLE e ALTER n SET DEFAULT 1');
ok(waits($alter), 'nor does the audit of a deed');
let();
$audit->collect;
$alter->collect;
is(query("SELECT state FROM schemaguard.plan_step WHERE plan = 'plan'"), 'validated', 'which then does its work');

query(q{CREATE TABLE h (n int); INSERT INTO h VALUES (1), (5); SELECT sg_plan_create('dry'), sg_plan_add_fk('dry', 'h', 'n', 'p', '{s}', index => false, orphans => 'delete')});
begin(q{CALL sg_fix_orphans('dry', dry_run => true)});
$alter->send('ALTER TABLE h ALTER n SET DEFAULT 1');
ok(wait_for(sub { $alter->is_done }), 'a dry run gives way');
let();
$alter->collect;
$audit->collect;
like($audit->{err}, qr/1 orphan/, '... and counts then');

# a search waits for no lock longer than schemaguard.lock_timeout, so that it asks for this one again and again; behind a locked page of an index it
# could not be interrupted
query(q{SET client_min_messages = error; ALTER TABLE h ADD CONSTRAINT h_fk FOREIGN KEY (n) REFERENCES p (s) NOT VALID;
	CREATE OR REPLACE FUNCTION slow_eq(int, int) RETURNS boolean IMMUTABLE LANGUAGE plpgsql AS
		'BEGIN WHILE NOT pg_try_advisory_xact_lock_shared(43) LOOP PERFORM pg_sleep(0.01); END LOOP; RETURN $1 = $2; END';
	CREATE OR REPLACE FUNCTION slow_cmp(int, int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS 'BEGIN PERFORM public.slow_eq(1, 1); RETURN btint4cmp($1, $2); END';
	SELECT sg_plan_create('live'), sg_plan_add_fk('live', 'h', 'n', 'p', '{s}', fk_name => 'h_fk', index => false)});
$audit->query(qq{SET schemaguard.live_search = '180s'; SET enable_$_ = off}) foreach qw(indexscan indexonlyscan bitmapscan);
$holder->query('SELECT pg_advisory_lock(43)');
$audit->send(q{SELECT string_agg(DISTINCT reason, '; ') FROM sg_verify_fks_details('live', live => true) WHERE test ~ '^live'});
wait_for(sub { query("SELECT count(*) FROM pg_locks WHERE relation = 'h'::regclass AND pid = $audit->{pid}") eq '1' }) or die "it does not search: $audit->{err}";
$alter->send('ALTER TABLE h ALTER n SET DEFAULT 1');
ok(wait_for(sub { $alter->is_done }), 'so does the search for rows with which a key is tried');
let();
$alter->collect;
like($audit->collect, qr/gave way to ACCESS EXCLUSIVE of pid $alter->{pid}/, '... whose test is unknown');

done_testing();
