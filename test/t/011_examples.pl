# The manual: every example in README.md and docs/ gives what the page says, every function and setting has its place in the
# reference, and no link leads nowhere.
#
# rooms: base report
# takes: 60 s
use strict;
use warnings;
use FindBin;
use lib $FindBin::Bin;
use SgTest;
use SgExamples;
use PostgreSQL::Test::Utils;
use Test::More;

my $root = "$FindBin::Bin/../..";
my @paths = map { s,^\Q$root\E/,,r } ("$root/README.md", glob("$root/docs/*.md $root/docs/recipes/*.md"));
my %page = map { $_ => slurp_file("$root/$_") } @paths;
# The pages say postgres.
$ENV{PGUSER} = 'postgres';
my $node = new_node('examples', without => 1, initdb => [ '-U', 'postgres' ], conf => "timezone = 'UTC'\nmax_prepared_transactions = 10\n");
my ($run, $compared, $skipped) = (0, 0, 0);

# Roles of one page would be there for the next.
sub drop_roles
{
	$node->safe_psql('postgres', "DROP ROLE $_")
	  foreach split /\n/, $node->safe_psql('postgres', q{SELECT quote_ident(rolname) FROM pg_roles WHERE rolname !~ '^pg_' AND oid <> 10});
	return;
}

foreach my $path (@paths)
{
	my ($items, @found) = read_page($page{$path});
	my @examples = grep { $_->{kind} eq 'sql' } @$items;
	my $database = 'page_' . lc($path =~ s/\W/_/gr);

	$skipped += grep { $_->{kind} eq 'skipped' } @$items;
	next if !@examples && !@found;
	my ($need) = $page{$path} =~ /^<!-- needs: (\w+) -->$/m;
	if ($need && !has_extension($node, $need))
	{
	  SKIP: { skip "$path: no extension $need here", 1 }
		next;
	}
	$node->safe_psql('postgres', "CREATE DATABASE $database");
	run_page($items, "$root/docs", 'psql', '-w', '-d', $node->connstr($database));
	push @found, map { differences($_, major($node)) } grep { $_->{kind} ne 'skipped' } @$items;
	ok(!@found, "$path: " . scalar(@examples) . ' examples') or diag(join "\n", @found);
	$run += @examples;
	$compared += grep { $_->{output} } @examples;
	$node->safe_psql('postgres', "DROP DATABASE $database (FORCE)");
	drop_roles();
}
note("$run examples run, $compared of them compared with their output, $skipped not run");

# ---- the reference is complete ----

