# 049_missing.pl: each look of the library's into the catalogs may find nothing, for another session may have dropped the object a moment before.
#
# A library of its own finds nothing there, once at each site: see test/gaps/missing.c. The calls of SgStress.pm run until none
# meets a new site. So a look that is added is tried without a line here.
#
#   - the server never crashes
#   - no call ends with an internal error (XX000), nor does a step or a worker
#   - an audit, a check or a verification of a plan does not end for an object that is gone (40001), nor does discovery for a table (42P01)
#
# `make test` calls every third function, from the SG_SEED-th on.
# `make gaps` and `make test-long` call all, and try each site anew for each function that comes to it. `make gaps` draws more calls, and has those
# that take databases to themselves.
#
# MISSING_CALLS=sg_apply: of the functions those that match
# MISSING_DRAWS=N: calls drawn of each
# MISSING_EACH=1: sites are tried anew for each function
# MISSING_SHOW=1: all sites are in the log
#
# rooms: base change check deploy drift
# majors: one (what the library asks is about the same on all)
# takes: 60 s
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
my $each = $ENV{MISSING_EACH} // ($all || long_run());
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
$node->safe_psql('missing', q{CREATE TABLE own.half (id int); INSERT INTO own.half VALUES (1), (1);
	SELECT sg_plan_create('half'), sg_plan_add_statement('half', 'CREATE UNIQUE INDEX CONCURRENTLY half_i ON own.half (id)'), sg_plan_add_statement('half', 'ALTER TABLE own.half ADD n int')});
# Keys whose types, operators, functions and collations are users', too: one that fits, one whose operators are users', others of types
# and collations that differ; and a backfill, a tenant and rows that break them
$node->safe_psql('missing', q{
	CREATE SCHEMA ty;
	CREATE DOMAIN ty.d AS int; CREATE DOMAIN ty.dd AS ty.d; CREATE DOMAIN ty.n AS numeric(8,2); CREATE TYPE ty.e AS ENUM ('a', 'b', 'c');
	CREATE COLLATION ty.any (provider = icu, locale = 'und', deterministic = false); CREATE COLLATION ty.c FROM "C"; CREATE DOMAIN ty.t AS text COLLATE ty.any;
	SELECT format('CREATE FUNCTION ty.e_%1$s(ty.e, ty.e) RETURNS %3$s LANGUAGE internal IMMUTABLE STRICT AS %2$L', f, 'enum_' || f, CASE f WHEN 'cmp' THEN 'int' ELSE 'bool' END)
	FROM unnest('{lt,le,eq,ge,gt,cmp}'::text[]) AS f \gexec
	SELECT format('CREATE OPERATOR ty.%s (LEFTARG = ty.e, RIGHTARG = ty.e, FUNCTION = ty.e_%s)', o, f)
	FROM unnest('{<,<=,=,>=,>}'::text[], '{lt,le,eq,ge,gt}'::text[]) AS u (o, f) \gexec
	CREATE OPERATOR CLASS ty.e_ops DEFAULT FOR TYPE ty.e USING btree AS OPERATOR 1 ty.<, OPERATOR 2 ty.<=, OPERATOR 3 ty.=, OPERATOR 4 ty.>=, OPERATOR 5 ty.>, FUNCTION 1 ty.e_cmp(ty.e, ty.e);
	CREATE TABLE ty.p (id ty.d PRIMARY KEY, e ty.e UNIQUE, t ty.t UNIQUE, c text COLLATE ty.c UNIQUE, nn ty.n UNIQUE);
	CREATE TABLE ty.k (id ty.dd PRIMARY KEY, p_id ty.d REFERENCES ty.p, e ty.e, t ty.t, c text COLLATE ty.any, nn ty.n, made ty.d DEFAULT ty.e_cmp('a', 'b') CHECK (made < 5), big ty.d[]);
	INSERT INTO ty.p VALUES (1, 'a', 'x', 'x', 1), (2, 'b', 'y', 'y', 2); INSERT INTO ty.k SELECT g, 1, 'c', g, g, g, 1 FROM generate_series(1, 3) g;
	SELECT sg_plan_create('ty'), sg_plan_add_fk('ty', 'ty.k', '{p_id}', 'ty.p', fk_name => 'ty_1'), sg_plan_add_fk('ty', 'ty.k', '{e}', 'ty.p', '{e}', 'ty_2', orphans => 'quarantine'),
		sg_plan_add_fk('ty', 'ty.k', '{t}', 'ty.p', '{t}', 'ty_3', orphans => 'leave'), sg_plan_add_fk('ty', 'ty.k', '{c}', 'ty.p', '{c}', 'ty_4', orphans => 'leave'),
		sg_plan_add_fk('ty', 'ty.k', '{nn}', 'ty.p', '{id}', 'ty_5'), sg_plan_add_fk('ty', 'ty.k', '{id}', 'ty.p', '{nn}', 'ty_6', orphans => 'leave'),
		sg_plan_add_unique('ty', 'ty.k', '{e}', 'ty_u', policy => 'quarantine', keep_by => 'id'), sg_plan_add_index('ty', 'ty.k', '(t, (e > ''a''))', 'ty_i'),
		sg_plan_add_column('ty', 'ty.k', 'made_e', 'ty.e', fill => '''a'''), sg_plan_add_default('ty', 'ty.k', 'e', '''b'''), sg_plan_add_check('ty', 'ty.k', 'e < ''c''', policy => 'quarantine'),
		sg_plan_add_not_null('ty', 'ty.k', 'made', policy => 'set', fill => '1')});
