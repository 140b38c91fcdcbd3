# 124_drift_rename.pl: random edits of a schema, some of which are renames: how many are found, and how many are right.
#
# Each round edits a database in a transaction that is rolled back: renames of tables, columns, constraints, indexes and
# types, half of them to a name that has nothing to do with the old one; columns dropped and others added; tables dropped
# and others made. At least 95 % of the renames that sg_drift reports must be right, and 90 % of the real ones found.
#
# rooms: drift
# majors: one (arithmetic on facts)
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Utils;
use SgTest;
use Test::More;
use List::Util qw(shuffle);

my $rounds = long_run() ? 40 : 3;
my $node = new_node('rename', conf => "autovacuum = off\nfsync = off\nmax_locks_per_transaction = 1000\n");
srand(seed());

my @words = qw(account invoice customer address ledger product price stock supplier shipment parcel driver route vehicle city
	region country employee salary project task note remark label colour weight height status level rank amount total tax
	discount currency rate created updated closed valid begin finish owner author editor title body summary token secret);
my @types = (qw(int bigint text numeric date timestamptz boolean uuid jsonb), 'varchar(40)', 'numeric(10,2)');
my $fresh = 0;

sub word { return pick(@words) . (chance(0.5) ? '_' . pick(@words) : ''); }

# A new name for something: like the old one, or unlike; never one that is there
sub new_name
{
	my ($old) = @_;
	$fresh++;
	$old =~ s/\W//g;
	return pick(lc "${old}_new$fresh", lc "x${fresh}_$old", lc substr($old, 0, 20) . $fresh) if chance(0.5);
	return word() . $fresh;
}

sub make_schema
{
	my ($tables) = @_;
	my (@sql, @names);
	push @sql, map { "CREATE TYPE kind$_ AS ENUM (" . join(', ', map { lit(pick(@words) . $_) } 1 .. 3 + int(rand(4))) . ')' } 1 .. 5;
	foreach my $i (1 .. $tables)
	{
		my $name = word() . $i;
		my %used = (id => 1);
		my @columns = ('id int PRIMARY KEY');
		foreach (1 .. 3 + int(rand(10)))
		{
			my $column = word();
			next if $used{$column}++;
			push @columns, "$column " . (chance(0.1) ? 'kind' . (1 + int(rand(5))) : pick(@types)) . (chance(0.3) ? ' NOT NULL' : '')
			  . (chance(0.1) ? ' UNIQUE' : '');
		}
		push @columns, pick(@names) =~ s/(.*)/$1_id int CONSTRAINT fk_${name} REFERENCES $1/r if @names && chance(0.6);
		push @columns, "CONSTRAINT check_$name CHECK (id > $i)" if chance(0.3);
		push @sql, "CREATE TABLE $name (" . join(', ', @columns) . ')';
		push @sql, "CREATE INDEX by_" . $name . " ON $name (" . (sort keys %used)[0] . ')' if chance(0.4);
		push @names, $name;
	}
	return join(";\n", @sql);
}

# What there is: tables with their columns, named constraints, indexes, types; as the identities that drift uses
sub objects
{
	my ($db) = @_;
	my %tables;
	foreach my $row (rows($node, <<'SQL', dbname => $db))
SELECT format('%I.%I', n.nspname, c.relname), c.relname, quote_ident(a.attname), a.attname, format_type(a.atttypid, a.atttypmod),
    NOT EXISTS (SELECT FROM pg_inherits i WHERE c.oid IN (i.inhrelid, i.inhparent)), quote_ident(n.nspname),
    EXISTS (SELECT FROM pg_constraint o WHERE o.confrelid = c.oid AND o.contype = 'f')
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relkind = 'r' AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'schemaguard') ORDER BY 1, a.attnum
SQL
	{
		my ($identity, $name, $quoted, $column, $type, $free, $schema, $referenced) = @$row;
		next if $free ne 't';
		$tables{$identity} //= { identity => $identity, name => $name, schema => $schema, referenced => $referenced eq 't', columns => [], parts => [] };
		push @{ $tables{$identity}{columns} }, [ $quoted, $column, $type ];
	}
	foreach my $row (rows($node, <<'SQL', dbname => $db))
SELECT conrelid::regclass::text, 'constraint', quote_ident(conname), conname FROM pg_constraint WHERE contype IN ('f', 'u', 'c') AND conrelid <> 0 AND conparentid = 0
UNION ALL SELECT indrelid::regclass::text, 'index', quote_ident(n.nspname) || '.' || indexrelid::regclass::text, c.relname
FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE NOT EXISTS (SELECT FROM pg_constraint o WHERE o.conindid = i.indexrelid AND o.contype IN ('p', 'u', 'x'))
SQL
	{
		my ($table, @part) = @$row;
		$table = "public.$table" if $table !~ /\./;
		$part[1] =~ s/^(\w+)\.\1\./$1./;
		push @{ $tables{$table}{parts} }, \@part if $tables{$table};
	}
	return map { $tables{$_} } sort keys %tables;
}

