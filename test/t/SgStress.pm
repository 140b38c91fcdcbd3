# SgStress.pm: a schema of everything, calls of all public functions, and DDL to be done beside them. Text only: SQL to run.
#
#   schema_sql($loopback, @only)            roles, schemas st and st_more, plans 1 to 3, snapshots 1 and 2; true: a foreign table of this server, by
#                                           postgres_fdw; else one whose wrapper has no handler; @only: of the objects these alone
#   call_of('sg_drift')                     one call of this function, drawn at random; undef if there is no template for it
#   called()                                the functions with a template
#   ddl_script($transactions)               for psql: transactions of DDL in random order, held open for a while; errors are part of it
#   killer_script($rounds, 'caller')        for psql: cancels and terminates at random sessions whose application_name begins so
#
# DDL drops and makes, renames there and back, detaches and attaches: whatever the order, the schema stays about the same.
package SgStress;
use strict;
use warnings;
use Exporter 'import';
use SgTest qw(pick chance);

our @EXPORT = qw(schema_sql call_of called ddl_script killer_script);

# ---------------------------------------------------------------------------------------------------------------------
# The schema, object by object: name => what makes it

my @objects = (
	par => 'CREATE TABLE st.par (id int PRIMARY KEY, k int UNIQUE, note text)',
	par_rows => 'INSERT INTO st.par SELECT g, g, g FROM generate_series(1, 20) g',
	tenants => 'CREATE TABLE st.tenants (id int PRIMARY KEY); INSERT INTO st.tenants VALUES (1), (2)',
	dom => 'CREATE DOMAIN st.dom AS int CHECK (VALUE > 0)',
	e => q{CREATE TYPE st.e AS ENUM ('a', 'b')},
	f => 'CREATE FUNCTION st.f(int) RETURNS int LANGUAGE sql IMMUTABLE AS $$ SELECT $1 % 7 $$',
	pl => 'CREATE FUNCTION st.pl() RETURNS void LANGUAGE plpgsql AS $$ BEGIN PERFORM id FROM st.child JOIN st.par USING (id); END $$',
	tf => 'CREATE FUNCTION st.tf() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NEW; END $$',
	child => q{CREATE TABLE st.child (id int PRIMARY KEY, par_id int CONSTRAINT child_par REFERENCES st.par, d st.dom, e st.e DEFAULT 'a', tenant_id int REFERENCES st.tenants,
		n int NOT NULL DEFAULT 1 CONSTRAINT n_positive CHECK (n >= 0), g int GENERATED ALWAYS AS (n + 1) STORED)},
	body => 'CREATE FUNCTION st.body() RETURNS bigint LANGUAGE sql BEGIN ATOMIC SELECT count(id) FROM st.child; END',
	child_rows => 'INSERT INTO st.child SELECT g, 1 + g % 20, g, NULL, 1 + g % 2, g FROM generate_series(1, 200) g',
	child_index => 'CREATE INDEX child_f ON st.child (st.f(n), par_id)',
	child_statistics => 'CREATE STATISTICS st.child_s ON par_id, (n + 1) FROM st.child',
	child_trigger => 'CREATE TRIGGER t BEFORE INSERT ON st.child FOR EACH ROW EXECUTE FUNCTION st.tf()',
	child_policy => 'CREATE POLICY p ON st.child USING (n > 0)',
	child_rule => 'CREATE RULE r AS ON DELETE TO st.child WHERE old.id < 0 DO INSTEAD NOTHING',
	lone => 'CREATE TABLE st.lone (id int, par_id int, tenant_id int, v text)',
	lone_rows => 'INSERT INTO st.lone SELECT g % 90, g % 30, g % 3, g FROM generate_series(1, 100) g',
	top => 'CREATE TABLE st.top (id int, k int, par_id int, PRIMARY KEY (id, k)) PARTITION BY RANGE (id)',
	top_1 => 'CREATE TABLE st.top_1 PARTITION OF st.top FOR VALUES FROM (0) TO (100)',
	top_2 => 'CREATE TABLE st.top_2 PARTITION OF st.top FOR VALUES FROM (100) TO (200) PARTITION BY LIST (k)',
	top_2a => 'CREATE TABLE st.top_2a PARTITION OF st.top_2 FOR VALUES IN (1, 2)',
	top_2d => 'CREATE TABLE st.top_2d PARTITION OF st.top_2 DEFAULT',
	top_3 => 'CREATE TABLE st.top_3 PARTITION OF st.top FOR VALUES FROM (200) TO (300)',
	top_key => 'ALTER TABLE st.top ADD CONSTRAINT top_par FOREIGN KEY (par_id) REFERENCES st.par',
	top_rows => 'INSERT INTO st.top SELECT g, g % 4, 1 + g % 20 FROM generate_series(1, 299) g',
	ref => 'CREATE TABLE st.ref (top_id int, top_k int, CONSTRAINT ref_top FOREIGN KEY (top_id, top_k) REFERENCES st.top)',
	inh => 'CREATE TABLE st.inh (id int, v int CONSTRAINT v_small CHECK (v < 1000))',
	inh_1 => 'CREATE TABLE st.inh_1 (more text) INHERITS (st.inh)',
	inh_2 => 'CREATE TABLE st.inh_2 () INHERITS (st.inh_1)',
	v => 'CREATE VIEW st.v AS SELECT c.id, p.note, st.f(c.n) FROM st.child c JOIN st.par p ON p.id = c.par_id',
	v2 => 'CREATE VIEW st.v2 AS SELECT id, count(*) FROM st.v GROUP BY id',
	mv => 'CREATE MATERIALIZED VIEW st.mv AS SELECT id, note FROM st.par',
	mv_index => 'CREATE UNIQUE INDEX mv_id ON st.mv (id)',
	seq => 'CREATE SEQUENCE st.seq OWNED BY st.lone.id',
	ft => 'CREATE FOREIGN TABLE st.ft (id int, par_id int) SERVER st_server',
	more => 'CREATE SCHEMA st_more; CREATE TABLE st_more.a (id int PRIMARY KEY, child_id int REFERENCES st.child); CREATE VIEW st_more.b AS SELECT * FROM st_more.a');

