# 154_whose.pl: for each kind of step, a rollback takes back what the plan has made or dropped, not what has its name, and says so where
# that is not to be found: in the database in which it was done, which OIDs tell, and in a copy, where names are all there is.
#
# rooms: change undo
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use Test::More;
use SgTest;

my $node = new_node('whose', conf => "schemaguard.workers = 1\n");

sub sql { my ($db, $sql) = @_; return $node->safe_psql($db, "SET client_min_messages = error; $sql"); }

my $column = sub { "EXISTS (SELECT FROM pg_attribute WHERE attrelid = '%s'::regclass AND attname = '$_[0]' AND atttypid = 'int'::regtype AND NOT attisdropped)" };
my $constraint = sub { "EXISTS (SELECT FROM pg_constraint WHERE conrelid = '%s'::regclass AND conname = '" . ($_[1] // 'x') . "' AND pg_get_constraintdef(oid) = '$_[0]')" };
my $index = "EXISTS (SELECT FROM pg_index i WHERE indrelid = '%s'::regclass AND pg_get_indexdef(indexrelid) ~ 'INDEX x_\\w+ .*[(]a[)]')";
my $trigger = "EXISTS (SELECT FROM pg_trigger WHERE tgrelid = '%s'::regclass AND tgname = 'x' AND tgfoid = 'f'::regproc)";
my $fx = 'CREATE TRIGGER x BEFORE INSERT ON %s FOR EACH ROW EXECUTE FUNCTION f()';
my $gx = 'CREATE TRIGGER x BEFORE INSERT ON %s FOR EACH ROW EXECUTE FUNCTION g()';

# name of the table and kind => [ what the table has before, call that adds the step, is it there?, makes another one of the name ]
my @kinds = (
	[ 'key', '', "sg_plan_add_fk('d', 'key', 'a', 'parent', fk_name => 'x', index => false)", $constraint->('FOREIGN KEY (a) REFERENCES parent(id)'),
		'ALTER TABLE %s DROP CONSTRAINT x, ADD CONSTRAINT x FOREIGN KEY (b) REFERENCES parent' ],
	[ 'chk', '', "sg_plan_add_check('d', 'chk', 'a > 0', 'x')", $constraint->('CHECK ((a > 0))'), 'ALTER TABLE %s DROP CONSTRAINT x, ADD CONSTRAINT x CHECK (a < 77)' ],
	[ 'nn', '', "sg_plan_add_not_null('d', 'nn', 'a')", "(SELECT attnotnull FROM pg_attribute WHERE attrelid = '%s'::regclass AND attname = 'a')", 'ALTER TABLE %s ALTER a DROP NOT NULL' ],
	[ 'uq', '', "sg_plan_add_unique('d', 'uq', 'a', 'x_uq')", $constraint->('UNIQUE (a)', 'x_uq'), 'ALTER TABLE %s DROP CONSTRAINT x_uq; ALTER TABLE %1$s ADD CONSTRAINT x_uq UNIQUE (b)' ],
	[ 'idx', '', "sg_plan_add_index('d', 'idx', '(a)', 'x_idx')", $index, 'DROP INDEX x_idx; CREATE INDEX x_idx ON %s (b)' ],
	[ 'col', '', "sg_plan_add_column('d', 'col', 'c', 'int')", $column->('c'), 'ALTER TABLE %s DROP c; ALTER TABLE %1$s ADD c int; UPDATE %1$s SET c = 7' ],
	[ 'fil', '', "sg_plan_add_column('d', 'fil', 'c', 'int', fill => 'a')", $column->('c'), 'ALTER TABLE %s DROP c CASCADE; ALTER TABLE %1$s ADD c int' ],
	[ 'def', '', "sg_plan_add_default('d', 'def', 'a', '5')", "EXISTS (SELECT FROM pg_attrdef WHERE adrelid = '%s'::regclass)", 'ALTER TABLE %s ALTER a SET DEFAULT 6' ],
	[ 'renc', '', "sg_plan_add_rename('d', 'column', 'renc', 'c', 'a')", $column->('c') , 'ALTER TABLE %s RENAME c TO other; ALTER TABLE %1$s ADD c int' ],
	[ 'renk', 'ALTER TABLE %s ADD CONSTRAINT was CHECK (a > 0)', "sg_plan_add_rename('d', 'constraint', 'renk', 'x', 'was')", $constraint->('CHECK ((a > 0))'),
		'ALTER TABLE %s RENAME CONSTRAINT x TO other; ALTER TABLE %1$s ADD CONSTRAINT x CHECK (a < 77)' ],
	[ 'reni', 'CREATE INDEX was_reni ON %s (a)', "sg_plan_add_rename('d', 'index', 'reni', 'x_reni', 'was_reni')", $index, 'ALTER INDEX x_reni RENAME TO other; CREATE INDEX x_reni ON %s (b)' ],
	[ 'rent', 'CREATE TRIGGER was BEFORE INSERT ON %s FOR EACH ROW EXECUTE FUNCTION f()', "sg_plan_add_rename('d', 'trigger', 'rent', 'x', 'was')", $trigger, "ALTER TRIGGER x ON %1\$s RENAME TO other; $gx" ],
	[ 'dkey', 'ALTER TABLE %s ADD CONSTRAINT x FOREIGN KEY (a) REFERENCES parent', "sg_plan_add_drop('d', 'constraint', 'dkey', 'x')", 'NOT ' . $constraint->('FOREIGN KEY (a) REFERENCES parent(id)'),
		'ALTER TABLE %s ADD CONSTRAINT x FOREIGN KEY (b) REFERENCES parent' ],
	[ 'dchk', 'ALTER TABLE %s ADD CONSTRAINT x CHECK (a > 0)', "sg_plan_add_drop('d', 'constraint', 'dchk', 'x')", 'NOT ' . $constraint->('CHECK ((a > 0))'), 'ALTER TABLE %s ADD CONSTRAINT x CHECK (a > 0) NO INHERIT' ],
	[ 'duq', 'ALTER TABLE %s ADD CONSTRAINT x_duq UNIQUE (a)', "sg_plan_add_drop('d', 'constraint', 'duq', 'x_duq')", 'NOT ' . $constraint->('UNIQUE (a)', 'x_duq'), 'ALTER TABLE %s ADD CONSTRAINT x_duq UNIQUE (b)' ],
	[ 'didx', 'CREATE INDEX x_didx ON %s (a)', "sg_plan_add_drop('d', 'index', 'didx', 'x_didx')", "NOT $index", 'CREATE INDEX x_didx ON %s (b)' ],
	[ 'dtrg', $fx, "sg_plan_add_drop('d', 'trigger', 'dtrg', 'x')", "NOT $trigger", $gx ],
	[ 'dcol', '', "sg_plan_add_drop('d', 'column', 'dcol', 'a')", 'NOT ' . $column->('a'), 'ALTER TABLE %s DROP _sg_dropped_a; ALTER TABLE %1$s ADD a int' ],
	[ 'dnn', 'ALTER TABLE %s ALTER a SET NOT NULL', "sg_plan_add_drop('d', 'column', 'dnn', 'a')", 'NOT ' . $column->('a'), 'ALTER TABLE %s ADD a int' ],
);
my $before = 'id int PRIMARY KEY, a int, b int';
sub on { my ($sql, $table, $end) = @_; return $sql eq '' ? '' : sprintf($sql, $table) . ($end // ';'); }

sub make_it
{
	my ($db) = @_;
	sql('postgres', "CREATE DATABASE $db");
	sql($db, 'CREATE EXTENSION schemaguard; CREATE TABLE parent (id int PRIMARY KEY); CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN NEW; END$$; '
		. 'CREATE FUNCTION g() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RETURN NEW; END$$; INSERT INTO parent VALUES (1); '
		. join('', map { "CREATE TABLE $_->[0] ($before); INSERT INTO $_->[0] VALUES (1, 1, 1);" . on($_->[1], $_->[0]) } @kinds)
		. "SELECT sg_plan_create('d')" . join('', map { ", $_->[2]" } @kinds) . "; CALL sg_apply('d', fail => true)");
	is(sql($db, "SELECT count(*) FROM schemaguard.plan_step WHERE state = 'validated'"), scalar(@kinds), 'all steps are done');
}
make_it('made');

my %letters = ('rolled back|' => 'R', 'rolled back|left alone' => 'L', 'validated|not taken back' => 'N', 'validated|' => 'V', 'skipped|' => 'S');
my $tries = 0;

# What each kind came to, a letter each; nothing is called done that is not, in the catalog, on the table that the plan has changed
sub try_it
{
	my ($name, $here, $others, $call, $table, $wanted, $may_lie) = @_;
	my $db = ($here ? 'here' : 'copy') . ++$tries;
	my $letters = '';
	my @lies;

	$here ? make_it($db) : sql('postgres', "CREATE DATABASE $db TEMPLATE made");
	sql($db, join('', map { $others->($_) } @kinds));
	sql($db, "SET schemaguard.workers = 1; CALL $call('d')");
	foreach my $i (1 .. @kinds)
	{
		my ($kind, undef, undef, $there) = @{ $kinds[ $i - 1 ] };
		my ($step, $is_there) = split /\t/, sql($db, "SELECT state || '|' || coalesce(reason, '') || E'\\t' || (" . on($there, $table->($kind), '') . ") FROM schemaguard.plan_step WHERE step = $i");
		my ($outcome) = $step =~ /^([a-z ]+\|(?:left alone|not taken back)?)/;

		$letters .= $letters{$outcome} // "($step)";
		push @lies, "$kind $step" if ($step eq 'rolled back|' && $is_there ne 'false') || ($outcome eq 'validated|' && $call eq 'sg_apply' && $is_there ne 'true');
	}
	is($letters, $wanted, $name);
	is(join(' ', grep { !/^($may_lie) / } @lies), '', "$name: nothing is called done that is not");
	return $db;
}

my $same = sub { $_[0] };
my $real = sub { "$_[0]_real" };
my $nobody = sub { '' };
my $move = sub { "ALTER TABLE $_[0][0] RENAME TO $_[0][0]_real;" };
my $impostor = sub { $move->(@_) . "CREATE TABLE $_[0][0] ($before);" };
my $remade = sub { "DROP TABLE $_[0][0]; CREATE TABLE $_[0][0] ($before);" };
my $other = sub { on($_[0][4], $_[0][0]) };

# definitions that a rollback would make from all rows of a table are left to people: duq, didx
try_it('here, as it was', 1, $nobody, 'sg_rollback_fks', $same, 'RRRRRRRRRRRRRRNNRRR', 'none');
try_it('here, tables renamed, others made under their names', 1, $impostor, 'sg_rollback_fks', $real, 'RRRRRRRRRRRRRRNNRRR', 'none');
try_it('here, tables dropped and made anew', 1, $remade, 'sg_rollback_fks', $same, 'N' x @kinds, 'none');
try_it('here, others made under the names of what the steps have made or dropped', 1, $other, 'sg_rollback_fks', $same, 'LLLLLLLLNNNNNNNNNNN', 'none');
try_it('copy, as it was', 0, $nobody, 'sg_rollback_fks', $same, 'RRRRRRRRRRRRRRNNRRR', 'none');
try_it('copy, tables renamed', 0, $move, 'sg_rollback_fks', $real, 'N' x @kinds, 'none');

# a table that has the name, and all that a definition needs, is taken for the one: sg_plan_check says beforehand that names are all there is, and the call does
sql('postgres', 'CREATE DATABASE told TEMPLATE made');
like(sql('told', "SELECT result, detail FROM sg_plan_check_details('d') WHERE check_name = 'names'"), qr/^warn\|.* known by their names only, as after a restore: a rollback takes public\.\w+ and \d+ more tables/, 'a copy: sg_plan_check tells');
my $db = try_it('copy, tables renamed, others made under their names', 0, $impostor, 'sg_rollback_fks', $real, 'NNNNNNNNNNNNRRNNRNN', 'dkey|dchk|dtrg');
sql($db, join('', map { "DROP TABLE $_->[0]; ALTER TABLE $_->[0]_real RENAME TO $_->[0];" } @kinds) . "CALL sg_rollback_fks('d')");
is(sql($db, "SELECT string_agg(child_table, ' ' ORDER BY step) FROM schemaguard.plan_step WHERE state <> 'rolled back'"), 'public.duq public.didx', 'with their names back, all is taken back but what would be made from all rows');

is(sql('made', "SELECT count(*) FROM sg_plan_check('d') WHERE check_name = 'names'"), '0', 'where OIDs tell, sg_plan_check says nothing of names');
$db = try_it('copy, others made under the names of what the steps have made or dropped', 0, $other, 'sg_rollback_fks', $same, 'NNNNNNRNRRRRNNNNNNN', 'none');
sql($db, "SELECT sg_plan_skip('d', (SELECT array_agg(step) FROM schemaguard.plan_step WHERE state = 'validated' AND kind <> 'drop'), 'it is gone'); CALL sg_rollback_fks('d')");
is(sql($db, q{SELECT string_agg(DISTINCT s.kind, ',') FROM schemaguard.plan_deed d JOIN schemaguard.plan_step s USING (step) WHERE d.undone_at IS NULL}), 'drop', 'what somebody says is gone is done with');

try_it('here, others, applied again', 1, $other, 'sg_apply', $same, 'SSVSSVVVSSSSVVVVVVV', 'd\\w+');

# ---- others' things beside what one plan has done: a database each

my $others = 0;
sub other_db { my ($sql, $template) = @_; my $db = 'other' . ++$others; sql('postgres', "CREATE DATABASE $db TEMPLATE " . ($template // 'bare')); sql($db, $sql) if $sql; return $db; }
sub steps { my ($db, $plan) = @_; return sql($db, "SELECT step, state, reason FROM schemaguard.plan_step WHERE plan = '" . ($plan // 'd') . "' ORDER BY step"); }
sub back { my ($db, $plan) = @_; sql($db, "SET schemaguard.workers = 1; CALL sg_rollback_fks('" . ($plan // 'd') . "')"); return steps($db, $plan); }
sql('postgres', 'CREATE DATABASE bare');
sql('bare', 'CREATE EXTENSION schemaguard');

# renamed back by hand
$db = other_db(q{CREATE TABLE t (id int, z text DEFAULT 'd' NOT NULL); SELECT sg_plan_create('d'), sg_plan_add_drop('d', 'column', 't', 'z'); CALL sg_apply('d', fail => true); ALTER TABLE t RENAME _sg_dropped_z TO z});
is(back($db), '1|rolled back|', 'a column that somebody has given its name again is taken back');
is(sql($db, q{SELECT attnotnull, pg_get_expr(adbin, adrelid) FROM pg_attribute JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum WHERE attrelid = 't'::regclass AND attname = 'z'}), q{t|'d'::text}, 'with its NOT NULL and default');

# triggers as they were
$db = other_db(q{CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; CREATE TABLE t (id int); CREATE TRIGGER dis BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f(); CREATE TRIGGER alw BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION f();
	ALTER TABLE t DISABLE TRIGGER dis, ENABLE ALWAYS TRIGGER alw; SELECT sg_plan_create('d'), sg_plan_add_drop('d', 'trigger', 't', 'dis'), sg_plan_add_drop('d', 'trigger', 't', 'alw'); CALL sg_apply('d', fail => true)});
is(back($db), "1|rolled back|\n2|rolled back|", 'triggers come back');
is(sql($db, q{SELECT string_agg(tgname || tgenabled::text, ' ' ORDER BY tgname) FROM pg_trigger WHERE tgrelid = 't'::regclass}), 'alwA disD', 'disabled, or ALWAYS, as they were');

# a definition that needs no row, of a table whose name has the words of one
if (major($node) >= 18)
{
	my $name = '" ADD CONSTRAINT n CHECK (1 = 1), OWNER TO regress_heir --"';

	$db = other_db(qq{CREATE ROLE regress_heir; CREATE TABLE $name (id int); ALTER TABLE $name ADD CONSTRAINT n NOT NULL id NOT VALID;
		SELECT sg_plan_create('d'), sg_plan_add_drop('d', 'constraint', '$name', 'n'); CALL sg_apply('d', fail => true)});
	is(back($db), '1|rolled back|', 'a NOT NULL that is not valid comes back');
	is(sql($db, qq{SELECT relowner::regrole, pg_get_constraintdef(c.oid) FROM pg_class t JOIN pg_constraint c ON conrelid = t.oid WHERE t.oid = '$name'::regclass}),
		'postgres|NOT NULL id NOT VALID', 'as it was, whatever its table is called');
}

# in a copy, what another plan keeps there
$db = other_db(q{CREATE TABLE t (id int, z text, y int); INSERT INTO t VALUES (1, 'one', 5); CREATE TABLE k (a int); INSERT INTO k VALUES (1);
	SELECT sg_plan_create('x'), sg_plan_add_drop('x', 'column', 't', 'z'), sg_plan_add_drop('x', 'column', 't', 'y'), sg_plan_add_drop('x', 'table', 'k'); CALL sg_apply('x', fail => true)});
my $copy = other_db(q{ALTER TABLE t DROP _sg_dropped_z, DROP _sg_dropped_y; DROP TABLE schemaguard_attic.k; ALTER TABLE t ADD z int, ADD y int; UPDATE t SET z = 99, y = 98; CREATE TABLE k (a int); INSERT INTO k VALUES (7)}, $db);
my $then = sql($copy, 'SELECT clock_timestamp()');
sql($copy, q{SELECT sg_plan_create('y'), sg_plan_add_drop('y', 'column', 't', 'z'), sg_plan_add_drop('y', 'column', 't', 'y'), sg_plan_add_drop('y', 'table', 'k'); CALL sg_apply('y', fail => true)});
sql($copy, "CALL sg_prune('$then', 'attic')");
is(sql($copy, q{SELECT _sg_dropped_z, _sg_dropped_y, k.a FROM t, schemaguard_attic.k}), '99|98|7', 'a copy: sg_prune() does not take what another plan has kept since for what this one kept');
like(back($copy, 'x'), qr/^1\|validated\|not taken back: the column is not found: in public.t, column _sg_dropped_z, which it was kept as, is another one by now\n2\|validated\|not taken back: the column is not found.*\n3\|validated\|not taken back: the table is not found/, 'nor does a rollback');
is(back($copy, 'y'), "1|rolled back|\n2|rolled back|\n3|rolled back|", 'the other plan has it back');
$copy = other_db(q{ALTER TABLE t RENAME _sg_dropped_y TO legacy; ALTER TABLE t ADD _sg_dropped_y int; UPDATE t SET _sg_dropped_y = 3; CALL sg_prune(now(), 'attic')}, $db);
is(sql($copy, 'SELECT legacy, _sg_dropped_y FROM t'), '5|3', "nor what has a kept column's name by now");

# attached to another whole
$db = other_db(q{CREATE TABLE pt (id int, r int) PARTITION BY RANGE (id); CREATE TABLE pt1 PARTITION OF pt FOR VALUES FROM (0) TO (10); INSERT INTO pt VALUES (1, 1);
	SELECT sg_plan_create('d'), sg_plan_add_drop('d', 'table', 'pt1'); CALL sg_apply('d', fail => true);
	ALTER TABLE pt RENAME TO pt_r; CREATE TABLE pt (id int, r int) PARTITION BY RANGE (id)});
is(back($db), '1|rolled back|', 'a partition whose whole has another name, which another one has, comes back');
is(sql($db, q{SELECT inhparent::regclass FROM pg_inherits WHERE inhrelid = 'pt1'::regclass}), 'pt_r', 'as a partition of its own whole');

# publications
$db = other_db(q{CREATE TABLE k (id int PRIMARY KEY, v int); CREATE PUBLICATION plain FOR TABLE k (id) WHERE (id > 0); CREATE PUBLICATION other;
	SELECT sg_plan_create('d'), sg_plan_add_drop('d', 'table', 'k'); CALL sg_apply('d', fail => true); ALTER PUBLICATION plain RENAME TO plain_r; ALTER PUBLICATION other RENAME TO plain});
is(back($db), '1|rolled back|', 'a table that a publication with a row filter has shown comes back');
is(sql($db, q{SELECT pubname, attnames, rowfilter FROM pg_publication_tables}), 'plain_r|{id}|(id > 0)', 'into that publication, by whatever name');

$db = other_db(q{CREATE TABLE k (id int); CREATE PUBLICATION again FOR TABLE k; CREATE PUBLICATION once FOR TABLE k WHERE (id > 0); SELECT sg_plan_create('d'), sg_plan_add_drop('d', 'table', 'k'); CALL sg_apply('d', fail => true);
	DROP PUBLICATION again, once; CREATE PUBLICATION again; CREATE PUBLICATION once});
$node->psql($db, "CALL sg_rollback_fks('d')", stderr => \my $told);
my $gone = 'publication again, which has shown it, is gone; publication once, which has shown it, is gone';
like($told, qr/taken back; $gone\nHINT: .*\nALTER PUBLICATION again ADD TABLE ONLY public.k;\nALTER PUBLICATION once ADD TABLE ONLY public.k WHERE \(\(id > 0\)\);\n/, 'that publications are gone is told');
is(steps($db), "1|rolled back|$gone", '... and on record');

$db = other_db(q{CREATE TABLE k (id int); CREATE PUBLICATION named FOR TABLE k; SELECT sg_plan_create('d'), sg_plan_add_drop('d', 'table', 'k'); CALL sg_apply('d', fail => true)});
$copy = other_db('CREATE TABLE o (id int); ALTER PUBLICATION named RENAME TO named_r; CREATE PUBLICATION named FOR TABLE o', $db);
$node->psql($copy, "CALL sg_rollback_fks('d')", stderr => \$told);
like($told, qr/taken back, found by its name alone; publication named shows it again, found by its name alone\n.*looked up by their names only/, 'a copy: that publications, too, are found by their names is told');
$copy = other_db('ALTER PUBLICATION named RENAME TO named_r', $db);
$node->psql($copy, "CALL sg_rollback_fks('d')", stderr => \$told);
like($told, qr/taken back, found by its name alone; publication named, which has shown it, is not found, and nothing but its name is known: if it has another one, add the table to it/, 'a copy: one that has another name is not called gone');

# schemas by OID
$db = other_db(q{CREATE SCHEMA app; CREATE TABLE app.z (id int); SELECT sg_plan_create('d'), sg_plan_add_drop('d', 'table', 'app.z'); CALL sg_apply('d', fail => true); ALTER SCHEMA app RENAME TO app_r; CREATE SCHEMA app});
is(back($db), '1|rolled back|', 'a table whose schema has another name, which another one has, comes back');
is(sql($db, q{SELECT oid::regclass FROM pg_class WHERE relname = 'z'}), 'app_r.z', 'into its own schema');

# pg_restore --clean into the same database, and a kept column
$db = other_db(q{CREATE TABLE t (id int, z text); INSERT INTO t VALUES (1, 'one'); SELECT sg_plan_create('d'), sg_plan_add_drop('d', 'column', 't', 'z'); CALL sg_apply('d', fail => true)});
my $one = $node->basedir . "/one.dump";
$node->command_ok([ 'pg_dump', '-Fc', '-f', $one, $node->connstr($db) ], 'a database is dumped');
$node->command_ok([ 'pg_restore', '--clean', '--if-exists', '-d', $node->connstr($db), $one ], 'and restored into itself');
is(sql($db, "CALL sg_prune(now() + '1 hour', 'attic'); SELECT count(*) FROM schemaguard.plan_deed WHERE undone_at IS NULL"), '1', 'what sg_prune() does not drop, it does not call done');
is(back($db), '1|rolled back|', 'and a kept column comes back');

# with rows in quarantine DROP EXTENSION is refused: the deeds stay, and the tables are restored ones
$db = other_db(q{CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE t (id int PRIMARY KEY, p_id int, z text CONSTRAINT filled CHECK (z <> '')); CREATE TABLE u (i int); CREATE VIEW w AS SELECT i FROM u; CREATE TABLE no (i int);
	INSERT INTO u VALUES (1); INSERT INTO p VALUES (1); INSERT INTO t VALUES (1, 1, 'a'), (2, 9, 'b');
	SELECT sg_plan_create('d'), sg_plan_add_fk('d', 't', '{p_id}', 'p', orphans => 'quarantine'), sg_plan_add_drop('d', 'view', 'w'), sg_plan_add_drop('d', 'table', 'u'),
	  sg_plan_add_drop('d', 'column', 't', 'z'), sg_plan_add_drop('d', 'table', 'no'); CALL sg_apply('d', fix => true, fail => true)});
is_error($node, 'DROP EXTENSION schemaguard', '2BP01', qr/keeps rows of your tables/, 'rows in quarantine are told of before the attic, whose hint takes all along', dbname => $db);
is(sql($db, q{CREATE PUBLICATION late FOR ALL TABLES; SELECT count(*), count(*) FILTER (WHERE statement ~ 'attic') FROM schemaguard.sg_own_publications(); DROP PUBLICATION late}), '1|0', 'what is kept is in no list of a publication');
$node->command_ok([ 'pg_dump', '-Fc', '-f', $one, $node->connstr($db) ], 'a database with rows in quarantine is dumped');
$node->command_fails([ 'pg_restore', '--clean', '--if-exists', '-d', $node->connstr($db), $one ], 'and restored into itself, but for the extension');
sql($db, 'ALTER TABLE schemaguard_attic.no ADD x int');
my $again = back($db);
like($again, qr/\A1\|validated\|.*\n2\|rolled back\|\n3\|rolled back\|\n4\|rolled back\|\n5\|validated\|not taken back: .*another one by now\z/, 'what was kept comes back by name, but for another table');
is(sql($db, q{SELECT concat_ws(' ', id, z, (SELECT i FROM w)) FROM t}), '1 a 1', 'with its rows');
is(sql($db, q{SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = 'filled' AND conrelid = 't'::regclass}), "CHECK ((z <> ''::text))", 'and a column with its CHECK');
$node->psql($db, q{CALL sg_restore_quarantine('d')}, stderr => \my $own_key);
my ($without_key) = $own_key =~ /drop the key:\n(.*)/s;
sql($db, $without_key // 'SELECT 1/0');
is(sql($db, q{SELECT string_agg(concat_ws(' ', id, p_id, z), ', ' ORDER BY id) FROM t}), '1 1 a, 2 9 b', 'and who follows the hint, as it is printed, has the rows of quarantine back');

# an owner with another name
$db = other_db(q{CREATE ROLE whose_old; GRANT CREATE ON SCHEMA public TO whose_old; CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE c (id int PRIMARY KEY, p_id int); INSERT INTO c VALUES (1, 7);
	ALTER TABLE p OWNER TO whose_old; ALTER TABLE c OWNER TO whose_old; SELECT sg_plan_create('d'), sg_plan_add_fk('d', 'c', '{p_id}', 'p', orphans => 'quarantine');
	CALL sg_apply('d', fix => true, fail => true); ALTER ROLE whose_old RENAME TO whose_new});
is(back($db) . ' ' . sql($db, 'TABLE c'), '1|rolled back| 1|7', 'rows go back into the table of a role that was renamed');

# definitions whose columns have changed their names
$db = other_db(q{CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'; CREATE TABLE t (id int PRIMARY KEY, a int, z int, CONSTRAINT ck CHECK (a >= 0));
	CREATE TRIGGER tg BEFORE UPDATE OF a ON t FOR EACH ROW WHEN (new.a > 3) EXECUTE FUNCTION f();
	SELECT sg_plan_create('d'), sg_plan_add_drop('d', 'constraint', 't', 'ck'), sg_plan_add_drop('d', 'trigger', 't', 'tg'); CALL sg_apply('d', fail => true);
	ALTER TABLE t RENAME a TO x; ALTER TABLE t RENAME z TO a});
like(back($db), qr/1\|validated\|not taken back: column a\b.*called x.*\n2\|validated\|not taken back: column a\b.*called x/, 'a check and a trigger whose column has another name, which another one has, stay away');
sql($db, 'ALTER TABLE t RENAME a TO z; ALTER TABLE t RENAME x TO a');
is(back($db), "1|rolled back|\n2|rolled back|", 'and come back when the column has its name');

# one table restored
$db = other_db(q{CREATE TABLE c (id int PRIMARY KEY, a int); INSERT INTO c VALUES (1, 1), (2, -2); SELECT sg_plan_create('d'), sg_plan_add_check('d', 'c', 'a > 0', 'pos', policy => 'quarantine'), sg_plan_add_column('d', 'c', 'w', 'int'); CALL sg_apply('d', fix => true, fail => true)});
$node->command_ok([ 'pg_dump', '-Fc', '-t', 'public.c', '-f', $one, $node->connstr($db) ], 'one table is dumped');
$node->command_ok([ 'pg_restore', '--clean', '-d', $node->connstr($db), $one ], 'and restored into the same database');
like(back($db), qr/^1\|validated\|not taken back: .*table public.c is another one by now/, 'what is on it is not taken back');
is(sql($db, 'SELECT count(*) FROM schemaguard.plan_deed WHERE undone_at IS NULL'), '2', 'and stays on record');
$node->psql($db, q{CALL sg_rollback_fks('d')}, stderr => \my $by_hand);
sql($db, $_) foreach $by_hand =~ /^((?:ALTER TABLE|SELECT|CALL) .*;)$/mg, "CALL sg_restore_quarantine('d')";
is(sql($db, 'SELECT json_agg(c ORDER BY id), (SELECT count(*) FROM schemaguard.quarantine) FROM c') =~ s/\s//gr, '[{"id":1,"a":1},{"id":2,"a":-2}]|0', 'who follows the hint has the table as it was, and its rows back from quarantine');

# made anew by others
$db = other_db(q{CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE a (x int, y int, z int, pid int);
	SELECT sg_plan_create('d'), sg_plan_add_check('d', 'a', 'x > 0', 'cp'), sg_plan_add_unique('d', 'a', 'y', 'ux'), sg_plan_add_index('d', 'a', '(z)', 'id1'), sg_plan_add_fk('d', 'a', 'pid', 'p', fk_name => 'fk');
	SET schemaguard.workers = 1; CALL sg_apply('d', fail => true)});
$copy = other_db('', $db);
my $anew = q{ALTER TABLE a DROP CONSTRAINT cp, DROP CONSTRAINT ux, DROP CONSTRAINT fk; DROP INDEX id1; DROP INDEX a_pid_idx;
	ALTER TABLE a ADD CONSTRAINT cp CHECK (x > 0), ADD CONSTRAINT ux UNIQUE (y), ADD CONSTRAINT fk FOREIGN KEY (pid) REFERENCES p; CREATE INDEX id1 ON a (z); CREATE INDEX a_pid_idx ON a (pid)};
my $there = q{SELECT string_agg(conname, ' ' ORDER BY conname) FROM pg_constraint WHERE conrelid = 'a'::regclass; SELECT string_agg(relname, ' ' ORDER BY relname) FROM pg_class WHERE relkind = 'i' AND relname ~ '^(a_|ux|id1)'};
sql($db, $anew);
like(back($db), qr/^(\d\|validated\|not taken back: [^\n]* made anew [^\n]*\n?){4}$/, 'a check, key, unique constraint, index that others have made anew are not taken back');
is(sql($db, $there), "cp fk ux\na_pid_idx id1 ux", 'and are there');
sql($db, q{ALTER TABLE a DROP CONSTRAINT cp, DROP CONSTRAINT ux, DROP CONSTRAINT fk; DROP INDEX id1; DROP INDEX a_pid_idx});
like(back($db), qr/^(\d\|rolled back\|[^\n]*\n?){4}$/, 'until somebody has dropped them');
# a step of the plan that changes a type makes them anew, and they are its own still
my $maker = q{CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE a (x int, y int, z int, pid int);
	SELECT sg_plan_create('d'), sg_plan_add_check('d', 'a', 'x > 0', 'cp'), sg_plan_add_unique('d', 'a', 'y', 'ux'), sg_plan_add_index('d', 'a', '(z)', 'id1'), sg_plan_add_fk('d', 'a', 'pid', 'p', fk_name => 'fk')};
my $types = 'ALTER TABLE public.a ALTER x TYPE bigint, ALTER y TYPE bigint, ALTER z TYPE bigint, ALTER pid TYPE bigint';
$db = other_db("$maker; SELECT sg_plan_add_statement('d', '$types', undo => '" . $types =~ s/bigint/int/gr . "'); SET schemaguard.workers = 1; CALL sg_apply('d', fail => true)");
like(back($db), qr/^(\d\|rolled back\|\n?){5}$/, 'those that a step of the plan has made anew are taken back');
$db = other_db("$maker; SET schemaguard.workers = 1; CALL sg_apply('d', fail => true); DROP INDEX id1; CREATE INDEX id1 ON a (z);
	SELECT sg_plan_add_statement('d', 'ALTER TABLE public.a CLUSTER ON id1', undo => 'ALTER TABLE public.a SET WITHOUT CLUSTER'); CALL sg_apply('d', fail => true)");
like(back($db), qr/^3\|validated\|not taken back: the index was made anew/m, 'not those of others that a step of the plan has changed');
# others': nothing tells ALTER TYPE from a migration that drops and makes them, and changes a column
$anew =~ s/;.*?DROP INDEX a_pid_idx;/; DROP INDEX id1; DROP INDEX a_pid_idx; $types, ALTER x SET DEFAULT 7, ALTER y SET DEFAULT 7, ALTER z SET DEFAULT 7, ALTER pid SET DEFAULT 7;/s;
for my $row ([ 'one transaction that changes their columns, too', "BEGIN; $anew; COMMIT" ], [ 'ALTER TYPE', $types ], [ 'REINDEX CONCURRENTLY', 'REINDEX INDEX CONCURRENTLY id1; REINDEX INDEX CONCURRENTLY a_pid_idx', 2 ])
{
	$db = other_db("$maker; SET schemaguard.workers = 1; CALL sg_apply('d', fail => true); $row->[1]");
	my $told = () = back($db) =~ /\|not taken back: [^\n]* made anew /g;
	is($told, $row->[2] // 4, "those that $row->[0] has made anew may be others'");
	like(sql($db, $there), $row->[2] ? qr/\na_pid_idx id1$/ : qr/^cp fk ux\na_pid_idx id1 ux$/, 'and are there');
}
sql($copy, 'REINDEX TABLE CONCURRENTLY a; VACUUM ANALYZE a');
is(back($copy), "1|rolled back|\n2|rolled back|\n3|rolled back|\n4|rolled back|", 'in a copy, where names are all there is, they are taken back');

# pruned
$db = other_db(q{CREATE TABLE t (id int, z text); CREATE TABLE k (a int); CREATE VIEW v AS SELECT 1 AS a;
	SELECT sg_plan_create('d'), sg_plan_add_drop('d', 'column', 't', 'z'), sg_plan_add_drop('d', 'table', 'k'), sg_plan_add_drop('d', 'view', 'v'); CALL sg_apply('d', fail => true); CALL sg_prune(now() + '1 hour', 'attic')});
like(back($db), qr/^(\d\|validated\|not taken back: [^\n]*sg_prune[^\n]*\n?){3}$/, 'what sg_prune() has ended is not called rolled back');

# undone by hand, applied again
$db = other_db(q{CREATE TABLE t (id int, z text); CREATE TABLE k (a int); SELECT sg_plan_create('d'), sg_plan_add_drop('d', 'column', 't', 'z'), sg_plan_add_drop('d', 'table', 'k'); CALL sg_apply('d', fail => true);
	ALTER TABLE t RENAME _sg_dropped_z TO z; ALTER TABLE schemaguard_attic.k SET SCHEMA public; CALL sg_apply('d')});
like(steps($db), qr/^1\|skipped\|.*\n2\|skipped\|/, 'a drop that somebody has undone by hand is not called done');

# a copy, the parent or the column has another name
$db = other_db(q{CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE c (id int, pid int); SELECT sg_plan_create('d'), sg_plan_add_fk('d', 'c', 'pid', 'p', fk_name => 'fk', "index" => false); CALL sg_apply('d', fail => true)});
for my $row ([ 'it', 'ALTER TABLE c RENAME CONSTRAINT fk TO renamed', 'ALTER TABLE c RENAME CONSTRAINT renamed TO fk' ], [ 'its parent', 'ALTER TABLE p RENAME TO pr', 'ALTER TABLE pr RENAME TO p' ], [ 'its column', 'ALTER TABLE c RENAME pid TO pr', 'ALTER TABLE c RENAME pr TO pid' ])
{
	$copy = other_db($row->[1], $db);
	like(back($copy), qr/^1\|validated\|not taken back: /, "a copy: a key stays on record where $row->[0] has another name");
	sql($copy, $row->[2]);
	is(back($copy), '1|rolled back|', 'and is taken back when it has its name');
}

# the key that has taken the old one's place has another name
$db = other_db(q{CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE c (id int, pid int CONSTRAINT old REFERENCES p);
	SELECT sg_plan_create('d'), sg_plan_add_fk('d', 'c', 'pid', 'p', on_delete => 'cascade', fk_name => 'new', replaces => 'old', "index" => false); CALL sg_apply('d', fail => true)});
my $keys = "SELECT string_agg(conname, ' ' ORDER BY conname) FROM pg_constraint WHERE contype = 'f'";
$copy = other_db('ALTER TABLE c RENAME CONSTRAINT new TO renamed', $db);
like(back($copy), qr/^1\|validated\|not taken back: new ON public\.c is not found/, 'a copy: the old key waits for the new one to be found');
is(sql($copy, $keys), 'renamed', 'which stays');
sql($copy, 'ALTER TABLE c RENAME CONSTRAINT renamed TO new');
is(back($copy) . ' ' . sql($copy, $keys), '1|rolled back| old', 'and comes back when it is');
sql($db, 'ALTER TABLE c RENAME CONSTRAINT new TO renamed');
is(back($db) . ' ' . sql($db, $keys), '1|rolled back| old', 'so it does at once where the new one is known by its OID');

# rows that came while a rule was not there
$db = other_db(q{CREATE TABLE c (id int, v text NOT NULL); CREATE TABLE e (id int, v int CONSTRAINT pos CHECK (v > 0)); INSERT INTO c VALUES (1, 'a'); SELECT sg_plan_create('d'), sg_plan_add_drop('d', 'column', 'c', 'v'),
	sg_plan_add_drop('d', 'constraint', 'e', 'pos'); CALL sg_apply('d', fail => true); INSERT INTO c VALUES (2); INSERT INTO e VALUES (2, -2)});
my $rules = q{SELECT string_agg(conname || convalidated::text, ' ') FROM pg_constraint WHERE conrelid IN ('c'::regclass, 'e'::regclass)};
is(back($db), "1|validated|not taken back: the column is back, but its NOT NULL can't come back: 1 row breaks it\n2|validated|not taken back: the check can't come back: 1 row breaks it", 'rows that break a rule keep it from coming back');
is(sql($db, $rules), '', 'so that nobody who writes them fails');
is(sql($db, q{SELECT string_agg(step || ' ' || result, ', ' ORDER BY step) FROM sg_plan_check('d') WHERE check_name = 'failed' AND hint LIKE '%CALL public.sg_rollback_fks(''d'', steps => %'}), '2 warn',
	'sg_plan_check tells of what is left where nothing blocks the step, and what to call');
sql($db, q{ALTER TABLE c ADD CONSTRAINT c_v_not_null CHECK (v IS NOT NULL) NOT VALID; ALTER TABLE e ADD CONSTRAINT pos CHECK (v > 0) NOT VALID}) if major($node) < 18;
back($db);
is(sql($db, $rules), '', 'nor where such a row came when it was there already');
sql($db, q{UPDATE c SET v = 'x' WHERE v IS NULL; UPDATE e SET v = 1});
is(back($db), "1|rolled back|\n2|rolled back|", 'they come back when the rows are mended');
$db = other_db(q{CREATE TABLE s (id int PRIMARY KEY, v int); INSERT INTO s VALUES (1, -1); SELECT sg_plan_create('d'), sg_plan_add_check('d', 's', 'v > 0', policy => 'set', child_column => 'v', fill => '100');
	CALL sg_apply('d', fix => true, fail => true)});
$copy = other_db('ALTER TABLE s RENAME v TO w', $db);
is(back($copy), '1|validated|not taken back: the constraint of that name is another one by now', 'a copy: values that are not back are told');
sql($copy, 'ALTER TABLE s RENAME w TO v');
is(back($copy) . ' ' . sql($copy, 'SELECT v FROM s'), '1|rolled back| -1', 'until they are');
sql($db, 'ALTER TABLE s RENAME id TO i; ALTER TABLE s RENAME v TO w; ALTER TABLE s ADD id int DEFAULT 1, ADD v int; ALTER TABLE s RENAME TO r; CREATE TABLE s (id int PRIMARY KEY, v int)');
is(back($db) . ' ' . sql($db, 'SELECT w FROM r'), '1|rolled back|the rollback has worked on table public.r, which the plan knows as public.s; the table of that name is another one -1', 'old values go back into the column that had them, whatever it and its table are called');

# a column that a trigger fills on, with a value of somebody's
$db = other_db(q{CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1); SELECT sg_plan_create('d'), sg_plan_add_column('d', 't', 'n', 'int', fill => 'id'); CALL sg_apply('d', fail => true); UPDATE t SET n = 99});
$node->psql($db, "CALL sg_rollback_fks('d')", stderr => \my $told);
like($told, qr/not taken back: it holds 1 value that the step has not given it/, 'a column with such a value stays');
sql($db, $told =~ /drop it and roll back again:\n((?:.*;\n)+)/ ? $1 : 'SELECT 1/0');
is(sql($db, q{SELECT count(*) FROM pg_attribute WHERE attrelid = 't'::regclass AND attname = 'n'}) . steps($db), '01|rolled back|left alone: it is gone', 'and goes by the hint as it is printed');

# a unique constraint that does not come back by itself
$db = other_db(q{CREATE TABLE t (id int, CONSTRAINT uu UNIQUE (id)); CREATE INDEX ii ON t (id); SELECT sg_plan_create('d'), sg_plan_add_drop('d', 'constraint', 't', 'uu'), sg_plan_add_drop('d', 'index', 't', 'ii'); CALL sg_apply('d', fail => true)});
isnt($node->psql($db, "CALL sg_rollback_fks('d', fail => true)"), 0, 'with fail, a unique constraint that is not back is an error');
like(steps($db), qr/^1\|validated\|not taken back: making it anew.*\n2\|validated\|not taken back: making it anew/, 'and its step says so');
sql($db, 'ALTER TABLE t ADD CONSTRAINT uu UNIQUE (id); CREATE INDEX ii ON t (id)');
is(back($db), "1|rolled back|\n2|rolled back|", 'until it is');

# rows whose table has another owner since, as after pg_restore -O -x
sql('postgres', 'CREATE ROLE owa; CREATE ROLE plain LOGIN');
$db = other_db(q{CREATE TABLE t (id int PRIMARY KEY, a int); ALTER TABLE t OWNER TO owa; INSERT INTO t VALUES (1, 1), (2, -2); SELECT sg_plan_create('d'), sg_plan_add_check('d', 't', 'a > 0', 'pos', policy => 'quarantine');
	CALL sg_apply('d', fix => true, fail => true)});
my @copies = map { other_db("ALTER TABLE t OWNER TO $_", $db) } 'postgres', 'postgres', 'plain';
my $there_now = q{SELECT count(*) || tableowner FROM t, pg_tables WHERE tablename = 't' GROUP BY tableowner};
my $hint;
sql($db, 'ALTER TABLE t OWNER TO postgres');
$node->psql($db, "CALL sg_rollback_fks('d')", stderr => \$hint);
unlike($hint, qr/OWNER TO|superuser/, 'where the plan was run, there is no way for rows of a table that was given away');
is(sql($db, $there_now), '1postgres', 'a superuser or not');
$node->psql($copies[2], "CALL sg_rollback_fks('d')", stderr => \$hint);
like($hint, qr/Rows go back into table public\.t if it belongs to role owa, or to a superuser/, 'nor in a copy where it belongs to another role');
unlike($hint, qr/OWNER TO/, 'and no role is lent a table');
is(sql($copies[2], $there_now), '1plain', 'no row goes there');
sql($copies[0], "SELECT sg_grant('plain'), sg_plan_allow('d', 'plain'); GRANT INSERT ON t TO plain; GRANT pg_read_all_data TO plain");
$node->psql($copies[0], "SET ROLE plain; CALL sg_restore_quarantine('d')", stderr => \$hint);
like($hint, qr/into a superuser's table by a superuser's call:\nCALL /, "of a superuser's table, another role is told who can");
is(sql($copies[0], $there_now), '1postgres', 'and has nothing put there');
foreach my $row ([ 'there', $copies[0] ], [ 'gone', $copies[1], 'DROP ROLE owa' ])
{
	sql($row->[1], $row->[2]) if $row->[2];
	sql($row->[1], "CALL sg_rollback_fks('d')");
	is(steps($row->[1]) . sql($row->[1], $there_now), '1|rolled back|2postgres', "the former owner of their table is $row->[0]: a superuser's call puts them back into a superuser's table");
}

# a session that ends with the first error ends with none that is told in words
$db = other_db(q{CREATE TABLE t (id int PRIMARY KEY, a int); INSERT INTO t VALUES (1, 1), (2, -2); SELECT sg_plan_create('d'), sg_plan_add_check('d', 't', 'a > 0', 'pos', policy => 'quarantine');
	CALL sg_apply('d', fix => true, fail => true); ALTER TABLE t ADD CHECK (a > -1)});
is(sql($db, "SET exit_on_error = on; CALL sg_rollback_fks('d'); SELECT count(*) FROM schemaguard.quarantine"), '1', 'exit_on_error: a row that can not go back ends no session');

# a materialized view is one
$db = other_db(q{CREATE MATERIALIZED VIEW mv AS SELECT 1 AS a; SELECT sg_plan_create('d'), sg_plan_add_drop('d', 'view', 'mv'); CALL sg_apply('d', fail => true)});
is(sql($db, q{SELECT relnamespace::regnamespace FROM pg_class WHERE relname = 'mv'}), 'schemaguard_attic', 'a materialized view is kept');
is(back($db), '1|rolled back|', 'and taken back');

# values in a column
$db = other_db(q{CREATE TABLE t (id int PRIMARY KEY); INSERT INTO t VALUES (1), (2); SELECT sg_plan_create('d'), sg_plan_add_column('d', 't', 'note', 'text'), sg_plan_add_column('d', 't', 'n', 'int DEFAULT 7'), sg_plan_add_column('d', 't', 'j', 'json DEFAULT ''[]'''); CALL sg_apply('d', fail => true);
	UPDATE t SET note = 'precious', n = 8 WHERE id = 1});
like(back($db), qr/^([12]\|validated\|not taken back: it holds \d+ values?[^\n]*\n){2}3\|rolled back\|$/, 'a column with values that somebody has written stays');
sql($db, 'UPDATE t SET note = NULL, n = 7');
is(back($db), "1|rolled back|\n2|rolled back|\n3|rolled back|", 'and goes without');

# old values that policy set has replaced
my $set = q{SELECT sg_plan_add_check('d', 't', 'v > 0', name => 't_v', policy => 'set', child_column => 'v', fill => '1', priority => 'critical');};
my $rows = q{SELECT string_agg(id || ':' || v, ' ' ORDER BY id) FROM t};
my $state = "SELECT ($rows) || ' ' || (SELECT count(*) FROM schemaguard.plan_value)";
my $once = qq{CREATE TABLE t (id int PRIMARY KEY, v int); INSERT INTO t VALUES (1, -1), (2, -2), (3, 3); SELECT sg_plan_create('d'); $set};

$db = other_db(qq{$once SELECT sg_plan_add_unique('d', 't', 'v', name => 't_u', policy => 'quarantine', keep_by => 'id'); CALL sg_apply('d', fix => true, fail => true)});
is(sql($db, $rows), '1:1 3:3', 'a row that was given a value is in quarantine by a later step');
sql($db, "CALL sg_rollback_fks('d', steps => '{1}')");
is(sql($db, $state), '1:-1 3:3 1', 'its old value is kept when that of the others has gone back');
like(steps($db), qr/^1\|failed\|not taken back: old values of check t_v ON public\.t: 1 row is not found while rows of the table are in quarantine$/m, 'and told');
is(back($db) . ' ' . sql($db, $state), "1|rolled back|\n2|rolled back| 1:-1 2:-2 3:3 0", 'it has it when it is back');

$db = other_db(q{CREATE TABLE t (id int PRIMARY KEY, v int) PARTITION BY RANGE (id); CREATE TABLE t_a PARTITION OF t FOR VALUES FROM (0) TO (6); CREATE TABLE t_b PARTITION OF t FOR VALUES FROM (6) TO (100);
	INSERT INTO t VALUES (1, -1), (7, -7); SELECT sg_plan_create('d');} . $set . q{CALL sg_apply('d', fix => true, fail => true); DROP TABLE t_a});
is(back($db) . ' ' . sql($db, $state), '1|failed|not taken back: old values of check t_v ON public.t: table public.t_a does not exist 7:-7 1', 'a partition that is gone keeps nothing from the others');
sql($db, q{SELECT sg_plan_skip('d', 1, 'dropped for good')});
$node->psql($db, "CALL sg_rollback_fks('d', fail => true)", stderr => \my $skipped);
unlike($skipped, qr/not taken back/, 'and who skips the step hears no more of it') or diag($skipped);
is(sql($db, q{SELECT count(*) FROM schemaguard.plan_deed WHERE undone_at IS NULL}), '0', 'nor is anything open');

my $restored = qq{$once CALL sg_apply('d', fix => true, fail => true); CREATE TABLE new AS SELECT * FROM t; DROP TABLE t; ALTER TABLE new RENAME TO t; ALTER TABLE t ADD CONSTRAINT t_v CHECK (v > 0), ADD PRIMARY KEY (id)};
$db = other_db($restored);
like(back($db), qr/^1\|validated\|not taken back:.*old values of check t_v ON public\.t: new row for relation "t" violates check constraint "t_v"$/, 'old values of a table that was restored go into the one of its name, unless it refuses them');
is_error($node, q{SELECT sg_plan_drop('d')}, '55000', qr/has done what can still be taken back/, 'sg_plan_drop keeps old values that are not back', dbname => $db);
sub hinted { my ($db, $call, $after) = @_; $node->psql($db, $call, stderr => \my $told); return sql($db, $told =~ /$after:\n((?:.*;\n)+)/ ? $1 : 'SELECT 1/0'); }
$copy = other_db("$restored; CALL sg_rollback_fks('d'); SELECT sg_plan_skip('d', 1, 'restored')");
hinted($copy, q{CALL sg_rollback_fks('d')}, 'To have them back after all, once that is mended');
is(sql($copy, $state), '1:1 2:1 3:3 2', 'values that the table of a skipped step refuses stay on record');
sql($copy, q{ALTER TABLE t DROP CONSTRAINT t_v; CALL sg_rollback_fks('d')});
is(sql($copy, $state), '1:-1 2:-2 3:3 0', 'and are back when it does not, and who has skipped the step has followed the hint');
hinted($db, q{CALL sg_rollback_fks('d')}, 'take the step back by hand. Then say so');
is(sql($db, $state), '1:-1 2:-2 3:3 0', 'who follows the first hint, as it is printed, has them back at once');
is(sql($db, q{SELECT count(*) FROM schemaguard.plan_deed WHERE undone_at IS NULL}), '0', 'and nothing is open');
for my $row ([ 'a column has another type', 'ALTER TABLE t ALTER v TYPE numeric' ], [ 'a view has its name', 'ALTER TABLE t RENAME TO o; CREATE VIEW t AS TABLE o' ])
{
	$db = other_db(qq{$once CALL sg_apply('d', fix => true, fail => true); CREATE TABLE new (id int PRIMARY KEY, v int); INSERT INTO new TABLE t; DROP TABLE t; ALTER TABLE new RENAME TO t; $row->[1]});
	like(back($db) . sql($db, $state), qr/^1\|validated\|not taken back:.*old values of check t_v ON public\.t: .*1:1 2:1 3:3 2$/s, "they stay where $row->[0]");
}

$db = other_db(qq{$once CALL sg_apply('d', fix => true, fail => true); ALTER TABLE t ADD CONSTRAINT mine CHECK (v > 0); CALL sg_rollback_fks('d')});
is_error($node, $_->[0], $_->[1], $_->[2], "$_->[0] where old values are kept", dbname => $db)
	foreach [ q{SELECT sg_plan_drop('d')}, '55000', qr/has done what can still be taken back/ ], [ 'DROP EXTENSION schemaguard', '2BP01', qr/keeps old values of your rows/ ];
$node->psql($db, q{BEGIN; SELECT sg_plan_create('d', replace => true); ROLLBACK}, stderr => \my $replaced);
like($replaced, qr/WARNING:  plan "d" was replaced: what it has done can't be taken back any more/, 'a plan that is replaced says that they go');
sql($db, q{ALTER TABLE t DROP CONSTRAINT mine; CALL sg_rollback_fks('d', fail => true); SELECT sg_plan_drop('d')});
is(sql($db, $rows), '1:-1 2:-2 3:3', 'they are back when nothing refuses them');

$db = other_db(qq{$once CALL sg_apply('d', fix => true, fail => true); DELETE FROM schemaguard.plan_value; UPDATE t SET v = 9 WHERE id = 1});
is(back($db), '1|rolled back|left alone: 2 rows keep the value that was set: no old value on record, as without a primary key or in a copy without these rows', 'old values that a copy does not have are called so');
$db = other_db(q{CREATE TABLE t (id int PRIMARY KEY, v text); INSERT INTO t VALUES (1, 'a'); SELECT sg_plan_create('d'), sg_plan_add_rows('d', 't', '[{"id": 1, "v": "b"}]'); CALL sg_apply('d', fail => true)});
sql('postgres', "CREATE DATABASE without_rows TEMPLATE $db");
sql('without_rows', 'DELETE FROM schemaguard.plan_value');
is(back('without_rows'), '1|validated|not taken back: no old value is on record, as in a copy without these rows', '... those of rows, too');

# something that was renamed goes by a third name
$db = other_db(q{CREATE TABLE t (id int, v int); SELECT sg_plan_create('d'), sg_plan_add_rename('d', 'column', 't', 'w', 'v'), sg_plan_add_rename('d', 'table', 't', 'u');
	CALL sg_apply('d', fail => true); ALTER TABLE u RENAME w TO x; ALTER TABLE u RENAME TO z});
is(back($db), "1|validated|not taken back: it is called x by now\n2|validated|not taken back: it is called z by now", 'what was renamed once more is left, and told');
sql($db, 'ALTER TABLE z RENAME x TO w; ALTER TABLE z RENAME TO u');
is(back($db) . ' ' . sql($db, q{SELECT attname FROM pg_attribute WHERE attrelid = 't'::regclass AND attnum = 2}), "1|rolled back|\n2|rolled back| v", 'and goes back when it has the name again');

# rows in quarantine, of a table without a key that is restored from before
$db = other_db(q{CREATE TABLE p (id int PRIMARY KEY); INSERT INTO p VALUES (1); CREATE TABLE c (a int, v text); INSERT INTO c VALUES (1, 'x'), (7, 'y'), (7, 'y'), (8, 'z')});
$node->command_ok([ 'pg_dump', '-Fc', '-t', 'public.c', '-f', $one, $node->connstr($db) ], 'a table without a key is dumped');
sql($db, q{SELECT sg_plan_create('d'), sg_plan_add_fk('d', 'c', 'a', 'p', orphans => 'quarantine', fk_name => 'k'); CALL sg_apply('d', fix => true, fail => true)});
$node->command_ok([ 'pg_restore', '--clean', '-d', $node->connstr($db), $one ], 'and restored after its orphans went into quarantine');
my $held = q{SELECT string_agg(a || v, ' ' ORDER BY a, v) || ' ' || (SELECT count(*) FROM schemaguard.quarantine) FROM c};
sql($db, q{DELETE FROM c WHERE ctid = (SELECT max(ctid) FROM c WHERE a = 7)});
$node->psql($db, q{CALL sg_restore_quarantine('d')}, stderr => \my $doubled);
like($doubled, qr/1 row put back, 2 left in quarantine/, 'of equal rows, those go back that are not there');
is(sql($db, $held), '1x 7y 7y 8z 2', 'none is doubled');
is(sql($db, 'SELECT DISTINCT reason FROM schemaguard.quarantine'), 'an equal row is there already, since its table was restored', 'and the reason says so');
my ($forget, $twice) = $doubled =~ /forget it:\n(.*;)\nTo have it twice:\n(.*;)/;
$copy = other_db($twice, $db);
is(sql($copy, $held), '1x 7y 7y 7y 8z 8z 0', 'who wants them twice has them, by the hint as it is printed');
sql($db, "$forget; ALTER TABLE c ADD x int; CALL sg_restore_quarantine('d')");
is(sql($db, $held), '1x 7y 7y 8z 0', 'who has them forgotten has each once');

# a view that reads what has another name by now
sql('postgres', 'CREATE ROLE reads_w');
my $view = q{CREATE SCHEMA app; CREATE TABLE app.t (id int PRIMARY KEY, v int); INSERT INTO app.t VALUES (1, 5), (2, -5); CREATE VIEW w AS SELECT id, v FROM app.t WHERE v > 0; GRANT SELECT ON w TO reads_w;
	SELECT sg_plan_create('d'), sg_plan_add_drop('d', 'view', 'w'); CALL sg_apply('d', fail => true)};
$db = other_db($view);
for my $row ([ 'ALTER TABLE app.t RENAME v TO n', 'column t\.v does not exist', sub { s/t\.v$/t.n AS v/m; s/t\.v > 0/t.n > 0/; } ],
	[ 'ALTER TABLE app.t RENAME TO u', 'relation "app\.t" does not exist', sub { s/FROM app\.t$/FROM app.u t/m; } ], [ 'ALTER SCHEMA app RENAME TO app2', 'relation "app\.t" does not exist', sub { s/app\.t/app2.t/; } ],
	[ 'ALTER TABLE app.t RENAME TO u', 'relation "app\.t" does not exist', sub { s/FROM app\.t$/FROM app.u t/m; }, $db, '1|skipped|it was made by hand' ])
{
	$copy = $row->[3] ? other_db($row->[0], $row->[3]) : other_db("$view; $row->[0]");
	$node->psql($copy, q{CALL sg_rollback_fks('d')}, stderr => \my $viewed);
	like($viewed, qr/rollback change failed: $row->[1]\n/, "$row->[0]: what the view lacks is named");
	my ($by_hand) = $viewed =~ /have it back by hand:\n((?:.*\n)*?CALL .*;)\n/;
	$_ = $by_hand // 'SELECT 1/0';
	$row->[2]->();
	sql($copy, $_);
	is(steps($copy) . sql($copy, 'SET ROLE reads_w; SELECT * FROM w'), ($row->[4] // '1|rolled back|') . '1|5', 'and who puts the new name into the hint has the view, and its privileges');
}
$copy = other_db('CREATE VIEW w AS SELECT 1 AS id', $db);
hinted($copy, q{CALL sg_rollback_fks('d')}, 'If the other one is to stay in its place');
is(sql($copy, q{SELECT count(*) FILTER (WHERE undone_at IS NULL) || (SELECT count(*) FROM pg_class WHERE relnamespace = 'schemaguard_attic'::regnamespace)::text FROM schemaguard.plan_deed}), '00', 'nothing is open, or kept, where another view takes its place');

# the attic has another name, in a copy
$db = other_db(q{CREATE TABLE k (a int); INSERT INTO k VALUES (7); SELECT sg_plan_create('d'), sg_plan_add_drop('d', 'table', 'k'); CALL sg_apply('d', fail => true)});
$copy = other_db('ALTER SCHEMA schemaguard_attic RENAME TO put_away', $db);
sql($copy, q{CREATE SCHEMA app; CREATE TABLE app.k (a int); CREATE SCHEMA other; CREATE TABLE other.k (a int, b int); CREATE VIEW other.v AS SELECT 1; CREATE TEMP TABLE k (a int)});
my $lost = sub { $node->psql($copy, q{CALL sg_rollback_fks('d')}, stderr => \my $told); return $told };
like($lost->(), qr/HINT:  Relations with its name and columns, which an application may use: put_away\.k, app\.k\. If it is one of them, create schema schemaguard_attic, move it there, and roll back again:\nCALL/,
	'where the attic has another name, the hint names all tables that may be the kept one, and its statements move none');
sql($copy, q{CREATE SCHEMA schemaguard_attic; CREATE TABLE schemaguard_attic.k (z int)});
like($lost->(), qr/put_away\.k, app\.k\. If it is one of them, move schemaguard_attic\.k to another schema meanwhile, move it into schema schemaguard_attic, and roll back again:\nCALL/,
	'... and what has its place');
sql($copy, q{CREATE SCHEMA app2; ALTER TABLE schemaguard_attic.k SET SCHEMA app2; ALTER TABLE put_away.k SET SCHEMA schemaguard_attic; CALL sg_rollback_fks('d')});
is(steps($copy) . sql($copy, 'SELECT a FROM public.k; SELECT count(*) FROM app.k'), "1|rolled back|7\n0", 'who has moved it has it back');
sql($copy, q{CALL sg_apply('d', fail => true); DROP TABLE schemaguard_attic_1.k});
unlike($lost->(), qr/ALTER|CREATE/, 'where the kept table is gone, no hint takes a table of the application for it');
is(steps($copy) . sql($copy, 'SELECT count(*) FROM app.k'), '1|validated|not taken back: the table is not found: there is no schemaguard_attic_1.k, nor one with the OID and the columns that it was kept with0', '... nor does the rollback');
# ... and sg_prune() takes nothing that is elsewhere by now: it could be in use
foreach my $row ([ $db, 'put_away\.k by now' ], [ other_db('SELECT 1', $db), 'not found, and nothing but its name and columns is known' ])
{
	my ($of, $place) = @$row;
	$node->psql($of, q{ALTER SCHEMA schemaguard_attic RENAME TO put_away; CALL sg_prune(clock_timestamp(), 'attic')}, stderr => \my $pruned);
	like($pruned, qr/drop table public\.k of plan "d" is kept: it is $place/, "$of: sg_prune() leaves alone what is kept where the attic has another name, and says so");
	is(sql($of, q{SELECT a FROM put_away.k; SELECT count(*) FROM schemaguard.plan_deed WHERE undone_at IS NULL; SELECT state, summary FROM sg_status() WHERE subject = 'attic'}),
		"7\n1\nattention|dropped and kept: 1, of which 1 are not where they were put", '... and sg_status() still tells of it');
	sql($of, q{ALTER SCHEMA put_away RENAME TO schemaguard_attic});
}
sql($copy = other_db('SELECT 1', $db), q{CALL sg_rollback_fks('d')});
is(steps($copy) . sql($copy, 'SELECT a FROM public.k'), '1|rolled back|7', '... so that a rollback has it back');
sql($db, q{CALL sg_prune(clock_timestamp(), 'attic')});
is(sql($db, q{SELECT to_regclass('schemaguard_attic.k') IS NULL; SELECT count(*) FROM schemaguard.plan_deed WHERE undone_at IS NULL}), "t\n0", '... and sg_prune() takes it where the attic has its name again');

# the role of the author has another name, or is gone
sql('postgres', 'CREATE ROLE whose_author LOGIN; CREATE ROLE whose_owner LOGIN; CREATE ROLE whose_other LOGIN');
$db = other_db(q{GRANT CREATE ON SCHEMA public TO whose_author; SELECT sg_grant('whose_author'), sg_grant('whose_owner'), sg_grant('whose_other'); GRANT INSERT ON schemaguard.smoke_test TO whose_author; SET ROLE whose_author; CREATE TABLE t (a int);
	SELECT sg_plan_create('d'), sg_plan_add_check('d', 't', 'a > 0', 'pos'), schemaguard.sg_lint_plan(); CALL sg_apply('d', fail => true)});
sql('postgres', "ALTER DATABASE $db OWNER TO whose_owner; ALTER ROLE whose_author RENAME TO whose_renamed; CREATE ROLE whose_author LOGIN");
sql($db, q{SELECT sg_grant('whose_author')});
is(error_of($node, q{SELECT sg_plan_set('d', 1, '{"rationale": "mine"}')}, dbname => $db, user => 'whose_renamed'), '', 'an author whose role was renamed changes the plan');
is($node->safe_psql($db, q{SELECT schemaguard.sg_lint_plan(); INSERT INTO schemaguard.smoke_test (name, plan, kind, statement) VALUES ('s', 'd', 'query', 'SELECT 1');
	SELECT actual IS NOT NULL FROM schemaguard.sg_go_figures('d') WHERE metric = 'rows in quarantine'; SELECT count(*) FROM schemaguard.plan}, extra_params => [ '-U', 'whose_renamed' ]),
	"lint\nt\n2", '... has the plan of sg_lint() as before, adds a test to a plan, and is told its rows in quarantine');
is($node->safe_psql($db, 'SELECT schemaguard.sg_lint_plan()', extra_params => [ '-U', 'whose_author' ]), 'lint of whose_author', '... a new role of the old name gets another plan of sg_lint()');
sql('postgres', 'CREATE ROLE whose_allowed LOGIN; CREATE ROLE whose_gone LOGIN');
sql($db, q{SELECT sg_plan_allow('d', 'whose_allowed'), sg_plan_allow('d', 'whose_gone')});
sql('postgres', 'ALTER ROLE whose_allowed RENAME TO whose_still; CREATE ROLE whose_allowed LOGIN; DROP ROLE whose_gone; CREATE ROLE whose_gone LOGIN');
is(error_of($node, q{SELECT * FROM sg_plan_sql('d')}, dbname => $db, user => 'whose_still'), '', 'a role that sg_plan_allow() has let read a plan does so under another name');
is_error($node, q{SELECT * FROM sg_plan_sql('d')}, '42501', qr/permission denied for plan "d"/, "... and $_, a later role of such a name, does not", dbname => $db, user => $_) for qw(whose_allowed whose_gone);
sql($db, q{SELECT sg_plan_allow('d', 'whose_allowed')});
is(sql($db, q{SELECT allowed, cardinality(allowed_marks) FROM schemaguard.plan WHERE name = 'd'}), '{whose_still,whose_allowed}|2', '... the next call has the names of now, without roles that are gone');
sql($db, q{SELECT sg_plan_allow('d', 'whose_allowed', allowed => false), sg_plan_allow('d', 'whose_still', allowed => false)});
is_error($node, q{SELECT * FROM sg_plan_sql('d')}, '42501', qr/permission denied for plan "d"/, '... and takes it from them', dbname => $db, user => 'whose_still');
is_error($node, q{SELECT sg_plan_allow('d', 'whose_author')}, '42501', qr/belongs to role "whose_renamed"/, 'a new role of the old name does not', dbname => $db, user => 'whose_author');
is_error($node, q{SELECT sg_plan_allow('d', 'whose_owner')}, '42501', undef, 'nor does the owner of the database', dbname => $db, user => 'whose_owner');
sql($db, 'REASSIGN OWNED BY whose_renamed TO postgres; DROP OWNED BY whose_renamed; DROP ROLE whose_renamed');
is_error($node, q{SELECT * FROM sg_plan_sql('d')}, '42501', qr/that role does not exist, allow it:\n(.*;)/, 'where the role is gone, the hint says who can allow it', dbname => $db, user => 'whose_other');
my ($allow) = $SgTest::message =~ /allow it:\n(.*;)/;
is_error($node, $allow, '42501', qr/does not exist: the owner of the database/, 'it is not who asks', dbname => $db, user => 'whose_other');
is_error($node, $allow, '42501', undef, 'nor a new role of the name', dbname => $db, user => 'whose_author');
is(error_of($node, $allow, dbname => $db, user => 'whose_owner'), '', 'but the owner of the database');
is(error_of($node, q{SELECT * FROM sg_plan_sql('d')}, dbname => $db, user => 'whose_other'), '', 'and the other one reads the plan');
sql('postgres', "ALTER DATABASE $db OWNER TO postgres");

# the role whose rows are in quarantine has another name
sql('postgres', 'CREATE ROLE whose_rows LOGIN');
$db = other_db(q{GRANT CREATE ON SCHEMA public TO whose_rows; SELECT sg_grant('whose_rows'); SET ROLE whose_rows; CREATE TABLE p (id int PRIMARY KEY); CREATE TABLE t (id int PRIMARY KEY, p int);
	INSERT INTO t VALUES (1, 7); SELECT sg_plan_create('d'), sg_plan_add_fk('d', 't', 'p', 'p', orphans => 'quarantine'); CALL sg_add_fks('d', fix => true)});
$copy = other_db('SELECT 1', $db);
my $rows_of = sub { my ($role, $of, $sql) = @_; return $node->safe_psql($of, "SET client_min_messages = error; $sql", extra_params => [ '-U', $role ]) };
is($rows_of->('whose_rows', $copy, 'SELECT count(*) FROM schemaguard.quarantine'), 1, 'a copy of the database shows a role its rows in quarantine by its name');
sql('postgres', 'ALTER ROLE whose_rows RENAME TO whose_rows_were; CREATE ROLE whose_rows LOGIN');
is($rows_of->('whose_rows', $_, 'SELECT count(*) FROM schemaguard.quarantine'), 0, "$_: a new role of that name does not see them") for $db, $copy;
is($rows_of->('whose_rows_were', $db, q{SELECT count(*) FROM schemaguard.quarantine; CALL sg_rollback_fks('d'); SELECT count(*) FROM schemaguard.quarantine; SELECT * FROM t}), "1\n0\n1|7",
	'a renamed role sees its rows in quarantine, and has them back by a rollback');

# a table that was swapped
$db = other_db(q{CREATE TABLE t (id int PRIMARY KEY, a int); SELECT sg_plan_create('d'), sg_plan_add_check('d', 't', 'a > 0', 'pos'); CALL sg_apply('d', fail => true);
	CREATE TABLE new (LIKE t INCLUDING ALL); ALTER TABLE t RENAME TO old; ALTER TABLE new RENAME TO t});
$node->psql($db, "CALL sg_rollback_fks('d')", stderr => \my $swapped);
like($swapped, qr/the rollback has worked on table public\.old, which the plan knows as public\.t; the table of that name is another one/, 'a rollback names the table that it has worked on');
like(steps($db), qr/^1\|rolled back\|the rollback has worked on table public\.old/, 'so does its step');

$node->stop;
done_testing();