$node->safe_psql('postgres', "CREATE SCHEMA sg; CREATE EXTENSION schemaguard SCHEMA sg");
my $reference = join "\n", map { $page{$_} } grep { m,^docs/reference, } @paths;
my %section = map { /\A`?(sg_\w+)/ ? ($1 => $_) : () } split /^### /m, $reference;
my @functions = split /\n/, $node->safe_psql('postgres', q{SELECT DISTINCT proname FROM pg_proc WHERE pronamespace = 'sg'::regnamespace ORDER BY 1});
my @lacking = grep { !$section{$_} } @functions;
is("@lacking", '', 'each function has a section of the reference');
foreach my $part (qw(Privileges Locks Errors))
{
	@lacking = grep { $section{$_} && $section{$_} !~ /^\*\*$part\.\*\*/m } @functions;
	is("@lacking", '', "each section has: $part");
}
@lacking = grep { $section{$_} && $section{$_} !~ /^```sql\n(?:(?!^```).)*\b$_\b/ms } @functions;
is("@lacking", '', 'each section has an example');
@lacking = grep { my $name = $_; !grep { $_ eq $name } @functions } sort keys %section;
is("@lacking", '', 'no section is about what does not exist');
@lacking = grep { index($page{'docs/settings.md'}, "`$_`") < 0 }
  split /\n/, $node->safe_psql('postgres', q{LOAD 'schemaguard'; SELECT name FROM pg_settings WHERE name ~ '^schemaguard[.]' ORDER BY 1});
is("@lacking", '', 'docs/settings.md has each setting');

# ---- on a screen of 120 columns, SELECT * shows the verdict: in the shop, and where names are as long as they get ----

$node->safe_psql('postgres', 'CREATE DATABASE shop');
run_log([ 'psql', '-X', '-q', '-w', '-d', $node->connstr('shop'), '-f', "$root/docs/shop.sql" ])
  or BAIL_OUT('docs/shop.sql');
$node->safe_psql('shop', q{
	SELECT sg_plan_create('shop');
	SELECT sg_plan_add_fk('shop', 'orders', '{customer_id}', 'customers');
	SELECT sg_plan_add_fk('shop', 'order_items', '{order_id}', 'orders');
	SELECT sg_snapshot_take('baseline');
	ALTER TABLE customers ALTER name DROP NOT NULL;
	ALTER TABLE reviews DROP CONSTRAINT reviews_product_id_fkey;
	ALTER TABLE order_items ADD CONSTRAINT order_items_of_product FOREIGN KEY (product_id) REFERENCES products});

# Where the column of a result ends
sub column_end
{
	my ($result, $column) = @_;
	my ($out) = run_command(
		[ 'psql', '-X', '-w', '-P', 'pager=off', '-d', $node->connstr('shop'), '-c', "SELECT * FROM $result" ]);
	my ($header) = split /\n/, $out;
	return $header =~ /\| *\Q$column\E *(?=\||$)/ ? $+[0] : "no column $column: $out";
}

my @verdicts =
  map { [ $_, 'result' ] } 'sg_orphan_audit()', q{sg_orphan_audit(plan => 'shop')}, q{sg_plan_check('shop')}, 'sg_verify_fks()';
cmp_ok(column_end(@$_), '<=', 120, "$_->[0]: $_->[1]")
  foreach @verdicts, [ 'sg_discover_fks()', 'parent_table' ], [ q{sg_drift('baseline')}, 'risk' ], [ q{sg_compare_fks('baseline')}, 'recommendation' ],
  [ 'schemaguard.fk_trust', 'state' ];
my ($schema, $parent, $child, $id, $key) = map { substr("${_}_" . 'long_' x 20, 0, 63) } qw(schema parent child id key);
$node->safe_psql('shop', qq{
	CREATE SCHEMA $schema;
	SET search_path = $schema, sg;
	CREATE TABLE $parent ($id int PRIMARY KEY);
	CREATE TABLE $child ($id int CONSTRAINT $key REFERENCES $parent);
	SELECT sg_plan_add_fk('shop', '$child', '{$id}', '$parent')});
cmp_ok(column_end(@$_), '<=', 120, "long names, $_->[0]: $_->[1]")
  foreach @verdicts, [ 'schemaguard.fk_trust', 'state' ];

# ---- links ----

# Anchors as GitHub makes them of headings
my %anchor;
foreach my $path (@paths)
{
	my $text = $page{$path} =~ s/^```.*?^```$//gmsr;
	$anchor{$path}{ lc($_) =~ s/[^\w\- ]//gr =~ s/ /-/gr } = 1 foreach $text =~ /^#+ (.*?)\s*$/mg;
}
my @dead;
foreach my $path (@paths)
{
	my ($folder) = $path =~ m,^(.*/|),;
	my $text = $page{$path} =~ s/^```.*?^```$//gmsr;
	while ($text =~ /\]\((?!https?:)([^)#\s]*)(?:#([^)\s]*))?\)/g)
	{
		my ($target, $anchor) = ($1 eq '' ? $path : "$folder$1", $2);
		1 while $target =~ s,[^/]+/\.\./,,;
		push @dead, "$path: $1" if !-e "$root/$target";
		push @dead, "$path: $target#$anchor" if defined $anchor && !$anchor{$target}{$anchor};
	}
}
is(join("\n", @dead), '', 'no link leads nowhere');

done_testing();
