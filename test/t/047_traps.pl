# 047_traps.pl: the trap matrix. traps.sql plants a witness in every slot where code can stand, all of role mallory's;
# then every function and procedure of the extension is called, as a superuser; with SG_LONG=1 also as the owner of other
# tables, and as mallory.
#
#   - no witness runs as another role than mallory
#   - each function of the extension is in the list of calls below: a new one enters it, or this fails
#   - the slots are armed: plain SQL makes each one speak
#   - nor does a function that the planner evaluates, planted while a call waits for a lock
#   - the calls reach them: with a library that does not switch roles, each slot that is reachable is seen as the superuser
#     (`make gaps`, `make test-long`)
#
# rooms: base
# takes: 45 s
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Utils;
use SgTest;
use Test::More;

my $node = new_node('traps', without => 1, conf => "log_line_prefix = '%d '\n");
my $super = $node->safe_psql('postgres', 'SELECT current_user');
my $log = $node->logfile;

# What the witnesses have written since the last time: [ database, slot, role ]
my $read_to = 0;
sub witnesses
{
	open my $handle, '<', $log or die "$log: $!";
	seek $handle, $read_to, 0;
	local $/ = undef;
	my $text = <$handle>;
	$read_to = tell $handle;
	my @seen;
	push @seen, [ $1, $2, $3 ] while $text =~ /^(\S+) LOG:  WITNESS (\S+) AS (\S+?)(?: at character \d+)?$/mg;
	return @seen;
}

$node->safe_psql('postgres', 'CREATE DATABASE traps');
$node->safe_psql('traps', 'CREATE EXTENSION schemaguard');
my $pgtap = has_extension($node, 'pgtap');
$node->safe_psql('traps', 'CREATE SCHEMA tap; CREATE EXTENSION pgtap SCHEMA tap; GRANT USAGE ON SCHEMA tap TO PUBLIC') if $pgtap;
$node->psql('traps', "\\i $FindBin::RealBin/traps.sql", on_error_die => 1);

# ---------------------------------------------------------------------------------------------------------------------
# The slots are armed

my %reachable;
my @slots;
{
	my %session;
	my @unarmed;

	foreach my $row (rows($node, q{SELECT name, reachable, caller, replace(control, E'\n', ' ') FROM fixture.slot ORDER BY name}, dbname => 'traps'))
	{
		my ($slot, $reachable, $caller, $control) = @$row;
		my $session = $session{$caller} //= SgTest::Session->new($node, dbname => 'traps', user => $caller);

		push @slots, $slot;
		$reachable{$slot} = 1 if $reachable eq 't';
		witnesses();
		$session->query("BEGIN; $control; SET CONSTRAINTS ALL IMMEDIATE");
		my $error = $session->{err};
		$session->query('ROLLBACK');
		push @unarmed, "$slot: $control\n$error" unless grep { $_->[1] eq $slot } witnesses();
	}
	is(scalar(@unarmed), 0, @slots . ' slots are armed') or diag(join "\n", @unarmed);
	is($node->safe_psql('traps', q{SELECT string_agg(rolname, ' ') FROM pg_roles WHERE rolname !~ '^pg_' AND NOT pg_has_role(oid, 'everybody', 'MEMBER')}),
		'', 'no role is taken for one that does not exist');
	$_->quit foreach values %session;
}

# ---------------------------------------------------------------------------------------------------------------------
# The calls: what is called (or what is done between two calls, where that is no function of ours), and the SQL. A plan holds
# the second key of each pair.

sub add_steps
{
	my ($plan, $policy, $every) = @_;
	return "CALL fixture.each(\$\$SELECT sg_plan_add_fk('$plan', 't.%1\$s_c', '{q}', 't.%1\$s_p', fk_name => 'planned_%1\$s',"
	  . " orphans => '$policy', index => %2\$L IN ('index_row', 'key_opclass', 'key_domain'))\$\$, $every, true)";
}

