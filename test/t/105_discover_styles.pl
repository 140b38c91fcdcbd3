# 105_discover_styles.pl: random schemas with known keys, in which every table has a style of naming of its own.
#
# As in databases that grew for years: each table is written in one of the styles of names, in one of three scripts, and
# refers to others in that style.  Beside the keys that have to be found are columns that must not be: counts, prices and times
# named after a table, keys of other systems, polymorphic pairs, keys of tables that do not exist.
#
# After that, more candidates than the audit engine gets at once: each is judged all the same.
#
# rooms: discover
use strict;
use warnings;
use utf8;
use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Utils;
use SgTest;
use Test::More;
use Encode qw(decode encode);
use List::Util 'shuffle';

my $rounds = long_run() ? 100 : 4;
my $node = new_node('styles', conf => "autovacuum = off\nfsync = off\njit = off\n");

sub query { return decode('UTF-8', $node->safe_psql('postgres', encode('UTF-8', $_[0]))); }

my @syllables = (
	[qw(bar dor fen gul hom jav kel lum mor nex pol quin rad sel tov vus wim yor zan bel)],
	[qw(бар дор фен гул хом жав кел лум мор нек пол кин рад сел тов вус вим йор зан бел)],
	[qw(βαρ δορ φεν γυλ χομ ζαβ κελ λυμ μορ νεξ πολ κιν ραδ σελ τοβ βυς βιμ ιορ ζαν βελ)]);

# A noun that is no other one's beginning or end
sub noun
{
	my ($used, $script) = @_;
	while (1)
	{
		my $noun = join '', map { pick(@{ $syllables[$script] }) } 1 .. 3;
		next if grep { index($_, $noun) >= 0 || index($noun, $_) >= 0 } keys %$used;
		$used->{$noun} = 1;
		return $noun;
	}
}

# A table's name and its key
my %tables = (
	plural => [ sub { "$_[0]s" }, sub { 'id' } ],
	singular => [ sub { $_[0] }, sub { "$_[0]_id" } ],
	camel => [ sub { ucfirst $_[0] }, sub { 'Id' } ],
	prefixed => [ sub { "tbl_$_[0]" }, sub { 'id' } ],
	numbered => [ sub { $_[0] }, sub { "$_[0]_no" } ]);

# A reference to it, with a role or without
my %references = (
	snake => sub { ($_[1] ? "$_[1]_" : '') . "$_[0]_id" },
	camel => sub { ($_[1] ? $_[1] . ucfirst $_[0] : $_[0]) . 'Id' },
	before => sub { "id_$_[0]" . ($_[1] ? "_$_[1]" : '') },
	marked => sub { 'fk_' . ($_[1] ? "$_[1]_" : '') . $_[0] });

# What names a table, or nearly, and is no reference to it
sub decoys
{
	my ($noun, $ghost, $type) = @_;
	return pick(
		[ "${noun}_count", 'int' ], [ "number_of_${noun}s", 'int' ], [ "${noun}_price", 'numeric' ], [ "${noun}_at", 'timestamptz' ],
		[ "external_${noun}_id", $type ], [ "external_id", $type ], [ "stripe_${noun}_id", $type ], [ "${ghost}_id", $type ], [ "is_$noun", 'boolean' ]);
}

