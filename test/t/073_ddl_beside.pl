# 073_ddl_beside.pl: every public function is called in random order on a schema of everything, while two sessions do DDL
# on it in transactions that are held open, and one cancels and terminates the callers.
#
#   - each function is in the list of calls of SgStress.pm: a new one enters it, or this fails
#   - a table that goes while a call waits for it is missing (42P01), and what the server cannot look up is 40001
#   - no crash
#   - no internal error (XX000), and no text of one in a result: what is gone is left out, unknown, or 40001
#   - after each call the session's settings, role and search_path are as before; at the end it answers as a new one does,
#     and holds no lock
#
# SG_STRESS_SECONDS=N: for so long (default 12; with SG_LONG=1 300)
#
# rooms: base
# takes: 40 s
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use IPC::Run ();
use List::Util qw(shuffle);
use PostgreSQL::Test::Utils;
use SgStress;
use SgTest;
use Test::More;
use Time::HiRes qw(sleep);

my $seconds = $ENV{SG_STRESS_SECONDS} || (long_run() ? 300 : 12);
my $node = new_node('ddl_beside', conf => <<'CONF');
log_error_verbosity = verbose
log_line_prefix = '%b|%a|%e|%p '
deadlock_timeout = 100ms
restart_after_crash = on
CONF

my @functions = map { $_->[0] } rows($node, q{SELECT DISTINCT proname FROM pg_depend JOIN pg_proc p ON p.oid = objid AND proname !~ '_details$'
	WHERE classid = 'pg_proc'::regclass AND deptype = 'e' AND refclassid = 'pg_extension'::regclass
		AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'schemaguard')
		AND (pronamespace = (SELECT extnamespace FROM pg_extension WHERE extname = 'schemaguard')
			OR proname IN ('sg_discover_unmatched', 'sg_measure_overhead', 'sg_plan_hash')) ORDER BY 1});
is(join(' ', called()), "@functions", @functions . ' functions and procedures that people call are in the list of calls');

# ---------------------------------------------------------------------------------------------------------------------
# A table that goes while a call waits for its lock, and one that the catalogs name and do not have: without chance

$node->safe_psql('postgres', 'CREATE DATABASE gone');
$node->safe_psql('gone', <<'SQL');
CREATE EXTENSION schemaguard;
CREATE TABLE p (id int PRIMARY KEY);
CREATE TABLE c (id int, p_id int CONSTRAINT c_p REFERENCES p);
SELECT sg_plan_create('gone'), sg_plan_add_check('gone', 't', 'n > 0', name => 'positive');
SELECT sg_plan_create('key'), sg_plan_add_fk('key', 't', '{n}', 'p', fk_name => 't_p');
SELECT sg_plan_create('drop'), sg_plan_add_drop('drop', 'constraint', 'c', 'c_p');
SQL

foreach (
	[ q{SELECT * FROM sg_rule_audit('t', 'check', 'n > 0')}, qr/42P01: a table was dropped meanwhile/ ],
	[ q{SELECT * FROM sg_rule_violations('t', 'check', 'n > 0')}, qr/42P01: a table was dropped meanwhile/ ],
	[ q{SELECT * FROM schemaguard.sg_measure_overhead('key', 1, 1)}, qr/insert.*dropped meanwhile/ ],
	[ q{SELECT * FROM sg_verify_fks('gone')}, qr/dropped meanwhile/ ])
{
	my ($call, $like) = @$_;
	my ($holder, $waiter) = map { SgTest::Session->new($node, dbname => 'gone') } 1, 2;

	$holder->query('CREATE TABLE t (id int, n int)');
	$holder->query('BEGIN; DROP TABLE t');
	$waiter->query(q{SET schemaguard.lock_timeout = '100s'; SET deadlock_timeout = '100s'});
	$waiter->send($call);
	$node->poll_query_until('postgres', "SELECT count(*) > 0 FROM pg_locks WHERE NOT granted AND pid = $waiter->{pid}");
	$holder->query('COMMIT');
	like($waiter->collect . $waiter->{err}, $like, "$call: the table is gone");
	$_->quit foreach $holder, $waiter;
}
$node->safe_psql('gone', 'SET allow_system_table_mods = on; DELETE FROM pg_class WHERE oid = $$p$$::regclass');
is_error($node, q{CALL sg_apply('drop')}, '40001', qr/another session dropped or changed an object meanwhile/, 'what the server cannot look up is 40001', dbname => 'gone');
like(
	$node->safe_psql('gone', q{SELECT result, check_name, detail FROM sg_plan_check_details('drop') WHERE step = 1}),
	qr/warn\|unchecked\|.*another session dropped or changed an object meanwhile/, 'or leaves that step unchecked');