my @calls = (
	# reading
	[ sg_orphan_audit => 'SELECT count(*) FROM sg_orphan_audit(inferred => true)' ],
	[ sg_orphan_audit => 'SET min_parallel_table_scan_size = 0; SELECT count(*) FROM sg_orphan_audit(samples => 0); RESET min_parallel_table_scan_size' ],
	[ sg_orphans => q{CALL fixture.each($$SELECT count(*) FROM sg_orphans('t.%1$s_c'::regclass, '{q}', 't.%1$s_p'::regclass)$$)} ],
	[ sg_fk_orphans => q{CALL fixture.each($$SELECT count(*) FROM sg_fk_orphans('t.%1$s_c'::regclass, '%1$s')$$)} ],
	[ sg_rule_audit => q{CALL fixture.each($$SELECT count(*) FROM sg_rule_audit('t.%1$s_c')$$); CALL fixture.each($$SELECT count(*) FROM sg_rule_audit('t.%1$s_p')$$)} ],
	[ sg_rule_audit => q{CALL fixture.each($$SELECT count(*) FROM sg_rule_audit('t.%1$s_c', 'check', 'p IS DISTINCT FROM q AND n > 0 OR t.b(''check_row'', n)')$$)} ],
	[ sg_rule_audit => q{CALL fixture.each($$SELECT count(*) FROM sg_rule_audit('t.%1$s_c', 'unique', '(p, q)'), sg_rule_audit('t.document', 'check', 'literal = ''{2}''')$$)} ],
	[ sg_rule_audit => q{SET schemaguard.audit_method = sql; CALL fixture.each($$SELECT count(*) FROM sg_rule_audit('t.%1$s_c')$$); RESET schemaguard.audit_method} ],
	[ sg_rule_violations => q{CALL fixture.each($$SELECT count(*) FROM sg_rule_violations('t.%1$s_c', 'check', 'p IS NOT DISTINCT FROM q')$$)} ],
	[ sg_rule_violations => q{CALL fixture.each($$SELECT count(*) FROM sg_rule_violations('t.%1$s_c', 'unique', '(p)')$$)} ],
	[ sg_nobodys_violations => q{CALL fixture.each($$SELECT count(*) FROM schemaguard.sg_nobodys_violations('t.%1$s_c', 'check', 'p IS NOT DISTINCT FROM q')$$)} ],
	[ sg_fk_facts => 'SELECT count(*) FROM schemaguard.fk_trust; SELECT count(*) FROM schemaguard.sg_fk_facts()' ],
	[ sg_progress => 'SELECT count(*) FROM schemaguard.progress; SELECT count(*) FROM schemaguard.sg_progress()' ],
	(map { [ $_ => "SELECT count(*) FROM schemaguard.$_()" ] } qw(sg_status_keys sg_status_leftovers sg_status_plans sg_status_drift sg_status_gates sg_status_kept sg_status_publications sg_library_version sg_proof_here sg_place)),
	[ sg_status => 'SELECT count(*) FROM sg_status()' ],
	[ sg_explain_statement => q{SELECT schemaguard.sg_explain_statement('SELECT 1', false)} ],
	(map { [ $_ => "SELECT count(*) FROM schemaguard.$_('mallory')" ] } qw(sg_go_steps sg_go_counts sg_go_evidence sg_go_findings sg_go_figures sg_go_rules sg_go sg_smoke_results)),
	(map { [ "sg_report_$_" => "SELECT schemaguard.sg_report_$_('mallory')" ] } qw(planned done orphans skipped proof tests smoke overhead accepted risks figures lead boxes)),
	[ sg_report_unchecked => q{SELECT schemaguard.sg_report_unchecked('mallory', '[]')} ],
	(map { [ "sg_report_$_" => "SELECT schemaguard.sg_report_$_()" ] } qw(objects status plans)),
	[ sg_report_checklist => q{SELECT schemaguard.sg_report_checklist('mallory', 'After')} ],
	[ sg_health => q{INSERT INTO schemaguard.critical_table (table_name, min_rows, min_keys) SELECT format('%I.%I', nspname, relname), 1, 1 FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
		WHERE nspname = 't' ON CONFLICT DO NOTHING; SELECT sg_health()} ],
	(map { [ $_ => "SELECT count(*) FROM schemaguard.$_()" ] } qw(sg_health_tables sg_health_status sg_health_keys sg_accepted_keys sg_unarmed_keys sg_unserved_keys sg_drift_last)),
	[ sg_go_overhead => q{SELECT count(*) FROM schemaguard.sg_go_overhead('p')} ],
	[ sg_gone_keys => q{SELECT count(*) FROM schemaguard.sg_gone_keys(NULL)} ], [ sg_step_keys => 'SELECT count(*) FROM schemaguard.sg_step_keys((SELECT array_agg(s) FROM schemaguard.plan_step s))' ],
	[ sg_drift_beyond => q{SELECT schemaguard.sg_drift_beyond(true)} ],
	(map { [ $_ => "SELECT count(*) FROM $_()" ] } qw(sg_lint sg_lint_details)),
	[ sg_lint_found => 'SELECT count(*) FROM schemaguard.sg_lint_found(NULL, true)' ],
	# the queries of rules: of the caller's own, and of the owner of the traps
	[ sg_lint_query => q{CALL fixture.each($$SELECT count(*) FROM schemaguard.sg_lint_query('SELECT ''t'', c::text FROM t.%1$s_c c', current_user::text, 'a')$$)} ],
	[ sg_lint_query => q{CALL fixture.each($$SELECT count(*) FROM schemaguard.sg_lint_query('SELECT ''t'', c::text FROM t.%1$s_c c', 'mallory', 'a')$$)} ],
	[ sg_lint_refusal => q{CALL fixture.each($$SELECT schemaguard.sg_lint_refusal('ALTER TABLE t.%1$s_c ADD CHECK (t.f(1) > 0)')$$)} ],
	[ sg_lint_refusal => q{CALL fixture.each($$SELECT schemaguard.sg_lint_refusal('CREATE OR REPLACE VIEW t.%1$s_c AS SELECT t.f(1) AS c FROM t.%1$s_c')$$)} ],
	[ sg_lint_statements => 'SELECT count(*) FROM schemaguard.sg_lint_statements(10)' ],
	[ sg_lint_retype => q{SELECT schemaguard.sg_lint_retype(oid, 1, 'bigint') FROM pg_class WHERE relnamespace = 't'::regnamespace} ],
	[ sg_lint_domain => q{SELECT schemaguard.sg_lint_domain(oid) FROM pg_type WHERE typnamespace = 't'::regnamespace} ],
	[ sg_lint_columns => q{SELECT schemaguard.sg_lint_columns(oid, '{1,2}') FROM pg_class WHERE relnamespace = 't'::regnamespace} ],
	[ sg_lint_sarif => 'SELECT sg_lint_sarif()' ],
	(map { [ $_ => qq{CALL fixture.each(\$\$SELECT count(*) FROM $_('ALTER TABLE t.%1\$s_c ALTER c TYPE text, ADD x int DEFAULT t.f(1), DROP c; DROP TABLE t.%1\$s_c')\$\$)} ] } qw(sg_lint_sql sg_lint_sql_details)),
	[ sg_lint_sql_sarif => q{CALL fixture.each($$SELECT sg_lint_sql_sarif('ALTER TABLE t.%1$s_c RENAME TO x; TRUNCATE t.%1$s_c', 'x')$$)} ],
	[ sg_script_facts => q{CALL fixture.each($$SELECT count(*) FROM schemaguard.sg_script_facts(ARRAY['ALTER TABLE t.%1$s_c ALTER c TYPE varchar(3)'], true)$$)} ],
	[ sg_lint_weight => q{SELECT schemaguard.sg_lint_weight(oid, true) FROM pg_class WHERE relnamespace = 't'::regnamespace} ],
	[ sg_lint_gate => q{CALL sg_lint_gate('note')} ],
	[ sg_graph => q{SELECT sg_graph(f) FROM unnest('{mermaid,dot}'::text[]) f} ],
	[ sg_graph => q{CALL fixture.each($$SELECT sg_graph('svg', focus => 't.%1$s_c')$$)} ],
	[ sg_schema_doc => q{SELECT count(*) FROM sg_schema_doc(figures => true, findings => true); SELECT count(*) FROM sg_schema_doc('{t}', 'html')} ],
	[ sg_schema_doc => q{SELECT count(*) FROM sg_schema_doc('{t}', 'files')} ],
	[ sg_dashboard => 'SELECT sg_dashboard()' ],
	[ sg_watch_start => q{SELECT sg_watch_start('mallory')} ],
	[ sg_watch => q{SELECT count(*) FROM sg_watch('mallory'); SELECT schemaguard.sg_report_watch('mallory')} ],
	[ sg_stats_take => 'SELECT schemaguard.sg_stats_take(), schemaguard.sg_stats_figures(), schemaguard.sg_stats_statements(1), schemaguard.sg_stats_since()' ],
	[ sg_schemas => q{SELECT schemaguard.sg_schemas('{t}')} ],
	[ sg_lint_plan => 'SELECT schemaguard.sg_lint_plan()' ],
	[ sg_seconds => 'SELECT schemaguard.sg_seconds(pg_catalog.now())' ],
	[ sg_report => q{SELECT sg_report('mallory'), sg_report('mallory', 'html', 'checklist'), sg_report()} ],
	[ sg_sees_all => 'SELECT schemaguard.sg_sees_all()' ], [ sg_counts_for => q{SELECT schemaguard.sg_counts_for('mallory')} ],
	[ sg_figures => 'SELECT schemaguard.sg_figures()' ],
	[ sg_ago => 'SELECT schemaguard.sg_ago(pg_catalog.now())' ],
	[ sg_tenant_audit => q{SELECT count(*) FROM sg_tenant_audit('n', samples => 2)} ],
	[ sg_role_marks => q{SELECT schemaguard.sg_role_marks('mallory')} ],
	[ sg_roles_of => q{SELECT schemaguard.sg_roles_of('mallory')} ],
	[ sg_discover_unmatched => 'SELECT count(*) FROM schemaguard.sg_discover_unmatched()' ],
	[ sg_discovery => q{SELECT count(*) FROM schemaguard.sg_discovery(NULL, 0, 'full', NULL, false)} ],
	[ sg_discovered_steps => q{SELECT count(*) FROM schemaguard.sg_discovered_steps('found', 0)} ],
	(map { [ $_ => "SELECT count(*) FROM schemaguard.$_()" ] } qw(sg_discovery_columns sg_discovery_indexed sg_discovery_keys sg_discovery_rules)),
	[ sg_discovery_tables => 'SELECT count(*) FROM schemaguard.sg_discovery_tables(10)' ],
	[ sg_discovered => q{SELECT count(*) FROM schemaguard.sg_discovered(NULL, 0, 'full', NULL)} ],
	[ sg_discovery_candidates => q{SELECT count(*) FROM schemaguard.sg_discovery_candidates('full')} ],
	[ sg_discover_fks => q{SELECT count(*) FROM sg_discover_fks(min_score => 0, verify => 'sample')} ],
	[ sg_discover_fks => q{SELECT count(*) FROM sg_discover_fks(min_score => 0, verify => 'full')} ],
	[ sg_impact => q{CALL fixture.each($$SELECT count(*) FROM sg_impact('t.%1$s_c')$$); CALL fixture.each($$SELECT count(*) FROM sg_impact('t.%1$s_p.id', true)$$)} ],
	[ sg_impact => q{SELECT count(*) FROM sg_impact('t.w(text)'); SELECT count(*) FROM sg_impact('t.key_domain')} ],
	[ sg_verify_fks => 'SELECT count(*) FROM sg_verify_fks()' ],
	[ sg_verify_fks => 'SELECT count(*) FROM sg_verify_fks(live => true)' ],
	# tests of mallory's, and of a superuser's, over what mallory has planted
	[ 'smoke tests' => q{SELECT sg_plan_create('smoke'); CALL fixture.each($$INSERT INTO schemaguard.smoke_test (name, plan, kind, statement, expectation, author, author_id)
		SELECT concat_ws(' ', '%1$s', k, r, v), 'smoke', k, s, CASE k WHEN 'attempt' THEN 'accepted' END, r, r::regrole
		FROM (VALUES (1, 'query', 'SELECT c.*, p.* FROM t.%1$s_c c, t.%1$s_p p WHERE c.p = p.id AND c.n > 0'), (2, 'attempt', 'INSERT INTO t.%1$s_c SELECT * FROM t.%1$s_c'),
			(3, 'attempt', 'DELETE FROM t.%1$s_p')) a (v, k, s), (VALUES ('mallory'), (current_user::text)) b (r)$$, true)} ],
	[ sg_verify_fks => q{SELECT count(*) FROM sg_verify_fks('smoke', live => true)} ],

	# plans
	[ sg_plan_create => q{SELECT sg_plan_create(p) FROM unnest('{kept,gone,nulled,measured,script,found,copied,throttled,fill,changed}'::text[]) p} ],
	[ sg_plan_add_fk => join '; ', add_steps('kept', 'quarantine', 'true'), add_steps('gone', 'delete', 'true'),
		add_steps('nulled', 'set null', 'true'), add_steps('measured', 'leave', 'false') ],
	[ sg_table => q{SELECT schemaguard.sg_table('fixture.pair')} ],
	[ sg_table_name_in => q{SELECT schemaguard.sg_table_name_out(schemaguard.sg_table_name_in('fixture.pair'))} ], [ sg_table_name_out => q{SELECT 'fixture.pair'::schemaguard.table_name} ],
	[ sg_steps_in => q{SELECT schemaguard.sg_steps_in('{1}')} ], [ sg_steps_out => q{SELECT '1'::schemaguard.steps} ],
	[ sg_names_in => q{SELECT schemaguard.sg_names_in('{a}')} ], [ sg_names_out => q{SELECT 'a'::schemaguard.names} ],
	[ sg_plan_add => q{CALL fixture.each($$SELECT sg_plan_add('script', 'ALTER TABLE t.%1$s_c ADD CHECK (p IS NOT DISTINCT FROM q), ALTER q SET NOT NULL', '{"policy": "leave"}')$$)} ],
	[ sg_plan_from_sql => q{SELECT sg_plan_from_sql('script', string_agg(format('ALTER TABLE t.%s_c ADD CONSTRAINT s_%1$s FOREIGN KEY (q) REFERENCES t.%1$s_p;', name), '')) FROM fixture.pair} ],
	[ sg_plan_from_discovery => q{SELECT sg_plan_from_discovery('found', 0)} ],
	[ sg_plan_export => q{SELECT length(sg_plan_export('kept')::text)} ],
	[ sg_plan_import => q{SELECT sg_plan_import('copy', sg_plan_export('script'))} ],
	[ sg_plan_set => q{SELECT sg_plan_set('script', '{1}', '{"orphans": "leave"}'); SELECT sg_plan_set('gone', '{2}', '{"sentinel": "3"}')} ],
	[ sg_plan_option => q{SELECT sg_plan_option('script', 'lock_timeout', '200ms'); SELECT sg_plan_option('script', 'window_end', '')} ],
	[ sg_plan_add_rows => q{SELECT sg_plan_create('rows'); CALL fixture.each($$SELECT sg_plan_add_rows('rows', 't.%1$s_c', '[{"n": 1, "p": null}, {"n": 99, "p": null}]', '{n}')$$, true)} ],
	[ sg_plan_check => q{SELECT count(*) FROM sg_plan_check('rows', everything => true); SELECT count(*) FROM sg_plan_sql('rows')} ],
	[ sg_apply => q{CALL sg_apply('rows')} ], [ sg_rollback_fks => q{CALL sg_rollback_fks('rows')} ],
	[ sg_rows_problem => q{SELECT schemaguard.sg_rows_problem('[]', '{n}')} ],
	[ sg_rows_columns => q{SELECT count(*) FROM pg_class c, schemaguard.sg_rows_columns(c.oid) WHERE c.relnamespace = 't'::regnamespace} ],
	[ sg_rows_statement => q{CALL fixture.each($$SELECT count(*) FROM schemaguard.sg_rows_statement('t.%1$s_c', '{n}', '[{"n": 1}]', true)$$)} ],
	[ sg_rows_list => q{SELECT schemaguard.sg_rows_list('{"rows": [{"n": 1}]}')} ],
	[ sg_rows_reach => q{SELECT count(*) FROM pg_class c, schemaguard.sg_rows_reach(c.oid, NULL) WHERE c.relnamespace = 't'::regnamespace} ],
	[ sg_rows_foreseen => q{CALL fixture.each($$SELECT schemaguard.sg_rows_foreseen('t.%1$s_c', '{n}', '{"delete": [{"n": 1}]}')$$)} ],
	[ sg_rows_parts => q{CALL fixture.each($$SELECT schemaguard.sg_rows_parts('t.%1$s_c', '{n}', '[{"n": 1}]')$$)} ],
	[ sg_rows_plain => q{CALL fixture.each($$SELECT schemaguard.sg_rows_plain('t.%1$s_c', '{n}', '[{"n": 1}]')$$)} ],
	[ sg_rows_recorded => q{SELECT schemaguard.sg_rows_recorded(p.id, 1, '{n}') FROM schemaguard.plan p} ],
	[ sg_rows_undo => q{CALL fixture.each($$SELECT schemaguard.sg_rows_undo(p.id, 1, 't.%1$s_c', '{n}', '{n}', true) FROM schemaguard.plan p$$)} ],
	[ sg_relation_oid => q{CALL fixture.each($$SELECT schemaguard.sg_relation_oid('t.%1$s_c')$$)} ],
	[ sg_rows_undone => q{SELECT schemaguard.sg_rows_undone(1, 1, 1, '[]', '{n}', '{}', 0, '{}')} ], [ sg_rows_key => q{CALL fixture.each($$SELECT schemaguard.sg_rows_key('t.%1$s_p')$$)} ],
	[ sg_plan_skip => q{SELECT sg_plan_skip('script', '{2}', 'no')} ],
	[ sg_plan_steps => q{SELECT sg_plan_steps('kept'), sg_plan_steps('mallory', 'failed')} ],
	[ sg_plan_sql => q{SELECT count(*) FROM sg_plan_sql('kept'); SELECT count(*) FROM sg_plan_sql('found'); SELECT count(*) FROM sg_plan_sql('mallory'); SELECT count(*) FROM sg_plan_sql('written')} ],
	[ sg_plan_check => q{SELECT count(*) FROM sg_plan_check('kept'); SELECT count(*) FROM sg_plan_check('script'); SELECT count(*) FROM sg_plan_check('mallory');
		SELECT count(*) FROM sg_plan_check('written')} ],
	[ sg_plan_allow => q{SELECT sg_plan_allow('kept', 'alice')} ],
	[ sg_plan_author => q{SELECT schemaguard.sg_plan_author('nobody', NULL)} ],
	[ sg_readable_plans => 'SELECT count(*) FROM schemaguard.sg_readable_plans()' ],
	[ sg_server_check => 'SELECT count(*) FROM schemaguard.sg_server_check()' ],
	[ sg_own_publications => 'SELECT count(*) FROM schemaguard.sg_own_publications()' ],
	[ sg_plan_hash => q{SELECT length(schemaguard.sg_plan_hash('mallory'))} ],
	[ sg_plan_approve => q{SELECT sg_plan_approve('mallory')} ],
	[ sg_plan_pause => q{SELECT sg_plan_pause('mallory')} ],
	[ sg_plan_resume => q{SELECT sg_plan_resume('mallory')} ],
	[ sg_plan_drop => q{SELECT sg_plan_drop('copy')} ],
	[ sg_orphan_audit => q{SELECT count(*) FROM sg_orphan_audit(plan => 'kept'); SELECT count(*) FROM sg_orphan_audit(plan => 'written')} ],
	[ sg_audit_gate => q{CALL sg_audit_gate()} ],
	[ sg_audit_gate => q{CALL sg_audit_gate('{t}', 'kept')} ],
	[ sg_audit_baseline => 'SELECT sg_audit_baseline()' ],
	[ sg_backup_record => q{SELECT sg_backup_record('pg_dump', 'x', 'y1', verified_at => pg_catalog.now())} ],
	[ sg_audit_accept => q{SELECT sg_audit_accept(f.property, 'why') FROM schemaguard.finding f WHERE f.source OPERATOR(pg_catalog.=) 'audit' AND f.result OPERATOR(pg_catalog.=) 'fail' LIMIT 1} ],
	[ sg_audit_gate => q{CALL sg_audit_gate(only_new => true, fail => false)} ],
	[ sg_findings_take => 'SELECT sg_findings_take()' ],
	[ sg_ok_no_orphans => ($pgtap ? 'SET search_path = tap; SELECT plan(3); SET search_path = t, pg_catalog, public; ' : '') . 'SELECT length(sg_ok_no_orphans())' ],
	[ sg_ok_keys_valid => 'SELECT length(sg_ok_keys_valid())' ],
	[ sg_measure_overhead => q{SELECT count(*) FROM schemaguard.sg_measure_overhead('measured', 3, 1)} ],

	# deployment
	[ sg_add_fks => q{CALL sg_add_fks('kept')} ],
	[ sg_verify_fks => q{SELECT count(*) FROM sg_verify_fks('kept', live => true)} ],
	[ sg_plan_explain => q{SELECT count(*) FROM schemaguard.plan_step s, sg_plan_explain('kept', s.step) WHERE s.plan OPERATOR(pg_catalog.=) 'kept'} ],
	[ sg_plan_referencing => q{SELECT count(*) FROM sg_plan_referencing('kept')} ],
	[ sg_plan_add_referencing => q{SELECT sg_plan_add_referencing('kept')} ],
	[ sg_fix_orphans => q{CALL sg_fix_orphans('kept', dry_run => true)} ],
	[ sg_fix_orphans => q{CALL sg_fix_orphans('kept')} ],
	[ sg_add_fks => q{CALL sg_add_fks('kept')} ],
	[ sg_verify_fks => q{SELECT count(*) FROM sg_verify_fks('kept', live => true)} ],
	[ sg_restore_quarantine => q{CALL sg_restore_quarantine('kept')} ],
	[ sg_rollback_fks => q{CALL sg_rollback_fks('kept')} ],
	[ sg_add_fks => q{SET schemaguard.validate_with = 'scan'; CALL sg_add_fks('gone', fix => true); RESET schemaguard.validate_with} ],
	[ sg_rollback_fks => q{CALL sg_rollback_fks('gone')} ],
	[ sg_add_fks => q{CALL sg_add_fks('nulled', fix => true)} ],
	[ sg_rollback_fks => q{CALL sg_rollback_fks('nulled')} ],
	[ sg_add_fks => q{CALL sg_add_fks('mallory', author => 'mallory')} ],
	[ 'the plan of mallory' => q{UPDATE t.plan_expression_c SET n = n + 1}, 'mallory' ],
	[ sg_rollback_fks => q{CALL sg_rollback_fks('mallory', author => 'mallory')} ],
	[ sg_plan_add_fk => q{SELECT sg_plan_add_fk('fill', 't.retyped_c', '{filled}', 't.retyped_p', fk_name => 'filled', replaces => 'retyped', index => false, backfill => 'q')} ],
	[ sg_add_fks => q{CALL sg_add_fks('fill', validate => false)} ],
	[ 'another type while it is filled' => q{DO $$DECLARE made text; BEGIN
		SELECT regexp_replace(replace(pg_get_triggerdef(oid), 'CREATE', 'CREATE OR REPLACE'), ' WHEN .*(?= EXECUTE)', '') INTO STRICT made
		FROM pg_trigger WHERE tgrelid = 't.retyped_c'::regclass AND starts_with(tgname, '~schemaguard'); EXECUTE made; END$$;
		ALTER TABLE t.retyped_c ALTER filled TYPE t.retyped; UPDATE t.retyped_c SET n = n + 1; INSERT INTO t.retyped_c VALUES (9, 1, 1)}, 'mallory' ],
	[ sg_rollback_fks => q{CALL sg_rollback_fks('fill')} ],
	[ sg_plan_add_fk => q{SELECT sg_plan_add_fk('throttled', 't.check_row_c', '{q}', 't.check_row_p', orphans => 'leave')} ],
	[ sg_add_fks => q{SET schemaguard.throttle_function = 't.throttle'; SET schemaguard.throttle_budget = 1; CALL sg_add_fks('throttled'); RESET schemaguard.throttle_function} ],
	[ 'an event trigger of a superuser' => 'ALTER EVENT TRIGGER on_ddl ENABLE', $super ],
	[ sg_rollback_fks => q{CALL sg_rollback_fks('throttled'); CALL sg_add_fks('throttled')} ],
	[ 'an event trigger of a superuser' => 'ALTER EVENT TRIGGER on_ddl DISABLE', $super ],

	# other kinds of steps, on tables of which each has code of mallory's in another place
	[ sg_plan_add_step => q{CALL fixture.each($$SELECT sg_plan_add_check('changed', 't.%1$s_c', 'n IS NULL OR n > 0 OR q IS NOT NULL', 'c_%1$s'), sg_plan_add_default('changed', 't.%1$s_c', 'n', '1 + 1'),
		sg_plan_add_column('changed', 't.%1$s_c', 'added', 'int DEFAULT 7'), sg_plan_add_not_null('changed', 't.%1$s_p', 'id', 'nn_%1$s'),
		sg_plan_add_statement('changed', 'UPDATE t.%1$s_c SET n = n WHERE false', child_table => 't.%1$s_c', name => 's_%1$s')$$, 'true', true)} ],
	[ sg_plan_add_step => q{CALL fixture.each($$SELECT sg_plan_add_index('changed', 't.%1$s_c', '(n DESC) WHERE q IS NOT NULL', 'i_%1$s'),
		sg_plan_add_unique('changed', 't.%1$s_c', '{q,n}', 'u_%1$s', policy => 'quarantine', keep_by => 'n DESC, q'),
		sg_plan_add_statement('changed', 'REINDEX TABLE CONCURRENTLY t.%1$s_c', in_transaction => false, name => 'o_%1$s')$$, false, true)} ],
	[ sg_plan_check => q{SELECT count(*) FROM sg_plan_check('changed'); SELECT count(*) FROM sg_plan_check('changed', verify => 'full')} ],
	[ sg_violations => q{CALL fixture.each($$SELECT count(*) FROM schemaguard.plan_step s, sg_violations('changed', s.step) WHERE s.plan = 'changed' AND s.kind IN ('check', 'not null')$$, false); CALL fixture.each($$SELECT count(*) FROM sg_violations('mallory', 1)$$, false)} ],
	[ sg_orphan_audit => q{SELECT count(*) FROM sg_orphan_audit(plan => 'changed')} ],
	[ sg_fix_orphans => q{CALL sg_fix_orphans('changed', dry_run => true);
		CALL sg_fix_orphans('written', dry_run => true, author => 'mallory', confirm => schemaguard.sg_plan_hash('written'))} ],
	[ sg_apply => q{CALL sg_apply('changed', fix => true)} ],
	[ sg_plan_sql => q{SELECT count(*) FROM sg_plan_sql('changed')} ],
	[ sg_rollback_fks => q{CALL sg_rollback_fks('changed')} ],
	(long_run() ? ([ sg_apply => q{SET schemaguard.validate_with = scan; CALL sg_apply('changed'); RESET schemaguard.validate_with} ],
		[ sg_rollback_fks => q{CALL sg_rollback_fks('changed')} ]) : ()),
	[ sg_plan_release => q{SELECT sg_plan_set('changed', '{1}', '{"phase": "later"}'); SELECT sg_plan_release('changed', 'later')} ],
	(map { [ "sg_plan_add_$_" => 'SELECT 1' ] } qw(check not_null unique column default index statement drop rename)),

	# what writes such steps
	[ sg_plan_add_audit_columns => q{SELECT sg_plan_create('asked'), sg_plan_create('isolated'); CALL fixture.each($$SELECT CASE WHEN %2$L IN ('check_row', 'key_domain', 'trigger_before_row')
		THEN sg_plan_add_audit_columns('asked', ARRAY['t.%1$s_c'], modified_by => NULL) END$$, true, true)} ],
	[ sg_plan_add_archive_columns => q{CALL fixture.each($$SELECT CASE WHEN %2$L IN ('check_row', 'key_domain', 'trigger_before_row')
		THEN sg_plan_add_archive_columns('asked', ARRAY['t.%1$s_p'], children => 'cascade', language => 'plpgsql') END$$, true, true)} ],
	[ sg_plan_isolate => q{SELECT sg_plan_isolate('isolated', 'n')} ],
	[ sg_plan_retarget => q{SELECT sg_plan_retarget('isolated', 't.check_row_p', 't.key_domain_p')} ],
	[ sg_apply => q{CALL sg_apply('asked')} ],
	[ sg_rollback_fks => q{CALL sg_rollback_fks('asked')} ],
	[ sg_filler_ending => q{SELECT schemaguard.sg_filler_ending(oid) FROM pg_trigger} ],
	[ sg_fill_lacks => q{CALL fixture.each($$SELECT schemaguard.sg_fill_lacks('t.%1$s_c', 't.%1$s_c', 'p + q')$$)} ],
	(map { [ $_ => 'SELECT 1' ] } qw(sg_check_word sg_sync_bounded sg_sync_goes_on sg_deprecate_table sg_free_name sg_has_column sg_keys_declared sg_make_name sg_plan_mark sg_may_refer sg_plan_add_alike sg_plan_add_missing sg_plan_add_once sg_plan_add_trigger sg_plan_after sg_plan_archive
		sg_plan_archive_key sg_plan_add_key sg_plan_isolation sg_plan_live_index sg_plan_live_view sg_plan_trigger_name sg_check_time sg_plan_trigger_sql sg_plan_trigger_is sg_plan_function_is sg_plan_view_is sg_plan_retargeting sg_plan_stamp sg_qualified sg_table sg_who_expression sg_cut sg_plan_add_audit_columns_body sg_plan_add_archive_columns_body sg_plan_isolate_body sg_plan_retarget_body
		sg_discover_fks_body sg_graph_body sg_plan_explain_body sg_plan_explain_step sg_lint_found_body sg_lint_sql_body sg_lint_sql_facts sg_lint_sql_locks sg_lint_sql_checked sg_lint_sql_loss sg_lint_sql_undone sg_lint_sql_part sg_lint_sql_drops sg_lint_sql_form sg_lint_sql_units sg_lint_step sg_lint_whose sg_lint_like sg_sarif sg_sarif_text sg_sarif_rule sg_sarif_uri sg_graph_document sg_graph_dot sg_graph_dot_text sg_graph_keys sg_graph_mermaid sg_graph_mermaid_text sg_graph_places sg_graph_styles sg_graph_svg sg_lint_fill sg_lint_plan_new sg_schema sg_sync_columns sg_sync_publications sg_sync_published sg_sync_sent sg_sync_sql_body sg_report_body sg_report_decision sg_go_verdict sg_page_plain sg_page_markdown_text sg_page_html_text sg_page_class sg_page_markdown sg_page_html sg_page_html_table sg_page_section
		sg_page_style sg_page_time sg_page_hidden sg_page_shown sg_page_script sg_page_markdown_cell sg_page_markdown_line sg_page_markdown_table sg_page_html_cell sg_page_html_section
		sg_schema_doc_body sg_doc_columns sg_doc_end sg_doc_figures sg_doc_indexes sg_doc_keys sg_doc_rules sg_doc_sections sg_doc_tables sg_doc_id sg_doc_visible sg_doc_word sg_module_of sg_page_link sg_go_holds sg_go_watch sg_report_watch sg_watch_body sg_watch_change sg_watch_last sg_watch_measured sg_watch_pairs sg_watch_rows sg_watch_samples sg_watch_statements sg_stats_figures sg_stats_since sg_stats_statements
		sg_dashboard_audits sg_dashboard_body sg_dashboard_checks sg_dashboard_drift sg_dashboard_environments sg_dashboard_found sg_dashboard_matrix sg_dashboard_plans sg_dashboard_snapshots sg_dashboard_trend)),

	# snapshots and drift
	# a condition of mallory's, and of a superuser's, over what mallory has planted; and without one
	[ sg_lookup_contents => q{CALL fixture.each($$INSERT INTO schemaguard.lookup_table (table_name, key_columns, condition) VALUES ('t.%1$s_c', '{n}', 'p IS NOT DISTINCT FROM q'),
		('t.%1$s_p', '{id}', NULL) ON CONFLICT DO NOTHING$$, true); SELECT count(*) FROM schemaguard.sg_lookup_contents('live')} ],
	[ sg_lookup_queries => 'SELECT count(*) FROM schemaguard.sg_lookup_queries(NULL)' ],
	[ sg_lookup_key => q{SELECT schemaguard.sg_lookup_key('{"n": 1}', '{n}')} ],
	[ sg_snapshot_take => q{SELECT sg_snapshot_take('now'); SELECT sg_snapshot_take('reworded')} ],
	[ sg_snapshot_from_files => q{SELECT sg_snapshot_from_files('from files', '{a.sql}', '{CREATE TABLE t (a int)}')} ],
	(map { [ "sg_replay$_" => 'SELECT 1' ] } '', qw(_add _check _fail _filled _files _included _key _name _note_files _tell _lacking _try _judge _settings _origins _part _plan _branch _changesets _commands _fate _followed _holds _read _statements _steps _tools _words)),
	[ sg_snapshot_import => q{SELECT sg_snapshot_import('imported', ARRAY(SELECT sg_snapshot_export('now')))} ],
	[ sg_snapshot_export => q{SELECT count(*) FROM sg_snapshot_export('now')} ],
	[ sg_snapshot_objects => q{SELECT count(*) FROM sg_snapshot_objects('now'); SELECT count(*) FROM sg_snapshot_objects('live')} ],
	[ 'a snapshot in other words' => q{CALL fixture.reword('reworded')}, $super ],
	[ environments => q{INSERT INTO schemaguard.environment (name, server, stage, next) VALUES ('dev', 'x', 'test', 'prod'), ('prod', NULL, 'production', NULL)}, $super ],
	[ sg_drift => q{SELECT count(*) FROM sg_drift('imported')} ],
	[ sg_drift => q{SELECT count(*) FROM sg_drift('reworded', cosmetic => true); SELECT count(*) FROM sg_drift('live', 'reworded'); SELECT count(*) FROM sg_drift('now', 'reworded')} ],
	[ sg_drift_check => q{SELECT sg_drift_check('reworded')} ],
	(map { [ $_ => "SELECT count(*) FROM schemaguard.$_('now', 'live')" ] } qw(sg_lookup_pairs sg_lookup_drift_body)),
	[ sg_lookup_counts => q{SELECT count(*) FROM schemaguard.sg_lookup_counts('now', 'live', NULL, NULL)} ],
	[ sg_lookup_taken => q{CALL fixture.each($$SELECT schemaguard.sg_lookup_taken('t.%1$s_c', '[{"n": "1"}]')$$)} ],
	[ sg_lookup_rows => q{SELECT count(*) FROM schemaguard.sg_lookup_rows('[]', '[]', '{n}', '{}')} ],
	[ sg_sync_lookup => q{SELECT count(*) FROM schemaguard.sg_sync_lookup('now', 'live', NULL, false, true)} ],
	[ sg_sync_lookup_keys => q{SELECT count(*) FROM schemaguard.sg_sync_lookup_keys('now', 'live', '{"t.x_c": ["n"]}')} ],
	[ sg_lookup_values => q{SELECT schemaguard.sg_lookup_values('{"n": 1}', '{n}')} ],
	[ sg_sync_lookup_pairs => q{SELECT count(*) FROM schemaguard.sg_sync_lookup_pairs('now', 'live', NULL)} ],
	[ sg_sync_lookup_rows => q{SELECT count(*) FROM schemaguard.sg_sync_lookup_rows('now', 'live', NULL, false, true)} ],
	[ sg_sync_lookup_order => q{SELECT count(*) FROM schemaguard.sg_sync_lookup_order('[]', '[]', '{}', false, true)} ],
	[ sg_sync_lookup_steps => q{SELECT count(*) FROM schemaguard.sg_sync_lookup_steps('now', NULL, true, false)} ],
	[ sg_sync_lookup_guarded => q{SELECT schemaguard.sg_sync_lookup_guarded('t.x_c', 'n = 1', NULL, NULL)} ],
	[ sg_sync_lookup_referred => q{SELECT schemaguard.sg_sync_lookup_referred('now', 'live', 't.x_c')} ],
	[ sg_sync_lookup_beyond => q{SELECT schemaguard.sg_sync_lookup_beyond('[]', '{}')} ],
	[ sg_sync_lookup_script => q{SELECT count(*) FROM schemaguard.sg_sync_lookup_script('now', 'live', NULL, true)} ],
	[ sg_sync_lookup_statements => q{SELECT count(*) FROM schemaguard.sg_sync_lookup_statements('t.x_c', '{n}', 'rows', '[{"n": 1}]', '[null]', true, NULL, true)} ],
	[ sg_lookup_drift => q{SELECT count(*) FROM sg_lookup_drift('now')} ],
	[ sg_drift_gate => q{CALL sg_drift_gate('reworded')} ],
	[ sg_ok_no_drift => q{SELECT length(sg_ok_no_drift('reworded'))} ],
	[ sg_drift_matrix => q{SELECT count(*) FROM sg_drift_matrix('{reworded,now,live}')} ],
	[ sg_compare_fks => q{SELECT count(*) FROM sg_compare_fks('reworded')} ],
	[ sg_plan_from_snapshot => q{SELECT sg_plan_from_snapshot('copied', 'reworded')} ],
	[ sg_sync_sql => q{SELECT count(*) FROM sg_sync_sql('reworded', allow_drop => true); SELECT count(*) FROM sg_sync_sql('live', 'reworded', renames => 'follow'); SELECT count(*) FROM sg_sync_sql('imported', 'reworded')} ],
	[ sg_sync_files => q{SELECT count(*) FROM sg_sync_files('reworded', 'live', 'sqitch', allow_drop => true, renames => 'follow'); SELECT count(*) FROM sg_sync_files('imported', 'reworded', 'goose')} ],
	[ sg_migration_history => q{SELECT count(*) FROM sg_migration_history('rails', '{1_a}')} ],
	(map { [ $_ => 'SELECT 1' ] } qw(sg_files_history sg_files_history_body sg_migration_history_body sg_history_digest sg_history_files sg_history_matched sg_history_place sg_history_rows sg_history_sum sg_history_tables)),
	(map { [ "sg_files_$_" => 'SELECT 1' ] } qw(acts at_once backs beside block check fill filled forms looks number register rows sent settings stated told tools)),
	(map { [ "sg_sync_$_" => 'SELECT 1' ] } qw(files_body doubles key_flags constants wrapped questions routines builder packed call problem owner answer asked as_it_was expressions_are locks names qualified literal question fitting behind_block parses is_acl is_owner schemas malformed calls seen guard gate outside inside run every portable is_native settings acl_guard attributes comment comments concurrently constraint_is expected fill finds first_name first_names first_other grants guarded index_is keys labels lacking loose loosely name narrowed new_name object operator options pairs pattern
		relabel relabel_plain under_kept kept_names labelled routine rules schema size statements tag type_loss done plain steps texts list refuse blocked before needs_free to_be_free fillers check_free lacks leaves_out rows digest write units node links united unit_told finder castable in_way drift)),
	(map { [ "sg_sync_$_" => 'SELECT 1' ] } qw(holders stored_types keyed contents
		typed attribute_renames renamed_attributes
		acts alone alters anew attic_name backs backward beyond changes column_flags computing creates described detours doubtful drops
		edges extras facts fired fits formed given_columns grantings guards head in_room inline islands joining joins_late judged judgement leaves left_columns left_over lines made
		made_else managed meanwhile members mentions needed needed_still needs on_anew other_flags other_steps outdated own_drops placed
		places reasons refused relation_flags runs_as said shapes sides spoken start statement_steps stays strange strange_rows strange_types trees
		type_after undos written)),
	(map { [ "sg_sync_of_$_" => 'SELECT 1' ] } qw(aggregate column constraint definition rest identity index mappings members name operator options publication routine statistics stored table trigger type view)),
	[ sg_sync_check => q{SELECT count(*) FROM sg_sync_check('reworded', allow_drop => true)} ],
	(map { [ "sg_scratch_$_" => 'SELECT 1' ] } qw(open run ask close options steps round keep)),
	[ sg_snapshot_script => 'SELECT length(schemaguard.sg_snapshot_script())' ],
	[ sg_sync_apply => q{CALL sg_sync_apply('reworded', '{t}', allow_drop => true, partitions => true, fail => false, plan => 'synced')} ],
	[ sg_rollback_fks => q{CALL sg_rollback_fks('synced')} ],
	[ sg_ensure => q{CALL sg_ensure('reworded')} ],
	[ sg_promote => q{SELECT sg_promote('dev', 'prod', 'imported', '{t}', allow_drop => true)} ],
	[ sg_promotion_check => q{SELECT count(*) FROM sg_promotion_check('dev to prod 1')} ],
	[ sg_promote_apply => q{CALL sg_promote_apply('dev to prod 1', fail => false)} ],
	[ sg_promotion_status => 'SELECT count(*) FROM sg_promotion_status()' ],
	[ sg_promotion_approve => q{SELECT sg_promotion_approve(bundle, hash) FROM schemaguard.promotion WHERE author OPERATOR(pg_catalog.<>) CURRENT_USER::pg_catalog.text AND state OPERATOR(pg_catalog.=) 'waiting'} ],
	(map { [ $_ => 'SELECT 1' ] } qw(sg_promotion_status_body sg_promotion_problem sg_promotion_distance sg_promotion_made sg_promotion_effects sg_promotion_changes sg_promotion_digest sg_promotion_leads sg_promotion_hash sg_promotion_call
		sg_environment_path sg_environment_check sg_window_opens sg_backup_problem sg_promotion_import sg_promotion_strange sg_promotion_findings sg_promotion_gate sg_promotion_note sg_smoke_run sg_promote_rollback)),
	(map { [ $_ => 'SELECT 1' ] } qw(sg_ensure_critical sg_ensure_list sg_ensure_names sg_ensure_result sg_ensure_verdict sg_sync_safe sg_sync_unsafe)),
	[ sg_snapshot_drop => q{SELECT sg_snapshot_drop('now')} ],
	[ sg_snapshot_statement => 'SELECT length(statement) FROM schemaguard.sg_snapshot_statement()' ],
	[ sg_snapshot_probe => 'SELECT length(schemaguard.sg_snapshot_probe())' ],

	# rows that are archived: mallory's with those of alice's that they refer to
	[ 'rows to archive' => q{CREATE TABLE t.archive_p (id int PRIMARY KEY, at date); INSERT INTO t.archive_p VALUES (1), (2); GRANT ALL ON t.archive_p TO PUBLIC}, 'alice' ],
	[ 'rows to archive' => q{CREATE TABLE t.archive_c (p int CONSTRAINT archive REFERENCES t.archive_p, at date, by text); INSERT INTO t.archive_c VALUES (1, NULL, ''); GRANT ALL ON t.archive_c TO alice;
		CREATE TRIGGER w BEFORE INSERT OR UPDATE ON t.archive_c FOR EACH ROW EXECUTE FUNCTION t.trigger('trigger_before_row')}, 'mallory' ],
	[ sg_archive_live_children => q{CREATE TRIGGER a AFTER UPDATE ON t.archive_p FOR EACH ROW EXECUTE FUNCTION schemaguard.sg_archive_live_children('t.archive_c', 'archive', 'at', 'at')} ],
	[ sg_refuse_live_children => q{CREATE TRIGGER b AFTER UPDATE ON t.archive_p FOR EACH ROW EXECUTE FUNCTION schemaguard.sg_refuse_live_children('t.archive_c', 'archive', 'at', 'at')} ],
	[ sg_stamp_row => q{CREATE TRIGGER c BEFORE INSERT OR UPDATE ON t.archive_c FOR EACH ROW EXECUTE FUNCTION schemaguard.sg_stamp_row('created_by=by')}, 'mallory' ],
	[ sg_refuse_archived_parent => q{CREATE TRIGGER d AFTER INSERT OR UPDATE ON t.archive_c FOR EACH ROW EXECUTE FUNCTION schemaguard.sg_refuse_archived_parent('archive', 'at', 'at')}, 'mallory' ],
	[ sg_archive_live_children => q{UPDATE t.archive_p SET at = '2026-01-01'} ],
	[ sg_refuse_archived_parent => q{INSERT INTO t.archive_c VALUES (1, '2026-01-01')}, 'mallory' ],

	# rights, the log and its triggers
	[ sg_grant => q{SELECT sg_grant('alice')} ],
	[ sg_write => 'SELECT schemaguard.sg_write()' ],
	[ sg_revoke => q{SELECT sg_revoke('alice'); SELECT sg_grant('alice')} ],
	[ sg_watch_subscriptions => 'SELECT sg_watch_subscriptions(true)' ],
	[ sg_subscription_event => q{CREATE SUBSCRIPTION trapped CONNECTION '' PUBLICATION p WITH (connect = false); ALTER SUBSCRIPTION trapped SET (slot_name = NONE); DROP SUBSCRIPTION trapped; SELECT sg_watch_subscriptions(false)} ],
	[ sg_drop_extension_event => 'DROP EXTENSION no_such, schemaguard' ],
	[ sg_capture_ddl => 'SELECT sg_capture_ddl(true)' ],
	[ sg_ddl_event => 'CREATE TABLE t.captured (x t.key_domain DEFAULT 1, y int DEFAULT t.volatile($$default$$, 1)); ALTER TABLE t.captured ADD z int; DROP TABLE t.captured' ],
	[ sg_guard_ddl => q{SELECT sg_guard_ddl('refuse', roles => 'alice')} ],
	[ sg_ddl_guard_event => 'CREATE TABLE t.guarded (x t.key_domain DEFAULT 1, y int DEFAULT t.volatile($$default$$, 1)); ALTER TABLE t.guarded ADD z int; DROP TABLE t.guarded' ],
	[ sg_ddl_guard_changed => 'UPDATE schemaguard.ddl_guard SET schemas = NULL' ],
	[ sg_ddl_guard_mode => 'SELECT mode FROM schemaguard.ddl_guard_state' ],
	[ sg_manual_changes => q{SELECT sg_snapshot_take('by hand'); SELECT count(file) FROM sg_manual_changes(reference => 'by hand'); SELECT sg_snapshot_drop('by hand')} ],
	[ sg_guard_ddl => q{SELECT sg_guard_ddl('off')} ],
	[ sg_capture_ddl => 'SELECT sg_capture_ddl(false)' ],
	[ sg_ddl_log_restored => q{INSERT INTO schemaguard.ddl_log (at, pid, session_role, role, event, tag, origin) SELECT '2001-01-01', 1, 'r', 'r', 'command', 'X', 'direct'} ],
	[ sg_ddl_restored => 'INSERT INTO schemaguard.ddl_capture SELECT pg_catalog.now(), current_user; DELETE FROM schemaguard.ddl_capture' ],
	[ sg_log_guard => 'DELETE FROM schemaguard.audit_log' ],
	[ sg_prune => q{CALL sg_prune('2000-01-01')} ],);