my %own = (
	sg_apply => [ map { "CALL sg_apply('$_', fix => true)" } qw(own ty) ],
	sg_discover_fks => [q{SELECT * FROM sg_discover_fks('ty.k', 0, 'full')}, q{SELECT * FROM sg_discover_fks(NULL, 0, 'full', '{st,ty}')}],
	sg_orphans => [ map { "SELECT * FROM sg_orphans('ty.k', '{$_}', 'ty.p', '{$_}')" } qw(e t c) ],
	sg_fix_orphans => [q{CALL sg_fix_orphans('ty')}],
	sg_impact => [ map { "SELECT * FROM sg_impact('$_')" } qw(ty.d ty.e ty.p.e), 'ty.e_lt(ty.e,ty.e)' ],
	sg_orphan_audit => [q{SELECT * FROM sg_orphan_audit(plan => 'ty')}],
	sg_plan_add_archive_columns => [q{SELECT sg_plan_add_archive_columns('own', '{ty.p}', children => 'cascade')}],
	sg_plan_check => [ q{SELECT * FROM sg_plan_check('own')}, q{SET LOCAL ROLE st_a; SELECT * FROM sg_plan_check('own')}, q{SELECT * FROM sg_plan_check('ty')} ],
	sg_plan_sql => [q{SELECT * FROM sg_plan_sql('ty')}],
	sg_rollback_fks => [ map { "CALL sg_rollback_fks('$_')" } qw(own ty) ],
	sg_rule_audit => [q{SELECT * FROM sg_rule_audit('ty.k')}, q{SELECT * FROM sg_rule_audit('ty.k', 'unique', '(e, t)')}],
	sg_verify_fks => [ map { "SELECT * FROM sg_verify_fks('ty', live => $_)" } qw(true false) ]);

sub sites { my @sites = -e $served ? split /\n/, slurp_file($served) : (); return @sites; }

