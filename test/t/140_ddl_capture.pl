# 140_ddl_capture.pl: catching DDL never lets a user's DDL fail, and does not get lost.
#
#   - the log dropped, changed, refused by a constraint, locked, out of space, in a read-only transaction: the DDL goes
#     on, with a warning; what is missing is written down later; a cancel stays a cancel
#   - a user's operators, functions and settings have no part in it
#   - no xid for each command; what a transaction may keep in memory is bounded; two-phase commit; replica sessions
#   - sessions do not wait for each other
#   - the text of one statement out of many, in both protocols
#   - DROP EXTENSION; dump and restore, with a log that goes on
#
# rooms: ddl
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);
use SgTest;

my $node = new_node('ddl', conf => "max_prepared_transactions = 5\nwal_level = logical\n");
my $major = major($node);
my $warning;

# Run SQL that must succeed; its output. Warnings are in $warning.
sub run_ok
{
	my ($sql, $name, %opt) = @_;
	my ($out, $err);
	my $rc = $node->psql($opt{dbname} // 'postgres', $sql, stdout => \$out, stderr => \$err, on_error_stop => 1,
		($opt{user} ? (extra_params => [ '-U', $opt{user} ]) : ()));

	$warning = $err;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	ok($rc == 0, $name) or diag($err);
	return $out;
}

