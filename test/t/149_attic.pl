# 149_attic.pl: what a plan has dropped and kept comes back from where it is, and nothing is called taken back that is not.
#
#   - the attic, and a table in it, were renamed: they are found by OID
#   - in another database, and where the columns are others by now, the OID says nothing, and the name does
#   - what a table had is not taken back where the table is not found
#   - what is nowhere is not taken back: the step keeps its state, with what was looked for, and comes back once it is there
#   - what somebody has taken out of the attic is not dropped by sg_prune()
#   - what is kept can be reached by nobody who could not before, and is told of where somebody can
#   - CALL sg_sync_apply has no statement_timeout, also where there is nothing to do
#
# rooms: change undo sync
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use Test::More;
use SgTest;

my $node = new_node('attic', conf => "schemaguard.workers = 0\n");

sub sql { my ($db, $sql) = @_; return $node->safe_psql($db, "SET client_min_messages = error; $sql"); }

# A database with a plan that has dropped table t and column u.v
my $databases = 0;
sub dropped
{
	my $db = 'kept' . ++$databases;

	sql('postgres', "CREATE DATABASE $db");
	sql($db, q{
		CREATE EXTENSION schemaguard;
		CREATE TABLE t (id int PRIMARY KEY, a text); INSERT INTO t VALUES (1, 'one');
		CREATE TABLE u (id int, v text DEFAULT 'x' NOT NULL); INSERT INTO u VALUES (1, 'two');
		SELECT sg_plan_create('d'), sg_plan_add_drop('d', 'table', 't'), sg_plan_add_drop('d', 'column', 'u', 'v');
		CALL sg_apply('d');
	});
	return $db;
}
sub rolls_back { my ($db) = @_; return sql($db, "CALL sg_rollback_fks('d'); SELECT step, state, reason FROM schemaguard.plan_step ORDER BY step"); }
sub is_back { my ($db) = @_; return sql($db, "SELECT t.a, u.v FROM t, u"); }

my $back = "1|rolled back|\n2|rolled back|";
my $db = dropped();
sql($db, 'ALTER SCHEMA schemaguard_attic RENAME TO elsewhere; ALTER TABLE elsewhere.t RENAME TO other');
is(rolls_back($db), $back, 'attic and table were renamed: taken back');
is(is_back($db), 'one|two', 'with its rows, by its name');

$db = dropped();
sql($db, 'ALTER SCHEMA schemaguard_attic RENAME TO elsewhere');
is(rolls_back($db), $back, 'the attic was renamed: taken back');
is(is_back($db), 'one|two', 'with its rows');

# what another plan keeps under the same name is none of this one's
sql('postgres', 'CREATE DATABASE two');
sql('two', q{CREATE EXTENSION schemaguard; CREATE TABLE pay (id int PRIMARY KEY); SELECT sg_plan_create('a'), sg_plan_add_drop('a', 'table', 'pay'); CALL sg_apply('a'); DROP TABLE schemaguard_attic.pay});
my $between = sql('two', 'SELECT clock_timestamp()');
sql('two', q{CREATE TABLE pay (id int, more text); INSERT INTO pay VALUES (1, 'x'); SELECT sg_plan_create('b'), sg_plan_add_drop('b', 'table', 'pay'); CALL sg_apply('b')});
like(($node->psql('two', q{CALL sg_rollback_fks('a', fail => false)}))[2], qr/not taken back: the table is not found/, 'what was kept is gone: another one of its name is none');
sql('two', "CALL sg_prune('$between', 'attic')");
is(sql('two', q{CALL sg_rollback_fks('b'); SELECT * FROM pay}), '1|x', 'nor does sg_prune() drop that, and its own plan brings it back');

# nor is it in a copy, where all that is known of both are names: a name is the later one's
$db = dropped();
sql($db, q{DROP TABLE schemaguard_attic.t; ALTER TABLE u DROP _sg_dropped_v; CREATE TABLE t (id int PRIMARY KEY, a text); INSERT INTO t VALUES (2, 'three'); ALTER TABLE u ADD v text DEFAULT 'four' NOT NULL;
	SELECT sg_plan_create('e'), sg_plan_add_drop('e', 'table', 't'), sg_plan_add_drop('e', 'column', 'u', 'v')});
$between = sql($db, 'SELECT clock_timestamp()');
sql($db, "CALL sg_apply('e')");
sql('postgres', "CREATE DATABASE later TEMPLATE $db");
is(scalar(() = rolls_back('later') =~ /^\d\|validated\|not taken back: .*, which it was kept as, is another one by now$/mg), 2, 'a copy: what a later plan keeps under the same names is not taken for it');
$node->psql('later', "CALL sg_prune('$between', 'attic')");
sql('later', q{CALL sg_rollback_fks('e')});
is(is_back('later'), 'three|four', '... nor dropped for it by sg_prune(), and comes back with its own plan');

# a name that is taken is waited for
sql('postgres', 'CREATE DATABASE theirs');
sql('theirs', q{CREATE EXTENSION schemaguard; CREATE TABLE n (id int); SELECT sg_plan_create('d'), sg_plan_add_rename('d', 'table', 'n', 'n2'); CALL sg_apply('d'); CREATE TABLE n (other int); CALL sg_rollback_fks('d', fail => false)});
is(sql('theirs', q{SELECT state FROM schemaguard.plan_step WHERE fk_name = 'n'}), 'validated', 'a table whose old name is taken keeps its new one');
is(sql('theirs', q{DROP TABLE n; CALL sg_rollback_fks('d'); SELECT to_regclass('n'), to_regclass('n2'), state FROM schemaguard.plan_step WHERE fk_name = 'n'}), 'n||rolled back', 'until that is free');

# pg_restore --clean makes all anew in the same database: OIDs of before say nothing
sql('postgres', 'CREATE DATABASE anew');
sql('anew', q{CREATE EXTENSION schemaguard; CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE c (id int, p int, gone int); CREATE TABLE k (id int); INSERT INTO k VALUES (1);
	SELECT sg_plan_create('d'), sg_plan_add_fk('d', 'c', '{p}', 'p'), sg_plan_add_check('d', 'c', 'id > 0'), sg_plan_add_drop('d', 'table', 'k'), sg_plan_add('d', 'CREATE TABLE public.made (a int)'); CALL sg_apply('d')});
my $dump = $node->basedir . '/anew.dump';
$node->command_ok([ 'pg_dump', '-Fc', '-f', $dump, $node->connstr('anew') ], 'a dump');
$node->command_ok([ 'pg_restore', '--clean', '--if-exists', '-d', $node->connstr('anew'), $dump ], 'is restored into its own database');
sql('anew', q{CALL sg_rollback_fks('d', fail => false)});
is(sql('anew', q{SELECT string_agg(state, ' ' ORDER BY step) FROM schemaguard.plan_step; SELECT count(*) FROM pg_constraint WHERE conrelid = 'c'::regclass; SELECT * FROM k}),
	"rolled back rolled back rolled back validated\n0\n1", 'all is taken back but the table that was made, which by its name may be another one');

# in a copy, a table of the name that looks different is none
sql('postgres', "CREATE DATABASE other_shape TEMPLATE " . ($db = dropped()));
sql('other_shape', 'DROP TABLE schemaguard_attic.t; CREATE TABLE schemaguard_attic.t (q int)');
like(rolls_back('other_shape'), qr/1\|validated\|not taken back: the table is not found/, 'a copy: a table of that name with other columns is none');

