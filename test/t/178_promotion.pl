# 178_promotion.pl: from development to test to production, three servers.
#
#   - what waits is told, made, checked, applied, and is in both logs; the document runs no code of its author's
#   - production is protected: window, approval by another one than the author, a backup, another role's bundle
#   - the target moves on, a test fails and the bundle is taken back, a hotfix comes back
#   - the source is gone when a bundle is made, and when it is applied; the target is killed while it is
#
# rooms: promote sync
# takes: 40 s
# majors: one (transactions and connections)
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Utils;
use Test::More;
use SgTest;

my $dev = new_node('dev');
plan skip_all => 'dblink is not installed here' unless has_extension($dev, 'dblink');
my ($test, $production) = map { new_node($_) } qw(test production);

my $shop = q{
	CREATE ROLE ops LOGIN PASSWORD 'x'; CREATE ROLE lead LOGIN; CREATE ROLE other LOGIN;
	CREATE SCHEMA shop AUTHORIZATION ops;
	SELECT sg_grant('ops'), sg_grant('lead'), sg_grant('other');
	SET ROLE ops;
	CREATE TABLE shop.customers (id int PRIMARY KEY, email text);
	CREATE TABLE shop.orders (id int PRIMARY KEY, customer_id int, total int);
	INSERT INTO shop.customers SELECT g, g || '@x' FROM generate_series(1, 1000) g;
	INSERT INTO shop.orders SELECT g, g, 1 FROM generate_series(1, 1000) g;
};
# dblink lets nobody but superusers go elsewhere without a password
$ENV{PGPASSWORD} = 'x';
foreach my $node ($dev, $test, $production)
{
	my $hba = slurp_file($node->data_dir . '/pg_hba.conf');

	$node->safe_psql('postgres', $shop);
	open my $file, '>', $node->data_dir . '/pg_hba.conf' or die $!;
	print $file "local all ops scram-sha-256\n$hba";
	close $file;
	$node->reload;
}

sub server
{
	my ($name, $there) = @_;

	return sprintf q{CREATE SERVER %s FOREIGN DATA WRAPPER dblink_fdw OPTIONS (host '%s', port '%s', dbname 'postgres');
		GRANT USAGE ON FOREIGN SERVER %1$s TO ops, other;
		CREATE USER MAPPING FOR ops SERVER %1$s OPTIONS (user 'ops', password 'x');
		CREATE USER MAPPING FOR CURRENT_USER SERVER %1$s OPTIONS (user 'ops', password 'x');}, $name, $there->host, $there->port;
}
$test->safe_psql('postgres', 'CREATE EXTENSION dblink;' . server('dev', $dev) . server('production', $production) . q{
	INSERT INTO schemaguard.environment (name, server, stage, next) VALUES
		('dev', 'dev', 'development', 'test'), ('test', NULL, 'test', 'production'), ('production', 'production', 'production', NULL);});
$production->safe_psql('postgres', 'CREATE EXTENSION dblink;' . server('test', $test) . q{
	INSERT INTO schemaguard.environment (name, server, stage, next, protected, approvers) VALUES
		('test', 'test', 'test', 'production', false, '{}'), ('production', NULL, 'production', NULL, true, '{lead}');});

# As a role, with its own login
sub as
{
	my ($role, $node, $sql) = @_;

	return join "\n", grep { !/^$/ } ($node->psql('postgres', $sql, extra_params => [ '-U', $role ]))[1, 2];
}

# The row of an environment: ahead, behind, waiting, blocked by, next call
sub row { my ($node, $environment) = @_; return $node->safe_psql('postgres', "SELECT ahead, behind, waiting, blocked_by, next_call FROM sg_promotion_status() WHERE environment = '$environment'"); }
sub state_of { my ($node, $bundle) = @_; return $node->safe_psql('postgres', "SELECT state, gate, told_at IS NOT NULL FROM schemaguard.promotion WHERE bundle = '$bundle'"); }
sub hash_of { my ($node, $bundle) = @_; return $node->safe_psql('postgres', "SELECT hash FROM schemaguard.promotion WHERE bundle = '$bundle'"); }
sub log_of { my ($node, $bundle) = @_; return $node->safe_psql('postgres', "SELECT string_agg(role || ' ' || action, ', ' ORDER BY id) FROM schemaguard.audit_log WHERE object = '$bundle' AND action ~ '^promot'"); }
sub columns { my ($node) = @_; return $node->safe_psql('postgres', q{SELECT string_agg(attname, ' ' ORDER BY attname) FROM pg_attribute WHERE attrelid = 'shop.orders'::regclass AND attnum > 0 AND NOT attisdropped}); }

