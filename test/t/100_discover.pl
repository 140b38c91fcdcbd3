# 100_discover.pl: random schemas with known keys; wide tables; bad names; cancel; read-only and standby.
#
# A generator makes up nouns, links them and writes the schema in one of the styles of naming that people use. Most of
# the keys that it knows must be proposed, and little else; a proposal must never be one that no foreign key can be.
#
# rooms: discover
# takes: 25 s
# majors: one (arithmetic on names)
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Utils;
use SgTest;
use Test::More;
use List::Util qw(shuffle);
use Time::HiRes 'time';

my $rounds = long_run() ? 60 : 4;
my $node = new_node('discover', conf => "autovacuum = off\nfsync = off\n");

sub query { return $node->safe_psql('postgres', $_[0]); }

my @syllables = qw(bar dor fen gul hom jav kel lum mor nex pol quin rad sel tov vus wim yor zan bel);
my @values = qw(colour weight height remark level amount rank);

# A noun that is no other one's beginning or end
sub noun
{
	my ($used) = @_;
	while (1)
	{
		my $noun = join '', map { pick(@syllables) } 1 .. 3;
		next if grep { index($_, $noun) >= 0 || index($noun, $_) >= 0 } keys %$used;
		$used->{$noun} = 1;
		return $noun;
	}
}

# How names are written: table, its key, a reference to it (with a role or without)
my %styles = (
	snake => [ sub { "$_[0]s" }, sub { 'id' }, sub { ($_[1] ? "$_[1]_" : '') . "$_[0]_id" } ],
	singular => [ sub { $_[0] }, sub { "$_[0]_id" }, sub { ($_[1] ? "$_[1]_" : '') . "$_[0]_id" } ],
	camel => [ sub { ucfirst $_[0] }, sub { 'id' }, sub { ($_[1] ? $_[1] . ucfirst $_[0] : $_[0]) . 'Id' } ],
	glued => [ sub { $_[0] }, sub { "$_[0]id" }, sub { ($_[1] ? "$_[1]_" : '') . "$_[0]id" } ],
	before => [ sub { "tbl_$_[0]" }, sub { "id_$_[0]" }, sub { "id_$_[0]" . ($_[1] ? "_$_[1]" : '') } ],
	module => [ sub { "app_$_[0]" }, sub { 'id' }, sub { ($_[1] ? "$_[1]_" : '') . "$_[0]_id" } ],
	quoted => [ sub { "T $_[0]\"s" }, sub { 'Id' }, sub { ($_[1] ? "$_[1] " : '') . "$_[0]\"s id" } ]);

