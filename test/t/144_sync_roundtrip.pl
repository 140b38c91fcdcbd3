# 144_sync_roundtrip.pl: what sg_sync_sql writes makes a database what another one is, and nothing more, whatever differs.
#
# Two databases differ by a few edits; each becomes the other one, as SgSync.pm says, rows and all. The edits: each
# property of each kind (SgDrift.pm), and random ones of whatever is there (SgEdits.pm), in a schema with one of
# everything, in the objects of PostgreSQL's own regression tests, and in real schemas, where ../shared/corpus is. For
# the regression objects PGREGRESS has to name src/test/regress of PostgreSQL's source; what the server can't is left out.
#
# Then pairs of small schemas, each side written on its own (SgPairs.pm), and with SG_LONG=1 each database from nothing and
# some real schemas into others.
#
# A few of them, with SG_LONG=1 1,500, of which 99 % have to be right. SG_BATCH=n runs batch n alone, SG_CASES=n that
# many edits, SG_EDITS=n so many at once, SG_SEED=n starts elsewhere, SG_BASE=name takes the databases whose names match,
# SG_PAIR=name the pairs whose names do; SG_SUITE=DIR takes the pairs of another suite, DIR/name/a.sql and b.sql, instead.
#
# rooms: sync drift snapshot
# takes: 20 s
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use PostgreSQL::Test::Utils;
use SgDrift;
use SgEdits;
use SgPairs;
use SgSync;
use SgTest;
use Test::More;