# What a superuser cannot do, either
my %refused = (
	sg_audit_gate => qr/^ERROR:  SG001/,
	sg_lint_gate => qr/^ERROR:  SG006/,
	sg_drift_gate => qr/^ERROR:  SG005/,
	(map { $pgtap ? () : ($_ => qr/^ERROR:  0A000/) } qw(sg_ok_no_orphans sg_ok_keys_valid sg_ok_no_drift)),
	sg_drop_extension_event => qr/^ERROR:  (?:2BP01|42704)/,
	sg_log_guard => qr/append-only/,
	sg_add_fks => qr/^ERROR:  42501: function t\.throttle of schemaguard\.throttle_function belongs to role mallory/);

{
	my %called = map { $_->[0] => 1 } @calls;
	my @functions = map { $_->[0] } rows($node, q{SELECT DISTINCT proname FROM pg_depend JOIN pg_proc p ON p.oid = objid AND proname !~ '_details$'
		WHERE classid = 'pg_proc'::regclass AND deptype = 'e' AND refclassid = 'pg_extension'::regclass
			AND refobjid = (SELECT oid FROM pg_extension WHERE extname = 'schemaguard')}, dbname => 'traps');
	my @missing = sort grep { !$called{$_} } @functions;

	is("@missing", '', @functions . ' functions and procedures of the extension are in the list of calls');
}