# a partition of a table whose name has two lines
sql('postgres', 'CREATE DATABASE lines');
sql('lines', qq{CREATE EXTENSION schemaguard; CREATE TABLE "two\n""lines" (id int) PARTITION BY RANGE (id); CREATE TABLE one PARTITION OF "two\n""lines" FOR VALUES FROM (1) TO (9); INSERT INTO one VALUES (1);
	SELECT sg_plan_create('d'), sg_plan_add_drop('d', 'table', 'one'); CALL sg_apply('d')});
is(rolls_back('lines'), '1|rolled back|', 'it was a partition of a table whose name has two lines: taken back');
is(sql('lines', qq{SELECT count(*) FROM "two\n""lines"}), '1', 'as its partition');

# whether triggers fire is set for each partition by itself: of one that was dropped, and of a trigger that was, also in a copy
sql('postgres', 'CREATE DATABASE fires');
sql('fires', qq{CREATE EXTENSION schemaguard; CREATE TABLE parted (a int, b int) PARTITION BY LIST (a); CREATE TABLE "one 1" PARTITION OF parted FOR VALUES IN (1);
	CREATE TABLE two PARTITION OF parted FOR VALUES IN (2) PARTITION BY LIST (b); CREATE TABLE two_1 PARTITION OF two FOR VALUES IN (1);
	CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; CREATE TRIGGER g BEFORE INSERT ON parted FOR EACH ROW EXECUTE FUNCTION f();
	CREATE TRIGGER "two\n""D lines" BEFORE INSERT ON parted FOR EACH ROW EXECUTE FUNCTION f(); CREATE TRIGGER own BEFORE INSERT ON "one 1" FOR EACH ROW EXECUTE FUNCTION f();
	ALTER TABLE parted DISABLE TRIGGER g; ALTER TABLE ONLY "one 1" ENABLE ALWAYS TRIGGER g; ALTER TABLE ONLY two_1 ENABLE TRIGGER g;
	ALTER TABLE ONLY "one 1" DISABLE TRIGGER "two\n""D lines"; ALTER TABLE "one 1" ENABLE REPLICA TRIGGER own; ALTER TABLE ONLY two ENABLE REPLICA TRIGGER "two\n""D lines"});
my $fires = q{SELECT concat_ws(' ', tgrelid::regclass, quote_ident(tgname), tgenabled, pg_get_triggerdef(oid)) FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1};
my $fired = sql('fires', $fires);
sql('fires', q{SELECT sg_plan_create('d'), sg_plan_add_drop('d', 'trigger', 'parted', 'g'), sg_plan_add_drop('d', 'table', '"one 1"'), sg_plan_add_drop('d', 'trigger', 'parted', E'two\n"D lines'); CALL sg_apply('d')});
unlike(sql('fires', $fires), qr/parted/, 'triggers of a partitioned table are dropped, and a partition');
sql('postgres', 'CREATE DATABASE fires_copy TEMPLATE fires');
foreach my $name ('fires', 'fires_copy')
{
	is(rolls_back($name), "1|rolled back|\n2|rolled back|\n3|rolled back|", "$name: taken back");
	is(sql($name, $fires), $fired, '... and each trigger fires as it did, on each partition');
}

# a CHECK that is NOT VALID, and has a comment, is so again: nothing validates it with that
sql('postgres', 'CREATE DATABASE commented');
sql('commented', q{CREATE EXTENSION schemaguard; CREATE TABLE t (a int, b int); INSERT INTO t VALUES (-1, -1); ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NOT VALID, ADD CONSTRAINT d CHECK (b > 0) NOT VALID; COMMENT ON CONSTRAINT c ON t IS 'not yet';
	COMMENT ON CONSTRAINT d ON t IS 'nor this'; SELECT sg_plan_create('d'), sg_plan_add_drop('d', 'constraint', 't', 'c'), sg_plan_add_drop('d', 'column', 't', 'b'); CALL sg_apply('d')});
is(rolls_back('commented'), "1|rolled back|\n2|rolled back|", 'checks with a comment that are NOT VALID, of which rows break: taken back');
is(sql('commented', q{SELECT conname, convalidated, obj_description(oid, 'pg_constraint') FROM pg_constraint WHERE conrelid = 't'::regclass ORDER BY 1}), "c|f|not yet\nd|f|nor this", '... with their comments');

# somebody without superuser's rights was first to take the name: what is kept there, its owner could drop
sql('postgres', 'CREATE ROLE squatter; CREATE DATABASE squatted; GRANT CREATE ON DATABASE squatted TO squatter');
sql('squatted', q{SET SESSION AUTHORIZATION squatter; CREATE SCHEMA schemaguard_attic; RESET SESSION AUTHORIZATION; CREATE EXTENSION schemaguard;
	CREATE TABLE t (id int PRIMARY KEY, a text); INSERT INTO t VALUES (1, 'one'); CREATE TABLE u AS SELECT 'two' AS v; SELECT sg_plan_create('d'), sg_plan_add_drop('d', 'table', 't'); CALL sg_apply('d')});
is(sql('squatted', q{SELECT relnamespace::regnamespace FROM pg_class WHERE relname = 't'}), 'schemaguard_attic_1', "a schema of that name that is somebody's is none to keep things in");
rolls_back('squatted');
is(is_back('squatted'), 'one|two', 'and what was kept comes back');

$db = dropped();
sql('postgres', "CREATE DATABASE copy TEMPLATE $db");
is(rolls_back('copy'), $back, 'a copy of the database: found by name');
is(is_back('copy'), 'one|two', 'with its rows');

$db = dropped();
sql($db, 'ALTER TABLE schemaguard_attic.t ADD b int');
is(rolls_back($db), $back, 'other columns: found by name');

$db = dropped();
sql('postgres', "CREATE DATABASE copy2 TEMPLATE $db");
sql('copy2', 'ALTER SCHEMA schemaguard_attic RENAME TO elsewhere; ALTER TABLE u RENAME _sg_dropped_v TO w');
like(rolls_back('copy2'), qr/^1\|validated\|.*there is no schemaguard_attic\.t.*\n2\|validated\|.*has no column _sg_dropped_v/, 'found nowhere: not taken back, with what was looked for');
is(sql('copy2', "SELECT count(*) FROM schemaguard.plan_deed WHERE undone_at IS NULL"), '2', 'and still on record');
sql('copy2', 'CREATE SCHEMA schemaguard_attic; ALTER TABLE elsewhere.t SET SCHEMA schemaguard_attic; ALTER TABLE u RENAME w TO _sg_dropped_v');
is(rolls_back('copy2'), $back, 'once it is there, it is taken back');
is(is_back('copy2'), 'one|two', 'with its rows');

# ---- what a table had, where the table is not found

sub parts_dropped
{
	my $db = 'parts' . ++$databases;

	sql('postgres', "CREATE DATABASE $db");
	sql($db, q{
		CREATE EXTENSION schemaguard;
		CREATE TABLE p (id int PRIMARY KEY);
		CREATE TABLE t (a int, b int, p int, CONSTRAINT t_check CHECK (a > 0), CONSTRAINT t_unique UNIQUE (a), CONSTRAINT t_key FOREIGN KEY (p) REFERENCES p);
		CREATE INDEX t_b ON t (b);
		CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END';
		CREATE TRIGGER t_trigger BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f();
		SELECT sg_plan_create('d'), sg_plan_add_drop('d', 'constraint', 't', 't_check'), sg_plan_add_drop('d', 'constraint', 't', 't_unique'),
			sg_plan_add_drop('d', 'constraint', 't', 't_key'), sg_plan_add_drop('d', 'index', 't', 't_b'), sg_plan_add_drop('d', 'trigger', 't', 't_trigger'),
			sg_plan_add_drop('d', 'column', 't', 'b');
		CALL sg_apply('d');
	});
	return $db;
}
my $all_of_it = join "\n", map { $_ == 2 || $_ == 4 ? "$_|validated|not taken back: making it anew would read the whole table" : "$_|rolled back|" } 1 .. 6;
my $none_of_it = join "\n", map { "$_|validated|not taken back: table public.t is not found" } 1 .. 6;