my %object = @objects;

# Objects that are there; else all are
my %only;

# A plan of steps of each kind, on what is there
sub plan_sql
{
	my ($plan) = @_;

	return join '', map { "$_\n" } grep { !%only || !grep { !$only{$_} } /\bst\.(\w+)/g } split /\n/, <<"SQL";
SELECT sg_plan_create('$plan', replace => true);
SELECT sg_plan_add_fk('$plan', 'st.lone', '{par_id}', 'st.par', fk_name => 'lone_par_$plan', orphans => 'leave');
SELECT sg_plan_add_fk('$plan', 'st.top_1', '{par_id}', 'st.par', fk_name => 'top_1_par_$plan');
SELECT sg_plan_add_fk('$plan', 'st.top', '{par_id}', 'st.par', fk_name => 'top_par_$plan');
SELECT sg_plan_add_fk('$plan', 'st.inh_1', '{id}', 'st.tenants', fk_name => 'inh_$plan', orphans => 'quarantine');
SELECT sg_plan_add_check('$plan', 'st.child', 'n > 0 AND st.f(n) < 9', name => 'c_$plan', policy => 'quarantine');
SELECT sg_plan_add_check('$plan', 'st.top', 'k < 9', name => 'ct_$plan');
SELECT sg_plan_add_not_null('$plan', 'st.child', 'par_id');
SELECT sg_plan_add_unique('$plan', 'st.lone', '{id}', name => 'u_$plan', policy => 'quarantine', keep_by => 'v');
SELECT sg_plan_add_unique('$plan', 'st.child', '{n}', name => 'un_$plan');
SELECT sg_plan_add_column('$plan', 'st.child', 'new_$plan', 'int DEFAULT 7');
SELECT sg_plan_add_default('$plan', 'st.child', 'par_id', '1');
SELECT sg_plan_add_default('$plan', 'st.top', 'par_id', '1');
SELECT sg_plan_add_index('$plan', 'st.child', '(n DESC) WHERE par_id IS NOT NULL', 'ix_$plan');
SELECT sg_plan_add_index('$plan', 'st.top', '(par_id)', 'ixt_$plan');
SELECT sg_plan_add_statement('$plan', 'UPDATE st.lone SET v = v WHERE id < 3', child_table => 'st.lone', name => 's_$plan');
SELECT sg_plan_add_statement('$plan', 'UPDATE st.inh SET v = v', done_when => 'SELECT false FROM st.mv');
SELECT sg_plan_add_drop('$plan', 'index', 'st.child', 'child_f');
SELECT sg_plan_add_drop('$plan', 'view', 'st.v2');
SELECT sg_plan_add_rename('$plan', 'column', 'st.lone', 'v_$plan', name => 'v');
SQL
}