# A library that stays the caller where ours becomes the owner, without the guard: both are replaced when it is linked
sub build_without_switch
{
	my $dir = PostgreSQL::Test::Utils::tempdir();
	my $pg_config = $ENV{PG_CONFIG} || 'pg_config';
	my $make = "env -u MAKEFLAGS -u MAKELEVEL make -s -C $dir PG_CONFIG=$pg_config with_llvm=no";

	system_or_bail('cp', '-a', 'Makefile', 'schemaguard.control', '.built-for', 'src', $dir);
	append_to_file("$dir/src/no_switch.c", qq{#include "base/scope.h"
void __wrap_sg_role_begin(SgScope *scope, Oid role);
void __wrap_sg_role_begin(SgScope *scope, Oid role) { sg_caller_begin(scope); }
#include "base/guard.h"
void __wrap_sg_guard_begin(SgGuard *before);
void __wrap_sg_guard_begin(SgGuard *before) { *before = (SgGuard) {0}; }
});
	chomp(my $objects = `$make print-OBJS`);
	system_log(qq{$make schemaguard.so "OBJS=$objects src/no_switch.o" SHLIB_LINK=-Wl,--wrap=sg_role_begin,--wrap=sg_guard_begin}) == 0 or die "no library in $dir";
	return "$dir/schemaguard.so";
}