# A schema: the statements, and the keys as "table(column) > table(column)"
sub schema
{
	my ($style) = @_;
	my ($table, $key, $reference) = @{ $styles{$style} };
	my (%used, @sql, %known);
	my $type = pick('int', 'bigint', 'uuid');
	my @nouns = map { noun(\%used) } 1 .. 6 + int(rand(8));

	foreach my $i (0 .. $#nouns)
	{
		my @columns = (ident($key->($nouns[$i])) . " $type PRIMARY KEY");
		my %taken;
		foreach (1 .. int(rand(4)))
		{
			my $j = int(rand(@nouns));
			my $role = $j == $i ? 'parent' : chance(0.3) ? pick('first', 'last', 'backup') : undef;
			my $column = $reference->($nouns[$j], $role);
			next if $taken{$column}++ || $j == $i && $style eq 'before';
			push @columns, ident($column) . " $type";
			$known{ join '', $table->($nouns[$i]), "($column) > ", $table->($nouns[$j]), '(', $key->($nouns[$j]), ')' } = 1;
		}
		push @columns, map { ident($_) . ' ' . pick('int', 'text', 'numeric', 'timestamptz', $type) }
			(shuffle @values)[ 0 .. 1 + int(rand(4)) ];
		push @sql, 'CREATE TABLE ' . ident($table->($nouns[$i])) . ' (' . join(', ', @columns) . ');';
	}
	return (\@sql, \%known);
}

# ---- what is known is found, and little else ----

srand(seed());
foreach my $style (sort keys %styles)
{
	my ($right, $proposed, $known_all, $addable) = (0, 0, 0, 1);
	foreach my $round (1 .. $rounds)
	{
		my ($sql, $known) = schema($style);
		query("DROP SCHEMA IF EXISTS made CASCADE; CREATE SCHEMA made; SET search_path = made; @$sql");
		my @found = split /\n/, query(<<'SQL');
SELECT c.relname || '(' || array_to_string(child_columns, ',') || ') > ' || p.relname || '(' || array_to_string(parent_columns, ',') || ')'
FROM sg_discover_fks_details(verify => 'none') d JOIN pg_class c ON c.oid = d.child_table::regclass JOIN pg_class p ON p.oid = d.parent_table::regclass
SQL
		$right += grep { $known->{$_} } @found;
		$proposed += @found;
		$known_all += keys %$known;

		# whatever is proposed can be added: the plan's own check finds nothing to say
		my $steps = query("SELECT sg_plan_create('made', replace => true); SELECT sg_plan_from_discovery('made', 0.5)");
		$addable &&= query(q{CALL sg_add_fks('made'); SELECT count(*) FROM schemaguard.plan_step WHERE plan = 'made' AND state <> 'validated'}) =~ /0$/;
	}
	cmp_ok($right, '>=', 0.9 * $known_all, "$style: nine of ten keys are found") or diag("$right of $known_all");
	cmp_ok($right, '>=', 0.95 * $proposed, "$style: hardly anything else is proposed") or diag("$right of $proposed");
	ok($addable, "$style: every proposal can be added and validated");
}
query('DROP SCHEMA made CASCADE');

# ---- 1,600 columns, empty and odd tables ----

query('CREATE TABLE hub (id int PRIMARY KEY); CREATE TABLE wide (' . join(', ', 'hub_id int', map { "c${_}_hub_id int" } 1 .. 1599) . ')');
query('CREATE TABLE nothing (); CREATE TABLE dropped (a int, hub_id int); ALTER TABLE dropped DROP COLUMN hub_id');
my $start = time;
is(query("SELECT count(*) FROM sg_discover_fks_details('wide', 0.3, 'none')"), 1600, '1,600 columns, each refers to the same table');
is(query("SELECT count(*) FROM sg_discover_fks_details('wide', 0.3, 'sample')"), 1600, 'they are sampled, too');
cmp_ok(time - $start, '<', bound(60, 300), 'in seconds');
is(query("SELECT count(*) FROM sg_discover_fks_details('nothing')") . query("SELECT count(*) FROM sg_discover_fks_details('dropped')"), '00',
	'a table without columns, and a column that was dropped');
query('INSERT INTO hub SELECT generate_series(1, 10)');
query('INSERT INTO wide (hub_id, c1_hub_id) SELECT g % 10 + 1, 99 FROM generate_series(1, 100) g');
is(query("SELECT result || ' ' || orphan_rows FROM sg_discover_fks_details('wide', 0, 'full') WHERE child_columns = '{hub_id}'"), 'pass 0',
	'full: a column whose rows have their parents');
is(query("SELECT result || ' ' || orphan_rows FROM sg_discover_fks_details('wide', 0) WHERE child_columns = '{c1_hub_id}'"), 'fail 100',
	'sample: one whose rows do not');

# ---- a lock that somebody holds, a role that may read a part, row security ----

my $locker = SgTest::Session->new($node, dbname => 'postgres');
$locker->query('BEGIN; LOCK TABLE hub IN ACCESS EXCLUSIVE MODE');
is(query("SELECT DISTINCT result || ': ' || reason FROM sg_discover_fks_details('wide', 0.3) WHERE child_columns = '{hub_id}'"),
	'unknown: another session has one of the tables locked', 'nothing waits for a lock');
$locker->query('ROLLBACK');
query('CREATE ROLE reader LOGIN; GRANT SELECT (hub_id) ON wide TO reader; GRANT SELECT ON hub TO reader');
is($node->safe_psql('postgres', "SELECT result FROM sg_discover_fks_details('wide', 0.3) WHERE child_columns = '{hub_id}'", extra_params => [ '-U', 'reader' ]),
	'pass', 'a role that may read the column');
is($node->safe_psql('postgres', "SELECT result FROM sg_discover_fks_details('wide', 0.3) WHERE child_columns = '{c2_hub_id}'", extra_params => [ '-U', 'reader' ]),
	'unknown', 'one that may not read it');
query('ALTER TABLE hub ENABLE ROW LEVEL SECURITY');
is($node->safe_psql('postgres', "SELECT result FROM sg_discover_fks_details('wide', 0.3) WHERE child_columns = '{hub_id}'", extra_params => [ '-U', 'reader' ]),
	'unknown', 'policies that would hide parents are no orphans');
query('ALTER TABLE hub DISABLE ROW LEVEL SECURITY');

# ---- what may not be read is named, and left out ----

sub as_reader
{
	my ($sql) = @_;
	my ($rc, $out, $err) = $node->psql('postgres', $sql, extra_params => [ '-U', 'reader' ]);
	return ($out, $err);
}
query('CREATE TABLE closed (id int PRIMARY KEY, hub_id int); CREATE TABLE seen (closed_id int, hub_id int); GRANT SELECT ON seen TO reader');
my ($out, $err) = as_reader("SELECT DISTINCT child_table, parent_table FROM sg_discover_fks_details(min_score => 0, verify => 'none') ORDER BY 1");
is($out, "public.seen|public.hub\npublic.wide|public.hub", 'neither child nor parent of a proposal');
like($err, qr/NOTICE:  (\d+) tables are left out, for you may read none of them: .*\bclosed\b.*HINT: .*SELECT/s, 'a notice names them');
query('GRANT SELECT ON closed, nothing, dropped TO reader');
($out, $err) = as_reader("SELECT count(*) FROM sg_discover_fks_details('closed', 0, 'none')");
is("$out $err", '1 ', 'none is left out, and nothing is said');
query('CREATE TABLE ' . join('; CREATE TABLE ', map { "shut$_ (id int PRIMARY KEY, hub_id int)" } 1 .. 7));
(undef, $err) = as_reader("SELECT count(*) FROM sg_discover_fks_details('closed', 0, 'none')");
like($err, qr/7 tables are left out.*: (?:public\.shut\d, ){5}\.\.\.\n/, 'of many, some');
query('DROP TABLE closed, seen, ' . join(', ', map { "shut$_" } 1 .. 7));

# ---- without rows, without statistics ----

query('CREATE TABLE anchor (id int PRIMARY KEY); CREATE TABLE cable (id int PRIMARY KEY, anchor_id int)');
my $bare = query("SELECT score FROM sg_discover_fks_details('cable', 0, 'none')");
my $none = 'unknown|0|0|there are no rows that refer to anything';
is(query("SELECT result, rows_checked, orphan_rows, reason FROM sg_discover_fks_details('cable', 0, '$_')"), $none, "$_: no rows on either side") foreach 'sample', 'full';
query('INSERT INTO cable SELECT g FROM generate_series(1, 100) g; ANALYZE cable, anchor');
is(query("SELECT score FROM sg_discover_fks_details('cable', 0, 'none')"), $bare, 'statistics of a column of nulls say nothing');
is(query("SELECT result, rows_checked, orphan_rows, reason FROM sg_discover_fks_details('cable', 0, 'sample')"), $none, 'sample: nulls only');
is(query("SELECT result, rows_checked, orphan_rows FROM sg_discover_fks_details('cable', 0, 'full')"), 'pass|100|0', 'full: nulls only, which are read');
query('UPDATE cable SET anchor_id = id');
is(query("SELECT result, rows_checked, orphan_rows FROM sg_discover_fks_details('cable', 0, '$_')"), 'fail|100|100', "$_: no parent, and statistics of before")
	foreach 'sample', 'full';
query('DROP TABLE anchor, cable');

# ---- many candidates, and cancel ----

query('DROP TABLE wide');
my $tables = long_run() ? 400 : 150;
query(qq{DO \$\$ BEGIN FOR i IN 1 .. $tables LOOP
  EXECUTE format('CREATE TABLE fam%s_type (id int PRIMARY KEY, %s)', i, (SELECT string_agg(format('x%s_type_id int', c), ', ') FROM generate_series(1, 40) c));
END LOOP; END \$\$});
$start = time;
query("SELECT count(*) FROM sg_discover_fks_details(verify => 'none')");
cmp_ok(time - $start, '<', bound(60, 300), "a name that $tables tables end in, each with 40 columns");
is_error($node, "SET statement_timeout = '10ms'; SELECT count(*) FROM sg_discover_fks_details(verify => 'full')", '57014', undef, 'a cancel ends it');

# ---- where nothing can be written ----

query('CREATE TABLE mast (id int PRIMARY KEY); CREATE TABLE tether (mast_id int); INSERT INTO mast VALUES (1); INSERT INTO tether VALUES (1)');
is(query("BEGIN READ ONLY; SELECT count(*) > 0 FROM sg_discover_fks_details('tether', 0, 'sample'); COMMIT"), 't', 'in a read-only transaction');

$node->stop;
done_testing();