# Creates a procedure that creates again what is gone
sub heal_sql
{
	my @statements;

	for (my $i = 0; $i < @objects; $i += 2) { push @statements, $objects[$i + 1] unless $objects[$i] eq 'lone_rows'; }
	return 'CREATE PROCEDURE public.st_heal() LANGUAGE plpgsql AS $heal$ DECLARE statement text; BEGIN FOREACH statement IN ARRAY ' . SgTest::text_array(@statements)
	  . " LOOP BEGIN EXECUTE statement; EXCEPTION WHEN others THEN END; COMMIT; END LOOP; END \$heal\$;\n";
}

sub schema_sql
{
	my ($loopback, @only) = @_;
	my $sql = "CREATE ROLE st_a LOGIN; CREATE ROLE st_b LOGIN; GRANT st_b TO st_a; SELECT sg_grant('st_a');\n";

	$sql .= $loopback ? <<'SQL' : "CREATE FOREIGN DATA WRAPPER st_wrapper; CREATE SERVER st_server FOREIGN DATA WRAPPER st_wrapper;\n";
CREATE EXTENSION postgres_fdw;
SELECT format('CREATE SERVER st_server FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host %L, port %L, dbname %L)',
	split_part(current_setting('unix_socket_directories'), ', ', 1), current_setting('port'), current_database()) \gexec
CREATE USER MAPPING FOR PUBLIC SERVER st_server;
SQL
	$sql .= "CREATE SCHEMA st; GRANT ALL ON SCHEMA st TO PUBLIC;\n";
	%only = map { $_ => 1 } @only;
	for (my $i = 0; $i < @objects; $i += 2) { $sql .= "$objects[$i + 1];\n" if !@only || $only{ $objects[$i] }; }
	$sql .= "GRANT ALL ON ALL TABLES IN SCHEMA st TO st_a;\n" . heal_sql();
	$sql .= plan_sql($_) foreach 1 .. 3;
	return $sql . "SELECT sg_snapshot_take('1', schemas => '{st,st_more}'); SELECT sg_snapshot_take('2');\n";
}

# ---------------------------------------------------------------------------------------------------------------------
# Calls

# A name, and the OID of what was a table when the query began
my @tables = qw(st.par st.child st.lone st.top st.top_1 st.top_2 st.top_2a st.top_2d st.ref st.inh st.inh_1 st.mv st.v st.ft st_more.a st.tenants);
sub table { return pick(@tables); }
sub plan { return pick(1 .. 3); }
sub snapshot { return pick(1, 2); }
sub schemas { return pick('NULL', q{'{st}'}, q{'{st,st_more}'}); }
sub yes { return pick('true', 'false'); }

sub child
{
	return chance(.3) ? "'" . table() . "'::regclass"
	  : sprintf q{(SELECT oid::regclass FROM pg_class WHERE relnamespace = 'st'::regnamespace AND relkind IN (%s) ORDER BY random() LIMIT 1)},
	  pick(q{'r', 'p'}, q{'r', 'p', 'f', 'v', 'm'});
}

# For each table of a schema, one after the other, while others change them
sub each_table { return q{(SELECT oid::regclass AS t FROM pg_class WHERE relnamespace = 'st'::regnamespace AND relkind IN ('r', 'p') ORDER BY random()) AS r}; }

