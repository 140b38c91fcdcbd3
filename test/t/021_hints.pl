# What the regression tests have printed runs as pasted: each statement with a call of ours, and the last line of each hint, in
# the installation that is recommended (schema sg, which is not in the search_path). The tests' own lines are left out.
# rooms: base check plan run deploy fix
# majors: one (texts)
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Utils;
use SgTest;
use Test::More;

my $node = new_node('pasted', without => 1);
$node->safe_psql('postgres', 'CREATE SCHEMA sg; CREATE EXTENSION schemaguard SCHEMA sg; GRANT USAGE ON SCHEMA sg TO PUBLIC');

my $verb = qr/SELECT|CALL|DO|ALTER|CREATE|DROP|GRANT|REVOKE|VACUUM|REINDEX|INSERT|UPDATE|DELETE|SET|ANALYZE|COMMENT/;
my (%statement, %unqualified, %prose, %where, %several, %inside);

# The cells of a line as psql prints it, in a table or not, that have a call of ours
sub cells
{
	my ($line) = @_;
	return map { s/^\s*(?:HINT:|DETAIL:)\s*//r =~ s/^[-\s]*//r =~ s/\s*\+?$//r } grep { /\bpublic\.sg_\w+\(/ } split /[ +]\|(?: |$)/, $line;
}

foreach my $file (glob "$FindBin::RealBin/../../expected/*.out")
{
	open my $handle, '<', $file or die "$file: $!\n";
	my @lines = <$handle>;
	chomp @lines;
	my ($name) = $file =~ m,([^/]+)\.out$,;
	my $test = -e "$FindBin::RealBin/../sql/$name.sql" ? slurp_file("$FindBin::RealBin/../sql/$name.sql") : '';
	# of a major that this server does not know
	next if $test =~ /^-- since: (\d+)/m && $1 > major($node);
	# what the test itself says is no output
	my %own = map { $_ => 1 } split /\n/, $test;
	for my $i (0 .. $#lines)
	{
		my $line = $lines[$i];
		next if $own{$line};
		foreach my $text (cells($line))
		{
			$statement{$1} //= $name while $text =~ /((?:SELECT|CALL)\b(?:(?!; ).)*?public\.sg_\w+\((?:'(?:[^']|'')*'|[^';])*;)/g;
			$prose{$text} //= $name if $text !~ /^(?:$verb)\b.*;$|^CALL .* finds and /;
		}
		# a hint by psql: it ends where the next statement, result or message begins
		next if $line !~ /^HINT:  (.*)/;
		$unqualified{$line} //= $name if $line =~ /(?<![.\w])sg_\w+\(/;
		$statement{ $lines[$i + 1] } //= $name if $line =~ /:$/ && ($lines[$i + 1] // '') =~ /^(?:$verb)\b.*;$/;
		$where{$line} //= $name if $line =~ /:$/ && ($lines[$i + 1] // '') !~ /^(?:BEGIN|$verb)\b.*;$/;
		$inside{$line} //= $name if $line =~ /^HINT:  .*: (?:$verb)\b.*;$/;
		# one transaction is one statement to psql
		$several{$_} //= $name foreach grep { /^(?:$verb)\b/ && s/'(?:[^']|'')*'|\$\$.*\$\$//gr =~ /; *[^ ]/ } $line =~ s/^HINT:  //r, $line =~ /:$/ ? $lines[$i + 1] // '' : ();
	}
}
ok(keys %statement > 40, 'the tests print statements: ' . keys %statement);
is_deeply(\%unqualified, {}, 'no hint has a call without a schema');
is_deeply(\%prose, {}, 'each call is a statement, alone on its line');
is_deeply(\%where, {}, 'what ends with a colon is followed by a statement');
is_deeply(\%inside, {}, 'no statement is within a sentence');
is_deeply(\%several, {}, 'a hint ends with one statement');

# Misuse and what is not there are errors of a call that was found: others say that it does not parse, or is not known.
my %bad = map { $_ => 1 } qw(42601 42883 42725 42804 42P13 0A000 22P02);
my $pasted = 0;
my @failed;
# one session for all, for most of a new one's time goes by before its statement
my $session = SgTest::Session->new($node);
foreach my $text (sort keys %statement)
{
	my $sql = $text =~ s/\bpublic\.(?=sg_\w+\()/sg./gr;
	my $ours = $sql =~ /\bsg\.sg_/;
	# only parsed: PL/pgSQL does that with all of a block
	$sql = "DO \$pasted\$BEGIN RETURN; $sql END\$pasted\$;" unless $ours;
	$session->query('DISCARD ALL; SET search_path = public');
	$session->query($sql) // die "the session ended: $text";
	my ($state) = $session->{err} =~ /ERROR:\s+(\w{5})/;
	$session->query('ROLLBACK');
	$pasted++;
	push @failed, "$statement{$text}: $text: " . ($state // '') if $state && $bad{$state};
}
$session->quit;
is_deeply(\@failed, [], "$pasted statements run as pasted, with search_path = public");

# ---- a message that is cut is whole where its hint leads: one row ----

my $long = 'a_rather_long_name_that_applications_really_have_for_a_table_';
$node->safe_psql('postgres', <<"SQL");
CREATE SCHEMA ${long}s;
SET search_path = ${long}s;
CREATE TABLE ${long}p (id int PRIMARY KEY, g int);
CREATE TABLE ${long}g (id int PRIMARY KEY);
CREATE TABLE ${long}a (p int CONSTRAINT ${long}a REFERENCES ${long}p);
CREATE TABLE ${long}b (p int CONSTRAINT ${long}b REFERENCES ${long}p);
INSERT INTO ${long}p SELECT g, 9 FROM generate_series(1, 2) g;
INSERT INTO ${long}a VALUES (1);
INSERT INTO ${long}b VALUES (2);
SELECT sg.sg_plan_create('long');
SELECT sg.sg_plan_add_fk('long', '${long}p', 'g', '${long}g', fk_name => '${long}k', orphans => 'quarantine');
SQL
my (undef, undef, $told) = $node->psql('postgres', q{CALL sg.sg_fix_orphans('long', dry_run => true)});
my ($begin, $leads) = $told =~ /(step 1, .*)\.\.\.\n(?:.*\n)*?All of this message:\n(.*;)$/m;
my $whole = $leads ? $node->safe_psql('postgres', $leads) : $told;
is(substr($whole, 0, length $begin), $begin, 'the row has the message');
is(() = $whole =~ /\n/g, 0, 'and it is one row');
like($whole, qr/but blocked by 1 row of ${long}s\.${long}a by key .* by 1 more key$/, 'with its end');

# ---- rows that the application's key on a partitioned table keeps out: the hint's statements give the key back, too ----

$node->safe_psql('postgres', <<'SQL');
CREATE TABLE referenced (id int PRIMARY KEY);
CREATE TABLE "by$hash" (id int PRIMARY KEY, "the id" int CONSTRAINT "hash's" REFERENCES referenced) PARTITION BY HASH (id);
CREATE TABLE hash0 PARTITION OF "by$hash" FOR VALUES WITH (MODULUS 2, REMAINDER 0);
CREATE TABLE hash1 PARTITION OF "by$hash" FOR VALUES WITH (MODULUS 2, REMAINDER 1);
SET session_replication_role = replica;
INSERT INTO "by$hash" VALUES (1, 1), (2, 77);
RESET session_replication_role;
INSERT INTO referenced VALUES (1);
SELECT sg.sg_plan_create('kept out');
SELECT sg.sg_plan_add_fk('kept out', '"by$hash"', 'the id', 'referenced', fk_name => 'hash''s', orphans => 'quarantine', index => false);
CALL sg.sg_add_fks('kept out', fix => true);
SQL
(undef, undef, $told) = $node->psql('postgres', q{CALL sg.sg_restore_quarantine('kept out')});
my ($paste) = $told =~ /^HINT:  Key [^\n]* keeps them out\.[^\n]*:\n(.*;)$/ms;
$node->safe_psql('postgres', $paste // '');
is($node->safe_psql('postgres', 'SELECT count(*) FROM "by$hash"'), 2, 'partitions: the row is back');
is_error($node, 'INSERT INTO "by$hash" VALUES (3, 77), (4, 77), (5, 77)', '23503', qr/"hash's"/, '... and so is the key, which refuses others');
is($node->safe_psql('postgres', q{SELECT bool_or(NOT convalidated) FROM pg_constraint WHERE conname = 'hash''s'}), 't', '... NOT VALID');

done_testing();
