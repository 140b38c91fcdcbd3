# 134_compare_fks.pl: sg_compare_fks on random pairs of databases that differ in known ways: every key has the one status and
# recommendation that it was made for, and the migrations, run on the side that they are for, make the two sides one.
#
# rooms: fkdiff
# majors: one (arithmetic on facts)
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use Test::More;
use SgTest;

my $node = new_node('compare', without => 1);
my $major = major($node);
my $rounds = long_run() ? 25 : 2;
my @actions = ('NO ACTION', 'RESTRICT', 'CASCADE', 'SET NULL', 'SET DEFAULT');

# What is done to a key in the target, and what the comparison has to say about it
my @edits = (
	[ none => 'common', 'none' ],
	[ none => 'common', 'none' ],
	[ automatic => 'common', 'none' ],
	[ dropped => 'only_reference', 'add here' ],
	[ added => 'only_target', 'add there' ],
	[ renamed => 'renamed', 'rename' ],
	[ named => 'changed', 'rename' ],
	[ on_delete => 'changed', 'change here' ],
	[ on_update => 'changed', 'change here' ],
	[ timing => 'changed', 'change here' ],
	[ parent => 'changed', 'change here' ],
	[ invalid => 'changed', 'validate here' ],
	[ invalid_there => 'changed', 'validate there' ],
	[ doubled => 'common', 'none' ],
	[ columnless => 'only_reference', 'ignore' ],
	[ lonely => 'only_target', 'ignore' ]);

sub key_clause
{
	my ($key, $columns) = @_;

	return 'FOREIGN KEY (' . join(', ', map { ident($_) } @$columns) . ") REFERENCES $key->{parent}"
	  . " ON DELETE $key->{on_delete} ON UPDATE $key->{on_update}$key->{timing}";
}

sub add_key
{
	my ($table, $name, $clause, $not_valid) = @_;

	return "ALTER TABLE $table ADD " . (defined $name ? 'CONSTRAINT ' . ident($name) . ' ' : '') . $clause . ($not_valid ? ' NOT VALID' : '') . ";\n";
}