# ---------------------------------------------------------------------------------------------------------------------
# The schema of everything

srand(seed());
$node->psql('postgres', schema_sql(has_extension($node, 'postgres_fdw')), on_error_die => 1);

# ---------------------------------------------------------------------------------------------------------------------
# Sessions

my $dir = PostgreSQL::Test::Utils::tempdir();

# A psql that runs a script for as long as the test wants
sub background
{
	my ($name, $script) = @_;

	append_to_file("$dir/$name.sql", $script);
	local $ENV{PGAPPNAME} = $name;
	return IPC::Run::start([ 'psql', '-X', '-q', '-d', $node->connstr('postgres'), '-f', "$dir/$name.sql" ], '<', \undef, '>', "$dir/$name.out", '2>', "$dir/$name.err");
}

sub caller_session
{
	my ($name, $user) = @_;

	local $ENV{PGAPPNAME} = $name;
	my $session = SgTest::Session->new($node, user => $user);
	$session->query(q{SET client_min_messages = warning; SET statement_timeout = '20s'; SET deadlock_timeout = '100ms' }) if !$user;
	$session->query(q{SET schemaguard.lock_timeout = 50; SET schemaguard.lock_attempts = 3; SET schemaguard.lock_budget = 500;
		SET schemaguard.fix_pause = 0; SELECT count(*) FROM schemaguard.sg_fk_facts(); SET search_path = st, public});
	return $session;
}

# What a call must give back. Other libraries define settings of their own when they are loaded.
my $state = q{SELECT string_agg(concat_ws('=', name, setting), '|' ORDER BY name) FROM pg_catalog.pg_settings
	WHERE (name !~ '[.]' OR name ~ '^schemaguard') AND name <> 'application_name'
	UNION ALL SELECT concat_ws(' ', 'roles', current_user, session_user, current_setting('role'))};

# Those that differ
sub differing
{
	my ($before, $after) = @_;
	my %before = map { $_ => 1 } split /[|\n]/, $before;

	return join(', ', grep { !$before{$_} } split /[|\n]/, $after);
}

my %callers = (
	caller_stays => { user => undef },
	caller_goes => { user => undef },
	caller_owner => { user => 'st_a' });
my (%calls, @changed, @slow);
my $super = $node->safe_psql('postgres', 'SELECT current_user');