my $node = new_node('roundtrip', without => 1, conf => "fsync = off\nwal_level = logical\nmax_locks_per_transaction = 1024\n");
my $sync = SgSync->new($node);
my $per_batch = $ENV{SG_EDITS} || 5;
my $cases = $ENV{SG_OTHER_MAJOR} ? undef : $ENV{SG_CASES};
my ($only, $bases) = ($ENV{SG_BATCH}, $ENV{SG_BASE} // '.');
my (%right, %wrong, %told);

$sync->sql('postgres', "SET allow_in_place_tablespaces = on;\nCREATE TABLESPACE sp LOCATION '';\n" . roles());

# ---- one round there, one back ----

# What goes wrong with these edits, by direction
sub attempt
{
	my ($base, @edits) = @_;
	my %problems;
	$sync->clone('edited', $base->{name});
	$sync->edit('edited', @edits);
	my $reference = $sync->keep('edited');
	$sync->clone('target', $base->{name});
	$problems{there} = $sync->round($reference, 'target');
	$problems{back} = $sync->round($base->{reference}, 'edited');
	unlink $reference->{document};
	return map { $problems{$_} ? "$_: " . substr($problems{$_}, 0, 2500) : () } qw(there back);
}

# These edits, of which some may be refused; each alone, if together they go wrong
sub batch
{
	my ($base, $name, @edits) = @_;
	$sync->clone('edited', $base->{name});
	my @done = $sync->edit('edited', @edits);
	return if !@done;
	my @problems = attempt($base, @done);
	$told{ $base->{kind} } += grep { /^\w+: left out: / } @problems;
	@problems = grep { !/^\w+: left out: / } @problems;
	my @wrong = map { [ $done[0], $_ ] } @problems;
	if (@problems && @done > 1 && !$ENV{SG_QUICK})
	{
		@wrong = map { my $edit = $_; map { [ $edit, $_ ] } grep { !/^\w+: left out: / } attempt($base, $edit) } @done;
		@wrong = map { [ join(";\n", @done), "only together: $_" ] } @problems if !@wrong;
	}
	my %edits = map { $_->[0] => 1 } @wrong;
	$wrong{ $base->{kind} } += keys %edits;
	$right{ $base->{kind} } += @done - keys %edits;
	diag("$name: " . @done . " edits") if long_run();
	diag("$name\n" . join(";\n", $ENV{SG_QUICK} ? @done : $_->[0]) . "\n   $_->[1]\n") for @wrong;
	return (scalar @done, @wrong);
}

sub base
{
	my ($name, $kind) = @_;
	$sync->sql($name, 'CREATE TABLE public.edit_parent (id int PRIMARY KEY); CREATE SCHEMA edit_schema;');
	$sync->fill($name);
	return { name => $name, kind => $kind, reference => $sync->keep($name) };
}

# Batches of random edits until so many of them are done
sub random_edits
{
	my ($base, $count) = @_;
	my ($n, $done) = (0, 0);
	my $edits = SgEdits->new($sync, $base->{name});
	while ($done < $count && ++$n < 10 * $count)
	{
		# other edits in each database
		srand(seed() * 1_000_000 + 1_000 * unpack('%16C*', $base->{name}) + $n);
		$edits->restart;
		my @edits = $edits->some($per_batch + 2);
		next if $only && $n != $only;
		my ($went, @wrong) = batch($base, "SG_SEED=" . seed() . " SG_BASE=^$base->{name}\$ SG_BATCH=$n", @edits);
		$done += $went // 0;
		ok(!@wrong, "$base->{name}: batch $n") unless long_run();
		last if $only;
	}
}

# One whole schema from another one, or from nothing; what goes wrong is told
sub whole
{
	my ($kind, $name, $reference, $template) = @_;
	$sync->clone('target', $template);
	my $problem = $sync->round($reference, 'target');
	$told{$kind}++ if $problem =~ /^left out: /;
	$problem = '' if $problem =~ /^left out: /;
	$problem ? $wrong{$kind}++ : $right{$kind}++;
	diag("$name: " . substr($problem, 0, 2500)) if $problem;
	return !$problem;
}

# ---- one of everything ----

# What went wrong once
my @mended = split /\n/, <<'SQL';
DROP TABLE m.hashed; CREATE TABLE m.hashed (k int) PARTITION BY LIST (k)
ALTER TYPE m.size ADD VALUE 'xs' BEFORE 's'
ALTER TYPE m.pair RENAME ATTRIBUTE a TO c
ALTER TYPE m.row_type ADD ATTRIBUTE more int CASCADE
ALTER TYPE m.bt SET (STORAGE = external)
CREATE OR REPLACE TRANSFORM FOR int LANGUAGE sql (FROM SQL WITH FUNCTION prsd_lextype(internal))
DROP OPERATOR m.=== (int, int); CREATE OPERATOR m.=== (LEFTARG = int, RIGHTARG = int, FUNCTION = int4eq, NEGATOR = OPERATOR(m.!==))
DROP OPERATOR FAMILY m.near USING gist
ALTER TABLE m.parted DETACH PARTITION m.parted1; ALTER TABLE m.parted ATTACH PARTITION m.parted1 FOR VALUES FROM ('2020-01-01') TO ('2022-01-01')
CREATE TABLE m.heir3 (z int); ALTER TABLE m.heir3 INHERIT m.base3
ALTER TABLE m.nulled DISABLE TRIGGER ALL
ALTER TABLE m.t DROP CONSTRAINT t_parent, DROP CONSTRAINT t_region; ALTER TABLE m.t ALTER parent_id TYPE text
DROP INDEX m.t_words; CREATE INDEX t_words ON m.t USING gist (to_tsvector('english', note) tsvector_ops (siglen = 200))
CREATE USER MAPPING FOR PUBLIC SERVER srv
UPDATE m.t SET during = 'empty'; ALTER TABLE m.t DROP CONSTRAINT t_during
SQL

my @each = grep { $_->[0] !~ /SUBSCRIPTION|UPDATE pg_|EXTENSION|password/ } mutations($node);
if ('everything' =~ /$bases/)
{
	$sync->clone('everything');
	$sync->sql('everything', everything() . join("\n", grep { !/SUBSCRIPTION/ } split /\n/, more($node)));
	# which waits for the rest of itself
	$sync->sql('everything', 'DROP INDEX m.parted_b_k');
	my $base = base('everything', 'one of everything');

	if (!$only)
	{
		my ($went, @wrong) = batch($base, 'mended', @mended);
		ok($went == @mended && !@wrong, 'what went wrong once');
	}

	srand(seed());
	my @order = sort { $a->[1] <=> $b->[1] } map { [ $_->[0], rand ] } @each;
	@order = @order[ 0 .. $per_batch - 1 ] if !long_run();
	my $n = 0;
	while (my @some = splice @order, 0, $per_batch)
	{
		$n++;
		next if $only && $n != $only;
		my ($went, @wrong) = batch($base, "each property, batch $n", map { $_->[0] } @some);
		ok(!@wrong, "each property, batch $n") unless long_run();
	}
	whole('from nothing', 'everything from nothing', $base->{reference}) if long_run() && !$only;
	random_edits($base, $cases // (long_run() ? 250 : $per_batch));
}

# ---- pairs, each side written on its own ----

if ('pairs' =~ /$bases/ && !$only)
{
	my $wanted = $ENV{SG_PAIR} // '.';
	srand(seed());
	my $suite = $ENV{SG_SUITE};
	my @known = $suite ? map { my ($name) = m,([^/]+)/a\.sql$,; [ $name, map { slurp_file("$suite/$name/$_.sql") } qw(a b) ] } glob "$suite/*/a.sql" : pairs(major($node));
	my @pairs = sort { $a->[3] <=> $b->[3] } map { [ @$_, rand ] } grep { $_->[0] =~ /$wanted/ } @known;
	@pairs = @pairs[ 0 .. 2 ] if !long_run() && !$ENV{SG_PAIR} && !$suite;
	foreach my $pair (@pairs)
	{
		my ($name, @sides) = @$pair[ 0 .. 2 ];
		my @kept;
		foreach my $n (0, 1)
		{
			$sync->clone("side$n");
			# what the server can't of another suite is left out
			$suite ? $sync->psql("side$n", "SET client_min_messages = error;\n$sides[$n]") : $sync->sql("side$n", $sides[$n]);
			$sync->fill("side$n") if !$suite;
			push @kept, $sync->keep("side$n");
		}
		ok(whole('pairs', "$name, a to b", $kept[1], 'side0'), "pair: $name, a to b");
		ok(whole('pairs', "$name, b to a", $kept[0], 'side1'), "pair: $name, b to a");
	}
}

# ---- PostgreSQL's regression objects ----

SKIP:
{
	my $sql = ($ENV{PGREGRESS} // '') . '/sql';
	skip 'PGREGRESS names no src/test/regress', 1 if !-e "$sql/create_table.sql";
	skip 'not these', 1 if 'regression' !~ /$bases/;
	$sync->clone('regression');
	foreach my $file (qw(test_setup create_type create_function_c create_table create_index create_view create_procedure create_aggregate create_operator create_cast
		create_am constraints triggers inherit domain enum rangetypes rules foreign_data privileges identity generated_stored updatable_views collate stats_ext
		partition_prune indexing foreign_key alter_table alter_generic rowsecurity matview publication sequence create_function_sql plpgsql))
	{
		local $ENV{PG_ABS_SRCDIR} = $ENV{PGREGRESS};
		local ($ENV{PG_LIBDIR}, $ENV{PG_DLSUFFIX}) = ($node->config_data('--pkglibdir') =~ s/\n//r, '.so');
		system("psql -Xq -d '" . $node->connstr('regression') . "' -f '$sql/$file.sql' > /dev/null 2>&1") if -e "$sql/$file.sql";
	}
	# what can't be made twice, or needs a library that is not there
	$sync->psql('regression', <<'SQL');
SET client_min_messages = error;
DROP TABLE IF EXISTS idxpart, trigger_parted CASCADE;
ALTER FUNCTION func_with_set_params() RESET ALL;
DO $$
DECLARE v record;
BEGIN
    -- nor can pg_dump
    FOR v IN SELECT oid, relkind FROM pg_class WHERE relkind IN ('v', 'm') AND oid >= 16384 LOOP
        BEGIN
            PERFORM pg_get_viewdef(v.oid);
        EXCEPTION WHEN OTHERS THEN
            EXECUTE format('DROP %s VIEW %s CASCADE', CASE v.relkind WHEN 'm' THEN 'MATERIALIZED' END, v.oid::regclass);
        END;
    END LOOP;
END $$;
SQL
	my $base = base('regression', 'regression objects');
	whole('from nothing', 'regression from nothing', $base->{reference}) if long_run() && !$only;
	random_edits($base, $cases // (long_run() ? 240 : 5));
}

# ---- real schemas ----

my $corpus = $ENV{CORPUS} || "$FindBin::RealBin/../../../shared/corpus";
SKIP:
{
	skip "no corpus in $corpus", 1 if !-e "$corpus/load_facts.sh";
	my @names = grep { "corpus_$_" =~ /$bases/ } map { m,([^/]+)/tables.tsv$, ? $1 : () } sort glob "$corpus/*/tables.tsv";
	@names = grep { $_ eq 'pagila' } @names if !long_run();
	my $last;
	foreach my $name (@names)
	{
		local ($ENV{PGHOST}, $ENV{PGPORT}) = ($node->host, $node->port);
		is(system("bash '$corpus/load_facts.sh' '$corpus/$name' corpus_$name > /dev/null 2>&1"), 0, "$name is loaded");
		$sync->sql("corpus_$name", 'CREATE EXTENSION schemaguard');
		my $base = base("corpus_$name", 'real schemas');
		if (long_run() && !$only)
		{
			whole('from nothing', "$name from nothing", $base->{reference});
			whole('one into another', "$name from $last->{name}", $base->{reference}, $last->{name}) if $last;
			$sync->sql('postgres', "DROP DATABASE $last->{name}") if $last;
			$last = $base;
		}
		random_edits($base, $cases // (long_run() ? 30 : 5));
		$sync->sql('postgres', "DROP DATABASE corpus_$name") if !$last;
	}
}

foreach my $kind (sort keys %{ { %right, %wrong } })
{
	my ($good, $bad) = ($right{$kind} // 0, $wrong{$kind} // 0);
	diag(sprintf '%s: %d edits, %d right, %.1f %%; %d rounds left out what nothing alters, and said so', $kind, $good + $bad, $good, 100 * $good / ($good + $bad), $told{$kind} // 0);
}
if (long_run())
{
	my ($good, $bad) = (0, 0);
	$good += $_ for values %right;
	$bad += $_ for values %wrong;
	cmp_ok($good, '>=', 99 * ($good + $bad) / 100, ($good + $bad) . " edits, $good of them right");
}
$node->stop;
done_testing();