$db = parts_dropped();
sql('postgres', "CREATE DATABASE copy3 TEMPLATE $db");
sql('copy3', 'ALTER TABLE t RENAME TO elsewhere');
is(rolls_back('copy3'), $none_of_it, 'a table that was renamed in a copy: nothing of it is taken back');
sql('copy3', 'ALTER TABLE elsewhere RENAME TO t');
is(rolls_back('copy3'), $all_of_it, 'under its name, what needs no reading is');
is(sql('copy3', q{SELECT (SELECT string_agg(conname, ' ' ORDER BY conname) FROM pg_constraint WHERE conrelid = 't'::regclass AND contype <> 'n'),
	to_regclass('t_b'), (SELECT string_agg(tgname, ' ') FROM pg_trigger WHERE NOT tgisinternal AND tgrelid = 't'::regclass),
	(SELECT string_agg(attname, ' ' ORDER BY attnum) FROM pg_attribute WHERE attrelid = 't'::regclass AND attnum > 0)}), 't_check t_key||t_trigger|a b p', 'and is there');
sql($db, 'ALTER TABLE t RENAME TO elsewhere');
my $moved = 'the rollback has worked on table public.%s, which the plan knows as public.%s';
my $elsewhere = sprintf $moved, 'elsewhere', 't';
is(rolls_back($db), $all_of_it =~ s/back\|$/back|$elsewhere/mgr, 'where it was dropped, it is known by OID');
$db = parts_dropped();
sql($db, 'DROP TABLE t');
is(rolls_back($db), $none_of_it, 'a table that is gone: nothing of it is taken back');

$db = parts_dropped();
sql($db, q{ALTER TABLE t ADD CONSTRAINT t_check CHECK (a <> 77), ADD CONSTRAINT t_unique UNIQUE (p); CREATE INDEX t_b ON t (a);
	CREATE FUNCTION g() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; CREATE TRIGGER t_trigger BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION g()});
is(rolls_back($db), join("\n", map { "$_->[0]|" . ($_->[1] ? "validated|not taken back: the name $_->[1] is taken by another one" : 'rolled back|') }
	[ 1, 't_check' ], [ 2, 't_unique' ], [ 3 ], [ 4, 't_b' ], [ 5, 't_trigger' ], [ 6 ]), 'what has the name of another one is not back');
sql($db, q{ALTER TABLE t RENAME CONSTRAINT t_check TO x1; ALTER TABLE t DROP CONSTRAINT t_unique, ADD CONSTRAINT t_unique UNIQUE (a); ALTER INDEX t_b RENAME TO x2;
	CREATE INDEX t_b ON t (b); ALTER TRIGGER t_trigger ON t RENAME TO x3});
is(rolls_back($db), join("\n", map { "$_|rolled back|" } 1 .. 6), 'once the names are free, or what was dropped is there again, it is');
is(sql($db, q{SELECT count(*) FROM pg_trigger WHERE tgname = 't_trigger' AND tgfoid = 'f'::regproc}), '1', 'the trigger calls what it called');

sql('postgres', 'CREATE DATABASE made');
sql('made', q{CREATE EXTENSION schemaguard; CREATE SCHEMA app; CREATE TABLE app.t (a int); SELECT sg_plan_create('d'), sg_plan_add_index('d', 'app.t', '(a)'); SET schemaguard.workers = 1; CALL sg_apply('d')});
sql('postgres', 'CREATE DATABASE copy4 TEMPLATE made');
sql('copy4', 'ALTER SCHEMA app RENAME TO app2');
is(rolls_back('copy4'), '1|validated|not taken back: table app.t is not found', 'an index whose table is not found in a copy: it is the plan\'s all the same');

$db = dropped();
sql($db, "ALTER TABLE schemaguard_attic.t SET SCHEMA public");
sql($db, "CALL sg_prune(now() + '1 hour', 'attic')");
is(sql($db, 'SELECT a FROM t'), 'one', 'what was taken out of the attic by hand is not dropped');

