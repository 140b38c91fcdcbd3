# 046_stranger.pl: what a role can do that has been given nothing, or nothing but its plan.
#
#   - settings that superusers make hold, whatever a session says about them before the library is loaded
#   - who may create functions in the extension's schema is told by CREATE EXTENSION; qualified calls are not caught
#   - a role that may do nothing but connect calls every function: it waits for no lock of others, keeps none, leaves no row
#
# rooms: base
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
like(warned('quoted', 'CREATE SCHEMA "SG"; GRANT CREATE ON SCHEMA "SG" TO alice', 'CREATE EXTENSION schemaguard SCHEMA "SG"'), qr/: alice$/m,
	'in a schema whose name is quoted');
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

# ---- CONNECT only

my %call = (
	(map { ("schemaguard.$_" => "SELECT schemaguard.$_()") } qw(sg_stamp_row sg_refuse_archived_parent sg_refuse_live_children sg_archive_live_children)),
	'schemaguard.sg_ddl_event' => 'SELECT schemaguard.sg_ddl_event()',
	'schemaguard.sg_ddl_guard_event' => 'SELECT schemaguard.sg_ddl_guard_event()',
	'schemaguard.sg_ddl_guard_changed' => 'SELECT schemaguard.sg_ddl_guard_changed()',
	'schemaguard.sg_drop_extension_event' => 'SELECT schemaguard.sg_drop_extension_event()',
	'schemaguard.sg_subscription_event' => 'SELECT schemaguard.sg_subscription_event()',
	'schemaguard.sg_ddl_log_restored' => 'SELECT schemaguard.sg_ddl_log_restored()',
	'schemaguard.sg_ddl_restored' => 'SELECT schemaguard.sg_ddl_restored()',
	'schemaguard.sg_log_guard' => 'SELECT schemaguard.sg_log_guard()',
	'schemaguard.sg_discovery_tables' => q{SELECT * FROM schemaguard.sg_discovery_tables(0)},
	'schemaguard.sg_discovery_columns' => q{SELECT * FROM schemaguard.sg_discovery_columns()},
	'schemaguard.sg_discovery_indexed' => q{SELECT * FROM schemaguard.sg_discovery_indexed()},
	'schemaguard.sg_discovery_keys' => q{SELECT * FROM schemaguard.sg_discovery_keys()},
	'schemaguard.sg_discovery_rules' => q{SELECT * FROM schemaguard.sg_discovery_rules()},
	'schemaguard.sg_discovered_steps' => q{SELECT * FROM schemaguard.sg_discovered_steps('secret', 0)},
	'schemaguard.sg_discovered' => q{SELECT * FROM schemaguard.sg_discovered(NULL, 0, 'full', NULL)},
	'schemaguard.sg_discovery' => q{SELECT * FROM schemaguard.sg_discovery(NULL, 0, 'full', NULL, false)},
	'schemaguard.sg_discovery_candidates' => q{SELECT * FROM schemaguard.sg_discovery_candidates('full')},
	'schemaguard.sg_fk_facts' => 'SELECT * FROM schemaguard.fk_trust',
	'schemaguard.sg_plan_add_step' => q{SELECT schemaguard.sg_plan_add_step('secret', 'check', 'child_table', 't_c', 'definition', 'true')},
	'schemaguard.sg_progress' => 'SELECT * FROM schemaguard.progress',
	'schemaguard.sg_plan_author' => q{SELECT schemaguard.sg_plan_author('nobody', NULL)},
	'schemaguard.sg_readable_plans' => 'SELECT schemaguard.sg_readable_plans()',
	'schemaguard.sg_role_marks' => q{SELECT schemaguard.sg_role_marks('nothing')},
	'schemaguard.sg_roles_of' => q{SELECT schemaguard.sg_roles_of('nothing')},
	'schemaguard.sg_server_check' => 'SELECT schemaguard.sg_server_check()',
	'schemaguard.sg_own_publications' => 'SELECT schemaguard.sg_own_publications()',
	sg_rule_audit => q{SELECT * FROM sg_rule_audit('t_c')},
	sg_violations => q{SELECT * FROM sg_violations('secret', 1)},
	sg_rule_violations => q{SELECT * FROM sg_rule_violations('t_c', 'check', 'q > 0')},
	'schemaguard.sg_nobodys_violations' => q{SELECT * FROM schemaguard.sg_nobodys_violations('t_c', 'check', 'q > 0')},
	'schemaguard.sg_snapshot_probe' => 'SELECT schemaguard.sg_snapshot_probe()',
	'schemaguard.sg_snapshot_statement' => 'SELECT schemaguard.sg_snapshot_statement()',
	'schemaguard.sg_write' => 'SELECT schemaguard.sg_write()',
	sg_add_fks => q{CALL sg_add_fks('secret')},
	sg_apply => q{CALL sg_apply('secret')},
	sg_plan_add_audit_columns => q{SELECT sg_plan_add_audit_columns('secret', '{t_c}')},
	sg_plan_add_archive_columns => q{SELECT sg_plan_add_archive_columns('secret', '{t_c}')},
	sg_plan_isolate => q{SELECT sg_plan_isolate('secret', 'q', 't_p')},
	sg_plan_retarget => q{SELECT sg_plan_retarget('secret', 't_p', 't_c')},
	'schemaguard.sg_plan_add_audit_columns_body' => q{SELECT schemaguard.sg_plan_add_audit_columns_body('secret', 't_c', 'a', 'b', 'c', 'd', NULL, 'c', 'low', NULL)},
	'schemaguard.sg_plan_add_archive_columns_body' => q{SELECT schemaguard.sg_plan_add_archive_columns_body('secret', 't_c', 'at', 'by', 'leave', NULL, 'c', 'low', NULL)},
	'schemaguard.sg_plan_isolate_body' => q{SELECT schemaguard.sg_plan_isolate_body('secret', 'q', 't_p', NULL, 'low')},
	'schemaguard.sg_plan_retarget_body' => q{SELECT schemaguard.sg_plan_retarget_body('secret', 't_p', 't_c', NULL, NULL, NULL, 'low', NULL)},
	'schemaguard.sg_discover_fks_body' => q{SELECT * FROM schemaguard.sg_discover_fks_body(NULL, 0, 'full', NULL)},
	'schemaguard.sg_sync_sql_body' => q{SELECT schemaguard.sg_sync_sql_body('secret', 'live', NULL, false, false)},
	'schemaguard.sg_sync_files_body' => q{SELECT schemaguard.sg_sync_files_body('secret', 'live', 'psql', NULL, NULL, NULL, 'app', NULL, false, false, 'ask')},
	'schemaguard.sg_explain_statement' => q{SELECT schemaguard.sg_explain_statement('x', false)},
	sg_plan_explain => q{SELECT * FROM sg_plan_explain('secret', 1)},
	sg_plan_referencing => q{SELECT * FROM sg_plan_referencing('secret')},
	sg_plan_add_referencing => q{SELECT sg_plan_add_referencing('secret')},
	'schemaguard.sg_check_word' => q{SELECT schemaguard.sg_check_word('x', 'y', '{y}')},
	'schemaguard.sg_deprecate_table' => q{SELECT schemaguard.sg_deprecate_table('t_c', NULL, NULL)},
	'schemaguard.sg_has_column' => q{SELECT schemaguard.sg_has_column('t_c', 'q')},
	'schemaguard.sg_plan_after' => q{SELECT schemaguard.sg_plan_after('secret', 'public.t_c', '{x}')},
	'schemaguard.sg_keys_declared' => 'SELECT * FROM schemaguard.sg_keys_declared()',
	'schemaguard.sg_plan_add_key' => q{SELECT schemaguard.sg_plan_add_key('secret', 'public.t_c', '{p}', 'public.t_p')},
	'schemaguard.sg_plan_add_alike' => q{SELECT schemaguard.sg_plan_add_alike('secret', 'public.t_p', 'id', 'q', '1', 'low', NULL)},
	'schemaguard.sg_plan_add_missing' => q{SELECT schemaguard.sg_plan_add_missing('secret', 'public.t_c', 'x', 'int', 'low', NULL)},
	'schemaguard.sg_make_name' => q{SELECT schemaguard.sg_make_name('a', 'b', 'c')},
	'schemaguard.sg_plan_mark' => q{SELECT schemaguard.sg_plan_mark('a')},
	'schemaguard.sg_filler_ending' => q{SELECT schemaguard.sg_filler_ending(oid) FROM pg_trigger WHERE tgrelid = 't_c'::regclass},
	'schemaguard.sg_fill_lacks' => q{SELECT schemaguard.sg_fill_lacks('t_c'::regclass, 'public.t_c', 'nothing + t_p.q')},
	'schemaguard.sg_free_name' => q{SELECT schemaguard.sg_free_name('secret', 'relation', 'public.t_c', 'a', 'b', 'c')},
	'schemaguard.sg_plan_trigger_name' => q{SELECT schemaguard.sg_plan_trigger_name('secret', 'public.t_c', 'a', 'b', 'AFTER UPDATE', 'f', NULL, NULL)},
	'schemaguard.sg_plan_trigger_sql' => q{SELECT schemaguard.sg_plan_trigger_sql('public.t_c', 'a', 'AFTER UPDATE', 'f', NULL)},
	'schemaguard.sg_plan_trigger_is' => q{SELECT schemaguard.sg_plan_trigger_is(1, 'AFTER UPDATE', 'f', NULL, NULL)},
	'schemaguard.sg_plan_function_is' => q{SELECT schemaguard.sg_plan_function_is(1, 't_c', 'BEGIN END')},
	'schemaguard.sg_check_time' => q{SELECT schemaguard.sg_check_time('t_c', 'at')},
	'schemaguard.sg_plan_view_is' => q{SELECT schemaguard.sg_plan_view_is(1, 't_c', 'at')},
	'schemaguard.sg_plan_live_view' => q{SELECT schemaguard.sg_plan_live_view('secret', 'public.t_c', 'at')},
	'schemaguard.sg_plan_live_index' => q{SELECT schemaguard.sg_plan_live_index('secret', 'public.t_c', 'x')},
	'schemaguard.sg_plan_add_once' => q{SELECT schemaguard.sg_plan_add_once('secret', 'check', 'public.t_c', 'x', 'definition', 'true')},
	'schemaguard.sg_plan_add_trigger' => q{SELECT schemaguard.sg_plan_add_trigger('secret', 'public.t_c', 'x', NULL, 'AFTER UPDATE', 'f', NULL, 'BEGIN END', '{}', 'low', NULL)},
	'schemaguard.sg_plan_archive' => q{SELECT schemaguard.sg_plan_archive('secret', '{public.t_c}', 'at', 'by', 'leave', NULL, 'c', 'low', NULL)},
	'schemaguard.sg_plan_archive_key' => q{SELECT schemaguard.sg_plan_archive_key('secret', 'declared', 'public.t_c', '{p}', 'public.t_p', '{id}', 'at', 'at', 'leave', 'c', 'low', NULL)},
	'schemaguard.sg_may_refer' => q{SELECT schemaguard.sg_may_refer('public.t_c', 'public.t_p')},
	'schemaguard.sg_plan_isolation' => q{SELECT schemaguard.sg_plan_isolation('secret', 'q', 'public.t_p', NULL, 'low')},
	'schemaguard.sg_plan_retargeting' => q{SELECT schemaguard.sg_plan_retargeting('secret', 'public.t_p', 'public.t_c', NULL, NULL, NULL, 'low', NULL)},
	'schemaguard.sg_plan_stamp' => q{SELECT schemaguard.sg_plan_stamp('secret', '{public.t_c}', '{a,b,c,d}', NULL, 'c', 'low', NULL)},
	'schemaguard.sg_qualified' => q{SELECT schemaguard.sg_qualified('{t_c}')},
	(map { ("schemaguard.$_" => "SELECT * FROM schemaguard.$_()") } qw(sg_status_drift sg_status_gates sg_status_kept sg_status_keys sg_status_leftovers sg_status_plans sg_status_publications sg_library_version sg_proof_here sg_place)),
	(map { ("schemaguard.$_" => "SELECT $_ IS NULL FROM schemaguard.$_() LIMIT 1") } qw(sg_sees_all sg_go)),
	'schemaguard.sg_counts_for' => q{SELECT schemaguard.sg_counts_for('postgres') IS NULL},
	(map { ("schemaguard.$_" => "SELECT count(*) > 1 FROM schemaguard.$_(NULL)") } qw(sg_go_steps sg_go_evidence sg_go_findings sg_go_figures sg_go_rules)),
	'schemaguard.sg_report_decision' => q{SELECT schemaguard.sg_report_decision('[]')},
	'schemaguard.sg_report_unchecked' => q{SELECT schemaguard.sg_report_unchecked('secret', '[]') IS NULL},
	'schemaguard.sg_smoke_results' => q{SELECT * FROM schemaguard.sg_smoke_results('secret')},
	'schemaguard.sg_go_verdict' => q{SELECT schemaguard.sg_go_verdict('[]')},
	(map { ("schemaguard.sg_report_$_" => "SELECT schemaguard.sg_report_$_('secret') -> 'rows' = '[]'") } qw(planned done orphans skipped proof tests smoke overhead accepted risks)),
	(map { ("schemaguard.sg_report_$_" => "SELECT schemaguard.sg_report_$_() IS NULL") } qw(objects status plans)),
	'schemaguard.sg_report_figures' => q{SELECT schemaguard.sg_report_figures('secret') #> '{rows,0,1}' = 'null'},
	'schemaguard.sg_report_lead' => q{SELECT jsonb_array_length(schemaguard.sg_report_lead('secret'))},
	'schemaguard.sg_report_boxes' => q{SELECT * FROM schemaguard.sg_report_boxes('secret')},
	'schemaguard.sg_report_checklist' => q{SELECT schemaguard.sg_report_checklist('secret', 'After')},
	'schemaguard.sg_report_body' => q{SELECT schemaguard.sg_report_body('secret', 'html', 'report')},
	(map { ("schemaguard.sg_page_$_" => "SELECT schemaguard.sg_page_$_('x')") } qw(plain shown markdown_text markdown_line html_text class)),
	(map { ("schemaguard.sg_page_$_" => "SELECT schemaguard.sg_page_$_('{}') IS NULL") } qw(markdown html html_table html_section html_cell)),
	'schemaguard.sg_page_section' => q{SELECT schemaguard.sg_page_section('t', 'n', '{c}', '[]') IS NULL},
	(map { ("schemaguard.sg_page_markdown_$_" => "SELECT schemaguard.sg_page_markdown_$_('{}', '') IS NULL") } qw(table cell)),
	(map { ("schemaguard.sg_page_$_" => "SELECT schemaguard.sg_page_$_() IS NULL") } qw(style script hidden)),
	'schemaguard.sg_page_time' => 'SELECT schemaguard.sg_page_time(NULL)',
	sg_report => q{SELECT sg_report('secret')},
	sg_health => 'SELECT sg_health() IS NULL',
	sg_graph => 'SELECT sg_graph() IS NULL',
	'schemaguard.sg_graph_body' => q{SELECT schemaguard.sg_graph_body('dot', NULL, NULL, 1) IS NULL},
	sg_schema_doc => q{SELECT count(*) > 0 FROM sg_schema_doc(findings => true, figures => true)},
	'schemaguard.sg_schema_doc_body' => q{SELECT count(*) > 0 FROM schemaguard.sg_schema_doc_body(NULL, 'files', true, true)},
	'schemaguard.sg_doc_tables' => 'SELECT count(*) < 0 FROM schemaguard.sg_doc_tables(NULL)',
	'schemaguard.sg_doc_sections' => 'SELECT count(*) < 0 FROM schemaguard.sg_doc_sections(NULL, true)',
	'schemaguard.sg_doc_end' => 'SELECT schemaguard.sg_doc_end(NULL, true) IS NULL',
	(map { ("schemaguard.sg_doc_$_" => "SELECT count(*) < 0 FROM schemaguard.sg_doc_$_(ARRAY['public.t_c'::regclass])") } qw(columns keys indexes rules figures)),
	'schemaguard.sg_doc_id' => q{SELECT schemaguard.sg_doc_id('A', 'b')},
	'schemaguard.sg_doc_visible' => q{SELECT schemaguard.sg_doc_visible('public.t_c'::regclass, 10, 'public'::regnamespace)},
	'schemaguard.sg_doc_word' => q{SELECT schemaguard.sg_doc_word('A')},
	sg_dashboard => 'SELECT sg_dashboard() IS NULL',
	'schemaguard.sg_dashboard_body' => 'SELECT schemaguard.sg_dashboard_body(NULL) IS NULL',
	(map { ("schemaguard.sg_dashboard_$_" => "SELECT schemaguard.sg_dashboard_$_() IS NULL") } qw(audits plans trend)),
	(map { ("schemaguard.sg_dashboard_$_" => "SELECT schemaguard.sg_dashboard_$_(NULL) IS NULL") } qw(matrix snapshots drift)),
	(map { ("schemaguard.sg_dashboard_$_" => "SELECT count(*) < 0 FROM schemaguard.sg_dashboard_$_(NULL)") } qw(environments checks)),
	'schemaguard.sg_dashboard_found' => q{SELECT schemaguard.sg_dashboard_found('audit', 't', 'i', 'n') IS NULL},
	sg_watch => q{SELECT * FROM sg_watch('secret')},
	sg_watch_start => q{SELECT sg_watch_start('secret')},
	'schemaguard.sg_watch_body' => q{SELECT * FROM schemaguard.sg_watch_body('secret')},
	(map { ("schemaguard.sg_$_" => "SELECT count(*) FROM schemaguard.sg_$_('secret')") } qw(go_watch watch_last watch_measured watch_pairs watch_samples watch_statements)),
	'schemaguard.sg_watch_rows' => q{SELECT count(*) FROM schemaguard.sg_watch_rows('secret')},
	'schemaguard.sg_watch_change' => q{SELECT schemaguard.sg_watch_change('more', 1, 2) IS NULL},
	'schemaguard.sg_go_holds' => q{SELECT schemaguard.sg_go_holds(1, '<', 2) IS NULL},
	'schemaguard.sg_report_watch' => q{SELECT schemaguard.sg_report_watch('secret') -> 'rows' = '[]'},
	'schemaguard.sg_page_link' => q{SELECT schemaguard.sg_page_link('a', 'b') IS NULL},
	'schemaguard.sg_stats_since' => 'SELECT schemaguard.sg_stats_since() IS NULL',
	'schemaguard.sg_stats_figures' => 'SELECT schemaguard.sg_stats_figures() IS NULL',
	'schemaguard.sg_stats_statements' => 'SELECT schemaguard.sg_stats_statements(1) IS NULL',
	'schemaguard.sg_stats_take' => 'SELECT schemaguard.sg_stats_take()',
	'schemaguard.sg_module_of' => q{SELECT schemaguard.sg_module_of('a')},
	'schemaguard.sg_graph_styles' => 'SELECT count(*) > 0 FROM schemaguard.sg_graph_styles()',
	'schemaguard.sg_graph_keys' => 'SELECT count(*) > 0 FROM schemaguard.sg_graph_keys()',
	'schemaguard.sg_graph_document' => 'SELECT schemaguard.sg_graph_document(NULL, NULL, 1) IS NULL',
	(map { ("schemaguard.sg_graph_$_" => "SELECT schemaguard.sg_graph_$_('{\"tables\": [], \"keys\": []}') IS NULL") } qw(mermaid dot svg)),
	'schemaguard.sg_graph_places' => q{SELECT * FROM schemaguard.sg_graph_places('{"tables": [], "keys": []}')},
	(map { ("schemaguard.sg_graph_${_}_text" => "SELECT schemaguard.sg_graph_${_}_text('a')") } qw(mermaid dot)),
	(map { ($_ => "SELECT count(*) > 0 FROM $_()") } qw(sg_lint sg_lint_details)),
	sg_lint_sarif => 'SELECT sg_lint_sarif() IS NULL',
	(map { ($_ => "SELECT count(*) > 0 FROM $_('DROP TABLE public.t_c')") } qw(sg_lint_sql sg_lint_sql_details)),
	sg_lint_sql_sarif => q{SELECT sg_lint_sql_sarif('DROP TABLE public.t_c', 'x') IS NULL},
	'schemaguard.sg_lint_sql_body' => q{SELECT count(*) > 0 FROM schemaguard.sg_lint_sql_body('DROP TABLE public.t_c', NULL, NULL, true)},
	'schemaguard.sg_script_facts' => q{SELECT count(*) > 0 FROM schemaguard.sg_script_facts('{DROP TABLE public.t_c}', true)},
	'schemaguard.sg_lint_sql_facts' => q{SELECT count(*) > 0 FROM schemaguard.sg_lint_sql_facts('DROP TABLE public.t_c', NULL, true)},
	(map { ("schemaguard.sg_lint_sql_$_" => "SELECT count(*) > 0 FROM schemaguard.sg_lint_sql_$_(ARRAY(SELECT f FROM schemaguard.sg_lint_sql_facts('DROP TABLE public.t_c', NULL, true) f))") } qw(locks loss drops form)),
	'schemaguard.sg_lint_sql_units' => q{SELECT count(*) > 0 FROM schemaguard.sg_lint_sql_units(ARRAY(SELECT f FROM schemaguard.sg_lint_sql_facts('DROP TABLE public.t_c', NULL, true) f), true)},
	'schemaguard.sg_lint_sql_checked' => 'SELECT schemaguard.sg_lint_sql_checked(NULL, NULL) IS NULL',
	'schemaguard.sg_lint_sql_undone' => 'SELECT schemaguard.sg_lint_sql_undone(NULL, NULL)',
	'schemaguard.sg_lint_sql_part' => 'SELECT count(*) FROM schemaguard.sg_lint_sql_part(NULL, NULL, NULL)',
	'schemaguard.sg_lint_weight' => q{SELECT schemaguard.sg_lint_weight('public.t_c'::regclass, true) IS NULL},
	'schemaguard.sg_lint_step' => q{SELECT schemaguard.sg_lint_step('SELECT 1') IS NULL},
	'schemaguard.sg_lint_like' => q{SELECT schemaguard.sg_lint_like('a', 'b')},
	'schemaguard.sg_sarif_text' => q{SELECT schemaguard.sg_sarif_text('a')},
	'schemaguard.sg_sarif_rule' => q{SELECT schemaguard.sg_sarif_rule('a', 'note', 'a')},
	'schemaguard.sg_sarif_uri' => q{SELECT schemaguard.sg_sarif_uri('a')},
	'schemaguard.sg_sarif' => q{SELECT schemaguard.sg_sarif(NULL, NULL, NULL) IS NULL},
	sg_lint_gate => 'CALL sg_lint_gate()',
	'schemaguard.sg_lint_found_body' => 'SELECT count(*) > 0 FROM schemaguard.sg_lint_found_body(NULL, true)',
	'schemaguard.sg_plan_explain_body' => q{SELECT * FROM schemaguard.sg_plan_explain_body('secret', 1)},
	'schemaguard.sg_plan_explain_step' => q{SELECT * FROM schemaguard.sg_plan_explain_step('secret', 1)},
	'schemaguard.sg_lint_found' => 'SELECT count(*) > 0 FROM schemaguard.sg_lint_found(NULL, true)',
	'schemaguard.sg_lint_query' => q{SELECT * FROM schemaguard.sg_lint_query('SELECT ''a''::text, ''b''::text', NULL, 'a')},
	'schemaguard.sg_lint_refusal' => q{SELECT schemaguard.sg_lint_refusal('ALTER TABLE public.t_c DROP nope')},
	'schemaguard.sg_lint_statements' => q{SELECT count(*) >= 0 FROM schemaguard.sg_lint_statements(10)},
	'schemaguard.sg_lint_retype' => q{SELECT schemaguard.sg_lint_retype('public.t_c'::regclass, 1, 'bigint')},
	'schemaguard.sg_lint_domain' => q{SELECT schemaguard.sg_lint_domain('int'::regtype)},
	'schemaguard.sg_lint_columns' => q{SELECT schemaguard.sg_lint_columns('public.t_c'::regclass, '{1}')},
	'schemaguard.sg_lint_whose' => q{SELECT schemaguard.sg_lint_whose('a', 1)},
	'schemaguard.sg_lint_fill' => q{SELECT schemaguard.sg_lint_fill('%1', '{a,b}')},
	'schemaguard.sg_schema' => 'SELECT schemaguard.sg_schema()',
	'schemaguard.sg_lint_plan_new' => q{SELECT schemaguard.sg_lint_plan_new('lint')},
	'schemaguard.sg_lint_plan' => 'SELECT schemaguard.sg_lint_plan()',
	'schemaguard.sg_schemas' => q{SELECT schemaguard.sg_schemas('{public}')},
	'schemaguard.sg_health_status' => 'SELECT count(*) FROM schemaguard.sg_health_status()',
	'schemaguard.sg_health_keys' => 'SELECT schemaguard.sg_health_keys() IS NULL',
	'schemaguard.sg_drift_last' => 'SELECT count(*) FROM schemaguard.sg_drift_last()',
	'schemaguard.sg_go_overhead' => q{SELECT count(*) FROM schemaguard.sg_go_overhead('secret')},
	'schemaguard.sg_gone_keys' => q{SELECT count(*) FROM schemaguard.sg_gone_keys('secret')},
	'schemaguard.sg_step_keys' => 'SELECT count(*) FROM schemaguard.sg_step_keys((SELECT array_agg(s) FROM schemaguard.plan_step s))',
	'schemaguard.sg_drift_beyond' => 'SELECT schemaguard.sg_drift_beyond(true)',
	'schemaguard.sg_accepted_keys' => 'SELECT count(*) FROM schemaguard.sg_accepted_keys()',
	'schemaguard.sg_unarmed_keys' => 'SELECT count(*) < 0 FROM schemaguard.sg_unarmed_keys()',
	'schemaguard.sg_unserved_keys' => 'SELECT count(*) < 0 FROM schemaguard.sg_unserved_keys()',
	'schemaguard.sg_health_tables' => 'SELECT * FROM schemaguard.sg_health_tables()',
	'schemaguard.sg_seconds' => 'SELECT schemaguard.sg_seconds(now())',
	'schemaguard.sg_go_counts' => q{SELECT count(*) FROM schemaguard.sg_go_counts('secret')},
	'schemaguard.sg_figures' => q{SELECT schemaguard.sg_figures() IS NOT NULL},
	'schemaguard.sg_ago' => q{SELECT schemaguard.sg_ago(now())},
	'schemaguard.sg_cut' => q{SELECT schemaguard.sg_cut('a')},
	'schemaguard.sg_who_expression' => 'SELECT schemaguard.sg_who_expression(NULL)',
	sg_audit_accept => q{SELECT sg_audit_accept('secret', 'why')},
	sg_audit_baseline => q{SELECT sg_audit_baseline()},
	sg_backup_record => q{SELECT sg_backup_record('pg_dump', 'x')},
	sg_findings_take => q{SELECT sg_findings_take()},
	sg_audit_gate => q{CALL sg_audit_gate()},
	sg_capture_ddl => 'SELECT sg_capture_ddl(true)',
	sg_guard_ddl => q{SELECT sg_guard_ddl('warn')},
	'schemaguard.sg_ddl_guard_mode' => 'SELECT mode FROM schemaguard.ddl_guard_state',
	sg_manual_changes => 'SELECT * FROM sg_manual_changes()',
	sg_watch_subscriptions => 'SELECT sg_watch_subscriptions(true)',
	sg_compare_fks => q{SELECT * FROM sg_compare_fks('secret')},
	sg_discover_fks => q{SELECT * FROM sg_discover_fks(min_score => 0, verify => 'full')},
	'schemaguard.sg_discover_unmatched' => 'SELECT * FROM schemaguard.sg_discover_unmatched()',
	sg_drift => q{SELECT * FROM sg_drift('secret')},
	sg_drift_check => q{SELECT sg_drift_check('secret')},
	sg_drift_gate => q{CALL sg_drift_gate('secret')},
	sg_drift_matrix => q{SELECT * FROM sg_drift_matrix('{live,secret}')},
	sg_fix_orphans => q{CALL sg_fix_orphans('secret', dry_run => true)},
	sg_fk_orphans => q{SELECT * FROM sg_fk_orphans('t_c', 'declared')},
	sg_grant => q{SELECT sg_grant('nothing')},
	sg_impact => q{SELECT * FROM sg_impact('t_p')},
	'schemaguard.sg_measure_overhead' => q{SELECT * FROM schemaguard.sg_measure_overhead('secret')},
	sg_ok_keys_valid => q{SELECT sg_ok_keys_valid()},
	sg_ok_no_drift => q{SELECT sg_ok_no_drift('secret')},
	sg_ok_no_orphans => q{SELECT sg_ok_no_orphans()},
	sg_orphan_audit => q{SELECT * FROM sg_orphan_audit(inferred => true)},
	sg_orphans => q{SELECT * FROM sg_orphans('t_c', '{q}', 't_p')},
	sg_plan_add_check => q{SELECT sg_plan_add_check('secret', 't_c', 'true')},
	sg_plan_add_column => q{SELECT sg_plan_add_column('secret', 't_c', 'x', 'int')},
	sg_plan_add_default => q{SELECT sg_plan_add_default('secret', 't_c', 'q', '1')},
	sg_plan_add_drop => q{SELECT sg_plan_add_drop('secret', 'table', 't_c')},
	sg_plan_add_fk => q{SELECT sg_plan_add_fk('secret', 't_c', '{q}', 't_p')},
	sg_plan_add_index => q{SELECT sg_plan_add_index('secret', 't_c', '(q)')},
	sg_plan_add_not_null => q{SELECT sg_plan_add_not_null('secret', 't_c', 'q')},
	sg_plan_add_rows => q{SELECT sg_plan_add_rows('secret', 't_c', '[{"q": 1}]', '{q}')},
	'schemaguard.sg_rows_problem' => q{SELECT schemaguard.sg_rows_problem('[]', '{q}')},
	'schemaguard.sg_rows_columns' => q{SELECT * FROM schemaguard.sg_rows_columns('t_c'::regclass)},
	'schemaguard.sg_rows_statement' => q{SELECT * FROM schemaguard.sg_rows_statement('public.t_c', '{q}', '[{"q": 1}]', false)},
	'schemaguard.sg_rows_list' => q{SELECT schemaguard.sg_rows_list('{"rows": [{"q": 1}]}')},
	'schemaguard.sg_rows_reach' => q{SELECT * FROM schemaguard.sg_rows_reach('t_c'::regclass, NULL)},
	'schemaguard.sg_rows_foreseen' => q{SELECT schemaguard.sg_rows_foreseen('public.t_c', '{q}', '[{"q": 1}]')},
	'schemaguard.sg_rows_parts' => q{SELECT schemaguard.sg_rows_parts('public.t_c', '{q}', '[{"q": 1}]')},
	'schemaguard.sg_rows_plain' => q{SELECT schemaguard.sg_rows_plain('public.t_c', '{q}', '[{"q": 1}]')},
	'schemaguard.sg_rows_recorded' => q{SELECT schemaguard.sg_rows_recorded(1, 1, '{q}')},
	'schemaguard.sg_rows_undo' => q{SELECT statement IS NULL FROM schemaguard.sg_rows_undo(1, 1, 'public.t_c', '{q}', '{}', false)},
	'schemaguard.sg_rows_undone' => q{SELECT schemaguard.sg_rows_undone(1, 1, 1, '[]', '{q}', '{}', 0, '{}')},
	'schemaguard.sg_relation_oid' => q{SELECT schemaguard.sg_relation_oid('public.t_c') IS NULL},
	'schemaguard.sg_rows_key' => q{SELECT schemaguard.sg_rows_key('public.t_c') IS NULL},
	sg_lookup_drift => q{SELECT * FROM sg_lookup_drift('secret')},
	'schemaguard.sg_lookup_queries' => q{SELECT * FROM schemaguard.sg_lookup_queries(NULL)},
	'schemaguard.sg_lookup_contents' => q{SELECT * FROM schemaguard.sg_lookup_contents('live')},
	'schemaguard.sg_lookup_key' => q{SELECT schemaguard.sg_lookup_key('{"q": 1}', '{q}')},
	'schemaguard.sg_lookup_counts' => q{SELECT * FROM schemaguard.sg_lookup_counts('secret', 'live', NULL, NULL)},
	'schemaguard.sg_lookup_pairs' => q{SELECT * FROM schemaguard.sg_lookup_pairs('secret', 'live')},
	'schemaguard.sg_lookup_values' => q{SELECT schemaguard.sg_lookup_values('{"q": 1}', '{q}')},
	'schemaguard.sg_lookup_taken' => q{SELECT schemaguard.sg_lookup_taken('public.t_c', '[{"q": "1"}]')},
	'schemaguard.sg_lookup_rows' => q{SELECT * FROM schemaguard.sg_lookup_rows('[]', '[]', '{q}', '{}')},
	'schemaguard.sg_sync_doubles' => q{SELECT schemaguard.sg_sync_doubles('t_c', '{"told_apart": []}')},
	'schemaguard.sg_sync_key_flags' => q{SELECT * FROM schemaguard.sg_sync_key_flags('{}')},
	'schemaguard.sg_sync_lookup' => q{SELECT * FROM schemaguard.sg_sync_lookup('secret', 'live', NULL, false, true)},
	'schemaguard.sg_sync_lookup_keys' => q{SELECT * FROM schemaguard.sg_sync_lookup_keys('secret', 'live', '{"public.t_c": ["q"]}')},
	'schemaguard.sg_sync_lookup_pairs' => q{SELECT * FROM schemaguard.sg_sync_lookup_pairs('secret', 'live', NULL)},
	'schemaguard.sg_sync_lookup_rows' => q{SELECT * FROM schemaguard.sg_sync_lookup_rows('secret', 'live', NULL, false, true)},
	'schemaguard.sg_sync_lookup_order' => q{SELECT * FROM schemaguard.sg_sync_lookup_order('[]', '[]', '{}', false, true)},
	'schemaguard.sg_sync_lookup_steps' => q{SELECT * FROM schemaguard.sg_sync_lookup_steps('secret', NULL, true, false)},
	'schemaguard.sg_sync_lookup_guarded' => q{SELECT schemaguard.sg_sync_lookup_guarded('public.t_c', 'q = 1', NULL, NULL)},
	'schemaguard.sg_sync_lookup_referred' => q{SELECT schemaguard.sg_sync_lookup_referred('secret', 'live', 'public.t_c')},
	'schemaguard.sg_sync_lookup_beyond' => q{SELECT schemaguard.sg_sync_lookup_beyond('[]', '{}')},
	'schemaguard.sg_sync_lookup_script' => q{SELECT * FROM schemaguard.sg_sync_lookup_script('secret', 'live', NULL, true)},
	'schemaguard.sg_sync_lookup_statements' => q{SELECT * FROM schemaguard.sg_sync_lookup_statements('public.t_c', '{q}', 'rows', '[{"q": 1}]', '[null]', true, NULL, true)},
	'schemaguard.sg_lookup_drift_body' => q{SELECT * FROM schemaguard.sg_lookup_drift_body('secret', 'live')},
	sg_plan_add_rename => q{SELECT sg_plan_add_rename('secret', 'table', 't_c', 'x')},
	sg_plan_add_statement => q{SELECT sg_plan_add_statement('secret', 'CREATE TABLE x ()')},
	sg_plan_add_unique => q{SELECT sg_plan_add_unique('secret', 't_c', '{q}')},
	sg_plan_release => q{SELECT sg_plan_release('secret', 'later')},
	sg_plan_allow => q{SELECT sg_plan_allow('secret', 'nothing')},
	sg_plan_approve => q{SELECT sg_plan_approve('secret')},
	sg_plan_pause => q{SELECT sg_plan_pause('secret')},
	sg_plan_resume => q{SELECT sg_plan_resume('secret')},
	sg_plan_check => q{SELECT * FROM sg_plan_check('secret')},
	sg_plan_create => q{SELECT sg_plan_create('mine')},
	sg_plan_drop => q{SELECT sg_plan_drop('secret')},
	sg_plan_export => q{SELECT sg_plan_export('secret')},
	sg_plan_from_discovery => q{SELECT sg_plan_from_discovery('secret')},
	sg_plan_from_snapshot => q{SELECT sg_plan_from_snapshot('secret', 'secret')},
	'schemaguard.sg_steps_in' => q{SELECT schemaguard.sg_steps_in('{1}')}, 'schemaguard.sg_steps_out' => q{SELECT schemaguard.sg_steps_out('1')},
	'schemaguard.sg_names_in' => q{SELECT schemaguard.sg_names_in('{a}')}, 'schemaguard.sg_names_out' => q{SELECT schemaguard.sg_names_out('a')},
	'schemaguard.sg_table' => q{SELECT schemaguard.sg_table('t_p')},
	'schemaguard.sg_table_name_in' => q{SELECT schemaguard.sg_table_name_in('t_p')}, 'schemaguard.sg_table_name_out' => q{SELECT schemaguard.sg_table_name_out('t_p')},
	sg_plan_add => q{SELECT sg_plan_add('secret', 'ALTER TABLE t_c ADD CHECK (q > 0)')},
	sg_plan_from_sql => q{SELECT sg_plan_from_sql('secret', 'ALTER TABLE t_c ADD FOREIGN KEY (q) REFERENCES t_p')},
	'schemaguard.sg_plan_hash' => q{SELECT schemaguard.sg_plan_hash('secret')},
	sg_plan_import => q{SELECT sg_plan_import('mine', '{}')},
	sg_plan_set => q{SELECT sg_plan_set('secret', '{1}', '{"orphans": "leave"}')},
	sg_plan_option => q{SELECT sg_plan_option('secret', 'lock_timeout', '1h')},
	sg_plan_skip => q{SELECT sg_plan_skip('secret', '{1}', 'no')},
	sg_plan_sql => q{SELECT sg_plan_sql('secret')},
	sg_plan_steps => q{SELECT sg_plan_steps('secret', 'pending')},
	sg_prune => q{CALL sg_prune('infinity')},
	sg_restore_quarantine => q{CALL sg_restore_quarantine('secret')},
	sg_revoke => q{SELECT sg_revoke('alice')},
	sg_rollback_fks => q{CALL sg_rollback_fks('secret')},
	sg_snapshot_drop => q{SELECT sg_snapshot_drop('secret')},
	sg_snapshot_export => q{SELECT sg_snapshot_export('secret')},
	'schemaguard.sg_scratch_keep' => q{SELECT schemaguard.sg_scratch_keep('mine', '{}')},
	'schemaguard.sg_sync_drift' => q{SELECT count(*) FROM schemaguard.sg_sync_drift('mine', 'live', NULL)},
	sg_snapshot_from_files => q{SELECT sg_snapshot_from_files('mine', '{a.sql}', '{SELECT 1}')},
	(map { ($_ =~ s/\(.*//r => "SELECT $_") } map { "schemaguard.sg_replay$_" } q{('mine', '{a.sql}', '{SELECT 1}', 'psql', NULL, 'run')}, q{_add('{}', 'a', 1, 'b')}, q{_branch('{}', 'a', 1, 'if', 'on', 'psql', '{}')}, q{_changesets('SELECT 1')}, q{_commands()}, q{_fate('a', 1, '\\echo')}, q{_followed('a', 'psql')}, q{_holds('on', 'psql', '{}')}, q{_plan('a', '{a.sql}')}, q{_check('{a.sql}', '{SELECT 1}', 'psql', NULL, 'run')}, q{_fail('a', 1, '42601', 'b', 'c')}, q{_filled('a', ':', '{}')}, q{_files('psql', '{a.sql}', '{SELECT 1}')}, q{_included('{a}', 'a', 'b')}, q{_judge('[]', NULL)}, q{_key('a1', false)}, q{_lacking('[]')}, q{_name('a.b')}, q{_note_files('mine', '{a}', '{b}', '{c}')}, q{_origins('mine', '[]')}, q{_part('a', NULL)}, q{_read('{a}', '{b}', 'a', 'b', ':', '{}', '{}', '{}')}, q{_settings('{a}', '[]')}, q{_statements('SELECT 1')}, q{_steps('{a.sql}', '{SELECT 1}', 'psql', NULL, 'run')}, q{_tell('psql', '{a.sql}', '{SELECT 1}')}, q{_tools()}, q{_try('[]', true, 'SELECT 1')}, q{_words('[]')}),
	sg_snapshot_import => q{SELECT sg_snapshot_import('mine', '{}')},
	sg_snapshot_objects => q{SELECT * FROM sg_snapshot_objects('live')},
	sg_snapshot_take => q{SELECT sg_snapshot_take('mine')},
	(map { ($_ =~ s/\(.*//r => "SELECT $_") } map { "schemaguard.sg_sync_$_" } q{acl_guard('table', 'a', '{}', '{}')}, q{constants()}, q{wrapped('a b', '')}, q{questions('[]', 'live')}, q{routines('[]')},
		q{builder()}, q{packed('{a}')}, q{call('alter', 'table t', 'q', '{t}', 'x', 'g', 'b', 'a', NULL, NULL)}, q{attribute_renames('t', '[]', '{}')}, q{renamed_attributes('[]', '{}')}, q{narrowed('{}', '{}')}, q{owner('t_c.q')}, q{attributes('[]', '[]', true, true)}, q{comment('x')}, q{comments('t', '{}', '{}')}, q{concurrently('t_c', 'SELECT', 'true', NULL, 'a', 't_c', 'a')}, q{constraint_is(false, 't_c', 'x', true)}, q{expected('{}', '{a}', '{f}', true)}, q{fill('{a}', '{}')}, q{index_is('x')}, q{loose('x')}, q{loosely('x')}, q{new_name('x')}, q{pattern()}, q{tag('x')},
		q{finds('SELECT')}, q{first_other('[]', '[]')}, q{relabel('t', '[]', '[]')}, q{first_name('a b')}, q{first_names('["a int"]')}, q{size('live', 'table', 't_c')}, q{grants('table', 't_c', NULL, 'nothing', '{}', '{}')}, q{guarded('if', 't_c', 'SELECT', 'true', NULL, NULL)}, q{keys('["q"]', '{}')}, q{labels('t', '["a"]', '[]')}, q{labelled('t')},
		q{lacking('["a"]', '[]')}, q{name('f(int)')}, q{object('table', 't_c', 'public', 't_c', '{}', NULL)}, q{operator('=(integer, integer)')}, q{options('["a=b"]', '[]')},
		q{pairs('secret', 'live', NULL)}, q{routine('function', '{}')}, q{rules()}, q{schema('a.b')}, q{statements('{}', 'secret', 'live', true, true)}, q{digest()}, q{type_loss('integer', 'smallint')}),
	sg_sync_sql => q{SELECT sg_sync_sql('secret')},
	sg_migration_history => q{SELECT sg_migration_history('rails', '{1_a}')},
	sg_files_history => q{SELECT sg_files_history('rails', '{1_a}')},
	'schemaguard.sg_migration_history_body' => q{SELECT schemaguard.sg_migration_history_body('rails', '{1_a}', NULL)},
	'schemaguard.sg_files_history_body' => q{SELECT schemaguard.sg_files_history_body('rails', '{1_a}', NULL, 'app')},
	(map { ($_ =~ s/\(.*//r => "SELECT $_") } map { "schemaguard.sg_history_$_" } q{digest('sha1', 'a')}, q{place('schema_migrations', 'rails')}, q{files('rails', '{1_a}', NULL)}, q{matched('rails', '{1_a}', NULL, '[]')},
		q{rows((SELECT oid FROM pg_class WHERE relname = 't_c'), '{id}')}, q{sum('sha256', 'a')}, q{tables()}),
	sg_sync_files => q{SELECT sg_sync_files('secret', 'live', 'psql')},
	sg_sync_apply => q{CALL sg_sync_apply('secret')},
	sg_ensure => q{CALL sg_ensure('secret')},
	sg_promote => q{SELECT sg_promote('a', 'b')},
	sg_promotion_approve => q{SELECT sg_promotion_approve('a', 'b')},
	sg_promotion_check => q{SELECT sg_promotion_check('a')},
	sg_promote_apply => q{CALL sg_promote_apply('a')},
	sg_promote_rollback => q{CALL sg_promote_rollback('a')},
	sg_promotion_status => q{SELECT sg_promotion_status()},
	(map { ($_ =~ s/\(.*//r => "SELECT $_") } map { "schemaguard.sg_$_" } q{promotion_status_body()}, q{promotion_problem('a')}, q{promotion_distance('a', 'b')}, q{promotion_made('a', NULL, 'secret', '{}')},
		q{promotion_effects('[]', 'secret', NULL, true, 'ask')}, q{promotion_changes('[]', '{}', true)}, q{promotion_digest(NULL)}, q{promotion_leads('a', 'b')}, q{promotion_hash(NULL)}, q{promotion_call(NULL, 'a', 'b')},
		q{environment_path('a')}, q{window_opens('01:00-02:00', now())}, q{backup_problem()}, q{environment_check()}, q{promotion_import('a')}, q{promotion_strange('a', 'secret')}, q{promotion_findings('a')}, q{promotion_gate('a', 'secret')}, q{promotion_note('a', 'b', 'applied', 'c')}, q{smoke_run()}),
	'schemaguard.sg_ensure_critical' => q{SELECT schemaguard.sg_ensure_critical('{t_c}', '{public}', 'secret')},
	'schemaguard.sg_ensure_list' => q{SELECT schemaguard.sg_ensure_list('secret')},
	'schemaguard.sg_ensure_names' => q{SELECT count(*) FROM schemaguard.sg_ensure_names('secret')},
	'schemaguard.sg_ensure_result' => q{SELECT schemaguard.sg_ensure_result('secret', 'x', 'apply', 'x', '[]', '[]')},
	'schemaguard.sg_ensure_verdict' => q{SELECT schemaguard.sg_ensure_verdict('{}', '[]', true)},
	'schemaguard.sg_sync_safe' => q{SELECT schemaguard.sg_sync_safe('{}', '{}')},
	'schemaguard.sg_sync_unsafe' => q{SELECT schemaguard.sg_sync_unsafe(NULL, NULL, true, true, true)},
	sg_sync_check => q{SELECT sg_sync_check('secret')},
	(map { ($_ =~ s/\(.*//r => "SELECT $_") } map { "schemaguard.sg_$_" } q{scratch_open('', NULL)}, q{scratch_run('[]', true, 'SELECT')}, q{scratch_close()}, q{scratch_ask('SELECT NULL')}, q{scratch_options('live')}, q{scratch_steps('[]', true, '{}')},
		q{scratch_round('[]', true, '{}', true, 'secret')}, q{snapshot_script()}, q{sync_rows('secret', 'live', NULL, true, true, NULL)}, q{sync_list('secret', 'live', NULL, true, true)},
		q{sync_refuse('[]', 'a', 'b')}, q{sync_blocked('[]')}, q{sync_needs_free('column', 'created', 'x')}, q{sync_before('{a.b}', '{}')}, q{sync_to_be_free('[]', true, '{}')}, q{sync_fillers('{public.t_c.q}')}, q{sync_check_free('{public.t_c.q}')}, q{sync_lacks('[]')}, q{sync_leaves_out('{}', true, '{}')}),
	'schemaguard.sg_sync_done' => q{SELECT schemaguard.sg_sync_done('a', 'a', 'b', false, 'c')},
	'schemaguard.sg_sync_plain' => q{SELECT schemaguard.sg_sync_plain('SELECT', 't_c.q', 't_c', 'q', '{}', '{}')},
	'schemaguard.sg_sync_behind_block' => q{SELECT schemaguard.sg_sync_behind_block('SELECT')},
	'schemaguard.sg_sync_fitting' => q{SELECT schemaguard.sg_sync_fitting('table', 'SELECT')},
	'schemaguard.sg_sync_relabel_plain' => q{SELECT schemaguard.sg_sync_relabel_plain('t', 't', '[]', '{}')},
	'schemaguard.sg_sync_under_kept' => q{SELECT schemaguard.sg_sync_under_kept()},
	'schemaguard.sg_sync_kept_names' => q{SELECT schemaguard.sg_sync_kept_names()},
	'schemaguard.sg_sync_steps' => q{SELECT schemaguard.sg_sync_steps('secret', NULL, true, true, true, 'drop', true)},
	'schemaguard.sg_sync_texts' => q{SELECT schemaguard.sg_sync_texts('["a"]')},
	'schemaguard.sg_sync_problem' => q{SELECT schemaguard.sg_sync_problem('table', '{t_c}', false, 'ALTER TABLE t_c ADD a int', 'true')},
	'schemaguard.sg_sync_guard' => q{SELECT schemaguard.sg_sync_guard(false)},
	'schemaguard.sg_sync_inside' => q{SELECT schemaguard.sg_sync_inside('SELECT 1')},
	'schemaguard.sg_sync_run' => q{SELECT schemaguard.sg_sync_run('COMMENT ON TABLE t_c IS NULL')},
	'schemaguard.sg_sync_gate' => q{SELECT schemaguard.sg_sync_gate('[]')},
	'schemaguard.sg_sync_every' => q{SELECT * FROM schemaguard.sg_sync_every('{}', 'secret', 'secret', true, true)},
	'schemaguard.sg_sync_seen' => q{SELECT schemaguard.sg_sync_seen('SELECT 1::public.t')},
	'schemaguard.sg_sync_finder' => q{SELECT schemaguard.sg_sync_finder('column', 'alter', 'not_null', 'not_null', '{}')},
	'schemaguard.sg_sync_castable' => q{SELECT schemaguard.sg_sync_castable('a', 'text', 'uuid', NULL)},
	'schemaguard.sg_sync_bounded' => q{SELECT schemaguard.sg_sync_bounded('RANGE (a)', 'FOR VALUES FROM (0) TO (1)')},
	'schemaguard.sg_sync_goes_on' => q{SELECT schemaguard.sg_sync_goes_on('public.t_c', 'a', '{"start": 1, "increment": 1, "minimum": 1, "maximum": 10}')},
	(map { ("schemaguard.sg_sync_$_" => "SELECT schemaguard.sg_sync_$_('{}')") } qw(holders stored_types keyed contents typed)),
	# each with the number of its arguments
	(map { my ($name, $n) = split /\//; ("schemaguard.sg_sync_$name" => "SELECT schemaguard.sg_sync_$name(" . join(', ', ('NULL') x $n) . ')') } qw(
		acts/4 alone/4 alters/5 anew/4 attic_name/3 backs/2 backward/4 beyond/5 changes/2 column_flags/4 computing/3 creates/1 described/6
		detours/3 doubtful/3 drops/1 edges/1 extras/4 facts/2 fired/2 fits/6 formed/3 given_columns/1 grantings/3 guards/2 head/6 in_room/1 inline/2 islands/1
		joining/1 joins_late/2 judged/7 judgement/11 leaves/2 left_columns/1 left_over/4 lines/2 made/5 made_else/1 managed/2 meanwhile/3 members/2 mentions/2
		needed/1 needed_still/2 needs/3 on_anew/2 other_flags/4 other_steps/2 outdated/1 own_drops/1 placed/4 places/1 reasons/4 refused/2
		relation_flags/3 runs_as/6 said/1 shapes/1 sides/2 spoken/4 start/2 statement_steps/4 stays/2 strange/2 strange_rows/2 strange_types/3
		trees/1 type_after/4 undos/4 written/7
	)),
	(map { ("schemaguard.sg_sync_of_$_" => "SELECT schemaguard.sg_sync_of_$_('{}', '{}', NULL)") } qw(aggregate column constraint definition rest identity index mappings members name operator options publication routine statistics stored table trigger type view)),
	'schemaguard.sg_sync_in_way' => q{SELECT schemaguard.sg_sync_in_way('SELECT', 1)},
	'schemaguard.sg_sync_units' => q{SELECT schemaguard.sg_sync_units(2, '{1}', '{1}', '{2}')},
	'schemaguard.sg_sync_node' => q{SELECT schemaguard.sg_sync_node('table', 'public.t_c')},
	'schemaguard.sg_sync_links' => q{SELECT schemaguard.sg_sync_links('{}')},
	'schemaguard.sg_sync_united' => q{SELECT schemaguard.sg_sync_united('{}', 'secret', 'secret', true, true)},
	'schemaguard.sg_sync_unit_told' => q{SELECT schemaguard.sg_sync_unit_told('[]', 1, 'live')},
	'schemaguard.sg_sync_calls' => q{SELECT schemaguard.sg_sync_calls('ALTER TABLE t_c ADD CHECK (now() > now())')},
	'schemaguard.sg_sync_parses' => q{SELECT schemaguard.sg_sync_parses('type', 'integer')},
	'schemaguard.sg_sync_schemas' => q{SELECT schemaguard.sg_sync_schemas('{secret}', '{secret}')},
	'schemaguard.sg_sync_is_owner' => q{SELECT schemaguard.sg_sync_is_owner('{a}', 'a')},
	'schemaguard.sg_sync_malformed' => q{SELECT schemaguard.sg_sync_malformed('column', 't_c.a', 't_c', '{"type": "integer"}')},
	'schemaguard.sg_sync_is_acl' => q{SELECT schemaguard.sg_sync_is_acl('{"PUBLIC": ["SELECT"]}')},
	'schemaguard.sg_sync_portable' => q{SELECT schemaguard.sg_sync_portable('SELECT 1')},
	'schemaguard.sg_sync_is_native' => q{SELECT schemaguard.sg_sync_is_native('type', '{}')},
	'schemaguard.sg_sync_publications' => q{SELECT schemaguard.sg_sync_publications('{}', true)},
	'schemaguard.sg_sync_columns' => q{SELECT schemaguard.sg_sync_columns('a > 0')},
	'schemaguard.sg_sync_published' => q{SELECT schemaguard.sg_sync_published('{}', 'secret', true, '{}')},
	'schemaguard.sg_sync_sent' => q{SELECT schemaguard.sg_sync_sent('{}', 'secret', true, '{}')},
	'schemaguard.sg_sync_settings' => q{SELECT schemaguard.sg_sync_settings()},
	'schemaguard.sg_sync_question' => q{SELECT schemaguard.sg_sync_question('column', 't_c.a', 0.7, 'x')},
	'schemaguard.sg_sync_literal' => q{SELECT schemaguard.sg_sync_literal('a')},
	'schemaguard.sg_sync_answer' => q{SELECT schemaguard.sg_sync_answer('column', 't_c.a', 't_c.b', true)},
	'schemaguard.sg_sync_as_it_was' => q{SELECT schemaguard.sg_sync_as_it_was('{}', '{}', 'true')},
	'schemaguard.sg_sync_expressions_are' => q{SELECT schemaguard.sg_sync_expressions_are('t_c_i', '{}')},
	'schemaguard.sg_sync_locks' => q{SELECT schemaguard.sg_sync_locks('names')},
	'schemaguard.sg_sync_names' => q{SELECT schemaguard.sg_sync_names('''t.a''')},
	'schemaguard.sg_sync_qualified' => q{SELECT schemaguard.sg_sync_qualified()},
	'schemaguard.sg_sync_asked' => q{SELECT schemaguard.sg_sync_asked('[{"note": "asked", "what": "asked", "kind": "column", "object": "t_c.b", "before": "t_c.a", "after": "t_c.b"}]')},
	'schemaguard.sg_sync_write' => q{SELECT schemaguard.sg_sync_write('{"[{\\"kind\\": \\"constraint\\"}]"}')},
	(map { ($_ =~ s/\(.*//r => "SELECT $_") } map { "schemaguard.sg_files_$_" } q{acts('[]', '{}', true, 'psql', true)}, q{at_once('SELECT')}, q{backs('[]', '[]', '{}')}, q{beside('[]', '{}', true)}, q{block('psql', '{a}', '{SELECT}', true, false)},
		q{check('psql', 'app', '{a}')}, q{fill('@a@', '{}')}, q{filled('psql', '[]', '[]', '{}', 1, 4, NULL, 'app', 'x')}, q{forms()}, q{looks('[]')}, q{number('psql', '1', '{a}')}, q{register('drizzle', NULL, 'app', '{}')},
		q{rows('[]', 'secret', 'live', NULL, false)}, q{sent('SELECT')}, q{settings()}, q{stated('psql', 'a', 'SELECT', false)}, q{told('a')}, q{tools()}),
	sg_status => q{SELECT * FROM sg_status()},
	sg_tenant_audit => q{SELECT * FROM sg_tenant_audit('id', 't_p')},
	sg_verify_fks => q{SELECT * FROM sg_verify_fks(live => true)});
$call{"${_}_details"} = $call{$_} =~ s/\b$_\b/${_}_details/r
  foreach map { "sg_$_" } qw(compare_fks discover_fks drift impact orphan_audit plan_check rule_audit snapshot_objects sync_check tenant_audit verify_fks);

$node->safe_psql('postgres', q{
	REVOKE TEMPORARY ON DATABASE postgres FROM PUBLIC;
	CREATE ROLE nothing LOGIN;
	CREATE TABLE t_p (id int PRIMARY KEY);
	CREATE TABLE t_c (p int CONSTRAINT declared REFERENCES t_p, q int, t_p_id int);
	INSERT INTO t_p VALUES (1);
	INSERT INTO t_c VALUES (1, 2, 1);
	SELECT sg_plan_create('secret');
	SELECT sg_plan_add_fk('secret', 't_c', '{q}', 't_p', fk_name => 'planned', index => false, orphans => 'delete');
	SELECT sg_snapshot_take('secret');
	SELECT sg_orphan_audit();
});
is(join(' ', map { $_->[0] } rows($node, q{
	SELECT (CASE p.pronamespace WHEN e.extnamespace THEN '' ELSE p.pronamespace::regnamespace || '.' END || p.proname)::name
	FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid JOIN pg_proc p ON p.oid = d.objid
	WHERE e.extname = 'schemaguard' AND d.refclassid = 'pg_extension'::regclass AND d.classid = 'pg_proc'::regclass ORDER BY 1})),
	join(' ', sort keys %call), 'every function is called here');

# How many rows each table of ours has
sub counts
{
	return join("\n", map { join(' ', @$_) } rows($node, q{
		SELECT oid::regclass, (xpath('/row/n/text()', query_to_xml('SELECT count(*) AS n FROM ' || oid::regclass, false, true, '')))[1]
		FROM pg_class WHERE relnamespace = 'schemaguard'::regnamespace AND relkind = 'r' ORDER BY 1}));
}

# While somebody else has the tables for himself, a call that asks for a lock of theirs fails or says so
my $owner = SgTest::Session->new($node);
$owner->query('BEGIN; LOCK TABLE t_p, t_c, a.p, a.c');
my $stranger = SgTest::Session->new($node, user => 'nothing');
my $locks = q{SELECT string_agg(DISTINCT coalesce(relation::regclass::text, locktype) || ' ' || mode, ', ') FROM pg_locks
	WHERE pid = pg_backend_pid() AND locktype NOT IN ('virtualxid', 'transactionid')
		AND (relation IS NULL OR relation >= 16384 AND relation::regclass::text !~ '^schemaguard[.]' AND mode <> 'AccessShareLock' OR relation::regclass::text ~ '^([at]_|a[.])[pc]')};
my $waited = qr/55P03|lock timeout|could not obtain lock/;
my (@locked, @granted, $before);
like(join(' ', map { @$_ } rows($node, q{SET lock_timeout = '200ms'; SELECT reason FROM sg_orphan_audit('t_c')})), $waited, 'who may read the tables waits for them');
$stranger->query(q{SET lock_timeout = '200ms'; SET client_min_messages = warning});
$before = counts();
for my $name (sort keys %call)
{
	my $out = $stranger->query("BEGIN; $call{$name}");
	my $err = $stranger->{err};
	my $held = $err eq '' ? $stranger->query($locks) : '';

	$stranger->query('ROLLBACK');
	last unless defined $stranger->query('SELECT 1');
	push @granted, $name if $err =~ /^.*ERROR:\s+42501: permission denied.*HINT:.*?sg_grant\('nothing'\)/s;
	push @locked, "$name: $held $err" if ($held // '') ne '' || "$err$out" =~ $waited;
}
is($stranger->query('SELECT 1'), '1', 'no call ended the session');
is("@locked", '', 'no call asked for a lock of another role');
is("@granted", join(' ', qw(schemaguard.sg_deprecate_table schemaguard.sg_free_name schemaguard.sg_lint_plan schemaguard.sg_lint_plan_new schemaguard.sg_plan_add_alike schemaguard.sg_plan_add_archive_columns_body schemaguard.sg_plan_add_audit_columns_body schemaguard.sg_plan_add_key schemaguard.sg_plan_add_missing schemaguard.sg_plan_add_once schemaguard.sg_plan_add_step schemaguard.sg_plan_add_trigger
	schemaguard.sg_plan_archive schemaguard.sg_plan_archive_key schemaguard.sg_plan_isolate_body schemaguard.sg_plan_isolation schemaguard.sg_plan_live_index schemaguard.sg_plan_live_view schemaguard.sg_plan_retarget_body schemaguard.sg_plan_retargeting schemaguard.sg_plan_stamp schemaguard.sg_plan_trigger_name schemaguard.sg_promotion_gate schemaguard.sg_promotion_note schemaguard.sg_replay_note_files schemaguard.sg_scratch_keep schemaguard.sg_stats_take sg_add_fks sg_apply sg_audit_accept sg_audit_baseline sg_audit_gate sg_backup_record sg_drift_check sg_drift_gate sg_ensure sg_findings_take sg_fix_orphans sg_lint_gate sg_plan_add sg_plan_add_archive_columns sg_plan_add_audit_columns sg_plan_add_check
	sg_plan_add_column sg_plan_add_default sg_plan_add_drop sg_plan_add_fk sg_plan_add_index sg_plan_add_not_null sg_plan_add_referencing sg_plan_add_rename sg_plan_add_rows sg_plan_add_statement sg_plan_add_unique sg_plan_allow sg_plan_approve sg_plan_create sg_plan_drop sg_plan_from_discovery
	sg_plan_from_snapshot sg_plan_from_sql sg_plan_import sg_plan_isolate sg_plan_option sg_plan_pause sg_plan_release sg_plan_resume sg_plan_retarget sg_plan_set sg_plan_skip sg_promote sg_promote_apply sg_promote_rollback sg_promotion_approve sg_promotion_check sg_restore_quarantine sg_rollback_fks sg_snapshot_drop sg_snapshot_from_files sg_snapshot_import
	sg_snapshot_take sg_sync_apply sg_sync_check sg_sync_check_details sg_watch_start)), 'what asks for the grant says who gives it');
$owner->query('ROLLBACK');
$stranger->query($call{$_}) for (sort keys %call) x 2;
is(counts(), $before, 'nor do they leave a row when they are committed');
$stranger->quit;
$owner->quit;

# what anybody may make is not put on record, either
$node->safe_psql('postgres', 'GRANT TEMPORARY ON DATABASE postgres TO nothing');
$node->safe_psql('postgres', q{CREATE TEMP TABLE p (id int PRIMARY KEY); CREATE TEMP TABLE c (p int REFERENCES p); SELECT sg_orphan_audit('c')}, extra_params => [ '-U', 'nothing' ]);
is(counts(), $before, 'nor an audit of temporary tables');

done_testing();
