# 080_dump.pl: a database with plans, notes and a log, taken elsewhere and put away.
#
#   - pg_dump and pg_restore, plain, custom and directory: everything is equal, sequences go on, a half-done plan goes on
#   - a database of another encoding: the trigger of a plan whose name has other bytes there is the plan's
#   - proofs travel along, but count only where they were made
#   - DROP EXTENSION in the middle of a plan keeps the keys and leaves nothing behind; CREATE EXTENSION again works
#   - CREATE EXTENSION in another schema works; a schema or a function that somebody made beforehand is no way in
#   - objects of another version than the library's: 55000
#
# rooms: plan
# takes: 25 s
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Utils;
use Test::More;
use SgTest;

my $node = new_node('dump', without => 1);
$node->safe_psql('postgres', 'CREATE ROLE alice; CREATE ROLE bob');

# A database in the middle of things: a plan done in part, one with notes, one skipped step, hostile names, a log
my $fill = q{
	CREATE EXTENSION schemaguard;
	SELECT sg_grant('alice');
	GRANT CREATE ON SCHEMA public TO alice;
	SET ROLE alice;
	CREATE TABLE p (id int PRIMARY KEY, "We""ird.T a" int UNIQUE);
	CREATE TABLE c (a int, b int, "x;y" int);
	INSERT INTO p SELECT g, g FROM generate_series(1, 5) g;
	INSERT INTO c SELECT g, g + 1, g FROM generate_series(1, 5) g;
	SELECT sg_plan_create('half', E'done\nin part \\ "');
	SELECT sg_plan_add_fk('half', 'c', '{a}', 'p', fk_name => 'done'), sg_plan_add_fk('half', 'c', '{b}', 'p', fk_name => 'orphaned'),
	       sg_plan_add_fk('half', 'c', '{"x;y"}', 'p', '{"We\"ird.T a"}', fk_name => 'left "alone"', orphans => 'leave', on_delete => 'cascade', "deferrable" => true),
	       sg_plan_add_fk('half', 'c', '{a}', 'missing', '{id}', fk_name => 'no parent', on_delete => 'set null', on_delete_columns => '{a}');
	SELECT sg_plan_skip('half', '{3}', E'not\tyet');
	CALL sg_add_fks('half');
	SELECT sg_plan_create('script');
	SELECT sg_plan_from_sql('script', 'ALTER TABLE c ADD FOREIGN KEY (b) REFERENCES p (id); SELEKT 1; CREATE TABLE t (a int, FOREIGN KEY (a, a) REFERENCES p (id, id)); GRANT x TO y;');
	RESET ROLE;
	SELECT sg_plan_create('empty');
	INSERT INTO schemaguard.go_rule (plan, metric, target, weight, why) VALUES ('half', 'orphan rows', 3, 'hold', E'as\nagreed'), (NULL, 'drift', 5, 'note', NULL);
	INSERT INTO schemaguard.lint_rule (name, query) VALUES ('mine', 'SELECT ''a'', ''b''');
	INSERT INTO schemaguard.lint_ignore (rule, reason) VALUES ('mine', E'as\nagreed');
	INSERT INTO schemaguard.module (module, pattern) VALUES (E'a\nb', 'public.*');
	INSERT INTO schemaguard.critical_table (table_name, min_rows, why) VALUES ('public.p', 3, E'a\tb');
	INSERT INTO schemaguard.lookup_table (table_name, condition) VALUES ('public.p', E'id < 4\n -- few');
	INSERT INTO schemaguard.smoke_test (name, plan, kind, statement, expectation) VALUES ('tested', 'half', 'query', 'SELECT 1', E'1\n2'), ('nothing', NULL, 'attempt', 'DELETE FROM c', '23503 or 23001');
	INSERT INTO schemaguard.environment (name, server, stage, next, "window") VALUES (E'a\tb', 'b', 'test', 'here', '22:00-04:00'), ('here', NULL, 'production', NULL, NULL);
	SELECT sg_snapshot_take('promoted', 'public');
	SELECT sg_promote(E'a\tb', 'here', 'promoted', 'public');
	SELECT schemaguard.sg_stats_take(), sg_watch_start('half');
	SELECT sg_verify_fks('half');
	SELECT sg_orphan_audit_details();
	SELECT sg_snapshot_take('looked');
};
$node->safe_psql('postgres', 'CREATE DATABASE source');
$node->safe_psql('source', "SET client_min_messages = error; $fill");
$node->psql('source', q{CALL sg_audit_gate(plan => 'half')});