# Edits of some of the tables, and the renames among them: kind, old identity, new identity
sub edits
{
	my (@tables) = @_;
	my (@sql, @renames);
	foreach my $table (shuffle @tables)
	{
		my $identity = $table->{identity};
		my $now = $identity;
		my @columns = shuffle @{ $table->{columns} };
		my $what = rand();

		if ($what < 0.25)
		{
			my $new = new_name($table->{name});
			push @sql, "ALTER TABLE $identity RENAME TO $new";
			$now = "$table->{schema}.$new";
			push @renames, "table $identity $now";
		}
		elsif ($what < 0.30 && !$table->{referenced})
		{
			push @sql, "DROP TABLE $identity CASCADE",
			  "CREATE TABLE $table->{schema}." . new_name('table') . ' (' . join(', ', map { word() . "$_ " . pick(@types) } 1 .. 5) . ')';
			next;
		}
		elsif ($what < 0.45 && !$table->{referenced})
		{
			my $gone = shift @columns;
			push @sql, "ALTER TABLE $now DROP COLUMN $gone->[0] CASCADE", "ALTER TABLE $now ADD COLUMN " . word() . ++$fresh . ' ' . pick(@types, $gone->[2]);
			@{ $table->{parts} } = ();
		}
		# whoever renames a table seldom renames its columns at the same time
		if (chance($now eq $identity ? 0.5 : 0.15) && @columns)
		{
			foreach my $column (splice @columns, 0, $now eq $identity ? 1 + int(rand(2)) : 1)
			{
				my $new = new_name($column->[1]);
				push @sql, "ALTER TABLE $now RENAME COLUMN $column->[0] TO $new";
				push @renames, "column $identity.$column->[0] $now.$new";
			}
		}
		elsif (chance(0.4) && @{ $table->{parts} })
		{
			my ($kind, $quoted, $name) = @{ pick(@{ $table->{parts} }) };
			my $new = new_name($name);
			push @sql, $kind eq 'index' ? "ALTER INDEX $quoted RENAME TO $new" : "ALTER TABLE $now RENAME CONSTRAINT $quoted TO $new";
			push @renames, $kind eq 'index' ? "index $quoted " . ($quoted =~ s/\.[^.]*$//r) . ".$new" : "constraint $identity.$quoted $now.$new";
		}
	}
	return (join(";\n", @sql), @renames);
}

sub run
{
	my ($db, $n, $total) = @_;
	my ($right, $reported, $real) = (0, 0, 0);
	$node->safe_psql($db, "SELECT sg_snapshot_take('r')");
	foreach my $round (1 .. $n)
	{
		my ($sql, @renames) = edits(objects($db));
		my $types = $node->safe_psql($db, "SELECT typname FROM pg_type WHERE typtype = 'e' AND typnamespace = 'public'::regnamespace ORDER BY random() LIMIT 1");
		if ($types ne '')
		{
			my $new = new_name($types);
			$sql .= ";\nALTER TYPE public.$types RENAME TO $new";
			push @renames, "type public.$types public.$new";
		}
		my %renames = map { $_ => 1 } @renames;
		my $out = $node->safe_psql($db, "BEGIN;\nSET client_min_messages = error;\n$sql;\n"
			  . "SELECT kind || ' ' || object || ' ' || actual || E'\\t' || detail FROM sg_drift_details('r', cosmetic => true) WHERE change = 'renamed';\nROLLBACK;");
		my %found = map { /^(.*?)\t(.*)$/ ? ($1 => $2) : () } split /\n/, $out;
		$real += @renames;
		$reported += keys %found;
		$right += grep { $renames{$_} } keys %found;
		note("missed: $_") foreach grep { !$found{$_} } @renames;
		note("wrong: $_ ($found{$_})") foreach grep { !$renames{$_} } sort keys %found;
	}
	note("$db: $right of $reported are right, $real real ones");
	$total->{right} += $right;
	$total->{reported} += $reported;
	$total->{real} += $real;
	return;
}

sub judge
{
	my ($total, $what) = @_;
	my ($right, $reported, $real) = map { $total->{$_} } qw(right reported real);
	cmp_ok($right, '>=', 0.95 * $reported, sprintf('%s: precision is %.3f (%d of %d)', $what, $right / ($reported || 1), $right, $reported));
	cmp_ok($right, '>=', 0.9 * $real, sprintf('%s: recall is %.3f (%d of %d)', $what, $right / $real, $right, $real));
	return;
}

$node->safe_psql('postgres', make_schema(40));
my %made;
run('postgres', $rounds, \%made);
judge(\%made, 'made-up schemas');

# What any two tables may have is no evidence
$node->safe_psql('postgres', <<'SQL');
CREATE DATABASE small;
\c small
CREATE EXTENSION schemaguard;
CREATE TABLE first (id int, name text);
CREATE TABLE pair (a int, b int, c int, d int);
SELECT sg_snapshot_take('r');
DROP TABLE first; CREATE TABLE zebra (id int, name text);
DROP TABLE pair; CREATE TABLE pair (a int, x int, y int, d int);
SELECT sg_snapshot_take('now');
SQL
is($node->safe_psql('small', "SELECT count(*) FROM sg_drift_details('r', 'now') WHERE change = 'renamed'"), '0', 'nothing is guessed');
like($node->safe_psql('small', "SELECT detail FROM sg_drift_details('r', 'now') WHERE object = 'public.pair.b'"), qr/perhaps public\.pair\.x \(score .*public\.pair\.y/,
	'the candidates are named');

my $corpus = $ENV{CORPUS} || "$FindBin::RealBin/../../../shared/corpus";
SKIP:
{
	skip "no corpus in $corpus", 1 if !-e "$corpus/load_facts.sh";
	my @names = map { m,([^/]+)/tables.tsv$, ? $1 : () } sort glob "$corpus/*/tables.tsv";
	@names = qw(chinook) if !long_run();
	my %real;
	foreach my $name (@names)
	{
		local $ENV{PGHOST} = $node->host;
		local $ENV{PGPORT} = $node->port;
		is(system("bash '$corpus/load_facts.sh' '$corpus/$name' $name > /dev/null 2>&1"), 0, "$name is loaded");
		$node->safe_psql($name, 'CREATE EXTENSION schemaguard');
		run($name, long_run() ? 5 : 2, \%real);
		$node->safe_psql('postgres', "DROP DATABASE $name");
	}
	judge(\%real, 'real schemas');
}

done_testing();