# One table with its keys: SQL for both sides, and what is expected, by table and names of the key there and here
sub make_table
{
	my ($n, $expected) = @_;
	my $table = chance(0.3) ? qq(s."T ""$n") : "s.t$n";
	my $bare = $table =~ s/^s\.//r;
	my (@there, @here, @late_there, @late_here, $keys_there, $keys_here, $late);

	for my $i (0 .. 3 + int(rand(4)))
	{
		my ($edit, $status, $recommendation) = @{ pick(@edits) };
		# a column that only one side has and one that only the other has, in one place, would be a rename
		if ($edit eq 'columnless' || $edit eq 'lonely')
		{
			$late //= $edit;
			($edit, $status, $recommendation) = @{ $edits[0] } if $edit ne $late;
		}
		my $pair = chance(0.2);
		my @columns = map { (chance(0.2) ? qq(c"$i\x{24}) : "c$i") . $_ } $pair ? ('_a', '_b') : ('');
		my $parent = $pair ? 's.pair' : pick('s.p1', 's.p2');
		my %key = (parent => $parent, on_delete => pick(@actions), on_update => pick(@actions), timing => pick('', '', ' DEFERRABLE', ' DEFERRABLE INITIALLY DEFERRED'));
		my %other = %key;
		my $name = "k$i";
		my ($name_here, @columns_here) = ($name, @columns);

		# each of these makes one difference; a key that has the same clauses in two ways would have none
		$edit = 'on_delete' if $edit eq 'parent' && $pair;
		($status, $recommendation) = ('changed', 'change here') if $edit eq 'on_delete';
		$columns_here[-1] .= ' new' if $edit eq 'renamed';
		$name_here = "k$i here" if $edit eq 'named';
		$other{on_delete} = pick(grep { $_ ne $key{on_delete} } @actions) if $edit eq 'on_delete';
		$other{on_update} = pick(grep { $_ ne $key{on_update} } @actions) if $edit eq 'on_update';
		$other{timing} = pick(grep { $_ ne $key{timing} } '', ' DEFERRABLE', ' DEFERRABLE INITIALLY DEFERRED') if $edit eq 'timing';
		$other{parent} = $parent eq 's.p1' ? 's.p2' : 's.p1' if $edit eq 'parent';
		if ($edit eq 'automatic')
		{
			my $plain = join '_', @columns;
			my $t = $bare =~ s/^"|"$//gr =~ s/""/"/gr;
			($name, $name_here) = ("${t}_${plain}_fkey", pick("${t}_${plain}_fkey1", "my key $i"));
		}

		# columns that one side lacks come last, or those behind them would be in another place
		my ($there, $here) = $edit eq 'columnless' || $edit eq 'lonely' ? (\@late_there, \@late_here) : (\@there, \@here);
		push @$there, map { ident($_) . ' int' } @columns unless $edit eq 'lonely';
		push @$here, map { ident($_) . ' int' } @columns_here unless $edit eq 'columnless';

		my $in_reference = $edit ne 'added' && $edit ne 'lonely';
		my $in_target = $edit ne 'dropped' && $edit ne 'columnless';
		$keys_there .= add_key($table, $name, key_clause(\%key, \@columns), $edit eq 'invalid_there') if $in_reference;
		$keys_here .= add_key($table, $name_here, key_clause(\%other, \@columns_here), $edit eq 'invalid') if $in_target;
		$expected->{join '|', $table, $in_reference ? $name : '', $in_target ? $name_here : ''} = "$status $recommendation";
		if ($edit eq 'doubled')
		{
			$keys_here .= add_key($table, "k$i twin", key_clause(\%other, \@columns_here), 0);
			$expected->{"$table||k$i twin"} = 'only_target drop as duplicate';
		}
	}

	my $make = sub {
		my ($columns, $keys) = @_;
		return "CREATE TABLE $table (id int PRIMARY KEY" . join('', map { ", $_" } @$columns) . ");\n" . ($keys // '');
	};
	return ($make->([ @there, @late_there ], $keys_there), $make->([ @here, @late_here ], $keys_here));
}

sub make_pair
{
	my ($expected) = @_;
	my $there = q{CREATE SCHEMA s; CREATE TABLE s.p1 (id int PRIMARY KEY); CREATE TABLE s.p2 (id int PRIMARY KEY);
		CREATE TABLE s.pair (a int, b int, PRIMARY KEY (a, b));
		INSERT INTO s.p1 VALUES (1), (2), (3); INSERT INTO s.p2 VALUES (1), (2), (3); INSERT INTO s.pair SELECT a, b FROM generate_series(1, 3) a, generate_series(1, 3) b;
	};
	my $here = $there;

	foreach my $n (1 .. 10)
	{
		my ($a, $b) = make_table($n, $expected);
		$there .= $a;
		$here .= $b;
	}
	# tables that one side lacks: as child and as parent
	$there .= "CREATE TABLE s.gone (id int PRIMARY KEY CONSTRAINT k REFERENCES s.p1);\nCREATE TABLE s.asks (id int PRIMARY KEY, gone int CONSTRAINT k REFERENCES s.gone);\n";
	$here .= "CREATE TABLE s.come (id int PRIMARY KEY CONSTRAINT k REFERENCES s.p1);\nCREATE TABLE s.asks (id int PRIMARY KEY, gone int);\n";
	$expected->{$_} = 'only_reference ignore' foreach 's.gone|k|', 's.asks|k|';
	$expected->{'s.come||k'} = 'only_target ignore';
	my $fill = q{DO $$ DECLARE t regclass; BEGIN FOR t IN SELECT oid FROM pg_class WHERE relnamespace = 's'::regnamespace AND relkind = 'r' AND relname ILIKE 't%' LOOP
		EXECUTE (SELECT format('INSERT INTO %s SELECT g %s FROM generate_series(1, 20) g', t, string_agg(', 1 + g % 3', '')) FROM pg_attribute
		         WHERE attrelid = t AND attnum > 1 AND NOT attisdropped); END LOOP; END $$;};
	return ($there . $fill, $here . $fill);
}

# The rows about keys, by table and names, as "status recommendation"
sub comparison
{
	my %rows;

	foreach my $row (rows($node, q{SELECT child_table, coalesce(reference_name, ''), coalesce(target_name, ''), status, recommendation FROM sg_compare_fks_details('there') WHERE level = 'key'}, dbname => 'here'))
	{
		my ($table, $there, $here, $status, $recommendation) = @$row;
		my $key = join '|', $table, $there, $here;
		$rows{$key} = exists $rows{$key} ? 'twice in the result' : "$status $recommendation";
	}
	return \%rows;
}

sub refresh
{
	$node->safe_psql('there', q{SELECT sg_snapshot_take('there', '{s}')});
	my $document = $node->safe_psql('there', q{SELECT sg_snapshot_export('there')});
	$node->safe_psql('here', q{SELECT sg_snapshot_import('there', } . lit($document) . ')');
}

foreach my $round (1 .. $rounds)
{
	my %expected;
	my $seed = seed() * 1000 + $round;

	srand($seed);
	$node->safe_psql('postgres', "DROP DATABASE IF EXISTS $_"), $node->safe_psql('postgres', "CREATE DATABASE $_") foreach 'there', 'here';
	my ($there, $here) = make_pair(\%expected);
	$node->safe_psql('there', "CREATE EXTENSION schemaguard; $there");
	$node->safe_psql('here', "CREATE EXTENSION schemaguard; $here");
	refresh();
	is_deeply(comparison(), \%expected, "seed $seed: " . keys(%expected) . ' keys are what they were made to be');
	my %counts;
	$counts{ (split / /)[0] }++ foreach values %expected;
	my $counted = join ', ', map { "$_ $counts{$_}" } sort keys %counts;
	is($node->safe_psql('here', q{SELECT string_agg(key || ' ' || value, ', ' ORDER BY key) FROM sg_compare_fks_details('there'), jsonb_each_text(counts)
		WHERE level = 'database' AND value <> '0' AND key NOT IN ('reference', 'target')}), $counted, "the counts: $counted");

	my %migrations = map { $_ => '' } 'reference', 'target';
	foreach my $row (rows($node, q{SELECT run_on, replace(migration, E'\n', ' ') FROM sg_compare_fks_details('there') WHERE run_on IS NOT NULL}, dbname => 'here'))
	{
		$migrations{ $row->[0] } .= "$row->[1]\n";
	}
	is($node->psql('here', $migrations{target}, on_error_stop => 1), 0, 'the migrations run here');
	is($node->psql('there', $migrations{reference}, on_error_stop => 1), 0, 'and there');
	$node->safe_psql($_, q{SELECT sg_snapshot_drop('there')}) foreach 'there', 'here';
	refresh();
	is_deeply([ grep { !/ (?:none|ignore)$/ } values %{ comparison() } ], [], 'after which nothing is to be done');
	my $ignored = grep { / ignore$/ } values %expected;
	is(scalar(grep { / ignore$/ } values %{ comparison() }), $ignored, "but to ignore $ignored");
	$node->safe_psql($_, q{SELECT sg_snapshot_drop('there')}) foreach 'there', 'here';
}

$node->stop('immediate');
done_testing();