my %content = map { $_ => "SELECT * FROM schemaguard.$_ t ORDER BY t::text COLLATE \"C\"" } qw(plan plan_step plan_note plan_pause plan_deed audit_log evidence proof finding go_rule lint_rule lint_ignore critical_table smoke_test lookup_table snapshot_lookup module stats watch environment promotion);
$content{sequences} = 'SELECT (SELECT last_value FROM schemaguard.plan_id_seq), (SELECT last_value FROM schemaguard.plan_deed_id_seq), (SELECT last_value FROM schemaguard.audit_log_id_seq)';
$content{granted} = q{SELECT proacl FROM pg_proc WHERE oid = 'schemaguard.sg_write()'::regprocedure};
$content{exported} = q{SELECT sg_plan_export('half'), sg_plan_export('script')};
$content{audit} = q{BEGIN READ ONLY; SELECT fk_name, source, state, rows_checked, orphan_rows, result FROM sg_orphan_audit_details()};
$content{rights} = q{SELECT relname, relrowsecurity, relacl, (SELECT count(*) FROM pg_trigger WHERE tgrelid = c.oid AND tgenabled = 'A'), (SELECT count(*) FROM pg_policy WHERE polrelid = c.oid)
	FROM pg_class c WHERE relnamespace = 'schemaguard'::regnamespace ORDER BY relname COLLATE "C"};
sub content { my ($db) = @_; return map { $_ => $node->safe_psql($db, $content{$_}) } keys %content; }
my %source = content('source');
like($source{plan_step}, qr/validated.*orphan row|orphan row.*validated/s, 'the plan is half done');
isnt($source{plan_note}, '', 'there are notes');
like($source{finding}, qr/\|unknown\|/, 'and what a gate has found');

my $dir = $node->basedir;
my $connect = '-h ' . $node->host . ' -p ' . $node->port;
my $trust = q{SELECT fk_name, stands, stale_reason FROM schemaguard.fk_trust};
is($node->safe_psql('source', $trust), 'done|t|', 'a proof stands');