sub schema
{
	my (%used, %known, %wrong, @sql);
	my $script = int(rand(@syllables));
	my $type = pick('int', 'bigint', 'uuid');
	my @nouns = map { noun(\%used, $script) } 1 .. 6 + int(rand(8));
	my %style = map { $_ => $tables{ pick(sort keys %tables) } } @nouns;

	foreach my $i (0 .. $#nouns)
	{
		my ($table, $key) = @{ $style{ $nouns[$i] } };
		my $name = $table->($nouns[$i]);
		my $reference = $references{ pick(sort keys %references) };
		my @columns = (ident($key->($nouns[$i])) . " $type PRIMARY KEY");
		my %taken = ($key->($nouns[$i]) => 1);

		foreach (1 .. int(rand(4)))
		{
			my $j = int(rand(@nouns));
			my $column = $reference->($nouns[$j], chance(0.3) ? pick('first', 'last', 'backup') : undef);
			next if $j == $i || $taken{$column}++;
			my ($ptable, $pkey) = @{ $style{ $nouns[$j] } };
			push @columns, ident($column) . " $type";
			$known{ "$name($column) > " . $ptable->($nouns[$j]) . '(' . $pkey->($nouns[$j]) . ')' } = 1;
		}
		foreach (1 .. int(rand(4)))
		{
			my ($column, $its) = @{ decoys($nouns[ int(rand(@nouns)) ], noun(\%used, $script), $type) };
			next if $taken{$column}++;
			push @columns, ident($column) . " $its";
			$wrong{"$name($column)"} = 1;
		}
		if (chance(0.3))
		{
			my $noun = chance(0.5) ? $nouns[ int(rand(@nouns)) ] : noun(\%used, $script);
			push @columns, ident("${noun}able_type") . ' text', ident("${noun}able_id") . " $type";
			$wrong{"$name(${noun}able_id)"} = 1;
		}
		push @sql, 'CREATE TABLE ' . ident($name) . ' (' . join(', ', shuffle @columns) . ');';
	}
	return (\@sql, \%known, \%wrong);
}

srand(seed());
my ($right, $proposed, $known_all, $fooled, $wrong_all) = (0, 0, 0, 0, 0);
my (%missed, %taken_in);
foreach my $round (1 .. $rounds)
{
	my ($sql, $known, $wrong) = schema();
	query("SET client_min_messages = warning; DROP SCHEMA IF EXISTS made CASCADE; CREATE SCHEMA made; SET search_path = made; @$sql");
	my @found = split /\n/, query(<<'SQL');
SELECT c.relname || '(' || array_to_string(child_columns, ',') || ') > ' || p.relname || '(' || array_to_string(parent_columns, ',') || ')'
FROM sg_discover_fks_details(verify => 'none') d JOIN pg_class c ON c.oid = d.child_table::regclass JOIN pg_class p ON p.oid = d.parent_table::regclass
SQL
	my %found = map { $_ => 1 } @found;
	$right += grep { $known->{$_} } @found;
	$proposed += @found;
	$known_all += keys %$known;
	$wrong_all += keys %$wrong;
	$fooled += my @fools = grep { $wrong->{ s/ > .*//r } } @found;
	$taken_in{$_} = 1 foreach @fools;
	$missed{$_} = 1 foreach grep { !$found{$_} } keys %$known;
}
my $examples = sub { my @some = sort keys %{ $_[0] }; return map { encode('UTF-8', "$_\n") } @some[ 0 .. ($#some < 9 ? $#some : 9) ] };
diag("$right of $known_all keys are found, $proposed proposed, $fooled of $wrong_all decoys among them");
cmp_ok($right, '>=', 0.8 * $known_all, 'mixed styles: most keys are found') or diag($examples->(\%missed));
cmp_ok($right, '>=', 0.85 * $proposed, 'and little else is proposed');
cmp_ok($fooled, '<=', 0.05 * $wrong_all, 'what only looks like a reference is left alone') or diag($examples->(\%taken_in));
query('DROP SCHEMA made CASCADE');

# ---- more than the audit engine gets at once ----

query('CREATE TABLE hub (id int PRIMARY KEY); INSERT INTO hub SELECT generate_series(1, 10)');
foreach my $t (1 .. 3)
{
	my $n = $t == 3 ? 5 : 601;
	query("CREATE TABLE wide$t (" . join(', ', map { "c${_}_hub_id int" } 1 .. $n) . ')');
	query("INSERT INTO wide$t (c1_hub_id, c2_hub_id) SELECT g, g FROM generate_series(1, 10) g");
}
is(query(q{SELECT child_table, count(*), count(*) FILTER (WHERE result = 'pass'), sum(rows_checked), sum(orphan_rows)
	FROM sg_discover_fks_details(verify => 'full', min_score => 0) WHERE parent_table LIKE '%hub' GROUP BY 1 ORDER BY 1}),
	"public.wide1|601|601|6010|0\npublic.wide2|601|601|6010|0\npublic.wide3|5|5|50|0", 'full: each of 1,207 candidates is judged');

# ---- neither rows nor statistics ----

query('CREATE TABLE bare_owners (id int PRIMARY KEY); CREATE TABLE bare_things (id int PRIMARY KEY, bare_owner_id int)');
is(query("SELECT string_agg(DISTINCT result || ': ' || reason || ' ' || rows_checked, '; ') FROM sg_discover_fks_details('bare_things', verify => '$_')"),
	'unknown: there are no rows that refer to anything 0', "$_: tables without rows") foreach qw(sample full);

$node->stop;
done_testing();