sub begin_call
{
	my ($name, $caller) = @_;

	$caller->{queue} = [ shuffle(@functions) ] unless @{ $caller->{queue} // [] };
	if (!$caller->{session})
	{
		$caller->{session} = eval { caller_session($name, $caller->{user}) } or return;
		$caller->{before} = $caller->{session}->query($state);
		# cancelled, this look or what loads the library: without it there are no settings of schemaguard's to look at
		return delete $caller->{session} if ($caller->{before} // '') !~ /schemaguard[.]fill_batch=/;
	}
	$caller->{function} = shift @{ $caller->{queue} };
	$caller->{began} = time;
	$caller->{sql} = call_of($caller->{function});
	$caller->{session}->send("$caller->{sql};\n\\echo state\n$state");
}

sub end_call
{
	my ($name, $caller) = @_;
	my $out = $caller->{session}->collect;

	$calls{ $caller->{function} }++;
	push @slow, sprintf('%d s: %s', time - $caller->{began}, $caller->{sql}) if time - $caller->{began} > 5;
	if (!defined $out)
	{
		$caller->{session}->quit;
		delete $caller->{session};
		return;
	}
	my ($result, $after) = $out =~ /\A(.*)^state\n(.*)\z/ms;
	push @{ $caller->{told} }, map { "$caller->{sql}: $_" } grep { /cache lookup failed|could not open relation with OID|tuple concurrently/ } split /\n/, $result // '';
	# the look itself may be cancelled
	push @changed, "$name: " . differing($caller->{before}, $after) . " after $caller->{sql}" if $after && $after ne $caller->{before};
}

my @background = ((map { background("ddl_$_", ddl_script(200 * $seconds)) } 1, 2),
	background('killer', SgStress::killer_script(10 * $seconds, 'caller')));
my $end = time + $seconds;

while (1)
{
	my $busy = 0;

	foreach my $name (sort keys %callers)
	{
		my $caller = $callers{$name};

		end_call($name, $caller), delete $caller->{sql} if $caller->{sql} && $caller->{session}->is_done;
		begin_call($name, $caller) if !$caller->{sql} && time < $end;
		$busy++ if $caller->{sql};
	}
	last if !$busy && time >= $end;
	# a crash ends all sessions
	last unless $background[0]->pumpable;
	sleep 0.005;
}
$_->kill_kill foreach @background;
$node->poll_query_until('postgres', 'SELECT true');
$node->poll_query_until('postgres', q{SELECT count(*) = 0 FROM pg_stat_activity WHERE application_name ~ '^(ddl|killer)'});

# ---------------------------------------------------------------------------------------------------------------------
# What came of it

my %seen;
my ($crashes, @internal) = (0);
my $of_crash = 0;
foreach my $line (split /\n/, slurp_file($node->logfile))
{
	$crashes++ if $line =~ /TRAP:|PANIC:|was terminated by signal/;
	# with what follows: the stack, and what was running
	$of_crash = $line =~ /TRAP:|PANIC:|was terminated by signal/ ? 30 : $of_crash - 1;
	diag($line) if $of_crash > 0;
	my ($type, $application, $code, $pid, $text) = $line =~ /^([^|]*)\|([^|]*)\|([^|]*)\|(\d+) (.*)/ or next;
	$seen{$code}++ if $text =~ /^(?:ERROR|FATAL)/ && $application !~ /^ddl/;
	push @internal, "$type $application $text" if $code =~ /^XX/ && $application !~ /^ddl/;
}
is($crashes, 0, 'no crash');
is(join("\n", @internal), '', 'no internal error');
is(join("\n", map { @{ $_->{told} // [] } } values %callers), '', 'and none in a result');
is(join("\n", @changed), '', 'settings, role and search_path are back after each call');
diag(join ', ', map { "$_: $calls{$_}" } sort keys %calls);
diag(join ', ', map { "$_: $seen{$_}" } sort keys %seen);
diag("slow: $_") foreach @slow;

# ---------------------------------------------------------------------------------------------------------------------
# The session that was never terminated, and a new one

my $old = $callers{caller_stays}{session} // caller_session('caller_stays');
my $new = caller_session('new');
my $rows = 'SELECT count(*), md5(string_agg(r::text, chr(10) ORDER BY r::text COLLATE "C")) FROM';
my @questions = (
	$state,
	"$rows schemaguard.sg_fk_facts() AS r",
	"$rows (SELECT fk_name, result, state, orphan_rows, rows_checked, child_table, parent_table, reason FROM sg_orphan_audit_details()) AS r",
	"$rows (SELECT t, rule_name, result, violating_rows, reason FROM (SELECT oid::regclass AS t FROM pg_class WHERE relnamespace = 'st'::regnamespace AND relkind IN ('r', 'p')) AS c,
		sg_rule_audit(t)) AS r",
	"$rows sg_impact('st.par') AS r",
	"$rows sg_drift('1', schemas => '{st,st_more}') AS r",
	"$rows (SELECT kind, identity, properties FROM sg_snapshot_objects_details('live', '{st,st_more}')) AS r",
	"$rows schemaguard.sg_discover_unmatched('{st}') AS r",
	(map { "$rows sg_plan_check('$_') AS r" } 1 .. 3),
	"$rows sg_plan_sql('2') AS r",
	# a comment has the time
	"$rows sg_sync_sql('1', schemas => '{st,st_more}') AS r WHERE r !~ '^--'");

foreach my $question (@questions)
{
	my ($was, $is) = map { my $out = $_->query($question); defined $out ? $out . ($_->{err} =~ /^(?:psql\S* )?(ERROR.*)/m ? $1 : '') : 'connection is gone' } $old, $new;
	is($was, $is, 'as a new session answers: ' . substr($question, length($question) > 100 ? length($rows) : 0, 60)) or diag($question);
}
is($new->query("SELECT count(*) FROM pg_locks WHERE pid = $old->{pid}"), '0', 'it holds no lock');
$_->quit foreach $old, $new;
$node->stop;
done_testing();