sub logged
{
	my ($object, $db) = @_;
	return $node->safe_psql($db // 'postgres', "SELECT count(*) FROM schemaguard.ddl_log WHERE object = '$object'");
}

$node->safe_psql('postgres', q{
	CREATE ROLE alice LOGIN; GRANT CREATE ON SCHEMA public TO alice;
	SELECT sg_capture_ddl(true);
});

# ---- what may go wrong

my $lost = qr/WARNING:.*DDL commands? was not written into schemaguard\.ddl_log/;
my $n = 0;
my %broken = (
	'a column renamed' => [ 'ALTER TABLE schemaguard.ddl_log RENAME detail TO details', 'ALTER TABLE schemaguard.ddl_log RENAME details TO detail' ],
	'a column of another type' => [ 'ALTER TABLE schemaguard.ddl_log ALTER pid TYPE bigint', 'ALTER TABLE schemaguard.ddl_log ALTER pid TYPE int' ],
	'a constraint that refuses' => [ 'ALTER TABLE schemaguard.ddl_log ADD CONSTRAINT refuse CHECK (false) NOT VALID', 'ALTER TABLE schemaguard.ddl_log DROP CONSTRAINT refuse' ],
	'a constraint that divides by zero' => [ q{ALTER TABLE schemaguard.ddl_log ADD CONSTRAINT refuse CHECK (1 / (length(tag) - length(tag)) > 0) NOT VALID}, 'ALTER TABLE schemaguard.ddl_log DROP CONSTRAINT refuse' ],
	'the log renamed' => [ 'ALTER TABLE schemaguard.ddl_log RENAME TO away', 'ALTER TABLE schemaguard.away RENAME TO ddl_log' ],
	'a view instead' => [ 'ALTER TABLE schemaguard.ddl_log RENAME TO away; CREATE VIEW schemaguard.ddl_log AS SELECT * FROM schemaguard.away',
		'DROP VIEW schemaguard.ddl_log; ALTER TABLE schemaguard.away RENAME TO ddl_log' ],
);
for my $what (sort keys %broken)
{
	my ($break, $mend) = @{ $broken{$what} };

	$n++;
	$node->psql('postgres', $break);
	run_ok("CREATE TABLE broken_$n (id int PRIMARY KEY)", "$what: CREATE TABLE succeeds");
	like($warning, $lost, "$what: with a warning");
	# a failure at COMMIT: a server with assertions stops core itself there
	SKIP:
	{
		skip 'assertions', 2 if $node->safe_psql('postgres', 'SHOW debug_assertions') eq 'on';
		run_ok("BEGIN; CREATE TABLE block_$n (); SAVEPOINT s; ALTER TABLE block_$n ADD a int; COMMIT", "$what: a block of commands");
		like($warning, qr/2 DDL commands were not written/, "$what: with one warning");
	}
	$node->psql('postgres', $mend);
	is($node->safe_psql('postgres', "SELECT count(*) FROM pg_class WHERE relname = 'broken_$n'"), '1', "$what: the table is there");
}
is($node->safe_psql('postgres', "SELECT count(*) FROM schemaguard.ddl_log WHERE object LIKE 'public.broken%'"), '0', 'nothing of them is in the log');
my $session = SgTest::Session->new($node);
$node->safe_psql('postgres', $broken{'a constraint that refuses'}[0]);
$session->query('CREATE TABLE lost_1 ()');
$session->query('CREATE TABLE lost_2 ()');
$node->psql('postgres', $broken{'a constraint that refuses'}[1]);
$session->query('CREATE TABLE found ()');
$session->query('CREATE TABLE found_2 ()');
like($node->safe_psql('postgres', q{SELECT string_agg(detail, '|') FROM schemaguard.ddl_log WHERE event = 'lost' AND detail ~ 'refuse'}),
	qr/^commands of this session that were not written: 2; the last because: [^|]*refuse[^|]*$/, 'once it works again, the log says what it lacks');
is(logged('public.found') . logged('public.found_2'), '11', 'and goes on');

# somebody works on the log
my $locker = SgTest::Session->new($node);
$locker->query('BEGIN; LOCK TABLE schemaguard.ddl_log IN ACCESS EXCLUSIVE MODE');
my $start = time();
run_ok('CREATE TABLE while_locked ()', 'the log is locked: CREATE TABLE succeeds');
like($warning, qr/$lost: the table is locked by another session/, 'with a warning');
cmp_ok(time() - $start, '<', bound(5, 60), 'and does not wait for the lock');
is_error($node, q{SET statement_timeout = 40; DO $$BEGIN EXECUTE 'CREATE TABLE canceled ()'; COMMIT; END$$},
	'57014', qr/statement timeout/, 'a cancel while the log is written stays one');
is($node->safe_psql('postgres', q{SELECT count(*) FROM pg_class WHERE relname = 'canceled'}), '0', 'and takes the command back');
$locker->query('COMMIT');
$locker->quit;

# read-only when the rows are due; no privileges left
run_ok('BEGIN; CREATE TABLE then_read_only (); SET TRANSACTION READ ONLY; COMMIT', 'a transaction that is read-only at its end');
is(logged('public.then_read_only') . $warning, '1', 'is written down');
$node->safe_psql('postgres', 'CREATE ROLE owner; REVOKE ALL ON schemaguard.ddl_log FROM PUBLIC, ' . $node->safe_psql('postgres', 'SELECT quote_ident(current_user)'));
run_ok('CREATE TABLE no_privileges ()', 'nobody may write the log', user => 'alice');
is($warning, '', 'but the capture');
$node->safe_psql('postgres', 'GRANT SELECT ON schemaguard.ddl_log TO PUBLIC');
is(logged('public.no_privileges'), '1', 'which has written');

# out of space: a tablespace in a file system that is full, if there is a way to make one
SKIP:
{
	my $full = $node->basedir . '/full';
	mkdir $full;
	skip 'needs root to mount a small file system', 3
	  if $> != 0 || system("mount -t tmpfs -o size=64k,uid=$< none $full 2> /dev/null") != 0;
	$node->safe_psql('postgres', "CREATE TABLESPACE full_one LOCATION '$full'; ALTER TABLE schemaguard.ddl_log SET TABLESPACE full_one");
	run_ok("CREATE TABLE full_$_ (" . join(', ', map { join('', map { chr(97 + rand 26) } 1 .. 60) . ' int' } 1 .. 150) . ')', "out of space: command $_") for 1 .. 9;
	like($warning, $lost, 'with a warning');
	$node->safe_psql('postgres', 'ALTER TABLE schemaguard.ddl_log SET TABLESPACE pg_default; DROP TABLESPACE full_one');
	system("umount $full");
}

# ---- whose code runs

$node->safe_psql('postgres', q{
	CREATE SCHEMA evil AUTHORIZATION alice;
	SET SESSION AUTHORIZATION alice;
	CREATE FUNCTION evil.stop(text, text) RETURNS boolean LANGUAGE plpgsql AS $$BEGIN RAISE EXCEPTION 'evil code as %', current_user; END$$;
	CREATE OPERATOR evil.= (LEFTARG = text, RIGHTARG = text, FUNCTION = evil.stop);
	CREATE OPERATOR evil.~~ (LEFTARG = text, RIGHTARG = text, FUNCTION = evil.stop);
	CREATE FUNCTION evil.now() RETURNS timestamptz LANGUAGE sql AS 'SELECT 1/0; SELECT NULL::timestamptz';
});
# 19 knows no other strings than standard ones
my $strings = $major < 19 ? 'SET standard_conforming_strings = off;' : '';
run_ok($strings . q{SET search_path = evil, pg_catalog, public; SET application_name = 'x''; DROP TABLE y; --'; SET bytea_output = escape;
	SET DateStyle = 'SQL, DMY'; SET quote_all_identifiers = on; SET work_mem = '64kB';
	CREATE TABLE public."al""ice" (a int PRIMARY KEY)}, 'hostile settings', user => 'alice');
is($warning, '', 'no warning');
is($node->safe_psql('postgres', q{SELECT role, application, object, parts FROM schemaguard.ddl_log WHERE object LIKE '%ice"'}),
	q{alice|x'; DROP TABLE y; --|public."al""ice"|{"public.\"al\"\"ice_pkey\""}}, 'the log says what was done');
is_error($node, q{SELECT count(*) FROM schemaguard.progress; SET schemaguard.migration_applications = '%'}, '42501', undef, 'who is a migration is not for everybody to say', user => 'alice');
is_error($node, q{INSERT INTO schemaguard.ddl_log SELECT * FROM schemaguard.ddl_log}, '42501', undef, 'nor to write', user => 'alice');
is_error($node, q{SELECT sg_capture_ddl(true)}, '42501', qr/As one:\nSELECT public\.sg_capture_ddl\(true\);/, 'nor to switch', user => 'alice');
is_error($node, q{SELECT sg_capture_ddl(false)}, '42501', qr/As one:\nSELECT public\.sg_capture_ddl\(false\);/, 'neither way', user => 'alice');

# ---- transactions

$session->query('BEGIN');
$session->query(q{DO $$BEGIN FOR i IN 1 .. 70 LOOP EXECUTE format('CREATE TABLE many_%s ()', i); END LOOP; END$$});
SKIP:
{
	skip 'counts of subtransactions are shown from 16 on', 1 if $major < 16;
	is($session->query('SELECT sum(s.subxact_count) FROM pg_stat_get_backend_idset() b, pg_stat_get_backend_subxact(b) s WHERE pg_stat_get_backend_pid(b) = pg_backend_pid()'),
		'0', '70 commands in a transaction: no subtransaction with an xid');
}
is(logged('public.many_1'), '0', 'before the commit there is nothing');
run_ok('SET lock_timeout = 10000; SET statement_timeout = 60000; CREATE TABLE meanwhile ()', 'others do not wait');
is($warning, '', 'and are written down');
$session->query('COMMIT');
is($node->safe_psql('postgres', q{SELECT count(*) FROM schemaguard.ddl_log WHERE object LIKE 'public.many%'}), '70', 'all are written at the commit');
$session->query('BEGIN');
$session->query(q{DO $$BEGIN FOR i IN 1 .. 1200 LOOP EXECUTE format('COMMENT ON TABLE many_1 IS %L', i || repeat('x', 1000)); END LOOP; END$$});
run_ok('SET lock_timeout = 10000; CREATE TABLE meanwhile_2 ()', 'others do not wait for one that has begun to write');
is($warning, '', 'and are written down');
$session->query('ROLLBACK');
is($node->safe_psql('postgres', q{SELECT count(*) FROM schemaguard.ddl_log WHERE tag = 'COMMENT' AND object = 'public.many_1'}), '0', 'what is rolled back has no rows');
$session->query(q{DO $$BEGIN FOR i IN 1 .. 1200 LOOP EXECUTE format('COMMENT ON TABLE many_1 IS %L', i || repeat('x', 1000)); END LOOP; END$$});
is($node->safe_psql('postgres', q{SELECT count(*) FROM schemaguard.ddl_log WHERE tag = 'COMMENT' AND object = 'public.many_1'}), '1200', 'more than is kept in memory');
$session->query(q{BEGIN; CREATE TABLE outer_1 (); SAVEPOINT a; CREATE TABLE inner_1 (); SAVEPOINT b; CREATE TABLE inner_2 (); ROLLBACK TO b; CREATE TABLE inner_3 ();
	RELEASE a; SAVEPOINT c; CREATE TABLE inner_4 (); ROLLBACK TO c; COMMIT});
is($node->safe_psql('postgres', q{SELECT string_agg(object, ' ' ORDER BY at) FROM schemaguard.ddl_log WHERE object ~ '(outer|inner)_'}),
	'public.outer_1 public.inner_1 public.inner_3', 'savepoints');
run_ok(q{BEGIN; CREATE TABLE two_phases (); PREPARE TRANSACTION 'two'}, 'PREPARE TRANSACTION');
is(logged('public.two_phases'), '0', 'is not committed yet');
run_ok(q{COMMIT PREPARED 'two'}, 'COMMIT PREPARED');
is(logged('public.two_phases'), '1', 'is');
run_ok('SET session_replication_role = replica; CREATE TABLE replicated ()', 'a replica session');
is(logged('public.replicated'), '1', 'is caught, too');
run_ok('BEGIN ISOLATION LEVEL SERIALIZABLE; CREATE TABLE serial_1 (); COMMIT; CREATE TABLE c_index (a int); CREATE INDEX CONCURRENTLY c_index_a ON c_index (a); DROP INDEX CONCURRENTLY c_index_a', 'serializable; concurrent index');
is($node->safe_psql('postgres', q{SELECT string_agg(tag, ',' ORDER BY at) FROM schemaguard.ddl_log WHERE object IN ('public.serial_1', 'public.c_index_a')}), 'CREATE TABLE,CREATE INDEX,DROP INDEX', 'written down');
$session->quit;

# many at once
my @sessions = map { SgTest::Session->new($node) } 1 .. 4;
$sessions[$_]->send(qq{DO \$\$BEGIN FOR i IN 1 .. 10 LOOP EXECUTE format('CREATE TABLE at_once_${_}_%s (id int PRIMARY KEY)', i); COMMIT; END LOOP; END\$\$}) for 0 .. 3;
$_->collect for @sessions;
is(join('', map { $_->{err} } @sessions), '', 'four sessions at once: no warning');
is($node->safe_psql('postgres', q{SELECT count(DISTINCT object) FROM schemaguard.ddl_log WHERE object LIKE 'public.at_once%'}), '40', 'and nothing lost');
$_->quit for @sessions;

# ---- one statement out of many

run_ok(q{CREATE TABLE a1 (a int); CREATE ROLE carol PASSWORD 'geheim';  CREATE TABLE a2 (b int)  ;}, 'one message');
$node->command_ok([ 'psql', '-X', '-q', '-d', $node->connstr('postgres'), '-c', q{CREATE TABLE m1 (a int); ALTER ROLE carol PASSWORD 'geheim';  CREATE TABLE m2 (b int)  ;} ], 'one message of psql -c');
is($node->safe_psql('postgres', q{SELECT string_agg(statement, '|' ORDER BY at) FROM schemaguard.ddl_log WHERE object ~ '^public\.m\d$'}),
	'CREATE TABLE m1 (a int)|CREATE TABLE m2 (b int)', 'each has its own text');
my $script = $node->basedir . '/extended.sql';
append_to_file($script, "CREATE TABLE extended (a int);\n");
$node->command_ok([ 'pgbench', '-n', '-M', 'extended', '-t', '1', '-f', $script, '-d', $node->connstr('postgres') ], 'extended protocol');
is($node->safe_psql('postgres', q{SELECT statement FROM schemaguard.ddl_log WHERE object = 'public.extended'}), 'CREATE TABLE extended (a int);' =~ s/;//r, 'its text');
is($node->safe_psql('postgres', q{SELECT count(*) FROM schemaguard.ddl_log l WHERE l::text LIKE '%geheim%'}), '0', 'no secret in the log');

# ---- dump and restore

my $dir = $node->basedir;
$node->command_ok([ 'pg_dump', '-F', 'plain', '-f', "$dir/dump.plain", 'postgres' ], 'pg_dump');
unlike(slurp_file("$dir/dump.plain"), qr/CREATE EVENT TRIGGER/, 'no event triggers in it');
$node->command_ok([ 'pg_dump', '-F', 'directory', '-f', "$dir/dump.directory", 'postgres' ], 'pg_dump, directory');
$node->command_ok([ 'pg_dump', '--binary-upgrade', '-s', '-f', "$dir/dump.upgrade", 'postgres' ], 'pg_dump for pg_upgrade');
like(slurp_file("$dir/dump.upgrade"), qr/CREATE EVENT TRIGGER schemaguard_sql_drop/, 'has them, as members');
my ($old, $last) = split /\|/, $node->safe_psql('postgres', q{SELECT count(*), extract(epoch FROM max(at)) FROM schemaguard.ddl_log});
$node->append_conf('postgresql.conf', "schemaguard.migration_applications = '140%'\n");
$node->reload;
for my $format ('plain', 'directory')
{
	my $db = "from_$format";
	$node->safe_psql('postgres', "CREATE DATABASE $db");
	if ($format eq 'plain') { $node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-o', '/dev/null', '-d', $db, '-f', "$dir/dump.plain" ], 'restored by psql'); }
	else { $node->command_ok([ 'pg_restore', '--exit-on-error', '--jobs=3', '-d', "dbname=$db application_name=pg_restore", "$dir/dump.directory" ], 'restored by pg_restore, in parallel'); }
	is($node->safe_psql($db, 'SELECT wanted, active FROM schemaguard.ddl_capture_state'), 't|t', "$format: DDL is caught there");
	my $new = $node->safe_psql($db, q{SELECT count(*) FROM schemaguard.ddl_log WHERE origin = 'migration'});
	is($node->safe_psql($db, qq{SELECT count(*) FROM schemaguard.ddl_log WHERE extract(epoch FROM at) <= $last}), $old, "$format: the old rows are there");
	cmp_ok($new, '>', 0, "$format: and those of what the restore still had to do");
	run_ok('CREATE TABLE after_restore ()', "$format: a new table", dbname => $db);
	is(logged('public.after_restore', $db), '1', "$format: is written down");
	run_ok(q{BEGIN; CREATE TABLE in_the_end (); DROP EXTENSION schemaguard; COMMIT; CREATE TABLE without ()}, "$format: DROP EXTENSION", dbname => $db);
	is($warning, '', "$format: without a warning");
	is($node->safe_psql($db, 'SELECT count(*) FROM pg_event_trigger'), '0', "$format: and nothing stays behind");
	run_ok(q{CREATE EXTENSION schemaguard; SELECT sg_capture_ddl(true); CREATE TABLE again ()}, "$format: made again", dbname => $db);
	is(logged('public.again', $db), '1', "$format: works");
}
# who may not make event triggers gets on with his restore
$node->safe_psql('postgres', 'CREATE DATABASE humble');
$node->safe_psql('humble', 'CREATE EXTENSION schemaguard; GRANT INSERT ON schemaguard.ddl_capture TO alice');
run_ok(q{INSERT INTO schemaguard.ddl_capture VALUES (now(), 'x')}, 'restored by a role that may not', dbname => 'humble', user => 'alice');
like($warning, qr/WARNING:.*DDL is not captured here.*HINT:.*As a superuser:\nSELECT public\.sg_capture_ddl\(true\);/s, 'a warning says what is missing');
is($node->safe_psql('humble', 'SELECT wanted, active FROM schemaguard.ddl_capture_state'), 't|f', 'and a view');
run_ok('SELECT sg_capture_ddl(true)', 'a superuser mends it', dbname => 'humble');
is($node->safe_psql('humble', 'SELECT wanted, active FROM schemaguard.ddl_capture_state'), 't|t', 'mended');
$node->safe_psql('humble', 'SELECT sg_capture_ddl(false)');
is($node->safe_psql('humble', 'SELECT string_agg(evtname, $$,$$) FROM pg_event_trigger'), 'schemaguard_drop_extension', 'ended');
$node->safe_psql('humble', q{CREATE FUNCTION f() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END'; CREATE EVENT TRIGGER schemaguard_sql_drop ON sql_drop EXECUTE FUNCTION f()});
is_error($node, 'SELECT sg_capture_ddl(true)', '42710', qr/is not schemaguard's.*Rename or drop it/s, 'a name that is taken', dbname => 'humble');
is_error($node, 'SET default_transaction_read_only = on; SELECT sg_capture_ddl(true)', '25006', undef, 'read-only', dbname => 'humble');

$node->stop('immediate');
done_testing();