$db = dropped();
sql($db, 'INSERT INTO u (id) VALUES (2)');
$node->command_ok([ 'pg_dump', '-f', $node->basedir . '/half.sql', $db ], 'pg_dump');
sql('postgres', 'CREATE DATABASE half');
$node->command_ok([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-o', '/dev/null', '-f', $node->basedir . '/half.sql', 'half' ], 'restored');
like(rolls_back('half'), qr/^1\|rolled back\|\n2\|validated\|not taken back: /, 'a column without a value is not NOT NULL again');
is(sql('half', 'SELECT v FROM u ORDER BY id'), "two\n", 'though it is back');
sql('half', "UPDATE u SET v = 'three' WHERE v IS NULL");
is(rolls_back('half'), $back, 'the next call knows the column that it has found by its old name');
is(sql('half', q{SELECT attnotnull FROM pg_attribute WHERE attrelid = 'u'::regclass AND attname = 'v'}), 't', 'and ends it');

$db = dropped();
sql($db, 'ALTER TABLE u RENAME TO w; CREATE TABLE u (_sg_dropped_v text)');
sql($db, "CALL sg_prune(now() + '1 hour', 'attic')");
is(sql($db, q{SELECT (SELECT count(*) FROM pg_attribute WHERE attrelid = 'w'::regclass AND attnum > 0 AND NOT attisdropped), to_regclass('schemaguard_attic.t') IS NULL,
	(SELECT count(*) FROM pg_attribute WHERE attrelid = 'u'::regclass AND attnum > 0 AND NOT attisdropped)}), '1|t|1', 'sg_prune() drops what was kept, of a table that has another name, too');

# what others stand on goes behind them, in whatever order they were dropped
sql('postgres', 'CREATE DATABASE stands');
sql('stands', q{CREATE EXTENSION schemaguard; CREATE TABLE base (a int, b int); CREATE VIEW first AS SELECT a FROM base; CREATE MATERIALIZED VIEW second AS SELECT a FROM first; CREATE TABLE u (v int); CREATE VIEW of_u AS SELECT v FROM u;
	SELECT sg_plan_create('d'), sg_plan_add_drop('d', 'table', 'base'), sg_plan_add_drop('d', 'view', 'first'), sg_plan_add_drop('d', 'view', 'second'), sg_plan_add_drop('d', 'column', 'u', 'v'), sg_plan_add_drop('d', 'view', 'of_u');
	CALL sg_apply('d', steps => '{3,5}'); CALL sg_apply('d'); SELECT sg_plan_create('e'), sg_plan_add_drop('e', 'table', 'u'); CALL sg_apply('e')});
$node->psql('stands', "SET client_min_messages = warning; CALL sg_prune(now() + '1 hour', 'attic')", stderr => \my $stands);
is($stands, '', 'sg_prune() drops what is kept in the order of what stands on what');
is(sql('stands', q{SELECT count(*) FROM pg_class WHERE relnamespace = 'schemaguard_attic'::regnamespace}), '0', '... all of it');

# somebody drops it while sg_prune() waits for it
$db = dropped();
my $other = SgTest::Session->new($node, dbname => $db);
my $pruning = SgTest::Session->new($node, dbname => $db);
$other->query('BEGIN; SELECT count(*) FROM schemaguard_attic.t');
$pruning->send("SET client_min_messages = warning; SET deadlock_timeout = '30s'; SET schemaguard.lock_timeout = '60s'; CALL sg_prune(now() + '1 hour', 'attic')");
ok(wait_for(sub { sql($db, q{SELECT count(*) FROM pg_locks WHERE NOT granted AND mode = 'AccessExclusiveLock' AND relation = 'schemaguard_attic.t'::regclass}) eq '1' }), 'sg_prune() waits for a reader');
$other->query('DROP TABLE schemaguard_attic.t; COMMIT');
$pruning->collect;
is($pruning->{err}, '', '... who drops the table, and says of it no more that it is kept');
is(sql($db, q{SELECT count(*) FROM schemaguard.plan_deed WHERE undone_at IS NULL AND object ~ 'table'}), '0', '... nor has it on record');
$_->quit foreach $other, $pruning;

# ---- rows go back into the table that they are from

sql('postgres', 'CREATE DATABASE rowed');
sql('rowed', q{CREATE EXTENSION schemaguard; CREATE TABLE t (id int PRIMARY KEY, a int); CREATE TABLE s (id int PRIMARY KEY, a int); INSERT INTO t VALUES (1, -1); INSERT INTO s VALUES (1, NULL);
	SELECT sg_plan_create('d'), sg_plan_add_check('d', 't', 'a > 0', 'k', policy => 'quarantine'), sg_plan_add_not_null('d', 's', 'a', policy => 'set', fill => '7');
	CALL sg_apply('d', fix => true)});
sql('postgres', 'CREATE DATABASE copy7 TEMPLATE rowed');
my $rows = q{SELECT 't', a FROM t UNION ALL SELECT 't_real', a FROM t_real UNION ALL SELECT 's', a FROM s UNION ALL SELECT 's_real', a FROM s_real};
sql($_, 'ALTER TABLE t RENAME TO t_real; ALTER TABLE s RENAME TO s_real; CREATE TABLE t (id int PRIMARY KEY, a int); CREATE TABLE s (id int PRIMARY KEY, a int); INSERT INTO s VALUES (1, 7)') for 'rowed', 'copy7';
is(rolls_back('rowed'), join("\n", map { "$_->[0]|rolled back|" . sprintf($moved, "$_->[1]_real", $_->[1]) . '; the table of that name is another one' } [ 1, 't' ], [ 2, 's' ]), 'tables were renamed, and others made under their names: taken back');
is(sql('rowed', $rows), "t_real|-1\ns|7\ns_real|", 'rows are back in what has another name since');
like(rolls_back('copy7'), qr/^1\|validated\|not taken back: .*\n2\|validated\|not taken back: /, 'the same in a copy: not taken back');
is(sql('copy7', $rows), "s|7\ns_real|7", 'and no row goes into another table');
sql('copy7', 'DROP TABLE t, s; ALTER TABLE t_real RENAME TO t; ALTER TABLE s_real RENAME TO s');
is(rolls_back('copy7'), $back, 'with their names back, they are taken back');
is(sql('copy7', q{SELECT t.a, s.a FROM t, s}), '-1|', 'with their rows');

# ---- what stands in the way has a name, and sg_status() tells of what was not taken back

$db = dropped();
sql($db, 'CREATE TABLE t (id int PRIMARY KEY)');
rolls_back($db);
sql($db, 'ALTER TABLE t RENAME TO t2');
like(rolls_back($db), qr/^1\|validated\|not taken back: the name public\.t_pkey is taken\n2\|rolled back/, 'an index of another table has the name of one of what is kept');
is(sql($db, q{SELECT state, summary, next_call FROM sg_status() WHERE subject = 'plans'}),
	"attention|steps that a rollback has not taken back: 1 of 2; not done: 0|SELECT * FROM public.sg_plan_check('d') WHERE result <> 'ok';", 'sg_status() says what to call');
like(sql($db, q{SELECT hint FROM sg_plan_check('d') WHERE check_name = 'failed'}), qr/^CALL public\.sg_rollback_fks\('d', steps => '\{1\}'\);$/m, 'which names the rollback for when that is mended');
sql($db, 'ALTER INDEX t_pkey RENAME TO t2_pkey');
is(rolls_back($db), $back, 'once it has another name, the table is back');
is(sql($db, q{SELECT state FROM sg_status() WHERE subject = 'plans'}), 'ok', 'and sg_status() is content');

$db = dropped();
sql($db, 'ALTER TABLE schemaguard_attic.t RENAME TO t_gone; CREATE TABLE schemaguard_attic.t (x int)');
like(rolls_back($db), qr/^1\|validated\|not taken back: the name schemaguard_attic\.t is taken\n/, 'another one has the name in the attic');
sql($db, "CALL sg_apply('d')");
is(sql($db, q{SELECT reason FROM schemaguard.plan_step WHERE step = 1}), '', 'CALL sg_apply: it is to be there, and the reason is over');

$db = dropped();
sql($db, "CREATE SCHEMA app; CREATE TABLE app.t (id int); SELECT sg_plan_create('s'), sg_plan_add_drop('s', 'table', 'app.t'); CALL sg_apply('s'); DROP SCHEMA app");
sql($db, "CALL sg_rollback_fks('s')");
is(sql($db, q{SELECT reason FROM schemaguard.plan_step WHERE plan = 's'}), 'not taken back: schema app, where it was, does not exist', 'the schema that it was in is named');

$db = dropped();
sql('postgres', "CREATE DATABASE copy5 TEMPLATE $db");
sql('copy5', 'ALTER SCHEMA schemaguard_attic RENAME TO elsewhere');
is(sql('copy5', q{SELECT state, summary FROM sg_status() WHERE subject = 'attic'}), 'attention|dropped and kept: 2, of which 1 are not where they were put', 'sg_status(): what is kept elsewhere');
is(sql('copy5', q{BEGIN; ALTER SCHEMA public RENAME TO pub; SELECT summary FROM pub.sg_status() WHERE subject = 'attic'; ROLLBACK}), 'dropped and kept: 2, of which 2 are not where they were put',
	'... a column, too, which a copy knows by the name of its table');
is(sql($db, q{BEGIN; DROP TABLE u CASCADE; DROP TABLE schemaguard_attic.t CASCADE; SELECT summary FROM sg_status() WHERE subject = 'attic'; ROLLBACK}),
	'dropped and kept: 2, of which 2 are not where they were put', '... or is gone');
sql('copy5', 'CREATE TABLE t (id int, a text)');
like(rolls_back('copy5'), qr/^1\|validated\|not taken back: the table is not found/, 'another one of its name is not what was dropped');

# ---- a column that is filled, whose table is not found in a copy, is filled on

sql('postgres', 'CREATE DATABASE filled');
sql('filled', q{CREATE EXTENSION schemaguard; CREATE SCHEMA app; CREATE TABLE app.t (a int); INSERT INTO app.t VALUES (1);
	SELECT sg_plan_create('d'), sg_plan_add_column('d', 'app.t', 'b', 'int', fill => 'a + 1'); CALL sg_apply('d')});
sql('postgres', 'CREATE DATABASE copy6 TEMPLATE filled');
sql('copy6', 'ALTER SCHEMA app RENAME TO app2');
is(rolls_back('copy6'), '1|validated|not taken back: table app.t is not found', 'the column is not taken back');
is(sql('copy6', 'INSERT INTO app2.t (a) VALUES (5) RETURNING b'), '6', 'and filled on');
is(rolls_back('filled'), '1|rolled back|', 'where it is, it goes');
is(sql('filled', q{SELECT count(*) FROM pg_trigger WHERE tgrelid = 'app.t'::regclass}), '0', 'with its trigger');

# ---- what the plan's own steps take along, and call otherwise

sql('postgres', 'CREATE DATABASE along');
sql('along', q{CREATE EXTENSION schemaguard; CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE c (id int PRIMARY KEY, p int);
	SELECT sg_plan_create('d'), sg_plan_add_archive_columns('d', '{c}'); SET schemaguard.workers = 1; CALL sg_apply('d', fail => true)});
like(sql('along', "CALL sg_rollback_fks('d'); SELECT string_agg(DISTINCT state || coalesce(reason, ''), ',') FROM schemaguard.plan_step"), qr/^rolled back$/, 'an index goes before its column: nobody else has dropped it');
sql('along', q{SELECT sg_plan_create('e'), sg_plan_add_fk('e', 'c', 'p', 'p'), sg_plan_add_rename('e', 'column', 'c', 'q', 'p'), sg_plan_add_rename('e', 'table', 'p', 'parent');
	SET schemaguard.workers = 1; CALL sg_apply('e', fail => true); CALL sg_apply('e', fail => true)});
is(sql('along', q{SELECT string_agg(state, ',' ORDER BY step) FROM schemaguard.plan_step WHERE plan = 'e'}), 'validated,validated,validated', 'a key whose column and parent the plan renames stays done');

sql('along', q{CREATE TABLE went (id int PRIMARY KEY); CREATE TABLE parted (w int REFERENCES went) PARTITION BY LIST (w); CREATE TABLE parted_1 PARTITION OF parted FOR VALUES IN (1);
	SELECT sg_plan_create('g'), sg_plan_add_drop('g', 'table', 'went'); CALL sg_apply('g', fail => true); CALL sg_rollback_fks('g', fail => true)});
is(sql('along', q{SELECT count(*) FROM pg_constraint WHERE confrelid = 'went'::regclass AND convalidated AND conparentid = 0}), '1', 'the key of a partitioned table comes back with the table that it led to');

# ---- what is in the attic has a deed of its own, whatever else is kept

sql('postgres', 'CREATE DATABASE each');
sql('each', q{CREATE EXTENSION schemaguard; CREATE TABLE a (id int PRIMARY KEY); CREATE TABLE b (id int PRIMARY KEY, p int, q int); CREATE VIEW shown AS SELECT 1;
	SELECT sg_plan_create('s'), sg_plan_add_drop('s', 'table', 'a'); SELECT sg_plan_create('t'), sg_plan_add_drop('t', 'column', 'b', 'p'), sg_plan_add_drop('t', 'column', 'b', 'q'),
		sg_plan_add_statement('t', E'ALTER VIEW public.shown RENAME TO "sh Own";\nALTER VIEW public."sh Own" SET SCHEMA schemaguard_attic', undo => 'ALTER VIEW schemaguard_attic."sh Own" SET SCHEMA public');
	CALL sg_apply('s', fail => true); CALL sg_apply('t', fail => true)});
is(sql('each', q{SELECT state FROM sg_status() WHERE subject = 'attic'}), 'ok', 'a table that was dropped, and a view that a sync keeps beside it, have deeds');
sql('each', q{SELECT sg_plan_drop('s', force => true)});
is(sql('each', q{SELECT state, summary FROM sg_status() WHERE subject = 'attic'}), 'attention|in the attic without a row in schemaguard.plan_deed: 1 of 2', 'columns that are kept do not make up for a table whose deed is gone');

# ---- the owner of a database dumps it, with a table of its own in the attic

sql('postgres', 'CREATE ROLE keeper LOGIN; CREATE DATABASE owned OWNER keeper');
sql('owned', 'CREATE EXTENSION schemaguard; GRANT CREATE ON SCHEMA public TO keeper');
sql('owned', q{SELECT sg_grant('keeper'); SET SESSION AUTHORIZATION keeper; CREATE TABLE t (id int); INSERT INTO t VALUES (1); CREATE TABLE u (a int, b int);
	SELECT sg_plan_create('d'), sg_plan_add_drop('d', 'table', 't'), sg_plan_add_drop('d', 'column', 'u', 'a'), sg_plan_add_column('d', 'u', 'c', 'int', fill => 'b');
	CALL sg_apply('d', fail => true)});
is(sql('owned', q{SELECT state, summary FROM sg_status() WHERE subject = 'leftovers'}), 'ok|no call that was cut off has left anything; until sg_plan_release(), the triggers of these plans fill on: d',
	'the trigger of a column that a step goes on filling is no leftover, and told');
$node->command_ok([ 'pg_dump', '-U', 'keeper', @$_, '-f', $node->basedir . '/owned.sql', 'owned' ], "pg_dump @$_ by the owner")
	for [ '--enable-row-security' ], [ '--exclude-table-data=schemaguard.*' ];
sql('postgres', 'CREATE DATABASE bare');
$node->command_ok([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-o', '/dev/null', '-f', $node->basedir . '/owned.sql', 'bare' ], 'restored without rows of schemaguard');
is(sql('bare', q{SELECT state, summary FROM sg_status() WHERE subject = 'attic'}), 'attention|in the attic without a row in schemaguard.plan_deed: 1 of 1, and columns that are kept: 1', 'what is in the attic is told of');
is(sql('bare', q{SET SESSION AUTHORIZATION keeper; SELECT state, summary FROM sg_status() WHERE subject = 'attic'}),
	'attention|in the attic without a row in schemaguard.plan_deed that this role sees: 1 of 1, and columns that are kept: 1', '... to its owner, too');
is(sql('owned', q{SET SESSION AUTHORIZATION keeper; SELECT state FROM sg_status() WHERE subject = 'attic'}), 'ok', '... who sees it there');
is(sql('bare', q{SELECT regexp_replace(summary, '[0-9a-f]{16}', 'hash') FROM sg_status() WHERE subject = 'leftovers'}), 'trigger "~schemaguard_fill_3_hash" ON public.u belongs to no plan', 'and the trigger of a plan that did not come along');
# nor is it that of a plan of the same name, which would have it fill another table's values
sql('postgres', 'CREATE DATABASE bare2 TEMPLATE bare');
sql('bare2', q{CREATE TABLE w (id int); SELECT sg_plan_create('d'), sg_plan_add_index('d', 'w', '(id)'), sg_plan_add_index('d', 'u', '(b)'), sg_plan_add_column('d', 'w', 'c', 'int', fill => '7'); CALL sg_apply('d', fail => false)});
like(sql('bare2', 'SELECT state, reason FROM schemaguard.plan_step WHERE step = 3'), qr/^failed\|function schemaguard\."~schemaguard_fill_3_\w+", which would fill public\.w, fills public\.u for another plan of that name/, '... nor taken over by a plan of that name');
is(sql('bare2', 'INSERT INTO u (b) VALUES (1) RETURNING c'), '1', '... which has it fill on');
# ... nor by one that fills a table below it
sql('postgres', 'CREATE DATABASE bare3 TEMPLATE bare');
sql('bare3', q{CREATE TABLE u_heir () INHERITS (u); SELECT sg_plan_create('d'), sg_plan_add_index('d', 'u', '(b)'), sg_plan_add_index('d', 'u_heir', '(b)'), sg_plan_add_column('d', 'u_heir', 'c2', 'int', fill => '7'); CALL sg_apply('d', fail => false)});
like(sql('bare3', 'SELECT state, reason FROM schemaguard.plan_step WHERE step = 3'), qr/^failed\|function schemaguard\."~schemaguard_fill_3_\w+", which would fill public\.u_heir, fills public\.u for another plan of that name/, '... nor by one of a table that inherits');
is(sql('bare3', 'INSERT INTO u (b) VALUES (1) RETURNING c'), '1', '... which leaves it as it is');
# ... nor by one that fills another column of it, or the same one for a rule
for ([ 'other_column', q{sg_plan_add_column('d', 'u', 'c2', 'int', fill => '7')} ], [ 'rule', q{sg_plan_add_check('d', 'u', 'c > 0', policy => 'set', child_column => 'c', fill => '7')} ],
	[ 'other_rule', q{sg_plan_add_not_null('d', 'u', 'b', policy => 'set', fill => '7')} ])
{
	my ($db, $adds) = @$_;

	sql('postgres', "CREATE DATABASE $db TEMPLATE bare");
	sql($db, qq{INSERT INTO u (b) VALUES (NULL); SELECT sg_plan_create('d'), sg_plan_add_index('d', 'u', '(b)'), sg_plan_add_index('d', 'u', '(c)'), $adds; CALL sg_apply('d', fix => true, fail => false)});
	like(sql($db, 'SELECT state, reason FROM schemaguard.plan_step WHERE step = 3'), qr/^failed\|function schemaguard\."~schemaguard_fill_3_\w+", which would fill public\.u, fills public\.u for another plan of that name/, "... nor by one of the same table: $db");
	is(sql($db, 'INSERT INTO u (b) VALUES (5) RETURNING c'), '5', '... which fills as before');
}
sql('postgres', 'CREATE DATABASE index TEMPLATE bare');
sql('index', q{SELECT sg_plan_create('d'), sg_plan_add_index('d', 'u', '(b)'), sg_plan_add_index('d', 'u', '(c)'), sg_plan_add_index('d', 'u', '(b, c)'); CALL sg_apply('d', fail => false)});
like(sql($_, q{SELECT summary FROM sg_status() WHERE subject = 'leftovers'}), qr/^trigger "~schemaguard_fill_3_\w+" ON public\.u belongs to no plan$/, "... and it is no leftover of that plan: $_") for qw(other_column rule other_rule index);
my ($stray, $removes) = split /\|/, sql('bare2', q{SELECT summary, next_call FROM sg_status() WHERE subject = 'leftovers'});
like($stray, qr/belongs to no plan$/, '... and it is told still');
is(sql('bare2', "$removes CALL sg_apply('d'); INSERT INTO w VALUES (1) RETURNING c"), '7', '... with what removes it');
sql('bare', sql('bare', q{SELECT next_call FROM sg_status() WHERE subject = 'leftovers'}) . 'DROP TABLE schemaguard_attic.t');
is(sql('bare', q{SELECT state, summary FROM sg_status() WHERE subject IN ('attic', 'leftovers')}), "attention|columns that are kept without a row in schemaguard.plan_deed: 1\nok|no call that was cut off has left anything", 'it goes as is said there, and columns that are kept are told');
is(sql('bare', q{SET SESSION AUTHORIZATION keeper; SELECT state, summary FROM sg_status() WHERE subject = 'attic'}),
	'attention|columns that are kept without a row in schemaguard.plan_deed that this role sees: 1', '... to their owner, too');
is(sql('bare', sql('bare', q{SELECT next_call FROM sg_status() WHERE subject = 'attic'})), 'u|_sg_dropped_a', 'by the call that is given');
sql('bare', q{CREATE TABLE fresh (a int); SELECT sg_plan_create('fresh'), sg_plan_add_check('fresh', 'fresh', 'a > 0'); CALL sg_apply('fresh', fail => true)});
is(sql('bare', q{SELECT state, summary FROM sg_status() WHERE subject = 'attic'}), 'attention|columns that are kept without a row in schemaguard.plan_deed: 1', '... also once a plan has done something else');
sql('bare', q{ALTER TABLE fresh ADD b int; SELECT sg_plan_add_drop('fresh', 'column', 'fresh', 'b'); CALL sg_apply('fresh')});
is(sql('bare', q{SELECT summary FROM sg_status() WHERE subject = 'attic'}), 'columns that are kept without a row in schemaguard.plan_deed: 1', '... and beside one that is on record');
is(sql('bare', sql('bare', q{SELECT next_call FROM sg_status() WHERE subject = 'attic'})), 'u|_sg_dropped_a', '... which the call does not list');

# what a snapshot of before has of such triggers is not missed
sql('owned', q{CREATE FUNCTION public.tf() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; CREATE TRIGGER tf BEFORE INSERT ON u FOR EACH ROW EXECUTE FUNCTION public.tf(); SELECT sg_snapshot_take('of_before');
	INSERT INTO schemaguard.snapshot_object SELECT snapshot, kind, CASE kind WHEN 'function' THEN 'schemaguard."~schemaguard_fill_3_x"()' ELSE 'public.u."~schemaguard_fill_3_x"' END,
		CASE kind WHEN 'function' THEN 'schemaguard' ELSE parent END, CASE kind WHEN 'function' THEN properties ELSE jsonb_set(properties, '{function}', '"schemaguard.\"~schemaguard_fill_3_x\"()"') END, checksum
	FROM schemaguard.snapshot_object WHERE snapshot = 'of_before' AND identity IN ('public.tf()', 'public.u.tf')});
is(sql('owned', q{SELECT count(*) FROM schemaguard.snapshot_object WHERE snapshot = 'of_before' AND identity LIKE '%~schemaguard_fill_3_x%'; SELECT * FROM sg_drift('of_before')}), '2', 'a trigger that fills, and its function, in a snapshot of before are no drift');
is(scalar(() = sql('owned', q{SELECT sg_sync_sql('of_before')}) =~ /fill/g), 0, '... nor made');
is(sql('owned', q{SELECT count(*) FROM sg_snapshot_objects('of_before') WHERE identity LIKE '%tf%'}), '2', '... while others are there');
sql('owned', q{DROP TRIGGER tf ON u; DROP FUNCTION public.tf(); SELECT sg_snapshot_drop('of_before')});

# ---- what has only the name of what is kept is in snapshots, and in drift

sql('postgres', 'CREATE ROLE hider LOGIN; CREATE DATABASE hides; GRANT CREATE ON DATABASE hides TO hider');
sql('hides', q{CREATE EXTENSION schemaguard; CREATE TABLE t (id int PRIMARY KEY, a int NOT NULL DEFAULT 1, b int GENERATED ALWAYS AS IDENTITY, c int GENERATED ALWAYS AS (id + 1) STORED, d int); CREATE TABLE gone (id int);
	CREATE TABLE w (id int, a int NOT NULL DEFAULT 2) PARTITION BY LIST (id); CREATE TABLE w1 PARTITION OF w FOR VALUES IN (1); SELECT sg_snapshot_take('all');
	SELECT sg_plan_create('d'), sg_plan_add_drop('d', 'column', 't', 'a'), sg_plan_add_drop('d', 'column', 't', 'b'), sg_plan_add_drop('d', 'column', 't', 'c'), sg_plan_add_drop('d', 'column', 't', 'd'),
		sg_plan_add_drop('d', 'column', 'w', 'a'), sg_plan_add_drop('d', 'table', 'gone'); CALL sg_apply('d', fail => true); SELECT sg_snapshot_take('kept')});
is(sql('hides', q{SELECT string_agg(object, ' ' ORDER BY object COLLATE "C") FROM sg_drift('all'); SELECT count(*) FROM sg_drift('all') WHERE change <> 'missing'}), "public.gone public.t.a public.t.b public.t.c public.t.d public.w.a public.w1.a\n0", 'what is kept is missing, and nothing else is there');
sql('hides', q{SET SESSION AUTHORIZATION hider; CREATE SCHEMA schemaguard_attic_9; CREATE FUNCTION schemaguard_attic_9.f() RETURNS int LANGUAGE sql SECURITY DEFINER AS 'SELECT 1'; RESET SESSION AUTHORIZATION;
	ALTER TABLE t ADD _sg_dropped_x int DEFAULT 5, ADD _sg_dropped_y int NOT NULL, ADD _sg_dropped_z text});
my $theirs = "extra|public.t._sg_dropped_x\nextra|public.t._sg_dropped_y\nextra|public.t._sg_dropped_z\nextra|schemaguard_attic_9";
is(sql('hides', q{SELECT class, object FROM sg_drift('kept') ORDER BY object COLLATE "C"}), $theirs, 'what somebody else calls so is drift');
# a superuser's schema whose name only begins so, or ends otherwise, is no attic either: nothing is hidden, taken back from there, or pruned
my @like = (qw(schemaguard_atticus schemaguard_attic_ schemaguard_attic_1a), '"schemaguard_attic 2"', '"Schemaguard_attic"');
sql('hides', join(' ', map { "CREATE SCHEMA $_; CREATE TABLE $_.gone (id int PRIMARY KEY); INSERT INTO $_.gone VALUES (7);" } @like));
is(sql('hides', q{SELECT count(*) FROM schemaguard.attic WHERE nspname <> 'schemaguard_attic'; SELECT count(*) FROM schemaguard.lint_table WHERE schema_name ~* 'attic'; SELECT count(*) FROM sg_snapshot_objects_details('live') WHERE kind = 'schema' AND identity ~* 'attic'}),
	"0\n5\n6", "a superuser's schema of a name like it is no attic");
is(sql('hides', q{SELECT count(*) FROM sg_drift('kept') WHERE kind = 'schema' AND object ~* 'attic'}), '6', '... and is drift, with what is in it');
sql('hides', q{CALL sg_prune(clock_timestamp() - interval '10 years', 'attic')});
is(sql('hides', join(' UNION ALL ', map { "SELECT id FROM $_.gone" } @like)), join("\n", (7) x 5), '... and stay');
sql('hides', join(' ', map { "DROP SCHEMA $_ CASCADE;" } @like));
sql('hides', 'SET SESSION AUTHORIZATION hider; CREATE TABLE schemaguard_attic_9.seen (id int PRIMARY KEY); CREATE TABLE schemaguard_attic_9.refers (seen_id int)');
is(sql('hides', q{SELECT count(*) FROM schemaguard.lint_table WHERE schema_name ~ 'attic'; SELECT count(*) FROM sg_discover_fks_details() WHERE child_table ~ 'attic';
	SELECT count(*) FROM schemaguard.sg_doc_tables(NULL) WHERE schema_name ~ 'attic'; SELECT summary FROM sg_status() WHERE subject = 'attic'}),
	"2\n1\n2\ncolumns that are kept without a row in schemaguard.plan_deed: 3", '... and a schema of theirs no attic, but one as others');
is(sql('hides', q{SELECT r.relname, k.name FROM schemaguard.kept_column k JOIN pg_class r ON r.oid = k.relid ORDER BY r.relname, k.name}),
	"t|_sg_dropped_a\nt|_sg_dropped_b\nt|_sg_dropped_c\nt|_sg_dropped_d\nw|_sg_dropped_a\nw1|_sg_dropped_a", 'columns that are kept are those on record, and of partitions');
is(sql('hides', 'ALTER TABLE t RENAME TO t2; SELECT count(*) FROM schemaguard.kept_column; ALTER TABLE t2 RENAME TO t'), '6', '... whatever the table is called by now');
is(sql('hides', q{SELECT string_agg(name::text, ' ' ORDER BY name) FROM schemaguard.sg_discovery_columns() WHERE relid = 't'::regclass}),
	"_sg_dropped_x _sg_dropped_y _sg_dropped_z id", '... and others are columns for discovery');
sql('postgres', 'CREATE DATABASE hides2 TEMPLATE hides');
is(sql('hides2', q{SELECT count(*) FROM schemaguard.kept_column; SELECT class, object FROM sg_drift('kept') ORDER BY object COLLATE "C"}), "6\n$theirs", 'in a copy they are known by their names');
sql('hides', 'DROP TABLE schemaguard_attic_9.seen, schemaguard_attic_9.refers');
is(sql('hides2', q{GRANT CREATE ON DATABASE hides2 TO hider; ALTER SCHEMA schemaguard_attic RENAME TO before; SET SESSION AUTHORIZATION hider; CREATE SCHEMA schemaguard_attic; RESET SESSION AUTHORIZATION; CREATE VIEW closed AS SELECT 1;
	SELECT sg_plan_create('away'), sg_plan_add_statement('away', 'ALTER VIEW closed SET SCHEMA schemaguard_attic'); CALL sg_apply('away'); SELECT reason FROM schemaguard.plan_step WHERE plan = 'away'}),
	"|1\nschema schemaguard_attic belongs to role hider, who could take or drop what is put there", 'who takes the name of the attic gets nothing that is to be kept');
sql('hides', q{CALL sg_rollback_fks('d', fail => true)});
is(sql('hides', q{SELECT count(*) FROM sg_drift('all') WHERE class <> 'extra'}), '0', '... and a rollback leaves none of its own');

# ---- the attic opens nothing that a schema keeps closed

sub is_refused { my ($db, $role, $sql, $name) = @_; return is(($node->psql($db, "SET SESSION AUTHORIZATION $role; $sql"))[2] =~ /ERROR:  (permission denied for schema \w+)/ ? $1 : '', $name->[0], $name->[1]); }

sql('postgres', 'CREATE ROLE stranger; CREATE ROLE boss; CREATE ROLE clerk; CREATE DATABASE closed');
sql('closed', q{CREATE EXTENSION schemaguard; CREATE SCHEMA hr AUTHORIZATION boss; GRANT USAGE ON SCHEMA hr TO clerk;
	ALTER DEFAULT PRIVILEGES GRANT USAGE ON SCHEMAS TO PUBLIC, stranger;
	CREATE TABLE hr.salaries (id int PRIMARY KEY, v text); INSERT INTO hr.salaries VALUES (1, 'secret'); ALTER TABLE hr.salaries OWNER TO boss;
	GRANT SELECT, UPDATE ON hr.salaries TO PUBLIC; GRANT INSERT (id) ON hr.salaries TO clerk WITH GRANT OPTION;
	CREATE TABLE public.shown AS SELECT 1 AS a; GRANT SELECT ON shown TO PUBLIC;
	SELECT sg_plan_create('o'), sg_plan_add_drop('o', 'table', 'shown'); SELECT sg_plan_create('d'), sg_plan_add_drop('d', 'table', 'hr.salaries')});
my $grants = q{SELECT relacl, (SELECT string_agg(attname || attacl::text, ' ') FROM pg_attribute a WHERE a.attrelid = c.oid AND attacl IS NOT NULL) FROM pg_class c WHERE relname = 'salaries'};
my $granted = sql('closed', $grants);
sql('closed', "CALL sg_apply('o'); CALL sg_apply('d')");
is(sql('closed', q{SELECT string_agg(relnamespace::regnamespace || ' ' || relname, ', ' ORDER BY relname DESC) FROM pg_class WHERE relname IN ('salaries', 'shown')}),
	'schemaguard_attic shown, schemaguard_attic_1 salaries', 'tables of schemas with other privileges are kept apart');
is_refused('closed', 'stranger', $_, [ 'permission denied for schema schemaguard_attic_1', "who has no USAGE on the schema: $_" ])
	for 'SELECT * FROM schemaguard_attic_1.salaries', q{UPDATE schemaguard_attic_1.salaries SET v = 'overwritten'};
is(sql('closed', "SET SESSION AUTHORIZATION $_; SELECT v FROM schemaguard_attic_1.salaries"), 'secret', "$_, who had USAGE, has it") for 'clerk', 'boss';
is(sql('closed', q{SET SESSION AUTHORIZATION stranger; SELECT a FROM schemaguard_attic.shown}), '1', 'what all could read, all can');
$node->command_ok([ 'pg_dump', '-f', $node->basedir . '/closed.sql', 'closed' ], 'a dump');
sql('postgres', 'CREATE DATABASE closed2');
$node->command_ok([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-o', '/dev/null', '-f', $node->basedir . '/closed.sql', 'closed2' ], '... restored');
is_refused('closed2', 'stranger', 'SELECT * FROM schemaguard_attic_1.salaries', [ 'permission denied for schema schemaguard_attic_1', '... keeps it closed' ]);
for my $db ('closed', 'closed2')
{
	sql($db, "CALL sg_rollback_fks('d')");
	is(sql($db, $grants), $granted, "$db: a rollback brings it back with its privileges");
	is_refused($db, 'stranger', 'SELECT * FROM hr.salaries', [ 'permission denied for schema hr', 'in the closed schema' ]);
}

# an attic that somebody has opened, or that was so from before
sql('closed', q{CALL sg_apply('d'); GRANT USAGE ON SCHEMA schemaguard_attic_1 TO PUBLIC, stranger});
my $opened = q{SELECT state, summary, next_call FROM sg_status() WHERE subject = 'attic'};
is(sql('closed', "SET SESSION AUTHORIZATION stranger; $opened"), 'ok|nothing of yours that was dropped is kept|SELECT kind, object, done_at FROM schemaguard.plan_deed WHERE undone_at IS NULL;', 'sg_status() of a role that sees no plan');
is(sql('closed', $opened), 'attention|kept where roles have USAGE that have none on the schema it was in: 2|REVOKE USAGE ON SCHEMA schemaguard_attic_1 FROM PUBLIC; REVOKE USAGE ON SCHEMA schemaguard_attic_1 FROM stranger;',
	'an attic that is open to more roles is told');
sql('closed', sql('closed', $opened =~ s/state, summary, //r));
is(sql('closed', $opened =~ s/, summary, next_call//r), 'ok', 'until its call is made');
is_refused('closed', 'stranger', 'SELECT * FROM schemaguard_attic_1.salaries', [ 'permission denied for schema schemaguard_attic_1', 'it is closed' ]);

# an owner that came after the drop dumps what it owns
sql('postgres', 'CREATE ROLE was_owner LOGIN; CREATE ROLE is_owner LOGIN; CREATE DATABASE handed');
sql('handed', q{CREATE SCHEMA sg; CREATE EXTENSION schemaguard SCHEMA sg; GRANT USAGE ON SCHEMA sg TO PUBLIC; SELECT sg.sg_grant('was_owner'); ALTER DATABASE handed OWNER TO was_owner;
	CREATE SCHEMA app AUTHORIZATION was_owner; SET ROLE was_owner; CREATE TABLE app.t (id int PRIMARY KEY); SELECT sg.sg_plan_create('x'), sg.sg_plan_add_drop('x', 'table', 'app.t'); CALL sg.sg_apply('x'); RESET ROLE});
my @dump = ([ 'pg_dump', '-f', $node->basedir . '/handed.sql', '--exclude-table-data', 'schemaguard.*', '-U' ], 'handed');
my $handed = $opened =~ s/sg_status/sg.sg_status/r;
$node->command_ok([ @{ $dump[0] }, 'was_owner', $dump[1] ], 'the owner of the database dumps it');
is(sql('handed', $handed =~ s/, summary, next_call//r), 'ok', 'nothing is to be told');
sql('handed', 'REASSIGN OWNED BY was_owner TO is_owner');
$node->command_fails_like([ @{ $dump[0] }, 'is_owner', $dump[1] ], qr/permission denied for schema schemaguard_attic/, 'the next owner does not');
like(sql('handed', $handed), qr/^attention\|kept where roles have USAGE that have none on the schema it was in: 1\|REVOKE .* FROM was_owner; GRANT USAGE ON SCHEMA schemaguard_attic TO is_owner;$/, '... as sg_status() tells');
sql('handed', 'REVOKE USAGE ON SCHEMA schemaguard_attic FROM was_owner');
is(sql('handed', $handed), 'attention|kept where its owner, or that of the database, has no USAGE, as for a dump: 1|GRANT USAGE ON SCHEMA schemaguard_attic TO is_owner;', '... with the statement');
sql('handed', sql('handed', $handed =~ s/state, summary, //r));
$node->command_ok([ @{ $dump[0] }, 'is_owner', $dump[1] ], 'who makes it has it dump');
is(sql('handed', $handed =~ s/, summary, next_call//r), 'ok', '... and nothing is left to be told');

# a sync leaves a function where it is that all could call in the attic
sql('postgres', 'CREATE DATABASE closed3');
sql('closed3', q{CREATE EXTENSION schemaguard; CREATE SCHEMA hr; CREATE SCHEMA app; GRANT USAGE ON SCHEMA app TO PUBLIC; SELECT sg_snapshot_take('r');
	CREATE FUNCTION hr.f(int) RETURNS boolean LANGUAGE sql IMMUTABLE SECURITY DEFINER AS 'SELECT $1 > 0'; CREATE FUNCTION app.g(int) RETURNS boolean LANGUAGE sql IMMUTABLE AS 'SELECT $1 > 0';
	CREATE TABLE app.t (a int CHECK (hr.f(a)), CHECK (app.g(a))); SET schemaguard.workers = 1; CALL sg_sync_apply('r', allow_drop => true, fail => false)});
is(sql('closed3', q{SELECT string_agg(pronamespace::regnamespace || ' ' || left(proname, 1), ', ' ORDER BY proname) FROM pg_proc WHERE prosrc = 'SELECT $1 > 0'; SELECT relnamespace::regnamespace FROM pg_class WHERE relname = 't'}),
	"hr f, schemaguard_attic g\nschemaguard_attic", 'a function of a closed schema is not kept in an attic that is open');

# ---- statement_timeout

sql($db, "SELECT sg_snapshot_take('now')");
my $err = '';
$node->psql($db, "SET statement_timeout = '10min'; CALL sg_sync_apply('now')", stderr => \$err);
like($err, qr/statement_timeout does not apply to this CALL/, 'sg_sync_apply() has no statement_timeout');

$node->stop;
done_testing();