# All calls by each caller, side by side, each in a database of its own. A run: its caller, the database, and what came of
# it: caught, slot => { call => { role => 1 } } of those that ran as another role than mallory; count of witnesses by role;
# errors
sub run_calls
{
	my (@runs) = @_;

	foreach my $call (@calls)
	{
		my ($function, $sql, $user) = @$call;

		foreach my $run (@runs)
		{
			my $role = $user // $run->{caller};

			$run->{asked} = $run->{sessions}{$role} //= do {
				my $new = SgTest::Session->new($node, dbname => $run->{database}, user => $role);
				# operators and functions of schema t come first, where nobody pins the path
				$new->query('SET client_min_messages = warning; SET schemaguard.fix_pause = 0; SET search_path = t, pg_catalog, public');
				$new;
			};
		}
		witnesses();
		$_->{asked}->send($sql) foreach @runs;
		foreach my $run (@runs)
		{
			my $out = $run->{asked}->collect;
			my $err = $run->{asked}{err} =~ s/\nLOCATION:.*//gr =~ s/^psql:<stdin>:\d+: //mgr;

			push @{ $run->{errors} }, "$function: $1" if $err =~ /^(ERROR:.*)/m && !($refused{$function} && $1 =~ $refused{$function});
			push @{ $run->{errors} }, "$function: connection is gone" if !defined $out;
			note("$run->{database}, $function: " . ($out // '') =~ s/\n/ /gr . " $err");
		}
		foreach (witnesses())
		{
			my ($database, $slot, $role) = @$_;
			my ($run) = grep { $_->{database} eq $database } @runs;

			$run->{count}{$role}++;
			next if $role eq 'mallory' || $slot eq 'event_trigger' && $role eq $run->{caller};
			$run->{caught}{$slot}{$function}{$role} = 1;
		}
	}
	foreach my $run (@runs)
	{
		note(map { join(' ', $run->{database}, @$_) . "\n" } rows($node, q{SELECT plan, state, count(*), string_agg(DISTINCT reason, E'; ')
			FROM schemaguard.plan_step GROUP BY 1, 2 ORDER BY 1, 2}, dbname => $run->{database}));
		$_->quit foreach values %{ $run->{sessions} };
	}
}

sub show
{
	my ($caught) = @_;
	return map { my $slot = $_; map { "$slot in $_ as " . join(', ', sort keys %{ $caught->{$slot}{$_} }) } sort keys %{ $caught->{$slot} } } sort keys %$caught;
}

# Who has most to lose. What runs as the caller, or as the extension's owner, for anybody runs so for a superuser, too
my @runs = map { { caller => $_, database => "by_$_" } } $super, long_run() ? ('alice', 'mallory') : ();
my $control = $ENV{SG_OTHER_MAJOR} || !(long_run() || $ENV{SG_GAPS}) ? undef : { caller => $super, database => 'control' };
$node->safe_psql('postgres', "CREATE DATABASE $_->{database} TEMPLATE traps") foreach @runs, $control // ();
$control and $node->safe_psql('control', sprintf q{UPDATE pg_proc SET probin = %s WHERE probin ~ 'schemaguard$'}, lit(build_without_switch()));
run_calls(@runs, $control // ());

foreach my $run (@runs)
{
	my @shown = show($run->{caught});

	is(scalar(@shown), 0, "called by $run->{caller}: no witness ran as another role than mallory") or diag(join "\n", @shown);
	diag(scalar(keys %{ $run->{caught} }) . " slots, witnesses: " . join(', ', map { "$run->{count}{$_} as $_" } sort keys %{ $run->{count} }));
}
is(join("\n", @{ $runs[0]{errors} // [] }), '', 'and nothing that a superuser called failed');

# ---------------------------------------------------------------------------------------------------------------------
# Planted in the middle of a call: it waits for a lock of mallory's, who plants what the planner evaluates, and commits

my @waiting = (
	[ sg_orphan_audit => q{SELECT result FROM sg_orphan_audit('t.waiting_c')} ],
	[ sg_orphan_audit => q{SET schemaguard.audit_method = sql; SELECT result FROM sg_orphan_audit('t.waiting_c'); RESET schemaguard.audit_method} ],
	[ sg_orphans => q{SELECT count(*) FROM sg_orphans('t.waiting_c'::regclass, '{q}', 't.waiting_p'::regclass)} ],
	[ sg_rule_audit => q{SELECT count(*) FROM sg_rule_audit('t.waiting_c', 'check', 'q < 2')} ],
	[ sg_rule_violations => q{SELECT count(*) FROM sg_rule_violations('t.waiting_c', 'check', 'q < 2')} ],
	[ sg_measure_overhead => q{SELECT count(*) FROM schemaguard.sg_measure_overhead('waiting', 3, 1)} ],
	[ sg_add_fks => q{CALL sg_add_fks('waiting', fix => true)} ],
	[ sg_rollback_fks => q{CALL sg_rollback_fks('waiting')} ],
	[ sg_apply => q{CALL sg_apply('waiting rows', fix => true)} ]);
{
	my $database = $runs[0]{database};
	my $holder = SgTest::Session->new($node, dbname => $database, user => 'mallory');
	my $caller = SgTest::Session->new($node, dbname => $database, user => $super);
	my (@caught, @never);

	$caller->query(q{CALL fixture.pair('waiting', clause => 'PARTITION BY LIST (n)');
		SELECT sg_plan_create('waiting'), sg_plan_add_fk('waiting', 't.waiting_c', '{q}', 't.waiting_p', orphans => 'delete', index => false);
		SELECT sg_plan_create('waiting rows'), sg_plan_add_check('waiting rows', 't.waiting_c', 'q < 2', 'planned', policy => 'delete');
		SET schemaguard.fix_pause = 0; SET schemaguard.lock_timeout = '300s'});
	foreach (@waiting)
	{
		my ($function, $sql) = @$_;

		$holder->query('BEGIN; LOCK TABLE t.waiting_c, t.waiting_p');
		witnesses();
		$caller->send($sql);
		wait_for(sub { $node->safe_psql('postgres', "SELECT count(*) FROM pg_locks WHERE pid = $caller->{pid} AND NOT granted") ne '0' })
		  or push @never, $function;
		$holder->query(q{CREATE INDEX planted ON t.waiting_c ((n + t.i('waiting', 1))); CREATE INDEX planted_p ON t.waiting_p ((n + t.i('waiting', 1)));
			ALTER TABLE t.waiting_leaf ADD CONSTRAINT planted CHECK (n > t.i('waiting', 0)); COMMIT});
		defined $caller->collect or die "$function: connection is gone";
		push @caught, map { "$function: $_->[1] as $_->[2]" } grep { $_->[1] eq 'waiting' && $_->[2] ne 'mallory' } witnesses();
		note("$function: $caller->{err}");
		$holder->query('DROP INDEX t.planted, t.planted_p; ALTER TABLE t.waiting_leaf DROP CONSTRAINT planted');
	}
	is("@never", '', 'each call waits for the lock');
	is(join("\n", @caught), '', 'nothing that is planted meanwhile runs as another role when it is planned');
	$_->quit foreach $holder, $caller;
}

SKIP:
{
	skip 'the control: `make gaps` has it', 1 unless $control;

	my @missed = grep { !$control->{caught}{$_} } sort keys %reachable;
	is("@missed", '', 'without the switch of roles each slot that is reachable is caught');
	diag(scalar(keys %{ $control->{caught} }) . " slots, witnesses: " . join(', ', map { "$control->{count}{$_} as $_" } sort keys %{ $control->{count} }));
}

$node->stop;
done_testing();
