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
my @paths = map { s,^\Q$root\E/,,r } ("$root/README.md", glob("$root/docs/*.md $root/docs/recipes/*.md $root/docs/internals/*.md"));
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

# ---- the shop beside an extension that is there ----

$node->safe_psql('postgres', 'CREATE DATABASE beside');
$node->safe_psql('beside', 'CREATE SCHEMA "My Tools"; CREATE EXTENSION schemaguard SCHEMA "My Tools"');
command_ok([ 'psql', '-XqAt', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('beside'), '-f', "$root/docs/shop.sql" ], 'the shop is made beside an extension');
is($node->safe_psql('beside', 'SELECT count(*) FROM sg_orphan_audit()'), '1', '... whose functions are found');

# ---- the reference is complete ----

$node->safe_psql('postgres', "CREATE SCHEMA sg; CREATE EXTENSION schemaguard SCHEMA sg");
my $reference = join "\n", map { $page{$_} } grep { m,^docs/reference, } @paths;
my %section = map { /\A`?(sg_\w+)/ ? ($1 => $_) : () } split /^### /m, $reference;
my @all = split /\n/, $node->safe_psql('postgres', q{SELECT DISTINCT proname FROM pg_proc WHERE pronamespace = 'sg'::regnamespace ORDER BY 1});
# Details stand with their listing.
my @functions = grep { !/_details$/ } @all;
my @lacking = grep { !$section{$_} } @functions;
is("@lacking", '', 'each function has a section of the reference');
@lacking = grep { my $listing = s/_details$//r; index($section{$listing} // '', "`$_`") < 0 } grep { /_details$/ } @all;
is("@lacking", '', 'details are told of where their listing is');
@lacking = grep { index($page{'docs/reference.md'}, "[$_](") < 0 } @functions;
is("@lacking", '', 'docs/reference.md has each function in a row');
# Those of schema schemaguard that an example calls
@lacking = grep { $reference !~ /^### schemaguard\.$_$/m || index($page{'docs/reference.md'}, "[$_](") < 0 }
  sort keys %{ { map { $_ => 1 } map { /\b(?:FROM|SELECT|CALL|EXECUTE FUNCTION) schemaguard\.(sg_\w+)\(/g } map { $page{$_} =~ /^```sql\n(.*?)^```/msg } @paths } };
is("@lacking", '', 'and those of schema schemaguard that examples call');
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
