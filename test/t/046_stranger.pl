# 046_stranger.pl: what a role can do that has been given nothing, or nothing but its plan.
#
#   - settings that superusers make hold, whatever a session says about them before the library is loaded
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use Test::More;
use SgTest;

my $node = new_node('stranger');

# ---- settings

$node->safe_psql('postgres', q{
	CREATE ROLE alice LOGIN;
	SELECT sg_grant('alice');
	CREATE SCHEMA a AUTHORIZATION alice;
	SET SESSION AUTHORIZATION alice;
	CREATE TABLE a.p (id int PRIMARY KEY);
	CREATE TABLE a.c (p int);
	SELECT sg_plan_create('unapproved');
	SELECT sg_plan_add_fk('unapproved', 'a.c', '{p}', 'a.p', index => false);
});

# What a new session of a role sees in a setting once the library is loaded; the library comes with the call
sub setting
{
	my ($user, $name, $options, $before) = @_;
	local $ENV{PGOPTIONS} = $options // '';
	my ($status, $out, $err) = $node->psql('postgres', ($before // '') . q{;
		DO 'BEGIN PERFORM sg_plan_export(''unapproved''); END';} . " SHOW schemaguard.$name",
		extra_params => [ '-U', $user ]);

	return $status == 0 ? $out : $err;
}

my $off = '-c schemaguard.require_approval=off';
my %where = (
	'ALTER SYSTEM' => [ q{LOAD 'schemaguard'; ALTER SYSTEM SET schemaguard.require_approval = on}, q{LOAD 'schemaguard'; ALTER SYSTEM RESET schemaguard.require_approval} ],
	'ALTER DATABASE' => [ q{ALTER DATABASE postgres SET schemaguard.require_approval = on}, q{ALTER DATABASE postgres RESET schemaguard.require_approval} ],
	'ALTER ROLE' => [ q{ALTER ROLE alice SET schemaguard.require_approval = on}, q{ALTER ROLE alice RESET schemaguard.require_approval} ]);
is(setting('alice', 'require_approval'), 'off', 'nobody asks for approval');
for my $how (sort keys %where)
{
	$node->safe_psql('postgres', $_) for $where{$how}->[0], 'SELECT pg_reload_conf()';
	ok(wait_for(sub { setting('alice', 'require_approval') eq 'on' }), "$how: on");
	is(setting('alice', 'require_approval', $off), 'on', "$how: whatever the connection says");
	is(setting('alice', 'require_approval', undef, $_), 'on', "$how: before the library is loaded, $_")
		for 'SET schemaguard.require_approval = off', q{SELECT FROM set_config('schemaguard.require_approval', 'off', false)},
		q{BEGIN; SET LOCAL schemaguard.require_approval = off};
	for my $after ('RESET ALL', 'DISCARD ALL')
	{
		local $ENV{PGOPTIONS} = $off;
		is_error($node, "DO 'BEGIN PERFORM sg_plan_export(''unapproved''); END'; $after; CALL sg_add_fks('unapproved')", '55000', qr/approv/, "$how: nor does $after help", user => 'alice');
	}
	is_error($node, $_, '42501', undef, "$how: not her own: $_", user => 'alice')
		for 'ALTER ROLE alice SET schemaguard.require_approval = off', q{SET schemaguard.require_approval = off; ALTER ROLE alice SET schemaguard.require_approval = off},
		q{SELECT sg_plan_export('unapproved'); ALTER ROLE alice SET schemaguard.require_approval = off},
		q{ALTER ROLE alice SET schemaguard.migration_applications = '%'};
	is(setting($node->safe_psql('postgres', 'SELECT current_user'), 'require_approval', $off), 'off', "$how: a superuser's connection may");
	$node->safe_psql('postgres', $_) for $where{$how}->[1], 'SELECT pg_reload_conf()';
	ok(wait_for(sub { setting('alice', 'require_approval') eq 'off' }), "$how: off again");
}
is(setting('alice', 'require_approval', $off), 'on', 'where nobody asks for it, whoever tries to switch it has it');
$node->safe_psql('postgres', 'GRANT SET ON PARAMETER schemaguard.require_approval TO alice');
is(setting('alice', 'require_approval', $off), 'off', 'but for a role that may set it');
$node->safe_psql('postgres', q{ALTER DATABASE postgres SET schemaguard.migration_applications = 'flyway%'});
is(setting('alice', 'migration_applications'), 'flyway%', 'applications that are migrations');
is(setting('alice', 'migration_applications', q{-c schemaguard.migration_applications=%}), '', 'a connection makes itself none');

# ---- the extension's schema

# The warning of CREATE EXTENSION in a new database
sub warned
{
	my ($db, $prepare, $create) = @_;

	$node->safe_psql('postgres', "CREATE DATABASE $db");
	my ($status, $out, $err) = $node->psql($db, "$prepare; " . ($create // 'CREATE EXTENSION schemaguard'));
	is($status, 0, "$db: created");
	return $err;
}
$node->safe_psql('postgres', 'CREATE ROLE dbo LOGIN');
is(warned('trusted', ''), '', 'nobody else creates functions in public');
like(warned('owned', 'ALTER DATABASE owned OWNER TO dbo'), qr/others than superusers may create functions.*: dbo\n.*HINT:.*CREATE EXTENSION schemaguard SCHEMA sg/s,
	'the owner of a database that is no superuser owns its schema public');
like(warned('granted', 'GRANT CREATE ON SCHEMA public TO PUBLIC, alice'), qr/: PUBLIC, alice$/m, 'who has been granted it');
is(warned('apart', 'ALTER DATABASE apart OWNER TO dbo; CREATE SCHEMA sg', 'CREATE EXTENSION schemaguard SCHEMA sg'), '', 'a schema of its own');
my $trap = q{CREATE FUNCTION public.sg_orphan_audit(text) RETURNS SETOF int LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''caught''; END'};
$node->safe_psql('apart', $trap, extra_params => [ '-U', 'dbo' ]);
$node->safe_psql('apart', 'CREATE TABLE public.t (id int)');
is_error($node, q{SET search_path = sg, public; SELECT sg_orphan_audit('t')}, 'P0001', qr/caught/, 'a call by name alone is caught even so', dbname => 'apart');
is($node->safe_psql('apart', q{SELECT count(*) FROM sg.sg_orphan_audit('t')}), '0', 'a qualified one is not');
is($node->safe_psql('apart', q{
	SELECT count(*), count(DISTINCT p.proname) FROM pg_depend d JOIN pg_proc p ON p.oid = d.objid AND d.classid = 'pg_proc'::regclass
	WHERE d.refclassid = 'pg_extension'::regclass AND d.refobjid = (SELECT oid FROM pg_extension WHERE extname = 'schemaguard')}) =~ /^(\d+)\|\1$/, 1,
	'no two functions of ours share a name');

done_testing();
