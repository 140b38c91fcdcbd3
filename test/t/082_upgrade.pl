# 082_upgrade.pl: ALTER EXTENSION schemaguard UPDATE.
#
#   - from the frozen script of the version before: what comes out is what CREATE EXTENSION makes, and what was kept is kept: plans,
#     deeds, log, quarantine, snapshots, proofs; a plan goes on, a rollback takes back, DDL is caught
#   - from a made-up version that lacks this and has that: functions, views, tables, columns, comments; the library works with
#     those objects as far as it can, and says what to do where it can't
#   - what users have built on a function that is made anew is named, jobs of pg_cron, too, and nothing is done; who could call it is told
#   - make install brings the manual along
#
# rooms: base
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Utils;
use Test::More;
use SgTest;

my $node = new_node('upgrade', without => 1);
my $pg_config = $ENV{PG_CONFIG} || 'pg_config';
chomp(my ($sharedir, $pkglibdir, $docdir) = map { scalar `$pg_config --$_` } qw(sharedir pkglibdir docdir));
my %setting = map { @$_ } rows($node, q{SELECT name, setting FROM pg_settings WHERE name IN ('extension_destdir', 'extension_control_path')});

# Where this server finds the extension
my $root = $setting{extension_destdir} // '';
my $scripts = "$root$sharedir/extension";
if (($setting{extension_control_path} // '') =~ m,^(/[^:]+):,) { $scripts = "$1/extension"; }
my $new = slurp_file("$scripts/schemaguard.control") =~ /^default_version = '(.*)'/m ? $1 : die;
my ($old) = map { m,schemaguard--([^-]+)--\Q$new\E\.sql$, ? $1 : () } glob("$scripts/schemaguard--*.sql");

my $signature = "$FindBin::RealBin/signature.sql";
sub signature { my ($db) = @_; return [ split /\n/, scalar run_psql($db, '-f', $signature) ]; }

sub kept { return run_psql('kept', '-f', "$FindBin::RealBin/upgrade_kept.sql"); }

sub run_psql
{
	my ($db, @args) = @_;
	my ($out, $err);

	IPC::Run::run([ 'psql', '-XqAt', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr($db), @args ], '>', \$out, '2>', \$err) or die "psql: $err";
	return $out;
}

# Both have the same lines; those that only one has are shown
sub is_same
{
	my ($got, $expected, $name) = @_;
	my %count;

	$count{$_}++ foreach @$got;
	$count{$_}-- foreach @$expected;
	my @differences = map { ($count{$_} > 0 ? 'updated: ' : 'fresh:   ') . substr($_, 0, 400) } grep { $count{$_} } sort keys %count;
	ok(!@differences && @$got > 500, $name) or diag(join "\n", @differences[ 0 .. ($#differences < 40 ? $#differences : 40) ]);
}

# What the snapshot statement of the objects that are there gives, in the form that version 0.1.0 had for it
sub document_of_format_1
{
	my ($db, @schemas) = @_;
	my $schemas = @schemas ? 'ARRAY[' . join(', ', map { lit($_) } @schemas) . ']' : 'NULL::text[]';
	my $prologue = $node->safe_psql($db, 'SELECT prologue FROM schemaguard.sg_snapshot_statement()');
	my $statement = $node->safe_psql($db, 'SELECT statement FROM schemaguard.sg_snapshot_statement()');

	return $node->safe_psql($db, qq{BEGIN READ ONLY; $prologue;
		WITH object AS MATERIALIZED (
			SELECT kind, identity, parent, properties,
			       sha256(convert_to(kind || chr(10) || identity || chr(10) || coalesce(parent, '') || chr(10) || properties::text, 'UTF8')) AS checksum
			FROM ($statement) s WHERE ($schemas IS NULL OR split_part(identity, '.', 1) = ANY ($schemas) OR identity ~ 'IN SCHEMA app')),
		header AS (
			SELECT jsonb_build_object('schemaguard_snapshot', 1, 'taken_at', '2026-01-01T00:00:00.000000Z', 'role', CURRENT_USER, 'server', NULL,
				'database', current_database(), 'server_version_num', current_setting('server_version_num')::int, 'schemas', $schemas, 'count', count(*),
				'checksum', encode(sha256(string_agg(checksum, '' ORDER BY kind COLLATE "C", identity COLLATE "C")), 'hex')) AS h FROM object)
		SELECT h || jsonb_build_object('seal', encode(sha256(convert_to(h::text, 'UTF8')), 'hex'), 'objects',
			(SELECT jsonb_agg(jsonb_build_object('kind', kind, 'identity', identity, 'parent', parent, 'properties', properties, 'checksum', encode(checksum, 'hex'))
				ORDER BY kind COLLATE "C", identity COLLATE "C") FROM object)) FROM header});
}

sub create
{
	my ($db, $sql) = @_;

	$node->safe_psql('postgres', "CREATE DATABASE $db");
	$node->safe_psql($db, "SET client_min_messages = error; $sql");
}

my $manual = $scripts =~ s/\Q$sharedir\E.*//r . "$docdir/extension/schemaguard";
ok(-e $_, "$_ is installed") for map { "$manual/$_" } qw(README.md docs/README.md docs/snapshot.sql);

create('fresh', 'CREATE EXTENSION schemaguard');
my $fresh = signature('fresh');

# ---- neither this version nor the one before

for ([ '0.0.1', qr/Update them:\nALTER EXTENSION schemaguard UPDATE;/ ], [ '99.1.0', qr/Install the package of version 99\.1\.0, .*start a new session/ ])
{
	my ($version, $hint) = @$_;
	my $works = defined $old ? "\Q$new\E and of version \Q$old\E" : "\Q$new\E";

	$node->safe_psql('fresh', "UPDATE pg_extension SET extversion = '$version' WHERE extname = 'schemaguard'");
	is_error($node, 'SELECT sg_orphan_audit()', '55000', qr/has version \Q$new\E, .* have version \Q$version\E\nDETAIL:  .*of version $works\.\nHINT:  $hint/,
		"objects of $version: what to do is said", dbname => 'fresh');
}

# ---- from the version before

my $trust = q{SELECT fk_name, stands FROM schemaguard.fk_trust ORDER BY fk_name};

SKIP:
{
	skip 'no version before this one', 1 if !defined $old;
	create('kept', '');
	run_psql('kept', '-f', "$FindBin::RealBin/upgrade_fill.sql");
	run_psql('kept', '-v', "version=$old", '-f', "$FindBin::RealBin/upgrade_exchange.sql");
	my $before = kept();
	is(join(' ', map { /^(\w+)\|(?:t\|0|f\|0)$/ ? () : $_ } split /\n/, $before), '', "objects of $old hold what there was");
	is(join(' ', map { /^(\w+)\|f/ ? $1 : () } split /\n/, $before), 'subscription_mark', 'of every table but this one');
	is($node->safe_psql('kept', q{SELECT active FROM schemaguard.ddl_capture_state}), 't', 'DDL is caught');

	# what 0.1.0 kept in two tables
	if ($old eq '0.1.0')
	{
		# procedures that have fewer arguments there, beside what other calls have left on the stack
		create('few', "CREATE EXTENSION schemaguard VERSION '0.1.0'");
		my (undef, undef, $calls) = $node->psql('few', q{SELECT sg_plan_create('q'); CALL sg_add_fks('q'); CALL sg_rollback_fks('q'); CALL sg_fix_orphans('q');
			CALL sg_restore_quarantine('q'); CALL sg_prune(now()); CALL sg_audit_gate(); SELECT sg_snapshot_take('s') > 0; SELECT 1/0}, on_error_stop => 0);
		like($calls, qr/division by zero/, 'calls with fewer arguments, as the objects of 0.1.0 have them, end no session');
		create('found', "CREATE EXTENSION schemaguard VERSION '0.1.0'");
		$node->safe_psql('found', q{
			INSERT INTO schemaguard.gate_finding VALUES ('me', 'all', 'public.c', 'c_p', 'fail', 3, NULL, '2026-01-01', '2026-01-02',
				'00000000-0000-0000-0000-00000000000a', '00000000-0000-0000-0000-00000000000b');
			INSERT INTO schemaguard.drift_run VALUES (1, '00000000-0000-0000-0000-00000000000c', '2026-01-03', 'me', 'base', 'live', 'fail', 2, 2, 0, 0, 0, 0, 0, 2, 0, false, '{}', 1);
			INSERT INTO schemaguard.drift_item SELECT n, 'me', 'base', 'live', 'column', 'public.c.' || n, 'changed', 'type', 'int', 'text', 'drift', 'lossy', NULL, '2026-01-03', '2026-01-03',
				CASE n WHEN 2 THEN timestamptz '2026-01-04' END, n, n, CASE n WHEN 2 THEN 9 END, sha256(n::text::bytea) FROM generate_series(1, 2) n;
			CREATE VIEW mine AS SELECT object FROM schemaguard.drift_item});
		is_error($node, 'ALTER EXTENSION schemaguard UPDATE', '2BP01', qr/view public\.mine uses table schemaguard\.drift_item/, 'a view of theirs is told before they go', dbname => 'found');
		$node->safe_psql('found', 'DROP VIEW mine; ALTER EXTENSION schemaguard UPDATE');
		is($node->safe_psql('found', q{SELECT source, kind, object, property, result, count, gone_at IS NOT NULL, right(first_run::text, 1), right(run::text, 1) FROM schemaguard.finding ORDER BY id}),
			"audit|foreign key|public.c|c_p|fail|3|f|a|b\ndrift|column|public.c.1|type|drift||f|c|c\ndrift|column|public.c.2|type|drift||t|0|0", 'what they held is among the findings');
		is($node->safe_psql('found', q{SELECT count(*) FROM pg_extension e, unnest(e.extconfig) t WHERE NOT EXISTS (SELECT FROM pg_class WHERE oid = t)}), '0', 'and a dump asks for nothing that is gone');
	}

	# the library is the new one already
	$node->safe_psql('postgres', 'CREATE DATABASE with_old TEMPLATE kept');
	is(error_of($node, $_, dbname => 'with_old'), '', "with objects of $old: $_")
		for 'SELECT sg_orphan_audit()', $trust, q{SELECT sg_orphans('c', '{a}', 'p')}, 'CREATE TABLE between (id int)', 'BEGIN; DROP EXTENSION schemaguard CASCADE; ROLLBACK';
	for my $sql (q{SELECT sg_plan_create('v')}, q{SELECT sg_plan_add_fk('half', 'extra', '{id}', 'p')}, q{SELECT sg_plan_export('half')}, q{SELECT sg_snapshot_take('v')},
		q{SELECT sg_drift('before')}, q{SELECT sg_discover_fks()}, q{SELECT sg_plan_check('half')}, q{CALL sg_add_fks('half')}, q{DROP EXTENSION schemaguard})
	{
		my $state = error_of($node, $sql, dbname => 'with_old');
		ok($state eq '' || $state eq '2BP01' || $state eq '55000' && $SgTest::message =~ /HINT:  Update them:\nALTER EXTENSION schemaguard UPDATE;/, "with objects of $old: $sql, or what to do") or diag("$state: $SgTest::message");
	}

	# a dump goes into objects of its version, also with a row twice where nothing forbade that; then the update, also beside a publication
	$node->safe_psql('with_old', 'INSERT INTO schemaguard.ddl_capture TABLE schemaguard.ddl_capture; INSERT INTO schemaguard.proof TABLE schemaguard.proof');
	my $rows = q{SELECT (SELECT count(*) FROM schemaguard.ddl_capture), (SELECT count(*) FROM schemaguard.plan), (SELECT count(*) FROM schemaguard.plan_step), (SELECT count(*) FROM schemaguard.audit_log)};
	my ($two, @others) = split /\|/, $node->safe_psql('with_old', $rows);
	is($two, '2', "with objects of $old: a row twice");
	my $dump = $node->basedir . '/old.dump';
	$node->command_ok([ 'pg_dump', '-F', 'custom', '-f', $dump, 'with_old' ], "a dump with objects of $old");
	create('came', "CREATE EXTENSION schemaguard VERSION '$old'");
	$node->command_ok([ 'pg_restore', '--exit-on-error', '-d', 'came', $dump ], 'is restored into such objects');
	$node->safe_psql('came', 'SET client_min_messages = error; CREATE PUBLICATION everything FOR ALL TABLES; SET schemaguard.accept_publication = on; ALTER EXTENSION schemaguard UPDATE');
	is($node->safe_psql('came', $rows), join('|', 1, @others), 'and updated, with each row once');

	# the recipe of docs/operating.md for an extension in a schema of its own
	my ($recipe) = slurp_file("$FindBin::RealBin/../../docs/operating.md") =~ /^```sh\n(psql -d app -c 'CREATE SCHEMA sg'.*?)^```/ms or die;
	$recipe =~ s/'0\.1\.0'/'$old'/;
	create('in_sg', "CREATE SCHEMA sg; CREATE EXTENSION schemaguard SCHEMA sg VERSION '$old'; GRANT USAGE ON SCHEMA sg TO PUBLIC; SELECT sg.sg_plan_create('came');
		INSERT INTO schemaguard.quarantine (plan, plan_id, step, fk_name, run_id, role, table_owner, row_table, columns, row_text, cause)
		SELECT 'came', 1, 1, 'k', gen_random_uuid(), current_user, current_user, 'public.t', '{a}', '(7)', 'orphan'");
	$node->command_ok([ 'pg_dump', '-F', 'custom', '-f', $node->basedir . '/app.dump', 'in_sg' ], "a dump with objects of $old in a schema of their own");
	$node->safe_psql('postgres', 'CREATE DATABASE app');
	$node->command_ok([ 'sh', '-ec', 'cd ' . $node->basedir . "; $recipe" ], 'is restored and updated as the manual says');
	is($node->safe_psql('app', q{SELECT e.extnamespace::regnamespace, e.extversion, p.name, sg.sg_plan_drop(p.name, force => true), has_schema_privilege('public', 'sg', 'USAGE') FROM pg_extension e, schemaguard.plan p WHERE e.extname = 'schemaguard'}),
		"sg|$new|came||t", 'into that schema');
	my ($after) = slurp_file("$FindBin::RealBin/../../docs/operating.md") =~ /^```sh\n(psql -d app -c 'DROP EXTENSION schemaguard'.*?)^```/ms or die;
	$after =~ s/'0\.1\.0'/'$old'/;
	$node->safe_psql('postgres', $_) for 'DROP DATABASE app', 'CREATE DATABASE app';
	$node->command_fails_like([ 'pg_restore', '-d', 'app', $node->basedir . '/app.dump' ], qr/COPY failed for table "quarantine"/, 'restored without that, rows of quarantine stay out');
	$node->command_ok([ 'sh', '-ec', 'cd ' . $node->basedir . "; $after" ], 'which the manual mends');
	is($node->safe_psql('app', q{SELECT (SELECT count(*) FROM schemaguard.quarantine), (SELECT count(*) FROM schemaguard.plan), extversion, extnamespace::regnamespace FROM pg_extension WHERE extname = 'schemaguard'}),
		"1|1|$new|sg", 'so that they are there');

	$node->safe_psql('kept', q{SET client_min_messages = error;
		CREATE SCHEMA app; CREATE TYPE app.mood AS ENUM ('a', 'b'); CREATE DOMAIN app.pos AS int CHECK (VALUE > 0) DEFAULT 3 NOT NULL; CREATE TYPE app.pair AS (a int, b text); CREATE SEQUENCE app.s START 5;
		CREATE TABLE app.p (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY, name text NOT NULL DEFAULT 'x' CHECK (name <> ''), m app.mood, q app.pos, r app.pair, g int GENERATED ALWAYS AS (1 + 1) STORED, v numeric(10,2), dropped int, arr text[] DEFAULT '{a,NULL}');
		ALTER TABLE app.p DROP COLUMN dropped, ENABLE ROW LEVEL SECURITY; COMMENT ON TABLE app.p IS 'it''s'; CREATE POLICY pol ON app.p FOR SELECT USING (id > 3);
		CREATE TABLE app.c (id serial, p_id int REFERENCES app.p ON DELETE CASCADE, t timestamptz DEFAULT now(), EXCLUDE USING btree (id WITH =)); CREATE STATISTICS app.st ON id, p_id FROM app.c;
		CREATE TABLE app.part (id int, d date) PARTITION BY RANGE (d); CREATE TABLE app.part1 PARTITION OF app.part FOR VALUES FROM ('2020-01-01') TO ('2021-01-01'); CREATE TABLE app.partd PARTITION OF app.part DEFAULT; CREATE INDEX ON app.part (id);
		CREATE VIEW app.v AS SELECT id, name FROM app.p; CREATE RULE ru AS ON DELETE TO app.v DO INSTEAD NOTHING; CREATE MATERIALIZED VIEW app.mv AS SELECT count(*) FROM app.c;
		CREATE FUNCTION app.f(a int DEFAULT 3) RETURNS int LANGUAGE sql IMMUTABLE SET search_path = app AS 'SELECT a'; CREATE PROCEDURE app.pr() LANGUAGE plpgsql AS 'BEGIN END'; CREATE AGGREGATE app.agg(int) (SFUNC = int4pl, STYPE = int, INITCOND = '0');
		CREATE FUNCTION app.tg() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; CREATE TRIGGER tg BEFORE UPDATE OF name ON app.p FOR EACH ROW WHEN (OLD.id > 3) EXECUTE FUNCTION app.tg('x');
		GRANT SELECT ON app.p TO pg_monitor; GRANT SELECT (id) ON app.c TO PUBLIC; ALTER DEFAULT PRIVILEGES IN SCHEMA app GRANT SELECT ON TABLES TO pg_monitor; CREATE PUBLICATION pub FOR TABLE app.p (id, name) WHERE (id > 3);
		CREATE OPERATOR app.### (LEFTARG = int, RIGHTARG = int, FUNCTION = int4pl); CREATE CAST (app.mood AS int) WITH INOUT; CREATE TEXT SEARCH CONFIGURATION app.ts (COPY = english)});
	my $document = document_of_format_1('kept');
	my $of_schemas = document_of_format_1('kept', qw(public app schemaguard));
	$node->safe_psql('kept', 'ALTER EXTENSION schemaguard UPDATE');
	is(kept(), $before, 'the update keeps every row');
	$node->safe_psql('kept', "SET client_min_messages = error; SELECT sg_snapshot_import('of_old', \$document\$$document\$document\$)");
	is($node->safe_psql('kept', q{SELECT class, kind, object, property FROM sg_drift('of_old')}), 'unmanaged|extension|schemaguard|version', "a baseline taken with the statement of $old shows no drift, and one row of what the update has made");
	$node->psql('kept', q{CALL sg_sync_apply('of_old')}, stderr => \my $synced);
	like($synced, qr/NOTICE:  left out of what makes this database what "of_old" is: 1 nothing alters(?:, \d+ are made by something else)?\n/, '... and is gone back to, but for the version of schemaguard');
	is($node->safe_psql('kept', "SET client_min_messages = error; CREATE VIEW schemaguard.foreign_view AS SELECT 1 AS one; SELECT sg_snapshot_import('of_schemas', \$document\$$of_schemas\$document\$);
		SELECT class, kind, object, property FROM sg_drift('of_schemas'); DROP VIEW schemaguard.foreign_view; SELECT sg_snapshot_drop('of_schemas')") =~ s/^\d+\n//r, "extra|view|schemaguard.foreign_view|\n",
		"one of some schemas, our own among them, shows but what somebody has put there");
	$node->safe_psql('kept', 'SET client_min_messages = error; DROP PUBLICATION pub; DROP SCHEMA app CASCADE');
	is($node->safe_psql('kept', q{GRANT INSERT ON schemaguard.drift_ignore TO PUBLIC; SELECT sg_snapshot_take('of_new'); REVOKE INSERT ON schemaguard.drift_ignore FROM PUBLIC;
		SELECT object, property FROM sg_drift('of_new') WHERE class = 'drift'; SELECT sg_snapshot_drop('of_old'), sg_snapshot_drop('of_new')}) =~ s/^\d+\n//r,
		"schemaguard.drift_ignore|acl\n|", 'a privilege that somebody takes from a member is drift');
	is($node->safe_psql('kept', q{SELECT active FROM schemaguard.ddl_capture_state}), 't', 'DDL is caught as before');
	is($node->safe_psql('kept', q{SELECT count(*) FROM schemaguard.ddl_log WHERE tag = 'ALTER EXTENSION' AND origin = 'direct'}), '1', 'the update, too');
	is($node->safe_psql('kept', q{SELECT count(*) FROM schemaguard.ddl_log WHERE event = 'lost'}), '0', 'and nothing is lost');
	$node->safe_psql('kept', 'SELECT sg_capture_ddl(false)');
	is_same(signature('kept'), $fresh, "an update from $old makes what CREATE EXTENSION makes");

	is($node->safe_psql('kept', $trust), "done|t\nfixed|t", 'proofs stand');
	$node->safe_psql('kept', q{SET client_min_messages = error; SELECT sg_plan_set('half', '{3}', '{"state": "pending"}'); CALL sg_add_fks('half')});
	is($node->safe_psql('kept', q{SELECT string_agg(state, ', ' ORDER BY step) FROM schemaguard.plan_step}), 'validated, validated, validated', 'the plan goes on');
	is($node->safe_psql('kept', q{SELECT object FROM sg_drift('before') WHERE object IN ('public.extra', 'public.c') AND kind = 'table'}), 'public.extra', 'a snapshot is compared');
	$node->safe_psql('kept', q{SET client_min_messages = error; CALL sg_rollback_fks('half')});
	is($node->safe_psql('kept', q{SELECT (SELECT count(*) FROM pg_constraint WHERE contype = 'f'), (SELECT string_agg(b::text, ' ' ORDER BY b) FROM c)}), '0|2 3 4 5 6',
		'a rollback takes back what was done before, and rows come back from quarantine');
}

# ---- from a made-up version, which stands where the frozen one does

SKIP:
{
	skip 'this server finds installed extensions only', 1 if !%setting || $setting{extension_control_path} && $scripts !~ m,^/.*/extension$,;
	my $made_up = $old // '0.0.9';
	my $script = slurp_file("$scripts/schemaguard--$new.sql");

	# A change that must happen, once
	my $change = sub {
		my ($what, $by) = @_;
		my $n = $script =~ s/$what/$by->()/ge;

		$n == 1 or die "the install script has $n times $what";
	};

	# a policy, and functions, that know authors by name
	$script =~ s/schemaguard\.sg_plan_author\((\w+\.author), \w+\.author_mark\)/$1/g;
	# a result and a log with a column less, a plan, too; a view of less columns; a table that is to come; a routine that is to go;
	# one that is to come; others by volatility, default, comment
	$change->(qr/(CREATE FUNCTION sg_orphans\([^;]*?),\s*OUT \w+\s+\w+\)/, sub { "$1)" });
	$change->(qr/\n    detail       text\n(?=\);\n-- No index)/, sub { "\n    CHECK (true)\n" });
	my ($column, $type) = $script =~ /CREATE TABLE schemaguard\.plan \((?:(?!\n\);).)*\n    (\w+) +([^\n]*)\n\);/s or die;
	$change->(qr/,(?=\n(?:    --[^\n]*\n)*    $column +\Q$type\E\n\);\nCREATE SEQUENCE schemaguard\.plan_id_seq)/, sub { '' });
	$change->(qr/\n    $column +\Q$type\E(?=\n\);\nCREATE SEQUENCE schemaguard\.plan_id_seq)/, sub { '' });
	$change->(qr/COMMENT ON COLUMN schemaguard\.$_ [^;]*;/, sub { '' }) for "plan.$column", 'ddl_log.detail';
	$change->(qr/(?<=c\.since),\n\s*c\.role\n/, sub { "\n" });
	$change->(qr/COMMENT ON COLUMN schemaguard\.ddl_capture_state\.role [^;]*;/, sub { '' });
	$change->(qr/CREATE TABLE schemaguard\.finding .*?pg_extension_config_dump\('schemaguard\.finding_id_seq', ''\);/s, sub { '' });
	# and what reads it
	$change->(qr/CREATE FUNCTION schemaguard\.sg_library_version\(.*?(?=-- Whoever may create functions in)/s, sub { '' });
	$change->(qr/CREATE FUNCTION sg_fk_orphans\(.*?;\nCOMMENT ON FUNCTION sg_fk_orphans\([^;]*;/s, sub { "CREATE FUNCTION sg_gone(a int) RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1';\nCOMMENT ON FUNCTION sg_gone(int) IS 'it''s; gone';" });
	$change->(qr/(CREATE FUNCTION schemaguard.sg_plan_hash\([^;]*?)VOLATILE/, sub { "$1STABLE" });
	$change->(qr/long_seconds float8 DEFAULT 60/, sub { 'long_seconds float8 DEFAULT 61' });
	$change->(qr/(COMMENT ON FUNCTION sg_snapshot_drop\(text\)\s+IS) '[^']*'/, sub { "$1 'another'" });

	my $dir = $node->basedir . '/made_up';
	system('mkdir', '-p', "$dir$sharedir/extension", "$dir$pkglibdir/..") == 0 or die;
	system("cp $scripts/schemaguard.control $scripts/schemaguard--$new.sql $dir$sharedir/extension/ && rmdir $dir$pkglibdir 2> /dev/null; ln -s $root$pkglibdir $dir$pkglibdir") == 0 or die;
	append_to_file("$dir$sharedir/extension/schemaguard--$made_up.sql", $script);
	append_to_file("$dir/by_hand.sql", "ALTER TABLE schemaguard.ddl_log DROP CONSTRAINT ddl_log_check, ADD detail text;\nALTER TABLE schemaguard.plan ADD $column $type;\nDROP POLICY of_author ON schemaguard.smoke_test;\n");
	my $source = "$FindBin::RealBin/../../sql";
	system("awk -f $source/upgrade.awk $dir$sharedir/extension/schemaguard--$made_up.sql $scripts/schemaguard--$new.sql $dir/by_hand.sql $source/upgrade/ask.sql"
		  . " > $dir$sharedir/extension/schemaguard--$made_up--$new.sql") == 0 or die;
	# as far as pg_cron is asked
	append_to_file("$dir$sharedir/extension/pg_cron.control", "default_version = '1'\nrelocatable = false\nschema = pg_catalog\n");
	append_to_file("$dir$sharedir/extension/pg_cron--1.sql", 'CREATE SCHEMA cron; CREATE TABLE cron.job (jobid bigint, command text, database text, active boolean);');
	$node->append_conf('postgresql.conf', $setting{extension_control_path} ? "extension_control_path = '$dir$sharedir:\$system'" : "extension_destdir = '$dir'");
	$node->reload;

	create('made_up', "CREATE SCHEMA \"a b\"; CREATE EXTENSION schemaguard VERSION '$made_up' SCHEMA \"a b\"; CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE c (a int); INSERT INTO c VALUES (7);
		INSERT INTO schemaguard.plan (name, author) VALUES ('old', 'me'); CREATE ROLE reader; GRANT EXECUTE ON FUNCTION schemaguard.sg_write() TO reader;
		ALTER DATABASE made_up SET search_path = public, \"a b\"");
	if (defined $old)
	{
		is_error($node, q{ALTER TABLE schemaguard.plan RENAME author TO of; SELECT sg_plan_create('new')}, '55000', qr/HINT:  Update them:\nALTER EXTENSION schemaguard UPDATE;/, 'a table that lacks a column: what to do is said', dbname => 'made_up');
		$node->safe_psql('made_up', 'ALTER TABLE schemaguard.plan RENAME of TO author');
		is($node->safe_psql('made_up', q{SELECT to_jsonb(o) - 'row_id' - 'key' FROM sg_orphans('c', '{a}', 'p') o}), '{"row_table": "c"}', 'a result that lacks a column: it has the others');
		is($node->safe_psql('made_up', q{SELECT sg_capture_ddl(true); CREATE TABLE t (); SELECT sg_capture_ddl(false); SELECT count(*) FROM schemaguard.fk_trust}), "\n\n0", 'DDL goes on');
	}

	$node->safe_psql('made_up', q{CREATE VIEW nightly AS SELECT row_id FROM sg_orphans('c', '{a}', 'p'); CREATE VIEW on_top AS SELECT * FROM nightly;
		CREATE FUNCTION mine() RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT sg_gone(1); END; CREATE TABLE checked (a int DEFAULT sg_gone(2) CHECK (sg_gone(a) > 0)); CREATE POLICY ours ON checked USING (sg_gone(a) > 1); CREATE RULE on_it AS ON DELETE TO checked DO ALSO SELECT sg_gone(3);
		CREATE VIEW unharmed AS SELECT fk_name FROM schemaguard.fk_trust, sg_snapshot_objects('live'), schemaguard.ddl_capture_state});
	$node->safe_psql('made_up', q{CREATE EXTENSION pg_cron; INSERT INTO cron.job SELECT n, command, database, active FROM (VALUES
		(1, 'SELECT * FROM "a b".sg_orphans(''c'', ''{a}'', ''p'')', 'made_up', true), (2, 'SELECT sg_orphans()', 'made_up', false), (3, 'SELECT sg_orphans()', 'other', true),
		(4, 'SELECT sg_orphans_of_mine()', 'made_up', true)) j (n, command, database, active)});
	is_error($node, "${_}ALTER EXTENSION schemaguard UPDATE", '2BP01',
		qr/DETAIL:  constraint checked_a_check on table public.checked uses function "a b".sg_gone\(integer\)\n(?#
			)cron job 1 uses function "a b".sg_orphans\([^\n]*\)\ndefault value for column a of table public.checked uses function "a b".sg_gone\(integer\)\n(?#
			)function public.mine\(\) uses function "a b".sg_gone\(integer\)\npolicy ours on table public.checked uses function "a b".sg_gone\(integer\)\n(?#
			)rule on_it on table public.checked uses function "a b".sg_gone\(integer\)\nview public.nightly uses function "a b".sg_orphans\([^\n]*\)\n(?#
			)view public.on_top uses view public.nightly\n(?#
			)HINT:  .*update again, .*:\nALTER EXTENSION schemaguard UPDATE;/,
		"what users have built on what goes is named: $_", dbname => 'made_up')
		for '', major($node) >= 19 ? () : 'SET standard_conforming_strings = off; ';
	is($node->safe_psql('made_up', q{SELECT extversion FROM pg_extension WHERE extname = 'schemaguard'}), $made_up, 'and nothing is done');
	my $told;
	$node->psql('made_up', q{DROP VIEW on_top, nightly; DROP FUNCTION mine(); DROP TABLE checked; UPDATE cron.job SET active = false;
		SELECT format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC; GRANT EXECUTE ON FUNCTION %1$s TO reader', oid::regprocedure) FROM pg_proc WHERE proname = 'sg_orphans' \gexec
		ALTER EXTENSION schemaguard UPDATE}, stderr => \$told, on_error_stop => 0);
	my ($statements) = $told =~ /WARNING:  functions that the update has made anew .*\nHINT:  What was granted and revoked of them:\n((?:(?:GRANT|REVOKE) .*;\n?)+)/;
	like($statements, qr/^(?:GRANT EXECUTE ON ROUTINE "a b"\.sg_orphans\([^\n]*\) TO reader;\nREVOKE EXECUTE ON ROUTINE "a b"\.sg_orphans\([^\n]*\) FROM PUBLIC;\n?)+$/, 'what was granted and revoked is told');
	is($node->safe_psql('made_up', "BEGIN; $statements SELECT DISTINCT has_function_privilege('reader', oid, 'EXECUTE'), has_function_privilege('pg_monitor', oid, 'EXECUTE') FROM pg_proc WHERE proname = 'sg_orphans'; ROLLBACK"),
		't|f', 'and done again by that');
	create('fresh_there', 'CREATE SCHEMA "a b"; CREATE EXTENSION schemaguard SCHEMA "a b"; GRANT EXECUTE ON FUNCTION schemaguard.sg_write() TO reader; ALTER DATABASE fresh_there SET search_path = public, "a b"');
	is_same(signature('made_up'), signature('fresh_there'), "an update from a made-up $made_up makes what CREATE EXTENSION makes");
	is($node->safe_psql('made_up', q{SELECT name FROM schemaguard.plan; SELECT count(*) FROM unharmed}), "old\n0", 'rows are kept, and views on what stays');
}

$node->stop('immediate');
done_testing();
