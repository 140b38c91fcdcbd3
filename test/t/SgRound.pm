# SgRound.pm: every kind of step meets a fault, all kinds at once.  Used by 096_faults_kinds.pl, on top of SgLoad.
#
# A round is one fault.  Each kind of plan gets tables of its own, in a schema of its own, and a session that runs into a
# trap (SgLoad.pm) at one of the kind's places.  When all stand there the fault strikes: once for the whole server, or
# each of them.  After it nothing may be half done; then half of the plans are finished by the next call, the others taken
# back, and what must be true of each is checked.
#
#   run_round($node, 'cancelled', $number, @kinds)        the places follow from the number; returns the node to go on with
#   kinds_for($fault, $turn)                              a third of them, another with the next turn; SG_LONG: all
#   rounds_of($fault, @kinds)                             how many rounds it takes until each has been at all its places
#   @kinds                                                what there is
#
# A kind has
#   name, workers, settings   of the session that calls
#   tables                    SQL that makes tables and plan in schema $s, see the helpers below
#   before                    calls that come first
#   call                      the one that is struck
#   places                    [ place, step, skip ] of set_trap(), in the order in which they are passed
#   rows                      what becomes of orphans: keep, quarantine, delete, null
#   old_key, backfill         has the child a key that is replaced, a column that is filled?
#   back                      is the call one that takes back?
package SgRound;
use strict;
use warnings;
use Exporter 'import';
use PostgreSQL::Test::Utils;
use SgTest;
use SgLoad;
use SgFault;
use Test::More;

our @EXPORT = qw(run_round rounds_of kinds_for install_kinds);
our $errors_of_full_disk = 0;

# ---------------------------------------------------------------------------------------------------------------------
# Tables

# What the expressions of a backfill call: a trap in the middle of a batch
sub install_kinds
{
	my ($node) = @_;

	install_traps($node);
	$node->safe_psql('postgres', <<'SQL');
CREATE FUNCTION public.code_of(plan text, id int, ref int) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	IF id = 1500 THEN PERFORM public.trap_here('rows backfill', 1, plan, 0); END IF;
	RETURN 'code ' || ref;
END$$;
SQL
}

