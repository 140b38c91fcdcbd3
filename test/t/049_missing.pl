# 049_missing.pl: each look of the library's into the catalogs may find nothing, for another session may have dropped the object a moment before.
#
# A library of its own finds nothing there, once at each site: see test/gaps/missing.c. The calls of SgStress.pm run until none
# meets a new site. So a look that is added is tried without a line here.
#
#   - the server never crashes
#   - no call ends with an internal error (XX000), nor does a step
#
# `make gaps` draws more calls, and has those that take databases to themselves.
#
# MISSING_CALLS=sg_apply: of the functions those that match
# MISSING_DRAWS=N: calls drawn of each
# MISSING_SHOW=1: all sites are in the log
#
# rooms: base change check deploy drift
# majors: one (what the library asks is about the same on all)
# takes: 45 s
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Utils;
use SgGaps;
use SgStress;
use SgTest;
use Test::More;

my $library = library_with('missing.c');
my $node = new_node('missing', without => 1,
	conf => "dynamic_library_path = '$library:\$libdir'\nfsync = off\nautovacuum = off\nrestart_after_crash = on\nschemaguard.fix_pause = 0\nclient_min_messages = error\nlog_error_verbosity = verbose\n");
my $served = PostgreSQL::Test::Utils::tempdir() . '/sites';
my $all = $ENV{SG_GAPS};
my $draws = $ENV{MISSING_DRAWS} // ($all ? 5 : 1);
my $copies = 0;

$node->safe_psql('postgres', 'CREATE DATABASE missing');
$node->safe_psql('missing', q{CREATE EXTENSION schemaguard; UPDATE pg_proc SET probin = 'schemaguard' WHERE probin ~ 'schemaguard$'});
$node->psql('missing', schema_sql(0), on_error_die => 1);
# Steps that those plans lack: a unique constraint that a partition has already, an index that is there, a column to bring back
# without its NOT NULL, and keys of a role that may neither use the one schema nor create in the other
$node->safe_psql('missing', q{
	ALTER TABLE st.top_1 ADD CONSTRAINT top_1_own UNIQUE (k, id);
	CREATE INDEX child_own ON st.child (tenant_id);
	ALTER TABLE st.child ADD own int NOT NULL DEFAULT 1;
	CREATE SCHEMA own; CREATE SCHEMA own_used; GRANT USAGE ON SCHEMA own_used TO st_a;
	CREATE TABLE own.c (id int, par_id int); CREATE TABLE own_used.c (id int, par_id int);
	ALTER TABLE own.c OWNER TO st_a; ALTER TABLE own_used.c OWNER TO st_a;
	SELECT sg_plan_create('own'), sg_plan_allow('own', 'st_a'),
		sg_plan_add_unique('own', 'st.top', '{k,id}', name => 'own_k'),
		sg_plan_add_default('own', 'st.child', 'par_id', '1'),
		sg_plan_add_index('own', 'st.child', '(tenant_id)', 'own_i', after => '{*}'),
		sg_plan_add_index('own', 'st.top', '(k)', 'own_top'),
		sg_plan_add_drop('own', 'column', 'st.child', 'own'),
		sg_plan_add_fk('own', 'own.c', '{par_id}', 'st.par', fk_name => 'own_c'),
		sg_plan_add_fk('own', 'own_used.c', '{par_id}', 'st.par', fk_name => 'own_used_c')});
my %own = (
	sg_apply => [q{CALL sg_apply('own', fix => true)}],
	sg_plan_check => [ q{SELECT * FROM sg_plan_check('own')}, q{SET LOCAL ROLE st_a; SELECT * FROM sg_plan_check('own')} ],
	sg_rollback_fks => [q{CALL sg_rollback_fks('own')}]);

sub sites { my @sites = -e $served ? split /\n/, slurp_file($served) : (); return @sites; }

# The lines of a site's callers
sub place
{
	my ($name, @callers) = split / /, $_[0];
	chomp(my @lines = `addr2line -se $library/schemaguard.so @{[ map { "0x$_" } @callers ]}`);
	return "$name, called at " . join ' < ', @lines;
}

# A session in a copy of the database
sub open_copy
{
	my $dbname = 'copy_' . ++$copies;

	$node->safe_psql('postgres', "CREATE DATABASE $dbname TEMPLATE missing STRATEGY file_copy");
	my $session = SgTest::Session->new($node, dbname => $dbname);
	return $session;
}

# Returns what is wrong with a call's end
sub run_once
{
	my ($session, $call) = @_;
	my $procedure = $call =~ /\bCALL\b/;

	# for something to do
	$session->query("CALL sg_apply('$1', fix => true)") if $call =~ /^CALL sg_(?:restore_quarantine|rollback_fks)\('(\w+)'/;
	my $out = $session->query("SELECT setseed(0); SET gaps.missing = '$served'; " . ($procedure ? $call : "BEGIN; $call"));
	return 'the server crashed' unless defined $out;
	my @wrong = $session->{err} =~ /(ERROR:  XX000.*(?:\n.*){0,3})/;
	return (@wrong, $session->query(q{RESET gaps.missing; SELECT 'a step: ' || message FROM schemaguard.audit_log WHERE sqlstate = 'XX000'}) || ()) if $procedure;
	$session->query('ROLLBACK; RESET gaps.missing');
	return @wrong;
}

# A call until it meets no new site; what a procedure changes is changed in a copy of the database that is its alone
my $kept;

sub run_out
{
	my ($call) = @_;
	my @found;

	for (;;)
	{
		my $procedure = $call =~ /\bCALL\b/;
		my $sites = sites();
		my $session = $procedure ? open_copy() : ($kept //= open_copy());
		my @wrong = run_once($session, $call);
		my @now = sites();

		$session->quit if $procedure;
		undef $kept if grep { /crashed/ } @wrong;
		$node->poll_query_until('postgres', 'SELECT true') if grep { /crashed/ } @wrong;
		return @found if @now == $sites;
		push @found, map { "$_\n" . join "\n", "  $call", map { '  ' . place($_) } @now[ $sites .. $#now ] } @wrong;
	}
}

srand(seed());
foreach my $function (grep { $ENV{MISSING_CALLS} ? /$ENV{MISSING_CALLS}/ : $all || $_ ne 'sg_sync_check' } called())
{
	my @found;
	my $before = sites();

	push @found, map { run_out($_) } @{ $own{$function} // [] }, map { call_of($function) } 1 .. $draws;
	is(join("\n", @found), '', sprintf '%s: %d sites', $function, sites() - $before);
}
cmp_ok(scalar(my @all = sites()), '>', 500, 'looks found nothing') unless $ENV{MISSING_CALLS};

$kept->quit if $kept;
note(place($_)) foreach $ENV{MISSING_SHOW} ? sites() : ();
$node->stop;
done_testing();