my %calls = (
	sg_add_fks => sub { "CALL sg_add_fks('${\plan}', fix => ${\yes})" },
	sg_apply => sub { "CALL sg_apply('${\plan}', fix => ${\yes}, validate => ${\yes})" },
	sg_audit_gate => sub { pick("CALL sg_audit_gate(${\schemas})", "CALL sg_audit_gate('{st}', '${\plan}')") },
	sg_capture_ddl => sub { "SELECT sg_capture_ddl(${\yes})" },
	sg_compare_fks => sub { "SELECT * FROM sg_compare_fks('${\snapshot}')" },
	sg_discover_fks => sub { "SELECT * FROM sg_discover_fks(" . pick('NULL', child()) . ", 0, '${\pick(qw(none sample full))}', '{st}')" },
	sg_discover_unmatched => sub { "SELECT * FROM schemaguard.sg_discover_unmatched(${\schemas})" },
	sg_drift => sub { "SELECT * FROM sg_drift('${\snapshot}', schemas => ${\schemas}, cosmetic => ${\yes})" },
	sg_drift_check => sub { "SELECT sg_drift_check('${\snapshot}')" },
	sg_drift_gate => sub { "CALL sg_drift_gate('${\snapshot}')" },
	sg_drift_matrix => sub { q{SELECT * FROM sg_drift_matrix('{1,2,live}')} },
	sg_fix_orphans => sub { "CALL sg_fix_orphans('${\plan}', 10, dry_run => ${\yes})" },
	sg_fk_orphans => sub { q{SELECT o.* FROM (SELECT conrelid::regclass AS t, conname FROM pg_constraint WHERE contype = 'f' AND conparentid = 0 ORDER BY random()) AS c, sg_fk_orphans(t, conname) AS o} },
	sg_grant => sub { "SELECT sg_grant('st_a')" },
	sg_guard_ddl => sub { "SELECT sg_guard_ddl('" . pick(qw(off warn)) . "', ${\schemas})" },
	sg_impact => sub { pick("SELECT i.* FROM ${\each_table}, sg_impact(t::text, ${\yes}) AS i", "SELECT * FROM sg_impact('" . pick('st.child.par_id', 'st.dom', 'st.f(integer)', 'st.par.id', 'st.e', 'st.v', 'st.tf()', 'st.seq') . "')") },
	sg_lookup_drift => sub { q{SELECT * FROM sg_lookup_drift('1')} },
	sg_manual_changes => sub { 'SELECT * FROM sg_manual_changes()' },
	sg_measure_overhead => sub { "SELECT * FROM schemaguard.sg_measure_overhead('${\plan}', 5, 1)" },
	sg_ok_keys_valid => sub { 'SELECT sg_ok_keys_valid()' },
	sg_ok_no_drift => sub { "SELECT sg_ok_no_drift('${\snapshot}')" },
	sg_ok_no_orphans => sub { 'SELECT sg_ok_no_orphans()' },
	sg_orphan_audit => sub { "SELECT * FROM sg_orphan_audit(" . pick('', "schemas => ${\schemas}", "plan => '${\plan}'", child(), 'inferred => true') . ')' },
	sg_orphans => sub { "SELECT * FROM sg_orphans(${\child}, '{par_id}', 'st.par'::regclass)" },
	sg_plan_add_archive_columns => sub { "SELECT sg_plan_add_archive_columns('${\plan}', '{${\table}}', children => '${\pick(qw(refuse cascade))}')" },
	sg_plan_add_audit_columns => sub { "SELECT sg_plan_add_audit_columns('${\plan}', '{${\table}}')" },
	sg_plan_add => sub { "SELECT sg_plan_add('${\plan}', 'ALTER TABLE ${\table} ADD CHECK (id < 2000)', '{\"priority\": \"low\"}')" },
	sg_plan_add_check => sub { "SELECT sg_plan_add_check('${\plan}', '${\table}', 'id < 1000')" },
	sg_plan_add_column => sub { "SELECT sg_plan_add_column('${\plan}', '${\table}', 'added', '${\pick('int', 'st.dom', 'st.e')}')" },
	sg_plan_add_default => sub { "SELECT sg_plan_add_default('${\plan}', '${\table}', 'id', 'st.f(1)')" },
	sg_plan_add_drop => sub { "SELECT sg_plan_add_drop('${\plan}', '" . pick(q{table', 'st.inh_2'}, q{column', 'st.child', 'e'}, q{constraint', 'st.child', 'n_positive'}) . ', keep => ' . yes() . ')' },
	sg_plan_add_fk => sub { "SELECT sg_plan_add_fk('${\plan}', '${\table}', '{par_id}', 'st.par', orphans => 'leave')" },
	sg_plan_add_index => sub { "SELECT sg_plan_add_index('${\plan}', '${\table}', '(st.f(id))')" },
	sg_plan_add_not_null => sub { "SELECT sg_plan_add_not_null('${\plan}', '${\table}', 'par_id')" },
	sg_plan_add_rows => sub { "SELECT sg_plan_add_rows('${\plan}', '${\table}', '[{\"id\": 1}, {\"id\": 3000}]', '{id}')" },
	sg_plan_add_rename => sub { "SELECT sg_plan_add_rename('${\plan}', '" . pick(q{table', 'st.inh', 'inh_x'}, q{constraint', 'st.child', 'child_par_x', 'child_par'}) . q{)} },
	sg_plan_add_statement => sub { "SELECT sg_plan_add_statement('${\plan}', '" . pick('update st.child set n = n', 'alter table st.lone alter v set statistics 7', 'drop view if exists st.no_such') . q{')} },
	sg_plan_add_unique => sub { "SELECT sg_plan_add_unique('${\plan}', '${\table}', '{id}')" },
	sg_plan_allow => sub { "SELECT sg_plan_allow('${\plan}', 'st_a', ${\yes})" },
	sg_plan_approve => sub { "SELECT sg_plan_approve('${\plan}')" },
	sg_plan_pause => sub { "SELECT sg_plan_pause('${\plan}')" },
	sg_plan_resume => sub { "SELECT sg_plan_resume('${\plan}')" },
	sg_plan_check => sub { "SELECT * FROM sg_plan_check('${\plan}')" },
	sg_plan_create => sub { plan_sql(plan()) },
	sg_plan_drop => sub { "SELECT sg_plan_drop('${\pick('gone', plan())}')" },
	sg_plan_export => sub { "SELECT sg_plan_export('${\plan}')" },
	sg_plan_from_discovery => sub { "SELECT sg_plan_create('gone', replace => true); SELECT sg_plan_from_discovery('gone', 0)" },
	sg_plan_from_snapshot => sub { "SELECT sg_plan_create('gone', replace => true); SELECT sg_plan_from_snapshot('gone', '${\snapshot}')" },
	sg_plan_from_sql => sub { q{SELECT sg_plan_create('gone', replace => true); SELECT sg_plan_from_sql('gone', 'ALTER TABLE st.lone ADD FOREIGN KEY (par_id) REFERENCES st.par; CREATE INDEX ON st.top (k); ALTER TABLE st.child ADD x st.dom, DROP COLUMN e')} },
	sg_plan_hash => sub { "SELECT schemaguard.sg_plan_hash('${\plan}')" },
	sg_plan_import => sub { "SELECT sg_plan_import('gone', sg_plan_export('${\plan}'))" },
	sg_plan_isolate => sub { "SELECT sg_plan_create('gone', replace => true); SELECT sg_plan_isolate('gone', 'tenant_id', 'st.tenants')" },
	sg_plan_option => sub { "SELECT sg_plan_option('${\plan}', 'lock_timeout', '30ms')" },
	sg_plan_explain => sub { "SELECT * FROM sg_plan_explain('${\plan}', 1)" },
	sg_plan_referencing => sub { "SELECT * FROM sg_plan_referencing('${\plan}')" },
	sg_plan_add_referencing => sub { "SELECT sg_plan_add_referencing('${\plan}')" },
	sg_plan_release => sub { "SELECT sg_plan_set('${\plan}', '{1}', '{\"phase\": \"later\"}'); SELECT sg_plan_release('${\plan}', 'later')" },
	sg_plan_retarget => sub { "SELECT sg_plan_create('gone', replace => true); SELECT sg_plan_retarget('gone', 'st.par', '${\pick('st.tenants', 'st.lone', 'st.top')}')" },
	sg_plan_set => sub { "SELECT sg_plan_set('${\plan}', '{1}', '{\"orphans\": \"${\pick(qw(leave stop quarantine))}\"}')" },
	sg_plan_skip => sub { "SELECT sg_plan_skip('${\plan}', '{2}', 'no')" },
	sg_plan_sql => sub { "SELECT * FROM sg_plan_sql('${\plan}')" },
	sg_plan_steps => sub { "SELECT sg_plan_steps('${\plan}', 'pending')" },
	sg_prune => sub { "CALL sg_prune(now() - interval '3 s')" },
	sg_restore_quarantine => sub { "CALL sg_restore_quarantine('${\plan}')" },
	sg_revoke => sub { "SELECT sg_revoke('st_b')" },
	sg_rollback_fks => sub { "CALL sg_rollback_fks('${\plan}')" },
	sg_rule_audit => sub { pick("SELECT a.* FROM ${\each_table}, sg_rule_audit(t) AS a", "SELECT * FROM sg_rule_audit(${\child}, 'check', 'id > 0')", "SELECT * FROM sg_rule_audit(${\child}, 'unique', '(id)')") },
	sg_rule_violations => sub { "SELECT * FROM sg_rule_violations(${\child}, '" . pick(q{check', 'id > 10'}, q{not null', 'par_id'}, q{unique', '(id)'}) . ')' },
	sg_snapshot_drop => sub { "SELECT sg_snapshot_drop('3')" },
	sg_snapshot_export => sub { "SELECT count(*) FROM sg_snapshot_export('${\snapshot}')" },
	sg_snapshot_from_files => sub { "SELECT sg_snapshot_drop('4'); SELECT sg_snapshot_from_files('4', '{a.sql}', '{CREATE TABLE t (a int)}')" },
	sg_snapshot_import => sub { "SELECT sg_snapshot_drop('3'); SELECT sg_snapshot_import('3', ARRAY(SELECT sg_snapshot_export('${\snapshot}')))" },
	sg_snapshot_objects => sub { "SELECT * FROM sg_snapshot_objects('${\pick('live', snapshot())}', ${\schemas})" },
	sg_snapshot_take => sub { "SELECT sg_snapshot_take('3', ${\schemas}, sequence_values => ${\yes})" },
	sg_ensure => sub { "CALL sg_ensure('${\snapshot}', mode => '" . pick(qw(apply check)) . "')" },
	sg_sync_apply => sub { "CALL sg_sync_apply('${\snapshot}', '{st,st_more}', allow_drop => ${\yes}, partitions => true, fail => false)" },
	sg_sync_check => sub { "SELECT * FROM sg_sync_check('${\snapshot}', schemas => '{st,st_more}', allow_drop => ${\yes})" },
	sg_migration_history => sub { q{SELECT * FROM sg_migration_history('rails', '{1_a}')} },
	sg_files_history => sub { q{SELECT * FROM sg_files_history('rails', '{1_a}')} },
	sg_sync_files => sub { "SELECT * FROM sg_sync_files('${\snapshot}', 'live', '${\pick(qw(goose liquibase sqitch))}', schemas => ${\schemas}, allow_drop => ${\yes})" },
	sg_sync_sql => sub { "SELECT * FROM sg_sync_sql('${\snapshot}', schemas => ${\schemas}, allow_drop => ${\yes})" },
	sg_audit_accept => sub { "SELECT sg_audit_accept('${\pick(qw(c_fkey nothing))}', 'why')" },
	sg_promote => sub { "SELECT sg_promote('dev', 'here', '${\snapshot}', '{st}', allow_drop => ${\yes})" },
	sg_promotion_approve => sub { q{SELECT sg_promotion_approve(max(bundle), max(hash)) FROM schemaguard.promotion} },
	sg_promotion_check => sub { q{SELECT sg_promotion_check(max(bundle)) FROM schemaguard.promotion} },
	sg_promote_apply => sub { q{CALL sg_promote_apply('dev to here 1')} },
	sg_promote_rollback => sub { q{CALL sg_promote_rollback('dev to here 1')} },
	sg_promotion_status => sub { 'SELECT * FROM sg_promotion_status()' },
	sg_backup_record => sub { q{SELECT sg_backup_record('pg_dump', 'x')} },
	sg_audit_baseline => sub { 'SELECT sg_audit_baseline()' },
	sg_findings_take => sub { 'SELECT count(*) FROM sg_findings_take()' },
	sg_health => sub { 'SELECT sg_health()' },
	sg_graph => sub { 'SELECT sg_graph(' . pick('', "'dot', '{st}'", "'svg', depth => 2, focus => '${\table}'") . ')' },
	sg_lint_gate => sub { 'CALL sg_lint_gate(' . pick('', "'note', false, '{st}'") . ')' },
	sg_lint_sarif => sub { q{SELECT sg_lint_sarif('{st}')} },
	sg_lint_sql => sub { "SELECT * FROM sg_lint_sql('ALTER TABLE ${\table} ADD x int UNIQUE; DROP TABLE ${\table}')" },
	sg_lint_sql_sarif => sub { "SELECT sg_lint_sql_sarif('TRUNCATE ${\table} CASCADE', 'db/1.sql')" },
	sg_lint => sub { 'SELECT * FROM sg_lint(' . pick('', "'{st}'") . ')' },
	sg_report => sub { 'SELECT sg_report(' . pick('', "'${\plan}'", "'${\plan}', 'html'", "'${\plan}', 'json', 'checklist'") . ')' },
	sg_schema_doc => sub { 'SELECT * FROM sg_schema_doc(' . pick('', "'{st}', 'files', true, true", "'{st}', 'html'") . ')' },
	sg_dashboard => sub { 'SELECT schemaguard.sg_stats_take(), sg_dashboard()' },
	sg_status => sub { 'SELECT * FROM sg_status()' },
	sg_tenant_audit => sub { "SELECT * FROM sg_tenant_audit('tenant_id'" . pick('', q{, 'st.tenants'}, q{, schemas => '{st}'}) . ')' },
	sg_verify_fks => sub { 'SELECT * FROM sg_verify_fks(' . pick('', "'${\plan}'", 'live => true', "'${\plan}', live => true") . ')' },
	sg_violations => sub { "SELECT v.* FROM schemaguard.plan_step s, sg_violations(s.plan, s.step) v WHERE s.kind IN ('check', 'not null', 'unique')" },
	sg_watch => sub { "SELECT count(*) FROM schemaguard.watch w, sg_watch(w.plan)" },
	sg_watch_start => sub { "SELECT sg_watch_start('${\plan}', 1)" },
	sg_watch_subscriptions => sub { "SELECT sg_watch_subscriptions(${\yes})" },);

sub called { return sort keys %calls; }

sub call_of
{
	my ($function) = @_;

	return $calls{$function} ? $calls{$function}->() : undef;
}

# ---------------------------------------------------------------------------------------------------------------------
# DDL beside them

# Statements of one transaction each; those that no transaction can hold have [ ] around them, and a timeout, so that a
# DETACH CONCURRENTLY stays pending where somebody uses the table
my @ddl = (
	(map { my $name = $_; "DROP TABLE st.$name CASCADE; $object{$name}" } qw(child lone top_1 top_2a top_2d top_3 inh_1 inh ref)),
	(map { my $name = $_; ("DROP TABLE st.$name CASCADE", $object{$name}) } qw(child lone top_1 top_2 top_2a top_2d top_3 inh inh_1 inh_2 ref par top tenants)),
	(map { my $name = $_; ("DROP VIEW st.$name CASCADE", $object{$name}) } qw(v v2)),
	(map { $object{$_} } qw(par child lone top top_1 top_2 top_2a top_2d top_3 inh inh_1 inh_2 ref dom e f tf body v v2 mv mv_index seq ft child_index child_statistics child_trigger child_policy
		child_rule child_rows lone_rows top_rows par_rows top_key more)),
	(map { ($_, $_) } 'DROP DOMAIN st.dom CASCADE', 'DROP TYPE st.e CASCADE', 'DROP FUNCTION st.f CASCADE', 'DROP FUNCTION st.tf CASCADE', 'DROP MATERIALIZED VIEW st.mv',
		'DROP FOREIGN TABLE st.ft', 'DROP SCHEMA st_more CASCADE', 'DROP INDEX st.child_f', 'DROP STATISTICS st.child_s', 'DROP TRIGGER t ON st.child', 'DROP POLICY p ON st.child',
		'DROP RULE r ON st.child', 'DROP SEQUENCE st.seq CASCADE'),
	(map { my ($from, $to) = @$_; ("ALTER TABLE st.$from RENAME TO $to", "ALTER TABLE st.$to RENAME TO $from") } [qw(child child_x)], [qw(lone lone_x)], [qw(top_1 top_x)], [qw(par par_x)], [qw(inh inh_x)]),
	'ALTER TABLE st.child RENAME par_id TO par_x', 'ALTER TABLE st.child RENAME par_x TO par_id', 'ALTER TABLE st.par RENAME id TO id_x', 'ALTER TABLE st.par RENAME id_x TO id',
	'ALTER TABLE st.child DROP par_id', 'ALTER TABLE st.child ADD par_id int CONSTRAINT child_par REFERENCES st.par',
	'ALTER TABLE st.child DROP CONSTRAINT child_par', 'ALTER TABLE st.child ADD CONSTRAINT child_par FOREIGN KEY (par_id) REFERENCES st.par NOT VALID',
	'ALTER TABLE st.child DROP CONSTRAINT n_positive', 'ALTER TABLE st.child ADD CONSTRAINT n_positive CHECK (n >= 0)',
	'ALTER TABLE st.child ALTER n DROP DEFAULT', 'ALTER TABLE st.child ALTER n SET DEFAULT st.f(1)', 'ALTER TABLE st.child ALTER par_id SET DEFAULT 3', 'ALTER TABLE st.child DROP n CASCADE',
	'ALTER TABLE st.child ADD n int NOT NULL DEFAULT 1', 'ALTER TABLE st.child ENABLE ROW LEVEL SECURITY', 'ALTER TABLE st.child DISABLE ROW LEVEL SECURITY',
	(map { ("ALTER TABLE $_ TYPE bigint", "ALTER TABLE $_ TYPE int") } 'st.child ALTER par_id', 'st.lone ALTER id', 'st.inh ALTER v', 'st.top ALTER par_id'),
	(map { my $table = $_; map { "ALTER TABLE st.$table OWNER TO $_" } qw(st_a st_b CURRENT_USER) } qw(child lone top top_1 par)),
	'ALTER TABLE st.lone SET SCHEMA st_more', 'ALTER TABLE st_more.lone SET SCHEMA st', 'ALTER SCHEMA st_more RENAME TO st_other', 'ALTER SCHEMA st_other RENAME TO st_more',
	'ALTER DOMAIN st.dom ADD CONSTRAINT small CHECK (VALUE < 9999)', 'ALTER DOMAIN st.dom DROP CONSTRAINT small', 'ALTER TABLE st.lone ADD d st.dom DEFAULT 1', 'ALTER TABLE st.lone DROP d',
	'CREATE OR REPLACE FUNCTION st.f(int) RETURNS int LANGUAGE sql IMMUTABLE AS $$ SELECT $1 % 11 $$', 'ALTER FUNCTION st.f(int) OWNER TO st_a',
	'ALTER TABLE st.inh_1 NO INHERIT st.inh', 'ALTER TABLE st.inh_1 INHERIT st.inh', 'TRUNCATE st.lone', 'TRUNCATE st.child CASCADE', 'REFRESH MATERIALIZED VIEW st.mv',
	(map { my ($part, $parent, $bound) = @$_; map { ($_, $_) } "ALTER TABLE st.$parent DETACH PARTITION st.$part", "ALTER TABLE st.$parent ATTACH PARTITION st.$part $bound" }
		[ 'top_1', 'top', 'FOR VALUES FROM (0) TO (100)' ], [ 'top_3', 'top', 'FOR VALUES FROM (200) TO (300)' ], [ 'top_2a', 'top_2', 'FOR VALUES IN (1, 2)' ], [ 'top_2', 'top', 'FOR VALUES FROM (100) TO (200)' ]),
	(map { my $detach = $_; ([$detach], [$detach], [$detach], [$detach =~ s/CONCURRENTLY/FINALIZE/r]) }
		map { "ALTER TABLE st.top DETACH PARTITION st.$_ CONCURRENTLY" } qw(top_1 top_2 top_3)),
	['CREATE INDEX CONCURRENTLY ON st.child (par_id)'], ['DROP INDEX CONCURRENTLY st.child_f'], ['REINDEX TABLE CONCURRENTLY st.child'], ['VACUUM ANALYZE st.child'],
	# held open: what waits for old snapshots and for users of a table is cancelled meanwhile
	('SELECT count(*) FROM st.top', 'SELECT count(*) FROM st.top JOIN st.child USING (id)', 'LOCK TABLE st.child', 'LOCK TABLE st.par IN SHARE MODE') x 3);

sub ddl_script
{
	my ($transactions) = @_;
	my $script = "SET client_min_messages = error; SET lock_timeout = '300ms';\n";

	foreach (1 .. $transactions)
	{
		my $ddl = chance(.1) ? ['CALL public.st_heal()'] : pick(@ddl);

		if (ref $ddl)
		{
			$script .= "SET statement_timeout = '${\($ddl->[0] =~ /^CALL/ ? 2000 : 150)}ms';\n$ddl->[0];\nRESET statement_timeout;\n";
			next;
		}
		$script .= sprintf "BEGIN;\n%s;\nSELECT pg_sleep(%.3f);\n%s;\nSELECT pg_sleep(%.3f);\n", $ddl, rand() ** 3 * .3, chance(.9) ? 'COMMIT' : 'ROLLBACK', rand() ** 2 * .05;
	}
	return $script;
}

sub killer_script
{
	my ($rounds, $application) = @_;

	return join '', map { sprintf <<'SQL', chance(.2) ? 'terminate' : 'cancel', $application, rand() * .6 } 1 .. $rounds;
SELECT pg_%s_backend(pid) FROM pg_stat_activity WHERE state = 'active' AND application_name ~ '^%s' ORDER BY random() LIMIT 1;
SELECT pg_sleep(%.3f);
SQL
}

1;