# A parent with keys 1 to 500, a child whose rows refer to 1 to $refs, or to nothing; what is above 500 is an orphan.  $grand:
# rows that refer to the child's.
sub family
{
	my ($s, %opt) = @_;
	my $rows = $opt{rows} // 1200;
	my $refs = $opt{refs} // 500;
	my $sql = <<SQL;
CREATE TABLE $s.parent (id int PRIMARY KEY, note text);
INSERT INTO $s.parent SELECT g, 'x' FROM generate_series(1, 500) g;
CREATE TABLE $s.child (id int PRIMARY KEY, ref int, note text) @{[ $opt{with} // '' ]};
@{[ $opt{parts} // '' ]};
INSERT INTO $s.child SELECT g, nullif(g % ($refs + 1), 0), 'a, (b) "c' || g FROM generate_series(1, $rows) g;
SQL

	$sql .= <<SQL if $opt{grand};
CREATE TABLE $s.grand (id int GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	child int CONSTRAINT to_child REFERENCES $s.child ON DELETE CASCADE, note text);
CREATE INDEX ON $s.grand (child);
INSERT INTO $s.grand (child, note) SELECT g, 'to ' || g FROM generate_series(1, $rows, 3) g;
SQL
	$sql .= <<SQL if $opt{old_key};
CREATE TABLE $s.old_parent (id int PRIMARY KEY) @{[ $opt{old_with} // '' ]};
@{[ $opt{old_parts} // '' ]};
INSERT INTO $s.old_parent SELECT generate_series(1, 600);
ALTER TABLE $s.child ADD CONSTRAINT old_key FOREIGN KEY (ref) REFERENCES $s.old_parent;
SQL
	return $sql . "CREATE TABLE $s.child_was AS TABLE $s.child;\n"
		. ($opt{grand} ? "CREATE TABLE $s.grand_was AS TABLE $s.grand;\n" : '');
}

# A step of the plan: $columns, and more arguments
sub step
{
	my ($s, $child, $columns, $parent, $name, %opt) = @_;

	return "SELECT sg_plan_add_fk('$s', '$s.$child', '{$columns}', '$s.$parent', fk_name => '$name', "
		. join(', ', map { "$_ => $opt{$_}" } sort keys %opt) . ");\n";
}

sub plain_step { my ($s, %opt) = @_; return step($s, 'child', 'ref', 'parent', 'key_1', index => 'false', %opt); }

sub partitions
{
	my ($s) = @_;

	return <<SQL;
CREATE TABLE $s.child_1 PARTITION OF $s.child FOR VALUES FROM (MINVALUE) TO (400);
CREATE TABLE $s.child_2 PARTITION OF $s.child FOR VALUES FROM (400) TO (800);
CREATE TABLE $s.child_3 PARTITION OF $s.child FOR VALUES FROM (800) TO (MAXVALUE) PARTITION BY RANGE (id);
CREATE TABLE $s.child_31 PARTITION OF $s.child_3 FOR VALUES FROM (800) TO (1000);
CREATE TABLE $s.child_32 PARTITION OF $s.child_3 FOR VALUES FROM (1000) TO (MAXVALUE);
SQL
}

sub orphans_of
{
	my ($policy) = @_;

	return sub {
		my ($s) = @_;
		return family($s, refs => 600, grand => 1) . plain_step($s, orphans => "'$policy'",
			quarantine_cascades => $policy eq 'set null' ? 'false' : 'true');
	};
}

sub partitioned_child
{
	my ($s) = @_;

	return family($s, refs => 600, grand => 1, with => 'PARTITION BY RANGE (id)', parts => partitions($s))
		. plain_step($s, orphans => q('quarantine'), quarantine_cascades => 'true');
}

sub filled
{
	my ($s) = @_;

	return family($s, rows => 3000, refs => 500, old_key => 1, with => 'WITH (fillfactor = 20)')
		. "ALTER TABLE $s.parent ADD COLUMN code text; UPDATE $s.parent SET code = 'code ' || id;"
		. "ALTER TABLE $s.parent ADD UNIQUE (code), ALTER code SET NOT NULL;"
		. step($s, 'child', 'code', 'parent', 'key_1', index => 'false', replaces => q('old_key'), parent_columns => q('{code}'),
			backfill => "\$\$public.code_of('$s', id, ref)\$\$");
}

sub several_children
{
	my ($s) = @_;

	return family($s) . join('', map {
			"CREATE TABLE $s.child_$_ (id int PRIMARY KEY, ref int); INSERT INTO $s.child_$_ SELECT id, ref FROM $s.child;"
		} 2, 3)
		. plain_step($s, orphans => q('leave'))
		. join('', map { step($s, "child_$_", 'ref', 'parent', "key_$_", index => 'false', orphans => q('leave')) } 2, 3);
}

sub several_indexes
{
	my ($s) = @_;

	return family($s) . <<SQL . join('', map { step($s, $_->[0], 'ref', 'parent', "key_$_->[1]", orphans => q('leave')) }
CREATE TABLE $s.other (id int PRIMARY KEY, ref int);
INSERT INTO $s.other SELECT id, ref FROM $s.child;
CREATE TABLE $s.parts (id int PRIMARY KEY, ref int) PARTITION BY RANGE (id);
CREATE TABLE $s.parts_1 PARTITION OF $s.parts FOR VALUES FROM (MINVALUE) TO (500);
CREATE TABLE $s.parts_2 PARTITION OF $s.parts FOR VALUES FROM (500) TO (MAXVALUE);
INSERT INTO $s.parts SELECT id, ref FROM $s.child;
SQL
		[ 'child', 1 ], [ 'other', 2 ], [ 'parts', 3 ]);
}

sub taken_back
{
	my ($s) = @_;

	return family($s, refs => 600, grand => 1, old_key => 1)
		. step($s, 'child', 'ref', 'parent', 'key_1', orphans => q('quarantine'), quarantine_cascades => 'true', replaces => q('old_key'))
		. "CREATE TABLE $s.other AS SELECT id, ref FROM $s.child WHERE ref <= 500;"
		. step($s, 'other', 'ref', 'parent', 'key_2', index => 'false', orphans => q('leave'));
}

# ---------------------------------------------------------------------------------------------------------------------
# Kinds

# Every place of actions of step 1: [ ACTION, skip ], those that run no DDL by 'log ACTION'
sub places
{
	my @places;

	for my $what (@_)
	{
		my ($action, $skip) = ref $what ? @$what : ($what, 0);
		my @at = $action =~ s/^log // ? ('started', 'done') : ('started', 'before', 'after', 'done');
		push @places, map { [ "$_ $action", 1, $skip ] } @at;
	}
	return [@places];
}

our $one_by_one;    # partitions get their keys one by one: before 18

my @fixing = ('add', 'log look', 'log fix', 'validate');

our @kinds = (
	(map { { name => $_->[0], tables => orphans_of($_->[1]), rows => $_->[2], places => places(@fixing),
			call => q{CALL sg_add_fks('%s', fix => true)} } }
		[ 'quar', 'quarantine', 'quarantine' ], [ 'del', 'delete', 'delete' ], [ 'null', 'set null', 'null' ]),
	{ name => 'batch', tables => orphans_of('quarantine'), rows => 'quarantine', settings => 'schemaguard.fix_pause = 0',
		before => [ q{CALL sg_add_fks('%s', validate => false)} ], call => q{CALL sg_fix_orphans('%s', batch => 40)},
		places => places('log look', map { [ 'log fix', $_ ] } 0, 2, 4),
		finish => [ q{CALL sg_fix_orphans('%s')}, q{CALL sg_add_fks('%s', fix => true)} ] },
	{ name => 'restore', rows => 'quarantine', settings => 'schemaguard.fix_pause = 0', loose => 1,
		tables => sub { my ($s) = @_; return family($s, rows => 5000, refs => 600, grand => 1)
			. plain_step($s, orphans => q('quarantine'), quarantine_cascades => 'true'); },
		before => [ q{CALL sg_add_fks('%s', fix => true)}, 'ALTER TABLE %s.child DROP CONSTRAINT key_1' ],
		call => q{CALL sg_restore_quarantine('%s')}, finish => [ q{CALL sg_add_fks('%s', fix => true)} ],
		places => [ [ 'started restore', 0, 0 ], [ 'done restore', 0, 0 ], [ 'started restore', 0, 1 ], [ 'done restore', 0, 1 ] ] },
	{ name => 'move', old_key => 1, rows => 'keep', call => q{CALL sg_add_fks('%s')},
		tables => sub { my ($s) = @_; return family($s, old_key => 1) . plain_step($s, replaces => q('old_key')); },
		places => places('log audit', 'add', 'validate', 'replace') },
	{ name => 'fill', old_key => 1, backfill => 1, rows => 'keep', call => q{CALL sg_add_fks('%s')}, tables => \&filled,
		places => [ @{ places('trigger', 'log backfill') }, [ 'rows backfill', 1, 0 ],
			@{ places('log count', 'add', 'validate', [ 'log count', 1 ], 'replace') } ] },
	{ name => 'pchild', rows => 'quarantine', call => q{CALL sg_add_fks('%s', fix => true)}, tables => \&partitioned_child,
		places => sub { return $one_by_one ?
			places('add', [ 'add', 3 ], 'log look', 'log fix', 'validate', [ 'validate', 2 ], [ 'add', 4 ]) : places(@fixing); } },
	{ name => 'pparent', rows => 'keep', old_key => 1, call => q{CALL sg_add_fks('%s')}, places => places('add', 'validate', 'replace'),
		tables => sub {
			my ($s) = @_;
			my $parts = sub { my ($t) = @_; return "CREATE TABLE $s.${t}_1 PARTITION OF $s.$t FOR VALUES FROM (MINVALUE) TO (250);"
				. "CREATE TABLE $s.${t}_2 PARTITION OF $s.$t FOR VALUES FROM (250) TO (MAXVALUE)"; };
			return family($s, old_key => 1, old_with => 'PARTITION BY RANGE (id)', old_parts => $parts->('old_parent'))
				. "CREATE TABLE $s.whole (id int PRIMARY KEY) PARTITION BY RANGE (id);" . $parts->('whole')
				. ";INSERT INTO $s.whole SELECT generate_series(1, 500);"
				. step($s, 'child', 'ref', 'whole', 'key_1', index => 'false', orphans => q('leave'), replaces => q('old_key')); } },
	(map { { name => $_->[0], rows => 'keep', workers => 2, call => q{CALL sg_add_fks('%s')}, tables => \&several_children,
			settings => "schemaguard.validate_with = $_->[1]", steps => 3,
			places => [ map { my $n = $_; map { [ "$_ validate", $n, 0 ] } 'started', 'done' } 1 .. 3 ] } }
		[ 'parcore', 'core' ], [ 'parscan', 'scan' ]),
	{ name => 'index', rows => 'keep', workers => 2, first => 1, steps => 3, call => q{CALL sg_add_fks('%s')},
		tables => \&several_indexes,
		places => [ (map { [ "started index", $_, 0 ], [ "done index", $_, 0 ] } 1, 2, 3),
			[ 'done index', 3, 1 ], [ 'started index', 3, 2 ], [ 'done index', 3, 2 ] ] },
	{ name => 'back', rows => 'quarantine', old_key => 1, back => 1, workers => 1, steps => 2, tables => \&taken_back,
		before => [ q{CALL sg_add_fks('%s', fix => true)} ], call => q{CALL sg_rollback_fks('%s')},
		finish => [ q{CALL sg_add_fks('%s', fix => true)} ],
		places => [ @{ places('restore key', 'rollback replace', 'rollback add') },
			(map { [ $_, 2, 0 ] } 'started rollback add', 'done rollback add'), (map { [ $_, 0, 0 ] } 'started restore', 'done restore'),
			@{ places('rollback index') } ] },
	{ name => 'unfill', rows => 'keep', old_key => 1, backfill => 1, back => 1, tables => \&filled,
		before => [ q{CALL sg_add_fks('%s', validate => false)} ], call => q{CALL sg_rollback_fks('%s')},
		finish => [ q{CALL sg_add_fks('%s')} ], places => places('rollback add', 'rollback trigger', 'rollback columns') },
	{ name => 'unpart', rows => 'quarantine', back => 1, tables => \&partitioned_child,
		before => [ q{CALL sg_add_fks('%s', fix => true)} ], call => q{CALL sg_rollback_fks('%s')},
		finish => [ q{CALL sg_add_fks('%s', fix => true)} ],
		places => sub { return [ @{ places('rollback add') },
			($one_by_one ? [ 'skipped rollback add', 1, 1 ] : ()), (map { [ $_, 0, 0 ] } 'started restore', 'done restore') ]; } });
$_->{steps} //= 1 foreach @kinds;

# ---------------------------------------------------------------------------------------------------------------------
# What must be true

# Each of these returns lines about what is wrong, or ''

# Steps and catalog; with `loose`, somebody else has dropped a key
sub wrong_steps
{
	my ($node, $run) = @_;
	my $back = $run->{kind}{back} || $run->{taken_back} ? 'true' : 'false';
	my $one_by_one_sql = $one_by_one ? 'true' : 'false';
	my $s = $run->{plan};

	return $node->safe_psql('postgres', <<SQL);
WITH s AS (
	SELECT s.*, to_regclass(s.child_table) AS child FROM schemaguard.plan_step s WHERE s.plan = '$s'
), v AS (
	SELECT s.step, s.state, c.oid AS key, c.convalidated AS valid,
		EXISTS (SELECT FROM pg_constraint o WHERE o.conrelid = s.child AND o.conname = s.replaces) AS old,
		EXISTS (SELECT FROM pg_trigger t WHERE t.tgrelid = s.child AND t.tgname LIKE '~schemaguard%') AS filling,
		EXISTS (SELECT FROM pg_class p WHERE p.oid = s.child AND p.relkind = 'p') AND $one_by_one_sql
			AND NOT EXISTS (SELECT FROM pg_partition_tree(s.child) t WHERE t.isleaf AND NOT EXISTS
				(SELECT FROM pg_constraint k WHERE k.contype = 'f' AND k.conrelid = t.relid AND k.confrelid = to_regclass(s.parent_table)))
			AS on_leaves
	FROM s LEFT JOIN pg_constraint c ON c.contype = 'f' AND c.conname = s.fk_name AND c.conrelid = s.child
)
SELECT format('step %s is %s, key there: %s, valid: %s, old key there: %s, filling: %s', step, state, key IS NOT NULL, valid, old, filling)
FROM v WHERE NOT CASE state
	WHEN 'validated' THEN key IS NOT NULL AND valid AND ($back OR NOT old AND NOT filling)
	WHEN 'added' THEN key IS NOT NULL AND (NOT valid OR old OR filling) OR key IS NULL AND on_leaves
	ELSE key IS NULL END
UNION ALL
SELECT format('constraint %s of %s has %s triggers', c.conname, c.conrelid::regclass, count(t.oid))
FROM pg_constraint c LEFT JOIN pg_trigger t ON t.tgconstraint = c.oid AND t.tgenabled = 'O'
WHERE c.contype = 'f' AND c.conparentid = 0 AND c.connamespace = '$s'::regnamespace
GROUP BY c.oid, c.conname, c.conrelid HAVING count(t.oid) <> 4
UNION ALL
SELECT format('trigger %s belongs to no constraint', t.tgname)
FROM pg_trigger t WHERE t.tgconstraint <> 0 AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.oid = t.tgconstraint)
UNION ALL
SELECT 'trigger without function of a backfill'
FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_proc p ON p.oid = t.tgfoid
WHERE t.tgname LIKE '~schemaguard%' AND c.relnamespace = '$s'::regnamespace AND (p.proname <> t.tgname OR p.pronamespace <> 'schemaguard'::regnamespace)
UNION ALL
SELECT 'function without trigger of a backfill'
FROM pg_proc p
WHERE p.proname LIKE '~schemaguard%' AND NOT EXISTS (SELECT FROM pg_trigger t WHERE t.tgfoid = p.oid)
SQL
}

# Two sets of rows, as jsonb, of which each row must be in both as often
sub differ
{
	my ($what, $a, $b) = @_;

	return "SELECT format('%s of %s are wrong: %s', count(*), '$what', min(x::text)) FROM "
		. "((($a) EXCEPT ALL ($b)) UNION ALL (($b) EXCEPT ALL ($a))) d (x) HAVING count(*) > 0\n";
}

# Every row of the beginning is in its table or in quarantine, once, or has become what the policy makes of it
sub wrong_rows
{
	my ($node, $run) = @_;
	my $s = $run->{plan};
	my $kind = $run->{kind};
	my $kept = sub { my ($t) = @_; return "SELECT q.data FROM schemaguard.quarantine q WHERE q.plan = '$s' AND q.row_table LIKE '$s.$t%'"; };
	my $now = sub { my ($t) = @_; return "SELECT to_jsonb(t) - 'code' FROM $s.$t t"; };
	my @checks;

	if ($kind->{rows} eq 'quarantine')
	{
		push @checks, map { differ($_, $now->($_) . ' UNION ALL ' . $kept->($_), $now->("${_}_was")) } 'child', 'grand';
	}
	else
	{
		my $was = $now->('child_was');
		$was .= " WHERE ref <= 500 OR ref IS NULL OR id IN (SELECT id FROM $s.child)" if $kind->{rows} eq 'delete';
		$was = "SELECT CASE WHEN ref > 500 AND EXISTS (SELECT FROM $s.child c WHERE c.id = t.id AND c.ref IS NULL)"
			. "	THEN to_jsonb(t) || '{\"ref\": null}' ELSE to_jsonb(t) END FROM $s.child_was t" if $kind->{rows} eq 'null';
		push @checks, differ('child', $now->('child'), $was);
		push @checks, differ('grand', $now->('grand') . ' UNION ALL ' . $kept->('grand'), $now->('grand_was')) if $kind->{rows} ne 'keep';
	}
	push @checks, "SELECT count(*) || ' rows have a value that is not theirs' FROM (SELECT to_jsonb(c) ->> 'code' AS code, ref FROM $s.child c) x"
		. " WHERE code <> 'code ' || ref HAVING count(*) > 0" if $kind->{backfill};
	return $node->safe_psql('postgres', join ' UNION ALL ', map { "($_)" } @checks);
}

# Indexes that are invalid
sub wrong_indexes
{
	my ($node, $run) = @_;

	return $node->safe_psql('postgres', "SELECT format('index %s is not valid', i.indexrelid::regclass)
		FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
		WHERE c.relnamespace = '$run->{plan}'::regnamespace AND NOT (i.indisvalid AND i.indisready AND i.indislive)");
}

# All of that; the log may lack so many outcomes.  Where it lacks one, a build may have been cut off, too.
sub wrong_now
{
	my ($node, $run, $open) = @_;
	my @gaps = split /\n/, log_gaps($node, $run->{plan});

	return join "\n", grep { $_ ne '' } $run->{kind}{loose} ? () : wrong_steps($node, $run), wrong_rows($node, $run),
		@gaps > $open ? @gaps : (), $open ? () : wrong_indexes($node, $run);
}

# The plan has come to its end
sub wrong_when_done
{
	my ($node, $run) = @_;
	my ($s, $kind) = @$run{qw(plan kind)};

	return $node->safe_psql('postgres', <<SQL);
SELECT format('step %s is %s: %s', step, state, reason) FROM schemaguard.plan_step WHERE plan = '$s' AND state <> 'validated'
UNION ALL
SELECT format('%s keys are valid and hold', count(*)) FROM sg_orphan_audit_details(plan => '$s')
WHERE state = 'valid' AND result = 'pass' HAVING count(*) <> $kind->{steps}
UNION ALL
SELECT format('%s orphans are left', count(*)) FROM $s.child WHERE ref > 500 HAVING count(*) > 0
UNION ALL
SELECT 'the old key is there' FROM pg_constraint WHERE conname = 'old_key' AND connamespace = '$s'::regnamespace
UNION ALL
SELECT format('the plan wants index: %s', x) FROM sg_plan_sql('$s') x WHERE x LIKE 'CREATE INDEX%'
UNION ALL
SELECT format('trigger %s is left', tgname) FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
WHERE t.tgname LIKE '~schemaguard%' AND c.relnamespace = '$s'::regnamespace
@{[ $kind->{backfill} ? "UNION ALL SELECT count(*) || ' rows are not filled' FROM $s.child WHERE ref IS NOT NULL AND code IS NULL HAVING count(*) > 0" : '' ]}
SQL
}

# The plan has been taken back
sub wrong_when_back
{
	my ($node, $run) = @_;
	my ($s, $kind) = @$run{qw(plan kind)};
	my $old_keys = $kind->{old_key} ? 1 : 0;

	return $node->safe_psql('postgres', <<SQL);
SELECT format('step %s is %s', step, state) FROM schemaguard.plan_step WHERE plan = '$s' AND state IN ('added', 'validated')
UNION ALL
SELECT format('key %s of %s is left', conname, conrelid::regclass) FROM pg_constraint
WHERE contype = 'f' AND connamespace = '$s'::regnamespace AND conname LIKE 'key%'
UNION ALL
SELECT format('%s old keys are there, and valid', count(*)) FROM pg_constraint
WHERE connamespace = '$s'::regnamespace AND conname = 'old_key' AND convalidated AND conparentid = 0 HAVING count(*) <> $old_keys
UNION ALL
SELECT format('index %s is left', c.relname) FROM pg_class c
WHERE c.relkind IN ('i', 'I') AND c.relnamespace = '$s'::regnamespace AND c.relname LIKE '%ref_idx%'
UNION ALL
SELECT format('%s rows of %s are in quarantine', count(*), row_table) FROM schemaguard.quarantine
WHERE plan = '$s' AND '$kind->{rows}' = 'quarantine' GROUP BY row_table
UNION ALL
SELECT format('trigger %s is left', tgname) FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid
WHERE t.tgname LIKE '~schemaguard%' AND c.relnamespace = '$s'::regnamespace
UNION ALL
SELECT 'the column that the plan has added is left' FROM pg_attribute
WHERE attrelid = '$s.child'::regclass AND attname = 'code' AND NOT attisdropped
SQL
}

# ---------------------------------------------------------------------------------------------------------------------
# Sessions

# A session that is asked instead of the node: most questions are so short that connections would be most of the time
package SgRound::Asker;

sub new { my ($class, $node) = @_; return bless { session => SgTest::Session->new($node) }, $class; }

sub safe_psql
{
	my ($self, $dbname, $sql) = @_;
	my $out = $self->{session}->query($sql) // die "the server is gone\n";

	die "$self->{session}{err}\nfor: $sql\n" if $self->{session}->sqlstate ne '';
	return $out;
}

sub quit { my ($self) = @_; $self->{session}->quit; }

package SgRound;

sub open_session
{
	my ($node, $run, @settings) = @_;
	my $kind = $run->{kind};
	my $s = SgTest::Session->new($node);

	$s->query(join ' ', map { "SET $_;" } "trap.plan = '$run->{plan}'", 'schemaguard.workers = ' . ($kind->{workers} // 0),
		grep { defined } $kind->{settings}, @settings);
	return $s;
}

sub call_text { my ($run, $call) = @_; return sprintf $call, $run->{plan}; }

# Some calls of each run, all runs at once; dies when one fails
sub call_all
{
	my ($node, $what, @jobs) = @_;    # [ run, call, call, ... ]
	my @rest = map { { run => $_->[0], calls => [ @$_[ 1 .. $#$_ ] ], session => open_session($node, $_->[0]) } } @jobs;

	while (my @busy = grep { @{ $_->{calls} } } @rest)
	{
		$_->{session}->send(call_text($_->{run}, shift @{ $_->{calls} })) foreach @busy;
		foreach (@busy)
		{
			$_->{session}->collect;
			$_->{run}{said} = $_->{session}{err};
			diag("$what, $_->{run}{plan}: $_->{session}{err}") if $_->{session}->sqlstate ne '';
		}
	}
	$_->{session}->quit foreach @rest;
}

sub ended_with
{
	my ($run, @sqlstates) = @_;

	$run->{session}->collect;
	my $got = $run->{session}->sqlstate;
	return (grep { $got eq $_ } @sqlstates) ? '' : "expected '@sqlstates': $run->{session}{err}";
}

sub was_cut { my ($run) = @_; return defined $run->{session}->collect ? 'the call outlived it' : ''; }

sub all_were_cut { return map { was_cut($_) } @_; }

# ---------------------------------------------------------------------------------------------------------------------
# Faults: strike($node, @runs) returns what is wrong about the end of each call.  `open`: may the log lack an outcome?
# `at`: where it makes sense.

my $second_server = 0;

sub in_a_worker { my ($kind) = @_; return ($kind->{workers} // 0) > 1; }

# Where a lock of somebody else's is in the way of what comes next: what has only said that it starts, and needs more than
# the right to read
sub lock_mode
{
	my ($place) = @_;

	return undef unless $place =~ /^started (.*)/ && $1 !~ /^(?:audit|count|index)$/;
	return $1 eq 'look' ? 'ACCESS EXCLUSIVE' : 'SHARE';
}

sub locked_table
{
	my ($run) = @_;
	my $step = $run->{place}[1];

	return "$run->{plan}.child" if $step < 2;
	return "$run->{plan}." . ($run->{kind}{back} ? 'other' : "child_$step");
}

sub hold_all
{
	my ($node, @runs) = @_;

	foreach my $run (@runs)
	{
		$run->{holder} = SgTest::Session->new($node);
		$run->{holder}->query('BEGIN; LOCK TABLE ' . locked_table($run) . ' IN ' . lock_mode($run->{place}[0]) . ' MODE');
	}
	spring_traps($node);
}

sub release
{
	my ($run) = @_;

	$run->{holder}->query('COMMIT');
	$run->{holder}->quit;
}

sub hold_for_a_while
{
	my ($node, @runs) = @_;

	hold_all($node, @runs);
	nap(long_run() ? 60 : 1.5);
	release($_) foreach @runs;
	return map { ended_with($_, '') } @runs;
}

sub hold_for_too_long
{
	my ($node, @runs) = @_;

	hold_all($node, @runs);
	# rows that can't be put back end a call that has nothing else to do
	my @wrong = map { ended_with($_, '', $_->{kind}{name} eq 'restore' ? '55P03' : ()) } @runs;
	release($_) foreach @runs;
	return @wrong;
}

# The column goes, is missed by the next call, and comes back with what it held
sub drop_column
{
	my ($node, @runs) = @_;
	my $asker = SgRound::Asker->new($node);
	my @wrong;

	foreach my $run (@runs)
	{
		my ($s, $kind) = @$run{qw(plan kind)};
		my $column = $kind->{backfill} ? 'code' : 'ref';
		my $table = locked_table($run);
		$run->{other} = SgTest::Session->new($node);
		# the traps are for those who run plans
		$run->{other}->query("SET trap.plan = 'none'");
		$run->{other}->send("ALTER TABLE $table DROP COLUMN $column CASCADE");
		wait_for(sub {
			$asker->safe_psql('postgres', "SELECT NOT EXISTS (SELECT FROM pg_attribute
					WHERE attrelid = '$table'::regclass AND attname = '$column')
				OR EXISTS (SELECT FROM pg_stat_activity WHERE pid = $run->{other}{pid} AND wait_event = 'relation')") eq 't';
		}) or push @wrong, 'nobody drops the column';
	}
	spring_traps($node);
	foreach my $run (@runs)
	{
		push @wrong, ended_with($run, '');
		$run->{other}->collect;
		push @wrong, $run->{other}{err} if $run->{other}->sqlstate ne '';
		$run->{other}->quit;
	}
	call_all($node, 'without the column', map { [ $_, $_->{kind}{call} ] } @runs);
	foreach my $run (@runs)
	{
		my ($s, $kind) = @$run{qw(plan kind)};
		my $table = locked_table($run);
		my $said = $asker->safe_psql('postgres', "SELECT state || coalesce(': ' || reason, '') FROM schemaguard.plan_step
			WHERE plan = '$s' AND step = greatest($run->{place}[1], 1)");
		push @wrong, "the step says '$said'" unless $kind->{back} || $kind->{loose} || $kind->{backfill}
			|| $said =~ /^(?:skipped: child .* has no column ref|failed: the key was dropped meanwhile)$/;
		next if $kind->{backfill};
		$asker->safe_psql('postgres', "ALTER TABLE $table ADD COLUMN ref int;
			UPDATE $table t SET ref = w.ref FROM $s.child_was w WHERE w.id = t.id");
		$asker->safe_psql('postgres', "ALTER TABLE $s.child ADD CONSTRAINT old_key FOREIGN KEY (ref) REFERENCES $s.old_parent")
			if $kind->{old_key} && $table =~ /child$/;
	}
	$asker->quit;
	return @wrong;
}

sub fill_wal
{
	my ($node, @runs) = @_;
	my $writer = $node->safe_psql('postgres', "SELECT pid FROM pg_stat_activity WHERE backend_type = 'walwriter'");

	foreach my $pid ($writer, map { $_->{trapped} } @runs)
	{
		system('prlimit', "--pid=$pid", '--fsize=0:') == 0 or return 'no prlimit';
	}
	eval { spring_traps($node) };
	# who comes to a page before he comes to the WAL ends with an error, or his step does
	my @alive = grep { defined $_->{session}->collect } @runs;
	my @wrong = map { "the call outlived it: $_->{session}{err}" }
		grep { $_->{session}->sqlstate eq '' && $_->{session}{err} !~ /File too large/ } @alive;
	# if all did, nobody is to meet the limit later on
	if (@alive == @runs)
	{
		system('prlimit', "--pid=$_", '--fsize=unlimited:') foreach $writer, map { $_->{trapped} } @runs;
	}
	wait_restarted($node) or die "the server does not come back\n";
	return @wrong;
}

sub fill_disk
{
	my ($node, @runs) = @_;
	my $filler = SgTest::Session->new($node);
	my @wrong;

	$filler->query('CREATE TABLE filler (x text)');
	$filler->query("INSERT INTO filler SELECT repeat('x', 1900) FROM generate_series(1, $_) g") foreach 100000, 10000, 1000, 50;
	$filler->query("DO 'BEGIN LOOP INSERT INTO filler VALUES (repeat(''x'', 1900)); COMMIT; END LOOP; END'");
	push @wrong, 'the disk is not full' if $filler->sqlstate ne '53100';
	spring_traps($node);
	foreach my $run (@runs)
	{
		push @wrong, ended_with($run, '', '53100');
		$errors_of_full_disk++ if $run->{session}->sqlstate eq '53100' || $run->{session}{err} =~ /No space left/;
	}
	$filler->query('DROP TABLE filler; CHECKPOINT');
	push @wrong, $filler->{err} if $filler->sqlstate ne '';
	$filler->quit;
	return @wrong;
}

our %faults = (
	'cancelled' => { strike => sub {
		my ($node, @runs) = @_;
		$node->safe_psql('postgres', join ';', map { "SELECT pg_cancel_backend($_->{session}{pid})" } @runs);
		spring_traps($node);
		return map { ended_with($_, '57014') } @runs;
	} },
	'terminated' => { open => 1, strike => sub {
		my ($node, @runs) = @_;
		$node->safe_psql('postgres', join ';', map { "SELECT pg_terminate_backend($_->{session}{pid})" } @runs);
		spring_traps($node);
		my @wrong = all_were_cut(@runs);
		wait_for(sub { $node->safe_psql('postgres', "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'schemaguard worker'") eq '0' })
			or push @wrong, 'workers are left';
		return @wrong;
	} },
	'worker terminated' => { at => sub { my ($kind) = @_; return in_a_worker($kind); }, strike => sub {
		my ($node, @runs) = @_;
		$node->safe_psql('postgres', join ';', map { "SELECT pg_terminate_backend($_->{trapped})" }
			grep { $_->{trapped} != $_->{session}{pid} } @runs);
		spring_traps($node);
		return map { ended_with($_, '') } @runs;
	} },
	# whoever stands in the trap: the session, or its worker
	'process killed' => { open => 1, strike => sub {
		my ($node, @runs) = @_;
		kill 'KILL', map { $_->{trapped} } @runs;
		my @wrong = all_were_cut(@runs);
		wait_restarted($node) or die "the server does not come back\n";
		return @wrong;
	} },
	'server killed' => { open => 1, strike => sub {
		my ($node, @runs) = @_;
		crash($node);
		my @wrong = all_were_cut(@runs);
		$node->start;
		return @wrong;
	} },
	'WAL can not be written' => { open => 1, strike => \&fill_wal },
	'disk full' => { open => 1, strike => \&fill_disk },
	# the place that holds the column may have no lock on it, and nothing of it may be needed any more
	'column dropped' => { at => sub {
			my ($kind, $place) = @_;
			return $kind->{backfill} ? !$kind->{back} && $place->[0] !~ /trigger|(?:before|after|done) replace/ : $kind->{name} ne 'index';
		}, strike => \&drop_column },
	'locked for a while' => { at => sub { my ($kind, $place) = @_; return lock_mode($place->[0]); }, strike => \&hold_for_a_while },
	'locked for too long' => { at => sub { my ($kind, $place) = @_; return lock_mode($place->[0]); }, strike => \&hold_for_too_long,
		settings => q{schemaguard.lock_budget = '300ms'} },
	# the standby takes over
	'failover' => { open => 1, strike => sub {
		my ($node, @runs) = @_;
		my $standby = $runs[0]{standby};
		$node->wait_for_catchup($standby, 'replay', $node->lsn('flush'));
		crash($node);
		my @wrong = all_were_cut(@runs);
		$standby->promote;
		return @wrong;
	} });

# ---------------------------------------------------------------------------------------------------------------------
# Rounds

sub places_of
{
	my ($fault, $kind) = @_;
	my $places = ref $kind->{places} eq 'CODE' ? $kind->{places}->() : $kind->{places};
	my $at = $faults{$fault}{at};

	return grep { !$at || $at->($kind, $_) } @$places;
}

sub rounds_of
{
	my ($fault, @some) = @_;
	my $most = 0;

	foreach (map { scalar places_of($fault, $_) } @some) { $most = $_ if $_ > $most; }
	return $most;
}

# How often each pair of kind and fault was struck, which says what the next time is to end in
my %turns;

# Where something was left half done once: the first place that a short run goes to
my %first_place = (
	'cancelled' => { move => 'done audit', fill => 'done count', unpart => 'skipped rollback add' },
	'column dropped' => { batch => 'started fix', pchild => 'started fix', fill => 'started validate' });

sub kinds_for
{
	my ($fault, $turn) = @_;

	return map { $kinds[$_] } grep {
		long_run() || $first_place{$fault}{ $kinds[$_]{name} } || ($_ + $turn) % 3 == 0 || $fault =~ /^worker/ } 0 .. $#kinds;
}

# Place number `number` of each kind, from a start that differs from kind to kind and from fault to fault; in a long run,
# kinds that have been at all of their places pass
sub make_runs
{
	my ($fault, $number, @some) = @_;
	my @runs;
	my $salt = unpack '%32C*', $fault;

	foreach my $kind (@some)
	{
		my @places = places_of($fault, $kind);
		next if !@places || $number >= @places;
		my $turn = $turns{$kind->{name}}++;
		my $start = $salt + 3 * unpack '%32C*', $kind->{name};
		my ($first) = long_run() ? () : grep { $_->[0] eq ($first_place{$fault}{ $kind->{name} } // '') } @places;
		push @runs, { kind => $kind, place => $first // $places[ ($start + $number) % @places ], plan => sprintf('%s_%03d', $kind->{name}, $turn),
			to_the_end => $turn % 2 };
	}
	return @runs;
}

sub in_words { my ($run) = @_; return "$run->{plan} at '$run->{place}[0]'" . ($run->{place}[2] ? " #$run->{place}[2]" : ''); }

# Everything up to the trap; the runs that stand there
sub lead_into_traps
{
	my ($node, $fault, @runs) = @_;

	$node->safe_psql('postgres', join "\n", map {
		"CREATE SCHEMA $_->{plan}; SELECT sg_plan_create('$_->{plan}');\n" . $_->{kind}{tables}->($_->{plan}) } @runs);
	$node->safe_psql('postgres', 'ANALYZE');
	call_all($node, 'before', map { [ $_, @{ $_->{kind}{before} } ] } grep { $_->{kind}{before} } @runs);
	$_->{session} = open_session($node, $_, $faults{$fault}{settings}) foreach @runs;
	my $asker = SgRound::Asker->new($node);
	set_trap($asker, $_->{place}[0], $_->{place}[1], plan => $_->{plan}, skip => $_->{place}[2]) foreach @runs;

	# a build waits for the snapshots of those who stand in traps, so it comes first
	foreach my $some ([ grep { $_->{kind}{first} } @runs ], [ grep { !$_->{kind}{first} } @runs ])
	{
		$_->{session}->send(call_text($_, $_->{kind}{call})) foreach @$some;
		my %trapped = wait_all_trapped($asker, map { $_->{plan} } @$some);
		$_->{trapped} = $trapped{ $_->{plan} } foreach @$some;
	}
	$asker->quit;
	foreach my $run (grep { !$_->{trapped} } @runs)
	{
		IPC::Run::pump_nb($run->{session}{harness});
		diag("$fault: " . in_words($run) . " is not reached: $run->{session}{stderr}");
	}
	is(join(', ', map { in_words($_) } grep { !$_->{trapped} } @runs), '', "$fault: all stand where they are to be struck");
	return grep { $_->{trapped} } @runs;
}

# The end of each: by the next call, or taken back
sub bring_to_an_end
{
	my ($node, $fault, @runs) = @_;
	my @wrong;

	$_->{taken_back} = !$_->{to_the_end} foreach @runs;
	call_all($node, $fault, map {
		[ $_, $_->{taken_back} ? 'CALL sg_rollback_fks(\'%s\')' : @{ $_->{kind}{finish} // [ $_->{kind}{call} ] } ] } @runs);
	my $asker = SgRound::Asker->new($node);
	# a rollback leaves rows alone whose column was made anew: to put them into that one is asked for
	my @kept = grep { $fault eq 'column dropped' && $_->{taken_back} &&
		$asker->safe_psql('postgres', "SELECT EXISTS (SELECT FROM schemaguard.quarantine WHERE plan = '$_->{plan}')") eq 't' } @runs;
	call_all($node, $fault, map { [ $_, 'CALL sg_restore_quarantine(\'%s\')' ] } @kept) if @kept;
	foreach my $run (@runs)
	{
		my $wrong = join "\n", grep { $_ ne '' } wrong_now($asker, $run, 0),
			$run->{taken_back} ? wrong_when_back($asker, $run) : wrong_when_done($asker, $run);
		push @wrong, in_words($run) . ($run->{taken_back} ? ', taken back' : ', finished') . ":\n$wrong\n$run->{said}" if $wrong ne '';
	}
	$asker->quit;
	is(join("\n", @wrong), '', "$fault: then each is finished or taken back, completely");
}

sub run_round
{
	my ($node, $fault, $number, @some) = @_;
	my @runs = make_runs($fault, $number, @some) or return $node;
	my $standby;

	if ($fault eq 'failover')
	{
		$standby = PostgreSQL::Test::Cluster->new('second_' . ++$second_server);
		$node->backup("base_$second_server");
		$standby->init_from_backup($node, "base_$second_server", has_streaming => 1);
		$standby->start;
		$_->{standby} = $standby foreach @runs;
	}
	note("$fault: " . join ', ', map { in_words($_) } @runs);
	my @struck = lead_into_traps($node, $fault, @runs);
	my @wrong = grep { $_ ne '' } $faults{$fault}{strike}->($node, @struck);
	is(join("\n", @wrong), '', "$fault: each call ends as it must");
	$node = $standby if $standby;
	spring_traps($node);
	$_->{session}->quit foreach @runs;

	my $asker = SgRound::Asker->new($node);
	@wrong = map {
		my $wrong = wrong_now($asker, $_, $faults{$fault}{open} ? $_->{kind}{workers} || 1 : 0);
		$wrong eq '' ? () : in_words($_) . ":\n$wrong";
	} @struck;
	$asker->quit;
	is(join("\n", @wrong), '', "$fault: nothing is half done, no row is lost or there twice");
	bring_to_an_end($node, $fault, @struck);
	$node->safe_psql('postgres', join ';', map { "DROP SCHEMA $_->{plan} CASCADE" } @runs);
	return $node;
}

1;