# The functions and lines of a site's callers
sub place
{
	my ($name, @callers) = split / /, $_[0];
	chomp(my @lines = `addr2line -fpsie $library/schemaguard.so @{[ map { "0x$_" } @callers ]}`);
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
my $out;

sub run_once
{
	my ($session, $call) = @_;
	my $procedure = $call =~ /\bCALL\b/;

	# for something to do
	$session->query("CALL sg_apply('$1', fix => true)") if $call =~ /^CALL sg_(?:restore_quarantine|rollback_fks)\('(\w+)'/;
	$out = $session->query("SELECT setseed(0); SET gaps.missing = '$served'; " . ($procedure ? $call : "BEGIN; $call"));
	return 'the server crashed' unless defined $out;
	my $code = $call =~ /sg_(?:orphan_audit\(plan|plan_check|verify_fks\('\w)/ ? qr/XX000|40001/ : $call =~ /sg_discover_fks\(NULL/ ? qr/XX000|42P01/ : qr/XX000/;
	my @wrong = $session->{err} =~ /(ERROR:  $code.*(?:\n.*){0,3})/;
	return (@wrong, $session->query(q{RESET gaps.missing; SELECT 'a step: ' || message FROM schemaguard.audit_log WHERE sqlstate = 'XX000'}) || ()) if $procedure;
	$session->query('ROLLBACK; RESET gaps.missing');
	return @wrong;
}

# A call until it meets no new site; what a procedure changes is changed in a copy of the database that is its alone
my $kept;

# Has all sites tried anew, by sessions that know of none
sub forget_sites
{
	unlink $served;
	$kept->quit if $kept;
	undef $kept;
}

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

# The column of a default goes between the look that finds it and the one that asks who computes it: the step is looked at again
{
	my $call = q{SELECT step, check_name, result FROM sg_plan_check_details('own') WHERE step = 2};
	my @found = run_out($call);
	my ($site, @more) = grep { place($_) =~ /^SearchSysCache2,.*\bis_computed\b/ } sites();
	my @others = grep { $_ ne ($site // '') } sites();

	is(scalar(@more), 0, 'a default: one look asks who computes the column');
	forget_sites();
	append_to_file($served, join '', map { "$_\n" } @others);
	push @found, run_once($kept = open_copy(), $call);
	is((sites())[-1], $site // 'none', '... which has found nothing');
	is(join("\n", @found), '', '... which is no error');
	like($out // '', qr/^2\|deployment\|ok$/m, '... and the step was looked at again');
}

# The index that a statement's build has left goes before it is asked whether it is valid: why the build failed is on record, and the next step is done
{
	my $session = open_copy();

	$session->query("SET gaps.wrapped = 'get_index_isvalid'; SET gaps.missing = '$served'; CALL sg_apply('half'); RESET gaps.missing");
	is(scalar(grep { place($_) =~ /_half_built\b/ } grep { /^get_index_isvalid / } sites()), 1, 'a half built index goes');
	is($session->query(q{SELECT string_agg(phase || ' ' || coalesce(sqlstate, ''), ', ' ORDER BY id) FROM schemaguard.audit_log WHERE plan = 'half' AND action = 'statement' AND step = 1;
		SELECT string_agg(state, ', ' ORDER BY step) FROM schemaguard.plan_step WHERE plan = 'half'}), "started , failed 23505\nfailed, validated", '... and the failure of its build is on record');
	$session->quit;
}

srand(seed());
my %met;
my @functions = grep { $ENV{MISSING_CALLS} ? /$ENV{MISSING_CALLS}/ : $all || $_ ne 'sg_sync_check' } called();
@functions = @functions[ grep { $each || $ENV{MISSING_CALLS} || ($_ + seed()) % 3 == 0 } 0 .. $#functions ];
foreach my $function (@functions)
{
	my @found;
	my $before = sites();

	($before = 0, forget_sites()) if $each;
	push @found, map { run_out($_) } @{ $own{$function} // [] }, map { call_of($function) } 1 .. $draws;
	@met{ sites() } = ();
	is(join("\n", @found), '', sprintf '%s: %d sites', $function, sites() - $before);
}
cmp_ok(scalar(keys %met), '>', $each ? 500 : 150, 'looks found nothing') unless $ENV{MISSING_CALLS};

$kept->quit if $kept;
note(place($_)) foreach $ENV{MISSING_SHOW} ? sort keys %met : ();
$node->stop;
unlike(slurp_file($node->logfile), qr/ERROR:  XX000/, 'no worker ended with an internal error');
done_testing();