for my $format ('plain', 'custom', 'directory')
{
	my $file = "$dir/dump.$format";
	my $db = "from_$format";

	$node->safe_psql('postgres', "CREATE DATABASE $db");
	$node->command_ok([ 'pg_dump', '-F', $format, '-f', $file, 'source' ], "pg_dump, $format");
	if ($format eq 'plain') { $node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-o', '/dev/null', '-d', $db, '-f', $file ], 'restored by psql'); }
	else { $node->command_ok([ 'pg_restore', '--exit-on-error', '-d', $db, ($format eq 'directory' ? '--jobs=2' : '--single-transaction'), $file ], "pg_restore, $format"); }
	my %copy = content($db);
	is($copy{$_}, $source{$_}, "$format: $_") for sort keys %content;
	is($node->safe_psql($db, $trust), 'done|f|never proved: the proof on record comes from another database', "$format: proofs of elsewhere do not count");

	# a copy is a working database: what was left is done, and nothing collides
	$node->safe_psql($db, q{SET client_min_messages = error; UPDATE c SET b = NULL WHERE b > 5;
		SELECT sg_plan_set('half', '{3}', '{"state": "pending"}'); CALL sg_add_fks('half', author => 'alice'); SELECT sg_plan_create('another')});
	is($node->safe_psql($db, q{SELECT string_agg(step || ' ' || state, ', ' ORDER BY step) FROM schemaguard.plan_step WHERE plan = 'half'}),
		'1 validated, 2 validated, 3 validated, 4 skipped', "$format: the plan goes on");
	is($node->safe_psql($db, q{SELECT id > (SELECT max(id) FROM schemaguard.plan WHERE name <> 'another') FROM schemaguard.plan WHERE name = 'another'}), 't',
		"$format: ids go on");
	is($node->safe_psql($db, qq{DO 'BEGIN PERFORM sg_orphan_audit_details(); END'; $trust WHERE fk_name = 'done'}), 'done|t|', "$format: new ones do");
	is_error($node, 'DELETE FROM schemaguard.audit_log', '42501', qr/append-only/, "$format: the log is guarded", dbname => $db);
	is($node->safe_psql($db, q{SET ROLE bob; SELECT count(*) FROM schemaguard.audit_log}), '0', "$format: and private");
	is($node->safe_psql($db, q{SET ROLE bob; SELECT (SELECT count(*) FROM schemaguard.plan), (SELECT count(*) FROM schemaguard.plan_step), (SELECT count(*) FROM schemaguard.plan_note), (SELECT count(*) FROM schemaguard.plan_deed)}), '0|0|0|0', "$format: so are plans");
	$node->safe_psql($db, q{SET client_min_messages = error; CALL sg_rollback_fks('half', author => 'alice')});
	is($node->safe_psql($db, q{SELECT count(*) FROM pg_constraint WHERE conname = 'done'}), '0', "$format: what was done before is taken back");
}

# into another system; and put back where it came from, where the proof counts
my $other = new_node('other', without => 1);
$node->command_ok([ 'sh', '-c', "pg_restore -h " . $other->host . ' -p ' . $other->port . " --no-owner --no-acl -d postgres $dir/dump.custom" ], 'restored into another system');
is($other->safe_psql('postgres', $trust), 'done|f|never proved: the proof on record comes from another system', 'another system: the proof does not count');
$other->stop('immediate');
$node->safe_psql('source', 'DELETE FROM schemaguard.proof');
is($node->safe_psql('source', $trust), 'done|f|never proved', 'without its rows');
$node->command_ok([ 'pg_restore', '--data-only', '-n', 'schemaguard', '-t', 'proof', '-d', 'source', "$dir/dump.custom" ], 'put back');
is($node->safe_psql('source', $trust), 'done|t|', 'the proof stands again');

# the schema alone has none of the contents, the data alone fits into a database that has the extension
$node->safe_psql('postgres', 'CREATE DATABASE only_schema');
$node->command_ok([ 'sh', '-c', "pg_dump $connect -s source | psql -X -q -v ON_ERROR_STOP=1 $connect -o /dev/null only_schema" ], 'pg_dump --schema-only');
is($node->safe_psql('only_schema', 'SELECT (SELECT count(*) FROM schemaguard.plan), (SELECT count(*) FROM schemaguard.audit_log)'), '0|0', 'has no plans and no log');

# ---- DROP EXTENSION with a plan that is half done

my $keys = q{SELECT string_agg(conname || convalidated, ', ' ORDER BY conname) FROM pg_constraint WHERE conrelid = 'c'::regclass AND contype = 'f'};
my $before = $node->safe_psql('source', $keys);
is($before, 'donetrue', 'a key is there');
$node->safe_psql('source', 'DROP EXTENSION schemaguard');
is($node->safe_psql('source', $keys), $before, 'DROP EXTENSION leaves it');
is($node->safe_psql('source', q{SELECT (SELECT count(*) FROM pg_namespace WHERE nspname = 'schemaguard'), (SELECT count(*) FROM pg_proc WHERE proname LIKE 'sg\_%'), (SELECT count(*) FROM pg_event_trigger)}),
	'0|0|0', 'and nothing else behind');
$node->safe_psql('source', 'CREATE EXTENSION schemaguard');
is($node->safe_psql('source', q{SELECT fk_name, state, result FROM sg_orphan_audit_details()}), 'done|valid|pass', 'created again, it judges the key');
is($node->safe_psql('source', q{SELECT count(*) FROM schemaguard.plan}), '0', 'without the old plans');
$node->safe_psql('source', q{SET client_min_messages = error; SELECT sg_plan_create('half');
	SELECT sg_plan_add_fk('half', 'c', '{a}', 'p', fk_name => 'done'); CALL sg_add_fks('half')});
is($node->safe_psql('source', q{SELECT state, reason FROM schemaguard.plan_step}), 'validated|key done was there already', 'a new plan finds the key there');
# rows of users do not go with it, unless it is told so
$node->safe_psql('source', q{SET client_min_messages = error; CREATE TABLE kept (a int); INSERT INTO kept VALUES (77);
	SELECT sg_plan_create('keep'), sg_plan_add_fk('keep', 'kept', '{a}', 'p', orphans => 'quarantine'); CALL sg_add_fks('keep', fix => true); CREATE ROLE stranger LOGIN});
is($node->safe_psql('source', 'SELECT count(*) FROM schemaguard.quarantine; SELECT count(*) FROM kept'), "1\n0", 'a row is in quarantine');
is_error($node, $_, '2BP01', qr/keeps rows of your tables in schemaguard.quarantine.*sg_restore_quarantine\('keep'\)/s, "refused: $_", dbname => 'source')
	for 'DROP EXTENSION schemaguard', 'DROP EXTENSION IF EXISTS schemaguard RESTRICT', 'DROP EXTENSION no_such, schemaguard',
	'SET session_replication_role = replica; DROP EXTENSION schemaguard',
	'DROP OWNED BY CURRENT_USER', 'DROP OWNED BY CURRENT_USER CASCADE', 'DROP SCHEMA public CASCADE', 'DROP SCHEMA IF EXISTS no_such, public CASCADE', 'DROP EXTENSION no_such, plpgsql CASCADE';
$node->safe_psql('source', 'CREATE ROLE housekeeper; CREATE ROLE leaver SUPERUSER; ALTER SCHEMA public OWNER TO housekeeper');
is_error($node, "SET SESSION AUTHORIZATION housekeeper; $_", '2BP01', qr/keeps rows of your tables/, "of the owner of the schema: $_", dbname => 'source')
	for 'DROP SCHEMA public CASCADE', 'DROP OWNED BY CURRENT_USER CASCADE';
$node->safe_psql('source', 'ALTER SCHEMA public OWNER TO pg_database_owner; CREATE SCHEMA nothing AUTHORIZATION leaver; DROP OWNED BY leaver CASCADE; DROP ROLE leaver, housekeeper');
is($node->safe_psql('source', q{SELECT to_regnamespace('nothing')}), '', 'what another role owns is dropped');
is_error($node, $_, '42501', qr/permission denied|must be owner/, "a stranger hears nothing of plans: $_", dbname => 'source', user => 'stranger')
	for 'DROP OWNED BY postgres', 'DROP SCHEMA public CASCADE';
is_error($node, 'DROP EXTENSION schemaguard', '42501', qr/must be owner/, 'a stranger hears nothing of plans', dbname => 'source', user => 'stranger');
is_error($node, 'DROP EXTENSION no_such', '42704', undef, 'another extension: its own error', dbname => 'source');
is(error_of($node, 'BEGIN; DROP EXTENSION IF EXISTS no_such; DROP TABLE c; ROLLBACK', dbname => 'source'), '', 'other DDL goes on');
is(error_of($node, 'BEGIN; DROP EXTENSION schemaguard CASCADE; ROLLBACK', dbname => 'source'), '', 'CASCADE takes it');
# so they survive pg_restore --clean, of a dump that has them and of an older one
my $kept = 'SELECT * FROM schemaguard.quarantine';
my $quarantine = $node->safe_psql('source', $kept);
my $counts = q{SELECT string_agg(metric || ' ' || actual, ', ' ORDER BY metric), (SELECT string_agg(concat_ws(' ', subject, state), ', ' ORDER BY subject)
	FROM sg_status() WHERE subject IN ('drift', 'gates')) FROM schemaguard.sg_go_rules() WHERE metric IN ('drift', 'findings not accepted', 'tests failed')};
$node->safe_psql('source', q{SET client_min_messages = error; CALL sg_audit_gate(); SELECT sg_snapshot_take('base'), sg_drift_check('base'); SELECT sg_verify_fks()});
$node->safe_psql('postgres', 'CREATE DATABASE cleaned TEMPLATE source; ALTER DATABASE source RENAME TO moved');
is($node->safe_psql('moved', $counts), 'drift 0, findings not accepted 0, tests failed 0|drift ok, gates ok', 'gates, checks and tests count under another name');
$node->safe_psql('postgres', 'ALTER DATABASE moved RENAME TO source');
is($node->safe_psql('cleaned', $counts), '|drift attention, gates attention', 'and in no copy');
is($node->safe_psql('cleaned', q{SELECT (SELECT count(*) > 0 FROM schemaguard.proof), (SELECT count(*) FROM schemaguard.proof_here),
	(SELECT count(*) FROM schemaguard.metrics WHERE name = 'schemaguard_audit_age_seconds')}), 't|0|0', 'a copy by TEMPLATE has no verdict of its own');
$node->command_ok([ 'pg_dump', '-F', 'custom', '-f', "$dir/dump.kept", 'cleaned' ], 'pg_dump with a row in quarantine');
for my $clean ([ '--clean', '--single-transaction', 'dump.kept' ], [ '--clean', '--if-exists', 'dump.custom' ], [ '--clean', 'dump.kept' ])
{
	my $file = pop @$clean;
	$node->command_fails_like([ 'pg_restore', @$clean, '-d', 'cleaned', "$dir/$file" ], qr/keeps rows of your tables.*DROP EXTENSION/s, "refused: pg_restore @$clean $file");
	is($node->safe_psql('cleaned', $kept), $quarantine, '... and no row is lost');
	is($node->safe_psql('cleaned', q{SELECT to_regclass('kept') IS NOT NULL AND to_regclass('p') IS NOT NULL}), 't', '... and no table') if "@$clean" =~ /single/;
}
# where DROP EXTENSION is refused, the rows of a log are not there twice; what the restore does itself is told apart
$node->safe_psql('cleaned', q{SET client_min_messages = error; SELECT sg_capture_ddl(true); CREATE TABLE twice (id int PRIMARY KEY); CREATE TABLE once (id int)});
my $caught = $node->safe_psql('cleaned', 'SELECT max(at) FROM schemaguard.ddl_log');
my %rows = (ddl_log => "SELECT count(*) FROM schemaguard.ddl_log WHERE at <= '$caught'",
	map { $_ => "SELECT count(*) FROM schemaguard.$_" } qw(ddl_capture proof audit_log));
my %before = map { $_ => $node->safe_psql('cleaned', $rows{$_}) } keys %rows;
cmp_ok($before{ddl_log}, '>', 0, 'DDL is caught');
$node->command_ok([ 'pg_dump', '-F', 'custom', '-f', "$dir/dump.caught", 'cleaned' ], 'pg_dump with DDL that was caught');
$node->command_fails_like([ 'pg_restore', '--clean', '-d', "dbname=cleaned application_name=restored", "$dir/dump.caught" ],
	qr/DROP EXTENSION.*schemaguard.ddl_log has rows of this dump already/s, 'refused, and so are the rows that are there');
is($node->safe_psql('cleaned', $rows{$_}), $before{$_}, "... $_ has its rows once") for sort keys %rows;
is($node->safe_psql('cleaned', "SELECT count(*) > 0 FROM schemaguard.ddl_log WHERE at > '$caught' AND tag = 'DROP TABLE' AND application = 'restored'"), 't',
	'... and the DDL of the restore, told apart');
is($node->safe_psql('cleaned', q{INSERT INTO schemaguard.ddl_log (at, pid, session_role, role, event, tag, origin)
	SELECT '2001-01-01', 1, 'r', 'r', 'command', 'X', 'direct' FROM generate_series(1, 2);
	SELECT count(*) FROM schemaguard.ddl_log WHERE at = '2001-01-01'}), '2', 'rows of another database are added, all of one command');
is($node->safe_psql('cleaned', q{SET client_min_messages = error; CALL sg_rollback_fks('keep'); SELECT a FROM kept}), '77', 'the row can be put back there');
$node->safe_psql('source', q{SET client_min_messages = error; CALL sg_rollback_fks('keep'); SELECT sg_plan_drop('keep', force => true); DROP ROLE stranger});
is($node->safe_psql('source', 'SELECT a FROM kept'), '77', 'the row is back');
# pg_restore --clean of an older dump sets sequences back
my $again = 'SELECT count(*) FROM sg_orphan_audit_details()';
$node->safe_psql('cleaned', "SELECT setval('schemaguard.audit_log_id_seq', 1)");
is_error($node, $again, '23505', qr/DO \$\$.*END\$\$;/s, 'a sequence that was set back is told', dbname => 'cleaned');
my ($forward) = $SgTest::message =~ /same call again:\n(DO.*END\$\$;)/s;
my $caveats = slurp_file("$FindBin::RealBin/../../docs/caveats.md") =~ s/^  //gmr;
cmp_ok(index($caveats, $forward), '>', 0, 'and the statement is in the manual');
$node->safe_psql('cleaned', "SELECT setval('schemaguard.plan_deed_id_seq', 1), setval('schemaguard.finding_id_seq', 1000); $forward");
is($node->safe_psql('cleaned', 'SELECT last_value >= (SELECT max(id) FROM schemaguard.plan_deed) FROM schemaguard.plan_deed_id_seq'), 't', 'it mends all sequences');
is($node->safe_psql('cleaned', 'SELECT last_value FROM schemaguard.finding_id_seq'), '1000', 'and sets none back');
is(error_of($node, $again, dbname => 'cleaned'), '', 'so that the same call succeeds');
# in one session, with the plans of the old objects cached
my $session = SgTest::Session->new($node, dbname => 'source');
is($session->query(q{SELECT count(*) FROM sg_orphan_audit_details(); DROP EXTENSION schemaguard; CREATE EXTENSION schemaguard; SELECT count(*) FROM sg_orphan_audit_details()}), "1\n1",
	'dropped and created in one session');
is($session->query(q{SELECT count(*) FROM schemaguard.audit_log}), '1', 'the log is the new one') or diag($session->{err});
$session->quit;

# ---- a database of another encoding: the name of a plan has other bytes there, and its trigger is still the plan's

$node->safe_psql('postgres', "CREATE DATABASE $_ ENCODING '$_' LOCALE 'C' TEMPLATE template0") for qw(UTF8 LATIN1);
$node->safe_psql('utf8', qq{SET client_encoding = 'UTF8'; SET client_min_messages = error; CREATE EXTENSION schemaguard; CREATE TABLE t (id int PRIMARY KEY, v int);
	INSERT INTO t VALUES (1, 1); SELECT sg_plan_create('\xc3\xa9'); SELECT sg_plan_add_column('\xc3\xa9', 't', 'filled', 'int', fill => 'v * 2'); CALL sg_apply('\xc3\xa9')});
$node->command_ok([ 'pg_dump', '-F', 'custom', '-f', "$dir/dump.utf8", 'utf8' ], 'pg_dump of a database in UTF8');
$node->command_ok([ 'pg_restore', '-d', 'latin1', "$dir/dump.utf8" ], 'restored into LATIN1');
foreach my $db (qw(utf8 latin1))
{
	my $told = q{SELECT state, summary FROM sg_status() WHERE subject = 'leftovers'};

	like($node->safe_psql($db, $told), qr/^ok\|no call that was cut off has left anything; until sg_plan_release\(\), the triggers of these plans fill on: /, "$db: the trigger is known");
	is($node->safe_psql($db, 'INSERT INTO t VALUES (2, 2) RETURNING filled'), '4', "$db: ... and fills");
	$node->safe_psql($db, qq{SET client_encoding = 'UTF8'; SET client_min_messages = error; CALL sg_rollback_fks('\xc3\xa9')});
	is($node->safe_psql($db, q{SELECT state, reason FROM schemaguard.plan_step; SELECT string_agg(attname, ' ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 't'::regclass AND attnum > 0 AND NOT attisdropped;
		SELECT count(*) FROM pg_proc WHERE starts_with(proname, '~schemaguard_fill_')}), "rolled back|\nid v\n0", "$db: the column, its trigger and the function are taken back");
}

# ---- other schemas; objects made beforehand

$node->safe_psql('postgres', 'CREATE DATABASE tools; CREATE DATABASE trap');
$node->safe_psql('tools', q{CREATE SCHEMA tools; CREATE EXTENSION schemaguard SCHEMA tools; CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE c (p int)});
is($node->safe_psql('tools', q{SET client_min_messages = error; SELECT tools.sg_plan_create('plan'); SELECT tools.sg_plan_add_fk('plan', 'c', '{p}', 'p');
	CALL tools.sg_add_fks('plan'); SELECT state, result FROM tools.sg_orphan_audit_details()}), "\n1\nvalid|pass", 'CREATE EXTENSION in another schema');
is($node->safe_psql('tools', q{SELECT count(*) FROM pg_proc WHERE proname LIKE 'sg\_%' AND pronamespace = 'public'::regnamespace}), '0', 'nothing of it is in public');
is_error($node, 'ALTER EXTENSION schemaguard SET SCHEMA public', '0A000', undef, 'it stays there', dbname => 'tools');
$node->safe_psql('trap', 'CREATE SCHEMA schemaguard AUTHORIZATION alice');
is_error($node, 'CREATE EXTENSION schemaguard', '42P06', undef, 'a schema of that name that somebody else owns', dbname => 'trap');
$node->safe_psql('trap', q{DROP SCHEMA schemaguard; CREATE FUNCTION public.sg_plan_drop(plan text, force boolean) RETURNS void LANGUAGE sql AS ''; ALTER FUNCTION sg_plan_drop OWNER TO alice});
isnt(error_of($node, 'CREATE EXTENSION schemaguard', dbname => 'trap'), '', 'a function of that name is not replaced');
is($node->safe_psql('trap', q{SELECT count(*) FROM pg_namespace WHERE nspname = 'schemaguard'}), '0', 'and nothing is left half made');

# ---- another version

$node->safe_psql('source', q{SELECT sg_plan_create('plan'); SELECT sg_plan_add_fk('plan', 'c', '{b}', 'p')});
my $document = lit($node->safe_psql('source', q{SELECT sg_plan_export('plan')}));
$node->safe_psql('source', q{UPDATE pg_extension SET extversion = '0.0.1' WHERE extname = 'schemaguard'});
for my $sql (
	q{SELECT sg_orphan_audit_details()}, q{SELECT sg_orphans('c', ARRAY['a'], 'p')}, q{SELECT sg_fk_orphans('c', 'done')}, q{SELECT sg_plan_create('v')},
	q{SELECT sg_plan_add_fk('plan', 'c', '{a}', 'p')}, q{SELECT sg_plan_set('plan', '{1}', '{"priority": "low"}')}, q{SELECT sg_plan_skip('plan', '{1}', 'x')}, q{SELECT sg_plan_drop('plan')},
	q{SELECT sg_plan_from_sql('plan', '')}, q{SELECT sg_plan_export('plan')}, qq{SELECT sg_plan_import('v', $document)}, q{SELECT sg_plan_sql('plan')}, q{CALL sg_add_fks('plan')},
	q{CALL sg_prune(now())}, q{SELECT * FROM schemaguard.fk_trust})
{
	is_error($node, $sql, '55000', qr/has version .*0\.0\.1/, "objects of version 0.0.1: $sql", dbname => 'source');
}
like($SgTest::message, qr/HINT:  Update them:\nALTER EXTENSION schemaguard UPDATE;/, 'with a hint');

$node->stop('immediate');
done_testing();