# ---- development to test
is(row($test, 'dev'), '0|0|||', 'nothing waits') or diag(row($test, 'dev'));
as('ops', $dev, q{ALTER TABLE shop.orders ADD note text DEFAULT 'none', ADD FOREIGN KEY (customer_id) REFERENCES shop.customers; CREATE INDEX ON shop.orders (customer_id)});
like(row($test, 'dev'), qr/^3\|0\|\|\|$/, 'development is ahead');
is(row($test, 'test'), q{0|0|||SELECT * FROM public.sg_promote('dev', 'test');}, 'and test is to take that over');
like(as('ops', $test, q{SELECT * FROM sg_promote('dev', 'test', schemas => 'shop')}), qr/^dev to test 1\|4\|/, 'a bundle') or diag(as('ops', $test, 'SELECT 1'));
like(row($test, 'test'), qr/^0\|0\|4\|\|SELECT \* FROM public.sg_promotion_check\('dev to test 1'\);$/, 'waits for a look');
is($test->safe_psql('postgres', q{SELECT * FROM sg_promotion_check('dev to test 1')}),
	"pass|scratch||4 changes do in a scratch database what they should\npass|rows||no row of this database is in the way", 'which finds nothing');
is(row($test, 'test'), q{0|0|4||CALL public.sg_promote_apply('dev to test 1');}, 'so it can be applied');
like(as('other', $test, q{CALL sg_promote_apply('dev to test 1')}), qr/there is no bundle "dev to test 1", or it is not for you to read/, 'a stranger knows of none');
like(($test->psql('postgres', q{CALL sg_promote_apply('dev to test 1')}))[2], qr/bundle "dev to test 1" is by role ops\n.*runs with the privileges of role/s, 'whoever is not its author confirms the hash');
like(as('ops', $test, q{BEGIN; CALL sg_promote_apply('dev to test 1'); COMMIT}), qr/sg_promote_apply/, 'not in a transaction');
like(as('ops', $test, q{CALL sg_promote_apply('dev to test 1')}), qr/bundle "dev to test 1" is applied/, 'the author need not');
is(state_of($test, 'dev to test 1'), 'applied|pass|t', 'applied');
is(columns($test), columns($dev), 'the same columns');
is(log_of($test, 'dev to test 1'), 'ops promote, ' . $test->safe_psql('postgres', 'SELECT current_user') . ' promotion check, ops promotion begin, ops promotion applied', 'the log of the target');
is(log_of($dev, 'dev to test 1'), 'ops promotion applied', 'and of the source');
is(row($test, 'dev'), '0|0|||', 'nothing waits');
like(row($test, 'test'), qr/^3\|0\|\|\|/, 'test is ahead of production');
like(as('ops', $test, q{CALL sg_promote_apply('dev to test 1')}), qr/can't be applied: it is applied/, 'once');

# ---- test to production
like(as('ops', $production, q{SELECT * FROM sg_promote('test', 'production', schemas => 'shop')}), qr/^test to production 1\|4\|/, 'a bundle for production');
my $one = 'test to production 1';
my $hash = hash_of($production, $one);
like(as('ops', $production, "CALL sg_promote_apply('$one')"), qr/can't be applied: nobody has approved it/, 'not without approval');
like(as('ops', $production, "SELECT sg_promotion_approve('$one', '$hash')"), qr/role ops can't approve bundle/, 'of somebody else');
is(as('lead', $production, "SELECT sg_promotion_approve('$one', '$hash')"), '', 'lead approves');
$production->safe_psql('postgres', q{UPDATE schemaguard.environment SET "window" = to_char(now() AT TIME ZONE 'UTC' + interval '2 h', 'HH24:MI') || '-' || to_char(now() AT TIME ZONE 'UTC' + interval '3 h', 'HH24:MI') WHERE name = 'production'});
like(as('ops', $production, "CALL sg_promote_apply('$one')"), qr/can't be applied: the window of production opens/, 'not outside of the window');
$production->safe_psql('postgres', q{UPDATE schemaguard.environment SET "window" = '00:00-24:00' WHERE name = 'production'});
$production->safe_psql('postgres', q{ALTER DATABASE postgres SET schemaguard.require_backup = '1d'});
like(as('ops', $production, "CALL sg_promote_apply('$one')"), qr/can't be applied: no backup of this database is recorded/, 'not without a backup');
$production->safe_psql('postgres', q{SELECT sg_backup_record('pg_dump', '/b/1', taken_at => now() - interval '1 h', verified_at => now() - interval '1 min')});

# the target moves on, and back
as('ops', $production, 'ALTER TABLE shop.orders ADD hot int');
like(as('ops', $production, "CALL sg_promote_apply('$one')"), qr/can't be applied: production is not what it was when the bundle was made.*sg_promote\('test', 'production'\)/s, 'not when the target has moved on');
like(row($production, 'production'), qr/\|production is not what it was.*\|SELECT \* FROM public.sg_promote\('test', 'production'\);$/, 'which the table says, too');
as('ops', $production, 'ALTER TABLE shop.orders DROP hot');
unlike(row($production, 'production'), qr/is not what it was/, 'and back again, though the table has a dropped column now');
like(as('lead', $production, "SELECT result, part, reason FROM sg_promotion_check('$one')"), qr/^unknown\|(?!.*ERROR)/, 'who lacks USAGE can not tell');

# a document that was changed in the table
$production->safe_psql('postgres', "UPDATE schemaguard.promotion SET content = jsonb_set(content, '{script}', '\"x\"') WHERE bundle = '$one'");
like(as('ops', $production, "CALL sg_promote_apply('$one')"), qr/can't be applied: it is not what its author has made/, 'a bundle that was changed');
like(as('ops', $production, q{SELECT * FROM sg_promote('test', 'production', schemas => 'shop')}), qr/^test to production 2\|4\|/, 'another one');
my $two = 'test to production 2';
as('lead', $production, "SELECT sg_promotion_approve('$two', '" . hash_of($production, $two) . "')");

# the source is gone
$test->stop('immediate');
like(as('ops', $production, q{SELECT * FROM sg_promote('test', 'production')}), qr/could not connect to server "test"/, 'no bundle without a source');
like(row($production, 'test'), qr/^\|\|\|.*test/, 'and nobody knows how far it is ahead');
is(log_of($production, $two) =~ tr/,//, 1, 'nothing was done');

# the target is killed while a step waits for a table
my $holder = $production->background_psql('postgres');
$holder->query_safe('BEGIN; LOCK TABLE shop.orders IN ACCESS EXCLUSIVE MODE');
my $call = IPC::Run::start([ 'psql', '-XqAt', '-U', 'ops', '-d', $production->connstr('postgres'), '-c', "CALL sg_promote_apply('$two')" ], '>', \my $out, '2>', \my $err);
ok($production->poll_query_until('postgres', "SELECT state = 'applying' AND EXISTS (SELECT FROM schemaguard.plan p JOIN schemaguard.plan_step s ON s.plan = p.name WHERE p.name = '$two') FROM schemaguard.promotion WHERE bundle = '$two'"), 'it has begun');
$production->stop('immediate');
$call->finish;
eval { $holder->quit };
$production->start;
is(state_of($production, $two), 'applying||f', 'it is cut off');
like(row($production, 'production'), qr/\|4\|\|CALL public.sg_promote_apply\('test to production 2'\);$/, 'the next call goes on');
# a step that somebody has added is not run; the hint leads on
as('ops', $production, "SELECT sg_plan_add('$two', 'CREATE TABLE shop.added (a int)')");
my ($skip) = as('ops', $production, "CALL sg_promote_apply('$two')") =~ /HINT:.*\n(SELECT public\.sg_plan_skip\(.*;)/;
ok($skip, 'a step of somebody else is refused, with what to do');
as('ops', $production, $skip);
as('ops', $production, 'CREATE TABLE shop.strange (a int)');
my $end = as('ops', $production, "CALL sg_promote_apply('$two')");
like($end, qr/bundle "\Q$two\E" is applied/, 'and does') or diag($end);
like($end, qr/the source of bundle "\Q$two\E" could not be told/, 'the source is not told');
as('ops', $production, 'DROP TABLE shop.strange');
is(state_of($production, $two), 'applied|pass|f', 'applied, and not told');
is(columns($production), columns($dev), 'the same columns');
$test->start;
is(as('ops', $production, "CALL sg_promote_apply('$two')"), '', 'the next call tells the source');
is(log_of($test, $two), 'ops promotion applied', 'which knows now');

# ---- a test fails: the bundle is taken back
as('ops', $test, 'ALTER TABLE shop.orders ADD paid bool');
$production->safe_psql('postgres', q{INSERT INTO schemaguard.smoke_test (name, kind, statement, expectation) VALUES ('unpaid', 'query', 'SELECT count(*) FROM information_schema.columns WHERE column_name = ''paid''', '0')});
as('ops', $production, q{SELECT * FROM sg_promote('test', 'production', schemas => 'shop')});
my $three = $production->safe_psql('postgres', q{SELECT bundle FROM schemaguard.promotion WHERE state = 'waiting'});
as('lead', $production, "SELECT sg_promotion_approve('$three', '" . hash_of($production, $three) . "')");
my $failed = as('ops', $production, "CALL sg_promote_apply('$three')");
like($failed, qr/bundle "\Q$three\E" is applied, and what came of it is not what it should be: (?:fail|unknown).*test unpaid: .*CALL public.sg_promote_rollback\('\Q$three\E'\)/s, 'a test fails') or diag($failed);
like($production->safe_psql('postgres', "SELECT state || gate FROM schemaguard.promotion WHERE bundle = '$three'"), qr/^applied(?:fail|unknown)$/, 'and is kept');
like(as('other', $production, "CALL sg_promote_rollback('$three')"), qr/there is no bundle/, 'a stranger takes nothing back');
unlike(as('ops', $production, "CALL sg_promote_rollback('$three')"), qr/ERROR/, 'taken back by one call');
is(columns($production), columns($dev), 'as before');
is(state_of($production, $three), 'rolled back|' . $production->safe_psql('postgres', "SELECT gate FROM schemaguard.promotion WHERE bundle = '$three'") . '|t', 'rolled back');
is(log_of($test, $three), 'ops promotion applied, ops promotion rolled back', 'and the source knows');
like(as('ops', $production, "CALL sg_promote_rollback('$three')"), qr/is not applied: it is rolled back/, 'once');

# ---- a hotfix that was made in production comes back
as('ops', $test, 'ALTER TABLE shop.orders DROP paid');
as('ops', $production, 'CREATE INDEX hotfix ON shop.orders (total)');
like(row($test, 'test'), qr/^0\|1\|\|\|SELECT \* FROM public.sg_promote\('production', 'test'\);$/, 'test is behind');
like(as('ops', $test, q{SELECT bundle, changes FROM sg_promote('production', 'test', schemas => 'shop')}), qr/^production to test \d+\|1$/, 'a bundle back');
my $back = $test->safe_psql('postgres', q{SELECT bundle FROM schemaguard.promotion WHERE state = 'waiting'});
like(as('ops', $test, "CALL sg_promote_apply('$back')"), qr/is applied/, 'applied');
is(row($test, 'test') =~ s/\|.*//r, '0', 'and both are alike');
is(log_of($production, $back), 'ops promotion applied', 'production knows');

# ---- rows of look-up tables go along, and back
$_->safe_psql('postgres', q{SET ROLE ops; CREATE TABLE shop.kinds (code text PRIMARY KEY, label text); RESET ROLE; INSERT INTO schemaguard.lookup_table (table_name) VALUES ('shop.kinds')}) foreach $dev, $test;
as('ops', $dev, q{INSERT INTO shop.kinds VALUES ('a', 'A'), ('b', 'B')});
as('ops', $test, q{INSERT INTO shop.kinds VALUES ('b', 'old'), ('x', 'theirs')});
my $kinds = q{SELECT string_agg(code || label, ' ' ORDER BY code) FROM shop.kinds};
like(as('ops', $test, q{SELECT bundle FROM sg_promote('dev', 'test', schemas => 'shop')}), qr/^dev to test \d+$/, 'a bundle with rows');
my $rows = $test->safe_psql('postgres', q{SELECT bundle FROM schemaguard.promotion WHERE state = 'waiting'});
is($test->safe_psql('postgres', "SELECT string_agg(part || ': ' || detail, ', ' ORDER BY item) FROM schemaguard.promotion_item WHERE bundle = '$rows' AND object = 'rows shop.kinds'"),
	'change: 1 inserted, 1 changed, left out: 1 deleted', 'says how many');
is($test->safe_psql('postgres', "SELECT count(*) FROM schemaguard.promotion_item WHERE bundle = '$rows' AND part = 'file' AND statement ~ 'INSERT INTO shop.kinds.*UPDATE shop.kinds'"), 1, 'its files have them');
like(as('ops', $test, "CALL sg_promote_apply('$rows')"), qr/is applied$/, 'applied');
is(state_of($test, $rows), 'applied|pass|t', 'and its gate has found no drift');
is($test->safe_psql('postgres', $kinds), 'aA bB xtheirs', 'the rows are there');
unlike(as('ops', $test, "CALL sg_promote_rollback('$rows')"), qr/ERROR/, 'taken back');
is($test->safe_psql('postgres', $kinds), 'bold xtheirs', 'with the old value');

# a deletion that would reach rows of others is foreseen, and refused while there are such rows; a table that the source does not tell of is unknown
$test->safe_psql('postgres', q{SET ROLE ops; CREATE TABLE shop.odd (id int PRIMARY KEY); CREATE TABLE shop.uses (kind text REFERENCES shop.kinds ON DELETE CASCADE); INSERT INTO shop.uses VALUES ('x');
	RESET ROLE; INSERT INTO schemaguard.lookup_table (table_name) VALUES ('shop.odd')});
$dev->safe_psql('postgres', q{SET ROLE ops; CREATE TABLE shop.odd (id int PRIMARY KEY); CREATE TABLE shop.uses (kind text REFERENCES shop.kinds ON DELETE CASCADE)});
like(as('ops', $test, q{SELECT bundle, changes, losses FROM sg_promote('dev', 'test', schemas => 'shop', allow_drop => true)}), qr/^dev to test \d+\|3\|2$/, 'deleted rows are a loss, as is the index of the hotfix');
$rows = $test->safe_psql('postgres', q{SELECT bundle FROM schemaguard.promotion WHERE state = 'waiting'});
is($test->safe_psql('postgres', "SELECT part || ': ' || detail FROM schemaguard.promotion_item WHERE bundle = '$rows' AND object = 'rows shop.odd'"),
	"left out: '$rows': schemaguard.lookup_table does not name it there", 'the table is left out');
my $check = as('ops', $test, "SELECT result, object, reason FROM sg_promotion_check('$rows') WHERE part = 'rows'");
like($check, qr/fail\|rows shop.kinds\|deleting 1 row of table shop.kinds would reach rows of table shop.uses that refer to it/, 'the check foresees it');
like($check, qr/unknown\|rows shop.odd\|.*does not name it there\n.*\nDELETE FROM schemaguard.lookup_table WHERE table_name = 'shop.odd';/s, 'and does not know the other');
like(as('ops', $test, "CALL sg_promote_apply('$rows')"), qr/would reach rows of table shop.uses/, 'refused');
is($test->safe_psql('postgres', 'SELECT kind FROM shop.uses'), 'x', 'the row is there');
$test->safe_psql('postgres', 'DELETE FROM shop.uses');
unlike(as('ops', $test, "CALL sg_promote_apply('$rows')"), qr/ERROR|is what/, 'goes on without it');
is(state_of($test, $rows), 'applied|unknown|t', 'and its gate does not know the other table');
is($test->safe_psql('postgres', $kinds), 'aA bB', 'the rows are there');

# rows that come, or change, after the bundle was made, and what people say of tables then, are not in it
as('ops', $dev, q{DELETE FROM shop.kinds WHERE code = 'b'; UPDATE shop.kinds SET label = 'AA'; ALTER TABLE shop.kinds ADD note text DEFAULT 'n'});
like(as('ops', $test, q{SELECT bundle FROM sg_promote('dev', 'test', schemas => 'shop', allow_drop => true)}), qr/^dev to test \d+$/, 'a bundle that deletes a row');
$rows = $test->safe_psql('postgres', q{SELECT bundle FROM schemaguard.promotion WHERE state = 'waiting'});
foreach (q{INSERT INTO shop.kinds VALUES ('y', 'theirs')}, q{UPDATE shop.kinds SET label = 'ours' WHERE code = 'b'})
{
	$test->safe_psql('postgres', $_);
	like(as('ops', $test, "CALL sg_promote_apply('$rows')"), qr/rows of look-up tables are not what they were.*Not in the bundle: rows of shop.kinds/s, "refused after: $_");
	$test->safe_psql('postgres', q{DELETE FROM shop.kinds WHERE code = 'y'; UPDATE shop.kinds SET label = 'B' WHERE code = 'b'});
}
foreach (q{UPDATE schemaguard.lookup_table SET condition = 'code > ' || quote_literal('a')}, q{INSERT INTO schemaguard.lookup_table (table_name) VALUES ('shop.customers')},
	q{INSERT INTO schemaguard.rename (kind, old, new) VALUES ('table', 'shop.odd', 'shop.even')},
	q{INSERT INTO schemaguard.drift_ignore (object, reason) VALUES ('shop.*', 'to hide a difference')})
{
	like($test->safe_psql('postgres', "LOAD 'schemaguard'; BEGIN; $_; SELECT problem FROM schemaguard.sg_promotion_problem('$rows')"), qr/is not what it was when the bundle was made/, "moved on after: $_");
}
unlike(as('ops', $test, "CALL sg_promote_apply('$rows')"), qr/ERROR/, 'applied once they are as they were');
is($test->safe_psql('postgres', q{SELECT string_agg(code || label || note, ' ' ORDER BY code) FROM shop.kinds}), 'aAAn', 'with the new column');

unlike(slurp_file($_->logfile), qr{TRAP:|PANIC:}, $_->name . ' has not crashed') foreach $dev, $test, $production;
done_testing();
